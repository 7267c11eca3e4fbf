/* sgdlab list: what can be named, from the registries. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "claims/claim.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "nets/dataset.h"
#include "nets/model.h"
#include "optim/regime.h"
#include "optim/rule.h"
#include "optim/schedule.h"
#include "sim/loss.h"
#include "sim/noise.h"
#include "sim/operators/operator.h"

static const char *const kinds[] = {"claims", "figures", "losses",   "schedules", "rules", "regimes",
                                    "models", "layers",  "datasets", "operators", "noises"};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static void add_entries(cJSON *list, const sl_entry *const *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const sl_entry *e = entries[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(list, item);
        cJSON_AddStringToObject(item, "name", e->name);
        cJSON_AddStringToObject(item, "help", e->help);
        cJSON_AddStringToObject(item, "source", e->source);
        cJSON *parameters = cJSON_AddArrayToObject(item, "parameters");
        for (size_t k = 0; k < e->n_params; k++) {
            const sl_param *p = &e->params[k];
            cJSON *q = cJSON_CreateObject();
            cJSON_AddItemToArray(parameters, q);
            cJSON_AddStringToObject(q, "name", p->name);
            cJSON_AddStringToObject(q, "help", p->help);
            if (p->words) {
                cJSON *words = cJSON_AddArrayToObject(q, "words");
                for (size_t w = 0; p->words[w]; w++) cJSON_AddItemToArray(words, cJSON_CreateString(p->words[w]));
                if (isnan(p->def)) cJSON_AddNullToObject(q, "default");
                else cJSON_AddStringToObject(q, "default", p->words[(size_t)p->def]);
            } else if (p->text) {
                cJSON_AddNullToObject(q, "default");
            } else {
                sl_json_number(q, "default", p->def);
                sl_json_number(q, "min", p->min);
                sl_json_number(q, "max", p->max);
                cJSON_AddBoolToObject(q, "integer", p->integer);
            }
            cJSON_AddBoolToObject(q, "list", p->list);
        }
    }
}

static void add_claims(cJSON *list)
{
    for (size_t i = 0; i < sl_n_claims; i++) {
        const sl_claim *c = sl_claims[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(list, item);
        cJSON_AddStringToObject(item, "name", c->id);
        cJSON_AddStringToObject(item, "help", c->statement);
        cJSON_AddStringToObject(item, "paper", c->paper);
        cJSON_AddStringToObject(item, "equation", c->equation);
        cJSON_AddStringToObject(item, "expected", sl_verdict_name(c->expected));
    }
}

static void add_figures(cJSON *list)
{
    for (size_t i = 0; i < sl_n_recipes; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(list, item);
        cJSON_AddStringToObject(item, "name", sl_recipes[i]->name);
        cJSON_AddStringToObject(item, "help", sl_recipes[i]->help);
        cJSON_AddStringToObject(item, "paper", sl_recipes[i]->paper);
    }
}

static void add_operators(cJSON *list)
{
    for (size_t i = 0; i < sl_n_operator_kinds; i++) {
        const sl_entry *entry = &sl_operator_kinds[i]->entry;
        add_entries(list, &entry, 1);
    }
}

static void add_losses(cJSON *list)
{
    add_entries(list, sl_loss_entries(), sl_n_losses);
    for (size_t i = 0; i < sl_n_losses; i++)
        cJSON_AddBoolToObject(cJSON_GetArrayItem(list, (int)i), "convex", sl_losses[i]->convex);
}

/* Each with the gradients on its batch that a step needs, and what it keeps from step to step. */
static void add_regimes(cJSON *list)
{
    add_entries(list, sl_regimes, sl_n_regimes);
    for (size_t i = 0; i < sl_n_regimes; i++) {
        cJSON *const item = cJSON_GetArrayItem(list, (int)i);
        cJSON_AddNumberToObject(item, "gradients", sl_regime_gradients(i));
        cJSON_AddStringToObject(item, "state", sl_regime_memory(i));
    }
}

static void add_kind(cJSON *result, size_t kind)
{
    cJSON *list = cJSON_AddArrayToObject(result, kinds[kind]);
    switch (kind) {
    case 0: add_claims(list); break;
    case 1: add_figures(list); break;
    case 2: add_losses(list); break;
    case 3: add_entries(list, sl_schedules, sl_n_schedules); break;
    case 4: add_entries(list, sl_rules, sl_n_rules); break;
    case 5: add_regimes(list); break;
    case 6: add_entries(list, sl_models, sl_n_models); break;
    case 7: add_entries(list, sl_layer_words, sl_n_layer_words); break;
    case 8: add_entries(list, sl_dataset_entries(), sl_n_datasets); break;
    case 9: add_operators(list); break;
    case 10: add_entries(list, sl_noise_entries(), sl_n_noises); break;
    }
}

static const char *text_of(const cJSON *item, const char *key)
{
    const cJSON *s = cJSON_GetObjectItemCaseSensitive(item, key);
    return cJSON_IsString(s) ? s->valuestring : "";
}

static void print_words(const char *name, const char *def, const cJSON *words)
{
    printf(":%s=%s", name, def);
    for (const cJSON *w = words->child; w; w = w->next)
        if (strcmp(w->valuestring, def) != 0) printf("|%s", w->valuestring);
}

/* ":delta=1:warmup=0", parameters that must be given as ":min=..", words as ":head=linear|mlp", the default first. */
static void print_parameters(const cJSON *parameters)
{
    if (!parameters || !parameters->child) return;
    fputs("      ", stdout);
    for (const cJSON *p = parameters->child; p; p = p->next) {
        const double def = sl_cli_number(cJSON_GetObjectItemCaseSensitive(p, "default"));
        const char *word = text_of(p, "default");
        if (*word) print_words(text_of(p, "name"), word, cJSON_GetObjectItemCaseSensitive(p, "words"));
        else if (isnan(def)) printf(":%s=..", text_of(p, "name"));
        else printf(":%s=%.6g", text_of(p, "name"), def);
    }
    putchar('\n');
}

static void print_people(const sl_cli *cli, const cJSON *result)
{
    (void)cli;
    for (const cJSON *list = result->child; list; list = list->next) {
        if (list != result->child) putchar('\n');
        printf("%s:%s\n", list->string, list->child ? "" : " none yet");
        int width = 0;
        for (const cJSON *item = list->child; item; item = item->next) {
            const int length = (int)strlen(text_of(item, "name"));
            if (length > width) width = length;
        }
        for (const cJSON *item = list->child; item; item = item->next) {
            const char *source = text_of(item, "source"), *paper = text_of(item, "paper");
            const char *from = *source ? source : paper, *expected = text_of(item, "expected");
            printf("  %-*s  %s", width, text_of(item, "name"), text_of(item, "help"));
            if (*from) printf(" [%s]", from);
            if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "convex"))) fputs("; convex", stdout);
            printf("%s%s\n", *expected ? ": " : "", expected);
            print_parameters(cJSON_GetObjectItemCaseSensitive(item, "parameters"));
            if (*text_of(item, "state"))
                printf("      gradients a step: %.0f; keeps %s\n",
                       sl_cli_number(cJSON_GetObjectItemCaseSensitive(item, "gradients")), text_of(item, "state"));
        }
    }
}

static sl_status add_named(cJSON *result, const char *name, sl_err *err)
{
    size_t kind = 0;
    while (kind < N_KINDS && strcmp(kinds[kind], name) != 0) kind++;
    if (kind == N_KINDS) return sl_cli_unknown("kind of thing", name, kinds, N_KINDS, err);
    if (!cJSON_GetObjectItemCaseSensitive(result, kinds[kind])) add_kind(result, kind);
    return SL_OK;
}

/* One kind, or several with commas between. */
static sl_status add_operand(cJSON *result, const char *operand, sl_err *err)
{
    char *const names = strdup(operand);
    if (!names) return sl_fail(err, SL_E_MEMORY, "no memory for a list");
    sl_status st = SL_OK;
    char *rest = names;
    for (const char *name; st == SL_OK && (name = strsep(&rest, ","));) st = add_named(result, name, err);
    free(names);
    return st;
}

static sl_status run(sl_cli *cli, sl_err *err)
{
    cJSON *result = cJSON_CreateObject();
    sl_status st = SL_OK;
    for (size_t i = 0; i < cli->n_operands && st == SL_OK; i++) st = add_operand(result, cli->operand[i], err);
    for (size_t kind = 0; cli->n_operands == 0 && kind < N_KINDS; kind++) add_kind(result, kind);
    if (st == SL_OK) sl_cli_answer(cli, result, print_people);
    cJSON_Delete(result);
    return st;
}

const sl_command sl_command_list = {
    .name = "list",
    .help = "what can be named: claims, figures, losses, schedules, rules, regimes, models, layers, datasets, "
            "operators, noises",
    .operands = "[claims|figures|losses|schedules|rules|regimes|models|layers|datasets|operators|noises ...]",
    .max_operands = N_KINDS,
    .example = "  sgdlab list losses\n  sgdlab list schedules rules --json",
    .run = run,
};
