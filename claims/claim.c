/* The engine: runs a claim, judges its parts, says the outcome in JSON. */
#define _GNU_SOURCE
#include "claims/claim.h"

#include <fnmatch.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"

const char *sl_verdict_name(sl_verdict v)
{
    switch (v) {
    case SL_HOLDS: return "HOLDS";
    case SL_FAILS: return "FAILS";
    case SL_NOT_DECIDED: return "UNDECIDED";
    case SL_NUMBERS_ONLY: return "NUMBERS";
    }
    return "?";
}

static const char *const scale_names[] = {[SL_QUICK] = "quick", [SL_DESK] = "desk", [SL_PAPER] = "paper"};

const char *sl_scale_name(sl_scale s)
{
    return scale_names[s];
}

sl_status sl_scale_parse(sl_scale *s, const char *text, sl_err *err)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(text, scale_names[i]) == 0) {
            *s = (sl_scale)i;
            return SL_OK;
        }
    return sl_fail(err, SL_E_NAME, "unknown scale '%s', known are quick, desk and paper", text);
}

sl_status sl_finding_add(sl_finding *f, sl_estimate measured, double predicted, double tolerance, double control,
                         sl_err *err, const char *label, ...)
{
    if (f->n_parts == SL_CLAIM_PARTS)
        return sl_fail(err, SL_E_CONFIG, "a claim has more than %d parts", SL_CLAIM_PARTS);
    if (isfinite(predicted) && !(tolerance >= 0 && isfinite(tolerance)))
        return sl_fail(err, SL_E_DOMAIN, "tolerance %g of part %zu, need 0 <= tolerance < inf", tolerance, f->n_parts);
    sl_part *const p = &f->parts[f->n_parts++];
    *p = (sl_part){.predicted = predicted,
                   .tolerance = tolerance,
                   .measured = measured,
                   .control = control,
                   .verdict = SL_NOT_DECIDED,
                   .control_verdict = SL_NOT_DECIDED};
    va_list args;
    va_start(args, label);
    vsnprintf(p->label, sizeof p->label, label, args);
    va_end(args);
    return SL_OK;
}

/* measured against one prediction; without one (NAN) there are only numbers. */
static sl_verdict judge(sl_estimate measured, double predicted, double tolerance)
{
    if (isnan(predicted)) return SL_NUMBERS_ONLY;
    if (!isfinite(measured.value)) return SL_NOT_DECIDED;
    sl_estimate difference = measured;
    difference.value -= predicted;
    switch (sl_compare(difference, tolerance, SL_FAMILY_ERROR / SL_FAMILY_INTERVALS)) {
    case SL_INSIDE: return SL_HOLDS;
    case SL_OUTSIDE: return SL_FAILS;
    case SL_ASTRIDE: break;
    }
    return SL_NOT_DECIDED;
}

void sl_finding_judge(sl_finding *f)
{
    size_t predicted = 0, holds = 0, fails = 0;
    size_t controls = 0, control_holds = 0, control_fails = 0;
    for (size_t i = 0; i < f->n_parts; i++) {
        sl_part *const p = &f->parts[i];
        p->verdict = judge(p->measured, p->predicted, p->tolerance);
        p->control_verdict = judge(p->measured, p->control, p->tolerance);
        predicted += p->verdict != SL_NUMBERS_ONLY;
        holds += p->verdict == SL_HOLDS;
        fails += p->verdict == SL_FAILS;
        controls += p->control_verdict != SL_NUMBERS_ONLY;
        control_holds += p->control_verdict == SL_HOLDS;
        control_fails += p->control_verdict == SL_FAILS;
    }
    /* A claim is refuted by one part and confirmed by all of them. */
    f->verdict = predicted == 0       ? SL_NUMBERS_ONLY
                 : fails > 0          ? SL_FAILS
                 : holds == predicted ? SL_HOLDS
                                      : SL_NOT_DECIDED;
    /* A control has done its work only if every part would have noticed; one that passes is the worst. */
    f->control_verdict = controls == 0               ? SL_NUMBERS_ONLY
                         : control_holds > 0         ? SL_HOLDS
                         : control_fails == controls ? SL_FAILS
                                                     : SL_NOT_DECIDED;
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- A measured finding as a piece of the run folder, so that an interrupted verify goes on where it was. -------- */

static const char *const part_columns[] = {"predicted[1]",   "tolerance[1]", "measured[1]",
                                           "measured_se[1]", "dof[1]",       "control[1]"};
enum { PART_COLUMNS = sizeof part_columns / sizeof *part_columns };

static sl_status write_finding(sl_table *t, const sl_finding *f, sl_err *err)
{
    SL_TRY(sl_table_set(t, "note", err, "%s", f->note));
    for (size_t i = 0; i < f->n_parts; i++) {
        const sl_part *const p = &f->parts[i];
        const double row[] = {p->predicted,   p->tolerance,    p->measured.value,
                              p->measured.se, p->measured.dof, p->control};
        SL_TRY(sl_table_block(t, p->label, err));
        SL_TRY(sl_table_add(t, row, err));
    }
    return SL_OK;
}

static sl_status read_finding(sl_finding *f, const sl_table *t, const char *id, sl_err *err)
{
    const char *const note = sl_table_get(t, "note");
    if (sl_table_columns(t) != PART_COLUMNS || sl_table_rows(t) != sl_table_blocks(t) || !note)
        return sl_fail(err, SL_E_FORMAT, "the saved finding of %s is not one", id);
    snprintf(f->note, sizeof f->note, "%s", note);
    for (size_t i = 0; i < sl_table_rows(t); i++) {
        const double *const row = sl_table_row(t, i);
        const sl_estimate measured = {row[2], row[3], row[4]};
        SL_TRY(sl_finding_add(f, measured, row[0], row[1], row[5], err, "%s", sl_table_block_title(t, i)));
    }
    return SL_OK;
}

typedef struct {
    const sl_claim *claim;
    const sl_lab *lab;
} measurement;

static sl_status measure(void *ctx, sl_table **out, sl_err *err)
{
    const measurement *m = ctx;
    sl_finding f = {0};
    const sl_status measured = m->claim->measure(m->lab, &f, err);
    if (measured != SL_OK && measured != SL_UNDECIDED) return measured;
    if (f.n_parts == 0) return sl_fail(err, SL_E_NUMERIC, "claim %s measured nothing", m->claim->id);
    const size_t most = m->claim->parts > 0 ? m->claim->parts : SL_CLAIM_PARTS; /* what the error budget counts on */
    if (f.n_parts > most)
        return sl_fail(err, SL_E_CONFIG, "claim %s measured %zu parts, more than its %zu", m->claim->id, f.n_parts, most);
    sl_table *t = sl_table_alloc(PART_COLUMNS, part_columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a table");
    const sl_status st = write_finding(t, &f, err);
    if (st == SL_OK)
        *out = t;
    else
        sl_table_free(t);
    return st;
}

sl_status sl_claim_run(const sl_claim *claim, const sl_lab *lab, sl_finding *finding, sl_err *err)
{
    const double start = seconds_now();
    sl_lab with_run = *lab; /* so that no claim has to ask */
    if (!with_run.run) with_run.run = sl_run_none();
    measurement m = {claim, &with_run};
    char key[128];
    snprintf(key, sizeof key, "claim-%s", claim->id);
    sl_table *t = NULL;
    sl_err why = {0};
    sl_status st = sl_run_job(with_run.run, &t, key, measure, &m, &why);
    sl_finding f = {0};
    if (st == SL_OK) st = read_finding(&f, t, claim->id, &why);
    sl_table_free(t);
    if (st != SL_OK && err) *err = why;
    if (st < 0) return st;
    if (st != SL_OK) { /* the answer that stands: none */
        f.verdict = f.control_verdict = SL_NOT_DECIDED;
        snprintf(f.note, sizeof f.note, "%.*s", (int)sizeof f.note - 1, why.message);
        f.seconds = seconds_now() - start;
        *finding = f;
        return st;
    }
    sl_finding_judge(&f);
    if (claim->expected == SL_NUMBERS_ONLY) f.verdict = SL_NUMBERS_ONLY;
    f.seconds = seconds_now() - start;
    *finding = f;
    return SL_OK;
}

bool sl_claim_matches(const sl_claim *claim, const char *pattern)
{
    if (fnmatch(pattern, claim->id, 0) == 0) return true;
    /* A whole leading part of the id: "musso", or "musso.alpha-moment" for its printed and derived rows. */
    const size_t n = strlen(pattern);
    return n > 0 && strncmp(claim->id, pattern, n) == 0 && claim->id[n] == '.';
}

/* How far off a part is, in tolerances. */
static double excess(const sl_part *p)
{
    return fabs(p->measured.value - p->predicted) / p->tolerance;
}

/* The part that stands for the claim where only one has room: of those that share its verdict the one furthest off. */
static const sl_part *spokesman(const sl_finding *f)
{
    const sl_part *best = &f->parts[0];
    for (size_t i = 1; i < f->n_parts; i++) {
        const sl_part *const p = &f->parts[i];
        if (p->verdict != f->verdict) continue;
        if (best->verdict != f->verdict || excess(p) > excess(best)) best = p;
    }
    return best;
}

static void add_numbers(cJSON *o, const sl_part *p)
{
    sl_json_number(o, "predicted", p->predicted);
    sl_json_estimate(o, "measured", p->measured);
    sl_json_number(o, "tolerance", p->tolerance);
}

cJSON *sl_finding_json(const sl_claim *claim, const sl_finding *f, bool with_control)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "id", claim->id);
    cJSON_AddStringToObject(o, "paper", claim->paper);
    cJSON_AddStringToObject(o, "equation", claim->equation);
    cJSON_AddStringToObject(o, "statement", claim->statement);
    if (f->n_parts > 0) add_numbers(o, spokesman(f));
    cJSON_AddStringToObject(o, "verdict", sl_verdict_name(f->verdict));
    cJSON_AddStringToObject(o, "expected", sl_verdict_name(claim->expected));
    if (with_control) cJSON_AddStringToObject(o, "control", sl_verdict_name(f->control_verdict));
    sl_json_number(o, "seconds", f->seconds);
    if (f->note[0]) cJSON_AddStringToObject(o, "note", f->note);
    cJSON *parts = cJSON_AddArrayToObject(o, "parts");
    for (size_t i = 0; i < f->n_parts; i++) {
        const sl_part *const p = &f->parts[i];
        cJSON *part = cJSON_CreateObject();
        cJSON_AddStringToObject(part, "label", p->label);
        add_numbers(part, p);
        cJSON_AddStringToObject(part, "verdict", sl_verdict_name(p->verdict));
        if (with_control) {
            cJSON *control = cJSON_AddObjectToObject(part, "control");
            sl_json_number(control, "predicted", p->control);
            cJSON_AddStringToObject(control, "verdict", sl_verdict_name(p->control_verdict));
        }
        cJSON_AddItemToArray(parts, part);
    }
    return o;
}
