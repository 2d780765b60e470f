"""The frontier, on points that can be ranked by eye."""

from __future__ import annotations

import pytest

from hls.errors import FirmwareError
from hls.scan import Objective, TrialResult, frontier
from hls.scan.pareto import ranks

TAU = Objective("kendall_tau", "max")
LUTS = Objective("luts", "min")


def trial(key: str, tau: float | None, luts: float) -> TrialResult:
    fidelity = {} if tau is None else {"kendall_tau": tau}
    return TrialResult(
        key=key, parameters={}, epochs=None, fidelity=fidelity, figures={"luts": luts}, source="rtl, analytic"
    )


def test_the_frontier_is_what_nothing_beats() -> None:
    points = [
        trial("good", 0.99, 900),
        trial("small", 0.90, 300),
        trial("beaten", 0.95, 1000),
        trial("dear", 0.995, 5000),
    ]

    assert [point.key for point in frontier(points, [TAU, LUTS])] == ["small", "good", "dear"]


def test_ranks_peel_the_frontiers_off_one_by_one() -> None:
    points = [trial("a", 0.9, 100), trial("b", 0.9, 200), trial("c", 0.8, 200), trial("d", 0.95, 150)]

    assert ranks(points, [TAU, LUTS]) == [0, 1, 2, 0]


def test_of_equal_points_the_first_counts() -> None:
    points = [trial("first", 0.9, 100), trial("second", 0.9, 100)]

    assert [point.key for point in frontier(points, [TAU, LUTS])] == ["first"]


def test_a_trial_without_the_metric_is_never_on_the_frontier() -> None:
    points = [trial("none", None, 1), trial("some", 0.5, 100)]

    assert [point.key for point in frontier(points, [TAU, LUTS])] == ["some"]


@pytest.mark.parametrize(("text", "better"), [("kendall_tau:max", "max"), ("bce:min", "min"), ("luts", "min")])
def test_objectives_are_written_with_the_better_end(text: str, better: str) -> None:
    assert Objective.parse(text).better == better


@pytest.mark.parametrize("text", ["kendall_tau", "luts:low", ""])
def test_an_objective_without_an_end_is_refused(text: str) -> None:
    with pytest.raises(FirmwareError, match="NAME:min or NAME:max"):
        Objective.parse(text)
