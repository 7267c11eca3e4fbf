/* Gradient noise of Model 1 before and after training: small, on the digits; the claims' numbers are those measured. */
#include "tests/test.h"

#include "claims/musso_noise.h"

static const sl_musso_noise_setting small = {"digits:train=200:test=20", "mlp:hidden=4", 0.05, 20, 100, 3, 5, 6};

static sl_lab lab_of(uint64_t seed, int jobs)
{
    return (sl_lab){.scale = SL_QUICK, .seed = seed, .jobs = jobs, .run = sl_run_none()};
}

static void measure__before_and_after_on_any_number_of_threads(void **state)
{
    (void)state;
    sl_musso_noise one, two, other;
    const sl_lab lab1 = lab_of(1, 1), lab2 = lab_of(1, 2), lab3 = lab_of(2, 1);
    assert_ok(sl_musso_noise_measure(&one, &lab1, &small, true, &err));
    assert_ok(sl_musso_noise_measure(&two, &lab2, &small, true, &err));
    assert_ok(sl_musso_noise_measure(&other, &lab3, &small, false, &err));
    const double parameters = 784 * 4 + 4 + 4 * 10 + 10;
    for (size_t i = 0; i < SL_NOISE_STAGES; i++) {
        const sl_net_noise *const n = &one.noise[i];
        assert_int_equal(n->samples, 100);
        assert_near((double)n->parameters, parameters, 0);
        assert_near(n->trace.value, two.noise[i].trace.value, 0);
        assert_near(one.curvature[i].trace.value, two.curvature[i].trace.value, 0);
        assert_near(one.alignment[i].cosine.value, two.alignment[i].cosine.value, 0);
        assert_in_range(one.curvature[i].n_top, 5, 5);
        /* Of 100 samples: rank 99 at most. */
        assert_true(n->participation.value > 0 && n->participation.value <= 99 / parameters);
        assert_true(n->trace.value != other.noise[i].trace.value);
        assert_null(other.curvature[i].top); /* not asked for */
    }
    assert_near(one.noise[0].loss, log(10), 0.4); /* knows nothing yet */
    assert_true(one.noise[1].loss < one.noise[0].loss - 0.2);
    sl_musso_noise_clear(&one);
    sl_musso_noise_clear(&two);
    sl_musso_noise_clear(&other);
}

static void measure__refuses_and_leaves_nothing(void **state)
{
    (void)state;
    sl_musso_noise n;
    const sl_lab lab = lab_of(1, 1);
    sl_musso_noise_setting s = small;
    s.samples = 300;
    assert_fails(sl_musso_noise_measure(&n, &lab, &s, false, &err), SL_E_DOMAIN, "samples = 300");
    s = small;
    s.lr = 1e30;
    assert_fails(sl_musso_noise_measure(&n, &lab, &s, false, &err), SL_DIVERGED, "diverged");
    assert_null(n.noise[0].D); /* what was measured before is let go */
}

static void settings__fit_their_data(void **state)
{
    (void)state;
    for (sl_scale scale = SL_QUICK; scale <= SL_PAPER; scale++) {
        const sl_musso_noise_setting s = sl_musso_noise_at(scale);
        assert_in_range(s.samples, 4, 4000);
        assert_true(s.batch < s.samples && s.top < s.samples && s.directions > 1 && s.lr > 0 && s.epochs > 0);
    }
}

static void claims__are_numbers_without_verdict(void **state)
{
    (void)state;
    const sl_claim *const claims[] = {&sl_claim_musso_isotropy, &sl_claim_musso_gaussianity};
    const sl_lab lab = lab_of(1, 2);
    sl_musso_noise n;
    const sl_musso_noise_setting s = sl_musso_noise_at(SL_QUICK);
    assert_ok(sl_musso_noise_measure(&n, &lab, &s, false, &err));
    for (size_t k = 0; k < 2; k++) {
        sl_finding f;
        assert_ok(sl_claim_run(claims[k], &lab, &f, &err));
        assert_int_equal(f.verdict, SL_NUMBERS_ONLY);
        assert_int_equal(f.n_parts, claims[k]->parts);
        for (size_t i = 0; i < f.n_parts; i++) {
            assert_true(isnan(f.parts[i].predicted));
            assert_true(isfinite(f.parts[i].measured.value) && f.parts[i].measured.se > 0);
        }
        if (k == 0) {
            assert_near(f.parts[0].measured.value, n.noise[0].participation.value, 0);
            assert_near(f.parts[3].measured.value, n.noise[1].top_share.value, 0);
        } else { /* the mean over directions, which share their samples: no error below any of theirs */
            double mean = 0, least = INFINITY;
            for (size_t j = 0; j < n.noise[0].n_directions; j++) {
                mean += n.noise[0].random[j].kurtosis.value / (double)n.noise[0].n_directions;
                least = fmin(least, n.noise[0].random[j].kurtosis.se);
            }
            assert_close(f.parts[0].measured.value, mean, 1e-12);
            assert_true(f.parts[0].measured.se >= least);
        }
    }
    sl_musso_noise_clear(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measure__before_and_after_on_any_number_of_threads),
        cmocka_unit_test(measure__refuses_and_leaves_nothing),
        cmocka_unit_test(settings__fit_their_data),
        cmocka_unit_test(claims__are_numbers_without_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
