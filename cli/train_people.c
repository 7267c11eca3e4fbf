/* What `train` prints for people. */
#include <math.h>
#include <stdio.h>

#include "cli/output.h"
#include "cli/train.h"

static const cJSON *at(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static void add_percent(sl_grid *g, double fraction)
{
    if (isnan(fraction)) sl_grid_add(g, "-");
    else sl_grid_add(g, "%.2f %%", 100 * fraction);
}

/* Losses of trainings that diverge grow to any size. */
static void add_loss(sl_grid *g, double loss)
{
    if (isnan(loss)) sl_grid_add(g, "-");
    else sl_grid_add(g, fabs(loss) < 1e5 ? "%.5f" : "%.5e", loss);
}

static void print_epochs(const cJSON *epochs)
{
    enum { SHOWN = 12 };
    const int n = cJSON_GetArraySize(epochs);
    sl_grid *g = sl_grid_alloc("rrrrrr");
    static const char *const head[] = {"epoch", "train loss", "train acc", "test loss", "test acc", "lr"};
    for (size_t i = 0; i < 6; i++) sl_grid_add(g, "%s", head[i]);
    int i = 0;
    for (const cJSON *e = epochs->child; e; e = e->next, i++) {
        const bool shown = n <= SHOWN || i == 0 || i == n - 1 || (i + 1) % ((n + SHOWN - 1) / SHOWN) == 0;
        if (!shown) continue;
        sl_grid_add(g, "%.0f", sl_cli_number(at(e, "epoch")));
        add_loss(g, sl_cli_number(at(e, "train_loss")));
        add_percent(g, sl_cli_number(at(e, "train_accuracy")));
        add_loss(g, sl_cli_number(at(e, "test_loss")));
        add_percent(g, sl_cli_number(at(e, "test_accuracy")));
        sl_grid_add(g, "%.6g", sl_cli_number(at(e, "lr")));
    }
    sl_grid_print(g);
}

static void print_accuracy(const char *label, const cJSON *item, double epoch)
{
    char text[64];
    if (cJSON_IsObject(item)) {
        const sl_estimate e = sl_cli_read_estimate(item);
        if (isnan(e.value)) return;
        sl_cli_estimate(text, 100 * e.value, 100 * e.se);
    } else {
        const double v = sl_cli_number(item);
        if (isnan(v)) return;
        snprintf(text, sizeof text, "%.2f", 100 * v);
    }
    printf("%s test accuracy %s %%", label, text);
    if (!isnan(epoch)) printf(", epoch %.0f", epoch);
    putchar('\n');
}

void sl_train_print(const sl_cli *cli, const cJSON *r)
{
    (void)cli;
    const cJSON *runs = at(r, "runs");
    if (runs) {
        sl_grid *g = sl_grid_alloc("rlrr");
        sl_grid_add(g, "seed"), sl_grid_add(g, "status"), sl_grid_add(g, "best"), sl_grid_add(g, "final");
        for (const cJSON *run = runs->child; run; run = run->next) {
            sl_grid_add(g, "%.0f", sl_cli_number(at(run, "seed")));
            sl_grid_add(g, "%s", at(run, "status")->valuestring);
            add_percent(g, sl_cli_number(at(run, "best_test_accuracy")));
            add_percent(g, sl_cli_number(at(run, "final_test_accuracy")));
        }
        sl_grid_print(g);
    } else if (cJSON_GetArraySize(at(r, "epochs")) > 0) {
        print_epochs(at(r, "epochs"));
    }
    print_accuracy("best", at(r, "best_test_accuracy"), sl_cli_number(at(r, "best_epoch")));
    print_accuracy("final", at(r, "final_test_accuracy"), NAN);
    const double speed = sl_cli_number(at(r, "images_per_second"));
    const double data = sl_cli_number(at(r, "data_fraction"));
    if (!isnan(speed)) printf("%.*f images/s", speed < 100 ? 1 : 0, speed);
    if (!isnan(speed) && !isnan(data)) printf(", %.1f %% of the time for gathering them", 100 * data);
    if (!isnan(speed)) putchar('\n');
    if (cJSON_IsString(at(r, "dir"))) printf("%s: %s\n", at(r, "status")->valuestring, at(r, "dir")->valuestring);
}
