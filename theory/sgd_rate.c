#include "theory/sgd_rate.h"

#include <gsl/gsl_integration.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/gsl.h"

/* What the law of alpha enters by. */
typedef struct {
    double q, A, B, c3;
} shape;

static sl_status shape_of(shape *s, const sl_alpha_law *alpha, sl_err *err)
{
    double mean = 1, second = 1, third = 1, fourth = 1;
    if (alpha) {
        mean = second = third = fourth = 0;
        for (size_t i = 0; i < alpha->n; i++) {
            const double a = alpha->node[i], w = alpha->weight[i];
            mean += w * a, second += w * a * a, third += w * a * a * a, fourth += w * a * a * a * a;
        }
    }
    if (!(fabs(mean - 1) <= 1e-12))
        return sl_fail(err, SL_E_DOMAIN, "the law of alpha has mean %g, need 1 (put it into the rate)", mean);
    *s = (shape){.q = second, .A = third / second, .B = fourth / (second * second)};
    s->c3 = s->A - s->B / 2;
    return SL_OK;
}

static sl_status check_positive(const char *what, double value, sl_err *err)
{
    if (value > 0 && isfinite(value)) return SL_OK;
    return sl_fail(err, SL_E_DOMAIN, "%s = %g, need 0 < %s < inf", what, value, what);
}

static sl_status check_points(double a, double b, sl_err *err)
{
    if (isfinite(a) && isfinite(b) && a != b) return SL_OK;
    return sl_fail(err, SL_E_DOMAIN, "a passage from %g to %g, need two finite points", a, b);
}

/* ---- Small T ----------------------------------------------------------------------------------------------------- */

typedef struct {
    sl_function derivative;
    void *ctx;
} gradient;

static double slope_cubed(double x, void *params)
{
    const gradient *const s = params;
    const double g = fabs(s->derivative(x, s->ctx));
    return g * g * g;
}

sl_status sl_sgd_rate_kramers(double *c, sl_function derivative, void *ctx, double minimum, double saddle,
                              double curvature_min, double curvature_saddle, double T, const sl_alpha_law *alpha,
                              sl_err *err)
{
    enum { LIMIT = 200 };
    shape s = {0};
    SL_TRY(shape_of(&s, alpha, err));
    SL_TRY(check_points(minimum, saddle, err));
    SL_TRY(check_positive("T", T, err));
    SL_TRY(check_positive("curvature at the minimum", curvature_min, err));
    SL_TRY(check_positive("downward curvature at the saddle", -curvature_saddle, err));
    sl_gsl_quiet();
    gsl_integration_workspace *const work = gsl_integration_workspace_alloc(LIMIT);
    if (!work) return sl_fail(err, SL_E_MEMORY, "no memory for quadrature");
    gradient from = {derivative, ctx};
    const gsl_function function = {slope_cubed, &from};
    double I = 0, error = 0;
    gsl_integration_qag(&function, fmin(minimum, saddle), fmax(minimum, saddle), 0, 1e-11, LIMIT, GSL_INTEG_GAUSS31,
                        work, &I, &error);
    gsl_integration_workspace_free(work);
    if (!(error <= 1e-9 * I))
        return sl_fail(err, SL_E_NUMERIC, "int |f'|^3 from %g to %g is good to %g only", minimum, saddle, error / I);
    *c = -(s.q / 2 - s.c3) * I / (T * T) - curvature_min * (s.q / 8 + s.c3 / 4) -
         curvature_saddle * (3 * s.q / 8 - s.c3 / 4);
    return SL_OK;
}

/* ---- Any T ------------------------------------------------------------------------------------------------------- */

/* With rho = exp(-f/T) and R(y) = int_{-inf}^y rho, tau0' = -R / (T rho); by L0 tau0 = -1 higher derivatives follow:
 *
 *   rho L1 tau0 = -(R/T) G' - rho ((q/2 - c3) f'^2/T + B f''),
 *   G = (q/2 - c3)/T int f'^3 dx + (3B/2 - A) f'^2/2 + B T f''/2.
 *
 * By parts H(y) = int_{-inf}^y rho L1 tau0 = -R G/T + N, N = int rho (G/T - (q/2 - c3) f'^2/T - B f''), and from the
 * start to the end tau0 = int R/(T rho) dy, tau1 = int H/(T rho) dy. All integrals run together from the left, over
 * panels with the integrals of Lagrange polynomials. */
enum { NODES = 16, LEAST_PANELS = 64, MOST_PANELS = 16384 };
typedef struct {
    double x[NODES];           /* Gauss-Legendre on [0, 1]                    */
    double whole[NODES];       /* int_0^1 of Lagrange polynomial j            */
    double upto[NODES][NODES]; /* [k][j]: int_0^{x_k}                         */
} panel_rule;

static sl_status make_rule(panel_rule *r, sl_err *err)
{
    sl_gsl_quiet();
    gsl_integration_glfixed_table *const table = gsl_integration_glfixed_table_alloc(NODES);
    if (!table) return sl_fail(err, SL_E_MEMORY, "no memory for a quadrature rule");
    for (size_t j = 0; j < NODES; j++) gsl_integration_glfixed_point(0, 1, j, &r->x[j], &r->whole[j], table);
    gsl_integration_glfixed_table_free(table);
    for (size_t k = 0; k < NODES; k++)
        for (size_t j = 0; j < NODES; j++) {
            r->upto[k][j] = 0;
            for (size_t i = 0; i < NODES; i++) {
                double L = 1;
                for (size_t m = 0; m < NODES; m++)
                    if (m != j) L *= (r->x[k] * r->x[i] - r->x[m]) / (r->x[j] - r->x[m]);
                r->upto[k][j] += r->x[k] * r->whole[i] * L;
            }
        }
    return SL_OK;
}

/* The integral at the nodes of a panel of width h, from its value *sum at the left end, which becomes that at the right
 * one. */
static void integrate(double out[NODES], double *sum, const panel_rule *r, double h, const double value[NODES])
{
    double total = 0;
    for (size_t k = 0; k < NODES; k++) {
        double part = 0;
        for (size_t j = 0; j < NODES; j++) part += r->upto[k][j] * value[j];
        out[k] = *sum + h * part;
        total += r->whole[k] * value[k];
    }
    *sum += h * total;
}

typedef struct {
    sl_function f, derivative, second;
    void *ctx;
    double sign; /* -1: mirrored, so that the passage is to the right */
    double T, from, to, lo, bottom, top;
    shape s;
} passage;

static double value_of(const passage *p, double x)
{
    return p->f(p->sign * x, p->ctx);
}

typedef struct {
    double cubes, rho, N, tau0, tau1; /* the running integrals */
} integrals;

/* One panel [left, left + h]; counts: is it on the way (times are summed there)? */
static void add_panel(integrals *sum, const passage *p, const panel_rule *r, double left, double h, bool counts)
{
    const double excess = p->s.q / 2 - p->s.c3, T = p->T;
    double slope[NODES], curve[NODES], rho[NODES], up[NODES], work[NODES], cubes[NODES], R[NODES], N[NODES], G[NODES];
    for (size_t k = 0; k < NODES; k++) {
        const double x = left + h * r->x[k], f = value_of(p, x);
        slope[k] = p->sign * p->derivative(p->sign * x, p->ctx);
        curve[k] = p->second(p->sign * x, p->ctx);
        rho[k] = exp(-(f - p->bottom) / T);
        up[k] = counts ? exp((f - p->top) / T) / T : 0;
        work[k] = slope[k] * slope[k] * slope[k];
    }
    integrate(cubes, &sum->cubes, r, h, work);
    integrate(R, &sum->rho, r, h, rho);
    for (size_t k = 0; k < NODES; k++) {
        const double square = slope[k] * slope[k];
        G[k] = excess / T * cubes[k] + (1.5 * p->s.B - p->s.A) * square / 2 + p->s.B * T * curve[k] / 2;
        work[k] = rho[k] * (G[k] / T - excess * square / T - p->s.B * curve[k]);
    }
    integrate(N, &sum->N, r, h, work);
    if (!counts) return;
    for (size_t k = 0; k < NODES; k++) {
        sum->tau0 += h * r->whole[k] * up[k] * R[k];
        sum->tau1 += h * r->whole[k] * up[k] * (N[k] - R[k] * G[k] / T);
    }
}

/* int f'^3 dx from lo to the start. */
static double cubes_before(const passage *p, const panel_rule *r, double h, size_t panels)
{
    double sum = 0;
    for (size_t i = 0; i < panels; i++)
        for (size_t k = 0; k < NODES; k++) {
            const double x = p->lo + h * ((double)i + r->x[k]), slope = p->sign * p->derivative(p->sign * x, p->ctx);
            sum += h * r->whole[k] * slope * slope * slope;
        }
    return sum;
}

/* int f'^3 is taken from the start, so that what it adds to G and takes from N there is small. */
static double correction(const passage *p, const panel_rule *r, size_t panels)
{
    const double before = (p->from - p->lo) / (double)panels, way = (p->to - p->from) / (double)panels;
    integrals sum = {.cubes = -cubes_before(p, r, before, panels)};
    for (size_t i = 0; i < panels; i++) add_panel(&sum, p, r, p->lo + before * (double)i, before, false);
    for (size_t i = 0; i < panels; i++) add_panel(&sum, p, r, p->from + way * (double)i, way, true);
    return sum.tau1 / sum.tau0;
}

/* The left end, beyond which there is no mass that counts; the least f, and the highest on the way. */
static sl_status find_ends(passage *p, sl_err *err)
{
    enum { SCAN = 4096 };
    static const double deep = 50, growth = 1.02, farthest = 1e6;
    p->bottom = INFINITY, p->top = -INFINITY;
    for (int i = 0; i <= SCAN; i++) {
        const double f = value_of(p, p->from + (p->to - p->from) * i / SCAN);
        if (!isfinite(f)) return sl_fail(err, SL_E_DOMAIN, "f is not finite on the way from %g", p->sign * p->from);
        p->bottom = fmin(p->bottom, f);
        p->top = fmax(p->top, f);
    }
    const double way = p->to - p->from;
    double behind = INFINITY; /* the least f from lo to the start: the well that is left, be the other one deeper */
    p->lo = p->from;
    for (double step = way / 256;; step *= growth) {
        const double f = value_of(p, p->lo);
        behind = fmin(behind, f);
        p->bottom = fmin(p->bottom, f);
        if (f - behind > deep * p->T) return SL_OK;
        p->lo -= step;
        if (!(p->from - p->lo < farthest * way) || isnan(f))
            return sl_fail(err, SL_E_UNSTABLE, "f does not confine behind the start at %g", p->sign * p->from);
    }
}

sl_status sl_sgd_rate_correction(double *c, sl_function f, sl_function derivative, sl_function second, void *ctx,
                                 double T, double from, double to, const sl_alpha_law *alpha, sl_err *err)
{
    static const double precision = 1e-8;
    const double sign = to > from ? 1 : -1;
    passage p = {f, derivative, second, ctx, .sign = sign, .T = T, .from = sign * from, .to = sign * to};
    panel_rule r;
    SL_TRY(shape_of(&p.s, alpha, err));
    SL_TRY(check_points(from, to, err));
    SL_TRY(check_positive("T", T, err));
    SL_TRY(find_ends(&p, err));
    SL_TRY(make_rule(&r, err));
    const double scale = fabs(second(from, ctx));
    double coarse = NAN;
    for (size_t panels = LEAST_PANELS; panels <= MOST_PANELS; panels *= 2) {
        const double fine = correction(&p, &r, panels);
        if (fabs(fine - coarse) <= precision * (fabs(fine) + scale)) {
            *c = fine;
            return SL_OK;
        }
        coarse = fine;
    }
    return sl_fail(err, SL_E_NUMERIC, "the correction of the passage from %g to %g at T = %g did not converge", from,
                   to, T);
}
