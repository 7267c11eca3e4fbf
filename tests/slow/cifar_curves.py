#!/usr/bin/env python3
"""Loss curves of networks on CIFAR-10 by `sgdlab train` and by PyTorch: same initial weights, batches shuffled by each in
its own way, several seeds.

    /usr/bin/python3 tests/slow/cifar_curves.py --data-dir DIR [--program build/release/sgdlab] [--seeds 10] [--epochs 3]
                                                [--train 10000] [--channels 16] [MODEL ...]

Prints, for each epoch, the mean over seeds of training loss, test loss and test accuracy of both, and the difference in
standard errors (paired by initial weights). Exit code 1 if one of the differences is beyond the two-sided 1 % level of
Student's t, Bonferroni over all of them (few seeds leave it blunt: the line printed first says how many standard errors), or if a training loss does not fall from epoch to epoch.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np
import torch
from scipy import stats

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "nets", "fixtures"))
import networks  # noqa: E402
from networks import states  # noqa: E402

BATCH, MOMENTUM, DECAY = 128, 0.9, 5e-4
RATES = {"vgg16": 0.02, "resnet20": 0.1}
MEAN, DEVIATION = [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]


def read(folder, names, count):
    for inner in ("", "cifar10", "cifar-10-batches-bin"):
        paths = [os.path.join(folder, inner, name) for name in names]
        if os.path.exists(paths[0]):
            rows = np.concatenate([np.fromfile(p, np.uint8) for p in paths]).reshape(-1, 3073)[:count]
            x = torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32) / np.float32(255))
            mean, deviation = (torch.tensor(v).reshape(3, 1, 1) for v in (MEAN, DEVIATION))
            return (x - mean) / deviation, torch.from_numpy(rows[:, 0].astype(np.int64))
    sys.exit("cifar_curves.py: no %s in %s" % (names[0], folder))


def start(name, channels, seed):
    """He's start for convolutions (fan-out), PyTorch's for the rest."""
    torch.manual_seed(seed)
    network = networks.build(name, channels=channels)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)
    return network


def evaluate(network, x, y):
    network.eval()
    loss = right = 0.0
    with torch.no_grad():
        for at in range(0, len(x), 500):
            out = network(x[at:at + 500])
            loss += torch.nn.functional.cross_entropy(out, y[at:at + 500], reduction="sum").item()
            right += (out.argmax(1) == y[at:at + 500]).sum().item()
    return loss / len(x), right / len(x)


def with_torch(network, rate, train, test, epochs):
    rule = torch.optim.SGD(network.parameters(), lr=rate, momentum=MOMENTUM, weight_decay=DECAY)
    rows = []
    for _ in range(epochs):
        network.train()
        total, order = 0.0, torch.randperm(len(train[0]))
        for at in range(0, len(order), BATCH):
            index = order[at:at + BATCH]
            rule.zero_grad()
            loss = torch.nn.functional.cross_entropy(network(train[0][index]), train[1][index])
            loss.backward()
            rule.step()
            total += loss.item() * len(index)
        rows.append((total / len(order), *evaluate(network, *test)))
    return rows


def with_sgdlab(o, name, network, rate, seed):
    with tempfile.TemporaryDirectory() as folder:
        first = os.path.join(folder, "first.h5")
        with h5py.File(first, "w") as f:
            for k, v in states(network).items():
                f[k] = v.numpy()
        done = subprocess.run([o.program, "train", "--model", "%s:channels=%d" % (name, o.channels), "--data",
                               "cifar10:train=%d:test=%d" % (o.train, o.test), "--data-dir", o.data_dir, "--init", first,
                               "--rule", "heavy-ball", "--lr", str(rate), "--momentum", str(MOMENTUM), "--weight-decay",
                               str(DECAY), "--batch", str(BATCH), "--epochs", str(o.epochs), "--seed", str(seed), "--json",
                               "--quiet", "--no-save"], stdout=subprocess.PIPE, check=True)
    return [(e["train_loss"], e["test_loss"], e["test_accuracy"]) for e in json.loads(done.stdout)["epochs"]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", default=list(RATES))
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--program", default="build/release/sgdlab")
    for option, default in (("seeds", 10), ("epochs", 3), ("train", 10000), ("test", 2000), ("channels", 16)):
        parser.add_argument("--" + option, type=int, default=default)
    o = parser.parse_args()
    train = read(o.data_dir, ["data_batch_%d.bin" % i for i in range(1, 6)], o.train)
    test = read(o.data_dir, ["test_batch.bin"], o.test)
    limit = stats.t.ppf(1 - 1e-2 / 2 / (3 * o.epochs * len(o.models)), o.seeds - 1)
    failed = False
    for name in o.models:
        rate, ours, theirs = RATES[name], [], []
        for seed in range(1, o.seeds + 1):
            network = start(name, o.channels, seed)
            ours.append(with_sgdlab(o, name, network, rate, seed))
            theirs.append(with_torch(network, rate, train, test, o.epochs))
        ours, theirs = np.array(ours), np.array(theirs)
        falls = bool((np.diff(ours.mean(0)[:, 0]) < 0).all())
        print("%s, %d channels, %d pictures, batch %d, rate %g, %d seeds; beyond t = %.1f counts as different"
              % (name, o.channels, o.train, BATCH, rate, o.seeds, limit))
        for k, what in enumerate(("training loss", "test loss", "test accuracy")):
            for epoch in range(o.epochs):
                d = ours[:, epoch, k] - theirs[:, epoch, k]
                t = d.mean() / (d.std(ddof=1) / math.sqrt(o.seeds))
                failed |= not abs(t) <= limit
                print("  epoch %d %-13s  sgdlab %.4f  PyTorch %.4f  difference %+.4f = %+.1f standard errors"
                      % (epoch + 1, what, ours[:, epoch, k].mean(), theirs[:, epoch, k].mean(), d.mean(), t), flush=True)
        print("  training loss falls: %s" % ("yes" if falls else "NO"))
        failed |= not falls
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
