#include "theory/passage.h"

#include <float.h>
#include <gsl/gsl_integration.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/gsl.h"

/* The line is cut into panels. Of a panel [a, b] three positive numbers are kept, as logarithms:
 *   A = int exp(-f/T),   B = int exp(f/T),   J = int_a^b dy exp(f(y)/T) int_a^y dz exp(-f(z)/T),
 * and neighbours join without cancellation: A = A1 + A2, B = B1 + B2, J = J1 + J2 + A1 B2. So the double integral costs
 * one pass over the panels. Within a panel f is known at Gauss-Legendre nodes; the inner integral of J is that of the
 * interpolating polynomial. Panels are halved where their share of the error in the answer is too large: at low
 * temperatures that is near minima and summits only. */
enum { NODES = 16, START = 32, MOST = 1 << 18, SWEEPS = 100 };

static const double PRECISION = 1e-10, TARGET = 1e-12;

typedef struct {
    double A, B, J; /* logarithms */
} triple;

typedef struct {
    double a, b;
    bool inner_only;         /* left of `from`: only z comes here                                          */
    triple half[2], joined;  /* joined: of the two halves                                                  */
    double error[3];         /* relative, of A, B, J: halves against the whole; 0 where it is rounding     */
    double low, high;        /* bounds of f: the nodes', widened by the largest step between neighbours    */
} panel;

typedef struct {
    sl_function f;
    void *ctx;
    double sign, T, reference; /* what is integrated is f(sign x) - reference      */
    bool times;                /* the answer is J with A to its left; else A alone */
    double node[NODES], weight[NODES], inner[NODES][NODES];
    panel *panels;
    size_t n, room;
} quadrature;

static double value(const quadrature *q, double x)
{
    return q->f(q->sign * x, q->ctx) - q->reference;
}

/* log(exp(a) + exp(b)) */
static double log_add(double a, double b)
{
    const double high = fmax(a, b);
    return high == -INFINITY ? high : high + log1p(exp(fmin(a, b) - high));
}

/* Nodes and weights of [-1, 1], and inner[i][j] = int_-1^node_i of the polynomial that is 1 at node j, 0 at the others:
 * sum_m (2m+1)/2 weight_j P_m(node_j) int_-1^node_i P_m, where int_-1^x P_m = (P_{m+1}(x) - P_{m-1}(x)) / (2m+1). */
static sl_status prepare(quadrature *q, sl_err *err)
{
    gsl_integration_glfixed_table *table = gsl_integration_glfixed_table_alloc(NODES);
    if (!table) return sl_fail(err, SL_E_MEMORY, "no memory for quadrature");
    for (size_t i = 0; i < NODES; i++) gsl_integration_glfixed_point(-1, 1, i, &q->node[i], &q->weight[i], table);
    gsl_integration_glfixed_table_free(table);
    double P[NODES][NODES + 1];
    for (size_t i = 0; i < NODES; i++) {
        P[i][0] = 1;
        P[i][1] = q->node[i];
        for (int m = 1; m < NODES; m++)
            P[i][m + 1] = ((2 * m + 1) * q->node[i] * P[i][m] - m * P[i][m - 1]) / (m + 1);
    }
    for (size_t i = 0; i < NODES; i++)
        for (size_t j = 0; j < NODES; j++) {
            double sum = q->node[i] + 1;
            for (size_t m = 1; m < NODES; m++) sum += P[j][m] * (P[i][m + 1] - P[i][m - 1]);
            q->inner[i][j] = q->weight[j] / 2 * sum;
        }
    return SL_OK;
}

/* The triple of [a, b]; *low, *high are widened to bounds of f there. */
static sl_status measure(triple *t, double *low, double *high, const quadrature *q, double a, double b, sl_err *err)
{
    double f[NODES], least = INFINITY, most = -INFINITY, step = 0;
    for (int i = 0; i < NODES; i++) {
        const double x = (a + b) / 2 + (b - a) / 2 * q->node[i];
        f[i] = value(q, x);
        if (!isfinite(f[i])) return sl_fail(err, SL_E_DOMAIN, "f(%g) is not finite", q->sign * x);
        least = fmin(least, f[i]);
        most = fmax(most, f[i]);
        if (i > 0) step = fmax(step, fabs(f[i] - f[i - 1]));
    }
    double down[NODES], A = 0, B = 0, J = 0;
    for (int i = 0; i < NODES; i++) {
        down[i] = exp(-(f[i] - least) / q->T);
        A += q->weight[i] * down[i];
    }
    for (int i = 0; i < NODES; i++) {
        const double up = q->weight[i] * exp((f[i] - most) / q->T);
        double inside = 0;
        for (int j = 0; j < NODES; j++) inside += q->inner[i][j] * down[j];
        B += up;
        J += up * inside;
    }
    const double log_half = log((b - a) / 2);
    *t = (triple){.A = log_half + log(A) - least / q->T,
                  .B = log_half + log(B) + most / q->T,
                  .J = J > 0 ? 2 * log_half + log(J) + (most - least) / q->T : -INFINITY};
    *low = fmin(*low, least - step);
    *high = fmax(*high, most + step);
    return SL_OK;
}

/* Differences within the rounding of f say nothing. */
static double relative_error(double log_whole, double log_joined, double rounding)
{
    if (!(log_joined > -INFINITY)) return INFINITY;
    const double error = fabs(expm1(log_whole - log_joined));
    return error > rounding ? error : 0;
}

static sl_status append(quadrature *q, const panel *p, sl_err *err)
{
    if (q->n == MOST)
        return sl_fail(err, SL_E_NUMERIC, "T = %g is too low: more than %d panels are needed", q->T, MOST);
    if (q->n == q->room) {
        const size_t room = q->room ? 2 * q->room : 4 * START;
        panel *more = realloc(q->panels, room * sizeof *more);
        if (!more) return sl_fail(err, SL_E_MEMORY, "no memory for %zu panels of a quadrature", room);
        q->panels = more;
        q->room = room;
    }
    q->panels[q->n++] = *p;
    return SL_OK;
}

/* Appends the panel [a, b], whose triple is known. */
static sl_status add(quadrature *q, double a, double b, bool inner_only, const triple *whole, sl_err *err)
{
    panel p = {.a = a, .b = b, .inner_only = inner_only, .low = INFINITY, .high = -INFINITY};
    const double middle = (a + b) / 2;
    if (!(a < middle && middle < b))
        return sl_fail(err, SL_E_NUMERIC, "f is too rough near x = %g at T = %g", q->sign * a, q->T);
    SL_TRY(measure(&p.half[0], &p.low, &p.high, q, a, middle, err));
    SL_TRY(measure(&p.half[1], &p.low, &p.high, q, middle, b, err));
    p.joined = (triple){.A = log_add(p.half[0].A, p.half[1].A),
                        .B = log_add(p.half[0].B, p.half[1].B),
                        .J = log_add(log_add(p.half[0].J, p.half[1].J), p.half[0].A + p.half[1].B)};
    const double largest = fmax(fabs(p.low), fabs(p.high)) + fabs(q->reference);
    const double rounding = 64 * DBL_EPSILON + 8 * DBL_EPSILON * largest / q->T;
    p.error[0] = relative_error(whole->A, p.joined.A, rounding);
    p.error[1] = relative_error(whole->B, p.joined.B, rounding);
    p.error[2] = relative_error(whole->J, p.joined.J, rounding);
    return append(q, &p, err);
}

static sl_status add_range(quadrature *q, double a, double b, bool inner_only, sl_err *err)
{
    for (int i = 0; a < b && i < START; i++) {
        const double left = a + (b - a) * i / START, right = i + 1 == START ? b : a + (b - a) * (i + 1) / START;
        triple whole;
        double low = INFINITY, high = -INFINITY;
        SL_TRY(measure(&whole, &low, &high, q, left, right, err));
        SL_TRY(add(q, left, right, inner_only, &whole, err));
    }
    return SL_OK;
}

/* log of the answer's error that panel p is to blame for, before: log of A to its left, after: of B to its right. Where
 * halves and whole disagree by much, their difference says little, and the bounds of f have to do. */
static double blame(const quadrature *q, const panel *p, double before, double after)
{
    static const double known = 0.1;
    const double *error = p->error;
    const double worst = p->inner_only ? error[0] : fmax(error[0], fmax(error[1], error[2]));
    const double width = log(p->b - p->a), A = width - p->low / q->T, B = width + p->high / q->T;
    const double bound = p->inner_only ? A + after : log_add(log_add(A + after, B + before), A + B);
    if (worst > known) return bound;
    double sum = log(error[0]) + p->joined.A + after;
    if (!p->inner_only)
        sum = log_add(sum, log_add(log(error[1]) + p->joined.B + before, log(error[2]) + p->joined.J));
    return fmin(sum, bound);
}

/* *answer: the log of what the panels add up to. *error: the log of its estimated error, share[p]: panel p's part. */
static void add_up(double *answer, double *error, double *share, const quadrature *q)
{
    double after = q->times ? -INFINITY : 0;
    for (size_t p = q->n; p-- > 0;) {
        share[p] = after;
        if (q->times && !q->panels[p].inner_only) after = log_add(after, q->panels[p].joined.B);
    }
    double before = -INFINITY;
    *answer = *error = -INFINITY;
    for (size_t p = 0; p < q->n; p++) {
        const panel *now = &q->panels[p];
        share[p] = blame(q, now, before, share[p]);
        *error = log_add(*error, share[p]);
        if (!q->times)
            *answer = log_add(*answer, now->joined.A);
        else if (!now->inner_only)
            *answer = log_add(*answer, log_add(now->joined.J, before + now->joined.B));
        before = log_add(before, now->joined.A);
    }
}

/* Halves every panel whose share is above the limit. */
static sl_status halve(quadrature *q, const double *share, double limit, sl_err *err)
{
    panel *old = q->panels;
    const size_t n = q->n;
    q->panels = NULL;
    q->n = q->room = 0;
    sl_status st = SL_OK;
    for (size_t p = 0; p < n && st == SL_OK; p++) {
        const double middle = (old[p].a + old[p].b) / 2;
        if (!(share[p] > limit)) {
            st = append(q, &old[p], err);
            continue;
        }
        st = add(q, old[p].a, middle, old[p].inner_only, &old[p].half[0], err);
        if (st == SL_OK) st = add(q, middle, old[p].b, old[p].inner_only, &old[p].half[1], err);
    }
    free(old);
    return st;
}

/* Refines until the answer is good. Frees the panels. */
static sl_status refine(double *answer, quadrature *q, sl_err *err)
{
    sl_status st = SL_OK;
    bool done = false;
    double total = 0, error = 0;
    for (int sweep = 0; sweep < SWEEPS && st == SL_OK && !done; sweep++) {
        double *share = malloc(q->n * sizeof *share);
        if (!share) {
            st = sl_fail(err, SL_E_MEMORY, "no memory for %zu panels of a quadrature", q->n);
            break;
        }
        add_up(&total, &error, share, q);
        done = error <= total + log(TARGET);
        if (!done) st = halve(q, share, total + log(TARGET / (double)q->n), err);
        free(share);
    }
    free(q->panels);
    q->panels = NULL;
    if (st != SL_OK) return st;
    if (!(error <= total + log(PRECISION)))
        return sl_fail(err, SL_E_NUMERIC, "quadrature at T = %g is only good to %.1e: f is too rough", q->T,
                       exp(error - total));
    *answer = total;
    return SL_OK;
}

/* The point *L left of `from` beyond which exp(-f/T) is negligible against its integral up to `from`. */
static sl_status find_end(double *L, const quadrature *q, double from, double distance, sl_err *err)
{
    enum { GRID = 4096, FIRST = 16, BISECTIONS = 60 };
    static const double reach = 60, farthest = 1e9; /* exp(-60) = 9e-27 */
    for (double R = FIRST * distance; R <= farthest * (distance + fabs(from)); R *= 2) {
        double floor = value(q, from);
        for (int i = 0; i < GRID; i++) floor = fmin(floor, value(q, from - 2 * R * (GRID - i) / GRID));
        if (!isfinite(floor)) break;
        const double ceiling = floor + reach * q->T;
        int first = 0; /* the outermost point within reach; <=, as ceiling and floor may round to one number */
        while (first < GRID && !(value(q, from - 2 * R * (GRID - first) / GRID) <= ceiling)) first++;
        if (first <= GRID / 2) continue;
        double out = from - 2 * R * (GRID - first + 1) / GRID, in = from - 2 * R * (GRID - first) / GRID;
        for (int i = 0; i < BISECTIONS; i++) {
            const double middle = (out + in) / 2;
            if (value(q, middle) < ceiling)
                in = middle;
            else
                out = middle;
        }
        *L = in;
        return SL_OK;
    }
    return sl_fail(err, SL_E_UNSTABLE,
                   "f does not confine on the %s: it does not rise by %g T (T = %g) within %g of x = %g",
                   q->sign > 0 ? "left" : "right", reach, q->T, farthest * (distance + fabs(from)), q->sign * from);
}

static sl_status check_temperature(double T, sl_err *err)
{
    if (T > 0 && isfinite(T)) return SL_OK;
    return sl_fail(err, SL_E_DOMAIN, "temperature T = %g, need 0 < T < inf", T);
}

sl_status sl_passage_log_time(double *log_tau, sl_function f, void *ctx, double T, double from, double to,
                              double reflecting, sl_err *err)
{
    SL_TRY(check_temperature(T, err));
    if (!isfinite(from) || !isfinite(to) || isnan(reflecting))
        return sl_fail(err, SL_E_DOMAIN, "a passage from %g to %g, reflecting at %g: need finite points", from, to,
                       reflecting);
    if (from == to) {
        *log_tau = -INFINITY;
        return SL_OK;
    }
    if (from < to ? !(reflecting <= from) : !(reflecting >= from))
        return sl_fail(err, SL_E_DOMAIN,
                       "a passage from %g to %g cannot be reflected at %g: need an end behind the start", from, to,
                       reflecting);
    sl_gsl_quiet();
    quadrature q = {.f = f, .ctx = ctx, .T = T, .sign = from < to ? 1 : -1, .times = true};
    from *= q.sign;
    to *= q.sign;
    double end = q.sign * reflecting;
    q.reference = f(q.sign * from, ctx);
    if (!isfinite(end)) SL_TRY(find_end(&end, &q, from, to - from, err));
    SL_TRY(prepare(&q, err));
    sl_status st = add_range(&q, end, from, true, err);
    if (st == SL_OK) st = add_range(&q, from, to, false, err);
    if (st != SL_OK) {
        free(q.panels);
        return st;
    }
    double answer;
    SL_TRY(refine(&answer, &q, err));
    *log_tau = answer - log(T);
    return SL_OK;
}

/* log int_a^b exp(f/T), relative to the given reference. */
static sl_status log_integral(double *answer, quadrature *q, double a, double b, sl_err *err)
{
    q->n = q->room = 0;
    const sl_status st = add_range(q, a, b, true, err);
    if (st != SL_OK) {
        free(q->panels);
        q->panels = NULL;
        return st;
    }
    return refine(answer, q, err);
}

typedef struct {
    sl_function f;
    void *ctx;
} upturned;

static double minus(double x, void *ctx)
{
    const upturned *u = ctx;
    return -u->f(x, u->ctx);
}

sl_status sl_passage_committor(double *q, sl_function f, void *ctx, double T, double a, double b, double x, sl_err *err)
{
    SL_TRY(check_temperature(T, err));
    if (!(isfinite(a) && isfinite(b) && a < b && a <= x && x <= b))
        return sl_fail(err, SL_E_DOMAIN, "a committor at %g between %g and %g: need finite a <= x <= b, a < b", x, a,
                       b);
    if (x == a || x == b) {
        *q = x == b;
        return SL_OK;
    }
    sl_gsl_quiet();
    upturned turned = {f, ctx};
    quadrature quad = {.f = minus, .ctx = &turned, .T = T, .sign = 1};
    quad.reference = -f(x, ctx);
    SL_TRY(prepare(&quad, err));
    double left, right;
    SL_TRY(log_integral(&left, &quad, a, x, err));
    SL_TRY(log_integral(&right, &quad, x, b, err));
    *q = 1 / (1 + exp(right - left));
    return SL_OK;
}
