"""Writes Tests/FormatsTests/Fixtures: small VDSR, EDSR, SRVGG and RRDB modules of PyTorch under each naming that `convert` knows.

    python Tools/make_conversion_fixtures.py Tests/FormatsTests/Fixtures

A folder a module: one .npy for each tensor of its state dict, under its name, and `input.npy` and `output.npy`, which the
converted network must meet. PyTorch computes in float64; everything is stored as float32. Needs torch and numpy.
"""
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

FEATURES, BLOCKS = 4, 2


def conv3(inputs, outputs, bias=True):
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)


class PlainVDSR(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [conv3(1, FEATURES, False), nn.ReLU()]
        for _ in range(BLOCKS):
            layers += [conv3(FEATURES, FEATURES, False), nn.ReLU()]
        self.f = nn.Sequential(*layers, conv3(FEATURES, 1, False))

    def forward(self, x):
        return x + self.f(x)


class ConvReLU(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = conv3(FEATURES, FEATURES, False)

    def forward(self, x):
        return F.relu(self.conv(x))


class OriginalVDSR(nn.Module):
    """The names of twtygqyy/pytorch-vdsr."""

    def __init__(self):
        super().__init__()
        self.residual_layer = nn.Sequential(*[ConvReLU() for _ in range(BLOCKS)])
        self.input, self.output = conv3(1, FEATURES, False), conv3(FEATURES, 1, False)

    def forward(self, x):
        return self.output(self.residual_layer(F.relu(self.input(x)))) + x


class PlainBlock(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.a, self.b, self.scale = conv3(FEATURES, FEATURES), conv3(FEATURES, FEATURES), scale

    def forward(self, x):
        return x + self.b(F.relu(self.a(x))) * self.scale


class PlainEDSR(nn.Module):
    """One convolution `up`, or for x4 two stages `up.0` and `up.1`."""

    def __init__(self, scale, channels, residual_scale):
        super().__init__()
        self.head = conv3(channels, FEATURES)
        self.body = nn.Sequential(*[PlainBlock(residual_scale) for _ in range(BLOCKS)])
        self.stage = 2 if scale == 4 else scale
        up = [conv3(FEATURES, FEATURES * self.stage ** 2) for _ in range(2 if scale == 4 else 1)]
        self.up = nn.ModuleList(up) if scale == 4 else up[0]
        self.tail = conv3(FEATURES, channels)

    def forward(self, x):
        x = self.head(x)
        x = x + self.body(x)
        for up in self.up if isinstance(self.up, nn.ModuleList) else [self.up]:
            x = F.pixel_shuffle(up(x), self.stage)
        return self.tail(x)


class MeanShift(nn.Conv2d):
    def __init__(self, sign):
        super().__init__(3, 3, 1)
        self.weight.data = torch.eye(3).view(3, 3, 1, 1)
        self.bias.data = sign * 255 * torch.tensor((0.4488, 0.4371, 0.4040))


class OriginalBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(conv3(FEATURES, FEATURES), nn.ReLU(True), conv3(FEATURES, FEATURES))

    def forward(self, x):
        return self.body(x) + x


class OriginalEDSR(nn.Module):
    """The names and the baseline layout of sanghyun-son/EDSR-PyTorch."""

    def __init__(self, scale):
        super().__init__()
        self.sub_mean, self.add_mean = MeanShift(-1), MeanShift(1)
        self.head = nn.Sequential(conv3(3, FEATURES))
        self.body = nn.Sequential(*[OriginalBlock() for _ in range(BLOCKS)], conv3(FEATURES, FEATURES))
        up = []
        for factor in [2, 2] if scale == 4 else [scale]:
            up += [conv3(FEATURES, FEATURES * factor ** 2), nn.PixelShuffle(factor)]
        self.tail = nn.Sequential(nn.Sequential(*up), conv3(FEATURES, 3))

    def forward(self, x):
        x = self.head(self.sub_mean(x))
        return self.add_mean(self.tail(self.body(x) + x))


class SRVGG(nn.Module):
    """The names and the form of SRVGGNetCompact of xinntao/Real-ESRGAN."""

    def __init__(self, scale):
        super().__init__()
        layers = [conv3(3, FEATURES), nn.PReLU(FEATURES)]
        for _ in range(BLOCKS):
            layers += [conv3(FEATURES, FEATURES), nn.PReLU(FEATURES)]
        self.body = nn.ModuleList([*layers, conv3(FEATURES, 3 * scale ** 2)])
        self.scale = scale
        for layer in self.body[1::2]:
            nn.init.uniform_(layer.weight, -0.5, 0.5)

    def forward(self, x):
        y = x
        for layer in self.body:
            y = layer(y)
        return F.pixel_shuffle(y, self.scale) + F.interpolate(x, scale_factor=self.scale, mode='nearest')


class DenseBlock(nn.Module):
    def __init__(self, growth):
        super().__init__()
        for n in range(1, 6):
            setattr(self, f'conv{n}', conv3(FEATURES + (n - 1) * growth, growth if n < 5 else FEATURES))

    def forward(self, x):
        values = [x]
        for n in range(1, 5):
            values.append(F.leaky_relu(getattr(self, f'conv{n}')(torch.cat(values, 1)), 0.2))
        return self.conv5(torch.cat(values, 1)) * 0.2 + x


class RRDBlock(nn.Module):
    def __init__(self, growth):
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = DenseBlock(growth), DenseBlock(growth), DenseBlock(growth)

    def forward(self, x):
        return self.rdb3(self.rdb2(self.rdb1(x))) * 0.2 + x


class RRDB(nn.Module):
    """The names and the form of RRDBNet of xinntao/BasicSR."""

    def __init__(self, scale, growth=3):
        super().__init__()
        self.fold = 4 // scale
        self.conv_first = conv3(3 * self.fold ** 2, FEATURES)
        self.body = nn.Sequential(*[RRDBlock(growth) for _ in range(BLOCKS)])
        self.conv_body = conv3(FEATURES, FEATURES)
        self.conv_up1, self.conv_up2, self.conv_hr = (conv3(FEATURES, FEATURES) for _ in range(3))
        self.conv_last = conv3(FEATURES, 3)

    def forward(self, x):
        x = self.conv_first(F.pixel_unshuffle(x, self.fold))
        x = x + self.conv_body(self.body(x))
        for conv in (self.conv_up1, self.conv_up2):
            x = F.leaky_relu(conv(F.interpolate(x, scale_factor=2, mode='nearest')), 0.2)
        return self.conv_last(F.leaky_relu(self.conv_hr(x), 0.2))


CASES = {
    'vdsr-plain': (PlainVDSR, 1, 1),
    'vdsr-original': (OriginalVDSR, 1, 1),
    'edsr-plain-x2': (lambda: PlainEDSR(2, 3, 0.1), 3, 1),
    'edsr-plain-x3-luma': (lambda: PlainEDSR(3, 1, 1), 1, 1),
    'edsr-plain-x4-luma': (lambda: PlainEDSR(4, 1, 1), 1, 1),
    'edsr-original-x2': (lambda: OriginalEDSR(2), 3, 255),
    'edsr-original-x4': (lambda: OriginalEDSR(4), 3, 255),
    'srvgg-x3': (lambda: SRVGG(3), 3, 1),
    'rrdb-x2': (lambda: RRDB(2), 3, 1),
}


def main():
    root = Path(sys.argv[1])
    for seed, (name, (make, channels, maximum)) in enumerate(CASES.items()):
        torch.manual_seed(seed)
        module = make()
        x = (torch.rand(1, channels, 4, 6 if 'rrdb' in name else 5) * maximum).float()
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for key, tensor in module.state_dict().items():
            np.save(folder / f'{key}.npy', tensor.numpy())
        with torch.no_grad():
            y = module.double()(x.double())
        np.save(folder / 'input.npy', x.numpy())
        np.save(folder / 'output.npy', y.numpy().astype(np.float32))


if __name__ == '__main__':
    main()
