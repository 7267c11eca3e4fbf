#include "nets/models/models.h"

static const sl_param params[] = {SL_MODEL_CHANNELS(64, 4096), SL_MODEL_INIT(SL_START_DEFAULT)};

/* A flat Sequential of 3x3 convolutions without padding, every layer counted; on 28x28 pictures the last linear layer
 * gets 128 channels of 3x3. No ReLU after that one: classes cut off at 0 would never learn again. */
static void build(sl_builder *b, const sl_spec *spec)
{
    const size_t channels = (size_t)sl_spec_get(spec, "channels");
    static const struct {
        size_t wider, name;
        bool pool; /* after its ReLU */
    } convolutions[] = {{1, 0, false}, {1, 2, true}, {2, 5, false}, {2, 7, false}, {2, 9, true}};
    size_t at = 0;
    for (size_t i = 0; i < sizeof convolutions / sizeof *convolutions; i++) {
        const sl_name name = sl_named("%zu", convolutions[i].name);
        at = sl_build_relu(b, sl_build_conv(b, at, name.text, convolutions[i].wider * channels, 3, 1, 0, true));
        if (convolutions[i].pool) at = sl_build_max_pool(b, at, 2, 2, 0);
    }
    sl_build_linear(b, sl_build_flatten(b, at), "13", sl_build_classes(b), true);
}

const sl_architecture sl_model_cnn = {.entry = {.name = "cnn",
                                                .help = "five 3x3 convolutions, two poolings, one linear layer: Model 2",
                                                .source = "Musso 2020, Model 2",
                                                .params = params,
                                                .n_params = sizeof params / sizeof *params},
                                      .build = build};
