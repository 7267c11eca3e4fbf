/* sim/operators/fokker_planck/line_evolve_kernel.h - the inner loop of line_evolve.c. Private to sim/operators/. */
#ifndef SL_SIM_OPERATORS_LINE_EVOLVE_KERNEL_H
#define SL_SIM_OPERATORS_LINE_EVOLVE_KERNEL_H

#include <stddef.h>

enum { SL_LINE_POLES = 8 };

typedef struct {
    double shift_re[SL_LINE_POLES], shift_im[SL_LINE_POLES];
    double weight_re[SL_LINE_POLES], weight_im[SL_LINE_POLES];
    double constant;
} sl_line_poles;

/* Scratch numbers a node. */
enum { SL_LINE_SCRATCH = 6 * SL_LINE_POLES };

/* p[n] := constant p + sum_k Re(weight_k (shift_k - G)^-1 p), G the chain's generator on masses, whose nodes have rates
 * a to the right and b to the left (a[n-1] and b[0] are losses). scratch[SL_LINE_SCRATCH * n]. */
void sl_line_resolvents(double *p, double *scratch, size_t n, const double *a, const double *b,
                        const sl_line_poles *poles);
/* The same on a ring, where a[n-1] leads to node 0 and b[0] to node n-1; n >= 3. */
void sl_line_ring_resolvents(double *p, double *scratch, size_t n, const double *a, const double *b,
                             const sl_line_poles *poles);

#endif
