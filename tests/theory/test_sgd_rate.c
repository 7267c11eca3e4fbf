#include "tests/test.h"

#include "sim/operators/operator.h"
#include "theory/passage.h"
#include "theory/sgd_rate.h"

static double well(double x, void *tilt)
{
    return (x * x - 1) * (x * x - 1) / 4 + *(double *)tilt * x;
}
static double d_well(double x, void *tilt)
{
    return x * (x * x - 1) + *(double *)tilt;
}
static double dd_well(double x, void *tilt)
{
    (void)tilt;
    return 3 * x * x - 1;
}

/* (l x steps / Langevin's time - 1)/l of the transfer operator's mean first-passage time from -1 to 1 in the double
 * well. */
static double measured(double T, double delta, double l)
{
    double log_tau, flat = 0;
    sl_operator op = {.kind = &sl_transfer, .noise_variance = 2 * T / (l * (1 + delta * delta / 3))};
    const sl_question q = {.task = SL_TASK_MFPT, .from = {-1}, .to = {1}};
    sl_answer a;
    assert_ok(sl_passage_log_time(&log_tau, well, &flat, T, -1, 1, -INFINITY, &err));
    assert_ok(sl_loss_init(&op.loss, "double-well", &err));
    assert_ok(sl_rule_init(&op.rule, "plain", SL_ALPHA_ON_STEP, l, 0, 0, &err));
    assert_ok(sl_schedule_init(&op.schedule, delta > 0 ? "random:delta=1" : "constant", l, 1, 1, &err));
    assert_ok(sl_operator_solve(&a, &op, &q, &err));
    const double steps = sl_answer_number(&a, "mfpt", 0).value;
    sl_answer_clear(&a);
    return (l * steps / exp(log_tau) - 1) / l;
}

/* Measured at l, l/2, l/4 it is c + a/sqrt(l) + b l: the overshoot at 1, where a ~ exp(-height/T), and the next order.
 * What is left, sqrt(l) times the first, is within 1e-3. Wrong: a random rate taken for a constant one. */
static void sgd_rate__meets_the_transfer_operator(void **state)
{
    (void)state;
    const double T = 0.03, l = 0.02;
    double flat = 0, c[2];
    for (int delta = 0; delta < 2; delta++) {
        const sl_alpha_law alpha = sl_alpha_uniform(delta);
        assert_ok(sl_sgd_rate_correction(&c[delta], well, d_well, dd_well, &flat, T, -1, 1, &alpha, &err));
        double m[3], root = sqrt(0.5);
        for (int i = 0; i < 3; i++) m[i] = measured(T, delta, l / (1 << i));
        /* differences: a (1/sqrt(l/2) - 1/sqrt(l)) - b l/2, and the same at l/2 */
        const double first = m[1] - m[0], second = m[2] - m[1], unit = (1 / root - 1) / sqrt(l);
        const double a = (2 * second - first) / (unit * (2 / root - 1)), b = (a * unit - first) / (l / 2);
        assert_near(m[2] - 2 * a / sqrt(l) - b * l / 4, c[delta], 1e-3);
    }
    assert_true(fabs(c[1] - c[0]) > 1);
}

/* On the tilted well, where nothing is symmetric: the limit of small T, approached like T: its remainder halves with T.
 */
static void sgd_rate__tends_to_laplace(void **state)
{
    (void)state;
    double tilt = 0.05;
    /* roots of x^3 - x + tilt by Newton's method */
    double minimum = -1, saddle = 0, right = 1;
    for (int i = 0; i < 30; i++) {
        minimum -= d_well(minimum, &tilt) / dd_well(minimum, NULL);
        saddle -= d_well(saddle, &tilt) / dd_well(saddle, NULL);
        right -= d_well(right, &tilt) / dd_well(right, NULL);
    }
    for (int delta = 0; delta < 2; delta++) {
        const sl_alpha_law alpha = sl_alpha_uniform(delta);
        double off[2], back[2];
        for (int i = 0; i < 2; i++) {
            const double T = 0.004 / (1 << i);
            double c, limit;
            assert_ok(sl_sgd_rate_correction(&c, well, d_well, dd_well, &tilt, T, minimum, right, &alpha, &err));
            assert_ok(sl_sgd_rate_kramers(&limit, d_well, &tilt, minimum, saddle, dd_well(minimum, NULL),
                                          dd_well(saddle, NULL), T, &alpha, &err));
            off[i] = c - limit;
            assert_ok(sl_sgd_rate_correction(&c, well, d_well, dd_well, &tilt, T, right, minimum, &alpha, &err));
            assert_ok(sl_sgd_rate_kramers(&limit, d_well, &tilt, right, saddle, dd_well(right, NULL),
                                          dd_well(saddle, NULL), T, &alpha, &err));
            back[i] = c - limit;
        }
        assert_true(fabs(off[1]) < 5e-4 && fabs(back[1]) < 5e-4);
        assert_near(off[1] / off[0], 0.5, 0.05);
        assert_near(back[1] / back[0], 0.5, 0.05);
    }
}

/* A mirror image has the same correction, and a constant rate is the law without spread. */
static void sgd_rate__symmetries(void **state)
{
    (void)state;
    double tilt = 0.05, other = -0.05, c, d, e;
    const sl_alpha_law one = sl_alpha_uniform(0), half = sl_alpha_uniform(0.5);
    assert_ok(sl_sgd_rate_correction(&c, well, d_well, dd_well, &tilt, 0.03, -1, 0.9, &half, &err));
    assert_ok(sl_sgd_rate_correction(&d, well, d_well, dd_well, &other, 0.03, 1, -0.9, &half, &err));
    assert_close(c, d, 1e-9);
    assert_ok(sl_sgd_rate_correction(&c, well, d_well, dd_well, &tilt, 0.03, -1, 0.9, &one, &err));
    assert_ok(sl_sgd_rate_correction(&e, well, d_well, dd_well, &tilt, 0.03, -1, 0.9, NULL, &err));
    assert_near(c, e, 1e-12);
    assert_true(fabs(c - d) > 0.1);
}

static double downhill(double x, void *ctx)
{
    (void)ctx;
    return x;
}
static double one(double x, void *ctx)
{
    (void)x, (void)ctx;
    return 1;
}

static void sgd_rate__refuses(void **state)
{
    (void)state;
    double c, flat = 0;
    sl_alpha_law wrong = sl_alpha_uniform(0);
    wrong.node[0] = 2;
    assert_fails(sl_sgd_rate_correction(&c, well, d_well, dd_well, &flat, 0, -1, 1, NULL, &err), SL_E_DOMAIN, "T = 0");
    assert_fails(sl_sgd_rate_correction(&c, well, d_well, dd_well, &flat, 0.1, -1, -1, NULL, &err), SL_E_DOMAIN,
                 "two finite points");
    assert_fails(sl_sgd_rate_correction(&c, well, d_well, dd_well, &flat, 0.1, -1, 1, &wrong, &err), SL_E_DOMAIN,
                 "mean 2");
    assert_fails(sl_sgd_rate_correction(&c, downhill, one, one, NULL, 0.1, 0, 1, NULL, &err), SL_E_UNSTABLE,
                 "does not confine");
    assert_fails(sl_sgd_rate_kramers(&c, d_well, &flat, -1, 0, -2, -1, 0.1, NULL, &err), SL_E_DOMAIN,
                 "curvature at the minimum = -2");
    assert_fails(sl_sgd_rate_kramers(&c, d_well, &flat, -1, 0, 2, 1, 0.1, NULL, &err), SL_E_DOMAIN,
                 "downward curvature at the saddle = -1");
    assert_fails(sl_sgd_rate_kramers(&c, d_well, &flat, -1, NAN, 2, -1, 0.1, NULL, &err), SL_E_DOMAIN,
                 "two finite points");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgd_rate__meets_the_transfer_operator),
        cmocka_unit_test(sgd_rate__tends_to_laplace),
        cmocka_unit_test(sgd_rate__symmetries),
        cmocka_unit_test(sgd_rate__refuses),
    };
    return cmocka_run_group_tests_name("theory/sgd_rate", tests, NULL, NULL);
}
