/* What theory says of a simulation before it runs: second moments, temperatures, stability, relaxation. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/simulate.h"
#include "sim/landscape.h"
#include "theory/boltzmann.h"
#include "theory/moments.h"
#include "theory/temperature.h"

static bool is_quadratic(const sl_loss *loss)
{
    return strcmp(loss->kind->entry.name, "quadratic") == 0;
}

/* a[d] = d^2 f / dx_d^2 at the loss's own starting point. */
static void curvatures(double *a, const sl_loss *loss)
{
    double H[SL_LOSS_MAX_DIM * SL_LOSS_MAX_DIM];
    sl_loss_hessian(loss, loss->start, H);
    for (size_t d = 0; d < loss->dim; d++) a[d] = H[d * (loss->dim + 1)];
}

/* The curvature that is slowest to relax: the smallest positive one at the loss's own starting point, else 1. */
static double softest(const sl_loss *loss)
{
    double a[SL_LOSS_MAX_DIM], soft = INFINITY;
    curvatures(a, loss);
    for (size_t d = 0; d < loss->dim; d++)
        if (a[d] > 1e-9 && a[d] < soft) soft = a[d];
    return isfinite(soft) ? soft : 1;
}

static void blank(sl_prediction *p)
{
    *p = (sl_prediction){.loss = NAN, .excess = NAN, .equipartition = NAN, .configurational = NAN, .boltzmann_slope = NAN,
                         .kinetic = NAN, .eq20 = NAN, .temperature = NAN, .relaxation = NAN, .mixing = NAN, .radius = NAN,
                         .al = NAN, .al_bound = NAN};
    for (size_t d = 0; d < SL_LOSS_MAX_DIM; d++) p->x2[d] = p->xv[d] = p->v2[d] = NAN;
}

/* Boltzmann averages at temperature T: one-dimensional and separable losses by quadrature; of the others only what
 * holds for any confining loss. */
static sl_status boltzmann(sl_prediction *p, const sl_loss *loss, double T, sl_err *err)
{
    p->temperature = p->boltzmann_slope = T;
    if (!(T > 0)) return SL_OK;
    p->configurational = T;
    if (!(loss->kind->period > 0)) p->equipartition = T;
    if (!loss->kind->separable) return SL_OK;
    const double origin[SL_LOSS_MAX_DIM] = {0};
    double f = -(double)(loss->dim - 1) * sl_loss_value(loss, origin); /* a slice holds the others at zero */
    for (size_t d = 0; d < loss->dim; d++) {
        sl_loss_slice slice = {loss, d};
        sl_boltzmann b;
        SL_TRY(sl_boltzmann_solve(&b, sl_loss_slice_value, sl_loss_slice_derivative, &slice, T, loss->kind->period,
                                  err));
        f += b.f;
        if (!(loss->kind->period > 0)) p->x2[d] = b.x2;
    }
    p->loss = f;
    return SL_OK;
}

/* int dx exp(f/T) Z F (1 - F) / T with F the Boltzmann law's cumulative distribution: the relaxation time of the
 * overdamped motion, dominated by the passage over barriers where there are any. By the trapezoidal rule, for a
 * burn-in: a few per cent do. */
static double mixing_time(const sl_loss *loss, double T)
{
    enum { N = 4000 };
    sl_loss_slice slice = {loss, 0};
    sl_boltzmann b;
    if (sl_boltzmann_solve(&b, sl_loss_slice_value, sl_loss_slice_derivative, &slice, T, 0, NULL) != SL_OK) return NAN;
    const double half = 4 * sqrt(b.x2 - b.x * b.x), h = 2 * half / N;
    double cumulative = 0, time = 0;
    for (int i = 0; i < N; i++) {
        const double x = b.x - half + (i + 0.5) * h, density = sl_boltzmann_density(&b, sl_loss_slice_value, &slice, T, x);
        const double before = cumulative + 0.5 * h * density;
        cumulative += h * density;
        /* Beyond 1e-6 lie the tails, which add nothing but the rounding of 1 - F. */
        if (before > 1e-6 && before < 1 - 1e-6) time += h * before * (1 - before) / (density * T);
    }
    return time;
}

/* Exact second moments of a linear rule on a quadratic loss, coordinate by coordinate: whatever the law of the noise,
 * as long as it is the same at every x; s2[dim]: its variances. */
static sl_status predict_quadratic(sl_prediction *p, const sl_simulation *s, const double *s2, const sl_alpha_law *law,
                                   sl_err *err)
{
    const sl_loss *loss = &s->sgd.loss;
    const sl_rule *rule = &s->sgd.rule;
    double curvature[SL_LOSS_MAX_DIM], worst = -1, sum_a = 0, sum_ax2 = 0, sum_a2x2 = 0, sum_v2 = 0;
    SL_TRY(sl_moments_stability(&p->al_bound, rule, law, err));
    curvatures(curvature, loss);
    for (size_t d = 0; d < loss->dim; d++) {
        const double a = curvature[d], radius = sl_moments_radius(rule, a, law);
        if (radius > worst) {
            worst = radius;
            p->al = a * rule->lr;
        }
        if (!(sl_moments_radius4(rule, a, law) < 1)) p->infinite_fourth = true;
        sl_err why = {0};
        sl_moments m = {0};
        const sl_status st = sl_moments_stationary(&m, rule, a, s2[d], law, &why);
        if (st == SL_E_UNSTABLE) {
            p->unstable = true;
            snprintf(p->reason, sizeof p->reason, "no stationary state: %.480s", why.message);
            continue;
        }
        if (st != SL_OK) {
            if (err) *err = why;
            return st;
        }
        p->x2[d] = m.x2;
        p->xv[d] = m.xv;
        p->v2[d] = m.v2;
        sum_a += a;
        sum_ax2 += a * m.x2;
        sum_a2x2 += a * a * m.x2;
        sum_v2 += m.v2;
    }
    p->radius = worst;
    p->relaxation = -1 / log(worst);
    p->exact = true;
    p->law = "exact second moments of the linear rule";
    if (p->unstable) return SL_OK;
    p->loss = sum_ax2 / 2;
    p->equipartition = sum_ax2 / (double)loss->dim;
    p->configurational = sum_a2x2 / sum_a;
    p->kinetic = rule->lr * sum_v2 / (double)loss->dim;
    p->temperature = p->equipartition;
    return SL_OK;
}

static bool has_wells(const sl_loss *loss)
{
    return loss->dim == 1 && loss->kind->confining && !(loss->kind->period > 0);
}

/* The variances of the noise a coordinate; even: its covariance is s2[0] times the unit matrix. */
static sl_status noise_variances(double *s2, bool *even, const sl_sgd *sgd, sl_err *err)
{
    const size_t dim = sgd->loss.dim;
    double *const covariance = malloc(dim * dim * sizeof *covariance);
    if (!covariance) return sl_fail(err, SL_E_MEMORY, "no memory for a covariance of %zu coordinates", dim);
    const sl_status st =
        sl_noise_covariance(covariance, &sgd->noise, &sgd->loss, sgd->noise_variance, sgd->loss.start, err);
    *even = true;
    for (size_t j = 0; j < dim * dim && st == SL_OK; j++) {
        const bool diagonal = j % (dim + 1) == 0;
        if (diagonal) s2[j / dim] = covariance[j];
        if (covariance[j] != (diagonal ? covariance[0] : 0)) *even = false;
    }
    free(covariance);
    return st;
}

/* What can be said although the noise is not the same in all directions and at every x; false: no prediction. */
static bool noise_allows(sl_prediction *p, const sl_sgd *sgd)
{
    const char *const name = sgd->noise.kind ? sgd->noise.kind->entry.name : "gaussian"; /* zeroed: that */
    if (sgd->noise.infinite_variance)
        snprintf(p->noise_note, sizeof p->noise_note,
                 "noise '%s' has no variance: second moments do not exist, so these averages settle on nothing and "
                 "their error bars say nothing", name);
    else if (strcmp(name, "minibatch") == 0 && sgd->noise_variance != 1)
        snprintf(p->noise_note, sizeof p->noise_note,
                 "noise 'minibatch' is %.4g times that of its mini-batches here, the root of noise variance / batch; it "
                 "depends on x: no prediction", sqrt(sgd->noise_variance));
    else if (sgd->noise.depends_on_x)
        snprintf(p->noise_note, sizeof p->noise_note, "noise '%s' depends on x: no prediction", name);
    return !sgd->noise.infinite_variance && !sgd->noise.depends_on_x;
}

static sl_status predict_sgd(sl_prediction *p, const sl_simulation *s, sl_err *err)
{
    const sl_sgd *sgd = &s->sgd;
    if (sgd->regime) return SL_OK; /* rates that follow the gradients: no law is known */
    const double l = sgd->rule.lr, mu = sgd->rule.mu, soft = softest(&sgd->loss);
    p->relaxation = (1 - mu) / (l * soft) + 1 / (1 - mu);
    bool covered;
    SL_TRY(sl_predict_batches(&covered, p, s, err));
    if (covered) return SL_OK;
    if (sgd->noise_variance > 0 && !noise_allows(p, sgd)) return SL_OK;
    if (!sl_schedule_is_stationary(&sgd->schedule) || !sl_rule_is_linear(&sgd->rule)) return SL_OK;

    double s2[SL_LOSS_MAX_DIM] = {0};
    bool even = true;
    if (sgd->noise_variance > 0) SL_TRY(noise_variances(s2, &even, sgd, err));
    const double mean = sl_schedule_mean(&sgd->schedule, 0, 1), q = sl_schedule_q(&sgd->schedule);
    const sl_temp_params eq20 = {.l = mean, .mu = mu, .C = s->batch, .D = q * s2[0] * s->batch};
    if (even) SL_TRY(sl_temp_effective(&p->eq20, &eq20, err));
    sl_alpha_law law;
    SL_TRY(sl_alpha_of_schedule(&law, &sgd->schedule, err));
    if (is_quadratic(&sgd->loss)) return predict_quadratic(p, s, s2, &law, err);
    if (!even) {
        snprintf(p->noise_note, sizeof p->noise_note, "noise '%s' is not the same in every direction: it has no "
                 "temperature, and there is no prediction", sgd->noise.kind->entry.name);
        return SL_OK;
    }

    /* Elsewhere the law is Boltzmann's to leading order in l; its temperature, and the velocities', are the limits
     * of the linear rule's moments on a quadratic as a l -> 0. */
    if (!sgd->loss.kind->confining) return SL_OK;
    const double small = 1e-6 / l;
    sl_moments m;
    SL_TRY(sl_moments_stationary(&m, &sgd->rule, small, s2[0], &law, err));
    p->law = "Boltzmann averages at the temperature of the limit l -> 0: leading order in l";
    p->kinetic = mean * m.v2;
    for (size_t d = 0; d < sgd->loss.dim; d++) {
        p->v2[d] = m.v2;
        p->xv[d] = m.xv;
    }
    SL_TRY(boltzmann(p, &sgd->loss, s2[0] > 0 ? small * m.x2 : 0, err));
    if (has_wells(&sgd->loss) && p->temperature > 0)
        p->mixing = mixing_time(&sgd->loss, p->temperature) * (1 - mu) / mean;
    return SL_OK;
}

/* The temperature that gradient noise adds to SGLD; false: no prediction. */
static sl_status sgld_heat(double *heat, bool *predictable, sl_prediction *p, const sl_simulation *s, sl_err *err)
{
    double s2[SL_LOSS_MAX_DIM] = {0};
    bool even = true;
    *heat = 0;
    *predictable = true;
    if (s->sgd.noise_variance == 0) return SL_OK;
    *predictable = noise_allows(p, &s->sgd);
    if (*predictable) SL_TRY(noise_variances(s2, &even, &s->sgd, err));
    *predictable = *predictable && even;
    *heat = s->corrected ? 0 : s->langevin.h * s2[0] / 2;
    return SL_OK;
}

static sl_status predict_langevin(sl_prediction *p, const sl_simulation *s, sl_err *err)
{
    const sl_langevin *l = &s->langevin;
    const bool adam = s->dynamics == SL_DYNAMICS_ADAM_LANGEVIN, under = s->dynamics == SL_DYNAMICS_UNDERDAMPED || adam;
    /* The pace of adam-langevin lies between its bounds, here for lengths of runs only. */
    const double soft = softest(&l->loss), h = adam ? l->h * sqrt(s->adam.low * s->adam.high) : l->h;
    double heat = 0;
    bool predictable = true;
    if (s->dynamics == SL_DYNAMICS_SGLD) SL_TRY(sgld_heat(&heat, &predictable, p, s, err));
    const double T = l->temperature + heat;
    p->relaxation = (under ? l->friction / soft + 2 / l->friction : 1 / soft) / h;
    if (!l->loss.kind->confining || !predictable) return SL_OK;
    p->law = heat > 0 ? "Boltzmann averages at T + dt D0/(2 C), leading order in the time step"
                      : "Boltzmann averages, exact as the time step goes to 0";
    if (has_wells(&l->loss) && T > 0)
        p->mixing = mixing_time(&l->loss, T) / h * (under ? fmax(l->friction, 1 / l->friction) : 1);
    if (under) {
        p->kinetic = T;
        for (size_t d = 0; d < l->loss.dim; d++) {
            p->v2[d] = T;
            p->xv[d] = 0;
        }
    }
    return boltzmann(p, &l->loss, T, err);
}

sl_status sl_predict(sl_prediction *p, const sl_simulation *s, sl_err *err)
{
    blank(p);
    return s->dynamics == SL_DYNAMICS_SGD ? predict_sgd(p, s, err) : predict_langevin(p, s, err);
}

bool sl_predicted_range(double *lo, double *hi, const sl_prediction *p, const sl_simulation *s)
{
    const sl_loss *loss = &s->sgd.loss;
    const double period = loss->kind->period;
    if (period > 0) {
        *lo = -period / 2;
        *hi = period / 2;
        return true;
    }
    if (p->law && is_quadratic(loss)) {
        *hi = 5 * sqrt(p->x2[0]);
        *lo = -*hi;
        return *hi > 0;
    }
    if (!p->law || !(p->temperature > 0) || !loss->kind->confining || loss->dim > 1) return false;
    sl_loss_slice slice = {loss, 0};
    sl_boltzmann b;
    if (sl_boltzmann_solve(&b, sl_loss_slice_value, sl_loss_slice_derivative, &slice, p->temperature, 0, NULL) != SL_OK)
        return false;
    const double half = 4 * sqrt(b.x2 - b.x * b.x);
    *lo = b.x - half;
    *hi = b.x + half;
    /* No further than where the loss has risen by 14 T: exp(-14) is about 1e-6. */
    const double top = b.f + 14 * p->temperature, step = half / 100;
    while (*lo < b.x && sl_loss_slice_value(*lo, &slice) > top) *lo += step;
    while (*hi > b.x && sl_loss_slice_value(*hi, &slice) > top) *hi -= step;
    return *hi > *lo;
}

bool sl_predicted_density(double *density, const double *x, size_t n, const sl_prediction *p, const sl_simulation *s)
{
    const sl_loss *loss = &s->sgd.loss;
    if (!p->law || loss->dim > 1 || !(p->temperature > 0)) return false;
    if (is_quadratic(loss)) {
        const bool gradient_noise = s->dynamics == SL_DYNAMICS_SGD || s->dynamics == SL_DYNAMICS_SGLD;
        if (gradient_noise && s->sgd.noise.not_normal) return false;
        const double v = p->x2[0];
        for (size_t i = 0; i < n; i++) density[i] = exp(-x[i] * x[i] / (2 * v)) / sqrt(2 * M_PI * v);
        return true;
    }
    if (!loss->kind->confining) return false;
    sl_loss_slice slice = {loss, 0};
    sl_boltzmann b;
    if (sl_boltzmann_solve(&b, sl_loss_slice_value, sl_loss_slice_derivative, &slice, p->temperature,
                           loss->kind->period, NULL) != SL_OK)
        return false;
    for (size_t i = 0; i < n; i++) density[i] = sl_boltzmann_density(&b, sl_loss_slice_value, &slice, p->temperature, x[i]);
    return true;
}
