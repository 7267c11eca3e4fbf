#include "cli/samples.h"

#include <stdlib.h>

#include "nets/dataset.h"

/* ---- pictures to features ---- */

/* The side of the squares; 0: there are none. */
static size_t find_side(const sl_dataset *d)
{
    for (size_t k = 1; k <= d->height && k <= d->width; k++) {
        if (d->height % k != 0 || d->width % k != 0) continue;
        if (d->height / k * (d->width / k) * d->channels < SL_LOSS_MAX_DIM) return k;
    }
    return 0;
}

static void average(double *features, const float *picture, const sl_dataset *d, size_t side)
{
    const size_t across = d->width / side, n = d->height / side * across * d->channels;
    for (size_t k = 0; k < n; k++) features[k] = 0;
    for (size_t y = 0; y < d->height; y++)
        for (size_t x = 0; x < d->width; x++)
            for (size_t c = 0; c < d->channels; c++)
                features[(y / side * across + x / side) * d->channels + c] +=
                    picture[(y * d->width + x) * d->channels + c] / (double)(side * side);
    features[n] = 1;
}

/* Leaves out features that are the same number in all samples (margins of the pictures): the constant term is there
 * already, and twice it would leave no unique minimum. */
static void drop_constants(sl_cli_samples *s)
{
    size_t kept[SL_LOSS_MAX_DIM], n = 0;
    for (size_t k = 0; k < s->n; k++) {
        bool varies = k + 1 == s->n;
        for (size_t j = 1; j < s->m && !varies; j++) varies = s->features[j * s->n + k] != s->features[k];
        if (varies) kept[n++] = k;
    }
    for (size_t j = 0; j < s->m; j++)
        for (size_t k = 0; k < n; k++) s->features[j * n + k] = s->features[j * s->n + kept[k]];
    s->n = n;
}

static sl_status fill(sl_cli_samples *s, const sl_dataset *d, const uint8_t classes[2], sl_err *err)
{
    const size_t side = find_side(d);
    if (side == 0)
        return sl_fail(err, SL_E_DOMAIN, "--data: no squares of %zu x %zu pixels leave fewer than %d features",
                       d->height, d->width, SL_LOSS_MAX_DIM);
    s->n = d->height / side * (d->width / side) * d->channels + 1;
    for (size_t i = 0; i < d->n; i++) s->m += d->labels[i] == classes[0] || d->labels[i] == classes[1];
    s->features = malloc((s->m * s->n + 1) * sizeof *s->features);
    s->targets = malloc((s->m + 1) * sizeof *s->targets);
    float *const picture = malloc(d->features * sizeof *picture);
    sl_status st = SL_OK;
    if (!s->features || !s->targets || !picture)
        st = sl_fail(err, SL_E_MEMORY, "no memory for %zu samples of %zu features", s->m, s->n);
    for (size_t i = 0, j = 0; i < d->n && st == SL_OK; i++) {
        if (d->labels[i] != classes[0] && d->labels[i] != classes[1]) continue;
        uint8_t label;
        sl_dataset_gather(d, picture, &label, NULL, i, 1);
        average(s->features + j * s->n, picture, d, side);
        s->targets[j++] = label == classes[0] ? -1 : 1;
    }
    free(picture);
    if (st == SL_OK) drop_constants(s);
    return st;
}

static sl_status read_classes(uint8_t classes[2], const sl_cli *cli, const sl_dataset *d, sl_err *err)
{
    size_t n;
    const double *const c = sl_cli_reals(cli, "classes", &n);
    if (n != 2 || c[0] == c[1])
        return sl_fail(err, SL_E_DOMAIN, "--classes names %zu labels, need two different ones", n);
    for (size_t i = 0; i < 2; i++) {
        if (!(c[i] < (double)d->classes && c[i] == (double)(uint8_t)c[i]))
            return sl_fail(err, SL_E_DOMAIN, "--classes: %g is none of the labels 0 to %zu", c[i], d->classes - 1);
        classes[i] = (uint8_t)c[i];
    }
    return SL_OK;
}

/* ---- the loss ---- */

void sl_cli_samples_clear(sl_cli_samples *s)
{
    free(s->features);
    free(s->targets);
    *s = (sl_cli_samples){0};
}

sl_status sl_cli_loss(sl_loss *loss, sl_cli_samples *s, const sl_cli *cli, const char *option, sl_err *err)
{
    const char *const text = sl_cli_text(cli, option), *const data = sl_cli_text(cli, "data");
    if (!data) {
        if (sl_cli_given(cli, "classes") || sl_cli_given(cli, "data-dir"))
            return sl_fail(err, SL_E_USAGE, "--%s goes with --data: the samples of '%s' are synthetic",
                           sl_cli_given(cli, "classes") ? "classes" : "data-dir", text);
        return sl_loss_init(loss, text, err);
    }
    sl_dataset train = {0}, test = {0};
    uint8_t classes[2] = {0};
    sl_cli_samples made = {0};
    sl_status st = sl_dataset_load(&train, &test, data, sl_cli_text(cli, "data-dir"), err);
    if (st == SL_OK) st = read_classes(classes, cli, &train, err);
    if (st == SL_OK) st = fill(&made, &train, classes, err);
    if (st == SL_OK) st = sl_loss_from_samples(loss, text, made.m, made.n, made.features, made.targets, err);
    sl_dataset_free(&train);
    sl_dataset_free(&test);
    if (st != SL_OK) {
        sl_cli_samples_clear(&made);
        return st;
    }
    *s = made;
    return SL_OK;
}

void sl_cli_samples_resolve(cJSON *config, const sl_cli_samples *s)
{
    static const char *const of_data[] = {"data", "classes", "data-dir"};
    for (size_t i = 0; i < sizeof of_data / sizeof *of_data && !s->features; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(config, of_data[i]);
    if (!s->features) return;
    cJSON_AddNumberToObject(config, "samples", (double)s->m);
    cJSON_AddNumberToObject(config, "features", (double)s->n);
}
