/* ImageNet's ResNet-50 as torchvision has it: bottlenecks whose 3x3 convolution has the stride. */
#include "nets/models/models.h"

static const sl_param params[] = {SL_MODEL_CHANNELS(64, 1024), SL_MODEL_INIT(SL_START_FAN_OUT)};

static size_t bottleneck(sl_builder *b, size_t from, size_t stage, size_t k, size_t channels, size_t stride)
{
    size_t at = sl_build_relu(b, sl_build_conv_bn(b, from, sl_named("layer%zu.%zu.conv1", stage, k),
                                                  sl_named("layer%zu.%zu.bn1", stage, k), channels, 1, 1));
    at = sl_build_relu(b, sl_build_conv_bn(b, at, sl_named("layer%zu.%zu.conv2", stage, k),
                                           sl_named("layer%zu.%zu.bn2", stage, k), channels, 3, stride));
    at = sl_build_conv_bn(b, at, sl_named("layer%zu.%zu.conv3", stage, k), sl_named("layer%zu.%zu.bn3", stage, k),
                          4 * channels, 1, 1);
    if (k == 0)
        from = sl_build_conv_bn(b, from, sl_named("layer%zu.0.downsample.0", stage),
                                sl_named("layer%zu.0.downsample.1", stage), 4 * channels, 1, stride);
    return sl_build_relu(b, sl_build_add(b, at, from));
}

static void build(sl_builder *b, const sl_spec *spec)
{
    static const size_t blocks[] = {3, 4, 6, 3};
    size_t channels = (size_t)sl_spec_get(spec, "channels");
    size_t at = sl_build_relu(b, sl_build_conv_bn(b, 0, sl_named("conv1"), sl_named("bn1"), channels, 7, 2));
    at = sl_build_max_pool(b, at, 3, 2, 1);
    for (size_t stage = 1; stage <= 4; stage++) {
        for (size_t k = 0; k < blocks[stage - 1]; k++)
            at = bottleneck(b, at, stage, k, channels, stage > 1 && k == 0 ? 2 : 1);
        channels *= 2;
    }
    sl_build_averaged_fc(b, at);
}

const sl_architecture sl_model_resnet50 = {.entry = {.name = "resnet50",
                                                     .help = "ImageNet's, with bottlenecks; takes torchvision's weights",
                                                     .source = "He, Zhang, Ren, Sun 2016; torchvision's resnet50",
                                                     .params = params,
                                                     .n_params = sizeof params / sizeof *params},
                                           .build = build};
