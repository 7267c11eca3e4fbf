/* sim/operators/transfer/sgd_plane_passage.h - first passages of plain SGD in two dimensions, into discs. Private to
 * sim/operators/. */
#ifndef SL_SIM_OPERATORS_SGD_PLANE_PASSAGE_H
#define SL_SIM_OPERATORS_SGD_PLANE_PASSAGE_H

#include "sim/operators/operator.h"

double sl_sgd_plane_passage_bytes(const sl_operator *op, const sl_question *q, size_t n);
/* As sl_operator_kind's solve, for SL_TASK_MFPT and SL_TASK_COMMITTOR. Numbers: "mfpt", steps from `from` until within
 * the radius of `to`; "committor_midway", at the middle of from and to. */
SL_CHECKED sl_status sl_sgd_plane_passage_solve(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n,
                                                sl_err *err);

#endif
