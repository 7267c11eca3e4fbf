#include "tests/test.h"

#include "base/random.h"
#include "sim/ensemble.h"
#include "sim/operators/operator.h"

static const double Z = 4;

static sl_operator chain_of(const char *loss, double lr, const char *schedule, double s2, size_t grid)
{
    sl_operator op = {.kind = &sl_transfer, .noise_variance = s2, .grid = grid};
    assert_ok(sl_loss_init(&op.loss, loss, &err));
    assert_ok(sl_rule_init(&op.rule, "plain", SL_ALPHA_ON_STEP, lr, 0, 0, &err));
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

/* x^2/2 + (y^2 - 1)^2/4 - 1/4: along x the exact variance l s2/(a (2 - a l)), along y the law of the chain on the line
 * (tests/sim/discrete_laws.py: l = 0.1, s2 = 2), and both of them independent. */
static void stationary__separable_loss_is_a_product(void **state)
{
    (void)state;
    sl_operator op = chain_of("strict-saddle", 0.1, "constant", 2, 0);
    sl_answer a = {0};
    assert_ok(sl_operator_solve(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY}, &err));
    assert_close(number(&a, "x2", 0), 0.1 * 2 / (2 - 0.1), 1e-11);
    assert_close(number(&a, "y2", 0), 0.8592945934029947, 1e-11);
    assert_near(number(&a, "xy", 0), 0, 1e-12);
    assert_near(number(&a, "mass", 0), 1, 1e-12);
    assert_true(a.killed < 1e-13 && a.density_min >= -1e-12 && a.grid_error < 1e-8);
    const sl_field *p = sl_answer_field(&a, "density", 0);
    const size_t n = p->n[0];
    const double hx = p->node[0][1] - p->node[0][0], hy = p->node[1][1] - p->node[1][0];
    double *along = calloc(2 * n, sizeof *along), most = 0;
    for (size_t k = 0; k < n * n; k++) {
        along[k / n] += hy * p->value[k];
        along[n + k % n] += hx * p->value[k];
        most = fmax(most, p->value[k]);
    }
    double worst = 0;
    for (size_t k = 0; k < n * n; k++) worst = fmax(worst, fabs(p->value[k] - along[k / n] * along[n + k % n]));
    free(along);
    assert_near(worst, 0, 1e-11 * most);
    sl_answer_clear(&a);
}

/* A random rate is the same for both coordinates: their laws are those on the line, but they are not independent. */
static void stationary__random_rate_is_shared(void **state)
{
    (void)state;
    const double q = 1 + 0.25 / 3, s2 = 0.2 / (0.1 * q), a = 1, l = 0.1;
    sl_operator op = chain_of("strict-saddle", l, "random:delta=0.5", s2, 64);
    sl_answer answer = {0};
    solve_on_grid(&answer, &op, &(sl_question){.task = SL_TASK_STATIONARY});
    assert_close(number(&answer, "x2", 0), l * l * q * s2 / (2 * a * l - q * a * a * l * l), 1e-6);
    assert_close(number(&answer, "y2", 0), 0.858377113653234, 1e-6);
    sl_answer_clear(&answer);
    /* On two equal quadratics E x^2 y^2 = c (E x^2)^2 with c != 1: from <x'^2 y'^2> = E ((1-r)^2 x^2 + r^2 s2)(same of
     * y), moments of r uniform on l (1 +- 1/2). */
    op = chain_of("quadratic:a=1:dim=2", 0.5, "random:delta=0.5", 1, 64);
    solve_on_grid(&answer, &op, &(sl_question){.task = SL_TASK_STATIONARY});
    double b2 = 0, b4 = 0, r2 = 0, r4 = 0, mixed = 0;
    enum { POINTS = 200000 }; /* midpoint rule: 1e-11 */
    for (size_t i = 0; i < POINTS; i++) {
        const double r = 0.25 + 0.5 * ((double)i + 0.5) / POINTS, b = 1 - r;
        b2 += b * b / POINTS;
        r2 += r * r / POINTS;
        b4 += b * b * b * b / POINTS;
        r4 += r * r * r * r / POINTS;
        mixed += b * b * r * r / POINTS;
    }
    const double x2 = r2 / (1 - b2), x2y2 = (r4 + 2 * mixed * x2) / (1 - b4);
    const sl_field *p = sl_answer_field(&answer, "density", 0);
    double sum = 0;
    for (size_t i = 0; i < p->n[0]; i++)
        for (size_t j = 0; j < p->n[1]; j++)
            sum += p->value[i * p->n[1] + j] * pow(p->node[0][i] * p->node[1][j], 2) * (p->node[0][1] - p->node[0][0]) *
                   (p->node[1][1] - p->node[1][0]);
    assert_close(number(&answer, "x2", 0), x2, 1e-7);
    assert_close(sum, x2y2, 1e-6);
    assert_true(x2y2 > 1.001 * x2 * x2);
    sl_answer_clear(&answer);
}

/* Eigenvalues on a quadratic: (1 - l a)^j (1 - l b)^k. */
static void spectrum__quadratic_has_products_of_powers(void **state)
{
    (void)state;
    const double l = 0.2;
    sl_operator op = chain_of("quadratic:spectrum=1,0.4", l, "constant", 1, 128);
    sl_answer a = {0};
    solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_SPECTRUM, .eigenvalues = 5});
    const double x = log(1 - l), y = log(1 - 0.4 * l), expected[] = {0, y, 2 * y, x, 3 * y};
    for (size_t k = 0; k < 5; k++) {
        assert_near(number(&a, "eigenvalue", k), expected[k], 1e-9);
        assert_near(sl_answer_number(&a, "eigenvalue", k).imag, 0, 1e-9);
    }
    sl_answer_clear(&a);
}

/* Means and variances on a quadratic, from a Gaussian, from a narrow one and from a point; a rate that changes, too. */
static void evolve__quadratic_is_exact(void **state)
{
    (void)state;
    const struct {
        const char *schedule;
        double spread;
    } rows[] = {{"constant", 0.3}, {"constant", 0.02}, {"constant", 0}, {"exponential:gamma=0.9", 0.3}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        sl_operator op = chain_of("quadratic:spectrum=1,0.4", 0.2, rows[r].schedule, 1, 128);
        const sl_question q = {
            .task = SL_TASK_EVOLVE, .from = {0.7, -0.5}, .spread = rows[r].spread, .times = {3, 10}, .n_times = 2};
        sl_answer a = {0};
        solve_on_grid(&a, &op, &q);
        double mean[2] = {0.7, -0.5}, variance[2] = {rows[r].spread * rows[r].spread, rows[r].spread * rows[r].spread};
        const double curvature[2] = {1, 0.4};
        uint64_t now = 0;
        for (size_t t = 0; t < 2; t++) {
            for (; now < (uint64_t)q.times[t]; now++)
                for (size_t d = 0; d < 2; d++) {
                    const double rate = sl_schedule_lr(&op.schedule, 0, 0, now), b = 1 - rate * curvature[d];
                    mean[d] *= b;
                    variance[d] = b * b * variance[d] + rate * rate;
                }
            assert_near(number(&a, "x", t), mean[0], 1e-9);
            assert_near(number(&a, "y", t), mean[1], 1e-9);
            assert_close(number(&a, "x2", t), mean[0] * mean[0] + variance[0], 1e-8);
            assert_close(number(&a, "y2", t), mean[1] * mean[1] + variance[1], 1e-8);
            assert_near(number(&a, "xy", t), mean[0] * mean[1], 1e-9);
        }
        assert_true(a.mass_error < 1e-11);
        if (r == 0) assert_true(a.density_min >= -1e-12);
        sl_answer_clear(&a);
    }
}

static void assert_within(sl_estimate e, double exact, const char *what)
{
    if (!(fabs(e.value - exact) <= Z * e.se))
        fail_msg("%s: %.9g +- %.2g, the operator says %.9g (z = %.2f)", what, e.value, e.se, exact,
                 (e.value - exact) / e.se);
    assert_true(e.se < 0.02 * fabs(exact));
}

/* A loss whose coordinates are coupled: (x^2 - 1)^2/4 + (y + b (1 - x^2))^2 a/2. */
static void stationary__coupled_loss_is_what_simulations_find(void **state)
{
    (void)state;
    const char *schedules[] = {"constant", "random:delta=0.8"};
    for (size_t k = 0; k < 2; k++) {
        sl_operator op = chain_of("bent-double-well", 0.1, schedules[k], 2, k == 0 ? 128 : 64);
        sl_answer a = {0};
        solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY});
        sl_sgd s = {.loss = op.loss,
                    .rule = op.rule,
                    .schedule = op.schedule,
                    .noise_variance = 2,
                    .ensemble = {.seed = 4, .replicas = 1024, .steps = 4000, .burn_in = 500}};
        sl_observed o;
        assert_ok(sl_sgd_run(&o, &s, &err));
        assert_within(o.coordinate[0].x2, number(&a, "x2", 0), "x2");
        assert_within(o.coordinate[1].x2, number(&a, "y2", 0), "y2");
        assert_within(o.coordinate[1].x, number(&a, "y", 0), "y");
        assert_within(o.loss, number(&a, "loss", 0), "loss");
        assert_true(fabs(o.loss.value - 1.02 * number(&a, "loss", 0)) > Z * o.loss.se); /* control */
        assert_near(number(&a, "mass", 0), 1, 1e-11);
        if (k == 0) assert_true(a.density_min >= -1e-12);
        sl_observed_clear(&o);
        sl_answer_clear(&a);
    }
}

/* ---- first passages ---- */

/* Steps from `from` until within the radius of `to`, and how often that is before being within that of `other`. */
static void simulate_passage(sl_estimate *mean, sl_estimate *part, const sl_operator *op, const double from[2],
                             const double to[2], const double *other, double radius)
{
    enum { WALKERS = 8192, LONGEST = 20000 };
    static double noise[2][WALKERS], x[2][WALKERS], time[WALKERS];
    static bool arrived[WALKERS];
    for (size_t i = 0; i < WALKERS; i++) {
        x[0][i] = from[0];
        x[1][i] = from[1];
        time[i] = 0;
        arrived[i] = false;
    }
    size_t left = WALKERS;
    for (uint64_t k = 0; k < LONGEST && left > 0; k++) {
        for (uint32_t d = 0; d < 2; d++) {
            const sl_draw draw = {.seed = 8, .step = k, .sub = d, .purpose = SL_PURPOSE_TEST};
            sl_random_normals(noise[d], WALKERS, 0, sqrt(op->noise_variance), &draw);
        }
        const double rate = sl_schedule_lr(&op->schedule, 0, 0, k);
        for (size_t i = 0; i < WALKERS; i++) {
            if (time[i] > 0) continue;
            const double at[2] = {x[0][i], x[1][i]};
            double g[2];
            sl_loss_gradient(&op->loss, at, g);
            for (size_t d = 0; d < 2; d++) x[d][i] -= rate * (g[d] + noise[d][i]);
            arrived[i] = hypot(x[0][i] - to[0], x[1][i] - to[1]) <= radius;
            if (!arrived[i] && !(other && hypot(x[0][i] - other[0], x[1][i] - other[1]) <= radius)) continue;
            time[i] = (double)k + 1;
            left--;
        }
    }
    assert_int_equal(left, 0);
    double sum = 0, square = 0, count = 0;
    for (size_t i = 0; i < WALKERS; i++) {
        sum += time[i];
        square += time[i] * time[i];
        count += arrived[i];
    }
    const double m = sum / WALKERS, c = count / WALKERS;
    *mean = (sl_estimate){.value = m, .se = sqrt((square / WALKERS - m * m) / WALKERS)};
    *part = (sl_estimate){.value = c, .se = sqrt(c * (1 - c) / WALKERS)};
}

static void mfpt__into_a_disc_is_what_simulations_find(void **state)
{
    (void)state;
    const double from[2] = {-1, 0}, to[2] = {1, 0};
    sl_operator op = chain_of("bent-double-well", 0.2, "constant", 2, 64);
    sl_answer a = {0};
    solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_MFPT, .from = {-1, 0}, .to = {1, 0}, .radius = 0.4});
    sl_estimate mean, part;
    simulate_passage(&mean, &part, &op, from, to, NULL, 0.4);
    assert_within(mean, number(&a, "mfpt", 0), "mfpt");
    assert_true(sl_answer_number(&a, "mfpt", 0).error < 1e-3 * mean.value);
    sl_answer_clear(&a);
}

/* Nodes farther apart than a step's noise is wide show a passage that is not there: 29 time units of Mueller and Brown's
 * valley, whose Fokker-Planck operator says 74.4 (T = 0.15). */
static void mfpt__needs_a_grid_that_shows_the_noise(void **state)
{
    (void)state;
    const sl_question q = {.task = SL_TASK_MFPT, .from = {0.623, 0.028}, .to = {-0.558, 1.442}, .radius = 0.25};
    const size_t grids[] = {0, 64, 256};
    for (size_t i = 0; i < 3; i++) {
        sl_operator op = chain_of("mueller-brown", 0.002, "constant", 150, grids[i]);
        sl_answer a = {0};
        assert_fails(sl_operator_solve(&a, &op, &q, &err), SL_E_NUMERIC, "a step's noise has the deviation 0.0245");
        assert_int_equal(a.n_numbers, 0);
    }
}

/* Through a box from which iterates leave before they come to the disc: the error holds the time in a box that holds
 * them; where most leave there is no time. */
static void mfpt__counts_what_leaves_the_box(void **state)
{
    (void)state;
    const sl_question q = {.task = SL_TASK_MFPT, .from = {-1, 0}, .to = {1, 0}, .radius = 0.4};
    sl_operator op = chain_of("bent-double-well", 0.2, "constant", 2, 64);
    sl_answer a = {0};
    solve_on_grid(&a, &op, &q);
    const double whole = number(&a, "mfpt", 0);
    assert_true(sl_answer_number(&a, "mfpt", 0).error < 1e-3 * whole);
    sl_answer_clear(&a);
    op.lo[0] = -2.2, op.hi[0] = 2.2, op.lo[1] = -2, op.hi[1] = 1.5;
    assert_int_equal(sl_operator_solve(&a, &op, &q, &(sl_err){0}), SL_UNDECIDED);
    const sl_number leaking = sl_answer_number(&a, "mfpt", 0);
    if (!(leaking.value < 0.98 * whole && leaking.value + leaking.error > 0.99 * whole && leaking.error < whole))
        fail_msg("%g +- %g, without leaks %g", leaking.value, leaking.error, whole);
    assert_non_null(strstr(a.note, "leave the domain"));
    sl_answer_clear(&a);
    op.lo[0] = -1.5, op.hi[0] = 1.5, op.lo[1] = -1, op.hi[1] = 0.7;
    assert_fails(sl_operator_solve(&a, &op, &q, &err), SL_E_NUMERIC, "make the domain wider");
}

static void committor__between_discs(void **state)
{
    (void)state;
    /* By symmetry 1/2 in the middle of equal discs; off the middle by simulation. */
    sl_operator op = chain_of("quadratic:a=1:dim=2", 0.2, "random:delta=0.5", 1, 64);
    sl_answer a = {0};
    solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_COMMITTOR, .from = {-0.6, 0}, .to = {0.6, 0}, .radius = 0.2});
    assert_near(number(&a, "committor_midway", 0), 0.5, 1e-6);
    sl_answer_clear(&a);
    op = chain_of("quadratic:a=1:dim=2", 0.2, "constant", 1, 64);
    const double from[2] = {-0.5, 0.1}, to[2] = {0.9, 0.1}, middle[2] = {0.2, 0.1};
    solve_on_grid(&a, &op,
                  &(sl_question){.task = SL_TASK_COMMITTOR, .from = {-0.5, 0.1}, .to = {0.9, 0.1}, .radius = 0.3});
    sl_estimate mean, part;
    simulate_passage(&mean, &part, &op, middle, to, from, 0.3);
    if (!(fabs(part.value - number(&a, "committor_midway", 0)) <= Z * part.se))
        fail_msg("committor: %g +- %g, the operator says %g", part.value, part.se, number(&a, "committor_midway", 0));
    sl_answer_clear(&a);
}

static void stationary__counts_what_leaves_a_given_box(void **state)
{
    (void)state;
    sl_operator op = chain_of("quadratic:a=1:dim=2", 0.1, "constant", 1, 64);
    for (size_t d = 0; d < 2; d++) { /* 3.7 deviations */
        op.lo[d] = -0.85;
        op.hi[d] = 0.85;
    }
    sl_answer a = {0};
    solve_on_grid(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY});
    assert_true(a.killed > 1e-6 && a.killed < 1e-3);
    sl_answer_clear(&a);
}

static void refuses__what_has_no_answer(void **state)
{
    (void)state;
    sl_answer a = {0};
    const sl_question stationary = {.task = SL_TASK_STATIONARY};
    sl_operator op = chain_of("quadratic:spectrum=1,0.4", 2.2, "constant", 1, 64);
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_UNSTABLE, "needs a l < 2/q = 2");
    op = chain_of("quadratic-saddle", 0.1, "constant", 1, 64);
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_UNSTABLE, "no stationary law");
    op = chain_of("quadratic:a=1:dim=2", 0.1, "constant", -1, 64);
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_DOMAIN, "noise variance = -1");
    op = chain_of("quadratic:a=1:dim=2", 0.1, "cyclic:period=4", 1, 64);
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_CONFIG, "only evolve");
    op = chain_of("quadratic:a=1:dim=2", 0.1, "constant", 1, 64);
    assert_fails(sl_operator_solve(&a, &op, &(sl_question){.task = SL_TASK_EVOLVE, .times = {0.5}, .n_times = 1}, &err),
                 SL_E_DOMAIN, "whole number");
    assert_fails(sl_operator_solve(&a, &op, &(sl_question){.task = SL_TASK_MFPT, .from = {30, 0}, .radius = 0.3}, &err),
                 SL_E_DOMAIN, "(30, 0) is outside");
    op.memory = 0;
    op = chain_of("rosenbrock", 0.001, "constant", 2, 64); /* a valley 0.0014 wide */
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_NUMERIC, "narrower than a cell of 32 x 32");
    op = chain_of("quadratic:a=1:dim=2", 0.1, "constant", 1, 64);
    op.memory = 1e5;
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_CONFIG, "bytes");
    assert_int_equal(a.n_numbers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stationary__separable_loss_is_a_product),
        cmocka_unit_test(stationary__random_rate_is_shared),
        cmocka_unit_test(spectrum__quadratic_has_products_of_powers),
        cmocka_unit_test(evolve__quadratic_is_exact),
        cmocka_unit_test(stationary__coupled_loss_is_what_simulations_find),
        cmocka_unit_test(mfpt__into_a_disc_is_what_simulations_find),
        cmocka_unit_test(mfpt__needs_a_grid_that_shows_the_noise),
        cmocka_unit_test(mfpt__counts_what_leaves_the_box),
        cmocka_unit_test(committor__between_discs),
        cmocka_unit_test(stationary__counts_what_leaves_a_given_box),
        cmocka_unit_test(refuses__what_has_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
