/* Experiments of arms and seeds: their statistics by hand, and small ones run, resumed and broken. */
#define _GNU_SOURCE
#include "tests/test.h"

#include "base/random.h"
#include "claims/network.h"
#include "tests/base/scratch.h"

/* ---- statistics ------------------------------------------------------------------------------------------------ */

/* Differences 1, 2, 6: mean 3, variance 7. */
static const double a[] = {2, 4, 9}, b[] = {1, 2, 3};

static void paired_difference__has_its_own_error_or_the_pooled_one(void **state)
{
    (void)state;
    const sl_estimate own = sl_paired_difference(a, b, 3, 0, 0), pooled = sl_paired_difference(a, b, 3, 6, 8);
    assert_near(own.value, 3, 1e-15);
    assert_near(own.se, sqrt(7. / 3), 1e-15);
    assert_near(own.dof, 2, 0);
    assert_near(pooled.value, 3, 1e-15);
    assert_near(pooled.se, 6 / sqrt(3), 1e-15);
    assert_near(pooled.dof, 8, 0);
}

/* Residuals 1, -1, 0; -1, 0, 1; 0, 1, -1 (their sums over arms and over replicates vanish: squares 6, 4 degrees of
 * freedom) on top of any arms and replicates. */
static void pooled_sd__is_that_of_what_arms_and_replicates_leave(void **state)
{
    (void)state;
    static const double residual[3][3] = {{1, -1, 0}, {-1, 0, 1}, {0, 1, -1}};
    double x[9], dof;
    for (int arm = 0; arm < 3; arm++)
        for (int k = 0; k < 3; k++) x[3 * arm + k] = 10 * arm * arm + 5 * k + residual[arm][k];
    assert_near(sl_pooled_sd(&dof, x, 3, 3), sqrt(2 * 6. / 4), 1e-13);
    assert_near(dof, 4, 0);
}

static void pooled_sd__of_two_arms_is_that_of_their_differences(void **state)
{
    (void)state;
    double x[6], dof;
    memcpy(x, a, sizeof a);
    memcpy(x + 3, b, sizeof b);
    assert_near(sl_pooled_sd(&dof, x, 2, 3), sqrt(7), 1e-14);
    assert_near(dof, 2, 0);
    sl_pooled_sd(&dof, x, 2, 1);
    assert_int_equal(sl_half_width(sl_paired_difference(x, x + 1, 1, sl_pooled_sd(&dof, x, 2, 1), dof), 0.1) == INFINITY,
                     1);
}

/* The square of the pooled deviation must scatter as chi-square with the degrees of freedom it claims: relative
 * variance 2/dof, here 0.1, measured to 0.0023 (5000 trials): six of that is the tolerance. Differences from one arm,
 * which share its noise, would scatter with 0.175. */
static void pooled_sd__has_the_degrees_of_freedom_that_it_says(void **state)
{
    (void)state;
    enum { ARMS = 5, SEEDS = 6, SIZE = ARMS * SEEDS, TRIALS = 5000 };
    sl_welford of_variance = {0};
    double x[SIZE], dof = 0;
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        const sl_draw draw = {.seed = 1, .step = trial, .purpose = SL_PURPOSE_TEST};
        sl_random_normals(x, SIZE, 0, 1, &draw);
        const double sd = sl_pooled_sd(&dof, x, ARMS, SEEDS);
        sl_welford_add(&of_variance, sd * sd);
    }
    assert_near(dof, 20, 0);
    assert_near(of_variance.mean, 2, 5 * 2 * sqrt(0.1 / TRIALS));
    assert_near(sl_welford_variance(&of_variance) / 4, 0.1, 0.014);
}

/* (2 - 0)/(8 - 0) with unit errors of the means: 0.25, and the error by hand sqrt(1 + 0.75^2 + 0.25^2)/8. */
static void relative_difference__by_hand_and_by_sampling(void **state)
{
    (void)state;
    const double at[] = {2, 2}, base[] = {-1, 1}, other[] = {8, 8};
    const sl_estimate e = sl_relative_difference(at, base, other, 2, 2, 7); /* sd 2: sqrt 2 for one, 1 for its mean */
    assert_near(e.value, 0.25, 1e-15);
    assert_near(e.se, sqrt(1 + 0.5625 + 0.0625) / 8, 1e-15);
    assert_near(e.dof, 7, 0);

    enum { TRIALS = 4000 };
    sl_welford ratio = {0};
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        const sl_draw draw = {.seed = 2, .step = trial, .purpose = SL_PURPOSE_TEST};
        double z[3];
        sl_random_normals(z, 3, 0, 1, &draw);
        z[0] += 20, z[2] += 80; /* ten times as far: first order in the errors is enough */
        sl_welford_add(&ratio, sl_relative_difference(z, z + 1, z + 2, 1, M_SQRT2, 7).value);
    }
    const double expected = sqrt(1 + 0.5625 + 0.0625) / 80;
    assert_close(sqrt(sl_welford_variance(&ratio)), expected, 5 / sqrt(2. * TRIALS));
}

/* An effect that is not there decides nothing, however near the arms are. */
static void relative_difference__to_no_effect_is_wide(void **state)
{
    (void)state;
    const double at[] = {0.1, 0.1}, base[] = {0, 0}, other[] = {0.2, 0.2};
    const sl_estimate e = sl_relative_difference(at, base, other, 2, 1, 20);
    assert_true(e.se > 3);
}

static void table_max__skips_what_is_not_a_number(void **state)
{
    (void)state;
    static const char *const columns[] = {"epoch[1]", "accuracy[%]"};
    sl_table *t = sl_table_alloc(2, columns);
    assert_true(isnan(sl_table_max(t, "accuracy")));
    const double rows[][2] = {{1, -7}, {2, NAN}, {3, -3}, {4, -5}};
    for (int i = 0; i < 4; i++) assert_ok(sl_table_add(t, rows[i], &err));
    assert_near(sl_table_max(t, "accuracy"), -3, 0);
    assert_near(sl_table_max(t, "epoch"), 4, 0);
    assert_true(isnan(sl_table_max(t, "loss")));
    sl_table_free(t);
}

/* ---- experiments ----------------------------------------------------------------------------------------------- */

enum { ARMS = 2, SEEDS = 2, PIECES = ARMS * SEEDS, EPOCHS = 3 };
static const sl_arm arms[ARMS] = {
    {"slow", "slow, C = 20", "constant", "nesterov", 0.01, 0.5, 0, 20, SL_ALPHA_ON_STEP},
    {"random", "random, C = 20", "random:delta=1", "plain", 0.05, 0, 0.01, 20, SL_ALPHA_ON_STEP},
};

static sl_network open_network(void)
{
    sl_network n = {.data = "digits:train=200:test=100", .model_name = "mlp:hidden=4"};
    assert_ok(sl_dataset_load(&n.train, &n.test, n.data, NULL, &err));
    assert_ok(sl_model_alloc(&n.model, n.model_name, 1, n.train.height, n.train.width, n.train.classes, &err));
    return n;
}

static sl_lab lab_of(int jobs, const char *folder)
{
    sl_lab lab = {.scale = SL_QUICK, .seed = 1, .jobs = jobs, .run = sl_run_none()};
    bool complete;
    if (!folder) return lab;
    cJSON *config = cJSON_CreateObject();
    assert_ok(sl_run_open(&lab.run, &complete, in_scratch(folder), "test", config, 1, 0, NULL, &err));
    cJSON_Delete(config);
    return lab;
}

static void assert_same_rows(const sl_table *t, const sl_table *u)
{
    assert_int_equal(sl_table_rows(t), sl_table_rows(u));
    assert_int_equal(sl_table_columns(t), sl_table_columns(u));
    assert_memory_equal(sl_table_row(t, 0), sl_table_row(u, 0),
                        sl_table_rows(t) * sl_table_columns(t) * sizeof(double));
}

static void free_tables(sl_table **t)
{
    for (int i = 0; i < PIECES; i++) sl_table_free(t[i]);
}

static double cell(const sl_table *t, size_t row, const char *column)
{
    return sl_table_row(t, row)[sl_table_find(t, column)];
}

static void curves__do_not_depend_on_jobs_and_say_what_they_are(void **state)
{
    (void)state;
    sl_network n = open_network();
    sl_table *one[PIECES], *two[PIECES];
    const sl_lab lab1 = lab_of(1, NULL), lab2 = lab_of(2, NULL);
    assert_ok(sl_network_curves(one, &n, &lab1, "test", arms, ARMS, SEEDS, EPOCHS, &err));
    assert_ok(sl_network_curves(two, &n, &lab2, "test", arms, ARMS, SEEDS, EPOCHS, &err));
    for (int i = 0; i < PIECES; i++) {
        assert_same_rows(one[i], two[i]);
        assert_int_equal(sl_table_rows(one[i]), EPOCHS);
        assert_string_equal(sl_table_get(one[i], "arm"), arms[i / SEEDS].name);
        assert_string_equal(sl_table_get(one[i], "data"), "digits:train=200:test=100, first 200 training samples");
        assert_string_equal(sl_table_get(one[i], "model"), "mlp:hidden=4");
        assert_int_equal(strtoull(sl_table_get(one[i], "seed"), NULL, 10), sl_network_seed(&lab1, (size_t)i % SEEDS));
        assert_near(cell(one[i], 2, "epoch"), 3, 0);
        assert_true(cell(one[i], 2, "test_accuracy") >= 5 && cell(one[i], 2, "test_accuracy") <= 100);
    }
    /* 10 steps an epoch: time 3 * 10 * 0.01 / (1 - 0.5), and 3 * 10 * 0.05. */
    assert_near(cell(one[0], 2, "time"), 0.6, 1e-14);
    assert_near(cell(one[SEEDS], 2, "time"), 1.5, 1e-14);
    /* Other seeds and other arms are other runs. */
    assert_true(cell(one[0], 2, "train_loss") != cell(one[1], 2, "train_loss"));
    assert_true(cell(one[0], 2, "train_loss") != cell(one[SEEDS], 2, "train_loss"));
    free_tables(one);
    free_tables(two);
    sl_network_close(&n);
}

/* A finished piece is read back: what is put into its file comes out. One that is lost is computed again. */
static void curves__of_a_folder_are_read_back(void **state)
{
    (void)state;
    sl_network n = open_network();
    sl_table *first[PIECES], *again[PIECES];
    sl_lab lab = lab_of(2, "curves");
    assert_ok(sl_network_curves(first, &n, &lab, "test", arms, ARMS, SEEDS, EPOCHS, &err));
    sl_run_free(lab.run);

    char *const text = strdup(text_of(in_scratch("curves/jobs/test-slow-seed1.dat")));
    char *const last = strstr(text, "\n3 ");
    assert_non_null(last);
    last[1] = '7'; /* an epoch that no training has */
    put_text(in_scratch("curves/jobs/test-slow-seed1.dat"), text);
    free(text);
    assert_int_equal(unlink(in_scratch("curves/jobs/test-random-seed0.dat")), 0);

    lab = lab_of(1, "curves");
    assert_ok(sl_network_curves(again, &n, &lab, "test", arms, ARMS, SEEDS, EPOCHS, &err));
    sl_run_free(lab.run);
    assert_near(cell(again[1], 2, "epoch"), 7, 0);
    assert_same_rows(again[0], first[0]);
    assert_same_rows(again[2], first[2]);
    assert_same_rows(again[3], first[3]);
    assert_int_not_equal(access(in_scratch("curves/jobs/test-slow-seed0.h5"), F_OK), 0);
    free_tables(first);
    free_tables(again);
    sl_network_close(&n);
}

/* The folder of a version with other arms or fewer epochs: refused, not mixed in or read beyond its end. */
static void curves__of_another_experiment_are_refused(void **state)
{
    (void)state;
    sl_network n = open_network();
    sl_table *t[PIECES];
    sl_lab lab = lab_of(1, "older");
    assert_ok(sl_network_curves(t, &n, &lab, "test", arms, ARMS, 1, 1, &err));
    for (int i = 0; i < ARMS; i++) sl_table_free(t[i]);
    assert_fails(sl_network_curves(t, &n, &lab, "test", arms, ARMS, 1, 2, &err), SL_E_CONFIG, "1 rows, not 2");
    sl_arm faster = arms[0];
    faster.lr = 0.02;
    assert_fails(sl_network_curves(t, &n, &lab, "test", &faster, 1, 1, 1, &err), SL_E_CONFIG, "lr is '0.01");
    assert_null(t[0]);
    sl_run_free(lab.run);
    sl_network_close(&n);
}

static void curves__that_diverge_name_their_arm(void **state)
{
    (void)state;
    sl_network n = open_network();
    sl_table *t[PIECES];
    const sl_lab lab = lab_of(2, NULL);
    sl_arm wild[ARMS] = {arms[0], arms[1]};
    wild[1].lr = 1e30;
    wild[1].title = "wild, l = 1e30";
    assert_fails(sl_network_curves(t, &n, &lab, "test", wild, ARMS, SEEDS, EPOCHS, &err), SL_DIVERGED, "wild, l = 1e30");
    assert_fails(sl_network_curves(t, &n, &lab, "test", wild, ARMS, SEEDS, EPOCHS, &err), SL_DIVERGED, "epoch");
    for (int i = 0; i < PIECES; i++) assert_null(t[i]);
    double loss[PIECES];
    assert_fails(sl_network_stationary(loss, &n, &lab, "test", wild + 1, 1, SEEDS, 1e31, 2, &err), SL_DIVERGED,
                 "wild, l = 1e30");
    sl_network_close(&n);
}

static void stationary__does_not_depend_on_jobs_and_is_read_back(void **state)
{
    (void)state;
    sl_network n = open_network();
    double one[PIECES], two[PIECES], again[PIECES];
    const sl_lab lab1 = lab_of(1, NULL);
    sl_lab lab2 = lab_of(2, "stationary");
    assert_ok(sl_network_stationary(one, &n, &lab1, "test", arms, ARMS, SEEDS, 2, 4, &err));
    assert_ok(sl_network_stationary(two, &n, &lab2, "test", arms, ARMS, SEEDS, 2, 4, &err));
    assert_memory_equal(one, two, sizeof one);
    for (int i = 0; i < PIECES; i++) assert_true(one[i] > 0 && one[i] < 3);
    assert_true(one[0] != one[1] && one[0] != one[SEEDS]);

    /* Moments of evaluation: the ends of the four parts of the second half of t = 2. */
    sl_table *t;
    assert_ok(sl_table_read(&t, in_scratch("stationary/jobs/test-slow-seed0.dat"), &err));
    double sum = 0;
    for (size_t j = 0; j < 4; j++) {
        assert_near(cell(t, j, "time"), 1.25 + 0.25 * (double)j, 0.011); /* to a step, 0.02 */
        sum += cell(t, j, "regularised_loss");
    }
    assert_close(one[0], sum / 4, 1e-15);
    assert_string_equal(sl_table_get(t, "batch"), "20, drawn with replacement");
    sl_table_free(t);

    char *const text = strdup(text_of(in_scratch("stationary/jobs/test-random-seed1.dat")));
    char *const last = strrchr(text, ' ');
    snprintf(last, strlen(last), " 9\n");
    put_text(in_scratch("stationary/jobs/test-random-seed1.dat"), text);
    free(text);
    assert_ok(sl_network_stationary(again, &n, &lab2, "test", arms, ARMS, SEEDS, 2, 4, &err));
    sl_run_free(lab2.run);
    assert_memory_equal(again, one, 3 * sizeof *one);
    assert_true(again[3] > one[3] + 1);
    sl_network_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paired_difference__has_its_own_error_or_the_pooled_one),
        cmocka_unit_test(pooled_sd__is_that_of_what_arms_and_replicates_leave),
        cmocka_unit_test(pooled_sd__of_two_arms_is_that_of_their_differences),
        cmocka_unit_test(pooled_sd__has_the_degrees_of_freedom_that_it_says),
        cmocka_unit_test(relative_difference__by_hand_and_by_sampling),
        cmocka_unit_test(relative_difference__to_no_effect_is_wide),
        cmocka_unit_test(table_max__skips_what_is_not_a_number),
        cmocka_unit_test(curves__do_not_depend_on_jobs_and_say_what_they_are),
        cmocka_unit_test(curves__of_a_folder_are_read_back),
        cmocka_unit_test(curves__of_another_experiment_are_refused),
        cmocka_unit_test(curves__that_diverge_name_their_arm),
        cmocka_unit_test(stationary__does_not_depend_on_jobs_and_is_read_back),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
