/* nets/graph.h - a model as a list of layers in the order of their work, and how one is built. Private to nets/.
 *
 * Layer 0 is the pictures. Every layer takes the outputs of one or two earlier layers. A shape is that of one sample;
 * a flat one has height = width = 1. */
#ifndef SL_NETS_GRAPH_H
#define SL_NETS_GRAPH_H

#include "nets/model.h"

typedef struct {
    size_t height, width, channels;
} sl_shape;

enum { SL_LAYER_INPUTS = 2 };
static const size_t SL_NONE = (size_t)-1; /* no such parameter, no such layer */

typedef struct sl_layer_kind sl_layer_kind;

/* One layer. Which settings mean something is the kind's affair; the others are 0. */
typedef struct {
    const sl_layer_kind *kind;
    size_t n_inputs, input[SL_LAYER_INPUTS];
    sl_shape in[SL_LAYER_INPUTS], out;
    size_t kernel, stride, padding;  /* convolutions, pooling; stride of a subsampling shortcut */
    double p;                        /* dropout: the probability of 0                           */
    size_t weight, bias;             /* offsets into the state; SL_NONE: has none               */
    size_t running_mean, running_var;
} sl_layer;

/* How a view's numbers start. */
typedef struct {
    enum { SL_INIT_CONSTANT, SL_INIT_UNIFORM, SL_INIT_NORMAL } law;
    double scale;      /* the constant; half-width; standard deviation */
    size_t step, lane; /* of its random numbers                        */
} sl_init;

struct sl_model {
    sl_shape input;
    size_t classes;
    size_t n_layers, n_views, parameters, state;
    sl_layer *layers;  /* [n_layers], the pictures first     */
    sl_view *views;    /* [n_views], in order of the offsets */
    sl_init *inits;    /* [n_views]                          */
};

static inline size_t sl_shape_size(sl_shape s)
{
    return s.height * s.width * s.channels;
}

/* ---- building ----
 *
 * Every function adds one layer that takes layer `from` (0: the pictures) and returns its number. The first mistake
 * (shapes that do not fit, no memory) is kept in the builder; from then on all of them return 0, so that an
 * architecture is written without checks. name: prefix of its parameters' names ("layer1.0.conv1"). */
typedef enum {
    SL_START_DEFAULT, /* PyTorch's modules: U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weights and biases              */
    SL_START_FAN_OUT, /* convolutions: N(0, 2 / fan_out), bias 0 (He et al. 2015, as torchvision); linear: default */
    SL_START_VGG      /* convolutions as FAN_OUT; linear: N(0, 0.01^2), bias 0 (torchvision's VGG)                 */
} sl_start;

typedef struct sl_builder sl_builder;

SL_CHECKED sl_status sl_builder_alloc(sl_builder **b, sl_shape pictures, size_t classes, sl_start start, sl_err *err);
/* The last layer's output, flat, must be one number a class. Frees the builder in any case. Errors: the first one
 * kept; SL_E_DOMAIN if the last layer does not fit. */
SL_CHECKED sl_status sl_builder_finish(sl_builder *b, sl_model **m, sl_err *err);

sl_shape sl_build_shape(const sl_builder *b, size_t layer); /* of its output */
size_t sl_build_classes(const sl_builder *b);
/* Keeps a mistake of the caller's own; returns 0. */
size_t sl_build_fail(sl_builder *b, sl_status code, const char *format, ...) SL_PRINTF(3, 4);
bool sl_build_failed(const sl_builder *b);
/* How the weights of layers still to come start. */
void sl_build_start(sl_builder *b, sl_start start);
/* What messages call the layers still to come, "5.1 (conv 64 3)" (cut to 63 characters); "" (at first): their number
 * and kind. */
void sl_build_label(sl_builder *b, const char *label);

/* Square kernels; output size floor((input + 2 padding - kernel) / stride) + 1. */
size_t sl_build_conv(sl_builder *b, size_t from, const char *name, size_t channels, size_t kernel, size_t stride,
                     size_t padding, bool bias);
size_t sl_build_linear(sl_builder *b, size_t from, const char *name, size_t out, bool bias); /* of a flat layer */
size_t sl_build_batch_norm(sl_builder *b, size_t from, const char *name); /* eps 1e-5, momentum 0.1, affine */
size_t sl_build_relu(sl_builder *b, size_t from);
size_t sl_build_max_pool(sl_builder *b, size_t from, size_t kernel, size_t stride, size_t padding);
size_t sl_build_avg_pool(sl_builder *b, size_t from, size_t kernel, size_t stride, size_t padding); /* counts padding */
size_t sl_build_global_avg(sl_builder *b, size_t from);                    /* to 1 x 1, flat                */
size_t sl_build_adaptive_avg(sl_builder *b, size_t from, size_t size);     /* to size x size, as PyTorch's  */
size_t sl_build_flatten(sl_builder *b, size_t from); /* to PyTorch's order: channels slowest                */
size_t sl_build_dropout(sl_builder *b, size_t from, double p);
size_t sl_build_add(sl_builder *b, size_t a, size_t c);    /* of equal shapes                               */
size_t sl_build_concat(sl_builder *b, size_t a, size_t c); /* channels of a, then of c                      */
/* Every stride-th pixel; channels widened with zeros, half before and half after: ResNet's option A. */
size_t sl_build_shortcut(sl_builder *b, size_t from, size_t channels, size_t stride);

#endif
