/* plrs-table-1, -2, -3: Devapriya et al. 2024, networks trained from scratch under PLRS and five other schedules.
 *
 * As printed: plain SGD, no momentum, no weight decay, 500 epochs (100 for Tiny ImageNet), 3 runs. What the paper
 * leaves open and we chose: random crops (padding an eighth of the side) and flips; VGG-16 with batch norm, since at
 * these rates it does not train without; cosine with restarts starts at 0.1; on Tiny ImageNet, which has 100 epochs,
 * knee and drops are at the fractions of them that they have on the other sets (a drop at epoch 100 would never come).
 * Desk scale cuts pictures, batches, epochs, depth and width, and with the epochs every time in the schedules; quick
 * scale learns the built-in digits. */
#include "claims/plrs_tables.h"

#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "claims/network.h"
#include "claims/prose.h"

enum { COSINE, KNEE, ONE_CYCLE, CONSTANT, MULTI_STEP, PLRS, SCHEDULES, MOST_NETWORKS = 2, MOST_SEEDS = 3 };

static const char *const schedule_names[SCHEDULES] = {"cosine", "knee", "one-cycle", "constant", "multi-step", "plrs"};

/* A row of a table: a network on a set, and the paper's mean accuracies (and deviations, where they are known). */
typedef struct {
    const char *name, *title, *paper_model;
    size_t batch;
    double constant;                  /* the constant rate                                   */
    double multi_start;               /* multi-step's first rate                             */
    size_t every;                     /* epochs between drops; 0: at the two milestones      */
    double milestone[2], gamma[2];
    double least, most;               /* of PLRS, and one-cycle's top                        */
    double mean[SCHEDULES], sd[SCHEDULES];
} network;

/* One table at one scale. */
typedef struct {
    const char *name, *set_title, *paper_data;
    double paper_epochs;
    size_t n_networks;
    const network *networks;
    const char *desk_data, *desk_models[MOST_NETWORKS], *quick_models[MOST_NETWORKS];
} table;

#define UNKNOWN {NAN, NAN, NAN, NAN, NAN, NAN}

static const network cifar_10[] = {
    {"vgg16", "VGG-16", "vgg16-bn", 128, 0.05, 0.05, 30, {0}, {0}, 0.07, 0.1,
     {96.09, 96.35, 89.06, 96.06, 92.45, 96.09}, {0.78, 0.45, 1.56, 0.05, 0.90, 1.56}},
    {"wrn", "WRN-28-10", "wrn-28-10", 128, 0.1, 0.2, 0, {60, 120}, {0.04, 0.2}, 0.07, 0.1,
     {91.90, 91.64, 87.37, 92.00, 88.80, 91.43}, UNKNOWN}};
static const network cifar_100[] = {
    {"resnet", "ResNet-110", "resnet110", 128, 0.1, 0.1, 0, {100, 150}, {0.1, 0.1}, 0.07, 0.1,
     {72.66, 72.39, 70.05, 66.67, 61.20, 74.61}, {1.56, 2.96, 1.19, 2.51, 2.39, 2.95}},
    {"densenet", "DenseNet-40-12", "densenet-40-12", 64, 0.1, 0.1, 0, {150, 225}, {0.1, 0.1}, 0.1, 0.2,
     {80.47, 80.73, 72.39, 80.73, 84.89, 83.33}, UNKNOWN}};
static const network tiny_imagenet[] = {
    {"resnet50", "ResNet-50", "resnet50", 50, 0.1, 0.1, 0, {20, 30}, {0.1, 0.1}, 0.35, 0.4,
     {62.03, 61.50, 51.99, 61.11, 61.20, 61.90}, UNKNOWN}};

static const table table_1 = {"plrs-table-1", "CIFAR-10", "cifar10", 500, 2, cifar_10,
                              "cifar10:train=5000:test=2000", {"vgg16-bn:channels=8", "wrn-10-1"},
                              {"conv 8 3 pad=1; bn; relu; maxpool 2; conv 16 3 pad=1; bn; relu; globalavg; linear 10",
                               "resnet8:channels=4"}};
static const table table_2 = {"plrs-table-2", "CIFAR-100", "cifar100", 500, 2, cifar_100,
                              "cifar100:train=10000:test=2000", {"resnet20:channels=8", "densenet-10-8"},
                              {"resnet8:channels=4", "densenet-7-4"}};
static const table table_3 = {"plrs-table-3", "Tiny ImageNet", "tiny-imagenet-200", 100, 1, tiny_imagenet,
                              "tiny-imagenet-200:train=5000:test=2000", {"resnet50:channels=4"}, {"resnet8:channels=4"}};

/* How a scale cuts a table down. */
typedef struct {
    const char *data;
    size_t seeds;
    uint64_t epochs;
    double pace;         /* the scale's epochs over the paper's            */
    size_t batch_divisor; /* few pictures: smaller batches, or there are no steps */
} cut;

static cut cut_of(const table *t, sl_scale scale)
{
    switch (scale) {
    case SL_PAPER: return (cut){t->paper_data, 3, (uint64_t)t->paper_epochs, 1, 1};
    case SL_DESK: return (cut){t->desk_data, 2, 8, 8 / t->paper_epochs, 2};
    case SL_QUICK: break;
    }
    return (cut){"digits:train=600:test=500", 2, 4, 4 / t->paper_epochs, 8};
}

static const char *model_of(const table *t, size_t i, sl_scale scale)
{
    return scale == SL_PAPER ? t->networks[i].paper_model : scale == SL_DESK ? t->desk_models[i] : t->quick_models[i];
}

/* The six schedules with every time in epochs scaled by pace, but none below one epoch. */
typedef struct {
    sl_arm arms[SCHEDULES];
    char schedule[SCHEDULES][96];
} program;

static double paced(double epochs, double pace)
{
    return fmax(1, round(epochs * pace));
}

static void plan(program *p, const network *n, const cut *c, double paper_epochs)
{
    const double knee = paper_epochs == 500 ? 100 : paper_epochs / 5;
    const double rate[SCHEDULES] = {0.1, 0.1, n->most, n->constant, n->multi_start, n->most};
    enum { ROOM = sizeof p->schedule[0] };
    snprintf(p->schedule[COSINE], ROOM, "cosine-restarts:first=1:factor=2:min=0.0001");
    snprintf(p->schedule[KNEE], ROOM, "knee:flat=%g", paced(knee, c->pace));
    snprintf(p->schedule[ONE_CYCLE], ROOM, "one-cycle:up=0.45:three-phase=1:cos=0:div=10:final-div=10");
    snprintf(p->schedule[CONSTANT], ROOM, "constant");
    if (n->every)
        snprintf(p->schedule[MULTI_STEP], ROOM, "step:every=%g", paced((double)n->every, c->pace));
    else
        snprintf(p->schedule[MULTI_STEP], ROOM, "multi-step:milestones=%g,%g:gamma=%g,%g",
                 paced(n->milestone[0], c->pace), paced(n->milestone[0], c->pace) + paced(n->milestone[1] - n->milestone[0], c->pace),
                 n->gamma[0], n->gamma[1]);
    snprintf(p->schedule[PLRS], ROOM, "plrs:min=%g:max=%g", n->least, n->most);
    for (int i = 0; i < SCHEDULES; i++)
        p->arms[i] = (sl_arm){.name = schedule_names[i], .title = schedule_names[i], .schedule = p->schedule[i],
                              .rule = "plain", .lr = rate[i], .batch = n->batch / c->batch_divisor};
}

/* Best test accuracies: best[(network * SCHEDULES + schedule) * seeds + k]. */
typedef struct {
    const table *t;
    cut c;
    sl_scale scale;
    double best[MOST_NETWORKS * SCHEDULES * MOST_SEEDS];
    char setting[MOST_NETWORKS][256];
} outcome;

static sl_status train_one(outcome *o, size_t i, const sl_lab *lab, sl_err *err)
{
    const network *const n = &o->t->networks[i];
    program p;
    plan(&p, n, &o->c, o->t->paper_epochs);
    sl_network net;
    sl_table *curves[SCHEDULES * MOST_SEEDS];
    const size_t seeds = o->c.seeds;
    SL_TRY(sl_network_open(&net, lab, o->c.data, model_of(o->t, i, lab->scale), 0, err));
    if (lab->scale != SL_QUICK) net.augment = (sl_augment){.crop = net.train.height / 8, .flip = true};
    const sl_status st = sl_network_curves(curves, &net, lab, n->name, p.arms, SCHEDULES, seeds, o->c.epochs, err);
    snprintf(o->setting[i], sizeof o->setting[i], "%s as %s on %s, batch %zu, %llu epochs, %zu seeds%s", n->title,
             net.model_name, net.data, n->batch / o->c.batch_divisor, (unsigned long long)o->c.epochs, seeds,
             lab->scale != SL_QUICK ? ", random crops and flips" : "");
    sl_network_close(&net);
    SL_TRY(st);
    for (size_t k = 0; k < SCHEDULES * seeds; k++)
        o->best[i * SCHEDULES * seeds + k] = sl_table_max(curves[k], "test_accuracy");
    sl_network_free_curves(curves, SCHEDULES * seeds);
    return SL_OK;
}

static sl_estimate mean_of(const outcome *o, size_t which, int schedule, double *sd)
{
    sl_welford w = {0};
    for (size_t k = 0; k < o->c.seeds; k++)
        sl_welford_add(&w, o->best[(which * SCHEDULES + (size_t)schedule) * o->c.seeds + k]);
    *sd = sqrt(sl_welford_variance(&w));
    return sl_welford_mean(&w);
}

static sl_status fill(void *ctx, sl_table *t, sl_err *err)
{
    const outcome *const o = ctx;
    SL_TRY(sl_table_set(t, "schedules", err, "0 cosine with restarts, 1 knee, 2 one-cycle, 3 constant, 4 multi-step, 5 PLRS"));
    SL_TRY(sl_table_set(t, "reduced", err, "%s", o->scale == SL_PAPER ? "nothing" : "data, epochs, network, runs: see each block"));
    for (size_t i = 0; i < o->t->n_networks; i++) {
        SL_TRY(sl_table_block(t, o->setting[i], err));
        for (int s = 0; s < SCHEDULES; s++) {
            double sd;
            const sl_estimate e = mean_of(o, i, s, &sd);
            const double row[] = {s, e.value, sd, e.se, o->t->networks[i].mean[s], o->t->networks[i].sd[s]};
            SL_TRY(sl_table_add(t, row, err));
        }
    }
    return SL_OK;
}

static void say(sl_prose *text, cJSON *result, const outcome *o)
{
    cJSON *const list = cJSON_AddArrayToObject(result, "networks");
    for (size_t i = 0; i < o->t->n_networks; i++) {
        const network *const n = &o->t->networks[i];
        cJSON *const item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "network", n->title);
        cJSON_AddStringToObject(item, "setting", o->setting[i]);
        cJSON *const rows = cJSON_AddArrayToObject(item, "schedules");
        sl_say(text, "%s. Best test accuracy, here (and in the paper, at its own scale):\n", o->setting[i]);
        for (int s = 0; s < SCHEDULES; s++) {
            double sd;
            const sl_estimate e = mean_of(o, i, s, &sd);
            sl_say(text, "%s %.2f ± %.2f (%.2f)%s", schedule_names[s], e.value, sd, n->mean[s], s + 1 < SCHEDULES ? ", " : "\n");
            cJSON *const row = cJSON_CreateObject();
            cJSON_AddStringToObject(row, "schedule", schedule_names[s]);
            sl_json_estimate(row, "best_test_accuracy", e);
            sl_json_number(row, "paper", n->mean[s]);
            cJSON_AddItemToArray(rows, row);
        }
        cJSON_AddItemToArray(list, item);
    }
}

static sl_status make(const table *t, const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"schedule[1]", "best_test_accuracy[%]", "sd[%]", "se[%]", "paper[%]", "paper_sd[%]"};
    static const char labels[] = "cosine,knee,1-cycle,const,steps,PLRS";
    const bool other_set = lab->scale == SL_QUICK; /* than the paper's, whose numbers are no comparison then */
    outcome o = {.t = t, .c = cut_of(t, lab->scale), .scale = lab->scale};
    for (size_t i = 0; i < t->n_networks; i++) SL_TRY(train_one(&o, i, lab, err));
    char dat[64], title[128];
    snprintf(dat, sizeof dat, "%s.dat", t->name);
    SL_TRY(sl_tabulate(lab, dat, sizeof columns / sizeof *columns, columns, fill, &o, err));
    sl_prose text = {0};
    say(&text, result, &o);
    sl_curve curves[MOST_NETWORKS][2];
    sl_panel panels[MOST_NETWORKS];
    for (size_t i = 0; i < t->n_networks; i++) {
        curves[i][0] = (sl_curve){.kind = SL_CURVE_POINTS, .title = "here: mean and sd", .dat = dat, .block = (int)i,
                                  .x = "($1-0.08)", .y = "2", .error = "3", .labels = labels, .colour = 0};
        curves[i][1] = (sl_curve){.kind = SL_CURVE_POINTS, .title = "paper", .dat = dat, .block = (int)i,
                                  .x = "($1+0.08)", .y = "5", .labels = labels, .colour = 1};
        panels[i] = (sl_panel){.title = t->networks[i].title, .xlabel = "schedule", .ylabel = "best test accuracy [%]",
                               .xmin = -0.5, .xmax = SCHEDULES - 0.5, .ymin = NAN, .ymax = NAN,
                               .curves = curves[i], .n_curves = other_set ? 1 : 2};
    }
    snprintf(title, sizeof title, "Schedules on %s, %s scale (after Devapriya et al. 2024)",
             other_set ? "built-in digits" : t->set_title, sl_scale_name(lab->scale));
    const sl_figure figure = {.name = t->name, .title = title, .caption = text.text, .rows = 1,
                              .columns = t->n_networks, .width = t->n_networks == 1 ? 16 : 0, .panels = panels,
                              .n_panels = t->n_networks};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

static sl_status make_1(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    return make(&table_1, lab, summary, result, err);
}
static sl_status make_2(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    return make(&table_2, lab, summary, result, err);
}
static sl_status make_3(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    return make(&table_3, lab, summary, result, err);
}

const sl_recipe sl_recipe_plrs_table_1 = {"plrs-table-1", "Devapriya et al. 2024, table 1",
                                          "VGG-16 and WRN-28-10 on CIFAR-10 under PLRS and five schedules", make_1};
const sl_recipe sl_recipe_plrs_table_2 = {"plrs-table-2", "Devapriya et al. 2024, table 2",
                                          "ResNet-110 and DenseNet-40-12 on CIFAR-100 under PLRS and five schedules",
                                          make_2};
const sl_recipe sl_recipe_plrs_table_3 = {"plrs-table-3", "Devapriya et al. 2024, table 3",
                                          "ResNet-50 on Tiny ImageNet under PLRS and five schedules", make_3};
