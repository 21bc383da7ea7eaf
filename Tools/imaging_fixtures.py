#!/usr/bin/env python3
"""Writes Tests/ImagingTests/Fixtures.swift: small pictures of the kinds that Swiftlet reads but does not write, with the
samples that must come out, and reference values of the image measures. Needs NumPy and Pillow:

    python3 Tools/imaging_fixtures.py > Tests/ImagingTests/Fixtures.swift
"""
import base64
import io
import struct
import zlib

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 11, 6
random = np.random.default_rng(7)
fixtures = []


def add(name, data, model, alpha, bits, expected, tolerance=0):
    expected = np.ascontiguousarray(expected, dtype="<u2" if bits == 16 else "u1")
    fixtures.append((name, data, model, alpha, bits, expected.shape[1], expected.shape[0], expected.tobytes(), tolerance))


def saved(image, format, **options):
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


# PNG, by hand, so that every depth, transparency and interlacing can be had.

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed_rows(values, depth):
    """Rows of samples `[height, samples]` as unfiltered PNG lines."""
    lines = b""
    for row in values:
        bits = "".join(format(int(v), f"0{depth}b") for v in row)
        bits += "0" * (-len(bits) % 8)
        lines += b"\0" + bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
    return lines


def png(values, colour, depth, interlaced=False, before_data=b""):
    height, width, channels = values.shape
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    lines = b""
    for x, y, dx, dy in passes:
        part = values[y::dy, x::dx]
        if part.size:
            lines += packed_rows(part.reshape(part.shape[0], -1), depth)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before_data + chunk(b"IDAT", zlib.compress(lines, 9)) +
            chunk(b"IEND", b""))


def samples(channels, depth):
    return random.integers(0, 1 << depth, (HEIGHT, WIDTH, channels))


for depth in (1, 2, 4):
    values = samples(1, depth)
    add(f"PNG of {depth}-bit grey", png(values, 0, depth), "grey", False, 8, values * (255 // ((1 << depth) - 1)))
for interlaced in (False, True):
    suffix = ", interlaced" if interlaced else ""
    palette = random.integers(0, 256, (16, 3))
    alpha = random.integers(0, 256, 9)
    plte = chunk(b"PLTE", palette.astype("u1").tobytes())
    trns = chunk(b"tRNS", alpha.astype("u1").tobytes())
    values = samples(1, 4)
    add("PNG with a palette" + suffix, png(values, 3, 4, interlaced, plte), "rgb", False, 8, palette[values[..., 0]])
    full = np.concatenate([alpha, np.full(7, 255)])
    add("PNG with a palette and alpha" + suffix, png(values, 3, 4, interlaced, plte + trns), "rgb", True, 8,
        np.concatenate([palette[values[..., 0]], full[values]], axis=2))
    greys = random.integers(0, 256, 16)
    plte = chunk(b"PLTE", np.repeat(greys, 3).astype("u1").tobytes())
    add("PNG with a palette of greys" + suffix, png(values, 3, 4, interlaced, plte), "grey", False, 8, greys[values])
    values = samples(3, 16)
    add("PNG of 16-bit RGB" + suffix, png(values, 2, 16, interlaced), "rgb", False, 16, values)
    values = samples(1, 16)
    key = values[2, 3, 0]
    add("PNG of 16-bit grey with a transparent grey" + suffix,
        png(values, 0, 16, interlaced, chunk(b"tRNS", struct.pack(">H", key))), "grey", True, 16,
        np.concatenate([values, np.where(values == key, 0, 65535)], axis=2))
values = samples(3, 8)
values[1, 1] = values[4, 7]
key = values[4, 7]
mask = (values == key).all(axis=2, keepdims=True)
add("PNG of RGB with a transparent colour", png(values, 2, 8, False, chunk(b"tRNS", struct.pack(">HHH", *map(int, key)))),
    "rgb", True, 8, np.concatenate([values, np.where(mask, 0, 255)], axis=2))

# JPEG: smooth, so that decoders agree; Pillow's own decoding is expected.

across, down = np.meshgrid(np.linspace(10, 240, WIDTH), np.linspace(30, 220, HEIGHT))
ramp = np.stack([across, down, np.full((HEIGHT, WIDTH), 90.0)], axis=2)
photo = Image.fromarray(ramp.astype("u1"), "RGB")
for name, options in (("baseline 4:2:0", {}), ("progressive", {"progressive": True}), ("4:4:4", {"subsampling": 0})):
    data = saved(photo, "JPEG", quality=90, **options)
    add(f"JPEG, {name}", data, "rgb", False, 8, np.array(Image.open(io.BytesIO(data))), 2)
data = saved(photo.convert("L"), "JPEG", quality=90)
add("JPEG, grey", data, "grey", False, 8, np.array(Image.open(io.BytesIO(data)))[..., None], 2)
inks = np.concatenate([ramp, 255 - ramp[..., :1] / 4], axis=2).astype("u1")
data = saved(Image.fromarray(inks, "CMYK"), "JPEG", quality=100, subsampling=0)
plain = np.array(Image.open(io.BytesIO(data))).astype(float)  # 255 is full ink
add("JPEG of inks", data, "rgb", False, 8, np.rint((255 - plain[..., :3]) * (255 - plain[..., 3:]) / 255), 3)

# WebP as it comes from photographs.

data = saved(photo, "WEBP", quality=80)
add("WebP, lossy", data, "rgb", False, 8, np.array(Image.open(io.BytesIO(data))), 2)

# TIFF.

values = samples(3, 8).astype("u1")
rgb = Image.fromarray(values, "RGB")
for compression in ("raw", "tiff_lzw", "packbits", "tiff_adobe_deflate"):
    add(f"TIFF, {compression}", saved(rgb, "TIFF", compression=compression), "rgb", False, 8, values)
add("TIFF of 1 bit", saved(Image.fromarray(values[..., 0] > 127), "TIFF", compression="group4"), "grey", False, 8,
    (values[..., :1] > 127) * 255)
quantised = rgb.quantize(16)
add("TIFF with a palette", saved(quantised, "TIFF"), "rgb", False, 8, np.array(quantised.convert("RGB")))
deep = samples(1, 16).astype("<u2")
add("TIFF of 16-bit grey", saved(Image.fromarray(deep[..., 0]), "TIFF"), "grey", False, 16, deep)
rgba = samples(4, 8).astype("u1")
add("TIFF with alpha", saved(Image.fromarray(rgba, "RGBA"), "TIFF"), "rgb", True, 8, rgba)


def tiff(values, bits, photometric, tags=(), planar=1, tile=None, big_endian=False):
    """An uncompressed TIFF of one strip, or of tiles, planes apart where `planar` is 2."""
    order = ">" if big_endian else "<"
    height, width, channels = values.shape
    kind = order + ("u2" if bits == 16 else "u1")
    planes = [values[..., c:c + 1] for c in range(channels)] if planar == 2 else [values]
    blocks = []
    for plane in planes:
        if tile is None:
            blocks.append(plane.astype(kind).tobytes())
            continue
        for y in range(0, height, tile):
            for x in range(0, width, tile):
                block = np.zeros((tile, tile, plane.shape[2]))
                part = plane[y:y + tile, x:x + tile]
                block[:part.shape[0], :part.shape[1]] = part
                blocks.append(block.astype(kind).tobytes())
    data = b"".join(blocks)
    offsets, position = [], 8
    for block in blocks:
        offsets.append(position)
        position += len(block)
    counts = [len(block) for block in blocks]
    entries = [(256, 4, [width]), (257, 4, [height]), (258, 3, [bits] * channels), (259, 3, [1]), (262, 3, [photometric]),
               (277, 3, [channels]), (284, 3, [planar])] + list(tags)
    if tile is None:
        entries += [(273, 4, offsets), (278, 4, [height]), (279, 4, counts)]
    else:
        entries += [(322, 3, [tile]), (323, 3, [tile]), (324, 4, offsets), (325, 4, counts)]
    entries.sort()
    data += b"\0" * (len(data) % 2)
    directory = 8 + len(data)
    extra_start = directory + 2 + 12 * len(entries) + 4
    body, extra = struct.pack(order + "H", len(entries)), b""
    for tag, type_, numbers in entries:
        code = {3: "H", 4: "I"}[type_]
        packed = struct.pack(order + code * len(numbers), *numbers)
        if len(packed) <= 4:
            field = packed.ljust(4, b"\0")
        else:
            field = struct.pack(order + "I", extra_start + len(extra))
            extra += packed
        body += struct.pack(order + "HHI", tag, type_, len(numbers)) + field
    start = (b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "I", directory)
    return start + data + body + struct.pack(order + "I", 0) + extra


values = samples(3, 8)
add("TIFF with planes apart", tiff(values, 8, 2, planar=2), "rgb", False, 8, values)
wide = random.integers(0, 65536, (21, 37, 3))
add("TIFF of 16-bit tiles, big-endian", tiff(wide, 16, 2, tile=16, big_endian=True), "rgb", False, 16, wide)
add("TIFF of tiles with planes apart", tiff(wide // 257, 8, 2, tile=16, planar=2), "rgb", False, 8, wide // 257)
grey = samples(1, 8)
add("TIFF with white as 0", tiff(grey, 8, 0), "grey", False, 8, 255 - grey)
alpha = random.integers(1, 256, (HEIGHT, WIDTH, 1))
colour = np.floor(random.random((HEIGHT, WIDTH, 3)) * (alpha + 1))
add("TIFF with premultiplied alpha", tiff(np.concatenate([colour, alpha], axis=2), 8, 2, [(338, 3, [1])]), "rgb", True, 8,
    np.concatenate([np.floor(colour * 255 / alpha + 0.5), alpha], axis=2))
add("TIFF turned by its tag", tiff(grey, 8, 1, [(274, 3, [6])]), "grey", False, 8, np.rot90(grey, -1))

turned = saved(quantised, "TIFF", tiffinfo={274: 8})
add("TIFF with a palette, turned by its tag", turned, "rgb", False, 8, np.rot90(np.array(quantised.convert("RGB"))))
data = saved(photo, "TIFF", compression="jpeg", quality=95)
add("TIFF, JPEG in YCbCr", data, "rgb", False, 8, np.array(Image.open(io.BytesIO(data)).convert("RGB")), 3)
inks = samples(4, 8)
add("TIFF of inks", tiff(inks, 8, 5), "rgb", False, 8,
    (255 - inks[..., :3]) * (255 - inks[..., 3:]) // 255, 1)

# BMP.

add("BMP, 24 bits", saved(rgb, "BMP"), "rgb", False, 8, np.array(rgb))
add("BMP with a palette", saved(quantised, "BMP"), "rgb", False, 8, np.array(quantised.convert("RGB")))
add("BMP of 1 bit", saved(Image.fromarray(np.array(rgb)[..., 0] > 127), "BMP"), "grey", False, 8,
    (np.array(rgb)[..., :1] > 127) * 255)
add("BMP of 8-bit grey", saved(rgb.convert("L"), "BMP"), "grey", False, 8, np.array(rgb.convert("L"))[..., None])
top_down = bytearray(saved(rgb.transpose(Image.Transpose.FLIP_TOP_BOTTOM), "BMP"))
top_down[22:26] = struct.pack("<i", -HEIGHT)
add("BMP, top row first", bytes(top_down), "rgb", False, 8, np.array(rgb))
five = random.integers(0, 32, (HEIGHT, WIDTH, 3))
words = (five[..., 0] << 10 | five[..., 1] << 5 | five[..., 2]).astype("<u2")
lines = b"".join((row.tobytes() + b"\0\0") for row in words[::-1])
header = struct.pack("<IIIIiiHHIIiiII", 54 + len(lines), 0, 54, 40, WIDTH, HEIGHT, 1, 16, 0, len(lines), 0, 0, 0, 0)
add("BMP, 16 bits", b"BM" + header + lines, "rgb", False, 8, np.floor((five * 255 + 15) / 31))

# What is refused, with words of the reason.

refused = [
    ("TIFF of floats", saved(Image.fromarray(random.random((HEIGHT, WIDTH)).astype("f4")), "TIFF"), "floating-point"),
    ("TIFF of 32-bit numbers", tiff(grey, 8, 1).replace(struct.pack("<HHIHH", 258, 3, 1, 8, 0),
                                                        struct.pack("<HHIHH", 258, 3, 1, 32, 0)), "more than 16 bits"),
    ("WebP animation", saved(rgb, "WEBP", save_all=True, append_images=[rgb.rotate(180)], lossless=True), "animation"),
    ("BMP with a JPEG file inside", b"BM" + struct.pack("<IIIIiiHHIIiiII", 60, 0, 58, 40, 1, 1, 1, 8, 4, 2, 0, 0, 1, 0) +
     b"\0\0\0\0" + b"\0\1", "compression 4"),
    ("JPEG of 12 bits", saved(photo, "JPEG").replace(b"\xff\xc0\0\x11\x08", b"\xff\xc1\0\x11\x0c"), "precision 12"),
]

# Measures.

x, y = np.meshgrid(np.arange(32.0), np.arange(24.0))
first = (x * 7 + y * 13) % 256
second = first * 0.8 + (x * y) % 41


def ssim(a, b):
    """Wang et al. 2004, as in ssim_index.m."""
    window = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5 ** 2))
    window = np.outer(window, window)
    window /= window.sum()

    def mean(v):
        return sum(window[i, j] * v[i:v.shape[0] - 10 + i, j:v.shape[1] - 10 + j] for i in range(11) for j in range(11))

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    return (((2 * ma * mb + c1) * (2 * cov + c2)) / ((ma ** 2 + mb ** 2 + c1) * (va + vb + c2))).mean()


def psnr(a, b):
    return 10 * np.log10(255 ** 2 / ((a - b) ** 2).mean())


def resize_matrix(count, out, scale):
    """MATLAB's contributions as a dense matrix."""
    width = 4 / min(scale, 1)
    matrix = np.zeros((out, count))
    for i in range(out):
        u = (i + 1) / scale + 0.5 * (1 - 1 / scale)
        left = int(np.floor(u - width / 2))
        index = left + np.arange(int(np.ceil(width)) + 2)
        d = np.abs((u - index) * min(scale, 1))
        w = np.where(d <= 1, 1.5 * d ** 3 - 2.5 * d ** 2 + 1, np.where(d <= 2, -0.5 * d ** 3 + 2.5 * d ** 2 - 4 * d + 2, 0))
        w /= w.sum()
        for k, value in zip(index, w):
            m = (k - 1) % (2 * count)
            matrix[i, m if m < count else 2 * count - 1 - m] += value
    return matrix


def resized(a, height, width, scale=None):
    return (resize_matrix(a.shape[0], height, scale or height / a.shape[0]) @ a @
            resize_matrix(a.shape[1], width, scale or width / a.shape[1]).T)


tiny = (np.arange(20.0).reshape(4, 5) * 37) % 101
resizes = [(9, 7, None), (2, 3, None), (4, 3, None), (1, 1, None), (6, 8, 1.5), (3, 4, 0.7), (13, 2, None)]

print("// Made by Tools/imaging_fixtures.py.")
print()
print("struct Fixture: Sendable {")
print("  let name: String\n  let file: String\n  let isGrey: Bool\n  let hasAlpha: Bool\n  let bits: Int\n  let width: Int")
print("  let height: Int\n  let samples: String\n  let tolerance: Int\n}")
print()


def swift_text(data):
    text = base64.b64encode(data).decode()
    lines = [text[i:i + 112] for i in range(0, len(text), 112)]
    body = "\\\n".join("      " + line for line in lines)
    return f'"""\n{body}\n      """'


print("enum Fixtures {")
print("  /// Files and their samples, little-endian, in base 64.")
print("  static let all: [Fixture] = [")
for name, data, model, alpha, bits, width, height, expected, tolerance in fixtures:
    print(f'    Fixture(\n      name: "{name}",\n      file: {swift_text(data)},')
    print(f"      isGrey: {str(model == 'grey').lower()}, hasAlpha: {str(alpha).lower()}, bits: {bits}, width: {width}, "
          f"height: {height},")
    print(f"      samples: {swift_text(expected)}, tolerance: {tolerance}),")
print("  ]")
print()
print("  /// Sound files of kinds that are not read, and words of the reason.")
print("  static let refused: [(name: String, file: String, reason: String)] = [")
for name, data, reason in refused:
    print(f'    (\n      "{name}",\n      {swift_text(data)}, "{reason}"\n    ),')
print("  ]")
print()
print("  /// SSIM and PSNR of `(7 x + 13 y) mod 256` and 0.8 times that plus `x y mod 41`, 32x24.")
print(f"  static let structuralSimilarity = {ssim(first, second)!r}".replace("np.float64(", "").replace(")", ""))
print(f"  static let peakSignalToNoiseRatio = {psnr(first, second)!r}".replace("np.float64(", "").replace(")", ""))
inner = ssim(first[2:-2, 2:-2], second[2:-2, 2:-2])
print(f"  static let structuralSimilarityInside2 = {inner!r}".replace("np.float64(", "").replace(")", ""))
print()
print("  /// `37 i mod 101`, 5x4, resized: width, height, scale (0 where the size rules), elements.")
print("  static let resizes: [(width: Int, height: Int, scale: Double, elements: [Double])] = [")
for height, width, scale in resizes:
    result = resized(tiny, height, width, scale)
    print(f"    (\n      {width}, {height}, {scale or 0},\n      [")
    values = [repr(float(v)) for v in result.ravel()]
    for i in range(0, len(values), 5):
        print("        " + ", ".join(values[i:i + 5]) + ",")
    print("      ]\n    ),")
print("  ]")
print("}")
