/* sim/operators/operator.h - laws and times without sampling: a question, one of three operators, an answer.
 *
 *   fokker-planck  dx = -grad f dt + sqrt(2 D) dW (Ito), overdamped, for losses of 1 or 2 dimensions
 *   kramers        dx = v dt, dv = -s f' dt - g v dt + b dW on the phase space of a 1-D loss (Klein-Kramers)
 *   transfer       discrete SGD itself at finite rate, x' = x - l alpha (f'(x) + n): 1-D, on the (x, v) plane with
 *                  momentum, and plain in 2-D. Time is counted in steps.
 *
 * An operator is solved on a grid of n nodes along x (the kind says what that means for the other axis).
 * sl_operator_solve asks it on a ladder of grids, estimates the error of every number from two of them, and refines
 * until the tolerance is met. So a kind has only to answer on one grid. */
#ifndef SL_SIM_OPERATORS_OPERATOR_H
#define SL_SIM_OPERATORS_OPERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "optim/rule.h"
#include "optim/schedule.h"
#include "sim/loss.h"

typedef enum {
    SL_TASK_STATIONARY, /* the stationary law; quasi-stationary where mass leaks; of a periodic schedule its average */
    SL_TASK_EVOLVE,     /* the law at given times                                                   */
    SL_TASK_MFPT,       /* mean first-passage time                                                  */
    SL_TASK_SPECTRUM,   /* slowest eigenvalues and eigenfunctions                                   */
    SL_TASK_COMMITTOR   /* probability to reach `to` before `from`                                  */
} sl_operator_task;

enum { SL_OPERATOR_TIMES = 64, SL_OPERATOR_EIGENVALUES = 16 };

/* What is asked. Zeroed fields mean the defaults given. */
typedef struct {
    sl_operator_task task;
    /* mfpt: the start; committor: set A; evolve: the start, a Gaussian of standard deviation `spread` (0: a point).
     * to: mfpt's target; committor's set B. In 1-D and phase space a set is the half-line beyond the point, as seen
     * from the other one (x >= to if to > from; on a ring the point and its images); in 2-D the disc of `radius` around
     * it. Coordinates of a phase space: x only, v starts at 0. */
    double from[2], to[2];
    double spread;
    double radius;                   /* 2-D: > 0, default 0.1                                               */
    double times[SL_OPERATOR_TIMES]; /* evolve: increasing, >= 0; steps (integers) for transfer       */
    size_t n_times;
    size_t eigenvalues; /* spectrum: how many, the null one included; 0: 4                     */
    uint64_t cycle;     /* transfer with a periodic schedule: its period in steps; 0: found     */
} sl_question;

/* D(x) of the Fokker-Planck operator: fills D[dim * dim], symmetric and positive. */
typedef void (*sl_diffusion_field)(void *ctx, const sl_loss *loss, const double *x, double *D);

typedef enum { SL_EDGE_REFLECTING, SL_EDGE_ABSORBING } sl_edge; /* periodic comes from the loss */

typedef struct sl_operator_kind sl_operator_kind;

/* What is solved. Zeroed fields mean the defaults given. */
typedef struct {
    const sl_operator_kind *kind;
    sl_loss loss;
    /* fokker-planck, kramers */
    double temperature;           /* T > 0 of f; fokker-planck: D = T where no field is given            */
    sl_diffusion_field diffusion; /* fokker-planck: D(x)                                              */
    void *diffusion_ctx;
    /* kramers */
    double friction; /* g > 0                                                               */
    double force;    /* s, on the force f'; 0: 1 (Musso's eq 10 has 1/l)                     */
    double noise;    /* b^2; 0: 2 g T s, with which f has temperature T                      */
    /* transfer */
    sl_rule rule; /* plain, heavy-ball, nesterov                                         */
    sl_schedule schedule;
    uint64_t seed;         /* not drawn from: only expectations over alpha are taken              */
    double noise_variance; /* D0 / C, of n, before alpha                                          */
    /* the grid */
    double lo[2], hi[2]; /* the domain; lo == hi: chosen from the loss and T so that the mass outside is below
                            1e-13 (of the velocity axis too); mfpt of transfer in 1-D: and so that the part that
                            leaves at the end opposite to `to` is small against the tolerance    */
    sl_edge edge;
    size_t grid;      /* nodes along x of the finest grid; 0: refined until the tolerance is met */
    double tolerance; /* relative, of every number; 0: 1e-8, or 1e-5 in 2-D for a kind with an order: what its
                         largest grids give                                                  */
    double memory;    /* bytes that a solve may take; 0: 2e9                                 */
    int jobs;         /* <= 0: all cores; answers do not depend on it                        */
} sl_operator;

/* A number of the answer. error: the estimate from two grids, absolute, >= 0; NAN: not known. */
typedef struct {
    char name[32]; /* "x2", "loss", "kl_to_boltzmann", "mfpt", "eigenvalue", ...               */
    size_t index;  /* eigenvalue: 0 the null one; evolve: index of the time; else 0            */
    double value;
    double imag; /* eigenvalue: imaginary part; else 0                                       */
    double error;
    double scale; /* what the tolerance is relative to; 0: |value|                            */
} sl_number;

/* A function on the grid. */
typedef struct {
    char name[32]; /* "density", "boltzmann", "committor", "mfpt", "eigenfunction"             */
    size_t index;
    size_t dim;      /* 1, or 2: (x, y) or (x, v)                                                */
    size_t n[2];     /* n[1] = 1 in one dimension                                                */
    double *node[2]; /* [n[d]]; node[1] NULL in one dimension                                    */
    double *value;   /* [n[0] * n[1]], node (i, j) at i * n[1] + j                               */
} sl_field;

typedef struct {
    sl_number *numbers;
    size_t n_numbers;
    sl_field *fields; /* of the finest grid solved                                           */
    size_t n_fields;
    double lo[2], hi[2];   /* the domain                                                          */
    double outside;        /* bound on the stationary mass beyond it; NAN: not known              */
    double killed;         /* transfer: mass lost a step by the stationary law; else 0            */
    double mass_error;     /* largest |mass - 1| of the laws (before the killed are added back)   */
    double density_min;    /* least density of the laws, relative to their maximum; >= -1e-12     */
    double grid_error;     /* largest error / max(|value|, scale) of the numbers                  */
    double tolerance;      /* that was aimed at                                                   */
    size_t grid, unknowns; /* nodes along x, and unknowns, of the finest grid                     */
    size_t levels;         /* grids solved                                                        */
    bool rough;            /* only the first term of the errors' expansion in h is regular: extrapolated once */
    char note[512];        /* reservations in a sentence or some, or ""                           */
} sl_answer;

struct sl_operator_kind {
    sl_entry entry; /* name, help, source                                                          */
    int order;      /* numbers err like h^order + h^(order+2) + ...: extrapolated (Romberg); 0: faster than any power */
    bool gradual;   /* order 0, first_grid a power of 2: grids grow by 3/2 and 4/3 in turn, not by 2, and from three of
                       them the error is estimated as that of a geometric series (Aitken) */
    size_t first_grid, last_grid; /* of the ladder, nodes along x of a 1-D loss                     */
    size_t first_grid_2d, last_grid_2d;
    /* Refuses what it cannot solve, with the reason. */
    sl_status (*check)(const sl_operator *op, const sl_question *q, sl_err *err);
    /* Chooses op->lo, hi where lo == hi, and *outside; given what it chose, it leaves that as it is. Errors:
     * SL_E_UNSTABLE where there is no stationary law. */
    sl_status (*domain)(sl_operator *op, const sl_question *q, double *outside, sl_err *err);
    /* Bytes that solve() takes with n nodes along x. */
    double (*bytes)(const sl_operator *op, const sl_question *q, size_t n);
    /* About how many seconds solve() takes with n nodes along x, the same on every machine; NULL: not many. */
    double (*seconds)(const sl_operator *op, const sl_question *q, size_t n);
    /* Fills numbers, fields, unknowns, killed, mass_error, density_min, rough of a zeroed answer: the same numbers in
     * the same order on every grid. Defaults of *op and *q are filled in. SL_E_NUMERIC: this grid is too coarse, the
     * ladder begins with the next one (if two more follow). */
    sl_status (*solve)(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n, sl_err *err);
};

extern const sl_operator_kind sl_fokker_planck, sl_klein_kramers, sl_transfer;
extern const sl_operator_kind *const sl_operator_kinds[];
extern const size_t sl_n_operator_kinds;

/* Answers q. Starts at first_grid (op->grid given: at half of it, then it, and no further) and doubles (or as said at
 * `gradual`), up to what is solved within half a minute or so: longer only where op->grid asks for it. With an order,
 * numbers are extrapolated over the ladder and error is the change by the last
 * extrapolation, or from the grid before where changes do not fall as the order says (which is where rounding errors
 * are reached); without, error is the
 * change from the grid before (a gradual kind: see there). *a is to be cleared by the caller; it is empty after a
 * negative status and SL_INTERRUPTED.
 * SL_UNDECIDED, with the answer and a note: the tolerance was not met on the largest grid that fits. Plain SGD's mfpt
 * counts until the iterate leaves the domain too: with probability e before it is at `to`, the error has e/(1 - e) of
 * the time added; SL_E_NUMERIC from e = 1/2.
 * Errors: SL_E_DOMAIN for a bad value; SL_E_UNSTABLE: no stationary law, why; SL_E_CONFIG: a grid that does not fit
 * into op->memory (the bytes it would take, before anything is allocated) or takes too long unasked, a domain that cuts
 * off mass (above 1e-6), a density that underflows; SL_E_MEMORY; SL_E_NUMERIC; SL_INTERRUPTED if sl_stop_requested. */
SL_CHECKED sl_status sl_operator_solve(sl_answer *a, const sl_operator *op, const sl_question *q, sl_err *err);
void sl_answer_clear(sl_answer *a);

/* The number of that name and index; NAN value if there is none. */
sl_number sl_answer_number(const sl_answer *a, const char *name, size_t index);
/* The field of that name and index; NULL if there is none. */
const sl_field *sl_answer_field(const sl_answer *a, const char *name, size_t index);

/* For solve(): adds a number (its error may be set to what rounding errs by, which is added to the estimate); adds a
 * field whose node and value arrays are allocated, zeroed, for the solver to fill. Adding one moves those added before:
 * pointers to fields do not last. */
SL_CHECKED sl_status sl_answer_add(sl_answer *a, const char *name, size_t index, double value, double imag,
                                   double scale, sl_err *err);
SL_CHECKED sl_status sl_answer_add_field(sl_field **field, sl_answer *a, const char *name, size_t index, size_t nx,
                                         size_t ny, sl_err *err);

/* Moments of a density on a grid with quadrature weights w[n[0] * n[1]] (density sums to its mass with them; averages
 * are per mass that is left), added as numbers with this index: mass, x, x2, x4, loss, xg (= <x . grad f> / dim),
 * kl_to_boltzmann against exp(-f/T)/Z on the same nodes (T > 0; not added else); dim 2 of a 2-D loss: y, y2, xy too;
 * phase space (loss of 1-D, field of 2): v, v2, xv. Field "boltzmann" is added beside "density" where T > 0 (in phase
 * space KL is of the x marginal only, and no field is added). */
SL_CHECKED sl_status sl_answer_add_law(sl_answer *a, const sl_loss *loss, const sl_field *density, const double *w,
                                       double T, size_t index, sl_err *err);

/* A box outside which exp(-f/T) has less than `mass` of its mass, by search from the loss's start and lowest minima
 * (1-D and 2-D; a periodic loss: one period around 0 in each coordinate). *outside: the bound reached.
 * Errors: SL_E_UNSTABLE where f does not confine. */
SL_CHECKED sl_status sl_operator_box(double lo[2], double hi[2], double *outside, const sl_loss *loss, double T,
                                     double mass, sl_err *err);

#endif
