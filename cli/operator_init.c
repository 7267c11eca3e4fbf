/* From the options of `operator` to the operator: which coefficients, which question, which domain.
 *
 * SGD's own continuous equations, in the time t of dx = -grad f dt (Ito). With n of variance s2 = D0/C a coordinate,
 * alpha of mean 1 and q = E alpha^2, and l the mean rate, one step of plain SGD moves x by -l grad f on average, with
 * covariance l^2 (q s2 I + (q - 1) grad f grad f^T); the step takes the time l, so 2 D l is that covariance. With
 * momentum and alpha on the gradient a gradient moves x by l/(1 - mu) of itself in the end: l becomes l/(1 - mu).
 * On phase space a step is dt = l (Musso 2020, eqs 1, 2, 10): dx = v dt, dv = -((1 - mu)/l) v dt - (f'/l) dt + b dW
 * with b^2 l = q s2, the noise of one step (eq 10 prints b^2 = q s2). There the noise is additive, as in the paper:
 * the part (q - 1) f'^2, of higher order in l where f' is small, is left out. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/operator.h"
#include "theory/temperature.h"

static void diffusion_of_sgd(void *ctx, const sl_loss *loss, const double *x, double *D)
{
    const sl_sgd_diffusion *d = ctx;
    double g[SL_LOSS_MAX_DIM];
    sl_loss_gradient(loss, x, g);
    for (size_t i = 0; i < loss->dim; i++)
        for (size_t j = 0; j < loss->dim; j++)
            D[i * loss->dim + j] = (i == j ? d->uniform : 0) + d->slope * g[i] * g[j];
}

static bool is_kind(const sl_operation *o, const sl_operator_kind *kind)
{
    return o->op.kind == kind;
}

/* ---- points ---- */

/* Values of a point or an end of the domain; one value stands for all `axes`. */
static sl_status read_point(double x[2], const sl_cli *cli, const char *name, size_t axes, bool alone, sl_err *err)
{
    size_t n;
    const double *v = sl_cli_reals(cli, name, &n);
    if (n != axes && !(alone && n == 1))
        return sl_fail(err, SL_E_DOMAIN, "--%s has %zu value%s, need %zu", name, n, n == 1 ? "" : "s", axes);
    for (size_t d = 0; d < axes; d++) x[d] = v[n == 1 ? 0 : d];
    return SL_OK;
}

static sl_status need(const sl_cli *cli, const char *name, const char *task, sl_err *err)
{
    if (sl_cli_given(cli, name)) return SL_OK;
    return sl_fail(err, SL_E_USAGE, "--task %s needs --%s", task, name);
}

static sl_status read_times(sl_question *q, const sl_cli *cli, bool steps, sl_err *err)
{
    const double *t = sl_cli_reals(cli, "times", &q->n_times);
    for (size_t i = 0; i < q->n_times; i++) {
        if (i > 0 && !(t[i] > t[i - 1]))
            return sl_fail(err, SL_E_DOMAIN, "--times must increase: %g comes after %g", t[i], t[i - 1]);
        if (steps && t[i] != floor(t[i]))
            return sl_fail(err, SL_E_DOMAIN, "--times = %g: the transfer operator counts whole steps", t[i]);
        q->times[i] = t[i];
    }
    return SL_OK;
}

static sl_status set_question(sl_operation *o, const sl_cli *cli, sl_err *err)
{
    static const char *const tasks[] = {"stationary", "evolve", "mfpt", "spectrum", "committor"};
    sl_question *q = &o->question;
    const size_t dim = o->op.loss.dim;
    const char *task = sl_cli_text(cli, "task");
    while (strcmp(tasks[q->task], task) != 0) q->task++;
    q->radius = sl_cli_real(cli, "radius");
    q->spread = sl_cli_real(cli, "start-spread");
    q->eigenvalues = (size_t)sl_cli_integer(cli, "eigenvalues");
    q->cycle = sl_cli_integer(cli, "cycle");
    if (q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR) {
        SL_TRY(need(cli, "from", task, err));
        SL_TRY(need(cli, "to", task, err));
    }
    for (size_t d = 0; d < dim && d < 2; d++) q->from[d] = o->op.loss.start[d];
    if (sl_cli_given(cli, "from")) SL_TRY(read_point(q->from, cli, "from", dim, false, err));
    if (sl_cli_given(cli, "to")) SL_TRY(read_point(q->to, cli, "to", dim, false, err));
    if ((q->task == SL_TASK_MFPT || q->task == SL_TASK_COMMITTOR) && q->from[0] == q->to[0] && q->from[1] == q->to[1])
        return sl_fail(err, SL_E_DOMAIN, "--from and --to are the same point");
    if (q->task != SL_TASK_EVOLVE) return SL_OK;
    SL_TRY(need(cli, "times", task, err));
    return read_times(q, cli, is_kind(o, &sl_transfer), err);
}

/* Points beyond a domain that was given, or that holds all of the mass. */
static sl_status check_points(const sl_operation *o, const sl_cli *cli, sl_err *err)
{
    const sl_question *q = &o->question;
    const double *points[] = {q->from, q->to};
    static const char *const names[] = {"from", "to"};
    if (q->task == SL_TASK_STATIONARY || q->task == SL_TASK_SPECTRUM || o->op.loss.kind->period > 0) return SL_OK;
    for (size_t i = 0; i < 2; i++) {
        if (!sl_cli_given(cli, names[i])) continue;
        for (size_t d = 0; d < o->op.loss.dim; d++)
            if (!(points[i][d] >= o->op.lo[d] && points[i][d] <= o->op.hi[d]))
                return sl_fail(err, SL_E_DOMAIN, "--%s = %g lies outside the domain [%g, %g]; --lo and --hi widen it",
                               names[i], points[i][d], o->op.lo[d], o->op.hi[d]);
    }
    return SL_OK;
}

/* ---- coefficients ---- */

/* T / s2 of f, to leading order in l; theory.md's closed forms for alpha on the step. */
static double temperature_per_noise(const sl_rule *rule, double l, double q)
{
    const double mu = rule->mu;
    if (rule->alpha_on == SL_ALPHA_ON_GRADIENT || mu == 0) return l * q / (2 * (1 - mu));
    if (rule->kind == SL_RULE_NESTEROV)
        return l / 2 * ((q - 1) * (1 + 2 * mu - 2 * mu * mu * mu) / (1 + mu) + 1 / (1 - mu));
    return l * (2 * mu + q * (1 - mu)) / (2 * (1 - mu * mu));
}

static sl_status set_rule(sl_operation *o, const sl_cli *cli, sl_err *err)
{
    const double lr = sl_cli_real(cli, "lr");
    const sl_alpha_on on = sl_cli_is(cli, "alpha-on", "gradient") ? SL_ALPHA_ON_GRADIENT : SL_ALPHA_ON_STEP;
    const sl_question *q = &o->question;
    const double last = q->n_times ? q->times[q->n_times - 1] : 1;
    SL_TRY(sl_rule_init(&o->op.rule, sl_cli_text(cli, "rule"), on, lr, sl_cli_real(cli, "momentum"), 0, err));
    SL_TRY(sl_schedule_init(&o->op.schedule, sl_cli_text(cli, "schedule"), lr, 1, last > 1 ? (uint64_t)last : 1, err));
    o->of_sgd = true;
    o->rate = sl_schedule_is_stationary(&o->op.schedule) ? sl_schedule_mean(&o->op.schedule, 0, 1) : lr;
    o->q = sl_schedule_q(&o->op.schedule);
    return SL_OK;
}

static sl_status set_transfer(sl_operation *o, const sl_cli *cli, sl_err *err)
{
    if (!sl_cli_given(cli, "lr")) return sl_fail(err, SL_E_USAGE, "--kind transfer needs --lr");
    if (!sl_cli_given(cli, "noise-variance") && !sl_cli_given(cli, "temperature"))
        return sl_fail(err, SL_E_USAGE, "--kind transfer needs --noise-variance, or the --temperature to choose it by");
    SL_TRY(set_rule(o, cli, err));
    const double per_noise = temperature_per_noise(&o->op.rule, o->rate, o->q), T = sl_cli_real(cli, "temperature");
    if (sl_cli_given(cli, "noise-variance")) {
        o->op.noise_variance = sl_cli_real(cli, "noise-variance") / o->batch;
        if (T > 0) o->op.temperature = T;
    } else {
        o->op.noise_variance = T / per_noise;
    }
    o->temperature = per_noise * o->op.noise_variance;
    o->step = o->rate / (1 - o->op.rule.mu);
    return SL_OK;
}

/* The continuous equation that a rate, a noise and a momentum stand for. */
static sl_status set_of_sgd(sl_operation *o, const sl_cli *cli, sl_err *err)
{
    if (!sl_cli_given(cli, "noise-variance")) return sl_fail(err, SL_E_USAGE, "--lr needs --noise-variance beside it");
    SL_TRY(set_rule(o, cli, err));
    const sl_rule *rule = &o->op.rule;
    if (!sl_schedule_is_stationary(&o->op.schedule))
        return sl_fail(err, SL_E_DOMAIN,
                       "schedule '%s': an equation with constant coefficients needs the same law at every "
                       "step; --kind transfer takes any schedule",
                       o->op.schedule.spec.entry->name);
    if (rule->mu > 0 && rule->alpha_on == SL_ALPHA_ON_STEP && o->q > 1)
        return sl_fail(err, SL_E_DOMAIN,
                       "a random rate on the whole step with momentum has no such equation here; take "
                       "--alpha-on gradient, or --kind transfer");
    const double s2 = sl_cli_real(cli, "noise-variance") / o->batch, mu = rule->mu, l = o->rate;
    o->op.noise_variance = s2;
    const sl_temp_params eq20 = {.l = l, .mu = mu, .C = o->batch, .D = o->q * s2 * o->batch};
    SL_TRY(sl_temp_effective(&o->temperature, &eq20, err));
    o->op.temperature = o->temperature;
    if (is_kind(o, &sl_klein_kramers)) {
        if (rule->kind == SL_RULE_NESTEROV)
            return sl_fail(err, SL_E_DOMAIN, "rule 'nesterov': eq 10 is the heavy ball's; --kind transfer takes both");
        o->op.friction = (1 - mu) / l;
        o->op.force = 1 / l;
        o->op.noise = sl_cli_is(cli, "noise", "printed") ? o->q * s2 : o->q * s2 / l;
        o->op.temperature = o->temperature = o->op.noise * l / (2 * o->op.friction);
        o->step = 1 / (1 - mu); /* overdamped, x moves by f' / (g l) a unit of time */
        return SL_OK;
    }
    o->diffusion = (sl_sgd_diffusion){.uniform = o->temperature, .slope = l / (2 * (1 - mu)) * (o->q - 1)};
    if (o->q > 1) {
        o->op.diffusion = diffusion_of_sgd;
        o->op.diffusion_ctx = &o->diffusion;
    }
    return SL_OK;
}

static sl_status set_of_temperature(sl_operation *o, const sl_cli *cli, sl_err *err)
{
    if (sl_cli_given(cli, "noise-variance"))
        return sl_fail(err, SL_E_USAGE,
                       "--temperature and --noise-variance both say what the noise of --kind %s is: one of "
                       "them",
                       sl_cli_text(cli, "kind"));
    o->temperature = o->op.temperature = sl_cli_real(cli, "temperature");
    if (!is_kind(o, &sl_klein_kramers)) return SL_OK;
    o->op.friction = sl_cli_given(cli, "friction") ? sl_cli_real(cli, "friction") : 1;
    o->step = 1 / o->op.friction;
    return SL_OK;
}

static sl_status set_coefficients(sl_operation *o, const sl_cli *cli, sl_err *err)
{
    o->batch = sl_cli_real(cli, "batch");
    if (is_kind(o, &sl_transfer)) return set_transfer(o, cli, err);
    if (sl_cli_given(cli, "temperature")) return set_of_temperature(o, cli, err);
    if (!sl_cli_given(cli, "lr"))
        return sl_fail(err, SL_E_USAGE,
                       "--kind %s needs --temperature, or --lr and --noise-variance for the equation of SGD",
                       sl_cli_text(cli, "kind"));
    if (sl_cli_given(cli, "friction"))
        return sl_fail(err, SL_E_USAGE, "--friction follows from --lr and --momentum: (1 - mu)/l");
    return set_of_sgd(o, cli, err);
}

/* ---- the grid ---- */

static sl_status set_domain(sl_operation *o, const sl_cli *cli, sl_err *err)
{
    if (sl_cli_given(cli, "lo") != sl_cli_given(cli, "hi"))
        return sl_fail(err, SL_E_USAGE, "--lo and --hi go together");
    if (!sl_cli_given(cli, "lo")) return SL_OK;
    const size_t dim = o->op.loss.dim;
    size_t axes;
    (void)sl_cli_reals(cli, "lo", &axes);
    const bool phase = dim == 1 && axes == 2; /* (x, v) */
    SL_TRY(read_point(o->op.lo, cli, "lo", phase ? 2 : dim, dim == 2, err));
    SL_TRY(read_point(o->op.hi, cli, "hi", phase ? 2 : dim, dim == 2, err));
    for (size_t d = 0; d < (phase ? 2 : dim); d++)
        if (!(o->op.lo[d] < o->op.hi[d]))
            return sl_fail(err, SL_E_DOMAIN, "--lo = %g must be below --hi = %g", o->op.lo[d], o->op.hi[d]);
    return SL_OK;
}

static const sl_operator_kind *kind_of(const char *name)
{
    for (size_t i = 0; i < sl_n_operator_kinds; i++)
        if (strcmp(sl_operator_kinds[i]->entry.name, name) == 0) return sl_operator_kinds[i];
    return NULL;
}

sl_status sl_operation_init(sl_operation *o, const sl_cli *cli, sl_err *err)
{
    enum { LEAST_GRID = 16 };
    *o = (sl_operation){.loss = sl_cli_text(cli, "loss"),
                        .schedule = sl_cli_text(cli, "schedule"),
                        .rate = NAN,
                        .q = 1,
                        .step = 1,
                        .outside = NAN};
    sl_operator *op = &o->op;
    op->kind = kind_of(sl_cli_text(cli, "kind"));
    SL_TRY(sl_loss_init(&op->loss, sl_cli_text(cli, "loss"), err));
    if (op->loss.dim > 2)
        return sl_fail(err, SL_E_DOMAIN,
                       "loss '%s' has %zu dimensions: operators are solved in 1 or 2 (simulate has no such "
                       "bound)",
                       op->loss.kind->entry.name, op->loss.dim);
    SL_TRY(set_question(o, cli, err));
    SL_TRY(set_coefficients(o, cli, err));
    SL_TRY(set_domain(o, cli, err));
    op->seed = sl_cli_integer(cli, "seed");
    op->edge = sl_cli_is(cli, "edge", "absorbing") ? SL_EDGE_ABSORBING : SL_EDGE_REFLECTING;
    op->grid = (size_t)sl_cli_integer(cli, "grid");
    op->tolerance = sl_cli_given(cli, "tolerance") ? sl_cli_real(cli, "tolerance") : 0;
    op->memory = 1e9 * sl_cli_real(cli, "memory");
    op->jobs = (int)sl_cli_integer(cli, "jobs");

    if (op->grid % 2 || (op->grid && op->grid < LEAST_GRID))
        return sl_fail(err, SL_E_DOMAIN,
                       "--grid = %zu: need an even number of at least %d, since half of it is solved too", op->grid,
                       LEAST_GRID);
    SL_TRY(op->kind->check(op, &o->question, err));
    SL_TRY(op->kind->domain(op, &o->question, &o->outside, err));
    const size_t first = op->loss.dim == 2 ? op->kind->first_grid_2d : op->kind->first_grid;
    o->bytes = op->kind->bytes(op, &o->question, op->grid ? op->grid : 2 * first);
    if (op->grid && o->bytes > op->memory)
        return sl_fail(err, SL_E_CONFIG, "--grid %zu would take %.3g GB, --memory is %.3g GB", op->grid,
                       1e-9 * o->bytes, 1e-9 * op->memory);
    return check_points(o, cli, err);
}

/* ---- in words ---- */

void sl_operation_print(char *text, size_t size, const sl_operation *o)
{
    const sl_operator *op = &o->op;
    const char *loss = o->loss;
    if (is_kind(o, &sl_transfer)) {
        snprintf(text, size,
                 "%s: steps of SGD (%s, momentum %g, %s) of rate %g, noise variance %.6g; T = %.6g to leading "
                 "order",
                 loss, sl_rule_name(&op->rule), op->rule.mu, o->schedule, o->rate, op->noise_variance, o->temperature);
    } else if (is_kind(o, &sl_klein_kramers)) {
        const double s = op->force > 0 ? op->force : 1;
        const double noise = op->noise > 0 ? op->noise : 2 * op->friction * op->temperature * s;
        char factor[32] = "";
        if (s != 1) snprintf(factor, sizeof factor, "%.6g ", s);
        snprintf(text, size, "%s: dx = v dt, dv = -%sf' dt - %.6g v dt + %.6g dW; T = %.6g", loss, factor, op->friction,
                 sqrt(noise), o->temperature);
    } else if (op->diffusion) {
        snprintf(text, size, "%s: dx = -grad f dt + sqrt(2 D) dW, D = %.6g + %.6g f'^2; T = %.6g to leading order",
                 loss, o->diffusion.uniform, o->diffusion.slope, o->temperature);
    } else {
        snprintf(text, size, "%s: dx = -grad f dt + sqrt(2 T) dW, T = %.6g", loss, o->temperature);
    }
}
