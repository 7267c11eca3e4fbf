#include "tests/test.h"

#include "nets/layers/cross_entropy.h"
#include "nets/layer.h"
#include "nets/layers/linear.h"
#include "nets/model.h"

/* ---- layers ---- */

static void linear__equals_its_definition(void **state)
{
    (void)state;
    enum { N = 7, IN = 11, OUT = 5 };
    float x[N * IN], w[OUT * IN], b[OUT], y[N * OUT], dy[N * OUT], dx[N * IN], dw[OUT * IN], db[OUT];
    for (int i = 0; i < N * IN; i++) x[i] = (float)((i * 29 + 3) % 17 - 8) / 8;
    for (int i = 0; i < OUT * IN; i++) w[i] = (float)((i * 13 + 5) % 19 - 9) / 16;
    for (int i = 0; i < OUT; i++) b[i] = (float)i - 2;
    for (int i = 0; i < N * OUT; i++) dy[i] = (float)((i * 7 + 1) % 11 - 5) / 4;
    sl_linear_forward(y, x, w, b, N, IN, OUT, 0, NULL);
    sl_linear_backward_weights(dw, db, dy, x, N, IN, OUT, 0, NULL);
    sl_linear_backward_input(dx, dy, w, N, IN, OUT, 0, NULL);
    /* All terms are multiples of 1/128 below 2^16: the sums are exact in float, in any order. */
    for (int i = 0; i < N; i++)
        for (int o = 0; o < OUT; o++) {
            double s = b[o];
            for (int k = 0; k < IN; k++) s += (double)x[i * IN + k] * w[o * IN + k];
            assert_near(y[i * OUT + o], s, 0);
        }
    for (int o = 0; o < OUT; o++) {
        double s = 0;
        for (int i = 0; i < N; i++) s += dy[i * OUT + o];
        assert_near(db[o], s, 0);
        for (int k = 0; k < IN; k++) {
            s = 0;
            for (int i = 0; i < N; i++) s += (double)dy[i * OUT + o] * x[i * IN + k];
            assert_near(dw[o * IN + k], s, 0);
        }
    }
    for (int i = 0; i < N; i++)
        for (int k = 0; k < IN; k++) {
            double s = 0;
            for (int o = 0; o < OUT; o++) s += (double)dy[i * OUT + o] * w[o * IN + k];
            assert_near(dx[i * IN + k], s, 0);
        }
}

static void relu__cuts_below_zero_and_keeps_nan(void **state)
{
    (void)state;
    enum { N = 37 }; /* not a multiple of any vector's length */
    float y[N], dy[N];
    for (int i = 0; i < N; i++) y[i] = (float)(i - 18), dy[i] = 3;
    y[5] = NAN;
    y[30] = INFINITY;
    const sl_layer l = {.kind = &sl_layer_relu, .out = {1, 1, N}};
    const sl_pass p = {.layer = &l, .count = 1, .x = {y}, .y = y, .dy = dy, .dx = {dy}};
    sl_layer_relu.forward(&p);
    sl_layer_relu.backward(&p);
    for (int i = 0; i < N; i++) {
        if (i == 5) {
            assert_true(isnan(y[i]));
            continue;
        }
        assert_near(dy[i], i > 18 ? 3 : 0, 0);
        if (i != 30) assert_near(y[i], i > 18 ? i - 18 : 0, 0);
    }
    assert_true(isinf(y[30]));
}

/* By hand: logits (log 1, log 2, log 5) have softmax (1/8, 2/8, 5/8). */
static void cross_entropy__values_by_hand(void **state)
{
    (void)state;
    const float z[9] = {0, logf(2), logf(5), 0, logf(2), logf(5), 7, 7, 7};
    const uint8_t label[3] = {2, 0, 1};
    float p[9], dz[9];
    size_t right;
    const double loss = sl_cross_entropy_forward(p, &right, z, label, 3, 3, 0);
    assert_near(loss, log(8 / 5.0) + log(8) + log(3), 1e-6);
    assert_int_equal(right, 1); /* among equals the first counts, so the third row is wrong */
    const double expected[9] = {1 / 8., 2 / 8., 5 / 8., 1 / 8., 2 / 8., 5 / 8., 1 / 3., 1 / 3., 1 / 3.};
    for (int i = 0; i < 9; i++) assert_near(p[i], expected[i], 1e-7);
    sl_cross_entropy_backward(dz, p, label, 3, 3, 0);
    for (int i = 0; i < 9; i++) assert_near(dz[i], (expected[i] - (label[i / 3] == i % 3)) / 3, 1e-7);
}

static void cross_entropy__huge_logits(void **state)
{
    (void)state;
    const float z[6] = {1e30f, 0, -1e30f, 300, 200, 100};
    const uint8_t label[2] = {0, 1};
    float p[6];
    size_t right;
    const double loss = sl_cross_entropy_forward(p, &right, z, label, 2, 3, 0);
    assert_near(loss, 100, 1e-5);
    assert_int_equal(right, 1);
    assert_near(p[0], 1, 0);
    assert_near(p[1], 0, 0);
    assert_near(p[2], 0, 0);
    /* A wrong answer of any certainty is finite, too. */
    const uint8_t wrong[2] = {2, 2};
    assert_close(sl_cross_entropy_forward(p, &right, z, wrong, 2, 3, 0), 2e30, 1e-6);
}

static void cross_entropy__not_finite_shows(void **state)
{
    (void)state;
    const float bad[3] = {NAN, INFINITY, -INFINITY};
    const uint8_t label[2] = {1, 0};
    for (int k = 0; k < 3; k++)
        for (int at = 0; at < 3; at++) {
            if (k == 2 && at != 1) continue; /* exp(-inf) = 0 is a fair value where the label is not */
            float z[6] = {1, 2, 3, 1, 2, 3}, p[6];
            size_t right;
            z[at] = bad[k];
            assert_false(isfinite(sl_cross_entropy_forward(p, &right, z, label, 2, 3, 0)));
        }
}

/* The same where the loops run in whole vectors: relaxed floating point must not lose a NaN in any lane. */
static void cross_entropy__not_finite_shows_in_every_lane(void **state)
{
    (void)state;
    enum { ROWS = 13, C = 10 };
    const float bad[2] = {NAN, INFINITY};
    const uint8_t label[ROWS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2};
    for (int k = 0; k < 2; k++)
        for (int at = 0; at < ROWS * C; at++) {
            float z[ROWS * C], p[ROWS * C];
            size_t right;
            for (int i = 0; i < ROWS * C; i++) z[i] = (float)((i * 37) % 101) / 10;
            z[at] = bad[k];
            if (isfinite(sl_cross_entropy_forward(p, &right, z, label, ROWS, C, 0))) fail_msg("%g at %d", bad[k], at);
        }
}

/* Many rows at once (over several blocks) give what each gives alone. */
static void cross_entropy__rows_are_independent(void **state)
{
    (void)state;
    enum { N = 150, C = 10 };
    float z[N * C], p[N * C], alone[C];
    uint8_t label[N];
    size_t right, hits = 0, hit;
    for (int i = 0; i < N * C; i++) z[i] = (float)((i * 37) % 101) / 10;
    for (int i = 0; i < N; i++) label[i] = (uint8_t)(i % C);
    const double loss = sl_cross_entropy_forward(p, &right, z, label, N, C, 0);
    double sum = 0;
    for (int i = 0; i < N; i++) {
        sum += sl_cross_entropy_forward(alone, &hit, z + i * C, label + i, 1, C, 0);
        hits += hit;
        for (int c = 0; c < C; c++) assert_close(p[i * C + c], alone[c], 1e-6);
    }
    assert_close(loss, sum, 1e-6);
    assert_int_equal(right, hits);
    /* In place. */
    sl_cross_entropy_forward(z, &hit, z, label, N, C, 0);
    assert_memory_equal(z, p, sizeof z);
    assert_int_equal(hit, right);
}

/* ---- model ---- */

enum { SIDE = 3, IN = SIDE * SIDE, CLASSES = 4, COUNT = 6 };

/* A network with two hidden layers and a batch, and the same loss in plain double precision. */
typedef struct {
    sl_model *m;
    sl_workspace *w;
    size_t n;
    float *params;
} fixture;

static int setup(void **state)
{
    fixture *const f = calloc(1, sizeof *f);
    if (sl_model_alloc(&f->m, "mlp:hidden=7,5", 1, SIDE, SIDE, CLASSES, NULL) != SL_OK) return -1;
    if (sl_workspace_alloc(&f->w, f->m, COUNT, SL_FOR_GRADIENT, NULL, NULL) != SL_OK) return -1;
    f->n = sl_model_parameters(f->m);
    f->params = calloc(f->n, sizeof *f->params);
    sl_model_init(f->m, f->params, 5, 0);
    for (int i = 0; i < COUNT * IN; i++) sl_workspace_input(f->w)[i] = (float)((i * 31 + 7) % 41 - 20) / 15;
    for (int i = 0; i < COUNT; i++) sl_workspace_labels(f->w)[i] = (uint8_t)(i * 3 % CLASSES);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *const f = *state;
    sl_workspace_free(f->w);
    sl_model_free(f->m);
    free(f->params);
    free(f);
    return 0;
}

static double loss_ref(const fixture *f, const double *params)
{
    const size_t width[4] = {IN, 7, 5, CLASSES};
    double total = 0;
    for (size_t s = 0; s < COUNT; s++) {
        double a[16], b[16];
        for (size_t k = 0; k < IN; k++) a[k] = sl_workspace_input(f->w)[s * IN + k];
        const double *p = params;
        for (size_t layer = 0; layer < 3; layer++) {
            const size_t in = width[layer], out = width[layer + 1];
            for (size_t o = 0; o < out; o++) {
                b[o] = p[in * out + o];
                for (size_t k = 0; k < in; k++) b[o] += p[o * in + k] * a[k];
                if (layer < 2 && b[o] < 0) b[o] = 0;
            }
            p += (in + 1) * out;
            memcpy(a, b, sizeof a);
        }
        double sum = 0;
        for (size_t c = 0; c < CLASSES; c++) sum += exp(a[c]);
        total += log(sum) - a[sl_workspace_labels(f->w)[s]];
    }
    return total / COUNT;
}

static void run__loss_and_gradient_against_finite_differences(void **state)
{
    const fixture *const f = *state;
    double *const p = calloc(f->n, sizeof *p);
    float *const g = calloc(f->n, sizeof *g);
    double loss, forward_only;
    size_t right, right_only;
    for (size_t i = 0; i < f->n; i++) p[i] = f->params[i];
    sl_model_run(f->m, f->w, f->params, COUNT, NULL, &loss, &right, g);
    sl_model_run(f->m, f->w, f->params, COUNT, NULL, &forward_only, &right_only, NULL);
    assert_near(loss, loss_ref(f, p), 1e-6);
    assert_near(forward_only, loss, 0);
    assert_int_equal(right, right_only);
    double largest = 0;
    for (size_t i = 0; i < f->n; i++) {
        const double h = 1e-6, at = p[i]; /* rounding 1e-16/h, truncation h^2: both below 1e-9 */
        p[i] = at + h;
        const double up = loss_ref(f, p);
        p[i] = at - h;
        const double down = loss_ref(f, p);
        p[i] = at;
        assert_near(g[i], (up - down) / (2 * h), 3e-7);
        largest = fmax(largest, fabs(g[i]));
    }
    assert_true(largest > 0.01); /* there is a gradient to be right about */
    free(p);
    free(g);
}

static void alloc__names_and_shapes_as_in_pytorch(void **state)
{
    (void)state;
    sl_model *m;
    assert_ok(sl_model_alloc(&m, "mlp", 1, 28, 28, 10, &err));
    static const char *const names[4] = {"0.weight", "0.bias", "2.weight", "2.bias"};
    static const size_t shapes[4][2] = {{100, 784}, {100, 1}, {10, 100}, {10, 1}};
    assert_int_equal(sl_model_n_views(m), 4);
    assert_int_equal(sl_model_parameters(m), 79510);
    size_t at = 0;
    for (size_t i = 0; i < 4; i++) {
        const sl_view *const v = sl_model_view(m, i);
        assert_string_equal(v->name, names[i]);
        assert_int_equal(v->rank, i % 2 ? 1 : 2);
        assert_int_equal(v->shape[0], shapes[i][0]);
        if (v->rank == 2) assert_int_equal(v->shape[1], shapes[i][1]);
        assert_int_equal(v->offset, at);
        at += v->size;
    }
    assert_int_equal(at, 79510);
    assert_near(sl_model_flops(m), 4 * 784 * 100 + 6 * 100 * 10, 0);
    sl_model_free(m);

    assert_ok(sl_model_alloc(&m, "mlp:hidden=0", 3, 2, 2, 5, &err)); /* no hidden layer: softmax regression */
    assert_int_equal(sl_model_n_views(m), 2);
    assert_int_equal(sl_model_parameters(m), 12 * 5 + 5);
    assert_int_equal(sl_model_inputs(m), 12);
    assert_int_equal(sl_model_classes(m), 5);
    sl_model_free(m);

    assert_fails(sl_model_alloc(&m, "mpl", 1, 28, 28, 10, &err), SL_E_NAME, "did you mean 'mlp'");
    assert_fails(sl_model_alloc(&m, "mlp:hidden=1.5", 1, 28, 28, 10, &err), SL_E_DOMAIN, "whole number");
    assert_fails(sl_model_alloc(&m, "mlp", 1, 28, 28, 1, &err), SL_E_DOMAIN, "classes");
    assert_fails(sl_model_alloc(&m, "mlp", 1, 0, 28, 10, &err), SL_E_DOMAIN, "empty");
}

/* U(-1/sqrt(fan_in), 1/sqrt(fan_in)): within the bounds, mean 0, variance bound^2/3 (each within 5 standard errors). */
static void init__has_pytorchs_law(void **state)
{
    (void)state;
    sl_model *m;
    assert_ok(sl_model_alloc(&m, "mlp", 1, 28, 28, 10, &err));
    const size_t n = sl_model_parameters(m);
    float *const p = calloc(n, sizeof *p), *const q = calloc(n, sizeof *q);
    sl_model_init(m, p, 1, 0);
    for (size_t i = 0; i < 4; i++) {
        const sl_view *const v = sl_model_view(m, i);
        const double bound = 1 / sqrt(i < 2 ? 784 : 100), size = (double)v->size;
        double mean = 0, square = 0;
        for (size_t k = 0; k < v->size; k++) {
            const double x = p[v->offset + k] / bound;
            assert_true(fabs(x) <= 1);
            mean += x / size;
            square += x * x / size;
        }
        assert_near(mean, 0, 5 * sqrt(1 / (3 * size)));
        assert_near(square, 1 / 3.0, 5 * sqrt(4 / (45 * size))); /* Var x^2 = 1/5 - 1/9 */
    }
    sl_model_init(m, q, 1, 1);
    assert_memory_not_equal(p, q, 1000);
    sl_model_init(m, q, 1, 0);
    assert_memory_equal(p, q, n * sizeof *p);
    free(p);
    free(q);
    sl_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear__equals_its_definition),
        cmocka_unit_test(relu__cuts_below_zero_and_keeps_nan),
        cmocka_unit_test(cross_entropy__values_by_hand),
        cmocka_unit_test(cross_entropy__huge_logits),
        cmocka_unit_test(cross_entropy__not_finite_shows),
        cmocka_unit_test(cross_entropy__not_finite_shows_in_every_lane),
        cmocka_unit_test(cross_entropy__rows_are_independent),
        cmocka_unit_test_setup_teardown(run__loss_and_gradient_against_finite_differences, setup, teardown),
        cmocka_unit_test(alloc__names_and_shapes_as_in_pytorch),
        cmocka_unit_test(init__has_pytorchs_law),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
