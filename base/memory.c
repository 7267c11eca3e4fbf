#include "base/memory.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* The number behind a word that begins a line of a small file ("MemAvailable:  123 kB" -> 123), or the file's first
 * number where word is "". NAN if there is none, as for "max". */
static double number_in(const char *path, const char *word)
{
    FILE *const f = fopen(path, "r");
    double value = NAN;
    char line[512];
    const size_t n = strlen(word);
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, word, n) != 0) continue;
        const char *at = line + n;
        at += strspn(at, " :\t");
        if (isdigit((unsigned char)*at)) value = (double)strtoull(at, NULL, 10);
        break;
    }
    if (f) fclose(f);
    return value;
}

/* What one control group leaves, in a folder with those files. */
static double left_in_group(const char *folder, const char *limit, const char *usage, const char *cache)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", folder, limit) >= PATH_MAX) return INFINITY;
    const double most = number_in(path, "");
    if (isnan(most)) return INFINITY;
    snprintf(path, sizeof path, "%.4000s/%s", folder, usage);
    const double used = number_in(path, "");
    snprintf(path, sizeof path, "%.4000s/memory.stat", folder);
    const double droppable = number_in(path, cache);
    return fmax(0, most - (isnan(used) ? 0 : used) + (isnan(droppable) ? 0 : droppable));
}

/* The group at mount + path and all above it, whose limits hold as well. In a container the path may be that of the
 * host, and only the mount itself is there. */
static double left_in_groups(const char *mount, const char *path, int version)
{
    char folder[PATH_MAX];
    if (snprintf(folder, sizeof folder, "%s%s", mount, path) >= PATH_MAX) return INFINITY;
    const size_t top = strlen(mount);
    double left = INFINITY;
    for (;;) {
        left = fmin(left, version == 2 ? left_in_group(folder, "memory.max", "memory.current", "inactive_file ")
                                       : left_in_group(folder, "memory.limit_in_bytes", "memory.usage_in_bytes",
                                                       "total_inactive_file "));
        char *const slash = strrchr(folder, '/');
        if (strlen(folder) <= top || !slash) return left;
        *(slash < folder + top ? folder + top : slash) = '\0';
    }
}

/* /proc/self/cgroup has lines "0::/path" (version 2) and "4:memory:/path" (version 1). */
static double left_by_groups(const char *root)
{
    char name[PATH_MAX], mount[PATH_MAX], line[PATH_MAX];
    snprintf(name, sizeof name, "%s/proc/self/cgroup", root);
    FILE *const f = fopen(name, "r");
    double left = INFINITY;
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        char *const controllers = strchr(line, ':'), *const path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path) continue;
        *path = '\0';
        const int version = controllers[1] == '\0' ? 2 : 1;
        if (version == 1 && strcmp(controllers + 1, "memory") != 0) continue;
        snprintf(mount, sizeof mount, "%s/sys/fs/cgroup%s", root, version == 2 ? "" : "/memory");
        left = fmin(left, left_in_groups(mount, path + 1, version));
    }
    if (f) fclose(f);
    return left;
}

/* What ulimit -v leaves. */
static double left_by_limit(const char *root)
{
    struct rlimit limit;
    char name[PATH_MAX];
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return INFINITY;
    snprintf(name, sizeof name, "%s/proc/self/status", root);
    const double used = 1024 * number_in(name, "VmSize");
    return fmax(0, (double)limit.rlim_cur - (isnan(used) ? 0 : used));
}

double sl_memory_available(const char *root)
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s/proc/meminfo", root);
    const double system = 1024 * number_in(name, "MemAvailable");
    return fmin(fmin(isnan(system) ? INFINITY : system, left_by_groups(root)), left_by_limit(root));
}
