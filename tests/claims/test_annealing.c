#include "tests/test.h"

#include <math.h>

#include "claims/annealing.h"

/* A sanitised build samples ten times as slowly: one exponent is enough there. */
#if defined __SANITIZE_ADDRESS__
enum { TRIED = 1 };
#else
enum { TRIED = 6 };
#endif

static const sl_claim *const claims[] = {
    &sl_claim_annealing_linear, &sl_claim_annealing_constant, &sl_claim_annealing_inverse_sqrt,
    &sl_claim_annealing_poly_2, &sl_claim_annealing_poly_3,   &sl_claim_annealing_cosine,
};

/* At another seed than verify's. False alarms: fewer than 1 in 1000 seeds for all claims together. */
static void exponents__come_out_as_expected(void **state)
{
    (void)state;
    const sl_lab lab = {.scale = SL_QUICK, .seed = 2, .run = sl_run_none()};
    for (int i = 0; i < TRIED; i++) {
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exponents__come_out_as_expected),
        cmocka_unit_test(exponents__are_the_published_ones),
        cmocka_unit_test(relative_cost__is_a_ratio_of_means_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
