/* Networks from descriptions: against the same networks by name, bit by bit, and what is said of mistakes. */
#include "tests/test.h"

#include "nets/model.h"
#include "tests/nets/temp.h"

enum { CHANNELS = 3, SIDE = 16, CLASSES = 5, COUNT = 4 };

/* One training step's loss, gradient and state after it. */
typedef struct {
    sl_model *model;
    float *state, *gradient;
    double loss;
} outcome;

static outcome one, two;

static void clear(outcome *o)
{
    sl_model_free(o->model);
    free(o->state);
    free(o->gradient);
    *o = (outcome){0};
}

static int teardown(void **state)
{
    (void)state;
    clear(&one);
    clear(&two);
    return 0;
}

static void run(outcome *o, const char *text, size_t side)
{
    sl_workspace *w;
    assert_ok(sl_model_alloc(&o->model, text, CHANNELS, side, side, CLASSES, &err));
    o->state = calloc(sl_model_state(o->model), sizeof *o->state);
    o->gradient = calloc(sl_model_parameters(o->model), sizeof *o->gradient);
    sl_model_init(o->model, o->state, 3, 0);
    assert_ok(sl_workspace_alloc(&w, o->model, COUNT, SL_FOR_GRADIENT, NULL, &err));
    for (size_t i = 0; i < COUNT * CHANNELS * side * side; i++)
        sl_workspace_input(w)[i] = (float)((i * 31 + 7) % 41) / 15 - 1.3f;
    for (size_t i = 0; i < COUNT; i++) sl_workspace_labels(w)[i] = (uint8_t)(i * 3 % CLASSES);
    const sl_mode mode = {.train = true, .seed = 4};
    size_t right;
    sl_model_run(o->model, w, o->state, COUNT, &mode, &o->loss, &right, o->gradient);
    sl_workspace_free(w);
}

/* The same layers in the same order start and work the same, whatever their names. */
static void same(const char *name, const char *description, size_t side, bool same_names)
{
    run(&one, name, side);
    run(&two, description, side);
    assert_int_equal(sl_model_state(one.model), sl_model_state(two.model));
    assert_int_equal(sl_model_parameters(one.model), sl_model_parameters(two.model));
    assert_memory_equal(one.state, two.state, sl_model_state(one.model) * sizeof(float));
    assert_memory_equal(one.gradient, two.gradient, sl_model_parameters(one.model) * sizeof(float));
    assert_near(one.loss, two.loss, 0);
    assert_true(isfinite(one.loss) && one.loss > 0);
    assert_int_equal(sl_model_n_views(one.model), sl_model_n_views(two.model));
    for (size_t i = 0; same_names && i < sl_model_n_views(one.model); i++)
        assert_string_equal(sl_model_view(one.model, i)->name, sl_model_view(two.model, i)->name);
    teardown(NULL);
}

static void described__equals_the_named(void **state)
{
    (void)state;
    same("mlp:hidden=7,6", "linear 7; relu; linear 6; relu; linear 5", 1, true);
    same("cnn:channels=4",
         "conv 4 3; relu; conv 4 3; relu; maxpool 2; 2 x (conv 8 3; relu); conv 8 3; relu; maxpool kernel=2 stride=2;"
         "flatten; linear", 24, true);
    same("resnet8:channels=4",
         "init he; conv 4 3 pad=1 bias=0; bn; relu;\n"
         "residual(conv 4 3 pad=1 bias=0; bn; relu; conv 4 3 pad=1 bias=0; bn); relu; # the first stage\n"
         "residual(conv 8 3 stride=2 pad=1 bias=0; bn; relu; conv 8 3 pad=1 bias=0; bn); relu;\n"
         "residual(conv 16 3 2 1 0; bn; relu; conv 16 3 pad=1 bias=0; bn); relu; globalavg; linear 5;", SIDE, false);
    same("densenet-10-3:channels=4:dropout=0.25",
         "init he; conv 4 3 pad=1 bias=0; 2 x (dense(bn; relu; conv 3 3 pad=1 bias=0; dropout 0.25));"
         "bn; relu; conv 10 1 bias=0; dropout 0.25; avgpool 2; 2 x (dense(bn; relu; conv 3 3 pad=1 bias=0; dropout 0.25));"
         "bn; relu; conv 16 1 bias=0; dropout 0.25; avgpool 2; 2 x (dense(bn; relu; conv 3 3 pad=1 bias=0; dropout 0.25));"
         "bn; relu; globalavg; linear", SIDE, false);
    same("resnet50:channels=2", /* with shortcuts of their own, and brackets in brackets */
         "init he; conv 2 7 stride=2 pad=3 bias=0; bn; relu; maxpool 3 stride=2 pad=1;"
         "residual(conv 2 1 bias=0; bn; relu; conv 2 3 pad=1 bias=0; bn; relu; conv 8 1 bias=0; bn | conv 8 1 bias=0; bn); relu;"
         "2 x (residual(conv 2 1 bias=0; bn; relu; conv 2 3 pad=1 bias=0; bn; relu; conv 8 1 bias=0; bn); relu);"
         "residual(conv 4 1 bias=0; bn; relu; conv 4 3 2 1 0; bn; relu; conv 16 1 bias=0; bn | conv 16 1 2 bias=0; bn); relu;"
         "3 x (residual(conv 4 1 bias=0; bn; relu; conv 4 3 pad=1 bias=0; bn; relu; conv 16 1 bias=0; bn); relu);"
         "residual(conv 8 1 bias=0; bn; relu; conv 8 3 2 1 0; bn; relu; conv 32 1 bias=0; bn | conv 32 1 2 bias=0; bn); relu;"
         "5 x (residual(conv 8 1 bias=0; bn; relu; conv 8 3 pad=1 bias=0; bn; relu; conv 32 1 bias=0; bn); relu);"
         "residual(conv 16 1 bias=0; bn; relu; conv 16 3 2 1 0; bn; relu; conv 64 1 bias=0; bn | conv 64 1 2 bias=0; bn); relu;"
         "2 x (residual(conv 16 1 bias=0; bn; relu; conv 16 3 pad=1 bias=0; bn; relu; conv 64 1 bias=0; bn); relu);"
         "globalavg; linear", 32, false);
}

static void described__names_by_position(void **state)
{
    (void)state;
    static const char *const names[] = {
        "0.weight",     "0.bias",         "1.0.0.weight", "1.0.0.bias",  "1.0.1.weight",       "1.0.1.bias",
        "1.1.0.weight", "1.1.0.bias",     "3.weight",     "3.bias",      "5.weight",           "5.bias",
        "6.0.weight",   "6.0.bias",       "9.weight",     "9.bias",      "1.0.1.running_mean", "1.0.1.running_var",
        "6.0.running_mean", "6.0.running_var"};
    assert_ok(sl_model_alloc(&one.model,
                             "conv 8 3;residual(conv 12 3 pad=1; bn| conv 12 1); 2 x (relu; conv 3 3); init he; dense(bn);"
                             "adaptiveavg 3; flatten; linear",
                             CHANNELS, SIDE, SIDE, CLASSES, &err));
    assert_int_equal(sl_model_n_views(one.model), sizeof names / sizeof *names);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_string_equal(sl_model_view(one.model, i)->name, names[i]);
}

static void described__from_a_file(void **state)
{
    (void)state;
    static const char text[] = "# a small one\n  conv 4 3 # no padding\n; relu\n;globalavg;\n\nlinear;\n# the end";
    const char *const path = temp_path("net.txt");
    char name[600];
    temp_write(path, text, sizeof text - 1);
    snprintf(name, sizeof name, "@%s", path);
    same("conv 4 3; relu; globalavg; linear", name, SIDE, true);
    char *all;
    assert_ok(sl_model_text(&all, name, &err));
    assert_string_equal(all, "conv 4 3 ; relu ;globalavg; linear;"); /* in one line, without comments */
    free(all);
    assert_ok(sl_model_text(&all, "resnet20", &err));
    assert_string_equal(all, "resnet20");
    free(all);
    assert_fails(sl_model_alloc(&one.model, "@/no/such/file", 1, 8, 8, 10, &err), SL_E_FILE, "/no/such/file");
    assert_fails(sl_model_alloc(&one.model, "@", 1, 8, 8, 10, &err), SL_E_FILE, "");
    temp_write(path, "", 0);
    assert_fails(sl_model_alloc(&one.model, name, 1, 8, 8, 10, &err), SL_E_DOMAIN, "without layers");
    temp_write(path, "flatten; linear;\0relu", 21);
    assert_fails(sl_model_alloc(&one.model, name, 1, 8, 8, 10, &err), SL_E_FORMAT, "not text"); /* not half of it */
    temp_write(path, "\xff\xfe\1\2", 4);
    assert_fails(sl_model_alloc(&one.model, name, 1, 8, 8, 10, &err), SL_E_NAME, "unknown layer");
}

static void described__says_which_layer_and_what_came_in(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        sl_status status;
        const char *says;
    } bad[] = {
        {"conv 4 3; cnov 4 3", SL_E_NAME, "layer 1 on 4x14x14: unknown layer 'cnov', did you mean 'conv'? Known: conv, linear"},
        {"conv 4 3; residual(relu; bn; con 4 3)", SL_E_NAME, "layer 1.2 on 4x14x14: unknown layer 'con'"},
        {"conv 4 3 pda=1", SL_E_NAME, "layer 0 on 3x16x16: unknown parameter of layer 'conv' 'pda', did you mean 'pad'"},
        {"conv 4; relu", SL_E_DOMAIN, "layer 'conv' needs kernel="},
        {"conv 4 3 1 0 1 7", SL_E_DOMAIN, "layer 0 (conv 4 3 1 0 1 7): more numbers than 'conv' has parameters"},
        {"conv 4 three", SL_E_DOMAIN, "kernel = 'three' is not a number"},
        {"conv 4 3 kernel=3", SL_E_DOMAIN, "given twice"},
        {"conv -4 3", SL_E_DOMAIN, "channels = -4 is out of range"},
        {"relu; conv 4 17", SL_E_DOMAIN, "layer 1 (conv 4 17) on 3x16x16: a kernel of 17 does not fit"},
        {"relu; maxpool 5 pad=3", SL_E_DOMAIN, "layer 1 (maxpool 5 pad=3) on 3x16x16: padding 3"},
        {"relu; linear 5", SL_E_DOMAIN, "layer 1 (linear 5) on 3x16x16: needs a flat input: flatten it first"},
        {"flatten; linear 7", SL_E_DOMAIN, "puts out 7 numbers, expected 5, one a class"},
        {"dropout 1;", SL_E_DOMAIN, "need 0 <= p < 1"},
        {"relu; residual(conv 3 4)", SL_E_DOMAIN, "layer 1 (residual) on 3x13x13: the other input is 3x16x16"},
        {"relu; residual(conv 4 3 pad=1)", SL_E_DOMAIN, "layer 1 (residual) on 3x16x16: a shortcut to 4 channels"},
        {"relu; dense(conv 3 3)", SL_E_DOMAIN, "layer 1 (dense) on 3x16x16: the other input is 3x14x14"},
        {"residual()", SL_E_NAME, "layer 0: no layers in it"},
        {"dense(relu", SL_E_NAME, "layer 0: ')' expected"},
        {"dense relu", SL_E_DOMAIN, "more numbers than 'dense'"},
        {"residual; relu", SL_E_NAME, "layer 0: '(' expected"},
        {"relu (bn)", SL_E_NAME, "';' expected after layer 0, at '(bn)'"},
        {"relu; bn )", SL_E_NAME, "')' without its bracket"},
        {"relu | bn", SL_E_NAME, "'|' without its bracket"},
        {"dense(relu | bn)", SL_E_NAME, "layer 0: ')' expected, at '| bn)'"},
        {"3 (relu)", SL_E_NAME, "a number stands before 'x (...)'"},
        {"2 x ()", SL_E_NAME, "no layers in it"},
        {"4096 x (4096 x (# nothing\n;))", SL_E_NAME, "no layers in it"},
        {"0 x (relu)", SL_E_NAME, "1 to 4096"},
        {"99999999999999999999999 x (relu)", SL_E_NAME, "1 to 4096"},
        {"4096 x (4096 x (relu))", SL_E_NAME, "too many layers"},
        {"init ho; relu", SL_E_NAME, "unknown law of layer 'init' 'ho'"},
        {"; ;", SL_E_DOMAIN, "without layers"},
        {"(", SL_E_NAME, "unknown layer ''"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sl_err err = {0};
        const sl_status st = sl_model_alloc(&one.model, bad[i].text, CHANNELS, SIDE, SIDE, CLASSES, &err);
        if (st != bad[i].status || !strstr(err.message, bad[i].says)) fail_msg("%s: %d, %s", bad[i].text, st, err.message);
    }
    char deep[600] = "relu; ", wide[700] = "conv ";
    for (int i = 0; i < 40; i++) strcat(deep, "dense(");
    assert_fails(sl_model_alloc(&one.model, deep, 1, 8, 8, 10, &err), SL_E_NAME, "too deep");
    memset(wide + 5, '7', 600);
    assert_fails(sl_model_alloc(&one.model, wide, 1, 8, 8, 10, &err), SL_E_NAME, "too long");
    memset(wide, ' ', 600);
    assert_fails(sl_model_alloc(&one.model, wide, 1, 8, 8, 10, &err), SL_E_NAME, "a number stands before");
}

/* No text may crash it; what it takes, it can build. Texts are made of pieces, by a fixed formula. */
static void described__survives_any_text(void **state)
{
    (void)state;
    static const char *const pieces[] = {"conv 2 3", "conv 3 1", ";", ";", ";", "(", ")", "|", " ", "residual(", "dense(", "bn",
                                         "relu", "2 x (", "flatten", "linear 5", "globalavg", "#", "\n", "maxpool 2", "9", "=",
                                         "init he", "x", ":", ",", "@"};
    uint32_t h = 1;
    size_t built = 0;
    for (int i = 0; i < 20000; i++) {
        char text[400] = "";
        const uint32_t n = 1 + i % 20;
        for (uint32_t k = 0; k < n; k++) {
            h = h * 1664525u + 1013904223u;
            strcat(text, pieces[(h >> 12) % (sizeof pieces / sizeof *pieces)]);
        }
        if (*text == '@') continue;
        sl_err err = {0};
        const sl_status st = sl_model_alloc(&one.model, text, CHANNELS, SIDE, SIDE, CLASSES, &err);
        if (st == SL_OK) built++;
        if (st != SL_OK && !*err.message) fail_msg("no word on '%s'", text);
        teardown(NULL);
    }
    assert_true(built > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(described__equals_the_named, teardown),
        cmocka_unit_test_teardown(described__names_by_position, teardown),
        cmocka_unit_test_teardown(described__from_a_file, teardown),
        cmocka_unit_test_teardown(described__says_which_layer_and_what_came_in, teardown),
        cmocka_unit_test_teardown(described__survives_any_text, teardown),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
