#include "tests/test.h"

#include "claims/claim.h"
#include "claims/regimes.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tuned_rates__on_the_absolute_value_obey_its_closed_forms),
        cmocka_unit_test(regimes_of_the_suite__refuse_unknown_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
