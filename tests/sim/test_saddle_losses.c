#include "tests/test.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_sort_vector.h>

#include "base/random.h"
#include "sim/ensemble.h"
#include "sim/landscape.h"
#include "sim/tensor.h"

enum { LANES = 8 };

static sl_loss loss_of(const char *text)
{
    sl_loss loss;
    assert_ok(sl_loss_init(&loss, text, &err));
    return loss;
}

static void eigenvalues(double *w, double *H, size_t n)
{
    gsl_matrix_view view = gsl_matrix_view_array(H, n, n);
    gsl_vector_view out = gsl_vector_view_array(w, n);
    gsl_eigen_symm_workspace *e = gsl_eigen_symm_alloc(n);
    gsl_eigen_symm(&view.matrix, &out.vector, e);
    gsl_eigen_symm_free(e);
    gsl_sort_vector(&out.vector);
}

static void normals(double *x, size_t n, uint64_t seed)
{
    const sl_draw draw = {.seed = seed, .purpose = SL_PURPOSE_TEST};
    sl_random_normals(x, n, 0, 1, &draw);
}

/* Values and gradients by NumPy: f = |UU'-M|^2/4 with its matrices, and the tensor's with full einsum contractions. */
static void value__is_numpys(void **state)
{
    (void)state;
    static const struct {
        const char *loss;
        double x[9], f, g[9];
    } cases[] = {
        {"monkey-saddle", {0.3, -0.8}, -0.149325, {-0.993, -0.312}},
        {"matrix-factorisation:r=2:spectrum=1.5,0.5,-0.2",
         {0.3, -0.7, 1.1, 0.2, -0.4, 0.9},
         1.02755,
         {0.233, 0.007, 0.986, -0.217, -0.979, 1.526}},
        {"tensor-decomposition:d=3",
         {0.2, -0.5, 0.7, 0.9, 0.1, -0.3, -0.4, 0.6, 0.8},
         1.3596,
         {0.776, -0.74, 2.044, 0.72, 0.244, -1.356, -1.36, 0.624, 1.856}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const sl_loss loss = loss_of(cases[k].loss);
        double g[SL_LOSS_MAX_DIM];
        assert_near(sl_loss_value(&loss, cases[k].x), cases[k].f, 1e-14);
        sl_loss_gradient(&loss, cases[k].x, g);
        for (size_t d = 0; d < loss.dim; d++) assert_near(g[d], cases[k].g[d], 1e-14);
    }
}

/* ---- Minima and saddles ---- */

static void monkey_saddle__has_three_ways_down(void **state)
{
    (void)state;
    const sl_loss loss = loss_of("monkey-saddle:q=1.5");
    double H[4], w[2], g[2];
    const double origin[2] = {0};
    sl_loss_hessian(&loss, origin, H);
    for (int i = 0; i < 4; i++) assert_near(H[i], 0, 0);
    for (int k = 0; k < 3; k++) { /* radius 3/q, depth 27/(4 q^3), curvatures 27/q and 9/q by hand */
        const double angle = M_PI / 3 * (2 * k + 1), x[2] = {2 * cos(angle), 2 * sin(angle)};
        assert_near(sl_loss_value(&loss, x), -2, 1e-13);
        sl_loss_gradient(&loss, x, g);
        assert_near(hypot(g[0], g[1]), 0, 1e-13);
        sl_loss_hessian(&loss, x, H);
        eigenvalues(w, H, 2);
        assert_near(w[0], 6, 1e-12);
        assert_near(w[1], 18, 1e-12);
    }
}

/* Spectrum 1.5, 0.5, -0.2 and r = 2: 0 has the eigenvalues of -M twice; U = diag(sqrt 1.5, sqrt 0.5) is a minimum with
 * one level direction (rotations of the columns), where f = 0.2^2/4; U = sqrt(0.5) e_2 is a saddle. */
static void matrix_factorisation__has_its_known_points(void **state)
{
    (void)state;
    const sl_loss loss = loss_of("matrix-factorisation:r=2:spectrum=1.5,0.5,-0.2");
    double H[36], w[6], g[6];
    const double zero[6] = {0};
    sl_loss_hessian(&loss, zero, H);
    eigenvalues(w, H, 6);
    static const double at_zero[6] = {-1.5, -1.5, -0.5, -0.5, 0.2, 0.2};
    for (int d = 0; d < 6; d++) assert_near(w[d], at_zero[d], 1e-14);

    const double a = sqrt(1.5), b = sqrt(0.5), minimum[6] = {a, 0, 0, b, 0, 0};
    assert_near(sl_loss_value(&loss, minimum), 0.01, 1e-15);
    sl_loss_gradient(&loss, minimum, g);
    for (int d = 0; d < 6; d++) assert_near(g[d], 0, 1e-15);
    sl_loss_hessian(&loss, minimum, H);
    eigenvalues(w, H, 6);
    /* third row: 1.5 + 0.2 and 0.5 + 0.2; diagonal entries: 2 lambda; U_21 and U_12 mix: 0 and lambda_1 + lambda_2 */
    static const double at_minimum[6] = {0, 0.7, 1, 1.7, 2, 3};
    for (int d = 0; d < 6; d++) assert_near(w[d], at_minimum[d], 1e-13);

    /* column 1 on e_2: e_1 is missing from both columns */
    const double saddle[6] = {0, 0, b, 0, 0, 0};
    sl_loss_gradient(&loss, saddle, g);
    for (int d = 0; d < 6; d++) assert_near(g[d], 0, 1e-15);
    sl_loss_hessian(&loss, saddle, H);
    eigenvalues(w, H, 6);
    static const double at_saddle[6] = {-1.5, -1, 0, 0.2, 0.7, 1};
    for (int d = 0; d < 6; d++) assert_near(w[d], at_saddle[d], 1e-13);
}

/* f(U Q) = f(U) for orthogonal Q. */
static void matrix_factorisation__does_not_see_rotations(void **state)
{
    (void)state;
    const sl_loss loss = loss_of("matrix-factorisation:n=5:r=2");
    double U[10], V[10];
    normals(U, 10, 3);
    const double c = cos(0.7), s = sin(0.7);
    for (int k = 0; k < 5; k++) {
        V[2 * k] = c * U[2 * k] + s * U[2 * k + 1];
        V[2 * k + 1] = s * U[2 * k] - c * U[2 * k + 1];
    }
    assert_close(sl_loss_value(&loss, V), sl_loss_value(&loss, U), 1e-14);
}

/* The largest allowed, n r = 128 with r = 8, against |UU' - M|^2/4 summed out. */
static void matrix_factorisation__works_at_128_coordinates(void **state)
{
    (void)state;
    const sl_loss loss = loss_of("matrix-factorisation:n=16:r=8");
    double U[128], f = 0, g[128];
    normals(U, 128, 4);
    assert_int_equal(loss.dim, 128);
    double R[16][16];
    for (int a = 0; a < 16; a++)
        for (int b = 0; b < 16; b++) {
            R[a][b] = a == b ? -1. / (a + 1) : 0;
            for (int c = 0; c < 8; c++) R[a][b] += U[8 * a + c] * U[8 * b + c];
            f += R[a][b] * R[a][b] / 4;
        }
    assert_close(sl_loss_value(&loss, U), f, 1e-13);
    sl_loss_gradient(&loss, U, g);
    for (int a = 0; a < 16; a++)
        for (int c = 0; c < 8; c++) {
            double expected = 0;
            for (int b = 0; b < 16; b++) expected += R[a][b] * U[8 * b + c];
            assert_near(g[8 * a + c], expected, 1e-11);
        }
}

/* Minima at +-e_0 with value 0, exactly, and a maximum at 0 where f = (1/4m) sum y^2. */
static void phase_retrieval__has_its_known_points(void **state)
{
    (void)state;
    const sl_loss loss = loss_of("phase-retrieval:n=5:m=200:seed=9");
    double H[25], w[5], g[5];
    for (int sign = -1; sign <= 1; sign += 2) {
        const double x[5] = {sign};
        assert_near(sl_loss_value(&loss, x), 0, 1e-30);
        sl_loss_gradient(&loss, x, g);
        for (int d = 0; d < 5; d++) assert_near(g[d], 0, 1e-15);
        sl_loss_hessian(&loss, x, H);
        eigenvalues(w, H, 5);
        assert_true(w[0] > 0);
    }
    const double zero[5] = {0};
    double y2 = 0;
    for (size_t j = 0; j < 200; j++) y2 += pow(loss.table[5 * j], 4);
    assert_close(sl_loss_value(&loss, zero), y2 / 800, 1e-14);
    sl_loss_hessian(&loss, zero, H);
    eigenvalues(w, H, 5);
    assert_true(w[4] < 0);
}

/* With many measurements f is its mean over normal a, 3 |x|^4/4 + 3/4 - (|x|^2 + 2 x_0^2)/2, whose saddles are the
 * sphere |x|^2 = 1/3 across e_0 and whose Hessian at 0 is -(1 + 2 e_0 e_0'). Standard errors from the terms. */
static void phase_retrieval__tends_to_its_mean(void **state)
{
    (void)state;
    enum { M = 65536, N = 3 };
    const sl_loss loss = loss_of("phase-retrieval:n=3:m=65536:seed=1");
    double H[N * N], g[N], square[N] = {0};
    const double zero[N] = {0}, saddle[N] = {0, sqrt(1. / 6), -sqrt(1. / 6)}, x[N] = {0.5, -1, 0.3};
    sl_loss_hessian(&loss, zero, H);
    /* var of a_0^4 is 96, of a_0^2 a_1^2 is 8, of a_0^3 a_1 is 15 */
    assert_near(H[0], -3, 4 * sqrt(96. / M));
    assert_near(H[4], -1, 4 * sqrt(8. / M));
    assert_near(H[8], -1, 4 * sqrt(8. / M));
    assert_near(H[1], 0, 4 * sqrt(15. / M));
    sl_loss_gradient(&loss, saddle, g);
    for (size_t j = 0; j < M; j++) {
        const double *a = loss.table + j * N, s = a[1] * saddle[1] + a[2] * saddle[2];
        for (int d = 0; d < N; d++) square[d] += pow((s * s - a[0] * a[0]) * s * a[d], 2);
    }
    for (int d = 0; d < N; d++) assert_near(g[d], 0, 4 * sqrt(square[d]) / M);
    double mean = 0, mean2 = 0;
    for (size_t j = 0; j < M; j++) {
        const double *a = loss.table + j * N, s = a[0] * x[0] + a[1] * x[1] + a[2] * x[2];
        const double term = pow(s * s - a[0] * a[0], 2) / 4;
        mean += term / M;
        mean2 += term * term / M;
    }
    assert_close(sl_loss_value(&loss, x), mean, 1e-12);
    const double r2 = 1.34;
    assert_near(mean, 0.75 * r2 * r2 + 0.75 - (r2 + 0.5) / 2, 4 * sqrt((mean2 - mean * mean) / M));
}

/* ---- Tensors ---- */

static void tensor__is_zero_at_the_components_in_any_order(void **state)
{
    (void)state;
    const sl_loss loss = loss_of("tensor-decomposition:d=4");
    static const int order[4] = {2, 0, 3, 1}, sign[4] = {1, -1, -1, 1};
    double u[16] = {0}, g[16];
    for (int i = 0; i < 4; i++) u[4 * i + order[i]] = sign[i];
    assert_near(sl_loss_value(&loss, u), 0, 0);
    assert_near(sl_tensor_error(4, u), 0, 0);
    sl_loss_gradient(&loss, u, g);
    for (int d = 0; d < 16; d++) assert_near(g[d], 0, 0);
    /* Twice the same component: sum over i != j is 2, and T lacks one e_k^4 and has another twice: error (1 + 1)/4. */
    double twice[16] = {0};
    twice[0] = twice[4] = twice[10] = twice[15] = 1;
    assert_near(sl_loss_value(&loss, twice), 2, 0);
    assert_near(sl_tensor_error(4, twice), 0.5, 1e-15);
}

/* Vectors in another order, axes in another order, signs of both: nothing changes. */
static void tensor__does_not_see_order_and_signs(void **state)
{
    (void)state;
    const sl_loss loss = loss_of("tensor-decomposition:d=4");
    static const int row[4] = {2, 0, 3, 1}, column[4] = {1, 3, 0, 2}, sign[4] = {1, -1, -1, 1};
    double u[16], v[16];
    normals(u, 16, 8);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 4; k++) v[4 * row[i] + column[k]] = sign[i] * sign[3 - k] * u[4 * i + k];
    assert_close(sl_loss_value(&loss, v), sl_loss_value(&loss, u), 1e-14);
    assert_close(sl_tensor_error(4, v), sl_tensor_error(4, u), 1e-14);
}

/* |T - sum u_i^4|^2/|T|^2 with the full tensors of 81 entries, NumPy; and over an orthonormal set the two measures
 * vanish and grow together: |T - sum u^4|^2 = 2 d - 2 sum u_ik^4 for orthonormal u. */
static void tensor_error__is_numpys(void **state)
{
    (void)state;
    static const double u[9] = {0.2, -0.5, 0.7, 0.9, 0.1, -0.3, -0.4, 0.6, 0.8};
    assert_near(sl_tensor_error(3, u), 0.9907273633333334, 1e-15);
    const double c = cos(0.3), s = sin(0.3), turned[4] = {c, s, -s, c};
    assert_near(sl_tensor_error(2, turned), (4 - 4 * (pow(c, 4) + pow(s, 4))) / 2, 1e-15);
}

/* Eigenvalues of the Hessian on the product of spheres, P (H - sum_j (u_j.g_j) 1_j) P. Minima: 4 in all d (d - 1)
 * directions. The start, all u_i equal: -8/d in (d - 1)^2 and 8 (d - 1)/d in d - 1 directions (NumPy for d = 2, 3, 4,
 * 10; d further zeros are the normals). */
static void tensor__has_the_curvatures_of_the_spheres(void **state)
{
    (void)state;
    enum { D = 4, N = 16 };
    const sl_loss loss = loss_of("tensor-decomposition:d=4");
    double minimum[N] = {0};
    for (int i = 0; i < D; i++) minimum[i * D + i] = 1;
    const double *points[2] = {minimum, loss.start};
    for (int p = 0; p < 2; p++) {
        const double *u = points[p];
        double H[N * N], A[N * N], g[N], w[N];
        sl_loss_hessian(&loss, u, H);
        sl_loss_gradient(&loss, u, g);
        for (int j = 0; j < D; j++) {
            double multiplier = 0;
            for (int k = 0; k < D; k++) multiplier += u[j * D + k] * g[j * D + k];
            for (int k = 0; k < D; k++) H[(j * D + k) * (N + 1)] -= multiplier;
        }
        for (int a = 0; a < N; a++) /* A = P H */
            for (int b = 0; b < N; b++) {
                double along = 0;
                for (int k = 0; k < D; k++) along += u[a / D * D + k] * H[(a / D * D + k) * N + b];
                A[a * N + b] = H[a * N + b] - u[a] * along;
            }
        for (int a = 0; a < N; a++) /* H = A P */
            for (int b = 0; b < N; b++) {
                double along = 0;
                for (int k = 0; k < D; k++) along += A[a * N + b / D * D + k] * u[b / D * D + k];
                H[a * N + b] = A[a * N + b] - along * u[b];
            }
        eigenvalues(w, H, N);
        for (int d = 0; d < N; d++) {
            const double expected = p == 0 ? (d < 4 ? 0 : 4) : d < 9 ? -2 : d < 13 ? 0 : 6;
            assert_near(w[d], expected, 1e-13);
        }
    }
}

static void project__keeps_unit_norms_and_directions(void **state)
{
    (void)state;
    const sl_loss loss = loss_of("tensor-decomposition:d=11");
    static _Alignas(64) double x[121 * LANES], before[121 * LANES];
    normals(x, 121 * LANES, 5);
    for (size_t k = 0; k < 11; k++) x[k * LANES + 3] = 0; /* u_0 of lane 3: stays 0 */
    memcpy(before, x, sizeof x);
    loss.kind->project(&loss, LANES, LANES, x);
    for (size_t i = 0; i < LANES; i++)
        for (size_t j = 0; j < 11; j++) {
            double length = 0, dot = 0, old = 0;
            for (size_t k = 0; k < 11; k++) {
                const size_t at = (j * 11 + k) * LANES + i;
                length += x[at] * x[at];
                dot += x[at] * before[at];
                old += before[at] * before[at];
            }
            if (i == 3 && j == 0) {
                assert_near(length, 0, 0);
                continue;
            }
            assert_near(length, 1, 1e-14);
            assert_near(dot, sqrt(old), 1e-13);
        }
}

/* ---- Samples ---- */

/* Sample 5 is y = (-1, 1, -1): the gradient by NumPy, from the full tensors Z and y (x) y (x) y (x) y. */
static void sample_gradient__is_numpys(void **state)
{
    (void)state;
    static const double u[9] = {0.2, -0.5, 0.7, 0.9, 0.1, -0.3, -0.4, 0.6, 0.8},
                        expected[9] = {-0.56, -0.858, 2.758, 2.292, 1.252, -5.116, -2.268, 0.568, 4.74};
    const sl_loss loss = loss_of("tensor-decomposition:d=3");
    _Alignas(64) double x[9 * LANES], g[9 * LANES];
    uint32_t index[LANES];
    for (size_t i = 0; i < 9 * LANES; i++) x[i] = u[i / LANES];
    for (size_t i = 0; i < LANES; i++) index[i] = 5;
    loss.kind->sample_gradient(&loss, LANES, LANES, x, index, g, NULL);
    for (size_t i = 0; i < 9 * LANES; i++) assert_near(g[i], expected[i / LANES], 1e-14);
}

/* Over all samples the mean is the gradient, at a point off the set too; lanes have different samples. */
static void sample_gradient__averages_to_the_gradient(void **state)
{
    (void)state;
    static const char *const names[] = {"phase-retrieval:n=7:m=24:seed=2", "phase-retrieval:n=1:m=40",
                                        "tensor-decomposition:d=3", "tensor-decomposition:d=10"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        const sl_loss loss = loss_of(names[k]);
        static _Alignas(64) double x[SL_LOSS_MAX_DIM * LANES], g[SL_LOSS_MAX_DIM * LANES], f[LANES];
        double point[SL_LOSS_MAX_DIM], value = 0, mean[SL_LOSS_MAX_DIM] = {0}, exact[SL_LOSS_MAX_DIM], size = 0;
        normals(point, loss.dim, 6);
        for (size_t i = 0; i < loss.dim * LANES; i++) x[i] = point[i / LANES];
        assert_int_equal(loss.samples % LANES, 0);
        for (uint32_t first = 0; first < loss.samples; first += LANES) {
            uint32_t index[LANES];
            for (uint32_t i = 0; i < LANES; i++) index[i] = first + (i * 5 + 3) % LANES;
            loss.kind->sample_gradient(&loss, LANES, LANES, x, index, g, f);
            for (size_t i = 0; i < LANES; i++) value += f[i] / (double)loss.samples;
            for (size_t i = 0; i < loss.dim * LANES; i++) mean[i / LANES] += g[i] / (double)loss.samples;
        }
        assert_near(value, sl_loss_value(&loss, point), 1e-13 * fmax(1, fabs(value)));
        sl_loss_gradient(&loss, point, exact);
        for (size_t d = 0; d < loss.dim; d++) size = fmax(size, fabs(exact[d]));
        for (size_t d = 0; d < loss.dim; d++) assert_near(mean[d], exact[d], 1e-13 * fmax(1, size) * 10);
    }
}

/* Different samples in the lanes of one call do not mix. */
static void sample_gradient__keeps_lanes_apart(void **state)
{
    (void)state;
    static const char *const names[] = {"phase-retrieval:n=4:m=100", "tensor-decomposition:d=4"};
    enum { B = 24 };
    for (size_t k = 0; k < 2; k++) {
        const sl_loss loss = loss_of(names[k]);
        _Alignas(64) double x[16 * B], g[16 * B], same[16 * B];
        uint32_t index[B], equal[B];
        normals(x, loss.dim * B, 7);
        for (uint32_t i = 0; i < B; i++) index[i] = i * 7 % 16;
        loss.kind->sample_gradient(&loss, B, B, x, index, g, NULL);
        for (uint32_t lane = 0; lane < B; lane++) {
            for (uint32_t i = 0; i < B; i++) equal[i] = index[lane];
            loss.kind->sample_gradient(&loss, B, B, x, equal, same, NULL);
            for (size_t d = 0; d < loss.dim; d++) assert_near(g[d * B + lane], same[d * B + lane], 1e-14);
        }
    }
}

/* The table is that of its parameters: one for equal ones, another for others, and a copy of the loss can read it. */
static void table__is_shared_and_a_function_of_its_parameters(void **state)
{
    (void)state;
    const sl_loss a = loss_of("phase-retrieval:n=3:m=50:seed=4"), b = loss_of("phase-retrieval:n=3:m=50:seed=4"),
                  c = loss_of("phase-retrieval:n=3:m=50:seed=5"), longer = loss_of("phase-retrieval:n=3:m=60:seed=4");
    assert_ptr_equal(a.table, b.table);
    assert_true(a.table[0] != c.table[0]);
    assert_memory_equal(a.table, longer.table, 150 * sizeof(double)); /* the same measurements, and more */
    const sl_draw draw = {.seed = 4, .step = 7, .purpose = SL_PURPOSE_SAMPLES};
    assert_near(a.table[7 * 3 + 2], sl_random_normal(2, 1, &draw), 0);
}

/* ---- In an ensemble ---- */

/* Plain SGD with little noise from the saddle at which all u_i are equal: every replica decomposes the tensor. */
static void ensemble__decomposes_a_tensor_of_100_coordinates(void **state)
{
    (void)state;
    sl_sgd sgd = {.ensemble = {.seed = 1, .replicas = 64, .steps = 200, .burn_in = 1500, .jobs = 1},
                  .noise_variance = 1e-6};
    sgd.loss = loss_of("tensor-decomposition");
    assert_int_equal(sgd.loss.dim, 100);
    assert_ok(sl_rule_init(&sgd.rule, "plain", SL_ALPHA_ON_STEP, 0.05, 0, 0, &err));
    assert_ok(sl_schedule_init(&sgd.schedule, "constant", 0.05, 1, 1700, &err));
    sl_observed o;
    assert_ok(sl_sgd_run(&o, &sgd, &err));
    assert_int_equal(o.killed, 0);
    /* A sphere holds its coordinates' squares together: every u_i has |u_i|^2 = 1 at every step. */
    for (size_t i = 0; i < 10; i++) {
        double length = 0;
        for (size_t k = 0; k < 10; k++) length += o.coordinate[10 * i + k].x2.value;
        assert_near(length, 1, 1e-12);
    }
    /* Near a minimum 90 tangent directions of curvature a = 4, each with f = (l s2/2)/(2 - a l); further corrections
     * are of the order of f itself. The start has f = d - 1 = 9. */
    assert_near(o.loss.value, 90 * 0.5 * 0.05 * 1e-6 / (2 - 4 * 0.05), 4 * o.loss.se);
    assert_true(o.loss.se < 0.01 * o.loss.value);
    sl_observed_clear(&o);
}

/* Starts are put on the set as well: a Gaussian cloud about 0 becomes uniform on the spheres, where u_ik^2 has mean 1/d
 * and variance 2 (d - 1)/(d^2 (d + 2)). */
static void ensemble__starts_on_the_spheres(void **state)
{
    (void)state;
    static const double zero[SL_LOSS_MAX_DIM];
    sl_sgd sgd = {.ensemble = {.seed = 2, .replicas = 4096, .steps = 1, .start = zero, .start_spread = 1, .jobs = 1}};
    sgd.loss = loss_of("tensor-decomposition:d=5");
    assert_ok(sl_rule_init(&sgd.rule, "plain", SL_ALPHA_ON_STEP, 0.05, 0, 0, &err));
    assert_ok(sl_schedule_init(&sgd.schedule, "constant", 1e-12, 1, 1700, &err));
    sl_observed o;
    assert_ok(sl_sgd_run(&o, &sgd, &err));
    for (size_t d = 0; d < 25; d++)
        assert_near(o.coordinate[d].x2.value, 0.2, 4 * sqrt(8. / (25 * 7) / 4096));
    sl_observed_clear(&o);
}

static void init__refuses_what_makes_no_sense(void **state)
{
    (void)state;
    sl_loss loss = {.dim = 77};
    assert_fails(sl_loss_init(&loss, "matrix-factorisation:n=2:r=3", &err), SL_E_DOMAIN, "r = 3");
    assert_fails(sl_loss_init(&loss, "matrix-factorisation:n=20:r=10", &err), SL_E_DOMAIN, "200");
    assert_fails(sl_loss_init(&loss, "matrix-factorisation:n=2:spectrum=1,2,3", &err), SL_E_DOMAIN, "3 values");
    assert_fails(sl_loss_init(&loss, "matrix-factorisation:spectrum=1,nan", &err), SL_E_DOMAIN, "nan");
    assert_fails(sl_loss_init(&loss, "phase-retrieval:m=0", &err), SL_E_DOMAIN, "m = 0");
    assert_fails(sl_loss_init(&loss, "phase-retrieval:n=5:m=4", &err), SL_E_DOMAIN, "m = 4");
    assert_fails(sl_loss_init(&loss, "phase-retrieval:n=129", &err), SL_E_DOMAIN, "129");
    assert_fails(sl_loss_init(&loss, "phase-retrieval:seed=-1", &err), SL_E_DOMAIN, "seed = -1");
    assert_fails(sl_loss_init(&loss, "tensor-decomposition:d=12", &err), SL_E_DOMAIN, "12");
    assert_fails(sl_loss_init(&loss, "tensor-decomposition:d=1", &err), SL_E_DOMAIN, "d = 1");
    assert_fails(sl_loss_init(&loss, "monkey-saddle:q=0", &err), SL_E_DOMAIN, "q = 0");
    assert_int_equal(loss.dim, 77);
    sl_observed o;
    sl_langevin l = {.ensemble = {.replicas = 1, .steps = 1}, .temperature = 1, .h = 0.1, .friction = 1};
    l.loss = loss_of("tensor-decomposition:d=3");
    assert_fails(sl_overdamped_run(&o, &l, &err), SL_E_DOMAIN, "subset");
    assert_fails(sl_underdamped_run(&o, &l, &err), SL_E_DOMAIN, "subset");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value__is_numpys),
        cmocka_unit_test(monkey_saddle__has_three_ways_down),
        cmocka_unit_test(matrix_factorisation__has_its_known_points),
        cmocka_unit_test(matrix_factorisation__does_not_see_rotations),
        cmocka_unit_test(matrix_factorisation__works_at_128_coordinates),
        cmocka_unit_test(phase_retrieval__has_its_known_points),
        cmocka_unit_test(phase_retrieval__tends_to_its_mean),
        cmocka_unit_test(tensor__is_zero_at_the_components_in_any_order),
        cmocka_unit_test(tensor__does_not_see_order_and_signs),
        cmocka_unit_test(tensor_error__is_numpys),
        cmocka_unit_test(tensor__has_the_curvatures_of_the_spheres),
        cmocka_unit_test(project__keeps_unit_norms_and_directions),
        cmocka_unit_test(sample_gradient__is_numpys),
        cmocka_unit_test(sample_gradient__averages_to_the_gradient),
        cmocka_unit_test(sample_gradient__keeps_lanes_apart),
        cmocka_unit_test(table__is_shared_and_a_function_of_its_parameters),
        cmocka_unit_test(ensemble__decomposes_a_tensor_of_100_coordinates),
        cmocka_unit_test(ensemble__starts_on_the_spheres),
        cmocka_unit_test(init__refuses_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
