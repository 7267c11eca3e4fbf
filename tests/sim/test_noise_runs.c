/* Gradient noise at work: in ensembles and in first exits. Fixed seeds. */
#include "tests/sim/noise.h"

#include "sim/escape/exit.h"

/* ---- in ensembles ---- */

static void set_up(sl_sgd *s, const char *model, const char *loss, double l, double s2)
{
    *s = (sl_sgd){.noise_variance = s2, .ensemble = {.seed = 5, .replicas = 1024, .steps = 2000, .burn_in = 400}};
    make(&s->noise, &s->loss, model, loss);
    assert_ok(sl_rule_init(&s->rule, "plain", SL_ALPHA_ON_STEP, l, 0, 0, &err));
    assert_ok(sl_schedule_init(&s->schedule, "constant", l, 1, 2400, &err));
}

/* x' = (1 - l a) x - l n: <x_d^2> = l s_d / (a_d (2 - l a_d)) for any noise of variance s_d, whatever its law. */
static void run__quadratic_has_its_stationary_variance(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        double s[2];
    } cases[] = {{"gaussian", {2, 2}},
                 {"anisotropic:spectrum=0.5,3", {1, 6}},
                 {"anisotropic:spectrum=4,1:angle=30", {6.5, 3.5}},
                 {"bounded:law=sphere", {2, 2}},
                 {"bounded:law=cube", {2, 2}},
                 {"bounded:law=signs", {2, 2}},
                 {"stable:alpha=2", {2, 2}},
                 {"hessian:h0=2", {1, 3}},
                 {"hessian:power=2", {2, 18}}};
    const double l = 0.1, a[2] = {1, 3};
    for (size_t m = 0; m < sizeof cases / sizeof *cases; m++) {
        sl_sgd s;
        sl_observed o;
        set_up(&s, cases[m].model, "quadratic:spectrum=1,3", l, 2);
        assert_false(s.noise.depends_on_x);
        assert_ok(sl_sgd_run(&o, &s, &err));
        for (size_t d = 0; d < 2; d++) {
            const double x2 = l * cases[m].s[d] / (a[d] * (2 - l * a[d]));
            assert_within(o.coordinate[d].x2, x2, "x2", cases[m].model);
            assert_true(o.coordinate[d].x2.se < 0.01 * x2);
        }
        sl_observed_clear(&o);
    }
}

/* Heavy tails have a stationary law, too, if no variance: at alpha = 1 it is Cauchy's of scale l s / (1 - (1 - l a)) =
 * s / a, s = sqrt(s2/2), half of which lies within +- s/a and 3/4 within tan(3 pi/8) of that. */
static void run__cauchy_noise_has_its_stationary_law(void **state)
{
    (void)state;
    const double s2 = 0.5, scale = sqrt(s2 / 2) / 2, wide[] = {1, tan(3 * M_PI / 8)}, mass[] = {0.5, 0.75};
    for (size_t c = 0; c < 2; c++) {
        sl_sgd s;
        sl_observed o;
        set_up(&s, "stable:alpha=1", "quadratic:a=2", 0.1, s2);
        const double half = scale * wide[c];
        s.ensemble.histogram = (sl_histogram_spec){-half, half, 1};
        assert_ok(sl_sgd_run(&o, &s, &err));
        assert_within(sl_scaled(2 * half, o.density[0]), mass[c], "mass", "Cauchy");
        assert_true(o.density[0].se * 2 * half < 0.005);
        sl_observed_clear(&o);
    }
}

/* Least squares by batches of one: with y = x - x*, r = residual at the minimum x*, y' = (1 - l a a') y - l r a.
 * E y = 0 is stationary, and M = E y y' is the fixed point of M' = E (1 - l a a') M (1 - l a a') + l^2 E r^2 a a', the
 * cross terms being linear in E y; expectations by going through all samples. */
static void run__minibatches_have_their_stationary_covariance(void **state)
{
    (void)state;
    const double l = 0.2;
    double H[2][2] = {{0}}, b[2] = {0}, M[2][2] = {{0}};
    for (size_t k = 0; k < SAMPLES; k++)
        for (size_t d = 0; d < 2; d++) {
            b[d] += rows[k][d] * rows[k][2] / SAMPLES;
            for (size_t e = 0; e < 2; e++) H[d][e] += rows[k][d] * rows[k][e] / SAMPLES;
        }
    const double det = H[0][0] * H[1][1] - H[0][1] * H[1][0];
    const double star[2] = {(H[1][1] * b[0] - H[0][1] * b[1]) / det, (H[0][0] * b[1] - H[1][0] * b[0]) / det};
    for (int iteration = 0; iteration < 2000; iteration++) {
        double next[2][2] = {{0}};
        for (size_t k = 0; k < SAMPLES; k++) {
            const double *a = rows[k], r = residual(k, star[0], star[1]);
            const double P[2][2] = {{1 - l * a[0] * a[0], -l * a[0] * a[1]}, {-l * a[1] * a[0], 1 - l * a[1] * a[1]}};
            for (size_t d = 0; d < 2; d++)
                for (size_t e = 0; e < 2; e++) {
                    for (size_t i = 0; i < 2; i++)
                        for (size_t j = 0; j < 2; j++) next[d][e] += P[d][i] * M[i][j] * P[e][j] / SAMPLES;
                    next[d][e] += l * l * r * r * a[d] * a[e] / SAMPLES;
                }
        }
        memcpy(M, next, sizeof M);
    }
    sl_sgd s;
    sl_observed o;
    set_up(&s, "minibatch", "squares", l, 1);
    assert_ok(sl_sgd_run(&o, &s, &err));
    for (size_t d = 0; d < 2; d++) {
        assert_within(o.coordinate[d].x, star[d], "x", "minibatch");
        assert_within(o.coordinate[d].x2, star[d] * star[d] + M[d][d], "x2", "minibatch");
        assert_true(M[d][d] > 20 * Z * o.coordinate[d].x2.se); /* the noise is seen */
    }
    sl_observed_clear(&o);
}

static void run__depends_on_neither_threads_nor_what_was_there(void **state)
{
    (void)state;
    static const char *const models[] = {"gaussian", "anisotropic:spectrum=4,1:angle=30", "hessian",
                                         "hessian:power=2", "stable:alpha=1.5", "stable:alpha=1.2:law=isotropic",
                                         "bounded", "bounded:law=cube", "bounded:law=signs"};
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        sl_observed o[2];
        for (int jobs = 1; jobs <= 2; jobs++) {
            sl_sgd s;
            set_up(&s, models[m], "strict-saddle", 0.05, 0.1);
            s.ensemble.replicas = 700, s.ensemble.steps = 200, s.ensemble.burn_in = 10;
            s.ensemble.jobs = jobs;
            s.ensemble.kill_radius = 10;
            assert_true(sl_sgd_run(&o[jobs - 1], &s, NULL) >= 0);
        }
        assert_memory_equal(o[0].coordinate, o[1].coordinate, 2 * sizeof *o[0].coordinate);
        sl_observed_clear(&o[0]);
        sl_observed_clear(&o[1]);
    }
    sl_observed named, zeroed;
    sl_sgd s;
    set_up(&s, "gaussian", "double-well", 0.1, 1);
    s.ensemble.steps = 100;
    assert_ok(sl_sgd_run(&named, &s, &err));
    s.noise = (sl_noise){0};
    assert_ok(sl_sgd_run(&zeroed, &s, &err));
    assert_memory_equal(named.coordinate, zeroed.coordinate, sizeof *named.coordinate);
    double covariance;
    assert_ok(sl_noise_covariance(&covariance, &s.noise, &s.loss, 0.3, s.loss.start, &err));
    assert_near(covariance, 0.3, 0);
    sl_observed_clear(&named);
    sl_observed_clear(&zeroed);
}

/* ---- in first exits, whose lanes draw from streams of their own ---- */

/* The fraction that one step x0 - l (grad f + n) takes out of the ball of that radius around x0. */
static sl_estimate out_at_once(const char *model, const char *loss, double s2, const double *x0, double radius)
{
    enum { R = 100000 };
    sl_sgd s;
    sl_exits e;
    set_up(&s, model, loss, 0.5, s2);
    s.ensemble = (sl_ensemble){.seed = 3, .replicas = R, .steps = 1, .start = x0};
    sl_escape how = {0};
    sl_region_ball(&how.region, x0, s.loss.dim, radius);
    assert_ok(sl_sgd_escape(&e, &s, &how, &err));
    const double p = (double)e.exited / R;
    sl_exits_clear(&e);
    return (sl_estimate){p, sqrt(p * (1 - p) / R), INFINITY};
}

static void escape__draws_from_the_same_laws(void **state)
{
    (void)state;
    const double origin[3] = {0}, s2 = 2; /* sigma = 1; l n > r is n > 2 r */
    const char *const line = "quadratic", *const space = "quadratic:dim=3";
    assert_within(out_at_once("gaussian", line, s2, origin, 1), erfc(1), "P", "gaussian");
    assert_within(out_at_once("anisotropic:spectrum=4", line, s2, origin, 1), erfc(0.5), "P", "anisotropic");
    for (double r = 0.5; r < 100; r *= 5) {
        const double p = 1 - 2 / M_PI * atan(2 * r);
        assert_within(out_at_once("stable:alpha=1", line, s2, origin, r), p, "P", "Cauchy");
        assert_within(out_at_once("stable:alpha=1:law=isotropic", line, s2, origin, r), p, "P", "Cauchy, isotropic");
    }
    /* |n| of Cauchy's law in space: density (4/pi) r^2 / (1 + r^2)^2, P(|n| > 2) = 1 - (2/pi) (atan 2 - 2/5) */
    assert_within(out_at_once("stable:alpha=1:law=isotropic", space, s2, origin, 1),
                  1 - 2 / M_PI * (atan(2) - 0.4), "P", "Cauchy, isotropic in space");
    assert_within(out_at_once("bounded", space, s2, origin, 0.5 * sqrt(6) * (1 - 1e-12)), 1, "P", "sphere, within");
    assert_within(out_at_once("bounded", space, s2, origin, 0.5 * sqrt(6) * (1 + 1e-12)), 0, "P", "sphere, beyond");
    assert_within(out_at_once("bounded:law=cube", line, s2, origin, 0.5), 1 - 1 / sqrt(6), "P", "cube");
    /* f'' = 3 x^2 - 1 = 2 and f' = 0 at x = 1: n ~ N(0, 4), or 2 N(0, 2) for power 2 */
    const double well = 1;
    assert_within(out_at_once("hessian", "double-well", s2, &well, 1), erfc(1 / sqrt(2)), "P", "hessian");
    assert_within(out_at_once("hessian:power=2", "double-well", s2, &well, 1), erfc(0.5), "P", "hessian, power 2");
    double p = 0;
    for (size_t k = 0; k < SAMPLES; k++)
        for (size_t j = 0; j < SAMPLES; j++) {
            double g[2];
            for (size_t d = 0; d < 2; d++)
                g[d] = (residual(k, at_x[0], at_x[1]) * rows[k][d] + residual(j, at_x[0], at_x[1]) * rows[j][d]) / 2;
            if (hypot(g[0], g[1]) > 1) p += 1. / (SAMPLES * SAMPLES);
        }
    assert_true(p > 0.1 && p < 0.9);
    assert_within(out_at_once("minibatch:size=2", "squares", 1, at_x, 0.5), p, "P", "minibatch");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run__quadratic_has_its_stationary_variance),
        cmocka_unit_test(run__cauchy_noise_has_its_stationary_law),
        cmocka_unit_test(run__minibatches_have_their_stationary_covariance),
        cmocka_unit_test(run__depends_on_neither_threads_nor_what_was_there),
        cmocka_unit_test(escape__draws_from_the_same_laws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
