"""Fidelity on the user's own events: a float network beside the firmware, and labels that judge both."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hls
from hls.emulation import quantize_inputs
from hls.errors import EventError, FirmwareError
from hls.events import Labels
from hls.project.exporting import vector_events
from hls.project.fidelity.agreement import Outputs, agreement, judged
from hls.project.fidelity.float_network import float_outputs
from hls.project.fidelity.statistics import efficiencies
from hls.project.project_file import read_project
from hls.project.report.schema import Curve, Metric
from hls.project.systems.finding import find_system
from tests.models import write_reference

ROWS = np.random.default_rng(3).normal(size=(400, 4)).astype(np.float32)


def outputs(*rows: list[float], **of: Any) -> Outputs:
    return Outputs((np.array(rows),), **of)


def told(*classes: int, asked: bool = True) -> Labels:
    return Labels(np.array(classes), "events.npz: labels 'y'", asked)


def firmware_value(found: Metric | Curve) -> float:
    assert isinstance(found, Metric)
    return found.firmware


class TestByHand:
    def test_agreement(self) -> None:
        """Differences 1, 0, 0, -1 and float outputs 0, 2, 4, 2, whose spread is the root of two; one class changes."""
        found = agreement(outputs([0, 2], [4, 2]), outputs([1, 2], [2, 3]))
        assert firmware_value(found["error"]) == pytest.approx(np.sqrt((1 + 0 + 4 + 1) / 4) / np.sqrt(2))
        assert found["flips"].firmware == 0.5

    def test_a_class_of_its_own_has_no_error(self) -> None:
        found = agreement(outputs([0, 2], [4, 2]), outputs([1], [1], is_class=True))
        assert {name: metric.firmware for name, metric in found.items()} == {"flips": 0.5}

    def test_one_score_is_a_logit_or_a_probability(self) -> None:
        scores, labels = ([0.4], [-1.0], [0.6], [2.0]), told(0, 0, 1, 1)
        assert firmware_value(judged(None, outputs(*scores), labels)["accuracy"]) == 0.75
        assert firmware_value(judged(None, outputs(*scores, probability=True), labels)["accuracy"]) == 1.0
        assert firmware_value(judged(None, outputs(*scores), labels)["roc_auc"]) == 1.0

    def test_several_scores(self) -> None:
        """The class with the largest wins, and each is told from the others by its probability."""
        scores = ([3.0, 0, 0], [0, 3.0, 0], [0, 3.0, -3.0], [0, 0, 3.0])
        found = judged(outputs(*scores), outputs(*scores), told(0, 1, 2, 2))
        assert found["accuracy"] == Metric(reference=0.75, firmware=0.75, unit="1")
        # The third event is likeliest of class 1 and least likely of class 2: 2 of 3 and 2 of 4 pairs are right.
        assert firmware_value(found["roc_auc"]) == pytest.approx((1 + 2 / 3 + 2 / 4) / 3)

    def test_roc_between_its_points(self) -> None:
        """1,000 background events at scores 0 to 999, signal at 899.5 and 989.5: a tenth passes at 899.5, which keeps
        all, and a hundredth at 989.5, which keeps half."""
        scores = np.concatenate([np.arange(1000.0), [899.5, 989.5]])[:, None]
        found = judged(None, Outputs((scores,)), told(*[0] * 1000, 1, 1))["signal_efficiency"]
        assert isinstance(found, Curve)
        assert [(point.at, point.firmware) for point in found.points] == [(0.01, 0.5), (0.1, 1.0)]

    def test_ties_are_one_point(self) -> None:
        background, kept = efficiencies(np.zeros(4), np.array([True, False, True, False]))
        assert (background.tolist(), kept.tolist()) == ([0, 1], [0, 1])

    def test_classes_that_there_are_not(self) -> None:
        for labels, message in (
            (told(0, 2), r"label 2; the network tells 2 classes, 0 to 1"),
            (told(0, -1), "label -1"),
        ):
            with pytest.raises(EventError, match=message):
                judged(None, outputs([1, 0], [0, 1]), labels)
        with pytest.raises(EventError, match="no single row of scores"):
            judged(None, Outputs((np.zeros((2, 3, 3)),)), told(0, 1))


def dense(path: Path, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What the reference computes, written down again."""
    from hls.importing.model_file import read_model

    model = read_model(path)
    (k0, b0), (k1, b1) = (model.layers[name].weights for name in ("hidden", "out"))
    return np.asarray(np.maximum(x @ k0 + b0, 0) @ k1 + b1)


@pytest.fixture
def compared(project: Path) -> Path:
    """A project with a float network of the same shape."""
    write_reference(project / "reference.h5")
    toml = project / "project.toml"
    toml.write_text(toml.read_text().replace("[model]\n", '[model]\nreference = "reference.h5"\n'))
    return project


class TestBuilds:
    def test_the_float_network_of_a_foreign_model(self, compared: Path, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", ROWS)
        report = hls.build(compared, inputs=tmp_path / "x.npy")
        true, ours = dense(compared / "reference.h5", ROWS), hls.emulate(hls.import_keras(compared / "model.h5"), ROWS)
        error = np.sqrt(np.mean((true - ours) ** 2)) / true.std()
        assert firmware_value(report.fidelity["error"]) == pytest.approx(error, rel=1e-5)
        assert firmware_value(report.fidelity["flips"]) == np.mean(true.argmax(axis=1) != ours.argmax(axis=1))
        assert report.fidelity_events == "400 events of file x.npy"

    def test_without_a_file_it_is_compared_on_what_was_drawn(self, compared: Path) -> None:
        report = hls.build(compared)
        assert {"error", "flips"} == set(report.fidelity)
        assert report.fidelity_events is not None
        assert "integers uniform over the input ports" in report.fidelity_events

    def test_labels_judge_both(self, compared: Path, tmp_path: Path) -> None:
        true, ours = dense(compared / "reference.h5", ROWS), hls.emulate(hls.import_keras(compared / "model.h5"), ROWS)
        np.savez(tmp_path / "e.npz", x=ROWS, y=true.argmax(axis=1))
        report = hls.build(compared, inputs=tmp_path / "e.npz", labels="y")
        agreeing = np.mean(true.argmax(axis=1) == ours.argmax(axis=1))
        assert report.fidelity["accuracy"] == Metric(reference=1.0, firmware=agreeing, unit="1")
        area = report.fidelity["roc_auc"]
        assert isinstance(area, Metric)
        assert area.reference == 1.0
        assert 0 < area.firmware < 1
        assert (compared / "build/figures/roc.png").is_file()
        assert report.fidelity_events == "400 events of file e.npz (labels 'y')"

    def test_a_project_names_its_events(self, project: Path) -> None:
        """By a path from its folder, and `--inputs` names others."""
        np.savez(project / "mine.npz", a=ROWS[:, :3], b=ROWS[:, 3], labels=np.arange(400) % 2)
        toml = project / "project.toml"
        toml.write_text(toml.read_text() + 'inputs = "mine.npz"\nfeatures = ["a", "b"]\n')
        report = hls.build(project)
        assert report.verification.source == "file mine.npz (a, b; labels 'labels')"
        np.savez(project / "other.npz", b=ROWS[:9, 3], a=ROWS[:9, :3])
        assert hls.build(project, inputs=project / "other.npz").verification.source == "file other.npz (a, b)"
        np.save(project / "y.npy", np.arange(400) % 2)
        toml.write_text(toml.read_text() + 'labels = "y.npy"\n')
        assert hls.build(project).verification.source == "file mine.npz (a, b; labels)"
        (project / "mine.npz").unlink()
        with pytest.raises(FirmwareError, match=r"mine\.npz: no such event file"):
            hls.build(project)

    def test_features_without_a_file(self, project: Path) -> None:
        with pytest.raises(FirmwareError, match="name it by --inputs"):
            hls.build(project, features=["a"])

    def test_labels_that_do_not_fit(self, project: Path, tmp_path: Path) -> None:
        """They fail the build where the user named them, and are told of where he did not."""
        np.savez(tmp_path / "e.npz", x=ROWS, labels=np.full(400, 7))
        told_of = hls.build(project, inputs=tmp_path / "e.npz").fidelity_events
        assert told_of is not None
        assert "label 7; the network tells 2 classes" in told_of
        with pytest.raises(EventError, match="label 7"):
            hls.build(project, inputs=tmp_path / "e.npz", labels="labels")

    def test_a_reference_that_is_no_float_network_is_told_of(self, compared: Path) -> None:
        shutil.copy(compared / "model.h5", compared / "reference.h5")
        report = hls.build(compared)
        assert report.fidelity == {}
        assert report.fidelity_events is not None
        assert "reference.h5 was not computed: network 'tiny' is quantized already" in report.fidelity_events

    def test_a_float_network_of_another_shape(self, compared: Path) -> None:
        with pytest.raises(
            FirmwareError, match=r"reference\.h5: takes inputs of shape \(4,\), the firmware's are \(3,\)"
        ):
            float_outputs(compared / "reference.h5", {"x": ROWS[:, :3]})


class TestSystems:
    FOLDER = Path(__file__).parents[3] / "firmware_projects" / "evn-two-body"

    def measured(self, inputs: Any, path: Path | None) -> Any:
        chosen = find_system("two-body")
        assert chosen.measuring is not None
        return chosen.measuring.fidelity_on(
            chosen.variant, self.FOLDER, lambda x: np.asarray(x)[:, :1].astype(float), inputs, path=path
        )

    def test_a_file_gives_what_its_own_events_give(self, tmp_path: Path) -> None:
        chosen, path = find_system("two-body"), tmp_path / "events.h5"
        chosen.writer.write_events("two-body", 2000, 5, path)

        def first(x: Any) -> Any:
            return np.asarray(x)[:, :1].astype(float)

        generated = chosen.system.fidelity(chosen.variant, self.FOLDER, first, events=2000, seed=5)
        inputs = chosen.read(path)
        of_file = chosen.measuring.fidelity_on(chosen.variant, self.FOLDER, first, inputs, path=path, seed=5)  # type: ignore[union-attr]
        assert of_file == generated
        others = self.measured(np.asarray(inputs)[:1000], path)
        assert others["auc"] != generated["auc"]

    def test_plain_arrays_tell_no_masses(self) -> None:
        chosen = find_system("two-body")
        found = self.measured(chosen.generate(500, 2), None)
        assert set(found) == {"kendall_tau", "spearman"}


def test_the_project_says_where_its_events_lie(project: Path) -> None:
    toml = project / "project.toml"
    toml.write_text(toml.read_text() + 'inputs = "../events/x.npz"\nlabels = "y"\n')
    read = read_project(project)
    assert read.inputs == project / "../events/x.npz"
    assert read.file.verify.labels == "y"


def test_the_exported_emulator_tests_the_projects_own_events(project: Path) -> None:
    np.savez(project / "mine.npz", x=ROWS)
    toml = project / "project.toml"
    toml.write_text(toml.read_text() + 'inputs = "mine.npz"\n')
    graph = hls.import_keras(project / "model.h5")
    (own,) = vector_events(graph, read_project(project))
    np.testing.assert_array_equal(own[-150:], quantize_inputs(graph, ROWS[:150])[0])
    (drawn,) = vector_events(graph)
    np.testing.assert_array_equal(own[:-150], drawn[:-150])
