#define _GNU_SOURCE
#include "base/table.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/run.h"
#include "base/spec.h"

typedef struct {
    char *name, *value;
} header_line;

typedef struct {
    char *title;
    size_t start; /* its first row */
} block;

struct sl_table {
    size_t n_columns, n_headers, n_blocks, n_rows, row_room;
    char **columns; /* as given, with the unit   */
    char **names;   /* the same without the unit */
    header_line *headers;
    block *blocks;  /* at least one              */
    double *rows;   /* [n_rows][n_columns]       */
    bool titled;    /* block 0 has been named    */
};

/* ---- columns ---- */

/* Length of the C identifier that text starts with; 0 if none. */
static size_t identifier(const char *text)
{
    size_t n = 0;
    if (isdigit((unsigned char)text[0])) return 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '_') n++;
    return n;
}

/* "name" or "name[unit]", the unit without blanks, brackets or '='. */
static bool good_column(const char *text)
{
    const size_t n = identifier(text);
    if (n == 0) return false;
    if (text[n] == '\0') return true;
    const size_t length = strlen(text);
    if (text[n] != '[' || text[length - 1] != ']') return false;
    for (size_t i = n + 1; i + 1 < length; i++)
        if (!isgraph((unsigned char)text[i]) || strchr("[]=", text[i])) return false;
    return true;
}

sl_table *sl_table_alloc(size_t n_columns, const char *const *columns)
{
    for (size_t j = 0; j < n_columns; j++)
        if (!good_column(columns[j])) return NULL;
    if (n_columns == 0) return NULL;
    sl_table *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->n_columns = n_columns;
    t->columns = calloc(n_columns, sizeof *t->columns);
    t->names = calloc(n_columns, sizeof *t->names);
    t->blocks = calloc(1, sizeof *t->blocks);
    bool good = t->columns && t->names && t->blocks;
    if (good) {
        t->n_blocks = 1;
        good = (t->blocks[0].title = strdup("")) != NULL;
        for (size_t j = 0; good && j < n_columns; j++) {
            t->columns[j] = strdup(columns[j]);
            t->names[j] = strndup(columns[j], identifier(columns[j]));
            good = t->columns[j] && t->names[j];
        }
    }
    if (good) return t;
    sl_table_free(t);
    return NULL;
}

void sl_table_free(sl_table *t)
{
    if (!t) return;
    for (size_t j = 0; j < t->n_columns; j++) {
        if (t->columns) free(t->columns[j]);
        if (t->names) free(t->names[j]);
    }
    for (size_t i = 0; i < t->n_headers; i++) free(t->headers[i].name), free(t->headers[i].value);
    for (size_t b = 0; b < t->n_blocks; b++) free(t->blocks[b].title);
    free(t->columns);
    free(t->names);
    free(t->headers);
    free(t->blocks);
    free(t->rows);
    free(t);
}

/* ---- header, blocks, rows ---- */

/* What is written must read back the same: control characters become blanks, outer blanks go. */
static void fold(char *text)
{
    size_t from = 0, to = 0;
    for (char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c)) *c = ' ';
    while (text[from] == ' ') from++;
    while (text[from]) text[to++] = text[from++];
    while (to > 0 && text[to - 1] == ' ') to--;
    text[to] = '\0';
}

static bool good_header_name(const char *name)
{
    const size_t n = strlen(name);
    if (n == 0 || name[0] == ' ' || name[n - 1] == ' ') return false;
    if (strcmp(name, "block") == 0 || strcmp(name, "rows") == 0) return false; /* these lines are ours */
    for (size_t i = 0; i < n; i++)
        if (name[i] == '=' || iscntrl((unsigned char)name[i])) return false;
    return true;
}

static header_line *find_header(const sl_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_headers; i++)
        if (strcmp(t->headers[i].name, name) == 0) return &t->headers[i];
    return NULL;
}

sl_status sl_table_set(sl_table *t, const char *name, sl_err *err, const char *format, ...)
{
    if (!good_header_name(name))
        return sl_fail(err, SL_E_USAGE, "'%s' cannot name a header line: need text without '=', not block or rows", name);
    va_list args;
    va_start(args, format);
    char *value = NULL;
    const int n = vasprintf(&value, format, args);
    va_end(args);
    if (n < 0) return sl_fail(err, SL_E_MEMORY, "no memory for the header line '%s'", name);
    fold(value);

    header_line *h = find_header(t, name);
    if (h) {
        free(h->value);
        h->value = value;
        return SL_OK;
    }
    header_line *more = realloc(t->headers, (t->n_headers + 1) * sizeof *more);
    if (more) t->headers = more;
    char *copy = more ? strdup(name) : NULL;
    if (!copy) {
        free(value);
        return sl_fail(err, SL_E_MEMORY, "no memory for the header line '%s'", name);
    }
    t->headers[t->n_headers++] = (header_line){copy, value};
    return SL_OK;
}

const char *sl_table_get(const sl_table *t, const char *name)
{
    const header_line *h = find_header(t, name);
    return h ? h->value : NULL;
}

sl_status sl_table_block(sl_table *t, const char *title, sl_err *err)
{
    char *copy = strdup(title ? title : "");
    if (!copy) return sl_fail(err, SL_E_MEMORY, "no memory for a block of a table");
    fold(copy);
    if (!t->titled && t->n_rows == 0) {
        free(t->blocks[0].title);
        t->blocks[0].title = copy;
    } else {
        block *more = realloc(t->blocks, (t->n_blocks + 1) * sizeof *more);
        if (!more) {
            free(copy);
            return sl_fail(err, SL_E_MEMORY, "no memory for a block of a table");
        }
        t->blocks = more;
        t->blocks[t->n_blocks++] = (block){copy, t->n_rows};
    }
    t->titled = true;
    return SL_OK;
}

sl_status sl_table_add(sl_table *t, const double *row, sl_err *err)
{
    if (t->n_rows == t->row_room) {
        const size_t room = t->row_room ? 2 * t->row_room : 64;
        double *more = room > SIZE_MAX / sizeof *more / t->n_columns
                           ? NULL
                           : realloc(t->rows, room * t->n_columns * sizeof *more);
        if (!more) return sl_fail(err, SL_E_MEMORY, "no memory for row %zu of a table", t->n_rows);
        t->rows = more;
        t->row_room = room;
    }
    memcpy(t->rows + t->n_rows++ * t->n_columns, row, t->n_columns * sizeof *row);
    return SL_OK;
}

size_t sl_table_columns(const sl_table *t)
{
    return t->n_columns;
}

size_t sl_table_rows(const sl_table *t)
{
    return t->n_rows;
}

size_t sl_table_blocks(const sl_table *t)
{
    return t->n_blocks;
}

const char *sl_table_block_title(const sl_table *t, size_t b)
{
    return t->blocks[b].title;
}

size_t sl_table_block_start(const sl_table *t, size_t b)
{
    return b < t->n_blocks ? t->blocks[b].start : t->n_rows;
}

const double *sl_table_row(const sl_table *t, size_t i)
{
    return t->rows + i * t->n_columns;
}

const char *sl_table_column_name(const sl_table *t, size_t j)
{
    return t->names[j];
}

size_t sl_table_find(const sl_table *t, const char *column)
{
    size_t j = 0;
    while (j < t->n_columns && strcmp(t->names[j], column) != 0) j++;
    return j;
}

/* ---- writing ---- */

static void print_line(FILE *f, const char *name, const char *value)
{
    fprintf(f, *value ? "# %s = %s\n" : "# %s =\n", name, value);
}

static void print_rows(FILE *f, const sl_table *t, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        const double *row = sl_table_row(t, i);
        for (size_t j = 0; j < t->n_columns; j++) {
            char number[32];
            sl_print_double(number, row[j]);
            if (j) fputc(' ', f);
            fputs(number, f);
        }
        fputc('\n', f);
    }
}

sl_status sl_table_write(const sl_table *t, const char *path, sl_err *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f) return sl_fail(err, SL_E_MEMORY, "no memory to write '%s'", path);
    for (size_t i = 0; i < t->n_headers; i++) print_line(f, t->headers[i].name, t->headers[i].value);
    fprintf(f, "# rows = %zu\n#", t->n_rows);
    for (size_t j = 0; j < t->n_columns; j++) fprintf(f, " %s", t->columns[j]);
    fputc('\n', f);
    for (size_t b = 0; b < t->n_blocks; b++) {
        if (b > 0) fputs("\n\n", f);
        if (b > 0 || t->titled) print_line(f, "block", t->blocks[b].title);
        print_rows(f, t, t->blocks[b].start, sl_table_block_start(t, b + 1));
    }
    const bool whole = !ferror(f);
    const bool closed = fclose(f) == 0;
    const sl_status st = whole && closed ? sl_write_file(path, text, size, err)
                                         : sl_fail(err, SL_E_MEMORY, "no memory to write '%s'", path);
    free(text);
    return st;
}

/* ---- reading ---- */

typedef struct {
    sl_table *t;      /* NULL before the line of columns               */
    sl_table *header; /* holds the header lines until then             */
    const char *path;
    size_t line;
    double *row;
    bool counted;     /* there was a line "# rows = n"                 */
    size_t rows;
} reader;

static sl_status malformed(const reader *r, sl_err *err, const char *expected, const char *text)
{
    return sl_fail(err, SL_E_FORMAT, "%s:%zu: expected %s, found '%.60s'", r->path, r->line, expected, text);
}

static sl_status read_columns(reader *r, char *text, sl_err *err)
{
    size_t n = 0;
    const char **columns = malloc((strlen(text) / 2 + 1) * sizeof *columns);
    if (!columns) return sl_fail(err, SL_E_MEMORY, "no memory to read '%s'", r->path);
    char *rest = text;
    const char *bad = NULL;
    for (char *word; (word = strsep(&rest, " "));) {
        if (!good_column(word) && !bad) bad = word;
        columns[n++] = word;
    }
    sl_status st = SL_OK;
    if (bad) st = malformed(r, err, "columns as name[unit]", bad);
    else if (!(r->t = sl_table_alloc(n, columns)) || !(r->row = malloc(n * sizeof *r->row)))
        st = sl_fail(err, SL_E_MEMORY, "no memory to read '%s'", r->path);
    free(columns);
    if (st != SL_OK) return st;
    r->t->headers = r->header->headers, r->t->n_headers = r->header->n_headers;
    r->header->headers = NULL, r->header->n_headers = 0;
    return SL_OK;
}

/* Behind "# ". */
static sl_status read_comment(reader *r, char *text, sl_err *err)
{
    char *equals = strstr(text, " =");
    if (!equals || (equals[2] != ' ' && equals[2] != '\0'))
        return r->t ? malformed(r, err, "one line of columns", text) : read_columns(r, text, err);
    *equals = '\0';
    const char *value = equals[2] ? equals + 3 : "";
    if (r->t && strcmp(text, "block") == 0) return sl_table_block(r->t, value, err);
    if (r->t) return malformed(r, err, "no header line behind the columns", text);
    if (strcmp(text, "rows") == 0) {
        char *end;
        r->rows = strtoull(value, &end, 10);
        r->counted = true;
        return isdigit((unsigned char)*value) && *end == '\0' ? SL_OK : malformed(r, err, "a number of rows", value);
    }
    if (!good_header_name(text)) return malformed(r, err, "'# name = value'", text);
    if (find_header(r->header, text)) return malformed(r, err, "each name once", text);
    return sl_table_set(r->header, text, err, "%s", value);
}

static sl_status read_row(reader *r, char *text, sl_err *err)
{
    if (!r->t) return malformed(r, err, "a line of columns before the rows", text);
    size_t n = 0;
    char *rest = text;
    for (char *word; (word = strsep(&rest, " ")); n++) {
        char *end;
        const double v = sl_read_double(word, &end);
        if (end == word || *end != '\0') return malformed(r, err, "a number", word);
        if (n < r->t->n_columns) r->row[n] = v;
    }
    if (n != r->t->n_columns)
        return sl_fail(err, SL_E_FORMAT, "%s:%zu: expected %zu numbers, found %zu", r->path, r->line, r->t->n_columns, n);
    return sl_table_add(r->t, r->row, err);
}

static sl_status read_lines(reader *r, char *text, size_t size, sl_err *err)
{
    if (strlen(text) != size) return sl_fail(err, SL_E_FORMAT, "%s: not a text file (it holds NUL bytes)", r->path);
    for (char *line = text; *line;) {
        char *newline = strchr(line, '\n');
        r->line++;
        if (!newline) return malformed(r, err, "a whole last line (the file is cut short)", line);
        *newline = '\0';
        if (line[0] == '#' && line[1] == ' ') SL_TRY(read_comment(r, line + 2, err));
        else if (line[0] != '\0') SL_TRY(read_row(r, line, err));
        line = newline + 1;
    }
    if (!r->t) return sl_fail(err, SL_E_FORMAT, "%s:%zu: expected a line of columns, found the end", r->path, r->line);
    if (r->counted && r->rows != r->t->n_rows)
        return sl_fail(err, SL_E_FORMAT, "%s:%zu: expected %zu rows, found %zu (the file is cut short or damaged)",
                       r->path, r->line, r->rows, r->t->n_rows);
    return SL_OK;
}

sl_status sl_table_read(sl_table **t, const char *path, sl_err *err)
{
    const size_t limit = (size_t)1 << 31;
    char *text;
    size_t size;
    SL_TRY(sl_read_file(&text, &size, path, limit, err));
    sl_table header = {0};
    reader r = {.path = path, .header = &header};
    const sl_status st = read_lines(&r, text, size, err);
    for (size_t i = 0; i < header.n_headers; i++) free(header.headers[i].name), free(header.headers[i].value);
    free(header.headers);
    free(r.row);
    free(text);
    if (st == SL_OK) *t = r.t;
    else sl_table_free(r.t);
    return st;
}
