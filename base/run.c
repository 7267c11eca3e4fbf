#define _GNU_SOURCE
#include "base/run.h"

#include <cblas.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gsl/gsl_version.h>
#include <H5public.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>
#ifdef SL_XSMM
#include <libxsmm.h>
#endif

#include "base/json.h"
#include "base/parallel.h"
#include "base/spec.h"

#define MANIFEST "manifest.json"

struct sl_run {
    char *dir;       /* NULL: a run without a folder                                          */
    int lock;        /* the folder itself, locked while we hold it; the kernel lets go of it  */
    cJSON *manifest;
    bool made, fresh; /* the folder was made by us; or at least it was no run's before        */
};

uint64_t sl_hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

/* ---- what the manifest says ---- */

static void add_time(cJSON *manifest, const char *key)
{
    char text[32];
    const time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    cJSON_DeleteItemFromObjectCaseSensitive(manifest, key);
    cJSON_AddStringToObject(manifest, key, text);
}

static void add_cpu(cJSON *manifest)
{
    char line[256], model[256] = "unknown";
    FILE *f = fopen("/proc/cpuinfo", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "model name : %255[^\n]", model) == 1) break;
    if (f) fclose(f);
    cJSON *cpu = cJSON_AddObjectToObject(manifest, "cpu");
    cJSON_AddStringToObject(cpu, "model", model);
    cJSON_AddNumberToObject(cpu, "cores", sl_cores());
}

static void add_libraries(cJSON *manifest)
{
    cJSON *l = cJSON_AddObjectToObject(manifest, "libraries");
    cJSON_AddStringToObject(l, "gsl", gsl_version);
    char hdf5[32];
    snprintf(hdf5, sizeof hdf5, "%d.%d.%d", H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE);
    cJSON_AddStringToObject(l, "hdf5", hdf5);
    cJSON_AddStringToObject(l, "openblas", openblas_get_config());
#ifdef SL_XSMM
    cJSON_AddStringToObject(l, "libxsmm", LIBXSMM_VERSION);
    cJSON_AddStringToObject(l, "libxsmm-kernels", libxsmm_get_target_arch());
#endif
    cJSON_AddStringToObject(l, "cjson", cJSON_Version());
    cJSON_AddStringToObject(l, "zlib", zlibVersion());
}

/* A JSON number holds 53 bits; a longer seed is written as text. */
static cJSON *seed_item(uint64_t seed)
{
    if (seed <= (uint64_t)1 << 53) return cJSON_CreateNumber((double)seed);
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    return cJSON_CreateString(text);
}

static cJSON *describe(const char *name, const cJSON *config, uint64_t seed, int argc, char *const *argv)
{
    cJSON *m = cJSON_CreateObject();
    cJSON_AddStringToObject(m, "program", "sgdlab");
    cJSON_AddStringToObject(m, "version", sl_version);
    cJSON_AddStringToObject(m, "build", sl_build_id);
    cJSON_AddStringToObject(m, "name", name);
    cJSON *command = cJSON_AddArrayToObject(m, "command");
    for (int i = 0; i < argc; i++) cJSON_AddItemToArray(command, cJSON_CreateString(argv[i]));
    cJSON_AddItemToObject(m, "seed", seed_item(seed));
    cJSON_AddItemToObject(m, "config", cJSON_Duplicate(config, true));
    add_cpu(m);
    add_libraries(m);
    add_time(m, "start");
    cJSON_AddStringToObject(m, "status", "running");
    return m;
}

static sl_status write_json(const cJSON *value, const char *path, sl_err *err)
{
    char *text = sl_json_print(value, true), *line = NULL;
    const int n = text ? asprintf(&line, "%s\n", text) : -1;
    free(text);
    if (n < 0) return sl_fail(err, SL_E_MEMORY, "no memory to write '%s'", path);
    const sl_status st = sl_write_file(path, line, (size_t)n, err);
    free(line);
    return st;
}

static sl_status write_manifest(const sl_run *run, sl_err *err)
{
    char path[PATH_MAX];
    SL_TRY(sl_run_path(run, path, sizeof path, MANIFEST, err));
    return write_json(run->manifest, path, err);
}

/* ---- a folder that is there already ---- */

static sl_status differs(const char *dir, const char *key, const cJSON *old, const cJSON *new, sl_err *err)
{
    char *a = old ? sl_json_print(old, false) : NULL, *b = new ? sl_json_print(new, false) : NULL;
    const sl_status st =
        sl_fail(err, SL_E_CONFIG, "'%s' holds another configuration: %s is %.150s there and %.150s here", dir, key,
                a ? a : "absent", b ? b : "absent");
    free(a);
    free(b);
    return st;
}

/* Walks both; the message names the first leaf that differs, as "outer.inner". */
static sl_status compare_config(const char *dir, const char *key, const cJSON *old, const cJSON *new, sl_err *err)
{
    if (!old || !new) return differs(dir, key, old, new, err);
    if (cJSON_IsObject(old) && cJSON_IsObject(new)) {
        for (int pass = 0; pass < 2; pass++)
            for (const cJSON *c = pass ? old->child : new->child; c; c = c->next) {
                char inner[256];
                snprintf(inner, sizeof inner, "%s%s%s", key, *key ? "." : "", c->string);
                const cJSON *o = cJSON_GetObjectItemCaseSensitive(old, c->string);
                const cJSON *n = cJSON_GetObjectItemCaseSensitive(new, c->string);
                SL_TRY(compare_config(dir, inner, o, n, err));
            }
        return SL_OK;
    }
    char *a = sl_json_print(old, false), *b = sl_json_print(new, false);
    const bool same = a && b && strcmp(a, b) == 0;
    free(a);
    free(b);
    return same ? SL_OK : differs(dir, key, old, new, err);
}

static sl_status read_manifest(cJSON **manifest, const char *path, sl_err *err)
{
    char *text;
    SL_TRY(sl_read_file(&text, NULL, path, (size_t)1 << 26, err));
    *manifest = cJSON_Parse(text);
    free(text);
    if (!*manifest) return sl_fail(err, SL_E_FORMAT, "'%s' is damaged: not JSON", path);
    return SL_OK;
}

/* Compares the manifest that is there with ours; keeps its start time. */
static sl_status join_folder(sl_run *run, bool *complete, const char *path, sl_err *err)
{
    cJSON *there;
    SL_TRY(read_manifest(&there, path, err));
    const cJSON *program = cJSON_GetObjectItemCaseSensitive(there, "program");
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(there, "config");
    sl_status st = SL_OK;
    if (!cJSON_IsString(program) || strcmp(program->valuestring, "sgdlab") != 0 || !cJSON_IsObject(config))
        st = sl_fail(err, SL_E_CONFIG, "'%s' was not written by sgdlab; choose another folder", path);
    if (st == SL_OK)
        st = compare_config(run->dir, "", config, cJSON_GetObjectItemCaseSensitive(run->manifest, "config"), err);
    if (st == SL_OK)
        st = compare_config(run->dir, "seed", cJSON_GetObjectItemCaseSensitive(there, "seed"),
                            cJSON_GetObjectItemCaseSensitive(run->manifest, "seed"), err);
    if (st == SL_OK) {
        const cJSON *status = cJSON_GetObjectItemCaseSensitive(there, "status");
        *complete = cJSON_IsString(status) && strcmp(status->valuestring, "complete") == 0;
        const cJSON *start = cJSON_GetObjectItemCaseSensitive(there, "start");
        if (cJSON_IsString(start)) {
            cJSON_ReplaceItemInObjectCaseSensitive(run->manifest, "start", cJSON_Duplicate(start, true));
            add_time(run->manifest, "resumed");
        }
    }
    cJSON_Delete(there);
    return st;
}

static bool is_leftover(const char *name)
{
    const size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".tmp") == 0;
}

/* Removes what a killed run was in the middle of writing; called under the lock. */
static void sweep(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d) return;
    for (const struct dirent *e; (e = readdir(d));)
        if (is_leftover(e->d_name)) unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
}

static sl_status refuse_foreign(const char *dir, sl_err *err)
{
    DIR *d = opendir(dir);
    if (!d) return sl_fail(err, SL_E_FILE, "cannot read the folder '%s': %s", dir, strerror(errno));
    sl_status st = SL_OK;
    for (const struct dirent *e; st == SL_OK && (e = readdir(d));) {
        const bool ours = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || is_leftover(e->d_name);
        if (!ours)
            st = sl_fail(err, SL_E_CONFIG, "'%s' holds '%s' but no %s: not a run's folder; choose another", dir,
                         e->d_name, MANIFEST);
    }
    closedir(d);
    return st;
}

/* ---- opening and closing ---- */

/* Names of files come from users' names: anything but [A-Za-z0-9._-] becomes '-', and a hash of the whole then
 * keeps two of them apart. */
static sl_status file_name(char *out, size_t size, const char *text, sl_err *err)
{
    enum { LONGEST = 100 };
    if (*text == '\0') return sl_fail(err, SL_E_USAGE, "a name for a file is empty");
    size_t n = 0;
    bool changed = text[0] == '.';
    for (; text[n] && n < LONGEST && n + 1 < size; n++) {
        const bool good = (isascii(text[n]) && isalnum((unsigned char)text[n])) || strchr("._-", text[n]);
        out[n] = good ? text[n] : '-';
        changed |= !good;
    }
    out[n] = '\0';
    if (out[0] == '.') out[0] = '-';
    if (changed || text[n]) snprintf(out + n, size - n, "-%016llx", (unsigned long long)sl_hash(text));
    return SL_OK;
}

static sl_status default_dir(char **dir, const char *name, const cJSON *config, sl_err *err)
{
    char safe[160];
    SL_TRY(file_name(safe, sizeof safe, name, err));
    char *text = sl_json_print(config, false);
    const int n = text ? asprintf(dir, "runs/%s-%016llx", safe, (unsigned long long)sl_hash(text)) : -1;
    free(text);
    return n < 0 ? sl_fail(err, SL_E_MEMORY, "no memory for the name of a folder") : SL_OK;
}

/* Two programs in one folder would sweep each other's unfinished files. File systems without locks go unlocked. */
static sl_status lock_folder(sl_run *run, sl_err *err)
{
    run->lock = open(run->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run->lock < 0) return sl_fail(err, SL_E_FILE, "cannot read the folder '%s': %s", run->dir, strerror(errno));
    if (flock(run->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return sl_fail(err, SL_E_WRITE, "another run is writing into '%s'", run->dir);
    return SL_OK;
}

sl_status sl_run_reopen(sl_run *run, sl_err *err)
{
    char path[PATH_MAX];
    sweep(run->dir);
    SL_TRY(sl_run_path(run, path, sizeof path, "jobs", err));
    sweep(path);
    return write_manifest(run, err);
}

static sl_status enter(sl_run *run, bool *complete, sl_err *err)
{
    run->made = access(run->dir, F_OK) != 0;
    SL_TRY(sl_make_dirs(run->dir, err));
    SL_TRY(lock_folder(run, err));
    char path[PATH_MAX];
    SL_TRY(sl_run_path(run, path, sizeof path, MANIFEST, err));
    run->fresh = access(path, F_OK) != 0;
    if (run->fresh) SL_TRY(refuse_foreign(run->dir, err));
    else SL_TRY(join_folder(run, complete, path, err));
    return *complete ? SL_OK : sl_run_reopen(run, err);
}

sl_status sl_run_open(sl_run **run, bool *complete, const char *dir, const char *name, const cJSON *config,
                      uint64_t seed, int argc, char *const *argv, sl_err *err)
{
    sl_run *r = calloc(1, sizeof *r);
    if (!r) return sl_fail(err, SL_E_MEMORY, "no memory for a run");
    r->lock = -1;
    sl_status st = SL_OK;
    bool finished = false;
    if (dir) r->dir = strdup(dir);
    else st = default_dir(&r->dir, name, config, err);
    if (st == SL_OK) r->manifest = describe(name, config, seed, argc, argv);
    if (st == SL_OK && (!r->dir || !r->manifest)) st = sl_fail(err, SL_E_MEMORY, "no memory for a run");
    if (st == SL_OK) st = enter(r, &finished, err);
    if (st != SL_OK) {
        sl_run_free(r);
        return st;
    }
    *run = r;
    *complete = finished;
    return SL_OK;
}

sl_run *sl_run_none(void)
{
    static sl_run none = {.lock = -1}; /* never written to */
    return &none;
}

sl_status sl_run_close(sl_run *run, const char *status, const cJSON *result, sl_err *err)
{
    static const char *const known[] = {"complete", "diverged", "interrupted", "failed"};
    bool found = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) found |= strcmp(status, known[i]) == 0;
    if (!found) return sl_fail(err, SL_E_USAGE, "a run cannot end as '%s'", status);
    if (!sl_run_saves(run)) return SL_OK;
    if (result) { /* first, so that a folder that says complete has it */
        char path[PATH_MAX];
        SL_TRY(sl_run_path(run, path, sizeof path, "result.json", err));
        SL_TRY(write_json(result, path, err));
    }
    cJSON_ReplaceItemInObjectCaseSensitive(run->manifest, "status", cJSON_CreateString(status));
    add_time(run->manifest, "end");
    return write_manifest(run, err);
}

void sl_run_discard(sl_run *run)
{
    char path[PATH_MAX];
    if (!sl_run_saves(run)) return;
    if (!run->fresh || sl_run_path(run, path, sizeof path, MANIFEST, NULL) != SL_OK) {
        (void)!sl_run_close(run, "failed", NULL, NULL);
        return;
    }
    unlink(path);
    if (run->made) rmdir(run->dir);
}

void sl_run_free(sl_run *run)
{
    if (!run || run == sl_run_none()) return;
    if (run->lock >= 0) close(run->lock);
    cJSON_Delete(run->manifest);
    free(run->dir);
    free(run);
}

bool sl_run_saves(const sl_run *run)
{
    return run->dir != NULL;
}

const char *sl_run_dir(const sl_run *run)
{
    return run->dir;
}

/* ---- files of a run ---- */

static bool stays_inside(const char *relative)
{
    if (*relative == '\0' || *relative == '/') return false;
    for (const char *part = relative; part; part = strchr(part, '/')) {
        if (*part == '/') part++;
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0')) return false;
    }
    return true;
}

sl_status sl_run_path(const sl_run *run, char *path, size_t size, const char *relative, sl_err *err)
{
    if (!sl_run_saves(run)) return sl_fail(err, SL_E_USAGE, "no path for '%s': this run has no folder", relative);
    if (!stays_inside(relative)) return sl_fail(err, SL_E_USAGE, "'%s' is not a path inside a run's folder", relative);
    const int n = snprintf(path, size, "%s/%s", run->dir, relative);
    if (n < 0 || (size_t)n >= size) return sl_fail(err, SL_E_USAGE, "the path '%.200s/%.200s' is too long", run->dir, relative);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    const sl_status st = sl_make_dirs(path, err);
    *slash = '/';
    return st;
}

sl_status sl_run_job(sl_run *run, sl_table **t, const char *key, sl_run_work work, void *ctx, sl_err *err)
{
    if (!sl_run_saves(run)) return work(ctx, t, err);
    char name[160], relative[192], path[PATH_MAX];
    SL_TRY(file_name(name, sizeof name, key, err));
    snprintf(relative, sizeof relative, "jobs/%s.dat", name);
    SL_TRY(sl_run_path(run, path, sizeof path, relative, err));
    if (access(path, F_OK) == 0) return sl_table_read(t, path, err);

    sl_table *made = NULL;
    sl_status st = work(ctx, &made, err);
    if (st == SL_OK) st = sl_table_write(made, path, err);
    if (st < 0) sl_table_free(made);
    else *t = made;
    return st;
}

sl_status sl_run_table(sl_run *run, const char *name, const sl_table *t, sl_err *err)
{
    if (!sl_run_saves(run)) return SL_OK;
    char path[PATH_MAX];
    SL_TRY(sl_run_path(run, path, sizeof path, name, err));
    return sl_table_write(t, path, err);
}
