#include "tests/test.h"

#include "nets/layer.h"
#include "nets/layers/conv.h"

typedef struct {
    size_t count, height, width, in, out, kernel, stride, padding;
} shape;

static sl_layer layer_of(shape s)
{
    return (sl_layer){.kind = &sl_layer_conv,
                      .n_inputs = 1,
                      .in = {{s.height, s.width, s.in}},
                      .out = {(s.height + 2 * s.padding - s.kernel) / s.stride + 1,
                              (s.width + 2 * s.padding - s.kernel) / s.stride + 1, s.out},
                      .kernel = s.kernel,
                      .stride = s.stride,
                      .padding = s.padding};
}

/* Calls back for every product of an input, a weight and an output that the definition has, by their indices. */
typedef struct {
    const sl_layer *l;
    size_t count;
    double *to;
    const float *x, *w, *dy;
    enum { TO_Y, TO_X, TO_W } what;
} sum;

static void add_pixel(const sum *s, size_t n, size_t oy, size_t ox, size_t ky, size_t kx)
{
    const sl_layer *const l = s->l;
    const size_t y = oy * l->stride + ky - l->padding, x = ox * l->stride + kx - l->padding; /* below 0: huge */
    const size_t in = l->in[0].channels, out = l->out.channels;
    if (y >= l->in[0].height || x >= l->in[0].width) return;
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++) {
            const size_t at_y = ((n * l->out.height + oy) * l->out.width + ox) * out + o;
            const size_t at_x = ((n * l->in[0].height + y) * l->in[0].width + x) * in + i;
            const size_t at_w = ((o * in + i) * l->kernel + ky) * l->kernel + kx;
            if (s->what == TO_Y) s->to[at_y] += (double)s->w[at_w] * (double)s->x[at_x];
            if (s->what == TO_X) s->to[at_x] += (double)s->w[at_w] * (double)s->dy[at_y];
            if (s->what == TO_W) s->to[at_w] += (double)s->dy[at_y] * (double)s->x[at_x];
        }
}

static void add(const sum *s)
{
    for (size_t n = 0; n < s->count; n++)
        for (size_t oy = 0; oy < s->l->out.height; oy++)
            for (size_t ox = 0; ox < s->l->out.width; ox++)
                for (size_t ky = 0; ky < s->l->kernel; ky++)
                    for (size_t kx = 0; kx < s->l->kernel; kx++) add_pixel(s, n, oy, ox, ky, kx);
}

/* ---- all arrays of a pass; each array has a margin after it that nobody may write ---- */

enum { MARGIN = 16, STATE = 3 };
static const float untouched = -123456;

enum { X, RX, W, V, Y, RY, DY, RDY, DX, RDX, DW, RDW, ARRAYS };

typedef struct {
    sl_layer l;
    size_t count, size[ARRAYS];
    float *a[ARRAYS], *scratch;
    size_t scratch_size;
    bool bias;
    sl_team *team;
} arrays;

static unsigned draws;

/* Small whole numbers: the sums are exact in float in any order; so are Winograd's halves and quarters. */
static float small_number(void)
{
    draws = draws * 1103515245u + 12345;
    return (float)((int)(draws >> 16) % 9 - 4);
}

static float fraction(void)
{
    draws = draws * 1103515245u + 12345;
    return (float)((double)(draws >> 8) / (1 << 23) - 1);
}

static arrays make(shape s, bool bias, int workers, float (*number)(void))
{
    arrays r = {.l = layer_of(s), .count = s.count, .bias = bias};
    const size_t in = s.count * sl_shape_size(r.l.in[0]), out = s.count * sl_shape_size(r.l.out);
    const size_t weights = s.out * s.in * s.kernel * s.kernel, parameters = STATE + weights + (bias ? s.out : 0);
    const size_t sizes[ARRAYS] = {in, in, parameters, parameters, out, out, out, out, in, in, parameters, parameters};
    r.l.weight = STATE;
    r.l.bias = bias ? STATE + weights : SL_NONE;
    draws = 1;
    for (int k = 0; k < ARRAYS; k++) {
        r.size[k] = sizes[k];
        r.a[k] = malloc((sizes[k] + MARGIN) * sizeof(float));
        for (size_t i = 0; i < sizes[k]; i++) r.a[k][i] = number();
        for (size_t i = 0; i < MARGIN; i++) r.a[k][sizes[k] + i] = untouched;
    }
    r.scratch_size = sl_layer_conv.scratch(&r.l, s.count, workers, SL_FOR_CURVATURE);
    r.scratch = malloc((r.scratch_size + MARGIN) * sizeof(float));
    for (size_t i = 0; i < r.scratch_size + MARGIN; i++) r.scratch[i] = untouched;
    if (workers > 1) assert_ok(sl_team_alloc(&r.team, workers, &err));
    return r;
}

static void release(arrays *r)
{
    for (int k = 0; k < ARRAYS; k++) {
        for (size_t i = 0; i < MARGIN; i++) assert_true(r->a[k][r->size[k] + i] == untouched);
        free(r->a[k]);
    }
    for (size_t i = 0; i < MARGIN; i++) assert_true(r->scratch[r->scratch_size + i] == untouched);
    free(r->scratch);
    sl_team_free(r->team);
}

static sl_pass pass_of(arrays *r, bool accumulate, bool tangent_of_x, bool dx)
{
    return (sl_pass){.layer = &r->l,
                     .count = r->count,
                     .team = r->team,
                     .scratch = r->scratch,
                     .state = r->a[W],
                     .x = {r->a[X]},
                     .y = r->a[Y],
                     .dy = r->a[DY],
                     .dx = {dx ? r->a[DX] : NULL},
                     .accumulate = {accumulate},
                     .gradient = r->a[DW],
                     .v = r->a[V],
                     .rx = {tangent_of_x ? r->a[RX] : NULL},
                     .ry = r->a[RY],
                     .rdy = r->a[RDY],
                     .rdx = {dx ? r->a[RDX] : NULL},
                     .rgradient = r->a[RDW]};
}

/* ---- what the arrays should hold ---- */

static void compare(const char *what, shape s, const float *got, const double *expected, size_t n, double tolerance)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(expected[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - expected[i]) <= tolerance * largest))
            fail_msg("%s[%zu] = %.9g, expected %.9g: %zu x %zux%zux%zu to %zu, kernel %zu, stride %zu, padding %zu",
                     what, i, (double)got[i], expected[i], s.count, s.height, s.width, s.in, s.out, s.kernel, s.stride,
                     s.padding);
}

static double *numbers(const float *start, size_t n)
{
    double *const v = calloc(n ? n : 1, sizeof *v);
    for (size_t i = 0; start && i < n; i++) v[i] = (double)start[i];
    return v;
}

static void expect_y(const char *what, shape s, const arrays *r, const float *got, const float *bias, const float *w1,
                     const float *x1, const float *w2, const float *x2, double tolerance)
{
    double *const y = numbers(NULL, r->size[Y]);
    for (size_t i = 0; bias && i < r->size[Y]; i++) y[i] = (double)bias[i % s.out];
    add(&(sum){.l = &r->l, .count = r->count, .to = y, .w = w1 + STATE, .x = x1, .what = TO_Y});
    if (x2) add(&(sum){.l = &r->l, .count = r->count, .to = y, .w = w2 + STATE, .x = x2, .what = TO_Y});
    compare(what, s, got, y, r->size[Y], tolerance);
    free(y);
}

static void expect_dx(const char *what, shape s, const arrays *r, const float *got, const float *before,
                      const float *w1, const float *dy1, const float *w2, const float *dy2, double tolerance)
{
    double *const dx = numbers(before, r->size[X]);
    add(&(sum){.l = &r->l, .count = r->count, .to = dx, .w = w1 + STATE, .dy = dy1, .what = TO_X});
    if (dy2) add(&(sum){.l = &r->l, .count = r->count, .to = dx, .w = w2 + STATE, .dy = dy2, .what = TO_X});
    compare(what, s, got, dx, r->size[X], tolerance);
    free(dx);
}

/* before: what stood in front of the layer's own numbers. */
static void expect_dw(const char *what, shape s, const arrays *r, const float *got, const float *dy1, const float *x1,
                      const float *dy2, const float *x2, double tolerance)
{
    const size_t weights = s.out * s.in * s.kernel * s.kernel;
    double *const dw = numbers(NULL, weights + s.out);
    add(&(sum){.l = &r->l, .count = r->count, .to = dw, .dy = dy1, .x = x1, .what = TO_W});
    if (x2) add(&(sum){.l = &r->l, .count = r->count, .to = dw, .dy = dy2, .x = x2, .what = TO_W});
    compare(what, s, got + STATE, dw, weights, tolerance);
    for (size_t i = 0; i < r->size[Y]; i++) dw[weights + i % s.out] += (double)dy1[i];
    if (r->bias) compare("bias' gradient", s, got + STATE + weights, dw + weights, s.out, tolerance);
    free(dw);
}

static float *copy(const float *from, size_t n)
{
    float *const v = malloc(n * sizeof *v);
    memcpy(v, from, n * sizeof *v);
    return v;
}

/* All four passes of a layer against the definition. */
static void check(shape s, bool bias, bool accumulate, bool tangent_of_x, double tolerance, float (*number)(void))
{
    arrays r = make(s, bias, 1, number);
    float *const dx = copy(r.a[DX], r.size[DX]), *const rdx = copy(r.a[RDX], r.size[RDX]);
    float *const dw = copy(r.a[DW], STATE), *const rdw = copy(r.a[RDW], STATE);
    const sl_pass p = pass_of(&r, accumulate, tangent_of_x, true);
    const float *const *const a = (const float *const *)r.a;
    const size_t at_bias = r.l.bias;
    sl_layer_conv.forward(&p);
    sl_layer_conv.forward_tangent(&p);
    sl_layer_conv.backward_tangent(&p);
    sl_layer_conv.backward(&p);
    expect_y("y", s, &r, a[Y], bias ? a[W] + at_bias : NULL, a[W], a[X], NULL, NULL, tolerance);
    expect_y("R y", s, &r, a[RY], bias ? a[V] + at_bias : NULL, a[V], a[X], a[W], p.rx[0], tolerance);
    expect_dx("dx", s, &r, a[DX], accumulate ? dx : NULL, a[W], a[DY], NULL, NULL, tolerance);
    expect_dx("R dx", s, &r, a[RDX], accumulate ? rdx : NULL, a[W], a[RDY], a[V], a[DY], tolerance);
    expect_dw("dW", s, &r, a[DW], a[DY], a[X], NULL, NULL, tolerance);
    expect_dw("R dW", s, &r, a[RDW], a[RDY], a[X], a[DY], p.rx[0], tolerance);
    assert_memory_equal(dw, a[DW], STATE * sizeof *dw); /* other layers' parameters */
    assert_memory_equal(rdw, a[RDW], STATE * sizeof *rdw);
    free(dx);
    free(rdx);
    free(dw);
    free(rdw);
    release(&r);
}

/* All kernels, strides and paddings on a picture that is not square and on one that the kernel barely fits. */
static void conv__is_its_definition(void **state)
{
    (void)state;
    static const size_t kernels[] = {1, 2, 3, 5, 7}, channels[][2] = {{1, 5}, {3, 16}, {17, 2}, {37, 1}, {16, 33}};
    size_t round = 0;
    for (size_t k = 0; k < 5; k++)
        for (size_t stride = 1; stride <= 3; stride++)
            for (size_t padding = 0; padding <= 3; padding++)
                for (int large = 0; large < 2; large++, round++) {
                    const shape s = {.count = 1 + round % 3,
                                     .height = large ? 9 : kernels[k],
                                     .width = large ? 8 : 7,
                                     .in = channels[round % 5][0],
                                     .out = channels[round % 5][1],
                                     .kernel = kernels[k],
                                     .stride = stride,
                                     .padding = padding};
                    check(s, round % 2, round / 2 % 2, round / 4 % 2, 0, small_number);
                }
}

/* Sizes at which the work falls into several blocks of rows, of samples and of channels. */
static const shape large[] = {
    {5, 32, 32, 3, 16, 3, 1, 1},  {3, 30, 31, 16, 17, 3, 1, 1}, {9, 16, 16, 16, 32, 3, 2, 1},
    {37, 4, 4, 130, 33, 3, 1, 1}, {40, 7, 7, 70, 12, 1, 1, 0},  {40, 8, 8, 20, 40, 1, 2, 0},
    {2, 35, 33, 5, 3, 7, 2, 3},   {40, 2, 2, 129, 65, 3, 1, 1}, {1, 50, 40, 1, 64, 5, 1, 2},
    {2, 14, 15, 64, 64, 3, 1, 0}, {9, 20, 21, 24, 30, 3, 1, 1},
};

static void conv__in_blocks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) check(large[i], i % 2, i / 2 % 2, i % 2, 0, small_number);
}

/* Numbers whose sums are rounded: 1e-6 of the largest is some 10 units in the last place. */
static void conv__rounds_well(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) check(large[i], true, true, true, 1e-6, fraction);
}

/* ---- the products ---- */

/* c of [m][n] in rows of ldc, of which the rest must not change. */
static void check_product(size_t m, size_t n, size_t k, sl_orientation of_a, bool accumulate)
{
    const size_t lda = (of_a ? m : k) + 3, ldb = n + 5, ldc = n + 2, rows = of_a ? k : m;
    float *const a = malloc(rows * lda * sizeof *a), *const b = malloc(k * ldb * sizeof *b);
    float *const c = malloc(m * ldc * sizeof *c);
    for (size_t i = 0; i < rows * lda; i++) a[i] = small_number();
    for (size_t i = 0; i < k * ldb; i++) b[i] = small_number();
    for (size_t i = 0; i < m * ldc; i++) c[i] = i % ldc >= n ? untouched : accumulate ? 5 : NAN;
    sl_conv_multiply(c, ldc, accumulate, a, lda, of_a, b, ldb, m, n, k);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < ldc; j++) {
            double expected = j >= n ? (double)untouched : accumulate ? 5 : 0;
            for (size_t l = 0; j < n && l < k; l++)
                expected += (double)(of_a ? a[l * lda + i] : a[i * lda + l]) * (double)b[l * ldb + j];
            if ((double)c[i * ldc + j] != expected)
                fail_msg("[%zu][%zu] of %zu x %zu x %zu, a%s, %s: %g, expected %g", i, j, m, n, k, of_a ? "^T" : "",
                         accumulate ? "added" : "set", (double)c[i * ldc + j], expected);
        }
    free(a);
    free(b);
    free(c);
}

/* Rows in eights and left over, columns in sixteens and not, depths about those that are taken at once, a factor too
 * large for the kernel, and rows that are powers of 2 apart. */
static void multiply__is_its_definition(void **state)
{
    (void)state;
    static const size_t ms[] = {1, 7, 8, 21}, ns[] = {16, 48, 20}, ks[] = {1, 9, 255, 256, 257, 600};
    for (int way = 0; way < 4; way++) {
        for (size_t i = 0; i < 4; i++)
            for (size_t j = 0; j < 3; j++)
                for (size_t l = 0; l < 6; l++) check_product(ms[i], ns[j], ks[l], (sl_orientation)(way & 1), way >> 1);
        check_product(9, 640, 500, (sl_orientation)(way & 1), way >> 1);
        check_product(1021, 16, 30, (sl_orientation)(way & 1), way >> 1);
        check_product(5, 1024 - 5, 17, (sl_orientation)(way & 1), way >> 1);
    }
}

/* ---- each way by itself, whether the layer would choose it or not ---- */

static void check_method(const sl_conv_method *m, shape s, bool accumulate, double tolerance, float (*number)(void))
{
    arrays r = make(s, true, 1, number);
    float *const scratch = malloc(m->scratch(&r.l, s.count, 1, SL_FOR_GRADIENT) * sizeof *scratch);
    float *const y = copy(r.a[Y], r.size[Y]), *const dx = copy(r.a[DX], r.size[DX]);
    const sl_conv c = {.layer = &r.l, .count = s.count, .scratch = scratch};
    m->forward(&c, y, r.a[X], r.a[W] + STATE, r.a[W] + r.l.bias, false);
    expect_y(m->name, s, &r, y, r.a[W] + r.l.bias, r.a[W], r.a[X], NULL, NULL, tolerance);
    if (accumulate) {
        m->forward(&c, y, r.a[RX], r.a[V] + STATE, NULL, true);
        expect_y(m->name, s, &r, y, r.a[W] + r.l.bias, r.a[W], r.a[X], r.a[V], r.a[RX], tolerance);
    }
    m->backward_input(&c, dx, r.a[DY], r.a[W] + STATE, accumulate);
    expect_dx(m->name, s, &r, dx, accumulate ? r.a[DX] : NULL, r.a[W], r.a[DY], NULL, NULL, tolerance);
    r.bias = false; /* is none of a method's business */
    m->backward_weights(&c, r.a[DW] + STATE, r.a[DY], r.a[X], false);
    expect_dw(m->name, s, &r, r.a[DW], r.a[DY], r.a[X], NULL, NULL, tolerance);
    if (accumulate) {
        m->backward_weights(&c, r.a[DW] + STATE, r.a[RDY], r.a[RX], true);
        expect_dw(m->name, s, &r, r.a[DW], r.a[DY], r.a[X], r.a[RDY], r.a[RX], tolerance);
    }
    free(scratch);
    free(y);
    free(dx);
    release(&r);
}

/* Pictures of every size modulo the tiles', from those smaller than one tile; all paddings; few and many channels. */
static void winograd__is_its_definition(void **state)
{
    (void)state;
    static const size_t channels[][2] = {{1, 1}, {3, 20}, {17, 16}, {70, 5}, {2, 140}};
    size_t round = 0;
    for (size_t padding = 0; padding <= 2; padding++)
        for (size_t height = 1; height <= 7; height++)
            for (size_t width = 1; width <= 7; width += 1 + height % 2, round++) {
                const shape s = {.count = 1 + round % 4,
                                 .height = height,
                                 .width = width,
                                 .in = channels[round % 5][0],
                                 .out = channels[round % 5][1],
                                 .kernel = 3,
                                 .stride = 1,
                                 .padding = padding};
                if (height + 2 * padding < 3 || width + 2 * padding < 3) continue;
                check_method(&sl_conv_by_winograd, s, round % 2, 0, small_number);
            }
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        if (large[i].kernel == 3 && large[i].stride == 1)
            check_method(&sl_conv_by_winograd, large[i], true, 0, small_number);
}

/* The largest error, relative to the largest number. */
static double worst(const float *got, const double *expected, size_t n)
{
    double largest = 0, off = 0;
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs(expected[i]));
        off = fmax(off, fabs((double)got[i] - expected[i]));
    }
    return off / largest;
}

static void errors(const sl_conv_method *m, arrays *r, double *error)
{
    const size_t weights = r->l.in[0].channels * r->l.out.channels * 9;
    float *const scratch = malloc(m->scratch(&r->l, r->count, 1, SL_FOR_GRADIENT) * sizeof *scratch);
    double *const y = numbers(NULL, r->size[Y]), *const dx = numbers(NULL, r->size[X]),
                  *const dw = numbers(NULL, weights);
    const float *const w = r->a[W] + STATE;
    const sl_conv c = {.layer = &r->l, .count = r->count, .scratch = scratch};
    m->forward(&c, r->a[Y], r->a[X], w, NULL, false);
    m->backward_input(&c, r->a[DX], r->a[DY], w, false);
    m->backward_weights(&c, r->a[DW] + STATE, r->a[DY], r->a[X], false);
    add(&(sum){.l = &r->l, .count = r->count, .to = y, .w = w, .x = r->a[X], .what = TO_Y});
    add(&(sum){.l = &r->l, .count = r->count, .to = dx, .w = w, .dy = r->a[DY], .what = TO_X});
    add(&(sum){.l = &r->l, .count = r->count, .to = dw, .dy = r->a[DY], .x = r->a[X], .what = TO_W});
    error[0] = worst(r->a[Y], y, r->size[Y]);
    error[1] = worst(r->a[DX], dx, r->size[X]);
    error[2] = worst(r->a[DW] + STATE, dw, weights);
    free(scratch);
    free(y);
    free(dx);
    free(dw);
}

/* Up to 512 channels, as many as come in practice. Errors were 0.3 to 2.1 times the plain sum's, and up to 9e-7;
 * transforms for tiles of 4 x 4 outputs have 10 times and more. The plain sum loses up to 2e-6 on 4608 terms in a row,
 * as LIBXSMM adds them. */
static void winograd__errs_as_little_as_the_plain_sum(void **state)
{
    (void)state;
    static const shape shapes[] = {
        {2, 5, 5, 512, 16, 3, 1, 1}, {3, 8, 8, 64, 48, 3, 1, 1}, {2, 9, 9, 16, 256, 3, 1, 0}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        double plain[3], winograd[3];
        arrays r = make(shapes[i], false, 1, fraction);
        errors(&sl_conv_by_columns, &r, plain);
        errors(&sl_conv_by_winograd, &r, winograd);
        release(&r);
        for (int k = 0; k < 3; k++) {
            if (!(winograd[k] <= 4 * plain[k] && winograd[k] <= 1.5e-6 && plain[k] <= 3e-6))
                fail_msg("shape %zu, product %d: errors %.2g (columns), %.2g (winograd)", i, k, plain[k], winograd[k]);
        }
    }
}

static void winograd__fits_3_by_3_of_stride_1(void **state)
{
    (void)state;
    for (size_t kernel = 1; kernel <= 5; kernel++)
        for (size_t stride = 1; stride <= 2; stride++)
            for (size_t padding = 0; padding <= 3; padding++) {
                const sl_layer l = {.kernel = kernel, .stride = stride, .padding = padding};
                assert_true(sl_conv_winograd_fits(&l) == (kernel == 3 && stride == 1 && padding <= 2));
            }
}

/* A network that has diverged must show it: whatever sees a NaN is NaN. */
static void conv__nan_shows(void **state)
{
    (void)state;
    const sl_conv_method *const methods[] = {&sl_conv_by_columns, &sl_conv_by_winograd};
    const shape s = {1, 8, 8, 18, 19, 3, 1, 1};
    for (size_t k = 0; k < 2; k++)
        for (size_t at = 0; at < 64 * s.in; at += 5) {
            arrays r = make(s, false, 1, small_number);
            float *const scratch = malloc(methods[k]->scratch(&r.l, 1, 1, SL_FOR_GRADIENT) * sizeof *scratch);
            const sl_conv c = {.layer = &r.l, .count = 1, .scratch = scratch};
            r.a[X][at] = NAN;
            methods[k]->forward(&c, r.a[Y], r.a[X], r.a[W] + STATE, NULL, false);
            methods[k]->backward_weights(&c, r.a[DW] + STATE, r.a[DY], r.a[X], false);
            for (size_t o = 0; o < s.out; o++) {
                assert_true(isnan(r.a[Y][at / s.in * s.out + o]));
                assert_true(isnan(r.a[DW][STATE + (o * s.in + at % s.in) * 9 + 4])); /* the middle tap */
            }
            free(scratch);
            release(&r);
        }
}

/* ---- the layer ---- */

/* The first layer of a network: nobody wants dx. */
static void conv__without_dx(void **state)
{
    (void)state;
    const shape s = {3, 6, 7, 3, 4, 3, 1, 1};
    arrays r = make(s, true, 1, small_number);
    float *const dx = copy(r.a[DX], r.size[DX]), *const rdx = copy(r.a[RDX], r.size[RDX]);
    const sl_pass p = pass_of(&r, false, false, false);
    sl_layer_conv.backward_tangent(&p);
    sl_layer_conv.backward(&p);
    expect_dw("dW", s, &r, r.a[DW], r.a[DY], r.a[X], NULL, NULL, 0);
    expect_dw("R dW", s, &r, r.a[RDW], r.a[RDY], r.a[X], NULL, NULL, 0);
    assert_memory_equal(dx, r.a[DX], r.size[DX] * sizeof *dx);
    assert_memory_equal(rdx, r.a[RDX], r.size[RDX] * sizeof *rdx);
    free(dx);
    free(rdx);
    release(&r);
}

static void conv__same_bytes_for_every_team(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        arrays alone = make(large[i], true, 1, fraction);
        const sl_pass p = pass_of(&alone, true, true, true);
        sl_layer_conv.forward(&p);
        sl_layer_conv.forward_tangent(&p);
        sl_layer_conv.backward_tangent(&p);
        sl_layer_conv.backward(&p);
        for (int workers = 2; workers <= 3; workers++) {
            arrays r = make(large[i], true, workers, fraction);
            const sl_pass q = pass_of(&r, true, true, true);
            sl_layer_conv.forward(&q);
            sl_layer_conv.forward_tangent(&q);
            sl_layer_conv.backward_tangent(&q);
            sl_layer_conv.backward(&q);
            for (int k = 0; k < ARRAYS; k++) assert_memory_equal(alone.a[k], r.a[k], r.size[k] * sizeof(float));
            release(&r);
        }
        release(&alone);
    }
}

/* Scratch for the largest batch is enough for every smaller one. */
static void scratch__grows_with_the_batch(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        const sl_layer l = layer_of(large[i]);
        size_t before = 0;
        for (size_t count = 1; count <= 300; count++) {
            const size_t now = sl_layer_conv.scratch(&l, count, 2, SL_FOR_GRADIENT);
            assert_true(now >= before);
            before = now;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv__is_its_definition),
        cmocka_unit_test(conv__in_blocks),
        cmocka_unit_test(conv__rounds_well),
        cmocka_unit_test(conv__without_dx),
        cmocka_unit_test(conv__same_bytes_for_every_team),
        cmocka_unit_test(scratch__grows_with_the_batch),
        cmocka_unit_test(multiply__is_its_definition),
        cmocka_unit_test(winograd__is_its_definition),
        cmocka_unit_test(winograd__errs_as_little_as_the_plain_sum),
        cmocka_unit_test(winograd__fits_3_by_3_of_stride_1),
        cmocka_unit_test(conv__nan_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
