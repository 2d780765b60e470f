"""A training that is killed and resumed ends with the same bits, and every error of its options is named."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from qmodels.errors import ModelDataError
from qmodels.event_variables.system import SYSTEM
from qmodels.training.progress import TrainingProgress

FIRMWARE = Path(__file__).parents[3] / "firmware_projects"
EVENTS, EPOCHS = 6000, 3

CHILD = """
import os, signal, sys
from pathlib import Path
from qmodels.event_variables.system import SYSTEM

def report(state):
    if state.stage == "trigger" and state.epoch == 2:
        os.kill(os.getpid(), signal.SIGKILL)

SYSTEM.train("two-body", "trigger", Path(sys.argv[1]), events=6000, epochs=3, seed=5, progress=report)
"""


def weights(path: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    with h5py.File(path) as file:
        file.visititems(lambda n, o: found.update({n: o[...]}) if isinstance(o, h5py.Dataset) else None)
    return found


def same_weights(left: Path, right: Path) -> bool:
    a, b = weights(left), weights(right)
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


@pytest.mark.slow
def test_killed_and_resumed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):  # a reference that is there is used, which spares its training
        folder.mkdir()
        for name in ("reference.h5", "reference_classifier.h5"):
            shutil.copy(FIRMWARE / "evn-two-body" / name, folder)
    options: dict[str, Any] = {"events": EVENTS, "epochs": EPOCHS, "seed": 5}
    model = SYSTEM.train("two-body", "trigger", whole, **options)

    command = [sys.executable, "-c", CHILD, str(broken)]
    child = subprocess.run(command, check=False, capture_output=True)
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    assert not (broken / "model.h5").exists()

    epochs: list[TrainingProgress] = []
    resumed = SYSTEM.train("two-body", "trigger", broken, **options, resume=True, progress=epochs.append)
    assert [(e.stage, e.epoch) for e in epochs] == [("trigger", 3), *(("trigger-classifier", n) for n in (1, 2, 3))]
    for file in whole.glob("*.h5"):
        assert same_weights(file, broken / file.name), file.name
    assert resumed.read_bytes() == model.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(("target", "kept_epoch", "kept"), [(0.0, 0, 0.0), (1.0, 5, None)])
def test_variables_of_the_best_epoch_are_kept(target: float, kept_epoch: int, kept: float | None) -> None:
    import keras

    from qmodels.training.loop import Schedule, fit

    class Pull:
        """Training pulls w from 0 to 1; validation asks how near w is to ``target``."""

        label, events = "pull", 400

        def __init__(self) -> None:
            self.w = keras.Variable(0.0)
            self.variables: Sequence[keras.Variable] = [self.w]

        def epoch_data(self, epoch: int) -> tuple[np.ndarray, ...]:
            return (np.ones((self.events, 1), np.float32),)

        def loss(self, *batch: Any) -> Any:
            return keras.ops.mean((self.w - batch[0]) ** 2)

        def validate(self) -> tuple[float, float]:
            return (float(self.w) - target) ** 2, 0.5

    task = Pull()
    fitted = fit(task, Schedule(epochs=5, batch=4, learning_rate=0.01, seed=1))
    assert fitted.kept_epoch == kept_epoch
    assert len(fitted.history) == 5
    assert fitted.kept_val_loss == (float(task.w) - target) ** 2
    if kept is not None:
        assert float(task.w) == kept


@pytest.mark.slow
def test_training_learns_and_records_what_it_did(tmp_path: Path) -> None:
    seen: list[TrainingProgress] = []
    SYSTEM.train("semivisible", "float", tmp_path, events=40_000, epochs=4, seed=1, progress=seen.append)
    assert seen[-1].val_loss < 0.6 < np.log(2.0)
    assert seen[-1].auc is not None
    assert seen[-1].auc > 0.75
    assert [s.epoch for s in seen] == [1, 2, 3, 4]
    assert seen[-1].eta_seconds == 0.0
    record = json.loads((tmp_path / "training.json").read_text())
    assert (record["variant"], record["preset"], record["events"], record["seed"]) == (
        "semivisible",
        "float",
        40_000,
        1,
    )
    stage = record["stages"]["float"]
    best = min(seen, key=lambda state: state.val_loss)
    assert (stage["kept_epoch"], stage["val_loss"]) == (best.epoch, best.val_loss)
    assert record["test"]["metrics"]["kendall_tau"]["reference"] > 0.5


@pytest.mark.slow
def test_resume_refuses_other_options_and_damaged_checkpoints(tmp_path: Path) -> None:
    SYSTEM.train("two-body", "float", tmp_path, events=EVENTS, epochs=1)
    (tmp_path / "reference.h5").unlink()
    with pytest.raises(ModelDataError, match=r"other options \(events: 4800 there, 6400 now\)"):
        SYSTEM.train("two-body", "float", tmp_path, events=8000, epochs=1, resume=True)
    checkpoint = tmp_path / "checkpoints" / "float.npz"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(ModelDataError, match="unreadable checkpoint"):
        SYSTEM.train("two-body", "float", tmp_path, events=EVENTS, epochs=1, resume=True)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("pair", "huge"), {}, "unknown preset 'huge'"),
        (("triple", "float"), {}, "unknown variant 'triple'"),
        (("pair", "float"), {"events": 10}, "events is 10: training needs at least"),
        (("pair", "float"), {"epochs": 0}, "epochs is 0"),
        (("pair", "float"), {"seed": -1}, "seed is -1"),
    ],
)
@pytest.mark.slow
def test_bad_options_are_named(
    arguments: tuple[str, str], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelDataError, match=message):
        SYSTEM.train(*arguments, tmp_path, **options)
    assert list(tmp_path.iterdir()) == []
