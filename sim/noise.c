#include "sim/noise.h"

#include <string.h>

#include "sim/noises/noises.h"

const sl_noise_kind *const sl_noises[] = {
    &sl_noise_gaussian, &sl_noise_anisotropic, &sl_noise_hessian,
    &sl_noise_stable,   &sl_noise_bounded,     &sl_noise_minibatch,   &sl_noise_online,
};
const size_t sl_n_noises = sizeof sl_noises / sizeof *sl_noises;

static const sl_entry *const entries[] = {
    &sl_noise_gaussian.entry, &sl_noise_anisotropic.entry, &sl_noise_hessian.entry,
    &sl_noise_stable.entry,   &sl_noise_bounded.entry,     &sl_noise_minibatch.entry,
    &sl_noise_online.entry,
};
_Static_assert(sizeof entries / sizeof *entries == sizeof sl_noises / sizeof *sl_noises, "an entry a model");

const sl_entry *const *sl_noise_entries(void)
{
    return entries;
}

sl_status sl_noise_init(sl_noise *noise, const char *text, const sl_loss *loss, sl_err *err)
{
    sl_noise n = {0};
    SL_TRY(sl_spec_parse(&n.spec, text, "noise", entries, sl_n_noises, err));
    for (size_t i = 0; i < sl_n_noises; i++)
        if (&sl_noises[i]->entry == n.spec.entry) n.kind = sl_noises[i];
    if (n.kind->init) {
        SL_TRY(n.kind->init(&n, loss, err));
    } else {
        for (size_t k = 0; k < n.kind->entry.n_params; k++) n.data[k] = n.spec.value[k].v[0];
    }
    *noise = n;
    return SL_OK;
}

sl_status sl_noise_covariance(double *covariance, const sl_noise *noise, const sl_loss *loss, double s2,
                              const double *x, sl_err *err)
{
    if (noise->infinite_variance)
        return sl_fail(err, SL_E_DOMAIN, "noise '%s' has no covariance: its variance is infinite",
                       noise->kind->entry.name);
    if (noise->kind && noise->kind->covariance) return noise->kind->covariance(covariance, noise, loss, s2, x, err);
    memset(covariance, 0, loss->dim * loss->dim * sizeof *covariance);
    for (size_t d = 0; d < loss->dim; d++) covariance[d * loss->dim + d] = s2;
    return SL_OK;
}

void sl_noise_normals(const sl_noise_source *source, size_t j, size_t d, double sigma, double *out)
{
    sl_block_normals(source->block, source->ensemble, SL_PURPOSE_NOISE, j * SL_LOSS_MAX_DIM + d, source->step, sigma,
                     out);
}

void sl_noise_uniforms(const sl_noise_source *source, size_t j, size_t d, double *out)
{
    sl_block_uniforms(source->block, source->ensemble, SL_PURPOSE_NOISE, j * SL_LOSS_MAX_DIM + d, source->step, out);
}
