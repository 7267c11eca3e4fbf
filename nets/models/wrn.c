/* Wide residual networks: blocks of two convolutions, each after its batch norm and ReLU. */
#include "nets/models/models.h"

static const sl_param params[] = {
    {.name = "depth", .help = "6 n + 4, n blocks a stage", .def = 28, .min = 10, .max = 6004, .integer = true},
    {.name = "width", .help = "factor of the stages' channels", .def = 10, .min = 1, .max = 256, .integer = true},
    SL_MODEL_CHANNELS(16, 256),
    SL_MODEL_DROPOUT(0, "between a block's convolutions"),
    SL_MODEL_INIT(SL_START_FAN_OUT),
};

/* Where the shape changes, the shortcut is a 1x1 convolution of what the first batch norm and ReLU put out, as in the
 * authors' code; elsewhere it is the block's input. */
static size_t block(sl_builder *b, size_t from, size_t stage, size_t k, size_t channels, size_t stride, double dropout)
{
    const bool same = stride == 1 && sl_build_shape(b, from).channels == channels;
    const size_t active = sl_build_bn_relu(b, from, sl_named("layer%zu.%zu.bn1", stage, k));
    size_t at = sl_build_conv(b, active, sl_named("layer%zu.%zu.conv1", stage, k).text, channels, 3, stride, 1, false);
    at = sl_build_dropout_if(b, sl_build_bn_relu(b, at, sl_named("layer%zu.%zu.bn2", stage, k)), dropout);
    at = sl_build_conv(b, at, sl_named("layer%zu.%zu.conv2", stage, k).text, channels, 3, 1, 1, false);
    if (!same)
        from = sl_build_conv(b, active, sl_named("layer%zu.%zu.shortcut", stage, k).text, channels, 1, stride, 0, false);
    return sl_build_add(b, at, from);
}

static void build(sl_builder *b, const sl_spec *spec)
{
    const size_t depth = (size_t)sl_spec_get(spec, "depth"), first = (size_t)sl_spec_get(spec, "channels");
    const double dropout = sl_spec_get(spec, "dropout");
    if (depth % 6 != 4) {
        sl_build_fail(b, SL_E_DOMAIN, "depth = %zu, need 6 n + 4 (16, 22, 28, 40)", depth);
        return;
    }
    size_t channels = first * (size_t)sl_spec_get(spec, "width");
    size_t at = sl_build_conv(b, 0, "conv1", first, 3, 1, 1, false);
    for (size_t stage = 1; stage <= 3; stage++) {
        for (size_t k = 0; k < (depth - 4) / 6; k++)
            at = block(b, at, stage, k, channels, stage > 1 && k == 0 ? 2 : 1, dropout);
        channels *= 2;
    }
    sl_build_averaged_fc(b, sl_build_bn_relu(b, at, sl_named("bn")));
}

const sl_architecture sl_model_wrn = {.entry = {.name = "wrn",
                                                .help = "wide residual networks, also by name: wrn-DEPTH-WIDTH",
                                                .source = "Zagoruyko, Komodakis 2016",
                                                .params = params,
                                                .n_params = sizeof params / sizeof *params},
                                      .build = build};
