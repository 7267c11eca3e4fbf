/* Effective learning rates of the layers of a normalised network (Ali Mehmeti-Goepel and Wand 2023): under a constant
 * rate the relative updates of all layers become equal. */
#include <math.h>
#include <stdlib.h>

#include "claims/effective_rate.h"
#include "claims/neighbours.h"
#include "claims/network.h"
#include "claims/synthetic.h"
#include "theory/effective_rate.h"

/* A layer's length is free before a batch norm: layer 1 is made longer than PyTorch makes it. Pooling comes first, so
 * that a step takes a tenth of a millisecond. */
static const char net[] = "maxpool 4; conv 4 3 pad=1 bias=0; bn; relu; conv 6 3 bias=0; bn; relu; globalavg; linear";

sl_status sl_elr_open(sl_network *n, const sl_lab *lab, sl_err *err)
{
    return sl_network_open(n, lab, "digits:train=1000:test=300", net, 0, err);
}

sl_status sl_elr_run(sl_table **t, const sl_network *n, const sl_lab *lab, const sl_elr *arm, size_t k, sl_err *err)
{
    sl_effective_config c = {
        .train = {.model = n->model,
                  .train = &n->train,
                  .schedule = "constant",
                  .lr = arm->lr,
                  .batch = 16,
                  .steps = arm->steps,
                  .order = SL_ORDER_SHUFFLE,
                  .seed = sl_network_seed(lab, k),
                  .threads = 1},
        .every = arm->every,
        .window = arm->every,
    };
    sl_invariant *list = NULL;
    size_t layers;
    float *const state = malloc(sl_model_state(n->model) * sizeof *state);
    sl_status st = state ? SL_OK : sl_fail(err, SL_E_MEMORY, "no memory for a network's weights");
    if (st == SL_OK) st = sl_rule_init(&c.train.rule, "plain", SL_ALPHA_ON_STEP, arm->lr, 0, arm->decay, err);
    if (st == SL_OK) st = sl_invariant_list(&list, &layers, n->model, err);
    if (st == SL_OK) {
        sl_model_init(n->model, state, c.train.seed, 0);
        const sl_invariant *const l = &list[1];
        for (size_t i = l->offset; i < l->offset + l->size; i++) state[i] *= (float)arm->longer;
        c.state = state;
        st = sl_effective_measure(t, &c, err);
    }
    free(state);
    free(list);
    return st;
}

double sl_elr_cell(const sl_table *t, size_t row, sl_elr_column what, size_t layer)
{
    return sl_table_row(t, row)[4 + 4 * layer + (size_t)what];
}

double sl_elr_log_ratio(const sl_table *t, size_t row)
{
    return log(sl_elr_cell(t, row, SL_ELR_UPDATE, 0) / sl_elr_cell(t, row, SL_ELR_UPDATE, 1));
}

/* ---- elr.ratio ---- */

enum { SEEDS = 16, MOST = 160 };

/* Of every seed. */
typedef struct {
    size_t seeds;
    double ratio[MOST];     /* log of the updates' ratio over the last quarter, to the start's */
    double growth[MOST];    /* of the long layer's log |w|^2, over the sum of log(1 + e^2)     */
    double update[2][MOST]; /* mean over the last quarter                                      */
} arms;

static sl_status measure(arms *a, const sl_elr *arm, const sl_lab *lab, sl_err *err)
{
    sl_network n;
    SL_TRY(sl_elr_open(&n, lab, err));
    sl_status st = SL_OK;
    for (size_t k = 0; k < a->seeds && st == SL_OK; k++) {
        sl_table *t = NULL;
        st = sl_elr_run(&t, &n, lab, arm, k, err);
        if (st != SL_OK) break;
        const size_t last = sl_table_rows(t) - 1;
        const size_t late = (last + 1) - (last + 4) / 4;
        double sum = 0, ratio = 0;
        for (size_t i = 0; i < last; i++)
            sum += (double)arm->every * log1p(pow(sl_elr_cell(t, i, SL_ELR_UPDATE, 1), 2));
        a->growth[k] = log(sl_elr_cell(t, last, SL_ELR_NORM2, 1) / sl_elr_cell(t, 0, SL_ELR_NORM2, 1)) / sum;
        a->update[0][k] = a->update[1][k] = 0;
        for (size_t i = late; i <= last; i++) {
            const double share = 1 / (double)(last + 1 - late);
            ratio += share * sl_elr_log_ratio(t, i);
            for (size_t layer = 0; layer < 2; layer++)
                a->update[layer][k] += share * sl_elr_cell(t, i, SL_ELR_UPDATE, layer);
        }
        a->ratio[k] = ratio / sl_elr_log_ratio(t, 0);
        sl_table_free(t);
    }
    sl_network_close(&n);
    return st;
}

/* Tolerances are for what theory leaves out: gradients change as the network learns, so that lengths have not settled
 * when measured, and their squares fluctuate (log(1 + e^2) of a window's mean is above the mean of log(1 + e^2)). They
 * are coarse, a third of the ratio's way, a tenth of the growth and a quarter of an update, and the same at every
 * scale, since more seeds do not make these effects smaller. Wrong on purpose: the ratio stays as it was (at a rate at
 * which nothing moves: becomes 1), lengths grow half as much, updates settle at half their value. */
static sl_status ratio(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    arms a = {.seeds = (size_t)fmin(MOST, SEEDS * sl_lab_refinement(lab))};
    const sl_elr constant = {.lr = 3, .longer = 3, .steps = 240, .every = 20};
    const sl_elr tiny = {.lr = 1e-5, .longer = 3, .steps = 40, .every = 20};
    const sl_elr decayed = {.lr = 1, .decay = 0.01, .longer = 3, .steps = 320, .every = 20};
    SL_TRY(measure(&a, &constant, lab, err));
    SL_TRY(sl_finding_add(f, sl_mean(a.ratio, a.seeds), 0, 0.35, 1, err, "l = 3: log ratio of updates, end / start"));
    SL_TRY(sl_finding_add(f, sl_mean(a.growth, a.seeds), 1, 0.1, 0.5, err,
                          "l = 3: growth of log |w|^2 / sum of log(1 + e^2)"));
    sl_lab_report(lab, "elr.ratio", 1, 3);
    SL_TRY(measure(&a, &tiny, lab, err));
    SL_TRY(
        sl_finding_add(f, sl_mean(a.ratio, a.seeds), 1, 0.35, 0, err, "l = 1e-5: log ratio of updates, end / start"));
    sl_lab_report(lab, "elr.ratio", 2, 3);
    SL_TRY(measure(&a, &decayed, lab, err));
    SL_TRY(sl_finding_add(f, sl_mean(a.ratio, a.seeds), 0, 0.35, 1, err,
                          "l = 1, decay: log ratio of updates, end / start"));
    const sl_scale_invariant p = {.rate = decayed.lr, .G2 = 1, .decay = decayed.decay, .r = 1};
    sl_effective settled;
    SL_TRY(sl_effective_rate_settled(&settled, &p, err));
    for (int layer = 0; layer < 2; layer++)
        SL_TRY(sl_finding_add(f, sl_scaled(1 / settled.update, sl_mean(a.update[layer], a.seeds)), 1, 0.25, 0.5, err,
                              "l = 1, decay, layer %d: update / sqrt(1 - (1 - l decay)^2)", layer));
    return SL_OK;
}

const sl_claim sl_claim_elr_ratio = {
    .id = "elr.ratio",
    .paper = "Ali Mehmeti-Goepel and Wand 2023",
    .equation = "abstract",
    .statement = "under a constant rate the relative updates of a normalised network's layers become equal, whatever "
                 "their lengths at the start; with weight decay each settles at sqrt(1 - (1 - l decay)^2)",
    .expected = SL_HOLDS,
    .measure = ratio,
    .parts = 6,
};
