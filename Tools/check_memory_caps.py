#!/usr/bin/env python3
"""Holds `swiftlet upscale --memory` to its word, over random pictures, models, scales, threads and limits; with --train
`swiftlet train --memory`, on VDSR (batch 128, 41x41) and U-Net (batch 1, 512x512) with pictures made here.

Each run either keeps the limit, by the peak resident size that the system reports, and gives the same bytes as without a limit; or
refuses in one line, and then the amount that the line names is enough. Needs NumPy, Pillow and GNU time.

    Tools/check_memory_caps.py path/to/swiftlet --runs 200 --seed 1
    Tools/check_memory_caps.py path/to/swiftlet --train
"""
import argparse
import hashlib
import os
import random
import re
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

MODELS = [('edsr', '--features 24 --blocks 2'), ('edsr', '--features 16 --blocks 3 --channels 1 --scale 3'),
          ('edsr', '--features 64 --blocks 2 --scale 4'), ('vdsr', '--depth 6 --features 32'),
          ('edsr', '--features 32 --blocks 2 --convolution separable')]


def picture(folder, rnd, seed, most):
    """A random picture file: size, format, channels, depth, smooth or noisy."""
    random_numbers = np.random.default_rng(seed)
    area = 10 ** rnd.uniform(2.5, np.log10(most))
    ratio = 2 ** rnd.uniform(-3, 3)
    width, height = max(int((area * ratio) ** 0.5), 8), max(int((area / ratio) ** 0.5), 8)
    kind = rnd.choice(['L', 'RGB', 'RGB', 'RGBA', 'LA', 'I;16'])
    format = rnd.choice(['png', 'png', 'jpg', 'webp', 'tif', 'bmp'])
    if kind == 'I;16':
        format = rnd.choice(['png', 'tif'])
        pixels = random_numbers.integers(0, 65536, (height, width), dtype=np.uint16)
        image = Image.fromarray(pixels)
    else:
        channels = {'L': 1, 'RGB': 3, 'RGBA': 4, 'LA': 2}[kind]
        if rnd.random() < 0.5:
            pixels = random_numbers.integers(0, 256, (height, width, channels), dtype=np.uint8)
        else:
            y, x = np.mgrid[0:height, 0:width]
            pixels = np.stack([(np.sin(x / 17 + c) * np.cos(y / 23) * 100 + 128) for c in range(channels)], 2)
            pixels = (pixels + random_numbers.normal(0, 4, pixels.shape)).clip(0, 255).astype(np.uint8)
        image = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels, kind)
        if format in ('jpg', 'bmp'):
            image = image.convert('L' if channels < 3 else 'RGB')
        if format == 'webp':
            image = image.convert('RGBA' if channels % 2 == 0 else 'RGB')
    path = os.path.join(folder, 'in.' + format)
    options = {}
    if format == 'jpg':
        options = {'quality': rnd.choice([60, 95]), 'progressive': rnd.random() < 0.5}
        if rnd.random() < 0.3:
            exif = Image.Exif()
            exif[0x0112] = rnd.choice([3, 6, 8])
            options['exif'] = exif
    elif format == 'webp':
        options = {'lossless': rnd.random() < 0.5}
    elif format == 'tif':
        options = {'compression': rnd.choice([None, 'tiff_lzw', 'tiff_adobe_deflate'])}
    image.save(path, **options)
    return path, f'{width}x{height} {image.mode} {format}'


def run(command, arguments):
    """Exit code, standard error and peak resident size in bytes."""
    done = subprocess.run(['/usr/bin/time', '-f', '%M', command] + arguments, capture_output=True, text=True)
    lines = done.stderr.strip().split('\n')
    # The models are new ones, which the command says.
    lines = [line for line in lines if not line.startswith('Command exited') and 'as random as those of a new' not in line]
    return done.returncode, '\n'.join(lines[:-1]), int(lines[-1]) * 1024


VDSR = """
model: {architecture: vdsr, options: {depth: 20, features: 64}}
data: {kind: masks, pictures: FOLDER/pictures, masks: FOLDER/masks, patch: 41, patches-per-picture: 64}
training: {epochs: 1, batch-size: 128, loss: mse-sum, optimizer: sgd, learning-rate: 0.0001, clip-norm: 0.4}
"""
UNET = """
model: {architecture: unet, options: {channels: 1, classes: 1, features: WIDTH}}
data: {kind: masks, pictures: FOLDER/pictures, masks: FOLDER/masks, grey: true, classes: 1}
training: {epochs: 1, batch-size: 1, loss: binary-cross-entropy, optimizer: sgd, learning-rate: 0.001}
"""


def train(options):
    """Trains under limits: the peak keeps each, the model has the bytes of one trained without."""
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        numbers = np.random.default_rng(options.seed)
        for kind in ('pictures', 'masks'):
            os.mkdir(os.path.join(folder, kind))
        for index in range(4):
            y, x = np.mgrid[0:512, 0:512]
            base = np.sin(x / (7 + index)) * np.cos(y / (11 + index))
            noise = numbers.normal(0, 8, base.shape)
            for kind, pixels in (('pictures', base * 100 + 128 + noise), ('masks', (base > 0) * 255.0)):
                Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(os.path.join(folder, kind, f'{index}.png'))
        recipes = [('vdsr 128x1x41x41', VDSR), ('unet 1x1x512x512', UNET.replace('WIDTH', str(options.features)))]
        for name, text in [pair for pair in recipes if options.only in pair[0]]:
            recipe = os.path.join(folder, 'recipe.yaml')
            open(recipe, 'w').write(text.replace('FOLDER', folder))

            def attempt(limit):
                """Exit code, error, peak, digest of the model, seconds, the line about memory."""
                output = os.path.join(folder, f'run-{name.split()[0]}-{limit}')
                arguments = ['train', recipe, '-o', output, '--threads', str(options.threads)]
                start = time.time()
                done = subprocess.run(
                    ['/usr/bin/time', '-f', '%M', options.swiftlet] + arguments + (['--memory', f'{limit >> 10}K'] if limit else []),
                    capture_output=True, text=True)
                lines = done.stderr.strip().split('\n')
                line = next((line for line in done.stdout.split('\n') if line.startswith('memory:')), '')
                model = os.path.join(output, 'model.safetensors')
                digest = hashlib.sha256(open(model, 'rb').read()).hexdigest()[:16] if os.path.exists(model) else None
                return done.returncode, '\n'.join(lines[:-1]), int(lines[-1]) * 1024, digest, time.time() - start, line

            code, error, free, expected, seconds, _ = attempt(None)
            if code != 0:
                print(f'{name}: {error}')
                failures += 1
                continue
            print(f'{name} without a limit: {free / 2**20:.1f} MiB, {seconds:.1f} s, {expected}', flush=True)
            # What cannot be kept names what is enough.
            _, error, _, _, _, _ = attempt(64 << 20)
            named = re.search(r'about (\d+) MiB of memory are needed', error)
            if not named:
                print(f'{name} in 64 MiB: {error}')
                failures += 1
                continue
            least = int(named[1]) << 20
            for limit in [least] + [int(free * share) for share in (0.5, 0.75) if free * share > least]:
                code, error, peak, digest, capped, line = attempt(limit)
                problem = error if code != 0 else 'TOO MUCH' if peak > limit else 'OTHER BITS' if digest != expected else 'kept'
                failures += problem != 'kept'
                print(f'{name} in {limit / 2**20:.0f} MiB: {peak / 2**20:.1f} MiB, {capped:.1f} s '
                      f'({capped / seconds:.2f}x), {digest}: {problem}; {line}', flush=True)
    sys.exit(1 if failures else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('swiftlet')
    parser.add_argument('--runs', type=int, default=200)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--pixels', type=float, default=1.2e6, help='the largest picture')
    parser.add_argument('--verbose', action='store_true')
    parser.add_argument('--train', action='store_true', help='training instead of pictures')
    parser.add_argument('--threads', type=int, default=2, help='of training')
    parser.add_argument('--features', type=int, default=32, help='of the first level of U-Net')
    parser.add_argument('--only', default='', help='vdsr or unet')
    options = parser.parse_args()
    if options.train:
        train(options)
    kept = refused = 0
    failures = []
    shares = []
    with tempfile.TemporaryDirectory() as folder:
        models = ['upscale-x2', 'upscale-x3', 'upscale-x4']
        for index, (name, arguments) in enumerate(MODELS):
            path = os.path.join(folder, f'{name}{index}.safetensors')
            subprocess.run([options.swiftlet, 'new', name, '-o', path] + arguments.split(), check=True, stdout=subprocess.DEVNULL)
            models.append(path)
        for index in range(options.runs):
            seed = options.seed * 100_000 + index
            rnd = random.Random(seed)
            source, text = picture(folder, rnd, seed, options.pixels)
            output = 'out.' + rnd.choice(['png', 'png', 'jpg', 'webp', 'tif', 'bmp'])
            arguments = ['upscale', source, '-m', rnd.choice(models), '--threads', str(rnd.randint(1, 8))]
            if rnd.random() < 0.35:
                arguments += ['--scale', rnd.choice(['1', '1.5', '2.5', '3', '5'])]
            if rnd.random() < 0.1:
                arguments += ['--tta']
            if output.endswith('webp') and rnd.random() < 0.5:
                arguments += ['--quality', str(rnd.choice([50, 90, 100]))]
            if output.endswith('jpg') and rnd.random() < 0.5:
                arguments += ['--quality', str(rnd.choice([70, 97, 100]))]
            if rnd.random() < 0.2:
                arguments += ['--tile', rnd.choice(['64', '200', 'none'])]
            if rnd.random() < 0.4:
                arguments += ['--alpha', 'network']
            limit = int(2 ** rnd.uniform(4.8, 9.5)) << 20
            free, capped = os.path.join(folder, 'free-' + output), os.path.join(folder, 'capped-' + output)
            description = f'{seed}: {text} -> {output} {" ".join(arguments[2:])} --memory {limit >> 20}M'

            def attempt(limit):
                """What is wrong, or None; the amount that a refusal names, or None."""
                code, error, peak = run(options.swiftlet, arguments + ['-o', capped, '--memory', f'{limit >> 10}K'])
                if code == 0:
                    if peak > limit:
                        return f'took {peak / 2**20:.1f} of {limit / 2**20:.1f} MiB', None
                    shares.append(peak / limit)
                    if not os.path.exists(free):
                        code, error, peak = run(options.swiftlet, arguments + ['-o', free])
                        if code != 0:
                            return 'without a limit: ' + error, None
                    return (None if open(free, 'rb').read() == open(capped, 'rb').read() else 'another picture'), None
                named = re.search(r'about (\d+) MiB of memory are needed', error)
                if code != 1 or '\n' in error:
                    return f'exit {code}: {error}', None
                return (None, int(named[1]) << 20) if named else (None if 'black' in error or 'larger than' in error else error, None)

            problem, needed = attempt(limit)
            if needed:
                refused += 1
                if needed <= limit:
                    problem = f'refused, though {needed >> 20} MiB would do'
                elif needed <= 2 << 30:
                    problem, again = attempt(needed)
                    if again:
                        problem = f'named {needed >> 20} MiB, then {again >> 20}'
            elif not problem:
                kept += 1
            if options.verbose or problem:
                print(description, '->', problem or ('refused' if needed else 'kept'), flush=True)
            if problem:
                failures.append(description)
            for path in (free, capped):
                if os.path.exists(path):
                    os.remove(path)
    shares.sort()
    print(f'{options.runs} runs: {kept} kept, {refused} refused, {len(failures)} failed; peak over limit: '
          f'median {shares[len(shares) // 2]:.2f}, largest {shares[-1]:.2f}')
    sys.exit(1 if failures else 0)


main()
