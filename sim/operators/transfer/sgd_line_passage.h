/* sim/operators/transfer/sgd_line_passage.h - what a chain on a line gains until it leaves its interval: times and
 * probabilities of first passage. Private to sim/operators/. */
#ifndef SL_SIM_OPERATORS_SGD_LINE_PASSAGE_H
#define SL_SIM_OPERATORS_SGD_LINE_PASSAGE_H

#include <lapacke.h>

#include "sim/operators/transfer/sgd_line_chain.h"

typedef struct {
    sl_sgd_line_chain *chain;
    double *M;      /* [n][n] I - C of a cycle, factorised; borrowed */
    double *vector; /* [3][n]                                       */
    lapack_int *pivot;
} sl_sgd_line_passage;

/* The interval on which the functions of the question live: of the domain what does not belong to a set. */
void sl_sgd_line_interval(double *a, double *b, const sl_operator *op, const sl_question *q);

/* chain and M[n][n] are borrowed. *p is to be cleared, also after an error. Errors: SL_E_MEMORY; SL_E_NUMERIC for a chain that does
 * not leave; those of a step. */
SL_CHECKED sl_status sl_sgd_line_passage_init(sl_sgd_line_passage *p, sl_sgd_line_chain *chain, double *M,
                                             sl_err *err);
void sl_sgd_line_passage_clear(sl_sgd_line_passage *p);

/* u[n]: the expectation of the gains until the iterate leaves, from each node at the first step of a cycle. *at: the
 * same from x. gain: 1 a step (gain < 0), or 1 for leaving below (0) or above (1). Errors: those of a step. */
SL_CHECKED sl_status sl_sgd_line_expect(double *u, double *at, const sl_sgd_line_passage *p, int gain, double x,
                                        sl_err *err);

#endif
