/* Twenty steps of every architecture, repeated after PyTorch: fixtures/make-steps.py made the files in fixtures/steps and
 * says what is in them. */
#include "tests/test.h"

#include "nets/model.h"
#include "optim/rule.h"

enum { STEPS = 20 };

typedef struct {
    sl_model *model;
    sl_workspace *workspace;
    float *start, *state, *gradient, *velocity;
    size_t channels, height, width, classes, batch, tensors;
    sl_rule rule;
    FILE *file;
} run;

static int setup(void **state)
{
    *state = calloc(1, sizeof(run));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    run *const r = *state;
    sl_workspace_free(r->workspace);
    sl_model_free(r->model);
    free(r->start);
    free(r->state);
    free(r->gradient);
    free(r->velocity);
    if (r->file) fclose(r->file);
    free(r);
    return 0;
}

/* ---- the formulas of make-steps.py ---- */

static uint32_t key(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 16777619u;
    return h;
}

static double number(uint32_t k, size_t index)
{
    uint32_t h = (uint32_t)index * 2654435761u + k;
    h = (h ^ h >> 15) * 2246822519u;
    h = (h ^ h >> 13) * 3266489917u;
    h ^= h >> 16;
    return (double)h / 2147483648.0 - 1;
}

static int ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

/* before: the view before v, the weight where v is a bias. */
static float first_value(const sl_view *v, const sl_view *before, size_t index)
{
    const double u = number(key(v->name), index);
    const int bias_of_norm = ends_with(v->name, ".bias") && before->rank == 1;
    if (v->rank >= 2) return (float)(u * sqrt((v->rank == 4 ? 6 : 3) / (double)(v->size / v->shape[0])));
    if (bias_of_norm) return (float)((u < -0.5 ? -0.5 : 0.5) + 0.06 * u);
    if (ends_with(v->name, ".weight")) return (float)(0.13 * (1 + 0.2 * u));
    if (ends_with(v->name, ".running_var")) return (float)(1 + 0.2 * u);
    return (float)(0.1 * u);
}

/* PyTorch's pictures have channels slowest, ours fastest. */
static void fill_batch(const run *r, size_t step)
{
    const size_t pixels = r->height * r->width, features = r->channels * pixels;
    float *const x = sl_workspace_input(r->workspace);
    for (size_t i = 0; i < r->batch; i++) {
        for (size_t c = 0; c < r->channels; c++)
            for (size_t p = 0; p < pixels; p++)
                x[i * features + p * r->channels + c] =
                    (float)(1.7 * number(key("pictures"), (step * r->batch + i) * features + c * pixels + p));
        const double u = number(key("labels"), step * r->batch + i);
        sl_workspace_labels(r->workspace)[i] = (uint8_t)((u + 1) / 2 * (double)r->classes);
    }
}

/* ---- the file ---- */

static void read_head(run *r, const char *name)
{
    char path[128], model[128], rule[32];
    double lr, mu, decay;
    snprintf(path, sizeof path, "tests/nets/fixtures/steps/%s.bin", name);
    r->file = fopen(path, "rb");
    if (!r->file) fail_msg("no %s: run from the root of the repository", path);
    const int got = fscanf(r->file,
                           "sgdlab steps 1 model %127s pictures %zu %zu %zu classes %zu batch %zu rule %31s %lf %lf %lf "
                           "tensors %zu\n",
                           model, &r->channels, &r->height, &r->width, &r->classes, &r->batch, rule, &lr, &mu, &decay,
                           &r->tensors);
    assert_int_equal(got, 11);
    assert_ok(sl_rule_init(&r->rule, rule, SL_ALPHA_ON_STEP, lr, mu, decay, &err));
    assert_ok(sl_model_alloc(&r->model, model, r->channels, r->height, r->width, r->classes, &err));
}

typedef struct {
    const sl_view *view;
    size_t distance;
    double norm, signed_sum;
} tensor;

/* A tensor's line: its name and shape must be those of one of our views. */
static tensor read_tensor(run *r)
{
    char name[64];
    size_t rank, shape[4] = {0};
    tensor t = {0};
    assert_int_equal(fscanf(r->file, "%63s %zu", name, &rank), 2);
    assert_in_range(rank, 1, 4);
    for (size_t k = 0; k < rank; k++) assert_int_equal(fscanf(r->file, "%zu", &shape[k]), 1);
    assert_int_equal(fscanf(r->file, "%zu %lf %lf", &t.distance, &t.norm, &t.signed_sum), 3);
    for (size_t i = 0; i < sl_model_n_views(r->model); i++)
        if (strcmp(sl_model_view(r->model, i)->name, name) == 0) t.view = sl_model_view(r->model, i);
    if (!t.view) fail_msg("PyTorch has %s, we do not", name);
    assert_int_equal(t.view->rank, rank);
    for (size_t k = 0; k < rank; k++) assert_int_equal(t.view->shape[k], shape[k]);
    assert_true(t.distance >= 1);
    return t;
}

/* ---- the steps ---- */

static void take_steps(run *r)
{
    const size_t n = sl_model_state(r->model), parameters = sl_model_parameters(r->model);
    r->start = calloc(n, sizeof *r->start);
    r->state = calloc(n, sizeof *r->state);
    r->gradient = calloc(parameters, sizeof *r->gradient);
    r->velocity = calloc(parameters, sizeof *r->velocity);
    assert_true(r->start && r->state && r->gradient && r->velocity);
    assert_ok(sl_workspace_alloc(&r->workspace, r->model, r->batch, SL_FOR_GRADIENT, NULL, &err));
    for (size_t i = 0; i < sl_model_n_views(r->model); i++) {
        const sl_view *const v = sl_model_view(r->model, i);
        for (size_t k = 0; k < v->size; k++)
            r->start[v->offset + k] = first_value(v, sl_model_view(r->model, i ? i - 1 : 0), k);
    }
    memcpy(r->state, r->start, n * sizeof *r->state);
    for (size_t step = 0; step < STEPS; step++) {
        const sl_mode mode = {.train = true, .seed = 1, .step = step};
        double loss;
        size_t right;
        fill_batch(r, step);
        sl_model_run(r->model, r->workspace, r->state, r->batch, &mode, &loss, &right, r->gradient);
        sl_rule_step_f(&r->rule, parameters, r->state, r->velocity, r->gradient, r->rule.lr);
    }
}

/* The largest difference to PyTorch's numbers, of what is allowed: 1e-3 of the tensor's largest number, and 0.05 of how
 * far the steps took it (make-steps.py makes sure that rounding stays below a tenth of either). The sum with random signs
 * is off by about as many parts of the norm as the numbers are of theirs. */
static double compare(const run *r, const tensor *t, const float *theirs)
{
    const float *const ours = r->state + t->view->offset, *const start = r->start + t->view->offset;
    double off = 0, size = 0, moved = 0, sum = 0;
    for (size_t k = 0; k < t->view->size; k++) {
        size = fmax(size, fabs(ours[k]));
        moved = fmax(moved, fabs((double)ours[k] - start[k]));
        sum += number(key("sign"), k) < 0 ? -(double)ours[k] : (double)ours[k];
        if (!isfinite(ours[k])) return INFINITY;
        if (k % t->distance == 0) off = fmax(off, fabs((double)ours[k] - theirs[k / t->distance]));
    }
    assert_true(moved > 0);
    return fmax(off / fmin(1e-3 * size, 0.05 * moved), fabs(sum - t->signed_sum) / (1e-3 * t->norm));
}

static void repeat(void **state, const char *name)
{
    run *const r = *state;
    char mark[16], worst_name[64] = "";
    double worst = 0;
    read_head(r, name);
    assert_int_equal(r->tensors, sl_model_n_views(r->model));
    take_steps(r);
    tensor *const t = calloc(r->tensors, sizeof *t);
    float theirs[256];
    for (size_t i = 0; i < r->tensors; i++) t[i] = read_tensor(r);
    assert_int_equal(fscanf(r->file, "%15s", mark), 1);
    assert_string_equal(mark, "numbers");
    assert_int_equal(fgetc(r->file), '\n');
    for (size_t i = 0; i < r->tensors; i++) {
        const size_t count = (t[i].view->size + t[i].distance - 1) / t[i].distance;
        assert_in_range(count, 1, 256);
        assert_int_equal(fread(theirs, sizeof *theirs, count, r->file), count);
        const double off = compare(r, &t[i], theirs);
        if (!(off <= worst)) {
            worst = off;
            snprintf(worst_name, sizeof worst_name, "%s", t[i].view->name);
        }
    }
    assert_int_equal(fgetc(r->file), EOF);
    free(t);
    print_message("# %s: worst %s, %.2g of what is allowed\n", name, worst_name, worst);
    if (!(worst <= 1)) fail_msg("%s: %s is off by %.3g times what is allowed", name, worst_name, worst);
}

#define STEPS_OF(id, name)                           \
    static void steps__as_pytorch_##id(void **state) \
    {                                                \
        repeat(state, name);                         \
    }
STEPS_OF(mlp, "mlp")
STEPS_OF(cnn, "cnn")
STEPS_OF(vgg16, "vgg16")
STEPS_OF(vgg16_mlp, "vgg16-mlp")
STEPS_OF(vgg16_bn, "vgg16-bn")
STEPS_OF(resnet20, "resnet20")
STEPS_OF(resnet56, "resnet56")
STEPS_OF(resnet50, "resnet50")
STEPS_OF(wrn, "wrn-16-2")
STEPS_OF(densenet, "densenet-22-6")

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(steps__as_pytorch_mlp, setup, teardown),
        cmocka_unit_test_setup_teardown(steps__as_pytorch_cnn, setup, teardown),
        cmocka_unit_test_setup_teardown(steps__as_pytorch_vgg16, setup, teardown),
        cmocka_unit_test_setup_teardown(steps__as_pytorch_vgg16_mlp, setup, teardown),
        cmocka_unit_test_setup_teardown(steps__as_pytorch_vgg16_bn, setup, teardown),
        cmocka_unit_test_setup_teardown(steps__as_pytorch_resnet20, setup, teardown),
        cmocka_unit_test_setup_teardown(steps__as_pytorch_resnet56, setup, teardown),
        cmocka_unit_test_setup_teardown(steps__as_pytorch_resnet50, setup, teardown),
        cmocka_unit_test_setup_teardown(steps__as_pytorch_wrn, setup, teardown),
        cmocka_unit_test_setup_teardown(steps__as_pytorch_densenet, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
