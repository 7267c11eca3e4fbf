/* The parameters of the strict-saddle property: minima first, then what lies between them. */
#include <gsl/gsl_eigen.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

#include "base/gsl.h"
#include "sim/landscape.h"
#include "sim/strict_search.h"

enum { DIM = SL_STRICT_DIM, STARTS = 64, POLISH = 4, STARTS_ROUND_MINIMA = 16 };

static const double SAME = 1e-4;      /* of the area's size: two minima are one                         */
static const double AT_REST = 1e-6;   /* of the usual |grad f|: a descent has ended in a minimum        */
static const double FLAT = 1e-6;      /* of beta: an eigenvalue is 0                                     */

typedef struct {
    const sl_loss *loss;
    const sl_area *area;
    size_t dim, starts;
    double size, usual; /* usual: mean |grad f| at the starts */
    double beta, delta, epsilon;
    double minimum[SL_STRICT_MINIMA][DIM];
    size_t minima;
    bool flat; /* a minimum without curvature in some direction was met */
    gsl_eigen_symm_workspace *eigen;
    gsl_matrix *hessian;
    gsl_vector *values, *step;
    gsl_qrng *random;
    sl_status st;
} search;

static double norm(const double *x, size_t n)
{
    double sum = 0;
    for (size_t d = 0; d < n; d++) sum += x[d] * x[d];
    return sqrt(sum);
}

static double least_eigenvalue(const search *s, const double *x)
{
    sl_loss_hessian(s->loss, x, s->hessian->data);
    for (size_t i = 0; i < s->dim * s->dim; i++)
        if (!isfinite(s->hessian->data[i])) return NAN;
    gsl_eigen_symm(s->hessian, s->values, s->eigen);
    return gsl_vector_min(s->values);
}

static double slope(const search *s, const double *x)
{
    double g[DIM];
    sl_loss_gradient(s->loss, x, g);
    return norm(g, s->dim);
}

static bool inside(const search *s, const double *x)
{
    if (s->area->radius > 0) {
        double r[DIM];
        for (size_t d = 0; d < s->dim; d++) r[d] = x[d] - s->area->centre[d];
        return norm(r, s->dim) <= s->area->radius * (1 + 1e-9);
    }
    for (size_t d = 0; d < s->dim; d++)
        if (!(x[d] >= s->area->lo[d] - 1e-9 * s->size && x[d] <= s->area->hi[d] + 1e-9 * s->size)) return false;
    return true;
}

/* The distance to the nearest minimum. */
static double to_minimum(const search *s, const double *x)
{
    double least = INFINITY, r[DIM];
    for (size_t m = 0; m < s->minima; m++) {
        for (size_t d = 0; d < s->dim; d++) r[d] = x[d] - s->minimum[m][d];
        least = fmin(least, norm(r, s->dim));
    }
    return least;
}

/* ---- Minima ---- */

static double value(const double *y, double *g, void *ctx)
{
    const search *s = ctx;
    double x[DIM], dx[DIM];
    sl_area_point(x, s->area, s->dim, y);
    if (g) {
        sl_loss_gradient(s->loss, x, dx);
        sl_area_chain(g, s->area, s->dim, y, dx);
    }
    return sl_loss_value(s->loss, x);
}

/* Newton's steps for the last digits. */
static void polish(const search *s, double *x)
{
    for (int i = 0; i < POLISH; i++) {
        double g[DIM];
        sl_loss_gradient(s->loss, x, g);
        sl_loss_hessian(s->loss, x, s->hessian->data);
        const gsl_vector_view right = gsl_vector_view_array(g, s->dim);
        if (gsl_linalg_cholesky_decomp1(s->hessian) != GSL_SUCCESS) return;
        gsl_linalg_cholesky_solve(s->hessian, &right.vector, s->step);
        for (size_t d = 0; d < s->dim; d++) x[d] -= gsl_vector_get(s->step, d);
    }
}

static sl_status keep(search *s, const double *x, sl_err *err)
{
    if (s->minima > 0 && to_minimum(s, x) < SAME * s->size) return SL_OK;
    if (s->minima == SL_STRICT_MINIMA)
        return sl_fail(err, SL_E_NUMERIC, "loss '%s' has more than %d minima in the area: take a smaller one",
                       s->loss->kind->entry.name, SL_STRICT_MINIMA);
    memcpy(s->minimum[s->minima++], x, s->dim * sizeof *x);
    return SL_OK;
}

/* Descents end in minima, or on the border, where the gradient is not 0. */
static sl_status find_minima(search *s, sl_err *err)
{
    double y[DIM], x[DIM], sum = 0;
    for (size_t i = 0; i < s->starts; i++) {
        sl_area_start(y, NULL, s->area, s->dim, s->random, i);
        sl_area_point(x, s->area, s->dim, y);
        sum += slope(s, x);
    }
    s->usual = sum / (double)s->starts;
    gsl_qrng_init(s->random);
    for (size_t i = 0; i < s->starts && s->st == SL_OK; i++) {
        sl_area_start(y, NULL, s->area, s->dim, s->random, i);
        if (!isfinite(sl_descend(value, s, y, s->dim, &s->st))) continue;
        sl_area_point(x, s->area, s->dim, y);
        const double before = least_eigenvalue(s, x);
        if (!(slope(s, x) <= 1e-3 * s->usual)) continue;
        if (before > FLAT * s->beta) polish(s, x);
        if (!(slope(s, x) <= AT_REST * s->usual) || !inside(s, x)) continue;
        const double least = least_eigenvalue(s, x);
        if (least > FLAT * s->beta)
            SL_TRY(keep(s, x, err));
        else if (least > -FLAT * s->beta)
            s->flat = true;
    }
    gsl_qrng_init(s->random);
    return SL_OK;
}

/* ---- Between the minima ---- */

/* |grad f| where nothing curves down, away from the minima. */
static double slope_where_convex(const double *y, double *g, void *ctx)
{
    (void)g;
    const search *s = ctx;
    double x[DIM];
    sl_area_point(x, s->area, s->dim, y);
    if (to_minimum(s, x) < s->delta || !(least_eigenvalue(s, x) >= 0)) return INFINITY;
    return slope(s, x);
}

/* The least eigenvalue, with its sign turned, where f is nearly level, away from the minima. */
static double fall_where_level(const double *y, double *g, void *ctx)
{
    (void)g;
    const search *s = ctx;
    double x[DIM];
    sl_area_point(x, s->area, s->dim, y);
    if (to_minimum(s, x) < s->delta || !(slope(s, x) <= s->epsilon)) return INFINITY;
    return -least_eigenvalue(s, x);
}

/* |grad f|^2/2, whose gradient is H grad f. */
static double half_square(const double *y, double *g, void *ctx)
{
    const search *s = ctx;
    double x[DIM], df[DIM], dx[DIM], f = 0;
    sl_area_point(x, s->area, s->dim, y);
    sl_loss_gradient(s->loss, x, df);
    for (size_t d = 0; d < s->dim; d++) f += df[d] * df[d] / 2;
    if (g) {
        sl_along(dx, NULL, NULL, s->loss, x, df, 1e-3 * s->size / fmax(sqrt(2 * f), 1e-300));
        sl_area_chain(g, s->area, s->dim, y, dx);
    }
    return f;
}

/* Points just outside the balls about the minima, where both extremes are apt to be. */
static void round_minimum(double *y, const search *s, size_t m, size_t i)
{
    double v[DIM], x[DIM];
    sl_area_start(y, v, s->area, s->dim, s->random, i);
    for (size_t d = 0; d < s->dim; d++) x[d] = s->minimum[m][d] + s->delta * (1 + 1e-6) * v[d];
    sl_area_unpoint(y, s->area, s->dim, x);
}

static double least_slope(search *s)
{
    double y[DIM], least = INFINITY;
    const double step = fmin(0.1, s->minima > 0 ? 0.3 * s->delta / s->size : 0.1);
    for (size_t i = 0; i < s->starts && s->st == SL_OK; i++) {
        sl_area_start(y, NULL, s->area, s->dim, s->random, i);
        least = fmin(least, sl_creep(slope_where_convex, s, y, s->dim, step, &s->st));
    }
    for (size_t m = 0; m < s->minima; m++)
        for (size_t i = 0; i < STARTS_ROUND_MINIMA && s->st == SL_OK; i++) {
            round_minimum(y, s, m, i);
            least = fmin(least, sl_creep(slope_where_convex, s, y, s->dim, step, &s->st));
        }
    gsl_qrng_init(s->random);
    return least;
}

/* The set of small slopes has a local minimum of the slope in each of its pieces, or touches the balls. */
static double least_fall(search *s)
{
    double y[DIM], least = INFINITY;
    const double step = isfinite(s->epsilon) ? fmin(0.1, 0.3 * s->epsilon / (s->beta * s->size)) : 0.1;
    for (size_t i = 0; i < 2 * s->starts && s->st == SL_OK; i++) {
        if (i == s->starts) gsl_qrng_init(s->random);
        sl_area_start(y, NULL, s->area, s->dim, s->random, i % s->starts);
        if (i < s->starts) sl_descend(half_square, s, y, s->dim, &s->st);
        least = fmin(least, sl_creep(fall_where_level, s, y, s->dim, step, &s->st));
    }
    for (size_t m = 0; m < s->minima; m++)
        for (size_t i = 0; i < STARTS_ROUND_MINIMA && s->st == SL_OK; i++) {
            round_minimum(y, s, m, i);
            least = fmin(least, sl_creep(fall_where_level, s, y, s->dim, step, &s->st));
        }
    gsl_qrng_init(s->random);
    return least;
}

static sl_status find_alpha(double *alpha, const search *s, sl_err *err)
{
    *alpha = INFINITY;
    for (size_t m = 0; m < s->minima; m++) {
        const sl_area ball = {.centre = s->minimum[m], .radius = 2 * s->delta};
        double down;
        SL_TRY(sl_largest_curvature(&down, s->loss, &ball, -1, STARTS_ROUND_MINIMA, err));
        *alpha = fmin(*alpha, -down);
    }
    return SL_OK;
}

static sl_status find(sl_strict *out, search *s, const sl_strict_choice *choice, sl_err *err)
{
    s->beta = out->beta;
    SL_TRY(find_minima(s, err));
    double a = INFINITY;
    for (size_t m = 0; m < s->minima; m++) a = fmin(a, least_eigenvalue(s, s->minimum[m]));
    if (s->minima > 0)
        s->delta = choice->delta > 0 ? choice->delta : out->rho > 0 ? fmin(a / (4 * out->rho), s->size) : s->size;
    SL_TRY(find_alpha(&out->alpha, s, err));
    out->epsilon_most = least_slope(s);
    s->epsilon = choice->epsilon > 0 ? choice->epsilon : out->epsilon_most / 2;
    out->gamma = least_fall(s);
    out->delta = s->delta;
    out->epsilon = s->epsilon;
    out->minima = s->minima;
    out->strict = !s->flat && out->alpha > FLAT * s->beta && out->epsilon > FLAT * s->usual &&
                  out->gamma > FLAT * s->beta;
    return s->st == SL_OK ? SL_OK : sl_fail(err, s->st, "no memory for a search in %zu dimensions", s->dim);
}

sl_status sl_strict_find(sl_strict *out, const sl_loss *loss, const sl_area *area, const sl_strict_choice *choice,
                         sl_err *err)
{
    sl_gsl_quiet();
    SL_TRY(sl_area_check(area, loss, err));
    if (loss->dim > DIM)
        return sl_fail(err, SL_E_DOMAIN, "loss '%s' has %zu coordinates, the search for alpha and gamma takes %d",
                       loss->kind->entry.name, loss->dim, DIM);
    if (!(choice->delta >= 0 && isfinite(choice->delta)))
        return sl_fail(err, SL_E_DOMAIN, "delta = %g, need 0 < delta < inf (0: chosen)", choice->delta);
    if (!(choice->epsilon >= 0 && isfinite(choice->epsilon)))
        return sl_fail(err, SL_E_DOMAIN, "epsilon = %g, need 0 < epsilon < inf (0: chosen)", choice->epsilon);
    sl_smoothness smooth;
    SL_TRY(sl_strict_smoothness(&smooth, loss, area, choice->starts, err));
    sl_strict found = {.beta = smooth.beta, .rho = smooth.rho};
    search s = {.loss = loss,
                .area = area,
                .dim = loss->dim,
                .starts = choice->starts > 0 ? choice->starts : STARTS,
                .size = sl_area_size(area, loss->dim),
                .eigen = gsl_eigen_symm_alloc(loss->dim),
                .hessian = gsl_matrix_alloc(loss->dim, loss->dim),
                .values = gsl_vector_alloc(loss->dim),
                .step = gsl_vector_alloc(loss->dim),
                .random = sl_area_starts(loss->dim)};
    const bool memory = s.eigen && s.hessian && s.values && s.step && s.random;
    const sl_status st = memory ? find(&found, &s, choice, err)
                                : sl_fail(err, SL_E_MEMORY, "no memory for a search in %zu dimensions", loss->dim);
    if (s.eigen) gsl_eigen_symm_free(s.eigen);
    gsl_matrix_free(s.hessian);
    gsl_vector_free(s.values);
    gsl_vector_free(s.step);
    if (s.random) gsl_qrng_free(s.random);
    if (st == SL_OK) *out = found;
    return st;
}
