#!/usr/bin/env python3
"""Nanoseconds an update of the loop of bench/sgd.c in NumPy and PyTorch, one thread, at each one's best block size.

SGD with heavy ball on the double well: n ~ N(0, 1); v' = mu v - (x^3 - x + n); x' = x + l v'. All arrays are made
beforehand and every operation is in place; the noise comes from the fastest generator that each library has for it.
Prints lines "name ns". A library that is not installed is left out with a line on stderr.
"""
import sys
import time

L, MU = 0.01, 0.9
BLOCKS = (1024, 4096, 16384, 65536)
UPDATES = 2_000_000
REPEATS = 8


def numpy_loop(np, block):
    rng = np.random.Generator(np.random.SFC64(1))
    x, v, g, n = np.ones(block), np.zeros(block), np.empty(block), np.empty(block)

    def step():
        rng.standard_normal(out=n)
        np.multiply(x, x, out=g)
        g.__isub__(1)
        g.__imul__(x)
        g.__iadd__(n)
        v.__imul__(MU)
        v.__isub__(g)
        np.multiply(v, L, out=g)
        x.__iadd__(g)

    return step


def torch_loop(torch, block, dtype, drawn):
    """drawn: the type in which the noise is drawn, which PyTorch has vectorised in single precision only."""
    torch.manual_seed(1)
    x, v = torch.ones(block, dtype=dtype), torch.zeros(block, dtype=dtype)
    g, n = torch.empty(block, dtype=dtype), torch.empty(block, dtype=dtype)
    z = n if drawn == dtype else torch.empty(block, dtype=drawn)

    def step():
        z.normal_()
        if z is not n:
            n.copy_(z)
        torch.mul(x, x, out=g)
        g.sub_(1)
        n.addcmul_(g, x)  # the gradient with its noise
        v.mul_(MU).sub_(n)
        x.add_(v, alpha=L)

    return step


def best_ns(make):
    """The best over block sizes and repeats."""
    best = float("inf")
    for block in BLOCKS:
        step = make(block)
        steps = UPDATES // block
        for _ in range(steps // 10 + 1):
            step()
        for _ in range(REPEATS):
            start = time.perf_counter()
            for _ in range(steps):
                step()
            best = min(best, 1e9 * (time.perf_counter() - start) / (steps * block))
    return best


def main():
    try:
        import numpy as np
        print(f"numpy-float64 {best_ns(lambda block: numpy_loop(np, block)):.3f}", flush=True)
    except ImportError:
        print("NumPy is not installed", file=sys.stderr)
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed", file=sys.stderr)
        return
    torch.set_num_threads(1)
    with torch.no_grad():
        single, double = torch.float32, torch.float64
        for name, dtype, drawn in (("torch-float32", single, single), ("torch-float64", double, double),
                                   ("torch-float64-single-noise", double, single)):
            print(f"{name} {best_ns(lambda block: torch_loop(torch, block, dtype, drawn)):.3f}", flush=True)


main()
