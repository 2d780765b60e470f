"""What Keras computes with a network: its outputs, and the values of every layer."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import ProjectError
from hls.importing.spec import ModelSpec
from hls.machine.extras import missing
from hls.machine.files import whole_file
from hls.machine.progress import Progress
from hls.project.quantizing.architecture import architecture
from hls.verification.witnesses.framework import run_worker
from hls.verification.witnesses.qkeras import IGNORING_WARNINGS

Floats = npt.NDArray[np.float32]
_MODULE = "hls.project.quantizing.keras_worker"


@dataclass(frozen=True, eq=False)
class Reference:
    """Outputs over all events, and of each layer its values over the first of them."""

    outputs: tuple[Floats, ...]
    layers: dict[str, Floats]


def float_reference(
    model: ModelSpec, inputs: Sequence[Floats], *, traced: int, progress: Progress | None = None
) -> Reference:
    """Run a network in normal form under Keras; of the first events about ``traced`` numbers of all layers are kept.

    Raises:
        ProjectError: Keras is not installed.
    """
    layers = [layer.name for layer in model.layers.values() if layer.class_name != "InputLayer"]
    with tempfile.TemporaryDirectory(prefix="qtrigger-float-") as name:
        folder = Path(name)
        for index, values in enumerate(inputs):
            np.save(folder / f"input{index}.npy", values.astype(np.float32))
        _run(folder, model, {"save": None, "inputs": len(inputs), "layers": layers, "traced": traced}, progress)
        outputs = tuple(np.load(folder / f"output{index}.npy") for index in range(len(model.outputs)))
        files = json.loads((folder / "layers.json").read_text(encoding="utf-8"))
        return Reference(outputs, {layer: np.load(folder / file) for layer, file in files.items()})


def save_with_keras(model: ModelSpec, path: Path) -> None:
    """Let Keras build the network and save it, so that it is a file like any other of its kind.

    Raises:
        ProjectError: Keras is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="qtrigger-save-") as name, whole_file(path, suffix=path.suffix) as draft:
        _run(Path(name), model, {"save": str(draft.resolve()), "inputs": 0, "layers": [], "traced": 0}, None)


def _run(folder: Path, model: ModelSpec, job: dict[str, Any], progress: Progress | None) -> None:
    reason = missing("tensorflow", "qkeras-v3")
    if reason is not None:
        raise ProjectError(f"quantizing runs the network under Keras: {reason}")
    arrays = {
        f"{layer.name}:{number}": array for layer in model.layers.values() for number, array in enumerate(layer.weights)
    }
    np.savez(folder / "weights.npz", **arrays)  # type: ignore[arg-type]  # its stub takes a keyword of its own for one
    job = {"architecture": architecture(model), **job}
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    run_worker([*IGNORING_WARNINGS, "-m", _MODULE], folder, progress)
