# SPDX-License-Identifier: Apache-2.0
"""libvmm.so as core/vmm.h declares it: structures, prototypes, errors."""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import os
from ctypes import POINTER, Structure, c_char_p, c_double, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Dict, Optional


class VmmError(OSError):
    """A call of libvmm failed: `errno` says why, as in C, and `strerror` in words."""


class Mmu(Structure):
    """struct vmm_mmu: what translates addresses. Strings are bytes: b"four", b"l1=64x4,l2=1536x12"."""

    _fields_ = [("page_table", c_char_p), ("tlb", c_char_p), ("walk_cache", c_uint32)]


class Timing(Structure):
    """struct timing: the timing model, in ns and microseconds."""

    _fields_ = [("tlb_ns", c_uint32), ("mem_ns", c_uint32), ("fault_us", c_uint32), ("swap_us", c_uint32)]


class Config(Structure):
    """struct vmm_config. `size` is filled in; everything that is not given is 0, and means what the header says."""

    _fields_ = [
        ("size", c_uint32),
        ("frames", c_uint32),
        ("page_size", c_uint32),
        ("batch", c_uint32),
        ("window", c_uint32),
        ("flags", c_uint32),
        ("seed", c_uint64),
        ("policy", c_char_p),
        ("mmu", POINTER(Mmu)),
        ("large", c_char_p),
        ("prefetch", c_char_p),
        ("numa", c_char_p),
        ("swap_pages", c_uint32),
        ("timing", POINTER(Timing)),
    ]

    def __init__(self, *args: object, **fields: object) -> None:
        super().__init__(*args, **fields)
        self.size = ctypes.sizeof(self)


class Reference(Structure):
    """struct vmm_reference: one of an array of references."""

    _fields_ = [("addr", c_uint64), ("pid", c_uint32), ("is_write", c_uint32)]


class MappingStruct(Structure):
    """struct vmm_mapping."""

    _fields_ = [("backing", c_int), ("object", c_uint32), ("object_page", c_uint64), ("read_only", c_int)]


class _StatInfo(Structure):
    _fields_ = [("name", c_char_p), ("help", c_char_p), ("offset", c_uint32)]


_PROTOTYPES = {
    "vmm_create": (c_void_p, [POINTER(Config)]),
    "vmm_destroy": (None, [c_void_p]),
    "vmm_access": (c_int, [c_void_p, c_uint32, c_uint64, c_int]),
    "vmm_access_many": (c_int, [c_void_p, c_void_p, c_size_t, POINTER(c_size_t)]),
    "vmm_access_next": (c_int, [c_void_p, c_uint32, c_uint64, c_int, c_uint64]),
    "vmm_map": (c_int, [c_void_p, c_uint32, c_uint64, c_uint64, POINTER(MappingStruct)]),
    "vmm_unmap": (c_int, [c_void_p, c_uint32, c_uint64, c_uint64]),
    "vmm_discard": (c_int, [c_void_p, c_uint32, c_uint64, c_uint64]),
    "vmm_sync": (c_int, [c_void_p, c_uint32, c_uint64, c_uint64]),
    "vmm_fork": (c_int, [c_void_p, c_uint32, c_uint32]),
    "vmm_exit": (c_int, [c_void_p, c_uint32]),
    "vmm_create_shared": (c_int, [c_void_p, c_uint64, POINTER(c_uint32)]),
    "vmm_attach_shared": (c_int, [c_void_p, c_uint32, c_uint32, c_uint64]),
    "vmm_detach_shared": (c_int, [c_void_p, c_uint32, c_uint64]),
    "vmm_processes": (c_uint32, [c_void_p, POINTER(c_uint32), c_uint32]),
    "vmm_process_stats": (c_void_p, [c_void_p, c_uint32]),
    "vmm_stats": (c_void_p, [c_void_p]),
    "vmm_amt_ns": (c_double, [c_void_p]),
    "vmm_slowdown": (c_double, [c_void_p]),
    "vmm_counter_applies": (c_int, [c_void_p, POINTER(_StatInfo)]),
    "vmm_mark": (c_int, [c_char_p]),
}

_library: Optional[ctypes.CDLL] = None


def beside(name: str) -> Optional[Path]:
    """A file of the source tree's `bin` directory, if the package is in a source tree."""
    path = Path(__file__).resolve().parents[2] / "bin" / name
    return path if path.exists() else None


def library() -> ctypes.CDLL:
    """libvmm.so, loaded once, with its prototypes. VmmError (ENOENT) when there is none."""
    global _library
    if _library is not None:
        return _library
    for candidate in (os.environ.get("VMM_LIBRARY"), beside("libvmm.so"), ctypes.util.find_library("vmm"), "libvmm.so"):
        if not candidate:
            continue
        try:
            found = ctypes.CDLL(str(candidate), use_errno=True)
            break
        except OSError as why:
            if candidate == os.environ.get("VMM_LIBRARY"):
                raise VmmError(errno.ENOENT, f"VMM_LIBRARY: {why}") from None
    else:
        raise VmmError(errno.ENOENT, "libvmm.so is not found: build it with make, or set VMM_LIBRARY")
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(found, name)
        function.restype, function.argtypes = result, arguments
    _library = found
    return found


def check(value: int) -> int:
    """The value of a call, or VmmError for -errno."""
    if value < 0:
        raise VmmError(-value, os.strerror(-value))
    return value


def stat_infos() -> "ctypes.Array[_StatInfo]":
    lib = library()
    count = c_uint32.in_dll(lib, "vm_stat_count").value
    return (_StatInfo * count).in_dll(lib, "vm_stat_list")


def counters() -> Dict[str, str]:
    """Every counter and what it counts.

    >>> counters()["evictions"]
    'pages evicted'
    """
    return {row.name.decode(): row.help.decode() for row in stat_infos()}
