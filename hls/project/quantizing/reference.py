"""What Keras computes with a network: its outputs, and the values of every layer."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hls.importing.spec import ModelSpec
from hls.machine.files import whole_file
from hls.machine.progress import Progress
from hls.project.quantizing.keras_process import KerasProcess

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Reference:
    """Outputs over all events, and of each layer its values over the first of them."""

    outputs: tuple[Floats, ...]
    layers: dict[str, Floats]


def float_reference(
    keras: KerasProcess,
    model: ModelSpec,
    inputs: Sequence[Floats],
    *,
    traced: int,
    progress: Progress | None = None,
) -> Reference:
    """Run a network in normal form under Keras; of the first events about ``traced`` numbers of all layers are kept."""
    layers = [layer.name for layer in model.layers.values() if layer.class_name != "InputLayer"]
    with tempfile.TemporaryDirectory(prefix="qtrigger-float-") as name:
        folder = Path(name)
        for index, values in enumerate(inputs):
            np.save(folder / f"input{index}.npy", values.astype(np.float32))
        job = {"do": "compute", "inputs": len(inputs), "layers": layers, "traced": traced}
        keras.do(folder, model, job, progress)
        outputs = tuple(np.load(folder / f"output{index}.npy") for index in range(len(model.outputs)))
        files = json.loads((folder / "layers.json").read_text(encoding="utf-8"))
        return Reference(outputs, {layer: np.load(folder / file) for layer, file in files.items()})


def save_with_keras(keras: KerasProcess, model: ModelSpec, path: Path) -> None:
    """Let Keras build the network and save it, so that it is a file like any other of its kind."""
    with tempfile.TemporaryDirectory(prefix="qtrigger-save-") as name, whole_file(path, suffix=path.suffix) as draft:
        keras.do(Path(name), model, {"do": "save", "file": str(draft.resolve())})
