#include "tests/test.h"

#include "optim/schedule.h"

/* One of each family, and the variants that take another way through the code. */
static const char *const every[] = {
    "constant",
    "constant:warmup=3",
    "random",
    "random:delta=0.5:warmup=2:warmup-from=0",
    "random:delta=0",
    "plrs:min=0.07:max=0.1",
    "cyclic:period=3",
    "cyclic:period=2:per-step=1:warmup=1.3",
    "triangular:min=0.01:up=2:down=5",
    "triangular:up=7:in-steps=1",
    "cosine",
    "cosine:min=0.02:per-step=0:warmup=2",
    "cosine-restarts",
    "cosine-restarts:first=3:factor=1:min=0.01:per-step=0",
    "linear",
    "linear:end=2:per-step=0",
    "poly:p=0.5:end=0.01",
    "poly:p=3:warmup=1",
    "inverse-sqrt",
    "inverse-sqrt:per-step=0",
    "exponential:gamma=0.9",
    "exponential:gamma=0.01:per-step=1",
    "step:every=2",
    "step:every=0.5:gamma=0",
    "multi-step:milestones=2,5,5:gamma=0.3",
    "multi-step:milestones=1,4:gamma=2,0.1",
    "knee:flat=4",
    "knee:flat=2.5:per-step=0:warmup=1",
    "one-cycle",
    "table:file=tests/optim/rates.dat",
    "table:file=tests/optim/rates.dat:against=step:column=3:warmup=1",
    "one-cycle:up=0.45:three-phase=1:cos=0:div=10:final-div=10:warmup=1",
};
enum { EVERY = sizeof every / sizeof *every, SPE = 10, TOTAL = 100 };

static sl_schedule make(const char *text, double lr, uint64_t steps_per_epoch, uint64_t total_steps)
{
    sl_schedule s;
    assert_ok(sl_schedule_init(&s, text, lr, steps_per_epoch, total_steps, &err));
    return s;
}

static double at(const sl_schedule *s, uint64_t step)
{
    return sl_schedule_lr(s, 1, 0, step);
}

/* ---- PyTorch ---- */

static void lr__agrees_with_torch(void **state)
{
    (void)state;
    FILE *f = fopen("tests/optim/fixtures/schedules.txt", "r");
    assert_non_null(f);
    char text[200];
    double lr;
    unsigned long spe, total, n, blocks = 0;
    while (fscanf(f, "%199s %lf %lu %lu %lu", text, &lr, &spe, &total, &n) == 5) {
        const sl_schedule s = make(text, lr, spe, total);
        for (uint64_t k = 0; k < n; k++) {
            double expected;
            assert_int_equal(fscanf(f, "%lf", &expected), 1);
            const double got = at(&s, k);
            if (!(fabs(got - expected) <= 1e-12 * expected))
                fail_msg("%s, step %lu: %.17g, PyTorch has %.17g", text, (unsigned long)k, got, expected);
        }
        blocks++;
    }
    fclose(f);
    assert_int_equal(blocks, 23);
}

/* ---- first, last and joint steps, by hand ---- */

static void lr__has_its_end_points(void **state)
{
    (void)state;
    enum { MAX_POINTS = 8 };
    const struct {
        const char *text;
        double lr;
        uint64_t steps_per_epoch, total;
        struct {
            uint64_t step;
            double rate;
        } at[MAX_POINTS]; /* up to the first repeated step 0 */
    } cases[] = {
        {"constant", 0.1, 1, 100, {{0, 0.1}, {99, 0.1}, {100, 0.1}}},
        {"constant:warmup=4:warmup-from=0.2", 0.1, 1, 100, {{0, 0.02}, {1, 0.04}, {3, 0.08}, {4, 0.1}, {5, 0.1}}},
        {"constant:warmup=4", 0.1, 1, 100, {{0, 0.1 / 3}, {1, 0.05}, {4, 0.1}}},
        {"constant:warmup=0.5:warmup-from=0", 0.1, 10, 100, {{0, 0}, {1, 0.02}, {4, 0.08}, {5, 0.1}}},
        {"cyclic:period=6", 0.1, 4, 100,
         {{0, 0.2}, {3, 0.2}, {4, 0.18660254037844386}, {12, 0.1}, {24, 0}, {27, 0}, {47, 0.18660254037844386},
          {48, 0.2}}},
        {"cyclic:period=6:per-step=1", 0.1, 4, 100,
         {{0, 0.2}, {2, 0.19659258262890683}, {12, 0.1}, {24, 0}, {48, 0.2}}},
        {"cyclic:warmup=2", 0.1, 3, 100, {{0, 0.2 / 3}, {3, 0.4 / 3}, {6, 0.2}, {8, 0.2}, {9, 0.18660254037844386}}},
        {"triangular:min=0.02:up=4:down=2", 0.1, 1, 100,
         {{0, 0.02}, {2, 0.06}, {4, 0.1}, {5, 0.06}, {6, 0.02}, {10, 0.1}, {12, 0.02}}},
        {"triangular:up=2", 0.1, 5, 100, {{0, 0}, {1, 0.01}, {10, 0.1}, {19, 0.01}, {20, 0}, {30, 0.1}}},
        {"triangular:up=2:down=4:in-steps=1", 0.1, 5, 100, {{0, 0}, {1, 0.05}, {2, 0.1}, {5, 0.025}, {6, 0}}},
        {"cosine", 0.1, 1, 100,
         {{0, 0.1}, {50, 0.05}, {99, 2.4671981713422148e-05}, {100, 0}, {101, 0}, {1000000, 0}}},
        {"cosine:min=0.02", 0.1, 1, 100, {{0, 0.1}, {50, 0.06}, {100, 0.02}, {5000, 0.02}}},
        {"cosine:per-step=0", 0.1, 10, 100, {{0, 0.1}, {9, 0.1}, {10, 0.09755282581475769}, {99, 0.00244717418524232}}},
        {"cosine:warmup=10:warmup-from=0.5", 0.1, 1, 110, {{0, 0.05}, {9, 0.095}, {10, 0.1}, {60, 0.05}, {110, 0}}},
        {"cosine-restarts:first=1:factor=2:min=0.02", 0.1, 10, 100,
         {{0, 0.1}, {5, 0.06}, {9, 0.021957739348193858}, {10, 0.1}, {20, 0.06}, {30, 0.1}, {70, 0.1}, {110, 0.06}}},
        {"cosine-restarts:first=2:factor=1", 0.1, 1, 100, {{0, 0.1}, {1, 0.05}, {2, 0.1}, {3, 0.05}, {1000000, 0.1}}},
        {"linear", 0.1, 1, 10, {{0, 0.1}, {1, 0.09}, {9, 0.01}, {10, 0}, {11, 0}}},
        {"linear:end=1", 0.1, 1, 10, {{0, 0.1}, {5, 0.55}, {9, 0.91}, {10, 1}, {11, 1}}},
        {"linear:per-step=0", 0.1, 4, 10, {{0, 0.1}, {3, 0.1}, {4, 0.06}, {8, 0.02}, {9, 0.02}, {12, 0}}},
        {"poly:p=2", 0.1, 1, 10, {{0, 0.1}, {5, 0.025}, {9, 0.001}, {10, 0}, {11, 0}}},
        {"poly:p=3:end=0.02", 0.1, 1, 10, {{0, 0.1}, {5, 0.03}, {10, 0.02}, {11, 0.02}}},
        {"inverse-sqrt", 0.1, 7, 100, {{0, 0.1}, {3, 0.05}, {99, 0.01}, {9999, 0.001}}},
        {"inverse-sqrt:per-step=0", 0.1, 2, 100, {{0, 0.1}, {1, 0.1}, {6, 0.05}, {7, 0.05}}},
        {"exponential:gamma=0.25", 0.1, 2, 100, {{0, 0.1}, {1, 0.1}, {2, 0.025}, {3, 0.025}, {4, 0.00625}}},
        {"exponential:gamma=0.25:per-step=1", 0.1, 2, 100, {{0, 0.1}, {1, 0.05}, {2, 0.025}, {4, 0.00625}}},
        {"step:every=3", 0.1, 2, 100, {{0, 0.1}, {5, 0.1}, {6, 0.01}, {11, 0.01}, {12, 0.001}}},
        {"multi-step:milestones=60,120:gamma=0.04,0.2", 0.2, 3, 600,
         {{0, 0.2}, {179, 0.2}, {180, 0.008}, {359, 0.008}, {360, 0.0016}, {599, 0.0016}, {99999, 0.0016}}},
        {"multi-step:milestones=60,60,120:gamma=0.2", 0.2, 1, 200, {{0, 0.2}, {59, 0.2}, {60, 0.008}, {120, 0.0016}}},
        {"multi-step:milestones=0.5", 0.1, 4, 8, {{0, 0.1}, {1, 0.1}, {2, 0.01}, {7, 0.01}}},
        {"knee:flat=6", 0.1, 1, 10, {{0, 0.1}, {5, 0.1}, {6, 0.1}, {7, 0.075}, {9, 0.025}, {10, 0}, {11, 0}}},
        {"knee:flat=2:per-step=0", 0.1, 4, 16, {{0, 0.1}, {11, 0.1}, {12, 0.05}, {15, 0.05}, {16, 0}}},
        {"one-cycle", 0.1, 1, 100, {{0, 0.004}, {29, 0.1}, {64, 0.0500002}, {99, 4e-7}, {100, 4e-7}, {5000, 4e-7}}},
        {"one-cycle:up=0.45:three-phase=1:cos=0:div=10:final-div=10", 0.1, 1, 100,
         {{0, 0.01}, {22, 0.055}, {44, 0.1}, {66, 0.055}, {88, 0.01}, {99, 0.001}, {100, 0.001}}},
        {"one-cycle:warmup=10", 0.1, 1, 110, {{0, 0.004 / 3}, {10, 0.004}, {39, 0.1}, {109, 4e-7}}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const sl_schedule s = make(cases[c].text, cases[c].lr, cases[c].steps_per_epoch, cases[c].total);
        for (size_t i = 0; i < MAX_POINTS && (i == 0 || cases[c].at[i].step > 0); i++) {
            const double got = at(&s, cases[c].at[i].step), expected = cases[c].at[i].rate;
            if (!(fabs(got - expected) <= 4e-15 * expected)) /* some 20 roundings; a rate of 0 is 0 */
                fail_msg("%s, step %lu: %.17g, expected %.17g", cases[c].text, (unsigned long)cases[c].at[i].step, got,
                         expected);
        }
    }
}

/* After a warm-up of W steps the schedule is the one without it, over what is left of the run; before it, a straight
 * line that would meet it at step W. */
static void warmup__shifts_the_clock_and_joins(void **state)
{
    (void)state;
    const char *plain[] = {"constant", "cyclic:period=3", "triangular:min=0.01:up=2", "cosine:min=0.02",
                           "cosine-restarts", "linear", "poly:p=3", "inverse-sqrt", "exponential:gamma=0.9",
                           "step:every=2", "multi-step:milestones=2,5", "knee:flat=3", "one-cycle"};
    enum { W = 13 }; /* steps: 1.3 epochs, so the clock's epochs are not those of the run */
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        char text[200];
        snprintf(text, sizeof text, "%s:warmup=1.3:warmup-from=0.25", plain[i]);
        const sl_schedule warm = make(text, 0.1, SPE, TOTAL + W), cold = make(plain[i], 0.1, SPE, TOTAL);
        for (uint64_t k = 0; k < 2 * TOTAL; k++) assert_near(at(&warm, W + k), at(&cold, k), 0);
        for (uint64_t k = 0; k <= W; k++)
            assert_near(at(&warm, k), at(&cold, 0) * (0.25 + 0.75 * (double)k / W), 1e-16);
    }
}

/* 0.07 * 100 is a bit more than 7, 0.29 * 100 a bit less than 29: times in epochs are whole steps all the same. */
static void times__are_rounded_to_whole_steps(void **state)
{
    (void)state;
    const double first = 0.1;
    const sl_schedule early = make("multi-step:milestones=0.07,0.29", first, 100, 1000);
    assert_near(at(&early, 6), first, 0);
    assert_close(at(&early, 7), first / 10, 1e-15);
    assert_close(at(&early, 28), first / 10, 1e-15);
    assert_close(at(&early, 29), first / 100, 1e-15);
    const sl_schedule drops = make("step:every=0.07", first, 100, 1000);
    assert_near(at(&drops, 6), first, 0);
    assert_close(at(&drops, 7), first / 10, 1e-15);
    assert_close(at(&drops, 14), first / 100, 1e-15);
    const sl_schedule warm = make("constant:warmup=0.26:warmup-from=0", first, 10, 1000); /* 2.6 steps: 3 */
    assert_close(at(&warm, 1), first / 3, 1e-15);
    assert_close(at(&warm, 2), first * 2 / 3, 1e-15);
    assert_near(at(&warm, 3), first, 0);
    const sl_schedule hat = make("triangular:up=0.07", first, 100, 1000);
    assert_near(at(&hat, 7), first, 0);
    assert_near(at(&hat, 14), 0, 0);
    const sl_schedule bent = make("knee:flat=0.07", first, 100, 107);
    assert_near(at(&bent, 7), first, 1e-16);
    assert_close(at(&bent, 8), first * 0.99, 1e-15);
}

/* (1 + cos pi u)/2 loses all its digits near u = 1; a squared sine of what is left does not. */
static void cosine__keeps_its_digits_at_the_end(void **state)
{
    (void)state;
    const uint64_t T = (uint64_t)1 << 26;
    const sl_schedule s = make("cosine", 1, 1, T);
    const double half_angle = M_PI / 2 / (double)T, expected = half_angle * half_angle; /* sin x = x to 1e-16 */
    assert_close(at(&s, T - 1), expected, 1e-14);
    const double naive = (1 + cos(M_PI * (double)(T - 1) / (double)T)) / 2;
    assert_true(fabs(naive / expected - 1) > 1e-3);
}

/* ---- means ---- */

static void cyclic__has_mean_l_over_2P_epochs(void **state)
{
    (void)state;
    const int periods[] = {1, 2, 6, 18, 30};
    for (size_t i = 0; i < 5; i++)
        for (uint64_t spe = 1; spe <= 7; spe += 6)
            for (int per_step = 0; per_step <= 1; per_step++) {
                char text[60];
                snprintf(text, sizeof text, "cyclic:period=%d:per-step=%d", periods[i], per_step);
                const sl_schedule s = make(text, 0.3, spe, 1000);
                const uint64_t full = 2 * (uint64_t)periods[i] * spe;
                assert_close(sl_schedule_mean(&s, 0, full), 0.3, 1e-14);
                assert_close(sl_schedule_mean(&s, 5, 5 + 3 * full), 0.3, 1e-14);
                if (!per_step) /* half of it, from the top, has one epoch more of l above: l (1 + 1/P) */
                    assert_close(sl_schedule_mean(&s, 0, full / 2), 0.3 * (1 + 1.0 / periods[i]), 1e-14);
            }
}

static void mean__equals_brute_force(void **state)
{
    (void)state;
    for (size_t i = 0; i < EVERY; i++) {
        const sl_schedule s = make(every[i], 0.1, SPE, TOTAL);
        if (sl_schedule_is_random(&s)) continue; /* in test_schedule_random.c */
        const uint64_t ranges[][2] = {{0, TOTAL}, {0, 1}, {17, 18}, {3, 77}, {90, 250}};
        for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
            double sum = 0;
            for (uint64_t k = ranges[r][0]; k < ranges[r][1]; k++) sum += at(&s, k);
            assert_close(sl_schedule_mean(&s, ranges[r][0], ranges[r][1]),
                         sum / (double)(ranges[r][1] - ranges[r][0]), 1e-13);
        }
    }
    const sl_schedule line = make("linear", 0.1, 1, 1000);
    assert_close(sl_schedule_mean(&line, 0, 1000), 0.1 * 1001 / 2000, 1e-13); /* sum of 1..T over T^2 */
    assert_true(isnan(sl_schedule_mean(&line, 5, 5)));
}

/* ---- for every schedule ---- */

static void fill__equals_lr(void **state)
{
    (void)state;
    enum { N = 201 };
    const uint64_t firsts[] = {0, 37, 1024, ((uint64_t)1 << 33) + 5}, steps[] = {0, 1, 9, 10, 57, 99, 100, 5000};
    for (size_t i = 0; i < EVERY; i++) {
        const sl_schedule s = make(every[i], 0.1, SPE, TOTAL);
        for (size_t f = 0; f < 4; f++)
            for (size_t k = 0; k < 8; k++) {
                double rate[N + 1];
                rate[N] = -7;
                sl_schedule_fill(&s, rate, N, 3, firsts[f], steps[k]);
                for (uint64_t r = 0; r < N; r++)
                    assert_near(rate[r], sl_schedule_lr(&s, 3, firsts[f] + r, steps[k]), 0);
                if (sl_schedule_is_random(&s))
                    assert_true(rate[0] != rate[1] || rate[0] == 0); /* 0 where a warm-up starts at 0 */
                else
                    assert_near(rate[0], rate[N - 1], 0);
                assert_near(rate[N], -7, 0);
            }
    }
}

static void lr__stays_finite_and_not_negative(void **state)
{
    (void)state;
    const uint64_t far[] = {100000, 12345678, (uint64_t)1 << 40, ((uint64_t)1 << 48) - 1};
    for (size_t i = 0; i < EVERY; i++) {
        const sl_schedule s = make(every[i], 0.1, SPE, TOTAL);
        for (uint64_t k = 0; k < 5 * TOTAL; k++) assert_true(at(&s, k) >= 0 && at(&s, k) <= 2);
        for (size_t k = 0; k < 4; k++) assert_true(at(&s, far[k]) >= 0 && at(&s, far[k]) <= 2);
    }
}

/* A schedule with a horizon keeps its final rate beyond it. */
static void lr__is_constant_beyond_the_horizon(void **state)
{
    (void)state;
    const char *const finite[] = {"cosine:min=0.02", "linear",      "linear:end=2:per-step=0", "poly:end=0.01",
                                  "knee:flat=4",     "one-cycle",   "one-cycle:three-phase=1:warmup=2"};
    for (size_t i = 0; i < sizeof finite / sizeof *finite; i++) {
        const sl_schedule s = make(finite[i], 0.1, SPE, TOTAL);
        for (uint64_t k = TOTAL; k < 3 * TOTAL; k++) assert_near(at(&s, k), at(&s, TOTAL), 0);
        assert_near(at(&s, (uint64_t)1 << 47), at(&s, TOTAL), 0);
    }
}

static void lr__does_not_depend_on_the_order_of_calls(void **state)
{
    (void)state;
    for (size_t i = 0; i < EVERY; i++) {
        const sl_schedule s = make(every[i], 0.1, SPE, TOTAL);
        double forth[2 * TOTAL];
        for (uint64_t k = 0; k < 2 * TOTAL; k++) forth[k] = at(&s, k);
        const sl_schedule copy = s;
        for (uint64_t k = 2 * TOTAL; k-- > 0;) assert_near(at(&copy, k), forth[k], 0);
        for (uint64_t k = 0, i77 = 0; k < 2 * TOTAL; k++, i77 = (i77 + 77) % (2 * TOTAL))
            assert_near(at(&s, i77), forth[i77], 0);
    }
}

static void spec__printed_gives_the_same_schedule(void **state)
{
    (void)state;
    for (size_t i = 0; i < EVERY; i++) {
        const sl_schedule s = make(every[i], 0.1, SPE, TOTAL);
        char text[1000];
        sl_spec_print(text, sizeof text, &s.spec);
        const sl_schedule again = make(text, 0.1, SPE, TOTAL);
        for (uint64_t k = 0; k < 2 * TOTAL; k++) assert_near(at(&again, k), at(&s, k), 0);
    }
}

static void registry__is_complete(void **state)
{
    (void)state;
    assert_int_equal(sl_n_schedules, 16);
    for (size_t i = 0; i < sl_n_schedules; i++) {
        const sl_entry *e = sl_schedules[i];
        assert_true(strlen(e->help) > 0 && strlen(e->help) < 90);
        assert_non_null(e->source);
        assert_in_range(e->n_params, 2, SL_SPEC_PARAMS);
        assert_string_equal(e->params[e->n_params - 2].name, "warmup");
        assert_string_equal(e->params[e->n_params - 1].name, "warmup-from");
        for (size_t p = 0; p < e->n_params; p++) {
            const sl_param *q = &e->params[p];
            assert_true(strlen(q->help) > 0 && (q->text || q->min < q->max));
            assert_true(q->text || isnan(q->def) || (q->def >= q->min && q->def <= q->max));
        }
        bool tested = false;
        for (size_t k = 0; k < EVERY; k++) {
            const size_t n = strlen(e->name);
            tested |= strncmp(every[k], e->name, n) == 0 && (every[k][n] == ':' || every[k][n] == '\0');
        }
        if (!tested) fail_msg("'%s' is not in the list that these tests go through", e->name);
    }
}

static void is_random_and_is_stationary__tell_the_kinds_apart(void **state)
{
    (void)state;
    const struct {
        const char *text;
        bool random, stationary;
    } cases[] = {
        {"constant", false, true},      {"constant:warmup=1", false, false}, {"random", true, true},
        {"random:delta=0", false, true}, {"random:warmup=1", true, false},    {"plrs:min=0.1:max=0.1", false, true},
        {"plrs:min=0.1:max=0.2", true, true}, {"cyclic", false, false},       {"cosine", false, false},
        {"one-cycle", false, false},    {"step:every=3", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const sl_schedule s = make(cases[i].text, 0.1, SPE, TOTAL);
        assert_int_equal(sl_schedule_is_random(&s), cases[i].random);
        assert_int_equal(sl_schedule_is_stationary(&s), cases[i].stationary);
        if (!cases[i].random) assert_near(sl_schedule_q(&s), 1, 0);
    }
}

/* ---- refusals ---- */

static void init__refuses(void **state)
{
    (void)state;
    const struct {
        const char *text;
        double lr;
        uint64_t steps_per_epoch, total;
        sl_status status;
        const char *message;
    } cases[] = {
        {"cosin", 0.1, 1, 100, SL_E_NAME, "did you mean 'cosine'"},
        {"", 0.1, 1, 100, SL_E_NAME, "constant, random, plrs"},
        {"cosine:mim=0.1", 0.1, 1, 100, SL_E_NAME, "did you mean 'min'"},
        {"constant", 0, 1, 100, SL_E_DOMAIN, "learning rate = 0"},
        {"constant", -0.1, 1, 100, SL_E_DOMAIN, "learning rate = -0.1"},
        {"constant", NAN, 1, 100, SL_E_DOMAIN, "learning rate = "},
        {"constant", INFINITY, 1, 100, SL_E_DOMAIN, "learning rate = inf"},
        {"constant", 0.1, 0, 100, SL_E_DOMAIN, "epoch of 0 steps"},
        {"constant", 0.1, 1, 0, SL_E_DOMAIN, "run of 0 steps"},
        {"constant:warmup=100", 0.1, 1, 100, SL_E_CONFIG, "leaves nothing"},
        {"cosine:warmup=10", 0.1, 10, 99, SL_E_CONFIG, "leaves nothing"},
        {"constant:warmup=-1", 0.1, 1, 100, SL_E_DOMAIN, "warmup = -1"},
        {"constant:warmup-from=1.5", 0.1, 1, 100, SL_E_DOMAIN, "warmup-from = 1.5"},
        {"random:delta=1.01", 0.1, 1, 100, SL_E_DOMAIN, "delta = 1.01"},
        {"random:delta=-0.1", 0.1, 1, 100, SL_E_DOMAIN, "delta = -0.1"},
        {"random:delta=nan", 0.1, 1, 100, SL_E_DOMAIN, "finite"},
        {"plrs", 0.1, 1, 100, SL_E_DOMAIN, "needs min"},
        {"plrs:min=0.1", 0.1, 1, 100, SL_E_DOMAIN, "needs max"},
        {"plrs:min=0.2:max=0.1", 0.1, 1, 100, SL_E_DOMAIN, "min = 0.2 > max = 0.1"},
        {"plrs:min=-0.2:max=0.1", 0.1, 1, 100, SL_E_DOMAIN, "min = -0.2"},
        {"plrs:min=0:max=0", 0.1, 1, 100, SL_E_DOMAIN, "max = 0"},
        {"cyclic:period=0", 0.1, 1, 100, SL_E_DOMAIN, "period = 0"},
        {"cyclic:period=2.5", 0.1, 1, 100, SL_E_DOMAIN, "whole number"},
        {"cyclic:per-step=2", 0.1, 1, 100, SL_E_DOMAIN, "per-step = 2"},
        {"cosine:min=0.2", 0.1, 1, 100, SL_E_DOMAIN, "min = 0.2 > learning rate = 0.1"},
        {"cosine-restarts:min=0.2", 0.1, 1, 100, SL_E_DOMAIN, "min = 0.2 > learning rate = 0.1"},
        {"triangular:min=0.2", 0.1, 1, 100, SL_E_DOMAIN, "min = 0.2 > learning rate = 0.1"},
        {"cosine-restarts:factor=0", 0.1, 1, 100, SL_E_DOMAIN, "factor = 0"},
        {"triangular:up=0", 0.1, 1, 100, SL_E_DOMAIN, "up = 0"},
        {"poly:p=0", 0.1, 1, 100, SL_E_DOMAIN, "p = 0"},
        {"exponential", 0.1, 1, 100, SL_E_DOMAIN, "needs gamma"},
        {"exponential:gamma=1.1", 0.1, 1, 100, SL_E_DOMAIN, "gamma = 1.1"},
        {"step", 0.1, 1, 100, SL_E_DOMAIN, "needs every"},
        {"step:every=0", 0.1, 1, 100, SL_E_DOMAIN, "every = 0"},
        {"step:every=0.4", 0.1, 1, 100, SL_E_CONFIG, "every = 0.4 is shorter than a step"},
        {"triangular:up=0.004", 0.1, 100, 1000, SL_E_CONFIG, "up = 0.004 is shorter than a step"},
        {"triangular:up=3:down=0.3:in-steps=1", 0.1, 100, 1000, SL_E_CONFIG, "down = 0.3 is shorter than a step"},
        {"multi-step", 0.1, 1, 100, SL_E_DOMAIN, "needs milestones"},
        {"multi-step:milestones=5,4", 0.1, 1, 100, SL_E_DOMAIN, "milestone 4 after 5"},
        {"multi-step:milestones=5,6,7:gamma=0.1,0.2", 0.1, 1, 100, SL_E_DOMAIN, "2 gammas for 3 milestones"},
        {"knee", 0.1, 1, 100, SL_E_DOMAIN, "needs flat"},
        {"knee:flat=10", 0.1, 10, 100, SL_E_CONFIG, "leaves nothing"},
        {"knee:flat=5:warmup=5", 0.1, 10, 100, SL_E_CONFIG, "leaves nothing"},
        {"one-cycle:up=0.6:three-phase=1", 0.1, 1, 100, SL_E_DOMAIN, "up <= 0.5"},
        {"one-cycle:up=1", 0.1, 1, 100, SL_E_DOMAIN, "up = 1"},
        {"one-cycle:up=0.3", 0.1, 1, 3, SL_E_CONFIG, "more than one step"},
        {"one-cycle:div=0.5", 0.1, 1, 100, SL_E_DOMAIN, "div = 0.5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static sl_schedule s, before;
        memset(&s, 0x5a, sizeof s);
        before = s;
        assert_fails(sl_schedule_init(&s, cases[i].text, cases[i].lr, cases[i].steps_per_epoch, cases[i].total, &err),
                     cases[i].status, cases[i].message);
        assert_memory_equal(&s, &before, sizeof s);
        assert_int_equal(
            sl_schedule_init(&s, cases[i].text, cases[i].lr, cases[i].steps_per_epoch, cases[i].total, NULL),
            cases[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lr__agrees_with_torch),
        cmocka_unit_test(lr__has_its_end_points),
        cmocka_unit_test(warmup__shifts_the_clock_and_joins),
        cmocka_unit_test(times__are_rounded_to_whole_steps),
        cmocka_unit_test(cosine__keeps_its_digits_at_the_end),
        cmocka_unit_test(cyclic__has_mean_l_over_2P_epochs),
        cmocka_unit_test(mean__equals_brute_force),
        cmocka_unit_test(fill__equals_lr),
        cmocka_unit_test(lr__stays_finite_and_not_negative),
        cmocka_unit_test(lr__is_constant_beyond_the_horizon),
        cmocka_unit_test(lr__does_not_depend_on_the_order_of_calls),
        cmocka_unit_test(spec__printed_gives_the_same_schedule),
        cmocka_unit_test(registry__is_complete),
        cmocka_unit_test(is_random_and_is_stationary__tell_the_kinds_apart),
        cmocka_unit_test(init__refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
