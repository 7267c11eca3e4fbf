#include "sim/operators/fokker_planck/plane.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/operators/nodes.h"

/* The steepest fall of f between neighbours that is told from a cliff, in units of D: rates stay finite. */
static const double STEEP = 1e6;

/* See check_resolved: a rise in units of T, a part of all mass. */
static const double RIDGE = 8, SHARE = 0.1;

static const int step[SL_WAYS][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, 1}, {-1, -1}, {1, -1}, {-1, 1}};

/* ------------------------------------------------------------------------------------------------------ memory */

static sl_status take_memory(sl_plane *p, sl_err *err)
{
    const size_t N = p->unknowns;
    double *d = calloc((p->ways + 2 + p->n_discs) * N + p->n[0] + p->n[1], sizeof *d);
    int32_t *to = calloc(p->ways * N, sizeof *to);
    p->inside = calloc(N, sizeof *p->inside);
    p->memory[0] = d;
    p->memory[1] = to;
    p->memory[2] = p->inside;
    if (!d || !to || !p->inside)
        return sl_fail(err, SL_E_MEMORY, "no memory for a grid of %zu x %zu nodes", p->n[0], p->n[1]);
    p->f = d;
    p->lost = d + N;
    for (size_t w = 0; w < p->ways; w++) {
        p->rate[w] = d + (2 + w) * N;
        p->to[w] = to + w * N;
    }
    for (size_t b = 0; b < p->n_discs; b++) p->absorbed[b] = d + (2 + p->ways + b) * N;
    p->node[0] = d + (2 + p->ways + p->n_discs) * N;
    p->node[1] = p->node[0] + p->n[0];
    return SL_OK;
}

void sl_plane_clear(sl_plane *p)
{
    for (size_t m = 0; m < 3; m++) free(p->memory[m]);
    *p = (sl_plane){0};
}

/* -------------------------------------------------------------------------------------------------------- grid */

static void lay_out(sl_plane *p, size_t n)
{
    for (size_t d = 0; d < 2; d++) {
        p->n[d] = p->absorbing ? n - 1 : n; /* walls on the lines 0 and n */
        p->h[d] = (p->op->hi[d] - p->op->lo[d]) / (double)n;
    }
    p->unknowns = p->n[0] * p->n[1];
}

static void place_nodes(sl_plane *p)
{
    for (size_t d = 0; d < 2; d++)
        for (size_t i = 0; i < p->n[d]; i++)
            p->node[d][i] = p->op->lo[d] + p->h[d] * ((double)i + (p->absorbing ? 1 : 0.5));
}

static void connect(sl_plane *p)
{
    const int64_t nx = (int64_t)p->n[0], ny = (int64_t)p->n[1];
    for (size_t w = 0; w < p->ways; w++)
        for (int64_t i = 0; i < nx; i++)
            for (int64_t j = 0; j < ny; j++) {
                int64_t to_i = i + step[w][0], to_j = j + step[w][1];
                if (p->periodic) {
                    to_i = (to_i + nx) % nx;
                    to_j = (to_j + ny) % ny;
                }
                const bool there = to_i >= 0 && to_i < nx && to_j >= 0 && to_j < ny;
                p->to[w][i * ny + j] = there ? (int32_t)(to_i * ny + to_j) : -1;
            }
}

/* Vector from a to b, by the shortest way around where the loss is periodic. */
static void vector(double v[2], const sl_plane *p, const double a[2], const double b[2])
{
    for (size_t d = 0; d < 2; d++) {
        v[d] = b[d] - a[d];
        if (p->periodic) v[d] -= p->op->loss.kind->period * round(v[d] / p->op->loss.kind->period);
    }
}

/* -------------------------------------------------------------------------------------------------- diffusion */

/* D at every node, or T. */
typedef struct {
    double xx, xy, yy;
} diffusion;

static sl_status diffusion_at(diffusion *out, const sl_operator *op, const double x[2], sl_err *err)
{
    *out = (diffusion){.xx = op->temperature, .yy = op->temperature};
    if (!op->diffusion) return SL_OK;
    double D[4] = {0};
    op->diffusion(op->diffusion_ctx, &op->loss, x, D);
    *out = (diffusion){D[0], D[1], D[3]};
    const double size = fabs(D[0]) + fabs(D[3]);
    if (!(D[0] > 0 && D[3] > 0 && isfinite(size) && fabs(D[1] - D[2]) <= 1e-12 * size &&
          D[1] * D[1] < D[0] * D[3] * (1 - 1e-12)))
        return sl_fail(err, SL_E_DOMAIN, "diffusion at (%g, %g) is ((%g, %g), (%g, %g)), need symmetric and positive",
                       x[0], x[1], D[0], D[1], D[2], D[3]);
    return SL_OK;
}

static double largest_eigenvalue(const diffusion *D)
{
    return (D->xx + D->yy) / 2 + hypot((D->xx - D->yy) / 2, D->xy);
}

/* Whether D needs diagonal jumps anywhere, and its largest eigenvalue: p->ways, p->T. */
static sl_status survey(sl_plane *p, sl_err *err)
{
    const sl_operator *const op = p->op;
    p->ways = SL_NORTH_EAST;
    p->T = op->temperature;
    if (p->reversible) return SL_OK;
    p->T = 0;
    for (size_t i = 0; i < p->n[0]; i++)
        for (size_t j = 0; j < p->n[1]; j++) {
            const double offset = p->absorbing ? 1 : 0.5, x[2] = {op->lo[0] + p->h[0] * ((double)i + offset),
                                                                  op->lo[1] + p->h[1] * ((double)j + offset)};
            diffusion D;
            SL_TRY(diffusion_at(&D, op, x, err));
            if (D.xy != 0) p->ways = SL_WAYS;
            p->T = fmax(p->T, largest_eigenvalue(&D));
        }
    return SL_OK;
}

/* Takes the diagonal jumps' share from the diffusion along x and y. */
static sl_status share(diffusion *D, const sl_plane *p, const double x[2], sl_err *err)
{
    const double aspect = p->h[0] / p->h[1], xy = fabs(D->xy), xx = D->xx - xy * aspect, yy = D->yy - xy / aspect;
    if (xx < -1e-12 * D->xx || yy < -1e-12 * D->yy)
        return sl_fail(
            err, SL_E_CONFIG,
            "diffusion at (%g, %g): with D_xy = %g rates stay positive only for grids of spacings hx/hy from %g "
            "to %g, this one has %g: choose the domain's sides in that ratio",
            x[0], x[1], D->xy, xy / D->yy, D->xx / xy, aspect);
    D->xx = fmax(xx, 0);
    D->yy = fmax(yy, 0);
    return SL_OK;
}

/* ------------------------------------------------------------------------------------------------------- rates */

static double bernoulli(double u)
{
    return fabs(u) < 1e-9 ? 1 - u / 2 : u / expm1(u);
}

static double clamped(const sl_plane *p, double f, double floor)
{
    const double above = f - floor;
    return above < SL_PLANE_CEILING * p->T ? above : SL_PLANE_CEILING * p->T;
}

/* Where the segment from x along `to` first meets the circle, as a fraction of the segment; 2: it does not. x lies
 * outside. */
static double meets(const sl_plane *p, const sl_disc *disc, const double x[2], const double to[2])
{
    double v[2];
    vector(v, p, disc->centre, x);
    const double a = to[0] * to[0] + to[1] * to[1], b = v[0] * to[0] + v[1] * to[1],
                 c = v[0] * v[0] + v[1] * v[1] - disc->radius * disc->radius, root = b * b - a * c;
    if (!(root >= 0) || b >= 0) return 2;
    const double s = c / (-b + sqrt(root));
    return s <= 1 ? s : 2;
}

/* What lies in a way: a neighbour, or a disc before it. */
typedef struct {
    double fraction, df; /* of the spacing; f there minus f here */
    int disc;            /* -1: none                             */
} prospect;

static prospect look(const sl_plane *p, size_t k, const double x[2], size_t way, double floor)
{
    prospect s = {.fraction = 1, .disc = -1};
    const double to[2] = {step[way][0] * p->h[0], step[way][1] * p->h[1]};
    for (size_t b = 0; b < p->n_discs; b++) {
        const double fraction = meets(p, &p->disc[b], x, to);
        if (fraction <= s.fraction) s = (prospect){.fraction = fraction, .disc = (int)b};
    }
    const int32_t next = p->to[way][k];
    const bool on_grid = next >= 0 && s.disc < 0;
    if (on_grid) {
        s.df = p->f[next] - p->f[k];
    } else if (s.disc >= 0 || p->absorbing) {
        const double point[2] = {x[0] + s.fraction * to[0], x[1] + s.fraction * to[1]};
        s.df = clamped(p, sl_loss_value(&p->op->loss, point), floor) - p->f[k];
    }
    return s;
}

/* The jumps of node k along one line, ways w and w + 1: coefficient / (spacing^2) B(u[.]) each. */
static void jumps(sl_plane *p, size_t k, const prospect s[2], size_t w, double coefficient, const double u[2])
{
    const double uneven = 2 / (s[0].fraction + s[1].fraction);
    for (size_t e = 0; e < 2; e++) {
        const double rate = uneven * coefficient * bernoulli(u[e]) / s[e].fraction;
        const int32_t next = p->to[w + e][k];
        if (s[e].disc >= 0) {
            p->absorbed[s[e].disc][k] += rate;
            p->to[w + e][k] = -1;
        } else if (next >= 0) {
            p->rate[w + e][k] = rate;
        } else if (p->absorbing) {
            p->lost[k] += rate;
        }
    }
}

/* D^-1 grad f. */
static void covector(double c[2], const sl_plane *p, const diffusion *D, const double x[2])
{
    const double det = D->xx * D->yy - D->xy * D->xy;
    double g[2];
    sl_loss_gradient(&p->op->loss, x, g);
    c[0] = (D->yy * g[0] - D->xy * g[1]) / det;
    c[1] = (D->xx * g[1] - D->xy * g[0]) / det;
}

static void set_rates_of(sl_plane *p, size_t k, const double x[2], const diffusion *D, const diffusion *left,
                         double floor)
{
    const double hx = p->h[0], hy = p->h[1];
    const double coefficient[4] = {left->xx / (hx * hx), left->yy / (hy * hy), fmax(D->xy, 0) / (hx * hy),
                                   fmax(-D->xy, 0) / (hx * hy)};
    double c[2] = {0};
    if (p->ways == SL_WAYS) covector(c, p, D, x);
    for (size_t w = 0; w < p->ways; w += 2) {
        const prospect s[2] = {look(p, k, x, w, floor), look(p, k, x, w + 1, floor)};
        double u[2];
        for (size_t e = 0; e < 2; e++) {
            if (p->ways == SL_WAYS)
                u[e] = s[e].fraction * (step[w + e][0] * hx * c[0] + step[w + e][1] * hy * c[1]);
            else
                u[e] = s[e].df / (w < SL_NORTH ? D->xx : D->yy);
            u[e] = fmin(fmax(u[e], -STEEP), STEEP); /* also what is not finite */
        }
        jumps(p, k, s, w, coefficient[w / 2], u);
    }
}

static sl_status set_rates(sl_plane *p, double floor, sl_err *err)
{
    for (size_t k = 0; k < p->unknowns; k++) {
        const double x[2] = {p->node[0][k / p->n[1]], p->node[1][k % p->n[1]]};
        if (p->inside[k]) {
            for (size_t w = 0; w < p->ways; w++) p->to[w][k] = -1;
            continue;
        }
        diffusion D;
        SL_TRY(diffusion_at(&D, p->op, x, err));
        diffusion left = D;
        if (p->ways == SL_WAYS) SL_TRY(share(&left, p, x, err));
        set_rates_of(p, k, x, &D, &left, floor);
    }
    return SL_OK;
}

static sl_status raise(sl_plane *p, double *floor, sl_err *err)
{
    sl_loss_on_nodes(p->f, NULL, &p->op->loss, p->n[0], p->node[0], p->n[1], p->node[1]);
    *floor = INFINITY;
    for (size_t k = 0; k < p->unknowns; k++) {
        if (isnan(p->f[k]))
            return sl_fail(err, SL_E_NUMERIC, "loss '%s' is not a number at (%g, %g)", p->op->loss.kind->entry.name,
                           p->node[0][k / p->n[1]], p->node[1][k % p->n[1]]);
        *floor = fmin(*floor, p->f[k]);
    }
    for (size_t k = 0; k < p->unknowns; k++) p->f[k] = clamped(p, p->f[k], *floor);
    return isfinite(*floor)
               ? SL_OK
               : sl_fail(err, SL_E_NUMERIC, "loss '%s' is %g at a node", p->op->loss.kind->entry.name, *floor);
}

enum { RESOLVED = 2 };

/* Which nodes lie in a disc. On grids coarser than RESOLVED spacings a radius, what is left of order h^3 is larger than
 * the h^2 term (measured: mean times to discs of radius 0.1 and 0.4). */
static sl_status mark(sl_plane *p, sl_err *err)
{
    for (size_t b = 0; b < p->n_discs; b++) {
        const sl_disc *const disc = &p->disc[b];
        const double spacing = fmax(p->h[0], p->h[1]);
        if (disc->radius < RESOLVED * spacing)
            return sl_fail(err, SL_E_NUMERIC,
                           "radius %g of the disc at (%g, %g) is less than %d spacings of the grid (%g): refine it",
                           disc->radius, disc->centre[0], disc->centre[1], RESOLVED, spacing);
        for (size_t k = 0; k < p->unknowns; k++) {
            const double x[2] = {p->node[0][k / p->n[1]], p->node[1][k % p->n[1]]};
            double v[2];
            vector(v, p, disc->centre, x);
            if (hypot(v[0], v[1]) <= disc->radius * (1 + 1e-10)) p->inside[k] = (unsigned char)(b + 1);
        }
    }
    return SL_OK;
}

/* Refuses a grid between whose nodes a well or a valley falls, so that its walls stand between neighbours: a node with
 * RIDGE T to both sides sums what is beside it with an error of a half. */
static sl_status check_resolved(const sl_plane *p, sl_err *err)
{
    double total = 0, thin = 0, heaviest = 0;
    size_t at = 0;
    for (size_t k = 0; k < p->unknowns; k++) {
        const double mass = exp(-p->f[k] / p->T);
        bool ridge = false;
        for (size_t w = 0; w < SL_NORTH_EAST; w += 2) {
            const int32_t a = p->to[w][k], b = p->to[w + 1][k];
            ridge = ridge || (a >= 0 && b >= 0 && fmin(p->f[a], p->f[b]) - p->f[k] > RIDGE * p->T);
        }
        total += mass;
        if (!ridge) continue;
        thin += mass;
        if (mass <= heaviest) continue;
        heaviest = mass;
        at = k;
    }
    if (!(thin > SHARE * total)) return SL_OK;
    return sl_fail(err, SL_E_NUMERIC,
                   "a grid of %zu x %zu nodes is too coarse: the valley at (%g, %g) is narrower than a cell", p->n[0], p->n[1], p->node[0][at / p->n[1]], p->node[1][at % p->n[1]]);
}

static sl_status set_up(sl_plane *p, size_t n, sl_err *err)
{
    lay_out(p, n);
    if (p->unknowns > INT32_MAX / SL_WAYS)
        return sl_fail(err, SL_E_CONFIG, "a grid of %zu x %zu nodes is too large", p->n[0], p->n[1]);
    double floor = 0;
    SL_TRY(survey(p, err));
    SL_TRY(take_memory(p, err));
    place_nodes(p);
    connect(p);
    SL_TRY(raise(p, &floor, err));
    SL_TRY(check_resolved(p, err));
    SL_TRY(mark(p, err));
    return set_rates(p, floor, err);
}

sl_status sl_plane_alloc(sl_plane *p, const sl_operator *op, size_t n, size_t n_discs, const sl_disc *discs,
                         sl_err *err)
{
    *p = (sl_plane){.op = op,
                    .reversible = !op->diffusion,
                    .periodic = op->loss.kind->period > 0,
                    .absorbing = op->edge == SL_EDGE_ABSORBING,
                    .n_discs = n_discs};
    for (size_t b = 0; b < n_discs; b++) p->disc[b] = discs[b];
    const sl_status st = set_up(p, n, err);
    if (st != SL_OK) sl_plane_clear(p);
    return st;
}

/* ---------------------------------------------------------------------------------------------------- matrices */

double sl_plane_exit_rate(const sl_plane *p, size_t k)
{
    double sum = p->lost[k];
    for (size_t w = 0; w < p->ways; w++) sum += p->rate[w][k];
    for (size_t b = 0; b < p->n_discs; b++) sum += p->absorbed[b][k];
    return sum;
}

typedef struct {
    size_t entries;
    int64_t *row, *column;
    double *value;
} triplets;

static void put(triplets *t, size_t row, size_t column, double value)
{
    t->row[t->entries] = (int64_t)row;
    t->column[t->entries] = (int64_t)column;
    t->value[t->entries++] = value;
}

static sl_status assemble(sl_sparse *A, const sl_plane *p, double shift, double scale, size_t pinned, bool symmetric,
                          sl_err *err)
{
    const size_t N = p->unknowns, room = (p->ways + 1) * N;
    triplets t = {.row = malloc(room * sizeof *t.row),
                  .column = malloc(room * sizeof *t.column),
                  .value = malloc(room * sizeof *t.value)};
    sl_status st = SL_OK;
    if (t.row && t.column && t.value) {
        for (size_t k = 0; k < N; k++) {
            const bool alone = p->inside[k] || k == pinned;
            put(&t, k, k, alone ? 1 : shift + scale * sl_plane_exit_rate(p, k));
            for (size_t w = 0; w < p->ways && !alone; w++) {
                const int32_t next = p->to[w][k];
                if (next < 0 || p->inside[next] || (size_t)next == pinned) continue;
                const double rate = symmetric ? sqrt(p->rate[w][k] * p->rate[w ^ 1][next]) : p->rate[w][k];
                put(&t, (size_t)next, k, -scale * rate);
            }
        }
        st = sl_sparse_from_triplets(A, N, t.entries, t.row, t.column, t.value, err);
    } else {
        st = sl_fail(err, SL_E_MEMORY, "no memory for a matrix of %zu unknowns", N);
    }
    free(t.row);
    free(t.column);
    free(t.value);
    return st;
}

sl_status sl_plane_matrix(sl_sparse *A, const sl_plane *p, double shift, double scale, size_t pinned, sl_err *err)
{
    return assemble(A, p, shift, scale, pinned, false, err);
}

sl_status sl_plane_symmetric(sl_sparse *A, const sl_plane *p, double shift, double scale, sl_err *err)
{
    return assemble(A, p, shift, scale, SIZE_MAX, true, err);
}

/* ---------------------------------------------------------------------------------------------- interpolation */

enum { MOST = 6 };

/* Lagrange's weights at x of m nodes around it along axis d; false: they do not all lie on the grid. */
static bool lagrange(double weight[MOST], size_t at[MOST], const sl_plane *p, size_t d, double x, int m)
{
    const int64_t n = (int64_t)p->n[d];
    const double s = (x - p->node[d][0]) / p->h[d];
    const int64_t first = (int64_t)floor(s) - m / 2 + 1;
    if (!p->periodic && (first < 0 || first + m > n)) return false;
    for (int a = 0; a < m; a++) {
        weight[a] = 1;
        for (int b = 0; b < m; b++)
            if (b != a) weight[a] *= (s - (double)(first + b)) / (double)(a - b);
        at[a] = (size_t)((first + a + 2 * n) % n);
    }
    return true;
}

static bool interpolate(double *sum, const sl_plane *p, const double *value, const double x[2], int m)
{
    double wx[MOST], wy[MOST];
    size_t i[MOST], j[MOST];
    if (!lagrange(wx, i, p, 0, x[0], m) || !lagrange(wy, j, p, 1, x[1], m)) return false;
    *sum = 0;
    for (int a = 0; a < m; a++)
        for (int b = 0; b < m; b++) {
            const size_t k = i[a] * p->n[1] + j[b];
            if (p->inside[k] && m > 2) return false; /* values have a kink on the circle */
            *sum += wx[a] * wy[b] * value[k];
        }
    return true;
}

double sl_plane_at(const sl_plane *p, const double *value, const double x[2])
{
    double sum = 0, y[2];
    for (size_t d = 0; d < 2; d++) {
        y[d] = x[d];
        if (p->periodic) y[d] -= p->op->loss.kind->period * round(y[d] / p->op->loss.kind->period);
    }
    for (int m = MOST; m >= 2; m -= 2)
        if (interpolate(&sum, p, value, y, m)) return sum;
    size_t at[2]; /* between the last node and the edge: the nearest node's */
    for (size_t d = 0; d < 2; d++) {
        const double s = round((y[d] - p->node[d][0]) / p->h[d]);
        at[d] = (size_t)fmax(0, fmin(s, (double)p->n[d] - 1));
    }
    return value[at[0] * p->n[1] + at[1]];
}

sl_status sl_plane_field(sl_field **field, sl_answer *a, const sl_plane *p, const char *name, size_t index, sl_err *err)
{
    SL_TRY(sl_answer_add_field(field, a, name, index, p->n[0], p->n[1], err));
    for (size_t d = 0; d < 2; d++) memcpy((*field)->node[d], p->node[d], p->n[d] * sizeof *p->node[d]);
    return SL_OK;
}
