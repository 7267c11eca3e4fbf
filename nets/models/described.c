/* A network from a readable description. Grammar:
 *   list = item {";" item}     item = word {number | name=number} | N "x" "(" list ")" | container
 *   container = "residual" "(" list ["|" list] ")" | "dense" "(" list ")"
 * Spaces and line ends are free, "#" starts a comment that ends with its line. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/run.h"
#include "nets/models/models.h"

enum { LARGEST_FILE = 1 << 20, DEEPEST = 16, MOST_ITEMS = 1 << 14, MOST_REPEATS = 4096, ITEM = 256, PATH = 48 };

/* ---- the words ---- */

#define PAD \
    {.name = "pad", .help = "rows and columns added on every side", .def = 0, .min = 0, .max = 4096, .integer = true}
#define BIAS {.name = "bias", .help = "0: none", .def = 1, .min = 0, .max = 1, .integer = true}

static const sl_param conv_params[] = {
    {.name = "channels", .help = "that come out", .def = NAN, .min = 1, .max = 65536, .integer = true},
    {.name = "kernel", .help = "its side", .def = NAN, .min = 1, .max = 4096, .integer = true},
    {.name = "stride", .help = "pixels from one place to the next", .def = 1, .min = 1, .max = 4096, .integer = true},
    PAD,
    BIAS,
};
static const sl_param pool_params[] = {
    {.name = "kernel", .help = "side of the window", .def = NAN, .min = 1, .max = 4096, .integer = true},
    {.name = "stride", .help = "0: the kernel", .def = 0, .min = 0, .max = 4096, .integer = true},
    PAD,
};
static const sl_param adaptive_params[] = {
    {.name = "size", .help = "side of what comes out", .def = NAN, .min = 1, .max = 4096, .integer = true}};
static const sl_param linear_params[] = {
    {.name = "units", .help = "numbers that come out; 0: the classes", .def = 0, .min = 0, .max = 1 << 24, .integer = true},
    BIAS,
};
static const sl_param dropout_params[] = {
    {.name = "p", .help = "probability of 0", .def = 0.5, .min = 0, .max = 1, .open_max = true}};
static const sl_param init_params[] = {{.name = "law", .help = "of the layers that follow", .words = sl_start_words,
                                        .def = NAN}};

static size_t whole(const sl_spec *s, const char *param)
{
    return (size_t)sl_spec_get(s, param);
}

static size_t conv(sl_builder *b, size_t from, const char *name, const sl_spec *s)
{
    return sl_build_conv(b, from, name, whole(s, "channels"), whole(s, "kernel"), whole(s, "stride"), whole(s, "pad"),
                         whole(s, "bias"));
}

static size_t linear(sl_builder *b, size_t from, const char *name, const sl_spec *s)
{
    const size_t units = whole(s, "units");
    return sl_build_linear(b, from, name, units ? units : sl_build_classes(b), whole(s, "bias"));
}

static size_t bn(sl_builder *b, size_t from, const char *name, const sl_spec *s)
{
    (void)s;
    return sl_build_batch_norm(b, from, name);
}

static size_t relu(sl_builder *b, size_t from, const char *name, const sl_spec *s)
{
    (void)name;
    (void)s;
    return sl_build_relu(b, from);
}

static size_t maxpool(sl_builder *b, size_t from, const char *name, const sl_spec *s)
{
    (void)name;
    const size_t kernel = whole(s, "kernel"), stride = whole(s, "stride");
    return sl_build_max_pool(b, from, kernel, stride ? stride : kernel, whole(s, "pad"));
}

static size_t avgpool(sl_builder *b, size_t from, const char *name, const sl_spec *s)
{
    (void)name;
    const size_t kernel = whole(s, "kernel"), stride = whole(s, "stride");
    return sl_build_avg_pool(b, from, kernel, stride ? stride : kernel, whole(s, "pad"));
}

static size_t globalavg(sl_builder *b, size_t from, const char *name, const sl_spec *s)
{
    (void)name;
    (void)s;
    return sl_build_global_avg(b, from);
}

static size_t adaptiveavg(sl_builder *b, size_t from, const char *name, const sl_spec *s)
{
    (void)name;
    return sl_build_adaptive_avg(b, from, whole(s, "size"));
}

static size_t flatten(sl_builder *b, size_t from, const char *name, const sl_spec *s)
{
    (void)name;
    (void)s;
    return sl_build_flatten(b, from);
}

static size_t dropout(sl_builder *b, size_t from, const char *name, const sl_spec *s)
{
    (void)name;
    return sl_build_dropout(b, from, sl_spec_get(s, "p"));
}

static size_t init(sl_builder *b, size_t from, const char *name, const sl_spec *s)
{
    (void)name;
    sl_build_start(b, (sl_start)whole(s, "law"));
    return from;
}

typedef struct {
    sl_entry entry; /* first: the registry points at it */
    size_t (*add)(sl_builder *b, size_t from, const char *name, const sl_spec *s); /* NULL: has lists in brackets */
} word;

#define WORD(id, text, parameters) \
    static const word id##_word = {{#id, text, "", parameters, sizeof parameters / sizeof *parameters}, id}
#define BARE(id, text) static const word id##_word = {{#id, text, "", NULL, 0}, id}
WORD(conv, "convolution: conv 64 3 pad=1", conv_params);
WORD(linear, "all inputs to all outputs, of a flat input: linear 10", linear_params);
BARE(bn, "batch norm");
BARE(relu, "max(0, x)");
WORD(maxpool, "largest of a window: maxpool 2", pool_params);
WORD(avgpool, "mean of a window, zeros around counted: avgpool 2", pool_params);
BARE(globalavg, "mean over all pixels; flat");
WORD(adaptiveavg, "means over windows that make so many rows and columns: adaptiveavg 7", adaptive_params);
BARE(flatten, "pictures to a row of numbers, channels slowest");
WORD(dropout, "zeros at random while training: dropout 0.5", dropout_params);
WORD(init, "how the layers that follow start; no layer itself: init he", init_params);
static const word residual_word = {{"residual", "x + f(x): residual(conv 64 3 pad=1; bn | shortcut); the shortcut may be left out", "", NULL, 0}, NULL};
static const word dense_word = {{"dense", "channels of x, then of f(x): dense(bn; relu; conv 12 3 pad=1)", "", NULL, 0}, NULL};

const sl_entry *const sl_layer_words[] = {
    &conv_word.entry,   &linear_word.entry,    &bn_word.entry,          &relu_word.entry,    &maxpool_word.entry,
    &avgpool_word.entry, &globalavg_word.entry, &adaptiveavg_word.entry, &flatten_word.entry, &dropout_word.entry,
    &residual_word.entry, &dense_word.entry,    &init_word.entry};
const size_t sl_n_layer_words = sizeof sl_layer_words / sizeof *sl_layer_words;

/* ---- reading ---- */

typedef struct {
    sl_builder *b;
    const char *at;
    size_t items;
    int depth;
} reader;

static size_t read_list(reader *r, size_t from, const char *prefix, size_t *position);

static void skip_space(reader *r)
{
    for (; *r->at && (isspace((unsigned char)*r->at) || *r->at == '#'); r->at++)
        if (*r->at == '#') r->at += strcspn(r->at, "\n") - (strchr(r->at, '\n') == NULL);
}

static size_t mistake(reader *r, const char *path, const char *what)
{
    return sl_build_fail(r->b, SL_E_NAME, "layer %s: %s, at '%.40s'", path, what, r->at);
}

/* Its text up to the next sign that ends one, each run of spaces and comments made one space. */
static bool read_words(reader *r, char text[ITEM], const char *path)
{
    size_t used = 0;
    while (*r->at && !strchr(";()|", *r->at)) {
        const char *const before = r->at;
        skip_space(r);
        if (used == ITEM - 1) {
            mistake(r, path, "too long");
            return false;
        }
        text[used++] = r->at != before ? ' ' : *r->at++;
    }
    while (used > 0 && text[used - 1] == ' ') used--;
    text[used] = '\0';
    return true;
}

/* "conv 64 3 pad=1" to "conv:channels=64:kernel=3:pad=1", as registries are asked. Returns false if there are more bare
 * numbers than parameters. */
static bool as_spec(char spec[2 * ITEM + 64], const char *item)
{
    char text[ITEM], *rest = text;
    snprintf(text, sizeof text, "%s", item);
    const char *const name = strsep(&rest, " ");
    size_t k = 0, used = (size_t)snprintf(spec, ITEM, "%s", name);
    const sl_entry *entry = NULL;
    for (size_t i = 0; i < sl_n_layer_words; i++)
        if (strcmp(sl_layer_words[i]->name, name) == 0) entry = sl_layer_words[i];
    if (!entry) return true; /* the registry will say so */
    for (char *argument; (argument = strsep(&rest, " "));) {
        if (!strchr(argument, '=') && k == entry->n_params) return false;
        const char *const param = strchr(argument, '=') ? "" : entry->params[k++].name;
        if (used + strlen(argument) + strlen(param) + 3 > 2 * ITEM + 64) return false;
        used += (size_t)sprintf(spec + used, ":%s%s%s", param, *param ? "=" : "", argument);
    }
    return true;
}

/* Expects that sign, as the end of layer `path`. */
static void expect(reader *r, char sign, const char *path)
{
    skip_space(r);
    if (sl_build_failed(r->b)) return;
    if (*r->at == sign) {
        r->at++;
        return;
    }
    const char what[] = {'\'', sign, '\'', ' ', 'e', 'x', 'p', 'e', 'c', 't', 'e', 'd', '\0'};
    mistake(r, path, what);
}

/* Is there a "|" before the bracket that closes this list? */
static bool has_bar(const char *at)
{
    for (int depth = 0; *at && depth >= 0; at++) {
        if (*at == '#') at += strcspn(at, "\n");
        if (!*at) break;
        if (*at == '|' && depth == 0) return true;
        depth += (*at == '(') - (*at == ')');
    }
    return false;
}

/* A list of its own, whose layers are numbered from 0 within path. */
static size_t nested(reader *r, size_t from, const char *path)
{
    size_t position = 0;
    if (++r->depth > DEEPEST) return mistake(r, path, "brackets too deep, need at most 16");
    const size_t at = read_list(r, from, path, &position);
    r->depth--;
    if (at == from) return mistake(r, path, "no layers in it");
    return at;
}

/* x + f(x). Without a shortcut of its own, x is brought to the shape of f(x) without parameters where it has to. */
static size_t residual(reader *r, size_t from, const char *path)
{
    char branch[PATH + 2];
    const bool two = has_bar(r->at);
    snprintf(branch, sizeof branch, "%s%s", path, two ? ".0" : "");
    size_t at = nested(r, from, branch), shortcut = from;
    if (two) {
        expect(r, '|', path);
        snprintf(branch, sizeof branch, "%s.1", path);
        shortcut = nested(r, from, branch);
    }
    expect(r, ')', path);
    char label[64];
    snprintf(label, sizeof label, "%s (residual)", path);
    sl_build_label(r->b, label);
    const sl_shape in = sl_build_shape(r->b, from), out = sl_build_shape(r->b, at);
    const size_t stride = (in.height + out.height - 1) / out.height;
    if (!two && (in.channels != out.channels || stride > 1) && (in.height - 1) / stride + 1 == out.height)
        shortcut = sl_build_shortcut(r->b, from, out.channels, stride);
    return sl_build_add(r->b, at, shortcut);
}

static size_t dense(reader *r, size_t from, const char *path)
{
    const size_t at = nested(r, from, path);
    expect(r, ')', path);
    char label[64];
    snprintf(label, sizeof label, "%s (dense)", path);
    sl_build_label(r->b, label);
    return sl_build_concat(r->b, from, at);
}

/* "3 x (...)": the list three times, its layers numbered on. */
static size_t repeated(reader *r, size_t from, const char *prefix, size_t *position, const char *path)
{
    char *end;
    const unsigned long times = strtoul(r->at, &end, 10);
    const char *const number = r->at;
    r->at = end;
    skip_space(r);
    const bool x = *r->at == 'x';
    r->at += x;
    skip_space(r);
    if (!x || *r->at != '(' || times < 1 || times > MOST_REPEATS) {
        r->at = number;
        return mistake(r, path, "a number stands before 'x (...)' and is 1 to 4096");
    }
    const char *const body = ++r->at;
    const size_t before = r->items;
    if (++r->depth > DEEPEST) return mistake(r, path, "brackets too deep, need at most 16");
    for (unsigned long k = 0; k < times && !sl_build_failed(r->b); k++) {
        r->at = body;
        from = read_list(r, from, prefix, position);
        if (r->items == before) return mistake(r, path, "no layers in it"); /* nor would the next thousands have any */
    }
    r->depth--;
    expect(r, ')', path);
    return from;
}

static size_t read_item(reader *r, size_t from, const char *prefix, size_t *position)
{
    char path[PATH], item[ITEM], spec[2 * ITEM + 64], label[ITEM + PATH + 4];
    if ((size_t)snprintf(path, sizeof path, "%s%s%zu", prefix, *prefix ? "." : "", *position) >= sizeof path)
        return mistake(r, prefix, "too deep");
    if (++r->items > MOST_ITEMS) return mistake(r, path, "too many layers, need at most 16384");
    if (isdigit((unsigned char)*r->at)) return repeated(r, from, prefix, position, path);
    if (!read_words(r, item, path)) return 0;
    snprintf(label, sizeof label, "%s (%s)", path, item);
    sl_build_label(r->b, label);
    const sl_shape in = sl_build_shape(r->b, from);
    sl_spec s;
    sl_err err = {0};
    if (!as_spec(spec, item))
        return sl_build_fail(r->b, SL_E_DOMAIN, "layer %s: more numbers than '%.*s' has parameters", label,
                             (int)strcspn(item, " "), item);
    if (sl_spec_parse(&s, spec, "layer", sl_layer_words, sl_n_layer_words, &err) != SL_OK)
        return sl_build_fail(r->b, err.code, "layer %s on %zux%zux%zu: %s", path, in.channels, in.height, in.width,
                             err.message);
    const word *const w = (const word *)s.entry; /* its first member */
    if (w != &init_word) ++*position;
    if (w->add) return w->add(r->b, from, path, &s);
    expect(r, '(', path);
    return w == &dense_word ? dense(r, from, path) : residual(r, from, path);
}

static size_t read_list(reader *r, size_t from, const char *prefix, size_t *position)
{
    for (skip_space(r); *r->at && !strchr(")|", *r->at) && !sl_build_failed(r->b); skip_space(r)) {
        if (*r->at != ';') from = read_item(r, from, prefix, position);
        skip_space(r);
        if (*r->at == ';')
            r->at++;
        else if (*r->at && !strchr(")|", *r->at))
            sl_build_fail(r->b, SL_E_NAME, "';' expected after layer %s%s%zu, at '%.40s'", prefix, *prefix ? "." : "",
                          *position - (*position > 0), r->at);
    }
    return from;
}

void sl_build_described(sl_builder *b, const char *text)
{
    reader r = {.b = b, .at = text};
    size_t position = 0;
    read_list(&r, 0, "", &position);
    if (*r.at) sl_build_fail(b, SL_E_NAME, "'%c' without its bracket, at '%.40s'", *r.at, r.at);
}

sl_status sl_model_text(char **text, const char *given, sl_err *err)
{
    char *r;
    if (*given == '@')
        SL_TRY(sl_read_file(&r, NULL, given + 1, LARGEST_FILE, err));
    else if (!(r = strdup(given)))
        return sl_fail(err, SL_E_MEMORY, "no memory for a model's text");
    reader from = {.at = r};
    size_t used = 0;
    for (; *given == '@' && *from.at;) {
        const char *const before = from.at;
        skip_space(&from);
        if (from.at == before) r[used++] = *from.at++;
        else if (used > 0 && *from.at) r[used++] = ' ';
    }
    if (*given == '@') r[used] = '\0';
    *text = r;
    return SL_OK;
}
