/* nets/model.h - a network: layers acting on one flat vector of numbers.
 *
 * The state of a network is one float vector: first its parameters, then the running statistics of its batch norms.
 * Both have named views ("0.weight" [100][784], "bn1.running_mean" [16]), named and shaped as in PyTorch's state_dict;
 * optimiser, checkpoints, noise measurement and import act on the flat vector. Activations are
 * [sample][height][width][channel], row-major, channels fastest: pictures too. nets/layers/ has the layers, one file
 * each, nets/models/ the architectures, nets/graph.h what ties them together. */
#ifndef SL_NETS_MODEL_H
#define SL_NETS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/spec.h"
#include "base/team.h"

typedef struct {
    char name[64];       /* "0.weight"                  */
    size_t offset;       /* into the flat vector        */
    size_t size;
    size_t rank, shape[4];
} sl_view;

typedef struct sl_model sl_model; /* architecture only: no parameters, no activations; shared by all runs */

extern const sl_entry *const sl_models[]; /* for lists; sl_model_alloc takes "resnet38" and the like as well */
extern const size_t sl_n_models;
extern const sl_entry *const sl_layer_words[]; /* what descriptions are made of */
extern const size_t sl_n_layer_words;

/* text: a name ("mlp", Musso's Model 1 on MNIST; "mlp:hidden=256,128"; "cnn", "vgg16", "resnet20", "wrn-28-10", ...) or
 * a description, layers separated by semicolons ("conv 64 3; relu; maxpool 2; flatten; linear 10"), or "@" and the
 * name of a file with one (docs/networks.md). A text with a space, a semicolon or a bracket is a description.
 * The first run of a model sets OpenBLAS to one thread, for the whole process: networks run side by side, or share the
 * layers' work over a team. Errors: SL_E_NAME, SL_E_DOMAIN (which layer, what shape came in); those of sl_read_file. */
SL_CHECKED sl_status sl_model_alloc(sl_model **m, const char *text, size_t channels, size_t height, size_t width,
                                    size_t classes, sl_err *err);
void sl_model_free(sl_model *m);

/* The text that says all of the model: of "@file" what the file holds, without comments and in one line; of any other
 * what is given. To be freed by the caller. Errors: those of sl_read_file; SL_E_MEMORY. */
SL_CHECKED sl_status sl_model_text(char **text, const char *given, sl_err *err);

size_t sl_model_inputs(const sl_model *m);     /* channels * height * width */
size_t sl_model_classes(const sl_model *m);
size_t sl_model_parameters(const sl_model *m); /* how many numbers of the state are trained: the first ones      */
size_t sl_model_state(const sl_model *m);      /* length of the state: parameters, then running statistics       */
size_t sl_model_n_views(const sl_model *m);    /* those of parameters first (offset < sl_model_parameters)        */
const sl_view *sl_model_view(const sl_model *m, size_t i);
double sl_model_flops(const sl_model *m);      /* of one sample's forward and backward pass */

/* Initial weights as PyTorch's: each architecture says which. Running means 0, running variances 1. */
void sl_model_init(const sl_model *m, float *state, uint64_t seed, uint32_t replica);

/* What a pass is for. NULL stands for {0}: evaluation. */
typedef struct {
    bool train;             /* batch norm takes the batch's own statistics and moves the running ones; dropout drops */
    double label_smoothing; /* e: the target is (1 - e) onehot + e / classes                                         */
    uint64_t seed, step;    /* of dropout's masks                                                                    */
} sl_mode;

typedef enum {
    SL_FOR_LOSS,     /* forward passes only                                     */
    SL_FOR_GRADIENT, /* and sl_model_run with a gradient                        */
    SL_FOR_CURVATURE /* and sl_model_hessian_vector                             */
} sl_purpose_of_workspace;

/* Memory of one worker for batches of up to max_batch, planned once: a run allocates nothing. team: borrowed, shares
 * the work of each layer; NULL: the calling thread. Results do not depend on it. */
typedef struct sl_workspace sl_workspace;
SL_CHECKED sl_status sl_workspace_alloc(sl_workspace **w, const sl_model *m, size_t max_batch,
                                        sl_purpose_of_workspace what, sl_team *team, sl_err *err);
void sl_workspace_free(sl_workspace *w);
/* Bytes that such a workspace takes, for so many workers; INFINITY: more than can be addressed. */
double sl_workspace_bytes(const sl_model *m, size_t max_batch, sl_purpose_of_workspace what, int workers);
float *sl_workspace_input(sl_workspace *w);    /* [max_batch][height][width][channels]: gather the batch here */
uint8_t *sl_workspace_labels(sl_workspace *w); /* [max_batch] */
sl_team *sl_workspace_team(const sl_workspace *w);
/* [count][classes]: logits of the last run. */
const float *sl_workspace_logits(const sl_workspace *w);

/* Mean softmax cross-entropy over the count samples in the workspace, and how many are classified right.
 * state: [sl_model_state]; its running statistics are written in a training pass with a gradient, nothing else is.
 * gradient: the mean's gradient, [sl_model_parameters], overwritten; NULL: forward only. */
void sl_model_run(const sl_model *m, sl_workspace *w, float *state, size_t count, const sl_mode *mode, double *loss,
                  size_t *right, float *gradient);

/* hv = H v, H the Hessian of the same mean at those parameters (exact: Pearlmutter's R-operator, with ReLU's second
 * derivative taken as 0), and its gradient. v, hv, gradient: [sl_model_parameters]; v must not overlap the others.
 * The running statistics are only read. Under mode->train the batch's statistics are functions of the parameters. */
void sl_model_hessian_vector(const sl_model *m, sl_workspace *w, const float *state, size_t count,
                             const sl_mode *mode, const float *v, float *gradient, float *hv);

#endif
