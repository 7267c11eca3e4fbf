#!/usr/bin/env python3
"""Stationary laws of discrete dynamics on the double well, without sampling: numbers in test_sgd.c, test_langevin.c.

discrete_laws.py sgd l Delta T   x' = x - l alpha (f'(x) + n), n ~ N(0, s2), s2 = 2 T / (l q), q = 1 + Delta^2/3,
                                 alpha ~ U[1-Delta, 1+Delta]. With Delta = 0 this is Euler-Maruyama with h = l.
discrete_laws.py lm h T          x_n = z_n + s xi_n / 2, z_(n+1) = z_n + s xi_n - h f'(x_n), s = sqrt(2 T h): the
                                 scheme of Leimkuhler and Matthews written as a Markov chain in z.

The density is a Fourier series on [-L, L] and one step a matrix on its coefficients: E[exp(-ikx') | x] averaged over
alpha by Gauss-Legendre quadrature (n in closed form), or over xi by the trapezoidal rule. Its leading eigenvector is
the law. The mass beyond L, where the cubic force would throw iterates to infinity, is below 1e-12 for the
parameters in use ('min', the most negative density, tells).
"""
import sys
import numpy as np


def stationary(characteristic, k, x):
    """The density on the grid x from characteristic[k][x] = E[exp(-ikx') | x]."""
    matrix = characteristic @ np.exp(1j * np.outer(x, k)) / len(x)
    c = np.zeros(len(k), complex)
    zero = len(k) // 2
    c[zero] = 1
    for _ in range(4000):
        c = matrix @ c
        c /= c[zero]
    p = (np.exp(1j * np.outer(x, k)) @ c).real
    return p / p.sum()


def grid(L, K, N):
    return np.pi / L * np.arange(-K, K + 1), -L + 2 * L * np.arange(N) / N


def drift(x):
    return x**3 - x


def sgd(l, delta, T):
    s2 = 2 * T / (l * (1 + delta**2 / 3))
    k, x = grid(3.0, 512, 4096)
    step = np.zeros((len(k), len(x)), complex)
    for a, w in zip(*np.polynomial.legendre.leggauss(200 if delta > 0 else 1)):
        a = l * (1 + delta * a)
        step += w / 2 * np.exp(-0.5 * (k * a)[:, None] ** 2 * s2) * np.exp(-1j * np.outer(k, x - a * drift(x)))
    p = stationary(step, k, x)
    print(f"s2={s2!r} Ex2={float(p @ x**2)!r} Ef={float(p @ (x**2 - 1)**2 / 4)!r} Ex4={float(p @ x**4)!r} "
          f"min={p.min():.1e}")


def lm(h, T):
    s = np.sqrt(2 * T * h)
    k, z = grid(4.0, 160, 1024)
    step = np.zeros((len(k), len(z)), complex)
    xi = np.linspace(-8, 8, 601)
    weight = np.exp(-xi**2 / 2)
    for a, w in zip(xi, weight / weight.sum()):
        step += w * np.exp(-1j * np.outer(k, z + s * a - h * drift(z + s * a / 2)))
    p = stationary(step, k, z)
    print(f"Ex2={float(p @ z**2 + s**2 / 4)!r} min={p.min():.1e}")


{"sgd": sgd, "lm": lm}[sys.argv[1]](*map(float, sys.argv[2:]))
