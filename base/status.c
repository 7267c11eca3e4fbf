#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

sl_status sl_fail(sl_err *err, sl_status code, const char *format, ...)
{
    if (!err) return code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    err->code = code;
    return code;
}

sl_status sl_fail_in(sl_err *err, sl_status code, const char *format, ...)
{
    if (!err) return code;
    char inner[sizeof err->message];
    memcpy(inner, err->message, sizeof inner);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof err->message)
        snprintf(err->message + n, sizeof err->message - (size_t)n, ": %.*s", (int)(sizeof inner - (size_t)n), inner);
    err->code = code;
    return code;
}

const char *sl_status_sentence(sl_status code)
{
    switch (code) {
#define SENTENCE(c, value, sentence, exit) case c: return sentence;
        SL_STATUS_LIST(SENTENCE)
#undef SENTENCE
    }
    return "unknown status";
}

int sl_status_exit_code(sl_status code)
{
    switch (code) {
#define EXIT_CODE(c, value, sentence, exit) case c: return exit;
        SL_STATUS_LIST(EXIT_CODE)
#undef EXIT_CODE
    }
    return 4;
}
