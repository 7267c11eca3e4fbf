#include "tests/test.h"

#include <float.h>
#include <locale.h>

#include "base/random.h"
#include "base/spec.h"

static const sl_param quadratic_params[] = {
    {.name = "a", .help = "curvature", .def = 1, .min = 0, .max = INFINITY, .open_min = true, .open_max = true},
    {.name = "dim", .help = "dimension", .def = 1, .min = 1, .max = 1000, .integer = true},
};
static const sl_entry quadratic = {"quadratic", "a x^2/2", "", quadratic_params, 2};
static const sl_param multi_step_params[] = {
    {.name = "milestones", .help = "epochs", .def = NAN, .min = 0, .max = 1e6, .list = true},
    {.name = "gamma", .help = "factor", .def = 0.1, .min = 0, .max = 1, .open_min = true},
    {.name = "first", .help = "first rate", .def = NAN, .min = 0, .max = 1, .open_max = true},
};
static const sl_entry multi_step = {"multi-step", "steps", "", multi_step_params, 3};
static const sl_entry plain = {"double-well", "(x^2-1)^2/4", "", NULL, 0};
static const char *const heads[] = {"linear", "mlp", "imagenet", NULL};
static const sl_param chosen_params[] = {
    {.name = "head", .help = "what ends it", .words = heads, .def = 1},
    {.name = "order", .help = "of several", .words = heads, .def = NAN, .list = true},
};
static const sl_entry chosen = {"chosen", "choices", "", chosen_params, 2};
static const sl_param filed_params[] = {
    {.name = "file", .help = "a path", .text = true},
    {.name = "column", .help = "a number", .def = 2, .min = 1, .max = 9, .integer = true},
};
static const sl_entry filed = {"filed", "from a file", "", filed_params, 2};
static const sl_entry *const registry[] = {&quadratic, &multi_step, &plain, &chosen, &filed};
enum { ENTRIES = sizeof registry / sizeof *registry };

static sl_status parse(sl_spec *s, const char *text, sl_err *err)
{
    return sl_spec_parse(s, text, "loss", registry, ENTRIES, err);
}

static void parse__fills_defaults_and_values(void **state)
{
    (void)state;
    sl_spec s;
    assert_ok(parse(&s, "quadratic", &err));
    assert_ptr_equal(s.entry, &quadratic);
    assert_near(sl_spec_get(&s, "a"), 1, 0);
    assert_false(s.value[sl_spec_index(&s, "a")].given);
    assert_ok(parse(&s, "quadratic:dim=8:a=2.5e-1", &err));
    assert_near(sl_spec_get(&s, "a"), 0.25, 0);
    assert_near(sl_spec_get(&s, "dim"), 8, 0);
    assert_true(s.value[sl_spec_index(&s, "dim")].given);
    assert_ok(parse(&s, "multi-step:milestones=100,150.5:first=0", &err));
    const size_t k = sl_spec_index(&s, "milestones");
    assert_int_equal(s.value[k].n, 2);
    assert_near(s.value[k].v[0], 100, 0);
    assert_near(s.value[k].v[1], 150.5, 0);
    assert_ok(parse(&s, "multi-step:first=0.5", &err)); /* a list may be left out */
    assert_int_equal(s.value[k].n, 0);
    assert_ok(parse(&s, "double-well", &err));
}

static void parse__keeps_a_text_as_it_is(void **state)
{
    (void)state;
    sl_spec s, again;
    char text[256];
    assert_ok(parse(&s, "filed:file=a/b,c=1 2.dat:column=3", &err));
    assert_string_equal(s.text, "a/b,c=1 2.dat");
    assert_near(sl_spec_get(&s, "column"), 3, 0);
    sl_spec_print(text, sizeof text, &s);
    assert_string_equal(text, "filed:file=a/b,c=1 2.dat:column=3");
    assert_ok(parse(&again, text, &err));
    assert_string_equal(again.text, s.text);
    assert_fails(parse(&s, "filed", &err), SL_E_DOMAIN, "needs file=");
    assert_fails(parse(&s, "filed:file=", &err), SL_E_DOMAIN, "is empty");
    assert_fails(parse(&s, "filed:file=a:file=b", &err), SL_E_DOMAIN, "given twice");
    char large[700] = "filed:file=";
    memset(large + 11, 'x', 600);
    assert_fails(parse(&s, large, &err), SL_E_DOMAIN, "longer than 511");
}

static void parse__names_what_is_unknown(void **state)
{
    (void)state;
    sl_spec s;
    assert_fails(parse(&s, "qudratic", &err), SL_E_NAME, "did you mean 'quadratic'");
    assert_fails(parse(&s, "zzzzzz", &err), SL_E_NAME, "Known: quadratic, multi-step, double-well");
    assert_fails(parse(&s, "", &err), SL_E_NAME, "Known:");
    assert_fails(parse(&s, "quadratic:dym=2", &err), SL_E_NAME, "did you mean 'dim'");
    assert_fails(parse(&s, "double-well:a=2", &err), SL_E_NAME, "takes none");
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_fails(parse(&s, text, &err), SL_E_NAME, "longer than");
}

static void parse__refuses_values(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"quadratic:a=0", "need 0 < a < inf"},  {"quadratic:a=-1", "out of range"},
        {"quadratic:a=nan", "not a finite"},    {"quadratic:a=inf", "not a finite"},
        {"quadratic:a=1e999", "not a finite"},  {"quadratic:a=1e-3abc", "not a number"},
        {"quadratic:a=", "not a number"},       {"quadratic:a= 1", "not a number"},
        {"quadratic:a=1:a=1", "given twice"},   {"quadratic:dim=2.5", "whole number"},
        {"quadratic:dim=1001", "need 1 <= dim"}, {"quadratic:a=1,2", "not a number"},
        {"quadratic:a", "name=value"},          {"quadratic:", "name=value"},
        {"multi-step:first=1", "first < 1"},    {"multi-step:milestones=1", "needs first"},
        {"multi-step:milestones=1,,2:first=0", "not a number"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sl_spec s, untouched;
        memset(&s, 0x5a, sizeof s);
        memset(&untouched, 0x5a, sizeof untouched);
        assert_fails(parse(&s, bad[i].text, &err), SL_E_DOMAIN, bad[i].says);
        assert_memory_equal(&s, &untouched, sizeof s);
    }
}

static void parse__takes_one_of_some_words(void **state)
{
    (void)state;
    sl_spec s;
    char text[64];
    assert_ok(parse(&s, "chosen", &err));
    assert_near(sl_spec_get(&s, "head"), 1, 0);
    assert_ok(parse(&s, "chosen:head=imagenet:order=mlp,linear", &err));
    assert_near(sl_spec_get(&s, "head"), 2, 0);
    assert_int_equal(s.value[1].n, 2);
    assert_near(s.value[1].v[0], 1, 0);
    assert_near(s.value[1].v[1], 0, 0);
    sl_spec_print(text, sizeof text, &s);
    assert_string_equal(text, "chosen:head=imagenet:order=mlp,linear");
    assert_fails(parse(&s, "chosen:head=mpl", &err), SL_E_NAME,
                 "unknown head of loss 'chosen' 'mpl', did you mean 'mlp'? Known: linear, mlp, imagenet");
    assert_fails(parse(&s, "chosen:head=1", &err), SL_E_NAME, "Known: linear, mlp, imagenet");
    assert_fails(parse(&s, "chosen:head=", &err), SL_E_NAME, "Known: linear, mlp, imagenet");
    assert_fails(parse(&s, "chosen:head=mlp,mlp", &err), SL_E_NAME, "unknown head");
    assert_fails(parse(&s, "chosen:head=mlp:head=mlp", &err), SL_E_DOMAIN, "given twice");
}

static void parse__bounds_the_length_of_lists(void **state)
{
    (void)state;
    char text[512] = "multi-step:first=0:milestones=1";
    for (int i = 1; i < SL_SPEC_VALUES; i++) strcat(text, ",1");
    sl_spec s;
    assert_ok(parse(&s, text, &err));
    assert_fails(parse(&s, strcat(text, ",1"), &err), SL_E_DOMAIN, "more than 64 values");
}

static void print__parses_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"quadratic", "quadratic:a=0.30000000000000004:dim=100",
                                        "multi-step:first=0.125:gamma=0.2:milestones=100,150,1e-30", "double-well"};
    for (size_t i = 0; i < 4; i++) {
        sl_spec a, b;
        char one[256], two[256], cut[12];
        assert_ok(parse(&a, texts[i], &err));
        sl_spec_print(one, sizeof one, &a);
        assert_ok(parse(&b, one, &err));
        sl_spec_print(two, sizeof two, &b);
        assert_string_equal(one, two);
        for (size_t k = 0; k < a.entry->n_params; k++) {
            assert_int_equal(a.value[k].n, b.value[k].n);
            for (size_t j = 0; j < a.value[k].n; j++) assert_near(a.value[k].v[j], b.value[k].v[j], 0);
        }
        sl_spec_print(cut, sizeof cut, &a);
        assert_true(strlen(cut) < sizeof cut);
    }
    sl_spec s;
    char text[64];
    assert_ok(parse(&s, "quadratic:dim=100", &err));
    sl_spec_print(text, sizeof text, &s);
    assert_string_equal(text, "quadratic:a=1:dim=100");
}

static void nearest__takes_typos_and_abbreviations(void **state)
{
    (void)state;
    static const char *const names[] = {"heavy-ball", "nesterov", "sign"};
    assert_int_equal(sl_nearest("nestrov", names, 3), 1);
    assert_int_equal(sl_nearest("Sing", names, 3), 2);
    assert_int_equal(sl_nearest("heavy", names, 3), 0);
    assert_int_equal(sl_nearest("adam-with-decay", names, 3), 3);
    assert_int_equal(sl_nearest("x", names, 0), 0);
}

static void print_double__reads_back_and_is_short(void **state)
{
    (void)state;
    static const struct {
        double v;
        const char *text;
    } cases[] = {{100, "100"},       {0.1, "0.1"},           {0.1 + 0.2, "0.30000000000000004"}, {5e-324, "5e-324"},
                 {-0.0, "-0"},       {1e22, "1e+22"},        {INFINITY, "inf"},                  {-INFINITY, "-inf"},
                 {NAN, "nan"},       {1e-5, "1e-05"},        {123456789, "123456789"},           {1. / 3, "0.3333333333333333"},
                 {DBL_MAX, "1.7976931348623157e+308"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        sl_print_double(text, cases[i].v);
        assert_string_equal(text, cases[i].text);
    }
    const sl_draw draw = {.seed = 1, .purpose = SL_PURPOSE_TEST};
    enum { N = 20000 };
    uint32_t *w = malloc(2 * N * sizeof *w);
    sl_random_words(w, 2 * N, 0, &draw);
    bool same = true, shortest = true;
    for (size_t i = 0; i < N; i++) {
        double v;
        char text[32], shorter[32];
        memcpy(&v, w + 2 * i, sizeof v);
        if (!isfinite(v)) continue;
        sl_print_double(text, v);
        same &= strtod(text, NULL) == v;
        snprintf(shorter, sizeof shorter, "%.15g", v);
        shortest &= strtod(shorter, NULL) != v || strcmp(shorter, text) == 0;
    }
    free(w);
    assert_true(same);
    assert_true(shortest);
}

/* In a program whose locale writes 0,5; where none such is installed, there is nothing to see. */
static void numbers__have_a_point_in_every_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8", "it_IT.UTF-8"};
    char before[64], comma[8] = "", text[32] = "";
    snprintf(before, sizeof before, "%s", setlocale(LC_NUMERIC, NULL));
    bool found = false;
    for (size_t i = 0; i < 5 && !found; i++) found = setlocale(LC_NUMERIC, names[i]) != NULL;
    double v = 0;
    snprintf(comma, sizeof comma, "%.1f", 0.5);
    sl_print_double(text, 0.5);
    const sl_status st = sl_parse_double(&v, "0.25", "x", NULL);
    setlocale(LC_NUMERIC, before);
    if (!found) return;
    assert_string_equal(comma, "0,5");
    assert_string_equal(text, "0.5");
    assert_int_equal(st, SL_OK);
    assert_near(v, 0.25, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__fills_defaults_and_values),
        cmocka_unit_test(parse__keeps_a_text_as_it_is),
        cmocka_unit_test(parse__names_what_is_unknown),
        cmocka_unit_test(parse__refuses_values),
        cmocka_unit_test(parse__takes_one_of_some_words),
        cmocka_unit_test(parse__bounds_the_length_of_lists),
        cmocka_unit_test(print__parses_back),
        cmocka_unit_test(nearest__takes_typos_and_abbreviations),
        cmocka_unit_test(print_double__reads_back_and_is_short),
        cmocka_unit_test(numbers__have_a_point_in_every_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
