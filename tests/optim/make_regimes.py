#!/usr/bin/python3
"""The regimes of optim/regime.h written again in NumPy, for test_regime.c. Writes fixtures/regimes.txt beside this
file:
blocks of a head line "<regime> <rule> <mu> <weight decay> <steps>" and a line a step, the rate and x[0..3] after the
update.

Loss of batch k: x'Hx/2 + n_k'x, H and n_k as below; an epoch is 8 batches."""
import itertools
import pathlib

import numpy as np

N, M, STEPS = 4, 8, 60
H = np.diag([1.0, 0.5, 0.2, 0.05]) + 0.05
X0 = np.array([1.0, -2.0, 0.5, 1.5])
i = np.arange(N)


def batch(k, w):
    n = 0.1 * np.sin(1.7 * k + i + 0.3 * i * k)
    return (lambda x: H @ x + n + w * x), (lambda x: x @ H @ x / 2 + n @ x + w / 2 * x @ x)


class Rule:
    def __init__(self, name, mu):
        self.name, self.mu, self.v = name, mu, np.zeros(N)

    def rate(self, gain, g, p=np.ones(N)):
        r = (1 - self.mu) * gain
        return r * np.sum(p * np.abs(g)) / np.sum(p) if self.name == "sign" else r

    def step(self, x, g, rate, v=None):
        v = self.v if v is None else v
        new = self.mu * v - g
        return x + rate * (np.sign(new) if self.name == "sign" else new), new


def probe(x, g):
    return x + 1e-3 * max(np.linalg.norm(x), 1) / np.linalg.norm(g) * g


def first(rule, s, y):
    return s @ s / (s @ y) if rule.name == "sign" else s @ y / (y @ y)


def previous(x, last, g):
    if last is None:
        return probe(x, g)
    d, least = np.linalg.norm(x - last), 1e-3 * max(np.linalg.norm(x), 1)
    return x + least / d * (last - x) if d < least else last


def curvature(rule, ss, sy, yy, long, least=None):
    between, cosine = np.sqrt(yy / ss), sy / np.sqrt(ss * yy)
    c = max(cosine, least or (np.sqrt(1 - rule.mu) if rule.name == "sign" else 0.7 if long else 0.3))
    return between * c if long or rule.name == "sign" else between / c


class Envelope:
    def __init__(self, smooth, growth=2.0):
        self.smooth, self.growth, self.c, self.gain = smooth, growth, None, None

    def __call__(self, now):
        self.c = now if self.c is None else max(now, self.smooth * self.c + (1 - self.smooth) * now)
        self.gain = 1 / self.c if self.gain is None else min(1 / self.c, self.growth * self.gain)
        return self.gain


def secant(rule, w, long=True, smooth=0.95, divide=None):
    x, last, gain = X0.copy(), None, Envelope(smooth)
    for k in range(STEPS):
        g, _ = batch(k, w)
        p = previous(x, last, g(x) - w * x)  # a probe goes along the gradient without decay
        s, y = x - p, g(x) - g(p)
        c = curvature(rule, s @ s, s @ y, y @ y, long, (0.01 if rule.name == "sign" else 0.3) if divide else None)
        r = rule.rate(1 / (divide * c) if divide else gain(c), g(x))
        last = x
        x, rule.v = rule.step(x, g(x), r)
        yield r, x


def sgd_bb(rule, w):
    x, averages, starts, logs, gain = X0.copy(), [], [], 0.0, None
    beta = min(1, 10 / M)
    for k in range(STEPS):
        g, _ = batch(k, w)
        e = k // M
        if k == 0:
            p = probe(x, g(x) - w * x)
            gain = first(rule, x - p, g(x) - g(p))
        if k % M == 0:
            if e >= 2:
                s, y = x - starts[-1], averages[-1] - averages[-2]
                own = min(s @ s / (M * abs(s @ y)), 10 * gain)
                logs += np.log(own * (e + 1))
                gain = np.exp(logs / (e - 1)) / (e + 1)
            averages.append(np.zeros(N))
            starts.append(x.copy())
        averages[-1] = beta * g(x) + (1 - beta) * averages[-1]
        r = rule.rate(gain, g(x))
        x, rule.v = rule.step(x, g(x), r)
        yield r, x


def diagonal(rule, w, memory=0.99, ratio=4.0):
    x, last, gain, a, b, mean = X0.copy(), None, Envelope(0.9), np.zeros(N), np.zeros(N), 0.0
    for k in range(STEPS):
        g, _ = batch(k, w)
        p = previous(x, last, g(x) - w * x)
        s, y = x - p, g(x) - g(p)
        beta = max(1 - memory, 1 / (k + 1))
        a += beta * (s * y / (s @ s) - a)
        b += beta * (s * s / (s @ s) - b)
        mean += beta * (max(s @ y, 0) / (s @ s) - mean)
        P = np.clip((b + 1 / N) / (np.abs(a) / mean + 1 / N), 1 / ratio, ratio)
        r = rule.rate(gain(curvature(rule, s @ (s / P), s @ y, y @ (P * y), False)), g(x), P)
        last = x
        new, rule.v = rule.step(x, g(x), r)
        x = x + P * (new - x)
        yield r, x


def balance(rule, w, pace=8.0, memory=24.0, level=0.9):
    x, last, gain, a, b = X0.copy(), None, None, 0.0, 0.0
    for k in range(STEPS):
        g, _ = batch(k, w)
        p = previous(x, last, g(x) - w * x)
        if k == 0:
            gain = first(rule, x - p, g(x) - g(p))
        else:
            s, y = x - last, g(x) - g(last)
            now_a, now_b = -s @ g(last) / gain, s @ y / gain**2
            beta = memory / (k + memory)
            a, b = (1 - beta) * a + beta * now_a, (1 - beta) * b + beta * now_b
            worth, taken = max(a, 0), level * gain * max(b, 0)
            z = (worth - taken) / (worth + taken) if worth + taken > 0 else 0
            if gain * now_b > 2 * abs(now_a) and now_b > 4 * b:
                z = -3
            gain *= np.exp(pace / (k + pace) * z)
        r = rule.rate(gain, g(x))
        last = x
        x, rule.v = rule.step(x, g(x), r)
        yield r, x


def auto(rule, w, episode=20, factor=1.5):
    x, gain, left, se2 = X0.copy(), None, None, None
    for k in range(STEPS):
        g, f = batch(k, w)
        place = k % episode
        if k == 0:
            p = probe(x, g(x) - w * x)
            gain = first(rule, x - p, g(x) - g(p))
        if place == 0:
            start, start_v = (x.copy(), x.copy()), rule.v.copy()
            xb, vb, mine, others = x.copy(), rule.v.copy(), [], []
        if place >= episode // 2:
            mine.append(f(x))
            others.append(f(xb))
        xb, vb = rule.step(xb, g(xb), rule.rate(factor * gain, g(xb)), vb)
        r = rule.rate(gain / factor, g(x))
        x, rule.v = rule.step(x, g(x), r)
        if place == episode - 1:
            bigger = np.mean(others) < np.mean(mine)
            best = others if bigger else mine
            here, here2 = np.mean(best), np.var(best) / len(best)
            if left is not None and here - left > 2 * np.sqrt(here2 + se2):
                x, rule.v, gain = start[0], start_v, gain / factor**2
            else:
                if bigger:
                    x, rule.v = xb, vb
                gain, left, se2 = gain * factor if bigger else gain / factor, here, here2
        yield r, x


def polyak(rule, w, fstar=-0.5, c=0.5, tau=2.0):
    x, gain = X0.copy(), None
    for k in range(STEPS):
        g, f = batch(k, w)
        G = g(x)
        wanted = max(f(x) - fstar, 0) / (c * (np.sum(np.abs(G)) ** 2 / N if rule.name == "sign" else G @ G))
        gain = wanted if gain is None else min(wanted, tau ** (1 / M) * gain)
        r = rule.rate(gain, G)
        x, rule.v = rule.step(x, G, r)
        yield r, x


REGIMES = {
    "secant-long": secant,
    "secant-short": lambda rule, w: secant(rule, w, long=False, smooth=0.9),
    "layer-wise": lambda rule, w: secant(rule, w, long=False, smooth=0.9),
    "random-bb": lambda rule, w: secant(rule, w, divide=np.sqrt(M)),
    "sgd-bb": sgd_bb,
    "diagonal": diagonal,
    "balance": balance,
    "auto": auto,
    "polyak:fstar=-0.5": polyak,
}

if __name__ == "__main__":
    with open(pathlib.Path(__file__).parent / "fixtures" / "regimes.txt", "w") as out:
        for name, regime in REGIMES.items():
            for rule, mu, w in ("plain", 0.0, 0.0), ("heavy-ball", 0.5, 0.02), ("sign", 0.3, 0.0):
                steps = 40 if regime is polyak else STEPS  # it overshoots to and fro, which magnifies rounding
                print(name, rule, mu, w, steps, file=out)
                for r, x in itertools.islice(regime(Rule(rule, mu), w), steps):
                    print(*(repr(float(v)) for v in (r, *x)), file=out)
