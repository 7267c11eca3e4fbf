/* sgdlab verify: runs claims and says of each whether it holds, and whether that is what was expected. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/parallel.h"
#include "claims/claim.h"
#include "cli/commands.h"
#include "cli/lab.h"
#include "cli/output.h"
#include "cli/progress.h"

static const sl_option options[] = {
    SL_OPTION("scale", SL_OPT_CHOICE, "quick|desk|paper", "quick", "how much is computed"),
    SL_OPTION("controls", SL_OPT_FLAG, NULL, NULL, "also judge each claim's deliberately wrong prediction, which must FAIL"),
    SL_OPTION("data-dir", SL_OPT_TEXT, "DIR", NULL, "where data sets are looked for (else $SGDLAB_DATA, else data/)",
              .local = true),
};

/* chosen[i]: does any pattern match claim i, and can it be measured at this scale? A pattern that matches none is an
 * error, and so is one that matches only what needs a larger scale. */
static sl_status choose(bool *chosen, const sl_cli *cli, sl_err *err)
{
    sl_scale scale;
    SL_TRY(sl_scale_parse(&scale, sl_cli_text(cli, "scale"), err));
    for (size_t i = 0; i < sl_n_claims; i++) chosen[i] = cli->n_operands == 0 && sl_claims[i]->from <= scale;
    for (size_t k = 0; k < cli->n_operands; k++) {
        bool any = false;
        const sl_claim *later = NULL;
        for (size_t i = 0; i < sl_n_claims; i++) {
            if (!sl_claim_matches(sl_claims[i], cli->operand[k])) continue;
            if (sl_claims[i]->from <= scale) any = chosen[i] = true;
            else later = sl_claims[i];
        }
        if (any) continue;
        if (later)
            return sl_fail(err, SL_E_USAGE, "claim '%s' needs --scale %s", later->id, sl_scale_name(later->from));
        const char *names[256];
        const size_t n = sl_n_claims < 256 ? sl_n_claims : 256;
        for (size_t i = 0; i < n; i++) names[i] = sl_claims[i]->id;
        return sl_cli_unknown("claim", cli->operand[k], names, n, err);
    }
    return SL_OK;
}

typedef struct {
    cJSON *result, *claims;
    sl_table *table;
    size_t expected, not_expected;
} tally;

static sl_status add_rows(tally *t, size_t index, const sl_claim *claim, const sl_finding *f, sl_err *err)
{
    char title[128];
    snprintf(title, sizeof title, "%s", claim->id);
    SL_TRY(sl_table_block(t->table, title, err));
    for (size_t i = 0; i < f->n_parts; i++) {
        const sl_part *p = &f->parts[i];
        const double row[] = {(double)index,      (double)i,  p->predicted,         p->measured.value,         p->measured.se,
                              p->tolerance, p->control, (double)p->verdict, (double)p->control_verdict};
        SL_TRY(sl_table_add(t->table, row, err));
    }
    return SL_OK;
}

/* A claim is as expected if its verdict is, and if no control that was asked for passed. Claims that only report
 * numbers always are. */
static bool as_expected(const sl_claim *claim, const sl_finding *f, bool controls)
{
    if (claim->expected == SL_NUMBERS_ONLY) return true;
    return f->verdict == claim->expected && (!controls || f->control_verdict == SL_FAILS);
}

static sl_status run_claims(tally *t, const sl_cli *cli, sl_lab *lab, const bool *chosen, sl_err *err)
{
    const bool controls = sl_cli_flag(cli, "controls");
    for (size_t i = 0; i < sl_n_claims; i++) {
        if (!chosen[i]) continue;
        if (sl_stop_requested()) return sl_fail(err, SL_INTERRUPTED, "interrupted before claim '%s'", sl_claims[i]->id);
        sl_finding f = {0};
        const sl_status st = sl_claim_run(sl_claims[i], lab, &f, err);
        if (st < 0 || st == SL_INTERRUPTED) return sl_fail_in(err, st, "claim '%s'", sl_claims[i]->id);
        cJSON *item = sl_finding_json(sl_claims[i], &f, controls);
        const bool good = as_expected(sl_claims[i], &f, controls);
        cJSON_AddBoolToObject(item, "as_expected", good);
        cJSON_AddItemToArray(t->claims, item);
        t->expected += good;
        t->not_expected += !good;
        SL_TRY(add_rows(t, i, sl_claims[i], &f, err));
    }
    return SL_OK;
}

static const char *text_of(const cJSON *item, const char *key)
{
    const cJSON *s = cJSON_GetObjectItemCaseSensitive(item, key);
    return cJSON_IsString(s) ? s->valuestring : "";
}

/* The numbers of the part that speaks for the claim; all parts are in verify.dat and in --json. */
static void add_numbers(sl_grid *g, const cJSON *item)
{
    const sl_estimate e = sl_cli_read_estimate(cJSON_GetObjectItemCaseSensitive(item, "measured"));
    const double p = sl_cli_number(cJSON_GetObjectItemCaseSensitive(item, "predicted"));
    char text[64];
    sl_cli_estimate(text, e.value, e.se);
    sl_grid_add(g, "%s", text);
    if (isnan(p))
        sl_grid_add(g, "-");
    else
        sl_grid_add(g, "%.6g", p);
}

/* What claims say beside their numbers: of those that were asked for by name, and of any that surprise. */
static void print_notes(const sl_cli *cli, const cJSON *claims)
{
    for (const cJSON *c = claims ? claims->child : NULL; c; c = c->next) {
        const bool fine = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(c, "as_expected"));
        const char *const note = text_of(c, "note");
        if (note[0] && (cli->n_operands > 0 || !fine)) printf("%s: %s\n", text_of(c, "id"), note);
    }
}

static void print_people(const sl_cli *cli, const cJSON *result)
{
    const bool controls = sl_cli_flag(cli, "controls");
    sl_grid *g = sl_grid_alloc(controls ? "llllrrrl" : "lllrrrl");
    static const char *const head[] = {"claim", "verdict", "expected", "control", "measured", "predicted", "time", ""};
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        if (i != 3 || controls) sl_grid_add(g, "%s", head[i]);
    size_t good = 0, bad = 0;
    const cJSON *claims = cJSON_GetObjectItemCaseSensitive(result, "claims");
    for (const cJSON *c = claims ? claims->child : NULL; c; c = c->next) {
        const bool fine = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(c, "as_expected"));
        const char *on = !cli->colour ? "" : fine ? "\033[32m" : "\033[31m", *off = cli->colour ? "\033[0m" : "";
        good += fine;
        bad += !fine;
        sl_grid_add(g, "%s", text_of(c, "id"));
        sl_grid_add(g, "%s", text_of(c, "verdict"));
        sl_grid_add(g, "%s", text_of(c, "expected"));
        if (controls) sl_grid_add(g, "%s", text_of(c, "control"));
        add_numbers(g, c);
        sl_grid_add(g, "%.1f s", sl_cli_number(cJSON_GetObjectItemCaseSensitive(c, "seconds")));
        sl_grid_add(g, "%s%s%s", on, fine ? "as expected" : "NOT as expected", off);
    }
    sl_grid_print(g);
    print_notes(cli, claims);
    printf("%zu as expected, %zu not\n", good, bad);
    const double later = sl_cli_number(cJSON_GetObjectItemCaseSensitive(result, "n_at_larger_scale"));
    if (later > 0) printf("%.0f more need a larger --scale\n", later);
}

/* Claims that were asked for but are for a larger scale. */
static size_t left_out(const sl_cli *cli, sl_scale scale)
{
    size_t n = 0;
    for (size_t i = 0; i < sl_n_claims; i++) {
        bool asked = cli->n_operands == 0;
        for (size_t k = 0; k < cli->n_operands; k++) asked |= sl_claim_matches(sl_claims[i], cli->operand[k]);
        n += asked && sl_claims[i]->from > scale;
    }
    return n;
}

static sl_status verify(sl_cli *cli, tally *t, sl_run *run, const bool *chosen, sl_err *err)
{
    static const char *const columns[] = {"claim[index]",  "part[index]", "predicted[1]",
                                          "measured[1]",   "measured_se[1]", "tolerance[1]",
                                          "control[1]",    "verdict[0_holds_1_fails_2_undecided_3_numbers]",
                                          "control_verdict[same]"};
    sl_progress progress;
    sl_lab lab;
    SL_TRY(sl_cli_lab(&lab, cli, run, &progress, err));
    t->result = cJSON_CreateObject();
    t->claims = cJSON_AddArrayToObject(t->result, "claims");
    t->table = sl_table_alloc(sizeof columns / sizeof *columns, columns);
    if (!t->table || !t->claims) return sl_fail(err, SL_E_MEMORY, "no memory for the verdicts");
    sl_progress_start(&progress, cli);
    const sl_status st = run_claims(t, cli, &lab, chosen, err);
    sl_progress_end(&progress);
    SL_TRY(st);
    cJSON_AddBoolToObject(t->result, "as_expected", t->not_expected == 0);
    cJSON_AddNumberToObject(t->result, "n_as_expected", (double)t->expected);
    cJSON_AddNumberToObject(t->result, "n_not_as_expected", (double)t->not_expected);
    cJSON_AddNumberToObject(t->result, "n_at_larger_scale", (double)left_out(cli, lab.scale));
    cJSON *config = sl_cli_config(cli);
    const sl_status header = sl_cli_header(t->table, config, err);
    cJSON_Delete(config);
    SL_TRY(header);
    SL_TRY(sl_table_set(t->table, "conventions", err, "%s",
                        "a block a claim, a row a part; measured_se is a standard error; tolerance bounds |measured - "
                        "predicted|, and |measured - control| for the control"));
    return sl_run_table(run, "verify.dat", t->table, err);
}

static sl_status run(sl_cli *cli, sl_err *err)
{
    bool *chosen = calloc(sl_n_claims + 1, sizeof *chosen);
    if (!chosen) return sl_fail(err, SL_E_MEMORY, "no memory for %zu claims", sl_n_claims);
    sl_run *folder = NULL;
    cJSON *old = NULL, *config = sl_cli_config(cli);
    tally t = {0};
    sl_status st = choose(chosen, cli, err);
    if (st == SL_OK) st = sl_cli_open(&folder, &old, cli, sl_cli_text(cli, "scale"), config, err);
    if (st == SL_OK && old) {
        sl_run_free(folder);
        t.result = old;
    } else if (st == SL_OK) {
        st = verify(cli, &t, folder, chosen, err);
        st = sl_cli_close(folder, st, NULL, t.result, err);
    }
    if (st == SL_OK) {
        sl_cli_answer(cli, t.result, print_people);
        if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(t.result, "as_expected"))) cli->exit_code = 1;
    }
    cJSON_Delete(t.result);
    cJSON_Delete(config);
    sl_table_free(t.table);
    free(chosen);
    return st;
}

const sl_command sl_command_verify = {
    .name = "verify",
    .help = "run claims and judge them against their predictions",
    .operands = "[ID or paper or glob ...]",
    .max_operands = SL_CLI_OPERANDS,
    .example = "  sgdlab verify --controls\n  sgdlab verify 'musso.temperature*' --scale desk --json",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
