#include "tests/test.h"

#include "nets/gemm.h"

/* c = op(a) op(b) + beta c by its definition, in double. */
static double entry(const float *a, sl_orientation of_a, const float *b, sl_orientation of_b, size_t m, size_t n,
                    size_t k, size_t i, size_t j)
{
    double sum = 0;
    for (size_t l = 0; l < k; l++)
        sum += (double)(of_a ? a[l * m + i] : a[i * k + l]) * (double)(of_b ? b[j * k + l] : b[l * n + j]);
    return sum;
}

/* Small whole numbers: every order of summation gives the same floats, exactly. */
static void gemm__is_its_definition(void **state)
{
    (void)state;
    enum { M = 7, N = 5, K = 33 };
    float a[M * K], b[K * N], c[M * N];
    for (int i = 0; i < M * K; i++) a[i] = (float)(i * 7 % 11 - 5);
    for (int i = 0; i < K * N; i++) b[i] = (float)(i * 5 % 13 - 6);
    for (int of_a = 0; of_a < 2; of_a++)
        for (int of_b = 0; of_b < 2; of_b++)
            for (int beta = 0; beta < 2; beta++) {
                for (int i = 0; i < M * N; i++) c[i] = beta ? (float)i : NAN; /* not read where beta = 0 */
                sl_gemm(c, (float)beta, a, of_a, b, of_b, M, N, K);
                for (size_t i = 0; i < M; i++)
                    for (size_t j = 0; j < N; j++)
                        assert_near((double)c[i * N + j],
                                    entry(a, of_a, b, of_b, M, N, K, i, j) + (beta ? (double)(i * N + j) : 0), 0);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gemm__is_its_definition)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
