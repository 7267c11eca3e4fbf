#include "tests/test.h"

#include <lapacke.h>
#include <stdbool.h>

#include "base/random.h"
#include "sim/operators/sparse.h"

enum { N = 60, EXTRA = 300 };

/* Random entries, some places met several times, beside a diagonal; and the same as a dense matrix. */
typedef struct {
    sl_sparse A;
    sl_factor *f;
    double dense[N * N], b[N], x[N], y[N];
    int64_t row[N + 2 * EXTRA], column[N + 2 * EXTRA];
    double value[N + 2 * EXTRA];
    size_t entries;
} fixture;

static void put(fixture *w, int64_t row, int64_t column, double value)
{
    w->row[w->entries] = row;
    w->column[w->entries] = column;
    w->value[w->entries++] = value;
    w->dense[row * N + column] += value;
}

/* symmetric: with a diagonal that makes it positive definite (rows of at most 2 EXTRA / N entries of size 1). */
static void fill(fixture *w, bool symmetric, double diagonal)
{
    double u[3 * EXTRA];
    sl_random_uniforms(u, 3 * EXTRA, 0, &(sl_draw){.seed = 5, .purpose = SL_PURPOSE_TEST});
    memset(w, 0, sizeof *w);
    for (size_t e = 0; e < EXTRA; e++) {
        const int64_t i = (int64_t)(N * u[3 * e]), j = (int64_t)(N * u[3 * e + 1]);
        put(w, i, j, u[3 * e + 2] - 0.5);
        if (symmetric) put(w, j, i, u[3 * e + 2] - 0.5);
    }
    for (int64_t i = 0; i < N; i++) put(w, i, i, diagonal);
    for (size_t i = 0; i < N; i++) w->b[i] = sin((double)(3 * i + 1));
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(fixture));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    fixture *w = *state;
    sl_factor_free(w->f);
    sl_sparse_clear(&w->A);
    free(w);
    return 0;
}

static void dense_solve(double *x, const fixture *w, char transposed)
{
    double A[N * N];
    lapack_int pivot[N];
    memcpy(A, w->dense, sizeof A);
    memcpy(x, w->b, sizeof w->b);
    assert_int_equal(LAPACKE_dgetrf(LAPACK_ROW_MAJOR, N, N, A, N, pivot), 0);
    assert_int_equal(LAPACKE_dgetrs(LAPACK_ROW_MAJOR, transposed, N, 1, A, N, pivot, x, 1), 0);
}

static void from_triplets__sorts_and_adds_up(void **state)
{
    fixture *w = *state;
    fill(w, false, 20);
    assert_ok(sl_sparse_from_triplets(&w->A, N, w->entries, w->row, w->column, w->value, &err));
    double dense[N * N] = {0};
    for (size_t j = 0; j < N; j++)
        for (int64_t e = w->A.start[j]; e < w->A.start[j + 1]; e++) {
            if (e > w->A.start[j]) assert_true(w->A.row[e] > w->A.row[e - 1]);
            dense[(size_t)w->A.row[e] * N + j] = w->A.value[e];
        }
    for (size_t k = 0; k < N * N; k++) assert_near(dense[k], w->dense[k], 1e-14);
    assert_true((size_t)w->A.start[N] < w->entries); /* places met twice are one entry */
}

static void times__is_the_dense_product(void **state)
{
    fixture *w = *state;
    fill(w, false, 20);
    assert_ok(sl_sparse_from_triplets(&w->A, N, w->entries, w->row, w->column, w->value, &err));
    sl_sparse_times(w->x, &w->A, w->b);
    sl_sparse_transpose_times(w->y, &w->A, w->b);
    for (size_t i = 0; i < N; i++) {
        double sum = 0, transposed = 0;
        for (size_t j = 0; j < N; j++) {
            sum += w->dense[i * N + j] * w->b[j];
            transposed += w->dense[j * N + i] * w->b[j];
        }
        assert_near(w->x[i], sum, 1e-13);
        assert_near(w->y[i], transposed, 1e-13);
    }
}

static void factor_spd__solves_as_lapack_does(void **state)
{
    fixture *w = *state;
    double expected[N];
    fill(w, true, 20);
    dense_solve(expected, w, 'N');
    assert_ok(sl_sparse_from_triplets(&w->A, N, w->entries, w->row, w->column, w->value, &err));
    assert_ok(sl_factor_spd(&w->f, &w->A, &err));
    assert_ok(sl_factor_solve(w->x, w->f, w->b, &err));
    memcpy(w->y, w->b, sizeof w->b);
    assert_ok(sl_factor_transpose_solve(w->y, w->f, w->y, &err)); /* in place */
    for (size_t i = 0; i < N; i++) assert_near(w->x[i], expected[i], 1e-14);
    for (size_t i = 0; i < N; i++) assert_near(w->y[i], expected[i], 1e-14);
}

static void factor_general__solves_as_lapack_does(void **state)
{
    fixture *w = *state;
    double expected[N];
    fill(w, false, 3);
    assert_ok(sl_sparse_from_triplets(&w->A, N, w->entries, w->row, w->column, w->value, &err));
    assert_ok(sl_factor_general(&w->f, &w->A, &err));
    dense_solve(expected, w, 'N');
    assert_ok(sl_factor_solve(w->x, w->f, w->b, &err));
    for (size_t i = 0; i < N; i++) assert_near(w->x[i], expected[i], 1e-13);
    dense_solve(expected, w, 'T');
    memcpy(w->y, w->b, sizeof w->b);
    assert_ok(sl_factor_transpose_solve(w->y, w->f, w->y, &err)); /* in place */
    for (size_t i = 0; i < N; i++) assert_near(w->y[i], expected[i], 1e-13);
}

static void factors__refuse_what_has_none(void **state)
{
    fixture *w = *state;
    fill(w, true, 0.1);
    assert_ok(sl_sparse_from_triplets(&w->A, N, w->entries, w->row, w->column, w->value, &err));
    assert_fails(sl_factor_spd(&w->f, &w->A, &err), SL_E_NUMERIC, "positive definite");
    assert_null(w->f);
    sl_sparse_clear(&w->A);
    const int64_t one[] = {0, 1, 0, 1}, other[] = {0, 0, 1, 1};
    const double value[] = {1, 2, 2, 4};
    assert_ok(sl_sparse_from_triplets(&w->A, 2, 4, one, other, value, &err));
    assert_fails(sl_factor_general(&w->f, &w->A, &err), SL_E_NUMERIC, "singular");
    assert_null(w->f);
    sl_sparse_clear(&w->A);
    assert_fails(sl_sparse_from_triplets(&w->A, 1, 4, one, other, value, &err), SL_E_DOMAIN, "(1, 0)");
    assert_null(w->A.start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(from_triplets__sorts_and_adds_up, setup, teardown),
        cmocka_unit_test_setup_teardown(times__is_the_dense_product, setup, teardown),
        cmocka_unit_test_setup_teardown(factor_spd__solves_as_lapack_does, setup, teardown),
        cmocka_unit_test_setup_teardown(factor_general__solves_as_lapack_does, setup, teardown),
        cmocka_unit_test_setup_teardown(factors__refuse_what_has_none, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
