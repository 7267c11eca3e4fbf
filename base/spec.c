#define _GNU_SOURCE
#include "base/spec.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Levenshtein distance, ignoring case; names are short, so one row on the stack will do. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    size_t row[LONGEST + 1];
    const size_t n = strnlen(b, LONGEST);
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            const size_t above = row[j + 1];
            const bool same = tolower((unsigned char)a[i]) == tolower((unsigned char)b[j]);
            size_t best = diagonal + !same;
            if (above + 1 < best) best = above + 1;
            if (row[j] + 1 < best) best = row[j] + 1;
            row[j + 1] = best;
            diagonal = above;
        }
    }
    return row[n];
}

size_t sl_nearest(const char *text, const char *const *names, size_t n)
{
    size_t best = n, best_distance = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        size_t d = edit_distance(text, names[i]);
        const size_t length = strlen(text);
        if (length >= 3 && strncmp(names[i], text, length) == 0) d = 1; /* an abbreviation is near */
        if (d < best_distance) best = i, best_distance = d;
    }
    const size_t length = strlen(text);
    return best_distance <= 1 + length / 3 ? best : n;
}

/* Appends to a bounded text; silently stops at its end. */
static void append(char *text, size_t size, const char *piece)
{
    const size_t used = strlen(text);
    if (used + 1 < size) snprintf(text + used, size - used, "%s", piece);
}

static sl_status unknown(const char *what, const char *name, const char *const *names, size_t n, sl_err *err)
{
    char known[512] = "";
    for (size_t i = 0; i < n; i++) {
        if (i) append(known, sizeof known, ", ");
        append(known, sizeof known, names[i]);
    }
    if (n == 0) return sl_fail(err, SL_E_NAME, "unknown %s '%s': it takes none", what, name);
    const size_t near = sl_nearest(name, names, n);
    if (near < n)
        return sl_fail(err, SL_E_NAME, "unknown %s '%s', did you mean '%s'? Known: %s", what, name, names[near], known);
    return sl_fail(err, SL_E_NAME, "unknown %s '%s'. Known: %s", what, name, known);
}

/* Numbers have a point, whatever the locale of the program that we are linked into. */
static locale_t c_locale;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The thread's locale until now, to be given to uselocale again. */
static locale_t enter_c_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    return uselocale(c_locale);
}

double sl_read_double(const char *text, char **end)
{
    const locale_t before = enter_c_locale();
    const double v = strtod(text, end);
    uselocale(before);
    return v;
}

sl_status sl_parse_double(double *value, const char *text, const char *what, sl_err *err)
{
    char *end;
    const double v = sl_read_double(text, &end);
    if (end == text || *end != '\0' || isspace((unsigned char)*text))
        return sl_fail(err, SL_E_DOMAIN, "%s = '%s' is not a number", what, text);
    if (!isfinite(v)) return sl_fail(err, SL_E_DOMAIN, "%s = '%s' is not a finite number", what, text);
    *value = v;
    return SL_OK;
}

static sl_status check_range(const sl_param *p, double v, const char *what, sl_err *err)
{
    const bool low = p->open_min ? v <= p->min : v < p->min, high = p->open_max ? v >= p->max : v > p->max;
    if (low || high)
        return sl_fail(err, SL_E_DOMAIN, "%s = %g is out of range, need %g %s %s %s %g", what, v, p->min,
                       p->open_min ? "<" : "<=", p->name, p->open_max ? "<" : "<=", p->max);
    if (p->integer && v != floor(v)) return sl_fail(err, SL_E_DOMAIN, "%s = %g must be a whole number", what, v);
    return SL_OK;
}

static sl_status parse_word(double *value, const sl_param *p, const char *text, const char *owner, sl_err *err)
{
    size_t n = 0;
    for (; p->words[n]; n++)
        if (strcmp(p->words[n], text) == 0) {
            *value = (double)n;
            return SL_OK;
        }
    char kind[160];
    snprintf(kind, sizeof kind, "%s of %s", p->name, owner);
    return unknown(kind, text, p->words, n, err);
}

static sl_status parse_text(sl_spec *spec, size_t k, const char *text, const char *label, sl_err *err)
{
    if (!*text) return sl_fail(err, SL_E_DOMAIN, "%s is empty, need a text", label);
    if (snprintf(spec->text, sizeof spec->text, "%s", text) >= (int)sizeof spec->text)
        return sl_fail(err, SL_E_DOMAIN, "%s is longer than %zu characters: '%.40s...'", label, sizeof spec->text - 1,
                       text);
    spec->value[k].v[0] = 0;
    spec->value[k].n = 1;
    return SL_OK;
}

/* "name=v" or "name=v,v,v", already split off; text is ours to cut. */
static sl_status parse_parameter(sl_spec *spec, char *text, const char *what, sl_err *err)
{
    const sl_entry *e = spec->entry;
    char *equals = strchr(text, '=');
    if (!equals)
        return sl_fail(err, SL_E_DOMAIN, "%s '%s': '%s' should read name=value", what, e->name, text);
    *equals = '\0';
    size_t k = 0;
    while (k < e->n_params && strcmp(e->params[k].name, text) != 0) k++;
    if (k == e->n_params) {
        const char *names[SL_SPEC_PARAMS];
        for (size_t i = 0; i < e->n_params; i++) names[i] = e->params[i].name;
        char kind[96];
        snprintf(kind, sizeof kind, "parameter of %s '%s'", what, e->name);
        return unknown(kind, text, names, e->n_params, err);
    }
    const sl_param *p = &e->params[k];
    char owner[96], label[160];
    snprintf(owner, sizeof owner, "%s '%s'", what, e->name);
    snprintf(label, sizeof label, "%s: %s", owner, p->name);
    if (spec->value[k].given) return sl_fail(err, SL_E_DOMAIN, "%s is given twice", label);
    spec->value[k].given = true;
    spec->value[k].n = 0;
    if (p->text) return parse_text(spec, k, equals + 1, label, err);
    for (char *item = equals + 1; item;) {
        char *comma = p->list ? strchr(item, ',') : NULL;
        if (comma) *comma = '\0';
        double v = 0;
        if (p->words) {
            SL_TRY(parse_word(&v, p, item, owner, err));
        } else {
            SL_TRY(sl_parse_double(&v, item, label, err));
            SL_TRY(check_range(p, v, label, err));
        }
        if (spec->value[k].n == SL_SPEC_VALUES)
            return sl_fail(err, SL_E_DOMAIN, "%s has more than %d values", label, SL_SPEC_VALUES);
        spec->value[k].v[spec->value[k].n++] = v;
        item = comma ? comma + 1 : NULL;
    }
    return SL_OK;
}

sl_status sl_spec_parse(sl_spec *spec, const char *text, const char *what, const sl_entry *const *registry, size_t n,
                        sl_err *err)
{
    char buffer[1024];
    if (snprintf(buffer, sizeof buffer, "%s", text) >= (int)sizeof buffer)
        return sl_fail(err, SL_E_NAME, "%s is longer than %zu characters: '%.40s...'", what, sizeof buffer - 1, text);
    char *rest = strchr(buffer, ':');
    if (rest) *rest++ = '\0';

    sl_spec s = {0};
    for (size_t i = 0; i < n && !s.entry; i++)
        if (strcmp(registry[i]->name, buffer) == 0) s.entry = registry[i];
    if (!s.entry) {
        const char *names[64];
        const size_t shown = n < 64 ? n : 64;
        for (size_t i = 0; i < shown; i++) names[i] = registry[i]->name;
        return unknown(what, buffer, names, shown, err);
    }
    for (size_t k = 0; k < s.entry->n_params; k++) {
        s.value[k].v[0] = s.entry->params[k].text ? NAN : s.entry->params[k].def;
        s.value[k].n = s.entry->params[k].list && isnan(s.entry->params[k].def) ? 0 : 1;
    }
    while (rest) {
        char *colon = strchr(rest, ':');
        if (colon) *colon = '\0';
        SL_TRY(parse_parameter(&s, rest, what, err));
        rest = colon ? colon + 1 : NULL;
    }
    for (size_t k = 0; k < s.entry->n_params; k++) {
        const sl_param *p = &s.entry->params[k];
        if (!p->list && isnan(s.value[k].v[0]))
            return sl_fail(err, SL_E_DOMAIN, "%s '%s' needs %s=... (%s)", what, s.entry->name, p->name, p->help);
    }
    *spec = s;
    return SL_OK;
}

size_t sl_spec_index(const sl_spec *spec, const char *param)
{
    size_t k = 0;
    while (k < spec->entry->n_params && strcmp(spec->entry->params[k].name, param) != 0) k++;
    return k;
}

double sl_spec_get(const sl_spec *spec, const char *param)
{
    const size_t k = sl_spec_index(spec, param);
    return k < spec->entry->n_params && spec->value[k].n > 0 ? spec->value[k].v[0] : NAN;
}

void sl_spec_print(char *text, size_t size, const sl_spec *spec)
{
    snprintf(text, size, "%s", spec->entry->name);
    for (size_t k = 0; k < spec->entry->n_params; k++) {
        if (spec->value[k].n == 0) continue;
        append(text, size, ":");
        append(text, size, spec->entry->params[k].name);
        for (size_t i = 0; i < spec->value[k].n; i++) {
            const double v = spec->value[k].v[i];
            const char *const *const words = spec->entry->params[k].words;
            char number[32];
            if (!words) sl_print_double(number, v);
            append(text, size, i ? "," : "=");
            const char *const written = spec->entry->params[k].text ? spec->text : number;
            append(text, size, words ? words[(size_t)v] : written);
        }
    }
}

void sl_print_double(char text[32], double value)
{
    if (isnan(value)) {
        snprintf(text, 32, "nan");
        return;
    }
    const locale_t before = enter_c_locale();
    /* A decimal of at most 15 digits survives a normal double, so if any shorter one reads back, the 15-digit
     * form is it: %g drops the trailing zeros. Subnormals have fewer digits to give. */
    for (int digits = isnormal(value) ? 15 : 1; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    uselocale(before);
}
