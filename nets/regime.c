#include "nets/regime.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Two names of one layer: alike up to the last point. */
static bool same_layer(const sl_view *a, const sl_view *b)
{
    const char *const dot_a = strrchr(a->name, '.'), *const dot_b = strrchr(b->name, '.');
    if (!dot_a || !dot_b || dot_a - a->name != dot_b - b->name) return false;
    return memcmp(a->name, b->name, (size_t)(dot_a - a->name)) == 0;
}

/* Views of parameters come first and lie one behind the other. ends NULL: only counts. */
static size_t find_layers(size_t *ends, const sl_model *m)
{
    const size_t parameters = sl_model_parameters(m);
    size_t layers = 0;
    for (size_t i = 0; i < sl_model_n_views(m); i++) {
        const sl_view *const v = sl_model_view(m, i);
        if (v->offset >= parameters) break;
        if (i == 0 || !same_layer(sl_model_view(m, i - 1), v)) layers++;
        if (ends) ends[layers - 1] = v->offset + v->size;
    }
    return layers;
}

static sl_status bind(sl_net_regime *r, const sl_train_config *c, uint64_t steps_per_epoch, sl_regime_space *space,
                      sl_err *err)
{
    SL_TRY(sl_regime_init(&r->regime, c->regime, &c->rule, steps_per_epoch, err));
    r->regime.dealt = c->order == SL_ORDER_REPLACEMENT ? 0 : steps_per_epoch;
    const size_t layers = find_layers(NULL, c->model);
    r->ends = calloc(layers, sizeof *r->ends);
    if (!r->ends) return sl_fail(err, SL_E_MEMORY, "no memory for %zu layers", layers);
    (void)find_layers(r->ends, c->model);
    *space = (sl_regime_space){.n = sl_model_parameters(c->model), .lanes = 1, .flat = true, .ends = r->ends,
                               .layers = layers};
    return SL_OK;
}

sl_status sl_net_regime_bytes(double *bytes, const sl_train_config *c, uint64_t steps_per_epoch, sl_err *err)
{
    sl_net_regime r = {0};
    sl_regime_space space;
    const sl_status st = bind(&r, c, steps_per_epoch, &space, err);
    if (st == SL_OK)
        *bytes = sl_regime_bytes(&r.regime, &space) +
                 (double)(sl_model_state(c->model) + space.n) * sizeof(float);
    sl_net_regime_clear(&r);
    return st;
}

sl_status sl_net_regime_init(sl_net_regime *r, const sl_train_config *c, uint64_t steps_per_epoch, sl_team *team,
                             sl_err *err)
{
    sl_regime_space space;
    SL_TRY(bind(r, c, steps_per_epoch, &space, err));
    space.team = team;
    const double bytes = sl_regime_bytes(&r->regime, &space);
    r->memory = isfinite(bytes) ? aligned_alloc(64, (size_t)bytes) : NULL;
    r->point = calloc(sl_model_state(c->model), sizeof *r->point);
    r->gradient = calloc(space.n, sizeof *r->gradient);
    if (!r->memory || !r->point || !r->gradient)
        return sl_fail(err, SL_E_MEMORY, "no memory for regime '%s' on %zu parameters", c->regime, space.n);
    sl_regime_bind(&r->run, &r->regime, &space, r->memory);
    sl_regime_begin(&r->run);
    return SL_OK;
}

void sl_net_regime_clear(sl_net_regime *r)
{
    free(r->ends);
    free(r->point);
    free(r->gradient);
    free(r->memory);
    *r = (sl_net_regime){0};
}
