#!/usr/bin/env python3
"""Writes Tests/FormatsTests/HDF5: small files of many kinds, made by h5py, that the tests of HDF5 read.

Needs h5py and numpy. Element i of each data set is i / 4, exact in every floating-point type.
"""
import os
import sys

import h5py
import numpy as np

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Tests", "FormatsTests", "HDF5")
os.makedirs(folder, exist_ok=True)


def values(shape, kind="<f4"):
    return (np.arange(int(np.prod(shape)), dtype="f8") / 4).reshape(shape).astype(kind)


def file(name, **options):
    return h5py.File(os.path.join(folder, name + ".h5"), "w", **options)


with file("plain") as f:  # as h5py does it unless told otherwise
    f["data"] = values((3, 2))
with file("chunked") as f:
    f.create_dataset("data", data=values((10, 1, 3, 3)), chunks=(4, 1, 3, 3), maxshape=(None, 1, 3, 3))
with file("cut-chunks") as f:  # chunks that fit along no axis
    f.create_dataset("data", data=values((7, 5, 4)), chunks=(3, 2, 3))
with file("gzip") as f:
    f.create_dataset("data", data=values((10, 3, 3)), chunks=(4, 3, 2), compression="gzip")
with file("shuffle-fletcher") as f:
    f.create_dataset("data", data=values((10, 3, 3)), chunks=(4, 2, 3), compression="gzip", shuffle=True, fletcher32=True)
with file("fletcher") as f:
    f.create_dataset("data", data=values((10, 31)), chunks=(5, 31), fletcher32=True)
with file("types") as f:
    for name, kind in [("half", "<f2"), ("double", "<f8"), ("big", ">f4"), ("big-double", ">f8")]:
        f[name] = values((4, 3), kind)
    f.create_dataset("chunked-double", data=values((5, 3), "<f8"), chunks=(2, 3), compression="gzip")
    f["integers"] = np.arange(6, dtype="i4").reshape(3, 2)
    f["text"] = np.array([b"a", b"bc"])
    f["number"] = np.float32(3)
    f.create_group("group")["inner"] = values((2, 2))
with file("v108", libver=("v108", "v108")) as f:  # headers of version 2
    f.create_dataset("data", data=values((10, 1, 3, 3)), chunks=(4, 1, 3, 3), maxshape=(None, 1, 3, 3), compression="gzip")
    f["contiguous"] = values((3, 2))
    f["contiguous"].attrs["about"] = "x" * 200
with file("latest", libver="latest") as f:
    f.create_dataset("data", data=values((10, 1, 3, 3)), chunks=(4, 1, 3, 3), maxshape=(None, 1, 3, 3))
    f["contiguous"] = values((3, 2))
with file("many", libver=("v108", "v108")) as f:  # members in a heap
    for index in range(20):
        f[f"n{index}"] = values((1,))
with file("table") as f:  # members in a tree of several tables
    for index in range(30):
        f[f"n{index}"] = values((index + 1,))
with file("compact") as f:
    space = h5py.h5s.create_simple((3, 2))
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.COMPACT)
    d = h5py.h5d.create(f.id, b"data", h5py.h5t.IEEE_F32LE, space, properties)
    d.write(h5py.h5s.ALL, h5py.h5s.ALL, values((3, 2)))
with file("userblock", userblock_size=512) as f:
    f.create_dataset("data", data=values((5, 2)), chunks=(2, 2))
with file("lead-out") as f:
    f["link"] = h5py.SoftLink("/data")
    f["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/data")
    f.create_dataset("outside", shape=(3, 2), dtype="<f4", external=[("/etc/passwd", 0, 24)])
with file("view", libver=("v110", "v110")) as f:
    layout = h5py.VirtualLayout((3, 2), "<f4")
    layout[:] = h5py.VirtualSource("other.h5", "data", (3, 2))
    f.create_virtual_dataset("data", layout)
with file("named-type") as f:
    f["type"] = np.dtype("<f4")
    f.create_dataset("data", data=values((3, 2)), dtype=f["type"])
with file("sparse") as f:
    f.create_dataset("data", shape=(10, 3), dtype="<f4", chunks=(4, 3))[0:4] = 1
    f.create_dataset("huge", shape=(2**62, 41, 41), dtype="<f4", chunks=(1, 41, 41), maxshape=(None, 41, 41))
    f.create_dataset("wide", shape=(2**40, 8), dtype="<f4", chunks=(64, 8), maxshape=(None, 8))
    f.create_dataset("unwritten", shape=(3, 2), dtype="<f4")
    f.create_dataset("empty", shape=(0, 2), dtype="<f4", chunks=(4, 2), maxshape=(None, 2))
with file("packed-otherwise") as f:
    f.create_dataset("data", data=values((10, 3)), chunks=(4, 3), compression="lzf")
    f.create_dataset("scaled", data=values((10, 3)), chunks=(4, 3), scaleoffset=2)
for name in sorted(os.listdir(folder)):
    size = os.path.getsize(os.path.join(folder, name))
    print(f"{name}: {size} bytes", file=sys.stderr)
