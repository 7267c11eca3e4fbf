#include "tests/test.h"

#include "sim/ensemble.h"

/* The z-limits: each comparison with a closed form passes within 4 standard errors (false alarm 6e-5 each, some 70 of
 * them: 0.5 % for one unlucky choice of the fixed seed, nothing for a seed that has passed). */
static const double Z = 4;

static void assert_within(sl_estimate e, double expected, const char *what, const char *where)
{
    if (!(fabs(e.value - expected) <= Z * e.se))
        fail_msg("%s, %s: %.9g +- %.2g, expected %.9g (z = %.2f)", where, what, e.value, e.se, expected,
                 (e.value - expected) / e.se);
}

static void set_up(sl_sgd *s, const char *loss, const char *rule, sl_alpha_on on, double lr, double mu,
                   const char *schedule, double noise_variance)
{
    *s = (sl_sgd){.noise_variance = noise_variance,
                  .ensemble = {.seed = 5, .replicas = 1024, .steps = 8000, .burn_in = 2000}};
    assert_ok(sl_loss_init(&s->loss, loss, &err));
    assert_ok(sl_rule_init(&s->rule, rule, on, lr, mu, 0, &err));
    assert_ok(sl_schedule_init(&s->schedule, schedule, lr, 1, s->ensemble.burn_in + s->ensemble.steps, &err));
}

typedef struct {
    double a, l, mu, delta, s2;
} set;
static const set sets[] = {
    {1, 0.1, 0, 0, 1},   {1, 0.05, 0.5, 0, 2},    {2, 0.02, 0.9, 0, 1},  {1, 0.5, 0.5, 0.5, 1},
    {1, 0.1, 0.9, 1, 1}, {0.5, 0.2, 0.9, 0.5, 3}, {1, 0.01, 0.99, 0, 1}, {3, 0.1, 0, 1, 0.5},
};

static void run_set(sl_observed *o, const set *p, const char *rule, sl_alpha_on on)
{
    sl_sgd s;
    char loss[64], schedule[64];
    snprintf(loss, sizeof loss, "quadratic:a=%g", p->a);
    if (p->delta > 0)
        snprintf(schedule, sizeof schedule, "random:delta=%g", p->delta);
    else
        snprintf(schedule, sizeof schedule, "constant");
    set_up(&s, loss, rule, on, p->l, p->mu, schedule, p->s2);
    assert_ok(sl_sgd_run(o, &s, &err));
}

/* Exact second moments of heavy ball, derived from v' = mu v - alpha (a x + n), x' = x + l v'. */
static void run__heavy_ball_alpha_on_gradient_has_its_exact_moments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const set p = sets[i];
        const double q = 1 + p.delta * p.delta / 3,
                     D = (1 - p.mu * p.mu) + p.mu * p.a * p.l - q * p.a * p.l * (1 + p.mu) / 2;
        const double V = q * p.s2 / D, x2 = p.l * (1 + p.mu) * V / (2 * p.a);
        char where[96];
        snprintf(where, sizeof where, "a = %g, l = %g, mu = %g, delta = %g", p.a, p.l, p.mu, p.delta);
        sl_observed o;
        run_set(&o, &p, "heavy-ball", SL_ALPHA_ON_GRADIENT);
        assert_within(o.coordinate[0].v2, V, "v2", where);
        assert_within(o.coordinate[0].xv, p.l * V / 2, "xv", where);
        assert_within(o.coordinate[0].x2, x2, "x2", where);
        assert_within(o.coordinate[0].x, 0, "x", where);
        assert_within(o.loss, p.a * x2 / 2, "loss", where);
        assert_within(o.temperature.equipartition, p.a * x2, "equipartition", where);
        assert_within(o.temperature.configurational, p.a * x2, "configurational", where);
        assert_within(o.temperature.kinetic, p.l * V, "kinetic", where);
        assert_true(o.coordinate[0].x2.se < 0.01 * x2);
        /* Control: a prediction 10 % off must be refused. */
        assert_true(fabs(o.coordinate[0].x2.value - 1.1 * x2) > Z * o.coordinate[0].x2.se);
        sl_observed_clear(&o);
    }
}

/* The same with x' = x + l alpha v': closed forms by solving the moment equations with a computer algebra system. */
static void run__heavy_ball_alpha_on_step_has_its_exact_moments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const set p = sets[i];
        const double q = 1 + p.delta * p.delta / 3,
                     D = (1 - p.mu * p.mu) + p.mu * p.a * p.l - q * p.a * p.l * (1 + p.mu) / 2;
        char where[96];
        snprintf(where, sizeof where, "a = %g, l = %g, mu = %g, delta = %g", p.a, p.l, p.mu, p.delta);
        sl_observed o;
        run_set(&o, &p, "heavy-ball", SL_ALPHA_ON_STEP);
        assert_within(o.coordinate[0].v2, p.s2 / D, "v2", where);
        assert_within(o.coordinate[0].xv, p.l * p.s2 * (2 - q) / (2 * D), "xv", where);
        assert_within(o.coordinate[0].x2, p.l * p.s2 * (2 * p.mu + q - p.mu * q) / (2 * p.a * D), "x2", where);
        sl_observed_clear(&o);
    }
}

/* PyTorch's Nesterov, alpha on the step: the closed form of x2 solved with a computer algebra system (sympy),
 *   x2 = -l s2 N / (a D),
 * and checked there against a 40-digit linear solve. */
static double nesterov_x2(set p)
{
    const double q = 1 + p.delta * p.delta / 3, m = p.mu, m2 = m * m, m3 = m2 * m, m4 = m2 * m2, y = p.a * p.l;
    const double N =
        2 * y * m2 * q + y * m * q + 2 * m4 * q - 2 * m4 - 2 * m3 * q + 2 * m3 - 2 * m2 * q + 2 * m2 + m * q + q;
    const double D = 2 * y * y * m2 * q + y * y * m * q - 4 * y * m2 + y * m * q - 2 * y * m + y * q + 2 * m2 - 2;
    return -p.l * p.s2 * N / (p.a * D);
}

static void run__nesterov_has_its_exact_moments(void **state)
{
    (void)state;
    const set cases[] = {{1, 0.1, 0.5, 0, 1}, {1, 0.02, 0.9, 1, 1}, {2, 0.05, 0.9, 0.5, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sl_observed o;
        run_set(&o, &cases[i], "nesterov", SL_ALPHA_ON_STEP);
        assert_within(o.coordinate[0].x2, nesterov_x2(cases[i]), "x2", "nesterov");
        sl_observed_clear(&o);
    }
}

/* The stationary law of the discrete chain itself, on a grid of its transfer operator (discrete_laws.py beside this
 * file); T = 0.1, s2 = 2 T / (l q). */
static void run__double_well_has_the_discrete_chains_stationary_law(void **state)
{
    (void)state;
    const struct {
        double l, delta, x2, f, x4;
    } cases[] = {
        {0.2, 0, 0.8436445428153574, 0.06955989733106346, 0.965528674954969},
        {0.1, 0, 0.8592945934029947, 0.06248286209058779, 0.9685206351683405},
        {0.1, 0.5, 0.858377113653234, 0.06294527014900934, 0.9685353079025067},
        {0.1, 1, 0.8550132157465462, 0.06451380597291852, 0.9680816553847664},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double q = 1 + cases[i].delta * cases[i].delta / 3;
        sl_sgd s;
        char schedule[32];
        snprintf(schedule, sizeof schedule, cases[i].delta > 0 ? "random:delta=%g" : "constant", cases[i].delta);
        set_up(&s, "double-well", "plain", SL_ALPHA_ON_STEP, cases[i].l, 0, schedule, 0.2 / (cases[i].l * q));
        s.ensemble.kill_radius = 3;
        sl_observed o;
        assert_ok(sl_sgd_run(&o, &s, &err));
        assert_within(o.coordinate[0].x2, cases[i].x2, "x2", "double well");
        assert_within(o.coordinate[0].x4, cases[i].x4, "x4", "double well");
        assert_within(o.loss, cases[i].f, "loss", "double well");
        /* Control: the Boltzmann value of x2, which the chain misses by O(l). */
        assert_true(fabs(o.coordinate[0].x2.value - 0.8713629080420499) > Z * o.coordinate[0].x2.se);
        assert_true(isnan(o.temperature.kinetic.value) && isnan(o.coordinate[0].v2.value));
        sl_observed_clear(&o);
    }
}

/* Without noise a trajectory is a recursion that can be written down; with the sign rule, too. */
static void run__without_noise_follows_the_hand_recursion(void **state)
{
    (void)state;
    const struct {
        const char *rule;
        sl_alpha_on on;
        double mu;
        const char *schedule;
    } cases[] = {
        {"plain", SL_ALPHA_ON_STEP, 0, "constant"},
        {"heavy-ball", SL_ALPHA_ON_STEP, 0.9, "constant"},
        {"heavy-ball", SL_ALPHA_ON_GRADIENT, 0.9, "cosine"},
        {"nesterov", SL_ALPHA_ON_STEP, 0.8, "cosine"},
        {"nesterov", SL_ALPHA_ON_GRADIENT, 0.8, "constant"},
        {"sign", SL_ALPHA_ON_STEP, 0.5, "constant"},
        {"heavy-ball", SL_ALPHA_ON_GRADIENT, 0.5, "random:delta=1"},
        {"sign", SL_ALPHA_ON_STEP, 0, "random:delta=0.5"},
    };
    enum { STEPS = 30 };
    const double start = 1.4, lr = 0.05, w = 0.01;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        sl_sgd s = {.ensemble = {.seed = 9, .replicas = 1, .steps = STEPS, .sample_every = STEPS, .start = &start}};
        const bool on_gradient = cases[c].on == SL_ALPHA_ON_GRADIENT;
        assert_ok(sl_loss_init(&s.loss, "double-well", &err));
        assert_ok(sl_rule_init(&s.rule, cases[c].rule, cases[c].on, lr, cases[c].mu, w, &err));
        assert_ok(sl_schedule_init(&s.schedule, cases[c].schedule, lr, 1, STEPS, &err));
        double x = start, v = 0;
        for (uint64_t k = 0; k < STEPS; k++) {
            const double rate = sl_schedule_lr(&s.schedule, 9, 0, k);
            const double d = (on_gradient ? rate / lr : 1) * (x * x * x - x + w * x), by = on_gradient ? lr : rate;
            v = cases[c].mu * v - d;
            if (strcmp(cases[c].rule, "sign") == 0)
                x += by * ((v > 0) - (v < 0));
            else if (strcmp(cases[c].rule, "nesterov") == 0)
                x += by * (cases[c].mu * v - d);
            else
                x += by * v;
        }
        sl_observed o;
        assert_ok(sl_sgd_run(&o, &s, &err));
        assert_close(o.coordinate[0].x.value, x, 1e-12);
        if (strcmp(cases[c].rule, "plain") != 0) assert_close(o.coordinate[0].xv.value, x * v, 1e-11);
        sl_observed_clear(&o);
    }
}

/* Steps that overshoot jump between two points, and the samples that are taken unless said otherwise see both. The
 * sign rule on x^2/2 without noise: x and x - l. Plain steps on the double well beyond the edge of stability, l f'' =
 * 2.4 > 2: subtracting and adding y = x - l f'(x) and x = y - l f'(y) gives x^2 + xy + y^2 = (2 + l)/l and
 * x^2 - xy + y^2 = 1, so the mean of x^2 is (1 + l)/(2 l). */
static void run__samples_both_sides_of_a_two_cycle(void **state)
{
    (void)state;
    sl_sgd s;
    sl_observed o;
    set_up(&s, "quadratic", "sign", SL_ALPHA_ON_STEP, 0.1, 0, "constant", 0);
    s.ensemble.start = &(double){0.025};
    assert_ok(sl_sgd_run(&o, &s, &err));
    assert_near(o.coordinate[0].x.value, (0.025 - 0.075) / 2, 1e-12);
    assert_near(o.coordinate[0].x2.value, (0.025 * 0.025 + 0.075 * 0.075) / 2, 1e-12);
    sl_observed_clear(&o);

    const double l = 1.2;
    set_up(&s, "double-well", "plain", SL_ALPHA_ON_STEP, l, 0, "constant", 0);
    s.ensemble.start = &(double){0.3};
    assert_ok(sl_sgd_run(&o, &s, &err));
    assert_near(o.coordinate[0].x2.value, (1 + l) / (2 * l), 1e-12);
    sl_observed_clear(&o);
}

/* On a quadratic with a spectrum every coordinate is a heavy ball of its own: temperatures are means over both. */
static void run__coordinates_are_independent(void **state)
{
    (void)state;
    const double l = 0.1, mu = 0.5, s2 = 1, a[2] = {1, 3};
    sl_sgd s;
    sl_observed o;
    set_up(&s, "quadratic:spectrum=1,3", "heavy-ball", SL_ALPHA_ON_STEP, l, mu, "constant", s2);
    assert_ok(sl_sgd_run(&o, &s, &err));
    double T = 0, V = 0, g2 = 0;
    for (int d = 0; d < 2; d++) {
        const double v2 = s2 / ((1 - mu * mu) + mu * a[d] * l - a[d] * l * (1 + mu) / 2),
                     x2 = l * (1 + mu) * v2 / (2 * a[d]);
        assert_within(o.coordinate[d].x2, x2, "x2", "two coordinates");
        T += a[d] * x2 / 2;
        V += l * v2 / 2;
        g2 += a[d] * a[d] * x2;
    }
    assert_within(o.temperature.equipartition, T, "equipartition", "two coordinates");
    assert_within(o.temperature.kinetic, V, "kinetic", "two coordinates");
    assert_within(o.temperature.configurational, g2 / 4, "configurational", "two coordinates");
    assert_within(o.loss, T, "loss", "two coordinates");
    assert_true(isnan(o.temperature.boltzmann_slope.value));
    sl_observed_clear(&o);
}

static void run__refuses_bad_numbers(void **state)
{
    (void)state;
    sl_sgd good, s;
    sl_observed o = {.killed = 99};
    set_up(&good, "double-well", "plain", SL_ALPHA_ON_STEP, 0.1, 0, "constant", 1);
    s = good, s.noise_variance = -1;
    assert_fails(sl_sgd_run(&o, &s, &err), SL_E_DOMAIN, "noise variance = -1");
    s = good, s.noise_variance = NAN;
    assert_fails(sl_sgd_run(&o, &s, &err), SL_E_DOMAIN, "noise variance = ");
    s = good, s.schedule.spec.entry = NULL;
    assert_fails(sl_sgd_run(&o, &s, &err), SL_E_DOMAIN, "schedule");
    s = good, s.rule.alpha_on = SL_ALPHA_ON_GRADIENT, s.rule.lr = 0;
    assert_fails(sl_sgd_run(&o, &s, &err), SL_E_DOMAIN, "l = 0");
    assert_int_equal(o.killed, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run__heavy_ball_alpha_on_gradient_has_its_exact_moments),
        cmocka_unit_test(run__heavy_ball_alpha_on_step_has_its_exact_moments),
        cmocka_unit_test(run__nesterov_has_its_exact_moments),
        cmocka_unit_test(run__double_well_has_the_discrete_chains_stationary_law),
        cmocka_unit_test(run__without_noise_follows_the_hand_recursion),
        cmocka_unit_test(run__samples_both_sides_of_a_two_cycle),
        cmocka_unit_test(run__coordinates_are_independent),
        cmocka_unit_test(run__refuses_bad_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
