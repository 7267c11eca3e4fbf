#include "tests/test.h"

#include "theory/boltzmann.h"

static double quadratic(double x, void *a)
{
    return *(double *)a * x * x / 2;
}
static double d_quadratic(double x, void *a)
{
    return *(double *)a * x;
}
static double well(double x, void *tilt)
{
    return (x * x - 1) * (x * x - 1) / 4 + *(double *)tilt * x;
}
static double d_well(double x, void *tilt)
{
    return x * (x * x - 1) + *(double *)tilt;
}
static double quartic(double x, void *c)
{
    (void)c;
    return x * x * x * x / 4;
}
static double d_quartic(double x, void *c)
{
    (void)c;
    return x * x * x;
}
static double periodic(double x, void *c)
{
    (void)c;
    return 1 - cos(x);
}
static double d_periodic(double x, void *c)
{
    (void)c;
    return sin(x);
}
static double modulus(double x, void *c)
{
    (void)c;
    return fabs(x - 0.3);
}
static double d_modulus(double x, void *c)
{
    (void)c;
    return x > 0.3 ? 1 : -1;
}
static double cubic(double x, void *c)
{
    (void)c;
    return x * x * x;
}
static double d_cubic(double x, void *c)
{
    (void)c;
    return 3 * x * x;
}

static double one = 1, none = 0, tenth = 0.1;

/* 25-digit quadratures (two rules agreeing, closed forms by Bessel functions where there are any). */
static const struct {
    sl_function f, derivative;
    double *ctx;
    double period, T, log_Z, mean_f, x, x2, x4, xg, g2, var_f, p_left, split;
} reference[] = {
    {quadratic, d_quadratic, &one, 0, 0.02, -1.037072969509400287529046, 0.01, 0, 0.02, 0.0012, 0.02, 0.02, 0.0002, 0.5,
     0},
    {quadratic, d_quadratic, &one, 0, 0.5, 0.5723649429247000870717137, 0.25, 0, 0.5, 0.75, 0.5, 0.5, 0.125, 0.5, 0},
    {well, d_well, &none, 0, 0.02, -0.6740215172478077741301852, 0.01036746134482973611392538, 0,
     0.9785301546206810555442985, 0.9985301546206810555442985, 0.02, 0.03871180927724086333265791,
     0.000216730308367489950249479, 0.5, 0},
    {well, d_well, &none, 0, 0.1, 0.2193327249644981097132714, 0.0571592729894875424683653, 0,
     0.8713629080420498301265388, 0.9713629080420498301265388, 0.1, 0.1614088724126149490379616,
     0.004863563057633879723720572, 0.5, 0},
    {well, d_well, &none, 0, 0.5, 0.926895867881731116409998, 0.1516337576064408437113551, 0,
     0.8934649695742366251545794, 1.393464969574236625154579, 0.5, 0.8401974543613549377318692,
     0.04385752175898177635534065, 0.5, 0},
    {well, d_well, &tenth, 0, 0.02, 3.6803272513689515295987, -0.09212728929216035896937257,
     -1.033849384493845335197207, 1.078354341820487835318328, 1.201739280269872368838049, 0.02,
     0.0447012605092292701190997, 0.0002128657630668677969761829, 0.9999455662156767381818398, 0.10103125788101081769},
    {well, d_well, &tenth, 0, 0.5, 0.9446988898908380232200062, 0.135382970958955877963237, -0.17737221493921881999622,
     0.9052564516824108421481858, 1.422993673176332724147808, 0.5, 0.8578846775236162632222787,
     0.05127291682279262576204385, 0.6063668131513919057092055, 0.10103125788101081769},
    {quartic, d_quartic, NULL, 0, 0.02, -0.03655681693893171199269332, 0.005, 0, 0.095597759497224999072764, 0.02, 0.02,
     0.00573586556983349994436584, 0.0001, 0.5, 0},
    {quartic, d_quartic, NULL, 0, 0.5, 0.7681621392781184753076863, 0.125, 0, 0.47798879748612499536382, 0.5, 0.5,
     0.71698319622918749304573, 0.0625, 0.5, 0},
    {periodic, d_periodic, NULL, 2 * M_PI, 0.02, -1.034547431718849932276338, 0.01005103262150224740734407, 0,
     0.02020447959905139457254068, 0.001233172446385912709904223, 0.02, 0.01979897934756995505185312,
     0.0002020626386760374230437144, 0.5, 0},
    {periodic, d_periodic, NULL, 2 * M_PI, 0.5, 0.6618706078923017664919973, 0.3022253420359920179932094, 0,
     0.7644618798111269030329752, 2.270241855361728020223125, 0.4703158107095347197645406, 0.3488873289820039910033953,
     0.1642231977212076810871924, 0.5, 0},
};
enum { CASES = sizeof reference / sizeof *reference };

static void boltzmann_solve__meets_25_digit_quadratures(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        sl_boltzmann b;
        assert_ok(sl_boltzmann_solve(&b, reference[i].f, reference[i].derivative, reference[i].ctx, reference[i].T,
                                     reference[i].period, &err));
        assert_near(b.log_Z, reference[i].log_Z, 1e-12);
        assert_near(b.f, reference[i].mean_f, 1e-12);
        assert_near(b.x, reference[i].x, 1e-12);
        assert_close(b.x2, reference[i].x2, 1e-12);
        assert_close(b.x4, reference[i].x4, 1e-12);
        assert_close(b.xg, reference[i].xg, 1e-12);
        assert_close(b.g2, reference[i].g2, 1e-12);
        assert_close(b.var_f, reference[i].var_f, 1e-11);
        assert_true(b.error < 1e-10);
    }
}

static void boltzmann_probability__splits_the_line(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        sl_boltzmann b;
        double left, right;
        assert_ok(sl_boltzmann_solve(&b, reference[i].f, reference[i].derivative, reference[i].ctx, reference[i].T,
                                     reference[i].period, &err));
        const double split = reference[i].split;
        assert_ok(
            sl_boltzmann_probability(&left, &b, reference[i].f, reference[i].ctx, reference[i].T, -100, split, &err));
        assert_ok(
            sl_boltzmann_probability(&right, &b, reference[i].f, reference[i].ctx, reference[i].T, split, 100, &err));
        assert_close(left, reference[i].p_left, 1e-11);
        assert_near(left + right, 1, 1e-12);
    }
}

/* A quadratic of curvature 1e4 at T = 1e-4 (deviation 1e-4) and of curvature 1e-6 at T = 10 (deviation 3162). */
static void boltzmann_solve__finds_narrow_and_wide_laws(void **state)
{
    (void)state;
    double steep = 1e4, flat = 1e-6;
    sl_boltzmann b;
    assert_ok(sl_boltzmann_solve(&b, quadratic, d_quadratic, &steep, 1e-4, 0, &err));
    assert_close(b.x2, 1e-8, 1e-11);
    assert_ok(sl_boltzmann_solve(&b, quadratic, d_quadratic, &flat, 10, 0, &err));
    assert_close(b.x2, 1e7, 1e-11);
}

/* f = |x - 0.3|: <x> = 0.3, <(x - 0.3)^2> = 2 T^2, <f> = T; a corner inside a panel. */
static void boltzmann_solve__copes_with_a_corner(void **state)
{
    (void)state;
    sl_boltzmann b;
    assert_ok(sl_boltzmann_solve(&b, modulus, d_modulus, NULL, 0.2, 0, &err));
    assert_close(b.f, 0.2, 1e-10);
    assert_close(b.x, 0.3, 1e-10);
    assert_close(b.x2 - b.x * b.x, 0.08, 1e-9);
    assert_close(sl_boltzmann_density(&b, modulus, NULL, 0.2, 0.3), 1 / (2 * 0.2), 1e-10);
}

static void boltzmann_solve__refuses_what_has_no_law(void **state)
{
    (void)state;
    sl_boltzmann b = {.f = 7};
    assert_fails(sl_boltzmann_solve(&b, quadratic, d_quadratic, &one, 0, 0, &err), SL_E_DOMAIN, "T = 0");
    assert_fails(sl_boltzmann_solve(&b, quadratic, d_quadratic, &one, NAN, 0, &err), SL_E_DOMAIN, "T = ");
    assert_fails(sl_boltzmann_solve(&b, cubic, d_cubic, NULL, 1, 0, &err), SL_E_UNSTABLE, "finite integral");
    assert_fails(sl_boltzmann_solve(&b, periodic, d_periodic, NULL, 1, 0, &err), SL_E_UNSTABLE, "finite integral");
    assert_near(b.f, 7, 0);
}

/* A cosine of period 6e-6 is more than the subdivisions can follow: no number is better than a wrong one. (It averages
 * to exp(-T 1e12/2) = 0.) One that they can follow is right. */
static double fast_cosine(double x, void *ctx)
{
    return cos(*(const double *)ctx * x);
}

static void boltzmann_average__refuses_what_it_cannot_resolve(void **state)
{
    (void)state;
    sl_boltzmann b;
    double mean = 7, fast = 1e6, slow = 3;
    assert_ok(sl_boltzmann_solve(&b, quadratic, d_quadratic, &one, 0.5, 0, &err));
    assert_fails(sl_boltzmann_average(&mean, &b, quadratic, &one, 0.5, fast_cosine, &fast, &err), SL_E_NUMERIC,
                 "too rough");
    assert_near(mean, 7, 0);
    assert_ok(sl_boltzmann_average(&mean, &b, quadratic, &one, 0.5, fast_cosine, &slow, &err));
    assert_near(mean, exp(-0.5 * 9 / 2), 1e-11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boltzmann_solve__meets_25_digit_quadratures),
        cmocka_unit_test(boltzmann_probability__splits_the_line),
        cmocka_unit_test(boltzmann_solve__finds_narrow_and_wide_laws),
        cmocka_unit_test(boltzmann_solve__copes_with_a_corner),
        cmocka_unit_test(boltzmann_solve__refuses_what_has_no_law),
        cmocka_unit_test(boltzmann_average__refuses_what_it_cannot_resolve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
