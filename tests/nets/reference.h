/* tests/nets/reference.h - every kind of layer by its definition, one number after another, in double precision.
 *
 * Where a derivative jumps (ReLU at 0, the place of a maximum), which side was taken is noted in the first evaluation
 * and kept in those after it: so finite differences see a smooth function, whose derivatives are those that the layers
 * promise, however near a jump lies. */
#ifndef SL_TESTS_NETS_REFERENCE_H
#define SL_TESTS_NETS_REFERENCE_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/random.h"
#include "nets/layer.h"

/* Which side was taken: [numbers of the output]; freed by the owner. */
typedef struct {
    size_t *side;
} reference_sides;

static inline size_t reference_at(sl_shape s, size_t sample, size_t row, size_t column, size_t channel)
{
    return ((sample * s.height + row) * s.width + column) * s.channels + channel;
}

static inline void reference_conv(const sl_layer *l, size_t sample, const double *x, const double *state, double *y)
{
    const sl_shape in = l->in[0], out = l->out;
    const size_t k = l->kernel;
    for (size_t i = 0; i < out.height; i++)
        for (size_t j = 0; j < out.width; j++)
            for (size_t o = 0; o < out.channels; o++) {
                double sum = l->bias == SL_NONE ? 0 : state[l->bias + o];
                for (size_t c = 0; c < in.channels; c++)
                    for (size_t a = 0; a < k; a++)
                        for (size_t b = 0; b < k; b++) {
                            const size_t r = i * l->stride + a - l->padding, s = j * l->stride + b - l->padding;
                            if (r >= in.height || s >= in.width) continue; /* below 0 too: it wrapped around */
                            sum += state[l->weight + ((o * in.channels + c) * k + a) * k + b] *
                                   x[reference_at(in, sample, r, s, c)];
                        }
                y[reference_at(out, sample, i, j, o)] = sum;
            }
}

static inline void reference_linear(const sl_layer *l, size_t sample, const double *x, const double *state, double *y)
{
    const size_t in = sl_shape_size(l->in[0]), out = l->out.channels;
    for (size_t o = 0; o < out; o++) {
        double sum = l->bias == SL_NONE ? 0 : state[l->bias + o];
        for (size_t i = 0; i < in; i++) sum += state[l->weight + o * in + i] * x[sample * in + i];
        y[sample * out + o] = sum;
    }
}

/* mean, var: what normalised, [channels] each, if not NULL. */
static inline void reference_batch_norm(const sl_layer *l, size_t count, bool train, const double *x,
                                        const double *state, double *y, double *means, double *variances)
{
    const size_t channels = l->out.channels, pixels = count * l->out.height * l->out.width;
    for (size_t c = 0; c < channels; c++) {
        double mean = state[l->running_mean + c], var = state[l->running_var + c];
        if (train) {
            mean = var = 0;
            for (size_t i = 0; i < pixels; i++) mean += x[i * channels + c] / (double)pixels;
            for (size_t i = 0; i < pixels; i++) var += pow(x[i * channels + c] - mean, 2) / (double)pixels;
        }
        for (size_t i = 0; i < pixels; i++)
            y[i * channels + c] =
                state[l->bias + c] + state[l->weight + c] * (x[i * channels + c] - mean) / sqrt(var + 1e-5);
        if (means) means[c] = mean;
        if (variances) variances[c] = var;
    }
}

static inline void reference_max_pool(const sl_layer *l, size_t sample, const double *x, double *y, size_t *side,
                                      bool first)
{
    const sl_shape in = l->in[0], out = l->out;
    for (size_t i = 0; i < out.height; i++)
        for (size_t j = 0; j < out.width; j++)
            for (size_t c = 0; c < out.channels; c++) {
                const size_t at = reference_at(out, sample, i, j, c);
                double best = -INFINITY;
                for (size_t a = 0; first && a < l->kernel; a++)
                    for (size_t b = 0; b < l->kernel; b++) {
                        const size_t r = i * l->stride + a - l->padding, s = j * l->stride + b - l->padding;
                        if (r >= in.height || s >= in.width) continue;
                        const size_t from = reference_at(in, sample, r, s, c);
                        if (x[from] > best) best = x[from], side[at] = from;
                    }
                y[at] = x[side[at]];
            }
}

/* Averages over windows [from(i), to(i)) each way; by the sizes without padding, or with. */
static inline void reference_average(const sl_layer *l, size_t sample, const double *x, double *y)
{
    const sl_shape in = l->in[0], out = l->out;
    for (size_t i = 0; i < out.height; i++)
        for (size_t j = 0; j < out.width; j++)
            for (size_t c = 0; c < out.channels; c++) {
                double sum = 0;
                size_t n = 0;
                if (l->kind == &sl_layer_avg_pool) {
                    for (size_t a = 0; a < l->kernel; a++)
                        for (size_t b = 0; b < l->kernel; b++, n++) {
                            const size_t r = i * l->stride + a - l->padding, s = j * l->stride + b - l->padding;
                            if (r < in.height && s < in.width) sum += x[reference_at(in, sample, r, s, c)];
                        }
                } else {
                    const size_t top = (size_t)floor((double)(i * in.height) / (double)out.height),
                                 bottom = (size_t)ceil((double)((i + 1) * in.height) / (double)out.height),
                                 left = (size_t)floor((double)(j * in.width) / (double)out.width),
                                 right = (size_t)ceil((double)((j + 1) * in.width) / (double)out.width);
                    for (size_t r = top; r < bottom; r++)
                        for (size_t s = left; s < right; s++, n++) sum += x[reference_at(in, sample, r, s, c)];
                }
                y[reference_at(out, sample, i, j, c)] = sum / (double)n;
            }
}

/* Layers that move numbers about. */
static inline void reference_move(const sl_layer *l, size_t sample, const double *const x[2], double *y)
{
    const sl_shape in = l->in[0], out = l->out;
    if (l->kind == &sl_layer_flatten) {
        for (size_t c = 0; c < in.channels; c++)
            for (size_t i = 0; i < in.height; i++)
                for (size_t j = 0; j < in.width; j++)
                    y[sample * out.channels + (c * in.height + i) * in.width + j] =
                        x[0][reference_at(in, sample, i, j, c)];
        return;
    }
    const size_t before = (out.channels - in.channels) / 2;
    for (size_t i = 0; i < out.height; i++)
        for (size_t j = 0; j < out.width; j++)
            for (size_t c = 0; c < out.channels; c++) {
                double *const to = &y[reference_at(out, sample, i, j, c)];
                if (l->kind == &sl_layer_concat)
                    *to = c < in.channels ? x[0][reference_at(in, sample, i, j, c)]
                                          : x[1][reference_at(l->in[1], sample, i, j, c - in.channels)];
                else
                    *to = c < before || c >= before + in.channels
                              ? 0
                              : x[0][reference_at(in, sample, i * l->stride, j * l->stride, c - before)];
            }
}

static inline void reference_pointwise(const sl_layer *l, size_t index, size_t n, const sl_mode *mode,
                                       const double *const x[2], double *y, size_t *side, bool first)
{
    const sl_draw draw = {mode->seed, mode->step, (uint32_t)index, SL_PURPOSE_DROPOUT};
    for (size_t i = 0; i < n; i++) {
        if (l->kind == &sl_layer_relu) {
            if (first) side[i] = x[0][i] > 0;
            y[i] = side[i] ? x[0][i] : 0;
        } else if (l->kind == &sl_layer_dropout)
            y[i] = !mode->train ? x[0][i] : sl_random_uniform(i, &draw) < l->p ? 0 : x[0][i] / (1 - l->p);
        else
            y[i] = x[0][i] + x[1][i];
    }
}

/* y = layer(x). sides: of this layer, filled if empty. */
static inline void reference_layer(const sl_layer *l, size_t index, size_t count, const sl_mode *mode,
                                   const double *const x[2], const double *state, double *y, reference_sides *sides)
{
    const size_t n = count * sl_shape_size(l->out);
    const bool first = !sides->side;
    if (first) sides->side = calloc(n, sizeof *sides->side);
    for (size_t s = 0; s < count; s++) {
        if (l->kind == &sl_layer_conv) reference_conv(l, s, x[0], state, y);
        if (l->kind == &sl_layer_linear) reference_linear(l, s, x[0], state, y);
        if (l->kind == &sl_layer_max_pool) reference_max_pool(l, s, x[0], y, sides->side, first);
        if (l->kind == &sl_layer_avg_pool || l->kind == &sl_layer_global_avg || l->kind == &sl_layer_adaptive_avg)
            reference_average(l, s, x[0], y);
        if (l->kind == &sl_layer_flatten || l->kind == &sl_layer_concat || l->kind == &sl_layer_shortcut)
            reference_move(l, s, x, y);
    }
    if (l->kind == &sl_layer_batch_norm) reference_batch_norm(l, count, mode->train, x[0], state, y, NULL, NULL);
    if (l->kind == &sl_layer_relu || l->kind == &sl_layer_dropout || l->kind == &sl_layer_add)
        reference_pointwise(l, index, n, mode, x, y, sides->side, first);
}

/* ---- whole networks ---- */

typedef struct {
    const sl_model *m;
    size_t count;
    sl_mode mode;
    const uint8_t *labels;
    double **out;           /* [n_layers]; the pictures first */
    reference_sides *sides; /* [n_layers]                     */
} reference;

static inline void reference_init(reference *r, const sl_model *m, size_t count, sl_mode mode, const float *pictures,
                                  const uint8_t *labels)
{
    *r = (reference){.m = m,
                     .count = count,
                     .mode = mode,
                     .labels = labels,
                     .out = calloc(m->n_layers, sizeof *r->out),
                     .sides = calloc(m->n_layers, sizeof *r->sides)};
    for (size_t i = 0; i < m->n_layers; i++)
        r->out[i] = calloc(count * sl_shape_size(m->layers[i].out), sizeof *r->out[i]);
    for (size_t i = 0; i < count * sl_shape_size(m->input); i++) r->out[0][i] = (double)pictures[i];
}

static inline void reference_clear(reference *r)
{
    for (size_t i = 0; i < r->m->n_layers; i++) {
        free(r->out[i]);
        free(r->sides[i].side);
    }
    free(r->out);
    free(r->sides);
}

/* Mean cross-entropy at that state; the logits are in out[n_layers - 1]. */
static inline double reference_loss(reference *r, const double *state)
{
    const size_t last = r->m->n_layers - 1, classes = r->m->classes;
    for (size_t i = 1; i <= last; i++) {
        const sl_layer *const l = &r->m->layers[i];
        const double *const x[2] = {r->out[l->input[0]], l->n_inputs > 1 ? r->out[l->input[1]] : NULL};
        reference_layer(l, i, r->count, &r->mode, x, state, r->out[i], &r->sides[i]);
    }
    double loss = 0;
    for (size_t s = 0; s < r->count; s++) {
        const double *const z = r->out[last] + s * classes;
        double sum = 0, mean = 0;
        for (size_t c = 0; c < classes; c++) sum += exp(z[c]), mean += z[c] / (double)classes;
        const double e = r->mode.label_smoothing;
        loss += log(sum) - (1 - e) * z[r->labels[s]] - e * mean;
    }
    return loss / (double)r->count;
}

#endif
