#include "tests/test.h"

#include <gsl/gsl_integration.h>

#include "base/parallel.h"
#include "sim/operators/operator.h"

/* Kinds that answer from a formula, so that what the ladder makes of them is known beforehand. */
static int solved;        /* calls of solve */
static size_t too_coarse; /* grids up to here fail */
static double cut_off;    /* what domain() reports */
static double rounding;   /* size of made-up rounding errors */

static sl_status fake_domain(sl_operator *op, const sl_question *q, double *outside, sl_err *err)
{
    (void)q, (void)err;
    if (op->lo[0] == op->hi[0]) op->hi[0] = 1;
    *outside = cut_off;
    return SL_OK;
}

static double fake_bytes(const sl_operator *op, const sl_question *q, size_t n)
{
    (void)op, (void)q;
    return 100.0 * (double)n;
}

/* sinh(h)/h-like: an even power series in h. */
static sl_status even_solve(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    (void)op, (void)q;
    solved++;
    if (n <= too_coarse) return sl_fail(err, SL_E_NUMERIC, "too coarse");
    const double h = 8.0 / (double)n, noise = rounding * (double)((n / 16 * 7919) % 13);
    SL_TRY(sl_answer_add(a, "even", 0, 3 + h * h + 0.3 * pow(h, 4) - 0.2 * pow(h, 6) + 0.1 * pow(h, 8) + noise, 0, 0,
                         err));
    SL_TRY(sl_answer_add(a, "complex", 2, 1 - h * h, 2 + 3 * h * h, 0, err));
    SL_TRY(sl_answer_add(a, "nought", 0, 0, 0, 0, err));
    sl_field *f = NULL;
    SL_TRY(sl_answer_add_field(&f, a, "ones", 0, n, 1, err));
    for (size_t i = 0; i < n; i++) f->value[i] = 1;
    a->unknowns = n;
    return SL_OK;
}

static sl_status exponential_solve(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    (void)op, (void)q;
    solved++;
    return sl_answer_add(a, "fast", 0, 1 + exp(-0.25 * (double)n), 0, 0, err);
}

static sl_status slow_solve(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    (void)op, (void)q;
    solved++;
    return sl_answer_add(a, "slow", 0, 1 + 1 / sqrt((double)n), 0, 0, err);
}

/* 1, which grids of less than 64 nodes do not see at all. */
static sl_status blind_solve(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    (void)op, (void)q;
    solved++;
    return sl_answer_add(a, "blind", 0, n < 64 ? 1e-4 + 1e-6 * (double)n : 1 - 20 / (double)n, 0, 0, err);
}

/* A second-order term, and a third-order one that jumps about from grid to grid. */
static sl_status rough_solve(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    (void)op, (void)q;
    solved++;
    a->rough = true;
    const double h = 8.0 / (double)n;
    return sl_answer_add(a, "rough", 0, 2 + h * h + 0.3 * pow(h, 3) * sin((double)n), 0, 0, err);
}

static const sl_operator_kind even = {.entry = {.name = "even"},
                                      .order = 2,
                                      .first_grid = 16,
                                      .last_grid = 1 << 12,
                                      .domain = fake_domain,
                                      .bytes = fake_bytes,
                                      .solve = even_solve};
static const sl_operator_kind exponential = {.entry = {.name = "fast"},
                                             .order = 0,
                                             .first_grid = 16,
                                             .last_grid = 1 << 12,
                                             .domain = fake_domain,
                                             .bytes = fake_bytes,
                                             .solve = exponential_solve};
static const sl_operator_kind rough = {.entry = {.name = "rough"},
                                       .order = 2,
                                       .first_grid = 16,
                                       .last_grid = 1 << 9,
                                       .domain = fake_domain,
                                       .bytes = fake_bytes,
                                       .solve = rough_solve};
static const sl_operator_kind blind = {.entry = {.name = "blind"},
                                       .order = 2,
                                       .first_grid = 16,
                                       .last_grid = 1 << 8,
                                       .domain = fake_domain,
                                       .bytes = fake_bytes,
                                       .solve = blind_solve};
static const sl_operator_kind slow = {.entry = {.name = "slow"},
                                      .order = 2,
                                      .first_grid = 16,
                                      .last_grid = 1 << 8,
                                      .domain = fake_domain,
                                      .bytes = fake_bytes,
                                      .solve = slow_solve};

/* A minute on 240 nodes; with a reservation of its own. */
static double minute_seconds(const sl_operator *op, const sl_question *q, size_t n)
{
    (void)op, (void)q;
    return (double)n / 4;
}

static sl_status minute_solve(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n, sl_err *err)
{
    strcpy(a->note, "it leaks");
    return slow_solve(a, op, q, n, err);
}

static const sl_operator_kind minute = {.entry = {.name = "minute"},
                                        .order = 2,
                                        .first_grid = 16,
                                        .last_grid = 1 << 8,
                                        .seconds = minute_seconds,
                                        .solve = minute_solve};
static const sl_operator_kind minutes = {.entry = {.name = "minutes"},
                                         .order = 2,
                                         .first_grid = 64,
                                         .last_grid = 1 << 8,
                                         .seconds = minute_seconds,
                                         .solve = minute_solve};

static const sl_question stationary = {.task = SL_TASK_STATIONARY};

static sl_operator with(const sl_operator_kind *kind)
{
    sl_operator op = {.kind = kind, .temperature = 1};
    assert_ok(sl_loss_init(&op.loss, "quadratic", &err));
    return op;
}

static int reset(void **state)
{
    (void)state;
    solved = 0;
    too_coarse = 0;
    cut_off = 0;
    rounding = 0;
    sl_stop_clear();
    return 0;
}

/* Two coarse grids that agree about nothing are not believed against finer ones that do not agree yet. */
static void solve__follows_what_only_fine_grids_see(void **state)
{
    (void)state;
    const sl_operator op = with(&blind);
    sl_answer a = {0};
    sl_err err = {0};
    assert_int_equal(sl_operator_solve(&a, &op, &stationary, &err), SL_UNDECIDED);
    const sl_number x = sl_answer_number(&a, "blind", 0);
    assert_true(x.value > 0.9);
    assert_true(fabs(x.value - 1) <= 2 * x.error);
    sl_answer_clear(&a);
}

/* Four grids, with errors h^2 to h^8 of which Romberg takes away the first three: without it 1e-8 would need a grid of
 * 80000. */
static void solve__extrapolates_even_powers(void **state)
{
    (void)state;
    const sl_operator op = with(&even);
    sl_answer a = {0};
    assert_ok(sl_operator_solve(&a, &op, &stationary, &err));
    const sl_number x = sl_answer_number(&a, "even", 0), c = sl_answer_number(&a, "complex", 2);
    assert_near(x.value, 3, 3e-8);
    assert_true(fabs(x.value - 3) <= x.error);
    assert_true(x.error <= 3e-8);
    assert_near(c.value, 1, 1e-14);
    assert_near(c.imag, 2, 1e-14);
    assert_true(sl_answer_number(&a, "nought", 0).error == 0);
    assert_true(a.grid_error <= 1e-8);
    assert_int_equal(a.levels, solved);
    assert_true(a.levels <= 6);
    assert_int_equal(a.grid, 16 << (a.levels - 1));
    assert_int_equal(a.unknowns, a.grid);
    assert_int_equal(sl_answer_field(&a, "ones", 0)->n[0], a.grid);
    assert_null(sl_answer_field(&a, "twos", 0));
    assert_true(isnan(sl_answer_number(&a, "even", 1).value));
    sl_answer_clear(&a);
    assert_null(a.fields);
}

/* exp(-n/4): 1.8e-2, 3.4e-4, 1.1e-7, 1.3e-14; the third change is 1.1e-7, the fourth below 1e-8. */
static void solve__stops_when_two_grids_agree(void **state)
{
    (void)state;
    const sl_operator op = with(&exponential);
    sl_answer a = {0};
    assert_ok(sl_operator_solve(&a, &op, &stationary, &err));
    assert_int_equal(a.levels, 5);
    assert_near(sl_answer_number(&a, "fast", 0).value, 1, 1e-15);
    assert_near(sl_answer_number(&a, "fast", 0).error, exp(-32), 3e-14);
    sl_answer_clear(&a);
}

static void solve__takes_the_grid_given(void **state)
{
    (void)state;
    sl_operator op = with(&even);
    op.grid = 64;
    sl_answer a = {0};
    assert_int_equal(sl_operator_solve(&a, &op, &stationary, NULL), SL_UNDECIDED);
    assert_int_equal(solved, 2);
    assert_int_equal(a.grid, 64);
    assert_non_null(strstr(a.note, "64 nodes"));
    const sl_number x = sl_answer_number(&a, "even", 0);
    assert_true(fabs(x.value - 3) <= x.error && x.error < 0.02);
    sl_answer_clear(&a);
    op.tolerance = 0.05;
    assert_ok(sl_operator_solve(&a, &op, &stationary, &err));
    assert_string_equal(a.note, "");
    sl_answer_clear(&a);
}

/* Rounding errors of 1e-9 on each grid: 1e-12 cannot be had. The driver must not talk itself into it, and must stop. */
static void solve__is_honest_about_rounding(void **state)
{
    (void)state;
    sl_operator op = with(&even);
    op.tolerance = 1e-12;
    rounding = 1e-9;
    sl_answer a = {0};
    assert_int_equal(sl_operator_solve(&a, &op, &stationary, NULL), SL_UNDECIDED);
    const sl_number x = sl_answer_number(&a, "even", 0);
    assert_true(x.error > 1e-11 && x.error < 1e-7);
    assert_near(x.value, 3, 2e-8);
    assert_true(a.grid_error > 1e-12);
    sl_answer_clear(&a);
}

static void solve__says_when_the_ladder_ends(void **state)
{
    (void)state;
    const sl_operator op = with(&slow);
    sl_answer a = {0};
    assert_int_equal(sl_operator_solve(&a, &op, &stationary, NULL), SL_UNDECIDED);
    assert_int_equal(a.grid, 256);
    assert_true(a.grid_error > 1e-3);
    assert_true(strlen(a.note) > 0);
    sl_answer_clear(&a);
}

static void solve__takes_long_only_if_asked(void **state)
{
    (void)state;
    sl_operator op = with(&minute);
    op.lo[0] = 0, op.hi[0] = 1;
    sl_answer a = {0};
    assert_int_equal(sl_operator_solve(&a, &op, &stationary, NULL), SL_UNDECIDED);
    assert_int_equal(a.grid, 64);
    assert_non_null(strstr(a.note, "it leaks; slow 0 is good to"));
    assert_non_null(strstr(a.note, "a finer grid would take about 32 s"));
    sl_answer_clear(&a);
    op.grid = 256;
    assert_int_equal(sl_operator_solve(&a, &op, &stationary, NULL), SL_UNDECIDED);
    assert_int_equal(a.grid, 256);
    assert_null(strstr(a.note, "finer"));
    sl_answer_clear(&a);
    op = with(&minutes);
    solved = 0;
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_CONFIG,
                 "a grid of 128 nodes along x takes about 32 s, and is solved only if the grid is given");
    assert_int_equal(solved, 0);
}

static void add_law__refuses_what_is_no_law(void **state)
{
    (void)state;
    sl_loss loss;
    assert_ok(sl_loss_init(&loss, "quadratic", &err));
    double x[3] = {-2, 0, 2}, p[3] = {-1, 3, -0.5}, w[3] = {1, 1, 1};
    const sl_field law = {.dim = 1, .n = {3, 1}, .node = {x, NULL}, .value = p};
    sl_answer a = {0};
    assert_fails(sl_answer_add_law(&a, &loss, &law, w, 1, 0, &err), SL_E_NUMERIC, "large negative parts (<x^2> = -4");
    sl_answer_clear(&a);
}

static void solve__begins_where_grids_are_fine_enough(void **state)
{
    (void)state;
    const sl_operator op = with(&even);
    too_coarse = 32;
    sl_answer a = {0};
    assert_ok(sl_operator_solve(&a, &op, &stationary, &err));
    assert_int_equal(a.levels, solved - 2);
    assert_near(sl_answer_number(&a, "even", 0).value, 3, 3e-8);
    sl_answer_clear(&a);
    too_coarse = 1 << 12;
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_NUMERIC, "too coarse");
    assert_null(a.numbers);
}

static void solve__counts_bytes_before_it_solves(void **state)
{
    (void)state;
    sl_operator op = with(&even);
    op.memory = 3000;
    sl_answer a = {0};
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_CONFIG, "3.2e+03 bytes");
    assert_int_equal(solved, 0);
    op.memory = 6400; /* 16, 32 and 64 fit */
    assert_int_equal(sl_operator_solve(&a, &op, &stationary, NULL), SL_UNDECIDED);
    assert_int_equal(a.grid, 64);
    sl_answer_clear(&a);
    op.grid = 1000;
    solved = 0;
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_CONFIG, "1e+05 bytes");
    assert_int_equal(solved, 0);
}

static void solve__refuses_domains_that_cut(void **state)
{
    (void)state;
    const sl_operator op = with(&even);
    cut_off = 1e-3;
    sl_answer a = {0};
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_CONFIG, "cuts off 1.0e-03");
    assert_int_equal(solved, 0);
}

static void solve__refuses_bad_input(void **state)
{
    (void)state;
    const sl_operator good = with(&even);
    sl_answer a = {0};
    sl_operator op = good;
    op.tolerance = -1;
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_DOMAIN, "tolerance");
    op = good;
    op.grid = 101;
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_DOMAIN, "grid = 101");
    op.grid = 8;
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_DOMAIN, "grid = 8");
    op = good;
    op.lo[0] = 2;
    op.hi[0] = 1;
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_DOMAIN, "domain [2, 1]");
    op = good;
    op.kind = NULL;
    assert_fails(sl_operator_solve(&a, &op, &stationary, &err), SL_E_DOMAIN, "kind");
    sl_question q = {.task = SL_TASK_EVOLVE};
    assert_fails(sl_operator_solve(&a, &good, &q, &err), SL_E_DOMAIN, "at least one time");
    q = (sl_question){.task = SL_TASK_EVOLVE, .times = {1, 0.5}, .n_times = 2};
    assert_fails(sl_operator_solve(&a, &good, &q, &err), SL_E_DOMAIN, "time 1 is 0.5");
    q = (sl_question){.task = SL_TASK_EVOLVE, .times = {NAN}, .n_times = 1};
    assert_fails(sl_operator_solve(&a, &good, &q, &err), SL_E_DOMAIN, "time 0");
    q = (sl_question){.task = SL_TASK_EVOLVE, .n_times = SL_OPERATOR_TIMES + 1};
    assert_fails(sl_operator_solve(&a, &good, &q, &err), SL_E_DOMAIN, "65 times");
    q = (sl_question){.task = SL_TASK_EVOLVE, .times = {1}, .n_times = 1, .spread = -1};
    assert_fails(sl_operator_solve(&a, &good, &q, &err), SL_E_DOMAIN, "spread");
    q = (sl_question){.task = SL_TASK_SPECTRUM, .eigenvalues = 17};
    assert_fails(sl_operator_solve(&a, &good, &q, &err), SL_E_DOMAIN, "17 eigenvalues");
    q = (sl_question){.task = SL_TASK_MFPT, .from = {1}, .to = {1}};
    assert_fails(sl_operator_solve(&a, &good, &q, &err), SL_E_DOMAIN, "same point");
    q = (sl_question){.task = SL_TASK_MFPT, .from = {INFINITY}, .to = {1}};
    assert_fails(sl_operator_solve(&a, &good, &q, &err), SL_E_DOMAIN, "'from'");
    q = (sl_question){.task = 99};
    assert_fails(sl_operator_solve(&a, &good, &q, &err), SL_E_DOMAIN, "task 99");
    assert_int_equal(solved, 0);
    assert_null(a.numbers);
}

static void solve__can_be_interrupted(void **state)
{
    (void)state;
    const sl_operator op = with(&even);
    sl_answer a = {0};
    sl_stop_request();
    assert_int_equal(sl_operator_solve(&a, &op, &stationary, NULL), SL_INTERRUPTED);
    sl_stop_clear();
    assert_null(a.numbers);
}

static void add__refuses_what_is_no_number(void **state)
{
    (void)state;
    sl_answer a = {0};
    assert_fails(sl_answer_add(&a, "x", 0, NAN, 0, 0, &err), SL_E_NUMERIC, "x came out");
    assert_fails(sl_answer_add(&a, "x", 0, 0, INFINITY, 0, &err), SL_E_NUMERIC, "x came out");
    sl_field *f = NULL;
    assert_fails(sl_answer_add_field(&f, &a, "x", 0, SIZE_MAX, 2, &err), SL_E_MEMORY, "nodes");
    for (size_t i = 0; i < 40; i++) assert_ok(sl_answer_add(&a, "x", i, (double)i, 0, 0, &err));
    assert_near(sl_answer_number(&a, "x", 39).value, 39, 0);
    sl_answer_clear(&a);
    sl_answer_clear(NULL);
}

/* A Gaussian of mean m and variance s on a fine grid: its moments and its KL to exp(-x^2/2T), in closed form. */
static void add_law__moments_of_a_gaussian(void **state)
{
    (void)state;
    enum { N = 2001 };
    const double m = 0.3, s = 0.5, T = 0.7, h = 0.01;
    const sl_operator op = with(&even);
    sl_answer a = {0};
    sl_field *p = NULL;
    assert_ok(sl_answer_add_field(&p, &a, "density", 3, N, 1, &err));
    double w[N];
    for (size_t i = 0; i < N; i++) {
        const double x = ((double)i - N / 2) * h;
        p->node[0][i] = x;
        p->value[i] = exp(-(x - m) * (x - m) / (2 * s)) / sqrt(2 * M_PI * s);
        w[i] = h;
    }
    assert_ok(sl_answer_add_law(&a, &op.loss, p, w, T, 3, &err));
    assert_near(sl_answer_number(&a, "mass", 3).value, 1, 1e-14);
    assert_near(sl_answer_number(&a, "x", 3).value, m, 1e-14);
    assert_near(sl_answer_number(&a, "x2", 3).value, s + m * m, 1e-14);
    assert_near(sl_answer_number(&a, "x4", 3).value, 3 * s * s + 6 * s * m * m + pow(m, 4), 1e-14);
    assert_near(sl_answer_number(&a, "loss", 3).value, (s + m * m) / 2, 1e-14);
    assert_near(sl_answer_number(&a, "xg", 3).value, s + m * m, 1e-14);
    assert_near(sl_answer_number(&a, "kl_to_boltzmann", 3).value, ((s + m * m) / T - 1 - log(s / T)) / 2, 1e-14);
    const sl_field *b = sl_answer_field(&a, "boltzmann", 3);
    assert_near(b->value[N / 2], 1 / sqrt(2 * M_PI * T), 1e-13);
    sl_answer_clear(&a);
}

/* In two dimensions, with a correlation; and the same field as the phase space of a one-dimensional loss. */
static void add_law__moments_of_a_plane(void **state)
{
    (void)state;
    enum { N = 121 };
    const double h = 0.15, r = 0.6; /* unit variances, correlation r */
    double *w = malloc(N * N * sizeof *w);
    assert_non_null(w);
    for (int phase = 0; phase < 2; phase++) {
        sl_loss loss;
        assert_ok(sl_loss_init(&loss, phase ? "quadratic" : "quadratic:spectrum=1,2", &err));
        sl_answer a = {0};
        sl_field *p = NULL;
        assert_ok(sl_answer_add_field(&p, &a, "density", 0, N, N, &err));
        for (size_t i = 0; i < N; i++) p->node[0][i] = p->node[1][i] = ((double)i - N / 2) * h;
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++) {
                const double x = p->node[0][i], y = p->node[1][j];
                p->value[i * N + j] =
                    exp(-(x * x - 2 * r * x * y + y * y) / (2 * (1 - r * r))) / (2 * M_PI * sqrt(1 - r * r));
                w[i * N + j] = h * h;
            }
        assert_ok(sl_answer_add_law(&a, &loss, p, w, 1, 0, &err));
        assert_near(sl_answer_number(&a, "x2", 0).value, 1, 1e-13);
        assert_near(sl_answer_number(&a, phase ? "v2" : "y2", 0).value, 1, 1e-13);
        assert_near(sl_answer_number(&a, phase ? "xv" : "xy", 0).value, r, 1e-13);
        assert_near(sl_answer_number(&a, "xg", 0).value, phase ? 1 : 1.5, 1e-13);
        assert_near(sl_answer_number(&a, "loss", 0).value, phase ? 0.5 : 1.5, 1e-13);
        /* phase: the x marginal is the Boltzmann law; plane: KL of N(0, [1 r; r 1]) to N(0, diag(1, 1/2)) */
        const double kl = phase ? 0 : (1 + 2 - 2 - log(2 * (1 - r * r))) / 2;
        assert_near(sl_answer_number(&a, "kl_to_boltzmann", 0).value, kl, 1e-13);
        assert_true((sl_answer_field(&a, "boltzmann", 0) == NULL) == (phase == 1));
        sl_answer_clear(&a);
    }
    free(w);
}

/* ---------------------------------------------------------------------------------------------------------- the box */

static double weight(double x, void *ctx)
{
    const sl_operator *op = ctx;
    return exp(-sl_loss_value(&op->loss, &x) / op->temperature);
}

/* The mass beyond the box, by quadrature to infinity, against the bound: it holds and is not wasteful. */
static void box__bounds_the_mass_outside(void **state)
{
    (void)state;
    const char *losses[] = {"quadratic", "double-well", "tilted-double-well:tilt=0.3", "quartic"};
    gsl_integration_workspace *work = gsl_integration_workspace_alloc(2000);
    for (size_t k = 0; k < 4; k++) {
        for (double T = 0.01; T < 20; T *= 10) {
            sl_operator op = {.temperature = T};
            assert_ok(sl_loss_init(&op.loss, losses[k], &err));
            double lo[2], hi[2], outside = NAN, left, right, middle, error;
            assert_ok(sl_operator_box(lo, hi, &outside, &op.loss, T, 1e-9, &err));
            gsl_function f = {weight, &op};
            assert_int_equal(gsl_integration_qagiu(&f, hi[0], 0, 1e-6, 2000, work, &right, &error), 0);
            assert_int_equal(gsl_integration_qagil(&f, lo[0], 0, 1e-6, 2000, work, &left, &error), 0);
            double centre[] = {lo[0], op.loss.start[0], hi[0]};
            assert_int_equal(gsl_integration_qagp(&f, centre, 3, 0, 1e-8, 2000, work, &middle, &error), 0);
            const double mass = (left + right) / (left + middle + right);
            assert_true(mass <= outside && outside <= 1e-9);
            assert_true(mass > 1e-14);
        }
    }
    gsl_integration_workspace_free(work);
}

/* However narrow the wells are. Half-widths from f = T log(1/mass). */
static void box__works_at_any_temperature(void **state)
{
    (void)state;
    sl_loss loss;
    assert_ok(sl_loss_init(&loss, "tilted-double-well:tilt=0", &err));
    for (double T = 1e-3; T > 1e-13; T /= 10) {
        double lo[2], hi[2], outside = NAN;
        assert_ok(sl_operator_box(lo, hi, &outside, &loss, T, 1e-13, &err));
        const double half = sqrt(2 * T * log(1e13) / 2);
        assert_true(hi[0] - 1 > 0.8 * half && hi[0] - 1 < 1.4 * half);
        assert_true(-1 - lo[0] > 0.8 * half && -1 - lo[0] < 1.4 * half);
    }
}

static void box__of_a_period_and_of_planes(void **state)
{
    (void)state;
    sl_loss loss;
    double lo[2], hi[2], outside = NAN;
    assert_ok(sl_loss_init(&loss, "periodic", &err));
    assert_ok(sl_operator_box(lo, hi, &outside, &loss, 0.1, 1e-13, &err));
    assert_near(lo[0], -M_PI, 0);
    assert_near(hi[0], M_PI, 0);
    assert_near(outside, 0, 0);
    assert_ok(sl_loss_init(&loss, "quadratic:spectrum=1,100", &err));
    assert_ok(sl_operator_box(lo, hi, &outside, &loss, 1, 1e-10, &err));
    assert_true(erfc(hi[0] / sqrt(2)) < 1e-10 && hi[0] < 8);
    assert_near(hi[1], hi[0] / 10, 1e-3);
    assert_near(lo[1], -hi[1], 1e-9);
}

/* A valley along y = x^2, not separable: x is N(0, T/2) and y - x^2 is N(0, T/100). */
static void valley_value(const sl_loss *loss, size_t B, size_t stride, const double *x, double *f)
{
    (void)loss;
    for (size_t i = 0; i < B; i++) {
        const double r = x[stride + i] - x[i] * x[i];
        f[i] = x[i] * x[i] + 50 * r * r;
    }
}
static sl_status valley_init(sl_loss *loss, sl_err *err)
{
    (void)err;
    loss->dim = 2;
    return SL_OK;
}
static const sl_loss_kind valley = {
    .entry = {.name = "valley"}, .init = valley_init, .value = valley_value, .confining = true};

static void box__of_a_valley(void **state)
{
    (void)state;
    sl_loss loss;
    assert_ok(sl_loss_init_kind(&loss, &valley, &err));
    for (double T = 0.01; T < 2; T *= 10) {
        double lo[2], hi[2], outside = NAN;
        assert_ok(sl_operator_box(lo, hi, &outside, &loss, T, 1e-8, &err));
        const double edge = sqrt(T) * 5.73 / sqrt(2); /* 1e-8 of a Gaussian is beyond 5.73 standard deviations */
        assert_true(outside <= 1e-8);
        assert_true(hi[0] > 0.95 * edge && hi[0] < 1.3 * edge);
        assert_true(-lo[0] > 0.95 * edge && -lo[0] < 1.3 * edge);
        assert_true(hi[1] > 0.9 * edge * edge && hi[1] < 1.6 * edge * edge + 8 * 0.1 * sqrt(T));
        assert_true(lo[1] < -0.3 * sqrt(T) && lo[1] > -sqrt(T));
    }
}

static void falling_value(const sl_loss *loss, size_t B, size_t stride, const double *x, double *f)
{
    (void)loss, (void)stride;
    for (size_t i = 0; i < B; i++) f[i] = -x[i];
}
static const sl_loss_kind falling = {.entry = {.name = "falling"}, .value = falling_value, .confining = true};

static void box__refuses(void **state)
{
    (void)state;
    sl_loss loss;
    double lo[2] = {7, 7}, hi[2] = {8, 8}, outside = 9;
    assert_ok(sl_loss_init(&loss, "quadratic-saddle", &err));
    assert_fails(sl_operator_box(lo, hi, &outside, &loss, 1, 1e-10, &err), SL_E_UNSTABLE, "no stationary law");
    assert_ok(sl_loss_init_kind(&loss, &falling, &err)); /* says that it confines */
    assert_fails(sl_operator_box(lo, hi, &outside, &loss, 1, 1e-10, &err), SL_E_UNSTABLE, "no finite integral");
    assert_ok(sl_loss_init(&loss, "quadratic:dim=3", &err));
    assert_fails(sl_operator_box(lo, hi, &outside, &loss, 1, 1e-10, &err), SL_E_DOMAIN, "3 dimensions");
    assert_ok(sl_loss_init(&loss, "quadratic", &err));
    assert_fails(sl_operator_box(lo, hi, &outside, &loss, 0, 1e-10, &err), SL_E_DOMAIN, "temperature T = 0");
    assert_fails(sl_operator_box(lo, hi, &outside, &loss, NAN, 1e-10, &err), SL_E_DOMAIN, "temperature");
    assert_fails(sl_operator_box(lo, hi, &outside, &loss, 1, 0, &err), SL_E_DOMAIN, "mass");
    assert_true(lo[0] == 7 && hi[0] == 8 && outside == 9);
}

/* The second-order term goes, and what is said of the rest is not less than it is, on 2 to 6 grids. */
static void ladder__does_not_extrapolate_what_jumps_about(void **state)
{
    (void)state;
    sl_operator op = with(&rough);
    for (int tolerance = 1; tolerance < 8; tolerance++) {
        sl_answer a = {0};
        op.tolerance = pow(10, -tolerance);
        const sl_status st = sl_operator_solve(&a, &op, &stationary, NULL);
        assert_true(st == SL_OK || st == SL_UNDECIDED);
        const sl_number n = sl_answer_number(&a, "rough", 0);
        const double h = 8.0 / (double)a.grid;
        assert_true(fabs(n.value - 2) < 0.3 * h * h * h * 4);
        assert_true(fabs(n.value - 2) <= n.error);
        sl_answer_clear(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(solve__extrapolates_even_powers, reset),
        cmocka_unit_test_setup(solve__follows_what_only_fine_grids_see, reset),
        cmocka_unit_test_setup(solve__stops_when_two_grids_agree, reset),
        cmocka_unit_test_setup(solve__takes_the_grid_given, reset),
        cmocka_unit_test_setup(solve__is_honest_about_rounding, reset),
        cmocka_unit_test_setup(solve__says_when_the_ladder_ends, reset),
        cmocka_unit_test_setup(solve__takes_long_only_if_asked, reset),
        cmocka_unit_test(add_law__refuses_what_is_no_law),
        cmocka_unit_test_setup(solve__begins_where_grids_are_fine_enough, reset),
        cmocka_unit_test_setup(solve__counts_bytes_before_it_solves, reset),
        cmocka_unit_test_setup(solve__refuses_domains_that_cut, reset),
        cmocka_unit_test_setup(solve__refuses_bad_input, reset),
        cmocka_unit_test_setup(solve__can_be_interrupted, reset),
        cmocka_unit_test(add__refuses_what_is_no_number),
        cmocka_unit_test(add_law__moments_of_a_gaussian),
        cmocka_unit_test(add_law__moments_of_a_plane),
        cmocka_unit_test(box__bounds_the_mass_outside),
        cmocka_unit_test(box__works_at_any_temperature),
        cmocka_unit_test(box__of_a_period_and_of_planes),
        cmocka_unit_test(box__of_a_valley),
        cmocka_unit_test(box__refuses),
        cmocka_unit_test(ladder__does_not_extrapolate_what_jumps_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
