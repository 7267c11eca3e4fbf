/* cli/sweep_words.h - a line of a file as words: blank-separated; "..." or '...' hold blanks; a word that would begin
 * with # begins a comment instead. */
#ifndef SL_CLI_SWEEP_WORDS_H
#define SL_CLI_SWEEP_WORDS_H

#include <stddef.h>

#include "base/status.h"

/* word[most]: the words of the line at *text, which is cut up in place; *text is left at the next line, or at the end.
 * Errors: SL_E_CONFIG for a quote without end, a control character, more than `most` words. */
SL_CHECKED sl_status sl_sweep_words(const char **word, size_t *n, size_t most, char **text, sl_err *err);

#endif
