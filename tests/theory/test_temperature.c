#include "tests/test.h"

#include "theory/temperature.h"

/* E alpha^2 of U[1-Delta, 1+Delta] as exact fractions: 301/300, 13/12, 4/3. */
static void alpha_q__is_the_second_moment_of_a_uniform(void **state)
{
    (void)state;
    assert_close(sl_alpha_q(0.1), 301.0 / 300, 1e-15);
    assert_close(sl_alpha_q(0.5), 13.0 / 12, 1e-15);
    assert_close(sl_alpha_q(1), 4.0 / 3, 1e-15);
    assert_near(sl_alpha_q(0), 1, 0);
}

static void alpha_q_printed__agrees_only_at_the_ends(void **state)
{
    (void)state;
    assert_near(sl_alpha_q_printed(0), sl_alpha_q(0), 0);
    assert_near(sl_alpha_q_printed(1), sl_alpha_q(1), 0);
    assert_close(sl_alpha_q_printed(0.5), 7.0 / 6, 1e-15);
    for (double delta = 0.05; delta < 1; delta += 0.05) assert_true(sl_alpha_q_printed(delta) > sl_alpha_q(delta));
}

static void alpha_q__is_nan_outside_its_domain(void **state)
{
    (void)state;
    assert_true(isnan(sl_alpha_q(-0.1)) && isnan(sl_alpha_q(1.1)) && isnan(sl_alpha_q(NAN)));
    assert_true(isnan(sl_alpha_q_printed(-0.1)) && isnan(sl_alpha_q_printed(1.1)));
}

/* By hand: 0.1 * 8 / (2 * 4 * 0.5) = 0.2; the temperature of H = v^2/2 + f/l is T / l. */
static void temp_effective__by_hand(void **state)
{
    (void)state;
    const sl_temp_params p = {.l = 0.1, .mu = 0.5, .C = 4, .D = 8};
    double T, T_H;
    assert_ok(sl_temp_effective(&T, &p, &err));
    assert_ok(sl_temp_hamiltonian(&T_H, &p, &err));
    assert_close(T, 0.2, 1e-15);
    assert_close(T_H, 2.0, 1e-15);
}

static void temp_effective__refuses_what_is_out_of_range(void **state)
{
    (void)state;
    double T = 7;
    assert_fails(sl_temp_effective(&T, &(sl_temp_params){0, 0.5, 4, 8}, &err), SL_E_DOMAIN, "l = 0");
    assert_fails(sl_temp_effective(&T, &(sl_temp_params){NAN, 0.5, 4, 8}, &err), SL_E_DOMAIN, "l = ");
    assert_fails(sl_temp_effective(&T, &(sl_temp_params){0.1, 1, 4, 8}, &err), SL_E_DOMAIN, "mu = 1");
    assert_fails(sl_temp_effective(&T, &(sl_temp_params){0.1, 0.5, 0.5, 8}, &err), SL_E_DOMAIN, "C = 0.5");
    assert_fails(sl_temp_hamiltonian(&T, &(sl_temp_params){0.1, 0.5, 4, -8}, &err), SL_E_DOMAIN, "D = -8");
    assert_near(T, 7, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alpha_q__is_the_second_moment_of_a_uniform),
        cmocka_unit_test(alpha_q_printed__agrees_only_at_the_ends),
        cmocka_unit_test(alpha_q__is_nan_outside_its_domain),
        cmocka_unit_test(temp_effective__by_hand),
        cmocka_unit_test(temp_effective__refuses_what_is_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
