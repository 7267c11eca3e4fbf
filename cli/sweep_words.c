#include "cli/sweep_words.h"

#include <stdbool.h>
#include <string.h>

/* The characters of a word from *p on, without its quotes, to *to, which never overtakes *p. */
static sl_status read_word(char **p, char **to, size_t number, sl_err *err)
{
    char quote = '\0', *c = *p;
    for (; *c && *c != '\n' && (quote || !strchr(" \t\r", *c)); c++) {
        if (quote ? *c == quote : *c == '"' || *c == '\'')
            quote = quote ? '\0' : *c;
        else if ((unsigned char)*c < ' ' || *c == 127)
            return sl_fail(err, SL_E_CONFIG, "word %zu holds the control character %d", number, *c);
        else
            *(*to)++ = *c;
    }
    if (quote) return sl_fail(err, SL_E_CONFIG, "the quote %c of word %zu has no end on its line", quote, number);
    *p = c;
    return SL_OK;
}

sl_status sl_sweep_words(const char **word, size_t *n, size_t most, char **text, sl_err *err)
{
    char *p = *text, *to = p;
    *n = 0;
    while (*p && *p != '\n') {
        if (strchr(" \t\r", *p)) {
            p++;
        } else if (*p == '#') {
            p += strcspn(p, "\n");
        } else {
            if (*n == most) return sl_fail(err, SL_E_CONFIG, "more than %zu words", most);
            word[*n] = to;
            SL_TRY(read_word(&p, &to, ++*n, err));
            if (*p == '\0' || *p == '\n') break;
            p++;
            *to++ = '\0';
        }
    }
    const bool more = *p == '\n';
    *to = '\0';
    *text = more ? p + 1 : p;
    return SL_OK;
}
