/* Particles of splitting, and how they are moved by first exits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "sim/block.h"
#include "sim/escape/split.h"

/* The output function of SplitMix64 (Steele, Lea and Flood 2014) on its Weyl sequence. */
uint64_t sl_split_seed(uint64_t seed, uint64_t call)
{
    uint64_t z = seed + call * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

sl_status sl_crowd_init(sl_crowd *c, const sl_split *s, size_t n, sl_err *err)
{
    const size_t dim = s->loss->dim;
    *c = (sl_crowd){.n = n, .dim = dim};
    c->x = malloc(n * dim * sizeof *c->x);
    if (s->velocity) c->v = malloc(n * dim * sizeof *c->v);
    c->time = calloc(n, sizeof *c->time);
    c->at = calloc(n, sizeof *c->at);
    c->idle = calloc(n, sizeof *c->idle);
    if (!c->x || (s->velocity && !c->v) || !c->time || !c->at || !c->idle) {
        sl_crowd_clear(c);
        return sl_fail(err, SL_E_MEMORY, "no memory for %zu particles of %zu coordinates", n, dim);
    }
    for (size_t i = 0; i < n; i++) sl_crowd_restart(c, s, i);
    return SL_OK;
}

void sl_crowd_clear(sl_crowd *c)
{
    free(c->x), free(c->v), free(c->time), free(c->at), free(c->idle);
    *c = (sl_crowd){0};
}

void sl_crowd_restart(sl_crowd *c, const sl_split *s, size_t i)
{
    const double *start = s->ensemble->start ? s->ensemble->start : s->loss->start;
    memcpy(c->x + i * c->dim, start, c->dim * sizeof *start);
    if (c->v) memset(c->v + i * c->dim, 0, c->dim * sizeof *c->v);
}

void sl_crowd_copy(sl_crowd *to, size_t i, const sl_crowd *from, size_t j)
{
    memcpy(to->x + i * to->dim, from->x + j * to->dim, to->dim * sizeof *to->x);
    if (to->v) memcpy(to->v + i * to->dim, from->v + j * to->dim, to->dim * sizeof *to->v);
}

void sl_split_region(sl_region *region, const sl_split *s, double level)
{
    *region = s->how.b;
    sl_set *a = &region->set[region->n++];
    *a = (sl_set){.kind = SL_SET_HALF, .level = -s->how.a};
    for (size_t d = 0; d < s->loss->dim; d++) a->point[d] = -s->how.xi[d];
    if (!(level < INFINITY)) return;
    sl_set *beyond = &region->set[region->n++];
    *beyond = (sl_set){.kind = SL_SET_HALF, .level = level};
    memcpy(beyond->point, s->how.xi, s->loss->dim * sizeof *s->how.xi);
}

bool sl_split_failed(const sl_split *s, uint8_t at)
{
    return at == s->how.b.n || at == SL_EXIT_LOST;
}

/* Those that have a way to go, next to each other: who[] their numbers, x and v their states. */
typedef struct {
    size_t n;
    uint32_t *who;
    double *x, *v;
} movers;

static sl_status gather(movers *m, sl_crowd *c, const sl_region *region, sl_err *err)
{
    *m = (movers){.who = malloc(c->n * sizeof *m->who)};
    m->x = malloc(c->n * c->dim * sizeof *m->x);
    if (c->v) m->v = malloc(c->n * c->dim * sizeof *m->v);
    if (!m->who || !m->x || (c->v && !m->v))
        return sl_fail(err, SL_E_MEMORY, "no memory for %zu particles of %zu coordinates", c->n, c->dim);
    const size_t dim = c->dim, bytes = dim * sizeof *m->x;
    for (size_t i = 0; i < c->n; i++) {
        if (c->idle[i]) continue;
        const unsigned in = sl_region_which(region, dim, c->x + i * dim);
        c->time[i] = 0;
        c->at[i] = (uint8_t)in;
        if (in != SL_EXIT_CENSORED) continue;
        memcpy(m->x + m->n * dim, c->x + i * dim, bytes);
        if (c->v) memcpy(m->v + m->n * dim, c->v + i * dim, bytes);
        m->who[m->n++] = (uint32_t)i;
    }
    return SL_OK;
}

/* A jump can end in a set and beyond the kill radius at once. From B nobody goes on; elsewhere this is a loss. */
static bool is_lost(const sl_split *s, const double *x)
{
    const double radius = s->ensemble->kill_radius > 0 ? s->ensemble->kill_radius : SL_FARTHEST;
    bool inside = true;
    for (size_t d = 0; d < s->loss->dim; d++) inside = inside && isfinite(x[d]) && fabs(x[d]) <= radius;
    return !inside && sl_region_which(&s->how.b, s->loss->dim, x) == SL_EXIT_CENSORED;
}

static void scatter(sl_crowd *c, const sl_split *s, const movers *m, const sl_exits *e)
{
    const size_t dim = c->dim, bytes = dim * sizeof *c->x;
    for (size_t k = 0; k < m->n; k++) {
        const size_t i = m->who[k];
        c->time[i] = e->time[k];
        c->at[i] = is_lost(s, e->x + k * dim) ? SL_EXIT_LOST : e->by[k];
        memcpy(c->x + i * dim, e->x + k * dim, bytes);
        if (c->v) memcpy(c->v + i * dim, e->v + k * dim, bytes);
    }
}

/* Of so few most can be lost by chance. */
enum { FEW = 64 };

sl_status sl_crowd_drive(sl_crowd *c, sl_split *s, const sl_region *region, const char *where, sl_err *err)
{
    movers m;
    sl_status st = gather(&m, c, region, err);
    s->calls++;
    if (st == SL_OK && m.n > 0) {
        const sl_ensemble ensemble = {
            .seed = sl_split_seed(s->ensemble->seed, s->calls),
            .experiment = s->ensemble->experiment,
            .replicas = m.n,
            .steps = s->how.most_steps,
            .start = s->ensemble->start,
            .kill_radius = s->ensemble->kill_radius,
            .jobs = s->ensemble->jobs,
        };
        const sl_escape how = {.region = *region, .x = m.x, .v = m.v, .keep_states = true};
        sl_exits e = {0};
        st = s->escape(&e, s->dynamics, &ensemble, &how, err);
        if (st == SL_DIVERGED && m.n < FEW) st = SL_OK;
        if (st == SL_OK) scatter(c, s, &m, &e);
        s->updates += e.updates;
        if (st == SL_OK && e.censored > 0)
            st = sl_fail(err, SL_UNDECIDED, "%s: %llu of %zu particles were still under way after %llu steps", where,
                         (unsigned long long)e.censored, m.n, (unsigned long long)s->how.most_steps);
        sl_exits_clear(&e);
    }
    free(m.who), free(m.x), free(m.v);
    return st;
}

sl_status sl_crowd_resample(sl_crowd *to, size_t first, size_t n, const sl_crowd *from, const uint32_t *chosen,
                            size_t m, const sl_split *s, uint64_t key, sl_err *err)
{
    uint32_t *order = malloc(m * sizeof *order);
    if (!order) return sl_fail(err, SL_E_MEMORY, "no memory to resample %zu particles", m);
    const sl_draw draw = {.seed = sl_split_seed(s->ensemble->seed, s->calls),
                          .step = key,
                          .sub = s->ensemble->experiment << 16,
                          .purpose = SL_PURPOSE_BOOTSTRAP};
    sl_random_permutation(order, (uint32_t)m, &draw);
    for (size_t i = 0; i < n; i++) sl_crowd_copy(to, first + i, from, chosen[order[i % m]]);
    free(order);
    return SL_OK;
}
