"""Successive halving, worked by hand."""

from __future__ import annotations

from dataclasses import replace

from hls.scan import Objective, TrialResult, TrialSpec
from hls.scan.search import at_once, halving, run_rounds
from hls.target import Target

LUTS = Objective("luts", "min")
TARGET = Target("p", "vitis", 5.0)


def specs(n: int) -> list[TrialSpec]:
    return [TrialSpec(parameters={"width": width}, target=TARGET) for width in range(1, n + 1)]


def measured(asked: list[tuple[int, int | None]]) -> object:
    """A measure whose LUTs are the width; it notes what it was asked for."""

    def measure(trials: list[TrialSpec]) -> list[TrialResult]:
        asked.extend((int(spec.parameters["width"]), spec.epochs) for spec in trials)
        return [
            TrialResult(
                key=spec.key,
                parameters=dict(spec.parameters),
                epochs=spec.epochs,
                figures={"luts": float(spec.parameters["width"])},
                source="rtl, analytic",
            )
            for spec in trials
        ]

    return measure


def test_a_third_goes_on_with_three_times_the_epochs() -> None:
    asked: list[tuple[int, int | None]] = []

    found = run_rounds(halving(specs(9), [LUTS], epochs=9), measured(asked))  # type: ignore[arg-type]

    assert asked[:9] == [(width, 1) for width in range(1, 10)]
    assert asked[9:12] == [(1, 3), (2, 3), (3, 3)]
    assert asked[12:] == [(1, 9)]
    assert len(found) == 13


def test_few_trials_make_few_rounds() -> None:
    asked: list[tuple[int, int | None]] = []

    run_rounds(halving(specs(3), [LUTS], epochs=81), measured(asked))  # type: ignore[arg-type]

    assert asked == [(1, 27), (2, 27), (3, 27), (1, 81)]


def test_a_grid_is_one_round() -> None:
    asked: list[tuple[int, int | None]] = []

    run_rounds(at_once(specs(4)), measured(asked))  # type: ignore[arg-type]

    assert [width for width, _ in asked] == [1, 2, 3, 4]


def test_the_key_tells_trials_apart() -> None:
    one = TrialSpec(parameters={"width": 8}, target=TARGET, epochs=3)

    assert one.key == TrialSpec(parameters={"width": 8}, target=TARGET, epochs=3).key
    assert len({
        one.key,
        TrialSpec(parameters={"width": 9}, target=TARGET, epochs=3).key,
        TrialSpec(parameters={"width": 8}, target=TARGET, epochs=4).key,
        TrialSpec(parameters={"width": 8}, target=Target("q", "vitis", 5.0), epochs=3).key,
        TrialSpec(parameters={"width": 8}, target=TARGET, epochs=3, model=b"x").key,
        TrialSpec(parameters={"width": 8}, target=replace(TARGET, firmware="hls4ml"), epochs=3).key,
        TrialSpec(parameters={"width": 8}, target=TARGET, epochs=3, seed=2).key,
    }) == 7  # fmt: skip
    assert one.key == replace(one, target=replace(TARGET, firmware="rtl")).key


def test_keys_of_trials_before_a_firmware_could_be_stated_are_found_again() -> None:
    """Literals of 0.1.0's first scans: hours of training lie under such names."""
    target = Target("xcvu13p-flga2577-2-e", "vitis", 5.0, firmware="rtl")
    unrolled = TrialSpec({"charge": 1.0, "multipliers": "lut"}, target, system="event_variables/two-body")
    folded = TrialSpec({"reuse_factor": 4, "strategy": "resource"}, replace(target, firmware="hls4ml"), model=b"m")
    assert (unrolled.key, folded.key) == ("b74ddda1adbc", "ce23e644ec64")
