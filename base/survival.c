#include "base/survival.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Memory, or NULL with the reason in *err. Asks the machine before large requests: an allocation alone succeeds, and
 * kills the process when it is written to. */
static void *request(size_t count, size_t each, const char *what, sl_err *err)
{
    static const double ask_from = 1e8;
    const double bytes = (double)count * (double)each;
    void *block = NULL;
    if (bytes < (double)(SIZE_MAX / 4) && (bytes < ask_from || bytes < sl_memory_available("")))
        block = malloc(count * each);
    if (!block) (void)sl_fail(err, SL_E_MEMORY, "no memory for %s: %.3g GB", what, bytes / 1e9);
    return block;
}

/* One block for the six columns. */
enum { COLUMNS = 6 };
static sl_status allocate(sl_survival *s, size_t rows, sl_err *err)
{
    double *const block = request(rows, COLUMNS * sizeof *block, "the curve of survival", err);
    if (!block) return SL_E_MEMORY;
    *s = (sl_survival){.rows = rows,
                       .time = block,
                       .at_risk = block + rows,
                       .events = block + 2 * rows,
                       .censored = block + 3 * rows,
                       .survival = block + 4 * rows,
                       .greenwood = block + 5 * rows};
    return SL_OK;
}

void sl_survival_clear(sl_survival *s)
{
    free(s->time);
    *s = (sl_survival){0};
}

/* From times, events and censored. Until the first censoring S is a quotient of counts, without rounding to add up. */
static void estimate(sl_survival *s, size_t n)
{
    double at_risk = (double)n, S = 1, v = 0;
    s->n = at_risk;
    for (size_t i = 0; i < s->rows; i++) {
        const double d = s->events[i], left = at_risk - d;
        s->at_risk[i] = at_risk;
        if (d > 0) {
            S = s->n_censored == 0 ? left / s->n : S * (left / at_risk);
            v = left > 0 ? v + d / (at_risk * left) : INFINITY;
        }
        s->survival[i] = S;
        s->greenwood[i] = v;
        s->exposure += s->time[i] * (d + s->censored[i]);
        s->n_events += d;
        s->n_censored += s->censored[i];
        at_risk = left - s->censored[i];
    }
}

/* ---- Sorting ----------------------------------------------------------------------------------------------------- */

/* The bits of doubles >= 0 are in the order of their values, and their sign bit is free for the censoring, which so
 * comes after the events of the same time. */
static uint64_t key_of(double time, bool censored)
{
    uint64_t bits;
    time += 0.0; /* -0 becomes 0 */
    memcpy(&bits, &time, sizeof bits);
    return bits << 1 | censored;
}

static double time_of(uint64_t key)
{
    double time;
    key >>= 1;
    memcpy(&time, &key, sizeof time);
    return time;
}

/* By digits, the lowest first; digits that all keys share are passed over. Returns key or spare, whichever holds the
 * result. */
enum { DIGIT = 11, DIGITS = 6, BUCKETS = 1 << DIGIT };
static uint64_t *sort(uint64_t *key, uint64_t *spare, size_t n, size_t (*count)[BUCKETS])
{
    memset(count, 0, DIGITS * sizeof *count);
    for (size_t i = 0; i < n; i++)
        for (int d = 0; d < DIGITS; d++) count[d][key[i] >> (DIGIT * d) & (BUCKETS - 1)]++;
    for (int d = 0; d < DIGITS; d++) {
        if (count[d][key[0] >> (DIGIT * d) & (BUCKETS - 1)] == n) continue;
        size_t before = 0;
        for (size_t b = 0; b < BUCKETS; b++) {
            const size_t here = count[d][b];
            count[d][b] = before;
            before += here;
        }
        for (size_t i = 0; i < n; i++) spare[count[d][key[i] >> (DIGIT * d) & (BUCKETS - 1)]++] = key[i];
        uint64_t *const sorted = spare;
        spare = key;
        key = sorted;
    }
    return key;
}

static sl_status from_keys(sl_survival *s, const uint64_t *key, size_t n, sl_err *err)
{
    size_t rows = 1;
    for (size_t i = 1; i < n; i++) rows += key[i] >> 1 != key[i - 1] >> 1;
    SL_TRY(allocate(s, rows, err));
    for (size_t i = 0, row = 0; i < n; row++) {
        size_t tally[2] = {0};
        const uint64_t time = key[i] >> 1;
        for (; i < n && key[i] >> 1 == time; i++) tally[key[i] & 1]++;
        s->time[row] = time_of(time << 1);
        s->events[row] = (double)tally[0];
        s->censored[row] = (double)tally[1];
    }
    return SL_OK;
}

/* Of either kind of times (the other one NULL). */
static sl_status sorted(sl_survival *s, const uint64_t *step, const double *time, const bool *censored, size_t n,
                        sl_err *err)
{
    uint64_t *const key = request(n, 2 * sizeof *key, "sorting the times", err);
    size_t(*const count)[BUCKETS] = request(DIGITS, sizeof *count, "sorting the times", err);
    sl_status st = SL_E_MEMORY;
    if (key && count) {
        for (size_t i = 0; i < n; i++) key[i] = key_of(step ? (double)step[i] : time[i], censored && censored[i]);
        st = from_keys(s, sort(key, key + n, n, count), n, err);
    }
    free(key);
    free(count);
    if (st == SL_OK) estimate(s, n);
    return st;
}

/* ---- Counting ---------------------------------------------------------------------------------------------------- */

static sl_status counted(sl_survival *s, const uint64_t *time, const bool *censored, size_t n, size_t last, sl_err *err)
{
    size_t(*const count)[2] = request(last + 1, sizeof *count, "counting the times", err);
    if (!count) return SL_E_MEMORY;
    memset(count, 0, (last + 1) * sizeof *count);
    for (size_t i = 0; i < n; i++) count[time[i]][censored && censored[i]]++;
    size_t rows = 0;
    for (size_t t = 0; t <= last; t++) rows += count[t][0] + count[t][1] > 0;
    const sl_status st = allocate(s, rows, err);
    if (st == SL_OK) {
        size_t row = 0;
        for (size_t t = 0; t <= last; t++) {
            if (count[t][0] + count[t][1] == 0) continue;
            s->time[row] = (double)t;
            s->events[row] = (double)count[t][0];
            s->censored[row++] = (double)count[t][1];
        }
        estimate(s, n);
    }
    free(count);
    return st;
}

sl_status sl_survival_steps(sl_survival *s, const uint64_t *time, const bool *censored, size_t n, sl_err *err)
{
    static const uint64_t exact = (uint64_t)1 << 53, few = 1 << 16;
    if (n == 0) return sl_fail(err, SL_E_DOMAIN, "no times: a curve of survival needs at least 1");
    uint64_t last = 0;
    for (size_t i = 0; i < n; i++) last = time[i] > last ? time[i] : last;
    if (last >= exact) {
        size_t i = 0;
        while (time[i] < exact) i++;
        return sl_fail(err, SL_E_DOMAIN, "time %zu is %llu steps, need less than 2^53", i, (unsigned long long)time[i]);
    }
    if (last < few || last < n) return counted(s, time, censored, n, (size_t)last, err);
    return sorted(s, time, NULL, censored, n, err);
}

sl_status sl_survival_times(sl_survival *s, const double *time, const bool *censored, size_t n, sl_err *err)
{
    if (n == 0) return sl_fail(err, SL_E_DOMAIN, "no times: a curve of survival needs at least 1");
    for (size_t i = 0; i < n; i++)
        if (!(time[i] >= 0 && isfinite(time[i])))
            return sl_fail(err, SL_E_DOMAIN, "time %zu is %g, need 0 <= time < inf", i, time[i]);
    return sorted(s, NULL, time, censored, n, err);
}
