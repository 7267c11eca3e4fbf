#include "nets/augment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static sl_status parse_word(sl_augment *a, const char *word, const char *text, sl_err *err)
{
    static const char crop[] = "crop=";
    if (strcmp(word, "flip") == 0 && !a->flip) {
        a->flip = true;
        return SL_OK;
    }
    if (strncmp(word, crop, strlen(crop)) == 0 && a->crop == 0) {
        double pixels;
        SL_TRY(sl_parse_double(&pixels, word + strlen(crop), "crop", err));
        if (!(pixels >= 1 && pixels <= SL_AUGMENT_MOST_CROP && pixels == floor(pixels)))
            return sl_fail(err, SL_E_DOMAIN, "augmentation '%s': crop = %g, need a whole number, 1 <= crop <= %d", text,
                           pixels, SL_AUGMENT_MOST_CROP);
        a->crop = (size_t)pixels;
        return SL_OK;
    }
    if (strcmp(word, "flip") == 0 || strncmp(word, crop, strlen(crop)) == 0)
        return sl_fail(err, SL_E_DOMAIN, "augmentation '%s': '%s' comes twice", text, word);
    return sl_fail(err, SL_E_NAME, "augmentation '%s': unknown '%s'. Known: none, crop=PIXELS, flip", text, word);
}

sl_status sl_augment_parse(sl_augment *a, const char *text, sl_err *err)
{
    sl_augment found = {0};
    for (const char *at = text; strcmp(text, "none") != 0;) {
        char word[64];
        const size_t n = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word), at);
        SL_TRY(parse_word(&found, word, text, err));
        if (at[n] == '\0') break;
        at += n + 1;
    }
    *a = found;
    return SL_OK;
}

void sl_augment_print(char text[SL_AUGMENT_TEXT], const sl_augment *a)
{
    char crop[32] = "";
    if (a->crop > 0) snprintf(crop, sizeof crop, "crop=%zu", a->crop);
    snprintf(text, SL_AUGMENT_TEXT, "%s%s%s", crop, a->crop > 0 && a->flip ? "," : "",
             a->flip ? "flip" : a->crop > 0 ? "" : "none");
}
