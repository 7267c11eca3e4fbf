/* The worst-slope experiment: its updates one by one, what is known in closed form, published exponents, and fits and
 * grids of curves typed in. */
#include "tests/test.h"

#include "base/random.h"
#include "sim/convex/rate_curve.h"
#include "sim/convex/robustness.h"

enum { R = 4096, T = 4096, RHOS = 6 };
static const double rho[RHOS] = {2, 4, 8, 16, 32, 64};
static sl_worst worst[RHOS];
static double samples[RHOS * R];

static sl_robustness make(const char *schedule, double lr, uint64_t steps)
{
    sl_robustness r = {
        .D = 1, .sigma = 1, .slope_max = 1, .search_replicas = 1024, .replicas = R, .seed = 7, .jobs = 2};
    assert_ok(sl_schedule_init(&r.schedule, schedule, lr, 1, steps, &err));
    return r;
}

/* A plain loop over the same numbers. */
static void excess__is_that_of_the_updates_written_out(void **state)
{
    (void)state;
    sl_robustness r = make("cosine", 0.2, 71);
    r.D = 1.5, r.sigma = 0.8, r.replicas = 128;
    const double suffixes[] = {0, 1, 0.3}, factors[] = {1, 7}, slopes[] = {0.4, 0.05};
    const size_t first[] = {71, 0, 71 - 22};
    for (size_t s = 0; s < 3; s++) {
        r.suffix = suffixes[s];
        assert_ok(sl_robustness_excess(samples, factors, slopes, 2, &r, &err));
        for (size_t i = 0; i < 2; i++)
            for (size_t lane = 0; lane < 128; lane += 37) {
                double x = 1.5, sum = 0;
                for (size_t k = 0; k < 71; k++) {
                    const sl_draw d = {.seed = 7, .step = k, .sub = 1, .purpose = SL_PURPOSE_NOISE};
                    const double eta = factors[i] * sl_schedule_lr(&r.schedule, 7, 0, k);
                    x -= eta * ((x < 0 ? -1 : 1) * slopes[i] + 0.8 * sl_random_normal(lane, 1, &d));
                    x = fmax(s == 0 ? -1.5 : 0, fmin(1.5, x)); /* means: x* at the end of the interval */
                    if (k >= first[s]) sum += x;
                }
                const double at = s == 0 ? x : sum / (double)(71 - first[s]);
                assert_near(samples[i * 128 + lane], slopes[i] * fabs(at), 1e-12);
            }
    }
}

/* E x'^2 = E x^2 where stationary: s E|x| = eta (s^2 + sigma^2)/2, exactly, as long as the walls are out of reach. */
static void excess__of_a_fixed_step_is_half_eta_times_the_second_moment(void **state)
{
    (void)state;
    const sl_robustness r = make("constant", 0.01, 2048);
    const double factors[] = {1, 3}, slopes[] = {1, 0.7};
    assert_ok(sl_robustness_excess(samples, factors, slopes, 2, &r, &err));
    for (size_t i = 0; i < 2; i++) {
        const sl_estimate e = sl_mean(samples + i * R, R);
        const double expected = 0.01 * factors[i] * (slopes[i] * slopes[i] + 1) / 2;
        assert_near(e.value, expected, 4 * e.se); /* 1 false alarm in 16000 */
        assert_true(fabs(e.value - 1.1 * expected) > 4 * e.se);
    }
}

/* Exponents at T = 4096 from another program, and 1/(2p+1) and 1/5: within 0.02, four standard errors being 0.02. */
static void exponents__are_the_published_ones(void **state)
{
    (void)state;
    static const struct {
        const char *schedule;
        double lr, exponent;
    } of[] = {{"constant", 0.0071, 1},    {"inverse-sqrt", 0.28, 1},   {"linear", 0.0238, 0.343},
              {"poly:p=2", 0.033, 0.204}, {"poly:p=3", 0.0405, 0.143}, {"cosine", 0.0226, 0.207}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        const sl_robustness r = make(of[i].schedule, of[i].lr, T);
        sl_rho_window w;
        sl_robust_fit f;
        assert_ok(sl_robustness_worst(worst, samples, rho, RHOS, &r, &err));
        assert_ok(sl_robustness_window(&w, &r, &err));
        assert_ok(sl_robustness_fit(&f, worst, samples, RHOS, &w, &r, &err));
        assert_near(f.exponent.value, of[i].exponent, 0.02);
        assert_true(f.exponent.se > 0 && f.exponent.se < 0.01);
        assert_int_equal(w.annealed, i >= 2);
        if (i < 2) {
            assert_near(f.hi, 32, 0);
            assert_true(worst[0].slope > 0.9);
        } else {
            assert_near(f.hi, 64, 0);
            assert_true(worst[0].slope < 0.1 && worst[5].slope > worst[0].slope);
        }
    }
}

static void worst__does_not_depend_on_jobs_and_beats_its_neighbours(void **state)
{
    (void)state;
    sl_robustness r = make("linear", 0.2, 512);
    static double again[2 * R], near[2 * R];
    sl_worst one[2], two[2];
    assert_ok(sl_robustness_worst(one, samples, rho, 2, &r, &err));
    r.jobs = 1;
    assert_ok(sl_robustness_worst(two, again, rho, 2, &r, &err));
    assert_memory_equal(samples, again, 2 * R * sizeof *again);
    for (size_t i = 0; i < 2; i++) assert_true(one[i].slope == two[i].slope && one[i].excess.se == two[i].excess.se);
    const double others[] = {0.5, 2}; /* twice and half the worst slope, with the same fresh noise */
    for (size_t k = 0; k < 2; k++) {
        const double slopes[] = {one[0].slope * others[k], one[1].slope * others[k]};
        assert_ok(sl_robustness_excess(near, rho, slopes, 2, &r, &err));
        for (size_t i = 0; i < 2; i++) assert_true(sl_mean(near + i * R, R).value < one[i].excess.value);
    }
}

/* Worst slopes, their excess and that of slope 0.3 from convolutions of the law of |x|, without sampling
 * (worst_slope.py beside this file). Five standard errors in 18 comparisons: 1 false alarm in 10^5. The slope itself is
 * where the excess is flat: within 40 %, and exactly the largest where it is that. */
static void worst__is_that_of_the_law_without_sampling(void **state)
{
    (void)state;
    static const struct {
        const char *schedule;
        uint64_t steps;
        double lr, rho, slope, excess, other;
    } of[] = {{"constant", 512, 0.03, 1, 1, 0.03, 0.01635},
              {"constant", 512, 0.03, 4, 1, 0.12, 0.0636998},
              {"linear", 512, 0.07, 1, 0.0600, 0.013777, 0.00182834},
              {"linear", 512, 0.07, 4, 0.0954, 0.0215423, 0.00725279},
              {"cosine", 64, 0.2, 1, 0.1864, 0.0446448, 0.0371624},
              {"cosine", 64, 0.2, 4, 0.2732, 0.0659215, 0.0655336}};
    const double slope = 0.3;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        sl_robustness r = make(of[i].schedule, of[i].lr, of[i].steps);
        r.replicas = 6 * R;
        assert_ok(sl_robustness_worst(worst, samples, &of[i].rho, 1, &r, &err));
        assert_near(worst->excess.value, of[i].excess, 5 * worst->excess.se);
        assert_near(log(worst->slope / of[i].slope), 0, of[i].slope < 1 ? 0.4 : 0);
        assert_int_equal(worst->largest, of[i].slope == 1);
        assert_ok(sl_robustness_excess(samples, &of[i].rho, &slope, 1, &r, &err));
        const sl_estimate e = sl_mean(samples, r.replicas);
        assert_near(e.value, of[i].other, 5 * e.se);
        assert_true(fabs(e.value - 1.1 * of[i].other) > 5 * e.se); /* it could have been told */
    }
}

/* At a fixed rate the excess is eta at s = 1 and falls like 1/eta at small slopes: the least worst excess is at the
 * corner. At T = 1024 that is 0.0142 at eta = 0.0142 (s = 0.045), by the law of worst_slope.py. */
static void tuned_rate__has_the_least_worst_excess(void **state)
{
    (void)state;
    enum { POINTS = 5 };
    sl_worst curve[SL_TUNING_POINTS], least, w[POINTS];
    double factor, fine;
    sl_robustness r = make("constant", 0.02, 1024);
    r.search_replicas = r.replicas = 1024;
    assert_ok(sl_robustness_tune(&factor, curve, &r, &err));
    r.schedule.lr *= factor;
    r.replicas = R;
    assert_ok(sl_robustness_least(&fine, &least, &r, &err));
    assert_close(r.schedule.lr * fine, 0.0142, 0.06);
    assert_close(least.excess.value, 0.0142, 0.06);
    assert_true(least.excess.se > 0 && least.excess.se < 0.03 * least.excess.value);
    const double near[POINTS] = {0.5 * fine, 0.8 * fine, fine, 1.25 * fine, 2 * fine};
    assert_ok(sl_robustness_worst(w, NULL, near, POINTS, &r, &err));
    for (size_t i = 0; i < POINTS; i++) assert_true(w[i].excess.value > least.excess.value * 0.95);
    assert_true(w[0].excess.value > 1.4 * least.excess.value && w[4].excess.value > 1.8 * least.excess.value);
    r.schedule.lr *= 8; /* the least is not in the range */
    assert_fails(sl_robustness_least(&fine, &least, &r, &err), SL_E_NUMERIC, "end of the range");
}

/* Three quarters of a power, every replica its own factor. */
static void fit__finds_a_power_and_says_where_there_is_none(void **state)
{
    (void)state;
    sl_robustness r = make("linear", 1, T);
    sl_rho_window w = {.annealed = true, .lo = 2, .hi = INFINITY};
    sl_robust_fit f;
    r.replicas = 64;
    for (size_t i = 0; i < RHOS; i++) {
        for (size_t k = 0; k < 64; k++) samples[i * 64 + k] = pow(rho[i], 0.75) * (1 + 0.01 * (double)(k % 2));
        worst[i] = (sl_worst){.rho = rho[i], .slope = 0.01, .excess = sl_mean(samples + i * 64, 64)};
    }
    assert_ok(sl_robustness_fit(&f, worst, samples, RHOS, &w, &r, &err));
    assert_near(f.exponent.value, 0.75, 1e-12);
    assert_near(f.exponent.se, 0, 1e-12); /* the factor is the replica's: it cancels */
    assert_near(f.bend, 0, 1e-12);
    assert_fails(sl_robustness_fit(&f, worst, samples, 2, &w, &r, &err), SL_UNDECIDED, "2 of the rhos");
    assert_fails(sl_robustness_fit(&f, worst, samples, 1, &w, &r, &err), SL_UNDECIDED, "1 of the rhos");
    assert_true(isnan(f.exponent.value));
    worst[2].slope = 0.5; /* relaxes in 4 steps: the window ends before it */
    assert_fails(sl_robustness_fit(&f, worst, samples, RHOS, &w, &r, &err), SL_UNDECIDED, "longer horizon");
    worst[2].slope = 0.01;
    for (size_t k = 0; k < 64; k++) samples[5 * 64 + k] *= 3;
    worst[5].excess = sl_mean(samples + 5 * 64, 64);
    assert_fails(sl_robustness_fit(&f, worst, samples, RHOS, &w, &r, &err), SL_UNDECIDED, "not a power law");
    worst[1].rho = 2;
    assert_fails(sl_robustness_fit(&f, worst, samples, RHOS, &w, &r, &err), SL_E_DOMAIN, "ascending");
}

static void fit__of_replicas_that_do_not_differ_has_no_exponent(void **state)
{
    (void)state;
    sl_robustness r = make("linear", 1, T);
    const sl_rho_window w = {.annealed = true, .lo = 2, .hi = INFINITY};
    sl_robust_fit f;
    r.replicas = 64;
    for (size_t i = 0; i < RHOS; i++) {
        for (size_t k = 0; k < 64; k++) samples[i * 64 + k] = rho[i];
        worst[i] = (sl_worst){.rho = rho[i], .slope = 0.01, .excess = sl_mean(samples + i * 64, 64)};
    }
    assert_fails(sl_robustness_fit(&f, worst, samples, RHOS, &w, &r, &err), SL_UNDECIDED, "no standard error");
    assert_true(isnan(f.exponent.value) && isnan(f.exponent.se) && f.points > 2);
}

static void keep_fraction(void *ctx, double fraction)
{
    double *const told = ctx; /* the last and the largest; one thread */
    told[0] = fraction;
    told[1] = fmax(told[1], fraction);
}

/* Of a run without ties the plan is exact: it ends at 1, and not before. */
static void progress__ends_at_one(void **state)
{
    (void)state;
    double told[2] = {-1, -1};
    sl_robustness r = make("linear", 0.07, 512);
    r.search_replicas = r.replicas = 128;
    r.jobs = 1;
    r.progress = keep_fraction;
    r.progress_ctx = told;
    assert_ok(sl_robustness_worst(worst, NULL, rho, 2, &r, &err));
    assert_near(told[0], 1, 1e-12);
    assert_near(told[1], 1, 1e-12);
}

/* loss = 1 + |x|: the best point of a grid of step h is uniform on [0, h/2] away, so 1 + h/4 and 1 + h/2. */
static void grid__of_a_wedge_costs_a_quarter_of_its_step(void **state)
{
    (void)state;
    double x[41], loss[41], mean, largest;
    for (int i = 0; i < 41; i++) x[i] = 0.2 * (i - 20), loss[i] = 1 + fabs(x[i]);
    assert_ok(sl_grid_search_loss(&mean, &largest, x, loss, 41, exp(1.3), &err));
    assert_near(mean, 1 + 1.3 / 4, 1e-3);
    assert_near(largest, 1 + 1.3 / 2, 5e-3);
    assert_fails(sl_grid_search_loss(&mean, &largest, x, loss, 1, 2, &err), SL_E_DOMAIN, "1 points");
    assert_fails(sl_grid_search_loss(&mean, &largest, x, loss, 41, 1, &err), SL_E_DOMAIN, "ratio 1");
    assert_fails(sl_grid_search_loss(&mean, &largest, x, loss, 41, exp(9), &err), SL_E_DOMAIN, "hold no grid");
    x[3] = x[2];
    assert_fails(sl_grid_search_loss(&mean, &largest, x, loss, 41, 2, &err), SL_E_DOMAIN, "ascending");
}

/* E f after T plain steps on a x^2/2 with noise s2, from x0: closed form, against the loss's own start. */
static void rate_curve__is_exact_on_a_quadratic(void **state)
{
    (void)state;
    enum { STEPS = 20 };
    sl_rate_curve c = {.noise_variance = 0.5, .seed = 3, .replicas = 8192, .jobs = 2};
    const double factors[] = {1, 2, 50};
    sl_estimate excess[3];
    assert_ok(sl_loss_init(&c.loss, "least-squares:n=1:m=64", &err));
    assert_ok(sl_schedule_init(&c.schedule, "constant", 0.1, 1, STEPS, &err));
    const double x0 = c.loss.start[0], at = c.loss.minimiser[0], y = at + 1;
    const double a = 2 * (sl_loss_value(&c.loss, &y) - c.loss.least);
    assert_ok(sl_rate_curve_run(excess, factors, 3, &c, &err));
    for (size_t i = 0; i < 2; i++) {
        const double l = 0.1 * factors[i], A = 1 - l * a, m = pow(A, 2 * STEPS);
        const double second = (x0 - at) * (x0 - at) * m + l * l * 0.5 * (1 - m) / (1 - A * A);
        assert_near(excess[i].value, a * second / 2, 4 * excess[i].se);
    }
    c.loss.least = NAN;
    assert_fails(sl_rate_curve_run(excess, factors, 1, &c, &err), SL_E_CONFIG, "least value");
}

static void bad_input__is_refused(void **state)
{
    (void)state;
    const sl_robustness good = make("linear", 0.1, 64);
    sl_robustness r = good;
    const double bad[] = {2, 0};
    assert_fails(sl_robustness_worst(worst, samples, bad, 2, &r, &err), SL_E_DOMAIN, "rho = 0");
    assert_fails(sl_robustness_worst(worst, samples, bad, 0, &r, &err), SL_E_DOMAIN, "no rho");
    assert_fails(sl_robustness_excess(samples, rho, bad, 2, &r, &err), SL_E_DOMAIN, "slope = 0");
    r.D = NAN;
    assert_fails(sl_robustness_worst(worst, samples, rho, 2, &r, &err), SL_E_DOMAIN, "D = ");
    r = good, r.sigma = 0;
    assert_fails(sl_robustness_worst(worst, samples, rho, 2, &r, &err), SL_E_DOMAIN, "sigma = 0");
    r = good, r.suffix = 1.5;
    assert_fails(sl_robustness_worst(worst, samples, rho, 2, &r, &err), SL_E_DOMAIN, "1.5");
    r = good, r.replicas = 100;
    assert_fails(sl_robustness_worst(worst, samples, rho, 2, &r, &err), SL_E_DOMAIN, "multiple of 64");
    r = make("random", 0.1, 64);
    sl_rho_window w;
    assert_fails(sl_robustness_worst(worst, samples, rho, 2, &r, &err), SL_E_CONFIG, "random");
    assert_fails(sl_robustness_window(&w, &r, &err), SL_E_CONFIG, "random");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(excess__is_that_of_the_updates_written_out),
        cmocka_unit_test(excess__of_a_fixed_step_is_half_eta_times_the_second_moment),
        cmocka_unit_test(exponents__are_the_published_ones),
        cmocka_unit_test(worst__does_not_depend_on_jobs_and_beats_its_neighbours),
        cmocka_unit_test(worst__is_that_of_the_law_without_sampling),
        cmocka_unit_test(tuned_rate__has_the_least_worst_excess),
        cmocka_unit_test(fit__finds_a_power_and_says_where_there_is_none),
        cmocka_unit_test(fit__of_replicas_that_do_not_differ_has_no_exponent),
        cmocka_unit_test(progress__ends_at_one),
        cmocka_unit_test(grid__of_a_wedge_costs_a_quarter_of_its_step),
        cmocka_unit_test(rate_curve__is_exact_on_a_quadratic),
        cmocka_unit_test(bad_input__is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
