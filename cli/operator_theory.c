/* What theory says of an operator's numbers: Boltzmann averages and first-passage times by quadrature, exact moments
 * and spectra of quadratic losses, rates over barriers. The better opinion is added first. */
#include <complex.h>
#undef I /* an action here, as in theory/kramers.h */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/operator.h"
#include "cli/simulate.h"
#include "sim/landscape.h"
#include "theory/boltzmann.h"
#include "theory/discrete.h"
#include "theory/kramers.h"
#include "theory/moments.h"
#include "theory/passage.h"

static void add(sl_forecasts *p, const char *name, size_t index, const char *suffix, double complex value, bool exact,
                const char *by)
{
    if (p->n == SL_FORECASTS || !isfinite(creal(value)) || !isfinite(cimag(value))) return;
    sl_forecast *f = &p->forecast[p->n++];
    *f = (sl_forecast){
        .index = index, .value = creal(value) + 0.0, .imag = cimag(value) + 0.0, .exact = exact, .by = by};
    snprintf(f->name, sizeof f->name, "%s", name);
    snprintf(f->key, sizeof f->key, "%s%s%s", name, *suffix ? "_" : "", suffix);
}

const sl_forecast *sl_forecast_of(const sl_forecasts *p, const char *name, size_t index, size_t i)
{
    for (size_t k = 0; k < p->n; k++) {
        const sl_forecast *f = &p->forecast[k];
        if (f->index == index && strcmp(f->name, name) == 0 && i-- == 0) return f;
    }
    return NULL;
}

static bool is_quadratic(const sl_operation *o)
{
    return strcmp(o->op.loss.kind->entry.name, "quadratic") == 0;
}

/* Curvature of a quadratic along d. */
static double curvature(const sl_operation *o, size_t d)
{
    double H[4];
    const double origin[2] = {0, 0};
    sl_loss_hessian(&o->op.loss, origin, H);
    return H[d * o->op.loss.dim + d];
}

/* The force's factor s of the motion with inertia, and the temperature of H = v^2/2 + s f. */
static double force_of(const sl_operation *o)
{
    return o->op.force > 0 ? o->op.force : 1;
}

/* ---- stationary laws ---- */

static void boltzmann_law(sl_forecasts *p, const sl_operation *o, const char *suffix, bool exact, const char *by)
{
    const sl_loss *loss = &o->op.loss;
    static const char *const mean[] = {"x", "y"}, *const square[] = {"x2", "y2"};
    const double origin[2] = {0, 0}, T = o->temperature;
    if (!loss->kind->confining || !loss->kind->separable || !(T > 0)) return;
    double f = -(double)(loss->dim - 1) * sl_loss_value(loss, origin); /* a slice holds the others at zero */
    for (size_t d = 0; d < loss->dim; d++) {
        sl_loss_slice slice = {loss, d};
        sl_boltzmann b;
        if (sl_boltzmann_solve(&b, sl_loss_slice_value, sl_loss_slice_derivative, &slice, T, loss->kind->period,
                               NULL) != SL_OK)
            return;
        f += b.f;
        add(p, mean[d], 0, suffix, fabs(b.x) > 1e-10 * sqrt(b.x2) ? b.x : 0, exact, by); /* to quadrature's precision */
        add(p, square[d], 0, suffix, b.x2, exact, by);
        if (d == 0 && loss->dim == 1) {
            add(p, "x4", 0, suffix, b.x4, exact, by);
            add(p, "xg", 0, suffix, b.xg, exact, by);
        }
    }
    add(p, "loss", 0, suffix, f, exact, by);
}

/* Is the domain the whole line (or period) but for what theory need not see? Cut or absorbed, its laws are others. */
static bool is_whole(const sl_operation *o)
{
    return o->op.edge == SL_EDGE_REFLECTING && o->outside < 1e-9;
}

static double second_derivative(double x, void *ctx)
{
    const sl_loss_slice *slice = ctx;
    double H[1];
    sl_loss_hessian(slice->loss, &x, H);
    return *H;
}

/* The law of alpha with mean 1, whatever the rule's base rate. */
static bool alpha_of(sl_alpha_law *law, const sl_operation *o)
{
    double mean = 0;
    if (sl_alpha_of_schedule(law, &o->op.schedule, NULL) != SL_OK) return false;
    for (size_t i = 0; i < law->n; i++) mean += law->weight[i] * law->node[i];
    for (size_t i = 0; i < law->n; i++) law->node[i] /= mean;
    return mean > 0;
}

/* Plain SGD on a line, to first order in l. */
static void first_order(sl_forecasts *p, const sl_operation *o)
{
    static const char by[] = "first order in l";
    const sl_loss *loss = &o->op.loss;
    const double l = o->rate, T = o->temperature;
    sl_loss_slice slice = {loss, 0};
    sl_boltzmann b;
    sl_first_order c;
    sl_alpha_law alpha;
    if (loss->dim > 1 || o->op.rule.mu > 0 || !alpha_of(&alpha, o) || loss->kind->period > 0 || !loss->kind->confining)
        return;
    if (sl_boltzmann_solve(&b, sl_loss_slice_value, sl_loss_slice_derivative, &slice, T, 0, NULL) != SL_OK) return;
    if (sl_discrete_first_order(&c, &b, sl_loss_slice_value, sl_loss_slice_derivative, second_derivative, &slice, T,
                                &alpha, NULL) != SL_OK)
        return;
    add(p, "x2", 0, "", b.x2 + l * c.x2_per_l, false, by);
    add(p, "loss", 0, "", b.f + l * c.f_per_l, false, by);
    add(p, "kl_to_boltzmann", 0, "", l * l * c.kl_per_l2, false, by);
}

static void stationary_of_sgd(sl_forecasts *p, const sl_operation *o)
{
    static const char *const x2[] = {"x2", "y2"};
    if (!sl_schedule_is_stationary(&o->op.schedule)) {
        boltzmann_law(p, o, "", false, "Boltzmann at T of the mean rate");
        return;
    }
    if (!is_quadratic(o)) {
        first_order(p, o);
        boltzmann_law(p, o, "boltzmann", false, "Boltzmann, l -> 0");
        return;
    }
    sl_simulation *s = calloc(1, sizeof *s);
    sl_prediction *moments = calloc(1, sizeof *moments);
    if (s && moments) {
        *s = (sl_simulation){.batch = o->batch,
                             .sgd = {.loss = o->op.loss,
                                     .rule = o->op.rule,
                                     .schedule = o->op.schedule,
                                     .noise_variance = o->op.noise_variance}};
        if (sl_noise_init(&s->sgd.noise, "gaussian", &s->sgd.loss, NULL) == SL_OK &&
            sl_predict(moments, s, NULL) == SL_OK && !moments->unstable) {
            for (size_t d = 0; d < o->op.loss.dim; d++) add(p, x2[d], 0, "", moments->x2[d], true, "exact moments");
            add(p, "loss", 0, "", moments->loss, true, "exact moments");
            if (o->op.rule.mu > 0) {
                add(p, "v2", 0, "", moments->v2[0], true, "exact moments");
                add(p, "xv", 0, "", moments->xv[0], true, "exact moments");
            }
        }
    }
    free(moments);
    free(s);
}

static void predict_stationary(sl_forecasts *p, const sl_operation *o)
{
    if (!is_whole(o)) return;
    if (o->op.kind == &sl_transfer) {
        stationary_of_sgd(p, o);
        return;
    }
    const bool exact = !o->op.diffusion;
    if (!exact && is_quadratic(o) && o->op.loss.dim == 1) { /* one integration by parts */
        const double a = curvature(o, 0), x2 = o->diffusion.uniform / (a - o->diffusion.slope * a * a);
        add(p, "x2", 0, "", x2, true, "quadratic loss, exact");
        add(p, "loss", 0, "", a * x2 / 2, true, "quadratic loss, exact");
    }
    boltzmann_law(p, o, exact ? "" : "boltzmann", exact, exact ? "Boltzmann" : "Boltzmann, l -> 0");
    if (exact) add(p, "kl_to_boltzmann", 0, "", 0, true, "Boltzmann");
    if (o->op.kind == &sl_klein_kramers) {
        add(p, "v2", 0, "", force_of(o) * o->temperature, true, "Boltzmann");
        add(p, "xv", 0, "", 0, true, "Boltzmann");
    }
}

/* ---- laws in time, of quadratic losses ---- */

static void ornstein_uhlenbeck(sl_forecasts *p, const sl_operation *o)
{
    static const char *const mean[] = {"x", "y"}, *const square[] = {"x2", "y2"};
    const sl_question *q = &o->question;
    for (size_t i = 0; i < q->n_times; i++)
        for (size_t d = 0; d < o->op.loss.dim; d++) {
            const double a = curvature(o, d), decay = exp(-a * q->times[i]), x = q->from[d] * decay;
            const double spread = q->spread * decay;
            add(p, mean[d], i, "", x, true, "Ornstein-Uhlenbeck");
            add(p, square[d], i, "", x * x + spread * spread - o->temperature / a * expm1(-2 * a * q->times[i]), true,
                "Ornstein-Uhlenbeck");
        }
}

/* Second moments of a linear rule, step by step. */
static void moments_in_time(sl_forecasts *p, const sl_operation *o)
{
    enum { MOST_STEPS = 100000 };
    static const char *const square[] = {"x2", "y2"};
    const sl_question *q = &o->question;
    sl_alpha_law law;
    if (sl_alpha_of_schedule(&law, &o->op.schedule, NULL) != SL_OK) return;
    for (size_t d = 0; d < o->op.loss.dim; d++) {
        sl_moments m = {.x2 = q->from[d] * q->from[d] + q->spread * q->spread};
        size_t i = 0;
        for (uint64_t k = 0; k <= MOST_STEPS && i < q->n_times; k++) {
            if ((double)k == q->times[i]) add(p, square[d], i++, "", m.x2, true, "exact moments");
            if (sl_moments_step(&m, &o->op.rule, curvature(o, d), o->op.noise_variance, &law, NULL) != SL_OK) return;
        }
    }
}

static void predict_evolve(sl_forecasts *p, const sl_operation *o)
{
    if (!is_quadratic(o) || !is_whole(o)) return;
    if (o->op.kind == &sl_transfer) moments_in_time(p, o);
    if (o->op.kind == &sl_fokker_planck && !o->op.diffusion) ornstein_uhlenbeck(p, o);
}

/* ---- over a barrier ---- */

typedef struct {
    sl_landscape *all;
    const sl_stationary_point *from, *saddle, *to;
} passage_way;

static bool find_way(passage_way *w, const double *from, const double *to)
{
    size_t a, s, b;
    if (w->all->n == 0 || sl_landscape_path(&a, &s, &b, w->all, from, to, NULL) != SL_OK) return false;
    w->from = &w->all->point[a];
    w->saddle = &w->all->point[s];
    w->to = &w->all->point[b];
    return true;
}

/* The rate from a minimum over the saddle to another, by everything that fits. */
typedef struct {
    double best, plain;
    const char *by_best, *by_plain;
} rates;

/* Action of the orbit at the barrier's energy in the well of `minimum`, for s f. */
static double action(const sl_operation *o, const sl_stationary_point *minimum, const sl_stationary_point *saddle)
{
    sl_loss_slice slice = {&o->op.loss, 0};
    double I = NAN;
    if (sl_action_barrier(&I, sl_loss_slice_value, &slice, minimum->x[0], saddle->x[0], NULL) != SL_OK) return NAN;
    return sqrt(force_of(o)) * I;
}

static rates rates_over(const sl_operation *o, const sl_stationary_point *from, const sl_stationary_point *saddle,
                        const sl_stationary_point *to)
{
    rates r = {NAN, NAN, "", ""};
    const bool inertia = o->op.kind == &sl_klein_kramers;
    const double s = inertia ? force_of(o) : 1, T = s * o->temperature;
    double minimum[2], top[2];
    for (size_t d = 0; d < o->op.loss.dim; d++) {
        minimum[d] = s * from->eigenvalue[d];
        top[d] = s * saddle->eigenvalue[d];
    }
    const sl_barrier b = {o->op.loss.dim, minimum, top, s * (saddle->f - from->f)};
    if (!(b.height > T)) return r; /* no barrier to speak of: rates over it are expansions in T / height */
    if (!inertia) {
        if (sl_rate_eyring_kramers(&r.best, &b, T, NULL) != SL_OK) r.best = NAN;
        r.best *= o->op.kind == &sl_transfer ? o->step : 1;
        r.by_best = "Eyring-Kramers";
        return r;
    }
    if (sl_rate_turnover(&r.best, &b, T, o->op.friction, action(o, from, saddle), action(o, to, saddle), NULL) != SL_OK)
        r.best = NAN;
    if (sl_rate_kramers(&r.plain, &b, T, o->op.friction, NULL) != SL_OK) r.plain = NAN;
    r.by_best = "Melnikov-Meshkov turnover";
    r.by_plain = "Kramers, spatial diffusion";
    return r;
}

/* Derivatives 2 to 4 of a 1-D loss, by differences of its second. */
static void derivatives(double d[3], const sl_loss *loss, double x)
{
    const double h = 1e-3;
    sl_loss_slice slice = {loss, 0};
    const double left = second_derivative(x - h, &slice), here = second_derivative(x, &slice),
                 right = second_derivative(x + h, &slice);
    d[0] = here;
    d[1] = (right - left) / (2 * h);
    d[2] = (right - 2 * here + left) / (h * h);
}

static void corrected_time(sl_forecasts *p, const sl_operation *o, const passage_way *w)
{
    double minimum[3], saddle[3], tau;
    derivatives(minimum, &o->op.loss, w->from->x[0]);
    derivatives(saddle, &o->op.loss, w->saddle->x[0]);
    if (sl_time_kramers_corrected(&tau, minimum, saddle, w->saddle->f - w->from->f, o->temperature, NULL) == SL_OK)
        add(p, "mfpt", 0, "corrected", tau, false, "Kramers to next order in T");
}

/* Do both ends stand well away from the top, on its two sides, so that a passage is one from well to well? */
static bool well_to_well(const sl_operation *o, const passage_way *w)
{
    const sl_question *q = &o->question;
    double start = 0, end = 0, left = 0, right = 0;
    for (size_t d = 0; d < o->op.loss.dim; d++) {
        start += pow(q->from[d] - w->saddle->x[d], 2);
        end += pow(q->to[d] - w->saddle->x[d], 2);
        left += pow(w->from->x[d] - w->saddle->x[d], 2);
        right += pow(w->to->x[d] - w->saddle->x[d], 2);
    }
    return start > left / 4 && end > right / 4;
}

static void quadrature_time(sl_forecasts *p, const sl_operation *o)
{
    const sl_question *q = &o->question;
    const bool discrete = o->op.kind == &sl_transfer;
    if (o->op.loss.dim > 1 || o->op.kind == &sl_klein_kramers || o->op.diffusion || !is_whole(o) ||
        o->op.loss.kind->period > 0)
        return;
    sl_loss_slice slice = {&o->op.loss, 0};
    double log_time;
    if (sl_passage_log_time(&log_time, sl_loss_slice_value, &slice, o->temperature, q->from[0], q->to[0],
                            q->from[0] < q->to[0] ? -INFINITY : INFINITY, NULL) != SL_OK)
        return;
    add(p, "mfpt", 0, "", exp(log_time) / o->step, !discrete, discrete ? "quadrature, l -> 0" : "quadrature");
}

static void predict_mfpt(sl_forecasts *p, const sl_operation *o, passage_way *w)
{
    quadrature_time(p, o);
    if (!is_whole(o) || !find_way(w, o->question.from, o->question.to) || !well_to_well(o, w)) return;
    const rates r = rates_over(o, w->from, w->saddle, w->to);
    if (o->op.kind == &sl_fokker_planck && o->op.loss.dim == 1 && !o->op.diffusion) corrected_time(p, o, w);
    add(p, "mfpt", 0, "kramers", 1 / r.best, false, r.by_best);
    add(p, "mfpt", 0, "spatial_diffusion", 1 / r.plain, false, r.by_plain);
}

/* ---- who is reached first ---- */

/* The stationary flux from one set to the other: the rate of leaving a well times the law's part in it. */
static void predict_committor(sl_forecasts *p, const sl_operation *o, passage_way *w)
{
    if (o->op.kind != &sl_fokker_planck || !is_whole(o) || o->op.diffusion) return;
    if (!find_way(w, o->question.from, o->question.to) || !well_to_well(o, w)) return;
    const rates r = rates_over(o, w->from, w->saddle, w->to), back = rates_over(o, w->to, w->saddle, w->from);
    /* Of the law, a part k_back / (k + k_back) is in the well that a passage begins in. */
    add(p, "flux", 0, "kramers", r.best * back.best / (r.best + back.best), false, r.by_best);
}

/* ---- spectra ---- */

/* Slowest first; of equal real parts the real ones first, then pairs with the positive imaginary part in front. */
static int by_real_part(const void *a, const void *b)
{
    const double complex x = *(const double complex *)a, y = *(const double complex *)b;
    const double slower = creal(x) - creal(y), flatter = fabs(cimag(y)) - fabs(cimag(x));
    const double rounding = 1e-12 * (cabs(x) + cabs(y));
    if (fabs(slower) > rounding) return slower > 0 ? -1 : 1;
    if (fabs(flatter) > rounding) return flatter > 0 ? -1 : 1;
    return cimag(x) > cimag(y) ? -1 : cimag(x) < cimag(y);
}

/* All sums m r[0] + n r[1] of a lattice, the first of them by decreasing real part. */
static void lattice(sl_forecasts *p, const double complex r[2], size_t k, const char *by)
{
    double complex sum[SL_OPERATOR_EIGENVALUES * SL_OPERATOR_EIGENVALUES];
    size_t n = 0;
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++) sum[n++] = (double)i * r[0] + (double)j * r[1];
    qsort(sum, n, sizeof *sum, by_real_part);
    for (size_t i = 0; i < k; i++) add(p, "eigenvalue", i, "", sum[i], true, by);
}

/* Plain SGD on a x^2/2 maps polynomials of degree n on such: eigenvalues E (1 - alpha l a)^n. */
static void quadratic_chain(sl_forecasts *p, const sl_operation *o, size_t k)
{
    sl_alpha_law law;
    if (o->op.rule.mu > 0 || o->op.loss.dim > 1 || !alpha_of(&law, o)) return;
    const double al = curvature(o, 0) * o->rate;
    for (size_t n = 0; n < k; n++) {
        double mean = 0;
        for (size_t i = 0; i < law.n; i++) mean += law.weight[i] * pow(1 - law.node[i] * al, (double)n);
        add(p, "eigenvalue", n, "", clog(mean), true, "quadratic loss, exact");
    }
}

static void quadratic_spectrum(sl_forecasts *p, const sl_operation *o, size_t k)
{
    static const char by[] = "quadratic loss, exact";
    const size_t dim = o->op.loss.dim;
    if (o->op.kind == &sl_transfer) {
        quadratic_chain(p, o, k);
    } else if (o->op.kind == &sl_klein_kramers) {
        const double g = o->op.friction;
        const double complex root = csqrt(g * g - 4 * force_of(o) * curvature(o, 0));
        const double complex r[2] = {-(g - root) / 2, -(g + root) / 2};
        lattice(p, r, k, by);
    } else if (dim == 1) { /* polynomials again, also with D = u + w a^2 x^2 */
        const double a = curvature(o, 0), w = o->op.diffusion ? o->diffusion.slope : 0;
        for (size_t n = 0; n < k; n++) {
            const double m = (double)n;
            add(p, "eigenvalue", n, "", m * (m - 1) * w * a * a - m * a, true, by);
        }
    } else if (!o->op.diffusion) {
        const double complex r[2] = {-curvature(o, 0), -curvature(o, 1)};
        lattice(p, r, k, by);
    }
}

/* Two minima: the slowest relaxation is to and fro between them. */
static void predict_spectrum(sl_forecasts *p, const sl_operation *o, passage_way *w)
{
    const size_t k = o->question.eigenvalues;
    if (!is_whole(o)) return;
    if (is_quadratic(o)) {
        quadratic_spectrum(p, o, k);
        return;
    }
    add(p, "eigenvalue", 0, "", 0, true, "mass is kept");
    const sl_stationary_point *minimum[2] = {NULL, NULL};
    size_t n = 0;
    for (size_t i = 0; i < w->all->n; i++)
        if (w->all->point[i].index == 0 && n++ < 2) minimum[n - 1] = &w->all->point[i];
    if (k < 2 || n != 2 || !find_way(w, minimum[0]->x, minimum[1]->x)) return;
    const rates there = rates_over(o, w->from, w->saddle, w->to), back = rates_over(o, w->to, w->saddle, w->from);
    add(p, "eigenvalue", 1, "kramers", -(there.best + back.best), false, there.by_best);
    add(p, "eigenvalue", 1, "spatial_diffusion", -(there.plain + back.plain), false, there.by_plain);
}

/* The domain; where it ends at the target of a first passage, with as much again beyond: the well that is entered may
 * have its bottom there. */
static void landscape_box(double lo[2], double hi[2], const sl_operation *o)
{
    const sl_question *q = &o->question;
    memcpy(lo, o->op.lo, sizeof o->op.lo);
    memcpy(hi, o->op.hi, sizeof o->op.hi);
    if (q->task != SL_TASK_MFPT || o->op.loss.dim > 1 || o->op.loss.kind->period > 0) return;
    if (hi[0] == q->to[0]) hi[0] += q->to[0] - q->from[0];
    if (lo[0] == q->to[0]) lo[0] -= q->from[0] - q->to[0];
}

void sl_operation_predict(sl_forecasts *p, const sl_operation *o)
{
    p->n = 0;
    if (o->question.task == SL_TASK_STATIONARY) predict_stationary(p, o);
    if (o->question.task == SL_TASK_EVOLVE) predict_evolve(p, o);
    if (o->question.task == SL_TASK_STATIONARY || o->question.task == SL_TASK_EVOLVE) return;
    passage_way w = {.all = calloc(1, sizeof *w.all)};
    if (!w.all) return;
    double lo[2], hi[2];
    landscape_box(lo, hi, o);
    if (sl_landscape_find(w.all, &o->op.loss, lo, hi, NULL) != SL_OK) w.all->n = 0;
    if (o->question.task == SL_TASK_MFPT) predict_mfpt(p, o, &w);
    if (o->question.task == SL_TASK_SPECTRUM) predict_spectrum(p, o, &w);
    if (o->question.task == SL_TASK_COMMITTOR) predict_committor(p, o, &w);
    free(w.all);
}
