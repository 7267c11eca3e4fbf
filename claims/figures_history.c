/* temperature-during-training: the temperature that eq 20 gives with the noise as it is at each moment, against that of
 * the velocities, of Model 1 from its random start on. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "claims/musso_noise.h"
#include "claims/prose.h"
#include "nets/temperature.h"
#include "theory/temperature.h"

enum { ARMS = 3, WINDOWS = 24, PROBES = 8 };

static const struct {
    const char *title, *schedule;
    double mu, delta;
} arms[ARMS] = {{"constant, μ = 0", "constant", 0, 0},
                {"random, μ = 0", "random:delta=1", 0, 1},
                {"constant, μ = 0.75", "constant", 0.75, 0}};

typedef struct {
    const char *data, *model;
    double lr;
    size_t batch, samples; /* the noise is measured on the first so many of the training set; 0: all. MNIST begins with
                              clean ones: of the first 4000 alone tr D is a fifth too small */
    uint64_t steps;
} setting;

static setting setting_at(sl_scale scale)
{
    switch (scale) {
    case SL_PAPER: return (setting){"mnist", "mlp", 0.01, 64, 0, 28800};
    case SL_DESK: return (setting){"mnist", "mlp", 0.02, 64, 20000, 4800};
    case SL_QUICK: break;
    }
    return (setting){"digits:train=1000:test=100", "mlp:hidden=30", 0.02, 32, 0, 1200};
}

typedef struct {
    uint64_t first, last;
    double loss;
    sl_estimate predicted, kinetic;
} moment;

typedef struct {
    setting s;
    moment at[ARMS][WINDOWS];
    size_t samples;
    sl_estimate ratio[ARMS]; /* kinetic over predicted, mean over the windows */
    double expected[ARMS];   /* to the next order in l */
} history;

/* Eq 20 with the noise of the moment, D = q D0, D0 the mean variance of a coordinate. */
static sl_status predict(sl_estimate *T, const setting *s, int arm, sl_estimate trace, double parameters, sl_err *err)
{
    const sl_temp_params p = {.l = s->lr, .mu = arms[arm].mu, .C = (double)s->batch, .D = sl_alpha_q(arms[arm].delta)};
    double per_D0;
    SL_TRY(sl_temp_effective(&per_D0, &p, err));
    *T = sl_scaled(per_D0 / parameters, trace);
    return SL_OK;
}

/* <v^2> in a bowl of curvature a over that where the force is constant, to first order in a l (theory.md, alpha on the
 * gradient): what kicked weights swing back, the next kicks find in the velocity. */
static double next_order(const setting *s, int arm, double a)
{
    const double mu = arms[arm].mu, q = sl_alpha_q(arms[arm].delta);
    return 1 + a * s->lr * (q * (1 + mu) / 2 - mu) / (1 - mu * mu);
}

static sl_status run_arm(history *h, int arm, const sl_network *net, const sl_lab *lab, sl_err *err)
{
    const setting *const s = &h->s;
    const double P = (double)sl_model_parameters(net->model);
    float *const state = calloc(sl_model_state(net->model), sizeof *state);
    if (!state) return sl_fail(err, SL_E_MEMORY, "no memory for the weights");
    const uint64_t seed = sl_network_seed(lab, 0);
    sl_model_init(net->model, state, seed, 0);
    const sl_objective_config oc = {.model = net->model, .state = state, .data = &net->train, .samples = s->samples,
                                    .jobs = lab->jobs};
    sl_objective *o = NULL;
    sl_temperature t = {0};
    sl_temperature_config c = {.train = {.model = net->model, .train = &net->train, .schedule = arms[arm].schedule,
                                         .lr = s->lr, .batch = s->batch, .steps = s->steps,
                                         .order = SL_ORDER_REPLACEMENT, .seed = seed},
                               .state = state, .windows = WINDOWS, .probes = PROBES};
    sl_status st = sl_rule_init(&c.train.rule, "heavy-ball", SL_ALPHA_ON_GRADIENT, s->lr, arms[arm].mu, 0, err);
    if (st == SL_OK) st = sl_objective_alloc(&o, &oc, err);
    if (st == SL_OK) h->samples = sl_objective_samples(o);
    c.objective = o;
    if (st == SL_OK) st = sl_temperature_measure(&t, &c, err);
    sl_welford ratio = {0}, expected = {0}, sampling = {0};
    for (size_t i = 0; i < WINDOWS && st == SL_OK; i++) {
        const sl_temperature_window *const w = &t.history[i];
        moment *const m = &h->at[arm][i];
        *m = (moment){.first = w->first, .last = w->last, .loss = w->loss.value};
        st = predict(&m->predicted, s, arm, w->noise, P, err);
        /* <v^2> = q D0 / C (1 - mu^2) where the force is constant, hence T = l (1 + mu) <v^2> / 2; drift is no heat. */
        m->kinetic = w->velocity2;
        m->kinetic.value -= w->drift2;
        m->kinetic = sl_scaled(s->lr * (1 + arms[arm].mu) / 2, m->kinetic);
        if (i == 0) continue; /* the velocity starts from rest */
        sl_welford_add(&ratio, m->kinetic.value / m->predicted.value);
        sl_welford_add(&expected, next_order(s, arm, w->curvature.value));
        sl_welford_add(&sampling, m->predicted.se / m->predicted.value);
    }
    h->ratio[arm] = sl_welford_mean(&ratio);
    h->expected[arm] = expected.mean;
    if (h->samples < net->train.n) /* the windows share their samples: this part of the error stays */
        h->ratio[arm].se = hypot(h->ratio[arm].se, h->ratio[arm].value * sampling.mean);
    sl_temperature_clear(&t);
    sl_objective_free(o);
    free(state);
    return st;
}

static double time_of(const history *h, int arm, size_t i)
{
    return (double)(h->at[arm][i].first + h->at[arm][i].last) / 2 * h->s.lr / (1 - arms[arm].mu);
}

static sl_status fill(void *ctx, sl_table *t, sl_err *err)
{
    const history *const h = ctx;
    SL_TRY(sl_table_set(t, "predicted", err, "q l D0 / (2 C (1 - mu)), D0 = tr D_hat / P of the first %zu samples, "
                                             "mean of the window's two ends", h->samples));
    SL_TRY(sl_table_set(t, "kinetic", err, "l (1 + mu) (<|v|^2> - drift) / (2 P) over the window's steps"));
    SL_TRY(sl_table_set(t, "setting", err,
                        "%s on %s, l = %g, C = %zu with replacement, heavy ball, alpha on the gradient", h->s.model, h->s.data, h->s.lr, h->s.batch));
    for (int arm = 0; arm < ARMS; arm++) {
        SL_TRY(sl_table_block(t, arms[arm].title, err));
        for (size_t i = 0; i < WINDOWS; i++) {
            const moment *const m = &h->at[arm][i];
            const double row[] = {(double)m->first, time_of(h, arm, i), m->predicted.value, m->predicted.se,
                                  m->kinetic.value, m->kinetic.se, m->loss};
            SL_TRY(sl_table_add(t, row, err));
        }
    }
    return SL_OK;
}

static sl_status draw(const sl_lab *lab, history *h, char **summary, cJSON *result, sl_err *err)
{
    static const char file[] = "temperature-during-training.dat";
    static const char *const columns[] = {"step[1]", "time[1]", "predicted[1]", "predicted_se[1]", "kinetic[1]",
                                          "kinetic_se[1]", "loss[nat]"};
    SL_TRY(sl_tabulate(lab, file, 7, columns, fill, h, err));
    sl_prose text = {0};
    cJSON *const list = cJSON_AddArrayToObject(result, "arms");
    sl_say(&text, "%s on %s, l = %g, C = %zu. Kinetic over predicted temperature, mean over %d windows (the first left "
                  "out), and what theory's next order in l makes of it, 1 + a l (q (1 + μ) / 2 - μ) / (1 - μ²) with "
                  "a = tr(D H) / tr D as measured; forces that change within a window add to the former:\n",
           h->s.model, h->s.data, h->s.lr, h->s.batch, WINDOWS);
    sl_curve temperature[2 * ARMS], loss[ARMS];
    for (int arm = 0; arm < ARMS; arm++) {
        sl_say(&text, "%s: %.3f ± %.3f (%.3f)\n", arms[arm].title, h->ratio[arm].value, h->ratio[arm].se,
               h->expected[arm]);
        cJSON *const item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "arm", arms[arm].title);
        sl_json_estimate(item, "kinetic_over_predicted", h->ratio[arm]);
        sl_json_number(item, "expected_to_next_order", h->expected[arm]);
        cJSON_AddItemToArray(list, item);
        temperature[2 * arm] = (sl_curve){.kind = SL_CURVE_LINE, .title = arms[arm].title, .dat = file, .block = arm,
                                          .x = "2", .y = "3", .colour = arm};
        temperature[2 * arm + 1] = (sl_curve){.kind = SL_CURVE_POINTS, .dat = file, .block = arm, .x = "2", .y = "5",
                                              .error = "6", .colour = arm};
        loss[arm] = (sl_curve){.kind = SL_CURVE_LINE, .title = arms[arm].title, .dat = file, .block = arm, .x = "2",
                               .y = "7", .colour = arm, .dash = arm == 1};
    }
    const sl_panel panels[] = {
        {.title = "T: predicted (lines), kinetic (points)", .xlabel = "t = Σ l / (1 - μ)", .ylabel = "T",
         .logx = true, .logy = true, .xmin = NAN, .xmax = NAN, .ymin = NAN, .ymax = NAN, .curves = temperature,
         .n_curves = 2 * ARMS},
        {.title = "Training loss", .xlabel = "t = Σ l / (1 - μ)", .ylabel = "mean cross-entropy [nat]", .logx = true,
         .logy = true, .xmin = NAN, .xmax = NAN, .ymin = NAN, .ymax = NAN, .curves = loss,
         .n_curves = ARMS}};
    const sl_figure figure = {.name = "temperature-during-training",
                              .title = "The temperature of Model 1 while it learns", .caption = text.text, .rows = 1,
                              .columns = 2, .panels = panels, .n_panels = 2};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

static sl_status temperature_during_training(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    history h = {.s = setting_at(lab->scale)};
    sl_network net;
    SL_TRY(sl_network_open(&net, lab, h.s.data, h.s.model, 0, err));
    sl_status st = SL_OK;
    for (int arm = 0; arm < ARMS && st == SL_OK; arm++) {
        st = run_arm(&h, arm, &net, lab, err);
        if (st == SL_OK && lab->progress) lab->progress(lab->progress_ctx, arms[arm].title, (arm + 1.0) / ARMS);
    }
    sl_network_close(&net);
    return st == SL_OK ? draw(lab, &h, summary, result, err) : st;
}

const sl_recipe sl_recipe_temperature_during_training = {
    "temperature-during-training", "Musso 2020, eq 20",
    "predicted and kinetic temperature of Model 1 from the start of its training", temperature_during_training};
