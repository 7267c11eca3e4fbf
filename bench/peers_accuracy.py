#!/usr/bin/env python3
"""Test accuracy of Model 1 in PyTorch, to compare `sgdlab train` with: MNIST, random rate (Delta = 1, alpha on the
step), Nesterov, l = 5e-3, mu = 0.9, C = 256, 30 epochs.

usage: peers_accuracy.py MNIST_DIR [SEEDS] [EPOCHS]     prints one line a seed: seed, final and best test accuracy in %
"""
import gzip, os, sys
import numpy as np
import torch
from torch import nn


def idx(path, offset):
    with gzip.open(path) as f:
        return np.frombuffer(f.read(), np.uint8, offset=offset)


def load(folder, stem):
    """Standardised pictures [n][784] and labels [n]; stem: train or t10k."""
    x = idx(os.path.join(folder, stem + '-images-idx3-ubyte.gz'), 16).reshape(-1, 784)
    y = idx(os.path.join(folder, stem + '-labels-idx1-ubyte.gz'), 8)
    return (torch.from_numpy(x.astype(np.float32) / 255) - 0.1307) / 0.3081, torch.from_numpy(y.astype(np.int64))


def main():
    folder = sys.argv[1]
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    epochs = int(sys.argv[3]) if len(sys.argv) > 3 else 30
    torch.set_num_threads(1)

    x, y = load(folder, 'train')
    xt, yt = load(folder, 't10k')
    finals, bests = [], []
    for seed in range(1, seeds + 1):
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10))
        opt = torch.optim.SGD(net.parameters(), lr=5e-3, momentum=0.9, nesterov=True)
        best = 0.0
        for _ in range(epochs):
            order = torch.randperm(len(x))
            for k in range(0, len(x), 256):
                b = order[k:k + 256]
                opt.param_groups[0]['lr'] = 5e-3 * 2 * torch.rand(()).item()
                opt.zero_grad()
                nn.functional.cross_entropy(net(x[b]), y[b]).backward()
                opt.step()
            with torch.no_grad():
                final = (net(xt).argmax(1) == yt).double().mean().item()
            best = max(best, final)
        finals.append(100 * final)
        bests.append(100 * best)
        print(f'{seed} {100 * final:.2f} {100 * best:.2f}', flush=True)
    print(f'# final {np.mean(finals):.3f} +- {np.std(finals, ddof=1):.3f}, '
          f'best {np.mean(bests):.3f} +- {np.std(bests, ddof=1):.3f}')


if __name__ == '__main__':
    main()
