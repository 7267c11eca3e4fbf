/* claims/musso_noise.h - the gradient noise of Model 1 during its training, for claims and figures. */
#ifndef SL_CLAIMS_MUSSO_NOISE_H
#define SL_CLAIMS_MUSSO_NOISE_H

#include "claims/claim.h"
#include "claims/network.h"
#include "nets/curvature.h"
#include "nets/noise.h"

/* Model 1 trained by plain SGD, and its noise measured at the start and at the end. */
typedef struct {
    const char *data, *model;
    double lr;
    size_t batch, samples; /* noise is that of the first so many training samples */
    uint64_t epochs;
    size_t top, directions;
} sl_musso_noise_setting;
sl_musso_noise_setting sl_musso_noise_at(sl_scale scale);

enum { SL_NOISE_STAGES = 2 }; /* before training, after it */
typedef struct {
    sl_net_noise noise[SL_NOISE_STAGES];
    sl_curvature curvature[SL_NOISE_STAGES]; /* measured if asked for */
    sl_alignment alignment[SL_NOISE_STAGES];
} sl_musso_noise;
/* Errors: those of training and measuring. */
SL_CHECKED sl_status sl_musso_noise_measure(sl_musso_noise *n, const sl_lab *lab, const sl_musso_noise_setting *s,
                                            bool with_curvature, sl_err *err);
void sl_musso_noise_clear(sl_musso_noise *n);

extern const sl_claim sl_claim_musso_isotropy, sl_claim_musso_gaussianity;
extern const sl_recipe sl_recipe_noise_spectrum, sl_recipe_temperature_during_training;

#endif
