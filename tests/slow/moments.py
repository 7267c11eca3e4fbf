#!/usr/bin/env python3
"""`sgdlab simulate` against exact second moments on f = a x^2/2: three rules, 17 settings, one of them unstable.

usage: moments.py SGDLAB [REPLICAS]      exit 1 if a moment is off by more than 3 standard errors, if a standard error
exceeds 0.3 %, or if an unstable setting gets a number. Minutes, so not part of `make check`.

The closed forms are typed in here, from the solution of the moment equations in exact arithmetic, and share nothing
with the program. q = E alpha^2, v with the sign of the motion.
"""
import json, subprocess, sys


def heavy_ball_gradient(l, a, mu, q, s2):
    v2 = q * s2 / ((1 - mu * mu) + mu * a * l - q * a * l * (1 + mu) / 2)
    return l * (1 + mu) * v2 / (2 * a), l * v2 / 2, v2


def heavy_ball_step(l, a, mu, q, s2):
    d = a * l * mu * q - 2 * a * l * mu + a * l * q + 2 * mu**2 - 2
    return l * s2 * (mu * q - 2 * mu - q) / (a * d), l * s2 * (q - 2) / d, -2 * s2 / d


def nesterov_step(l, a, mu, q, s2):
    d = (2 * a**2 * l**2 * mu**2 * q + a**2 * l**2 * mu * q - 4 * a * l * mu**2 + a * l * mu * q - 2 * a * l * mu
         + a * l * q + 2 * mu**2 - 2)
    x2 = -l * s2 * (2 * a * l * mu**2 * q + a * l * mu * q + 2 * mu**4 * q - 2 * mu**4 - 2 * mu**3 * q + 2 * mu**3
                    - 2 * mu**2 * q + 2 * mu**2 + mu * q + q) / (a * d)
    xv = l * s2 * (2 * mu**3 * q - 2 * mu**3 - 2 * mu * q + 4 * mu - q + 2) / d
    v2 = -2 * s2 * (a * l * mu**2 * q - a * l * mu**2 + a * l * mu * q - a * l * mu + 1) / d
    return x2, -xv, v2  # PyTorch's buffer points the other way


HB, NAG = 'heavy-ball', 'nesterov'
FORM = {(HB, 'gradient'): heavy_ball_gradient, (HB, 'step'): heavy_ball_step, (NAG, 'step'): nesterov_step}
SETTINGS = [  # rule, placement of alpha, l, a, mu, Delta, D0, C
    (HB, 'gradient', 0.001, 1, 0, 0, 1, 1), (HB, 'gradient', 0.5, 1, 0, 0, 1, 1),
    (HB, 'gradient', 0.1, 1, 0, 1, 1, 4), (HB, 'gradient', 0.1, 1, 0.5, 0.5, 1, 1),
    (HB, 'gradient', 0.05, 1, 0.9, 0, 4, 16), (HB, 'gradient', 0.05, 1, 0.9, 1, 1, 1),
    (HB, 'gradient', 0.01, 1, 0.99, 0, 1, 1), (HB, 'gradient', 0.01, 1, 0.99, 0.5, 1, 1),
    (HB, 'gradient', 0.25, 2, 0.5, 1, 1, 1), (HB, 'step', 0.1, 1, 0.5, 1, 1, 1),
    (HB, 'step', 0.05, 1, 0.9, 0.5, 2, 8), (HB, 'step', 0.01, 1, 0.99, 1, 1, 1),
    (HB, 'step', 0.5, 1, 0.5, 0, 1, 1), (NAG, 'step', 0.1, 1, 0.5, 0, 1, 1),
    (NAG, 'step', 0.05, 1, 0.9, 1, 1, 1), (NAG, 'step', 0.01, 1, 0.99, 0.5, 1, 1),
    (HB, 'gradient', 0.1, 1, 0.99, 1, 1, 1),
]


def main():
    sgdlab, replicas = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else '65536'
    bad, worst_z, worst_se = 0, 0.0, 0.0
    for rule, on, l, a, mu, delta, d0, c in SETTINGS:
        q = 1 + delta**2 / 3
        out = subprocess.run(
            [sgdlab, 'simulate', '--loss', f'quadratic:a={a}', '--rule', rule, '--alpha-on', on, '--lr', str(l),
             '--momentum', str(mu), '--schedule', f'random:delta={delta}' if delta else 'constant', '--batch', str(c),
             '--noise-variance', str(d0), '--replicas', replicas, '--json', '--quiet', '--no-save'],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        got = json.loads(out.stdout)
        name = f'{rule:10s} on {on:8s} l={l:<5g} a={a} mu={mu:<4g} Delta={delta:<3g} C={c:<2d}'
        if on == 'gradient' and a * l >= 2 * (1 - mu**2) / (q * (1 + mu) - 2 * mu):
            silent = got['x2']['value'] is None and out.returncode == 3
            print(f'{name} unstable: {"refused" if silent else "NOT REFUSED"} (exit code {out.returncode})')
            bad += not silent
            continue
        exact = FORM[rule, on](l, a, mu, q, d0 / c)
        words = []
        for key, e in zip(('x2', 'xv', 'v2'), exact):
            if got[key]['value'] is None:
                continue
            z, se = (got[key]['value'] - e) / got[key]['se'], got[key]['se'] / abs(e)
            words.append(f'{key} z={z:+.2f} se={100 * se:.2f}%')
            worst_z, worst_se = max(worst_z, abs(z)), max(worst_se, se)
            bad += abs(z) > 3 or se > 0.003
        print(name, *words, flush=True)
    print(f'largest |z| {worst_z:.2f}, largest standard error {100 * worst_se:.2f} %, {bad} bad')
    sys.exit(bad > 0)


main()
