#include "tests/test.h"

#include "base/random.h"
#include "base/survival.h"

/* Negative numbers are censored times. */
static void curve_of(sl_survival *s, const int *data, size_t n)
{
    double time[64];
    bool censored[64];
    for (size_t i = 0; i < n; i++) {
        time[i] = abs(data[i]);
        censored[i] = data[i] < 0;
    }
    assert_ok(sl_survival_times(s, time, censored, n, &err));
}

/* Weeks in remission, Freireich et al. 1963, as in Gehan 1965: 6-MP and placebo. */
static const int treated[] = {6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35};
static const int placebo[] = {1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23};
/* Weeks in remission of acute myelogenous leukaemia with maintained chemotherapy and without, Embury et al. 1977, as in
 * Miller 1981, p. 49. */
static const int maintained[] = {9, 13, -13, 18, 23, -28, 31, 34, -45, 48, -161};
static const int unmaintained[] = {5, 5, 8, 8, 12, -16, 23, 27, 30, 33, 43, 45};
enum { TREATED = 21, MAINTAINED = 11, UNMAINTAINED = 12 };

/* S and its standard error as in Cox and Oakes 1984 and every textbook, to the digits printed there (.857 .0764, .807
 * .0869, .753 .0963, .690 .107, .627 .114, .538 .128, .448 .135); more digits and the bands from a NumPy script. */
static void survival__of_freireich(void **state)
{
    (void)state;
    static const double rows[][4] = {
        {6, 0.8571428571, 0.0763603548, 0.6197179553},  {7, 0.8067226891, 0.0869352852, 0.5631465646},
        {10, 0.7529411765, 0.0963496530, 0.5031995108}, {13, 0.6901960784, 0.1068147078, 0.4316102225},
        {16, 0.6274509804, 0.1140538653, 0.3675108560}, {22, 0.5378151261, 0.1282337517, 0.2677789368},
        {23, 0.4481792717, 0.1345914568, 0.1880520060}};
    sl_survival s;
    double lo[64], hi[64];
    curve_of(&s, treated, TREATED);
    assert_int_equal(s.rows, 16);
    assert_near(s.n_events, 9, 0);
    assert_near(s.n_censored, 12, 0);
    assert_near(s.exposure, 359, 0);
    assert_ok(sl_survival_band(lo, hi, &s, SL_BAND_POINTWISE, 0.95, &err));
    for (size_t i = 0, row = 0; i < 7; i++) {
        while (s.time[row] < rows[i][0]) row++;
        const sl_estimate S = sl_survival_at(&s, rows[i][0] + 0.5);
        assert_near(S.value, rows[i][1], 1e-10);
        assert_near(S.se, rows[i][2], 1e-10);
        assert_near(lo[row], rows[i][3], 1e-10);
    }
    assert_near(hi[s.rows - 1], 0.6801426285, 1e-10);
    assert_near(sl_survival_at(&s, 5.9).value, 1, 0);
    assert_true(isnan(sl_survival_at(&s, 35.1).value)); /* the last one was censored at 35 */
    /* The median is 23 weeks, with 95 % confidence from 13 to no one knows when. */
    const sl_interval median = sl_survival_quantile(&s, 0.5, 0.95);
    assert_near(median.value, 23, 0);
    assert_near(median.lo, 13, 0);
    assert_true(isinf(median.hi));
    assert_true(isinf(sl_survival_quantile(&s, 0.7, 0.95).value));
    /* R: print(survfit(..), rmean = 35) has 23.29 with 2.83, which is without n/(n-1). */
    const sl_survival_mean_time mean = sl_survival_mean(&s, INFINITY);
    assert_near(mean.limit, 35, 0);
    assert_near(mean.mean.value, 23.287394957983192, 1e-12);
    assert_near(mean.mean.se, 2.8274676233714393 * sqrt(21.0 / 20), 1e-12);
    const sl_survival_rate rate = sl_survival_exponential(&s, 0.95);
    assert_close(rate.rate.value, 9.0 / 359, 1e-15);
    assert_close(rate.lo, 0.011463434811638813, 1e-9);
    assert_close(rate.hi, 0.04758998175882776, 1e-9);
    double z;
    sl_survival_exponentiality(&z, &s);
    assert_near(z, 0.935545339688254, 1e-12);
    sl_survival_clear(&s);
}

static void survival__of_leukaemia(void **state)
{
    (void)state;
    static const double S[] = {0.9090909091, 0.8181818182, 0.7159090909, 0.6136363636,
                               0.4909090909, 0.3681818182, 0.1840909091}; /* .909 .818 .716 .614 .491 .368 .184 */
    sl_survival a, b, c, d;
    curve_of(&a, maintained, MAINTAINED);
    curve_of(&b, unmaintained, UNMAINTAINED);
    size_t event = 0;
    for (size_t i = 0; i < a.rows; i++)
        if (a.events[i] > 0) assert_near(a.survival[i], S[event++], 1e-10);
    assert_int_equal(event, 7);
    assert_near(sl_survival_quantile(&a, 0.5, 0.95).value, 31, 0);
    assert_near(sl_survival_quantile(&b, 0.5, 0.95).value, 23, 0);
    assert_near(b.survival[b.rows - 1], 0, 0);
    assert_near(sl_survival_at(&b, 1e9).value, 0, 0);
    assert_near(sl_survival_mean(&a, INFINITY).mean.value, 52.64545454545455, 1e-12);
    assert_near(sl_survival_mean(&b, INFINITY).mean.value, 22.708333333333336, 1e-12);
    /* R: survdiff gives a chi-square of 3.4, p = 0.07, and 16.8 for Freireich's. */
    double chi2;
    assert_near(sl_survival_log_rank(&chi2, &a, &b), 0.06534, 1e-4);
    assert_near(chi2, 3.396388698977601, 1e-12);
    curve_of(&c, treated, TREATED);
    curve_of(&d, placebo, TREATED);
    sl_survival_log_rank(&chi2, &d, &c);
    assert_near(chi2, 16.792940989216532, 1e-12);
    sl_survival_clear(&a);
    sl_survival_clear(&b);
    sl_survival_clear(&c);
    sl_survival_clear(&d);
}

static double uniform(uint64_t i, uint64_t step)
{
    const sl_draw draw = {.seed = 71, .purpose = SL_PURPOSE_TEST, .step = step};
    return sl_random_uniform(i, &draw);
}

/* The definition, in O(n^2): both ways to sort, ties and censoring at the times of events included. */
static void survival__agrees_with_its_definition(void **state)
{
    (void)state;
    enum { N = 300 };
    static const uint64_t scales[] = {1, 1000003}; /* counted, sorted */
    uint64_t step[N];
    double time[N];
    bool censored[N];
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < N; i++) {
            step[i] = scales[k] * (uint64_t)(-40 * log(uniform(i, 0)));
            time[i] = (double)step[i] / 7;
            censored[i] = uniform(i, 1) < 0.4;
        }
        sl_survival s, t;
        assert_ok(sl_survival_steps(&s, step, censored, N, &err));
        assert_ok(sl_survival_times(&t, time, censored, N, &err));
        assert_int_equal(s.rows, t.rows);
        double S = 1, v = 0;
        for (size_t row = 0; row < s.rows; row++) {
            double at_risk = 0, events = 0, lost = 0;
            for (size_t i = 0; i < N; i++) {
                at_risk += (double)step[i] >= s.time[row];
                events += (double)step[i] == s.time[row] && !censored[i];
                lost += (double)step[i] == s.time[row] && censored[i];
            }
            assert_true(row == 0 || s.time[row] > s.time[row - 1]);
            assert_true(events + lost > 0);
            S *= 1 - events / at_risk;
            v += at_risk > events ? events / (at_risk * (at_risk - events)) : 0;
            assert_near(s.at_risk[row], at_risk, 0);
            assert_near(s.events[row], events, 0);
            assert_near(s.censored[row], lost, 0);
            assert_near(s.survival[row], S, 1e-13);
            if (S > 0) assert_near(s.greenwood[row], v, 1e-13);
            assert_near(t.survival[row], s.survival[row], 0);
            assert_close(t.time[row], s.time[row] / 7, 1e-15);
        }
        sl_survival_clear(&s);
        sl_survival_clear(&t);
    }
}

/* Nothing censored: the empirical law, the plain mean, Kolmogorov's band. */
static void survival__without_censoring(void **state)
{
    (void)state;
    enum { N = 1000 };
    double time[N], lo[N], hi[N];
    sl_survival s;
    for (size_t i = 0; i < N; i++) time[i] = -log(uniform(i, 2));
    assert_ok(sl_survival_times(&s, time, NULL, N, &err));
    assert_int_equal(s.rows, N);
    for (size_t i = 0; i < N; i++) assert_near(s.survival[i], (double)(N - 1 - i) / N, 1e-15);
    const sl_survival_mean_time mean = sl_survival_mean(&s, INFINITY);
    const sl_estimate plain = sl_mean(time, N);
    assert_true(isinf(mean.limit));
    assert_close(mean.mean.value, plain.value, 1e-12);
    assert_close(mean.mean.se, plain.se, 1e-10);
    /* Restricted: the mean of min(tau, 1). */
    for (size_t i = 0; i < N; i++) time[i] = fmin(time[i], 1);
    const sl_estimate cut = sl_mean(time, N);
    const sl_survival_mean_time restricted = sl_survival_mean(&s, 1);
    assert_near(restricted.limit, 1, 0);
    assert_close(restricted.mean.value, cut.value, 1e-12);
    assert_close(restricted.mean.se, cut.se, 1e-10);
    /* sup |bridge| exceeds 1.3581 with probability 0.05 (Smirnov 1948) */
    assert_ok(sl_survival_band(lo, hi, &s, SL_BAND_HALL_WELLNER, 0.95, &err));
    assert_near(hi[N / 2] - s.survival[N / 2], 1.3581 / sqrt(N), 1e-4 / sqrt(N));
    assert_near(hi[N - 1], 1.3581 / sqrt(N), 1e-4 / sqrt(N));
    sl_survival_clear(&s);
}

/* Exponential times of rate 1, n = 100, every one censored at 1.2 or at an exponential time of rate 0.3. Of 2000
 * samples the share whose 95 % intervals hold the truth has a standard error of 0.0049: 4 of them. Intervals must not
 * hold a rate off by a factor of 1.4 as often. */
static void survival__intervals_cover(void **state)
{
    (void)state;
    enum { N = 100, SAMPLES = 2000 };
    double time[N], lo[N], hi[N];
    bool censored[N];
    int at_half = 0, everywhere = 0, median = 0, mean = 0, rate = 0, wrong = 0, z_large = 0;
    for (uint64_t k = 0; k < SAMPLES; k++) {
        for (size_t i = 0; i < N; i++) {
            const double event = -log(uniform(3 * i, 100 + k));
            const double limit = fmin(1.2, -log(uniform(3 * i + 1, 100 + k)) / 0.3);
            censored[i] = limit < event;
            time[i] = fmin(event, limit);
        }
        sl_survival s;
        assert_ok(sl_survival_times(&s, time, censored, N, &err));
        assert_ok(sl_survival_band(lo, hi, &s, SL_BAND_POINTWISE, 0.95, &err));
        size_t row = 0;
        while (row + 1 < s.rows && s.time[row + 1] <= 0.5) row++;
        at_half += lo[row] <= exp(-0.5) && exp(-0.5) <= hi[row];
        assert_ok(sl_survival_band(lo, hi, &s, SL_BAND_HALL_WELLNER, 0.95, &err));
        bool inside = true;
        double last = 0;
        for (size_t i = 0; i < s.rows; i++)
            if (s.events[i] > 0) last = s.time[i];
        for (size_t i = 0; i < s.rows && s.time[i] <= last; i++) {
            const double end = s.time[i] < last ? s.time[i + 1] : last;
            inside = inside && exp(-s.time[i]) <= hi[i] && exp(-end) >= lo[i];
        }
        everywhere += inside;
        const sl_interval q = sl_survival_quantile(&s, 0.5, 0.95);
        median += q.lo <= M_LN2 && M_LN2 <= q.hi;
        const sl_estimate m = sl_survival_mean(&s, 1).mean;
        mean += fabs(m.value - (1 - exp(-1))) <= sl_half_width(m, 0.05);
        const sl_survival_rate r = sl_survival_exponential(&s, 0.95);
        rate += r.lo <= 1 && 1 <= r.hi;
        wrong += r.lo <= 1.4 && 1.4 <= r.hi;
        z_large += sl_survival_exponentiality(NULL, &s) < 0.05;
        sl_survival_clear(&s);
    }
    assert_near((double)at_half / SAMPLES, 0.95, 0.02);
    assert_near((double)everywhere / SAMPLES, 0.95, 0.02);
    assert_near((double)median / SAMPLES, 0.95, 0.02);
    assert_near((double)mean / SAMPLES, 0.95, 0.02);
    assert_near((double)rate / SAMPLES, 0.95, 0.02);
    assert_near((double)z_large / SAMPLES, 0.05, 0.02);
    assert_true((double)wrong / SAMPLES < 0.4);
}

/* Uncensored, the chi-square interval is exact: 0.95 +- 4 x 0.0049. Geometric steps of mean 200 count as exponential;
 * a Weibull law of shape 1.5 and a mixture of rates 1 and 10 do not, with signs. */
static void survival__tells_exponential_laws(void **state)
{
    (void)state;
    enum { N = 400, SAMPLES = 2000, FEW = 5 };
    double time[N], z;
    uint64_t step[N];
    sl_survival s;
    int covered = 0;
    for (uint64_t k = 0; k < SAMPLES; k++) {
        for (size_t i = 0; i < FEW; i++) time[i] = -log(uniform(i, 3000 + k));
        assert_ok(sl_survival_times(&s, time, NULL, FEW, &err));
        const sl_survival_rate r = sl_survival_exponential(&s, 0.95);
        covered += r.lo <= 1 && 1 <= r.hi;
        sl_survival_clear(&s);
    }
    assert_near((double)covered / SAMPLES, 0.95, 0.02);
    for (size_t i = 0; i < N; i++) step[i] = 1 + (uint64_t)(-200 * log(uniform(i, 6000)));
    assert_ok(sl_survival_steps(&s, step, NULL, N, &err));
    assert_true(sl_survival_exponentiality(&z, &s) > 1e-3);
    sl_survival_clear(&s);
    for (size_t i = 0; i < N; i++) time[i] = pow(-log(uniform(i, 6001)), 1 / 1.5);
    assert_ok(sl_survival_times(&s, time, NULL, N, &err));
    assert_true(sl_survival_exponentiality(&z, &s) < 1e-6 && z > 0);
    sl_survival_clear(&s);
    for (size_t i = 0; i < N; i++) time[i] = -log(uniform(i, 6002)) / (i % 2 ? 10 : 1);
    assert_ok(sl_survival_times(&s, time, NULL, N, &err));
    assert_true(sl_survival_exponentiality(&z, &s) < 1e-6 && z < 0);
    sl_survival_clear(&s);
}

/* All censored: nothing is known but that S = 1 so far, and a bound on the rate: -log(0.025) / exposure. */
static void survival__all_censored(void **state)
{
    (void)state;
    const uint64_t step[] = {100, 100, 100};
    const bool censored[] = {true, true, true};
    double lo[3], hi[3];
    sl_survival s;
    assert_ok(sl_survival_steps(&s, step, censored, 3, &err));
    assert_int_equal(s.rows, 1);
    assert_near(sl_survival_at(&s, 100).value, 1, 0);
    assert_true(isinf(sl_survival_quantile(&s, 0.5, 0.95).lo));
    assert_near(sl_survival_mean(&s, INFINITY).mean.value, 100, 0);
    assert_true(isnan(sl_survival_mean(&s, INFINITY).mean.se));
    assert_true(isnan(sl_survival_mean(&s, 101).mean.value));
    const sl_survival_rate rate = sl_survival_exponential(&s, 0.95);
    assert_near(rate.rate.value, 0, 0);
    assert_true(isnan(rate.rate.se));
    assert_near(rate.lo, 0, 0);
    assert_close(rate.hi, -log(0.025) / 300, 1e-10);
    assert_ok(sl_survival_band(lo, hi, &s, SL_BAND_HALL_WELLNER, 0.95, &err));
    assert_true(isnan(sl_survival_exponentiality(NULL, &s)));
    assert_true(isnan(sl_survival_log_rank(NULL, &s, &s)));
    sl_survival_clear(&s);
}

static void survival__refuses(void **state)
{
    (void)state;
    sl_survival s = {.rows = 77};
    const double bad[] = {1, -2, 3}, nan[] = {NAN}, inf[] = {INFINITY};
    const uint64_t late[] = {4, (uint64_t)1 << 53};
    assert_fails(sl_survival_times(&s, bad, NULL, 3, &err), SL_E_DOMAIN, "time 1 is -2");
    assert_fails(sl_survival_times(&s, nan, NULL, 1, &err), SL_E_DOMAIN, "time 0 is nan");
    assert_fails(sl_survival_times(&s, inf, NULL, 1, &err), SL_E_DOMAIN, "time 0 is inf");
    assert_fails(sl_survival_times(&s, bad, NULL, 0, &err), SL_E_DOMAIN, "no times");
    assert_fails(sl_survival_steps(&s, late, NULL, 2, &err), SL_E_DOMAIN, "time 1 is 9007199254740992 steps");
    assert_fails(sl_survival_steps(&s, late, NULL, 0, &err), SL_E_DOMAIN, "no times");
    assert_int_equal(s.rows, 77);
    const double good[] = {0, -0.0, 5};
    double lo[2], hi[2];
    assert_ok(sl_survival_times(&s, good, NULL, 3, &err));
    assert_int_equal(s.rows, 2); /* 0 and -0 are one time */
    assert_near(s.survival[0], 1.0 / 3, 1e-16);
    assert_fails(sl_survival_band(lo, hi, &s, SL_BAND_POINTWISE, 1, &err), SL_E_DOMAIN, "confidence = 1");
    assert_fails(sl_survival_band(lo, hi, &s, SL_BAND_POINTWISE, NAN, &err), SL_E_DOMAIN, "confidence = nan");
    assert_true(isnan(sl_survival_quantile(&s, 1, 0.95).value));
    assert_true(isnan(sl_survival_quantile(&s, 0.5, 0).lo));
    assert_true(isnan(sl_survival_mean(&s, 0).mean.value));
    assert_true(isnan(sl_survival_exponential(&s, 2).lo));
    assert_true(isnan(sl_survival_exponentiality(NULL, &s))); /* an event at time 0 */
    sl_survival_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survival__of_freireich),
        cmocka_unit_test(survival__of_leukaemia),
        cmocka_unit_test(survival__agrees_with_its_definition),
        cmocka_unit_test(survival__without_censoring),
        cmocka_unit_test(survival__intervals_cover),
        cmocka_unit_test(survival__tells_exponential_laws),
        cmocka_unit_test(survival__all_censored),
        cmocka_unit_test(survival__refuses),
    };
    return cmocka_run_group_tests_name("base/survival", tests, NULL, NULL);
}
