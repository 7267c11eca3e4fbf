/* base/json.h - the few things we say in JSON again and again. Numbers that are not finite become null. */
#ifndef SL_BASE_JSON_H
#define SL_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/stats.h"

/* Adds key: number, or null if it is not finite. */
void sl_json_number(cJSON *object, const char *key, double value);
/* Adds key: {"value": v, "se": s}. */
void sl_json_estimate(cJSON *object, const char *key, sl_estimate e);
/* An array of numbers. */
void sl_json_numbers(cJSON *object, const char *key, const double *v, size_t n);

/* The text of a value, on one line or indented, to be freed by the caller with free(); NULL on no memory. Unlike
 * cJSON_Print, which drops the last bit of some doubles, every number reads back as it was. */
char *sl_json_print(const cJSON *value, bool indented);

#endif
