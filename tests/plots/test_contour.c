/* Contour lines by marching squares, against lines known beforehand. */
#include <math.h>

#include "plots/contour.h"
#include "tests/test.h"

enum { N = 41 };

static const char *const columns[] = {"x[x]", "y[x]", "f[f]"};

static sl_table *lines_of(double (*f)(double x, double y), double level)
{
    double x[N], y[N], value[N * N];
    for (int i = 0; i < N; i++) x[i] = -2 + 0.1 * i, y[i] = -1 + 0.05 * i;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) value[i * N + j] = f(x[i], y[j]);
    sl_table *t = sl_table_alloc(3, columns);
    assert_non_null(t);
    assert_int_equal(sl_contour(t, x, N, y, N, value, level, NULL), SL_OK);
    assert_int_equal(sl_table_rows(t) % 3, 0);
    return t;
}

/* The length of all pieces; every third row is nan. */
static double length_of(const sl_table *t)
{
    double sum = 0;
    for (size_t i = 0; i < sl_table_rows(t); i += 3) {
        const double *a = sl_table_row(t, i), *b = sl_table_row(t, i + 1);
        sum += hypot(a[0] - b[0], a[1] - b[1]);
        assert_true(isnan(sl_table_row(t, i + 2)[0]));
    }
    return sum;
}

static double plane(double x, double y)
{
    return x + 2 * y;
}

static void contour__of_a_plane_is_a_straight_line(void **state)
{
    (void)state;
    sl_table *t = lines_of(plane, 0.03);
    for (size_t i = 0; i < sl_table_rows(t); i++) {
        const double *p = sl_table_row(t, i);
        if (i % 3 < 2) assert_near(plane(p[0], p[1]), 0.03, 1e-12);
    }
    /* From the left edge, (-2, 1.015), above the box, to y = -1 at x = 2.03, beyond it: from (-1.97, 1) to (2, -0.985).
     */
    assert_close(length_of(t), hypot(3.97, 1.985), 1e-9);
    sl_table_free(t);
}

static double bowl(double x, double y)
{
    return x * x + y * y;
}

/* The chords of a circle of radius 0.7 on cells of 0.1 x 0.05: short of it by about (0.1 / 0.7)^2 / 24. */
static void contour__of_a_bowl_is_a_circle(void **state)
{
    (void)state;
    sl_table *t = lines_of(bowl, 0.49);
    for (size_t i = 0; i < sl_table_rows(t); i++) {
        const double *p = sl_table_row(t, i);
        if (i % 3 < 2) assert_near(hypot(p[0], p[1]), 0.7, 0.1 * 0.1 / (8 * 0.7) * 1.5);
    }
    assert_close(length_of(t), 2 * M_PI * 0.7, 3e-3);
    sl_table_free(t);
}

static double pass(double x, double y)
{
    return x * y;
}

/* x y = c has two branches; the cell around the pass joins neither of them to the other. */
static void contour__of_a_pass_keeps_its_branches_apart(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        const double level = k == 0 ? 1e-4 : -1e-4;
        sl_table *t = lines_of(pass, level);
        for (size_t i = 0; i < sl_table_rows(t); i += 3) {
            const double *a = sl_table_row(t, i), *b = sl_table_row(t, i + 1);
            const double x = (a[0] + b[0]) / 2, y = (a[1] + b[1]) / 2;
            assert_true(x * y * level > 0); /* the middle of a piece is in the quadrants of its branch */
        }
        sl_table_free(t);
    }
}

static double cliff(double x, double y)
{
    return x > 0 ? INFINITY : y;
}

static void contour__leaves_out_what_is_not_finite(void **state)
{
    (void)state;
    sl_table *t = lines_of(cliff, 0.01);
    assert_close(length_of(t), 2.0, 1e-9);
    sl_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contour__of_a_plane_is_a_straight_line),
        cmocka_unit_test(contour__of_a_bowl_is_a_circle),
        cmocka_unit_test(contour__of_a_pass_keeps_its_branches_apart),
        cmocka_unit_test(contour__leaves_out_what_is_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
