/* Loops of regimes over vectors: flat ones piece by piece over a team, lanes coordinate by coordinate. */
#include <stdint.h>
#include <string.h>

#include "optim/regime_family.h"
#include "optim/regime_kernel.h"

/* One loop over a flat vector for sl_team_run; which members mean something is the task's affair. */
typedef struct {
    sl_regime_run *run;
    float *to, *to2;
    const float *x, *x0, *g, *g0, *a, *b;
    float number, number2, number3;
    const sl_rule *rule;
    const double *rate;
} flat;

/* Piece i is first .. last - 1 of layer l. */
typedef struct {
    size_t first, n, layer;
} span;

static span span_of(const sl_regime_run *run, size_t i)
{
    const size_t *const p = run->piece + 2 * i;
    return (span){.first = p[0], .n = p[2] - p[0], .layer = p[1]};
}

static void share(flat *t, sl_team_task task)
{
    sl_team_run(t->run->space.team, t->run->pieces, task, t);
}

static double *partial(const flat *t, size_t i)
{
    return t->run->partial + i * SL_SUMS;
}

/* ---- sums ---- */

static void clear_sums(sl_regime_run *run, size_t from, size_t to)
{
    for (size_t l = 0; l <= sl_regime_layers(run); l++)
        memset(sl_regime_sum(run, l, from), 0, (to - from) * run->space.lanes * sizeof(double));
}

/* Pieces in their order into their layers, layers in theirs into the whole, so that workers do not show. */
static void gather_sums(sl_regime_run *run, size_t from, size_t to)
{
    const size_t layers = sl_regime_layers(run), lanes = run->space.lanes;
    if (run->space.flat)
        for (size_t i = 0; i < run->pieces; i++)
            for (size_t q = from; q < to; q++)
                *sl_regime_sum(run, span_of(run, i).layer, q) += run->partial[i * SL_SUMS + q];
    for (size_t l = 0; l < layers; l++)
        for (size_t q = from; q < to; q++)
            for (size_t i = 0; i < lanes; i++) sl_regime_sum(run, layers, q)[i] += sl_regime_sum(run, l, q)[i];
}

static void count(sl_regime_run *run)
{
    const size_t layers = sl_regime_layers(run), lanes = run->space.lanes, n = run->space.n;
    for (size_t l = 0; l <= layers; l++) {
        const size_t first = l == 0 || l == layers ? 0 : run->space.ends[l - 1];
        const size_t last = l == layers || !run->space.ends ? n : run->space.ends[l];
        for (size_t i = 0; i < lanes; i++) sl_regime_sum(run, l, SL_SUM_P)[i] = (double)(last - first);
    }
}

static void secant_piece(void *ctx, size_t i, int worker)
{
    (void)worker;
    const flat *const t = ctx;
    const span p = span_of(t->run, i);
    double *const s = partial(t, i);
    sl_regime_secant_f(p.n, t->x + p.first, t->x0 + p.first, t->g + p.first, t->g0 + p.first, s + SL_SUM_SS,
                       s + SL_SUM_SY, s + SL_SUM_YY, s + SL_SUM_SG);
}

void sl_regime_secant(sl_regime_run *run, const void *x, const void *x0, const void *g, const void *g0)
{
    const size_t B = run->space.lanes;
    clear_sums(run, SL_SUM_SS, SL_SUM_SG + 1);
    count(run);
    flat t = {.run = run, .x = x, .x0 = x0, .g = g, .g0 = g0};
    if (run->space.flat) share(&t, secant_piece);
    const double *const dx = x, *const dx0 = x0, *const dg = g, *const dg0 = g0;
    for (size_t d = 0; !run->space.flat && d < run->space.n; d++)
        sl_regime_secant_d(B, dx + d * B, dx0 + d * B, dg + d * B, dg0 + d * B, sl_regime_sum(run, 0, SL_SUM_SS),
                           sl_regime_sum(run, 0, SL_SUM_SY), sl_regime_sum(run, 0, SL_SUM_YY),
                           sl_regime_sum(run, 0, SL_SUM_SG));
    gather_sums(run, SL_SUM_SS, SL_SUM_SG + 1);
}

static void length_piece(void *ctx, size_t i, int worker)
{
    (void)worker;
    const flat *const t = ctx;
    const span p = span_of(t->run, i);
    sl_regime_length_f(p.n, t->x + p.first, t->x0 + p.first, partial(t, i) + SL_SUM_SS);
}

void sl_regime_length(sl_regime_run *run, const void *x, const void *x0)
{
    const size_t B = run->space.lanes;
    clear_sums(run, SL_SUM_SS, SL_SUM_SS + 1);
    flat t = {.run = run, .x = x, .x0 = x0};
    if (run->space.flat) share(&t, length_piece);
    for (size_t d = 0; !run->space.flat && d < run->space.n; d++)
        sl_regime_length_d(B, (const double *)x + d * B, (const double *)x0 + d * B, sl_regime_sum(run, 0, SL_SUM_SS));
    gather_sums(run, SL_SUM_SS, SL_SUM_SS + 1);
}

static void norms_piece(void *ctx, size_t i, int worker)
{
    (void)worker;
    const flat *const t = ctx;
    const span p = span_of(t->run, i);
    sl_regime_norms_f(p.n, t->g + p.first, partial(t, i) + SL_SUM_GG, partial(t, i) + SL_SUM_G1);
}

void sl_regime_norms(sl_regime_run *run, const void *g)
{
    const size_t B = run->space.lanes;
    clear_sums(run, SL_SUM_GG, SL_SUM_G1 + 1);
    count(run);
    flat t = {.run = run, .g = g};
    if (run->space.flat) share(&t, norms_piece);
    for (size_t d = 0; !run->space.flat && d < run->space.n; d++)
        sl_regime_norms_d(B, (const double *)g + d * B, sl_regime_sum(run, 0, SL_SUM_GG),
                          sl_regime_sum(run, 0, SL_SUM_G1));
    gather_sums(run, SL_SUM_GG, SL_SUM_G1 + 1);
}

/* ---- plain loops ---- */

static void mix_piece(void *ctx, size_t i, int worker)
{
    (void)worker;
    const flat *const t = ctx;
    const span p = span_of(t->run, i);
    sl_regime_mix_f(p.n, t->to + p.first, t->g + p.first, t->number);
}

void sl_regime_mix(sl_regime_run *run, void *a, const void *g, double beta)
{
    flat t = {.run = run, .to = a, .g = g, .number = (float)beta};
    if (run->space.flat)
        share(&t, mix_piece);
    else
        sl_regime_mix_d(run->space.n * run->space.lanes, a, g, beta);
}

static void decay_piece(void *ctx, size_t i, int worker)
{
    (void)worker;
    const flat *const t = ctx;
    const span p = span_of(t->run, i);
    sl_regime_decay_f(p.n, t->to + p.first, t->x + p.first, t->number);
}

void sl_regime_decay(sl_regime_run *run, void *g, const void *x, double w)
{
    flat t = {.run = run, .to = g, .x = x, .number = (float)w};
    if (run->space.flat)
        share(&t, decay_piece);
    else
        sl_regime_decay_d(run->space.n * run->space.lanes, g, x, w);
}

static void away_piece(void *ctx, size_t i, int worker)
{
    (void)worker;
    const flat *const t = ctx;
    const span p = span_of(t->run, i);
    sl_regime_away_f(p.n, t->to + p.first, t->x + p.first, t->g + p.first, t->number);
}

void sl_regime_away(sl_regime_run *run, void *p, const void *x, const void *g, const double *d)
{
    const size_t B = run->space.lanes;
    flat t = {.run = run, .to = p, .x = x, .g = g, .number = (float)d[0]};
    if (run->space.flat && d[0] > 0) share(&t, away_piece);
    for (size_t j = 0; !run->space.flat && j < run->space.n; j++)
        sl_regime_away_d(B, (double *)p + j * B, (const double *)x + j * B, (const double *)g + j * B, d);
}

static void stretch_piece(void *ctx, size_t i, int worker)
{
    (void)worker;
    const flat *const t = ctx;
    const span p = span_of(t->run, i);
    sl_regime_stretch_f(p.n, t->to + p.first, t->x + p.first, t->number);
}

void sl_regime_stretch(sl_regime_run *run, void *p, const void *x, const double *c)
{
    const size_t B = run->space.lanes;
    flat t = {.run = run, .to = p, .x = x, .number = (float)c[0]};
    if (run->space.flat && c[0] > 0) share(&t, stretch_piece);
    for (size_t j = 0; !run->space.flat && j < run->space.n; j++)
        sl_regime_stretch_d(B, (double *)p + j * B, (const double *)x + j * B, c);
}

void sl_regime_copy(sl_regime_run *run, void *to, const void *from, const double *mask)
{
    const size_t n = run->space.n, B = run->space.lanes;
    if (!mask || (B == 1 && mask[0] != 0))
        memcpy(to, from, n * B * (run->space.flat ? sizeof(float) : sizeof(double)));
    for (size_t d = 0; mask && !run->space.flat && B > 1 && d < n; d++)
        sl_regime_select_d(B, (double *)to + d * B, (const double *)from + d * B, mask);
}

void sl_regime_zero(sl_regime_run *run, void *a)
{
    memset(a, 0, run->space.n * run->space.lanes * (run->space.flat ? sizeof(float) : sizeof(double)));
}

static void apply_piece(void *ctx, size_t i, int worker)
{
    (void)worker;
    const flat *const t = ctx;
    const span p = span_of(t->run, i);
    sl_rule_step_f(t->rule, p.n, t->to + p.first, t->to2 ? t->to2 + p.first : NULL, t->g + p.first, t->rate[p.layer]);
}

void sl_regime_apply(sl_regime_run *run, void *x, void *v, const void *g, const double *rate)
{
    const size_t B = run->space.lanes;
    sl_rule rule = run->regime->rule;
    rule.weight_decay = 0; /* it is in g */
    flat t = {.run = run, .to = x, .to2 = v, .g = g, .rule = &rule, .rate = rate};
    if (run->space.flat) share(&t, apply_piece);
    for (size_t d = 0; !run->space.flat && d < run->space.n; d++)
        sl_rule_step_d(&rule, B, (double *)x + d * B, v ? (double *)v + d * B : NULL, (const double *)g + d * B, rate);
}

/* ---- the diagonal metric ---- */

static void metric_piece(void *ctx, size_t i, int worker)
{
    (void)worker;
    const flat *const t = ctx;
    const span p = span_of(t->run, i);
    double *const s = partial(t, i);
    sl_regime_metric_f(p.n, t->x + p.first, t->x0 + p.first, t->g + p.first, t->g0 + p.first, t->a + p.first,
                       t->b + p.first, t->number, t->number2, t->number3, s + SL_SUM_SS, s + SL_SUM_SY, s + SL_SUM_YY,
                       s + SL_SUM_G1, s + SL_SUM_P);
    s[SL_SUM_GG] = 0;
}

void sl_regime_metric(sl_regime_run *run, const sl_regime_step *step, const void *x0, const void *a, const void *b,
                      const double *h, double q)
{
    const size_t B = run->space.lanes, n = run->space.n;
    flat t = {.run = run, .x = step->x, .x0 = x0, .g = step->g, .g0 = step->g2, .a = a, .b = b,
              .number = (float)h[0], .number2 = (float)q, .number3 = (float)(1 / (double)n)};
    clear_sums(run, 0, SL_SUMS);
    if (run->space.flat) share(&t, metric_piece);
    const double *const x = step->x, *const g = step->g, *const g0 = step->g2;
    for (size_t d = 0; !run->space.flat && d < n; d++)
        sl_regime_metric_d(B, x + d * B, (const double *)x0 + d * B, g + d * B, g0 + d * B,
                           (const double *)a + d * B, (const double *)b + d * B, h, q, 1 / (double)n,
                           sl_regime_sum(run, 0, SL_SUM_SS), sl_regime_sum(run, 0, SL_SUM_SY),
                           sl_regime_sum(run, 0, SL_SUM_YY), sl_regime_sum(run, 0, SL_SUM_G1),
                           sl_regime_sum(run, 0, SL_SUM_P));
    gather_sums(run, 0, SL_SUMS);
}

static void learn_piece(void *ctx, size_t i, int worker)
{
    (void)worker;
    const flat *const t = ctx;
    const span p = span_of(t->run, i);
    sl_regime_learn_f(p.n, t->x + p.first, t->x0 + p.first, t->g + p.first, t->g0 + p.first, t->to + p.first,
                      t->to2 + p.first, t->number, t->number2);
}

void sl_regime_metric_learn(sl_regime_run *run, const sl_regime_step *step, const void *x0, void *a, void *b,
                            const double *u, const double *beta)
{
    const size_t B = run->space.lanes;
    flat t = {.run = run, .to = a, .to2 = b, .x = step->x, .x0 = x0, .g = step->g, .g0 = step->g2,
              .number = (float)u[0], .number2 = (float)beta[0]};
    if (run->space.flat) share(&t, learn_piece);
    const double *const x = step->x, *const g = step->g, *const g0 = step->g2;
    for (size_t d = 0; !run->space.flat && d < run->space.n; d++)
        sl_regime_learn_d(B, x + d * B, (const double *)x0 + d * B, g + d * B, g0 + d * B, (double *)a + d * B,
                          (double *)b + d * B, u, beta);
}

static void metric_apply_piece(void *ctx, size_t i, int worker)
{
    (void)worker;
    const flat *const t = ctx;
    const span p = span_of(t->run, i);
    sl_regime_metric_apply_f(p.n, t->to + p.first, t->x0 + p.first, t->a + p.first, t->b + p.first, t->number,
                             t->number2, t->number3);
}

void sl_regime_metric_apply(sl_regime_run *run, void *x, const void *x0, const void *a, const void *b,
                            const double *h, double q)
{
    const size_t B = run->space.lanes, n = run->space.n;
    flat t = {.run = run, .to = x, .x0 = x0, .a = a, .b = b, .number = (float)h[0], .number2 = (float)q,
              .number3 = (float)(1 / (double)n)};
    if (run->space.flat) share(&t, metric_apply_piece);
    for (size_t d = 0; !run->space.flat && d < n; d++)
        sl_regime_metric_apply_d(B, (double *)x + d * B, (const double *)x0 + d * B, (const double *)a + d * B,
                                 (const double *)b + d * B, h, q, 1 / (double)n);
}
