/* sim/noises/noises.h - the families of gradient noise. Private to sim/noise.c and sim/noises/.
 *
 * A model may use noise [B] and kept [dim][B] of the block it is given: in SGD nothing else lives there. */
#ifndef SL_SIM_NOISES_NOISES_H
#define SL_SIM_NOISES_NOISES_H

#include "sim/block.h"
#include "sim/noise.h"

extern const sl_noise_kind sl_noise_gaussian, sl_noise_anisotropic, sl_noise_hessian, sl_noise_stable, sl_noise_bounded,
    sl_noise_minibatch, sl_noise_online;

/* g[d][i] += n[d][i], n ~ N(0, s2) */
void sl_noise_add_gaussian(const sl_noise *noise, const sl_loss *loss, double s2, sl_noise_source *source, double *g);

/* g += n of that length, in a uniform direction, from the normals of channels j SL_LOSS_MAX_DIM + d. Leaves n as the
 * product of the block's noise[i] and kept[d][i]. */
void sl_noise_add_sphere(const sl_loss *loss, double length, size_t j, sl_noise_source *source, double *g);

/* Numbers of channel j SL_LOSS_MAX_DIM + d for all lanes of the source's block. */
void sl_noise_normals(const sl_noise_source *source, size_t j, size_t d, double sigma, double *out);
void sl_noise_uniforms(const sl_noise_source *source, size_t j, size_t d, double *out);

#endif
