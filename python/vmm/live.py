# SPDX-License-Identifier: Apache-2.0
"""Real programs under `vmm run`."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Union

from ._library import VmmError, beside


@dataclass(frozen=True)
class Report:
    """The JSON report of a run (docs/run.md says what the keys mean), and what the program printed if that was captured."""

    data: Dict[str, Any]
    returncode: int
    stdout: Optional[Union[bytes, str]] = None
    stderr: Optional[Union[bytes, str]] = None

    @property
    def counters(self) -> Dict[str, int]:
        return self.data["counters"]

    @property
    def faults(self) -> int:
        """Faults of the policy."""
        return self.counters["faults"]

    @property
    def elapsed_s(self) -> float:
        return self.data["elapsed_s"]

    @property
    def messages(self) -> List[str]:
        return self.data.get("messages", [])


def program() -> str:
    """The vmm program: $VMM_PROGRAM, that of the source tree, or the one on PATH."""
    found = os.environ.get("VMM_PROGRAM") or beside("vmm") or shutil.which("vmm")
    if not found:
        raise VmmError(errno.ENOENT, "vmm is not found: build it with make, or set VMM_PROGRAM")
    return str(found)


def run(
    command: Sequence[str],
    *,
    frames: Optional[int] = None,
    memory: Optional[str] = None,
    policy: str = "clock",
    exact: bool = False,
    options: Sequence[str] = (),
    capture_output: bool = False,
    text: bool = False,
    **popen: Any,
) -> Report:
    """Runs a program in `frames` page frames (or `memory`, as "64M"; neither: no limit) and returns the report.

    options: further ones of `vmm run`, as ["--prefetch", "seq:16"]. Other arguments go to subprocess.run. The program's exit
    status is `returncode`; VmmError when vmm itself could not run it.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "report.json")
        words = [program(), "run", "-q", "-a", policy, "--json", path]
        if frames is not None:
            words += ["-f", str(frames)]
        if memory is not None:
            words += ["-m", memory]
        if exact:
            words.append("--exact")
        words += [*options, "--", *command]
        done = subprocess.run(words, capture_output=capture_output, text=text, check=False, **popen)
        try:
            with open(path, encoding="utf-8") as file:
                data = json.load(file)
        except OSError:
            said = done.stderr if capture_output else ""
            raise VmmError(errno.ENOEXEC, f"vmm run failed with status {done.returncode} {said or ''}".rstrip()) from None
        if "fatal" in data:
            raise VmmError(errno.ECANCELED, data["fatal"])
        return Report(data, done.returncode, done.stdout, done.stderr)
