/* sim/operators/variant.h - a kind of operator may be solved in several ways, by dimension or by rule: its variants.
 * Private to sim/operators/. The functions are those of sl_operator_kind. */
#ifndef SL_SIM_OPERATORS_VARIANT_H
#define SL_SIM_OPERATORS_VARIANT_H

#include "sim/operators/operator.h"

typedef struct {
    sl_status (*check)(const sl_operator *op, const sl_question *q, sl_err *err);
    sl_status (*domain)(sl_operator *op, const sl_question *q, double *outside, sl_err *err);
    double (*bytes)(const sl_operator *op, const sl_question *q, size_t n);
    double (*seconds)(const sl_operator *op, const sl_question *q, size_t n); /* NULL: not many */
    sl_status (*solve)(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n, sl_err *err);
} sl_operator_variant;

/* Fokker-Planck on a line: a tridiagonal generator. On a plane: a sparse one. */
extern const sl_operator_variant sl_fokker_planck_line, sl_fokker_planck_plane;
/* The transfer operator of plain SGD on a line and on a plane; with momentum on the (x, v) plane. */
extern const sl_operator_variant sl_transfer_line, sl_transfer_plane, sl_transfer_phase;

/* The functions of a kind that picks a variant by `pick`, for kinds with more than one. */
#define SL_OPERATOR_DISPATCH(kind, pick)                                                                         \
    static sl_status kind##_check(const sl_operator *op, const sl_question *q, sl_err *err)                      \
    {                                                                                                            \
        const sl_operator_variant *v = NULL;                                                                     \
        SL_TRY(pick(&v, op, err));                                                                               \
        return v->check(op, q, err);                                                                             \
    }                                                                                                            \
    static sl_status kind##_domain(sl_operator *op, const sl_question *q, double *outside, sl_err *err)          \
    {                                                                                                            \
        const sl_operator_variant *v = NULL;                                                                     \
        SL_TRY(pick(&v, op, err));                                                                               \
        return v->domain(op, q, outside, err);                                                                   \
    }                                                                                                            \
    static double kind##_bytes(const sl_operator *op, const sl_question *q, size_t n)                            \
    {                                                                                                            \
        const sl_operator_variant *v = NULL;                                                                     \
        return pick(&v, op, NULL) == SL_OK ? v->bytes(op, q, n) : 0;                                             \
    }                                                                                                            \
    static double kind##_seconds(const sl_operator *op, const sl_question *q, size_t n)                          \
    {                                                                                                            \
        const sl_operator_variant *v = NULL;                                                                     \
        return pick(&v, op, NULL) == SL_OK && v->seconds ? v->seconds(op, q, n) : 0;                             \
    }                                                                                                            \
    static sl_status kind##_solve(sl_answer *a, const sl_operator *op, const sl_question *q, size_t n, sl_err *err) \
    {                                                                                                            \
        const sl_operator_variant *v = NULL;                                                                     \
        SL_TRY(pick(&v, op, err));                                                                               \
        return v->solve(a, op, q, n, err);                                                                       \
    }

#endif
