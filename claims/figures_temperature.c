/* temperature-network: the stationary loss of Model 1 in excess of its l -> 0 limit, against temperature. */
#include "claims/figures_network.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "claims/musso_network.h"
#include "claims/prose.h"
#include "theory/temperature.h"

/* Constant rates over a decade of T, by l, by C and by mu, the coldest first; random ones (Delta = 1), each followed by the constant
 * rate q l = 4/3 l of the same temperature. Weight decay is the scale's. */
static const sl_arm settings[] = {
    {"l0.02-C64", "l = 0.02, C = 64", "constant", "plain", 0.02, 0, 0, 64, SL_ALPHA_ON_STEP},
    {"l0.05-C128", "l = 0.05, C = 128", "constant", "plain", 0.05, 0, 0, 128, SL_ALPHA_ON_STEP},
    {"l0.025-C64-mu0.5", "l = 0.025, C = 64, mu = 0.5", "constant", "heavy-ball", 0.025, 0.5, 0, 64, SL_ALPHA_ON_STEP},
    {"l0.05-C64", "l = 0.05, C = 64", "constant", "plain", 0.05, 0, 0, 64, SL_ALPHA_ON_STEP},
    {"l0.1-C128", "l = 0.1, C = 128", "constant", "plain", 0.1, 0, 0, 128, SL_ALPHA_ON_STEP},
    {"l0.025-C32-mu0.5", "l = 0.025, C = 32, mu = 0.5", "constant", "heavy-ball", 0.025, 0.5, 0, 32, SL_ALPHA_ON_STEP},
    {"l0.05-C32", "l = 0.05, C = 32", "constant", "plain", 0.05, 0, 0, 32, SL_ALPHA_ON_STEP},
    {"l0.1-C64", "l = 0.1, C = 64", "constant", "plain", 0.1, 0, 0, 64, SL_ALPHA_ON_STEP},
    {"l0.025-C32-random", "l = 0.025, C = 32", "random:delta=1", "plain", 0.025, 0, 0, 32, SL_ALPHA_ON_STEP},
    {"l0.0333-C32", "l = 0.0333, C = 32", "constant", "plain", 0.025 * 4 / 3, 0, 0, 32, SL_ALPHA_ON_STEP},
    {"l0.05-C32-random", "l = 0.05, C = 32", "random:delta=1", "plain", 0.05, 0, 0, 32, SL_ALPHA_ON_STEP},
    {"l0.0667-C32", "l = 0.0667, C = 32", "constant", "plain", 0.05 * 4 / 3, 0, 0, 32, SL_ALPHA_ON_STEP},
    {"l0.075-C32-random", "l = 0.075, C = 32", "random:delta=1", "plain", 0.075, 0, 0, 32, SL_ALPHA_ON_STEP},
    {"l0.1-C32", "l = 0.1, C = 32", "constant", "plain", 0.1, 0, 0, 32, SL_ALPHA_ON_STEP},
};
enum { ARMS = sizeof settings / sizeof *settings, COLDEST = 4, FIRST_RANDOM = 8 };

static bool is_random(size_t arm)
{
    return arm >= FIRST_RANDOM && (arm - FIRST_RANDOM) % 2 == 0;
}

/* T / D0 of eq 20, with D = q D0 (derived) or D = D0 (as if the random rate changed nothing). */
static double temperature(const sl_arm *a, double q)
{
    double T = NAN;
    const sl_temp_params p = {.l = a->lr, .mu = a->mu, .C = (double)a->batch, .D = q};
    return sl_temp_effective(&T, &p, NULL) == SL_OK ? T : NAN;
}

typedef struct {
    sl_arm arms[ARMS];
    double T[ARMS], T_naive[ARMS];
    sl_estimate loss[ARMS];
    sl_line line; /* loss = intercept + slope T through the coldest constant arms */
} measurement;

/* The limit T -> 0 from the coldest arms: theory's law is linear in T to leading order only. */
static sl_status extrapolate(measurement *m, sl_err *err)
{
    double x[COLDEST], y[COLDEST], se[COLDEST];
    for (size_t i = 0; i < COLDEST; i++) {
        x[i] = m->T[i];
        y[i] = m->loss[i].value;
        se[i] = m->loss[i].se;
    }
    return sl_fit_line(&m->line, x, y, se, COLDEST, err);
}

static sl_status table_of(sl_table **out, const measurement *m, const sl_musso_stationary *s, const char *data,
                          sl_err *err)
{
    static const char *const columns[] = {"temperature_over_D0[1]", "naive_temperature_over_D0[1]",
                                          "excess_loss[nat]",       "excess_loss_se[nat]",
                                          "loss[nat]",              "loss_se[nat]",
                                          "lr[1]",                  "batch[1]", "momentum[1]"};
    static const char *const titles[] = {"constant rate", "random rate, Delta = 1"};
    sl_table *t = sl_table_alloc(9, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    sl_status st = sl_table_set(t, "setting", err,
                                "%s, %s, first %zu samples, batches with replacement, weight decay %g, mean of the "
                                "full regularised loss over the second half of t = %g, %zu seeds",
                                s->model, data, s->samples, s->arms->weight_decay, s->time, s->seeds);
    if (st == SL_OK)
        st = sl_table_set(t, "temperature", err, "q l / (2 C (1 - mu)), q = E alpha^2; naive: q = 1; D0: per-sample "
                                                 "gradient variance, unknown");
    if (st == SL_OK) st = sl_table_set(t, "zero_temperature_loss", err, "%.17g", m->line.intercept.value);
    if (st == SL_OK) st = sl_table_set(t, "zero_temperature_loss_se", err, "%.17g", m->line.intercept.se);
    for (size_t random = 0; random < 2 && st == SL_OK; random++) {
        st = sl_table_block(t, titles[random], err);
        for (size_t i = 0; i < ARMS && st == SL_OK; i++) {
            if (is_random(i) != (random == 1)) continue;
            const double row[] = {m->T[i],     m->T_naive[i], m->loss[i].value - m->line.intercept.value,
                                  m->loss[i].se, m->loss[i].value, m->loss[i].se,
                                  m->arms[i].lr, (double)m->arms[i].batch, m->arms[i].mu};
            st = sl_table_add(t, row, err);
        }
    }
    if (st == SL_OK) st = sl_table_block(t, "straight line through the coldest constant arms", err);
    for (int end = 0; end < 2 && st == SL_OK; end++) {
        const double T = end * m->T[ARMS - 1];
        const double row[] = {T, T, m->line.slope.value * T, NAN, NAN, NAN, NAN, NAN, NAN};
        st = sl_table_add(t, row, err);
    }
    if (st == SL_OK)
        *out = t;
    else
        sl_table_free(t);
    return st;
}

static sl_status temperature_network(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    const sl_musso_stationary s = sl_musso_stationary_at(lab->scale);
    double loss[ARMS * SL_MUSSO_MOST_SEEDS];
    const size_t n = s.seeds;
    measurement m;
    for (size_t i = 0; i < ARMS; i++) {
        m.arms[i] = settings[i];
        m.arms[i].weight_decay = s.arms->weight_decay;
        m.T[i] = temperature(&settings[i], is_random(i) ? sl_alpha_q(1) : 1);
        m.T_naive[i] = temperature(&settings[i], 1);
    }
    sl_network net;
    SL_TRY(sl_network_open(&net, lab, NULL, s.model, s.samples, err));
    sl_status st = sl_network_stationary(loss, &net, lab, "stationary", m.arms, ARMS, n, s.time, s.evaluations, err);
    const char *const data = net.data;
    sl_network_close(&net);
    SL_TRY(st);

    for (size_t i = 0; i < ARMS; i++) m.loss[i] = sl_mean(loss + i * n, n);
    SL_TRY(extrapolate(&m, err));
    sl_table *t = NULL;
    SL_TRY(table_of(&t, &m, &s, data, err));
    st = sl_run_table(lab->run, "temperature-network.dat", t, err);
    sl_table_free(t);
    SL_TRY(st);

    sl_prose text = {0};
    sl_say(&text, "Random rate at l against constant rate at q l = 4/3 l, C = 32; TOST on paired losses, margin a third "
                  "of the heating:\n");
    cJSON *pairs = cJSON_AddArrayToObject(result, "pairs");
    for (size_t i = FIRST_RANDOM; i < ARMS; i += 2) {
        /* The heating by q, from the slope of the line at this temperature. */
        const double heating = (m.loss[i + 1].value - m.line.intercept.value) * (1 - 1 / sl_alpha_q(1));
        double difference[SL_MUSSO_MOST_SEEDS];
        for (size_t k = 0; k < n; k++) difference[k] = loss[i * n + k] - loss[(i + 1) * n + k];
        const sl_estimate d = sl_mean(difference, n);
        const bool equivalent = sl_compare(d, heating / 3, 0.1) == SL_INSIDE; /* a 90 % interval: TOST at 5 % */
        sl_say(&text, "%s: %+.5f ± %.5f (heating %.5f): %s\n", m.arms[i].title, d.value, d.se, heating,
               equivalent ? "equivalent" : "not shown equivalent");
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "random", m.arms[i].title);
        sl_json_estimate(o, "difference", d);
        sl_json_number(o, "heating", heating);
        cJSON_AddBoolToObject(o, "equivalent", equivalent);
        cJSON_AddItemToArray(pairs, o);
    }
    sl_json_estimate(result, "zero_temperature_loss", m.line.intercept);

    static const char file[] = "temperature-network.dat";
    const sl_curve curves[] = {
        {.kind = SL_CURVE_LINE, .title = "linear law of the coldest", .dat = file, .block = 2, .x = "($1*1e3)", .y = "3",
         .colour = 6, .dash = 1},
        {.kind = SL_CURVE_POINTS, .title = "constant rate", .dat = file, .block = 0, .x = "($1*1e3)", .y = "3", .error = "4",
         .colour = 0},
        {.kind = SL_CURVE_POINTS, .title = "random rate at its T, q = 4/3", .dat = file, .block = 1, .x = "($1*1e3)", .y = "3",
         .error = "4", .colour = 1},
        {.kind = SL_CURVE_POINTS, .title = "random rate as if q = 1", .dat = file, .block = 1, .x = "($2*1e3)", .y = "3",
         .error = "4", .colour = 5}};
    const sl_panel panel = {.xlabel = "T / D₀ = q l / 2C(1 - μ), in thousandths",
                            .ylabel = "stationary loss in excess of T = 0 [nat]", .xmin = 0, .xmax = NAN, .ymin = 0,
                            .ymax = NAN, .key = "top left", .curves = curves, .n_curves = 4};
    const sl_figure figure = {.name = "temperature-network",
                              .title = "Temperature of a trained network (Model 1)",
                              .caption = text.text, .rows = 1, .columns = 1, .width = 18, .height = 12,
                              .panels = &panel, .n_panels = 1};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_temperature_network = {
    "temperature-network", "Musso 2020, eqs 20, 27",
    "excess stationary loss of Model 1 against temperature, constant and random rates on one curve",
    temperature_network};
