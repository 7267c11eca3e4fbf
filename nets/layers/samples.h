/* nets/layers/samples.h - the work of layers that treat numbers or samples one by one, shared over the team. */
#ifndef SL_NETS_LAYERS_SAMPLES_H
#define SL_NETS_LAYERS_SAMPLES_H

#include "nets/layer.h"

/* to = from over n numbers, or to += from. from NULL: 0. to may be from. */
void sl_copy_or_add(sl_team *team, float *to, const float *from, size_t n, bool accumulate);

/* What a layer does with one sample: reads its part of from, writes (or adds to) its part of to. Both are the arrays
 * of the whole batch. */
typedef void (*sl_sample_map)(const sl_pass *p, size_t sample, float *to, const float *from, bool accumulate);

/* map for every sample of the pass; nothing if to is NULL. */
void sl_each_sample(const sl_pass *p, sl_sample_map map, float *to, const float *from, bool accumulate);
/* A linear map of the first input's direction to the output's; zeros if there is none. */
void sl_each_sample_tangent(const sl_pass *p, sl_sample_map map);

#endif
