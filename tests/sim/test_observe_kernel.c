#include "tests/test.h"

#include "base/random.h"
#include "sim/observe_kernel.h"

enum { B = 128 };

typedef struct {
    _Alignas(64) double x[B], v[B], g[B], sums[6 * B], g2[B];
    int32_t bin[B];
} work;

static void scatter(work *w)
{
    double *const to[] = {w->x, w->v, w->g};
    for (uint32_t j = 0; j < 3; j++) {
        const sl_draw draw = {.seed = 4, .sub = j, .purpose = SL_PURPOSE_TEST};
        sl_random_normals(to[j], B, 0, 1, &draw);
    }
}

/* Each sum is begun at 1, so that adding is told from setting. Relaxed floating point may change last bits. */
static void moments__add_the_six_products(void **state)
{
    (void)state;
    static work w;
    scatter(&w);
    for (int velocity = 0; velocity < 2; velocity++) {
        for (size_t i = 0; i < 6 * B; i++) w.sums[i] = 1;
        for (size_t i = 0; i < B; i++) w.g2[i] = 1;
        if (velocity)
            sl_observe_moments(B, w.x, w.v, w.g, w.sums, w.g2);
        else
            sl_observe_positions(B, w.x, w.g, w.sums, w.g2);
        for (size_t i = 0; i < B; i++) {
            const double x = w.x[i], v = velocity ? w.v[i] : 0, g = w.g[i];
            const double expected[6] = {x, x * x, x * x * x * x, x * v, v * v, x * g};
            for (size_t j = 0; j < 6; j++) assert_near(w.sums[j * B + i], 1 + expected[j], 1e-13);
            assert_near(w.g2[i], 1 + g * g, 1e-13);
        }
    }
}

static void bins__put_edges_where_they_belong(void **state)
{
    (void)state;
    static work w;
    const struct {
        double x;
        int32_t bin;
    } cases[] = {{-1, 0}, {-0.51, 0}, {-0.5, 1},  {0, 2},     {0.49, 2}, {0.99, 3},
                 {1, 4},  {7, 4},     {-1.01, 4}, {-1e75, 4}, {1e75, 4}};
    enum { N = sizeof cases / sizeof *cases };
    for (size_t i = 0; i < B; i++) w.x[i] = cases[i % N].x;
    sl_observe_bins(B, w.x, -1, 2, 0, 4, w.bin);
    for (size_t i = 0; i < B; i++) assert_int_equal(w.bin[i], cases[i % N].bin);
}

static void bins__wrap_a_period(void **state)
{
    (void)state;
    static work w;
    for (size_t i = 0; i < B; i++) w.x[i] = 0.25 + 0.5 * ((double)i - 64);
    sl_observe_bins(B, w.x, -1, 2, 2, 4, w.bin);
    for (size_t i = 0; i < B; i++) assert_int_equal(w.bin[i], (i + 2) % 4);
    for (size_t i = 0; i < B; i++) w.x[i] = 1e75;
    sl_observe_bins(B, w.x, -1, 2, 2, 4, w.bin); /* no phase is left, but no bin beyond the last either */
    for (size_t i = 0; i < B; i++) assert_in_range(w.bin[i], 0, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments__add_the_six_products),
        cmocka_unit_test(bins__put_edges_where_they_belong),
        cmocka_unit_test(bins__wrap_a_period),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
