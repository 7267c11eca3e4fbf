/* tests/nets/temp.h - a temporary folder for a test program, and small files in it. */
#ifndef SL_TESTS_NETS_TEMP_H
#define SL_TESTS_NETS_TEMP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char temp_dir[64];

static int temp_setup(void **state)
{
    (void)state;
    snprintf(temp_dir, sizeof temp_dir, "/tmp/sgdlab-test-XXXXXX");
    return mkdtemp(temp_dir) ? 0 : -1;
}

static void temp_remove(const char *path)
{
    struct stat s;
    if (lstat(path, &s) != 0) return;
    if (S_ISDIR(s.st_mode)) {
        DIR *const d = opendir(path);
        for (struct dirent *e; d && (e = readdir(d));) {
            char child[1024];
            if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
            snprintf(child, sizeof child, "%s/%s", path, e->d_name);
            temp_remove(child);
        }
        if (d) closedir(d);
        rmdir(path);
    } else {
        unlink(path);
    }
}

static int temp_teardown(void **state)
{
    (void)state;
    temp_remove(temp_dir);
    return 0;
}

/* The path of that name in the folder; sixteen may be in use at a time. */
static const char *temp_path(const char *name)
{
    static char paths[16][512];
    static int next;
    char *const path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", temp_dir, name);
    return path;
}

__attribute__((unused)) static void temp_write(const char *path, const void *bytes, size_t n)
{
    FILE *const f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* The whole file, to be freed. */
__attribute__((unused)) static unsigned char *temp_read(const char *path, size_t *n)
{
    FILE *const f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    unsigned char *const bytes = malloc(*n + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *n, f), *n);
    fclose(f);
    return bytes;
}

__attribute__((unused)) static int temp_same(const char *a, const char *b)
{
    size_t n, m;
    unsigned char *const p = temp_read(a, &n), *const q = temp_read(b, &m);
    const int same = n == m && memcmp(p, q, n) == 0;
    free(p);
    free(q);
    return same;
}

#endif
