"""Events per second of the three generators on one core: `python benchmarks/event_generation.py [--events N]`.

Target: a million a second each. Best of several repetitions, one row an event in memory; beside it, in the same
run, numpy's own uniform random numbers at the number each event needs, which is the floor.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from qmodels.event_variables.events import BLOCK_EVENTS, generate
from qmodels.event_variables.variants import VARIANTS

TARGET = 1_000_000
UNIFORMS = {"two-body": 6, "semivisible": 6, "pair": 11}


def best_rate(events: int, repetitions: int, work: Callable[[], object]) -> float:
    """Events per second of CPU time: other processes on the machine do not count."""
    seconds = []
    for _ in range(repetitions):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return events / min(seconds)


def draw_uniforms(variant: str, events: int) -> None:
    rng = np.random.default_rng(1)
    for _ in range(0, events, BLOCK_EVENTS):
        rng.random((UNIFORMS[variant], BLOCK_EVENTS))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rates = {}
    for variant in VARIANTS:
        rate = best_rate(options.events, options.repetitions, partial(generate, variant, options.events, 1))
        floor = best_rate(options.events, options.repetitions, partial(draw_uniforms, variant, options.events))
        rates[variant] = {
            "events_per_second": round(rate),
            "target": TARGET,
            "random_numbers_alone_per_second": round(floor),
            "reached": rate >= TARGET,
        }
    sys.stdout.write(json.dumps(rates, indent=2) + "\n")
    return 0 if all(entry["reached"] for entry in rates.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
