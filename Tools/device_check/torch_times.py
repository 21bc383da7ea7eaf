#!/usr/bin/env python3
"""Times networks on the CUDA device with PyTorch, as a user would get the most out of it.

    python3 torch_times.py --json times.json [--seconds 90] [--networks edsr,unet]

Modes: eager32 (float32, no TF32), eager16 (float16, channels last), compile16 and compile32 (torch.compile), the last two while there
is time. Each runs as one captured graph with its input on the device; a figure is the median of replays in milliseconds. The file
holds {"program": ..., "times": {network: {mode: milliseconds}}}, and is written again after each figure.
"""
import argparse
import json
import os
import statistics
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


def dense(inputs, outputs, kernel=3, stride=1, bias=True):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)


class Separable(nn.Sequential):
    def __init__(self, inputs, outputs):
        super().__init__(nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs), nn.Conv2d(inputs, outputs, 1))


class Selection(nn.Sequential):
    """A weighted sum of the channels, then one kernel for each output."""

    def __init__(self, inputs, outputs, kernel=3, stride=1, bias=False):
        super().__init__(
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.Conv2d(outputs, outputs, kernel, stride, kernel // 2, groups=outputs, bias=bias))


class EDSR(nn.Module):
    def __init__(self, kind, features=64, blocks=16):
        super().__init__()
        self.head, self.up, self.tail = dense(3, features), dense(features, 4 * features), dense(features, 3)
        self.body = nn.ModuleList(nn.Sequential(kind(features, features), nn.ReLU(), kind(features, features)) for _ in range(blocks))

    def forward(self, x):
        x = first = self.head(x)
        for block in self.body:
            x = x + block(x) * 0.1
        return self.tail(F.pixel_shuffle(self.up(first + x), 2))


class VDSR(nn.Module):
    def __init__(self, features=64, depth=20):
        super().__init__()
        layers = [dense(1, features, bias=False), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [dense(features, features, bias=False), nn.ReLU()]
        self.layers = nn.Sequential(*layers, dense(features, 1, bias=False))

    def forward(self, x):
        return x + self.layers(x)


class UNet(nn.Module):
    """Of five levels. `pair` makes the two convolutions of a level, `end` the layer behind the last."""

    def __init__(self, inputs, features, pair, end):
        super().__init__()
        n = [features << level for level in range(5)]
        self.down = nn.ModuleList([pair(inputs, n[0], True)] + [pair(n[i], n[i + 1], False) for i in range(4)])
        self.up = nn.ModuleList(nn.ConvTranspose2d(n[i + 1], n[i], 2, 2) for i in reversed(range(4)))
        self.merge = nn.ModuleList(pair(n[i + 1], n[i], False) for i in reversed(range(4)))
        self.end = end(n[0])

    def forward(self, x):
        kept = []
        for level, layers in enumerate(self.down):
            x = layers(F.max_pool2d(x, 2) if level else x)
            kept.append(x)
        for up, merge, skip in zip(self.up, self.merge, kept[-2::-1]):
            x = merge(torch.cat([up(x), skip], 1))
        return self.end(x)


def unet(kind):
    def pair(inputs, outputs, is_first):
        layers = []
        for a in (inputs, outputs):
            layers += [(dense if is_first else kind)(a, outputs), nn.BatchNorm2d(outputs), nn.ReLU()]
        return nn.Sequential(*layers)
    return UNet(3, 64, pair, lambda features: nn.Conv2d(features, 1, 1))


def dark(first, second):
    def pair(inputs, outputs, _):
        return nn.Sequential(first(inputs, outputs), nn.LeakyReLU(0.2), second(outputs, outputs), nn.LeakyReLU(0.2))
    return UNet(4, 32, pair, lambda features: nn.Sequential(nn.Conv2d(features, 12, 1), nn.PixelShuffle(2)))


class Residual(nn.Module):
    def __init__(self, inputs, outputs, kind, stride):
        super().__init__()
        self.main = nn.Sequential(
            kind(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.ReLU(), kind(outputs, outputs), nn.BatchNorm2d(outputs))
        changes = inputs != outputs
        self.side = nn.Sequential(kind(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)) if changes else nn.Identity()

    def forward(self, x):
        return F.relu(self.main(x) + self.side(x))


class ResNet(nn.Module):
    def __init__(self, stem, plan, kind, classes):
        super().__init__()
        self.stem = stem
        self.blocks = nn.Sequential(*[Residual(a, b, kind, stride) for a, b, stride in plan])
        self.classes = nn.Linear(plan[-1][1], classes)

    def forward(self, x):
        return self.classes(self.blocks(self.stem(x)).mean((2, 3)))


def plain(inputs, outputs, kernel=3, stride=1):
    return dense(inputs, outputs, kernel, stride, bias=False)


def biased(inputs, outputs, kernel=3, stride=1):
    return Selection(inputs, outputs, kernel, stride, bias=True)


def small_resnet(kind):
    return ResNet(dense(3, 16), [(16, 16, 1), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)], kind, 3)


def resnet18(kind):
    stem = nn.Sequential(kind(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    plan = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1)]
    return ResNet(stem, plan, kind, 1000)


NETWORKS = {
    'edsr': (lambda: EDSR(dense), (1, 3, 256, 256), 1332931),
    'edsr_separable': (lambda: EDSR(Separable), (1, 3, 256, 256), 304835),
    'vdsr': (lambda: VDSR(), (1, 1, 256, 256), 664704),
    'unet': (lambda: unet(dense), (1, 3, 512, 512), None),
    'unet_separable': (lambda: unet(Separable), (1, 3, 512, 512), None),
    'dark_base': (lambda: dark(dense, dense), (1, 4, 256, 256), None),
    'dark_light': (lambda: dark(dense, Separable), (1, 4, 256, 256), None),
    'dark_lighter': (lambda: dark(Separable, Separable), (1, 4, 256, 256), None),
    'small_resnet': (lambda: small_resnet(plain), (64, 3, 32, 32), 174787),
    'small_resnet_selection': (lambda: small_resnet(Selection), (64, 3, 32, 32), 27363),
    'resnet18': (lambda: resnet18(plain), (1, 3, 224, 224), 11689512),
    'resnet18_selection': (lambda: resnet18(biased), (1, 3, 224, 224), 1958824),
    'edsr_720p': (lambda: EDSR(dense), (1, 3, 720, 1280), 1332931),
    'edsr_separable_720p': (lambda: EDSR(Separable), (1, 3, 720, 1280), 304835),
    'unet_b4': (lambda: unet(dense), (4, 3, 512, 512), None),
    'unet_separable_b4': (lambda: unet(Separable), (4, 3, 512, 512), None),
}


def median_milliseconds(call, seconds=0.25, least=20):
    call()
    torch.cuda.synchronize()
    times, start = [], time.time()
    while len(times) < least or (time.time() - start < seconds and len(times) < 300):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        call()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end))
    return statistics.median(times)


def captured(call):
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


def timed(name, mode):
    make, shape, parameters = NETWORKS[name]
    torch.manual_seed(0)
    model, x = make().eval(), torch.rand(shape)
    count = sum(p.numel() for p in model.parameters())
    if parameters not in (None, count):
        raise RuntimeError(f'{name} has {count} parameters, not {parameters}')
    model, x = model.cuda(), x.cuda()
    if mode.endswith('16'):
        model, x = model.half().to(memory_format=torch.channels_last), x.half().to(memory_format=torch.channels_last)
    if mode.startswith('compile'):
        torch._dynamo.reset()
        model = torch.compile(model)
    with torch.inference_mode():
        return median_milliseconds(captured(lambda: model(x)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--json', required=True)
    parser.add_argument('--seconds', type=float, default=90, help='begin nothing after so many seconds')
    parser.add_argument('--networks', help='some of them, with commas between')
    options = parser.parse_args()
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    start, times = time.time(), {}
    names = options.networks.split(',') if options.networks else list(NETWORKS)
    for mode in ('eager16', 'eager32', 'compile16', 'compile32'):
        for name in names:
            if time.time() - start > options.seconds:
                print('out of time before', name, mode, flush=True)
                continue
            try:
                times.setdefault(name, {})[mode] = milliseconds = timed(name, mode)
            except Exception as error:  # What PyTorch cannot run is no reason to stop.
                print(name, mode, 'failed:', str(error)[:200].replace('\n', ' '), flush=True)
                continue
            print(f'{name:24s}{mode:12s}{milliseconds:9.3f} ms', flush=True)
            with open(options.json + '.new', 'w') as file:
                json.dump({'program': 'PyTorch ' + torch.__version__, 'times': times}, file, indent=1)
            os.replace(options.json + '.new', options.json)


if __name__ == '__main__':
    main()
