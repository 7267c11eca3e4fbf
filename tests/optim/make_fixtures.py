#!/usr/bin/python3
"""What PyTorch does, for test_schedule.c and test_rule.c. Writes fixtures/schedules.txt and fixtures/rules.txt
beside this file. Made with PyTorch 1.13 in double precision; nothing here is random.

schedules.txt: blocks of a head line "<schedule of sgdlab> <lr> <steps per epoch> <total steps> <n>" and n lines,
the rate of update 0, 1, ...
rules.txt: blocks of a head line "<rule> <double|float> <lr> <mu> <weight decay> <steps>" and a line a step:
the rate, then x[0..2], then PyTorch's momentum buffer [0..2] (which is -v), after the update."""
import math
import pathlib

import torch
from torch.optim import SGD
from torch.optim import lr_scheduler as S

HERE = pathlib.Path(__file__).parent / "fixtures"


def optimizer(lr):
    return SGD([torch.zeros(1, dtype=torch.float64, requires_grad=True)], lr=lr, momentum=0.9)


def rates(make, lr, spe, total, per_epoch, closed=False):
    """The rate of each update; the scheduler is stepped once an epoch or once an update.
    closed: PyTorch's own closed form, where its recursion loses digits."""
    o = optimizer(lr)
    s = make(o)
    out = []
    for k in range(total):
        out.append(o.param_groups[0]["lr"])
        o.step()
        if not per_epoch or (k + 1) % spe == 0:
            epoch = k + 1 if not per_epoch else (k + 1) // spe
            if closed:
                s.last_epoch = epoch
                o.param_groups[0]["lr"] = s._get_closed_form_lr()[0]
            elif k + 1 < total:
                s.step()
    return out


def restarts_by_fraction(make, lr, spe, total):
    """scheduler.step(epoch + i / iters), as PyTorch's documentation has it."""
    o = optimizer(lr)
    s = make(o)
    out = []
    for k in range(total):
        s.step(k / spe)
        out.append(o.param_groups[0]["lr"])
    return out


def after_warmup(second, W, start):
    return lambda o: S.SequentialLR(o, [S.LinearLR(o, start_factor=start, total_iters=W), second(o)], [W])


def triangular(lo, hi, up, down):
    return lambda o: S.CyclicLR(o, lo, hi, step_size_up=up, step_size_down=down, cycle_momentum=False)


def one_cycle(total, **how):
    return lambda o: S.OneCycleLR(o, 0.4, total_steps=total, **how)


def schedules():
    yield "step:every=3:gamma=0.3", 0.1, 4, 60, rates(lambda o: S.StepLR(o, 3, 0.3), 0.1, 4, 60, True)
    yield ("multi-step:milestones=2,5,5,11:gamma=0.2", 0.3, 4, 60,
           rates(lambda o: S.MultiStepLR(o, [2, 5, 5, 11], 0.2), 0.3, 4, 60, True))
    yield "exponential:gamma=0.9", 0.1, 4, 60, rates(lambda o: S.ExponentialLR(o, 0.9), 0.1, 4, 60, True)
    yield ("exponential:gamma=0.9", 0.1, 1, 30, rates(lambda o: S.ExponentialLR(o, 0.9), 0.1, 1, 30, False))
    yield ("constant:warmup=10:warmup-from=0.05", 0.1, 3, 60,
           rates(lambda o: S.LinearLR(o, start_factor=0.05, total_iters=30), 0.1, 3, 60, False))
    yield ("constant:warmup=5", 0.1, 1, 9, rates(lambda o: S.LinearLR(o), 0.1, 1, 9, False))
    yield ("linear", 0.1, 1, 40, rates(lambda o: S.PolynomialLR(o, 40, 1.0), 0.1, 1, 40, False))
    yield ("linear:end=0.02", 0.1, 7, 40,
           rates(lambda o: S.LinearLR(o, start_factor=1.0, end_factor=0.2, total_iters=40), 0.1, 7, 40, False))
    yield ("poly:p=2", 0.1, 5, 40, rates(lambda o: S.PolynomialLR(o, 40, 2.0), 0.1, 5, 40, False))
    yield ("poly:p=0.9:per-step=0", 0.1, 5, 40, rates(lambda o: S.PolynomialLR(o, 8, 0.9), 0.1, 5, 40, True))
    yield ("cosine", 0.1, 5, 60, rates(lambda o: S.CosineAnnealingLR(o, 60), 0.1, 5, 60, False, closed=True))
    yield ("cosine:min=0.004:per-step=0", 0.1, 4, 60,
           rates(lambda o: S.CosineAnnealingLR(o, 15, 0.004), 0.1, 4, 60, True, closed=True))
    yield ("cosine:min=0.01:warmup=3:warmup-from=0.1", 0.1, 4, 60,
           rates(after_warmup(lambda o: S.CosineAnnealingLR(o, 48, 0.01), 12, 0.1), 0.1, 4, 60, False))
    yield ("multi-step:milestones=2,4:warmup=3:warmup-from=0.25", 0.1, 1, 12,
           rates(after_warmup(lambda o: S.MultiStepLR(o, [2, 4]), 3, 0.25), 0.1, 1, 12, False))
    yield ("cosine-restarts:first=1:factor=2:min=0.0001", 0.1, 5, 100,
           restarts_by_fraction(lambda o: S.CosineAnnealingWarmRestarts(o, 1, 2, 1e-4), 0.1, 5, 100))
    yield ("cosine-restarts:first=3:factor=1:per-step=0", 0.1, 4, 60,
           rates(lambda o: S.CosineAnnealingWarmRestarts(o, 3), 0.1, 4, 60, True))
    yield ("cosine-restarts:first=2:factor=3:min=0.01", 0.1, 1, 60,
           rates(lambda o: S.CosineAnnealingWarmRestarts(o, 2, 3, 0.01), 0.1, 1, 60, False))
    yield "one-cycle", 0.4, 5, 60, rates(one_cycle(60), 0.4, 5, 60, False)
    yield ("one-cycle:cos=0:up=0.37:div=7:final-div=100", 0.4, 5, 61,
           rates(one_cycle(61, pct_start=0.37, anneal_strategy="linear", div_factor=7, final_div_factor=100),
                 0.4, 5, 61, False))
    yield ("one-cycle:up=0.45:three-phase=1:cos=0:div=10:final-div=10", 0.4, 5, 61,
           rates(one_cycle(61, pct_start=0.45, three_phase=True, anneal_strategy="linear", div_factor=10,
                           final_div_factor=10), 0.4, 5, 61, False))
    yield ("one-cycle:up=0.2:three-phase=1", 0.4, 5, 60,
           rates(one_cycle(60, pct_start=0.2, three_phase=True), 0.4, 5, 60, False))
    yield ("triangular:min=0.02:up=7:down=4:in-steps=1", 0.1, 5, 60, rates(triangular(0.02, 0.1, 7, 4), 0.1, 5, 60, False))
    yield ("triangular:min=0.02:up=2", 0.1, 5, 60, rates(triangular(0.02, 0.1, 10, 10), 0.1, 5, 60, False))


CURVATURE, TARGET, START = [0.5, 1.0, 4.0], [0.25, -1.0, 2.0], [1.0, 0.5, -0.75]


def trajectory(kind, dtype, lr, mu, w, steps):
    x = torch.tensor(START, dtype=dtype, requires_grad=True)
    a, b = torch.tensor(CURVATURE, dtype=dtype), torch.tensor(TARGET, dtype=dtype)
    o = SGD([x], lr=lr, momentum=mu, weight_decay=w, nesterov=kind == "nesterov")
    for k in range(steps):
        rate = lr * (1 + 0.75 * math.cos(1.7 * k))
        o.param_groups[0]["lr"] = rate
        x.grad = (a * x - b).detach()
        o.step()
        buffer = o.state[x].get("momentum_buffer")
        yield [rate] + x.tolist() + (torch.zeros(3) if buffer is None else buffer).tolist()


def rules():
    for kind, mus in ("plain", [0.0]), ("heavy-ball", [0.0, 0.5, 0.9]), ("nesterov", [0.5, 0.9]):
        for mu in mus:
            for w in 0.0, 0.125:
                for name, dtype in ("double", torch.float64), ("float", torch.float32):
                    yield kind, name, 0.05, mu, w, 25, trajectory(kind, dtype, 0.05, mu, w, 25)


with open(HERE / "schedules.txt", "w") as f:
    for text, lr, spe, total, values in schedules():
        f.write(f"{text} {lr!r} {spe} {total} {len(values)}\n" + "".join(f"{v!r}\n" for v in values))
with open(HERE / "rules.txt", "w") as f:
    for kind, name, lr, mu, w, steps, rows in rules():
        f.write(f"{kind} {name} {lr!r} {mu!r} {w!r} {steps}\n")
        for row in rows:
            f.write(" ".join(repr(v) for v in row) + "\n")
