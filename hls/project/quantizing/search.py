"""Widths for every slot: the fewest bits within a goal, or the best fidelity within a number of LUTs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hls.project.quantizing.candidate import Slot, Widths
from hls.project.quantizing.fidelity import Goal

WIDEST, NARROWEST = 16, 2
UNIFORM = (16, 14, 12, 10, 9, 8, 7, 6, 5, 4, 3, 2)


@dataclass(frozen=True, eq=False)
class Trial:
    """Widths, the metrics of the network that has them, and its effective bit operations."""

    widths: Widths
    metrics: Mapping[str, float]
    ebops: int

    @property
    def bits(self) -> float:
        """Mean width of the slots."""
        return sum(self.widths.values()) / len(self.widths)


Evaluate = Callable[[Widths], Trial]
Announce = Callable[[Trial], None]


def uniform(slots: tuple[Slot, ...], evaluate: Evaluate) -> list[Trial]:
    """The same width everywhere, from wide to narrow."""
    return [evaluate(dict.fromkeys(slots, bits)) for bits in UNIFORM]


def within_goal(start: Trial, goal: Goal, evaluate: Evaluate) -> Trial:
    """Take bits away, one slot at a time, for as long as the goal is met."""
    return _narrow(start, goal.metric, evaluate, accept=lambda trial: goal.met(trial.metrics), done=lambda trial: False)


def within_luts(start: Trial, most: float, luts: Callable[[Trial], float], evaluate: Evaluate) -> Trial:
    """Take away the bits that cost least fidelity until the estimate is within ``most`` LUTs, or nothing is left."""
    return _narrow(start, "error", evaluate, accept=lambda trial: True, done=lambda trial: luts(trial) <= most)


def _narrow(
    best: Trial, metric: str, evaluate: Evaluate, *, accept: Callable[[Trial], bool], done: Callable[[Trial], bool]
) -> Trial:
    """Rounds over the slots; in each, first those whose bit buys most operations for the least loss."""
    frozen: set[Slot] = set()
    while not done(best):
        tried = {
            slot: evaluate({**best.widths, slot: width - 1})
            for slot, width in best.widths.items()
            if width > NARROWEST and slot not in frozen
        }
        if not tried:
            return best
        for slot in sorted(tried, key=lambda slot: _price(tried[slot], best, metric)):
            trial = evaluate({**best.widths, slot: best.widths[slot] - 1})
            if not accept(trial):
                frozen.add(slot)
                continue
            best = trial
            if done(best):
                return best
    return best


def _price(trial: Trial, best: Trial, metric: str) -> float:
    """Loss for each operation that is saved."""
    lost = max(trial.metrics[metric] - best.metrics[metric], 0.0) + 1e-9
    return lost / max(best.ebops - trial.ebops, 1)
