/* A schedule from a file: l times a curve of straight lines (optim/rate_table.h). */
#include "optim/rate_table.h"
#include "optim/schedule_family.h"

enum { TABLE_FILE, TABLE_AGAINST, TABLE_COLUMN };
enum { AGAINST_U, AGAINST_EPOCH, AGAINST_STEP };
static const char *const against_words[] = {"u", "epoch", "step", NULL};
static const sl_param table_params[] = {
    [TABLE_FILE] = {.name = "file", .help = "a text of numbers: when, and the factor of l", .text = true},
    [TABLE_AGAINST] = {.name = "against", .help = "column 1: u, the part of the horizon, epochs, or steps",
                       .words = against_words, .def = AGAINST_U, .max = AGAINST_STEP},
    [TABLE_COLUMN] = {.name = "column", .help = "which column has the factor", .def = 2, .min = 2, .max = 1000,
                      .integer = true},
    SL_SCHEDULE_COMMON,
};

static double table_rate(const sl_schedule *s, double t)
{
    const double against = sl_schedule_param(s, TABLE_AGAINST);
    const double x = against == AGAINST_U       ? t / sl_schedule_horizon(s)
                     : against == AGAINST_EPOCH ? sl_schedule_epochs(s, t, true)
                                                : t;
    return s->lr * sl_rate_table_at(s->table, x);
}

static sl_status table_check(sl_schedule *s, sl_err *err)
{
    SL_TRY(sl_rate_table_read(&s->table, s->spec.text, (size_t)sl_schedule_param(s, TABLE_COLUMN), err));
    if (sl_schedule_param(s, TABLE_AGAINST) == AGAINST_U && sl_rate_table_last(s->table) > 1)
        return sl_fail(err, SL_E_CONFIG, "schedule 'table': '%s' goes to u = %g, need u <= 1; against=step or "
                       "against=epoch for times", s->spec.text, sl_rate_table_last(s->table));
    return SL_OK;
}

const sl_schedule_family sl_schedule_table = {
    .entry = {.name = "table", .help = "l times a curve from a file, straight between its rows", .source = "",
              SL_PARAMS(table_params)},
    .rate = table_rate,
    .check = table_check,
};
