/* claims/musso_network.h - the experiments on networks of Musso 2020, shared by its claims and its figures. */
#ifndef SL_CLAIMS_MUSSO_NETWORK_H
#define SL_CLAIMS_MUSSO_NETWORK_H

#include "claims/claim.h"
#include "claims/network.h"

enum { SL_MUSSO_MOST_SEEDS = 32 };

/* Figures 1 and 3: the five protocols. */
enum { SL_MUSSO_PROTOCOLS = 5 };
typedef struct {
    const sl_arm *arms; /* [SL_MUSSO_PROTOCOLS], the constant one first       */
    size_t samples;     /* of the training set; 0: all                       */
    size_t seeds;
    uint64_t epochs;
    double margin;      /* of equivalence, accuracy points                   */
} sl_musso_protocols;
sl_musso_protocols sl_musso_protocols_at(sl_scale scale);
/* curves[arm * seeds + k], to be freed. */
SL_CHECKED sl_status sl_musso_protocol_curves(sl_table **curves, const sl_lab *lab, const sl_musso_protocols *p,
                                              sl_err *err);

/* Figure 5: I, II, III. */
typedef struct {
    const sl_arm *arms; /* [3] */
    size_t seeds;
    uint64_t epochs;    /* of I and II; III runs for twice as many */
} sl_musso_figure_5;
sl_musso_figure_5 sl_musso_figure_5_at(sl_scale scale);
SL_CHECKED sl_status sl_musso_figure_5_curves(sl_table **curves, const sl_lab *lab, const sl_musso_figure_5 *p,
                                              sl_err *err);

/* Stationary loss late in training, l2-regularised, batches with replacement. */
typedef struct {
    const char *model;
    const sl_arm *arms;  /* of the claims */
    size_t samples, seeds;
    double time;         /* t = sum l / (1 - mu) at the end */
    size_t evaluations;  /* of the full loss, in the second half */
} sl_musso_stationary;
sl_musso_stationary sl_musso_stationary_at(sl_scale scale);

extern const sl_claim sl_claim_musso_protocols_equivalent, sl_claim_musso_equal_temperature,
    sl_claim_musso_counter_check, sl_claim_musso_confound, sl_claim_musso_temperature_late,
    sl_claim_musso_random_is_hotter_printed, sl_claim_musso_random_is_hotter_derived;

#endif
