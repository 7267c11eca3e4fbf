/* Claims and figures about escape from wells: as expected at other seeds, and against numbers from elsewhere. */
#define _GNU_SOURCE /* nftw */
#include "tests/test.h"

#include "claims/crossing.h"
#include "claims/escape.h"
#include "tests/base/scratch.h"
#include "tests/claims/lab.h"

static sl_lab lab_of(uint64_t seed)
{
    return (sl_lab){.scale = SL_QUICK, .seed = seed, .jobs = 0, .run = sl_run_none()};
}

/* ---- crossings ------------------------------------------------------------------------------------------------- */

/* l q s2 / 2 = T, q = 1 + delta^2/3. */
static void crossing_noise__has_the_temperature(void **state)
{
    (void)state;
    assert_close(sl_crossing_noise(0.03, 0.1, 0), 0.6, 1e-15);
    assert_close(sl_crossing_noise(0.03, 0.1, 1), 0.45, 1e-15);
}

/* A small rate: Langevin's time by quadrature in 25 digits, 729.670691942322799 at T = 0.05, times 1 + c l, c = -0.21.
 */
static void crossing_exact__tends_to_langevin(void **state)
{
    (void)state;
    const sl_lab lab = lab_of(1);
    double c[2];
    for (int i = 0; i < 2; i++) {
        const double l = 0.02 / (1 << i);
        const sl_crossing run = {
            .loss = "double-well", .l = l, .s2 = sl_crossing_noise(0.05, l, 0), .from = -1, .to = 1};
        sl_estimate steps;
        assert_ok(sl_crossing_exact(&steps, &run, 2.4, 0, &lab, &err));
        c[i] = (l * steps.value / 729.670691942322799 - 1) / l;
        assert_near(l * steps.value / 729.670691942322799, 1, 0.3 * l);
    }
    assert_near(c[1] / c[0], 1, 0.1);
    sl_run_free(lab.run);
}

/* Three ways to one time, both ways: z < 4. */
static void crossings__agree_in_three_ways(void **state)
{
    (void)state;
    const sl_lab lab = lab_of(3);
    const sl_crossing up = {.loss = "tilted-double-well",
                            .l = 0.1,
                            .delta = 1,
                            .s2 = sl_crossing_noise(0.08, 0.1, 1),
                            .from = -1,
                            .to = 0.9};
    sl_crossing down = up;
    down.from = 0.9;
    down.to = -1;
    sl_estimate exact, sampled, split;
    assert_ok(sl_crossing_exact(&exact, &up, 2.4, 1e-6, &lab, &err));
    assert_ok(sl_crossing_sampled(&sampled, &up, 2000, 1e7, &lab, 1, &err));
    assert_near(sampled.value, exact.value, 4 * sampled.se);
    assert_ok(sl_crossing_split(&split, &up, 512, 32, &lab, 2, &err));
    assert_near(split.value, exact.value, 4 * split.se + 0.02 * exact.value); /* + the way from the start */
    const double there = exact.value;
    assert_ok(sl_crossing_exact(&exact, &down, 2.4, 1e-6, &lab, &err));
    assert_ok(sl_crossing_sampled(&sampled, &down, 2000, 1e7, &lab, 3, &err));
    assert_near(sampled.value, exact.value, 4 * sampled.se);
    assert_true(exact.value < 0.5 * there || exact.value > 2 * there); /* two wells of different depths */
    sl_run_free(lab.run);
}

/* f = x^2/2 without noise's tails: x is Gaussian; either side is twice as fast as one. Censored at the mean time, the
 * rate is the same. */
static void crossing_sampled__knows_both_sides_and_censoring(void **state)
{
    (void)state;
    const sl_lab lab = lab_of(5);
    sl_crossing c = {.loss = "quadratic", .l = 0.1, .s2 = sl_crossing_noise(0.1, 0.1, 0), .from = 0, .to = 1};
    sl_estimate one, both, censored;
    assert_ok(sl_crossing_sampled(&one, &c, 8000, 1e7, &lab, 1, &err));
    c.either_side = true;
    assert_ok(sl_crossing_sampled(&both, &c, 8000, 1e7, &lab, 2, &err));
    assert_near(one.value / both.value, 2, 4 * 2 * sqrt(2.0 / 8000) + 0.03);
    assert_ok(sl_crossing_sampled(&censored, &c, 8000, both.value, &lab, 3, &err));
    assert_near(censored.value / both.value, 1, 4 * sqrt(2.6 / 8000) + 0.03); /* 0.03: from the start */
    assert_near(censored.se / both.se, 1.26, 0.1);                            /* 63 % exits */
    assert_fails(sl_crossing_sampled(&censored, &c, 100, 1, &lab, 4, &err), SL_DIVERGED, "need 2");
    sl_run_free(lab.run);
}

static void crossings__refuse_what_is_no_loss_and_no_noise(void **state)
{
    (void)state;
    const sl_lab lab = lab_of(1);
    const sl_crossing loss = {.loss = "no-such", .l = 0.1, .s2 = 1, .to = 1},
                      noise = {.loss = "quadratic", .noise = "no-such", .l = 0.1, .s2 = 1, .to = 1},
                      there = {.loss = "quadratic", .l = 0.1, .s2 = 1, .from = 1, .to = 0.5, .either_side = false};
    sl_estimate steps;
    assert_fails(sl_crossing_sampled(&steps, &loss, 10, 10, &lab, 1, &err), SL_E_NAME, "no-such");
    assert_fails(sl_crossing_exact(&steps, &loss, 2, 0, &lab, &err), SL_E_NAME, "no-such");
    assert_fails(sl_crossing_sampled(&steps, &noise, 10, 10, &lab, 1, &err), SL_E_NAME, "no-such");
    assert_ok(sl_crossing_sampled(&steps, &there, 10, 1e6, &lab, 1, &err)); /* downhill */
    sl_run_free(lab.run);
}

/* Nothing censored: mean and standard error of 1, 2, 3, 4. One of 1, 2, 3 censored: 6 steps over 2 exits, residuals
 * 1 - 3, 2 - 3 and 3. */
static void exits_mean__has_the_error_of_a_ratio(void **state)
{
    (void)state;
    uint64_t time[] = {1, 2, 3, 4};
    uint8_t by[] = {0, 0, SL_EXIT_CENSORED, 0};
    sl_estimate mean;
    assert_ok(sl_exits_mean(&mean, &(sl_exits){.replicas = 3, .time = time, .by = by, .exited = 2}, &err));
    assert_near(mean.value, 3, 1e-15);
    assert_near(mean.se, sqrt((4 + 1 + 9) * 1.5) / 2, 1e-15);
    by[2] = 0;
    assert_ok(sl_exits_mean(&mean, &(sl_exits){.replicas = 4, .time = time, .by = by, .exited = 4}, &err));
    assert_near(mean.value, 2.5, 1e-15);
    assert_near(mean.se, sqrt(5.0 / 3 / 4), 1e-15);
}

/* log 4 / log 2 = 2, errors 0.1/4 and 0.05/1 over log 2. */
static void exponents__carry_errors(void **state)
{
    (void)state;
    const sl_estimate e = sl_exponent((sl_estimate){4, 0.1, INFINITY}, (sl_estimate){1, 0.05, INFINITY}, log(2));
    assert_near(e.value, 2, 1e-14);
    assert_near(e.se, hypot(0.025, 0.05) / M_LN2, 1e-14);
    assert_near(sl_exponent((sl_estimate){4, 0.1, INFINITY}, sl_exact(1), -log(2)).se, 0.025 / M_LN2, 1e-14);
}

/* ---- two dimensions -------------------------------------------------------------------------------------------- */

/* Mueller-Brown, from (0.623, 0.028) to the disc of 0.25 around (-0.558, 1.442) at T = 0.2, l = 0.005: 5872.36 +- 0.46
 * steps by `operator --kind transfer --lo=-2.6,-1 --hi 1.5,3` (29.656 / l by Fokker and Planck's operator). */
static void mueller_brown__takes_the_operators_time(void **state)
{
    (void)state;
    const double start[] = {0.623, 0.028}, l = 0.005;
    const sl_escape how = {.region = {.set = {{SL_SET_WITHIN, {-0.558, 1.442}, 0.25}}, .n = 1}};
    sl_sgd sgd = {.ensemble = {.seed = 7, .experiment = 1, .replicas = 4000, .steps = 1000000, .start = start},
                  .noise_variance = 2 * 0.2 / l};
    sl_estimate steps;
    sl_exits e;
    assert_ok(sl_loss_init(&sgd.loss, "mueller-brown", &err));
    assert_ok(sl_rule_init(&sgd.rule, "plain", SL_ALPHA_ON_GRADIENT, l, 0, 0, &err));
    assert_ok(sl_schedule_init(&sgd.schedule, "constant", l, 1, 1, &err));
    assert_ok(sl_sgd_escape(&e, &sgd, &how, &err));
    assert_ok(sl_exits_mean(&steps, &e, &err));
    assert_int_equal(e.lost, 0);
    sl_exits_clear(&e);
    assert_near(steps.value, 5872.36, 4 * steps.se);
}

/* ---- the claims ------------------------------------------------------------------------------------------------ */

static void claims__come_out_as_expected(void **state)
{
    (void)state;
    assert_as_expected(&sl_claim_kramers_sgd_rate_continuous, 2);
    if (SANITISED) return;
    assert_as_expected(&sl_claim_kramers_sgd_rate, 2);
    assert_as_expected(&sl_claim_escape_batch_size, 2);
    assert_as_expected(&sl_claim_escape_heavy_tail, 2);
}

/* ---- the figures ----------------------------------------------------------------------------------------------- */

static void draws(const sl_recipe *recipe, const char *const words[], size_t n)
{
    char path[PATH_MAX];
    const char *const dir = in_scratch(recipe->name);
    cJSON *config = cJSON_CreateObject(), *result = cJSON_CreateObject();
    char name[] = "test", *argv[] = {name}, *summary = NULL;
    bool complete;
    sl_lab lab = {.scale = SL_QUICK, .seed = 4, .jobs = 0};
    assert_ok(sl_run_open(&lab.run, &complete, dir, recipe->name, config, 4, 1, argv, &err));
    assert_ok(recipe->make(&lab, &summary, result, &err));
    for (size_t i = 0; i < n; i++)
        if (!strstr(summary, words[i])) fail_msg("%s: '%s' is not in: %s", recipe->name, words[i], summary);
    assert_null(strstr(summary, "nan"));
    snprintf(path, sizeof path, "%s/%s.dat", dir, recipe->name);
    assert_int_equal(access(path, R_OK), 0);
    snprintf(path, sizeof path, "%s/%s.gp", dir, recipe->name);
    assert_int_equal(access(path, R_OK), 0);
    free(summary);
    cJSON_Delete(result);
    cJSON_Delete(config);
    sl_run_free(lab.run);
}

static void figures__write_their_files(void **state)
{
    (void)state;
    static const char *const distribution[] = {"Saddle, Δ = 0: 100000 exits", "at all times: HOLDS", "z = "};
    if (!SANITISED) draws(&sl_recipe_escape_distribution, distribution, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crossing_noise__has_the_temperature),
        cmocka_unit_test(crossing_exact__tends_to_langevin),
        cmocka_unit_test(crossings__agree_in_three_ways),
        cmocka_unit_test(crossing_sampled__knows_both_sides_and_censoring),
        cmocka_unit_test(crossings__refuse_what_is_no_loss_and_no_noise),
        cmocka_unit_test(exits_mean__has_the_error_of_a_ratio),
        cmocka_unit_test(exponents__carry_errors),
        cmocka_unit_test(mueller_brown__takes_the_operators_time),
        cmocka_unit_test(claims__come_out_as_expected),
        cmocka_unit_test(figures__write_their_files),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
