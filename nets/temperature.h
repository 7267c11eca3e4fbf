/* nets/temperature.h - what a training run shows of its temperature: a run is continued from given weights, and its
 * fluctuations are recorded, as a whole and along given directions (eigenvectors of the Hessian).
 *
 * With x the weights, v the velocity as after an update (optim/rule.h) and G the mini-batch gradient that the update
 * used, decay included, y = u'x along a direction u of length 1:
 *   configurational   h Var y, h the curvature u'H u: the temperature where f is quadratic along u and y stationary
 *   virial            <(y - <y>) u'G>: the same without the curvature; G's noise is independent of the weights before
 *                     the update, so mini-batch gradients will do. y is taken before the update
 *   kinetic           <(u'v)^2>, to be turned into a temperature by what a rule makes of it (theory/moments.h)
 * Averages are over the steps after the burn-in; errors from the autocorrelation of the series. */
#ifndef SL_NETS_TEMPERATURE_H
#define SL_NETS_TEMPERATURE_H

#include "base/stats.h"
#include "nets/objective.h"
#include "nets/train.h"

typedef struct {
    sl_train_config train;     /* of the run; init is not used, test may be NULL; steps counts burn-in and the rest */
    const float *state;        /* [sl_model_state] where it starts                                      */
    const float *velocity;     /* [parameters]; NULL: at rest                                           */
    const double *directions;  /* [n_directions][parameters], each of length 1; if aim is NULL          */
    size_t n_directions;
    /* Called with the weights at which the averages begin: chooses the directions there, at most n_directions. */
    sl_status (*aim)(void *ctx, const float *state, const double **directions, size_t *n_directions, sl_err *err);
    void *ctx;
    uint64_t burn_in;          /* steps left out of the averages, < train.steps                         */
    size_t windows;            /* the run is cut into so many, for its history                          */
    sl_objective *objective;   /* for the noise at the windows' ends; it is moved along; NULL: none      */
    size_t probes;             /* batches for the curvature that it sees, 2 or more; 0: leave it out     */
} sl_temperature_config;

/* One direction. dof of variance and virial: effective samples; few of them: do not trust the error. */
typedef struct {
    sl_estimate variance;  /* of y, [x^2]; corrected for the finite run: divided by 1 - tau / N */
    sl_estimate virial;    /* [f]                                                               */
    sl_estimate velocity2; /* <(u'v)^2>                                                         */
    double tau;            /* integrated autocorrelation time of y, in steps                    */
    bool trusted;          /* at least 50 autocorrelation times of each series                  */
} sl_fluctuation;

typedef struct {
    uint64_t first, last;  /* steps first .. last - 1                                     */
    double lr;             /* mean rate applied                                           */
    sl_estimate loss;      /* mean of the batches' losses, without decay                  */
    sl_estimate noise;     /* tr D_hat, mean of its two ends; NAN without an objective    */
    sl_estimate curvature; /* sl_noise_curvature, mean of its two ends; NAN without probes */
    sl_estimate velocity2; /* <|v|^2> / parameters                                        */
    double drift2;         /* |mean v|^2 / parameters, from the way made, without what fluctuation has in it; a force
                              that changes within the window is left in velocity2 */
} sl_temperature_window;

typedef struct {
    size_t n_directions, windows;   /* as they were chosen */
    sl_fluctuation *along;          /* [n_directions] */
    sl_temperature_window *history; /* [windows]      */
    sl_estimate velocity2;          /* <|v|^2> / parameters after the burn-in */
    double drift2;                  /* the drift's part of it                 */
    float *state;                   /* [sl_model_state] at the end            */
} sl_temperature;

/* Rules with a velocity: heavy-ball, nesterov. Errors: SL_E_CONFIG for another rule; SL_E_DOMAIN (burn-in beyond the
 * steps, windows 0, too few steps for them: 8 each); SL_DIVERGED as sl_trainer_run; those of sl_trainer_alloc; r is
 * untouched by all. */
SL_CHECKED sl_status sl_temperature_measure(sl_temperature *r, const sl_temperature_config *config, sl_err *err);
void sl_temperature_clear(sl_temperature *r);

#endif
