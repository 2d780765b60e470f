"""What benchmarks.hgq2 reckons with: HGQ2 itself is in an environment of its own."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from benchmarks.hgq2 import compare, questions
from benchmarks.hgq2.anomalies import OnPorts, mean_auc, split, squares_luts
from benchmarks.hgq2.frontiers import Point, frontier, luts_at, table
from benchmarks.hgq2.particles import alone
from qmodels.anomaly.samples.files import write_events
from qmodels.anomaly.samples.processes import SIGNALS
from qmodels.anomaly.variants import PLAIN
from qmodels.compression.presets import charged_for, find_preset
from qmodels.generation.headers import SampleHeader
from qmodels.types import Floats32


def point(luts: float, fidelity: float) -> Point:
    return Point("HGQ2_1e-06_0.01", fidelity, luts, 40.0, None)


def test_the_frontier_has_what_nothing_smaller_matches() -> None:
    best, beaten, small = point(1000.0, 0.9), point(2000.0, 0.8), point(100.0, 0.7)
    assert frontier([beaten, best, small], 1) == [small, best]
    assert frontier([beaten, best, small], -1) == [small]  # where less is better


def test_equal_fidelity_is_between_the_points_in_the_logarithm_of_luts() -> None:
    points = [point(100.0, 0.7), point(10_000.0, 0.9)]
    assert luts_at(0.8, points, 1) == pytest.approx(1000.0)
    assert luts_at(0.7, points, 1) == pytest.approx(100.0)
    assert luts_at(0.9, points, 1) == pytest.approx(10_000.0)
    assert luts_at(0.69, points, 1) is None
    assert luts_at(0.91, points, 1) is None
    assert luts_at(0.7, points[:1], 1) is None


def test_a_ratio_stands_where_both_frontiers_reach() -> None:
    ours = [Point("qtrigger_1e-06_0.02", 0.8, 500.0, 40.0, None), Point("qtrigger_1e-05_0.02", 0.95, 900.0, 40.0, None)]
    theirs = [point(100.0, 0.7), point(10_000.0, 0.9)]
    lines = table(questions.QUESTIONS["pair"], {questions.OURS: ours, questions.PEER: theirs}).splitlines()
    told = {line.split()[1]: line.split()[-1] for line in lines[1:-1]}
    assert told["qtrigger_1e-06_0.02"] == "0.50"
    assert told["qtrigger_1e-05_0.02"] == "ns"  # HGQ2 has nothing as good


def test_every_subject_has_points_of_both_sides() -> None:
    for subject, question in questions.QUESTIONS.items():
        assert all(question.points[side] for side in (questions.OURS, questions.PEER)), subject
        folders = [f"{charge:g}_{rate:g}" for some in question.points.values() for charge, rate in some]
        assert all(0.0 < float(text) < 1.0 for folder in folders for text in folder.split("_")), subject


def test_points_of_another_budget_are_not_taken_for_this_one(tmp_path: Path) -> None:
    data = tmp_path / "jets.h5"
    data.write_bytes(b"jets")

    def ask(epochs: int, data: Path | None) -> None:
        given = {"out": tmp_path, "subject": "mlp16", "epochs": epochs, "events": 400_000, "data": data}
        compare.require_one_budget(argparse.Namespace(**given, collisions=None))

    ask(50, data)
    ask(50, None)  # the table alone needs no jets
    ask(50, data)
    with pytest.raises(SystemExit, match="has points of other epochs: name another folder with --out"):
        ask(20, data)
    data.write_bytes(b"more jets")
    with pytest.raises(SystemExit, match="has points of other data"):
        ask(50, data)


def test_an_encoder_is_charged_as_its_project_was() -> None:
    for subject, question in questions.ENCODERS.items():
        preset = charged_for(find_preset("lean"), subject)
        assert preset.charge is not None
        assert question.points[questions.OURS][0][0] == preset.charge.last, subject


def events(pt: np.ndarray) -> Floats32:
    """One muon each."""
    found = np.zeros((len(pt), 19, 3), np.float32)
    found[:, 5] = np.stack([pt, np.full(len(pt), 0.7), np.full(len(pt), -1.3)], axis=1)
    return found


def write(path: Path, pt: np.ndarray) -> None:
    write_events(path, [(events(pt), None)], lambda: SampleHeader(path.stem, 1, "a test", len(pt), {}))


def test_ports_hold_what_the_firmware_reads() -> None:
    from qmodels.anomaly.quantized import INPUTS_FORMAT  # brings TensorFlow

    many = np.random.default_rng(1).normal(0.0, 40.0, (300, 19, 3)).astype(np.float32)
    plain = PLAIN.inputs(many)
    assert np.array_equal(OnPorts().inputs(many), np.asarray(INPUTS_FORMAT.quantizer()(plain)))
    assert np.abs(plain).max() > 16  # so that some saturate


def test_auc_is_of_the_collisions_that_trained_nothing(tmp_path: Path) -> None:
    # The four fifths before are as hard as signals: an AUC that saw them would be less.
    background = np.concatenate([np.full(40, 500.0), np.full(10, 30.0)])
    assert len(split(events(background))[0]) == 40
    assert (split(events(background))[1][:, 5, 0] == 30.0).all()
    write(tmp_path / "background.h5", background)
    with pytest.raises(SystemExit, match="no events of a-to-4l"):
        mean_auc(tmp_path / "background.h5", lambda inputs: inputs[:, 15:16])
    for signal, pt in zip(SIGNALS, (100.0, 100.0, 100.0, 20.0), strict=True):
        write(tmp_path / f"{signal.name}.h5", np.full(8, pt))
    assert mean_auc(tmp_path / "background.h5", lambda inputs: inputs[:, 15:16]) == 0.75


def test_luts_of_squares_are_those_of_products_and_what_adds_them() -> None:
    from alkaid.trace import FVArrayInput, HWConfig, trace

    inputs = FVArrayInput((3,), HWConfig(1, 1, -1)).quantize(1, 3, 0)
    before = inputs[0] + inputs[1]
    alone, squared = (
        trace(inputs, np.array([before])),
        trace(inputs, np.array([before * before + inputs[2] * inputs[2]])),
    )
    assert squares_luts(alone.ops) == 0.0
    assert 0.0 < squares_luts(squared.ops) == pytest.approx(squared.cost - alone.cost)


def test_luts_of_a_particle_are_those_of_what_no_other_is_part_of() -> None:
    from alkaid.trace import FVArrayInput, HWConfig, trace

    def of(*particles: int) -> tuple[list[float], float]:
        inputs = FVArrayInput((9,), HWConfig(1, 1, -1)).quantize(1, 3, 0)  # two particles, and what is of neither
        embedded = [inputs[4 * particle] + inputs[4 * particle + 3] for particle in particles]
        comb = trace(inputs, np.array([sum(embedded[1:], embedded[0]) + inputs[8]]))
        return alone(comb.ops, 2).tolist(), comb.cost

    (first, none), one = of(0)
    assert none == 0.0 < first < one
    assert of(1)[0] == [0.0, first]
    (_, second), both = of(0, 1)
    assert second > 0.0
    assert first + second < both
