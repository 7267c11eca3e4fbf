#!/usr/bin/env python3
"""Numbers in test_transfer_line.c: the law of plain SGD on the double well with a random rate, killed at |x| > L.

x' = x - l alpha (f'(x) + n), n ~ N(0, s2), s2 = 2 T / (l q), q = 1 + Delta^2/3, alpha ~ U[1-Delta, 1+Delta]. The kernel
k(x'|x) is a Fourier series on a box of 4 L (its characteristic function averaged over alpha by 300 points), the
integral over x a Gauss-Legendre rule, the leading eigenvector found by inverse iteration.
"""
import numpy as np


def f(x):
    return (x * x - 1) ** 2 / 4


def law(l, delta, T, L, nodes=1600, modes=800):
    q = 1 + delta**2 / 3
    s2 = 2 * T / (l * q)
    k = np.pi / (2 * L) * np.arange(modes + 1)
    x, w = (L * a for a in np.polynomial.legendre.leggauss(nodes))
    step = np.zeros((modes + 1, nodes), complex)
    for a, weight in zip(*np.polynomial.legendre.leggauss(300)):
        r = l * (1 + delta * a)
        y = x - r * (x**3 - x)
        near = np.abs(y) < L + 9 * r * np.sqrt(s2)  # what lands farther would come back by the period of 4 L
        step += weight / 2 * np.exp(-(k * r)[:, None] ** 2 * s2 / 2) * np.exp(-1j * np.outer(k, np.where(near, y, 0))) * near
    step[1:] *= 2
    kernel = (np.exp(1j * np.outer(x, k)) @ step).real / (4 * L) * w
    inverse = np.linalg.inv(kernel - np.eye(nodes) * (1 + 1e-14))
    rho = np.exp(-f(x) / T)
    for _ in range(5):
        rho = inverse @ rho
        rho /= w @ rho
    boltzmann = np.exp(-f(x) / T)
    boltzmann /= w @ boltzmann
    kl = np.sum(np.where(rho > 0, w * rho * np.log(np.abs(rho) / boltzmann), 0))
    print(f"l={l} Delta={delta} T={T} L={L} x2={float(w @ (rho * x**2))!r} x4={float(w @ (rho * x**4))!r} "
          f"loss={float(w @ (rho * f(x)))!r} kl={float(kl)!r} lost={float(1 - w @ (kernel @ rho))!r}")


law(0.2, 1, 0.1, 3.0)
law(0.1, 0.5, 0.1, 3.0)
law(0.1, 1, 0.1, 3.0)


def passage(tilt, l, T, start, to, far=3.0, nodes=800):
    """Mean steps from start until beyond `to`, of (x^2 - 1)^2/4 + tilt x, with nothing beyond far on the other side."""
    s = l * np.sqrt(2 * T / l)
    a, b = (-far, to) if to > start else (to, far)
    t, w = np.polynomial.legendre.leggauss(nodes)
    x, w = (a + b) / 2 + (b - a) / 2 * t, (b - a) / 2 * w
    kernel = lambda y: np.exp(-(((x - y + l * (y**3 - y + tilt)) / s) ** 2) / 2) / (s * np.sqrt(2 * np.pi)) * w
    u = np.linalg.solve(np.eye(nodes) - np.array([kernel(y) for y in x]), np.ones(nodes))
    print(f"tilt={tilt} l={l} T={T} {start} -> {to}: {1 + kernel(start) @ u:.12g}")


passage(0, 0.4, 0.01, -1, -0.5)
passage(0, 0.4, 0.0125, -1, 0)
passage(0, 0.1, 0.005, -1, -0.7)
passage(0.3, 0.1, 0.01, 0.7, -1)
passage(0.3, 0.3, 0.006, 0.7, -1)
