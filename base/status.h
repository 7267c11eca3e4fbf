/* base/status.h - how functions say that something went wrong.
 *
 * A function that can fail returns an sl_status and writes the reason into the sl_err passed last: what was
 * attempted, the offending value, what was expected. 0 is success, negative codes mean that no answer was
 * produced (outputs are untouched), positive codes mean that the answer stands with a reservation.
 * err may be NULL. Nothing below cli/ prints or exits. */
#ifndef SL_BASE_STATUS_H
#define SL_BASE_STATUS_H

/* X(code, value, sentence, exit code of the program) */
#define SL_STATUS_LIST(X)                                          \
    X(SL_OK, 0, "success", 0)                                      \
    X(SL_DIVERGED, 1, "the run diverged", 4)                       \
    X(SL_UNDECIDED, 2, "not decided", 1)                           \
    X(SL_INTERRUPTED, 3, "interrupted", 4)                         \
    X(SL_E_USAGE, -1, "wrong usage", 2)                            \
    X(SL_E_NAME, -2, "unknown name", 2)                            \
    X(SL_E_DOMAIN, -3, "a value is out of range", 2)               \
    X(SL_E_UNSTABLE, -4, "no stationary state: unstable", 3)       \
    X(SL_E_FILE, -5, "a file cannot be opened or read", 3)         \
    X(SL_E_FORMAT, -6, "a file is malformed", 3)                   \
    X(SL_E_CONFIG, -7, "the configuration does not fit", 3)        \
    X(SL_E_WRITE, -8, "a file cannot be written", 4)               \
    X(SL_E_MEMORY, -9, "out of memory", 4)                         \
    X(SL_E_NUMERIC, -10, "a computation failed", 4)                \
    X(SL_E_UNAVAILABLE, -11, "something needed is not installed", 4)

typedef enum {
#define SL_STATUS_ENUM(code, value, sentence, exit) code = value,
    SL_STATUS_LIST(SL_STATUS_ENUM)
#undef SL_STATUS_ENUM
} sl_status;

typedef struct {
    sl_status code;
    char message[768]; /* one line, no newline at its end */
} sl_err;

#define SL_CHECKED __attribute__((warn_unused_result))
#define SL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Writes code and message into *err (if err is not NULL) and returns code. */
sl_status sl_fail(sl_err *err, sl_status code, const char *format, ...) SL_PRINTF(3, 4);

/* Puts "text: " in front of the message that *err already holds, and returns code. */
sl_status sl_fail_in(sl_err *err, sl_status code, const char *format, ...) SL_PRINTF(3, 4);

/* The sentence for a code, e.g. "out of memory". Never NULL. */
const char *sl_status_sentence(sl_status code);

/* The exit code of the program for a status: 0, 1, 2, 3 or 4 (see cli.md). */
int sl_status_exit_code(sl_status code);

/* Returns from the calling function when expression is not SL_OK. */
#define SL_TRY(expression)                          \
    do {                                            \
        const sl_status sl_try_ = (expression);     \
        if (sl_try_ != SL_OK) return sl_try_;       \
    } while (0)

#endif
