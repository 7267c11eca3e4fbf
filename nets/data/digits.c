/* The built-in digits: strokes of nets/data/glyphs.c, bent, sheared, shifted, drawn with pens of many widths on noisy
 * paper with scratches. Picture i of a part is a function of (seed, part, i) alone. */
#include <math.h>
#include <stdio.h>

#include "base/parallel.h"
#include "base/random.h"
#include "nets/data/digits_kernel.h"
#include "nets/data/glyphs.h"
#include "nets/data/kinds.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE, CLASSES = 10, BLOCK = 250, WAVES = 3 };

/* How far the hand strays. Set by eye on contact sheets and so that Model 1 reaches 96 to 97 % in 30 epochs. */
static const double ROTATION = 0.13;       /* standard deviation [radian]                           */
static const double SHEAR = 0.16;          /* standard deviation                                    */
static const double SCALE = 0.10;          /* standard deviation of the logarithm, each axis        */
static const double SHIFT = 1.0;           /* standard deviation [pixel], each axis                 */
static const double BEND = 0.8;            /* largest amplitude of a displacement wave [pixel]      */
static const double JITTER = 2.5;          /* standard deviation of a pen coordinate [unit]         */
static const double UNITS_PER_PIXEL = 4.6; /* of a digit at scale 1: 18 pixels high                */
static const double NOISE = 0.10;          /* largest standard deviation of a pixel                 */
static const double SCRATCHES = 2.0;       /* at most, a picture                                    */

/* Uniforms of one picture, taken one after the other (52 at most); the lanes of its normals lie beyond. C leaves open
 * in which order the arguments of a call and the members of an initializer are evaluated, and compilers differ: at
 * most one of them may draw, everything else is drawn in a declaration of its own. */
enum { UNIFORMS = 64, NORMAL_LANE = 128 };
typedef struct {
    double u[UNIFORMS];
    size_t next;
} lottery;

static double between(lottery *l, double low, double high)
{
    return low + (high - low) * l->u[l->next++];
}

static size_t choice(lottery *l, size_t n)
{
    return (size_t)between(l, 0, (double)n);
}

/* Near enough to normal for a hand: three uniforms, variance 1, within +-3. */
static double hand(lottery *l)
{
    const double a = between(l, -1, 1), b = between(l, -1, 1);
    return a + b + between(l, -1, 1);
}

/* From picture to glyph: the inverse of scaling, shearing, turning and shifting. */
static sl_affine draw_affine(lottery *l)
{
    const double angle = ROTATION * hand(l), shear = SHEAR * hand(l);
    const double sx = UNITS_PER_PIXEL * exp(SCALE * hand(l)), sy = UNITS_PER_PIXEL * exp(SCALE * hand(l));
    const double c = cos(angle), s = sin(angle), centre = (SIDE - 1) / 2.0;
    const double ci = centre + SHIFT * hand(l), cj = centre + SHIFT * hand(l);
    return (sl_affine){.xx = (float)(sx * (c + shear * s)),
                       .xy = (float)(sx * (shear * c - s)),
                       .yx = (float)(sy * s),
                       .yy = (float)(sy * c),
                       .ci = (float)ci,
                       .cj = (float)cj};
}

static sl_wave draw_wave(lottery *l)
{
    const double amplitude = between(l, 0, BEND), direction = between(l, 0, 2 * M_PI);
    const double waves = between(l, 0.4, 1.3), across = between(l, 0, 2 * M_PI), k = 2 * M_PI * waves / SIDE;
    return (sl_wave){.dx = (float)(amplitude * cos(direction)),
                     .dy = (float)(amplitude * sin(direction)),
                     .kx = (float)(k * cos(across)),
                     .ky = (float)(k * sin(across)),
                     .phase = (float)between(l, 0, 2 * M_PI)};
}

static void ink(float *paper, const float *x, const float *y, const sl_segment *strokes, size_t n, double width,
                double soft, double strength)
{
    float d2[PIXELS];
    for (size_t i = 0; i < PIXELS; i++) d2[i] = 1e9f;
    for (size_t k = 0; k < n; k++) sl_digit_distance(d2, x, y, PIXELS, &strokes[k]);
    sl_digit_ink(paper, d2, PIXELS, (float)(width / 2 * UNITS_PER_PIXEL), (float)(soft * UNITS_PER_PIXEL),
                 (float)strength);
}

static uint8_t draw_digit(uint8_t *pixels, uint64_t seed, uint32_t part, uint64_t index)
{
    const sl_draw draw = {.seed = seed, .step = index, .sub = part, .purpose = SL_PURPOSE_DIGITS};
    float normals[SL_GLYPH_JITTERS + PIXELS];
    lottery l = {0};
    sl_random_uniforms(l.u, UNIFORMS, 0, &draw);
    sl_random_normals_f(normals, SL_GLYPH_JITTERS + PIXELS, NORMAL_LANE, 1, &draw);
    float *const jitter = normals, *const noise = normals + SL_GLYPH_JITTERS;

    const size_t digit = choice(&l, CLASSES), style = choice(&l, sl_glyph_styles(digit));
    const sl_affine map = draw_affine(&l);
    sl_wave waves[WAVES];
    for (size_t k = 0; k < WAVES; k++) waves[k] = draw_wave(&l);
    for (size_t i = 0; i < SL_GLYPH_JITTERS; i++) jitter[i] *= (float)JITTER;

    sl_segment strokes[SL_GLYPH_SEGMENTS];
    float x[PIXELS], y[PIXELS], paper[PIXELS] = {0};
    const size_t n = sl_glyph_draw(strokes, digit, style, jitter);
    sl_digit_warp(x, y, SIDE, &map, waves, WAVES);
    const double strength = between(&l, 0.7, 1), soft = between(&l, 0.7, 1.3), width = between(&l, 0.8, 2.8);
    ink(paper, x, y, strokes, n, width, soft, strength);

    for (size_t k = choice(&l, (size_t)SCRATCHES + 1); k > 0; k--) {
        const double ax = between(&l, 0, 100), ay = between(&l, 0, 100);
        const double bx = ax + between(&l, -25, 25), by = ay + between(&l, -25, 25);
        const double depth = between(&l, 0.2, 0.8), breadth = between(&l, 0.5, 2);
        const sl_segment scratch = {(float)ax, (float)ay, (float)bx, (float)by};
        ink(paper, x, y, &scratch, 1, breadth, 0.8, depth);
    }
    const float deviation = (float)between(&l, 0, NOISE);
    for (size_t i = 0; i < PIXELS; i++) noise[i] *= deviation;
    sl_digit_expose(pixels, paper, noise, PIXELS);
    return (uint8_t)digit;
}

typedef struct {
    sl_dataset *d;
    uint64_t seed;
    uint32_t part;
} order;

static sl_status draw_block(void *ctx, size_t block, int worker, sl_err *err)
{
    (void)worker;
    (void)err;
    const order *const o = ctx;
    for (size_t i = block * BLOCK; i < (block + 1) * BLOCK && i < o->d->n; i++)
        o->d->labels[i] = draw_digit(o->d->pixels + i * PIXELS, o->seed, o->part, i);
    return SL_OK;
}

static sl_status make_part(sl_dataset *d, size_t n, uint64_t seed, uint32_t part, sl_err *err)
{
    SL_TRY(sl_dataset_alloc(d, n, 1, SIDE, SIDE, CLASSES, err));
    /* Of 12000 pictures of seed 1; constants, so that no picture depends on how many others there are. */
    d->mean[0] = 0.15f;
    d->deviation[0] = 0.28f;
    snprintf(d->origin, sizeof d->origin, "built-in digits, seed %llu, %s", (unsigned long long)seed,
             part ? "test" : "train");
    order o = {d, seed, part};
    const sl_status st = sl_parallel((n + BLOCK - 1) / BLOCK, 0, draw_block, &o, err);
    if (st != SL_OK) sl_dataset_free(d);
    return st;
}

static sl_status load(sl_dataset *train, sl_dataset *test, const sl_spec *spec, const char *dir, sl_err *err)
{
    (void)dir;
    const uint64_t seed = (uint64_t)sl_spec_get(spec, "seed");
    SL_TRY(make_part(train, (size_t)sl_spec_get(spec, "train"), seed, 0, err));
    const sl_status st = make_part(test, (size_t)sl_spec_get(spec, "test"), seed, 1, err);
    if (st != SL_OK) sl_dataset_free(train);
    return st;
}

static const sl_param params[] = {
    {.name = "train", .help = "training pictures", .def = 12000, .min = 1, .max = 1e6, .integer = true},
    {.name = "test", .help = "test pictures", .def = 2000, .min = 1, .max = 1e6, .integer = true},
    {.name = "seed", .help = "of the pictures", .def = 1, .min = 0, .max = 9007199254740992.0, .integer = true},
};

const sl_dataset_kind sl_dataset_digits = {.entry = {.name = "digits",
                                                     .help = "built-in 28x28 digits, drawn by a program",
                                                     .source = "",
                                                     .params = params,
                                                     .n_params = sizeof params / sizeof *params},
                                           .load = load};
