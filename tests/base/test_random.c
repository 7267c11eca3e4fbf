#include "tests/test.h"

#include "base/random.h"

static void fill__equals_single_values(void **state)
{
    (void)state;
    const sl_draw d = {.seed = 7, .step = ((uint64_t)5 << 32) + 3, .sub = 2, .purpose = SL_PURPOSE_TEST};
    double z[300], u[300];
    sl_random_normals(z, 300, 37, 1.5, &d);
    sl_random_uniforms(u, 300, 37, &d);
    for (uint64_t i = 0; i < 300; i++) {
        assert_near(z[i], sl_random_normal(37 + i, 1.5, &d), 0);
        assert_near(u[i], sl_random_uniform(37 + i, &d), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fill__equals_single_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
