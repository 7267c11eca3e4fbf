#include "tests/test.h"

#include "base/random.h"
#include "sim/ensemble.h"
#include "sim/operators/operator.h"

static void set_up(sl_operator *op, const char *loss, const char *schedule, double l, double s2)
{
    *op = (sl_operator){.kind = &sl_transfer, .noise_variance = s2};
    assert_ok(sl_loss_init(&op->loss, loss, &err));
    assert_ok(sl_rule_init(&op->rule, "plain", SL_ALPHA_ON_STEP, l, 0, 0, &err));
    assert_ok(sl_schedule_init(&op->schedule, schedule, l, 1, 2000, &err));
}

/* The answer, which must meet the tolerance and be a law where it is one. */
static void ask(sl_answer *a, const sl_operator *op, const sl_question *q)
{
    *a = (sl_answer){0};
    assert_ok(sl_operator_solve(a, op, q, &err));
    assert_true(a->grid_error <= (op->tolerance > 0 ? op->tolerance : 1e-8));
    assert_true(a->density_min >= -1e-12);
    assert_true(a->mass_error <= 1e-11);
}

static void stationary(sl_answer *a, const char *loss, const char *schedule, double l, double s2)
{
    sl_operator op;
    set_up(&op, loss, schedule, l, s2);
    ask(a, &op, &(sl_question){.task = SL_TASK_STATIONARY});
}

static double value(const sl_answer *a, const char *name, size_t index)
{
    return sl_answer_number(a, name, index).value;
}

/* ------------------------------------------------------------------------------------------------- stationary laws */

/* Oracle discrete_stationary.json: T = 0.1, Delta = 0, s2 = 2 T/l, by a Fourier series in 1024 modes, compared there
 * with a Koopman moment method (to 1e-11) and a direct Nystrom one (KL: to 1.5e-10 relative at the smallest l). The
 * oracle's logarithms of tail densities of 1e-16 leave 2e-13 in KL. */
static void stationary__meets_the_oracle_of_the_double_well(void **state)
{
    (void)state;
    const struct {
        double l, x2, loss, x4, kl;
    } rows[] = {
        {0.2, 0.8436445428153574, 0.06955989733106346, 0.965528674954969, 0.01988779591086469},
        {0.1, 0.8592945934029947, 0.06248286209058779, 0.9685206351683405, 0.003936151972400605},
        {0.05, 0.8656456827739039, 0.05966306370333711, 0.9699436203611562, 0.0008873001877144353},
        {0.025, 0.8685730654185448, 0.05837685248490142, 0.9706535407766954, 0.0002113893568994014},
        {0.0125, 0.8699841019776113, 0.057760023115190184, 0.9710082964159834, 5.163286178494768e-05},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sl_answer a;
        stationary(&a, "double-well", "constant", rows[i].l, 0.2 / rows[i].l);
        assert_close(value(&a, "x2", 0), rows[i].x2, 1e-12);
        assert_close(value(&a, "loss", 0), rows[i].loss, 2e-12);
        assert_close(value(&a, "x4", 0), rows[i].x4, 1e-12);
        assert_near(value(&a, "kl_to_boltzmann", 0), rows[i].kl, 5e-13);
        assert_true(a.killed < 1e-14);
        assert_near(value(&a, "mass", 0), 1, 1e-12);
        sl_answer_clear(&a);
    }
}

/* tests/sim/transfer_line.py: its density beyond 1e-13 is noise. The interval must not matter where nothing is lost. */
static void stationary__averages_over_the_random_rate(void **state)
{
    (void)state;
    const struct {
        double delta, x2, x4, loss, kl;
    } rows[] = {
        {0.5, 0.8583771136532355, 0.9685353079025054, 0.06294527014900861, 0.00488173815505181},
        {1, 0.8550132157465437, 0.9680816553847489, 0.06451380597291544, 0.008128934229595767},
    };
    for (size_t i = 0; i < 2; i++) {
        char schedule[32];
        snprintf(schedule, sizeof schedule, "random:delta=%g", rows[i].delta);
        sl_answer a;
        stationary(&a, "double-well", schedule, 0.1, 0.2 / (0.1 * (1 + rows[i].delta * rows[i].delta / 3)));
        assert_close(value(&a, "x2", 0), rows[i].x2, 1e-12);
        assert_close(value(&a, "x4", 0), rows[i].x4, 1e-12);
        assert_close(value(&a, "loss", 0), rows[i].loss, 2e-12);
        assert_near(value(&a, "kl_to_boltzmann", 0), rows[i].kl, 1e-12);
        sl_answer_clear(&a);
    }
}

/* Killed at |x| = 3: of the same script. Its lost mass is a difference from 1, good to 1e-13. */
static void stationary__counts_what_the_cubic_force_throws_out(void **state)
{
    (void)state;
    sl_operator op;
    set_up(&op, "double-well", "random:delta=1", 0.2, 0.75);
    op.lo[0] = -3, op.hi[0] = 3;
    const sl_question q = {.task = SL_TASK_STATIONARY};
    sl_answer a;
    ask(&a, &op, &q);
    assert_close(value(&a, "x2", 0), 0.8302714172150832, 1e-11);
    assert_close(value(&a, "x4", 0), 0.964798240319259, 1e-11);
    assert_close(value(&a, "loss", 0), 0.07606385147227313, 1e-11);
    assert_near(value(&a, "kl_to_boltzmann", 0), 0.04450846428623963, 1e-11);
    assert_near(a.killed, 1.2987444897305522e-08, 5e-13);
    assert_non_null(strstr(a.note, "quasi-stationary"));
    sl_answer_clear(&a);
    /* An interval of its own: wide enough that what comes back from beyond 3 does. */
    op.lo[0] = op.hi[0] = 0;
    ask(&a, &op, &q);
    assert_true(a.hi[0] > 3 && a.killed > 5e-9 && a.killed < 1.2e-8);
    sl_answer_clear(&a);
}

/* x' = (1 - a l) x - l n is Gaussian with variance s2 l / (a (2 - a l)), at each point of the density. */
static void stationary__is_gaussian_on_a_quadratic(void **state)
{
    (void)state;
    const struct {
        double a, l, s2;
    } cases[] = {{1, 0.1, 1}, {2, 0.4, 3}, {1, 1, 1}, {1, 1.9, 0.5}, {1, 1e-3, 200}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char loss[32];
        snprintf(loss, sizeof loss, "quadratic:a=%g", cases[i].a);
        sl_answer a;
        stationary(&a, loss, "constant", cases[i].l, cases[i].s2);
        const double v = cases[i].s2 * cases[i].l / (cases[i].a * (2 - cases[i].a * cases[i].l));
        const double rounding = 1e-12 + 1e-13 / cases[i].l; /* of the step, against what relaxes in a step */
        assert_close(value(&a, "x2", 0), v, rounding);
        assert_close(value(&a, "x4", 0), 3 * v * v, 3 * rounding);
        const sl_field *p = sl_answer_field(&a, "density", 0);
        assert_non_null(p);
        const double top = 1 / sqrt(2 * M_PI * v);
        for (size_t k = 0; k < p->n[0]; k++)
            assert_near(p->value[k], top * exp(-p->node[0][k] * p->node[0][k] / (2 * v)), 10 * rounding * top);
        /* KL of a Gaussian of variance v against one of variance T/a */
        const double ratio = v * cases[i].a / (cases[i].l * cases[i].s2 / 2);
        assert_near(value(&a, "kl_to_boltzmann", 0), (ratio - 1 - log(ratio)) / 2, 1e-9);
        sl_answer_clear(&a);
    }
}

/* theory.md section 1 with mu = 0: <x^2> = l q s2 / (2 a (1 - q a l / 2)). plrs is the same law by its bounds. */
static void stationary__has_the_second_moment_of_a_random_rate(void **state)
{
    (void)state;
    const struct {
        const char *schedule;
        double l, delta;
    } cases[] = {{"random:delta=1", 0.1, 1},
                 {"random:delta=0.5", 0.8, 0.5},
                 {"random:delta=1", 0.7, 1},
                 {"random:delta=0.0001", 0.5, 1e-4},
                 {"plrs:min=0.1:max=0.3", 0.2, 0.5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sl_answer a;
        stationary(&a, "quadratic", cases[i].schedule, cases[i].l, 1.5);
        const double q = 1 + cases[i].delta * cases[i].delta / 3, l = cases[i].l;
        assert_close(value(&a, "x2", 0), l * q * 1.5 / (2 - q * l), 1e-10);
        sl_answer_clear(&a);
    }
}

/* Weight decay w on x^2/2 is a curvature of 1 + w. Momentum's two places of alpha are one without momentum. */
static void stationary__counts_weight_decay_in(void **state)
{
    (void)state;
    sl_operator op;
    set_up(&op, "quadratic", "constant", 0.3, 1);
    assert_ok(sl_rule_init(&op.rule, "plain", SL_ALPHA_ON_GRADIENT, 0.3, 0, 0.5, &err));
    sl_answer a;
    ask(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY});
    assert_close(value(&a, "x2", 0), 0.3 / (1.5 * (2 - 0.45)), 1e-11);
    sl_answer_clear(&a);
}

/* The kernel of a ring is a sum of Gaussians over the images; the trapezoidal rule is exact there to rounding. */
static void stationary__closes_the_ring_of_a_periodic_loss(void **state)
{
    (void)state;
    enum { N = 128 };
    const double l = 0.8, s2 = 1.5, h = 2 * M_PI / N;
    static double K[N][N], p[N], next[N];
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            const double x = -M_PI + h * j, d = -M_PI + h * i - (x - l * sin(x));
            K[i][j] = 0;
            for (int m = -4; m <= 4; m++) {
                const double z = (d + 2 * M_PI * m) / l;
                K[i][j] += h * exp(-z * z / (2 * s2)) / (l * sqrt(2 * M_PI * s2));
            }
        }
        p[i] = 1.0 / N;
    }
    for (int step = 0; step < 200; step++) {
        memset(next, 0, sizeof next);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) next[i] += K[i][j] * p[j];
        memcpy(p, next, sizeof p);
    }
    double loss = 0;
    for (int i = 0; i < N; i++) loss += p[i] * (1 - cos(-M_PI + h * i));
    sl_answer a;
    stationary(&a, "periodic", "constant", l, s2);
    assert_close(value(&a, "loss", 0), loss, 1e-12);
    assert_near(value(&a, "x", 0), 0, 1e-12);
    assert_true(a.killed < 1e-14);
    sl_answer_clear(&a);
}

/* At large rates against trajectories: 4 standard errors (false alarm 6e-5 each, six of them, fixed seed). */
static void stationary__is_what_trajectories_show(void **state)
{
    (void)state;
    const struct {
        const char *loss, *schedule;
        double l, s2;
    } cases[] = {{"double-well", "random:delta=1", 0.25, 0.5},
                 {"tilted-double-well", "constant", 0.4, 0.4},
                 {"quartic", "random:delta=0.5", 0.15, 1}};
    for (size_t i = 0; i < 3; i++) {
        sl_sgd sgd = {.noise_variance = cases[i].s2,
                      .ensemble = {.seed = 11, .replicas = 1024, .steps = 2000, .burn_in = 500}};
        assert_ok(sl_loss_init(&sgd.loss, cases[i].loss, &err));
        assert_ok(sl_rule_init(&sgd.rule, "plain", SL_ALPHA_ON_STEP, cases[i].l, 0, 0, &err));
        assert_ok(sl_schedule_init(&sgd.schedule, cases[i].schedule, cases[i].l, 1, 2500, &err));
        sl_observed o;
        assert_ok(sl_sgd_run(&o, &sgd, &err));
        sl_answer a;
        stationary(&a, cases[i].loss, cases[i].schedule, cases[i].l, cases[i].s2);
        assert_near(o.coordinate[0].x4.value, value(&a, "x4", 0), 4 * o.coordinate[0].x4.se);
        assert_near(o.loss.value, value(&a, "loss", 0), 4 * o.loss.se);
        assert_true(o.coordinate[0].x4.se < 0.01 * o.coordinate[0].x4.value);
        sl_answer_clear(&a);
        sl_observed_clear(&o);
    }
}

/* ----------------------------------------------------------------------------------------------------------- cycles */

/* The law averaged over a cycle is that of long evolution, averaged over its last cycle; found and given period agree.
 */
static void cycles__have_the_law_that_evolution_comes_to(void **state)
{
    (void)state;
    sl_operator op;
    set_up(&op, "double-well", "cyclic:period=4", 0.1, 2);
    op.tolerance = 1e-5; /* of the divergence of the narrow first laws: moments are good to rounding long before */
    sl_answer found, given, end;
    sl_question q = {.task = SL_TASK_STATIONARY};
    ask(&found, &op, &q);
    q.cycle = 8;
    ask(&given, &op, &q);
    assert_near(value(&found, "x4", 0), value(&given, "x4", 0), 1e-14);
    sl_question late = {.task = SL_TASK_EVOLVE, .from = {0}, .spread = 0.3, .n_times = 8};
    for (int k = 0; k < 8; k++) late.times[k] = 8 * 40 + k;
    ask(&end, &op, &late);
    const char *const names[] = {"x", "x2", "x4", "loss", "xg"};
    for (size_t i = 0; i < 5; i++) {
        double mean = 0;
        for (size_t k = 0; k < 8; k++) mean += value(&end, names[i], k) / 8;
        assert_near(value(&found, names[i], 0), mean, 1e-10);
    }
    assert_true(fabs(value(&end, "x2", 0) - value(&end, "x2", 4)) > 0.01); /* the phases do differ */
    assert_non_null(sl_answer_field(&found, "phase-density", 3));
    sl_answer_clear(&found);
    sl_answer_clear(&given);
    sl_answer_clear(&end);
}

/* The variance of a quadratic obeys v' = (1 - r)^2 v + r^2 s2: its periodic solution, averaged. Rates beyond 2 within
 * the cycle are held by the small ones. */
static void cycles__have_the_periodic_variance_of_a_quadratic(void **state)
{
    (void)state;
    const double rates[] = {0.3, 1.1};
    for (size_t i = 0; i < 2; i++) {
        const unsigned P = 5;
        const double l = rates[i], s2 = 1;
        double v = 0, mean = 0;
        for (unsigned k = 0; k < 2 * P * 400; k++) {
            const double r = l * (1 + cos(M_PI * (k % (2 * P)) / P));
            if (k >= 2 * P * 399) mean += v / (2 * P);
            v = (1 - r) * (1 - r) * v + r * r * s2;
        }
        sl_answer a;
        stationary(&a, "quadratic", "cyclic:period=5", l, s2);
        assert_close(value(&a, "x2", 0), mean, 1e-11);
        sl_answer_clear(&a);
    }
}

/* -------------------------------------------------------------------------------------------------------- evolution */

/* Mean and variance of a Gaussian on a quadratic, any schedule, from a point and from a Gaussian. */
static void evolve__follows_a_gaussian(void **state)
{
    (void)state;
    const char *const schedules[] = {"constant", "cosine", "cyclic:period=3", "one-cycle"};
    const double starts[] = {0, 0.4};
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 2; j++) {
            sl_operator op;
            set_up(&op, "quadratic", schedules[i], 0.4, 1);
            op.grid = 256; /* too few for the divergence of a narrow law, but moments are exact */
            assert_ok(sl_schedule_init(&op.schedule, schedules[i], 0.4, 1, 40, &err));
            sl_question q = {
                .task = SL_TASK_EVOLVE, .from = {1.5}, .spread = starts[j], .times = {0, 1, 2, 10, 30}, .n_times = 5};
            sl_answer a = {0};
            assert_true(sl_operator_solve(&a, &op, &q, NULL) >= 0);
            double mean = 1.5, v = starts[j] * starts[j];
            uint64_t k = 0;
            for (size_t t = 0; t < 5; t++) {
                for (; k < (uint64_t)q.times[t]; k++) {
                    const double r = sl_schedule_lr(&op.schedule, 0, 0, k);
                    mean *= 1 - r;
                    v = (1 - r) * (1 - r) * v + r * r;
                }
                assert_near(value(&a, "x", t), mean, 1e-11);
                assert_near(value(&a, "x2", t), mean * mean + v, 1e-11);
                assert_near(value(&a, "x4", t), pow(mean, 4) + 6 * mean * mean * v + 3 * v * v, 1e-10);
            }
            sl_answer_clear(&a);
        }
}

/* One step of a random rate from a point, whose density is singular there: E r, E r^2 of a uniform law. */
static void evolve__has_exact_moments_of_a_singular_law(void **state)
{
    (void)state;
    sl_operator op;
    set_up(&op, "double-well", "random:delta=1", 0.1, 2);
    sl_answer a;
    ask(&a, &op, &(sl_question){.task = SL_TASK_EVOLVE, .from = {0.5}, .times = {1}, .n_times = 1});
    const double g = 0.125 - 0.5, r = 0.1, r2 = 0.01 * 4 / 3;
    assert_close(value(&a, "x", 0), 0.5 - r * g, 1e-12);
    assert_close(value(&a, "x2", 0), 0.25 - 2 * 0.5 * r * g + r2 * (g * g + 2), 1e-12);
    assert_true(isnan(value(&a, "kl_to_boltzmann", 0)));
    sl_answer_clear(&a);
}

/* Powers of the matrix and single steps, and the stationary law at the end of both. */
static void evolve__jumps_as_it_steps(void **state)
{
    (void)state;
    sl_operator op;
    set_up(&op, "double-well", "constant", 0.1, 2);
    sl_question jumps = {.task = SL_TASK_EVOLVE, .from = {-1}, .spread = 0.2, .times = {20000}, .n_times = 1};
    sl_question steps = jumps;
    steps.n_times = 11;
    for (size_t k = 0; k < 11; k++) steps.times[k] = k < 10 ? 500 * (double)(k + 1) : 20000;
    jumps.times[0] = 5000;
    jumps.times[1] = 20000;
    jumps.n_times = 2;
    sl_answer a, b;
    ask(&a, &op, &jumps);
    ask(&b, &op, &steps);
    assert_near(value(&a, "x", 0), value(&b, "x", 9), 1e-11);
    assert_near(value(&a, "x2", 1), 0.8592945934029947, 1e-11);
    assert_near(value(&a, "mass", 0), 1, 1e-12);
    sl_answer_clear(&a);
    sl_answer_clear(&b);
}

/* ------------------------------------------------------------------------------------------------------ eigenvalues */

/* On a quadratic E x'^k = E(1 - a r)^k x^k + lower powers: the eigenvalues are E(1 - a r)^k. */
static void spectrum__of_a_quadratic_is_powers(void **state)
{
    (void)state;
    const struct {
        double l, delta;
    } cases[] = {{0.3, 0}, {1.4, 0}, {1e-3, 0}, {0.3, 1}, {0.3, 0.5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double l = cases[i].l, delta = cases[i].delta;
        char schedule[32];
        snprintf(schedule, sizeof schedule, delta > 0 ? "random:delta=%g" : "constant", delta);
        sl_operator op;
        set_up(&op, "quadratic", schedule, l, 1);
        sl_answer a;
        ask(&a, &op, &(sl_question){.task = SL_TASK_SPECTRUM, .eigenvalues = 5});
        for (int k = 0; k < 5; k++) {
            const double lo = 1 - l * (1 + delta), hi = 1 - l * (1 - delta);
            const double lambda = delta > 0 ? (pow(hi, k + 1) - pow(lo, k + 1)) / ((k + 1) * (hi - lo)) : pow(1 - l, k);
            assert_near(value(&a, "eigenvalue", (size_t)k), log(fabs(lambda)), 1e-10 * l + 1e-11 * k);
            assert_near(sl_answer_number(&a, "eigenvalue", (size_t)k).imag, lambda < 0 ? M_PI : 0, 1e-12);
        }
        assert_non_null(sl_answer_field(&a, "eigenfunction", 4));
        sl_answer_clear(&a);
    }
}

/* As l -> 0 at fixed T the slowest rate over l is the Fokker-Planck operator's: two rates, extrapolated. */
static void spectrum__tends_to_fokker_plancks(void **state)
{
    (void)state;
    sl_operator op;
    const sl_question q = {.task = SL_TASK_SPECTRUM, .eigenvalues = 3};
    double rate[2][2];
    for (int i = 0; i < 2; i++) {
        const double l = 1e-3 / (i + 1);
        set_up(&op, "double-well", "constant", l, 0.2 / l);
        sl_answer a;
        ask(&a, &op, &q);
        for (size_t k = 0; k < 2; k++) rate[i][k] = value(&a, "eigenvalue", k + 1) / l;
        sl_answer_clear(&a);
    }
    set_up(&op, "double-well", "constant", 1, 0);
    op.kind = &sl_fokker_planck;
    op.temperature = 0.1;
    sl_answer exact = {0};
    assert_ok(sl_operator_solve(&exact, &op, &q, &err));
    for (size_t k = 0; k < 2; k++) {
        const double limit = value(&exact, "eigenvalue", k + 1);
        assert_close(2 * rate[1][k] - rate[0][k], limit, 2e-6); /* l^2 */
        assert_true(fabs(rate[0][k] / limit - 1) > 1e-5);       /* the first order is there to be taken off */
    }
    sl_answer_clear(&exact);
}

/* --------------------------------------------------------------------------------------------------- first passages */

/* A quadratic with an absorbing point near: the sum over steps of the probability to be there still, by iterating the
 * density on Gauss points of many small panels. */
static void mfpt__of_a_quadratic_is_the_sum_of_survival(void **state)
{
    (void)state;
    enum { PANELS = 60, POINTS = 8, N = PANELS * POINTS };
    static const double at[4] = {0.1834346424956498, 0.525532409916329, 0.7966664774136267, 0.9602898564975363},
                        weight[4] = {0.362683783378362, 0.3137066458778873, 0.2223810344533745, 0.1012285362903763};
    const double l = 0.5, s = 0.5, lo = -6, to = 0.8, from = -0.3; /* s: of r n */
    static double x[N], w[N], p[N], next[N], K[N][N];
    const double half = (to - lo) / PANELS / 2;
    for (int k = 0; k < N; k++) {
        const int side = k % 2 ? 1 : -1, j = k % POINTS / 2;
        x[k] = lo + half * (2 * (k / POINTS) + 1 + side * at[j]);
        w[k] = half * weight[j];
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            const double z = (x[i] - (1 - l) * x[j]) / s;
            K[i][j] = w[j] * exp(-z * z / 2) / (s * sqrt(2 * M_PI));
        }
    double steps = 1, left = 1;
    for (int i = 0; i < N; i++) {
        const double z = (x[i] - (1 - l) * from) / s;
        p[i] = exp(-z * z / 2) / (s * sqrt(2 * M_PI));
    }
    while (left > 1e-14) {
        left = 0;
        memset(next, 0, sizeof next);
        for (int i = 0; i < N; i++) {
            left += w[i] * p[i];
            for (int j = 0; j < N; j++) next[i] += K[i][j] * p[j];
        }
        memcpy(p, next, sizeof p);
        steps += left;
    }
    sl_operator op;
    set_up(&op, "quadratic", "constant", l, 1);
    sl_answer a;
    ask(&a, &op, &(sl_question){.task = SL_TASK_MFPT, .from = {from}, .to = {to}});
    assert_close(value(&a, "mfpt", 0), steps, 1e-10);
    const sl_field *u = sl_answer_field(&a, "mfpt", 0);
    assert_true(u && u->node[0][u->n[0] - 1] < to && u->value[0] > u->value[u->n[0] - 1]);
    sl_answer_clear(&a);
    /* Mirrored. */
    ask(&a, &op, &(sl_question){.task = SL_TASK_MFPT, .from = {-from}, .to = {-to}});
    assert_close(value(&a, "mfpt", 0), steps, 1e-10);
    sl_answer_clear(&a);
}

/* Mean steps from -1 until x >= 1 by simulation; 4 standard errors (fixed seed). */
static void simulate(double *mean, double *se, const sl_schedule *schedule, double s2, size_t replicas)
{
    double sum = 0, square = 0;
    for (size_t i = 0; i < replicas; i++) {
        double x = -1;
        uint64_t k = 0;
        for (; x < 1; k++) {
            double noise[8];
            const sl_draw draw = {.seed = 3, .step = k, .purpose = SL_PURPOSE_NOISE};
            sl_random_normals(noise, 8, 8 * i, sqrt(s2), &draw);
            x -= sl_schedule_lr(schedule, 3, i, k) * (x * x * x - x + noise[0]);
        }
        sum += (double)k;
        square += (double)k * (double)k;
    }
    *mean = sum / (double)replicas;
    *se = sqrt((square / (double)replicas - *mean * *mean) / (double)replicas);
}

static void mfpt__is_what_trajectories_take(void **state)
{
    (void)state;
    const char *const schedules[] = {"constant", "random:delta=1", "cyclic:period=6"};
    for (size_t i = 0; i < 3; i++) {
        sl_operator op;
        set_up(&op, "double-well", schedules[i], 0.2, 1);
        double mean, se;
        simulate(&mean, &se, &op.schedule, 1, 3000);
        sl_answer a;
        sl_question q = {.task = SL_TASK_MFPT, .from = {-1}, .to = {1}};
        ask(&a, &op, &q);
        assert_near(value(&a, "mfpt", 0), mean, 4 * se);
        assert_true(se < 0.03 * mean);
        sl_answer_clear(&a);
    }
}

/* Of the well at -1 (h = 1/4) and of the shallow one of f + 0.3 x, at temperatures at which the stationary law's interval
 * is crossed at its other end sooner than the passage asked for: by Nystrom's method on [-3, to] or [to, 3]
 * (tests/sim/transfer_line.py). */
static void mfpt__keeps_the_other_end_out(void **state)
{
    (void)state;
    const struct {
        const char *loss;
        double l, T, from, to, steps;
    } rows[] = {
        {"double-well", 0.4, 0.01, -1, -0.5, 1157455.3076},   /* 912940 on the stationary law's own */
        {"double-well", 0.4, 0.0125, -1, 0, 2020621749.},     /* 2.9e6 */
        {"double-well", 0.1, 0.005, -1, -0.7, 2804465.6722},
        {"tilted-double-well:tilt=0.3", 0.1, 0.01, 0.7, -1, 1189.332756}, /* 4.6: it leaves out the shallow well */
        {"tilted-double-well:tilt=0.3", 0.3, 0.006, 0.7, -1, 1982.342491},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sl_operator op;
        set_up(&op, rows[i].loss, "constant", rows[i].l, 2 * rows[i].T / rows[i].l);
        op.tolerance = 1e-6;
        sl_answer a;
        ask(&a, &op, &(sl_question){.task = SL_TASK_MFPT, .from = {rows[i].from}, .to = {rows[i].to}});
        assert_close(value(&a, "mfpt", 0), rows[i].steps, 1e-6);
        assert_true(a.note[0] == 0 && a.lo[0] <= rows[i].from && a.hi[0] >= rows[i].from);
        sl_answer_clear(&a);
    }
}

/* A domain whose other end leaks: the time is that until either, and says so; where most leave there is none. Its error
 * holds the time on a domain that does not leak. */
static void mfpt__of_a_leaking_domain_is_not_good(void **state)
{
    (void)state;
    const sl_question q = {.task = SL_TASK_MFPT, .from = {-1}, .to = {1}};
    sl_operator op;
    set_up(&op, "double-well", "constant", 0.2, 1);
    sl_answer a = {0};
    ask(&a, &op, &q);
    const double whole = value(&a, "mfpt", 0);
    sl_answer_clear(&a);
    op.lo[0] = -1.9, op.hi[0] = 1.9;
    assert_int_equal(sl_operator_solve(&a, &op, &q, &(sl_err){0}), SL_UNDECIDED);
    const sl_number leaking = sl_answer_number(&a, "mfpt", 0);
    assert_true(leaking.value < whole && leaking.value + leaking.error > whole * (1 - 1e-6));
    assert_true(leaking.error < whole / 2);
    assert_non_null(strstr(a.note, "other end, -1.9,"));
    sl_answer_clear(&a);
    op.lo[0] = -1.2, op.hi[0] = 1.2;
    op.grid = 128;
    assert_fails(sl_operator_solve(&a, &op, &q, &err), SL_E_NUMERIC, "make the domain wider");
}

/* A time of 3.4e9 steps is good to as many units in the last place: not to 1e-8. On [-3.2, 2] and [-4, 2] there are two
 * answers. */
static void mfpt__of_a_rare_passage_counts_rounding(void **state)
{
    (void)state;
    const sl_question q = {.task = SL_TASK_MFPT, .from = {0}, .to = {2}};
    sl_number time[2];
    for (int i = 0; i < 2; i++) {
        sl_operator op;
        set_up(&op, "quadratic", "constant", 0.1, 2);
        op.grid = 512;
        if (i == 1) op.lo[0] = -4, op.hi[0] = 4;
        sl_answer a = {0};
        assert_int_equal(sl_operator_solve(&a, &op, &q, &(sl_err){0}), SL_UNDECIDED);
        time[i] = sl_answer_number(&a, "mfpt", 0);
        sl_answer_clear(&a);
    }
    assert_true(time[0].error > 1e-8 * time[0].value && time[0].error < 1e-5 * time[0].value);
    assert_near(time[0].value, time[1].value, time[0].error + time[1].error);
}

/* By symmetry one half in the middle, and the field is one at its mirror's zero; on a ring too. One step of a rate so
 * large that it jumps over all: the probability to land on that side. */
static void committor__is_antisymmetric(void **state)
{
    (void)state;
    const char *const losses[] = {"double-well", "quadratic", "periodic"};
    for (size_t i = 0; i < 3; i++) {
        sl_operator op;
        set_up(&op, losses[i], "random:delta=0.5", 0.2, 1);
        sl_answer a;
        ask(&a, &op, &(sl_question){.task = SL_TASK_COMMITTOR, .from = {-0.9}, .to = {0.9}});
        assert_near(value(&a, "committor_midway", 0), 0.5, 1e-11);
        const sl_field *f = sl_answer_field(&a, "committor", 0);
        assert_non_null(f);
        const size_t n = f->n[0];
        for (size_t k = 0; k < n; k++) {
            assert_near(f->value[k] + f->value[n - 1 - k], 1, 1e-10);
            assert_true(f->value[k] > 0 && f->value[k] < 1 && (k == 0 || f->value[k] > f->value[k - 1]));
        }
        sl_answer_clear(&a);
    }
    sl_operator op;
    set_up(&op, "quadratic", "constant", 1, 1e10); /* x' = -n */
    sl_answer a;
    ask(&a, &op, &(sl_question){.task = SL_TASK_COMMITTOR, .from = {0}, .to = {1}});
    assert_near(value(&a, "committor_midway", 0), 0.5, 1e-5);
    sl_answer_clear(&a);
}

/* --------------------------------------------------------------------------------------------------------- refusals */

static void assert_refused(const char *loss, const char *schedule, double l, double s2, const sl_question *q,
                           sl_status status, const char *text)
{
    sl_operator op;
    set_up(&op, loss, schedule, l, s2);
    sl_answer a = {0};
    assert_fails(sl_operator_solve(&a, &op, q, &err), status, text);
    assert_null(a.numbers);
}

static void operator__refuses_what_has_no_answer(void **state)
{
    (void)state;
    const sl_question law = {.task = SL_TASK_STATIONARY};
    assert_refused("quadratic", "constant", 2, 1, &law, SL_E_UNSTABLE, "2/q = 2");
    assert_refused("quadratic", "random:delta=1", 1.5, 1, &law, SL_E_UNSTABLE, "2/q = 1.5");
    assert_refused("quadratic", "random:delta=1", 1.4, 1, &law, SL_E_UNSTABLE, "<x^6>");
    assert_refused("quadratic", "cyclic:period=6", 2.5, 1, &law, SL_E_UNSTABLE, "product");
    assert_refused("double-well", "constant", 1.2, 0.5, &law, SL_E_UNSTABLE, "2/(q f'')");
    assert_refused("quadratic", "constant", 0.1, 0, &law, SL_E_DOMAIN, "noise variance = 0");
    assert_refused("quadratic", "constant", 0.1, NAN, &law, SL_E_DOMAIN, "noise variance");
    assert_refused("quadratic", "cosine", 0.1, 1, &law, SL_E_CONFIG, "no stationary law");
    /* A plateau is not a period. */
    assert_refused("quadratic", "step:every=100", 0.1, 1, &law, SL_E_CONFIG, "no stationary law");
    assert_refused("quadratic", "cyclic:period=6", 0.1, 1, &(sl_question){.task = SL_TASK_STATIONARY, .cycle = 11},
                   SL_E_CONFIG, "11 steps");
    assert_refused("quadratic", "constant", 0.1, 1,
                   &(sl_question){.task = SL_TASK_EVOLVE, .times = {0.5}, .n_times = 1}, SL_E_DOMAIN, "whole numbers");
    /* Barrier over T of 50: 1 - the eigenvalue is below rounding. */
    sl_operator op;
    set_up(&op, "double-well", "constant", 0.01, 1);
    op.grid = 256;
    sl_answer a = {0};
    assert_fails(sl_operator_solve(&a, &op, &(sl_question){.task = SL_TASK_MFPT, .from = {-1}, .to = {1}}, &err),
                 SL_E_NUMERIC, "double precision");
}

static void operator__refuses_bad_domains(void **state)
{
    (void)state;
    sl_operator op;
    sl_answer a = {0};
    const sl_question evolve = {.task = SL_TASK_EVOLVE, .from = {3}, .times = {1}, .n_times = 1};
    set_up(&op, "quadratic", "constant", 0.1, 1);
    op.lo[0] = -2, op.hi[0] = 2;
    assert_fails(sl_operator_solve(&a, &op, &evolve, &err), SL_E_CONFIG, "'from' = 3");
    set_up(&op, "periodic", "constant", 0.1, 1);
    op.lo[0] = -2, op.hi[0] = 2;
    assert_fails(sl_operator_solve(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY}, &err), SL_E_CONFIG,
                 "one period");
    set_up(&op, "periodic", "constant", 0.1, 1);
    const sl_question round = {.task = SL_TASK_MFPT, .from = {0}, .to = {M_PI}};
    assert_fails(sl_operator_solve(&a, &op, &round, &err), SL_E_DOMAIN, "an end of the period");
    set_up(&op, "periodic", "constant", 0.1, 1);
    op.rule.weight_decay = 0.1;
    assert_fails(sl_operator_solve(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY}, &err), SL_E_DOMAIN,
                 "weight decay");
    set_up(&op, "quadratic", "constant", 0.1, 1);
    op.memory = 1e5;
    assert_fails(sl_operator_solve(&a, &op, &(sl_question){.task = SL_TASK_STATIONARY}, &err), SL_E_CONFIG, "bytes");
    assert_null(a.numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stationary__meets_the_oracle_of_the_double_well),
        cmocka_unit_test(stationary__averages_over_the_random_rate),
        cmocka_unit_test(stationary__counts_what_the_cubic_force_throws_out),
        cmocka_unit_test(stationary__is_gaussian_on_a_quadratic),
        cmocka_unit_test(stationary__has_the_second_moment_of_a_random_rate),
        cmocka_unit_test(stationary__counts_weight_decay_in),
        cmocka_unit_test(stationary__closes_the_ring_of_a_periodic_loss),
        cmocka_unit_test(stationary__is_what_trajectories_show),
        cmocka_unit_test(cycles__have_the_law_that_evolution_comes_to),
        cmocka_unit_test(cycles__have_the_periodic_variance_of_a_quadratic),
        cmocka_unit_test(evolve__follows_a_gaussian),
        cmocka_unit_test(evolve__has_exact_moments_of_a_singular_law),
        cmocka_unit_test(evolve__jumps_as_it_steps),
        cmocka_unit_test(spectrum__of_a_quadratic_is_powers),
        cmocka_unit_test(spectrum__tends_to_fokker_plancks),
        cmocka_unit_test(mfpt__of_a_quadratic_is_the_sum_of_survival),
        cmocka_unit_test(mfpt__is_what_trajectories_take),
        cmocka_unit_test(mfpt__keeps_the_other_end_out),
        cmocka_unit_test(mfpt__of_a_leaking_domain_is_not_good),
        cmocka_unit_test(mfpt__of_a_rare_passage_counts_rounding),
        cmocka_unit_test(committor__is_antisymmetric),
        cmocka_unit_test(operator__refuses_what_has_no_answer),
        cmocka_unit_test(operator__refuses_bad_domains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
