/* Batch normalisation (Ioffe & Szegedy 2015), with PyTorch's conventions. Per channel, E the mean over the n pixels of
 * all samples, w and b the layer's weight and bias:
 *
 *   m = E x,  s = (E (x - m)^2 + eps)^(-1/2),  h = (x - m) s,  y = w h + b
 *
 * and in evaluation m and s from the running statistics. With dy the gradient of y and i = 1 in training, else 0:
 *
 *   db = n E dy,  dw = n E dy h,  dx = w s (dy - i E dy - i h E dy h)
 *
 * Along a direction (R-operator; R x = u, R w = q, R b = t): R m = E u, and from s^-2 = E (x - m)^2 + eps,
 * R s = -s^3 E (x - m) (u - E u) = -s^2 E h u. So, with p1 = i E u and p2 = i E h u,
 *
 *   R h = s (u - p1 - h p2),  R y = q h + w R h + t
 *   R db = n E Rdy,  R dw = n E (Rdy h + dy R h),  where  E dy R h = s (E dy u - p1 E dy - p2 E dy h)
 *   R dx = (q s - w s^2 p2) (dy - m1 - h m2) + w s (Rdy - R m1 - R h m2 - h R m2)
 *
 * with m1 = i E dy, m2 = i E dy h, R m1 = i E Rdy, R m2 = i E (Rdy h + dy R h). Each of y, dx, R y, R dx is a
 * combination of arrays that are there, with one coefficient a channel: a sweep for sums, a sweep for the result. */
#include <math.h>
#include <string.h>

#include "nets/layer.h"
#include "nets/layers/batch_norm_kernel.h"

static const double EPS = 1e-5, MOMENTUM = 0.1;
enum { VECTOR = 16, SHORT = 64, LONG = 256, ROWS = 64 };

/* How the pixels are cut: rows of so many whole pixels that they fill whole vectors if a row of LONG numbers can, tasks
 * of so many rows that a task's sums are small beside it. */
typedef struct {
    size_t n, channels, width, block, blocks; /* n, width, block: numbers */
} cut;

static cut cut_of(const sl_layer *l, size_t count)
{
    cut c = {.n = count * sl_shape_size(l->out), .channels = l->out.channels};
    c.width = c.channels;
    while (c.width < SHORT || (c.width % VECTOR != 0 && c.width + c.channels <= LONG)) c.width += c.channels;
    const size_t rows = SL_LAYER_BLOCK / c.width;
    c.block = c.width * (rows < ROWS ? ROWS : rows);
    c.blocks = (c.n + c.block - 1) / c.block;
    return c;
}

/* Kept: p1 and p2 from the forward tangent. */
typedef struct {
    float *mean, *s, *p1, *p2; /* [channels] */
} statistics;

static size_t kept(const sl_layer *l, size_t count)
{
    (void)count;
    return 4 * l->out.channels * sizeof(float);
}

static statistics kept_of(const sl_pass *p)
{
    float *const at = p->kept;
    const size_t n = p->layer->out.channels;
    return (statistics){at, at + n, at + 2 * n, at + 3 * n};
}

/* A pair of sums: of an array, and of its products with x - shift; [channels] each. */
typedef struct {
    double *plain, *product;
} pair;

enum { PAIRS = 3 };
typedef enum { SHIFT, ONE, X, U, W, Z, TERMS } term; /* as in sl_norm_terms */

/* The scratch memory. */
typedef struct {
    const sl_pass *p;
    cut c;
    double *partial;    /* [blocks][2][width] */
    pair sums[PAIRS];
    float *term[TERMS]; /* [width]            */
} desk;

static size_t scratch(const sl_layer *l, size_t count, int workers, sl_purpose_of_workspace what)
{
    (void)workers;
    (void)what;
    const cut c = cut_of(l, count);
    return sizeof(double) / sizeof(float) * 2 * (c.blocks * c.width + PAIRS * c.channels) + TERMS * c.width;
}

static desk desk_of(const sl_pass *p)
{
    desk d = {.p = p, .c = cut_of(p->layer, p->count)};
    double *at = (double *)(void *)p->scratch;
    d.partial = at;
    at += 2 * d.c.blocks * d.c.width;
    for (size_t i = 0; i < PAIRS; i++, at += 2 * d.c.channels) d.sums[i] = (pair){at, at + d.c.channels};
    for (size_t i = 0; i < TERMS; i++) d.term[i] = (float *)(void *)at + i * d.c.width;
    return d;
}

/* Repeats a term's first channels over its width. */
static void repeat(const desk *d, term which)
{
    const size_t n = d->c.channels;
    for (size_t i = n; i < d->c.width; i++) d->term[which][i] = d->term[which][i - n];
}

static void set_shift(const desk *d, const float *shift)
{
    memcpy(d->term[SHIFT], shift, d->c.channels * sizeof *shift);
    repeat(d, SHIFT);
}

/* ---- sums ---- */

typedef struct {
    const desk *d;
    const float *u, *x; /* u NULL: x - shift itself */
} summands;

static void sum_block(void *ctx, size_t i, int worker)
{
    (void)worker;
    const summands *const s = ctx;
    const cut *const c = &s->d->c;
    const size_t first = i * c->block, n = c->n - first < c->block ? c->n - first : c->block;
    double *const plain = s->d->partial + 2 * i * c->width, *const product = plain + c->width;
    const float *const shift = s->d->term[SHIFT];
    if (s->u)
        sl_norm_products(plain, product, s->u + first, s->x + first, shift, n, c->width);
    else
        sl_norm_moments(plain, product, s->x + first, shift, n, c->width);
}

static void sum_up(const desk *d, pair sums, const float *u, const float *x)
{
    const cut *const c = &d->c;
    summands s = {.d = d, .u = u, .x = x};
    sl_team_run(d->p->team, c->blocks, sum_block, &s);
    for (size_t i = 1; i < c->blocks; i++)
        for (size_t k = 0; k < 2 * c->width; k++) d->partial[k] += d->partial[2 * i * c->width + k];
    for (size_t k = 0; k < c->channels; k++) {
        sums.plain[k] = sums.product[k] = 0;
        for (size_t i = k; i < c->width; i += c->channels) {
            sums.plain[k] += d->partial[i];
            sums.product[k] += d->partial[c->width + i];
        }
    }
}

/* ---- combinations ---- */

/* As many arrays as are not NULL, from x on. */
typedef struct {
    const desk *d;
    float *to;
    const float *x, *u, *w, *z;
    bool accumulate;
} combination;

static void combine_block(void *ctx, size_t i, int worker)
{
    (void)worker;
    const combination *const s = ctx;
    const cut *const c = &s->d->c;
    const size_t at = i * c->block, n = c->n - at < c->block ? c->n - at : c->block;
    float *const *const t = s->d->term;
    const sl_norm_terms k = {.shift = t[SHIFT], .one = t[ONE], .x = t[X], .u = t[U], .w = t[W], .z = t[Z]};
    if (s->w)
        sl_norm_combine_4(s->to + at, s->x + at, s->u + at, s->w + at, s->z + at, &k, n, c->width, s->accumulate);
    else if (s->u)
        sl_norm_combine_2(s->to + at, s->x + at, s->u + at, &k, n, c->width, s->accumulate);
    else
        sl_norm_combine_1(s->to + at, s->x + at, &k, n, c->width);
}

static void combine(const combination *s)
{
    for (term i = ONE; i < TERMS; i++) repeat(s->d, i);
    sl_team_run(s->d->p->team, s->d->c.blocks, combine_block, (void *)s);
}

/* ---- the layer ---- */

/* Writes the batch's statistics to kept, and moves the running ones. */
static void take_statistics(const desk *d, statistics s)
{
    const sl_pass *const p = d->p;
    const double n = (double)(d->c.n / d->c.channels);
    const float *const shift = p->x[0]; /* the first pixel: a constant channel has variance 0 exactly */
    set_shift(d, shift);
    sum_up(d, d->sums[0], NULL, p->x[0]);
    for (size_t c = 0; c < d->c.channels; c++) {
        const double off = d->sums[0].plain[c] / n, var = d->sums[0].product[c] / n - off * off;
        const double mean = (double)shift[c] + off, biased = var < 0 ? 0 : var;
        s.mean[c] = (float)mean;
        s.s[c] = (float)(1 / sqrt(biased + EPS));
        if (!p->running) continue;
        float *const m = &p->running[p->layer->running_mean + c], *const v = &p->running[p->layer->running_var + c];
        const double unbiased = n > 1 ? biased * n / (n - 1) : 0;
        *m = (float)((1 - MOMENTUM) * (double)*m + MOMENTUM * mean);
        *v = (float)((1 - MOMENTUM) * (double)*v + MOMENTUM * unbiased);
    }
}

static void forward(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    const desk d = desk_of(p);
    const statistics s = kept_of(p);
    if (p->mode.train)
        take_statistics(&d, s);
    else
        for (size_t c = 0; c < d.c.channels; c++) {
            s.mean[c] = p->state[l->running_mean + c];
            s.s[c] = (float)(1 / sqrt((double)p->state[l->running_var + c] + EPS));
        }
    set_shift(&d, s.mean);
    for (size_t c = 0; c < d.c.channels; c++) {
        d.term[ONE][c] = p->state[l->bias + c];
        d.term[X][c] = p->state[l->weight + c] * s.s[c];
    }
    combine(&(combination){.d = &d, .to = p->y, .x = p->x[0]});
}

static void backward(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    const desk d = desk_of(p);
    const statistics s = kept_of(p);
    const double n = (double)(d.c.n / d.c.channels), in_training = p->mode.train;
    set_shift(&d, s.mean);
    sum_up(&d, d.sums[0], p->dy, p->x[0]);
    for (size_t c = 0; c < d.c.channels; c++) {
        const double invstd = (double)s.s[c], ws = (double)p->state[l->weight + c] * invstd;
        const double db = d.sums[0].plain[c], dw = d.sums[0].product[c] * invstd;
        p->gradient[l->bias + c] = (float)db;
        p->gradient[l->weight + c] = (float)dw;
        d.term[U][c] = (float)ws;
        d.term[ONE][c] = (float)(-in_training * ws * db / n);
        d.term[X][c] = (float)(-in_training * ws * invstd * dw / n);
    }
    if (p->dx[0])
        combine(&(combination){.d = &d, .to = p->dx[0], .x = p->x[0], .u = p->dy, .accumulate = p->accumulate[0]});
}

static void forward_tangent(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    const desk d = desk_of(p);
    const statistics s = kept_of(p);
    const double n = (double)(d.c.n / d.c.channels);
    const bool moves = p->mode.train && p->rx[0]; /* do the statistics change along the direction? */
    set_shift(&d, s.mean);
    if (moves) sum_up(&d, d.sums[0], p->rx[0], p->x[0]);
    for (size_t c = 0; c < d.c.channels; c++) {
        const double invstd = (double)s.s[c], ws = (double)p->state[l->weight + c] * invstd;
        const double p1 = moves ? d.sums[0].plain[c] / n : 0, p2 = moves ? d.sums[0].product[c] * invstd / n : 0;
        s.p1[c] = (float)p1;
        s.p2[c] = (float)p2;
        d.term[ONE][c] = (float)((double)p->v[l->bias + c] - ws * p1);
        d.term[X][c] = (float)((double)p->v[l->weight + c] * invstd - ws * invstd * p2);
        d.term[U][c] = (float)ws;
    }
    combine(&(combination){.d = &d, .to = p->ry, .x = p->x[0], .u = p->rx[0]});
}

static void backward_tangent(const sl_pass *p)
{
    const sl_layer *const l = p->layer;
    const desk d = desk_of(p);
    const statistics s = kept_of(p);
    const double n = (double)(d.c.n / d.c.channels), in_training = p->mode.train;
    const float *const u = p->rx[0];
    set_shift(&d, s.mean);
    sum_up(&d, d.sums[0], p->dy, p->x[0]);
    sum_up(&d, d.sums[1], p->rdy, p->x[0]);
    if (u) {
        memset(d.term[SHIFT], 0, d.c.width * sizeof(float));
        sum_up(&d, d.sums[2], p->dy, u);
        set_shift(&d, s.mean);
    }
    for (size_t c = 0; c < d.c.channels; c++) {
        const double invstd = (double)s.s[c], ws = (double)p->state[l->weight + c] * invstd;
        const double p1 = (double)s.p1[c], p2 = (double)s.p2[c];
        const double e = d.sums[0].plain[c] / n, eh = d.sums[0].product[c] * invstd / n; /* E dy, E dy h */
        const double eu = u ? d.sums[2].product[c] / n : 0;                              /* E dy u       */
        const double r1 = d.sums[1].plain[c] / n;                                        /* E Rdy        */
        const double r2 = d.sums[1].product[c] * invstd / n + invstd * (eu - p1 * e - p2 * eh);
        p->rgradient[l->bias + c] = (float)(n * r1);
        p->rgradient[l->weight + c] = (float)(n * r2);
        const double m1 = in_training * e, m2 = in_training * eh;
        const double k = (double)p->v[l->weight + c] * invstd - ws * invstd * p2;
        d.term[U][c] = (float)k;                    /* dy  */
        d.term[W][c] = (float)ws;                   /* Rdy */
        d.term[Z][c] = (float)(u ? -ws * invstd * m2 : 0); /* u; without one, x stands in for it */
        d.term[X][c] = (float)(invstd * (-k * m2 + ws * (invstd * m2 * p2 - in_training * r2)));
        d.term[ONE][c] = (float)(-k * m1 + ws * (invstd * m2 * p1 - in_training * r1));
    }
    if (p->rdx[0])
        combine(&(combination){.d = &d, .to = p->rdx[0], .x = p->x[0], .u = p->dy, .w = p->rdy,
                               .z = u ? u : p->x[0], .accumulate = p->accumulate[0]});
}

const sl_layer_kind sl_layer_batch_norm = {.name = "bn",
                                           .needs_input = true,
                                           .scratch = scratch,
                                           .kept = kept,
                                           .forward = forward,
                                           .backward = backward,
                                           .forward_tangent = forward_tangent,
                                           .backward_tangent = backward_tangent};
