/* Gradient noise against the dense covariance of gradients written out by hand in double. */
#include "tests/test.h"

#include <lapacke.h>

#include "base/lanczos.h"
#include "base/parallel.h"
#include "nets/noise.h"
#include "tests/nets/small_net.h"

enum { N = 90 };

static const sl_noise_config config = {.top = 4, .steps = 30, .directions = 3, .probes = 60, .batch = 8, .batches = 200,
                                       .seed = 1};

/* What the dense matrix says. */
typedef struct {
    double *D, *mean, *value, trace, square; /* value ascending, D becomes eigenvectors (rows of columns) */
    double *diagonal;
} answer;

static answer solve(const small_net *s)
{
    const size_t P = s->P;
    answer a = {
        .mean = calloc(P, sizeof(double)), .value = calloc(P, sizeof(double)), .diagonal = calloc(P, sizeof(double))};
    a.D = small_covariance(s, a.mean);
    for (size_t k = 0; k < P; k++) {
        a.diagonal[k] = a.D[k * P + k];
        a.trace += a.diagonal[k];
    }
    for (size_t k = 0; k < P * P; k++) a.square += a.D[k] * a.D[k];
    assert_int_equal(LAPACKE_dsyev(LAPACK_COL_MAJOR, 'V', 'U', (int)P, a.D, (int)P, a.value), 0);
    return a;
}

static void clear(answer *a)
{
    free(a->D);
    free(a->mean);
    free(a->value);
    free(a->diagonal);
}

static void agrees(const sl_net_noise *r, const small_net *s, const answer *a, double of_vectors)
{
    const size_t P = s->P;
    double g2 = 0, largest = 0;
    for (size_t k = 0; k < P; k++) {
        g2 += a->mean[k] * a->mean[k];
        largest = fmax(largest, a->diagonal[k]);
    }
    for (size_t k = 0; k < P; k++) {
        assert_near(r->mean[k], a->mean[k], 1e-6 * sqrt(g2));
        assert_near(r->D[k], a->diagonal[k], 1e-6 * largest);
    }
    assert_close(r->trace.value, a->trace, 1e-6);
    assert_close(r->gradient2.value, g2, 2e-6);
    assert_close(r->scale.value, a->trace / g2, 2e-6);
    for (size_t j = 0; j < 4; j++) {
        assert_close(r->eigenvalue[j].value, a->value[P - 1 - j], 2e-6);
        double along = 0;
        for (size_t k = 0; k < P; k++) along += r->vectors[j * P + k] * a->D[(P - 1 - j) * P + k];
        assert_near(fabs(along), 1, of_vectors);
        assert_close(r->along[j].variance.value, a->value[P - 1 - j], 2e-6);
    }
    assert_close(r->top_share.value, a->value[P - 1] / a->trace, 2e-6);
}

static void measure__gram_equals_dense(void **state)
{
    (void)state;
    for (int hidden = 0; hidden < 2; hidden++) {
        small_net *const s = small_alloc(hidden, N);
        sl_objective *const o = small_objective(s, 0, 2);
        answer a = solve(s);
        sl_net_noise r;
        assert_ok(sl_noise_measure(&r, o, &config, &err));
        assert_true(r.gram);
        assert_int_equal(r.n_top, 4);
        agrees(&r, s, &a, 1e-8);
        assert_close(r.square.value, a.square, 4e-6);
        assert_close(r.participation.value, a.trace * a.trace / ((double)s->P * a.square), 4e-6);
        sl_noise_clear(&r);
        clear(&a);
        sl_objective_free(o);
        small_free(s);
    }
}

static void measure__lanczos_equals_dense(void **state)
{
    (void)state;
    for (int hidden = 0; hidden < 2; hidden++) {
        small_net *const s = small_alloc(hidden, N);
        sl_objective *const o = small_objective(s, 0, 2);
        answer a = solve(s);
        sl_noise_config c = config;
        c.gram_most = 1;
        sl_net_noise r;
        assert_ok(sl_noise_measure(&r, o, &c, &err));
        assert_false(r.gram);
        agrees(&r, s, &a, 1e-8);
        for (size_t j = 0; j < 4; j++) assert_true(r.residual[j] < 1e-6 * a.value[s->P - 1]);
        assert_near(r.square.value, a.square, 4.5 * r.square.se);
        double rest = 0; /* Var |D P z|^2 is at most 2 tr (P D^2 P)^2 */
        for (size_t k = 0; k + 4 < s->P; k++) rest += pow(a.value[k], 4);
        assert_true(r.square.se < 1.4 * sqrt(2 * rest / 60));
        assert_near(r.participation.value, a.trace * a.trace / ((double)s->P * a.square), 4.5 * r.participation.se);
        sl_noise_clear(&r);
        clear(&a);
        sl_objective_free(o);
        small_free(s);
    }
}

/* D_hat as products with the unit vectors. */
static void product__columns_are_the_matrix(void **state)
{
    (void)state;
    small_net *const s = small_alloc(true, 40);
    sl_objective *const o = small_objective(s, 0, 1);
    const size_t P = s->P;
    double *const mean = calloc(P, sizeof *mean), *const D = small_covariance(s, mean);
    double *const unit = calloc(P * P, sizeof *unit), *const y = calloc(P * P, sizeof *y);
    for (size_t k = 0; k < P; k++) unit[k * P + k] = 1;
    sl_noise_matrix d = {o, mean};
    assert_ok(sl_noise_product(&d, P, unit, y, &err));
    for (size_t k = 0; k < P * P; k++) assert_near(y[k], D[k], 1e-6);
    free(mean);
    free(D);
    free(unit);
    free(y);
    sl_objective_free(o);
    small_free(s);
}

/* Both mini-batch estimators are unbiased, within 4.5 of their errors; without its factor the partition's is short by
 * (n - C)/(n - 1), which the errors can tell. */
static void batches__estimate_the_exact_trace(void **state)
{
    (void)state;
    small_net *const s = small_alloc(false, N);
    sl_objective *const o = small_objective(s, 0, 2);
    sl_noise_config c = config;
    c.batch = 15;
    c.batches = 2000;
    sl_net_noise r;
    assert_ok(sl_noise_measure(&r, o, &c, &err));
    assert_int_equal(r.batches, 2000);
    assert_int_equal(r.epochs, 64);
    assert_near(r.by_replacement.value, r.trace.value, 4.5 * r.by_replacement.se);
    assert_near(r.by_partition.value, r.trace.value, 4.5 * r.by_partition.se);
    assert_true(r.by_replacement.se < 0.02 * r.trace.value && r.by_partition.se < 0.03 * r.trace.value);
    assert_close(r.uncorrected.value * (N - 1) / (N - 15), r.by_partition.value, 1e-12);
    assert_true(fabs(r.uncorrected.value - r.trace.value) > 4.5 * r.uncorrected.se);
    sl_noise_clear(&r);
    sl_objective_free(o);
    small_free(s);
}

/* Over many seeds: mean error 0 and squared errors of one, in units of the errors given. */
static void batches__errors_are_honest(void **state)
{
    (void)state;
    enum { SEEDS = 60 };
    small_net *const s = small_alloc(false, 30);
    sl_objective *const o = small_objective(s, 0, 1);
    sl_noise_config c = config;
    c.batch = 5;
    c.batches = 40;
    c.directions = 0;
    sl_welford replacement = {0}, partition = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        sl_net_noise r;
        c.seed = seed;
        assert_ok(sl_noise_measure(&r, o, &c, &err));
        sl_welford_add(&replacement, (r.by_replacement.value - r.trace.value) / r.by_replacement.se);
        sl_welford_add(&partition, (r.by_partition.value - r.trace.value) / r.by_partition.se);
        sl_noise_clear(&r);
    }
    const sl_welford *const both[2] = {&replacement, &partition};
    for (int i = 0; i < 2; i++) {
        const double variance = sl_welford_variance(both[i]);
        assert_near(both[i]->mean, 0, 4.5 * sqrt(variance / SEEDS));
        assert_true(variance > 0.5 && variance < 2.4); /* chi^2 of 59, widened: 8 epochs make t of 7, variance 1.4 */
    }
    sl_objective_free(o);
    small_free(s);
}

/* The errors of trace, scale, eigenvalue, share and participation are those of drawing the samples: against the spread
 * over data sets drawn anew from a large one. */
static void errors__are_those_of_the_samples(void **state)
{
    (void)state;
    enum { SETS = 60, EACH = 200, OF = SETS * EACH };
    small_net *const s = small_alloc(true, OF);
    sl_noise_config c = config;
    c.batches = 0;
    c.directions = 1;
    sl_welford value[5] = {0}, said[5] = {0};
    for (size_t k = 0; k < SETS; k++) {
        sl_dataset part = s->data;
        part.n = EACH;
        part.pixels += k * EACH * SMALL_IN;
        part.labels += k * EACH;
        sl_objective *o;
        const sl_objective_config oc = {.model = s->m, .state = s->state, .data = &part, .jobs = 1};
        assert_ok(sl_objective_alloc(&o, &oc, &err));
        sl_net_noise r;
        assert_ok(sl_noise_measure(&r, o, &c, &err));
        const sl_estimate e[5] = {r.trace, r.scale, r.eigenvalue[0], r.top_share, r.participation};
        for (size_t i = 0; i < 5; i++) {
            sl_welford_add(&value[i], e[i].value);
            sl_welford_add(&said[i], e[i].se);
        }
        sl_noise_clear(&r);
        sl_objective_free(o);
    }
    for (size_t i = 0; i < 5; i++) { /* the spread over 60 sets is itself known to 9 % */
        const double ratio = said[i].mean / sqrt(sl_welford_variance(&value[i]));
        if (!(ratio > 0.6 && ratio < 1.5)) fail_msg("estimate %zu: error given / spread = %g", i, ratio);
    }
    small_free(s);
}

static void measure__same_bits_on_any_number_of_threads(void **state)
{
    (void)state;
    small_net *const s = small_alloc(true, N);
    sl_net_noise r[2];
    for (int k = 0; k < 2; k++) {
        sl_objective *const o = small_objective(s, 0, k ? 3 : 1);
        sl_noise_config c = config;
        c.gram_most = 1;
        assert_ok(sl_noise_measure(&r[k], o, &c, &err));
        sl_objective_free(o);
    }
    assert_memory_equal(r[0].D, r[1].D, s->P * sizeof(double));
    assert_memory_equal(r[0].vectors, r[1].vectors, 4 * s->P * sizeof(double));
    assert_memory_equal(&r[0].square, &r[1].square, sizeof(sl_estimate));
    assert_memory_equal(&r[0].by_replacement, &r[1].by_replacement, sizeof(sl_estimate));
    sl_noise_clear(&r[0]);
    sl_noise_clear(&r[1]);
    small_free(s);
}

static void measure__refuses(void **state)
{
    (void)state;
    small_net *const s = small_alloc(false, 20);
    sl_objective *o = small_objective(s, 0, 1);
    sl_net_noise r = {.samples = 77};
    sl_noise_config c = config;
    c.batch = 20;
    assert_fails(sl_noise_measure(&r, o, &c, &err), SL_E_DOMAIN, "batch = 20");
    c = config;
    c.top = 0;
    assert_fails(sl_noise_measure(&r, o, &c, &err), SL_E_DOMAIN, "top = 0");
    c = config;
    c.probes = 1;
    assert_fails(sl_noise_measure(&r, o, &c, &err), SL_E_DOMAIN, "probes = 1");
    sl_stop_request();
    assert_fails(sl_noise_measure(&r, o, &config, &err), SL_INTERRUPTED, "interrupted");
    sl_stop_clear();
    assert_int_equal(r.samples, 77);
    sl_objective_free(o);

    sl_objective_config oc = {.model = s->m, .state = s->state, .data = &s->data, .samples = 21, .jobs = 1};
    assert_fails(sl_objective_alloc(&o, &oc, &err), SL_E_DOMAIN, "samples = 21");
    oc.samples = 0;
    oc.weight_decay = -1;
    assert_fails(sl_objective_alloc(&o, &oc, &err), SL_E_DOMAIN, "weight decay = -1");
    oc.weight_decay = 0;
    s->state[3] = NAN;
    assert_fails(sl_objective_alloc(&o, &oc, &err), SL_E_NUMERIC, "weight 3");
    s->state[3] = 1e38f; /* finite, but the losses are not */
    s->state[4] = -1e38f;
    s->state[13] = 3e38f;
    assert_ok(sl_objective_alloc(&o, &oc, &err));
    assert_fails(sl_noise_measure(&r, o, &config, &err), SL_E_NUMERIC, "the loss of samples");
    sl_objective_free(o);
    sl_dataset other = s->data;
    other.classes = 7;
    oc.data = &other;
    assert_fails(sl_objective_alloc(&o, &oc, &err), SL_E_CONFIG, "7 classes");

    for (size_t i = 1; i < s->n; i++) { /* all samples alike: no noise at all */
        memcpy(s->data.pixels + i * SMALL_IN, s->data.pixels, SMALL_IN);
        s->data.labels[i] = s->data.labels[0];
    }
    sl_model_init(s->m, s->state, 2, 0);
    oc.data = &s->data;
    assert_ok(sl_objective_alloc(&o, &oc, &err));
    assert_fails(sl_noise_measure(&r, o, &config, &err), SL_E_NUMERIC, "no noise");
    sl_objective_free(o);
    small_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measure__gram_equals_dense),
        cmocka_unit_test(measure__lanczos_equals_dense),
        cmocka_unit_test(product__columns_are_the_matrix),
        cmocka_unit_test(batches__estimate_the_exact_trace),
        cmocka_unit_test(batches__errors_are_honest),
        cmocka_unit_test(errors__are_those_of_the_samples),
        cmocka_unit_test(measure__same_bits_on_any_number_of_threads),
        cmocka_unit_test(measure__refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
