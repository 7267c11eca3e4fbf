/* How cores and memory are shared out among trainings, and what --dry-run says of it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "cli/output.h"
#include "cli/train.h"

/* Flops of a step below which a second core is not asked to help: of some milliseconds of work, waking threads and
 * waiting for them at each layer would take a good part. */
static const double SMALL_STEP = 1e9;

static double bytes_of(const sl_dataset *d)
{
    return (double)d->n * (double)(d->features + 1);
}

static void print_bytes(char text[32], double bytes)
{
    if (!isfinite(bytes)) snprintf(text, 32, "more than any machine's memory");
    else if (bytes >= 1e9) snprintf(text, 32, "%.1f GB", 1e-9 * bytes);
    else snprintf(text, 32, "%.1f MB", 1e-6 * bytes);
}

static int threads_for(const sl_trainings *x, size_t cores, size_t side_by_side)
{
    const double step = sl_model_flops(x->model) * (double)x->config.batch;
    if (sl_cli_given(x->cli, "threads")) return (int)sl_cli_integer(x->cli, "threads");
    if (step < SMALL_STEP || cores < 2 * side_by_side) return 1;
    return (int)(cores / side_by_side);
}

/* The memory of so many at a time. A plan that cannot even be made has no bytes. */
static double bytes_at_a_time(const sl_trainings *x, size_t n)
{
    return x->plan.workspace_bytes > 0 ? (double)n * x->plan.bytes + x->plan.checkpoint_bytes : INFINITY;
}

/* Shares out for the most trainings at a time, up to n, that fit; *bytes: what they take, or one that does not fit. */
static sl_status fit(sl_trainings *x, size_t cores, size_t n, double *bytes, sl_err *err)
{
    for (;;) {
        x->side_by_side = n;
        x->config.threads = threads_for(x, cores, n);
        SL_TRY(sl_train_plan_for(&x->plan, &x->config, err));
        *bytes = bytes_at_a_time(x, n);
        if (*bytes <= x->available_bytes) return SL_OK;
        if (n == 1) break;
        const double guess = (x->available_bytes - x->plan.checkpoint_bytes) / x->plan.bytes;
        n = guess >= (double)n - 1 ? n - 1 : guess >= 1 ? (size_t)guess : 1;
    }
    x->side_by_side = 0;
    return SL_OK;
}

sl_status sl_train_share(sl_trainings *x, sl_err *err)
{
    const uint64_t jobs = sl_cli_integer(x->cli, "jobs"), threads = sl_cli_integer(x->cli, "threads");
    const size_t cores = jobs > 0 ? (size_t)jobs : (size_t)sl_cores(), each = threads > 1 ? (size_t)threads : 1;
    const size_t groups = cores / each > 0 ? cores / each : 1, most = groups < x->seeds ? groups : x->seeds;
    x->available_bytes = sl_memory_available("");
    x->data_bytes = bytes_of(&x->train) + bytes_of(&x->test);
    double bytes;
    SL_TRY(fit(x, cores, most, &bytes, err));
    x->memory_bytes = x->data_bytes + bytes;
    if (x->side_by_side == 0) {
        char need[32], there[32], passes[32];
        print_bytes(need, bytes);
        print_bytes(passes, x->plan.workspace_bytes > 0 ? x->plan.workspace_bytes : INFINITY);
        print_bytes(there, x->available_bytes);
        return sl_fail(err, SL_E_MEMORY, "not enough memory: a training of %zu parameters with batches of %zu needs %s "
                       "(%s of it for passes), %s are available", sl_model_parameters(x->model), x->config.batch, need,
                       passes, there);
    }
    if (x->side_by_side < most)
        sl_cli_note(x->cli, "memory is enough for %zu trainings at a time, not %zu", x->side_by_side, most);
    return SL_OK;
}

/* ---- for --dry-run ---- */

cJSON *sl_train_foresee(const sl_trainings *x, const cJSON *config)
{
    cJSON *const o = cJSON_CreateObject();
    cJSON_AddBoolToObject(o, "dry_run", true);
    cJSON_AddBoolToObject(o, "fits", x->side_by_side > 0);
    cJSON_AddNumberToObject(o, "parameters", (double)sl_model_parameters(x->model));
    sl_json_number(o, "flops_per_image", sl_model_flops(x->model));
    cJSON_AddNumberToObject(o, "training_images", (double)x->train.n);
    cJSON_AddNumberToObject(o, "steps_per_epoch", (double)x->plan.steps_per_epoch);
    cJSON_AddNumberToObject(o, "steps", (double)x->plan.stop);
    cJSON_AddNumberToObject(o, "side_by_side", (double)x->side_by_side);
    cJSON_AddNumberToObject(o, "threads", x->config.threads);
    sl_json_number(o, "memory_bytes", x->memory_bytes);
    cJSON *const memory = cJSON_AddObjectToObject(o, "memory");
    sl_json_number(memory, "data", x->data_bytes);
    sl_json_number(memory, "training", bytes_at_a_time(x, 1) - x->plan.checkpoint_bytes);
    sl_json_number(memory, "passes", x->plan.workspace_bytes);
    sl_json_number(memory, "checkpoint", x->plan.checkpoint_bytes);
    sl_json_number(o, "available_bytes", x->available_bytes);
    cJSON_AddItemToObject(o, "configuration", cJSON_Duplicate(config, true));
    return o;
}

static double number(const cJSON *object, const char *key)
{
    return sl_cli_number(cJSON_GetObjectItemCaseSensitive(object, key));
}

static void add_bytes(sl_grid *g, const char *name, double bytes)
{
    char text[32];
    print_bytes(text, isnan(bytes) ? INFINITY : bytes);
    sl_grid_add(g, "%s", name);
    sl_grid_add(g, "%s", text);
}

static void add_number(sl_grid *g, const char *name, double value)
{
    sl_grid_add(g, "%s", name);
    sl_grid_add(g, "%.0f", value);
}

void sl_train_print_foreseen(const sl_cli *cli, const cJSON *r)
{
    (void)cli;
    const cJSON *const memory = cJSON_GetObjectItemCaseSensitive(r, "memory");
    for (const cJSON *c = cJSON_GetObjectItemCaseSensitive(r, "configuration")->child; c; c = c->next) {
        char *const text = sl_json_print(c, false);
        printf("%s = %s\n", c->string, cJSON_IsString(c) ? c->valuestring : text ? text : "?");
        free(text);
    }
    sl_grid *const g = sl_grid_alloc("lr");
    add_number(g, "parameters", number(r, "parameters"));
    sl_grid_add(g, "flops an image");
    sl_grid_add(g, "%.4g", number(r, "flops_per_image"));
    add_number(g, "steps an epoch", number(r, "steps_per_epoch"));
    add_number(g, "steps in all", number(r, "steps"));
    add_number(g, "trainings at a time", number(r, "side_by_side"));
    add_number(g, "cores each", number(r, "threads"));
    add_bytes(g, "memory in all", number(r, "memory_bytes"));
    add_bytes(g, "  data", number(memory, "data"));
    add_bytes(g, "  a training", number(memory, "training"));
    add_bytes(g, "    of it for passes", number(memory, "passes"));
    add_bytes(g, "  writing a checkpoint", number(memory, "checkpoint"));
    add_bytes(g, "available beside the data", number(r, "available_bytes"));
    putchar('\n');
    sl_grid_print(g);
}
