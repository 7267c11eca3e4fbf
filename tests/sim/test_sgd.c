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
    *s = (sl_sgd){.noise_variance = noise_variance, .ensemble = {.seed = 5, .replicas = 1024, .steps = 4000, .burn_in = 2000}};
    assert_ok(sl_loss_init(&s->loss, loss, &err));
    assert_ok(sl_rule_init(&s->rule, rule, on, lr, mu, 0, &err));
    assert_ok(sl_schedule_init(&s->schedule, schedule, lr, 1, s->ensemble.burn_in + s->ensemble.steps, &err));
}

typedef struct {
    double a, l, mu, delta, s2;
} set;
static const set sets[] = {
    {1, 0.1, 0, 0, 1},  {1, 0.05, 0.5, 0, 2},    {2, 0.02, 0.9, 0, 1},   {1, 0.5, 0.5, 0.5, 1},
    {1, 0.1, 0.9, 1, 1}, {0.5, 0.2, 0.9, 0.5, 3}, {1, 0.01, 0.99, 0, 1}, {3, 0.1, 0, 1, 0.5},
};

static void run_set(sl_observed *o, const set *p, const char *rule, sl_alpha_on on)
{
    sl_sgd s;
    char loss[64], schedule[64];
    snprintf(loss, sizeof loss, "quadratic:a=%g", p->a);
    if (p->delta > 0) snprintf(schedule, sizeof schedule, "random:delta=%g", p->delta);
    else snprintf(schedule, sizeof schedule, "constant");
    set_up(&s, loss, rule, on, p->l, p->mu, schedule, p->s2);
    assert_ok(sl_sgd_run(o, &s, &err));
}

/* Exact second moments of heavy ball, derived from v' = mu v - alpha (a x + n), x' = x + l v'. */
static void run__heavy_ball_alpha_on_gradient_has_its_exact_moments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const set p = sets[i];
        const double q = 1 + p.delta * p.delta / 3, D = (1 - p.mu * p.mu) + p.mu * p.a * p.l - q * p.a * p.l * (1 + p.mu) / 2;
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
        assert_true(o.coordinate[0].x2.se < 0.02 * x2);
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
        const double q = 1 + p.delta * p.delta / 3, D = (1 - p.mu * p.mu) + p.mu * p.a * p.l - q * p.a * p.l * (1 + p.mu) / 2;
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
    const double N = 2 * y * m2 * q + y * m * q + 2 * m4 * q - 2 * m4 - 2 * m3 * q + 2 * m3 - 2 * m2 * q + 2 * m2 + m * q + q;
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

/* The stationary law of the discrete chain itself, on a grid of its transfer operator (Fourier collocation, agreeing
 * with a second discretisation to 1e-13); T = 0.1, s2 = 2 T / (l q). */
static void run__double_well_has_the_discrete_chains_stationary_law(void **state)
{
    (void)state;
    const struct {
        double l, delta, x2, f, x4;
    } cases[] = {
        {0.2, 0, 0.8436445428153574, 0.06955989733106346, 0.965528674954969},
        {0.1, 0, 0.8592945934029947, 0.06248286209058779, 0.9685206351683405},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double q = 1 + cases[i].delta * cases[i].delta / 3;
        sl_sgd s;
        set_up(&s, "double-well", "plain", SL_ALPHA_ON_STEP, cases[i].l, 0,
               cases[i].delta > 0 ? "random:delta=1" : "constant", 0.2 / (cases[i].l * q));
        s.ensemble.kill_radius = 3;
        s.ensemble.replicas = 2048;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run__heavy_ball_alpha_on_gradient_has_its_exact_moments),
        cmocka_unit_test(run__heavy_ball_alpha_on_step_has_its_exact_moments),
        cmocka_unit_test(run__nesterov_has_its_exact_moments),
        cmocka_unit_test(run__double_well_has_the_discrete_chains_stationary_law),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
