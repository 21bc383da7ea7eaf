#!/usr/bin/env python3
"""Times networks, and steps of training, on the CUDA device with PyTorch, as a user would get the most out of it.

    python3 torch_times.py --json times.json [--go FILE] [--seconds 60] [--networks edsr,unet]

Modes: eager16 (float16, channels last), eager32 (float32, no TF32), eagertf32, compile16 and compile32 (torch.compile). Steps of training
(edsr_train: forward, backward, Adam) run in float32, or with autocast to bfloat16. Each runs as one captured graph with its input on the
device; a figure is the median of replays in milliseconds. The file holds {"program": ..., "times": {network: {mode: milliseconds}}}, and is
written again after each figure.

With --go nothing is timed before that file is there: until then models are made, graphs captured and networks compiled, which processes of
their own do, as far as processors and memory go. It makes a process group of its own, so that whoever times something else meanwhile can stop
it for so long. --device cpu shows it run where there is no device.
"""
import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


def dense(inputs, outputs, kernel=3, stride=1, bias=True):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)


class Separable(nn.Sequential):
    def __init__(self, inputs, outputs):
        super().__init__(nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs), nn.Conv2d(inputs, outputs, 1))


class Selection(nn.Sequential):
    """A weighted sum of the channels, then one kernel for each output."""

    def __init__(self, inputs, outputs, kernel=3, stride=1, bias=False):
        super().__init__(
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.Conv2d(outputs, outputs, kernel, stride, kernel // 2, groups=outputs, bias=bias))


class EDSR(nn.Module):
    def __init__(self, kind, features=64, blocks=16):
        super().__init__()
        self.head, self.up, self.tail = dense(3, features), dense(features, 4 * features), dense(features, 3)
        self.body = nn.ModuleList(nn.Sequential(kind(features, features), nn.ReLU(), kind(features, features)) for _ in range(blocks))

    def forward(self, x):
        x = first = self.head(x)
        for block in self.body:
            x = x + block(x) * 0.1
        return self.tail(F.pixel_shuffle(self.up(first + x), 2))


class VDSR(nn.Module):
    def __init__(self, features=64, depth=20):
        super().__init__()
        layers = [dense(1, features, bias=False), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [dense(features, features, bias=False), nn.ReLU()]
        self.layers = nn.Sequential(*layers, dense(features, 1, bias=False))

    def forward(self, x):
        return x + self.layers(x)


class UNet(nn.Module):
    """Of five levels. `pair` makes the two convolutions of a level, `end` the layer behind the last."""

    def __init__(self, inputs, features, pair, end):
        super().__init__()
        n = [features << level for level in range(5)]
        self.down = nn.ModuleList([pair(inputs, n[0], True)] + [pair(n[i], n[i + 1], False) for i in range(4)])
        self.up = nn.ModuleList(nn.ConvTranspose2d(n[i + 1], n[i], 2, 2) for i in reversed(range(4)))
        self.merge = nn.ModuleList(pair(n[i + 1], n[i], False) for i in reversed(range(4)))
        self.end = end(n[0])

    def forward(self, x):
        kept = []
        for level, layers in enumerate(self.down):
            x = layers(F.max_pool2d(x, 2) if level else x)
            kept.append(x)
        for up, merge, skip in zip(self.up, self.merge, kept[-2::-1]):
            x = merge(torch.cat([up(x), skip], 1))
        return self.end(x)


def unet(kind):
    def pair(inputs, outputs, is_first):
        layers = []
        for a in (inputs, outputs):
            layers += [(dense if is_first else kind)(a, outputs), nn.BatchNorm2d(outputs), nn.ReLU()]
        return nn.Sequential(*layers)
    return UNet(3, 64, pair, lambda features: nn.Conv2d(features, 1, 1))


def dark(first, second):
    def pair(inputs, outputs, _):
        return nn.Sequential(first(inputs, outputs), nn.LeakyReLU(0.2), second(outputs, outputs), nn.LeakyReLU(0.2))
    return UNet(4, 32, pair, lambda features: nn.Sequential(nn.Conv2d(features, 12, 1), nn.PixelShuffle(2)))


class Residual(nn.Module):
    def __init__(self, inputs, outputs, kind, stride):
        super().__init__()
        self.main = nn.Sequential(
            kind(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.ReLU(), kind(outputs, outputs), nn.BatchNorm2d(outputs))
        changes = inputs != outputs
        self.side = nn.Sequential(kind(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)) if changes else nn.Identity()

    def forward(self, x):
        return F.relu(self.main(x) + self.side(x))


class ResNet(nn.Module):
    def __init__(self, stem, plan, kind, classes):
        super().__init__()
        self.stem = stem
        self.blocks = nn.Sequential(*[Residual(a, b, kind, stride) for a, b, stride in plan])
        self.classes = nn.Linear(plan[-1][1], classes)

    def forward(self, x):
        return self.classes(self.blocks(self.stem(x)).mean((2, 3)))


def plain(inputs, outputs, kernel=3, stride=1):
    return dense(inputs, outputs, kernel, stride, bias=False)


def biased(inputs, outputs, kernel=3, stride=1):
    return Selection(inputs, outputs, kernel, stride, bias=True)


def small_resnet(kind):
    return ResNet(dense(3, 16), [(16, 16, 1), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)], kind, 3)


def resnet18(kind):
    stem = nn.Sequential(kind(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    plan = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1)]
    return ResNet(stem, plan, kind, 1000)


NETWORKS = {
    'edsr': (lambda: EDSR(dense), (1, 3, 256, 256), 1332931),
    'edsr_separable': (lambda: EDSR(Separable), (1, 3, 256, 256), 304835),
    'vdsr': (lambda: VDSR(), (1, 1, 256, 256), 664704),
    'unet': (lambda: unet(dense), (1, 3, 512, 512), None),
    'unet_separable': (lambda: unet(Separable), (1, 3, 512, 512), None),
    'dark_lighter': (lambda: dark(Separable, Separable), (1, 4, 256, 256), None),
    'small_resnet_selection': (lambda: small_resnet(Selection), (64, 3, 32, 32), 27363),
    'resnet18_selection': (lambda: resnet18(biased), (1, 3, 224, 224), 1958824),
    'small_resnet': (lambda: small_resnet(plain), (64, 3, 32, 32), 174787),
    'resnet18': (lambda: resnet18(plain), (1, 3, 224, 224), 11689512),
    'dark_base': (lambda: dark(dense, dense), (1, 4, 256, 256), None),
    'dark_light': (lambda: dark(dense, Separable), (1, 4, 256, 256), None),
}
# Other inputs of the same networks.
LARGE = {
    'edsr_720p': ('edsr', (1, 3, 720, 1280)), 'edsr_separable_720p': ('edsr_separable', (1, 3, 720, 1280)),
    'unet_b4': ('unet', (4, 3, 512, 512)), 'unet_separable_b4': ('unet_separable', (4, 3, 512, 512)),
}
TRAINED = {
    'edsr': (16, 3, 48, 48), 'edsr_separable': (16, 3, 48, 48), 'vdsr': (128, 1, 41, 41), 'small_resnet': (128, 3, 32, 32),
    'small_resnet_selection': (128, 3, 32, 32), 'unet': (1, 3, 512, 512), 'unet_separable': (1, 3, 512, 512),
}
# Those whose times are held against the best of PyTorch's.
BARS16 = ['edsr', 'edsr_separable', 'vdsr', 'unet', 'unet_separable', 'dark_lighter', 'small_resnet_selection', 'resnet18_selection']
BARS32 = ['edsr', 'unet', 'edsr_separable']


def jobs(wanted):
    """What is timed by this process, the most telling first, and what processes of their own compile: pairs of a name and a mode."""
    trained = [name + '_train' for name in TRAINED]
    here = [(n, 'eager16') for n in BARS16] + [(n, 'eager32') for n in BARS32]
    here += [(n, 'eager32') for n in trained]
    here += [(n, m) for m in ('eager16', 'eager32') for n in [*NETWORKS, *LARGE] if (n, m) not in here]
    here += [(n, 'eager16') for n in trained] + [(n, 'eagertf32') for n in NETWORKS]
    apart = [(n, 'compile16') for n in BARS16] + [(n, 'compile32') for n in BARS32]
    return [[job for job in list if wanted is None or job[0] in wanted] for list in (here, apart)]


class Timer:
    def __init__(self, device):
        self.device = device
        self.is_cuda = device == 'cuda'
        self.made = {}

    def tf32(self, on):
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = on

    def has_room(self):
        """Whether half of the device's memory is free: what is captured ahead keeps its own."""
        if not self.is_cuda:
            return True
        free, total = torch.cuda.mem_get_info()
        return free > total / 2

    def captured(self, call):
        if not self.is_cuda:
            call()
            return call
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                call()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            call()
        return graph.replay

    def model(self, name):
        """One for all modes; copies are changed."""
        if name not in self.made:
            torch.manual_seed(0)
            model = NETWORKS[name][0]()
            count, parameters = sum(p.numel() for p in model.parameters()), NETWORKS[name][2]
            if parameters not in (None, count):
                raise RuntimeError(f'{name} has {count} parameters, not {parameters}')
            self.made[name] = model.state_dict()
        model = NETWORKS[name][0]()
        model.load_state_dict(self.made[name])
        return model.to(self.device)

    def replay(self, name, mode):
        """What runs the network once, or takes a step."""
        self.tf32(mode.endswith('tf32'))
        if name.endswith('_train'):
            return self.step(name[:-len('_train')], mode)
        base, shape = LARGE.get(name) or (name, NETWORKS[name][1])
        with torch.inference_mode():
            model, x = self.model(base).eval(), torch.rand(shape, device=self.device)
            if mode.endswith('16'):
                model, x = model.half().to(memory_format=torch.channels_last), x.half().to(memory_format=torch.channels_last)
            if mode.startswith('compile'):
                model = torch.compile(model)

            @torch.inference_mode()
            def call():
                model(x)
            return self.captured(call)

    def step(self, name, mode):
        model, x = self.model(name).train(), torch.rand(TRAINED[name], device=self.device)
        half = mode.endswith('16')
        if half:
            model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
        with torch.no_grad():
            y = model(x)
        classes = y.dim() == 2
        target = torch.randint(0, y.shape[1], (x.shape[0],), device=self.device) if classes else torch.rand_like(y)
        loss = F.cross_entropy if classes else F.l1_loss
        optimizer = torch.optim.Adam(model.parameters(), 1e-4, **({'capturable': True, 'fused': True} if self.is_cuda else {}))

        def call():
            optimizer.zero_grad(set_to_none=False)
            with torch.autocast(self.device, torch.bfloat16, enabled=half):
                value = loss(model(x), target)
            value.backward()
            optimizer.step()
        return self.captured(call)

    def median(self, replay, seconds=0.2, least=20):
        """In milliseconds."""
        times, start = [], time.time()
        if not self.is_cuda:
            least = 3
        else:
            replay()
            torch.cuda.synchronize()
        while len(times) < least or (time.time() - start < seconds and len(times) < 300):
            if not self.is_cuda:
                begin = time.perf_counter()
                replay()
                times.append(1e3 * (time.perf_counter() - begin))
                continue
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            replay()
            end.record()
            torch.cuda.synchronize()
            times.append(begin.elapsed_time(end))
        return statistics.median(times)


class Worker:
    """A process that compiles a network and waits for its turn: `path` is there when it has, `path.go` is its turn, `path.ms` its figure."""

    def __init__(self, name, mode, folder, device):
        self.name, self.mode, self.path = name, mode, os.path.join(folder, f'{name}.{mode}')
        environment = dict(os.environ, TORCHINDUCTOR_COMPILE_THREADS='2')
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), '--device', device, '--json', '', '--worker', self.path, name, mode],
            env=environment, stdout=subprocess.DEVNULL)

    is_ready = property(lambda self: os.path.exists(self.path))
    is_over = property(lambda self: self.process.poll() is not None)

    def signal(self, number):
        """Of the process alone: those that compile for it wait for work soon enough."""
        if not self.is_over:
            self.process.send_signal(number)

    def take_turn(self, seconds):
        open(self.path + '.go', 'w').close()
        until = time.time() + seconds
        while time.time() < until and not self.is_over and not os.path.exists(self.path + '.ms'):
            time.sleep(0.01)
        try:
            return float(open(self.path + '.ms').read())
        except (OSError, ValueError):
            raise RuntimeError('the process that compiled it gave no figure') from None

    @staticmethod
    def run(path, name, mode, timer):
        replay = timer.replay(name, mode)
        open(path, 'w').close()
        while not os.path.exists(path + '.go'):
            time.sleep(0.01)
        text = str(timer.median(replay))
        with open(path + '.new', 'w') as file:
            file.write(text)
        os.replace(path + '.new', path + '.ms')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--json', required=True)
    parser.add_argument('--go', help='time nothing before this file is there')
    parser.add_argument('--seconds', type=float, default=60, help='begin nothing after so many seconds of timing')
    parser.add_argument('--networks', help='some of them, with commas between; steps of training are edsr_train and so on')
    parser.add_argument('--device', default='cuda')
    parser.add_argument('--worker', nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.backends.cudnn.benchmark = True
    timer = Timer(options.device)
    if options.worker:
        return Worker.run(*options.worker, timer)
    if timer.is_cuda and not torch.cuda.is_available():
        sys.exit('PyTorch finds no CUDA device')
    try:
        os.setpgrp()
    except OSError:  # It leads one already.
        pass
    folder = options.json + '.parts'
    os.makedirs(folder, exist_ok=True)
    here, apart = jobs(options.networks.split(',') if options.networks else None)
    times = {}

    def keep(name, mode, milliseconds):
        times.setdefault(name, {})[mode] = milliseconds
        print(f'{name:28s}{mode:12s}{milliseconds:9.3f} ms', flush=True)
        with open(options.json + '.new', 'w') as file:
            json.dump({'program': 'PyTorch ' + torch.__version__, 'times': times}, file, indent=1)
        os.replace(options.json + '.new', options.json)

    def failed(name, mode, error):  # What PyTorch cannot run is no reason to stop.
        print(name, mode, 'failed:', str(error)[:200].replace('\n', ' '), flush=True)

    # As many as processors and memory bear: a process takes 3 GB of the device and two processors.
    room = os.cpu_count() // 2
    if timer.is_cuda:
        room = min(room, int(torch.cuda.mem_get_info()[0] / 2 / 3e9))
    waiting, workers = list(apart), []

    def employ():
        while waiting and sum(not w.is_ready and not w.is_over for w in workers) < max(room, 1):
            workers.append(Worker(*waiting.pop(0), folder, options.device))

    def isOn():
        return options.go and not os.path.exists(options.go)

    try:
        # Before it is this program's turn.
        replays = {}
        for job in here:
            employ()
            if not isOn() or not timer.has_room():
                break
            try:
                replays[job] = timer.replay(*job)
            except Exception as error:
                failed(*job, error)
                replays[job] = None
        while isOn():
            employ()
            time.sleep(0.05)
        start = time.time()
        left = lambda: options.seconds - (time.time() - start)

        def takeTurns():
            for worker in [w for w in workers if w.is_ready]:
                workers.remove(worker)
                try:
                    keep(worker.name, worker.mode, worker.take_turn(10 if timer.is_cuda else 100))
                except RuntimeError as error:
                    failed(worker.name, worker.mode, error)
                worker.signal(signal.SIGKILL)
            for worker in [w for w in workers if w.is_over]:
                workers.remove(worker)
                failed(worker.name, worker.mode, 'not compiled')

        # Nothing else is at work while something is timed.
        for worker in workers:
            if not worker.is_ready:
                worker.signal(signal.SIGSTOP)
        takeTurns()
        for job in here:
            # A half is for those that are being compiled yet.
            if left() < (options.seconds / 2 if workers or waiting else 0):
                print('out of time before', *job, flush=True)
                continue
            try:
                replay = replays.pop(job) if job in replays else timer.replay(*job)
                if replay is not None:
                    keep(*job, timer.median(replay))
            except Exception as error:
                failed(*job, error)
            replay = None
        for worker in workers:
            worker.signal(signal.SIGCONT)
        while (workers or waiting) and left() > 0:
            employ()
            # Those that are ready wait until all are that were begun together.
            if all(w.is_ready or w.is_over for w in workers) or left() < 5:
                for worker in workers:
                    if not worker.is_ready:
                        worker.signal(signal.SIGSTOP)
                takeTurns()
                if left() < 5:
                    break
            time.sleep(0.05)
        for name, mode in [(w.name, w.mode) for w in workers] + waiting:
            print('out of time before', name, mode, flush=True)
    finally:
        for worker in workers:
            worker.signal(signal.SIGCONT)
            worker.signal(signal.SIGKILL)


if __name__ == '__main__':
    main()
