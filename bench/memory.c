/* bench/memory - peak memory of whole runs of the program, in MB: an ensemble of 10^7 replicas of a one-dimensional
 * loss, and training on MNIST where its files are found. Prints "name value" lines. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs `sgdlab arguments` quietly; its peak resident size in MB, or -1 if it failed. */
static double peak(const char *arguments)
{
    const char *const build = getenv("BUILD");
    char command[512];
    snprintf(command, sizeof command, "exec %s/sgdlab %s --no-save --quiet >/dev/null 2>&1",
             build ? build : "build/release", arguments);
    const pid_t child = fork();
    if (child < 0) return -1;
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    int status;
    struct rusage usage;
    if (wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) return -1;
    return (double)usage.ru_maxrss / 1024; /* Linux counts in kB */
}

static int report(const char *name, const char *arguments)
{
    const double mb = peak(arguments);
    if (mb < 0) {
        printf("# %s: failed: sgdlab %s\n", name, arguments);
        return 1;
    }
    printf("%s %.0f\n", name, mb);
    return 0;
}

int main(void)
{
    int failed = report("memory.ensemble_megabytes", "simulate --loss double-well --lr 0.05 --noise-variance 1 "
                                                     "--steps 10 --replicas 10000000");
    if (peak("train --model mlp --data mnist --steps 1") < 0)
        printf("# memory.mnist_megabytes: no MNIST here (set SGDLAB_DATA)\n");
    else
        failed |= report("memory.mnist_megabytes", "train --model mlp --data mnist --epochs 1");
    return failed;
}
