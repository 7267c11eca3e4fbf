/* sim/operators/fokker_planck/line.h - overdamped motion on a line or a ring as a jump process between neighbouring
 * nodes. Private to sim/operators/: what the tasks of fokker_planck_line.c share.
 *
 * With Phi = int f'/D the flux of dx = -f' dt + sqrt(2 D) dW (Ito) is J = -exp(-Phi) d(p/pi)/dx, pi = exp(-Phi)/D the
 * stationary density. Integrated over an edge, Phi linear on it (Scharfetter and Gummel 1969):
 *     J_e = (u_i - u_{i+1}) / r_e,   u = p/pi,   r_e = int exp(Phi) = h exp(mean Phi) sinh(d/2)/(d/2),  d = the step of
 * Phi, and a node holds the mass m_i = w_i pi_i, w the weight of the trapezoid rule: rates a_i = 1/(r_i m_i) to the
 * right and b_i = 1/(r_{i-1} m_i) to the left, so detailed balance and the stationary law at the nodes are exact, and
 * all else errs like h^2 + h^4 + ... (the trapezoid rule's expansion). That stays true on a mesh of several even
 * segments which are refined together: with it, points that matter (a start, a target) are nodes of every grid. */
#ifndef SL_SIM_OPERATORS_LINE_H
#define SL_SIM_OPERATORS_LINE_H

#include "sim/operators/operator.h"

/* Nodes 0..n-1 and edges 0..edges-1, edge e between nodes e and e + 1 (on a ring the last one between n - 1 and 0).
 * Absorbing edges: u = 0 at the first and last node. */
typedef struct {
    size_t n, edges;
    bool ring, absorbing;
    size_t from, to;       /* the nodes of the question's points, where the task has them                */
    double *x, *w;         /* [n]; x[n] is op->hi on a ring                                              */
    double *quadrature;    /* [edges + 1] weights of fields, which have both ends of a ring              */
    double *log_m, *log_r; /* [n], [edges]: m is scaled so that pi <= 1, and r with it                    */
    double *m;             /* [n]: exp(log_m), 0 where it underflows                                     */
    double *a, *b;         /* [n]: rates to the right and left; 0 where there is no edge                 */
    double range;          /* largest - least log pi                                                     */
    void *block;
} sl_cells;

/* The chain with n cells between op->lo and op->hi (filled in by the domain). *l is to be cleared.
 * Errors: SL_E_NUMERIC for a grid so coarse that a well falls between its nodes; SL_E_DOMAIN for a bad diffusion. */
SL_CHECKED sl_status sl_line_build(sl_cells *l, const sl_operator *op, const sl_question *q, size_t n, sl_err *err);
void sl_line_clear(sl_cells *l);
double sl_line_bytes(size_t n);

/* Whether the ends are joined: a periodic loss without absorbing edges. (First passages cut the ring open.) */
bool sl_line_is_ring(const sl_operator *op, const sl_question *q);

/* D at x. */
double sl_line_diffusion(const sl_operator *op, double x);
/* The step of Phi from x to x + h. */
double sl_line_step(const sl_operator *op, double x, double h);
/* Refuses what the tasks cannot do, where Phi spans so much that doubles do not hold its exponentials. */
SL_CHECKED sl_status sl_line_check_range(const sl_cells *l, const sl_operator *op, sl_err *err);

/* Adds a field with one value a node, value[n]; a ring's first node comes again at its end. */
SL_CHECKED sl_status sl_line_add_field(sl_field **field, sl_answer *a, const char *name, size_t index,
                                       const sl_cells *l, const double *value, sl_err *err);
/* Adds the density of the masses P[n] and its moments; keeps book of a->mass_error and a->density_min. */
SL_CHECKED sl_status sl_line_add_law(sl_answer *a, const sl_cells *l, const sl_operator *op, const double *P,
                                     size_t index, sl_err *err);

/* op->lo, hi, *outside: see sl_operator_kind. */
SL_CHECKED sl_status sl_line_domain(sl_operator *op, const sl_question *q, double *outside, sl_err *err);

/* The tasks. */
SL_CHECKED sl_status sl_line_stationary(sl_answer *a, const sl_cells *l, const sl_operator *op, sl_err *err);
SL_CHECKED sl_status sl_line_evolve(sl_answer *a, const sl_cells *l, const sl_operator *op, const sl_question *q,
                                    sl_err *err);
SL_CHECKED sl_status sl_line_mfpt(sl_answer *a, const sl_cells *l, const sl_operator *op, const sl_question *q,
                                  sl_err *err);
SL_CHECKED sl_status sl_line_committor(sl_answer *a, const sl_cells *l, const sl_operator *op, const sl_question *q,
                                       sl_err *err);
SL_CHECKED sl_status sl_line_spectrum(sl_answer *a, const sl_cells *l, const sl_operator *op, const sl_question *q,
                                      sl_err *err);
/* The k slowest rates lambda[k] >= 0, increasing, and their eigenfunctions phi[k][n] (<phi^2> = 1), of the chain. */
SL_CHECKED sl_status sl_line_modes(double *lambda, double *phi, size_t k, const sl_cells *l, sl_err *err);

#endif
