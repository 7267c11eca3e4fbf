/* The schedules that draw: moments, law, independence, and where their numbers come from. Of some 25 comparisons with
 * |z| < 4.5 here each has a false-alarm rate of 7e-6; sizes and seeds are fixed. */
#include "tests/test.h"

#include "base/random.h"
#include "optim/schedule.h"

static sl_schedule make(const char *text, double lr, uint64_t steps_per_epoch, uint64_t total_steps)
{
    sl_schedule s;
    assert_ok(sl_schedule_init(&s, text, lr, steps_per_epoch, total_steps, &err));
    return s;
}

static double at(const sl_schedule *s, uint64_t step)
{
    return sl_schedule_lr(s, 1, 0, step);
}

enum { DRAWS = 1 << 18 };
static double draws[DRAWS];

static void draw_all(const sl_schedule *s)
{
    for (uint64_t k = 0; k < DRAWS / 1024; k++) sl_schedule_fill(s, draws + 1024 * k, 1024, 11, 300, k);
}

/* The mean of (draw / l)^power and its standard error by the sample. */
static void moment(double l, int power, double *mean, double *se)
{
    double sum = 0, sum2 = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        const double a = power == 1 ? draws[i] / l : draws[i] / l * (draws[i] / l);
        sum += a;
        sum2 += a * a;
    }
    *mean = sum / DRAWS;
    *se = sqrt((sum2 / DRAWS - *mean * *mean) / DRAWS);
}

static void random__has_the_moments_of_alpha(void **state)
{
    (void)state;
    const double deltas[] = {0.25, 0.5, 1};
    for (size_t i = 0; i < 3; i++) {
        char text[40];
        snprintf(text, sizeof text, "random:delta=%g", deltas[i]);
        const sl_schedule s = make(text, 0.2, 1, 100);
        const double q = 1 + deltas[i] * deltas[i] / 3;
        assert_close(sl_schedule_q(&s), q, 1e-15);
        draw_all(&s);
        double mean, se;
        moment(0.2, 1, &mean, &se);
        assert_near(mean, 1, 4.5 * se);
        moment(0.2, 2, &mean, &se);
        assert_near(mean, q, 4.5 * se);
        if (deltas[i] < 1) assert_true(fabs(mean - (1 + deltas[i] / 3)) > 20 * se); /* control: as printed in eq 27 */

        int count[16] = {0};
        for (size_t k = 0; k < DRAWS; k++) {
            const double u = (draws[k] / 0.2 - (1 - deltas[i])) / (2 * deltas[i]);
            assert_true(u > 0 && u < 1);
            count[(int)(16 * u)]++;
        }
        double chi2 = 0;
        for (int b = 0; b < 16; b++) chi2 += pow(count[b] - DRAWS / 16.0, 2) / (DRAWS / 16.0);
        assert_true(chi2 < 52); /* 15 degrees of freedom: p = 6e-6 */
    }
}

static void plrs__is_uniform_between_its_bounds(void **state)
{
    (void)state;
    const sl_schedule s = make("plrs:min=0.07:max=0.1", 5, 1, 100), other = make("plrs:min=0.07:max=0.1", 1, 1, 100);
    draw_all(&s);
    double mean, se, square, square_se;
    moment(1, 1, &mean, &se);
    moment(1, 2, &square, &square_se);
    assert_near(mean, 0.085, 4.5 * se);
    assert_near(square, 0.085 * 0.085 + 0.03 * 0.03 / 12, 4.5 * square_se);
    assert_close(sl_schedule_q(&s), 1 + 0.03 * 0.03 / 12 / (0.085 * 0.085), 1e-14);
    assert_close(sl_schedule_mean(&s, 3, 9), 0.085, 1e-15);
    for (size_t i = 0; i < DRAWS; i++) assert_true(draws[i] > 0.07 && draws[i] < 0.1);
    for (uint64_t k = 0; k < 50; k++) assert_near(at(&s, k), at(&other, k), 0); /* l is not used */
}

static double correlation(const double *a, const double *b, size_t n, double mean)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += (a[i] - mean) * (b[i] - mean);
        aa += (a[i] - mean) * (a[i] - mean);
        bb += (b[i] - mean) * (b[i] - mean);
    }
    return ab / sqrt(aa * bb);
}

static void random__is_fresh_at_every_step_replica_and_seed(void **state)
{
    (void)state;
    const sl_schedule s = make("random", 1, 1, 100);
    enum { N = 40000 };
    static double self[N + 10], replica[N], seed[N];
    for (uint64_t k = 0; k < N + 10; k++) self[k] = sl_schedule_lr(&s, 1, 0, k);
    for (uint64_t k = 0; k < N; k++) replica[k] = sl_schedule_lr(&s, 1, 1, k), seed[k] = sl_schedule_lr(&s, 2, 0, k);
    const double limit = 4.5 / sqrt(N);
    for (int lag = 1; lag <= 4; lag++) assert_near(correlation(self, self + lag, N, 1), 0, limit);
    assert_near(correlation(self, replica, N, 1), 0, limit);
    assert_near(correlation(self, seed, N, 1), 0, limit);
    assert_true(correlation(self, self, N, 1) > limit); /* control */
}

/* The expectation that sl_schedule_mean gives is that of what is drawn, warm-up included. */
static void mean__is_the_expectation_of_the_draws(void **state)
{
    (void)state;
    const sl_schedule s = make("random:delta=0.5:warmup=2:warmup-from=0.1", 0.2, 10, 100);
    draw_all(&s);
    double mean, se;
    moment(1, 1, &mean, &se);
    assert_near(mean, sl_schedule_mean(&s, 0, DRAWS / 1024), 4.5 * se);
    for (uint64_t k = 0; k < 30; k++) /* in the warm-up alpha multiplies the ramp */
        assert_near(at(&s, k) / sl_schedule_mean(&s, k, k + 1), 1, 0.5);
}

/* What is drawn are the uniforms of base/random.h, whatever the kernel does with their words. */
static void fill__scales_the_uniforms_of_its_stream(void **state)
{
    (void)state;
    enum { N = 5000 }; /* several chunks */
    static double rate[N], u[N];
    const sl_schedule s = make("random:delta=0.75", 0.2, 1, 100);
    const sl_draw draw = {.seed = 9, .step = 41, .purpose = SL_PURPOSE_SCHEDULE};
    sl_random_uniforms(u, N, 77, &draw);
    sl_schedule_fill(&s, rate, N, 9, 77, 41);
    for (size_t i = 0; i < N; i++) assert_near(rate[i], 0.2 * (1 + 0.75 * (2 * u[i] - 1)), 1e-16);
}

/* From the words of that stream: the same rates; from any words, a schedule that is not random has its own. */
static void from_words__is_the_fill_of_these_words(void **state)
{
    (void)state;
    enum { N = 500 };
    static double rate[N], same[N];
    static uint32_t words[N];
    const char *const schedules[] = {"random:delta=0.75", "plrs:min=0.1:max=0.4:warmup=50", "cyclic:period=6"};
    for (size_t k = 0; k < 3; k++) {
        const sl_schedule s = make(schedules[k], 0.2, 1, 100);
        const sl_draw draw = {.seed = 9, .step = 41, .purpose = SL_PURPOSE_SCHEDULE};
        sl_random_words(words, N, 77, &draw);
        sl_schedule_fill(&s, same, N, 9, 77, 41);
        sl_schedule_from_words(&s, rate, words, N, 41);
        assert_memory_equal(rate, same, sizeof rate);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random__has_the_moments_of_alpha),
        cmocka_unit_test(plrs__is_uniform_between_its_bounds),
        cmocka_unit_test(random__is_fresh_at_every_step_replica_and_seed),
        cmocka_unit_test(mean__is_the_expectation_of_the_draws),
        cmocka_unit_test(fill__scales_the_uniforms_of_its_stream),
        cmocka_unit_test(from_words__is_the_fill_of_these_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
