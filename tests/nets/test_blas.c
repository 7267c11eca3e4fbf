#include "tests/test.h"

#include "nets/blas.h"

static void better_kernels__leaves_the_users_choice(void **state)
{
    (void)state;
    setenv("OPENBLAS_CORETYPE", "Haswell", 1);
    assert_null(sl_blas_better_kernels());
    unsetenv("OPENBLAS_CORETYPE");
}

/* Better means other: a program that has been started over must not be started again. */
static void better_kernels__differ_from_those_in_use(void **state)
{
    (void)state;
    unsetenv("OPENBLAS_CORETYPE");
    const char *const better = sl_blas_better_kernels();
    assert_true(strlen(sl_blas_kernels()) > 0);
    if (better) assert_string_not_equal(better, sl_blas_kernels());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(better_kernels__leaves_the_users_choice),
        cmocka_unit_test(better_kernels__differ_from_those_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
