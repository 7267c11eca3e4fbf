#!/usr/bin/env python3
"""Stationary law of discrete SGD on the double well, without sampling: the numbers in test_sgd.c.

x' = x - l alpha (x^3 - x + n), n ~ N(0, s2), alpha ~ U[1-Delta, 1+Delta]. The density is a Fourier series on [-L, L];
E[exp(-ikx') | x] is a Gaussian's characteristic function, averaged over alpha by Gauss-Legendre quadrature, so one
step of the chain is a matrix on Fourier coefficients, and its leading eigenvector is the law. Mass beyond L, where
the cubic force would throw iterates to infinity, is below 1e-12 for these parameters.
Usage: double_well_law.py l Delta T  (s2 = 2 T / (l q), q = 1 + Delta^2/3)
"""
import sys
import numpy as np

l, delta, T = map(float, sys.argv[1:4])
s2 = 2 * T / (l * (1 + delta**2 / 3))
L, K, N = 3.0, 512, 4096
x = -L + 2 * L * np.arange(N) / N
k = np.pi / L * np.arange(-K, K + 1)
drift = x**3 - x
node, weight = np.polynomial.legendre.leggauss(200 if delta > 0 else 1)
step = np.zeros((len(k), N), complex)
for a, w in zip(1 + delta * node, weight / 2):
    mean = x - l * a * drift
    step += w * np.exp(-0.5 * (k * l * a)[:, None] ** 2 * s2) * np.exp(-1j * np.outer(k, mean))
A = step @ np.exp(1j * np.outer(x, k)) / N
c = np.zeros(len(k), complex)
c[K] = 1
for _ in range(4000):
    c = A @ c
    c /= c[K]
p = (np.exp(1j * np.outer(x, k)) @ c).real
p /= p.sum()
print(f"l={l} Delta={delta} T={T} s2={s2!r} Ex2={float(p @ x**2)!r} Ef={float(p @ (x**2 - 1)**2 / 4)!r} "
      f"Ex4={float(p @ x**4)!r} min={p.min():.1e}")
