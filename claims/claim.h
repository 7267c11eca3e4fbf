/* claims/claim.h - claims as data, and the engine that runs, judges and reports them.
 *
 * A claim compares measured parts with predicted ones. Each part has an estimate, a prediction (a number or another
 * estimate), a tolerance on measured - predicted, and a control: a deliberately wrong prediction for the same
 * measurement, which must come out FAILS. Verdict of a part: HOLDS if the whole confidence interval of the
 * difference lies within the tolerance, FAILS if it lies wholly outside, else UNDECIDED. A claim HOLDS if all of its
 * parts do, FAILS if one part fails, else is UNDECIDED.
 * The interval's error rate is SL_FAMILY_ERROR / (number of intervals of a full verify, controls included)
 * (Bonferroni), so that a full verify raises a false alarm in fewer than 1 of 1000 runs. */
#ifndef SL_CLAIMS_CLAIM_H
#define SL_CLAIMS_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/run.h"
#include "base/stats.h"

#define SL_FAMILY_ERROR 1e-3
enum { SL_FAMILY_INTERVALS = 900 }; /* at least twice the parts of all sl_claims (each has a control); tested */

typedef enum { SL_HOLDS, SL_FAILS, SL_NOT_DECIDED, SL_NUMBERS_ONLY } sl_verdict;
typedef enum { SL_QUICK, SL_DESK, SL_PAPER } sl_scale;

const char *sl_verdict_name(sl_verdict v);
const char *sl_scale_name(sl_scale s);
SL_CHECKED sl_status sl_scale_parse(sl_scale *s, const char *text, sl_err *err);

/* What claims and figures run with. */
typedef struct {
    sl_scale scale;
    uint64_t seed;
    int jobs;
    const char *data_dir;    /* --data-dir or NULL */
    sl_run *run;             /* where pieces are kept; sl_run_none() if nothing is saved */
    void (*progress)(void *ctx, const char *what, double fraction); /* may be NULL */
    void *progress_ctx;
} sl_lab;

enum { SL_CLAIM_PARTS = 24 };
typedef struct {
    char label[64];
    double predicted, tolerance;   /* tolerance on |measured - predicted|, absolute */
    sl_estimate measured;
    double control;                /* a wrong prediction                            */
    sl_verdict verdict, control_verdict;
} sl_part;

typedef struct {
    sl_part parts[SL_CLAIM_PARTS];
    size_t n_parts;
    sl_verdict verdict, control_verdict; /* control: FAILS only if every part's control FAILS */
    double seconds;
    char note[512];                /* one sentence with the numbers, for people      */
} sl_finding;

typedef struct {
    const char *id, *paper, *equation, *statement;
    sl_verdict expected;
    sl_scale from; /* the least scale at which it can be measured */
    /* Measures and fills the parts (label, predicted, tolerance, measured, control); the engine judges. */
    sl_status (*measure)(const sl_lab *lab, sl_finding *finding, sl_err *err);
    size_t parts; /* the most that measure() adds at any scale; 0: up to SL_CLAIM_PARTS, for claims of one's own, which
                     are not in the family */
} sl_claim;

/* Adds a part, in measure(). control: the wrong prediction. Fails if full. */
SL_CHECKED sl_status sl_finding_add(sl_finding *f, sl_estimate measured, double predicted, double tolerance,
                                    double control, sl_err *err, const char *label, ...) SL_PRINTF(7, 8);

extern const sl_claim *const sl_claims[];
extern const size_t sl_n_claims;

/* Runs one claim (its `from` is the caller's to check) and judges it. What was measured is a piece of lab->run (NULL:
 * none), read back if it is there.
 * Where nothing could be measured (SL_DIVERGED, SL_INTERRUPTED) the finding is UNDECIDED, without parts, and its note
 * says why. Errors: those of measure(); SL_E_CONFIG for more parts than the claim says; SL_E_NUMERIC for none. */
SL_CHECKED sl_status sl_claim_run(const sl_claim *claim, const sl_lab *lab, sl_finding *finding, sl_err *err);

/* Judges the parts of a finding that has been measured (used by sl_claim_run; public for claims of one's own). */
void sl_finding_judge(sl_finding *f);

/* Does id match the pattern (an id, a paper's prefix "musso", or a glob "musso.*")? */
bool sl_claim_matches(const sl_claim *claim, const char *pattern);

/* The finding as JSON with the keys of cli.md. */
cJSON *sl_finding_json(const sl_claim *claim, const sl_finding *f, bool with_control);

/* A figure's recipe: runs what it needs through lab->run (resuming), writes data, script and pictures into its
 * folder, and says in *summary (to be freed) what it shows, verdicts included. */
typedef struct {
    const char *name, *paper, *help;
    sl_status (*make)(const sl_lab *lab, char **summary, cJSON *result, sl_err *err);
} sl_recipe;
extern const sl_recipe *const sl_recipes[];
extern const size_t sl_n_recipes;

#endif
