/* nets/data/glyphs.h - the shapes of the built-in digits: how a pen would draw 0 to 9, in several styles each.
 *
 * Coordinates: a glyph lives in a box of 100 by 100 units, x to the right, y down, the digit about 84 units high. */
#ifndef SL_NETS_DATA_GLYPHS_H
#define SL_NETS_DATA_GLYPHS_H

#include <stddef.h>

typedef struct {
    float ax, ay, bx, by;
} sl_segment;

enum { SL_GLYPH_SEGMENTS = 96, SL_GLYPH_JITTERS = 40 };

/* How many styles of a digit there are. */
size_t sl_glyph_styles(size_t digit);

/* Out: straight pieces of the strokes; returns how many (at most SL_GLYPH_SEGMENTS). jitter[SL_GLYPH_JITTERS] is added
 * to the pen's coordinates one after the other, so that no two drawings of a style are alike [units]. */
size_t sl_glyph_draw(sl_segment *out, size_t digit, size_t style, const float *jitter);

#endif
