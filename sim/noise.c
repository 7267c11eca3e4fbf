#include "sim/noise.h"

#include <math.h>

#include "sim/block.h"
#include "sim/noise_kernel.h"

/* ---- gaussian ---- */

static void add_gaussian(const sl_noise *noise, const sl_loss *loss, double s2, sl_noise_source *source, double *g)
{
    (void)noise;
    sl_block *b = source->block;
    for (size_t d = 0; d < loss->dim; d++) {
        sl_block_normals(b, source->ensemble, SL_PURPOSE_NOISE, d, source->step, sqrt(s2), b->noise);
        sl_noise_add(b->B, g + d * b->B, b->noise);
    }
}

static const sl_noise_kind gaussian = {
    .entry = {.name = "gaussian", .help = "normal, independent in every coordinate, of variance s2", .source = ""},
    .add = add_gaussian,
    .finite_variance = true,
};

/* ---- the registry ---- */

const sl_noise_kind *const sl_noises[] = {&gaussian};
const size_t sl_n_noises = sizeof sl_noises / sizeof *sl_noises;

static const sl_entry *const entries[] = {&gaussian.entry};
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
