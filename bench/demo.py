#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make demo: sqlite3 on a generated database, held in memory, under four policies and three sizes of memory.

The program runs once alone (native time and output), once under vmm without a limit (its footprint), then with 25, 50
and 100 percent of that footprint. Each run's output is compared with the native one.

    DEMO_ROWS=N   size of the workload (about 400 bytes a row)
    BIN=DIR       where vmm is (bin)
"""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

ROWS = int(os.environ.get("DEMO_ROWS", "60000"))
LOOKUPS = ROWS // 8
ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
VMM = os.path.join(ROOT, os.environ.get("BIN", "bin"), "vmm")
POLICIES = ["fifo", "clock", "sieve", "lru"]
SIZES = [25, 50, 100]  # percent of the footprint
FRAMES_MIN = 40
TIMEOUT_S = 30  # of one run

# Load, index, aggregate, then look rows up: the product of two uniform numbers makes low ids hot.
SQL = f"""
PRAGMA page_size = 4096;
PRAGMA cache_size = -1000000;
PRAGMA temp_store = memory;
CREATE TABLE account(id INTEGER PRIMARY KEY, key INTEGER, region TEXT, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
  INSERT INTO account SELECT i, i * 2654435761 % 4294967296, printf('region-%d', i * 7919 % 97),
    printf('%0320d', i * 40503 % 1000003) FROM n;
CREATE INDEX account_key ON account(key);
SELECT region, count(*), sum(key) FROM account GROUP BY region ORDER BY 3 DESC LIMIT 5;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {LOOKUPS})
  SELECT count(*), sum(a.key % 1009), sum(length(a.note)) FROM n JOIN account a
    ON a.id = 1 + (i * 2654435761 % {ROWS}) * (i * 40503 % {ROWS}) / {ROWS};
UPDATE account SET note = note || '+' WHERE id % 16 = 0;
SELECT sum(length(note)) FROM account;
"""


def run(directory, *vmm):
    """(seconds, output) of sqlite3, alone or under vmm with these options."""
    command = [*vmm, "sqlite3", "-batch", ":memory:"]
    with open(os.path.join(directory, "demo.sql")) as sql:
        start = time.monotonic()
        done = subprocess.run(command, stdin=sql, stdout=subprocess.PIPE, check=False)
    return time.monotonic() - start, done.stdout


def paged(directory, *options):
    """(report, output) of a run under vmm; ends the demo when there is none."""
    report = os.path.join(directory, "report.json")
    _, output = run(directory, VMM, "run", "-q", "--timeout", str(TIMEOUT_S), "--json", report, *options, "--")
    try:
        with open(report) as file:
            return json.load(file), output
    except FileNotFoundError:
        sys.exit(1)  # vmm has said why
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(report)


def main():
    if not shutil.which("sqlite3"):
        sys.exit("demo: sqlite3 is not installed; run: sudo apt-get install -y sqlite3")
    with tempfile.TemporaryDirectory() as directory:
        with open(os.path.join(directory, "demo.sql"), "w") as file:
            file.write(SQL)
        run(directory)  # warms the caches
        native_s, expected = run(directory)
        report, output = paged(directory)
        footprint = report["counters"]["footprint_pages"]
        same, stopped = output == expected, False
        print(f"sqlite3, {ROWS} rows in memory: {footprint} pages ({footprint * 4 / 1024:.0f} MiB), "
              f"alone {native_s:.2f} s\n")
        print("policy  memory   frames     faults  evictions     time  slowdown")
        for size in SIZES:
            frames = max(footprint * size // 100, FRAMES_MIN)
            for policy in POLICIES:
                report, output = paged(directory, "-f", str(frames), "-a", policy)
                count = report["counters"]
                row = f"{policy:<6}  {size:>5}%  {frames:>7}  {count['faults']:>9}  {count['evictions']:>9}  "
                if "fatal" in report:
                    print(f"{row}stopped: {report['fatal']}", flush=True)
                    stopped = True
                    continue
                same = same and output == expected
                print(f"{row}{report['elapsed_s']:>5.2f} s  {report['elapsed_s'] / native_s:>7.1f}x", flush=True)
    print(f"\noutput of every run: {'the same as alone' if same else 'DIFFERENT from the native run'}")
    return 0 if same and not stopped else 1


if __name__ == "__main__":
    sys.exit(main())
