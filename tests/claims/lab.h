/* tests/claims/lab.h - claims and figures run at quick scale by tests of them. Includes cmocka through tests/test.h, which
 * comes first. */
#ifndef SL_TESTS_CLAIMS_LAB_H
#define SL_TESTS_CLAIMS_LAB_H

#include "claims/claim.h"

/* Sanitizers make what is dear ten times dearer; such tests are left to the release build. */
#if defined __SANITIZE_ADDRESS__
enum { SANITISED = 1 };
#else
enum { SANITISED = 0 };
#endif

/* At a seed other than the default: the verdict expected, and controls that fail in every part. */
static inline void assert_as_expected(const sl_claim *claim, uint64_t seed)
{
    const sl_lab lab = {.scale = SL_QUICK, .seed = seed, .jobs = 0, .run = sl_run_none()};
    sl_finding f;
    assert_ok(sl_claim_run(claim, &lab, &f, &err));
    if (f.verdict != claim->expected || f.control_verdict != SL_FAILS)
        fail_msg("%s: %s, control %s: %s", claim->id, sl_verdict_name(f.verdict), sl_verdict_name(f.control_verdict),
                 f.note);
    assert_int_equal(f.n_parts, claim->parts);
    sl_run_free(lab.run);
}

/* Makes a figure in the folder dir/NAME-jobs. *summary and *result are to be freed. */
static inline void draw(char **summary, cJSON **result, const char *dir, const sl_recipe *recipe, int jobs)
{
    char folder[128];
    bool complete;
    sl_lab lab = {.scale = SL_QUICK, .seed = 3, .jobs = jobs};
    snprintf(folder, sizeof folder, "%s/%s-%d", dir, recipe->name, jobs);
    cJSON *const config = cJSON_CreateObject();
    *result = cJSON_CreateObject();
    assert_ok(sl_run_open(&lab.run, &complete, folder, "figure", config, 3, 0, NULL, &err));
    assert_ok(recipe->make(&lab, summary, *result, &err));
    assert_null(strstr(*summary, "nan"));
    sl_run_free(lab.run);
    cJSON_Delete(config);
}

#endif
