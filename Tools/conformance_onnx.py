#!/usr/bin/env python3
"""Runs the node tests of the onnx package through `swiftlet run`.

  python Tools/conformance_onnx.py --swiftlet .build/release/swiftlet [NAME ...] [--operator Conv] [--list refused] [--engine reference]

Each test is one operator with inputs and expected outputs, at the opset in which it last changed. A test is tried with all its inputs
computed, then with the integers, then with all but the first input as tensors of the file, as real networks have them, and with one
image that holds the inputs, until it passes; several outputs are taken one by one. The outcomes:

  pass      every output has the expected shape and values, within the test's own tolerance
  refused   one line that names the operator, or the input or output that cannot be taken
  runtime   another value than the test's, and the one that ONNX Runtime has: of Resize alone, where the test divides by a length that
            is no whole number (align_corners with scales) and ONNX Runtime and PyTorch by the output's
  wrong     exit 0 and another shape or value
  crash     a signal
  unclear   any other end

Exits with 1 if anything is wrong, crashed or unclear. Needs onnx and numpy, and onnxruntime for what differs.
"""
import argparse, collections, os, subprocess, sys, tempfile, warnings
warnings.filterwarnings('ignore')
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases

NEWEST_OPSET = 24
ORDER = ('wrong', 'crash', 'unclear', 'runtime', 'pass', 'refused')


def is_tensor(value):
    return isinstance(value, np.ndarray) or np.isscalar(value)


def forms(model, inputs):
    """The model in the forms that are tried, with the names and values of its computed inputs, until one passes: as it is; with its
    integers, and then all but its first input, as tensors; and these two with one image that holds all computed inputs."""
    given = [value.name for value in model.graph.input][:len(inputs)]
    values = dict(zip(given, (np.asarray(value) for value in inputs)))
    floats = [name for name in given if values[name].dtype.kind == 'f' or values[name].dtype.name == 'bfloat16']
    seen = []
    for packs in (False, True):
        for computed in (given, floats, given[:1]):
            if (packs, computed) in seen or packs and not set(computed) <= set(floats):
                continue
            seen.append((packs, computed))
            changed = onnx.ModelProto()
            changed.CopyFrom(model)
            for name in given:
                if name not in computed:
                    changed.graph.initializer.append(numpy_helper.from_array(values[name], name))
            kept = [value for value in changed.graph.input if value.name in computed]
            del changed.graph.input[:]
            if packs:
                if not pack(changed, kept, values):
                    continue
                yield changed, [('packed', np.concatenate([values[v.name].astype(np.float32).ravel() for v in kept]).reshape(1, 1, 1, -1))]
            else:
                changed.graph.input.extend(kept)
                yield changed, [(name, values[name]) for name in given if name in computed]


def pack(model, inputs, values):
    """Makes the inputs parts of one image [1, 1, 1, all]; false where one of them is empty."""
    nodes, start = [], 0
    for value in inputs:
        array = values[value.name]
        if array.size == 0:
            return False
        part = f'packed/{value.name}'
        for suffix, numbers in (('start', [start]), ('end', [start + array.size]), ('axis', [3]), ('shape', list(array.shape))):
            model.graph.initializer.append(numpy_helper.from_array(np.array(numbers, np.int64), f'{part}/{suffix}'))
        nodes.append(helper.make_node('Slice', ['packed', f'{part}/start', f'{part}/end', f'{part}/axis'], [part]))
        nodes.append(helper.make_node('Reshape', [part, f'{part}/shape'], [value.name]))
        start += array.size
    nodes += list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.input.append(helper.make_tensor_value_info('packed', TensorProto.FLOAT, [1, 1, 1, start]))
    return start > 0


def refusal(text, model):
    """Whether the text is one line that says what cannot be taken."""
    lines = [line for line in text.strip().splitlines() if line]
    if len(lines) != 1 or not lines[0].startswith('swiftlet: '):
        return False
    operators = {node.op_type for node in model.graph.node}
    if 'numbers that are not finite' in lines[0]:
        return True
    clauses = ("input '", "inputs", "output '", "tensor '", "two values of the ONNX graph", "opset")
    return any(operator in lines[0] for operator in operators) or any(clause in lines[0] for clause in clauses)


def run(options, model, inputs, output, expected, case, work):
    single = onnx.ModelProto()
    single.CopyFrom(model)
    kept = [value for value in single.graph.output if value.name == output]
    del single.graph.output[:]
    single.graph.output.extend(kept)
    path, target = os.path.join(work, 'model.onnx'), os.path.join(work, 'output.npy')
    if os.path.exists(target):
        os.remove(target)
    onnx.save(single, path)
    arguments = [options.swiftlet, 'run', path, '-o', target]
    for index, (name, value) in enumerate(inputs):
        source = os.path.join(work, f'input{index}.npy')
        if value.dtype.kind in 'OUS':
            value = np.zeros(value.shape, np.float32)
        elif value.dtype.kind not in 'biuf':
            value = value.astype(np.float32)
        np.save(source, value.astype(np.float32) if value.dtype.kind == 'f' and value.dtype.itemsize != 2 else value)
        arguments += ['--input', source]
    if not inputs:
        source = os.path.join(work, 'input0.npy')
        np.save(source, np.zeros((1, 1, 1, 1), np.float32))
        arguments += ['--input', source]
    if options.engine:
        arguments += ['--engine', options.engine]
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, errors='replace')
    except subprocess.TimeoutExpired:
        return 'unclear', 'takes more than 60 s'
    text = done.stderr + done.stdout
    if done.returncode < 0:
        return 'crash', f'signal {-done.returncode}: {text.strip()[:200]}'
    if done.returncode:
        return ('refused' if refusal(text, single) else 'unclear'), text.strip()[:300]
    got, expected = np.load(target), np.asarray(expected)
    if expected.dtype.kind in 'OUS':
        return 'wrong', 'strings are expected'
    if got.shape != expected.shape:
        return 'wrong', f'shape {got.shape}, not {expected.shape}'
    # Values of 16 bits were rounded at each step of the expected result; ours are float32.
    rounding = {'float16': 4 * 2**-11, 'bfloat16': 4 * 2**-8}.get(expected.dtype.name, 0)
    if expected.dtype.kind not in 'biuf':
        expected = expected.astype(np.float32)
    try:
        np.testing.assert_allclose(got.astype(np.float64), expected.astype(np.float64), rtol=max(case.rtol, rounding), atol=case.atol)
    except AssertionError as difference:
        if {node.op_type for node in single.graph.node} == {'Resize'} and is_of_runtime(path, inputs, got, case):
            return 'runtime', ''
        return 'wrong', ' '.join(str(difference).split())[:200]
    return 'pass', ''


def is_of_runtime(path, inputs, got, case):
    """Whether ONNX Runtime gives these values."""
    import onnxruntime
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, settings, providers=['CPUExecutionProvider'])
    theirs = session.run(None, dict(inputs))[0]
    return got.shape == theirs.shape and np.allclose(got, theirs, rtol=max(case.rtol, 1e-5), atol=max(case.atol, 1e-6))


def outcome(options, case, work):
    inputs, outputs = case.data_sets[0]
    if not all(is_tensor(value) for value in list(inputs) + list(outputs)):
        # Sequences and optional values have no .npy: only that they are refused can be seen.
        return run(options, case.model, [], case.model.graph.output[0].name, np.zeros(0), case, work)
    names = [value.name for value in case.model.graph.output]
    best = None
    for model, given in forms(case.model, inputs):
        if not given and case.model.graph.input:
            continue
        results = [run(options, model, given, name, expected, case, work) for name, expected in zip(names, outputs)]
        result = min(results, key=lambda result: ORDER.index(result[0]) if result[0] != 'pass' else len(ORDER))
        if result[0] != 'refused':
            return result
        # The last form that is refused says most about the operator.
        best = result
    return best or ('refused', 'no input is left to compute')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', help='only tests whose names contain one of these')
    parser.add_argument('--swiftlet', default='.build/release/swiftlet')
    parser.add_argument('--operator', help='only tests of this operator')
    parser.add_argument('--engine')
    parser.add_argument('--list', action='append', default=[], help='print the tests of this outcome, too')
    options = parser.parse_args()
    counts = collections.defaultdict(collections.Counter)
    total = collections.Counter()
    with tempfile.TemporaryDirectory() as work:
        for case in collect_testcases(None):
            operator = case.model.graph.node[0].op_type if len(case.model.graph.node) == 1 else 'expanded'
            opset = max((entry.version for entry in case.model.opset_import if entry.domain in ('', 'ai.onnx')), default=0)
            if opset > NEWEST_OPSET or options.operator and operator != options.operator:
                continue
            if options.names and not any(name in case.name for name in options.names):
                continue
            kind, text = outcome(options, case, work)
            counts[operator][kind] += 1
            total[kind] += 1
            if kind in ('wrong', 'crash', 'unclear') or kind in options.list:
                print(f'{kind:8s}{case.name}: {text}', flush=True)
    print(f'\n{"operator":32s}' + ''.join(f'{kind:>9s}' for kind in ORDER))
    for operator in sorted(counts):
        print(f'{operator:32s}' + ''.join(f'{counts[operator][kind] or "":>9}' for kind in ORDER))
    print(f'{"all":32s}' + ''.join(f'{total[kind]:9d}' for kind in ORDER))
    sys.exit(1 if total['wrong'] + total['crash'] + total['unclear'] else 0)


if __name__ == '__main__':
    main()
