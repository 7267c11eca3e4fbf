/* What theory says of an exit time beforehand: linear SGD near a stationary point, and passages over barriers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/escape.h"
#include "cli/simulate.h"
#include "sim/operators/operator.h"
#include "theory/exit.h"
#include "theory/kramers.h"
#include "theory/moments.h"
#include "theory/passage.h"
#include "theory/saddle.h"
#include "theory/sgd_rate.h"

const double sl_escape_p[SL_ESCAPE_QUANTILES] = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};
const char *const sl_escape_p_name[SL_ESCAPE_QUANTILES] = {"0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99"};

static const double PATIENCE = 1;     /* seconds, as an operator estimates them, for a grid          */
static const double PRECISION = 1e-6; /* relative, of a first-passage time by an operator                */
static const double PRECISION_2D = 1e-4;
static const double GOOD = 1e-4;    /* what an operator's grid may err by to count as exact            */
static const double HOPELESS = 100; /* barriers in units of T above which no operator is asked        */
static const double MEMORY = 5e8;   /* bytes for it                                                    */
static const double FLAT = 1e-9;    /* a curvature that says nothing of what is around                 */
static const double SAME = 1e-9;    /* relative: two curvatures are equal                              */

static void add_opinion(sl_escape_forecast *f, const char *key, double mean, const char *by)
{
    if (!(mean > 0) || !isfinite(mean) || f->n_opinions == SL_ESCAPE_OPINIONS) return;
    f->opinion[f->n_opinions++] = (sl_escape_opinion){key, mean, by};
}

/* ---- what the dynamics are ---- */

static bool is_sgd(const sl_escape_case *c)
{
    return c->s.dynamics == SL_DYNAMICS_SGD;
}

/* One normal law in all directions and everywhere? *s2: its variance a coordinate. */
static bool is_gaussian(double *s2, const sl_escape_case *c)
{
    const sl_sgd *sgd = &c->s.sgd;
    const size_t dim = sgd->loss.dim;
    double C[SL_LOSS_MAX_DIM * SL_LOSS_MAX_DIM];
    if (sgd->noise.infinite_variance || sgd->noise.depends_on_x || sgd->noise.not_normal ||
        sl_noise_covariance(C, &sgd->noise, &sgd->loss, sgd->noise_variance, c->start, NULL) != SL_OK)
        return false;
    for (size_t j = 0; j < dim * dim; j++)
        if (C[j] != (j % (dim + 1) == 0 ? C[0] : 0)) return false;
    *s2 = C[0];
    return true;
}

/* Euler and Maruyama's scheme is plain SGD: l = dt, noise of variance 2T/dt. The rule and schedule of the chain that is
 * run; false: there is no such reading, or none of one linear law at every step. */
static bool reads_as_chain(sl_sgd *chain, const sl_escape_case *c)
{
    *chain = c->s.sgd;
    if (is_sgd(c)) return sl_schedule_is_stationary(&chain->schedule) && sl_rule_is_linear(&chain->rule);
    const sl_langevin *l = &c->s.langevin;
    chain->noise_variance = 2 * l->temperature / l->h;
    return c->s.dynamics == SL_DYNAMICS_OVERDAMPED &&
           sl_rule_init(&chain->rule, "plain", SL_ALPHA_ON_STEP, l->h, 0, 0, NULL) == SL_OK &&
           sl_schedule_init(&chain->schedule, "constant", l->h, 1, 1, NULL) == SL_OK;
}

/* The same with normal noise, of chain->noise_variance in every coordinate. */
static bool read_as_sgd(sl_sgd *chain, const sl_escape_case *c)
{
    return reads_as_chain(chain, c) && (!is_sgd(c) || is_gaussian(&chain->noise_variance, c));
}

/* Is it that chain, and not only close to it? */
static bool is_that_chain(const sl_escape_case *c)
{
    return is_sgd(c) || c->s.langevin.scheme == SL_OVERDAMPED_EULER;
}

/* Time of dx = -grad f dt + ... that a step takes, to leading order. */
static double time_of_step(const sl_escape_case *c)
{
    if (!is_sgd(c)) return c->s.langevin.h;
    return sl_schedule_mean(&c->s.sgd.schedule, 0, 1) / (1 - c->s.sgd.rule.mu);
}

/* ---- a ball around a stationary point: linear SGD ---- */

/* An exponential law of that mean: what passages over a high barrier have, but for those that go at once. */
static void exponential_curve(sl_escape_forecast *f)
{
    for (size_t i = 0; i < SL_ESCAPE_CURVE; i++) {
        const double s = 1 - (double)i / SL_ESCAPE_CURVE;
        f->curve_t[f->n_curve] = -f->mean * log(s);
        f->curve_s[f->n_curve++] = s;
    }
}

/* Quantiles and curve from P(tau <= t), t = 0 .. n-1. */
static void read_law(sl_escape_forecast *f, const double *left, size_t n, double unit)
{
    for (size_t i = 0, t = 0; i < SL_ESCAPE_QUANTILES; i++) {
        while (t < n && left[t] < sl_escape_p[i]) t++;
        f->quantile[i] = t < n ? (double)t * unit : NAN;
    }
    const size_t stride = 1 + (n - 1) / SL_ESCAPE_CURVE;
    for (size_t t = 0; t < n; t += stride) {
        f->curve_t[f->n_curve] = (double)t * unit;
        f->curve_s[f->n_curve++] = 1 - left[t];
    }
}

/* The exact law, by iterating the survival probability of |y|. Where it takes many steps it has become geometric. */
static bool linear_exactly(sl_escape_forecast *f, const sl_saddle *s, double unit)
{
    enum { MOST_STEPS = 20000 };
    const size_t last = SL_ESCAPE_QUANTILES - 1;
    sl_exit_law *law = NULL;
    if (s->mu > 0 || sl_exit_law_new(&law, s, NULL) != SL_OK) return false;
    sl_approximation mean;
    uint64_t t = 0;
    double *left = NULL;
    bool solved = sl_exit_mean(&mean, law, 0, NULL) == SL_OK && mean.error < GOOD * mean.value &&
                  sl_exit_quantile(&t, NULL, law, 0, sl_escape_p[last], NULL) == SL_OK;
    if (solved) f->mean = mean.value * unit;
    if (solved && t < MOST_STEPS) {
        const size_t n = (size_t)t + (size_t)t / 3 + 2;
        left = malloc(n * sizeof *left);
        solved = left && sl_exit_survival(NULL, left, NULL, n, law, 0, NULL) == SL_OK;
        if (solved) read_law(f, left, n, unit);
    } else if (solved) {
        exponential_curve(f);
        for (size_t i = 0; i < SL_ESCAPE_QUANTILES && solved; i++) {
            solved = sl_exit_quantile(&t, NULL, law, 0, sl_escape_p[i], NULL) == SL_OK;
            f->quantile[i] = (double)t * unit;
        }
    }
    if (solved) f->law = "the law of the linear chain, step by step";
    f->exact = solved;
    free(left);
    sl_exit_law_free(law);
    return solved;
}

static void linear_asymptotics(sl_escape_forecast *f, const sl_saddle *s, double unit)
{
    sl_saddle_law law;
    if (sl_saddle_asymptotic(&law, s, NULL) != SL_OK) return;
    f->lyapunov = law.lyapunov;
    add_opinion(f, "asymptotic", law.mean * unit, "asymptotics of small noise");
    if (s->mu == 0)
        add_opinion(f, "leading_log", law.leading * unit, "log(2 gamma R^2 / (l q s2)) / (2 l gamma) alone");
    if (f->law) return;
    f->mean = law.mean * unit;
    f->law = "asymptotics of small noise";
    for (size_t i = 0; i < SL_ESCAPE_QUANTILES; i++) {
        double t;
        f->quantile[i] = sl_saddle_quantile(&t, s, sl_escape_p[i], NULL) == SL_OK ? t * unit : NAN;
    }
    for (size_t i = 0; i < SL_ESCAPE_CURVE; i++) {
        const double p = ((double)i + 0.5) / SL_ESCAPE_CURVE;
        double t;
        if (sl_saddle_quantile(&t, s, p, NULL) != SL_OK) continue;
        f->curve_t[f->n_curve] = t * unit;
        f->curve_s[f->n_curve++] = 1 - p;
    }
}

static bool is_quadratic(const sl_loss *loss)
{
    return strncmp(loss->kind->entry.name, "quadratic", strlen("quadratic")) == 0;
}

/* The stationary point that replicas start from, or (quadratic losses) around which they start. */
static bool centre_of(double *centre, size_t *index, double *curvature, const sl_escape_case *c)
{
    const sl_loss *loss = &c->s.sgd.loss;
    memcpy(centre, is_quadratic(loss) ? loss->start : c->start, loss->dim * sizeof *centre);
    return sl_escape_is_stationary(index, curvature, loss, centre);
}

/* Directions of one curvature, the lowest one: 1 to dim. */
static size_t equal_directions(const double *curvature, size_t dim)
{
    size_t n = 1;
    while (n < dim && fabs(curvature[n] - curvature[0]) <= SAME * fabs(curvature[0])) n++;
    return n;
}

static void predict_ball(sl_escape_forecast *f, const sl_escape_case *c)
{
    const sl_loss *loss = &c->s.sgd.loss;
    double centre[SL_LOSS_MAX_DIM], curvature[SL_LOSS_MAX_DIM];
    size_t index = 0;
    sl_sgd chain;
    if (!centre_of(centre, &index, curvature, c)) return;
    if (index > 0) f->gamma = -curvature[0];
    if (!(fabs(curvature[0]) > FLAT)) return;
    if (c->s.sgd.ensemble.start_spread > 0 || memcmp(centre, c->start, loss->dim * sizeof *centre) != 0) return;
    const size_t same = equal_directions(curvature, loss->dim);
    if (!read_as_sgd(&chain, c) || !(chain.noise_variance > 0) || (index == 0 && same < loss->dim)) return;
    sl_saddle s = {
        .gamma = -curvature[0], .s2 = chain.noise_variance, .R = c->radius, .mu = chain.rule.mu, .index = same};
    if (sl_saddle_schedule(&s, &chain.schedule, NULL) != SL_OK) return;
    if (s.mu > 0 && (s.delta > 0 || chain.rule.kind == SL_RULE_NESTEROV)) return;
    const bool solved = linear_exactly(f, &s, c->unit);
    if (index > 0) linear_asymptotics(f, &s, c->unit);
    if (!solved) return;
    /* Stable directions and curvature that changes within the ball are left out. */
    if (same < loss->dim || !is_quadratic(loss) || !is_that_chain(c)) {
        f->exact = false;
        f->law = is_quadratic(loss) ? "the law of the unstable directions alone"
                                    : "the law of the linear chain, with the "
                                      "curvature at the start";
    }
}

/* ---- over a barrier ---- */

/* Early quantiles are not the exponential law's: they speak of those that go at once. Nor are any where a trajectory
 * leaves before it has been about in its well. */
static void exponential(sl_escape_forecast *f, const sl_escape_case *c)
{
    static const double early = 0.2, relaxations = 3;
    if (!(f->mean * time_of_step(c) * c->home.eigenvalue[0] > relaxations * c->unit)) return;
    for (size_t i = 0; i < SL_ESCAPE_QUANTILES; i++)
        if (sl_escape_p[i] > early) f->quantile[i] = -f->mean * log1p(-sl_escape_p[i]);
    exponential_curve(f);
}

static void settle(sl_escape_forecast *f, double mean, bool exact, const char *law)
{
    if (f->law || !(mean > 0) || !isfinite(mean)) return;
    f->mean = mean;
    f->exact = exact;
    f->law = law;
}

/* Where a set begins on the way to it, for one-dimensional formulas. */
static double border(const sl_set *set)
{
    return set->point[0] * set->level;
}

/* The largest grid that is solved in a few seconds; 0: even the first takes longer, or the operator refuses. */
static bool choose_grid(sl_operator *op, const sl_question *q)
{
    const bool plane = op->loss.dim > 1;
    const size_t first = plane ? op->kind->first_grid_2d : op->kind->first_grid;
    const size_t last = plane ? op->kind->last_grid_2d : op->kind->last_grid;
    double outside;
    if (op->kind->check(op, q, NULL) != SL_OK || op->kind->domain(op, q, &outside, NULL) != SL_OK) return false;
    size_t n = 0;
    for (size_t k = first; k <= last && (!op->kind->seconds || op->kind->seconds(op, q, k) < PATIENCE); k *= 2) n = k;
    if (n < 2 * first) return false;
    if (n < last) op->grid = n;
    return true;
}

static void transfer_time(sl_escape_forecast *f, const sl_escape_case *c)
{
    const sl_loss *loss = &c->s.sgd.loss;
    sl_sgd chain;
    if (f->barrier > HOPELESS * f->temperature) return;
    if (loss->dim > 2 || c->region.n != 1 || loss->kind->period > 0 || !(c->s.sgd.ensemble.start_spread == 0) ||
        !read_as_sgd(&chain, c))
        return;
    sl_operator *op = calloc(1, sizeof *op);
    sl_answer a = {0};
    if (!op) return;
    *op = (sl_operator){.kind = &sl_transfer,
                        .loss = *loss,
                        .temperature = f->temperature,
                        .rule = chain.rule,
                        .schedule = chain.schedule,
                        .noise_variance = chain.noise_variance,
                        .memory = MEMORY,
                        .tolerance = loss->dim > 1 ? PRECISION_2D : PRECISION,
                        .jobs = c->s.sgd.ensemble.jobs};
    sl_question q = {.task = SL_TASK_MFPT, .radius = c->region.set[0].level};
    for (size_t d = 0; d < loss->dim; d++) {
        q.from[d] = c->start[d];
        q.to[d] = loss->dim > 1 ? c->region.set[0].point[d] : border(&c->region.set[0]);
    }
    if (choose_grid(op, &q) && sl_operator_solve(&a, op, &q, NULL) >= 0) {
        const sl_number time = sl_answer_number(&a, "mfpt", 0);
        const bool good = time.error < GOOD * time.value;
        if (good)
            settle(f, time.value * c->unit, is_that_chain(c), "the transfer operator of the steps");
        else
            add_opinion(f, "transfer", time.value * c->unit, "transfer operator on a coarse grid");
    }
    sl_answer_clear(&a);
    free(op);
}

static double second_derivative(double x, void *ctx)
{
    const sl_loss_slice *slice = ctx;
    double H[1];
    sl_loss_hessian(slice->loss, &x, H);
    return *H;
}

/* The continuous limit: dx = -f' dt + sqrt(2T) dW, by quadrature; for plain SGD also to first order in l. */
static void quadrature_time(sl_escape_forecast *f, const sl_escape_case *c)
{
    const sl_loss *loss = &c->s.sgd.loss;
    sl_loss_slice slice = {loss, 0};
    const double T = f->temperature, from = c->start[0], to = border(&c->region.set[0]);
    double log_time, correction, s2;
    sl_alpha_law alpha;
    if (loss->dim > 1 || c->region.n != 1 || loss->kind->period > 0 || !(T > 0) ||
        c->s.dynamics == SL_DYNAMICS_UNDERDAMPED)
        return;
    if (sl_passage_log_time(&log_time, sl_loss_slice_value, &slice, T, from, to, from < to ? -INFINITY : INFINITY,
                            NULL) != SL_OK)
        return;
    const double time = exp(log_time) / time_of_step(c) * c->unit;
    if (is_sgd(c) && is_gaussian(&s2, c) && c->s.sgd.rule.mu == 0 &&
        sl_alpha_of_schedule(&alpha, &c->s.sgd.schedule, NULL) == SL_OK &&
        sl_sgd_rate_correction(&correction, sl_loss_slice_value, sl_loss_slice_derivative, second_derivative, &slice, T,
                               from, to, &alpha, NULL) == SL_OK)
        add_opinion(f, "first_order", time * (1 + time_of_step(c) * correction), "quadrature, to first order in l");
    add_opinion(f, "quadrature", time, is_sgd(c) ? "quadrature, l -> 0" : "quadrature, dt -> 0");
    settle(f, time, false, is_sgd(c) ? "quadrature, l -> 0" : "quadrature, dt -> 0");
}

/* The action of the orbit at the barrier's energy in a well; INFINITY where it cannot be had: then nothing comes back.
 */
static double action(const sl_loss *loss, double minimum, double saddle)
{
    sl_loss_slice slice = {loss, 0};
    double I;
    return sl_action_barrier(&I, sl_loss_slice_value, &slice, minimum, saddle, NULL) == SL_OK ? I : INFINITY;
}

/* A unit of the dynamics' time; NAN where no formula holds. */
static double rate_over(const sl_escape_case *c, double T, const sl_stationary_point *saddle,
                        const sl_stationary_point *to)
{
    const sl_barrier b = {c->s.sgd.loss.dim, c->home.eigenvalue, saddle->eigenvalue, saddle->f - c->home.f};
    const double g = c->s.langevin.friction;
    double k;
    if (!(b.height > T)) return NAN; /* no barrier to speak of: rates over it are expansions in T / height */
    if (c->s.dynamics != SL_DYNAMICS_UNDERDAMPED)
        return sl_rate_eyring_kramers(&k, &b, T, NULL) == SL_OK ? k * time_of_step(c) / c->unit : NAN;
    if (b.dim > 1) return sl_rate_kramers(&k, &b, T, g, NULL) == SL_OK ? k : NAN;
    const double out = action(&c->s.sgd.loss, c->home.x[0], saddle->x[0]);
    const double in = action(&c->s.sgd.loss, to->x[0], saddle->x[0]);
    return isfinite(out) && sl_rate_turnover(&k, &b, T, g, out, in, NULL) == SL_OK ? k : NAN;
}

/* Two wells: the slowest eigenvalue of the Klein-Kramers equation is the sum of the rates there and back, which are as
 * the parts of the stationary law in the other well. */
static void klein_kramers_time(sl_escape_forecast *f, const sl_escape_case *c)
{
    const sl_loss *loss = &c->s.sgd.loss;
    sl_loss_slice slice = {loss, 0};
    sl_boltzmann b;
    double left;
    if (c->s.dynamics != SL_DYNAMICS_UNDERDAMPED || loss->dim > 1 || c->region.n != 1 || loss->kind->period > 0 ||
        c->from_saddle || !(f->temperature > 0) || f->barrier < f->temperature)
        return;
    sl_operator *op = calloc(1, sizeof *op);
    sl_answer a = {0};
    if (!op) return;
    const sl_question q = {.task = SL_TASK_SPECTRUM, .eigenvalues = 2};
    *op = (sl_operator){.kind = &sl_klein_kramers,
                        .loss = *loss,
                        .temperature = f->temperature,
                        .memory = MEMORY,
                        .friction = c->s.langevin.friction,
                        .tolerance = PRECISION,
                        .jobs = c->s.sgd.ensemble.jobs};
    if (sl_boltzmann_solve(&b, sl_loss_slice_value, sl_loss_slice_derivative, &slice, f->temperature, 0, NULL) ==
            SL_OK &&
        sl_boltzmann_probability(&left, &b, sl_loss_slice_value, &slice, f->temperature, -INFINITY, c->saddle[0].x[0],
                                 NULL) == SL_OK &&
        choose_grid(op, &q) && sl_operator_solve(&a, op, &q, NULL) >= 0) {
        const sl_number slowest = sl_answer_number(&a, "eigenvalue", 1);
        const double other = c->target[0].x[0] < c->saddle[0].x[0] ? left : 1 - left;
        if (slowest.value < 0 && slowest.imag == 0 && slowest.error < -GOOD * slowest.value) {
            add_opinion(f, "klein_kramers", -1 / (slowest.value * other), "Klein-Kramers, slowest eigenvalue");
            settle(f, -1 / (slowest.value * other), false, "the slowest eigenvalue of the Klein-Kramers equation");
        }
    }
    sl_answer_clear(&a);
    free(op);
}

/* The saddles around the start's well: in one dimension those on the ways to the sets, else all that join it to others.
 */
static void kramers_time(sl_escape_forecast *f, const sl_escape_case *c)
{
    const sl_landscape *l = &c->landscape;
    const double T = f->temperature;
    double rate = 0;
    if (!(T > 0)) return;
    if (c->s.sgd.loss.dim == 1) {
        for (size_t i = 0; i < c->region.n; i++) rate += rate_over(c, T, &c->saddle[i], &c->target[i]);
    } else {
        for (size_t i = 0; i < l->n; i++) {
            const size_t *j = l->point[i].joins;
            if (l->point[i].index != 1 || j[0] == j[1]) continue;
            for (size_t k = 0; k < 2; k++)
                if (j[k] < l->n && memcmp(l->point[j[k]].x, c->home.x, l->dim * sizeof *c->home.x) == 0)
                    rate += rate_over(c, T, &l->point[i], &l->point[j[k]]);
        }
    }
    if (!(rate > 0)) return;
    const bool inertia = c->s.dynamics == SL_DYNAMICS_UNDERDAMPED;
    const char *by = !inertia                 ? "Eyring-Kramers at T"
                     : c->s.sgd.loss.dim == 1 ? "Kramers, turnover of Melnikov and Meshkov"
                                              : "Kramers, spatial diffusion";
    add_opinion(f, "kramers", 1 / rate, by);
    settle(f, 1 / rate, false, by);
}

static void find_barrier(sl_escape_forecast *f, const sl_escape_case *c)
{
    const sl_landscape *l = &c->landscape;
    if (c->from_saddle) {
        f->gamma = -c->home.eigenvalue[0];
        return;
    }
    if (c->s.sgd.loss.dim == 1) {
        for (size_t i = 0; i < c->region.n; i++) f->barrier = fmin(f->barrier, c->saddle[i].f - c->home.f);
        return;
    }
    for (size_t i = 0; i < c->region.n; i++) {
        size_t a, s, b;
        if (sl_landscape_path(&a, &s, &b, l, c->home.x, c->target[i].x, NULL) == SL_OK)
            f->barrier = fmin(f->barrier, l->point[s].f - c->home.f);
    }
}

/* Do steps of that rate stay near the start's minimum? There is no barrier to pass for those that do not. */
static bool is_held(sl_escape_forecast *f, const sl_escape_case *c)
{
    sl_sgd chain;
    sl_alpha_law alpha;
    if (c->from_saddle || !reads_as_chain(&chain, c) || sl_alpha_of_schedule(&alpha, &chain.schedule, NULL) != SL_OK ||
        sl_moments_stability(&f->al_bound, &chain.rule, &alpha, NULL) != SL_OK)
        return true;
    f->al = chain.rule.lr * c->home.eigenvalue[c->s.sgd.loss.dim - 1];
    return f->al <= f->al_bound;
}

static void predict_basin(sl_escape_forecast *f, const sl_escape_case *c)
{
    f->barrier = INFINITY;
    find_barrier(f, c);
    if (!isfinite(f->barrier)) f->barrier = NAN;
    if (!is_held(f, c)) return;
    transfer_time(f, c);
    quadrature_time(f, c);
    klein_kramers_time(f, c);
    if (!c->from_saddle) kramers_time(f, c);
    if (f->law && !c->from_saddle && f->barrier > f->temperature) exponential(f, c);
}

sl_status sl_escape_predict(sl_escape_forecast *f, const sl_escape_case *c, sl_err *err)
{
    sl_prediction *p = calloc(1, sizeof *p);
    if (!p) return sl_fail(err, SL_E_MEMORY, "no memory for predictions");
    *f = (sl_escape_forecast){.mean = NAN, .median = NAN, .lyapunov = NAN, .gamma = NAN, .barrier = NAN,
                              .al = NAN, .al_bound = NAN};
    for (size_t i = 0; i < SL_ESCAPE_QUANTILES; i++) f->quantile[i] = NAN;
    /* A temperature is known before averages at it, which may be beyond what quadrature can do, and are not needed. */
    const sl_status st = sl_predict(p, &c->s, err);
    f->eq20 = p->eq20;
    f->temperature = is_sgd(c) ? p->temperature : c->s.langevin.temperature;
    if (isnan(f->temperature)) f->temperature = p->eq20;
    free(p);
    if (st == SL_E_MEMORY) return st;
    if (c->to_basin)
        predict_basin(f, c);
    else
        predict_ball(f, c);
    f->median = f->quantile[SL_ESCAPE_QUANTILES / 2];
    return SL_OK;
}
