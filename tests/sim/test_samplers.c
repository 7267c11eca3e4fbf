#include "tests/test.h"

#include "base/random.h"
#include "sim/landscape.h"
#include "sim/samplers.h"
#include "theory/boltzmann.h"
#include "theory/sgld.h"

/* Each comparison passes within 4 standard errors: false alarm 6e-5 each, for seeds fixed once. */
static void assert_within(sl_estimate e, double expected, const char *what)
{
    if (!(fabs(e.value - expected) <= 4 * e.se))
        fail_msg("%s: %.9g +- %.2g, expected %.9g (z = %.2f)", what, e.value, e.se, expected,
                 (e.value - expected) / e.se);
}

static double off(sl_estimate e, double expected)
{
    return fabs(e.value - expected) / e.se;
}

/* Time 100 after 20 of burn-in, sampled about every 0.2. */
static sl_ensemble ensemble_of(double h, uint64_t replicas)
{
    return (sl_ensemble){.seed = 4, .replicas = replicas, .steps = (uint64_t)(100 / h), .burn_in = (uint64_t)(20 / h),
                         .sample_every = (uint64_t)fmax(1, round(0.2 / h))};
}

static sl_sgld sgld(const char *loss, double T, double h, double s2, bool corrected, uint64_t replicas)
{
    sl_sgld s = {.ensemble = ensemble_of(h, replicas), .temperature = T, .h = h, .noise_variance = s2,
                 .corrected = corrected};
    assert_ok(sl_loss_init(&s.loss, loss, &err));
    return s;
}

static sl_adam_langevin adam(const char *loss, double T, double h, uint64_t replicas)
{
    sl_adam_langevin s = {.ensemble = ensemble_of(h, replicas), .temperature = T, .h = h, .friction = 1};
    s.ensemble.burn_in *= 5; /* psi is about 0.4 here */
    assert_ok(sl_loss_init(&s.loss, loss, &err));
    return s;
}

static void sgld__has_its_exact_variance_on_a_quadratic(void **state)
{
    (void)state;
    for (int corrected = 0; corrected < 2; corrected++) {
        const double a = 1.5, T = 0.4, h = 0.3, s2 = 1.2;
        const sl_sgld s = sgld("quadratic:a=1.5", T, h, s2, corrected, 2048);
        const sl_sgld_params p = {T, h, s2, corrected}, other = {T, h, s2, !corrected};
        sl_observed o;
        double x2, wrong;
        assert_ok(sl_sgld_run(&o, &s, &err));
        assert_ok(sl_sgld_x2(&x2, a, &p, &err));
        assert_ok(sl_sgld_x2(&wrong, a, &other, &err));
        assert_within(o.coordinate[0].x2, x2, "x2");
        assert_true(off(o.coordinate[0].x2, wrong) > 20); /* control */
        sl_observed_clear(&o);
    }
}

/* Convex losses that could live on a ball or a box, and do not: f - f* = sum of k (x - truth)^2/2 of curvatures k, at T
 * without gradient noise T/(2 (1 - k h/2)) a coordinate by SGLD, T/2 by the other but for order 2. */
static void samplers__take_convex_losses_on_all_of_space(void **state)
{
    (void)state;
    static const char loss[] = "least-squares-online:spectrum=1.5,0.5:norm=2";
    const double T = 0.4, h = 0.3;
    const sl_sgld s = sgld(loss, T, h, 0, false, 2048);
    const sl_adam_langevin a = adam(loss, T, 0.05, 2048);
    sl_observed o;
    assert_ok(sl_sgld_run(&o, &s, &err));
    assert_within(o.loss, s.loss.least + T / 2 * (1 / (1 - 0.75 * h) + 1 / (1 - 0.25 * h)), "SGLD");
    sl_observed_clear(&o);
    assert_ok(sl_adam_langevin_run(&o, &a, &err));
    assert_within(o.loss, a.loss.least + T, "Adam-Langevin");
    sl_observed_clear(&o);
    const sl_sgld ball = sgld("least-squares-online:radius=1", T, h, 0, false, 64);
    const sl_adam_langevin box = adam("logistic:box=1", T, h, 64);
    assert_fails(sl_sgld_run(&o, &ball, &err), SL_E_DOMAIN, "lives on a subset");
    assert_fails(sl_adam_langevin_run(&o, &box, &err), SL_E_DOMAIN, "lives on a subset");
}

/* Without gradient noise it is Euler-Maruyama, whose <x^2> on the double well at T = 0.1 and h = 0.1 is known without
 * sampling (tests/sim/discrete_laws.py). The corrected sampler's noise has the same sum: the same law. */
static void sgld__has_its_chains_law_on_a_double_well(void **state)
{
    (void)state;
    for (int corrected = 0; corrected < 2; corrected++) {
        const sl_sgld s = sgld("double-well", 0.1, 0.1, corrected ? 1.5 : 0, corrected, 8192);
        sl_observed o;
        assert_ok(sl_sgld_run(&o, &s, &err));
        assert_within(o.coordinate[0].x2, 0.8592945934029947, "x2");
        assert_true(off(o.coordinate[0].x2, 0.8713629080420498) > 4); /* control: Boltzmann's */
        sl_observed_clear(&o);
    }
}

/* The exponent of the bias and its standard error, from steps that double: a weighted line through log |bias|. */
static sl_estimate order_of(const double *h, const sl_estimate *average, double exact, size_t n)
{
    double x[8], y[8], se[8];
    for (size_t i = 0; i < n; i++) {
        x[i] = log(h[i]);
        y[i] = log(fabs(average[i].value - exact));
        se[i] = average[i].se / fabs(average[i].value - exact);
    }
    sl_line line;
    assert_ok(sl_fit_line(&line, x, y, se, n, &err));
    return line.slope;
}

/* <x^4/4> = T/4 on the quartic. Order 1 for the plain sampler with the slope of theory/sgld.h. */
static void sgld__has_a_bias_of_order_one(void **state)
{
    (void)state;
    const double h[3] = {0.04, 0.08, 0.16}, T = 0.3;
    sl_estimate f[3];
    for (size_t i = 0; i < 3; i++) {
        const sl_sgld s = sgld("quartic", T, h[i], 1, false, i == 0 ? 16384 : 4096);
        sl_observed o;
        assert_ok(sl_sgld_run(&o, &s, &err));
        f[i] = o.loss;
        sl_observed_clear(&o);
    }
    const sl_estimate order = order_of(h, f, T / 4, 3);
    assert_true(order.se < 0.05);
    assert_near(order.value, 1, 0.25); /* its own limit is 1 as h -> 0; at these steps 1.1 */
}

/* Boltzmann averages by quadrature (as in test_langevin.c); at these steps the bias is a fraction of the errors. */
static void adam__has_boltzmann_averages(void **state)
{
    (void)state;
    const struct {
        const char *loss;
        double T, f, x2;
    } cases[] = {
        {"double-well", 0.2, 0.092276161833698619, 0.83089535266520553},
        {"tilted-double-well:tilt=0.1", 0.2, 0.052617458510155389, 0.87096839356221822},
        {"quartic", 0.2, 0.05, 0.30230665922022415},
        {"quadratic:spectrum=2,0.5", 0.3, 0.3, 0.15},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const sl_adam_langevin s = adam(cases[i].loss, cases[i].T, 0.04, 2048);
        sl_observed o;
        assert_ok(sl_adam_langevin_run(&o, &s, &err));
        assert_within(o.loss, cases[i].f, cases[i].loss);
        assert_within(o.coordinate[0].x2, cases[i].x2, cases[i].loss);
        assert_within(o.temperature.equipartition, cases[i].T, "equipartition");
        assert_within(o.temperature.configurational, cases[i].T, "configurational");
        assert_within(o.temperature.kinetic, cases[i].T, "kinetic");
        assert_within(o.coordinate[0].xv, 0, "xv");
        assert_true(off(o.temperature.configurational, 1.1 * cases[i].T) > 8); /* control */
        sl_observed_clear(&o);
    }
}

/* Averages without the weights are not Boltzmann's: <x^4/4> on the quartic where psi varies strongly, by the same
 * iteration written out, with the numbers that the ensemble draws. */
typedef struct {
    double x, v, g, zeta, psi;
} walker;

static void pace(walker *w, const sl_adam_langevin *s)
{
    const double keep = exp(-s->decay * s->h / 2);
    w->zeta = keep * w->zeta + (1 - keep) / s->decay * w->g * w->g / s->scale;
    w->psi = s->low * (pow(w->zeta, s->power) + s->high) / (pow(w->zeta, s->power) + s->low);
}

static void walk(walker *w, const sl_adam_langevin *s, uint64_t replica, uint64_t k)
{
    const sl_draw draw = {.seed = s->ensemble.seed, .step = k, .purpose = SL_PURPOSE_THERMAL};
    pace(w, s);
    const double t = s->h * w->psi, c = exp(-s->friction * t);
    w->v -= t / 2 * w->g;
    w->x += t / 2 * w->v;
    w->v = c * w->v + sqrt(s->temperature * (1 - c * c)) * sl_random_normal(replica, 1, &draw);
    w->x += t / 2 * w->v;
    w->g = w->x * w->x * w->x;
    w->v -= t / 2 * w->g;
    pace(w, s);
}

static void adam__is_the_hand_iteration_and_needs_its_weights(void **state)
{
    (void)state;
    enum { R = 192, STEPS = 400, BURN_IN = 50 };
    sl_adam_langevin s = adam("quartic", 0.7, 0.1, R);
    s.decay = 2, s.scale = 0.5, s.power = 1, s.low = 0.05, s.high = 3;
    const double start = 0.8;
    s.ensemble.start = &start;
    s.ensemble.burn_in = BURN_IN, s.ensemble.steps = STEPS, s.ensemble.sample_every = 1;
    double total = 0, weights = 0, plain = 0;
    for (uint64_t r = 0; r < R; r++) {
        walker w = {.x = start, .g = start * start * start};
        w.zeta = w.g * w.g / (s.scale * s.decay);
        for (uint64_t k = 0; k < BURN_IN + STEPS; k++) {
            walk(&w, &s, r, k);
            if (k < BURN_IN) continue;
            const double f = pow(w.x, 4) / 4;
            total += w.psi * f, weights += w.psi, plain += f / (R * STEPS);
        }
    }
    sl_observed o;
    assert_ok(sl_adam_langevin_run(&o, &s, &err));
    assert_close(o.loss.value, total / weights, 1e-7);
    assert_within(o.loss, 0.7 / 4, "loss");
    assert_true(off(o.loss, plain) > 6); /* control */
    sl_observed_clear(&o);
}

/* Weak order 2, seen where BAOAB's bias is largest: the kinetic temperature (on a quadratic at a fixed time step it is
 * T (1 - t^2/4)). At longer steps the next order shows (1.6 at 0.25 .. 0.5); 1 is many errors away. */
static void adam__has_a_bias_of_order_two(void **state)
{
    (void)state;
    const double h[3] = {0.17, 0.24, 0.34}, T = 0.5;
    sl_estimate kinetic[3];
    for (size_t i = 0; i < 3; i++) {
        sl_adam_langevin s = adam("quartic", T, h[i], i == 0 ? 98304 : 49152);
        s.ensemble.burn_in /= 5; /* there is one well only */
        sl_observed o;
        assert_ok(sl_adam_langevin_run(&o, &s, &err));
        kinetic[i] = o.temperature.kinetic;
        sl_observed_clear(&o);
    }
    const sl_estimate order = order_of(h, kinetic, T, 3);
    assert_true(order.se < 0.15);
    assert_near(order.value, 2, 4 * order.se);
}

/* A lone replica, one that is killed, and the time series are weighted too: numbers stay finite, and threads do
 * not show. */
static void adam__series_and_killing(void **state)
{
    (void)state;
    sl_adam_langevin s = adam("double-well", 0.5, 0.1, 700);
    s.ensemble.kill_radius = 1.6;
    s.ensemble.series_every = 100;
    sl_observed one, three;
    s.ensemble.jobs = 1;
    assert_int_equal(sl_adam_langevin_run(&one, &s, NULL), SL_DIVERGED); /* most are killed in this time */
    s.ensemble.jobs = 3;
    assert_int_equal(sl_adam_langevin_run(&three, &s, NULL), SL_DIVERGED);
    assert_true(one.killed > 350 && one.killed == three.killed && isfinite(one.loss.value));
    assert_true(one.loss.value == three.loss.value && one.loss.se == three.loss.se);
    assert_true(one.loss.value < 0.2 && one.loss.value > 0.02);
    const double *row = sl_table_row(one.series, 2);
    assert_true(row[1] > 0.3 && row[1] < 1.6 * 1.6 && row[2] > 0);
    sl_observed_clear(&one);
    sl_observed_clear(&three);
    s = adam("quadratic", 0.5, 0.1, 1);
    s.ensemble.steps = 200000;
    assert_ok(sl_adam_langevin_run(&one, &s, &err));
    assert_within(one.loss, 0.25, "loss of one replica");
    assert_true(one.loss.se < 0.02);
    sl_observed_clear(&one);
}

static void samplers__refuse_bad_input(void **state)
{
    (void)state;
    sl_observed o = {.killed = 99};
    sl_sgld g = sgld("double-well", -1, 0.1, 0, false, 64);
    assert_fails(sl_sgld_run(&o, &g, &err), SL_E_DOMAIN, "temperature = -1");
    g = sgld("double-well", 0.1, NAN, 0, false, 64);
    assert_fails(sl_sgld_run(&o, &g, &err), SL_E_DOMAIN, "h = ");
    g = sgld("double-well", 0.1, 0.1, -2, false, 64);
    assert_fails(sl_sgld_run(&o, &g, &err), SL_E_DOMAIN, "noise variance = -2");
    g = sgld("double-well", 0.1, 0.1, 3, true, 64);
    assert_fails(sl_sgld_run(&o, &g, &err), SL_E_DOMAIN, "need h <= 2 T / variance");
    g = sgld("quadratic:dim=2", 1, 0.1, 1, true, 64);
    assert_ok(sl_noise_init(&g.noise, "anisotropic:spectrum=1,2", &g.loss, &err));
    assert_fails(sl_sgld_run(&o, &g, &err), SL_E_CONFIG, "anisotropic");

    sl_adam_langevin s = adam("double-well", 0.1, 0, 64);
    assert_fails(sl_adam_langevin_run(&o, &s, &err), SL_E_DOMAIN, "h = 0");
    s = adam("double-well", 0.1, 0.1, 64), s.friction = 0;
    assert_fails(sl_adam_langevin_run(&o, &s, &err), SL_E_DOMAIN, "friction = 0");
    s = adam("double-well", 0.1, 0.1, 64), s.decay = -1;
    assert_fails(sl_adam_langevin_run(&o, &s, &err), SL_E_DOMAIN, "decay = -1");
    s = adam("double-well", 0.1, 0.1, 64), s.scale = INFINITY;
    assert_fails(sl_adam_langevin_run(&o, &s, &err), SL_E_DOMAIN, "scale = inf");
    s = adam("double-well", 0.1, 0.1, 64), s.low = 3;
    assert_fails(sl_adam_langevin_run(&o, &s, &err), SL_E_DOMAIN, "high = 2");
    s = adam("double-well", NAN, 0.1, 64);
    assert_fails(sl_adam_langevin_run(&o, &s, &err), SL_E_DOMAIN, "temperature");
    s = adam("double-well", 0.1, 0.1, 64), s.ensemble.histogram = (sl_histogram_spec){-2, 2, 10};
    assert_fails(sl_adam_langevin_run(&o, &s, &err), SL_E_CONFIG, "weights");
    s = adam("double-well", 0.1, 0.1, 64), s.loss.kind = NULL;
    assert_fails(sl_adam_langevin_run(&o, &s, &err), SL_E_DOMAIN, "no loss");
    assert_int_equal(o.killed, 99);
}

/* Losses that can be given a set live in all of space without one. On least squares with Hessian eigenvalues k the
 * Euler-Maruyama chain has excess loss sum T / (2 - h k), exactly. */
static void samplers__refuse_sets_and_nothing_else(void **state)
{
    (void)state;
    const double T = 0.3, h = 0.2;
    const sl_sgld s = sgld("least-squares:spectrum=2,0.5:m=64", T, h, 0, false, 1024);
    double H[4];
    sl_loss_hessian(&s.loss, s.loss.start, H);
    const double mean = (H[0] + H[3]) / 2, half = hypot((H[0] - H[3]) / 2, H[1]);
    sl_observed o;
    assert_ok(sl_sgld_run(&o, &s, &err));
    const sl_estimate excess = {o.loss.value - s.loss.least, o.loss.se, o.loss.dof};
    assert_within(excess, T / (2 - h * (mean + half)) + T / (2 - h * (mean - half)), "excess");
    assert_true(off(excess, T) > 20); /* control: the limit h -> 0 */
    sl_observed_clear(&o);
    sl_adam_langevin free_space = adam("huber:dim=2", 0.3, 0.1, 64), ball = adam("huber:dim=2:radius=1", 0.3, 0.1, 64);
    assert_ok(sl_adam_langevin_run(&o, &free_space, &err));
    sl_observed_clear(&o);
    assert_fails(sl_adam_langevin_run(&o, &ball, &err), SL_E_DOMAIN, "subset of space");
    const sl_sgld box = sgld("logistic:box=1", T, h, 0, false, 64);
    assert_fails(sl_sgld_run(&o, &box, &err), SL_E_DOMAIN, "subset of space");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgld__has_its_exact_variance_on_a_quadratic),
        cmocka_unit_test(samplers__take_convex_losses_on_all_of_space),
        cmocka_unit_test(sgld__has_its_chains_law_on_a_double_well),
        cmocka_unit_test(sgld__has_a_bias_of_order_one),
        cmocka_unit_test(adam__has_boltzmann_averages),
        cmocka_unit_test(adam__is_the_hand_iteration_and_needs_its_weights),
        cmocka_unit_test(adam__has_a_bias_of_order_two),
        cmocka_unit_test(adam__series_and_killing),
        cmocka_unit_test(samplers__refuse_bad_input),
        cmocka_unit_test(samplers__refuse_sets_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
