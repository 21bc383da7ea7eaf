#!/usr/bin/env python3
"""Trains the luma upscalers that ship with Swiftlet (upscale-x2, upscale-x3, upscale-x4) with PyTorch on a CPU.

    python train_upscalers.py --train T91 --test Set5 --scales 2 4 3 --output models

--train and --test are folders of .bmp or .png images. The defaults are the settings that the shipped models were trained
with; Documentation/Models.md is their model card. For each scale the script writes, every two minutes and at the end,

    upscale-x2.pth          the state dict alone, as PyTorch's zip format
    upscale-x2.safetensors  the same tensors under the same names
    upscale-x2.log          steps, loss, and PSNR on the test images

Swiftlet makes its own model file of the state dict:

    swiftlet convert upscale-x2.pth --architecture edsr --residual-scale 1 -o shipped/upscale-x2.safetensors

Needs torch, numpy and Pillow.
"""
import argparse
import json
import math
import struct
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image

# One row a scale: blocks, side of a low-resolution patch, steps. x3 and x4 begin with the body that x2 has learnt.
PLANS = {2: (3, 32, 22000), 3: (4, 24, 12000), 4: (4, 24, 6000)}


# Images ---------------------------------------------------------------------------------------------------------------

def cubic(x):
    """Keys' cubic, a = -0.5, as MATLAB's imresize uses it."""
    x = np.abs(x)
    near = 1.5 * x ** 3 - 2.5 * x ** 2 + 1
    far = -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0))


def resize_matrix(length, out_length, scale):
    """The [out_length, length] matrix of a bicubic resize along one axis: antialiased when it shrinks, mirrored edges."""
    shrink = min(scale, 1.0)
    width = 4 / shrink
    centre = (np.arange(out_length) + 1) / scale + 0.5 * (1 - 1 / scale)
    taps = math.ceil(width) + 2
    index = np.floor(centre - width / 2)[:, None] + np.arange(taps)[None, :]
    weight = shrink * cubic(shrink * (centre[:, None] - index))
    weight /= weight.sum(1, keepdims=True)
    mirror = np.concatenate([np.arange(length), np.arange(length)[::-1]])
    column = mirror[np.mod(index.astype(int) - 1, 2 * length)]
    matrix = np.zeros((out_length, length))
    np.add.at(matrix, (np.arange(out_length)[:, None], column), weight)
    return matrix


def imresize(image, scale):
    """MATLAB's imresize(image, scale, 'bicubic') in double; the last axis may be colour.

    MATLAB filters the axis of the smaller factor first, rows first when they are equal; in exact arithmetic the order
    makes no difference.
    """
    rows, columns = math.ceil(image.shape[0] * scale), math.ceil(image.shape[1] * scale)
    image = np.tensordot(resize_matrix(image.shape[0], rows, scale), image, axes=(1, 0))
    image = np.tensordot(resize_matrix(image.shape[1], columns, scale), image, axes=(1, 1))
    return image.swapaxes(0, 1)


def luma(rgb):
    """Y of BT.601 on its 16..235 scale, in double."""
    return 16 + rgb.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255


def crop(image, multiple):
    return image[: image.shape[0] // multiple * multiple, : image.shape[1] // multiple * multiple]


def read_folder(folder):
    files = sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in ('.bmp', '.png'))
    if not files:
        sys.exit(f'{folder} holds no .bmp or .png file')
    return [(p.stem, np.asarray(Image.open(p).convert('RGB'))) for p in files]


# Network --------------------------------------------------------------------------------------------------------------

def conv3(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class ResidualBlock(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.a, self.b = conv3(features, features), conv3(features, features)
        with torch.no_grad():  # a block begins close to the identity; the residual scale itself is 1
            self.b.weight.mul_(0.1)

    def forward(self, x):
        return x + self.b(F.relu(self.a(x)))


class EDSR(nn.Module):
    """EDSR for luma: no convolution at the end of the body, no mean shift, residual scale 1; x4 is two x2 stages."""

    def __init__(self, blocks, features, scale):
        super().__init__()
        self.head = conv3(1, features)
        self.body = nn.Sequential(*[ResidualBlock(features) for _ in range(blocks)])
        self.stage = 2 if scale == 4 else scale
        up = [conv3(features, features * self.stage ** 2) for _ in range(2 if scale == 4 else 1)]
        self.up = nn.ModuleList(up) if scale == 4 else up[0]
        self.tail = conv3(features, 1)

    def forward(self, x):
        x = self.head(x)
        x = x + self.body(x)
        for up in self.up if isinstance(self.up, nn.ModuleList) else [self.up]:
            x = F.pixel_shuffle(up(x), self.stage)
        return self.tail(x)


def multiply_adds(network, scale):
    """Multiply-adds for one pixel of the small image."""
    total = 0
    for name, parameter in network.named_parameters():
        if parameter.ndim == 4:
            finer = {'tail': scale ** 2, 'up.1': 4}.get(name.removesuffix('.weight'), 1)
            total += parameter.numel() * finer
    return total


# Data -----------------------------------------------------------------------------------------------------------------

class Patches:
    """Random pairs of small and large luma patches, 0..1, turned and mirrored at random.

    Half of the samples come from a small image that was rounded to 8 bits in RGB, as a real photo is; the other half from
    one that was not, as in the usual protocol of evaluation.
    """

    def __init__(self, images, scale, side, shrinks, seed):
        self.scale, self.side, self.random = scale, side, np.random.default_rng(seed)
        self.pairs, room = [], []
        for _, image in images:
            for shrink in shrinks:
                rgb = image if shrink == 1 else np.clip(np.rint(imresize(image.astype(np.float64), shrink)), 0, 255)
                rgb = crop(rgb.astype(np.float64), scale)
                if min(rgb.shape[:2]) < side * scale:
                    continue
                low = imresize(rgb, 1 / scale)
                exact, rounded = luma(low), luma(np.clip(np.rint(low), 0, 255))
                self.pairs.append([np.float32(x / 255) for x in (exact, rounded, luma(rgb))])
                room.append((exact.shape[0] - side + 1) * (exact.shape[1] - side + 1))
        self.share = np.cumsum(room) / np.sum(room)

    def batch(self, count):
        low = np.empty((count, 1, self.side, self.side), np.float32)
        high = np.empty((count, 1, self.side * self.scale, self.side * self.scale), np.float32)
        for k in range(count):
            pair = self.pairs[np.searchsorted(self.share, self.random.random(), side='right')]
            small, large = pair[self.random.integers(2)], pair[2]
            y = self.random.integers(small.shape[0] - self.side + 1)
            x = self.random.integers(small.shape[1] - self.side + 1)
            turns, mirror = self.random.integers(4), self.random.integers(2)
            for out, source, zoom in ((low, small, 1), (high, large, self.scale)):
                side = self.side * zoom
                patch = np.rot90(source[y * zoom:y * zoom + side, x * zoom:x * zoom + side], turns)
                out[k, 0] = patch[:, ::-1] if mirror else patch
        return torch.from_numpy(low), torch.from_numpy(high)


# Evaluation -----------------------------------------------------------------------------------------------------------

def psnr(a, b, border):
    error = (a - b)[border:-border, border:-border]
    return 10 * math.log10(255 ** 2 / np.mean(error ** 2))


class Test:
    """PSNR on Y as the VDSR paper measures it.

    Y of BT.601 in double; cropped to a multiple of 2, then of 3, up to the scale; MATLAB's bicubic down, not rounded; the
    network in float32 on Y/255; output clipped to 0..255, not rounded; a border of `scale` pixels left out.
    """

    def __init__(self, images, scale):
        self.scale, self.items = scale, []
        for name, image in images:
            truth = luma(image)
            for multiple in range(2, scale + 1):
                truth = crop(truth, multiple)
            low = imresize(truth, 1 / scale)
            self.items.append((name, truth, low, imresize(low, scale)))

    def bicubic(self):
        return {name: psnr(truth, np.clip(up, 0, 255), self.scale) for name, truth, _, up in self.items}

    @torch.no_grad()
    def network(self, network):
        result = {}
        for name, truth, low, _ in self.items:
            output = network(torch.from_numpy(np.float32(low / 255))[None, None])[0, 0].double().numpy() * 255
            result[name] = psnr(truth, np.clip(output, 0, 255), self.scale)
        return result


def mean(values):
    return sum(values.values()) / len(values)


# Files ----------------------------------------------------------------------------------------------------------------

def write_safetensors(path, tensors, metadata):
    header, offset, data = {'__metadata__': metadata}, 0, []
    for name, tensor in tensors.items():
        raw = tensor.detach().contiguous().numpy().astype('<f4').tobytes()
        header[name] = {'dtype': 'F32', 'shape': list(tensor.shape), 'data_offsets': [offset, offset + len(raw)]}
        offset += len(raw)
        data.append(raw)
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    path.write_bytes(struct.pack('<Q', len(text)) + text + b''.join(data))


def save(folder, name, network, metadata):
    state = {key: value.detach().clone() for key, value in network.state_dict().items()}
    torch.save(state, folder / f'{name}.pth')
    write_safetensors(folder / f'{name}.safetensors', state, metadata)


# Training -------------------------------------------------------------------------------------------------------------

def begin_with(network, path, log):
    """Takes over the tensors of `path` that have the same name and shape, but for the upsampler, whose meaning differs."""
    own, other = network.state_dict(), torch.load(path, weights_only=True)
    taken = {k: v for k, v in other.items() if k in own and v.shape == own[k].shape and not k.startswith('up')}
    network.load_state_dict(own | taken)
    log(f'{len(taken)} of {len(own)} tensors begin as those of {path.name}')


def train(scale, arguments, train_images, test_images):
    blocks, side, steps = PLANS[scale]
    side, steps, blocks = arguments.patch or side, arguments.steps or steps, arguments.blocks or blocks
    torch.manual_seed(arguments.seed + scale)
    name = f'upscale-x{scale}'
    lines = (arguments.output / f'{name}.log').open('w', buffering=1)

    def log(text):
        print(f'{name}  {text}', flush=True)
        lines.write(text + '\n')

    network = EDSR(blocks, arguments.features, scale)
    if scale != 2 and (arguments.output / 'upscale-x2.pth').exists() and not arguments.fresh:
        begin_with(network, arguments.output / 'upscale-x2.pth', log)
    network = network.to(memory_format=torch.channels_last)
    average = EDSR(blocks, arguments.features, scale)
    average.load_state_dict(network.state_dict())
    data = Patches(train_images, scale, side, arguments.shrinks, arguments.seed + scale)
    test = Test(test_images, scale)
    metadata = {'format': 'pt', 'architecture': 'edsr', 'scale': str(scale), 'blocks': str(blocks),
                'features': str(arguments.features), 'channels': '1', 'residual_scale': '1'}
    log(f'{sum(p.numel() for p in network.parameters()):,} parameters, {multiply_adds(network, scale):,} multiply-adds a '
        f'small pixel, {len(data.pairs)} images, {steps} steps of {arguments.batch} patches {side}x{side}')
    log(f'bicubic {mean(test.bicubic()):.4f} dB')

    optimizer = torch.optim.Adam(network.parameters(), lr=arguments.rate)
    tensors = list(zip(average.parameters(), network.parameters()))
    began = reported = time.monotonic()
    total_loss, counted = 0.0, 0
    for step in range(1, steps + 1):
        warm = min(1.0, step / arguments.warmup)
        cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
        optimizer.param_groups[0]['lr'] = warm * (arguments.final_rate + (arguments.rate - arguments.final_rate) * cosine)
        low, high = data.batch(arguments.batch)
        loss = F.l1_loss(network(low.contiguous(memory_format=torch.channels_last)), high)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), arguments.clip)
        optimizer.step()
        decay = min(arguments.decay, step / (step + 10))
        with torch.no_grad():
            torch._foreach_lerp_([a for a, _ in tensors], [p.detach() for _, p in tensors], 1 - decay)
        total_loss, counted = total_loss + loss.item(), counted + 1
        if time.monotonic() - reported >= arguments.every or step == steps:
            reported = time.monotonic()
            result = test.network(average)
            log(f'step {step:6d}  {reported - began:6.0f} s  L1 {255 * total_loss / counted:.4f}  '
                f'{mean(result):.4f} dB  ' + ' '.join(f'{k} {v:.2f}' for k, v in result.items()))
            total_loss, counted = 0.0, 0
            save(arguments.output, name, average, metadata)
    bicubic, result = test.bicubic(), test.network(average)
    log('| image | bicubic | network |\n|---|---|---|')
    for key in result:
        log(f'| {key} | {bicubic[key]:.4f} | {result[key]:.4f} |')
    log(f'| mean | {mean(bicubic):.4f} | {mean(result):.4f} |')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--train', required=True, type=Path, help='folder of training images')
    parser.add_argument('--test', required=True, type=Path, help='folder of test images (Set5)')
    parser.add_argument('--output', type=Path, default=Path('models'), help='folder for the models (default: models)')
    parser.add_argument('--scales', type=int, nargs='+', default=[2, 4, 3], choices=sorted(PLANS), help='default: 2 4 3')
    parser.add_argument('--features', type=int, default=32, help='channels inside the network (default: 32)')
    parser.add_argument('--blocks', type=int, help='residual blocks (default: 3 for x2, 4 for x3 and x4)')
    parser.add_argument('--patch', type=int, help='side of a small patch (default: 32 for x2, 24 for x3 and x4)')
    parser.add_argument('--steps', type=int, help='default: ' + ', '.join(f'x{s}: {p[2]}' for s, p in PLANS.items()))
    parser.add_argument('--batch', type=int, default=16, help='patches a step (default: 16)')
    parser.add_argument('--rate', type=float, default=2e-3, help="Adam's largest step size (default: 2e-3)")
    parser.add_argument('--final-rate', type=float, default=1e-6, help='and its last, after a cosine (default: 1e-6)')
    parser.add_argument('--warmup', type=int, default=200, help='steps of linear warm-up (default: 200)')
    parser.add_argument('--clip', type=float, default=1.0, help='largest norm of the gradient (default: 1)')
    parser.add_argument('--decay', type=float, default=0.999, help='decay of the average of the weights (default: 0.999)')
    parser.add_argument('--shrinks', type=float, nargs='+', default=[1, 0.8, 0.6], help='copies of the training images')
    parser.add_argument('--every', type=float, default=120, help='seconds between checkpoints (default: 120)')
    parser.add_argument('--threads', type=int, default=2, help='default: 2')
    parser.add_argument('--seed', type=int, default=2026, help='default: 2026')
    parser.add_argument('--fresh', action='store_true', help='train x3 and x4 from nothing, not from the body of x2')
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.output.mkdir(parents=True, exist_ok=True)
    train_images, test_images = read_folder(arguments.train), read_folder(arguments.test)
    for scale in arguments.scales:
        train(scale, arguments, train_images, test_images)


if __name__ == '__main__':
    main()
