/* Gathering mini-batches, against a naive loop of its own. */
#include "nets/dataset.h"

#include "tests/test.h"

enum { MOST = 3 * 40 * 40, SAMPLES = 200 };

/* A picture set of that shape, with bytes that differ everywhere; black (0) among them. */
static sl_dataset make(size_t channels, size_t height, size_t width)
{
    sl_dataset d = {.n = SAMPLES,
                    .channels = channels,
                    .height = height,
                    .width = width,
                    .classes = 200,
                    .mean = {0.4914f, 0.4822f, 0.4465f},
                    .deviation = {0.2470f, 0.2435f, 0.2616f}};
    d.features = channels * height * width;
    d.pixels = malloc(d.n * d.features);
    d.labels = malloc(d.n);
    assert_non_null(d.pixels);
    assert_non_null(d.labels);
    uint32_t x = 12345;
    for (size_t i = 0; i < d.n * d.features; i++) {
        x = x * 1664525u + 1013904223u;
        d.pixels[i] = (uint8_t)(x >> 24);
    }
    for (size_t i = 0; i < d.n; i++) d.labels[i] = (uint8_t)(i * 7 % 200);
    return d;
}

static float standardised(const sl_dataset *d, size_t i, size_t c, ptrdiff_t y, ptrdiff_t x)
{
    const bool inside = y >= 0 && x >= 0 && y < (ptrdiff_t)d->height && x < (ptrdiff_t)d->width;
    const int byte = inside ? d->pixels[((i * d->channels + c) * d->height + (size_t)y) * d->width + (size_t)x] : 0;
    const volatile float pixel = (float)byte / 255.0f, centred = pixel - d->mean[c];
    return centred / d->deviation[c];
}

/* Sample i, cropped at (down, right) out of its padded self, then perhaps mirrored. */
static void naive(const sl_dataset *d, float *out, size_t i, size_t crop, size_t down, size_t right, bool flip)
{
    for (size_t y = 0; y < d->height; y++)
        for (size_t x = 0; x < d->width; x++) {
            const size_t window = flip ? d->width - 1 - x : x;
            for (size_t c = 0; c < d->channels; c++)
                out[(y * d->width + x) * d->channels + c] = standardised(
                    d, i, c, (ptrdiff_t)(y + down) - (ptrdiff_t)crop, (ptrdiff_t)(window + right) - (ptrdiff_t)crop);
        }
}

static void assert_same(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(a + i, b + i, sizeof *a) != 0) fail_msg("element %zu is %.9g, expected %.9g", i, a[i], b[i]);
}

static const size_t shapes[][3] = {{1, 28, 28}, {3, 32, 32}, {3, 5, 7}, {2, 9, 4}, {1, 1, 1}, {3, 1, 40}, {3, 40, 40}};
enum { SHAPES = sizeof shapes / sizeof *shapes };
static float got[SAMPLES * MOST], expected[SAMPLES * MOST];

static void gather__puts_channels_fastest(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHAPES; s++) {
        sl_dataset d = make(shapes[s][0], shapes[s][1], shapes[s][2]);
        uint32_t index[SAMPLES];
        uint8_t label[SAMPLES];
        for (uint32_t k = 0; k < SAMPLES; k++) index[k] = (k * 37 + 11) % SAMPLES;
        for (int ordered = 0; ordered < 2; ordered++) {
            const size_t count = ordered ? SAMPLES - 3 : SAMPLES;
            memset(got, 0xff, sizeof got);
            sl_dataset_gather(&d, got, label, ordered ? NULL : index, ordered ? 3 : 0, count);
            for (size_t k = 0; k < count; k++) {
                const size_t i = ordered ? k + 3 : index[k];
                naive(&d, expected + k * d.features, i, 0, 0, 0, false);
                assert_int_equal(label[k], d.labels[i]);
            }
            assert_same(got, expected, count * d.features);
            if (count * d.features < SAMPLES * MOST) assert_true(isnan(got[count * d.features])); /* none beyond */
        }
        sl_dataset_free(&d);
    }
}

/* What the header says of the random numbers, read off one lane after the other. */
static void gather__varies_as_the_lanes_say(void **state)
{
    (void)state;
    static const sl_augment kinds[] = {{4, true}, {4, false}, {0, true}, {1, true}, {60, true}};
    sl_team *team;
    assert_ok(sl_team_alloc(&team, 3, &err));
    for (size_t s = 0; s < SHAPES; s++) {
        sl_dataset d = make(shapes[s][0], shapes[s][1], shapes[s][2]);
        uint32_t index[SAMPLES];
        uint8_t label[SAMPLES];
        for (uint32_t k = 0; k < SAMPLES; k++) index[k] = (k * 91 + 5) % SAMPLES;
        for (size_t a = 0; a < sizeof kinds / sizeof *kinds; a++) {
            const sl_draw draw = {.seed = 3, .step = 1234 + a, .purpose = SL_PURPOSE_AUGMENT};
            const size_t lane = 17, crop = kinds[a].crop;
            for (size_t k = 0; k < SAMPLES; k++) {
                const double places = (double)(2 * crop + 1);
                const size_t down = (size_t)(places * sl_random_uniform(4 * (lane + k), &draw));
                const size_t right = (size_t)(places * sl_random_uniform(4 * (lane + k) + 1, &draw));
                const bool flip = kinds[a].flip && sl_random_uniform(4 * (lane + k) + 2, &draw) > 0.5;
                naive(&d, expected + k * d.features, index[k], crop, down, right, flip);
            }
            sl_dataset_gather_varied(&d, got, label, index, 0, SAMPLES, &kinds[a], &draw, lane, NULL);
            assert_same(got, expected, SAMPLES * d.features);
            /* In three pieces, and by a team. */
            memset(got, 0, sizeof got);
            memset(label, 255, sizeof label);
            for (size_t k = 0; k < SAMPLES; k += 67) {
                const size_t n = SAMPLES - k < 67 ? SAMPLES - k : 67;
                sl_dataset_gather_varied(&d, got + k * d.features, label + k, index + k, 0, n, &kinds[a], &draw,
                                         lane + k, team);
            }
            assert_same(got, expected, SAMPLES * d.features);
            for (size_t k = 0; k < SAMPLES; k++) assert_int_equal(label[k], d.labels[index[k]]);
        }
        sl_dataset_free(&d);
    }
    sl_team_free(team);
}

/* Every place of the window is as likely as any other, and so is each side. A picture whose bytes say where they lie
 * tells both. Chi-square of 81 places x 2 sides = 162 cells at 200 x 81 draws, 100 a cell: 161 degrees of freedom,
 * mean 161, deviation 17.9; a limit at 161 + 5 deviations has a false-alarm rate below 1e-5, and the seed is fixed. */
static void gather__crops_and_flips_uniformly(void **state)
{
    (void)state;
    enum { SIDE = 12, CROP = 4, PLACES = 2 * CROP + 1, CELLS = 2 * PLACES * PLACES, ROUNDS = 81 };
    sl_dataset d = make(1, SIDE, SIDE);
    d.mean[0] = 0;
    d.deviation[0] = 1;
    for (size_t i = 0; i < d.n; i++)
        for (size_t k = 0; k < SIDE * SIDE; k++) d.pixels[i * d.features + k] = (uint8_t)(k + 1);
    const sl_augment augment = {.crop = CROP, .flip = true};
    size_t cell[CELLS] = {0};
    uint8_t label[SAMPLES];
    for (uint64_t round = 0; round < ROUNDS; round++) {
        const sl_draw draw = {.seed = 1, .step = round, .purpose = SL_PURPOSE_AUGMENT};
        sl_dataset_gather_varied(&d, got, label, NULL, 0, SAMPLES, &augment, &draw, 0, NULL);
        for (size_t k = 0; k < SAMPLES; k++) {
            /* Pixels (5, 5) and (5, 6) are never padding: where did they come from, and which is further right? */
            const float *const p = got + k * d.features;
            const int a = (int)lround(255 * (double)p[5 * SIDE + 5]) - 1;
            const int b = (int)lround(255 * (double)p[5 * SIDE + 6]) - 1;
            assert_true(abs(a - b) == 1 && a >= 0 && b >= 0);
            const bool flip = b < a;
            const int right = a % SIDE - (flip ? SIDE - 1 - 5 : 5) + CROP, down = a / SIDE - 5 + CROP;
            assert_in_range(right, 0, PLACES - 1);
            assert_in_range(down, 0, PLACES - 1);
            cell[(flip * PLACES + down) * PLACES + right]++;
        }
    }
    const double mean = (double)ROUNDS * SAMPLES / CELLS;
    double chi2 = 0;
    for (size_t i = 0; i < CELLS; i++) chi2 += ((double)cell[i] - mean) * ((double)cell[i] - mean) / mean;
    assert_true(chi2 < 161 + 5 * 17.9 && chi2 > 161 - 5 * 17.9);
    sl_dataset_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gather__puts_channels_fastest),
        cmocka_unit_test(gather__varies_as_the_lanes_say),
        cmocka_unit_test(gather__crops_and_flips_uniformly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
