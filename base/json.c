#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/spec.h"

void sl_json_number(cJSON *object, const char *key, double value)
{
    if (isfinite(value)) cJSON_AddNumberToObject(object, key, value);
    else cJSON_AddNullToObject(object, key);
}

void sl_json_estimate(cJSON *object, const char *key, sl_estimate e)
{
    cJSON *pair = cJSON_AddObjectToObject(object, key);
    sl_json_number(pair, "value", e.value);
    sl_json_number(pair, "se", e.se);
}

void sl_json_numbers(cJSON *object, const char *key, const double *v, size_t n)
{
    cJSON *array = cJSON_AddArrayToObject(object, key);
    for (size_t i = 0; i < n; i++)
        cJSON_AddItemToArray(array, isfinite(v[i]) ? cJSON_CreateNumber(v[i]) : cJSON_CreateNull());
}

/* Puts our own text in the place of every number below item; cJSON prints raw text as it is. */
static bool spell_numbers(cJSON *item)
{
    if (cJSON_IsNumber(item)) {
        char text[32] = "null";
        if (isfinite(item->valuedouble)) sl_print_double(text, item->valuedouble);
        char *raw = cJSON_malloc(strlen(text) + 1);
        if (!raw) return false;
        item->valuestring = strcpy(raw, text);
        item->type = (item->type & ~0xff) | cJSON_Raw;
    }
    for (cJSON *child = item->child; child; child = child->next)
        if (!spell_numbers(child)) return false;
    return true;
}

char *sl_json_print(const cJSON *value, bool indented)
{
    char *text = NULL;
    cJSON *copy = cJSON_Duplicate(value, true);
    if (copy && spell_numbers(copy)) text = indented ? cJSON_Print(copy) : cJSON_PrintUnformatted(copy);
    cJSON_Delete(copy);
    return text;
}
