#include "base/kernel.h"
#include "sim/losses/losses.h"

/* f = |U U' - M|^2/4 = (|G|^2 - 2 tr(U' M U) + |M|^2)/4 with G = U'U, M diagonal, in loss->data[0..n), and U_kc at
 * coordinate k r + c. Gradient U G - M U; Hessian on V: V G + U (U'V + V'U) - M V. A few lanes at a time, so that the
 * r x r matrices of all of them stay in the first cache. */
enum { LANES = 8, MOST = 11 }; /* r <= n and n r <= 128 make r <= 11 */
typedef double matrix[MOST * MOST][LANES];

static size_t rows(const sl_loss *loss)
{
    return (size_t)loss->data[SL_LOSS_MAX_DIM];
}

static size_t columns(const sl_loss *loss)
{
    return (size_t)loss->data[SL_LOSS_MAX_DIM + 1];
}

/* G[a r + b] = sum_k U_ka V_kb, and where `symmetric` the same plus its transpose. */
static inline void product(matrix G, size_t n, size_t r, size_t stride, const double *U, const double *V,
                           int symmetric)
{
    for (size_t a = 0; a < r; a++)
        for (size_t b = 0; b < r; b++) {
            double sum[LANES] = {0};
            for (size_t k = 0; k < n; k++) {
                const double *ua = U + (k * r + a) * stride, *vb = V + (k * r + b) * stride;
#pragma omp simd
                for (size_t i = 0; i < LANES; i++) sum[i] += ua[i] * vb[i];
                if (!symmetric) continue;
                const double *ub = U + (k * r + b) * stride, *va = V + (k * r + a) * stride;
#pragma omp simd
                for (size_t i = 0; i < LANES; i++) sum[i] += ub[i] * va[i];
            }
#pragma omp simd
            for (size_t i = 0; i < LANES; i++) G[a * r + b][i] = sum[i];
        }
}

/* out_kc (+)= sum_a U_ka G_ac - lambda_k U_kc, the last term where lambda is given. */
static inline void apply(double *out, size_t n, size_t r, size_t stride, const double *U, matrix G,
                         const double *lambda, int add)
{
    for (size_t k = 0; k < n; k++)
        for (size_t c = 0; c < r; c++) {
            double *o = out + (k * r + c) * stride;
            double sum[LANES] = {0};
            for (size_t a = 0; a < r; a++) {
                const double *ua = U + (k * r + a) * stride;
#pragma omp simd
                for (size_t i = 0; i < LANES; i++) sum[i] += ua[i] * G[a * r + c][i];
            }
            if (lambda) {
                const double *uc = U + (k * r + c) * stride;
#pragma omp simd
                for (size_t i = 0; i < LANES; i++) sum[i] -= lambda[k] * uc[i];
            }
#pragma omp simd
            for (size_t i = 0; i < LANES; i++) o[i] = add ? o[i] + sum[i] : sum[i];
        }
}

SL_KERNEL void sl_matrix_factorisation_value(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                             double *restrict f)
{
    const size_t n = rows(loss), r = columns(loss);
    double m2 = 0;
    for (size_t k = 0; k < n; k++) m2 += loss->data[k] * loss->data[k];
    for (size_t first = 0; first < B; first += LANES) {
        const double *U = x + first;
        matrix G;
        product(G, n, r, stride, U, U, 0);
        double sum[LANES] = {0};
        for (size_t e = 0; e < r * r; e++)
#pragma omp simd
            for (size_t i = 0; i < LANES; i++) sum[i] += G[e][i] * G[e][i];
        for (size_t k = 0; k < n; k++)
            for (size_t c = 0; c < r; c++) {
                const double *u = U + (k * r + c) * stride;
#pragma omp simd
                for (size_t i = 0; i < LANES; i++) sum[i] -= 2 * loss->data[k] * u[i] * u[i];
            }
        for (size_t i = 0; i < LANES; i++) f[first + i] = 0.25 * (sum[i] + m2);
    }
}

SL_KERNEL void sl_matrix_factorisation_gradient(const sl_loss *loss, size_t B, size_t stride, const double *restrict x,
                                                double *restrict g)
{
    const size_t n = rows(loss), r = columns(loss);
    for (size_t first = 0; first < B; first += LANES) {
        matrix G;
        product(G, n, r, stride, x + first, x + first, 0);
        apply(g + first, n, r, stride, x + first, G, loss->data, 0);
    }
}

SL_KERNEL void sl_matrix_factorisation_hessian_vector(const sl_loss *loss, size_t B, size_t stride,
                                                      const double *restrict x, const double *restrict u,
                                                      double *restrict h)
{
    const size_t n = rows(loss), r = columns(loss);
    for (size_t first = 0; first < B; first += LANES) {
        matrix G;
        product(G, n, r, stride, x + first, x + first, 0);
        apply(h + first, n, r, stride, u + first, G, loss->data, 0);
        product(G, n, r, stride, x + first, u + first, 1);
        apply(h + first, n, r, stride, x + first, G, NULL, 1);
    }
}

/* (n + r + 1) |U|^2 - r tr M. */
SL_KERNEL void sl_matrix_factorisation_laplacian(const sl_loss *loss, size_t B, size_t stride,
                                                 const double *restrict x, double *restrict out)
{
    const size_t n = rows(loss), r = columns(loss);
    double trace = 0;
    for (size_t k = 0; k < n; k++) trace += loss->data[k];
    const double factor = (double)(n + r + 1), constant = (double)r * trace;
#pragma omp simd aligned(out : 64)
    for (size_t i = 0; i < B; i++) out[i] = -constant;
    for (size_t d = 0; d < n * r; d++) {
        const double *restrict xd = x + d * stride;
#pragma omp simd aligned(out : 64)
        for (size_t i = 0; i < B; i++) out[i] += factor * xd[i] * xd[i];
    }
}
