#include "tests/test.h"

#include "nets/augment.h"

static void parse__reads_what_print_writes(void **state)
{
    (void)state;
    static const struct { const char *text, *printed; sl_augment a; } cases[] = {
        {"none", "none", {0}},
        {"flip", "flip", {.flip = true}},
        {"crop=4", "crop=4", {.crop = 4}},
        {"crop=4,flip", "crop=4,flip", {.crop = 4, .flip = true}},
        {"flip,crop=1024", "crop=1024,flip", {.crop = 1024, .flip = true}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sl_augment a = {.crop = 99};
        char text[SL_AUGMENT_TEXT];
        assert_ok(sl_augment_parse(&a, cases[i].text, &err));
        assert_int_equal(a.crop, cases[i].a.crop);
        assert_int_equal(a.flip, cases[i].a.flip);
        sl_augment_print(text, &a);
        assert_string_equal(text, cases[i].printed);
    }
}

static void parse__refuses(void **state)
{
    (void)state;
    static const struct { const char *text; sl_status status; const char *said; } cases[] = {
        {"", SL_E_NAME, "Known: none, crop=PIXELS, flip"},
        {"mirror", SL_E_NAME, "unknown 'mirror'"},
        {"flip,", SL_E_NAME, "unknown ''"},
        {"none,flip", SL_E_NAME, "unknown 'none'"},
        {"crop", SL_E_NAME, "unknown 'crop'"},
        {"crop=", SL_E_DOMAIN, "crop"},
        {"crop=4x", SL_E_DOMAIN, "crop"},
        {"crop=0", SL_E_DOMAIN, "need a whole number, 1 <= crop"},
        {"crop=-1", SL_E_DOMAIN, "crop = -1"},
        {"crop=1.5", SL_E_DOMAIN, "crop = 1.5"},
        {"crop=1e9", SL_E_DOMAIN, "crop = 1e+09"},
        {"crop=nan", SL_E_DOMAIN, "crop"},
        {"flip,flip", SL_E_DOMAIN, "'flip' comes twice"},
        {"crop=2,flip,crop=3", SL_E_DOMAIN, "'crop=3' comes twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sl_augment a = {.crop = 99};
        assert_fails(sl_augment_parse(&a, cases[i].text, &err), cases[i].status, cases[i].said);
        assert_true(a.crop == 99 && !a.flip);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__reads_what_print_writes),
        cmocka_unit_test(parse__refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
