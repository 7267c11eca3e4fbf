#!/usr/bin/env python3
"""Images a second and peak memory of the networks of bench/networks in PyTorch: same shapes, same batch, all cores.

Pictures as floats in memory, a plain loop without DataLoader, SGD with Nesterov momentum (foreach where there is one);
channels_last as well as the default layout, the faster of which counts, each in a process of its own.
"""
import os
import resource
import subprocess
import sys
import time

CORES = len(os.sched_getaffinity(0))
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(CORES)

import torch  # noqa: E402  (after the thread counts)
from torch import nn  # noqa: E402

CLASSES, ROUNDS, STEPS = 10, 4, 2


def model2():
    conv = lambda a, b: [nn.Conv2d(a, b, 3), nn.ReLU(inplace=True)]
    return nn.Sequential(*conv(1, 64), *conv(64, 64), nn.MaxPool2d(2), *conv(64, 128), *conv(128, 128), *conv(128, 128),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128 * 9, CLASSES))


def vgg16():
    layers, channels = [], 3
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        if width == 0:
            layers.append(nn.MaxPool2d(2))
            continue
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
        channels = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, CLASSES))


class Block(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.stride, self.more = stride, width - channels

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu_(self.bn1(self.conv1(x)))))
        if self.stride > 1:
            x = x[:, :, ::self.stride, ::self.stride]
        if self.more:
            x = nn.functional.pad(x, (0, 0, 0, 0, self.more // 2, self.more // 2))
        return torch.relu_(y + x)


def resnet20():
    blocks, channels = [], 16
    for width in (16, 32, 64):
        for i in range(3):
            blocks.append(Block(channels, width, 2 if i == 0 and width > 16 else 1))
            channels = width
    return nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True), *blocks,
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES))


NETWORKS = {"model2": (model2, 1, 28, 256), "vgg16": (vgg16, 3, 32, 128), "resnet20": (resnet20, 3, 32, 128)}
LAYOUTS = {"nchw": torch.contiguous_format, "nhwc": torch.channels_last}


def worker(name, layout):
    make, channels, side, batch = NETWORKS[name]
    torch.set_num_threads(CORES)
    torch.manual_seed(1)
    model = make().to(memory_format=LAYOUTS[layout])
    x = torch.randn(4 * batch, channels, side, side)
    y = torch.randint(0, CLASSES, (4 * batch,))
    settings = dict(lr=1e-4, momentum=0.9, nesterov=True)
    try:
        optimiser = torch.optim.SGD(model.parameters(), foreach=True, **settings)
    except TypeError:
        optimiser = torch.optim.SGD(model.parameters(), **settings)

    def steps(n):
        start = time.perf_counter()
        for _ in range(n):
            index = torch.randperm(len(x))[:batch]
            pictures = x.index_select(0, index).contiguous(memory_format=LAYOUTS[layout])
            optimiser.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(model(pictures), y.index_select(0, index)).backward()
            optimiser.step()
        return (time.perf_counter() - start) / n

    steps(1)
    best = min(steps(STEPS) for _ in range(ROUNDS))
    print(batch / best, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main():
    if sys.argv[1:2] == ["--worker"]:
        worker(*sys.argv[2:])
        return
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("peers.networks.import.megabytes %.0f" % idle)
    for name in NETWORKS:
        found = {}
        for layout in LAYOUTS:
            command = [sys.executable, __file__, "--worker", name, layout]
            rate, megabytes = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
            found[layout] = (float(rate), float(megabytes))
            print("peers.networks.%s.%s.images_per_second %.1f" % (name, layout, float(rate)))
        rate, megabytes = max(found.values())
        print("peers.networks.%s.images_per_second %.1f" % (name, rate))
        print("peers.networks.%s.megabytes %.0f" % (name, megabytes))
        print("peers.networks.%s.megabytes_beyond_import %.0f" % (name, megabytes - idle))


if __name__ == "__main__":
    main()
