/* cli/escape.h - what `escape` runs, what theory says of it beforehand, and what it leaves behind.
 *
 * Times are in the unit of the dynamics: steps of SGD; for Langevin equations their own time t = k dt. */
#ifndef SL_CLI_ESCAPE_H
#define SL_CLI_ESCAPE_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/run.h"
#include "base/survival.h"
#include "cli/dynamics.h"
#include "sim/escape/exit.h"
#include "sim/escape/splitting.h"
#include "sim/landscape.h"

/* ---- what is left, and where to (escape_region.c) ---- */

enum { SL_NO_HOME = SL_LANDSCAPE_POINTS };

typedef struct {
    sl_simulation s;
    double start[SL_LOSS_MAX_DIM]; /* where replicas start from                                                    */
    bool to_basin, splitting;
    double radius;      /* of the ball around the start                                                            */
    sl_region region;   /* that ends a trajectory                                                                  */
    uint64_t max_steps; /* then it is censored                                                                     */
    uint64_t paths;     /* of so many replicas                                                                     */
    double unit;        /* time of a step                                                                          */
    /* --to-basin */
    sl_stationary_point home;                   /* the minimum in whose basin the start lies                  */
    bool from_saddle;                           /* it is a saddle instead: there is no home                   */
    sl_stationary_point target[SL_REGION_SETS]; /* the minimum behind set i of the region                     */
    sl_stationary_point saddle[SL_REGION_SETS]; /* 1-D: that on the way to it                                 */
    sl_landscape landscape;                     /* all that was found                                         */
    sl_splitting how;                           /* --method splitting                                         */
} sl_escape_case;

/* Is the loss's gradient zero at x (next to what it is nearby)? eigenvalues[dim] of the Hessian, increasing; *index:
 * how many are negative. */
bool sl_escape_is_stationary(size_t *index, double *eigenvalues, const sl_loss *loss, const double *x);

/* Finds the basins and sets region, home, target, saddle. 1-D: out half-way from the next saddle to the minimum behind
 * it, on either side; else in discs around the other minima, of half the way to the stationary point nearest to them.
 * From a saddle every minimum counts. Errors: SL_E_CONFIG for a loss without another minimum, with too many dimensions
 * or minima that are not isolated. */
SL_CHECKED sl_status sl_escape_basins(sl_escape_case *c, sl_err *err);

/* The reaction coordinate, A and the first level, at temperature T of f (NAN: not known). Errors: SL_E_CONFIG where one
 * coordinate cannot tell the start's basin from the targets. */
SL_CHECKED sl_status sl_escape_levels(sl_escape_case *c, double T, sl_err *err);

/* ---- what theory says (escape_theory.c) ---- */

enum { SL_ESCAPE_QUANTILES = 7, SL_ESCAPE_OPINIONS = 6, SL_ESCAPE_CURVE = 200 };
extern const double sl_escape_p[SL_ESCAPE_QUANTILES];
extern const char *const sl_escape_p_name[SL_ESCAPE_QUANTILES]; /* "0.01", ... */

typedef struct {
    const char *key; /* in JSON: "kramers", "quadrature"  */
    double mean;
    const char *by; /* a few words                       */
} sl_escape_opinion;

/* NAN where theory has no number. Times in the unit of the dynamics. */
typedef struct {
    double mean, quantile[SL_ESCAPE_QUANTILES], median;
    bool exact;      /* the mean is that of the discrete chain (but for the precision of the solution)            */
    const char *law; /* where mean and quantiles come from; NULL: nowhere                                        */
    double lyapunov; /* E log(1 + l alpha gamma): growth a step near a saddle                                    */
    double gamma;    /* minus the lowest curvature at a saddle                                                   */
    double barrier;  /* f(saddle) - f(minimum), the lowest; NAN: none                                            */
    double eq20, temperature;
    double al, al_bound; /* to a basin: l times the largest curvature of the start's minimum, and what is stable   */
    sl_escape_opinion opinion[SL_ESCAPE_OPINIONS];
    size_t n_opinions;
    double curve_t[SL_ESCAPE_CURVE + 1], curve_s[SL_ESCAPE_CURVE + 1]; /* survival as predicted */
    size_t n_curve;
} sl_escape_forecast;

/* What theory cannot do is left out. Errors: SL_E_MEMORY. */
SL_CHECKED sl_status sl_escape_predict(sl_escape_forecast *f, const sl_escape_case *c, sl_err *err);

/* ---- what was measured ---- */

typedef struct {
    sl_exits exits;
    sl_survival survival;
    sl_rare rare; /* --method splitting: then there are no exits */
    bool limited; /* splitting ended before a particle arrived   */
} sl_escape_found;

/* ---- and what is said and left (escape_result.c, escape_files.c, escape_picture.c) ---- */

cJSON *sl_escape_json(const sl_escape_case *c, const sl_escape_found *o, const sl_escape_forecast *f,
                      const char *status, const cJSON *notes, const cJSON *config);
void sl_escape_people(const sl_cli *cli, const cJSON *result);

/* exits.dat, distribution.dat, predicted.dat, paths.dat, levels.dat, loss.dat, and a picture of those there are. */
SL_CHECKED sl_status sl_escape_write(sl_run *run, const sl_escape_case *c, sl_escape_found *o,
                                     const sl_escape_forecast *f, const cJSON *config, sl_err *err);
SL_CHECKED sl_status sl_escape_draw(sl_run *run, const sl_escape_case *c, const sl_escape_found *o,
                                    const sl_escape_forecast *f, sl_err *err);

#endif
