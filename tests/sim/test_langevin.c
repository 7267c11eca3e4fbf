#include "tests/test.h"

#include "sim/ensemble.h"

/* Each comparison passes within 4 standard errors: false alarm 6e-5 each, for seeds fixed once. */
static const double Z = 4;

static double z_of(sl_estimate e, double expected)
{
    return (e.value - expected) / e.se;
}

static void assert_within(sl_estimate e, double expected, const char *what)
{
    if (!(fabs(z_of(e, expected)) <= Z))
        fail_msg("%s: %.9g +- %.2g, expected %.9g (z = %.2f)", what, e.value, e.se, expected, z_of(e, expected));
}

/* Simulated time `time` after a fifth of it for burn-in, sampled about every 0.1. */
static void set_up(sl_langevin *l, const char *loss, double T, double h, double time)
{
    *l = (sl_langevin){.temperature = T, .h = h, .friction = 1, .scheme = SL_OVERDAMPED_LM};
    l->ensemble = (sl_ensemble){.seed = 3, .replicas = 1024, .steps = (uint64_t)(time / h)};
    l->ensemble.burn_in = l->ensemble.steps / 5;
    l->ensemble.sample_every = (uint64_t)fmax(1, round(0.1 / h));
    assert_ok(sl_loss_init(&l->loss, loss, &err));
}

/* On f = a x^2/2 Euler-Maruyama is x' = (1 - a h) x + sqrt(2 T h) xi, so <x^2> = T / (a (1 - a h/2)). */
static void overdamped__euler_on_a_quadratic_has_its_exact_variance(void **state)
{
    (void)state;
    const double a = 2, T = 0.7, h = 0.2;
    sl_langevin l;
    sl_observed o;
    set_up(&l, "quadratic:a=2", T, h, 400);
    l.scheme = SL_OVERDAMPED_EULER;
    assert_ok(sl_overdamped_run(&o, &l, &err));
    assert_within(o.coordinate[0].x2, T / (a * (1 - a * h / 2)), "x2");
    assert_within(o.temperature.equipartition, T / (1 - a * h / 2), "equipartition");
    assert_true(fabs(z_of(o.coordinate[0].x2, T / a)) > Z); /* control: that of continuous time */
    assert_true(isnan(o.temperature.kinetic.value) && isnan(o.coordinate[0].xv.value));
    sl_observed_clear(&o);
}

/* Leimkuhler and Matthews 2013: exact in the harmonic case, whatever h. */
static void overdamped__lm_on_a_quadratic_is_exact(void **state)
{
    (void)state;
    sl_langevin l;
    sl_observed o;
    set_up(&l, "quadratic:a=1:spectrum=2,0.5", 0.7, 0.4, 400);
    assert_ok(sl_overdamped_run(&o, &l, &err));
    assert_within(o.coordinate[0].x2, 0.35, "x2");
    assert_within(o.coordinate[1].x2, 1.4, "y2");
    assert_within(o.loss, 0.7, "loss");
    assert_within(o.temperature.configurational, 0.7, "configurational");
    sl_observed_clear(&o);
}

/* <x^2> of the chains that the two schemes are, on the double well, without sampling (discrete_laws.py); the first
 * temperature's Boltzmann value is 0.8713629080420498, the second's 0.8934649695742366 (quadrature, mpmath). */
static void overdamped__schemes_have_their_chains_laws(void **state)
{
    (void)state;
    const struct {
        sl_overdamped_scheme scheme;
        double T, h, x2, boltzmann;
    } cases[] = {
        {SL_OVERDAMPED_EULER, 0.1, 0.2, 0.8436445428153574, 0.8713629080420498},
        {SL_OVERDAMPED_EULER, 0.1, 0.1, 0.8592945934029947, 0.8713629080420498},
        {SL_OVERDAMPED_LM, 0.5, 0.25, 0.885855048558309, 0.8934649695742366},
        {SL_OVERDAMPED_LM, 0.5, 0.2, 0.8898004868652726, 0.8934649695742366},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sl_langevin l;
        sl_observed o;
        set_up(&l, "double-well", cases[i].T, cases[i].h, 400);
        l.scheme = cases[i].scheme;
        l.ensemble.replicas = 8192;
        assert_ok(sl_overdamped_run(&o, &l, &err));
        assert_within(o.coordinate[0].x2, cases[i].x2, "x2");
        assert_true(fabs(z_of(o.coordinate[0].x2, cases[i].boltzmann)) > Z); /* control: no bias */
        sl_observed_clear(&o);
    }
}

static sl_estimate measured_x2(sl_overdamped_scheme scheme, double h, uint64_t replicas)
{
    sl_langevin l;
    sl_observed o;
    set_up(&l, "double-well", 0.5, h, 200);
    l.scheme = scheme;
    l.ensemble.replicas = replicas;
    l.ensemble.sample_every = 2;
    assert_ok(sl_overdamped_run(&o, &l, &err));
    const sl_estimate x2 = o.coordinate[0].x2;
    sl_observed_clear(&o);
    return x2;
}

/* Weak order = log2 of the ratio of biases at h = 0.25 and 0.125. The laws without sampling give 3.00 for lm here
 * (-0.00761, -0.00095; 2.18 at h = 0.1 and 0.05, on the way to 2), 1.1 for Euler at T = 0.1 and half these steps. With
 * errors of 2e-4 the order has one of 0.3. */
static void overdamped__lm_is_of_higher_weak_order(void **state)
{
    (void)state;
    const double boltzmann = 0.8934649695742366;
    const sl_estimate coarse = measured_x2(SL_OVERDAMPED_LM, 0.25, 65536),
                      fine = measured_x2(SL_OVERDAMPED_LM, 0.125, 65536),
                      euler = measured_x2(SL_OVERDAMPED_EULER, 0.125, 4096);
    assert_true(coarse.se < 2.5e-4 && fine.se < 2.5e-4);
    assert_near(log2((coarse.value - boltzmann) / (fine.value - boltzmann)), 3, 1.2);
    assert_true(fabs(euler.value - boltzmann) > 10 * fabs(fine.value - boltzmann));
}

static void overdamped__euler_has_weak_order_one(void **state)
{
    (void)state;
    sl_langevin l;
    sl_observed o;
    double bias[2];
    for (int i = 0; i < 2; i++) {
        set_up(&l, "double-well", 0.1, 0.1 / (1 + i), 400);
        l.scheme = SL_OVERDAMPED_EULER;
        l.ensemble.replicas = 4096;
        assert_ok(sl_overdamped_run(&o, &l, &err));
        bias[i] = o.coordinate[0].x2.value - 0.8713629080420498;
        sl_observed_clear(&o);
    }
    assert_near(log2(bias[0] / bias[1]), 1.08, 0.4); /* errors of 5e-4 on 0.012 and 0.0057: 0.13 */
}

/* BAOAB on f = x^2/2: <x^2> = T exactly, <v^2> = T (1 - h^2/4) (Leimkuhler and Matthews 2013). */
static void underdamped__baoab_on_a_quadratic_has_its_exact_moments(void **state)
{
    (void)state;
    const double T = 0.5, h = 0.6;
    sl_langevin l;
    sl_observed o;
    set_up(&l, "quadratic", T, h, 2000);
    assert_ok(sl_underdamped_run(&o, &l, &err));
    assert_within(o.coordinate[0].x2, T, "x2");
    assert_within(o.coordinate[0].v2, T * (1 - h * h / 4), "v2");
    assert_within(o.coordinate[0].xv, 0, "xv");
    assert_within(o.temperature.kinetic, T * (1 - h * h / 4), "kinetic");
    assert_true(fabs(z_of(o.coordinate[0].v2, T)) > Z); /* control */
    sl_observed_clear(&o);
}

/* Boltzmann averages by quadrature (25 digits, mpmath); for x^4/4 <f> = T/4, for 1 - cos x <f> = 1 - I1(1/T)/I0(1/T).
 * The schemes' own bias at these steps is h^2 times something of order 1: a tenth of the errors. */
static void runs__have_boltzmann_averages(void **state)
{
    (void)state;
    const struct {
        const char *loss;
        double T, f, x2;
    } cases[] = {
        {"double-well", 0.2, 0.092276161833698619, 0.83089535266520553},
        {"tilted-double-well:tilt=0.1", 0.2, 0.052617458510155389, 0.87096839356221822},
        {"quartic", 0.2, 0.050000000000000003, 0.30230665922022415},
        {"periodic", 0.2, 0.10661686295591478, NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int under = 0; under < 2; under++) {
            sl_langevin l;
            sl_observed o;
            set_up(&l, cases[i].loss, cases[i].T, 0.02, 200);
            l.ensemble.histogram = (sl_histogram_spec){-3, 3, 150};
            if (under)
                assert_ok(sl_underdamped_run(&o, &l, &err));
            else
                assert_ok(sl_overdamped_run(&o, &l, &err));
            assert_within(o.loss, cases[i].f, cases[i].loss);
            if (!isnan(cases[i].x2)) assert_within(o.coordinate[0].x2, cases[i].x2, cases[i].loss);
            if (o.coordinate[0].xg.se > 0 && !isnan(o.temperature.equipartition.value))
                assert_within(o.temperature.equipartition, cases[i].T, "equipartition");
            assert_within(o.temperature.configurational, cases[i].T, "configurational");
            assert_within(o.temperature.boltzmann_slope, cases[i].T, "slope");
            assert_true(o.temperature.boltzmann_slope.se < 0.02 * cases[i].T);
            if (under) assert_within(o.temperature.kinetic, cases[i].T, "kinetic");
            assert_true(fabs(z_of(o.temperature.configurational, 1.1 * cases[i].T)) > Z); /* controls */
            assert_true(fabs(z_of(o.temperature.boltzmann_slope, 1.1 * cases[i].T)) > Z);
            sl_observed_clear(&o);
        }
}

/* T = 0: a plain explicit Euler descent, and for BAOAB damped velocity Verlet. */
static void runs__without_noise_follow_the_hand_recursion(void **state)
{
    (void)state;
    sl_langevin l;
    sl_observed o;
    const double start = 1.7, h = 0.05;
    for (int scheme = 0; scheme < 3; scheme++) {
        set_up(&l, "double-well", 0, h, 1);
        l.ensemble.start = &start;
        l.ensemble.burn_in = 10;
        l.ensemble.steps = l.ensemble.sample_every = 10;
        double x = start, v = 0;
        for (int k = 0; k < 20; k++) {
            if (scheme < 2)
                x -= h * (x * x * x - x);
            else {
                v -= h / 2 * (x * x * x - x);
                x += h / 2 * v;
                v *= exp(-l.friction * h);
                x += h / 2 * v;
                v -= h / 2 * (x * x * x - x);
            }
        }
        l.scheme = scheme == 1 ? SL_OVERDAMPED_LM : SL_OVERDAMPED_EULER;
        if (scheme == 2)
            assert_ok(sl_underdamped_run(&o, &l, &err));
        else
            assert_ok(sl_overdamped_run(&o, &l, &err));
        assert_close(o.coordinate[0].x.value, x, 1e-13);
        if (scheme == 2) assert_close(o.coordinate[0].v2.value, v * v, 1e-12);
        assert_true(o.coordinate[0].x.se < 1e-15);
        sl_observed_clear(&o);
    }
}

static void runs__refuse_bad_numbers(void **state)
{
    (void)state;
    sl_langevin good, l;
    sl_observed o = {.killed = 99};
    set_up(&good, "double-well", 0.1, 0.1, 10);
    l = good, l.temperature = -1;
    assert_fails(sl_overdamped_run(&o, &l, &err), SL_E_DOMAIN, "temperature = -1");
    l = good, l.temperature = NAN;
    assert_fails(sl_underdamped_run(&o, &l, &err), SL_E_DOMAIN, "temperature = ");
    l = good, l.h = 0;
    assert_fails(sl_overdamped_run(&o, &l, &err), SL_E_DOMAIN, "h = 0");
    l = good, l.h = INFINITY;
    assert_fails(sl_underdamped_run(&o, &l, &err), SL_E_DOMAIN, "h = inf");
    l = good, l.friction = 0;
    assert_fails(sl_underdamped_run(&o, &l, &err), SL_E_DOMAIN, "friction = 0");
    l = good, l.scheme = (sl_overdamped_scheme)7;
    assert_fails(sl_overdamped_run(&o, &l, &err), SL_E_DOMAIN, "scheme = 7");
    assert_int_equal(o.killed, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overdamped__euler_on_a_quadratic_has_its_exact_variance),
        cmocka_unit_test(overdamped__lm_on_a_quadratic_is_exact),
        cmocka_unit_test(overdamped__schemes_have_their_chains_laws),
        cmocka_unit_test(overdamped__euler_has_weak_order_one),
        cmocka_unit_test(overdamped__lm_is_of_higher_weak_order),
        cmocka_unit_test(underdamped__baoab_on_a_quadratic_has_its_exact_moments),
        cmocka_unit_test(runs__have_boltzmann_averages),
        cmocka_unit_test(runs__without_noise_follow_the_hand_recursion),
        cmocka_unit_test(runs__refuse_bad_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
