/* Loops of regimes over vectors: flat ones piece by piece over a team, lanes coordinate by coordinate. */
#include <stdint.h>
#include <string.h>

#include "optim/regime_family.h"
#include "optim/regime_kernel.h"

/* One loop over a flat vector for sl_team_run; which members mean something is the task's affair. */
typedef struct {
    sl_regime_run *run;
    float *to, *to2, *keep, *average, *p;
    const float *x, *x0, *g, *g0;
    float number, number2, number3, number4, number5;
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
        memset(sl_regime_sum(run, l, from), 0, (to - from) * sizeof(double));
}

/* Of a flat vector: pieces in their order into their layers, layers in theirs into the whole, so that workers do not
 * show. (Lanes have one layer, which is the whole.) */
static void gather_sums(sl_regime_run *run, size_t from, size_t to)
{
    const size_t layers = sl_regime_layers(run);
    clear_sums(run, from, to);
    for (size_t i = 0; i < run->pieces; i++)
        for (size_t q = from; q < to; q++)
            *sl_regime_sum(run, span_of(run, i).layer, q) += run->partial[i * SL_SUMS + q];
    for (size_t l = 0; layers > 1 && l < layers; l++)
        for (size_t q = from; q < to; q++) *sl_regime_sum(run, layers, q) += *sl_regime_sum(run, l, q);
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
    flat t = {.run = run, .x = x, .x0 = x0, .g = g, .g0 = g0};
    if (!run->space.flat) {
        sl_regime_secant_d(run->space.n, run->space.lanes, x, x0, g, g0, sl_regime_sum(run, 0, SL_SUM_SS),
                           sl_regime_sum(run, 0, SL_SUM_SY), sl_regime_sum(run, 0, SL_SUM_YY),
                           sl_regime_sum(run, 0, SL_SUM_SG));
        return;
    }
    share(&t, secant_piece);
    gather_sums(run, SL_SUM_SS, SL_SUM_SG + 1);
}

static void length_piece(void *ctx, size_t i, int worker)
{
    (void)worker;
    const flat *const t = ctx;
    const span p = span_of(t->run, i);
    double *const s = partial(t, i);
    sl_regime_length_f(p.n, t->x + p.first, t->x0 + p.first, s + SL_SUM_SS, s + SL_SUM_GG);
}

void sl_regime_length(sl_regime_run *run, const void *x, const void *x0)
{
    flat t = {.run = run, .x = x, .x0 = x0};
    if (!run->space.flat) {
        sl_regime_length_d(run->space.n, run->space.lanes, x, x0, sl_regime_sum(run, 0, SL_SUM_SS),
                           sl_regime_sum(run, 0, SL_SUM_GG));
        return;
    }
    share(&t, length_piece);
    gather_sums(run, SL_SUM_SS, SL_SUM_SS + 1);
    gather_sums(run, SL_SUM_GG, SL_SUM_GG + 1);
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
    const size_t n = run->space.n, B = run->space.lanes;
    flat t = {.run = run, .g = g};
    if (run->space.flat) {
        share(&t, norms_piece);
        gather_sums(run, SL_SUM_GG, SL_SUM_G1 + 1);
    } else {
        sl_regime_squares_d(n, B, g, sl_regime_sum(run, 0, SL_SUM_GG));
        if (run->regime->rule.kind == SL_RULE_SIGN) sl_regime_sizes_d(n, B, g, sl_regime_sum(run, 0, SL_SUM_G1));
    }
}

/* ---- plain loops ---- */

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
    if (t->keep) memcpy(t->keep + p.first, t->to + p.first, p.n * sizeof *t->keep);
    if (t->average) sl_regime_mix_f(p.n, t->average + p.first, t->g + p.first, t->number);
    sl_rule_step_f(t->rule, p.n, t->to + p.first, t->to2 ? t->to2 + p.first : NULL, t->g + p.first, t->rate[p.layer]);
}

void sl_regime_apply(sl_regime_run *run, void *x, void *v, const void *g, const double *rate,
                     const sl_regime_aside *aside)
{
    const size_t B = run->space.lanes;
    const sl_regime_aside nothing = {0}, *const also = aside ? aside : &nothing;
    sl_rule rule = run->regime->rule;
    rule.weight_decay = 0; /* it is in g */
    flat t = {.run = run, .to = x, .to2 = v, .g = g, .keep = also->keep, .average = also->average,
              .number = (float)also->beta, .rule = &rule, .rate = rate};
    if (run->space.flat) share(&t, apply_piece);
    for (size_t d = 0; !run->space.flat && d < run->space.n; d++) {
        double *const own = (double *)x + d * B;
        const double *const gd = (const double *)g + d * B;
        if (also->keep) memcpy((double *)also->keep + d * B, own, B * sizeof *own);
        if (also->average) sl_regime_mix_d(B, (double *)also->average + d * B, gd, also->beta);
        sl_rule_step_d(&rule, B, own, v ? (double *)v + d * B : NULL, gd, rate);
    }
}

/* ---- the diagonal metric ---- */

static void metric_piece(void *ctx, size_t i, int worker)
{
    (void)worker;
    const flat *const t = ctx;
    const span p = span_of(t->run, i);
    double *const s = partial(t, i);
    sl_regime_metric_f(p.n, t->x + p.first, t->x0 + p.first, t->g + p.first, t->p + p.first, t->to + p.first,
                       t->to2 + p.first, t->number, t->number2, t->number3, t->number4, t->number5, s + SL_SUM_SS,
                       s + SL_SUM_SY, s + SL_SUM_YY, s + SL_SUM_G1, s + SL_SUM_P);
}

void sl_regime_metric(sl_regime_run *run, const sl_regime_step *step, const void *x0, void *a, void *b,
                      const sl_regime_scale *m)
{
    const size_t B = run->space.lanes, n = run->space.n;
    const double e = 1 / (double)n;
    flat t = {.run = run, .x = step->x, .x0 = x0, .g = step->g, .p = step->g2, .to = a, .to2 = b,
              .number = (float)m->u[0], .number2 = (float)m->beta[0], .number3 = (float)m->h[0],
              .number4 = (float)m->ratio, .number5 = (float)e};
    if (run->space.flat) {
        share(&t, metric_piece);
        gather_sums(run, SL_SUM_SS, SL_SUM_YY + 1);
        gather_sums(run, SL_SUM_G1, SL_SUM_P + 1);
        return;
    }
    for (size_t q = 0; q < SL_SUMS; q++)
        if (q != SL_SUM_SG && q != SL_SUM_GG) memset(sl_regime_sum(run, 0, q), 0, B * sizeof(double));
    for (size_t d = 0; d < n; d++) {
        const double *const x = (const double *)step->x + d * B, *const from = (const double *)x0 + d * B;
        const double *const g = (const double *)step->g + d * B;
        double *const p = (double *)step->g2 + d * B, *const ad = (double *)a + d * B, *const bd = (double *)b + d * B;
        sl_regime_metric_d(B, x, from, g, p, ad, bd, m->u, m->beta, m->h, m->ratio, e,
                           sl_regime_sum(run, 0, SL_SUM_SS), sl_regime_sum(run, 0, SL_SUM_SY),
                           sl_regime_sum(run, 0, SL_SUM_YY), sl_regime_sum(run, 0, SL_SUM_G1),
                           sl_regime_sum(run, 0, SL_SUM_P));
    }
}

static void scale_piece(void *ctx, size_t i, int worker)
{
    (void)worker;
    const flat *const t = ctx;
    const span p = span_of(t->run, i);
    sl_regime_scale_f(p.n, t->to + p.first, t->x0 + p.first, t->p + p.first);
}

void sl_regime_metric_apply(sl_regime_run *run, void *x, const void *x0, void *p)
{
    flat t = {.run = run, .to = x, .x0 = x0, .p = p};
    if (run->space.flat) share(&t, scale_piece);
    else sl_regime_scale_d(run->space.n * run->space.lanes, x, x0, p);
}
