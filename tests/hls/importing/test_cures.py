"""Every refusal of a network names a cure, and every cure is tried: what is refused comes in once it is applied."""

from __future__ import annotations

import ast
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from unittest.mock import patch

import numpy as np
import pytest

import hls.importing
from hls.emulation import Emulator
from hls.errors import UnsupportedError
from hls.importing import activations, quantizers, refusals
from hls.importing.onnx import exact
from tests.hls.importing.cures import Case
from tests.hls.importing.cures_of_files import CASES as OF_FILES
from tests.hls.importing.cures_of_keras import CASES as OF_KERAS
from tests.hls.importing.cures_of_onnx import CASES as OF_ONNX
from tests.hls.importing.cures_of_operators import CASES as OF_OPERATORS
from tests.hls.importing.cures_of_quantizers import CASES as OF_QUANTIZERS
from tests.hls.importing.cures_of_recurrent import CASES as OF_RECURRENT

CASES: list[Case] = [*OF_KERAS, *OF_OPERATORS, *OF_QUANTIZERS, *OF_RECURRENT, *OF_FILES, *OF_ONNX]


@dataclass(frozen=True)
class Refusal:
    """What was told, in all and for each thing that is in the way, and the lines that were at work then."""

    text: str
    parts: tuple[str, ...]
    places: frozenset[tuple[str, int]]


@cache
def refusal(case: Case) -> Refusal:
    """Of the case, which is refused."""
    parts: list[str] = []
    places: set[tuple[str, int]] = set()

    def noted(error: UnsupportedError, text: str) -> None:
        Exception.__init__(error, text)
        parts.append(text)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            places.add((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back

    with (
        patch.object(UnsupportedError, "__init__", noted),
        tempfile.TemporaryDirectory() as folder,
        pytest.raises(UnsupportedError) as raised,
    ):
        case.refused(Path(folder))
    return Refusal(str(raised.value), tuple(parts), frozenset(places))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_cure_works(case: Case, tmp_path: Path) -> None:
    told = refusal(case).text
    assert "\n" not in told
    assert all(part in told for part in case.told), told
    graph = case.cured(tmp_path)
    ports = [graph.port(name) for name in graph.inputs]
    random = np.random.default_rng(1)
    raw = [random.integers(port.raw_min, port.raw_max, (64, *port.shape), endpoint=True) for port in ports]
    (out, *_) = Emulator(graph).run(raw)
    if case.same is not None:
        right = case.same(np.ldexp(raw[0].astype(float), -ports[0].type.fraction))
        found = np.ldexp(np.asarray(out, float), -graph.edges[graph.outputs[0]].fraction)
        assert np.array_equal(found.reshape(np.shape(right)), right)


@dataclass(frozen=True)
class Site:
    """A place that refuses."""

    file: Path
    first: int
    last: int
    text: str

    def __contains__(self, place: tuple[str, int]) -> bool:
        return place[0] == str(self.file) and self.first <= place[1] <= self.last


HELPERS = ("unsupported", "_refuse")
AGAIN = re.compile(r"\b(train and )?(save|export) (it|the model|the whole model) again'\)$")
"""Said of files that nobody means to write: their cure is the file as it should have been."""
WITHOUT = {
    "more values than fit on any chip": "it says itself that nothing helps",
    "a tensor without a batch axis": "no operator that is read takes the batch away",
}
"""Refusals whose cure is not tried, and why."""


def sites() -> Iterator[Site]:
    """Every place in the room that makes an UnsupportedError, by itself or by a helper of one of those names."""
    for file in sorted(Path(hls.importing.__file__).parent.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        helpers = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in HELPERS]
        inside = {id(child) for helper in helpers for child in ast.walk(helper)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or id(node) in inside:
                continue
            if ast.unparse(node.func).rpartition(".")[2] in ("UnsupportedError", *HELPERS):
                yield Site(file, node.lineno, node.end_lineno or node.lineno, ast.unparse(node))


def test_no_refusal_is_without_a_cure_that_was_tried() -> None:
    """Of every place that refuses, and of every cure that stands in a table, a case above is refused there."""
    found = [refusal(case) for case in CASES]
    reached = frozenset[tuple[str, int]]().union(*(one.places for one in found))
    untried = [site for site in sites() if not any(place in site for place in reached)]
    kept = [site for site in untried if not AGAIN.search(site.text) and not any(part in site.text for part in WITHOUT)]
    assert [f"{site.file}:{site.first}: {site.text}" for site in kept] == []
    assert all(any(part in site.text for site in untried) for part in WITHOUT)
    tables = (refusals._CURES, activations._OUTSIDE, activations._KERAS_OWN, quantizers._CURES, exact._CURES)
    cures = {cure for table in tables for cure in table.values()}
    assert [cure for cure in cures if not any(cure in text for one in found for text in one.parts)] == []
