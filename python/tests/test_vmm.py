# SPDX-License-Identifier: Apache-2.0
"""The package against libvmm and vmm themselves. Without numpy what needs it is skipped."""

import array
import ctypes
import doctest
import errno
import os
import random
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import vmm  # noqa: E402
from vmm import _library, live, simulator  # noqa: E402

BELADY = (1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5)


class Simulated(unittest.TestCase):
    def test_belady(self):
        for frames, faults in ((3, 9), (4, 10)):
            with vmm.Simulator(frames, "fifo") as s:
                results = [s.access(7, page << 12) for page in BELADY]
                self.assertEqual(sum(results), faults)
                self.assertEqual(s.stats["faults"], faults)
                self.assertEqual(s.processes, [7])
                self.assertEqual(s.process_stats(7)["accesses"], len(BELADY))

    def test_many_is_one_by_one(self):
        rng = random.Random(3)
        addresses = [rng.randrange(400) << 12 for _ in range(20000)]
        writes = [rng.random() < 0.3 for _ in addresses]
        with vmm.Simulator(100, "arc") as one, vmm.Simulator(100, "arc") as many:
            for address, write in zip(addresses, writes):
                one.access(1, address, write)
            self.assertEqual(many.access_many(vmm.references(addresses, 1, writes)), len(addresses))
            self.assertEqual(one.stats, many.stats)
            self.assertGreater(one.stats["evictions"], 0)

    def test_buffers(self):
        records = array.array("Q")
        for page in BELADY:
            records.extend((page << 12, 1))  # addr; pid 1, is_write 0
        with vmm.Simulator(3, "fifo") as s:
            self.assertRaises(ValueError, s.access_many, records)  # records of 8 bytes
            raw = (_library.Reference * len(BELADY)).from_buffer(records)
            s.access_many(raw)
            self.assertEqual(s.stats["faults"], 9)
        self.assertRaises(ValueError, vmm.references, [1, 2], 1, [True])

    def test_numpy(self):
        try:
            import numpy
        except ImportError:
            self.skipTest("no numpy")
        refs = numpy.zeros(len(BELADY), numpy.dtype([("addr", "u8"), ("pid", "u4"), ("is_write", "u4")]))
        refs["addr"] = numpy.array(BELADY) << 12
        refs["pid"] = 1
        with vmm.Simulator(3, "fifo") as s:
            self.assertEqual(s.access_many(refs), len(BELADY))
            self.assertEqual(s.stats["faults"], 9)

    def test_the_future(self):
        last = 2**64 - 1
        uses = [next((k for k in range(i + 1, len(BELADY)) if BELADY[k] == page), last) for i, page in enumerate(BELADY)]
        with vmm.Simulator(3, "opt") as s:
            with self.assertRaises(vmm.VmmError) as why:
                s.access(1, 4096)
            self.assertEqual(why.exception.errno, errno.ENOTSUP)
            for page, use in zip(BELADY, uses):
                s.access(1, page << 12, next_use=use)
            self.assertEqual(s.stats["faults"], 7)

    def test_spaces(self):
        with vmm.Simulator(16, "clock", page_table="four", tlb="64") as s:
            s.access(1, 0x1000, True)
            s.fork(1, 2)
            self.assertEqual(s.access(2, 0x1000, True), 1)
            self.assertEqual(s.stats["cow_copies"], 1)
            shared = s.create_shared(8192)
            s.attach_shared(1, shared, 0x100000)
            s.attach_shared(2, shared, 0x200000)
            s.access(1, 0x100000, True)
            s.access(2, 0x200000)
            s.detach_shared(2, 0x200000)
            s.map(1, 0x300000, 4096, vmm.Mapping(simulator.FILE_SHARED, object=5))
            s.access(1, 0x300000, True)
            s.sync(1, 0x300000, 4096)
            self.assertEqual(s.stats["file_writes"], 1)
            s.discard(1, 0x1000, 4096)
            s.unmap(1, 0x300000, 4096)
            s.exit(2)
            self.assertGreater(s.stats["pt_walk_accesses"], 0)
            self.assertGreater(s.amt_ns, 0)
            self.assertGreater(s.slowdown, 1)

    def test_errors(self):
        for arguments, number in (
            (dict(frames=0), errno.EINVAL),
            (dict(frames=4, policy="lur"), errno.ENOENT),
            (dict(frames=4, page_table="six"), errno.ENOENT),
            (dict(frames=4, policy="opt", prefetch="seq"), errno.ENOTSUP),
            (dict(frames=4, tlb="x"), errno.EINVAL),
        ):
            with self.assertRaises(vmm.VmmError) as why:
                vmm.Simulator(**arguments)
            self.assertEqual(why.exception.errno, number, arguments)
        s = vmm.Simulator(4)
        self.assertRaises(vmm.VmmError, s.exit, 9)
        self.assertRaises(vmm.VmmError, s.process_stats, 9)
        s.close()
        s.close()
        with self.assertRaises(vmm.VmmError) as why:
            s.access(1, 0)
        self.assertEqual(why.exception.errno, errno.EBADF)

    def test_plain_ctypes(self):
        lib = ctypes.CDLL(vmm.library()._name)
        lib.vmm_create.restype = ctypes.c_void_p
        lib.vmm_create.argtypes = [ctypes.c_void_p]
        lib.vmm_access.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_int]
        config = vmm.Config(frames=64)
        handle = lib.vmm_create(ctypes.byref(config))
        self.assertTrue(handle)
        self.assertEqual(lib.vmm_access(handle, 1, 0x7F0000001000, 0), 1)
        self.assertEqual(lib.vmm_access(handle, 1, 0x7F0000001FFF, 1), 0)
        lib.vmm_destroy.argtypes = [ctypes.c_void_p]
        lib.vmm_destroy(handle)

    def test_documentation(self):
        for module in (vmm, _library, simulator, live):
            failed, _ = doctest.testmod(module)
            self.assertEqual(failed, 0, module)
        readme = Path(__file__).resolve().parents[1] / "README.md"
        failed, tried = doctest.testfile(str(readme), module_relative=False)
        self.assertEqual(failed, 0)
        self.assertGreater(tried, 1)
        self.assertIn("faults", vmm.counters())


@unittest.skipIf(subprocess.run([live.program(), "doctor"], stdout=subprocess.DEVNULL).returncode, "no live runs here")
class Live(unittest.TestCase):
    WORDS = ["/usr/bin/python3", "-c", "print(sum(len(str(i)) for i in range(300000)) + len([str(i) for i in range(60000)]))"]

    def test_run(self):
        report = vmm.run(self.WORDS, frames=500, policy="fifo", capture_output=True, text=True)
        self.assertEqual((report.returncode, report.stdout), (0, "1748890\n"))
        self.assertGreater(report.faults, 500)
        self.assertGreater(report.counters["evictions"], 0)
        self.assertGreater(report.elapsed_s, 0)
        self.assertEqual(report.messages, [])
        self.assertEqual(report.data["frames"], 500)

    def test_status_and_errors(self):
        self.assertEqual(vmm.run(["sh", "-c", "exit 7"]).returncode, 7)
        with self.assertRaises(vmm.VmmError):
            vmm.run(["/no/such/program"], capture_output=True)
        with self.assertRaises(vmm.VmmError) as why:
            vmm.run(["true"], policy="lur", capture_output=True, text=True)
        self.assertIn("lru", str(why.exception))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    unittest.main()
