/* tests/test.h - what every test file includes. Each file is a program of its own; tests/run adds them up. */
#ifndef SL_TESTS_TEST_H
#define SL_TESTS_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"

/* |value - expected| <= tolerance, saying all three if not. NaN fails. */
#define assert_near(value, expected, tolerance)                                                              \
    do {                                                                                                     \
        const double near_v_ = (value), near_e_ = (expected), near_t_ = (tolerance);                         \
        if (!(fabs(near_v_ - near_e_) <= near_t_))                                                           \
            fail_msg("%s = %.17g, expected %.17g within %g (off by %g)", #value, near_v_, near_e_, near_t_,  \
                     near_v_ - near_e_);                                                                     \
    } while (0)

/* The same, relative to the expected value. */
#define assert_close(value, expected, relative) \
    assert_near(value, expected, (relative)*fabs(expected))

#define assert_ok(expression)                                                                   \
    do {                                                                                        \
        sl_err err = {0};                                                                       \
        const sl_status ok_ = (expression);                                                     \
        if (ok_ != SL_OK) fail_msg("%s: %s: %s", #expression, sl_status_sentence(ok_), err.message); \
    } while (0)

/* The expression (which passes &err) must fail with that status, and its message must hold that text. */
#define assert_fails(expression, status, text)                                                           \
    do {                                                                                                 \
        sl_err err = {0};                                                                                \
        const sl_status got_ = (expression);                                                             \
        if (got_ != (status)) fail_msg("%s: got '%s' (%s)", #expression, sl_status_sentence(got_), err.message); \
        if (!strstr(err.message, text)) fail_msg("%s: message '%s' lacks '%s'", #expression, err.message, text); \
    } while (0)

#endif
