/* The grid of a sweep's file: its cells, their names, the command line and the configuration of each run. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spec.h"
#include "cli/commands.h"
#include "cli/sweep_check.h"
#include "cli/sweep_file.h"

/* Those with several values first; the order among them stays. */
static sl_status order_axes(sl_sweep_file *f, sl_err *err)
{
    sl_sweep_axis sorted[SL_SWEEP_OPTIONS];
    size_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < f->n_axes; i++)
            if ((f->axis[i].n_values > 1) == (pass == 0)) sorted[n++] = f->axis[i];
        if (pass == 0) f->n_varied = n;
    }
    memcpy(f->axis, sorted, n * sizeof *sorted);
    if (f->n_varied > SL_SWEEP_AXES)
        return sl_fail(err, SL_E_CONFIG, "%s: %zu options vary, at most %d can", f->path, f->n_varied, SL_SWEEP_AXES);
    f->n_cells = 1;
    for (size_t i = 0; i < f->n_varied; i++) {
        if (f->axis[i].n_values > SL_SWEEP_JOBS / f->n_seeds / f->n_cells)
            return sl_fail(err, SL_E_CONFIG, "%s: the grid has more than %d runs", f->path, SL_SWEEP_JOBS);
        f->n_cells *= f->axis[i].n_values;
    }
    return SL_OK;
}

/* The x axis: the numeric one with the most values, else the first; the curves: the first of the others. */
static void choose_axes(sl_sweep_file *f)
{
    size_t most = 0;
    double v;
    f->x = 0;
    for (size_t i = 0; i < f->n_varied; i++) {
        bool numeric = !f->axis[i].tied;
        for (size_t k = 0; k < f->axis[i].n_values; k++) numeric &= sl_sweep_numeric(&f->axis[i], 0, k, &v);
        if (!numeric || f->axis[i].n_values <= most) continue;
        f->x = i;
        most = f->axis[i].n_values;
    }
    f->curve = f->x == 0 ? 1 : 0;
    if (f->curve > f->n_varied) f->curve = f->n_varied;
}

sl_status sl_sweep_lay_out(sl_sweep_file *f, sl_err *err)
{
    SL_TRY(order_axes(f, err));
    choose_axes(f);
    return SL_OK;
}

size_t sl_sweep_value(const sl_sweep_file *f, size_t cell, size_t axis)
{
    if (axis >= f->n_varied) return 0;
    for (size_t i = f->n_varied - 1; i > axis; i--) cell /= f->axis[i].n_values;
    return cell % f->axis[axis].n_values;
}

/* Text behind what is there already, as long as there is room. */
static void append(char *text, size_t size, const char *between, const char *a, const char *equals, const char *b)
{
    const size_t used = strlen(text);
    if (used + 1 < size) snprintf(text + used, size - used, "%s%s%s%s", used ? between : "", a, equals, b);
}

void sl_sweep_axis_name(char *text, size_t size, const sl_sweep_axis *a)
{
    text[0] = '\0';
    for (size_t k = 0; k < a->n_options; k++) append(text, size, ", ", a->option[k]->name, "", "");
}

void sl_sweep_value_name(char *text, size_t size, const sl_sweep_axis *a, size_t value)
{
    text[0] = '\0';
    for (size_t k = 0; k < a->n_options; k++) {
        const char *v = a->value[value * a->n_options + k];
        if (a->tied) append(text, size, " ", a->option[k]->name, "=", v);
        else append(text, size, " ", v, "", "");
    }
}

void sl_sweep_cell_name(char *text, size_t size, const sl_sweep_file *f, size_t cell)
{
    text[0] = '\0';
    for (size_t i = 0; i < f->n_varied; i++) {
        const sl_sweep_axis *a = &f->axis[i];
        for (size_t k = 0; k < a->n_options; k++)
            append(text, size, " ", a->option[k]->name, "=", a->value[sl_sweep_value(f, cell, i) * a->n_options + k]);
    }
}

bool sl_sweep_numeric(const sl_sweep_axis *a, size_t k, size_t value, double *v)
{
    if (a->option[k]->kind != SL_OPT_REAL && a->option[k]->kind != SL_OPT_INTEGER) return false;
    *v = sl_read_double(a->value[value * a->n_options + k], NULL);
    return true;
}

char **sl_sweep_arguments(const sl_sweep_file *f, size_t cell, uint64_t seed)
{
    size_t n = 0, most = 2;
    for (size_t i = 0; i < f->n_axes; i++) most += f->axis[i].n_options;
    char **word = calloc(most, sizeof *word);
    bool good = word != NULL;
    for (size_t i = 0; good && i < f->n_axes; i++) {
        const sl_sweep_axis *a = &f->axis[i];
        for (size_t k = 0; good && k < a->n_options; k++) {
            const char *value = a->value[sl_sweep_value(f, cell, i) * a->n_options + k];
            if (a->option[k]->kind == SL_OPT_FLAG && strcmp(value, "off") == 0) continue;
            word[n] = sl_sweep_word(a->option[k], value);
            good = word[n++] != NULL;
        }
    }
    if (good) good = asprintf(&word[n], "--seed=%llu", (unsigned long long)seed) >= 0;
    if (good) return word;
    for (size_t i = 0; word && i < n; i++) free(word[i]);
    free(word);
    return NULL;
}

sl_status sl_sweep_configuration(cJSON **config, const sl_sweep_file *f, char **arguments, sl_err *err)
{
    enum { MOST = 128 };
    char *argv[MOST] = {(char *)"sgdlab", (char *)"train"};
    int argc = 2;
    while (arguments[argc - 2] && argc + 1 < MOST) argv[argc] = arguments[argc - 2], argc++;
    sl_cli cli;
    const sl_status st = sl_cli_parse(&cli, &sl_command_train, argc, argv, err);
    if (st != SL_OK) return sl_fail_in(err, SL_E_CONFIG, "%s", f->path);
    *config = sl_cli_config(&cli);
    if (!*config) return sl_fail(err, SL_E_MEMORY, "no memory for a configuration");
    if (sl_cli_config_model(*config, &cli, err) == SL_OK) return SL_OK;
    return sl_fail_in(err, SL_E_CONFIG, "%s", f->path);
}
