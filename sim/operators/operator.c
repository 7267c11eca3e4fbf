/* A question asked on a ladder of grids until two of them agree. */
#include "sim/operators/operator.h"

#include <cblas.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

const sl_operator_kind *const sl_operator_kinds[] = {&sl_fokker_planck, &sl_klein_kramers, &sl_transfer};
const size_t sl_n_operator_kinds = sizeof sl_operator_kinds / sizeof *sl_operator_kinds;

enum { LEVELS = 32, LEAST_GRID = 16 };

/* Seconds that the finest grid may take unasked, of a processor like those of 2020. */
static const double PATIENCE = 20;

/* What is left after a change is never taken to be less than this part of it. */
static const double LEAST_GAIN = 0.1;

/* What is not known to this is still on its way, not at rounding errors. */
static const double ROUNDED = 1e-6;

/* The numbers of every grid solved (as they came, `row`), and the best that could be made of them so far. */
typedef struct {
    const sl_operator_kind *kind;
    sl_number *row[LEVELS];
    size_t levels, n_numbers;
    sl_number *best;
    double worst[LEVELS]; /* largest relative error of the best, after each grid */
    bool rough;           /* of the answers                                      */
    bool abrupt;          /* the answers need not converge exponentially: a start that is a point does not */
    double seconds;       /* of the next grid, if that is why the ladder ends    */
} ladder;

static void clear_ladder(ladder *l)
{
    for (size_t k = 0; k < l->levels; k++) free(l->row[k]);
    free(l->best);
    *l = (ladder){.kind = l->kind};
}

/* ------------------------------------------------------------------------------------------------ what is asked */

static sl_status check_point(const double *x, size_t dim, const char *what, sl_err *err)
{
    for (size_t d = 0; d < dim; d++)
        if (!isfinite(x[d]))
            return sl_fail(err, SL_E_DOMAIN, "coordinate %zu of '%s' is %g, need a number", d, what, x[d]);
    return SL_OK;
}

static sl_status check_question(const sl_question *q, size_t dim, sl_err *err)
{
    SL_TRY(check_point(q->from, dim, "from", err));
    SL_TRY(check_point(q->to, dim, "to", err));
    if (!(q->spread >= 0 && isfinite(q->spread)))
        return sl_fail(err, SL_E_DOMAIN, "spread = %g, need 0 <= spread < inf", q->spread);
    if (!(q->radius >= 0 && isfinite(q->radius)))
        return sl_fail(err, SL_E_DOMAIN, "radius = %g, need 0 < radius < inf", q->radius);
    if (q->eigenvalues > SL_OPERATOR_EIGENVALUES)
        return sl_fail(err, SL_E_DOMAIN, "%zu eigenvalues, at most %d can be asked for", q->eigenvalues,
                       SL_OPERATOR_EIGENVALUES);
    if (q->n_times > SL_OPERATOR_TIMES)
        return sl_fail(err, SL_E_DOMAIN, "%zu times, at most %d can be asked for", q->n_times, SL_OPERATOR_TIMES);
    if (q->task == SL_TASK_EVOLVE && q->n_times == 0)
        return sl_fail(err, SL_E_DOMAIN, "evolve needs at least one time");
    for (size_t i = 0; i < q->n_times; i++)
        if (!(q->times[i] >= (i > 0 ? q->times[i - 1] : 0) && isfinite(q->times[i])))
            return sl_fail(err, SL_E_DOMAIN, "time %zu is %g: times are finite, >= 0 and increasing", i, q->times[i]);
    if (q->task != SL_TASK_MFPT && q->task != SL_TASK_COMMITTOR) return SL_OK;
    for (size_t d = 0; d < dim; d++)
        if (q->from[d] != q->to[d]) return SL_OK;
    return sl_fail(err, SL_E_DOMAIN, "'from' and 'to' are the same point (%g)", q->from[0]);
}

static sl_status check_operator(const sl_operator *op, sl_err *err)
{
    if (!(op->tolerance >= 0 && op->tolerance < 1))
        return sl_fail(err, SL_E_DOMAIN, "tolerance = %g, need 0 < tolerance < 1", op->tolerance);
    if (!(op->memory >= 0)) return sl_fail(err, SL_E_DOMAIN, "memory = %g bytes, need > 0", op->memory);
    if (op->grid > 0 && (op->grid < LEAST_GRID || op->grid % 2 != 0))
        return sl_fail(err, SL_E_DOMAIN,
                       "grid = %zu nodes, need an even number of at least %d (half of it is solved too)", op->grid,
                       LEAST_GRID);
    for (size_t d = 0; d < 2; d++)
        if (!(op->lo[d] <= op->hi[d] && isfinite(op->lo[d]) && isfinite(op->hi[d])))
            return sl_fail(err, SL_E_DOMAIN, "domain [%g, %g] of axis %zu, need finite lo < hi", op->lo[d], op->hi[d],
                           d);
    return SL_OK;
}

/* Defaults filled in, and what every kind would have to refuse. */
static sl_status prepare(sl_operator *o, sl_question *asked, const sl_operator *op, const sl_question *q, sl_err *err)
{
    *o = *op;
    *asked = *q;
    if (!op->kind || !op->kind->solve || !op->loss.kind)
        return sl_fail(err, SL_E_DOMAIN, "an operator needs a kind and a loss");
    if (sl_loss_restricted(&op->loss))
        return sl_fail(err, SL_E_CONFIG, "loss '%s' lives on a ball or a box, whose edges operators do not know",
                       op->loss.kind->entry.name);
    if (q->task < SL_TASK_STATIONARY || q->task > SL_TASK_COMMITTOR)
        return sl_fail(err, SL_E_DOMAIN, "there is no operator task %d", (int)q->task);
    SL_TRY(check_operator(op, err));
    SL_TRY(check_question(q, op->loss.dim < 2 ? op->loss.dim : 2, err));
    if (o->tolerance == 0) o->tolerance = o->loss.dim > 1 && o->kind->order > 0 ? 1e-5 : 1e-8;
    if (o->memory == 0) o->memory = 2e9;
    if (asked->eigenvalues == 0) asked->eigenvalues = 4;
    if (asked->radius == 0) asked->radius = 0.1;
    return o->kind->check ? o->kind->check(o, asked, err) : SL_OK;
}

/* -------------------------------------------------------------------------------------------- what came of it */

/* One part (real or imaginary) of number i on grid k. */
static double part(const ladder *l, size_t k, size_t i, bool imaginary)
{
    return imaginary ? l->row[k][i].imag : l->row[k][i].value;
}

/* Romberg over the grids solved, of numbers that err like h^order + h^(order + 2) + ... . Column j is worked out of
 * column j - 1 only as long as the changes in that one fall by the factor that the expansion says (within a factor of
 * 1.5): else the grids are still too coarse for the expansion, or rounding errors have been reached, and extrapolating
 * would make up digits. *error: in the first case the change by the last extrapolation, in the second the change
 * from the grid before. */
static double romberg(double *error, const ladder *l, size_t i, bool imaginary)
{
    const size_t rows = l->levels;
    double column[LEVELS], change = 0;
    for (size_t k = 0; k < rows; k++) column[k] = part(l, k, i, imaginary);
    double value = column[rows - 1];
    *error = INFINITY;
    for (size_t j = 1; j < rows; j++) { /* column[k] holds rows k >= j - 1 of column j - 1 */
        const double factor = ldexp(1, l->kind->order + 2 * ((int)j - 1));
        change = column[rows - 1] - column[rows - 2];
        if (rows - j >= 2) {
            const double ratio = (column[rows - 2] - column[rows - 3]) / change;
            if (!(ratio > factor / 1.5 && ratio < factor * 1.5)) {
                *error = j == 1 ? fabs(change) : fmin(fabs(change), *error);
                return value;
            }
        }
        for (size_t k = rows - 1; k >= j; k--) column[k] += (column[k] - column[k - 1]) / (factor - 1);
        *error = fabs(column[rows - 1] - value);
        value = column[rows - 1];
    }
    return value;
}

/* Where only the first term of the expansion is even and what follows jumps about: extrapolated once. *error: the change
 * of what is extrapolated from the grid before, but no less than an eighth (order 3) of its change before that; from
 * two grids, by the extrapolation. */
static double extrapolated_once(double *error, const ladder *l, size_t i, bool imaginary)
{
    const size_t rows = l->levels;
    const double factor = ldexp(1, l->kind->order), last = part(l, rows - 1, i, imaginary);
    double better[LEVELS] = {0};
    for (size_t k = 1; k < rows; k++) {
        const double here = part(l, k, i, imaginary);
        better[k] = here + (here - part(l, k - 1, i, imaginary)) / (factor - 1);
    }
    *error = fabs(better[rows - 1] - last);
    if (rows < 3) return better[rows - 1];
    const double before = part(l, rows - 2, i, imaginary),
                 ratio = (before - part(l, rows - 3, i, imaginary)) / (last - before);
    if (!(ratio > factor / 1.5 && ratio < factor * 1.5)) {
        *error = fabs(last - before);
        return last;
    }
    *error = fabs(better[rows - 1] - better[rows - 2]);
    if (rows > 3) *error = fmax(*error, fabs(better[rows - 2] - better[rows - 3]) / 8);
    return better[rows - 1];
}

static double estimate(double *error, const ladder *l, size_t i, bool imaginary)
{
    const double last = part(l, l->levels - 1, i, imaginary);
    if (l->levels < 2) {
        *error = NAN;
        return last;
    }
    if (l->kind->order > 0 && l->rough) return extrapolated_once(error, l, i, imaginary);
    if (l->kind->order > 0) return romberg(error, l, i, imaginary);
    const double change = fabs(last - part(l, l->levels - 2, i, imaginary));
    *error = change;
    if (l->kind->gradual && !l->abrupt && l->levels > 2) {
        const double before = fabs(part(l, l->levels - 2, i, imaginary) - part(l, l->levels - 3, i, imaginary));
        if (change < before / 2) *error = fmax(change * change / (before - change), LEAST_GAIN * change);
    }
    return last;
}

static double relative_error(const sl_number *number)
{
    const double size = fmax(hypot(number->value, number->imag), number->scale);
    return number->error == 0 ? 0 : isnan(number->error) ? INFINITY : number->error / size;
}

/* Takes the numbers of a solved grid into the ladder and improves the best ones. */
static sl_status climb(ladder *l, const sl_answer *a, sl_err *err)
{
    const size_t n = a->n_numbers;
    if (l->levels > 0 && n != l->n_numbers)
        return sl_fail(err, SL_E_NUMERIC, "a grid gave %zu numbers, the one before %zu", n, l->n_numbers);
    if (!l->best) l->best = calloc(n ? n : 1, sizeof *l->best);
    sl_number *row = malloc((n ? n : 1) * sizeof *row);
    if (!l->best || !row) {
        free(row);
        return sl_fail(err, SL_E_MEMORY, "no memory for %zu numbers", n);
    }
    if (n) memcpy(row, a->numbers, n * sizeof *row);
    l->row[l->levels++] = row;
    l->n_numbers = n;
    l->rough = a->rough;
    double worst = l->levels > 1 ? 0 : INFINITY;
    const double roundoff = 4 * DBL_EPSILON * sqrt((double)a->grid); /* below it changes are no measure of errors */
    for (size_t i = 0; i < n; i++) {
        sl_number now = row[i];
        double error = 0, imag_error = 0;
        now.value = estimate(&error, l, i, false);
        now.imag = estimate(&imag_error, l, i, true);
        now.error = hypot(error, imag_error) + (row[i].error > 0 ? row[i].error : 0);
        if (now.error > 0) now.error += roundoff * hypot(now.value, now.imag);
        /* An earlier grid is better only where rounding errors are all that came since, and if by far: that it had
         * the smaller change may have been chance, or both of its grids too coarse to see what they miss. */
        if (l->levels <= 2 || now.error <= 10 * l->best[i].error || relative_error(&l->best[i]) > ROUNDED)
            l->best[i] = now;
        if (l->levels > 1) worst = fmax(worst, relative_error(&l->best[i]));
    }
    l->worst[l->levels - 1] = worst;
    return SL_OK;
}

/* No use to go on: numbers are good and two more grids have not made them twice as good (on the first grids they need
 * not get better at all). */
static bool stalled(const ladder *l)
{
    const size_t k = l->levels;
    return k > 3 && l->worst[k - 1] < ROUNDED && l->worst[k - 1] > 0.5 * l->worst[k - 3];
}

/* --------------------------------------------------------------------------------------------------- the ladder */

typedef struct {
    size_t grid, last;
    bool given; /* the caller's own grid: no other will do */
} steps;

static steps choose_steps(const sl_operator *o)
{
    if (o->grid > 0) return (steps){o->grid / 2, o->grid, true};
    const bool plane = o->loss.dim > 1;
    return (steps){plane ? o->kind->first_grid_2d : o->kind->first_grid,
                   plane ? o->kind->last_grid_2d : o->kind->last_grid, false};
}

static double bytes_of(const sl_operator *o, const sl_question *q, size_t n)
{
    return o->kind->bytes ? o->kind->bytes(o, q, n) : 0;
}

/* Of a grid that nobody asked for. */
static double seconds_of(const sl_operator *o, const sl_question *q, size_t n)
{
    return o->grid == 0 && o->kind->seconds ? o->kind->seconds(o, q, n) : 0;
}

/* Whether the grid fits into memory and into the time taken unasked. A refusal where at least two grids could not be
 * solved; coarser: "", or why the grids before were too coarse. */
static sl_status fits(bool *fit, const sl_operator *o, const sl_question *q, size_t n, bool needed, const char *coarser,
                      sl_err *err)
{
    const double bytes = bytes_of(o, q, n), seconds = seconds_of(o, q, n);
    const char *but = coarser[0] ? "; on coarser ones: " : "";
    *fit = bytes <= o->memory && seconds <= PATIENCE;
    if (*fit || !needed) return SL_OK;
    if (!(bytes <= o->memory))
        return sl_fail(err, SL_E_CONFIG, "a grid of %zu nodes along x takes %.3g bytes, memory is %.3g bytes%s%s", n,
                       bytes, o->memory, but, coarser);
    return sl_fail(err, SL_E_CONFIG,
                   "a grid of %zu nodes along x takes about %.0f s, and is solved only if the grid is given%s%s", n,
                   seconds, but, coarser);
}

/* Gradual: 2^k is followed by 3/2 of it, and this by 2^(k+1). */
static size_t next_grid(const sl_operator_kind *kind, size_t n)
{
    if (!kind->gradual) return 2 * n;
    return (n & (n - 1)) == 0 ? n / 2 * 3 : n / 3 * 4;
}

/* Solves on one grid after the other. *a: the answer on the finest. */
static sl_status refine(sl_answer *a, ladder *l, const sl_operator *o, const sl_question *q, sl_err *err)
{
    const steps s = choose_steps(o);
    bool fit = false;
    sl_err coarse = {0}; /* why the last grid was too coarse */
    SL_TRY(fits(&fit, o, q, s.given ? s.last : next_grid(o->kind, s.grid), true, coarse.message, err));
    for (size_t n = s.grid; n <= s.last && l->levels < LEVELS; n = s.given ? 2 * n : next_grid(o->kind, n)) {
        SL_TRY(fits(&fit, o, q, n, l->levels < 2, coarse.message, err));
        if (!fit) {
            l->seconds = seconds_of(o, q, n);
            break;
        }
        if (sl_stop_requested()) return SL_INTERRUPTED;
        sl_answer now = {0};
        sl_status st = o->kind->solve(&now, o, q, n, &coarse);
        if (st >= SL_OK && st != SL_INTERRUPTED) {
            now.grid = n;
            sl_answer_clear(a);
            *a = now;
            st = climb(l, a, &coarse);
        } else {
            sl_answer_clear(&now);
        }
        if (st == SL_E_NUMERIC && l->levels >= 2) break; /* what there is stands */
        /* A grid that is too coarse to be solved on: the ladder begins with the next one. */
        if (st == SL_E_NUMERIC && !s.given && next_grid(o->kind, next_grid(o->kind, n)) <= s.last) {
            clear_ladder(l);
            continue;
        }
        if (st < SL_OK || st == SL_INTERRUPTED) {
            if (err) *err = coarse;
            return st;
        }
        if (l->levels > 1 && (l->worst[l->levels - 1] <= o->tolerance || stalled(l))) break;
    }
    return SL_OK;
}

/* What is known only after the last grid. */
static sl_status conclude(sl_answer *a, const ladder *l, const sl_operator *o, double outside)
{
    if (a->n_numbers) memcpy(a->numbers, l->best, a->n_numbers * sizeof *a->numbers);
    memcpy(a->lo, o->lo, sizeof a->lo);
    memcpy(a->hi, o->hi, sizeof a->hi);
    a->outside = outside;
    a->levels = l->levels;
    a->grid_error = l->worst[l->levels - 1];
    a->tolerance = o->tolerance;
    if (a->grid_error <= o->tolerance) return SL_OK;
    size_t worst = 0;
    for (size_t i = 1; i < a->n_numbers; i++)
        if (relative_error(&a->numbers[i]) > relative_error(&a->numbers[worst])) worst = i;
    const size_t said = strlen(a->note); /* by the solver, about the law */
    int n = snprintf(a->note + said, sizeof a->note - said,
                     "%s%s %zu is good to %.1e only on %zu grids up to %zu nodes, the tolerance is %.1e",
                     said > 0 ? "; " : "", a->numbers[worst].name, a->numbers[worst].index, a->grid_error, l->levels,
                     a->grid, o->tolerance);
    if (l->seconds > PATIENCE)
        snprintf(a->note + said + n, sizeof a->note - said - (size_t)n,
                 "; a finer grid would take about %.0f s and is solved only if it is given", l->seconds);
    return SL_UNDECIDED;
}

/* One thread in BLAS, for the whole process and once: answers do not depend on the number of cores. */
static void single_threaded_blas(void)
{
    openblas_set_num_threads(1);
}

sl_status sl_operator_solve(sl_answer *a, const sl_operator *op, const sl_question *q, sl_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, single_threaded_blas);

    sl_operator o;
    sl_question asked;
    SL_TRY(prepare(&o, &asked, op, q, err));
    double outside = NAN;
    if (o.kind->domain) SL_TRY(o.kind->domain(&o, &asked, &outside, err));
    if (outside > 1e-6)
        return sl_fail(err, SL_E_CONFIG, "the domain [%g, %g] cuts off %.1e of the stationary law: make it wider",
                       o.lo[0], o.hi[0], outside);
    ladder l = {.kind = o.kind, .abrupt = q->task == SL_TASK_EVOLVE};
    sl_answer solved = {0};
    sl_status st = refine(&solved, &l, &o, &asked, err);
    if (st == SL_OK && l.levels < 2)
        st = sl_fail(err, SL_E_CONFIG, "kind '%s' has no two grids to compare", o.kind->entry.name);
    if (st == SL_OK) {
        st = conclude(&solved, &l, &o, outside);
        *a = solved;
    } else {
        sl_answer_clear(&solved);
        *a = solved;
    }
    clear_ladder(&l);
    return st;
}
