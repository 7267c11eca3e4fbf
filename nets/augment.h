/* nets/augment.h - how training pictures are varied, as text: "none", "crop=4", "flip", "crop=4,flip". */
#ifndef SL_NETS_AUGMENT_H
#define SL_NETS_AUGMENT_H

#include "nets/dataset.h"

enum { SL_AUGMENT_TEXT = 48, SL_AUGMENT_MOST_CROP = 1024 };

/* Errors: SL_E_NAME for an unknown word; SL_E_DOMAIN for a crop that is not a whole number of 1 to
 * SL_AUGMENT_MOST_CROP pixels, or a word given twice. *a is untouched on failure. */
SL_CHECKED sl_status sl_augment_parse(sl_augment *a, const char *text, sl_err *err);

/* Parses back to the same. */
void sl_augment_print(char text[SL_AUGMENT_TEXT], const sl_augment *a);

#endif
