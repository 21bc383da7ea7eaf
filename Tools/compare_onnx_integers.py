"""Quantises networks with random parameters, writes them as ONNX, and holds what ONNX Runtime makes of the files against the command.

  python Tools/compare_onnx_integers.py SWIFTLET PICTURES

Sums of integers are the same in both. What stands between two integers is float32, which both round in their own order: a number that lies between two
integers may fall to either, and what follows sees one step more or less. So single outputs may differ by a few such steps, and most by
the last bits of a float32 alone: the line of a network says how many, and by how much of the largest output. Needs numpy and onnxruntime.
"""
import os, subprocess, sys, tempfile
import numpy as np
import onnxruntime

NETWORKS = {
    'edsr': (['edsr', '--features', '32', '--blocks', '8'], (1, 3, 45, 52)),
    'edsr separable': (['edsr', '--features', '32', '--blocks', '8', '--convolution', 'separable'], (1, 3, 45, 52)),
    'edsr selection': (['edsr', '--features', '32', '--blocks', '4', '--convolution', 'selection'], (1, 3, 45, 52)),
    'vdsr': (['vdsr', '--depth', '8'], (1, 1, 61, 47)),
    'unet': (['unet', '--features', '16'], (1, 3, 64, 96)),
    'unet separable': (['unet', '--features', '16', '--convolution', 'separable'], (1, 3, 64, 96)),
    'see-in-the-dark': (['see-in-the-dark', '--features', '16'], (1, 4, 64, 64)),
    'see-in-the-dark lighter': (['see-in-the-dark', '--features', '16', '--convolution', 'lighter'], (1, 4, 64, 64)),
    'small-resnet': (['small-resnet'], (4, 3, 32, 32)),
    'small-resnet selection': (['small-resnet', '--convolution', 'selection'], (4, 3, 32, 32)),
    'resnet18': (['resnet18'], (1, 3, 96, 96)),
}
# Of the largest output: the most that one may differ by, and all on average.
MOST, MEAN = 0.03, 0.001


def main():
    swiftlet, pictures = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        run = lambda *a: subprocess.run([swiftlet, *a], check=True, capture_output=True, text=True)
        for name, (arguments, shape) in NETWORKS.items():
            run('new', *arguments, '--seed', '5', '-o', 'float.safetensors')
            x = np.random.default_rng(1).random(shape, np.float32)
            np.save('x.npy', x)
            for first in ['--first', '--no-first']:
                for residual in ['int8', 'float32']:
                    for file in ['m.safetensors', 'm.onnx']:
                        if os.path.exists(file):
                            os.remove(file)
                        run('quantize', 'float.safetensors', '--data', pictures, '--count', '4', '--side', '64', '--no-sensitivity',
                            '--no-times', '--residual', residual, first, '-o', file)
                    run('run', 'm.safetensors', '--input', 'x.npy', '--output', 'y.npy')
                    ours = np.load('y.npy')
                    session = onnxruntime.InferenceSession('m.onnx', providers=['CPUExecutionProvider'])
                    theirs = session.run(None, {session.get_inputs()[0].name: x})[0]
                    difference, peak = np.abs(ours - theirs), np.abs(theirs).max()
                    most, mean = difference.max() / peak, difference.mean() / peak
                    wrong = ours.shape != theirs.shape or not most <= MOST or not mean <= MEAN
                    failed += wrong
                    print(f"{name:24s} {first:10s} sums {residual:8s} largest {100 * most:6.3f} %  mean {100 * mean:8.5f} %  "
                          f"within 1e-5 {100 * (difference <= 1e-5 * peak).mean():5.1f} %{'  WRONG' if wrong else ''}")
    print(f"{failed} of {4 * len(NETWORKS)} differ too much")
    sys.exit(failed > 0)


main()
