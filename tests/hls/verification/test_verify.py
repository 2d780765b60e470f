"""Comparing witnesses: agreement, the first difference and where it began, and witnesses that cannot speak."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

from hls.emulation import Emulator
from hls.errors import ToolError
from hls.events import EventSample, gather
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.hls4ml_project import HlsProject
from hls.importing import import_keras
from hls.rtl.netlist import NetlistResources
from hls.verification import verify as verification
from hls.verification.verify import Verdict, verify
from hls.witnesses import Limits, Skipped, Task, Witness, WitnessRun, limits_of, witness
from hls.witnesses.base import OFF_GRID
from hls.witnesses.framework import to_raw

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


def test_what_a_witness_measured_before_it_could_not_go_on_is_kept(ask: Callable[..., Verdict]) -> None:
    counted = NetlistResources("xcup", {"LUT2": 3}, lut_low=2, lut_high=3, ff=0, carry=0, dsp=0, bram=1)
    verdict = ask(Silent(Skipped("black boxes have no gates", (counted,))), required=False)
    assert verdict.results[1].run is None
    assert verdict.results[1].measured == (counted,)


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


def test_what_takes_long_is_announced_and_left_out_unasked(
    ask: Callable[..., Verdict], graph: FixedGraph, sample: EventSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected: list[int] = []

    def seconds(task: Task, events: int) -> float:
        expected.append(events)
        return 100.0 * events

    limits = Limits(max_events=50, seconds=seconds)
    monkeypatch.setattr(verification, "limits_of", lambda name: limits if name == "csim" else limits_of(name))
    stages: list[str] = []
    left_out = ask(Altered(graph, lambda outputs: None), required=False)
    assert left_out.failures == []
    assert left_out.results[1].reason == "left out by default, it takes about 83 min; ask for it with --witness csim"
    ran = ask(Altered(graph, lambda outputs: None), progress=lambda stage, done, total: stages.append(stage))
    assert ran.results[1].run is not None
    assert list(dict.fromkeys(stages)) == ["emulator", "csim (about 83 min)"]
    assert set(expected) == {50}


class Float32Witness:
    """Computes ``4095 (a + b)`` as QKeras does: each product rounded to float32, and their sum."""

    def __init__(self, graph: FixedGraph, wrong: int = 0) -> None:
        self._fraction = graph.edges[graph.outputs[0]].fraction
        self._weights = np.array([4095, 4095 + wrong], np.float32)

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: object = None) -> WitnessRun:
        terms = raw_inputs[0].astype(np.float32) * self._weights
        values = (terms[:, :1] + terms[:, 1:]).astype(np.float32)
        return WitnessRun([to_raw(values, self._fraction, (1,))], 0.5, "numpy", values=(values,))

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        return {}


@pytest.fixture
def beyond_float32() -> FixedGraph:
    """A sum that passes 2**24 in its own LSBs for inputs of 17 bits."""
    builder = GraphBuilder("beyond")
    type_ = FixedType(True, 17, 17)
    builder.add(nodes.Input("x", (), "x", (2,), type_, type_.raw_min, type_.raw_max))
    kernel, zero = FixedArray(np.full((2, 1), 4095), 0), FixedArray(np.zeros(1, np.int64), 0)
    builder.add(nodes.Dense("y", ("x",), "far", kernel, zero))
    return builder.finish(["x"], ["y"], ["y"])


def judged(graph: FixedGraph, qkeras: object, raw: npt.NDArray[np.int64], monkeypatch: pytest.MonkeyPatch) -> Verdict:
    """Verdict over ``raw`` with ``qkeras`` in its place, and C simulation that computes what the emulator does."""
    stand_in = {"qkeras": qkeras, "csim": Altered(graph, lambda outputs: None)}

    def chosen(name: str, task: Task) -> Witness:
        return cast(Witness, stand_in[name]) if name in stand_in else witness(name, task)

    monkeypatch.setattr(verification, "witness", chosen)
    task = Task(graph, Path("unused"), cast(HlsProject, None))
    return verify(task, EventSample([raw], 0, "by hand"), ("qkeras", "csim"), required=True, max_events={})


NEAR, FAR = [100, -200], [65_001, 65_002]
"""Two events: 409,500 less 819,000 is exact in float32, 532,362,285 lies between two of its numbers."""


def test_what_float32_rounds_is_accepted_and_told(beyond_float32: FixedGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = np.array([NEAR, FAR])
    verdict = judged(beyond_float32, Float32Witness(beyond_float32), raw, monkeypatch)
    assert beyond_float32.float32_inexact() == ("far",)
    assert (verdict.failures, verdict.agreement) == ([], "within float32")
    qkeras = verdict.results[1]
    assert qkeras.explained is not None
    assert (qkeras.mismatches, qkeras.explained.events.tolist()) == (0, [False, True])
    assert qkeras.explained.deviation == 13  # 532,362,272 is the nearest float32
    assert qkeras.explained.allowed == 63  # two roundings, of half a step of 64 at most


def test_where_float32_rounds_nothing_all_is_bit_exact(
    beyond_float32: FixedGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = judged(beyond_float32, Float32Witness(beyond_float32), np.array([NEAR]), monkeypatch)
    assert (verdict.failures, verdict.agreement) == ([], "bit-exact")


@pytest.mark.parametrize("event", [NEAR, FAR])
def test_an_inexact_layer_excuses_no_wrong_weight(
    event: list[int], beyond_float32: FixedGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = judged(beyond_float32, Float32Witness(beyond_float32, wrong=1), np.array([event]), monkeypatch)
    assert verdict.agreement == "differs"
    assert {d.witnesses for d in verdict.disagreements} == {("emulator", "qkeras"), ("qkeras", "csim")}
    assert verdict.results[1].mismatches == 1


def test_a_graph_that_float32_holds_excuses_nothing(
    ask: Callable[..., Verdict], graph: FixedGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A QKeras beside the exact value by less than one LSB differs like any other."""
    monkeypatch.undo()
    raw = [np.zeros((1, *graph.edges[name].shape), np.int64) for name in graph.inputs]
    exact = Emulator(graph).run(raw)
    fraction = graph.edges[graph.outputs[0]].fraction
    values = tuple(np.ldexp(e.astype(np.float64) + 0.25, -fraction).astype(np.float32) for e in exact)

    class Beside(Silent):
        def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: object = None) -> WitnessRun:
            off = [to_raw(v, fraction, e.shape[1:]) for v, e in zip(values, exact, strict=True)]
            return WitnessRun(off, 0.5, "beside", values=values)

        def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
            return {}

    assert graph.float32_inexact() == ()
    verdict = judged(graph, Beside(ToolError("unused")), raw[0], monkeypatch)
    assert verdict.agreement == "differs"
    assert "off the grid" in verdict.failures[0]


class Flipping(Altered):
    """Wrong in every event whose first input is negative; it stops at the event of a given number."""

    def __init__(self, graph: FixedGraph, stops_at: int | None = None) -> None:
        super().__init__(graph, lambda outputs: None)
        self._left = stops_at

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: object = None) -> WitnessRun:
        if self._left is not None:
            self._left -= len(raw_inputs[0])
            if self._left < 0:
                raise ToolError("out of memory")
        outputs = self._emulator.run(raw_inputs)
        outputs[0][raw_inputs[0][:, 0] < 0, 1] ^= 1
        return WitnessRun(outputs, 0.5, "flipping")


def in_portions(graph: FixedGraph, events: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = sum(graph.edges[name].low.size for name in (*graph.inputs, *graph.outputs))
    monkeypatch.setattr(verification, "_PORTION_BYTES", 8 * values * events)


@pytest.mark.parametrize("limit", [{}, {"csim": 50}])
def test_portions_of_the_events_tell_what_all_of_them_tell(
    ask: Callable[..., Verdict],
    graph: FixedGraph,
    sample: EventSample,
    monkeypatch: pytest.MonkeyPatch,
    limit: dict[str, int],
) -> None:
    whole = ask(Flipping(graph), max_events=limit)
    in_portions(graph, 7, monkeypatch)
    told: list[tuple[str, int, int]] = []
    parts = ask(Flipping(graph), max_events=limit, progress=lambda *step: told.append(step))
    assert parts.disagreements == whole.disagreements
    assert [r.mismatches for r in parts.results] == [r.mismatches for r in whole.results]
    assert whole.results[1].mismatches > 7
    events = limit.get("csim", len(sample))
    run = parts.results[1].run
    assert run is not None
    assert (run.events, run.seconds) == (events, 0.5 * -(-events // 7))
    assert [done for stage, done, of in told if stage == "csim" and of == events][-1] == events


def test_a_witness_that_breaks_in_a_later_portion_has_broken(
    ask: Callable[..., Verdict], graph: FixedGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_portions(graph, 7, monkeypatch)
    verdict = ask(Flipping(graph, stops_at=30), required=False)
    assert verdict.results[1].run is None
    assert verdict.failures[-1] == "witness csim did not run: out of memory"
