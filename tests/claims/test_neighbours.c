/* Claims and figures about systems next to SGD. */
#include "tests/test.h"

#include <math.h>

#include "base/table.h"
#include "claims/neighbours.h"
#include "tests/claims/folder.h"
#include "tests/claims/lab.h"

static void averaging__holds(void **state)
{
    (void)state;
    if (SANITISED) skip();
    assert_as_expected(&sl_claim_averaging_bias_variance, 5);
}

static void reshuffling__holds(void **state)
{
    (void)state;
    if (SANITISED) skip();
    assert_as_expected(&sl_claim_reshuffling_covariance, 5);
}

static void elr__holds(void **state)
{
    (void)state;
    if (SANITISED) skip();
    assert_as_expected(&sl_claim_elr_ratio, 5);
}

static void samplers__hold(void **state)
{
    (void)state;
    if (SANITISED) skip();
    assert_as_expected(&sl_claim_sampler_adam_langevin, 5);
}

/* ---- figures ---- */

/* Makes the figure in dir/name-jobs; its table and its summary are to be freed. */
static sl_table *make_figure(char **summary, const char *dir, const sl_recipe *recipe, int jobs)
{
    char path[256];
    cJSON *result;
    sl_table *t = NULL;
    draw(summary, &result, dir, recipe, jobs);
    cJSON_Delete(result);
    snprintf(path, sizeof path, "%s/%s-%d/%s.dat", dir, recipe->name, jobs, recipe->name);
    assert_ok(sl_table_read(&t, path, &err));
    return t;
}

/* The same numbers whatever the jobs. */
static sl_table *make_twice(const char *dir, const sl_recipe *recipe, const char *says)
{
    char *summary = NULL, *again = NULL;
    sl_table *const t = make_figure(&summary, dir, recipe, 1), *const u = make_figure(&again, dir, recipe, 2);
    assert_string_equal(summary, again);
    assert_non_null(strstr(summary, says));
    assert_null(strstr(summary, "nan"));
    assert_int_equal(sl_table_rows(t), sl_table_rows(u));
    for (size_t i = 0; i < sl_table_rows(t); i++)
        assert_memory_equal(sl_table_row(t, i), sl_table_row(u, i), sl_table_columns(t) * sizeof(double));
    free(summary);
    free(again);
    sl_table_free(u);
    return t;
}

/* Two steps from the start by hand, on the recursion written out for full moments; then simulation about the sum of
 * both parts: 24 numbers within 4.5 standard errors, a false alarm in 6000 seeds. */
static void averaging__draws_bias_and_variance(void **state)
{
    if (SANITISED) skip();
    sl_table *const t = make_twice(*state, &sl_recipe_averaging, "falls like 1/n");
    static const double lambda[] = {1, 0.6, 0.3, 0.15}, start[] = {1, -1, 1.5, 2}, rate = 0.2;
    double v[4], bias = 0;
    for (int i = 0; i < 4; i++) v[i] = start[i] * start[i];
    for (int step = 0; step < 2; step++) {
        double along = 0;
        for (int i = 0; i < 4; i++) along += lambda[i] * v[i];
        for (int i = 0; i < 4; i++) {
            const double y = rate * lambda[i];
            v[i] = (1 - 2 * y + 2 * y * y) * v[i] + rate * y * along;
        }
    }
    for (int i = 0; i < 4; i++) bias += lambda[i] * v[i] / 2;
    const double *const first = sl_table_row(t, 0);
    assert_near(first[0], 2, 0);
    assert_close(first[3], bias, 1e-12);
    for (size_t i = 0; i < sl_table_rows(t); i++) {
        const double *const row = sl_table_row(t, i);
        assert_true(fabs(row[1] - row[3] - row[4]) < 4.5 * row[2]);
        assert_true(fabs(row[5] - row[7] - row[8]) < 4.5 * row[6]);
    }
    const double *const last = sl_table_row(t, sl_table_rows(t) - 1);
    assert_close(last[7], last[9], 0.02); /* the leading terms at the end */
    assert_close(last[8], last[10], 0.05);
    sl_table_free(t);
}

/* Ratios of updates start at several times and end near 1; the recursion is e' = e/(k^2 + e^2). */
static void elr__draws_updates_that_become_equal(void **state)
{
    if (SANITISED) skip();
    sl_table *const t = make_twice(*state, &sl_recipe_elr, "become equal");
    assert_int_equal(sl_table_blocks(t), 2);
    const size_t half = sl_table_rows(t) / 2;
    for (int arm = 0; arm < 2; arm++) {
        const double *const first = sl_table_row(t, arm == 0 ? 0 : half), *const next = sl_table_row(t, arm * half + 1),
                            *const last = sl_table_row(t, arm * half + half - 1);
        assert_true(first[5] > 2 && fabs(log(last[5])) < 0.2);
        for (int layer = 0; layer < 2; layer++) {
            double e = first[1 + 2 * layer];
            assert_close(first[7 + layer], e, 1e-12);
            for (int k = 0; k < 20; k++) e /= (arm == 0 ? 1 : 0.99 * 0.99) + e * e;
            assert_close(next[7 + layer], e, 1e-9);
        }
    }
    sl_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(averaging__holds),
        cmocka_unit_test(reshuffling__holds),
        cmocka_unit_test(elr__holds),
        cmocka_unit_test(samplers__hold),
        cmocka_unit_test(averaging__draws_bias_and_variance),
        cmocka_unit_test(elr__draws_updates_that_become_equal),
    };
    return cmocka_run_group_tests(tests, setup_folder, remove_folder);
}
