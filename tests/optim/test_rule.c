#include "tests/test.h"

#include "base/random.h"
#include "optim/rule.h"

enum { N = 1003 }; /* odd: vectors have a tail */

/* Numbers to step with, spread over (-1, 1); rates in (0, 2 l). */
static double x0[N], v0[N], g0[N], rate0[N];
static const double l = 0.07;

static int make_numbers(void **state)
{
    (void)state;
    double *all[] = {x0, v0, g0, rate0};
    for (uint32_t k = 0; k < 4; k++) {
        const sl_draw draw = {.seed = 5, .sub = k, .purpose = SL_PURPOSE_TEST};
        sl_random_uniforms(all[k], N, 0, &draw);
        for (size_t i = 0; i < N; i++) all[k][i] = k < 3 ? 2 * all[k][i] - 1 : 2 * l * all[k][i];
    }
    return 0;
}

static sl_rule make(const char *name, sl_alpha_on on, double lr, double mu, double weight_decay)
{
    sl_rule r;
    assert_ok(sl_rule_init(&r, name, on, lr, mu, weight_decay, &err));
    return r;
}

/* Every rule with both placements of alpha, with and without weight decay. */
enum { RULES = 12 };
static sl_rule rule_number(size_t i, double w)
{
    static const struct {
        const char *name;
        double mu;
    } kinds[] = {{"plain", 0}, {"heavy-ball", 0}, {"heavy-ball", 0.9}, {"nesterov", 0.6}, {"sign", 0}, {"sign", 0.9}};
    return make(kinds[i / 2].name, i % 2 ? SL_ALPHA_ON_GRADIENT : SL_ALPHA_ON_STEP, l, kinds[i / 2].mu, w);
}

/* ---- PyTorch ---- */

/* The quadratic of make_fixtures.py. */
static const double curvature[] = {0.5, 1, 4}, target[] = {0.25, -1, 2}, start[] = {1, 0.5, -0.75};

/* Follows one block of the fixture with rule; returns the largest deviation of x and (with momentum) of v.
 * each: by sl_rule_step_d instead of the versions with one rate. */
static double deviation(FILE *f, const sl_rule *rule, unsigned long steps, bool in_floats, bool each)
{
    double x[3], v[3] = {0}, worst = 0;
    float xf[3], vf[3] = {0};
    for (int i = 0; i < 3; i++) x[i] = start[i], xf[i] = (float)start[i];
    for (unsigned long k = 0; k < steps; k++) {
        double rate, expected_x[3], buffer[3];
        assert_int_equal(fscanf(f, "%lf %lf %lf %lf %lf %lf %lf", &rate, expected_x, expected_x + 1, expected_x + 2,
                                buffer, buffer + 1, buffer + 2), 7);
        if (in_floats) {
            float g[3];
            for (int i = 0; i < 3; i++) g[i] = (float)curvature[i] * xf[i] - (float)target[i];
            sl_rule_step_f(rule, 3, xf, vf, g, rate);
            for (int i = 0; i < 3; i++) x[i] = (double)xf[i], v[i] = (double)vf[i];
        } else {
            const double rates[] = {rate, rate, rate};
            double g[3];
            for (int i = 0; i < 3; i++) g[i] = curvature[i] * x[i] - target[i];
            if (each)
                sl_rule_step_d(rule, 3, x, v, g, rates);
            else
                sl_rule_step_same_d(rule, 3, x, v, g, rate);
        }
        for (int i = 0; i < 3; i++) {
            worst = fmax(worst, fabs(x[i] - expected_x[i]));
            if (rule->mu > 0) worst = fmax(worst, fabs(v[i] + buffer[i])); /* PyTorch's buffer is -v */
        }
    }
    return worst;
}

static void step__agrees_with_torch(void **state)
{
    (void)state;
    FILE *f = fopen("tests/optim/fixtures/rules.txt", "r");
    assert_non_null(f);
    char name[32], type[32];
    double lr, mu, w;
    unsigned long steps;
    int blocks = 0;
    while (fscanf(f, "%31s %31s %lf %lf %lf %lu", name, type, &lr, &mu, &w, &steps) == 6) {
        const bool in_floats = strcmp(type, "float") == 0;
        const sl_rule rule = make(name, SL_ALPHA_ON_STEP, lr, mu, w);
        const long here = ftell(f);
        /* Numbers are of order 1 and the map contracts: 25 steps of some 5 roundings each. */
        const double tolerance = in_floats ? 25 * 5 * 0x1p-24 : 1e-12;
        assert_near(deviation(f, &rule, steps, in_floats, false), 0, tolerance);
        if (!in_floats) {
            fseek(f, here, SEEK_SET);
            assert_near(deviation(f, &rule, steps, false, true), 0, tolerance);
        }
        if (mu > 0) { /* control: the same numbers are not those of the other rule */
            const char *wrong = strcmp(name, "nesterov") == 0 ? "heavy-ball" : "nesterov";
            const sl_rule other = make(wrong, SL_ALPHA_ON_STEP, lr, mu, w);
            fseek(f, here, SEEK_SET);
            assert_true(deviation(f, &other, steps, in_floats, false) > 1e-2);
        }
        blocks++;
    }
    fclose(f);
    assert_int_equal(blocks, 24);
}

/* ---- the formulas of rule.h, written out plainly ---- */

static void reference(const sl_rule *r, double *x, double *v, double g, double rate)
{
    const bool on_step = r->alpha_on == SL_ALPHA_ON_STEP;
    const double alpha = rate / r->lr, G = g + r->weight_decay * *x;
    switch (r->kind) {
    case SL_RULE_PLAIN: *x -= rate * G; break; /* both placements */
    case SL_RULE_HEAVY_BALL:
        *v = r->mu * *v - (on_step ? G : alpha * G);
        *x += (on_step ? rate : r->lr) * *v;
        break;
    case SL_RULE_NESTEROV:
        *v = r->mu * *v - (on_step ? G : alpha * G);
        *x += on_step ? rate * (r->mu * *v - G) : r->lr * (r->mu * *v - alpha * G);
        break;
    case SL_RULE_SIGN:
        *v = r->mu * *v - (on_step ? G : alpha * G);
        *x += (on_step ? rate : r->lr) * ((*v > 0) - (*v < 0));
        break;
    }
}

static void step_d__follows_the_formulas(void **state)
{
    (void)state;
    for (size_t i = 0; i < RULES; i++)
        for (int decay = 0; decay <= 1; decay++) {
            const sl_rule r = rule_number(i, decay ? 0.3 : 0);
            double x[N], v[N];
            memcpy(x, x0, sizeof x);
            memcpy(v, v0, sizeof v);
            for (int k = 0; k < 3; k++) sl_rule_step_d(&r, N, x, v, g0, rate0);
            for (size_t j = 0; j < N; j++) {
                double xr = x0[j], vr = v0[j];
                for (int k = 0; k < 3; k++) reference(&r, &xr, &vr, g0[j], rate0[j]);
                assert_near(x[j], xr, 1e-15); /* numbers of order 1, some 8 roundings of 1.1e-16 */
                assert_near(v[j], vr, 4e-15); /* up to 6 here */
            }
        }
}

static void step_same_d__follows_the_formulas(void **state)
{
    (void)state;
    for (size_t i = 0; i < RULES; i++) {
        const sl_rule r = rule_number(i, 0.3);
        double x[N], v[N];
        memcpy(x, x0, sizeof x);
        memcpy(v, v0, sizeof v);
        for (size_t k = 0; k < 3; k++) sl_rule_step_same_d(&r, N, x, v, g0, rate0[k]);
        for (size_t j = 0; j < N; j++) {
            double xr = x0[j], vr = v0[j];
            for (size_t k = 0; k < 3; k++) reference(&r, &xr, &vr, g0[j], rate0[k]);
            assert_near(x[j], xr, 1e-15);
            assert_near(v[j], vr, 4e-15);
        }
    }
}

/* Musso's eqs 1, 2 with alpha on the gradient, by hand: l = 0.5, alpha = 3, then 0.5. */
static void step_d__puts_alpha_on_the_gradient(void **state)
{
    (void)state;
    double x = 1, v = 2, g = 4, rate = 1.5;
    const sl_rule r = make("heavy-ball", SL_ALPHA_ON_GRADIENT, 0.5, 0.25, 0);
    sl_rule_step_d(&r, 1, &x, &v, &g, &rate); /* v = 0.5 - 12 = -11.5, x = 1 - 5.75 */
    assert_near(v, -11.5, 0);
    assert_near(x, -4.75, 0);
    g = -2, rate = 0.25;
    sl_rule_step_d(&r, 1, &x, &v, &g, &rate); /* v = -2.875 + 1 = -1.875, x = -4.75 - 0.9375 */
    assert_near(v, -1.875, 0);
    assert_near(x, -5.6875, 0);

    const sl_rule nesterov = make("nesterov", SL_ALPHA_ON_GRADIENT, 0.5, 0.25, 0);
    x = 1, v = 2, g = 4, rate = 1.5;
    sl_rule_step_d(&nesterov, 1, &x, &v, &g, &rate); /* v = -11.5, x = 1 + 0.5 (-2.875 - 12) */
    assert_near(v, -11.5, 0);
    assert_near(x, -6.4375, 0);
}

static void placement__does_not_matter_where_alpha_is_1(void **state)
{
    (void)state;
    for (size_t i = 0; i < RULES; i += 2) {
        const sl_rule on_step = rule_number(i, 0.1), on_gradient = rule_number(i + 1, 0.1);
        double rate[N], x[2][N], v[2][N];
        for (size_t j = 0; j < N; j++) rate[j] = l;
        for (int k = 0; k < 2; k++) memcpy(x[k], x0, sizeof x0), memcpy(v[k], v0, sizeof v0);
        for (int k = 0; k < 4; k++) {
            sl_rule_step_d(&on_step, N, x[0], v[0], g0, rate);
            sl_rule_step_d(&on_gradient, N, x[1], v[1], g0, rate);
        }
        for (size_t j = 0; j < N; j++) {
            assert_near(x[1][j], x[0][j], 1e-15);
            assert_near(v[1][j], v[0][j], 4e-15);
        }
    }
}

static void placement__matters_where_there_is_momentum(void **state)
{
    (void)state;
    double difference[RULES / 2];
    for (size_t i = 0; i < RULES; i += 2) {
        const sl_rule on_step = rule_number(i, 0), on_gradient = rule_number(i + 1, 0);
        double x[2][N], v[2][N];
        for (int k = 0; k < 2; k++) memcpy(x[k], x0, sizeof x0), memset(v[k], 0, sizeof v0);
        for (int k = 0; k < 2; k++) { /* the rates turned round between the steps, so that alpha varies */
            double rate[N];
            for (size_t j = 0; j < N; j++) rate[j] = k ? rate0[N - 1 - j] : rate0[j];
            sl_rule_step_d(&on_step, N, x[0], v[0], g0, rate);
            sl_rule_step_d(&on_gradient, N, x[1], v[1], g0, rate);
        }
        difference[i / 2] = 0;
        for (size_t j = 0; j < N; j++) difference[i / 2] = fmax(difference[i / 2], fabs(x[0][j] - x[1][j]));
    }
    assert_true(difference[0] < 1e-15); /* plain, and heavy-ball with mu = 0: only l alpha counts */
    assert_true(difference[1] < 1e-15);
    assert_true(difference[2] > 0.01);
    assert_true(difference[3] > 0.01);
}

static void plain__needs_no_velocity(void **state)
{
    (void)state;
    const sl_rule plain = make("plain", SL_ALPHA_ON_STEP, l, 0, 0.2);
    const sl_rule ball = make("heavy-ball", SL_ALPHA_ON_STEP, l, 0, 0.2);
    double x[N], with[N], v[N], ball_x[N];
    memcpy(x, x0, sizeof x), memcpy(with, x0, sizeof x), memcpy(ball_x, x0, sizeof x), memcpy(v, v0, sizeof v);
    sl_rule_step_d(&plain, N, x, NULL, g0, rate0);
    sl_rule_step_d(&plain, N, with, v, g0, rate0);
    assert_memory_equal(x, with, sizeof x);
    assert_memory_equal(v, v0, sizeof v);
    sl_rule_step_d(&ball, N, ball_x, v, g0, rate0);
    for (size_t j = 0; j < N; j++) assert_near(x[j], ball_x[j], 1e-16);

    sl_rule_step_same_d(&plain, N, x, NULL, g0, l);
    float xf = 1;
    const float gf = 2;
    sl_rule_step_f(&plain, 1, &xf, NULL, &gf, 0.25);
    assert_near((double)xf, 1 - 0.25 * (2 + 0.2), 1e-7);
}

static void sign__moves_by_the_rate_alone(void **state)
{
    (void)state;
    double x[] = {1, 1, 1, 1, 1}, v[] = {0, 0, 0, 4, 4};
    const double g[] = {1e-300, -1e300, 0, 1, 3}, rate[] = {0.25, 0.25, 0.25, 0.5, 0.5};
    const sl_rule r = make("sign", SL_ALPHA_ON_STEP, 0.25, 0.5, 0);
    sl_rule_step_d(&r, 5, x, v, g, rate);
    const double x_after[] = {0.75, 1.25, 1, 1.5, 0.5}, v_after[] = {-1e-300, 1e300, 0, 1, -1};
    for (int i = 0; i < 5; i++) {
        assert_near(x[i], x_after[i], 0);
        assert_near(v[i], v_after[i], 0);
    }
}

/* One step in floats is one step in doubles, rounded: a few roundings of 2^-24 relative to the terms. */
static void step_f__agrees_with_doubles(void **state)
{
    (void)state;
    for (size_t i = 0; i < RULES; i++) {
        const sl_rule r = rule_number(i, 0.3);
        float xf[N], vf[N], gf[N];
        double x[N], v[N], g[N];
        for (size_t j = 0; j < N; j++) {
            x[j] = xf[j] = (float)x0[j];
            v[j] = vf[j] = (float)v0[j];
            g[j] = gf[j] = (float)g0[j];
        }
        sl_rule_step_f(&r, N, xf, vf, gf, 1.3 * l);
        sl_rule_step_same_d(&r, N, x, v, g, 1.3 * l);
        for (size_t j = 0; j < N; j++) {
            assert_near((double)xf[j], x[j], 4 * 0x1p-24);
            assert_near((double)vf[j], v[j], 12 * 0x1p-24);
        }
    }
}

/* The value of a coordinate does not depend on where in a vector it stands: on which lane, in the body or the tail. */
static void step__treats_coordinates_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < RULES; i++) {
        const sl_rule r = rule_number(i, 0.3);
        double x1[N], v1[N];
        float xf1[N], vf1[N];
        for (size_t j = 0; j < N; j++) {
            x1[j] = x0[j], v1[j] = v0[j];
            xf1[j] = (float)x0[j], vf1[j] = (float)v0[j];
            const float g = (float)g0[j];
            sl_rule_step_d(&r, 1, x1 + j, v1 + j, g0 + j, rate0 + j);
            sl_rule_step_f(&r, 1, xf1 + j, vf1 + j, &g, l / 3);
        }
        const size_t sizes[] = {0, 1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 64, 100, N};
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            const size_t n = sizes[k];
            double x[N], v[N];
            float xf[N], vf[N], gf[N];
            for (size_t j = 0; j < N; j++) {
                x[j] = x0[j], v[j] = v0[j];
                xf[j] = (float)x0[j], vf[j] = (float)v0[j], gf[j] = (float)g0[j];
            }
            sl_rule_step_d(&r, n, x, v, g0, rate0);
            sl_rule_step_f(&r, n, xf, vf, gf, l / 3);
            assert_memory_equal(x, x1, n * sizeof *x);
            assert_memory_equal(v, v1, n * sizeof *v);
            assert_memory_equal(xf, xf1, n * sizeof *xf);
            assert_memory_equal(vf, vf1, n * sizeof *vf);
            assert_memory_equal(x + n, x0 + n, (N - n) * sizeof *x); /* and nothing beyond n */
        }
    }
}

/* A rate of 0, as at the start of a warm-up from 0: on the step x rests; on the gradient v coasts. */
static void step__takes_a_rate_of_0(void **state)
{
    (void)state;
    double x = 1, v = 2, g = 4, rate = 0;
    const sl_rule on_step = make("heavy-ball", SL_ALPHA_ON_STEP, 0.5, 0.5, 0);
    sl_rule_step_d(&on_step, 1, &x, &v, &g, &rate);
    assert_near(x, 1, 0);
    assert_near(v, -3, 0);
    const sl_rule on_gradient = make("heavy-ball", SL_ALPHA_ON_GRADIENT, 0.5, 0.5, 0);
    sl_rule_step_d(&on_gradient, 1, &x, &v, &g, &rate);
    assert_near(v, -1.5, 0);
    assert_near(x, 0.25, 0);
}

/* ---- names and refusals ---- */

static void init__fills_in_the_rule(void **state)
{
    (void)state;
    const char *names[] = {"plain", "heavy-ball", "nesterov", "sign"};
    assert_int_equal(sl_n_rules, 4);
    for (size_t i = 0; i < 4; i++) {
        const sl_rule r = make(names[i], SL_ALPHA_ON_GRADIENT, 0.1, i == 0 ? 0 : 0.9, 0.01);
        assert_string_equal(sl_rule_name(&r), names[i]);
        assert_string_equal(sl_rules[i]->name, names[i]);
        assert_true(strlen(sl_rules[i]->help) > 0 && strlen(sl_rules[i]->source) > 0);
        assert_int_equal(sl_rule_is_linear(&r), i != 3);
        assert_int_equal(r.kind, i);
        assert_int_equal(r.alpha_on, SL_ALPHA_ON_GRADIENT);
        assert_near(r.lr, 0.1, 0);
        assert_near(r.mu, i == 0 ? 0 : 0.9, 0);
        assert_near(r.weight_decay, 0.01, 0);
    }
}

static void init__refuses(void **state)
{
    (void)state;
    const struct {
        const char *name;
        double lr, mu, w;
        sl_status status;
        const char *message;
    } cases[] = {
        {"nestrov", 0.1, 0.9, 0, SL_E_NAME, "did you mean 'nesterov'"},
        {"adam", 0.1, 0.9, 0, SL_E_NAME, "plain, heavy-ball, nesterov, sign"},
        {"heavy-ball:mu=0.9", 0.1, 0.9, 0, SL_E_NAME, "takes none"},
        {"heavy-ball", 0.1, 1, 0, SL_E_DOMAIN, "momentum = 1,"},
        {"heavy-ball", 0.1, 1.5, 0, SL_E_DOMAIN, "momentum = 1.5"},
        {"heavy-ball", 0.1, -0.1, 0, SL_E_DOMAIN, "momentum = -0.1"},
        {"heavy-ball", 0.1, NAN, 0, SL_E_DOMAIN, "momentum = "},
        {"plain", 0.1, 0.5, 0, SL_E_DOMAIN, "take 'heavy-ball'"},
        {"nesterov", 0.1, 0, 0, SL_E_DOMAIN, "needs momentum > 0"},
        {"sign", 0.1, 0.5, -1, SL_E_DOMAIN, "weight decay = -1"},
        {"sign", 0.1, 0.5, NAN, SL_E_DOMAIN, "weight decay = "},
        {"sign", 0.1, 0.5, INFINITY, SL_E_DOMAIN, "weight decay = inf"},
        {"sign", 0, 0.5, 0, SL_E_DOMAIN, "learning rate = 0"},
        {"sign", -1, 0.5, 0, SL_E_DOMAIN, "learning rate = -1"},
        {"sign", NAN, 0.5, 0, SL_E_DOMAIN, "learning rate = "},
        {"sign", INFINITY, 0.5, 0, SL_E_DOMAIN, "learning rate = inf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sl_rule r, before;
        memset(&r, 0x5a, sizeof r);
        before = r;
        assert_fails(sl_rule_init(&r, cases[i].name, SL_ALPHA_ON_STEP, cases[i].lr, cases[i].mu, cases[i].w, &err),
                     cases[i].status, cases[i].message);
        assert_memory_equal(&r, &before, sizeof r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(step__agrees_with_torch),
        cmocka_unit_test(step_d__follows_the_formulas),
        cmocka_unit_test(step_same_d__follows_the_formulas),
        cmocka_unit_test(step_d__puts_alpha_on_the_gradient),
        cmocka_unit_test(placement__does_not_matter_where_alpha_is_1),
        cmocka_unit_test(placement__matters_where_there_is_momentum),
        cmocka_unit_test(plain__needs_no_velocity),
        cmocka_unit_test(sign__moves_by_the_rate_alone),
        cmocka_unit_test(step_f__agrees_with_doubles),
        cmocka_unit_test(step__treats_coordinates_alike),
        cmocka_unit_test(step__takes_a_rate_of_0),
        cmocka_unit_test(init__fills_in_the_rule),
        cmocka_unit_test(init__refuses),
    };
    return cmocka_run_group_tests(tests, make_numbers, NULL);
}
