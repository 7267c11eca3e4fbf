#include "tests/test.h"

#include <gsl/gsl_integration.h>

#include "base/gsl.h"
#include "sim/ensemble.h"
#include "sim/operators/operator.h"

static sl_operator on(const char *loss, double T)
{
    sl_operator op = {.kind = &sl_fokker_planck, .temperature = T};
    assert_ok(sl_loss_init(&op.loss, loss, &err));
    return op;
}

static double value_of(const sl_answer *a, const char *name, size_t index)
{
    return sl_answer_number(a, name, index).value;
}

/* The number must be within `tolerance` of what is expected, and not farther off than ten times the error it claims
 * (which is an estimate) and rounding. */
static void assert_number(const sl_answer *a, const char *name, size_t index, double expected, double tolerance)
{
    const sl_number n = sl_answer_number(a, name, index);
    const double off = fabs(n.value - expected);
    if (!(off <= tolerance && off <= 10 * n.error + 1e-11 * fmax(fabs(expected), n.scale)))
        fail_msg("%s %zu = %.17g +- %.1e, expected %.17g within %.1e (off by %.1e)", name, index, n.value, n.error,
                 expected, tolerance, off);
}

/* --------------------------------------------------------------------------------------------------- quadrature */

typedef double (*integrand)(double x, void *ctx);

static double integral(integrand f, void *ctx, double a, double b)
{
    sl_gsl_quiet();
    gsl_integration_workspace *work = gsl_integration_workspace_alloc(400);
    gsl_function g = {f, ctx};
    double sum = 0, error = 0;
    for (int k = 0; k < 16 && b != a; k++) { /* panels, so that narrow wells are not missed */
        double part = 0;
        gsl_integration_qag(&g, a + (b - a) * k / 16, a + (b - a) * (k + 1) / 16, 0, 1e-11, 400, GSL_INTEG_GAUSS31,
                            work, &part, &error);
        sum += part;
    }
    gsl_integration_workspace_free(work);
    return sum;
}

/* What the quadratures know: f' = q3 x^3 + q1 x + q0, D(x) = T (1 + c x^2), the far end, and the power of x to average.
 */
typedef struct {
    sl_operator op;
    double q3, q1, q0, c, far;
    int power;
} physics;

static double diffusion(const physics *p, double x)
{
    return p->op.temperature * (1 + p->c * x * x);
}

/* int f'/D in closed form. */
static double phi(const physics *p, double x)
{
    const double c = p->c, T = p->op.temperature, s = x * x;
    if (c == 0) return sl_loss_value(&p->op.loss, &x) / T;
    const double l = log1p(c * s);
    return (p->q3 * (s / c - l / (c * c)) / 2 + p->q1 * l / (2 * c) + p->q0 * atan(sqrt(c) * x) / sqrt(c)) / T;
}

static double density(double x, void *ctx)
{
    physics *p = ctx;
    return pow(x, p->power) * exp(-phi(p, x)) / diffusion(p, x);
}

static double resistance(double x, void *ctx)
{
    return exp(phi(ctx, x));
}

/* int e^Phi(y) int_far^y e^-Phi(z)/D(z) dz: the mean first-passage time, reflecting at far. */
static double passage(double y, void *ctx)
{
    physics *p = ctx;
    return exp(phi(p, y)) * integral(density, p, p->far, y);
}

/* The same from a far end on the right (negative), without overflow at low T: exp(Phi(y) - Phi(z)) in one. */
typedef struct {
    physics *p;
    double y;
} below;

static double weight_from(double z, void *ctx)
{
    const below *b = ctx;
    return exp(phi(b->p, b->y) - phi(b->p, z)) / diffusion(b->p, z);
}

static double passage_down(double y, void *ctx)
{
    below b = {ctx, y};
    return integral(weight_from, &b, b.p->far, y);
}

/* ------------------------------------------------------------------------------------------------ stationary laws */

/* shared/oracles/boltzmann.json: mpmath quadrature of 25 digits. */
static const struct {
    const char *loss;
    double T, f, x, x2, x4, xg;
} boltzmann[] = {
    {"quadratic", 0.02, 0.01, 0.0, 0.02, 0.0012, 0.02},
    {"quadratic", 0.05, 0.025, 0.0, 0.05, 0.0075, 0.05},
    {"quadratic", 0.1, 0.05, 0.0, 0.1, 0.03, 0.1},
    {"quadratic", 0.2, 0.1, 0.0, 0.2, 0.12, 0.2},
    {"quadratic", 0.5, 0.25, 0.0, 0.5, 0.75, 0.5},
    {"double-well", 0.02, 0.010367461344829736, 0.0, 0.978530154620681, 0.9985301546206811, 0.02},
    {"double-well", 0.05, 0.028291514897041518, 0.0, 0.9368339404118339, 0.9868339404118339, 0.05},
    {"double-well", 0.1, 0.057159272989487545, 0.0, 0.8713629080420499, 0.9713629080420498, 0.1},
    {"double-well", 0.2, 0.09227616183369862, 0.0, 0.8308953526652055, 1.0308953526652056, 0.2},
    {"double-well", 0.5, 0.15163375760644085, 0.0, 0.8934649695742366, 1.3934649695742367, 0.5},
    {"tilted-double-well", 0.02, -0.09212728929216035, -1.0338493844938452, 1.0783543418204877, 1.2017392802698723,
     0.02},
    {"tilted-double-well", 0.05, -0.07081571394065839, -0.9688503293792678, 1.0426077569488532, 1.18949278988678, 0.05},
    {"tilted-double-well", 0.1, -0.01663221476823201, -0.7063202090914571, 0.9546327963454909, 1.1252648172546367, 0.1},
    {"tilted-double-well", 0.2, 0.05261745851015539, -0.3952059079905342, 0.8709683935622182, 1.1104889843612715, 0.2},
    {"tilted-double-well", 0.5, 0.13538297095895588, -0.17737221493921881, 0.9052564516824109, 1.4229936731763326, 0.5},
    {"quartic", 0.02, 0.005, 0.0, 0.095597759497225, 0.02, 0.02},
    {"quartic", 0.05, 0.0125, 0.0, 0.15115332961011207, 0.05, 0.05},
    {"quartic", 0.1, 0.025, 0.0, 0.2137630887324712, 0.1, 0.1},
    {"quartic", 0.2, 0.05, 0.0, 0.30230665922022415, 0.2, 0.2},
    {"quartic", 0.5, 0.125, 0.0, 0.477988797486125, 0.5, 0.5},
    {"periodic", 0.02, 0.010051032621502247, 0.0, 0.020204479599051396, 0.0012331724463859127, 0.02},
    {"periodic", 0.05, 0.025329492110192874, 0.0, 0.051323846749615584, 0.008049370878845273, 0.049999999999999996},
    {"periodic", 0.1, 0.05140017404515404, 0.0, 0.1056550548741719, 0.03491878034685268, 0.09999999838762433},
    {"periodic", 0.2, 0.10661686295591478, 0.0, 0.22723016281472955, 0.1769745374729858, 0.1999505287907174},
    {"periodic", 0.5, 0.302225342035992, 0.0, 0.7644618798111269, 2.270241855361728, 0.4703158107095347},
};

static void stationary__is_boltzmann(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof boltzmann / sizeof *boltzmann; k++) {
        const sl_operator op = on(boltzmann[k].loss, boltzmann[k].T);
        const sl_question q = {.task = SL_TASK_STATIONARY};
        sl_answer a = {0};
        assert_ok(sl_operator_solve(&a, &op, &q, &err));
        assert_number(&a, "mass", 0, 1, 1e-12);
        assert_number(&a, "loss", 0, boltzmann[k].f, 1e-9 * fabs(boltzmann[k].f));
        assert_number(&a, "x", 0, boltzmann[k].x, 1e-10);
        assert_number(&a, "x2", 0, boltzmann[k].x2, 1e-10 * boltzmann[k].x2);
        assert_number(&a, "x4", 0, boltzmann[k].x4, 1e-10 * boltzmann[k].x4);
        assert_number(&a, "xg", 0, boltzmann[k].xg, 1e-10 * boltzmann[k].xg);
        assert_near(value_of(&a, "kl_to_boltzmann", 0), 0, 1e-20);
        assert_true(a.outside < 1e-13 && a.mass_error < 1e-12 && a.density_min >= 0);
        sl_answer_clear(&a);
    }
}

static void field_D(void *ctx, const sl_loss *loss, const double *x, double *D)
{
    (void)loss;
    *D = diffusion(ctx, *x);
}

/* D = T (1 + c x^2): the law is exp(-int f'/D)/D (Ito), which is not Boltzmann's. */
static void stationary__with_a_diffusion_of_its_own(void **state)
{
    (void)state;
    physics p = {.op = on("tilted-double-well:tilt=0.05", 0.2), .q3 = 1, .q1 = -1, .q0 = 0.05, .c = 0.7};
    p.op.diffusion = field_D;
    p.op.diffusion_ctx = &p;
    const sl_question q = {.task = SL_TASK_STATIONARY};
    sl_answer a = {0};
    assert_ok(sl_operator_solve(&a, &p.op, &q, &err));
    const double Z = integral(density, &p, a.lo[0], a.hi[0]);
    p.power = 1;
    assert_number(&a, "x", 0, integral(density, &p, a.lo[0], a.hi[0]) / Z, 1e-9);
    p.power = 4;
    assert_number(&a, "x4", 0, integral(density, &p, a.lo[0], a.hi[0]) / Z, 1e-9);
    assert_true(value_of(&a, "kl_to_boltzmann", 0) > 0.01); /* control */
    sl_answer_clear(&a);
}

/* Down to where the wells are a few hundred thousandths of their distance: <x^2> = 1 - T + O(T^2) of two narrow wells
 * (f = u^2 + u^3 + u^4/4 at x = 1 + u: <u> = -3T/4, <u^2> = T/2), <x f'> = T. */
static void stationary__at_low_temperature(void **state)
{
    (void)state;
    const sl_question q = {.task = SL_TASK_STATIONARY};
    for (double T = 1e-3; T > 5e-9; T /= 10) {
        const sl_operator op = on("double-well", T);
        sl_answer a = {0};
        assert_ok(sl_operator_solve(&a, &op, &q, &err));
        assert_near(value_of(&a, "x2", 0), 1 - T, 5 * T * T + 1e-13);
        assert_near(value_of(&a, "xg", 0) / T, 1, 1e-7);
        assert_near(value_of(&a, "x", 0), 0, 1e-8);
        sl_answer_clear(&a);
    }
}

/* -------------------------------------------------------------------------------------------------- first passages */

/* shared/oracles/escape.json, overdamped: mpmath quadrature; lambda_1 from the Green operator, the next ones by a sinc
 * basis (which is good to some 1e-9). */
static void passages_and_rates__of_the_double_well(void **state)
{
    (void)state;
    const struct {
        double T, to_saddle, to_well, rate, second, third;
    } row[] = {
        {0.03, 9739.57099057965047, 19485.8180200547417, 0.00010269703058221086, 0.8787857348404483,
         1.3701147347764495},
        {0.05, 361.903759500924366, 729.670691942322799, 0.0027761406365727267, 0.8222471245007735, 1.3141553186715293},
        {0.08, 57.4783035570075851, 120.005742034356531, 0.017774181490594433, 0.8643451636769274, 1.509046617410885},
    };
    for (size_t k = 0; k < 3; k++) {
        const sl_operator op = on("double-well", row[k].T);
        sl_question q = {.task = SL_TASK_MFPT, .from = {-1}, .to = {0}};
        sl_answer a = {0};
        assert_ok(sl_operator_solve(&a, &op, &q, &err));
        assert_number(&a, "mfpt", 0, row[k].to_saddle, 1e-9 * row[k].to_saddle);
        sl_answer_clear(&a);
        for (int way = -1; way <= 1; way += 2) {
            q.from[0] = -way;
            q.to[0] = way;
            assert_ok(sl_operator_solve(&a, &op, &q, &err));
            assert_number(&a, "mfpt", 0, row[k].to_well, 1e-9 * row[k].to_well);
            sl_answer_clear(&a);
        }
        q = (sl_question){.task = SL_TASK_SPECTRUM};
        assert_ok(sl_operator_solve(&a, &op, &q, &err));
        assert_true(value_of(&a, "eigenvalue", 0) == 0);
        assert_number(&a, "eigenvalue", 1, -row[k].rate, 1e-9 * row[k].rate);
        assert_near(value_of(&a, "eigenvalue", 2), -row[k].second, 5e-9);
        assert_near(value_of(&a, "eigenvalue", 3), -row[k].third, 5e-9);
        sl_answer_clear(&a);
    }
}

static void mfpt__against_double_quadrature(void **state)
{
    (void)state;
    const struct {
        const char *loss;
        double T, from, to, c, q3, q1;
    } cases[] = {
        {"tilted-double-well:tilt=0.1", 0.1, -1.0466805318046022, 0.94564927392359144, 0, 0, 0},
        {"tilted-double-well:tilt=-0.2", 0.2, 0.3, 1.7, 0, 0, 0},
        {"quadratic:a=2", 0.5, 0.2, 1, 0, 0, 0},
        {"quartic", 0.3, -0.4, 0.6, 0.5, 1, 0},
        {"double-well", 0.15, -1, 0.5, 0.6, 1, -1},
        {"quadratic", 0.05, 0, 0.7, 3, 0, 1},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        physics p = {.op = on(cases[k].loss, cases[k].T), .c = cases[k].c, .q3 = cases[k].q3, .q1 = cases[k].q1};
        if (p.c != 0) {
            p.op.diffusion = field_D;
            p.op.diffusion_ctx = &p;
        }
        const sl_question q = {.task = SL_TASK_MFPT, .from = {cases[k].from}, .to = {cases[k].to}};
        sl_answer a = {0};
        assert_ok(sl_operator_solve(&a, &p.op, &q, &err));
        p.far = a.lo[0];
        const double time = integral(passage, &p, cases[k].from, cases[k].to);
        assert_number(&a, "mfpt", 0, time, 2e-9 * time);
        /* the field: zero at the target, that time at the start (to the grid's h^2), larger behind it */
        const sl_field *u = sl_answer_field(&a, "mfpt", 0);
        assert_true(u->value[u->n[0] - 1] == 0 && u->node[0][u->n[0] - 1] == cases[k].to);
        for (size_t i = 1; i < u->n[0]; i++) assert_true(u->value[i] < u->value[i - 1]);
        sl_answer_clear(&a);
    }
}

/* f = a x^2/2: the mean time from 0 to leave [-L, L] is int_0^L exp(Phi(y)) int_0^y exp(-Phi)/T (both edges absorb). */
static void mfpt__out_of_an_interval(void **state)
{
    (void)state;
    physics p = {.op = on("quadratic", 0.3)};
    p.op.edge = SL_EDGE_ABSORBING;
    p.op.lo[0] = -1.5;
    p.op.hi[0] = 1.5;
    const sl_question q = {.task = SL_TASK_MFPT, .from = {0}, .to = {1.5}};
    sl_answer a = {0};
    assert_ok(sl_operator_solve(&a, &p.op, &q, &err));
    const double time = integral(passage, &p, 0, 1.5);
    assert_number(&a, "mfpt", 0, time, 1e-9 * time);
    sl_answer_clear(&a);
    /* On a ring the target is met from both sides: from the bottom of 1 - cos x to the top the two ways are alike. */
    p.op = on("periodic", 0.4);
    const sl_question top = {.task = SL_TASK_MFPT, .from = {0}, .to = {M_PI}};
    assert_ok(sl_operator_solve(&a, &p.op, &top, &err));
    const double climb = integral(passage, &p, 0, M_PI);
    assert_number(&a, "mfpt", 0, climb, 1e-9 * climb);
    sl_answer_clear(&a);
}

/* Downhill at low T a passage takes the time of the fall, int dx/f', up to some T/f'^2. Here a coarse grid has many T a
 * cell, and its answers agree by chance with one another before they are right. */
static void mfpt__downhill(void **state)
{
    (void)state;
    const double T = 1.4e-4, from = 0.517, to = 0.268;
    const sl_operator op = on("periodic", T);
    const sl_question q = {.task = SL_TASK_MFPT, .from = {from}, .to = {to}};
    sl_answer a = {0};
    assert_ok(sl_operator_solve(&a, &op, &q, &err));
    assert_near(value_of(&a, "mfpt", 0), log(tan(from / 2) / tan(to / 2)), 10 * T);
    physics p = {.op = op, .far = from + 0.2}; /* nothing comes from farther up: f rises by 700 T */
    const double time = -integral(passage_down, &p, to, from);
    assert_number(&a, "mfpt", 0, time, 1e-8);
    sl_answer_clear(&a);
}

/* lambda_1 = k (left to right) + k (right to left) = 2/tau up to terms of order lambda_1, in units of the other rates.
 */
static void spectrum__gap_is_two_passages_at_low_temperature(void **state)
{
    (void)state;
    for (double T = 0.02; T > 6e-4; T /= 2) {
        const sl_operator op = on("double-well", T);
        sl_question q = {.task = SL_TASK_MFPT, .from = {-1}, .to = {1}};
        sl_answer a = {0};
        assert_ok(sl_operator_solve(&a, &op, &q, &err));
        const double tau = value_of(&a, "mfpt", 0);
        sl_answer_clear(&a);
        q = (sl_question){.task = SL_TASK_SPECTRUM, .eigenvalues = 3};
        assert_ok(sl_operator_solve(&a, &op, &q, &err));
        const double rate = -value_of(&a, "eigenvalue", 1);
        assert_near(rate * tau / 2, 1, 20 * rate + 2e-8);
        assert_true(sl_answer_number(&a, "eigenvalue", 1).error < 1e-8 * rate);
        sl_answer_clear(&a);
    }
}

static void committor__against_quadrature(void **state)
{
    (void)state;
    physics p = {.op = on("tilted-double-well:tilt=0.1", 0.15), .q3 = 1, .q1 = -1, .q0 = 0.1, .c = 0.4};
    p.op.diffusion = field_D;
    p.op.diffusion_ctx = &p;
    p.op.tolerance = 1e-9;
    const double from = 0.9, to = -1;
    const sl_question q = {.task = SL_TASK_COMMITTOR, .from = {from}, .to = {to}};
    sl_answer a = {0};
    assert_ok(sl_operator_solve(&a, &p.op, &q, &err));
    const double whole = integral(resistance, &p, to, from);
    const sl_field *c = sl_answer_field(&a, "committor", 0);
    for (size_t i = 0; i < c->n[0]; i += c->n[0] / 37) {
        const double x = c->node[0][i];
        const double exact = x <= to ? 1 : x >= from ? 0 : integral(resistance, &p, x, from) / whole;
        assert_near(c->value[i], exact, 1e-5); /* h^2 of the finest grid */
    }
    const double Z = integral(density, &p, a.lo[0], a.hi[0]);
    assert_number(&a, "flux", 0, 1 / (whole * Z), 1e-8 / (whole * Z));
    sl_answer_clear(&a);
    /* on a ring of equal halves: from the bottom to the top, a half of all time belongs to either by symmetry of f - 1
     */
    const sl_operator ring = on("periodic", 0.5);
    const sl_question top = {.task = SL_TASK_COMMITTOR, .from = {0}, .to = {M_PI}};
    assert_ok(sl_operator_solve(&a, &ring, &top, &err));
    p = (physics){.op = ring};
    const double half = integral(resistance, &p, 0, M_PI), mass = integral(density, &p, -M_PI, M_PI);
    assert_number(&a, "flux", 0, 2 / (half * mass), 1e-8 / (half * mass));
    sl_answer_clear(&a);
}

/* -------------------------------------------------------------------------------------------------------- spectra */

/* f = a x^2/2: -k a; eigenfunctions are Hermite polynomials. */
static void spectrum__of_ornstein_and_uhlenbeck(void **state)
{
    (void)state;
    const double as[] = {1, 0.01, 30};
    for (size_t k = 0; k < 3; k++) {
        char text[32];
        snprintf(text, sizeof text, "quadratic:a=%g", as[k]);
        const sl_operator op = on(text, 0.7);
        const sl_question q = {.task = SL_TASK_SPECTRUM, .eigenvalues = 16};
        sl_answer a = {0};
        assert_ok(sl_operator_solve(&a, &op, &q, &err));
        for (size_t j = 0; j < 16; j++)
            assert_number(&a, "eigenvalue", j, -as[k] * (double)j, 2e-8 * as[k] * (double)j);
        const sl_field *h3 = sl_answer_field(&a, "eigenfunction", 3);
        for (size_t i = 0; i < h3->n[0]; i++) {
            const double z = h3->node[0][i] / sqrt(0.7 / as[k]);
            if (fabs(z) < 5) assert_near(h3->value[i], (z * z * z - 3 * z) / sqrt(6), 2e-3 * (1 + fabs(z * z * z)));
        }
        sl_answer_clear(&a);
    }
}

static void flat_value(const sl_loss *loss, size_t B, size_t stride, const double *x, double *f)
{
    (void)loss, (void)stride, (void)x;
    for (size_t i = 0; i < B; i++) f[i] = 0;
}
static const sl_loss_kind flat_ring = {
    .entry = {.name = "flat-ring"}, .value = flat_value, .gradient = flat_value, .confining = true, .period = 3};
static const sl_loss_kind flat = {.entry = {.name = "flat"}, .value = flat_value, .gradient = flat_value};

/* Free motion: on a ring of length P pairs of -D (2 pi k/P)^2; between absorbing edges -D (pi k/L)^2, between
 * reflecting ones the same and 0. */
static void spectrum__of_free_motion(void **state)
{
    (void)state;
    const double D = 0.4;
    const sl_question q = {.task = SL_TASK_SPECTRUM, .eigenvalues = 9};
    sl_operator op = {.kind = &sl_fokker_planck, .temperature = D};
    sl_answer a = {0};
    assert_ok(sl_loss_init_kind(&op.loss, &flat_ring, &err));
    assert_ok(sl_operator_solve(&a, &op, &q, &err));
    for (size_t j = 0; j < 9; j++) {
        const double k = (double)((j + 1) / 2), exact = D * pow(2 * M_PI * k / 3, 2);
        assert_number(&a, "eigenvalue", j, -exact, 1e-8 * exact);
    }
    sl_answer_clear(&a);
    op.lo[0] = -6; /* the same over four periods: the slowest pair is that of the fourfold length */
    op.hi[0] = 6;
    assert_ok(sl_operator_solve(&a, &op, &q, &err));
    assert_number(&a, "eigenvalue", 2, -D * pow(2 * M_PI / 12, 2), 1e-9);
    sl_answer_clear(&a);
    assert_ok(sl_loss_init_kind(&op.loss, &flat, &err));
    op.edge = SL_EDGE_ABSORBING;
    op.lo[0] = 1;
    op.hi[0] = 3;
    assert_ok(sl_operator_solve(&a, &op, &q, &err));
    for (size_t j = 0; j < 9; j++) {
        const double exact = D * pow(M_PI * (double)(j + 1) / 2, 2);
        assert_number(&a, "eigenvalue", j, -exact, 1e-8 * exact);
    }
    sl_answer_clear(&a);
}

/* f = 1 - cos x turned upside down is f moved by half a period, so by supersymmetry every eigenvalue but 0 comes twice:
 * a mode of the well and one of the barrier, where at T = 0.01 the stationary density is e^-200. */
static void spectrum__of_a_ring_comes_in_pairs(void **state)
{
    (void)state;
    const double T[] = {2, 0.3, 0.05, 0.01, 0.004};
    for (size_t k = 0; k < 5; k++) {
        const sl_operator op = on("periodic", T[k]);
        const sl_question q = {.task = SL_TASK_SPECTRUM, .eigenvalues = 7};
        sl_answer a = {0};
        assert_ok(sl_operator_solve(&a, &op, &q, &err));
        for (size_t j = 1; j < 7; j += 2)
            assert_close(value_of(&a, "eigenvalue", j), value_of(&a, "eigenvalue", j + 1), 1e-8);
        if (T[k] < 0.1)
            assert_near(value_of(&a, "eigenvalue", 1), -1 + T[k] / 2, T[k] * T[k]); /* anharmonic oscillator */
        sl_answer_clear(&a);
    }
}

/* Eigenfunctions are orthonormal in the stationary law: also where eigenvalues agree to all digits, as on a ring, and
 * as those of the two wells do at low T. */
static void spectrum__eigenfunctions_are_orthonormal(void **state)
{
    (void)state;
    const struct {
        const char *loss;
        double T;
    } cases[] = {{"double-well", 0.1}, {"double-well", 0.002}, {"periodic", 0.3}, {"tilted-double-well", 0.02}};
    for (size_t k = 0; k < 4; k++) {
        sl_operator op = on(cases[k].loss, cases[k].T);
        op.tolerance = 1e-4;
        const sl_question q = {.task = SL_TASK_SPECTRUM, .eigenvalues = 7};
        sl_answer a = {0};
        assert_ok(sl_operator_solve(&a, &op, &q, &err));
        for (size_t i = 0; i < 7; i++)
            for (size_t j = 0; j <= i; j++) {
                const sl_field *u = sl_answer_field(&a, "eigenfunction", i),
                               *v = sl_answer_field(&a, "eigenfunction", j);
                double sum = 0, Z = 0;
                for (size_t n = 0; n < u->n[0]; n++) {
                    const double x = u->node[0][n], end = n == 0 || n + 1 == u->n[0] ? 0.5 : 1;
                    const double w = end * exp(-sl_loss_value(&op.loss, &x) / op.temperature);
                    sum += w * u->value[n] * v->value[n];
                    Z += w;
                }
                assert_near(sum / Z, i == j, 1e-10);
            }
        sl_answer_clear(&a);
    }
}

/* -------------------------------------------------------------------------------------------------------- evolution */

/* f = a x^2/2 from a Gaussian: mean m e^{-at}, variance T/a + (s^2 - T/a) e^{-2at}; also from a point, near and 12
 * standard deviations out. */
static void evolve__ornstein_and_uhlenbeck(void **state)
{
    (void)state;
    const struct {
        double a, T, from, spread;
    } cases[] = {{1, 1, 0.5, 0.3}, {2, 0.1, -1, 0.05}, {1, 1, 3, 0}, {0.5, 0.2, 0, 0}, {1, 0.04, 2.4, 0}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char text[32];
        snprintf(text, sizeof text, "quadratic:a=%g", cases[k].a);
        const sl_operator op = on(text, cases[k].T);
        const sl_question q = {.task = SL_TASK_EVOLVE,
                               .from = {cases[k].from},
                               .spread = cases[k].spread,
                               .times = {0.05, 0.3, 1, 5},
                               .n_times = 4};
        sl_answer a = {0};
        assert_ok(sl_operator_solve(&a, &op, &q, &err));
        for (size_t i = 0; i < 4; i++) {
            const double decay = exp(-cases[k].a * q.times[i]), mean = cases[k].from * decay,
                         v = cases[k].T / cases[k].a;
            const double variance = v + (cases[k].spread * cases[k].spread - v) * decay * decay;
            assert_number(&a, "mass", i, 1, 1e-12);
            assert_number(&a, "x", i, mean, 2e-8 * sqrt(variance + mean * mean));
            assert_number(&a, "x2", i, mean * mean + variance, 2e-8 * (mean * mean + variance));
            const double kl = (mean * mean + variance) / v / 2 - 0.5 - log(variance / v) / 2;
            assert_near(value_of(&a, "kl_to_boltzmann", i), kl, 3e-8 * (kl + sqrt(kl)) + 1e-13);
            const sl_field *p = sl_answer_field(&a, "density", i);
            for (size_t n = 0; n < p->n[0]; n += 17) {
                const double z = (p->node[0][n] - mean) / sqrt(variance), peak = 1 / sqrt(2 * M_PI * variance);
                assert_near(p->value[n], peak * exp(-z * z / 2), 2e-3 * peak); /* the finest grid's h^2 */
            }
        }
        assert_true(a.mass_error < 1e-12 && a.density_min > -1e-12);
        sl_answer_clear(&a);
    }
}

/* A ring: the wrapped Gaussian of free motion, in its Fourier series. */
static void evolve__on_a_ring(void **state)
{
    (void)state;
    const double D = 0.1;
    sl_operator op = {.kind = &sl_fokker_planck, .temperature = D};
    assert_ok(sl_loss_init_kind(&op.loss, &flat_ring, &err));
    for (int point = 0; point < 2; point++) {
        const double s = point ? 0 : 0.2;
        const sl_question q = {
            .task = SL_TASK_EVOLVE, .from = {1.2}, .spread = s, .times = {0.1, 2, 200}, .n_times = 3};
        sl_answer a = {0};
        assert_ok(sl_operator_solve(&a, &op, &q, &err));
        for (size_t i = 0; i < 3; i++) {
            double x2 = 0.75; /* of the flat law; the terms are int x^2 cos(k (x - x0)) over [-3/2, 3/2] */
            for (int m = 1; m < 60; m++) {
                const double k = 2 * M_PI * m / 3;
                x2 += 2 / 3.0 * exp(-k * k * (D * q.times[i] + s * s / 2)) * cos(k * 1.2) * (m % 2 ? -1 : 1) * 6 /
                      (k * k);
            }
            assert_number(&a, "x2", i, x2, 2e-8);
        }
        assert_true(a.mass_error < 1e-12 && a.density_min > -1e-12);
        sl_answer_clear(&a);
    }
}

static double wide_mode(double x, void *ctx)
{
    const physics *p = ctx;
    return exp(-2 * x * x) * cos(p->power * M_PI * x / 2);
}

/* Between absorbing edges what is left decays with the slowest rate and takes the quasi-stationary form, a cosine:
 * <x^2> = 1 - 8/pi^2 on [-1, 1]. */
static void evolve__leaks_through_absorbing_edges(void **state)
{
    (void)state;
    const double D = 0.3, rate = D * M_PI * M_PI / 4;
    sl_operator op = {.kind = &sl_fokker_planck, .temperature = D, .edge = SL_EDGE_ABSORBING, .lo = {-1}, .hi = {1}};
    assert_ok(sl_loss_init_kind(&op.loss, &flat, &err));
    sl_question q = {.task = SL_TASK_STATIONARY};
    sl_answer a = {0};
    assert_ok(sl_operator_solve(&a, &op, &q, &err));
    assert_number(&a, "decay_rate", 0, rate, 1e-9);
    assert_number(&a, "x2", 0, 1 - 8 / (M_PI * M_PI), 1e-9);
    sl_answer_clear(&a);
    q = (sl_question){.task = SL_TASK_EVOLVE, .from = {0.5}, .times = {0.2, 4, 6, 500}, .n_times = 4};
    assert_ok(sl_operator_solve(&a, &op, &q, &err)); /* the last: e^-370 of it */
    for (size_t i = 0; i < 4; i++) {
        double mass =
            0; /* survivors of a point at x0 = 1/2: sum over odd m of 4/(m pi) sin(m pi (x0 + 1)/2) e^{-m^2 rate t} */
        for (int m = 1; m < 60; m += 2) mass += 4 / (m * M_PI) * sin(m * M_PI * 0.75) * exp(-m * m * rate * q.times[i]);
        assert_number(&a, "mass", i, mass, 1e-8 * mass);
    }
    assert_near(log(value_of(&a, "mass", 1) / value_of(&a, "mass", 2)) / 2, rate, 1e-7);
    assert_near(value_of(&a, "x2", 2), 1 - 8 / (M_PI * M_PI), 1e-7);
    sl_answer_clear(&a);
    /* A start that reaches over the edges: of it the part within, exp(-2 x^2) / int, expanded in cosines. */
    const sl_question wide = {.task = SL_TASK_EVOLVE, .spread = 0.5, .times = {0, 0.1, 1}, .n_times = 3};
    op.tolerance = 1e-7;
    assert_true(sl_operator_solve(&a, &op, &wide, NULL) >= SL_OK);
    for (size_t i = 1; i < 3; i++) {
        physics p = {.op = op};
        double mass = 0;
        for (p.power = 1; p.power < 40; p.power += 2)
            mass += (p.power % 4 == 1 ? 4 : -4) / (p.power * M_PI) * integral(wide_mode, &p, -1, 1) *
                    exp(-p.power * p.power * rate * wide.times[i]);
        assert_number(&a, "mass", i, mass / (sqrt(M_PI / 2) * erf(M_SQRT2)), 1e-8);
    }
    sl_answer_clear(&a);
    q.times[3] = 1000;
    assert_fails(sl_operator_solve(&a, &op, &q, &err), SL_E_CONFIG, "exp(-740.2)");
}

/* Long after, every law is Boltzmann's; starts are saddles and slopes at barriers of up to 400 T, where the density of
 * the start is e^-400 of that of the wells. */
static void evolve__stays_positive_from_high_starts(void **state)
{
    (void)state;
    const double T[] = {0.1, 0.01, 0.002, 0.0006}, from[] = {0, 0.3, -0.02};
    for (size_t k = 0; k < 4; k++)
        for (size_t s = 0; s < 3; s++) {
            const sl_operator op = on("double-well", T[k]);
            const sl_question q = {.task = SL_TASK_EVOLVE, .from = {from[s]}, .times = {0.5, 4, 30}, .n_times = 3};
            sl_answer a = {0};
            assert_ok(sl_operator_solve(&a, &op, &q, &err));
            assert_true(a.mass_error < 1e-12);
            assert_true(a.density_min > -1e-12);
            assert_near(value_of(&a, "x2", 2), 1 - T[k], 4 * T[k] * T[k] + 2e-8 + (T[k] > 0.05 ? 0.03 : 0));
            sl_answer_clear(&a);
        }
}

/* Euler and Maruyama's chain at h = 1/500 errs by some h; 2e5 replicas have standard errors of 2e-3. Passes within 4
 * standard errors and 2 h. */
static void evolve__agrees_with_trajectories(void **state)
{
    (void)state;
    const double T = 0.15, h = 0.002, time = 1;
    const sl_operator op = on("tilted-double-well:tilt=0.1", T);
    const double start = -0.2;
    const sl_question q = {.task = SL_TASK_EVOLVE, .from = {start}, .times = {time}, .n_times = 1};
    sl_answer a = {0};
    assert_ok(sl_operator_solve(&a, &op, &q, &err));
    sl_langevin l = {.loss = op.loss, .temperature = T, .h = h, .friction = 1, .scheme = SL_OVERDAMPED_EULER};
    l.ensemble = (sl_ensemble){.seed = 5,
                               .replicas = 100000,
                               .burn_in = (uint64_t)(time / h) - 1,
                               .steps = 1,
                               .sample_every = 1,
                               .start = &start};
    sl_observed o;
    assert_ok(sl_overdamped_run(&o, &l, &err));
    const sl_coordinate *c = &o.coordinate[0];
    assert_near(c->x.value, value_of(&a, "x", 0), 4 * c->x.se + 2 * h);
    assert_near(c->x2.value, value_of(&a, "x2", 0), 4 * c->x2.se + 2 * h);
    assert_near(c->xg.value, value_of(&a, "xg", 0), 4 * c->xg.se + 2 * h);
    assert_near(o.loss.value, value_of(&a, "loss", 0), 4 * o.loss.se + 2 * h);
    assert_true(fabs(c->x.value - -0.2) > 40 * c->x.se); /* control: where it started */
    sl_observed_clear(&o);
    sl_answer_clear(&a);
}

/* ------------------------------------------------------------------------------------------------------- bad input */

static void refuses(const sl_operator *op, const sl_question *q, sl_status status, const char *text)
{
    sl_answer a = {0};
    sl_err err = {0};
    const sl_status got = sl_operator_solve(&a, op, q, &err);
    if (got != status || !strstr(err.message, text)) fail_msg("wanted '%s', got %d: %s", text, (int)got, err.message);
    assert_null(a.numbers);
    assert_null(a.fields);
}

static void negative_D(void *ctx, const sl_loss *loss, const double *x, double *D)
{
    (void)ctx, (void)loss;
    *D = *x + 0.5;
}
static void driving_D(void *ctx, const sl_loss *loss, const double *x, double *D)
{
    (void)ctx, (void)loss;
    *D = 1 + 0.5 * sin(*x); /* out of phase with f' = sin x */
}

static void solve__refuses(void **state)
{
    (void)state;
    const sl_question stationary = {.task = SL_TASK_STATIONARY}, spectrum = {.task = SL_TASK_SPECTRUM};
    const sl_question passage = {.task = SL_TASK_MFPT, .from = {-1}, .to = {1}};
    sl_operator op = on("double-well", 0.1);
    op.temperature = 0;
    refuses(&op, &stationary, SL_E_DOMAIN, "temperature T = 0");
    op.temperature = NAN;
    refuses(&op, &stationary, SL_E_DOMAIN, "temperature");
    op = on("quadratic:dim=3", 0.1);
    refuses(&op, &stationary, SL_E_DOMAIN, "3 dimensions");

    sl_operator loose = {.kind = &sl_fokker_planck, .temperature = 0.1}; /* no stationary law */
    assert_ok(sl_loss_init_kind(&loose.loss, &flat, &err));
    refuses(&loose, &stationary, SL_E_UNSTABLE, "not bounded below");
    refuses(&loose, &passage, SL_E_UNSTABLE, "no stationary law");

    op = on("double-well", 1e-4); /* low temperatures */
    refuses(&op, &spectrum, SL_E_CONFIG, "exp(2500)");
    refuses(&op, &passage, SL_E_CONFIG, "10^1086.36");
    op = on("double-well", 1e-30);
    refuses(&op, &stationary, SL_E_NUMERIC, "too coarse");

    op = on("double-well", 0.1); /* domains */
    op.lo[0] = -1.1;
    op.hi[0] = 1.1;
    refuses(&op, &stationary, SL_E_CONFIG, "cuts off");
    op.hi[0] = 3;
    refuses(&op, &passage, SL_E_CONFIG, "cuts off");
    op.lo[0] = -3;
    op.hi[0] = 0.5;
    refuses(&op, &passage, SL_E_DOMAIN, "to = 1 lies outside");
    op = on("double-well", 0.1);
    op.edge = SL_EDGE_ABSORBING;
    refuses(&op, &stationary, SL_E_DOMAIN, "absorbing edges need a domain");
    op = on("periodic", 0.1);
    op.lo[0] = 0;
    op.hi[0] = 7;
    refuses(&op, &stationary, SL_E_DOMAIN, "whole number");
    op = on("periodic", 0.1);
    const sl_question turn = {.task = SL_TASK_MFPT, .from = {0}, .to = {2 * M_PI}};
    refuses(&op, &turn, SL_E_DOMAIN, "a period");

    op = on("double-well", 0.1); /* memory: 100000 cells take 7.2 MB in the chain alone */
    op.grid = 100000;
    op.memory = 1e6;
    refuses(&op, &stationary, SL_E_CONFIG, "a grid of 100000 nodes");

    op = on("double-well", 0.1);
    op.diffusion = negative_D;
    refuses(&op, &stationary, SL_E_DOMAIN, "diffusion D");
    op = on("periodic", 0.1);
    op.diffusion = driving_D;
    refuses(&op, &stationary, SL_E_DOMAIN, "drives a current");

    op = on("double-well", 0.1);
    sl_question q = {.task = SL_TASK_EVOLVE, .times = {0}, .n_times = 1};
    refuses(&op, &q, SL_E_DOMAIN, "spread");
    q.times[0] = 1e-12;
    refuses(&op, &q, SL_E_NUMERIC, "less than a cell");
    q.times[0] = 1;
    q.from[0] = 50;
    refuses(&op, &q, SL_E_CONFIG, "underflows");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stationary__is_boltzmann),
        cmocka_unit_test(stationary__with_a_diffusion_of_its_own),
        cmocka_unit_test(stationary__at_low_temperature),
        cmocka_unit_test(passages_and_rates__of_the_double_well),
        cmocka_unit_test(mfpt__against_double_quadrature),
        cmocka_unit_test(mfpt__out_of_an_interval),
        cmocka_unit_test(mfpt__downhill),
        cmocka_unit_test(spectrum__gap_is_two_passages_at_low_temperature),
        cmocka_unit_test(committor__against_quadrature),
        cmocka_unit_test(spectrum__of_ornstein_and_uhlenbeck),
        cmocka_unit_test(spectrum__of_free_motion),
        cmocka_unit_test(spectrum__of_a_ring_comes_in_pairs),
        cmocka_unit_test(spectrum__eigenfunctions_are_orthonormal),
        cmocka_unit_test(evolve__ornstein_and_uhlenbeck),
        cmocka_unit_test(evolve__on_a_ring),
        cmocka_unit_test(evolve__leaks_through_absorbing_edges),
        cmocka_unit_test(evolve__stays_positive_from_high_starts),
        cmocka_unit_test(evolve__agrees_with_trajectories),
        cmocka_unit_test(solve__refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
