#include <math.h>

#include "base/kernel.h"
#include "sim/losses/losses.h"
#include "sim/tensor.h"

/* f = sum_k (S_k^2 - sum_i u_ik^4), S_k = sum_i u_ik^2, for d vectors u_i of d coordinates, u_ik at coordinate i d + k,
 * with d in loss->data[0]. See sim/tensor.h. */

static size_t components(const sl_loss *loss)
{
    return (size_t)loss->data[0];
}

SL_KERNEL void sl_tensor_decomposition_value(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                             double *restrict f)
{
    const size_t D = components(loss);
#pragma omp simd aligned(x, f : 64)
    for (size_t i = 0; i < B; i++) {
        double sum = 0;
        for (size_t k = 0; k < D; k++) {
            double S = 0, fourth = 0;
            for (size_t j = 0; j < D; j++) {
                const double u = x[(j * D + k) * stride + i], u2 = u * u;
                S += u2;
                fourth += u2 * u2;
            }
            sum += S * S - fourth;
        }
        f[i] = sum;
    }
}

enum { LANES = 8 };

/* S = sum_j u_jk v_jk of LANES replicas; u, v at the first of them. */
static inline void column(double S[LANES], size_t D, size_t k, size_t stride, const double *restrict u,
                          const double *restrict v)
{
    for (size_t i = 0; i < LANES; i++) S[i] = 0;
    for (size_t j = 0; j < D; j++) {
        const size_t at = (j * D + k) * stride;
#pragma omp simd
        for (size_t i = 0; i < LANES; i++) S[i] += u[at + i] * v[at + i];
    }
}

/* df/du_jk = 4 u_jk (S_k - u_jk^2). */
SL_KERNEL void sl_tensor_decomposition_gradient(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                                double *restrict g)
{
    const size_t D = components(loss);
    for (size_t first = 0; first < B; first += LANES)
        for (size_t k = 0; k < D; k++) {
            double S[LANES];
            column(S, D, k, stride, x + first, x + first);
            for (size_t j = 0; j < D; j++) {
                const size_t at = (j * D + k) * stride + first;
#pragma omp simd
                for (size_t i = 0; i < LANES; i++) g[at + i] = 4 * x[at + i] * (S[i] - x[at + i] * x[at + i]);
            }
        }
}

/* 4 v_jk (S_k - 3 u_jk^2) + 8 u_jk sum_l u_lk v_lk. */
SL_KERNEL void sl_tensor_decomposition_hessian_vector(const sl_loss *loss, size_t B, size_t stride,
                                                      const double *restrict x, const double *restrict u,
                                                      double *restrict h)
{
    const size_t D = components(loss);
    for (size_t first = 0; first < B; first += LANES)
        for (size_t k = 0; k < D; k++) {
            double S[LANES], W[LANES];
            column(S, D, k, stride, x + first, x + first);
            column(W, D, k, stride, x + first, u + first);
            for (size_t j = 0; j < D; j++) {
                const size_t at = (j * D + k) * stride + first;
#pragma omp simd
                for (size_t i = 0; i < LANES; i++)
                    h[at + i] = 4 * u[at + i] * (S[i] - 3 * x[at + i] * x[at + i]) + 8 * x[at + i] * W[i];
            }
        }
}

SL_KERNEL void sl_tensor_decomposition_laplacian(const sl_loss *loss, size_t B, size_t stride,
                                                 const double *restrict x, double *restrict out)
{
    const size_t D = components(loss);
    const double factor = 4 * (double)(D - 1);
#pragma omp simd aligned(out : 64)
    for (size_t i = 0; i < B; i++) out[i] = 0;
    for (size_t d = 0; d < D * D; d++) {
        const double *restrict xd = x + d * stride;
#pragma omp simd aligned(out : 64)
        for (size_t i = 0; i < B; i++) out[i] += factor * xd[i] * xd[i];
    }
}

/* What a sample's gradient is made of, LANES replicas at a time, in one piece of memory. */
typedef struct {
    double u[SL_TENSOR_MAX][SL_TENSOR_MAX][LANES];    /* [j][k]                                 */
    double gram[SL_TENSOR_MAX][SL_TENSOR_MAX][LANES]; /* u_j.u_l                                */
    double y[SL_TENSOR_MAX][LANES];                   /* the signs                              */
    double q[SL_TENSOR_MAX][LANES];                   /* y.u_j; after weigh, -2 q_j (Q - q_j^2)  */
    double N[LANES], Q[LANES];                        /* sum_j |u_j|^2, sum_j (y.u_j)^2          */
} parts;

static inline __attribute__((always_inline)) void prepare(parts *p, size_t D, size_t stride, const double *restrict x,
                                                          const uint32_t *restrict index)
{
    for (size_t k = 0; k < D; k++)
#pragma omp simd
        for (size_t i = 0; i < LANES; i++) p->y[k][i] = 1 - 2 * (double)(int32_t)(index[i] >> k & 1);
    for (size_t j = 0; j < D; j++)
        for (size_t k = 0; k < D; k++)
#pragma omp simd
            for (size_t i = 0; i < LANES; i++) p->u[j][k][i] = x[(j * D + k) * stride + i];
    for (size_t i = 0; i < LANES; i++) p->N[i] = p->Q[i] = 0;
    for (size_t j = 0; j < D; j++) {
        double q[LANES] = {0};
        for (size_t k = 0; k < D; k++)
#pragma omp simd
            for (size_t i = 0; i < LANES; i++) q[i] += p->y[k][i] * p->u[j][k][i];
        for (size_t l = 0; l <= j; l++) {
            double dot[LANES] = {0};
            for (size_t k = 0; k < D; k++)
#pragma omp simd
                for (size_t i = 0; i < LANES; i++) dot[i] += p->u[j][k][i] * p->u[l][k][i];
#pragma omp simd
            for (size_t i = 0; i < LANES; i++) p->gram[j][l][i] = p->gram[l][j][i] = dot[i];
        }
#pragma omp simd
        for (size_t i = 0; i < LANES; i++) {
            p->q[j][i] = q[i];
            p->Q[i] += q[i] * q[i];
            p->N[i] += p->gram[j][j][i];
        }
    }
}

/* phi = (N^2 - sum_j |u_j|^4)/2 + sum_{j != l} (u_j.u_l)^2 - (Q^2 - sum_j q_j^4)/2 */
static inline __attribute__((always_inline)) void sample_value(double *restrict f, const parts *p, size_t D)
{
#pragma omp simd
    for (size_t i = 0; i < LANES; i++) f[i] = 0.5 * (p->N[i] * p->N[i] - p->Q[i] * p->Q[i]);
    for (size_t j = 0; j < D; j++) {
#pragma omp simd
        for (size_t i = 0; i < LANES; i++) {
            const double u2 = p->gram[j][j][i], q2 = p->q[j][i] * p->q[j][i];
            f[i] += 0.5 * (q2 * q2 - u2 * u2);
        }
        for (size_t l = 0; l < j; l++)
#pragma omp simd
            for (size_t i = 0; i < LANES; i++) f[i] += 2 * p->gram[j][l][i] * p->gram[j][l][i];
    }
}

/* q_j becomes -2 q_j (Q - q_j^2). */
static inline __attribute__((always_inline)) void weigh(parts *p, size_t D)
{
    for (size_t j = 0; j < D; j++)
#pragma omp simd
        for (size_t i = 0; i < LANES; i++) p->q[j][i] *= -2 * (p->Q[i] - p->q[j][i] * p->q[j][i]);
}

/* d phi / d u_j = 2 (N - |u_j|^2) u_j + 4 (sum_l (u_l.u_j) u_l - |u_j|^2 u_j) - 2 q_j (Q - q_j^2) y with
 * N = sum_l |u_l|^2, q_l = y.u_l, Q = sum_l q_l^2. */
SL_KERNEL void sl_tensor_decomposition_sample_gradient(const sl_loss *loss, size_t B, size_t stride,
                                                       const double *restrict x, const uint32_t *restrict index,
                                                       double *restrict g, double *restrict f)
{
    const size_t D = components(loss);
    _Alignas(64) parts p;
    for (size_t first = 0; first < B; first += LANES) {
        prepare(&p, D, stride, x + first, index + first);
        if (f) sample_value(f + first, &p, D);
        weigh(&p, D);
        for (size_t j = 0; j < D; j++) {
            /* 2 (N - |u_j|^2) - 4 |u_j|^2 goes to the diagonal of 4 gram */
#pragma omp simd
            for (size_t i = 0; i < LANES; i++) p.gram[j][j][i] = 0.5 * (p.N[i] - p.gram[j][j][i]);
            for (size_t k = 0; k < D; k++) {
                double sum[LANES] = {0};
                for (size_t l = 0; l < D; l++)
#pragma omp simd
                    for (size_t i = 0; i < LANES; i++) sum[i] += p.gram[j][l][i] * p.u[l][k][i];
                double *out = g + (j * D + k) * stride + first;
#pragma omp simd
                for (size_t i = 0; i < LANES; i++) out[i] = 4 * sum[i] + p.q[j][i] * p.y[k][i];
            }
        }
    }
}

/* The least length that is divided by: a vector of 0 stays where it is. */
static const double LEAST = 1e-300;

SL_KERNEL void sl_tensor_decomposition_project(const sl_loss *loss, size_t B, size_t stride, double *restrict x)
{
    const size_t D = components(loss);
    for (size_t first = 0; first < B; first += LANES)
        for (size_t j = 0; j < D; j++) {
            double length[LANES] = {0};
            for (size_t k = 0; k < D; k++) {
                const double *u = x + (j * D + k) * stride + first;
#pragma omp simd
                for (size_t i = 0; i < LANES; i++) length[i] += u[i] * u[i];
            }
#pragma omp simd
            for (size_t i = 0; i < LANES; i++) length[i] = 1 / sqrt(length[i] > LEAST ? length[i] : LEAST);
            for (size_t k = 0; k < D; k++) {
                double *u = x + (j * D + k) * stride + first;
#pragma omp simd
                for (size_t i = 0; i < LANES; i++) u[i] *= length[i];
            }
        }
}
