/* nets/models/models.h - the architectures, one file a family, and what they share. For nets/model.c. */
#ifndef SL_NETS_MODELS_MODELS_H
#define SL_NETS_MODELS_MODELS_H

#include "nets/graph.h"

typedef struct {
    sl_entry entry;
    void (*build)(sl_builder *b, const sl_spec *spec); /* mistakes are kept in the builder */
} sl_architecture;

extern const sl_architecture sl_model_mlp, sl_model_cnn, sl_model_vgg16, sl_model_vgg16_bn, sl_model_resnet50,
    sl_model_resnet, sl_model_wrn, sl_model_densenet;

/* The parameter that says how weights start: one of sl_start, in its order. */
extern const char *const sl_start_words[];
#define SL_MODEL_INIT(start)                                                                                        \
    {.name = "init", .help = "initial weights: of PyTorch's modules, He's for convolutions, torchvision's for VGG", \
     .words = sl_start_words, .def = (start)}
#define SL_MODEL_CHANNELS(number, largest)                                                                    \
    {.name = "channels", .help = "of the first stage; the others follow", .def = (number), .min = 1, .max = (largest), \
     .integer = true}
#define SL_MODEL_DROPOUT(p, where) \
    {.name = "dropout", .help = "probability " where, .def = (p), .min = 0, .max = 1, .open_max = true}

/* A name of parameters, "layer1.0.conv1", for one call: sl_named("layer%zu.%zu.conv1", s, k).text */
typedef struct {
    char text[64];
} sl_name;
sl_name sl_named(const char *format, ...) SL_PRINTF(1, 2);

/* What networks are put together from; all return the number of the last layer. */
size_t sl_build_conv_bn(sl_builder *b, size_t from, sl_name conv, sl_name bn, size_t channels, size_t kernel,
                        size_t stride);                             /* without bias, padding kernel / 2 */
size_t sl_build_bn_relu(sl_builder *b, size_t from, sl_name bn);
size_t sl_build_dropout_if(sl_builder *b, size_t from, double p);   /* nothing where p = 0 */
size_t sl_build_averaged_fc(sl_builder *b, size_t from);            /* global average, then "fc" to the classes */

/* The whole network from its description: nets/models/described.c. */
void sl_build_described(sl_builder *b, const char *text);

#endif
