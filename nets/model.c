#include "nets/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "nets/layers/cross_entropy.h"
#include "nets/layers/linear.h"
#include "nets/layers/relu.h"

typedef enum { LINEAR, RELU } layer_kind;

typedef struct {
    layer_kind kind;
    size_t in, out;
    size_t weight, bias; /* offsets into the flat vector (linear) */
} layer;

struct sl_model {
    size_t features, classes;
    size_t n_layers, n_views, parameters;
    layer *layers;  /* [n_layers]                              */
    sl_view *views; /* [n_views], in the order of the offsets  */
};

static const sl_param mlp_params[] = {{.name = "hidden",
                                       .help = "units of each hidden layer; 0: none",
                                       .def = 100,
                                       .min = 0,
                                       .max = 65536,
                                       .integer = true,
                                       .list = true}};
static const sl_entry mlp = {.name = "mlp",
                             .help = "fully connected, ReLU between layers; hidden=100 is Model 1",
                             .source = "Musso 2020, Model 1",
                             .params = mlp_params,
                             .n_params = 1};

const sl_entry *const sl_models[] = {&mlp};
const size_t sl_n_models = sizeof sl_models / sizeof *sl_models;

static void add_view(sl_model *m, size_t layer_index, const char *what, size_t rank, size_t rows, size_t columns)
{
    sl_view *const v = &m->views[m->n_views++];
    *v = (sl_view){.offset = m->parameters, .size = rows * columns, .rank = rank, .shape = {rows, columns}};
    snprintf(v->name, sizeof v->name, "%zu.%s", layer_index, what);
    m->parameters += v->size;
}

static void add_linear(sl_model *m, size_t in, size_t out)
{
    layer *const l = &m->layers[m->n_layers];
    *l = (layer){.kind = LINEAR, .in = in, .out = out, .weight = m->parameters, .bias = m->parameters + in * out};
    add_view(m, m->n_layers, "weight", 2, out, in);
    add_view(m, m->n_layers, "bias", 1, out, 1);
    m->n_layers++;
}

static void add_relu(sl_model *m, size_t width)
{
    m->layers[m->n_layers++] = (layer){.kind = RELU, .in = width, .out = width};
}

sl_status sl_model_alloc(sl_model **m, const char *text, size_t channels, size_t height, size_t width, size_t classes,
                         sl_err *err)
{
    sl_spec spec;
    SL_TRY(sl_spec_parse(&spec, text, "model", sl_models, sl_n_models, err));
    if (classes < 2 || classes > 256)
        return sl_fail(err, SL_E_DOMAIN, "model '%s': %zu classes, need 2 to 256", text, classes);
    if (channels * height * width == 0)
        return sl_fail(err, SL_E_DOMAIN, "model '%s': input of %zux%zux%zu is empty", text, channels, height, width);

    const size_t hidden = spec.value[0].n;
    sl_model *const r = calloc(1, sizeof *r);
    if (r) {
        r->layers = calloc(2 * hidden + 1, sizeof *r->layers);
        r->views = calloc(2 * (hidden + 1), sizeof *r->views);
    }
    if (!r || !r->layers || !r->views) {
        sl_model_free(r);
        return sl_fail(err, SL_E_MEMORY, "model '%s': no memory", text);
    }
    r->features = channels * height * width;
    r->classes = classes;
    size_t in = r->features;
    for (size_t i = 0; i < hidden; i++) {
        const size_t out = (size_t)spec.value[0].v[i];
        if (out == 0) continue;
        add_linear(r, in, out);
        add_relu(r, out);
        in = out;
    }
    add_linear(r, in, classes);
    *m = r;
    return SL_OK;
}

void sl_model_free(sl_model *m)
{
    if (!m) return;
    free(m->layers);
    free(m->views);
    free(m);
}

size_t sl_model_inputs(const sl_model *m)
{
    return m->features;
}

size_t sl_model_classes(const sl_model *m)
{
    return m->classes;
}

size_t sl_model_parameters(const sl_model *m)
{
    return m->parameters;
}

size_t sl_model_n_views(const sl_model *m)
{
    return m->n_views;
}

const sl_view *sl_model_view(const sl_model *m, size_t i)
{
    return &m->views[i];
}

/* A multiplication and an addition each: forward, gradient of the weights, and (but in the first layer) of the input.
 */
double sl_model_flops(const sl_model *m)
{
    double flops = 0;
    for (size_t i = 0; i < m->n_layers; i++)
        if (m->layers[i].kind == LINEAR)
            flops += (i == 0 ? 4.0 : 6.0) * (double)m->layers[i].in * (double)m->layers[i].out;
    return flops;
}

void sl_model_init(const sl_model *m, float *params, uint64_t seed, uint32_t replica)
{
    enum { CHUNK = 1024 };
    double u[CHUNK];
    for (size_t i = 0; i < m->n_layers; i++) {
        const layer *const l = &m->layers[i];
        if (l->kind != LINEAR) continue;
        /* The bias follows its weight in the flat vector, and has the same law. */
        const sl_draw draw = {.seed = seed, .step = i, .sub = replica, .purpose = SL_PURPOSE_INIT};
        const double bound = 1 / sqrt((double)l->in);
        const size_t n = (l->in + 1) * l->out;
        for (size_t start = 0; start < n; start += CHUNK) {
            const size_t count = n - start < CHUNK ? n - start : CHUNK;
            sl_random_uniforms(u, count, start, &draw);
            for (size_t k = 0; k < count; k++) params[l->weight + start + k] = (float)(bound * (2 * u[k] - 1));
        }
    }
}

/* Activations. ReLU works in place, so it shares the array of the layer before it. */
struct sl_workspace {
    size_t max_batch;
    float *block;       /* all floats below                                                */
    float *input;       /* [max_batch][features]                                           */
    float **output;     /* [n_layers] -> [max_batch][out]                                  */
    float *gradient[2]; /* [max_batch][widest]: of a layer's output and of its input       */
    uint8_t *labels;    /* [max_batch]                                                     */
};

enum { ALIGNMENT = 64 / sizeof(float) }; /* arrays start on cache lines */

static size_t aligned(size_t floats)
{
    return (floats + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

sl_status sl_workspace_alloc(sl_workspace **w, const sl_model *m, size_t max_batch, sl_err *err)
{
    size_t widest = 0, total = aligned(max_batch * m->features);
    for (size_t i = 0; i < m->n_layers; i++) {
        if (m->layers[i].out > widest) widest = m->layers[i].out;
        if (m->layers[i].kind != RELU) total += aligned(max_batch * m->layers[i].out);
    }
    total += 2 * aligned(max_batch * widest);
    sl_workspace *const r = calloc(1, sizeof *r);
    if (r) {
        r->block = aligned_alloc(64, total * sizeof *r->block);
        r->output = calloc(m->n_layers, sizeof *r->output);
        r->labels = calloc(max_batch, 1);
    }
    if (!r || !r->block || !r->output || !r->labels) {
        sl_workspace_free(r);
        return sl_fail(err, SL_E_MEMORY, "no memory for the activations of %zu samples", max_batch);
    }
    r->max_batch = max_batch;
    float *at = r->block;
    r->input = at;
    at += aligned(max_batch * m->features);
    for (size_t i = 0; i < m->n_layers; i++) {
        if (m->layers[i].kind == RELU) {
            r->output[i] = r->output[i - 1];
            continue;
        }
        r->output[i] = at;
        at += aligned(max_batch * m->layers[i].out);
    }
    r->gradient[0] = at;
    r->gradient[1] = at + aligned(max_batch * widest);
    *w = r;
    return SL_OK;
}

void sl_workspace_free(sl_workspace *w)
{
    if (!w) return;
    free(w->block);
    free(w->output);
    free(w->labels);
    free(w);
}

float *sl_workspace_input(sl_workspace *w)
{
    return w->input;
}

uint8_t *sl_workspace_labels(sl_workspace *w)
{
    return w->labels;
}

static void forward(const sl_model *m, sl_workspace *w, const float *params, size_t count)
{
    for (size_t i = 0; i < m->n_layers; i++) {
        const layer *const l = &m->layers[i];
        const float *const x = i ? w->output[i - 1] : w->input;
        switch (l->kind) {
        case LINEAR:
            sl_linear_forward(w->output[i], x, params + l->weight, params + l->bias, count, l->in, l->out);
            break;
        case RELU: sl_relu_forward(w->output[i], count * l->out); break;
        }
    }
}

/* dy: gradient of the last layer's output; it and dx change places from layer to layer. */
static void backward(const sl_model *m, sl_workspace *w, const float *params, float *gradient, float *dy, float *dx,
                     size_t count)
{
    for (size_t i = m->n_layers; i-- > 0;) {
        const layer *const l = &m->layers[i];
        const float *const x = i ? w->output[i - 1] : w->input;
        switch (l->kind) {
        case LINEAR:
            sl_linear_backward(i ? dx : NULL, gradient + l->weight, gradient + l->bias, dy, x, params + l->weight,
                               count, l->in, l->out);
            float *const swap = dx;
            dx = dy;
            dy = swap;
            break;
        case RELU: sl_relu_backward(dy, w->output[i], count * l->out); break;
        }
    }
}

void sl_model_run(const sl_model *m, sl_workspace *w, const float *params, size_t count, double *loss, size_t *right,
                  float *gradient)
{
    forward(m, w, params, count);
    float *const dy = w->gradient[0];
    *loss =
        sl_cross_entropy_forward(dy, right, w->output[m->n_layers - 1], w->labels, count, m->classes) / (double)count;
    if (!gradient) return;
    sl_cross_entropy_backward(dy, dy, w->labels, count, m->classes);
    backward(m, w, params, gradient, dy, w->gradient[1], count);
}
