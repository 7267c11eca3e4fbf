#include "theory/exit_mesh.h"

#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_bessel.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/gsl.h"
#include "base/memory.h"
#include "theory/exit_kernel.h"

/* Panels are this many steps' lengths wide near R: with 16 nodes a fall as steep as a step is held to 1e-12. */
static const double panel_width = 2;
/* Densities end so many standard deviations from their centre: 2e-19 lies beyond. */
static const double reach = 9;
/* The least alpha and the least distance from R that are told from 0, relative to 1 and to a step's length. */
static const double finest = 0x1p-18;

/* ---- Quadrature rules on [-1, 1] --------------------------------------------------------------------------------- */

enum { FEW = 24, MANY = 64, MOST_NODES = 32 };
typedef struct {
    double x[MANY], w[MANY];
    double L[MANY][MOST_NODES]; /* the Lagrange polynomials of a panel at x */
} rule;

static sl_status make_rule(rule *r, size_t n, sl_err *err)
{
    gsl_integration_glfixed_table *const table = gsl_integration_glfixed_table_alloc(n);
    if (!table) return sl_fail(err, SL_E_MEMORY, "no memory for a quadrature rule");
    for (size_t i = 0; i < n; i++) gsl_integration_glfixed_point(-1, 1, i, &r->x[i], &r->w[i], table);
    gsl_integration_glfixed_table_free(table);
    return SL_OK;
}

typedef struct {
    rule nodes, alpha, few, many;
    size_t degree, alpha_nodes;
    double barycentric[MOST_NODES];
} rules;

/* The Lagrange polynomials of a panel at x in [-1, 1]. */
static void lagrange(double *L, const double *node, const double *barycentric, size_t degree, double x)
{
    double sum = 0;
    for (size_t j = 0; j < degree; j++) {
        const double away = x - node[j];
        if (away == 0) {
            for (size_t i = 0; i < degree; i++) L[i] = i == j;
            return;
        }
        L[j] = barycentric[j] / away;
        sum += L[j];
    }
    for (size_t j = 0; j < degree; j++) L[j] /= sum;
}

static sl_status make_rules(rules *r, size_t degree, size_t alpha_nodes, sl_err *err)
{
    sl_gsl_quiet();
    r->degree = degree;
    r->alpha_nodes = alpha_nodes;
    SL_TRY(make_rule(&r->nodes, degree, err));
    SL_TRY(make_rule(&r->alpha, alpha_nodes, err));
    SL_TRY(make_rule(&r->few, FEW, err));
    SL_TRY(make_rule(&r->many, MANY, err));
    /* of Legendre nodes: (-1)^j sqrt((1 - x_j^2) w_j) */
    for (size_t j = 0; j < degree; j++)
        r->barycentric[j] = (j % 2 ? -1 : 1) * sqrt((1 - r->nodes.x[j] * r->nodes.x[j]) * r->nodes.w[j]);
    for (size_t k = 0; k < FEW; k++) lagrange(r->few.L[k], r->nodes.x, r->barycentric, degree, r->few.x[k]);
    for (size_t k = 0; k < MANY; k++) lagrange(r->many.L[k], r->nodes.x, r->barycentric, degree, r->many.x[k]);
    return SL_OK;
}

/* ---- The panels -------------------------------------------------------------------------------------------------- */

/* The width of a panel that begins at a distance d from R. Started at R, a trajectory is one step from being out; from
 * d it takes d / (l |gamma| R) steps of drift, whose noises add up. For delta near 1 small steps count too. */
static double width_at(const sl_saddle *s, double d)
{
    const double step = s->l * sqrt(s->s2), drift = s->l * fabs(s->gamma) * s->R;
    const double regular = panel_width * step * fmax(1, sqrt(d / (drift + step)));
    return fmin(regular, fmax(d, panel_width * step * fmax(1 - s->delta, finest)));
}

static sl_status make_panels(sl_exit_mesh *m, size_t most, sl_err *err)
{
    double *const edge = malloc((most + 1) * sizeof *edge); /* distances from R, increasing */
    if (!edge) return sl_fail(err, SL_E_MEMORY, "no memory for %zu panels", most);
    size_t n = 0;
    edge[0] = 0;
    while (edge[n] < m->s.R && n < most) {
        const double next = edge[n] + width_at(&m->s, edge[n]);
        edge[++n] = next < m->s.R ? next : m->s.R;
    }
    if (edge[n] < m->s.R) {
        free(edge);
        return sl_fail(err, SL_E_CONFIG,
                       "a step's length l sqrt(s2) = %g is too small against R = %g: more than %zu panels",
                       m->s.l * sqrt(m->s.s2), m->s.R, most);
    }
    m->panels = n;
    m->edge = malloc((n + 1) * sizeof *m->edge);
    if (m->edge)
        for (size_t i = 0; i <= n; i++) m->edge[i] = m->s.R - edge[n - i];
    free(edge);
    return m->edge ? SL_OK : sl_fail(err, SL_E_MEMORY, "no memory for %zu panels", n);
}

static size_t panel_of(const sl_exit_mesh *m, double r)
{
    size_t low = 0, high = m->panels;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (m->edge[middle] <= r)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* ---- One step ---------------------------------------------------------------------------------------------------- */

/* The law of |y'| at one alpha: |y'| has a non-central chi law of centre c, scale sigma and k degrees. */
typedef struct {
    double c, sigma;
    size_t k;
} step_law;

static double density(const step_law *p, double r)
{
    const double x = (r - p->c) / p->sigma, scale = 1 / p->sigma;
    if (p->k == 1) {
        const double y = (r + p->c) / p->sigma, folded = y < reach ? exp(-y * y / 2) : 0;
        return (exp(-x * x / 2) + folded) * scale / sqrt(2 * M_PI);
    }
    const double k = (double)p->k, nu = k / 2 - 1, rs = r * scale, z = rs * (p->c * scale),
                 small = z * z / (4 * nu + 4);
    if (small < 1e-9) /* I_nu(z) = (z/2)^nu (1 + z^2/(4 nu + 4) + ...) / Gamma(nu + 1) */
        return scale * exp((k - 1) * log(rs) - nu * M_LN2 - gsl_sf_lngamma(k / 2) - x * x / 2 - z) * (1 + small);
    if (p->k == 3) return r / p->c * scale / sqrt(2 * M_PI) * exp(-x * x / 2) * -expm1(-2 * z);
    const double bessel = p->k == 2 ? gsl_sf_bessel_I0_scaled(z) : gsl_sf_bessel_Inu_scaled(nu, z);
    return rs * scale * pow(r / p->c, nu) * exp(-x * x / 2) * bessel;
}

/* Where the density is. */
static void support(double *lo, double *hi, const step_law *p)
{
    *lo = fmax(p->c - reach * p->sigma, 0);
    *hi = p->c + (reach + sqrt(2.0 * (double)(p->k - 1))) * p->sigma;
}

static double beyond(const step_law *p, double R, const rules *q)
{
    double lo, hi, sum = 0;
    support(&lo, &hi, p);
    if (lo >= R) return 1;
    if (hi <= R) return 0;
    if (p->k == 1) {
        const double unit = p->sigma * M_SQRT2;
        return (erfc((R - p->c) / unit) + erfc((R + p->c) / unit)) / 2;
    }
    lo = fmax(R, p->c - reach * p->sigma);
    const double half = (hi - lo) / 2;
    for (size_t i = 0; i < MANY; i++) sum += q->many.w[i] * half * density(p, lo + half * (1 + q->many.x[i]));
    return fmin(sum, 1);
}

/* Adds weight E[u(|y'|); |y'| in panel i], with the interpolant of u, to the entries of that panel. A density narrower
 * than the panel is integrated where it is, [lo, hi]; else the points and what the polynomials are there are the same
 * for all panels. */
static void add_panel(double *entry, const sl_exit_mesh *m, const rules *q, const step_law *p, double weight, size_t i,
                      double lo, double hi)
{
    const double left = m->edge[i], right = m->edge[i + 1], middle = (left + right) / 2, half = (right - left) / 2;
    const size_t points = half <= 2 * p->sigma ? FEW : MANY;
    const rule *const r = points == FEW ? &q->few : &q->many;
    const bool whole = half <= (reach - 1) * p->sigma;
    const double a = whole ? left : fmax(left, lo), part = ((whole ? right : fmin(right, hi)) - a) / 2;
    for (size_t k = 0; k < points; k++) {
        double here[MOST_NODES];
        const double at = a + part * (1 + r->x[k]), value = weight * part * r->w[k] * density(p, at);
        if (value == 0) continue;
        if (!whole) lagrange(here, q->nodes.x, q->barycentric, m->degree, (at - middle) / half);
        const double *const L = whole ? r->L[k] : here;
        for (size_t j = 0; j < m->degree; j++) entry[j] += value * L[j];
    }
}

/* Adds weight E u(|y'|) to a row over all nodes, and says which panels it touched. */
static void add_step(double *row, size_t *first, size_t *last, const sl_exit_mesh *m, const rules *q, const step_law *p,
                     double weight)
{
    double lo, hi;
    support(&lo, &hi, p);
    hi = fmin(hi, m->s.R);
    if (lo >= hi) return;
    const size_t begin = panel_of(m, lo), end = panel_of(m, hi) + 1;
    const bool gaussian = p->k == 1 && p->c > reach * p->sigma;
    if (begin < *first) *first = begin;
    if (end > *last) *last = end;
    for (size_t i = begin; i < end;) {
        size_t narrow = i; /* panels in a row whose nodes are a good rule for the density too */
        while (narrow < end && m->edge[narrow + 1] - m->edge[narrow] <= 2 * p->sigma) narrow++;
        const size_t at = i * m->degree, n = (narrow - i) * m->degree;
        if (n == 0) {
            add_panel(row + at, m, q, p, weight, i, lo, hi);
            i++;
            continue;
        }
        if (gaussian)
            sl_exit_add_gaussian(row + at, m->node + at, m->weight + at, n, p->c, p->sigma,
                                 weight / (p->sigma * sqrt(2 * M_PI)));
        else
            for (size_t j = at; j < at + n; j++) row[j] += weight * m->weight[j] * density(p, m->node[j]);
        i = narrow;
    }
}

/* How far alpha may go from a until the image of y, c = |1 + l alpha gamma| y and around it a step's length, has moved
 * by a panel or by its own width; and, where it comes to reach R, not beyond twice a. */
static double alpha_step(const sl_saddle *s, double y, double a)
{
    const double step = s->l * sqrt(s->s2), drift = s->l * fabs(s->gamma) * y;
    const double from_R = fmax(s->R - fabs(y + s->l * a * s->gamma * y), step);
    const double regular = fmax(width_at(s, from_R), a * step) / (drift + step);
    const double touches = (s->R - y) / (drift + reach * step);
    return fmin(regular, fmax(fmax(a, touches), finest));
}

/* Row of y and P(|y'| > R): the average over alpha in panels, narrower towards 0. */
static void make_row(double *row, size_t *first, size_t *last, double *leave, const sl_exit_mesh *m, const rules *q,
                     double y)
{
    const sl_saddle *const s = &m->s;
    const double step = s->l * sqrt(s->s2), end = 1 + s->delta;
    *first = m->panels, *last = 0, *leave = 0;
    if (s->delta == 0) {
        const step_law p = {fabs(1 + s->l * s->gamma) * y, step, s->index};
        add_step(row, first, last, m, q, &p, 1);
        *leave = beyond(&p, s->R, q);
        return;
    }
    for (double a = 1 - s->delta; a < end;) {
        double b = a + alpha_step(s, y, a);
        if (end - b < 1e-3 * (b - a)) b = end;
        for (size_t i = 0; i < q->alpha_nodes; i++) {
            const double alpha = a + (b - a) / 2 * (1 + q->alpha.x[i]);
            const double weight = (b - a) / 2 * q->alpha.w[i] / (2 * s->delta);
            const step_law p = {fabs(1 + s->l * alpha * s->gamma) * y, alpha * step, s->index};
            add_step(row, first, last, m, q, &p, weight);
            *leave += weight * beyond(&p, s->R, q);
        }
        a = b;
    }
}

static sl_status make_rows(sl_exit_mesh *m, const rules *q, double *scratch, sl_err *err)
{
    double room = sl_memory_available("") / 2;
    for (size_t i = 0; i < m->n; i++) {
        size_t first, last;
        make_row(scratch, &first, &last, &m->leave[i], m, q, m->node[i]);
        if (first > last) first = last;
        m->first[i] = first * m->degree;
        m->last[i] = last * m->degree;
        const size_t bytes = (m->last[i] - m->first[i] + 1) * sizeof(double);
        room -= (double)bytes;
        m->row[i] = room > 0 ? malloc(bytes) : NULL;
        if (!m->row[i]) return sl_fail(err, SL_E_MEMORY, "no memory for a step of %zu nodes", m->n);
        memcpy(m->row[i], scratch + m->first[i], bytes - sizeof(double));
        memset(scratch + m->first[i], 0, bytes - sizeof(double));
    }
    return SL_OK;
}

sl_status sl_exit_mesh_init(sl_exit_mesh *m, const sl_saddle *s, size_t degree, size_t alpha_nodes, size_t most,
                            sl_err *err)
{
    rules q;
    *m = (sl_exit_mesh){.s = *s, .degree = degree};
    if (m->s.index == 0) m->s.index = 1;
    SL_TRY(make_rules(&q, degree, alpha_nodes, err));
    SL_TRY(make_panels(m, most, err));
    m->n = m->panels * degree;
    m->node = malloc(m->n * sizeof *m->node);
    m->weight = malloc(m->n * sizeof *m->weight);
    m->leave = malloc(m->n * sizeof *m->leave);
    m->first = malloc(m->n * sizeof *m->first);
    m->last = malloc(m->n * sizeof *m->last);
    m->row = calloc(m->n, sizeof *m->row);
    double *const scratch = calloc(m->n, sizeof *scratch);
    sl_status st = SL_E_MEMORY;
    if (m->node && m->weight && m->leave && m->first && m->last && m->row && scratch) {
        for (size_t i = 0; i < m->panels; i++)
            for (size_t j = 0; j < degree; j++) {
                const double half = (m->edge[i + 1] - m->edge[i]) / 2;
                m->node[i * degree + j] = m->edge[i] + half * (1 + q.nodes.x[j]);
                m->weight[i * degree + j] = half * q.nodes.w[j];
            }
        st = make_rows(m, &q, scratch, err);
    } else {
        st = sl_fail(err, SL_E_MEMORY, "no memory for %zu nodes", m->n);
    }
    free(scratch);
    return st;
}

void sl_exit_mesh_clear(sl_exit_mesh *m)
{
    for (size_t i = 0; m->row && i < m->n; i++) free(m->row[i]);
    free(m->row);
    free(m->edge);
    free(m->node);
    free(m->weight);
    free(m->leave);
    free(m->first);
    free(m->last);
    *m = (sl_exit_mesh){0};
}

void sl_exit_mesh_step(double *out, const sl_exit_mesh *m, const double *u)
{
    for (size_t i = 0; i < m->n; i++) {
        const double *const row = m->row[i], *const from = u + m->first[i];
        const size_t length = m->last[i] - m->first[i];
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < length; j++) sum += row[j] * from[j];
        out[i] = sum;
    }
}

double sl_exit_mesh_at(const sl_exit_mesh *m, const double *u, double r)
{
    /* barycentric weights of the panel from its nodes: few enough to be found anew */
    const size_t panel = panel_of(m, r);
    const double *const node = m->node + panel * m->degree, *const value = u + panel * m->degree;
    const double half = (m->edge[panel + 1] - m->edge[panel]) / 2;
    double top = 0, bottom = 0;
    for (size_t j = 0; j < m->degree; j++) {
        double product = 1;
        for (size_t i = 0; i < m->degree; i++)
            if (i != j) product *= 2 * (node[j] - node[i]) / half;
        if (r == node[j]) return value[j];
        const double weight = 1 / (product * ((r - node[j]) / half));
        top += weight * value[j];
        bottom += weight;
    }
    return top / bottom;
}
