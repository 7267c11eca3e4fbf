#include "nets/data/glyphs.h"

#include <math.h>
#include <stdlib.h>

/* A glyph is a text of pen commands:
 *   M x y               go there, pen up
 *   L x y               line to there
 *   A x y rx ry a b     ellipse round (x, y) from angle a to b in degrees (0: right, 90: down); pen down, so that
 *                       unless it follows an M or begins the glyph, a line leads to its start */
enum { STYLES = 4 };
static const char *const glyphs[10][STYLES] = {
    {"A 50 50 28 42 -90 270", "A 50 50 20 42 -70 300", "A 52 50 30 36 -110 220", NULL},
    {"M 50 8 L 50 92", "M 34 26 L 53 8 L 52 92", "M 34 24 L 52 8 L 52 92 M 32 92 L 72 92", NULL},
    {"A 50 32 26 24 190 380 L 24 91 L 78 91", "A 50 30 25 22 210 400 L 24 86 L 42 82 L 60 92 L 80 84",
     "A 48 34 26 26 180 390 A 32 84 10 9 -60 -330 L 80 90", NULL},
    {"A 46 30 26 22 200 440 A 46 70 28 22 -80 160", "M 24 10 L 74 10 L 46 44 A 44 68 28 24 -80 150",
     "A 46 29 22 20 220 420 L 44 48 A 46 71 26 21 -70 140", NULL},
    {"M 62 92 L 62 8 L 20 64 L 82 64", "M 30 10 L 24 54 L 78 54 M 66 12 L 64 92",
     "M 36 8 L 22 50 L 76 46 M 68 22 L 58 92", NULL},
    {"M 74 10 L 32 10 L 29 46 A 46 66 28 25 230 500", "M 30 14 L 30 44 A 44 68 30 24 -110 130 M 30 12 L 72 10",
     "M 72 12 L 40 14 L 32 42 L 52 44 A 46 68 26 24 -60 150", NULL},
    {"A 62 52 38 42 280 180 A 50 68 24 23 180 540", "M 64 8 L 30 56 A 50 70 22 21 200 560",
     "A 64 50 34 40 250 170 A 52 70 20 18 190 520", NULL},
    {"M 22 10 L 78 10 L 42 92", "M 22 12 L 78 10 L 46 92 M 34 52 L 70 48",
     "M 22 20 L 24 10 L 76 10 A 92 92 50 78 255 180", NULL},
    {"A 50 29 21 20 90 450 A 50 71 25 21 -90 270", "A 53 28 19 19 90 450 A 48 70 27 22 -90 270",
     "A 50 27 20 18 -20 -190 L 70 66 A 50 72 22 19 -20 200 L 68 24", NULL},
    {"A 50 31 24 22 0 360 L 70 92", "A 50 31 24 22 -20 340 A 36 50 38 42 -27 80", "A 48 32 22 22 -10 360 L 60 92",
     NULL},
};

size_t sl_glyph_styles(size_t digit)
{
    size_t n = 0;
    while (n < STYLES && glyphs[digit][n]) n++;
    return n;
}

/* The pen, with its text and its shaking hand. */
typedef struct {
    const char *text;
    const float *jitter;
    size_t jitters, n;
    int down;
    float x, y;
    sl_segment *out;
} pen;

static float number(pen *p)
{
    char *end;
    const float v = (float)strtol(p->text, &end, 10);
    p->text = end;
    return v;
}

static float coordinate(pen *p)
{
    return number(p) + p->jitter[p->jitters++ % SL_GLYPH_JITTERS];
}

static void line(pen *p, float x, float y)
{
    if (p->down && p->n < SL_GLYPH_SEGMENTS) p->out[p->n++] = (sl_segment){p->x, p->y, x, y};
    p->x = x;
    p->y = y;
    p->down = 1;
}

static void arc(pen *p)
{
    const float degree = (float)(M_PI / 180), step = 18;
    const float cx = coordinate(p), cy = coordinate(p), rx = coordinate(p), ry = coordinate(p);
    const float from = number(p), to = number(p);
    const int n = (int)ceilf(fabsf(to - from) / step);
    for (int i = 0; i <= n; i++) {
        const float a = degree * (from + (to - from) * (float)i / (float)n);
        line(p, cx + rx * cosf(a), cy + ry * sinf(a));
    }
}

size_t sl_glyph_draw(sl_segment *out, size_t digit, size_t style, const float *jitter)
{
    pen p = {.text = glyphs[digit][style], .jitter = jitter, .out = out};
    while (*p.text) {
        const char command = *p.text++;
        if (command == 'A') arc(&p);
        if (command != 'M' && command != 'L') continue; /* a blank, or an arc that is drawn */
        if (command == 'M') p.down = 0;
        const float x = coordinate(&p), y = coordinate(&p);
        line(&p, x, y);
    }
    return p.n;
}
