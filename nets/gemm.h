/* nets/gemm.h - the one matrix product that networks are made of; nearly all of their running time.
 *
 * OpenBLAS by default. A library built with `make XSMM=1` has LIBXSMM's, which makes its kernels for the processor and
 * the sizes at run time. The two add in different orders, so they train different networks from one seed. */
#ifndef SL_NETS_GEMM_H
#define SL_NETS_GEMM_H

#include <stddef.h>

typedef enum { SL_AS_IS, SL_TRANSPOSED } sl_orientation;

/* c = op(a) op(b) + beta c, row-major and contiguous: op(a) [m][k], op(b) [k][n], c [m][n], where a TRANSPOSED operand
 * is stored as [k][m] or [n][k]. beta: 0 (c is not read) or 1. On the calling thread alone; a, b and c must not
 * overlap. 1 <= sizes < 2^31. */
void sl_gemm(float *c, float beta, const float *a, sl_orientation of_a, const float *b, sl_orientation of_b, size_t m,
             size_t n, size_t k);

/* The same of parts of larger matrices: a row of c, a and b as stored begins ldc, lda and ldb floats after the one
 * before it. */
void sl_gemm_part(float *c, size_t ldc, float beta, const float *a, size_t lda, sl_orientation of_a, const float *b,
                  size_t ldb, sl_orientation of_b, size_t m, size_t n, size_t k);

/* Whose product it is ("OpenBLAS"), and the processor whose kernels run, in that library's words ("Haswell"). */
const char *sl_gemm_library(void);
const char *sl_gemm_kernels(void);

#endif
