/* What is run for the figures of Musso 2020 on networks, at each scale, in tables. */
#include "claims/musso_network.h"

/* Quick stand-in for Model 2: an eighth of its width, 600 of the digits. From PyTorch's default start so narrow a
 * network would rest for many epochs before it learns. */
#define NARROW "cnn:channels=8:init=he"

/* ---- Figures 1 and 3 left: Model 1, Nesterov with mu = 0.9 ---- */

static const sl_arm model_1_mnist[] = {
    {"constant", "constant", "constant", "nesterov", 5e-3, 0.9, 0, 256},
    {"random", "random", "random:delta=1", "nesterov", 5e-3, 0.9, 0, 256},
    {"cyclic6", "cyclic, P = 6", "cyclic:period=6", "nesterov", 5e-3, 0.9, 0, 256},
    {"cyclic18", "cyclic, P = 18", "cyclic:period=18", "nesterov", 5e-3, 0.9, 0, 256},
    {"cyclic30", "cyclic, P = 30", "cyclic:period=30", "nesterov", 5e-3, 0.9, 0, 256},
};

/* As many steps as 8 epochs of it, on 3000 of the digits, whose test error is three times MNIST's: hence the wider
 * margin. Seeds: differences of two runs have a deviation of 0.16 points there, of 12 a standard error of 0.045, 5.5
 * of which and a real 0.1 stay within 0.5. */
static const sl_arm model_1_digits[] = {
    {"constant", "constant", "constant", "nesterov", 2e-3, 0.9, 0, 32},
    {"random", "random", "random:delta=1", "nesterov", 2e-3, 0.9, 0, 32},
    {"cyclic2", "cyclic, P = 2", "cyclic:period=2", "nesterov", 2e-3, 0.9, 0, 32},
    {"cyclic5", "cyclic, P = 5", "cyclic:period=5", "nesterov", 2e-3, 0.9, 0, 32},
    {"cyclic10", "cyclic, P = 10", "cyclic:period=10", "nesterov", 2e-3, 0.9, 0, 32},
};

sl_musso_protocols sl_musso_protocols_at(sl_scale scale)
{
    sl_musso_protocols p = {.key = "protocols", .title = "Model 1", .model = "mlp", .arms = model_1_mnist, .n_arms = 5,
                            .seeds = 10, .epochs = 180, .margin = 0.3};
    if (scale == SL_DESK) {
        p.seeds = 6;
        p.epochs = 60;
    } else if (scale == SL_QUICK) {
        p.arms = model_1_digits;
        p.samples = 3000;
        p.seeds = 12;
        p.epochs = 20;
        p.margin = 0.5;
    }
    return p;
}

/* ---- Figures 2 and 3 right: Model 2, weight decay 1e-3 ---- */

static const sl_arm model_2_figure_2[] = {
    {"constant", "constant", "constant", "nesterov", 5e-5, 0.9, 1e-3, 256},
    {"random", "random", "random:delta=1", "nesterov", 5e-5, 0.9, 1e-3, 256},
    {"cyclic6", "cyclic, P = 6", "cyclic:period=6", "nesterov", 5e-5, 0.9, 1e-3, 256},
    {"cyclic18", "cyclic, P = 18", "cyclic:period=18", "nesterov", 5e-5, 0.9, 1e-3, 256},
    {"cyclic30", "cyclic, P = 30", "cyclic:period=30", "nesterov", 5e-5, 0.9, 1e-3, 256},
};
static const sl_arm model_2_figure_3[] = {
    {"constant", "constant", "constant", "nesterov", 5e-3, 0.9, 1e-3, 256},
    {"random", "random", "random:delta=1", "nesterov", 5e-3, 0.9, 1e-3, 256},
    {"cyclic6", "cyclic, P = 6", "cyclic:period=6", "nesterov", 5e-3, 0.9, 1e-3, 256},
    {"cyclic18", "cyclic, P = 18", "cyclic:period=18", "nesterov", 5e-3, 0.9, 1e-3, 256},
    {"cyclic30", "cyclic, P = 30", "cyclic:period=30", "nesterov", 5e-3, 0.9, 1e-3, 256},
};
/* Desk, both figures: 8 epochs of 5000 pictures instead of 180 of 60000, hence smaller batches, a larger rate and
 * shorter periods, of which 8 epochs hold whole ones: all protocols have one mean rate. */
static const sl_arm model_2_desk[] = {
    {"constant", "constant", "constant", "nesterov", 2e-3, 0.9, 1e-3, 64},
    {"random", "random", "random:delta=1", "nesterov", 2e-3, 0.9, 1e-3, 64},
    {"cyclic1", "cyclic, P = 1", "cyclic:period=1", "nesterov", 2e-3, 0.9, 1e-3, 64},
    {"cyclic2", "cyclic, P = 2", "cyclic:period=2", "nesterov", 2e-3, 0.9, 1e-3, 64},
    {"cyclic4", "cyclic, P = 4", "cyclic:period=4", "nesterov", 2e-3, 0.9, 1e-3, 64},
};
static const sl_arm model_2_quick[] = {
    {"constant", "constant", "constant", "nesterov", 3e-3, 0.9, 1e-3, 16},
    {"random", "random", "random:delta=1", "nesterov", 3e-3, 0.9, 1e-3, 16},
    {"cyclic1", "cyclic, P = 1", "cyclic:period=1", "nesterov", 3e-3, 0.9, 1e-3, 16},
    {"cyclic2", "cyclic, P = 2", "cyclic:period=2", "nesterov", 3e-3, 0.9, 1e-3, 16},
    {"cyclic4", "cyclic, P = 4", "cyclic:period=4", "nesterov", 3e-3, 0.9, 1e-3, 16},
};

static sl_musso_protocols model_2_at(sl_scale scale, const sl_arm *paper, const char *key)
{
    switch (scale) {
    case SL_PAPER:
        return (sl_musso_protocols){.key = key, .title = "Model 2", .model = "cnn", .arms = paper, .n_arms = 5,
                                    .seeds = 5, .epochs = 180, .margin = 0.3};
    case SL_DESK:
        return (sl_musso_protocols){.key = key, .title = "Model 2", .data = "mnist:test=4000", .model = "cnn",
                                    .arms = model_2_desk, .n_arms = 5, .samples = 5000, .seeds = 4, .epochs = 8,
                                    .margin = 0.5};
    case SL_QUICK: break;
    }
    return (sl_musso_protocols){.key = key, .title = "Model 2 (8 channels)", .data = "digits:test=500",
                                .model = NARROW, .arms = model_2_quick, .n_arms = 5, .samples = 600,
                                .seeds = 6, .epochs = 8, .margin = 6};
}

sl_musso_protocols sl_musso_protocols_model_2_at(sl_scale scale)
{
    return model_2_at(scale, model_2_figure_2, "protocols-model-2");
}

sl_musso_protocols sl_musso_accuracy_model_2_at(sl_scale scale)
{
    return model_2_at(scale, model_2_figure_3, "accuracy-model-2");
}

/* ---- Figure 4: Model 3 on CIFAR-10, with two constant rates as hot as the random and the cyclic ones ---- */

static const sl_arm model_3_figure_4[] = {
    {"constant", "constant", "constant", "nesterov", 5e-4, 0.9, 1e-3, 256},
    {"random", "random", "random:delta=1", "nesterov", 5e-4, 0.9, 1e-3, 256},
    {"cyclic6", "cyclic, P = 6", "cyclic:period=6", "nesterov", 5e-4, 0.9, 1e-3, 256},
    {"cyclic18", "cyclic, P = 18", "cyclic:period=18", "nesterov", 5e-4, 0.9, 1e-3, 256},
    {"cyclic30", "cyclic, P = 30", "cyclic:period=30", "nesterov", 5e-4, 0.9, 1e-3, 256},
    {"hotter-4-3", "constant, 4/3 l", "constant", "nesterov", 5e-4 * 4 / 3, 0.9, 1e-3, 256},
    {"hotter-3-2", "constant, 3/2 l", "constant", "nesterov", 5e-4 * 3 / 2, 0.9, 1e-3, 256},
};
static const sl_arm small_figure_4[] = {
    {"constant", "constant", "constant", "nesterov", 5e-3, 0.9, 1e-3, 64},
    {"random", "random", "random:delta=1", "nesterov", 5e-3, 0.9, 1e-3, 64},
    {"cyclic1", "cyclic, P = 1", "cyclic:period=1", "nesterov", 5e-3, 0.9, 1e-3, 64},
    {"cyclic2", "cyclic, P = 2", "cyclic:period=2", "nesterov", 5e-3, 0.9, 1e-3, 64},
    {"cyclic3", "cyclic, P = 3", "cyclic:period=3", "nesterov", 5e-3, 0.9, 1e-3, 64},
    {"hotter-4-3", "constant, 4/3 l", "constant", "nesterov", 5e-3 * 4 / 3, 0.9, 1e-3, 64},
    {"hotter-3-2", "constant, 3/2 l", "constant", "nesterov", 5e-3 * 3 / 2, 0.9, 1e-3, 64},
};

sl_musso_protocols sl_musso_regularisation_at(sl_scale scale)
{
    static const char key[] = "regularisation";
    switch (scale) {
    case SL_PAPER:
        return (sl_musso_protocols){.key = key, .title = "Model 3", .data = "cifar10", .model = "vgg16",
                                    .arms = model_3_figure_4, .n_arms = 7, .seeds = 5, .epochs = 180, .margin = 0.5};
    case SL_DESK:
        return (sl_musso_protocols){.key = key, .title = "Model 2 (16 channels)", .data = "cifar10:test=4000",
                                    .model = "cnn:channels=16", .arms = small_figure_4, .n_arms = 7, .samples = 5000,
                                    .seeds = 6, .epochs = 12, .margin = 1};
    case SL_QUICK: break;
    }
    return (sl_musso_protocols){.key = key, .title = "Model 2 (8 channels)", .data = "digits:test=500",
                                .model = NARROW, .arms = small_figure_4, .n_arms = 7, .samples = 600,
                                .seeds = 3, .epochs = 6, .margin = 6};
}

sl_status sl_musso_protocol_curves(sl_table **curves, const sl_lab *lab, const sl_musso_protocols *p, sl_err *err)
{
    sl_network net;
    SL_TRY(sl_network_open(&net, lab, p->data, p->model, p->samples, err));
    const sl_status st =
        sl_network_curves(curves, &net, lab, p->key, p->arms, p->n_arms, p->seeds, p->epochs, err);
    sl_network_close(&net);
    return st;
}

/* ---- Figure 5: Model 1, random protocol, mu = 0 ----
 * The digits are a fifth of MNIST: rates five times as large make an epoch last as long (time N l / C). III trains for
 * twice as many epochs, so that it reaches I's time too. */

static const sl_arm figure_5_mnist[] = {
    {"I", "I: C = 60, l = 2e-4", "random:delta=1", "plain", 2e-4, 0, 0, 60},
    {"II", "II: C = 30, l = 1e-4 (same T)", "random:delta=1", "plain", 1e-4, 0, 0, 30},
    {"III", "III: C = 60, l = 1e-4 (half T)", "random:delta=1", "plain", 1e-4, 0, 0, 60},
};
static const sl_arm figure_5_digits[] = {
    {"I", "I: C = 60, l = 1e-3", "random:delta=1", "plain", 1e-3, 0, 0, 60},
    {"II", "II: C = 30, l = 5e-4 (same T)", "random:delta=1", "plain", 5e-4, 0, 0, 30},
    {"III", "III: C = 60, l = 5e-4 (half T)", "random:delta=1", "plain", 5e-4, 0, 0, 60},
};

sl_musso_pair sl_musso_figure_5_at(sl_scale scale)
{
    static const char key[] = "equal-temperature", title[] = "Model 1", model[] = "mlp";
    switch (scale) {
    case SL_PAPER:
        return (sl_musso_pair){key, title, NULL, model, figure_5_mnist, 0, 16, 30, 1};
    case SL_DESK:
        return (sl_musso_pair){key, title, NULL, model, figure_5_mnist, 0, 12, 10, 1};
    case SL_QUICK: break;
    }
    return (sl_musso_pair){key, title, NULL, model, figure_5_digits, 0, 8, 4, 1};
}

/* ---- Figure 6 left: Model 2, alpha l uniform in [0, 0.005], Nesterov ---- */

static const sl_arm figure_6[] = {
    {"I", "I: C = 60, mu = 0.75", "random:delta=1", "nesterov", 2.5e-3, 0.75, 0, 60},
    {"II", "II: C = 30, mu = 0.5 (same T)", "random:delta=1", "nesterov", 2.5e-3, 0.5, 0, 30},
    {"III", "III: C = 60, mu = 0.5 (half T)", "random:delta=1", "nesterov", 2.5e-3, 0.5, 0, 60},
};
/* A hundredth of MNIST: ten times the rate, and more epochs. */
static const sl_arm figure_6_quick[] = {
    {"I", "I: C = 60, mu = 0.75", "random:delta=1", "nesterov", 2.5e-2, 0.75, 0, 60},
    {"II", "II: C = 30, mu = 0.5 (same T)", "random:delta=1", "nesterov", 2.5e-2, 0.5, 0, 30},
    {"III", "III: C = 60, mu = 0.5 (half T)", "random:delta=1", "nesterov", 2.5e-2, 0.5, 0, 60},
};

sl_musso_pair sl_musso_figure_6_at(sl_scale scale)
{
    static const char key[] = "equal-temperature-model-2";
    switch (scale) {
    case SL_PAPER: return (sl_musso_pair){key, "Model 2", NULL, "cnn", figure_6, 0, 10, 30, 1};
    case SL_DESK: return (sl_musso_pair){key, "Model 2", "mnist:test=4000", "cnn", figure_6, 6000, 6, 4, 3};
    case SL_QUICK: break;
    }
    return (sl_musso_pair){key, "Model 2 (8 channels)", "digits:test=500", NARROW, figure_6_quick, 600, 6, 8, 5};
}

/* ---- Figure 6 right: Model 3 on CIFAR-10, mu = 0.9, Nesterov ---- */

static const sl_arm figure_6_right[] = {
    {"I", "I: C = 128, l = 2.5e-4", "random:delta=1", "nesterov", 2.5e-4, 0.9, 0, 128},
    {"II", "II: C = 256, l = 5e-4 (same T)", "random:delta=1", "nesterov", 5e-4, 0.9, 0, 256},
    {"III", "III: C = 256, l = 2.5e-4 (half T)", "random:delta=1", "nesterov", 2.5e-4, 0.9, 0, 256},
};
/* Desk: VGG16 of a quarter of the width, batches and rates for 5000 pictures. */
static const sl_arm figure_6_right_desk[] = {
    {"I", "I: C = 32, l = 2.5e-3", "random:delta=1", "nesterov", 2.5e-3, 0.9, 0, 32},
    {"II", "II: C = 64, l = 5e-3 (same T)", "random:delta=1", "nesterov", 5e-3, 0.9, 0, 64},
    {"III", "III: C = 64, l = 2.5e-3 (half T)", "random:delta=1", "nesterov", 2.5e-3, 0.9, 0, 64},
};

sl_musso_pair sl_musso_figure_6_right_at(sl_scale scale)
{
    static const char key[] = "equal-temperature-model-3";
    switch (scale) {
    case SL_PAPER: return (sl_musso_pair){key, "Model 3", "cifar10", "vgg16", figure_6_right, 0, 5, 60, 1};
    case SL_DESK:
        return (sl_musso_pair){key, "Model 3 (16 channels)", "cifar10:test=2000", "vgg16:channels=16",
                               figure_6_right_desk, 5000, 4, 4, 3};
    case SL_QUICK: break;
    }
    return (sl_musso_pair){key, "Model 2 (8 channels)", "digits:test=500", NARROW, figure_6_right_desk, 600, 3, 4, 5};
}

sl_status sl_musso_pair_curves(sl_table **curves, const sl_lab *lab, const sl_musso_pair *p, sl_err *err)
{
    sl_network net;
    SL_TRY(sl_network_open(&net, lab, p->data, p->model, p->samples, err));
    sl_status st = sl_network_curves(curves, &net, lab, p->key, p->arms, 2, p->seeds, p->epochs, err);
    if (st == SL_OK) {
        st = sl_network_curves(curves + 2 * p->seeds, &net, lab, p->key, p->arms + 2, 1, p->seeds, 2 * p->epochs, err);
        if (st != SL_OK) sl_network_free_curves(curves, 2 * p->seeds);
    }
    sl_network_close(&net);
    return st;
}
