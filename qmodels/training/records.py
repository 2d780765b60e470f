"""What a training leaves behind: model files, and the record beside them."""

from __future__ import annotations

import json
import logging
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hls.errors import ProjectError
from hls.machine.files import read_json, whole_file, write_text
from qmodels.errors import ModelDataError

if TYPE_CHECKING:
    import keras

    from qmodels.training.loop import Fitted

RECORD_FILE = "training.json"


def save_model(model: keras.Model, path: Path) -> None:
    """Save to Keras's HDF5 format without optimizer state; the file is replaced only when complete."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)  # Keras calls HDF5 a legacy format: it is the one that every QKeras reads
    try:
        with whole_file(path, suffix=".h5") as draft:
            model.save(draft, include_optimizer=False)
    finally:
        logger.setLevel(level)


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Versions of Python and of the ``packages`` that had a hand in a training."""
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Write ``record`` as training.json of ``folder``, whole or not at all."""
    write_text(folder / RECORD_FILE, json.dumps(record, indent=2) + "\n")


def load_weights(network: keras.Model, path: Path, otherwise: str) -> None:
    """Give ``network`` the weights of the model at ``path``; ModelDataError, saying what it is ``otherwise``."""
    import keras

    weights = keras.models.load_model(path, compile=False).get_weights()
    if [w.shape for w in weights] != [w.shape for w in network.get_weights()]:
        raise ModelDataError(f"{path}: {otherwise}; delete it to train it again")
    network.set_weights(weights)


def stage_records(folder: Path, fits: Mapping[str, Fitted | None], *, losses: bool = False) -> dict[str, Any]:
    """How each stage of a training went, by label; with ``losses``, those of the training events too.

    None stands for a network that was used again: it keeps what the record in ``folder`` says of it.
    """
    kept = _recorded_stages(folder)
    return {
        label: kept.get(label, {}) if fitted is None else _summary(fitted, losses=losses)
        for label, fitted in fits.items()
    }


def _summary(fitted: Fitted, *, losses: bool) -> dict[str, Any]:
    by_epoch = {"loss_by_epoch": [round(state.loss, 5) for state in fitted.history]} if losses else {}
    return {
        "epochs": len(fitted.history),
        "kept_epoch": fitted.kept_epoch,
        "val_loss": fitted.kept_val_loss,
        "events_per_second": round(fitted.history[-1].events_per_second),
        **by_epoch,
        "val_loss_by_epoch": [round(state.val_loss, 5) for state in fitted.history],
    }


def read_record(folder: Path) -> dict[str, Any]:
    """What training.json of ``folder`` says; nothing where it is missing or not ours."""
    try:
        record = read_json(folder / RECORD_FILE)
    except (FileNotFoundError, ProjectError):
        return {}
    return record if isinstance(record, dict) else {}


def _recorded_stages(folder: Path) -> dict[str, Any]:
    stages = read_record(folder).get("stages")
    return stages if isinstance(stages, dict) else {}
