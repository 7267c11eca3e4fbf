/* What an answer is put together from: numbers, fields, and the moments of a law. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/operators/nodes.h"
#include "sim/operators/operator.h"

void sl_answer_clear(sl_answer *a)
{
    if (!a) return;
    for (size_t k = 0; k < a->n_fields; k++) {
        free(a->fields[k].node[0]);
        free(a->fields[k].node[1]);
        free(a->fields[k].value);
    }
    free(a->fields);
    free(a->numbers);
    *a = (sl_answer){0};
}

sl_number sl_answer_number(const sl_answer *a, const char *name, size_t index)
{
    for (size_t k = 0; k < a->n_numbers; k++)
        if (a->numbers[k].index == index && strcmp(a->numbers[k].name, name) == 0) return a->numbers[k];
    return (sl_number){.value = NAN, .imag = NAN, .error = NAN};
}

const sl_field *sl_answer_field(const sl_answer *a, const char *name, size_t index)
{
    for (size_t k = 0; k < a->n_fields; k++)
        if (a->fields[k].index == index && strcmp(a->fields[k].name, name) == 0) return &a->fields[k];
    return NULL;
}

/* Room for one more of `size` bytes after n of them; lists grow by powers of two. */
static void *grown(void *list, size_t n, size_t size)
{
    return (n & (n - 1)) == 0 ? realloc(list, (n ? 2 * n : 1) * size) : list;
}

sl_status sl_answer_add(sl_answer *a, const char *name, size_t index, double value, double imag, double scale,
                        sl_err *err)
{
    if (!isfinite(value) || !isfinite(imag) || !(scale >= 0))
        return sl_fail(err, SL_E_NUMERIC, "%s came out as %g + %gi on the scale %g: not a number to give", name, value,
                       imag, scale);
    sl_number *numbers = grown(a->numbers, a->n_numbers, sizeof *numbers);
    if (!numbers) return sl_fail(err, SL_E_MEMORY, "no memory for %zu numbers", a->n_numbers + 1);
    a->numbers = numbers;
    sl_number *number = &numbers[a->n_numbers++];
    *number = (sl_number){.index = index, .value = value, .imag = imag, .error = NAN, .scale = scale};
    strncpy(number->name, name, sizeof number->name - 1);
    return SL_OK;
}

sl_status sl_answer_add_field(sl_field **field, sl_answer *a, const char *name, size_t index, size_t nx, size_t ny,
                              sl_err *err)
{
    if (nx == 0 || ny == 0 || nx > SIZE_MAX / sizeof(double) / ny)
        return sl_fail(err, SL_E_MEMORY, "a field of %zu x %zu nodes", nx, ny);
    sl_field *fields = grown(a->fields, a->n_fields, sizeof *fields);
    if (!fields) return sl_fail(err, SL_E_MEMORY, "no memory for %zu fields", a->n_fields + 1);
    a->fields = fields;
    sl_field f = {.index = index, .dim = ny > 1 ? 2 : 1, .n = {nx, ny}};
    strncpy(f.name, name, sizeof f.name - 1);
    f.node[0] = calloc(nx, sizeof *f.value);
    f.node[1] = f.dim > 1 ? calloc(ny, sizeof *f.value) : NULL;
    f.value = calloc(nx * ny, sizeof *f.value);
    if (!f.node[0] || (f.dim > 1 && !f.node[1]) || !f.value) {
        free(f.node[0]);
        free(f.node[1]);
        free(f.value);
        return sl_fail(err, SL_E_MEMORY, "no memory for field '%s' of %zu x %zu nodes", name, nx, ny);
    }
    fields[a->n_fields] = f;
    *field = &fields[a->n_fields++];
    return SL_OK;
}

/* The sums that moments are made of, over the nodes with masses w p; moduli are what vanishing averages are judged
 * against. */
typedef struct {
    double mass, x, y, x2, y2, xy, x4, f, lowest, xg, xg_modulus;
} sums;

static void add_up(sums *s, const sl_field *p, const double *w, const double *f, const double *g, const sl_loss *loss)
{
    const size_t ny = p->n[1], n = p->n[0] * ny;
    *s = (sums){.lowest = INFINITY};
    for (size_t k = 0; k < n; k++) {
        const double x = p->node[0][k / ny], y = p->dim > 1 ? p->node[1][k % ny] : 0, m = w[k] * p->value[k];
        const double xg = loss->dim > 1 ? (x * g[k] + y * g[n + k]) / 2 : x * g[k];
        if (m == 0) continue; /* also where f is infinite */
        s->mass += m;
        s->x += m * x;
        s->y += m * y;
        s->x2 += m * x * x;
        s->y2 += m * y * y;
        s->xy += m * x * y;
        s->x4 += m * x * x * x * x;
        s->f += m * f[k];
        s->xg += m * xg;
        s->xg_modulus += m * fabs(xg);
        s->lowest = fmin(s->lowest, f[k]);
    }
}

/* KL of the masses P against Q ~ W exp(-f/T) as the sum of P log(P/Q) - P + Q, whose terms are never negative: near
 * Q nothing cancels. P and W need not be normalised. log_Z: of the sum of W exp(-f/T). */
static double kl(double *log_Z, size_t n, const double *P, const double *W, const double *f, double T)
{
    double total = 0, Z = 0, lowest = INFINITY, sum = 0;
    for (size_t k = 0; k < n; k++) {
        total += P[k];
        if (W[k] > 0) lowest = fmin(lowest, f[k]);
    }
    for (size_t k = 0; k < n; k++) Z += W[k] > 0 ? W[k] * exp(-(f[k] - lowest) / T) : 0;
    *log_Z = log(Z) - lowest / T;
    for (size_t k = 0; k < n; k++) {
        if (!(W[k] > 0)) continue;
        const double log_q = -(f[k] - lowest) / T - log(Z), q = exp(log_q), p = P[k] / total / W[k];
        const double r = p / q - 1;
        sum += W[k] * (p > 0 ? (fabs(r) < 0.1 ? q * ((1 + r) * log1p(r) - r) : p * (log(p) - log_q) - p + q) : q);
    }
    return sum;
}

/* Adds the KL divergence, and the Boltzmann law beside the density (but not in phase space, where the law of x alone
 * is compared). */
static sl_status add_boltzmann(sl_answer *a, const sl_loss *loss, const sl_field *p, const double *w, const double *f,
                               double T, size_t index, sl_err *err)
{
    const size_t nx = p->n[0], ny = p->n[1], n = nx * ny;
    const bool phase = p->dim > loss->dim;
    const size_t cells = phase ? nx : n;
    double *P = calloc(3 * cells, sizeof *P);
    if (!P) return sl_fail(err, SL_E_MEMORY, "no memory for the masses of %zu nodes", cells);
    double *W = P + cells, *F = W + cells;
    for (size_t k = 0; k < n; k++) {
        const size_t c = phase ? k / ny : k;
        P[c] += w[k] * p->value[k];
        W[c] += w[k];
        F[c] = f[k];
    }
    double log_Z = 0;
    const double divergence = kl(&log_Z, cells, P, W, F, T);
    free(P);
    /* A law that errs by e moves KL by e sqrt(2 KL), so this is what its tolerance is relative to. */
    SL_TRY(sl_answer_add(a, "kl_to_boltzmann", index, divergence, 0, sqrt(2 * fmax(divergence, 0)) + 1e-6, err));
    if (phase) return SL_OK;
    const sl_field like = *p; /* p may be of the list, which moves when it grows */
    sl_field *b = NULL;
    SL_TRY(sl_answer_add_field(&b, a, "boltzmann", index, nx, ny, err));
    for (size_t d = 0; d < b->dim; d++) memcpy(b->node[d], like.node[d], b->n[d] * sizeof *b->node[d]);
    for (size_t k = 0; k < n; k++) b->value[k] = exp(-f[k] / T - log_Z);
    return SL_OK;
}

static sl_status add_moments(sl_answer *a, const sums *s, bool plane, bool phase, size_t index, sl_err *err)
{
    const double x2 = s->x2 / s->mass, y2 = s->y2 / s->mass, f = s->f / s->mass;
    SL_TRY(sl_answer_add(a, "mass", index, s->mass, 0, 1, err));
    SL_TRY(sl_answer_add(a, "x", index, s->x / s->mass, 0, sqrt(fabs(x2)), err));
    SL_TRY(sl_answer_add(a, "x2", index, x2, 0, 0, err));
    SL_TRY(sl_answer_add(a, "x4", index, s->x4 / s->mass, 0, 0, err));
    if (plane || phase) {
        SL_TRY(sl_answer_add(a, phase ? "v" : "y", index, s->y / s->mass, 0, sqrt(fabs(y2)), err));
        SL_TRY(sl_answer_add(a, phase ? "v2" : "y2", index, y2, 0, 0, err));
        SL_TRY(sl_answer_add(a, phase ? "xv" : "xy", index, s->xy / s->mass, 0, sqrt(fabs(x2 * y2)), err));
    }
    SL_TRY(sl_answer_add(a, "loss", index, f, 0, fabs(f - s->lowest), err));
    return sl_answer_add(a, "xg", index, s->xg / s->mass, 0, s->xg_modulus / fabs(s->mass), err);
}

sl_status sl_answer_add_law(sl_answer *a, const sl_loss *loss, const sl_field *density, const double *w, double T,
                            size_t index, sl_err *err)
{
    const size_t n = density->n[0] * density->n[1];
    double *f = malloc((1 + loss->dim) * n * sizeof *f);
    if (!f) return sl_fail(err, SL_E_MEMORY, "no memory for the loss on %zu nodes", n);
    sl_loss_on_nodes(f, f + n, loss, density->n[0], density->node[0], density->n[1], density->node[1]);
    sums s;
    add_up(&s, density, w, f, f + n, loss);
    sl_status st = s.mass > 0 ? SL_OK : sl_fail(err, SL_E_NUMERIC, "a law of mass %g", s.mass);
    if (st == SL_OK && !(s.x2 >= 0 && s.y2 >= 0 && s.x4 >= 0))
        st = sl_fail(err, SL_E_NUMERIC, "a law with large negative parts (<x^2> = %g, <y^2> = %g): its grid is too coarse",
                     s.x2 / s.mass, s.y2 / s.mass);
    if (st == SL_OK) st = add_moments(a, &s, loss->dim > 1, density->dim > loss->dim, index, err);
    if (st == SL_OK && T > 0) st = add_boltzmann(a, loss, density, w, f, T, index, err);
    free(f);
    return st;
}
