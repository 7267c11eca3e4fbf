#define _GNU_SOURCE
#include "nets/blas.h"

#include <cblas.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char variable[] = "OPENBLAS_CORETYPE";

const char *sl_blas_kernels(void)
{
    return openblas_get_corename();
}

/* All that SkylakeX kernels use. */
static bool has_avx512(void)
{
#if defined __x86_64__
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

const char *sl_blas_better_kernels(void)
{
    if (getenv(variable) || !has_avx512()) return NULL;
    const char *const kernels = sl_blas_kernels();
    const bool avx2 = strcmp(kernels, "Haswell") == 0 || strcmp(kernels, "Zen") == 0;
    return avx2 ? "SkylakeX" : NULL;
}

void sl_blas_restart(char **argv)
{
    const char *const better = sl_blas_better_kernels();
    if (!better || setenv(variable, better, 1) != 0) return;
    execv("/proc/self/exe", argv);
    unsetenv(variable); /* not started: go on as we were */
}
