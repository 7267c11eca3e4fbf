#include "tests/test.h"

#include <unistd.h>

#include "claims/figures_plrs.h"
#include "claims/plrs.h"
#include "claims/plrs_descent.h"
#include "claims/plrs_saddle.h"
#include "claims/plrs_stays.h"
#include "claims/plrs_tensor.h"
#include "claims/synthetic.h"
#include "tests/claims/folder.h"
#include "tests/claims/lab.h"

static const struct {
    const sl_claim *claim;
    int slow;
} claims[] = {
    {&sl_claim_plrs_zero_mean, 1},
    {&sl_claim_plrs_noise_power, 1},
    {&sl_claim_plrs_descent, 1},
    {&sl_claim_plrs_saddle_decrease, 1},
    {&sl_claim_plrs_saddle_exit_printed, 1},
    {&sl_claim_plrs_saddle_exit_derived, 1},
    {&sl_claim_plrs_stays, 1},
    {&sl_claim_plrs_tensor_printed, 1},
    {&sl_claim_plrs_tensor_derived, 1},
};
enum { CLAIMS = sizeof claims / sizeof *claims };

static sl_lab lab_of(int jobs)
{
    return (sl_lab){.scale = SL_QUICK, .seed = 2, .jobs = jobs, .run = sl_run_none()};
}

/* At another seed than verify's. False alarms: fewer than 1 in 1000 seeds for all claims together. */
static void plrs_claims__come_out_as_expected(void **state)
{
    sl_lab lab = lab_of(0);
    char folder[128];
    bool complete;
    cJSON *const config = cJSON_CreateObject();
    snprintf(folder, sizeof folder, "%s/claims", (char *)*state);
    sl_run_free(lab.run);
    assert_ok(sl_run_open(&lab.run, &complete, folder, "verify", config, 1, 0, NULL, &err)); /* claims share runs */
    cJSON_Delete(config);
    for (int i = 0; i < CLAIMS; i++) {
        if (SANITISED && claims[i].slow) continue;
        sl_finding f;
        assert_ok(sl_claim_run(claims[i].claim, &lab, &f, &err));
        if (f.verdict != claims[i].claim->expected)
            fail_msg("%s %s, expected %s", claims[i].claim->id, sl_verdict_name(f.verdict),
                     sl_verdict_name(claims[i].claim->expected));
        if (f.control_verdict != SL_FAILS)
            fail_msg("control of %s %s", claims[i].claim->id, sl_verdict_name(f.control_verdict));
        assert_int_equal(f.n_parts, claims[i].claim->parts);
        for (size_t k = 0; k < f.n_parts; k++)
            assert_in_range(strlen(f.parts[k].label), 1, sizeof f.parts[k].label - 2);
    }
    sl_run_free(lab.run);
}

static void plrs_claims__are_registered_once(void **state)
{
    (void)state;
    for (int i = 0; i < CLAIMS; i++) {
        size_t found = 0;
        for (size_t k = 0; k < sl_n_claims; k++) found += sl_claims[k] == claims[i].claim;
        assert_int_equal(found, 1);
    }
}

/* ---- what the claims stand on ---------------------------------------------------------------------------------- */

/* f = x^2/2, sigma = 1, Lmin = 0.7 Lmax = 0.14, |grad f|^2 = 3 eta_c at x = sqrt(0.51): by hand
 * -eta_c x^2 + E eta^2 (x^2 + 1)/2 = -0.17 * 0.51 + 0.0292 * 1.51 / 2 = -0.064654, in units of eta_c^2 = 0.0289. */
static void descent__is_that_of_a_parabola_by_hand(void **state)
{
    (void)state;
    const sl_lab lab = lab_of(1);
    const sl_descent_step s = {"quadratic", NULL, 1, 1, 0, 0.2, 1};
    sl_descent d;
    assert_ok(sl_descent_measure(&d, &s, 65536, 1, &lab, &err));
    assert_near(d.exact, -0.064654 / 0.0289, 1e-12);
    assert_near(d.without_noise, -3, 1e-12);
    assert_true(fabs(d.change.value - d.exact) < 4.5 * d.change.se);
    assert_true(d.change.se < 0.02);
    sl_run_free(lab.run);
}

/* On the double well the start is where f' has the size asked for, outside of the wells: x^3 - x = 0.3 at 1.1254. */
static void descent__starts_where_the_gradient_is_as_asked(void **state)
{
    (void)state;
    const sl_lab lab = lab_of(1);
    /* threshold 3 eta_c beta s2 = 3 * 0.85 * 0.1 * s2 = 0.09 */
    const sl_descent_step s = {"double-well", NULL, 5.75, 0.09 / 0.255, 0, 0.1, 1};
    sl_descent d;
    assert_ok(sl_descent_measure(&d, &s, 64, 1, &lab, &err));
    const double eta = 0.085 / 5.75;
    assert_near(d.without_noise * eta * eta * s.beta * s.s2, -eta * 0.09, 1e-12);
    sl_run_free(lab.run);
}

/* Without noise beyond y = 0 there is no leaving: what is not out in time is an error, not a short time. */
static void leaving__is_refused_where_some_stay(void **state)
{
    (void)state;
    const sl_lab lab = lab_of(1);
    sl_estimate time;
    const sl_leaving s = {.trial = {.rate = {0.07, 0.1}, .s2 = 1e-4, .replicas = 64, .steps = 5}, .radius = 0.5};
    assert_fails(sl_leaving_time(&time, &s, 1, &lab, &err), SL_E_NUMERIC, "after 5 steps");
    sl_run_free(lab.run);
}

/* l^-1 log(1/l) by hand, with the radius R / sqrt(1 - R^2) that a quadratic saddle takes as long to. */
static void leaving__law_has_the_radius_of_the_quadratic_saddle(void **state)
{
    (void)state;
    const double R = 0.5;
    const sl_leaving s = {.trial = {.rate = {0.01, 0.01}, .s2 = 0.01}, .radius = R};
    sl_saddle_law law;
    assert_ok(sl_leaving_law(&law, &s, &err));
    assert_near(law.leading, log(2 * R * R / (1 - R * R) / (0.01 * 0.01)) / 0.02, 1e-9);
}

static void tube__holds_who_started_inside_and_nobody_leaves_at_once(void **state)
{
    (void)state;
    const sl_lab lab = lab_of(1);
    const sl_tube t = {.hi = 0.1, .xi = 0.1, .k = 1.2, .dim = 2, .replicas = 100, .paths = 3, .path_every = 10};
    sl_plrs_tube tube;
    sl_exits e;
    assert_ok(sl_tube_run(&e, &tube, &t, 1, &lab, &err));
    assert_near(tube.radius, 1.2 * sqrt(0.1 * log(100)), 1e-12);
    assert_int_equal(e.exited + e.censored, 100);
    assert_int_equal(sl_table_blocks(e.paths), 3);
    assert_near(sl_table_row(e.paths, 0)[1], 0.6 * sqrt(0.1), 1e-12);
    const sl_estimate left = sl_tube_left(&e);
    assert_near(left.value, (double)e.exited / 100, 1e-12);
    assert_true(left.se > 0);
    sl_exits_clear(&e);
    sl_run_free(lab.run);
}

static void exponent__of_exact_and_of_noisy_powers(void **state)
{
    (void)state;
    const double x[] = {0.01, 0.1, 1};
    const sl_estimate exact[] = {{100, 0, INFINITY}, {10, 0, INFINITY}, {1, 0, INFINITY}};
    const sl_estimate noisy[] = {{100, 10, INFINITY}, {10, 1, INFINITY}, {1, 0.1, INFINITY}};
    sl_estimate b;
    assert_ok(sl_trial_exponent(&b, x, exact, 3, &err));
    assert_near(b.value, -1, 1e-12);
    assert_near(b.se, 0, 1e-12);
    /* se = 0.1 / sqrt(sum of (log x - mean)^2) = 0.1 / (sqrt(2) log 10) */
    assert_ok(sl_trial_exponent(&b, x, noisy, 3, &err));
    assert_near(b.value, -1, 1e-12);
    assert_near(b.se, 0.1 / (sqrt(2) * log(10)), 1e-12);
}

/* Curves made by hand: a reaches 0.5 half-way (in the logarithm) between its first points, b a whole step later. */
static void tensor_comparison__of_curves_by_hand(void **state)
{
    (void)state;
    double a[2 * SL_TENSOR_POINTS], b[2 * SL_TENSOR_POINTS];
    for (size_t r = 0; r < 2; r++)
        for (size_t i = 0; i < SL_TENSOR_POINTS; i++) {
            a[r * SL_TENSOR_POINTS + i] = i == 0 ? 1 : i == 1 ? 0.25 : 0.01;
            b[r * SL_TENSOR_POINTS + i] = i < 2 ? 1 : i == 2 ? 0.25 : 0.1;
        }
    const sl_tensor_curves ca = {.d = 2, .runs = 2, .every = 8, .error = a},
                           cb = {.d = 2, .runs = 2, .every = 8, .error = b};
    const sl_tensor_difference d = sl_tensor_compare(&ca, &cb);
    assert_near(d.time.value, log(4.0 / 12), 1e-12);
    assert_near(d.last.value, -1, 1e-12);
}

/* ---- figures --------------------------------------------------------------------------------------------------- */

/* Makes the figure in dir/name-jobs and returns its data, to be freed. */
static char *make_figure(const char *dir, const sl_recipe *recipe, int jobs)
{
    char path[256], folder[128];
    bool complete;
    sl_lab lab = lab_of(jobs);
    sl_run_free(lab.run);
    snprintf(folder, sizeof folder, "%s/%s-%d", dir, recipe->name, jobs);
    cJSON *config = cJSON_CreateObject(), *result = cJSON_CreateObject();
    assert_ok(sl_run_open(&lab.run, &complete, folder, "figure", config, 1, 0, NULL, &err));
    char *summary = NULL, *text = NULL;
    size_t size;
    assert_ok(recipe->make(&lab, &summary, result, &err));
    assert_non_null(summary);
    assert_true(strlen(summary) > 40);
    assert_null(strstr(summary, "nan"));
    sl_run_free(lab.run);
    snprintf(path, sizeof path, "%s/%s.dat", folder, recipe->name);
    assert_ok(sl_read_file(&text, &size, path, 1 << 24, &err));
    snprintf(path, sizeof path, "%s/%s.gp", folder, recipe->name);
    assert_int_equal(access(path, R_OK), 0);
    free(summary);
    cJSON_Delete(config);
    cJSON_Delete(result);
    return text;
}

static void figures__write_the_same_bytes_whatever_the_jobs(void **state)
{
    static const sl_recipe *const recipes[] = {&sl_recipe_saddle_trajectories, &sl_recipe_plrs_theorem_1,
                                               &sl_recipe_plrs_theorem_3, &sl_recipe_escape_times};
    for (size_t i = 0; i < (SANITISED ? 1 : 4); i++) {
        char *const one = make_figure(*state, recipes[i], 1);
        if (i == 0) {
            char *const three = make_figure(*state, recipes[i], 3);
            assert_string_equal(one, three);
            free(three);
        }
        free(one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plrs_claims__come_out_as_expected, setup_folder, remove_folder),
        cmocka_unit_test(plrs_claims__are_registered_once),
        cmocka_unit_test(descent__is_that_of_a_parabola_by_hand),
        cmocka_unit_test(descent__starts_where_the_gradient_is_as_asked),
        cmocka_unit_test(leaving__is_refused_where_some_stay),
        cmocka_unit_test(leaving__law_has_the_radius_of_the_quadratic_saddle),
        cmocka_unit_test(tube__holds_who_started_inside_and_nobody_leaves_at_once),
        cmocka_unit_test(exponent__of_exact_and_of_noisy_powers),
        cmocka_unit_test(tensor_comparison__of_curves_by_hand),
        cmocka_unit_test_setup_teardown(figures__write_the_same_bytes_whatever_the_jobs, setup_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
