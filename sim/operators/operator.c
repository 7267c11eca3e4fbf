#include "sim/operators/operator.h"

const sl_operator_kind *const sl_operator_kinds[] = {&sl_fokker_planck, &sl_klein_kramers, &sl_transfer};
const size_t sl_n_operator_kinds = sizeof sl_operator_kinds / sizeof *sl_operator_kinds;
