#include "nets/gemm.h"

#include <cblas.h>
#include <pthread.h>

/* For the whole process and once: networks run side by side instead. */
static void single_threaded(void)
{
    openblas_set_num_threads(1);
}

/* The same with strides: a row of a, b and c as stored is lda, ldb and ldc floats from the next. */
static void by_openblas(float *c, int ldc, float beta, const float *a, int lda, sl_orientation of_a, const float *b,
                        int ldb, sl_orientation of_b, int m, int n, int k)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, single_threaded);
    cblas_sgemm(CblasRowMajor, of_a ? CblasTrans : CblasNoTrans, of_b ? CblasTrans : CblasNoTrans, m, n, k, 1, a, lda,
                b, ldb, beta, c, ldc);
}

#ifdef SL_XSMM

#include <libxsmm.h>

/* A kernel of LIBXSMM is made for one set of sizes and strides and may have a transposed, but not b; its offsets stay
 * below 2^31 bytes. So: blocks, a transposed b brought into order block by block, and OpenBLAS beyond LARGEST. Speed
 * hardly depends on the sizes of the blocks (within 5 % for half or twice of each); a block of b fits the first-level
 * cache. */
enum { BLOCK_M = 256, BLOCK_N = 64, BLOCK_K = 128, LARGEST = 1 << 20 };

static int at_most(int rest, int block)
{
    return rest < block ? rest : block;
}

/* LIBXSMM is column-major: it sees every matrix transposed, and the factors the other way round. */
static void multiply_block(float *c, int ldc, float beta, const float *a, int lda, sl_orientation of_a, const float *b,
                           int ldb, int m, int n, int k)
{
    const float one = 1;
    const int flags = of_a ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
    const libxsmm_smmfunction kernel = libxsmm_smmdispatch(n, m, k, &ldb, &lda, &ldc, &one, &beta, &flags, NULL);
    if (kernel)
        kernel(b, a, c);
    else /* an old processor, or no memory that may be executed */
        by_openblas(c, ldc, beta, a, lda, of_a, b, ldb, SL_AS_IS, m, n, k);
}

static void multiply(float *c, int ldc, float beta, const float *a, int lda, sl_orientation of_a, const float *b,
                     int ldb, sl_orientation of_b, int m, int n, int k)
{
    _Alignas(64) float ordered[BLOCK_K * BLOCK_N];
    for (int l = 0; l < k; l += BLOCK_K)
        for (int j = 0; j < n; j += BLOCK_N) {
            const int nk = at_most(k - l, BLOCK_K), nn = at_most(n - j, BLOCK_N);
            const float *const from = of_b ? b + (size_t)j * (size_t)ldb + l : b + (size_t)l * (size_t)ldb + j;
            if (of_b) libxsmm_otrans(ordered, from, sizeof *ordered, nk, nn, ldb, nn);
            for (int i = 0; i < m; i += BLOCK_M)
                multiply_block(c + (size_t)i * (size_t)ldc + j, ldc, l > 0 ? 1 : beta,
                               of_a ? a + (size_t)l * (size_t)lda + i : a + (size_t)i * (size_t)lda + l, lda, of_a,
                               of_b ? ordered : from, of_b ? nn : ldb, at_most(m - i, BLOCK_M), nn, nk);
        }
}

void sl_gemm_part(float *c, size_t ldc, float beta, const float *a, size_t lda, sl_orientation of_a, const float *b,
                  size_t ldb, sl_orientation of_b, size_t m, size_t n, size_t k)
{
    if (ldc > LARGEST || lda > LARGEST || ldb > LARGEST)
        by_openblas(c, (int)ldc, beta, a, (int)lda, of_a, b, (int)ldb, of_b, (int)m, (int)n, (int)k);
    else
        multiply(c, (int)ldc, beta, a, (int)lda, of_a, b, (int)ldb, of_b, (int)m, (int)n, (int)k);
}

const char *sl_gemm_library(void)
{
    return "LIBXSMM";
}

const char *sl_gemm_kernels(void)
{
    return libxsmm_get_target_arch();
}

#else

void sl_gemm_part(float *c, size_t ldc, float beta, const float *a, size_t lda, sl_orientation of_a, const float *b,
                  size_t ldb, sl_orientation of_b, size_t m, size_t n, size_t k)
{
    by_openblas(c, (int)ldc, beta, a, (int)lda, of_a, b, (int)ldb, of_b, (int)m, (int)n, (int)k);
}

const char *sl_gemm_library(void)
{
    return "OpenBLAS";
}

const char *sl_gemm_kernels(void)
{
    return openblas_get_corename();
}

#endif

void sl_gemm(float *c, float beta, const float *a, sl_orientation of_a, const float *b, sl_orientation of_b, size_t m,
             size_t n, size_t k)
{
    sl_gemm_part(c, n, beta, a, of_a ? m : k, of_a, b, of_b ? k : n, of_b, m, n, k);
}
