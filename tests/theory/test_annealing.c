/* The last-iterate bound: closed forms, a plain double loop, quadrature against powers, and exponents. */
#include "tests/test.h"

#include "theory/annealing.h"

enum { T = 4096 };
static const sl_anneal_problem unit = {.D = 1, .G = 1}, other = {.D = 3, .G = 0.7};

static sl_annealing *sums_of(const char *schedule, uint64_t steps)
{
    sl_schedule s;
    sl_annealing *a;
    assert_ok(sl_schedule_init(&s, schedule, 0.01, 1, steps, &err));
    assert_ok(sl_annealing_of(&a, &s, &err));
    return a;
}

/* T equal steps: S_v = m eta, noise eta (1 + 1 + 1/2 + ... + 1/(m-1)), m = T + 2 - v. Tuned: best at the longest tail.
 */
static void bound__of_equal_steps_is_harmonic(void **state)
{
    (void)state;
    sl_annealing *a = sums_of("constant", T);
    double harmonic = 0, best = INFINITY, factor;
    sl_anneal_bound b;
    for (int m = 1; m <= T + 1; m++) {
        best = fmin(best, 9 / (2 * 5 * 0.01 * m) + 5 * 0.01 * 0.49 / 2 * (1 + harmonic));
        if (m <= T) harmonic += 1.0 / m;
    }
    assert_ok(sl_annealing_bound(&b, a, &other, 1, 5, &err));
    assert_close(b.value, best, 1e-12);
    assert_close(b.distance + b.noise, b.value, 1e-14);
    assert_ok(sl_annealing_tuned(&factor, a, &other, &err));
    assert_close(0.01 * factor, 3 / 0.7 / sqrt((T + 1) * (1 + harmonic)), 1e-12);
    assert_ok(sl_annealing_bound(&b, a, &other, factor, 1, &err));
    assert_close(b.value, 3 * 0.7 * sqrt((1 + harmonic) / (T + 1)), 1e-12);
    assert_int_equal(b.steps_left, T + 1);
    sl_annealing_free(a);
}

/* The lemma before its summation by parts: A_v - f* and the sum of (eta_k / S_{k+1}) (A_k - f(x_k)), term by term. */
static void bound__is_that_of_the_lemma_for_any_rates(void **state)
{
    (void)state;
    enum { N = 40 };
    double rate[N + 1];
    for (int k = 0; k < N; k++) rate[k] = 0.1 * (1.2 + sin(1.7 * k) + 0.02 * k) * (k % 7 != 3);
    rate[N] = rate[N - 1]; /* w */
    double best = INFINITY;
    for (int v = 0; v <= N; v++) {
        double sum = 0, squares = 0, value;
        for (int k = v; k <= N; k++) sum += rate[k], squares += rate[k] * rate[k];
        value = (9 + squares * 0.49) / (2 * sum);
        for (int k = v; k < N; k++) {
            double after = 0, tail = 0;
            for (int j = k + 1; j <= N; j++) after += rate[j];
            for (int j = k; j <= N; j++) tail += rate[j] * rate[j];
            value += rate[k] / after * tail * 0.49 / (2 * (after + rate[k]));
        }
        best = fmin(best, value);
    }
    sl_annealing *a;
    sl_anneal_bound b;
    assert_ok(sl_annealing_alloc(&a, rate, N, &err));
    assert_ok(sl_annealing_bound(&b, a, &other, 1, 1, &err));
    assert_close(b.value, best, 1e-12);
    assert_false(sl_annealing_kind(a).monotone);
    sl_annealing_free(a);
}

static double power(double left, void *ctx)
{
    return pow(left, *(double *)ctx);
}

static double cosine(double left, void *ctx)
{
    (void)ctx;
    return pow(sin(M_PI / 2 * left), 2);
}

/* H = tail^(p+1)/(p+1), J = (p+1)/p tail^p, exponent 1/(2p+1); h = 1 with w: H + w and w + log((H + w)/w). */
static void quadrature__has_the_powers(void **state)
{
    (void)state;
    double H, J, e;
    const double powers[] = {0.5, 1, 2, 3}, tails[] = {1, 0.3, 1e-4};
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 3; k++) {
            double p = powers[i];
            assert_ok(sl_anneal_integrals(&H, &J, power, &p, tails[k], 0, &err));
            assert_close(H, pow(tails[k], p + 1) / (p + 1), 1e-8);
            assert_close(J, (p + 1) / p * pow(tails[k], p), 1e-7);
            assert_ok(sl_anneal_local_exponent(&e, power, &p, tails[k], &err));
            assert_near(e, 1 / (2 * p + 1), 1e-6);
        }
    double zero = 0;
    assert_ok(sl_anneal_integrals(&H, &J, power, &zero, 0.5, 1e-3, &err));
    assert_close(H, 0.501, 1e-9);
    assert_close(J, 1e-3 + log(501.0), 1e-7);
    assert_ok(sl_anneal_local_exponent(&e, power, &zero, 0.01, &err));
    assert_near(e, 1, 1e-6);
    assert_fails(sl_anneal_integrals(&H, &J, power, &zero, 1, 0, &err), SL_E_NUMERIC, "h(1) > 0");
    assert_ok(sl_anneal_local_exponent(&e, cosine, NULL, 1e-4, &err));
    assert_near(e, 0.2, 1e-5);
    assert_fails(sl_anneal_local_exponent(&e, cosine, NULL, 0, &err), SL_E_DOMAIN, "1 - u = 0");
    assert_fails(sl_anneal_integrals(&H, &J, cosine, NULL, 1, -1, &err), SL_E_DOMAIN, "w = -1");
}

/* inf over v of (2), on a grid, against (1) at a long horizon. */
static void steps__tend_to_the_integrals(void **state)
{
    (void)state;
    enum { LONG = 1 << 18 };
    sl_annealing *a = sums_of("cosine", LONG);
    double factor;
    assert_ok(sl_annealing_tuned(&factor, a, &unit, &err));
    const double rho[] = {1, 8, 64};
    for (size_t i = 0; i < 3; i++) {
        sl_anneal_bound b;
        double H, J;
        assert_ok(sl_annealing_bound(&b, a, &unit, factor, rho[i], &err));
        const double eta = 0.01 * factor * rho[i];
        assert_ok(sl_anneal_integrals(&H, &J, cosine, NULL, b.tail, 0, &err));
        assert_close(b.value, 1 / (2 * eta * LONG * H) + eta * J / 2, 1e-3);
        for (double off = 0.8; off < 1.3; off += 0.4) { /* it is the least */
            assert_ok(sl_anneal_integrals(&H, &J, cosine, NULL, fmin(b.tail * off, 1), 0, &err));
            assert_true(1 / (2 * eta * LONG * H) + eta * J / 2 > b.value * 0.9999);
        }
    }
    sl_annealing_free(a);
}

static void exponents__are_those_of_attia_and_koren(void **state)
{
    (void)state;
    static const struct {
        const char *schedule;
        double exponent;
        bool annealed, monotone;
    } of[] = {{"constant", 1, false, true},
              {"inverse-sqrt", 1, false, true},
              {"linear", 1.0 / 3, true, true},
              {"poly:p=2", 0.2, true, true},
              {"poly:p=3", 1.0 / 7, true, true},
              {"cosine", 0.2, true, true},
              {"knee:flat=1000", 1.0 / 3, true, true},
              {"one-cycle", 0.2, true, false}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        sl_annealing *a = sums_of(of[i].schedule, T);
        sl_anneal_window w;
        double factor;
        assert_ok(sl_annealing_tuned(&factor, a, &unit, &err));
        assert_ok(sl_annealing_window(&w, a, &unit, factor, 4, 64, &err));
        assert_near(w.exponent, of[i].exponent, 0.01);
        assert_int_equal(sl_annealing_kind(a).annealed, of[i].annealed);
        assert_int_equal(sl_annealing_kind(a).monotone, of[i].monotone);
        if (of[i].annealed && i < 5) {
            assert_near(w.slope, of[i].exponent, 0.015);
            assert_true(w.lo < 4 && w.hi > 64);
        }
        sl_annealing_free(a);
    }
}

/* A schedule that oscillates to its end has no power there, and one that does so before has that of its end. */
static void exponent__is_that_of_an_end_that_falls(void **state)
{
    (void)state;
    double rate[T], factor;
    for (int tail = 64; tail <= 256; tail *= 4) {
        for (int k = 0; k < T; k++) {
            const double left = (double)(T - k) / T;
            rate[k] = left * (T - k > tail ? 1.3 + sin(0.3 * k) : 1);
        }
        sl_annealing *a;
        sl_anneal_window w;
        assert_ok(sl_annealing_alloc(&a, rate, T, &err));
        assert_ok(sl_annealing_tuned(&factor, a, &unit, &err));
        assert_ok(sl_annealing_window(&w, a, &unit, factor, 4, 64, &err));
        assert_false(sl_annealing_kind(a).monotone);
        if (tail == 256) assert_near(w.exponent, 1.0 / 3, 0.01);
        else assert_true(isnan(w.exponent));
        sl_annealing_free(a);
    }
}

/* Steps without a rate at the end change nothing. */
/* (1-u)^1.5 in straight pieces: of 4 steps they are the curve, of 64 they have a corner among the steps that are looked
 * at, and of 128 the end is linear. The bound's slope where many steps are left is that of the curve for all. */
static void exponent__of_a_table_with_a_corner_is_none(void **state)
{
    (void)state;
    enum { HORIZON = 65536 };
    static const struct {
        size_t piece;
        double exponent;
    } of[] = {{4, 0.25}, {64, NAN}, {128, 1.0 / 3}};
    double *const rate = malloc(HORIZON * sizeof *rate);
    assert_non_null(rate);
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        const size_t piece = of[i].piece;
        for (size_t k = 0; k < HORIZON; k++) {
            const size_t first = k / piece * piece;
            const double from = pow((double)(HORIZON - first) / HORIZON, 1.5),
                         to = pow((double)(HORIZON - first - piece) / HORIZON, 1.5);
            rate[k] = from + (to - from) * (double)(k - first) / (double)piece;
        }
        sl_annealing *a;
        sl_anneal_window w;
        double factor;
        assert_ok(sl_annealing_alloc(&a, rate, HORIZON, &err));
        assert_ok(sl_annealing_tuned(&factor, a, &unit, &err));
        assert_ok(sl_annealing_window(&w, a, &unit, factor, 2, 64, &err));
        if (isnan(of[i].exponent)) assert_true(isnan(w.exponent));
        else assert_near(w.exponent, of[i].exponent, 0.005);
        assert_near(w.slope, 0.25, 0.005);
        sl_annealing_free(a);
    }
    free(rate);
}

static void rates__of_zero_at_the_end_are_left_out(void **state)
{
    (void)state;
    double rate[600] = {0};
    for (int k = 0; k < 300; k++) rate[k] = 0.1;
    sl_annealing *a, *b;
    sl_anneal_bound x, y;
    assert_ok(sl_annealing_alloc(&a, rate, 600, &err));
    assert_ok(sl_annealing_alloc(&b, rate, 300, &err));
    assert_ok(sl_annealing_bound(&x, a, &unit, 1, 1, &err));
    assert_ok(sl_annealing_bound(&y, b, &unit, 1, 1, &err));
    assert_near(x.value, y.value, 0);
    assert_false(sl_annealing_kind(a).annealed);
    sl_annealing_free(a);
    sl_annealing_free(b);
}

static void bad_input__is_refused(void **state)
{
    (void)state;
    sl_annealing *a = NULL;
    sl_schedule s;
    sl_anneal_bound b;
    sl_anneal_window w;
    double factor;
    assert_fails(sl_annealing_alloc(&a, (double[]){1, -1}, 2, &err), SL_E_DOMAIN, "step 1 is -1");
    assert_fails(sl_annealing_alloc(&a, (double[]){1, NAN}, 2, &err), SL_E_DOMAIN, "step 1");
    assert_fails(sl_annealing_alloc(&a, (double[]){0, 0}, 2, &err), SL_E_DOMAIN, "all 2 steps are 0");
    assert_fails(sl_annealing_alloc(&a, NULL, 0, &err), SL_E_DOMAIN, "all 0 steps");
    assert_ok(sl_schedule_init(&s, "random", 0.1, 1, 10, &err));
    assert_fails(sl_annealing_of(&a, &s, &err), SL_E_CONFIG, "random");
    assert_null(a);
    a = sums_of("linear", 100);
    assert_fails(sl_annealing_tuned(&factor, a, &(sl_anneal_problem){.D = 0, .G = 1}, &err), SL_E_DOMAIN, "D = 0");
    assert_fails(sl_annealing_bound(&b, a, &(sl_anneal_problem){.D = 1, .G = NAN}, 1, 1, &err), SL_E_DOMAIN, "G = ");
    assert_fails(sl_annealing_bound(&b, a, &unit, 1, 0, &err), SL_E_DOMAIN, "rho = 0");
    assert_fails(sl_annealing_window(&w, a, &unit, 1, 2, 1, &err), SL_E_DOMAIN, "rho from 2 to 1");
    assert_fails(sl_annealing_window(&w, a, &unit, 1, 1, 2, &err), SL_E_CONFIG, "need 256");
    sl_annealing_free(a);
    sl_annealing_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bound__of_equal_steps_is_harmonic),
        cmocka_unit_test(bound__is_that_of_the_lemma_for_any_rates),
        cmocka_unit_test(quadrature__has_the_powers),
        cmocka_unit_test(steps__tend_to_the_integrals),
        cmocka_unit_test(exponents__are_those_of_attia_and_koren),
        cmocka_unit_test(exponent__is_that_of_an_end_that_falls),
        cmocka_unit_test(exponent__of_a_table_with_a_corner_is_none),
        cmocka_unit_test(rates__of_zero_at_the_end_are_left_out),
        cmocka_unit_test(bad_input__is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
