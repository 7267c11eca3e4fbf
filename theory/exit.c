#include "theory/exit.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "theory/exit_mesh.h"

/* The finer mesh gives the answer, the coarser one its error. */
enum { MESHES = 2, MOST_PANELS = 4096 };
static const size_t degree[MESHES] = {16, 12}, alpha_nodes[MESHES] = {12, 8};
struct sl_exit_law {
    sl_exit_mesh mesh[MESHES];
};

sl_status sl_exit_law_new(sl_exit_law **law, const sl_saddle *s, sl_err *err)
{
    sl_saddle unstable = *s; /* the ranges of a saddle, but for the sign of gamma */
    unstable.gamma = s->gamma == 0 ? 1 : fabs(s->gamma);
    SL_TRY(sl_saddle_check(&unstable, err));
    if (s->mu > 0)
        return sl_fail(err, SL_E_DOMAIN, "momentum mu = %g: exact laws of exits are known without momentum only",
                       s->mu);
    if (s->index > 64) return sl_fail(err, SL_E_DOMAIN, "%zu unstable directions, need at most 64", s->index);
    sl_exit_law *const l = calloc(1, sizeof *l);
    if (!l) return sl_fail(err, SL_E_MEMORY, "no memory for a law of exits");
    for (size_t i = 0; i < MESHES; i++) {
        const sl_status st = sl_exit_mesh_init(&l->mesh[i], s, degree[i], alpha_nodes[i], MOST_PANELS, err);
        if (st != SL_OK) {
            sl_exit_law_free(l);
            return st;
        }
    }
    *law = l;
    return SL_OK;
}

void sl_exit_law_free(sl_exit_law *law)
{
    if (!law) return;
    for (size_t i = 0; i < MESHES; i++) sl_exit_mesh_clear(&law->mesh[i]);
    free(law);
}

static sl_status check_start(const sl_exit_law *law, double start, sl_err *err)
{
    const double R = law->mesh[0].s.R;
    if (start >= 0 && start < R) return SL_OK;
    return sl_fail(err, SL_E_DOMAIN, "start at |y| = %g, need 0 <= |y| < R = %g", start, R);
}

/* ---- The mean ---------------------------------------------------------------------------------------------------- */

/* (I - K) m = 1 by banded LU. The diagonal is taken as what is left of 1 by the other entries and by the step out,
 * which makes the rows of I - K add up to P(|y'| > R) to its last digits. */
static sl_status solve_mean(double *mean, const sl_exit_mesh *m, double start, sl_err *err)
{
    size_t below = 0, above = 0;
    for (size_t i = 0; i < m->n; i++) {
        if (i > m->first[i] && i - m->first[i] > below) below = i - m->first[i];
        if (m->last[i] > i + 1 && m->last[i] - i - 1 > above) above = m->last[i] - i - 1;
    }
    const size_t rows = 2 * below + above + 1;
    const double bytes = (double)m->n * (double)rows * sizeof(double);
    if (m->n * rows > INT32_MAX || bytes > sl_memory_available(""))
        return sl_fail(err, SL_E_MEMORY, "no memory for the mean exit time: a band of %zu x %zu, %.3g GB", m->n, rows,
                       bytes / 1e9);
    double *const band = calloc(m->n * rows, sizeof *band), *const x = malloc(m->n * sizeof *x);
    lapack_int *const pivot = malloc(m->n * sizeof *pivot);
    sl_status st = SL_OK;
    if (!band || !x || !pivot) {
        st = sl_fail(err, SL_E_MEMORY, "no memory for the mean exit time: %.3g GB", bytes / 1e9);
    } else {
        for (size_t i = 0; i < m->n; i++) {
            double others = m->leave[i];
            x[i] = 1;
            for (size_t j = m->first[i]; j < m->last[i]; j++) {
                const double entry = m->row[i][j - m->first[i]];
                if (j == i) continue;
                others += entry;
                band[j * rows + below + above + i - j] = -entry;
            }
            band[i * rows + below + above] = others;
        }
        const lapack_int code = LAPACKE_dgbsv(LAPACK_COL_MAJOR, (lapack_int)m->n, (lapack_int)below, (lapack_int)above,
                                              1, band, (lapack_int)rows, pivot, x, (lapack_int)m->n);
        if (code < 0) st = sl_fail(err, SL_E_MEMORY, "no memory for the mean exit time within LAPACK");
        *mean = code == 0 ? sl_exit_mesh_at(m, x, start) : INFINITY; /* singular to rounding */
    }
    free(band);
    free(x);
    free(pivot);
    return st;
}

sl_status sl_exit_mean(sl_approximation *mean, const sl_exit_law *law, double start, sl_err *err)
{
    static const double longest = 1e12;
    double value[MESHES];
    SL_TRY(check_start(law, start, err));
    for (size_t i = 0; i < MESHES; i++) {
        SL_TRY(solve_mean(&value[i], &law->mesh[i], start, err));
        if (!(value[i] >= 1 && value[i] <= longest))
            return sl_fail(err, SL_E_NUMERIC, "the mean exit time is beyond %g steps, more than doubles resolve",
                           longest);
    }
    *mean = (sl_approximation){value[0], fabs(value[1] - value[0])};
    return SL_OK;
}

/* ---- The law ----------------------------------------------------------------------------------------------------- */

/* P(tau = t + 1 | y) =: d_t(y) obeys d_{t+1} = K d_t from d_0 = P(|y'| > R): positive terms, nothing to subtract. Once
 * it shrinks by the same factor every step, at t and at t/2, it goes on so for ever, and 1 - factor is
 * d_t / P(tau > t), which has its digits where the factor is 1 to rounding. */
typedef struct {
    const sl_exit_mesh *mesh;
    double start;
    double *now, *next; /* [n] */
    double t, left, d;  /* P(tau <= t), and d_t(start)                                  */
    double check_at, check_ratio; /* d_t / d_{t-1} then                                 */
    bool geometric;
    double log_ratio; /* of d_t / d_{t-1} from then on                                  */
} walk;

static sl_status walk_init(walk *w, const sl_exit_mesh *m, double start, sl_err *err)
{
    *w = (walk){.mesh = m, .start = start, .check_at = 16};
    w->now = malloc(2 * m->n * sizeof *w->now);
    if (!w->now) return sl_fail(err, SL_E_MEMORY, "no memory for a law on %zu nodes", m->n);
    w->next = w->now + m->n;
    memcpy(w->now, m->leave, m->n * sizeof *w->now);
    w->d = fmax(sl_exit_mesh_at(m, w->now, start), 0);
    return SL_OK;
}

static void walk_clear(walk *w)
{
    free(w->now < w->next ? w->now : w->next);
}

static double peak(const walk *w)
{
    double most = 0;
    for (size_t i = 0; i < w->mesh->n; i++) most = fmax(most, w->now[i]);
    return most;
}

/* Has the law become geometric? before: d a step ago. */
static void check_ratio(walk *w, double before)
{
    static const double same = 1e-13, nothing = 1e-280;
    const double ratio = before > 0 ? w->d / before : NAN;
    w->geometric = fabs(ratio - w->check_ratio) <= same && ratio <= 1 + same;
    if (w->d == 0 && peak(w) < nothing) w->geometric = true; /* nor will d ever be more */
    if (w->geometric) w->log_ratio = w->left < 0.5 ? log1p(-w->d / (1 - w->left)) : log(ratio);
    w->check_at *= 2;
    w->check_ratio = ratio;
}

static void walk_step(walk *w)
{
    const double before = w->d;
    w->t++;
    w->left = fmin(w->left + before, 1);
    if (w->geometric) {
        w->d *= exp(w->log_ratio);
        return;
    }
    sl_exit_mesh_step(w->next, w->mesh, w->now);
    double *const swap = w->now;
    w->now = w->next;
    w->next = swap;
    w->d = fmax(sl_exit_mesh_at(w->mesh, w->now, w->start), 0);
    if (w->t >= w->check_at) check_ratio(w, before);
}

/* Steps until t, or until P(tau <= t) >= p, or until the law is geometric. */
static sl_status walk_until(walk *w, double t, double p, sl_err *err)
{
    static const double most = 2e7;
    for (size_t k = 1; w->t < t && w->left < p && !w->geometric; k++) {
        if (w->t >= most) return sl_fail(err, SL_E_NUMERIC, "the law of exits is not geometric after %g steps", most);
        if (k % 1024 == 0 && sl_stop_requested()) return sl_fail(err, SL_INTERRUPTED, "interrupted");
        walk_step(w);
    }
    return SL_OK;
}

/* P(tau <= t) for t beyond where the walk has come, once it is geometric. */
static double left_at(const walk *w, double t)
{
    if (w->d == 0) return w->left;
    return fmin(1, w->left + w->d * expm1((t - w->t) * w->log_ratio) / expm1(w->log_ratio));
}

sl_status sl_exit_survival(double *survival, double *left, double *error, size_t n, const sl_exit_law *law,
                           double start, sl_err *err)
{
    SL_TRY(check_start(law, start, err));
    double worst = 0, *const values = malloc((n + 1) * sizeof *values);
    if (!values) return sl_fail(err, SL_E_MEMORY, "no memory for %zu steps", n);
    sl_status st = SL_OK;
    for (size_t i = MESHES; i-- > 0 && st == SL_OK;) {
        walk w;
        st = walk_init(&w, &law->mesh[i], start, err);
        for (size_t t = 0; st == SL_OK && t < n; t++) {
            if (i == 0) worst = fmax(worst, fabs(w.left - values[t]));
            values[t] = w.left;
            walk_step(&w);
        }
        walk_clear(&w);
    }
    for (size_t t = 0; st == SL_OK && t < n; t++) {
        if (survival) survival[t] = 1 - values[t];
        if (left) left[t] = values[t];
    }
    if (st == SL_OK && error) *error = worst;
    free(values);
    return st;
}

sl_status sl_exit_probability(sl_approximation *left, const sl_exit_law *law, double start, double t, sl_err *err)
{
    double value[MESHES];
    SL_TRY(check_start(law, start, err));
    if (!(t >= 0 && isfinite(t))) return sl_fail(err, SL_E_DOMAIN, "t = %g steps, need 0 <= t < inf", t);
    t = floor(t);
    for (size_t i = 0; i < MESHES; i++) {
        walk w;
        SL_TRY(walk_init(&w, &law->mesh[i], start, err));
        const sl_status st = walk_until(&w, t, 2, err);
        value[i] = w.t < t ? left_at(&w, t) : w.left;
        walk_clear(&w);
        if (st != SL_OK) return st;
    }
    *left = (sl_approximation){value[0], fabs(value[1] - value[0])};
    return SL_OK;
}

/* The least t with P(tau <= t) >= p. */
static sl_status walk_quantile(double *t, const sl_exit_mesh *m, double start, double p, sl_err *err)
{
    walk w;
    SL_TRY(walk_init(&w, m, start, err));
    const sl_status st = walk_until(&w, INFINITY, p, err);
    *t = w.t;
    if (st == SL_OK && w.left < p) { /* 1 - P(tau <= t) = (1 - left) ratio^(t - w.t) */
        *t = w.d > 0 ? w.t + fmax(0, ceil(log((1 - p) / (1 - w.left)) / w.log_ratio)) : INFINITY;
        if (!(*t < 0x1p53)) *t = INFINITY; /* beyond what doubles count */
        while (*t < INFINITY && left_at(&w, *t) < p) (*t)++;
        while (*t < INFINITY && *t > w.t && left_at(&w, *t - 1) >= p) (*t)--;
    }
    walk_clear(&w);
    return st;
}

sl_status sl_exit_quantile(uint64_t *t, bool *ambiguous, const sl_exit_law *law, double start, double p, sl_err *err)
{
    double value[MESHES];
    SL_TRY(check_start(law, start, err));
    if (!(p > 0 && p < 1)) return sl_fail(err, SL_E_DOMAIN, "p = %g, need 0 < p < 1", p);
    for (size_t i = 0; i < MESHES; i++) SL_TRY(walk_quantile(&value[i], &law->mesh[i], start, p, err));
    if (!(value[0] < 0x1p53))
        return sl_fail(err, SL_E_NUMERIC, "the %g-quantile of the exit time is beyond 2^53 steps", p);
    *t = (uint64_t)value[0];
    if (ambiguous) *ambiguous = value[0] != value[1];
    return SL_OK;
}
