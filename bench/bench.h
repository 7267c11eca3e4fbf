/* bench/bench.h - what the benches share. */
#ifndef SL_BENCH_BENCH_H
#define SL_BENCH_BENCH_H

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "nets/dataset.h"

/* Ends the program where a call failed. */
static inline void bench_must(sl_status st, const sl_err *err)
{
    if (st == SL_OK) return;
    fprintf(stderr, "bench: %s: %s\n", sl_status_sentence(st), err->message);
    exit(sl_status_exit_code(st));
}

/* n random square pictures; what they show does not matter for speed. */
static inline void bench_pictures(sl_dataset *d, size_t n, size_t channels, size_t side, size_t classes)
{
    *d = (sl_dataset){.n = n, .channels = channels, .height = side, .width = side, .features = channels * side * side,
                      .classes = classes};
    for (size_t c = 0; c < channels; c++) {
        d->mean[c] = 0.48f;
        d->deviation[c] = 0.25f;
    }
    uint32_t *const words = malloc(d->features * sizeof *words);
    d->pixels = malloc(n * d->features);
    d->labels = malloc(n);
    if (!words || !d->pixels || !d->labels) exit(4);
    const sl_draw draw = {.seed = 1, .purpose = SL_PURPOSE_TEST};
    for (size_t i = 0; i < n; i++) {
        sl_random_words(words, d->features, i * d->features, &draw);
        for (size_t k = 0; k < d->features; k++) d->pixels[i * d->features + k] = (uint8_t)(words[k] >> 24);
        d->labels[i] = (uint8_t)(words[0] % classes);
    }
    free(words);
}

#endif
