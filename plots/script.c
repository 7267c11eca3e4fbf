#include "plots/script.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/spec.h"
#include "plots/style.h"

/* A plain file name: nothing that could leave the folder, hide, or look like an option. */
static bool plain_name(const char *name)
{
    if (!name || !isalnum((unsigned char)name[0]) || strlen(name) > 128) return false;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("._-+", *p)) return false;
    return true;
}

/* Something that goes into the script as it is: expressions and options, which come from our own code. */
static bool plain_expression(const char *text)
{
    if (!text || !*text) return false;
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || strchr("`;#'\"{}", *p)) return false;
    return true;
}

static sl_status check_curve(const sl_figure *f, const sl_curve *c, sl_err *err)
{
    if (c->kind == SL_CURVE_FUNCTION) {
        if (plain_expression(c->function)) return SL_OK;
        return sl_fail(err, SL_E_USAGE, "figure '%s': a function curve needs an expression of x", f->name);
    }
    if (!plain_name(c->dat))
        return sl_fail(err, SL_E_NAME, "figure '%s': '%s' is not a plain file name for data", f->name,
                       c->dat ? c->dat : "(none)");
    if (!plain_expression(c->x) || !plain_expression(c->y) || (c->error && !plain_expression(c->error)))
        return sl_fail(err, SL_E_USAGE, "figure '%s': a curve of %s needs columns x and y", f->name, c->dat);
    if (c->kind == SL_CURVE_BAND && !c->error)
        return sl_fail(err, SL_E_USAGE, "figure '%s': a band of %s needs an error column", f->name, c->dat);
    if (c->kind == SL_CURVE_MAP && !plain_expression(c->value))
        return sl_fail(err, SL_E_USAGE, "figure '%s': a map of %s needs a column of values", f->name, c->dat);
    const bool automatic = c->vmin == 0 && c->vmax == 0;
    if (c->kind == SL_CURVE_MAP && (c->logvalue || !automatic) &&
        !(isfinite(c->vmin) && isfinite(c->vmax) && c->vmin < c->vmax && (c->vmin > 0 || !c->logvalue)))
        return sl_fail(err, SL_E_USAGE, "figure '%s': colours of %s from %g to %g, need finite vmin < vmax%s", f->name,
                       c->dat, c->vmin, c->vmax, c->logvalue ? ", positive on a log scale" : "");
    if (c->block < 0) return sl_fail(err, SL_E_USAGE, "figure '%s': block %d of %s", f->name, c->block, c->dat);
    return SL_OK;
}

sl_status sl_figure_check(const sl_figure *f, sl_err *err)
{
    if (!plain_name(f->name))
        return sl_fail(err, SL_E_NAME, "'%s' is not a figure name: letters, digits, '.', '_', '-' only",
                       f->name ? f->name : "(none)");
    if (f->n_panels == 0 || f->rows * f->columns < f->n_panels)
        return sl_fail(err, SL_E_USAGE, "figure '%s': %zu panels do not fit a grid of %zu x %zu", f->name, f->n_panels,
                       f->rows, f->columns);
    for (size_t i = 0; i < f->n_panels; i++) {
        const sl_panel *p = &f->panels[i];
        if (p->n_curves == 0) return sl_fail(err, SL_E_USAGE, "figure '%s': panel %zu has no curves", f->name, i);
        if (p->key && !plain_expression(p->key))
            return sl_fail(err, SL_E_USAGE, "figure '%s': key position '%s'", f->name, p->key);
        size_t maps = 0;
        for (size_t k = 0; k < p->n_curves; k++) {
            SL_TRY(check_curve(f, &p->curves[k], err));
            maps += p->curves[k].kind == SL_CURVE_MAP;
        }
        if (maps > 1)
            return sl_fail(err, SL_E_USAGE, "figure '%s': panel %zu has %zu maps, one covers the other", f->name, i,
                           maps);
    }
    return SL_OK;
}

/* "3" -> "$3", which is what stands for a column inside an expression. */
static void write_value(FILE *s, const char *expression)
{
    const bool number = strspn(expression, "0123456789") == strlen(expression);
    fprintf(s, number ? "$%s" : "(%s)", expression);
}

/* What has to be known of a panel before it can be placed. Lengths in cm. */
typedef struct {
    const char *labels;      /* of its categories, or NULL                                     */
    size_t categories;
    bool slanted;            /* the categories' names are too long to stand side by side       */
    bool lines_only;         /* nothing but lines, which may touch the frame                   */
    const sl_curve *map;     /* or NULL                                                        */
    double inside;           /* width of the frame                                             */
    bool key_below;          /* the legend stands under the panel, in its own rows             */
    size_t key_rows;
    double axis;             /* height of what belongs to the x axis: tic labels and its label */
    double top, bottom;      /* margins for the title; for the axis and the legend             */
} layout;

/* In characters of mean width; a legend of "momentum=0.5" would run off the page if m were like any other. */
static double length_of(const char *text)
{
    double length = 0;
    for (const char *p = text; *p; p++) {
        if (((unsigned char)*p & 0xc0) == 0x80) continue;
        length += strchr("mwMW%@=+<>~", *p) ? 1.5 : strchr("ijlftrI.,:;|!'()[] ", *p) ? 0.6 : 1;
    }
    return length;
}

static layout lay_out(const sl_panel *p, double width)
{
    layout l = {.lines_only = true};
    size_t titles = 0, longest_label = 0;
    double longest_title = 0;
    for (size_t k = 0; k < p->n_curves; k++) {
        const sl_curve *c = &p->curves[k];
        if (!l.labels) l.labels = c->labels;
        l.lines_only &= c->kind == SL_CURVE_LINE || c->kind == SL_CURVE_BAND || c->kind == SL_CURVE_FUNCTION;
        if (c->kind == SL_CURVE_MAP) l.map = c;
        if (!c->title || c->kind == SL_CURVE_MAP) continue;
        titles++;
        longest_title = fmax(longest_title, length_of(c->title));
    }
    for (const char *text = l.labels; text && *text;) {
        const size_t bytes = strcspn(text, ","), length = sl_style_characters(text, bytes);
        if (length > longest_label) longest_label = length;
        l.categories++;
        text += bytes + (text[bytes] == ',');
    }
    l.inside = width - SL_LEFT - (l.map ? SL_BAR_RIGHT : SL_RIGHT);
    const size_t title_lines = p->title ? sl_style_text(NULL, p->title, l.inside, SL_FONT_PANEL) : 0;
    l.top = 2 * SL_MARGIN + (double)title_lines * SL_PANEL_LINE;
    l.axis = SL_TEXT_LINE + SL_MARGIN + (p->xlabel ? SL_TEXT_LINE + SL_MARGIN : 0);
    if (l.categories && sl_style_width((double)longest_label + 1, SL_FONT_TEXT) * (double)l.categories > l.inside) {
        l.slanted = true; /* by 30 degrees: half of its length is height */
        l.axis += 0.5 * sl_style_width((double)longest_label, SL_FONT_TEXT);
    }
    l.key_below = titles > 0 && !p->key;
    if (l.key_below) {
        const double entry = sl_style_width(longest_title, SL_FONT_TEXT) + 1.2; /* the sample and the gap */
        const size_t columns = entry < l.inside + 1 ? (size_t)((l.inside + 1) / entry) : 1; /* may stick out a little */
        l.key_rows = (titles + columns - 1) / columns;
    }
    l.bottom = l.axis + (double)l.key_rows * SL_TEXT_LINE + SL_MARGIN;
    return l;
}

/* A text at the default size when points is 0. */
static void write_text(FILE *s, const char *before, const char *text, double width, double points)
{
    fputs(before, s);
    sl_style_text(s, text ? text : "", width, points > 0 ? points : SL_FONT_TEXT);
    fputs(" noenhanced", s);
    if (points > 0) fprintf(s, " font ',%g'", points);
    fputc('\n', s);
}

/* Categories stand at x = 0, 1, 2, ...; long names are slanted. */
static void write_categories(FILE *s, const layout *l)
{
    const size_t n = l->categories;
    const char *p = l->labels;
    fprintf(s, "set xrange [-0.6:%g]\n", (double)n - 0.4);
    fprintf(s, "set xtics noenhanced%s (", l->slanted ? " rotate by 30 right" : "");
    for (size_t i = 0; i < n; i++) {
        while (*p == ' ') p++;
        const size_t length = strcspn(p, ",");
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)length, p);
        if (i) fputs(", ", s);
        sl_style_text(s, name, 1e3, SL_FONT_TEXT);
        fprintf(s, " %zu", i);
        p += length + (p[length] == ',');
    }
    fputs(")\n", s);
}

static void write_range(FILE *s, const char *axis, double lo, double hi)
{
    char from[32] = "*", to[32] = "*";
    if (isfinite(lo)) sl_print_double(from, lo);
    if (isfinite(hi)) sl_print_double(to, hi);
    fprintf(s, "set %srange [%s:%s]\n", axis, from, to);
}

/* gnuplot's tics crowd in small panels. Where the range is known, the step is the smallest of 1, 2, 5 times a power of
 * ten that leaves at most so many intervals. */
static void write_tics(FILE *s, const char *axis, double lo, double hi, double most)
{
    if (!(hi > lo) || !isfinite(hi - lo)) return;
    const double rough = (hi - lo) / fmax(most, 1), decade = pow(10, floor(log10(rough)));
    double step = decade;
    for (int digit = 2; step < rough * (1 - 1e-9); digit = digit == 2 ? 5 : 10) step = digit * decade;
    char text[32];
    sl_print_double(text, step);
    fprintf(s, "set %stics %s\n", axis, text);
}

/* The place of a curve among those that stand side by side in one category: -0.5..0.5 of a category's width. */
static double dodge(const sl_panel *p, size_t index)
{
    size_t before = 0, all = 0;
    for (size_t k = 0; k < p->n_curves; k++) {
        const bool same = p->curves[k].kind == p->curves[index].kind;
        before += same && k < index;
        all += same;
    }
    return ((double)before + 0.5) / (double)all - 0.5;
}

/* How many point curves come before this one: shapes differ among points, whatever else is drawn. */
static size_t points_before(const sl_panel *p, size_t index)
{
    size_t n = 0;
    for (size_t k = 0; k < index; k++) n += p->curves[k].kind == SL_CURVE_POINTS;
    return n;
}

static size_t bars_in(const sl_panel *p)
{
    size_t n = 0;
    for (size_t k = 0; k < p->n_curves; k++) n += p->curves[k].kind == SL_CURVE_BARS;
    return n;
}

static void write_source(FILE *s, const sl_curve *c)
{
    fprintf(s, "'%s' index %d using ", c->dat, c->block);
}

static void write_x(FILE *s, const sl_curve *c, double shift)
{
    if (shift == 0) {
        fputs(c->x, s);
        return;
    }
    fputc('(', s);
    write_value(s, c->x);
    fprintf(s, "%+.4g)", shift);
}

static void write_title(FILE *s, const sl_curve *c)
{
    if (!c->title) {
        fputs(" notitle", s);
        return;
    }
    fputs(" title ", s);
    sl_style_text(s, c->title, 1e3, SL_FONT_TEXT);
    fputs(" noenhanced", s);
}

/* The filled part of a band. On a logarithmic axis an interval that reaches zero goes down one decade. */
static void write_band(FILE *s, const sl_panel *p, const sl_curve *c, const char *colour)
{
    write_source(s, c);
    fprintf(s, "%s:(", c->x);
    if (p->logy) {
        write_value(s, c->y), fputs(">", s), write_value(s, c->error), fputs("?", s);
        write_value(s, c->y), fputs("-", s), write_value(s, c->error), fputs(":0.1*", s), write_value(s, c->y);
    } else {
        write_value(s, c->y), fputs("-", s), write_value(s, c->error);
    }
    fputs("):(", s), write_value(s, c->y), fputs("+", s), write_value(s, c->error);
    fprintf(s, ") with filledcurves fc rgb '%s' fs transparent solid 0.25 noborder", colour);
    if (c->faint)
        write_title(s, c);
    else
        fputs(" notitle", s);
}

static void write_curve(FILE *s, const sl_panel *p, size_t k, bool categorical, double width)
{
    static const char *const dashes[] = {"1", "2", "'.'"};
    const sl_curve *c = &p->curves[k];
    const size_t hue = c->colour >= 0 ? (size_t)c->colour : k;
    const int dash = c->dash > 0 && c->dash < 3 ? c->dash : c->colour < 0 && k >= SL_PALETTE_SIZE;
    const char *colour = sl_palette(hue), *dt = dashes[dash];
    const size_t bars = bars_in(p);
    const double shift = !categorical ? 0 : dodge(p, k) * (c->kind == SL_CURVE_BARS ? 0.8 : 0.4);

    switch (c->kind) {
    case SL_CURVE_LINE:
    case SL_CURVE_BAND:
        write_source(s, c);
        fprintf(s, "%s:%s with lines lc rgb '%s' lw %s dt %s", c->x, c->y, c->faint ? "#a0a0a0" : colour,
                c->faint ? "0.6" : "1.6", dt);
        write_title(s, c);
        break;
    case SL_CURVE_POINTS:
        write_source(s, c);
        write_x(s, c, shift);
        fprintf(s, ":%s", c->y);
        if (c->error) fprintf(s, ":%s", c->error);
        fprintf(s, " with %s lc rgb '%s' lw 1.2 pt %d ps %.2g", c->error ? "yerrorbars" : "points", colour,
                sl_point_type(points_before(p, k)), width < SL_PANEL_WIDTH ? 0.4 : 0.7);
        write_title(s, c);
        break;
    case SL_CURVE_STEPS:
        write_source(s, c);
        fprintf(s, "%s:%s with histeps lc rgb '%s' lw 1.4 dt %s", c->x, c->y, colour, dt);
        write_title(s, c);
        if (c->error) {
            fputs(", \\\n     ", s);
            write_source(s, c);
            fprintf(s, "%s:%s:%s with yerrorbars lc rgb '%s' lw 1 pt 0 notitle", c->x, c->y, c->error, colour);
        }
        break;
    case SL_CURVE_BARS:
        write_source(s, c);
        write_x(s, c, shift);
        fprintf(s, ":%s:(%.4g) with boxes lc rgb '%s' fs solid 0.6 border", c->y,
                0.72 / (double)(categorical ? bars : 1), colour);
        write_title(s, c);
        if (c->error) {
            fputs(", \\\n     ", s);
            write_source(s, c);
            write_x(s, c, shift);
            fprintf(s, ":%s:%s with yerrorbars lc rgb '#303030' lw 1.2 pt 0 notitle", c->y, c->error);
        }
        break;
    case SL_CURVE_FUNCTION:
        fprintf(s, "%s with lines lc rgb '%s' lw 1.4 dt %s", c->function, colour, dt);
        write_title(s, c);
        break;
    case SL_CURVE_MAP: /* lies under all others: write_map */
        break;
    }
}

/* The image. gnuplot leaves holes where there is no logarithm: on a log scale values are lifted to the lowest. */
static void write_map(FILE *s, const sl_curve *c)
{
    write_source(s, c);
    fprintf(s, "%s:%s:", c->x, c->y);
    if (c->logvalue) {
        char least[32];
        sl_print_double(least, c->vmin);
        fputs("(", s), write_value(s, c->value), fprintf(s, ">%s?", least), write_value(s, c->value);
        fprintf(s, ":%s)", least);
    } else {
        fputs(c->value, s);
    }
    fputs(" with image notitle", s);
}

/* What belongs to the colours: their range, and the bar beside the frame with its label. */
static void write_colours(FILE *s, const sl_curve *map, double label_width)
{
    const bool automatic = map->vmin == 0 && map->vmax == 0;
    fputs("set autoscale fix\n", s);
    if (map->logvalue) fputs("set logscale cb\nset format cb '10^{%T}'\n", s);
    write_range(s, "cb", automatic ? NAN : map->vmin, automatic ? NAN : map->vmax);
    write_text(s, "set cblabel ", map->title, label_width, 0);
}

/* A logarithmic axis: powers of ten; but 1, 2 and 5 of each decade where both limits are given and less than two
 * decades apart. */
static void write_log(FILE *s, const char *axis, double lo, double hi)
{
    fprintf(s, "set logscale %s\n", axis);
    if (!(lo > 0 && hi > lo && hi < 100 * lo)) {
        fprintf(s, "set format %s '10^{%%T}'\n", axis);
        return;
    }
    const char *separator = "";
    fprintf(s, "set %stics (", axis);
    for (int decade = (int)floor(log10(lo)); decade <= (int)ceil(log10(hi)); decade++)
        for (int digit = 1; digit <= 5; digit += digit == 1 ? 1 : 3) {
            const double value = digit * pow(10, decade);
            if (value < lo * (1 - 1e-9) || value > hi * (1 + 1e-9)) continue;
            fprintf(s, "%s'%g' %g", separator, value, value);
            separator = ", ";
        }
    fputs(")\n", s);
}

static void write_panel(FILE *s, const sl_panel *p, const layout *l, double width, double height)
{
    fputs("unset logscale\nset tics enhanced norotate autofreq\nset format '%h'\n", s);
    fputs("set format y '%g'\nset autoscale\n", s); /* 8e-07: 8×10⁻⁷ would push the axis's label off the page */
    if (l->lines_only) fputs("set autoscale xfix\n", s);
    if (l->map) write_colours(s, l->map, height - l->top - l->bottom);
    write_text(s, "set title ", p->title, l->inside, SL_FONT_PANEL);
    write_text(s, "set xlabel ", p->xlabel, l->inside, 0);
    write_text(s, "set ylabel ", p->ylabel, height - l->top - l->bottom, 0);
    if (p->logx) write_log(s, "x", p->xmin, p->xmax);
    if (p->logy) write_log(s, "y", p->ymin, p->ymax);
    write_range(s, "x", p->xmin, p->xmax);
    write_range(s, "y", p->ymin, p->ymax);
    if (!p->logx) write_tics(s, "x", p->xmin, p->xmax, l->inside / 1.2);
    if (!p->logy) write_tics(s, "y", p->ymin, p->ymax, (height - l->top - l->bottom) / 0.6);
    if (l->labels) write_categories(s, l);
    if (l->key_below)
        fprintf(s, "set key center top vertical maxrows %zu\n", l->key_rows); /* write_place says where */
    else if (p->key && strcmp(p->key, "off") != 0)
        fprintf(s, "set key inside vertical maxrows auto %s\n", p->key);
    else
        fputs("unset key\n", s);

    const char *separator = "plot ";
    if (l->map) {
        fputs(separator, s);
        write_map(s, l->map);
        separator = ", \\\n     ";
    }
    for (size_t k = 0; k < p->n_curves; k++) {
        const sl_curve *c = &p->curves[k];
        if (c->kind != SL_CURVE_BAND) continue;
        fputs(separator, s);
        write_band(s, p, c, sl_palette(c->colour >= 0 ? (size_t)c->colour : k));
        separator = ", \\\n     ";
    }
    for (size_t k = 0; k < p->n_curves; k++) {
        if (p->curves[k].kind == SL_CURVE_MAP || (p->curves[k].kind == SL_CURVE_BAND && p->curves[k].faint)) continue;
        fputs(separator, s);
        write_curve(s, p, k, l->labels != NULL, width);
        separator = ", \\\n     ";
    }
    fputs("\n", s);
}

/* The place of a panel, as fractions of the page. */
static void write_place(FILE *s, const sl_figure *f, size_t i, const layout *l, double row_top, double box_height,
                        double width, double height)
{
    const size_t column = i % f->columns;
    const double columns = (double)f->columns, page = width * columns, left = width * (double)column;
    const double low = height - row_top - box_height;
    fprintf(s, "set origin %.4f,%.4f\nset size %.4f,%.4f\n", left / page, low / height, 1 / columns,
            box_height / height);
    fprintf(s, "set lmargin at screen %.4f\nset rmargin at screen %.4f\n", (left + SL_LEFT) / page,
            (left + SL_LEFT + l->inside) / page);
    fprintf(s, "set tmargin at screen %.4f\nset bmargin at screen %.4f\n", (height - row_top - l->top) / height,
            (low + l->bottom) / height);
    if (l->key_below)
        fprintf(s, "set key at screen %.4f, screen %.4f\n", (left + SL_LEFT + 0.5 * l->inside) / page,
                (low + l->bottom - l->axis) / height);
    if (l->map)
        fprintf(s, "set colorbox user origin screen %.4f, screen %.4f size screen %.4f, screen %.4f\n",
                (left + SL_LEFT + l->inside + SL_MARGIN) / page, (low + l->bottom) / height, SL_BAR / page,
                (box_height - l->top - l->bottom) / height);
}

void sl_figure_script(FILE *s, const sl_figure *f)
{
    const double pw = f->width > 0 ? f->width : SL_PANEL_WIDTH, ph = f->height > 0 ? f->height : SL_PANEL_HEIGHT;
    const double width = (double)f->columns * pw, text_width = width - 4 * SL_MARGIN;
    const bool title = f->title && *f->title, caption = f->caption && *f->caption;
    const size_t title_lines = title ? sl_style_text(NULL, f->title, text_width, SL_FONT_TITLE) : 0;
    const size_t caption_lines = caption ? sl_style_text(NULL, f->caption, text_width, SL_FONT_CAPTION) : 0;
    const double top = (double)title_lines * SL_TITLE_LINE + SL_MARGIN;
    const double bottom = (double)caption_lines * SL_CAPTION_LINE + SL_MARGIN;

    /* A panel's height is with one line of title, without legend and slanted names: what the neediest panel has more
     * of these is added to every row, so that all panels are alike. */
    double above = 0, below = 0;
    for (size_t i = 0; i < f->n_panels; i++) {
        const layout l = lay_out(&f->panels[i], pw);
        above = fmax(above, l.top);
        below = fmax(below, l.bottom);
    }
    const double box = ph + above - (2 * SL_MARGIN + SL_PANEL_LINE) + below - 2 * SL_TEXT_LINE - 3 * SL_MARGIN;
    const double height = top + (double)f->rows * box + bottom;

    fprintf(s, "# %s: makes %s.svg, .pdf and .png from the .dat files beside it. Run with: gnuplot %s.gp\n", f->name,
            f->name, f->name);
    sl_style_terminals(s, f->name, width, height);
    sl_style_defaults(s);
    fputs("set multiplot\n", s);
    if (title) {
        fputs("set label 1 ", s);
        sl_style_text(s, f->title, text_width, SL_FONT_TITLE);
        fprintf(s, " at screen 0.5, screen %.4f center noenhanced font ',%g'\n",
                1 - (SL_MARGIN + 0.5 * SL_TITLE_LINE) / height, SL_FONT_TITLE);
    }
    if (caption) {
        fputs("set label 2 ", s);
        sl_style_text(s, f->caption, text_width, SL_FONT_CAPTION);
        fprintf(s, " at screen %.4f, screen %.4f left noenhanced font ',%g'\n", 2 * SL_MARGIN / width,
                (bottom - 0.5 * SL_CAPTION_LINE) / height, SL_FONT_CAPTION);
    }
    for (size_t i = 0; i < f->n_panels; i++) {
        layout l = lay_out(&f->panels[i], pw);
        l.top = above;
        l.bottom = below;
        fputc('\n', s);
        write_place(s, f, i, &l, top + (double)(i / f->columns) * box, box, pw, height);
        write_panel(s, &f->panels[i], &l, pw, box);
        if (i == 0) fputs("unset label\n", s); /* the title and the caption are drawn once */
    }
    fputs("\nunset multiplot\nunset output\nreset\n}\n", s);
}
