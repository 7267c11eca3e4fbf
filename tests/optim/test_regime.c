/* Regimes of optim/regime.h on vectors: against NumPy, closed forms, and what must hold whatever the loss. */
#include "tests/test.h"

#include "optim/regime.h"

enum { N = 4, MOST_LANES = 128 };

/* A run on lanes, each replica with a loss scale x'Hx/2 + tilt n_k'x of its own. */
typedef struct {
    size_t n, lanes;
    const double *H; /* [n][n] */
    double tilt, scale[MOST_LANES];
    sl_regime regime;
    sl_regime_run run;
    void *memory;
    double *x, *v, *g, *g2, loss[MOST_LANES], loss2[MOST_LANES];
    size_t gradients;
} trial;

static trial t;

static int teardown(void **state)
{
    (void)state;
    free(t.memory);
    free(t.x);
    t = (trial){0};
    return 0;
}

static void start(const char *regime, const char *rule, double mu, double w, size_t n, size_t lanes, const double *H,
                  uint64_t epoch)
{
    sl_err err = {0};
    sl_rule r;
    teardown(NULL);
    assert_int_equal(sl_rule_init(&r, rule, SL_ALPHA_ON_STEP, 1, mu, w, &err), SL_OK);
    t = (trial){.n = n, .lanes = lanes, .H = H};
    assert_int_equal(sl_regime_init(&t.regime, regime, &r, epoch, &err), SL_OK);
    const sl_regime_space space = {.n = n, .lanes = lanes};
    t.memory = aligned_alloc(64, (size_t)sl_regime_bytes(&t.regime, &space));
    t.x = calloc(4 * n * lanes, sizeof *t.x);
    t.v = t.x + n * lanes;
    t.g = t.v + n * lanes;
    t.g2 = t.g + n * lanes;
    for (size_t i = 0; i < lanes; i++) t.scale[i] = 1;
    sl_regime_bind(&t.run, &t.regime, &space, t.memory);
    sl_regime_begin(&t.run);
}

static double tilt(uint64_t k, size_t d)
{
    return t.tilt * sin(1.7 * (double)k + (double)d + 0.3 * (double)d * (double)k);
}

static void evaluate(uint64_t k, const double *x, double *g, double *loss)
{
    for (size_t i = 0; i < t.lanes; i++) {
        loss[i] = 0;
        for (size_t d = 0; d < t.n; d++) {
            double h = 0;
            for (size_t e = 0; e < t.n; e++) h += t.H[d * t.n + e] * x[e * t.lanes + i];
            g[d * t.lanes + i] = t.scale[i] * (h + tilt(k, d));
            loss[i] += t.scale[i] * x[d * t.lanes + i] * (h / 2 + tilt(k, d));
        }
    }
    t.gradients++;
}

static bool step(uint64_t k)
{
    evaluate(k, t.x, t.g, t.loss);
    const double *const point = sl_regime_point(&t.run, k, t.x, t.g);
    if (point) evaluate(k, point, t.g2, t.loss2);
    const sl_regime_step s = {.k = k, .loss = t.loss, .loss2 = t.loss2, .x = t.x,
                              .v = t.regime.rule.kind == SL_RULE_PLAIN ? NULL : t.v, .g = t.g,
                              .g2 = point ? t.g2 : NULL};
    return sl_regime_update(&t.run, &s);
}

static const double small[N * N] = {1.05, 0.05, 0.05, 0.05, 0.05, 0.55, 0.05, 0.05,
                                    0.05, 0.05, 0.25, 0.05, 0.05, 0.05, 0.05, 0.1};
static const double origin[N] = {1, -2, 0.5, 1.5};

static void place(void)
{
    for (size_t d = 0; d < t.n; d++)
        for (size_t i = 0; i < t.lanes; i++) t.x[d * t.lanes + i] = origin[d % N];
}

/* tests/optim/make_regimes.py writes each regime again; rounding grows along a trajectory, but not much in 60 steps. */
static void update__is_that_of_numpy(void **state)
{
    (void)state;
    FILE *const f = fopen("tests/optim/fixtures/regimes.txt", "r");
    assert_non_null(f);
    char regime[64], rule[32];
    double mu, w;
    unsigned steps, blocks = 0;
    while (fscanf(f, "%63s %31s %lf %lf %u", regime, rule, &mu, &w, &steps) == 5) {
        start(regime, rule, mu, w, N, 1, small, 8);
        t.tilt = 0.1;
        place();
        for (unsigned k = 0; k < steps; k++) {
            double rate, x[N];
            assert_int_equal(fscanf(f, "%lf %lf %lf %lf %lf", &rate, x, x + 1, x + 2, x + 3), 5);
            assert_true(step(k));
            if (!(fabs(sl_regime_rate(&t.run, 0) - rate) <= 1e-8 * rate))
                fail_msg("%s, %s, step %u: rate %.12g, NumPy's %.12g", regime, rule, k, sl_regime_rate(&t.run, 0),
                         rate);
            for (size_t d = 0; d < N; d++) assert_near(t.x[d], x[d], 1e-8);
        }
        blocks++;
    }
    fclose(f);
    assert_int_equal(blocks, 3 * sl_n_regimes);
}

/* Without memory the gains are the closed forms of the last step, and within [1/L, 1/mu]: spectra 1 .. 1/40 and
 * 1 .. 1/5, where the angle between s and y is never wider than the safeguards' (cosines 0.3 and 0.7). */
static void secant__is_the_closed_form_between_inverse_eigenvalues(void **state)
{
    (void)state;
    static const double spectrum[2][N] = {{1, 0.5, 0.1, 0.025}, {1, 0.5, 0.3, 0.2}};
    for (int is_long = 0; is_long < 2; is_long++) {
        const double *const diagonal = spectrum[is_long];
        double H[N * N] = {0};
        for (size_t d = 0; d < N; d++) H[d * N + d] = diagonal[d];
        start(is_long ? "secant-long:smooth=0" : "secant-short:smooth=0", "plain", 0, 0, N, 1, H, 1);
        place();
        for (unsigned k = 0; k < 60; k++) {
            double before[N], ss = 0, sy = 0, yy = 0;
            memcpy(before, t.x, sizeof before);
            assert_true(step(k));
            double moved[N];
            memcpy(moved, t.x, sizeof moved);
            assert_true(step(++k));
            for (size_t d = 0; d < N; d++) {
                const double s = moved[d] - before[d], y = diagonal[d] * s;
                ss += s * s;
                sy += s * y;
                yy += y * y;
            }
            const double rate = sl_regime_rate(&t.run, 0);
            assert_true(rate >= 1 - 1e-12 && rate <= (is_long ? 5 : 40) * (1 + 1e-12));
            assert_true(sy > (is_long ? 0.7 : 0.3) * sqrt(ss * yy));
            assert_close(rate, is_long ? ss / sy : sy / yy, 1e-9);
        }
    }
}

/* A loss times c has its rates divided by c and the same trajectory; of the sign rule, the same rates. */
static void rate__scales_inversely_with_the_loss(void **state)
{
    (void)state;
    static const char *const rules[] = {"plain", "heavy-ball", "sign"};
    for (size_t r = 0; r < sl_n_regimes; r++)
        for (size_t j = 0; j < 3; j++) {
            start(sl_regimes[r]->name, rules[j], j ? 0.5 : 0, 0, N, 3, small, 8);
            t.tilt = 0.05;
            t.scale[1] = 1024; /* powers of 2: nothing is rounded differently */
            t.scale[2] = 0x1p-20;
            place();
            for (unsigned k = 0; k < 50; k++) {
                assert_true(step(k));
                for (size_t i = 1; i < 3; i++) {
                    const double c = j == 2 ? 1 : t.scale[i];
                    assert_close(sl_regime_rate(&t.run, i) * c, sl_regime_rate(&t.run, 0), 1e-9);
                    for (size_t d = 0; d < N; d++) assert_near(t.x[d * 3 + i], t.x[d * 3], 1e-9);
                }
            }
        }
}

/* Nothing is tuned: x'Hx/2 with condition number 100 in 8 dimensions falls by 10^6 in 4000 steps. */
static void regimes__minimise_quadratics(void **state)
{
    (void)state;
    static const char *const rules[] = {"plain", "heavy-ball", "sign"};
    enum { D = 8 };
    double H[D * D] = {0};
    for (size_t d = 0; d < D; d++) H[d * D + d] = pow(100, -(double)d / (D - 1));
    for (size_t r = 0; r < sl_n_regimes; r++)
        for (size_t j = 0; j < 3; j++) {
            start(sl_regimes[r]->name, rules[j], j == 1 ? 0.9 : j == 2 ? 0.5 : 0, 0, D, 1, H, 1);
            place();
            evaluate(0, t.x, t.g, t.loss);
            const double before = t.loss[0];
            t.gradients = 0;
            for (unsigned k = 0; k < 4000; k++) assert_true(step(k));
            if (!(t.gradients <= 4000 * (size_t)sl_regime_gradients(r) + 1))
                fail_msg("%s took %zu gradients", sl_regimes[r]->name, t.gradients);
            evaluate(0, t.x, t.g, t.loss);
            if (!(t.loss[0] <= 1e-6 * before))
                fail_msg("%s, %s: %.3g of %.3g is left", sl_regimes[r]->name, rules[j], t.loss[0], before);
        }
}

/* The two arrays and the step's number are all of the state: the same bytes after a change of memory on the way. */
static void state__goes_through_a_copy(void **state)
{
    (void)state;
    for (size_t r = 0; r < sl_n_regimes; r++)
        for (unsigned cut = 0; cut < 45; cut += 11) {
            double end[2][N];
            for (int copied = 0; copied < 2; copied++) {
                start(sl_regimes[r]->name, "heavy-ball", 0.5, 0.01, N, 1, small, 8);
                t.tilt = 0.1;
                place();
                for (unsigned k = 0; k < 60; k++) {
                    assert_true(step(k));
                    if (!copied || k != cut) continue;
                    const size_t numbers = sl_regime_numbers_length(&t.run), vectors = sl_regime_vectors_length(&t.run);
                    double *const kept = malloc((numbers + vectors + 1) * sizeof *kept);
                    memcpy(kept, t.run.numbers, numbers * sizeof *kept);
                    if (vectors) memcpy(kept + numbers, t.run.vector[0], vectors * sizeof *kept);
                    const sl_regime_space space = t.run.space;
                    memset(t.memory, 0xff, (size_t)sl_regime_bytes(&t.regime, &space));
                    sl_regime_bind(&t.run, &t.regime, &space, t.memory);
                    memcpy(t.run.numbers, kept, numbers * sizeof *kept);
                    if (vectors) memcpy(t.run.vector[0], kept + numbers, vectors * sizeof *kept);
                    free(kept);
                }
                memcpy(end[copied], t.x, sizeof end[copied]);
            }
            assert_memory_equal(end[0], end[1], sizeof end[0]);
        }
}

/* A start without a gradient stands still until there is one; a linear loss has no curvature and still a rate. */
static void first_step__with_nothing_to_go_by(void **state)
{
    (void)state;
    static const double flat[N * N] = {0};
    for (size_t r = 0; r < sl_n_regimes; r++) {
        start(sl_regimes[r]->name, "plain", 0, 0, N, 1, small, 8);
        for (unsigned k = 0; k < 3; k++) {
            assert_true(step(k));
            assert_near(sl_regime_rate(&t.run, 0), 0, 0);
        }
        t.tilt = 0.1;
        for (unsigned k = 3; k < 6; k++) assert_true(step(k));
        if (strcmp(sl_regimes[r]->name, "polyak") != 0) /* which has f = f* there */
            assert_true(sl_regime_rate(&t.run, 0) > 0);

        start(sl_regimes[r]->name, "plain", 0, 0, N, 1, flat, 8);
        t.tilt = 0.1;
        place();
        for (unsigned k = 0; k < 30; k++) assert_true(step(k));
        for (size_t d = 0; d < N; d++) assert_true(isfinite(t.x[d]));
        if (strcmp(sl_regimes[r]->name, "polyak") != 0) /* which is below f* there */
            assert_true(sl_regime_rate(&t.run, 0) > 0);
    }
}

static void update__says_when_a_rate_is_not_finite(void **state)
{
    (void)state;
    for (size_t r = 0; r < sl_n_regimes; r++) {
        start(sl_regimes[r]->name, "plain", 0, 0, N, 2, small, 8);
        place();
        t.x[0] = NAN;
        assert_false(step(0));
        assert_true(isfinite(t.x[1]) && sl_regime_rate(&t.run, 1) > 0);
    }
}

static void init__refuses(void **state)
{
    (void)state;
    sl_err err = {0};
    sl_rule rule, on_gradient;
    sl_regime r;
    assert_int_equal(sl_rule_init(&rule, "plain", SL_ALPHA_ON_STEP, 1, 0, 0, &err), SL_OK);
    assert_int_equal(sl_rule_init(&on_gradient, "plain", SL_ALPHA_ON_GRADIENT, 1, 0, 0, &err), SL_OK);
    assert_int_equal(sl_regime_init(&r, "secant", &rule, 1, &err), SL_E_NAME);
    assert_non_null(strstr(err.message, "secant-long"));
    assert_int_equal(sl_regime_init(&r, "secant-long:smooth=1", &rule, 1, &err), SL_E_DOMAIN);
    assert_int_equal(sl_regime_init(&r, "auto:episode=2.5", &rule, 1, &err), SL_E_DOMAIN);
    assert_int_equal(sl_regime_init(&r, "polyak:c=0", &rule, 1, &err), SL_E_DOMAIN);
    assert_int_equal(sl_regime_init(&r, "polyak:fstar=nan", &rule, 1, &err), SL_E_DOMAIN);
    assert_int_equal(sl_regime_init(&r, "polyak", &rule, 0, &err), SL_E_DOMAIN);
    assert_int_equal(sl_regime_init(&r, "polyak", &on_gradient, 1, &err), SL_E_CONFIG);
    assert_non_null(strstr(err.message, "gradient"));
    assert_int_equal(sl_regime_init(&r, "polyak", &rule, 1, &err), SL_OK);
    const sl_regime_space huge = {.n = (size_t)1 << 60, .lanes = 1024};
    assert_true(isfinite(sl_regime_bytes(&r, &huge))); /* it keeps no vectors */
    assert_int_equal(sl_regime_init(&r, "auto", &rule, 1, &err), SL_OK);
    assert_true(isinf(sl_regime_bytes(&r, &huge)));
}

/* A flat vector of floats in layers goes where lanes of doubles go, to the precision of floats; a team changes
 * nothing. */
static void flat__is_what_lanes_are(void **state)
{
    (void)state;
    enum { D = 70000, STEPS = 12 };
    sl_err err = {0};
    sl_rule rule;
    sl_team *team = NULL;
    assert_int_equal(sl_team_alloc(&team, 3, &err), SL_OK);
    assert_int_equal(sl_rule_init(&rule, "heavy-ball", SL_ALPHA_ON_STEP, 1, 0.5, 0, &err), SL_OK);
    const size_t ends[] = {100, 40000, D}, one[] = {D};
    float *const x = calloc(5 * D, sizeof *x), *const v = x + D, *const g = v + D, *const g2 = g + D;
    float *const end = g2 + D;
    for (size_t r = 0; r < sl_n_regimes; r++) {
        sl_regime regime;
        assert_int_equal(sl_regime_init(&regime, sl_regimes[r]->name, &rule, 4, &err), SL_OK);
        const bool layered = strcmp(sl_regimes[r]->name, "layer-wise") == 0;
        double rates[4][STEPS];
        for (int how = 0; how < 4; how++) { /* flat; flat over a team; flat in layers; lanes */
            const bool flat = how < 3;
            const sl_regime_space space = {.n = D, .lanes = 1, .flat = flat,
                                           .ends = how == 2 ? ends : flat ? one : NULL,
                                           .layers = how == 2 ? 3 : 1, .team = how == 1 ? team : NULL};
            void *const memory = aligned_alloc(64, (size_t)sl_regime_bytes(&regime, &space));
            double *const lanes = calloc(4 * D, sizeof *lanes);
            sl_regime_run run;
            sl_regime_bind(&run, &regime, &space, memory);
            sl_regime_begin(&run);
            memset(x, 0, 2 * D * sizeof *x);
            for (size_t d = 0; d < D; d++) {
                x[d] = (float)(d % 7) - 3;
                lanes[d] = (double)x[d];
            }
            for (uint64_t k = 0; k < STEPS; k++) {
                double loss[2] = {0};
                const void *point = flat ? (void *)x : (void *)lanes;
                for (int second = 0; second < 2 && point; second++) {
                    for (size_t d = 0; d < D; d++) {
                        const double a = 0.1 + (double)(d % 10) / 10;
                        const double at = flat ? (double)((const float *)point)[d] : ((const double *)point)[d];
                        loss[second] += a * at * at / 2;
                        if (flat) (second ? g2 : g)[d] = (float)(a * at);
                        else lanes[(2 + (size_t)second) * D + d] = a * at;
                    }
                    if (second) break;
                    point = sl_regime_point(&run, k, point, flat ? (void *)g : (void *)(lanes + 2 * D));
                }
                const sl_regime_step s = {.k = k, .loss = loss, .loss2 = loss + 1,
                                          .x = flat ? (void *)x : (void *)lanes,
                                          .v = flat ? (void *)v : (void *)(lanes + D),
                                          .g = flat ? (void *)g : (void *)(lanes + 2 * D),
                                          .g2 = !point ? NULL : flat ? (void *)g2 : (void *)(lanes + 3 * D)};
                assert_true(sl_regime_update(&run, &s));
                rates[how][k] = sl_regime_rate(&run, 0);
            }
            if (how == 0) memcpy(end, x, D * sizeof *x);
            if (how == 1) assert_memory_equal(end, x, D * sizeof *x);
            for (size_t d = 0; how == 3 && d < D; d += 997) assert_near(lanes[d], (double)end[d], 2e-4);
            free(memory);
            free(lanes);
        }
        for (size_t k = 0; k < STEPS; k++) {
            assert_close(rates[1][k], rates[0][k], 0);
            if (!layered) assert_close(rates[2][k], rates[0][k], 1e-6);
            assert_close(rates[3][k], rates[0][k], 5e-3);
        }
    }
    free(x);
    sl_team_free(team);
}

/* Two layers of different curvature that do not see each other: each gets its own rate. */
static void layer_wise__gives_each_layer_its_own(void **state)
{
    (void)state;
    sl_err err = {0};
    sl_rule rule;
    sl_regime regime;
    assert_int_equal(sl_rule_init(&rule, "plain", SL_ALPHA_ON_STEP, 1, 0, 0, &err), SL_OK);
    assert_int_equal(sl_regime_init(&regime, "layer-wise:ratio=100", &rule, 4, &err), SL_OK);
    const size_t ends[] = {2, 6};
    const sl_regime_space space = {.n = 6, .lanes = 1, .flat = true, .ends = ends, .layers = 2};
    void *const memory = aligned_alloc(64, (size_t)sl_regime_bytes(&regime, &space));
    sl_regime_run run;
    sl_regime_bind(&run, &regime, &space, memory);
    sl_regime_begin(&run);
    float x[6] = {1, 2, 1, -1, 2, -2}, v[6] = {0}, g[6], g2[6];
    const float a[6] = {4, 4, 0.5f, 0.5f, 0.5f, 0.5f};
    for (size_t d = 0; d < 6; d++) g[d] = a[d] * x[d];
    const float *const point = sl_regime_point(&run, 0, x, g);
    assert_non_null(point);
    for (size_t d = 0; d < 6; d++) g2[d] = a[d] * point[d];
    const double loss = 1;
    const sl_regime_step s = {.loss = &loss, .loss2 = &loss, .x = x, .v = v, .g = g, .g2 = g2};
    assert_true(sl_regime_update(&run, &s));
    for (size_t d = 0; d < 6; d++) assert_near((double)x[d], 0, 2e-3); /* 1/4 and 2 are exact; the probe is in floats */
    assert_close(sl_regime_rate(&run, 0), (2 * 0.25 + 4 * 2) / 6, 1e-3);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(update__is_that_of_numpy),
        cmocka_unit_test(secant__is_the_closed_form_between_inverse_eigenvalues),
        cmocka_unit_test(rate__scales_inversely_with_the_loss),
        cmocka_unit_test(regimes__minimise_quadratics),
        cmocka_unit_test(state__goes_through_a_copy),
        cmocka_unit_test(first_step__with_nothing_to_go_by),
        cmocka_unit_test(update__says_when_a_rate_is_not_finite),
        cmocka_unit_test(init__refuses),
        cmocka_unit_test(flat__is_what_lanes_are),
        cmocka_unit_test(layer_wise__gives_each_layer_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
