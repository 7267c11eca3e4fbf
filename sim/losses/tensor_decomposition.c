#include <math.h>

#include "sim/losses/losses.h"
#include "sim/tensor.h"

static const sl_param params[] = {
    {.name = "d",
     .help = "number of components, each of d coordinates on the unit sphere; d^2 coordinates in all",
     .def = 10,
     .min = 2,
     .max = SL_TENSOR_MAX,
     .integer = true},
};

/* Starts on the saddle where all u_i are equal and share every component alike. */
static sl_status init(sl_loss *loss, sl_err *err)
{
    (void)err;
    const size_t d = (size_t)sl_spec_get(&loss->spec, "d");
    loss->dim = d * d;
    loss->samples = (size_t)1 << d;
    loss->data[0] = (double)d;
    loss->least = 0;
    for (size_t i = 0; i < d * d; i++) {
        loss->start[i] = 1 / sqrt((double)d);
        loss->minimiser[i] = i % (d + 1) == 0;
    }
    return SL_OK;
}

const sl_loss_kind sl_loss_tensor_decomposition = {
    .entry = {.name = "tensor-decomposition",
              .help = "sum over i != j of T(u_i, u_i, u_j, u_j) for T = sum_k e_k^4, all u_i on the unit sphere: "
                      "minima where the u_i are the e_k up to order and sign; samples as in independent component "
                      "analysis",
              .source = "Ge, Huang, Jin and Yuan 2015",
              .params = params,
              .n_params = sizeof params / sizeof *params},
    .init = init,
    .value = sl_tensor_decomposition_value,
    .gradient = sl_tensor_decomposition_gradient,
    .hessian_vector = sl_tensor_decomposition_hessian_vector,
    .laplacian = sl_tensor_decomposition_laplacian,
    .sample_gradient = sl_tensor_decomposition_sample_gradient,
    .project = sl_tensor_decomposition_project,
    .confining = false, /* exp(-f/T) is normalised on the spheres, but moments are not those of all of space */
};

/* |T|^2 = d, <T, sum_i u_i^4> = sum_ik u_ik^4, |sum_i u_i^4|^2 = sum_ij (u_i.u_j)^4. */
double sl_tensor_error(size_t d, const double *u)
{
    double sum = (double)d;
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++) {
            double dot = 0;
            for (size_t k = 0; k < d; k++) dot += u[i * d + k] * u[j * d + k];
            sum += pow(dot, 4) - 2 * pow(u[i * d + j], 4);
        }
    return fmax(sum, 0) / (double)d;
}
