#!/usr/bin/env python3
"""Tells what each kernel for CUDA devices takes of a multiprocessor, and how long networks should last: Documentation/Device.md.

    pip install nvidia-cuda-nvcc==13.0.*
    SWIFTLET_GPU_CHECK=1 swift run -c release gpu-check --plans --json plans.json
    Tools/kernel_table.py plans.json

Registers, spills and stacks are those that ptxas gives the PTX that is embedded, for compute capability 9.0 and 8.0; shared memory, threads and
tiles are the table's. Occupancy follows from them. The tables of the document are written between its marks, all else stays. Exits 2 where
ptxas is not there.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
KERNELS = ROOT / "Sources" / "CUDAKernels"
DOCUMENT = ROOT / "Documentation" / "Device.md"
# What was measured on devices, and what it is held to.
TIMES = ROOT / "Tools" / "device_times.json"
# The file of PTX, what it is compiled for, and shared memory of a multiprocessor: CUDA C++ Programming Guide, technical specifications.
ARCHITECTURES = {"9.0": ("compute_90a", "sm_90a", 228 << 10), "8.0": ("compute_80", "sm_80", 164 << 10)}
REGISTERS, THREADS, BLOCKS, RESERVED = 65536, 2048, 32, 1 << 10


def ptxas():
    import nvidia

    for folder in nvidia.__path__:
        for path in sorted(pathlib.Path(folder).glob("*/bin/ptxas")):
            return path
    raise ImportError("no ptxas in the package")


def rows():
    """The table: name, threads, blocks that its registers leave room for, tile, dynamic shared memory."""
    for line in (KERNELS / "kernels.def").read_text().splitlines():
        if match := re.match(r"CUDA_KERNEL\((\w+), .*, (\d+), (\d+), (\d+), (\d+), (\d+)\)$", line):
            name, *numbers = match.groups()
            threads, blocks, width, height, shared = map(int, numbers)
            yield {"name": name, "threads": threads, "blocks": blocks, "width": width, "height": height, "shared": shared}


def compiled(program, file, architecture):
    """Of each kernel: registers, spilled bytes (stores and loads), stack, static shared memory."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(program), f"-arch={architecture}", "-v", str(KERNELS / "ptx" / f"{file}.ptx"), "-o", f"{folder}/out"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    result = {}
    for part in text.split("Compiling entry function '")[1:]:
        name = part[:part.index("'")]
        stack, stores, loads = map(int, re.search(
            r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", part).groups())
        used = re.search(r"Used (\d+) registers.*", part)
        shared = re.search(r"(\d+) bytes smem", used[0])
        result[name] = {"registers": int(used[1]), "stack": stack, "spills": stores + loads,
                        "static": int(shared[1]) if shared else 0}
    return result


def resident(row, took, memory):
    """Blocks of a multiprocessor: registers come in 256 a warp, shared memory in kilobytes, and a block takes one more."""
    warps = row["threads"] // 32
    a_warp = -(-took["registers"] * 32 // 256) * 256
    shared = row["shared"] + took["static"]
    limits = [BLOCKS, THREADS // row["threads"], REGISTERS // a_warp // warps]
    if shared:
        limits.append(memory // (-(-shared // 1024) * 1024 + RESERVED))
    return min(limits)


def kernels_table():
    program = ptxas()
    took = {name: compiled(program, *values[:2]) for name, values in ARCHITECTURES.items()}
    lines = ["| kernel | threads | tile | shared, bytes | registers | spilled, bytes | blocks | occupancy | sm_80: registers | spilled | blocks |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    spilled = {name: [] for name in took}
    fewer = []
    for row in rows():
        cells = [f"`{row['name']}`", row["threads"], f"{row['width']}x{row['height']}" if row["width"] else ""]
        shared = None
        for name, (_, _, memory) in ARCHITECTURES.items():
            one = took[name].get(row["name"])
            if one is None:
                cells += ["", "", ""]
                continue
            count = resident(row, one, memory)
            if one["spills"]:
                spilled[name].append(row["name"])
            if name == "9.0":
                shared = row["shared"] + one["static"]
                if count < row["blocks"]:
                    fewer.append(row["name"])
                share = f"{100 * count * row['threads'] / THREADS:.0f} %"
                cells += [shared or "", one["registers"], one["spills"] or "", count, share]
            else:
                cells += [one["registers"], one["spills"] or "", count if count else "too much shared memory"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    notes = [f"Of {len(lines) - 2} kernels {len(spilled['9.0']) or 'none'} spill on compute capability 9.0"
             + (f" ({', '.join(spilled['9.0'])})" if spilled["9.0"] else "")
             + f", and {len(spilled['8.0']) or 'none'} of {len(took['8.0'])} on 8.0"
             + (f" ({', '.join(spilled['8.0'])})" if spilled["8.0"] else "") + "."]
    if fewer:
        notes.append("Fewer blocks than the table of kernels says: " + ", ".join(fewer) + ".")
    return "\n".join(lines) + "\n\n" + " ".join(notes)


def number(value):
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def figures(plans):
    """What is expected of an H100, by network and precision."""
    return {(n["name"], n["precision"]): (n["least_milliseconds"], n["expected_milliseconds"]) for n in plans["networks"]}


def networks_table(plans, times, precision):
    """Of integers the rest is in the given precision. Ours were measured on one device, the peer's on another."""
    expected, ours, peer = figures(plans), times["ours"], times["peer"]
    lines = [f"| network, input | kernels | at least | estimate | measured, {ours['device']} | {peer['program']}, {peer['device']} "
             "| estimate / PyTorch |", "|---|---|---|---|---|---|---|"]
    for n in plans["networks"]:
        if n["precision"] != precision:
            continue
        least, estimate = expected[n["name"], precision]
        measured = ours["times"].get(n["name"], {}).get(precision)
        other = peer["times"].get(n["name"], {}).get(precision)
        cells = [f"{n['name']} {n['input']}", len(n["kernels"]), number(least), number(estimate),
                 f"{measured:.2f}" if measured else "", number(other) if other else "",
                 f"{estimate / other:.2f}" if other else ""]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def limits_table(plans, times):
    expected, ours, peer = figures(plans), times["ours"], times["peer"]
    lines = [f"| figure | at most | expected of an H100 | measured: {ours['device']} |", "|---|---|---|---|"]

    def row(what, limit, value, measured):
        lines.append(f"| {what} | {limit:.2f} | {value:.2f} | {f'{measured:.2f}' if measured else 'not measured'} |")

    def mine(name, precision):
        return ours["times"].get(name, {}).get(precision)

    for precision, name, limit in times["limits"]["peer"]:
        other = peer["times"][name][precision]
        measured = mine(name, precision)
        row(f"{precision}: {name} / best of {peer['program']} on an {peer['device']}", limit, expected[name, precision][1] / other,
            measured and measured / other)
    for small, large, limit in times["limits"]["pairs"]:
        pair = [mine(name, "float16") for name in (small, large)]
        row(f"float16: {small} / {large}", limit, expected[small, "float16"][1] / expected[large, "float16"][1],
            pair[0] / pair[1] if all(pair) else None)
    return "\n".join(lines)


def layers_table(plans, names, precision="float16"):
    """Where the time of a network should go: its kernels, those of one name and size together."""
    lines = ["| network | kernel | times | blocks | splits | products, M | bytes, KB | at least, µs | by | estimate, µs |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for n in plans["networks"]:
        if n["name"] not in names or n["precision"] != precision:
            continue
        groups = {}
        for k in n["kernels"]:
            key = (k["kernel"], k["blocks"], k["splits"], k["multiply_accumulates"], k["bytes"])
            groups.setdefault(key, []).append(k)
        for (kernel, blocks, splits, products, size), ks in groups.items():
            lines.append(
                f"| {n['name']} | `{kernel}` | {len(ks)} | {blocks} | {splits if splits > 1 else ''} | {products / 1e6:.0f} "
                f"| {size / 1e3:.0f} | {ks[0]['least_microseconds']:.1f} | {ks[0]['bound']} "
                f"| {ks[0]['expected_microseconds']:.1f} |")
    return "\n".join(lines)


def replaced(text, mark, table):
    begin, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->"
    if begin not in text or end not in text:
        sys.exit(f"{DOCUMENT.relative_to(ROOT)} has no place for {mark}")
    return text[:text.index(begin) + len(begin)] + table + "\n" + text[text.index(end):]


def main():
    if len(sys.argv) > 2 or "-h" in sys.argv or "--help" in sys.argv:
        sys.exit(__doc__)
    try:
        table = kernels_table()
    except (ImportError, OSError) as error:
        print(f"ptxas is not there: {error}; see the head of this file", file=sys.stderr)
        sys.exit(2)
    text = replaced(DOCUMENT.read_text(), "kernels", table)
    if len(sys.argv) == 2:
        plans = json.loads(pathlib.Path(sys.argv[1]).read_text())
        times = json.loads(TIMES.read_text())
        text = replaced(text, "limits", limits_table(plans, times))
        for precision in dict.fromkeys(n["precision"] for n in plans["networks"]):
            text = replaced(text, f"networks in {precision}", networks_table(plans, times, precision))
        text = replaced(text, "layers", layers_table(plans, ["edsr", "edsr_separable", "unet", "unet_separable", "resnet18"]))
    DOCUMENT.write_text(text)


main()
