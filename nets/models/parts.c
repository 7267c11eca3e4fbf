/* What several architectures are put together from. */
#include <stdarg.h>
#include <stdio.h>

#include "nets/models/models.h"

const char *const sl_start_words[] = {"default", "he", "vgg", NULL};

sl_name sl_named(const char *format, ...)
{
    sl_name name;
    va_list args;
    va_start(args, format);
    vsnprintf(name.text, sizeof name.text, format, args);
    va_end(args);
    return name;
}

size_t sl_build_conv_bn(sl_builder *b, size_t from, sl_name conv, sl_name bn, size_t channels, size_t kernel,
                        size_t stride)
{
    return sl_build_batch_norm(b, sl_build_conv(b, from, conv.text, channels, kernel, stride, kernel / 2, false),
                               bn.text);
}

size_t sl_build_bn_relu(sl_builder *b, size_t from, sl_name bn)
{
    return sl_build_relu(b, sl_build_batch_norm(b, from, bn.text));
}

size_t sl_build_dropout_if(sl_builder *b, size_t from, double p)
{
    return p > 0 ? sl_build_dropout(b, from, p) : from;
}

size_t sl_build_averaged_fc(sl_builder *b, size_t from)
{
    return sl_build_linear(b, sl_build_global_avg(b, from), "fc", sl_build_classes(b), true);
}
