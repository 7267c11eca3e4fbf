#include "sim/operators/klein_kramers/brinkman.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "sim/operators/nodes.h"

/* ------------------------------------------------------------------------------------------------- parameters */

double sl_brinkman_thermal(const sl_operator *op)
{
    const double s = op->force > 0 ? op->force : 1;
    return sqrt(op->noise > 0 ? op->noise / (2 * op->friction) : op->temperature * s);
}

double sl_brinkman_temperature(const sl_operator *op)
{
    const double s = op->force > 0 ? op->force : 1, c = sl_brinkman_thermal(op);
    return op->noise > 0 ? c * c / s : op->temperature;
}

double sl_brinkman_frequency(const sl_brinkman *b, const sl_operator *op)
{
    const double s = op->force > 0 ? op->force : 1;
    double mean = 0;
    for (size_t i = 0; i < b->nx; i++) {
        double g = 0;
        sl_loss_gradient(&op->loss, &b->x[i], &g);
        mean += b->root_node[i] * b->root_node[i] * g * g;
    }
    return sqrt(s * mean / b->temperature);
}

/* The domain of 1e-26 is about so many standard deviations of p long. */
static const double LENGTHS = 20;
/* |A sqrt(p)| by c and the standard deviation of p that is refused. */
static const double COARSE = 0.1;

double sl_brinkman_rough_frequency(const sl_operator *op)
{
    return LENGTHS * sl_brinkman_thermal(op) / (op->hi[0] - op->lo[0]);
}

/* Orders wanted for n nodes. High friction damps them (order n by n g); at low friction the flow turns structure in x
 * into structure in v, and the law has a layer of width sqrt(g) along the separatrix, which both must resolve alike.
 * Found by trial on the double well at T = 0.1 so that the spectrum's errors from either side are about equal:
 * g = 0.1: 300 orders for 128 nodes, g = 0.3: 90 for 64, g = 1: 60 for 96, g = 3: 25 for 64, g = 10: 12 for 64. */
size_t sl_brinkman_orders(const sl_operator *op, size_t n)
{
    const double ratio = op->friction / sl_brinkman_rough_frequency(op);
    const double each = 0.65 * pow(fmax(ratio, 0.02), -0.6);
    return 12 + (size_t)ceil(each * (double)n);
}

/* -------------------------------------------------------------------------------------------------- the basis */

/* Cosines at the nodes lo + (i + 1/2) h, k = 0 .. nx-1, and sines, k = 1 .. nx-1; derivatives are exact. */
static void line_basis(sl_brinkman *b, double c, const double *w)
{
    const size_t nx = b->nx, nodd = nx - 1;
    const double norm = sqrt(2 / (double)nx);
    for (size_t k = 0; k < nx; k++)
        for (size_t i = 0; i < nx; i++) {
            const double angle = M_PI / (double)nx * (double)(k * (2 * i + 1) % (4 * nx)) / 2;
            b->values[0][k * nx + i] = k > 0 ? norm * cos(angle) : norm / sqrt(2);
            if (k > 0) b->values[1][(k - 1) * nx + i] = norm * sin(angle);
        }
    double *weighted = b->coupling[1]; /* w times the sines: scratch, [nx][nodd] */
    for (size_t k = 0; k < nodd; k++)
        for (size_t i = 0; i < nx; i++) weighted[k * nx + i] = c * w[i] * b->values[1][k * nx + i];
    cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, (int)nodd, (int)nx, (int)nx, 1, weighted, (int)nx,
                b->values[0], (int)nx, 0, b->coupling[0], (int)nodd);
    for (size_t k = 0; k < nodd; k++)
        for (size_t l = 0; l < nx; l++) b->coupling[1][k * nx + l] = b->coupling[0][l * nodd + k];
    for (size_t k = 1; k < nx; k++) {
        const double wave = c * (double)k * M_PI / (b->hi - b->lo);
        b->coupling[0][k * nodd + k - 1] -= wave;
        b->coupling[1][(k - 1) * nx + k] += wave;
    }
}

/* Values at an odd number of nodes: with an even one the highest wave has no derivative, and there were a null mode too
 * many. */
static void ring_basis(sl_brinkman *b, double c, const double *w)
{
    const size_t nx = b->nx;
    for (size_t i = 0; i < nx; i++)
        for (size_t j = 0; j < nx; j++) {
            const double d = (double)i - (double)j, sign = (i + j) % 2 ? -1 : 1;
            const double slope = i == j ? 0 : M_PI / (b->hi - b->lo) * sign / sin(M_PI * d / (double)nx);
            b->coupling[0][j * nx + i] = b->coupling[1][j * nx + i] = c * (slope + (i == j ? w[i] : 0));
            b->values[0][j * nx + i] = b->values[1][j * nx + i] = i == j;
        }
}

/* Makes A sqrt(p) = 0 exact. What it was before is the error of interpolation. */
static sl_status correct(sl_brinkman *b, sl_err *err)
{
    const int rows = (int)b->width[1], columns = (int)b->width[0];
    double *off = b->x + 2 * b->nx; /* scratch behind x and root_node, see allocate */
    cblas_dgemv(CblasColMajor, CblasNoTrans, rows, columns, 1, b->coupling[0], rows, b->root, 1, 0, off, 1);
    const double error = cblas_dnrm2(rows, off, 1) / b->thermal * (b->hi - b->lo) / LENGTHS;
    if (!(error < COARSE))
        return sl_fail(err, SL_E_NUMERIC, "%zu nodes on [%g, %g] are too few: the stationary law fails by %.1e", b->nx,
                       b->lo, b->hi, error);
    cblas_dger(CblasColMajor, rows, columns, -1, off, 1, b->root, 1, b->coupling[0], rows);
    return SL_OK;
}

/* Nodes, sqrt(p) there, and w = f' / (2T). */
static sl_status place(sl_brinkman *b, double *w, double *f, const sl_operator *op, bool ring, sl_err *err)
{
    const size_t nx = b->nx;
    for (size_t i = 0; i < nx; i++) b->x[i] = b->lo + ((double)i + (ring ? 0 : 0.5)) * b->step;
    sl_loss_on_nodes(f, w, &op->loss, nx, b->x, 1, NULL);
    double lowest = INFINITY, highest = -INFINITY, sum = 0;
    for (size_t i = 0; i < nx; i++) {
        lowest = fmin(lowest, f[i]);
        highest = fmax(highest, f[i]);
        if (!isfinite(f[i]) || !isfinite(w[i]))
            return sl_fail(err, SL_E_DOMAIN, "loss '%s' is %g at x = %g, its derivative %g: need numbers on [%g, %g]",
                           op->loss.kind->entry.name, f[i], b->x[i], w[i], b->lo, b->hi);
    }
    if (!((highest - lowest) / (2 * b->temperature) < 600))
        return sl_fail(err, SL_E_CONFIG, "the stationary law underflows: f rises by %g on [%g, %g], need < 1200 T = %g",
                       highest - lowest, b->lo, b->hi, 1200 * b->temperature);
    for (size_t i = 0; i < nx; i++) {
        b->root_node[i] = exp(-(f[i] - lowest) / (2 * b->temperature));
        sum += b->root_node[i] * b->root_node[i];
        w[i] /= 2 * b->temperature;
    }
    for (size_t i = 0; i < nx; i++) b->root_node[i] /= sqrt(sum);
    return SL_OK;
}

static sl_status allocate(sl_brinkman *b, sl_err *err)
{
    const size_t nx = b->nx;
    b->x = calloc(5 * nx + 4 * nx * nx, sizeof *b->x);
    if (!b->x) return sl_fail(err, SL_E_MEMORY, "no memory for %zu x %zu couplings", nx, nx);
    b->root_node = b->x + nx;
    b->root = b->x + 4 * nx;
    for (size_t p = 0; p < 2; p++) {
        b->values[p] = b->x + 5 * nx + p * nx * nx;
        b->coupling[p] = b->x + 5 * nx + (2 + p) * nx * nx;
    }
    return SL_OK;
}

sl_status sl_brinkman_init(sl_brinkman *b, const sl_operator *op, size_t n, sl_err *err)
{
    const bool ring = op->loss.kind->period > 0;
    const size_t nx = ring ? n | 1 : n, nv = sl_brinkman_orders(op, n);
    *b = (sl_brinkman){
        .nx = nx,
        .nv = nv,
        .width = {nx, ring ? nx : nx - 1},
        .lo = op->lo[0],
        .hi = op->hi[0],
        .step = (op->hi[0] - op->lo[0]) / (double)nx,
        .friction = op->friction,
        .thermal = sl_brinkman_thermal(op),
        .temperature = sl_brinkman_temperature(op),
    };
    b->unknowns = sl_brinkman_offset(b, nv);
    SL_TRY(allocate(b, err));
    double *w = b->x + 2 * nx, *f = w + nx; /* scratch */
    sl_status st = place(b, w, f, op, ring, err);
    if (st == SL_OK && ring) ring_basis(b, b->thermal, w);
    if (st == SL_OK && !ring) line_basis(b, b->thermal, w);
    if (st == SL_OK) {
        cblas_dgemv(CblasColMajor, CblasTrans, (int)nx, (int)b->width[0], 1, b->values[0], (int)nx, b->root_node, 1, 0,
                    b->root, 1);
        st = correct(b, err);
    }
    if (st != SL_OK) sl_brinkman_clear(b);
    return st;
}

void sl_brinkman_clear(sl_brinkman *b)
{
    free(b->x);
    *b = (sl_brinkman){0};
}

size_t sl_brinkman_offset(const sl_brinkman *b, size_t n)
{
    return (n + 1) / 2 * b->width[0] + n / 2 * b->width[1];
}

/* ----------------------------------------------------------------------------------------------- (shift - L)^-1 */

/* Eliminating the orders from the top leaves M_n = n g + shift + (n+1) A^T M_{n+1}^-1 A in front of a_n: symmetric and
 * positive definite whatever the loss, so Cholesky needs no pivots. The inverses are kept, since a product with a
 * symmetric matrix reads half of what two triangular solves do, and faster; the orders are few and well conditioned. */
static sl_status eliminate(sl_brinkman_factor *f, double *Y, sl_err *err)
{
    const sl_brinkman *b = f->b;
    const size_t nx = b->nx;
    for (size_t n = b->nv; n-- > 0;) {
        if (sl_stop_requested()) return sl_fail(err, SL_INTERRUPTED, "the hierarchy was interrupted");
        const int width = (int)b->width[n % 2], other = (int)b->width[(n + 1) % 2];
        double *M = f->inverse + n * nx * nx;
        if (n + 1 < b->nv)
            cblas_dsyrk(CblasColMajor, CblasLower, CblasTrans, width, other, (double)(n + 1), Y, other, 0, M, width);
        for (int i = 0; i < width; i++) M[i * width + i] += (double)n * b->friction + f->shift;
        if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', width, M, width) != 0)
            return sl_fail(err, SL_E_NUMERIC, "order %zu of the hierarchy lost its positive definiteness", n);
        if (n > 0) {
            memcpy(Y, b->coupling[(n - 1) % 2], nx * nx * sizeof *Y);
            cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, width, other, 1, M, width, Y,
                        width);
        }
        if (LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'L', width, M, width) != 0)
            return sl_fail(err, SL_E_NUMERIC, "order %zu of the hierarchy has no inverse", n);
    }
    return SL_OK;
}

sl_status sl_brinkman_factorise(sl_brinkman_factor *f, const sl_brinkman *b, double shift, sl_err *err)
{
    const size_t nx = b->nx;
    *f = (sl_brinkman_factor){.b = b, .shift = shift};
    f->inverse = calloc(b->nv * nx * nx, sizeof *f->inverse);
    f->work = malloc(2 * nx * sizeof *f->work);
    double *Y = malloc(nx * nx * sizeof *Y);
    sl_status st = f->inverse && f->work && Y
                       ? SL_OK
                       : sl_fail(err, SL_E_MEMORY, "no memory for %zu orders of %zu x %zu", b->nv, nx, nx);
    if (st == SL_OK) st = eliminate(f, Y, err);
    free(Y);
    if (st != SL_OK) sl_brinkman_factor_clear(f);
    return st;
}

void sl_brinkman_factor_clear(sl_brinkman_factor *f)
{
    free(f->inverse);
    free(f->work);
    *f = (sl_brinkman_factor){0};
}

static void project(const sl_brinkman *b, double *y)
{
    const int n = (int)b->width[0];
    cblas_daxpy(n, -cblas_ddot(n, b->root, 1, y, 1), b->root, 1, y, 1);
}

/* Row n: (n g + shift) a_n + sqrt(n) A a_{n-1} - sqrt(n+1) A^T a_{n+1} = x_n. Downwards y_n = M_n^-1 (x_n +
 * sqrt(n+1) A^T y_{n+1}); upwards a_n = y_n - M_n^-1 sqrt(n) A a_{n-1}. */
void sl_brinkman_solve(double *y, const sl_brinkman_factor *f, const double *x)
{
    const sl_brinkman *b = f->b;
    const size_t nx = b->nx;
    double *r = f->work;
    for (size_t n = b->nv; n-- > 0;) {
        const size_t at = sl_brinkman_offset(b, n);
        const int width = (int)b->width[n % 2], other = (int)b->width[(n + 1) % 2];
        memcpy(r, x + at, (size_t)width * sizeof *r);
        if (n == 0) project(b, r);
        if (n + 1 < b->nv)
            cblas_dgemv(CblasColMajor, CblasTrans, other, width, sqrt((double)(n + 1)), b->coupling[n % 2], other,
                        y + at + width, 1, 1, r, 1);
        cblas_dsymv(CblasColMajor, CblasLower, width, 1, f->inverse + n * nx * nx, width, r, 1, 0, y + at, 1);
    }
    project(b, y);
    for (size_t n = 1; n < b->nv; n++) {
        const size_t at = sl_brinkman_offset(b, n);
        const int width = (int)b->width[n % 2], other = (int)b->width[(n + 1) % 2];
        cblas_dgemv(CblasColMajor, CblasNoTrans, width, other, sqrt((double)n), b->coupling[(n - 1) % 2], width,
                    y + at - other, 1, 0, r, 1);
        cblas_dsymv(CblasColMajor, CblasLower, width, -1, f->inverse + n * nx * nx, width, r, 1, 1, y + at, 1);
    }
}
