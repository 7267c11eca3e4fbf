/* bench/conv - the convolutions of Model 2, VGG16 and ResNet-20 in training, on two threads: effective GFLOP/s of each
 * layer's three products (as if every multiplication of the definition were done), and that as a fraction of what the
 * matrix product reaches on the same threads in the same run. Above 1 is Winograd's doing.
 * Prints "name value" lines. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "nets/gemm.h"
#include "nets/layer.h"

enum { THREADS = 2, REPEAT = 5 };

typedef struct {
    size_t size, in, out, stride, padding;
    int times; /* in the network */
} conv;

typedef struct {
    const char *name;
    size_t batch;
    conv convs[10]; /* until size 0; the first one's input needs no gradient */
} net;

static const net nets[] = {
    {"model2",
     256,
     {{28, 1, 64, 1, 0, 1},
      {26, 64, 64, 1, 0, 1},
      {12, 64, 128, 1, 0, 1},
      {10, 128, 128, 1, 0, 1},
      {8, 128, 128, 1, 0, 1}}},
    {"vgg16",
     128,
     {{32, 3, 64, 1, 1, 1},
      {32, 64, 64, 1, 1, 1},
      {16, 64, 128, 1, 1, 1},
      {16, 128, 128, 1, 1, 1},
      {8, 128, 256, 1, 1, 1},
      {8, 256, 256, 1, 1, 2},
      {4, 256, 512, 1, 1, 1},
      {4, 512, 512, 1, 1, 2},
      {2, 512, 512, 1, 1, 3}}},
    {"resnet20",
     128,
     {{32, 3, 16, 1, 1, 1},
      {32, 16, 16, 1, 1, 6},
      {32, 16, 32, 2, 1, 1},
      {16, 32, 32, 1, 1, 5},
      {16, 32, 64, 2, 1, 1},
      {8, 64, 64, 1, 1, 5}}},
};

static float *numbers(size_t n)
{
    float *const v = aligned_alloc(64, (n * sizeof *v + 63) / 64 * 64);
    if (!v) exit(4);
    for (size_t i = 0; i < n; i++) v[i] = (float)(i % 17) / 17 - 0.5f;
    return v;
}

/* ---- the bound ---- */

enum { SIDE = 1024 };

static void multiply(void *ctx, size_t i, int worker)
{
    (void)worker;
    float *const *const m = (float *const *)ctx + 3 * i;
    sl_gemm(m[0], 0, m[1], SL_AS_IS, m[2], SL_AS_IS, SIDE, SIDE, SIDE);
}

/* GFLOP/s of large products, one a thread; the best of a few. */
static double peak(sl_team *team)
{
    float *m[3 * THREADS];
    for (int i = 0; i < 3 * THREADS; i++) m[i] = numbers((size_t)SIDE * SIDE);
    double best = INFINITY;
    for (int i = 0; i < 2 * REPEAT; i++) {
        const double start = sl_clock();
        sl_team_run(team, THREADS, multiply, m);
        best = fmin(best, sl_clock() - start);
    }
    for (int i = 0; i < 3 * THREADS; i++) free(m[i]);
    return 2e-9 * THREADS * SIDE * SIDE * SIDE / best;
}

/* ---- a layer ---- */

typedef enum { FORWARD, INPUT, WEIGHTS, PRODUCTS } product;

static sl_layer layer_of(const conv *c)
{
    const size_t out = (c->size + 2 * c->padding - 3) / c->stride + 1;
    return (sl_layer){.kind = &sl_layer_conv,
                      .n_inputs = 1,
                      .in = {{c->size, c->size, c->in}},
                      .out = {out, out, c->out},
                      .kernel = 3,
                      .stride = c->stride,
                      .padding = c->padding,
                      .bias = SL_NONE};
}

/* Seconds of a forward pass, and of a backward pass without and with the gradient of the input; the best of a few. */
static void time_layer(double *seconds, const sl_layer *l, size_t batch, sl_team *team)
{
    sl_pass p = {.layer = l, .count = batch, .team = team};
    const size_t weights = 9 * l->in[0].channels * l->out.channels;
    float *const x = numbers(sl_pass_in(&p, 0)), *const y = numbers(sl_pass_out(&p)),
                 *const dx = numbers(sl_pass_in(&p, 0));
    float *const state = numbers(weights), *const gradient = numbers(weights);
    float *const scratch = numbers(sl_layer_conv.scratch(l, batch, THREADS, SL_FOR_GRADIENT));
    p.x[0] = x;
    p.y = p.dy = y;
    p.state = state;
    p.gradient = gradient;
    p.scratch = scratch;
    for (int k = 0; k < 3; k++) seconds[k] = INFINITY;
    for (int i = 0; i < REPEAT; i++)
        for (int k = 0; k < 3; k++) {
            p.dx[0] = k == 2 ? dx : NULL;
            const double start = sl_clock();
            (k == 0 ? sl_layer_conv.forward : sl_layer_conv.backward)(&p);
            seconds[k] = fmin(seconds[k], sl_clock() - start);
        }
    float *const all[] = {x, y, dx, state, gradient, scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* Adds a step's seconds and GFLOP of the net's convolutions. */
static void measure(const net *n, const conv *c, double bound, sl_team *team, double *seconds, double *gflop)
{
    const sl_layer l = layer_of(c);
    const double one = 1e-9 * (double)n->batch * sl_layer_conv.flops(&l);
    const bool first = c == n->convs;
    double t[3];
    time_layer(t, &l, n->batch, team);
    const double step = t[0] + (first ? t[1] : t[2]), work = first ? 2 * one : 3 * one;
    printf(
        "# %-8s %2zux%-2zu %3zu to %3zu, stride %zu: GFLOP/s forward %.0f, gradient of weights %.0f, of input %.0f\n",
        n->name, c->size, c->size, c->in, c->out, c->stride, one / t[0], one / t[1], one / (t[2] - t[1]));
    printf("conv.%s.%zu-to-%zu-at-%zu.gflops %.0f\n", n->name, c->in, c->out, c->size, work / step);
    printf("conv.%s.%zu-to-%zu-at-%zu.fraction_of_peak %.2f\n", n->name, c->in, c->out, c->size, work / step / bound);
    *seconds += c->times * step;
    *gflop += c->times * work;
}

int main(void)
{
    sl_team *team;
    sl_err err = {0};
    if (sl_team_alloc(&team, THREADS, &err) != SL_OK) {
        fprintf(stderr, "bench/conv: %s\n", err.message);
        return 4;
    }
    const double bound = peak(team);
    printf("# products by %s (%s kernels), %d threads\n", sl_gemm_library(), sl_gemm_kernels(), THREADS);
    printf("conv.peak.gflops %.0f\n", bound);
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        double seconds = 0, gflop = 0;
        for (const conv *c = nets[i].convs; c->size; c++) measure(&nets[i], c, bound, team, &seconds, &gflop);
        printf("conv.%s.gflops %.0f\n", nets[i].name, gflop / seconds);
        printf("conv.%s.fraction_of_peak %.2f\n", nets[i].name, gflop / seconds / bound);
        printf("conv.%s.images_per_second %.0f\n", nets[i].name, (double)nets[i].batch / seconds);
    }
    sl_team_free(team);
    return 0;
}
