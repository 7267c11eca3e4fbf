/* bench/operators - what answers without sampling cost, on one core: the time to a given true error on problems that
 * bench/peers_operators.py solves too, the time and memory of the operators at their full size, and how cost grows with
 * the unknowns.
 *
 * bench/operators [NAME ...] prints lines "name value": NAME.seconds (of the processor, the best of some repeats),
 * NAME.error (of the number asked for, relative, against a reference), NAME.megabytes (peak of a process that solves
 * this alone); and, where no name is given, "cost NAME WHO UNKNOWNS SECONDS ERROR" on one grid after the other.
 * bench/operators --plot DIR makes DIR/operators-cost.dat and two pictures of such lines on its input. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "plots/plot.h"
#include "sim/operators/operator.h"

/* Of this process: one thread does all, and what else runs on the machine does not count. */
typedef struct {
    const char *name, *loss;
    const sl_operator_kind *kind;
    double T, friction;   /* of the continuous kinds                                            */
    double l, s2, mu;     /* of the chain                                                       */
    const char *schedule; /* NULL: constant                                                     */
    sl_question question;
    const char *number;     /* the one that is looked at                                          */
    size_t index, grid;     /* grid 0: refined until `goal` is met                                */
    double goal, reference; /* relative error; NAN: none is known                                 */
    double lo[2], hi[2];    /* the domain; equal: chosen, which is then part of the time          */
} problem;

#define FP         .kind = &sl_fokker_planck
#define KK         .kind = &sl_klein_kramers
#define CHAIN      .kind = &sl_transfer
#define MFPT_1D    .question = {.task = SL_TASK_MFPT, .from = {-1}, .to = {1}}, .number = "mfpt"
#define MFPT_2D    .question = {.task = SL_TASK_MFPT, .from = {0, -1}, .to = {0, 1}, .radius = 0.3}, .number = "mfpt"
#define STATIONARY .question = {.task = SL_TASK_STATIONARY}
#define SPECTRUM   .question = {.task = SL_TASK_SPECTRUM, .eigenvalues = 4}, .number = "eigenvalue", .index = 1
#define EVOLVE_2D \
    .question = {.task = SL_TASK_EVOLVE, .from = {0.5, -0.5}, .spread = 0.3, .times = {1}, .n_times = 1}, .number = "x2"

/* References: quadrature and the slowest rate of the double well (in strict-saddle it is y's), closed forms of the
 * quadratic (0.34 exp(-2) + 0.1 (1 - exp(-2))), converged computations elsewhere. */
#define DOUBLE_WELL_RATE_8 -0.017774181490594433
#define SADDLE_MFPT_8      117.3632035      /* 800 x 800; SciPy's comes near it like h^2 */
#define CHAIN_RANDOM       0.83027174569555 /* 1024 nodes; SciPy's cells come near it like h^2 */
#define OU_X2              (0.34 * 0.1353352832366127 + 0.1 * (1 - 0.1353352832366127))

/* Beside a peer, on the domain that it has and on the coarsest grid that meets the goal, as finer ones do (and as the
 * peers' do). */
static const problem races[] = {
    {"line.stationary", "double-well", FP, .T = 0.1, STATIONARY, .number = "x2", .grid = 72, .goal = 1e-8, .lo = {-2.6},
     .hi = {2.6}, .reference = 0.87136290804204983},
    {"line.mfpt", "double-well", FP, .T = 0.05, MFPT_1D, .grid = 300, .goal = 1e-7, .lo = {-2.2}, .hi = {2.2},
     .reference = 729.670691942322799},
    {"line.spectrum", "double-well", FP, .T = 0.05, SPECTRUM, .grid = 224, .goal = 2e-7, .lo = {-2.2}, .hi = {2.2},
     .reference = -0.0027761406365727267},
    {"plane.spectrum", "strict-saddle", FP, .T = 0.08, SPECTRUM, .grid = 34, .goal = 1e-4, .lo = {-2, -2.1},
     .hi = {2, 2.1}, .reference = DOUBLE_WELL_RATE_8},
    {"plane.mfpt", "strict-saddle", FP, .T = 0.08, MFPT_2D, .grid = 64, .goal = 1e-4, .lo = {-2, -2.1}, .hi = {2, 2.1},
     .reference = SADDLE_MFPT_8},
    {"plane.evolve", "quadratic:spectrum=1,0.5", FP, .T = 0.1, EVOLVE_2D, .grid = 90, .goal = 3e-4, .lo = {-3, -3.6},
     .hi = {3, 3.6}, .reference = OU_X2},
    {"kramers.spectrum.g0.3", "double-well", KK, .T = 0.1, .friction = 0.3, SPECTRUM, .grid = 34, .goal = 1e-6,
     .reference = -0.024354010339981882},
    {"kramers.spectrum.g3", "double-well", KK, .T = 0.1, .friction = 3, SPECTRUM, .grid = 28, .goal = 1e-7,
     .reference = -0.010454351081794936},
    {"chain.constant", "double-well", CHAIN, .l = 0.2, .s2 = 1, STATIONARY, .number = "x2", .grid = 52, .goal = 1e-8,
     .lo = {-3}, .hi = {3}, .reference = 0.8436445428153574},
    {"chain.random", "double-well", CHAIN, .l = 0.2, .s2 = 0.75, .schedule = "random:delta=1", STATIONARY,
     .number = "x2", .grid = 60, .goal = 1e-5, .lo = {-3.5}, .hi = {3.5}, .reference = CHAIN_RANDOM},
};

/* At full size: seconds and megabytes against what was promised. */
static const problem sizes[] = {
    {"full.line.stationary", "double-well", FP, .T = 0.1, STATIONARY, .number = "x2", .goal = 1e-8,
     .reference = 0.87136290804204983},
    {"full.line.mfpt", "double-well", FP, .T = 0.05, MFPT_1D, .goal = 1e-8, .reference = 729.670691942322799},
    {"full.line.spectrum", "double-well", FP, .T = 0.05, SPECTRUM, .goal = 1e-8, .reference = -0.0027761406365727267},
    {"full.plane.stationary", "strict-saddle", FP, .T = 0.08, STATIONARY, .number = "y2", .grid = 400,
     .reference = NAN},
    {"full.plane.evolve", "quadratic:spectrum=1,0.5", FP, .T = 0.1, EVOLVE_2D, .grid = 400, .reference = OU_X2},
    {"full.plane.spectrum", "strict-saddle", FP, .T = 0.08, SPECTRUM, .grid = 400, .reference = DOUBLE_WELL_RATE_8},
    {"full.plane.mfpt", "strict-saddle", FP, .T = 0.08, MFPT_2D, .grid = 400, .reference = NAN},
    {"full.kramers.g0.1", "double-well", KK, .T = 0.1, .friction = 0.1, SPECTRUM, .goal = 1e-6, .reference = NAN},
    {"full.kramers.g10", "double-well", KK, .T = 0.1, .friction = 10, SPECTRUM, .goal = 1e-6, .reference = NAN},
    {"full.chain.constant", "double-well", CHAIN, .l = 0.1, .s2 = 2, STATIONARY, .number = "x2", .goal = 1e-8,
     .reference = 0.8592945934029947},
    {"full.chain.random", "double-well", CHAIN, .l = 0.1, .s2 = 1.5, .schedule = "random:delta=1", STATIONARY,
     .number = "x2", .goal = 1e-8, .reference = NAN},
};

static void die(const char *name, const sl_err *err)
{
    fprintf(stderr, "bench/operators: %s: %s\n", name, err->message);
    exit(4);
}

static void set_up(sl_operator *op, const problem *p)
{
    sl_err err = {0};
    *op = (sl_operator){.kind = p->kind,
                        .temperature = p->T,
                        .friction = p->friction,
                        .noise_variance = p->s2,
                        .grid = p->grid,
                        .tolerance = p->goal,
                        .jobs = 1};
    memcpy(op->lo, p->lo, sizeof op->lo);
    memcpy(op->hi, p->hi, sizeof op->hi);
    if (sl_loss_init(&op->loss, p->loss, &err) < 0) die(p->name, &err);
    if (p->kind != &sl_transfer) return;
    if (sl_rule_init(&op->rule, "heavy-ball", SL_ALPHA_ON_GRADIENT, p->l, p->mu, 0, &err) < 0 ||
        sl_schedule_init(&op->schedule, p->schedule ? p->schedule : "constant", p->l, 1, 1, &err) < 0)
        die(p->name, &err);
}

/* Best seconds of some solves within a budget; *a: the last answer, to be cleared. */
static double solve(sl_answer *a, const problem *p, double budget)
{
    enum { MOST_REPEATS = 500 };
    sl_err err = {0};
    sl_operator op;
    double best = INFINITY, spent = 0;
    set_up(&op, p);
    *a = (sl_answer){0};
    for (int i = 0; i < MOST_REPEATS && spent < budget; i++) {
        sl_answer_clear(a);
        const double start = sl_clock();
        if (sl_operator_solve(a, &op, &p->question, &err) < 0) die(p->name, &err);
        const double seconds = sl_clock() - start;
        best = fmin(best, seconds);
        spent += seconds;
    }
    return best;
}

static void race(const problem *p)
{
    sl_answer a;
    const double seconds = solve(&a, p, 1);
    const sl_number number = sl_answer_number(&a, p->number, p->index);
    printf("%s.seconds %.6g\n", p->name, seconds);
    if (!isnan(p->reference))
        printf("%s.error %.3g\n", p->name, fabs(number.value / p->reference - 1));
    else
        printf("%s.grid_error %.3g\n", p->name, number.error / fabs(number.value));
    if (p->grid && p->goal > 0 && !(fabs(number.value / p->reference - 1) <= p->goal))
        printf("# %s misses its goal of %g\n", p->name, p->goal);
    printf("# %s: %.15g +- %.1e, %zu unknowns, %zu grids\n", p->name, number.value, number.error, a.unknowns, a.levels);
    sl_answer_clear(&a);
    fflush(stdout);
}

/* In a process of its own, whose peak of memory is then known; what it has without solving is taken off. */
static double megabytes(const problem *p)
{
    fflush(stdout);
    const pid_t child = fork();
    if (child < 0) return NAN;
    if (child == 0) {
        sl_err err = {0};
        sl_operator op;
        sl_answer a = {0};
        set_up(&op, p);
        _exit(sl_operator_solve(&a, &op, &p->question, &err) < 0 ? 4 : 0);
    }
    int status;
    struct rusage usage;
    if (wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) return NAN;
    return (double)usage.ru_maxrss / 1024; /* Linux counts in kB */
}

/* Seconds and error on the grid of a race's problem given and on ones twice as fine. */
static void growth(const char *name, size_t first, size_t last)
{
    const problem *p = races;
    while (strcmp(p->name, name) != 0) p++;
    for (size_t n = first; n <= last; n *= 2) {
        problem q = *p;
        sl_answer a;
        q.grid = n;
        const double seconds = solve(&a, &q, 0.3);
        const double value = sl_answer_number(&a, p->number, p->index).value;
        printf("cost %s sgdlab %zu %.6g %.3g\n", p->name, a.unknowns, seconds, fabs(value / p->reference - 1));
        sl_answer_clear(&a);
        fflush(stdout);
    }
}

/* ------------------------------------------------------------------------------------------------- the pictures */

enum { PANELS = 16, CURVES = 4, NAME = 64 };

/* What of the input makes a panel: a problem, and who solved it in which blocks of the table. */
typedef struct {
    char name[NAME], who[CURVES][NAME];
    sl_curve by_unknowns[CURVES], by_error[CURVES];
    size_t n;
} contest;

static void add_curve(contest *c, const char *who, int block)
{
    const int colour = strcmp(who, "sgdlab") == 0 ? 0 : strcmp(who, "scipy") == 0 ? 1 : 2;
    const size_t i = c->n++;
    snprintf(c->who[i], NAME, "%s", who);
    c->by_unknowns[i] = (sl_curve){.kind = SL_CURVE_POINTS,
                                   .title = c->who[i],
                                   .dat = "operators-cost.dat",
                                   .block = block,
                                   .x = "1",
                                   .y = "2",
                                   .colour = colour};
    c->by_error[i] = c->by_unknowns[i];
    c->by_error[i].x = "3";
}

/* Copies the lines of the input into blocks, a new one where the problem or the solver changes; count of problems. */
static size_t tabulate(contest *c, FILE *in, FILE *dat)
{
    char line[256], name[NAME], who[NAME];
    double unknowns, seconds, error;
    int block = -1;
    size_t n = 0, at = PANELS;
    while (fgets(line, sizeof line, in)) {
        if (sscanf(line, "cost %63s %63s %lf %lf %lf", name, who, &unknowns, &seconds, &error) != 5) continue;
        if (at == PANELS || strcmp(c[at].name, name) != 0 || strcmp(c[at].who[c[at].n - 1], who) != 0) {
            for (at = 0; at < n && strcmp(c[at].name, name) != 0; at++) continue;
            if (at == PANELS || c[at].n == CURVES) return 0;
            if (at == n) snprintf(c[n++].name, NAME, "%s", name);
            add_curve(&c[at], who, ++block);
            fprintf(dat, "%s# %s %s\n# unknowns  seconds  error\n", block ? "\n\n" : "", name, who);
        }
        fprintf(dat, "%.17g %.17g %.17g\n", unknowns, seconds, fmax(error, 1e-16)); /* an axis of logarithms */
    }
    return n;
}

static int picture(const char *dir, const contest *c, size_t n, bool by_error)
{
    sl_panel panels[PANELS];
    sl_err err = {0};
    for (size_t i = 0; i < n; i++)
        panels[i] = (sl_panel){.title = c[i].name,
                               .xlabel = by_error ? "relative error" : "unknowns",
                               .ylabel = "seconds",
                               .logx = true,
                               .logy = true,
                               .xmin = NAN,
                               .xmax = NAN,
                               .ymin = NAN,
                               .ymax = NAN,
                               .curves = by_error ? c[i].by_error : c[i].by_unknowns,
                               .n_curves = c[i].n};
    const sl_figure figure = {.name = by_error ? "operators-error" : "operators-cost",
                              .title = by_error ? "Operators: cost against error" : "Operators: cost against unknowns",
                              .caption =
                                  "Seconds of one core. sgdlab solves two grids to estimate its error, the finer "
                                  "one is counted and their extrapolation compared.",
                              .rows = (n + 3) / 4,
                              .columns = n < 4 ? n : 4,
                              .width = 10,
                              .height = 6,
                              .panels = panels,
                              .n_panels = n};
    if (sl_plot(dir, &figure, &err) == SL_OK) return 0;
    fprintf(stderr, "bench/operators: %s\n", err.message);
    return 4;
}

static int plot(const char *dir)
{
    static contest c[PANELS];
    char path[4096];
    snprintf(path, sizeof path, "%s/operators-cost.dat", dir);
    FILE *dat = fopen(path, "w");
    const size_t n = dat ? tabulate(c, stdin, dat) : 0;
    if (!dat || fclose(dat) != 0 || n == 0) {
        fprintf(stderr, "bench/operators: %s was not written, or nothing to write\n", path);
        return 4;
    }
    const int rc = picture(dir, c, n, false);
    return rc ? rc : picture(dir, c, n, true);
}

/* Whether a name is among those asked for: all are where none is. */
static bool asked(const char *name, int n, char **names)
{
    for (int i = 0; i < n; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return n == 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--plot") == 0) return plot(argv[2]);
    const int n = argc - 1;
    char **names = argv + 1;
    /* Memory first: a child has what its parent had. */
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (asked(sizes[i].name, n, names)) printf("%s.megabytes %.0f\n", sizes[i].name, megabytes(&sizes[i]));
    for (size_t i = 0; i < sizeof races / sizeof *races; i++)
        if (asked(races[i].name, n, names)) race(&races[i]);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (asked(sizes[i].name, n, names)) race(&sizes[i]);
    if (n > 0) return 0;
    growth("line.stationary", 64, 65536);
    growth("line.mfpt", 64, 65536);
    growth("line.spectrum", 64, 65536);
    growth("plane.spectrum", 34, 544);
    growth("plane.mfpt", 64, 512);
    growth("plane.evolve", 46, 368);
    growth("kramers.spectrum.g0.3", 34, 136);
    growth("kramers.spectrum.g3", 28, 112);
    growth("chain.constant", 26, 416);
    growth("chain.random", 30, 480);
    return 0;
}
