/* Label smoothing and the directional derivative of the loss; its plain values are in test_model.c. */
#include "tests/test.h"

#include "nets/layers/cross_entropy.h"

enum { N = 5, CLASSES = 4 };

static const uint8_t labels[N] = {3, 0, 1, 1, 2};

static void fill(float *z, double *zd)
{
    for (int i = 0; i < N * CLASSES; i++) z[i] = (float)((i * 29 + 3) % 17 - 8) / 4, zd[i] = (double)z[i];
}

/* The sum over samples, by the definition: -sum_c t_c log p_c. */
static double definition(const double *z, double smoothing)
{
    double loss = 0;
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int c = 0; c < CLASSES; c++) sum += exp(z[i * CLASSES + c]);
        for (int c = 0; c < CLASSES; c++) {
            const double t = (1 - smoothing) * (c == labels[i]) + smoothing / CLASSES;
            loss -= t * (z[i * CLASSES + c] - log(sum));
        }
    }
    return loss;
}

/* Logits (log 1, log 2, log 5), label 2, e = 0.3: targets 0.1, 0.1, 0.8; loss log 8 - 0.1 log 2 - 0.8 log 5. */
static void label_smoothing__by_hand(void **state)
{
    (void)state;
    const float z[3] = {0, logf(2), logf(5)};
    const uint8_t label = 2;
    float p[3], dz[3];
    size_t right;
    assert_near(sl_cross_entropy_forward(p, &right, z, &label, 1, 3, 0.3), log(8) - 0.1 * log(2) - 0.8 * log(5), 1e-6);
    assert_int_equal(right, 1);
    sl_cross_entropy_backward(dz, p, &label, 1, 3, 0.3);
    const double expected[3] = {1 / 8. - 0.1, 2 / 8. - 0.1, 5 / 8. - 0.8};
    for (int c = 0; c < 3; c++) assert_near(dz[c], expected[c], 1e-7);
}

static void label_smoothing__against_its_definition(void **state)
{
    (void)state;
    const double smoothings[] = {0, 0.1, 0.5, 1};
    const double h = 1e-5; /* truncation h^2 = 1e-10, rounding 1e-15 / h = 1e-10 */
    for (size_t k = 0; k < 4; k++) {
        float z[N * CLASSES], p[N * CLASSES], dz[N * CLASSES];
        double zd[N * CLASSES];
        size_t right, plain;
        fill(z, zd);
        assert_close(sl_cross_entropy_forward(p, &right, z, labels, N, CLASSES, smoothings[k]),
                     definition(zd, smoothings[k]), 1e-6);
        sl_cross_entropy_forward(p, &plain, z, labels, N, CLASSES, 0);
        assert_int_equal(right, plain);
        sl_cross_entropy_backward(dz, p, labels, N, CLASSES, smoothings[k]);
        for (int i = 0; i < N * CLASSES; i++) {
            zd[i] += h;
            const double up = definition(zd, smoothings[k]);
            zd[i] -= 2 * h;
            const double down = definition(zd, smoothings[k]);
            zd[i] += h;
            assert_near(dz[i], (up - down) / (2 * h) / N, 1e-7);
        }
        sl_cross_entropy_backward(p, p, labels, N, CLASSES, smoothings[k]); /* in place */
        assert_memory_equal(p, dz, sizeof p);
    }
}

/* Large and not finite logits, smoothed: the loss is exact, or not finite either. */
static void label_smoothing__extreme_logits(void **state)
{
    (void)state;
    const float z[3] = {1e30f, 0, -1e30f};
    const uint8_t label = 0;
    float p[3];
    size_t right;
    /* targets 0.8, 0.1, 0.1: loss 1e30 - 0.8e30 + 0.1e30 */
    assert_close(sl_cross_entropy_forward(p, &right, z, &label, 1, 3, 0.3), 3e29, 1e-6);
    for (int at = 0; at < 3; at++) {
        float bad[3] = {1, 2, 3};
        bad[at] = NAN;
        assert_false(isfinite(sl_cross_entropy_forward(p, &right, bad, &label, 1, 3, 0.3)));
    }
}

/* Softmax (1/8, 2/8, 5/8) along r = (8, 0, -8): mean of r is -4, so p (r + 4) = (3/2, 1, -5/2). */
static void tangent__by_hand(void **state)
{
    (void)state;
    const float p[6] = {1 / 8.f, 2 / 8.f, 5 / 8.f, 1 / 8.f, 2 / 8.f, 5 / 8.f}, rz[6] = {8, 0, -8, 3, 3, 3};
    const double expected[6] = {0.75, 0.5, -1.25, 0, 0, 0}; /* of the mean over two samples; a shift changes nothing */
    float r[6];
    sl_cross_entropy_tangent(r, p, rz, 2, 3);
    for (int i = 0; i < 6; i++) assert_near(r[i], expected[i], 1e-7);
}

/* The gradient at z + h r and z - h r, by the definition's second differences; smoothing makes no difference to it. */
static void tangent__against_differences_of_the_definition(void **state)
{
    (void)state;
    const double h = 1e-3; /* truncation h^2 = 1e-6 of derivatives below 0.1, rounding 1e-15 / h^2 = 1e-9 */
    float z[N * CLASSES], p[N * CLASSES], rz[N * CLASSES], r[N * CLASSES];
    double zd[N * CLASSES], at[N * CLASSES];
    size_t right;
    fill(z, zd);
    for (int i = 0; i < N * CLASSES; i++) rz[i] = (float)((i * 13 + 5) % 11 - 5) / 5;
    sl_cross_entropy_forward(p, &right, z, labels, N, CLASSES, 0.2);
    sl_cross_entropy_tangent(r, p, rz, N, CLASSES);
    for (int i = 0; i < N * CLASSES; i++) {
        double second = 0;
        for (int s = 0; s < 4; s++) {
            const int a = s & 1 ? 1 : -1, b = s & 2 ? 1 : -1;
            for (int k = 0; k < N * CLASSES; k++) at[k] = zd[k] + a * h * (double)rz[k] + b * h * (k == i);
            second += a * b * definition(at, 0.2) / (4 * h * h);
        }
        assert_near(r[i], second / N, 5e-7);
    }
    sl_cross_entropy_tangent(rz, p, rz, N, CLASSES); /* in place */
    assert_memory_equal(rz, r, sizeof r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(label_smoothing__by_hand),
        cmocka_unit_test(label_smoothing__against_its_definition),
        cmocka_unit_test(label_smoothing__extreme_logits),
        cmocka_unit_test(tangent__by_hand),
        cmocka_unit_test(tangent__against_differences_of_the_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
