/* The cheap ones of the claims about systems next to SGD. */
#include "tests/test.h"

#include "claims/neighbours.h"

#if defined __SANITIZE_ADDRESS__
enum { SANITISED = 1 };
#else
enum { SANITISED = 0 };
#endif

/* At a seed other than the default: the verdict expected, and controls that fail in every part. */
static void as_expected(const sl_claim *claim)
{
    const sl_lab lab = {.scale = SL_QUICK, .seed = 5, .jobs = 0, .run = sl_run_none()};
    sl_finding f;
    if (SANITISED) skip();
    assert_ok(sl_claim_run(claim, &lab, &f, &err));
    if (f.verdict != claim->expected || f.control_verdict != SL_FAILS)
        fail_msg("%s: %s, control %s: %s", claim->id, sl_verdict_name(f.verdict), sl_verdict_name(f.control_verdict),
                 f.note);
    assert_int_equal(f.n_parts, claim->parts);
    sl_run_free(lab.run);
}

static void averaging__holds(void **state)
{
    (void)state;
    as_expected(&sl_claim_averaging_bias_variance);
}

static void reshuffling__holds(void **state)
{
    (void)state;
    as_expected(&sl_claim_reshuffling_covariance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(averaging__holds),
        cmocka_unit_test(reshuffling__holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
