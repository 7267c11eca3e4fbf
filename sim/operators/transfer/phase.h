/* sim/operators/transfer/phase.h - one step of SGD with momentum as an operator on densities p(x, v). Private to sim/operators/.
 *
 * Both rules are x' = x + a_s (c1 v' - c0 v), v' = mu v - a_g (G(x) + n) with G = f' + w x: heavy ball c0 = 0, c1 = 1;
 * Nesterov c0 = mu, c1 = 1 + mu (its mu v' - a_g (G + n) is mu v' + v' - mu v). So a step is three moves, each in one
 * direction: y = x - a_s c0 v at fixed v; v -> v' at fixed y, where x = y + a_s c0 v; x' = y + a_s c1 v' at fixed v'.
 *
 * The density is known at the nodes of a uniform grid and holds no frequency beyond theirs. Moves along x are shifts,
 * multiplications of its Fourier transform by phases, which are averaged over a random a_s; the transform is padded, so
 * that what is shifted out of the box is gone and not back on the other side (a periodic loss: where it belongs). The
 * move along v is a matrix for each y: the Gaussian of n (averaged over a random a_g) without the frequencies that the
 * grid cannot hold, so that it may be narrower than a cell, down to none (a_g = 0). Errors fall faster than any power
 * of the cell's width as long as laws are smooth. */
#ifndef SL_SIM_OPERATORS_PHASE_H
#define SL_SIM_OPERATORS_PHASE_H

#include "sim/operators/transfer/rates.h"

typedef struct {
    const sl_operator *op;
    size_t nx, nv;
    double *x, *v; /* nodes, [nx], [nv]; v = 0 is one    */
    double hx, hv; /* their spacings                     */
    double c0, c1;
    size_t period, waves; /* of the transform along x: cells, and frequencies >= 0     */
    double *forth;        /* [2 waves][nx]: real parts, then imaginary parts           */
    double *back;         /* [nx][2 waves]                                             */
    double *force;        /* G(y_i + s v_j), work of phase steps, [nx][nv]             */
} sl_phase_grid;

/* n nodes along x, as many along v as go with them. farthest: of all shifts along x, what to pad for. */
SL_CHECKED sl_status sl_phase_grid_init(sl_phase_grid *g, const sl_operator *op, size_t n, double farthest,
                                        sl_err *err);
void sl_phase_grid_clear(sl_phase_grid *g);
size_t sl_phase_velocities(size_t n);                                    /* nodes along v that go with n along x, odd */
double sl_phase_farthest(const sl_operator *op, const sl_rate_law *law); /* |shift along x| of a step, at most */

enum { SL_PHASE_BRANCHES = 12 };

/* A step with one law of the rate. Only Nesterov with a random alpha on the step needs more than one branch: there the
 * three moves share an alpha that cannot be averaged move by move. */
typedef struct {
    const sl_phase_grid *grid;
    size_t branches;
    double weight[SL_PHASE_BRANCHES];
    double *before, *after; /* phases of the shifts, [branch][2][waves][nv]; before: NULL for heavy ball   */
    double *kick;           /* [branch][nx][nv'][nv]                                                       */
    double *work;           /* [2 waves][nv] and [2][nx][nv]                                                */
} sl_phase_step;

SL_CHECKED sl_status sl_phase_step_init(sl_phase_step *s, const sl_phase_grid *g, const sl_rate_law *law, sl_err *err);
void sl_phase_step_clear(sl_phase_step *s);
/* to[nx][nv] = what becomes of from[nx][nv] by the step; not in place. */
void sl_phase_step_apply(double *to, sl_phase_step *s, const double *from);
double sl_phase_step_bytes(const sl_operator *op, const sl_rate_law *law, size_t n);
/* About how many seconds a step takes to be made ready, and to be applied. */
void sl_phase_step_seconds(double *ready, double *apply, const sl_operator *op, const sl_rate_law *law, size_t n);

/* The steps of one cycle of a periodic schedule (phase_cycle.c); equal rates share one. Of a schedule that is not
 * periodic, or if the question is not about a stationary law: the first step only. */
typedef struct {
    sl_phase_grid grid;
    sl_phase_step *step; /* the distinct ones             */
    size_t distinct, period;
    size_t *which;    /* [period]                         */
    double *half_way; /* [nx][nv]: the law between two steps */
} sl_phase_cycle;

/* How many steps of a cycle differ. */
size_t sl_phase_cycle_distinct(const sl_operator *op, uint64_t period);
/* *c is to be cleared, also after an error. */
SL_CHECKED sl_status sl_phase_cycle_init(sl_phase_cycle *c, const sl_operator *op, const sl_question *q, size_t n,
                                         sl_err *err);
void sl_phase_cycle_clear(sl_phase_cycle *c);
/* sl_apply of ctx = sl_phase_cycle: the whole cycle. */
sl_status sl_phase_cycle_apply(void *c, const double *from, double *to, sl_err *err);

/* The box and the rates (phase_box.c). As sl_operator_kind's domain; the largest rates that an answer will meet; and
 * the guess exp(-f/T) times a Gaussian in v, p[nx][nv], its maximum 1. */
SL_CHECKED sl_status sl_phase_domain(sl_operator *op, const sl_question *q, double *outside, sl_err *err);
SL_CHECKED sl_status sl_phase_widest_rate(sl_rate_law *law, const sl_operator *op, const sl_question *q, sl_err *err);
void sl_phase_guess(double *p, const sl_phase_grid *g, double T);

#endif
