/* What convex losses share: the ball or box that they live on, and spectra of features. */
#include <math.h>
#include <string.h>

#include "sim/losses/losses.h"

static double value_of(const sl_spec *spec, const char *name)
{
    for (size_t k = 0; k < spec->entry->n_params; k++)
        if (strcmp(spec->entry->params[k].name, name) == 0) return spec->value[k].v[0];
    return 0;
}

sl_status sl_domain_init(sl_loss *loss, sl_err *err)
{
    const double radius = value_of(&loss->spec, "radius"), box = value_of(&loss->spec, "box");
    if (radius > 0 && box > 0)
        return sl_fail(err, SL_E_DOMAIN, "loss '%s': radius = %g and box = %g, need one of them or none",
                       loss->kind->entry.name, radius, box);
    loss->data[SL_DOMAIN_RADIUS] = radius;
    loss->data[SL_DOMAIN_BOX] = box;
    loss->everywhere = !(radius > 0 || box > 0);
    return SL_OK;
}

/* Up to rounding, which may leave a point of the sphere a little outside. */
bool sl_domain_holds(const sl_loss *loss, const double *x)
{
    const double radius = loss->data[SL_DOMAIN_RADIUS], box = loss->data[SL_DOMAIN_BOX];
    double square = 0, most = 0;
    for (size_t d = 0; d < loss->dim; d++) {
        square += x[d] * x[d];
        most = fmax(most, fabs(x[d]));
    }
    return !(radius > 0 && sqrt(square) > radius * (1 + 1e-14)) && !(box > 0 && most > box);
}

sl_status sl_spectrum_init(double *out, size_t *n, const sl_spec *spec, sl_err *err)
{
    const size_t list = sl_spec_index(spec, "spectrum"), given = spec->value[list].n;
    const size_t asked = (size_t)sl_spec_get(spec, "n"), dim = asked > 0 ? asked : given > 0 ? given : 2;
    const double decay = sl_spec_get(spec, "decay");
    if (given > 0 && given != dim)
        return sl_fail(err, SL_E_DOMAIN, "loss '%s': n = %zu, but the spectrum has %zu values", spec->entry->name, dim,
                       given);
    if (given > 0 && decay > 0)
        return sl_fail(err, SL_E_DOMAIN, "loss '%s': decay = %g and a spectrum, need one of them", spec->entry->name,
                       decay);
    for (size_t d = 0; d < dim; d++) out[d] = given > 0 ? spec->value[list].v[d] : pow((double)(d + 1), -decay);
    *n = dim;
    return SL_OK;
}
