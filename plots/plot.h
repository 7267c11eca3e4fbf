/* plots/plot.h - from tables of numbers to gnuplot scripts and pictures, in one style.
 *
 * A figure is a grid of panels, a panel a list of curves, a curve two or three columns of a .dat file, and a map under
 * them where there is one. The script written runs by itself with plain gnuplot (`gnuplot NAME.gp` in its folder) and
 * makes NAME.svg, NAME.pdf and NAME.png; no number in it is typed by hand. Style: readable sans fonts, the Okabe-Ito
 * colour-blind-safe palette (viridis for maps), error bands (filled) or bars, light grid, legends that do not cover
 * data. Titles, labels and captions are plain UTF-8, in which nothing is special; long ones are broken into lines.
 * Columns, functions and key positions go into the script as they are and must hold no quotes, braces, semicolons or
 * backquotes. */
#ifndef SL_PLOTS_PLOT_H
#define SL_PLOTS_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

typedef enum {
    SL_CURVE_LINE,       /* y against x                                             */
    SL_CURVE_BAND,       /* line with a filled band y +- error                      */
    SL_CURVE_POINTS,     /* points with error bars (error column may be absent)     */
    SL_CURVE_STEPS,      /* histogram outline                                       */
    SL_CURVE_BARS,       /* boxes with error bars, x categorical if labels is given */
    SL_CURVE_FUNCTION,   /* a gnuplot expression of x, e.g. "x" for a line of slope 1 */
    SL_CURVE_MAP         /* values on a regular grid of x and y as colours, under all other curves; one a panel */
} sl_curve_kind;

typedef struct {
    sl_curve_kind kind;
    const char *title;      /* legend; NULL: none                                   */
    const char *dat;        /* file name relative to the script                     */
    int block;              /* gnuplot index of the block                           */
    const char *x, *y;      /* gnuplot column expressions: "1", "($3/$2)"           */
    const char *error;      /* half-width of band or bar; NULL: none                */
    const char *labels;     /* comma-separated category names for the x axis, which stand at x = 0, 1, 2, ...; bars
                               and points of several curves are put side by side */
    const char *function;   /* SL_CURVE_FUNCTION                                    */
    int colour;             /* 0 blue, 1 vermilion, 2 green, 3 purple, 4 orange, 5 sky blue, 6 black, 7 yellow;
                               -1: by position */
    int dash;               /* 0 solid, 1 dashed, 2 dotted                          */
    bool faint;             /* a line: thin and grey whatever its colour, for what lies under others, as contour lines;
                               a band: no line in its middle                         */
    /* SL_CURVE_MAP. The rows hold the grid line by line, either axis first; the title labels the colour bar. */
    const char *value;      /* what is coloured                                     */
    bool logvalue;          /* colours by powers of ten: needs a range              */
    double vmin, vmax;      /* range of colours, what is outside has the last one; both 0: automatic */
} sl_curve;

typedef struct {
    const char *title, *xlabel, *ylabel;
    bool logx, logy;
    double xmin, xmax, ymin, ymax;  /* NAN: automatic. A log axis with both limits given and less than two decades
                                       apart has tics at 1, 2 and 5; else at powers of ten              */
    const char *key;                /* NULL: legend under the panel, where it covers nothing; else a place inside,
                                       "top left" (for panels known to be empty there); "off"            */
    const sl_curve *curves;
    size_t n_curves;
} sl_panel;

typedef struct {
    const char *name;               /* file stem                                    */
    const char *title;
    const char *caption;            /* printed small under the panels: verdicts, conventions; may be NULL, may
                                       have several lines                           */
    size_t rows, columns;           /* of panels                                    */
    double width, height;           /* of one panel in cm; 0: 10 x 7.5              */
    const sl_panel *panels;
    size_t n_panels;
} sl_figure;

/* Writes dir/NAME.gp (atomically), then runs gnuplot in dir for svg, pdf and png. Returns SL_OK; SL_E_UNAVAILABLE if
 * gnuplot is not installed (script and data are there; the caller says one line and goes on); SL_E_NUMERIC with
 * gnuplot's own words if it failed; SL_E_FILE for a .dat that is not there; SL_E_NAME for a figure's or file's name
 * that is more than letters, digits and . _ - +; SL_E_USAGE for an empty panel or a bad expression; SL_E_WRITE, also for
 * a picture that was cut short by a full disk (it is removed). */
SL_CHECKED sl_status sl_plot(const char *dir, const sl_figure *figure, sl_err *err);

/* The script alone. */
SL_CHECKED sl_status sl_plot_script(const char *dir, const sl_figure *figure, sl_err *err);

#endif
