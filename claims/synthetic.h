/* claims/synthetic.h - what the claims about synthetic losses share: an ensemble of SGD in a few words, and how the
 * three scales refine it. */
#ifndef SL_CLAIMS_SYNTHETIC_H
#define SL_CLAIMS_SYNTHETIC_H

#include "claims/claim.h"
#include "sim/ensemble.h"
#include "sim/escape/exit.h"
#include "theory/temperature.h"

/* 1, 3 or 10 for quick, desk and paper: what a tolerance is divided by. Where the tolerance is for terms that theory
 * leaves out at order l, l is divided by it too and the number of updates grows with its cube (a square for the
 * precision, one more for the slower decorrelation); where it is for sampling alone, with its square. */
double sl_lab_refinement(const sl_lab *lab);

/* Tells the lab how far a claim or figure has come. */
void sl_lab_report(const sl_lab *lab, const char *what, size_t done, size_t of);

/* SGD on a synthetic loss. */
typedef struct {
    const char *loss, *rule;
    sl_alpha_on alpha_on;
    double l, mu;
    double C, D0;      /* batch size and per-sample variance of the gradient noise, before alpha     */
    double delta;      /* alpha ~ U[1-delta, 1+delta]; 0: a constant rate                            */
    double relaxation; /* of the slowest second moment, in steps: 15 times that is burnt in          */
    double updates;    /* replica-steps to measure over                                              */
} sl_synthetic;

/* T of eq 20 with D = q D0, for a multiplier q = E alpha^2 (sl_alpha_q or sl_alpha_q_printed of s->delta). */
double sl_synthetic_temperature(const sl_synthetic *s, double q);

/* s as sim/ wants it. experiment: a number of its own for every run of every claim (see the list below). */
SL_CHECKED sl_status sl_synthetic_prepare(sl_sgd *sgd, const sl_synthetic *s, const sl_lab *lab, uint32_t experiment,
                                          sl_err *err);

/* Runs what was prepared (and changed since). *o is to be cleared. Errors: also SL_DIVERGED, with nothing to clear. */
SL_CHECKED sl_status sl_synthetic_measure(sl_observed *o, const sl_sgd *sgd, sl_err *err);

/* Both. */
SL_CHECKED sl_status sl_synthetic_run(sl_observed *o, const sl_synthetic *s, const sl_lab *lab, uint32_t experiment,
                                      sl_err *err);

/* First exits of what was prepared. *e is to be cleared, after success alone: also SL_DIVERGED leaves nothing. */
SL_CHECKED sl_status sl_synthetic_escape(sl_exits *e, const sl_sgd *sgd, const sl_escape *how, sl_err *err);

/* The slowest relaxation of second moments on f = a x^2/2, in steps: 2 a l / (1 - mu) a step where friction
 * dominates, 1 - mu where inertia does. */
double sl_synthetic_relaxation(double al, double mu);

/* The double well f = (x^2 - 1)^2/4, f' and f'' for theory/ (ctx is not used), written out so that a prediction does
 * not go through sim/. */
double sl_well(double x, void *ctx);
double sl_well_slope(double x, void *ctx);
double sl_well_curvature(double x, void *ctx);

/* First experiment numbers: a block of 64 for each claim and figure, so that none share their noise. */
enum {
    SL_EXPERIMENT_TEMPERATURE = 64,
    SL_EXPERIMENT_PLACEMENT = 128,
    SL_EXPERIMENT_HAMILTONIAN = 192,
    SL_EXPERIMENT_SDE = 256,
    SL_EXPERIMENT_STABILITY = 320,
    SL_EXPERIMENT_RELAXATION = 384,
    SL_EXPERIMENT_CYCLIC = 512,
    SL_EXPERIMENT_ALPHA = 576,
    SL_EXPERIMENT_COVARIANCE = 640,
    SL_EXPERIMENT_COLLAPSE = 704,
    SL_EXPERIMENT_HISTOGRAM = 832,
    SL_EXPERIMENT_EVOLUTION = 896,
    SL_EXPERIMENT_LARGE = 960,
    SL_EXPERIMENT_REGIMES = 1792, /* 2: constant rates, regimes */
    SL_EXPERIMENT_PLRS = 2048,    /* 512: claims and figures of claims/plrs*.c */
    SL_EXPERIMENT_NEIGHBOURS = 12288 /* 128: claims and figures of claims/neighbours.h */
};

#endif
