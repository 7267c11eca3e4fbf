/* cli/dynamics.h - the dynamics that `simulate` and `escape` run: their options, and what follows from them. */
#ifndef SL_CLI_DYNAMICS_H
#define SL_CLI_DYNAMICS_H

#include "cli/options.h"
#include "sim/ensemble.h"
#include "sim/samplers.h"

/* The last two: `simulate` only. */
typedef enum {
    SL_DYNAMICS_SGD,
    SL_DYNAMICS_OVERDAMPED,
    SL_DYNAMICS_UNDERDAMPED,
    SL_DYNAMICS_SGLD,
    SL_DYNAMICS_ADAM_LANGEVIN
} sl_dynamics_kind;

typedef struct {
    sl_dynamics_kind dynamics;
    sl_sgd sgd;           /* holds loss and ensemble for all dynamics              */
    sl_langevin langevin; /* its ensemble and loss are copies of sgd's             */
    sl_regime regime;     /* of sgd.regime, where --regime was given               */
    bool corrected;       /* SGLD: its thermal noise leaves room for the gradient's */
    sl_adam_langevin adam; /* the settings of its pace alone                       */
    double batch;         /* C                                                     */
    double
        start[SL_LOSS_MAX_DIM]; /* where --start was given: of sgd.ensemble.start, so a simulation stays where it is */
} sl_simulation;

/* Rows of a command's table; choices: of the dynamics, separated by |. */
#define SL_DYNAMICS_OPTIONS(choices)                                                                                  \
    SL_OPTION("dynamics", SL_OPT_CHOICE, choices, "sgd", "discrete SGD, or a Langevin equation (Ito)"),               \
        SL_OPTION("rule", SL_OPT_CHOICE, "heavy-ball|nesterov|sign|plain", "heavy-ball", "update rule of SGD"),       \
        SL_OPTION("lr", SL_OPT_REAL, "l", "0.1", "learning rate", .min = 0, .max = 1e6, .open_min = true),            \
        SL_OPTION("momentum", SL_OPT_REAL, "mu", "0", "momentum", .min = 0, .max = 1, .open_max = true),              \
        SL_OPTION("batch", SL_OPT_REAL, "C", "1", "mini-batch size", .min = 1, .max = 1e12),                          \
        SL_OPTION(                                                                                                    \
            "noise-variance", SL_OPT_REAL, "D0", "1",                                                                 \
            "gradient-noise variance of one sample, per coordinate; a step's noise has variance D0/C, before alpha",  \
            .min = 0, .max = 1e12),                                                                                   \
        SL_OPTION("noise", SL_OPT_TEXT, "M", "gaussian",                                                              \
                  "model of the gradient noise, of scale D0/C; see sgdlab list noises"),                              \
        SL_OPTION("schedule", SL_OPT_TEXT, "S", "constant", "learning-rate schedule; a step is an epoch here"),       \
        SL_OPTION("alpha-on", SL_OPT_CHOICE, "gradient|step", "gradient",                                             \
                  "where the schedule's factor stands: on the gradient (Musso 2020, eq 1) or on the whole step"),     \
        SL_OPTION("temperature", SL_OPT_REAL, "T", "0.1", "temperature of Langevin dynamics", .min = 0, .max = 1e12), \
        SL_OPTION("friction", SL_OPT_REAL, "g", "1", "friction of underdamped dynamics", .min = 0, .max = 1e6,        \
                  .open_min = true),                                                                                  \
        SL_OPTION("dt", SL_OPT_REAL, "h", "0.05", "time step of Langevin dynamics", .min = 0, .max = 1e6,             \
                  .open_min = true),                                                                                  \
        SL_OPTION("scheme", SL_OPT_CHOICE, "euler|lm", "euler",                                                       \
                  "overdamped scheme: Euler-Maruyama, or Leimkuhler-Matthews (order 2 for averages)")

/* And of its ensemble, further down. */
#define SL_ENSEMBLE_OPTIONS                                                                                        \
    SL_OPTION("replicas", SL_OPT_INTEGER, "R", "16384", "trajectories", .min = 1, .max = 1e10),                    \
        SL_OPTION("start", SL_OPT_REALS, "x,...", NULL,                                                            \
                  "initial point, one value or one a coordinate; by default the loss's own", .min = -1e100,        \
                  .max = 1e100),                                                                                   \
        SL_OPTION("start-spread", SL_OPT_REAL, "s", "0", "standard deviation of a Gaussian around it", .min = 0,   \
                  .max = 1e100),                                                                                   \
        SL_OPTION("kill-radius", SL_OPT_REAL, "r", "0", "trajectories beyond it are dropped and counted; 0: none", \
                  .min = 0, .max = 1e100)

/* Everything that those options say, on that loss. horizon: steps, of the schedule. Errors: those of the names;
 * SL_E_DOMAIN for a start that has not as many values as the loss has coordinates. */
SL_CHECKED sl_status sl_simulation_init(sl_simulation *s, const sl_cli *cli, const sl_loss *loss, uint64_t horizon,
                                        sl_err *err);

/* Another horizon, for rule and schedule. Errors: those of sl_schedule_init. */
SL_CHECKED sl_status sl_simulation_horizon(sl_simulation *s, const sl_cli *cli, uint64_t horizon, sl_err *err);

/* "SGD", "Overdamped Langevin", "Underdamped Langevin". */
const char *sl_simulation_title(const sl_simulation *s);

#endif
