#include "nets/effective_rate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "base/stats.h"
#include "nets/layer.h"

/* ---- which layers ---- */

static bool has_weights(const sl_layer *l)
{
    return l->kind == &sl_layer_conv || l->kind == &sl_layer_linear;
}

/* Does the output go somewhere, and nowhere but into batch norms? The last layer's goes into the loss. */
static bool is_normalised(const sl_model *m, size_t layer)
{
    size_t users = 0;
    for (size_t i = layer + 1; i < m->n_layers; i++)
        for (size_t k = 0; k < m->layers[i].n_inputs; k++) {
            if (m->layers[i].input[k] != layer) continue;
            if (m->layers[i].kind != &sl_layer_batch_norm) return false;
            users++;
        }
    return users > 0;
}

static const sl_view *view_at(const sl_model *m, size_t offset)
{
    for (size_t i = 0; i < m->n_views; i++)
        if (m->views[i].offset == offset) return &m->views[i];
    return NULL;
}

sl_status sl_invariant_list(sl_invariant **list, size_t *n, const sl_model *m, sl_err *err)
{
    sl_invariant *const found = malloc(m->n_layers * sizeof *found);
    if (!found) return sl_fail(err, SL_E_MEMORY, "no memory for a list of %zu layers", m->n_layers);
    size_t count = 0;
    for (size_t i = 0; i < m->n_layers; i++) {
        const sl_view *const v =
            has_weights(&m->layers[i]) && is_normalised(m, i) ? view_at(m, m->layers[i].weight) : NULL;
        if (v) found[count++] = (sl_invariant){v->name, v->offset, v->size};
    }
    if (count == 0) {
        free(found);
        return sl_fail(err, SL_E_CONFIG, "the model has no effective rates: none of its layers is followed by batch "
                       "norms alone");
    }
    *list = found;
    *n = count;
    return SL_OK;
}

/* |a - b|^2, b NULL: |a|^2. */
static double distance2(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)a[i] - (b ? (double)b[i] : 0);
        sum += d * d;
    }
    return sum;
}

double sl_invariant_norm2(const sl_invariant *layer, const float *state)
{
    return distance2(state + layer->offset, NULL, layer->size);
}

/* ---- along a training ---- */

enum { STEP, LR, SPREAD, SPREAD_SE, LAYERS };          /* columns, then for each layer: */
enum { NORM2, RATE, UPDATE, UPDATE_SE, EACH };

typedef struct {
    const sl_effective_config *config;
    sl_trainer *trainer;
    sl_invariant *layer;
    size_t n;
    float *before;   /* [parameters]                                */
    double *squares; /* [n][window] squared relative updates        */
    double *row;     /* [LAYERS + EACH n]                           */
    sl_table *table;
} measurement;

static sl_status make_table(measurement *m, sl_err *err)
{
    static const char *const first[LAYERS] = {"step[1]", "lr[1]", "spread[1]", "spread_se[1]"};
    static const char *const pattern[EACH] = {"norm2_%zu[1]", "rate_%zu[1]", "update_%zu[1]", "update_%zu_se[1]"};
    enum { LONGEST = 48 };
    const size_t columns = LAYERS + EACH * m->n;
    char(*const text)[LONGEST] = malloc(columns * sizeof *text);
    const char **const names = malloc(columns * sizeof *names);
    if (text && names) {
        for (size_t j = 0; j < columns; j++) {
            if (j < LAYERS)
                snprintf(text[j], LONGEST, "%s", first[j]);
            else
                snprintf(text[j], LONGEST, pattern[(j - LAYERS) % EACH], (j - LAYERS) / EACH);
            names[j] = text[j];
        }
        m->table = sl_table_alloc(columns, names);
    }
    free(text);
    free(names);
    if (!m->table) return sl_fail(err, SL_E_MEMORY, "no memory for the effective rates of %zu layers", m->n);
    for (size_t k = 0; k < m->n; k++) {
        char key[32];
        snprintf(key, sizeof key, "layer_%zu", k);
        SL_TRY(sl_table_set(m->table, key, err, "%s", m->layer[k].name));
    }
    return SL_OK;
}

/* One update; where j is within the window, what it did. */
static sl_status advance(measurement *m, uint64_t j, sl_err *err)
{
    const uint64_t window = m->config->window;
    float *const state = sl_trainer_params(m->trainer);
    if (sl_stop_requested()) return sl_fail(err, SL_INTERRUPTED, "the measurement of effective rates was interrupted");
    if (j < window) memcpy(m->before, state, sl_model_parameters(m->config->train.model) * sizeof *state);
    SL_TRY(sl_trainer_run(m->trainer, 1, NULL, NULL, err));
    for (size_t k = 0; k < m->n && j < window; k++) {
        const sl_invariant *const l = &m->layer[k];
        const double norm2 = distance2(m->before + l->offset, NULL, l->size);
        const double e2 = distance2(state + l->offset, m->before + l->offset, l->size) / norm2;
        m->squares[k * window + j] = e2;
        if (j > 0) continue;
        double *const row = m->row + LAYERS + EACH * k;
        m->row[LR] = sl_trainer_last_lr(m->trainer);
        row[NORM2] = norm2;
        row[RATE] = m->row[LR] / norm2;
    }
    return SL_OK;
}

/* The row of a window that is full. */
static sl_status finish_row(measurement *m, sl_err *err)
{
    enum { BATCHES = 8 };
    const size_t window = (size_t)m->config->window;
    sl_estimate most = {-INFINITY, 0, 0}, least = {INFINITY, 0, 0};
    for (size_t k = 0; k < m->n; k++) {
        const double *const squares = m->squares + k * window;
        const sl_estimate e2 = sl_batch_means(squares, window, window < BATCHES ? window : BATCHES);
        /* Batch means leave out a remainder: the error is theirs, the mean that of the whole window. */
        const double e = sqrt(sl_mean(squares, window).value);
        const sl_estimate update = {e, e > 0 ? e2.se / (2 * e) : 0, e2.dof};
        m->row[LAYERS + EACH * k + UPDATE] = update.value;
        m->row[LAYERS + EACH * k + UPDATE_SE] = update.se;
        if (!(e > 0 && isfinite(e)))
            return sl_fail(err, SL_E_NUMERIC, "effective rates: relative update %g of layer '%s' from step %g on, need "
                           "weights that are not 0 and move", e, m->layer[k].name, m->row[STEP]);
        if (update.value > most.value) most = update;
        if (update.value < least.value) least = update;
    }
    const sl_estimate spread = sl_ratio(most, least);
    m->row[SPREAD] = spread.value;
    m->row[SPREAD_SE] = m->n > 1 ? spread.se : 0;
    return sl_table_add(m->table, m->row, err);
}

static sl_status run(measurement *m, uint64_t stop, sl_err *err)
{
    const sl_effective_config *const c = m->config;
    for (uint64_t step = 0; step + c->window <= stop; step += c->every) {
        m->row[STEP] = (double)step;
        for (uint64_t j = 0; j < c->every && step + j < stop; j++) SL_TRY(advance(m, j, err));
        SL_TRY(finish_row(m, err));
    }
    return SL_OK;
}

static sl_status check(const sl_effective_config *c, uint64_t stop, sl_err *err)
{
    const uint64_t most = 1 << 20;
    if (!(c->window >= 2 && c->window <= most))
        return sl_fail(err, SL_E_DOMAIN, "effective rates: window = %llu, need 2 <= window <= %llu steps",
                       (unsigned long long)c->window, (unsigned long long)most);
    if (!(c->every >= c->window))
        return sl_fail(err, SL_E_DOMAIN, "effective rates: every = %llu, need every >= window = %llu",
                       (unsigned long long)c->every, (unsigned long long)c->window);
    if (!(stop >= c->window))
        return sl_fail(err, SL_E_DOMAIN, "effective rates: %llu steps, need a window of %llu",
                       (unsigned long long)stop, (unsigned long long)c->window);
    return SL_OK;
}

static sl_status set_up(measurement *m, sl_err *err)
{
    const sl_effective_config *const c = m->config;
    SL_TRY(sl_invariant_list(&m->layer, &m->n, c->train.model, err));
    SL_TRY(sl_trainer_alloc(&m->trainer, &c->train, err));
    SL_TRY(check(c, sl_trainer_stop(m->trainer), err));
    if (c->state) memcpy(sl_trainer_params(m->trainer), c->state, sl_model_state(c->train.model) * sizeof *c->state);
    m->before = malloc(sl_model_parameters(c->train.model) * sizeof *m->before);
    m->squares = malloc(m->n * c->window * sizeof *m->squares);
    m->row = calloc(LAYERS + EACH * m->n, sizeof *m->row);
    if (!m->before || !m->squares || !m->row)
        return sl_fail(err, SL_E_MEMORY, "no memory for the effective rates of %zu layers", m->n);
    return make_table(m, err);
}

sl_status sl_effective_measure(sl_table **t, const sl_effective_config *config, sl_err *err)
{
    measurement m = {.config = config};
    sl_status st = set_up(&m, err);
    if (st == SL_OK) st = run(&m, sl_trainer_stop(m.trainer), err);
    if (st == SL_OK)
        *t = m.table;
    else
        sl_table_free(m.table);
    sl_trainer_free(m.trainer);
    free(m.layer);
    free(m.before);
    free(m.squares);
    free(m.row);
    return st;
}
