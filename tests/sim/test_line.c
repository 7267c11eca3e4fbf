/* Properties of the chain behind Fokker-Planck on a line, on random losses, and its tasks against dense linear algebra
 * on the same chain. */
#include "tests/test.h"

#include <cblas.h>
#include <lapacke.h>

#include "sim/operators/fokker_planck/line.h"

enum { LOSSES = 24, CELLS = 128, NODES = CELLS + 1 };

/* data[k]: of x^k, k <= 6; or of cos x, sin x, ..., cos 3x, sin 3x. */
static void polynomial_value(const sl_loss *loss, size_t B, size_t stride, const double *x, double *f)
{
    (void)stride;
    for (size_t i = 0; i < B; i++) {
        f[i] = 0;
        for (int k = 6; k >= 0; k--) f[i] = f[i] * x[i] + loss->data[k];
    }
}
static void polynomial_gradient(const sl_loss *loss, size_t B, size_t stride, const double *x, double *g)
{
    (void)stride;
    for (size_t i = 0; i < B; i++) {
        g[i] = 0;
        for (int k = 6; k >= 1; k--) g[i] = g[i] * x[i] + k * loss->data[k];
    }
}
static void fourier_value(const sl_loss *loss, size_t B, size_t stride, const double *x, double *f)
{
    (void)stride;
    for (size_t i = 0; i < B; i++) {
        f[i] = 0;
        for (int k = 1; k <= 3; k++) f[i] += loss->data[2 * k] * cos(k * x[i]) + loss->data[2 * k + 1] * sin(k * x[i]);
    }
}
static void fourier_gradient(const sl_loss *loss, size_t B, size_t stride, const double *x, double *g)
{
    (void)stride;
    for (size_t i = 0; i < B; i++) {
        g[i] = 0;
        for (int k = 1; k <= 3; k++)
            g[i] += k * (loss->data[2 * k + 1] * cos(k * x[i]) - loss->data[2 * k] * sin(k * x[i]));
    }
}
static const sl_loss_kind polynomial = {.entry = {.name = "random-polynomial"},
                                        .value = polynomial_value,
                                        .gradient = polynomial_gradient,
                                        .confining = true};
static const sl_loss_kind fourier = {.entry = {.name = "random-fourier"},
                                     .value = fourier_value,
                                     .gradient = fourier_gradient,
                                     .confining = true,
                                     .period = 2 * M_PI};

static double uniform(uint64_t *state) /* in [-1, 1); splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-52 - 1;
}

static double trembling_D(double x)
{
    return 0.4 + 0.15 * x / (1 + x * x);
}
static void field_D(void *ctx, const sl_loss *loss, const double *x, double *D)
{
    (void)ctx, (void)loss;
    *D = trembling_D(*x);
}

/* Loss k: every second one on a ring, every fourth with a diffusion of its own, every third of the lines absorbing. */
static sl_operator random_operator(int k, const sl_question *q)
{
    uint64_t seed = 1000 + (uint64_t)k;
    const bool ring = k % 2;
    sl_operator op = {
        .kind = &sl_fokker_planck, .temperature = 0.5 + 0.1 * uniform(&seed), .grid = CELLS, .tolerance = 0.9};
    assert_ok(sl_loss_init_kind(&op.loss, ring ? &fourier : &polynomial, &err));
    for (int i = 0; i < 8; i++) op.loss.data[i] = 0.4 * uniform(&seed);
    if (!ring) op.loss.data[6] = 0.25;
    if (k % 4 == 2) op.diffusion = field_D;
    double outside = 0;
    if (!ring && k % 3 == 1) {
        op.edge = SL_EDGE_ABSORBING;
        op.lo[0] = -1.2;
        op.hi[0] = 1.4;
    }
    assert_ok(sl_line_domain(&op, q, &outside, &err));
    return op;
}

/* The generator on functions, row-major [n][n]. */
static void dense(double *G, const sl_cells *l)
{
    memset(G, 0, l->n * l->n * sizeof *G);
    for (size_t i = 0; i < l->n; i++) {
        const size_t right = i + 1 < l->n ? i + 1 : 0, left = i > 0 ? i - 1 : l->n - 1;
        G[i * l->n + right] += l->a[i];
        G[i * l->n + left] += l->b[i];
        G[i * l->n + i] -= l->a[i] + l->b[i];
    }
}

static void chain__is_in_detailed_balance(void **state)
{
    (void)state;
    const sl_question q = {.task = SL_TASK_STATIONARY};
    for (int k = 0; k < LOSSES; k++) {
        const sl_operator op = random_operator(k, &q);
        sl_cells l;
        assert_ok(sl_line_build(&l, &op, &q, CELLS, &err));
        assert_int_equal(l.n, l.ring ? CELLS : NODES);
        assert_int_equal(l.ring, k % 2);
        double phi = 0;
        for (size_t e = 0; e < l.edges; e++) {
            const size_t next = e + 1 < l.n ? e + 1 : 0;
            assert_close(l.m[e] * l.a[e], l.m[next] * l.b[next], 1e-12);
            /* pi is exp(-Phi)/D, by the step of Phi in 8 small steps of Simpson's rule */
            const double h = (l.x[e + 1] - l.x[e]) / 16;
            double step = 0;
            for (int s = 0; s <= 16; s++) {
                const double x = l.x[e] + s * h;
                double g = 0;
                sl_loss_gradient(&op.loss, &x, &g);
                step += h / 3 *
                        (s == 0 || s == 16 ? 1
                         : s % 2           ? 4
                                           : 2) *
                        g / (op.diffusion ? trembling_D(x) : op.temperature);
            }
            phi += step;
            if (l.ring && e + 1 == l.edges) continue;
            const double D0 = sl_line_diffusion(&op, l.x[0]), D = sl_line_diffusion(&op, l.x[e + 1]);
            assert_near(l.log_m[e + 1] - log(l.w[e + 1]) - l.log_m[0] + log(l.w[0]), -phi - log(D / D0), 1e-4);
        }
        sl_line_clear(&l);
    }
}

/* E := exp(tG) from non-negative terms only: exp(-d) exp(G + d) by its series for a step t/2^s, then squared s times.
 */
static void exponential(double *E, const double *G, size_t n, double t)
{
    static double A[NODES * NODES], B[NODES * NODES];
    double rate = 0;
    int squarings = 0;
    for (size_t i = 0; i < n; i++) rate = fmax(rate, -G[i * n + i]);
    while (rate * t > 0.5) {
        t /= 2;
        squarings++;
    }
    for (size_t i = 0; i < n * n; i++) A[i] = t * G[i];
    for (size_t i = 0; i < n; i++) A[i * n + i] += rate * t;
    for (size_t i = 0; i < n * n; i++) E[i] = i % (n + 1) == 0;
    for (int k = 18; k > 0; k--) { /* Horner: E = 1 + A/1 (1 + A/2 (...)) */
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)n, (int)n, 1.0 / k, A, (int)n, E, (int)n, 0,
                    B, (int)n);
        for (size_t i = 0; i < n * n; i++) E[i] = B[i] + (i % (n + 1) == 0);
    }
    for (size_t i = 0; i < n * n; i++) E[i] *= exp(-rate * t);
    for (int k = 0; k < squarings; k++) {
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)n, (int)n, 1, E, (int)n, E, (int)n, 0, B,
                    (int)n);
        memcpy(E, B, n * n * sizeof *E);
    }
}

static void evolve__against_the_matrix_exponential(void **state)
{
    (void)state;
    for (int k = 0; k < LOSSES / 2; k++) {
        const sl_question q = {
            .task = SL_TASK_EVOLVE, .from = {0.1}, .spread = k % 5 ? 0.3 : 0, .times = {0.02, 0.4, 5}, .n_times = 3};
        const sl_operator op = random_operator(k, &q);
        sl_cells l;
        assert_ok(sl_line_build(&l, &op, &q, CELLS, &err));
        const size_t n = l.n, dead = l.absorbing ? 1 : 0;
        static double G[NODES * NODES], E[NODES * NODES];
        dense(G, &l);
        double start[NODES] = {0}, total = 0;
        for (size_t i = 0; i < n; i++) {
            const double d = (l.x[i] - 0.1) / 0.3;
            start[i] = q.spread > 0 ? l.w[i] * exp(-d * d / 2) : i == l.from;
            if (l.ring && q.spread > 0) /* the nearest images; the next are e^-190 */
                start[i] += l.w[i] * (exp(-pow(d - 2 * M_PI / 0.3, 2) / 2) + exp(-pow(d + 2 * M_PI / 0.3, 2) / 2));
            total += start[i];
        }
        if (dead) start[0] = start[n - 1] = 0;
        for (size_t i = 0; dead && i < n; i++) G[i] = G[(n - 1) * n + i] = 0; /* what arrives at an edge stays there */
        sl_answer a = {0};
        sl_err err = {0};
        if (sl_operator_solve(&a, &op, &q, &err) < SL_OK) fail_msg("loss %d: %s", k, err.message);
        for (size_t t = 0; t < 3; t++) {
            const sl_field *p = sl_answer_field(&a, "density", t);
            double peak = 0, mass = 0;
            exponential(E, G, n, q.times[t]);
            for (size_t i = 0; i < n; i++) peak = fmax(peak, p->value[i]);
            for (size_t i = dead; i < n - dead; i++) {
                double sum = 0;
                for (size_t j = 0; j < n; j++) sum += start[j] / total * E[j * n + i];
                assert_near(p->value[i], sum / l.w[i], 1e-11 * peak);
                mass += p->value[i] * l.w[i];
            }
            if (!l.absorbing) assert_near(mass, 1, 1e-12);
        }
        assert_true(a.mass_error < 1e-12 && a.density_min > -1e-12);
        sl_answer_clear(&a);
        sl_line_clear(&l);
    }
}

static void spectrum__against_all_eigenvalues(void **state)
{
    (void)state;
    const sl_question q = {.task = SL_TASK_SPECTRUM, .eigenvalues = 6};
    for (int k = 0; k < LOSSES; k++) {
        const sl_operator op = random_operator(k, &q);
        sl_cells l;
        assert_ok(sl_line_build(&l, &op, &q, CELLS, &err));
        const size_t n = l.n, dead = l.absorbing ? 1 : 0, alive = n - 2 * dead;
        static double G[NODES * NODES], S[NODES * NODES];
        double lambda[NODES], rate[6], phi[6 * NODES];
        dense(G, &l);
        for (size_t i = 0; i < alive; i++)
            for (size_t j = 0; j < alive; j++)
                S[i * alive + j] = G[(i + dead) * n + j + dead] * sqrt(l.m[i + dead] / l.m[j + dead]);
        assert_int_equal(LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'N', 'U', (int)alive, S, (int)alive, lambda), 0);
        assert_ok(sl_line_modes(rate, phi, 6, &l, &err));
        for (size_t v = 0; v < 6; v++) {
            assert_near(rate[v], -lambda[alive - 1 - v], 1e-9);
            double worst = 0, largest = 0; /* G phi = -rate phi, weighted as <.^2> weighs it */
            for (size_t i = dead; i < n - dead; i++) {
                double sum = 0;
                for (size_t j = 0; j < n; j++) sum += G[i * n + j] * phi[v * n + j];
                worst = fmax(worst, fabs(sum + rate[v] * phi[v * n + i]) * sqrt(l.m[i]));
                largest = fmax(largest, fabs(phi[v * n + i]) * sqrt(l.m[i]));
            }
            assert_true(worst < 1e-8 * largest);
        }
        sl_line_clear(&l);
    }
}

/* The backward equation G u = -1 with u = 0 at the target, and G q = 0, by Gauss's elimination. */
static void passages__against_the_backward_equation(void **state)
{
    (void)state;
    for (int k = 0; k < LOSSES; k++)
        for (int task = 0; task < 2; task++) {
            const double sign = k % 3 ? 1 : -1;
            const sl_question q = {
                .task = task ? SL_TASK_COMMITTOR : SL_TASK_MFPT, .from = {-0.4 * sign}, .to = {0.7 * sign}};
            const sl_operator op = random_operator(k, &q);
            sl_cells l;
            sl_answer a = {0};
            assert_ok(sl_line_build(&l, &op, &q, CELLS, &err));
            static double G[NODES * NODES];
            double u[NODES];
            lapack_int pivot[NODES];
            dense(G, &l);
            const bool ends =
                l.absorbing || op.loss.kind->period > 0; /* a ring is cut open at the target, or at `from` */
            for (size_t i = 0; i < l.n; i++) {
                u[i] = task ? 0 : -1;
                const bool beyond = task && !ends && (i >= l.to) == (l.to > l.from) && i != l.from;
                const bool before = task && !ends && (i <= l.from) == (l.to > l.from) && i != l.to;
                const bool fixed = i == l.to || beyond || before || (task && i == l.from) ||
                                   (ends && !task && (i == 0 || i == l.n - 1)) ||
                                   (task && ends && (i == 0 || i == l.n - 1));
                if (!fixed) continue;
                for (size_t j = 0; j < l.n; j++) G[i * l.n + j] = i == j;
                u[i] = task && (i == l.to || beyond);
            }
            assert_int_equal(LAPACKE_dgesv(LAPACK_ROW_MAJOR, (int)l.n, 1, G, (int)l.n, pivot, u, 1), 0);
            const sl_field *f = NULL;
            if (task)
                assert_ok(sl_line_committor(&a, &l, &op, &q, &err));
            else
                assert_ok(sl_line_mfpt(&a, &l, &op, &q, &err));
            f = sl_answer_field(&a, task ? "committor" : "mfpt", 0);
            for (size_t i = 0; i < l.n; i++) {
                const bool other =
                    task && l.absorbing && (i < l.from) == (l.from < l.to); /* sides that leak: not of use */
                const bool far = task && l.absorbing && (i > l.to) == (l.from < l.to);
                if (!other && !far) assert_near(f->value[i], u[i], 1e-9 * (1 + fabs(u[i])));
            }
            if (!task) assert_close(sl_answer_number(&a, "mfpt", 0).value, u[l.from], 1e-9);
            sl_answer_clear(&a);
            sl_line_clear(&l);
        }
}

/* Its points are nodes, wherever they lie, and stay so when the grid doubles; weights add up to the length. */
static void mesh__has_the_points_as_nodes(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int k = 0; k < 200; k++) {
        sl_question q = {.task = SL_TASK_COMMITTOR, .from = {1.5 * uniform(&seed)}, .to = {1.5 * uniform(&seed)}};
        if (k % 4 == 0) q.to[0] = q.from[0] + 1e-6;
        sl_operator op = {.kind = &sl_fokker_planck, .temperature = 0.5};
        assert_ok(sl_loss_init(&op.loss, "double-well", &err));
        double outside = 0;
        assert_ok(sl_line_domain(&op, &q, &outside, &err));
        for (size_t n = 256; n <= 1024; n *= 2) {
            sl_cells l;
            assert_ok(sl_line_build(&l, &op, &q, n, &err));
            double length = 0;
            for (size_t i = 0; i < l.n; i++) length += l.w[i];
            for (size_t i = 1; i < l.n; i++) assert_true(l.x[i] > l.x[i - 1]);
            assert_near(length, op.hi[0] - op.lo[0], 1e-12);
            assert_true(l.x[l.from] == q.from[0] && l.x[l.to] == q.to[0]);
            assert_true(l.x[0] == op.lo[0] && l.x[n] == op.hi[0]);
            sl_line_clear(&l);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain__is_in_detailed_balance),     cmocka_unit_test(evolve__against_the_matrix_exponential),
        cmocka_unit_test(spectrum__against_all_eigenvalues), cmocka_unit_test(passages__against_the_backward_equation),
        cmocka_unit_test(mesh__has_the_points_as_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
