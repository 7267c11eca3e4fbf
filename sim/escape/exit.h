/* sim/escape/exit.h - first exits: when, where and through what each of very many replicas leaves a region.
 *
 * tau = min{k : x_k in one of the region's sets}, in steps; a start inside a set is refused. The dynamics are those of
 * sim/ensemble.h, step for step. Replica r's numbers are a function of (seed, experiment, r, step) alone (streams of
 * their own: not those that sl_sgd_run draws), so that nothing depends on threads or on who else has finished: replicas
 * that are out make room for the next ones. Where the schedule changes with time, blocks begin together and shrink. */
#ifndef SL_SIM_ESCAPE_EXIT_H
#define SL_SIM_ESCAPE_EXIT_H

#include "base/table.h"
#include "sim/ensemble.h"

/* A trajectory that enters one of these sets is out. */
typedef enum {
    SL_SET_BEYOND, /* |x - point| > level                                  */
    SL_SET_WITHIN, /* |x - point| < level                                  */
    SL_SET_HALF    /* point . x >= level: a half-space with normal `point` */
} sl_set_kind;

typedef struct {
    sl_set_kind kind;
    double point[SL_LOSS_MAX_DIM];
    double level;
} sl_set;

enum { SL_REGION_SETS = 8 };
typedef struct {
    sl_set set[SL_REGION_SETS]; /* where several hold, the first counts */
    size_t n;                   /* >= 1                                 */
} sl_region;

/* Of sl_ensemble, seed, experiment, replicas, start, start_spread, kill_radius, jobs and progress are read; steps is
 * the limit at which a replica that is still inside is censored; burn_in must be 0. Zeroed fields mean the defaults
 * given. */
typedef struct {
    sl_region region;
    /* Replica r starts from state r of these (x[r * dim + d], v alike, NULL: at rest) instead of ensemble.start. */
    const double *x, *v;
    bool keep_states;    /* x and v on exit are wanted                                                              */
    uint64_t paths;      /* of the first so many replicas every path_every-th state is kept, and the last           */
    uint64_t path_every; /* 0: as many as SL_PATH_STATES allow, see below                                           */
} sl_escape;

/* Without path_every, all states of a path are kept until they are SL_PATH_STATES, from then on every second, every
 * fourth, ...: a short path is whole, a long one has at least half as many states. */
enum { SL_PATH_STATES = 1024 };

/* How a replica ended: the index of a set, or one of these. Lost: in no set, but not a number, or with a coordinate
 * beyond the kill radius (without one: beyond 1e75 at a step that is a multiple of 4). */
enum { SL_EXIT_CENSORED = 254, SL_EXIT_LOST = 255 };

typedef struct {
    uint64_t replicas;
    size_t dim;
    uint64_t *time; /* [replicas] steps: of the exit, of the loss, or the limit                     */
    uint8_t *by;    /* [replicas] how it ended                                                       */
    uint64_t exited, censored, lost;
    double *x, *v;   /* [replicas][dim] on ending; NULL unless kept (v: NULL too where there is none) */
    sl_table *paths; /* a block a replica: step, x0, x1, ...; NULL unless asked                       */
    double updates;  /* replica-steps simulated                                                       */
    double seconds;  /* wall clock of the run: not for files                                          */
} sl_exits;

/* Out: *e, to be cleared by the caller; untouched after an error. SL_DIVERGED (the answer stands) if more than half of
 * the replicas were lost. SL_INTERRUPTED, with *e empty, if sl_stop_requested. Errors: SL_E_DOMAIN (also a start inside
 * a set, naming the set); SL_E_MEMORY. */
SL_CHECKED sl_status sl_sgd_escape(sl_exits *e, const sl_sgd *sgd, const sl_escape *how, sl_err *err);
SL_CHECKED sl_status sl_overdamped_escape(sl_exits *e, const sl_langevin *l, const sl_escape *how, sl_err *err);
SL_CHECKED sl_status sl_underdamped_escape(sl_exits *e, const sl_langevin *l, const sl_escape *how, sl_err *err);
void sl_exits_clear(sl_exits *e);

/* Does x lie in one of the region's sets? Its index, or SL_EXIT_CENSORED. */
unsigned sl_region_which(const sl_region *region, size_t dim, const double *x);

/* The region of `--radius`: out beyond radius of centre[dim]. */
void sl_region_ball(sl_region *region, const double *centre, size_t dim, double radius);

#endif
