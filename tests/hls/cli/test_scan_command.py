"""What `qtrigger scan` shows: its examples can be run, its progress says how far it is and what is best."""

from __future__ import annotations

import shlex

import pytest

from hls.cli.scan import EXAMPLES
from hls.cli.scan_progress import best, scan_progress
from hls.scan import Objective, Step, TrialResult
from hls.scan.subject import find_subject

OBJECTIVES = (Objective("kendall_tau", "max"), Objective("luts", "min"))


def trial(key: str, tau: float, luts: float) -> TrialResult:
    return TrialResult(
        key=key,
        parameters={"charge": 1.0},
        epochs=1,
        fidelity={"kendall_tau": tau},
        figures={"luts": luts},
        source="rtl, analytic",
    )


FAILED = TrialResult(key="f", parameters={"charge": 9.0}, epochs=1, source="rtl, analytic", failed="nothing is left")


@pytest.mark.slow
@pytest.mark.parametrize("example", [line.strip() for line in EXAMPLES.split("\n\n") if "  qtrigger scan" in line])
def test_every_parameter_of_an_example_exists(example: str) -> None:
    words = shlex.split(example)
    stated = [words[place + 1].partition("=") for place, word in enumerate(words) if word == "--set"]

    space = find_subject(words[2], fixed="--fixed" in words).space
    narrowed = space.narrowed({name: values.split(",") for name, _, values in stated})

    assert all(len(narrowed.choices[name]) == len(values.split(",")) for name, _, values in stated)


def test_the_best_of_each_objective_is_told_whichever_trial_has_it() -> None:
    assert best([trial("a", 0.9, 400.0), FAILED, trial("b", 0.8, 50.0)], OBJECTIVES) == "kendall_tau 0.9, luts 50"
    assert best([FAILED], OBJECTIVES) == ""


def test_without_a_terminal_there_is_a_line_a_trial(capsys: pytest.CaptureFixture[str]) -> None:
    done = trial("a", 0.9, 400.0)
    with scan_progress(OBJECTIVES) as shown:
        shown(Step("trials", [], 2))
        shown(Step("trials", [done], 2, done))
        shown(Step("trials", [done, FAILED], 2, FAILED))

    assert capsys.readouterr().err.splitlines() == [
        "trials 1/2: a charge=1.0: kendall_tau 0.9  luts 400 (0 s)",
        "trials 2/2: f charge=9.0: nothing is left (0 s)",
    ]


def test_in_a_terminal_a_bar_has_the_best_and_failures_stay(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")
    done = trial("a", 0.9, 400.0)
    with scan_progress(OBJECTIVES) as shown:
        shown(Step("trials", [], 2))
        shown(Step("trials", [FAILED], 2, FAILED))
        shown(Step("trials", [FAILED, done], 2, done))

    printed = capsys.readouterr().err
    assert "nothing is left" in printed
    assert "2/2" in printed
    assert "best kendall_tau 0.9, luts 400" in printed
