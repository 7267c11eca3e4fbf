/* What is read off the worst excess: its exponent, and what a coarse grid of rates costs. */
#include <math.h>
#include <stdlib.h>

#include "sim/convex/robustness.h"

/* ---- the window ---- */

sl_status sl_robustness_window(sl_rho_window *w, const sl_robustness *r, sl_err *err)
{
    const sl_schedule *const s = &r->schedule;
    static const double still = 0.1; /* of the mean rate */
    if (sl_schedule_is_random(s))
        return sl_fail(err, SL_E_CONFIG, "schedule '%s' is random: it has no window", s->spec.entry->name);
    const double T = (double)s->total_steps, mean = sl_schedule_mean(s, 0, s->total_steps);
    uint64_t last = s->total_steps; /* steps without a rate at the end move nothing */
    while (last > 1 && !(sl_schedule_lr(s, 0, 0, last - 1) > 0)) last--;
    const bool annealed = r->suffix == 0 && sl_schedule_lr(s, 0, 0, last - 1) < still * mean;
    *w = (sl_rho_window){.annealed = annealed, .lo = r->suffix > 0 ? 8 : 2, .hi = annealed ? INFINITY : sqrt(T) / 2};
    return SL_OK;
}

static bool is_within(const sl_worst *w, const sl_rho_window *window, const sl_robustness *r)
{
    static const double steps = 16; /* that the worst slope takes to relax, at least */
    const double slack = 1e-9;      /* of a limit that is met exactly               */
    if (w->rho < window->lo * (1 - slack) || w->rho > window->hi * (1 + slack)) return false;
    return !window->annealed || w->slope * w->slope * steps <= r->sigma * r->sigma;
}

/* ---- the line ---- */

/* The slope of the weighted line through points [first, last) of log excess on log rho, as sum of c[i] log excess[i].
 */
static double line(double *c, const sl_worst *worst, size_t first, size_t last)
{
    double w = 0, wx = 0, wxx = 0, slope = 0;
    for (size_t i = first; i < last; i++) {
        const double relative = worst[i].excess.se / worst[i].excess.value, weight = 1 / (relative * relative);
        const double x = log(worst[i].rho);
        w += weight, wx += weight * x, wxx += weight * x * x;
    }
    for (size_t i = first; i < last; i++) {
        const double relative = worst[i].excess.se / worst[i].excess.value, weight = 1 / (relative * relative);
        c[i] = weight * (log(worst[i].rho) - wx / w) / (wxx - wx * wx / w);
        slope += c[i] * log(worst[i].excess.value);
    }
    return slope;
}

/* The standard error of sum c[i] log excess[i], whose replicas share their noise: that of the mean over replicas of
 * sum c[i] excess_k[i] / excess[i]. */
static double line_error(const double *c, const sl_worst *worst, const double *samples, size_t replicas, size_t first,
                         size_t last)
{
    sl_welford sum = {0};
    for (size_t k = 0; k < replicas; k++) {
        double influence = 0;
        for (size_t i = first; i < last; i++) influence += c[i] * samples[i * replicas + k] / worst[i].excess.value;
        sl_welford_add(&sum, influence);
    }
    return sl_welford_mean(&sum).se;
}

/* Upper half less lower half, the middle point in both, and its error. */
static double bend(double *se, double *c, double *d, const sl_worst *worst, const double *samples, size_t replicas,
                   size_t first, size_t last)
{
    const size_t middle = first + (last - first) / 2;
    const double low = line(c, worst, first, middle + 1), high = line(d, worst, middle, last);
    for (size_t i = middle + 1; i < last; i++) c[i] = d[i];
    for (size_t i = first; i < middle; i++) c[i] = -c[i];
    c[middle] = d[middle] - c[middle];
    *se = line_error(c, worst, samples, replicas, first, last);
    return high - low;
}

/* The run of points within the window: [*first, *last). */
static void select_points(size_t *first, size_t *last, const sl_worst *worst, size_t n, const sl_rho_window *w,
                          const sl_robustness *r)
{
    size_t i = 0;
    while (i < n && !is_within(&worst[i], w, r)) i++;
    *first = i;
    while (i < n && is_within(&worst[i], w, r)) i++;
    *last = i;
}

static sl_status judge(const sl_robust_fit *f, double bend_se, const sl_rho_window *w, const sl_robustness *r,
                       sl_err *err)
{
    static const double width = 4, precise = 0.02, straight = 0.06, sigmas = 3;
    const double T = (double)r->schedule.total_steps;
    if (f->points < 3 || f->hi < width * f->lo * (1 - 1e-9))
        return sl_fail(
            err, SL_UNDECIDED,
            "%zu of the rhos lie in the asymptotic window, need 3 that span a factor of 4: rho >= %g and %s at T = "
            "%.0f; a longer horizon has more",
            f->points, w->lo, w->annealed ? "worst slopes that take 16 steps or more to relax" : "rho <= sqrt(T)/2", T);
    if (fabs(f->bend) > straight && fabs(f->bend) > sigmas * bend_se)
        return sl_fail(err, SL_UNDECIDED,
                       "not a power law at T = %.0f: the exponent differs by %.3f +- %.3f between the halves of rho = "
                       "%g to %g",
                       T, f->bend, bend_se, f->lo, f->hi);
    if (!(f->exponent.se <= precise))
        return sl_fail(err, SL_UNDECIDED, "the exponent's standard error is %.2g, need %g: more replicas",
                       f->exponent.se, precise);
    return SL_OK;
}

sl_status sl_robustness_fit(sl_robust_fit *fit, const sl_worst *worst, const double *samples, size_t n,
                            const sl_rho_window *w, const sl_robustness *r, sl_err *err)
{
    for (size_t i = 1; i < n; i++)
        if (!(worst[i].rho > worst[i - 1].rho))
            return sl_fail(err, SL_E_DOMAIN, "rho = %g after %g, need ascending ones", worst[i].rho, worst[i - 1].rho);
    size_t first, last;
    select_points(&first, &last, worst, n, w, r);
    sl_robust_fit f = {.exponent = {NAN, NAN, NAN}, .lo = NAN, .hi = NAN, .points = last - first, .bend = NAN};
    double bend_se = NAN;
    if (f.points > 0) f.lo = worst[first].rho, f.hi = worst[last - 1].rho;
    double *const c = calloc(2 * n + 2, sizeof *c);
    if (!c) return sl_fail(err, SL_E_MEMORY, "no memory for %zu points", n);
    size_t alike = first; /* replicas without spread have no weight in a fit */
    while (alike < last && worst[alike].excess.se > 0 && worst[alike].excess.value > 0) alike++;
    if (f.points >= 2 && alike == last) {
        f.exponent.value = line(c, worst, first, last);
        f.exponent.se = line_error(c, worst, samples, r->replicas, first, last);
        f.exponent.dof = INFINITY;
    }
    if (f.points >= 3 && alike == last) f.bend = bend(&bend_se, c, c + n + 1, worst, samples, r->replicas, first, last);
    free(c);
    *fit = f;
    if (alike < last)
        return sl_fail(err, SL_UNDECIDED,
                       "all replicas at rho = %g have an excess of %g: next to nothing is random there, so the exponent "
                       "has no standard error",
                       worst[alike].rho, worst[alike].excess.value);
    return judge(&f, bend_se, w, r, err);
}

/* ---- a grid of rates ---- */

static double at(const double *x, const double *loss, size_t n, double here)
{
    size_t i = 1;
    while (i + 1 < n && x[i] < here) i++;
    const double part = (here - x[i - 1]) / (x[i] - x[i - 1]);
    return loss[i - 1] + part * (loss[i] - loss[i - 1]);
}

sl_status sl_grid_search_loss(double *mean, double *worst, const double *x, const double *loss, size_t n, double ratio,
                              sl_err *err)
{
    enum { OFFSETS = 256 };
    if (n < 2) return sl_fail(err, SL_E_DOMAIN, "a loss curve of %zu points, need at least 2", n);
    if (!(ratio > 1 && isfinite(ratio))) return sl_fail(err, SL_E_DOMAIN, "a grid of ratio %g, need above 1", ratio);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]) || !isfinite(loss[i]) || (i > 0 && !(x[i] > x[i - 1])))
            return sl_fail(err, SL_E_DOMAIN, "a loss curve with %g at log rate %g, need finite ones, ascending",
                           loss[i], x[i]);
    const double step = log(ratio);
    if (x[n - 1] - x[0] < step * (1 - 1e-9))
        return sl_fail(err, SL_E_DOMAIN, "rates within a factor of %g hold no grid of ratio %g", exp(x[n - 1] - x[0]),
                       ratio);
    double sum = 0, largest = -INFINITY;
    for (size_t o = 0; o < OFFSETS; o++) {
        double best = INFINITY;
        for (double here = x[0] + step * ((double)o + 0.5) / OFFSETS; here <= x[n - 1]; here += step)
            best = fmin(best, at(x, loss, n, here));
        sum += best;
        largest = fmax(largest, best);
    }
    *mean = sum / OFFSETS;
    *worst = largest;
    return SL_OK;
}
