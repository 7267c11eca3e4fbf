#include "tests/test.h"

#include "theory/reshuffling.h"

static const double x[6] = {1, -0.5, 1.5, 0.8, -1.2, 0.3}, y[6] = {0.4, 1.1, -0.6, 2, 0.2, -0.9};
static const double x2[12] = {1, 0.2, -0.5, 1, 1.5, -0.3, 0.8, 0.9, -1.2, 0.1, 0.3, -0.7};

static sl_finite_sum sum_of(size_t n, size_t d, double rate, size_t batch, sl_finite_drawing drawing)
{
    return (sl_finite_sum){.n = n, .d = d, .x = d == 1 ? x : x2, .y = y, .rate = rate, .batch = batch,
                           .drawing = drawing};
}

/* All orders of n numbers: fills list[n!][n]. */
static size_t permutations(int (*list)[6], int n)
{
    size_t count = 0;
    int p[6] = {0, 1, 2, 3, 4, 5}, c[6] = {0};
    memcpy(list[count++], p, sizeof p);
    for (int i = 1; i < n;) { /* Heap's algorithm */
        if (c[i] >= i) {
            c[i++] = 0;
            continue;
        }
        const int other = i % 2 == 0 ? 0 : c[i], kept = p[other];
        p[other] = p[i], p[i] = kept;
        memcpy(list[count++], p, sizeof p);
        c[i]++, i = 1;
    }
    return count;
}

static void noise__is_that_of_all_permutations(void **state)
{
    (void)state;
    static int list[720][6];
    assert_int_equal(permutations(list, 6), 720);
    double mean = 0, S2 = 0;
    for (int i = 0; i < 6; i++) mean += y[i] / 6;
    for (int i = 0; i < 6; i++) S2 += (y[i] - mean) * (y[i] - mean) / 6;
    for (size_t C = 1; C <= 3; C++) {
        double variance = 0, covariance = 0;
        for (size_t k = 0; k < 720; k++) {
            double a = 0, b = 0;
            for (size_t i = 0; i < C; i++) {
                a += (y[list[k][i]] - mean) / (double)C;
                b += (y[list[k][C + i]] - mean) / (double)C;
            }
            variance += a * a / 720;
            covariance += a * b / 720;
        }
        sl_batch_noise noise;
        assert_ok(sl_batch_noise_of(&noise, SL_FINITE_EPOCHS, 6, C, &err));
        assert_close(noise.variance * S2, variance, 1e-13);
        assert_close(noise.covariance * S2, covariance, 1e-13);
        assert_close(noise.correlation, -(double)C / (6 - (double)C), 1e-14);
        assert_ok(sl_batch_noise_of(&noise, SL_FINITE_SUBSETS, 6, C, &err));
        assert_close(noise.variance * S2, variance, 1e-13);
        assert_true(noise.covariance == 0);
    }
    sl_batch_noise noise;
    assert_ok(sl_batch_noise_of(&noise, SL_FINITE_REPLACEMENT, 6, 12, &err));
    assert_close(noise.variance, 1 / 12.0, 1e-15);
    assert_ok(sl_batch_noise_of(&noise, SL_FINITE_EPOCHS, 6, 6, &err));
    assert_true(noise.variance == 0 && isnan(noise.correlation));
}

/* One dimension: the affine map of every permutation of 5 samples, x -> a x + c, with batches of 1, and of 2 (the last
 * one shorter); mean = E c / (1 - E a), E x^2 = (2 E ac mean + E c^2) / (1 - E a^2). */
static void stationary__is_that_of_all_permutations(void **state)
{
    (void)state;
    static int list[120][6];
    assert_int_equal(permutations(list, 5), 120);
    for (size_t C = 1; C <= 3; C++) {
        const sl_finite_sum s = sum_of(5, 1, 0.3, C, SL_FINITE_EPOCHS);
        double minimum, a1 = 0, c1 = 0, a2 = 0, ac = 0, c2 = 0, mean[5], second[5];
        assert_ok(sl_finite_sum_minimum(&minimum, &s, &err));
        assert_int_equal(sl_finite_positions(&s), (5 + C - 1) / C);
        for (size_t k = 0; k < 120; k++) {
            double a = 1, c = 0;
            for (size_t first = 0; first < 5; first += C) {
                const size_t size = first + C <= 5 ? C : 5 - first;
                double H = 0, b = 0;
                for (size_t i = first; i < first + size; i++) {
                    const int j = list[k][i];
                    H += x[j] * x[j] / (double)size;
                    b += x[j] * (x[j] * minimum - y[j]) / (double)size;
                }
                a *= 1 - 0.3 * H;
                c = (1 - 0.3 * H) * c - 0.3 * b;
            }
            a1 += a / 120, c1 += c / 120, a2 += a * a / 120, ac += a * c / 120, c2 += c * c / 120;
        }
        assert_ok(sl_reshuffling_stationary(mean, second, &s, &err));
        const double m = c1 / (1 - a1);
        assert_close(mean[0], m, 1e-11);
        assert_close(second[0], (2 * ac * m + c2) / (1 - a2), 1e-11);
    }
}

/* Independent batches in two dimensions: all batches of 2 written out (36 or 15 of them), the moments iterated until
 * they stand still. */
static void stationary__of_independent_batches_is_that_of_all_batches(void **state)
{
    (void)state;
    for (int subsets = 0; subsets < 2; subsets++) {
        const sl_finite_sum s = sum_of(6, 2, 0.25, 2, subsets ? SL_FINITE_SUBSETS : SL_FINITE_REPLACEMENT);
        double minimum[2], m[2] = {0}, M[2][2] = {{0}}, mean[2], second[4];
        assert_ok(sl_finite_sum_minimum(minimum, &s, &err));
        for (int iteration = 0; iteration < 2000; iteration++) {
            double nm[2] = {0}, nM[2][2] = {{0}}, count = 0;
            for (int i = 0; i < 6; i++)
                for (int j = 0; j < 6; j++) {
                    if (subsets && i == j) continue;
                    const int pair[2] = {i, j};
                    double A[2][2] = {{1, 0}, {0, 1}}, b[2] = {0};
                    for (int q = 0; q < 2; q++) {
                        const double *const v = x2 + 2 * pair[q];
                        const double r = v[0] * minimum[0] + v[1] * minimum[1] - y[pair[q]];
                        for (int k = 0; k < 2; k++) {
                            b[k] += v[k] * r / 2;
                            for (int l = 0; l < 2; l++) A[k][l] -= 0.25 * v[k] * v[l] / 2;
                        }
                    }
                    for (int k = 0; k < 2; k++) {
                        nm[k] += A[k][0] * m[0] + A[k][1] * m[1] - 0.25 * b[k];
                        for (int l = 0; l < 2; l++) {
                            nM[k][l] += 0.25 * 0.25 * b[k] * b[l] - 0.25 * (A[k][0] * m[0] + A[k][1] * m[1]) * b[l] -
                                        0.25 * b[k] * (A[l][0] * m[0] + A[l][1] * m[1]);
                            for (int p = 0; p < 4; p++) nM[k][l] += A[k][p / 2] * M[p / 2][p % 2] * A[l][p % 2];
                        }
                    }
                    count++;
                }
            for (int k = 0; k < 2; k++) {
                m[k] = nm[k] / count;
                for (int l = 0; l < 2; l++) M[k][l] = nM[k][l] / count;
            }
        }
        assert_ok(sl_reshuffling_stationary(mean, second, &s, &err));
        for (int k = 0; k < 4; k++) assert_close(second[k], M[k / 2][k % 2], 1e-10);
        assert_near(mean[0], 0, 1e-12);
        assert_near(mean[1], 0, 1e-12);
    }
}

/* Equal curvatures a = x_i^2: eta' = r eta - rate b, r = 1 - rate a. Between epochs eta has the closed form
 * v q/(q-1) sum_j (c_j - c)^2 / (1 - r^(2 q)), c_j = rate r^(q-j), v the variance of a batch's b. */
static void stationary__of_equal_curvatures_has_a_closed_form(void **state)
{
    (void)state;
    const double one[6] = {1.2, -1.2, 1.2, 1.2, -1.2, 1.2}, rate = 0.2, a = 1.44;
    const sl_finite_sum s = {.n = 6, .d = 1, .x = one, .y = y, .rate = rate, .batch = 2, .drawing = SL_FINITE_EPOCHS};
    double minimum, mean[3], second[3], S2 = 0, centre = 0, spread = 0;
    assert_ok(sl_finite_sum_minimum(&minimum, &s, &err));
    for (int i = 0; i < 6; i++) {
        const double b = one[i] * (one[i] * minimum - y[i]);
        S2 += b * b / 6;
    }
    const double r = 1 - rate * a, c[3] = {rate * r * r, rate * r, rate};
    for (int j = 0; j < 3; j++) centre += c[j] / 3;
    for (int j = 0; j < 3; j++) spread += (c[j] - centre) * (c[j] - centre);
    assert_ok(sl_reshuffling_stationary(mean, second, &s, &err));
    assert_close(second[0], S2 / 2 * 4 / 5 * 3 / 2 * spread / (1 - pow(r, 6)), 1e-11);
    assert_near(mean[0], 0, 1e-14);
}

/* Exact over leading - 1 halves with the rate; between epochs what is left of the variance is of order rate^3. */
static void leading__is_the_limit_of_small_rates(void **state)
{
    (void)state;
    for (sl_finite_drawing drawing = SL_FINITE_REPLACEMENT; drawing <= SL_FINITE_EPOCHS; drawing++) {
        double off[2], off_mean[2], left[2];
        for (int i = 0; i < 2; i++) {
            const double rate = 0.004 / (1 + i);
            const sl_finite_sum s = sum_of(6, 2, rate, 2, drawing);
            double mean[6], second[12], m0[6], M0[12], n = 0, n0 = 0, e = 0, e0 = 0;
            assert_ok(sl_reshuffling_stationary(mean, second, &s, &err));
            assert_ok(sl_reshuffling_leading(m0, M0, &s, &err));
            const size_t last = sl_finite_positions(&s) - 1;
            for (size_t k = 0; k < 4; k++) n += fabs(second[4 * last + k]), n0 += fabs(M0[4 * last + k]);
            for (size_t k = 0; k < 2; k++) e += fabs(mean[2 * last + k]), e0 += fabs(m0[2 * last + k]);
            off[i] = n / n0 - 1;
            off_mean[i] = drawing == SL_FINITE_EPOCHS ? e / e0 - 1 : 0;
            left[i] = second[0] - mean[0] * mean[0];
        }
        assert_true(fabs(off[0]) < 0.1 && fabs(off[0]) > 1e-5);
        assert_near(off[0] / off[1], 2, 0.1);
        if (drawing != SL_FINITE_EPOCHS) continue;
        assert_true(fabs(off_mean[0]) < 0.1);
        assert_near(off_mean[0] / off_mean[1], 2, 0.1);
        assert_near(left[0] / left[1], 8, 0.2);
    }
}

/* The bridge, averaged over an epoch's positions, in one dimension. */
static void leading__has_the_mean_over_an_epoch(void **state)
{
    (void)state;
    const sl_finite_sum s = sum_of(6, 1, 1e-3, 1, SL_FINITE_EPOCHS);
    double mean[6], second[6], minimum, S = 0, variance = 0;
    assert_ok(sl_finite_sum_minimum(&minimum, &s, &err));
    assert_ok(sl_reshuffling_leading(mean, second, &s, &err));
    for (int i = 0; i < 6; i++) S += pow(x[i] * (x[i] * minimum - y[i]), 2) / 6;
    for (int p = 0; p < 6; p++) variance += (second[p] - mean[p] * mean[p]) / 6;
    assert_close(variance, 1e-6 * (36 - 1) / (6 * 5.0) * S, 1e-10);
}

static void reshuffling__refuses_bad_input(void **state)
{
    (void)state;
    double mean[6] = {7}, second[24] = {7};
    sl_batch_noise noise = {.variance = 7};
    assert_fails(sl_batch_noise_of(&noise, SL_FINITE_EPOCHS, 1, 1, &err), SL_E_DOMAIN, "1 samples");
    assert_fails(sl_batch_noise_of(&noise, SL_FINITE_SUBSETS, 4, 5, &err), SL_E_DOMAIN, "batch = 5");
    assert_fails(sl_batch_noise_of(&noise, SL_FINITE_REPLACEMENT, 4, 0, &err), SL_E_DOMAIN, "batch = 0");
    assert_true(noise.variance == 7);
    sl_finite_sum s = sum_of(6, 1, 0, 1, SL_FINITE_EPOCHS);
    assert_fails(sl_reshuffling_stationary(mean, second, &s, &err), SL_E_DOMAIN, "rate = 0");
    s = sum_of(6, 1, 0.1, 1, SL_FINITE_EPOCHS), s.d = 5;
    assert_fails(sl_reshuffling_stationary(mean, second, &s, &err), SL_E_DOMAIN, "d = 5");
    s = sum_of(6, 1, 3, 1, SL_FINITE_EPOCHS);
    assert_fails(sl_reshuffling_stationary(mean, second, &s, &err), SL_E_UNSTABLE, "second moments grow");
    const double zeros[20] = {0}, lost[2] = {1, NAN};
    s = sum_of(6, 1, 0.1, 1, SL_FINITE_EPOCHS), s.x = zeros;
    assert_fails(sl_reshuffling_stationary(mean, second, &s, &err), SL_E_DOMAIN, "no unique minimum");
    s = sum_of(2, 1, 0.1, 1, SL_FINITE_EPOCHS), s.x = lost;
    assert_fails(sl_reshuffling_stationary(mean, second, &s, &err), SL_E_DOMAIN, "sample 1");
    double many[20];
    for (int i = 0; i < 20; i++) many[i] = 1 + i % 3;
    s = (sl_finite_sum){.n = 20, .d = 1, .x = many, .y = many, .rate = 0.01, .batch = 1, .drawing = SL_FINITE_EPOCHS};
    assert_fails(sl_reshuffling_stationary(mean, second, &s, &err), SL_E_DOMAIN, "20 samples");
    s = sum_of(6, 1, 0.1, 4, SL_FINITE_EPOCHS);
    assert_fails(sl_reshuffling_leading(mean, second, &s, &err), SL_E_DOMAIN, "must divide");
    assert_true(mean[0] == 7 && second[0] == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise__is_that_of_all_permutations),
        cmocka_unit_test(stationary__is_that_of_all_permutations),
        cmocka_unit_test(stationary__of_independent_batches_is_that_of_all_batches),
        cmocka_unit_test(stationary__of_equal_curvatures_has_a_closed_form),
        cmocka_unit_test(leading__is_the_limit_of_small_rates),
        cmocka_unit_test(leading__has_the_mean_over_an_epoch),
        cmocka_unit_test(reshuffling__refuses_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
