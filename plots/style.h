/* plots/style.h - what all figures have in common: colours, fonts, sizes, terminals. Private to plots/. */
#ifndef SL_PLOTS_STYLE_H
#define SL_PLOTS_STYLE_H

#include <stddef.h>
#include <stdio.h>

#include "base/status.h"

enum { SL_PALETTE_SIZE = 8 };

/* Lengths in cm. */
#define SL_PANEL_WIDTH 10.0
#define SL_PANEL_HEIGHT 7.5
#define SL_LEFT 2.2   /* of a panel's box, for tic labels and the label of the axis */
#define SL_RIGHT 0.5
#define SL_BAR 0.35       /* width of a colour bar */
#define SL_BAR_RIGHT 2.6  /* right of a map: gap, bar, its tic labels and its label */
#define SL_MARGIN 0.3
#define SL_TITLE_LINE 0.6
#define SL_PANEL_LINE 0.5
#define SL_TEXT_LINE 0.45
#define SL_CAPTION_LINE 0.4

/* Font sizes in points, and the mean width of a character per point of size, in cm (DejaVu Sans, the widest of the
 * fonts that fontconfig is likely to choose: what fits in it fits in the others). */
#define SL_FONT_TITLE 10.0
#define SL_FONT_PANEL 9.0
#define SL_FONT_TEXT 8.0
#define SL_FONT_CAPTION 7.0
#define SL_CHARACTER_WIDTH 0.0255

/* "#0072B2"; index is taken modulo the palette's size. */
const char *sl_palette(size_t index);

/* gnuplot point types that differ in shape, modulo their number. */
int sl_point_type(size_t index);

/* The loop head of a script: for each terminal that this gnuplot has, set it and its output NAME.svg, .pdf, .png.
 * The loop's body follows, then "}". Width and height in cm. */
void sl_style_terminals(FILE *script, const char *name, double width, double height);

/* Axes, grid, fonts. */
void sl_style_defaults(FILE *script);

/* Writes text as one gnuplot string expression in which nothing is special, lines broken at spaces so that none is
 * wider than `width` cm at `points` (a longer word is cut). Returns the number of lines. A NULL script only counts. */
size_t sl_style_text(FILE *script, const char *text, double width, double points);

/* The width of n characters at `points`, in cm. */
double sl_style_width(double n, double points);

/* Characters (not bytes) in the first `bytes` of UTF-8 text. */
size_t sl_style_characters(const char *text, size_t bytes);

#endif
