/* sim/operators/transfer/sgd_line_chain.h - the steps of a schedule on a line, one after the other, and the law that they lead
 * to. Private to sim/operators/. */
#ifndef SL_SIM_OPERATORS_SGD_LINE_CHAIN_H
#define SL_SIM_OPERATORS_SGD_LINE_CHAIN_H

#include <stdint.h>

#include "sim/operators/transfer/sgd_line_step.h"
#include "sim/operators/operator.h"
#include "sim/operators/transfer/rates.h"

/* The law of the rate at a step, r ~ U[lo, hi]. */
sl_sgd_rates sl_sgd_line_rates(const sl_operator *op, uint64_t step);

/* A step of the chain. */
typedef struct {
    sl_sgd_rates r;
    double *M, *lost; /* NULL: not made yet; see sl_sgd_line_moments */
} sl_sgd_line_slot;

typedef struct {
    sl_sgd_line line;
    const sl_operator *op;
    uint64_t first;  /* step 0 of the chain is that step of the schedule                        */
    uint64_t cycle;  /* steps k and k + cycle are the same; 0: the schedule does not come back */
    size_t *slot_of; /* [cycle] steps of the same rate share a slot                            */
    size_t slots;    /* all of the cycle's if they fit into half of op->memory, else one       */
    bool kept;       /* all of them                                                            */
    sl_sgd_line_slot *slot;
} sl_sgd_line_chain;

/* On the functions on [a, b], n nodes. With cycle = 1 the rate of step `first` is held. *chain is to be cleared, also
 * after an error. op is borrowed; op->lo[0] is where the ring of a periodic loss begins. Errors: SL_E_MEMORY. */
SL_CHECKED sl_status sl_sgd_line_chain_init(sl_sgd_line_chain *chain, const sl_operator *op, double a, double b,
                                            size_t n, uint64_t first, uint64_t cycle, sl_err *err);
void sl_sgd_line_chain_clear(sl_sgd_line_chain *chain);
/* Steps of a cycle that a chain on n nodes keeps: all that differ, or 1 where they do not fit. */
size_t sl_sgd_line_chain_slots(const sl_operator *op, size_t n, uint64_t cycle);
/* Bytes that a chain on n nodes keeps, with `matrices` more of n x n. */
double sl_sgd_line_chain_bytes(const sl_operator *op, size_t n, uint64_t cycle, double matrices);

/* The step k: valid until the next call. Errors: SL_E_MEMORY; SL_INTERRUPTED if sl_stop_requested. */
SL_CHECKED sl_status sl_sgd_line_chain_step(const sl_sgd_line_slot **step, sl_sgd_line_chain *chain, uint64_t k,
                                            sl_err *err);

/* C[n][n] = B_0 B_1 ... B_(cycle-1). Errors: those of a step. */
SL_CHECKED sl_status sl_sgd_line_chain_product(double *C, sl_sgd_line_chain *chain, sl_err *err);

/* The law p[n] at the beginning of a cycle, of mass 1: C^T p = lambda p, lambda the eigenvalue next to 1 (quasi-
 * stationary where mass is lost). Errors: SL_E_NUMERIC if it is not found; those of a step. */
SL_CHECKED sl_status sl_sgd_line_chain_law(double *p, sl_sgd_line_chain *chain, sl_err *err);

/* One step of a law: p <- B_k^T p / (its mass), lost[2]: the mass lost below and above, of the law before. */
SL_CHECKED sl_status sl_sgd_line_chain_pass(double *p, double lost[2], sl_sgd_line_chain *chain, uint64_t k,
                                            sl_err *err);

/* The cycle that a question is about; 0: evolution under a schedule that does not come back. Errors: of
 * sl_rate_period. */
SL_CHECKED sl_status sl_sgd_line_cycle(uint64_t *cycle, const sl_operator *op, const sl_question *q, sl_err *err);

/* sl_operator_kind's domain(): chooses op->lo[0], hi[0] where they are equal. Errors: SL_E_UNSTABLE, naming the
 * bound that the rate exceeds; SL_E_CONFIG for a domain that does not hold what is asked for. */
SL_CHECKED sl_status sl_sgd_line_domain(sl_operator *op, const sl_question *q, double *outside, sl_err *err);

/* Does a random rate that overshoots at times, on a drift that is linear far out, give the law a tail like a power? */
bool sl_sgd_line_power_tail(const sl_operator *op);

/* T = l q s2 / 2 of the mean rate over a cycle (or step 0). */
double sl_sgd_line_temperature(const sl_operator *op, uint64_t cycle);

#endif
