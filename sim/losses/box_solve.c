/* Minima of smooth convex losses on a box, by Newton's method on the coordinates that no side holds (the projected
 * Newton method of Bertsekas 1982). */
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/losses/linear.h"

enum { LANES = 8 };

typedef struct {
    const sl_loss *loss;
    double box;
    double *lanes;  /* [3][n][LANES], aligned: what the kernels read and write */
    double *H, *HF; /* [n][n]; that of the free coordinates                     */
} problem;

static double clip(const problem *p, double x)
{
    return fmax(-p->box, fmin(x, p->box));
}

/* Column by column, LANES at a time. */
static void hessian(const problem *p, const double *x)
{
    const size_t n = p->loss->dim;
    double *const at = p->lanes, *const u = at + n * LANES, *const h = u + n * LANES;
    for (size_t k = 0; k < n * LANES; k++) at[k] = x[k / LANES];
    for (size_t first = 0; first < n; first += LANES) {
        for (size_t k = 0; k < n * LANES; k++) u[k] = k / LANES == first + k % LANES;
        p->loss->kind->hessian_vector(p->loss, LANES, LANES, at, u, h);
        for (size_t d = 0; d < n; d++)
            for (size_t i = 0; i < LANES && first + i < n; i++) p->H[d * n + first + i] = h[d * LANES + i];
    }
}

/* step = H^-1 g over the free coordinates, 0 elsewhere. Where the Hessian is singular a ridge far below its diagonal
 * makes it definite: the limit of the steps is the same. */
static sl_status newton_step(double *step, const problem *p, const double *g, const size_t *free_at, size_t n_free,
                             sl_err *err)
{
    const size_t n = p->loss->dim;
    const lapack_int k = (lapack_int)n_free;
    double packed[SL_LOSS_MAX_DIM], most = 0, ridge = 0;
    for (size_t a = 0; a < n_free; a++) most = fmax(most, p->H[free_at[a] * n + free_at[a]]);
    memset(step, 0, n * sizeof *step);
    for (int attempt = 0; n_free > 0; attempt++) {
        for (size_t a = 0; a < n_free; a++) {
            packed[a] = g[free_at[a]];
            for (size_t b = 0; b < n_free; b++)
                p->HF[a * n_free + b] = p->H[free_at[a] * n + free_at[b]] + (a == b ? ridge : 0);
        }
        if (LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', k, 1, p->HF, k, packed, 1) == 0) break;
        if (attempt == 3)
            return sl_fail(err, SL_E_NUMERIC, "loss '%s': the Hessian is not positive definite on its box",
                           p->loss->kind->entry.name);
        ridge = attempt == 0 ? 1e-12 * most + 1e-300 : 1e3 * ridge;
    }
    for (size_t a = 0; a < n_free; a++) step[free_at[a]] = packed[a];
    return SL_OK;
}

/* x = x - t step, cut off, with t = 1, 1/2, ... so that the value falls. Near the end its fall is lost in rounding:
 * t = 1. */
static void descend(const problem *p, double *x, const double *g, const double *step, double decrement)
{
    const size_t n = p->loss->dim;
    double trial[SL_LOSS_MAX_DIM];
    const double value = sl_loss_value(p->loss, x);
    for (double t = 1; t > 1e-12; t /= 2) {
        double fall = 0;
        for (size_t d = 0; d < n; d++) {
            trial[d] = clip(p, x[d] - t * step[d]);
            fall += g[d] * (x[d] - trial[d]);
        }
        if (decrement < 1e-10 || sl_loss_value(p->loss, trial) <= value - 1e-4 * fall) break;
    }
    memcpy(x, trial, n * sizeof *x);
}

/* A side holds a coordinate that lies on it and would go on outwards. */
static sl_status iterate(const problem *p, double *x, sl_err *err)
{
    enum { MOST = 500 };
    const size_t n = p->loss->dim;
    double g[SL_LOSS_MAX_DIM], step[SL_LOSS_MAX_DIM], before = INFINITY;
    size_t free_at[SL_LOSS_MAX_DIM], held_before = SIZE_MAX;
    for (int k = 0; k < MOST; k++) {
        size_t n_free = 0;
        double decrement = 0;
        sl_loss_gradient(p->loss, x, g);
        hessian(p, x);
        for (size_t d = 0; d < n; d++)
            if (!((x[d] >= p->box && g[d] < 0) || (x[d] <= -p->box && g[d] > 0))) free_at[n_free++] = d;
        SL_TRY(newton_step(step, p, g, free_at, n_free, err));
        for (size_t d = 0; d < n; d++) decrement += g[d] * step[d];
        const bool same = held_before == n - n_free;
        if (decrement <= 1e-28 || (same && decrement < 1e-16 && decrement > 0.1 * before)) return SL_OK;
        descend(p, x, g, step, decrement);
        before = decrement;
        held_before = n - n_free;
    }
    return sl_fail(err, SL_E_NUMERIC, "loss '%s': %d Newton steps on a box were not enough", p->loss->kind->entry.name,
                   MOST);
}

sl_status sl_box_solve(double *x, const sl_loss *loss, sl_err *err)
{
    const size_t n = loss->dim, lanes = 3 * n * LANES * sizeof(double);
    problem p = {.loss = loss, .box = loss->data[SL_DOMAIN_BOX]};
    p.lanes = aligned_alloc(64, lanes);
    p.H = malloc(2 * n * n * sizeof *p.H);
    sl_status st = SL_OK;
    if (p.lanes && p.H) {
        p.HF = p.H + n * n;
        memset(x, 0, n * sizeof *x);
        st = iterate(&p, x, err);
    } else {
        st = sl_fail(err, SL_E_MEMORY, "no memory for the Hessian of %zu coordinates", n);
    }
    free(p.lanes);
    free(p.H);
    return st;
}
