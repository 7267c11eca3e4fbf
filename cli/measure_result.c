/* The result of `sgdlab measure` as a JSON object. An estimate is {"value", "se"}. */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli/measure.h"

static cJSON *estimate(sl_estimate e)
{
    cJSON *o = cJSON_CreateObject();
    sl_json_number(o, "value", e.value);
    sl_json_number(o, "se", e.se);
    return o;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void add_coordinates(cJSON *o, const sl_net_noise *n, bool saved)
{
    static const struct {
        const char *name;
        double p;
    } quantiles[] = {{"0.05", 0.05}, {"0.25", 0.25}, {"0.5", 0.5}, {"0.75", 0.75}, {"0.95", 0.95}, {"1", 1}};
    const size_t P = n->parameters;
    cJSON *c = cJSON_AddObjectToObject(o, "per_coordinate_D");
    sl_json_estimate(c, "mean", sl_scaled(1 / (double)P, n->trace));
    double *sorted = malloc(P * sizeof *sorted);
    if (sorted) {
        size_t zeros = 0;
        for (size_t i = 0; i < P; i++) zeros += (sorted[i] = n->D[i]) == 0;
        qsort(sorted, P, sizeof *sorted, ascending);
        sl_json_number(c, "median", sorted[(P - 1) / 2]);
        cJSON *q = cJSON_AddObjectToObject(c, "quantiles");
        for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
            sl_json_number(q, quantiles[i].name, sorted[(size_t)(quantiles[i].p * (double)(P - 1))]);
        sl_json_number(c, "zero_fraction", (double)zeros / (double)P);
    }
    free(sorted);
    if (saved) cJSON_AddStringToObject(c, "file", "noise.h5");
}

/* Mean over directions; they share their samples, so the error is the mean of their errors, an upper bound. */
static sl_estimate mean_over(const sl_projection *p, size_t n, size_t member)
{
    sl_estimate sum = {0, 0, INFINITY};
    for (size_t j = 0; j < n; j++) {
        const sl_estimate e = member == 0 ? p[j].kurtosis : member == 1 ? p[j].hill : p[j].stable;
        sum.value += e.value / (double)n;
        sum.se += e.se / (double)n;
    }
    return n > 0 ? sum : (sl_estimate){NAN, NAN, NAN};
}

static void add_member(cJSON *o, const sl_net_noise *n, size_t member)
{
    sl_json_estimate(o, "random", mean_over(n->random, n->n_directions, member));
    for (int along = 0; along < 2; along++) {
        cJSON *list = cJSON_AddArrayToObject(o, along ? "eigenvectors" : "directions");
        const size_t count = along ? n->n_top : n->n_directions;
        const sl_projection *p = along ? n->along : n->random;
        for (size_t j = 0; j < count; j++)
            cJSON_AddItemToArray(list, estimate(member == 0 ? p[j].kurtosis : member == 1 ? p[j].hill : p[j].stable));
    }
}

static void add_noise(cJSON *o, const sl_net_noise *n, bool saved)
{
    sl_json_estimate(o, "trace", n->trace);
    cJSON *batches = cJSON_AddObjectToObject(o, "trace_by_batches");
    cJSON_AddNumberToObject(batches, "batch", (double)n->batch);
    sl_json_estimate(batches, "replacement", n->by_replacement);
    sl_json_estimate(batches, "partition", n->by_partition);
    sl_json_estimate(batches, "partition_uncorrected", n->uncorrected);
    sl_json_estimate(o, "gradient2", n->gradient2);
    sl_json_estimate(o, "noise_scale", n->scale);
    add_coordinates(o, n, saved);
    cJSON_AddStringToObject(o, "spectrum_by", n->gram ? "gram" : "lanczos");
    cJSON *top = cJSON_AddArrayToObject(o, "top_eigenvalues");
    for (size_t j = 0; j < n->n_top; j++) {
        cJSON *e = estimate(n->eigenvalue[j]);
        sl_json_number(e, "residual", n->residual[j]);
        cJSON_AddItemToArray(top, e);
    }
    cJSON *anisotropy = cJSON_AddObjectToObject(o, "anisotropy");
    sl_json_estimate(anisotropy, "participation", n->participation);
    sl_json_estimate(anisotropy, "effective_dimension", sl_scaled((double)n->parameters, n->participation));
    sl_json_estimate(anisotropy, "top_share", n->top_share);
    add_member(cJSON_AddObjectToObject(o, "kurtosis"), n, 0);
    cJSON *tails = cJSON_AddObjectToObject(o, "tail_index");
    add_member(cJSON_AddObjectToObject(tails, "hill"), n, 1);
    add_member(cJSON_AddObjectToObject(tails, "stable"), n, 2);
}

static void add_ends(cJSON *o, const char *key, const sl_estimate *value, const double *residual, size_t n)
{
    cJSON *list = cJSON_AddArrayToObject(o, key);
    for (size_t j = 0; j < n; j++) {
        cJSON *e = estimate(value[j]);
        sl_json_number(e, "residual", residual[j]);
        cJSON_AddItemToArray(list, e);
    }
}

static void add_curvature(cJSON *o, const sl_measurement *x)
{
    const sl_curvature *c = &x->c;
    const sl_train_config *run = &x->run.train;
    cJSON *h = cJSON_AddObjectToObject(o, "hessian");
    cJSON_AddNumberToObject(h, "lanczos_steps", (double)c->steps);
    add_ends(h, "top", c->top, c->residual_top, c->n_top);
    add_ends(h, "bottom", c->bottom, c->residual_bottom, c->n_bottom);
    sl_json_estimate(h, "trace", c->trace);
    sl_json_estimate(h, "square", c->square);
    const double edge = sl_stability_edge(run->lr, run->rule.mu, run->rule.kind == SL_RULE_NESTEROV);
    sl_json_number(h, "stability_edge", edge);
    sl_json_estimate(h, "sharpness_over_edge", sl_scaled(1 / edge, c->top[0]));
    cJSON *d = cJSON_AddObjectToObject(h, "density");
    sl_json_number(d, "width", c->width);
    sl_json_numbers(d, "x", c->grid, c->points);
    sl_json_numbers(d, "value", c->density, c->points);
    sl_json_numbers(d, "se", c->density_se, c->points);
}

static void add_alignment(cJSON *o, const sl_alignment *a)
{
    cJSON *j = cJSON_AddObjectToObject(o, "alignment");
    sl_json_estimate(j, "cosine", a->cosine);
    sl_json_estimate(j, "trace_of_product", a->product);
    sl_json_estimate(j, "noise_in_top_curvature", a->fraction);
    sl_json_number(j, "isotropic", a->isotropic);
}

static void add_direction(cJSON *list, const sl_measurement *x, size_t j)
{
    const sl_fluctuation *f = &x->t.along[j];
    const sl_predicted_temperature *p = &x->direction[j];
    cJSON *o = cJSON_CreateObject();
    sl_json_estimate(o, "curvature", x->late.top[j]);
    sl_json_estimate(o, "D", x->along[j]);
    sl_json_estimate(o, "predicted", p->predicted);
    sl_json_estimate(o, "configurational", sl_scaled(x->late.top[j].value, f->variance));
    sl_json_estimate(o, "virial", f->virial);
    sl_json_estimate(o, "kinetic", sl_scaled(p->per_velocity2, f->velocity2));
    sl_json_number(o, "correlation_steps", f->tau);
    cJSON_AddBoolToObject(o, "trusted", f->trusted);
    cJSON_AddItemToArray(list, o);
}

static void add_temperature(cJSON *o, const sl_measurement *x)
{
    const sl_temperature *t = &x->t;
    const sl_predicted_temperature *late = &x->window[t->windows];
    cJSON *j = cJSON_AddObjectToObject(o, "temperature");
    sl_json_estimate(j, "predicted", late->predicted);
    sl_estimate v2 = t->velocity2;
    v2.value -= t->drift2;
    sl_json_estimate(j, "kinetic", sl_scaled(late->per_velocity2, v2));
    sl_json_number(j, "drift_share", t->drift2 / t->velocity2.value);
    cJSON *list = cJSON_AddArrayToObject(j, "directions");
    for (size_t k = 0; k < t->n_directions; k++) add_direction(list, x, k);
    cJSON *history = cJSON_AddArrayToObject(j, "history");
    for (size_t w = 0; w < t->windows; w++) {
        const sl_temperature_window *h = &t->history[w];
        cJSON *row = cJSON_CreateObject();
        cJSON_AddNumberToObject(row, "first", (double)h->first);
        cJSON_AddNumberToObject(row, "last", (double)h->last);
        sl_json_number(row, "lr", h->lr);
        sl_json_estimate(row, "loss", h->loss);
        sl_json_estimate(row, "trace", h->noise);
        sl_json_estimate(row, "predicted", x->window[w].predicted);
        sl_estimate moved = h->velocity2;
        moved.value -= h->drift2;
        sl_json_estimate(row, "kinetic", sl_scaled(x->window[w].per_velocity2, moved));
        cJSON_AddItemToArray(history, row);
    }
}

cJSON *sl_measure_describe(const sl_measurement *x, const sl_run *run, const cJSON *config)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "samples", (double)sl_objective_samples(x->objective));
    cJSON_AddNumberToObject(o, "parameters", (double)sl_model_parameters(x->model));
    cJSON_AddStringToObject(o, "mode", "evaluation"); /* batch norm's running statistics, no dropout */
    cJSON_AddStringToObject(o, "weights",
                            x->from_checkpoint                   ? "checkpoint"
                            : sl_cli_given(x->cli, "checkpoint") ? "weights file"
                                                                 : "initial");
    sl_json_number(o, "loss", x->loss);
    sl_json_number(o, "accuracy", x->accuracy);
    if (x->noise) add_noise(o, &x->n, sl_run_saves(run));
    if (x->curvature) add_curvature(o, x);
    if (x->noise && x->curvature) add_alignment(o, &x->a);
    if (x->temperature) add_temperature(o, x);
    if (sl_run_saves(run)) cJSON_AddStringToObject(o, "dir", sl_run_dir(run));
    cJSON_AddItemToObject(o, "configuration", cJSON_Duplicate(config, true));
    return o;
}
