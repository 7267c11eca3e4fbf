/* Minima of smooth convex losses on a box, by Newton's method: the quadratic model is minimised on the box itself, with
 * an active set of the sides that hold coordinates (after Stark and Parker 1995, bounded-variable least squares). A
 * Newton step that is cut off at the box instead goes back and forth where features are much alike, as pixels are. */
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

/* ---- The quadratic model: q(z) = g'(z - x) + (z - x)'H(z - x)/2 ---- */

typedef struct {
    const double *x, *g;
    double z[SL_LOSS_MAX_DIM];
    bool held[SL_LOSS_MAX_DIM]; /* z is on a side, and stays */
} model;

static double model_slope(const problem *p, const model *q, size_t d)
{
    const size_t n = p->loss->dim;
    double sum = q->g[d];
    for (size_t e = 0; e < n; e++) sum += p->H[d * n + e] * (q->z[e] - q->x[e]);
    return sum;
}

/* step[a] = where the a-th free coordinate goes to have no slope, the held ones staying. Where the Hessian is singular
 * a ridge far below its diagonal makes it definite: the limit of the steps is the same. */
static sl_status free_step(double *step, const problem *p, const model *q, const size_t *free_at, size_t n_free,
                           sl_err *err)
{
    const size_t n = p->loss->dim;
    const lapack_int k = (lapack_int)n_free;
    double most = 0, ridge = 0;
    for (size_t a = 0; a < n_free; a++) most = fmax(most, p->H[free_at[a] * n + free_at[a]]);
    for (int attempt = 0; attempt < 4; attempt++) {
        for (size_t a = 0; a < n_free; a++) {
            step[a] = -model_slope(p, q, free_at[a]);
            for (size_t b = 0; b < n_free; b++)
                p->HF[a * n_free + b] = p->H[free_at[a] * n + free_at[b]] + (a == b ? ridge : 0);
        }
        if (n_free == 0 || LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', k, 1, p->HF, k, step, 1) == 0) return SL_OK;
        ridge = attempt == 0 ? 1e-12 * most + 1e-300 : 1e3 * ridge;
    }
    return sl_fail(err, SL_E_NUMERIC, "loss '%s': the Hessian is not positive definite on its box",
                   p->loss->kind->entry.name);
}

/* As far as the first side: what arrives there is held. true: nothing was in the way. */
static bool move(const problem *p, model *q, const double *step, const size_t *free_at, size_t n_free)
{
    double t = 1;
    size_t first = SIZE_MAX;
    for (size_t a = 0; a < n_free; a++) {
        const double z = q->z[free_at[a]], room = ((step[a] > 0 ? p->box : -p->box) - z) / step[a];
        if (step[a] != 0 && room < t) t = room, first = free_at[a];
    }
    for (size_t a = 0; a < n_free; a++) q->z[free_at[a]] += t * step[a];
    for (size_t a = 0; a < n_free; a++) /* rounding */
        q->z[free_at[a]] = fmax(-p->box, fmin(q->z[free_at[a]], p->box));
    if (first == SIZE_MAX) return true;
    q->z[first] = copysign(p->box, q->z[first]);
    q->held[first] = true;
    return false;
}

/* The coordinate that its side holds back most although it leads inwards; SIZE_MAX: none, z is the minimum. */
static size_t to_free(const problem *p, const model *q)
{
    size_t best = SIZE_MAX;
    double most = 0;
    for (size_t d = 0; d < p->loss->dim; d++) {
        if (!q->held[d]) continue;
        const double inwards = copysign(1, q->z[d]) * model_slope(p, q, d);
        if (inwards > most) most = inwards, best = d;
    }
    return most > 1e-15 ? best : SIZE_MAX;
}

/* q falls with every move, so that it is smaller at the end even where rounding keeps sides changing until MOST. */
static sl_status minimise(const problem *p, model *q, sl_err *err)
{
    const size_t n = p->loss->dim, most = 10 * n + 10;
    double step[SL_LOSS_MAX_DIM];
    size_t free_at[SL_LOSS_MAX_DIM];
    for (size_t d = 0; d < n; d++) {
        q->z[d] = q->x[d];
        q->held[d] = fabs(q->z[d]) == p->box;
    }
    for (size_t k = 0; k < most; k++) {
        size_t n_free = 0;
        for (size_t d = 0; d < n; d++)
            if (!q->held[d]) free_at[n_free++] = d;
        SL_TRY(free_step(step, p, q, free_at, n_free, err));
        if (!move(p, q, step, free_at, n_free)) continue;
        const size_t next = to_free(p, q);
        if (next == SIZE_MAX) break;
        q->held[next] = false;
    }
    return SL_OK;
}

/* ---- Newton's method ---- */

/* x += t (z - x), with t = 1, 1/2, ... so that the value falls. Near the end its fall is lost in rounding: t = 1. */
static void descend(const problem *p, double *x, const double *z, double decrement)
{
    const size_t n = p->loss->dim;
    double trial[SL_LOSS_MAX_DIM];
    const double value = sl_loss_value(p->loss, x);
    for (double t = 1; t > 1e-12; t /= 2) {
        for (size_t d = 0; d < n; d++) trial[d] = t < 1 ? x[d] + t * (z[d] - x[d]) : z[d];
        if (decrement < 1e-10 || sl_loss_value(p->loss, trial) <= value - 1e-4 * t * decrement) break;
    }
    memcpy(x, trial, n * sizeof *x);
}

static sl_status iterate(const problem *p, double *x, sl_err *err)
{
    enum { MOST = 200 };
    double g[SL_LOSS_MAX_DIM], before = INFINITY;
    model q = {.x = x, .g = g};
    for (int k = 0; k < MOST; k++) {
        double decrement = 0;
        sl_loss_gradient(p->loss, x, g);
        hessian(p, x);
        SL_TRY(minimise(p, &q, err));
        for (size_t d = 0; d < p->loss->dim; d++) decrement += g[d] * (x[d] - q.z[d]);
        descend(p, x, q.z, decrement);
        if (decrement <= 1e-28 || (decrement < 1e-16 && decrement > 0.1 * before)) return SL_OK;
        before = decrement;
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
