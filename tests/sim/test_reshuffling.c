#include "tests/test.h"

#include "base/random.h"
#include "sim/reshuffling.h"
#include "theory/reshuffling.h"

enum { N = 6 };
static const double x[2 * N] = {1, 0.2, -0.5, 1, 1.5, -0.3, 0.8, 0.9, -1.2, 0.1, 0.3, -0.7};
static const double y[N] = {0.4, 1.1, -0.6, 2, 0.2, -0.9};

static sl_reshuffling problem(double rate, size_t batch, sl_finite_drawing drawing)
{
    return (sl_reshuffling){.sum = {N, 2, x, y, rate, batch, drawing}, .seed = 9, .replicas = 512, .epochs = 600,
                            .burn_in = 60};
}

static double off(sl_estimate e, double expected)
{
    return fabs(e.value - expected) / e.se;
}

/* Each number within 4 standard errors (75 of them: a false alarm in 200, for a seed fixed once), at a rate where the
 * leading order misses. Control: the law of the other drawings is far away. */
static void run__has_the_exact_stationary_law(void **state)
{
    (void)state;
    static const size_t batches[] = {1, 2, 4};
    for (size_t b = 0; b < 3; b++)
        for (sl_finite_drawing drawing = SL_FINITE_REPLACEMENT; drawing <= SL_FINITE_EPOCHS; drawing++) {
            sl_reshuffling r = problem(0.15, batches[b], drawing);
            double theta[2], mean[2 * N], second[4 * N], other_mean[2 * N], other[4 * N];
            sl_estimate m[2 * N], M[4 * N];
            assert_ok(sl_finite_sum_minimum(theta, &r.sum, &err));
            r.centre = theta;
            assert_ok(sl_reshuffling_stationary(mean, second, &r.sum, &err));
            assert_ok(sl_reshuffling_run(m, M, &r, &err));
            const size_t positions = sl_finite_positions(&r.sum);
            for (size_t j = 0; j < 2 * positions; j++) assert_true(off(m[j], mean[j]) < 4);
            for (size_t j = 0; j < 4 * positions; j++) assert_true(off(M[j], second[j]) < 4);
            sl_finite_sum wrong = r.sum;
            wrong.drawing = drawing == SL_FINITE_EPOCHS ? SL_FINITE_SUBSETS : SL_FINITE_EPOCHS;
            assert_ok(sl_reshuffling_stationary(other_mean, other, &wrong, &err));
            assert_true(off(M[0], other[0]) > 10 && off(M[3], other[3]) > 10);
        }
}

static void run__does_not_depend_on_threads(void **state)
{
    (void)state;
    sl_reshuffling r = problem(0.1, 4, SL_FINITE_EPOCHS);
    sl_estimate m[2][4], M[2][8];
    r.epochs = 20, r.replicas = 300;
    for (int i = 0; i < 2; i++) {
        r.jobs = i == 0 ? 1 : 3;
        assert_ok(sl_reshuffling_run(m[i], M[i], &r, &err));
    }
    assert_memory_equal(m[0], m[1], sizeof m[0]);
    assert_memory_equal(M[0], M[1], sizeof M[0]);
}

static void batch_means__have_the_exact_noise(void **state)
{
    (void)state;
    double value[40], mean = 0, S2 = 0;
    const sl_draw draw = {.seed = 1, .purpose = SL_PURPOSE_TEST};
    sl_random_normals(value, 40, 0, 2, &draw);
    for (int i = 0; i < 40; i++) mean += value[i] / 40;
    for (int i = 0; i < 40; i++) S2 += (value[i] - mean) * (value[i] - mean) / 40;
    for (sl_finite_drawing drawing = SL_FINITE_REPLACEMENT; drawing <= SL_FINITE_EPOCHS; drawing++) {
        sl_batch_noise noise;
        sl_estimate variance, covariance;
        assert_ok(sl_batch_noise_of(&noise, drawing, 40, 15, &err));
        assert_ok(sl_batch_means_mc(&variance, &covariance, value, 40, 15, drawing, 20000, 3, &err));
        assert_true(off(variance, noise.variance * S2) < 4);
        assert_true(off(covariance, noise.covariance * S2) < 4);
        const double other = drawing == SL_FINITE_REPLACEMENT ? 25 / (15 * 39.0) : 1 / 15.0;
        assert_true(off(variance, other * S2) > 10); /* control */
        assert_true(drawing != SL_FINITE_EPOCHS || off(covariance, 0) > 10);
    }
}

static void reshuffling__refuses_bad_input(void **state)
{
    (void)state;
    sl_estimate m[2 * N] = {{7, 7, 7}}, M[4 * N];
    sl_reshuffling r = problem(0.1, 7, SL_FINITE_EPOCHS);
    assert_fails(sl_reshuffling_run(m, M, &r, &err), SL_E_DOMAIN, "batch = 7");
    r = problem(NAN, 2, SL_FINITE_EPOCHS);
    assert_fails(sl_reshuffling_run(m, M, &r, &err), SL_E_DOMAIN, "rate");
    r = problem(0.1, 2, SL_FINITE_EPOCHS), r.replicas = 1;
    assert_fails(sl_reshuffling_run(m, M, &r, &err), SL_E_DOMAIN, "replicas = 1");
    r = problem(0.1, 2, SL_FINITE_EPOCHS), r.epochs = 0;
    assert_fails(sl_reshuffling_run(m, M, &r, &err), SL_E_DOMAIN, "epochs = 0");
    r = problem(0.1, 2, SL_FINITE_EPOCHS), r.sum.n = 1;
    assert_fails(sl_reshuffling_run(m, M, &r, &err), SL_E_DOMAIN, "1 samples");
    r = problem(50, 2, SL_FINITE_EPOCHS);
    assert_fails(sl_reshuffling_run(m, M, &r, &err), SL_DIVERGED, "beyond doubles");
    assert_true(m[0].value == 7);
    assert_fails(sl_batch_means_mc(m, M, y, N, 4, SL_FINITE_EPOCHS, 100, 1, &err), SL_E_DOMAIN, "two full batches");
    assert_fails(sl_batch_means_mc(m, M, y, N, 2, SL_FINITE_EPOCHS, 1, 1, &err), SL_E_DOMAIN, "epochs = 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run__has_the_exact_stationary_law),
        cmocka_unit_test(run__does_not_depend_on_threads),
        cmocka_unit_test(batch_means__have_the_exact_noise),
        cmocka_unit_test(reshuffling__refuses_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
