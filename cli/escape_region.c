/* From the landscape of a loss to the sets that end a trajectory, and to the levels of splitting. */
#include <gsl/gsl_eigen.h>
#include <gsl/gsl_sort_vector.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/escape.h"

enum { DOUBLINGS = 4, DESCENT_STEPS = 200000 };

static const double FIRST_BOX = 2;  /* half a side of the first box searched                     */
static const double AT_REST = 1e-6; /* of the slope a unit away: no slope                        */
static const double ARRIVED = 0.05; /* of the way between a minimum and its nearest neighbour    */

static const char *name_of(const sl_loss *loss)
{
    return loss->kind->entry.name;
}

static double distance(size_t dim, const double *x, const double *y)
{
    double sum = 0;
    for (size_t d = 0; d < dim; d++) sum += (x[d] - y[d]) * (x[d] - y[d]);
    return sqrt(sum);
}

static double norm(size_t dim, const double *x)
{
    const double origin[SL_LOSS_MAX_DIM] = {0};
    return distance(dim, x, origin);
}

bool sl_escape_is_stationary(size_t *index, double *eigenvalues, const sl_loss *loss, const double *x)
{
    const size_t n = loss->dim;
    double g[SL_LOSS_MAX_DIM];
    gsl_matrix *H = gsl_matrix_alloc(n, n);
    gsl_vector *e = gsl_vector_alloc(n);
    gsl_eigen_symm_workspace *w = gsl_eigen_symm_alloc(n);
    bool stationary = H && e && w;
    if (stationary) {
        sl_loss_hessian(loss, x, H->data);
        gsl_eigen_symm(H, e, w);
        gsl_sort_vector(e);
        double scale = 0;
        *index = 0;
        for (size_t d = 0; d < n; d++) {
            eigenvalues[d] = gsl_vector_get(e, d);
            scale = fmax(scale, fabs(eigenvalues[d]));
            *index += eigenvalues[d] < 0;
        }
        sl_loss_gradient(loss, x, g);
        stationary = norm(n, g) <= AT_REST * scale;
    }
    gsl_eigen_symm_free(w);
    gsl_vector_free(e);
    gsl_matrix_free(H);
    return stationary;
}

/* ---- the landscape ---- */

static size_t minima_of(const sl_landscape *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) n += l->point[i].index == 0;
    return n;
}

/* Boxes around the start, twice as wide each time, until there are two minima and a wider one has no more. */
static sl_status search(sl_landscape *best, const sl_loss *loss, const double *start, sl_err *err)
{
    const size_t dim = loss->dim;
    if (dim > SL_LANDSCAPE_DIM)
        return sl_fail(err, SL_E_CONFIG,
                       "--to-basin: minima are searched for in up to %d dimensions, loss '%s' has %zu; "
                       "--radius R measures first exits from a ball",
                       SL_LANDSCAPE_DIM, name_of(loss), dim);
    double reach = fmax(FIRST_BOX, loss->kind->period); /* a box of more than a period holds one of them */
    for (size_t d = 0; d < dim; d++) reach = fmax(reach, FIRST_BOX + fabs(start[d] - loss->start[d]));
    best->n = 0;
    for (int k = 0; k < DOUBLINGS; k++, reach *= 2) {
        double lo[SL_LANDSCAPE_DIM], hi[SL_LANDSCAPE_DIM];
        for (size_t d = 0; d < dim; d++) {
            lo[d] = fmin(start[d], loss->start[d]) - reach;
            hi[d] = fmax(start[d], loss->start[d]) + reach;
        }
        sl_landscape l;
        sl_err why = {0};
        const sl_status st = sl_landscape_find(&l, loss, lo, hi, &why);
        if (st != SL_OK && minima_of(best) >= 2) return SL_OK; /* too many of them: the near ones will do */
        if (st != SL_OK)
            return sl_fail(err, SL_E_CONFIG, "--to-basin: the minima of loss '%s' were not found: %.400s",
                           name_of(loss), why.message);
        const bool more = minima_of(&l) > minima_of(best);
        if (more || k == 0) *best = l;
        if (loss->kind->period > 0 || (!more && minima_of(best) >= 2)) return SL_OK;
    }
    return SL_OK;
}

static sl_status alone(const sl_loss *loss, sl_err *err)
{
    return sl_fail(err, SL_E_CONFIG,
                   "--to-basin: no other minimum of loss '%s' was found near the start; --radius R "
                   "measures first exits from a ball",
                   name_of(loss));
}

static void add_set(sl_escape_case *c, const sl_set *set, const sl_stationary_point *target)
{
    if (c->region.n == SL_REGION_SETS) return;
    c->target[c->region.n] = *target;
    c->region.set[c->region.n++] = *set;
}

/* ---- one dimension: half-lines ---- */

/* The stationary point of that index nearest to x on one side, images of a periodic loss included. */
static bool next_point(sl_stationary_point *p, const sl_landscape *l, size_t index, double x, double side)
{
    bool found = false;
    for (size_t i = 0; i < l->n; i++) {
        if (l->point[i].index != index) continue;
        sl_stationary_point q = l->point[i];
        const double ahead = side * (q.x[0] - x), P = l->period;
        if (P > 0) q.x[0] += side * P * ceil((1e-9 * P - ahead) / P);
        const double away = side * (q.x[0] - x);
        if (!(away > 1e-9) || (found && away >= side * (p->x[0] - x))) continue;
        *p = q;
        found = true;
    }
    return found;
}

static sl_status basins_on_a_line(sl_escape_case *c, sl_err *err)
{
    const double x = c->start[0];
    for (int k = 0; k < 2; k++) {
        const double side = k == 0 ? 1 : -1;
        sl_stationary_point saddle = {.x = {x}}, beyond;
        if (c->from_saddle)
            saddle = c->home;
        else if (!next_point(&saddle, &c->landscape, 1, x, side))
            continue;
        if (!next_point(&beyond, &c->landscape, 0, saddle.x[0], side)) continue;
        const sl_set half = {SL_SET_HALF, {side}, side * (saddle.x[0] + beyond.x[0]) / 2};
        c->saddle[c->region.n] = saddle;
        add_set(c, &half, &beyond);
    }
    if (c->region.n == 0) return alone(&c->s.sgd.loss, err);
    sl_stationary_point home;
    if (c->from_saddle) return SL_OK;
    /* between the saddles there is one minimum, at the start or on one side of it */
    const sl_stationary_point *s = &c->saddle[0];
    const double side = s->x[0] > x ? -1 : 1;
    if (!next_point(&home, &c->landscape, 0, s->x[0], side)) return alone(&c->s.sgd.loss, err);
    c->home = home;
    return SL_OK;
}

/* ---- more dimensions: discs ---- */

static double room_around(const sl_landscape *l, size_t i)
{
    double nearest = INFINITY;
    for (size_t j = 0; j < l->n; j++)
        if (j != i) nearest = fmin(nearest, distance(l->dim, l->point[i].x, l->point[j].x));
    return nearest;
}

/* The minimum that steepest descent leads to from x, in steps that no basin is narrow for; l->n: none. */
static size_t descend(const sl_landscape *l, const sl_loss *loss, const double *from)
{
    double x[SL_LOSS_MAX_DIM], g[SL_LOSS_MAX_DIM], steepest = 0, room = INFINITY;
    for (size_t i = 0; i < l->n; i++) {
        steepest = fmax(steepest, fabs(l->point[i].eigenvalue[l->dim - 1]));
        room = fmin(room, room_around(l, i));
    }
    memcpy(x, from, l->dim * sizeof *x);
    for (int k = 0; k < DESCENT_STEPS; k++) {
        for (size_t i = 0; i < l->n; i++)
            if (l->point[i].index == 0 && distance(l->dim, x, l->point[i].x) < ARRIVED * room_around(l, i)) return i;
        sl_loss_gradient(loss, x, g);
        const double slope = norm(l->dim, g), step = fmin(0.2 / steepest, 0.02 * room / slope);
        for (size_t d = 0; d < l->dim; d++) x[d] -= step * g[d];
    }
    return l->n;
}

static sl_status basins_in_space(sl_escape_case *c, sl_err *err)
{
    const sl_landscape *l = &c->landscape;
    const sl_loss *loss = &c->s.sgd.loss;
    size_t home = l->n;
    if (!c->from_saddle) {
        home = descend(l, loss, c->start);
        if (home == l->n)
            return sl_fail(err, SL_E_CONFIG,
                           "--to-basin: steepest descent from the start leads to none of the %zu minima "
                           "of loss '%s' that were found",
                           minima_of(l), name_of(loss));
        c->home = l->point[home];
    }
    if (loss->kind->period > 0)
        return sl_fail(err, SL_E_CONFIG,
                       "--to-basin: periodic losses are followed from well to well in one dimension "
                       "only; --radius R measures first exits from a ball");
    for (size_t i = 0; i < l->n; i++) {
        if (i == home || l->point[i].index != 0) continue;
        sl_set disc = {.kind = SL_SET_WITHIN, .level = room_around(l, i) / 2};
        memcpy(disc.point, l->point[i].x, l->dim * sizeof *disc.point);
        add_set(c, &disc, &l->point[i]);
    }
    return c->region.n == 0 ? alone(loss, err) : SL_OK;
}

sl_status sl_escape_basins(sl_escape_case *c, sl_err *err)
{
    const sl_loss *loss = &c->s.sgd.loss;
    double eigenvalues[SL_LOSS_MAX_DIM];
    size_t index = 0;
    c->region.n = 0;
    SL_TRY(search(&c->landscape, loss, c->start, err));
    c->from_saddle = sl_escape_is_stationary(&index, eigenvalues, loss, c->start) && index > 0;
    if (c->from_saddle) {
        c->home = (sl_stationary_point){.f = sl_loss_value(loss, c->start), .index = index};
        memcpy(c->home.x, c->start, loss->dim * sizeof *c->start);
        memcpy(c->home.eigenvalue, eigenvalues, loss->dim * sizeof *eigenvalues);
    }
    return loss->dim == 1 ? basins_on_a_line(c, err) : basins_in_space(c, err);
}

/* ---- splitting ---- */

static double dot(size_t dim, const double *x, const double *y)
{
    double sum = 0;
    for (size_t d = 0; d < dim; d++) sum += x[d] * y[d];
    return sum;
}

/* Spread of xi . x in the well at temperature T: sqrt(T / curvature along xi). */
static double thermal_width(const sl_escape_case *c, const double *xi, double T)
{
    const size_t dim = c->s.sgd.loss.dim;
    double H[SL_LANDSCAPE_DIM * SL_LANDSCAPE_DIM], curvature = 0;
    sl_loss_hessian(&c->s.sgd.loss, c->home.x, H);
    for (size_t i = 0; i < dim; i++) curvature += xi[i] * dot(dim, H + i * dim, xi);
    return sqrt(T / curvature);
}

/* xi points from the start's minimum to the one that is nearest; A ends half a thermal width from its bottom, where a
 * trajectory is often, and the first level stands at one and a half, but not beyond half of the way to the top. */
sl_status sl_escape_levels(sl_escape_case *c, double T, sl_err *err)
{
    const sl_loss *loss = &c->s.sgd.loss;
    const size_t dim = loss->dim;
    sl_splitting *how = &c->how;
    if (c->from_saddle)
        return sl_fail(err, SL_E_CONFIG,
                       "--method splitting: the start is a saddle, which is left at once; direct runs do");
    size_t near = 0;
    for (size_t i = 1; i < c->region.n; i++)
        if (distance(dim, c->home.x, c->target[i].x) < distance(dim, c->home.x, c->target[near].x)) near = i;
    const double way = distance(dim, c->home.x, c->target[near].x);
    for (size_t d = 0; d < dim; d++) how->xi[d] = (c->target[near].x[d] - c->home.x[d]) / way;
    const double bottom = dot(dim, how->xi, c->home.x);
    double nearest = INFINITY; /* set, along xi */
    for (size_t i = 0; i < c->region.n; i++) {
        const sl_set *set = &c->region.set[i];
        const double begins = set->kind == SL_SET_HALF ? dot(dim, how->xi, set->point) * set->level
                                                       : dot(dim, how->xi, set->point) - set->level;
        nearest = fmin(nearest, begins - bottom);
    }
    const double width = T > 0 ? thermal_width(c, how->xi, T) : NAN;
    const double first = fmin(1.5 * width, fmin(nearest / 2, way / 4));
    if (!(first > 0))
        return sl_fail(err, SL_E_CONFIG,
                       "--method splitting: one coordinate, from the start's minimum to the nearest other, "
                       "does not lead to all minima of loss '%s'; --method direct does",
                       name_of(loss));
    how->a = bottom + first / 3;
    how->z = bottom + first;
    how->b = c->region;
    return SL_OK;
}
