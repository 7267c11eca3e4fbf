/* What `sgdlab measure` prints for people. */
#include <math.h>
#include <stdio.h>

#include "cli/measure.h"
#include "cli/output.h"

static const cJSON *at(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static void text_of(char text[64], const cJSON *pair)
{
    const sl_estimate e = sl_cli_read_estimate(pair);
    sl_cli_estimate(text, e.value, e.se);
}

static void line(sl_grid *g, const char *label, const cJSON *pair)
{
    char text[64];
    text_of(text, pair);
    sl_grid_add(g, "%s", label);
    sl_grid_add(g, "%s", text);
}

/* Eigenvalues on a line each, with what is known of them. */
static void values(sl_grid *g, const char *label, const cJSON *list)
{
    int k = 1;
    for (const cJSON *e = list ? list->child : NULL; e; e = e->next, k++) {
        char name[64];
        snprintf(name, sizeof name, "%s %d", label, k);
        line(g, name, e);
    }
}

static void print_noise(const cJSON *r)
{
    const cJSON *batches = at(r, "trace_by_batches"), *anisotropy = at(r, "anisotropy");
    sl_grid *g = sl_grid_alloc("ll");
    line(g, "trace of the noise covariance, per sample", at(r, "trace"));
    line(g, "  by batches with replacement", at(batches, "replacement"));
    line(g, "  by batches that partition", at(batches, "partition"));
    line(g, "D per coordinate, mean", at(at(r, "per_coordinate_D"), "mean"));
    line(g, "squared mean gradient", at(r, "gradient2"));
    line(g, "noise scale, trace over that", at(r, "noise_scale"));
    line(g, "effective dimension", at(anisotropy, "effective_dimension"));
    line(g, "participation (1: isotropic)", at(anisotropy, "participation"));
    line(g, "share of the largest eigenvalue", at(anisotropy, "top_share"));
    values(g, "noise eigenvalue", at(r, "top_eigenvalues"));
    line(g, "excess kurtosis, random directions", at(at(r, "kurtosis"), "random"));
    const cJSON *along = at(at(r, "kurtosis"), "eigenvectors");
    if (along && along->child) line(g, "  leading eigenvector", along->child);
    line(g, "tail index by Hill, random directions", at(at(at(r, "tail_index"), "hill"), "random"));
    line(g, "tail index if alpha-stable (2: Gaussian)", at(at(at(r, "tail_index"), "stable"), "random"));
    sl_grid_print(g);
}

static void print_curvature(const cJSON *h)
{
    sl_grid *g = sl_grid_alloc("ll");
    values(g, "Hessian eigenvalue, largest", at(h, "top"));
    values(g, "Hessian eigenvalue, smallest", at(h, "bottom"));
    line(g, "trace of the Hessian", at(h, "trace"));
    line(g, "sharpness over stability edge", at(h, "sharpness_over_edge"));
    sl_grid_print(g);
}

static void print_alignment(const cJSON *a)
{
    sl_grid *g = sl_grid_alloc("ll");
    line(g, "cosine of noise covariance and Hessian", at(a, "cosine"));
    line(g, "noise in the Hessian's leading eigenvectors", at(a, "noise_in_top_curvature"));
    sl_grid_add(g, "  if it were isotropic");
    sl_grid_add(g, "%.3g", sl_cli_number(at(a, "isotropic")));
    sl_grid_print(g);
}

static void print_temperature(const cJSON *t)
{
    char text[64];
    sl_grid *g = sl_grid_alloc("rrllll");
    static const char *const head[] = {"direction", "curvature", "predicted", "configurational", "virial", "kinetic"};
    for (size_t i = 0; i < 6; i++) sl_grid_add(g, "%s", head[i]);
    bool all = true;
    int k = 1;
    for (const cJSON *d = at(t, "directions")->child; d; d = d->next, k++) {
        all &= cJSON_IsTrue(at(d, "trusted"));
        sl_grid_add(g, "%d%s", k, cJSON_IsTrue(at(d, "trusted")) ? "" : "*");
        sl_grid_add(g, "%.4g", sl_cli_number(at(at(d, "curvature"), "value")));
        for (size_t i = 2; i < 6; i++) {
            text_of(text, at(d, head[i]));
            sl_grid_add(g, "%s", text);
        }
    }
    sl_grid_add(g, "all");
    sl_grid_add(g, "%s", "");
    text_of(text, at(t, "predicted"));
    sl_grid_add(g, "%s", text);
    sl_grid_add(g, "%s", ""), sl_grid_add(g, "%s", "");
    text_of(text, at(t, "kinetic"));
    sl_grid_add(g, "%s", text);
    sl_grid_print(g);
    if (!all) puts("* fewer than 50 correlation times after the burn-in: more --steps");
    const double drift = sl_cli_number(at(t, "drift_share"));
    if (drift > 0.05) printf("%.0f %% of the squared velocity is drift: not stationary\n", 100 * drift);
}

void sl_measure_print(const sl_cli *cli, const cJSON *r)
{
    (void)cli;
    printf("%.0f parameters, %.0f samples, loss %.6g, %.2f %% right\n", sl_cli_number(at(r, "parameters")),
           sl_cli_number(at(r, "samples")), sl_cli_number(at(r, "loss")), 100 * sl_cli_number(at(r, "accuracy")));
    if (at(r, "trace")) print_noise(r);
    if (at(r, "hessian")) print_curvature(at(r, "hessian"));
    if (at(r, "alignment")) print_alignment(at(r, "alignment"));
    if (at(r, "temperature")) print_temperature(at(r, "temperature"));
    if (cJSON_IsString(at(r, "dir"))) printf("complete: %s\n", at(r, "dir")->valuestring);
}
