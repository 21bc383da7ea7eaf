#!/usr/bin/env python3
"""Holds random ONNX graphs against ONNX Runtime: what files do to images, in any order of axes.

  python Tools/compare_onnx_random.py --swiftlet .build/release/swiftlet [--first 0] [--count 300] [--keep FOLDER]

Each seed makes a graph of 4 to 12 operators on an image [N, C, H, W] or [N, H, W, C] whose batch, height and width are open or fixed:
convolutions, pools, normalisations, reductions, moves of axes, slices, joints, constants that broadcast, resizes. It runs at its own
size and, where that is open, two others. An output that differs by more than --bound of its largest value, a crash, or a run that
ONNX Runtime refuses, is FAILED; so is a refusal that is not one line. Needs numpy, onnx and onnxruntime.
"""
import argparse, collections, os, random, subprocess, sys, tempfile
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

SIZES = [(12, 20), (16, 8), (24, 12), (9, 15), (7, 10), (13, 11), (20, 28)]


class Graph:
    """A graph that grows at one value, `value`, of shape `shape`, whose channels are axis `channel`, or nowhere (None)."""

    def __init__(self, seed):
        self.random, self.numbers = random.Random(seed), np.random.default_rng(seed)
        self.nodes, self.tensors, self.kept, self.count = [], {}, [], 0
        height, width = self.random.choice(SIZES)
        channels = self.random.choice([1, 3, 4])
        self.form = self.random.choice(['open', 'open', 'fixed', 'batch'])
        self.is_last = self.random.random() < 0.3
        self.sizes = [(1, height, width)]
        if self.form == 'open':
            self.sizes += [(2, *self.random.choice(SIZES)), (1, width + 1, height + 3)]
        elif self.form == 'batch':
            self.sizes.append((3, height, width))
        sides = ['h', 'w'] if self.form == 'open' else [height, width]
        batch = 1 if self.form == 'fixed' else 'n'
        self.declared = [batch, *sides, channels] if self.is_last else [batch, channels, *sides]
        self.channels, self.value = channels, 'x'
        self.shape = [1, height, width, channels] if self.is_last else [1, channels, height, width]
        self.channel = 3 if self.is_last else 1

    def name(self):
        self.count += 1
        return f'v{self.count}'

    def constant(self, values):
        name = self.name()
        self.tensors[name] = np.asarray(values)
        return name

    def integers(self, *values):
        return self.constant(np.array(values, np.int64))

    def weights(self, *shape):
        return self.constant((self.numbers.standard_normal(shape) * 0.5).astype(np.float32))

    def add(self, operator, inputs, **attributes):
        output = self.name()
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def axis(self):
        """One behind the batch, as it is or counted from the end."""
        axis = self.random.randrange(1, len(self.shape))
        return axis, axis - self.random.choice([0, len(self.shape)])

    @property
    def is_image(self):
        return len(self.shape) == 4 and self.channel == 1

    # Steps. Each changes the value, or does nothing where it does not fit.

    def transpose(self):
        order = list(range(len(self.shape)))
        self.random.shuffle(order)
        if len(order) == 4 and self.random.random() < 0.7:
            order = self.random.choice([[0, 2, 3, 1], [0, 3, 1, 2]])
        self.value = self.add('Transpose', [self.value], perm=order)
        self.shape = [self.shape[axis] for axis in order]
        self.channel = None if self.channel is None else order.index(self.channel)

    def convolution(self):
        if not self.is_image or self.shape[1] > 32:
            return
        inputs = self.shape[1]
        groups = self.random.choice([1, 1, inputs])
        outputs = self.random.choice([2, 4, 5]) if groups == 1 else inputs * self.random.choice([1, 2])
        kernel, stride = self.random.choice([1, 3, 3, 5]), self.random.choice([1, 1, 2])
        if min(self.shape[2:]) < 6:
            kernel, stride = min(kernel, 3), 1
        if kernel > min(self.shape[2:]):
            return
        operands = [self.value, self.weights(outputs, inputs // groups, kernel, kernel)]
        if self.random.random() < 0.6:
            operands.append(self.weights(outputs))
        padding = {'pads': [kernel // 2] * 4}
        if self.random.random() < 0.3:
            padding = {'auto_pad': self.random.choice(['SAME_UPPER', 'SAME_LOWER'])}
        self.value = self.add('Conv', operands, group=groups, kernel_shape=[kernel] * 2, strides=[stride] * 2, **padding)
        self.shape = [self.shape[0], outputs] + [-(-extent // stride) for extent in self.shape[2:]]

    def pool(self):
        if not self.is_image or min(self.shape[2:]) < 4:
            return
        operator = self.random.choice(['MaxPool', 'AveragePool'])
        kernel, stride, rounds_up = self.random.choice([2, 3]), self.random.choice([1, 2]), self.random.choice([0, 0, 1])
        padding = self.random.choice([0, kernel // 2])
        more = {'count_include_pad': self.random.choice([0, 1])} if operator == 'AveragePool' else {}
        self.value = self.add(operator, [self.value], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[padding] * 4,
                              ceil_mode=rounds_up, **more)
        for axis in (2, 3):
            reach = self.shape[axis] + 2 * padding - kernel
            count = (-(-reach // stride) if rounds_up else reach // stride) + 1
            if rounds_up and (count - 1) * stride >= self.shape[axis] + padding:
                count -= 1
            self.shape[axis] = count

    def function(self):
        operator = self.random.choice(['Relu', 'Sigmoid', 'Tanh', 'Abs', 'Neg', 'HardSwish', 'LeakyRelu', 'Elu', 'Selu', 'Softplus',
                                       'Erf', 'Sqrt', 'Reciprocal', 'Clip', 'PRelu', 'Identity'])
        operands = [self.value]
        if operator in ('Sqrt', 'Reciprocal'):
            operands = [self.add('Add', [self.add('Abs', operands), self.constant(np.float32(0.5))])]
        elif operator == 'Clip':
            operands += [self.constant(np.float32(-0.5)), self.constant(np.float32(1.5))]
        elif operator == 'PRelu':
            if self.channel is None:
                return
            operands.append(self.weights(*[n if axis == self.channel else 1 for axis, n in enumerate(self.shape)]))
        self.value = self.add(operator, operands)

    def constants(self):
        operator = self.random.choice(['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Pow'])
        shape = [1] * len(self.shape)
        for axis in range(1, len(shape)):
            if (self.form == 'fixed' or axis == self.channel) and self.random.random() < 0.6:
                shape[axis] = self.shape[axis]
        while shape and shape[0] == 1 and self.random.random() < 0.4:
            shape = shape[1:]
        operands = [self.value, self.weights(*shape)]
        if operator == 'Div':
            self.tensors[operands[1]] = np.abs(self.tensors[operands[1]]) + np.float32(0.5)
        elif operator == 'Pow':
            operands = [self.add('Abs', [self.value]), self.constant(np.float32(self.random.choice([2, 3, 0.5])))]
        elif self.random.random() < 0.4:
            operands.reverse()
        self.value = self.add(operator, operands)

    def reduction(self):
        rank = len(self.shape)
        if rank < 2:
            return
        axes = sorted(self.random.sample(range(1, rank), min(self.random.choice([1, 1, 2]), rank - 1)))
        keeps = self.random.choice([0, 1, 1])
        if not keeps and rank - len(axes) < 2:
            return
        operator = self.random.choice(['ReduceMean', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceL2', 'ReduceL1'])
        made = self.add(operator, [self.value], axes=[axis - self.random.choice([0, rank]) for axis in axes], keepdims=keeps)
        if keeps and self.random.random() < 0.6:
            self.value = self.add(self.random.choice(['Mul', 'Sub', 'Add']), [self.value, made])
            return
        self.value = made
        if keeps:
            self.shape = [1 if axis in axes else n for axis, n in enumerate(self.shape)]
            return
        if self.channel is not None:
            self.channel = None if self.channel in axes else self.channel - sum(axis < self.channel for axis in axes)
        self.shape = [n for axis, n in enumerate(self.shape) if axis not in axes]

    def part(self):
        axis, given = self.axis()
        if self.shape[axis] < (2 if axis == self.channel else 4):
            return
        start, step = self.random.choice([0, 0, 1, -2]), self.random.choice([1, 1, 2])
        end = self.random.choice([2 ** 31, -1]) if start >= 0 and self.shape[axis] > 2 else 2 ** 31
        self.value = self.add('Slice', [self.value] + [self.integers(n) for n in (start, end, given, step)])
        self.shape[axis] = len(range(self.shape[axis])[start:end:step])

    def backwards(self):
        if self.channel is None or self.channel == 0:
            return
        places = [self.random.randrange(-self.shape[self.channel], self.shape[self.channel]) for _ in range(self.random.randrange(1, 5))]
        self.value = self.add('Gather', [self.value, self.integers(*places)], axis=self.channel)
        self.shape[self.channel] = len(places)

    def joint(self):
        axis, given = self.axis()
        other = self.add(self.random.choice(['Relu', 'Sigmoid']), [self.value])
        operands = self.random.choice([[self.value, other], [other, self.value, self.value]])
        self.value = self.add('Concat', operands, axis=given)
        self.shape[axis] *= len(operands)

    def shuffle(self):
        if not self.is_image or self.shape[1] % 2:
            return
        shape = self.add('Shape', [self.value])
        batch = self.add('Slice', [shape, self.integers(0), self.integers(1)])
        sides = self.add('Slice', [shape, self.integers(2), self.integers(4)])
        split = self.add('Concat', [batch, self.integers(2, self.shape[1] // 2), sides], axis=0)
        whole = self.add('Concat', [batch, self.integers(self.shape[1]), sides], axis=0)
        moved = self.add('Transpose', [self.add('Reshape', [self.value, split])], perm=[0, 2, 1, 3, 4])
        if self.random.random() < 0.3:
            moved = self.add('Relu', [moved])
        self.value = self.add('Reshape', [moved, whole])

    def flat(self):
        if len(self.shape) != 4 or self.random.random() < 0.6:
            return
        self.value = self.add('Reshape', [self.value, self.integers(0, 0, -1)])
        self.shape = [*self.shape[:2], self.shape[2] * self.shape[3]]
        self.channel = 1 if self.channel == 1 else None

    def there_and_back(self):
        shape = self.add('Shape', [self.value])
        front = self.add('Slice', [shape, self.integers(0), self.integers(2)])
        pixels = self.add('Reshape', [self.value, self.add('Concat', [front, self.integers(-1)], axis=0)])
        self.value = self.add('Reshape', [self.add(self.random.choice(['Relu', 'Softmax']), [pixels]), shape])

    def softmax(self):
        self.value = self.add(self.random.choice(['Softmax', 'LogSoftmax']), [self.value], axis=self.axis()[1])

    def normalization(self):
        if self.channel == 1 and len(self.shape) >= 3:
            weights = [self.weights(self.shape[1]), self.weights(self.shape[1])]
            operator = self.random.choice(['InstanceNormalization', 'BatchNormalization'])
            if operator == 'BatchNormalization':
                weights += [self.weights(self.shape[1]), self.constant(self.numbers.random(self.shape[1]).astype(np.float32) + np.float32(0.5))]
            self.value = self.add(operator, [self.value] + weights)
        elif self.channel == len(self.shape) - 1:
            self.value = self.add('LayerNormalization', [self.value, self.weights(self.shape[-1]), self.weights(self.shape[-1])], axis=-1)

    def product(self):
        if self.channel != len(self.shape) - 1 or self.channel == 0:
            return
        outputs = self.random.choice([3, 4, 6])
        self.value = self.add('MatMul', [self.value, self.weights(self.shape[-1], outputs)])
        self.shape[-1] = outputs

    def one_more_axis(self):
        if len(self.shape) > 4:
            return
        axis = self.integers(self.random.randrange(len(self.shape) + 1))
        made = self.add(self.random.choice(['Relu', 'Identity', 'Neg']), [self.add('Unsqueeze', [self.value, axis])])
        self.value = self.add('Squeeze', [made, axis])

    def resize(self):
        if not self.is_image or max(self.shape[2:]) > 80:
            return
        factors = self.random.choice([(2, 2), (0.5, 0.5), (1.5, 2), (2, 0.75)]) if min(self.shape[2:]) >= 4 else (2, 2)
        scales = self.constant(np.array([1, 1, *factors], np.float32))
        self.value = self.add('Resize', [self.value, '', scales], mode=self.random.choice(['nearest', 'linear', 'cubic']), nearest_mode='floor',
                              coordinate_transformation_mode=self.random.choice(['half_pixel', 'asymmetric', 'align_corners']))
        self.shape[2:] = [int(extent * factor) for extent, factor in zip(self.shape[2:], factors)]

    def pad(self):
        if len(self.shape) != 4 or min(self.shape[1:]) < 4 and self.channel != 1:
            return
        sides = [axis for axis in (1, 2, 3) if axis != self.channel][:2]
        amounts = [0] * 8
        for axis in sides:
            amounts[axis], amounts[axis + 4] = self.random.randrange(3), self.random.randrange(3)
        mode = self.random.choice(['constant', 'reflect', 'edge']) if min(self.shape[axis] for axis in sides) > 3 else 'constant'
        self.value = self.add('Pad', [self.value, self.integers(*amounts)], mode=mode)
        self.shape = [extent + amounts[axis] + amounts[axis + 4] for axis, extent in enumerate(self.shape)]

    def pooled(self):
        if not self.is_image:
            return
        made = self.add(self.random.choice(['GlobalAveragePool', 'GlobalMaxPool']), [self.value])
        operands = [self.value, made]
        self.random.shuffle(operands)
        self.value = self.add(self.random.choice(['Mul', 'Add', 'Sub']), operands)

    def halves(self):
        if not self.channel or self.shape[self.channel] % 2:
            return
        first, second = self.name(), self.name()
        self.nodes.append(helper.make_node('Split', [self.value], [first, second], axis=self.channel))
        self.value = self.add(self.random.choice(['Mul', 'Add', 'Sub']), [first, self.add('Sigmoid', [second])])
        self.shape[self.channel] //= 2

    def pixels(self):
        if not self.is_image or self.shape[1] % 4:
            return
        self.value = self.add('DepthToSpace', [self.value], blocksize=2, mode=self.random.choice(['DCR', 'CRD']))
        self.shape = [self.shape[0], self.shape[1] // 4, 2 * self.shape[2], 2 * self.shape[3]]

    def row(self):
        if len(self.shape) < 3:
            return
        axis, given = self.axis()
        self.value = self.add('Gather', [self.value, self.constant(np.array(self.random.choice([0, -1]), np.int64))], axis=given)
        if self.channel is not None:
            self.channel = None if self.channel == axis else self.channel - (axis < self.channel)
        del self.shape[axis]

    def repetition(self):
        axis, _ = self.axis()
        if np.prod(self.shape) < 20000:
            self.value = self.add('Tile', [self.value, self.integers(*[1 + (a == axis) for a in range(len(self.shape))])])
            self.shape[axis] *= 2

    def choice(self):
        condition = self.add('Greater', [self.value, self.constant(np.float32(0.1))])
        operands = [self.value, self.constant(np.float32(self.random.choice([0, -1, 2])))]
        self.random.shuffle(operands)
        self.value = self.add('Where', [condition] + operands)

    def keep(self):
        self.kept.append((self.value, list(self.shape), self.channel))

    def skip(self):
        fitting = [value for value, shape, channel in self.kept if shape == self.shape and channel == self.channel]
        if fitting:
            operands = [self.value, self.random.choice(fitting)]
            self.random.shuffle(operands)
            self.value = self.add(self.random.choice(['Add', 'Sub', 'Mul', 'Max', 'Min']), operands)

    def grow(self):
        steps = [self.transpose, self.transpose, self.convolution, self.convolution, self.pool, self.function, self.function, self.constants,
                 self.constants, self.reduction, self.part, self.backwards, self.joint, self.shuffle, self.flat, self.there_and_back,
                 self.softmax, self.normalization, self.product, self.one_more_axis, self.resize, self.pad, self.pooled, self.halves,
                 self.pixels, self.row, self.repetition, self.choice, self.keep, self.skip]
        for _ in range(self.random.randrange(4, 13)):
            if len(self.shape) >= 2 and np.prod(self.shape) < 60000:
                self.random.choice(steps)()
        if self.value == 'x':
            self.function()
        return self

    def model(self):
        graph = helper.make_graph(
            self.nodes, 'g', [helper.make_tensor_value_info('x', TensorProto.FLOAT, self.declared)],
            [helper.make_empty_tensor_value_info(self.value)], [numpy_helper.from_array(v, n) for n, v in self.tensors.items()])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)


def check(graph, path, options, work):
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level, settings.intra_op_num_threads = 4, 1
    # Its passes make other values of a Pad of zeros before a MaxPool (1.31).
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    oracle = onnxruntime.InferenceSession(path, settings, providers=['CPUExecutionProvider'])
    words = []
    for index, (batch, height, width) in enumerate(graph.sizes):
        shape = (batch, height, width, graph.channels) if graph.is_last else (batch, graph.channels, height, width)
        x = np.random.default_rng(index).standard_normal(shape).astype(np.float32)
        source, target = os.path.join(work, 'x.npy'), os.path.join(work, 'y.npy')
        np.save(source, x)
        try:
            expected = oracle.run(None, {'x': x})[0]
        except Exception:
            expected = None
        done = subprocess.run([options.swiftlet, 'run', path, '--input', source, '-o', target], capture_output=True, text=True)
        line = (done.stderr or done.stdout).strip()
        if done.returncode:
            is_line = done.returncode == 1 and line.startswith('swiftlet: ') and '\n' not in line
            word = f'refused: {line}' if expected is not None else 'refused, too'
            words.append(word if is_line else f'FAILED: {done.returncode}: {line[-200:]}')
            continue
        if expected is None:
            words.append('FAILED: runs where ONNX Runtime refuses')
            continue
        got = np.load(target)
        if got.shape != expected.shape:
            words.append(f'FAILED: {got.shape}, not {expected.shape}')
            continue
        difference = float(np.abs(got.astype(np.float64) - expected).max(initial=0) / max(np.abs(expected).max(initial=0), 1e-9))
        words.append('equal' if difference <= options.bound else f'FAILED: difference {difference:.1e} at {shape}')
    return words


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--swiftlet', default='.build/release/swiftlet')
    parser.add_argument('--first', type=int, default=0)
    parser.add_argument('--count', type=int, default=300)
    parser.add_argument('--keep', help='a folder that the models of seeds that are not equal are kept in')
    parser.add_argument('--bound', type=float, default=1e-4)
    options = parser.parse_args()
    onnxruntime.set_default_logger_severity(4)
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, 'model.onnx')
        for seed in range(options.first, options.first + options.count):
            graph = Graph(seed).grow()
            model = graph.model()
            onnx.save(model, path)
            try:
                words = check(graph, path, options, work)
            except Exception as failure:
                words = [f'no oracle: {str(failure)[:100]}']
            for word in words:
                counts[word.split(':')[0]] += 1
            others = [word for word in words if word not in ('equal', 'refused, too')]
            if others:
                print(f'{seed}: {others[0][:300]}', flush=True)
                if options.keep:
                    os.makedirs(options.keep, exist_ok=True)
                    onnx.save(model, os.path.join(options.keep, f'{seed}.onnx'))
    print(', '.join(f'{count} {word}' for word, count in sorted(counts.items())))
    sys.exit(1 if counts['FAILED'] else 0)


if __name__ == '__main__':
    main()
