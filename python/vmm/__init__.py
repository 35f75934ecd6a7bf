# SPDX-License-Identifier: Apache-2.0
"""Page replacement: the simulator of libvmm, and real programs under `vmm run`.

>>> import vmm
>>> with vmm.Simulator(frames=4, policy="fifo") as s:
...     for page in (1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5):
...         _ = s.access(1, page * 4096)
...     s.stats["faults"]
10

(With 3 frames they are 9: that is Belady's anomaly.)
"""

from ._library import Config, Mmu, Timing, VmmError, counters, library
from .live import Report, run
from .simulator import Mapping, Simulator, references

__all__ = [
    "Config", "Mapping", "Mmu", "Report", "Simulator", "Timing", "VmmError", "counters", "library", "references", "run",
]
__version__ = "0.1.0"
