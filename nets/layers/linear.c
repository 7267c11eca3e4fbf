#include "nets/layers/linear.h"

#include <cblas.h>

#include "nets/layers/linear_kernel.h"

/* The three products carry nearly all of a network's running time; sizes are far below 2^31, as BLAS asks. */

void sl_linear_forward(float *y, const float *x, const float *weight, const float *bias, size_t n, size_t in,
                       size_t out)
{
    const blasint N = (blasint)n, K = (blasint)in, M = (blasint)out;
    sl_bias_fill(y, bias, n, out);
    /* y[n][out] += x[n][in] W[out][in]^T */
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, N, M, K, 1, x, K, weight, K, 1, y, M);
}

void sl_linear_backward(float *dx, float *d_weight, float *d_bias, const float *dy, const float *x, const float *weight,
                        size_t n, size_t in, size_t out)
{
    const blasint N = (blasint)n, K = (blasint)in, M = (blasint)out;
    sl_bias_gradient(d_bias, dy, n, out);
    /* dW[out][in] = dy[n][out]^T x[n][in] */
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, M, K, N, 1, dy, M, x, K, 0, d_weight, K);
    /* dx[n][in] = dy[n][out] W[out][in] */
    if (dx) cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, K, M, 1, dy, M, weight, K, 0, dx, K);
}
