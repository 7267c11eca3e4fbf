#include "sim/operators/transfer/chain.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/operators/gmres.h"

enum { WARM_UP = 20, ROUNDS = 8, PRODUCTS = 4000 };

/* GOOD: a law is left as it is to this much. FIT: worse than this is no law, and no solution. */
static const double GOOD = 3e-15, FIT = 1e-9;

/* A law that a grid resolves has no values below zero but what rounding makes, one that is not smooth (a random rate
 * down to 0) some; as much as this is no law. */
static const double NEGATIVE = 0.3;

/* What leaks less a step is beyond the digits of any answer. */
static const double LEAKING = 1e-11;

double sl_chain_normalise(double *p, const sl_chain *chain)
{
    double mass = 0;
    for (size_t i = 0; i < chain->n; i++) mass += p[i];
    mass *= chain->cell;
    for (size_t i = 0; i < chain->n; i++) p[i] /= mass;
    return mass;
}

/* I - K + s c^T, regular where K keeps mass: c^T p is the mass of p, s a law. */
typedef struct {
    const sl_chain *chain;
    const double *s;
} bordered;

static sl_status apply_bordered(void *ctx, const double *x, double *y, sl_err *err)
{
    const bordered *b = ctx;
    const sl_chain *chain = b->chain;
    SL_TRY(chain->apply(chain->ctx, x, y, err));
    double mass = 0;
    for (size_t i = 0; i < chain->n; i++) mass += x[i];
    mass *= chain->cell;
    for (size_t i = 0; i < chain->n; i++) y[i] = x[i] - y[i] + mass * b->s[i];
    return SL_OK;
}

/* |K p - (1 - killed) p| / |p| of a law p of mass 1. */
static sl_status defect(double *relative, double *killed, const sl_chain *chain, const double *p, double *work,
                        sl_err *err)
{
    SL_TRY(chain->apply(chain->ctx, p, work, err));
    double mass = 0;
    for (size_t i = 0; i < chain->n; i++) mass += work[i];
    mass *= chain->cell;
    cblas_daxpy((int)chain->n, -mass, p, 1, work, 1);
    *relative = cblas_dnrm2((int)chain->n, work, 1) / cblas_dnrm2((int)chain->n, p, 1);
    *killed = 1 - mass;
    return isfinite(*relative) ? SL_OK : sl_fail(err, SL_E_NUMERIC, "the law of the chain is not finite");
}

static sl_status iterate(double *p, double *killed, const sl_chain *chain, double *s, double *work, sl_err *err)
{
    const size_t n = chain->n;
    for (int k = 0; k < WARM_UP; k++) { /* what decays at once is not worth a place in the Krylov space */
        SL_TRY(chain->apply(chain->ctx, p, work, err));
        memcpy(p, work, n * sizeof *p);
        sl_chain_normalise(p, chain);
    }
    double best = INFINITY;
    SL_TRY(defect(&best, killed, chain, p, work, err));
    for (int round = 0; round < ROUNDS && best > GOOD; round++) {
        memcpy(s, p, n * sizeof *s);
        double residual, now, lost;
        SL_TRY(sl_gmres(p, &residual, n, apply_bordered, &(bordered){chain, s}, s, 1e-15, SL_CHAIN_VECTORS, PRODUCTS,
                        err));
        sl_chain_normalise(p, chain);
        SL_TRY(defect(&now, &lost, chain, p, work, err));
        if (!(now < best)) { /* as far as rounding lets it: what was there before stands */
            memcpy(p, s, n * sizeof *p);
            break;
        }
        *killed = lost;
        const bool slow = now > 0.5 * best;
        best = now;
        if (slow) break;
    }
    if (!(best <= FIT))
        return sl_fail(err, SL_E_NUMERIC,
                       "the stationary law has not been found: a step changes what was found by %.1e of it, need %.0e",
                       best, FIT);
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        least = fmin(least, p[i]);
        most = fmax(most, p[i]);
    }
    if (!(least > -NEGATIVE * most))
        return sl_fail(err, SL_E_NUMERIC,
                       "the stationary law comes out negative (%.1e of its maximum): the grid is too coarse",
                       least / most);
    return SL_OK;
}

sl_status sl_chain_stationary(double *p, double *killed, const sl_chain *chain, sl_err *err)
{
    double *work = malloc(2 * chain->n * sizeof *work);
    if (!work) return sl_fail(err, SL_E_MEMORY, "no memory for a law of %zu nodes", chain->n);
    sl_chain_normalise(p, chain);
    const sl_status st = iterate(p, killed, chain, work + chain->n, work, err);
    free(work);
    return st;
}

void sl_chain_note(sl_answer *a)
{
    if (a->killed > LEAKING)
        snprintf(a->note, sizeof a->note,
                 "quasi-stationary: %.1e of the law leaves the domain at each step, and is not looked for again",
                 a->killed);
}

static sl_status add_eigenfunction(sl_answer *a, size_t index, const double *vector, const double *x, size_t nx,
                                   const double *y, size_t ny, sl_err *err)
{
    sl_field *field = NULL;
    SL_TRY(sl_answer_add_field(&field, a, "eigenfunction", index, nx, y ? ny : 1, err));
    memcpy(field->node[0], x, nx * sizeof *x);
    if (y) memcpy(field->node[1], y, ny * sizeof *y);
    const size_t n = nx * (y ? ny : 1);
    const double top = vector[cblas_idamax((int)n, vector, 1)];
    for (size_t i = 0; i < n; i++) field->value[i] = top != 0 ? vector[i] / top : 0;
    return SL_OK;
}

static sl_status add_spectrum(sl_answer *a, const double complex *value, const double *vector, size_t k, size_t n,
                              const double *x, size_t nx, const double *y, size_t ny, sl_err *err)
{
    double slowest = 0; /* what the null eigenvalue is small against */
    for (size_t j = 1; j < k && slowest == 0; j++) slowest = cabs(clog(value[j]));
    for (size_t j = 0; j < k; j++) {
        if (!(cabs(value[j]) > 0))
            return sl_fail(err, SL_E_NUMERIC, "eigenvalue %zu of the chain is 0: ask for %zu of them", j, j);
        const double complex rate = clog(value[j]);
        SL_TRY(sl_answer_add(a, "eigenvalue", j, creal(rate), cimag(rate), j == 0 ? slowest : 0, err));
        SL_TRY(add_eigenfunction(a, j, vector + j * n, x, nx, y, ny, err));
    }
    return SL_OK;
}

sl_status sl_chain_spectrum(sl_answer *a, const sl_chain *chain, size_t k, const double *start, const double *x,
                            size_t nx, const double *y, size_t ny, sl_err *err)
{
    double complex *value = malloc(k * sizeof *value);
    double *vector = malloc(k * chain->n * sizeof *vector);
    sl_status st = value && vector ? SL_OK : sl_fail(err, SL_E_MEMORY, "no memory for %zu eigenfunctions", k);
    if (st == SL_OK) st = sl_arnoldi(value, vector, chain->n, k, false, chain->apply, chain->ctx, start, 1e-13, 0, err);
    if (st == SL_OK) st = add_spectrum(a, value, vector, k, chain->n, x, nx, y, ny, err);
    free(value);
    free(vector);
    return st;
}

sl_status sl_chain_passage(double *u, size_t n, sl_apply apply, void *ctx, const double *source, double tolerance,
                           size_t basis, sl_err *err)
{
    enum { MOST = 3000 };
    double residual = 0;
    SL_TRY(sl_gmres(u, &residual, n, apply, ctx, source, tolerance, basis, MOST, err));
    if (!(residual <= FIT))
        return sl_fail(err, SL_E_NUMERIC,
                       "the first-passage equation is solved to %.1e only after %d products, need %.0e", residual, MOST,
                       FIT);
    return SL_OK;
}
