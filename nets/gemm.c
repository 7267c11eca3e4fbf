#include "nets/gemm.h"

#ifdef SL_ONEDNN

#include <dnnl.h>
#include <omp.h>

void sl_gemm(float *c, float beta, const float *a, sl_orientation of_a, const float *b, sl_orientation of_b, size_t m,
             size_t n, size_t k)
{
    const dnnl_dim_t M = (dnnl_dim_t)m, N = (dnnl_dim_t)n, K = (dnnl_dim_t)k;
    omp_set_num_threads(1); /* of this thread, and cheap: networks run side by side instead */
    /* It fails for sizes and orientations that do not fit together only, and here they do. */
    (void)dnnl_sgemm(of_a ? 'T' : 'N', of_b ? 'T' : 'N', M, N, K, 1, a, of_a ? M : K, b, of_b ? K : N, beta, c, N);
}

#else

#include <cblas.h>
#include <pthread.h>

/* For the whole process and once: networks run side by side instead. */
static void single_threaded(void)
{
    openblas_set_num_threads(1);
}

void sl_gemm(float *c, float beta, const float *a, sl_orientation of_a, const float *b, sl_orientation of_b, size_t m,
             size_t n, size_t k)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, single_threaded);
    const blasint M = (blasint)m, N = (blasint)n, K = (blasint)k;
    cblas_sgemm(CblasRowMajor, of_a ? CblasTrans : CblasNoTrans, of_b ? CblasTrans : CblasNoTrans, M, N, K, 1, a,
                of_a ? M : K, b, of_b ? K : N, beta, c, N);
}

#endif
