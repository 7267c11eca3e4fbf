#include "theory/saddle.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_psi.h>
#include <math.h>

#include "base/gsl.h"

/* Averages over alpha by this many Gauss-Legendre nodes: functions of log(1 + l gamma alpha) are analytic around
 * [1-delta, 1+delta], and come out to rounding for l gamma up to 100. */
enum { NODES = 64 };

static sl_status check_positive(const char *what, double value, sl_err *err)
{
    if (value > 0 && isfinite(value)) return SL_OK;
    return sl_fail(err, SL_E_DOMAIN, "%s = %g, need 0 < %s < inf", what, value, what);
}

sl_status sl_saddle_check(const sl_saddle *s, sl_err *err)
{
    SL_TRY(check_positive("gamma", s->gamma, err));
    SL_TRY(check_positive("learning rate l", s->l, err));
    SL_TRY(check_positive("noise variance s2", s->s2, err));
    SL_TRY(check_positive("radius R", s->R, err));
    if (!(s->l * s->gamma <= 100)) return sl_fail(err, SL_E_DOMAIN, "l gamma = %g, need at most 100", s->l * s->gamma);
    if (!(s->delta >= 0 && s->delta <= 1))
        return sl_fail(err, SL_E_DOMAIN, "delta = %g, need 0 <= delta <= 1", s->delta);
    if (!(s->mu >= 0 && s->mu < 1)) return sl_fail(err, SL_E_DOMAIN, "momentum mu = %g, need 0 <= mu < 1", s->mu);
    if (s->mu > 0 && s->delta > 0)
        return sl_fail(err, SL_E_DOMAIN, "momentum mu = %g with delta = %g: one of them must be 0", s->mu, s->delta);
    return SL_OK;
}

sl_status sl_saddle_schedule(sl_saddle *s, const sl_schedule *schedule, sl_err *err)
{
    if (!sl_schedule_is_stationary(schedule))
        return sl_fail(err, SL_E_CONFIG,
                       "schedule '%s' changes with time: exit times are known for constant, random, plrs",
                       schedule->spec.entry->name);
    s->l = sl_schedule_mean(schedule, 0, 1);
    s->delta = fmin(1, sqrt(3 * fmax(sl_schedule_q(schedule) - 1, 0)));
    return SL_OK;
}

static size_t index_of(const sl_saddle *s)
{
    return s->index ? s->index : 1;
}

/* r - 1 of the larger root of r^2 - (1 + mu + c) r + mu = 0, c = l gamma, without cancellation. */
static double unstable_root(const sl_saddle *s)
{
    const double c = s->l * s->gamma, b = 1 - s->mu - c, root = sqrt(b * b + 4 * c);
    return b > 0 ? 2 * c / (b + root) : (root - b) / 2;
}

sl_status sl_saddle_second_moment(double *y2, const sl_saddle *s, double t, sl_err *err)
{
    SL_TRY(sl_saddle_check(s, err));
    if (!(t >= 0)) return sl_fail(err, SL_E_DOMAIN, "t = %g steps, need t >= 0", t);
    const double step = s->l * s->l * s->s2;
    if (s->mu == 0) {
        const double c = s->l * s->gamma, q = 1 + s->delta * s->delta / 3, excess = 2 * c + q * c * c;
        *y2 = step * q * expm1(t * log1p(excess)) / excess;
        return SL_OK;
    }
    const double x = unstable_root(s), r = 1 + x, p = s->mu / r;
    const double grows = r * r * expm1(2 * t * log1p(x)) / (x * (2 + x));
    const double decays = -p * p * expm1(2 * t * log(p)) / ((1 - p) * (1 + p));
    const double mixed = -2 * s->mu * expm1(t * log(s->mu)) / (1 - s->mu);
    *y2 = step * (grows + decays - mixed) / ((r - p) * (r - p));
    return SL_OK;
}

/* ---- Large R ----------------------------------------------------------------------------------------------------- */

/* E log(1 + l gamma alpha) = log(1 + c) + E log(1 + e u), u ~ U[-1, 1], e = c delta/(1 + c): the second term is
 * ((1+e) log(1+e) - (1-e) log(1-e))/(2e) - 1 = -sum_k e^{2k}/(2k (2k+1)), summed where the closed form cancels. */
static double lyapunov(const sl_saddle *s)
{
    const double c = s->l * s->gamma, e = c * s->delta / (1 + c), e2 = e * e;
    if (s->mu > 0) return log1p(unstable_root(s));
    if (e > 0.25) return log1p(c) + ((1 + e) * log1p(e) - (1 - e) * log1p(-e)) / (2 * e) - 1;
    double sum = 0, power = e2;
    for (int k = 1; power > 1e-18 * e2; k++, power *= e2) sum += power / (2 * k * (2 * k + 1));
    return log1p(c) - sum;
}

typedef struct {
    double lyapunov, variance; /* of log A                                   */
    double v_inf;
} growth;

/* The averages without cancellation: 1 - 1/A^2 = x (2 + x)/A^2 with A = 1 + x. */
static sl_status grow(growth *g, const sl_saddle *s, sl_err *err)
{
    const double step = s->l * s->l * s->s2, c = s->l * s->gamma;
    *g = (growth){.lyapunov = lyapunov(s)};
    if (s->delta == 0) {
        const double x = unstable_root(s), r = 1 + x, share = r / (r - s->mu / r);
        g->v_inf = step * share * share / (x * (2 + x));
        return SL_OK;
    }
    sl_gsl_quiet();
    gsl_integration_glfixed_table *const rule = gsl_integration_glfixed_table_alloc(NODES);
    if (!rule) return sl_fail(err, SL_E_MEMORY, "no memory for a quadrature rule");
    double noise = 0, loss = 0;
    for (size_t i = 0; i < NODES; i++) {
        double alpha, weight;
        gsl_integration_glfixed_point(1 - s->delta, 1 + s->delta, i, &alpha, &weight, rule);
        weight /= 2 * s->delta;
        const double x = c * alpha, A = 1 + x, deviation = log1p(x) - g->lyapunov;
        noise += weight * alpha * alpha / (A * A);
        loss += weight * x * (2 + x) / (A * A);
        g->variance += weight * deviation * deviation;
    }
    gsl_integration_glfixed_table_free(rule);
    g->v_inf = step * noise / loss;
    return SL_OK;
}

/* P(|Z|^2 >= z2) of a Gaussian in `index` dimensions. */
static double length_beyond(double z2, const sl_saddle *s)
{
    return gsl_cdf_chisq_Q(z2, (double)index_of(s));
}

static double overshoot(const growth *g)
{
    return (g->variance / (g->lyapunov * g->lyapunov) + 1) / 2;
}

/* P(tau <= t): the logarithm of |y_t| is Gaussian but for log|Z|; trapezoidal rule over +-8 standard deviations. */
static double cdf(double t, const growth *g, const sl_saddle *s)
{
    enum { POINTS = 128 };
    const double since = fmax(t - overshoot(g), 0), spread = sqrt(since * g->variance), far = 8;
    const double level = log(s->R) - log(g->v_inf) / 2 - g->lyapunov * (t - overshoot(g));
    if (spread == 0) return length_beyond(exp(2 * level), s);
    double sum = 0, weights = 0;
    for (int i = 0; i <= POINTS; i++) {
        const double z = far * (2.0 * i / POINTS - 1), weight = exp(-z * z / 2);
        sum += weight * length_beyond(exp(2 * (level - spread * z)), s);
        weights += weight;
    }
    return sum / weights;
}

static double quantile(const growth *g, const sl_saddle *s, double p)
{
    double low = 0, high = 1 / g->lyapunov;
    while (cdf(high, g, s) < p && high < 1e300) high *= 2;
    for (int i = 0; i < 200 && high - low > 1e-13 * high; i++) {
        const double middle = (low + high) / 2;
        if (cdf(middle, g, s) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

sl_status sl_saddle_asymptotic(sl_saddle_law *law, const sl_saddle *s, sl_err *err)
{
    growth g;
    SL_TRY(sl_saddle_check(s, err));
    SL_TRY(grow(&g, s, err));
    const double Lambda = g.lyapunov, rate = s->l * s->gamma / (1 - s->mu), q = 1 + s->delta * s->delta / 3;
    const double mean_log = (gsl_sf_psi((double)index_of(s) / 2) + M_LN2) / 2; /* of |Z| */
    const double leading = log(2 * s->gamma * s->R * s->R * (1 - s->mu) / (s->l * q * s->s2)) / (2 * rate);
    *law = (sl_saddle_law){.lyapunov = Lambda,
                           .xi2 = g.variance + Lambda * Lambda,
                           .v_inf = g.v_inf,
                           .mean = (log(s->R) - log(g.v_inf) / 2 - mean_log) / Lambda + overshoot(&g),
                           .median = quantile(&g, s, 0.5),
                           .leading = leading,
                           .constant = leading - mean_log / rate};
    return SL_OK;
}

sl_status sl_saddle_quantile(double *t, const sl_saddle *s, double p, sl_err *err)
{
    growth g;
    SL_TRY(sl_saddle_check(s, err));
    if (!(p > 0 && p < 1)) return sl_fail(err, SL_E_DOMAIN, "p = %g, need 0 < p < 1", p);
    SL_TRY(grow(&g, s, err));
    *t = quantile(&g, s, p);
    return SL_OK;
}

/* ---- The sum of Gaussian probabilities --------------------------------------------------------------------------- */

sl_status sl_saddle_survival_sum(double *mean, double *survival, size_t n, const sl_saddle *s, sl_err *err)
{
    static const double most = 1e8, negligible = 1e-16;
    SL_TRY(sl_saddle_check(s, err));
    if (s->delta > 0) return sl_fail(err, SL_E_DOMAIN, "delta = %g: only for delta = 0 is y_t Gaussian", s->delta);
    if (!(unstable_root(s) * most > 100))
        return sl_fail(err, SL_E_DOMAIN, "l gamma = %g is too small to sum over steps: use the law of large R",
                       s->l * s->gamma);
    const double c = s->l * s->gamma, step = s->l * s->l * s->s2, dim = (double)index_of(s);
    const double ratio = -expm1(-dim * log1p(unstable_root(s))); /* 1 - that of the terms of the tail */
    double variance = 0, response = 1, before = 0, sum = 0;
    bool summing = true;
    for (size_t t = 0; summing || t < n; t++) {
        const double P = variance > 0 ? gsl_cdf_chisq_P(s->R * s->R / variance, dim) : 1;
        if (summing) sum += P;
        if (survival && t < n) survival[t] = P;
        summing = summing && P > negligible * ratio * sum;
        if (!summing && !survival) break;
        variance += step * response * response;
        const double next = (1 + s->mu + c) * response - s->mu * before;
        before = response;
        response = next;
    }
    *mean = sum;
    return SL_OK;
}
