"""Quantization-aware epochs: the weights learn to live with the types that were chosen."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import EventError
from hls.importing.quantizers import function_name
from hls.importing.spec import ModelSpec
from hls.machine.progress import Progress
from hls.project.quantizing.keras_process import KerasProcess

Floats = npt.NDArray[np.floating]
_HELD_OUT = 10
"""One event of so many is held out: the last ones, on which epochs are compared."""
_FEWEST = 20


@dataclass(frozen=True, eq=False)
class Lesson:
    """What the network is to learn: ``loss`` by its name in the training, between its outputs and ``targets``."""

    inputs: tuple[Floats, ...]
    targets: tuple[Floats, ...]
    loss: str

    @property
    def held_out(self) -> int:
        """How many events, the last ones, take no part in the training."""
        return len(self.inputs[0]) // _HELD_OUT


def lesson(
    model: ModelSpec,
    inputs: tuple[Floats, ...],
    reference: tuple[Floats, ...],
    labels: npt.NDArray[np.integer] | None,
) -> Lesson:
    """The classes of the events where labels tell them, else the outputs of the float network.

    Raises:
        EventError: there are too few events, or labels of a network that gives no scores.
    """
    if len(inputs[0]) < _FEWEST:
        raise EventError(
            f"--finetune: {len(inputs[0])} events; it wants {_FEWEST} at least, and thousands to be of use"
        )
    if labels is None:
        return Lesson(inputs, reference, "distance")
    if len(reference) > 1 or reference[0].ndim != 2:
        raise EventError(
            "--finetune with --labels trains one output with a score a class, and this network has another; "
            "leave out --labels, and it learns the outputs of the float network"
        )
    classes = reference[0].shape[1]
    targets = np.eye(classes, dtype=np.float32)[labels] if classes > 1 else labels.astype(np.float32).reshape(-1, 1)
    return Lesson(inputs, (targets,), _loss(model, classes))


def _loss(model: ModelSpec, classes: int) -> str:
    last = model.layers[model.outputs[0].layer]
    if last.class_name == "Activation" and function_name(last.config.get("activation")) == "sigmoid":
        return "probability"
    return "classes" if classes > 1 else "signal"


def checkpoint_of(out: Path) -> Path:
    """Where a training that is interrupted is kept, beside its result."""
    return out.with_suffix(".finetune.npz")


def finetuned(
    keras: KerasProcess,
    model: ModelSpec,
    subject: Lesson,
    *,
    epochs: int,
    seed: int,
    out: Path,
    progress: Progress | None,
) -> ModelSpec:
    """The quantized network with weights that were trained further, those of the best epoch or of none."""
    spreads = [float(target.std()) or 1.0 for target in subject.targets]
    weights = [1 / spread**2 for spread in spreads] if subject.loss == "distance" else [1.0]
    job = {
        "do": "train",
        "inputs": len(subject.inputs),
        "outputs": len(subject.targets),
        "held_out": subject.held_out,
        "loss": subject.loss,
        "loss_weights": weights,
        "epochs": epochs,
        "seed": seed,
        "checkpoint": str(checkpoint_of(out).resolve()),
        "key": _key(model, subject, f"{epochs} {seed}"),
    }
    with tempfile.TemporaryDirectory(prefix="qtrigger-finetune-") as name:
        folder = Path(name)
        for index, values in enumerate(subject.inputs):
            np.save(folder / f"input{index}.npy", values)
        for index, values in enumerate(subject.targets):
            np.save(folder / f"target{index}.npy", values)
        keras.do(folder, model, job, progress)
        with np.load(folder / "trained.npz") as arrays:
            trained = {key: arrays[key] for key in arrays.files}
    layers = {name: _with_weights(layer, trained) for name, layer in model.layers.items()}
    return replace(model, layers=layers)


def _with_weights(layer: Any, trained: dict[str, Any]) -> Any:
    return replace(layer, weights=tuple(trained[f"{layer.name}:{n}"] for n in range(len(layer.weights))))


def _key(model: ModelSpec, subject: Lesson, settings: str) -> str:
    """What tells a training from every other."""
    state = hashlib.sha256(f"{settings} {subject.loss}".encode())
    for layer in model.layers.values():
        state.update(f"{layer.name} {layer.class_name} {sorted(layer.config.items(), key=str)}".encode())
    arrays = [array for layer in model.layers.values() for array in layer.weights]
    for array in (*arrays, *subject.inputs, *subject.targets):
        state.update(np.ascontiguousarray(array).tobytes())
    return state.hexdigest()
