/* plrs-tensor: figure 4 of Devapriya et al. 2024, and the same with noisy SGD at other rates. */
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "claims/figures_plrs.h"
#include "claims/plrs_tensor.h"
#include "claims/prose.h"
#include "claims/synthetic.h"

typedef struct {
    const sl_lab *lab;
    double steps;
    sl_estimate last[SL_TENSOR_METHODS];             /* mean error at the end */
    sl_tensor_difference to_plrs[SL_TENSOR_METHODS]; /* it against PLRS       */
    sl_tensor_curves plrs;
} tensor_figure;

static sl_status fill_curves(void *ctx, sl_table *t, sl_err *err)
{
    tensor_figure *f = ctx;
    for (int m = 0; m < SL_TENSOR_METHODS; m++) {
        sl_tensor_curves c;
        sl_lab_report(f->lab, "plrs-tensor", (size_t)m, SL_TENSOR_METHODS);
        SL_TRY(sl_tensor_measure(&c, (sl_tensor_method)m, f->lab, err));
        f->steps = (double)(c.every * (SL_TENSOR_POINTS - 1));
        sl_status st = sl_table_block(t, sl_tensor_name[m], err);
        for (size_t i = 0; i < SL_TENSOR_POINTS && st == SL_OK; i++) {
            sl_welford w = {0};
            for (size_t r = 0; r < c.runs; r++) sl_welford_add(&w, c.error[r * SL_TENSOR_POINTS + i]);
            f->last[m] = sl_welford_mean(&w);
            st = sl_table_add(
                t, (double[]){(double)(i * c.every), f->last[m].value, f->last[m].se, sqrt(sl_welford_variance(&w))},
                err);
        }
        if (m == SL_TENSOR_PLRS)
            f->plrs = c;
        else {
            f->to_plrs[m] = sl_tensor_compare(&c, &f->plrs);
            sl_tensor_curves_clear(&c);
        }
        SL_TRY(st);
    }
    return SL_OK;
}

static void say_tensor(sl_prose *text, cJSON *result, const tensor_figure *f, size_t runs, size_t d)
{
    const sl_tensor_difference *const same = &f->to_plrs[SL_TENSOR_NOISY_MEAN];
    sl_say(text,
           "The paper's claim that PLRS reaches a smaller error sooner %s where noisy SGD has the same mean rate. "
           "Iterations to an error of %g and error in the end, over those of PLRS:",
           sl_verdict_name(same->time.value > log(1.08) && same->last.value > log10(1.05) ? SL_HOLDS : SL_FAILS),
           SL_TENSOR_LEVEL);
    cJSON *list = cJSON_AddArrayToObject(result, "methods");
    for (int m = 0; m < SL_TENSOR_METHODS; m++) {
        const sl_tensor_difference *const to = &f->to_plrs[m];
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "method", sl_tensor_name[m]);
        sl_json_estimate(one, "final_error", f->last[m]);
        cJSON_AddItemToArray(list, one);
        if (m == SL_TENSOR_PLRS) continue;
        sl_json_estimate(one, "log_iterations_over_plrs", to->time);
        sl_json_estimate(one, "log10_error_over_plrs", to->last);
        sl_say(text, "%s %s %.3f ± %.3f and %.3f ± %.3f", m > 1 ? ";" : "", sl_tensor_name[m], exp(to->time.value),
               exp(to->time.value) * to->time.se, pow(10, to->last.value),
               log(10) * pow(10, to->last.value) * to->last.se);
    }
    sl_say(text,
           ". Order 4, d = %zu, mean over %zu runs with the same starts and mini-batches; bands: two standard errors "
           "(left), one "
           "standard deviation (right).\n",
           d, runs);
}

static sl_status tensor(const sl_lab *lab, char **summary, cJSON *result, sl_err *err)
{
    static const char *const columns[] = {"step[1]", "error[1]", "error_se[1]", "error_sd[1]"};
    static const char file[] = "plrs-tensor.dat";
    static const int colours[SL_TENSOR_METHODS] = {1, 0, 2, 3, 6};
    tensor_figure f = {.lab = lab};
    const sl_status st = sl_tabulate(lab, file, 4, columns, fill_curves, &f, err);
    const size_t runs = f.plrs.runs, d = f.plrs.d;
    sl_tensor_curves_clear(&f.plrs);
    SL_TRY(st);
    sl_prose text = {0};
    say_tensor(&text, result, &f, runs, d);
    sl_curve left[SL_TENSOR_METHODS], right[2];
    for (int m = 0; m < SL_TENSOR_METHODS; m++)
        left[m] = (sl_curve){.kind = SL_CURVE_BAND,
                             .title = sl_tensor_name[m],
                             .dat = file,
                             .block = m,
                             .x = "1",
                             .y = "2",
                             .error = "(2*$3)",
                             .colour = colours[m],
                             .dash = m == SL_TENSOR_CONSTANT ? 2 : 0};
    for (int m = 0; m < 2; m++)
        right[m] = (sl_curve){.kind = SL_CURVE_BAND,
                              .title = sl_tensor_name[m],
                              .dat = file,
                              .block = m,
                              .x = "1",
                              .y = "2",
                              .error = "4",
                              .colour = colours[m],
                              .dash = m};
    const sl_panel panels[] = {{.title = "Five kinds of SGD",
                                .xlabel = "iteration",
                                .ylabel = "normalised reconstruction error",
                                .logy = true,
                                .xmin = 0,
                                .xmax = f.steps,
                                .ymin = 0.03,
                                .ymax = 3,
                                .curves = left,
                                .n_curves = SL_TENSOR_METHODS},
                               {.title = "Equal mean rate",
                                .xlabel = "iteration",
                                .ylabel = "normalised reconstruction error",
                                .xmin = 0,
                                .xmax = f.steps,
                                .ymin = 0,
                                .ymax = 2.5,
                                .curves = right,
                                .n_curves = 2}};
    const sl_figure figure = {.name = "plrs-tensor",
                              .title = "Orthogonal tensor decomposition, PLRS and noisy SGD",
                              .caption = text.text,
                              .rows = 1,
                              .columns = 2,
                              .panels = panels,
                              .n_panels = 2};
    return sl_finish_figure(lab, &figure, &text, summary, err);
}

const sl_recipe sl_recipe_plrs_tensor = {
    "plrs-tensor", "Devapriya 2024, figure 4",
    "reconstruction error of the tensor decomposition against iterations: PLRS, noisy SGD and a constant rate", tensor};
