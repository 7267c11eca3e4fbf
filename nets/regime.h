/* nets/regime.h - a regime of optim/regime.h on the parameters of a network. Private to nets/. */
#ifndef SL_NETS_REGIME_H
#define SL_NETS_REGIME_H

#include "nets/train.h"

typedef struct {
    sl_regime regime;
    sl_regime_run run;
    size_t *ends;    /* where each layer ends: "3.weight" and "3.bias" are one layer */
    float *point;    /* [sl_model_state]: where the second gradient is taken         */
    float *gradient; /* [parameters]: the second gradient                            */
    void *memory;    /* of the run                                                   */
} sl_net_regime;

/* Bytes of all that, before any of it is taken. Errors: those of sl_regime_init; SL_E_MEMORY. */
SL_CHECKED sl_status sl_net_regime_bytes(double *bytes, const sl_train_config *c, uint64_t steps_per_epoch,
                                         sl_err *err);
/* team: borrowed. Errors: the same. *r is to be cleared in any case. */
SL_CHECKED sl_status sl_net_regime_init(sl_net_regime *r, const sl_train_config *c, uint64_t steps_per_epoch,
                                        sl_team *team, sl_err *err);
void sl_net_regime_clear(sl_net_regime *r);

#endif
