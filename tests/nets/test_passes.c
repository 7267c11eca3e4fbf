/* Gradients and Hessian-vector products of whole networks, against central differences of the loss in double precision
 * (tests/nets/reference.h), and by the identities they obey. */
#include "tests/test.h"

#include "nets/graph.h"
#include "tests/nets/random_net.h"
#include "tests/nets/reference.h"

enum { COUNT = 6, NETS = 40 };

/* A network, a batch, and its derivatives. */
typedef struct {
    sl_model *m;
    sl_workspace *w;
    size_t n;
    float *state, *v, *u, *gradient, *hv, *hu;
    sl_mode mode;
    reference r;
    double *at; /* the state, in double */
} net;

static void normals(float *x, size_t n, uint32_t what)
{
    sl_random_normals_f(x, n, 0, 1, &(sl_draw){.seed = 8, .sub = what, .purpose = SL_PURPOSE_TEST});
}

static net set_up(sl_model *m, sl_mode mode)
{
    net t = {.m = m, .n = m->parameters, .mode = mode};
    assert_ok(sl_workspace_alloc(&t.w, m, COUNT, SL_FOR_CURVATURE, NULL, &err));
    float **const arrays[] = {&t.state, &t.v, &t.u, &t.gradient, &t.hv, &t.hu};
    for (size_t i = 0; i < 6; i++) *arrays[i] = calloc(m->state, sizeof(float));
    t.at = calloc(m->state, sizeof *t.at);
    sl_model_init(m, t.state, 3, 0);
    normals(t.v, t.n, 1);
    normals(t.u, t.n, 2);
    normals(t.hv, m->state, 3);
    /* Off the symmetric start, where many derivatives vanish. */
    for (size_t i = 0; i < m->state; i++)
        t.state[i] += i < t.n ? t.hv[i] / 5 : fabsf(t.hv[i]) / 2; /* running variances stay positive */
    for (size_t i = 0; i < m->state; i++) t.at[i] = (double)t.state[i];
    normals(sl_workspace_input(t.w), COUNT * sl_model_inputs(m), 4);
    for (size_t i = 0; i < COUNT; i++) sl_workspace_labels(t.w)[i] = (uint8_t)(i * 5 % m->classes);
    reference_init(&t.r, m, COUNT, mode, sl_workspace_input(t.w), sl_workspace_labels(t.w));
    return t;
}

static void clear(net *t)
{
    reference_clear(&t->r);
    sl_workspace_free(t->w);
    sl_model_free(t->m);
    float *const arrays[] = {t->state, t->v, t->u, t->gradient, t->hv, t->hu};
    for (size_t i = 0; i < 6; i++) free(arrays[i]);
    free(t->at);
}

static const double H = 1e-4; /* truncation H^2, rounding 1e-16 / H, in second differences 1e-16 / H^2 = 1e-8 */

/* d loss / d at[i], moved by a along v */
static double slope(net *t, size_t i, double a)
{
    for (size_t k = 0; k < t->n; k++) t->at[k] = (double)t->state[k] + a * (double)t->v[k];
    const double middle = t->at[i];
    t->at[i] = middle + H;
    const double up = reference_loss(&t->r, t->at);
    t->at[i] = middle - H;
    return (up - reference_loss(&t->r, t->at)) / (2 * H);
}

static double largest(const float *x, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs((double)x[i]));
    return most;
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

static double norm(const float *a, size_t n)
{
    return sqrt(dot(a, a, n));
}

/* Relative to the largest number. Single precision has 6e-8; a batch norm of a channel that hardly varies (a shortcut's
 * zeros behind another norm) multiplies rounding by up to eps^(-1/2) = 316, twice in second derivatives' sums. */
static const double OF_GRADIENT = 1e-5, OF_HV = 1e-4;

static void check_differences(net *t, size_t number)
{
    double loss;
    size_t right;
    for (size_t i = 0; i < t->m->state; i++) t->at[i] = (double)t->state[i];
    const double expected = reference_loss(&t->r, t->at);
    sl_model_run(t->m, t->w, t->state, COUNT, &t->mode, &loss, &right, NULL);
    assert_near(loss, expected, 1e-6);
    sl_model_hessian_vector(t->m, t->w, t->state, COUNT, &t->mode, t->v, t->gradient, t->hv);
    const double g = largest(t->gradient, t->n), hv = largest(t->hv, t->n);
    for (size_t i = 0; i < t->n; i++) {
        const double d = slope(t, i, 0), second = (slope(t, i, H) - slope(t, i, -H)) / (2 * H);
        if (!(fabs((double)t->gradient[i] - d) <= OF_GRADIENT * g + 1e-7))
            fail_msg("net %zu: gradient[%zu] is %.9g, expected %.9g", number, i, t->gradient[i], d);
        if (!(fabs((double)t->hv[i] - second) <= OF_HV * hv + 1e-6))
            fail_msg("net %zu: hv[%zu] is %.9g, expected %.9g, largest %g", number, i, t->hv[i], second, hv);
    }
}

/* H (v + 2u) = Hv + 2 Hu, <u, Hv> = <v, Hu>, and the gradient that comes along is that of a run. */
static void check_identities(net *t)
{
    const size_t n = t->n;
    float *const sum = calloc(n, sizeof *sum), *const both = calloc(n, sizeof *both), *const g = calloc(n, sizeof *g);
    for (size_t i = 0; i < n; i++) sum[i] = t->v[i] + 2 * t->u[i];
    sl_model_hessian_vector(t->m, t->w, t->state, COUNT, &t->mode, t->v, t->gradient, t->hv);
    sl_model_hessian_vector(t->m, t->w, t->state, COUNT, &t->mode, t->u, t->gradient, t->hu);
    sl_model_hessian_vector(t->m, t->w, t->state, COUNT, &t->mode, sum, t->gradient, both);
    const double scale = norm(t->hv, n) + norm(t->hu, n);
    for (size_t i = 0; i < n; i++) assert_near(both[i], (double)t->hv[i] + 2 * (double)t->hu[i], 1e-5 * scale);
    assert_near(dot(t->u, t->hv, n), dot(t->v, t->hu, n),
                1e-5 * (norm(t->u, n) * norm(t->hv, n) + norm(t->v, n) * norm(t->hu, n)));
    double loss;
    size_t right;
    float *const moved = calloc(t->m->state, sizeof *moved);
    memcpy(moved, t->state, t->m->state * sizeof *moved);
    sl_model_run(t->m, t->w, moved, COUNT, &t->mode, &loss, &right, g);
    assert_memory_equal(g, t->gradient, n * sizeof *g);
    free(moved);
    free(sum);
    free(both);
    free(g);
}

static void passes__random_networks(void **state)
{
    (void)state;
    for (size_t number = 0; number < NETS; number++) {
        sl_model *m;
        assert_ok(random_net_alloc(&m, 1000 + number, &err));
        net t = set_up(
            m, (sl_mode){.train = number % 2, .label_smoothing = number % 3 ? 0.2 : 0, .seed = 6, .step = number});
        check_differences(&t, number);
        check_identities(&t);
        clear(&t);
    }
}

/* The whole Hessian, column by column, of networks that can be looked at: every entry against second differences. */
static void check_hessian(sl_model *m, bool train)
{
    net t = set_up(m, (sl_mode){.train = train});
    float *const h = calloc(t.n * t.n, sizeof *h);
    for (size_t j = 0; j < t.n; j++) {
        memset(t.v, 0, t.n * sizeof *t.v);
        t.v[j] = 1;
        check_differences(&t, j);
        memcpy(h + j * t.n, t.hv, t.n * sizeof *h);
    }
    const double most = largest(h, t.n * t.n);
    assert_true(most > 0.01);
    for (size_t i = 0; i < t.n; i++)
        for (size_t j = 0; j < i; j++) assert_near(h[i * t.n + j], h[j * t.n + i], 1e-6 * most);
    free(h);
    clear(&t);
}

static sl_builder *start(sl_shape pictures)
{
    sl_builder *b;
    assert_ok(sl_builder_alloc(&b, pictures, 3, SL_START_DEFAULT, &err));
    return b;
}

static sl_model *finish(sl_builder *b)
{
    sl_model *m;
    assert_ok(sl_builder_finish(b, &m, &err));
    return m;
}

static void hessian__of_a_small_mlp(void **state)
{
    (void)state;
    sl_model *m;
    assert_ok(sl_model_alloc(&m, "mlp:hidden=4", 1, 1, 3, 3, &err));
    check_hessian(m, true);
}

/* Batch norm between two layers, in both modes; a residual block around it. */
static void hessian__through_batch_norm(void **state)
{
    (void)state;
    for (int train = 0; train < 2; train++) {
        sl_builder *const b = start((sl_shape){1, 1, 2});
        const size_t in = sl_build_linear(b, 0, "in", 3, false), norm1 = sl_build_batch_norm(b, in, "norm");
        sl_build_linear(b, sl_build_add(b, sl_build_relu(b, norm1), in), "out", 3, true);
        check_hessian(finish(b), train);
    }
}

static void hessian__through_convolution_and_pooling(void **state)
{
    (void)state;
    sl_builder *const b = start((sl_shape){4, 4, 1});
    const size_t conv = sl_build_conv(b, 0, "conv", 2, 3, 1, 1, false), norm1 = sl_build_batch_norm(b, conv, "norm");
    const size_t pool = sl_build_max_pool(b, norm1, 2, 2, 0),
                 joined = sl_build_concat(b, pool, sl_build_avg_pool(b, norm1, 2, 2, 0));
    sl_build_linear(b, sl_build_global_avg(b, joined), "out", 3, false);
    check_hessian(finish(b), true);
}

/* By hand: softmax regression on one sample x has the Hessian (diag p - p p^T) x x^T. */
static void hessian__of_softmax_regression(void **state)
{
    (void)state;
    sl_model *m;
    sl_workspace *w;
    enum { IN = 2, CLASSES = 3, N = CLASSES * (IN + 1) };
    assert_ok(sl_model_alloc(&m, "mlp:hidden=0", 1, 1, IN, CLASSES, &err));
    assert_ok(sl_workspace_alloc(&w, m, 1, SL_FOR_CURVATURE, NULL, &err));
    const float x[IN + 1] = {2, -1, 1}; /* the 1 is the bias's */
    float params[N] = {0}, v[N], g[N], hv[N];
    params[CLASSES * IN + 1] = logf(2); /* biases 0, log 2, log 5: p = 1/8, 2/8, 5/8 */
    params[CLASSES * IN + 2] = logf(5);
    const double p[CLASSES] = {1 / 8., 2 / 8., 5 / 8.};
    memcpy(sl_workspace_input(w), x, IN * sizeof *x);
    sl_workspace_labels(w)[0] = 1;
    for (int i = 0; i < N; i++) v[i] = (float)(i % 4) - 1;
    sl_model_hessian_vector(m, w, params, 1, NULL, v, g, hv);
    for (int c = 0; c < CLASSES; c++)
        for (int k = 0; k <= IN; k++) {
            double expected = 0;
            for (int d = 0; d < CLASSES; d++)
                for (int l = 0; l <= IN; l++) {
                    const double weight = l < IN ? v[d * IN + l] : v[CLASSES * IN + d];
                    expected += p[c] * ((c == d) - p[d]) * x[k] * x[l] * weight;
                }
            assert_near(k < IN ? hv[c * IN + k] : hv[CLASSES * IN + c], expected, 1e-6);
            assert_near(k < IN ? g[c * IN + k] : g[CLASSES * IN + c], (p[c] - (c == 1)) * x[k], 1e-6);
        }
    sl_workspace_free(w);
    sl_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes__random_networks),
        cmocka_unit_test(hessian__of_a_small_mlp),
        cmocka_unit_test(hessian__through_batch_norm),
        cmocka_unit_test(hessian__through_convolution_and_pooling),
        cmocka_unit_test(hessian__of_softmax_regression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
