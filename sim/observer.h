/* sim/observer.h - how a block is sampled while it runs, and what it leaves behind. Private to sim/.
 *
 * Each lane has running sums over its samples. At the end of a unit (the replica's run; for a lone replica each of
 * 32 batches) the sums go into a tally (sim/tally.h) of the block's slot; slots are merged in block order. Histogram
 * counts are whole numbers, so every worker keeps its own and they are added in any order. */
#ifndef SL_SIM_OBSERVER_H
#define SL_SIM_OBSERVER_H

#include "sim/block.h"
#include "sim/tally.h"

/* Observables of a unit, in this order; then six a coordinate: x, x^2, x^4, x v, v^2, x g. */
enum { SL_OB_GRADIENT2, SL_OB_LAPLACIAN, SL_OB_LOSS, SL_OB_EQUIPARTITION, SL_OB_KINETIC, SL_OB_COORDINATES };
enum { SL_OB_X, SL_OB_X2, SL_OB_X4, SL_OB_XV, SL_OB_V2, SL_OB_XG, SL_OB_EACH };
/* Observables of a row of the time series; the last two of a rated dynamics only. */
enum { SL_ROW_X2, SL_ROW_V2, SL_ROW_LOSS, SL_ROW_EACH, SL_ROW_RATE = SL_ROW_EACH, SL_ROW_GRADIENT2, SL_ROW_RATED };

/* Observables of the end of a run, where there are means of iterates: the losses of the last state and of the mean. */
enum { SL_END_LAST, SL_END_AVERAGE, SL_END_EACH };

enum { SL_BATCHES = 32, SL_HISTOGRAM_GROUPS = 64 };

/* The run as decided before it starts; a function of its configuration alone, not of the number of threads. */
typedef struct {
    const sl_dynamics *dynamics;
    size_t dim, observables;
    size_t block; /* replicas a block (the last one may have fewer), a multiple of 64 */
    uint64_t blocks;
    uint64_t total; /* steps, burn-in included                                          */
    uint64_t every; /* steps between samples                                            */
    uint64_t unit;  /* samples a unit                                                   */
    uint64_t skip;  /* samples left out in front, so that batches are equal             */
    uint64_t rows;  /* of the time series                                               */
    size_t row;     /* observables of each of them                                      */
    size_t bins;
    size_t averaged; /* SL_END_EACH, or 0: no means of iterates                             */
} sl_plan;

/* What one block leaves. */
typedef struct {
    sl_tally moments;
    double *series; /* [rows][SL_TALLY_SIZE(row)] */
    sl_tally end;   /* of plan->averaged observables */
    uint64_t killed, samples;
    double updates;
} sl_slot;

size_t sl_slot_size(const sl_plan *p);                           /* doubles of memory */
void sl_slot_bind(sl_slot *s, const sl_plan *p, double *memory); /* memory is zeroed here */
void sl_slot_merge(sl_slot *s, const sl_plan *p, const sl_slot *other);

/* One worker's sampling state. */
typedef struct {
    const sl_plan *plan;
    double *sums, *frozen;   /* [observables][B]; frozen: those of killed lanes      */
    double *living, *weight; /* [B]: 1 or 0; share of the unit's samples taken       */
    double *value, *trace;   /* [B] scratch                                          */
    double *row;             /* [plan->row][B] scratch                               */
    double *mean;            /* [dim][B]: sums of states; with plan->averaged only   */
    int32_t *bin;            /* [B] scratch                                          */
    uint64_t *counts;        /* [SL_HISTOGRAM_GROUPS][bins + 1], over all its blocks */
    size_t alive;            /* lanes                                                */
    uint64_t taken, seen;    /* samples of this unit; of the block                   */
    uint64_t units;          /* finished in this block                               */
} sl_observer;

size_t sl_observer_size(const sl_plan *p);
void sl_observer_bind(sl_observer *ob, const sl_plan *p, double *memory);

void sl_observer_begin(sl_observer *ob, const sl_block *b);
/* Drops the lanes that are out of bounds: |x_d| > radius or not a number. They are put back to the starting point,
 * where they do no harm, and not counted any more. */
void sl_observer_kill(sl_observer *ob, sl_block *b, double radius, sl_slot *s);
void sl_observer_sample(sl_observer *ob, const sl_block *b, sl_slot *s);
void sl_observer_row(sl_observer *ob, const sl_block *b, uint64_t row, sl_slot *s);
void sl_observer_average(sl_observer *ob, const sl_block *b); /* the state enters the mean of iterates */
void sl_observer_end(sl_observer *ob, const sl_block *b, sl_slot *s);

/* From the merged slot and the summed counts to estimates; *o is zeroed. Errors: SL_E_MEMORY. */
SL_CHECKED sl_status sl_observed_fill(sl_observed *o, const sl_plan *p, const sl_slot *s, const uint64_t *counts,
                                      sl_err *err);

#endif
