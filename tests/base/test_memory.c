#define _GNU_SOURCE
#include "tests/test.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "tests/base/scratch.h"

/* A copy of one of the files under /proc and /sys that say what there is. */
static void put(const char *name, const char *text)
{
    char command[2 * PATH_MAX];
    snprintf(command, sizeof command, "mkdir -p $(dirname %s)", in_scratch(name));
    assert_int_equal(system(command), 0);
    put_text(in_scratch(name), text);
}

static void remove_all(void)
{
    char command[PATH_MAX];
    snprintf(command, sizeof command, "rm -rf %.500s/proc %.500s/sys", scratch, scratch);
    assert_int_equal(system(command), 0);
}

static void available__is_meminfo_s(void **state)
{
    (void)state;
    remove_all();
    put("proc/meminfo", "MemTotal:       24684092 kB\nMemFree:  17 kB\nMemAvailable:   1000 kB\nBuffers: 5 kB\n");
    assert_near(sl_memory_available(scratch), 1024000, 0);
}

static void available__is_unknown_where_nothing_says_it(void **state)
{
    (void)state;
    remove_all();
    assert_true(isinf(sl_memory_available(scratch)));
    put("proc/meminfo", "MemTotal: 5 kB\n");
    assert_true(isinf(sl_memory_available(scratch)));
    put("proc/self/cgroup", "nonsense\n0\n:\n::\n0::/gone\n4:memory:/gone\n");
    assert_true(isinf(sl_memory_available(scratch)));
}

/* The limits of a group and of those above it; page cache that can be dropped is no use. */
static void available__heeds_groups_of_version_2(void **state)
{
    (void)state;
    remove_all();
    put("proc/meminfo", "MemAvailable:   1000 kB\n");
    put("proc/self/cgroup", "0::/a/b\n");
    put("sys/fs/cgroup/a/b/memory.max", "max\n");
    put("sys/fs/cgroup/a/b/memory.current", "400000\n");
    assert_near(sl_memory_available(scratch), 1024000, 0);
    put("sys/fs/cgroup/a/b/memory.max", "500000\n");
    assert_near(sl_memory_available(scratch), 100000, 0);
    put("sys/fs/cgroup/a/b/memory.stat", "anon 5\nfile 70000\nactive_file 1\ninactive_file 30000\n");
    assert_near(sl_memory_available(scratch), 130000, 0);
    put("sys/fs/cgroup/a/memory.max", "600000\n");
    put("sys/fs/cgroup/a/memory.current", "590000\n");
    assert_near(sl_memory_available(scratch), 10000, 0);
    put("sys/fs/cgroup/memory.max", "600000\n"); /* a container's own root */
    put("sys/fs/cgroup/memory.current", "700000\n");
    assert_near(sl_memory_available(scratch), 0, 0);
}

static void available__heeds_groups_of_version_1(void **state)
{
    (void)state;
    remove_all();
    put("proc/meminfo", "MemAvailable:   1000 kB\n");
    put("proc/self/cgroup", "9:name=systemd:/\n4:memory:/host/path\n0::/\n");
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("sys/fs/cgroup/memory/memory.usage_in_bytes", "300000\n");
    assert_near(sl_memory_available(scratch), 1024000, 0);
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "500000\n");
    put("sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 20000\n");
    assert_near(sl_memory_available(scratch), 220000, 0);
}

/* In the real place: something, no more than the machine has, and no more than ulimit -v leaves. */
static void available__of_this_machine(void **state)
{
    (void)state;
    const double available = sl_memory_available("");
    assert_true(available > 1e6 && available < 1e16);
#if !defined __SANITIZE_ADDRESS__ /* which maps terabytes */
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    const struct rlimit some = {(rlim_t)1 << 30, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &some), 0);
    const double left = sl_memory_available("");
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    assert_true(left > 0 && left < 1 << 30);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(available__is_meminfo_s),
        cmocka_unit_test(available__is_unknown_where_nothing_says_it),
        cmocka_unit_test(available__heeds_groups_of_version_2),
        cmocka_unit_test(available__heeds_groups_of_version_1),
        cmocka_unit_test(available__of_this_machine),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
