#include "claims/network.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/parallel.h"

sl_status sl_network_open(sl_network *n, const sl_lab *lab, const char *data, const char *model, size_t samples,
                          sl_err *err)
{
    if (!data) data = lab->scale == SL_QUICK ? "digits:test=4000" : "mnist";
    *n = (sl_network){.data = data, .model_name = model};
    sl_status st = sl_dataset_load(&n->train, &n->test, n->data, lab->data_dir, err);
    if (st != SL_OK) return sl_fail_in(err, st, "scale %s trains on %s", sl_scale_name(lab->scale), n->data);
    if (samples > 0 && samples < n->train.n) sl_dataset_truncate(&n->train, samples);
    st = sl_model_alloc(&n->model, model, n->train.channels, n->train.height, n->train.width, n->train.classes, err);
    if (st != SL_OK) sl_network_close(n);
    return st;
}

void sl_network_close(sl_network *n)
{
    sl_model_free(n->model);
    sl_dataset_free(&n->train);
    sl_dataset_free(&n->test);
    *n = (sl_network){0};
}

void sl_network_pretrained(sl_network *n, const sl_lab *lab, const char *file)
{
    const int length = snprintf(n->init_path, sizeof n->init_path, "%s/%s", sl_data_folder(lab->data_dir), file);
    n->init = length > 0 && (size_t)length < sizeof n->init_path && access(n->init_path, R_OK) == 0 ? n->init_path : NULL;
}

uint64_t sl_network_seed(const sl_lab *lab, size_t k)
{
    return lab->seed * 1000 + k;
}

/* What all pieces of one experiment share. */
typedef struct {
    const sl_network *network;
    const sl_lab *lab;
    const char *key;
    const sl_arm *arms;
    size_t seeds, pieces;
    uint64_t epochs;       /* of curves     */
    double time;           /* of stationary */
    size_t evaluations;
    sl_order order;
    size_t rows;           /* of a piece's table */
    sl_run_work work;
    sl_table **tables;
    int side_by_side, threads;
    pthread_mutex_t *lock; /* of how far the pieces are, and of the lab's progress */
    double *fraction;      /* [pieces]: how far each is */
} experiment;

typedef struct {
    const experiment *e;
    size_t i;              /* arm * seeds + k */
    char key[160];
} piece;

/* Pieces share one clock, so that the time left does not depend on which of them speaks. */
static void show(const experiment *e, size_t i, double fraction)
{
    if (!e->lab->progress) return;
    pthread_mutex_lock(e->lock);
    e->fraction[i] = fraction;
    double sum = 0;
    for (size_t k = 0; k < e->pieces; k++) sum += e->fraction[k];
    e->lab->progress(e->lab->progress_ctx, e->key, sum / (double)e->pieces);
    pthread_mutex_unlock(e->lock);
}

static void on_step(void *ctx, uint64_t step, uint64_t stop)
{
    const piece *const p = ctx;
    show(p->e, p->i, (double)step / (double)stop);
}

static const sl_arm *arm_of(const piece *p)
{
    return &p->e->arms[p->i / p->e->seeds];
}

static sl_status configure(sl_train_config *c, const piece *p, sl_err *err)
{
    static const char word[] = "regime ";
    const sl_arm *a = arm_of(p);
    const bool regime = strncmp(a->schedule, word, strlen(word)) == 0;
    *c = (sl_train_config){.model = p->e->network->model,
                           .train = &p->e->network->train,
                           .schedule = regime ? "constant" : a->schedule,
                           .lr = a->lr,
                           .regime = regime ? a->schedule + strlen(word) : NULL,
                           .batch = a->batch,
                           .order = p->e->order,
                           .threads = p->e->threads,
                           .init = p->e->network->init,
                           .augment = p->e->network->augment,
                           .seed = sl_network_seed(p->e->lab, p->i % p->e->seeds)};
    return sl_rule_init(&c->rule, a->rule, a->alpha_on, a->lr, a->mu, a->weight_decay, err);
}

/* The whole setting of a piece, into its table's header. */
static sl_status describe(sl_table *t, const piece *p, const sl_train_config *c, sl_err *err)
{
    const sl_arm *a = arm_of(p);
    SL_TRY(sl_table_set(t, "arm", err, "%s", a->name));
    SL_TRY(sl_table_set(t, "data", err, "%s, first %zu training samples", p->e->network->data, c->train->n));
    SL_TRY(sl_table_set(t, "model", err, "%s", p->e->network->model_name));
    const char *const slash = c->init ? strrchr(c->init, '/') : NULL;
    SL_TRY(sl_table_set(t, "start", err, "%s", slash ? slash + 1 : "random weights"));
    SL_TRY(sl_table_set(t, "schedule", err, "%s", a->schedule));
    SL_TRY(sl_table_set(t, "rule", err, "%s, alpha on the %s", a->rule,
                        a->alpha_on == SL_ALPHA_ON_STEP ? "step" : "gradient"));
    SL_TRY(sl_table_set(t, "lr", err, "%.17g", a->lr));
    SL_TRY(sl_table_set(t, "momentum", err, "%.17g", a->mu));
    SL_TRY(sl_table_set(t, "weight_decay", err, "%.17g", a->weight_decay));
    SL_TRY(sl_table_set(t, "batch", err, "%zu, %s", a->batch,
                        c->order == SL_ORDER_REPLACEMENT ? "drawn with replacement" : "shuffled each epoch"));
    return sl_table_set(t, "seed", err, "%llu", (unsigned long long)c->seed);
}

static sl_status curve_work(void *ctx, sl_table **out, sl_err *err)
{
    const piece *p = ctx;
    static const char *const columns[] = {"epoch[1]",       "time[1]",          "train_loss[nat]", "train_accuracy[%]",
                                          "test_loss[nat]", "test_accuracy[%]", "lr[1]"};
    const sl_arm *a = arm_of(p);
    sl_train_config c;
    SL_TRY(configure(&c, p, err));
    c.test = &p->e->network->test;
    c.epochs = p->e->epochs;

    char checkpoint[1024];
    sl_train_options options = {.stepped = on_step, .step_seconds = 1, .ctx = (void *)p};
    const bool saves = sl_run_saves(p->e->lab->run);
    if (saves) {
        char name[192];
        snprintf(name, sizeof name, "jobs/%s.h5", p->key);
        SL_TRY(sl_run_path(p->e->lab->run, checkpoint, sizeof checkpoint, name, err));
        options.checkpoint = checkpoint;
        options.checkpoint_epochs = 5;
        options.checkpoint_seconds = 60;
    }
    sl_train_result r = {0};
    sl_table *t = NULL;
    sl_status st = sl_train(&r, &c, &options, err);
    if (st != SL_OK) {
        st = sl_fail_in(err, st, "arm '%s', seed %llu", a->title, (unsigned long long)c.seed);
        goto done;
    }
    t = sl_table_alloc(7, columns);
    if (!t) st = sl_fail(err, SL_E_MEMORY, "no memory for a training curve");
    if (st == SL_OK) st = describe(t, p, &c, err);
    if (st == SL_OK) st = sl_table_set(t, "time", err, "steps times lr / (1 - momentum), lr being the mean rate");
    const double steps_per_epoch = ceil((double)c.train->n / (double)a->batch);
    for (size_t i = 0; st == SL_OK && i < r.n_epochs; i++) {
        const sl_epoch *e = &r.epochs[i];
        const double time = (double)e->epoch * steps_per_epoch * a->lr / (1 - a->mu);
        const double row[] = {(double)e->epoch, time,         e->train_loss, 100 * e->train_accuracy,
                              e->test_loss,     100 * e->test_accuracy, e->lr};
        st = sl_table_add(t, row, err);
    }
done:
    if (st == SL_OK) {
        *out = t;
        if (saves) unlink(checkpoint);
    } else {
        sl_table_free(t);
    }
    sl_train_result_clear(&r);
    return st;
}

static sl_status stationary_work(void *ctx, sl_table **out, sl_err *err)
{
    const piece *p = ctx;
    static const char *const columns[] = {"time[1]", "regularised_loss[nat]"};
    const sl_arm *a = arm_of(p);
    const double steps = p->e->time * (1 - a->mu) / a->lr;
    const size_t n = p->e->evaluations;
    sl_train_config c;
    SL_TRY(configure(&c, p, err));
    c.steps = (uint64_t)llround(steps);

    sl_table *t = sl_table_alloc(2, columns);
    if (!t) return sl_fail(err, SL_E_MEMORY, "no memory for a loss series");
    sl_trainer *trainer = NULL;
    sl_status st = describe(t, p, &c, err);
    if (st == SL_OK) st = sl_trainer_alloc(&trainer, &c, err);
    /* Evaluation j of 1..n at the end of the j-th part of the second half. */
    for (size_t j = 1; st == SL_OK && j <= n; j++) {
        const uint64_t until = (uint64_t)llround(steps * (0.5 + 0.5 * (double)j / (double)n));
        st = sl_trainer_run(trainer, until - sl_trainer_step_count(trainer), NULL, NULL, err);
        if (st != SL_OK) break;
        const double row[] = {(double)until * a->lr / (1 - a->mu), sl_trainer_regularised_loss(trainer, c.train)};
        st = sl_table_add(t, row, err);
    }
    if (st == SL_OK)
        *out = t;
    else
        sl_table_free(t);
    sl_trainer_free(trainer);
    return st == SL_OK ? st : sl_fail_in(err, st, "arm '%s'", a->title);
}

/* A folder is for one configuration, but not for one version of this program: what was read back may be of arms that
 * are other ones by now. */
static sl_status check_piece(const piece *p, const sl_table *t, sl_err *err)
{
    static const char *const none[] = {"none"}, *const names[] = {"arm",      "start",        "schedule",     "rule",  "lr",
                                                                  "momentum", "weight_decay", "batch", "seed"};
    sl_train_config c;
    SL_TRY(configure(&c, p, err));
    sl_table *here = sl_table_alloc(1, none);
    if (!here) return sl_fail(err, SL_E_MEMORY, "no memory for a header");
    sl_status st = describe(here, p, &c, err);
    for (size_t i = 0; st == SL_OK && i < sizeof names / sizeof *names; i++) {
        const char *const old = sl_table_get(t, names[i]), *const new = sl_table_get(here, names[i]);
        if (!old || strcmp(old, new) != 0)
            st = sl_fail(err, SL_E_CONFIG, "the saved piece '%s' is of another experiment: %s is '%s' there and '%s' "
                         "here; choose another folder", p->key, names[i], old ? old : "absent", new);
    }
    sl_table_free(here);
    if (st == SL_OK && sl_table_rows(t) != p->e->rows)
        st = sl_fail(err, SL_E_CONFIG, "the saved piece '%s' is of another experiment: it has %zu rows, not %zu; choose "
                     "another folder", p->key, sl_table_rows(t), p->e->rows);
    return st;
}

static void name_piece(char *key, size_t size, const experiment *e, size_t i)
{
    snprintf(key, size, "%s-%s-seed%zu", e->key, e->arms[i / e->seeds].name, i % e->seeds);
}

static sl_status run_piece(void *ctx, size_t order, int worker, sl_err *err)
{
    (void)worker;
    const experiment *e = ctx;
    /* Replicates outermost, so that an interrupted experiment has done all arms of its first seeds. */
    const size_t arms = e->pieces / e->seeds, arm = order % arms, k = order / arms;
    piece p = {.e = e, .i = arm * e->seeds + k};
    name_piece(p.key, sizeof p.key, e, p.i);
    if (sl_stop_requested()) return sl_fail(err, SL_INTERRUPTED, "stopped before '%s'", p.key);
    sl_status st = sl_run_job(e->lab->run, &e->tables[p.i], p.key, e->work, &p, err);
    if (st == SL_OK) st = check_piece(&p, e->tables[p.i], err);
    if (st == SL_OK) show(e, p.i, 1);
    return st;
}

/* How many trainings at a time the cores and the memory allow, and how many threads each has. Results depend on neither.
 * Errors: SL_E_MEMORY if not one fits; those of sl_train_plan_for. */
static sl_status share_out(experiment *e, sl_err *err)
{
    const double available = sl_memory_available("");
    const size_t cores = e->lab->jobs > 0 ? (size_t)e->lab->jobs : (size_t)sl_cores();
    size_t n = cores < e->pieces ? cores : e->pieces;
    double bytes = 0;
    for (size_t i = 0; i < e->pieces; i += e->seeds) { /* the largest of the arms */
        const piece p = {.e = e, .i = i};
        sl_train_config c;
        sl_train_plan plan;
        SL_TRY(configure(&c, &p, err));
        c.epochs = e->epochs;
        c.steps = e->epochs ? 0 : 1;
        SL_TRY(sl_train_plan_for(&plan, &c, err));
        if (plan.bytes > bytes) bytes = plan.bytes;
    }
    if (bytes > available)
        return sl_fail(err, SL_E_MEMORY, "not enough memory: a training of %s needs %.1f GB, %.1f GB are available",
                       e->network->model_name, 1e-9 * bytes, 1e-9 * available);
    while (n > 1 && (double)n * bytes > available) n--;
    e->side_by_side = (int)n;
    e->threads = (int)(cores / n);
    return SL_OK;
}

/* Pieces that earlier runs have finished; they count, but not for the speed. */
static void count_done(experiment *e)
{
    for (size_t i = 0; i < e->pieces; i++) {
        char key[160], name[192], path[1024];
        name_piece(key, sizeof key, e, i);
        snprintf(name, sizeof name, "jobs/%s.dat", key);
        if (sl_run_saves(e->lab->run) && sl_run_path(e->lab->run, path, sizeof path, name, NULL) == SL_OK &&
            access(path, F_OK) == 0)
            e->fraction[i] = 1;
    }
    show(e, 0, e->fraction[0]);
}

static sl_status run_all(experiment *e, sl_err *err)
{
    pthread_mutex_t lock;
    SL_TRY(share_out(e, err));
    e->fraction = calloc(e->pieces, sizeof *e->fraction);
    if (!e->fraction) return sl_fail(err, SL_E_MEMORY, "no memory for %zu pieces", e->pieces);
    pthread_mutex_init(&lock, NULL);
    e->lock = &lock;
    count_done(e);
    const sl_status st = sl_parallel(e->pieces, e->side_by_side, run_piece, e, err);
    pthread_mutex_destroy(&lock);
    free(e->fraction);
    return st;
}

sl_status sl_network_curves(sl_table **curves, const sl_network *n, const sl_lab *lab, const char *key,
                            const sl_arm *arms, size_t n_arms, size_t seeds, uint64_t epochs, sl_err *err)
{
    experiment e = {.network = n, .lab = lab, .key = key, .arms = arms, .seeds = seeds, .pieces = n_arms * seeds,
                    .epochs = epochs, .order = SL_ORDER_SHUFFLE, .rows = (size_t)epochs, .work = curve_work,
                    .tables = curves};
    for (size_t i = 0; i < e.pieces; i++) curves[i] = NULL;
    const sl_status st = run_all(&e, err);
    if (st != SL_OK)
        for (size_t i = 0; i < e.pieces; i++) {
            sl_table_free(curves[i]);
            curves[i] = NULL;
        }
    return st;
}

sl_status sl_network_stationary(double *loss, const sl_network *n, const sl_lab *lab, const char *key,
                                const sl_arm *arms, size_t n_arms, size_t seeds, double time, size_t evaluations,
                                sl_err *err)
{
    experiment e = {.network = n, .lab = lab, .key = key, .arms = arms, .seeds = seeds, .pieces = n_arms * seeds,
                    .time = time, .evaluations = evaluations, .order = SL_ORDER_REPLACEMENT, .rows = evaluations,
                    .work = stationary_work};
    e.tables = calloc(e.pieces, sizeof *e.tables);
    if (!e.tables) return sl_fail(err, SL_E_MEMORY, "no memory for %zu runs", e.pieces);
    const sl_status st = run_all(&e, err);
    for (size_t i = 0; i < e.pieces; i++) {
        if (st == SL_OK) {
            double sum = 0;
            const size_t rows = sl_table_rows(e.tables[i]);
            for (size_t j = 0; j < rows; j++) sum += sl_table_row(e.tables[i], j)[1];
            loss[i] = sum / (double)rows;
        }
        sl_table_free(e.tables[i]);
    }
    free(e.tables);
    return st;
}

sl_estimate sl_paired_difference(const double *a, const double *b, size_t n, double pooled_sd, double pooled_dof)
{
    sl_welford w = {0};
    for (size_t k = 0; k < n; k++) sl_welford_add(&w, a[k] - b[k]);
    sl_estimate e = sl_welford_mean(&w);
    if (pooled_sd > 0) {
        e.se = pooled_sd / sqrt((double)n);
        e.dof = pooled_dof;
    }
    return e;
}

sl_estimate sl_relative_difference(const double *a, const double *base, const double *other, size_t n,
                                   double pooled_sd, double pooled_dof)
{
    const double whole = sl_paired_difference(other, base, n, pooled_sd, pooled_dof).value;
    const double r = sl_paired_difference(a, base, n, pooled_sd, pooled_dof).value / whole;
    /* a, base and other enter with weights 1, r - 1 and -r; the variance of one of them is half a difference's. */
    const double spread = sqrt((1 + (1 - r) * (1 - r) + r * r) / 2);
    return (sl_estimate){r, spread * pooled_sd / (fabs(whole) * sqrt((double)n)), pooled_dof};
}

double sl_pooled_sd(double *dof, const double *x, size_t n_arms, size_t n)
{
    double sum = 0; /* of squared residuals: in each arm, the scatter of what exceeds the replicate's mean */
    for (size_t arm = 0; arm < n_arms; arm++) {
        sl_welford excess = {0};
        for (size_t k = 0; k < n; k++) {
            sl_welford replicate = {0};
            for (size_t other = 0; other < n_arms; other++) sl_welford_add(&replicate, x[other * n + k]);
            sl_welford_add(&excess, x[arm * n + k] - replicate.mean);
        }
        sum += excess.m2;
    }
    *dof = (double)((n_arms - 1) * (n - 1));
    return sqrt(2 * sum / *dof);
}

double sl_table_max(const sl_table *t, const char *column)
{
    const size_t j = sl_table_find(t, column);
    double best = NAN;
    if (j == sl_table_columns(t)) return NAN;
    for (size_t i = 0; i < sl_table_rows(t); i++) best = fmax(best, sl_table_row(t, i)[j]);
    return best;
}

void sl_network_free_curves(sl_table **curves, size_t n)
{
    for (size_t i = 0; i < n; i++) sl_table_free(curves[i]);
}

void sl_arm_labels(char *labels, size_t size, const sl_arm *arms, size_t n)
{
    size_t used = 0;
    labels[0] = '\0';
    for (size_t a = 0; a < n; a++) {
        if (a > 0 && used + 1 < size) labels[used++] = ',';
        for (const char *c = arms[a].title; *c && used + 1 < size; c++)
            if (*c != ',') labels[used++] = *c;
    }
    labels[used] = '\0';
}
