#!/usr/bin/env python3
"""Writes Tests/FormatsTests/CheckpointFixtures.swift: small PyTorch checkpoints of the kinds that Swiftlet reads, with the
parameters that must come out, and checkpoints that it must refuse. Needs PyTorch:

    python3 Tools/checkpoint_fixtures.py | swift format - > Tests/FormatsTests/CheckpointFixtures.swift
"""
import base64
import io
import pickle
import sys
import zipfile
from collections import OrderedDict

import torch

torch.manual_seed(1)
# The legacy format keeps the source text of each module's class; a word stands for it here.
torch.serialization.get_source_lines_and_file = lambda *_: (["source"], 1, "file.py")
fixtures = []


def saved(value, legacy=False, **options):
    stream = io.BytesIO()
    torch.save(value, stream, _use_new_zipfile_serialization=not legacy, **options)
    return stream.getvalue()


def add(name, data, state, path=(), skipped=()):
    """`state`: the parameters that must come out, in order."""
    expected = []
    for key, tensor in state.items():
        kind = {torch.bool: "uint8", torch.uint8: "uint8", torch.int8: "int8"}.get(tensor.dtype)
        if kind is None:
            kind = "float32" if tensor.dtype.is_floating_point else "int32"
        values = tensor.detach().to(getattr(torch, kind)).flatten().tolist()
        expected.append((key, kind, list(tensor.shape), values))
    fixtures.append((name, data, list(path), expected, list(skipped)))


def add_both(name, value, state, **facts):
    add(f"{name}, zip", saved(value), state, **facts)
    add(f"{name}, legacy", saved(value, legacy=True), state, **facts)


def deflated(data):
    """The same zip archive with its entries deflated, in another folder."""
    source, stream = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            folder, _, rest = entry.filename.partition("/")
            target.writestr(f"other name {folder}/{rest}", source.read(entry))
    return stream.getvalue()


def ramp(*shape, start=0.0):
    count = 1
    for extent in shape:
        count *= extent
    return (torch.arange(count, dtype=torch.float32) / 4 - start).reshape(shape)


class Tiny(torch.nn.Module):
    """A module with everything that has a say in `state_dict()`."""

    def __init__(self):
        super().__init__()
        self.head = torch.nn.Conv2d(1, 2, 3, bias=False)
        self.norm = torch.nn.BatchNorm2d(2)
        self.body = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(2, 1))
        self.scale = torch.nn.Parameter(ramp(2))
        self.register_buffer("shift", ramp(2, start=1))
        self.register_buffer("cache", ramp(3), persistent=False)
        self.register_parameter("absent", None)


def rounded(module):
    """Quarters, so that the expected values are short."""
    with torch.no_grad():
        for tensor in module.state_dict().values():
            if tensor.dtype.is_floating_point:
                tensor.copy_((tensor * 16).round() / 4)
    return module


base = ramp(4, 6)
plain = OrderedDict(weight=ramp(2, 3), bias=ramp(2, start=3))
add_both("state dict", plain, plain)
add("state dict, zip, deflated", deflated(saved(plain)), plain)
add("state dict, zip, protocol 4", saved(plain, pickle_protocol=4), plain)
add("state dict, legacy, protocol 1", saved(plain, legacy=True, pickle_protocol=1), plain)
add("state dict, legacy, protocol 5", saved(plain, legacy=True, pickle_protocol=5), plain)

views = OrderedDict(
    transposed=base.t(), rows=base[1:3], columns=base[:, 1:5:2], one=base[2, 3], expanded=base[:1, :1].expand(3, 2),
    again=base, whole=base, permuted=ramp(2, 3, 4).permute(2, 0, 1), empty=torch.zeros(0, 3),
    unit=base.as_strided((1, 3), (1 << 62, 1)))
add_both("views of one storage", views, views)

types = OrderedDict(
    double=ramp(3).double() / 3, half=ramp(2, 3).half().t(), brain=ramp(2, 2).bfloat16(), long=torch.tensor([-5, 1 << 30]),
    int=torch.tensor([7, -7], dtype=torch.int32), short=torch.tensor([-300, 300], dtype=torch.int16),
    char=torch.tensor([-128, 127], dtype=torch.int8), byte=torch.tensor([0, 255], dtype=torch.uint8),
    bool=torch.tensor([True, False]))
odd = OrderedDict(complex=torch.tensor([1j]), wide=torch.tensor([1 << 40]), **types)
reasons = ["'complex' holds complex64, which is not supported", "'wide' holds integers that do not fit int32"]
add_both("element types", odd, types, skipped=reasons)
unsigned = OrderedDict(a=torch.tensor([1, 65535], dtype=torch.uint16), b=torch.tensor([1, 2], dtype=torch.uint32))
add("unsigned types, zip", saved(unsigned), unsigned)

training = {"epoch": 3, "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}}, "state_dict": plain, "best": 0.5, "args": None}
add_both("training state", training, plain, path=["state_dict"])
add_both("averaged weights", {"params": {"x": ramp(1)}, "params_ema": plain}, plain, path=["params_ema"])
add_both("an unknown key", {"epoch": 1, "whatever": {"inner": plain}}, plain, path=["whatever", "inner"])
nested = {"head": {"weight": ramp(2)}, "tail": {"weight": ramp(3)}}
add_both("nested dictionaries", nested, {"head.weight": ramp(2), "tail.weight": ramp(3)})
add_both("a list", [plain, {"lr": 0.1}], plain, path=["0"])

module = rounded(Tiny())
add_both("module", module, module.state_dict())
add_both("module under a key", {"model": module, "epoch": 9}, module.state_dict(), path=["model"])
tied = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
tied[1].weight = tied[0].weight
rounded(tied)
add_both("shared weights", tied, tied.state_dict())


# What must be refused.

class Call:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def evil_pickle(protocol):
    return pickle.dumps({"state_dict": {"a": Call(__import__("os").system, "true")}}, protocol)


def as_zip(data):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as target:
        target.writestr("archive/data.pkl", data)
        target.writestr("archive/version", "3\n")
    return stream.getvalue()


def as_legacy(data):
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    return magic + pickle.dumps(1001, 2) + pickle.dumps({}, 2) + data + pickle.dumps([], 2)


def self_holding():
    loop = {}
    loop["a"] = loop
    return loop


def doubling():
    value = {}
    for _ in range(60):
        value = {"a": value, "b": value}
    return value


system = "posix.system"
refused = [(f"os.system, zip, protocol {p}", as_zip(evil_pickle(p)), f"asks to run {system}") for p in (0, 2, 4)]
refused += [(f"os.system, legacy, protocol {p}", as_legacy(evil_pickle(p)), f"asks to run {system}") for p in (0, 2, 4)]
refused += [
    ("os.system as the first pickle", evil_pickle(2), f"asks to run {system}"),
    ("eval", as_legacy(pickle.dumps(Call(eval, "1"), 2)), "asks to run __builtin__.eval"),
    ("__import__", as_zip(pickle.dumps(Call(__import__, "os"), 4)), "asks to run builtins.__import__"),
    ("getattr", as_zip(pickle.dumps(Call(getattr, 1, "real"), 4)), "asks to run builtins.getattr"),
    ("os.system by INST", as_legacy(b"(S'true'\nios\nsystem\n."), "asks to run os.system"),
    ("protocol 0", saved(plain, legacy=True, pickle_protocol=0), "a checkpoint in pickle protocol 0"),
    ("no tensors", saved({"epoch": 1}), "holds no tensors"),
    ("complex numbers only", saved({"a": torch.tensor([1j])}), "can be read: 'a' holds complex64"),
    ("a dictionary that holds itself", saved(self_holding()), "inside each other"),
    ("a doubling dictionary", saved(doubling()), "the values under names"),
    ("an extension", as_legacy(b"\x80\x02\x82\x01."), "outside the file"),
    ("a plain pickle", pickle.dumps(plain and {"a": 1}, 2), "is no PyTorch checkpoint"),
    ("a text", b"weights: 1\n", "is no PyTorch checkpoint"),
    ("nothing", b"", "is no PyTorch checkpoint"),
    ("TorchScript", None, "TorchScript"),
]
script = io.BytesIO()
torch.jit.save(torch.jit.script(torch.nn.ReLU()), script)
refused = [(n, script.getvalue() if d is None else d, r) for n, d, r in refused]


def literal(data, indent):
    text = base64.b64encode(data).decode()
    lines = [text[i:i + 116] for i in range(0, len(text), 116)] or [""]
    pad = " " * indent
    return '"""\n' + "\\\n".join(f"{pad}  {line}" for line in lines) + f'\n{pad}  """'


def number(value):
    return repr(value) if not isinstance(value, bool) else str(int(value))


def texts(values):
    return "[" + ", ".join(f'"{v}"' for v in values) + "]"


def wrapped(items, indent):
    """Comma-separated items in lines of at most 128 columns."""
    lines, line = [], ""
    for item in items:
        if line and len(line) + len(item) + 2 + indent > 126:
            lines.append(line.rstrip())
            line = ""
        line += item + ", "
    lines.append(line.rstrip(", "))
    return ("\n" + " " * indent).join(lines)


for name, data, *_ in fixtures + refused:
    print(f"{name}: {len(data)} bytes", file=sys.stderr)
print("""// Made by Tools/checkpoint_fixtures.py.

struct CheckpointFixture: Sendable {
  struct Parameter: Sendable {
    let name: String
    let type: String
    let shape: [Int]
    let values: [Double]
  }

  let name: String
  let file: String
  let path: [String]
  let skipped: [String]
  let parameters: [Parameter]
}

struct RefusedCheckpoint: Sendable {
  let name: String
  let file: String
  let reason: String
}

enum CheckpointFixtures {
  /// Files in base 64, and the parameters that they hold.
  static let all: [CheckpointFixture] = [""")
for name, data, path, expected, skipped in fixtures:
    print(f'    CheckpointFixture(\n      name: "{name}",\n      file: {literal(data, 6)},')
    print(f"      path: {texts(path)},\n      skipped: [\n        " + ",\n        ".join(f'"{s}"' for s in skipped) + "\n      ],"
          if skipped else f"      path: {texts(path)}, skipped: [],")
    print("      parameters: [")
    for key, kind, shape, values in expected:
        print(f'        .init(\n          name: "{key}", type: "{kind}", shape: {shape},\n          values: ['
              + ("\n            " + wrapped(map(number, values), 12) + "\n          ]),"
                 if len(values) > 8 else ", ".join(map(number, values)) + "]),"))
    print("      ]),")
print("""  ]

  /// Files in base 64 that must not be read, and what the error must say.
  static let refused: [RefusedCheckpoint] = [""")
for name, data, reason in refused:
    print(f'    RefusedCheckpoint(\n      name: "{name}",\n      file: {literal(data, 6)},\n      reason: "{reason}"),')
print("  ]\n}")
