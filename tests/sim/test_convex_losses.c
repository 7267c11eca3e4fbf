/* Convex problems with known minima: values, minimisers and sets against NumPy, SciPy and closed forms. */
#include "tests/test.h"

#include "base/random.h"
#include "sim/ensemble.h"
#include "sim/landscape.h"
#include "sim/operators/operator.h"

enum { LANES = 8 };

static sl_loss loss_of(const char *text)
{
    sl_loss loss;
    assert_ok(sl_loss_init(&loss, text, &err));
    return loss;
}

static void normals(double *x, size_t n, uint64_t seed)
{
    const sl_draw draw = {.seed = seed, .purpose = SL_PURPOSE_TEST};
    sl_random_normals(x, n, 0, 1, &draw);
}

/* ---- Samples of one's own ---- */

enum { M = 8, N = 2 };
static const double features[M * N] = {1, 0.5, -0.3, 1.2, 0.8, -0.7, 0.1, 0.9, 1.4, 0, -1, -0.6, 0.5, 0.5, -0.9, 0.4};
static const double labels[M] = {1, 1, -1, 1, 1, -1, -1, -1};
static const double targets[M] = {0.2, -1, 0.5, 1.5, -0.4, 0.3, 2, 0.7};

static sl_loss own(const char *text)
{
    sl_loss loss;
    assert_ok(sl_loss_from_samples(&loss, text, M, N, features, text[1] == 'e' ? targets : labels, &err));
    return loss;
}

/* Value and gradient at (0.4, -0.7) by NumPy. */
static void value__is_numpys(void **state)
{
    (void)state;
    static const struct {
        const char *loss;
        double f, g[2];
    } cases[] = {
        {"least-squares:l2=0.1", 0.77665, {0.244, -0.516}},
        {"logistic:l2=0.1", 0.8276484178340486, {-0.06932725727230958, -0.3335773698702223}},
        {"hinge:l2=0.1", 1.155, {-0.31, -0.445}},
    };
    static const double x[2] = {0.4, -0.7};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const sl_loss loss = own(cases[k].loss);
        double g[2];
        assert_near(sl_loss_value(&loss, x), cases[k].f, 1e-14);
        sl_loss_gradient(&loss, x, g);
        for (size_t d = 0; d < 2; d++) assert_near(g[d], cases[k].g[d], 1e-14);
    }
}

/* Normal equations and Newton's method in NumPy; the hinge loss by SciPy's HiGHS (a linear program) and SLSQP; on balls
 * by a search over the angle (good to the root of the rounding in x). */
static void minimiser__is_scipys(void **state)
{
    (void)state;
    static const struct {
        const char *loss;
        double f, x[2], tolerance;
    } cases[] = {
        {"least-squares", 0.4979689349112426, {0.08994082840236689, 0.26213017751479295}, 1e-14},
        {"least-squares:l2=0.1", 0.501166488222698, {0.08008565310492509, 0.21648822269807286}, 1e-14},
        {"least-squares:radius=0.3", 0.4979689349112426, {0.08994082840236689, 0.26213017751479295}, 1e-14},
        {"logistic", 0.4328306728679575, {1.2646166610231537, 2.101332277784698}, 1e-12},
        {"logistic:l2=0.1", 0.557299424376049, {0.6426763461270025, 0.8817310603676817}, 1e-13},
        {"logistic:l2=0.1:box=1", 0.557299424376049, {0.6426763461270025, 0.8817310603676817}, 1e-13},
        {"logistic:l2=0.1:radius=0.3", 0.6274505384859719, {0.1965143345620868, 0.2266762367598779}, 1e-7},
        {"hinge", 0.4365079365079365, {5. / 7, 65. / 63}, 1e-11},
        {"hinge:l2=0.1", 0.514951814058957, {5. / 7, 85. / 84}, 1e-11},
        {"hinge:l2=0.1:radius=0.3", 0.850612866034876, {0.20469547506528926, 0.2193165805127272}, 1e-7},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const sl_loss loss = own(cases[k].loss);
        const bool ball = strstr(cases[k].loss, "radius");
        assert_near(loss.least, cases[k].f, 2e-14);
        for (size_t d = 0; d < 2; d++) assert_near(loss.minimiser[d], cases[k].x[d], cases[k].tolerance);
        assert_true(sl_loss_restricted(&loss) == (ball || strstr(cases[k].loss, "box")));
    }
    const sl_loss tight = own("least-squares:radius=0.1");
    assert_near(hypot(tight.minimiser[0], tight.minimiser[1]), 0.1, 1e-16);
    double g[2]; /* the gradient points inwards along x */
    sl_loss_gradient(&tight, tight.minimiser, g);
    assert_near(g[0] * tight.minimiser[1] - g[1] * tight.minimiser[0], 0, 1e-15);
    assert_true(g[0] * tight.minimiser[0] < 0);
    assert_true(isnan(own("hinge:box=0.5").least)); /* cut off: unknown, and said so */
}

/* In two dimensions a minimum that a box cuts off lies on a side: SciPy's root of the slope along each of the four. */
static void minimiser__on_a_box_is_scipys(void **state)
{
    (void)state;
    static const struct {
        const char *loss;
        double f, x[2];
    } cases[] = {
        {"least-squares:box=0.2", 0.49887499999999996, {0.091666666666666702, 0.2}},
        {"least-squares:l2=0.1:box=0.05", 0.50953749999999998, {0.05, 0.05}},
        {"logistic:box=0.5", 0.54961996289974169, {0.5, 0.5}},
        {"logistic:box=1.5", 0.44376695693420637, {1.1769592854777517, 1.5}},
        {"logistic:l2=0.1:box=0.7", 0.56062731488513262, {0.64052101691065699, 0.7}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const sl_loss loss = own(cases[k].loss);
        assert_near(loss.least, cases[k].f, 2e-14);
        for (size_t d = 0; d < 2; d++) assert_near(loss.minimiser[d], cases[k].x[d], 1e-12);
    }
}

/* Of a convex function the conditions of Karush, Kuhn and Tucker suffice: no slope along a coordinate inside, one
 * that leads outwards where a side holds it. */
static void meets_its_conditions(const sl_loss *loss)
{
    const double box = sl_spec_get(&loss->spec, "box");
    double g[SL_LOSS_MAX_DIM];
    size_t held = 0;
    assert_true(isfinite(loss->least));
    sl_loss_gradient(loss, loss->minimiser, g);
    for (size_t d = 0; d < loss->dim; d++) {
        const double x = loss->minimiser[d];
        assert_true(fabs(x) <= box);
        if (fabs(x) == box && g[d] * x <= 0)
            held++;
        else
            assert_near(g[d], 0, 2e-9);
    }
    assert_true(held > 0);
}

/* Separable samples, a singular Hessian (fewer samples than coordinates) and features that are much alike, as walks,
 * included. */
static void minimiser__on_a_box_meets_its_conditions(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "logistic:n=12:m=200:norm=4:box=0.5",       "logistic:n=64:m=70:norm=9:box=0.8:seed=4",
        "logistic:n=12:m=200:norm=9:box=0.1:l2=1",  "least-squares:n=12:m=40:norm=3:box=0.5",
        "least-squares:n=12:m=5:norm=6:box=0.3",    "least-squares:n=100:m=400:decay=1:norm=20:box=1:noise=3",
    };
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        const sl_loss loss = loss_of(texts[k]);
        meets_its_conditions(&loss);
    }
    enum { WALKS = 400, LONG = 40 };
    static double walk[WALKS * LONG], sign[WALKS];
    normals(walk, WALKS * LONG, 5);
    normals(sign, WALKS, 6);
    for (size_t j = 0; j < WALKS; j++) {
        for (size_t d = 1; d < LONG; d++) walk[j * LONG + d] += walk[j * LONG + d - 1];
        sign[j] = sign[j] + walk[j * LONG + 20] - walk[j * LONG + 10] > 0 ? 1 : -1;
    }
    sl_loss loss;
    assert_ok(sl_loss_from_samples(&loss, "logistic:box=0.3", WALKS, LONG, walk, sign, &err));
    meets_its_conditions(&loss);
}

/* A plane separates these: log-loss falls for ever, the hinge reaches 0, and a ball holds both back. */
static void minimiser__of_separable_samples(void **state)
{
    (void)state;
    static const double a[6] = {1, 2, 0.5, -1, -2, -0.3}, y[6] = {1, 1, 1, -1, -1, -1};
    sl_loss loss;
    assert_ok(sl_loss_from_samples(&loss, "logistic", 6, 1, a, y, &err));
    assert_true(isnan(loss.least) && isnan(loss.minimiser[0]));
    assert_ok(sl_loss_from_samples(&loss, "logistic:radius=3", 6, 1, a, y, &err));
    assert_near(loss.minimiser[0], 3, 1e-15);
    assert_ok(sl_loss_from_samples(&loss, "hinge", 6, 1, a, y, &err));
    assert_near(loss.least, 0, 0);
    assert_true(loss.minimiser[0] >= 1 / 0.3);
    assert_ok(sl_loss_from_samples(&loss, "hinge:radius=2", 6, 1, a, y, &err));
    assert_near(loss.minimiser[0], 2, 1e-15);
    assert_near(loss.least, 0.4 / 6, 1e-15); /* of -0.3: 1 - 0.6 */
}

static void from_samples__refuses_what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t m, n;
        sl_status status;
        const char *message;
    } bad[] = {
        {"quadratic", M, N, SL_E_NAME, "logistic"},       {"logistic:m=8", M, N, SL_E_DOMAIN, "m is that"},
        {"logistic:seed=1", M, N, SL_E_DOMAIN, "seed"},   {"hinge:flip=0.2", M, N, SL_E_DOMAIN, "flip"},
        {"logistic:spectrum=1,1", M, N, SL_E_DOMAIN, "spectrum"},
        {"logistic", 0, N, SL_E_DOMAIN, "0 samples"},     {"logistic", M, 0, SL_E_DOMAIN, "0 features"},
        {"logistic", 1, 129, SL_E_DOMAIN, "129 features"}, {"logistic", 2, 2, SL_E_DOMAIN, "m > n"},
        {"hinge", (size_t)1 << 40, N, SL_E_DOMAIN, "samples, need"},
        {"logistic:l2=-1", M, N, SL_E_DOMAIN, "l2"},      {"hinge:radius=1:box=1", M, N, SL_E_DOMAIN, "one of them"},
        {"hinge:radius=nan", M, N, SL_E_DOMAIN, "nan"},
    };
    sl_loss loss = {.dim = 77};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        assert_fails(sl_loss_from_samples(&loss, bad[k].text, bad[k].m, bad[k].n, features, labels, &err),
                     bad[k].status, bad[k].message);
    assert_fails(sl_loss_from_samples(&loss, "logistic", M, N, features, targets, &err), SL_E_DOMAIN, "need -1 or 1");
    double wrong[M * N];
    memcpy(wrong, features, sizeof wrong);
    wrong[5] = NAN;
    assert_fails(sl_loss_from_samples(&loss, "hinge", M, N, wrong, labels, &err), SL_E_DOMAIN, "feature 1 of sample 2");
    memcpy(wrong, targets, sizeof targets);
    wrong[3] = INFINITY;
    assert_fails(sl_loss_from_samples(&loss, "least-squares", M, N, features, wrong, &err), SL_E_DOMAIN, "target 3");
    assert_int_equal(loss.dim, 77);
}

/* ---- Synthetic problems ---- */

static const char *const problems[] = {
    "absolute:s=2:at=0.3:radius=1", "absolute:at=-2", "huber:s=0.5:delta=0.2:at=0.7:dim=3",
    "huber:at=2:dim=4:radius=1", "huber:at=-2:dim=2:box=1.5", "least-squares:n=5:m=40:decay=1",
    "least-squares:n=6:m=4", "least-squares:spectrum=4,1,0.01:m=100:radius=0.5",
    "least-squares:n=128:m=300:decay=1:l2=0.01",
    "logistic:n=7:m=200:norm=2", "logistic:n=20:m=100:l2=0.01:norm=5", "logistic:n=3:m=60:radius=0.3",
    "hinge:n=6:m=150:l2=0.01", "hinge:n=4:m=100", "hinge:n=30:m=200:l2=0.1:radius=0.5", "hinge:n=3:m=50:flip=0:norm=3",
    "least-squares-online:spectrum=2,0.5,0.1:noise=0.3", "least-squares-online:n=20:decay=2:radius=0.4",
    "least-squares-online:n=4:norm=2:box=0.5",
    /* and the others of the registry whose least value is known */
    "quadratic:spectrum=1,0.1", "double-well", "tilted-double-well:tilt=-0.2", "quartic", "periodic", "strict-saddle",
    "rosenbrock:a=1.3", "bent-double-well:a=2:b=0.3", "mueller-brown", "monkey-saddle:q=1.5",
    "matrix-factorisation:r=2:spectrum=-0.2,0.5,1.5", "matrix-factorisation:n=4:r=3", "phase-retrieval:n=5:m=60",
    "tensor-decomposition:d=3",
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

/* No point of the set lies lower than the minimiser: not random ones far and near, nor those down the gradient. */
static void least__is_the_value_at_the_minimiser_and_least(void **state)
{
    (void)state;
    static _Alignas(64) double x[SL_LOSS_MAX_DIM * 64], f[64];
    for (size_t k = 0; k < PROBLEMS; k++) {
        const sl_loss loss = loss_of(problems[k]);
        if (!isfinite(loss.least)) fail_msg("%s: least = %g", problems[k], loss.least);
        const double size = fmax(1, fabs(loss.least)) * 1e-13;
        assert_near(sl_loss_value(&loss, loss.minimiser), loss.least, size);
        double g[SL_LOSS_MAX_DIM];
        sl_loss_gradient(&loss, loss.minimiser, g);
        for (int round = 0; round < 40; round++) {
            const double away = pow(10, -round / 5);
            normals(x, loss.dim * 64, 100 + (uint64_t)round);
            for (size_t i = 0; i < loss.dim * 64; i++)
                x[i] = loss.minimiser[i / 64] + away * (i % 64 < 8 ? -g[i / 64] : x[i]);
            if (loss.kind->project) loss.kind->project(&loss, 64, 64, x);
            loss.kind->value(&loss, 64, 64, x, f);
            for (size_t i = 0; i < 64; i++)
                if (!(f[i] >= loss.least - size))
                    fail_msg("%s: f = %.17g < %.17g at %g", problems[k], f[i], loss.least, away);
        }
    }
}

/* Smooth, in all of space: the gradient vanishes, to the rounding of sums of terms of order 1. */
static void minimiser__has_no_gradient(void **state)
{
    (void)state;
    for (size_t k = 0; k < PROBLEMS; k++) {
        const sl_loss loss = loss_of(problems[k]);
        if (sl_loss_restricted(&loss) || strncmp(problems[k], "hinge", 5) == 0) continue;
        double g[SL_LOSS_MAX_DIM];
        sl_loss_gradient(&loss, loss.minimiser, g);
        for (size_t d = 0; d < loss.dim; d++) assert_near(g[d], 0, 1e-12);
    }
    assert_true(isnan(loss_of("quadratic-saddle").least));
}

static const char *const smooth[] = {"huber:delta=0.8:at=0.2:dim=3:s=2", "least-squares:n=6:m=40:l2=0.3:decay=1",
                                     "least-squares:n=128:m=200", "logistic:n=7:m=50:l2=0.2:norm=3",
                                     "least-squares-online:spectrum=3,1,0.2"};

/* Steps of 1e-5, errors 1e-10 of truncation and rounding; huber has points at its edges with probability 1e-4. */
static void derivatives__are_central_differences(void **state)
{
    (void)state;
    enum { B = 24 };
    static _Alignas(64) double x[SL_LOSS_MAX_DIM * B], y[SL_LOSS_MAX_DIM * B], g[SL_LOSS_MAX_DIM * B],
        h[SL_LOSS_MAX_DIM * B], u[SL_LOSS_MAX_DIM * B], up[B], down[B], trace[B];
    const double step = 1e-5;
    for (size_t k = 0; k < sizeof smooth / sizeof *smooth; k++) {
        const sl_loss loss = loss_of(smooth[k]);
        const size_t all = loss.dim * B;
        normals(x, all, 3);
        normals(u, all, 4);
        loss.kind->gradient(&loss, B, B, x, g);
        for (size_t d = 0; d < loss.dim; d++) {
            memcpy(y, x, sizeof y);
            for (size_t i = 0; i < B; i++) y[d * B + i] += step;
            loss.kind->value(&loss, B, B, y, up);
            for (size_t i = 0; i < B; i++) y[d * B + i] -= 2 * step;
            loss.kind->value(&loss, B, B, y, down);
            for (size_t i = 0; i < B; i++) assert_near((up[i] - down[i]) / (2 * step), g[d * B + i], 1e-8);
        }
        loss.kind->hessian_vector(&loss, B, B, x, u, h);
        for (size_t i = 0; i < all; i++) y[i] = x[i] + step * u[i];
        loss.kind->gradient(&loss, B, B, y, g);
        for (size_t i = 0; i < all; i++) h[i] -= g[i] / (2 * step);
        for (size_t i = 0; i < all; i++) y[i] = x[i] - step * u[i];
        loss.kind->gradient(&loss, B, B, y, g);
        for (size_t i = 0; i < all; i++) assert_near(h[i] + g[i] / (2 * step), 0, 1e-8);
        memset(down, 0, sizeof down);
        loss.kind->laplacian(&loss, B, B, x, trace);
        for (size_t d = 0; d < loss.dim; d++) {
            for (size_t i = 0; i < all; i++) u[i] = i / B == d;
            loss.kind->hessian_vector(&loss, B, B, x, u, h);
            for (size_t i = 0; i < B; i++) down[i] += h[d * B + i];
        }
        for (size_t i = 0; i < B; i++) assert_close(trace[i], down[i], 1e-12);
    }
}

static void sample_gradient__averages_to_the_gradient(void **state)
{
    (void)state;
    static const char *const names[] = {"least-squares:n=5:m=24:l2=0.2", "logistic:n=128:m=40:l2=0.1:norm=3",
                                        "hinge:n=7:m=64"};
    static _Alignas(64) double x[SL_LOSS_MAX_DIM * LANES], g[SL_LOSS_MAX_DIM * LANES], f[LANES];
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        const sl_loss loss = loss_of(names[k]);
        double point[SL_LOSS_MAX_DIM], value = 0, mean[SL_LOSS_MAX_DIM] = {0}, exact[SL_LOSS_MAX_DIM];
        normals(point, loss.dim, 6);
        for (size_t i = 0; i < loss.dim * LANES; i++) x[i] = point[i / LANES];
        for (uint32_t first = 0; first < loss.samples; first += LANES) {
            uint32_t index[LANES];
            for (uint32_t i = 0; i < LANES; i++) index[i] = first + (i * 5 + 3) % LANES;
            loss.kind->sample_gradient(&loss, LANES, LANES, x, index, g, f);
            for (size_t i = 0; i < LANES; i++) value += f[i] / (double)loss.samples;
            for (size_t i = 0; i < loss.dim * LANES; i++) mean[i / LANES] += g[i] / (double)loss.samples;
        }
        assert_near(value, sl_loss_value(&loss, point), 1e-13 * fmax(1, fabs(value)));
        sl_loss_gradient(&loss, point, exact);
        for (size_t d = 0; d < loss.dim; d++) assert_near(mean[d], exact[d], 1e-13);
    }
}

/* Samples are those that the help tells of: moments to four deviations of their own. */
static void samples__have_their_law(void **state)
{
    (void)state;
    enum { SIZE = 20000 };
    const sl_loss squares = loss_of("least-squares:spectrum=4,0.25:m=20000:noise=0.5:norm=2");
    assert_near(hypot(squares.truth[0], squares.truth[1]), 2, 1e-15);
    double second[3] = {0}, error = 0, label = 0, flipped = 0;
    for (size_t j = 0; j < SIZE; j++) {
        const double *a = squares.table + 2 * j;
        const double r = squares.targets[j] - a[0] * squares.truth[0] - a[1] * squares.truth[1];
        for (size_t d = 0; d < 3; d++) second[d] += a[d > 0] * a[d > 1] / SIZE;
        error += r * r / SIZE;
    }
    assert_near(second[0], 4, 4 * 4 * sqrt(2. / SIZE));
    assert_near(second[1], 0, 4 * 1 * sqrt(1. / SIZE));
    assert_near(second[2], 0.25, 4 * 0.25 * sqrt(2. / SIZE));
    assert_near(error, 0.25, 4 * 0.25 * sqrt(2. / SIZE));
    const sl_loss logistic = loss_of("logistic:n=2:m=20000:norm=3"), hinge = loss_of("hinge:n=2:m=20000:flip=0.2:l2=1");
    for (size_t j = 0; j < SIZE; j++) {
        const double *a = logistic.table + 2 * j, *b = hinge.table + 2 * j;
        const double s = a[0] * logistic.truth[0] + a[1] * logistic.truth[1];
        label += (logistic.targets[j] - tanh(s / 2)) * s / SIZE; /* mean 0, given s */
        flipped += hinge.targets[j] * (b[0] * hinge.truth[0] + b[1] * hinge.truth[1]) < 0;
    }
    assert_near(label, 0, 4 * 3 / sqrt(SIZE)); /* |y - tanh| < 1 in square mean, s of variance 9 */
    assert_near(flipped / SIZE, 0.2, 4 * sqrt(0.16 / SIZE));
}

/* Much data: the minimiser tends to the truth, within four deviations of the least-squares estimate. */
static void minimiser__tends_to_the_truth(void **state)
{
    (void)state;
    const sl_loss loss = loss_of("least-squares:n=3:m=40000:noise=0.5");
    for (size_t d = 0; d < 3; d++) assert_near(loss.minimiser[d], loss.truth[d], 4 * 0.5 / sqrt(40000));
    const sl_loss online = loss_of("least-squares-online:n=3:noise=0.5");
    assert_near(online.least, 0.125, 1e-16);
    for (size_t d = 0; d < 3; d++) assert_near(online.minimiser[d], online.truth[d], 0);
}

static void table__is_shared_and_a_function_of_its_parameters(void **state)
{
    (void)state;
    const sl_loss a = loss_of("logistic:n=3:m=50:seed=4"), b = loss_of("logistic:m=50:seed=4:n=3"),
                  c = loss_of("logistic:n=3:m=50:seed=5"), other = loss_of("hinge:n=3:m=50:seed=4");
    assert_ptr_equal(a.table, b.table);
    assert_memory_equal(a.minimiser, b.minimiser, 3 * sizeof(double));
    assert_true(a.table[0] != c.table[0]);
    assert_ptr_not_equal(a.table, other.table);
    assert_memory_equal(a.table, other.table, 150 * sizeof(double)); /* the same features, other labels */
}

/* ---- Edges and sets ---- */

static void absolute__has_its_slope_and_interval(void **state)
{
    (void)state;
    const sl_loss loss = loss_of("absolute:s=3:at=0.5:radius=2");
    _Alignas(64) double x[LANES] = {-5, -2, -1, 0.5, 0.75, 2, 7, -0.5}, f[LANES], g[LANES];
    static const double on[LANES] = {-2, -2, -1, 0.5, 0.75, 2, 2, -0.5},
                        value[LANES] = {7.5, 7.5, 4.5, 0, 0.75, 4.5, 4.5, 3},
                        slope[LANES] = {-3, -3, -3, 0, 3, 3, 3, -3};
    loss.kind->project(&loss, LANES, LANES, x);
    loss.kind->value(&loss, LANES, LANES, x, f);
    loss.kind->gradient(&loss, LANES, LANES, x, g);
    for (size_t i = 0; i < LANES; i++) {
        assert_near(x[i], on[i], 0);
        assert_near(f[i], value[i], 0);
        assert_near(g[i], slope[i], 0);
    }
    assert_near(loss.start[0], -2, 0); /* the far end */
    assert_near(loss.minimiser[0], 0.5, 0);
    assert_near(loss_of("absolute:s=3:at=5:radius=2").least, 9, 0);
    assert_false(sl_loss_restricted(&(sl_loss){.kind = loss.kind, .everywhere = true}));
}

static void project__is_the_nearest_point(void **state)
{
    (void)state;
    const sl_loss ball = loss_of("least-squares:n=3:radius=2"), box = loss_of("least-squares:n=3:box=0.5"),
                  all = loss_of("least-squares:n=3");
    _Alignas(64) double x[3 * LANES], y[3 * LANES];
    normals(x, 3 * LANES, 9);
    for (size_t i = 0; i < 3 * LANES; i++) x[i] *= i % LANES < 4 ? 5 : 0.3;
    memcpy(y, x, sizeof x);
    all.kind->project(&all, LANES, LANES, y);
    assert_memory_equal(x, y, sizeof x);
    ball.kind->project(&ball, LANES, LANES, y);
    for (size_t i = 0; i < LANES; i++) {
        double length = 0;
        for (size_t d = 0; d < 3; d++) length += x[d * LANES + i] * x[d * LANES + i];
        length = sqrt(length);
        for (size_t d = 0; d < 3; d++) assert_close(y[d * LANES + i], x[d * LANES + i] * fmin(1, 2 / length), 1e-15);
    }
    memcpy(y, x, sizeof x);
    box.kind->project(&box, LANES, LANES, y);
    for (size_t i = 0; i < 3 * LANES; i++) assert_near(y[i], fmax(-0.5, fmin(x[i], 0.5)), 0);
}

/* ---- In an ensemble ---- */

static void run(sl_observed *o, sl_sgd *sgd, const char *loss, const char *noise, double s2, double rate)
{
    sgd->loss = loss_of(loss);
    sgd->noise_variance = s2;
    const uint64_t steps = sgd->ensemble.steps + sgd->ensemble.burn_in;
    assert_ok(sl_noise_init(&sgd->noise, noise, &sgd->loss, &err));
    assert_ok(sl_rule_init(&sgd->rule, "plain", SL_ALPHA_ON_STEP, rate, 0, 0, &err));
    assert_ok(sl_schedule_init(&sgd->schedule, "constant", rate, 1, steps, &err));
    assert_ok(sl_sgd_run(o, sgd, &err));
}

/* Online least squares at a constant rate l: with u = x - truth and S = E u_d^2 alike in all n coordinates of curvature
 * 1, S' = S (1 - 2 l + l^2 (n + 2)) + l^2 sigma^2 (fourth moments of the normal), so S = l sigma^2/(2 - l (n + 2)); and
 * f - f* = n S/2. */
static void ensemble__online_least_squares_has_its_stationary_excess(void **state)
{
    (void)state;
    sl_sgd sgd = {.ensemble = {.seed = 3, .replicas = 1024, .steps = 2000, .burn_in = 400, .jobs = 1}};
    sl_observed o;
    run(&o, &sgd, "least-squares-online:n=4:noise=0.7", "online", 1, 0.1);
    const double S = 0.1 * 0.49 / (2 - 0.1 * 6);
    assert_near(o.loss.value - sgd.loss.least, 4 * S / 2, 4 * o.loss.se);
    assert_true(o.loss.se < 0.005 * 2 * S);
    sl_observed_clear(&o);
    run(&o, &sgd, "least-squares-online:n=4:noise=0.7", "online:size=3", 1, 0.1);
    /* the mean of 3: covariance (S (n + 1) + sigma^2)/3 per coordinate */
    const double T = 0.1 * 0.49 / 3 / (2 - 0.1 - 0.1 * 5 / 3);
    assert_near(o.loss.value - sgd.loss.least, 4 * T / 2, 4 * o.loss.se);
    sl_observed_clear(&o);
}

/* s |x| with normal noise: far from the minimum nothing but drift, -l s a step; and nothing leaves the interval. */
static void ensemble__absolute_drifts_and_stays(void **state)
{
    (void)state;
    sl_sgd sgd = {.ensemble = {.seed = 4, .replicas = 4096, .steps = 1, .burn_in = 99, .sample_every = 1, .jobs = 1}};
    sl_observed o;
    run(&o, &sgd, "absolute:s=2:radius=100", "gaussian", 1, 0.1);
    assert_near(o.coordinate[0].x.value, 100 - 100 * 0.2, 0.2); /* the wall reflects the first steps: + 0.1 at most */
    sl_observed_clear(&o);
    run(&o, &sgd, "absolute:s=0.1:radius=0.5", "gaussian", 1, 10);
    assert_true(o.coordinate[0].x2.value <= 0.25);
    assert_true(o.coordinate[0].x2.value > 0.2); /* steps of 10 throw it from wall to wall */
    sl_observed_clear(&o);
}

/* ---- What is refused ---- */

static void init__refuses_what_makes_no_sense(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        sl_status status;
        const char *message;
    } bad[] = {
        {"absolute:s=0", SL_E_DOMAIN, "s = 0"},
        {"absolute:radius=-1", SL_E_DOMAIN, "radius = -1"},
        {"absolute:box=1", SL_E_NAME, "box"},
        {"huber:delta=0", SL_E_DOMAIN, "delta = 0"},
        {"huber:dim=129", SL_E_DOMAIN, "129"},
        {"huber:radius=1:box=2", SL_E_DOMAIN, "radius = 1 and box = 2"},
        {"least-squares:n=3:spectrum=1,2", SL_E_DOMAIN, "n = 3"},
        {"least-squares:spectrum=1,2:decay=1", SL_E_DOMAIN, "decay = 1"},
        {"least-squares:spectrum=1,0", SL_E_DOMAIN, "spectrum"},
        {"least-squares:m=0", SL_E_DOMAIN, "m = 0"},
        {"logistic:n=5:m=5", SL_E_DOMAIN, "m = 5"},
        {"hinge:n=5:m=2", SL_E_DOMAIN, "l2 > 0"},
        {"hinge:flip=0.6", SL_E_DOMAIN, "flip"},
        {"logistic:m=100000", SL_E_DOMAIN, "m = 100000"},
        {"least-squares-online:m=10", SL_E_NAME, "parameter"},
    };
    sl_loss loss = {.dim = 77};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        assert_fails(sl_loss_init(&loss, bad[k].text, &err), bad[k].status, bad[k].message);
    assert_int_equal(loss.dim, 77);
    sl_observed o;
    sl_langevin l = {.ensemble = {.replicas = 1, .steps = 1}, .temperature = 1, .h = 0.1, .friction = 1};
    l.loss = loss_of("huber:radius=1");
    assert_fails(sl_overdamped_run(&o, &l, &err), SL_E_DOMAIN, "subset");
    l.loss = loss_of("huber"); /* all of space */
    assert_ok(sl_overdamped_run(&o, &l, &err));
    sl_observed_clear(&o);
    sl_answer a;
    const sl_operator op = {.kind = &sl_fokker_planck, .loss = loss_of("absolute:radius=1"), .temperature = 0.1};
    assert_fails(sl_operator_solve(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY}, &err), SL_E_CONFIG, "edges");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value__is_numpys),
        cmocka_unit_test(minimiser__is_scipys),
        cmocka_unit_test(minimiser__on_a_box_is_scipys),
        cmocka_unit_test(minimiser__on_a_box_meets_its_conditions),
        cmocka_unit_test(minimiser__of_separable_samples),
        cmocka_unit_test(from_samples__refuses_what_does_not_fit),
        cmocka_unit_test(least__is_the_value_at_the_minimiser_and_least),
        cmocka_unit_test(minimiser__has_no_gradient),
        cmocka_unit_test(derivatives__are_central_differences),
        cmocka_unit_test(sample_gradient__averages_to_the_gradient),
        cmocka_unit_test(samples__have_their_law),
        cmocka_unit_test(minimiser__tends_to_the_truth),
        cmocka_unit_test(table__is_shared_and_a_function_of_its_parameters),
        cmocka_unit_test(absolute__has_its_slope_and_interval),
        cmocka_unit_test(project__is_the_nearest_point),
        cmocka_unit_test(ensemble__online_least_squares_has_its_stationary_excess),
        cmocka_unit_test(ensemble__absolute_drifts_and_stays),
        cmocka_unit_test(init__refuses_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
