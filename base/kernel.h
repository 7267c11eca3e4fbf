/* base/kernel.h - marks of hot loops. A *_kernel.c file holds plain loops under `#pragma omp simd`, is compiled
 * with -ffast-math (so it must never test for NaN), and each of its functions is cloned for three generations
 * of x86-64; the loader picks one. */
#ifndef SL_BASE_KERNEL_H
#define SL_BASE_KERNEL_H

#if defined __x86_64__ && defined __GNUC__ && !defined __clang__ && !defined SL_NO_CLONES
#define SL_KERNEL __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#define SL_CLONES /* there are clones: kernels run at the processor's full width */
#else
#define SL_KERNEL
#endif

#endif
