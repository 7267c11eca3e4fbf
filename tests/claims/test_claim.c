#include "tests/test.h"

#include "base/json.h"
#include "base/random.h"
#include "claims/claim.h"
#include "tests/claims/folder.h"

static sl_estimate noisy(double value, double se, double dof)
{
    return (sl_estimate){value, se, dof};
}

static sl_finding judged(size_t n, const sl_estimate *measured, const double *predicted, double tolerance,
                         double control)
{
    sl_finding f = {0};
    for (size_t i = 0; i < n; i++)
        assert_ok(sl_finding_add(&f, measured[i], predicted[i], tolerance, control, &err, "part %zu", i));
    sl_finding_judge(&f);
    return f;
}

static sl_verdict one(sl_estimate measured, double predicted, double tolerance)
{
    return judged(1, &measured, &predicted, tolerance, NAN).verdict;
}

/* ---- one part -------------------------------------------------------------------------------------------------- */

static void judge__exact_numbers_are_never_undecided(void **state)
{
    (void)state;
    assert_int_equal(one(sl_exact(1.0009), 1, 1e-3), SL_HOLDS);
    assert_int_equal(one(sl_exact(1.0011), 1, 1e-3), SL_FAILS);
    assert_int_equal(one(sl_exact(1), 1, 0), SL_HOLDS);
}

static void judge__noisy_numbers_need_their_whole_interval(void **state)
{
    (void)state;
    assert_int_equal(one(noisy(1.02, 0.01, INFINITY), 1, 0.1), SL_HOLDS); /* 0.02 + 0.047 < 0.1 */
    assert_int_equal(one(noisy(1.06, 0.01, INFINITY), 1, 0.1), SL_NOT_DECIDED);
    assert_int_equal(one(noisy(1.14, 0.01, INFINITY), 1, 0.1), SL_NOT_DECIDED);
    assert_int_equal(one(noisy(1.16, 0.01, INFINITY), 1, 0.1), SL_FAILS); /* 0.16 - 0.047 > 0.1 */
    assert_int_equal(one(noisy(0.84, 0.01, INFINITY), 1, 0.1), SL_FAILS);
    assert_int_equal(one(noisy(1, 10, INFINITY), 1, 0.1), SL_NOT_DECIDED); /* too few data never confirm */
}

static void judge__what_is_not_known_is_undecided(void **state)
{
    (void)state;
    assert_int_equal(one(noisy(1, NAN, NAN), 1, 0.1), SL_NOT_DECIDED);
    assert_int_equal(one(noisy(NAN, 0.01, 10), 1, 0.1), SL_NOT_DECIDED);
    assert_int_equal(one(noisy(5, 0.01, 0), 1, 0.1), SL_NOT_DECIDED);
    assert_int_equal(one(sl_exact(INFINITY), 1, 0.1), SL_NOT_DECIDED);
}

/* P(|z| > x) of the normal law, and of Student's with 12 degrees of freedom (Abramowitz and Stegun 26.7.4). */
static double normal_tails(double x)
{
    return erfc(x / sqrt(2));
}

static double student12_tails(double x)
{
    const double cos2 = 12 / (12 + x * x);
    double term = 1, sum = 1;
    for (int k = 2; k <= 10; k += 2) sum += term *= cos2 * (k - 1) / k;
    return 1 - sqrt(1 - cos2) * sum;
}

/* Where the tails hold the error rate of one interval. */
static double quantile(double (*tails)(double))
{
    double low = 0, high = 100;
    while (high - low > 1e-9) {
        const double middle = (low + high) / 2;
        if (tails(middle) > SL_FAMILY_ERROR / SL_FAMILY_INTERVALS)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void judge__uses_the_family_s_error_rate(void **state)
{
    (void)state;
    const double z = quantile(normal_tails), t = quantile(student12_tails);
    assert_int_equal(one(noisy(0, 1, INFINITY), 0, z + 1e-4), SL_HOLDS);
    assert_int_equal(one(noisy(0, 1, INFINITY), 0, z - 1e-4), SL_NOT_DECIDED);
    assert_int_equal(one(noisy(0, 1, 12), 0, t + 1e-4), SL_HOLDS);
    assert_int_equal(one(noisy(0, 1, 12), 0, t - 1e-4), SL_NOT_DECIDED);
}

/* Means of 4 normal samples, true difference exactly at the tolerance, where wrong verdicts are likeliest: half the
 * error rate each way, 1 in 1.2 million in all if the budget is 600 intervals. 3e5 findings: more than 5 wrong ones have
 * probability 1e-6. A rule that took 4.79 standard errors for Gaussian (forgetting that there are 3 degrees of
 * freedom) would be wrong 1.9 % of the time. */
static void judge__errs_as_rarely_as_promised(void **state)
{
    (void)state;
    enum { FINDINGS = 300000, SAMPLES = 4 };
    static double z[SAMPLES * FINDINGS];
    const sl_draw draw = {.seed = 3, .purpose = SL_PURPOSE_TEST};
    sl_random_normals(z, SAMPLES * FINDINGS, 0, 1, &draw);
    size_t wrong = 0, naive = 0;
    for (size_t i = 0; i < FINDINGS; i++) {
        sl_estimate e = sl_mean(z + SAMPLES * i, SAMPLES);
        naive += fabs(e.value) > 4.79 * e.se;
        e.value += 100; /* far from the other edge, -100 */
        wrong += one(e, 0, 100) != SL_NOT_DECIDED;
    }
    assert_true(wrong <= 5);
    assert_in_range(naive, FINDINGS / 100, FINDINGS / 40);
}

/* ---- several parts --------------------------------------------------------------------------------------------- */

static void judge__one_failing_part_refutes_and_all_must_hold(void **state)
{
    (void)state;
    const double p[] = {0, 0, 0};
    const sl_estimate holds = sl_exact(0), fails = sl_exact(1), open = noisy(0, 1, INFINITY);
    assert_int_equal(judged(3, (sl_estimate[]){holds, holds, holds}, p, 0.5, 9).verdict, SL_HOLDS);
    assert_int_equal(judged(3, (sl_estimate[]){holds, open, holds}, p, 0.5, 9).verdict, SL_NOT_DECIDED);
    assert_int_equal(judged(3, (sl_estimate[]){holds, open, fails}, p, 0.5, 9).verdict, SL_FAILS);
    const sl_finding f = judged(3, (sl_estimate[]){holds, open, fails}, p, 0.5, 9);
    assert_int_equal(f.parts[0].verdict, SL_HOLDS);
    assert_int_equal(f.parts[1].verdict, SL_NOT_DECIDED);
    assert_int_equal(f.parts[2].verdict, SL_FAILS);
    assert_string_equal(f.parts[2].label, "part 2");
}

static void judge__a_control_must_fail_in_every_part(void **state)
{
    (void)state;
    const double p[] = {0, 0};
    const sl_estimate zero = sl_exact(0), open = noisy(0, 1, INFINITY);
    assert_int_equal(judged(2, (sl_estimate[]){zero, zero}, p, 0.5, 1).control_verdict, SL_FAILS);
    assert_int_equal(judged(2, (sl_estimate[]){zero, zero}, p, 0.5, 0.1).control_verdict, SL_HOLDS);
    assert_int_equal(judged(2, (sl_estimate[]){zero, open}, p, 0.5, 1).control_verdict, SL_NOT_DECIDED);
    assert_int_equal(judged(2, (sl_estimate[]){zero, zero}, p, 0.5, NAN).control_verdict, SL_NUMBERS_ONLY);
}

static void judge__numbers_without_prediction_are_only_numbers(void **state)
{
    (void)state;
    const sl_estimate e[] = {sl_exact(1), sl_exact(2)};
    assert_int_equal(judged(2, e, (double[]){NAN, NAN}, 0, NAN).verdict, SL_NUMBERS_ONLY);
    const sl_finding mixed = judged(2, e, (double[]){NAN, 2}, 0.1, NAN);
    assert_int_equal(mixed.parts[0].verdict, SL_NUMBERS_ONLY);
    assert_int_equal(mixed.verdict, SL_HOLDS);
}

static void finding_add__refuses_a_full_finding_and_bad_tolerances(void **state)
{
    (void)state;
    sl_finding f = {0};
    for (int i = 0; i < SL_CLAIM_PARTS; i++) assert_ok(sl_finding_add(&f, sl_exact(1), 1, 0, 2, &err, "x"));
    assert_fails(sl_finding_add(&f, sl_exact(1), 1, 0, 2, &err, "x"), SL_E_CONFIG, "24");
    f.n_parts = 0;
    assert_fails(sl_finding_add(&f, sl_exact(1), 1, NAN, 2, &err, "x"), SL_E_DOMAIN, "tolerance");
    assert_fails(sl_finding_add(&f, sl_exact(1), 1, -1, 2, &err, "x"), SL_E_DOMAIN, "tolerance");
    assert_int_equal(f.n_parts, 0);
}

/* ---- claims ---------------------------------------------------------------------------------------------------- */

static sl_status measure_two(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    assert_non_null(lab->run); /* also of a lab that has none */
    SL_TRY(sl_finding_add(f, noisy(1.01, 0.001, INFINITY), 1, 0.1, 2, err, "near"));
    SL_TRY(sl_finding_add(f, noisy(1.05, 0.001, INFINITY), 1, 0.1, 2, err, "less near"));
    snprintf(f->note, sizeof f->note, "a note");
    return SL_OK;
}

static sl_status measure_nothing(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    (void)lab, (void)f, (void)err;
    return SL_OK;
}

static sl_status measure_badly(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    (void)lab, (void)f;
    return sl_fail(err, SL_E_NUMERIC, "it broke");
}

static const sl_claim two = {"paper.claim.derived", "Paper", "1", "one is one", SL_HOLDS, SL_QUICK, measure_two, 2};

static void claim_run__measures_judges_and_times(void **state)
{
    (void)state;
    const sl_lab lab = {.seed = 1};
    sl_finding f = {.n_parts = 7};
    assert_ok(sl_claim_run(&two, &lab, &f, &err));
    assert_int_equal(f.n_parts, 2);
    assert_int_equal(f.verdict, SL_HOLDS);
    assert_int_equal(f.control_verdict, SL_FAILS);
    assert_true(f.seconds >= 0 && f.seconds < 60);
    sl_claim open = two;
    open.expected = SL_NUMBERS_ONLY;
    assert_ok(sl_claim_run(&open, &lab, &f, &err));
    assert_int_equal(f.verdict, SL_NUMBERS_ONLY);
    assert_int_equal(f.parts[0].verdict, SL_HOLDS);
}

static void claim_run__passes_failures_on(void **state)
{
    (void)state;
    const sl_lab lab = {.seed = 1};
    sl_finding f = {.n_parts = 7};
    const sl_claim bad = {"paper.bad", "Paper", "", "", SL_HOLDS, SL_QUICK, measure_badly, 0};
    const sl_claim empty = {"paper.empty", "Paper", "", "", SL_HOLDS, SL_QUICK, measure_nothing, 0};
    assert_fails(sl_claim_run(&bad, &lab, &f, &err), SL_E_NUMERIC, "it broke");
    assert_fails(sl_claim_run(&empty, &lab, &f, &err), SL_E_NUMERIC, "paper.empty measured nothing");
    assert_int_equal(f.n_parts, 7);
}

static sl_status measure_divergence(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    (void)lab, (void)f;
    return sl_fail(err, SL_DIVERGED, "arm 'wild' diverged in epoch 1");
}

/* Least of all HOLDS, which is what a finding of zeros would say. */
static void claim_run__that_diverges_is_undecided_and_says_why(void **state)
{
    (void)state;
    const sl_lab lab = {.seed = 1};
    sl_finding f = {.verdict = SL_HOLDS};
    const sl_claim wild = {"paper.wild", "Paper", "", "", SL_HOLDS, SL_QUICK, measure_divergence, 0};
    assert_fails(sl_claim_run(&wild, &lab, &f, &err), SL_DIVERGED, "epoch 1");
    assert_int_equal(f.verdict, SL_NOT_DECIDED);
    assert_int_equal(f.control_verdict, SL_NOT_DECIDED);
    assert_int_equal(f.n_parts, 0);
    assert_string_equal(f.note, "arm 'wild' diverged in epoch 1");
    cJSON *o = sl_finding_json(&wild, &f, true);
    assert_string_equal(cJSON_GetObjectItem(o, "verdict")->valuestring, "UNDECIDED");
    cJSON_Delete(o);
    assert_int_equal(sl_claim_run(&wild, &lab, &f, NULL), SL_DIVERGED);
}

/* The error rate of an interval is that of the family divided by SL_FAMILY_INTERVALS: there are not more. */
static void claims__fit_the_family_s_budget(void **state)
{
    (void)state;
    size_t intervals = 0;
    for (size_t i = 0; i < sl_n_claims; i++) {
        assert_in_range(sl_claims[i]->parts, 1, SL_CLAIM_PARTS);
        intervals += 2 * sl_claims[i]->parts;
    }
    assert_in_range(intervals, 1, SL_FAMILY_INTERVALS);

    const sl_lab lab = {.seed = 1};
    sl_finding f;
    sl_claim exceeding = two;
    exceeding.parts = 1;
    assert_fails(sl_claim_run(&exceeding, &lab, &f, &err), SL_E_CONFIG, "2 parts, more than its 1");
}

/* A claim that says how often it was measured. */
static int measured_times;
static sl_status measure_once(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    measured_times++;
    SL_TRY(sl_finding_add(f, sl_exact(1.0 / 3), 1.0 / 3, 0, NAN, err, "<x f'> / T, l=0.1: a label"));
    return measure_two(lab, f, err);
}

/* In a run folder a claim is measured once; what is read back is what was measured. */
static void claim_run__resumes_from_the_run_folder(void **state)
{
    const sl_claim claim = {"paper.once", "Paper", "1", "", SL_HOLDS, SL_QUICK, measure_once, 0};
    cJSON *config = cJSON_CreateObject();
    sl_lab lab = {.seed = 1};
    sl_finding f[2];
    measured_times = 0;
    for (int i = 0; i < 2; i++) {
        bool complete;
        assert_ok(sl_run_open(&lab.run, &complete, *state, "verify", config, 1, 0, NULL, &err));
        assert_ok(sl_claim_run(&claim, &lab, &f[i], &err));
        sl_run_free(lab.run);
        f[i].seconds = 0;
    }
    cJSON_Delete(config);
    assert_int_equal(measured_times, 1);
    assert_int_equal(f[0].n_parts, 3);
    assert_string_equal(f[1].note, f[0].note);
    for (int k = 0; k < 3; k++) {
        assert_string_equal(f[1].parts[k].label, f[0].parts[k].label);
        assert_memory_equal(&f[1].parts[k].measured, &f[0].parts[k].measured, sizeof(sl_estimate));
        assert_int_equal(f[1].parts[k].verdict, f[0].parts[k].verdict);
        assert_int_equal(f[1].parts[k].control_verdict, f[0].parts[k].control_verdict);
    }
}

static void claim_matches__ids_prefixes_and_globs(void **state)
{
    (void)state;
    assert_true(sl_claim_matches(&two, "paper.claim.derived"));
    assert_true(sl_claim_matches(&two, "paper"));
    assert_true(sl_claim_matches(&two, "paper.claim"));
    assert_true(sl_claim_matches(&two, "*.derived"));
    assert_true(sl_claim_matches(&two, "paper.*"));
    assert_false(sl_claim_matches(&two, "pap"));
    assert_false(sl_claim_matches(&two, "paper.claim.deriv"));
    assert_false(sl_claim_matches(&two, "*.printed"));
    assert_false(sl_claim_matches(&two, ""));
}

static void finding_json__has_the_promised_keys(void **state)
{
    (void)state;
    sl_finding f;
    assert_ok(sl_claim_run(&two, &(sl_lab){.seed = 1}, &f, &err));
    cJSON *o = sl_finding_json(&two, &f, true);
    const char *const keys[] = {"id",        "paper",   "equation", "statement", "predicted", "measured",
                                "tolerance", "verdict", "expected", "control",   "seconds",   "parts"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) assert_non_null(cJSON_GetObjectItem(o, keys[i]));
    assert_string_equal(cJSON_GetObjectItem(o, "verdict")->valuestring, "HOLDS");
    assert_string_equal(cJSON_GetObjectItem(o, "control")->valuestring, "FAILS");
    /* The part that is furthest off speaks for the claim. */
    const cJSON *measured = cJSON_GetObjectItem(o, "measured");
    assert_near(cJSON_GetObjectItem(measured, "value")->valuedouble, 1.05, 0);
    assert_near(cJSON_GetObjectItem(measured, "se")->valuedouble, 0.001, 0);
    const cJSON *parts = cJSON_GetObjectItem(o, "parts");
    assert_int_equal(cJSON_GetArraySize(parts), 2);
    const cJSON *part = cJSON_GetArrayItem(parts, 0);
    assert_string_equal(cJSON_GetObjectItem(part, "label")->valuestring, "near");
    assert_near(cJSON_GetObjectItem(cJSON_GetObjectItem(part, "control"), "predicted")->valuedouble, 2, 0);
    cJSON_Delete(o);
    o = sl_finding_json(&two, &f, false);
    assert_null(cJSON_GetObjectItem(o, "control"));
    assert_null(cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(o, "parts"), 0), "control"));
    cJSON_Delete(o);
}

static void scale_parse__knows_three(void **state)
{
    (void)state;
    sl_scale s = SL_QUICK;
    assert_ok(sl_scale_parse(&s, "desk", &err));
    assert_int_equal(s, SL_DESK);
    assert_string_equal(sl_scale_name(SL_PAPER), "paper");
    assert_fails(sl_scale_parse(&s, "huge", &err), SL_E_NAME, "huge");
    assert_int_equal(s, SL_DESK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judge__exact_numbers_are_never_undecided),
        cmocka_unit_test(judge__noisy_numbers_need_their_whole_interval),
        cmocka_unit_test(judge__what_is_not_known_is_undecided),
        cmocka_unit_test(judge__uses_the_family_s_error_rate),
        cmocka_unit_test(judge__errs_as_rarely_as_promised),
        cmocka_unit_test(judge__one_failing_part_refutes_and_all_must_hold),
        cmocka_unit_test(judge__a_control_must_fail_in_every_part),
        cmocka_unit_test(judge__numbers_without_prediction_are_only_numbers),
        cmocka_unit_test(finding_add__refuses_a_full_finding_and_bad_tolerances),
        cmocka_unit_test(claim_run__measures_judges_and_times),
        cmocka_unit_test(claim_run__passes_failures_on),
        cmocka_unit_test(claim_run__that_diverges_is_undecided_and_says_why),
        cmocka_unit_test(claims__fit_the_family_s_budget),
        cmocka_unit_test_setup_teardown(claim_run__resumes_from_the_run_folder, setup_folder, remove_folder),
        cmocka_unit_test(claim_matches__ids_prefixes_and_globs),
        cmocka_unit_test(finding_json__has_the_promised_keys),
        cmocka_unit_test(scale_parse__knows_three),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
