/* nets/layers/average.h - averages over windows of pixels: what the three average poolings share.
 *
 * With a kernel (layer->kernel > 0) window i of an axis is i stride - padding .. + kernel, and zeros outside the
 * picture count, as PyTorch's AvgPool2d has it by default. Without one, the windows are PyTorch's adaptive bins:
 * floor(i in / out) .. ceil((i + 1) in / out), which may share pixels. */
#ifndef SL_NETS_LAYERS_AVERAGE_H
#define SL_NETS_LAYERS_AVERAGE_H

#include "nets/layer.h"

void sl_average_forward(const sl_pass *p);
void sl_average_backward(const sl_pass *p);
void sl_average_forward_tangent(const sl_pass *p);
void sl_average_backward_tangent(const sl_pass *p);

#endif
