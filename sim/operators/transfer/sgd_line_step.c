#include "sim/operators/transfer/sgd_line_step.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/gsl.h"
#include "sim/operators/transfer/legendre_kernel.h"

/* Sizes that GSL has tables of: its other weights are good to 1e-10 only. */
static const size_t rule_size[SL_SGD_LINE_RULES] = {16, 32, 64, 96, 128, 256, 512, 1024};

/* Noise beyond so many standard deviations is left out: 1e-17 of it. */
static const double REACH = 8.6;

/* A segment over which P_n turns by less than this angle is averaged by SHORT points, to 1e-15; a longer one by the
 * integral of P_n between its ends, divided by its length, which loses the less digits the longer it is. */
static const double SHORT_ANGLE = 3;
enum { SHORT = 8, SPLITS = 12 };
static const double short_at[SHORT] = {-0.9602898564975363, -0.7966664774136267, -0.525532409916329,
                                       -0.1834346424956498, 0.1834346424956498,  0.525532409916329,
                                       0.7966664774136267,  0.9602898564975363};
static const double short_weight[SHORT] = {0.1012285362903763, 0.2223810344533745, 0.3137066458778873,
                                           0.362683783378362,  0.362683783378362,  0.3137066458778873,
                                           0.2223810344533745, 0.1012285362903763};

/* ------------------------------------------------------------------------------------------------------- the nodes */

/* Weights by Christoffel's sum 1/w = sum_p (p + 1/2) P_p(t)^2, which has no cancellation. Fills A as well. */
static void set_analysis(sl_sgd_line *l, const double *t)
{
    const size_t n = l->n;
    for (size_t j = 0; j < n; j++) {
        double before = 0, now = 1, sum = 0;
        for (size_t p = 0; p < n; p++) {
            const double next = l->up[p] * t[j] * now - l->down[p] * before;
            l->analysis[p * n + j] = ((double)p + 0.5) * now;
            sum += ((double)p + 0.5) * now * now;
            before = now;
            now = next;
        }
        for (size_t p = 0; p < n; p++) l->analysis[p * n + j] /= sum;
        l->w[j] = (l->b - l->a) / 2 / sum;
    }
}

static double drift(const sl_sgd_line *l, double x)
{
    double g;
    sl_loss_gradient(l->loss, &x, &g);
    return g + l->decay * x;
}

static sl_status set_rules(sl_sgd_line *l, sl_err *err)
{
    for (size_t k = 0; k < SL_SGD_LINE_RULES; k++)
        if (!(l->rule[k] = gsl_integration_glfixed_table_alloc(rule_size[k])))
            return sl_fail(err, SL_E_MEMORY, "no memory for a quadrature of %zu points", rule_size[k]);
    return SL_OK;
}

sl_status sl_sgd_line_init(sl_sgd_line *l, const sl_loss *loss, double decay, double sigma, double a, double b,
                           double base, size_t n, sl_err *err)
{
    *l = (sl_sgd_line){.loss = loss,
                       .decay = decay,
                       .sigma = sigma,
                       .a = a,
                       .b = b,
                       .period = loss->kind->period,
                       .base = base,
                       .n = n};
    sl_gsl_quiet();
    openblas_set_num_threads(1); /* sums in one order, whatever the machine */
    l->analysis = calloc(n * n + 9 * (n + 1), sizeof(double));
    if (!l->analysis) return sl_fail(err, SL_E_MEMORY, "no memory for a line of %zu nodes", n);
    double *next = l->analysis + n * n;
    double **part[] = {&l->x, &l->w, &l->drift, &l->up, &l->down, &l->points.sum, &l->ends.sum, &l->work};
    for (size_t k = 0; k < sizeof part / sizeof *part; k++, next += n + 1) *part[k] = next; /* work: the last two */
    SL_TRY(set_rules(l, err));
    gsl_integration_glfixed_table *nodes = gsl_integration_glfixed_table_alloc(n);
    if (!nodes) return sl_fail(err, SL_E_MEMORY, "no memory for %zu nodes", n);
    for (size_t p = 0; p <= n; p++) {
        l->up[p] = (2 * (double)p + 1) / ((double)p + 1);
        l->down[p] = (double)p / ((double)p + 1);
    }
    for (size_t j = 0; j < n; j++) {
        double weight;
        gsl_integration_glfixed_point(-1, 1, j, &l->work[j], &weight, nodes);
        l->x[j] = (a + b) / 2 + (b - a) / 2 * l->work[j];
        l->drift[j] = drift(l, l->x[j]);
    }
    gsl_integration_glfixed_table_free(nodes);
    set_analysis(l, l->work);
    return SL_OK;
}

void sl_sgd_line_clear(sl_sgd_line *l)
{
    for (size_t k = 0; k < SL_SGD_LINE_RULES; k++)
        if (l->rule[k]) gsl_integration_glfixed_table_free(l->rule[k]);
    free(l->analysis);
    *l = (sl_sgd_line){0};
}

/* ---------------------------------------------------------------------------------------------------------- a row */

/* Where y is: on the ring after so many turns at z; below a, in [a, b] or above b (-1, 0, 1). */
typedef struct {
    double z, turns;
    int side;
} place;

static place locate(const sl_sgd_line *l, double y)
{
    place p = {.z = y};
    if (l->period > 0) {
        p.turns = floor((y - l->base) / l->period);
        p.z = y - p.turns * l->period;
    }
    p.side = p.z < l->a ? -1 : p.z > l->b;
    return p;
}

static double unit(const sl_sgd_line *l, double z)
{
    return fmax(-1, fmin(1, (2 * z - l->a - l->b) / (l->b - l->a)));
}

static void flush(sl_sgd_line_batch *batch, const sl_sgd_line *l)
{
    while (batch->count % SL_LEGENDRE_LANES != 0) {
        batch->t[batch->count] = 0;
        batch->c[batch->count++] = 0;
    }
    sl_legendre_sums(batch->sum, l->n + 1, l->up, l->down, batch->t, batch->c, batch->count);
    batch->count = 0;
}

static void add(sl_sgd_line_batch *batch, const sl_sgd_line *l, double z, double c)
{
    batch->t[batch->count] = unit(l, z);
    batch->c[batch->count++] = c;
    if (batch->count == SL_SGD_LINE_BATCH) flush(batch, l);
}

/* The row in the making: points count P_p(t), ends the integral of P_p from a to there. */
typedef struct {
    sl_sgd_line *l;
    double x, centre, sigma; /* x' = x - r G, G ~ N(centre, sigma^2) */
    sl_sgd_rates r;
    double whole; /* coefficients of the integral of P_p over all of [a, b]: of the moment 0 */
    double still; /* coefficient of the integral up to x itself, the end that does not move where r.lo == 0 */
    double lost[2];
} row;

static void add_point(row *s, double y, double c)
{
    const place p = locate(s->l, y);
    if (p.side == 0)
        add(&s->l->points, s->l, p.z, c);
    else
        s->lost[p.side > 0] += c;
}

/* c times the integral up to y (from -inf: only differences of two ends matter) of what is asked for. */
static void add_end(row *s, const place *p, double c, bool still)
{
    const sl_sgd_line *l = s->l;
    if (l->period > 0) {
        s->lost[0] += c * p->turns * (l->a - l->base);
        s->lost[1] += c * p->turns * (l->base + l->period - l->b);
        s->whole += c * p->turns;
    }
    s->lost[0] += c * fmin(p->z - l->a, 0);
    s->lost[1] += c * fmax(p->z - l->b, 0);
    if (p->side > 0)
        s->whole += c;
    else if (p->side == 0 && still)
        s->still += c;
    else if (p->side == 0)
        add(&s->l->ends, l, p->z, c);
}

/* c times the mean over the segment of next iterates between x - r.lo G and x - r.hi G. */
static void add_segment(row *s, double G, double c)
{
    const sl_sgd_line *l = s->l;
    const double y0 = s->x - s->r.lo * G, y1 = s->x - s->r.hi * G;
    const place p0 = locate(l, y0), p1 = locate(l, y1);
    if (p0.side == p1.side && p0.turns == p1.turns) {
        if (p0.side != 0) {
            s->lost[p0.side > 0] += c;
            return;
        }
        if ((double)l->n * fabs(acos(unit(l, p0.z)) - acos(unit(l, p1.z))) < SHORT_ANGLE) {
            for (int k = 0; k < SHORT; k++)
                add(&s->l->points, l, (p0.z + p1.z) / 2 + (p0.z - p1.z) / 2 * short_at[k], c / 2 * short_weight[k]);
            return;
        }
    }
    if (y0 == y1) {
        add_point(s, y0, c);
        return;
    }
    add_end(s, &p0, c / (y0 - y1), s->r.lo == 0);
    add_end(s, &p1, -c / (y0 - y1), false);
}

/* The angle by which P_n turns while r's iterate goes from G0's to G1's, between which it crosses no edge. */
static double angle(const row *s, double r, double G0, double G1)
{
    const sl_sgd_line *l = s->l;
    const double turned = locate(l, s->x - r * (G0 + G1) / 2).turns * l->period;
    return (double)l->n * fabs(acos(unit(l, s->x - r * G0 - turned)) - acos(unit(l, s->x - r * G1 - turned)));
}

/* The expectation over G in [G0, G1]. A polynomial that turns by an angle phi over the panel has there an effective
 * degree of about phi/2, the Gaussian over all of its reach one of 74; a rule of N points is exact up to degree 2N. */
static void add_panel(row *s, double G0, double G1, int splits)
{
    const bool random = s->r.lo < s->r.hi;
    const double turn = angle(s, s->r.hi, G0, G1) + (random && s->r.lo > 0 ? angle(s, s->r.lo, G0, G1) : 0);
    const double points = 0.3 * turn + 40 * (G1 - G0) / (2 * REACH * s->sigma) + 12;
    if (points > (double)rule_size[SL_SGD_LINE_RULES - 1] && splits < SPLITS) {
        add_panel(s, G0, (G0 + G1) / 2, splits + 1);
        add_panel(s, (G0 + G1) / 2, G1, splits + 1);
        return;
    }
    size_t k = 0;
    while (k + 1 < SL_SGD_LINE_RULES && (double)rule_size[k] < points) k++;
    for (size_t i = 0; i < rule_size[k]; i++) {
        double G, weight;
        gsl_integration_glfixed_point(G0, G1, i, &G, &weight, s->l->rule[k]);
        const double z = (G - s->centre) / s->sigma, c = weight * exp(-z * z / 2) / (sqrt(2 * M_PI) * s->sigma);
        if (random)
            add_segment(s, G, c);
        else
            add_point(s, s->x - s->r.hi * G, c);
    }
}

/* Equally spaced points for a Gaussian that crosses no edge within its reach: their sum is off by what the function has
 * of frequencies beyond 2 pi / spacing, so REACH below that all is exact to rounding. P_n turns fastest at the ends,
 * nearest to an edge, by n / sqrt(1 - t^2) for each t, and never by more than n^2. */
static double equal_points(const row *s, double first, double last)
{
    const sl_sgd_line *l = s->l;
    const double n = (double)l->n, step = s->r.hi * s->sigma * 2 / (l->b - l->a), G[2] = {first, last};
    double frequency = 0;
    for (int k = 0; k < 2; k++) {
        const double t = unit(l, locate(l, s->x - s->r.hi * G[k]).z);
        frequency = fmax(frequency, n * step / fmax(sqrt(1 - t * t), 1 / n));
    }
    return REACH / M_PI * (frequency + REACH);
}

static void weigh_equal_points(sl_sgd_line *l, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const double z = REACH * ((2 * (double)i + 1) / (double)count - 1);
        l->gauss[i] = 2 * REACH / (double)count / sqrt(2 * M_PI) * exp(-z * z / 2);
    }
    l->gauss_count = count;
}

/* The expectation over all G, where a whole Gaussian crosses no edge. false: panels do with fewer points. */
static bool add_whole(row *s, double first, double last)
{
    sl_sgd_line *l = s->l;
    const double points = equal_points(s, first, last);
    if (!(points <= SL_SGD_LINE_GAUSS)) return false;
    const size_t lanes = SL_LEGENDRE_LANES, count = ((size_t)ceil(points) + lanes - 1) / lanes * lanes;
    if (l->gauss_count != count) weigh_equal_points(l, count);
    for (size_t i = 0; i < count; i++) {
        const double G = first + (last - first) * ((double)i + 0.5) / (double)count;
        if (s->r.lo < s->r.hi)
            add_segment(s, G, l->gauss[i]);
        else
            add_point(s, s->x - s->r.hi * G, l->gauss[i]);
    }
    return true;
}

/* The next G after `from` at which the iterate of rate r crosses an edge, or `until`. */
static double next_crossing(const row *s, double r, double from, double until)
{
    const sl_sgd_line *l = s->l;
    if (r == 0) return until;
    const double edges[3] = {l->a, l->b, l->base};
    const int kinds = l->period > 0 ? 3 : 2;
    double next = until;
    for (int k = 0; k < kinds; k++) {
        double G = (s->x - edges[k]) / r;
        if (l->period > 0) { /* the images of the edge are a period apart */
            const double step = l->period / r;
            G += step * (floor((from - G) / step) + 1);
            if (G <= from) G += step;
        }
        if (G > from && G < next) next = G;
    }
    return next;
}

static void run(row *s, double *m)
{
    sl_sgd_line *l = s->l;
    memset(l->points.sum, 0, (l->n + 1) * sizeof(double));
    memset(l->ends.sum, 0, (l->n + 1) * sizeof(double));
    const double first = s->centre - REACH * s->sigma, last = s->centre + REACH * s->sigma;
    const double least = 1e-13 * (fabs(first) + fabs(last)); /* crossings this near are one */
    if (!isfinite(first) || !isfinite(last)) {
        s->lost[s->centre < 0] += 1; /* x - r (-inf) is beyond b */
    } else {
        for (double G = first; G < last;) {
            double next = fmin(next_crossing(s, s->r.lo, G + least, last), next_crossing(s, s->r.hi, G + least, last));
            if (last - next < least) next = last;
            if (!(G == first && next == last && add_whole(s, first, last))) add_panel(s, G, next, 0);
            G = next;
        }
    }
    if (s->still != 0) add(&l->ends, l, locate(l, s->x).z, s->still);
    flush(&l->points, l);
    flush(&l->ends, l);
    /* int_-1^t P_p = (P_(p+1) - P_(p-1)) / (2p+1), and t + 1 for p = 0 */
    const double half = (l->b - l->a) / 2, *end = l->ends.sum;
    for (size_t p = 0; p < l->n; p++)
        m[p] = l->points.sum[p] + half / (2 * (double)p + 1) * (end[p + 1] - (p > 0 ? end[p - 1] : -end[0]));
    m[0] += s->whole * 2 * half;
}

static void make_row(double *m, double lost[2], sl_sgd_line *l, double x, double centre, double sigma, sl_sgd_rates r)
{
    row s = {.l = l, .x = x, .centre = centre, .sigma = sigma, .r = r};
    if (r.hi * sigma > 0) {
        run(&s, m);
    } else { /* the iterate stays where it is */
        memset(l->points.sum, 0, (l->n + 1) * sizeof(double));
        add_point(&s, x, 1);
        flush(&l->points, l);
        memcpy(m, l->points.sum, l->n * sizeof *m);
    }
    lost[0] = s.lost[0];
    lost[1] = s.lost[1];
}

void sl_sgd_line_row(double *m, double lost[2], sl_sgd_line *l, double x, sl_sgd_rates r)
{
    make_row(m, lost, l, x, drift(l, x), l->sigma, r);
}

void sl_sgd_line_start(double *m, double lost[2], sl_sgd_line *l, double from, double spread)
{
    make_row(m, lost, l, from, 0, spread, (sl_sgd_rates){1, 1});
}

void sl_sgd_line_moments(double *M, double *lost, sl_sgd_line *l, sl_sgd_rates r)
{
    for (size_t i = 0; i < l->n; i++) make_row(M + i * l->n, lost + 2 * i, l, l->x[i], l->drift[i], l->sigma, r);
}

/* ---------------------------------------------------------------------------------------------------- its products */

static void times(double *y, const double *A, const double *x, size_t n, bool transposed)
{
    cblas_dgemv(CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, (int)n, (int)n, 1, A, (int)n, x, 1, 0, y, 1);
}

void sl_sgd_line_law(double *p, const sl_sgd_line *l, const double *m)
{
    times(p, l->analysis, m, l->n, true);
}

void sl_sgd_line_forward(double *p, sl_sgd_line *l, const double *M)
{
    times(l->work, M, p, l->n, true);
    times(p, l->analysis, l->work, l->n, true);
}

void sl_sgd_line_backward(double *v, sl_sgd_line *l, const double *M, const double *u)
{
    times(l->work, l->analysis, u, l->n, false);
    times(v, M, l->work, l->n, false);
}

void sl_sgd_line_matrix(double *B, const sl_sgd_line *l, const double *M)
{
    const int n = (int)l->n;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, M, n, l->analysis, n, 0, B, n);
}

double sl_sgd_line_mean(sl_sgd_line *l, const double *m, const double *u)
{
    times(l->work, l->analysis, u, l->n, false);
    return cblas_ddot((int)l->n, m, 1, l->work, 1);
}
