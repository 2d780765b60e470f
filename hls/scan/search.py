"""In which order points are tried: all of them, a random part, or many for a short time and the best for longer."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Literal

from hls.errors import FirmwareError
from hls.scan.pareto import Objective, ranks
from hls.scan.trial import TrialResult, TrialSpec

Search = Literal["grid", "random", "halving"]
SEARCHES: tuple[Search, ...] = ("grid", "random", "halving")

Rounds = Generator[list[TrialSpec], list[TrialResult], None]
"""Yields trials that may run side by side, and is sent their results, in the same order."""

HALVING_FACTOR = 3
GRID_LIMIT = 2000


def at_once(specs: Sequence[TrialSpec]) -> Rounds:
    """Every trial in one round."""
    yield list(specs)


def halving(specs: Sequence[TrialSpec], objectives: Sequence[Objective], epochs: int) -> Rounds:
    """Rounds of successive halving: of all trials a third goes on, with three times the epochs, up to ``epochs``.

    The third that goes on is that of the lowest Pareto rank. Each round trains anew: the learning rate falls to zero
    at the end of a training, so a longer one is not the shorter one continued.
    """
    rounds = 1
    while len(specs) // HALVING_FACTOR**rounds >= 1 and epochs // HALVING_FACTOR**rounds >= 1:
        rounds += 1
    alive = list(specs)
    for number in range(rounds):
        budget = max(1, epochs // HALVING_FACTOR ** (rounds - 1 - number))
        alive = [replace(spec, epochs=budget) for spec in alive]
        results = yield alive
        order = sorted(range(len(alive)), key=ranks(results, objectives).__getitem__)
        alive = [alive[index] for index in order[: max(1, len(alive) // HALVING_FACTOR)]]


def check_grid(size: int) -> None:
    """FirmwareError if a grid is too large to be meant."""
    if size > GRID_LIMIT:
        raise FirmwareError(
            f"a grid of {size:,} points is too much to train; fix some parameters with --set, or use --search random"
        )


def run_rounds(rounds: Rounds, measure: Callable[[list[TrialSpec]], list[TrialResult]]) -> list[TrialResult]:
    """Drive ``rounds`` to its end; every result of every round."""
    found: list[TrialResult] = []
    try:
        specs = next(rounds)
        while True:
            results = measure(specs)
            found += results
            specs = rounds.send(results)
    except StopIteration:
        return found
