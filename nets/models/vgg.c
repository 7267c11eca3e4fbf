#include "nets/models/models.h"

enum { LINEAR, MLP, IMAGENET };
static const char *const heads[] = {"linear", "mlp", "imagenet", NULL};

static const sl_param params[] = {
    SL_MODEL_CHANNELS(64, 512),
    {.name = "head", .help = "what follows the convolutions: one linear layer, three of 512, ImageNet's of 4096",
     .words = heads, .def = LINEAR},
    SL_MODEL_DROPOUT(0.5, "in the heads mlp and imagenet"),
    SL_MODEL_INIT(SL_START_VGG),
};

/* Convolutions, multiples of the first stage's channels; 0: pooling. */
static const unsigned char sixteen[] = {1, 1, 0, 2, 2, 0, 4, 4, 4, 0, 8, 8, 8, 0, 8, 8, 8, 0};

/* Modules are numbered as in torchvision's vgg16 and vgg16_bn: ReLU, pooling and batch norm count. */
static size_t features(sl_builder *b, size_t channels, bool batch_norm)
{
    size_t at = 0, module = 0;
    for (size_t i = 0; i < sizeof sixteen; i++) {
        if (sixteen[i] == 0) {
            at = sl_build_max_pool(b, at, 2, 2, 0);
            module++;
            continue;
        }
        at = sl_build_conv(b, at, sl_named("features.%zu", module++).text, sixteen[i] * channels, 3, 1, 1, true);
        if (batch_norm) at = sl_build_batch_norm(b, at, sl_named("features.%zu", module++).text);
        at = sl_build_relu(b, at);
        module++;
    }
    return at;
}

static size_t hidden(sl_builder *b, size_t at, const char *name, size_t units)
{
    return sl_build_relu(b, sl_build_linear(b, at, name, units, true));
}

static void finish(sl_builder *b, size_t at, size_t channels, int head, double dropout)
{
    const size_t classes = sl_build_classes(b);
    if (head == IMAGENET) {
        at = sl_build_flatten(b, sl_build_adaptive_avg(b, at, 7));
        at = sl_build_dropout_if(b, hidden(b, at, "classifier.0", 64 * channels), dropout);
        at = sl_build_dropout_if(b, hidden(b, at, "classifier.3", 64 * channels), dropout);
        sl_build_linear(b, at, "classifier.6", classes, true);
        return;
    }
    at = sl_build_global_avg(b, at); /* of 1x1 where pictures are 32x32 */
    if (head == MLP) {
        at = hidden(b, sl_build_dropout_if(b, at, dropout), "classifier.1", 8 * channels);
        at = hidden(b, sl_build_dropout_if(b, at, dropout), "classifier.4", 8 * channels);
    }
    sl_build_linear(b, at, head == MLP ? "classifier.6" : "classifier.0", classes, true);
}

static void build_with(sl_builder *b, const sl_spec *spec, bool batch_norm)
{
    const size_t channels = (size_t)sl_spec_get(spec, "channels");
    const size_t at = features(b, channels, batch_norm);
    finish(b, at, channels, (int)sl_spec_get(spec, "head"), sl_spec_get(spec, "dropout"));
}

static void build_plain(sl_builder *b, const sl_spec *spec)
{
    build_with(b, spec, false);
}

static void build_bn(sl_builder *b, const sl_spec *spec)
{
    build_with(b, spec, true);
}

const sl_architecture sl_model_vgg16 = {.entry = {.name = "vgg16",
                                                  .help = "13 convolutions of 3x3; head=imagenet takes torchvision's weights",
                                                  .source = "Simonyan, Zisserman 2015, D; Musso 2020, Model 3",
                                                  .params = params,
                                                  .n_params = sizeof params / sizeof *params},
                                        .build = build_plain};

const sl_architecture sl_model_vgg16_bn = {.entry = {.name = "vgg16-bn",
                                                     .help = "vgg16 with a batch norm after each convolution",
                                                     .source = "torchvision's vgg16_bn",
                                                     .params = params,
                                                     .n_params = sizeof params / sizeof *params},
                                           .build = build_bn};
