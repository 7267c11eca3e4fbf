#include "nets/temperature.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "nets/curvature.h"
#include "nets/objective_kernel.h"
#include "nets/trainer.h"

/* A run under way, and its series. */
typedef struct {
    const sl_temperature_config *c;
    sl_temperature *r;
    sl_trainer *trainer;
    size_t n, steps;
    const double *directions;   /* [r->n_directions][n]                           */
    double *y, *g, *v;          /* [n_directions][steps]                          */
    double *v2, *loss, *rate;   /* [steps]                                        */
    double *kick;               /* [steps] sum of what multiplies the velocity    */
    double *block;              /* that those lie in                              */
    float *from, *kept;         /* [n] weights where a window, the averages began */
} recording;

static sl_status check(const sl_temperature_config *c, sl_err *err)
{
    const sl_train_config *const t = &c->train;
    if (t->rule.kind != SL_RULE_HEAVY_BALL && t->rule.kind != SL_RULE_NESTEROV)
        return sl_fail(err, SL_E_CONFIG, "temperature of the rule %s: need heavy-ball or nesterov",
                       sl_rule_name(&t->rule));
    if (c->windows < 1 || t->steps / 8 < c->windows)
        return sl_fail(err, SL_E_DOMAIN, "%zu windows in %llu steps, need at least 8 steps in each", c->windows,
                       (unsigned long long)t->steps);
    if (c->burn_in + 16 > t->steps)
        return sl_fail(err, SL_E_DOMAIN, "burn-in = %llu of %llu steps, need 16 steps after it",
                       (unsigned long long)c->burn_in, (unsigned long long)t->steps);
    if (t->steps > SIZE_MAX / 64 / (3 * c->n_directions + 4))
        return sl_fail(err, SL_E_DOMAIN, "steps = %llu are too many to record", (unsigned long long)t->steps);
    return SL_OK;
}

static sl_status open_recording(recording *k, sl_err *err)
{
    const sl_temperature_config *const c = k->c;
    const size_t d = c->n_directions;
    k->n = sl_model_parameters(c->train.model);
    k->steps = (size_t)c->train.steps;
    SL_TRY(sl_trainer_alloc(&k->trainer, &c->train, err));
    memcpy(sl_trainer_params(k->trainer), c->state, sl_model_state(c->train.model) * sizeof(float));
    if (c->velocity) memcpy(sl_trainer_velocity(k->trainer), c->velocity, k->n * sizeof(float));
    k->block = calloc((3 * d + 4) * k->steps, sizeof *k->block);
    k->from = calloc(2 * k->n, sizeof *k->from);
    k->r->along = calloc(d + 1, sizeof *k->r->along);
    k->r->history = calloc(c->windows, sizeof *k->r->history);
    k->r->state = calloc(sl_model_state(c->train.model), sizeof *k->r->state);
    if (!k->block || !k->from || !k->r->along || !k->r->history || !k->r->state)
        return sl_fail(err, SL_E_MEMORY, "no memory to record %zu steps", k->steps);
    k->y = k->block;
    k->g = k->y + d * k->steps;
    k->v = k->g + d * k->steps;
    k->v2 = k->v + d * k->steps;
    k->loss = k->v2 + k->steps;
    k->rate = k->loss + k->steps;
    k->kick = k->rate + k->steps;
    k->kept = k->from + k->n;
    return SL_OK;
}

static void close_recording(recording *k)
{
    sl_trainer_free(k->trainer);
    free(k->block);
    free(k->from);
}

static double length2(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}

/* Update `step`. Since v' = mu v - a_g G, the gradient's projection follows from the velocity's, before and after. */
static sl_status record_step(recording *k, size_t step, sl_err *err)
{
    const sl_temperature_config *const c = k->c;
    const sl_rule *const rule = &c->train.rule;
    const float *const x = sl_trainer_params(k->trainer), *const v = sl_trainer_velocity(k->trainer);
    const size_t directions = step < c->burn_in ? 0 : k->r->n_directions;
    for (size_t j = 0; j < directions; j++) {
        const double *const u = k->directions + j * k->n;
        const size_t at = j * k->steps + step;
        k->y[at] = sl_dot_fd(x, u, k->n);
        k->g[at] = rule->mu * (step > c->burn_in ? k->v[at - 1] : sl_dot_fd(v, u, k->n));
    }
    sl_train_sums sums = {0};
    SL_TRY(sl_trainer_step(k->trainer, &sums, err));
    const double rate = sl_trainer_last_lr(k->trainer), lr = c->train.lr;
    const bool on_gradient = rule->alpha_on == SL_ALPHA_ON_GRADIENT;
    for (size_t j = 0; j < directions; j++) {
        const size_t at = j * k->steps + step;
        k->v[at] = sl_dot_fd(v, k->directions + j * k->n, k->n);
        const double pull = k->g[at] - k->v[at]; /* a_g G */
        k->g[at] = !on_gradient ? pull : rate > 0 ? pull * lr / rate : 0;
    }
    k->v2[step] = length2(v, k->n) / (double)k->n;
    k->loss[step] = sums.loss / sums.images;
    k->rate[step] = rate;
    k->kick[step] = on_gradient ? lr : rate;
    return SL_OK;
}

static double mean_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

/* What a mean over `count` steps has of the variance of an AR(1) series with coefficient mu: a free particle's velocity. */
static double share_of_mean(double mu, double count)
{
    const double tau = (1 + mu) / (1 - mu), ends = 2 * mu * (1 - pow(mu, count)) / ((1 - mu) * (1 - mu) * count);
    return (tau - ends) / count;
}

/* |mean v|^2 / n over count steps that led from x0 to x: x - x0 = sum kick v, but for Nesterov's look-ahead at both
 * ends. Fluctuation has its share in that, too: with v2 = drift + heat, it is drift + share heat. */
static double drift(const recording *k, const float *x0, size_t first, size_t count, double v2)
{
    const float *const x = sl_trainer_params(k->trainer);
    const double time = mean_of(k->kick + first, count) * (double)count;
    const double share = share_of_mean(k->c->train.rule.mu, (double)count);
    double way = 0;
    for (size_t i = 0; i < k->n; i++) {
        const double d = (double)x[i] - (double)x0[i];
        way += d * d;
    }
    if (!(time > 0 && share < 1)) return 0;
    return fmax(0, (way / (time * time) / (double)k->n - share * v2) / (1 - share));
}

/* A mean over correlated steps; few effective samples make no error, only distrust. */
static sl_estimate over_steps(const double *x, size_t n, bool *trusted)
{
    sl_estimate e = {NAN, NAN, NAN};
    const sl_status st = sl_series_mean(&e, x, n, NULL);
    if (st != SL_OK && trusted) *trusted = false;
    return e;
}

/* tr D_hat at the weights of now, and the curvature that the noise sees. */
typedef struct {
    sl_estimate trace, curvature;
} surroundings;

static sl_status look(surroundings *s, recording *k, sl_err *err)
{
    static const sl_estimate none = {NAN, NAN, NAN};
    const sl_temperature_config *const c = k->c;
    *s = (surroundings){none, none};
    if (!c->objective) return SL_OK;
    SL_TRY(sl_objective_move(c->objective, sl_trainer_params(k->trainer), err));
    SL_TRY(sl_noise_trace(&s->trace, c->objective, err));
    return c->probes ? sl_noise_curvature(&s->curvature, c->objective, c->train.batch, c->probes, c->train.seed, err)
                     : SL_OK;
}

/* Of the same samples: the errors do not average out. */
static sl_estimate midway(sl_estimate a, sl_estimate b)
{
    return (sl_estimate){(a.value + b.value) / 2, (a.se + b.se) / 2, fmin(a.dof, b.dof)};
}

static void close_window(recording *k, size_t w, size_t first, size_t last, const surroundings *from,
                         const surroundings *to)
{
    sl_temperature_window *const h = &k->r->history[w];
    h->first = first;
    h->last = last;
    h->lr = mean_of(k->rate + first, last - first);
    h->loss = over_steps(k->loss + first, last - first, NULL);
    h->velocity2 = over_steps(k->v2 + first, last - first, NULL);
    h->drift2 = drift(k, k->from, first, last - first, h->velocity2.value);
    h->noise = midway(from->trace, to->trace);
    h->curvature = midway(from->curvature, to->curvature);
}

/* Where the averages begin. */
static sl_status begin(recording *k, sl_err *err)
{
    const sl_temperature_config *const c = k->c;
    const float *const x = sl_trainer_params(k->trainer);
    memcpy(k->kept, x, k->n * sizeof *x);
    k->directions = c->directions;
    k->r->n_directions = c->n_directions;
    return c->aim ? c->aim(c->ctx, x, &k->directions, &k->r->n_directions, err) : SL_OK;
}

static sl_status record(recording *k, sl_err *err)
{
    const size_t windows = k->c->windows;
    surroundings from, to;
    SL_TRY(look(&from, k, err));
    for (size_t w = 0; w < windows; w++) {
        const size_t first = k->steps * w / windows, last = k->steps * (w + 1) / windows;
        memcpy(k->from, sl_trainer_params(k->trainer), k->n * sizeof *k->from);
        for (size_t step = first; step < last; step++) {
            if (sl_stop_requested()) return sl_fail(err, SL_INTERRUPTED, "the measurement was interrupted");
            if (step == k->c->burn_in) SL_TRY(begin(k, err));
            SL_TRY(record_step(k, step, err));
        }
        SL_TRY(look(&to, k, err));
        close_window(k, w, first, last, &from, &to);
        from = to;
    }
    return SL_OK;
}

/* The series of direction j after the burn-in, destroyed on the way. */
static void reduce_direction(sl_fluctuation *f, recording *k, size_t j)
{
    const size_t first = (size_t)k->c->burn_in, n = k->steps - first;
    double *const y = k->y + j * k->steps + first, *const g = k->g + j * k->steps + first;
    double *const v = k->v + j * k->steps + first;
    const double mean = mean_of(y, n);
    f->trusted = true;
    f->tau = sl_autocorrelation_time(y, n);
    for (size_t i = 0; i < n; i++) {
        y[i] -= mean;
        g[i] *= y[i];
        y[i] *= y[i];
        v[i] *= v[i];
    }
    f->variance = over_steps(y, n, &f->trusted);
    f->virial = over_steps(g, n, &f->trusted);
    f->velocity2 = over_steps(v, n, &f->trusted);
    const double share = f->tau / (double)n;
    if (!(share < 0.02)) f->trusted = false;
    if (share < 0.5) f->variance = sl_scaled(1 / (1 - share), f->variance);
}

sl_status sl_temperature_measure(sl_temperature *r, const sl_temperature_config *config, sl_err *err)
{
    SL_TRY(check(config, err));
    sl_temperature m = {.windows = config->windows};
    recording k = {.c = config, .r = &m};
    sl_status st = open_recording(&k, err);
    if (st == SL_OK) st = record(&k, err);
    if (st == SL_OK) {
        const size_t first = (size_t)config->burn_in, n = k.steps - first;
        m.velocity2 = over_steps(k.v2 + first, n, NULL);
        m.drift2 = drift(&k, k.kept, first, n, m.velocity2.value);
        for (size_t j = 0; j < m.n_directions; j++) reduce_direction(&m.along[j], &k, j);
        memcpy(m.state, sl_trainer_params(k.trainer), sl_model_state(config->train.model) * sizeof(float));
    }
    close_recording(&k);
    if (st == SL_OK) *r = m;
    else sl_temperature_clear(&m);
    return st;
}

void sl_temperature_clear(sl_temperature *r)
{
    free(r->along);
    free(r->history);
    free(r->state);
    *r = (sl_temperature){0};
}
