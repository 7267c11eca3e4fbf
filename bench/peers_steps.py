#!/usr/bin/env python3
"""One epoch of Model 1 on MNIST, step for step in PyTorch and in sgdlab: from the same weights, in file order, at a
constant rate, with Nesterov momentum; then the parameters are compared.

Differences are taken relative to the largest element of a parameter. Element by element they have no bound: an element
that happens to be near zero keeps the rounding of its neighbours, so PyTorch in float32 against itself in float64 is
printed beside, as what rounding alone does.

usage: peers_steps.py MNIST_DIR SGDLAB     (needs torch and h5py)    exit 1 if a parameter is off by more than 1e-4
"""
import os, subprocess, sys, tempfile
import h5py
import numpy as np
import torch
from torch import nn
from peers_accuracy import load


def model(dtype):
    return nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10)).to(dtype)


def train(net, x, y):
    opt = torch.optim.SGD(net.parameters(), lr=5e-3, momentum=0.9, nesterov=True)
    for k in range(0, len(x), 256):
        opt.zero_grad()
        nn.functional.cross_entropy(net(x[k:k + 256]), y[k:k + 256]).backward()
        opt.step()
    return {name: value.double().numpy() for name, value in net.state_dict().items()}


def main():
    folder, sgdlab = sys.argv[1:3]
    torch.set_num_threads(1)
    torch.manual_seed(5)
    single, double = model(torch.float32), model(torch.float64)
    double.load_state_dict(single.state_dict())
    x, y = load(folder, 'train')
    with tempfile.TemporaryDirectory() as tmp:
        before, after = os.path.join(tmp, 'before.h5'), os.path.join(tmp, 'after.h5')
        with h5py.File(before, 'w') as f:
            for name, value in single.state_dict().items():
                f[name] = value.numpy()
        subprocess.run([sgdlab, 'train', '--model', 'mlp', '--data', 'mnist', '--data-dir', folder, '--schedule',
                        'constant', '--rule', 'nesterov', '--lr', '5e-3', '--momentum', '0.9', '--batch', '256',
                        '--steps', '235', '--no-shuffle', '--init', before, '--save', after, '--no-save', '--quiet'],
                       check=True, stdout=subprocess.DEVNULL)
        with h5py.File(after) as f:
            ours = {name: f[name][...].astype(np.float64) for name in single.state_dict()}
    torch32, torch64 = train(single, x, y), train(double, x.double(), y)

    worst = 0.0
    for name in ours:
        def off(a, b):
            return np.max(np.abs(a - b)) / np.max(np.abs(b)), np.max(np.abs(a - b) / np.abs(b))
        of_largest, of_element = off(ours[name], torch32[name])
        worst = max(worst, of_largest)
        print(f'{name:9s} sgdlab - PyTorch: {of_largest:.1e} of the largest element, {of_element:.1e} of an element; '
              f'PyTorch float32 - float64: {off(torch32[name], torch64[name])[0]:.1e}, '
              f'{off(torch32[name], torch64[name])[1]:.1e}')
    print(f'worst {worst:.1e}')
    sys.exit(worst > 1e-4)


main()
