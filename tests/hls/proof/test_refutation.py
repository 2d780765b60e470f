"""An event that shows a difference: alone where it does so alone, else with the fewest before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.raw import RawArray
from hls.proof import Subject
from hls.proof.refutation import Mismatch, find_counterexample
from hls.proof.subject import Deadline
from hls.proof.words import Space
from hls.rtl import Design
from hls.target import Target


def doubled() -> FixedGraph:
    b = GraphBuilder("doubled")
    type_ = FixedType(True, 6, 6)
    b.add(nodes.Input("x", (), "x", (1,), type_, type_.raw_min, type_.raw_max))
    b.add(nodes.Dense("y", ("x",), "y", FixedArray(np.array([[2]]), 0), FixedArray(np.array([1]), 0)))
    return b.finish(["x"], ["y"], ["y"])


@dataclass
class Forgetful:
    """In place of a simulation: results are right, but with gaps the second event after one that is negative is 0."""

    design: Design
    cache: Path

    def compile(self) -> None: ...

    def disturbed(self, raw_inputs: Sequence[RawArray]) -> Iterator[tuple[str, list[RawArray]]]:
        [right] = Emulator(doubled()).run(list(raw_inputs))
        yield "", [right]
        wrong = np.array(right)
        wrong[2:][raw_inputs[0][:-2] < 0] = 0
        yield "gaps", [wrong]


def test_an_event_that_is_wrong_among_others_comes_with_the_fewest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hls.proof.refutation.missing_tools", lambda: None)
    monkeypatch.setattr("hls.proof.refutation.Simulation", Forgetful)
    design = Design((), "net_top", (), (), 5.0)
    subject = Subject("net", doubled(), Target("xcvu13p-flga2577-2-e", "vitis", 5.0), tmp_path, design)
    found = find_counterexample(subject, Mismatch(Space()), Deadline(60.0))
    assert found is not None
    assert (found.came, found.got, found.expected) == ("gaps", 0, 2 * found.inputs["x"][0] + 1)
    # The first event is the lowest corner, and the third shows it.
    assert [event["x"][0] for event in found.before] == [-32, 31]
    assert found.company == " after 2 other events with gaps"
