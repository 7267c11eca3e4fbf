#!/usr/bin/env python3
"""E s|x| after T projected steps x' = clip(x - c_t (s sign x + n)), n ~ N(0, 1), from |x| = D = 1, without sampling: the
law of |x|, a density on a grid and an atom at the wall, goes through one convolution a step. Grids are 4 to 8 cells
wide a step's deviation, and halved as the steps shrink; sums have end corrections (Euler and Maclaurin) of order 8. For
each schedule, rate and rho the worst slope, its excess, and the excess at another slope, as in test_robustness.c.

worst_slope.py T    instead: exponents over rho = 4, 16, 64, 256, and excess and slope at each (minutes at T = 4096).

Where the steps have become so short that the law has more than 30000 cells, as many are taken at once as make one of 4
cells."""
import sys
import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import bernoulli, ndtr

MOST = 30000  # cells
ENDS = 8  # points that an end corrects
_b = bernoulli(ENDS + 1)
_b[1] = -0.5
CORRECTION = np.linalg.solve(np.vander(np.arange(ENDS), increasing=True).T.astype(float),
                             _b[1:ENDS + 1] / np.arange(1, ENDS + 1))


def weights(n, dx):
    w = np.ones(n)
    w[:ENDS] += CORRECTION
    w[-ENDS:] += CORRECTION[::-1]
    return w * dx


def density(z):
    return np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)


def halved(p, dx, atom, sd):
    """The density on a grid twice as fine, without the part that has no mass."""
    above = np.cumsum((p * dx)[::-1])[::-1] + atom
    end = min(len(p) - 1, np.flatnonzero(above > 1e-17)[-1] + int(8 * sd / dx) + 4)
    fine = np.arange(2 * end + 1) * (dx / 2)
    return np.maximum(CubicSpline(np.arange(len(p)) * dx, p)(fine), 0), dx / 2


def excess(rate, s, fine=4):
    cells = max(int(np.ceil(2 * fine / rate[0])) + 1, 40)
    p, dx, atom = np.zeros(cells), 1 / (cells - 1), 1.0
    steps = iter(rate)
    for c in steps:
        pull = c * s
        while c < fine * dx and len(p) <= MOST:
            p, dx = halved(p, dx, atom, c)
        while c < fine * dx:
            more = next(steps, None)
            if more is None:  # all that is left is shorter than a few cells
                return s * (np.dot(p * weights(len(p), dx), np.arange(len(p)) * dx) + atom)
            c, pull = np.hypot(c, more), pull + more * s
        n = len(p)
        x, mass = np.arange(n) * dx, p * weights(n, dx)
        reach = int(np.ceil((9 * c + pull) / dx)) + 2
        kernel = density((np.arange(-reach, reach + 1) * dx + pull) / c) / c
        full = np.convolve(mass, kernel)
        p = full[reach:reach + n].copy()
        across = full[:reach + 1][::-1][:n]  # what goes through 0
        p[:len(across)] += across
        if abs(x[-1] - 1) < 1e-9:
            beyond = np.dot(mass, ndtr(-(1 - x + pull) / c) + ndtr((-1 - x + pull) / c))
            p += atom * (density((x - 1 + pull) / c) + density((x + 1 - pull) / c)) / c
            atom = beyond + atom * (ndtr(-pull / c) + ndtr((-2 + pull) / c))
        total = np.dot(p, weights(n, dx)) + atom
        assert abs(total - 1) < 1e-4
        p, atom = p / total, atom / total
    return s * (np.dot(p * weights(len(p), dx), np.arange(len(p)) * dx) + atom)


def worst(rate):
    """Over slopes up to 1: a grid in log s, then golden section."""
    grid = np.geomspace(0.1 / np.sqrt(len(rate)), 1, 16)
    best = int(np.argmax([excess(rate, s) for s in grid]))
    low, high = np.log(grid[max(best - 1, 0)]), np.log(grid[min(best + 1, 15)])
    for _ in range(12):
        a, b = high - 0.618 * (high - low), low + 0.618 * (high - low)
        if excess(rate, np.exp(a)) > excess(rate, np.exp(b)):
            high = b
        else:
            low = a
    s = np.exp((low + high) / 2)
    return (1.0, excess(rate, 1)) if excess(rate, 1) > excess(rate, s) else (s, excess(rate, s))


def near(rate, s):
    """The same as worst, from a guess: the parabola in log s through the highest of slopes a factor e^0.25 apart."""
    x = [np.log(s) + k for k in (-0.25, 0, 0.25)]
    y = [np.log(excess(rate, np.exp(v))) for v in x]
    while max(y) in (y[0], y[-1]):
        k = 0 if y[0] > y[-1] else len(x)
        x.insert(k, x[0] - 0.25 if k == 0 else x[-1] + 0.25)
        y.insert(k, np.log(excess(rate, np.exp(x[k]))))
    k = int(np.argmax(y))
    left, right = y[k] - y[k - 1], y[k] - y[k + 1]
    return np.exp(x[k] + 0.125 * (left - right) / (left + right)), np.exp(y[k] + (left - right)**2 / 8 / (left + right))


SHAPES = {'constant': lambda u: 1 + 0 * u, 'linear': lambda u: 1 - u, 'poly-2': lambda u: (1 - u)**2,
          'poly-3': lambda u: (1 - u)**3, 'cosine': lambda u: (1 + np.cos(np.pi * u)) / 2}


def rates(T, name):
    return SHAPES[name](np.arange(T) / T)


def exponents(T):
    rho = np.array([4, 16, 64, 256])
    for name, lr in ('linear', 1.52), ('poly-2', 2.1), ('poly-3', 2.6), ('cosine', 1.45):
        found, s = [], 2 / np.sqrt(T)
        for factor in rho:
            s, e = near(factor * lr / np.sqrt(T) * rates(T, name), s)
            found.append((s, e))
        slopes, excesses = np.array(found).T
        print('%-7s %.4f  excess %s  slope %s' % (name, np.polyfit(np.log(rho), np.log(excesses), 1)[0],
                                                  excesses.round(6), slopes.round(4)), flush=True)


if __name__ == '__main__':
    if len(sys.argv) > 1:
        sys.exit(exponents(int(sys.argv[1])))
    for name, T, lr in ('constant', 512, 0.03), ('linear', 512, 0.07), ('cosine', 64, 0.2):
        for rho in 1, 4:
            rate = rho * lr * rates(T, name)
            s, e = worst(rate)
            print('{"%s", %d, %g, %g, %.4f, %.6g, %.6g},' % (name, T, lr, rho, s, e, excess(rate, 0.3)), flush=True)
