# SPDX-License-Identifier: Apache-2.0
"""One simulated memory: a pool of frames under a policy, and the address spaces that use it."""

from __future__ import annotations

import ctypes
import errno
from ctypes import byref, c_size_t, c_uint32, c_uint64
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Sequence, Tuple, Union

from ._library import Config, MappingStruct, Mmu, Reference, Timing, VmmError, check, library, stat_infos

ANON, SHARED, FILE_PRIVATE, FILE_SHARED = range(4)


@dataclass(frozen=True)
class Mapping:
    """What an address range is made of: struct vmm_mapping."""

    backing: int = ANON
    object: int = 0
    object_page: int = 0
    read_only: bool = False


def _bytes(text: Optional[str]) -> Optional[bytes]:
    return None if text is None else text.encode()


def references(addresses: Sequence[int], pid: int = 1, writes: Union[bool, Iterable[bool]] = False) -> "ctypes.Array[Reference]":
    """An array of references for `Simulator.access_many`, of one process; `writes` is one flag, or one for each.

    With numpy an array of the same layout needs no conversion at all:
    numpy.dtype([("addr", "u8"), ("pid", "u4"), ("is_write", "u4")]).
    """
    array = (Reference * len(addresses))()
    flags = [writes] * len(addresses) if isinstance(writes, bool) else list(writes)
    if len(flags) != len(addresses):
        raise ValueError(f"{len(addresses)} addresses, but {len(flags)} flags in writes")
    for row, address, write in zip(array, addresses, flags):
        row.addr, row.pid, row.is_write = address, pid, bool(write)
    return array


class Simulator:
    """Memory of `frames` page frames under `policy`.

    >>> with Simulator(frames=2, policy="lru", tlb="64", page_table="four") as s:
    ...     [s.access(1, page << 12) for page in (1, 2, 1, 3, 2)]
    [1, 1, 0, 1, 1]

    Every argument is as in struct vmm_config; strings are as the options of `vmm sim`. VmmError says which the library did not
    take. Not for several threads at once. `close()`, or leaving a `with` block, frees it; what is called afterwards is an error.
    """

    def __init__(
        self,
        frames: int,
        policy: str = "clock",
        *,
        page_size: int = 4096,
        seed: int = 1,
        batch: int = 1,
        window: int = 0,
        flags: int = 0,
        page_table: Optional[str] = None,
        tlb: Optional[str] = None,
        walk_cache: int = 0,
        large: Optional[str] = None,
        prefetch: Optional[str] = None,
        numa: Optional[str] = None,
        swap_pages: int = 0,
        timing: Optional[Timing] = None,
    ) -> None:
        self._handle: Optional[int] = None
        self._lib = library()
        if not 0 < frames < 2**32:
            raise VmmError(errno.EINVAL, f"frames={frames}: from 1 to 2**32 - 1")
        mmu = Mmu(_bytes(page_table), _bytes(tlb), walk_cache)
        config = Config(
            frames=frames, page_size=page_size, batch=batch, window=window, flags=flags, seed=seed, policy=_bytes(policy),
            large=_bytes(large), prefetch=_bytes(prefetch), numa=_bytes(numa), swap_pages=swap_pages,
        )
        if page_table is not None or tlb is not None:
            config.mmu = ctypes.pointer(mmu)
        if timing is not None:
            config.timing = ctypes.pointer(timing)
        ctypes.set_errno(0)
        self._handle = self._lib.vmm_create(byref(config))
        if not self._handle:
            number = ctypes.get_errno() or errno.EINVAL
            what = {errno.ENOENT: "unknown policy or page table", errno.ENOTSUP: "these options do not go together"}
            raise VmmError(number, what.get(number, "an argument is not understood, or there is no memory")
                           + f" (policy={policy!r}, frames={frames})")

    def __enter__(self) -> "Simulator":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Frees the memory. May be called again."""
        if self._handle:
            self._lib.vmm_destroy(self._handle)
            self._handle = None

    @property
    def handle(self) -> int:
        """The struct vmm pointer, for calls of the library that are not wrapped here."""
        if not self._handle:
            raise VmmError(errno.EBADF, "the simulator is closed")
        return self._handle

    def access(self, pid: int, addr: int, write: bool = False, next_use: Optional[int] = None) -> int:
        """One reference: 0 a hit, 1 a fault of the policy, 2 another fault (soft, write, minor ...).

        next_use: for policies that need the future (opt, vmin), the number of the next reference to the page, counted from 0;
        2**64 - 1 when there is none.
        """
        if next_use is None:
            return check(self._lib.vmm_access(self.handle, pid, addr, write))
        return check(self._lib.vmm_access_next(self.handle, pid, addr, write, next_use))

    def access_many(self, refs: object) -> int:
        """Many references: `references(...)`, or any contiguous buffer of 16-byte records (u8 addr, u4 pid, u4 is_write), such as a
        numpy array; it is not copied. Returns how many. VmmError at the first that fails; those before it were made."""
        view = memoryview(refs)  # type: ignore[arg-type]
        if view.itemsize != ctypes.sizeof(Reference) or not view.c_contiguous:
            raise ValueError("a contiguous array of records of 16 bytes is wanted: addr (u8), pid (u4), is_write (u4)")
        n, done = view.nbytes // view.itemsize, c_size_t()
        if isinstance(refs, ctypes.Array):
            address = ctypes.addressof(refs)
        elif hasattr(refs, "ctypes"):  # numpy, read-only arrays as well
            address = refs.ctypes.data
        else:
            address = ctypes.addressof(ctypes.c_char.from_buffer(view))
        result = self._lib.vmm_access_many(self.handle, address, n, byref(done))
        if result < 0:
            raise VmmError(-result, f"reference {done.value} failed")
        return done.value

    def map(self, pid: int, addr: int, size: int, mapping: Mapping = Mapping()) -> None:
        """A mapping takes the place of what was there. Sizes are in bytes, rounded to whole pages."""
        m = MappingStruct(mapping.backing, mapping.object, mapping.object_page, mapping.read_only)
        check(self._lib.vmm_map(self.handle, pid, addr, size, byref(m)))

    def unmap(self, pid: int, addr: int, size: int) -> None:
        check(self._lib.vmm_unmap(self.handle, pid, addr, size))

    def discard(self, pid: int, addr: int, size: int) -> None:
        """The content goes, the mapping stays (MADV_DONTNEED)."""
        check(self._lib.vmm_discard(self.handle, pid, addr, size))

    def sync(self, pid: int, addr: int, size: int) -> None:
        """Dirty pages of shared file mappings are written back."""
        check(self._lib.vmm_sync(self.handle, pid, addr, size))

    def fork(self, parent: int, child: int) -> None:
        """The child gets a copy of the parent's address space, private pages copy on write."""
        check(self._lib.vmm_fork(self.handle, parent, child))

    def exit(self, pid: int) -> None:
        check(self._lib.vmm_exit(self.handle, pid))

    def create_shared(self, size: int) -> int:
        """Shared memory of `size` bytes: the number of the object."""
        number = c_uint32()
        check(self._lib.vmm_create_shared(self.handle, size, byref(number)))
        return number.value

    def attach_shared(self, pid: int, shared: int, addr: int) -> None:
        check(self._lib.vmm_attach_shared(self.handle, pid, shared, addr))

    def detach_shared(self, pid: int, addr: int) -> None:
        check(self._lib.vmm_detach_shared(self.handle, pid, addr))

    def _counters(self, stats: int) -> Dict[str, int]:
        return {
            row.name.decode(): c_uint64.from_address(stats + row.offset).value
            for row in stat_infos()
            if self._lib.vmm_counter_applies(self.handle, byref(row))
        }

    @property
    def stats(self) -> Dict[str, int]:
        """The counters that mean something with this configuration, by name; `vmm.counters()` says what each is."""
        return self._counters(self._lib.vmm_stats(self.handle))

    @property
    def processes(self) -> List[int]:
        """Processes seen so far, in order of appearance."""
        n = self._lib.vmm_processes(self.handle, None, 0)
        pids = (c_uint32 * n)()
        self._lib.vmm_processes(self.handle, pids, n)
        return list(pids)

    def process_stats(self, pid: int) -> Dict[str, int]:
        """What one process did, as far as it can be told apart."""
        stats = self._lib.vmm_process_stats(self.handle, pid)
        if not stats:
            raise VmmError(errno.ESRCH, f"no process {pid} has made a reference")
        return self._counters(stats)

    @property
    def amt_ns(self) -> float:
        """Mean time of a reference by the timing model, ns."""
        return self._lib.vmm_amt_ns(self.handle)

    @property
    def slowdown(self) -> float:
        """amt_ns as a multiple of that of a reference that finds its page."""
        return self._lib.vmm_slowdown(self.handle)
