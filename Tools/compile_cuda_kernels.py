#!/usr/bin/env python3
"""Compiles the kernels of Sources/CUDAKernels to PTX with NVRTC 12.4, whose PTX every driver from 550 on loads.

    pip install nvidia-cuda-nvrtc-cu12==12.4.127 nvidia-cuda-runtime-cu12==12.4.127
    Tools/compile_cuda_kernels.py [--check]

Writes Sources/CUDAKernels/ptx/compute_80.ptx (all kernels but those for Hopper) and compute_90a.ptx (all kernels). With --check nothing is
written: exits 0 where the files are what the sources give, 1 where they are not, and 2 where NVRTC 12.4 is not there.
"""

import ctypes
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
KERNELS = ROOT / "Sources" / "CUDAKernels"
# The architecture, and which kernels are in its file.
FILES = {"compute_80": lambda name: "Hopper" not in name, "compute_90a": lambda name: True}


def toolkit():
    """The compiler's library and the headers of the runtime."""
    import nvidia.cuda_nvrtc
    import nvidia.cuda_runtime

    library = pathlib.Path(nvidia.cuda_nvrtc.__path__[0]) / "lib" / "libnvrtc.so.12"
    nvrtc = ctypes.CDLL(str(library))
    major, minor = ctypes.c_int(), ctypes.c_int()
    nvrtc.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
    if (major.value, minor.value) != (12, 4):
        raise ImportError(f"NVRTC is {major.value}.{minor.value}, not 12.4")
    return nvrtc, pathlib.Path(nvidia.cuda_runtime.__path__[0]) / "include"


def compiled(nvrtc, include, architecture, wanted):
    """The PTX of the kernels whose names are wanted."""
    table = (KERNELS / "kernels.def").read_text()
    rows = "".join(line + "\n" for line in table.splitlines()
                   if (name := re.match(r"CUDA_KERNEL\((\w+)", line)) and wanted(name[1]))
    source = (KERNELS / "convolution.cu").read_text().replace('#include "kernels.def"', rows)
    program = ctypes.c_void_p()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"convolution.cu", 0, None, None)
    options = [f"--gpu-architecture={architecture}", "--std=c++17", f"-I{KERNELS}", f"-I{KERNELS / 'include'}", f"-I{include}",
               "-default-device"]
    status = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*[o.encode() for o in options]))
    if status != 0:
        size = ctypes.c_size_t()
        nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        nvrtc.nvrtcGetProgramLog(program, log)
        sys.exit(log.value.decode())
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetPTXSize(program, ctypes.byref(size))
    ptx = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetPTX(program, ptx)
    # Comments and blank lines say nothing, and some name the machine that compiled.
    lines = [line for line in ptx.value.decode().splitlines() if line.strip() and not line.lstrip().startswith("//")]
    return "\n".join(lines) + "\n"


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    try:
        nvrtc, include = toolkit()
    except (ImportError, OSError) as error:
        print(f"NVRTC 12.4 is not there: {error}; see the head of this file", file=sys.stderr)
        sys.exit(2)
    for architecture, wanted in FILES.items():
        path = KERNELS / "ptx" / f"{architecture}.ptx"
        ptx = compiled(nvrtc, include, architecture, wanted)
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(ptx)
            print(f"{path.relative_to(ROOT)}: {len(ptx) >> 10} KiB")
        elif not path.exists() or path.read_text() != ptx:
            print(f"{path.relative_to(ROOT)} is not what the sources give; run {pathlib.Path(__file__).name}", file=sys.stderr)
            sys.exit(1)


main()
