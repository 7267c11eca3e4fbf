/* sim/noise.h - models of gradient noise: what SGD adds to grad f(x).
 *
 * A model is given the scale s2 of sl_sgd (noise_variance = D0/C): the variance per coordinate where the law is the
 * same in every direction, and what the model's help says elsewhere. Its random numbers are those of the channels of
 * sim/block.h, so what a model adds is a function of (seed, experiment, replica, step), wherever it is run. Every model
 * has mean 0 (an alpha-stable law without a mean: median 0). */
#ifndef SL_SIM_NOISE_H
#define SL_SIM_NOISE_H

#include <stdbool.h>

#include "base/spec.h"
#include "sim/loss.h"

typedef struct sl_noise sl_noise;
typedef struct sl_noise_source sl_noise_source; /* block, ensemble and step that numbers are for: sim/block.h */

typedef struct {
    sl_entry entry; /* first: name, parameters, help, source */
    /* checks the model against the loss and fills in what sl_noise holds; NULL: data = parameter values */
    sl_status (*init)(sl_noise *noise, const sl_loss *loss, sl_err *err);
    /* g[d][i] += n[d][i], of scale s2; mini-batches also see to source->f */
    void (*add)(const sl_noise *noise, const sl_loss *loss, double s2, sl_noise_source *source, double *g);
    /* out[i] = n[d][i], the same numbers, of one coordinate; NULL: there is no way to have one by itself */
    void (*draw)(const sl_noise *noise, double s2, const sl_noise_source *source, size_t d, double *out);
    /* covariance[dim][dim] of n at x; called only where it exists. NULL: s2 times the unit matrix */
    sl_status (*covariance)(double *covariance, const sl_noise *noise, const sl_loss *loss, double s2, const double *x,
                            sl_err *err);
} sl_noise_kind;

/* Zeroed: gaussian. */
struct sl_noise {
    const sl_noise_kind *kind;
    sl_spec spec;
    bool infinite_variance; /* second moments do not exist                                     */
    bool depends_on_x;      /* the law of n is not the same everywhere                         */
    bool not_normal;        /* the law of n at given x is not a normal one                     */
    bool remembers;         /* n depends on earlier steps' too: steps are not independent, given x */
    uint64_t dealt;         /* of one that remembers: mini-batches that an epoch deals out, each once; else 0 */
    bool stands_in;         /* at s2 = 1, grad f(x) + n is found without grad f(x)               */
    double bound;           /* |n| <= bound sqrt(s2), the Euclidean norm; 0: there is no bound */
    double data[SL_LOSS_MAX_DIM + 8];
};

extern const sl_noise_kind *const sl_noises[];
extern const size_t sl_n_noises;

/* The registry as entries, for sl_spec_parse and `list`. */
const sl_entry *const *sl_noise_entries(void);

/* "gaussian", "stable:alpha=1.5", ... for that loss. Errors: those of sl_spec_parse; SL_E_DOMAIN for parameters that do
 * not fit the loss; SL_E_CONFIG for a loss that lacks what the model needs. */
SL_CHECKED sl_status sl_noise_init(sl_noise *noise, const char *text, const sl_loss *loss, sl_err *err);

/* covariance[dim][dim] of n at x[dim], exactly (of a finite sum by going through all samples).
 * Errors: SL_E_DOMAIN where the variance is infinite; SL_E_MEMORY; SL_E_NUMERIC. */
SL_CHECKED sl_status sl_noise_covariance(double *covariance, const sl_noise *noise, const sl_loss *loss, double s2,
                                         const double *x, sl_err *err);

#endif
