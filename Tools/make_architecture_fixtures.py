"""Writes Tests/FormatsTests/Networks: small PyTorch networks of each architecture, kind of convolution and naming.

    python Tools/make_architecture_fixtures.py Tests/FormatsTests/Networks

For each case NAME.pth, a state dict in float16 (zip or legacy format), with NAME.input.npy and NAME.output.npy, which the converted
network must meet. Batch norms have random statistics. PyTorch computes in float64 on the rounded weights. Needs torch and numpy.
"""
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


# Kinds of convolution: (inputs, outputs, kernel, stride, bias).
def standard(i, o, k=3, stride=1, bias=True):
    return nn.Conv2d(i, o, k, stride, k // 2, bias=bias)


class Separable(nn.Module):
    def __init__(self, i, o, k=3, stride=1, bias=True):
        super().__init__()
        self.depthwise = nn.Conv2d(i, i, k, stride, k // 2, groups=i, bias=bias)
        self.pointwise = nn.Conv2d(i, o, 1, bias=bias)

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


class Selection(nn.Module):
    def __init__(self, i, o, k=3, stride=1, bias=False):
        super().__init__()
        self.select = nn.Linear(i, o, bias=False)
        self.kernels = nn.Conv2d(o, o, k, stride, k // 2, groups=o, bias=bias)

    def forward(self, x):
        return self.kernels(self.select(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))


def biased_selection(*arguments, **options):
    return Selection(*arguments, **{**options, 'bias': True})


def unbiased_selection(*arguments, **options):
    return Selection(*arguments, **{**options, 'bias': False})


# EDSR and VDSR.
class ResidualBlock(nn.Module):
    def __init__(self, n, conv):
        super().__init__()
        self.a, self.b = conv(n, n), conv(n, n)

    def forward(self, x):
        return x + self.b(F.relu(self.a(x))) * 0.1


class EDSR(nn.Module):
    def __init__(self, conv, features=4, blocks=2, scale=2):
        super().__init__()
        self.head = standard(3, features)
        self.body = nn.Sequential(*[ResidualBlock(features, conv) for _ in range(blocks)])
        self.up, self.tail, self.scale = standard(features, features * scale ** 2), standard(features, 3), scale

    def forward(self, x):
        x = self.head(x)
        return self.tail(F.pixel_shuffle(self.up(x + self.body(x)), self.scale))


class VDSR(nn.Module):
    def __init__(self, conv, features=4, depth=4):
        super().__init__()
        layers = [standard(1, features, bias=False), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [conv(features, features, bias=False), nn.ReLU()]
        self.f = nn.Sequential(*layers, standard(features, 1, bias=False))

    def forward(self, x):
        return x + self.f(x)


# U-Nets.
def pair(i, o, first, second, middle=None):
    m = middle or o
    return nn.Sequential(first(i, m), nn.BatchNorm2d(m), nn.ReLU(), second(m, o), nn.BatchNorm2d(o), nn.ReLU())


class DoubleConv(nn.Module):
    def __init__(self, i, o, conv):
        super().__init__()
        self.f = pair(i, o, conv, conv)

    def forward(self, x):
        return self.f(x)


class NamedDoubleConv(nn.Module):
    def __init__(self, i, o, bias=True, middle=None):
        super().__init__()
        def conv(i, o):
            return standard(i, o, bias=bias)
        self.double_conv = pair(i, o, conv, conv, middle)

    def forward(self, x):
        return self.double_conv(x)


class UNet(nn.Module):
    """`out` is 1x1; what comes from below stands first in each concatenation."""

    def __init__(self, conv, features=2, inputs=3, outputs=2):
        super().__init__()
        n = [features * 2 ** i for i in range(5)]
        self.down = nn.ModuleList(
            [DoubleConv(inputs, n[0], standard)] + [DoubleConv(n[i], n[i + 1], conv) for i in range(4)])
        self.up = nn.ModuleList([nn.ConvTranspose2d(n[i + 1], n[i], 2, 2) for i in reversed(range(4))])
        self.merge = nn.ModuleList([DoubleConv(n[i + 1], n[i], conv) for i in reversed(range(4))])
        self.out = nn.Conv2d(n[0], outputs, 1)

    def forward(self, x):
        skips = []
        for i, down in enumerate(self.down):
            x = down(F.max_pool2d(x, 2) if i else x)
            skips.append(x)
        for up, merge, skip in zip(self.up, self.merge, skips[-2::-1]):
            x = merge(torch.cat([up(x), skip], 1))
        return self.out(x)


class NamedUNet(nn.Module):
    """Attributes `down_1` … `down_4`, `bottleneck`, `up_trans_1`, `up_conv_1` …, `last`, as tutorials have them."""

    def __init__(self, features=1, inputs=3, outputs=1, skip_first=False):
        super().__init__()
        n = [features * 2 ** i for i in range(5)]
        self.skip_first = skip_first
        for i in range(4):
            setattr(self, f'down_{i + 1}', NamedDoubleConv(n[i - 1] if i else inputs, n[i]))
            setattr(self, f'up_trans_{i + 1}', nn.ConvTranspose2d(n[4 - i], n[3 - i], 2, 2))
            setattr(self, f'up_conv_{i + 1}', NamedDoubleConv(n[4 - i], n[3 - i]))
        self.bottleneck = NamedDoubleConv(n[3], n[4])
        self.last = nn.Conv2d(n[0], outputs, 1)

    def forward(self, x):
        skips = []
        for i in range(4):
            skips.append(getattr(self, f'down_{i + 1}')(F.max_pool2d(x, 2) if i else x))
            x = skips[-1]
        x = self.bottleneck(F.max_pool2d(x, 2))
        for i in range(4):
            x = getattr(self, f'up_trans_{i + 1}')(x)
            operands = [skips[3 - i], x] if self.skip_first else [x, skips[3 - i]]
            x = getattr(self, f'up_conv_{i + 1}')(torch.cat(operands, 1))
        return self.last(x)


class Down(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), NamedDoubleConv(i, o, False))

    def forward(self, x):
        return self.maxpool_conv(x)


class Up(nn.Module):
    def __init__(self, i, o, bilinear=False):
        super().__init__()
        if bilinear:
            self.up = nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True)
            self.conv = NamedDoubleConv(i, o, False, i // 2)
        else:
            self.up, self.conv = nn.ConvTranspose2d(i, o, 2, 2), NamedDoubleConv(i, o, False)

    def forward(self, x, skip):
        return self.conv(torch.cat([skip, self.up(x)], 1))


class OutConv(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.conv = nn.Conv2d(i, o, 1)

    def forward(self, x):
        return self.conv(x)


class MilesialUNet(nn.Module):
    """The names, the order, the absent biases and the two ways to enlarge of milesial/Pytorch-UNet."""

    def __init__(self, features=1, inputs=3, outputs=2, bilinear=False):
        super().__init__()
        n = [features * 2 ** i for i in range(5)]
        self.inc = NamedDoubleConv(inputs, n[0], False)
        for i in range(4):
            setattr(self, f'down{i + 1}', Down(n[i], n[i + 1] // (2 if bilinear and i == 3 else 1)))
            setattr(self, f'up{i + 1}', Up(n[4 - i], n[3 - i] // (2 if bilinear and i < 3 else 1), bilinear))
        self.outc = OutConv(n[0], outputs)

    def forward(self, x):
        skips = [self.inc(x)]
        for i in range(4):
            skips.append(getattr(self, f'down{i + 1}')(skips[-1]))
        x = skips[4]
        for i in range(4):
            x = getattr(self, f'up{i + 1}')(x, skips[3 - i])
        return self.outc(x)


class SeeInTheDark(nn.Module):
    def __init__(self, first, second, features=2):
        super().__init__()
        n = [features * 2 ** i for i in range(5)]

        def pair(i, o):
            return nn.Sequential(first(i, o), nn.LeakyReLU(0.2), second(o, o), nn.LeakyReLU(0.2))
        self.down = nn.ModuleList([pair(4, n[0])] + [pair(n[i], n[i + 1]) for i in range(4)])
        self.up = nn.ModuleList([nn.ConvTranspose2d(n[i + 1], n[i], 2, 2) for i in reversed(range(4))])
        self.merge = nn.ModuleList([pair(n[i + 1], n[i]) for i in reversed(range(4))])
        self.out = nn.Conv2d(n[0], 12, 1)

    def forward(self, x):
        return F.pixel_shuffle(UNet.forward(self, x), 2)


def numbered(state):
    """The names `conv1_1` … `upv6` … `conv10_1`."""
    result = {}
    for name, tensor in state.items():
        path, *rest = name.split('.')
        if path == 'out':
            module = 'conv10_1'
        elif path == 'up':
            module = f'upv{int(rest[0]) + 6}'
        else:
            number = int(rest[0]) + (1 if path == 'down' else 6)
            module = f'conv{number}_{1 if rest[1] == "0" else 2}'
        result[f'{module}.{rest[-1]}'] = tensor
    return result


# ResNets.
class BasicBlock(nn.Module):
    def __init__(self, i, o, conv, stride):
        super().__init__()
        self.a, self.bn_a = conv(i, o, stride=stride, bias=False), nn.BatchNorm2d(o)
        self.b, self.bn_b = conv(o, o, bias=False), nn.BatchNorm2d(o)
        self.shortcut = nn.Sequential()
        if i != o:
            self.shortcut = nn.Sequential(conv(i, o, k=1, stride=stride, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        y = self.bn_b(self.b(F.relu(self.bn_a(self.a(x)))))
        return F.relu(y + self.shortcut(x))


class SmallResNet(nn.Module):
    def __init__(self, conv, features=4, classes=3):
        super().__init__()
        n = features
        self.stem = nn.Conv2d(3, n, 3, padding=1)
        plan = [(n, n, 1), (n, n, 1), (n, 2 * n, 2), (2 * n, 2 * n, 1), (2 * n, 4 * n, 2), (4 * n, 4 * n, 1)]
        self.blocks = nn.Sequential(*[BasicBlock(i, o, conv, s) for i, o, s in plan])
        self.dropout, self.fc = nn.Dropout(0.2), nn.Linear(4 * n, classes)

    def forward(self, x):
        return self.fc(self.dropout(self.blocks(self.stem(x)).mean((2, 3))))


class ResNet18(nn.Module):
    def __init__(self, conv, features=2, classes=5):
        super().__init__()
        self.stem, self.bn = conv(3, features, k=7, stride=2, bias=False), nn.BatchNorm2d(features)
        layers, i = [], features
        for o, s in ((features, 1), (2 * features, 2), (4 * features, 2), (8 * features, 2)):
            layers += [BasicBlock(i, o, conv, s), BasicBlock(o, o, conv, 1)]
            i = o
        self.layers, self.fc = nn.Sequential(*layers), nn.Linear(8 * features, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn(self.stem(x))), 3, 2, 1)
        return self.fc(self.layers(x).mean((2, 3)))


def torchvision(state):
    """torchvision's names of ResNet18."""
    parts = {'a': 'conv1', 'bn_a': 'bn1', 'b': 'conv2', 'bn_b': 'bn2', 'shortcut': 'downsample'}
    result = {}
    for name, tensor in state.items():
        path, *rest = name.split('.')
        if path == 'layers':
            path, rest = f'layer{int(rest[0]) // 2 + 1}', [str(int(rest[0]) % 2), parts[rest[1]]] + rest[2:]
        result['.'.join([{'stem': 'conv1', 'bn': 'bn1'}.get(path, path)] + rest)] = tensor
    return result


def same(state):
    return state


CASES = {
    'edsr-separable': (lambda: EDSR(Separable), (1, 3, 5, 6), same),
    'edsr-selection': (lambda: EDSR(Selection), (1, 3, 5, 6), same),
    'vdsr-separable': (lambda: VDSR(Separable), (1, 1, 5, 6), same),
    'unet': (lambda: UNet(standard), (1, 3, 16, 32), same),
    'unet-separable': (lambda: UNet(Separable), (1, 3, 32, 16), same),
    'unet-selection': (lambda: UNet(Selection, 1), (2, 3, 16, 16), same),
    'unet-named': (lambda: NamedUNet(), (1, 3, 16, 16), same),
    'unet-skip-first': (lambda: NamedUNet(skip_first=True), (1, 3, 16, 16), same),
    'unet-milesial': (lambda: MilesialUNet(), (1, 3, 16, 16), same),
    'dark-base': (lambda: SeeInTheDark(standard, standard, 1), (1, 4, 16, 16), same),
    'dark-light': (lambda: SeeInTheDark(standard, Separable, 1), (1, 4, 16, 16), same),
    'dark-lighter': (lambda: SeeInTheDark(Separable, Separable), (1, 4, 16, 32), same),
    'dark-selection': (lambda: SeeInTheDark(standard, Selection, 1), (1, 4, 16, 16), same),
    'dark-numbered': (lambda: SeeInTheDark(standard, standard, 1), (1, 4, 16, 16), numbered),
    'small-resnet': (lambda: SmallResNet(standard), (2, 3, 16, 16), same),
    'small-resnet-separable': (lambda: SmallResNet(Separable), (1, 3, 16, 16), same),
    'small-resnet-selection': (lambda: SmallResNet(Selection), (1, 3, 15, 16), same),
    'resnet18': (lambda: ResNet18(standard), (1, 3, 40, 33), same),
    'resnet18-separable': (lambda: ResNet18(Separable, 1), (1, 3, 32, 32), same),
    'resnet18-selection': (lambda: ResNet18(biased_selection), (1, 3, 32, 32), same),
    'resnet18-unbiased': (lambda: ResNet18(unbiased_selection, 1), (1, 3, 32, 32), same),
    'resnet18-torchvision': (lambda: ResNet18(standard, 1), (1, 3, 32, 32), torchvision),
    'unet-bilinear': (lambda: MilesialUNet(2, bilinear=True), (1, 3, 32, 48), same),
}


def main():
    root = Path(sys.argv[1])
    root.mkdir(parents=True, exist_ok=True)
    for seed, (name, (make, shape, rename)) in enumerate(CASES.items()):
        torch.manual_seed(seed)
        module = make().eval()
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                nn.init.uniform_(layer.weight, 0.5, 1.5)
                nn.init.uniform_(layer.bias, -0.5, 0.5)
                nn.init.uniform_(layer.running_mean, -0.5, 0.5)
                nn.init.uniform_(layer.running_var, 0.25, 1.5)
        module.half()
        torch.save(rename(module.state_dict()), root / f'{name}.pth', _use_new_zipfile_serialization=seed == 0)
        x = torch.rand(shape).half()
        with torch.no_grad():
            y = module.double()(x.double())
        np.save(root / f'{name}.input.npy', x.float().numpy())
        np.save(root / f'{name}.output.npy', y.numpy().astype(np.float32))


if __name__ == '__main__':
    main()
