#include "tests/test.h"

#include "nets/dataset.h"
#include "nets/train.h"

static void load__gives_what_is_asked(void **state)
{
    (void)state;
    sl_dataset a, b;
    assert_ok(sl_dataset_load(&a, &b, "digits", NULL, &err));
    assert_int_equal(a.n, 12000);
    assert_int_equal(b.n, 2000);
    assert_int_equal(a.features, 784);
    size_t count[10] = {0};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < a.n; i++) count[a.labels[i]]++;
    for (size_t i = 0; i < a.n * a.features; i++) sum += a.pixels[i] / 255.0, squares += pow(a.pixels[i] / 255.0, 2);
    /* Binomial(12000, 1/10): standard deviation 33; 5 of them leave a false alarm in 10^5. */
    for (int c = 0; c < 10; c++) assert_near((double)count[c], 1200, 165);
    const double mean = sum / (double)(a.n * a.features),
                 deviation = sqrt(squares / (double)(a.n * a.features) - mean * mean);
    assert_near(a.mean[0], mean, 0.01);
    assert_near(a.deviation[0], deviation, 0.01);
    sl_dataset_free(&a);
    sl_dataset_free(&b);
    assert_fails(sl_dataset_load(&a, &b, "digits:train=0", NULL, &err), SL_E_DOMAIN, "train");
    assert_fails(sl_dataset_load(&a, &b, "digits:tain=5", NULL, &err), SL_E_NAME, "did you mean 'train'");
    assert_int_equal(sl_dataset_available("digits", NULL), 1);
    assert_int_equal(sl_dataset_available("nothing", NULL), 0);
}

/* A picture is a function of seed, part and index: not of how many there are. */
static void load__is_a_function_of_the_seed(void **state)
{
    (void)state;
    sl_dataset a, b, c, d, e, f;
    assert_ok(sl_dataset_load(&a, &b, "digits:train=600:test=300:seed=3", NULL, &err));
    assert_ok(sl_dataset_load(&c, &d, "digits:train=900:test=100:seed=3", NULL, &err));
    assert_ok(sl_dataset_load(&e, &f, "digits:train=600:test=300:seed=4", NULL, &err));
    assert_memory_equal(a.pixels, c.pixels, 600 * 784);
    assert_memory_equal(a.labels, c.labels, 600);
    assert_memory_equal(b.pixels, d.pixels, 100 * 784);
    assert_memory_not_equal(a.pixels, e.pixels, 600 * 784);
    assert_memory_not_equal(a.pixels, b.pixels, 300 * 784);
    sl_dataset_truncate(&c, 600);
    assert_int_equal(c.n, 600);
    assert_memory_equal(a.pixels, c.pixels, 600 * 784);
    sl_dataset *const all[] = {&a, &b, &c, &d, &e, &f};
    for (int i = 0; i < 6; i++) sl_dataset_free(all[i]);
}

/* Sums of the pixels of the first pictures: gcc and clang draw the same. Rounding may move a pixel by 1, and does so in
 * one of 100,000; another order of the draws moves the sums by thousands. */
static void load__does_not_depend_on_the_compiler(void **state)
{
    (void)state;
    static const double sums[8] = {31897, 31067, 33434, 44280, 32382, 27066, 28810, 32125};
    sl_dataset a, b;
    assert_ok(sl_dataset_load(&a, &b, "digits:train=8:test=1", NULL, &err));
    for (size_t i = 0; i < 8; i++) {
        double sum = 0;
        for (size_t k = 0; k < 784; k++) sum += a.pixels[i * 784 + k];
        assert_near(sum, sums[i], 5);
    }
    sl_dataset_free(&a);
    sl_dataset_free(&b);
}

/* Gathering equals the formula with its roundings, for every byte and several channels. */
static void gather__rounds_as_divisions_in_float(void **state)
{
    (void)state;
    static const float means[3] = {0.1307f, 0.4914f, 0.5071f}, deviations[3] = {0.3081f, 0.2470f, 0.2564f};
    uint8_t pixels[2 * 3 * 256], labels[2] = {4, 7}, label[2];
    sl_dataset d = {.n = 2,
                    .channels = 3,
                    .height = 16,
                    .width = 16,
                    .features = 768,
                    .classes = 10,
                    .pixels = pixels,
                    .labels = labels};
    for (int i = 0; i < 2 * 768; i++) pixels[i] = (uint8_t)(i * 7 + i / 768);
    for (int c = 0; c < 3; c++) d.mean[c] = means[c], d.deviation[c] = deviations[c];
    float out[2 * 768];
    const uint32_t index[2] = {1, 0};
    sl_dataset_gather(&d, out, label, index, 0, 2);
    assert_int_equal(label[0], 7);
    assert_int_equal(label[1], 4);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < 768; i++) {
            const size_t c = i % 3;
            const volatile float pixel = (float)pixels[index[k] * 768 + c * 256 + i / 3] / 255.0f;
            const volatile float centred = pixel - means[c], expected = centred / deviations[c];
            assert_near(out[k * 768 + i], expected, 0);
        }
}

/* Learnable, not trivial: 95.5 to 96.5 % was seen over seeds 1 to 5 (deviation 0.35); the seed here is fixed. */
static void digits__train_model_1_to_the_nineties(void **state)
{
    (void)state;
    sl_dataset a, b;
    sl_model *m;
    assert_ok(sl_dataset_load(&a, &b, "digits", NULL, &err));
    assert_ok(sl_model_alloc(&m, "mlp", 1, 28, 28, 10, &err));
    sl_train_config c = {
        .model = m, .train = &a, .test = &b, .schedule = "constant", .lr = 5e-3, .batch = 256, .epochs = 30, .seed = 1};
    assert_ok(sl_rule_init(&c.rule, "nesterov", SL_ALPHA_ON_STEP, c.lr, 0.9, 0, &err));
    sl_train_result r;
    assert_ok(sl_train(&r, &c, NULL, &err));
    assert_int_equal(r.n_epochs, 30);
    assert_near(r.final_test_accuracy, 0.96, 0.015);
    assert_true(r.epochs[0].test_accuracy < 0.8);
    sl_train_result_clear(&r);
    sl_model_free(m);
    sl_dataset_free(&a);
    sl_dataset_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load__gives_what_is_asked), cmocka_unit_test(load__is_a_function_of_the_seed),
        cmocka_unit_test(load__does_not_depend_on_the_compiler), cmocka_unit_test(gather__rounds_as_divisions_in_float),
        cmocka_unit_test(digits__train_model_1_to_the_nineties)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
