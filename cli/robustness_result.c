/* What `robustness` says: its JSON object, and the same for people. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/output.h"
#include "cli/robustness.h"

static const double ratios[] = {2, 4, 8, 16};

static cJSON *json_table(const sl_robust_case *c, const sl_robust_found *f)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < c->n; i++) {
        const sl_worst *w = &f->worst[i];
        cJSON *row = cJSON_CreateObject();
        cJSON_AddItemToArray(list, row);
        sl_json_number(row, "rho", w->rho);
        sl_json_number(row, "lr", c->tuned * w->rho);
        sl_json_estimate(row, c->slopes ? "worst_excess" : "excess", w->excess);
        sl_json_number(row, "slope", w->slope);
        if (c->slopes && c->r.suffix == 0) sl_json_number(row, "bound", f->bound[i]);
    }
    return list;
}

static void add_window(cJSON *j, const sl_robust_found *f)
{
    cJSON *w = cJSON_AddObjectToObject(j, "window");
    sl_json_number(w, "lo", f->fit.lo);
    sl_json_number(w, "hi", f->fit.hi);
    cJSON_AddNumberToObject(w, "points", (double)f->fit.points);
    sl_json_number(w, "bend", f->fit.bend);
    cJSON_AddStringToObject(
        w, "rule", f->window.annealed ? "rho >= 2, worst slopes with sigma^2/s^2 >= 16 steps"
                   : f->window.lo > 2 ? "8 <= rho <= sqrt(T)/2"
                                      : "2 <= rho <= sqrt(T)/2");
}

static void add_theory(cJSON *j, const sl_robust_case *c, const sl_robust_found *f)
{
    sl_json_number(j, "predicted_exponent", f->has_theory ? f->theory.exponent : NAN);
    cJSON *t = cJSON_AddObjectToObject(j, "predicted");
    cJSON_AddBoolToObject(t, "annealed", f->kind.annealed);
    cJSON_AddBoolToObject(t, "monotone", f->kind.monotone);
    sl_json_number(t, "bound_slope", c->slopes ? f->theory.slope : NAN);
    sl_json_number(t, "rho_lo", f->has_theory && c->slopes ? f->theory.lo : NAN);
    sl_json_number(t, "rho_hi", f->has_theory && c->slopes ? f->theory.hi : NAN);
}

/* What the best point of a grid of ratio r has on average over where the grid begins, in units of the tuned one's. */
static void add_grid(cJSON *j, const sl_robust_case *c, const sl_robust_found *f)
{
    static const double rounding = 1e-12; /* of the excess at the start */
    double x[SL_TUNING_POINTS], loss[SL_TUNING_POINTS], least = INFINITY;
    for (size_t i = 0; i < SL_TUNING_POINTS; i++) {
        x[i] = log(f->tuning_lr[i]);
        loss[i] = fmin(f->tuning[i].excess.value, 1e300);
        least = fmin(least, loss[i]);
    }
    const double start = c->slopes ? 0 : sl_loss_value(&c->curve.loss, c->curve.loss.start) - c->curve.loss.least;
    if (!(least > rounding * start)) least = NAN; /* no unit: all that is left is rounding */
    cJSON *list = cJSON_AddArrayToObject(j, "grid");
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++) {
        double mean, worst;
        if (sl_grid_search_loss(&mean, &worst, x, loss, SL_TUNING_POINTS, ratios[i], NULL) != SL_OK) continue;
        cJSON *row = cJSON_CreateObject();
        cJSON_AddItemToArray(list, row);
        sl_json_number(row, "ratio", ratios[i]);
        sl_json_number(row, "mean", mean / least);
        sl_json_number(row, "worst", worst / least);
    }
}

static void add_note(cJSON *notes, const char *text)
{
    cJSON_AddItemToArray(notes, cJSON_CreateString(text));
}

/* Where the bound's slope comes near the predicted power beyond the rhos fitted only. */
static void add_horizon_note(cJSON *notes, const sl_robust_found *f)
{
    char text[400];
    if (!f->has_theory || !f->kind.annealed || f->fit.points < 2 || f->theory.lo <= f->fit.hi) return;
    const int n = isfinite(f->theory.lo)
                      ? snprintf(text, sizeof text, "at this horizon the predicted power begins at rho = %.3g only",
                                 f->theory.lo)
                      : snprintf(text, sizeof text, "at this horizon the predicted power is seen at no rho up to 10^6");
    snprintf(text + n, sizeof text - (size_t)n,
             ": it is that of the schedule's last steps, which do not decide yet at the rhos fitted. There the bound's "
             "own slope, %.3g, is what to compare with",
             f->theory.slope);
    add_note(notes, text);
}

static void add_notes(cJSON *j, const sl_robust_case *c, const sl_robust_found *f)
{
    cJSON *notes = cJSON_AddArrayToObject(j, "notes");
    if (!f->kind.annealed)
        add_note(notes,
                 "the schedule is not annealed: its last rate is a tenth of its mean rate or more. The bound still "
                 "holds, and grows like rho but for a logarithm of T");
    if (!f->kind.monotone)
        add_note(notes,
                 "the schedule rises somewhere. The bound still holds, as it is one of any rates; its exponent is "
                 "that of how the schedule ends");
    if (c->r.suffix > 0)
        add_note(notes,
                 "a mean of iterates tends to exponent 1 as T grows, whatever the schedule: all steps' noise is in it. "
                 "x* is at the end of the interval, where that noise does not cancel");
    else if (!f->has_theory)
        add_note(notes,
                 "no predicted exponent: fewer than 256 steps with a rate do not resolve how the schedule ends, or "
                 "its rates near the end are 0 in between, rise or are no power of what is left");
    else if (c->slopes)
        add_horizon_note(notes, f);
}

cJSON *sl_robust_json(const sl_robust_case *c, const sl_robust_found *f, const cJSON *config)
{
    cJSON *j = cJSON_CreateObject();
    cJSON_AddStringToObject(j, "schedule", c->schedule);
    cJSON_AddItemToObject(j, "horizon", cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(config, "horizon"), true));
    cJSON_AddItemToObject(j, "problem", cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(config, "problem"), true));
    cJSON_AddItemToObject(j, "iterate", cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(config, "iterate"), true));
    sl_json_number(j, "tuned_lr", c->tuned);
    sl_json_number(j, "bound_tuned_lr", c->bound_tuned);
    cJSON_AddItemToObject(j, "table", json_table(c, f));
    cJSON_AddBoolToObject(j, "decided", f->decided);
    if (f->decided) {
        sl_json_estimate(j, "exponent", f->fit.exponent);
        cJSON_AddNullToObject(j, "reason");
    } else {
        cJSON_AddNullToObject(j, "exponent");
        cJSON_AddStringToObject(j, "reason", f->reason);
    }
    add_theory(j, c, f);
    if (c->slopes) add_window(j, f);
    if (f->has_tuning) add_grid(j, c, f);
    add_notes(j, c, f);
    return j;
}

/* ---- for people ---- */

static const cJSON *get(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

static void print_table(const cJSON *r, bool slopes)
{
    sl_grid *g = sl_grid_alloc(slopes ? "rrrrr" : "rrr");
    sl_grid_add(g, "rho"), sl_grid_add(g, "lr"), sl_grid_add(g, slopes ? "worst excess" : "excess");
    if (slopes) sl_grid_add(g, "at slope"), sl_grid_add(g, "bound");
    for (const cJSON *row = get(r, "table")->child; row; row = row->next) {
        char text[64];
        const sl_estimate e = sl_cli_read_estimate(get(row, slopes ? "worst_excess" : "excess"));
        sl_cli_estimate(text, e.value, e.se);
        sl_grid_add(g, "%g", sl_cli_number(get(row, "rho")));
        sl_grid_add(g, "%.4g", sl_cli_number(get(row, "lr")));
        sl_grid_add(g, "%s", text);
        if (!slopes) continue;
        sl_grid_add(g, "%.4g", sl_cli_number(get(row, "slope")));
        if (get(row, "bound"))
            sl_grid_add(g, "%.4g", sl_cli_number(get(row, "bound")));
        else
            sl_grid_add(g, "-");
    }
    sl_grid_print(g);
}

static void print_exponent(const cJSON *r)
{
    const double predicted = sl_cli_number(get(r, "predicted_exponent"));
    char text[64];
    if (cJSON_IsTrue(get(r, "decided"))) {
        const sl_estimate e = sl_cli_read_estimate(get(r, "exponent"));
        sl_cli_estimate(text, e.value, e.se);
        printf("\nexponent of rho: %s, from rho = %g to %g", text, sl_cli_number(get(get(r, "window"), "lo")),
               sl_cli_number(get(get(r, "window"), "hi")));
    } else {
        printf("\nexponent of rho: %s, %s", get(r, "window") ? "UNDECIDED" : "none", get(r, "reason")->valuestring);
    }
    const double slope = sl_cli_number(get(get(r, "predicted"), "bound_slope"));
    const bool last = strcmp(get(r, "iterate")->valuestring, "last") == 0;
    if (isfinite(predicted))
        printf("\npredicted: %.4g, %s", predicted, last ? "from how the schedule ends" : "of any mean of iterates");
    const bool annealed = cJSON_IsTrue(get(get(r, "predicted"), "annealed"));
    if (isfinite(slope) && annealed)
        printf("%s the bound over the same rhos: %.4g", isfinite(predicted) ? ";" : "\nno prediction;", slope);
    printf("\n");
}

void sl_robust_people(const sl_cli *cli, const cJSON *r)
{
    const bool slopes = strcmp(get(r, "problem")->valuestring, "worst-slope") == 0;
    printf("%s, %g steps, %s, %s iterate; rho = 1 is a peak rate of %.5g\n\n", sl_cli_text(cli, "schedule"),
           sl_cli_number(get(r, "horizon")), get(r, "problem")->valuestring, get(r, "iterate")->valuestring,
           sl_cli_number(get(r, "tuned_lr")));
    print_table(r, slopes);
    print_exponent(r);
    if (get(r, "grid") && get(r, "grid")->child) {
        printf("\nloss of the best point of a grid of rates, over that of the best rate\n");
        sl_grid *g = sl_grid_alloc("rrr");
        sl_grid_add(g, "ratio"), sl_grid_add(g, "mean"), sl_grid_add(g, "worst");
        for (const cJSON *row = get(r, "grid")->child; row; row = row->next) {
            sl_grid_add(g, "%g", sl_cli_number(get(row, "ratio")));
            for (size_t i = 0; i < 2; i++) {
                const double over = sl_cli_number(get(row, i == 0 ? "mean" : "worst"));
                if (isfinite(over))
                    sl_grid_add(g, "%.3f", over);
                else
                    sl_grid_add(g, "-");
            }
        }
        sl_grid_print(g);
    }
    sl_cli_print_notes(r);
}
