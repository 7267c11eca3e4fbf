/* The Fokker-Planck equation evolves the law that an ensemble of trajectories has. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "claims/exact.h"
#include "claims/operators.h"
#include "claims/synthetic.h"

static const double T = 0.1, start = 0.6, spread = 0.2;
static const double times[] = {0.1, 0.5, 2, 8};
/* The distances told apart grow in time, and so does the cost of a trajectory. As many as make a standard error of
 * 0.002 to 0.004 of the distance to the wrong law: with 31 degrees of freedom an interval is six of them. */
static const double ensembles[] = {1.6e6, 5e5, 1.2e5, 6e4};
enum { TIMES = sizeof times / sizeof *times, GROUPS = 32, BINS = 300 };
static const sl_histogram_spec range = {-2.5, 2.5, BINS};

/* Distribution functions at the bins' right edges: of the ensemble, group by group, and of the operator. */
typedef struct {
    double group[GROUPS][BINS], exact[BINS];
} laws;

/* GROUPS independent ensembles at time t. h: the step of Euler's scheme, whose bias is of order h. */
static sl_status sample(laws *out, const sl_lab *lab, size_t which, double replicas, double h, sl_err *err)
{
    sl_langevin run = {.temperature = T, .h = h, .scheme = SL_OVERDAMPED_EULER};
    SL_TRY(sl_loss_init(&run.loss, "double-well", err));
    const double steps = round(times[which] / h);
    for (uint32_t g = 0; g < GROUPS; g++) {
        run.ensemble = (sl_ensemble){.seed = lab->seed,
                                     .experiment = SL_EXPERIMENT_RELAXATION + (uint32_t)which * GROUPS + g,
                                     .replicas = (uint64_t)replicas / GROUPS,
                                     .steps = 1,
                                     .burn_in = (uint64_t)steps - 1,
                                     .sample_every = 1,
                                     .start = &start,
                                     .start_spread = spread,
                                     .histogram = range,
                                     .jobs = lab->jobs};
        sl_observed o;
        SL_TRY(sl_overdamped_run(&o, &run, err));
        double sum = 0;
        for (size_t b = 0; b < BINS; b++) {
            sum += o.density[b].value * (range.hi - range.lo) / BINS;
            out->group[g][b] = sum;
        }
        sl_observed_clear(&o);
    }
    return SL_OK;
}

/* The distribution function of a field's density at the bins' edges: the cumulative trapezoid sum, interpolated by
 * cubic Hermite polynomials, whose slopes are the density itself. */
static void cumulate(double *F, const sl_field *density)
{
    const size_t n = density->n[0];
    const double *const x = density->node[0], *const p = density->value;
    double below = 0;
    size_t i = 0;
    for (size_t b = 0; b < BINS; b++) {
        const double at = range.lo + (range.hi - range.lo) * (double)(b + 1) / BINS;
        while (i + 2 < n && x[i + 1] <= at) {
            below += (p[i] + p[i + 1]) / 2 * (x[i + 1] - x[i]);
            i++;
        }
        const double h = x[i + 1] - x[i], u = fmin(fmax((at - x[i]) / h, 0), 1), whole = (p[i] + p[i + 1]) / 2 * h;
        F[b] = below + whole * u * u * (3 - 2 * u) + h * (p[i] * u * (1 - u) * (1 - u) - p[i + 1] * u * u * (1 - u));
    }
}

/* Cramer's distance int (F - G)^2 dx of the ensemble from the operator, without bias: a mean over pairs of groups, the
 * groups being independent; its error by the jackknife. */
static sl_estimate distance(const laws *m)
{
    double sum[BINS], pseudo[GROUPS], all = 0, own[GROUPS];
    const double dx = (range.hi - range.lo) / BINS, G = GROUPS;
    for (size_t b = 0; b < BINS; b++) {
        sum[b] = 0;
        for (size_t g = 0; g < GROUPS; g++) sum[b] += m->group[g][b] - m->exact[b];
    }
    /* pairs(all) = (sum^2 - sum of squares) / (G (G-1)); and the same without group g */
    for (size_t g = 0; g < GROUPS; g++) {
        own[g] = 0;
        for (size_t b = 0; b < BINS; b++) own[g] += pow(m->group[g][b] - m->exact[b], 2) * dx;
    }
    double squares = 0;
    for (size_t g = 0; g < GROUPS; g++) squares += own[g];
    for (size_t b = 0; b < BINS; b++) all += sum[b] * sum[b] * dx;
    const double full = (all - squares) / (G * (G - 1));
    for (size_t g = 0; g < GROUPS; g++) {
        double left = 0;
        for (size_t b = 0; b < BINS; b++) left += pow(sum[b] - (m->group[g][b] - m->exact[b]), 2) * dx;
        const double without = (left - (squares - own[g])) / ((G - 1) * (G - 2));
        pseudo[g] = G * full - (G - 1) * without;
    }
    return sl_mean(pseudo, GROUPS);
}

/* The law at every time, at temperature T and at one that is wrong on purpose. */
static sl_status evolve(double exact[TIMES][BINS], double temperature, const sl_lab *lab, sl_err *err)
{
    sl_question q = {.task = SL_TASK_EVOLVE, .from = {start}, .spread = spread, .n_times = TIMES};
    sl_operator op;
    sl_answer a;
    for (size_t i = 0; i < TIMES; i++) q.times[i] = times[i];
    SL_TRY(sl_exact_overdamped(&op, "double-well", temperature, lab, err));
    op.tolerance = 1e-6; /* far below what is sampled */
    SL_TRY(sl_exact_solve(&a, &op, &q, err));
    for (size_t i = 0; i < TIMES; i++) cumulate(exact[i], sl_answer_field(&a, "density", i));
    sl_answer_clear(&a);
    return SL_OK;
}

static double between(const double *F, const double *G)
{
    double sum = 0;
    for (size_t b = 0; b < BINS; b++) sum += (F[b] - G[b]) * (F[b] - G[b]) * (range.hi - range.lo) / BINS;
    return sum;
}

/* Tolerance: a twentieth of the distance to the law of a T that is 20 % higher; distances are squares, so that a T 5 %
 * off (a sixteenth) is seen. Euler's bias, a square of order h too, is below 0.002. */
static sl_status relaxation(const sl_lab *lab, sl_finding *f, sl_err *err)
{
    const double r = sl_lab_refinement(lab), h = 5e-3 / r;
    double exact[TIMES][BINS], wrong[TIMES][BINS];
    SL_TRY(evolve(exact, T, lab, err));
    SL_TRY(evolve(wrong, 1.2 * T, lab, err));
    laws *m = malloc(sizeof *m);
    if (!m) return sl_fail(err, SL_E_MEMORY, "no memory for histograms");
    sl_status st = SL_OK;
    for (size_t i = 0; i < TIMES && st == SL_OK; i++) {
        sl_lab_report(lab, "fokker-planck.relaxation", i, TIMES);
        st = sample(m, lab, i, ensembles[i] * r * r, h, err);
        if (st != SL_OK) break;
        for (size_t b = 0; b < BINS; b++) m->exact[b] = exact[i][b];
        const double far = between(exact[i], wrong[i]);
        st = sl_finding_add(f, sl_scaled(1 / far, distance(m)), 0, 0.05, 1, err,
                            "t=%g: Cramer distance, ensemble to operator / to that of 1.2 T", times[i]);
    }
    free(m);
    return st;
}

const sl_claim sl_claim_fokker_planck_relaxation = {
    .id = "fokker-planck.relaxation",
    .paper = "Risken 1989",
    .equation = "ch. 5",
    .statement = "the law of an ensemble of overdamped trajectories is the evolved density of the Fokker-Planck "
                 "operator, at every time from start to equilibrium",
    .expected = SL_HOLDS,
    .measure = relaxation,
    .parts = TIMES,
};
