/* Mini-batches out of a data set: bytes standardised, channels brought together, pictures varied. */
#include "base/kernel.h"
#include "nets/dataset.h"

enum {
    CHANNELS = 3,
    BYTES = 256,
    TASK = 1 << 15, /* bytes that a task standardises, about: some ten microseconds of work          */
    DRAWS = 4,      /* words of a sample: rows, columns, flip, one left                              */
    PICTURES = 64   /* most samples of a task: their words lie on its stack                          */
};

typedef struct {
    const sl_dataset *d;
    float *out;
    uint8_t *label;
    const uint32_t *index;
    size_t first, count, per_task;
    const sl_augment *augment; /* NULL: as they are */
    const sl_draw *draw;
    size_t lane;
    float table[CHANNELS][BYTES]; /* what each byte becomes */
} batch;

/* out[i] = (byte[i] / 255 - mean) / deviation with each operation rounded to float, as PyTorch's loaders round it. The
 * quotients are products with the reciprocal in double, rounded to float: that is the rounded quotient itself, since the
 * quotient of two floats is never nearer than 2^-49 relative to the middle between two floats. Not in a *_kernel.c file:
 * relaxed floating point may leave a rounding out. */
static SL_KERNEL void standardise(float *restrict out, const uint8_t *restrict byte, size_t n, float mean,
                                  float deviation)
{
    const double per_255 = 1 / 255.0, per_deviation = 1 / (double)deviation;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float pixel = (float)((double)byte[i] * per_255);
        out[i] = (float)((double)(pixel - mean) * per_deviation);
    }
}

static size_t sample(const batch *b, size_t k)
{
    return b->index ? b->index[k] : b->first + k;
}

/* Asks for the bytes of a sample ahead of use: samples lie in random places, where no hardware prefetcher looks.
 * Inlined by force: gcc takes a function that does nothing else for one that does nothing, and leaves its call out. */
static inline __attribute__((always_inline)) void look_ahead(const batch *b, size_t k)
{
    enum { AHEAD = 4, LINE = 64 };
    if (!b->index || k + AHEAD >= b->count) return;
    const uint8_t *const next = b->d->pixels + b->d->features * sample(b, k + AHEAD);
    for (size_t i = 0; i < b->d->features; i += LINE) __builtin_prefetch(next + i);
}

/* out[n][channels] = n pixels of one row, from each channel's plane, leftwards if asked. Looking up one byte after the
 * other is as fast as vector arithmetic with its shuffles (0.24 and 0.22 ns a byte), and has its roundings for free. */
static void put_pixels(const batch *b, float *restrict out, const uint8_t *restrict from, size_t n, bool leftwards)
{
    const size_t channels = b->d->channels;
    const ptrdiff_t plane = (ptrdiff_t)(b->d->height * b->d->width), step = leftwards ? -1 : 1;
    ptrdiff_t at = 0;
    if (channels == 3) {
        const float *const red = b->table[0], *const green = b->table[1], *const blue = b->table[2];
        for (size_t i = 0; i < n; i++, at += step) {
            out[3 * i] = red[from[at]];
            out[3 * i + 1] = green[from[at + plane]];
            out[3 * i + 2] = blue[from[at + 2 * plane]];
        }
        return;
    }
    for (size_t i = 0; i < n; i++, at += step)
        for (size_t c = 0; c < channels; c++) out[channels * i + c] = b->table[c][from[at + (ptrdiff_t)c * plane]];
}

static void put_black(const batch *b, float *out, size_t n)
{
    const size_t channels = b->d->channels;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < channels; c++) out[channels * i + c] = b->table[c][0];
}

static void put_as_is(const batch *b, float *out, const uint8_t *from)
{
    const sl_dataset *const d = b->d;
    if (d->channels == 1)
        standardise(out, from, d->features, d->mean[0], d->deviation[0]);
    else
        put_pixels(b, out, from, d->height * d->width, false);
}

/* A picture's window begins `down` rows and `right` columns into the padded picture. */
static void put_varied(const batch *b, float *out, const uint8_t *from, size_t down, size_t right, bool flip)
{
    const size_t height = b->d->height, width = b->d->width, channels = b->d->channels, crop = b->augment->crop;
    /* Columns of the window: `before` black ones, then those from source column `column` on, then black ones. */
    const size_t before = right < crop ? crop - right : 0, column = right < crop ? 0 : right - crop;
    const size_t shift = before + column, seen = shift < width ? width - shift : 0;
    for (size_t y = 0; y < height; y++, out += channels * width) {
        const size_t padded = y + down;
        if (padded < crop || padded - crop >= height || seen == 0) {
            put_black(b, out, width);
            continue;
        }
        const uint8_t *const row = from + (padded - crop) * width;
        const size_t left = flip ? width - before - seen : before;
        put_black(b, out, left);
        put_pixels(b, out + channels * left, row + (flip ? column + seen - 1 : column), seen, flip);
        put_black(b, out + channels * (left + seen), width - left - seen);
    }
}

/* 0 .. 2 crop from a word; the bias is below (2 crop + 1) / 2^32. */
static size_t offset(uint32_t word, size_t crop)
{
    return (size_t)(((uint64_t)word * (2 * crop + 1)) >> 32);
}

static void gather_task(void *ctx, size_t task, int worker)
{
    (void)worker;
    const batch *const b = ctx;
    const sl_dataset *const d = b->d;
    const size_t begin = task * b->per_task, rest = b->count - begin, n = rest < b->per_task ? rest : b->per_task;
    uint32_t words[DRAWS * PICTURES];
    if (b->augment) sl_random_words(words, DRAWS * n, DRAWS * (uint64_t)(b->lane + begin), b->draw);
    for (size_t k = begin; k < begin + n; k++) {
        const size_t i = sample(b, k);
        const uint8_t *const from = d->pixels + i * d->features;
        float *const out = b->out + k * d->features;
        look_ahead(b, k);
        if (b->augment) {
            const uint32_t *const w = words + DRAWS * (k - begin);
            const size_t crop = b->augment->crop;
            put_varied(b, out, from, offset(w[0], crop), offset(w[1], crop), b->augment->flip && w[2] >> 31);
        } else {
            put_as_is(b, out, from);
        }
        b->label[k] = d->labels[i];
    }
}

void sl_dataset_gather_varied(const sl_dataset *d, float *out, uint8_t *label, const uint32_t *index, size_t first,
                              size_t count, const sl_augment *augment, const sl_draw *draw, size_t lane, sl_team *team)
{
    if (count == 0) return;
    const bool varied = augment && (augment->crop > 0 || augment->flip);
    size_t per_task = TASK / (d->features ? d->features : 1);
    per_task = per_task < 1 ? 1 : per_task > PICTURES ? PICTURES : per_task;
    batch b = {.d = d,
               .out = out,
               .label = label,
               .index = index,
               .first = first,
               .count = count,
               .per_task = per_task,
               .augment = varied ? augment : NULL,
               .draw = draw,
               .lane = lane};
    if (varied || d->channels > 1) {
        uint8_t bytes[BYTES];
        for (int i = 0; i < BYTES; i++) bytes[i] = (uint8_t)i;
        for (size_t c = 0; c < d->channels; c++)
            standardise(b.table[c], bytes, BYTES, d->mean[c], d->deviation[c]);
    }
    sl_team_run(team, (count + per_task - 1) / per_task, gather_task, &b);
}

void sl_dataset_gather(const sl_dataset *d, float *out, uint8_t *label, const uint32_t *index, size_t first,
                       size_t count)
{
    sl_dataset_gather_varied(d, out, label, index, first, count, NULL, NULL, 0, NULL);
}
