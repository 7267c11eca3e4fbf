#include "optim/regime.h"

#include <math.h>
#include <string.h>

#include "optim/regime_family.h"

const sl_entry *const sl_regimes[] = {
    &sl_regime_secant_long.entry, &sl_regime_secant_short.entry, &sl_regime_sgd_bb.entry, &sl_regime_random_bb.entry,
    &sl_regime_diagonal.entry,    &sl_regime_balance.entry,      &sl_regime_auto.entry,   &sl_regime_polyak.entry,
    &sl_regime_layer_wise.entry,
};
const size_t sl_n_regimes = sizeof sl_regimes / sizeof *sl_regimes;

/* Coordinates that one worker takes at a time. */
enum { PIECE = 1 << 15, LINE = 64 };

int sl_regime_gradients(size_t i)
{
    return ((const sl_regime_family *)sl_regimes[i])->second ? 2 : 1;
}

const char *sl_regime_memory(size_t i)
{
    return ((const sl_regime_family *)sl_regimes[i])->memory;
}

bool sl_regime_needs_loss(const sl_regime *r, uint64_t k)
{
    const sl_regime_family *const f = sl_regime_family_of(r);
    return f->looks ? f->looks(r, k) : f->losses;
}

sl_status sl_regime_init(sl_regime *regime, const char *text, const sl_rule *rule, uint64_t steps_per_epoch,
                         sl_err *err)
{
    sl_regime r = {.rule = *rule, .period = steps_per_epoch > 1 ? steps_per_epoch : SL_REGIME_PERIOD};
    SL_TRY(sl_spec_parse(&r.spec, text, "regime", sl_regimes, sl_n_regimes, err));
    if (steps_per_epoch < 1) return sl_fail(err, SL_E_DOMAIN, "an epoch of 0 steps, need at least 1");
    if (rule->alpha_on != SL_ALPHA_ON_STEP)
        return sl_fail(err, SL_E_CONFIG, "regime '%s' sets the rate of the step; alpha on the gradient needs a base "
                       "rate and a schedule", r.spec.entry->name);
    const sl_regime_family *const f = sl_regime_family_of(&r);
    if (f->derive) r.derived = f->derive(&r);
    *regime = r;
    return SL_OK;
}

/* ---- memory ---- */

static size_t layers_of(const sl_regime_space *s)
{
    return s->ends ? s->layers : 1;
}

static size_t count_pieces(const sl_regime_space *s)
{
    size_t pieces = 0;
    for (size_t l = 0; s->flat && l < layers_of(s); l++) {
        const size_t first = l ? s->ends[l - 1] : 0, last = s->ends ? s->ends[l] : s->n;
        pieces += (last - first + PIECE - 1) / PIECE;
    }
    return pieces;
}

/* The arrays in their order, in bytes, whole cache lines each. */
enum { NUMBERS, SUMS, RATE, PROBES, PARTIAL, PIECES, VECTORS, N_ARRAYS };

static void sizes(double bytes[N_ARRAYS], const sl_regime *r, const sl_regime_space *s)
{
    const double layers = (double)layers_of(s), lanes = (double)s->lanes, pieces = (double)count_pieces(s);
    const double each = sizeof(double);
    bytes[NUMBERS] = (layers + 1) * lanes * SL_REGIME_NUMBERS * each;
    bytes[SUMS] = (layers + 1) * lanes * SL_SUMS * each;
    bytes[RATE] = layers * lanes * each;
    bytes[PROBES] = 5 * lanes * each;
    bytes[PARTIAL] = pieces * SL_SUMS * each;
    bytes[PIECES] = (2 * pieces + 3) * sizeof(size_t);
    bytes[VECTORS] = (double)sl_regime_family_of(r)->vectors * (double)s->n * lanes * (s->flat ? sizeof(float) : each);
    for (size_t i = 0; i < N_ARRAYS; i++) bytes[i] = ceil(bytes[i] / LINE) * LINE;
}

double sl_regime_bytes(const sl_regime *r, const sl_regime_space *space)
{
    double bytes[N_ARRAYS], sum = 0;
    sizes(bytes, r, space);
    for (size_t i = 0; i < N_ARRAYS; i++) sum += bytes[i];
    return sum < 0x1p48 ? sum : INFINITY;
}

/* Piece i: where it begins, and its layer; the next one's beginning ends it. */
static void cut(sl_regime_run *run)
{
    const sl_regime_space *const s = &run->space;
    size_t *p = run->piece;
    for (size_t l = 0; s->flat && l < layers_of(s); l++) {
        const size_t first = l ? s->ends[l - 1] : 0, last = s->ends ? s->ends[l] : s->n;
        for (size_t at = first; at < last; at += PIECE) {
            *p++ = at;
            *p++ = l;
        }
    }
    *p = s->n;
    run->pieces = (size_t)(p - run->piece) / 2;
}

/* SL_SUM_P: what there is to count does not change. */
static void count(sl_regime_run *run)
{
    const size_t layers = sl_regime_layers(run), lanes = run->space.lanes, n = run->space.n;
    for (size_t l = 0; l <= layers; l++) {
        const size_t first = l == 0 || l == layers ? 0 : run->space.ends[l - 1];
        const size_t last = l == layers || !run->space.ends ? n : run->space.ends[l];
        for (size_t i = 0; i < lanes; i++) sl_regime_sum(run, l, SL_SUM_P)[i] = (double)(last - first);
    }
}

void sl_regime_bind(sl_regime_run *run, const sl_regime *r, const sl_regime_space *space, void *memory)
{
    double bytes[N_ARRAYS];
    char *at[N_ARRAYS + 1] = {memory};
    sizes(bytes, r, space);
    for (size_t i = 0; i < N_ARRAYS; i++) at[i + 1] = at[i] + (size_t)bytes[i];
    *run = (sl_regime_run){
        .regime = r,
        .space = *space,
        .vectors = sl_regime_family_of(r)->vectors,
        .numbers = (double *)at[NUMBERS],
        .sums = (double *)at[SUMS],
        .rate = (double *)at[RATE],
        .probe = (double *)at[PROBES],
        .partial = (double *)at[PARTIAL],
        .piece = (size_t *)at[PIECES],
    };
    const size_t vector = space->n * space->lanes * (space->flat ? sizeof(float) : sizeof(double));
    for (size_t i = 0; i < run->vectors; i++) run->vector[i] = at[VECTORS] + i * vector;
    cut(run);
    count(run);
}

size_t sl_regime_numbers_length(const sl_regime_run *run)
{
    return (sl_regime_layers(run) + 1) * run->space.lanes * SL_REGIME_NUMBERS;
}

size_t sl_regime_vectors_length(const sl_regime_run *run)
{
    return run->vectors * run->space.n * run->space.lanes;
}

void sl_regime_begin(sl_regime_run *run)
{
    memset(run->numbers, 0, sl_regime_numbers_length(run) * sizeof *run->numbers);
    memset(run->probe, 0, run->space.lanes * sizeof *run->probe);
    if (run->vectors > 0)
        memset(run->vector[0], 0,
               sl_regime_vectors_length(run) * (run->space.flat ? sizeof(float) : sizeof(double)));
}

/* ---- a step ---- */

/* Probes of the lengths in run->probe for the lanes where that is not 0. */
static void set_probes(sl_regime_run *run, const void *x, const void *g)
{
    const double *const norm = sl_regime_sum(run, sl_regime_layers(run), SL_SUM_GG);
    double *const d = run->probe;
    sl_regime_norms(run, g);
    for (size_t i = 0; i < run->space.lanes; i++)
        d[i] = norm[i] > 0 && isfinite(norm[i]) ? d[i] / sqrt(norm[i]) : 0;
    sl_regime_away(run, run->vector[0], x, g, d);
}

/* Lanes without a gain: at the first step, and for as long as they have met no gradient. */
bool sl_regime_probe(sl_regime_run *run, const void *x, const void *g)
{
    const size_t lanes = run->space.lanes, whole = sl_regime_layers(run);
    memset(run->probe, 0, lanes * sizeof *run->probe);
    if (run->vectors == 0 || !sl_regime_lacks_gain(run)) return false;
    const double *const norm = sl_regime_sum(run, whole, SL_SUM_GG);
    const double *const gain = sl_regime_number(run, whole, SL_KEPT_GAIN);
    sl_regime_norms(run, x);
    for (size_t i = 0; i < lanes; i++)
        run->probe[i] = gain[i] > 0 ? 0 : SL_REGIME_PROBE * fmax(sqrt(norm[i]), 1);
    set_probes(run, x, g);
    return true;
}

/* The previous point, but no nearer than a probe; where x has not moved, a probe. */
static void previous_point(sl_regime_run *run, const void *x, const void *g)
{
    bool any_near, any_probe;
    sl_regime_length(run, x, run->vector[0]);
    sl_regime_judge_points(run, &any_near, &any_probe);
    if (any_near) sl_regime_stretch(run, run->vector[0], x, run->probe + run->space.lanes);
    if (any_probe) set_probes(run, x, g);
}

const void *sl_regime_point(sl_regime_run *run, uint64_t k, const void *x, const void *g)
{
    const sl_regime_family *const f = sl_regime_family_of(run->regime);
    if (f->point) return f->point(run, k, x, g);
    if (!f->second) return sl_regime_probe(run, x, g) ? run->vector[0] : NULL;
    previous_point(run, x, g);
    return run->vector[0];
}

sl_regime_view sl_regime_view_of(const sl_regime_run *run, const sl_regime_step *step, size_t layer)
{
    const size_t whole = sl_regime_layers(run);
    sl_regime_view v = {
        .k = step->k,
        .lanes = run->space.lanes,
        .loss = step->loss,
        .probe = run->probe,
        .stretch = run->probe + run->space.lanes,
        .whole = layer < whole ? sl_regime_number(run, whole, SL_KEPT_GAIN) : NULL,
    };
    for (size_t q = 0; q < SL_SUMS; q++) v.sum[q] = sl_regime_sum(run, layer, q);
    for (size_t q = 0; q < SL_REGIME_NUMBERS; q++) v.kept[q] = sl_regime_number(run, layer, q);
    return v;
}

static void find_gains(sl_regime_run *run, const sl_regime_step *step, size_t layer, double *gain)
{
    const sl_regime_view v = sl_regime_view_of(run, step, layer);
    sl_regime_family_of(run->regime)->gains(run->regime, &v, gain);
}

/* Of the whole, where a probe stands in for gains that the family has not found. */
static void find_whole(sl_regime_run *run, const sl_regime_step *step, bool lacking)
{
    const size_t whole = sl_regime_layers(run);
    find_gains(run, step, whole, run->rate);
    if (!lacking) return;
    const sl_regime_view v = sl_regime_view_of(run, step, whole);
    sl_regime_first_gains(run->regime, &v, run->rate);
}

/* All gains, first of the whole, which layers look at; the rate told of is then their mean. (One lane.) */
static bool decide_by_layer(sl_regime_run *run, const sl_regime_step *step, bool lacking)
{
    const size_t layers = sl_regime_layers(run);
    double mean = 0;
    find_whole(run, step, lacking);
    bool good = sl_regime_settle(run, run->rate, 1, true);
    for (size_t l = 0; l < layers; l++) {
        find_gains(run, step, l, run->rate + l);
        good &= sl_regime_settle_layer(run, l, run->rate + l, run->rate + l, 1, true);
        mean += run->rate[l] * *sl_regime_sum(run, l, SL_SUM_P);
    }
    *sl_regime_number(run, layers, SL_KEPT_RATE) = mean / *sl_regime_sum(run, layers, SL_SUM_P);
    return good;
}

/* lacking: is there a probe for lanes that have no gain? */
static bool decide(sl_regime_run *run, const sl_regime_step *step, bool lacking)
{
    const sl_regime_family *const f = sl_regime_family_of(run->regime);
    const size_t layers = sl_regime_layers(run);
    if (f->by_layer && layers > 1) return decide_by_layer(run, step, lacking);
    if (f->stays && !step->g2 && f->stays(run->regime, step->k))
        return sl_regime_settle(run, sl_regime_number(run, layers, SL_KEPT_GAIN), 1, true);
    find_whole(run, step, lacking);
    return sl_regime_settle(run, run->rate, 1, true);
}

/* out = loss + (w/2)|x|^2 */
static void add_decay(sl_regime_run *run, double *out, const double *loss, const void *x)
{
    const double *const xx = sl_regime_sum(run, sl_regime_layers(run), SL_SUM_GG);
    sl_regime_norms(run, x);
    for (size_t i = 0; i < run->space.lanes; i++) out[i] = loss[i] + run->regime->rule.weight_decay / 2 * xx[i];
}

/* Weight decay belongs to the loss. *s: step with that seen to. */
static void decay(sl_regime_run *run, sl_regime_step *s, const sl_regime_step *step)
{
    const double w = run->regime->rule.weight_decay;
    const size_t lanes = run->space.lanes;
    *s = *step;
    if (!(w > 0)) return;
    sl_regime_decay(run, s->g, s->x, w);
    if (s->g2) sl_regime_decay(run, s->g2, run->vector[0], w);
    if (!sl_regime_needs_loss(run->regime, s->k)) return;
    double *const first = run->probe + 3 * lanes, *const second = first + lanes;
    add_decay(run, first, step->loss, s->x);
    s->loss = first;
    if (!s->g2) return;
    add_decay(run, second, step->loss2, run->vector[0]);
    s->loss2 = second;
}

bool sl_regime_update(sl_regime_run *run, const sl_regime_step *given)
{
    sl_regime_step s;
    const sl_regime_step *const step = &s;
    const sl_regime *const r = run->regime;
    const sl_regime_family *const f = sl_regime_family_of(r);
    decay(run, &s, given);
    if (f->update) return f->update(run, step);
    if (step->g2) sl_regime_secant(run, step->x, run->vector[0], step->g, step->g2);
    const bool lacking = step->g2 && sl_regime_lacks_gain(run);
    if (f->norms || r->rule.kind == SL_RULE_SIGN || lacking) sl_regime_norms(run, step->g);
    if (f->before) f->before(run, step);
    const bool good = decide(run, step, lacking);
    if (!good && run->space.flat) return false;
    if (!f->second && run->vectors > 0 && step->g2) sl_regime_copy(run, run->vector[0], step->x, run->probe);
    sl_regime_aside aside = {.keep = f->second ? run->vector[0] : NULL};
    if (f->aside) f->aside(run, &aside);
    sl_regime_apply(run, step->x, step->v, step->g, run->rate, &aside);
    if (f->after) f->after(run, step);
    return good;
}

double sl_regime_rate(const sl_regime_run *run, size_t i)
{
    return sl_regime_number(run, sl_regime_layers(run), SL_KEPT_RATE)[i];
}
