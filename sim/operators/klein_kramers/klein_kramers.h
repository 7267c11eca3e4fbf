/* sim/operators/klein_kramers/klein_kramers.h - what the tasks of the Klein-Kramers operator share. Private to sim/operators/. */
#ifndef SL_SIM_OPERATORS_KLEIN_KRAMERS_H
#define SL_SIM_OPERATORS_KLEIN_KRAMERS_H

#include "sim/operators/klein_kramers/brinkman.h"

/* Adds the density of the vector `state` as a field on the (x, v) grid, scaled by factor. */
SL_CHECKED sl_status sl_klein_kramers_add_density(sl_answer *a, const sl_brinkman *b, const sl_operator *op,
                                                  const char *name, size_t index, const double *state, double factor,
                                                  sl_err *err);
/* Adds a law: its field "density" and the numbers of sl_answer_add_law (by the first three orders alone, which hold
 * all of them). Improves mass_error and density_min. */
SL_CHECKED sl_status sl_klein_kramers_add_law(sl_answer *a, const sl_brinkman *b, const sl_operator *op, size_t index,
                                              const double *state, sl_err *err);

/* The tasks. */
SL_CHECKED sl_status sl_klein_kramers_spectrum(sl_answer *a, const sl_brinkman *b, const sl_operator *op,
                                               const sl_question *q, sl_err *err);
SL_CHECKED sl_status sl_klein_kramers_evolve(sl_answer *a, const sl_brinkman *b, const sl_operator *op,
                                             const sl_question *q, sl_err *err);
/* Vectors of all unknowns that a task keeps, for the estimate of memory. */
size_t sl_klein_kramers_spectrum_vectors(const sl_question *q);
size_t sl_klein_kramers_evolve_vectors(void);
/* About how many seconds a task takes on n nodes. */
double sl_klein_kramers_spectrum_seconds(const sl_operator *op, const sl_question *q, size_t n);
double sl_klein_kramers_evolve_seconds(const sl_operator *op, const sl_question *q, size_t n);

#endif
