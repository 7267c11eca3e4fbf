#include "tests/test.h"

#include "base/random.h"
#include "sim/loss.h"

/* One of each family, with parameters off their defaults. */
static const char *const samples[] = {
    "quadratic",
    "quadratic:a=2.5:dim=3",
    "quadratic:a=2:spectrum=1,0.1,3",
    "double-well",
    "tilted-double-well:tilt=-0.2",
    "quartic",
    "periodic",
    "quadratic-saddle:dim=5:index=2:a=0.7:gamma=1.3",
    "strict-saddle",
    "rosenbrock:a=0.7:b=1.5",
    "bent-double-well:a=2:b=0.3",
    "mueller-brown:scale=1e-5", /* values reach 1e4 at scale 1e-2 within the points drawn */
    "monkey-saddle:q=0.3",
    "matrix-factorisation",
    "matrix-factorisation:r=3:spectrum=0.5,-0.3,0.2,0.1",
    "phase-retrieval:n=3:m=17:seed=5",
    "tensor-decomposition:d=3",
};
enum { SAMPLES = sizeof samples / sizeof *samples, POINTS = 64 };

typedef struct {
    _Alignas(64) double x[SL_LOSS_MAX_DIM * POINTS], y[SL_LOSS_MAX_DIM * POINTS], g[SL_LOSS_MAX_DIM * POINTS],
        h[SL_LOSS_MAX_DIM * POINTS], u[SL_LOSS_MAX_DIM * POINTS], up[POINTS], down[POINTS];
} work;

/* Random points and directions, standard normal. */
static void scatter(work *w, size_t dim)
{
    for (size_t d = 0; d < dim; d++) {
        const sl_draw draw = {.seed = 11, .sub = (uint32_t)d, .purpose = SL_PURPOSE_TEST},
                      other = {.seed = 12, .sub = (uint32_t)d};
        sl_random_normals(w->x + d * POINTS, POINTS, 0, 1, &draw);
        sl_random_normals(w->u + d * POINTS, POINTS, 0, 1, &other);
    }
}

/* Central differences with step 1e-5: truncation h^2 f'''/6 ~ 1e-10, rounding eps f / h ~ 1e-11 for f of order 1 to
 * 100; the tolerance 1e-7 stands well above both and far below any wrong coefficient. */
static const double STEP = 1e-5, TOLERANCE = 1e-7;

static void gradient__is_the_central_difference_of_value(void **state)
{
    work *w = *state;
    for (size_t s = 0; s < SAMPLES; s++) {
        sl_loss loss;
        assert_ok(sl_loss_init(&loss, samples[s], &err));
        scatter(w, loss.dim);
        loss.kind->gradient(&loss, POINTS, POINTS, w->x, w->g);
        for (size_t d = 0; d < loss.dim; d++) {
            memcpy(w->y, w->x, sizeof w->x);
            for (size_t i = 0; i < POINTS; i++) w->y[d * POINTS + i] = w->x[d * POINTS + i] + STEP;
            loss.kind->value(&loss, POINTS, POINTS, w->y, w->up);
            for (size_t i = 0; i < POINTS; i++) w->y[d * POINTS + i] = w->x[d * POINTS + i] - STEP;
            loss.kind->value(&loss, POINTS, POINTS, w->y, w->down);
            for (size_t i = 0; i < POINTS; i++)
                assert_near((w->up[i] - w->down[i]) / (2 * STEP), w->g[d * POINTS + i], TOLERANCE);
        }
    }
}

static void hessian_vector__is_the_central_difference_of_gradient(void **state)
{
    work *w = *state;
    for (size_t s = 0; s < SAMPLES; s++) {
        sl_loss loss;
        assert_ok(sl_loss_init(&loss, samples[s], &err));
        scatter(w, loss.dim);
        loss.kind->hessian_vector(&loss, POINTS, POINTS, w->x, w->u, w->h);
        const size_t n = loss.dim * POINTS;
        for (size_t i = 0; i < n; i++) w->y[i] = w->x[i] + STEP * w->u[i];
        loss.kind->gradient(&loss, POINTS, POINTS, w->y, w->g);
        for (size_t i = 0; i < n; i++) w->h[i] -= w->g[i] / (2 * STEP);
        for (size_t i = 0; i < n; i++) w->y[i] = w->x[i] - STEP * w->u[i];
        loss.kind->gradient(&loss, POINTS, POINTS, w->y, w->g);
        for (size_t i = 0; i < n; i++) assert_near(w->h[i] + w->g[i] / (2 * STEP), 0, TOLERANCE);
    }
}

static void laplacian__is_the_trace_of_the_hessian(void **state)
{
    work *w = *state;
    for (size_t s = 0; s < SAMPLES; s++) {
        sl_loss loss;
        assert_ok(sl_loss_init(&loss, samples[s], &err));
        scatter(w, loss.dim);
        loss.kind->laplacian(&loss, POINTS, POINTS, w->x, w->up);
        memset(w->down, 0, sizeof w->down);
        for (size_t d = 0; d < loss.dim; d++) {
            memset(w->u, 0, sizeof w->u);
            for (size_t i = 0; i < POINTS; i++) w->u[d * POINTS + i] = 1;
            loss.kind->hessian_vector(&loss, POINTS, POINTS, w->x, w->u, w->h);
            for (size_t i = 0; i < POINTS; i++) w->down[i] += w->h[d * POINTS + i];
        }
        for (size_t i = 0; i < POINTS; i++) assert_near(w->up[i], w->down[i], 1e-12);
    }
}

static void value__has_the_values_worked_by_hand(void **state)
{
    (void)state;
    const struct {
        const char *name;
        double x[3], f, g[3];
    } cases[] = {
        {"quadratic:a=3", {2}, 6, {6}},
        {"quadratic:a=2:spectrum=1,0.5", {1, 2}, 3, {2, 2}},
        {"double-well", {2}, 2.25, {6}},
        {"tilted-double-well:tilt=0.5", {2}, 3.25, {6.5}},
        {"quartic", {2}, 4, {8}},
        {"periodic", {M_PI / 2}, 1, {1}},
        {"quadratic-saddle:a=2:gamma=4", {1, 1}, -1, {2, -4}},
        {"strict-saddle", {2, 2}, 4, {2, 6}},
        {"rosenbrock", {2, 3}, 101, {802, -200}},
        {"bent-double-well", {2, 1}, 2.375, {7, -0.5}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        sl_loss loss;
        double g[SL_LOSS_MAX_DIM];
        assert_ok(sl_loss_init(&loss, cases[c].name, &err));
        assert_near(sl_loss_value(&loss, cases[c].x), cases[c].f, 1e-14);
        sl_loss_gradient(&loss, cases[c].x, g);
        for (size_t d = 0; d < loss.dim; d++) assert_near(g[d], cases[c].g[d], 1e-14);
    }
}

static void start__is_a_stationary_point(void **state)
{
    (void)state;
    for (size_t s = 0; s < SAMPLES; s++) {
        sl_loss loss;
        double g[SL_LOSS_MAX_DIM];
        assert_ok(sl_loss_init(&loss, samples[s], &err));
        sl_loss_gradient(&loss, loss.start, g);
        if (loss.kind->project) {
            /* the gradient is normal to the set: a step along it is undone by the projection */
            _Alignas(64) double x[SL_LOSS_MAX_DIM * 8];
            for (size_t i = 0; i < 8 * loss.dim; i++) x[i] = loss.start[i / 8] - 0.01 * g[i / 8];
            loss.kind->project(&loss, 8, 8, x);
            for (size_t i = 0; i < 8 * loss.dim; i++) assert_near(x[i], loss.start[i / 8], 1e-14);
        } else {
            for (size_t d = 0; d < loss.dim; d++) assert_near(g[d], 0, 1e-14);
        }
    }
}

/* The minima of (x^2-1)^2/4 + 0.1 x, computed to 30 digits with mpmath. */
static void tilted_double_well__starts_in_its_lower_well(void **state)
{
    (void)state;
    sl_loss loss;
    assert_ok(sl_loss_init(&loss, "tilted-double-well:tilt=0.1", &err));
    assert_near(loss.start[0], -1.046680531804602, 1e-15);
    assert_near(sl_loss_value(&loss, loss.start), -0.10238607380003642, 1e-15);
    assert_ok(sl_loss_init(&loss, "tilted-double-well:tilt=-1000", &err));
    assert_true(loss.start[0] > 0);
}

/* Values, minima and saddles of Mueller and Brown's surface in their own units (mpmath, 20 digits). */
static void mueller_brown__has_its_known_landscape(void **state)
{
    (void)state;
    static const struct {
        double x[2], f, g[2];
    } points[] = {
        {{-0.55822363463302428, 1.4417258418046687}, -146.6995172099540137, {0}},
        {{0.62349940493087651, 0.028037758528685666}, -108.16672411685235499, {0}},
        {{-0.050010822998206058, 0.46669410487197209}, -80.767818129659028156, {0}},
        {{-0.82200155873273210, 0.62431280281487136}, -40.664843508657404291, {0}},
        {{0.21248658200066201, 0.29298832510736777}, -72.24894011232521151, {0}},
        {{0.5, 0.25}, -70.362079698671676981, {48.563066270503506385, 200.22653090823171733}},
    };
    sl_loss loss;
    assert_ok(sl_loss_init(&loss, "mueller-brown:scale=1", &err));
    for (size_t p = 0; p < sizeof points / sizeof *points; p++) {
        double g[2];
        assert_near(sl_loss_value(&loss, points[p].x), points[p].f, 2e-13);
        sl_loss_gradient(&loss, points[p].x, g);
        /* vector exponentials are good to 4 units in the last place; terms reach 2e3 */
        for (int d = 0; d < 2; d++) assert_near(g[d], points[p].g[d], 1e-11);
    }
}

static void slice__is_the_loss_along_one_coordinate(void **state)
{
    (void)state;
    sl_loss loss;
    assert_ok(sl_loss_init(&loss, "quadratic:spectrum=1,3", &err));
    sl_loss_slice slice = {&loss, 1};
    assert_near(sl_loss_slice_value(2, &slice), 6, 1e-14);
    assert_near(sl_loss_slice_derivative(2, &slice), 6, 1e-14);
}

static void init__refuses_what_makes_no_sense(void **state)
{
    (void)state;
    sl_loss loss = {.dim = 77};
    assert_fails(sl_loss_init(&loss, "doublewell", &err), SL_E_NAME, "double-well");
    assert_fails(sl_loss_init(&loss, "quadratic:a=0", &err), SL_E_DOMAIN, "a = 0");
    assert_fails(sl_loss_init(&loss, "quadratic:a=-1", &err), SL_E_DOMAIN, "a = -1");
    assert_fails(sl_loss_init(&loss, "quadratic:dim=129", &err), SL_E_DOMAIN, "129");
    assert_fails(sl_loss_init(&loss, "quadratic:dim=1.5", &err), SL_E_DOMAIN, "1.5");
    assert_fails(sl_loss_init(&loss, "quadratic:dim=3:spectrum=1,2", &err), SL_E_DOMAIN, "dim = 3");
    assert_fails(sl_loss_init(&loss, "quadratic-saddle:dim=2:index=3", &err), SL_E_DOMAIN, "index = 3");
    assert_fails(sl_loss_init(&loss, "double-well:a=1", &err), SL_E_NAME, "parameter");
    assert_fails(sl_loss_init(&loss, "tilted-double-well:tilt=nan", &err), SL_E_DOMAIN, "nan");
    assert_int_equal(loss.dim, 77);
}

static void spec__prints_and_parses_back(void **state)
{
    (void)state;
    for (size_t s = 0; s < SAMPLES; s++) {
        sl_loss loss, again;
        char text[512];
        assert_ok(sl_loss_init(&loss, samples[s], &err));
        sl_spec_print(text, sizeof text, &loss.spec);
        assert_ok(sl_loss_init(&again, text, &err));
        assert_int_equal(loss.dim, again.dim);
        assert_memory_equal(loss.data, again.data, sizeof loss.data);
    }
}

/* f(x) + f(y) - 2 f((x + y)/2) over chords from 64 points in 64 directions, short and long ones: never negative where a loss says that it is convex, to
 * rounding, and negative somewhere where it does not. */
static void convex__is_what_lies_below_its_chords(void **state)
{
    work *w = *state;
    double x[SL_LOSS_MAX_DIM], y[SL_LOSS_MAX_DIM], middle[SL_LOSS_MAX_DIM];
    for (size_t s = 0; s < sl_n_losses; s++) {
        const char *const name = sl_losses[s]->entry.name;
        sl_loss loss;
        size_t above = 0;
        /* in many dimensions a direction that bends down is not met by chance */
        const bool many = strcmp(name, "tensor-decomposition") == 0;
        assert_ok(sl_loss_init(&loss, many ? "tensor-decomposition:d=2" : name, &err));
        scatter(w, loss.dim);
        for (size_t chord = 0; chord < 2 * POINTS * POINTS; chord++) {
            const size_t from = chord / 2 / POINTS, towards = chord / 2 % POINTS;
            for (size_t d = 0; d < loss.dim; d++) {
                x[d] = w->x[d * POINTS + from];
                y[d] = x[d] + (chord % 2 ? 0.2 : 4) * w->u[d * POINTS + towards];
                middle[d] = (x[d] + y[d]) / 2;
            }
            const double fx = sl_loss_value(&loss, x), fy = sl_loss_value(&loss, y);
            above += fx + fy - 2 * sl_loss_value(&loss, middle) < -1e-12 * (fabs(fx) + fabs(fy));
        }
        if ((above == 0) != sl_losses[s]->convex) fail_msg("%s: %zu chords lie below it", name, above);
    }
}

static void cube(const sl_loss *loss, size_t B, size_t stride, const double *x, double *f)
{
    (void)stride;
    for (size_t i = 0; i < B; i++) f[i] = loss->data[0] * x[i] * x[i] * x[i];
}

static void init_kind__takes_a_loss_of_ones_own(void **state)
{
    (void)state;
    static const sl_param params[] = {{.name = "k", .help = "", .def = 2, .min = 0, .max = 9}};
    static const sl_loss_kind own = {.entry = {"cube", "k x^3", "", params, 1}, .value = cube};
    sl_loss loss;
    assert_ok(sl_loss_init_kind(&loss, &own, &err));
    assert_int_equal(loss.dim, 1);
    assert_near(sl_loss_value(&loss, &(double){2}), 16, 0);
}

static void registry__lists_every_loss(void **state)
{
    (void)state;
    for (size_t i = 0; i < sl_n_losses; i++) {
        assert_ptr_equal(sl_loss_entries()[i], &sl_losses[i]->entry);
        assert_non_null(sl_losses[i]->entry.help);
        assert_non_null(sl_losses[i]->entry.source);
    }
}

static int setup(void **state)
{
    *state = aligned_alloc(64, sizeof(work));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient__is_the_central_difference_of_value),
        cmocka_unit_test(hessian_vector__is_the_central_difference_of_gradient),
        cmocka_unit_test(laplacian__is_the_trace_of_the_hessian),
        cmocka_unit_test(value__has_the_values_worked_by_hand),
        cmocka_unit_test(start__is_a_stationary_point),
        cmocka_unit_test(tilted_double_well__starts_in_its_lower_well),
        cmocka_unit_test(mueller_brown__has_its_known_landscape),
        cmocka_unit_test(slice__is_the_loss_along_one_coordinate),
        cmocka_unit_test(init__refuses_what_makes_no_sense),
        cmocka_unit_test(spec__prints_and_parses_back),
        cmocka_unit_test(init_kind__takes_a_loss_of_ones_own),
        cmocka_unit_test(registry__lists_every_loss),
        cmocka_unit_test(convex__is_what_lies_below_its_chords),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
