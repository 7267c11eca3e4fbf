/* Orders without a state, and mini-batches drawn without replacement. Fixed seeds; p-values below 1e-4 are failures:
 * some 60 of them, 0.6 % for one unlucky choice of the seeds. */
#include "tests/sim/noise.h"

#include "base/random.h"
#include "sim/escape/scatter.h"
#include "sim/escape/splitting.h"
#include "sim/shuffle_kernel.h"

static void words(uint32_t *out, size_t n, uint32_t sub)
{
    const sl_draw at = {.seed = 8, .sub = sub, .purpose = SL_PURPOSE_TEST};
    sl_random_words(out, n, 0, &at);
}

/* ---- The permutation ---- */

static void shuffle__is_a_permutation(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 64, 100, 1000, 4096, 65537, 100003};
    static uint32_t x[100003], high[100003], low[100003];
    static unsigned char seen[100003];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (uint32_t key = 0; key < 5; key++) {
            const uint32_t n = sizes[s];
            for (uint32_t i = 0; i < n; i++) x[i] = i, high[i] = key * 0x87654321U, low[i] = key;
            sl_shuffle(n, x, high, low, n);
            memset(seen, 0, sizeof seen);
            for (uint32_t i = 0; i < n; i++) {
                assert_true(x[i] < n && !seen[x[i]]);
                seen[x[i]] = 1;
            }
        }
}

/* Keys are what counter streams give, or numbers that follow each other, which a weak mixing would show. */
enum { KEYS = 240000 };
static uint32_t high[KEYS], low[KEYS], to[8][KEYS];

static void keys(bool random)
{
    words(high, KEYS, 0);
    words(low, KEYS, 1);
    for (uint32_t i = 0; i < KEYS && !random; i++) high[i] = 0, low[i] = i;
}

static void send(uint32_t k, uint32_t element, uint32_t n)
{
    for (size_t i = 0; i < KEYS; i++) to[k][i] = element;
    sl_shuffle(KEYS, to[k], high, low, n);
}

static double uniform(const double *seen, size_t bins)
{
    static double expected[4096];
    for (size_t i = 0; i < bins; i++) expected[i] = (double)KEYS / (double)bins;
    return sl_chi_square(seen, expected, bins, 0);
}

/* Whole orders of up to 6 elements: all n! of them alike. */
static void shuffle__gives_all_orders_alike(void **state)
{
    (void)state;
    for (int random = 0; random <= 1; random++) {
        keys(random);
        for (uint32_t n = 2; n <= 6; n++) {
            double seen[720] = {0};
            size_t all = 1;
            for (uint32_t k = 0; k < n; k++) send(k, k, n), all *= k + 1;
            for (size_t i = 0; i < KEYS; i++) {
                size_t rank = 0; /* in the factorial number system */
                for (uint32_t k = 0; k < n; k++) {
                    uint32_t smaller = 0;
                    for (uint32_t j = k + 1; j < n; j++) smaller += to[j][i] < to[k][i];
                    rank = rank * (n - k) + smaller;
                }
                seen[rank]++;
            }
            const double p = uniform(seen, all);
            if (!(p > 1e-4)) fail_msg("orders of %u, %s keys: p = %g", n, random ? "random" : "successive", p);
        }
    }
}

/* One element and pairs of them, neighbours and far apart, in longer orders. */
static void shuffle__spreads_elements_and_pairs(void **state)
{
    (void)state;
    static const struct {
        uint32_t n, first, second;
    } cases[] = {{50, 0, 1}, {50, 7, 49}, {33, 31, 32}, {64, 0, 63}, {1024, 0, 1}, {60032, 17, 18}};
    for (int random = 0; random <= 1; random++) {
        keys(random);
        for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
            const uint32_t n = cases[c].n, bins = n < 64 ? n : 64;
            send(0, cases[c].first, n);
            send(1, cases[c].second, n);
            double lone[64] = {0}, pairs[64 * 64] = {0};
            assert_int_equal(n % bins, 0);
            for (size_t i = 0; i < KEYS; i++) {
                const uint32_t apart = (to[1][i] + n - to[0][i]) % n, cell = to[0][i] / (n / bins);
                assert_true(apart > 0);
                lone[cell]++;
                pairs[n <= 64 ? to[0][i] * (n - 1) + apart - 1 : cell * 64 + to[1][i] / (n / bins)]++;
            }
            assert_true(uniform(lone, bins) > 1e-4);
            /* cells of n/64: the pairs of equals that are missing are 64/n of the diagonal, none to be seen */
            if (n <= 64 || n > 10000) assert_true(uniform(pairs, n <= 64 ? (size_t)n * (n - 1) : 64 * 64) > 1e-4);
        }
    }
}

/* ---- Mini-batches ---- */

/* Which sample's gradient was taken, for mini-batches of one. */
static size_t sample_of(size_t at, const double *g)
{
    for (size_t k = 0; k < SAMPLES; k++)
        if (fabs(sample[0][at] + g[0] - residual(k, at_x[0], at_x[1]) * rows[k][0]) < 1e-12 &&
            fabs(sample[1][at] + g[1] - residual(k, at_x[0], at_x[1]) * rows[k][1]) < 1e-12)
            return k;
    fail_msg("the gradient at %zu is that of no sample", at);
    return 0;
}

static double alike(const double *seen, size_t bins)
{
    double expected[SAMPLES * SAMPLES], sum = 0;
    for (size_t i = 0; i < bins; i++) sum += seen[i];
    for (size_t i = 0; i < bins; i++) expected[i] = sum / (double)bins;
    return sl_chi_square(seen, expected, bins, 0);
}

/* Every replica sees each sample once an epoch; any pair comes first, and epochs know nothing of each other. */
static void reshuffle__goes_through_all_samples(void **state)
{
    (void)state;
    sl_loss loss;
    sl_noise noise;
    double g[2], first[SAMPLES * (SAMPLES - 1)] = {0}, across[SAMPLES * SAMPLES] = {0};
    draw(&noise, &loss, "minibatch:order=reshuffle", "squares", 1, at_x);
    assert_true(noise.remembers);
    sl_loss_gradient(&loss, at_x, g);
    for (size_t i = 0; i < B; i++) {
        size_t last = 0;
        for (size_t epoch = 0; epoch < STEPS / SAMPLES; epoch++) {
            size_t order[SAMPLES];
            unsigned seen = 0;
            for (size_t p = 0; p < SAMPLES; p++) {
                order[p] = sample_of((epoch * SAMPLES + p) * B + i, g);
                seen |= 1u << order[p];
            }
            assert_int_equal(seen, (1u << SAMPLES) - 1);
            first[order[0] * (SAMPLES - 1) + (order[1] + SAMPLES - order[0]) % SAMPLES - 1]++;
            if (epoch % 2) across[last * SAMPLES + order[0]]++;
            last = order[SAMPLES - 1];
        }
    }
    assert_true(alike(first, sizeof first / sizeof *first) > 1e-4);
    assert_true(alike(across, sizeof across / sizeof *across) > 1e-4);
}

static void once__keeps_its_order(void **state)
{
    (void)state;
    sl_loss loss;
    sl_noise noise;
    double g[2], last[SAMPLES] = {0};
    draw(&noise, &loss, "minibatch:order=once", "squares", 1, at_x);
    sl_loss_gradient(&loss, at_x, g);
    for (size_t i = 0; i < B; i++) {
        for (size_t k = SAMPLES; k < STEPS; k++)
            for (size_t d = 0; d < 2; d++) assert_near(sample[d][k * B + i], sample[d][k % SAMPLES * B + i], 0);
        last[sample_of((SAMPLES - 1) * B + i, g)]++;
    }
    assert_true(alike(last, SAMPLES) > 1e-4);
}

/* Batches of 2 out of 7: three an epoch. Within one: (7 - 2)/(7 - 1) of the covariance with replacement, S/2; between
 * two of an epoch -S/6; between epochs 0. Each estimate from independent terms only. */
static void reshuffle__has_the_covariance_of_draws_without_replacement(void **state)
{
    (void)state;
    enum { EACH = SAMPLES / 2 };
    sl_loss loss;
    sl_noise noise, with;
    double C[4], S[4];
    draw(&noise, &loss, "minibatch:size=2:order=reshuffle", "squares", 1, at_x);
    assert_ok(sl_noise_init(&with, "minibatch", &loss, &err));
    assert_ok(sl_noise_covariance(S, &with, &loss, 1, at_x, &err));
    assert_ok(sl_noise_covariance(C, &noise, &loss, 1, at_x, &err));
    for (size_t d = 0; d < 2; d++)
        for (size_t e = 0; e < 2; e++) {
            assert_close(C[2 * d + e], S[2 * d + e] / 2 * 5 / 6, 1e-13);
            for (size_t p = 0; p < EACH; p++) {
                sl_welford own = {0}, next = {0}, beyond = {0};
                for (size_t k = p; k + EACH < STEPS; k += EACH)
                    for (size_t i = 0; i < B; i++) {
                        const double n = sample[d][k * B + i];
                        sl_welford_add(&own, n * sample[e][k * B + i]);
                        if (p + 1 < EACH) sl_welford_add(&next, n * sample[e][(k + 1) * B + i]);
                        if (k / EACH % 2) sl_welford_add(&beyond, n * sample[e][(k + EACH) * B + i]);
                    }
                assert_within(sl_welford_mean(&own), C[2 * d + e], "covariance", "a batch");
                if (p + 1 < EACH) assert_within(sl_welford_mean(&next), -S[2 * d + e] / 6, "covariance", "an epoch");
                assert_within(sl_welford_mean(&beyond), 0, "covariance", "two epochs");
            }
        }
    draw(&noise, &loss, "minibatch:size=7:order=reshuffle", "squares", 1, at_x); /* all of them: no noise */
    for (size_t j = 0; j < N; j++) assert_near(sample[0][j], 0, 1e-15);
}

/* The order of a replica does not depend on the block that it is in, nor, where lanes come and go, on when it came. */
static void order__belongs_to_replica_and_step(void **state)
{
    (void)state;
    enum { LANES = 64, ROUND = 5 };
    const sl_ensemble e = {.seed = 6, .experiment = 2};
    uint32_t place[2][LANES], upper[2][LANES], lower[2][LANES];
    const sl_block one = {.B = 128, .n = 128}, two = {.B = 64, .n = 64, .first = 64};
    sl_block_rounds(&one, &e, 23, ROUND, false, 64, LANES, place[0], upper[0], lower[0]);
    sl_block_rounds(&two, &e, 23, ROUND, false, 0, LANES, place[1], upper[1], lower[1]);
    assert_int_equal(place[0][9], 3);
    assert_memory_equal(upper[0], upper[1], sizeof *upper);
    assert_memory_equal(lower[0], lower[1], sizeof *lower);
    sl_block_rounds(&two, &e, 25, ROUND, false, 0, LANES, place[1], upper[1], lower[1]);
    assert_true(lower[0][0] != lower[1][0] && upper[0][0] != upper[1][0] && upper[0][0] != lower[0][0]);

    sl_scatter s;
    assert_ok(sl_scatter_init(&s, LANES, &err));
    const sl_block scattered = {.B = LANES, .n = LANES, .scatter = &s};
    for (uint64_t i = 0; i < LANES; i++) s.lane[i] = 1000 + i % 8, s.since[i] = 4 * (i / 8);
    for (uint64_t k = 28; k < 44; k++) {
        sl_block_rounds(&scattered, &e, k, ROUND, false, 0, LANES, place[0], upper[0], lower[0]);
        sl_block_rounds(&scattered, &e, k + 4, ROUND, false, 0, LANES, place[1], upper[1], lower[1]);
        for (size_t i = 0; i + 8 < LANES; i++) {
            assert_int_equal(place[0][i], (k - s.since[i]) % ROUND);
            assert_int_equal(place[0][i], place[1][i + 8]);
            assert_int_equal(upper[0][i], upper[1][i + 8]);
            assert_int_equal(lower[0][i], lower[1][i + 8]);
        }
    }
    sl_scatter_clear(&s);
}

/* ---- In an ensemble ---- */

enum { M = 5 };
static const double ones[M] = {1, 1, 1, 1, 1}, heights[M] = {-2, -0.5, 0, 0.5, 2}; /* mean 0, sum of squares 8.5 */

static sl_estimate spread(const char *model, double rate, int jobs)
{
    sl_sgd sgd = {.ensemble = {.seed = 11, .replicas = 4096, .steps = 100 * M, .burn_in = 20 * M, .sample_every = M,
                               .jobs = jobs},
                  .noise_variance = 1};
    assert_ok(sl_loss_from_samples(&sgd.loss, "least-squares", M, 1, ones, heights, &err));
    assert_near(sgd.loss.minimiser[0], 0, 1e-15);
    assert_ok(sl_noise_init(&sgd.noise, model, &sgd.loss, &err));
    assert_ok(sl_rule_init(&sgd.rule, "plain", SL_ALPHA_ON_STEP, rate, 0, 0, &err));
    assert_ok(sl_schedule_init(&sgd.schedule, "constant", rate, 1, 120 * M, &err));
    sl_observed o;
    assert_ok(sl_sgd_run(&o, &sgd, &err));
    const sl_estimate x2 = o.coordinate[0].x2;
    sl_observed_clear(&o);
    return x2;
}

/* f_j = (x - y_j)^2/2: after an epoch x' = q^m x + l sum_i q^(m-1-i) y_(i), q = 1 - l. The sum's variance over random
 * orders is s^2 (sum w^2 - (sum w)^2/m), s^2 = sum y^2/(m - 1), w = q^i; with replacement, sigma^2 sum w^2. */
static void reshuffle__has_its_stationary_variance(void **state)
{
    (void)state;
    const double l = 0.2, q = 1 - l, rest = pow(q, M);
    double w1 = 0, w2 = 0;
    for (int i = 0; i < M; i++) w1 += pow(q, i), w2 += pow(q, 2 * i);
    const double reshuffled = l * l * 8.5 / (M - 1) * (w2 - w1 * w1 / M) / (1 - rest * rest);
    const double drawn = l * 8.5 / M / (2 - l);
    assert_within(spread("minibatch:order=reshuffle", l, 1), reshuffled, "<x^2>", "reshuffled");
    assert_within(spread("minibatch", l, 1), drawn, "<x^2>", "drawn");
    assert_true(reshuffled < 0.2 * drawn); /* the difference is one to see */
    /* one order for all epochs: x = l sum w y/(1 - q^m) for good, in each replica another */
    assert_within(spread("minibatch:order=once", l, 1), l * l * 8.5 / (M - 1) * (w2 - w1 * w1 / M) / pow(1 - rest, 2),
                  "<x^2>", "once");
    const sl_estimate a = spread("minibatch:order=reshuffle", l, 1), b = spread("minibatch:order=reshuffle", l, 3);
    assert_memory_equal(&a, &b, sizeof a);
}

static void init__refuses_what_does_not_fit(void **state)
{
    (void)state;
    sl_loss loss;
    sl_noise noise;
    make_loss(&loss, "squares");
    assert_fails(sl_noise_init(&noise, "minibatch:order=random", &loss, &err), SL_E_NAME, "reshuffle");
    assert_fails(sl_noise_init(&noise, "minibatch:size=8:order=reshuffle", &loss, &err), SL_E_DOMAIN, "7 samples");
    assert_fails(sl_noise_init(&noise, "minibatch:size=8:order=once", &loss, &err), SL_E_DOMAIN, "size = 8");
    assert_ok(sl_noise_init(&noise, "minibatch:size=8", &loss, &err));
    assert_fails(sl_noise_init(&noise, "online", &loss, &err), SL_E_CONFIG, "minibatch");
    make_loss(&loss, "least-squares-online");
    assert_fails(sl_noise_init(&noise, "minibatch", &loss, &err), SL_E_CONFIG, "not a mean");
    assert_fails(sl_noise_init(&noise, "online:size=129", &loss, &err), SL_E_DOMAIN, "129");

    sl_rare rare;
    const sl_splitting how = {0};
    sl_sgd sgd = {.noise_variance = 1};
    make_loss(&sgd.loss, "squares");
    assert_ok(sl_noise_init(&sgd.noise, "minibatch:order=once", &sgd.loss, &err));
    assert_ok(sl_schedule_init(&sgd.schedule, "constant", 0.1, 1, 10, &err));
    assert_fails(sl_sgd_splitting(&rare, &sgd, &how, &err), SL_E_CONFIG, "without replacement");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shuffle__is_a_permutation),
        cmocka_unit_test(shuffle__gives_all_orders_alike),
        cmocka_unit_test(shuffle__spreads_elements_and_pairs),
        cmocka_unit_test(reshuffle__goes_through_all_samples),
        cmocka_unit_test(once__keeps_its_order),
        cmocka_unit_test(reshuffle__has_the_covariance_of_draws_without_replacement),
        cmocka_unit_test(order__belongs_to_replica_and_step),
        cmocka_unit_test(reshuffle__has_its_stationary_variance),
        cmocka_unit_test(init__refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
