/* sgdlab simulate on least squares: means of iterates, and mini-batches in three orders, against recursions written out
 * step by step here. Statistical limits are 4.5 standard errors, a false alarm in 7 of 10^6 each, at fixed seeds. */
#include "sim/loss.h"
#include "tests/cli/program.h"

enum { MOST = 8 };

/* Second moments of online Gaussian least squares, V of the state, c of the sum of states times the state and s of the
 * sum: diagonals in the features' basis. Excess losses after n steps, and of the mean of states from .. n - 1. */
typedef struct {
    double last, mean;
} excesses;

static excesses step_by_step(const sl_loss *loss, double rate, double C, double noise, double spread, int from, int n)
{
    double V[MOST], c[MOST] = {0}, s[MOST] = {0};
    const size_t d = loss->dim;
    for (size_t i = 0; i < d; i++) V[i] = loss->truth[i] * loss->truth[i] + spread * spread; /* starts at 0 */
    for (int k = 0; k < n; k++) {
        double trace = 0;
        for (size_t i = 0; i < d; i++) trace += loss->data[i] * V[i];
        for (size_t i = 0; i < d; i++) {
            const double a = loss->data[i], y = rate * a, v = V[i];
            if (k >= from) {
                s[i] += 2 * c[i] + v;
                c[i] = (1 - y) * (c[i] + v);
            }
            V[i] = v - 2 * y * v + y * y * v + rate * rate * (a * a * v + a * trace + noise * a) / C;
        }
    }
    excesses e = {0, 0};
    for (size_t i = 0; i < d; i++) {
        e.last += loss->data[i] * V[i] / 2;
        e.mean += loss->data[i] * s[i] / (2.0 * (n - from) * (n - from));
    }
    return e;
}

static const struct {
    const char *loss, *noise, *arguments;
    double rate, C, variance, spread;
    int from, n;
} cases[] = {
    {"least-squares-online:spectrum=1,0.6,0.3,0.15", "online", "--burn-in 0 --steps 200 --iterate average", 0.2, 1, 1, 0,
     0, 200}, /* figure averaging's */
    {"least-squares-online:spectrum=2", "online:size=4", "--burn-in 10 --steps 40 --iterate average --start-spread 2",
     0.3, 4, 1, 2, 10, 50},
    {"least-squares-online:spectrum=1,0.1:noise=0.5:norm=3", "online:size=2",
     "--burn-in 0 --steps 41 --iterate suffix --suffix 0.25 --noise-variance 0.5 --rule plain", 0.25, 4, 0.25, 0, 30, 41},
};

static void iterates__have_their_exact_excess(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char arguments[512];
        snprintf(arguments, sizeof arguments, "simulate --loss %s --noise %s --lr %g %s --replicas 16384 --json --no-save "
                 "--quiet", cases[i].loss, cases[i].noise, cases[i].rate, cases[i].arguments);
        const said *const s = run(arguments);
        if (s->code != 0) fail_msg("sgdlab %s: code %d: %s", arguments, s->code, s->err);
        cJSON *const j = parse_only_json(s->out);
        const cJSON *const r = at(j, "iterates"), *const p = at(r, "predicted");
        sl_loss loss;
        assert_ok(sl_loss_init(&loss, cases[i].loss, NULL));
        const excesses e = step_by_step(&loss, cases[i].rate, cases[i].C, cases[i].variance, cases[i].spread,
                                      cases[i].from, cases[i].n);
        const excesses whole = step_by_step(&loss, cases[i].rate, cases[i].C, cases[i].variance, cases[i].spread, 0,
                                          cases[i].n);
        assert_near(number_at(r, "step"), cases[i].n, 0);
        assert_near(number_at(r, "mean_of"), cases[i].n - cases[i].from, 0);
        const cJSON *const last = at(p, "last"), *const mean = at(p, "average");
        assert_close(number_at(last, "excess"), e.last, 1e-10);
        assert_close(number_at(mean, "excess"), e.mean, 1e-10);
        assert_close(number_at(last, "bias") + number_at(last, "variance"), e.last, 1e-10);
        assert_close(number_at(mean, "bias") + number_at(mean, "variance"), e.mean, 1e-10);
        const double se = number_at(at(r, "average"), "se");
        assert_true(se > 0 && se < 0.03 * e.mean);
        assert_near(number_at(at(r, "average"), "value"), e.mean, 4.5 * se);
        assert_near(number_at(at(r, "last"), "value"), e.last, 4.5 * number_at(at(r, "last"), "se"));
        if (cases[i].from > 0) assert_true(fabs(number_at(at(r, "average"), "value") - whole.mean) > 10 * se);
        assert_true(fabs(number_at(at(r, "average"), "value") - e.last) > 10 * se);
        cJSON_Delete(j);
    }
}

/* On a x^2/2 with additive noise of variance s2, the mean of n iterates from x_0: x_k = b^k x_0 + noise, b = 1 - l a. */
static void iterates__are_measured_without_a_theory(void **state)
{
    (void)state;
    enum { N = 30 };
    const double l = 0.2, b = 1 - l, start = 3;
    double V = start * start, c = 0, sum = 0;
    for (int k = 0; k < N; k++) {
        sum += 2 * c + V;
        c = b * (c + V);
        V = b * b * V + l * l;
    }
    cJSON *const j = parse_only_json(run("simulate --loss quadratic --lr 0.2 --start 3 --burn-in 0 --steps 30 --iterate "
                                         "average --json --no-save --quiet")->out);
    const cJSON *const r = at(j, "iterates"), *const mean = at(r, "average"), *const last = at(r, "last");
    assert_near(number_at(mean, "value"), sum / (2 * N * N), 4.5 * number_at(mean, "se"));
    assert_near(number_at(last, "value"), V / 2, 4.5 * number_at(last, "se"));
    assert_true(number_at(mean, "se") < 0.02 * sum / (2 * N * N));
    assert_null(cJSON_GetObjectItemCaseSensitive(r, "predicted"));
    cJSON_Delete(j);
}

static void iterates__are_refused_where_they_mean_nothing(void **state)
{
    (void)state;
    assert_refused("simulate --iterate first", 2, "suffix");
    assert_refused("simulate --iterate average --suffix 0.5", 2, "--suffix goes with --iterate suffix");
    assert_refused("simulate --iterate suffix --suffix 0", 2, "--suffix");
    assert_refused("simulate --iterate suffix --dynamics underdamped", 2, "for sgd");
    assert_refused("simulate --iterate average --loss monkey-saddle", 3, "no known least value");
    static const char *const others[] = {"--momentum 0.5", "--schedule cosine", "--regime polyak --rule plain",
                                         "--noise-variance 0", "--noise-variance 4"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, "simulate --loss least-squares-online --noise online --iterate average "
                 "--replicas 64 --steps 20 --burn-in 0 %s --json --no-save", others[i]);
        const said *const s = run(arguments);
        if (s->code != 0) fail_msg("sgdlab %s: code %d: %s", arguments, s->code, s->err);
        cJSON *const j = parse_only_json(s->out);
        assert_true(number_at(at(at(j, "iterates"), "average"), "value") > 0);
        assert_null(cJSON_GetObjectItemCaseSensitive(at(j, "iterates"), "predicted"));
        cJSON_Delete(j);
    }
}

static void iterates__leave_everything_else_alone(void **state)
{
    (void)state;
    static const char *const ends[] = {"--jobs 1 --out without", "--iterate suffix --jobs 1 --out one",
                                       "--iterate suffix --jobs 2 --out two"};
    char *said_of[3];
    for (int i = 0; i < 3; i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, "simulate --loss quadratic:dim=3 --replicas 3000 --steps 50 --burn-in 10 "
                 "--json --quiet %s", ends[i]);
        const said *const s = run(arguments);
        assert_int_equal(s->code, 0);
        cJSON *const j = parse_only_json(s->out), *const all = cJSON_CreateObject();
        const cJSON *const iterates = cJSON_GetObjectItemCaseSensitive(j, "iterates");
        assert_true((iterates != NULL) == (i > 0));
        const cJSON *const configuration = at(j, "configuration");
        assert_true((cJSON_GetObjectItemCaseSensitive(configuration, "iterate") != NULL) == (i > 0));
        assert_true((cJSON_GetObjectItemCaseSensitive(configuration, "suffix") != NULL) == (i > 0));
        cJSON_AddItemToObject(all, "x2", cJSON_Duplicate(at(j, "x2"), true));
        cJSON_AddItemToObject(all, "loss", cJSON_Duplicate(at(j, "loss"), true));
        if (i > 0) cJSON_AddItemToObject(all, "iterates", cJSON_Duplicate(iterates, true));
        said_of[i] = cJSON_PrintUnformatted(all);
        cJSON_Delete(all);
        cJSON_Delete(j);
    }
    assert_string_equal(said_of[1], said_of[2]);
    assert_memory_equal(said_of[0], said_of[1], strlen(said_of[0]) - 1); /* up to the brace that closes */
    for (int i = 0; i < 3; i++) free(said_of[i]);
    char command[256];
    snprintf(command, sizeof command, "cmp %s/one/simulate.dat %s/two/simulate.dat", folder, folder);
    assert_int_equal(system(command), 0);
}

/* ---- mini-batches of a finite sum in one coordinate: mean and square of eta = x - x*, over all drawings ---- */

typedef struct {
    double a[MOST], b[MOST], rate, minimum, curvature; /* eta' = eta - rate (mean a eta + mean b) over a batch */
    int m, size;
} sum;

static sum sum_of(const sl_loss *loss, double rate, int size)
{
    sum s = {.rate = rate, .m = (int)loss->samples, .size = size};
    double ay = 0;
    for (int i = 0; i < s.m; i++) {
        s.a[i] = loss->table[i] * loss->table[i];
        s.curvature += s.a[i] / s.m;
        ay += loss->table[i] * loss->targets[i] / s.m;
    }
    s.minimum = ay / s.curvature;
    for (int i = 0; i < s.m; i++) s.b[i] = loss->table[i] * (loss->table[i] * s.minimum - loss->targets[i]);
    return s;
}

static void advance(double *mean, double *square, const sum *s, const int *batch)
{
    double a = 0, b = 0;
    for (int c = 0; c < s->size; c++) {
        a += s->a[batch[c]] / s->size;
        b += s->b[batch[c]] / s->size;
    }
    const double keep = 1 - s->rate * a, kick = -s->rate * b, before = *mean;
    *mean = keep * before + kick;
    *square = keep * keep * *square + 2 * keep * kick * before + kick * kick;
}

typedef struct {
    double mean, square, ways;
} total;

/* Adds what every order of the samples from place p on leads to; visits: [places]. */
static void permute(total *end, total *visits, const sum *s, int *order, int p, double mean, double square)
{
    if (p % s->size == 0) {
        if (p > 0) advance(&mean, &square, s, order + p - s->size);
        total *const t = p == s->m ? end : &visits[p / s->size];
        t->mean += mean, t->square += square, t->ways++;
    }
    for (int i = p; i < s->m; i++) {
        const int swapped = order[i];
        order[i] = order[p], order[p] = swapped;
        permute(end, visits, s, order, p + 1, mean, square);
        order[p] = order[i], order[i] = swapped;
    }
}

/* <eta> and <eta^2> over the places of an epoch, by going through epochs until nothing changes. */
static total of_epochs(const sum *s)
{
    total now = {0, 0, 1}, all = {0};
    for (int epoch = 0; epoch < 400; epoch++) {
        int order[MOST];
        total end = {0}, visits[MOST] = {{0}};
        for (int i = 0; i < s->m; i++) order[i] = i;
        permute(&end, visits, s, order, 0, now.mean, now.square);
        now = (total){end.mean / end.ways, end.square / end.ways, 1};
        all = (total){0};
        for (int p = 0; p < s->m / s->size; p++) {
            all.mean += visits[p].mean / visits[p].ways * s->size / s->m;
            all.square += visits[p].square / visits[p].ways * s->size / s->m;
        }
    }
    return all;
}

/* With replacement, batches of 2: all pairs. */
static total of_pairs(const sum *s)
{
    total now = {0, 0, 1};
    for (int step = 0; step < 2000; step++) {
        total next = {0, 0, 1};
        for (int i = 0; i < s->m; i++)
            for (int k = 0; k < s->m; k++) {
                double mean = now.mean, square = now.square;
                advance(&mean, &square, s, (const int[]){i, k});
                next.mean += mean / (s->m * s->m), next.square += square / (s->m * s->m);
            }
        now = next;
    }
    return now;
}

/* Batches in epochs of 3 of 5 places have a sample every 5 steps otherwise, which would see one place alone. */
static void batches__have_their_exact_moments(void **state)
{
    (void)state;
    static const struct {
        const char *loss, *order;
        int size;
    } settings[] = {{"least-squares:m=4:n=1", "replacement", 2}, {"least-squares:m=4:n=1", "reshuffle", 2},
                    {"least-squares:m=5:n=1:seed=3", "reshuffle", 1}};
    for (size_t i = 0; i < 3; i++) {
        char arguments[512];
        snprintf(arguments, sizeof arguments, "simulate --loss %s --noise minibatch:size=%d:order=%s --rule plain --lr 0.1 "
                 "--replicas 1024 --steps 4000 --json --no-save --quiet", settings[i].loss, settings[i].size,
                 settings[i].order);
        const said *const said_so = run(arguments);
        if (said_so->code != 0) fail_msg("sgdlab %s: code %d: %s", arguments, said_so->code, said_so->err);
        cJSON *const j = parse_only_json(said_so->out);
        sl_loss loss;
        assert_ok(sl_loss_init(&loss, settings[i].loss, NULL));
        const sum s = sum_of(&loss, 0.1, settings[i].size);
        const bool epochs = i > 0;
        const total t = epochs ? of_epochs(&s) : of_pairs(&s);
        const double excess = s.curvature * t.square / 2;
        const double x2 = s.minimum * s.minimum + 2 * s.minimum * t.mean + t.square;
        const cJSON *const p = at(j, "predicted"), *const found = at(j, "excess");
        assert_true(cJSON_IsTrue(at(p, "exact")));
        assert_close(number_at(p, "excess"), excess, 1e-9);
        assert_close(number_at(p, "x2"), x2, 1e-9);
        assert_near(number_at(found, "value"), excess, 4.5 * number_at(found, "se"));
        assert_near(number_at(at(j, "x2"), "value"), x2, 4.5 * number_at(at(j, "x2"), "se"));
        assert_true(number_at(found, "se") < 0.02 * excess);
        if (epochs && settings[i].size == 2) assert_true(of_pairs(&s).square > 1.5 * t.square); /* the control */
        cJSON_Delete(j);
    }
}

/* What the theory does not have is not predicted, and what has no stationary law says so. */
static void batches__are_not_predicted_elsewhere(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *note;
    } others[] = {{"--noise minibatch:size=2:order=once", "depends on x"},
                  {"--noise minibatch:size=5:order=reshuffle", "depends on x"}, /* does not divide 12 */
                  {"--noise minibatch --momentum 0.5", "depends on x"},
                  {"--noise minibatch --noise-variance 2", "depends on x"},
                  {"--noise minibatch:sphere=1", "depends on x"},
                  {"--noise minibatch:order=reshuffle --sample-every 3", "misses places"},
                  {"--noise minibatch --lr 5 --kill-radius 100", "grow by"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, "simulate --loss least-squares:m=12:n=2 %s --replicas 64 --steps 100 "
                 "--json --no-save --quiet", others[i].arguments);
        cJSON *const j = parse_only_json(run(arguments)->out);
        assert_string_equal(at(at(j, "predicted"), "law")->valuestring, "none");
        assert_null(cJSON_GetObjectItemCaseSensitive(at(j, "predicted"), "excess"));
        char *const notes = cJSON_PrintUnformatted(at(j, "notes"));
        if (!strstr(notes, others[i].note)) fail_msg("'%s' lacks '%s'", notes, others[i].note);
        free(notes);
        cJSON_Delete(j);
    }
}

/* Of x' = x - h x^3 + noise, starts beyond sqrt(2/h) = 4.5 run off at once, about one in 9; the others have the law of
 * those that began at 0. */
static void runaways__are_left_out(void **state)
{
    (void)state;
    const char *const spread = "simulate --loss quartic --dynamics overdamped --dt 0.1 --temperature 0.1 --replicas 2048 "
                               "--steps 1000 --burn-in %d --start-spread %g --histogram 0 --json --no-save --quiet";
    double x2[2], se[2];
    for (int i = 0; i < 2; i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, spread, i == 0 ? 300 : 0, i == 0 ? 0. : 2.8);
        cJSON *const j = parse_only_json(run(arguments)->out);
        x2[i] = number_at(at(j, "x2"), "value");
        se[i] = number_at(at(j, "x2"), "se");
        assert_true((number_at(j, "killed") > 100) == (i == 1));
        char *const notes = cJSON_PrintUnformatted(at(j, "notes"));
        assert_true((strstr(notes, "are left out") != NULL) == (i == 1));
        free(notes);
        cJSON_Delete(j);
    }
    assert_near(x2[1], x2[0], 4.5 * hypot(se[0], se[1]) + 0.02 * x2[0]); /* and the way in of those from far */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_folder, leave_folder)
    const struct CMUnitTest tests[] = {
        TEST(iterates__have_their_exact_excess),
        TEST(iterates__are_measured_without_a_theory),
        TEST(iterates__are_refused_where_they_mean_nothing),
        TEST(iterates__leave_everything_else_alone),
        TEST(batches__have_their_exact_moments),
        TEST(batches__are_not_predicted_elsewhere),
        TEST(runaways__are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
