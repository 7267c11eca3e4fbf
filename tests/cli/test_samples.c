/* Losses over pictures (--data): simulate and robustness on them against a descent of the test's own, and what is
 * refused. */
#include "tests/cli/program.h"

#include "nets/dataset.h"

#define SET "digits:train=300:test=10"
enum { SIDE = 4, ACROSS = 7, N = ACROSS * ACROSS + 1 };

/* f at its minimum, by gradient descent from 0 on features made from the bytes. A constant feature beside the constant
 * term would share its weight: those of pictures are left out. */
static double least_log_loss(int first, int second, double l2)
{
    sl_dataset train, test;
    assert_ok(sl_dataset_load(&train, &test, SET, NULL, &err));
    static double A[300][N], y[300];
    size_t m = 0;
    for (size_t i = 0; i < train.n; i++) {
        if (train.labels[i] != first && train.labels[i] != second) continue;
        y[m] = train.labels[i] == second ? 1 : -1;
        for (int k = 0; k < N; k++) A[m][k] = k + 1 == N;
        for (size_t p = 0; p < 28 * 28; p++)
            A[m][p / 28 / SIDE * ACROSS + p % 28 / SIDE] +=
                (train.pixels[i * 28 * 28 + p] / 255.0 - train.mean[0]) / train.deviation[0] / (SIDE * SIDE);
        m++;
    }
    sl_dataset_free(&train);
    sl_dataset_free(&test);
    bool used[N];
    for (int k = 0; k < N; k++) {
        used[k] = k + 1 == N;
        for (size_t j = 1; j < m; j++) used[k] = used[k] || fabs(A[j][k] - A[0][k]) > 1e-9;
    }
    double x[N] = {0}, f = 0;
    for (int step = 0; step < 4000; step++) {
        double g[N] = {0};
        f = 0;
        for (int k = 0; k < N; k++) f += l2 * x[k] * x[k] / 2, g[k] = l2 * x[k];
        for (size_t j = 0; j < m; j++) {
            double t = 0;
            for (int k = 0; k < N; k++) t += used[k] ? y[j] * A[j][k] * x[k] : 0;
            f += log1p(exp(-t)) / (double)m;
            for (int k = 0; k < N; k++) g[k] -= used[k] ? y[j] * A[j][k] / (1 + exp(t)) / (double)m : 0;
        }
        for (int k = 0; k < N; k++) x[k] -= 0.2 * g[k];
    }
    return f;
}

/* Without noise a long run ends at the minimum, which the loss says it knows. */
static void simulate__logistic_of_two_classes_finds_its_minimum(void **state)
{
    (void)state;
    const said *s = run("simulate --loss logistic:l2=0.1 --data " SET " --classes 3,5 --noise-variance 0 --lr 0.5 "
                        "--burn-in 2000 --steps 2 --replicas 8 --sample-every 2 --json --no-save --quiet");
    if (s->code != 0) fail_msg("code %d: %s", s->code, s->err);
    cJSON *j = parse_only_json(s->out);
    const double expected = least_log_loss(3, 5, 0.1);
    assert_true(expected > 0.05 && expected < 0.69);
    assert_close(number_at(at(j, "loss"), "value"), expected, 1e-6); /* pixels are single precision there */
    assert_near(number_at(at(j, "excess"), "value"), 0, 1e-10);
    assert_true(number_at(at(j, "configuration"), "samples") > 40);
    assert_in_range((uintmax_t)number_at(at(j, "configuration"), "features"), 30, N);
    cJSON_Delete(j);
}

/* Reshuffling's excess is the smaller one, and neither is below the least. */
static void simulate__reshuffled_pictures_stay_nearer(void **state)
{
    (void)state;
    double excess[2];
    for (int k = 0; k < 2; k++) {
        char command[300];
        snprintf(command, sizeof command,
                 "simulate --loss logistic:l2=0.1 --data " SET " --classes 3,5 --noise minibatch:size=4%s --lr 0.05 "
                 "--burn-in 2000 --steps 2000 --sample-every 7 --json --no-save --quiet",
                 k == 0 ? "" : ":order=reshuffle");
        cJSON *j = parse_only_json(run(command)->out);
        excess[k] = number_at(at(j, "excess"), "value");
        cJSON_Delete(j);
    }
    assert_true(excess[1] > 0 && excess[0] > 3 * excess[1]);
}

static void robustness__has_a_grid_on_pictures(void **state)
{
    (void)state;
    const said *s =
        run("robustness --problem logistic:l2=0.1 --data " SET " --schedule cosine --horizon 200 --replicas "
            "64 --rho 1,4,16 --json --no-save --quiet");
    if (s->code != 0) fail_msg("code %d: %s", s->code, s->err);
    cJSON *j = parse_only_json(s->out);
    const cJSON *row = at(j, "table")->child;
    double before = 0;
    for (int n = 0; row; row = row->next, n++) {
        const double excess = number_at(at(row, "excess"), "value");
        assert_true(excess > before); /* a rate that is wrong costs more and more */
        before = excess;
    }
    cJSON_Delete(j);
}

static void samples__refuse_what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        int code;
        const char *text;
    } bad[] = {
        {"simulate --no-save --loss double-well --data " SET, 2, "logistic, hinge"},
        {"simulate --no-save --loss logistic:m=50 --data " SET, 2, "that of synthetic samples"},
        {"simulate --no-save --loss logistic --classes 1,2", 2, "goes with --data"},
        {"simulate --no-save --loss logistic --data " SET " --classes 1", 2, "two different"},
        {"simulate --no-save --loss logistic --data " SET " --classes 7,7", 2, "two different"},
        {"simulate --no-save --loss logistic --data " SET " --classes 1,10", 2, "10 is none of the labels 0 to 9"},
        {"simulate --no-save --loss logistic --data " SET " --classes 1,2.5", 2, "2.5 is none"},
        {"simulate --no-save --loss logistic --data numbers", 2, "digits"},
        {"simulate --no-save --loss logistic --data mnist --data-dir .", 3, "train-images"},
        {"robustness --no-save --data " SET, 2, "samples go with"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_refused(bad[i].arguments, bad[i].code, bad[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simulate__logistic_of_two_classes_finds_its_minimum),
        cmocka_unit_test(simulate__reshuffled_pictures_stay_nearer),
        cmocka_unit_test(robustness__has_a_grid_on_pictures),
        cmocka_unit_test(samples__refuse_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
