/* Building a model layer by layer. The architectures are in nets/models/. */
#include "nets/graph.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nets/layer.h"

static const size_t MOST_NUMBERS = (size_t)1 << 33; /* of one sample's activations, of a state: no network comes near */
static const size_t LONGEST_ROW = INT_MAX;          /* of a matrix product's factors: what libraries can count        */

struct sl_builder {
    sl_model *model;
    sl_start start;
    char label[64];
    size_t layer_room, view_room;
    /* Running statistics get their offsets after the last parameter is known. */
    sl_view *running;
    size_t n_running, running_room, running_size;
    sl_err first; /* the first mistake; code SL_OK: none */
};

size_t sl_build_fail(sl_builder *b, sl_status code, const char *format, ...)
{
    if (b->first.code != SL_OK) return 0;
    char text[sizeof b->first.message];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    sl_fail(&b->first, code, "%s", text);
    return 0;
}

static bool grow(sl_builder *b, void **array, size_t *room, size_t used, size_t element)
{
    if (used < *room) return true;
    const size_t more = *room ? 2 * *room : 16;
    void *const larger = realloc(*array, more * element);
    if (!larger) {
        sl_build_fail(b, SL_E_MEMORY, "no memory for a model");
        return false;
    }
    *array = larger;
    *room = more;
    return true;
}

sl_status sl_builder_alloc(sl_builder **b, sl_shape pictures, size_t classes, sl_start start, sl_err *err)
{
    sl_builder *const r = calloc(1, sizeof *r);
    void *layers = NULL;
    if (r) r->model = calloc(1, sizeof *r->model);
    if (!r || !r->model || !grow(r, &layers, &r->layer_room, 0, sizeof(sl_layer))) {
        if (r) sl_model_free(r->model);
        free(r);
        return sl_fail(err, SL_E_MEMORY, "no memory for a model");
    }
    r->start = start;
    *r->model = (sl_model){.input = pictures, .classes = classes, .n_layers = 1, .layers = layers};
    r->model->layers[0] = (sl_layer){.kind = &sl_layer_pictures, .out = pictures};
    *b = r;
    return SL_OK;
}

sl_shape sl_build_shape(const sl_builder *b, size_t layer)
{
    return b->model->layers[layer].out;
}

size_t sl_build_classes(const sl_builder *b)
{
    return b->model->classes;
}

bool sl_build_failed(const sl_builder *b)
{
    return b->first.code != SL_OK;
}

void sl_build_start(sl_builder *b, sl_start start)
{
    b->start = start;
}

void sl_build_label(sl_builder *b, const char *label)
{
    snprintf(b->label, sizeof b->label, "%s", label);
}

/* A layer that cannot be: which one, what came in, why not. */
static size_t SL_PRINTF(3, 4) refuse(sl_builder *b, const sl_layer *l, const char *format, ...)
{
    char why[256], which[64];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    snprintf(which, sizeof which, "%zu (%s)", b->model->n_layers - 1, l->kind->name);
    return sl_build_fail(b, SL_E_DOMAIN, "layer %s on %zux%zux%zu: %s", *b->label ? b->label : which, l->in[0].channels,
                         l->in[0].height, l->in[0].width, why);
}

/* Appends a layer whose settings and output are filled in. */
static size_t add_layer(sl_builder *b, const sl_layer *l)
{
    sl_model *const m = b->model;
    if (b->first.code != SL_OK) return 0;
    const sl_shape s = l->out;
    if (s.height > MOST_NUMBERS || s.width > MOST_NUMBERS || s.channels > MOST_NUMBERS ||
        (double)s.height * (double)s.width * (double)s.channels > (double)MOST_NUMBERS)
        return refuse(b, l, "puts out %zux%zux%zu, too many numbers", s.channels, s.height, s.width);
    void *layers = m->layers;
    if (!grow(b, &layers, &b->layer_room, m->n_layers, sizeof *m->layers)) return 0;
    m->layers = layers;
    m->layers[m->n_layers] = *l;
    return m->n_layers++;
}

static sl_layer one_input(const sl_builder *b, const sl_layer_kind *kind, size_t from)
{
    const sl_shape in = sl_build_shape(b, from);
    return (sl_layer){.kind = kind, .n_inputs = 1, .input = {from}, .in = {in}, .out = in, .weight = SL_NONE,
                      .bias = SL_NONE, .running_mean = SL_NONE, .running_var = SL_NONE};
}

/* Adds a view; returns its offset, for running statistics that among them. */
static size_t add_view(sl_builder *b, bool running, const char *name, const char *what, size_t rank,
                       const size_t *shape, sl_init init)
{
    sl_model *const m = b->model;
    if (b->first.code != SL_OK) return 0;
    sl_view v = {.size = 1, .rank = rank};
    if ((size_t)snprintf(v.name, sizeof v.name, "%s.%s", name, what) >= sizeof v.name)
        return sl_build_fail(b, SL_E_DOMAIN, "parameter name '%s.%s' is too long", name, what);
    double size = 1;
    for (size_t i = 0; i < rank; i++) {
        v.shape[i] = shape[i];
        v.size *= shape[i];
        size *= (double)shape[i];
    }
    if (size + (double)m->parameters > (double)MOST_NUMBERS)
        return sl_build_fail(b, SL_E_DOMAIN, "%s has %.3g numbers, more than %zu in all", v.name, size, MOST_NUMBERS);
    if (running) {
        void *views = b->running;
        if (!grow(b, &views, &b->running_room, b->n_running, sizeof v)) return 0;
        b->running = views;
        v.offset = b->running_size;
        b->running_size += v.size;
        b->running[b->n_running++] = v;
        return v.offset;
    }
    size_t room = b->view_room;
    void *views = m->views, *inits = m->inits;
    if (!grow(b, &views, &room, m->n_views, sizeof v)) return 0;
    m->views = views;
    if (!grow(b, &inits, &b->view_room, m->n_views, sizeof init)) return 0;
    m->inits = inits;
    v.offset = m->parameters;
    m->parameters += v.size;
    m->inits[m->n_views] = init;
    m->views[m->n_views++] = v;
    return v.offset;
}

/* Weight and bias of a linear layer or a convolution, whose random numbers are those of one draw. */
static void add_weights(sl_builder *b, sl_layer *l, const char *name, size_t rank, const size_t *shape, bool bias,
                        sl_init weight_init, sl_init bias_init)
{
    size_t n = 1;
    for (size_t i = 0; i < rank; i++) n *= shape[i];
    weight_init.step = bias_init.step = b->model->n_layers - 1;
    bias_init.lane = n;
    l->weight = add_view(b, false, name, "weight", rank, shape, weight_init);
    if (bias) l->bias = add_view(b, false, name, "bias", 1, shape, bias_init);
}

/* floor((size + 2 padding - kernel) / stride) + 1; 0 if the kernel does not fit. */
static size_t slid(size_t size, size_t kernel, size_t stride, size_t padding)
{
    const size_t padded = size + 2 * padding;
    return padded < kernel ? 0 : (padded - kernel) / stride + 1;
}

static size_t slide(sl_builder *b, sl_layer *l, size_t kernel, size_t stride, size_t padding)
{
    l->kernel = kernel;
    l->stride = stride;
    l->padding = padding;
    if (kernel == 0 || stride == 0 || kernel > 4096 || stride > 4096 || padding > 4096)
        return refuse(b, l, "kernel %zu, stride %zu, padding %zu; need 1 to 4096 (padding 0 to 4096)", kernel, stride,
                      padding);
    l->out.height = slid(l->in[0].height, kernel, stride, padding);
    l->out.width = slid(l->in[0].width, kernel, stride, padding);
    if (l->out.height == 0 || l->out.width == 0)
        return refuse(b, l, "a kernel of %zu does not fit with padding %zu", kernel, padding);
    return 1;
}

size_t sl_build_conv(sl_builder *b, size_t from, const char *name, size_t channels, size_t kernel, size_t stride,
                     size_t padding, bool bias)
{
    sl_layer l = one_input(b, &sl_layer_conv, from);
    l.out.channels = channels;
    if (!slide(b, &l, kernel, stride, padding)) return 0;
    if (channels == 0 || channels > 65536)
        return refuse(b, &l, "%zu channels, need 1 to 65536", channels);
    if (kernel * kernel > LONGEST_ROW / l.in[0].channels)
        return refuse(b, &l, "a kernel of %zux%zu, too many numbers of the input at a time", kernel, kernel);
    const size_t shape[] = {channels, l.in[0].channels, kernel, kernel};
    const double area = (double)(kernel * kernel);
    const sl_init uniform = {SL_INIT_UNIFORM, 1 / sqrt(area * (double)l.in[0].channels), 0, 0},
                  normal = {SL_INIT_NORMAL, sqrt(2 / (area * (double)channels)), 0, 0},
                  zero = {SL_INIT_CONSTANT, 0, 0, 0};
    add_weights(b, &l, name, 4, shape, bias, b->start == SL_START_DEFAULT ? uniform : normal,
                b->start == SL_START_DEFAULT ? uniform : zero);
    return add_layer(b, &l);
}

/* Both orders of its numbers, ours and PyTorch's, are the same. */
static bool is_flat(sl_shape s)
{
    return s.height * s.width == 1 || s.channels == 1;
}

size_t sl_build_linear(sl_builder *b, size_t from, const char *name, size_t out, bool bias)
{
    sl_layer l = one_input(b, &sl_layer_linear, from);
    l.out = (sl_shape){1, 1, out};
    const size_t in = sl_shape_size(l.in[0]);
    if (!is_flat(l.in[0]))
        return refuse(b, &l, "needs a flat input: flatten it first");
    if (in > LONGEST_ROW) return refuse(b, &l, "%zu inputs, need at most %zu", in, LONGEST_ROW);
    if (out == 0 || out > 1 << 24) return refuse(b, &l, "%zu outputs, need 1 to 2^24", out);
    const size_t shape[] = {out, in};
    const sl_init uniform = {SL_INIT_UNIFORM, 1 / sqrt((double)in), 0, 0},
                  normal = {SL_INIT_NORMAL, 0.01, 0, 0}, zero = {SL_INIT_CONSTANT, 0, 0, 0};
    add_weights(b, &l, name, 2, shape, bias, b->start == SL_START_VGG ? normal : uniform,
                b->start == SL_START_VGG ? zero : uniform);
    return add_layer(b, &l);
}

size_t sl_build_batch_norm(sl_builder *b, size_t from, const char *name)
{
    sl_layer l = one_input(b, &sl_layer_batch_norm, from);
    const size_t shape[] = {l.in[0].channels};
    const sl_init one = {SL_INIT_CONSTANT, 1, 0, 0}, zero = {SL_INIT_CONSTANT, 0, 0, 0};
    l.weight = add_view(b, false, name, "weight", 1, shape, one);
    l.bias = add_view(b, false, name, "bias", 1, shape, zero);
    l.running_mean = add_view(b, true, name, "running_mean", 1, shape, zero);
    l.running_var = add_view(b, true, name, "running_var", 1, shape, one);
    return add_layer(b, &l);
}

size_t sl_build_relu(sl_builder *b, size_t from)
{
    const sl_layer l = one_input(b, &sl_layer_relu, from);
    return add_layer(b, &l);
}

size_t sl_build_max_pool(sl_builder *b, size_t from, size_t kernel, size_t stride, size_t padding)
{
    sl_layer l = one_input(b, &sl_layer_max_pool, from);
    if (!slide(b, &l, kernel, stride, padding)) return 0;
    if (kernel > 256) /* places in the window are kept in 16 bits */
        return sl_build_fail(b, SL_E_DOMAIN, "layer %zu (maxpool): kernel %zu, need at most 256",
                             b->model->n_layers - 1, kernel);
    if (2 * padding > kernel)
        return refuse(b, &l, "padding %zu, need at most half the kernel of %zu", padding, kernel);
    return add_layer(b, &l);
}

size_t sl_build_avg_pool(sl_builder *b, size_t from, size_t kernel, size_t stride, size_t padding)
{
    sl_layer l = one_input(b, &sl_layer_avg_pool, from);
    if (!slide(b, &l, kernel, stride, padding)) return 0;
    if (2 * padding > kernel)
        return refuse(b, &l, "padding %zu, need at most half the kernel of %zu", padding, kernel);
    return add_layer(b, &l);
}

size_t sl_build_global_avg(sl_builder *b, size_t from)
{
    sl_layer l = one_input(b, &sl_layer_global_avg, from);
    l.out = (sl_shape){1, 1, l.in[0].channels};
    return add_layer(b, &l);
}

size_t sl_build_adaptive_avg(sl_builder *b, size_t from, size_t size)
{
    sl_layer l = one_input(b, &sl_layer_adaptive_avg, from);
    l.out.height = l.out.width = size;
    if (size == 0 || size > 4096) return refuse(b, &l, "size %zu, need 1 to 4096", size);
    return add_layer(b, &l);
}

size_t sl_build_flatten(sl_builder *b, size_t from)
{
    sl_layer l = one_input(b, &sl_layer_flatten, from);
    if (is_flat(l.in[0])) return from;
    l.out = (sl_shape){1, 1, sl_shape_size(l.in[0])};
    return add_layer(b, &l);
}

size_t sl_build_dropout(sl_builder *b, size_t from, double p)
{
    sl_layer l = one_input(b, &sl_layer_dropout, from);
    l.p = p;
    if (!(p >= 0 && p < 1)) return refuse(b, &l, "p = %g, need 0 <= p < 1", p);
    return add_layer(b, &l);
}

static sl_layer two_inputs(const sl_builder *b, const sl_layer_kind *kind, size_t a, size_t c)
{
    sl_layer l = one_input(b, kind, a);
    l.n_inputs = 2;
    l.input[1] = c;
    l.in[1] = sl_build_shape(b, c);
    return l;
}

static size_t misfit(sl_builder *b, const sl_layer *l)
{
    return refuse(b, l, "the other input is %zux%zux%zu", l->in[1].channels, l->in[1].height, l->in[1].width);
}

size_t sl_build_add(sl_builder *b, size_t a, size_t c)
{
    const sl_layer l = two_inputs(b, &sl_layer_add, a, c);
    if (l.in[0].height != l.in[1].height || l.in[0].width != l.in[1].width || l.in[0].channels != l.in[1].channels)
        return misfit(b, &l);
    return add_layer(b, &l);
}

size_t sl_build_concat(sl_builder *b, size_t a, size_t c)
{
    sl_layer l = two_inputs(b, &sl_layer_concat, a, c);
    if (l.in[0].height != l.in[1].height || l.in[0].width != l.in[1].width) return misfit(b, &l);
    l.out.channels = l.in[0].channels + l.in[1].channels;
    return add_layer(b, &l);
}

size_t sl_build_shortcut(sl_builder *b, size_t from, size_t channels, size_t stride)
{
    sl_layer l = one_input(b, &sl_layer_shortcut, from);
    if (!slide(b, &l, 1, stride, 0)) return 0;
    l.out.channels = channels;
    if (channels < l.in[0].channels || (channels - l.in[0].channels) % 2 != 0)
        return refuse(b, &l, "a shortcut to %zu channels, need an even number more", channels);
    return add_layer(b, &l);
}

/* Running statistics take their place behind the parameters. */
static void place_running(sl_builder *b)
{
    sl_model *const m = b->model;
    m->state = m->parameters;
    for (size_t i = 0; i < b->n_running; i++) {
        size_t room = b->view_room;
        void *views = m->views, *inits = m->inits;
        if (!grow(b, &views, &room, m->n_views, sizeof *m->views)) return;
        m->views = views;
        if (!grow(b, &inits, &b->view_room, m->n_views, sizeof *m->inits)) return;
        m->inits = inits;
        sl_view v = b->running[i];
        v.offset += m->parameters;
        m->inits[m->n_views] = (sl_init){SL_INIT_CONSTANT, strstr(v.name, ".running_var") ? 1 : 0, 0, 0};
        m->views[m->n_views++] = v;
    }
    m->state += b->running_size;
    for (size_t i = 0; i < m->n_layers; i++)
        if (m->layers[i].running_mean != SL_NONE && m->layers[i].kind == &sl_layer_batch_norm) {
            m->layers[i].running_mean += m->parameters;
            m->layers[i].running_var += m->parameters;
        }
}

/* A layer whose output nothing takes would have no gradient. */
static void check_all_used(sl_builder *b)
{
    const sl_model *const m = b->model;
    for (size_t i = 1; i + 1 < m->n_layers; i++) {
        bool used = false;
        for (size_t j = i + 1; j < m->n_layers && !used; j++)
            for (size_t k = 0; k < m->layers[j].n_inputs; k++) used |= m->layers[j].input[k] == i;
        if (!used)
            sl_build_fail(b, SL_E_DOMAIN, "layer %zu (%s): no other layer takes its output", i - 1,
                          m->layers[i].kind->name);
    }
}

sl_status sl_builder_finish(sl_builder *b, sl_model **m, sl_err *err)
{
    sl_model *const r = b->model;
    if (b->first.code == SL_OK) {
        const size_t last = r->n_layers - 1, out = sl_shape_size(r->layers[last].out);
        if (last == 0)
            sl_build_fail(b, SL_E_DOMAIN, "a model without layers");
        else if (out != r->classes)
            sl_build_fail(b, SL_E_DOMAIN, "the last layer (%s) puts out %zu numbers, expected %zu, one a class",
                          r->layers[last].kind->name, out, r->classes);
        if (r->parameters == 0)
            sl_build_fail(b, SL_E_DOMAIN, "a model without parameters: nothing in it can be trained");
        check_all_used(b);
        place_running(b);
    }
    const sl_status st = b->first.code;
    if (st == SL_OK)
        *m = r;
    else {
        if (err) *err = b->first;
        sl_model_free(r);
    }
    free(b->running);
    free(b);
    return st;
}
