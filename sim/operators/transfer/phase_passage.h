/* sim/operators/transfer/phase_passage.h - first passages of heavy ball on the (x, v) plane: mean time, committor. Private to
 * sim/operators/. */
#ifndef SL_SIM_OPERATORS_PHASE_PASSAGE_H
#define SL_SIM_OPERATORS_PHASE_PASSAGE_H

#include "sim/operators/operator.h"

double sl_phase_passage_bytes(const sl_operator *op, size_t n);
/* As sl_operator_kind's solve, for SL_TASK_MFPT and SL_TASK_COMMITTOR. Numbers: "mfpt", steps from (from, 0) until x is
 * beyond `to`; "committor_midway", at rest half-way between from and to. */
SL_CHECKED sl_status sl_phase_passage_solve(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n,
                                            sl_err *err);

#endif
