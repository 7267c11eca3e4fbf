/* tests/nets/random_net.h - small random networks of every kind of layer: branches, joins, chains in place. */
#ifndef SL_TESTS_NETS_RANDOM_NET_H
#define SL_TESTS_NETS_RANDOM_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "nets/graph.h"

enum { RANDOM_NET_CLASSES = 3, RANDOM_NET_LAYERS = 12, RANDOM_NET_MOST = 64 };

typedef struct {
    sl_builder *b;
    uint64_t bits;                   /* the generator's state (Knuth's MMIX) */
    size_t made[RANDOM_NET_MOST], n; /* layers that can be taken             */
    bool used[RANDOM_NET_MOST];
    size_t names;
} random_net;

static inline size_t random_net_below(random_net *r, size_t bound)
{
    r->bits = r->bits * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(r->bits >> 33) % bound;
}

/* One of those made, rather the last. */
static inline size_t random_net_pick(random_net *r)
{
    const size_t i = random_net_below(r, 2) ? r->n - 1 : random_net_below(r, r->n);
    r->used[i] = true;
    return r->made[i];
}

static inline void random_net_add(random_net *r, size_t layer)
{
    r->used[r->n] = false;
    r->made[r->n++] = layer;
}

/* Another layer of the same pixels as `like`, and as many channels if so asked; `like` itself if there is none. */
static inline size_t random_net_partner(random_net *r, size_t like, bool channels)
{
    const sl_shape s = sl_build_shape(r->b, like);
    const size_t start = random_net_below(r, r->n);
    for (size_t k = 0; k < r->n; k++) {
        const size_t i = (start + k) % r->n;
        const sl_shape t = sl_build_shape(r->b, r->made[i]);
        if (r->made[i] == like || t.height != s.height || t.width != s.width) continue;
        if (channels && t.channels != s.channels) continue;
        r->used[i] = true;
        return r->made[i];
    }
    return like;
}

static inline size_t random_net_layer(random_net *r)
{
    char name[16];
    snprintf(name, sizeof name, "%zu", r->names++);
    const size_t from = random_net_pick(r);
    const sl_shape s = sl_build_shape(r->b, from);
    const bool wide = s.height > 2 && s.width > 2;
    switch (random_net_below(r, 12)) {
    case 0: return sl_build_conv(r->b, from, name, 1 + random_net_below(r, 4), wide ? 3 : 1, 1, wide, wide);
    case 1:
    case 2: return sl_build_batch_norm(r->b, from, name);
    case 3:
    case 4: return sl_build_relu(r->b, from);
    case 5: return sl_build_dropout(r->b, from, 0.25);
    case 6: return wide ? sl_build_max_pool(r->b, from, 2, 1, 1) : sl_build_relu(r->b, from);
    case 7: return wide ? sl_build_avg_pool(r->b, from, 3, 1, 1) : sl_build_dropout(r->b, from, 0.5);
    case 8: return sl_build_shortcut(r->b, from, s.channels + 2 * random_net_below(r, 2), 1 + random_net_below(r, 2));
    case 9: return sl_build_concat(r->b, from, random_net_partner(r, from, false));
    default: return sl_build_add(r->b, from, random_net_partner(r, from, true));
    }
}

/* Deterministic in number. Whatever nothing takes is averaged, joined and goes into a last linear layer. */
static inline sl_status random_net_alloc(sl_model **m, size_t number, sl_err *err)
{
    random_net r = {.bits = number * 2654435761u + 17};
    const sl_status st = sl_builder_alloc(&r.b, (sl_shape){6, 5, 2}, RANDOM_NET_CLASSES, SL_START_DEFAULT, err);
    if (st != SL_OK) return st;
    random_net_add(&r, random_net_below(&r, 2) ? 0 : sl_build_batch_norm(r.b, 0, "first"));
    for (size_t i = 0; i < RANDOM_NET_LAYERS; i++) random_net_add(&r, random_net_layer(&r));
    size_t all = 0;
    for (size_t i = 0; i < r.n; i++) {
        if (r.used[i]) continue;
        const size_t flat = sl_build_global_avg(r.b, r.made[i]);
        all = all ? sl_build_concat(r.b, all, flat) : flat;
    }
    sl_build_linear(r.b, all, "last", RANDOM_NET_CLASSES, true);
    return sl_builder_finish(r.b, m, err);
}

#endif
