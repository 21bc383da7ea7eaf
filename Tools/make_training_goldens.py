"""Writes Tests/TrainingTests/Goldens.swift: ten steps of training small networks in PyTorch, which ours must equal.

    swiftlet new vdsr --depth 4 --features 8 -o vdsr.safetensors
    swiftlet new edsr --convolution separable --features 8 --blocks 1 -o edsr-separable.safetensors
    swiftlet new small-resnet --convolution selection --features 4 -o small-resnet-selection.safetensors
    swiftlet new unet --features 4 -o unet.safetensors
    python Tools/make_training_goldens.py FOLDER > Tests/TrainingTests/Goldens.swift

The networks are read off the files' graphs and run by PyTorch in float64. Element i of the tensor number s (parameters in the order of their
names, then the input, then the target) is ((i * 37 + s * 101) % 64 - 31.5) / 32, times 0.25 for weights, plus 1 for factors and variances; targets lie
between 0 and 1.
"""
import json
import os
import struct
import sys

import torch
import torch.nn.functional as F


def pattern(stream, shape):
    n = 1
    for extent in shape:
        n *= extent
    i = torch.arange(n, dtype=torch.float64)
    return (((i * 37 + stream * 101) % 64 - 31.5) / 32).reshape(shape)


def read(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    metadata = header.pop("__metadata__")
    return json.loads(metadata["swiftlet.network"]), {name: entry["shape"] for name, entry in header.items()}


def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def run(graph, parameters, x):
    """The outputs, batch norms in training; running statistics are left alone."""
    values = {graph["inputs"][0]["name"]: x}
    for node in graph["nodes"]:
        name, operation = node["name"], node["operation"]
        inputs = [values[value] for value in node["inputs"]]
        kind = operation["type"]

        def parameter(role):
            return parameters[f"{name}.{role}"]

        if kind == "convolution":
            padding = operation.get("padding", 0)
            assert isinstance(padding, int)
            value = F.conv2d(
                inputs[0], parameter("weight"), parameter("bias") if operation["bias"] else None,
                stride=pair(operation.get("stride", 1)), padding=padding, groups=operation.get("groups", 1))
        elif kind == "transposedConvolution":
            value = F.conv_transpose2d(
                inputs[0], parameter("weight"), parameter("bias") if operation["bias"] else None,
                stride=pair(operation.get("stride", 1)), padding=operation.get("padding", 0))
        elif kind == "linear":
            value = F.linear(inputs[0], parameter("weight"), parameter("bias"))
        elif kind == "batchNorm":
            value = F.batch_norm(
                inputs[0], None, None, parameter("weight"), parameter("bias"), training=True, eps=operation["epsilon"])
        elif kind == "relu":
            value = F.relu(inputs[0])
        elif kind == "add":
            value = inputs[0] + inputs[1]
        elif kind == "scale":
            value = inputs[0] * torch.tensor(operation["factor"], dtype=torch.float32).double()
        elif kind == "pixelShuffle":
            value = F.pixel_shuffle(inputs[0], operation["factor"])
        elif kind == "maximumPool":
            value = F.max_pool2d(inputs[0], pair(operation["kernel"]), pair(operation.get("stride", operation["kernel"])))
        elif kind == "globalAveragePool":
            value = inputs[0].mean((2, 3), keepdim=True)
        elif kind == "flatten":
            value = inputs[0].flatten(1)
        elif kind == "concatenation":
            value = torch.cat(inputs, 1)
        else:
            sys.exit(f"{name} is a {kind}, which this script does not run")
        values[name] = value
    return values[graph["outputs"][0]]


CASES = [
    ("vdsr", [2, 1, 13, 11], lambda y, t: ((y - t) ** 2).sum(), lambda p: torch.optim.SGD(p, 0.00001, momentum=0.9, weight_decay=1e-4)),
    ("edsr-separable", [2, 3, 9, 10], lambda y, t: (y - t).abs().mean(), lambda p: torch.optim.Adam(p, 0.001)),
    ("small-resnet-selection", [3, 3, 12, 16], lambda y, t: -(t * F.log_softmax(y, 1)).sum(1).mean(),
     lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, nesterov=True)),
    ("unet", [1, 3, 32, 16], lambda y, t: F.binary_cross_entropy_with_logits(y, t), lambda p: torch.optim.AdamW(p, 0.001)),
]


def number(value):
    return f"{value:.10g}"


print("// swift-format-ignore-file\n// Made by Tools/make_training_goldens.py; do not edit.\n")
print("/// Ten steps of training in PyTorch, in float64: the losses before each, and of the first step's gradients the sum and the sum of")
print("/// magnitudes by parameter.")
print("let trainingGoldens: [String: (losses: [Double], gradients: [String: (sum: Double, magnitude: Double)])] = [")
for name, shape, loss, optimizer in CASES:
    graph, shapes = read(os.path.join(sys.argv[1], name + ".safetensors"))
    parameters = {}
    for stream, key in enumerate(sorted(shapes)):
        tensor = pattern(stream, shapes[key])
        role = key.split(".")[-1]
        if role == "runningVariance" or (role == "weight" and len(shapes[key]) == 1):
            tensor = 1 + tensor * 0.25
        else:
            tensor = tensor * 0.25
        parameters[key] = tensor.float().double().requires_grad_("running" not in role)
    x = pattern(len(shapes), shape)
    with torch.no_grad():
        target = (pattern(len(shapes) + 1, run(graph, parameters, x).shape) + 1) / 2
    trained = {key: value for key, value in parameters.items() if value.requires_grad}
    stepper = optimizer(list(trained.values()))
    losses, gradients = [], {}
    for step in range(10):
        stepper.zero_grad()
        value = loss(run(graph, parameters, x), target)
        value.backward()
        losses.append(value.item())
        if step == 0:
            gradients = {key: (value.grad.sum().item(), value.grad.abs().sum().item()) for key, value in trained.items()}
        stepper.step()
    print(f'  "{name}": (')
    print("    [" + ", ".join(number(value) for value in losses) + "],")
    print("    [")
    for key, (total, magnitude) in sorted(gradients.items()):
        print(f'      "{key}": ({number(total)}, {number(magnitude)}),')
    print("    ]")
    print("  ),")
print("]")
