#!/usr/bin/env python3
"""Twenty SGD steps of every network at full size, by `sgdlab train` and by PyTorch: same initial weights, same batches.

    /usr/bin/python3 tests/slow/steps_full.py --data-dir DIR [--program build/release/sgdlab] [--batch 16] [--lr 0.01]
                                              [--start formula|pytorch] [--double] [MODEL ...]

DIR holds CIFAR-10 in its binary version; the first batches are taken in file order. The initial weights are those of the
fixtures (tests/nets/fixtures/networks.py, start), or PyTorch's own, from which networks with batch norms do not repeat
their steps even in PyTorch: a last bit decides which units ReLU cuts off, and grows. (Without batch norms the fixtures'
start does not prevent that either.) A line a model: the largest difference of a tensor's numbers as part of its largest
number, running statistics too, in the worst tensor and in the middle one. Exit code 1 if one exceeds 1e-3.

--double is for steps that rounding makes different: both programs are compared with PyTorch in float64, and exit code 1
says that sgdlab is further from it than 1e-3 and than three times what PyTorch in float32 is, in the worst tensor or in
the middle one.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np
import torch

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "nets", "fixtures"))
import networks  # noqa: E402
from networks import states  # noqa: E402

STEPS = 20
MODELS = ["mlp", "cnn", "vgg16", "vgg16-bn", "resnet20", "resnet56", "resnet110", "resnet50", "densenet-40-12", "wrn-28-10"]
MEAN, DEVIATION = [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]


def pictures(folder, count):
    for inner in ("", "cifar10", "cifar-10-batches-bin"):
        path = os.path.join(folder, inner, "data_batch_1.bin")
        if os.path.exists(path):
            rows = np.fromfile(path, np.uint8, count * 3073).reshape(count, 3073)
            x = torch.from_numpy(rows[:, 1:].reshape(count, 3, 32, 32).astype(np.float32) / np.float32(255))
            mean, deviation = (torch.tensor(v).reshape(3, 1, 1) for v in (MEAN, DEVIATION))
            return (x - mean) / deviation, torch.from_numpy(rows[:, 0].astype(np.int64))
    sys.exit("steps_full.py: no data_batch_1.bin in %s" % folder)


def with_torch(name, start, x, y, o, dtype):
    network = networks.build(name)
    network.load_state_dict(start, strict=False)
    network.to(dtype).train()
    rule = torch.optim.SGD(network.parameters(), lr=o.lr, momentum=0.9, weight_decay=5e-4)
    for step in range(STEPS):
        at = slice(step * o.batch, (step + 1) * o.batch)
        rule.zero_grad()
        out = network(x[at].flatten(1).to(dtype) if name == "mlp" else x[at].to(dtype))
        loss = torch.nn.functional.cross_entropy(out, y[at])
        loss.backward()
        rule.step()
    return {k: v.double().numpy() for k, v in states(network).items()}, loss.item()


def with_sgdlab(name, start, o):
    with tempfile.TemporaryDirectory() as folder:
        first, last = os.path.join(folder, "first.h5"), os.path.join(folder, "last.h5")
        with h5py.File(first, "w") as f:
            for k, v in start.items():
                f[k] = v.numpy()
        subprocess.run([o.program, "train", "--model", name, "--data", "cifar10", "--data-dir", o.data_dir, "--no-shuffle",
                        "--steps", str(STEPS), "--batch", str(o.batch), "--rule", "heavy-ball", "--lr", repr(o.lr),
                        "--momentum", "0.9", "--weight-decay", "5e-4", "--init", first, "--save", last, "--no-save",
                        "--quiet"], check=True, stdout=subprocess.DEVNULL)
        with h5py.File(last, "r") as f:
            return {k: f[k][()].astype(np.float64) for k in f}


def spread(a, b):
    """Largest and median relative difference of the tensors of a and b, and where the largest is."""
    assert sorted(a) == sorted(b), set(a) ^ set(b)
    off = {k: np.abs(a[k] - b[k]).max() / np.abs(b[k]).max() for k in a}
    worst = max(off, key=off.get)
    return off[worst], np.median(list(off.values())), worst


def said(s):
    return "%.1e (%s), median %.1e" % (s[0], s[2], s[1])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--data-dir", required=True)
    p.add_argument("--program", default="build/release/sgdlab")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--lr", type=float, default=0.01)
    p.add_argument("--start", choices=["formula", "pytorch"], default="formula")
    p.add_argument("--double", action="store_true")
    p.add_argument("models", nargs="*", default=MODELS)
    o = p.parse_args()
    x, y = pictures(o.data_dir, STEPS * o.batch)
    bad = False
    for name in o.models:
        torch.manual_seed(1)
        network = networks.build(name)
        start = networks.start(network) if o.start == "formula" else {k: v.clone() for k, v in states(network).items()}
        begin = time.time()
        ours = with_sgdlab(name, start, o)
        middle = time.time()
        theirs, loss = with_torch(name, start, x, y, o, torch.float32)
        seconds = "%.0f and %.0f s" % (middle - begin, time.time() - middle)
        off = spread(ours, theirs)
        line = "%-14s %9d numbers, loss %.3f: off by %s; %s" % (name, sum(v.size for v in ours.values()), loss, said(off), seconds)
        if o.double:
            exact, _ = with_torch(name, start, x, y, o, torch.float64)
            off, own = spread(ours, exact), spread(theirs, exact)
            line += "; from float64: sgdlab %s, PyTorch %s" % (said(off), said(own))
            bad |= any(off[i] > max(1e-3, 3 * own[i]) for i in (0, 1))
        else:
            bad |= bool(off[0] > 1e-3)
        print(line, flush=True)
    return bad


if __name__ == "__main__":
    sys.exit(int(main()))
