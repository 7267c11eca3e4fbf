/* sim/loss.h - synthetic losses as block kernels.
 *
 * A block is B replicas in structure-of-arrays form: x[d][B], coordinate d of replica i at x[d * stride + i],
 * stride >= B. Kernels are called once a block, so the function pointer costs nothing and the inner loop over
 * replicas vectorises. Kernels take B a multiple of 8 and buffers aligned to 64 bytes (sim/ensemble.h sees to it).
 * Losses have no dimension but f; x is dimensionless unless the loss says otherwise. */
#ifndef SL_SIM_LOSS_H
#define SL_SIM_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/spec.h"

enum { SL_LOSS_MAX_DIM = 128 };

typedef struct sl_loss sl_loss;

typedef struct {
    sl_entry entry; /* first: name, parameters, help, source                              */
    /* checks what ranges cannot say and fills loss->dim and loss->data; NULL: dim 1, data = parameter values */
    sl_status (*init)(sl_loss *loss, sl_err *err);
    /* f[i] = f(x_i), i < B */
    void (*value)(const sl_loss *loss, size_t B, size_t stride, const double *x, double *f);
    /* g[d][i] = df/dx_d(x_i) */
    void (*gradient)(const sl_loss *loss, size_t B, size_t stride, const double *x, double *g);
    /* h[d][i] = (Hessian(x_i) u_i)_d; NULL if not known */
    void (*hessian_vector)(const sl_loss *loss, size_t B, size_t stride, const double *x, const double *u, double *h);
    /* out[i] = trace of the Hessian at x_i; NULL if not known */
    void (*laplacian)(const sl_loss *loss, size_t B, size_t stride, const double *x, double *out);
    /* g[d][i] = gradient of sample index[i] at x_i, of a loss that is the mean of loss->samples terms, and f[i] its
     * value (f NULL: not wanted); NULL: not one */
    void (*sample_gradient)(const sl_loss *loss, size_t B, size_t stride, const double *x, const uint32_t *index,
                            double *g, double *f);
    /* of a loss that is the mean over an endless supply of samples: makes z[dim][B] and e[B], independent standard
     * normals, into the gradient z[d][i] of a new sample at x_i, whose value is then e[i]^2/2. NULL: not one */
    void (*fresh_gradient)(const sl_loss *loss, size_t B, size_t stride, const double *x, double *z, double *e);
    /* covariance[dim][dim] of that gradient at x[dim] */
    void (*fresh_covariance)(const sl_loss *loss, const double *x, double *covariance);
    /* moves x_i to the nearest point of the set that the loss lives on, at the start and after every step; NULL: all of
     * space (and see loss->everywhere). Gradients and Hessians are those of f as a function on all of space. */
    void (*project)(const sl_loss *loss, size_t B, size_t stride, double *x);
    bool confining; /* exp(-f/T) can be normalised (periodic: on one period), and is smooth enough to be the law of
                       small steps                                                     */
    bool separable; /* f is a sum of one-dimensional terms: Boltzmann averages by quadrature */
    bool convex;    /* f is, on the set it lives on, whatever the parameters             */
    double period;  /* of x in each coordinate; 0: not periodic                            */
} sl_loss_kind;

struct sl_loss {
    const sl_loss_kind *kind;
    sl_spec spec;
    size_t dim;
    size_t samples;       /* of a finite sum; 0: not one                                                     */
    bool everywhere;      /* project leaves all points where they are: no ball, no box was asked for         */
    const double *table;  /* its samples, for the kernels; NULL without. Never written, shared by all losses of
                             the same parameters, and there until the program ends: a loss is plain data       */
    const double *targets; /* [samples] of least-squares, logistic and hinge, whose table is [samples][dim]    */
    const double *truth;  /* [dim] the parameters that synthetic samples were made with; NULL without        */
    double data[SL_LOSS_MAX_DIM + 8]; /* what the kernels read: spectrum, coefficients                       */
    double start[SL_LOSS_MAX_DIM];    /* a sensible initial point: a minimum, or a saddle for saddle losses;
                                         off the minimum for convex losses, where one wants to see them fall */
    double least;                      /* least value on the set it lives on; NAN: unknown, or -inf          */
    double minimiser[SL_LOSS_MAX_DIM]; /* a point that has it, one of them where there are several; NAN each:
                                         unknown                                                             */
};

extern const sl_loss_kind *const sl_losses[];
extern const size_t sl_n_losses;

/* The registry as entries, for sl_spec_parse and `list`. */
const sl_entry *const *sl_loss_entries(void);

/* "double-well", "quadratic:a=1:dim=8", "quadratic:spectrum=1,0.1". Errors: those of sl_spec_parse and of init. */
SL_CHECKED sl_status sl_loss_init(sl_loss *loss, const char *text, sl_err *err);

/* A loss of one's own (examples/): kind need not be registered; init is called if there is one. */
SL_CHECKED sl_status sl_loss_init_kind(sl_loss *loss, const sl_loss_kind *kind, sl_err *err);

/* A mean over m samples of one's own: text names least-squares, logistic or hinge with the parameters that do not
 * describe how samples are made (l2, radius, box), features[m][n] are rows, targets[m] the values, or the labels -1 and
 * 1. Both are kept and must outlive the loss and its copies. Features enter as they are: a constant term is a column of
 * ones, and n <= SL_LOSS_MAX_DIM (28 x 28 pixels: average squares of 4 x 4 to 49). Starts at 0.
 * Errors: those of sl_loss_init; SL_E_DOMAIN for sizes and numbers that do not fit. */
SL_CHECKED sl_status sl_loss_from_samples(sl_loss *loss, const char *text, size_t m, size_t n, const double *features,
                                          const double *targets, sl_err *err);

/* Does the loss live on a part of space, onto which every step is projected? */
bool sl_loss_restricted(const sl_loss *loss);

/* At one point x[dim]. */
double sl_loss_value(const sl_loss *loss, const double *x);
void sl_loss_gradient(const sl_loss *loss, const double *x, double *g);

/* A one-dimensional (or separable, coordinate d, the others at zero) loss as a function of one variable, for
 * theory/ (which knows no losses): pass &slice as ctx. */
typedef struct {
    const sl_loss *loss;
    size_t d;
} sl_loss_slice;
double sl_loss_slice_value(double x, void *slice);
double sl_loss_slice_derivative(double x, void *slice);

#endif
