#include "nets/layers/linear.h"

#include "nets/gemm.h"
#include "nets/layers/linear_kernel.h"

void sl_linear_forward(float *y, const float *x, const float *weight, const float *bias, size_t n, size_t in,
                       size_t out)
{
    sl_bias_fill(y, bias, n, out);
    /* y[n][out] += x[n][in] W[out][in]^T */
    sl_gemm(y, 1, x, SL_AS_IS, weight, SL_TRANSPOSED, n, out, in);
}

void sl_linear_backward(float *dx, float *d_weight, float *d_bias, const float *dy, const float *x, const float *weight,
                        size_t n, size_t in, size_t out)
{
    sl_bias_gradient(d_bias, dy, n, out);
    /* dW[out][in] = dy[n][out]^T x[n][in] */
    sl_gemm(d_weight, 0, dy, SL_TRANSPOSED, x, SL_AS_IS, out, in, n);
    /* dx[n][in] = dy[n][out] W[out][in] */
    if (dx) sl_gemm(dx, 0, dy, SL_AS_IS, weight, SL_AS_IS, n, in, out);
}
