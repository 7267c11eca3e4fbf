#include "tests/test.h"

#include "base/json.h"
#include "base/random.h"

static void print__keeps_every_bit(void **state)
{
    (void)state;
    enum { N = 2000 };
    const sl_draw d = {.seed = 1, .purpose = SL_PURPOSE_TEST};
    double v[N];
    sl_random_uniforms(v, N, 0, &d);
    for (int i = 0; i < N; i++) v[i] = exp(200 * v[i] - 100) * (i % 2 ? 1 : -1);
    v[0] = 0.1 + 0.2; /* which cJSON_Print writes as 0.3 */
    v[1] = 1e308;
    v[2] = 100;
    cJSON *o = cJSON_CreateObject();
    sl_json_numbers(o, "v", v, N);
    for (int indented = 0; indented < 2; indented++) {
        char *text = sl_json_print(o, indented);
        assert_non_null(strstr(text, "0.30000000000000004"));
        cJSON *back = cJSON_Parse(text);
        const cJSON *item = cJSON_GetObjectItem(back, "v")->child;
        for (int i = 0; i < N; i++, item = item->next) assert_near(item->valuedouble, v[i], 0);
        assert_null(item);
        cJSON_Delete(back);
        free(text);
    }
    assert_true(cJSON_IsNumber(cJSON_GetObjectItem(o, "v")->child)); /* printing left the object alone */
    cJSON_Delete(o);
}

static void number__that_is_not_finite_is_null(void **state)
{
    (void)state;
    cJSON *o = cJSON_CreateObject();
    sl_json_number(o, "a", 1.5);
    sl_json_number(o, "b", NAN);
    sl_json_number(o, "c", -INFINITY);
    sl_json_estimate(o, "d", (sl_estimate){2, NAN, 0});
    sl_json_estimate(o, "e", (sl_estimate){2, 0.25, 9});
    sl_json_numbers(o, "f", (const double[]){1, NAN}, 2);
    sl_json_numbers(o, "g", NULL, 0);
    cJSON_AddItemToObject(o, "h", cJSON_CreateNumber(NAN)); /* even where it was put in by hand */
    char *text = sl_json_print(o, false);
    assert_string_equal(text, "{\"a\":1.5,\"b\":null,\"c\":null,\"d\":{\"value\":2,\"se\":null},"
                              "\"e\":{\"value\":2,\"se\":0.25},\"f\":[1,null],\"g\":[],\"h\":null}");
    free(text);
    cJSON_Delete(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(print__keeps_every_bit),
        cmocka_unit_test(number__that_is_not_finite_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
