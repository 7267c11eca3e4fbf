#include "sim/loss.h"

#include <math.h>
#include <string.h>

#include "sim/losses/losses.h"

const sl_loss_kind *const sl_losses[] = {
    &sl_loss_quadratic,        &sl_loss_double_well,      &sl_loss_tilted_double_well, &sl_loss_quartic,
    &sl_loss_periodic,         &sl_loss_quadratic_saddle, &sl_loss_strict_saddle,      &sl_loss_rosenbrock,
    &sl_loss_bent_double_well, &sl_loss_mueller_brown,    &sl_loss_monkey_saddle,      &sl_loss_matrix_factorisation,
    &sl_loss_phase_retrieval,  &sl_loss_tensor_decomposition, &sl_loss_absolute,    &sl_loss_huber,
    &sl_loss_least_squares,    &sl_loss_least_squares_online, &sl_loss_logistic,       &sl_loss_hinge,
};
const size_t sl_n_losses = sizeof sl_losses / sizeof *sl_losses;

static const sl_entry *const entries[] = {
    &sl_loss_quadratic.entry,     &sl_loss_double_well.entry, &sl_loss_tilted_double_well.entry,
    &sl_loss_quartic.entry,       &sl_loss_periodic.entry,    &sl_loss_quadratic_saddle.entry,
    &sl_loss_strict_saddle.entry, &sl_loss_rosenbrock.entry,  &sl_loss_bent_double_well.entry,
    &sl_loss_mueller_brown.entry, &sl_loss_monkey_saddle.entry, &sl_loss_matrix_factorisation.entry,
    &sl_loss_phase_retrieval.entry, &sl_loss_tensor_decomposition.entry,
    &sl_loss_absolute.entry, &sl_loss_huber.entry, &sl_loss_least_squares.entry, &sl_loss_least_squares_online.entry,
    &sl_loss_logistic.entry, &sl_loss_hinge.entry,
};
_Static_assert(sizeof entries / sizeof *entries == sizeof sl_losses / sizeof *sl_losses, "an entry a loss");

const sl_entry *const *sl_loss_entries(void)
{
    return entries;
}

/* Fills in what follows from kind and spec, in a copy, so that a refusal leaves *loss alone. */
static sl_status finish(sl_loss *loss, const sl_loss_kind *kind, const sl_spec *spec, sl_err *err)
{
    sl_loss l = {.kind = kind, .spec = *spec, .dim = 1, .least = NAN};
    for (size_t d = 0; d < SL_LOSS_MAX_DIM; d++) l.minimiser[d] = NAN;
    if (kind->init) {
        SL_TRY(kind->init(&l, err));
    } else {
        for (size_t k = 0; k < kind->entry.n_params; k++) l.data[k] = spec->value[k].v[0];
    }
    if (!(l.dim >= 1 && l.dim <= SL_LOSS_MAX_DIM))
        return sl_fail(err, SL_E_DOMAIN, "loss '%s': dim = %zu, need 1 <= dim <= %d", kind->entry.name, l.dim,
                       SL_LOSS_MAX_DIM);
    *loss = l;
    return SL_OK;
}

sl_status sl_loss_init(sl_loss *loss, const char *text, sl_err *err)
{
    sl_spec spec;
    SL_TRY(sl_spec_parse(&spec, text, "loss", entries, sl_n_losses, err));
    const sl_loss_kind *kind = sl_losses[0];
    for (size_t i = 0; i < sl_n_losses; i++)
        if (&sl_losses[i]->entry == spec.entry) kind = sl_losses[i];
    return finish(loss, kind, &spec, err);
}

sl_status sl_loss_init_kind(sl_loss *loss, const sl_loss_kind *kind, sl_err *err)
{
    sl_spec spec;
    const sl_entry *entry = &kind->entry;
    SL_TRY(sl_spec_parse(&spec, entry->name, "loss", &entry, 1, err));
    return finish(loss, kind, &spec, err);
}

bool sl_loss_restricted(const sl_loss *loss)
{
    return loss->kind->project && !loss->everywhere;
}

/* A block of equal points, the smallest that kernels take. */
enum { LANES = 8 };
typedef struct {
    _Alignas(64) double v[SL_LOSS_MAX_DIM * LANES];
} points;

static void spread(points *p, const sl_loss *loss, const double *x)
{
    for (size_t d = 0; d < loss->dim; d++)
        for (size_t i = 0; i < LANES; i++) p->v[d * LANES + i] = x[d];
}

double sl_loss_value(const sl_loss *loss, const double *x)
{
    points p;
    _Alignas(64) double f[LANES];
    spread(&p, loss, x);
    loss->kind->value(loss, LANES, LANES, p.v, f);
    return f[0];
}

void sl_loss_gradient(const sl_loss *loss, const double *x, double *g)
{
    points p, q;
    spread(&p, loss, x);
    loss->kind->gradient(loss, LANES, LANES, p.v, q.v);
    for (size_t d = 0; d < loss->dim; d++) g[d] = q.v[d * LANES];
}

double sl_loss_slice_value(double x, void *slice)
{
    const sl_loss_slice *s = slice;
    double point[SL_LOSS_MAX_DIM];
    memset(point, 0, s->loss->dim * sizeof *point);
    point[s->d] = x;
    return sl_loss_value(s->loss, point);
}

double sl_loss_slice_derivative(double x, void *slice)
{
    const sl_loss_slice *s = slice;
    double point[SL_LOSS_MAX_DIM] = {0}, g[SL_LOSS_MAX_DIM];
    point[s->d] = x;
    sl_loss_gradient(s->loss, point, g);
    return g[s->d];
}
