#include "nets/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "nets/layer.h"
#include "nets/models/models.h"

/* Members of families that have names of their own; written as the family's when they are asked for. */
static const sl_entry resnet20 = {"resnet20", "resnet:depth=20, 3 blocks a stage", "He et al. 2016", NULL, 0},
                      resnet32 = {"resnet32", "resnet:depth=32, 5 blocks a stage", "He et al. 2016", NULL, 0},
                      resnet44 = {"resnet44", "resnet:depth=44, 7 blocks a stage", "He et al. 2016", NULL, 0},
                      resnet56 = {"resnet56", "resnet:depth=56, 9 blocks a stage", "He et al. 2016", NULL, 0},
                      resnet110 = {"resnet110", "resnet:depth=110, 18 blocks a stage", "He et al. 2016", NULL, 0},
                      wrn_28_10 = {"wrn-28-10", "wrn:depth=28:width=10", "Zagoruyko, Komodakis 2016", NULL, 0},
                      densenet_40_12 = {"densenet-40-12", "densenet:depth=40:growth=12", "Huang et al. 2017", NULL, 0};

enum { ARCHITECTURES = 8 }; /* the first ones, which are members of an sl_architecture */
const sl_entry *const sl_models[] = {
    &sl_model_mlp.entry, &sl_model_cnn.entry,    &sl_model_vgg16.entry, &sl_model_vgg16_bn.entry,
    &sl_model_resnet50.entry, &sl_model_resnet.entry, &sl_model_wrn.entry,   &sl_model_densenet.entry,
    &resnet20,           &resnet32,              &resnet44,             &resnet56,
    &resnet110,          &wrn_28_10,             &densenet_40_12};
const size_t sl_n_models = sizeof sl_models / sizeof *sl_models;

/* "resnet56:channels=8" to "resnet:depth=56:channels=8", and so on; any other text is left as it is. */
static void expand(char *out, size_t size, const char *text)
{
    static const struct {
        const char *prefix, *family, *parameters[2];
    } families[] = {{"resnet", "resnet", {"depth", NULL}},
                    {"wrn-", "wrn", {"depth", "width"}},
                    {"densenet-", "densenet", {"depth", "growth"}}};
    const size_t length = strcspn(text, ":");
    snprintf(out, size, "%s", text);
    for (size_t i = 0; i < ARCHITECTURES; i++)
        if (strlen(sl_models[i]->name) == length && strncmp(sl_models[i]->name, text, length) == 0) return;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const size_t prefix = strlen(families[i].prefix);
        if (strncmp(text, families[i].prefix, prefix) != 0) continue;
        const char *const a = text + prefix, *const *const names = families[i].parameters;
        const size_t digits = strspn(a, "0123456789");
        const char *const b = a + digits + 1; /* the second number, if there is one */
        if (digits == 0) continue;
        if (!names[1] && a + digits == text + length)
            snprintf(out, size, "%s:%s=%s", families[i].family, names[0], a);
        if (names[1] && a[digits] == '-' && strspn(b, "0123456789") > 0 && b + strspn(b, "0123456789") == text + length)
            snprintf(out, size, "%s:%s=%.*s:%s=%s", families[i].family, names[0], (int)digits, a, names[1], b);
    }
}

static sl_status build_named(sl_builder *b, const sl_spec *spec, sl_model **m, sl_err *err)
{
    const double start = sl_spec_get(spec, "init");
    if (!isnan(start)) sl_build_start(b, (sl_start)start);
    ((const sl_architecture *)spec->entry)->build(b, spec); /* its first member */
    return sl_builder_finish(b, m, err);
}

static bool is_description(const char *text)
{
    return *text == '@' || strpbrk(text, " ;(\n") != NULL;
}

sl_status sl_model_alloc(sl_model **m, const char *text, size_t channels, size_t height, size_t width, size_t classes,
                         sl_err *err)
{
    const bool described = is_description(text);
    const int shown = strlen(text) > 60 ? 60 : (int)strlen(text);
    char name[1088];
    sl_spec spec = {0};
    expand(name, sizeof name, described ? "" : text);
    if (!described) SL_TRY(sl_spec_parse(&spec, name, "model", sl_models, sl_n_models, err));
    if (classes < 2 || classes > 256)
        return sl_fail(err, SL_E_DOMAIN, "model '%.*s': %zu classes, need 2 to 256", shown, text, classes);
    if (channels == 0 || height == 0 || width == 0)
        return sl_fail(err, SL_E_DOMAIN, "model '%.*s': input of %zux%zux%zu is empty", shown, text, channels, height,
                       width);
    char *all;
    SL_TRY(sl_model_text(&all, text, err));
    sl_builder *b;
    sl_status st = sl_builder_alloc(&b, (sl_shape){height, width, channels}, classes, SL_START_DEFAULT, err);
    if (st == SL_OK && described) {
        sl_build_described(b, all);
        st = sl_builder_finish(b, m, err);
    } else if (st == SL_OK) {
        st = build_named(b, &spec, m, err);
    }
    free(all);
    return st == SL_OK ? st : sl_fail_in(err, st, "model '%.*s%s' on pictures of %zux%zux%zu", shown, text,
                                         text[shown] ? "..." : "", channels, height, width);
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
