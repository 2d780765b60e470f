"""What a training leaves behind: model files, and the record beside them."""

from __future__ import annotations

import json
import logging
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

RECORD_FILE = "training.json"


def save_model(model: keras.Model, path: Path) -> None:
    """Save to Keras's HDF5 format without optimizer state; the file is replaced only when complete."""
    partial = path.with_name(f".{path.stem}.partial.h5")
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)  # Keras calls HDF5 a legacy format: it is the one that every QKeras reads
    try:
        model.save(partial, include_optimizer=False)
    finally:
        logger.setLevel(level)
    partial.replace(path)


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Versions of Python and of the ``packages`` that had a hand in a training."""
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Write ``record`` as training.json of ``folder``, whole or not at all."""
    partial = folder / f".{RECORD_FILE}.partial"
    partial.write_text(json.dumps(record, indent=2) + "\n")
    partial.replace(folder / RECORD_FILE)


def recorded_stages(folder: Path) -> dict[str, Any]:
    """Stages in the record of ``folder``: a network that is used again keeps the record of its training."""
    try:
        stages: dict[str, Any] = json.loads((folder / RECORD_FILE).read_text())["stages"]
    except (FileNotFoundError, KeyError, json.JSONDecodeError):
        return {}
    return stages
