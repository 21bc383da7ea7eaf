#!/usr/bin/env python3
"""Makes Tests/FormatsTests/Quantized: small networks quantised by ONNX Runtime, with inputs and what ONNX Runtime makes of them.

  python Tools/make_quantized_fixtures.py [NAME ...]

Each network is quantised by `quantize_static` in several ways: operators on integers (QOperator) or operators on numbers between
QuantizeLinear and DequantizeLinear (QDQ); weights with one scale or one a channel; activations uint8 or int8, symmetric or not. NAME.onnx and
NAME.output.npy belong together; NETWORK.input.npy is shared; steps.txt has the scale of each output. The `bytes` models take and make integers.
Needs torch, onnx and onnxruntime.
"""
import os, sys, tempfile, warnings
warnings.filterwarnings('ignore')
import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../Tests/FormatsTests/Quantized')


class Call(nn.Module):
    def __init__(self, function, **modules):
        super().__init__()
        self.function, self.m = function, nn.ModuleDict(modules)

    def forward(self, x):
        return self.function(x, self.m)


def conv(i, o, k=3, **options):
    return nn.Conv2d(i, o, k, padding=k // 2, **options)


def plain(x, m):
    return m['b'](F.relu(m['a'](x)))


def mobile(x, m):
    x = F.relu(m['head'](x))
    y = torch.clamp(m['depthwise'](x), 0, 6)
    return m['tail'](x + m['pointwise'](y))


def joined(x, m):
    a, b = F.relu(m['a'](x)), m['b'](x)
    return m['c'](F.max_pool2d(torch.cat([a, b], 1), 2))


def classifier(x, m):
    x = F.max_pool2d(F.relu(m['a'](x)), 2)
    x = F.adaptive_avg_pool2d(F.relu(m['b'](x)), 1)
    return m['fc'](torch.flatten(x, 1))


def enlarger(x, m):
    x = F.relu(m['a'](x))
    return F.pixel_shuffle(m['b'](F.interpolate(x, scale_factor=2, mode='nearest')), 2)


def functions(x, m):
    x = F.leaky_relu(m['a'](x), 0.2)
    return torch.sigmoid(m['b'](x))


def strided(x, m):
    x = F.relu(m['down'](x))
    return m['up'](F.avg_pool2d(x, 2))


NETWORKS = {
    'plain': (plain, dict(a=conv(3, 8), b=conv(8, 5))),
    'mobile': (mobile, dict(head=conv(3, 8), depthwise=conv(8, 8, groups=8), pointwise=conv(8, 8, 1), tail=conv(8, 3))),
    'joined': (joined, dict(a=conv(3, 4), b=conv(3, 6, 1), c=conv(10, 4))),
    'classifier': (classifier, dict(a=conv(3, 6), b=conv(6, 8), fc=nn.Linear(8, 7))),
    'enlarger': (enlarger, dict(a=conv(3, 8), b=conv(8, 12))),
    'functions': (functions, dict(a=conv(3, 6), b=conv(6, 4))),
    'strided': (strided, dict(down=conv(3, 6, stride=2), up=conv(6, 4, 1, groups=2))),
}

WAYS = {
    'operators': dict(quant_format=QuantFormat.QOperator, per_channel=False, activation_type=QuantType.QUInt8,
                      weight_type=QuantType.QInt8),
    'operators-channel': dict(quant_format=QuantFormat.QOperator, per_channel=True, activation_type=QuantType.QUInt8,
                              weight_type=QuantType.QInt8),
    'operators-int8': dict(quant_format=QuantFormat.QOperator, per_channel=True, activation_type=QuantType.QInt8,
                           weight_type=QuantType.QInt8),
    'pairs': dict(quant_format=QuantFormat.QDQ, per_channel=False, activation_type=QuantType.QUInt8, weight_type=QuantType.QUInt8),
    'pairs-channel': dict(quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
                          weight_type=QuantType.QInt8),
    'pairs-int8': dict(quant_format=QuantFormat.QDQ, per_channel=False, activation_type=QuantType.QInt8,
                       weight_type=QuantType.QInt8),
    'pairs-symmetric': dict(quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QInt8,
                            weight_type=QuantType.QInt8, extra_options=dict(ActivationSymmetric=True)),
}


class Data(CalibrationDataReader):
    def __init__(self, arrays):
        self.items = iter([{'x': array} for array in arrays])

    def get_next(self):
        return next(self.items, None)


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    # As the file says it, and not as fused: fusions sum in other orders.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])


def constants(model):
    return {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}


def last_step(model):
    """The scale of what the output is of; where a function of numbers stands at the end, that of its input."""
    known, makers = constants(model), {o: n for n in model.graph.node for o in n.output}
    node = makers[model.graph.output[0].name]
    names = {'DequantizeLinear': 1, 'QuantizeLinear': 1, 'QLinearConv': 6}
    while node.op_type not in names and not node.op_type.startswith('Q'):
        node = makers[node.input[0]]
    return float(np.max(known[node.input[names.get(node.op_type, len(node.input) - 2)]]))


def of_bytes(model):
    """The same without the node that makes integers of the input, and the one that makes numbers of the output."""
    graph = model.graph
    makers = {o: n for n in graph.node for o in n.output}
    first = next(n for n in graph.node if n.op_type == 'QuantizeLinear' and n.input[0] == graph.input[0].name)
    last = makers[graph.output[0].name]
    assert last.op_type == 'DequantizeLinear'
    kind = onnx.TensorProto.INT8 if constants(model)[first.input[2]].dtype == np.int8 else onnx.TensorProto.UINT8
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == first.output[0]:
                node.input[index] = 'x'
    graph.output[0].name = last.input[0]
    graph.node.remove(first)
    graph.node.remove(last)
    graph.input[0].type.tensor_type.elem_type = kind
    graph.output[0].type.tensor_type.elem_type = kind
    return model, kind


def main():
    os.makedirs(FOLDER, exist_ok=True)
    wanted, steps = sys.argv[1:], {}
    table = os.path.join(FOLDER, 'steps.txt')
    if wanted and os.path.exists(table):
        steps = dict(line.split() for line in open(table))
    for number, (name, (function, modules)) in enumerate(NETWORKS.items()):
        torch.manual_seed(number)
        model = Call(function, **modules).eval()
        for module in model.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)
                nn.init.uniform_(module.bias, -0.3, 0.3)
        random = np.random.default_rng(number)
        arrays = [random.standard_normal((1, 3, 10, 12)).astype(np.float32) for _ in range(6)]
        if wanted and name not in wanted:
            continue
        np.save(os.path.join(FOLDER, f'{name}.input.npy'), arrays[0])
        with tempfile.TemporaryDirectory() as work:
            path = os.path.join(work, 'float.onnx')
            torch.onnx.export(model, (torch.tensor(arrays[0]),), path, dynamo=False, opset_version=17, input_names=['x'],
                              output_names=['y'])
            for way, options in WAYS.items():
                target = os.path.join(FOLDER, f'{name}-{way}.onnx')
                quantize_static(path, target, Data(arrays), **options)
                output = session(target).run(None, {'x': arrays[0]})[0]
                np.save(os.path.join(FOLDER, f'{name}-{way}.output.npy'), output)
                steps[f'{name}-{way}'] = last_step(onnx.load(target))
                if name in ('plain', 'mobile') and way in ('pairs-channel', 'pairs-int8', 'operators'):
                    bytes_, kind = of_bytes(onnx.load(target))
                    label = f'{name}-{way}-bytes'
                    onnx.save(bytes_, os.path.join(FOLDER, f'{label}.onnx'))
                    low, high, dtype = (-128, 128, np.int8) if kind == onnx.TensorProto.INT8 else (0, 256, np.uint8)
                    integers = random.integers(low, high, (1, 3, 10, 12)).astype(dtype)
                    np.save(os.path.join(FOLDER, f'{label}.input.npy'), integers)
                    output = session(os.path.join(FOLDER, f'{label}.onnx')).run(None, {'x': integers})[0]
                    np.save(os.path.join(FOLDER, f'{label}.output.npy'), output)
                    steps[label] = 1.0
    with open(table, 'w') as file:
        for name, step in sorted(steps.items()):
            file.write(f'{name} {step}\n')


if __name__ == '__main__':
    main()
