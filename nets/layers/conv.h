/* nets/layers/conv.h - the three products that a convolution layer and its tangents are made of; private to conv*.c.
 *
 * y[n][r][q][o] = b[o] + sum over ky, kx, i of W[o][i][ky][kx] x[n][s r + ky - p][s q + kx - p][i], s the stride, p the
 * padding, x = 0 outside the picture; W as in PyTorch. All three are bilinear in their two arguments, so that a tangent
 * is two of them. */
#ifndef SL_NETS_LAYERS_CONV_H
#define SL_NETS_LAYERS_CONV_H

#include "nets/gemm.h"
#include "nets/layer.h"

/* A batch on its way through one convolution. */
typedef struct {
    const sl_layer *layer;
    size_t count;   /* samples                                          */
    sl_team *team;  /* may be NULL                                      */
    float *scratch; /* of the method's size; contents are lost between calls */
} sl_conv;

/* A way to do them. Where accumulate is not set, the output is overwritten, else added to. Arrays do not overlap. */
typedef struct {
    const char *name;
    size_t (*scratch)(const sl_layer *l, size_t count, int workers, sl_purpose_of_workspace what); /* floats */
    /* Out: y. bias may be NULL: 0. */
    void (*forward)(const sl_conv *c, float *y, const float *x, const float *weight, const float *bias,
                    bool accumulate);
    /* Out: dx, the transposed map of dy. */
    void (*backward_input)(const sl_conv *c, float *dx, const float *dy, const float *weight, bool accumulate);
    /* Out: d_weight, the sum over all samples and pixels. */
    void (*backward_weights)(const sl_conv *c, float *d_weight, const float *dy, const float *x, bool accumulate);
} sl_conv_method;

extern const sl_conv_method sl_conv_by_columns;  /* any kernel, stride and padding      */
extern const sl_conv_method sl_conv_by_winograd; /* where it fits: 3 x 3 kernels, stride 1, padding <= 2 */
bool sl_conv_winograd_fits(const sl_layer *l);

/* c[m][n] = op(a) b, or added to it, as sl_gemm_part; b is [k][n]. */
void sl_conv_multiply(float *c, size_t ldc, bool accumulate, const float *a, size_t lda, sl_orientation of_a,
                      const float *b, size_t ldb, size_t m, size_t n, size_t k);

/* d_weight = the sum over `parts` of sums, each as long as the weights: one block after another of so many input
 * channels (the last may be smaller), a block being [out][tap][channels]. Added to if accumulate. */
void sl_conv_sum_weights(const sl_conv *c, float *d_weight, const float *sums, size_t parts, size_t channels,
                         bool accumulate);

/* d_bias[o] = sum of dy over samples and pixels. */
void sl_conv_sum_bias(const sl_conv *c, float *d_bias, const float *dy);
size_t sl_conv_bias_scratch(const sl_layer *l); /* floats of scratch for it */

static inline size_t sl_conv_taps(const sl_layer *l)
{
    return l->kernel * l->kernel;
}

static inline size_t sl_conv_weights(const sl_layer *l)
{
    return l->out.channels * l->in[0].channels * sl_conv_taps(l);
}

/* Output pixels of a sample. */
static inline size_t sl_conv_pixels(const sl_layer *l)
{
    return l->out.height * l->out.width;
}

/* Parts of scratch start on cache lines, and so do rows of products that are to be fast. */
static inline size_t sl_conv_aligned(size_t floats)
{
    return (floats + 15) / 16 * 16;
}

static inline size_t sl_smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

#endif
