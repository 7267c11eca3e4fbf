#include "tests/test.h"

#include "base/random.h"
#include "sim/least_squares.h"
#include "theory/averaging.h"

static const double spectrum[3] = {1.3, 0.4, 0.05}, start[3] = {1, -0.7, 2};

static sl_least_squares problem(const uint64_t *at, size_t n_at)
{
    return (sl_least_squares){.d = 3, .spectrum = spectrum, .start = start, .rate = 0.15, .noise = 0.6, .seed = 11,
                              .replicas = 40000, .at = at, .n_at = n_at};
}

/* Each within 4 standard errors: false alarm 6e-5, 20 of them. The control: the bias alone misses. */
static void run__has_the_exact_bias_and_variance(void **state)
{
    (void)state;
    static const uint64_t at[] = {1, 10, 60};
    for (int variant = 0; variant < 4; variant++) {
        sl_least_squares p = problem(at, 3);
        sl_averaging a = {.d = 3, .spectrum = spectrum, .start = start, .rate = 0.15, .noise = 0.6};
        if (variant == 1) p.batch = 4, a.batch = 4;
        if (variant == 2) p.noise = a.noise = 0;
        if (variant == 3) p.from = 20, p.at = at + 2, p.n_at = 1, p.start = a.start = NULL;
        sl_least_squares_point point[3];
        sl_averaging_modes *m;
        assert_ok(sl_averaging_alloc(&m, &a, &err));
        assert_ok(sl_least_squares_run(point, &p, &err));
        for (size_t j = 0; j < p.n_at; j++) {
            sl_averaging_risk last, average;
            assert_ok(sl_averaging_last(&last, m, p.at[j], &err));
            assert_ok(sl_averaging_average(&average, m, p.from, p.at[j] - p.from, &err));
            assert_near(point[j].last.value, last.bias + last.variance, 4 * point[j].last.se);
            assert_near(point[j].average.value, average.bias + average.variance,
                        4 * point[j].average.se + 1e-12 * average.bias);
            assert_true(point[j].last.se < 0.02 * point[j].last.value);
            if (variant == 0 && j == 2)
                assert_true(fabs(point[j].average.value - average.bias) > 10 * point[j].average.se);
        }
        sl_averaging_free(m);
    }
}

/* Two replicas, two samples, three steps by hand from the numbers that the header names. */
static void run__is_the_hand_iteration(void **state)
{
    (void)state;
    static const uint64_t at[] = {3};
    sl_least_squares p = problem(at, 1);
    p.replicas = 2, p.batch = 2, p.from = 1, p.experiment = 5;
    double last[2] = {0}, average[2] = {0};
    for (uint64_t r = 0; r < 2; r++) {
        double eta[3] = {1, -0.7, 2}, sum[3] = {0};
        for (uint64_t k = 0; k < 3; k++) {
            double g[3] = {0};
            for (uint32_t c = 0; c < 2; c++) {
                double x[3];
                sl_draw draw = {.seed = 11, .step = k, .sub = 5u << 16 | (4 * c + 3), .purpose = SL_PURPOSE_NOISE};
                double residual = sl_random_normal(r, sqrt(0.6), &draw);
                for (uint32_t i = 0; i < 3; i++) {
                    draw.sub = 5u << 16 | (4 * c + i);
                    x[i] = sl_random_normal(r, sqrt(spectrum[i]), &draw);
                    residual += x[i] * eta[i];
                }
                for (int i = 0; i < 3; i++) g[i] += x[i] * residual;
            }
            for (int i = 0; i < 3; i++) {
                if (k >= 1) sum[i] += eta[i] / 2;
                eta[i] -= 0.15 / 2 * g[i];
            }
        }
        for (int i = 0; i < 3; i++) {
            last[r] += spectrum[i] * eta[i] * eta[i] / 2;
            average[r] += spectrum[i] * sum[i] * sum[i] / 2;
        }
    }
    sl_least_squares_point point;
    assert_ok(sl_least_squares_run(&point, &p, &err));
    assert_close(point.last.value, (last[0] + last[1]) / 2, 1e-12);
    assert_close(point.average.value, (average[0] + average[1]) / 2, 1e-12);
    assert_close(point.last.se, fabs(last[0] - last[1]) / 2, 1e-10);
}

static void run__does_not_depend_on_threads(void **state)
{
    (void)state;
    static const uint64_t at[] = {2, 20};
    sl_least_squares p = problem(at, 2);
    sl_least_squares_point one[2], three[2];
    p.replicas = 3000;
    p.jobs = 1;
    assert_ok(sl_least_squares_run(one, &p, &err));
    p.jobs = 3;
    assert_ok(sl_least_squares_run(three, &p, &err));
    assert_memory_equal(one, three, sizeof one);
}

static void run__refuses_bad_input(void **state)
{
    (void)state;
    static const uint64_t at[] = {5, 5}, early[] = {0};
    const double bad[3] = {1, -1, 1};
    sl_least_squares_point point[2] = {{{7, 7, 7}, {7, 7, 7}}};
    sl_least_squares p = problem(at, 2);
    assert_fails(sl_least_squares_run(point, &p, &err), SL_E_DOMAIN, "at[1] = 5");
    p = problem(early, 1);
    assert_fails(sl_least_squares_run(point, &p, &err), SL_E_DOMAIN, "at[0] = 0");
    p = problem(at, 0);
    assert_fails(sl_least_squares_run(point, &p, &err), SL_E_DOMAIN, "n_at >= 1");
    p = problem(at, 1), p.spectrum = bad;
    assert_fails(sl_least_squares_run(point, &p, &err), SL_E_DOMAIN, "spectrum[1] = -1");
    p = problem(at, 1), p.rate = 0;
    assert_fails(sl_least_squares_run(point, &p, &err), SL_E_DOMAIN, "rate = 0");
    p = problem(at, 1), p.noise = NAN;
    assert_fails(sl_least_squares_run(point, &p, &err), SL_E_DOMAIN, "noise = ");
    p = problem(at, 1), p.replicas = 1;
    assert_fails(sl_least_squares_run(point, &p, &err), SL_E_DOMAIN, "replicas = 1");
    p = problem(at, 1), p.batch = 20000;
    assert_fails(sl_least_squares_run(point, &p, &err), SL_E_DOMAIN, "batch = 20000");
    p = problem(at, 1), p.experiment = 1 << 16;
    assert_fails(sl_least_squares_run(point, &p, &err), SL_E_DOMAIN, "experiment = 65536");
    static const uint64_t late[] = {400};
    p = problem(late, 1), p.rate = 1e3, p.replicas = 64;
    assert_fails(sl_least_squares_run(point, &p, &err), SL_DIVERGED, "beyond doubles");
    assert_true(point[0].last.value == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run__has_the_exact_bias_and_variance),
        cmocka_unit_test(run__is_the_hand_iteration),
        cmocka_unit_test(run__does_not_depend_on_threads),
        cmocka_unit_test(run__refuses_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
