#include "tests/test.h"

static void fail__formats_message_and_returns_code(void **state)
{
    (void)state;
    sl_err err = {0};
    assert_int_equal(sl_fail(&err, SL_E_DOMAIN, "mu = %g, need mu < %d", 1.5, 1), SL_E_DOMAIN);
    assert_int_equal(err.code, SL_E_DOMAIN);
    assert_string_equal(err.message, "mu = 1.5, need mu < 1");
    assert_int_equal(sl_fail(NULL, SL_E_FILE, "nobody listens"), SL_E_FILE);
}

static void fail__cuts_a_long_message(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    sl_err err;
    sl_fail(&err, SL_E_FILE, "%s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    sl_fail_in(&err, SL_E_FILE, "%s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

static void fail_in__puts_context_in_front(void **state)
{
    (void)state;
    sl_err err = {0};
    sl_fail(&err, SL_E_FORMAT, "expected a number");
    assert_int_equal(sl_fail_in(&err, SL_E_CONFIG, "line %d", 7), SL_E_CONFIG);
    assert_string_equal(err.message, "line 7: expected a number");
    assert_int_equal(err.code, SL_E_CONFIG);
    assert_int_equal(sl_fail_in(NULL, SL_E_CONFIG, "x"), SL_E_CONFIG);
}

static void list__has_a_sentence_and_an_exit_code_for_every_status(void **state)
{
    (void)state;
    static const sl_status all[] = {
#define CODE(code, value, sentence, exit) code,
        SL_STATUS_LIST(CODE)
#undef CODE
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_true(strlen(sl_status_sentence(all[i])) > 3);
        assert_string_not_equal(sl_status_sentence(all[i]), "unknown status");
        assert_in_range(sl_status_exit_code(all[i]), 0, 4);
        assert_true((sl_status_exit_code(all[i]) == 0) == (all[i] == SL_OK));
        for (size_t j = 0; j < i; j++) assert_int_not_equal(all[i], all[j]);
    }
    assert_int_equal(sl_status_exit_code(SL_E_NAME), 2);
    assert_int_equal(sl_status_exit_code(SL_E_FORMAT), 3);
    assert_int_equal(sl_status_exit_code(SL_DIVERGED), 4);
    assert_int_equal(sl_status_exit_code(SL_E_WRITE), 4);
    assert_int_equal(sl_status_exit_code(SL_UNDECIDED), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail__formats_message_and_returns_code),
        cmocka_unit_test(fail__cuts_a_long_message),
        cmocka_unit_test(fail_in__puts_context_in_front),
        cmocka_unit_test(list__has_a_sentence_and_an_exit_code_for_every_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
