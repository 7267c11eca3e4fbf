/* claims/musso_network.h - the experiments on networks of Musso 2020, shared by its claims and its figures.
 *
 * Model 1: Linear 784-100, ReLU, Linear 100-10. Model 2: five convolutions. Model 3: VGG16. At quick scale all of them
 * are small and learn the built-in digits; at desk scale data and times are cut; paper is the paper's. Each setting
 * below is the whole of what is run. */
#ifndef SL_CLAIMS_MUSSO_NETWORK_H
#define SL_CLAIMS_MUSSO_NETWORK_H

#include "claims/claim.h"
#include "claims/network.h"

enum { SL_MUSSO_MOST_SEEDS = 32, SL_MUSSO_MOST_ARMS = 8 };

/* Figures 1 to 4: protocols of one mean rate, the constant one first, trained from the same starts. */
typedef struct {
    const char *key;     /* prefix of the pieces' names                      */
    const char *title;   /* of the model, for people                         */
    const char *data, *model;
    const char *pretrained; /* file of the data folder that all start from, if it is there; NULL: none */
    const sl_arm *arms;
    size_t n_arms;
    size_t samples;      /* of the training set; 0: all                      */
    size_t seeds;
    uint64_t epochs;
    double margin;       /* of equivalence, accuracy points                  */
} sl_musso_protocols;
sl_musso_protocols sl_musso_protocols_at(sl_scale scale);         /* figures 1 and 3 left: Model 1    */
sl_musso_protocols sl_musso_protocols_model_2_at(sl_scale scale); /* figure 2                         */
sl_musso_protocols sl_musso_accuracy_model_2_at(sl_scale scale);  /* figure 3 right                   */
sl_musso_protocols sl_musso_regularisation_at(sl_scale scale);    /* figure 4, and two hotter constant rates */
/* curves[arm * seeds + k], to be freed. */
SL_CHECKED sl_status sl_musso_protocol_curves(sl_table **curves, const sl_lab *lab, const sl_musso_protocols *p,
                                              sl_err *err);

/* Figures 5 and 6: I and II of one temperature, III of half of it at half the time an epoch. */
typedef struct {
    const char *key, *title, *data, *model;
    const sl_arm *arms; /* [3] */
    size_t samples, seeds;
    uint64_t epochs;    /* of I and II; III runs for twice as many */
    double margin;      /* of equivalence, accuracy points averaged over the epochs */
    const char *pretrained; /* as above */
} sl_musso_pair;
sl_musso_pair sl_musso_figure_5_at(sl_scale scale);       /* Model 1, mu = 0                     */
sl_musso_pair sl_musso_figure_6_at(sl_scale scale);       /* left: Model 2, other momentum       */
sl_musso_pair sl_musso_figure_6_right_at(sl_scale scale); /* right: Model 3 on CIFAR-10          */
SL_CHECKED sl_status sl_musso_pair_curves(sl_table **curves, const sl_lab *lab, const sl_musso_pair *p, sl_err *err);

/* Stationary loss late in training, l2-regularised, batches with replacement. */
typedef struct {
    const char *model;
    const sl_arm *arms;  /* of the claims */
    size_t samples, seeds;
    double time;         /* t = sum l / (1 - mu) at the end */
    size_t evaluations;  /* of the full loss, in the second half */
} sl_musso_stationary;
sl_musso_stationary sl_musso_stationary_at(sl_scale scale);

extern const sl_claim sl_claim_musso_protocols_equivalent, sl_claim_musso_protocols_equivalent_model_2,
    sl_claim_musso_equal_temperature, sl_claim_musso_equal_temperature_model_2, sl_claim_musso_counter_check,
    sl_claim_musso_confound, sl_claim_musso_regularisation_confound, sl_claim_musso_temperature_late,
    sl_claim_musso_random_is_hotter_printed, sl_claim_musso_random_is_hotter_derived;

#endif
