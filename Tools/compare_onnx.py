#!/usr/bin/env python3
"""Holds ONNX import and export against PyTorch's exporters and ONNX Runtime, network by network.

  python Tools/compare_onnx.py --models folder/of/models.py --swiftlet .build/release/swiftlet [NAME ...] [--engine cpu|reference]

models.py has MODELS: name -> (function that makes a torch module, shape). Each network is exported by PyTorch three ways (of fixed size,
with open axes, by the newer exporter), imported and run on three shapes; ONNX Runtime runs the export with open axes. Then our own
export of the imported network is checked by onnx.checker and run by ONNX Runtime. Printed is the largest difference over the largest
absolute value of the output, which must stay within --bound. Needs torch, onnx, onnxscript and onnxruntime.
"""
import argparse, os, subprocess, sys, tempfile, warnings
warnings.filterwarnings('ignore')
import numpy as np
import onnx
import onnxruntime
import torch

SHAPES = {'small_resnet': [(1, 32, 32), (3, 32, 32), (2, 40, 24)], 'resnet18': [(1, 224, 224), (2, 64, 96), (3, 128, 64)]}
USUAL = [(1, 64, 64), (2, 48, 80), (1, 32, 112)]
EXPORTS = ('fixed', 'open', 'dynamo')


def export(model, kind, shape, path):
    x = torch.rand(shape)
    if kind == 'dynamo':
        axes = {0: torch.export.Dim('batch'), 2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
        torch.onnx.export(model, (torch.rand((2,) + tuple(shape[1:])),), path, dynamo=True, input_names=['x'],
                          output_names=['y'], dynamic_shapes=(axes,), verbose=False, external_data=False)
    else:
        axes = {'dynamic_axes': {'x': {0: 'batch', 2: 'height', 3: 'width'}}} if kind == 'open' else {}
        torch.onnx.export(model, (x,), path, dynamo=False, opset_version=17, input_names=['x'], output_names=['y'], **axes)


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])


def error(a, b):
    if a.shape != b.shape:
        return float('inf')
    return float(np.abs(a.astype(np.float64) - b).max() / np.abs(b).max())


def command(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        print('   ', ' '.join(arguments[1:3]), '->', (done.stderr or done.stdout).strip()[:300])
    return done.returncode == 0


def compare(name, make, channels, options, work):
    torch.manual_seed(0)
    model = make().eval()
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            # As large as the input behind many layers, too.
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity='linear')
        if isinstance(module, torch.nn.BatchNorm2d):
            # Statistics that do something.
            torch.nn.init.normal_(module.running_mean, 0, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    base = next((key for key in SHAPES if name.startswith(key)), None)
    shapes = [(n, channels, h, w) for n, h, w in SHAPES.get(base, USUAL)]
    files = {}
    for kind in EXPORTS:
        path = os.path.join(work, f'{name}-{kind}.onnx')
        with open(os.devnull, 'w') as null:
            saved = os.dup(1), os.dup(2)
            os.dup2(null.fileno(), 1), os.dup2(null.fileno(), 2)
            try:
                export(model, kind, shapes[0], path)
                files[kind] = path
            except Exception as failure:
                problem = f'{type(failure).__name__}: {str(failure)[:200]}'
            finally:
                os.dup2(saved[0], 1), os.dup2(saved[1], 2)
                os.close(saved[0]), os.close(saved[1])
        if kind not in files:
            print(f'{name:24s}{kind:8s} PyTorch cannot export it: {problem}')
    oracle, fine = session(files['open']), True
    results = {}
    for kind, path in files.items():
        worst = []
        ours = os.path.join(work, f'{name}-{kind}-ours.onnx')
        converted = command(options.swiftlet, 'convert', path, '-o', ours)
        back = None
        if converted:
            onnx.checker.check_model(onnx.load(ours), full_check=True)
            back = session(ours)
        for shape in shapes:
            x = np.random.default_rng(1).random(shape, dtype=np.float32)
            expected = oracle.run(None, {'x': x})[0]
            source, target = os.path.join(work, 'x.npy'), os.path.join(work, 'y.npy')
            np.save(source, x)
            arguments = ['--engine', options.engine] if options.engine else []
            ran = command(options.swiftlet, 'run', path, '--input', source, '-o', target, *arguments)
            imported = error(np.load(target), expected) if ran else float('inf')
            exported = error(back.run(None, {back.get_inputs()[0].name: x})[0], expected) if back else float('inf')
            worst.append((imported, exported))
        imported, exported = max(w[0] for w in worst), max(w[1] for w in worst)
        good = imported <= options.bound and exported <= options.bound
        fine = fine and good
        print(f'{name:24s}{kind:8s} import {imported:9.2e}  export {exported:9.2e}  bound {options.bound:.0e}  {"ok" if good else "FAILED"}',
              flush=True)
        for path in (path, ours):
            if os.path.exists(path):
                os.remove(path) if kind != 'open' else None
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*')
    parser.add_argument('--models', required=True, help='the folder of models.py')
    parser.add_argument('--swiftlet', default='.build/release/swiftlet')
    parser.add_argument('--engine')
    parser.add_argument('--bound', type=float, default=2e-5)
    options = parser.parse_args()
    sys.path.insert(0, options.models)
    from models import MODELS
    torch.set_num_threads(1)
    fine = True
    for name, (make, shape) in MODELS.items():
        if not options.names or name in options.names:
            with tempfile.TemporaryDirectory() as work, torch.no_grad():
                fine = compare(name, make, shape[1], options, work) and fine
    sys.exit(0 if fine else 1)


if __name__ == '__main__':
    main()
