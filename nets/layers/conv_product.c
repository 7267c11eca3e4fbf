/* Products of a long and a small matrix, which convolutions are made of. */
#include "nets/layers/conv.h"
#include "nets/layers/conv_product_kernel.h"

/* The small factor may have so many numbers, which fit a second-level cache. A library brings both factors into its
 * own order first, which takes long where one is small; and OpenBLAS on Haswell's kernels, which it is often told to
 * take, uses half of a newer processor. Measured on one core of Zen 5, GFLOP/s for 16, 64 and 512 channels: the kernel
 * 170, 200, 190; OpenBLAS (Haswell) 62, 95, 108; OpenBLAS (Cooperlake) 160, 233, 218; LIBXSMM 200, 235, 223. */
#ifdef SL_XSMM
enum { SMALL = 0 };
#else
enum { SMALL = 1 << 18 };
#endif
/* Rows 4 KB apart, or nearly, lie on so few lines of a cache that going down a column is slow; in the library's own
 * order they do not. */
static bool crowded(size_t line)
{
    return line > 512 && line % 512 == 0;
}

void sl_conv_multiply(float *c, size_t ldc, bool accumulate, const float *a, size_t lda, sl_orientation of_a,
                      const float *b, size_t ldb, size_t m, size_t n, size_t k)
{
    if (n % SL_PRODUCT_WIDE == 0 && n * k <= SMALL && !crowded(ldb) && !(of_a && crowded(lda)))
        sl_product(c, ldc, accumulate, a, of_a ? 1 : lda, of_a ? lda : 1, b, ldb, m, n, k);
    else
        sl_gemm_part(c, ldc, accumulate, a, lda, of_a, b, ldb, SL_AS_IS, m, n, k);
}
