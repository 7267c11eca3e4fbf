/* sim/operators/transfer/stencil.h - interpolation on a uniform grid by polynomials through the nearest nodes (Lagrange), and
 * its transpose, which puts a point of mass onto a grid with all its moments up to degree SL_STENCIL - 1. Private to
 * sim/operators/. */
#ifndef SL_SIM_OPERATORS_STENCIL_H
#define SL_SIM_OPERATORS_STENCIL_H

#include <stddef.h>

/* Nodes of a stencil: an error of h^16, and a norm below 3 in the middle of it. */
enum { SL_STENCIL = 16 };

/* The value at node position `at` (0 .. n - 1, in cells) is the sum of w[k] u[first + k]: fills w, returns first.
 * Near the grid's ends the nodes lie to one side. n >= SL_STENCIL. */
size_t sl_stencil(double w[SL_STENCIL], double at, size_t n);

#endif
