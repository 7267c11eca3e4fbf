#include "plots/style.h"

#include <stdbool.h>
#include <string.h>

/* Okabe and Ito 2008, ordered so that the first few contrast most on white; yellow, the faintest, comes last. */
static const char *const palette[SL_PALETTE_SIZE] = {
    "#0072B2", /* blue           */
    "#D55E00", /* vermilion      */
    "#009E73", /* bluish green   */
    "#CC79A7", /* reddish purple */
    "#E69F00", /* orange         */
    "#56B4E9", /* sky blue       */
    "#000000", /* black          */
    "#F0E442", /* yellow         */
};

const char *sl_palette(size_t index)
{
    return palette[index % SL_PALETTE_SIZE];
}

int sl_point_type(size_t index)
{
    static const int types[] = {7, 5, 9, 13, 11, 6, 4, 8}; /* disc, square, triangle, diamond, then their outlines */
    return types[index % (sizeof types / sizeof *types)];
}

void sl_style_terminals(FILE *script, const char *name, double width, double height)
{
    /* Font sizes are points of 1/72 inch everywhere; fontscale turns them into the pixels of an SVG (96 an inch) and
     * of a PNG (150 an inch: sharp on a page, light in a repository). */
    const double inch = 2.54, svg = 96 / inch, png = 150 / inch;
    fprintf(script,
            "sizes = \"%.0f,%.0f %.3fcm,%.3fcm %.0f,%.0f\"\n"
            "options = \"'font \\\"sans-serif,%g\\\" fontscale %.4g' 'font \\\"Sans,%g\\\" fontscale 1' "
            "'font \\\"Sans,%g\\\" fontscale %.4g linewidth 2 pointscale 2 dashlength 0.6'\"\n"
            "part = exists('ARG1') ? ARG1 : ''  # sgdlab makes the pictures beside and renames them\n"
            "do for [i = 1:3] {\n"
            "kind = word('svg pdfcairo pngcairo', i)\n"
            "if (strstrt(GPVAL_TERMINALS, kind) == 0) { print kind.': this gnuplot cannot'; continue }\n"
            "eval 'set terminal '.kind.' size '.word(sizes, i).' enhanced background \"white\" '.word(options, i)\n"
            "set output '%s.'.word('svg pdf png', i).part\n",
            width * svg, height * svg, width, height, width * png, height * png, SL_FONT_TEXT, 96.0 / 72,
            SL_FONT_TEXT, SL_FONT_TEXT, 150.0 / 72, name);
}

void sl_style_defaults(FILE *script)
{
    fprintf(script, "set encoding utf8\n"
                    "set border 3 lc rgb '#606060'\n"
                    "set tics nomirror out scale 0.5 textcolor rgb '#303030'\n"
                    "set grid lc rgb '#dcdcdc' lw 0.8 dt 1\n"
                    "set errorbars 0.6\n"
                    "set pointintervalbox 0.01\n"
                    "set key Left reverse samplen 2 width 1 spacing 1.1 noenhanced\n"
                    "set samples 400\n");
    /* Viridis (Smith, van der Walt and Firing 2015): perceptually uniform, readable in grey and to the colour-blind. */
    fprintf(script, "set palette defined (0 '#440154', 1 '#472d7b', 2 '#3b528b', 3 '#2c728e', 4 '#21918c', "
                    "5 '#28ae80', 6 '#5ec962', 7 '#addc30', 8 '#fde725')\n");
}

double sl_style_width(double n, double points)
{
    return n * points * SL_CHARACTER_WIDTH;
}

size_t sl_style_characters(const char *text, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes && text[i]; i++) n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

/* The end of the line that starts at text: up to `columns` characters (UTF-8), broken at the last space or before
 * a newline. *next: where the following line starts. */
static const char *line_end(const char *text, size_t columns, const char **next)
{
    const char *space = NULL, *p = text;
    for (size_t n = 0; *p && *p != '\n'; p++) {
        if (((unsigned char)*p & 0xc0) == 0x80) continue; /* inside a character */
        if (n == columns) {
            const char *end = space ? space : p;
            *next = space ? space + 1 : p;
            return end;
        }
        if (*p == ' ' && p > text) space = p;
        n++;
    }
    *next = *p ? p + 1 : p;
    return p;
}

/* Single quotes switch off escapes and backquotes. gnuplot 5.4 loses count of doubled quotes inside a loop, so a
 * quote inside becomes the typographic apostrophe, and a backquote its mirror. Control characters become spaces. */
static void write_quoted(FILE *script, const char *text, const char *end)
{
    fputc('\'', script);
    for (; text < end; text++) {
        if (*text == '\'')
            fputs("\u2019", script);
        else if (*text == '`')
            fputs("\u2018", script);
        else
            fputc((unsigned char)*text < ' ' ? ' ' : *text, script);
    }
    fputc('\'', script);
}

size_t sl_style_text(FILE *script, const char *text, double width, double points)
{
    const double fit = width / sl_style_width(1, points);
    const size_t columns = fit > 8 ? (size_t)fit : 8;
    size_t lines = 0;
    do {
        const char *next;
        const char *end = line_end(text, columns, &next);
        if (script) {
            if (lines) fputs(".\"\\n\".", script);
            write_quoted(script, text, end);
        }
        text = next;
        lines++;
    } while (*text);
    return lines;
}
