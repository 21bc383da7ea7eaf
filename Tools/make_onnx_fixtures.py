#!/usr/bin/env python3
"""Makes Tests/FormatsTests/Models: small ONNX models with inputs and the outputs of ONNX Runtime.

  python Tools/make_onnx_fixtures.py [NAME ...]

Three kinds: modules exported by PyTorch's exporters (of fixed size, with open axes, by the newer exporter), and graphs put together
by hand for the forms that operators had in older opsets. Each is NAME.onnx, NAME.input.npy, NAME.output.npy (NAME.output1.npy …);
the modules share their inputs, fixed.input.npy and open.input.npy.
Needs torch, onnx, onnxscript and onnxruntime.
"""
import os, sys, warnings
warnings.filterwarnings('ignore')
import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../Tests/FormatsTests/Models')


class Call(nn.Module):
    """A function of an image behind a convolution of its own, with modules it may use as `m`."""

    def __init__(self, function, channels=4, **modules):
        super().__init__()
        self.stem, self.function, self.m = nn.Conv2d(3, channels, 3, padding=1), function, nn.ModuleDict(modules)

    def forward(self, x):
        return self.function(self.stem(x), self.m)


class Selection(nn.Module):
    def __init__(self, i, o, stride=1, bias=False):
        super().__init__()
        self.select, self.kernels = nn.Linear(i, o, bias=bias), nn.Conv2d(o, o, 3, padding=1, stride=stride, groups=o, bias=bias)

    def forward(self, x):
        return self.kernels(self.select(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))


def shuffle(x, r, mode):
    n, c, h, w = x.shape
    if mode == 'CRD':
        return x.reshape(n, c // r ** 2, r, r, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // r ** 2, h * r, w * r)
    return x.reshape(n, r, r, c // r ** 2, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // r ** 2, h * r, w * r)


def unshuffle(x, r):
    n, c, h, w = x.shape
    return x.reshape(n, c, h // r, r, w // r, r).permute(0, 1, 3, 5, 2, 4).reshape(n, c * r ** 2, h // r, w // r)


def channel_shuffle(x, groups):
    n, c, h, w = x.shape
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


def attention(x, m):
    n, c, h, w = x.shape
    t = x.flatten(2)
    return torch.bmm(torch.softmax(torch.bmm(t, t.transpose(1, 2)), -1), t).view(n, c, h, w)


def squeeze_excite(x, m):
    s = m['b'](F.relu(m['a'](x.mean((2, 3)))))
    return x * torch.sigmoid(s)[:, :, None, None]


def unet(x, m):
    d = F.relu(m['down'](F.max_pool2d(x, 2)))
    return m['out'](torch.cat([m['up'](d), x], 1))


def classify(x, m):
    return m['fc'](torch.flatten(F.adaptive_avg_pool2d(F.relu(m['bn'](x)), 1), 1))


def bn(n):
    b = nn.BatchNorm2d(n)
    nn.init.normal_(b.running_mean), nn.init.uniform_(b.running_var, 0.5, 1.5), nn.init.normal_(b.weight), nn.init.normal_(b.bias)
    return b


MODULES = {
    'selection': lambda: nn.Sequential(Selection(3, 4), nn.ReLU(), Selection(4, 1, 2, True), Selection(1, 3, bias=True)),
    'residual': lambda: Call(lambda x, m: x + m['b'](F.leaky_relu(m['a'](x), 0.2)) * 0.1, a=nn.Conv2d(4, 4, 3, padding=1, bias=False),
                             b=nn.Conv2d(4, 4, 3, padding=1)),
    'pixel-shuffle': lambda: Call(lambda x, m: F.pixel_shuffle(x, 2), 8),
    'pixel-unshuffle': lambda: Call(lambda x, m: F.pixel_unshuffle(x, 2)),
    'shuffle-crd': lambda: Call(lambda x, m: shuffle(x, 2, 'CRD'), 8),
    'shuffle-dcr': lambda: Call(lambda x, m: shuffle(x, 2, 'DCR'), 12),
    'shuffle-single': lambda: Call(lambda x, m: shuffle(x, 2, 'CRD'), 4),
    'unshuffle': lambda: Call(lambda x, m: unshuffle(x, 2)),
    'channel-shuffle': lambda: Call(lambda x, m: channel_shuffle(x, 2), 6),
    'squeeze-excite': lambda: Call(squeeze_excite, a=nn.Linear(4, 2), b=nn.Linear(2, 4)),
    'attention': lambda: Call(attention),
    'unet': lambda: Call(unet, down=nn.Conv2d(4, 8, 3, padding=1), up=nn.ConvTranspose2d(8, 4, 2, 2), out=nn.Conv2d(8, 2, 1)),
    'classifier': lambda: Call(classify, bn=bn(4), fc=nn.Linear(4, 5)),
    'batch-norm-first': lambda: nn.Sequential(bn(3), nn.Conv2d(3, 4, 5, padding=2, stride=2, groups=1)),
    'activations': lambda: Call(lambda x, m: torch.cat([F.silu(x), F.gelu(x), F.hardswish(x), F.hardsigmoid(x), F.softplus(x), torch.tanh(x),
                                                        F.mish(x), F.relu6(x), m['p'](x), F.gelu(x, approximate='tanh'), x.abs(), -x,
                                                        x.clamp(min=-0.1), x.clamp(-0.2, 0.3), x ** 2, m['q'](x)], 1),
                                p=nn.PReLU(4), q=nn.PReLU()),
    'normalised': lambda: Call(lambda x, m: (x - torch.tensor([0.1, 0.2, 0.3, 0.4]).view(1, 4, 1, 1))
                               / torch.tensor([0.5, 0.6, 0.7, 0.8]).view(1, 4, 1, 1) * 2 + 1),
    'arithmetic': lambda: Call(lambda x, m: torch.maximum(x * m['a'](x) - x / (2 + m['a'](x)), torch.minimum(x, 1 - x)), a=nn.Sigmoid()),
    'resize-nearest': lambda: Call(lambda x, m: F.interpolate(x, scale_factor=2)),
    'resize-exact': lambda: Call(lambda x, m: F.interpolate(x, scale_factor=3, mode='nearest-exact')),
    'resize-bilinear': lambda: Call(lambda x, m: F.interpolate(x, scale_factor=2, mode='bilinear')),
    'resize-corners': lambda: Call(lambda x, m: F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=True)),
    'resize-bicubic': lambda: Call(lambda x, m: F.interpolate(x, scale_factor=(2, 1.5), mode='bicubic')),
    'resize-like': lambda: Call(lambda x, m: F.interpolate(F.max_pool2d(x, 2), size=x.shape[2:], mode='bilinear') + x),
    'resize-double': lambda: Call(lambda x, m: F.interpolate(x, size=(x.shape[2] * 2, x.shape[3] * 2), mode='nearest')),
    'resize-size': lambda: Call(lambda x, m: F.interpolate(x, size=(7, 9), mode='bilinear')),
    'split': lambda: Call(lambda x, m: (lambda a, b: a * torch.sigmoid(b))(*x.chunk(2, 1)), 6),
    'slices': lambda: Call(lambda x, m: x[:, 1:, 1:-1, ::2] * 2),
    'crop': lambda: Call(lambda x, m: F.pad(x, (-1, 1, 2, -1))),
    'pads': lambda: Call(lambda x, m: F.pad(F.pad(F.pad(x, (1, 2, 3, 1), mode='reflect'), (2, 1, 0, 1), mode='replicate'), (1, 0, 2, 1), value=0.5)),
    'pad-convolution': lambda: nn.Sequential(nn.ZeroPad2d((1, 0, 2, 1)), nn.Conv2d(3, 4, 3, stride=2)),
    'pools': lambda: Call(lambda x, m: torch.cat([F.avg_pool2d(x, 3, 2, 1), F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
                                                  F.max_pool2d(x, 3, 2, 1)], 1)),
    'pool-ceil': lambda: Call(lambda x, m: F.max_pool2d(x, 3, 2, ceil_mode=True)),
    'softmax': lambda: Call(lambda x, m: torch.softmax(x, 1)),
    'global': lambda: Call(lambda x, m: x + x.mean((2, 3), keepdim=True)),
    'means': lambda: Call(lambda x, m: x * x.mean(1, keepdim=True) + x.mean(3, keepdim=True)),
    'concat-rows': lambda: Call(lambda x, m: torch.cat([x, x * 2], 2)),
    'transposed': lambda: nn.Sequential(nn.ConvTranspose2d(3, 4, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1, groups=2)),
    'flatten-linear': lambda: Call(lambda x, m: m['fc'](x.flatten(1)), 2, fc=nn.Linear(2 * 8 * 12, 3)),
    'group-dilated': lambda: nn.Sequential(nn.Conv2d(3, 6, (3, 5), padding=(2, 2), dilation=(2, 1), groups=3), nn.Conv2d(6, 6, 1, groups=2)),
    'two-outputs': lambda: Call(lambda x, m: (x, F.relu(x), x)),
}
ONLY = {'flatten-linear': ('fixed',), 'resize-size': ('fixed', 'open'), 'attention': ('fixed',), 'resize-exact': ()}
SIZE = (1, 3, 8, 12)


def run(path, inputs):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    return session.run(None, {i.name: x for i, x in zip(session.get_inputs(), inputs)})


def save(name, inputs, shared=None):
    path = os.path.join(FOLDER, name + '.onnx')
    outputs = run(path, inputs)
    for index, x in enumerate(inputs):
        np.save(os.path.join(FOLDER, f'{shared or name}.input{index or ""}.npy'), x)
    for index, y in enumerate(outputs):
        np.save(os.path.join(FOLDER, f'{name}.output{index or ""}.npy'), y.astype(np.float32))


def export(name, kind, opset):
    torch.manual_seed(0)
    model, path = MODULES[name]().eval(), os.path.join(FOLDER, f'{name}-{kind}.onnx')
    shape = SIZE
    if kind == 'dynamo':
        axes = {0: torch.export.Dim('batch'), 2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
        torch.onnx.export(model, (torch.rand((2,) + SIZE[1:]),), path, dynamo=True, opset_version=opset, dynamic_shapes=(axes,),
                          input_names=['x'], verbose=False, external_data=False)
        model = onnx.load(path)
        for node in list(model.graph.node):
            del node.metadata_props[:]
            node.doc_string = ''
        del model.graph.value_info[:]
        onnx.save(model, path)
    else:
        axes = {'dynamic_axes': {'x': {0: 'batch', 2: 'height', 3: 'width'}}} if kind == 'open' else {}
        torch.onnx.export(model, (torch.rand(SIZE),), path, dynamo=False, opset_version=opset, input_names=['x'], **axes)
    if kind != 'fixed':
        shape = (2, 3, 12, 16)
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    save(f'{name}-{kind}', [x], 'fixed' if kind == 'fixed' else 'open')


# By hand: old forms, and what PyTorch does not write.

def weight(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32) * 0.5


def graph(name, opset, nodes, constants=(), inputs=None, outputs=('y',), ir=8, external=False, shape=('n', 3, 'h', 'w')):
    inputs = inputs or {'x': shape}
    tensors = [t if isinstance(t, TensorProto) else numpy_helper.from_array(t[1], t[0]) for t in constants]
    g = helper.make_graph(nodes, name, [helper.make_tensor_value_info(k, TensorProto.FLOAT, list(v)) for k, v in inputs.items()],
                          [helper.make_empty_tensor_value_info(o) for o in outputs], tensors)
    model = helper.make_model(g, opset_imports=[helper.make_opsetid('', opset)], ir_version=ir)
    path = os.path.join(FOLDER, name + '.onnx')
    if external:
        onnx.save(model, path, save_as_external_data=True, location=name + '.weights', size_threshold=0)
    else:
        onnx.save(model, path)
    return name


N = helper.make_node


def ints(name, *values):
    return name, np.array(values, np.int64)


def by_hand():
    conv = N('Conv', ['x', 'w'], ['c'], pads=[1, 1, 1, 1], name='stem')
    w = ('w', weight((4, 3, 3, 3)))
    yield graph('old-attributes', 9, [
        conv, N('Clip', ['c'], ['d'], min=-0.5, max=0.75), N('Pad', ['d'], ['e'], pads=[0, 0, 1, 2, 0, 0, 0, 1], mode='reflect'),
        N('Slice', ['e'], ['f'], starts=[1, -9], ends=[4, 9223372036854775807], axes=[1, 3]),
        N('Upsample', ['f', 's'], ['g'], mode='nearest'), N('Dropout', ['g'], ['h', 'mask'], ratio=0.3),
        N('Split', ['h'], ['i', 'j'], axis=1, split=[1, 2]), N('Mul', ['i', 'j'], ['y'])], [w, ('s', np.array([1, 1, 2, 2], np.float32))])
    yield graph('upsample-linear', 9, [conv, N('Upsample', ['c', 's'], ['y'], mode='linear')], [w, ('s', np.array([1, 1, 2, 3], np.float32))])
    yield graph('resize-10', 10, [conv, N('Resize', ['c', 's'], ['y'], mode='nearest')], [w, ('s', np.array([1, 1, 0.5, 2], np.float32))])
    yield graph('resize-11', 11, [conv, N('Resize', ['c', 'roi', 's'], ['y'], mode='cubic', cubic_coeff_a=-0.5, coordinate_transformation_mode='asymmetric')],
                [w, ('roi', np.zeros(0, np.float32)), ('s', np.array([1, 1, 1.5, 2], np.float32))])
    yield graph('resize-13', 13, [conv, N('Resize', ['c', '', 's'], ['y'], mode='nearest', nearest_mode='ceil', coordinate_transformation_mode='half_pixel')],
                [w, ('s', np.array([1, 1, 1.75, 2.5], np.float32))])
    yield graph('resize-18', 18, [conv, N('Resize', ['c', '', '', 'z'], ['y'], mode='linear', axes=[3, 2], coordinate_transformation_mode='pytorch_half_pixel')],
                [w, ints('z', 11, 5)])
    yield graph('automatic-padding', 12, [
        N('Conv', ['x', 'w'], ['c'], auto_pad='SAME_UPPER', strides=[2, 2], kernel_shape=[3, 3]),
        N('MaxPool', ['c'], ['d'], auto_pad='SAME_LOWER', kernel_shape=[2, 3], strides=[1, 2]),
        N('ConvTranspose', ['d', 'v'], ['y'], auto_pad='SAME_UPPER', strides=[2, 2])],
        [w, ('v', weight((4, 2, 3, 3), 1))], shape=(1, 3, 9, 12))
    yield graph('same-stride-1', 17, [N('Conv', ['x', 'w'], ['c'], auto_pad='SAME_LOWER'),
                                      N('AveragePool', ['c'], ['y'], auto_pad='SAME_UPPER', kernel_shape=[2, 2])], [w])
    yield graph('bias-behind', 17, [conv, N('Add', ['b', 'c'], ['d']), N('Relu', ['d'], ['y'])], [w, ('b', weight((1, 4, 1, 1), 2))])
    yield graph('matrix-bias', 17, [conv, N('GlobalAveragePool', ['c'], ['p']), N('Squeeze', ['p', 'a'], ['q']), N('MatMul', ['q', 'm'], ['r']),
                                    N('Add', ['r', 'b'], ['s']), N('Softmax', ['s'], ['y'])],
                [w, ints('a', 2, 3), ('m', weight((4, 5), 3)), ('b', weight((5,), 4))])
    yield graph('gemm-forms', 13, [conv, N('ReduceMean', ['c'], ['p'], axes=[-1, -2], keepdims=0), N('Gemm', ['p', 'm', 'b'], ['q'], alpha=0.5, beta=2.0),
                                   N('Gemm', ['q', 'n'], ['y'], transB=1)],
                [w, ('m', weight((4, 5), 3)), ('b', weight((1, 5), 4)), ('n', weight((3, 5), 5))])
    yield graph('depth-to-space', 11, [N('Conv', ['x', 'w'], ['c'], pads=[1, 1, 1, 1]), N('DepthToSpace', ['c'], ['d'], blocksize=2),
                                       N('SpaceToDepth', ['d'], ['e'], blocksize=2), N('DepthToSpace', ['e'], ['y'], blocksize=2, mode='CRD')],
                [('w', weight((12, 3, 3, 3)))])
    # NHWC inside, as TensorFlow's converters leave it.
    yield graph('channels-last', 15, [N('Transpose', ['x'], ['t'], perm=[0, 2, 3, 1]), N('Mul', ['t', 'k'], ['u']), N('Sub', ['u', 'b'], ['v']),
                                      N('Transpose', ['v'], ['d'], perm=[0, 3, 1, 2]), N('Conv', ['d', 'w'], ['c']), N('Transpose', ['c'], ['e'], perm=[0, 2, 3, 1]),
                                      N('ReduceMean', ['e'], ['f'], axes=[1, 2], keepdims=0), N('MatMul', ['f', 'm'], ['y'])],
                [w, ('k', np.array(2, np.float32)), ('b', weight((3,), 1)), ('m', weight((4, 2), 2))])
    half = numpy_helper.from_array(weight((4, 3, 3, 3)).astype(np.float16), 'w16')
    yield graph('half-weights', 17, [N('Cast', ['w16'], ['w'], to=1), conv, N('Identity', ['c'], ['y'])], [half])
    typed = helper.make_tensor('w', TensorProto.FLOAT, (4, 3, 3, 3), weight((4, 3, 3, 3)).flatten().tolist())
    typed64 = helper.make_tensor('z', TensorProto.INT64, (2,), [0, -1])
    yield graph('typed-fields', 14, [conv, N('Reshape', ['c', 'z'], ['y'])], [typed, typed64])
    yield graph('external', 17, [conv, N('Relu', ['c'], ['y'])], [w], external=True)
    yield graph('shape-arithmetic', 17, [
        conv, N('Shape', ['c'], ['s']), N('Gather', ['s', 'i2'], ['h']), N('Gather', ['s', 'i3'], ['v']),
        N('Cast', ['h'], ['hf'], to=1), N('Mul', ['hf', 'two'], ['h2']), N('Floor', ['h2'], ['h3']), N('Cast', ['h3'], ['h4'], to=7),
        N('Mul', ['v', 'k2'], ['v2']), N('Unsqueeze', ['h4', 'a0'], ['h5']), N('Unsqueeze', ['v2', 'a0'], ['v3']),
        N('Slice', ['s', 'b0', 'b2'], ['front']), N('Concat', ['front', 'h5', 'v3'], ['sizes'], axis=0),
        N('Resize', ['c', '', '', 'sizes'], ['y'], mode='linear')],
        [w, ('i2', np.array(2, np.int64)), ('i3', np.array(3, np.int64)), ('two', np.array(2, np.float32)), ('k2', np.array(2, np.int64)),
         ints('a0', 0), ints('b0', 0), ints('b2', 2)])
    yield graph('slice-arithmetic', 17, [
        conv, N('Shape', ['c'], ['s']), N('Gather', ['s', 'i2'], ['h']), N('Sub', ['h', 'i2'], ['e']), N('Slice', ['c', 'i1', 'e', 'i2'], ['y'])],
        [w, ints('i1', 1), ints('i2', 2)])
    yield graph('two-inputs', 17, [N('Conv', ['x', 'w'], ['c'], pads=[1, 1, 1, 1]), N('Conv', ['z', 'w'], ['d'], pads=[1, 1, 1, 1]),
                                   N('Sub', ['c', 'd'], ['e']), N('Sum', ['e', 'c', 'd'], ['y'])], [w],
                inputs={'x': ('n', 3, 'h', 'w'), 'z': ('n', 3, 'h', 'w')})
    unsorted = graph('unsorted', 17, [N('Relu', ['c'], ['y']), conv], [w])
    yield unsorted


def main():
    os.makedirs(FOLDER, exist_ok=True)
    chosen = sys.argv[1:]
    for name in [] if chosen else os.listdir(FOLDER):
        os.remove(os.path.join(FOLDER, name))
    opsets = {'fixed': [9, 11, 13, 14, 16], 'open': [17, 12, 15], 'dynamo': [18, 20, 21]}
    for index, name in enumerate(MODULES):
        for kind in ONLY.get(name, opsets) if not chosen or name in chosen else ():
            # One after the other, so that every opset is met by many modules; back to the newest where one is too old.
            for opset in [opsets[kind][index % len(opsets[kind])], 17 if kind != 'dynamo' else 18]:
                try:
                    export(name, kind, opset)
                    break
                except Exception as failure:
                    problem = failure
            else:
                print(f'{name}-{kind}: {type(problem).__name__}: {str(problem)[:150]!r}')
                if os.path.exists(os.path.join(FOLDER, f'{name}-{kind}.onnx')):
                    os.remove(os.path.join(FOLDER, f'{name}-{kind}.onnx'))
    for name in by_hand():
        if chosen and name not in chosen:
            continue
        model = onnx.load(os.path.join(FOLDER, name + '.onnx'), load_external_data=False)
        inputs = []
        for index, value in enumerate(model.graph.input):
            dims = [d.dim_value or size for d, size in zip(value.type.tensor_type.shape.dim, (2, 3, 10, 12))]
            inputs.append(np.random.default_rng(index + 1).standard_normal(dims).astype(np.float32))
        if name == 'unsorted':
            # ONNX Runtime wants the nodes in order.
            path = os.path.join(FOLDER, name + '.onnx')
            nodes = list(model.graph.node)
            del model.graph.node[:]
            model.graph.node.extend(reversed(nodes))
            onnx.save(model, path)
            save(name, inputs)
            del model.graph.node[:]
            model.graph.node.extend(nodes)
            onnx.save(model, path)
        else:
            save(name, inputs)


if __name__ == '__main__':
    main()
