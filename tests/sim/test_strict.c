#include "tests/test.h"

#include "sim/landscape.h"
#include "sim/strict.h"

static const double origin[SL_LOSS_MAX_DIM];

static sl_loss loss_of(const char *text)
{
    sl_loss loss;
    assert_ok(sl_loss_init(&loss, text, &err));
    return loss;
}

/* Closed forms, on balls about 0 and boxes; third differences are good to 1e-6, eigenvalues better. */
static void smoothness__of_losses_with_closed_forms(void **state)
{
    (void)state;
    static const double lo[] = {-1, 0.2}, hi[] = {1, 0.4}, c[] = {0.5, -0.5};
    const struct {
        const char *loss;
        sl_area area;
        double beta, rho;
    } cases[] = {
        {"quadratic-saddle:dim=5:index=2:a=0.7:gamma=1.3", {.centre = origin, .radius = 2}, 1.3, 0},
        {"quadratic-saddle:dim=5:index=2:a=1.7:gamma=1.3", {.centre = origin, .radius = 2}, 1.7, 0},
        {"quadratic-saddle:dim=100:index=1:a=1:gamma=0.5", {.centre = origin, .radius = 1}, 1, 0},
        {"double-well", {.centre = origin, .radius = 1.5}, 3 * 1.5 * 1.5 - 1, 9},
        {"double-well", {.centre = origin, .radius = 0.3}, 1, 1.8},
        {"quartic", {.centre = origin, .radius = 2}, 12, 12},
        {"strict-saddle", {.centre = origin, .radius = 2}, 11, 12},
        {"strict-saddle", {.centre = origin, .radius = 0.5}, 1, 3},
        {"strict-saddle", {.lo = lo, .hi = hi}, 1, 2.4},
        {"strict-saddle", {.centre = c, .radius = 1}, 3 * 1.5 * 1.5 - 1, 9},
        {"monkey-saddle:q=2", {.centre = origin, .radius = 0.5}, 4.5, 12},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const sl_loss loss = loss_of(cases[k].loss);
        sl_smoothness found, exact;
        assert_ok(sl_strict_smoothness(&found, &loss, &cases[k].area, loss.dim > 10 ? 4 : 0, &err));
        assert_near(found.beta, cases[k].beta, 1e-6 * cases[k].beta);
        assert_near(found.rho, cases[k].rho, 1e-6 * fmax(1, cases[k].rho));
        assert_ok(sl_strict_exact(&exact, &loss, &cases[k].area, &err));
        assert_near(exact.beta, cases[k].beta, 1e-12);
        assert_near(exact.rho, cases[k].rho, 1e-12);
    }
}

/* f = |u u' - M|^2/4 with eigenvalues 1 and 1/2 of M: H = |u|^2 + 2 u u' - M, so that beta on a ball of radius R is
 * max(1, 3 R^2 - 1/2), and D^3 f[v,v,v] = 6 (u.v)|v|^2 makes rho = 6 R. With n r coordinates, u = R e_2 in one column
 * is the largest: the same numbers. */
static void smoothness__of_a_factorisation(void **state)
{
    (void)state;
    static const char *const names[] = {"matrix-factorisation:spectrum=1,0.5",
                                        "matrix-factorisation:spectrum=1,0.5:r=2"};
    for (size_t k = 0; k < 2; k++) {
        const sl_loss loss = loss_of(names[k]);
        sl_smoothness s;
        const sl_area area = {.centre = origin, .radius = 1.5};
        assert_ok(sl_strict_smoothness(&s, &loss, &area, 0, &err));
        assert_close(s.beta, 3 * 2.25 - 0.5, 1e-6);
        assert_close(s.rho, 9., 1e-6);
        assert_ok(sl_strict_exact(&s, &loss, &area, &err));
        assert_near(s.beta, 3 * 2.25 - 0.5, 1e-14);
        assert_near(s.rho, 9, 1e-14);
    }
}

/* A loss without a Hessian: second and third differences of the gradient instead. f = sin x. */
static void sine(const sl_loss *loss, size_t B, size_t stride, const double *x, double *f)
{
    (void)loss, (void)stride;
    for (size_t i = 0; i < B; i++) f[i] = sin(x[i]);
}

static void cosine(const sl_loss *loss, size_t B, size_t stride, const double *x, double *g)
{
    (void)loss, (void)stride;
    for (size_t i = 0; i < B; i++) g[i] = cos(x[i]);
}

static void smoothness__without_a_hessian(void **state)
{
    (void)state;
    static const sl_loss_kind own = {.entry = {.name = "sine", .help = "", .source = ""}, .value = sine,
                                     .gradient = cosine};
    sl_loss loss;
    assert_ok(sl_loss_init_kind(&loss, &own, &err));
    sl_smoothness s;
    const sl_area area = {.centre = origin, .radius = 1};
    assert_ok(sl_strict_smoothness(&s, &loss, &area, 0, &err));
    assert_close(s.beta, sin(1), 1e-5);
    assert_close(s.rho, 1., 1e-5);
}

/* The least root of y - y^3 = e in y > 0. */
static double near_saddle(double e)
{
    double y = e;
    for (int i = 0; i < 100; i++) y = e + y * y * y;
    return y;
}

/* All of them by hand. Double well on |x| <= 2: a = 2 and rho = 12 give delta = 1/24; the slope is least where f is
 * convex just inside the ball about a minimum, f'(1 - delta); gamma = 1 - 3 y^2 with y - y^3 = epsilon. The strict
 * saddle is the same in y, with curvature 1 across, so a = 1 and delta = 1/48: alpha = 1, and gamma is unchanged. */
static void find__the_parameters_worked_by_hand(void **state)
{
    (void)state;
    sl_strict s;
    const sl_area area = {.centre = origin, .radius = 2};
    const sl_loss line = loss_of("double-well");
    assert_ok(sl_strict_find(&s, &line, &area, &(sl_strict_choice){0}, &err));
    assert_int_equal(s.minima, 2);
    assert_true(s.strict);
    assert_close(s.delta, 1. / 24, 1e-6);
    assert_close(s.alpha, 3 * pow(11. / 12, 2) - 1, 1e-6);
    const double near = 1 - 1. / 24;
    assert_close(s.epsilon_most, near - near * near * near, 1e-5);
    assert_close(s.epsilon, s.epsilon_most / 2, 1e-12);
    assert_close(s.gamma, 1 - 3 * pow(near_saddle(s.epsilon), 2), 1e-6);

    const sl_loss plane = loss_of("strict-saddle");
    assert_ok(sl_strict_find(&s, &plane, &area, &(sl_strict_choice){.delta = 0.1, .epsilon = 0.05}, &err));
    assert_int_equal(s.minima, 2);
    assert_true(s.strict);
    assert_near(s.delta, 0.1, 0);
    assert_close(s.alpha, 3 * 0.64 - 1, 1e-6);
    /* about (0, 1) the slope is 2 along y and 1 along x: least sideways */
    assert_close(s.epsilon_most, 0.1, 1e-5);
    assert_close(s.gamma, 1 - 3 * pow(near_saddle(0.05), 2), 1e-4);
}

static void find__no_minimum_no_balls(void **state)
{
    (void)state;
    sl_strict s;
    const sl_area area = {.centre = origin, .radius = 2};
    const sl_loss loss = loss_of("quadratic-saddle:a=2:gamma=0.3");
    assert_ok(sl_strict_find(&s, &loss, &area, &(sl_strict_choice){0}, &err));
    assert_int_equal(s.minima, 0);
    assert_true(isinf(s.alpha) && isinf(s.epsilon_most));
    assert_close(s.gamma, 0.3, 1e-9);
    assert_true(s.strict);
}

/* A saddle without curvature, and minima that are a ring: neither is strict. */
static void find__says_what_is_not_strict(void **state)
{
    (void)state;
    sl_strict s;
    const sl_area area = {.centre = origin, .radius = 1.5};
    const sl_loss monkey = loss_of("monkey-saddle");
    assert_ok(sl_strict_find(&s, &monkey, &area, &(sl_strict_choice){0}, &err));
    assert_int_equal(s.minima, 3);
    assert_false(s.strict);
    assert_near(s.gamma, 0, 1e-4);
    const sl_loss ring = loss_of("matrix-factorisation:spectrum=1,0.5:r=2");
    assert_ok(sl_strict_find(&s, &ring, &area, &(sl_strict_choice){.starts = 8}, &err));
    assert_false(s.strict);
}

/* Eigenvalues 1 and 1/2, r = 1: minima +-e_1 with curvatures 2 and 1/2, saddles +-sqrt(1/2) e_2 with -1/2. */
static void find__a_factorisation_is_strict(void **state)
{
    (void)state;
    sl_strict s;
    const sl_area area = {.centre = origin, .radius = 1.5};
    const sl_loss loss = loss_of("matrix-factorisation:spectrum=1,0.5");
    assert_ok(sl_strict_find(&s, &loss, &area, &(sl_strict_choice){.delta = 0.02, .epsilon = 1e-4}, &err));
    assert_int_equal(s.minima, 2);
    assert_true(s.strict);
    assert_close(s.gamma, 0.5, 1e-3);
    assert_true(s.gamma < 0.5);
    /* least eigenvalue at e_1 (1 - r): |u|^2 - 1/2, to first order in r = 2 delta; the ball's edge lies at r = 0.04 */
    assert_near(s.alpha, 0.96 * 0.96 - 0.5, 1e-6);
}

/* More starts can only find more. */
static void smoothness__grows_with_starts(void **state)
{
    (void)state;
    const sl_loss loss = loss_of("mueller-brown");
    static const double lo[] = {-1.5, -0.5}, hi[] = {1, 2};
    const sl_area area = {.lo = lo, .hi = hi};
    sl_smoothness few, many, again;
    assert_ok(sl_strict_smoothness(&few, &loss, &area, 4, &err));
    assert_ok(sl_strict_smoothness(&many, &loss, &area, 64, &err));
    assert_ok(sl_strict_smoothness(&again, &loss, &area, 64, &err));
    assert_true(many.beta >= few.beta && many.rho >= few.rho);
    assert_true(many.beta == again.beta && many.rho == again.rho);
    double beta = 0;
    for (int i = 0; i <= 400; i++)
        for (int j = 0; j <= 400; j++) {
            const double x[] = {lo[0] + 2.5 * i / 400, lo[1] + 2.5 * j / 400};
            double H[4];
            sl_loss_hessian(&loss, x, H);
            const double half = (H[0] + H[3]) / 2, root = hypot((H[0] - H[3]) / 2, H[1]);
            beta = fmax(beta, fmax(fabs(half + root), fabs(half - root)));
        }
    assert_true(many.beta >= beta * (1 - 1e-9));
    assert_close(many.beta, beta, 1e-2); /* the grid's spacing is 0.6 % of the box */
}

static void refuses_what_makes_no_sense(void **state)
{
    (void)state;
    const sl_loss loss = loss_of("double-well"), tensor = loss_of("tensor-decomposition:d=2"),
                  large = loss_of("quadratic:dim=17");
    const double one = 1, two = 2, nan = NAN;
    sl_smoothness s = {7, 7};
    sl_strict p;
    const sl_area ball = {.centre = origin, .radius = 1};
    assert_fails(sl_strict_smoothness(&s, &loss, &(sl_area){0}, 0, &err), SL_E_DOMAIN, "neither");
    assert_fails(sl_strict_smoothness(&s, &loss, &(sl_area){.centre = origin, .radius = -1}, 0, &err), SL_E_DOMAIN,
                 "-1");
    assert_fails(sl_strict_smoothness(&s, &loss, &(sl_area){.centre = &nan, .radius = 1}, 0, &err), SL_E_DOMAIN, "nan");
    assert_fails(sl_strict_smoothness(&s, &loss, &(sl_area){.lo = &two, .hi = &one}, 0, &err), SL_E_DOMAIN, "lo < hi");
    assert_fails(sl_strict_smoothness(&s, &tensor, &ball, 0, &err), SL_E_DOMAIN, "subset");
    assert_fails(sl_strict_exact(&s, &tensor, &ball, &err), SL_E_DOMAIN, "subset");
    const sl_loss factors = loss_of("matrix-factorisation");
    static const double elsewhere[2] = {0, 0.1};
    assert_fails(sl_strict_exact(&s, &factors, &(sl_area){.centre = elsewhere, .radius = 1}, &err), SL_E_DOMAIN,
                 "closed form");
    const sl_loss bent = loss_of("rosenbrock");
    assert_fails(sl_strict_exact(&s, &bent, &ball, &err), SL_E_DOMAIN, "rosenbrock");
    assert_fails(sl_strict_find(&p, &large, &ball, &(sl_strict_choice){0}, &err), SL_E_DOMAIN, "17");
    assert_fails(sl_strict_find(&p, &loss, &ball, &(sl_strict_choice){.delta = -1}, &err), SL_E_DOMAIN, "delta");
    assert_fails(sl_strict_find(&p, &loss, &ball, &(sl_strict_choice){.epsilon = NAN}, &err), SL_E_DOMAIN, "epsilon");
    assert_near(s.beta, 7, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smoothness__of_losses_with_closed_forms),
        cmocka_unit_test(smoothness__of_a_factorisation),
        cmocka_unit_test(smoothness__without_a_hessian),
        cmocka_unit_test(smoothness__grows_with_starts),
        cmocka_unit_test(find__the_parameters_worked_by_hand),
        cmocka_unit_test(find__no_minimum_no_balls),
        cmocka_unit_test(find__says_what_is_not_strict),
        cmocka_unit_test(find__a_factorisation_is_strict),
        cmocka_unit_test(refuses_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
