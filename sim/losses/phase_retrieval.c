#include "base/random.h"
#include "sim/losses/losses.h"

/* A table of n m numbers: 64 MiB at most. */
enum { MOST_SAMPLES = 65536 };

static const sl_param params[] = {
    {.name = "n", .help = "number of coordinates", .def = 2, .min = 1, .max = SL_LOSS_MAX_DIM, .integer = true},
    {.name = "m", .help = "number of measurements, m >= n", .def = 256, .min = 1, .max = MOST_SAMPLES, .integer = true},
    {.name = "seed", .help = "which measurements", .def = 0, .min = 0, .max = 4294967295.0, .integer = true},
};

/* a[m][n], independent standard normals: row j is a_j, coordinate d of it lane d of step j. */
static sl_status make(double *a, const sl_loss *loss, sl_err *err)
{
    (void)err;
    for (size_t j = 0; j < loss->samples; j++) {
        const sl_draw draw = {
            .seed = (uint64_t)sl_spec_get(&loss->spec, "seed"), .step = j, .purpose = SL_PURPOSE_SAMPLES};
        sl_random_normals(a + j * loss->dim, loss->dim, 0, 1, &draw);
    }
    return SL_OK;
}

/* Starts on the maximum 0, where the Hessian is -(1/m) sum_j y_j a_j a_j'. */
static sl_status init(sl_loss *loss, sl_err *err)
{
    const sl_spec *s = &loss->spec;
    loss->dim = (size_t)sl_spec_get(s, "n");
    loss->samples = (size_t)sl_spec_get(s, "m");
    if (loss->samples < loss->dim) /* f would not grow across the measurements */
        return sl_fail(err, SL_E_DOMAIN, "loss 'phase-retrieval': m = %zu, need m >= n = %zu", loss->samples,
                       loss->dim);
    loss->least = 0;
    for (size_t d = 0; d < loss->dim; d++) loss->minimiser[d] = d == 0;
    return sl_sample_table(&loss->table, loss, loss->samples * loss->dim, make, err);
}

const sl_loss_kind sl_loss_phase_retrieval = {
    .entry = {.name = "phase-retrieval",
              .help = "(1/4m) sum_j ((a_j.x)^2 - y_j)^2 with normal a_j, y_j = (a_j.e_0)^2: minima at e_0 and -e_0, "
                      "a maximum at 0; a finite sum",
              .source = "Sun, Qu and Wright 2018",
              .params = params,
              .n_params = sizeof params / sizeof *params},
    .init = init,
    .value = sl_phase_retrieval_value,
    .gradient = sl_phase_retrieval_gradient,
    .hessian_vector = sl_phase_retrieval_hessian_vector,
    .laplacian = sl_phase_retrieval_laplacian,
    .sample_gradient = sl_phase_retrieval_sample_gradient,
    .confining = true,
};
