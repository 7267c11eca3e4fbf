#include "sim/escape/scatter.h"

#include <stdlib.h>

/* Four steps of one channel. */
struct sl_stream {
    uint64_t seed;
    uint32_t sub;
    sl_purpose purpose;
    bool normal;
    uint64_t quarter; /* the steps 4 quarter .. 4 quarter + 3 of the clock; NONE: not drawn */
    void *rows;       /* [4][capacity] words or floats                                      */
};

static const uint64_t NONE = UINT64_MAX;

sl_status sl_scatter_init(sl_scatter *s, size_t capacity, sl_err *err)
{
    uint64_t *const memory = aligned_alloc(64, 2 * capacity * sizeof *memory);
    if (!memory) return sl_fail(err, SL_E_MEMORY, "no memory for the streams of %zu lanes", capacity);
    for (size_t i = 0; i < 2 * capacity; i++) memory[i] = 0;
    *s = (sl_scatter){.lane = memory, .since = memory + capacity, .capacity = capacity};
    return SL_OK;
}

void sl_scatter_clear(sl_scatter *s)
{
    for (size_t i = 0; i < s->streams; i++) free(s->stream[i].rows);
    free(s->stream);
    free(s->lane);
    *s = (sl_scatter){0};
}

void sl_scatter_renew(sl_scatter *s)
{
    for (size_t i = 0; i < s->streams; i++) s->stream[i].quarter = NONE;
}

static bool is(const sl_stream *t, const sl_draw *draw, bool normal)
{
    return t->seed == draw->seed && t->sub == draw->sub && t->purpose == draw->purpose && t->normal == normal;
}

static sl_stream *add(sl_scatter *s, const sl_draw *draw, bool normal)
{
    if (s->streams == s->room) {
        const size_t room = s->room > 0 ? 2 * s->room : 4;
        sl_stream *const more = realloc(s->stream, room * sizeof *more);
        if (!more) return NULL;
        s->stream = more, s->room = room;
    }
    void *const rows = aligned_alloc(64, 4 * s->capacity * sizeof(uint32_t));
    if (!rows) return NULL;
    s->stream[s->streams] = (sl_stream){.seed = draw->seed,
                                        .sub = draw->sub,
                                        .purpose = draw->purpose,
                                        .normal = normal,
                                        .quarter = NONE,
                                        .rows = rows};
    return &s->stream[s->streams++];
}

/* Every step makes the same calls in the same order, so the stream after the last one is nearly always the one. */
static sl_stream *find(sl_scatter *s, const sl_draw *draw, bool normal)
{
    for (size_t tried = 0; tried < s->streams; tried++) {
        sl_stream *const t = &s->stream[s->next];
        s->next = s->next + 1 < s->streams ? s->next + 1 : 0;
        if (is(t, draw, normal)) return t;
    }
    s->next = 0;
    sl_stream *const t = add(s, draw, normal);
    if (!t) s->failed = true;
    return t;
}

/* The row of step k of a stream, drawn if need be. */
static const void *row(sl_scatter *s, size_t n, const sl_draw *draw, uint64_t k, bool normal)
{
    sl_stream *const t = find(s, draw, normal);
    if (!t) return NULL;
    if (t->quarter != k / 4) {
        const sl_draw first = {.seed = t->seed, .step = k / 4 * 4, .sub = t->sub, .purpose = t->purpose};
        if (normal)
            sl_random_normals_at(t->rows, s->capacity, n, s->lane, s->since, &first);
        else
            sl_random_words_at(t->rows, s->capacity, n, s->lane, s->since, &first);
        t->quarter = k / 4;
    }
    return (const uint32_t *)t->rows + k % 4 * s->capacity;
}

const uint32_t *sl_scatter_words(sl_scatter *s, size_t n, const sl_draw *draw, uint64_t k)
{
    return row(s, n, draw, k, false);
}

const float *sl_scatter_normals(sl_scatter *s, size_t n, const sl_draw *draw, uint64_t k)
{
    return row(s, n, draw, k, true);
}
