#include "tests/test.h"

#include "sim/escape/splitting.h"
#include "sim/operators/operator.h"
#include "theory/passage.h"

/* Errors are t-distributed with 15 degrees of freedom or more: |z| > 5 comes by chance 2e-4 of the time at most, and seeds
 * are fixed. */
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

/* Barriers of 8, 12 and 20 T: constant and random rates, the double well and a tilted one. */
static void time__of_sgd_is_the_transfer_operators(void **state)
{
    (void)state;
    const struct {
        const char *loss, *schedule;
        double l, s2, start, a, z, b;
    } rows[] = {
        {"double-well", "constant", 0.1, 0.625, -1, -0.95, -0.8, 1},               /* T = 1/32                   */
        {"double-well", "random:delta=1", 0.1, 0.3125, -1, -0.95, -0.8, 1},        /* 1/48: T = q l s2 / 2        */
        {"tilted-double-well:tilt=0.1", "constant", 0.05, 0.7, -1.04, -1, -0.9, 0.9}, /* 1/57, a barrier of 0.35 */
        {"double-well", "constant", 0.2, 0.18, -1, -0.95, -0.85, 0.8},             /* 1/55: far from continuous   */
        {"double-well", "random:delta=0.5", 0.02, 1.95, -1, -0.95, -0.85, 1},      /* 1/47                       */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sl_sgd s = chain_of(rows[i].loss, "plain", 0, rows[i].schedule, rows[i].l, rows[i].s2);
        s.ensemble.start = &rows[i].start;
        const sl_splitting how = on_line(rows[i].a, rows[i].z, rows[i].b);
        const double exact = exact_steps(&s, rows[i].start, rows[i].b);
        sl_rare r;
        assert_ok(sl_sgd_splitting(&r, &s, &how, &err));
        printf("%zu: %.5g +- %.2g exact %.5g z %.2f levels %zu updates %.3g s %.3g p %g rate %g\n", i, r.time.value, r.time.se, exact, (r.time.value-exact)/r.time.se, r.n_levels, r.updates, r.seconds, r.probability.value, r.rate.value);
        assert_within(rows[i].loss, r.time, exact, 0.1);
        assert_close(1 / (r.rate.value * r.probability.value), r.time.value, 1e-12);
        double product = 1;
        for (size_t k = 0; k < r.n_levels; k++) product *= r.passage[k];
        assert_close(product, r.probability.value, 0.2);
        assert_true(fabs(r.time.value - 1.6 * exact) > Z * r.time.se); /* control */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time__of_sgd_is_the_transfer_operators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
