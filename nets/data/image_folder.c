#include "nets/data/image_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/run.h"
#include "nets/seal.h"

static const size_t LARGEST_TEXT = (size_t)1 << 26;

static sl_status no_memory(const char *dir, sl_err *err)
{
    return sl_fail(err, SL_E_MEMORY, "%s: no memory for the list of its pictures", dir);
}

/* ---- classes ---- */

static int find_class(const sl_image_folder *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->name[i], name) == 0) return (int)i;
    return -1;
}

static sl_status add_class(sl_image_folder *f, char *name, const char *path, size_t line, sl_err *err)
{
    name[strcspn(name, " \t\r")] = 0;
    if (!*name) return SL_OK;
    if (strchr(name, '/') || name[0] == '.')
        return sl_fail(err, SL_E_FORMAT, "%s, line %zu: '%.60s', expected the name of a class", path, line, name);
    if (find_class(f, name) >= 0) return sl_fail(err, SL_E_FORMAT, "%s, line %zu: %.60s again", path, line, name);
    if (f->n == SL_FOLDER_CLASSES)
        return sl_fail(err, SL_E_FORMAT, "%s: more than %d classes", path, SL_FOLDER_CLASSES);
    f->name[f->n++] = name;
    return SL_OK;
}

static sl_status read_classes(sl_image_folder *f, const char *dir, sl_err *err)
{
    char path[1100];
    snprintf(path, sizeof path, "%s/wnids.txt", dir);
    SL_TRY(sl_read_file(&f->text, NULL, path, LARGEST_TEXT, err));
    size_t number = 0;
    for (char *next = f->text, *line; (line = strsep(&next, "\n"));) SL_TRY(add_class(f, line, path, ++number, err));
    return f->n >= 2
               ? SL_OK
               : sl_fail(err, SL_E_FORMAT, "%s: %zu classes, expected at least 2 (as published: 200)", path, f->n);
}

/* ---- pictures ---- */

/* Takes path, whose memory is the list's from now on (freed on failure). */
static sl_status add_file(sl_image_list *l, char *path, int label, const char *dir, sl_err *err)
{
    if (l->n == l->room) {
        const size_t room = l->room ? 2 * l->room : 1024;
        sl_image_file *const more = realloc(l->file, room * sizeof *more);
        if (!more) {
            free(path);
            return no_memory(dir, err);
        }
        l->file = more;
        l->room = room;
    }
    char whole[2200];
    struct stat s;
    snprintf(whole, sizeof whole, "%s/%s", dir, path);
    if (stat(whole, &s) != 0) {
        free(path);
        return sl_fail(err, SL_E_FILE, "%s: %s", whole, strerror(errno));
    }
    l->file[l->n++] =
        (sl_image_file){.path = path,
                        .label = (uint8_t)label,
                        .size = (uint64_t)s.st_size,
                        .changed = (uint64_t)s.st_mtim.tv_sec * 1000000000u + (uint64_t)s.st_mtim.tv_nsec};
    return SL_OK;
}

static char *joined(const char *a, const char *b, const char *c, const char *name)
{
    const size_t size = strlen(a) + strlen(b) + strlen(c) + strlen(name) + 1;
    char *const path = malloc(size);
    if (path) snprintf(path, size, "%s%s%s%s", a, b, c, name);
    return path;
}

/* Numbers in names grow with their length: x_2 comes before x_10. */
static int by_number(const void *a, const void *b)
{
    const char *const p = ((const sl_image_file *)a)->path, *const q = ((const sl_image_file *)b)->path;
    const size_t n = strlen(p), m = strlen(q);
    return n != m ? (n > m) - (n < m) : strcmp(p, q);
}

static sl_status list_class(sl_image_list *l, const char *dir, const char *class, int label, sl_err *err)
{
    char folder[1400];
    snprintf(folder, sizeof folder, "%s/train/%.255s/images", dir, class);
    DIR *const d = opendir(folder);
    if (!d) return sl_fail(err, SL_E_FILE, "%s: %s", folder, strerror(errno));
    const size_t before = l->n;
    sl_status st = SL_OK;
    for (struct dirent *e; st == SL_OK && (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        const char *const dot = strrchr(e->d_name, '.');
        if (!dot || (strcasecmp(dot, ".JPEG") != 0 && strcasecmp(dot, ".jpg") != 0)) {
            st = sl_fail(err, SL_E_FORMAT, "%s/%s: expected pictures in this folder, named *.JPEG", folder, e->d_name);
            break;
        }
        char *const path = joined("train/", class, "/images/", e->d_name);
        st = path ? add_file(l, path, label, dir, err) : no_memory(dir, err);
    }
    closedir(d);
    SL_TRY(st);
    if (l->n == before) return sl_fail(err, SL_E_FORMAT, "%s: no pictures", folder);
    qsort(l->file + before, l->n - before, sizeof *l->file, by_number);
    return SL_OK;
}

/* A folder in train/ that wnids.txt does not know would be left out without a word. */
static sl_status check_train(const sl_image_folder *f, const char *dir, sl_err *err)
{
    char folder[1100];
    snprintf(folder, sizeof folder, "%s/train", dir);
    DIR *const d = opendir(folder);
    if (!d) return sl_fail(err, SL_E_FILE, "%s: %s", folder, strerror(errno));
    sl_status st = SL_OK;
    for (struct dirent *e; st == SL_OK && (e = readdir(d));)
        if (e->d_name[0] != '.' && find_class(f, e->d_name) < 0)
            st = sl_fail(err, SL_E_FORMAT, "%s/%s: not one of the %zu classes of wnids.txt", folder, e->d_name, f->n);
    closedir(d);
    return st;
}

/* Pictures of all classes in turn: the k-th of each, for k = 0, 1, ... first[c]: where class c begins in the list. */
static sl_status deal(sl_image_list *l, const size_t *first, size_t classes, const char *dir, sl_err *err)
{
    sl_image_file *const dealt = malloc(l->n * sizeof *dealt);
    if (!dealt) return no_memory(dir, err);
    size_t n = 0;
    for (size_t k = 0; n < l->n; k++)
        for (size_t c = 0; c < classes; c++)
            if (first[c] + k < first[c + 1]) dealt[n++] = l->file[first[c] + k];
    free(l->file);
    l->file = dealt;
    l->room = n;
    return SL_OK;
}

static sl_status list_train(sl_image_folder *f, const char *dir, sl_err *err)
{
    size_t first[SL_FOLDER_CLASSES + 1] = {0};
    SL_TRY(check_train(f, dir, err));
    for (size_t c = 0; c < f->n; c++) {
        SL_TRY(list_class(&f->part[0], dir, f->name[c], (int)c, err));
        first[c + 1] = f->part[0].n;
    }
    return deal(&f->part[0], first, f->n, dir, err);
}

/* "val_0.JPEG <tab> n03444034 <tab> box": the first two count. */
static sl_status add_annotation(sl_image_folder *f, char *line, const char *dir, const char *path, size_t number,
                                sl_err *err)
{
    const char *const name = strsep(&line, " \t\r"), *const class = line ? strsep(&line, " \t\r") : NULL;
    if (!*name && !class) return SL_OK;
    if (!*name || !class || !*class || strchr(name, '/'))
        return sl_fail(err, SL_E_FORMAT, "%s, line %zu: expected the name of a picture and its class", path, number);
    const int label = find_class(f, class);
    if (label < 0)
        return sl_fail(err, SL_E_FORMAT, "%s, line %zu: '%.60s' is not one of the %zu classes of wnids.txt", path,
                       number, class, f->n);
    char *const file = joined("val/images/", "", "", name);
    if (!file) return no_memory(dir, err);
    const sl_status st = add_file(&f->part[1], file, label, dir, err);
    return st == SL_E_FILE ? sl_fail_in(err, st, "%s, line %zu", path, number) : st;
}

static sl_status list_test(sl_image_folder *f, const char *dir, sl_err *err)
{
    char path[1100], *text;
    snprintf(path, sizeof path, "%s/val/val_annotations.txt", dir);
    SL_TRY(sl_read_file(&text, NULL, path, LARGEST_TEXT, err));
    sl_status st = SL_OK;
    size_t number = 0;
    for (char *next = text, *line; st == SL_OK && (line = strsep(&next, "\n"));)
        st = add_annotation(f, line, dir, path, ++number, err);
    free(text);
    SL_TRY(st);
    return f->part[1].n > 0 ? SL_OK : sl_fail(err, SL_E_FORMAT, "%s: lists no pictures", path);
}

/* Names of classes are in the paths, their order in the labels. */
static uint64_t fingerprint(const sl_image_folder *f)
{
    uint64_t sum = f->n;
    for (int part = 0; part < 2; part++)
        for (size_t i = 0; i < f->part[part].n; i++) {
            const sl_image_file *const file = &f->part[part].file[i];
            const uint64_t facts[3] = {file->label, file->size, file->changed};
            sum = sl_checksum(file->path, strlen(file->path), sum);
            sum = sl_checksum(facts, sizeof facts, sum);
        }
    return sum;
}

sl_status sl_image_folder_list(sl_image_folder *f, const char *dir, sl_err *err)
{
    sl_image_folder r = {0};
    sl_status st = read_classes(&r, dir, err);
    if (st == SL_OK) st = list_train(&r, dir, err);
    if (st == SL_OK) st = list_test(&r, dir, err);
    if (st != SL_OK) {
        sl_image_folder_clear(&r);
        return st;
    }
    r.fingerprint = fingerprint(&r);
    *f = r;
    return SL_OK;
}

void sl_image_folder_clear(sl_image_folder *f)
{
    for (int part = 0; part < 2; part++) {
        for (size_t i = 0; i < f->part[part].n; i++) free(f->part[part].file[i].path);
        free(f->part[part].file);
    }
    free(f->text);
    *f = (sl_image_folder){0};
}
