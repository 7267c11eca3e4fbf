/* bench/operators - what answers without sampling cost, on one core: the time to a given true error on problems that
 * bench/peers_operators.py solves too, the time and memory of the operators at their full size, and how cost grows with
 * the unknowns.
 *
 * Prints lines "name value": NAME.seconds (of the processor, the best of some repeats), NAME.error (of the number asked
 * for, relative, against a reference), NAME.megabytes (peak of a process that solves this alone). */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/operators/operator.h"

/* Of this process: one thread does all, and what else runs on the machine does not count. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

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
#define SADDLE_MFPT_8      117.3632035      /* 800 x 800; SciPy's staircase discs come near it like h */
#define CHAIN_RANDOM       0.83027174569555 /* 1024 nodes; SciPy's sums over alpha come near it slowly */
#define OU_X2              (0.34 * 0.1353352832366127 + 0.1 * (1 - 0.1353352832366127))

/* Beside a peer, on the domain that it has and on the coarsest grid that meets the goal (as the peers do). */
static const problem races[] = {
    {"line.stationary", "double-well", FP, .T = 0.1, STATIONARY, .number = "x2", .grid = 128, .goal = 1e-8,
     .lo = {-2.6}, .hi = {2.6}, .reference = 0.87136290804204983},
    {"line.mfpt", "double-well", FP, .T = 0.05, MFPT_1D, .grid = 320, .goal = 1e-7, .lo = {-2.2}, .hi = {2.2},
     .reference = 729.670691942322799},
    {"line.spectrum", "double-well", FP, .T = 0.05, SPECTRUM, .grid = 224, .goal = 2e-7, .lo = {-2.2}, .hi = {2.2},
     .reference = -0.0027761406365727267},
    {"plane.spectrum", "strict-saddle", FP, .T = 0.08, SPECTRUM, .grid = 40, .goal = 1e-4, .lo = {-2, -2.1},
     .hi = {2, 2.1}, .reference = DOUBLE_WELL_RATE_8},
    {"plane.mfpt", "strict-saddle", FP, .T = 0.08, MFPT_2D, .grid = 120, .goal = 3e-4, .lo = {-2, -2.1}, .hi = {2, 2.1},
     .reference = SADDLE_MFPT_8},
    {"plane.evolve", "quadratic:spectrum=1,0.5", FP, .T = 0.1, EVOLVE_2D, .grid = 100, .goal = 3e-4, .lo = {-3, -3.6},
     .hi = {3, 3.6}, .reference = OU_X2},
    {"kramers.spectrum.g0.3", "double-well", KK, .T = 0.1, .friction = 0.3, SPECTRUM, .grid = 36, .goal = 1e-6,
     .reference = -0.024354010339981882},
    {"kramers.spectrum.g3", "double-well", KK, .T = 0.1, .friction = 3, SPECTRUM, .grid = 30, .goal = 1e-6,
     .reference = -0.010454351081794936},
    {"chain.constant", "double-well", CHAIN, .l = 0.2, .s2 = 1, STATIONARY, .number = "x2", .grid = 128, .goal = 1e-8,
     .reference = 0.8436445428153574},
    {"chain.random", "double-well", CHAIN, .l = 0.2, .s2 = 0.75, .schedule = "random:delta=1", STATIONARY,
     .number = "x2", .grid = 192, .goal = 3e-3, .reference = CHAIN_RANDOM},
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

/* Best seconds of some solves; *a: the last answer, to be cleared. */
static double solve(sl_answer *a, const problem *p)
{
    enum { MOST_REPEATS = 500 };
    const double budget = 1;
    sl_err err = {0};
    sl_operator op;
    double best = INFINITY, spent = 0;
    set_up(&op, p);
    *a = (sl_answer){0};
    for (int i = 0; i < MOST_REPEATS && spent < budget; i++) {
        sl_answer_clear(a);
        const double start = now();
        if (sl_operator_solve(a, &op, &p->question, &err) < 0) die(p->name, &err);
        const double seconds = now() - start;
        best = fmin(best, seconds);
        spent += seconds;
    }
    return best;
}

static void race(const problem *p)
{
    sl_answer a;
    const double seconds = solve(&a, p);
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

/* Seconds and error against unknowns, on fixed grids: a table for people. */
static void growth(const problem *p, size_t first, size_t last)
{
    printf("# cost of %s\n#   %10s %12s %12s %10s\n", p->name, "unknowns", "seconds", "us/unknown", "error");
    for (size_t n = first; n <= last; n *= 2) {
        problem q = *p;
        sl_answer a;
        q.grid = n;
        const double seconds = solve(&a, &q);
        const sl_number number = sl_answer_number(&a, p->number, p->index);
        const double error =
            isnan(p->reference) ? number.error / fabs(number.value) : fabs(number.value / p->reference - 1);
        printf("#   %10zu %12.6f %12.3f %10.1e\n", a.unknowns, seconds, 1e6 * seconds / (double)a.unknowns, error);
        sl_answer_clear(&a);
        fflush(stdout);
    }
}

static const problem *find(const char *name)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (strcmp(sizes[i].name, name) == 0) return &sizes[i];
    abort();
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
    growth(find("full.line.mfpt"), 256, 131072);
    growth(find("full.line.spectrum"), 256, 131072);
    growth(find("full.plane.spectrum"), 100, 800);
    growth(find("full.plane.mfpt"), 200, 800);
    growth(find("full.chain.constant"), 128, 1024);
    return 0;
}
