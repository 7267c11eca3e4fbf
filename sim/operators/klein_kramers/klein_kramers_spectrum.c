/* The slowest eigenvalues of the Klein-Kramers operator L.
 *
 * Shift-invert Arnoldi gives the eigenvalues nearest to a shift; wanted are those of least decay |Re|. With J = +1 on
 * even orders and -1 on odd ones J L is symmetric, so an eigenvector of a complex eigenvalue has x^H J x = 0: half of
 * its weight lies on odd orders, and as Re lambda = -g sum n |a_n|^2, it decays at g/2 at least. So nothing complex is
 * slower than g/2, and real ones come in order of their distance from a positive shift. Slower friction brings
 * oscillations among the slowest: then all eigenvalues in a disc around the shift are found that is wide enough to hold
 * everything that decays no faster than the last one asked for and whose frequency is below a bound, a few times that
 * of x in its well (faster ones are higher harmonics, which decay faster). */
#include <cblas.h>
#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/operators/arnoldi.h"
#include "sim/operators/klein_kramers/klein_kramers.h"

enum { MOST = 160, WORK = 16 }; /* eigenvalues found at most; what sl_arnoldi needs beyond 2 vectors for each */
enum { OVERDAMPED = 3 };        /* eigenvalues found beyond twice those wanted where all are real */

/* ARPACK's tolerance on 1 / (shift - lambda). */
static const double TOLERANCE = 1e-14;
/* Eigenvalues whose decay agrees so well are put in order of their frequency. */
static const double SAME = 1e-7;

/* Relative error of 1 / (shift - lambda), as seen against the oracle and at T so low that lambda_1 = 0. */
static const double ROUNDING = 2e-14;
/* What remains after a polish, and what is then too small to be told from 0, as parts of the shift. */
static const double FLOOR = 1e-16, HIDDEN = 1e-14;

typedef struct {
    double complex value;
    double rounding; /* errors of this size, absolute, that no grid changes */
    size_t column;   /* of its vector; a complex one has its imaginary part in the next */
} mode;

typedef struct {
    const sl_brinkman *b;
    size_t wanted;    /* without the null one                             */
    double frequency; /* oscillations slower than this are not to be missed */
    double shift;
    double complex *value; /* [MOST]           */
    double *vectors;       /* [MOST][unknowns] */
    mode *modes;           /* [MOST]           */
    size_t found;
} search;

size_t sl_klein_kramers_spectrum_vectors(const sl_question *q)
{
    (void)q;
    return MOST + 2 * MOST + WORK + 4;
}

static sl_status apply(void *ctx, const double *x, double *y, sl_err *err)
{
    (void)err;
    sl_brinkman_solve(y, ctx, x);
    return SL_OK;
}

static bool slower(const mode *a, const mode *b)
{
    const double ra = -creal(a->value), rb = -creal(b->value);
    if (fabs(ra - rb) > SAME * fmax(fabs(ra), fabs(rb))) return ra < rb;
    return fabs(cimag(a->value)) < fabs(cimag(b->value));
}

/* One entry for a real eigenvalue or a pair, slowest first. *radius: of the disc in which all were found. A pair that
 * was cut has no imaginary part and is left out. */
static void sort(search *s, double *radius)
{
    size_t items = 0;
    *radius = 0;
    for (size_t j = 0; j < s->found; j++) {
        *radius = fmax(*radius, cabs(1 / s->value[j]));
        const bool pair = cimag(s->value[j]) > 0;
        if (cimag(s->value[j]) < 0 || (pair && j + 1 == s->found)) continue;
        size_t at = items++;
        const mode m = {s->shift - 1 / s->value[j], ROUNDING * s->shift, j};
        for (; at > 0 && slower(&m, &s->modes[at - 1]); at--) s->modes[at] = s->modes[at - 1];
        s->modes[at] = m;
    }
    s->found = items;
}

/* Whether no other eigenvalue can be among the slowest wanted; *last: where in modes these end. */
static bool complete(const search *s, double radius, size_t *last)
{
    size_t count = 0;
    for (*last = 0; *last < s->found; ++*last) {
        count += cimag(s->modes[*last].value) > 0 ? 2 : 1;
        if (count >= s->wanted) break;
    }
    if (count < s->wanted) return false;
    const double decay = -creal(s->modes[*last].value);
    if (decay <= s->b->friction / 2) return true;
    return radius > hypot(s->shift + decay, s->frequency);
}

/* Modes in the disc that is searched first, for each one wanted: they go like 1 / g. */
static double crowd(double shift, double friction)
{
    return fmax(1, fmin(MOST, 0.015 * shift / friction));
}

static double choose_shift(double frequency, double fastest, double friction)
{
    /* Overdamped: next to the real ones, which relax at about frequency^2 / g. */
    return friction > 2 * frequency ? frequency * frequency / friction : 2 * fastest;
}

/* How many eigenvalues next to the shift to begin with. Where oscillations are among the slowest the disc has to hold
 * many; by trial on the double well at T = 0.1, where a second round would follow with fewer. */
static size_t first_guess(const search *s)
{
    if (s->shift < s->frequency) return 2 * s->wanted + OVERDAMPED;
    const double friction = s->b->friction, some = (double)(4 * s->wanted + WORK);
    return (size_t)(some * (s->shift < 30 * friction ? 0.7 : crowd(s->shift, friction)));
}

/* Finds eigenvalues, twice as many until they are surely the slowest. */
static sl_status find(search *s, sl_answer *a, sl_err *err)
{
    sl_brinkman_factor f;
    SL_TRY(sl_brinkman_factorise(&f, s->b, s->shift, err));
    sl_status st = SL_OK;
    const size_t unknowns = s->b->unknowns, most = unknowns / 4 < MOST ? unknowns / 4 : MOST;
    double radius = 0;
    size_t last = 0;
    for (size_t k = first_guess(s); st == SL_OK; k *= 2) {
        s->found = k < most ? k : most;
        st = sl_arnoldi(s->value, s->vectors, unknowns, s->found, false, apply, &f, NULL, TOLERANCE, 0, err);
        if (st != SL_OK) break;
        sort(s, &radius);
        if (complete(s, radius, &last) || k >= most) break;
    }
    if (st == SL_OK && !complete(s, radius, &last))
        snprintf(
            a->note, sizeof a->note,
            "eigenvalues are the slowest of those next to zero: one with an imaginary part above %.3g may be missing",
            sqrt(fmax(0, radius * radius - s->shift * s->shift)));
    sl_brinkman_factor_clear(&f);
    return st;
}

/* The slowest eigenvalue, if real, once more with a shift next to it, which its rounding errors are proportional to: by
 * x' J (shift - L)^-1 x / x' J x, where errors of the vector x count by their squares, J x being the left one. */
static sl_status polish(search *s, sl_err *err)
{
    const sl_brinkman *b = s->b;
    const double rough = s->found > 0 ? creal(s->modes[0].value) : 0, shift = fmax(-4 * rough, 1e-4 * s->shift);
    if (s->found == 0 || cimag(s->modes[0].value) != 0 || shift > s->shift / 4) return SL_OK;
    const double *x = s->vectors + s->modes[0].column * b->unknowns;
    double *y = malloc(b->unknowns * sizeof *y), above = 0, below = 0;
    if (!y) return sl_fail(err, SL_E_MEMORY, "no memory for %zu unknowns", b->unknowns);
    sl_brinkman_factor f;
    const sl_status st = sl_brinkman_factorise(&f, b, shift, err);
    if (st == SL_OK) {
        sl_brinkman_solve(y, &f, x);
        for (size_t n = 0; n < b->nv; n++) {
            const size_t at = sl_brinkman_offset(b, n);
            const int width = (int)b->width[n % 2];
            const double sign = n % 2 ? -1 : 1;
            above += sign * cblas_ddot(width, x + at, 1, x + at, 1);
            below += sign * cblas_ddot(width, x + at, 1, y + at, 1);
        }
        s->modes[0].value = shift - above / below;
        s->modes[0].rounding = ROUNDING * shift + FLOOR * s->shift;
        sl_brinkman_factor_clear(&f);
    }
    free(y);
    return st;
}

/* Scales the last fields, one or the two parts of one function, to a modulus of 1 at most. The sign, which an
 * eigenvector leaves open, is that of the first node along x with half of this. */
static void normalise(sl_answer *a, size_t parts)
{
    sl_field *re = &a->fields[a->n_fields - parts], *im = parts > 1 ? re + 1 : NULL;
    const size_t n = re->n[0] * re->n[1];
    double most = 0, sign = 0;
    for (size_t i = 0; i < n; i++) most = fmax(most, hypot(re->value[i], im ? im->value[i] : 0));
    for (size_t i = 0; i < n && sign == 0; i++)
        if (fabs(re->value[i]) > most / 2) sign = copysign(1, re->value[i]);
    if (sign == 0) sign = 1;
    for (size_t i = 0; i < n; i++) {
        re->value[i] *= sign / most;
        if (im) im->value[i] *= sign / most;
    }
}

static sl_status add_value(sl_answer *a, size_t index, double complex value, double rounding, sl_err *err)
{
    SL_TRY(sl_answer_add(a, "eigenvalue", index, creal(value), cimag(value), 0, err));
    a->numbers[a->n_numbers - 1].error = rounding;
    return SL_OK;
}

static sl_status add_mode(sl_answer *a, const search *s, const sl_operator *op, size_t *index, const mode *m,
                          sl_err *err)
{
    const double re = creal(m->value), im = cimag(m->value);
    const size_t first = *index, n = s->b->unknowns;
    for (size_t member = 0; member < (im > 0 ? 2 : 1) && *index <= s->wanted; member++, ++*index)
        SL_TRY(add_value(a, *index, CMPLX(re, member ? -im : im), m->rounding, err));
    const double *vector = s->vectors + m->column * n;
    SL_TRY(sl_klein_kramers_add_density(a, s->b, op, "eigenfunction", first, vector, 1, err));
    if (im > 0) SL_TRY(sl_klein_kramers_add_density(a, s->b, op, "eigenfunction-imag", first, vector + n, 1, err));
    normalise(a, im > 0 ? 2 : 1);
    return SL_OK;
}

/* The null eigenvalue is exact: the hierarchy keeps mass to rounding. */
static sl_status add_null(sl_answer *a, const search *s, const sl_operator *op, sl_err *err)
{
    const size_t n = s->b->unknowns;
    double *state = calloc(n, sizeof *state);
    if (!state) return sl_fail(err, SL_E_MEMORY, "no memory for %zu unknowns", n);
    memcpy(state, s->b->root, s->b->width[0] * sizeof *state);
    sl_status st = sl_answer_add(a, "eigenvalue", 0, 0, 0, s->b->friction, err);
    if (st == SL_OK) st = sl_klein_kramers_add_density(a, s->b, op, "eigenfunction", 0, state, 1, err);
    if (st == SL_OK) normalise(a, 1);
    free(state);
    return st;
}

static sl_status answer(sl_answer *a, search *s, const sl_operator *op, sl_err *err)
{
    SL_TRY(find(s, a, err));
    SL_TRY(polish(s, err));
    if (s->wanted > 0 && s->found > 0 && cabs(s->modes[0].value) < HIDDEN * s->shift)
        return sl_fail(err, SL_E_CONFIG,
                       "eigenvalue 1 cannot be told from 0 (it is below %.1e): at T = %g the barrier is too high for a "
                       "spectrum, and Kramers' formula is all the better",
                       HIDDEN * s->shift, s->b->temperature);
    SL_TRY(add_null(a, s, op, err));
    size_t index = 1;
    for (size_t i = 0; i < s->found && index <= s->wanted; i++) SL_TRY(add_mode(a, s, op, &index, &s->modes[i], err));
    if (index <= s->wanted)
        return sl_fail(err, SL_E_NUMERIC, "%zu eigenvalues were found on %zu nodes, %zu asked for", index, s->b->nx,
                       s->wanted + 1);
    return SL_OK;
}

sl_status sl_klein_kramers_spectrum(sl_answer *a, const sl_brinkman *b, const sl_operator *op, const sl_question *q,
                                    sl_err *err)
{
    search s = {.b = b, .wanted = q->eigenvalues - 1};
    const double frequency = sl_brinkman_frequency(b, op);
    s.frequency = (1 + (double)q->eigenvalues / 4) * frequency;
    s.shift = choose_shift(frequency, s.frequency, b->friction);
    s.value = malloc(MOST * sizeof *s.value);
    s.modes = malloc(MOST * sizeof *s.modes);
    s.vectors = malloc(MOST * b->unknowns * sizeof *s.vectors);
    const sl_status st = s.value && s.modes && s.vectors
                             ? answer(a, &s, op, err)
                             : sl_fail(err, SL_E_MEMORY, "no memory for %d vectors of %zu", MOST, b->unknowns);
    free(s.value);
    free(s.modes);
    free(s.vectors);
    return st;
}

/* Some 4 solves for each eigenvalue, each made orthogonal to twice as many vectors, twice; at low friction, where more
 * than the first must be found to know which are the slowest, twice as many eigenvalues in the end. 2e9 operations a
 * second. */
double sl_klein_kramers_spectrum_seconds(const sl_operator *op, const sl_question *q, size_t n)
{
    const double frequency = sl_brinkman_rough_frequency(op), orders = (double)sl_brinkman_orders(op, n);
    const double fastest = (1 + (double)q->eigenvalues / 4) * frequency, nx = (double)n;
    const double many = crowd(choose_shift(frequency, fastest, op->friction), op->friction);
    double found = many * (double)(4 * (q->eigenvalues - 1) + WORK);
    found = fmin(MOST, many > 1 && q->eigenvalues > 2 ? 2 * found : found);
    const double crawl = fmax(1, 0.02 * frequency / op->friction); /* below, orders are too few to damp anything */
    return crawl * 4 * found * (8 * nx * nx * orders + 16 * found * nx * orders) / 2e9;
}
