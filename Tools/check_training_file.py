#!/usr/bin/env python3
"""Holds the file of `swiftlet data prepare` against an independent computation in numpy.

    check_training_file.py FILE.h5 FOLDER [--scales 2,3,4] [--downscales 1] [--patch 41] [--stride 41] [--in-order]

The file must have been made of FOLDER with the same options and without --flips and --rotations. Without --in-order the rows are
compared as a set. Needs h5py, numpy and Pillow.
"""
import argparse
import os
import sys

import h5py
import numpy as np
from PIL import Image


def cubic(x):
    x = np.abs(x)
    return np.where(x <= 1, 1.5 * x**3 - 2.5 * x**2 + 1, np.where(x <= 2, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2, 0))


def matrix(count, outputs, scale):
    """The matrix of MATLAB's imresize along one axis."""
    result = np.zeros((outputs, count))
    width = 4 / min(scale, 1)
    for row in range(outputs):
        u = (row + 1) / scale + 0.5 * (1 - 1 / scale)
        left = int(np.floor(u - width / 2))
        columns = np.arange(left, left + int(np.ceil(width)) + 2)
        weights = cubic((u - columns) * min(scale, 1)) * min(scale, 1)
        weights /= weights.sum()
        for column, weight in zip(columns - 1, weights):
            column %= 2 * count
            result[row, column if column < count else 2 * count - 1 - column] += weight
    return result


def resized(plane, shape, scales):
    return matrix(plane.shape[0], shape[0], scales[0]) @ plane @ matrix(plane.shape[1], shape[1], scales[1]).T


def by(plane, scale):
    return resized(plane, [int(np.ceil(scale * side)) for side in plane.shape], (scale, scale))


def patches(path, scales, downscales, patch, stride):
    rgb = np.asarray(Image.open(path).convert("RGB"), dtype="f8")
    luma = 16 + rgb @ np.array([65.481, 128.553, 24.966]) / 255
    for scale in scales:
        for downscale in downscales:
            label = luma if downscale == 1 else by(luma, downscale)
            label = label[: label.shape[0] // scale * scale, : label.shape[1] // scale * scale]
            small = by(label, 1 / scale)
            data = resized(small, label.shape, [a / b for a, b in zip(label.shape, small.shape)])
            for y in range(0, label.shape[0] - patch + 1, stride):
                for x in range(0, label.shape[1] - patch + 1, stride):
                    yield [p[y : y + patch, x : x + patch] / 255 for p in (data, label)]


parser = argparse.ArgumentParser()
parser.add_argument("file")
parser.add_argument("folder")
parser.add_argument("--scales", default="2,3,4")
parser.add_argument("--downscales", default="1")
parser.add_argument("--patch", type=int, default=41)
parser.add_argument("--stride", type=int, default=41)
parser.add_argument("--in-order", action="store_true")
arguments = parser.parse_args()

expected = []
for name in sorted(os.listdir(arguments.folder)):
    expected += patches(
        os.path.join(arguments.folder, name), [int(s) for s in arguments.scales.split(",")],
        [float(s) for s in arguments.downscales.split(",")], arguments.patch, arguments.stride)
expected = np.array(expected)[:, :, None]
with h5py.File(arguments.file) as file:
    for name in ("data", "label"):
        d = file[name]
        print(f"{name}: {d.shape} {d.dtype}, chunks {d.chunks}, at most {d.maxshape}, {d.compression or 'not packed'}")
    got = np.stack([file["data"][:], file["label"][:]], axis=1)
if got.shape != expected.shape:
    sys.exit(f"shapes differ: {got.shape} and {expected.shape}")
if not arguments.in_order:
    # Rows are paired by what they are, to five digits of their middle rows.
    def keys(rows):
        return np.lexsort(np.round(rows.reshape(len(rows), -1)[:, ::97].astype("f8"), 5).T)
    got, expected = got[keys(got)], expected[keys(expected)]
difference = np.abs(got - expected).max()
exact = np.mean(got == expected.astype("f4"))
print(f"{len(got)} rows; largest difference {difference:.2e}, {100 * exact:.3f} % of the elements the same float32")
sys.exit(0 if difference < 2e-7 else 1)
