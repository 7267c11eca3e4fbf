/* nets/model.h - a network as a sequence of layers acting on one flat parameter vector.
 *
 * Parameters are one float vector with named views ("0.weight" [100][784], ...), named and shaped as PyTorch's
 * state_dict; optimiser, checkpoints, noise measurement and import act on the flat vector. Activations are
 * [batch][features], row-major. Layers are in nets/layers/, one file each, as pairs of free functions. */
#ifndef SL_NETS_MODEL_H
#define SL_NETS_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/spec.h"

typedef struct {
    char name[64];       /* "0.weight"                  */
    size_t offset;       /* into the flat vector        */
    size_t size;
    size_t rank, shape[4];
} sl_view;

typedef struct sl_model sl_model; /* architecture only: no parameters, no activations; shared by all runs */

extern const sl_entry *const sl_models[];
extern const size_t sl_n_models;

/* "mlp" (Musso's Model 1 on MNIST: Linear in-100, ReLU, Linear 100-classes), "mlp:hidden=256,128".
 * The first run of a model sets OpenBLAS to one thread, for the whole process: networks run side by side instead. */
SL_CHECKED sl_status sl_model_alloc(sl_model **m, const char *text, size_t channels, size_t height, size_t width,
                                    size_t classes, sl_err *err);
void sl_model_free(sl_model *m);

size_t sl_model_inputs(const sl_model *m);     /* channels * height * width */
size_t sl_model_classes(const sl_model *m);
size_t sl_model_parameters(const sl_model *m); /* length of the flat vector */
size_t sl_model_n_views(const sl_model *m);
const sl_view *sl_model_view(const sl_model *m, size_t i);
double sl_model_flops(const sl_model *m);      /* of one sample's forward and backward pass */

/* PyTorch's default initialisation (U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for Linear weights and biases). */
void sl_model_init(const sl_model *m, float *params, uint64_t seed, uint32_t replica);

/* Scratch of one worker for batches of up to max_batch. */
typedef struct sl_workspace sl_workspace;
SL_CHECKED sl_status sl_workspace_alloc(sl_workspace **w, const sl_model *m, size_t max_batch, sl_err *err);
void sl_workspace_free(sl_workspace *w);
float *sl_workspace_input(sl_workspace *w); /* [max_batch][features]: gather the batch here */
uint8_t *sl_workspace_labels(sl_workspace *w); /* [max_batch] */

/* Mean softmax cross-entropy over the count samples in the workspace, and how many are classified right.
 * gradient: the mean's gradient, [parameters], overwritten; NULL: forward only. */
void sl_model_run(const sl_model *m, sl_workspace *w, const float *params, size_t count, double *loss,
                  size_t *right, float *gradient);

#endif
