/* CIFAR's ResNets of He et al., section 4.2, whose shortcuts have no parameters (option A). */
#include "nets/models/models.h"

static const sl_param params[] = {
    {.name = "depth", .help = "6 n + 2 layers with weights, n blocks a stage", .def = 20, .min = 8, .max = 6002,
     .integer = true},
    SL_MODEL_CHANNELS(16, 4096),
    SL_MODEL_INIT(SL_START_FAN_OUT),
};

static size_t block(sl_builder *b, size_t from, size_t stage, size_t k, size_t channels, size_t stride)
{
    size_t at = sl_build_conv_bn(b, from, sl_named("layer%zu.%zu.conv1", stage, k), sl_named("layer%zu.%zu.bn1", stage, k),
                                 channels, 3, stride);
    at = sl_build_conv_bn(b, sl_build_relu(b, at), sl_named("layer%zu.%zu.conv2", stage, k),
                          sl_named("layer%zu.%zu.bn2", stage, k), channels, 3, 1);
    if (stride != 1) from = sl_build_shortcut(b, from, channels, stride);
    return sl_build_relu(b, sl_build_add(b, at, from));
}

static void build(sl_builder *b, const sl_spec *spec)
{
    const size_t depth = (size_t)sl_spec_get(spec, "depth");
    size_t channels = (size_t)sl_spec_get(spec, "channels");
    if (depth % 6 != 2) {
        sl_build_fail(b, SL_E_DOMAIN, "depth = %zu, need 6 n + 2 (20, 32, 44, 56, 110)", depth);
        return;
    }
    if (channels % 2 != 0) {
        sl_build_fail(b, SL_E_DOMAIN, "channels = %zu, need an even number: shortcuts add half of them on either side",
                      channels);
        return;
    }
    size_t at = sl_build_relu(b, sl_build_conv_bn(b, 0, sl_named("conv1"), sl_named("bn1"), channels, 3, 1));
    for (size_t stage = 1; stage <= 3; stage++) {
        for (size_t k = 0; k < (depth - 2) / 6; k++) at = block(b, at, stage, k, channels, stage > 1 && k == 0 ? 2 : 1);
        channels *= 2;
    }
    sl_build_averaged_fc(b, at);
}

const sl_architecture sl_model_resnet = {.entry = {.name = "resnet",
                                                   .help = "CIFAR's ResNets of any depth, also by name: resnetN",
                                                   .source = "He, Zhang, Ren, Sun 2016, section 4.2",
                                                   .params = params,
                                                   .n_params = sizeof params / sizeof *params},
                                         .build = build};
