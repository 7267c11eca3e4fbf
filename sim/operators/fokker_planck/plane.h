/* sim/operators/fokker_planck/plane.h - a diffusion in the plane as a Markov jump process on a rectangular grid.
 * Private to sim/operators/.
 *
 * dx = -grad f dt + sqrt(2 D(x)) dW (Ito), generator L u = -grad f . grad u + D_jk d_j d_k u. A node jumps to its
 * neighbours along up to four lines (x, y and the two diagonals), with rates that are never negative and whose mean
 * and spread are those of L to second order in h:
 *     c_l B(u_l),  B(u) = u / (e^u - 1),                                                 [Scharfetter and Gummel 1969]
 *     c_x = (D_xx - |D_xy| hx/hy) / hx^2,  c_y = (D_yy - |D_xy| hy/hx) / hy^2,  c_diagonal = max(+-D_xy, 0) / (hx hy),
 *     u_l = s . D^-1 grad f for the step s: then sum of c_l s s' is D and the drift is D D^-1 grad f. Where D has no
 *     off-diagonal terms there are no diagonal jumps, and u = (f(neighbour) - f) / D.
 * For D = T the process is reversible with stationary masses exp(-f/T), exactly.
 * Reflecting and periodic edges lie half a spacing beyond the last nodes, absorbing ones a whole one, so that
 * numbers err like h^2 + h^4 + ... either way.
 *
 * A disc absorbs what touches it. Where its circle cuts the line between two neighbours, at a fraction s of the
 * spacing, the line's second difference is that of unequal spacings (Shortley and Weller 1938): the circle is then
 * felt to O(h^3), without which numbers would jump about by O(h) as the grid changes. */
#ifndef SL_SIM_OPERATORS_PLANE_H
#define SL_SIM_OPERATORS_PLANE_H

#include "sim/operators/operator.h"
#include "sim/operators/sparse.h"

/* Ways of a jump: way ^ 1 is the opposite one. */
enum { SL_EAST, SL_WEST, SL_NORTH, SL_SOUTH, SL_NORTH_EAST, SL_SOUTH_WEST, SL_SOUTH_EAST, SL_NORTH_WEST, SL_WAYS };
enum { SL_DISCS = 2 };

typedef struct {
    double centre[2], radius;
} sl_disc;

typedef struct {
    const sl_operator *op;
    bool reversible, periodic, absorbing;
    size_t n[2], unknowns; /* nodes along x and y; node (i, j) is i * n[1] + j              */
    double h[2], *node[2];
    double T;              /* of the stationary law; with a diffusion field the largest eigenvalue of D met */
    double *f;             /* [unknowns] f above its least value on the grid, at most SL_PLANE_CEILING T    */
    size_t ways;           /* 4, or 8 where D has off-diagonal terms                        */
    int32_t *to[SL_WAYS];  /* [unknowns] the node that a way leads to; -1: none             */
    double *rate[SL_WAYS]; /* [unknowns] of jumping there                                   */
    double *lost;          /* [unknowns] rate of leaving over an absorbing edge             */
    size_t n_discs;
    sl_disc disc[SL_DISCS];
    double *absorbed[SL_DISCS]; /* [unknowns] rate of being absorbed by that disc            */
    unsigned char *inside;      /* [unknowns] 1 + the disc that a node lies in; 0: in none    */
    void *memory[3];
} sl_plane;

/* Higher than this above the floor, in units of T, f is cut off: exp(-f/2T) still fits a double there, and no
 * probability does. */
#define SL_PLANE_CEILING 1300.0

/* The grid of n x n nodes over op->lo, hi. Errors: SL_E_NUMERIC for a loss that is not a number, a disc that the grid
 * does not resolve; SL_E_CONFIG where rates would be negative; SL_E_DOMAIN for a D that is not positive; SL_E_MEMORY.
 */
SL_CHECKED sl_status sl_plane_alloc(sl_plane *p, const sl_operator *op, size_t n, size_t n_discs, const sl_disc *discs,
                                    sl_err *err);
void sl_plane_clear(sl_plane *p);

/* Rate of leaving node k at all. */
double sl_plane_exit_rate(const sl_plane *p, size_t k);

/* A = shift I - scale Q', Q' the transposed generator (it acts on masses): column k holds what leaves node k. Nodes
 * inside a disc, and the node `pinned` (SIZE_MAX: none), are decoupled: they have the diagonal element 1 alone. */
SL_CHECKED sl_status sl_plane_matrix(sl_sparse *A, const sl_plane *p, double shift, double scale, size_t pinned,
                                     sl_err *err);
/* The same made symmetric by the square roots of the stationary masses; reversible and without discs only. */
SL_CHECKED sl_status sl_plane_symmetric(sl_sparse *A, const sl_plane *p, double shift, double scale, sl_err *err);

/* Interpolates values on the nodes at a point: Lagrange's with 6 nodes an axis, fewer near discs and edges. */
double sl_plane_at(const sl_plane *p, const double *value, const double x[2]);

/* Adds a field with the nodes of the grid, values still zero. */
SL_CHECKED sl_status sl_plane_field(sl_field **field, sl_answer *a, const sl_plane *p, const char *name, size_t index,
                                    sl_err *err);

/* The five questions on a grid that is set up. */
SL_CHECKED sl_status sl_plane_stationary(sl_answer *a, const sl_plane *p, sl_err *err);
SL_CHECKED sl_status sl_plane_evolve(sl_answer *a, const sl_plane *p, const sl_question *q, sl_err *err);
SL_CHECKED sl_status sl_plane_passage(sl_answer *a, const sl_plane *p, const sl_question *q, sl_err *err);
SL_CHECKED sl_status sl_plane_committor(sl_answer *a, const sl_plane *p, const sl_question *q, sl_err *err);
SL_CHECKED sl_status sl_plane_spectrum(sl_answer *a, const sl_plane *p, size_t eigenvalues, sl_err *err);

/* masses[unknowns] as a law of the answer: density, moments, mass_error, density_min. */
SL_CHECKED sl_status sl_plane_add_law(sl_answer *a, const sl_plane *p, const double *masses, size_t index, sl_err *err);

#endif
