#include "nets/model.h"

#include <stdlib.h>

#include "base/random.h"
#include "nets/layer.h"
#include "nets/models/models.h"

const sl_entry *const sl_models[] = {&sl_model_mlp.entry};
const size_t sl_n_models = sizeof sl_models / sizeof *sl_models;

sl_status sl_model_alloc(sl_model **m, const char *text, size_t channels, size_t height, size_t width, size_t classes,
                         sl_err *err)
{
    sl_spec spec;
    SL_TRY(sl_spec_parse(&spec, text, "model", sl_models, sl_n_models, err));
    if (classes < 2 || classes > 256)
        return sl_fail(err, SL_E_DOMAIN, "model '%s': %zu classes, need 2 to 256", text, classes);
    if (channels * height * width == 0)
        return sl_fail(err, SL_E_DOMAIN, "model '%s': input of %zux%zux%zu is empty", text, channels, height, width);
    const sl_architecture *const a = (const sl_architecture *)spec.entry; /* its first member */
    sl_builder *b;
    SL_TRY(sl_builder_alloc(&b, (sl_shape){height, width, channels}, classes, a->start, err));
    a->build(b, &spec);
    const sl_status st = sl_builder_finish(b, m, err);
    return st == SL_OK ? st : sl_fail_in(err, st, "model '%s' on pictures of %zux%zux%zu", text, channels, height, width);
}

void sl_model_free(sl_model *m)
{
    if (!m) return;
    free(m->layers);
    free(m->views);
    free(m->inits);
    free(m);
}

size_t sl_model_inputs(const sl_model *m)
{
    return sl_shape_size(m->input);
}

size_t sl_model_classes(const sl_model *m)
{
    return m->classes;
}

size_t sl_model_parameters(const sl_model *m)
{
    return m->parameters;
}

size_t sl_model_state(const sl_model *m)
{
    return m->state;
}

size_t sl_model_n_views(const sl_model *m)
{
    return m->n_views;
}

const sl_view *sl_model_view(const sl_model *m, size_t i)
{
    return &m->views[i];
}

/* Backward is twice forward: gradient of the weights and of the input, which the pictures do not want. */
double sl_model_flops(const sl_model *m)
{
    double flops = 0;
    for (size_t i = 1; i < m->n_layers; i++) {
        const sl_layer *const l = &m->layers[i];
        if (l->kind->flops) flops += (l->input[0] == 0 ? 2 : 3) * l->kind->flops(l);
    }
    return flops;
}

static void start_view(float *at, const sl_view *v, const sl_init *init, uint64_t seed, uint32_t replica)
{
    enum { CHUNK = 1024 };
    double u[CHUNK];
    const sl_draw draw = {.seed = seed, .step = init->step, .sub = replica, .purpose = SL_PURPOSE_INIT};
    for (size_t start = 0; start < v->size; start += CHUNK) {
        const size_t count = v->size - start < CHUNK ? v->size - start : CHUNK;
        switch (init->law) {
        case SL_INIT_CONSTANT:
            for (size_t k = 0; k < count; k++) at[start + k] = (float)init->scale;
            break;
        case SL_INIT_UNIFORM:
            sl_random_uniforms(u, count, init->lane + start, &draw);
            for (size_t k = 0; k < count; k++) at[start + k] = (float)(init->scale * (2 * u[k] - 1));
            break;
        case SL_INIT_NORMAL: sl_random_normals_f(at + start, count, init->lane + start, init->scale, &draw); break;
        }
    }
}

void sl_model_init(const sl_model *m, float *state, uint64_t seed, uint32_t replica)
{
    for (size_t i = 0; i < m->n_views; i++)
        start_view(state + m->views[i].offset, &m->views[i], &m->inits[i], seed, replica);
}
