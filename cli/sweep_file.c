#include "cli/sweep_file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/run.h"
#include "base/spec.h"
#include "cli/commands.h"
#include "cli/sweep_check.h"
#include "cli/sweep_words.h"

enum { LINE_WORDS = 1000, LARGEST_FILE = 1 << 20 };

static const sl_sweep_metric metrics[] = {
    {"best_test_accuracy", "best test accuracy", true, true, "test_accuracy", true},
    {"final_test_accuracy", "final test accuracy", true, true, "test_accuracy", false},
    {"best_test_loss", "best test loss", false, false, "test_loss", true},
    {"final_test_loss", "final test loss", false, false, "test_loss", false},
    {"final_train_accuracy", "final training accuracy", true, true, "train_accuracy", false},
    {"final_train_loss", "final training loss", false, false, "train_loss", false},
};
enum { N_METRICS = sizeof metrics / sizeof *metrics };

/* What is kept while the lines are read. */
typedef struct {
    sl_sweep_file *f;
    size_t line;
    const char *word[LINE_WORDS]; /* of this line */
    size_t n;
    const char *compare[2];
    size_t n_compare, n_seed, seeds;
    size_t compare_line, name_line, metric_line, seed_line, seeds_line; /* 0: not there */
} reader;

static const char *const own_words[] = {"with", "metric", "compare", "name"};
enum { N_OWN = sizeof own_words / sizeof *own_words };

/* ---- words ---- */

static sl_status unknown(const reader *r, const char *what, const char *name, const char *const *names, size_t n,
                         sl_err *err)
{
    (void)!sl_cli_unknown(what, name, names, n, err);
    return sl_fail_in(err, SL_E_CONFIG, "%s:%zu", r->f->path, r->line);
}

/* The option that a word names; train's, but for those that say where and how. */
static sl_status find_option(const sl_option **o, const reader *r, const char *name, bool own_too, sl_err *err)
{
    const char *names[SL_CLI_OPTIONS + N_OWN];
    size_t n = 0;
    const sl_option *options[SL_CLI_OPTIONS];
    const size_t all = sl_sweep_options(options);
    for (size_t i = 0; i < all; i++) {
        names[n++] = options[i]->name;
        if (strcmp(options[i]->name, name) != 0) continue;
        *o = options[i];
        return SL_OK;
    }
    for (size_t i = 0; own_too && i < N_OWN; i++) names[n++] = own_words[i];
    const char *why = sl_sweep_excluded(name);
    if (why)
        return sl_fail(err, SL_E_CONFIG, "%s:%zu: '%s' cannot stand in a sweep's file: %s", r->f->path, r->line, name,
                       why);
    return unknown(r, own_too ? "word" : "option", name, names, n, err);
}

/* ---- axes ---- */

static const sl_sweep_axis *axis_of(const sl_sweep_file *f, const char *option)
{
    for (size_t i = 0; i < f->n_axes; i++)
        for (size_t k = 0; k < f->axis[i].n_options; k++)
            if (strcmp(f->axis[i].option[k]->name, option) == 0) return &f->axis[i];
    return NULL;
}

static sl_status add_axis(sl_sweep_axis **a, const reader *r, sl_err *err)
{
    if (r->f->n_axes == SL_SWEEP_OPTIONS)
        return sl_fail(err, SL_E_CONFIG, "%s:%zu: more than %d options", r->f->path, r->line, SL_SWEEP_OPTIONS);
    *a = &r->f->axis[r->f->n_axes++];
    **a = (sl_sweep_axis){.line = r->line};
    return SL_OK;
}

/* One more row of values: [n_options]. */
static sl_status add_row(sl_sweep_axis *a, const reader *r, const char *const *row, sl_err *err)
{
    for (size_t k = 0; k < a->n_options; k++)
        SL_TRY(sl_sweep_check_value(r->f->path, r->line, a->option[k], row[k], err));
    for (size_t i = 0; i < a->n_values; i++) {
        bool same = true;
        for (size_t k = 0; k < a->n_options; k++)
            same &= sl_sweep_same(a->option[k], a->value[i * a->n_options + k], row[k]);
        if (same)
            return sl_fail(err, SL_E_CONFIG, "%s:%zu: %s = '%s' is given twice%s", r->f->path, r->line,
                           a->option[0]->name, row[0], a->tied ? " with the same others" : "");
    }
    const char **value = realloc(a->value, (a->n_values + 1) * a->n_options * sizeof *value);
    if (!value) return sl_fail(err, SL_E_MEMORY, "no memory for the values of %s", r->f->path);
    a->value = value;
    memcpy(value + a->n_values * a->n_options, row, a->n_options * sizeof *row);
    a->n_values++;
    return SL_OK;
}

static sl_status given_before(const reader *r, const char *name, size_t line, sl_err *err)
{
    return sl_fail(err, SL_E_CONFIG, "%s:%zu: '%s' stands in line %zu already", r->f->path, r->line, name, line);
}

static sl_status read_option(reader *r, sl_err *err)
{
    const sl_option *o = NULL;
    SL_TRY(find_option(&o, r, r->word[0], true, err));
    const sl_sweep_axis *before = axis_of(r->f, o->name);
    if (before) return given_before(r, o->name, before->line, err);
    sl_sweep_axis *a = NULL;
    SL_TRY(add_axis(&a, r, err));
    a->n_options = 1;
    a->option[0] = o;
    static const char *const on = "on";
    if (o->kind == SL_OPT_FLAG && r->n == 1) return add_row(a, r, &on, err);
    if (r->n == 1)
        return sl_fail(err, SL_E_CONFIG, "%s:%zu: '%s' has no value, need %s", r->f->path, r->line, o->name, o->value);
    for (size_t i = 1; i < r->n; i++) SL_TRY(add_row(a, r, &r->word[i], err));
    return SL_OK;
}

/* with lr=0.1 batch=64: a value of the axis that has these options, or a new axis. */
static sl_status read_with(reader *r, sl_err *err)
{
    const sl_option *option[SL_SWEEP_TIED] = {NULL};
    const char *value[SL_SWEEP_TIED], *row[SL_SWEEP_TIED] = {NULL};
    const size_t n = r->n - 1;
    if (n < 2 || n > SL_SWEEP_TIED)
        return sl_fail(err, SL_E_CONFIG,
                       "%s:%zu: 'with' ties %zu options together, need 2 to %d, as in with lr=0.1 batch=64", r->f->path,
                       r->line, n, SL_SWEEP_TIED);
    for (size_t i = 0; i < n; i++) {
        char name[64];
        const char *word = r->word[i + 1], *equals = strchr(word, '=');
        if (!equals || (size_t)(equals - word) >= sizeof name)
            return sl_fail(err, SL_E_CONFIG, "%s:%zu: '%.200s' is not of the form option=value", r->f->path, r->line,
                           word);
        snprintf(name, sizeof name, "%.*s", (int)(equals - word), word);
        SL_TRY(find_option(&option[i], r, name, false, err));
        if (strcmp(name, "seed") == 0 || strcmp(name, "seeds") == 0)
            return sl_fail(err, SL_E_CONFIG, "%s:%zu: '%s' cannot be tied: every cell has the same seeds", r->f->path,
                           r->line, name);
        value[i] = equals + 1;
        for (size_t k = 0; k < i; k++)
            if (option[k] == option[i])
                return sl_fail(err, SL_E_CONFIG, "%s:%zu: '%s' is given twice", r->f->path, r->line, name);
    }
    sl_sweep_axis *a = (sl_sweep_axis *)axis_of(r->f, option[0]->name);
    if (!a) {
        for (size_t i = 1; i < n; i++) {
            const sl_sweep_axis *before = axis_of(r->f, option[i]->name);
            if (before) return given_before(r, option[i]->name, before->line, err);
        }
        SL_TRY(add_axis(&a, r, err));
        a->tied = true;
        a->n_options = n;
        memcpy(a->option, option, n * sizeof *option);
    }
    for (size_t k = 0; k < a->n_options; k++)
        for (size_t i = 0; i < n; i++)
            if (a->option[k] == option[i]) row[k] = value[i];
    bool fits = a->tied && a->n_options == n;
    for (size_t k = 0; k < n; k++) fits &= row[k] != NULL;
    if (!fits)
        return sl_fail(err, SL_E_CONFIG, "%s:%zu: '%s' stands in line %zu already, with other options", r->f->path,
                       r->line, option[0]->name, a->line);
    return add_row(a, r, row, err);
}

/* ---- the other words ---- */

/* seed 3 8 9: which; seeds 5: how many from the first one on. What they make together is said at the end. */
static sl_status read_seeds(reader *r, size_t *line, sl_err *err)
{
    sl_sweep_file *f = r->f;
    const sl_option *o = NULL;
    SL_TRY(find_option(&o, r, r->word[0], true, err));
    if (*line) return given_before(r, o->name, *line, err);
    *line = r->line;
    const bool count = line == &r->seeds_line;
    if (r->n < 2 || (count && r->n > 2))
        return sl_fail(err, SL_E_CONFIG, "%s:%zu: '%s' has %zu values, need %s", f->path, r->line, o->name, r->n - 1,
                       count ? "one, the number of seeds" : "at least one");
    for (size_t i = 1; i < r->n; i++) SL_TRY(sl_sweep_check_value(f->path, r->line, o, r->word[i], err));
    if (count) {
        r->seeds = (size_t)sl_read_double(r->word[1], NULL);
        return SL_OK;
    }
    f->seed = calloc(r->n - 1, sizeof *f->seed);
    if (!f->seed) return sl_fail(err, SL_E_MEMORY, "no memory for %zu seeds", r->n - 1);
    for (size_t i = 1; i < r->n; i++, r->n_seed++) {
        f->seed[i - 1] = (uint64_t)sl_read_double(r->word[i], NULL);
        for (size_t k = 0; k + 1 < i; k++)
            if (f->seed[k] == f->seed[i - 1])
                return sl_fail(err, SL_E_CONFIG, "%s:%zu: seed '%s' is given twice", f->path, r->line, r->word[i]);
    }
    return SL_OK;
}

static sl_status finish_seeds(reader *r, uint64_t seed, sl_err *err)
{
    sl_sweep_file *f = r->f;
    r->line = r->seeds_line;
    if (r->seeds && r->n_seed > 1)
        return sl_fail(err, SL_E_CONFIG, "%s:%zu: 'seeds' counts from one seed on, and line %zu gives %zu of them",
                       f->path, r->line, r->seed_line, r->n_seed);
    f->names_seed = r->n_seed > 0;
    f->n_seeds = r->seeds ? r->seeds : r->n_seed ? r->n_seed : 1;
    uint64_t *all = calloc(f->n_seeds, sizeof *all);
    if (!all) return sl_fail(err, SL_E_MEMORY, "no memory for %zu seeds", f->n_seeds);
    for (size_t i = 0; i < f->n_seeds; i++)
        all[i] = i < r->n_seed ? f->seed[i] : (r->n_seed ? f->seed[0] : seed) + i;
    free(f->seed);
    f->seed = all;
    return SL_OK;
}

static sl_status once(reader *r, size_t *line, size_t least, size_t most, const char *need, sl_err *err)
{
    if (*line) return given_before(r, r->word[0], *line, err);
    *line = r->line;
    if (r->n - 1 < least || r->n - 1 > most)
        return sl_fail(err, SL_E_CONFIG, "%s:%zu: '%s' has %zu values, need %s", r->f->path, r->line, r->word[0],
                       r->n - 1, need);
    return SL_OK;
}

static sl_status read_metric(reader *r, sl_err *err)
{
    SL_TRY(once(r, &r->metric_line, 1, 1, "one: what is compared", err));
    const char *names[N_METRICS];
    for (size_t i = 0; i < N_METRICS; i++) {
        names[i] = metrics[i].name;
        if (strcmp(names[i], r->word[1]) != 0) continue;
        r->f->metric = &metrics[i];
        return SL_OK;
    }
    return unknown(r, "metric", r->word[1], names, N_METRICS, err);
}

static sl_status read_name(reader *r, sl_err *err)
{
    SL_TRY(once(r, &r->name_line, 1, 1, "one: that of the folder", err));
    if (*r->word[1] == '\0' || strlen(r->word[1]) > 64)
        return sl_fail(err, SL_E_CONFIG, "%s:%zu: the name '%.80s' has %zu characters, need 1 to 64", r->f->path,
                       r->line, r->word[1], strlen(r->word[1]));
    r->f->name = r->word[1];
    return SL_OK;
}

static sl_status read_compare(reader *r, sl_err *err)
{
    SL_TRY(once(r, &r->compare_line, 1, 2, "one or two: the option along the x axis, that of the curves", err));
    r->n_compare = r->n - 1;
    for (size_t i = 0; i < r->n_compare; i++) r->compare[i] = r->word[i + 1];
    return SL_OK;
}

static sl_status read_line(reader *r, sl_err *err)
{
    const char *word = r->word[0];
    if (strcmp(word, "with") == 0) return read_with(r, err);
    if (strcmp(word, "metric") == 0) return read_metric(r, err);
    if (strcmp(word, "name") == 0) return read_name(r, err);
    if (strcmp(word, "compare") == 0) return read_compare(r, err);
    if (strcmp(word, "seed") == 0) return read_seeds(r, &r->seed_line, err);
    if (strcmp(word, "seeds") == 0) return read_seeds(r, &r->seeds_line, err);
    return read_option(r, err);
}

/* ---- the whole file ---- */

static sl_status set_compare(reader *r, sl_err *err)
{
    sl_sweep_file *f = r->f;
    r->line = r->compare_line;
    size_t chosen[2] = {0, f->n_varied};
    for (size_t i = 0; i < r->n_compare; i++) {
        const char *names[SL_SWEEP_AXES * SL_SWEEP_TIED];
        size_t n = 0, found = f->n_varied;
        for (size_t a = 0; a < f->n_varied; a++)
            for (size_t k = 0; k < f->axis[a].n_options; k++) {
                names[n++] = f->axis[a].option[k]->name;
                if (strcmp(names[n - 1], r->compare[i]) != 0) continue;
                found = a;
                if (i == 0) f->x_option = k;
            }
        if (n == 0)
            return sl_fail(err, SL_E_CONFIG, "%s:%zu: 'compare', but no option has several values", f->path, r->line);
        if (found == f->n_varied) return unknown(r, "axis", r->compare[i], names, n, err);
        chosen[i] = found;
    }
    if (r->n_compare == 0) return SL_OK;
    if (chosen[0] == chosen[1])
        return sl_fail(err, SL_E_CONFIG, "%s:%zu: '%s' and '%s' are the same axis", f->path, r->line, r->compare[0],
                       r->compare[1]);
    f->x_named = true;
    f->x = chosen[0];
    f->curve = chosen[1];
    return SL_OK;
}

/* A metric of the test set, where nothing is evaluated. */
static sl_status check_metric(const reader *r, sl_err *err)
{
    const sl_sweep_file *f = r->f;
    const sl_sweep_axis *steps = axis_of(f, "steps"), *evaluate = axis_of(f, "evaluate");
    bool evaluated = evaluate != NULL;
    for (size_t i = 0; evaluate && i < evaluate->n_values * evaluate->n_options; i++)
        if (evaluate->option[i % evaluate->n_options]->kind == SL_OPT_FLAG)
            evaluated &= strcmp(evaluate->value[i], "on") == 0;
    if (steps && !evaluated && strncmp(f->metric->key, "test", 4) == 0)
        return sl_fail(err, SL_E_CONFIG, "%s:%zu: 'steps' trains without evaluation, and the metric is %s: add a line "
                       "'evaluate', or 'metric final_train_loss'", f->path, steps->line, f->metric->name);
    return SL_OK;
}

static sl_status read_all(reader *r, uint64_t seed, sl_err *err)
{
    sl_sweep_file *f = r->f;
    for (char *text = f->words; *text;) {
        r->line++;
        if (sl_sweep_words(r->word, &r->n, LINE_WORDS, &text, err) != SL_OK)
            return sl_fail_in(err, SL_E_CONFIG, "%s:%zu", f->path, r->line);
        if (r->n > 0) SL_TRY(read_line(r, err));
    }
    SL_TRY(finish_seeds(r, seed, err));
    if (f->n_axes == 0 && !r->seeds_line && !r->seed_line)
        return sl_fail(err, SL_E_CONFIG, "%s has no line that says what to run, as in: lr 0.01 0.02 0.05", f->path);
    SL_TRY(sl_sweep_lay_out(f, err));
    SL_TRY(check_metric(r, err));
    return set_compare(r, err);
}

/* The file's name without folder and ending. */
static void set_stem(sl_sweep_file *f)
{
    const char *slash = strrchr(f->path, '/'), *base = slash ? slash + 1 : f->path;
    const char *dot = strrchr(base, '.');
    const int length = dot && dot > base ? (int)(dot - base) : (int)strlen(base);
    snprintf(f->stem, sizeof f->stem, "%.*s", length, base);
    f->name = f->stem;
}

sl_status sl_sweep_read(sl_sweep_file *f, const char *path, uint64_t seed, sl_err *err)
{
    *f = (sl_sweep_file){.path = path, .metric = &metrics[0]};
    set_stem(f);
    SL_TRY(sl_read_file(&f->text, NULL, path, LARGEST_FILE, err));
    reader *r = calloc(1, sizeof *r);
    f->words = strdup(f->text);
    f->axis = calloc(SL_SWEEP_OPTIONS, sizeof *f->axis);
    sl_status st;
    if (!r || !f->words || !f->axis) {
        st = sl_fail(err, SL_E_MEMORY, "no memory to read '%s'", path);
    } else {
        r->f = f;
        st = read_all(r, seed, err);
    }
    free(r);
    if (st != SL_OK) sl_sweep_file_free(f);
    return st;
}

void sl_sweep_file_free(sl_sweep_file *f)
{
    for (size_t i = 0; f->axis && i < f->n_axes; i++) free(f->axis[i].value);
    free(f->axis);
    free(f->seed);
    free(f->text);
    free(f->words);
    *f = (sl_sweep_file){0};
}
