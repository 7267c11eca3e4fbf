/* nets/data/jpeg.h - JPEG pictures of a known size, by libjpeg-turbo. */
#ifndef SL_NETS_DATA_JPEG_H
#define SL_NETS_DATA_JPEG_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* planes[3][height][width] = red, green, blue of the file; a grey picture has three equal planes. From several threads
 * at once. Errors, naming the file: SL_E_FILE; SL_E_FORMAT (no JPEG, damaged, of another size, CMYK); SL_E_MEMORY. */
SL_CHECKED sl_status sl_jpeg_read(uint8_t *planes, const char *path, size_t height, size_t width, sl_err *err);

#endif
