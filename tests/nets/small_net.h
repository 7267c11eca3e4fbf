/* tests/nets/small_net.h - networks and data so small that noise and curvature can be had densely, in double. */
#ifndef SL_TESTS_NETS_SMALL_NET_H
#define SL_TESTS_NETS_SMALL_NET_H

#include "nets/model.h"
#include "nets/objective.h"

enum { SMALL_SIDE = 3, SMALL_IN = SMALL_SIDE * SMALL_SIDE, SMALL_CLASSES = 4, SMALL_HIDDEN = 5 };

typedef struct {
    sl_dataset data;
    sl_model *m;
    float *state;
    size_t P, n;
    bool hidden;
    double *g; /* [n][P] gradients of the samples, in double */
} small_net;

/* The standardised pictures, as the networks see them. */
__attribute__((unused)) static double small_pixel(const small_net *s, size_t i, size_t k)
{
    return ((double)s->data.pixels[i * SMALL_IN + k] / 255 - (double)s->data.mean[0]) / (double)s->data.deviation[0];
}

/* Cross-entropy of sample i at double parameters, and its gradient if g is not NULL: written out by hand. */
static double small_loss(const small_net *s, const double *p, size_t i, double *g)
{
    const size_t H = s->hidden ? SMALL_HIDDEN : 0, in = H ? H : SMALL_IN;
    double x[SMALL_IN], a[SMALL_IN], z[SMALL_CLASSES], sum = 0, back[SMALL_IN] = {0};
    for (size_t k = 0; k < SMALL_IN; k++) x[k] = small_pixel(s, i, k);
    const double *const w2 = p + H * (SMALL_IN + 1), *const b2 = w2 + SMALL_CLASSES * in;
    for (size_t h = 0; h < H; h++) {
        a[h] = p[H * SMALL_IN + h];
        for (size_t k = 0; k < SMALL_IN; k++) a[h] += p[h * SMALL_IN + k] * x[k];
        if (a[h] < 0) a[h] = 0;
    }
    if (!H) memcpy(a, x, sizeof a);
    for (size_t c = 0; c < SMALL_CLASSES; c++) {
        z[c] = b2[c];
        for (size_t k = 0; k < in; k++) z[c] += w2[c * in + k] * a[k];
        sum += exp(z[c]);
    }
    const size_t label = s->data.labels[i];
    if (g) {
        double *const g2 = g + (w2 - p), *const gb2 = g + (b2 - p);
        for (size_t c = 0; c < SMALL_CLASSES; c++) {
            gb2[c] = exp(z[c]) / sum - (c == label);
            for (size_t k = 0; k < in; k++) {
                g2[c * in + k] = gb2[c] * a[k];
                back[k] += gb2[c] * w2[c * in + k];
            }
        }
        for (size_t h = 0; h < H; h++) {
            const double d = a[h] > 0 ? back[h] : 0;
            g[H * SMALL_IN + h] = d;
            for (size_t k = 0; k < SMALL_IN; k++) g[h * SMALL_IN + k] = d * x[k];
        }
    }
    return log(sum) - z[label];
}

static double *small_params(const small_net *s)
{
    double *const p = calloc(s->P, sizeof *p);
    for (size_t k = 0; k < s->P; k++) p[k] = (double)s->state[k];
    return p;
}

static small_net *small_alloc(bool hidden, size_t n)
{
    small_net *const s = calloc(1, sizeof *s);
    const sl_draw draw = {.seed = 11, .purpose = SL_PURPOSE_TEST};
    const sl_draw of_labels = {.seed = 12, .purpose = SL_PURPOSE_TEST};
    s->hidden = hidden;
    s->n = n;
    s->data = (sl_dataset){.n = n, .channels = 1, .height = SMALL_SIDE, .width = SMALL_SIDE, .features = SMALL_IN,
                           .classes = SMALL_CLASSES, .mean = {0.5}, .deviation = {0.25}, .origin = "small"};
    s->data.pixels = calloc(n, SMALL_IN);
    s->data.labels = calloc(n, 1);
    for (size_t i = 0; i < n * SMALL_IN; i++) s->data.pixels[i] = (uint8_t)(sl_random_word(i, &draw) >> 24);
    for (size_t i = 0; i < n; i++) { /* the pictures say something of the labels, not everything; independent samples */
        const uint32_t word = sl_random_word(i, &of_labels);
        s->data.labels[i] = word % 3 ? s->data.pixels[i * SMALL_IN] / 64 : (uint8_t)(word >> 30);
    }
    assert_ok(sl_model_alloc(&s->m, hidden ? "mlp:hidden=5" : "mlp:hidden=0", 1, SMALL_SIDE, SMALL_SIDE, SMALL_CLASSES,
                             &err));
    s->P = sl_model_parameters(s->m);
    s->state = calloc(sl_model_state(s->m), sizeof *s->state);
    sl_model_init(s->m, s->state, 2, 0);
    s->g = calloc(n * s->P, sizeof *s->g);
    double *const p = small_params(s);
    for (size_t i = 0; i < n; i++) (void)small_loss(s, p, i, s->g + i * s->P);
    free(p);
    return s;
}

static void small_free(small_net *s)
{
    sl_model_free(s->m);
    free(s->data.pixels);
    free(s->data.labels);
    free(s->state);
    free(s->g);
    free(s);
}

static sl_objective *small_objective(const small_net *s, double weight_decay, int jobs)
{
    sl_objective *o = NULL;
    const sl_objective_config c = {
        .model = s->m, .state = s->state, .data = &s->data, .weight_decay = weight_decay, .jobs = jobs};
    assert_ok(sl_objective_alloc(&o, &c, &err));
    return o;
}

/* mean[P] and the dense covariance D[P][P] of the gradients. */
__attribute__((unused)) static double *small_covariance(const small_net *s, double *mean)
{
    const size_t P = s->P;
    double *const D = calloc(P * P, sizeof *D);
    for (size_t k = 0; k < P; k++) {
        mean[k] = 0;
        for (size_t i = 0; i < s->n; i++) mean[k] += s->g[i * P + k] / (double)s->n;
    }
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < P; k++)
            for (size_t l = 0; l < P; l++)
                D[k * P + l] += (s->g[i * P + k] - mean[k]) * (s->g[i * P + l] - mean[l]) / (double)s->n;
    return D;
}

/* The dense Hessian of the mean loss by central differences of the gradients in double (step 1e-6: rounding 1e-10,
 * truncation 1e-12), no unit of ReLU being so near its kink. */
__attribute__((unused)) static double *small_hessian(const small_net *s)
{
    const size_t P = s->P;
    const double h = 1e-6;
    double *const H = calloc(P * P, sizeof *H), *const p = small_params(s), *const g = calloc(P, sizeof *g);
    for (size_t k = 0; k < P; k++)
        for (int side = -1; side <= 1; side += 2) {
            const double at = p[k];
            p[k] = at + side * h;
            for (size_t i = 0; i < s->n; i++) {
                (void)small_loss(s, p, i, g);
                for (size_t l = 0; l < P; l++) H[k * P + l] += side * g[l] / (2 * h * (double)s->n);
            }
            p[k] = at;
        }
    free(p);
    free(g);
    return H;
}

#endif
