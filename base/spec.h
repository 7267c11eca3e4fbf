/* base/spec.h - things that can be listed, and the text that names one: "double-well", "quadratic:a=1:dim=8",
 * "multi-step:milestones=100,150:gamma=0.1".
 *
 * Every registry (losses, schedules, rules, models, data sets) is an array of pointers to constant structs whose
 * first member is an sl_entry. Parsing, range checks, defaults, `list`, help and error messages follow from it. */
#ifndef SL_BASE_SPEC_H
#define SL_BASE_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

typedef struct {
    const char *name;
    const char *help;     /* one phrase, with the unit                                             */
    const char *const *words; /* choices, ended by NULL; the value is the index of one. NULL: a number     */
    double def;           /* default; NAN: must be given                                           */
    double min, max;      /* closed range                                                          */
    bool open_min;        /* min itself is excluded                                                */
    bool open_max;        /* max itself is excluded                                                */
    bool integer;
    bool list;            /* several values, comma-separated                                       */
    bool text;            /* a text, such as a file's name, without colons; must be given. One an entry at most */
} sl_param;

typedef struct {
    const char *name;
    const char *help;     /* one line                                                              */
    const char *source;   /* paper and equation, or "" where it is common knowledge                */
    const sl_param *params;
    size_t n_params;
} sl_entry;

enum { SL_SPEC_PARAMS = 12, SL_SPEC_VALUES = 64, SL_SPEC_TEXT = 512 };

/* A parsed name: which entry, and the values of its parameters, defaults filled in. Plain data, copy freely. */
typedef struct {
    const sl_entry *entry;
    struct {
        size_t n;                   /* 1 unless the parameter is a list; 0: an optional list not given */
        double v[SL_SPEC_VALUES];
        bool given;                 /* false: the default                                              */
    } value[SL_SPEC_PARAMS];        /* in the order of entry->params                                   */
    char text[SL_SPEC_TEXT];        /* the text parameter, where the entry has one (its number is 0)   */
} sl_spec;

/* Parses text against a registry of n entries. what names the kind of thing in messages ("loss").
 * Errors: SL_E_NAME for an unknown entry, parameter or choice (the message lists the known ones and the nearest
 * match); SL_E_DOMAIN for a value out of range, not a number, missing, or given twice. */
SL_CHECKED sl_status sl_spec_parse(sl_spec *spec, const char *text, const char *what,
                                   const sl_entry *const *registry, size_t n, sl_err *err);

/* The value (the first one of a list) of the parameter of that name; of a choice, its index. The name must exist. */
double sl_spec_get(const sl_spec *spec, const char *param);

/* The index of the parameter of that name in spec->value. The name must exist. */
size_t sl_spec_index(const sl_spec *spec, const char *param);

/* Canonical text with every parameter written out, defaults included, e.g. "quadratic:a=1:dim=8". Parses back
 * to the same spec. Truncates to size bytes, always terminated. */
void sl_spec_print(char *text, size_t size, const sl_spec *spec);

/* The index of the name in names[n] that is nearest to text by edit distance, or n if none is near. */
size_t sl_nearest(const char *text, const char *const *names, size_t n);

/* Strict: the whole text must be one finite number. Errors: SL_E_DOMAIN naming what. */
SL_CHECKED sl_status sl_parse_double(double *value, const char *text, const char *what, sl_err *err);

/* strtod in the C locale always: a point, never a comma. */
double sl_read_double(const char *text, char **end);

/* The shortest text of at most 17 significant digits that reads back as value; "nan", "inf". C locale always. */
void sl_print_double(char text[32], double value);

#endif
