#include "sim/operators/operator.h"

const sl_operator_kind sl_klein_kramers = {.entry = {.name = "kramers", .help = "", .source = ""}};
