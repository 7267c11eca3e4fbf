#include "tests/test.h"

#include <cblas.h>
#include <lapacke.h>
#include <pthread.h>

#include "base/parallel.h"
#include "sim/operators/arnoldi.h"

/* A dense matrix, row by row, or its inverse by factors. */
typedef struct {
    int n;
    double *a;
    int *pivot; /* not NULL: a holds LU, and the inverse is applied */
    size_t calls;
} dense;

static sl_status dense_apply(void *ctx, const double *x, double *y, sl_err *err)
{
    dense *d = ctx;
    d->calls++;
    if (!d->pivot) {
        cblas_dgemv(CblasRowMajor, CblasNoTrans, d->n, d->n, 1, d->a, d->n, x, 1, 0, y, 1);
        return SL_OK;
    }
    memcpy(y, x, (size_t)d->n * sizeof *y);
    if (LAPACKE_dgetrs(LAPACK_ROW_MAJOR, 'N', d->n, 1, d->a, d->n, d->pivot, y, 1) != 0)
        return sl_fail(err, SL_E_NUMERIC, "dgetrs");
    return SL_OK;
}

static sl_status nan_apply(void *ctx, const double *x, double *y, sl_err *err)
{
    const dense *d = ctx;
    (void)x, (void)err;
    for (int i = 0; i < d->n; i++) y[i] = i == 3 ? NAN : 1;
    return SL_OK;
}

static sl_status failing_apply(void *ctx, const double *x, double *y, sl_err *err)
{
    (void)ctx, (void)x, (void)y;
    return sl_fail(err, SL_E_CONFIG, "no such matrix");
}

static sl_status stopping_apply(void *ctx, const double *x, double *y, sl_err *err)
{
    sl_stop_request();
    return dense_apply(ctx, x, y, err);
}

/* Uniform in (-1, 1), fixed. */
static double noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)*state / 9223372036854775808.0;
}

static dense dense_random(int n, bool symmetric, uint64_t seed)
{
    dense d = {.n = n, .a = test_malloc((size_t)n * (size_t)n * sizeof(double))};
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) d.a[i * n + j] = symmetric && j < i ? d.a[j * n + i] : noise(&seed);
    return d;
}

static double residual(const dense *d, double complex value, const double *re, const double *im)
{
    const size_t n = (size_t)d->n;
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        double complex r = -value * CMPLX(re[i], im ? im[i] : 0);
        for (size_t j = 0; j < n; j++) r += d->a[i * n + j] * CMPLX(re[j], im ? im[j] : 0);
        worst = fmax(worst, cabs(r));
    }
    return worst;
}

/* The eigenvalues of largest modulus by LAPACK's dgeev, in the order promised. */
static void reference(double complex *value, size_t k, const dense *d)
{
    const size_t n = (size_t)d->n;
    double *a = test_malloc(n * n * sizeof *a), *re = test_malloc(n * sizeof *re), *im = test_malloc(n * sizeof *im);
    memcpy(a, d->a, n * n * sizeof *a);
    assert_int_equal(LAPACKE_dgeev(LAPACK_ROW_MAJOR, 'N', 'N', d->n, a, d->n, re, im, NULL, 1, NULL, 1), 0);
    for (size_t j = 0; j < k; j++) {
        size_t best = 0;
        for (size_t i = 1; i < n; i++) {
            const double more = hypot(re[i], im[i]) - hypot(re[best], im[best]);
            if (more > 1e-10 || (more > -1e-10 && im[i] > im[best])) best = i;
        }
        value[j] = CMPLX(re[best], im[best]);
        re[best] = im[best] = 0;
    }
    test_free(a), test_free(re), test_free(im);
}

static void general__agrees_with_dgeev(void **state)
{
    (void)state;
    enum { N = 90, K = 9 };
    for (uint64_t seed = 1; seed <= 5; seed++) {
        dense d = dense_random(N, false, seed);
        double complex value[K], expected[K];
        static double vectors[K * N];
        assert_ok(sl_arnoldi(value, vectors, N, K, false, dense_apply, &d, NULL, 0, 0, &err));
        reference(expected, K, &d);
        size_t pairs = 0;
        for (size_t j = 0; j < K; j++) {
            assert_near(creal(value[j]), creal(expected[j]), 1e-11);
            assert_near(cimag(value[j]), cimag(expected[j]), 1e-11);
            if (cimag(value[j]) == 0) assert_near(residual(&d, value[j], vectors + j * N, NULL), 0, 1e-11);
            if (cimag(value[j]) > 0 && j + 1 < K) {
                assert_near(residual(&d, value[j], vectors + j * N, vectors + (j + 1) * N), 0, 1e-11);
                assert_true(value[j + 1] == conj(value[j]));
                pairs++;
            }
        }
        assert_true(pairs > 0);
        test_free(d.a);
    }
}

static void general__cuts_a_pair_after_its_first_member(void **state)
{
    (void)state;
    enum { N = 30 };
    /* rotations by 2 x 2 blocks of modulus 30 - i: pairs only */
    dense d = {.n = N, .a = test_calloc(N * N, sizeof(double))};
    for (size_t i = 0; i < N; i += 2) {
        const double r = (double)(N - i), c = r * cos(1 + 0.01 * (double)i), s = r * sin(1 + 0.01 * (double)i);
        d.a[i * N + i] = d.a[(i + 1) * N + i + 1] = c;
        d.a[i * N + i + 1] = -(d.a[(i + 1) * N + i] = s);
    }
    double complex value[4];
    for (size_t k = 1; k <= 4; k++) {
        value[k - 1] = 0;
        assert_ok(sl_arnoldi(value, NULL, N, k, false, dense_apply, &d, NULL, 0, 0, &err));
        for (size_t j = 0; j < k; j++) {
            const double r = N - (double)(j / 2 * 2), angle = 1 + 0.01 * (double)(j / 2 * 2);
            assert_near(creal(value[j]), r * cos(angle), 1e-10);
            assert_near(cimag(value[j]), (j % 2 ? -1 : 1) * r * sin(angle), 1e-10);
        }
    }
    test_free(d.a);
}

static void symmetric__has_the_known_spectrum_and_orthonormal_vectors(void **state)
{
    (void)state;
    enum { N = 200, K = 8 };
    /* second difference: 2 - 2 cos(pi j / (N + 1)) */
    dense d = {.n = N, .a = test_calloc(N * N, sizeof(double))};
    for (size_t i = 0; i < N; i++) {
        d.a[i * N + i] = 2;
        if (i > 0) d.a[i * N + i - 1] = d.a[(i - 1) * N + i] = -1;
    }
    double complex value[K];
    static double vectors[K * N];
    assert_ok(sl_arnoldi(value, vectors, N, K, true, dense_apply, &d, NULL, 0, 0, &err));
    for (size_t j = 0; j < K; j++) {
        assert_near(creal(value[j]), 2 - 2 * cos(M_PI * (double)(N - j) / (N + 1)), 1e-12);
        assert_true(cimag(value[j]) == 0);
        for (size_t l = 0; l <= j; l++)
            assert_near(cblas_ddot(N, vectors + j * N, 1, vectors + l * N, 1), j == l, 1e-12);
        assert_near(residual(&d, value[j], vectors + j * N, NULL), 0, 1e-11);
    }
    test_free(d.a);
}

static void symmetric__of_equal_moduli_the_positive_comes_first(void **state)
{
    (void)state;
    enum { N = 40 };
    dense d = {.n = N, .a = test_calloc(N * N, sizeof(double))};
    for (size_t i = 0; i < N; i++) d.a[i * N + i] = (i % 2 ? 1 : -1) * (double)(i / 2 + 1);
    double complex value[4];
    assert_ok(sl_arnoldi(value, NULL, N, 4, true, dense_apply, &d, NULL, 0, 0, &err));
    assert_near(creal(value[0]), 20, 1e-12);
    assert_near(creal(value[1]), -20, 1e-12);
    assert_near(creal(value[2]), 19, 1e-12);
    assert_near(creal(value[3]), -19, 1e-12);
    test_free(d.a);
}

/* As the operators use it: the eigenvalues next to zero through the inverse. */
static void shift_invert__finds_the_eigenvalues_next_to_the_shift(void **state)
{
    (void)state;
    enum { N = 120, K = 5 };
    dense d = dense_random(N, false, 77);
    /* a generator of a jump process: rows sum to zero, so 0 is an eigenvalue; shifted by 1e-3 */
    for (size_t i = 0; i < N; i++) {
        double out = 0;
        for (size_t j = 0; j < N; j++)
            if (j != i) out += d.a[i * N + j] = fabs(d.a[i * N + j]);
        d.a[i * N + i] = -out;
    }
    dense shifted = {.n = N, .a = test_malloc(N * N * sizeof(double)), .pivot = test_malloc(N * sizeof(int))};
    memcpy(shifted.a, d.a, N * N * sizeof(double));
    for (size_t i = 0; i < N; i++) shifted.a[i * N + i] -= 1e-3;
    assert_int_equal(LAPACKE_dgetrf(LAPACK_ROW_MAJOR, N, N, shifted.a, N, shifted.pivot), 0);
    double complex value[K];
    static double vectors[K * N];
    assert_ok(sl_arnoldi(value, vectors, N, K, false, dense_apply, &shifted, NULL, 0, 0, &err));
    assert_near(1 / creal(value[0]) + 1e-3, 0, 1e-12);
    for (size_t i = 0; i < N; i++) assert_near(vectors[i], vectors[0], 1e-12); /* the constant */
    for (size_t j = 0; j < K; j++)
        if (cimag(value[j]) == 0) assert_near(residual(&d, 1 / value[j] + 1e-3, vectors + j * N, NULL), 0, 1e-9);
    test_free(d.a), test_free(shifted.a), test_free(shifted.pivot);
}

static void start__decides_the_path_not_the_answer(void **state)
{
    (void)state;
    enum { N = 60, K = 3 };
    dense d = dense_random(N, true, 3);
    double start[N];
    uint64_t seed = 9;
    for (size_t i = 0; i < N; i++) start[i] = noise(&seed);
    double complex once[K], again[K], other[K];
    assert_ok(sl_arnoldi(once, NULL, N, K, true, dense_apply, &d, NULL, 0, 0, &err));
    assert_ok(sl_arnoldi(again, NULL, N, K, true, dense_apply, &d, NULL, 0, 0, &err));
    assert_ok(sl_arnoldi(other, NULL, N, K, true, dense_apply, &d, start, 0, 0, &err));
    assert_memory_equal(once, again, sizeof once);
    for (size_t j = 0; j < K; j++) assert_near(cabs(other[j] - once[j]), 0, 1e-12);
    test_free(d.a);
}

typedef struct {
    dense d;
    double complex value[4];
    sl_status st;
} job;

static void *run_job(void *ctx)
{
    job *j = ctx;
    j->st = sl_arnoldi(j->value, NULL, (size_t)j->d.n, 4, false, dense_apply, &j->d, NULL, 0, 0, NULL);
    return NULL;
}

static void threads__do_not_disturb_each_other(void **state)
{
    (void)state;
    enum { JOBS = 6 };
    job alone[JOBS], together[JOBS];
    pthread_t thread[JOBS];
    for (size_t i = 0; i < JOBS; i++) {
        alone[i] = together[i] = (job){.d = dense_random(50 + (int)i, false, i)};
        run_job(&alone[i]);
    }
    for (size_t i = 0; i < JOBS; i++) assert_int_equal(pthread_create(&thread[i], NULL, run_job, &together[i]), 0);
    for (size_t i = 0; i < JOBS; i++) assert_int_equal(pthread_join(thread[i], NULL), 0);
    for (size_t i = 0; i < JOBS; i++) {
        assert_int_equal(together[i].st, SL_OK);
        assert_memory_equal(alone[i].value, together[i].value, sizeof alone[i].value);
        test_free(alone[i].d.a);
    }
}

static void refuses__what_cannot_be(void **state)
{
    (void)state;
    enum { N = 20 };
    dense d = dense_random(N, false, 1);
    double complex value[N] = {42};
    assert_fails(sl_arnoldi(value, NULL, N, 0, false, dense_apply, &d, NULL, 0, 0, &err), SL_E_DOMAIN, "0 eigenvalues");
    assert_fails(sl_arnoldi(value, NULL, N, N - 2, false, dense_apply, &d, NULL, 0, 0, &err), SL_E_DOMAIN, "k + 2 < n");
    assert_fails(sl_arnoldi(value, NULL, SIZE_MAX, 3, false, dense_apply, &d, NULL, 0, 0, &err), SL_E_DOMAIN, "n =");
    assert_fails(sl_arnoldi(value, NULL, N, 2, false, dense_apply, &d, NULL, -1, 0, &err), SL_E_DOMAIN, "tolerance");
    assert_fails(sl_arnoldi(value, NULL, N, 2, false, nan_apply, &d, NULL, 0, 0, &err), SL_E_NUMERIC, "row 3");
    assert_fails(sl_arnoldi(value, NULL, N, 2, false, failing_apply, &d, NULL, 0, 0, &err), SL_E_CONFIG, "no such");
    assert_true(value[0] == 42);
    assert_ok(sl_arnoldi(value, NULL, N, N - 3, false, dense_apply, &d, NULL, 0, 0, &err));
    test_free(d.a);
}

static void refuses__what_does_not_converge(void **state)
{
    (void)state;
    enum { N = 400 };
    dense d = dense_random(N, true, 1);
    double complex value[2] = {42};
    assert_fails(sl_arnoldi(value, NULL, N, 2, true, dense_apply, &d, NULL, 0, 1, &err), SL_E_NUMERIC, "1 restarts");
    assert_true(value[0] == 42);
    test_free(d.a);
}

static void stops__when_asked_to(void **state)
{
    (void)state;
    enum { N = 40 };
    dense d = dense_random(N, false, 1);
    double complex value[2];
    const sl_status st = sl_arnoldi(value, NULL, N, 2, false, stopping_apply, &d, NULL, 0, 0, NULL);
    sl_stop_clear();
    assert_int_equal(st, SL_INTERRUPTED);
    assert_int_equal(d.calls, 1);
    test_free(d.a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(general__agrees_with_dgeev),
        cmocka_unit_test(general__cuts_a_pair_after_its_first_member),
        cmocka_unit_test(symmetric__has_the_known_spectrum_and_orthonormal_vectors),
        cmocka_unit_test(symmetric__of_equal_moduli_the_positive_comes_first),
        cmocka_unit_test(shift_invert__finds_the_eigenvalues_next_to_the_shift),
        cmocka_unit_test(start__decides_the_path_not_the_answer),
        cmocka_unit_test(threads__do_not_disturb_each_other),
        cmocka_unit_test(refuses__what_cannot_be),
        cmocka_unit_test(refuses__what_does_not_converge),
        cmocka_unit_test(stops__when_asked_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
