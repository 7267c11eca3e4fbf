#!/usr/bin/env python3
"""Images a second of Model 1 in PyTorch, in its best arrangement, for comparison with bench/train.

Processes of one thread: one alone, then two side by side (whose rates are added). In each, pictures as standardised
floats in memory; batches by index_select from a new permutation an epoch; a plain loop without DataLoader; SGD with
Nesterov momentum, plain or foreach. The best round of the best of these counts. "by_hand", backward pass and update
written out without autograd or optimiser, is printed too: it is what PyTorch's kernels allow, not how it is used.
"""
import os
import subprocess
import sys
import time

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import torch  # noqa: E402  (after the thread counts)

N, IN, HIDDEN, CLASSES, BATCH, ROUNDS = 60000, 784, 100, 10, 256, 5


def optimisers(parameters):
    settings = dict(lr=1e-3, momentum=0.9, nesterov=True)
    yield "sgd", torch.optim.SGD(parameters, **settings)
    for option in ("foreach", "fused"):
        try:
            yield option, torch.optim.SGD(parameters, **settings, **{option: True})
        except (TypeError, RuntimeError):
            pass


def autograd_epoch(x, y, model, optimiser):
    order = torch.randperm(N)
    for at in range(0, N, BATCH):
        index = order[at:at + BATCH]
        optimiser.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(model(x.index_select(0, index)), y.index_select(0, index)).backward()
        optimiser.step()


def by_hand_epoch(x, y, params, velocity):
    """Backward pass and Nesterov step written out, in place, without autograd."""
    w1, b1, w2, b2 = params
    order = torch.randperm(N)
    rows = torch.arange(BATCH)
    for at in range(0, N, BATCH):
        index = order[at:at + BATCH]
        xb, yb = x.index_select(0, index), y.index_select(0, index)
        n = xb.shape[0]
        h = torch.addmm(b1, xb, w1.t()).relu_()
        dz = torch.addmm(b2, h, w2.t()).softmax(1)
        dz[rows[:n], yb] -= 1
        dz /= n
        dh = dz.mm(w2)
        dh *= h > 0
        for p, v, g in zip(params, velocity, (dh.t().mm(xb), dh.sum(0), dz.t().mm(h), dz.sum(0))):
            v.mul_(0.9).add_(g)
            p.add_(g.add_(v, alpha=0.9), alpha=-1e-3)


def best_of(epoch):
    best = 0.0
    for _ in range(ROUNDS):
        start = time.perf_counter()
        epoch()
        best = max(best, N / (time.perf_counter() - start))
    return best


def rates():
    """Images a second of each way, in this process."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    x = torch.randint(0, 256, (N, IN), dtype=torch.uint8).float().div_(255).sub_(0.1307).div_(0.3081)
    y = torch.randint(0, CLASSES, (N,))
    model = torch.nn.Sequential(torch.nn.Linear(IN, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, CLASSES))
    found = {}
    for name, optimiser in optimisers(list(model.parameters())):
        found[name] = best_of(lambda: autograd_epoch(x, y, model, optimiser))
    with torch.no_grad():
        params = [p.detach().clone() for p in model.parameters()]
        velocity = [torch.zeros_like(p) for p in params]
        found["by_hand"] = best_of(lambda: by_hand_epoch(x, y, params, velocity))
    return found


def side_by_side(n):
    """The rates of n processes at a time, added up way by way."""
    command = [sys.executable, __file__, "--worker"]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(n)]
    total = {}
    for worker in workers:
        for line in worker.communicate()[0].splitlines():
            name, rate = line.split()
            total[name] = total.get(name, 0.0) + float(rate)
    return total


def main():
    if sys.argv[1:] == ["--worker"]:
        for name, rate in rates().items():
            print(name, rate)
        return
    for n, label in ((1, "one"), (2, "two")):
        found = side_by_side(n)
        for name, rate in found.items():
            print("peers.train.torch.%s.%s %.0f" % (label, name, rate))
        best = max(rate for name, rate in found.items() if name != "by_hand")
        print("peers.train.torch.%s.images_per_second %.0f" % (label, best))


if __name__ == "__main__":
    main()
