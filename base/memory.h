/* base/memory.h - how much memory this process may still take. */
#ifndef SL_BASE_MEMORY_H
#define SL_BASE_MEMORY_H

/* Bytes that can be allocated and written without swapping or being killed: the least of what the system has
 * (MemAvailable of /proc/meminfo), what the limits of this process's control groups leave (versions 1 and 2; page cache
 * that can be dropped does not count as used), and what `ulimit -v` leaves. INFINITY if none of them can be read.
 * root: where /proc and /sys are looked for: "", or a folder with copies of them (for tests). */
double sl_memory_available(const char *root);

#endif
