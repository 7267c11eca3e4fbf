#include "tests/test.h"

#include "sim/escape/splitting.h"
#include "sim/operators/operator.h"
#include "theory/passage.h"

/* Errors are t-distributed with 15 degrees of freedom or more: |z| > 5 comes by chance 2e-4 of the time at most, and
 * seeds are fixed. */
static const double Z = 5;

static sl_sgd chain_of(const char *loss, const char *rule, double mu, const char *schedule, double l, double s2)
{
    sl_sgd s = {.noise_variance = s2, .ensemble = {.seed = 5}};
    assert_ok(sl_loss_init(&s.loss, loss, &err));
    assert_ok(sl_rule_init(&s.rule, rule, SL_ALPHA_ON_GRADIENT, l, mu, 0, &err));
    assert_ok(sl_schedule_init(&s.schedule, schedule, l, 1, 1000000, &err));
    return s;
}

/* On a line, from the left: A up to a, levels from z, B from b on. */
static sl_splitting on_line(double a, double z, double b)
{
    return (sl_splitting){.xi = {1},
                          .a = a,
                          .z = z,
                          .b = {.n = 1, .set[0] = {.kind = SL_SET_HALF, .point = {1}, .level = b}},
                          .particles = 1024,
                          .repeats = 16};
}

static void assert_within(const char *what, sl_estimate e, double exact, double relative)
{
    if (!(fabs(e.value - exact) <= Z * e.se))
        fail_msg("%s: %.6g +- %.2g, exactly %.6g (z = %.2f)", what, e.value, e.se, exact, (e.value - exact) / e.se);
    if (!(e.se <= relative * e.value)) fail_msg("%s: %.6g +- %.2g, need %g", what, e.value, e.se, relative);
}

/* Steps to go from one point to the other, by the transfer operator. */
static double exact_steps(const sl_sgd *s, double from, double to)
{
    const sl_operator op = {.kind = &sl_transfer,
                            .loss = s->loss,
                            .rule = s->rule,
                            .schedule = s->schedule,
                            .noise_variance = s->noise_variance,
                            .tolerance = 1e-4};
    sl_answer a = {0};
    assert_ok(sl_operator_solve(&a, &op, &(sl_question){.task = SL_TASK_MFPT, .from = {from}, .to = {to}}, &err));
    const double steps = sl_answer_number(&a, "mfpt", 0).value;
    sl_answer_clear(&a);
    return steps;
}

/* ---- against exact first-passage times ---- */

/* Barriers of 8 to 20 T: constant and random rates, the double well and a tilted one, all shares. */
static void time__of_sgd_is_the_transfer_operators(void **state)
{
    (void)state;
    const struct {
        const char *loss, *schedule;
        double l, s2, start, a, z, b, share;
    } rows[] = {
        {"double-well", "constant", 0.1, 0.625, -1, -0.95, -0.8, 1, 0},          /* T = 1/32                   */
        {"double-well", "random:delta=1", 0.1, 0.3125, -1, -0.95, -0.8, 1, 0.4}, /* 1/48: T = q l s2 / 2       */
        {"tilted-double-well:tilt=0.1", "constant", 0.05, 0.7, -1.04, -1, -0.9, 0.9, 0}, /* 1/57, a barrier of 0.35 */
        {"double-well", "constant", 0.2, 0.18, -1, -0.95, -0.85, 0.8, 0.1},      /* 1/55: far from continuous  */
        {"double-well", "random:delta=0.5", 0.02, 1.95, -1, -0.95, -0.85, 1, 0}, /* 1/47                       */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sl_sgd s = chain_of(rows[i].loss, "plain", 0, rows[i].schedule, rows[i].l, rows[i].s2);
        s.ensemble.start = &rows[i].start;
        sl_splitting how = on_line(rows[i].a, rows[i].z, rows[i].b);
        how.share = rows[i].share;
        const double exact = exact_steps(&s, rows[i].start, rows[i].b);
        sl_rare r;
        assert_ok(sl_sgd_splitting(&r, &s, &how, &err));
        assert_within(rows[i].loss, r.time, exact, 0.12);
        assert_true(fabs(r.time.value - 2 * exact) > Z * r.time.se); /* control */
        assert_close(1 / (r.rate.value * r.probability.value), r.time.value, 1e-12);
        double product = 1;
        for (size_t k = 0; k < r.n_levels; k++) {
            product *= r.passage[k];
            assert_true(k == 0 || r.level[k] > r.level[k - 1]);
        }
        assert_close(product, r.probability.value, 0.3);
        assert_true(r.level[0] == how.z && r.updates < 100 * exact); /* brute force to 10 % */
    }
}

/* With momentum, by the transfer operator on the (x, v) plane: a barrier of 8 T. */
static void time__with_momentum_is_the_transfer_operators(void **state)
{
    (void)state;
    const double start = -1;
    sl_sgd s = chain_of("double-well", "heavy-ball", 0.8, "constant", 0.05, 0.25);
    s.ensemble.start = &start;
    const sl_splitting how = on_line(-0.95, -0.8, 1);
    sl_rare r;
    assert_ok(sl_sgd_splitting(&r, &s, &how, &err));
    assert_within("heavy ball", r.time, 86348.546, 0.12); /* sl_transfer, mfpt, 192 nodes: +- 1e-4 */
}

/* Euler and Maruyama's scheme is SGD with s2 = 2 T / h; at small h its time is that of the quadrature, up to order h
 * (2 % here, by the transfer operator, which is compared with as it is). A barrier of 10 T. */
static void time__of_overdamped_motion_is_known_twice(void **state)
{
    (void)state;
    const double start = -1, h = 0.004, T = 0.025;
    sl_langevin l = {.temperature = T, .h = h, .ensemble = {.seed = 6, .start = &start}};
    assert_ok(sl_loss_init(&l.loss, "double-well", &err));
    const sl_splitting how = on_line(-0.95, -0.8, 1);
    sl_rare r;
    assert_ok(sl_overdamped_splitting(&r, &l, &how, &err));
    const sl_sgd s = chain_of("double-well", "plain", 0, "constant", h, 2 * T / h);
    const double exact = exact_steps(&s, -1, 1);
    assert_within("overdamped", r.time, exact, 0.12);
    double log_time;
    sl_loss_slice slice = {.loss = &l.loss};
    assert_ok(sl_passage_log_time(&log_time, sl_loss_slice_value, &slice, T, -1, 1, -INFINITY, &err));
    assert_close(exact * h, exp(log_time), 0.03);
    assert_within("overdamped", sl_scaled(h, r.time), exp(log_time), 0.12);
}

/* 2 over the slowest rate of the Klein-Kramers operator, with BAOAB at a step that errs by less than 1 %: 8 T. */
static void time__of_underdamped_motion_is_two_over_the_slowest_rate(void **state)
{
    (void)state;
    const double start = -1, h = 0.1;
    sl_langevin l = {.temperature = 1 / 32.0, .h = h, .friction = 1, .ensemble = {.seed = 7, .start = &start}};
    assert_ok(sl_loss_init(&l.loss, "double-well", &err));
    const sl_splitting how = on_line(-0.95, -0.8, 1);
    sl_rare r;
    assert_ok(sl_underdamped_splitting(&r, &l, &how, &err));
    assert_within("underdamped", sl_scaled(h, r.time), 2 / 9.03575504307e-05, 0.12); /* sl_klein_kramers, spectrum */
}

/* In the plane, from one minimum into a disc around the other along a bent path. */
static void time__into_a_disc_is_the_transfer_operators(void **state)
{
    (void)state;
    const double start[] = {-1, 0};
    sl_sgd s = chain_of("bent-double-well", "plain", 0, "constant", 0.1, 0.625);
    s.ensemble.start = start;
    sl_splitting how = on_line(-0.95, -0.8, 1);
    how.b.set[0] = (sl_set){.kind = SL_SET_WITHIN, .point = {1, 0}, .level = 0.3};
    sl_rare r;
    assert_ok(sl_sgd_splitting(&r, &s, &how, &err));
    assert_within("disc", r.time, 132988, 0.12); /* sl_transfer, mfpt, 128 nodes: +- 5 */
    /* Another reaction coordinate, another A: the same time. */
    how.xi[0] = 2, how.xi[1] = 1, how.a = -1.9, how.z = -1.4;
    assert_ok(sl_sgd_splitting(&r, &s, &how, &err));
    assert_within("disc, oblique", r.time, 132988, 0.12);
}

/* ---- against brute force ---- */

static sl_estimate mean_time(const sl_exits *e)
{
    sl_welford w = {0};
    for (uint64_t i = 0; i < e->replicas; i++) sl_welford_add(&w, (double)e->time[i]);
    return sl_welford_mean(&w);
}

static void assert_agree(const char *what, sl_estimate a, sl_estimate b)
{
    const sl_estimate d = sl_difference(a, b);
    if (!(fabs(d.value) <= Z * d.se))
        fail_msg("%s: %.6g +- %.2g by splitting, %.6g +- %.2g by brute force", what, a.value, a.se, b.value, b.se);
    assert_true(a.se < 0.1 * a.value && b.se < 0.05 * b.value);
}

/* 4 to 5 T. Low friction, where what was lost of v on the way would show; and Nesterov with a random rate. */
static void time__is_what_brute_force_finds(void **state)
{
    (void)state;
    const double start = -1;
    const sl_splitting how = on_line(-0.95, -0.75, 1);
    const sl_escape direct = {.region = how.b};
    sl_rare r;
    sl_exits e;
    sl_langevin l = {.temperature = 0.05, .h = 0.15, .friction = 0.1, .ensemble = {.seed = 8, .start = &start}};
    assert_ok(sl_loss_init(&l.loss, "double-well", &err));
    assert_ok(sl_underdamped_splitting(&r, &l, &how, &err));
    l.ensemble.replicas = 1024, l.ensemble.steps = 10000000;
    assert_ok(sl_underdamped_escape(&e, &l, &direct, &err));
    assert_int_equal(e.exited, 1024);
    assert_agree("underdamped", r.time, mean_time(&e));
    sl_exits_clear(&e);

    sl_sgd s = chain_of("double-well", "nesterov", 0.7, "random:delta=1", 0.1, 0.27);
    s.ensemble.start = &start;
    assert_ok(sl_sgd_splitting(&r, &s, &how, &err));
    s.ensemble.replicas = 1024, s.ensemble.steps = 10000000;
    assert_ok(sl_sgd_escape(&e, &s, &direct, &err));
    assert_int_equal(e.exited, 1024);
    assert_agree("nesterov", r.time, mean_time(&e));
    sl_exits_clear(&e);
}

/* Heavy tails: jumps over all levels at once, into B or out of the world. Beginning anew after each loss, 1/time is the
 * number of arrivals in B a step. */
static void time__counts_jumps_and_losses(void **state)
{
    (void)state;
    const double start = -1;
    sl_sgd s = chain_of("double-well", "plain", 0, "constant", 0.05, 0.3);
    assert_ok(sl_noise_init(&s.noise, "stable:alpha=1.5", &s.loss, &err));
    s.ensemble.start = &start;
    s.ensemble.kill_radius = 5;
    sl_splitting how = on_line(-0.9, -0.7, 1);
    how.particles = 128;
    sl_rare r;
    assert_ok(sl_sgd_splitting(&r, &s, &how, &err));
    s.ensemble.replicas = 4096, s.ensemble.steps = 10000000;
    sl_exits e;
    assert_ok(sl_sgd_escape(&e, &s, &(sl_escape){.region = how.b}, &err));
    assert_true(e.lost > 100 && e.censored == 0);
    const double exits = (double)e.exited;
    const sl_estimate time = sl_scaled((double)e.replicas / exits, mean_time(&e));
    sl_exits_clear(&e);
    assert_agree("stable", r.time, time);
    assert_true(r.time.value > 1.05 * time.value * exits / 4096);
}

/* ---- statistics ---- */

/* z-scores of 40 small runs: with t of 15 degrees of freedom their rms is 1.07, and that of 40 is within 0.12 of it; 4
 * of those each way. */
static void errors__are_honest(void **state)
{
    (void)state;
    enum { RUNS = 40 };
    const double start = -1;
    sl_sgd s = chain_of("double-well", "plain", 0, "constant", 0.1, 0.625);
    s.ensemble.start = &start;
    sl_splitting how = on_line(-0.95, -0.8, 1);
    how.particles = 128;
    const double exact = exact_steps(&s, start, 1);
    double square = 0, sum = 0;
    for (uint64_t i = 0; i < RUNS; i++) {
        s.ensemble.seed = 100 + i;
        sl_rare r;
        assert_ok(sl_sgd_splitting(&r, &s, &how, &err));
        const double z = (r.time.value - exact) / r.time.se;
        sum += z;
        square += z * z;
        assert_true(r.time.dof == 15);
    }
    assert_near(sqrt(square / RUNS), 1.07, 0.48);
    assert_near(sum / RUNS, 0, 4 / sqrt(RUNS));
}

/* p with few particles, of which whole repeats get nowhere: its mean is that of 1/(rate time), if the zeros count. */
static void probability__is_unbiased_for_few_particles(void **state)
{
    (void)state;
    enum { RUNS = 300 };
    const double start = -1;
    sl_sgd s = chain_of("double-well", "plain", 0, "constant", 0.1, 0.625);
    s.ensemble.start = &start;
    s.ensemble.jobs = 1; /* threads take longer to make than these few */
    sl_splitting how = on_line(-0.95, -0.8, 1);
    how.particles = 16;
    how.repeats = 4;
    double p[RUNS], period[RUNS];
    size_t n = 0, zeros = 0;
    for (uint64_t i = 0; i < RUNS; i++) {
        s.ensemble.seed = 1000 + i;
        sl_rare r;
        sl_err err = {0};
        const sl_status st = sl_sgd_splitting(&r, &s, &how, &err);
        if (st != SL_OK && st != SL_UNDECIDED) fail_msg("%s", err.message);
        if (isnan(r.probability.value)) continue; /* no levels found by so small a pilot run: nothing was estimated */
        if (st == SL_UNDECIDED) assert_true(r.probability.value == 0 && isnan(r.time.value));
        zeros += r.probability.value == 0;
        p[n] = r.probability.value;
        period[n++] = 1 / r.rate.value;
    }
    assert_true(n > RUNS / 2 && zeros > 0);
    const sl_estimate rate = sl_ratio(sl_mean(p, n), sl_mean(period, n));
    assert_within("p", rate, 1 / exact_steps(&s, start, 1), 0.12);
}

static void answer__is_the_same_for_any_number_of_jobs(void **state)
{
    (void)state;
    const double start[] = {-1, 0};
    sl_sgd s = chain_of("bent-double-well", "heavy-ball", 0.5, "random:delta=0.5", 0.05, 0.8);
    s.ensemble.start = start;
    sl_splitting how = on_line(-0.95, -0.8, 1);
    how.b.set[0] = (sl_set){.kind = SL_SET_WITHIN, .point = {1, 0}, .level = 0.4};
    sl_rare r[4];
    for (size_t i = 0; i < 4; i++) {
        s.ensemble.jobs = (int)(i < 3 ? i + 1 : 1);
        s.ensemble.experiment = i == 3;
        assert_ok(sl_sgd_splitting(&r[i], &s, &how, &err));
        r[i].seconds = 0;
    }
    assert_memory_equal(&r[0], &r[1], sizeof *r);
    assert_memory_equal(&r[0], &r[2], sizeof *r);
    assert_true(r[0].time.value != r[3].time.value); /* another experiment */
    assert_agree("experiments", r[0].time, r[3].time);
}

static void note(void *ctx, double fraction)
{
    double *last = ctx;
    assert_true(fraction > *last);
    *last = fraction;
}

static void progress__ends_at_one(void **state)
{
    (void)state;
    double last = 0;
    const double start = -1;
    sl_sgd s = chain_of("double-well", "plain", 0, "constant", 0.1, 1);
    s.ensemble.start = &start;
    s.ensemble.progress = note;
    s.ensemble.progress_ctx = &last;
    const sl_splitting how = on_line(-0.95, -0.75, 1);
    sl_rare r;
    assert_ok(sl_sgd_splitting(&r, &s, &how, &err));
    assert_true(last == 1);
}

/* ---- refusals ---- */

static void refused(const sl_sgd *s, const sl_splitting *how, sl_status status, const char *text)
{
    sl_rare r = {.n_levels = 77};
    assert_fails(sl_sgd_splitting(&r, s, how, &err), status, text);
    assert_int_equal(r.n_levels, 77);
}

static void splitting__refuses_bad_questions(void **state)
{
    (void)state;
    const double start = -1, right = 0;
    sl_sgd s = chain_of("double-well", "plain", 0, "constant", 0.1, 1);
    s.ensemble.start = &start;
    const sl_splitting good = on_line(-0.9, -0.8, 1);
    sl_splitting how = good;
    s.ensemble.start = &right;
    refused(&s, &how, SL_E_CONFIG, "start is at xi . x = 0, not in A");
    s.ensemble.start = &start;
    how.b.set[0].level = -0.95;
    refused(&s, &how, SL_E_CONFIG, "overlaps with A");
    how.b.set[0].level = -0.85;
    refused(&s, &how, SL_E_CONFIG, "before the first level, -0.8");
    how.b.set[0] = (sl_set){.kind = SL_SET_HALF, .point = {-1}, .level = 3};
    refused(&s, &how, SL_E_CONFIG, "overlaps with A");
    how.b.set[0] = (sl_set){.kind = SL_SET_BEYOND, .point = {0}, .level = 3};
    refused(&s, &how, SL_E_CONFIG, "overlaps with A");
    how.b.set[0] = (sl_set){.kind = SL_SET_WITHIN, .point = {1}, .level = 1.95};
    refused(&s, &how, SL_E_CONFIG, "begins at xi . x = -0.95");
    how.b.set[0].level = NAN;
    refused(&s, &how, SL_E_CONFIG, "nan");
    how = good, how.b.n = 0;
    refused(&s, &how, SL_E_DOMAIN, "B has 0 sets");
    how.b.n = SL_REGION_SETS;
    refused(&s, &how, SL_E_DOMAIN, "B has 8 sets");
    how = good, how.z = -0.9;
    refused(&s, &how, SL_E_DOMAIN, "need a < z");
    how = good, how.a = -INFINITY;
    refused(&s, &how, SL_E_DOMAIN, "need a < z");
    how = good, how.xi[0] = 0;
    refused(&s, &how, SL_E_DOMAIN, "need a direction");
    how.xi[0] = NAN;
    refused(&s, &how, SL_E_DOMAIN, "xi[0] = nan");
    how = good, how.share = 1;
    refused(&s, &how, SL_E_DOMAIN, "share = 1");
    how.share = NAN;
    refused(&s, &how, SL_E_DOMAIN, "share = nan");
    how = good, how.particles = 7;
    refused(&s, &how, SL_E_DOMAIN, "7 particles");
    how.particles = SIZE_MAX;
    refused(&s, &how, SL_E_DOMAIN, "<= 2^28");
    how = good, how.repeats = 1;
    refused(&s, &how, SL_E_DOMAIN, "1 repeats");
    s.noise_variance = -1;
    refused(&s, &good, SL_E_DOMAIN, "noise variance = -1");
    s = chain_of("double-well", "plain", 0, "cosine", 0.1, 1);
    refused(&s, &good, SL_E_CONFIG, "'cosine' is not stationary");
    s = chain_of("double-well", "plain", 0, "random:warmup=10", 0.1, 1);
    refused(&s, &good, SL_E_CONFIG, "'random' is not stationary");
}

static void splitting__refuses_what_has_no_state(void **state)
{
    (void)state;
    const double start = -1;
    const sl_splitting how = on_line(-0.9, -0.8, 1);
    sl_langevin l = {.temperature = 0.1, .h = 0.1, .scheme = SL_OVERDAMPED_LM, .ensemble = {.start = &start}};
    assert_ok(sl_loss_init(&l.loss, "double-well", &err));
    sl_rare r;
    assert_fails(sl_overdamped_splitting(&r, &l, &how, &err), SL_E_CONFIG, "'lm' keeps noise");
    assert_fails(sl_underdamped_splitting(&r, &l, &how, &err), SL_E_DOMAIN, "friction = 0");
    l.scheme = SL_OVERDAMPED_EULER, l.temperature = NAN;
    assert_fails(sl_overdamped_splitting(&r, &l, &how, &err), SL_E_DOMAIN, "temperature = nan");
}

/* It must come to an end, and say how far it came. */
static void splitting__says_what_it_could_not_reach(void **state)
{
    (void)state;
    const double start[] = {-1, 0};
    sl_sgd s = chain_of("bent-double-well", "plain", 0, "constant", 0.1, 0.625);
    s.ensemble.start = start;
    sl_splitting how = on_line(-0.95, -0.8, 1);
    how.particles = 64;
    how.most_steps = 3000;
    sl_rare r;
    /* A disc far from where anything is: they wait in the other well. */
    how.b.set[0] = (sl_set){.kind = SL_SET_WITHIN, .point = {1, 50}, .level = 0.3};
    assert_fails(sl_sgd_splitting(&r, &s, &how, &err), SL_UNDECIDED, "under way after 3000 steps");
    assert_true(r.n_levels >= 3 && r.level[r.n_levels - 1] < 1.5 && isnan(r.time.value));
    /* A first level that is never reached. */
    how = on_line(-0.95, 0.9, 1);
    how.most_steps = 1000;
    assert_fails(sl_sgd_splitting(&r, &s, &how, &err), SL_UNDECIDED, "from A to the first level");
    /* A burn-in without an end. */
    how = on_line(-0.95, -0.8, 1);
    how.particles = 64;
    s.ensemble.burn_in = (uint64_t)1 << 40;
    assert_fails(sl_sgd_splitting(&r, &s, &how, &err), SL_UNDECIDED, "burn-in of 1.1e+12 steps");
    /* Everything runs away. */
    const double top[] = {0, 0};
    s = chain_of("quadratic-saddle", "plain", 0, "constant", 0.1, 0.1);
    s.ensemble.start = top;
    s.ensemble.kill_radius = 10;
    how = on_line(0.05, 9, 9.5);
    assert_fails(sl_sgd_splitting(&r, &s, &how, &err), SL_DIVERGED, "were lost");
}

/* x^2 (1.1 + y / sqrt(1 + y^2)) / 2 + (y - 2)^2 / 1000: x is held the tighter the larger y, which takes thousands of
 * steps to come to 2. */
static void slow_gradient(const sl_loss *loss, size_t B, size_t stride, const double *x, double *g)
{
    (void)loss;
    for (size_t i = 0; i < B; i++) {
        const double y = x[stride + i], r = 1 / sqrt(1 + y * y);
        g[i] = x[i] * (1.1 + r * y);
        g[stride + i] = x[i] * x[i] * r * r * r / 2 + (y - 2) / 500;
    }
}

static sl_status two_coordinates(sl_loss *loss, sl_err *e)
{
    (void)e;
    loss->dim = 2;
    return SL_OK;
}

static void splitting__tells_a_flux_that_drifts(void **state)
{
    (void)state;
    const double start[] = {0, -2};
    const sl_loss_kind slow = {.entry = {.name = "slow"}, .init = two_coordinates, .gradient = slow_gradient};
    sl_sgd s = chain_of("double-well", "plain", 0, "constant", 0.1, 0.05);
    assert_ok(sl_loss_init_kind(&s.loss, &slow, &err));
    s.ensemble.start = start;
    const sl_splitting how = on_line(0.02, 0.08, 0.2);
    sl_rare r;
    assert_fails(sl_sgd_splitting(&r, &s, &how, &err), SL_UNDECIDED,
                 "coordinate 1 of the crossing points still drifts");
    const double early = r.time.value; /* the answer stands, for what it is */
    s.ensemble.burn_in = 8000;
    assert_ok(sl_sgd_splitting(&r, &s, &how, &err));
    assert_true(r.time.value > 1.2 * early + Z * r.time.se);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time__of_sgd_is_the_transfer_operators),
        cmocka_unit_test(time__with_momentum_is_the_transfer_operators),
        cmocka_unit_test(time__of_overdamped_motion_is_known_twice),
        cmocka_unit_test(time__of_underdamped_motion_is_two_over_the_slowest_rate),
        cmocka_unit_test(time__into_a_disc_is_the_transfer_operators),
        cmocka_unit_test(time__is_what_brute_force_finds),
        cmocka_unit_test(time__counts_jumps_and_losses),
        cmocka_unit_test(errors__are_honest),
        cmocka_unit_test(probability__is_unbiased_for_few_particles),
        cmocka_unit_test(answer__is_the_same_for_any_number_of_jobs),
        cmocka_unit_test(progress__ends_at_one),
        cmocka_unit_test(splitting__refuses_bad_questions),
        cmocka_unit_test(splitting__refuses_what_has_no_state),
        cmocka_unit_test(splitting__says_what_it_could_not_reach),
        cmocka_unit_test(splitting__tells_a_flux_that_drifts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
