#!/usr/bin/env python3
"""One epoch of Model 1 on MNIST, step for step in PyTorch and in sgdlab: from the same weights, in file order, at a
constant rate, with Nesterov momentum; then the parameters are compared.

usage: peers_steps.py MNIST_DIR SGDLAB     (needs torch and h5py)    exit 1 if any parameter is off by more than 1e-4
"""
import os, subprocess, sys, tempfile
import h5py
import numpy as np
import torch
from torch import nn
from peers_accuracy import load


def main():
    folder, sgdlab = sys.argv[1:3]
    torch.set_num_threads(1)
    torch.manual_seed(5)
    net = nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10))
    x, y = load(folder, 'train')
    with tempfile.TemporaryDirectory() as tmp:
        before, after = os.path.join(tmp, 'before.h5'), os.path.join(tmp, 'after.h5')
        with h5py.File(before, 'w') as f:
            for name, value in net.state_dict().items():
                f[name] = value.numpy()
        opt = torch.optim.SGD(net.parameters(), lr=5e-3, momentum=0.9, nesterov=True)
        for k in range(0, len(x), 256):
            opt.zero_grad()
            nn.functional.cross_entropy(net(x[k:k + 256]), y[k:k + 256]).backward()
            opt.step()
        subprocess.run([sgdlab, 'train', '--model', 'mlp', '--data', 'mnist', '--data-dir', folder, '--schedule',
                        'constant', '--rule', 'nesterov', '--lr', '5e-3', '--momentum', '0.9', '--batch', '256',
                        '--steps', '235', '--no-shuffle', '--init', before, '--save', after, '--no-save', '--quiet'],
                       check=True)
        worst = 0.0
        with h5py.File(after) as f:
            for name, value in net.state_dict().items():
                ours, theirs = f[name][...], value.numpy()
                elementwise = np.max(np.abs(ours - theirs) / np.abs(theirs))
                of_norm = np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs))
                worst = max(worst, elementwise)
                print(f'{name:10s} largest relative difference of an element {elementwise:.2e}, '
                      f'of the largest element {of_norm:.2e}')
    print(f'worst {worst:.2e}')
    sys.exit(worst > 1e-4)


main()
