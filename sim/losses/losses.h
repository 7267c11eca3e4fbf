/* sim/losses/losses.h - the families of synthetic losses and their kernels. Private to sim/loss.c and sim/losses/.
 *
 * Each family has a file with its entries (names, ranges, starting point) and a file name_kernel.c with its loops.
 * Kernels have the shapes of sim/loss.h: x[d][B] with coordinate d at d * stride. */
#ifndef SL_SIM_LOSSES_LOSSES_H
#define SL_SIM_LOSSES_LOSSES_H

#include "sim/loss.h"

extern const sl_loss_kind sl_loss_quadratic, sl_loss_quadratic_saddle, sl_loss_double_well, sl_loss_tilted_double_well,
    sl_loss_quartic, sl_loss_periodic, sl_loss_strict_saddle, sl_loss_rosenbrock, sl_loss_bent_double_well,
    sl_loss_mueller_brown, sl_loss_monkey_saddle, sl_loss_matrix_factorisation, sl_loss_phase_retrieval,
    sl_loss_tensor_decomposition;

/* The four kernels of one family. */
#define SL_LOSS_KERNELS(family)                                                                                   \
    void sl_##family##_value(const sl_loss *, size_t B, size_t stride, const double *x, double *f);               \
    void sl_##family##_gradient(const sl_loss *, size_t B, size_t stride, const double *x, double *g);            \
    void sl_##family##_hessian_vector(const sl_loss *, size_t B, size_t stride, const double *x, const double *u, \
                                      double *h);                                                                 \
    void sl_##family##_laplacian(const sl_loss *, size_t B, size_t stride, const double *x, double *out);

SL_LOSS_KERNELS(quadratic)
SL_LOSS_KERNELS(double_well)
SL_LOSS_KERNELS(quartic)
SL_LOSS_KERNELS(periodic)
SL_LOSS_KERNELS(strict_saddle)
SL_LOSS_KERNELS(rosenbrock)
SL_LOSS_KERNELS(bent_double_well)
SL_LOSS_KERNELS(mueller_brown)
SL_LOSS_KERNELS(monkey_saddle)
SL_LOSS_KERNELS(matrix_factorisation)
SL_LOSS_KERNELS(phase_retrieval)
SL_LOSS_KERNELS(tensor_decomposition)

void sl_phase_retrieval_sample_gradient(const sl_loss *, size_t B, size_t stride, const double *x,
                                        const uint32_t *index, double *g);
void sl_tensor_decomposition_sample_gradient(const sl_loss *, size_t B, size_t stride, const double *x,
                                             const uint32_t *index, double *g);
void sl_tensor_decomposition_project(const sl_loss *, size_t B, size_t stride, double *x);

/* Out: *table = a[m][n], independent standard normals: row j is the vector of sample j, coordinate d of it lane d of
 * step j of purpose SL_PURPOSE_SAMPLES. The same (m, n, seed) gives the same memory, which is never written again and
 * lives until the program ends, so that losses can be copied freely. Errors: SL_E_MEMORY. */
SL_CHECKED sl_status sl_sample_table(const double **table, size_t m, size_t n, uint64_t seed, sl_err *err);

#endif
