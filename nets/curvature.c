/* The ends of the Hessian's spectrum, its trace and its density. */
#include "nets/curvature.h"

#include <math.h>
#include <stdlib.h>

#include "base/lanczos.h"

/* Numbers of random draws (sl_draw.sub) beyond those of noise. */
enum { SUB_START = 16, SUB_TRACE = 17 };

static sl_status check(const sl_curvature_config *c, sl_err *err)
{
    if (c->steps <= c->top + c->bottom)
        return sl_fail(err, SL_E_DOMAIN, "steps = %zu, need more than the %zu eigenvalues wanted", c->steps,
                       c->top + c->bottom);
    if (c->probes < 2) return sl_fail(err, SL_E_DOMAIN, "probes = %zu, need at least 2", c->probes);
    if (c->points < 2) return sl_fail(err, SL_E_DOMAIN, "points = %zu, need at least 2", c->points);
    if (!(c->width >= 0 && isfinite(c->width)))
        return sl_fail(err, SL_E_DOMAIN, "width = %g, need 0 <= width < inf", c->width);
    return SL_OK;
}

static sl_status alloc(sl_curvature *r, const sl_curvature_config *c, size_t parameters, sl_err *err)
{
    const size_t ends = c->top + c->bottom + 1;
    r->parameters = parameters;
    r->points = c->points;
    r->top = calloc(2 * ends, sizeof *r->top);
    r->residual_top = calloc(2 * ends, sizeof *r->residual_top);
    r->vectors = calloc((c->top + 1) * parameters, sizeof *r->vectors);
    r->grid = calloc(3 * c->points, sizeof *r->grid);
    if (!r->top || !r->residual_top || !r->vectors || !r->grid)
        return sl_fail(err, SL_E_MEMORY, "no memory for the curvature of %zu parameters", parameters);
    r->bottom = r->top + ends;
    r->residual_bottom = r->residual_top + ends;
    r->density = r->grid + c->points;
    r->density_se = r->density + c->points;
    return SL_OK;
}

/* One eigenpair's residual, and the spread of u'H_b u over the blocks of samples, whose weighted mean is the value.
 * work: [parameters] and twice [blocks]. */
static sl_status judge(sl_estimate *value, double *residual, const double *u, sl_objective *o, double *work,
                       sl_err *err)
{
    const size_t n = sl_objective_parameters(o), blocks = sl_objective_blocks(o);
    double *const form = work + n, *const weight = form + blocks;
    SL_TRY(sl_objective_forms(o, u, work, form, weight, err));
    double rest = 0, spread = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = work[i] - value->value * u[i];
        rest += d * d;
    }
    for (size_t b = 0; b < blocks; b++) {
        const double d = weight[b] * (form[b] - value->value);
        spread += d * d;
    }
    *residual = sqrt(rest);
    value->dof = (double)blocks - 1;
    value->se = blocks > 1 ? sqrt(spread * (double)blocks / value->dof) : NAN;
    return SL_OK;
}

static sl_status take_ends(sl_curvature *r, const sl_lanczos *l, sl_objective *o, const sl_curvature_config *c,
                           sl_err *err)
{
    const size_t n = r->parameters;
    double *const work = malloc((2 * n + 2 * sl_objective_blocks(o)) * sizeof *work), *const u = work;
    if (!work) return sl_fail(err, SL_E_MEMORY, "no memory for an eigenvector of %zu numbers", n);
    sl_status st = SL_OK;
    r->n_top = c->top < l->steps ? c->top : l->steps;
    r->n_bottom = c->bottom < l->steps ? c->bottom : l->steps;
    for (size_t j = 0; st == SL_OK && j < r->n_top; j++) {
        sl_lanczos_vector(r->vectors + j * n, l, j);
        r->top[j].value = l->value[j];
        st = judge(&r->top[j], &r->residual_top[j], r->vectors + j * n, o, work + n, err);
    }
    for (size_t j = 0; st == SL_OK && j < r->n_bottom; j++) {
        const size_t i = l->steps - 1 - j;
        sl_lanczos_vector(u, l, i);
        r->bottom[j].value = l->value[i];
        st = judge(&r->bottom[j], &r->residual_bottom[j], u, o, work + n, err);
    }
    free(work);
    return st;
}

static void draw_density(sl_curvature *r, const sl_lanczos *probe, const sl_curvature_config *c)
{
    double least = INFINITY, most = -INFINITY;
    for (size_t p = 0; p < c->probes; p++) {
        most = fmax(most, probe[p].value[0]);
        least = fmin(least, probe[p].value[probe[p].steps - 1]);
    }
    const double range = most - least;
    r->width = c->width > 0 ? c->width : range > 0 ? range / 100 : fmax(fabs(most), 1) / 100;
    least -= 5 * r->width; /* what the outermost Gaussian has beyond is 3e-7 of it */
    most += 5 * r->width;
    for (size_t g = 0; g < r->points; g++)
        r->grid[g] = least + (most - least) * (double)g / (double)(r->points - 1);
    sl_spectral_density(r->density, r->density_se, r->grid, r->points, r->width, probe, c->probes);
}

/* One iteration a probe. The first one's ends are the eigenvalues; bases are let go as soon as they are used. */
static sl_status iterate(sl_curvature *r, sl_lanczos *probe, sl_objective *o, const sl_curvature_config *c, sl_err *err)
{
    const size_t n = r->parameters;
    double *const start = malloc(n * sizeof *start);
    if (!start) return sl_fail(err, SL_E_MEMORY, "no memory for %zu numbers", n);
    sl_status st = SL_OK;
    for (size_t p = 0; st == SL_OK && p < c->probes; p++) {
        const sl_draw draw = {.seed = c->seed, .step = p, .sub = SUB_START, .purpose = SL_PURPOSE_MEASURE};
        sl_random_signs(start, n, &draw);
        st = sl_lanczos_alloc(&probe[p], n, c->steps, start, sl_objective_hessian, o, err);
        if (st == SL_OK && p == 0) st = take_ends(r, &probe[0], o, c, err);
        free(probe[p].basis);
        probe[p].basis = NULL;
    }
    free(start);
    if (st == SL_OK) r->steps = probe[0].steps;
    return st;
}

static sl_status take_trace(sl_curvature *r, sl_objective *o, const sl_curvature_config *c, sl_err *err)
{
    double *const value = malloc((r->n_top + 1) * sizeof *value);
    if (!value) return sl_fail(err, SL_E_MEMORY, "no memory for %zu eigenvalues", r->n_top);
    for (size_t j = 0; j < r->n_top; j++) value[j] = r->top[j].value;
    const sl_draw draw = {.seed = c->seed, .sub = SUB_TRACE, .purpose = SL_PURPOSE_MEASURE};
    sl_traces t;
    const sl_status st = sl_trace_probe(&t, r->parameters, c->probes, r->vectors, value, r->residual_top, r->n_top,
                                        sl_objective_hessian, o, draw, err);
    free(value);
    if (st != SL_OK) return st;
    r->trace = t.trace;
    r->square = t.square;
    return SL_OK;
}

sl_status sl_curvature_measure(sl_curvature *r, sl_objective *o, const sl_curvature_config *config, sl_err *err)
{
    SL_TRY(check(config, err));
    sl_curvature m = {0};
    sl_lanczos *const probe = calloc(config->probes, sizeof *probe);
    sl_status st = probe ? alloc(&m, config, sl_objective_parameters(o), err)
                         : sl_fail(err, SL_E_MEMORY, "no memory for %zu probes", config->probes);
    if (st == SL_OK) st = iterate(&m, probe, o, config, err);
    if (st == SL_OK) {
        draw_density(&m, probe, config);
        st = take_trace(&m, o, config, err);
    }
    for (size_t p = 0; probe && p < config->probes; p++) sl_lanczos_free(&probe[p]);
    free(probe);
    if (st == SL_OK) *r = m;
    else sl_curvature_clear(&m);
    return st;
}

void sl_curvature_clear(sl_curvature *r)
{
    free(r->top);
    free(r->residual_top);
    free(r->vectors);
    free(r->grid);
    *r = (sl_curvature){0};
}

double sl_stability_edge(double lr, double mu, bool nesterov)
{
    return 2 * (1 + mu) / (nesterov ? (1 + 2 * mu) * lr : lr);
}
