#include "sim/landscape.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_odeiv2.h>
#include <gsl/gsl_qrng.h>
#include <math.h>
#include <string.h>

#include "base/gsl.h"

enum { LANES = 8, DIM = SL_LANDSCAPE_DIM, NONE = SL_LANDSCAPE_POINTS };

/* Newton's method from every start finds each point many times over. */
enum { STARTS_LINE = 512, STARTS_PLANE = 48, STARTS_SPACE = 4096, NEWTON_STEPS = 200, DESCENT_STEPS = 200000 };

static const double SAME = 1e-6;       /* of the box's diagonal: two points are one     */
static const double CONVERGED = 1e-12; /* of the diagonal: the last step but one        */
static const double DEGENERATE = 1e-9; /* of the usual eigenvalue                       */
static const double ARRIVED = 0.01;    /* of the distance to the nearest other point    */
static const double KICK = 1e-3;       /* the same, for the first step off a saddle     */
static const double AT_REST = 1e-6;    /* of the slope after that step                  */

/* Central differences of the gradient, to about 1e-10. */
static void hessian_by_differences(const sl_loss *loss, const double *x, double *H)
{
    static const double relative_step = 6e-6; /* cube root of the rounding unit */
    const size_t n = loss->dim;
    double at[SL_LOSS_MAX_DIM], up[SL_LOSS_MAX_DIM], down[SL_LOSS_MAX_DIM];
    memcpy(at, x, n * sizeof *at);
    for (size_t d = 0; d < n; d++) {
        const double h = relative_step * fmax(1, fabs(x[d]));
        at[d] = x[d] + h;
        sl_loss_gradient(loss, at, up);
        at[d] = x[d] - h;
        sl_loss_gradient(loss, at, down);
        at[d] = x[d];
        for (size_t i = 0; i < n; i++) H[i * n + d] = (up[i] - down[i]) / (2 * h);
    }
}

/* Unit vectors stand in the lanes of a block, as many at a time as it has. */
static void hessian_by_products(const sl_loss *loss, const double *x, double *H)
{
    const size_t n = loss->dim;
    _Alignas(64) double at[SL_LOSS_MAX_DIM * LANES], u[SL_LOSS_MAX_DIM * LANES], h[SL_LOSS_MAX_DIM * LANES];
    for (size_t d = 0; d < n; d++)
        for (size_t i = 0; i < LANES; i++) at[d * LANES + i] = x[d];
    for (size_t first = 0; first < n; first += LANES) {
        memset(u, 0, n * LANES * sizeof *u);
        for (size_t i = 0; i < LANES && first + i < n; i++) u[(first + i) * LANES + i] = 1;
        loss->kind->hessian_vector(loss, LANES, LANES, at, u, h);
        for (size_t d = 0; d < n; d++)
            for (size_t i = 0; i < LANES && first + i < n; i++) H[d * n + first + i] = h[d * LANES + i];
    }
}

void sl_loss_hessian(const sl_loss *loss, const double *x, double *H)
{
    const size_t n = loss->dim;
    if (loss->kind->hessian_vector)
        hessian_by_products(loss, x, H);
    else
        hessian_by_differences(loss, x, H);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) H[i * n + j] = H[j * n + i] = (H[i * n + j] + H[j * n + i]) / 2;
}

typedef struct {
    const sl_loss *loss;
    const double *lo, *hi;
    size_t dim;
    double period, diagonal; /* diagonal: of the box                                      */
    double usual;            /* geometric mean of the largest |eigenvalue| at the starts  */
    gsl_eigen_symmv_workspace *eigen;
    gsl_matrix *hessian, *vectors;
    gsl_vector *values;
} search;

/* Eigenvalues (increasing) and eigenvectors (columns) of the Hessian at x, into s->values and s->vectors. */
static void diagonalise(const search *s, const double *x)
{
    sl_loss_hessian(s->loss, x, s->hessian->data);
    gsl_eigen_symmv(s->hessian, s->values, s->vectors, s->eigen);
    gsl_eigen_symmv_sort(s->values, s->vectors, GSL_EIGEN_SORT_VAL_ASC);
}

/* x - y, the shortest way round on a periodic loss. */
static double difference(double period, double x, double y)
{
    return period > 0 ? remainder(x - y, period) : x - y;
}

static double distance(size_t dim, double period, const double *x, const double *y)
{
    double sum = 0;
    for (size_t d = 0; d < dim; d++) sum += pow(difference(period, x[d], y[d]), 2);
    return sqrt(sum);
}

/* How far x is outside the box, in widths of it. */
static double outside(const search *s, const double *x)
{
    double most = 0;
    for (size_t d = 0; d < s->dim; d++)
        most = fmax(most, fmax(s->lo[d] - x[d], x[d] - s->hi[d]) / (s->hi[d] - s->lo[d]));
    return most;
}

/* One step of Newton's method, no longer than an eighth of the box. Returns its length, NAN where f is not finite. */
static double newton_step(const search *s, double *x)
{
    double g[SL_LOSS_MAX_DIM], step[DIM] = {0}, length = 0;
    sl_loss_gradient(s->loss, x, g);
    diagonalise(s, x);
    for (size_t k = 0; k < s->dim; k++) {
        double along = 0, curvature = gsl_vector_get(s->values, k);
        for (size_t d = 0; d < s->dim; d++) along += gsl_matrix_get(s->vectors, d, k) * g[d];
        if (along == 0) continue;
        if (curvature == 0) curvature = s->usual * DEGENERATE;
        for (size_t d = 0; d < s->dim; d++) step[d] -= gsl_matrix_get(s->vectors, d, k) * along / curvature;
    }
    for (size_t d = 0; d < s->dim; d++) length += step[d] * step[d];
    length = sqrt(length);
    const double most = s->diagonal / 8, factor = length > most ? most / length : 1;
    for (size_t d = 0; d < s->dim; d++) x[d] += factor * step[d];
    return factor * length;
}

/* From x to a stationary point, left in x. On a periodic loss moved into the box. */
static bool newton(const search *s, double *x)
{
    bool close = false;
    for (int i = 0; i < NEWTON_STEPS; i++) {
        const double length = newton_step(s, x);
        if (!isfinite(length) || (s->period == 0 && outside(s, x) > 1)) return false;
        if (close) break;
        close = length <= CONVERGED * s->diagonal; /* one more step for the last digits */
    }
    if (!close) return false;
    for (size_t d = 0; d < s->dim && s->period > 0; d++) {
        x[d] -= s->period * floor((x[d] - s->lo[d]) / s->period);
        if (s->lo[d] + s->period - x[d] < SAME * s->diagonal) x[d] -= s->period; /* its image is at the lower end */
    }
    return outside(s, x) < SAME;
}

static sl_status too_flat(const search *s, const double *x, sl_err *err)
{
    return sl_fail(err, SL_E_NUMERIC, "loss '%s' has a degenerate stationary point at x[0] = %g: an eigenvalue of its "
                   "Hessian is 0", s->loss->kind->entry.name, x[0]);
}

/* Adds x to the list unless it is there. */
static sl_status keep(sl_landscape *l, const search *s, const double *x, sl_err *err)
{
    for (size_t i = 0; i < l->n; i++)
        if (distance(s->dim, s->period, x, l->point[i].x) < SAME * s->diagonal) return SL_OK;
    if (l->n == SL_LANDSCAPE_POINTS)
        return sl_fail(err, SL_E_NUMERIC, "loss '%s' has more than %d stationary points in the box: take a smaller one",
                       s->loss->kind->entry.name, SL_LANDSCAPE_POINTS);
    sl_stationary_point p = {.f = sl_loss_value(s->loss, x), .joins = {NONE, NONE}};
    diagonalise(s, x);
    for (size_t d = 0; d < s->dim; d++) {
        p.x[d] = x[d];
        p.eigenvalue[d] = gsl_vector_get(s->values, d);
        p.index += p.eigenvalue[d] < 0;
        if (!(fabs(p.eigenvalue[d]) > DEGENERATE * s->usual)) return too_flat(s, x, err);
    }
    l->point[l->n++] = p;
    return SL_OK;
}

/* Start i of n: a grid of cell centres, or quasi-random points. */
static void start_point(double *x, const search *s, size_t i, gsl_qrng *random)
{
    double u[DIM];
    if (s->dim == 1) {
        u[0] = ((double)i + 0.5) / STARTS_LINE;
    } else if (s->dim == 2) {
        u[0] = ((double)(i % STARTS_PLANE) + 0.5) / STARTS_PLANE;
        u[1] = ((double)(i / STARTS_PLANE) + 0.5) / STARTS_PLANE;
    } else {
        gsl_qrng_get(random, u);
    }
    for (size_t d = 0; d < s->dim; d++) x[d] = s->lo[d] + u[d] * (s->hi[d] - s->lo[d]);
}

/* Runs through the starts: first for the usual eigenvalue, then for the points. */
static sl_status find_points(sl_landscape *l, search *s, sl_err *err)
{
    const size_t n = s->dim == 1 ? STARTS_LINE : s->dim == 2 ? STARTS_PLANE * STARTS_PLANE : STARTS_SPACE;
    gsl_qrng *random = gsl_qrng_alloc(gsl_qrng_sobol, (unsigned)s->dim);
    if (!random) return sl_fail(err, SL_E_MEMORY, "no memory for quasi-random points");
    double x[DIM], sum = 0;
    size_t curved = 0;
    for (size_t i = 0; i < n; i++) {
        start_point(x, s, i, random);
        diagonalise(s, x);
        const double largest = fmax(fabs(gsl_vector_get(s->values, 0)), fabs(gsl_vector_get(s->values, s->dim - 1)));
        if (!(largest > 0 && isfinite(largest))) continue;
        sum += log(largest);
        curved++;
    }
    s->usual = curved ? exp(sum / (double)curved) : 0;
    gsl_qrng_init(random);
    sl_status st = SL_OK;
    for (size_t i = 0; i < n && st == SL_OK; i++) {
        start_point(x, s, i, random);
        if (curved == 0)
            st = sl_fail(err, SL_E_NUMERIC, "loss '%s' has no curvature in the box", s->loss->kind->entry.name);
        else if (newton(s, x))
            st = keep(l, s, x, err);
    }
    gsl_qrng_free(random);
    return st;
}

/* Does a come before b? By f, of equal f minima first, then by coordinates. */
static bool before(const sl_stationary_point *a, const sl_stationary_point *b, size_t dim, double same_f, double same_x)
{
    if (fabs(a->f - b->f) > same_f) return a->f < b->f;
    if (a->index != b->index) return a->index < b->index;
    for (size_t d = 0; d < dim; d++)
        if (fabs(a->x[d] - b->x[d]) > same_x) return a->x[d] < b->x[d];
    return false;
}

static void sort(sl_landscape *l, const search *s)
{
    double lowest = INFINITY, highest = -INFINITY;
    for (size_t i = 0; i < l->n; i++) {
        lowest = fmin(lowest, l->point[i].f);
        highest = fmax(highest, l->point[i].f);
    }
    for (size_t i = 1; i < l->n; i++) {
        const sl_stationary_point p = l->point[i];
        size_t k = i;
        for (; k > 0 && before(&p, &l->point[k - 1], s->dim, 1e-9 * (highest - lowest), SAME * s->diagonal); k--)
            l->point[k] = l->point[k - 1];
        l->point[k] = p;
    }
}

static double nearest_other(const sl_landscape *l, const search *s, size_t i)
{
    double least = s->diagonal;
    for (size_t k = 0; k < l->n; k++)
        if (k != i) least = fmin(least, distance(s->dim, s->period, l->point[i].x, l->point[k].x));
    return least;
}

static int downhill(double t, const double x[], double dx[], void *loss)
{
    (void)t;
    sl_loss_gradient(loss, x, dx);
    for (size_t d = 0; d < ((const sl_loss *)loss)->dim; d++) {
        if (!isfinite(dx[d])) return GSL_EBADFUNC;
        dx[d] = -dx[d];
    }
    return GSL_SUCCESS;
}

/* The minimum whose close neighbourhood holds x, or NONE. reach[i]: how close is close to point i. */
static size_t arrived(const sl_landscape *l, const double *reach, const double *x)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->point[i].index == 0 && distance(l->dim, l->period, x, l->point[i].x) < reach[i]) return i;
    return NONE;
}

static double slope(const search *s, const double *x)
{
    double g[SL_LOSS_MAX_DIM], sum = 0;
    sl_loss_gradient(s->loss, x, g);
    for (size_t d = 0; d < s->dim; d++) sum += g[d] * g[d];
    return sqrt(sum);
}

/* Follows dx/dt = -grad f from x by an adaptive Runge-Kutta method until a minimum of the list is near (*end), the box
 * is far, or the path has come to rest outside of it. */
static sl_status descend(size_t *end, const sl_landscape *l, const search *s, const double *reach, double *x,
                         sl_err *err)
{
    sl_loss loss = *s->loss; /* GSL's parameters are not const */
    gsl_odeiv2_system system = {downhill, NULL, s->dim, &loss};
    gsl_odeiv2_step *step = gsl_odeiv2_step_alloc(gsl_odeiv2_step_rkf45, s->dim);
    gsl_odeiv2_control *control = gsl_odeiv2_control_y_new(1e-8 * s->diagonal, 0);
    gsl_odeiv2_evolve *evolve = gsl_odeiv2_evolve_alloc(s->dim);
    sl_status st = SL_OK;
    *end = NONE;
    if (!step || !control || !evolve) {
        st = sl_fail(err, SL_E_MEMORY, "no memory for a descent");
    } else {
        const double rest = AT_REST * slope(s, x);
        double t = 0, h = 1e-3 / s->usual;
        int i = 0;
        for (; i < DESCENT_STEPS && *end == NONE; i++) {
            if (s->period == 0 && outside(s, x) > 1) break;
            if (gsl_odeiv2_evolve_apply(evolve, control, step, &system, &t, INFINITY, &h, x) != GSL_SUCCESS) break;
            *end = arrived(l, reach, x);
            if (slope(s, x) < rest) break;
        }
        if (i == DESCENT_STEPS)
            st = sl_fail(err, SL_E_NUMERIC, "a descent on loss '%s' ended nowhere: it stands at x[0] = %g",
                         s->loss->kind->entry.name, x[0]);
    }
    if (evolve) gsl_odeiv2_evolve_free(evolve);
    if (control) gsl_odeiv2_control_free(control);
    if (step) gsl_odeiv2_step_free(step);
    return st;
}

/* Which minima each saddle of index 1 joins. */
static sl_status join(sl_landscape *l, const search *s, sl_err *err)
{
    double reach[SL_LANDSCAPE_POINTS];
    for (size_t i = 0; i < l->n; i++) reach[i] = ARRIVED * nearest_other(l, s, i);
    for (size_t i = 0; i < l->n; i++) {
        sl_stationary_point *p = &l->point[i];
        if (p->index != 1) continue;
        diagonalise(s, p->x);
        double u[DIM] = {0};
        size_t largest = 0;
        for (size_t d = 0; d < s->dim; d++) {
            u[d] = gsl_matrix_get(s->vectors, d, 0);
            if (fabs(u[d]) > fabs(u[largest]) * (1 + SAME)) largest = d;
        }
        const double kick = copysign(KICK / ARRIVED * reach[i], u[largest]); /* first to where that coordinate falls */
        for (int side = 0; side < 2; side++) {
            double x[DIM];
            for (size_t d = 0; d < s->dim; d++) x[d] = p->x[d] + (side == 0 ? -kick : kick) * u[d];
            SL_TRY(descend(&p->joins[side], l, s, reach, x, err));
        }
    }
    return SL_OK;
}

static sl_status check_box(const sl_loss *loss, const double *lo, const double *hi, sl_err *err)
{
    if (loss->dim > DIM)
        return sl_fail(err, SL_E_DOMAIN, "loss '%s' has %zu dimensions; stationary points are searched in up to %d",
                       loss->kind->entry.name, loss->dim, DIM);
    for (size_t d = 0; d < loss->dim; d++)
        if (!(isfinite(lo[d]) && isfinite(hi[d]) && lo[d] < hi[d]))
            return sl_fail(err, SL_E_DOMAIN, "box [%g, %g] of coordinate %zu, need finite lo < hi", lo[d], hi[d], d);
    return SL_OK;
}

sl_status sl_landscape_find(sl_landscape *l, const sl_loss *loss, const double *lo, const double *hi, sl_err *err)
{
    SL_TRY(check_box(loss, lo, hi, err));
    sl_gsl_quiet();
    search s = {.loss = loss, .lo = lo, .hi = hi, .dim = loss->dim, .period = loss->kind->period};
    for (size_t d = 0; d < s.dim; d++) s.diagonal = hypot(s.diagonal, hi[d] - lo[d]);
    s.eigen = gsl_eigen_symmv_alloc(s.dim);
    s.hessian = gsl_matrix_alloc(s.dim, s.dim);
    s.vectors = gsl_matrix_alloc(s.dim, s.dim);
    s.values = gsl_vector_alloc(s.dim);
    sl_landscape found = {.dim = s.dim, .period = s.period};
    sl_status st = SL_OK;
    if (!s.eigen || !s.hessian || !s.vectors || !s.values)
        st = sl_fail(err, SL_E_MEMORY, "no memory for a Hessian");
    if (st == SL_OK) st = find_points(&found, &s, err);
    if (st == SL_OK) {
        sort(&found, &s);
        st = join(&found, &s, err);
    }
    if (s.eigen) gsl_eigen_symmv_free(s.eigen);
    gsl_matrix_free(s.hessian);
    gsl_matrix_free(s.vectors);
    gsl_vector_free(s.values);
    if (st == SL_OK) *l = found;
    return st;
}

static size_t nearest_minimum(const sl_landscape *l, const double *x)
{
    size_t nearest = NONE;
    double least = INFINITY;
    for (size_t i = 0; i < l->n; i++) {
        const double r = distance(l->dim, l->period, x, l->point[i].x);
        if (l->point[i].index != 0 || !(r < least)) continue;
        least = r;
        nearest = i;
    }
    return nearest;
}

/* Saddles are opened from the lowest up, and the minima they join grow together into basins, until both minima are in
 * one: the saddle opened last is the highest on the lowest way. */
sl_status sl_landscape_path(size_t *a, size_t *s, size_t *b, const sl_landscape *l, const double *from,
                            const double *to, sl_err *err)
{
    const size_t start = nearest_minimum(l, from), end = nearest_minimum(l, to);
    if (start == NONE || end == NONE) return sl_fail(err, SL_E_DOMAIN, "there is no minimum near the ends of the way");
    if (start == end)
        return sl_fail(err, SL_E_DOMAIN, "the way from x[0] = %g to %g begins and ends in the minimum at %g", from[0],
                       to[0], l->point[start].x[0]);
    size_t basin[SL_LANDSCAPE_POINTS];
    for (size_t i = 0; i < l->n; i++) basin[i] = i;
    for (size_t i = 0; i < l->n; i++) {
        const sl_stationary_point *p = &l->point[i];
        if (p->index != 1 || p->joins[0] == NONE || p->joins[1] == NONE) continue;
        const size_t kept = basin[p->joins[0]], swallowed = basin[p->joins[1]];
        for (size_t k = 0; k < l->n; k++)
            if (basin[k] == swallowed) basin[k] = kept;
        if (basin[start] != basin[end]) continue;
        *a = start;
        *s = i;
        *b = end;
        return SL_OK;
    }
    return sl_fail(err, SL_E_DOMAIN, "no way over saddles in the box leads from the minimum at x[0] = %g to that at %g",
                   l->point[start].x[0], l->point[end].x[0]);
}
