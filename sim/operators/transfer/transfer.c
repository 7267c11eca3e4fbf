/* The transfer operator of discrete SGD: which of its variants solves what. */
#include "sim/operators/variant.h"

static sl_status pick(const sl_operator_variant **v, const sl_operator *op, sl_err *err)
{
    const bool momentum = op->rule.mu > 0;
    if (op->rule.kind == SL_RULE_SIGN)
        return sl_fail(err, SL_E_DOMAIN, "rule 'sign': its transfer operator is not solved; plain, heavy-ball or nesterov are");
    if (op->loss.dim > 2 || (op->loss.dim == 2 && momentum))
        return sl_fail(err, SL_E_DOMAIN,
                       "loss '%s' has %zu dimensions: the transfer operator is solved in 1 dimension with momentum, in 1 "
                       "or 2 without",
                       op->loss.kind->entry.name, op->loss.dim);
    *v = momentum ? &sl_transfer_phase : op->loss.dim == 1 ? &sl_transfer_line : &sl_transfer_plane;
    return SL_OK;
}

SL_OPERATOR_DISPATCH(transfer, pick)

const sl_operator_kind sl_transfer = {
    .entry = {.name = "transfer",
              .help = "discrete SGD at finite rate, x' = x - l alpha (f'(x) + n): 1-D, 2-D, or 1-D with momentum",
              .source = "Musso 2020, eqs 1, 2"},
    .order = 0,
    .first_grid = 128,
    .last_grid = 4096,
    .first_grid_2d = 32,
    .last_grid_2d = 256,
    .check = transfer_check,
    .domain = transfer_domain,
    .bytes = transfer_bytes,
    .seconds = transfer_seconds,
    .solve = transfer_solve,
};
