#!/usr/bin/env python3
"""Holds networks whose inner sizes depend on the input's size against ONNX Runtime, at the size of the export and four others.

  python Tools/compare_onnx_sizes.py --swiftlet .build/release/swiftlet [NAME ...] [--export]

Each network is exported by PyTorch with open axes (TorchScript and the newer exporter) and at one size; some are put together by
hand, as other exporters write them (NHWC, several opsets). `swiftlet run` must give ONNX Runtime's output, within --bound of its
largest value, or refuse with a line that names a node or an input: what differs without a word, or crashes, is counted as FAILED.
A file of fixed size must be refused at another size, as ONNX Runtime does. With --export our own export of what was read runs in
ONNX Runtime, too. Needs torch, onnx, onnxscript and onnxruntime.
"""
import argparse, collections, os, subprocess, sys, tempfile, warnings
warnings.filterwarnings('ignore')
import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

EXPORT_SIZE = (45, 61)
SIZES = [EXPORT_SIZE, (32, 48), (64, 33), (50, 70), (97, 41)]


class Net(nn.Module):
    """A function of an image behind a convolution, with modules it may use as `m`."""

    def __init__(self, function, channels=4, **modules):
        super().__init__()
        self.stem, self.function, self.m = nn.Conv2d(3, channels, 3, padding=1), function, nn.ModuleDict(modules)

    def forward(self, x):
        return self.function(F.relu(self.stem(x)), self.m, x)


def conv(i, o, k=3, s=1, p=None):
    return nn.Conv2d(i, o, k, s, k // 2 if p is None else p)


def like(x, y, mode='bilinear', **more):
    if mode != 'nearest':
        more.setdefault('align_corners', False)
    return F.interpolate(x, size=y.shape[2:], mode=mode, **more)


def milesial(x, m, image):
    a = m['a'](F.max_pool2d(x, 2))
    b = m['b'](F.max_pool2d(a, 2))
    for level, skip in (('u', a), ('v', x)):
        b = m[level](b)
        dy, dx = skip.size(2) - b.size(2), skip.size(3) - b.size(3)
        b = F.pad(b, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        b = torch.cat([skip, b], 1)
    return b


def crop_skip(x, m, image):
    d = m['a'](F.max_pool2d(x, 3, 2))
    u = F.interpolate(d, scale_factor=2.0)
    return torch.cat([x[:, :, :u.shape[2], :u.shape[3]], u[:, :, :x.shape[2], :x.shape[3]]], 1)


def centre_crop(x, m, image):
    d = m['a'](x)
    dy, dx = (x.shape[2] - d.shape[2]) // 2, (x.shape[3] - d.shape[3]) // 2
    return torch.cat([x[:, :, dy:dy + d.shape[2], dx:dx + d.shape[3]], d], 1)


def pad_multiple(x, m, image, k=32, mode='constant'):
    h, w = x.shape[2], x.shape[3]
    y = F.pad(x, (0, (k - w % k) % k, 0, (k - h % k) % k), mode=mode)
    y = F.interpolate(m['a'](F.max_pool2d(y, 4)), scale_factor=4.0)
    return y[:, :, :h, :w]


def aspp(x, m, image):
    d = m['a'](x)
    pooled = F.interpolate(m['b'](F.adaptive_avg_pool2d(d, 1)), size=d.shape[2:], mode='bilinear', align_corners=False)
    return like(torch.cat([m['c'](d), pooled], 1), image)


def psp(x, m, image):
    d = m['a'](x)
    parts = [d] + [like(F.avg_pool2d(d, k, k), d, align_corners=c) for k, c in ((2, True), (3, False), (5, True))]
    return like(torch.cat(parts, 1), image, align_corners=True)


def fpn(x, m, image):
    c2 = m['a'](x)
    c3 = m['b'](c2)
    c4 = m['c'](c3)
    p3 = m['d'](c3) + like(c4, c3, 'nearest')
    return m['e'](c2) + like(p3, c2, 'nearest')


def pan(x, m, image):
    d = m['a'](x)
    g = torch.sigmoid(m['c'](F.adaptive_avg_pool2d(d, 1)))
    return like(d * g, x) + x


def scaled(f, mode='nearest', recompute=None, corners=None):
    return lambda x, m, image: F.interpolate(x, scale_factor=f, mode=mode, recompute_scale_factor=recompute, align_corners=corners)


def sized(height, width, mode='nearest', corners=None):
    return lambda x, m, image: F.interpolate(x, size=(height(x.shape[2]), width(x.shape[3])), mode=mode, align_corners=corners)


def gcn_refine(x, m, image):
    d = m['a'](x)
    e = m['b'](d)
    y = like(e, d) + d
    return like(y, image)


def split_halves(x, m, image):
    h = x.shape[2] // 2
    return torch.cat([x[:, :, :h].mean((2, 3), keepdim=True), x[:, :, h:].mean((2, 3), keepdim=True)], 1)


def pixels(x, m, image):
    n, c, h, w = x.shape
    return x.reshape(n, c, h * w).softmax(-1).reshape(n, c, h, w)


def unshuffle_padded(x, m, image):
    h, w = x.shape[2], x.shape[3]
    y = F.pad(x, (0, w % 2, 0, h % 2), mode='replicate')
    return F.pixel_shuffle(m['a'](F.pixel_unshuffle(y, 2)), 2)[:, :, :h, :w]


def hrnet(x, m, image):
    a, b = m['a'](x), m['b'](m['a'](x))
    a2 = a + F.interpolate(m['c'](b), size=(a.shape[-2], a.shape[-1]), mode='nearest')
    b2 = b + m['b'](a)
    return torch.cat([a2, like(b2, a2)], 1)


def bisenet(x, m, image):
    h, w = image.shape[2:]
    d = m['a'](x)
    e = m['b'](d)
    pool = F.avg_pool2d(e, 2, ceil_mode=True)
    up = F.interpolate(pool, (e.size(2), e.size(3)), mode='nearest') + e
    up = F.interpolate(up, (d.size(2), d.size(3)), mode='nearest')
    return F.interpolate(up + d, (h, w), mode='bilinear', align_corners=True)


def stages(**parts):
    return {k: v for k, v in parts.items()}


NETS = {
    'pool-like': lambda: Net(lambda x, m, i: like(F.max_pool2d(x, 2), i)),
    'pool-like-nearest': lambda: Net(lambda x, m, i: like(F.max_pool2d(x, 2), i, 'nearest')),
    'pool-like-corners': lambda: Net(lambda x, m, i: like(F.max_pool2d(x, 2), i, align_corners=True)),
    'pool-like-bicubic': lambda: Net(lambda x, m, i: like(F.max_pool2d(x, 2), i, 'bicubic')),
    'pool3-ceil-like': lambda: Net(lambda x, m, i: like(F.max_pool2d(x, 3, 2, ceil_mode=True), i)),
    'pool2-ceil-like': lambda: Net(lambda x, m, i: like(F.max_pool2d(x, 2, ceil_mode=True), i)),
    'avg5-ceil-pad-like': lambda: Net(lambda x, m, i: like(F.avg_pool2d(x, 5, 3, 2, ceil_mode=True, count_include_pad=False), i)),
    'strided-end': lambda: Net(lambda x, m, i: like(m['b'](m['a'](x)), i), a=conv(4, 4, 3, 2), b=conv(4, 4, 3, 2)),
    'strided3-end': lambda: Net(lambda x, m, i: like(m['b'](m['a'](x)), i), a=conv(4, 4, 5, 3), b=conv(4, 4, 3, 2, 0)),
    'dilated-end': lambda: Net(lambda x, m, i: like(m['a'](x), i), a=nn.Conv2d(4, 4, 3, 2, 2, dilation=2)),
    'transposed-like': lambda: Net(lambda x, m, i: like(m['b'](m['a'](x)), i), a=conv(4, 4, 3, 2), b=nn.ConvTranspose2d(4, 4, 4, 2, 1)),
    'half-bilinear': lambda: Net(sized(lambda h: h // 2, lambda w: w // 2, 'bilinear', False)),
    'half-nearest': lambda: Net(sized(lambda h: h // 2, lambda w: w // 2)),
    'half-half': lambda: Net(sized(lambda h: h // 2 // 2 + 1, lambda w: (w + 1) // 2)),
    'int-1.5': lambda: Net(sized(lambda h: int(h * 1.5), lambda w: int(w * 1.5))),
    'int-0.7': lambda: Net(sized(lambda h: int(h * 0.7), lambda w: int(w * 0.7))),
    'int-0.7-bilinear': lambda: Net(sized(lambda h: int(h * 0.7), lambda w: int(w * 0.3), 'bilinear', False)),
    'ceil-third': lambda: Net(sized(lambda h: -(-h // 3), lambda w: (w + 2) // 3)),
    'twice-plus-one': lambda: Net(sized(lambda h: 2 * h + 1, lambda w: 2 * w - 1, 'bilinear', True)),
    'mixed-fixed': lambda: Net(sized(lambda h: 24, lambda w: w // 3)),
    'scale-third': lambda: Net(scaled(1 / 3)),
    'scale-0.7-nearest': lambda: Net(scaled(0.7)),
    'scale-0.7-bilinear': lambda: Net(scaled(0.7, 'bilinear', corners=False)),
    'scale-1.2': lambda: Net(scaled(1.2)),
    'scale-1.6-exact': lambda: Net(scaled(1.6, 'nearest')),
    'scale-1.5-bicubic': lambda: Net(scaled(1.5, 'bicubic', corners=False)),
    'scale-0.5': lambda: Net(scaled(0.5, 'bilinear', corners=False)),
    'recompute-0.7': lambda: Net(scaled(0.7, 'bilinear', True, False)),
    'recompute-1.5': lambda: Net(scaled(1.5, 'nearest', True)),
    'recompute-0.5': lambda: Net(scaled(0.5, 'bilinear', True, True)),
    'down-up': lambda: Net(lambda x, m, i: like(m['a'](F.interpolate(x, scale_factor=0.5, mode='bilinear')), i), a=conv(4, 4)),
    'milesial': lambda: Net(milesial, a=conv(4, 4), b=conv(4, 4), u=nn.ConvTranspose2d(4, 4, 2, 2), v=nn.ConvTranspose2d(8, 4, 2, 2)),
    'crop-skip': lambda: Net(crop_skip, a=conv(4, 4)),
    'centre-crop': lambda: Net(centre_crop, a=conv(4, 4, 5, 1, 0)),
    'pad-32-crop': lambda: Net(pad_multiple, a=conv(4, 4)),
    'pad-8-replicate': lambda: Net(lambda x, m, i: pad_multiple(x, m, i, 8, 'replicate'), a=conv(4, 4)),
    'pad-8-reflect': lambda: Net(lambda x, m, i: pad_multiple(x, m, i, 8, 'reflect'), a=conv(4, 4)),
    'aspp': lambda: Net(aspp, a=conv(4, 6, 3, 2), b=conv(6, 2, 1), c=conv(6, 4, 1)),
    'psp': lambda: Net(psp, a=conv(4, 4, 3, 2)),
    'fpn': lambda: Net(fpn, a=conv(4, 4, 3, 2), b=conv(4, 6, 3, 2), c=conv(6, 4, 3, 2), d=conv(6, 4, 1), e=conv(4, 4, 1)),
    'pan': lambda: Net(pan, a=conv(4, 4, 3, 2), c=conv(4, 4, 1)),
    'gcn': lambda: Net(gcn_refine, a=conv(4, 4, 3, 2), b=conv(4, 4, 3, 2)),
    'hrnet': lambda: Net(hrnet, a=conv(4, 4, 3, 1), b=conv(4, 4, 3, 2), c=conv(4, 4, 1)),
    'bisenet': lambda: Net(bisenet, a=conv(4, 4, 3, 2), b=conv(4, 4, 3, 2)),
    'pad-same': lambda: Net(lambda x, m, i: m['a'](F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2))), a=conv(4, 4, 3, 2)),
    'halves': lambda: Net(split_halves),
    'adaptive-1': lambda: Net(lambda x, m, i: x * F.adaptive_avg_pool2d(x, 1)),
    'adaptive-2': lambda: Net(lambda x, m, i: like(F.adaptive_avg_pool2d(x, 2), i)),
    'adaptive-max-1': lambda: Net(lambda x, m, i: x + F.adaptive_max_pool2d(x, 1)),
    'pixels': lambda: Net(pixels),
    'unshuffle-padded': lambda: Net(unshuffle_padded, a=conv(16, 16)),
    'roll': lambda: Net(lambda x, m, i: torch.cat([x[:, :, x.shape[2] // 2:], x[:, :, :x.shape[2] // 2]], 2)),
    'stride-slice': lambda: Net(lambda x, m, i: like(x[:, :, 1::2, ::3], i, 'nearest')),
    'tail-slice': lambda: Net(lambda x, m, i: like(x[:, :, -20:, :40], i, 'nearest')),
    'chunk-rows': lambda: Net(lambda x, m, i: torch.cat([c.mean((2, 3), keepdim=True) for c in x.chunk(2, 3)], 1)),
    'flatten-features': lambda: Net(lambda x, m, i: like(F.max_pool2d(x, 2), i).flatten(2).mean(2)),
    'min-side': lambda: Net(lambda x, m, i: F.interpolate(x, size=(min(x.shape[2], x.shape[3]),) * 2)),
}


def quietly(function):
    with open(os.devnull, 'w') as null:
        saved = os.dup(1), os.dup(2)
        os.dup2(null.fileno(), 1), os.dup2(null.fileno(), 2)
        try:
            return function()
        finally:
            os.dup2(saved[0], 1), os.dup2(saved[1], 2)
            os.close(saved[0]), os.close(saved[1])


def export(model, kind, path):
    x = torch.rand((1, 3) + EXPORT_SIZE)
    if kind == 'dynamo':
        axes = {0: torch.export.Dim('batch'), 2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
        torch.onnx.export(model, (torch.rand((2, 3) + EXPORT_SIZE),), path, dynamo=True, input_names=['x'], output_names=['y'],
                          dynamic_shapes=(axes,), verbose=False, external_data=False)
    else:
        axes = {'dynamic_axes': {'x': {0: 'batch', 2: 'height', 3: 'width'}}} if kind == 'open' else {}
        torch.onnx.export(model, (x,), path, dynamo=False, opset_version=17, input_names=['x'], output_names=['y'], **axes)


# By hand, as other exporters write.

def weight(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32) * 0.3


def graph(nodes, constants, shape=('n', 3, 'h', 'w'), opset=17):
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    g = helper.make_graph(nodes, 'g', [helper.make_tensor_value_info('x', TensorProto.FLOAT, list(shape))],
                          [helper.make_empty_tensor_value_info('y')], tensors)
    return helper.make_model(g, opset_imports=[helper.make_opsetid('', opset)], ir_version=8)


N = helper.make_node
NHWC, NCHW = N('Transpose', ['x'], ['t'], perm=[0, 3, 1, 2]), [0, 2, 3, 1]


def ints(*values):
    return np.array(values, np.int64)


def by_hand():
    w, v = weight((4, 3, 3, 3)), weight((4, 4, 3, 3), 1)
    yield 'nhwc', graph([NHWC, N('Conv', ['t', 'w'], ['c'], pads=[1, 1, 1, 1]), N('Relu', ['c'], ['d']), N('Transpose', ['d'], ['y'], perm=NCHW)],
                        {'w': w}, ('n', 'h', 'w', 3)), True
    yield 'nhwc-open-channels', graph([NHWC, N('Conv', ['t', 'w'], ['y'], strides=[2, 2])], {'w': w}, ('?', '?', '?', '?')), True
    yield 'nhwc-same-strides', graph([NHWC, N('Conv', ['t', 'w'], ['c'], auto_pad='SAME_UPPER', strides=[2, 2]), N('Relu', ['c'], ['e']),
                                      N('MaxPool', ['e'], ['d'], auto_pad='SAME_UPPER', kernel_shape=[3, 3], strides=[2, 2]),
                                      N('Transpose', ['d'], ['y'], perm=NCHW)], {'w': w}, ('n', 'h', 'w', 3)), True
    yield 'nhwc-resize-like', graph([
        NHWC, N('Conv', ['t', 'w'], ['c'], auto_pad='SAME_LOWER', strides=[2, 2]), N('Shape', ['x'], ['s']), N('Slice', ['s', 'i1', 'i3'], ['hw']),
        N('Shape', ['c'], ['sc']), N('Slice', ['sc', 'i0', 'i2'], ['nc']), N('Concat', ['nc', 'hw'], ['z'], axis=0),
        N('Resize', ['c', '', '', 'z'], ['r'], mode='linear', coordinate_transformation_mode='half_pixel'), N('Transpose', ['r'], ['y'], perm=NCHW)],
        {'w': w, 'i0': ints(0), 'i1': ints(1), 'i2': ints(2), 'i3': ints(3)}, ('n', 'h', 'w', 3)), True
    yield 'resize-10-down', graph([N('Conv', ['x', 'w'], ['c']), N('Resize', ['c', 's'], ['y'], mode='nearest')],
                                  {'w': w, 's': np.array([1, 1, 0.7, 0.3], np.float32)}, opset=10), False
    yield 'resize-10-linear', graph([N('Conv', ['x', 'w'], ['c']), N('Resize', ['c', 's'], ['y'], mode='linear')],
                                    {'w': w, 's': np.array([1, 1, 0.7, 1.3], np.float32)}, opset=10), False
    yield 'upsample-9', graph([N('Conv', ['x', 'w'], ['c']), N('Upsample', ['c', 's'], ['y'], mode='nearest')],
                              {'w': w, 's': np.array([1, 1, 1.6, 2], np.float32)}, opset=9), False
    yield 'scales-of-sizes', graph([
        N('MaxPool', ['x'], ['c'], kernel_shape=[2, 2], strides=[2, 2]), N('Shape', ['x'], ['s']), N('Shape', ['c'], ['t']),
        N('Slice', ['s', 'i2', 'i4'], ['a']), N('Slice', ['t', 'i2', 'i4'], ['b']), N('Cast', ['a'], ['af'], to=1), N('Cast', ['b'], ['bf'], to=1),
        N('Div', ['af', 'bf'], ['q']), N('Concat', ['one', 'q'], ['k'], axis=0), N('Resize', ['c', 'k'], ['y'], mode='linear')],
        {'i2': ints(2), 'i4': ints(4), 'one': np.ones(2, np.float32)}, opset=10), False
    yield 'one-name-for-both', graph([N('Shape', ['x'], ['s']), N('Gather', ['s', 'two'], ['h']), N('Gather', ['s', 'three'], ['v']),
                                      N('Concat', ['m', 'c3', 'v', 'h'], ['z'], axis=0), N('Reshape', ['x', 'z'], ['y'])],
                                     {'two': ints(2), 'three': ints(3), 'm': ints(1), 'c3': ints(3)}, (1, 3, '?', '?')), False
    yield 'same-pool-average', graph([N('AveragePool', ['x'], ['y'], auto_pad='SAME_UPPER', kernel_shape=[3, 3], strides=[2, 2])], {}), False
    yield 'double-arithmetic', graph([
        N('Shape', ['x'], ['s']), N('Cast', ['s'], ['d'], to=11), N('Mul', ['d', 'k'], ['e']), N('Floor', ['e'], ['f']), N('Cast', ['f'], ['z'], to=7),
        N('Resize', ['x', '', '', 'z'], ['y'], mode='linear')], {'k': np.array([1, 1, 0.7, 0.3], np.float64)}), False
    yield 'float-ceil', graph([
        N('Shape', ['x'], ['s']), N('Cast', ['s'], ['d'], to=1), N('Mul', ['d', 'k'], ['e']), N('Ceil', ['e'], ['f']), N('Cast', ['f'], ['z'], to=7),
        N('Resize', ['x', '', '', 'z'], ['y'], mode='nearest')], {'k': np.array([1, 1, 0.7, 1.1], np.float32)}), False
    yield 'crop-and-resize', graph([N('Resize', ['x', 'roi', 's'], ['y'], mode='linear', coordinate_transformation_mode='tf_crop_and_resize')],
                                   {'roi': np.array([0, 0, 0.1, 0.2, 1, 1, 0.9, 0.8], np.float32), 's': np.array([1, 1, 2, 2], np.float32)}), False
    yield 'nearest-exact', graph([N('Resize', ['x', '', 's'], ['y'], mode='nearest', coordinate_transformation_mode='half_pixel',
                                    nearest_mode='round_prefer_ceil')], {'s': np.array([1, 1, 1.2, 0.7], np.float32)}), False
    yield 'squeeze-batch', graph([N('GlobalAveragePool', ['x'], ['p']), N('Squeeze', ['p'], ['y'])], {}, (1, 3, 'h', 'w')), False
    yield 'squeeze-open-batch', graph([N('GlobalAveragePool', ['x'], ['p']), N('Squeeze', ['p'], ['y'])], {}), False


def session(path, optimises=True):
    options = onnxruntime.SessionOptions()
    if not optimises:
        # ONNX Runtime 1.31 joins a Pad of more than a window with the MaxPool behind it, and then refuses what it made.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])


def outcome(command):
    """None where it went well, else the line; a crash is no refusal."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return None
    line = (done.stderr or done.stdout).strip()
    if done.returncode != 1 or not line.startswith('swiftlet: ') or '\n' in line:
        return f'CRASH {done.returncode}: {line[-200:]}'
    return line


def judge(got, expected, bound):
    if got.shape != expected.shape:
        return f'FAILED: {got.shape}, not {expected.shape}'
    difference = float(np.abs(got.astype(np.float64) - expected).max() / max(np.abs(expected).max(), 1e-9))
    return None if difference <= bound else f'FAILED: difference {difference:.1e}'


def check(label, path, channels_last, options, work, counts):
    oracle = session(path)
    fixed = [d if isinstance(d, int) else None for d in oracle.get_inputs()[0].shape]
    back, ours = None, os.path.join(work, 'ours.onnx')
    if options.export and outcome([options.swiftlet, 'convert', path, '-o', ours]) is None:
        onnx.checker.check_model(onnx.load(ours), full_check=True)
        back = session(ours, optimises=False)
    words = []
    for index, (h, w) in enumerate(SIZES):
        batch = fixed[0] or index % 2 + 1
        shape = (batch, h, w, 3) if channels_last else (batch, 3, h, w)
        x = np.random.default_rng(index).standard_normal(shape).astype(np.float32)
        source, target = os.path.join(work, 'x.npy'), os.path.join(work, 'y.npy')
        np.save(source, x)
        try:
            expected = oracle.run(None, {oracle.get_inputs()[0].name: x})[0]
        except Exception:
            expected = None
        line = outcome([options.swiftlet, 'run', path, '--input', source, '-o', target] + options.arguments)
        if line and line.startswith('CRASH'):
            words.append(f'FAILED: {line}')
        elif line:
            words.append('refused' if expected is not None else 'refused, too')
            if expected is not None and len(words) == words.count(words[-1]):
                print(f'    {label}: {line[:300]}')
        elif expected is None:
            words.append('FAILED: runs where ONNX Runtime refuses')
        else:
            words.append(judge(np.load(target), expected, options.bound) or 'equal')
        if back and expected is not None and words[-1] == 'equal':
            try:
                words[-1] = judge(back.run(None, {back.get_inputs()[0].name: x})[0], expected, options.bound) or 'equal'
                words[-1] = words[-1].replace('FAILED', 'FAILED export')
            except Exception as failure:
                words[-1] = f'FAILED export: {str(failure)[:100]}'
    for word in words:
        counts[word.split(':')[0]] += 1
    print(f'{label:36s} {"; ".join(w if words.count(w) == 1 else f"{words.count(w)} {w}" for w in dict.fromkeys(words))}', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*')
    parser.add_argument('--swiftlet', default='.build/release/swiftlet')
    parser.add_argument('--export', action='store_true', help='also run our own export')
    parser.add_argument('--keep', help='a folder that exports are kept in, and taken from where they are there')
    parser.add_argument('--bound', type=float, default=2e-5)
    parser.add_argument('arguments', nargs=argparse.REMAINDER, help='-- and arguments of swiftlet run')
    options = parser.parse_args()
    options.arguments = [a for a in options.arguments if a != '--']
    torch.set_num_threads(1)
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as work, torch.no_grad():
        folder = options.keep or work
        os.makedirs(folder, exist_ok=True)
        for name, make in NETS.items():
            if options.names and name not in options.names:
                continue
            for kind in ('open', 'dynamo', 'fixed'):
                path = os.path.join(folder, f'{name}-{kind}.onnx')
                if not os.path.exists(path):
                    torch.manual_seed(0)
                    try:
                        quietly(lambda: export(make().eval(), kind, path))
                    except Exception as failure:
                        print(f'{name}-{kind}: PyTorch cannot export it: {type(failure).__name__}')
                        counts['not exported'] += 1
                        continue
                check(f'{name}-{kind}', path, False, options, work, counts)
        for name, model, channels_last in by_hand():
            if options.names and name not in options.names:
                continue
            path = os.path.join(folder, f'{name}.onnx')
            onnx.save(model, path)
            check(name, path, channels_last, options, work, counts)
    print(', '.join(f'{count} {word}' for word, count in sorted(counts.items())))
    sys.exit(1 if any(word.startswith('FAILED') for word in counts) else 0)


if __name__ == '__main__':
    main()
