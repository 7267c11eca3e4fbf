#include "nets/data/jpeg.h"

#include <stdlib.h>
#include <turbojpeg.h>

#include "base/run.h"

static const size_t LARGEST = (size_t)1 << 24; /* bytes of a file: far above any that is worth the name "tiny" */

/* rgb[height][width][3] of the JPEG in bytes[n]. */
static sl_status decode(uint8_t *rgb, tjhandle jpeg, const uint8_t *bytes, size_t n, const char *path, size_t height,
                        size_t width, sl_err *err)
{
    int w, h, subsampling, colours;
    if (n < 2) return sl_fail(err, SL_E_FORMAT, "%s: not a JPEG: %zu bytes", path, n);
    if (bytes[0] != 0xff || bytes[1] != 0xd8)
        return sl_fail(err, SL_E_FORMAT, "%s: not a JPEG: begins with %02x %02x, expected ff d8", path, bytes[0],
                       bytes[1]);
    if (tjDecompressHeader3(jpeg, bytes, n, &w, &h, &subsampling, &colours) != 0)
        return sl_fail(err, SL_E_FORMAT, "%s: damaged JPEG (%s)", path, tjGetErrorStr2(jpeg));
    if ((size_t)w != width || (size_t)h != height)
        return sl_fail(err, SL_E_FORMAT, "%s: a picture of %dx%d pixels, expected %zux%zu", path, w, h, width, height);
    if (colours == TJCS_CMYK || colours == TJCS_YCCK)
        return sl_fail(err, SL_E_FORMAT, "%s: a CMYK picture, expected colour or grey", path);
    /* Warnings (data that end early, codes that do not exist) count as damage: what was decoded is not the picture. */
    if (tjDecompress2(jpeg, bytes, n, rgb, w, 0, h, TJPF_RGB, TJFLAG_ACCURATEDCT) != 0)
        return sl_fail(err, SL_E_FORMAT, "%s: damaged JPEG (%s)", path, tjGetErrorStr2(jpeg));
    return SL_OK;
}

sl_status sl_jpeg_read(uint8_t *planes, const char *path, size_t height, size_t width, sl_err *err)
{
    char *bytes;
    size_t n;
    const size_t plane = height * width;
    SL_TRY(sl_read_file(&bytes, &n, path, LARGEST, err));
    uint8_t *const rgb = malloc(3 * plane);
    const tjhandle jpeg = tjInitDecompress();
    sl_status st = rgb && jpeg ? decode(rgb, jpeg, (const uint8_t *)bytes, n, path, height, width, err)
                               : sl_fail(err, SL_E_MEMORY, "%s: no memory to decode it", path);
    for (size_t i = 0; st == SL_OK && i < plane; i++)
        for (size_t c = 0; c < 3; c++) planes[c * plane + i] = rgb[3 * i + c];
    if (jpeg) tjDestroy(jpeg);
    free(rgb);
    free(bytes);
    return st;
}
