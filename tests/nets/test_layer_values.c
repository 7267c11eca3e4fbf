/* Particular values of layers: statistics of many pixels, what is not a number, ties, dropout's masks. */
#include "tests/nets/one_layer.h"

static size_t batch_norm(sl_builder *b)
{
    return sl_build_batch_norm(b, 0, "bn");
}

static size_t add(sl_builder *b)
{
    return sl_build_add(b, sl_build_relu(b, 0), 0);
}

static size_t concat(sl_builder *b)
{
    return sl_build_concat(b, sl_build_shortcut(b, 0, sl_build_shape(b, 0).channels + 2, 1), 0);
}

static size_t flatten(sl_builder *b)
{
    return sl_build_flatten(b, 0);
}

static size_t relu(sl_builder *b)
{
    return sl_build_relu(b, 0);
}

static size_t shortcut(sl_builder *b)
{
    return sl_build_shortcut(b, 0, sl_build_shape(b, 0).channels + 4, 2);
}

static size_t max_pool_2(sl_builder *b)
{
    return sl_build_max_pool(b, 0, 2, 2, 0);
}

static size_t max_pool_3(sl_builder *b)
{
    return sl_build_max_pool(b, 0, 3, 2, 1);
}

static size_t avg_pool_3(sl_builder *b)
{
    return sl_build_avg_pool(b, 0, 3, 2, 1);
}

static size_t global_avg(sl_builder *b)
{
    return sl_build_global_avg(b, 0);
}

static size_t adaptive_avg(sl_builder *b)
{
    return sl_build_adaptive_avg(b, 0, 3);
}

static size_t dropout(sl_builder *b)
{
    return sl_build_dropout(b, 0, 0.3);
}

/* ---- batch norm's statistics ---- */

/* A million pixels far from 0: the batch's mean and variance to a float's last digits, against two passes in long
 * double; in training the running ones move by a tenth towards the mean and the unbiased variance. */
static void batch_norm__statistics_of_a_million_pixels(void **state)
{
    (void)state;
    enum { CHANNELS = 3, SAMPLES = 4 };
    bench b = set_up(batch_norm, (sl_shape){512, 512, CHANNELS}, SAMPLES, true);
    const size_t pixels = b.in[0] / CHANNELS;
    const double offset[CHANNELS] = {0, 300, -1e4}, spread[CHANNELS] = {1e-3, 1, 50};
    for (size_t c = 0; c < CHANNELS; c++)
        for (size_t i = 0; i < pixels; i++)
            b.x[0][i * CHANNELS + c] = (float)(offset[c] + spread[c] * sin((double)(i * (c + 3))));
    for (size_t c = 0; c < CHANNELS; c++) b.state[b.l->weight + c] = 1, b.state[b.l->bias + c] = 0;
    run(&b, NULL, 0);
    for (size_t c = 0; c < CHANNELS; c++) {
        long double mean = 0, var = 0;
        for (size_t i = 0; i < pixels; i++) mean += (long double)b.x[0][i * CHANNELS + c];
        mean /= pixels;
        for (size_t i = 0; i < pixels; i++) {
            const long double d = (long double)b.x[0][i * CHANNELS + c] - mean;
            var += d * d;
        }
        const double old_mean = b.state[b.l->running_mean + c], old_var = b.state[b.l->running_var + c];
        /* The biased variance, as y has it: the difference of two pixels is theirs by the standard deviation. */
        const double two = b.x[0][CHANNELS + c] - b.x[0][c], y_two = b.p.y[CHANNELS + c] - b.p.y[c];
        assert_close(y_two, two / sqrt((double)(var / pixels) + 1e-5), 1e-5);
        assert_close(b.p.running[b.l->running_mean + c], 0.9 * old_mean + 0.1 * (double)mean, 1e-7);
        assert_close(b.p.running[b.l->running_var + c], 0.9 * old_var + 0.1 * (double)(var / (pixels - 1)), 1e-7);
    }
    bench other = b;
    run(&other, team, 0);
    same(b.p.y, other.p.y, b.out);
    same(b.p.running, other.p.running, b.m->state);
    same(b.p.dx[0], other.p.dx[0], b.in[0]);
    same(b.p.rdx[0], other.p.rdx[0], b.in[0]);
    clear_pass(&other);
    clear(&b);
}

static void batch_norm__a_constant_channel_and_a_single_pixel(void **state)
{
    (void)state;
    bench b = set_up(batch_norm, (sl_shape){3, 3, 2}, 4, true);
    for (size_t i = 0; i < b.in[0]; i++) b.x[0][i] = i % 2 ? 0.1f : b.x[0][i];
    run(&b, NULL, 0);
    for (size_t i = 1; i < b.out; i += 2) assert_near(b.p.y[i], b.state[b.l->bias + 1], 0);
    assert_close(b.p.running[b.l->running_var + 1], 0.9 * (double)b.state[b.l->running_var + 1], 1e-7);
    clear(&b);
    b = set_up(batch_norm, (sl_shape){1, 1, 2}, 1, true); /* its variance counts as 0, unbiased too */
    run(&b, NULL, 0);
    for (size_t c = 0; c < 2; c++) {
        assert_near(b.p.y[c], b.state[b.l->bias + c], 0);
        assert_close(b.p.running[b.l->running_var + c], 0.9 * (double)b.state[b.l->running_var + c], 1e-7);
        assert_near(b.p.dx[0][c], 0, 0);
    }
    clear(&b);
}

/* Evaluation reads the running statistics, and nothing writes them where none are to be written. */
static void batch_norm__leaves_running_statistics_alone(void **state)
{
    (void)state;
    bench b = set_up(batch_norm, (sl_shape){3, 3, 2}, 4, false);
    run(&b, NULL, 0);
    same(b.p.running, b.state, b.m->state);
    free(b.p.running);
    b.p.running = NULL;
    b.p.mode.train = true;
    float *const before = copied(b.state, b.m->state);
    b.l->kind->forward(&b.p);
    same(b.state, before, b.m->state);
    free(before);
    clear(&b);
}

/* ---- what is not a number ---- */

static void kinds__a_nan_comes_through(void **state)
{
    (void)state;
    const builder_of_layer kinds[] = {batch_norm, add,        concat,     flatten,      shortcut, max_pool_2,
                                      max_pool_3, avg_pool_3, global_avg, adaptive_avg, dropout,  relu};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        bench b = set_up(kinds[k], (sl_shape){4, 4, 5}, 2, true);
        for (size_t at = 0; at < 5; at++) { /* channels of the first pixel, which every layer looks at */
            const float was = b.x[0][at];
            b.x[0][at] = NAN;
            run(&b, NULL, 0);
            bool seen = false;
            for (size_t i = 0; i < b.out; i++) seen |= isnan(b.p.y[i]) != 0;
            if (!seen) fail_msg("%s lost a NaN", b.l->kind->name);
            clear_pass(&b);
            b.x[0][at] = was;
        }
        run(&b, NULL, 0);
        clear(&b);
    }
}

/* By hand, one window: where the largest is, the gradient goes. */
static void max_pool__first_of_equals_and_nan(void **state)
{
    (void)state;
    const float n = NAN, inf = INFINITY;
    const float windows[][4] = {{1, 3, 3, 2}, {7, 7, 7, 7}, {-inf, -inf, -inf, -inf},
                                {1, n, 5, 2}, {n, 5, 6, 7}, {-3, -2, -1, inf}};
    const size_t winner[] = {1, 0, 0, 1, 0, 3};
    bench b = set_up(max_pool_2, (sl_shape){2, 2, 1}, 1, true);
    for (size_t k = 0; k < sizeof winner / sizeof *winner; k++) {
        memcpy(b.x[0], windows[k], sizeof windows[k]);
        run(&b, NULL, 0);
        assert_true(memcmp(b.p.y, &windows[k][winner[k]], sizeof(float)) == 0);
        for (size_t i = 0; i < 4; i++) assert_near(b.p.dx[0][i], i == winner[k] ? (double)b.dy[0] : 0, 0);
        if (k < 5) clear_pass(&b);
    }
    clear(&b);
}

/* ---- dropout's masks ---- */

/* 2^17 draws at p = 0.3: the fraction dropped within 5 standard errors (false alarm 6e-7); another seed, step or layer
 * has another mask, whose agreement with the first is that of independent ones. */
static void dropout__masks(void **state)
{
    (void)state;
    enum { SIDE = 64, CHANNELS = 16, N = 2 * SIDE * SIDE * CHANNELS };
    bench b = set_up(dropout, (sl_shape){SIDE, SIDE, CHANNELS}, 2, true);
    for (size_t i = 0; i < b.in[0]; i++) b.x[0][i] = 1;
    float *first = NULL;
    for (int k = 0; k < 5; k++) {
        b.mode = (sl_mode){.train = true, .seed = 3 + (k == 1), .step = 5 + (k == 2)};
        b.index = 1 + (k == 3);
        run(&b, k == 4 ? team : NULL, 0);
        double dropped = 0, agree = 0;
        for (size_t i = 0; i < N; i++) {
            assert_true(b.p.y[i] == 0 || fabs((double)b.p.y[i] - 1 / 0.7) < 1e-6);
            dropped += b.p.y[i] == 0;
            agree += first && (b.p.y[i] == 0) == (first[i] == 0);
        }
        assert_near(dropped / N, 0.3, 5 * sqrt(0.3 * 0.7 / N));
        if (k == 4)
            assert_near(agree / N, 1, 0);
        else if (k > 0)
            assert_near(agree / N, 0.58, 5 * sqrt(0.58 * 0.42 / N));
        if (!first) first = copied(b.p.y, N);
        if (k < 4) clear_pass(&b);
    }
    free(first);
    clear(&b);
}

static size_t dropout_0(sl_builder *b)
{
    return sl_build_dropout(b, 0, 0);
}

static size_t dropout_1(sl_builder *b)
{
    return sl_build_dropout(b, 0, nextafter(1, 0));
}

static void dropout__extreme_probabilities(void **state)
{
    (void)state;
    bench b = set_up(dropout_0, (sl_shape){8, 8, 3}, 2, true);
    run(&b, NULL, 0);
    same(b.p.y, b.x[0], b.out);
    clear(&b);
    b = set_up(dropout_1, (sl_shape){8, 8, 3}, 2, true);
    run(&b, NULL, 0);
    for (size_t i = 0; i < b.out; i++) assert_near(b.p.y[i], 0, 0);
    clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_norm__statistics_of_a_million_pixels),
        cmocka_unit_test(batch_norm__a_constant_channel_and_a_single_pixel),
        cmocka_unit_test(batch_norm__leaves_running_statistics_alone),
        cmocka_unit_test(kinds__a_nan_comes_through),
        cmocka_unit_test(max_pool__first_of_equals_and_nan),
        cmocka_unit_test(dropout__masks),
        cmocka_unit_test(dropout__extreme_probabilities),
    };
    return cmocka_run_group_tests(tests, make_team, free_team);
}
