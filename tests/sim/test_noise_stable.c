/* Heavy-tailed gradient noise: characteristic functions, SciPy's tails, the ends of the uniforms. Fixed seeds. */
#include "tests/sim/noise.h"

#include "base/tails.h"
#include "sim/noise_kernel.h"

static double cosine(const double *n, const void *ctx)
{
    const double *t = ctx;
    return cos(t[0] * n[0] + t[1] * n[1] + t[2] * n[2]);
}

static double sine(const double *n, const void *ctx)
{
    const double *t = ctx;
    return sin(t[0] * n[0] + t[1] * n[1] + t[2] * n[2]);
}

static double norm(const double t[3])
{
    return sqrt(t[0] * t[0] + t[1] * t[1] + t[2] * t[2]);
}

/* exp(-(sigma |t|)^alpha), coordinate by coordinate or of the whole vector. */
static double characteristic(double alpha, double sigma, const double t[3], bool isotropic)
{
    if (isotropic) return exp(-pow(sigma * norm(t), alpha));
    return exp(-pow(sigma * fabs(t[0]), alpha) - pow(sigma * fabs(t[1]), alpha) - pow(sigma * fabs(t[2]), alpha));
}

static void stable__has_its_characteristic_function(void **state)
{
    (void)state;
    static const double alphas[] = {0.3, 0.5, 0.8, 1, 1.2, 1.5, 1.8, 1.95};
    static const double ts[][3] = {{0.1, 0, 0}, {0.5, 0, 0}, {1, 0, 0}, {0, 2, 0}, {0.4, -0.3, 0.5}};
    for (size_t a = 0; a < sizeof alphas / sizeof *alphas; a++) {
        for (int isotropic = 0; isotropic < 2; isotropic++) {
            const double alpha = alphas[a], s2 = 0.8, sigma = sqrt(s2 / 2);
            char model[64];
            snprintf(model, sizeof model, "stable:alpha=%g:law=%s", alpha, isotropic ? "isotropic" : "independent");
            sl_loss loss;
            sl_noise noise;
            draw(&noise, &loss, model, "quadratic:dim=3", s2, (const double[]){0, 0, 0});
            assert_true(noise.infinite_variance && noise.not_normal && noise.bound == 0);
            for (size_t k = 0; k < sizeof ts / sizeof *ts; k++) {
                const sl_estimate e = mean_of(cosine, ts[k]);
                assert_within(e, characteristic(alpha, sigma, ts[k], isotropic), "E cos(t n)", model);
                assert_within(mean_of(sine, ts[k]), 0, "E sin(t n)", model);
                /* Control: another index, and in three directions the other law, must be seen. */
                if (k == 1)
                    assert_true(fabs(e.value - characteristic(alpha + 0.05, sigma, ts[k], isotropic)) > Z * e.se);
                if (k == 4 && alpha < 1.9)
                    assert_true(fabs(e.value - characteristic(alpha, sigma, ts[k], !isotropic)) > Z * e.se);
            }
        }
    }
}

/* P(X > x) by scipy.stats.levy_stable.sf (SciPy 1.10, beta = 0, scale 1; at alpha = 1 from 1/2 - atan(x)/pi) against
 * the fraction of the sample and its binomial error. */
static void stable__has_the_tails_of_scipy(void **state)
{
    (void)state;
    static const struct {
        double alpha;
        double above[5]; /* of 0.3, 1, 3, 10, 30 */
    } cases[] = {
        {0.8, {0.3985435648, 0.2558597621, 0.1300418378, 0.05362460749, 0.02282270047}},
        {1.0, {0.4072264234, 0.25, 0.1024163823, 0.03172551743, 0.01060640362}},
        {1.2, {0.4117218923, 0.2466321887, 0.07949754418, 0.01796791867, 0.004725362037}},
        {1.5, {0.4147373001, 0.2436579756, 0.05159780356, 0.006639809198, 0.001225830277}},
        {1.8, {0.4157919012, 0.2412852079, 0.02934253399, 0.001547907036, 0.0002026693111}},
    };
    static const double x[5] = {0.3, 1, 3, 10, 30};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (int isotropic = 0; isotropic < 2; isotropic++) {
            char model[64];
            snprintf(model, sizeof model, "stable:alpha=%g:law=%s", cases[c].alpha,
                     isotropic ? "isotropic" : "independent");
            sl_loss loss;
            sl_noise noise;
            draw(&noise, &loss, model, "quadratic", 2, (const double[]){0}); /* sigma = 1 */
            for (size_t k = 0; k < 5; k++) {
                const double p = 2 * cases[c].above[k]; /* both sides */
                size_t beyond = 0;
                for (size_t i = 0; i < N; i++) beyond += fabs(sample[0][i]) > x[k];
                const sl_estimate found = {(double)beyond / N, sqrt(p * (1 - p) / N), INFINITY};
                assert_within(found, p, "P(|X| > x)", model);
            }
        }
    }
}

static void stable__tail_index(void **state)
{
    (void)state;
    static const double alphas[] = {0.8, 1, 1.5};
    for (size_t a = 0; a < sizeof alphas / sizeof *alphas; a++) {
        char model[32];
        snprintf(model, sizeof model, "stable:alpha=%g", alphas[a]);
        sl_loss loss;
        sl_noise noise;
        sl_estimate hill;
        draw(&noise, &loss, model, "quadratic", 1, (const double[]){0});
        assert_ok(sl_hill(&hill, sample[0], N, sl_hill_k(N), &err));
        assert_within(hill, alphas[a], "Hill", model);
        assert_within(sl_stable_index(sample[0], N), alphas[a], "block sums", model);
    }
    assert_true(sl_hill_k(N) > 1000);
}

/* The ends of the uniforms: the largest values are those that sim/noises/stable.c promises. */
static void stable__ends_where_uniforms_end(void **state)
{
    (void)state;
    const double least = 0x1p-33, most = 1 - 0x1p-33;
    _Alignas(64) double g[8], u[8] = {least, most, least, most, least, most, 0.5 + least, 0.5 - least},
                              w[8] = {least, least, most, most, 0.5, 0.5, 0.5, 0.5};
    static const struct {
        double alpha, largest;
    } cases[] = {{0.5, 3.21e28}, {1, 2.73e9}, {1.5, 4.41e6}, {1.8, 3.66e5}, {1.95, 8.61e4}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        double largest = 0;
        memset(g, 0, sizeof g);
        sl_noise_add_stable(8, g, cases[c].alpha, 1, u, w);
        for (size_t i = 0; i < 8; i++) {
            assert_true(isfinite(g[i]) && g[i] != 0);
            assert_true((g[i] > 0) == (u[i] > 0.5));
            largest = fmax(largest, fabs(g[i]));
        }
        assert_close(largest, cases[c].largest, 0.01);
    }
    memset(g, 0, sizeof g);
    sl_noise_add_stable(8, g, 1, 3, u, w); /* 3 tan(pi (u - 1/2)) */
    assert_close(g[1], 3 / tan(M_PI * least), 1e-12);
    assert_close(g[6], 3 * tan(M_PI * least), 1e-12);
    for (size_t i = 0; i < 8; i++) {
        double root[8];
        memcpy(root, u, sizeof u);
        sl_noise_positive_stable_root(8, 0.75, root, w);
        assert_true(isfinite(root[i]) && root[i] > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stable__has_its_characteristic_function),
        cmocka_unit_test(stable__has_the_tails_of_scipy),
        cmocka_unit_test(stable__tail_index),
        cmocka_unit_test(stable__ends_where_uniforms_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
