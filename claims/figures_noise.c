/* noise-spectrum: eigenvalues of the gradient noise beside those of the Hessian, before and after training. */
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "claims/musso_noise.h"
#include "claims/prose.h"

static const char *const when[SL_NOISE_STAGES] = {"before training", "after training"};

static sl_status fill_ranks(void *ctx, sl_table *t, sl_err *err)
{
    const sl_musso_noise *const n = ctx;
    SL_TRY(sl_table_set(t, "eigenvalues", err, "of the covariance D_hat of per-sample gradients, and of the Hessian of the "
                                               "mean loss; errors: over samples, first order"));
    for (size_t stage = 0; stage < SL_NOISE_STAGES; stage++) {
        SL_TRY(sl_table_block(t, when[stage], err));
        const sl_net_noise *const d = &n->noise[stage];
        const sl_curvature *const h = &n->curvature[stage];
        for (size_t i = 0; i < d->n_top && i < h->n_top; i++) {
            const double row[] = {(double)(i + 1), d->eigenvalue[i].value, d->eigenvalue[i].se, h->top[i].value, h->top[i].se};
            SL_TRY(sl_table_add(t, row, err));
        }
    }
    return SL_OK;
}

static sl_status fill_density(void *ctx, sl_table *t, sl_err *err)
{
    const sl_musso_noise *const n = ctx;
    SL_TRY(sl_table_set(t, "density", err, "of the Hessian's eigenvalues, each a Gaussian of the width below; integrates "
                                           "to 1; error over probes"));
    for (size_t stage = 0; stage < SL_NOISE_STAGES; stage++) {
        const sl_curvature *const h = &n->curvature[stage];
        char title[64];
        snprintf(title, sizeof title, "%s, width %.3g", when[stage], h->width);
        SL_TRY(sl_table_block(t, title, err));
        for (size_t i = 0; i < h->points; i++) {
            const double row[] = {h->grid[i], h->density[i], h->density_se[i]};
            SL_TRY(sl_table_add(t, row, err));
        }
    }
    return SL_OK;
}

static void say(sl_prose *text, cJSON *result, const sl_musso_noise *n, const sl_musso_noise_setting *s)
{
    cJSON *const list = cJSON_AddArrayToObject(result, "stages");
    sl_say(text, "%s on %s, %zu samples, plain SGD, l = %g, C = %zu, %llu epochs.\n", s->model, s->data,
           n->noise[0].samples, s->lr, s->batch, (unsigned long long)s->epochs);
    for (size_t i = 0; i < SL_NOISE_STAGES; i++) {
        const sl_net_noise *const d = &n->noise[i];
        const sl_curvature *const h = &n->curvature[i];
        sl_say(text, "%s: tr D %.3g ± %.2g, largest eigenvalue %.1f %% of it, anisotropy (tr D)²/(P tr D²) %.2e; Hessian's "
                     "largest %.3g ± %.2g, trace %.3g ± %.2g; cosine of D and H %.3f ± %.3f, %.1f %% of the noise in H's %zu "
                     "leading directions\n",
               when[i], d->trace.value, d->trace.se, 100 * d->top_share.value, d->participation.value, h->top[0].value,
               h->top[0].se, h->trace.value, h->trace.se, n->alignment[i].cosine.value, n->alignment[i].cosine.se,
               100 * n->alignment[i].fraction.value, h->n_top);
        cJSON *const o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "stage", when[i]);
        sl_json_estimate(o, "trace", d->trace);
        sl_json_estimate(o, "top_share", d->top_share);
        sl_json_estimate(o, "anisotropy", d->participation);
        sl_json_estimate(o, "hessian_top", h->top[0]);
        sl_json_estimate(o, "hessian_trace", h->trace);
        sl_json_estimate(o, "cosine", n->alignment[i].cosine);
        sl_json_estimate(o, "fraction_in_hessian_top", n->alignment[i].fraction);
        cJSON_AddItemToArray(list, o);
    }
}

static sl_status draw(const sl_lab *lab, sl_musso_noise *n, const sl_musso_noise_setting *s, char **summary, cJSON *result,
                      sl_err *err)
{
    static const char ranks[] = "noise-spectrum.dat", density[] = "noise-spectrum-density.dat";
    static const char *const rank_columns[] = {"rank[1]", "noise[1]", "noise_se[1]", "hessian[1]", "hessian_se[1]"};
    static const char *const density_columns[] = {"eigenvalue[1]", "density[1]", "density_se[1]"};
    SL_TRY(sl_tabulate(lab, ranks, 5, rank_columns, fill_ranks, n, err));
    SL_TRY(sl_tabulate(lab, density, 3, density_columns, fill_density, n, err));
    sl_prose text = {0};
    say(&text, result, n, s);
    const sl_curve spectrum[] = {
        {.kind = SL_CURVE_POINTS, .title = "noise, before", .dat = ranks, .block = 0, .x = "1", .y = "2", .error = "3", .colour = 0},
        {.kind = SL_CURVE_POINTS, .title = "noise, after", .dat = ranks, .block = 1, .x = "1", .y = "2", .error = "3", .colour = 1},
        {.kind = SL_CURVE_LINE, .title = "Hessian, before", .dat = ranks, .block = 0, .x = "1", .y = "($4>0?$4:NaN)", .colour = 0},
        {.kind = SL_CURVE_LINE, .title = "Hessian, after", .dat = ranks, .block = 1, .x = "1", .y = "($4>0?$4:NaN)", .colour = 1,
         .dash = 1}};
    const sl_curve densities[] = {
        {.kind = SL_CURVE_LINE, .title = "before", .dat = density, .block = 0, .x = "1", .y = "($2>1e-7?$2:NaN)", .colour = 0},
        {.kind = SL_CURVE_LINE, .title = "after", .dat = density, .block = 1, .x = "1", .y = "($2>1e-7?$2:NaN)", .colour = 1,
         .dash = 1}};
    const sl_panel panels[] = {
        {.title = "Leading eigenvalues", .xlabel = "rank", .ylabel = "eigenvalue", .logx = true, .logy = true, .xmin = 1,
         .xmax = (double)n->noise[0].n_top, .ymin = NAN, .ymax = NAN, .curves = spectrum, .n_curves = 4},
        {.title = "The Hessian's spectral density", .xlabel = "eigenvalue", .ylabel = "density", .logy = true,
         .xmin = NAN, .xmax = NAN, .ymin = NAN, .ymax = NAN, .curves = densities, .n_curves = 2}};
    const sl_figure figure = {.name = "noise-spectrum", .title = "Gradient noise and curvature of Model 1",
                              .caption = text.text, .rows = 1, .columns = 2, .panels = panels, .n_panels = 2};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

static sl_status noise_spectrum(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    const sl_musso_noise_setting s = sl_musso_noise_at(lab->scale);
    sl_musso_noise n;
    SL_TRY(sl_musso_noise_measure(&n, lab, &s, true, err));
    const sl_status st = draw(lab, &n, &s, summary, result, err);
    sl_musso_noise_clear(&n);
    return st;
}

const sl_recipe sl_recipe_noise_spectrum = {
    "noise-spectrum", "Musso 2020, eq 9",
    "eigenvalues of Model 1's gradient noise and Hessian, before and after training", noise_spectrum};
