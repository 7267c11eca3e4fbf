/* bench/robustness.c - the worst-slope experiment: nanoseconds an update where all slopes and rhos of a replica share
 * its normals, on one core; bench/peers_robustness.py does the same sweep in NumPy. */
#include <math.h>

#include "bench/bench.h"
#include "sim/convex/robustness.h"

enum { RHOS = 8, SLOPES = 19, PAIRS = RHOS * SLOPES, REPLICAS = 512, STEPS = 1024, TIMES = 5 };

int main(void)
{
    sl_err err = {0};
    sl_robustness r = {.D = 1, .sigma = 1, .slope_max = 1, .search_replicas = 64, .replicas = REPLICAS, .seed = 1,
                       .jobs = 1};
    bench_must(sl_schedule_init(&r.schedule, "linear", 0.05, 1, STEPS, &err), &err);
    double rho[PAIRS], slope[PAIRS], best = INFINITY;
    for (int i = 0; i < PAIRS; i++) rho[i] = exp2(i / SLOPES), slope[i] = pow(1.5, -(i % SLOPES));
    double *const samples = malloc(PAIRS * REPLICAS * sizeof *samples);
    if (!samples) return 4;
    for (int k = 0; k < TIMES; k++) {
        const double start = sl_clock();
        bench_must(sl_robustness_excess(samples, rho, slope, PAIRS, &r, &err), &err);
        best = fmin(best, sl_clock() - start);
    }
    printf("worst-slope-ns %.4f\n", 1e9 * best / ((double)PAIRS * REPLICAS * STEPS));
    free(samples);
    return 0;
}
