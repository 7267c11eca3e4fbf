#include "sim/operators/transfer/phase.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Beyond this many standard deviations a Gaussian is nothing to a double. */
static const double FAR = 8.5, NOTHING = 1e-18;

enum { MARGIN = 8, MOST_ALPHAS = 512 };

size_t sl_phase_velocities(size_t n)
{
    return 2 * (size_t)(3.5 * sqrt((double)n)) + 1;
}

double sl_phase_farthest(const sl_operator *op, const sl_rate_law *law)
{
    const double c1 = op->rule.kind == SL_RULE_NESTEROV ? 1 + op->rule.mu : 1;
    return sl_rate_on_step(law, law->mean + law->half) * c1 * fmax(fabs(op->lo[1]), fabs(op->hi[1]));
}

/* The grid's Fourier transform along x: forth e^(-i k x), back its inverse, real and imaginary parts. An odd number of
 * cells has no frequency that is its own mirror image. */
static void fill_transform(sl_phase_grid *g)
{
    const size_t n = g->period, K = g->waves;
    for (size_t m = 0; m < K; m++) {
        const double part = (m == 0 ? 1.0 : 2 * m == n ? 1.0 : 2.0) / (double)n;
        for (size_t i = 0; i < g->nx; i++) {
            const double angle = 2 * M_PI * (double)(m * i % n) / (double)n, re = cos(angle), im = -sin(angle);
            g->forth[m * g->nx + i] = re;
            g->forth[(K + m) * g->nx + i] = im;
            g->back[i * 2 * K + m] = part * re;
            g->back[i * 2 * K + K + m] = part * im;
        }
    }
}

sl_status sl_phase_grid_init(sl_phase_grid *g, const sl_operator *op, size_t n, double farthest, sl_err *err)
{
    const double wrap = op->loss.kind->period, width = op->hi[0] - op->lo[0];
    const bool nesterov = op->rule.kind == SL_RULE_NESTEROV;
    *g = (sl_phase_grid){.op = op,
                         .nx = n,
                         .nv = sl_phase_velocities(n),
                         .c0 = nesterov ? op->rule.mu : 0,
                         .c1 = nesterov ? 1 + op->rule.mu : 1};
    g->hx = width / (double)(wrap > 0 ? n : n - 1);
    g->hv = (op->hi[1] - op->lo[1]) / (double)(g->nv - 1);
    g->period = n;
    if (!(wrap > 0)) {
        const double pad = ceil(farthest / g->hx);
        if (!(pad < 64.0 * (double)n))
            return sl_fail(err, SL_E_CONFIG, "a step along x of up to %g is far beyond the domain, %g wide", farthest,
                           width);
        g->period = (n + MARGIN + (size_t)pad) | 1;
    }
    g->waves = g->period / 2 + 1;
    const size_t K = g->waves, nodes = g->nx + g->nv, tables = 4 * K * g->nx;
    g->x = malloc((nodes + tables + g->nx * g->nv) * sizeof(double));
    if (!g->x) return sl_fail(err, SL_E_MEMORY, "no memory for a phase space of %zu x %zu nodes", g->nx, g->nv);
    g->v = g->x + g->nx;
    g->forth = g->v + g->nv;
    g->back = g->forth + 2 * K * g->nx;
    g->force = g->back + 2 * K * g->nx;
    /* On a ring half a cell from its ends, where x jumps: on both sides alike, so that <x> is not biased. */
    for (size_t i = 0; i < g->nx; i++) g->x[i] = op->lo[0] + g->hx * ((double)i + (wrap > 0 ? 0.5 : 0));
    for (size_t j = 0; j < g->nv; j++) g->v[j] = op->lo[1] + g->hv * (double)j;
    fill_transform(g);
    return SL_OK;
}

void sl_phase_grid_clear(sl_phase_grid *g)
{
    free(g->x);
    *g = (sl_phase_grid){0};
}

/* ---- shifts ---- */

/* E exp(-i k a_s c v_j) over the rates of a branch, uniform on mean +- half: a phase times sin(z)/z. */
static void fill_phases(double *phase, const sl_phase_grid *g, double mean, double half, double c)
{
    const size_t K = g->waves;
    for (size_t m = 0; m < K; m++) {
        const double k = 2 * M_PI * (double)m / ((double)g->period * g->hx);
        for (size_t j = 0; j < g->nv; j++) {
            const double angle = k * c * g->v[j] * mean, z = k * c * g->v[j] * half;
            double size = fabs(z) > 1e-4 ? sin(z) / z : 1 - z * z / 6;
            /* The highest frequency of an even number of cells, which stands for its mirror image too. */
            const bool top = 2 * m == g->period;
            phase[m * g->nv + j] = size * cos(angle);
            phase[(K + m) * g->nv + j] = top ? 0 : -size * sin(angle);
        }
    }
}

static void shift(double *to, const sl_phase_grid *g, const double *phase, const double *from, double *waves)
{
    const int nx = (int)g->nx, nv = (int)g->nv, twice = (int)(2 * g->waves);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, twice, nv, nx, 1, g->forth, nx, from, nv, 0, waves, nv);
    const size_t half = g->waves * g->nv;
    for (size_t k = 0; k < half; k++) {
        const double re = waves[k], im = waves[half + k];
        waves[k] = re * phase[k] - im * phase[half + k];
        waves[half + k] = re * phase[half + k] + im * phase[k];
    }
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, nx, nv, twice, 1, g->back, twice, waves, nv, 0, to, nv);
}

/* ---- kicks ---- */

/* What all the kick matrices of a branch share: frequencies w_m = m dw along v with the waves of targets and sources,
 * and the rates to average over. */
typedef struct {
    const sl_phase_grid *g;
    size_t waves;
    double dw, reach; /* reach: |a_g G| beyond which all is thrown out of the box, whatever v */
    double *out;      /* [nv][2 waves]: target v', with the weights of the sum */
    double *in;       /* [2 waves][nv]: e^(-i w mu v)                          */
    double *mixed;    /* [2 waves][nv]: the same times the characteristic function of the kick */
    double *factor;   /* [2 waves]      */
    double *damp;     /* [alphas][waves]: E e^(i w a_g n) times the weight of a_g, 0 from where it is nothing */
    size_t alphas;
    double a_g[MOST_ALPHAS], weight[MOST_ALPHAS];
} kicks;

/* The characteristic function E exp(i w a_g (G + n)) at all frequencies, for one G: factor re, im. */
static void characteristic(const kicks *k, double G, double *factor)
{
    const size_t W = k->waves;
    memset(factor, 0, 2 * W * sizeof *factor);
    for (size_t a = 0; a < k->alphas; a++) {
        const double push = fmax(fmin(k->a_g[a] * G, k->reach), -k->reach), *damp = k->damp + a * W;
        const double turn_re = cos(k->dw * push), turn_im = sin(k->dw * push);
        double re = 1, im = 0; /* e^(i w push), turned on from frequency to frequency */
        for (size_t m = 0; m < W && damp[m] != 0; m++) {
            factor[m] += re * damp[m];
            factor[W + m] += im * damp[m];
            const double next = re * turn_re - im * turn_im;
            im = re * turn_im + im * turn_re;
            re = next;
        }
    }
}

/* Quadrature nodes along a random a_g: as many as follow the fastest phase, w_max |G|, and then some. */
static void choose_alphas(kicks *k, const sl_rate_law *law, double most_G)
{
    const double half = sl_rate_on_gradient(law, law->half);
    const double push = fmin(half * most_G, k->reach);
    const size_t n = (size_t)fmin(20 + push * M_PI / k->g->hv / 2, MOST_ALPHAS);
    double rate[MOST_ALPHAS];
    k->alphas = law->on_step ? 1 : sl_rate_nodes(rate, k->weight, n, law);
    if (law->on_step) {
        k->weight[0] = 1;
        rate[0] = law->mean;
    }
    for (size_t a = 0; a < k->alphas; a++) k->a_g[a] = sl_rate_on_gradient(law, rate[a]);
}

/* A kick much narrower than a cell (a random a_g near 0), cut off at the grid's highest frequency, would ring all over
 * the box. So its frequencies are faded out instead: in v, its cut-off image is multiplied by a Gaussian six cells
 * wide. The fade leaves the lower third of the frequencies as they are, and with them all moments. */
static void fill_damping(kicks *k, double least_a_g)
{
    const double h = k->g->hv, fade = 0.68 * M_PI / h, width = 6 * h, s2 = k->g->op->noise_variance;
    const bool narrow = least_a_g * sqrt(s2) < h;
    for (size_t a = 0; a < k->alphas; a++)
        for (size_t m = 0; m < k->waves; m++) {
            const double w = k->dw * (double)m, a2 = k->a_g[a] * k->a_g[a];
            const double window = narrow ? erfc((w - fade) * width / M_SQRT2) / 2 : 1,
                         damp = window * exp(-w * w * a2 * s2 / 2);
            k->damp[a * k->waves + m] = damp < NOTHING ? 0 : k->weight[a] * damp;
        }
}

static sl_status kicks_init(kicks *k, const sl_phase_grid *g, const sl_rate_law *law, double most_G, sl_err *err)
{
    const sl_operator *op = g->op;
    const double V = fmax(fabs(op->lo[1]), fabs(op->hi[1])), mu = op->rule.mu;
    const double a_g = sl_rate_on_gradient(law, law->mean + law->half), spread = FAR * a_g * sqrt(op->noise_variance);
    *k = (kicks){.g = g, .reach = (1 + mu) * V + spread};
    choose_alphas(k, law, most_G);
    const double reach = fmin(k->reach, a_g * most_G), range = (1 + mu) * V + reach + spread;
    const size_t cells = (size_t)fmax(ceil(range / g->hv), (double)g->nv) + MARGIN, W = (cells | 1) / 2 + 1;
    k->waves = W;
    k->dw = 2 * M_PI / ((double)(2 * W - 1) * g->hv);
    k->out = malloc((6 * W * g->nv + (2 + k->alphas) * W) * sizeof(double));
    if (!k->out) return sl_fail(err, SL_E_MEMORY, "no memory for %zu frequencies of %zu velocities", W, g->nv);
    k->in = k->out + 2 * W * g->nv;
    k->mixed = k->in + 2 * W * g->nv;
    k->factor = k->mixed + 2 * W * g->nv;
    k->damp = k->factor + 2 * W;
    fill_damping(k, sl_rate_on_gradient(law, law->mean - law->half));
    for (size_t m = 0; m < W; m++) {
        const double w = k->dw * (double)m, part = (m == 0 ? 1.0 : 2.0) / (double)(2 * W - 1);
        for (size_t j = 0; j < g->nv; j++) {
            k->out[j * 2 * W + m] = part * cos(w * g->v[j]);
            k->out[j * 2 * W + W + m] = -part * sin(w * g->v[j]);
            k->in[m * g->nv + j] = cos(w * mu * g->v[j]);
            k->in[(W + m) * g->nv + j] = -sin(w * mu * g->v[j]);
        }
    }
    return SL_OK;
}

/* mixed = in times the characteristic function, of column j (or of all, where G is the same for all). */
static void mix(const kicks *k, size_t first, size_t last)
{
    const size_t nv = k->g->nv, W = k->waves;
    for (size_t m = 0; m < W; m++) {
        const double re = k->factor[m], im = k->factor[W + m];
        for (size_t j = first; j < last; j++) {
            const double in_re = k->in[m * nv + j], in_im = k->in[(W + m) * nv + j];
            k->mixed[m * nv + j] = in_re * re - in_im * im;
            k->mixed[(W + m) * nv + j] = in_re * im + in_im * re;
        }
    }
}

static void fill_kicks(double *kick, const kicks *k, const double *force)
{
    const size_t nv = k->g->nv, twice = 2 * k->waves;
    for (size_t i = 0; i < k->g->nx; i++) {
        const double *G = force + i * nv;
        if (k->g->c0 == 0) {
            characteristic(k, G[0], k->factor);
            mix(k, 0, nv);
        } else {
            for (size_t j = 0; j < nv; j++) {
                characteristic(k, G[j], k->factor);
                mix(k, j, j + 1);
            }
        }
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)nv, (int)nv, (int)twice, 1, k->out, (int)twice,
                    k->mixed, (int)nv, 0, kick + i * nv * nv, (int)nv);
    }
}

/* G at y_i + a_s c0 v_j; its largest modulus is returned. NaN and infinity (far outside a loss's range) count as far.
 */
static double fill_force(const sl_phase_grid *g, double a_s)
{
    double most = 0;
    for (size_t i = 0; i < g->nx; i++)
        for (size_t j = 0; j < g->nv; j++) {
            const double x = g->x[i] + a_s * g->c0 * g->v[j];
            double G;
            if (g->c0 == 0 && j > 0) {
                g->force[i * g->nv + j] = g->force[i * g->nv];
                continue;
            }
            sl_loss_gradient(&g->op->loss, &x, &G);
            G += g->op->rule.weight_decay * x;
            if (!isfinite(G)) G = 1e300;
            g->force[i * g->nv + j] = G;
            most = fmax(most, fabs(G));
        }
    return most;
}

/* ---- the step ---- */

/* Branches of a step: see sl_phase_step. */
static size_t branches_of(const sl_operator *op, const sl_rate_law *law)
{
    const bool shared = op->rule.kind == SL_RULE_NESTEROV && law->on_step && law->half > 0;
    return shared ? SL_PHASE_BRANCHES : 1;
}

sl_status sl_phase_step_init(sl_phase_step *s, const sl_phase_grid *g, const sl_rate_law *law, sl_err *err)
{
    const size_t B = branches_of(g->op, law), waves = 2 * g->waves * g->nv, kick = g->nx * g->nv * g->nv;
    *s = (sl_phase_step){.grid = g, .branches = B};
    s->work = malloc((waves * (1 + B * (g->c0 != 0 ? 2 : 1)) + 2 * g->nx * g->nv + B * kick) * sizeof(double));
    if (!s->work) return sl_fail(err, SL_E_MEMORY, "no memory for a step on %zu x %zu nodes", g->nx, g->nv);
    s->kick = s->work + waves + 2 * g->nx * g->nv;
    s->after = s->kick + B * kick;
    if (g->c0 != 0) s->before = s->after + B * waves;

    double rate[SL_PHASE_BRANCHES];
    if (B > 1)
        sl_rate_nodes(rate, s->weight, B, law);
    else
        s->weight[0] = 1;
    for (size_t b = 0; b < B; b++) {
        sl_rate_law own = *law;
        if (B > 1) {
            own.mean = rate[b];
            own.half = 0;
        }
        const double mean = sl_rate_on_step(&own, own.mean), half = own.on_step ? own.half : 0;
        fill_phases(s->after + b * waves, g, mean, half, g->c1);
        if (s->before) fill_phases(s->before + b * waves, g, mean, half, -g->c0);
        const double most = fill_force(g, mean);
        kicks k;
        const sl_status st = kicks_init(&k, g, &own, most, err);
        if (st != SL_OK) {
            sl_phase_step_clear(s);
            return st;
        }
        fill_kicks(s->kick + b * kick, &k, g->force);
        free(k.out);
    }
    return SL_OK;
}

void sl_phase_step_clear(sl_phase_step *s)
{
    free(s->work);
    *s = (sl_phase_step){0};
}

void sl_phase_step_apply(double *to, sl_phase_step *s, const double *from)
{
    const sl_phase_grid *g = s->grid;
    const size_t n = g->nx * g->nv, waves = 2 * g->waves * g->nv;
    const int nv = (int)g->nv;
    double *moved = s->work + waves, *kicked = moved + n;
    for (size_t b = 0; b < s->branches; b++) {
        const double *source = from;
        if (s->before) {
            shift(moved, g, s->before + b * waves, from, s->work);
            source = moved;
        }
        const double *K = s->kick + b * g->nx * g->nv * g->nv;
        for (size_t i = 0; i < g->nx; i++)
            cblas_dgemv(CblasRowMajor, CblasNoTrans, nv, nv, 1, K + i * g->nv * g->nv, nv, source + i * g->nv, 1, 0,
                        kicked + i * g->nv, 1);
        if (s->branches == 1) {
            shift(to, g, s->after, kicked, s->work);
            return;
        }
        shift(moved, g, s->after + b * waves, kicked, s->work);
        if (b == 0) memset(to, 0, n * sizeof *to);
        cblas_daxpy((int)n, s->weight[b], moved, 1, to, 1);
    }
}

/* Matrix products go at some 3e10 operations a second, sweeps through a kick's matrices at 5e9, and its characteristic
 * function at 2e9: that one is needed at each v of a Nesterov step. */
void sl_phase_step_seconds(double *ready, double *apply, const sl_operator *op, const sl_rate_law *law, size_t n)
{
    const bool nesterov = op->rule.kind == SL_RULE_NESTEROV;
    const double nx = (double)n, nv = (double)sl_phase_velocities(n), B = (double)branches_of(op, law);
    const double width = op->hi[0] - op->lo[0], cells = nx * (1 + fmin(sl_phase_farthest(op, law) / width, 64));
    const double alphas = law->half > 0 && !law->on_step ? 60 : 1;
    *ready = B * nx * (8 * nv * nv * nv / 3e10 + (nesterov ? nv : 1) * 10 * nv * alphas / 2e9);
    *apply = B * ((nesterov ? 2 : 1) * 4 * cells * nv * nx / 3e10 + 2 * nx * nv * nv / 5e9);
}

double sl_phase_step_bytes(const sl_operator *op, const sl_rate_law *law, size_t n)
{
    const double nv = (double)sl_phase_velocities(n), nx = (double)n, B = (double)branches_of(op, law);
    return 8 * (B * nx * nv * nv + (2 * B + 1) * nx * nv * 1.5);
}
