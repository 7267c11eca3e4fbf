/* The Hessian's spectrum, trace and density, and its alignment with the noise, against dense matrices in double. */
#include "tests/test.h"

#include <lapacke.h>

#include "base/lanczos.h"
#include "nets/curvature.h"
#include "tests/nets/small_net.h"

enum { N = 90 };

static const sl_curvature_config config = {.top = 4, .bottom = 2, .steps = 40, .probes = 30, .points = 300, .seed = 1};

/* Softmax regression: H = mean_i (diag p - p p') (x) (x 1)(x 1)', parameters weights [class][in], then biases. */
static double *closed_form(const small_net *s)
{
    const size_t P = s->P;
    double *const H = calloc(P * P, sizeof *H), *const p = small_params(s);
    size_t row[SMALL_IN + 1][SMALL_CLASSES];
    for (size_t c = 0; c < SMALL_CLASSES; c++) {
        for (size_t k = 0; k < SMALL_IN; k++) row[k][c] = c * SMALL_IN + k;
        row[SMALL_IN][c] = SMALL_CLASSES * SMALL_IN + c;
    }
    for (size_t i = 0; i < s->n; i++) {
        double x[SMALL_IN + 1], q[SMALL_CLASSES], sum = 0;
        for (size_t k = 0; k <= SMALL_IN; k++) x[k] = k < SMALL_IN ? small_pixel(s, i, k) : 1;
        for (size_t c = 0; c < SMALL_CLASSES; c++) {
            q[c] = 0;
            for (size_t k = 0; k <= SMALL_IN; k++) q[c] += p[row[k][c]] * x[k];
            sum += q[c] = exp(q[c]);
        }
        for (size_t c = 0; c < SMALL_CLASSES; c++)
            for (size_t d = 0; d < SMALL_CLASSES; d++) {
                const double f = (c == d ? q[c] / sum : 0) - q[c] * q[d] / (sum * sum);
                for (size_t k = 0; k <= SMALL_IN; k++)
                    for (size_t l = 0; l <= SMALL_IN; l++)
                        H[row[k][c] * P + row[l][d]] += f * x[k] * x[l] / (double)s->n;
            }
    }
    free(p);
    return H;
}

static double *values_of(const double *H, size_t P) /* ascending */
{
    double *const copy = calloc(P * P, sizeof *copy), *const value = calloc(P, sizeof *value);
    memcpy(copy, H, P * P * sizeof *copy);
    assert_int_equal(LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'N', 'U', (int)P, copy, (int)P, value), 0);
    free(copy);
    return value;
}

/* Products with unit vectors are the closed form's columns, and those of finite differences. */
static void hessian__columns_against_two_references(void **state)
{
    (void)state;
    for (int hidden = 0; hidden < 2; hidden++) {
        small_net *const s = small_alloc(hidden, N);
        sl_objective *const o = small_objective(s, 0.01, 2);
        const size_t P = s->P;
        double *const H = small_hessian(s), *const exact = hidden ? NULL : closed_form(s);
        double *const unit = calloc(P * P, sizeof *unit), *const y = calloc(P * P, sizeof *y);
        for (size_t k = 0; k < P; k++) unit[k * P + k] = 3; /* the product is linear */
        assert_ok(sl_objective_hessian(o, P, unit, y, &err));
        for (size_t k = 0; k < P; k++)
            for (size_t l = 0; l < P; l++) {
                const double got = y[k * P + l] / 3 - (k == l ? 0.01 : 0);
                assert_near(got, H[k * P + l], 3e-7);
                if (exact) assert_near(got, exact[k * P + l], 3e-7);
            }
        free(H);
        free(exact);
        free(unit);
        free(y);
        sl_objective_free(o);
        small_free(s);
    }
}

static void measure__ends_and_trace_of_the_dense_matrix(void **state)
{
    (void)state;
    const double w = 0.02;
    for (int hidden = 0; hidden < 2; hidden++) {
        small_net *const s = small_alloc(hidden, N);
        sl_objective *const o = small_objective(s, w, 2);
        const size_t P = s->P;
        double *const H = small_hessian(s), *const value = values_of(H, P);
        sl_curvature r;
        assert_ok(sl_curvature_measure(&r, o, &config, &err));
        double trace = 0, square = 0;
        for (size_t k = 0; k < P; k++) trace += value[k] + w, square += pow(value[k] + w, 2);
        for (size_t j = 0; j < 4; j++) {
            assert_near(r.top[j].value, value[P - 1 - j] + w, 2e-6);
            assert_true(r.residual_top[j] < 1e-5);
        }
        /* softmax regression has zero modes, four alike: found once */
        assert_near(r.bottom[0].value, value[0] + w, hidden ? 1e-3 : 2e-6);
        assert_true(fabs(r.bottom[0].value - (value[0] + w)) <= r.residual_bottom[0] + 2e-6);
        assert_near(r.trace.value, trace, 4.5 * r.trace.se);
        assert_near(r.square.value, square, 4.5 * r.square.se);
        assert_true(r.trace.se < 0.1 * trace && r.trace.se > 0);
        sl_curvature_clear(&r);
        free(H);
        free(value);
        sl_objective_free(o);
        small_free(s);
    }
}

/* The blocks' quadratic forms have the eigenvalue as their mean, and their spread is the error: against that over data
 * sets drawn anew. */
static void measure__errors_of_eigenvalues(void **state)
{
    (void)state;
    enum { SETS = 50, EACH = 200 };
    small_net *const s = small_alloc(true, SETS * EACH);
    sl_curvature_config c = config;
    c.probes = 2;
    c.points = 2;
    sl_welford value = {0}, said = {0};
    for (size_t k = 0; k < SETS; k++) {
        sl_dataset part = s->data;
        part.n = EACH;
        part.pixels += k * EACH * SMALL_IN;
        part.labels += k * EACH;
        sl_objective *o;
        const sl_objective_config oc = {.model = s->m, .state = s->state, .data = &part, .jobs = 1};
        assert_ok(sl_objective_alloc(&o, &oc, &err));
        sl_curvature r;
        assert_ok(sl_curvature_measure(&r, o, &c, &err));
        sl_welford_add(&value, r.top[0].value);
        sl_welford_add(&said, r.top[0].se);
        sl_curvature_clear(&r);
        sl_objective_free(o);
    }
    const double ratio = said.mean / sqrt(sl_welford_variance(&value));
    if (!(ratio > 0.6 && ratio < 1.5)) fail_msg("error given / spread = %g", ratio);
    small_free(s);
}

static void measure__density_of_the_dense_matrix(void **state)
{
    (void)state;
    small_net *const s = small_alloc(true, N);
    sl_objective *const o = small_objective(s, 0, 2);
    const size_t P = s->P;
    double *const H = small_hessian(s), *const value = values_of(H, P);
    sl_curvature_config c = config;
    c.width = 0.02;
    c.points = 1500;
    sl_curvature r;
    assert_ok(sl_curvature_measure(&r, o, &c, &err));
    assert_near(r.width, 0.02, 0);
    double sum = 0, far = 0;
    const double step = r.grid[1] - r.grid[0];
    for (size_t g = 0; g < r.points; g++) {
        double exact = 0;
        for (size_t i = 0; i < P; i++)
            exact += exp(-pow((r.grid[g] - value[i]) / 0.02, 2) / 2) / (0.02 * sqrt(2 * M_PI) * (double)P);
        sum += r.density[g] * step;
        far = fmax(far, fabs(r.density[g] - exact) / (r.density_se[g] + 1e-3));
    }
    assert_near(sum, 1, 1e-4);
    assert_true(far < 5);
    sl_curvature_clear(&r);
    free(H);
    free(value);
    sl_objective_free(o);
    small_free(s);
}

static void alignment__of_dense_matrices(void **state)
{
    (void)state;
    for (int hidden = 0; hidden < 2; hidden++) {
        small_net *const s = small_alloc(hidden, N);
        sl_objective *const o = small_objective(s, 0.5, 2); /* decay must not matter */
        const size_t P = s->P;
        double *const mean = calloc(P, sizeof *mean), *const D = small_covariance(s, mean), *const H = small_hessian(s);
        sl_net_noise noise;
        sl_curvature curve;
        sl_alignment a;
        assert_ok(sl_noise_measure(&noise, o, &(sl_noise_config){.top = 2, .steps = 20, .probes = 2}, &err));
        assert_ok(sl_curvature_measure(&curve, o, &config, &err));
        assert_ok(sl_alignment_measure(&a, o, &noise, &curve, 40, 1, &err));
        double dh = 0, dd = 0, hh = 0, trace = 0, inside = 0;
        for (size_t k = 0; k < P * P; k++) dh += D[k] * H[k], dd += D[k] * D[k], hh += H[k] * H[k];
        for (size_t k = 0; k < P; k++) trace += D[k * P + k];
        for (size_t j = 0; j < 4; j++)
            for (size_t k = 0; k < P; k++)
                for (size_t l = 0; l < P; l++)
                    inside += curve.vectors[j * P + k] * D[k * P + l] * curve.vectors[j * P + l];
        assert_near(a.product.value, dh, 4.5 * a.product.se);
        assert_near(a.cosine.value, dh / sqrt(dd * hh), 4.5 * a.cosine.se);
        assert_true(a.cosine.se < 0.05 && a.cosine.se > 0);
        assert_near(a.fraction.value, inside / trace, 1e-5);
        assert_true(a.fraction.se > 0 && a.fraction.se < 0.2);
        assert_near(a.isotropic, 4. / (double)P, 1e-15);
        sl_noise_clear(&noise);
        sl_curvature_clear(&curve);
        free(mean);
        free(D);
        free(H);
        sl_objective_free(o);
        small_free(s);
    }
}

/* tr(D (H + w)) / tr D of the dense matrices; the error that is given against the scatter of 200 estimates, known to
 * 5 %. Control: the mean curvature of all directions is another number. */
static void noise_curvature__of_dense_matrices(void **state)
{
    (void)state;
    const double w = 0.01;
    small_net *const s = small_alloc(true, N);
    sl_objective *const o = small_objective(s, w, 1);
    const size_t P = s->P;
    double *const mean = calloc(P, sizeof *mean), *const D = small_covariance(s, mean), *const H = small_hessian(s);
    double dh = 0, trace = 0, all = 0;
    for (size_t k = 0; k < P * P; k++) dh += D[k] * H[k];
    for (size_t k = 0; k < P; k++) trace += D[k * P + k], all += H[k * P + k] / (double)P;
    const double exact = dh / trace + w;
    sl_welford value = {0}, said = {0};
    for (uint64_t seed = 0; seed < 200; seed++) {
        sl_estimate a;
        assert_ok(sl_noise_curvature(&a, o, 16, 20, seed, &err));
        sl_welford_add(&value, a.value);
        sl_welford_add(&said, a.se);
    }
    const double spread = sqrt(sl_welford_variance(&value));
    assert_near(value.mean, exact, 4.5 * spread / sqrt(200) + 0.02 * exact); /* a ratio's bias, of order 1 / batches */
    assert_close(said.mean, spread, 0.2);
    assert_true(fabs(value.mean - all - w) > 10 * spread / sqrt(200));
    sl_estimate a = {7, 7, 7};
    assert_fails(sl_noise_curvature(&a, o, 0, 20, 1, &err), SL_E_DOMAIN, "0 samples");
    assert_fails(sl_noise_curvature(&a, o, 16, 1, 1, &err), SL_E_DOMAIN, "1 batches");
    assert_near(a.value, 7, 0);
    free(mean);
    free(D);
    free(H);
    sl_objective_free(o);
    small_free(s);
}

static void measure__same_bits_on_any_number_of_threads(void **state)
{
    (void)state;
    small_net *const s = small_alloc(true, N);
    sl_curvature r[2];
    for (int k = 0; k < 2; k++) {
        sl_objective *const o = small_objective(s, 0, k ? 3 : 1);
        assert_ok(sl_curvature_measure(&r[k], o, &config, &err));
        sl_objective_free(o);
    }
    assert_memory_equal(r[0].vectors, r[1].vectors, 4 * s->P * sizeof(double));
    assert_memory_equal(&r[0].trace, &r[1].trace, sizeof(sl_estimate));
    assert_memory_equal(r[0].density, r[1].density, r[0].points * sizeof(double));
    sl_curvature_clear(&r[0]);
    sl_curvature_clear(&r[1]);
    small_free(s);
}

/* With convolutions and a batch norm, whose running statistics are those of an evaluation pass: the samples' gradients
 * then average to the batch's, and products with the Hessian are differences of gradients (step 1e-3: truncation and
 * rounding below 1e-3 of the largest component). No ReLU, whose kinks are no part of H but of the differences. */
static void objective__passes_are_evaluations(void **state)
{
    (void)state;
    small_net *const s = small_alloc(false, 40);
    sl_model *m;
    assert_ok(
        sl_model_alloc(&m, "conv 4 3 pad=1; bn; flatten; linear 4", 1, SMALL_SIDE, SMALL_SIDE, SMALL_CLASSES, &err));
    const size_t P = sl_model_parameters(m), all = sl_model_state(m);
    assert_true(all > P);
    float *const x = calloc(2 * all, sizeof *x), *const moved = x + all;
    double *const v = calloc(6 * P, sizeof *v), *const hv = v + P, *const up = hv + P, *const down = up + P;
    double *const mean = down + P, *const trace = mean + P;
    sl_model_init(m, x, 4, 0);
    for (size_t k = P; k < all; k++) x[k] = 0.3f + 0.1f * (float)(k - P); /* means and variances of no batch */
    sl_objective *o;
    const sl_objective_config oc = {.model = m, .state = x, .data = &s->data, .jobs = 2};
    assert_ok(sl_objective_alloc(&o, &oc, &err));

    sl_noise_matrix d = {o, mean};
    memset(mean, 0, P * sizeof *mean);
    sl_net_noise r;
    assert_ok(sl_noise_measure(&r, o, &(sl_noise_config){.top = 2, .steps = 20, .probes = 2}, &err));
    assert_ok(sl_objective_gradient(o, mean, NULL, s->n, &err));
    for (size_t k = 0; k < P; k++) assert_near(r.mean[k], mean[k], 1e-6);
    assert_ok(sl_noise_product(&d, 1, r.vectors, trace, &err));
    for (size_t k = 0; k < P; k++)
        assert_near(trace[k], r.eigenvalue[0].value * r.vectors[k], 1e-5 * r.eigenvalue[0].value);
    sl_noise_clear(&r);

    for (uint64_t trial = 0; trial < 3; trial++) {
        const double h = 1e-3;
        double largest = 0, worst = 0;
        const sl_draw draw = {.seed = 9, .step = trial, .purpose = SL_PURPOSE_TEST};
        sl_random_normals(v, P, 0, 1, &draw);
        assert_ok(sl_objective_move(o, x, &err));
        assert_ok(sl_objective_hessian(o, 1, v, hv, &err));
        for (int side = -1; side <= 1; side += 2) {
            memcpy(moved, x, all * sizeof *x);
            for (size_t k = 0; k < P; k++) moved[k] += (float)(side * h * v[k]);
            assert_ok(sl_objective_move(o, moved, &err));
            assert_ok(sl_objective_gradient(o, side > 0 ? up : down, NULL, s->n, &err));
        }
        for (size_t k = 0; k < P; k++) {
            largest = fmax(largest, fabs(hv[k]));
            worst = fmax(worst, fabs((up[k] - down[k]) / (2 * h) - hv[k]));
        }
        assert_true(worst < 1e-3 * largest);
    }
    free(x);
    free(v);
    sl_objective_free(o);
    sl_model_free(m);
    small_free(s);
}

static void measure__refuses(void **state)
{
    (void)state;
    small_net *const s = small_alloc(false, 20);
    sl_objective *const o = small_objective(s, 0, 1);
    sl_curvature r = {.points = 77};
    sl_curvature_config c = config;
    c.steps = 6;
    assert_fails(sl_curvature_measure(&r, o, &c, &err), SL_E_DOMAIN, "steps = 6");
    c = config;
    c.probes = 1;
    assert_fails(sl_curvature_measure(&r, o, &c, &err), SL_E_DOMAIN, "probes = 1");
    c = config;
    c.width = NAN;
    assert_fails(sl_curvature_measure(&r, o, &c, &err), SL_E_DOMAIN, "width");
    c = config;
    c.points = 1;
    assert_fails(sl_curvature_measure(&r, o, &c, &err), SL_E_DOMAIN, "points = 1");
    assert_int_equal(r.points, 77);
    sl_objective_free(o);
    small_free(s);
}

/* Where x -> -1 is an eigenvalue of the update on a x^2/2: heavy ball at a l = 2 (1 + mu), and Nesterov's
 * x' = (1 + mu)(1 - l a) x - mu (1 - l a) x_before likewise. */
static void edge__of_both_rules(void **state)
{
    (void)state;
    assert_near(sl_stability_edge(0.1, 0, false), 20, 1e-13);
    assert_near(sl_stability_edge(0.1, 0.9, false), 38, 1e-13);
    const double l = 0.3, mu = 0.6, a = sl_stability_edge(l, mu, true);
    assert_near(1 + (1 + mu) * (1 - l * a) + mu * (1 - l * a), 0, 1e-13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hessian__columns_against_two_references),
        cmocka_unit_test(measure__ends_and_trace_of_the_dense_matrix),
        cmocka_unit_test(measure__errors_of_eigenvalues),
        cmocka_unit_test(measure__density_of_the_dense_matrix),
        cmocka_unit_test(alignment__of_dense_matrices),
        cmocka_unit_test(noise_curvature__of_dense_matrices),
        cmocka_unit_test(measure__same_bits_on_any_number_of_threads),
        cmocka_unit_test(objective__passes_are_evaluations),
        cmocka_unit_test(measure__refuses),
        cmocka_unit_test(edge__of_both_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
