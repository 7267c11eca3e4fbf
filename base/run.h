/* base/run.h - the folder that a run leaves behind.
 *
 *   manifest.json   command line, resolved configuration, seed, versions, CPU, start, end, status
 *   *.dat *.gp      numbers (base/table.h) and gnuplot scripts;  *.svg *.pdf *.png  pictures
 *   result.json     what --json prints
 *   jobs/KEY.dat    finished pieces of a long run, so that the same command resumes
 *   checkpoint.h5   unfinished training
 *
 * Every file is written beside and renamed, so that a kill at any moment leaves old or new, never half.
 * .dat files carry nothing that differs between identical runs (no times, no thread counts): byte-identical. */
#ifndef SL_BASE_RUN_H
#define SL_BASE_RUN_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/table.h"

extern const char sl_version[];   /* "0.1.0" */
extern const char sl_build_id[];  /* compiler, mode; for manifests */

typedef struct sl_run sl_run;

/* Opens (creating it with its parents) the folder `dir`, or default_dir "runs/<name>-<hash of config>" when dir is
 * NULL. config: the whole resolved configuration (borrowed); the hash is FNV-1a 64 of its unformatted print.
 * A folder that holds another configuration or seed is refused (SL_E_CONFIG naming the first key that differs),
 * and so is one that holds files but no manifest of ours.
 * A folder that is complete: *complete = true, nothing is written (the caller says so and may print result.json).
 * Otherwise the manifest is written with status "running", and *.tmp files that a killed run left are removed.
 * The folder stays locked until sl_run_free: a second run in it is refused.
 * Errors: SL_E_WRITE (read-only, full disk, not a folder, locked); SL_E_FORMAT (a damaged manifest). */
SL_CHECKED sl_status sl_run_open(sl_run **run, bool *complete, const char *dir, const char *name,
                                 const cJSON *config, uint64_t seed, int argc, char *const *argv, sl_err *err);

/* A complete folder that gets more to do after all: status "running" again, as if it had not been complete. */
SL_CHECKED sl_status sl_run_reopen(sl_run *run, sl_err *err);

/* A run without a folder: sl_run_job computes always, writes go nowhere. */
sl_run *sl_run_none(void);

/* Final status ("complete", "diverged", "interrupted", "failed") into the manifest, and result.json if result is
 * not NULL. Does not free. */
SL_CHECKED sl_status sl_run_close(sl_run *run, const char *status, const cJSON *result, sl_err *err);
void sl_run_free(sl_run *run);

/* Takes back the opening of a run that could not begin and has written nothing: what sl_run_open made goes. A folder that
 * was a run's before stays, closed as "failed". Does not free. */
void sl_run_discard(sl_run *run);

bool sl_run_saves(const sl_run *run);
const char *sl_run_dir(const sl_run *run);   /* NULL for sl_run_none */
/* dir/relative into path (creates subfolders). Errors: SL_E_WRITE; SL_E_USAGE if it does not fit or leads outside,
 * or if the run has no folder. */
SL_CHECKED sl_status sl_run_path(const sl_run *run, char *path, size_t size, const char *relative, sl_err *err);

/* A piece of work with a table as its result. If jobs/KEY.dat is there, reads it; else calls work and saves it.
 * Thread-safe for distinct keys. A key may be any text: characters that do not suit a file's name are replaced, and
 * a hash keeps the names apart. A file that is there but damaged is an error that names it. work sets *t where it
 * returns SL_OK or a positive status; only SL_OK is saved, so that a reservation is found again on the next run. */
typedef sl_status (*sl_run_work)(void *ctx, sl_table **t, sl_err *err);
SL_CHECKED sl_status sl_run_job(sl_run *run, sl_table **t, const char *key, sl_run_work work, void *ctx, sl_err *err);

/* The table into the folder under that name (nothing for sl_run_none). */
SL_CHECKED sl_status sl_run_table(sl_run *run, const char *name, const sl_table *t, sl_err *err);

/* Writes size bytes to path atomically, keeping an existing file until the new one is whole. The unfinished file is
 * PATH.<process>-<count>.tmp. SL_E_WRITE; what exists and is not a regular file (a device) is refused. */
SL_CHECKED sl_status sl_write_file(const char *path, const void *bytes, size_t size, sl_err *err);
/* The whole file, NUL-terminated, to be freed by the caller; size may be NULL: then it must be text, which has no NUL
 * inside. SL_E_FILE; SL_E_FORMAT above limit bytes or for what is not text. */
SL_CHECKED sl_status sl_read_file(char **text, size_t *size, const char *path, size_t limit, sl_err *err);
/* mkdir -p. */
SL_CHECKED sl_status sl_make_dirs(const char *path, sl_err *err);

uint64_t sl_hash(const char *text); /* FNV-1a, 64 bits */

#endif
