/* Models of gradient noise: moments and bounds against closed forms. Fixed seeds. */
#include "tests/sim/noise.h"

/* ---- first and second moments ---- */

/* The eigenvalues of this Hessian are -169 and 239, so |H| is neither H nor -H. By hand 1200 x^2 - 400 y + 2 = -130,
 * -400 x = -120, 200; |H| by numpy.linalg.eigh. */
#define ROSENBROCK {0.3, 0.6}

static const struct {
    const char *model, *loss;
    double s2, x[MOST_DIM];
    double diagonal[MOST_DIM], off; /* the covariance; off: its element 01, the others are 0 */
} moments[] = {
    {"gaussian", "quadratic:dim=3", 2, {0}, {2, 2, 2}, 0},
    {"anisotropic:spectrum=4,0.25,1", "quadratic:dim=3", 0.5, {0}, {2, 0.125, 0.5}, 0},
    {"anisotropic:spectrum=3,0", "strict-saddle", 1, {0}, {3, 0}, 0},
    /* R diag(4, 1) R' at 30 degrees: 4 c^2 + s^2, s^2 4 + c^2, 3 c s */
    {"anisotropic:spectrum=4,1:angle=30", "strict-saddle", 2, {0}, {6.5, 3.5}, 2.598076211353316},
    {"anisotropic:spectrum=4,1:angle=-60", "rosenbrock", 1, {0}, {1.75, 3.25}, -1.299038105676658},
    {"stable:alpha=2", "quadratic:dim=2", 3, {0}, {3, 3}, 0},
    {"stable:alpha=2:law=isotropic", "quadratic:dim=2", 3, {0}, {3, 3}, 0},
    {"bounded", "quadratic", 2, {0}, {2}, 0},
    {"bounded", "quadratic:dim=2", 2, {0}, {2, 2}, 0},
    {"bounded:law=sphere", "quadratic:dim=5", 2, {0}, {2, 2, 2, 2, 2}, 0},
    {"bounded:law=cube", "quadratic:dim=3", 2, {0}, {2, 2, 2}, 0},
    {"bounded:law=signs", "quadratic:dim=3", 2, {0}, {2, 2, 2}, 0},
    {"hessian", "double-well", 1, {0.2}, {0.88}, 0}, /* |3 x^2 - 1| */
    {"hessian:h0=2", "strict-saddle", 3, {0.3, 0.5}, {1.5, 0.375}, 0},
    {"hessian", "quadratic:spectrum=1,0.1,3", 2, {1, 2, 3}, {2, 0.2, 6}, 0},
    {"hessian:h0=0.5", "quadratic-saddle:dim=2:index=1:a=2:gamma=0.5", 1, {1, 1}, {4, 1}, 0},
    {"hessian", "rosenbrock", 1, ROSENBROCK, {175.71629468, 232.32782058}, -20.58600942},
    {"hessian:power=2:h0=10", "rosenbrock", 1, ROSENBROCK, {313, 544}, -84},
    {"hessian:power=2", "double-well", 2, {0.2}, {2 * 0.88 * 0.88}, 0},
    /* u = x = (1, -1): (u'Ku + sigma^2) K + (Ku)(Ku)' = (2.5 + 1) diag(2, 0.5) + ((4, -1), (-1, 0.25)), over 2 */
    {"online:size=2", "least-squares-online:spectrum=2,0.5:norm=0", 1, {1, -1}, {5.5, 1}, -0.5},
    {"online", "least-squares-online:spectrum=2,0.5:norm=0:noise=0", 0.25, {1, -1}, {2.25, 0.375}, -0.25},
};

static void add__has_the_covariance_it_should(void **state)
{
    (void)state;
    for (size_t m = 0; m < sizeof moments / sizeof *moments; m++) {
        sl_loss loss;
        sl_noise noise;
        double covariance[MOST_DIM * MOST_DIM];
        draw(&noise, &loss, moments[m].model, moments[m].loss, moments[m].s2, moments[m].x);
        assert_ok(sl_noise_covariance(covariance, &noise, &loss, moments[m].s2, moments[m].x, &err));
        for (size_t d = 0; d < loss.dim; d++) {
            assert_within(mean_of(component, &d), 0, "mean", moments[m].model);
            for (size_t e = 0; e < loss.dim; e++) {
                const double expected = d == e ? moments[m].diagonal[d] : d + e == 1 ? moments[m].off : 0;
                const double size = sqrt(moments[m].diagonal[d] * moments[m].diagonal[e]);
                assert_near(covariance[d * loss.dim + e], expected, 1e-9 * size);
                const sl_estimate found = mean_of(product, (const size_t[]){d, e});
                assert_within(found, expected, "covariance", moments[m].model);
                assert_true(found.se <= 0.01 * size); /* an estimate worth comparing */
            }
        }
        assert_false(noise.infinite_variance);
    }
}

/* Flat spots and equal eigenvalues, where the closed form of the root could divide by 0. */
static void hessian__is_finite_at_odd_points(void **state)
{
    (void)state;
    sl_loss loss;
    sl_noise noise;
    draw(&noise, &loss, "hessian", "bent-double-well:a=2:b=0", 1, (const double[]){1, 0}); /* H = 2 I there */
    assert_within(mean_of(product, (const size_t[]){0, 0}), 2, "variance", "equal eigenvalues");
    assert_within(mean_of(product, (const size_t[]){0, 1}), 0, "covariance", "equal eigenvalues");
    draw(&noise, &loss, "hessian", "quartic", 1, (const double[]){0}); /* f'' = 0 */
    for (size_t i = 0; i < N; i++) assert_true(sample[0][i] == 0);
}

/* More coordinates than fit into one piece of the block, and lanes that differ: each must have its own curvature. */
static void hessian__belongs_to_its_lane(void **state)
{
    (void)state;
    enum { DIM = 100, LANES = 64 };
    static _Alignas(64) double memory[5][DIM * LANES], z[LANES];
    sl_loss loss;
    sl_noise noise;
    make_loss(&loss, "rosenbrock");
    for (int power = 1; power <= 2; power++) {
        assert_ok(sl_noise_init(&noise, power == 1 ? "hessian" : "hessian:power=2", &loss, &err));
        sl_block b = {.B = LANES, .n = LANES, .x = memory[0], .g = memory[2], .kept = memory[3], .noise = z};
        const sl_ensemble e = {.seed = 4};
        memset(b.g, 0, sizeof memory[2]);
        for (size_t i = 0; i < LANES; i++) b.x[i] = 0.01 * (double)i, b.x[LANES + i] = 0.5 - 0.02 * (double)i;
        sl_noise_source source = {.block = &b, .ensemble = &e};
        noise.kind->add(&noise, &loss, 1, &source, b.g);
        double xi[2][LANES];
        for (size_t d = 0; d < 2; d++) sl_block_normals(&b, &e, SL_PURPOSE_NOISE, d, 0, 1, xi[d]);
        for (size_t i = 0; i < LANES; i++) {
            const double x = b.x[i], y = b.x[LANES + i], xx = 1200 * x * x - 400 * y + 2, xy = -400 * x, yy = 200;
            const double n[2] = {b.g[i], b.g[LANES + i]};
            if (power == 2) {
                assert_close(n[0], xx * xi[0][i] + xy * xi[1][i], 1e-9);
                assert_close(n[1], xy * xi[0][i] + yy * xi[1][i], 1e-9);
            } else {
                /* by the angle of the principal axes, another way than that of the kernel */
                const double angle = 0.5 * atan2(2 * xy, xx - yy), c = cos(angle), s = sin(angle);
                const double high = fabs(c * c * xx + 2 * c * s * xy + s * s * yy),
                             low = fabs(s * s * xx - 2 * c * s * xy + c * c * yy);
                const double p = c * xi[0][i] + s * xi[1][i], q = -s * xi[0][i] + c * xi[1][i];
                const double size = sqrt(high + low);
                assert_near(n[0], c * sqrt(high) * p - s * sqrt(low) * q, 1e-9 * size * (1 + fabs(p) + fabs(q)));
                assert_near(n[1], s * sqrt(high) * p + c * sqrt(low) * q, 1e-9 * size * (1 + fabs(p) + fabs(q)));
            }
        }
    }
    make_loss(&loss, "quadratic:a=4:dim=100"); /* 16 lanes at once: in pieces */
    assert_ok(sl_noise_init(&noise, "hessian", &loss, &err));
    sl_block b = {.B = LANES, .n = LANES, .x = memory[0], .g = memory[2], .kept = memory[3], .noise = z};
    const sl_ensemble e = {.seed = 4};
    memset(b.g, 0, sizeof memory[2]);
    memset(b.x, 0, sizeof memory[0]);
    sl_noise_source source = {.block = &b, .ensemble = &e};
    noise.kind->add(&noise, &loss, 1, &source, b.g);
    for (size_t d = 0; d < DIM; d++) {
        sl_block_normals(&b, &e, SL_PURPOSE_NOISE, d, 0, 2, z);
        for (size_t i = 0; i < LANES; i++) assert_close(b.g[d * LANES + i], z[i], 1e-6); /* floats inside */
    }
}

/* ---- gaussian: the numbers of its coordinates ---- */

static void gaussian__is_the_stream_of_its_coordinates(void **state)
{
    (void)state;
    static const char *const same[] = {"gaussian", "anisotropic:spectrum=1,1", "stable:alpha=2"};
    for (size_t m = 0; m < sizeof same / sizeof *same; m++) {
        sl_loss loss;
        sl_noise noise;
        draw(&noise, &loss, same[m], "quadratic:dim=2", 1.7, (const double[]){0, 0});
        static double z[B];
        for (uint64_t k = 0; k < STEPS; k++)
            for (uint32_t d = 0; d < 2; d++) {
                const sl_draw at = {.seed = 20, .step = k, .sub = 3u << 16 | d, .purpose = SL_PURPOSE_NOISE};
                sl_random_normals(z, B, 0, sqrt(1.7), &at);
                assert_memory_equal(z, sample[d] + k * B, sizeof z);
            }
    }
}

/* ---- bounded ---- */

static double line_cdf(double x, void *half)
{
    const double h = *(double *)half;
    return x < -h ? 0 : x > h ? 1 : 0.5 * (1 + x / h);
}

/* On a circle the angle, on a sphere of three dimensions each coordinate (Archimedes) is uniform. KS: p below 1e-4 once
 * in 10^4. */
static void bounded__sphere_has_its_radius_and_no_direction(void **state)
{
    (void)state;
    const double s2 = 0.7;
    sl_loss loss;
    sl_noise noise;
    double D;
    for (size_t dim = 1; dim <= 5; dim++) {
        char text[32];
        snprintf(text, sizeof text, "quadratic:dim=%zu", dim);
        draw(&noise, &loss, "bounded", text, s2, (const double[MOST_DIM]){0});
        double radius = sqrt((double)dim * s2);
        assert_close(noise.bound * sqrt(s2), radius, 1e-15);
        for (size_t i = 0; i < N; i++) {
            double square = 0;
            for (size_t d = 0; d < dim; d++) square += sample[d][i] * sample[d][i];
            assert_close(sqrt(square), radius, 1e-14);
        }
        if (dim == 2) {
            for (size_t i = 0; i < N; i++) sample[2][i] = atan2(sample[1][i], sample[0][i]);
            assert_true(sl_ks_one_sample(&D, sample[2], N, line_cdf, &(double){M_PI}) > 1e-4);
        }
        if (dim == 3)
            for (size_t d = 0; d < dim; d++) assert_true(sl_ks_one_sample(&D, sample[d], N, line_cdf, &radius) > 1e-4);
        if (dim == 4) /* control: in four dimensions it is not */
            assert_true(sl_ks_one_sample(&D, sample[0], N, line_cdf, &radius) < 1e-4);
    }
}

static void bounded__cube_and_signs_keep_their_bounds(void **state)
{
    (void)state;
    const double s2 = 0.7;
    double half = sqrt(3 * s2), top = 0, D;
    sl_loss loss;
    sl_noise noise;
    draw(&noise, &loss, "bounded:law=cube", "quadratic:dim=2", s2, (const double[]){0, 0});
    assert_close(noise.bound, sqrt(6), 1e-15);
    for (size_t i = 0; i < N; i++) {
        assert_true(fabs(sample[0][i]) <= half && fabs(sample[1][i]) <= half);
        top = fmax(top, fabs(sample[0][i]));
    }
    assert_true(top > half * (1 - 1e-3));
    assert_true(sl_ks_one_sample(&D, sample[0], N, line_cdf, &half) > 1e-4);
    draw(&noise, &loss, "bounded:law=signs", "quadratic:dim=2", s2, (const double[]){0, 0});
    assert_close(noise.bound, sqrt(2), 1e-15);
    for (size_t i = 0; i < N; i++) assert_true(fabs(sample[0][i]) == sqrt(s2) && fabs(sample[1][i]) == sqrt(s2));
}

/* ---- minibatch ---- */

static void minibatch__has_the_covariance_of_its_samples(void **state)
{
    (void)state;
    double mean[2] = {0}, C[4] = {0}, covariance[4];
    for (size_t k = 0; k < SAMPLES; k++)
        for (size_t d = 0; d < 2; d++) mean[d] += residual(k, at_x[0], at_x[1]) * rows[k][d] / SAMPLES;
    for (size_t k = 0; k < SAMPLES; k++)
        for (size_t j = 0; j < 4; j++) {
            const double r = residual(k, at_x[0], at_x[1]);
            C[j] += (r * rows[k][j / 2] - mean[j / 2]) * (r * rows[k][j % 2] - mean[j % 2]) / SAMPLES;
        }
    const struct {
        const char *model;
        double s2, factor, round; /* round: what a sphere adds to each variance, its length squared / 2 */
    } cases[] = {{"minibatch", 1, 1, 0}, {"minibatch:size=3", 1, 1. / 3, 0}, {"minibatch:size=10", 1, 0.1, 0},
                 {"minibatch:size=2", 0.25, 0.125, 0}, {"minibatch:size=2:sphere=1.2", 0.25, 0.125, 0.72}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        sl_loss loss;
        sl_noise noise;
        draw(&noise, &loss, cases[c].model, "squares", cases[c].s2, at_x);
        assert_true(noise.depends_on_x && noise.not_normal && !noise.infinite_variance);
        assert_ok(sl_noise_covariance(covariance, &noise, &loss, cases[c].s2, at_x, &err));
        for (size_t d = 0; d < 2; d++) {
            assert_within(mean_of(component, &d), 0, "mean", cases[c].model);
            for (size_t e = 0; e < 2; e++) {
                const double expected = cases[c].factor * C[2 * d + e] + (d == e ? cases[c].round : 0);
                assert_close(covariance[2 * d + e], expected, 1e-12);
                assert_within(mean_of(product, (const size_t[]){d, e}), expected, "covariance", cases[c].model);
            }
        }
    }
}

/* With one sample a batch the gradient is one of the samples', each as often as the others. Chi square: p below 1e-4
 * once in 10^4. */
static void minibatch__draws_every_sample_alike(void **state)
{
    (void)state;
    sl_loss loss;
    sl_noise noise;
    draw(&noise, &loss, "minibatch", "squares", 1, at_x);
    double seen[SAMPLES] = {0}, expected[SAMPLES], g[2];
    sl_loss_gradient(&loss, at_x, g);
    for (size_t i = 0; i < N; i++) {
        size_t k = 0;
        while (k < SAMPLES && fabs(sample[0][i] + g[0] - residual(k, at_x[0], at_x[1]) * rows[k][0]) > 1e-12) k++;
        assert_true(k < SAMPLES);
        assert_near(sample[1][i] + g[1], residual(k, at_x[0], at_x[1]) * rows[k][1], 1e-12);
        seen[k]++;
    }
    for (size_t k = 0; k < SAMPLES; k++) expected[k] = (double)N / SAMPLES;
    assert_true(sl_chi_square(seen, expected, SAMPLES, 0) > 1e-4);
}

/* The finite sums of the registry, at a point off their starts: sampled moments against those of all samples. */
static void minibatch__has_the_covariance_of_registered_sums(void **state)
{
    (void)state;
    static const char *const sums[] = {"phase-retrieval:n=3:m=50", "tensor-decomposition:d=2"};
    for (size_t m = 0; m < sizeof sums / sizeof *sums; m++) {
        const double x[MOST_DIM] = {0.8, 0.3, -0.4, 0.6, 0};
        double covariance[MOST_DIM * MOST_DIM];
        sl_loss loss;
        sl_noise noise;
        draw(&noise, &loss, "minibatch:size=2", sums[m], 1, x);
        assert_ok(sl_noise_covariance(covariance, &noise, &loss, 1, x, &err));
        for (size_t d = 0; d < loss.dim; d++) {
            assert_true(covariance[d * loss.dim + d] > 0);
            assert_within(mean_of(component, &d), 0, "mean", sums[m]);
            for (size_t e = 0; e < loss.dim; e++)
                assert_within(mean_of(product, (const size_t[]){d, e}), covariance[d * loss.dim + e], "covariance",
                              sums[m]);
        }
    }
}

/* ---- what is refused ---- */

static void init__refuses_what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *model, *loss;
        sl_status status;
        const char *text;
    } bad[] = {
        {"gausian", "quadratic", SL_E_NAME, "gaussian"},
        {"gaussian:s=1", "quadratic", SL_E_NAME, "s"},
        {"anisotropic", "quadratic", SL_E_DOMAIN, "spectrum"},
        {"anisotropic:spectrum=1,2,3", "quadratic:dim=2", SL_E_DOMAIN, "3 values"},
        {"anisotropic:spectrum=1", "quadratic:dim=2", SL_E_DOMAIN, "2 coordinates"},
        {"anisotropic:spectrum=1,-2", "quadratic:dim=2", SL_E_DOMAIN, "-2"},
        {"anisotropic:spectrum=1,2,3:angle=30", "quadratic:dim=3", SL_E_DOMAIN, "angle"},
        {"anisotropic:spectrum=1,nan", "quadratic:dim=2", SL_E_DOMAIN, "spectrum"},
        {"stable:alpha=0", "quadratic", SL_E_DOMAIN, "alpha"},
        {"stable:alpha=2.01", "quadratic", SL_E_DOMAIN, "alpha"},
        {"stable:alpha=-1", "quadratic", SL_E_DOMAIN, "alpha"},
        {"stable:law=sphere", "quadratic", SL_E_NAME, "sphere"},
        {"bounded:law=ball", "quadratic", SL_E_NAME, "ball"},
        {"hessian", "squares", SL_E_CONFIG, "squares"},
        {"hessian:power=3", "quadratic", SL_E_DOMAIN, "power"},
        {"hessian:h0=0", "quadratic", SL_E_DOMAIN, "h0"},
        {"minibatch", "quadratic", SL_E_CONFIG, "quadratic"},
        {"minibatch:size=0", "squares", SL_E_DOMAIN, "size"},
        {"minibatch:size=1.5", "squares", SL_E_DOMAIN, "size"},
        {"minibatch:size=100000", "squares", SL_E_DOMAIN, "size"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sl_loss loss;
        sl_noise noise, before;
        memset(&noise, 7, sizeof noise);
        before = noise;
        make_loss(&loss, bad[i].loss);
        assert_fails(sl_noise_init(&noise, bad[i].model, &loss, &err), bad[i].status, bad[i].text);
        assert_memory_equal(&noise, &before, sizeof noise);
    }
    /* The root of a Hessian that is neither diagonal nor of two coordinates. */
    sl_loss loss;
    sl_noise noise;
    make_loss(&loss, "rosenbrock");
    loss.dim = 3;
    assert_fails(sl_noise_init(&noise, "hessian", &loss, &err), SL_E_CONFIG, "power = 2");
    assert_ok(sl_noise_init(&noise, "hessian:power=2", &loss, &err));

    double covariance = 99;
    make(&noise, &loss, "stable:alpha=1.5", "quadratic");
    assert_fails(sl_noise_covariance(&covariance, &noise, &loss, 1, loss.start, &err), SL_E_DOMAIN, "infinite");
    assert_true(covariance == 99);
}

/* Every entry can be listed, and the models that need nothing can be named alone. */
static void entries__are_the_registry(void **state)
{
    (void)state;
    sl_loss loss;
    make_loss(&loss, "quadratic");
    for (size_t i = 0; i < sl_n_noises; i++) {
        assert_ptr_equal(sl_noise_entries()[i], &sl_noises[i]->entry);
        assert_non_null(sl_noises[i]->add);
    }
    assert_true(sl_n_noises == 7);
    assert_string_equal(sl_noises[0]->entry.name, "gaussian");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(add__has_the_covariance_it_should),
        cmocka_unit_test(hessian__is_finite_at_odd_points),
        cmocka_unit_test(hessian__belongs_to_its_lane),
        cmocka_unit_test(gaussian__is_the_stream_of_its_coordinates),
        cmocka_unit_test(bounded__sphere_has_its_radius_and_no_direction),
        cmocka_unit_test(bounded__cube_and_signs_keep_their_bounds),
        cmocka_unit_test(minibatch__has_the_covariance_of_its_samples),
        cmocka_unit_test(minibatch__draws_every_sample_alike),
        cmocka_unit_test(minibatch__has_the_covariance_of_registered_sums),
        cmocka_unit_test(init__refuses_what_does_not_fit),
        cmocka_unit_test(entries__are_the_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
