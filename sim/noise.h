/* sim/noise.h - models of gradient noise: what SGD adds to grad f(x).
 *
 * A model is given the scale s2 of sl_sgd (noise_variance = D0/C): the variance per coordinate where the model has
 * one. Its random numbers are those of the channels of sim/block.h, so what a model adds is a function of (seed,
 * experiment, replica, step), wherever it is run. */
#ifndef SL_SIM_NOISE_H
#define SL_SIM_NOISE_H

#include <stdbool.h>

#include "base/spec.h"
#include "sim/loss.h"

typedef struct sl_noise sl_noise;
typedef struct sl_noise_source sl_noise_source; /* the block, ensemble and step that numbers are drawn for: sim/block.h */

typedef struct {
    sl_entry entry; /* first: name, parameters, help, source */
    /* checks the model against the loss and fills noise->data; NULL: data = parameter values */
    sl_status (*init)(sl_noise *noise, const sl_loss *loss, sl_err *err);
    /* g[d][i] += n[d][i], of scale s2 */
    void (*add)(const sl_noise *noise, const sl_loss *loss, double s2, sl_noise_source *source, double *g);
    bool finite_variance; /* does n have a variance (then it is s2 per coordinate, or what the help says)? */
} sl_noise_kind;

struct sl_noise {
    const sl_noise_kind *kind; /* NULL: gaussian */
    sl_spec spec;
    double data[SL_LOSS_MAX_DIM + 8];
};

extern const sl_noise_kind *const sl_noises[];
extern const size_t sl_n_noises;

/* The registry as entries, for sl_spec_parse and `list`. */
const sl_entry *const *sl_noise_entries(void);

/* "gaussian", ... Errors: those of sl_spec_parse and of init. */
SL_CHECKED sl_status sl_noise_init(sl_noise *noise, const char *text, const sl_loss *loss, sl_err *err);

#endif
