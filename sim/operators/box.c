/* Where exp(-f/T) lives: a box that holds all but a given part of its mass. */
#include <math.h>
#include <stdlib.h>

#include "sim/operators/nodes.h"
#include "sim/operators/operator.h"

/* FARTHEST: the search doubles its range up to there. SCAN, PLANE: points of a scan along a line, along each side of a
 * plane. TAIL: a tail is followed for so many steps of f by T. FINE, ROUGH: halvings of an interval in search of a point;
 * of one that only bounds a mass. */
#define FARTHEST 1e9
enum { SCAN = 4096, PLANE = 256, TAIL = 80, FINE = 60, ROUGH = 12 };

/* A loss along one coordinate, the others at zero, and a scan of it over [-R, R]. */
typedef struct {
    sl_loss_slice slice;
    double T, floor, bottom; /* floor: the least f seen; bottom: where */
    double R, at[SCAN + 1], f[SCAN + 1];
} line;

static double height(const line *l, double x)
{
    const double f = sl_loss_slice_value(x, (void *)&l->slice);
    return isnan(f) ? INFINITY : f;
}

static sl_status unbounded(const sl_loss *loss, double T, sl_err *err)
{
    return sl_fail(
        err, SL_E_UNSTABLE,
        "loss '%s' has no stationary law at T = %g: exp(-f/T) has no finite integral, f does not rise on all "
        "sides (searched to |x| = %g)",
        loss->kind->entry.name, T, FARTHEST);
}

/* The lowest point of [a, b], which holds one minimum. */
static double golden(const line *l, double a, double b)
{
    const double ratio = 0.6180339887498949;
    for (int k = 0; k < 90; k++) {
        const double c = b - ratio * (b - a), d = a + ratio * (b - a);
        if (height(l, c) < height(l, d))
            b = d;
        else
            a = c;
    }
    return (a + b) / 2;
}

/* f at even nodes of [-R, R], or at minima between them: at low T a well falls between two nodes. The least value. */
static void sample(line *l, double R)
{
    const double origin = 0;
    double *at = l->at, *f = l->f;
    l->R = R;
    for (int i = 0; i <= SCAN; i++) at[i] = -R + 2 * R * i / SCAN;
    if (l->slice.d == 0)
        sl_loss_on_nodes(f, NULL, l->slice.loss, SCAN + 1, at, 1, &origin);
    else
        sl_loss_on_nodes(f, NULL, l->slice.loss, 1, &origin, SCAN + 1, at);
    for (int i = 0; i <= SCAN; i++)
        if (isnan(f[i])) f[i] = INFINITY;
    for (int i = 1; i < SCAN; i++) {
        if (!(f[i] <= f[i - 1] && f[i] <= f[i + 1] && isfinite(f[i]))) continue;
        const double x = golden(l, at[i - 1], at[i + 1]), lowest = height(l, x);
        if (lowest < f[i]) {
            f[i] = lowest;
            at[i] = x;
        }
    }
    l->floor = INFINITY;
    for (int i = 0; i <= SCAN; i++) {
        if (!(f[i] < l->floor)) continue;
        l->floor = f[i];
        l->bottom = at[i];
    }
}

/* Scans [-R, R] for the outermost points within `reach` of the least value. */
static bool scan(line *l, double *first, double *last, double R, double reach)
{
    if (l->R != R) sample(l, R);
    if (!isfinite(l->floor)) return false;
    int left = 0, right = SCAN;
    while (l->f[left] - l->floor > reach) left++;
    while (l->f[right] - l->floor > reach) right--;
    *first = l->at[left];
    *last = l->at[right];
    return *first > -R / 2 && *last < R / 2;
}

/* Beyond x (going the way of `sign`, from a point below it) the first point where f is `rise` above the floor, from
 * above: too far by 2^-halvings of the way at most. */
static double crossing(const line *l, double x, double sign, double rise, int halvings)
{
    double step = 1e-6 * (1 + fabs(x)), inner = x;
    while (height(l, x + sign * step) - l->floor < rise && step < FARTHEST) {
        inner = x + sign * step;
        step *= 2;
    }
    double outer = x + sign * step;
    for (int k = 0; k < halvings; k++) {
        const double middle = (inner + outer) / 2;
        if (height(l, middle) - l->floor < rise)
            inner = middle;
        else
            outer = middle;
    }
    return outer;
}

/* Upper bound of the integral of exp(-(f - floor)/T) beyond the point `x` where f is `rise` T high: level by level of
 * f, which rises from there on. */
static double tail(const line *l, double x, double sign, double rise)
{
    double sum = 0;
    for (int k = 0; k < TAIL; k++) {
        const double next = crossing(l, x, sign, (rise + k + 1) * l->T, ROUGH);
        const double level = fabs(next - x) * exp(-(rise + k));
        sum += level;
        if (level < 1e-6 * sum) break; /* the levels above are as much less again, each by nearly a factor e */
        x = next;
    }
    return sum;
}

/* The box along one coordinate. The mass is bounded from below by that of the lowest well within T of its bottom. */
static sl_status find_line(double *lo, double *hi, double *outside, const sl_loss *loss, size_t d, double T,
                           double mass, sl_err *err)
{
    line l = {.slice = {loss, d}, .T = T};
    double first = 0, last = 0, R = 1;
    const double least = log(1 / mass);
    while (!scan(&l, &first, &last, R, (least + TAIL) * T)) {
        R *= 2;
        if (R > FARTHEST) return unbounded(loss, T, err);
    }
    double left = INFINITY, right = -INFINITY;
    for (double rise = least; rise < least + TAIL; rise++) {
        if (!scan(&l, &left, &right, R, rise * T)) return unbounded(loss, T, err);
        *lo = crossing(&l, left, -1, rise * T, FINE);
        *hi = crossing(&l, right, 1, rise * T, FINE);
        const double well = crossing(&l, l.bottom, 1, T, FINE) - crossing(&l, l.bottom, -1, T, FINE);
        *outside = (tail(&l, *lo, -1, rise) + tail(&l, *hi, 1, rise)) / (well * exp(-1));
        if (*outside < mass) return SL_OK;
    }
    return unbounded(loss, T, err);
}

/* A scan of a rectangle: weights f[PLANE][PLANE] at the nodes x[0], x[1]. */
typedef struct {
    const sl_loss *loss;
    double T, floor;
    double x[2][PLANE], f[PLANE * PLANE];
} plane;

static double height_at(const plane *p, double x, double y)
{
    const double point[2] = {x, y}, f = sl_loss_value(p->loss, point);
    return isnan(f) ? INFINITY : f;
}

/* The floor of the well around a node, by a search along the axes with halving steps. */
static double descend(const plane *p, double x, double y, double step)
{
    double lowest = height_at(p, x, y);
    for (int k = 0; k < 200; k++) {
        const double way[4][2] = {{x + step, y}, {x - step, y}, {x, y + step}, {x, y - step}};
        int to = -1;
        for (int w = 0; w < 4; w++) {
            const double f = height_at(p, way[w][0], way[w][1]);
            if (!(f < lowest)) continue;
            lowest = f;
            to = w;
        }
        if (to < 0) {
            step /= 2;
        } else {
            x = way[to][0];
            y = way[to][1];
        }
    }
    return lowest;
}

static void scan_plane(plane *p, const double lo[2], const double hi[2])
{
    for (size_t d = 0; d < 2; d++)
        for (size_t i = 0; i < PLANE; i++) p->x[d][i] = lo[d] + (hi[d] - lo[d]) * (double)i / (PLANE - 1);
    sl_loss_on_nodes(p->f, NULL, p->loss, PLANE, p->x[0], PLANE, p->x[1]);
    p->floor = INFINITY;
    size_t at = 0;
    for (size_t k = 0; k < PLANE * PLANE; k++) {
        if (isnan(p->f[k])) p->f[k] = INFINITY;
        if (!(p->f[k] < p->floor)) continue;
        p->floor = p->f[k];
        at = k;
    }
    if (isfinite(p->floor)) p->floor = descend(p, p->x[0][at / PLANE], p->x[1][at % PLANE], p->x[0][1] - p->x[0][0]);
}

/* The first and last node, along each axis, that come within `reach` of the floor. */
static bool extent(size_t first[2], size_t last[2], const plane *p, double reach)
{
    for (size_t d = 0; d < 2; d++) {
        first[d] = PLANE;
        last[d] = 0;
    }
    for (size_t k = 0; k < PLANE * PLANE; k++) {
        if (!(p->f[k] - p->floor < reach)) continue;
        const size_t at[2] = {k / PLANE, k % PLANE};
        for (size_t d = 0; d < 2; d++) {
            if (at[d] < first[d]) first[d] = at[d];
            if (at[d] > last[d]) last[d] = at[d];
        }
    }
    return first[0] < PLANE;
}

/* Moves the sides in, one by one, while what is beyond them all stays below the given part of the mass. */
static double trim(double lo[2], double hi[2], const plane *p, double mass)
{
    double outside = 0;
    for (size_t d = 0; d < 2; d++) {
        double marginal[PLANE] = {0}, total = 0, beyond = 0;
        for (size_t k = 0; k < PLANE * PLANE; k++)
            marginal[d == 0 ? k / PLANE : k % PLANE] += exp(-(p->f[k] - p->floor) / p->T);
        for (size_t i = 0; i < PLANE; i++) total += marginal[i];
        size_t left = 0, right = PLANE - 1;
        for (; left < right && beyond + marginal[left] <= mass / 8 * total; left++) beyond += marginal[left];
        outside += beyond / total;
        beyond = 0;
        for (; right > left && beyond + marginal[right] <= mass / 8 * total; right--) beyond += marginal[right];
        outside += beyond / total;
        lo[d] = p->x[d][left > 0 ? left - 1 : 0];
        hi[d] = p->x[d][right < PLANE - 1 ? right + 1 : PLANE - 1];
    }
    return outside;
}

static sl_status find_plane(double lo[2], double hi[2], double *outside, plane *p, double mass, sl_err *err)
{
    const double reach = (log(1 / mass) + TAIL / 2) * p->T;
    size_t first[2], last[2];
    for (double R = 1;; R *= 2) {
        if (R > FARTHEST) return unbounded(p->loss, p->T, err);
        for (size_t d = 0; d < 2; d++) {
            lo[d] = -R;
            hi[d] = R;
        }
        scan_plane(p, lo, hi);
        if (isfinite(p->floor) && extent(first, last, p, reach) && first[0] > PLANE / 4 && first[1] > PLANE / 4 &&
            last[0] < 3 * PLANE / 4 && last[1] < 3 * PLANE / 4)
            break;
    }
    for (int pass = 0; pass < 40; pass++) { /* close in on what is within reach, a node wider */
        bool shrunk = false;
        for (size_t d = 0; d < 2; d++) {
            lo[d] = p->x[d][first[d] > 0 ? first[d] - 1 : 0];
            hi[d] = p->x[d][last[d] < PLANE - 1 ? last[d] + 1 : PLANE - 1];
            shrunk = shrunk || last[d] - first[d] < PLANE * 9 / 10;
        }
        scan_plane(p, lo, hi);
        if (!extent(first, last, p, reach))
            return sl_fail(err, SL_E_NUMERIC,
                           "T = %g is too low: no node of a scan of %d x %d comes within %g T of the floor", p->T,
                           PLANE, PLANE, reach / p->T);
        if (!shrunk) break;
    }
    *outside = trim(lo, hi, p, mass) + exp(-TAIL / 2) * mass;
    return SL_OK;
}

sl_status sl_operator_box(double lo[2], double hi[2], double *outside, const sl_loss *loss, double T, double mass,
                          sl_err *err)
{
    const sl_loss_kind *kind = loss->kind;
    if (!(T > 0 && isfinite(T))) return sl_fail(err, SL_E_DOMAIN, "temperature T = %g, need 0 < T < inf", T);
    if (!(mass > 0 && mass < 1)) return sl_fail(err, SL_E_DOMAIN, "mass outside %g, need 0 < mass < 1", mass);
    if (loss->dim > 2)
        return sl_fail(err, SL_E_DOMAIN, "loss '%s' has %zu dimensions, need 1 or 2", kind->entry.name, loss->dim);
    if (!kind->confining && kind->period == 0)
        return sl_fail(
            err, SL_E_UNSTABLE,
            "loss '%s' has no stationary law exp(-f/T) to choose a domain by: it is not bounded below, or not known to "
            "confine",
            kind->entry.name);
    double from[2] = {0}, to[2] = {0}, beyond[2] = {0}; /* so that outputs stay as they were on failure */
    if (kind->period > 0) {
        for (size_t d = 0; d < loss->dim; d++) {
            from[d] = -kind->period / 2;
            to[d] = kind->period / 2;
        }
    } else if (loss->dim == 1 || kind->separable) {
        for (size_t d = 0; d < loss->dim; d++)
            SL_TRY(find_line(&from[d], &to[d], &beyond[d], loss, d, T, mass / (double)loss->dim, err));
    } else {
        plane *p = malloc(sizeof *p);
        if (!p) return sl_fail(err, SL_E_MEMORY, "no memory for a scan of %d x %d nodes", PLANE, PLANE);
        p->loss = loss;
        p->T = T;
        const sl_status st = find_plane(from, to, &beyond[0], p, mass, err);
        free(p);
        SL_TRY(st);
    }
    for (size_t d = 0; d < 2; d++) {
        lo[d] = from[d];
        hi[d] = to[d];
    }
    *outside = beyond[0] + beyond[1];
    return SL_OK;
}
