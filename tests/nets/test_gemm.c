#include "tests/test.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nets/gemm.h"

/* op(a) op(b) at i, j by its definition. */
static double entry(const float *a, sl_orientation of_a, const float *b, sl_orientation of_b, size_t m, size_t n,
                    size_t k, size_t i, size_t j)
{
    double sum = 0;
    for (size_t l = 0; l < k; l++)
        sum += (double)(of_a ? a[l * m + i] : a[i * k + l]) * (double)(of_b ? b[j * k + l] : b[l * n + j]);
    return sum;
}

/* Around c lies what must not be written. */
enum { MARGIN = 64 };
static const float untouched = -123456;

static float *small_numbers(size_t n, unsigned step, unsigned range)
{
    float *const v = malloc(n * sizeof *v);
    for (size_t i = 0; i < n; i++) v[i] = (float)(i * step % range) - (float)(range / 2);
    return v;
}

/* Small whole numbers: every order of summation gives the same floats, exactly. */
static void check(size_t m, size_t n, size_t k, sl_orientation of_a, sl_orientation of_b, float beta)
{
    float *const a = small_numbers(m * k, 7, 11), *const b = small_numbers(k * n, 5, 13);
    float *const block = malloc((m * n + 2 * MARGIN) * sizeof *block), *const c = block + MARGIN;
    for (size_t i = 0; i < m * n + 2 * MARGIN; i++) block[i] = untouched;
    for (size_t i = 0; i < m * n; i++) c[i] = beta != 0 ? (float)(i % 1000) : NAN; /* not read where beta = 0 */
    sl_gemm(c, beta, a, of_a, b, of_b, m, n, k);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            const double expected =
                entry(a, of_a, b, of_b, m, n, k, i, j) + (beta != 0 ? (double)((i * n + j) % 1000) : 0);
            if ((double)c[i * n + j] != expected)
                fail_msg("[%zu][%zu] of %zu x %zu x %zu, a%s b%s, beta %g: %g, expected %g", i, j, m, n, k,
                         of_a ? "^T" : "", of_b ? "^T" : "", (double)beta, (double)c[i * n + j], expected);
        }
    for (size_t i = 0; i < MARGIN; i++) assert_true(block[i] == untouched && c[m * n + i] == untouched);
    free(a);
    free(b);
    free(block);
}

/* Single numbers, vectors, odd sizes, a batch of Model 1 and its remainder, and sizes about those at which a library
 * may change its way. */
static void gemm__is_its_definition(void **state)
{
    (void)state;
    static const size_t sizes[][3] = {{1, 1, 1},      {1, 10, 784},   {96, 1, 100},   {7, 5, 33},    {24, 100, 784},
                                      {256, 10, 100}, {100, 784, 24}, {10, 100, 256}, {64, 64, 128}, {257, 65, 129},
                                      {255, 63, 127}, {257, 67, 259}, {15, 17, 1000}, {513, 3, 2},   {3, 1025, 9}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int way = 0; way < 8; way++)
            check(sizes[s][0], sizes[s][1], sizes[s][2], (sl_orientation)(way & 1), (sl_orientation)(way >> 1 & 1),
                  (float)(way >> 2));
}

static void gemm__of_many_rows(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        check(((size_t)1 << 20) + 1, 2, 3, (sl_orientation)(way & 1), (sl_orientation)(way >> 1), 1);
        check(2, ((size_t)1 << 20) + 1, 3, (sl_orientation)(way & 1), (sl_orientation)(way >> 1), 0);
    }
}

#ifdef SL_XSMM

/* This program once more, where LIBXSMM makes the kernels of other processors, or none. */
static void gemm__with_other_kernels(void **state)
{
    (void)state;
    if (getenv("LIBXSMM_TARGET")) return; /* it is that once more */
    for (const char *const *target = (const char *const[]){"generic", "wsm", "snb", "hsw", NULL}; *target; target++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            const int nowhere = open("/dev/null", O_WRONLY);
            dup2(nowhere, STDOUT_FILENO);
            dup2(nowhere, STDERR_FILENO);
            setenv("LIBXSMM_TARGET", *target, 1);
            execl("/proc/self/exe", "test_gemm", (char *)NULL);
            _exit(127);
        }
        int how;
        assert_int_equal(waitpid(child, &how, 0), child);
        if (!WIFEXITED(how) || WEXITSTATUS(how) != 0) fail_msg("LIBXSMM_TARGET=%s: wait status %d", *target, how);
    }
}

#endif

static void library__has_names(void **state)
{
    (void)state;
    assert_true(strlen(sl_gemm_library()) > 0 && strlen(sl_gemm_kernels()) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gemm__is_its_definition),
        cmocka_unit_test(gemm__of_many_rows),
#ifdef SL_XSMM
        cmocka_unit_test(gemm__with_other_kernels),
#endif
        cmocka_unit_test(library__has_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
