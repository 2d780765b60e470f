"""A softmax by tables: the arithmetic that its page states, worked out with Python's rationals."""

from __future__ import annotations

import json
from decimal import Decimal, getcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.errors import UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.importing import import_keras
from hls.project.build import build
from hls.project.new_project import create_project
from hls.verification.softmax_error import softmax_error
from hls.witnesses.framework_worker import softmax_by_tables
from tests.hls.importing.files import activation, layer, port, tensor, write

TYPES = {4: "quantized_bits(6,1,alpha=1)", 10: "quantized_bits(16,5,alpha=1)", -2: "quantized_bits(4,5,alpha=1)"}


def network(path: Path, shape: tuple[int, ...], fraction: int) -> FixedGraph:
    layers = [port("x", *shape), activation("q", TYPES[fraction], "x"), layer("Softmax", "o", tensor("q"), axis=-1)]
    return import_keras(write(path / "m.keras", layers, "o"), softmax="table")


def scores(graph: FixedGraph, events: int) -> Any:
    edge = graph.edges[graph.inputs[0]]
    spread = np.random.default_rng(3).integers(edge.raw_min, edge.raw_max, (events, *edge.shape), endpoint=True)
    spread[::2] //= 64 if edge.type.width > 10 else 1  # near each other too
    return spread


def by_the_page(raw: list[int], fraction: int) -> list[int]:
    """Step by step, in exact numbers, in units of 2**-16."""
    getcontext().prec = 50
    steps, count, top = min(fraction, 7), len(raw), max(raw)
    step, lsb = Fraction(2) ** -steps, Fraction(2) ** -fraction
    powers = []
    for x in raw:
        y = max((x - top) * lsb // step * step, Fraction(-12))
        middle = y + (step - lsb) / 2 if y < 0 else y
        real = (Decimal(middle.numerator) / Decimal(middle.denominator)).exp()
        powers.append(round(Fraction(real) * 65536))
    bits = min(16, (4096 // (count - 1)).bit_length() - 1)
    total = round(Fraction(sum(powers), 65536) * 2**bits)
    inverse = round(Fraction(2**bits * 65536, total))
    return [min(round(Fraction(power * inverse, 65536)), 65535) for power in powers]


@pytest.mark.parametrize(("classes", "fraction"), [(2, 4), (3, 10), (7, -2), (30, 10)])
def test_every_bit_is_that_of_the_page(classes: int, fraction: int, tmp_path: Path) -> None:
    graph = network(tmp_path, (classes,), fraction)
    raw = scores(graph, 60)
    found = Emulator(graph).run([raw])[0]
    assert str(graph.edges[graph.outputs[0]].type) == "ap_ufixed<16,0>"
    assert found.tolist() == [by_the_page(event, fraction) for event in raw.tolist()]


@pytest.mark.parametrize("fraction", TYPES)
def test_the_witness_works_it_out_by_itself(fraction: int, tmp_path: Path) -> None:
    graph = network(tmp_path, (3, 5), fraction)
    raw = scores(graph, 200)
    values = np.ldexp(raw.astype(np.float32), -fraction)
    assert np.array_equal(Emulator(graph).run([raw])[0], softmax_by_tables(values, fraction) * 65536)


def test_its_error_and_its_flips_are_measured(tmp_path: Path) -> None:
    graph = network(tmp_path, (5,), 10)
    raw = scores(graph, 20_001)
    found = softmax_error(graph, [raw])
    assert found is not None
    assert found.flips == 0
    shares = Emulator(graph).run([raw])[0] / 65536
    powers = np.exp(np.ldexp(raw.astype(float), -10))
    assert found.largest == pytest.approx(np.abs(shares - powers / powers.sum(axis=1, keepdims=True)).max())
    assert 0.0001 < found.largest < 0.002


def test_a_flip_is_counted() -> None:
    """An output that calls the smallest the largest: wrong in every event but those whose scores are equal."""
    builder, type_ = GraphBuilder("n"), FixedType(True, 3, 3)
    builder.add(nodes.Input("x", (), "x", (2,), type_, -4, 3))
    minus, zero = FixedArray.from_float([-1.0]), FixedArray.from_float([0.0])
    builder.softmaxes[builder.add(nodes.Scale("y", ("x",), "y", minus, zero))] = "x"
    found = softmax_error(builder.finish(["x"], ["y"], ["y"]), [np.array([[0, 0], [1, 0], [-3, 2], [2, 2]])])
    assert found is not None
    assert found.flips == 2


def test_a_build_reports_both(tmp_path: Path) -> None:
    network(tmp_path, (3,), 4)
    options: dict[str, Any] = {"backend": "vitis", "clock_ns": 5, "input_type": None, "parent": tmp_path}
    folder = create_project("mine", tmp_path / "m.keras", "xcvu13p-flga2577-2-e", **options, softmax="table")
    with (folder / "project.toml").open("a") as file:
        file.write("softmax_error_max = 0.001\nsoftmax_flips_max = 0\n")
    report = build(folder, witnesses=["emulator"], events=200)
    assert not report.failed
    stored = json.loads((folder / "build" / "report.json").read_text())
    assert stored["fidelity"]["softmax_flips"] == {"reference": 0.0, "firmware": 0.0, "unit": "events"}
    assert 0 < stored["fidelity"]["softmax_error"]["firmware"] < 0.001


@pytest.mark.parametrize("classes", [1, 129])
def test_so_many_classes_are_refused_with_a_cure_that_works(classes: int, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=rf'takes 2 to 128 scores, and here are {classes}; softmax = "drop"'):
        network(tmp_path, (classes,), 4)
    assert import_keras(tmp_path / "m.keras", softmax="drop").outputs
