#!/usr/bin/env python3
"""The worst-slope sweep of bench/robustness.c in NumPy, vectorised over replicas, slopes and rhos, which share their
normals; in place, so that nothing is allocated per step."""
import time
import numpy as np

RHOS, SLOPES, REPLICAS, STEPS = 8, 19, 512, 1024
rho = 2.0 ** np.repeat(np.arange(RHOS), SLOPES)[:, None]
slope = 1.5 ** -np.tile(np.arange(SLOPES), RHOS)[:, None].astype(float)


def sweep(rng):
    x, g = np.ones((RHOS * SLOPES, REPLICAS)), np.empty((RHOS * SLOPES, REPLICAS))
    for k in range(STEPS):
        eta = rho * (0.05 * (1 - k / STEPS))
        np.copysign(eta * slope, x, out=g)
        x -= g
        np.multiply(eta, rng.standard_normal(REPLICAS), out=g)
        x -= g
        np.clip(x, -1, 1, out=x)
    return (slope * np.abs(x)).mean(axis=1)


best = np.inf
for seed in range(2):
    start = time.perf_counter()
    sweep(np.random.default_rng(seed))
    best = min(best, time.perf_counter() - start)
print('numpy-ns %.4f' % (1e9 * best / (RHOS * SLOPES * REPLICAS * STEPS)))
