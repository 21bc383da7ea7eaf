"""Writes Tests/ReferenceBackendTests/Goldens.swift: results of PyTorch for each operation, which the reference engine must meet.

    python Tools/make_reference_goldens.py > Tests/ReferenceBackendTests/Goldens.swift

Inputs and parameters are made by the same formula here and in the test: element i of a tensor of stream s is
((i * 37 + s * 101) % 64 - 31.5) / 32, exact in float32. PyTorch computes in float64; results are rounded to 8 digits.
Conventions that PyTorch lacks come from the reference evaluator of ONNX.
"""
import numpy
import onnx
import onnx.reference
import torch
import torch.nn.functional as F


def tensor(stream, *shape):
    n = 1
    for extent in shape:
        n *= extent
    i = torch.arange(n, dtype=torch.float64)
    return (((i * 37 + stream * 101) % 64 - 31.5) / 32).reshape(shape)


def operands(*shapes):
    return [tensor(stream, *shape) for stream, shape in enumerate(shapes)]


def conv(x, w, b=None, **k):
    return F.conv2d(x, w, b, **k)


def onnx_node(operator, *inputs, **attributes):
    """The output of one node in float64, but for what the specification has in another type."""
    names = ['' if value is None else f'x{index}' for index, value in enumerate(inputs)]
    node = onnx.helper.make_node(operator, names, ['y'], **attributes)
    feeds = {name: value if isinstance(value, numpy.ndarray) else value.numpy()
             for name, value in zip(names, inputs) if name}
    types = [onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
             for name, value in feeds.items()]
    y = onnx.helper.make_tensor_value_info('y', onnx.TensorProto.DOUBLE, None)
    model = onnx.helper.make_model(onnx.helper.make_graph([node], 'g', types, [y]),
                                   opset_imports=[onnx.helper.make_opsetid('', 18)])
    return torch.from_numpy(onnx.reference.ReferenceEvaluator(model).run(None, feeds)[0])


def onnx_resize(x, scales=None, sizes=None, **attributes):
    scales = None if scales is None else numpy.array((1, 1) + scales, dtype=numpy.float32)
    sizes = None if sizes is None else numpy.array(x.shape[:2] + sizes, dtype=numpy.int64)
    return onnx_node('Resize', x, None, scales, sizes, **attributes)


def variance(stream, n):
    return tensor(stream, n).abs() + 0.5


x = tensor(0, 1, 4, 4, 3)
y = tensor(9, 1, 4, 4, 3)
small = tensor(0, 1, 2, 3, 4)
pool = tensor(0, 1, 1, 5, 7)
wide = small * 8

CASES = {
    'convolution': conv(x, tensor(1, 2, 4, 3, 3), tensor(2, 2), padding=1),
    'convolution strided and dilated in groups': conv(x, tensor(1, 6, 2, 2, 2), tensor(2, 6), stride=(2, 1), padding=(1, 2),
                                                      dilation=(2, 1), groups=2),
    'convolution padded on one side': conv(F.pad(x, (1, 0, 0, 2)), tensor(1, 2, 4, 3, 2), tensor(2, 2)),
    'depthwise convolution': conv(x, tensor(1, 8, 1, 3, 3), tensor(2, 8), padding=1, groups=4),
    'convolution with epilogue': F.pixel_shuffle(torch.tanh(
        F.leaky_relu(conv(x, tensor(1, 4, 4, 3, 3), tensor(2, 4), padding=1), 0.25) * 0.5 + y), 2),
    'transposed convolution': F.conv_transpose2d(x, tensor(1, 4, 3, 3, 3), tensor(2, 3), stride=2, padding=1, output_padding=1),
    'transposed convolution in groups': F.conv_transpose2d(x, tensor(1, 4, 1, 2, 3), tensor(2, 2), stride=(2, 3), groups=2),
    'transposed convolution dilated': F.conv_transpose2d(x, tensor(1, 4, 2, 3, 2), None, stride=3, padding=2,
                                                         output_padding=1, dilation=2),
    'linear': F.linear(x.flatten(1), tensor(1, 3, 48), tensor(2, 3)),
    'batch norm': F.batch_norm(x, tensor(3, 4), variance(4, 4), tensor(1, 4), tensor(2, 4), eps=1e-3),
    'relu': F.relu(small),
    'leaky relu': F.leaky_relu(small, 0.2),
    'prelu': F.prelu(small, tensor(1, 2)),
    'shared prelu': F.prelu(small, tensor(1, 1)),
    'clip': torch.clamp(small, -0.25, 0.5),
    'sigmoid': torch.sigmoid(small),
    'tanh': torch.tanh(small),
    'hard sigmoid': F.hardsigmoid(wide),
    'hard swish': F.hardswish(wide),
    'gelu': F.gelu(wide),
    'gelu by tanh': F.gelu(wide, approximate='tanh'),
    'silu': F.silu(wide),
    'softplus': F.softplus(wide),
    'pixel shuffle': F.pixel_shuffle(tensor(0, 1, 8, 2, 2), 2),
    'pixel unshuffle': F.pixel_unshuffle(tensor(0, 1, 1, 4, 6), 2),
    'concatenation': torch.cat([tensor(0, 2, 1, 2, 2), tensor(1, 2, 2, 2, 2)], 1),
    'nearest': F.interpolate(small, scale_factor=3, mode='nearest'),
    'bilinear': F.interpolate(small, scale_factor=2, mode='bilinear', align_corners=False),
    'bilinear by 3': F.interpolate(small, scale_factor=3, mode='bilinear', align_corners=False),
    'bicubic': F.interpolate(small, scale_factor=2, mode='bicubic', align_corners=False),
    'bicubic by 3': F.interpolate(small, scale_factor=3, mode='bicubic', align_corners=False),
    'nearest to a size': F.interpolate(small, size=(5, 3), mode='nearest'),
    'nearest exact to a size': F.interpolate(small, size=(7, 3), mode='nearest-exact'),
    'bilinear to a size': F.interpolate(small, size=(5, 3), mode='bilinear', align_corners=False),
    'bilinear by 1.5 and 0.5': F.interpolate(small, scale_factor=(1.5, 0.5), mode='bilinear', align_corners=False),
    'bilinear with corners': F.interpolate(small, scale_factor=2, mode='bilinear', align_corners=True),
    'bilinear to a row with corners': F.interpolate(small, size=(1, 7), mode='bilinear', align_corners=True),
    'bicubic to a size': F.interpolate(small, size=(2, 7), mode='bicubic', align_corners=False),
    'bicubic with corners': F.interpolate(small, size=(5, 9), mode='bicubic', align_corners=True),
    'nearest in the middle': onnx_resize(small, (2.5, 1.5), mode='nearest', coordinate_transformation_mode='half_pixel',
                                         nearest_mode='round_prefer_floor'),
    'nearest in the middle, later': onnx_resize(small, (2.5, 1.5), mode='nearest',
                                                coordinate_transformation_mode='asymmetric',
                                                nearest_mode='round_prefer_ceil'),
    'nearest above with corners': onnx_resize(small, sizes=(5, 6), mode='nearest',
                                              coordinate_transformation_mode='align_corners', nearest_mode='ceil'),
    'bilinear from the corner': onnx_resize(small, (2, 1.5), mode='linear', coordinate_transformation_mode='asymmetric'),
    'bilinear to a row': onnx_resize(small, sizes=(1, 3), mode='linear', coordinate_transformation_mode='pytorch_half_pixel'),
    'bilinear to a row, centred': onnx_resize(small, sizes=(1, 3), mode='linear', coordinate_transformation_mode='half_pixel'),
    'bicubic of -0.5 from the corner': onnx_resize(small, (2, 1.5), mode='cubic', cubic_coeff_a=-0.5,
                                                   coordinate_transformation_mode='asymmetric'),
    'pixel shuffle, channels innermost': onnx_node('DepthToSpace', tensor(0, 1, 8, 2, 2), blocksize=2, mode='DCR'),
    'pixel unshuffle, channels innermost': onnx_node('SpaceToDepth', tensor(0, 2, 2, 4, 6), blocksize=2),
    'constant padding': F.pad(small, (1, 2, 0, 1), value=-1.5),
    'channel padding': F.pad(small, (0, 0, 0, 0, 1, 2)),
    'reflected padding': F.pad(small, (3, 1, 2, 1), mode='reflect'),
    'edge padding': F.pad(small, (3, 1, 0, 4), mode='replicate'),
    'softmax of channels': F.softmax(x, 1),
    'softmax of rows': F.softmax(x, 3),
    'mean of pixels': x.mean((2, 3)),
    'mean of channels': x.mean(1, keepdim=True),
    'transpose': x.permute(0, 3, 1, 2),
    'reshape': x.reshape(1, 2, -1, 3),
    'slice': x[:, 1:3, 1:-1, ::2],
    'product with channels': x * tensor(1, 1, 4, 1, 1),
    'quotient': x / tensor(1, 1, 1, 4, 1),
    'product of matrices': x @ tensor(1, 1, 4, 3, 2),
    'maximum of two': torch.maximum(x, y),
    'maximum pool': F.max_pool2d(pool, 3, 2, 1),
    'maximum pool ceil': F.max_pool2d(pool, 2, 3, 0, ceil_mode=True),
    'average pool': F.avg_pool2d(pool, 3, 2, 1),
    'average pool ceil': F.avg_pool2d(pool, (2, 3), 2, (1, 1), ceil_mode=True),
    'average pool without padding': F.avg_pool2d(pool, 3, 2, 1, ceil_mode=True, count_include_pad=False),
    'global average pool': F.adaptive_avg_pool2d(x, 1),
}


def main():
    print('// Made by Tools/make_reference_goldens.py; do not edit.\n')
    print('import Tensors\n')
    print('/// Results of PyTorch in float64 by name.')
    print('let goldens: [String: (shape: Shape, values: [Double])] = [')
    for name, value in CASES.items():
        print(f'  "{name}": (')
        print(f'    {list(value.shape)},')
        print('    [')
        line = '     '
        for number in value.flatten().tolist():
            text = f' {number:.8g},'
            if len(line) + len(text) > 128:
                print(line)
                line = '     '
            line += text
        print(line)
        print('    ]')
        print('  ),')
    print(']')


if __name__ == '__main__':
    main()
