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
    sl_loss_tensor_decomposition, sl_loss_absolute, sl_loss_huber, sl_loss_least_squares,
    sl_loss_least_squares_online, sl_loss_logistic, sl_loss_hinge;

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
SL_LOSS_KERNELS(absolute)
SL_LOSS_KERNELS(huber)
SL_LOSS_KERNELS(least_squares)
SL_LOSS_KERNELS(least_squares_online)
SL_LOSS_KERNELS(logistic)
SL_LOSS_KERNELS(hinge)

#define SL_SAMPLE_KERNEL(family)                                                                                    \
    void sl_##family##_sample_gradient(const sl_loss *, size_t B, size_t stride, const double *x, const uint32_t *, \
                                       double *g, double *f);
SL_SAMPLE_KERNEL(least_squares)
SL_SAMPLE_KERNEL(logistic)
SL_SAMPLE_KERNEL(hinge)
void sl_least_squares_online_fresh_gradient(const sl_loss *, size_t B, size_t stride, const double *x, double *z,
                                            double *e);

void sl_phase_retrieval_sample_gradient(const sl_loss *, size_t B, size_t stride, const double *x,
                                        const uint32_t *index, double *g, double *f);
void sl_tensor_decomposition_sample_gradient(const sl_loss *, size_t B, size_t stride, const double *x,
                                             const uint32_t *index, double *g, double *f);
void sl_tensor_decomposition_project(const sl_loss *, size_t B, size_t stride, double *x);

/* Balls and boxes: SL_DOMAIN_PARAMS are the last parameters of a loss that can live on one. */
#define SL_DOMAIN_PARAMS                                                                                   \
    {.name = "radius", .help = "of the ball |x| <= radius that steps are projected onto; 0: none", .max = 1e12}, \
    {                                                                                                      \
        .name = "box", .help = "half the side of the box |x_d| <= box that steps are projected onto; 0: none", \
        .max = 1e12                                                                                        \
    }
enum { SL_DOMAIN_RADIUS = SL_LOSS_MAX_DIM + 6, SL_DOMAIN_BOX = SL_LOSS_MAX_DIM + 7 }; /* places in data; 0: none */

/* Takes radius and box (which a loss may lack) from the parameters. Errors: SL_E_DOMAIN if both are given. */
SL_CHECKED sl_status sl_domain_init(sl_loss *loss, sl_err *err);
bool sl_domain_holds(const sl_loss *loss, const double *x);
void sl_domain_project(const sl_loss *, size_t B, size_t stride, double *x);

/* Spectra: out[n] = the values of the parameter `spectrum`, or 1, 2^-decay, 3^-decay, ... of `decay`. n as asked for by
 * the parameter of that name; 0: as many as there are values, 2 without any. Errors: SL_E_DOMAIN if they disagree. */
#define SL_SPECTRUM_PARAMS                                                                                 \
    {.name = "n",                                                                                          \
     .help = "number of coordinates; 0: as many as the spectrum has values, 2 without one",                \
     .max = SL_LOSS_MAX_DIM,                                                                               \
     .integer = true},                                                                                     \
    {.name = "spectrum",                                                                                   \
     .help = "variances of the features, one a coordinate",                                                \
     .def = NAN,                                                                                           \
     .max = 1e12,                                                                                          \
     .open_min = true,                                                                                     \
     .list = true},                                                                                        \
    {                                                                                                      \
        .name = "decay", .help = "without a spectrum: variances 1, 2^-decay, 3^-decay, ...", .max = 8      \
    }
SL_CHECKED sl_status sl_spectrum_init(double *out, size_t *n, const sl_spec *spec, sl_err *err);

/* truth[n], of that length, its direction a function of the seed. */
void sl_sample_truth(double *truth, size_t n, double length, uint64_t seed);

/* Out: *table = a[count], made by make(a, loss, err), what it is being a function of the loss's kind and parameters.
 * The same parameters give the same memory, which is never written again and lives until the program ends, so that
 * losses can be copied freely. Errors: SL_E_MEMORY; those of make. */
typedef sl_status (*sl_table_make)(double *a, const sl_loss *loss, sl_err *err);
SL_CHECKED sl_status sl_sample_table(const double **table, const sl_loss *loss, size_t count, sl_table_make make,
                                     sl_err *err);

#endif
