#include "tests/test.h"

#include "base/random.h"
#include "theory/effective_rate.h"

/* The recursion written in e: e' = e / (1 + e^2), whatever rate, G2 and start. */
static void recursion__of_the_update_has_no_parameters(void **state)
{
    (void)state;
    const sl_scale_invariant layer[2] = {{.rate = 0.1, .G2 = 40, .r = 2}, {.rate = 0.1, .G2 = 0.3, .r = 0.1}};
    double ratio_of_rates = 0, ratio_of_updates = 0;
    for (int i = 0; i < 2; i++) {
        double e = 0.1 * sqrt(layer[i].G2) / layer[i].r;
        sl_effective now;
        for (uint64_t n = 0; n < 20; n++) {
            assert_ok(sl_effective_rate(&now, &layer[i], n, &err));
            assert_close(now.update, e, 1e-12);
            assert_close(now.rate, 0.1 / now.r, 1e-15);
            e /= 1 + e * e;
        }
        assert_ok(sl_effective_rate(&now, &layer[i], 1000000, &err));
        assert_near(now.update * now.update * 2e6, 1, 1e-4);
        ratio_of_rates = i == 0 ? now.rate : ratio_of_rates / now.rate;
        ratio_of_updates = i == 0 ? now.update : ratio_of_updates / now.update;
    }
    assert_near(ratio_of_updates, 1, 1e-4);
    assert_near(ratio_of_rates, sqrt(0.3 / 40), 1e-4); /* not 1 */
}

/* Rayleigh's quotient in the plane, f = w'Aw/w'w: gradient 2 (A w - f w)/|w|^2. Plain SGD with additive
 * tangential noise; r' = (1 - l decay)^2 r + l^2 q/r with the q of each step, and the identity of r^2. */
static void recursion__is_pythagoras_on_a_scale_invariant_loss(void **state)
{
    (void)state;
    const double l = 0.2, decay = 0.01;
    double w[2] = {1.5, -0.4};
    for (uint64_t k = 0; k < 200; k++) {
        const double r = w[0] * w[0] + w[1] * w[1], Aw[2] = {3 * w[0] + w[1], w[0] - w[1]};
        const double f = (w[0] * Aw[0] + w[1] * Aw[1]) / r;
        const sl_draw draw = {.seed = 3, .step = k, .purpose = SL_PURPOSE_TEST};
        const double noise = sl_random_normal(0, 1, &draw) / r; /* along (-w1, w0), so of length |w|: g~/|w| */
        const double g[2] = {2 * (Aw[0] - f * w[0]) / r - noise * w[1], 2 * (Aw[1] - f * w[1]) / r + noise * w[0]};
        assert_near(g[0] * w[0] + g[1] * w[1], 0, 1e-13);
        const sl_scale_invariant p = {.rate = l, .G2 = (g[0] * g[0] + g[1] * g[1]) * r, .decay = decay, .r = r};
        sl_effective next;
        assert_ok(sl_effective_rate(&next, &p, 1, &err));
        for (int i = 0; i < 2; i++) w[i] = (1 - l * decay) * w[i] - l * g[i];
        assert_close(w[0] * w[0] + w[1] * w[1], next.r, 1e-13);
    }
}

/* Noise of fluctuating length: |g~|^2 = G2 chi^2_5 / 5. Mean of r^2 over 4096 runs against the recursion at G2: the
 * fluctuations add l^2 E q^2/(G2 r^2) relative to the growth, 2e-4 here. Limit 4 standard errors plus that. */
static void recursion__holds_in_the_mean_under_noise(void **state)
{
    (void)state;
    enum { RUNS = 4096, STEPS = 300 };
    const sl_scale_invariant p = {.rate = 0.02, .G2 = 2, .r = 1};
    double sum = 0, sum2 = 0;
    for (uint64_t run = 0; run < RUNS; run++) {
        double r = 1, z[5];
        for (uint64_t k = 0; k < STEPS; k++) {
            const sl_draw draw = {.seed = 5, .step = k, .purpose = SL_PURPOSE_TEST};
            sl_random_normals(z, 5, 5 * run, 1, &draw);
            double q = 0;
            for (int i = 0; i < 5; i++) q += p.G2 * z[i] * z[i] / 5;
            r += p.rate * p.rate * q / r;
        }
        sum += r * r / RUNS;
        sum2 += r * r * r * r / RUNS;
    }
    sl_effective e;
    assert_ok(sl_effective_rate(&e, &p, STEPS, &err));
    const double se = sqrt((sum2 - sum * sum) / RUNS);
    assert_near(sum, e.r * e.r, 4 * se + 3e-4);
    assert_true(fabs(sum - (1 + 0.02 * 0.02 * 2 * STEPS)) > 10 * se); /* control: half the growth */
}

static void flow__is_the_limit_of_small_steps(void **state)
{
    (void)state;
    double off[2][2];
    for (int with = 0; with < 2; with++)
        for (int i = 0; i < 2; i++) {
            const double l = i == 0 ? 0.02 : 0.01, t = i == 0 ? 250 : 500; /* l t fixed: decay acts alike */
            /* G2 scales so that l^2 G2 t is fixed as well: e^2 halves. */
            const sl_scale_invariant p = {.rate = l, .G2 = 20 / l, .decay = with ? 0.1 : 0, .r = 3};
            sl_effective exact, flow;
            assert_ok(sl_effective_rate(&exact, &p, (uint64_t)t, &err));
            assert_ok(sl_effective_rate_flow(&flow, &p, t, &err));
            off[with][i] = flow.r / exact.r - 1;
            assert_true(fabs(off[with][i]) < 0.03);
        }
    assert_near(off[0][0] / off[0][1], 2, 0.1); /* first order */
    assert_near(off[1][0] / off[1][1], 2, 0.1);
}

static void settled__is_the_fixed_point(void **state)
{
    (void)state;
    const sl_scale_invariant p = {.rate = 0.1, .G2 = 3, .decay = 0.05, .r = 1};
    sl_effective s, late, flow;
    assert_ok(sl_effective_rate_settled(&s, &p, &err));
    assert_ok(sl_effective_rate(&late, &p, 4000, &err));
    assert_close(late.r, s.r, 1e-12);
    assert_close(s.update * s.update, 1 - 0.995 * 0.995, 1e-12);
    assert_ok(sl_effective_rate_flow(&flow, &p, 1e6, &err));
    assert_close(flow.r, sqrt(0.1 * 3 / (2 * 0.05)), 1e-12);
    assert_close(flow.r, s.r, 0.003);
}

static void effective_rate__refuses_bad_input(void **state)
{
    (void)state;
    sl_effective e = {.r = 7};
    const sl_scale_invariant good = {.rate = 0.1, .G2 = 3, .decay = 0, .r = 1};
    sl_scale_invariant p = good;
    p.rate = 0;
    assert_fails(sl_effective_rate(&e, &p, 1, &err), SL_E_DOMAIN, "l = 0");
    p = good, p.G2 = NAN;
    assert_fails(sl_effective_rate(&e, &p, 1, &err), SL_E_DOMAIN, "G2");
    p = good, p.decay = 10;
    assert_fails(sl_effective_rate(&e, &p, 1, &err), SL_E_DOMAIN, "decay = 10");
    p = good, p.r = -1;
    assert_fails(sl_effective_rate_flow(&e, &p, 1, &err), SL_E_DOMAIN, "|w|^2 = -1");
    assert_fails(sl_effective_rate_flow(&e, &good, -1, &err), SL_E_DOMAIN, "t = -1");
    assert_fails(sl_effective_rate_settled(&e, &good, &err), SL_E_UNSTABLE, "decay > 0");
    p = good, p.r = 1e-310, p.G2 = 1e10;
    assert_fails(sl_effective_rate(&e, &p, 1, &err), SL_E_NUMERIC, "beyond doubles");
    assert_true(e.r == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recursion__of_the_update_has_no_parameters),
        cmocka_unit_test(recursion__is_pythagoras_on_a_scale_invariant_loss),
        cmocka_unit_test(recursion__holds_in_the_mean_under_noise),
        cmocka_unit_test(flow__is_the_limit_of_small_steps),
        cmocka_unit_test(settled__is_the_fixed_point),
        cmocka_unit_test(effective_rate__refuses_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
