#include <stdio.h>

#include "nets/models/models.h"

static const sl_param params[] = {{.name = "hidden",
                                   .help = "units of each hidden layer; 0: none",
                                   .def = 100,
                                   .min = 0,
                                   .max = 65536,
                                   .integer = true,
                                   .list = true}};

/* Names are those of a PyTorch Sequential without a Flatten: linear layers at 0, 2, 4, ... */
static void build(sl_builder *b, const sl_spec *spec)
{
    size_t at = sl_build_flatten(b, 0), module = 0;
    char name[32];
    for (size_t i = 0; i < spec->value[0].n; i++) {
        const size_t units = (size_t)spec->value[0].v[i];
        if (units == 0) continue;
        snprintf(name, sizeof name, "%zu", module);
        at = sl_build_relu(b, sl_build_linear(b, at, name, units, true));
        module += 2;
    }
    snprintf(name, sizeof name, "%zu", module);
    sl_build_linear(b, at, name, sl_build_classes(b), true);
}

const sl_architecture sl_model_mlp = {.entry = {.name = "mlp",
                                                .help = "fully connected, ReLU between layers; hidden=100 is Model 1",
                                                .source = "Musso 2020, Model 1",
                                                .params = params,
                                                .n_params = 1},
                                      .build = build};
