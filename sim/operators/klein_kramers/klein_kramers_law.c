/* From coefficients of Brinkman's hierarchy to densities and moments. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "sim/operators/klein_kramers/klein_kramers.h"
#include "sim/operators/nodes.h"

/* phi_n(v_j) into table[n * nj + j]. */
static void hermite_functions(double *table, size_t orders, size_t nj, const double *v, double c)
{
    for (size_t j = 0; j < nj; j++) {
        const double u = v[j] / c;
        double last = 0, now = exp(-u * u / 2) / (c * sqrt(2 * M_PI));
        for (size_t n = 0; n < orders; n++) {
            table[n * nj + j] = now;
            const double next = (u * now - sqrt((double)n) * last) / sqrt((double)(n + 1));
            last = now;
            now = next;
        }
    }
}

/* The densities sqrt(p) a_n of orders n < `orders` at the nodes, into rows[n * nx + i]. */
static void density_rows(double *rows, const sl_brinkman *b, size_t orders, const double *state)
{
    const int nx = (int)b->nx;
    for (size_t n = 0; n < orders; n++) {
        double *row = rows + n * b->nx;
        cblas_dgemv(CblasColMajor, CblasNoTrans, nx, (int)b->width[n % 2], 1, b->values[n % 2], nx,
                    state + sl_brinkman_offset(b, n), 1, 0, row, 1);
        for (int i = 0; i < nx; i++) row[i] *= b->root_node[i] / b->step;
    }
}

sl_status sl_klein_kramers_add_density(sl_answer *a, const sl_brinkman *b, const sl_operator *op, const char *name,
                                       size_t index, const double *state, double factor, sl_err *err)
{
    const size_t nx = b->nx, nj = b->nx;
    sl_field *field = NULL;
    SL_TRY(sl_answer_add_field(&field, a, name, index, nx, nj, err));
    double *rows = malloc(2 * b->nv * nx * sizeof *rows);
    if (!rows) return sl_fail(err, SL_E_MEMORY, "no memory for %zu orders on %zu nodes", b->nv, nx);
    double *table = rows + b->nv * nx;
    for (size_t i = 0; i < nx; i++) field->node[0][i] = b->x[i];
    for (size_t j = 0; j < nj; j++)
        field->node[1][j] = op->lo[1] + ((double)j + 0.5) / (double)nj * (op->hi[1] - op->lo[1]);
    density_rows(rows, b, b->nv, state);
    hermite_functions(table, b->nv, nj, field->node[1], b->thermal);
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)nx, (int)nj, (int)b->nv, factor, rows, (int)nx, table,
                (int)nj, 0, field->value, (int)nj);
    free(rows);
    return SL_OK;
}

/* log of the integral of exp(-f/T), by the midpoint rule on a box of its own. */
static sl_status log_partition(double *log_Z, const sl_operator *op, double T, sl_err *err)
{
    enum { N = 4096 };
    double lo[2], hi[2], outside = 0, lowest = INFINITY, Z = 0;
    SL_TRY(sl_operator_box(lo, hi, &outside, &op->loss, T, 1e-15, err));
    double *x = malloc(2 * N * sizeof *x), *f = x + N;
    if (!x) return sl_fail(err, SL_E_MEMORY, "no memory for the partition function");
    const double step = (hi[0] - lo[0]) / N;
    for (size_t i = 0; i < N; i++) x[i] = lo[0] + ((double)i + 0.5) * step;
    sl_loss_on_nodes(f, NULL, &op->loss, N, x, 1, NULL);
    for (size_t i = 0; i < N; i++) lowest = fmin(lowest, f[i]);
    for (size_t i = 0; i < N; i++) Z += exp(-(f[i] - lowest) / T);
    *log_Z = log(Z * step) - lowest / T;
    free(x);
    return SL_OK;
}

/* KL of the law of x (density rows[i]) to exp(-f/T) where that is wider than the domain, so that sl_answer_add_law
 * would cut it off. */
static sl_status add_divergence(sl_answer *a, const sl_brinkman *b, const sl_operator *op, size_t index,
                                const double *rows, sl_err *err)
{
    double sum = 0;
    SL_TRY(log_partition(&sum, op, op->temperature, err));
    for (size_t i = 0; i < b->nx; i++)
        if (rows[i] > 0)
            sum += b->step * rows[i] * (log(rows[i]) + sl_loss_value(&op->loss, &b->x[i]) / op->temperature);
    return sl_answer_add(a, "kl_to_boltzmann", index, sum, 0, sqrt(2 * fmax(sum, 0)) + 1e-6, err);
}

/* Moments up to v^2 by the three nodes of Gauss and Hermite: exact for the orders below three, and higher ones have
 * none of them. */
static sl_status add_moments(sl_answer *a, const sl_brinkman *b, const sl_operator *op, size_t index,
                             const double *state, sl_err *err)
{
    const size_t nx = b->nx;
    double *memory = malloc(9 * nx * sizeof *memory);
    if (!memory) return sl_fail(err, SL_E_MEMORY, "no memory for the moments on %zu nodes", nx);
    double *rows = memory, *value = rows + 3 * nx, *w = value + 3 * nx;
    const double share[3] = {1.0 / 6, 2.0 / 3, 1.0 / 6}, u[3] = {-sqrt(3), 0, sqrt(3)};
    double v[3] = {b->thermal * u[0], 0, b->thermal * u[2]};
    density_rows(rows, b, 3, state);
    for (size_t i = 0; i < nx; i++)
        for (size_t j = 0; j < 3; j++) {
            const double he2 = (u[j] * u[j] - 1) / sqrt(2);
            value[3 * i + j] = share[j] * (rows[i] + u[j] * rows[nx + i] + he2 * rows[2 * nx + i]);
            w[3 * i + j] = b->step;
        }
    const sl_field moments = {.dim = 2, .n = {nx, 3}, .node = {b->x, v}, .value = value};
    const bool wider = op->temperature > b->temperature * (1 + 1e-9);
    sl_status st = sl_answer_add_law(a, &op->loss, &moments, w, wider ? 0 : op->temperature, index, err);
    if (st == SL_OK && wider) st = add_divergence(a, b, op, index, rows, err);
    free(memory);
    return st;
}

sl_status sl_klein_kramers_add_law(sl_answer *a, const sl_brinkman *b, const sl_operator *op, size_t index,
                                   const double *state, sl_err *err)
{
    SL_TRY(sl_klein_kramers_add_density(a, b, op, "density", index, state, 1, err));
    const sl_field *density = sl_answer_field(a, "density", index);
    double least = INFINITY, most = 0;
    for (size_t k = 0; k < density->n[0] * density->n[1]; k++) {
        least = fmin(least, density->value[k]);
        most = fmax(most, density->value[k]);
    }
    a->density_min = fmin(a->density_min, least / most);
    const double mass = cblas_ddot((int)b->width[0], b->root, 1, state, 1);
    a->mass_error = fmax(a->mass_error, fabs(mass - 1));
    return add_moments(a, b, op, index, state, err);
}
