/* nets/blas.h - which of OpenBLAS's kernels carry the matrix products.
 *
 * OpenBLAS picks kernels for the processor family that it recognises when it is loaded. A release older than the
 * processor takes it for an earlier one: 0.3.21 runs AVX2 kernels on recent AVX-512 processors, at little more than
 * half of their speed (bench/train: 103 against 190 GFLOP/s a core). The choice can be set from outside only, by
 * OPENBLAS_CORETYPE in the environment before the program starts. */
#ifndef SL_NETS_BLAS_H
#define SL_NETS_BLAS_H

/* The name of the kernels in use, as OpenBLAS calls them ("Haswell"). */
const char *sl_blas_kernels(void);

/* The name of kernels that suit this processor better than those in use, or NULL. NULL where OPENBLAS_CORETYPE is
 * set: the user has chosen. */
const char *sl_blas_better_kernels(void);

/* Starts this program over, once, with better kernels; returns if there is nothing to gain or no way to do it.
 * For the first lines of a main() only: nothing of what ran before is kept. argv: main's. */
void sl_blas_restart(char **argv);

#endif
