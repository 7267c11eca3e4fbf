/* The answer of `operator` as JSON and as tables for people. Every number stands in `numbers` with its grid error and
 * with what theory says of it; the named keys (stationary, mfpt, eigenvalues, ...) hold the same values for programs.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/operator.h"
#include "cli/output.h"

static const cJSON *at(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const char *text_at(const cJSON *object, const char *key)
{
    const cJSON *s = at(object, key);
    return cJSON_IsString(s) ? s->valuestring : "";
}

static double number_at(const cJSON *object, const char *key)
{
    return sl_cli_number(at(object, key));
}

/* ---- JSON ---- */

static cJSON *number_or_null(double v)
{
    return isfinite(v) ? cJSON_CreateNumber(v) : cJSON_CreateNull();
}

static void add_numbers(cJSON *r, const sl_answer *a, const sl_forecasts *p)
{
    cJSON *list = cJSON_AddArrayToObject(r, "numbers");
    for (size_t i = 0; i < a->n_numbers; i++) {
        const sl_number *v = &a->numbers[i];
        cJSON *item = cJSON_CreateObject(), *predicted = NULL;
        cJSON_AddItemToArray(list, item);
        cJSON_AddStringToObject(item, "name", v->name);
        cJSON_AddNumberToObject(item, "index", (double)v->index);
        sl_json_number(item, "value", v->value + 0.0);
        if (v->imag != 0) sl_json_number(item, "imag", v->imag);
        sl_json_number(item, "error", v->error);
        const sl_forecast *f;
        for (size_t k = 0; (f = sl_forecast_of(p, v->name, v->index, k)); k++) {
            if (!predicted) predicted = cJSON_AddArrayToObject(item, "predicted");
            cJSON *q = cJSON_CreateObject();
            cJSON_AddItemToArray(predicted, q);
            sl_json_number(q, "value", f->value);
            if (f->imag != 0) sl_json_number(q, "imag", f->imag);
            cJSON_AddBoolToObject(q, "exact", f->exact);
            cJSON_AddStringToObject(q, "by", f->by);
        }
    }
}

/* What the named keys of a law are made of: moments of x and y go side by side in two dimensions. */
static bool is_second(const char *name)
{
    return strcmp(name, "y") == 0 || strcmp(name, "y2") == 0;
}

static cJSON *value_of(const sl_answer *a, const sl_number *v, bool error, size_t dim)
{
    const char *second = strcmp(v->name, "x") == 0 ? "y" : strcmp(v->name, "x2") == 0 ? "y2" : NULL;
    cJSON *first = number_or_null(error ? v->error : v->value);
    if (dim < 2 || !second) return first;
    const sl_number w = sl_answer_number(a, second, v->index);
    cJSON *pair = cJSON_CreateArray();
    cJSON_AddItemToArray(pair, first);
    cJSON_AddItemToArray(pair, number_or_null(error ? w.error : w.value));
    return pair;
}

static cJSON *law_of(const sl_answer *a, size_t index, size_t dim, bool error)
{
    cJSON *law = cJSON_CreateObject();
    for (size_t i = 0; i < a->n_numbers; i++) {
        const sl_number *v = &a->numbers[i];
        if (v->index == index && !is_second(v->name)) cJSON_AddItemToObject(law, v->name, value_of(a, v, error, dim));
    }
    return law;
}

static void add_laws(cJSON *r, cJSON *errors, const sl_operation *o, const sl_answer *a)
{
    const size_t dim = o->op.loss.dim;
    if (o->question.task == SL_TASK_STATIONARY) {
        cJSON_AddItemToObject(r, "stationary", law_of(a, 0, dim, false));
        cJSON_AddItemToObject(errors, "stationary", law_of(a, 0, dim, true));
    } else {
        cJSON_AddNullToObject(r, "stationary");
    }
    if (o->question.task != SL_TASK_EVOLVE) return;
    cJSON *list = cJSON_AddArrayToObject(r, "evolution"), *list_e = cJSON_AddArrayToObject(errors, "evolution");
    for (size_t i = 0; i < o->question.n_times; i++) {
        cJSON *law = law_of(a, i, dim, false);
        sl_json_number(law, "time", o->question.times[i]);
        cJSON_AddItemToArray(list, law);
        cJSON_AddItemToArray(list_e, law_of(a, i, dim, true));
    }
}

/* Single numbers under their own names: mfpt; committor and flux. */
static void add_passage(cJSON *r, cJSON *errors, const sl_operation *o, const sl_answer *a)
{
    if (o->question.task != SL_TASK_MFPT) cJSON_AddNullToObject(r, "mfpt");
    if (o->question.task != SL_TASK_MFPT && o->question.task != SL_TASK_COMMITTOR) return;
    for (size_t i = 0; i < a->n_numbers; i++) {
        sl_json_number(r, a->numbers[i].name, a->numbers[i].value);
        sl_json_number(errors, a->numbers[i].name, a->numbers[i].error);
    }
}

static void add_spectrum(cJSON *r, cJSON *errors, const sl_operation *o, const sl_answer *a)
{
    if (o->question.task != SL_TASK_SPECTRUM) {
        cJSON_AddNullToObject(r, "eigenvalues");
        return;
    }
    cJSON *real = cJSON_AddArrayToObject(r, "eigenvalues"), *imag = cJSON_CreateArray();
    cJSON *error = cJSON_AddArrayToObject(errors, "eigenvalues");
    bool complex_ones = false;
    for (size_t i = 0; i < a->n_numbers; i++) {
        const sl_number *v = &a->numbers[i];
        if (strcmp(v->name, "eigenvalue") != 0) continue;
        cJSON_AddItemToArray(real, number_or_null(v->value + 0.0));
        cJSON_AddItemToArray(imag, number_or_null(v->imag + 0.0));
        cJSON_AddItemToArray(error, number_or_null(v->error));
        complex_ones |= v->imag != 0;
    }
    if (complex_ones)
        cJSON_AddItemToObject(r, "imag", imag);
    else
        cJSON_Delete(imag);
}

/* Under the names of the numbers; eigenvalues as a list as long as that of the answer, where only some are known. */
static void add_predicted(cJSON *r, const sl_operation *o, const sl_forecasts *p)
{
    cJSON *predicted = cJSON_AddObjectToObject(r, "predicted");
    if (o->question.task == SL_TASK_EVOLVE) return; /* in `numbers`, time by time */
    if (o->question.task == SL_TASK_SPECTRUM) {
        cJSON *list = cJSON_AddArrayToObject(predicted, "eigenvalues");
        for (size_t k = 0; k < o->question.eigenvalues; k++) {
            const sl_forecast *f = sl_forecast_of(p, "eigenvalue", k, 0);
            cJSON_AddItemToArray(list, number_or_null(f ? f->value : NAN));
        }
        return;
    }
    for (size_t k = 0; k < p->n; k++)
        if (!at(predicted, p->forecast[k].key)) sl_json_number(predicted, p->forecast[k].key, p->forecast[k].value);
}

static const char *time_unit(const sl_operation *o)
{
    if (o->op.kind == &sl_transfer) return "a step of SGD";
    if (o->op.kind == &sl_fokker_planck)
        return o->of_sgd ? "that of dx = -grad f dt; a step of SGD takes l/(1 - mu)" : "that of dx = -grad f dt";
    return o->of_sgd ? "that of dx = v dt; a step of SGD takes l" : "that of dx = v dt";
}

/* The chain has no walls: what a step carries out of the domain is lost, and counted. */
static const char *edge_of(const sl_operation *o)
{
    if (o->op.loss.kind->period > 0) return "periodic";
    if (o->op.kind == &sl_transfer) return "open";
    return o->op.edge == SL_EDGE_ABSORBING ? "absorbing" : "reflecting";
}

static void add_grid(cJSON *r, const sl_operation *o, const sl_answer *a)
{
    const int axes = a->lo[1] < a->hi[1] ? 2 : 1;
    cJSON *domain = cJSON_AddObjectToObject(r, "domain");
    sl_json_numbers(domain, "lo", a->lo, (size_t)axes);
    sl_json_numbers(domain, "hi", a->hi, (size_t)axes);
    cJSON_AddStringToObject(domain, "edge", edge_of(o));
    sl_json_number(domain, "mass_outside", a->outside);
    cJSON_AddNumberToObject(r, "grid", (double)a->grid);
    cJSON_AddNumberToObject(r, "unknowns", (double)a->unknowns);
    cJSON_AddNumberToObject(r, "levels", (double)a->levels);
    sl_json_number(r, "killed", a->killed);
    sl_json_number(r, "mass_error", a->mass_error);
    sl_json_number(r, "density_min", a->density_min);
}

cJSON *sl_operation_json(const sl_operation *o, const sl_answer *a, const sl_forecasts *p, bool met, double seconds,
                         const cJSON *config)
{
    char equation[512];
    sl_operation_print(equation, sizeof equation, o);
    cJSON *r = cJSON_CreateObject(), *errors = cJSON_CreateObject();
    cJSON_AddStringToObject(r, "status", "complete");
    cJSON_AddStringToObject(r, "equation", equation);
    add_laws(r, errors, o, a);
    add_passage(r, errors, o, a);
    add_spectrum(r, errors, o, a);
    cJSON_AddItemToObject(r, "errors", errors);
    add_predicted(r, o, p);
    sl_json_number(r, "grid_error", a->grid_error);
    sl_json_number(r, "tolerance", a->tolerance);
    cJSON_AddBoolToObject(r, "tolerance_met", met);
    sl_json_number(r, "temperature", o->temperature);
    cJSON_AddStringToObject(r, "time_unit", time_unit(o));
    add_numbers(r, a, p);
    add_grid(r, o, a);
    sl_json_number(r, "seconds", seconds);
    cJSON *notes = cJSON_AddArrayToObject(r, "notes");
    if (*a->note) cJSON_AddItemToArray(notes, cJSON_CreateString(a->note));
    cJSON_AddItemToObject(r, "configuration", cJSON_Duplicate(config, true));
    return r;
}

/* ---- for people ---- */

/* As many digits as the grid stands for, and one more. */
static void print_value(char text[64], double value, double error)
{
    int digits = 12;
    if (error > 0 && value != 0) digits = (int)ceil(log10(fabs(value) / error)) + 1;
    snprintf(text, 64, "%.*g", digits < 2 ? 2 : digits > 15 ? 15 : digits, value);
}

static void print_complex(char text[160], double value, double imag, double error)
{
    char real[64], rest[64];
    print_value(real, value, error);
    print_value(rest, fabs(imag), error);
    if (imag == 0)
        snprintf(text, 160, "%s", real);
    else
        snprintf(text, 160, "%s %c %s i", real, imag < 0 ? '-' : '+', rest);
}

static const char *label_of(char text[64], const cJSON *number)
{
    static const char *const names[][2] = {
        {"x", "<x>"},
        {"y", "<y>"},
        {"x2", "<x^2>"},
        {"y2", "<y^2>"},
        {"x4", "<x^4>"},
        {"v", "<v>"},
        {"v2", "<v^2>"},
        {"xv", "<x v>"},
        {"xy", "<x y>"},
        {"loss", "<f>"},
        {"xg", "<x . f'>/dim"},
        {"kl_to_boltzmann", "KL to Boltzmann"},
        {"mfpt", "mean first-passage time"},
        {"committor", "stationary mean of the committor"},
        {"flux", "passages in a unit of time"},
    };
    const char *name = text_at(number, "name");
    const double index = number_at(number, "index");
    snprintf(text, 64, "%s", name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i][0]) == 0) snprintf(text, 64, "%s", names[i][1]);
    if (strcmp(name, "eigenvalue") == 0)
        snprintf(text, 64, "eigenvalue %.0f", index);
    else if (index > 0)
        snprintf(text + strlen(text), 64 - strlen(text), " [%.0f]", index);
    return text;
}

/* Of an exact prediction the difference; of an expansion what it is off by, in percent. */
static void print_difference(char *text, const cJSON *number, const cJSON *q)
{
    const double value = number_at(number, "value"), predicted = number_at(q, "value");
    const double difference = value - predicted;
    if (!isfinite(difference))
        snprintf(text, 32, "-");
    else if (predicted == 0 || !cJSON_IsTrue(at(q, "exact")))
        snprintf(text, 32, predicted == 0 ? "%+.1e" : "%+.3g %%",
                 predicted == 0 ? difference : 100 * (value / predicted - 1));
    else
        snprintf(text, 32, "%+.1e rel", difference / fabs(predicted));
}

static void add_row(sl_grid *g, const cJSON *number)
{
    char label[64], value[160], text[160];
    const double error = number_at(number, "error"), imag = number_at(number, "imag");
    print_complex(value, number_at(number, "value"), isnan(imag) ? 0 : imag, error);
    sl_grid_add(g, "%s", label_of(label, number));
    sl_grid_add(g, "%s", value);
    if (isnan(error))
        sl_grid_add(g, "?");
    else
        sl_grid_add(g, "%.1e", error);
    const cJSON *list = at(number, "predicted");
    const cJSON *q = list ? list->child : NULL;
    if (!q) {
        for (int i = 0; i < 3; i++) sl_grid_add(g, "%s", "");
        return;
    }
    for (bool first = true; q; q = q->next, first = false) {
        for (int i = 0; !first && i < 3; i++) sl_grid_add(g, "%s", "");
        const double i = number_at(q, "imag");
        print_complex(text, number_at(q, "value"), isnan(i) ? 0 : i, NAN);
        sl_grid_add(g, "%s", text);
        print_difference(text, number, q);
        sl_grid_add(g, "%s", text);
        sl_grid_add(g, "%s", text_at(q, "by"));
    }
}

static void print_numbers(const cJSON *r)
{
    sl_grid *g = sl_grid_alloc("lrrrrl");
    static const char *const head[] = {"quantity", "value", "grid error", "predicted", "off by", "by"};
    for (size_t i = 0; i < 6; i++) sl_grid_add(g, "%s", head[i]);
    for (const cJSON *n = at(r, "numbers")->child; n; n = n->next) add_row(g, n);
    sl_grid_print(g);
}

/* One row a time: the first moments of the law and the worst error of the row. */
static void print_evolution(const cJSON *r)
{
    static const char *const keys[] = {"x", "x2", "loss", "kl_to_boltzmann"}, *const heads[] = {"<x>", "<x^2>", "<f>",
                                                                                                "KL to Boltzmann"};
    sl_grid *g = sl_grid_alloc("rrrrrr");
    sl_grid_add(g, "time");
    for (size_t k = 0; k < 4; k++) sl_grid_add(g, "%s", heads[k]);
    sl_grid_add(g, "grid error");
    const cJSON *e = at(at(r, "errors"), "evolution")->child;
    for (const cJSON *law = at(r, "evolution")->child; law && e; law = law->next, e = e->next) {
        double worst = 0;
        sl_grid_add(g, "%.10g", number_at(law, "time"));
        for (size_t k = 0; k < 4; k++) {
            const cJSON *v = at(law, keys[k]), *w = at(e, keys[k]);
            if (cJSON_IsArray(v)) {
                sl_grid_add(g, "%.9g, %.9g", sl_cli_number(v->child), sl_cli_number(v->child->next));
                w = w->child;
            } else if (isnan(sl_cli_number(v))) {
                sl_grid_add(g, "-");
            } else {
                sl_grid_add(g, "%.10g", v->valuedouble);
            }
            if (sl_cli_number(w) > worst) worst = sl_cli_number(w);
        }
        sl_grid_add(g, "%.1e", worst);
    }
    sl_grid_print(g);
}

static void print_domain(const cJSON *r)
{
    const cJSON *d = at(r, "domain"), *lo = at(d, "lo")->child, *hi = at(d, "hi")->child;
    fputs("domain", stdout);
    for (const char *by = " "; lo && hi; lo = lo->next, hi = hi->next, by = " x ")
        printf("%s[%.6g, %.6g]", by, sl_cli_number(lo), sl_cli_number(hi));
    printf(", %s", text_at(d, "edge"));
    const double outside = number_at(d, "mass_outside"), killed = number_at(r, "killed");
    if (outside >= 0 && strcmp(text_at(d, "edge"), "absorbing") != 0)
        printf("; stationary mass outside at most %.1e", outside);
    if (killed > 0) printf("; %.2g of the mass leaves in a step", killed);
    putchar('\n');
}

void sl_operation_people(const sl_cli *cli, const cJSON *r)
{
    (void)cli;
    printf("%s\n", text_at(r, "equation"));
    if (cJSON_IsArray(at(r, "evolution")))
        print_evolution(r);
    else
        print_numbers(r);
    print_domain(r);
    printf("%.0f nodes along x, %.0f unknowns, %.0f grids, %.2g s; largest relative grid error %.1e\n",
           number_at(r, "grid"), number_at(r, "unknowns"), number_at(r, "levels"), number_at(r, "seconds"),
           number_at(r, "grid_error"));
    if (cJSON_IsNull(at(r, "stationary"))) printf("unit of time: %s\n", text_at(r, "time_unit"));
    sl_cli_print_notes(r);
}
