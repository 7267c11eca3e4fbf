/* z-limits are 4: 6e-5 a comparison, some 20 of them, so that a correct engine fails for one choice of seeds in 800. */
#include "tests/test.h"

#include <gsl/gsl_cdf.h>

#include "base/parallel.h"
#include "base/random.h"
#include "base/stats.h"
#include "sim/escape/exit.h"
#include "sim/operators/operator.h"
#include "theory/passage.h"

static const double Z = 4;

/* ---- set-ups ---- */

static sl_sgd chain(const char *loss, const char *rule, double lr, double mu, const char *schedule, double s2,
                    uint64_t replicas)
{
    sl_sgd s = {.noise_variance = s2, .ensemble = {.seed = 5, .replicas = replicas, .steps = 1000000}};
    assert_ok(sl_loss_init(&s.loss, loss, &err));
    assert_ok(sl_rule_init(&s.rule, rule, SL_ALPHA_ON_STEP, lr, mu, 0, &err));
    assert_ok(sl_schedule_init(&s.schedule, schedule, lr, 1, s.ensemble.steps, &err));
    return s;
}

static sl_langevin bath(const char *loss, double T, double h, double friction, uint64_t replicas)
{
    sl_langevin l = {.temperature = T, .h = h, .friction = friction};
    l.ensemble = (sl_ensemble){.seed = 6, .replicas = replicas, .steps = 10000000};
    assert_ok(sl_loss_init(&l.loss, loss, &err));
    return l;
}

static sl_escape beyond(double x, double radius)
{
    return (sl_escape){.region = {.n = 1, .set = {{.kind = SL_SET_BEYOND, .point = {x}, .level = radius}}}};
}

/* Past level on the positive side, or (a negative one) below it. */
static sl_escape past(double sign, double level)
{
    return (sl_escape){.region = {.n = 1, .set = {{.kind = SL_SET_HALF, .point = {sign}, .level = sign * level}}}};
}

static sl_estimate mean_time(const sl_exits *e)
{
    sl_welford w = {0};
    for (uint64_t r = 0; r < e->replicas; r++) sl_welford_add(&w, (double)e->time[r]);
    return sl_welford_mean(&w);
}

static void assert_within(sl_estimate e, double expected, const char *what)
{
    if (!(fabs(e.value - expected) <= Z * e.se))
        fail_msg("%s: %.9g +- %.2g, expected %.9g (z = %.2f)", what, e.value, e.se, expected,
                 (e.value - expected) / e.se);
}

/* The part of replicas that are out by then. */
static double share_until(const sl_exits *e, uint64_t time)
{
    double out = 0;
    for (uint64_t r = 0; r < e->replicas; r++) out += e->time[r] <= time;
    return out / (double)e->replicas;
}

/* ---- against exact times ---- */

/* The saddle's unstable coordinate, y' = y + l alpha (y - n), from rest out of |y| <= 1; s2 = 0.01. Constant rate: sums
 * of the exact survival function, compared elsewhere with a Nystrom solve (to 1e-12); quantiles from the same. Rates on
 * U[0, 2 l]: Nystrom on graded panels, to the digits given (two orders agree, and constant rates come out as above). */
static void saddle__meets_exact_means_and_quantiles(void **state)
{
    (void)state;
    static const double at[] = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};
    const struct {
        const char *schedule;
        double l, mean;
        uint64_t quantile[7]; /* 0: not known */
    } rows[] = {
        {"constant", 0.2, 23.19160132440582, {15, 16, 19, 22, 26, 35, 44}},
        {"constant", 0.1, 47.297369065748484, {31, 34, 39, 45, 53, 70, 87}},
        {"constant", 0.05, 98.77133270275681, {66, 72, 83, 94, 109, 143, 176}},
        {"random:delta=1", 0.2, 23.38736632, {0}},
        {"random:delta=1", 0.05, 97.00709, {0}},
    };
    enum { N = 200000 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const sl_sgd s = chain("quadratic-saddle:dim=1:index=1", "plain", rows[i].l, 0, rows[i].schedule, 0.01, N);
        const sl_escape how = beyond(0, 1);
        sl_exits e;
        assert_ok(sl_sgd_escape(&e, &s, &how, &err));
        assert_true(e.exited == N && e.censored == 0 && e.lost == 0);
        const sl_estimate mean = mean_time(&e);
        assert_within(mean, rows[i].mean, rows[i].schedule);
        assert_near(e.updates, mean.value * N, 1e-6 * e.updates);
        assert_true(fabs(mean.value - 1.005 * rows[i].mean) > Z * mean.se); /* control: half a percent is seen */
        for (size_t q = 0; q < 7 && rows[i].quantile[q] > 0; q++) {         /* P(tau <= t) >= p > P(tau <= t - 1) */
            const double error = Z * sqrt(at[q] * (1 - at[q]) / N);
            assert_true(share_until(&e, rows[i].quantile[q]) >= at[q] - error);
            assert_true(share_until(&e, rows[i].quantile[q] - 1) < at[q] + error);
        }
        sl_exits_clear(&e);
    }
}

/* l = a = 1: x' = -n. Every step is out with one probability, so that times are geometric and exits fresh. */
static void memoryless__times_are_geometric(void **state)
{
    (void)state;
    enum { N = 100000, BINS = 40 };
    const double out = 2 * gsl_cdf_ugaussian_Q(2);
    sl_sgd s = chain("quadratic", "plain", 1, 0, "constant", 0.25, N);
    sl_escape how = beyond(0, 1);
    how.keep_states = true;
    sl_exits e;
    assert_ok(sl_sgd_escape(&e, &s, &how, &err));
    assert_within(mean_time(&e), 1 / out, "geometric");
    double seen[BINS] = {0}, expected[BINS], right = 0;
    for (size_t r = 0; r < N; r++) {
        seen[e.time[r] - 1 < BINS - 1 ? e.time[r] - 1 : BINS - 1]++;
        assert_true(fabs(e.x[r]) > 1);
        right += e.x[r] > 0;
    }
    for (size_t t = 0; t < BINS; t++) expected[t] = N * pow(1 - out, (double)t) * (t < BINS - 1 ? out : 1);
    assert_true(sl_chi_square(seen, expected, BINS, 0) > 1e-4);
    assert_near(right / N, 0.5, Z * 0.5 / sqrt(N));
    seen[0] += 600, seen[1] -= 600; /* control: 600 of 4550 a step early */
    assert_true(sl_chi_square(seen, expected, BINS, 0) < 1e-4);
    assert_null(e.v);
    sl_exits_clear(&e);
}

/* First passages over the barrier, against the transfer operator (in phase space with momentum). */
static void double_well__meets_the_transfer_operator(void **state)
{
    (void)state;
    const struct {
        const char *rule, *schedule;
        double l, mu, s2, from, to;
        size_t grid;
    } rows[] = {
        {"plain", "constant", 0.2, 0, 1, -1, 1, 0},
        {"plain", "random:delta=1", 0.2, 0, 1, -1, 0.5, 0},
        {"heavy-ball", "random:delta=1", 0.1, 0.8, 0.4, 1, -0.5, 96},
        {"heavy-ball", "constant", 0.1, 0.8, 0.4, -1, 1, 96},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sl_sgd s = chain("double-well", rows[i].rule, rows[i].l, rows[i].mu, rows[i].schedule, rows[i].s2, 40000);
        s.ensemble.start = &rows[i].from;
        const sl_operator op = {.kind = &sl_transfer,
                                .loss = s.loss,
                                .rule = s.rule,
                                .schedule = s.schedule,
                                .noise_variance = rows[i].s2,
                                .grid = rows[i].grid};
        const sl_question q = {.task = SL_TASK_MFPT, .from = {rows[i].from}, .to = {rows[i].to}};
        sl_answer a = {0};
        assert_true(sl_operator_solve(&a, &op, &q, NULL) >= 0);
        const double exact = sl_answer_number(&a, "mfpt", 0).value;
        assert_true(sl_answer_number(&a, "mfpt", 0).error < 2e-3 * exact); /* a fifth of what is looked for, Z 0.5 % */
        const sl_escape how = past(rows[i].to > rows[i].from ? 1 : -1, rows[i].to);
        sl_exits e;
        assert_ok(sl_sgd_escape(&e, &s, &how, &err));
        assert_within(mean_time(&e), exact, rows[i].rule);
        sl_exits_clear(&e);
        sl_answer_clear(&a);
    }
}

static double double_well(double x, void *ctx)
{
    (void)ctx;
    return (x * x - 1) * (x * x - 1) / 4;
}

/* A path that is looked at every h passes a point as one that is watched all the time passes another, 0.5826 deviations
 * of a step further (zeta(1/2) / sqrt(2 pi): Broadie, Glasserman and Kou 1997); what is left is of order h. */
static void overdamped__meets_quadrature(void **state)
{
    (void)state;
    const double T = 0.25, h = 0.01, start = -1, to = 0.5;
    double log_tau;
    assert_ok(
        sl_passage_log_time(&log_tau, double_well, NULL, T, start, to + 0.5826 * sqrt(2 * T * h), -INFINITY, &err));
    sl_langevin l = bath("double-well", T, h, 0, 20000);
    l.ensemble.start = &start;
    const sl_escape how = past(1, to);
    sl_exits e;
    assert_ok(sl_overdamped_escape(&e, &l, &how, &err));
    assert_within(sl_scaled(h, mean_time(&e)), exp(log_tau), "overdamped");
    sl_exits_clear(&e);
}

/* Over a high barrier and past the other minimum: 2 over the slowest rate of Klein-Kramers, up to exp(-barrier/T)
 * times some, below the error here. */
static void underdamped__takes_two_over_the_slowest_rate(void **state)
{
    (void)state;
    const double T = 0.04, friction = 1, start = -1, h = 0.1;
    sl_langevin l = bath("double-well", T, h, friction, 3000);
    l.ensemble.start = &start;
    const sl_operator op = {.kind = &sl_klein_kramers, .loss = l.loss, .temperature = T, .friction = friction};
    const sl_question q = {.task = SL_TASK_SPECTRUM, .eigenvalues = 2};
    sl_answer a = {0};
    assert_ok(sl_operator_solve(&a, &op, &q, &err));
    const sl_escape how = past(1, 1);
    sl_exits e;
    assert_ok(sl_underdamped_escape(&e, &l, &how, &err));
    assert_within(sl_scaled(h, mean_time(&e)), 2 / fabs(sl_answer_number(&a, "eigenvalue", 1).value), "underdamped");
    sl_exits_clear(&e);
    sl_answer_clear(&a);
}

/* T = 0 and hardly any friction: x = x0 cos t + v0 sin t on f = x^2/2, from states given. */
static void underdamped__flies_from_the_states_given(void **state)
{
    (void)state;
    enum { N = 200 };
    double x[N], v[N];
    for (size_t r = 0; r < N; r++) x[r] = -0.5 + 0.004 * (double)r, v[r] = 1 + 0.01 * (double)r;
    const double h = 1e-3;
    const sl_langevin l = bath("quadratic", 0, h, 1e-12, N);
    sl_escape how = beyond(0, 0.9);
    how.x = x, how.v = v, how.keep_states = true;
    sl_exits e;
    assert_ok(sl_underdamped_escape(&e, &l, &how, &err));
    for (size_t r = 0; r < N; r++) {
        const double t = h * (double)e.time[r];
        assert_near(e.x[r], x[r] * cos(t) + v[r] * sin(t), 1e-5);
        assert_near(e.v[r], v[r] * cos(t) - x[r] * sin(t), 1e-5);
        assert_true(e.x[r] > 0.9 && e.x[r] < 0.9 + 1.01 * h * e.v[r]);
    }
    sl_exits_clear(&e);
}

/* ---- against one replica after the other ---- */

static double normal_of(const sl_ensemble *e, sl_purpose purpose, uint64_t replica, uint64_t step, uint32_t d,
                        double sigma)
{
    const sl_draw draw = {.seed = e->seed, .step = step, .sub = e->experiment << 16 | d, .purpose = purpose};
    return sl_random_normal_at(replica, sigma, &draw);
}

/* Heavy ball on a saddle in the plane, with random or clocked rates and spread starts, with the numbers of replica r
 * alone; whatever the block does, it must come to the same. */
static uint64_t lone_sgd(const sl_sgd *s, const sl_region *region, uint64_t r, double *x)
{
    const sl_ensemble *e = &s->ensemble;
    double v[2] = {0, 0};
    for (uint32_t d = 0; d < 2; d++) x[d] = normal_of(e, SL_PURPOSE_START, r, 0, d, e->start_spread);
    for (uint64_t k = 0;; k++) {
        if (sl_region_which(region, 2, x) != SL_EXIT_CENSORED || k == e->steps) return k;
        const sl_draw draw = {
            .seed = e->seed ^ (uint64_t)e->experiment << 48, .step = k, .purpose = SL_PURPOSE_SCHEDULE};
        const double u = sl_random_uniform_at(r, &draw), rate = sl_schedule_is_random(&s->schedule)
                                                                    ? s->schedule.lr * 2 * u
                                                                    : sl_schedule_lr(&s->schedule, 0, 0, k);
        for (uint32_t d = 0; d < 2; d++) {
            v[d] = s->rule.mu * v[d] -
                   (s->loss.data[d] * x[d] + normal_of(e, SL_PURPOSE_NOISE, r, k, d, sqrt(s->noise_variance)));
            x[d] += rate * v[d];
        }
    }
}

static void sgd__is_a_function_of_seed_experiment_and_replica(void **state)
{
    (void)state;
    enum { N = 6000 };
    const char *const schedules[] = {"random:delta=1", "cyclic:period=7"};
    for (size_t k = 0; k < 2; k++) {
        sl_sgd s = chain("quadratic-saddle:a=0.5:gamma=1", "heavy-ball", 0.05, 0.5, schedules[k], 0.1, N);
        s.ensemble.experiment = 3;
        s.ensemble.start_spread = 0.3;
        s.ensemble.steps = 30; /* some are censored */
        s.ensemble.jobs = 1;
        const double centre[2] = {0, 0};
        sl_escape how = {.keep_states = true};
        sl_region_ball(&how.region, centre, 2, 1);
        sl_exits e;
        assert_ok(sl_sgd_escape(&e, &s, &how, &err));
        assert_true(e.censored > N / 20 && e.exited > N / 4 && e.lost == 0);
        for (uint64_t r = 0; r < N; r += 7) {
            double x[2];
            assert_int_equal(e.time[r], lone_sgd(&s, &how.region, r, x));
            for (size_t d = 0; d < 2; d++) assert_near(e.x[2 * r + d], x[d], 1e-12);
            assert_int_equal(e.by[r], sl_region_which(&how.region, 2, x));
        }
        /* Some start outside: exp(-1 / (2 0.3^2)) of them. */
        const double share = exp(-1 / 0.18);
        assert_near(share_until(&e, 0), share, Z * sqrt(share / N));
        sl_exits_clear(&e);
    }
}

/* Leimkuhler and Matthews's scheme keeps a noise from step to step: each replica its own. */
static void lm__keeps_the_noise_of_its_replica(void **state)
{
    (void)state;
    enum { N = 5000 };
    sl_langevin l = bath("quadratic:a=1", 0.5, 0.1, 0, N);
    l.scheme = SL_OVERDAMPED_LM;
    l.ensemble.jobs = 1;
    const sl_escape how = beyond(0, 1);
    sl_exits e;
    assert_ok(sl_overdamped_escape(&e, &l, &how, &err));
    const double sigma = sqrt(2 * l.temperature * l.h);
    for (uint64_t r = 0; r < N; r += 5) {
        double x = 0;
        uint64_t k = 0;
        for (; !(fabs(x) > 1); k++)
            x += 0.5 * (normal_of(&l.ensemble, SL_PURPOSE_THERMAL, r, k, 0, sigma) +
                        normal_of(&l.ensemble, SL_PURPOSE_THERMAL, r, k + 1, 0, sigma)) -
                 l.h * x;
        assert_int_equal(e.time[r], k);
    }
    sl_exits_clear(&e);
}

static void exits__do_not_depend_on_jobs_or_on_who_else_runs(void **state)
{
    (void)state;
    enum { N = 20000 };
    const char *const schedules[] = {"constant", "random:delta=1", "cyclic:period=6"};
    for (size_t k = 0; k < 3; k++) {
        sl_sgd s = chain("double-well", "heavy-ball", 0.05, 0.8, schedules[k], 1, N);
        const double start = -1;
        s.ensemble.start = &start;
        s.ensemble.jobs = 1;
        s.ensemble.steps = 400;
        sl_escape how = past(1, 0.5);
        how.keep_states = true;
        sl_exits all, other;
        assert_ok(sl_sgd_escape(&all, &s, &how, &err));
        assert_true(all.censored > 0 && all.exited > N / 2);
        for (int jobs = 2; jobs <= 5; jobs++) {
            s.ensemble.jobs = jobs;
            s.ensemble.replicas = jobs == 4 ? 700 : jobs == 5 ? 1 : N;
            assert_ok(sl_sgd_escape(&other, &s, &how, &err));
            assert_memory_equal(all.time, other.time, s.ensemble.replicas * sizeof *all.time);
            assert_memory_equal(all.by, other.by, s.ensemble.replicas);
            assert_memory_equal(all.x, other.x, s.ensemble.replicas * sizeof *all.x);
            assert_memory_equal(all.v, other.v, s.ensemble.replicas * sizeof *all.v);
            if (s.ensemble.replicas == N) assert_near(all.updates, other.updates, 0);
            sl_exits_clear(&other);
        }
        s.ensemble.replicas = N;
        s.ensemble.experiment = 1;
        assert_ok(sl_sgd_escape(&other, &s, &how, &err));
        assert_true(memcmp(all.time, other.time, N * sizeof *all.time) != 0);
        sl_exits_clear(&other);
        sl_exits_clear(&all);
    }
}

/* ---- sets, limits, losses, paths ---- */

/* Between two half-spaces and around a hole: who ends where, and all of them somewhere. */
static void region__says_through_which_set(void **state)
{
    (void)state;
    enum { N = 20000 };
    sl_langevin l = bath("quadratic:dim=2:a=0.01", 1, 0.001, 0, N);
    const double start[2] = {1, 0};
    l.ensemble.start = start;
    sl_escape how = {.keep_states = true};
    how.region = (sl_region){.n = 3,
                             .set = {{.kind = SL_SET_WITHIN, .point = {0, 0}, .level = 0.5},
                                     {.kind = SL_SET_HALF, .point = {0, 1}, .level = 1},
                                     {.kind = SL_SET_HALF, .point = {0, -1}, .level = 1}}};
    l.ensemble.steps = 2000;
    sl_exits e;
    assert_ok(sl_overdamped_escape(&e, &l, &how, &err));
    double count[3] = {0};
    for (size_t r = 0; r < N; r++) {
        const double *x = e.x + 2 * r;
        if (e.by[r] == SL_EXIT_CENSORED) {
            assert_int_equal(e.time[r], 2000);
            assert_true(hypot(x[0], x[1]) >= 0.5 && fabs(x[1]) < 1);
            continue;
        }
        assert_true(e.by[r] < 3);
        assert_true(e.by[r] == 0 ? hypot(x[0], x[1]) < 0.5 : e.by[r] == 1 ? x[1] >= 1 : x[1] <= -1);
        count[e.by[r]]++;
    }
    assert_near(count[1], count[2], Z * sqrt(count[1] + count[2])); /* mirror images */
    assert_true(count[0] > N / 20 && e.censored > 0);
    assert_near((double)(e.exited + e.censored), N, 0);
    sl_exits_clear(&e);
}

/* A limit cuts every later time short and leaves the others alone. */
static void limit__censors(void **state)
{
    (void)state;
    enum { N = 5000 };
    sl_sgd s = chain("quadratic-saddle:dim=1", "plain", 0.1, 0, "constant", 0.01, N);
    const sl_escape how = beyond(0, 1);
    sl_exits e, cut;
    assert_ok(sl_sgd_escape(&e, &s, &how, &err));
    for (uint64_t limit = 44; limit < 48; limit++) {
        s.ensemble.steps = limit;
        assert_ok(sl_sgd_escape(&cut, &s, &how, &err));
        uint64_t late = 0;
        for (size_t r = 0; r < N; r++) {
            assert_int_equal(cut.time[r], e.time[r] < limit ? e.time[r] : limit);
            assert_int_equal(cut.by[r], e.time[r] <= limit ? 0 : SL_EXIT_CENSORED);
            late += e.time[r] > limit;
        }
        assert_true(late > 0 && cut.censored == late && cut.exited == N - late);
        sl_exits_clear(&cut);
    }
    sl_exits_clear(&e);
}

/* Steps far beyond the edge of stability on x^4: far past the set within a few steps. */
static void lost__are_counted_and_reported(void **state)
{
    (void)state;
    enum { N = 2000 };
    sl_sgd s = chain("double-well", "plain", 3, 0, "constant", 1, N);
    const double start = 0.2;
    s.ensemble.start = &start;
    sl_escape how = {.region = {.n = 1, .set = {{.kind = SL_SET_WITHIN, .point = {30}, .level = 0.01}}}};
    sl_exits e;
    assert_fails(sl_sgd_escape(&e, &s, &how, &err), SL_DIVERGED, "replicas were lost");
    assert_true(e.lost > N / 2 && e.lost + e.exited + e.censored == N);
    for (size_t r = 0; r < N; r++)
        if (e.by[r] == SL_EXIT_LOST) assert_true(e.time[r] > 0 && e.time[r] < 1000);
    sl_exits_clear(&e);
    /* With a kill radius at every step: whoever jumps beyond it is lost at once, unless a set takes it. */
    s.ensemble.kill_radius = 100;
    how = past(1, 50);
    how.keep_states = true;
    assert_true(sl_sgd_escape(&e, &s, &how, NULL) >= 0);
    assert_true(e.lost > 0 && e.exited > 0);
    for (size_t r = 0; r < N; r++) assert_true(e.by[r] == SL_EXIT_LOST ? e.x[r] < -100 : e.x[r] >= 50);
    sl_exits_clear(&e);
}

/* Noise without bounds: a step to infinity and, where the loss makes inf - inf of it, one that is not a number. */
static void add_infinity(const sl_noise *noise, const sl_loss *loss, double s2, sl_noise_source *source, double *g)
{
    (void)noise, (void)loss, (void)s2, (void)source;
    g[0] = NAN, g[1] = INFINITY, g[2] = -INFINITY;
}

static void lost__are_those_that_are_not_numbers(void **state)
{
    (void)state;
    static const sl_noise_kind kind = {.entry = {.name = "infinite"}, .add = add_infinity};
    sl_sgd s = chain("quadratic", "plain", 0.1, 0, "constant", 1, 64);
    s.noise.kind = &kind;
    s.ensemble.steps = 10;
    sl_escape how = past(1, 1);
    sl_exits e;
    assert_ok(sl_sgd_escape(&e, &s, &how, &err));
    assert_int_equal(e.by[0], SL_EXIT_LOST);
    assert_int_equal(e.time[0], 1);
    assert_int_equal(e.by[1], SL_EXIT_LOST); /* -inf, far on the inner side: then inf - inf */
    assert_int_equal(e.by[2], 0);
    for (size_t r = 3; r < 64; r++) assert_int_equal(e.by[r], SL_EXIT_CENSORED);
    sl_exits_clear(&e);
}

/* Without path_every: every state of a short path; of a long one at multiples of a power of 2, 513 to 1024 of them, and
 * the state that it ends with. */
static void paths__thin_out_as_they_grow(void **state)
{
    (void)state;
    enum { N = 64 };
    sl_sgd s = chain("quadratic", "plain", 0.1, 0, "constant", 0.8, N); /* exp(12) x a few steps to |x| = 1 */
    const double centre[1] = {0};
    sl_escape how = {.keep_states = true, .paths = N};
    sl_region_ball(&how.region, centre, 1, 1);
    sl_exits e;
    assert_ok(sl_sgd_escape(&e, &s, &how, &err));
    size_t whole = 0, longest = 0;
    for (size_t r = 0; r < N; r++) {
        const size_t first = sl_table_block_start(e.paths, r), end = sl_table_block_start(e.paths, r + 1);
        const double *row = sl_table_row(e.paths, end - 1);
        assert_true(row[0] == (double)e.time[r] && row[1] == e.x[r]);
        const double every = sl_table_row(e.paths, first + 1)[0];
        for (size_t i = first; i + 1 < end; i++)
            assert_true(sl_table_row(e.paths, i)[0] == every * (double)(i - first));
        assert_true(every == 1 || end - first > SL_PATH_STATES / 2);
        assert_true(end - first <= SL_PATH_STATES && exp2(round(log2(every))) == every);
        whole += every == 1;
        if (every > (double)longest) longest = (size_t)every;
    }
    assert_true(whole > 0 && longest >= 4);
    sl_exits_clear(&e);
}

static void paths__are_the_states_on_the_way(void **state)
{
    (void)state;
    enum { N = 3000 };
    sl_sgd s = chain("quadratic-saddle", "heavy-ball", 0.05, 0.5, "constant", 0.01, N);
    const double centre[2] = {0, 0};
    sl_escape how = {.keep_states = true, .paths = 2000, .path_every = 3};
    sl_region_ball(&how.region, centre, 2, 1);
    sl_exits e, plain;
    assert_ok(sl_sgd_escape(&e, &s, &how, &err));
    assert_int_equal(sl_table_blocks(e.paths), 2000);
    assert_int_equal(sl_table_columns(e.paths), 3);
    assert_string_equal(sl_table_block_title(e.paths, 17), "replica 17");
    for (size_t r = 0; r < 2000; r++) {
        const size_t first = sl_table_block_start(e.paths, r), end = sl_table_block_start(e.paths, r + 1);
        assert_int_equal(end - first, 1 + (e.time[r] + 2) / 3);
        const double *row = sl_table_row(e.paths, first);
        assert_true(row[0] == 0 && row[1] == 0 && row[2] == 0);
        for (size_t i = first + 1; i + 1 < end; i++) {
            row = sl_table_row(e.paths, i);
            assert_true(row[0] == 3 * (double)(i - first) && hypot(row[1], row[2]) <= 1);
        }
        row = sl_table_row(e.paths, end - 1);
        assert_true(row[0] == (double)e.time[r] && row[1] == e.x[2 * r] && row[2] == e.x[2 * r + 1]);
    }
    how.paths = 0;
    assert_ok(sl_sgd_escape(&plain, &s, &how, &err));
    assert_memory_equal(plain.time, e.time, N * sizeof *e.time); /* being watched changes nothing */
    assert_null(plain.paths);
    sl_exits_clear(&plain);
    sl_exits_clear(&e);
}

/* ---- what is refused, and stopping ---- */

static void refuses__bad_input(void **state)
{
    (void)state;
    sl_sgd s = chain("quadratic-saddle", "plain", 0.1, 0, "constant", 0.01, 100);
    const double centre[2] = {0, 0}, nan[2] = {0, NAN}, outside[2] = {0, 2};
    double starts[200] = {0};
    sl_escape good = {0}, how;
    sl_region_ball(&good.region, centre, 2, 1);
    sl_exits e = {.lost = 77};
#define REFUSED(text) assert_fails(sl_sgd_escape(&e, &s, &how, &err), SL_E_DOMAIN, text)
    how = good, how.region.n = 0;
    REFUSED("0 sets");
    how = good, how.region.n = SL_REGION_SETS + 1;
    REFUSED("9 sets");
    how = good, how.region.set[0].level = -1;
    REFUSED("set 0: radius = -1");
    how = good, how.region.set[0].level = NAN;
    REFUSED("set 0: radius = nan");
    how = good, how.region.set[0].point[1] = INFINITY;
    REFUSED("point[1] = inf");
    how = good, how.region.set[0].kind = (sl_set_kind)7;
    REFUSED("kind = 7");
    how = good, how.region.n = 2, how.region.set[1] = (sl_set){.kind = SL_SET_HALF, .level = -1};
    REFUSED("set 1: a half-space with a normal of length 0");
    how.region.set[1].point[0] = 1;
    REFUSED("the start lies in set 1");
    how = good, how.v = starts;
    REFUSED("without positions");
    how.x = starts;
    REFUSED("the dynamics have none");
    how = good, how.x = starts;
    starts[2 * 41 + 1] = 1.5;
    REFUSED("the start of replica 41 lies in set 0");
    starts[2 * 41 + 1] = NAN;
    REFUSED("the start of replica 41 is not finite");
    how = good, how.paths = 101;
    REFUSED("paths = 101");
    how = good;
    s.ensemble.burn_in = 5;
    REFUSED("burn-in = 5");
    s.ensemble.burn_in = 0, s.ensemble.steps = 0;
    REFUSED("steps = 0");
    s.ensemble.steps = 10, s.ensemble.replicas = 0;
    REFUSED("replicas = 0");
    s.ensemble.replicas = 100, s.ensemble.start = nan;
    REFUSED("x[1] = nan");
    s.ensemble.start = outside;
    REFUSED("the start lies in set 0");
    s.ensemble.start = NULL, s.noise_variance = -1;
    REFUSED("noise variance = -1");
    s.noise_variance = 1, s.ensemble.replicas = (uint64_t)1 << 34;
    how.keep_states = true;
    assert_fails(sl_sgd_escape(&e, &s, &how, &err), SL_E_MEMORY, "17179869184 replicas");
    assert_int_equal(e.lost, 77);
#undef REFUSED
}

static void stop(void *ctx, double fraction)
{
    *(double *)ctx = fraction;
    sl_stop_request();
}

static void note(void *ctx, double fraction)
{
    double *last = ctx;
    assert_true(fraction > *last && fraction <= 1);
    *last = fraction;
}

static void escape__tells_its_progress_and_stops_when_asked(void **state)
{
    (void)state;
    double told = 0;
    sl_sgd s = chain("quadratic-saddle:dim=1", "plain", 0.02, 0, "constant", 0.01, 100000);
    s.ensemble.progress = note;
    s.ensemble.progress_ctx = &told;
    s.ensemble.jobs = 2;
    const sl_escape how = beyond(0, 1);
    sl_exits e;
    assert_ok(sl_sgd_escape(&e, &s, &how, &err));
    assert_near(told, 1, 0);
    sl_exits_clear(&e);
    told = 0;
    s.ensemble.progress = stop;
    e.lost = 77;
    assert_fails(sl_sgd_escape(&e, &s, &how, &err), SL_INTERRUPTED, "interrupted");
    sl_stop_clear();
    assert_true(told > 0 && told < 0.5);
    assert_true(e.lost == 0 && !e.time && !e.by);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saddle__meets_exact_means_and_quantiles),
        cmocka_unit_test(memoryless__times_are_geometric),
        cmocka_unit_test(double_well__meets_the_transfer_operator),
        cmocka_unit_test(overdamped__meets_quadrature),
        cmocka_unit_test(underdamped__takes_two_over_the_slowest_rate),
        cmocka_unit_test(underdamped__flies_from_the_states_given),
        cmocka_unit_test(sgd__is_a_function_of_seed_experiment_and_replica),
        cmocka_unit_test(lm__keeps_the_noise_of_its_replica),
        cmocka_unit_test(exits__do_not_depend_on_jobs_or_on_who_else_runs),
        cmocka_unit_test(region__says_through_which_set),
        cmocka_unit_test(limit__censors),
        cmocka_unit_test(lost__are_counted_and_reported),
        cmocka_unit_test(lost__are_those_that_are_not_numbers),
        cmocka_unit_test(paths__are_the_states_on_the_way),
        cmocka_unit_test(paths__thin_out_as_they_grow),
        cmocka_unit_test(refuses__bad_input),
        cmocka_unit_test(escape__tells_its_progress_and_stops_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
