#include "tests/test.h"

#include <math.h>
#include <unistd.h>

#include "base/json.h"
#include "claims/annealing.h"
#include "tests/claims/folder.h"
#include "tests/claims/lab.h"

/* The other exponents are those of the figure below. */
static const sl_claim *const claims[] = {&sl_claim_annealing_logistic, &sl_claim_annealing_linear};

/* At another seed than verify's. False alarms: fewer than 1 in 1000 seeds for all claims together. */
static void claims__come_out_as_expected(void **state)
{
    (void)state;
    const sl_lab lab = {.scale = SL_QUICK, .seed = 2, .run = sl_run_none()};
    for (size_t i = 0; i < 2; i++) {
        sl_finding f;
        assert_ok(sl_claim_run(claims[i], &lab, &f, &err));
        if (f.verdict != SL_HOLDS) fail_msg("%s %s: %s", claims[i]->id, sl_verdict_name(f.verdict), f.note);
        if (f.control_verdict != SL_FAILS)
            fail_msg("control of %s %s", claims[i]->id, sl_verdict_name(f.control_verdict));
        assert_int_equal(f.n_parts, claims[i]->parts);
    }
    sl_run_free(lab.run);
}

/* Attia and Koren: 1/(2p+1) for (1-u)^p, the cosine like p = 2, 1 for what does not anneal. */
static void exponents__are_the_published_ones(void **state)
{
    (void)state;
    static const double published[SL_ANNEALED] = {1, 1, 1.0 / 3, 0.2, 1.0 / 7, 0.2};
    for (int i = 0; i < SL_ANNEALED; i++) assert_near(sl_annealed_schedules[i].exponent, published[i], 1e-15);
}

/* By hand: costs 1, 2, 3 over 2, 4, 9 are 6/15; leaving one out 5/13, 4/11, 3/6, so that the jackknife's variance is
 * 2/3 of the sum of (5/13 - 2/5)^2 = (1/65)^2, (2/55)^2, (1/10)^2. */
static void relative_cost__is_a_ratio_of_means_by_hand(void **state)
{
    (void)state;
    const double cost[] = {1, 2, 3}, fixed[] = {2, 4, 9};
    const sl_estimate e = sl_annealing_relative_cost(cost, fixed, 3);
    assert_near(e.value, 0.4, 1e-15);
    assert_near(e.se, sqrt(2.0 / 3 * (1.0 / 4225 + 4.0 / 3025 + 0.01)), 1e-14);
    assert_near(e.dof, 2, 0);
}

/* ---- figures --------------------------------------------------------------------------------------------------- */

/* Makes the figure in dir/name-jobs; its data, to be freed, and what it says, to be deleted. */
static char *make_figure(cJSON **result, const char *dir, const sl_recipe *recipe, int jobs)
{
    char path[256], *summary = NULL, *text = NULL;
    draw(&summary, result, dir, recipe, jobs);
    assert_true(strlen(summary) > 40);
    snprintf(path, sizeof path, "%s/%s-%d/%s.dat", dir, recipe->name, jobs, recipe->name);
    assert_ok(sl_read_file(&text, NULL, path, 1 << 24, &err));
    assert_null(strstr(text, "nan"));
    snprintf(path, sizeof path, "%s/%s-%d/%s.gp", dir, recipe->name, jobs, recipe->name);
    assert_int_equal(access(path, R_OK), 0);
    free(summary);
    return text;
}

/* Numbers of the next row of a .dat file that is one; NULL: there is none. */
static const char *next_row(const char *at, double *v, int n)
{
    for (; at; at = strchr(at, '\n'), at = at ? at + 1 : NULL) {
        if (*at == '#' || *at == '\n' || *at == '\0') continue;
        char *end = (char *)at;
        for (int i = 0; i < n; i++) v[i] = strtod(end, &end);
        return strchr(at, '\n');
    }
    return NULL;
}

/* Exponents from the law of |x| without sampling at T = 4096 (tests/sim/worst_slope.py 4096) where the schedule
 * anneals, five standard errors of the measured ones, and the figure's lines and points against each other. */
static void robustness_exponents__are_those_of_the_law(void **state)
{
    static const double exact[SL_ANNEALED] = {1, 1, 0.3429, 0.2034, 0.1454, 0.2106};
    if (SANITISED) return;
    cJSON *result;
    char *const text = make_figure(&result, *state, &sl_recipe_robustness_exponents, 2);
    int i = 0;
    for (const cJSON *e = cJSON_GetObjectItem(result, "exponents")->child; e; e = e->next, i++) {
        const cJSON *measured = cJSON_GetObjectItem(e, "exponent");
        assert_non_null(measured);
        const double se = cJSON_GetObjectItem(measured, "se")->valuedouble;
        assert_near(cJSON_GetObjectItem(measured, "value")->valuedouble, exact[i], 5 * se);
        assert_true(se > 0 && se < 0.004);
    }
    assert_int_equal(i, SL_ANNEALED);
    double v[5];
    const char *at = text;
    int rows = 0;
    while ((at = next_row(at, v, 5))) {
        assert_true(v[1] > 0.3 && v[1] < 20 && fabs(log(v[1] / v[3])) < 0.05); /* within the panel, by the line */
        assert_true(v[2] < 0.02 * v[1] && v[4] <= 1);
        rows++;
    }
    assert_int_equal(rows, SL_ANNEALED * SL_RHOS);
    free(text);
    cJSON_Delete(result);
}

/* At T = 1024 the fixed rate's least worst excess is 0.0142, by the same law. */
static void robustness_horizon__has_the_root_of_the_horizon(void **state)
{
    if (SANITISED) return;
    cJSON *result;
    char *const text = make_figure(&result, *state, &sl_recipe_robustness_horizon, 2);
    double v[5];
    int rows = 0;
    for (const char *at = text; (at = next_row(at, v, 5)); rows++) {
        assert_near(v[0], 256 << 2 * (rows % SL_HORIZONS), 0);
        assert_true(v[1] * sqrt(v[0]) > 0.25 && v[1] * sqrt(v[0]) < 0.55);
        assert_true(v[2] > 0 && v[2] < 0.02 * v[1]);
        if (rows == 1) assert_near(v[1], 0.0142, 5 * v[2]);
    }
    assert_int_equal(rows, 3 * SL_HORIZONS);
    free(text);
    cJSON_Delete(result);
}

static void logistic_grid__is_the_same_bytes_for_any_jobs(void **state)
{
    cJSON *result, *again;
    char *const one = make_figure(&result, *state, &sl_recipe_logistic_grid, 1);
    char *const two = make_figure(&again, *state, &sl_recipe_logistic_grid, 2);
    assert_string_equal(one, two);
    double v[3], least[3] = {INFINITY, INFINITY, INFINITY};
    const char *at = one;
    for (int row = 0; row < 3 * SL_GRID_RATES; row++) {
        assert_non_null(at = next_row(at, v, 3));
        assert_true(v[1] > 0 && v[2] > 0);
        least[row / SL_GRID_RATES] = fmin(least[row / SL_GRID_RATES], v[1]);
    }
    for (int row = 0; row < 3 * SL_GRID_RATIOS; row++) {
        assert_non_null(at = next_row(at, v, 3));
        assert_near(v[0], sl_grid_ratios[row % SL_GRID_RATIOS], 0);
        assert_true(v[1] > 0 && v[2] > 0);
    }
    assert_null(next_row(at, v, 3));
    assert_true(least[1] < least[0] * 1.1 && least[2] < least[0] * 1.1); /* annealing does not cost either */
    free(one);
    free(two);
    cJSON_Delete(result);
    cJSON_Delete(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims__come_out_as_expected),
        cmocka_unit_test(exponents__are_the_published_ones),
        cmocka_unit_test(relative_cost__is_a_ratio_of_means_by_hand),
        cmocka_unit_test_setup_teardown(robustness_exponents__are_those_of_the_law, setup_folder, remove_folder),
        cmocka_unit_test_setup_teardown(robustness_horizon__has_the_root_of_the_horizon, setup_folder, remove_folder),
        cmocka_unit_test_setup_teardown(logistic_grid__is_the_same_bytes_for_any_jobs, setup_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
