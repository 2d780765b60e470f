"""Comparing witnesses: agreement, the first difference and where it began, and witnesses that cannot speak."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

from hls.emulation import Emulator
from hls.errors import ToolError
from hls.graph import FixedGraph
from hls.hls4ml_project import HlsProject
from hls.importing import import_keras
from hls.verification import verify as verification
from hls.verification.sample import EventSample, gather
from hls.verification.verify import Verdict, verify
from hls.verification.witnesses import Skipped, Task, Witness, WitnessRun, witness
from hls.verification.witnesses.base import OFF_GRID
from hls.verification.witnesses.qkeras import to_raw

Change = Callable[[list[npt.NDArray[Any]]], None]


class Altered:
    """The emulator, with its outputs changed; it traces as if the change had happened in layer ``out``."""

    def __init__(self, graph: FixedGraph, change: Change) -> None:
        self._emulator = Emulator(graph)
        self._change = change

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: object = None) -> WitnessRun:
        outputs = self._emulator.run(raw_inputs)
        self._change(outputs)
        return WitnessRun(outputs, 0.5, "altered")

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        traced = self._emulator.trace(raw_inputs)
        return {name: values + (name.startswith("out")) for name, values in traced.items()}


class Silent:
    """Cannot run."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: object = None) -> WitnessRun:
        raise self._error


@pytest.fixture
def graph(model_file: Path) -> FixedGraph:
    return import_keras(model_file)


@pytest.fixture
def sample(graph: FixedGraph) -> EventSample:
    return gather(graph, None, events=200, seed=1, inputs=None, default=200)


@pytest.fixture
def ask(graph: FixedGraph, sample: EventSample, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Verdict]:
    """Verifies with ``other`` in the place of csim."""

    def run(other: object, names: Sequence[str] = ("csim",), **options: Any) -> Verdict:
        def chosen(name: str, task: Task) -> Witness:
            return cast(Witness, other) if name == "csim" else witness(name, task)

        monkeypatch.setattr(verification, "witness", chosen)
        task = Task(options.pop("graph", graph), Path("unused"), cast(HlsProject, None))
        return verify(task, sample, names, **{"required": True, "max_events": {}, **options})

    return run


def test_agreement(ask: Callable[..., Verdict], graph: FixedGraph, sample: EventSample) -> None:
    verdict = ask(Altered(graph, lambda outputs: None))
    assert verdict.failures == []
    assert [t.name for t in verdict.results] == ["emulator", "csim"]
    assert [t.mismatches for t in verdict.results] == [0, 0]
    assert all(t.run is not None and t.run.events == len(sample) for t in verdict.results)


def test_one_wrong_bit_is_found_and_placed(ask: Callable[..., Verdict], graph: FixedGraph, sample: EventSample) -> None:
    def change(outputs: list[npt.NDArray[Any]]) -> None:
        outputs[0][57, 1] ^= 1
        outputs[0][90, 0] ^= 1

    verdict = ask(Altered(graph, change))
    (found,) = verdict.disagreements
    right = int(Emulator(graph).run([raw[57:58] for raw in sample.raw])[0][0, 1])
    assert (found.witnesses, found.events, found.event, found.element) == (("emulator", "csim"), 2, 57, (1,))
    assert found.values == (right, right ^ 1)
    assert found.layer == "out"
    assert found.input == [sample.raw[0][57].tolist()]
    assert verdict.results[1].mismatches == 2
    assert "event 57" in verdict.failures[0]


def test_an_output_off_the_grid_is_a_mismatch(ask: Callable[..., Verdict], graph: FixedGraph) -> None:
    def change(outputs: list[npt.NDArray[Any]]) -> None:
        outputs[0][3, 0] = OFF_GRID

    verdict = ask(Altered(graph, change))
    assert verdict.disagreements[0].values[1] is None
    assert "off the grid" in verdict.failures[0]


def test_values_become_integers_only_on_the_grid() -> None:
    values = np.array([[0.5], [0.25], [0.125], [np.nan], [np.inf], [-1.5]], np.float32)
    assert to_raw(values, 2, (1,)).ravel().tolist() == [2, 1, OFF_GRID, OFF_GRID, OFF_GRID, -6]


@pytest.mark.parametrize(("required", "failures"), [(True, 1), (False, 0)])
def test_a_witness_that_cannot_run_fails_only_if_named(
    ask: Callable[..., Verdict], required: bool, failures: int
) -> None:
    verdict = ask(Silent(Skipped("no compiler")), required=required)
    assert len(verdict.failures) == failures
    assert verdict.results[1].run is None
    assert verdict.results[1].reason == "no compiler"


def test_a_witness_that_breaks_is_never_passed_over(ask: Callable[..., Verdict]) -> None:
    verdict = ask(Silent(ToolError("g++ stopped:\nline 2")), required=False)
    assert verdict.failures == ["witness csim did not run: g++ stopped: line 2"]


def test_a_cap_keeps_the_corners(ask: Callable[..., Verdict], graph: FixedGraph, sample: EventSample) -> None:
    seen: list[int] = []

    def change(outputs: list[npt.NDArray[Any]]) -> None:
        seen.append(len(outputs[0]))
        outputs[0][0, 0] ^= 1  # the first event is a corner

    verdict = ask(Altered(graph, change), max_events={"csim": 20})
    assert seen == [20]
    assert verdict.disagreements[0].event == 0
    assert verdict.results[1].mismatches == 1


def test_where_float32_is_inexact_qkeras_is_counted_not_failed(
    ask: Callable[..., Verdict], graph: FixedGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(outputs: list[npt.NDArray[Any]]) -> None:
        outputs[0][5, 0] ^= 1

    edges = {name: replace(edge, partial_bound=1 << 24) for name, edge in graph.edges.items()}
    inexact = replace(graph, edges=edges)
    assert inexact.float32_inexact()
    altered = Altered(graph, change)
    monkeypatch.setattr(
        verification, "witness", lambda name, task: altered if name == "qkeras" else witness(name, task)
    )
    sample = gather(graph, None, events=10, seed=1, inputs=None, default=10)
    task = Task(inexact, Path("unused"), cast(HlsProject, None))
    verdict = verify(task, sample, ("qkeras",), required=True, max_events={})
    assert verdict.failures == []
    assert (verdict.results[1].mismatches, verdict.results[1].float32_differs) == (0, 1)
