/* sim/escape/scatter.h - random numbers for the lanes of a block whose replicas do not follow each other. Private to
 * sim/.
 *
 * Each lane has a replica and the step of the block's clock at which that replica was at its step 0. Numbers come from
 * the scattered streams of base/random.h, four steps of all lanes at once, and are kept by channel until they are used:
 * a channel takes 16 bytes a lane. */
#ifndef SL_SIM_ESCAPE_SCATTER_H
#define SL_SIM_ESCAPE_SCATTER_H

#include "sim/block.h"

typedef struct sl_stream sl_stream;

struct sl_scatter {
    uint64_t *lane;  /* [capacity] replicas                                                */
    uint64_t *since; /* [capacity] when they were at step 0: a multiple of 4, <= the clock */
    size_t capacity; /* lanes, a multiple of 64                                            */
    sl_stream *stream;
    size_t streams, room, next; /* next: where the call after the last one is looked for first */
    bool failed;                /* no memory for a channel: numbers since then are worthless   */
};

SL_CHECKED sl_status sl_scatter_init(sl_scatter *s, size_t capacity, sl_err *err);
void sl_scatter_clear(sl_scatter *s);

/* To be called when lane or since have changed, which is possible at steps that are multiples of 4 only. */
void sl_scatter_renew(sl_scatter *s);

/* The random words, or standard normals, of the first n lanes at step k of the clock: good until the next call. draw:
 * all but the step. NULL: no memory (and failed is set). */
const uint32_t *sl_scatter_words(sl_scatter *s, size_t n, const sl_draw *draw, uint64_t k);
const float *sl_scatter_normals(sl_scatter *s, size_t n, const sl_draw *draw, uint64_t k);

#endif
