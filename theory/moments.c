#include "theory/moments.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <string.h>

#include "base/gsl.h"

/* Gauss-Legendre with 8 nodes on [-1, 1]: Abramowitz and Stegun, table 25.4. Symmetric: the positive half. */
static const double gauss_node[] = {0.183434642495649804939476142360, 0.525532409916328985817739049189,
                                    0.796666477413626739591553936476, 0.960289856497536231683560868569};
static const double gauss_weight[] = {0.362683783378361982965150449277, 0.313706645877887287337962201987,
                                      0.222381034453374470544355994426, 0.101228536290376259152531354310};

/* The uniform law on [centre - half, centre + half]. */
static sl_alpha_law uniform(double centre, double half)
{
    sl_alpha_law law = {.n = 1, .node = {centre}, .weight = {1}};
    if (half == 0) return law;
    law.n = SL_ALPHA_NODES;
    for (size_t i = 0; i < SL_ALPHA_NODES / 2; i++) {
        law.node[2 * i] = centre - half * gauss_node[i];
        law.node[2 * i + 1] = centre + half * gauss_node[i];
        law.weight[2 * i] = law.weight[2 * i + 1] = gauss_weight[i] / 2;
    }
    return law;
}

sl_alpha_law sl_alpha_uniform(double delta)
{
    return uniform(delta >= 0 && delta <= 1 ? 1 : NAN, delta);
}

sl_status sl_alpha_of_schedule(sl_alpha_law *law, const sl_schedule *s, sl_err *err)
{
    if (!sl_schedule_is_stationary(s))
        return sl_fail(err, SL_E_CONFIG, "schedule '%s' changes with time, so it has no stationary state",
                       s->spec.entry->name);
    /* Every stationary schedule is a constant or a uniform law, which mean and second moment determine. */
    const double mean = sl_schedule_mean(s, 0, 1) / s->lr;
    *law = uniform(mean, mean * sqrt(3 * fmax(sl_schedule_q(s) - 1, 0)));
    return SL_OK;
}

/* One step at a given alpha: x' = (1 + dx_x) x + dx_v v + bx n,  v' = (dv_x) x + (1 + dv_v) v + bv n, with the
 * increments kept apart from the ones, so that small rates lose no digits in 1 - A. */
typedef struct {
    double nxx, nxv, nvx, nvv; /* M - I */
    double bx, bv;
} map;

/* The rule itself, applied to unit vectors. The response to x through the gradient is a times that to g. */
static map probe(const sl_rule *rule, double a, double alpha)
{
    sl_rule r = *rule;
    if (r.kind == SL_RULE_PLAIN) { /* keeps no velocity: the same as heavy ball without momentum, which does */
        r.kind = SL_RULE_HEAVY_BALL;
        r.mu = 0;
    }
    double x[3] = {1, 0, 0}, v[3] = {0, 1, 0};
    const double g[3] = {0, 0, 1};
    sl_rule_step_same_d(&r, 3, x, v, g, alpha * r.lr);
    return (map){
        .nxx = (x[0] - 1) + a * x[2], .nxv = x[1], .nvx = v[0] + a * v[2], .nvv = v[1] - 1, .bx = x[2], .bv = v[2]};
}

/* (A - I) and c of m' = A m + c for m = (x^2, xv, v^2). */
static void assemble(double A_I[3][3], double c[3], const sl_rule *rule, double a, double s2, const sl_alpha_law *law)
{
    memset(A_I, 0, 9 * sizeof(double));
    memset(c, 0, 3 * sizeof(double));
    for (size_t k = 0; k < law->n; k++) {
        const map m = probe(rule, a, law->node[k]);
        const double w = law->weight[k], n = m.nxx, p = 1 + m.nxx, s = 1 + m.nvv;
        /* x'^2 = (p x + nxv v + bx n)^2, and so on; p^2 - 1 = n (2 + n). */
        const double rows[3][3] = {{n * (2 + n), 2 * p * m.nxv, m.nxv * m.nxv},
                                   {p * m.nvx, (n + m.nvv + n * m.nvv) + m.nxv * m.nvx, m.nxv * s},
                                   {m.nvx * m.nvx, 2 * m.nvx * s, m.nvv * (2 + m.nvv)}};
        const double noise[3] = {m.bx * m.bx, m.bx * m.bv, m.bv * m.bv};
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 3; j++) A_I[i][j] += w * rows[i][j];
            c[i] += w * s2 * noise[i];
        }
    }
}

/* E of the order-th symmetric power of M, order even: acts on (x^order, x^(order-1) v, ..., v^order). */
enum { MAX_ORDER = 4 };
static double power_radius(const sl_rule *rule, double a, const sl_alpha_law *law, int order)
{
    if (!sl_rule_is_linear(rule) || !isfinite(a)) return NAN;
    const size_t dim = (size_t)order + 1;
    double A[(MAX_ORDER + 1) * (MAX_ORDER + 1)] = {0};
    for (size_t k = 0; k < law->n; k++) {
        const map m = probe(rule, a, law->node[k]);
        /* Velocities in units of x / l, so that all entries are of one size. */
        const double l = rule->lr, x[2] = {1 + m.nxx, m.nxv / l}, v[2] = {l * m.nvx, 1 + m.nvv};
        for (size_t i = 0; i < dim; i++) {
            double row[MAX_ORDER + 1] = {1}; /* coefficients of (x[0] X + x[1] V)^(order-i) (v[0] X + v[1] V)^i */
            for (size_t degree = 0; degree < (size_t)order; degree++) {
                const double *const factor = degree < (size_t)order - i ? x : v;
                for (size_t j = degree + 1; j > 0; j--) row[j] = row[j] * factor[0] + row[j - 1] * factor[1];
                row[0] *= factor[0];
            }
            for (size_t j = 0; j < dim; j++) A[i * dim + j] += law->weight[k] * row[j];
        }
    }
    for (size_t i = 0; i < dim * dim; i++)
        if (!isfinite(A[i])) return NAN;

    sl_gsl_quiet();
    gsl_eigen_nonsymm_workspace *work = gsl_eigen_nonsymm_alloc(dim);
    gsl_vector_complex *eigenvalues = gsl_vector_complex_alloc(dim);
    double radius = NAN;
    if (work && eigenvalues) {
        gsl_matrix_view view = gsl_matrix_view_array(A, dim, dim);
        gsl_eigen_nonsymm_params(0, 1, work);
        if (gsl_eigen_nonsymm(&view.matrix, eigenvalues, work) == GSL_SUCCESS) {
            radius = 0;
            for (size_t i = 0; i < dim; i++) {
                const gsl_complex z = gsl_vector_complex_get(eigenvalues, i);
                radius = fmax(radius, hypot(GSL_REAL(z), GSL_IMAG(z)));
            }
        }
    }
    if (work) gsl_eigen_nonsymm_free(work);
    if (eigenvalues) gsl_vector_complex_free(eigenvalues);
    return radius;
}

double sl_moments_radius(const sl_rule *rule, double a, const sl_alpha_law *law)
{
    return power_radius(rule, a, law, 2);
}

double sl_moments_radius4(const sl_rule *rule, double a, const sl_alpha_law *law)
{
    return power_radius(rule, a, law, 4);
}

static sl_status check(const sl_rule *rule, double a, double s2, const sl_alpha_law *law, sl_err *err)
{
    if (!sl_rule_is_linear(rule))
        return sl_fail(err, SL_E_CONFIG, "rule '%s' is not linear: its moments do not close", sl_rule_name(rule));
    if (!(a > 0 && isfinite(a))) return sl_fail(err, SL_E_DOMAIN, "curvature a = %g, need 0 < a < inf", a);
    if (!(s2 >= 0 && isfinite(s2))) return sl_fail(err, SL_E_DOMAIN, "noise variance s2 = %g, need 0 <= s2 < inf", s2);
    for (size_t k = 0; k < law->n; k++)
        if (!(law->node[k] >= 0 && isfinite(law->node[k])))
            return sl_fail(err, SL_E_DOMAIN, "law of alpha has a node at %g, need 0 <= alpha < inf", law->node[k]);
    return SL_OK;
}

/* Gauss elimination with row pivoting; B is overwritten, y becomes the solution. 0 if singular. */
static int solve3(double B[3][3], double y[3])
{
    for (int k = 0; k < 3; k++) {
        int pivot = k;
        for (int i = k + 1; i < 3; i++)
            if (fabs(B[i][k]) > fabs(B[pivot][k])) pivot = i;
        if (B[pivot][k] == 0) return 0;
        for (int j = 0; j < 3; j++) {
            const double t = B[k][j];
            B[k][j] = B[pivot][j];
            B[pivot][j] = t;
        }
        const double t = y[k];
        y[k] = y[pivot];
        y[pivot] = t;
        for (int i = k + 1; i < 3; i++) {
            const double factor = B[i][k] / B[k][k];
            for (int j = k; j < 3; j++) B[i][j] -= factor * B[k][j];
            y[i] -= factor * y[k];
        }
    }
    for (int k = 2; k >= 0; k--) {
        for (int j = k + 1; j < 3; j++) y[k] -= B[k][j] * y[j];
        y[k] /= B[k][k];
    }
    return 1;
}

sl_status sl_moments_stationary(sl_moments *m, const sl_rule *rule, double a, double s2, const sl_alpha_law *law,
                                sl_err *err)
{
    SL_TRY(check(rule, a, s2, law, err));
    const double radius = sl_moments_radius(rule, a, law);
    if (!(radius < 1)) {
        double bound;
        if (sl_moments_stability(&bound, rule, law, NULL) != SL_OK) bound = NAN;
        return sl_fail(err, SL_E_UNSTABLE,
                       "a l = %g is outside mean-square stability: second moments grow by %.6g a step; the largest "
                       "stable a l is %.6g",
                       a * rule->lr, radius, bound);
    }
    double B[3][3], y[3];
    assemble(B, y, rule, a, s2, law);
    /* Scaled to u = l v, so that pivoting compares like with like. */
    const double l = rule->lr, unit[3] = {1, l, l * l};
    for (int i = 0; i < 3; i++) {
        y[i] *= -unit[i];
        for (int j = 0; j < 3; j++) B[i][j] *= unit[i] / unit[j];
    }
    if (!solve3(B, y)) return sl_fail(err, SL_E_NUMERIC, "the moment equations are singular at a l = %g", a * l);
    *m = (sl_moments){.x2 = y[0], .xv = y[1] / unit[1], .v2 = y[2] / unit[2]};
    return SL_OK;
}

sl_status sl_moments_step(sl_moments *m, const sl_rule *rule, double a, double s2, const sl_alpha_law *law, sl_err *err)
{
    SL_TRY(check(rule, a, s2, law, err));
    double A_I[3][3], c[3];
    assemble(A_I, c, rule, a, s2, law);
    const double old[3] = {m->x2, m->xv, m->v2};
    double out[3];
    for (int i = 0; i < 3; i++) out[i] = old[i] + (A_I[i][0] * old[0] + A_I[i][1] * old[1] + A_I[i][2] * old[2]) + c[i];
    *m = (sl_moments){.x2 = out[0], .xv = out[1], .v2 = out[2]};
    return SL_OK;
}

sl_status sl_moments_stability(double *al, const sl_rule *rule, const sl_alpha_law *law, sl_err *err)
{
    SL_TRY(check(rule, 1, 0, law, err));
    /* From a rate that is stable, up by quarters until it is not, then bisection. (The second-moment map is positive,
     * so its radius is an eigenvalue that passes through 1 with finite slope: bisection resolves it to rounding.) */
    double stable = 1e-3 * (1 - rule->mu), unstable;
    while (!(sl_moments_radius(rule, stable / rule->lr, law) < 1)) {
        stable /= 4;
        if (stable < 1e-12) return sl_fail(err, SL_E_UNSTABLE, "no learning rate above 1e-12/a is mean-square stable");
    }
    unstable = 1.25 * stable;
    while (sl_moments_radius(rule, unstable / rule->lr, law) < 1) {
        stable = unstable;
        unstable *= 1.25;
        if (unstable > 1e12) return sl_fail(err, SL_E_NUMERIC, "no bound of mean-square stability below a l = 1e12");
    }
    while (unstable - stable > 1e-13 * stable) {
        const double middle = stable + (unstable - stable) / 2;
        if (middle <= stable || middle >= unstable) break;
        if (sl_moments_radius(rule, middle / rule->lr, law) < 1)
            stable = middle;
        else
            unstable = middle;
    }
    *al = stable;
    return SL_OK;
}
