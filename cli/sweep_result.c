#include "cli/sweep_result.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/gsl.h"
#include "cli/output.h"

#define FAMILY 0.05 /* chance that a cell as good as the best is told from it, over all cells */

static const cJSON *at(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* ---- one run ---- */

/* The metric of a complete run, from the rows of its epochs. */
static double measured(const cJSON *result, const sl_sweep_metric *m)
{
    double v = NAN;
    for (const cJSON *e = at(result, "epochs") ? at(result, "epochs")->child : NULL; e; e = e->next) {
        const double x = sl_cli_number(at(e, m->key));
        if (m->best && !isnan(x) && !isnan(v)) v = m->higher ? fmax(v, x) : fmin(v, x);
        else if (!isnan(x) || !m->best) v = x;
    }
    return v;
}

static double value_of(const sl_sweep_job *j, const sl_sweep_metric *m)
{
    if (j->status == SL_JOB_DIVERGED) return m->higher ? -INFINITY : INFINITY;
    return j->status == SL_JOB_COMPLETE ? measured(j->result, m) : NAN;
}

/* ---- one cell ---- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* v[n] is sorted; infinities are ordinary values. NAN for none, and for the middle of two opposite infinities. */
static double median_of(double *v, size_t n)
{
    if (n == 0) return NAN;
    qsort(v, n, sizeof *v, ascending);
    return n % 2 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

/* value: of the seeds; scratch: as many. */
static void judge_cell(sl_sweep_cell *c, const sl_sweep_job *jobs, const double *value, size_t seeds, bool higher,
                       double *scratch)
{
    sl_welford mean = {0}, epochs = {0}, speed = {0};
    size_t n = 0;
    *c = (sl_sweep_cell){.best = NAN, .mean = {NAN, NAN, 0}};
    for (size_t s = 0; s < seeds; s++) {
        const sl_sweep_job *j = &jobs[s];
        c->complete += j->status == SL_JOB_COMPLETE;
        c->diverged += j->status == SL_JOB_DIVERGED;
        c->failed += j->status == SL_JOB_FAILED;
        if (!isnan(j->seconds)) c->seconds += j->seconds;
        if (j->result) {
            const double images = sl_cli_number(at(j->result, "images_per_second"));
            sl_welford_add(&epochs, cJSON_GetArraySize(at(j->result, "epochs")));
            if (!isnan(images)) sl_welford_add(&speed, images);
        }
        if (isnan(value[s])) continue;
        scratch[n++] = value[s];
        if (isinf(value[s])) continue;
        sl_welford_add(&mean, value[s]);
        if (isnan(c->best) || (higher ? value[s] > c->best : value[s] < c->best)) c->best = value[s];
    }
    if (mean.n > 0 && c->diverged == 0) c->mean = sl_welford_mean(&mean);
    c->median = median_of(scratch, n);
    c->epochs = epochs.n > 0 ? epochs.mean : NAN;
    c->images_per_second = speed.n > 0 ? speed.mean : NAN;
}

/* ---- the order ---- */

/* 0: measured for all; 1: some diverged, the median stands; 2: half and more diverged; 3: no answer. */
static int class_of(const sl_sweep_cell *c)
{
    if (!isnan(c->mean.value)) return 0;
    if (c->diverged == 0) return 3;
    return isfinite(c->median) ? 1 : 2;
}

static bool better(const sl_sweep_result *r, size_t a, size_t b)
{
    const sl_sweep_cell *x = &r->cell[a], *y = &r->cell[b];
    const int cx = class_of(x), cy = class_of(y);
    if (cx != cy) return cx < cy;
    if (cx == 2 && x->diverged != y->diverged) return x->diverged < y->diverged;
    if (cx >= 2) return false;
    const double u = cx == 0 ? x->mean.value : x->median, v = cx == 0 ? y->mean.value : y->median;
    return r->file->metric->higher ? u > v : u < v;
}

/* Stable, so that cells that are equal stay in the grid's order. to: scratch as long as order. */
static void merge_sort(const sl_sweep_result *r, size_t *order, size_t *to, size_t n)
{
    if (n < 2) return;
    const size_t half = n / 2;
    merge_sort(r, order, to, half);
    merge_sort(r, order + half, to, n - half);
    for (size_t i = 0, a = 0, b = half; i < n; i++)
        to[i] = b == n || (a < half && !better(r, order[b], order[a])) ? order[a++] : order[b++];
    memcpy(order, to, n * sizeof *order);
}

/* ---- ties ---- */

/* Two-sided p of the mean difference over the seeds that both finished; NAN with fewer than two. */
static double p_of_difference(const double *a, const double *b, size_t seeds)
{
    sl_welford w = {0};
    for (size_t s = 0; s < seeds; s++)
        if (isfinite(a[s]) && isfinite(b[s])) sl_welford_add(&w, a[s] - b[s]);
    if (w.n < 2) return NAN;
    const sl_estimate d = sl_welford_mean(&w);
    if (!(d.se > 0)) return d.value == 0 ? 1 : 0;
    return 2 * gsl_cdf_tdist_Q(fabs(d.value) / d.se, d.dof);
}

static sl_status find_ties(sl_sweep_result *r, sl_err *err)
{
    const size_t n = r->file->n_cells, seeds = r->file->n_seeds, first = r->order[0];
    double *p = calloc(2 * n, sizeof *p), *adjusted = p + n;
    size_t *which = calloc(n, sizeof *which), tests = 0;
    sl_status st = SL_OK;
    if (!p || !which) st = sl_fail(err, SL_E_MEMORY, "no memory to compare %zu cells", n);
    if (st == SL_OK && class_of(&r->cell[first]) == 0) {
        sl_gsl_quiet();
        r->cell[first].tie = SL_TIE_BEST;
        for (size_t i = 1; i < n; i++) {
            const size_t c = r->order[i];
            if (class_of(&r->cell[c]) == 3) continue;
            if (class_of(&r->cell[c]) > 0) {
                r->cell[c].tie = SL_TIE_NO;
                continue;
            }
            const double value = p_of_difference(r->value + c * seeds, r->value + first * seeds, seeds);
            if (isnan(value)) continue;
            p[tests] = value;
            which[tests++] = c;
        }
        sl_holm(adjusted, p, tests);
        for (size_t k = 0; k < tests; k++) r->cell[which[k]].tie = adjusted[k] <= FAMILY ? SL_TIE_NO : SL_TIE_YES;
    }
    free(p);
    free(which);
    return st;
}

sl_status sl_sweep_judge(sl_sweep_result *r, const sl_sweep_file *f, const sl_sweep_job *jobs, sl_err *err)
{
    const size_t n = f->n_cells, seeds = f->n_seeds;
    *r = (sl_sweep_result){.file = f, .jobs = jobs};
    r->value = calloc(n * seeds, sizeof *r->value);
    r->cell = calloc(n, sizeof *r->cell);
    r->order = calloc(n, sizeof *r->order);
    double *scratch = calloc(seeds, sizeof *scratch);
    size_t *to = calloc(n, sizeof *to);
    sl_status st = SL_OK;
    if (!r->value || !r->cell || !r->order || !scratch || !to)
        st = sl_fail(err, SL_E_MEMORY, "no memory for %zu cells", n);
    if (st == SL_OK) {
        for (size_t i = 0; i < n * seeds; i++) r->value[i] = value_of(&jobs[i], f->metric);
        for (size_t c = 0; c < n; c++) {
            judge_cell(&r->cell[c], jobs + c * seeds, r->value + c * seeds, seeds, f->metric->higher, scratch);
            r->order[c] = c;
        }
        merge_sort(r, r->order, to, n);
        for (size_t i = 0; i < n; i++) r->cell[r->order[i]].rank = i;
        st = find_ties(r, err);
    }
    free(scratch);
    free(to);
    if (st != SL_OK) sl_sweep_result_free(r);
    return st;
}

void sl_sweep_result_free(sl_sweep_result *r)
{
    free(r->value);
    free(r->cell);
    free(r->order);
    *r = (sl_sweep_result){0};
}
