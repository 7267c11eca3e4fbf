#include "tests/test.h"

#include "theory/diffusion.h"
#include "theory/temperature.h"

/* Per-sample gradients (x_i . w - y_i) x_i of a least-squares problem with 12 samples in 3 dimensions; the covariances
 * of alpha times the mean of 3 of them were found in exact rational arithmetic over all batches. */
enum { N = 12, DIM = 3, C = 3, SIZE = DIM * DIM };
static const double g[N * DIM] = {
    1.0 / 6,  0,         1.0 / 3,  0, -7.0 / 12, 7.0 / 12,  -5.0 / 2, -5.0 / 4, 0,        -1.0 / 3, 2.0 / 3,  1.0 / 3,
    1.0 / 12, -1.0 / 12, 1.0 / 12, 0, -17.0 / 3, -17.0 / 3, -3.0 / 2, 3.0 / 4,  0,        7.0 / 12, 7.0 / 12, 7.0 / 12,
    -5.0 / 2, 0,         5.0 / 6,  0, 1.0 / 12,  -1.0 / 6,  1.0 / 3,  2.0 / 3,  -2.0 / 3, 7.0 / 6,  0,        -7.0 / 6};

static const struct {
    sl_batching batching;
    double delta, sigma[SIZE];
} exact[] = {
    {SL_BATCH_REPLACEMENT,
     0,
     {721.0 / 1728, 25.0 / 1728, -167.0 / 1152, 25.0 / 1728, 14633.0 / 15552, 25823.0 / 31104, -167.0 / 1152,
      25823.0 / 31104, 57947.0 / 62208}},
    {SL_BATCH_REPLACEMENT,
     0.5,
     {601.0 / 1296, 293.0 / 10368, -997.0 / 6912, 293.0 / 10368, 12047.0 / 11664, 10651.0 / 11664, -997.0 / 6912,
      10651.0 / 11664, 381877.0 / 373248}},
    {SL_BATCH_REPLACEMENT,
     1,
     {3127.0 / 5184, 361.0 / 5184, -491.0 / 3456, 361.0 / 5184, 61055.0 / 46656, 108425.0 / 93312, -491.0 / 3456,
      108425.0 / 93312, 242231.0 / 186624}},
    {SL_BATCH_PARTITION,
     0,
     {721.0 / 2112, 25.0 / 2112, -167.0 / 1408, 25.0 / 2112, 14633.0 / 19008, 25823.0 / 38016, -167.0 / 1408,
      25823.0 / 38016, 57947.0 / 76032}},
    {SL_BATCH_PARTITION,
     0.5,
     {4835.0 / 12672, 161.0 / 6336, -733.0 / 6336, 161.0 / 6336, 289969.0 / 342144, 512959.0 / 684288, -733.0 / 6336,
      512959.0 / 684288, 143639.0 / 171072}},
    {SL_BATCH_PARTITION,
     1,
     {3181.0 / 6336, 419.0 / 6336, -1355.0 / 12672, 419.0 / 6336, 184847.0 / 171072, 328697.0 / 342144, -1355.0 / 12672,
      328697.0 / 342144, 733655.0 / 684288}},
};
enum { CASES = sizeof exact / sizeof *exact };

/* D_hat / C + d_Delta */
static void compose(double sigma[SIZE], double q, size_t batch, sl_batching batching)
{
    double M[SIZE], G[SIZE], hat[SIZE], off[SIZE];
    sl_diffusion_moments(M, G, g, N, DIM);
    sl_diffusion_hat(hat, M, G, DIM, q);
    assert_ok(sl_diffusion_off(off, M, G, DIM, q, N, batch, batching, &err));
    for (int k = 0; k < SIZE; k++) sigma[k] = hat[k] / (double)batch + off[k];
}

static void diffusion_enumerate__meets_rational_arithmetic(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        double sigma[SIZE];
        assert_ok(sl_diffusion_enumerate(sigma, g, N, DIM, sl_alpha_q(exact[i].delta), C, exact[i].batching, &err));
        for (int k = 0; k < SIZE; k++) assert_near(sigma[k], exact[i].sigma[k], 1e-13);
    }
}

static void diffusion_hat_and_off__meet_rational_arithmetic(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        double sigma[SIZE];
        compose(sigma, sl_alpha_q(exact[i].delta), C, exact[i].batching);
        for (int k = 0; k < SIZE; k++) assert_near(sigma[k], exact[i].sigma[k], 1e-14);
    }
}

/* Two routes, one answer, for every batch size that can be enumerated. */
static void diffusion_off__agrees_with_enumeration_at_every_batch_size(void **state)
{
    (void)state;
    for (int batching = 0; batching < 2; batching++) {
        for (size_t batch = 1; batch <= (batching == SL_BATCH_PARTITION ? N : 5); batch++) {
            double formula[SIZE], brute[SIZE];
            compose(formula, 1.2, batch, (sl_batching)batching);
            assert_ok(sl_diffusion_enumerate(brute, g, N, DIM, 1.2, batch, (sl_batching)batching, &err));
            for (int k = 0; k < SIZE; k++) assert_near(formula[k], brute[k], 1e-12);
        }
    }
}

static void diffusion_off__with_the_printed_moment_is_wrong(void **state)
{
    (void)state;
    double sigma[SIZE];
    compose(sigma, sl_alpha_q_printed(0.5), C, SL_BATCH_REPLACEMENT);
    assert_true(fabs(sigma[4] - exact[1].sigma[4]) > 0.05 * exact[1].sigma[4]);
}

/* One full batch of the data: no sampling noise; alpha alone is left, (q - 1) G. And for large C as well. */
static void diffusion_off__does_not_vanish_for_large_batches(void **state)
{
    (void)state;
    double M[SIZE], G[SIZE], sigma[SIZE], off[SIZE];
    sl_diffusion_moments(M, G, g, N, DIM);
    compose(sigma, 1.2, N, SL_BATCH_PARTITION);
    for (int k = 0; k < SIZE; k++) assert_near(sigma[k], 0.2 * G[k], 1e-14);
    assert_ok(sl_diffusion_off(off, M, G, DIM, 1.2, 1000000, 100000, SL_BATCH_REPLACEMENT, &err));
    for (int k = 0; k < SIZE; k++) assert_near(off[k], 0.2 * G[k], 1e-5);
}

static void diffusion__refuses_what_is_out_of_range(void **state)
{
    (void)state;
    double out[SIZE] = {7}, M[SIZE] = {0}, G[SIZE] = {0};
    assert_fails(sl_diffusion_off(out, M, G, DIM, 0.9, N, C, SL_BATCH_REPLACEMENT, &err), SL_E_DOMAIN, "0.9");
    assert_fails(sl_diffusion_off(out, M, G, DIM, 1, N, 13, SL_BATCH_PARTITION, &err), SL_E_DOMAIN, "13");
    assert_fails(sl_diffusion_off(out, M, G, DIM, 1, N, 0, SL_BATCH_PARTITION, &err), SL_E_DOMAIN, "C = 0");
    assert_fails(sl_diffusion_off(out, M, G, DIM, 1, 1, 1, SL_BATCH_PARTITION, &err), SL_E_DOMAIN, "at least 2");
    assert_fails(sl_diffusion_enumerate(out, g, N, DIM, NAN, C, SL_BATCH_PARTITION, &err), SL_E_DOMAIN, "nan");
    assert_fails(sl_diffusion_enumerate(out, g, N, DIM, 1, 8, SL_BATCH_REPLACEMENT, &err), SL_E_CONFIG, "2e7");
    assert_near(out[0], 7, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(diffusion_enumerate__meets_rational_arithmetic),
        cmocka_unit_test(diffusion_hat_and_off__meet_rational_arithmetic),
        cmocka_unit_test(diffusion_off__agrees_with_enumeration_at_every_batch_size),
        cmocka_unit_test(diffusion_off__with_the_printed_moment_is_wrong),
        cmocka_unit_test(diffusion_off__does_not_vanish_for_large_batches),
        cmocka_unit_test(diffusion__refuses_what_is_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
