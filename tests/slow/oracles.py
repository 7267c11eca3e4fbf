#!/usr/bin/env python3
"""`sgdlab operator` against files of reference values: moments, passage times, rates, laws of the discrete chain.

usage: oracles.py SGDLAB FOLDER      exit 1 if a number is off by more than the reference's error or 1e-8

FOLDER holds boltzmann.json, escape.json, discrete_stationary.json and temperature.json, found by other means
(closed forms in high precision, quadrature, linear solves, other discretisations).
"""
import json, os, subprocess, sys

NAMES = {'double_well': 'double-well', 'tilted_double_well': 'tilted-double-well', 'periodic_1-cos': 'periodic'}
worst, bad, count = {}, 0, 0


def ask(*options):
    out = subprocess.run([sys.argv[1], 'operator', *map(str, options), '--json', '--quiet', '--no-save'],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        return json.loads(out.stdout)
    except ValueError:
        return {'error': out.stderr}


def check(what, got, want, error=1e-8, absolute=0.0):
    """Relative to want, or absolute where want is small against what it is a part of."""
    global bad, count
    count += 1
    topic = what.split(':')[0]
    if not isinstance(got, (int, float)):
        bad += 1
        print(f'{what}: no number ({got}), reference {want:.17g}')
        return
    off = abs(got - want) / max(abs(want), absolute)
    worst[topic] = max(worst.get(topic, 0), off)
    if not off <= error:
        bad += 1
        print(f'{what}: {got:.17g}, reference {want:.17g}, relative difference {off:.2g}, allowed {error:.2g}')


def load(name):
    with open(os.path.join(sys.argv[2], name), encoding='utf-8') as file:
        return json.load(file)


def boltzmann():
    for r in load('boltzmann.json')['results']:
        name = NAMES.get(r['potential'], r['potential'])
        a = ask('--kind', 'fokker-planck', '--loss', name, '--temperature', r['T']).get('stationary', {})
        what = f"Boltzmann: {name} T={r['T']}"
        check(what + ' <f>', a.get('loss'), float(r['mean_f']))
        check(what + ' <x^2>', a.get('x2'), float(r['mean_x2']))
        check(what + ' <x^4>', a.get('x4'), float(r['mean_x4']))
        check(what + ' <x>', a.get('x'), float(r['mean_x']), absolute=float(r['mean_x2'])**0.5)


def overdamped():
    for r in load('escape.json')['overdamped']:
        loss = 'double-well' if r['tilt'] == 0 else f"tilted-double-well:tilt={r['tilt']}"
        for way, reference in r['mfpt'].items():
            start, end = (r[p] for p in way.split('->'))
            a = ask('--kind', 'fokker-planck', '--loss', loss, '--temperature', r['T'], '--task', 'mfpt', '--from', start,
                    '--to', end)
            check(f"passage: {loss} T={r['T']} {way}", a.get('mfpt'), reference['exact_double'])
        a = ask('--kind', 'fokker-planck', '--loss', loss, '--temperature', r['T'], '--task', 'spectrum')
        values = a.get('eigenvalues') or [None] * 4
        slow = r['lambda_1']
        check(f"rates: {loss} T={r['T']} slowest", values[1] and -values[1], slow['green'])
        for k in 2, 3:
            check(f"rates: {loss} T={r['T']} number {k}", values[k] and -values[k], slow[f'lambda_{k}_dvr'])


def underdamped():
    for r in load('escape.json')['underdamped']:
        a = ask('--kind', 'kramers', '--loss', 'double-well', '--temperature', r['T'], '--friction', r['gamma'], '--task',
                'spectrum', '--eigenvalues', 2)
        values = a.get('eigenvalues') or [None] * 2
        check(f"Klein-Kramers: g={r['gamma']} slowest", values[1] and -values[1], r['lambda_1'])


def chain():
    for r in load('discrete_stationary.json')['results']:
        name, delta = NAMES.get(r['potential'], r['potential']), r['Delta']
        q = 1 + delta**2 / 3
        a = ask('--kind', 'transfer', '--loss', name, '--lr', r['l'], '--noise-variance', repr(2 * r['T'] / (r['l'] * q)),
                '--temperature', r['T'], '--schedule', f'random:delta={delta}' if delta else 'constant').get('stationary', {})
        what = f"chain: {name} Delta={delta} l={r['l']}"
        for key, reference in ('x2', 'Ex2'), ('loss', 'Ef'), ('x4', 'Ex4'), ('kl_to_boltzmann', 'KL'):
            check(f'{what} {key}', a.get(key), r[reference], absolute=1e-3 if key[0] == 'k' else 0)


def momentum():
    rules = {'i_alpha_on_gradient': ('heavy-ball', 'gradient', 1), 'ii_alpha_on_step': ('heavy-ball', 'step', 1),
             'iii_pytorch_nesterov': ('nesterov', 'step', -1)}
    for r in load('temperature.json')['table']:
        for variant, v in r['variants'].items():
            rule, on, sign = rules[variant]
            if not v['stable'] or (rule == 'nesterov' and r['mu'] == 0):
                continue
            a = ask('--kind', 'transfer', '--loss', f"quadratic:a={r['a']}", '--lr', r['l'], '--momentum', r['mu'],
                    '--rule', rule, '--alpha-on', on, '--noise-variance', r['s2'], '--schedule',
                    f"random:delta={r['Delta']}" if r['Delta'] else 'constant').get('stationary', {})
            what = f"momentum: {rule} on {on} mu={r['mu']} Delta={r['Delta']} l={r['l']}"
            check(what + ' <x^2>', a.get('x2'), v['Ex2'])
            if r['mu'] > 0:
                check(what + ' <v^2>', a.get('v2'), v['Ev2'])
                check(what + ' <xv>', a.get('xv'), sign * v['Exv'], absolute=(v['Ex2'] * v['Ev2'])**0.5)


for part in boltzmann, overdamped, underdamped, chain, momentum:
    part()
for topic, off in worst.items():
    print(f'{topic:14s} largest relative difference {off:.1e}')
print(f'{count} numbers, {bad} off')
sys.exit(bad > 0)
