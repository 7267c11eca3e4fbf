/* The least mean hinge loss: minimise (l2/2)|x|^2 + (1/m) sum xi_j, with z_j.x + xi_j - 1 = s_j >= 0 and xi_j >= 0,
 * where z_j = y_j a_j. Multipliers alpha_j >= 0 of the first and beta_j = 1/m - alpha_j >= 0 of the second condition;
 * at the optimum l2 x = sum alpha_j z_j, alpha_j s_j = 0, beta_j xi_j = 0. Newton steps towards products of mu, mu -> 0
 * (e.g. Nocedal and Wright 2006, section 16.6). */
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/losses/linear.h"

typedef struct {
    const sl_samples *s;
    double l2;
    double *alpha, *beta, *slack, *xi;     /* [m] */
    double *d_alpha, *d_slack, *d_xi, *w;  /* [m] steps; w: scratch */
    double *H;                             /* [n][n] */
    double x[SL_LOSS_MAX_DIM], dx[SL_LOSS_MAX_DIM];
} program;

static void begin(program *p)
{
    const size_t m = p->s->m;
    memset(p->x, 0, sizeof p->x);
    for (size_t j = 0; j < m; j++) {
        p->alpha[j] = p->beta[j] = 0.5 / (double)m;
        p->xi[j] = 2;
        p->slack[j] = 1; /* 0 + 2 - 1 */
    }
}

static double gap(const program *p)
{
    return cblas_ddot((int)p->s->m, p->alpha, 1, p->slack, 1) + cblas_ddot((int)p->s->m, p->beta, 1, p->xi, 1);
}

/* r[n] = l2 x - sum alpha_j z_j */
static double dual_residual(const program *p, double *r)
{
    const sl_samples *s = p->s;
    for (size_t d = 0; d < s->n; d++) r[d] = p->l2 * p->x[d];
    for (size_t j = 0; j < s->m; j++)
        for (size_t d = 0; d < s->n; d++) r[d] -= p->alpha[j] * s->y[j] * s->A[j * s->n + d];
    return cblas_dnrm2((int)s->n, r, 1);
}

/* The steps towards mu: those of alpha, s and xi follow from that of x. */
static bool direction(program *p, const double *r, double mu)
{
    const sl_samples *s = p->s;
    const size_t n = s->n;
    for (size_t d = 0; d < n; d++) p->dx[d] = -r[d];
    for (size_t j = 0; j < s->m; j++) {
        p->w[j] = 1 / (p->xi[j] / p->beta[j] + p->slack[j] / p->alpha[j]);
        const double off = s->y[j] * sl_samples_dot(s, j, p->x) + p->xi[j] - 1 - p->slack[j];
        p->d_alpha[j] = p->w[j] * (-off - mu / p->beta[j] + p->xi[j] + mu / p->alpha[j] - p->slack[j]);
        for (size_t d = 0; d < n; d++) p->dx[d] += p->d_alpha[j] * s->y[j] * s->A[j * n + d];
    }
    sl_samples_gram(p->H, s, p->w, p->l2);
    if (LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', (lapack_int)n, 1, p->H, (lapack_int)n, p->dx, 1) != 0) return false;
    for (size_t j = 0; j < s->m; j++) {
        p->d_alpha[j] -= p->w[j] * s->y[j] * sl_samples_dot(s, j, p->dx);
        p->d_slack[j] = mu / p->alpha[j] - p->slack[j] - p->slack[j] / p->alpha[j] * p->d_alpha[j];
        p->d_xi[j] = mu / p->beta[j] - p->xi[j] + p->xi[j] / p->beta[j] * p->d_alpha[j];
    }
    return true;
}

/* Nearly to where the first of them would be 0. */
static void advance(program *p)
{
    const size_t m = p->s->m;
    double t = 1 / 0.99;
    for (size_t j = 0; j < m; j++) {
        if (p->d_alpha[j] < 0) t = fmin(t, -p->alpha[j] / p->d_alpha[j]);
        if (p->d_alpha[j] > 0) t = fmin(t, p->beta[j] / p->d_alpha[j]);
        if (p->d_slack[j] < 0) t = fmin(t, -p->slack[j] / p->d_slack[j]);
        if (p->d_xi[j] < 0) t = fmin(t, -p->xi[j] / p->d_xi[j]);
    }
    t *= 0.99;
    cblas_daxpy((int)p->s->n, t, p->dx, 1, p->x, 1);
    cblas_daxpy((int)m, t, p->d_alpha, 1, p->alpha, 1);
    cblas_daxpy((int)m, -t, p->d_alpha, 1, p->beta, 1);
    cblas_daxpy((int)m, t, p->d_slack, 1, p->slack, 1);
    cblas_daxpy((int)m, t, p->d_xi, 1, p->xi, 1);
}

/* Without l2, a plane that separates the samples gives 0 when x is long enough. */
static bool separates(program *p)
{
    double least = INFINITY;
    for (size_t j = 0; j < p->s->m; j++) least = fmin(least, p->s->y[j] * sl_samples_dot(p->s, j, p->x));
    if (!(p->l2 <= 0 && least > 0)) return false;
    cblas_dscal((int)p->s->n, fmax(1, (1 + 1e-15) / least), p->x, 1);
    return true;
}

static sl_status solve(program *p, sl_err *err)
{
    enum { MOST = 200 };
    double r[SL_LOSS_MAX_DIM];
    begin(p);
    for (int k = 0; k < MOST; k++) {
        const double off = dual_residual(p, r), left = gap(p);
        if (separates(p) || (left <= 1e-14 && off <= 1e-13)) return SL_OK;
        if (!direction(p, r, 0.1 * left / (2 * (double)p->s->m)))
            return left <= 1e-11 ? SL_OK : sl_fail(err, SL_E_NUMERIC, "hinge loss: a singular system of equations");
        advance(p);
    }
    return sl_fail(err, SL_E_NUMERIC, "hinge loss: %d steps were not enough, gap %g", MOST, gap(p));
}

sl_status sl_hinge_solve(bool *found, double *x, const sl_samples *s, double l2, sl_err *err)
{
    *found = false;
    const size_t m = s->m, n = s->n;
    double *memory = malloc((8 * m + n * n) * sizeof *memory);
    if (!memory) return sl_fail(err, SL_E_MEMORY, "no memory for the multipliers of %zu samples", m);
    openblas_set_num_threads(1);
    program p = {.s = s, .l2 = l2, .H = memory + 8 * m};
    double **const parts[8] = {&p.alpha, &p.beta, &p.slack, &p.xi, &p.d_alpha, &p.d_slack, &p.d_xi, &p.w};
    for (size_t k = 0; k < 8; k++) *parts[k] = memory + k * m;
    const sl_status st = solve(&p, err);
    if (st == SL_OK) memcpy(x, p.x, n * sizeof *x);
    *found = st == SL_OK;
    free(memory);
    return st;
}
