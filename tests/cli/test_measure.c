/* sgdlab measure: what it reports, what it leaves, and what it refuses. */
#include "tests/cli/program.h"

#define DATA "--data digits:train=600:test=50 --model mlp:hidden=8 "
#define SMALL DATA "--samples 200 --batch 10 --batches 40 --probes 4 --lanczos 20 --top 3 --directions 4 --points 50 "

static void make_weights(void)
{
    const said *s = run("train " DATA "--batch 20 --epochs 3 --lr 0.05 --momentum 0.5 --quiet --out t --save w.h5");
    if (s->code != 0) fail_msg("code %d: %s", s->code, s->err);
}

/* {"value": v, "se": s} with a finite value and an error of its size at most. */
static double estimate_at(const cJSON *o, const char *key)
{
    const cJSON *e = at(o, key);
    if (!e) fail_msg("no '%s'", key);
    assert_true(number_at(e, "se") >= 0);
    return number_at(e, "value");
}

static void measure__noise_and_curvature(void **state)
{
    (void)state;
    make_weights();
    const said *s = run("measure noise,curvature " SMALL "--checkpoint w.h5 --lr 0.05 --json --out m");
    if (s->code != 0) fail_msg("code %d: %s", s->code, s->err);
    cJSON *j = parse_only_json(s->out);
    assert_near(number_at(j, "samples"), 200, 0);
    assert_near(number_at(j, "parameters"), 784 * 8 + 8 + 80 + 10, 0);
    assert_string_equal(at(j, "mode")->valuestring, "evaluation");
    assert_string_equal(at(j, "weights")->valuestring, "weights file");
    const double trace = estimate_at(j, "trace");
    assert_true(trace > 0);
    const cJSON *by = at(j, "trace_by_batches");
    for (int k = 0; k < 2; k++) {
        const char *name = k ? "partition" : "replacement";
        assert_near(estimate_at(by, name), trace, 4.5 * number_at(at(by, name), "se"));
    }
    assert_close(estimate_at(at(j, "per_coordinate_D"), "mean"), trace / 6370, 1e-12);
    assert_close(estimate_at(j, "noise_scale"), trace / estimate_at(j, "gradient2"), 1e-12);
    const cJSON *top = at(j, "top_eigenvalues");
    assert_int_equal(cJSON_GetArraySize(top), 3);
    const double first = number_at(top->child, "value");
    assert_true(first >= number_at(top->child->next, "value") && first < trace);
    const cJSON *anisotropy = at(j, "anisotropy");
    assert_close(estimate_at(anisotropy, "top_share"), first / trace, 1e-12);
    assert_close(estimate_at(anisotropy, "effective_dimension"), 6370 * estimate_at(anisotropy, "participation"),
                 1e-12);
    assert_int_equal(cJSON_GetArraySize(at(at(j, "kurtosis"), "directions")), 4);
    assert_true(estimate_at(at(j, "kurtosis"), "random") > -2);
    assert_true(estimate_at(at(at(j, "tail_index"), "hill"), "random") > 0);
    assert_true(estimate_at(at(at(j, "tail_index"), "stable"), "random") > 0);

    const cJSON *h = at(j, "hessian"), *density = at(h, "density");
    assert_int_equal(cJSON_GetArraySize(at(h, "top")), 3);
    assert_int_equal(cJSON_GetArraySize(at(density, "value")), 50);
    assert_near(number_at(h, "stability_edge"), 40, 1e-12);
    assert_close(estimate_at(h, "sharpness_over_edge"), number_at(at(h, "top")->child, "value") / 40, 1e-12);
    assert_true(estimate_at(h, "trace") > number_at(at(h, "top")->child, "value"));
    const double cosine = estimate_at(at(j, "alignment"), "cosine");
    assert_true(cosine > 0.1 && cosine <= 1);
    assert_null(at(j, "temperature"));
    cJSON_Delete(j);
    static const char *const files[] = {"m/eigenvalues.dat", "m/density.dat", "m/projections.dat", "m/noise.h5",
                                        "m/measure.gp", "m/measure.png", "m/result.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!exists(files[i])) fail_msg("%s is not there", files[i]);
    /* The noise of each coordinate has the shape of the weights: it can be read as such. */
    assert_int_equal(run("measure noise " SMALL "--checkpoint m/noise.h5 --no-save --quiet")->code, 0);
    s = run("measure noise,curvature " SMALL "--checkpoint w.h5 --lr 0.05 --out m");
    assert_non_null(strstr(s->err, "complete already"));
    assert_non_null(strstr(s->out, "trace of the noise covariance"));
    /* Other weights under the same name are another configuration. */
    run_with("cp m/noise.h5 w.h5;", "--version");
    assert_refused("measure noise,curvature " SMALL "--checkpoint w.h5 --lr 0.05 --out m", 3, "weights-checksum");
}

static void measure__same_numbers_on_any_number_of_cores(void **state)
{
    (void)state;
    make_weights();
    static const char *const jobs[] = {"1", "3"};
    for (size_t i = 0; i < 2; i++) {
        char command[512];
        snprintf(command, sizeof command,
                 "measure noise curvature temperature " SMALL
                 "--checkpoint t/checkpoint.h5 --steps 200 --jobs %s --quiet --out j%s",
                 jobs[i], jobs[i]);
        const said *s = run(command);
        if (s->code != 0) fail_msg("code %d: %s", s->code, s->err);
    }
    assert_int_equal(run_with("for f in eigenvalues density projections temperature directions; do "
                              "cmp j1/$f.dat j3/$f.dat || exit 9; done; cmp j1/noise.h5 j3/noise.h5 &&",
                              "--version")
                         ->code,
                     0);
}

static void measure__temperature(void **state)
{
    (void)state;
    make_weights();
    const said *s = run("measure temperature " DATA "--samples 600 --batch 30 --top 3 --lanczos 20 --weight-decay 0.1 "
                        "--checkpoint t/checkpoint.h5 --lr 0.02 --momentum 0.5 --steps 8000 --windows 4 "
                        "--schedule random:delta=0.5 --json --out m");
    if (s->code != 0) fail_msg("code %d: %s", s->code, s->err);
    cJSON *j = parse_only_json(s->out);
    assert_string_equal(at(j, "weights")->valuestring, "checkpoint");
    assert_null(at(j, "hessian"));
    const cJSON *t = at(j, "temperature");
    assert_true(estimate_at(t, "predicted") > 0 && estimate_at(t, "kinetic") > 0);
    assert_int_equal(cJSON_GetArraySize(at(t, "directions")), 3);
    for (const cJSON *d = at(t, "directions")->child; d; d = d->next) {
        assert_true(estimate_at(d, "configurational") > 0);
        const double ratio = estimate_at(d, "kinetic") / estimate_at(d, "predicted");
        assert_true(ratio > 0.6 &&
                    ratio < 1.6); /* seen: 0.8 to 1.1; what holds exactly: tests/nets/test_temperature.c */
    }
    const cJSON *history = at(t, "history");
    assert_int_equal(cJSON_GetArraySize(history), 4);
    assert_near(number_at(history->child->next, "first"), 2000, 0);
    assert_true(estimate_at(history->child, "trace") > 0);
    cJSON_Delete(j);
    assert_true(exists("m/temperature.dat") && exists("m/directions.dat") && exists("m/measure.gp"));
    /* Without a file: initial weights; and a schedule that ends. */
    s = run("measure temperature " SMALL "--steps 200 --schedule linear --no-save");
    if (s->code != 0) fail_msg("code %d: %s", s->code, s->err);
    assert_non_null(strstr(s->out, "configurational"));
}

static void measure__refuses(void **state)
{
    (void)state;
    make_weights();
    assert_refused("measure", 2, "noise|curvature|temperature");
    assert_refused("measure noise,curvatur " SMALL "--no-save", 2, "did you mean 'curvature'");
    assert_refused("measure noise " SMALL "--checkpoint absent.h5 --no-save", 3, "absent.h5");
    run_with("echo nonsense > bad.h5;", "--version");
    assert_refused("measure noise " SMALL "--checkpoint bad.h5 --no-save", 3, "bad.h5");
    assert_refused("measure noise --model mlp:hidden=9 --data digits:train=600:test=50 --checkpoint w.h5 --no-save", 3,
                   "shape");
    assert_refused("measure noise " DATA "--batch 600 --no-save", 2, "--batch = 600");
    assert_refused("measure noise " DATA "--top 5 --lanczos 7 --no-save", 2, "--lanczos = 7");
    assert_refused("measure noise " DATA "--momentum 1.5 --no-save", 2, "momentum");
    assert_refused("measure temperature " DATA "--rule nesterov --no-save", 2, "nesterov");
    assert_refused("measure temperature " SMALL "--steps 100 --burn-in 100 --no-save", 2, "burn-in = 100");
    assert_refused("measure temperature " SMALL "--steps 100 --lr 1e9 --no-save", 4, "diverged");
    assert_false(exists("runs")); /* what cannot begin leaves no folder */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_folder, leave_folder)
    const struct CMUnitTest tests[] = {
        TEST(measure__noise_and_curvature),
        TEST(measure__same_numbers_on_any_number_of_cores),
        TEST(measure__temperature),
        TEST(measure__refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
