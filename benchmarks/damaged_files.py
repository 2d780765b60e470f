"""What becomes of damaged files: taken, refused in one line, or a fault of ours.

    python benchmarks/damaged_files.py [--files 10000] [--seed 1] [--jobs N] [--only "packets .qtb"] [--json]

Model, project, event, packet and expected.json files are damaged as disks, transfers, editors and other programs do it,
byte by byte and inside of their formats, and read by those who read them for ``qtrigger``, in processes with 2 GiB of
memory and 20 seconds a file. A traceback, a process that dies, a hang or memory beyond the limit is a fault; each is
listed with the kind and the number that make the same file again, and the exit code is then 1.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.damage.kinds import GOOD, KINDS, outcome, write_damaged

ROOT = Path(__file__).resolve().parents[1]
MEMORY = 2 << 30
SECONDS = 20


@dataclass(frozen=True)
class Result:
    """What became of one file. ``peak_mib`` is the most memory that its process had had until then."""

    kind: str
    number: int
    outcome: str
    seconds: float
    peak_mib: float


def kind_of(number: int, only: str | None) -> str:
    """Kinds take turns."""
    return only or list(KINDS)[number % len(KINDS)]


def work(numbers: Sequence[int], seed: int, only: str | None) -> None:
    """Read the damaged files of these ``numbers``, a line a file; the process dies with the first hang or crash."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in KINDS:  # what is loaded and cached once is no file's
            outcome(kind, write_damaged(kind, folder, seed, -1))
        resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MEMORY,) * 2)
        for number in numbers:
            kind = kind_of(number, only)
            path = write_damaged(kind, folder, seed, number)
            say([number])
            signal.alarm(SECONDS)
            start = time.perf_counter()
            found = outcome(kind, path)
            seconds = time.perf_counter() - start
            signal.alarm(0)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            say([number, found, seconds, peak])
            for file in folder.iterdir():
                file.unlink()


def say(content: object) -> None:
    """A line of JSON on stdout."""
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    return pages * resource.getpagesize()


def run(numbers: Sequence[int], seed: int, only: str | None) -> Iterator[Result]:
    """The results of these files, each process going on where the one before it died."""
    while numbers:
        last = -1
        command = [sys.executable, __file__, "--worker", json.dumps([list(numbers), seed, only])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            for line in process.stdout or ():
                last, *rest = json.loads(line)
                if rest:
                    yield Result(kind_of(last, only), last, *rest)
        if process.returncode == 0:
            return
        if last < 0:
            raise SystemExit("the readers do not start; run the tests first")
        how = "hang" if process.returncode == -signal.SIGALRM else f"died with {process.returncode}"
        yield Result(kind_of(last, only), last, how, SECONDS, 0.0)
        numbers = numbers[numbers.index(last) + 1 :]


def measure(files: int, seed: int, jobs: int, only: str | None) -> list[Result]:
    """All files, ``jobs`` processes at a time."""
    with ThreadPoolExecutor(jobs) as pool:
        shares = [range(files)[job::jobs] for job in range(jobs)]
        return [result for part in pool.map(lambda share: list(run(share, seed, only)), shares) for result in part]


def main() -> int:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only", choices=list(KINDS))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        work(*json.loads(asked.worker))
        return 0
    start = time.perf_counter()
    results = measure(asked.files, asked.seed, asked.jobs, asked.only)
    faults = [result for result in results if result.outcome not in GOOD]
    if asked.json:
        say([vars(result) for result in results])
    else:
        show(results, faults, time.perf_counter() - start)
    return 1 if faults else 0


def show(results: Sequence[Result], faults: Sequence[Result], seconds: float) -> None:
    """A line a kind, then the faults."""
    table = Table(box=None)
    for column in ("kind", "files", "taken", "refused", "faults", "slowest, s"):
        table.add_column(column, justify="left" if column == "kind" else "right")
    for kind in KINDS:
        own = [result for result in results if result.kind == kind]
        counts = Counter(result.outcome if result.outcome in GOOD else "fault" for result in own)
        slowest = max((result.seconds for result in own), default=0.0)
        numbers = (len(own), counts["taken"], counts["refused"], counts["fault"])
        table.add_row(kind, *map(str, numbers), f"{slowest:.2f}")
    out = Console(highlight=False, width=120)
    out.print(table)
    peak = max((result.peak_mib for result in results), default=0.0)
    out.print(f"{len(results):,} files, {len(faults)} faults, {peak:.0f} MiB at most, {seconds:.0f} s")
    for fault in faults:
        out.print(f"  {fault.kind} {fault.number}: {fault.outcome[:200]}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
