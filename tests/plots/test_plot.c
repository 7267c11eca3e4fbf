/* Figures: what the script says, what gnuplot makes of it, and what happens when it cannot. */
#include "tests/test.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plots/plot.h"

static char folder[64], *path_before;

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/sgdlab-plot-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    path_before = strdup(getenv("PATH"));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    setenv("PATH", path_before, 1);
    free(path_before);
    static const char *const names[] = {"a.dat", "fig.gp", "fig.svg", "fig.pdf", "fig.png"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder); /* fails if anything else was left, half-made pictures above all */
}

static void write_data(const char *rows)
{
    char path[128];
    snprintf(path, sizeof path, "%s/a.dat", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(rows, f);
    fclose(f);
}

static const char data[] = "0 1 0.1\n1 2 0.2\n2 4 0.4\n\n\n0 3 0.1\n1 2 0.1\n2 1 0.1\n";

static char *read_text(const char *name, size_t *size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    *size = 0;
    if (!f) return NULL;
    char *text = calloc(1, 1 << 20);
    *size = fread(text, 1, (1 << 20) - 1, f);
    fclose(f);
    return text;
}

static sl_curve curves[] = {
    {.kind = SL_CURVE_BAND, .title = "a", .dat = "a.dat", .x = "1", .y = "2", .error = "3", .colour = -1},
    {.kind = SL_CURVE_POINTS, .title = "b", .dat = "a.dat", .block = 1, .x = "1", .y = "(2*$2)", .error = "3", .colour = -1},
    {.kind = SL_CURVE_STEPS, .dat = "a.dat", .x = "1", .y = "2", .colour = 4, .dash = 1},
    {.kind = SL_CURVE_FUNCTION, .title = "x", .function = "x", .colour = 6},
};
static sl_curve bars[] = {
    {.kind = SL_CURVE_BARS, .title = "a", .dat = "a.dat", .x = "1", .y = "2", .error = "3", .labels = "one,two,three", .colour = -1},
    {.kind = SL_CURVE_BARS, .title = "b", .dat = "a.dat", .block = 1, .x = "1", .y = "2", .colour = -1},
};
static sl_panel panels[] = {
    {.title = "lines", .xlabel = "x", .ylabel = "y", .xmin = NAN, .xmax = NAN, .ymin = NAN, .ymax = NAN, .curves = curves, .n_curves = 4},
    {.title = "bars", .ylabel = "y", .logy = true, .xmin = NAN, .xmax = NAN, .ymin = 0.5, .ymax = 5, .key = "top left", .curves = bars, .n_curves = 2},
};

static sl_figure figure(void)
{
    return (sl_figure){.name = "fig", .title = "A figure", .caption = "first\nsecond", .rows = 1, .columns = 2,
                       .panels = panels, .n_panels = 2};
}

static void assert_begins(const char *name, const char *magic, size_t at_least)
{
    size_t size;
    char *text = read_text(name, &size);
    if (!text) fail_msg("%s is not there", name);
    const int same = memcmp(text, magic, strlen(magic));
    free(text);
    assert_int_equal(same, 0);
    assert_true(size >= at_least);
}

static void plot__makes_three_pictures(void **state)
{
    (void)state;
    write_data(data);
    const sl_figure f = figure();
    assert_ok(sl_plot(folder, &f, &err));
    assert_begins("fig.svg", "<?xml", 5000);
    assert_begins("fig.pdf", "%PDF", 5000);
    assert_begins("fig.png", "\x89PNG", 5000);
}

/* A density in the plane: 101 x 81 values from 1 down to 1e-17, with exact zeros in a corner. */
static void write_map_data(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/a.dat", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i <= 100; i++)
        for (int j = 0; j <= 80; j++) {
            const double x = -2 + 0.04 * i, v = -1.6 + 0.04 * j, w = x * x - 1;
            fprintf(f, "%.12g %.12g %.6g\n", x, v, i > 90 && j > 75 ? 0 : exp(-(v * v / 2 + w * w / 4 - 0.1 * x) / 0.1));
        }
    fclose(f);
}

static const sl_curve over_map = {.kind = SL_CURVE_FUNCTION, .title = "zero", .function = "0*x", .colour = 4};

static sl_figure map_figure(sl_panel *two, sl_curve *map, bool logvalue)
{
    map[0] = (sl_curve){.kind = SL_CURVE_MAP, .title = "density", .dat = "a.dat", .x = "1", .y = "2", .value = "3"};
    map[1] = over_map;
    if (logvalue) map[0].logvalue = true, map[0].vmin = 1e-6, map[0].vmax = 3;
    two[0] = (sl_panel){.title = "map", .xlabel = "x", .ylabel = "v", .xmin = NAN, .xmax = NAN, .ymin = NAN, .ymax = NAN,
                        .curves = map, .n_curves = 2};
    two[1] = two[0];
    two[1].curves = &over_map;
    two[1].n_curves = 1;
    return (sl_figure){.name = "fig", .title = "A map", .rows = 1, .columns = 2, .panels = two, .n_panels = 2};
}

/* The map is one image inside each picture instead of 8181 rectangles, so files stay small. On linear and logarithmic
 * scales, with a curve on it and a panel of curves beside. */
static void plot__draws_maps_as_images(void **state)
{
    (void)state;
    for (int log_scale = 0; log_scale < 2; log_scale++) {
        sl_panel two[2];
        sl_curve map[2];
        size_t size;
        write_map_data();
        const sl_figure f = map_figure(two, map, log_scale);
        assert_ok(sl_plot(folder, &f, &err));
        char *svg = read_text("fig.svg", &size);
        assert_non_null(svg);
        assert_non_null(strstr(svg, "<image"));
        assert_non_null(strstr(svg, ">density<"));
        assert_true(size < 100000);
        free(svg);
        char *script = read_text("fig.gp", &size);
        assert_true((strstr(script, "set logscale cb") != NULL) == log_scale);
        assert_non_null(strstr(script, log_scale ? "set cbrange [1e-06:3]" : "set cbrange [*:*]"));
        free(script);
        char *pdf = read_text("fig.pdf", &size);
        assert_true(pdf && size > 10000 && size < 100000);
        free(pdf);
        assert_begins("fig.png", "\x89PNG", 5000);
    }
}

static void plot__refuses_bad_maps(void **state)
{
    (void)state;
    sl_panel two[2];
    sl_curve map[2];
    const sl_figure f = map_figure(two, map, true);
    map[0].vmin = 0;
    assert_fails(sl_plot(folder, &f, &err), SL_E_USAGE, "positive on a log scale");
    map[0].vmin = NAN;
    assert_fails(sl_plot(folder, &f, &err), SL_E_USAGE, "colours of a.dat");
    map[0].vmin = 1e-6;
    map[0].value = NULL;
    assert_fails(sl_plot(folder, &f, &err), SL_E_USAGE, "column of values");
    map[0].value = "3";
    map[1] = map[0];
    assert_fails(sl_plot(folder, &f, &err), SL_E_USAGE, "2 maps");
}

/* A faint band is a fill with a title and nothing else: no line in its middle that could be taken for an estimate. */
static void plot__a_faint_band_has_no_line(void **state)
{
    (void)state;
    write_data(data);
    for (int faint = 0; faint < 2; faint++) {
        sl_curve band[] = {curves[0]};
        sl_panel panel = panels[0];
        band[0].faint = faint;
        panel.curves = band, panel.n_curves = 1;
        sl_figure f = figure();
        f.panels = &panel, f.n_panels = f.columns = 1;
        assert_ok(sl_plot(folder, &f, &err));
        size_t size;
        char *script = read_text("fig.gp", &size);
        assert_non_null(script);
        assert_non_null(strstr(script, "filledcurves"));
        assert_int_equal(strstr(script, "with lines") == NULL, faint);
        assert_non_null(strstr(script, " title "));
        free(script);
    }
}

static void plot__script_runs_by_itself(void **state)
{
    (void)state;
    write_data(data);
    const sl_figure f = figure();
    assert_ok(sl_plot_script(folder, &f, &err));
    char command[256];
    snprintf(command, sizeof command, "cd %s && gnuplot fig.gp", folder);
    assert_int_equal(system(command), 0);
    assert_begins("fig.png", "\x89PNG", 5000);
    assert_begins("fig.svg", "<?xml", 5000);
}

/* What is special to gnuplot must reach the picture as it is. The SVG keeps text as text; it escapes < and &. */
static void plot__text_is_plain(void **state)
{
    (void)state;
    write_data(data);
    sl_panel p = panels[0];
    p.title = "x_1^2 {/Bold y} @PATH \\alpha $HOME %d";
    p.xlabel = "it's `whoami` \"so\"";
    p.ylabel = "Δ λ";
    sl_figure f = figure();
    f.panels = &p;
    f.n_panels = 1;
    f.columns = 1;
    f.width = 16;
    assert_ok(sl_plot(folder, &f, &err));
    size_t size;
    char *svg = read_text("fig.svg", &size);
    assert_non_null(svg);
    const bool title = strstr(svg, "x_1^2 {/Bold y} @PATH \\alpha $HOME %d") != NULL;
    const bool quotes = strstr(svg, "it’s ‘whoami‘") != NULL, greek = strstr(svg, "Δ λ") != NULL;
    const bool caption = strstr(svg, "second") != NULL;
    free(svg);
    assert_true(title);
    assert_true(quotes);
    assert_true(greek);
    assert_true(caption);
}

static void plot__refuses_bad_names_and_empty_panels(void **state)
{
    (void)state;
    write_data(data);
    static const char *const names[] = {"", "../fig", "a/b", "-e", ".hidden", "a b", "a;b", NULL};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        sl_figure f = figure();
        f.name = names[i];
        assert_fails(sl_plot(folder, &f, &err), SL_E_NAME, "figure name");
    }
    sl_curve c = curves[0];
    sl_panel p = panels[0];
    p.curves = &c;
    p.n_curves = 1;
    sl_figure f = figure();
    f.panels = &p;
    f.n_panels = 1;
    c.dat = "../a.dat";
    assert_fails(sl_plot(folder, &f, &err), SL_E_NAME, "../a.dat");
    c = curves[0];
    c.y = "2 with lines; system 'x'";
    assert_fails(sl_plot(folder, &f, &err), SL_E_USAGE, "columns");
    c = curves[0];
    c.error = NULL;
    assert_fails(sl_plot(folder, &f, &err), SL_E_USAGE, "error column");
    p.n_curves = 0;
    assert_fails(sl_plot(folder, &f, &err), SL_E_USAGE, "no curves");
    f = figure();
    f.columns = 1;
    assert_fails(sl_plot(folder, &f, &err), SL_E_USAGE, "grid");
    size_t size;
    assert_null(read_text("fig.gp", &size));
}

static void plot__without_gnuplot_leaves_the_script(void **state)
{
    (void)state;
    write_data(data);
    const sl_figure f = figure();
    setenv("PATH", "/nonexistent", 1);
    assert_fails(sl_plot(folder, &f, &err), SL_E_UNAVAILABLE, "gnuplot");
    setenv("PATH", path_before, 1);
    assert_begins("fig.gp", "# fig:", 500);
}

static void plot__says_what_gnuplot_says(void **state)
{
    (void)state;
    write_data(data);
    sl_curve c = curves[3];
    c.function = "nosuchfunction(x)";
    sl_panel p = panels[0];
    p.curves = &c;
    p.n_curves = 1;
    sl_figure f = figure();
    f.panels = &p;
    f.n_panels = 1;
    assert_fails(sl_plot(folder, &f, &err), SL_E_NUMERIC, "nosuchfunction");
}

/* Where the disk is full gnuplot ends as if nothing were: a pretended one leaves half of each picture, then none. */
static void plot__pictures_that_are_cut_short_are_refused(void **state)
{
    (void)state;
    write_data(data);
    static const char *const bodies[] = {
        "printf '<?xml half' >fig.svg.part; printf '%%PDF half' >fig.pdf.part; printf 'PNG and some more' >fig.png.part",
        ": >fig.svg.part; : >fig.pdf.part; : >fig.png.part",
    };
    char bin[96], path[128], search[160];
    snprintf(bin, sizeof bin, "%s/bin", folder);
    snprintf(path, sizeof path, "%s/gnuplot", bin);
    snprintf(search, sizeof search, "%s:%s", bin, path_before);
    assert_int_equal(mkdir(bin, 0755), 0);
    const sl_figure f = figure();
    size_t size;
    for (size_t i = 0; i < 2; i++) {
        FILE *script = fopen(path, "w");
        assert_non_null(script);
        fprintf(script, "#!/bin/sh\n%s\n", bodies[i]);
        fclose(script);
        assert_int_equal(chmod(path, 0755), 0);
        setenv("PATH", search, 1);
        assert_fails(sl_plot(folder, &f, &err), SL_E_WRITE, "fig.svg' unfinished");
        assert_null(read_text("fig.svg", &size));
        assert_null(read_text("fig.png", &size));
    }
    unlink(path);
    rmdir(bin);
}

/* A limit on the size of files, which we ourselves ignore as a signal, ends gnuplot with a word. */
static void plot__says_why_gnuplot_was_killed(void **state)
{
    (void)state;
    write_data(data);
    struct rlimit old, small = {.rlim_cur = 6000};
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    const sl_figure f = figure();
    sl_err err = {0};
    const sl_status st = sl_plot(folder, &f, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, before);
    assert_int_equal(st, SL_E_NUMERIC);
    assert_non_null(strstr(err.message, strsignal(SIGXFSZ)));
}

static void plot__names_missing_data(void **state)
{
    (void)state;
    const sl_figure f = figure();
    assert_fails(sl_plot(folder, &f, &err), SL_E_FILE, "a.dat");
}

static void plot__says_where_it_cannot_write(void **state)
{
    (void)state;
    write_data(data);
    char below_a_file[128];
    snprintf(below_a_file, sizeof below_a_file, "%s/a.dat", folder);
    const sl_figure f = figure();
    assert_fails(sl_plot(below_a_file, &f, &err), SL_E_WRITE, "a.dat");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(plot__makes_three_pictures),
        TEST(plot__draws_maps_as_images),
        TEST(plot__refuses_bad_maps),
        TEST(plot__a_faint_band_has_no_line),
        TEST(plot__script_runs_by_itself),
        TEST(plot__text_is_plain),
        TEST(plot__refuses_bad_names_and_empty_panels),
        TEST(plot__without_gnuplot_leaves_the_script),
        TEST(plot__says_what_gnuplot_says),
        TEST(plot__pictures_that_are_cut_short_are_refused),
        TEST(plot__says_why_gnuplot_was_killed),
        TEST(plot__names_missing_data),
        TEST(plot__says_where_it_cannot_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
