/* Convex finite sums over a_j.x: least squares, logistic regression and the hinge loss, of synthetic samples or of
 * one's own. */
#include "sim/losses/linear.h"

#include <math.h>
#include <string.h>

#include "base/random.h"

/* Tables of synthetic samples: 64 MiB at most. Samples of one's own: their index has 32 bits, a uniform's. */
enum { MOST_SAMPLES = 65536, MOST_OWN_SAMPLES = 1 << 24 };

#define M_PARAM \
    {.name = "m", .help = "number of samples", .def = 256, .min = 1, .max = MOST_SAMPLES, .integer = true}
#define COMMON_PARAMS                                                                                            \
    {.name = "norm", .help = "length of the true parameters", .def = 1, .max = 1e6},                             \
        {.name = "seed", .help = "which samples", .def = 0, .min = 0, .max = 4294967295.0, .integer = true},     \
        {.name = "l2", .help = "weight of |x|^2/2 [f/x^2]", .max = 1e12}, SL_DOMAIN_PARAMS

static const sl_param least_squares_params[] = {
    SL_SPECTRUM_PARAMS, M_PARAM,
    {.name = "noise", .help = "deviation of the targets about a.truth", .def = 1, .max = 1e6}, COMMON_PARAMS};
static const sl_param logistic_params[] = {SL_SPECTRUM_PARAMS, M_PARAM, COMMON_PARAMS};
static const sl_param hinge_params[] = {
    SL_SPECTRUM_PARAMS, M_PARAM,
    {.name = "flip", .help = "probability that a label is not the sign of a.truth", .def = 0.1, .max = 0.5},
    COMMON_PARAMS};

/* ---- Synthetic samples ---- */

/* What a table holds: A[m][n], y[m], truth[n]; then the minimiser[n] and its value. */
static size_t table_size(size_t m, size_t n)
{
    return m * n + m + 2 * n + 1;
}

/* Purpose SL_PURPOSE_SAMPLES, step j; sub 0: lanes d < n the normals of a_j, lane n that of the target; sub 1: the
 * uniform of the label; sub 2, step 0: the direction of the truth. */
static double target(const sl_loss *loss, double s, double z, uint64_t seed, size_t j)
{
    if (loss->kind == &sl_loss_least_squares) return s + sl_spec_get(&loss->spec, "noise") * z;
    const sl_draw draw = {.seed = seed, .step = j, .sub = 1, .purpose = SL_PURPOSE_SAMPLES};
    const double u = sl_random_uniform(0, &draw);
    if (loss->kind == &sl_loss_logistic) return u < 1 / (1 + exp(-s)) ? 1 : -1;
    return (s >= 0) == (u >= sl_spec_get(&loss->spec, "flip")) ? 1 : -1;
}

void sl_sample_truth(double *truth, size_t n, double length, uint64_t seed)
{
    const sl_draw draw = {.seed = seed, .sub = 2, .purpose = SL_PURPOSE_SAMPLES};
    double square = 0;
    sl_random_normals(truth, n, 0, 1, &draw);
    for (size_t d = 0; d < n; d++) square += truth[d] * truth[d];
    for (size_t d = 0; d < n; d++) truth[d] *= length / sqrt(square);
}

static void draw_samples(double *A, double *y, double *truth, const sl_loss *loss, const double *spectrum)
{
    const size_t n = loss->dim;
    const uint64_t seed = (uint64_t)sl_spec_get(&loss->spec, "seed");
    double z[SL_LOSS_MAX_DIM + 1], root[SL_LOSS_MAX_DIM];
    for (size_t d = 0; d < n; d++) root[d] = sqrt(spectrum[d]);
    sl_sample_truth(truth, n, sl_spec_get(&loss->spec, "norm"), seed);
    for (size_t j = 0; j < loss->samples; j++) {
        const sl_draw draw = {.seed = seed, .step = j, .purpose = SL_PURPOSE_SAMPLES};
        double s = 0;
        sl_random_normals(z, n + 1, 0, 1, &draw);
        for (size_t d = 0; d < n; d++) {
            A[j * n + d] = root[d] * z[d];
            s += A[j * n + d] * truth[d];
        }
        y[j] = target(loss, s, z[n], seed, j);
    }
}

/* ---- Minima ---- */

/* Fills in minimiser and least of a loss whose samples stand. Of the hinge loss, which has edges, a minimum that a box
 * cuts off stays unknown. */
static sl_status find_minimum(sl_loss *loss, sl_err *err)
{
    static const double zero[SL_LOSS_MAX_DIM];
    const sl_samples s = {.m = loss->samples, .n = loss->dim, .A = loss->table, .y = loss->targets};
    const sl_linear_solve solve = loss->kind == &sl_loss_least_squares ? sl_least_squares_solve
                                  : loss->kind == &sl_loss_logistic    ? sl_logistic_solve
                                                                       : sl_hinge_solve;
    double x[SL_LOSS_MAX_DIM], g[SL_LOSS_MAX_DIM], slope = 0;
    bool found;
    sl_loss_gradient(loss, zero, g);
    for (size_t d = 0; d < s.n; d++) slope += g[d] * g[d];
    SL_TRY(sl_ball_solve(&found, x, solve, &s, loss->data[0], loss->data[SL_DOMAIN_RADIUS], sqrt(slope), err));
    if (!found || !sl_domain_holds(loss, x)) {
        if (!(loss->data[SL_DOMAIN_BOX] > 0 && loss->kind->hessian_vector)) return SL_OK;
        SL_TRY(sl_box_solve(x, loss, err));
    }
    for (size_t d = 0; d < s.n; d++) loss->minimiser[d] = x[d];
    loss->least = sl_loss_value(loss, x);
    return SL_OK;
}

/* Of the classifications: n samples or fewer lie on one side of a plane each, so that nothing holds x back. */
static sl_status check(const sl_loss *loss, sl_err *err)
{
    if (loss->kind == &sl_loss_least_squares || loss->data[0] > 0 || loss->samples > loss->dim) return SL_OK;
    return sl_fail(err, SL_E_DOMAIN, "loss '%s': m = %zu, need m > n = %zu, or l2 > 0", loss->kind->entry.name,
                   loss->samples, loss->dim);
}

static void bind(sl_loss *loss, const double *table)
{
    loss->table = table;
    loss->targets = table + loss->samples * loss->dim;
    loss->truth = loss->targets + loss->samples;
}

static sl_status make(double *table, const sl_loss *loss, sl_err *err)
{
    sl_loss l = *loss;
    const size_t m = l.samples, n = l.dim;
    double spectrum[SL_LOSS_MAX_DIM];
    size_t same;
    SL_TRY(sl_spectrum_init(spectrum, &same, &l.spec, err));
    draw_samples(table, table + m * n, table + m * n + m, &l, spectrum);
    bind(&l, table);
    SL_TRY(find_minimum(&l, err));
    double *minimum = table + m * n + m + n;
    for (size_t d = 0; d < n; d++) minimum[d] = l.minimiser[d];
    minimum[n] = l.least;
    return SL_OK;
}

/* Starts at 0. */
static sl_status init(sl_loss *loss, sl_err *err)
{
    const double *table;
    double spectrum[SL_LOSS_MAX_DIM];
    SL_TRY(sl_spectrum_init(spectrum, &loss->dim, &loss->spec, err));
    SL_TRY(sl_domain_init(loss, err));
    loss->samples = (size_t)sl_spec_get(&loss->spec, "m");
    loss->data[0] = sl_spec_get(&loss->spec, "l2");
    SL_TRY(check(loss, err));
    SL_TRY(sl_sample_table(&table, loss, table_size(loss->samples, loss->dim), make, err));
    bind(loss, table);
    const double *minimum = loss->truth + loss->dim;
    for (size_t d = 0; d < loss->dim; d++) loss->minimiser[d] = minimum[d];
    loss->least = minimum[loss->dim];
    return SL_OK;
}

/* ---- Samples of one's own ---- */

static sl_status check_samples(const sl_loss *loss, sl_err *err)
{
    const char *name = loss->kind->entry.name;
    const bool labels = loss->kind != &sl_loss_least_squares;
    const size_t n = loss->dim;
    for (size_t j = 0; j < loss->samples; j++) {
        for (size_t d = 0; d < n; d++)
            if (!isfinite(loss->table[j * n + d]))
                return sl_fail(err, SL_E_DOMAIN, "loss '%s': feature %zu of sample %zu is %g, need a finite number",
                               name, d, j, loss->table[j * n + d]);
        const double y = loss->targets[j];
        if (labels && fabs(y) != 1)
            return sl_fail(err, SL_E_DOMAIN, "loss '%s': label %zu is %g, need -1 or 1", name, j, y);
        if (!isfinite(y))
            return sl_fail(err, SL_E_DOMAIN, "loss '%s': target %zu is %g, need a finite number", name, j, y);
    }
    return SL_OK;
}

/* Refuses parameters that say how samples are made, and puts m and n where those of synthetic samples are. */
static sl_status describe(sl_spec *spec, size_t m, size_t n, sl_err *err)
{
    for (size_t k = 0; k < spec->entry->n_params; k++) {
        const char *name = spec->entry->params[k].name;
        const bool own = strcmp(name, "l2") == 0 || strcmp(name, "radius") == 0 || strcmp(name, "box") == 0;
        if (spec->value[k].given && !own)
            return sl_fail(err, SL_E_DOMAIN, "loss '%s': %s is that of synthetic samples, not of given ones",
                           spec->entry->name, name);
    }
    spec->value[sl_spec_index(spec, "m")].v[0] = (double)m;
    spec->value[sl_spec_index(spec, "n")].v[0] = (double)n;
    return SL_OK;
}

sl_status sl_loss_from_samples(sl_loss *loss, const char *text, size_t m, size_t n, const double *features,
                               const double *targets, sl_err *err)
{
    static const sl_loss_kind *const kinds[] = {&sl_loss_least_squares, &sl_loss_logistic, &sl_loss_hinge};
    static const sl_entry *const entries[] = {&sl_loss_least_squares.entry, &sl_loss_logistic.entry,
                                              &sl_loss_hinge.entry};
    sl_loss l = {.samples = m, .dim = n, .table = features, .targets = targets, .least = NAN};
    SL_TRY(sl_spec_parse(&l.spec, text, "loss of samples", entries, sizeof entries / sizeof *entries, err));
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (entries[k] == l.spec.entry) l.kind = kinds[k];
    if (!(m >= 1 && m <= MOST_OWN_SAMPLES))
        return sl_fail(err, SL_E_DOMAIN, "loss '%s': %zu samples, need 1 to %d", l.spec.entry->name, m,
                       MOST_OWN_SAMPLES);
    if (!(n >= 1 && n <= SL_LOSS_MAX_DIM))
        return sl_fail(err, SL_E_DOMAIN, "loss '%s': %zu features, need 1 to %d", l.spec.entry->name, n,
                       SL_LOSS_MAX_DIM);
    SL_TRY(describe(&l.spec, m, n, err));
    SL_TRY(sl_domain_init(&l, err));
    l.data[0] = sl_spec_get(&l.spec, "l2");
    for (size_t d = 0; d < SL_LOSS_MAX_DIM; d++) l.minimiser[d] = NAN;
    SL_TRY(check_samples(&l, err));
    SL_TRY(check(&l, err));
    SL_TRY(find_minimum(&l, err));
    *loss = l;
    return SL_OK;
}

/* ---- The kinds ---- */

const sl_loss_kind sl_loss_least_squares = {
    .entry = {.name = "least-squares",
              .help = "(1/2m) sum_j (a_j.x - y_j)^2 + l2 |x|^2/2, a_j normal, y_j = a_j.truth + noise: a finite sum",
              .source = "",
              .params = least_squares_params,
              .n_params = sizeof least_squares_params / sizeof *least_squares_params},
    .init = init,
    .value = sl_least_squares_value,
    .gradient = sl_least_squares_gradient,
    .hessian_vector = sl_least_squares_hessian_vector,
    .laplacian = sl_least_squares_laplacian,
    .sample_gradient = sl_least_squares_sample_gradient,
    .project = sl_domain_project,
    .convex = true,
};

const sl_loss_kind sl_loss_logistic = {
    .entry = {.name = "logistic",
              .help = "(1/m) sum_j log(1 + exp(-y_j a_j.x)) + l2 |x|^2/2, a_j normal, P(y_j = 1) = "
                      "1/(1 + exp(-a_j.truth)): a finite sum",
              .source = "",
              .params = logistic_params,
              .n_params = sizeof logistic_params / sizeof *logistic_params},
    .init = init,
    .value = sl_logistic_value,
    .gradient = sl_logistic_gradient,
    .hessian_vector = sl_logistic_hessian_vector,
    .laplacian = sl_logistic_laplacian,
    .sample_gradient = sl_logistic_sample_gradient,
    .project = sl_domain_project,
    .convex = true,
};

const sl_loss_kind sl_loss_hinge = {
    .entry = {.name = "hinge",
              .help = "(1/m) sum_j max(0, 1 - y_j a_j.x) + l2 |x|^2/2, a_j normal, y_j = sign(a_j.truth) or, with "
                      "probability flip, the other one: a finite sum with edges",
              .source = "",
              .params = hinge_params,
              .n_params = sizeof hinge_params / sizeof *hinge_params},
    .init = init,
    .value = sl_hinge_value,
    .gradient = sl_hinge_gradient,
    .sample_gradient = sl_hinge_sample_gradient,
    .project = sl_domain_project,
    .convex = true,
};
