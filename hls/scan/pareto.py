"""Which points nothing else beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from hls.errors import FirmwareError
from hls.scan.trial import TrialResult
from hls.target.resources import LOGIC_LIMITS

FIGURES = (*LOGIC_LIMITS, "latency_ns", "interval_ns")
"""Objectives that any network has; the others are its system's metrics."""


@dataclass(frozen=True)
class Objective:
    """A figure or metric, and which way is better.

    >>> str(Objective("kendall_tau", "max"))
    'kendall_tau:max'
    """

    name: str
    better: Literal["min", "max"]

    def __str__(self) -> str:
        return f"{self.name}:{self.better}"

    @staticmethod
    def parse(text: str) -> Objective:
        """``kendall_tau:max``, ``luts:min``; a figure of the firmware needs no end. FirmwareError if neither.

        >>> str(Objective.parse("luts")), str(Objective.parse("auc:max"))
        ('luts:min', 'auc:max')
        """
        name, _, better = text.partition(":")
        if not better and name in FIGURES:
            better = "min"
        if better == "min":
            return Objective(name, "min")
        if better == "max":
            return Objective(name, "max")
        raise FirmwareError(f"objective {text!r}: write NAME:min or NAME:max, such as kendall_tau:max or luts:min")

    def cost(self, result: TrialResult) -> float:
        """The figure with its sign turned so that less is better; infinite where the trial does not have it."""
        value = result.value(self.name)
        if value is None:
            return float("inf")
        return value if self.better == "min" else -value


def frontier(results: Sequence[TrialResult], objectives: Sequence[Objective]) -> list[TrialResult]:
    """Results that no other is as good as in every objective and better in one, the cheapest first by the last."""
    first = [result for result, rank in zip(results, ranks(results, objectives), strict=True) if rank == 0]
    return sorted(first, key=lambda result: [objective.cost(result) for objective in reversed(objectives)])


def ranks(results: Sequence[TrialResult], objectives: Sequence[Objective]) -> list[int]:
    """Rank of each result: 0 on the frontier, 1 on the frontier of what is left without those, and so on.

    A result that failed, or lacks an objective, ranks behind all others. Of equal results the first counts.

    >>> def trial(luts, auc):
    ...     figures, fidelity = {"luts": luts}, {"auc": auc}
    ...     common = {"key": "a", "parameters": {}, "epochs": None, "source": "rtl, analytic"}
    ...     return TrialResult(figures=figures, fidelity=fidelity, **common)
    >>> trials = [trial(100, 0.8), trial(200, 0.9), trial(300, 0.85)]  # the last is larger and worse than the second
    >>> ranks(trials, [Objective("luts", "min"), Objective("auc", "max")])
    [0, 0, 1]
    """
    costs = np.array([[objective.cost(result) for objective in objectives] for result in results])
    costs = costs.reshape(len(results), len(objectives))
    usable = np.isfinite(costs).all(axis=1)
    found = np.full(len(results), len(results))
    left = [int(index) for index in np.flatnonzero(usable)]
    rank = 0
    while left:
        best = [i for i in left if not any(_beats(costs[j], costs[i], j < i) for j in left if j != i)]
        found[best] = rank
        left = [i for i in left if i not in set(best)]
        rank += 1
    return [int(value) for value in found]


def _beats(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], earlier: bool) -> bool:
    no_worse = bool((a <= b).all())
    return no_worse and (bool((a < b).any()) or earlier)
