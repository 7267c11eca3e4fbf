#include "tests/test.h"

#include <complex.h>

#include "base/random.h"
#include "sim/ensemble.h"
#include "sim/operators/operator.h"
#include "theory/moments.h"

/* z-limit of the comparisons with simulations, about 60 of them at fixed seeds: false alarm 6e-5 each. */
static const double Z = 4;

static sl_operator chain_of(const char *loss, const char *rule, sl_alpha_on on, double lr, double mu,
                            const char *schedule, double s2)
{
    sl_operator op = {.kind = &sl_transfer, .noise_variance = s2};
    assert_ok(sl_loss_init(&op.loss, loss, &err));
    assert_ok(sl_rule_init(&op.rule, rule, on, lr, mu, 0, &err));
    assert_ok(sl_schedule_init(&op.schedule, schedule, lr, 1, 1000000, &err));
    return op;
}

/* On a grid that is good enough for what is asserted, whatever it is for the rest. */
static void solve_on_grid(sl_answer *a, const sl_operator *op, const sl_question *q)
{
    sl_err err = {0};
    const sl_status st = sl_operator_solve(a, op, q, &err);
    if (st != SL_OK && st != SL_UNDECIDED) fail_msg("%s", err.message);
}

static double number(const sl_answer *a, const char *name, size_t index)
{
    return sl_answer_number(a, name, index).value;
}

/* The error that an answer claims must cover the one it has (closed forms: within 10 times, or rounding). */
static void assert_honest(const sl_answer *a, const char *name, double exact, double relative)
{
    const sl_number n = sl_answer_number(a, name, 0);
    assert_close(n.value, exact, relative);
    assert_true(fabs(n.value - exact) <= 10 * n.error + 1e-11 * fabs(exact));
}

/* ---- the quadratic: closed forms ---- */

typedef struct {
    double a, l, mu, delta, s2;
    size_t grid;
    double tolerance;
} quadratic;

static const quadratic cases[] = {
    {1, 0.1, 0.5, 0, 1, 128, 1e-11}, {2, 0.02, 0.9, 0, 1, 128, 1e-11},   {1, 0.5, 0.5, 0.5, 1, 128, 1e-9},
    {1, 0.1, 0.5, 1, 1, 192, 1e-9},  {0.5, 0.2, 0.9, 0.5, 3, 128, 1e-9}, {1, 0.05, 0.9, 1, 1, 192, 1e-8},
    {1, 1.5, 0.9, 0, 1, 128, 1e-11},
};

static sl_operator quadratic_of(const quadratic *c, const char *rule, sl_alpha_on on)
{
    char loss[64], schedule[64];
    snprintf(loss, sizeof loss, "quadratic:a=%g", c->a);
    snprintf(schedule, sizeof schedule, c->delta > 0 ? "random:delta=%g" : "constant", c->delta);
    sl_operator op = chain_of(loss, rule, on, c->l, c->mu, schedule, c->s2);
    op.grid = c->grid;
    return op;
}

/* theory.md section 1, exact second moments. */
static void stationary__heavy_ball_on_a_quadratic_has_its_exact_moments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const quadratic c = cases[i];
        const double q = 1 + c.delta * c.delta / 3,
                     D = (1 - c.mu * c.mu) + c.mu * c.a * c.l - q * c.a * c.l * (1 + c.mu) / 2;
        for (int on_step = 0; on_step < 2; on_step++) {
            if (on_step && c.delta == 0) continue;
            const double v2 = on_step ? c.s2 / D : q * c.s2 / D;
            const double xv = on_step ? c.l * c.s2 * (2 - q) / (2 * D) : c.l * v2 / 2;
            const double x2 =
                on_step ? c.l * c.s2 * (2 * c.mu + q - c.mu * q) / (2 * c.a * D) : c.l * (1 + c.mu) * v2 / (2 * c.a);
            const sl_operator op = quadratic_of(&c, "heavy-ball", on_step ? SL_ALPHA_ON_STEP : SL_ALPHA_ON_GRADIENT);
            sl_answer a = {0};
            solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY});
            assert_honest(&a, "x2", x2, c.tolerance);
            assert_honest(&a, "xv", xv, 10 * c.tolerance);
            assert_honest(&a, "v2", v2, 10 * c.tolerance);
            assert_near(number(&a, "mass", 0), 1, 1e-11);
            assert_true(a.killed >= 0 && a.killed < 1e-10);
            assert_true(a.unknowns > a.grid);
            /* Without randomness of the rate the law is Gaussian: positive, and its divergence has a closed form. */
            if (c.delta == 0) {
                const double T = c.l * c.s2 / (2 * (1 - c.mu)), ratio = c.a * x2 / T;
                assert_near(number(&a, "kl_to_boltzmann", 0), (ratio - 1 - log(ratio)) / 2, 1e-10);
                assert_close(number(&a, "x4", 0), 3 * x2 * x2, 1e-10);
                assert_true(a.density_min >= -1e-12);
            }
            sl_answer_clear(&a);
        }
    }
}

/* Rows of the temperature oracle, 40-digit linear solves of the moment equations: x^2, xv, v^2. Its Nesterov counts v
 * with the other sign. */
static void stationary__meets_the_temperature_oracle(void **state)
{
    (void)state;
    const struct {
        const char *rule;
        sl_alpha_on on;
        double mu, delta, l, a, s2, x2, xv, v2;
    } rows[] = {
        {"heavy-ball", SL_ALPHA_ON_GRADIENT, 0.5, 0, 0.01, 1, 1, 0.010033444816053512, 0.006688963210702341,
         1.3377926421404682},
        {"nesterov", SL_ALPHA_ON_STEP, 0.5, 0, 0.01, 1, 1, 0.010033889294969765, 0.013289919595986445,
         1.3289919595986444},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char loss[64];
        snprintf(loss, sizeof loss, "quadratic:a=%g", rows[i].a);
        sl_operator op = chain_of(loss, rows[i].rule, rows[i].on, rows[i].l, rows[i].mu, "constant", rows[i].s2);
        op.grid = 128;
        sl_answer a = {0};
        solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY});
        assert_close(number(&a, "x2", 0), rows[i].x2, 1e-10);
        assert_close(number(&a, "xv", 0), rows[i].xv, 1e-10);
        assert_close(number(&a, "v2", 0), rows[i].v2, 1e-10);
        sl_answer_clear(&a);
    }
}

/* Against theory/moments.h, which reads the map off the rule itself. */
static void stationary__nesterov_on_a_quadratic_has_its_exact_moments(void **state)
{
    (void)state;
    const struct {
        quadratic c;
        sl_alpha_on on;
    } rows[] = {
        {{1, 0.1, 0.5, 0, 1, 128, 1e-10}, SL_ALPHA_ON_STEP},
        {{2, 0.05, 0.9, 0.5, 1, 64, 1e-5}, SL_ALPHA_ON_STEP},
        {{1, 0.05, 0.8, 0.5, 1, 128, 1e-8}, SL_ALPHA_ON_GRADIENT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const quadratic c = rows[i].c;
        const sl_operator op = quadratic_of(&c, "nesterov", rows[i].on);
        const sl_alpha_law law = sl_alpha_uniform(c.delta);
        sl_moments m;
        assert_ok(sl_moments_stationary(&m, &op.rule, c.a, c.s2, &law, &err));
        sl_answer a = {0};
        solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY});
        assert_close(number(&a, "x2", 0), m.x2, c.tolerance);
        assert_close(number(&a, "xv", 0), m.xv, c.tolerance);
        assert_close(number(&a, "v2", 0), m.v2, c.tolerance);
        sl_answer_clear(&a);
    }
}

/* The chain's eigenvalues on a quadratic are the products of powers of those of the linear map (x, v) -> (x', v'):
 * z^2 - (1 + mu - a l) z + mu = 0. */
static void spectrum__quadratic_has_powers_of_the_maps_eigenvalues(void **state)
{
    (void)state;
    const struct {
        double l, mu;
    } rows[] = {{0.02, 0.5}, {0.1, 0.5}, {0.3, 0.8}}; /* real, complex, complex */
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        const double b = 1 + rows[r].mu - rows[r].l;
        const double complex root = csqrt(b * b / 4 - rows[r].mu), one = b / 2 + root, two = b / 2 - root;
        sl_operator op =
            chain_of("quadratic:a=1", "heavy-ball", SL_ALPHA_ON_GRADIENT, rows[r].l, rows[r].mu, "constant", 1);
        op.grid = 128;
        sl_answer a = {0};
        solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_SPECTRUM, .eigenvalues = 6});
        const bool real = cimag(one) == 0;
        /* By modulus: real roots 1 > one > one^2 > ...; complex ones in levels of equal modulus, mu^(k/2). */
        const double complex expected[] = {1,
                                           one,
                                           real ? one * one : two,
                                           real ? one * one * one : one * one,
                                           real ? cpow(one, 4) : two * two,
                                           real ? cpow(one, 5) : one * two};
        bool taken[6] = {false};
        for (size_t k = 0; k < 6; k++) {
            const sl_number n = sl_answer_number(&a, "eigenvalue", k);
            double nearest = INFINITY;
            size_t which = 0;
            for (size_t j = 0; j < 6; j++) {
                const double d = cabs(n.value + I * n.imag - clog(expected[j]));
                if (taken[j] || !(d < nearest)) continue;
                nearest = d;
                which = j;
            }
            taken[which] = true;
            assert_near(nearest, 0, 1e-7);
            assert_non_null(sl_answer_field(&a, "eigenfunction", k));
        }
        sl_answer_clear(&a);
    }
}

/* With next to no momentum: the law of the chain without, from tests/sim/discrete_laws.py (T = 0.1, s2 = 2 T/(l q)). */
static void stationary__without_momentum_is_the_law_on_the_line(void **state)
{
    (void)state;
    const struct {
        double l, delta, x2, f, x4;
    } rows[] = {
        {0.2, 0, 0.8436445428153574, 0.06955989733106346, 0.965528674954969},
        {0.1, 0.5, 0.858377113653234, 0.06294527014900934, 0.9685353079025067},
        {0.1, 1, 0.8550132157465462, 0.06451380597291852, 0.9680816553847664},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char schedule[32];
        snprintf(schedule, sizeof schedule, rows[i].delta > 0 ? "random:delta=%g" : "constant", rows[i].delta);
        const double q = 1 + rows[i].delta * rows[i].delta / 3;
        sl_operator op =
            chain_of("double-well", "heavy-ball", SL_ALPHA_ON_STEP, rows[i].l, 1e-12, schedule, 0.2 / (rows[i].l * q));
        op.grid = 256;
        sl_answer a = {0};
        solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY});
        assert_close(number(&a, "x2", 0), rows[i].x2, 1e-8);
        assert_close(number(&a, "x4", 0), rows[i].x4, 1e-8);
        assert_close(number(&a, "loss", 0), rows[i].f, 1e-7);
        sl_answer_clear(&a);
    }
}

/* ---- simulations ---- */

static void assert_within(sl_estimate e, double exact, const char *what)
{
    if (!(fabs(e.value - exact) <= Z * e.se))
        fail_msg("%s: %.9g +- %.2g, the operator says %.9g (z = %.2f)", what, e.value, e.se, exact,
                 (e.value - exact) / e.se);
    assert_true(e.se < 0.02 * fabs(exact)); /* else nothing is tested */
}

static sl_sgd simulation_of(const sl_operator *op)
{
    return (sl_sgd){.loss = op->loss,
                    .rule = op->rule,
                    .schedule = op->schedule,
                    .noise_variance = op->noise_variance,
                    .ensemble = {.seed = 11, .replicas = 1024, .steps = 6000, .burn_in = 600}};
}

static void assert_simulated(const sl_operator *op, const sl_sgd *s, const sl_question *q)
{
    sl_answer a = {0};
    sl_observed o;
    solve_on_grid(&a, op, q);
    assert_ok(sl_sgd_run(&o, s, &err));
    assert_within(o.coordinate[0].x2, number(&a, "x2", 0), "x2");
    assert_within(o.coordinate[0].x4, number(&a, "x4", 0), "x4");
    assert_within(o.coordinate[0].v2, number(&a, "v2", 0), "v2");
    assert_within(o.loss, number(&a, "loss", 0), "loss");
    /* Control: half a per cent more than the chain's moment is seen to be wrong. */
    assert_true(fabs(o.coordinate[0].x2.value - 1.005 * number(&a, "x2", 0)) > Z * o.coordinate[0].x2.se);
    sl_observed_clear(&o);
    sl_answer_clear(&a);
}

static void stationary__is_what_simulations_on_the_double_well_find(void **state)
{
    (void)state;
    const struct {
        const char *rule;
        sl_alpha_on on;
        double l, mu;
        const char *schedule;
        double s2;
        size_t grid;
    } rows[] = {
        {"heavy-ball", SL_ALPHA_ON_GRADIENT, 0.1, 0.9, "constant", 0.2, 128},
        {"heavy-ball", SL_ALPHA_ON_STEP, 0.1, 0.5, "random:delta=1", 0.75, 128},
        {"heavy-ball", SL_ALPHA_ON_GRADIENT, 0.1, 0.5, "random:delta=1", 0.75, 128},
        {"nesterov", SL_ALPHA_ON_STEP, 0.1, 0.5, "constant", 1, 128},
        {"nesterov", SL_ALPHA_ON_GRADIENT, 0.05, 0.7, "random:delta=0.5", 1, 96},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sl_operator op =
            chain_of("double-well", rows[i].rule, rows[i].on, rows[i].l, rows[i].mu, rows[i].schedule, rows[i].s2);
        op.grid = rows[i].grid;
        const sl_sgd s = simulation_of(&op);
        assert_simulated(&op, &s, &(sl_question){.task = SL_TASK_STATIONARY});
    }
}

/* The law averaged over a cycle, of two steps each of rates l (1 + cos(pi k / 2)): 2 l, l, 0, l. */
static void stationary__averages_over_a_cycle(void **state)
{
    (void)state;
    for (int on_step = 0; on_step < 2; on_step++) {
        sl_operator op = chain_of("double-well", "heavy-ball", on_step ? SL_ALPHA_ON_STEP : SL_ALPHA_ON_GRADIENT, 0.08,
                                  0.5, "cyclic:period=2", 1);
        op.grid = 128;
        sl_sgd s = simulation_of(&op);
        s.ensemble.sample_every = 1;
        assert_simulated(&op, &s, &(sl_question){.task = SL_TASK_STATIONARY});
        sl_answer a = {0};
        assert_fails(sl_operator_solve(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY, .cycle = 3}, &err),
                     SL_E_CONFIG, "does not repeat after 3");
    }
}

/* The marginal of x against a histogram: bins of 4 nodes, sums over nodes (error h^2, 1e-4 of the density). */
static void stationary__has_the_density_of_a_simulation(void **state)
{
    (void)state;
    enum { NODES = 4, BINS = 20 };
    sl_operator op =
        chain_of("tilted-double-well:tilt=0.05", "heavy-ball", SL_ALPHA_ON_GRADIENT, 0.1, 0.9, "constant", 0.2);
    op.grid = 256;
    sl_answer a = {0};
    solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY});
    const sl_field *p = sl_answer_field(&a, "density", 0);
    assert_non_null(p);
    const double h = p->node[0][1] - p->node[0][0], hv = p->node[1][1] - p->node[1][0];
    const size_t first = p->n[0] / 2 - NODES * BINS;
    sl_sgd s = simulation_of(&op);
    s.ensemble.histogram =
        (sl_histogram_spec){p->node[0][first] - h / 2, p->node[0][first] - h / 2 + 2 * NODES * BINS * h, 2 * BINS};
    sl_observed o;
    assert_ok(sl_sgd_run(&o, &s, &err));
    for (size_t b = 0; b < 2 * BINS; b++) {
        double mean = 0;
        for (size_t i = first + b * NODES; i < first + (b + 1) * NODES; i++)
            for (size_t j = 0; j < p->n[1]; j++) mean += hv * p->value[i * p->n[1] + j] / NODES;
        if (!(fabs(o.density[b].value - mean) <= Z * o.density[b].se + 2e-4))
            fail_msg("bin %zu: %.6g +- %.2g, the operator says %.6g", b, o.density[b].value, o.density[b].se, mean);
    }
    sl_observed_clear(&o);
    sl_answer_clear(&a);
}

/* From a point, and from a Gaussian, at rest; with a rate that falls with time, too. */
static void evolve__is_what_simulations_find(void **state)
{
    (void)state;
    const struct {
        const char *schedule;
        double spread;
    } rows[] = {{"constant", 0}, {"random:delta=0.5", 0.15}, {"exponential:gamma=0.98", 0}};
    const double start = -0.4;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        sl_operator op = chain_of("double-well", "heavy-ball", SL_ALPHA_ON_STEP, 0.1, 0.8, rows[r].schedule, 0.4);
        op.grid = 256;
        const sl_question q = {
            .task = SL_TASK_EVOLVE, .from = {start}, .spread = rows[r].spread, .times = {3, 8, 30}, .n_times = 3};
        sl_answer a = {0};
        solve_on_grid(&a, &op, &q);
        assert_true(a.mass_error < 1e-9);
        for (size_t t = 0; t < q.n_times; t++) {
            sl_sgd s = simulation_of(&op);
            s.ensemble.replicas = 100000;
            s.ensemble.start = &start;
            s.ensemble.start_spread = rows[r].spread;
            s.ensemble.burn_in = (uint64_t)q.times[t] - 1;
            s.ensemble.steps = s.ensemble.sample_every = 1;
            sl_observed o;
            assert_ok(sl_sgd_run(&o, &s, &err));
            assert_within(o.coordinate[0].x, number(&a, "x", t), "x");
            assert_within(o.coordinate[0].x2, number(&a, "x2", t), "x2");
            assert_within(o.coordinate[0].v2, number(&a, "v2", t), "v2");
            sl_observed_clear(&o);
        }
        sl_answer_clear(&a);
    }
}

/* Two steps from a point by hand: x1 = x0 - l (G0 + n), v1; second moments of v2 = mu v1 - (a x1 + n) on a quadratic.
 */
static void evolve__first_steps_from_a_point_are_exact(void **state)
{
    (void)state;
    const double l = 0.2, mu = 0.6, s2 = 0.5, x0 = 0.7;
    sl_operator op = chain_of("quadratic:a=1", "heavy-ball", SL_ALPHA_ON_GRADIENT, l, mu, "constant", s2);
    op.grid = 128;
    const sl_question q = {.task = SL_TASK_EVOLVE, .from = {x0}, .times = {0, 1, 2}, .n_times = 3};
    sl_answer a = {0};
    solve_on_grid(&a, &op, &q);
    const double v1 = -x0, x1 = x0 + l * v1, v2 = mu * v1 - x1, x2 = x1 + l * v2;
    /* dv2/dn1 = -mu + l, dx2/dn1 = -l + l dv2/dn1 */
    const double var_v2 = s2 * (1 + (mu - l) * (mu - l)), dx = -l - l * (mu - l), var_x2 = s2 * (dx * dx + l * l);
    assert_close(number(&a, "x", 0), x0, 1e-10);
    assert_close(number(&a, "x2", 0), x0 * x0, 1e-10);
    assert_near(number(&a, "v2", 0), 0, 1e-12);
    assert_close(number(&a, "x", 1), x1, 1e-9);
    assert_close(number(&a, "v2", 1), v1 * v1 + s2, 1e-9);
    assert_close(number(&a, "x2", 1), x1 * x1 + l * l * s2, 1e-9);
    assert_close(number(&a, "v", 2), v2, 1e-9);
    assert_close(number(&a, "v2", 2), v2 * v2 + var_v2, 1e-9);
    assert_close(number(&a, "x2", 2), x2 * x2 + var_x2, 1e-9);
    sl_answer_clear(&a);
}

/* ---- first passages ---- */

/* Steps until x is beyond `to`, by plain simulation: mean and its standard error. */
static sl_estimate simulate_passage(const sl_operator *op, double from, double to)
{
    enum { WALKERS = 4096, LONGEST = 20000 };
    static double noise[WALKERS], rate[WALKERS], x[WALKERS], v[WALKERS], time[WALKERS];
    for (size_t i = 0; i < WALKERS; i++) {
        x[i] = from;
        v[i] = time[i] = 0;
    }
    size_t left = WALKERS;
    for (uint64_t k = 0; k < LONGEST && left > 0; k++) {
        const sl_draw draw = {.seed = 3, .step = k, .purpose = SL_PURPOSE_TEST};
        sl_random_normals(noise, WALKERS, 0, sqrt(op->noise_variance), &draw);
        sl_schedule_fill(&op->schedule, rate, WALKERS, 3, 0, k);
        for (size_t i = 0; i < WALKERS; i++) {
            if (time[i] > 0) continue;
            const bool on_step = op->rule.alpha_on == SL_ALPHA_ON_STEP;
            const double G = x[i] * x[i] * x[i] - x[i] + noise[i];
            v[i] = op->rule.mu * v[i] - (on_step ? 1 : rate[i] / op->rule.lr) * G;
            x[i] += (on_step ? rate[i] : op->rule.lr) * v[i];
            if (!(to > from ? x[i] >= to : x[i] <= to)) continue;
            time[i] = (double)k + 1;
            left--;
        }
    }
    assert_int_equal(left, 0);
    double sum = 0, square = 0;
    for (size_t i = 0; i < WALKERS; i++) {
        sum += time[i];
        square += time[i] * time[i];
    }
    const double mean = sum / WALKERS;
    return (sl_estimate){.value = mean, .se = sqrt((square / WALKERS - mean * mean) / WALKERS)};
}

static void mfpt__is_what_simulations_find(void **state)
{
    (void)state;
    const struct {
        sl_alpha_on on;
        const char *schedule;
        double from, to;
    } rows[] = {
        {SL_ALPHA_ON_GRADIENT, "constant", -1, 1},
        {SL_ALPHA_ON_STEP, "random:delta=1", 1, -0.5},
        {SL_ALPHA_ON_GRADIENT, "random:delta=0.5", -1, 0.5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sl_operator op = chain_of("double-well", "heavy-ball", rows[i].on, 0.1, 0.8, rows[i].schedule, 0.4);
        op.grid = 96;
        sl_answer a = {0};
        const sl_question q = {.task = SL_TASK_MFPT, .from = {rows[i].from}, .to = {rows[i].to}};
        solve_on_grid(&a, &op, &q);
        const double mean = number(&a, "mfpt", 0);
        const sl_estimate e = simulate_passage(&op, rows[i].from, rows[i].to);
        if (!(fabs(e.value - mean) <= Z * e.se))
            fail_msg("mfpt %zu: %g +- %g, the operator says %g", i, e.value, e.se, mean);
        assert_true(e.se < 0.02 * mean);
        sl_answer_clear(&a);
    }
}

/* Wells that seldom exchange: the mean time from one to the other, past the barrier on its other side, is 2 over the
 * slowest rate, up to the time that a crossing takes (60 of 15,000 steps here). */
static void mfpt__at_low_temperature_is_the_spectral_gap(void **state)
{
    (void)state;
    sl_operator op = chain_of("double-well", "heavy-ball", SL_ALPHA_ON_GRADIENT, 0.05, 0.8, "constant", 0.32);
    op.grid = 128;
    sl_answer a = {0};
    solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_SPECTRUM, .eigenvalues = 2});
    const double rate = -number(&a, "eigenvalue", 1);
    sl_answer_clear(&a);
    solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_MFPT, .from = {-1}, .to = {1}});
    assert_near(number(&a, "mfpt", 0), 2 / rate, 0.008 * 2 / rate);
    sl_answer_clear(&a);
}

/* On the symmetric double well: 1/2 between the wells; and q(x, v) + q(-x, -v) = 1 everywhere. */
static void committor__is_antisymmetric(void **state)
{
    (void)state;
    sl_operator op = chain_of("double-well", "heavy-ball", SL_ALPHA_ON_STEP, 0.1, 0.9, "random:delta=0.5", 0.2);
    op.grid = 64;
    sl_answer a = {0};
    solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_COMMITTOR, .from = {-0.9}, .to = {0.9}});
    assert_near(number(&a, "committor_midway", 0), 0.5, 1e-9);
    const sl_field *u = sl_answer_field(&a, "committor", 0);
    const size_t n = u->n[0] * u->n[1];
    for (size_t k = 0; k < n; k++) /* not at the edges of the box, whence walkers leave it */
        if (fabs(u->node[1][k % u->n[1]]) < a.hi[1] / 2) assert_near(u->value[k] + u->value[n - 1 - k], 1, 1e-9);
    /* At rest near B it is more likely than near A. */
    const size_t rest = u->n[1] / 2;
    assert_true(u->value[n - u->n[1] + rest] > 0.9);
    sl_answer_clear(&a);
}

/* ---- properties ---- */

static void laws__keep_mass_and_stay_positive(void **state)
{
    (void)state;
    const struct {
        const char *loss, *rule, *schedule;
        double l, mu, s2;
    } rows[] = {
        {"tilted-double-well:tilt=0.2", "heavy-ball", "constant", 0.05, 0.7, 1},
        {"quartic", "heavy-ball", "random:delta=0.5", 0.05, 0.5, 1},
        {"periodic", "nesterov", "constant", 0.1, 0.5, 1},
        {"periodic", "heavy-ball", "constant", 0.1, 0.9, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sl_operator op =
            chain_of(rows[i].loss, rows[i].rule, SL_ALPHA_ON_STEP, rows[i].l, rows[i].mu, rows[i].schedule, rows[i].s2);
        op.grid = 128;
        sl_answer a = {0};
        solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY});
        assert_near(number(&a, "mass", 0), 1, 1e-12);
        assert_true(a.killed < 1e-12);
        assert_true(a.density_min >= -1e-12);
        sl_answer_clear(&a);
        const sl_question q = {.task = SL_TASK_EVOLVE, .from = {0.3}, .spread = 0.2, .times = {5, 40}, .n_times = 2};
        op.grid = 256;
        solve_on_grid(&a, &op, &q);
        assert_true(a.mass_error < 1e-11);
        assert_true(a.density_min >= -1e-12);
        sl_answer_clear(&a);
    }
}

/* Weight decay w adds w to the curvature of a quadratic. */
static void stationary__weight_decay_is_curvature(void **state)
{
    (void)state;
    for (int nesterov = 0; nesterov < 2; nesterov++) {
        double x2[2], v2[2];
        for (int decays = 0; decays < 2; decays++) {
            sl_operator op =
                chain_of(decays ? "quadratic:a=1" : "quadratic:a=1.5", nesterov ? "nesterov" : "heavy-ball",
                         SL_ALPHA_ON_GRADIENT, 0.1, 0.6, "constant", 1);
            op.rule.weight_decay = decays ? 0.5 : 0;
            op.grid = 128;
            sl_answer a = {0};
            solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY});
            x2[decays] = number(&a, "x2", 0);
            v2[decays] = number(&a, "v2", 0);
            sl_answer_clear(&a);
        }
        assert_close(x2[1], x2[0], 1e-10);
        assert_close(v2[1], v2[0], 1e-10);
    }
}

/* Mass that a small box loses is counted, a step at a time, and does not come back on the other side. */
static void stationary__counts_what_leaves_a_given_box(void **state)
{
    (void)state;
    sl_operator op = chain_of("quadratic:a=1", "heavy-ball", SL_ALPHA_ON_GRADIENT, 0.1, 0.5, "constant", 1);
    op.grid = 128;
    op.tolerance = 0.9;
    op.lo[0] = -1.2;
    op.hi[0] = 1.2;
    sl_answer a = {0};
    solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY});
    assert_true(a.killed > 1e-7 && a.killed < 1e-3); /* 3.7 deviations away; relaxes in 10 steps */
    assert_true(a.lo[0] == -1.2 && a.hi[0] == 1.2);
    assert_non_null(strstr(a.note, "quasi-stationary"));
    sl_answer_clear(&a);
}

/* x jumps at the ends of a ring, where there is mass here: averages are not to notice on which side a node lies. */
static void laws__on_a_ring_are_symmetric(void **state)
{
    (void)state;
    sl_operator op = chain_of("periodic", "heavy-ball", SL_ALPHA_ON_GRADIENT, 0.3, 0.5, "constant", 4);
    op.grid = 64;
    sl_answer a = {0}, b = {0};
    solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY});
    assert_near(sl_answer_number(&a, "x", 0).value, 0, 1e-11);
    sl_answer_clear(&a);
    const double spreads[2] = {0, 0.5};
    for (size_t i = 0; i < 2; i++) { /* across the end */
        sl_question q = {.task = SL_TASK_EVOLVE, .from = {3.1}, .spread = spreads[i], .times = {8}, .n_times = 1};
        solve_on_grid(&a, &op, &q);
        q.from[0] = -3.1;
        solve_on_grid(&b, &op, &q);
        assert_near(sl_answer_number(&a, "mass", 0).value, 1, 1e-12);
        assert_near(sl_answer_number(&a, "x", 0).value, -sl_answer_number(&b, "x", 0).value, 1e-11);
        assert_near(sl_answer_number(&a, "x2", 0).value, sl_answer_number(&b, "x2", 0).value, 1e-11);
        sl_answer_clear(&a);
        sl_answer_clear(&b);
    }
}

static void refuses__what_has_no_answer(void **state)
{
    (void)state;
    const sl_question stationary = {.task = SL_TASK_STATIONARY};
    sl_answer a = {0};
    sl_operator op = chain_of("quadratic:a=1", "heavy-ball", SL_ALPHA_ON_GRADIENT, 1.6, 0.5, "random:delta=1", 1);
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_UNSTABLE,
                 "2 (1 - mu^2) / (q (1 + mu) - 2 mu) = 1.5");
    op = chain_of("quadratic:a=1", "nesterov", SL_ALPHA_ON_STEP, 1.9, 0.5, "constant", 1);
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_UNSTABLE, "needs a l < 1.5");
    op = chain_of("quadratic:a=1", "heavy-ball", SL_ALPHA_ON_GRADIENT, 0.1, 0.5, "constant", 0);
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_DOMAIN, "noise variance = 0");
    op.noise_variance = NAN;
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_DOMAIN, "noise variance");
    op = chain_of("quadratic:a=1", "heavy-ball", SL_ALPHA_ON_GRADIENT, 0.1, 0.5, "cyclic:period=4", 1);
    assert_fails(sl_operator_solve(&a, &op, &(sl_question){.task = SL_TASK_SPECTRUM}, &err), SL_E_CONFIG, "one law");
    op = chain_of("quadratic:a=1", "heavy-ball", SL_ALPHA_ON_GRADIENT, 0.1, 0.5, "exponential:gamma=0.99", 1);
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_CONFIG, "neither stationary nor periodic");
    op = chain_of("quadratic:a=1", "heavy-ball", SL_ALPHA_ON_GRADIENT, 0.1, 0.5, "constant", 1);
    assert_fails(sl_operator_solve(&a, &op, &(sl_question){.task = SL_TASK_EVOLVE, .times = {1.5}, .n_times = 1}, &err),
                 SL_E_DOMAIN, "whole number");
    op.lo[1] = -1;
    op.hi[1] = 2;
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_DOMAIN, "both sides of 0");
    op.lo[1] = op.hi[1] = 0;
    op.memory = 1e5;
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_CONFIG, "bytes");
    op = chain_of("quadratic:a=1", "nesterov", SL_ALPHA_ON_GRADIENT, 0.1, 0.5, "constant", 1);
    assert_fails(sl_operator_solve(&a, &op, &(sl_question){.task = SL_TASK_MFPT, .from = {-1}, .to = {1}}, &err),
                 SL_E_DOMAIN, "nesterov");
    op = chain_of("quadratic:a=1", "heavy-ball", SL_ALPHA_ON_GRADIENT, 0.1, 0.5, "constant", 1);
    assert_fails(sl_operator_solve(&a, &op, &(sl_question){.task = SL_TASK_MFPT, .from = {-40}, .to = {1}}, &err),
                 SL_E_DOMAIN, "from = -40");
    assert_int_equal(a.n_numbers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stationary__heavy_ball_on_a_quadratic_has_its_exact_moments),
        cmocka_unit_test(stationary__meets_the_temperature_oracle),
        cmocka_unit_test(stationary__nesterov_on_a_quadratic_has_its_exact_moments),
        cmocka_unit_test(spectrum__quadratic_has_powers_of_the_maps_eigenvalues),
        cmocka_unit_test(stationary__without_momentum_is_the_law_on_the_line),
        cmocka_unit_test(stationary__is_what_simulations_on_the_double_well_find),
        cmocka_unit_test(stationary__averages_over_a_cycle),
        cmocka_unit_test(stationary__has_the_density_of_a_simulation),
        cmocka_unit_test(evolve__is_what_simulations_find),
        cmocka_unit_test(evolve__first_steps_from_a_point_are_exact),
        cmocka_unit_test(mfpt__is_what_simulations_find),
        cmocka_unit_test(mfpt__at_low_temperature_is_the_spectral_gap),
        cmocka_unit_test(committor__is_antisymmetric),
        cmocka_unit_test(laws__keep_mass_and_stay_positive),
        cmocka_unit_test(stationary__weight_decay_is_curvature),
        cmocka_unit_test(stationary__counts_what_leaves_a_given_box),
        cmocka_unit_test(laws__on_a_ring_are_symmetric),
        cmocka_unit_test(refuses__what_has_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
