/* DenseNet's basic form: neither bottlenecks nor compression. */
#include "nets/models/models.h"

static const sl_param params[] = {
    {.name = "depth", .help = "3 n + 4, n layers a block", .def = 40, .min = 7, .max = 1000, .integer = true},
    {.name = "growth", .help = "channels that each layer adds", .def = 12, .min = 1, .max = 256, .integer = true},
    {.name = "channels", .help = "of the first convolution", .def = 16, .min = 1, .max = 4096, .integer = true},
    SL_MODEL_DROPOUT(0, "after each convolution but the first; 0.2 in the paper where data are not augmented"),
    SL_MODEL_INIT(SL_START_FAN_OUT),
};

/* Batch norm, ReLU, convolution; a layer of a block, and with kernel 1 the start of a transition. */
static size_t unit(sl_builder *b, size_t from, sl_name bn, sl_name conv, size_t channels, size_t kernel, double dropout)
{
    const size_t at = sl_build_conv(b, sl_build_bn_relu(b, from, bn), conv.text, channels, kernel, 1, kernel / 2, false);
    return sl_build_dropout_if(b, at, dropout);
}

static void build(sl_builder *b, const sl_spec *spec)
{
    const size_t depth = (size_t)sl_spec_get(spec, "depth"), growth = (size_t)sl_spec_get(spec, "growth");
    const double dropout = sl_spec_get(spec, "dropout");
    if (depth % 3 != 1) {
        sl_build_fail(b, SL_E_DOMAIN, "depth = %zu, need 3 n + 4 (22, 40, 100)", depth);
        return;
    }
    size_t at = sl_build_conv(b, 0, "conv1", (size_t)sl_spec_get(spec, "channels"), 3, 1, 1, false);
    for (size_t s = 1; s <= 3; s++) {
        for (size_t k = 0; k < (depth - 4) / 3; k++)
            at = sl_build_concat(b, at, unit(b, at, sl_named("block%zu.%zu.bn", s, k), sl_named("block%zu.%zu.conv", s, k),
                                             growth, 3, dropout));
        if (s < 3) {
            at = unit(b, at, sl_named("trans%zu.bn", s), sl_named("trans%zu.conv", s), sl_build_shape(b, at).channels, 1,
                      dropout);
            at = sl_build_avg_pool(b, at, 2, 2, 0);
        }
    }
    sl_build_averaged_fc(b, sl_build_bn_relu(b, at, sl_named("bn")));
}

const sl_architecture sl_model_densenet = {.entry = {.name = "densenet",
                                                     .help = "DenseNet without bottlenecks, also by name: densenet-DEPTH-GROWTH",
                                                     .source = "Huang, Liu, van der Maaten, Weinberger 2017",
                                                     .params = params,
                                                     .n_params = sizeof params / sizeof *params},
                                           .build = build};
