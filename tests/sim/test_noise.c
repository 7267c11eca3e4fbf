/* Models of gradient noise: moments, laws and bounds against closed forms. Fixed seeds; limits of 4 standard errors,
 * chosen beforehand: some 400 comparisons of false alarm 6e-5 each, 2.5 % for one unlucky choice of the seeds. */
#include "tests/test.h"

#include "base/stats.h"
#include "base/tails.h"
#include "sim/block.h"
#include "sim/noise_kernel.h"

static const double Z = 4;

/* ---- a finite sum: least squares (a_k . x - b_k)^2 / 2 over SAMPLES rows (a_k0, a_k1, b_k) ---- */

enum { SAMPLES = 7 };
static const double rows[SAMPLES][3] = {{1, 0.5, 0.2},  {-0.3, 1.2, -1},  {0.8, -0.7, 0.5}, {0.1, 0.9, 1.5},
                                        {1.4, 0, -0.4}, {-1, -0.6, 0.3}, {0.5, 0.5, 2}};

static double residual(size_t k, double x, double y)
{
    return rows[k][0] * x + rows[k][1] * y - rows[k][2];
}

static sl_status squares_init(sl_loss *loss, sl_err *e)
{
    (void)e;
    loss->dim = 2;
    loss->samples = SAMPLES;
    return SL_OK;
}

static void squares_value(const sl_loss *loss, size_t B, size_t stride, const double *x, double *f)
{
    (void)loss;
    for (size_t i = 0; i < B; i++) {
        f[i] = 0;
        for (size_t k = 0; k < SAMPLES; k++) f[i] += pow(residual(k, x[i], x[stride + i]), 2) / (2 * SAMPLES);
    }
}

static void squares_gradient(const sl_loss *loss, size_t B, size_t stride, const double *x, double *g)
{
    (void)loss;
    for (size_t i = 0; i < B; i++) {
        g[i] = g[stride + i] = 0;
        for (size_t k = 0; k < SAMPLES; k++) {
            const double r = residual(k, x[i], x[stride + i]) / SAMPLES;
            g[i] += r * rows[k][0], g[stride + i] += r * rows[k][1];
        }
    }
}

static void squares_sample(const sl_loss *loss, size_t B, size_t stride, const double *x, const uint32_t *index,
                           double *g)
{
    (void)loss;
    for (size_t i = 0; i < B; i++) {
        assert_true(index[i] < SAMPLES);
        const double r = residual(index[i], x[i], x[stride + i]);
        g[i] = r * rows[index[i]][0], g[stride + i] = r * rows[index[i]][1];
    }
}

static const sl_loss_kind squares = {
    .entry = {.name = "squares", .help = "least squares of the tests", .source = ""},
    .init = squares_init,
    .value = squares_value,
    .gradient = squares_gradient,
    .sample_gradient = squares_sample,
};

/* ---- samples of a model at one point ---- */

enum { B = 1024, STEPS = 200, N = B * STEPS, MOST_DIM = 5 };
static double sample[MOST_DIM][N];

static void make_loss(sl_loss *loss, const char *text)
{
    if (strcmp(text, "squares") == 0)
        assert_ok(sl_loss_init_kind(loss, &squares, &err));
    else
        assert_ok(sl_loss_init(loss, text, &err));
}

/* sample[d] = what the model adds to grad f(x). */
static void fill(const sl_noise *noise, const sl_loss *loss, double s2, const double *x)
{
    static _Alignas(64) double memory[4][MOST_DIM * B], scratch[B];
    sl_block b = {.B = B, .n = B, .x = memory[0], .v = memory[1], .g = memory[2], .kept = memory[3], .noise = scratch};
    const sl_ensemble e = {.seed = 20, .experiment = 3};
    double g0[MOST_DIM];
    sl_loss_gradient(loss, x, g0);
    for (size_t d = 0; d < loss->dim; d++)
        for (size_t i = 0; i < B; i++) b.x[d * B + i] = x[d];
    for (uint64_t k = 0; k < STEPS; k++) {
        for (size_t d = 0; d < loss->dim; d++)
            for (size_t i = 0; i < B; i++) b.g[d * B + i] = g0[d];
        sl_noise_source source = {.block = &b, .ensemble = &e, .step = k};
        noise->kind->add(noise, loss, s2, &source, b.g);
        for (size_t d = 0; d < loss->dim; d++)
            for (size_t i = 0; i < B; i++) sample[d][k * B + i] = b.g[d * B + i] - g0[d];
    }
}

static void make(sl_noise *noise, sl_loss *loss, const char *model, const char *text)
{
    make_loss(loss, text);
    assert_ok(sl_noise_init(noise, model, loss, &err));
}

static void draw(sl_noise *noise, sl_loss *loss, const char *model, const char *text, double s2, const double *x)
{
    make(noise, loss, model, text);
    fill(noise, loss, s2, x);
}

static void assert_within(sl_estimate e, double expected, const char *what, const char *where)
{
    if (!(fabs(e.value - expected) <= Z * e.se + 1e-13 * fabs(expected)))
        fail_msg("%s, %s: %.9g +- %.2g, expected %.9g (z = %.2f)", where, what, e.value, e.se, expected,
                 (e.value - expected) / e.se);
}

/* The mean of c(n) over the sample. */
static sl_estimate mean_of(double (*c)(const double n[MOST_DIM], const void *ctx), const void *ctx)
{
    sl_welford w = {0};
    for (size_t i = 0; i < N; i++) {
        const double n[MOST_DIM] = {sample[0][i], sample[1][i], sample[2][i], sample[3][i], sample[4][i]};
        sl_welford_add(&w, c(n, ctx));
    }
    return sl_welford_mean(&w);
}

static double component(const double *n, const void *ctx)
{
    return n[*(const size_t *)ctx];
}

static double product(const double *n, const void *ctx)
{
    const size_t *pair = ctx;
    return n[pair[0]] * n[pair[1]];
}

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

/* ---- stable ---- */

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

/* P(X > x) by scipy.stats.levy_stable.sf (SciPy 1.10, beta = 0, scale 1; at alpha = 1 from 1/2 - atan(x)/pi) against the
 * fraction of the sample and its binomial error. */
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

/* ---- minibatch ---- */

static const double at_x[2] = {0.4, -0.9};

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
        double s2, factor;
    } cases[] = {{"minibatch", 1, 1}, {"minibatch:size=3", 1, 1. / 3}, {"minibatch:size=10", 1, 0.1},
                 {"minibatch:size=2", 0.25, 0.125}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        sl_loss loss;
        sl_noise noise;
        draw(&noise, &loss, cases[c].model, "squares", cases[c].s2, at_x);
        assert_true(noise.depends_on_x && noise.not_normal && !noise.infinite_variance);
        assert_ok(sl_noise_covariance(covariance, &noise, &loss, cases[c].s2, at_x, &err));
        for (size_t d = 0; d < 2; d++) {
            assert_within(mean_of(component, &d), 0, "mean", cases[c].model);
            for (size_t e = 0; e < 2; e++) {
                const double expected = cases[c].factor * C[2 * d + e];
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

/* ---- in ensembles ---- */

static void set_up(sl_sgd *s, const char *model, const char *loss, double l, double s2)
{
    *s = (sl_sgd){.noise_variance = s2, .ensemble = {.seed = 5, .replicas = 1024, .steps = 2000, .burn_in = 400}};
    make(&s->noise, &s->loss, model, loss);
    assert_ok(sl_rule_init(&s->rule, "plain", SL_ALPHA_ON_STEP, l, 0, 0, &err));
    assert_ok(sl_schedule_init(&s->schedule, "constant", l, 1, 2400, &err));
}

/* x' = (1 - l a) x - l n: <x_d^2> = l s_d / (a_d (2 - l a_d)) for any noise of variance s_d, whatever its law. */
static void run__quadratic_has_its_stationary_variance(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        double s[2];
    } cases[] = {{"gaussian", {2, 2}},
                 {"anisotropic:spectrum=0.5,3", {1, 6}},
                 {"anisotropic:spectrum=4,1:angle=30", {6.5, 3.5}},
                 {"bounded:law=sphere", {2, 2}},
                 {"bounded:law=cube", {2, 2}},
                 {"bounded:law=signs", {2, 2}},
                 {"stable:alpha=2", {2, 2}},
                 {"hessian:h0=2", {1, 3}},
                 {"hessian:power=2", {2, 18}}};
    const double l = 0.1, a[2] = {1, 3};
    for (size_t m = 0; m < sizeof cases / sizeof *cases; m++) {
        sl_sgd s;
        sl_observed o;
        set_up(&s, cases[m].model, "quadratic:spectrum=1,3", l, 2);
        assert_false(s.noise.depends_on_x);
        assert_ok(sl_sgd_run(&o, &s, &err));
        for (size_t d = 0; d < 2; d++) {
            const double x2 = l * cases[m].s[d] / (a[d] * (2 - l * a[d]));
            assert_within(o.coordinate[d].x2, x2, "x2", cases[m].model);
            assert_true(o.coordinate[d].x2.se < 0.01 * x2);
        }
        sl_observed_clear(&o);
    }
}

/* Heavy tails have a stationary law, too, if no variance: at alpha = 1 it is Cauchy's of scale l s / (1 - (1 - l a)) =
 * s / a, s = sqrt(s2/2), half of which lies within +- s/a and 3/4 within tan(3 pi/8) of that. */
static void run__cauchy_noise_has_its_stationary_law(void **state)
{
    (void)state;
    const double s2 = 0.5, scale = sqrt(s2 / 2) / 2, wide[] = {1, tan(3 * M_PI / 8)}, mass[] = {0.5, 0.75};
    for (size_t c = 0; c < 2; c++) {
        sl_sgd s;
        sl_observed o;
        set_up(&s, "stable:alpha=1", "quadratic:a=2", 0.1, s2);
        const double half = scale * wide[c];
        s.ensemble.histogram = (sl_histogram_spec){-half, half, 1};
        assert_ok(sl_sgd_run(&o, &s, &err));
        assert_within(sl_scaled(2 * half, o.density[0]), mass[c], "mass", "Cauchy");
        assert_true(o.density[0].se * 2 * half < 0.005);
        sl_observed_clear(&o);
    }
}

/* Least squares by batches of one: with y = x - x*, r = residual at the minimum x*, y' = (1 - l a a') y - l r a. E y = 0
 * is stationary, and M = E y y' is the fixed point of M' = E (1 - l a a') M (1 - l a a') + l^2 E r^2 a a', the cross
 * terms being linear in E y; expectations by going through all samples. */
static void run__minibatches_have_their_stationary_covariance(void **state)
{
    (void)state;
    const double l = 0.2;
    double H[2][2] = {{0}}, b[2] = {0}, M[2][2] = {{0}};
    for (size_t k = 0; k < SAMPLES; k++)
        for (size_t d = 0; d < 2; d++) {
            b[d] += rows[k][d] * rows[k][2] / SAMPLES;
            for (size_t e = 0; e < 2; e++) H[d][e] += rows[k][d] * rows[k][e] / SAMPLES;
        }
    const double det = H[0][0] * H[1][1] - H[0][1] * H[1][0];
    const double star[2] = {(H[1][1] * b[0] - H[0][1] * b[1]) / det, (H[0][0] * b[1] - H[1][0] * b[0]) / det};
    for (int iteration = 0; iteration < 2000; iteration++) {
        double next[2][2] = {{0}};
        for (size_t k = 0; k < SAMPLES; k++) {
            const double *a = rows[k], r = residual(k, star[0], star[1]);
            const double P[2][2] = {{1 - l * a[0] * a[0], -l * a[0] * a[1]}, {-l * a[1] * a[0], 1 - l * a[1] * a[1]}};
            for (size_t d = 0; d < 2; d++)
                for (size_t e = 0; e < 2; e++) {
                    for (size_t i = 0; i < 2; i++)
                        for (size_t j = 0; j < 2; j++) next[d][e] += P[d][i] * M[i][j] * P[e][j] / SAMPLES;
                    next[d][e] += l * l * r * r * a[d] * a[e] / SAMPLES;
                }
        }
        memcpy(M, next, sizeof M);
    }
    sl_sgd s;
    sl_observed o;
    set_up(&s, "minibatch", "squares", l, 1);
    assert_ok(sl_sgd_run(&o, &s, &err));
    for (size_t d = 0; d < 2; d++) {
        assert_within(o.coordinate[d].x, star[d], "x", "minibatch");
        assert_within(o.coordinate[d].x2, star[d] * star[d] + M[d][d], "x2", "minibatch");
        assert_true(M[d][d] > 20 * Z * o.coordinate[d].x2.se); /* the noise is seen */
    }
    sl_observed_clear(&o);
}

static void run__depends_on_neither_threads_nor_what_was_there(void **state)
{
    (void)state;
    static const char *const models[] = {"gaussian", "anisotropic:spectrum=4,1:angle=30", "hessian",
                                         "hessian:power=2", "stable:alpha=1.5", "stable:alpha=1.2:law=isotropic",
                                         "bounded", "bounded:law=cube", "bounded:law=signs"};
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        sl_observed o[2];
        for (int jobs = 1; jobs <= 2; jobs++) {
            sl_sgd s;
            set_up(&s, models[m], "strict-saddle", 0.05, 0.1);
            s.ensemble.replicas = 700, s.ensemble.steps = 200, s.ensemble.burn_in = 10;
            s.ensemble.jobs = jobs;
            s.ensemble.kill_radius = 10;
            assert_true(sl_sgd_run(&o[jobs - 1], &s, NULL) >= 0);
        }
        assert_memory_equal(o[0].coordinate, o[1].coordinate, 2 * sizeof *o[0].coordinate);
        sl_observed_clear(&o[0]);
        sl_observed_clear(&o[1]);
    }
    sl_observed named, zeroed;
    sl_sgd s;
    set_up(&s, "gaussian", "double-well", 0.1, 1);
    s.ensemble.steps = 100;
    assert_ok(sl_sgd_run(&named, &s, &err));
    s.noise = (sl_noise){0};
    assert_ok(sl_sgd_run(&zeroed, &s, &err));
    assert_memory_equal(named.coordinate, zeroed.coordinate, sizeof *named.coordinate);
    double covariance;
    assert_ok(sl_noise_covariance(&covariance, &s.noise, &s.loss, 0.3, s.loss.start, &err));
    assert_near(covariance, 0.3, 0);
    sl_observed_clear(&named);
    sl_observed_clear(&zeroed);
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
    assert_true(sl_n_noises == 6);
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
        cmocka_unit_test(stable__has_its_characteristic_function),
        cmocka_unit_test(stable__has_the_tails_of_scipy),
        cmocka_unit_test(stable__tail_index),
        cmocka_unit_test(stable__ends_where_uniforms_end),
        cmocka_unit_test(minibatch__has_the_covariance_of_its_samples),
        cmocka_unit_test(minibatch__draws_every_sample_alike),
        cmocka_unit_test(run__quadratic_has_its_stationary_variance),
        cmocka_unit_test(run__cauchy_noise_has_its_stationary_law),
        cmocka_unit_test(run__minibatches_have_their_stationary_covariance),
        cmocka_unit_test(run__depends_on_neither_threads_nor_what_was_there),
        cmocka_unit_test(init__refuses_what_does_not_fit),
        cmocka_unit_test(entries__are_the_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
