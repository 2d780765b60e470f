"""What one process does: some networks, against all that they are compared with."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.random_networks.compare import Compared, Outcome, compare


@dataclass(frozen=True)
class Job:
    """Seeds for one process, and what their networks are compared with besides the definitions."""

    seeds: tuple[int, ...]
    against: tuple[str, ...] = ()


def do(job: Job) -> list[Outcome]:
    """The outcomes of a job."""
    with tempfile.TemporaryDirectory(prefix="random-networks-") as folder:
        pairs = [compare(seed, Path(folder)) for seed in job.seeds]
    right = [compared for _, compared in pairs if compared is not None]
    return [outcome for outcome, _ in pairs] + [o for against in job.against for o in _simulated(against, right)]


def _simulated(against: str, networks: Sequence[Compared]) -> Iterator[Outcome]:
    # Each of these brings packages that the others do not need.
    if against == "qkeras":
        from benchmarks.random_networks.with_qkeras import run_qkeras

        yield from run_qkeras(networks)
    else:
        from benchmarks.random_networks.hardware import is_small, simulate

        yield from simulate(against, [one for one in networks if is_small(one.graph)])
