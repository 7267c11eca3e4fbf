/* nets/models/models.h - the architectures, one file a family. For nets/model.c. */
#ifndef SL_NETS_MODELS_MODELS_H
#define SL_NETS_MODELS_MODELS_H

#include "nets/graph.h"

typedef struct {
    sl_entry entry;
    sl_start start;
    void (*build)(sl_builder *b, const sl_spec *spec); /* mistakes are kept in the builder */
} sl_architecture;

extern const sl_architecture sl_model_mlp;

#endif
