#include "optim/rate_table.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/run.h"
#include "base/spec.h"

/* Squares of rates, and sums of them, must stay numbers. */
#define LEAST_RATE 1e-100
#define MOST_RATE 1e100

struct sl_rate_table {
    struct sl_rate_table *next; /* of those that have been read */
    uint64_t hash;
    size_t rows, room;
    double *x, *factor; /* [rows] */
};

/* Every table read so far. It only grows, and what is in it never changes. */
static struct sl_rate_table *tables;
static pthread_mutex_t tables_lock = PTHREAD_MUTEX_INITIALIZER;

static void discard(struct sl_rate_table *t)
{
    if (!t) return;
    free(t->x);
    free(t->factor);
    free(t);
}

static sl_status add_row(struct sl_rate_table *t, double x, double factor, sl_err *err)
{
    if (t->rows == t->room) {
        const size_t room = t->room ? 2 * t->room : 256;
        double *const more_x = realloc(t->x, room * sizeof *more_x);
        if (more_x) t->x = more_x;
        double *const more = more_x ? realloc(t->factor, room * sizeof *more) : NULL;
        if (!more) return sl_fail(err, SL_E_MEMORY, "no memory for a table of %zu rates", room);
        t->factor = more;
        t->room = room;
    }
    t->x[t->rows] = x;
    t->factor[t->rows++] = factor;
    return SL_OK;
}

/* Columns 1 and `column` of a line that holds numbers alone; *found: how many of the columns wanted there are. */
static sl_status read_line(double *x, double *factor, char *line, size_t column, const char *path, size_t number,
                           sl_err *err)
{
    size_t k = 0;
    for (char *at = line; k < column; k++) {
        char *end;
        const double v = sl_read_double(at, &end);
        if (end == at || (*end && !isspace((unsigned char)*end)))
            return sl_fail(err, SL_E_FORMAT, "'%s', line %zu: column %zu is not a number, need %zu columns of numbers",
                           path, number, k + 1, column);
        if (k == 0) *x = v;
        if (k + 1 == column) *factor = v;
        at = end;
    }
    return SL_OK;
}

static sl_status check_row(const struct sl_rate_table *t, double x, double factor, const char *path, size_t number,
                           sl_err *err)
{
    if (!(x >= 0 && isfinite(x)))
        return sl_fail(err, SL_E_FORMAT, "'%s', line %zu: %g in column 1, need a time of 0 or more", path, number, x);
    if (!(factor == 0 || (factor >= LEAST_RATE && factor <= MOST_RATE)))
        return sl_fail(err, SL_E_FORMAT, "'%s', line %zu: a rate of %g, need 0, or %g to %g", path, number, factor,
                       LEAST_RATE, MOST_RATE);
    if (t->rows > 0 && !(x > t->x[t->rows - 1]))
        return sl_fail(err, SL_E_FORMAT, "'%s', line %zu: %g in column 1 after %g, need ascending times", path, number,
                       x, t->x[t->rows - 1]);
    return SL_OK;
}

static sl_status parse(struct sl_rate_table *t, char *text, size_t column, const char *path, sl_err *err)
{
    static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8, which some editors write */
    size_t number = 0;
    if (strncmp(text, mark, strlen(mark)) == 0) text += strlen(mark);
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        number++;
        char *const comment = strchr(line, '#');
        if (comment) *comment = '\0';
        if (line[strspn(line, " \t\r\v\f")] == '\0') continue;
        double x = 0, factor = 0;
        SL_TRY(read_line(&x, &factor, line, column, path, number, err));
        SL_TRY(check_row(t, x, factor, path, number, err));
        SL_TRY(add_row(t, x, factor, err));
    }
    if (t->rows < 2) return sl_fail(err, SL_E_FORMAT, "'%s' has %zu rows of rates, need at least 2", path, t->rows);
    double largest = 0;
    for (size_t i = 0; i < t->rows; i++) largest = fmax(largest, t->factor[i]);
    if (!(largest > 0)) return sl_fail(err, SL_E_FORMAT, "'%s': every rate is 0", path);
    return SL_OK;
}

/* FNV-1a over the bytes of the numbers. */
static uint64_t hash_numbers(uint64_t h, const double *v, size_t n)
{
    const unsigned char *const bytes = (const unsigned char *)v;
    for (size_t i = 0; i < n * sizeof *v; i++) h = (h ^ bytes[i]) * 0x100000001b3u;
    return h;
}

static bool same(const struct sl_rate_table *a, const struct sl_rate_table *b)
{
    return a->hash == b->hash && a->rows == b->rows && memcmp(a->x, b->x, a->rows * sizeof *a->x) == 0 &&
           memcmp(a->factor, b->factor, a->rows * sizeof *a->factor) == 0;
}

/* The table among those known that is equal to t, which then goes; else t, known from now on. */
static const sl_rate_table *keep(struct sl_rate_table *t)
{
    pthread_mutex_lock(&tables_lock);
    struct sl_rate_table *known = tables;
    while (known && !same(known, t)) known = known->next;
    if (!known) t->next = tables, tables = t;
    pthread_mutex_unlock(&tables_lock);
    if (known) discard(t);
    return known ? known : t;
}

sl_status sl_rate_table_read(const sl_rate_table **table, const char *path, size_t column, sl_err *err)
{
    enum { LARGEST = 1 << 28 }; /* bytes */
    char *text;
    SL_TRY(sl_read_file(&text, NULL, path, LARGEST, err));
    struct sl_rate_table *t = calloc(1, sizeof *t);
    sl_status st = t ? parse(t, text, column, path, err) : sl_fail(err, SL_E_MEMORY, "no memory for '%s'", path);
    free(text);
    if (st != SL_OK) {
        discard(t);
        return st;
    }
    t->hash = hash_numbers(hash_numbers(0xcbf29ce484222325u, t->x, t->rows), t->factor, t->rows);
    *table = keep(t);
    return SL_OK;
}

double sl_rate_table_at(const sl_rate_table *t, double x)
{
    size_t low = 0, high = t->rows - 1;
    if (!(x > t->x[low])) return t->factor[low];
    if (x >= t->x[high]) return t->factor[high];
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (t->x[middle] <= x) low = middle;
        else high = middle;
    }
    const double part = (x - t->x[low]) / (t->x[high] - t->x[low]);
    return t->factor[low] * (1 - part) + t->factor[high] * part;
}

size_t sl_rate_table_rows(const sl_rate_table *t)
{
    return t->rows;
}

double sl_rate_table_last(const sl_rate_table *t)
{
    return t->x[t->rows - 1];
}

uint64_t sl_rate_table_hash(const sl_rate_table *t)
{
    return t->hash;
}
