/* Averages over a given number of bins each way, whatever the picture's size. */
#include "nets/layers/average.h"

const sl_layer_kind sl_layer_adaptive_avg = {.name = "adaptiveavg",
                                   .forward = sl_average_forward,
                                   .backward = sl_average_backward,
                                   .forward_tangent = sl_average_forward_tangent,
                                   .backward_tangent = sl_average_backward_tangent};
