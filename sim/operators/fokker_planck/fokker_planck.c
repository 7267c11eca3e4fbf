/* The Fokker-Planck operator of overdamped motion: which of its variants solves what. */
#include "sim/operators/variant.h"

static sl_status pick(const sl_operator_variant **v, const sl_operator *op, sl_err *err)
{
    if (op->loss.dim > 2)
        return sl_fail(err, SL_E_DOMAIN,
                       "loss '%s' has %zu dimensions: the Fokker-Planck operator is solved in 1 or 2 (simulate has no "
                       "such bound)",
                       op->loss.kind->entry.name, op->loss.dim);
    *v = op->loss.dim == 1 ? &sl_fokker_planck_line : &sl_fokker_planck_plane;
    return SL_OK;
}

SL_OPERATOR_DISPATCH(fokker_planck, pick)

const sl_operator_kind sl_fokker_planck = {
    .entry = {.name = "fokker-planck",
              .help = "overdamped motion dx = -grad f dt + sqrt(2T) dW, in 1 or 2 dimensions",
              .source = "Risken 1989, ch. 5; Scharfetter and Gummel 1969"},
    .order = 2,
    .first_grid = 256,
    .last_grid = 1 << 17,
    .first_grid_2d = 50,
    .last_grid_2d = 800,
    .check = fokker_planck_check,
    .domain = fokker_planck_domain,
    .bytes = fokker_planck_bytes,
    .seconds = fokker_planck_seconds,
    .solve = fokker_planck_solve,
};
