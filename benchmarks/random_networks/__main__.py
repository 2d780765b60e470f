"""Random networks over all documented layers and quantizers: the emulator against definitions, QKeras, csim and RTL.

    python -m benchmarks.random_networks --networks 100000 --out definitions.jsonl
    python -m benchmarks.random_networks --networks 5000 --against qkeras --out qkeras.jsonl
    python -m benchmarks.random_networks --networks 600 --against csim rtl --out hardware.jsonl

Network ``n`` is drawn from seed ``n`` alone. With ``--out`` a run that was stopped goes on where it was. Exit code 1
means a wrong bit or a traceback; ``--show SEED`` prints a network and what comes of it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.random_networks.compare import TRACEBACK, WRONG, Outcome, compare
from benchmarks.random_networks.draw import draw
from benchmarks.random_networks.work import Job, do
from hls.machine.pools import open_pool

_CHUNK = {"definitions": 1000, "qkeras": 100, "csim": 40, "rtl": 40}
"""Networks a process, which takes a second to start, by the slowest that they are compared with."""
_SHOWN_REASONS = 12


def jobs(first: int, count: int, against: Sequence[str], done: set[int]) -> list[Job]:
    """Seeds from ``first`` on that are not done, a chunk a job."""
    seeds = [seed for seed in range(first, first + count) if seed not in done]
    size = min(_CHUNK[name] for name in ("definitions", *against))
    return [Job(tuple(seeds[start : start + size]), tuple(against)) for start in range(0, len(seeds), size)]


def _read(path: Path | None) -> list[Outcome]:
    if path is None or not path.exists():
        return []
    return [Outcome(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _append(path: Path | None, outcomes: Sequence[Outcome]) -> None:
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(asdict(outcome))}\n" for outcome in outcomes)


def summary(outcomes: Sequence[Outcome]) -> Table:
    """How many networks, values and reasons of each kind."""
    table = Table("against", "result", "networks", "values", "why")
    groups = Counter((outcome.against, outcome.result) for outcome in outcomes)
    for (against, result), count in sorted(groups.items()):
        chosen = [outcome for outcome in outcomes if (outcome.against, outcome.result) == (against, result)]
        reasons = Counter(outcome.detail for outcome in chosen if outcome.detail)
        why = "\n".join(f"{n}: {text}" for text, n in reasons.most_common(_SHOWN_REASONS))
        table.add_row(against, result, f"{count:,}", f"{sum(outcome.values for outcome in chosen):,}", why)
    return table


def show(seed: int, console: Console) -> None:
    """One network, and what comes of it."""
    for line in draw(seed).described():
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="random-networks-") as folder:
        outcome, _ = compare(seed, Path(folder))
    console.print(f"{outcome.result}: {outcome.values} values; {outcome.detail}", markup=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1, help="of the first network")
    parser.add_argument("--against", nargs="*", choices=("qkeras", "csim", "rtl"), default=())
    parser.add_argument("--jobs", type=int, default=None, help="processes, by default one a core")
    parser.add_argument("--out", type=Path, help="JSON lines, one a network and comparison; read first, then added to")
    parser.add_argument("--show", type=int, metavar="SEED")
    arguments = parser.parse_args()
    console = Console()
    if arguments.show is not None:
        show(arguments.show, console)
        return 0
    outcomes = _read(arguments.out)
    todo = jobs(arguments.seed, arguments.networks, arguments.against, {outcome.seed for outcome in outcomes})
    with open_pool(arguments.jobs) as pool:
        for _, found in track(pool.as_finished(do, todo), "networks", len(todo), console=Console(stderr=True)):
            _append(arguments.out, found)
            outcomes += found
    console.print(summary(outcomes))
    failed = [outcome for outcome in outcomes if outcome.result in (WRONG, TRACEBACK)]
    for outcome in failed[:_SHOWN_REASONS]:
        console.print(f"--show {outcome.seed}: {outcome.against}: {outcome.detail}", markup=False, highlight=False)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
