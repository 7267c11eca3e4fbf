/* The architectures: sizes as published, names as in PyTorch, initial weights, refusals. What they compute is compared with
 * PyTorch in test_steps.c. */
#include "tests/test.h"

#include "nets/model.h"

static sl_model *model;

static int teardown(void **state)
{
    (void)state;
    sl_model_free(model);
    model = NULL;
    return 0;
}

static const sl_view *view(const char *name)
{
    for (size_t i = 0; i < sl_model_n_views(model); i++)
        if (strcmp(sl_model_view(model, i)->name, name) == 0) return sl_model_view(model, i);
    fail_msg("no parameter is named %s", name);
    return NULL;
}

/* Exact numbers for ten classes. Where the papers print one: ResNets 0.27, 0.46, 0.66, 0.85, 1.7 M (He et al., table 6),
 * WRN-28-10 36.5 M, WRN-16-8 11.0 M, WRN-40-4 8.9 M (Zagoruyko, Komodakis, table 4), DenseNet-40-12 1.0 M (Huang et al.,
 * table 2). torchvision's vgg16 has 138357544 with 1000 classes, 990 x 4097 more; its resnet50 25557032, 990 x 2049 more. */
static void parameters__as_published(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t parameters;
    } all[] = {
        {"mlp", 308310},
        {"cnn", 428234},
        {"vgg16:head=imagenet", 138357544 - 990 * 4097},
        {"vgg16", 14714688 + 5130},
        {"vgg16-bn", 14714688 + 2 * 4224 + 5130},
        {"vgg16:head=mlp", 14714688 + 2 * 513 * 512 + 5130},
        {"resnet20", 269722},
        {"resnet32", 464154},
        {"resnet44", 658586},
        {"resnet56", 853018},
        {"resnet110", 1727962},
        {"resnet:depth=110", 1727962},
        {"resnet50", 25557032 - 990 * 2049},
        {"wrn-28-10", 36479194},
        {"wrn-16-8", 10961370},
        {"wrn-40-4", 8949210},
        {"densenet-40-12", 1019722},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_ok(sl_model_alloc(&model, all[i].name, 3, 32, 32, 10, &err));
        const size_t n = sl_model_parameters(model);
        sl_model_free(model);
        model = NULL;
        if (n != all[i].parameters) fail_msg("%s has %zu parameters, expected %zu", all[i].name, n, all[i].parameters);
    }
}

static void cnn__on_mnist(void **state)
{
    (void)state;
    assert_ok(sl_model_alloc(&model, "cnn", 1, 28, 28, 10, &err));
    assert_int_equal(view("13.weight")->shape[1], 128 * 3 * 3);
    assert_int_equal(sl_model_n_views(model), 12);
}

static void views__named_and_shaped_as_in_pytorch(void **state)
{
    (void)state;
    static const struct {
        const char *model, *name;
        size_t shape[4];
    } some[] = {
        {"cnn", "0.weight", {64, 3, 3, 3}},
        {"cnn", "5.weight", {128, 64, 3, 3}},
        {"cnn", "9.bias", {128}},
        {"vgg16", "features.28.weight", {512, 512, 3, 3}},
        {"vgg16", "classifier.0.weight", {10, 512}},
        {"vgg16:head=mlp", "classifier.1.weight", {512, 512}},
        {"vgg16:head=mlp", "classifier.6.bias", {10}},
        {"vgg16:head=imagenet", "classifier.0.weight", {4096, 25088}},
        {"vgg16:head=imagenet", "classifier.3.weight", {4096, 4096}},
        {"vgg16:head=imagenet", "classifier.6.weight", {10, 4096}},
        {"vgg16-bn", "features.40.bias", {512}},
        {"vgg16-bn", "features.41.running_var", {512}},
        {"resnet110", "layer3.17.bn2.running_mean", {64}},
        {"resnet110", "layer2.0.conv1.weight", {32, 16, 3, 3}},
        {"resnet50", "conv1.weight", {64, 3, 7, 7}},
        {"resnet50", "layer4.0.downsample.0.weight", {2048, 1024, 1, 1}},
        {"resnet50", "layer4.0.downsample.1.running_mean", {2048}},
        {"resnet50", "layer3.5.conv3.weight", {1024, 256, 1, 1}},
        {"wrn-28-10", "layer1.0.shortcut.weight", {160, 16, 1, 1}},
        {"wrn-28-10", "layer3.3.conv2.weight", {640, 640, 3, 3}},
        {"wrn-28-10", "bn.running_var", {640}},
        {"densenet-40-12", "block3.11.conv.weight", {12, 436, 3, 3}},
        {"densenet-40-12", "trans1.conv.weight", {160, 160, 1, 1}},
        {"densenet-40-12", "bn.weight", {448}},
        {"densenet-40-12", "fc.weight", {10, 448}},
    };
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        assert_ok(sl_model_alloc(&model, some[i].model, 3, 32, 32, 10, &err));
        const sl_view *const v = view(some[i].name);
        for (size_t k = 0; k < 4; k++)
            if ((k < v->rank ? v->shape[k] : 0) != some[i].shape[k])
                fail_msg("%s, %s: %zu in dimension %zu", some[i].model, some[i].name, v->shape[k], k);
        sl_model_free(model);
        model = NULL;
    }
}

/* Parameters, then running statistics, without gaps. */
static void views__cover_the_state(void **state)
{
    (void)state;
    assert_ok(sl_model_alloc(&model, "densenet-22-6", 3, 32, 32, 10, &err));
    size_t at = 0, trained = 0;
    for (size_t i = 0; i < sl_model_n_views(model); i++) {
        const sl_view *const v = sl_model_view(model, i);
        const bool running = strstr(v->name, ".running_") != NULL;
        assert_int_equal(v->offset, at);
        assert_true(running == (v->offset >= sl_model_parameters(model)));
        at += v->size;
        trained += running ? 0 : v->size;
    }
    assert_int_equal(at, sl_model_state(model));
    assert_int_equal(trained, sl_model_parameters(model));
}

/* Mean and variance of n normal numbers within 5 standard errors. */
static void is_normal(const float *x, size_t n, double variance)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++) {
        mean += x[i] / (double)n;
        square += (double)x[i] * x[i] / (double)n;
    }
    assert_near(mean, 0, 5 * sqrt(variance / (double)n));
    assert_near(square, variance, 5 * variance * sqrt(2 / (double)n));
}

static void is_constant(const float *x, size_t n, float value)
{
    for (size_t i = 0; i < n; i++) assert_true(x[i] == value);
}

static void is_uniform(const float *x, size_t n, double bound)
{
    double square = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        square += (double)x[i] * x[i] / (double)n;
        largest = fmax(largest, fabs(x[i]));
    }
    assert_true(largest <= bound && largest > 0.9 * bound);
    assert_near(square, bound * bound / 3, 5 * bound * bound * sqrt(4 / (45.0 * (double)n)));
}

/* name: of a weight; law: 'd' PyTorch's modules, 'h' He's for convolutions, 'v' torchvision's VGG. */
static void starts(const char *text, const char *name, char law)
{
    assert_ok(sl_model_alloc(&model, text, 3, 32, 32, 10, &err));
    const sl_view *const v = view(name);
    float *const state = calloc(sl_model_state(model), sizeof *state);
    sl_model_init(model, state, 7, 0);
    const double per_output = (double)(v->size / v->shape[0]), area = (double)(v->rank == 4 ? v->shape[2] * v->shape[3] : 1);
    const float *const w = state + v->offset;
    if (law == 'd' || (law == 'h' && v->rank == 2))
        is_uniform(w, v->size, 1 / sqrt(per_output));
    else
        is_normal(w, v->size, v->rank == 2 ? 1e-4 : 2 / (area * (double)v->shape[0]));
    for (size_t i = 0; i < sl_model_n_views(model); i++) {
        const sl_view *const u = sl_model_view(model, i);
        const bool mean = strstr(u->name, ".running_mean"), var = strstr(u->name, ".running_var");
        const bool norm = u->rank == 1 && strstr(u->name, ".weight");
        if (mean || var || norm) is_constant(state + u->offset, u->size, mean ? 0 : 1);
    }
    free(state);
    sl_model_free(model);
    model = NULL;
}

static void init__as_the_page_says(void **state)
{
    (void)state;
    starts("cnn:channels=16", "7.weight", 'd');
    starts("cnn:channels=16", "13.weight", 'd');
    starts("cnn:channels=16:init=he", "7.weight", 'h');
    starts("vgg16:channels=16", "features.10.weight", 'v');
    starts("vgg16:channels=16:head=mlp", "classifier.4.weight", 'v');
    starts("vgg16-bn:channels=16", "features.14.weight", 'v');
    starts("vgg16:channels=16:init=default", "features.10.weight", 'd');
    starts("resnet20", "layer2.1.conv2.weight", 'h');
    starts("resnet20", "fc.weight", 'h');
    starts("resnet50:channels=8", "layer2.0.downsample.0.weight", 'h');
    starts("wrn-10-2", "layer2.0.shortcut.weight", 'h');
    starts("densenet-22-6", "trans1.conv.weight", 'h');
    starts("conv 32 3; relu; globalavg; linear", "0.weight", 'd');
    starts("init he; conv 32 3; relu; globalavg; linear", "0.weight", 'h');
}

static void alloc__says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        sl_status status;
        const char *says;
    } bad[] = {
        {"resent20", SL_E_NAME, "did you mean 'resnet20'"},
        {"resnet", SL_OK, ""},
        {"resnet-50", SL_E_NAME, "did you mean 'resnet50'"},
        {"resnet21", SL_E_DOMAIN, "depth = 21, need 6 n + 2"},
        {"resnet2", SL_E_DOMAIN, "need 8 <= depth"},
        {"resnet99999999999999999999999", SL_E_DOMAIN, "need 8 <= depth"},
        {"resnet20:depth=32", SL_E_DOMAIN, "given twice"},
        {"resnet20:channels=7", SL_E_DOMAIN, "channels = 7, need an even number"},
        {"wrn-28", SL_E_NAME, "did you mean 'wrn-28-10'"},
        {"wrn-28-10-4", SL_E_NAME, "unknown model"},
        {"wrn-27-10", SL_E_DOMAIN, "depth = 27, need 6 n + 4"},
        {"wrn-28-0", SL_E_DOMAIN, "need 1 <= width"},
        {"densenet-41-12", SL_E_DOMAIN, "depth = 41, need 3 n + 4"},
        {"vgg16:head=linaer", SL_E_NAME, "did you mean 'linear'"},
        {"vgg16:dropout=1", SL_E_DOMAIN, "dropout < 1"},
        {"vgg16:channels=0", SL_E_DOMAIN, "channels"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sl_err err = {0};
        const sl_status st = sl_model_alloc(&model, bad[i].text, 3, 32, 32, 10, &err);
        if (st == SL_OK) teardown(NULL);
        if (st != bad[i].status || !strstr(err.message, bad[i].says)) fail_msg("%s: %s", bad[i].text, err.message);
    }
    assert_fails(sl_model_alloc(&model, "cnn", 1, 8, 8, 10, &err), SL_E_DOMAIN, "on pictures of 1x8x8: layer 5 (conv) on 64x2x2");
    assert_fails(sl_model_alloc(&model, "vgg16", 3, 16, 16, 10, &err), SL_E_DOMAIN, "(maxpool) on 512x1x1: a kernel of 2");
    assert_fails(sl_model_alloc(&model, "resnet20", 3, 32, 32, 300, &err), SL_E_DOMAIN, "300 classes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(parameters__as_published, teardown),
        cmocka_unit_test_teardown(cnn__on_mnist, teardown),
        cmocka_unit_test_teardown(views__named_and_shaped_as_in_pytorch, teardown),
        cmocka_unit_test_teardown(views__cover_the_state, teardown),
        cmocka_unit_test_teardown(init__as_the_page_says, teardown),
        cmocka_unit_test_teardown(alloc__says_what_is_wrong, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
