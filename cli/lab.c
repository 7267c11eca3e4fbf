#include "cli/lab.h"

sl_status sl_cli_lab(sl_lab *lab, const sl_cli *cli, sl_run *run, sl_progress *progress, sl_err *err)
{
    *lab = (sl_lab){
        .seed = sl_cli_integer(cli, "seed"),
        .jobs = (int)sl_cli_integer(cli, "jobs"),
        .data_dir = sl_cli_text(cli, "data-dir"),
        .run = run,
        .progress = sl_progress_show,
        .progress_ctx = progress,
    };
    return sl_scale_parse(&lab->scale, sl_cli_text(cli, "scale"), err);
}
