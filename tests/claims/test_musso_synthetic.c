#include "tests/test.h"

#include <unistd.h>

#include "claims/figures_synthetic.h"
#include "claims/musso_synthetic.h"
#include "tests/claims/folder.h"
#include "tests/claims/lab.h"

static const struct {
    const sl_claim *claim;
    int slow;
} claims[] = {
    {&sl_claim_musso_alpha_moment_printed, 0},
    {&sl_claim_musso_alpha_moment_derived, 0},
    {&sl_claim_musso_noise_covariance_printed, 0},
    {&sl_claim_musso_noise_covariance_derived, 0},
    {&sl_claim_musso_sde_noise_printed, 1},
    {&sl_claim_musso_sde_noise_derived, 1},
    {&sl_claim_musso_hamiltonian_law_printed, 0},
    {&sl_claim_musso_hamiltonian_law_derived, 1},
    {&sl_claim_musso_temperature, 1},
    {&sl_claim_musso_boltzmann, 1},
    {&sl_claim_musso_modified_loss_printed, 0},
    {&sl_claim_musso_modified_loss_derived, 0},
    {&sl_claim_musso_alpha_placement, 1},
    {&sl_claim_musso_stability, 1},
    {&sl_claim_musso_cyclic_mean, 1},
};
enum { CLAIMS = sizeof claims / sizeof *claims };

static sl_lab lab_of(int jobs)
{
    return (sl_lab){.scale = SL_QUICK, .seed = 1, .jobs = jobs, .run = sl_run_none()};
}

/* The main gate: at quick scale every claim comes out as expected and every control fails. False alarms: fewer than 1
 * in 1000 seeds (the family's budget). */
static void synthetic_claims__come_out_as_expected(void **state)
{
    (void)state;
    const sl_lab lab = lab_of(0);
    for (int i = 0; i < CLAIMS; i++) {
        if (SANITISED && claims[i].slow) continue;
        sl_finding f;
        assert_ok(sl_claim_run(claims[i].claim, &lab, &f, &err));
        if (f.verdict != claims[i].claim->expected)
            fail_msg("%s %s, expected %s", claims[i].claim->id, sl_verdict_name(f.verdict),
                     sl_verdict_name(claims[i].claim->expected));
        if (f.control_verdict != SL_FAILS)
            fail_msg("control of %s %s", claims[i].claim->id, sl_verdict_name(f.control_verdict));
        assert_int_equal(f.n_parts, claims[i].claim->parts); /* at every scale: a budget neither exceeded nor idle */
        for (size_t k = 0; k < f.n_parts; k++) assert_in_range(strlen(f.parts[k].label), 1, sizeof f.parts[k].label - 2);
    }
    sl_run_free(lab.run);
}

static void synthetic_claims__are_registered_under_their_own_ids(void **state)
{
    (void)state;
    for (int i = 0; i < CLAIMS; i++) {
        size_t found = 0;
        for (size_t k = 0; k < sl_n_claims; k++) found += strcmp(sl_claims[k]->id, claims[i].claim->id) == 0;
        assert_int_equal(found, 1);
    }
}

static void findings__do_not_depend_on_jobs(void **state)
{
    (void)state;
    const sl_claim *const some[] = {&sl_claim_musso_hamiltonian_law_printed, &sl_claim_musso_noise_covariance_derived,
                                    &sl_claim_musso_alpha_moment_derived};
    const sl_lab one = lab_of(1), three = lab_of(3);
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        sl_finding a, b;
        assert_ok(sl_claim_run(some[i], &one, &a, &err));
        assert_ok(sl_claim_run(some[i], &three, &b, &err));
        assert_int_equal(a.n_parts, b.n_parts);
        for (size_t k = 0; k < a.n_parts; k++) {
            assert_memory_equal(&a.parts[k].measured, &b.parts[k].measured, sizeof a.parts[k].measured);
            assert_string_equal(a.parts[k].label, b.parts[k].label);
        }
    }
    sl_run_free(one.run);
    sl_run_free(three.run);
}

/* ---- figures --------------------------------------------------------------------------------------------------- */

/* Makes the figure in dir/run and returns its data file, to be freed. */
static char *make_figure(const char *dir, const sl_recipe *recipe, int jobs)
{
    char path[256];
    bool complete;
    sl_lab lab = lab_of(jobs);
    sl_run_free(lab.run);
    snprintf(path, sizeof path, "%s/run", dir);
    cJSON *config = cJSON_CreateObject(), *result = cJSON_CreateObject();
    assert_ok(sl_run_open(&lab.run, &complete, path, "figure", config, 1, 0, NULL, &err));
    char *summary = NULL, *text = NULL;
    size_t size;
    assert_ok(recipe->make(&lab, &summary, result, &err));
    assert_non_null(summary);
    assert_true(strlen(summary) > 40);
    sl_run_free(lab.run);
    snprintf(path, sizeof path, "%s/run/%s.dat", dir, recipe->name);
    assert_ok(sl_read_file(&text, &size, path, 1 << 24, &err));
    snprintf(path, sizeof path, "%s/run/%s.gp", dir, recipe->name);
    assert_int_equal(access(path, R_OK), 0);
    free(summary);
    cJSON_Delete(config);
    cJSON_Delete(result);
    return text;
}

/* Finished pieces are read back, lost ones computed again: the same data to the byte, whatever the number of jobs. */
static void boltzmann_figure__resumes_to_the_same_bytes(void **state)
{
    const char *const dir = *state;
    char path[256];
    char *const first = make_figure(dir, &sl_recipe_boltzmann, 2);
    snprintf(path, sizeof path, "%s/run/jobs/histogram-1.dat", dir);
    assert_int_equal(unlink(path), 0);
    char *const again = make_figure(dir, &sl_recipe_boltzmann, 1);
    assert_string_equal(first, again);
    free(first);
    free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synthetic_claims__come_out_as_expected),
        cmocka_unit_test(synthetic_claims__are_registered_under_their_own_ids),
        cmocka_unit_test(findings__do_not_depend_on_jobs),
        cmocka_unit_test_setup_teardown(boltzmann_figure__resumes_to_the_same_bytes, setup_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
