#include "tests/test.h"

#include "sim/landscape.h"

static sl_loss make(const char *text)
{
    sl_loss loss;
    assert_ok(sl_loss_init(&loss, text, &err));
    return loss;
}

static sl_landscape *find(const sl_loss *loss, double lo, double hi)
{
    static sl_landscape l;
    double low[SL_LOSS_MAX_DIM], high[SL_LOSS_MAX_DIM];
    for (size_t d = 0; d < loss->dim; d++) low[d] = lo, high[d] = hi;
    memset(&l, 0xa5, sizeof l); /* what is read must have been written */
    assert_ok(sl_landscape_find(&l, loss, low, high, &err));
    return &l;
}

/* A loss of one's own without second derivatives: a sum of double wells, (x_d^2 - 1)^2/4 times d + 1. */
static void wells_value(const sl_loss *loss, size_t B, size_t stride, const double *x, double *f)
{
    for (size_t i = 0; i < B; i++) {
        f[i] = 0;
        for (size_t d = 0; d < loss->dim; d++) {
            const double w = x[d * stride + i] * x[d * stride + i] - 1;
            f[i] += 0.25 * (double)(d + 1) * w * w;
        }
    }
}

static void wells_gradient(const sl_loss *loss, size_t B, size_t stride, const double *x, double *g)
{
    for (size_t d = 0; d < loss->dim; d++)
        for (size_t i = 0; i < B; i++) {
            const double u = x[d * stride + i];
            g[d * stride + i] = (double)(d + 1) * u * (u * u - 1);
        }
}

static sl_loss wells(size_t dim)
{
    static const sl_loss_kind kind = {.entry = {.name = "wells"}, .value = wells_value, .gradient = wells_gradient};
    sl_loss loss;
    assert_ok(sl_loss_init_kind(&loss, &kind, &err));
    loss.dim = dim;
    return loss;
}

static void hessian__is_the_difference_of_gradients(void **state)
{
    (void)state;
    static const char *const names[] = {"quadratic:a=2:spectrum=1,0.1,3", "quadratic:dim=20", "tilted-double-well",
                                        "strict-saddle", "mueller-brown", "bent-double-well"};
    double x[SL_LOSS_MAX_DIM], H[SL_LOSS_MAX_DIM * SL_LOSS_MAX_DIM], up[SL_LOSS_MAX_DIM], down[SL_LOSS_MAX_DIM];
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        const sl_loss loss = make(names[k]);
        const size_t n = loss.dim;
        for (size_t d = 0; d < n; d++) x[d] = 0.3 + 0.1 * (double)d;
        sl_loss_hessian(&loss, x, H);
        for (size_t d = 0; d < n; d++) {
            const double h = 1e-5, at = x[d];
            x[d] = at + h;
            sl_loss_gradient(&loss, x, up);
            x[d] = at - h;
            sl_loss_gradient(&loss, x, down);
            x[d] = at;
            for (size_t i = 0; i < n; i++) {
                assert_near(H[i * n + d], (up[i] - down[i]) / (2 * h), 1e-7); /* h^2 f''''/6 ~ 1e-8 on mueller-brown */
                assert_near(H[i * n + d], H[d * n + i], 0);
            }
        }
    }
}

static void double_well__has_three_points(void **state)
{
    (void)state;
    const sl_loss loss = make("double-well");
    const sl_landscape *l = find(&loss, -2, 2.1);
    static const double x[] = {-1, 1, 0}, curvature[] = {2, 2, -1};
    assert_int_equal(l->n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_near(l->point[i].x[0], x[i], 1e-14);
        assert_near(l->point[i].eigenvalue[0], curvature[i], 1e-13);
        assert_int_equal(l->point[i].index, i == 2);
    }
    assert_near(l->point[2].f, 0.25, 1e-15);
    assert_int_equal(l->point[0].joins[0], SL_LANDSCAPE_POINTS);
    assert_int_equal(l->point[2].joins[0], 0);
    assert_int_equal(l->point[2].joins[1], 1);
}

/* The roots of x^3 - x + 0.1 (mpmath, 25 digits): the left well is the lower one. */
static void tilted_double_well__has_its_roots(void **state)
{
    (void)state;
    const sl_loss loss = make("tilted-double-well:tilt=0.1");
    const sl_landscape *l = find(&loss, -2, 2);
    static const double x[] = {-1.046680531804602261, 0.945649273923591443, 0.1010312578810108177};
    assert_int_equal(l->n, 3);
    for (size_t i = 0; i < 3; i++) assert_near(l->point[i].x[0], x[i], 1e-14);
    size_t a, s, b;
    const double right[] = {0.5}, left[] = {-3};
    assert_ok(sl_landscape_path(&a, &s, &b, l, right, left, &err));
    assert_int_equal(a, 1);
    assert_int_equal(s, 2);
    assert_int_equal(b, 0);
    const sl_loss steep = make("tilted-double-well:tilt=1"); /* one well is left */
    l = find(&steep, -2, 2);
    assert_int_equal(l->n, 1);
    assert_int_equal(l->point[0].index, 0);
}

/* 1 - cos x: whatever the box, one minimum and one saddle a period, and the saddle joins the minimum to itself. */
static void periodic__counts_images_as_one(void **state)
{
    (void)state;
    static const double boxes[][2] = {{-M_PI, M_PI}, {0, 2 * M_PI}, {-0.5, 20}, {-1, 5.5}};
    const sl_loss loss = make("periodic");
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        const sl_landscape *l = find(&loss, boxes[i][0], boxes[i][1]);
        assert_int_equal(l->n, 2);
        assert_near(remainder(l->point[0].x[0], 2 * M_PI), 0, 1e-12);
        assert_near(fabs(remainder(l->point[1].x[0], 2 * M_PI)), M_PI, 1e-12);
        for (size_t k = 0; k < 2; k++)
            assert_true(l->point[k].x[0] >= boxes[i][0] - 1e-5 && l->point[k].x[0] <= boxes[i][1]);
        assert_int_equal(l->point[1].joins[0], 0);
        assert_int_equal(l->point[1].joins[1], 0);
        size_t a, s, b;
        const double here[] = {0}, next[] = {2 * M_PI};
        assert_fails(sl_landscape_path(&a, &s, &b, l, here, next, &err), SL_E_DOMAIN, "begins and ends");
    }
    const sl_landscape *l = find(&loss, 1, 4); /* without a minimum */
    assert_int_equal(l->n, 1);
    assert_int_equal(l->point[0].joins[0], SL_LANDSCAPE_POINTS);
}

static void saddles__join_what_lies_below(void **state)
{
    (void)state;
    const sl_loss strict = make("strict-saddle");
    const sl_landscape *l = find(&strict, -2, 2);
    assert_int_equal(l->n, 3);
    assert_near(l->point[0].x[1], -1, 1e-14);
    assert_near(l->point[1].x[1], 1, 1e-14);
    assert_near(l->point[2].eigenvalue[0], -1, 1e-14);
    assert_near(l->point[2].eigenvalue[1], 1, 1e-14);
    assert_int_equal(l->point[2].joins[0], 0);
    assert_int_equal(l->point[2].joins[1], 1);
    const sl_loss open = make("quadratic-saddle:dim=5:index=1:a=0.7:gamma=1.3");
    l = find(&open, -1, 1);
    assert_int_equal(l->n, 1);
    assert_int_equal(l->point[0].index, 1);
    assert_near(l->point[0].eigenvalue[0], -1.3, 1e-12);
    assert_near(l->point[0].eigenvalue[4], 0.7, 1e-12);
    assert_int_equal(l->point[0].joins[0], SL_LANDSCAPE_POINTS);
    assert_int_equal(l->point[0].joins[1], SL_LANDSCAPE_POINTS);
    size_t a, s, b;
    const double x[5] = {0};
    assert_fails(sl_landscape_path(&a, &s, &b, l, x, x, &err), SL_E_DOMAIN, "no minimum");
}

/* The five points of Mueller and Brown's surface: mpmath, 25 digits, f and Hessian by its own differentiation. */
static void mueller_brown__has_its_five_points(void **state)
{
    (void)state;
    static const struct {
        double x, y, f, low, high;
        size_t index;
    } expected[] = {
        {-0.558223634633024277, 1.44172584180466866, -146.699517209954014, 410.531134692889, 4068.19895502649, 0},
        {0.62349940493087651, 0.0280377585286856657, -108.166724116852355, 543.83618901862, 3005.39586453268, 0},
        {-0.0500108229982060578, 0.466694104871972088, -80.7678181296590282, 221.037472872321, 1479.19702201283, 0},
        {0.212486582000662007, 0.292988325107367765, -72.2489401123252115, -735.247262111365, 510.886565472547, 1},
        {-0.822001558732732097, 0.624312802814871361, -40.6648435086574043, -750.862662839277, 490.240708059631, 1},
    };
    const sl_loss loss = make("mueller-brown:scale=0.01");
    const double lo[] = {-1.7, -0.4}, hi[] = {1.3, 2.1}, deep[] = {-0.5, 1.5}, far[] = {0.6, 0}, middle[] = {0, 0.5};
    sl_landscape l;
    assert_ok(sl_landscape_find(&l, &loss, lo, hi, &err));
    assert_int_equal(l.n, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_near(l.point[i].x[0], expected[i].x, 1e-13);
        assert_near(l.point[i].x[1], expected[i].y, 1e-13);
        assert_close(l.point[i].f, expected[i].f / 100, 1e-14);
        assert_close(l.point[i].eigenvalue[0], expected[i].low / 100, 1e-11);
        assert_close(l.point[i].eigenvalue[1], expected[i].high / 100, 1e-11);
        assert_int_equal(l.point[i].index, expected[i].index);
    }
    size_t a, s, b;
    assert_ok(sl_landscape_path(&a, &s, &b, &l, deep, far, &err)); /* over both saddles: the higher one counts */
    assert_true(a == 0 && s == 4 && b == 1);
    assert_ok(sl_landscape_path(&a, &s, &b, &l, middle, far, &err));
    assert_true(a == 2 && s == 3 && b == 1);
    assert_ok(sl_landscape_path(&a, &s, &b, &l, middle, deep, &err));
    assert_true(a == 2 && s == 4 && b == 0);
}

/* (x^2 - 1)^2/4 + a (y - b (x^2 - 1))^2/2: minima at (-1, 0), (1, 0), where det H = 2a, saddle at (0, -b). */
static void bent_double_well__has_its_points(void **state)
{
    (void)state;
    const sl_loss loss = make("bent-double-well:a=3:b=0.5");
    const sl_landscape *l = find(&loss, -2, 2);
    assert_int_equal(l->n, 3);
    for (size_t i = 0; i < 2; i++) {
        assert_near(l->point[i].x[0], i == 0 ? -1 : 1, 1e-13);
        assert_near(l->point[i].x[1], 0, 1e-13);
        assert_close(l->point[i].eigenvalue[0] * l->point[i].eigenvalue[1], 6.0, 1e-12);
    }
    assert_near(l->point[2].x[1], -0.5, 1e-13);
    assert_near(l->point[2].eigenvalue[0], -1, 1e-12);
    assert_near(l->point[2].eigenvalue[1], 3, 1e-12);
    assert_int_equal(l->point[2].joins[0], 0);
    assert_int_equal(l->point[2].joins[1], 1);
}

/* Three double wells of weights 1, 2, 3: 3^3 points; a saddle of index 1 joins two minima that differ in one sign. */
static void wells__in_three_dimensions(void **state)
{
    (void)state;
    const sl_loss loss = wells(3);
    const sl_landscape *l = find(&loss, -1.6, 1.6);
    size_t of_index[4] = {0};
    assert_int_equal(l->n, 27);
    for (size_t i = 0; i < 27; i++) {
        const sl_stationary_point *p = &l->point[i];
        of_index[p->index]++;
        if (i > 0) assert_true(p->f >= l->point[i - 1].f - 1e-12);
        if (p->index != 1) continue;
        for (size_t d = 0; d < 3; d++) {
            const double left = l->point[p->joins[0]].x[d], right = l->point[p->joins[1]].x[d];
            assert_near((left + right) / 2, p->x[d], 1e-10);
        }
    }
    for (size_t k = 0; k < 4; k++) assert_int_equal(of_index[k], ((size_t[]){8, 12, 6, 1})[k]);
    /* From corner to corner the lowest way turns all three signs; its highest saddle is that of weight 3, f = 3/4. */
    size_t a, s, b;
    const double from[] = {-1, -1, -1}, to[] = {1, 1, 1}, near[] = {1, 1, -1};
    assert_ok(sl_landscape_path(&a, &s, &b, l, from, to, &err));
    assert_near(l->point[s].f, 0.75, 1e-12);
    assert_ok(sl_landscape_path(&a, &s, &b, l, from, near, &err));
    assert_near(l->point[s].f, 0.5, 1e-12);
}

static void landscape_find__refuses_bad_input(void **state)
{
    (void)state;
    static sl_landscape l;
    l.n = 7;
    const double lo[4] = {-2, -2, -2, -2}, hi[4] = {2, 2, 2, 2}, nan[] = {NAN}, inf[] = {INFINITY};
    const sl_loss well = make("double-well"), quartic = make("quartic"), many = wells(4),
                  wide = make("quadratic:dim=9");
    assert_fails(sl_landscape_find(&l, &well, hi, lo, &err), SL_E_DOMAIN, "lo < hi");
    assert_fails(sl_landscape_find(&l, &well, nan, hi, &err), SL_E_DOMAIN, "coordinate 0");
    assert_fails(sl_landscape_find(&l, &well, lo, inf, &err), SL_E_DOMAIN, "inf");
    assert_fails(sl_landscape_find(&l, &wide, lo, hi, &err), SL_E_DOMAIN, "9 dimensions");
    assert_fails(sl_landscape_find(&l, &quartic, lo, hi, &err), SL_E_NUMERIC, "degenerate");
    assert_fails(sl_landscape_find(&l, &many, lo, hi, &err), SL_E_NUMERIC, "more than 64");
    assert_int_equal(l.n, 7);
    size_t a, s, b;
    const sl_loss saddle = make("double-well");
    const sl_landscape *apart = find(&saddle, -2, 2);
    sl_landscape cut = *apart; /* without its saddle */
    cut.n = 2;
    assert_fails(sl_landscape_path(&a, &s, &b, &cut, lo, hi, &err), SL_E_DOMAIN, "no way over saddles");
    assert_fails(sl_landscape_path(&a, &s, &b, apart, lo, lo, &err), SL_E_DOMAIN, "begins and ends");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hessian__is_the_difference_of_gradients),
        cmocka_unit_test(double_well__has_three_points),
        cmocka_unit_test(tilted_double_well__has_its_roots),
        cmocka_unit_test(periodic__counts_images_as_one),
        cmocka_unit_test(saddles__join_what_lies_below),
        cmocka_unit_test(mueller_brown__has_its_five_points),
        cmocka_unit_test(bent_double_well__has_its_points),
        cmocka_unit_test(wells__in_three_dimensions),
        cmocka_unit_test(landscape_find__refuses_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
