#!/usr/bin/env python3
"""The problems of bench/operators.c in NumPy and SciPy, as one would write them there: finite volumes of Chang and
Cooper's kind (exact for the stationary law, second order else) with sparse direct solves and eigsh by shift and invert;
for Klein-Kramers finite differences in x under Hermite functions in velocity, staggered (the central ones on one grid
of x and v have slow modes that are not there); a matrix of cells for the chain. One thread.

Each problem runs on the coarsest grid, found beforehand and typed in here, that meets the goal: the relative error of
its number against a reference (closed form, quadrature, or a much finer computation). Prints lines "NAME.seconds s" (of
the processor) and "NAME.error e", and "cost NAME WHO UNKNOWNS SECONDS ERROR" for coarser grids too. NAME.tuned is the
fastest way that SciPy has been found to have, which takes knowing the structure of the problem or its smoothness:
banded and tridiagonal solvers, spectral bases.
"""
import os
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
import scipy.linalg
import scipy.sparse as sp
import scipy.sparse.linalg as sla
from scipy.interpolate import RectBivariateSpline
from scipy.special import ndtr


def double_well(x):
    return (x * x - 1) ** 2 / 4


def saddle(x, y):
    return (x * x - y * y) / 2 + y ** 4 / 4


OU_X2 = 0.34 * np.exp(-2) + 0.1 * (1 - np.exp(-2))  # of plane.evolve


# ---- one dimension ----

def rates_1d(f, T, h):
    """Rates i -> i+1 and i+1 -> i of Chang and Cooper (Scharfetter and Gummel): T/h^2 B(+-df/T), B(z) = z/(e^z - 1)."""
    z = np.diff(f) / T
    up = T / h ** 2 * np.where(np.abs(z) < 1e-12, 1 - z / 2, z / np.where(z == 0, 1, np.expm1(z)))
    return up, up * np.exp(z)


def grid_1d(n, lo, hi):
    x = np.linspace(lo, hi, n)
    return x, x[1] - x[0]


def solve_line(band, b, sparse):
    if not sparse:
        return scipy.linalg.solve_banded((1, 1), band, b)
    n = len(b)
    return sla.spsolve(sp.spdiags(band, [1, 0, -1], n, n, format="csc"), b)


def line_stationary(n, sparse, T=0.1, lo=-2.6, hi=2.6):
    x, h = grid_1d(n, lo, hi)
    up, down = rates_1d(double_well(x), T, h)
    band = np.zeros((3, n))  # p' = A p; one equation gives way to normalisation
    band[1, :-1] -= up
    band[1, 1:] -= down
    band[0, 1:] = down
    band[2, :-1] = up
    band[1, n // 2], band[0, n // 2 + 1], band[2, n // 2 - 1] = 1, 0, 0
    b = np.zeros(n)
    b[n // 2] = 1
    p = solve_line(band, b, sparse)
    return (p @ x ** 2) / p.sum(), n


def line_mfpt(n, sparse, T=0.05, lo=-2.2, start=-1.0, end=1.0):
    # The start and the end fall on nodes; lo is moved to suit.
    h = (end - start) / n
    left = int(np.ceil((start - lo) / h))
    x = start + h * np.arange(-left, n + 1)
    up, down = rates_1d(double_well(x), T, h)
    m = len(x) - 1  # unknowns: all but the end
    band = np.zeros((3, m))
    band[1] = up
    band[1, 1:] += down[:-1]
    band[0, 1:] = -up[:-1]
    band[2, :-1] = -down[:m - 1]
    return solve_line(band, np.ones(m), sparse)[left], m


def line_spectrum(n, sparse, T=0.05, lo=-2.2, hi=2.2):
    x, h = grid_1d(n, lo, hi)
    up, down = rates_1d(double_well(x), T, h)
    d = np.zeros(n)
    d[:-1] -= up
    d[1:] -= down
    off = np.sqrt(up * down)

    if not sparse:
        return scipy.linalg.eigh_tridiagonal(d, off, eigvals_only=True, select="i", select_range=(n - 4, n - 1))[-2], n
    A = sp.diags([off, d, off], [-1, 0, 1], format="csc")
    return np.sort(sla.eigsh(A, 4, sigma=1e-6, which="LM", v0=np.ones(n), return_eigenvectors=False))[-2], n


# ---- two dimensions ----

def generator_2d(f, T, hx, hy):
    """The generator on the nodes of f, symmetrised: S = W^(1/2) L W^(-1/2), and the weights exp(-f/T)."""
    nx, ny = f.shape
    k = np.arange(nx * ny).reshape(nx, ny)
    rows, columns, values = [], [], []
    d = np.zeros(nx * ny)
    for a, b, df, h in ((k[:-1], k[1:], f[1:] - f[:-1], hx), (k[:, :-1], k[:, 1:], f[:, 1:] - f[:, :-1], hy)):
        z = df.ravel() / T
        up = T / h ** 2 * np.where(np.abs(z) < 1e-12, 1 - z / 2, z / np.where(z == 0, 1, np.expm1(z)))
        down = up * np.exp(z)
        a, b = a.ravel(), b.ravel()
        off = np.sqrt(up * down)
        rows += [a, b]
        columns += [b, a]
        values += [off, off]
        d[a] -= up
        d[b] -= down
    rows.append(k.ravel())
    columns.append(k.ravel())
    values.append(d)
    S = sp.csc_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), (nx * ny, nx * ny))
    return S, np.exp(-(f - f.min()) / (2 * T)).ravel()


def plane(n, T, lo=(-2.0, -2.1), hi=(2.0, 2.1), f=saddle):
    x, hx = grid_1d(n, lo[0], hi[0])
    y, hy = grid_1d(n, lo[1], hi[1])
    X, Y = np.meshgrid(x, y, indexing="ij")
    S, root = generator_2d(f(X, Y), T, hx, hy)
    return X, Y, S, root


def plane_spectrum(n, T=0.08):
    _, _, S, _ = plane(n, T)
    lu = sla.splu(S - 1e-4 * sp.identity(S.shape[0], format="csc"), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0,
                  options={"SymmetricMode": True})
    invert = sla.LinearOperator(S.shape, lu.solve)
    return np.sort(sla.eigsh(S, 4, sigma=1e-4, which="LM", OPinv=invert, return_eigenvectors=False))[-2], n * n


def cut_edges(X, Y, out, T, end, radius):
    """What the diagonal loses where an edge ends on the disc and not on the node within (Gibou's way, of order 2)."""
    more = np.zeros(X.shape)
    for axis, C in enumerate((X, Y)):
        h = C[1, 1] - C[0, 0]
        for side in (-1, 1):
            i, j = np.nonzero(out & ~np.roll(out, -side, axis))
            beside = i + side * (axis == 0), j + side * (axis == 1)
            x, y = X[i, j] - end[0], Y[i, j] - end[1]
            along, across = (x, y) if axis == 0 else (y, x)
            part = np.maximum((np.abs(along) - np.sqrt(radius ** 2 - across ** 2)) / h, 1e-6)
            here, way = saddle(X[i, j], Y[i, j]), side * part * h
            there = saddle(X[i, j] + way * (axis == 0), Y[i, j] + way * (axis == 1))
            rate = lambda df, part: T / (part * h ** 2) * np.divide(df / T, np.expm1(df / T))
            more[i, j] += rate(there - here, part) - rate(saddle(X[beside], Y[beside]) - here, 1)
    return more


def plane_mfpt(n, T=0.08, start=(0.0, -1.0), end=(0.0, 1.0), radius=0.3):
    X, Y, S, root = plane(n, T)
    out = np.hypot(X - end[0], Y - end[1]) > radius
    A = S[out.ravel()][:, out.ravel()] - sp.diags(cut_edges(X, Y, out, T, end, radius)[out])
    out = out.ravel()
    lu = sla.splu(A.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0, options={"SymmetricMode": True})
    tau = np.zeros(S.shape[0])
    tau[out] = lu.solve(-root[out]) / root[out]
    i, j = np.searchsorted(X[:, 0], start[0]), np.searchsorted(Y[0], start[1])
    near = np.s_[i - 4:i + 4, j - 4:j + 4]
    return RectBivariateSpline(X[near[0], 0], Y[0, near[1]], tau.reshape(X.shape)[near])(*start)[0, 0], n * n


def plane_evolve(n, steps, T=0.1, t=1.0, start=(0.5, -0.5), spread=0.3):
    f = lambda x, y: x * x / 2 + y * y / 4
    X, Y, S, root = plane(n, T, (-3.0, -3.6), (3.0, 3.6), f)
    p = np.exp(-((X - start[0]) ** 2 + (Y - start[1]) ** 2) / (2 * spread ** 2)).ravel() / root
    one = sp.identity(S.shape[0], format="csc")
    dt = t / steps  # Crank-Nicolson after two backward half steps for smoothness
    lu = sla.splu(one - dt / 2 * S, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0, options={"SymmetricMode": True})
    p = lu.solve(lu.solve(p))
    for _ in range(steps - 1):
        p = lu.solve(p + dt / 2 * (S @ p))
    p *= root
    return (p @ X.ravel() ** 2) / p.sum(), n * n


# ---- phase space ----

def slowest(A):
    """Sparse inverse iteration; A comes in an order in which it is a band."""
    lu = sla.splu(A - 1e-3 * sp.identity(A.shape[0], format="csc"), permc_spec="NATURAL")
    invert = sla.LinearOperator(A.shape, lu.solve)
    values = sla.eigs(A, 4, sigma=1e-3, OPinv=invert, v0=np.ones(A.shape[0]), return_eigenvectors=False)
    return np.sort(values.real)[-2]


def kramers_differences(nx, nv, g, T=0.1, half=2.8):
    """Hermite functions in v, even orders on the nodes of x and odd ones between them; differences fitted to exp(-f/2T)
    as Chang and Cooper's are: dc_n/dt = -n g c_n - sqrt(n) A c_{n-1} + sqrt(n+1) A^T c_{n+1}."""
    x, h = grid_1d(nx, -half, half)
    middle = (x[1:] + x[:-1]) / 2
    f, between, c = double_well(x), double_well(middle), np.sqrt(T) / h
    right, left = np.exp((f[1:] - between) / (2 * T)), np.exp((f[:-1] - between) / (2 * T))
    A = (sp.diags([-c * left, c * right], [0, 1], shape=(nx - 1, nx)),  # from even to odd, from odd to even
         sp.diags([c / left, -c / right], [0, -1], shape=(nx, nx - 1)))
    blocks = [[None] * nv for _ in range(nv)]
    for n in range(nv):
        blocks[n][n] = -g * n * sp.identity(nx - n % 2)
        if n + 1 < nv:
            blocks[n + 1][n] = -np.sqrt(n + 1) * A[n % 2]
            blocks[n][n + 1] = np.sqrt(n + 1) * A[n % 2].T
    place = np.concatenate([middle if n % 2 else x for n in range(nv)])
    order = np.argsort(place, kind="stable")
    return slowest(sp.bmat(blocks).tocsc()[order][:, order]), len(place)


def kramers_spectral(nx, nv, g, T=0.1, half=2.8):
    """The same hierarchy in the sinc basis of x."""
    x, h = grid_1d(nx, -half, half)
    i = np.arange(nx)
    step = i[:, None] - i[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        D = np.where(step == 0, 0, (-1.0) ** step / (step * h))
    slope = np.diag(x ** 3 - x) / (2 * T)
    lower, upper = np.sqrt(T) * (D + slope), np.sqrt(T) * (D - slope)
    n = np.arange(nv)
    A = (sp.kron(sp.diags(-g * n), sp.identity(nx)) + sp.kron(sp.diags(np.sqrt(n[1:]), -1), -lower) +
         sp.kron(sp.diags(np.sqrt(n[1:]), 1), -upper)).tocsc()
    return slowest(A), A.shape[0]


# ---- the chain ----

def stationary(P, x):
    """<x^2> of the law of a chain (mass beyond the ends is negligible): one equation goes to normalisation."""
    n = len(x)
    A = P - np.eye(n)
    A[n // 2] = 1
    b = np.zeros(n)
    b[n // 2] = 1
    p = np.linalg.solve(A, b)
    return (p @ x ** 2) / p.sum(), n


def chain_cells(n, l=0.2, s2=1.0, delta=0.0, nodes=1, half=3.0):
    """Probabilities of cells from the middles of cells, by the normal distribution function; Gauss and Legendre's rule
    over alpha."""
    x, h = grid_1d(n, -half, half)
    ends = np.append(x - h / 2, x[-1] + h / 2)
    a, w = np.polynomial.legendre.leggauss(nodes)
    P = np.zeros((n, n))
    for ai, wi in zip(1 + delta * a, w / 2):
        P += wi * np.diff(ndtr((ends[:, None] - (x - l * ai * (x ** 3 - x))) / (l * ai * np.sqrt(s2))), axis=0)
    return stationary(P, x)


def chain_nystrom(n, l=0.2, s2=1.0, half=3.0):
    """Equal weights, exact beyond all powers of h since the law vanishes at both ends and the kernel is smooth."""
    x, h = grid_1d(n, -half, half)
    z = (x[:, None] - (x - l * (x ** 3 - x))) / (l * np.sqrt(s2))
    return stationary(h / (l * np.sqrt(2 * np.pi * s2)) * np.exp(-z * z / 2), x)


ORDER_2, SPECTRAL = (1 / 8, 1 / 4, 1 / 2), (1 / 2, 3 / 4)  # coarser grids, of the one that meets the goal

# name: (reference, goal, {who: (way, its n, coarser grids)}); the first is the one that is compared
PROBLEMS = {
    "line.stationary": (0.87136290804204983, 1e-8, {
        "scipy": (lambda n: line_stationary(n, True), 36, SPECTRAL),
        "tuned": (lambda n: line_stationary(n, False), 36, SPECTRAL)}),
    "line.mfpt": (729.670691942322799, 1e-7, {
        "scipy": (lambda n: line_mfpt(n, True), 8000, ORDER_2),
        "tuned": (lambda n: line_mfpt(n, False), 8000, ORDER_2)}),
    "line.spectrum": (-0.0027761406365727267, 2e-7, {
        "scipy": (lambda n: line_spectrum(n, True), 12500, ORDER_2),
        "tuned": (lambda n: line_spectrum(n, False), 12500, ORDER_2)}),
    "plane.spectrum": (-0.017774181490594433, 1e-4, {"scipy": (plane_spectrum, 360, ORDER_2)}),
    "plane.mfpt": (117.3632035, 1e-4, {"scipy": (plane_mfpt, 370, ORDER_2)}),  # bench/operators.c's on 800 x 800
    "plane.evolve": (OU_X2, 3e-4, {"scipy": (lambda n: plane_evolve(n, max(4, n * 40 // 430)), 430, ORDER_2)}),
    "kramers.spectrum.g0.3": (-0.024354010339981882, 1e-6, {
        "scipy": (lambda n: kramers_differences(n, 40, 0.3), 2600, ORDER_2),
        "tuned": (lambda n: kramers_spectral(n, n, 0.3), 40, SPECTRAL)}),
    "kramers.spectrum.g3": (-0.010454351081794936, 1e-7, {
        "scipy": (lambda n: kramers_differences(n, 8, 3), 3700, ORDER_2),
        "tuned": (lambda n: kramers_spectral(n, 8, 3), 34, SPECTRAL)}),
    "chain.constant": (0.8436445428153574, 1e-8, {
        "scipy": (lambda n: chain_nystrom(n), 36, SPECTRAL)}),
    "chain.random": (0.83027174569555, 1e-5, {
        "scipy": (lambda n: chain_cells(n, s2=0.75, delta=1, nodes=n // 50, half=3.5), 1500, ORDER_2)}),
}


def measure(way, n, seconds):
    """Best of some repeats, and what came out."""
    best, spent = float("inf"), 0.0
    for _ in range(50):
        start = time.process_time()
        value, unknowns = way(n)
        last = time.process_time() - start
        best, spent = min(best, last), spent + last
        if spent > seconds:
            break
    return best, value, unknowns


def main():
    for name, (reference, goal, ways) in PROBLEMS.items():
        for who, (way, n, coarser) in ways.items():
            label = name if who == "scipy" else f"{name}.{who}"
            for part in (*coarser, 1):
                seconds, value, unknowns = measure(way, round(part * n), 1.0 if part == 1 else 0.3)
                error = abs(value / reference - 1)
                print(f"cost {name} {who} {unknowns} {seconds:.6g} {error:.3g}", flush=True)
            print(f"{label}.seconds {seconds:.6g}\n{label}.error {error:.3g}", flush=True)
            if error > goal:
                print(f"# {label} misses its goal of {goal:g}", flush=True)


if __name__ == "__main__":
    main()
