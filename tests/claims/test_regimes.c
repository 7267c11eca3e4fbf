#include "tests/test.h"

#include "claims/claim.h"
#include "base/table.h"
#include "claims/regimes.h"
#include "claims/synthetic.h"
#include "tests/claims/folder.h"
#include "tests/claims/lab.h"

static sl_err why;
static const sl_lab lab = {.scale = SL_QUICK, .seed = 2, .jobs = 1};

/* |x| with normal noise of variance 1: at its best rate l it has come to the stationary excess l (1 + 1)/2 (theory of
 * the worst slopes, first order in l). A z of 5. */
static void tuned_rates__on_the_absolute_value_obey_its_closed_forms(void **state)
{
    (void)state;
    sl_suite_best b;
    assert_ok(sl_suite_tune(&b, 0, 0, &lab, &why));
    assert_true(b.rate >= 1.0 / 1024 && b.rate <= 1.0 / 32);
    assert_true(fabs(b.excess.value - b.rate) < 5 * b.excess.se + 0.02 * b.rate);
    /* Not twice the excess: the test sees its prediction. */
    assert_true(fabs(b.excess.value - 2 * b.rate) > 5 * b.excess.se);
}

static void regimes_of_the_suite__refuse_unknown_names(void **state)
{
    (void)state;
    sl_estimate e;
    assert_int_equal(sl_suite_regime(&e, 0, 0, "nonesuch", &lab, &why), SL_E_NAME);
    assert_int_equal(sl_suite_regime(&e, 0, 0, "auto:episode=0", &lab, &why), SL_E_DOMAIN);
}

static void claims__come_out_as_expected(void **state)
{
    (void)state;
    static const sl_claim *const claims[] = {&sl_claim_regimes_anticorrelation_sign, &sl_claim_regimes_untuned,
                                             &sl_claim_regimes_untuned_secant, &sl_claim_autosgd_untuned};
    if (SANITISED) skip();
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) assert_as_expected(claims[i], 7);
}

/* ---- figures ---- */

/* Of nine trainings; the correlations told are those of the table's columns. */
static void trace__tells_what_it_draws(void **state)
{
    if (SANITISED) skip();
    char *summary, path[256];
    cJSON *result;
    sl_table *t;
    draw(&summary, &result, *state, &sl_recipe_regime_trace, 2);
    snprintf(path, sizeof path, "%s/regime-trace-2/regime-trace.dat", (char *)*state);
    assert_ok(sl_table_read(&t, path, &err));
    assert_int_equal(sl_table_rows(t), 9 * SL_TRACE_POINTS);
    const size_t lr = sl_table_find(t, "lr"), norm = sl_table_find(t, "gradient_norm");
    double rate[SL_TRACE_POINTS], gradient[SL_TRACE_POINTS];
    for (size_t k = 0; k < SL_TRACE_POINTS; k++) { /* the fifth block: balance, heavy-ball */
        rate[k] = sl_table_row(t, 4 * SL_TRACE_POINTS + k)[lr];
        gradient[k] = sl_table_row(t, 4 * SL_TRACE_POINTS + k)[norm];
        assert_true(rate[k] > 0 && gradient[k] > 0);
    }
    const cJSON *const of = cJSON_GetObjectItem(cJSON_GetObjectItem(result, "rank_correlation"), "balance");
    assert_near(cJSON_GetObjectItem(of, "heavy-ball")->valuedouble, sl_rank_correlation(rate, gradient, SL_TRACE_POINTS),
                1e-12);
    sl_table_free(t);
    free(summary);
    cJSON_Delete(result);
}

/* Every regime on every loss, layer-wise on the network alone; what is drawn lies in the panel, and the network's ratio
 * told is the one in the table. */
static void league__has_all_regimes(void **state)
{
    if (SANITISED) skip();
    enum { REGIMES = 9, ROWS = SL_SUITE * (REGIMES - 1) + REGIMES };
    char *summary, path[256];
    cJSON *result;
    sl_table *t;
    draw(&summary, &result, *state, &sl_recipe_regime_league, 2);
    snprintf(path, sizeof path, "%s/regime-league-2/regime-league.dat", (char *)*state);
    assert_ok(sl_table_read(&t, path, &err));
    assert_int_equal(sl_table_rows(t), SL_SUITE_RULES * ROWS);
    const size_t shown = sl_table_find(t, "shown"), ratio = sl_table_find(t, "ratio");
    for (size_t i = 0; i < sl_table_rows(t); i++)
        assert_true(sl_table_row(t, i)[shown] >= 1e-3 && sl_table_row(t, i)[shown] <= 1e3);
    for (size_t i = 0; i < sl_n_regimes; i++) assert_non_null(cJSON_GetObjectItem(result, sl_regimes[i]->name));
    assert_int_equal(sl_n_regimes, REGIMES);
    const cJSON *const told = cJSON_GetObjectItem(cJSON_GetObjectItem(result, "layer-wise"), "sign");
    const cJSON *const log_ratio = cJSON_GetObjectItem(told, "model_1_log_ratio");
    assert_near(exp(cJSON_GetObjectItem(log_ratio, "value")->valuedouble), sl_table_row(t, 3 * ROWS - 1)[ratio], 1e-9);
    sl_table_free(t);
    free(summary);
    cJSON_Delete(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tuned_rates__on_the_absolute_value_obey_its_closed_forms),
        cmocka_unit_test(regimes_of_the_suite__refuse_unknown_names),
        cmocka_unit_test(claims__come_out_as_expected),
        cmocka_unit_test_setup_teardown(trace__tells_what_it_draws, setup_folder, remove_folder),
        cmocka_unit_test_setup_teardown(league__has_all_regimes, setup_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
