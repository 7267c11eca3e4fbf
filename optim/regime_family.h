/* optim/regime_family.h - what a family of regimes supplies, and what it works with. Private to optim/regime*.c.
 *
 * Parameters come first in the order of an enum in the family's file. */
#ifndef SL_OPTIM_REGIME_FAMILY_H
#define SL_OPTIM_REGIME_FAMILY_H

#include "optim/regime.h"

/* Sums over the coordinates of a layer, one a lane. */
enum {
    SL_SUM_SS, /* s's                                                   */
    SL_SUM_SY, /* s'y                                                   */
    SL_SUM_YY, /* y'y                                                   */
    SL_SUM_SG, /* s'g                                                   */
    SL_SUM_GG, /* g'g                                                   */
    SL_SUM_G1, /* sum of |g|                                            */
    SL_SUM_P,  /* n; in a metric diag(1/p), sum of p                    */
    SL_SUMS
};

/* The numbers that every regime keeps; the others are its family's. */
enum { SL_KEPT_GAIN, SL_KEPT_RATE, SL_KEPT_OWN };

/* All lanes of one layer as a decision sees them; arrays are [lanes]. */
typedef struct {
    uint64_t k;
    size_t lanes;
    const double *sum[SL_SUMS], *loss; /* SS, SY, YY, SG are of this step if it has a second gradient */
    const double *probe;   /* length of the probe that the second point is, over |g|; 0: it is the previous point */
    const double *stretch; /* how many times further off than x_{k-1} it is, s and y being that much longer; 0: 1 */
    double *kept[SL_REGIME_NUMBERS]; /* the gains that stand, 0 where there is none yet; the family's own are written */
    const double *whole; /* gain of the whole vector; NULL: this is it */
} sl_regime_view;

/* What an update does to each coordinate beside the rule's step, while it is at hand. */
typedef struct {
    void *keep;    /* becomes x as it was; NULL: nothing    */
    void *average; /* += beta (g - average); NULL: nothing  */
    double beta;
} sl_regime_aside;

typedef struct {
    sl_entry entry; /* first: the registry points at it */
    const char *memory;
    size_t vectors; /* vector 0 is the point of second gradients */
    bool second;    /* a second gradient in every step, at the previous point; else only at the first, for a probe */
    bool by_layer;
    bool losses;    /* it looks at the losses */
    bool norms;     /* GG is needed in every step, and with the sign rule G1; else for lanes without a gain only */
    /* The gains; NAN: there is none; 0 where none stands and the family finds none: then the probe's is taken. */
    void (*gains)(const sl_regime *r, const sl_regime_view *v, double *gain);
    double (*derive)(const sl_regime *r); /* r->derived, from the parameters; NULL: nothing */
    bool (*looks)(const sl_regime *r, uint64_t k); /* does step k look at losses? NULL: as `losses` says */
    /* Do the gains stay as they are at step k, if no lane has a probe? NULL: no. */
    bool (*stays)(const sl_regime *r, uint64_t k);
    /* Beside the common step (NULL: nothing): before the gains, while x moves, after it has. */
    void (*before)(sl_regime_run *run, const sl_regime_step *step);
    void (*aside)(sl_regime_run *run, sl_regime_aside *aside);
    void (*after)(sl_regime_run *run, const sl_regime_step *step);
    /* In place of the common step, and of where its second gradient is taken. */
    const void *(*point)(sl_regime_run *run, uint64_t k, const void *x, const void *g);
    bool (*update)(sl_regime_run *run, const sl_regime_step *step);
} sl_regime_family;

extern const sl_regime_family sl_regime_secant_long, sl_regime_secant_short, sl_regime_random_bb, sl_regime_layer_wise;
extern const sl_regime_family sl_regime_balance, sl_regime_sgd_bb, sl_regime_diagonal, sl_regime_auto, sl_regime_polyak;

#define SL_REGIME_PARAMS(array) .params = (array), .n_params = sizeof(array) / sizeof *(array)
#define SL_REGIME_SMOOTH(d) \
    {.name = "smooth", .help = "memory of the curvature, per step; 0: none", .def = (d), .max = 1, .open_max = true}

static inline const sl_regime_family *sl_regime_family_of(const sl_regime *r)
{
    return (const sl_regime_family *)r->spec.entry;
}

static inline double sl_regime_param(const sl_regime *r, size_t k)
{
    return r->spec.value[k].v[0];
}

/* Number q of the lanes of a layer: [lanes]; layer sl_regime_layers: of the whole. */
static inline double *sl_regime_number(const sl_regime_run *run, size_t layer, size_t q)
{
    return run->numbers + (layer * SL_REGIME_NUMBERS + q) * run->space.lanes;
}

static inline size_t sl_regime_layers(const sl_regime_run *run)
{
    return run->space.ends ? run->space.layers : 1;
}

/* sum q of the lanes of a layer: [lanes]; layer sl_regime_layers: the whole, which a single layer is. */
static inline double *sl_regime_sum(const sl_regime_run *run, size_t layer, size_t q)
{
    return run->sums + ((sl_regime_layers(run) > 1 ? layer : 0) * SL_SUMS + q) * run->space.lanes;
}

/* Layer sl_regime_layers: the whole. */
sl_regime_view sl_regime_view_of(const sl_regime_run *run, const sl_regime_step *step, size_t layer);

/* Gains from secants, smoothed and safeguarded; the first parameter of r is SL_REGIME_SMOOTH, and kept[SL_KEPT_OWN] is
 * theirs. (optim/regime_secant.c) */
void sl_regime_secant_gains(const sl_regime *r, const sl_regime_view *v, double *gain, bool is_long);

/* ---- of all lanes at once (optim/regime_lanes.c) ---- */

/* Where no gain stands and `gain` is 0, that of the first step, from a probe: the short step (sign: the long one); d
 * where there is no curvature. 0: no gradient, no gain. Needs GG. */
void sl_regime_first_gains(const sl_regime *r, const sl_regime_view *v, double *gain);

/* The length of a probe over max(|x|, 1). */
#define SL_REGIME_PROBE 1e-3

/* Is there a lane without a gain? */
bool sl_regime_lacks_gain(const sl_regime_run *run);
/* Gains are kept where they are finite and not negative, else the last ones stand; NAN leaves no rate. Then rate is
 * the rates of scale times the gains, 0 where that is not finite; are all? Of one layer, or the whole
 * (sl_regime_layers). report: those are the rates that the state tells of. gain may be the gains kept, or rate. */
bool sl_regime_settle_layer(sl_regime_run *run, size_t layer, double *rate, const double *gain, double scale,
                            bool report);
/* The same of the whole, for all layers, in run->rate. */
bool sl_regime_settle(sl_regime_run *run, const double *gain, double scale, bool report);
/* From SS of x - vector 0 and GG of x: run->probe is the length of a probe for lanes that have no gain or have not
 * moved, 0 for others; run->probe + lanes is what lanes that have hardly moved are to be stretched by, 0 for others. */
void sl_regime_judge_points(sl_regime_run *run, bool *any_near, bool *any_probe);

/* x + d g in vector 0 for lanes that have no gain yet; run->probe[i] = d, 0 for the others. Is there one? */
bool sl_regime_probe(sl_regime_run *run, const void *x, const void *g);

/* ---- loops over vectors (optim/regime_vector.c); [n][lanes], distinct unless said otherwise ---- */

/* SS, SY, YY, SG of s = x - x0, y = g - g0, of every layer and the whole. */
void sl_regime_secant(sl_regime_run *run, const void *x, const void *x0, const void *g, const void *g0);
/* GG of g, and for the sign rule G1. */
void sl_regime_norms(sl_regime_run *run, const void *g);
/* to = from in lanes whose mask is not 0; NULL: in all */
void sl_regime_copy(sl_regime_run *run, void *to, const void *from, const double *mask);
void sl_regime_zero(sl_regime_run *run, void *a);
/* g += w x */
void sl_regime_decay(sl_regime_run *run, void *g, const void *x, double w);
/* p = x + d[lane] g in lanes with d > 0 */
void sl_regime_away(sl_regime_run *run, void *p, const void *x, const void *g, const double *d);
/* SS of s = x - x0, GG of x */
void sl_regime_length(sl_regime_run *run, const void *x, const void *x0);
/* p = x + c[lane] (p - x) in lanes with c > 0 */
void sl_regime_stretch(sl_regime_run *run, void *p, const void *x, const double *c);
/* One step of the rule (without weight decay) at rate[layer][lane]. aside: may be NULL. */
void sl_regime_apply(sl_regime_run *run, void *x, void *v, const void *g, const double *rate,
                     const sl_regime_aside *aside);

/* A diagonal metric learns from a secant, a += beta (s y u - a), b += beta (s^2 u - b), and is
 * p = clamp((b + 1/n) / (|a| h + 1/n)) in [1/ratio, ratio], 1 where h = 0; it goes into g2, which has served then.
 * Sums: SS of s/sqrt(p), YY of sqrt(p) y, SY, G1 of p g, and SL_SUM_P. */
typedef struct {
    const double *u, *beta, *h; /* [lanes] */
    double ratio;
} sl_regime_scale;
void sl_regime_metric(sl_regime_run *run, const sl_regime_step *step, const void *x0, void *a, void *b,
                      const sl_regime_scale *m);
/* x = x0 + p (x - x0) */
void sl_regime_metric_apply(sl_regime_run *run, void *x, const void *x0, void *p);

#endif
