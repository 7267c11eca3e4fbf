#include <math.h>

#include "sim/losses/losses.h"

static const sl_param params[] = {
    {.name = "n",
     .help = "rows of U; 0: as many as the spectrum has values, 2 without one",
     .def = 0,
     .min = 0,
     .max = SL_LOSS_MAX_DIM,
     .integer = true},
    {.name = "r", .help = "columns of U, r <= n", .def = 1, .min = 1, .max = SL_LOSS_MAX_DIM, .integer = true},
    {.name = "spectrum",
     .help = "the n eigenvalues of M, of either sign; without: 1, 1/2, ..., 1/n [x^2]",
     .def = NAN,
     .min = -1e6,
     .max = 1e6,
     .list = true},
};

/* The r largest positive eigenvalues, each in a column of its own: f = the sum of the squares of the others over 4. */
static void find_minimum(sl_loss *loss, size_t n, size_t r)
{
    bool taken[SL_LOSS_MAX_DIM] = {false};
    for (size_t i = 0; i < n * r; i++) loss->minimiser[i] = 0;
    for (size_t c = 0; c < r; c++) {
        size_t best = n;
        for (size_t k = 0; k < n; k++)
            if (!taken[k] && loss->data[k] > 0 && (best == n || loss->data[k] > loss->data[best])) best = k;
        if (best == n) break;
        taken[best] = true;
        loss->minimiser[best * r + c] = sqrt(loss->data[best]);
    }
    loss->least = 0;
    for (size_t k = 0; k < n; k++)
        if (!taken[k]) loss->least += 0.25 * loss->data[k] * loss->data[k];
}

/* Starts on the stationary point 0, whose Hessian is -M (x) 1. Coordinate k r + c is U_kc. */
static sl_status init(sl_loss *loss, sl_err *err)
{
    const sl_spec *s = &loss->spec;
    const size_t list = sl_spec_index(s, "spectrum"), given = s->value[list].n;
    const size_t asked = (size_t)sl_spec_get(s, "n"), r = (size_t)sl_spec_get(s, "r");
    const size_t n = asked > 0 ? asked : given > 0 ? given : 2;
    if (given > 0 && given != n)
        return sl_fail(err, SL_E_DOMAIN, "loss 'matrix-factorisation': n = %zu, but the spectrum has %zu values", n,
                       given);
    if (r > n)
        return sl_fail(err, SL_E_DOMAIN, "loss 'matrix-factorisation': r = %zu, need r <= n = %zu", r, n);
    if (n * r > SL_LOSS_MAX_DIM)
        return sl_fail(err, SL_E_DOMAIN, "loss 'matrix-factorisation': n r = %zu, need n r <= %d", n * r,
                       SL_LOSS_MAX_DIM);
    loss->dim = n * r;
    for (size_t k = 0; k < n; k++) loss->data[k] = given > 0 ? s->value[list].v[k] : 1 / (double)(k + 1);
    loss->data[SL_LOSS_MAX_DIM] = (double)n;
    loss->data[SL_LOSS_MAX_DIM + 1] = (double)r;
    find_minimum(loss, n, r);
    return SL_OK;
}

const sl_loss_kind sl_loss_matrix_factorisation = {
    .entry = {.name = "matrix-factorisation",
              .help = "|U U' - M|^2/4 for U of n x r and M diagonal: stationary at 0, minima U U' = the best rank r",
              .source = "Ge, Jin and Zheng 2017",
              .params = params,
              .n_params = sizeof params / sizeof *params},
    .init = init,
    .value = sl_matrix_factorisation_value,
    .gradient = sl_matrix_factorisation_gradient,
    .hessian_vector = sl_matrix_factorisation_hessian_vector,
    .laplacian = sl_matrix_factorisation_laplacian,
    .confining = true,
};
