"""What the float network of a project computes: in numpy where it is a chain of dense layers, else under Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hls.errors import ProjectError
from hls.figures.reference import dense_outputs
from hls.importing.formats import plain_model
from hls.importing.importer import input_shape
from hls.importing.spec import ModelSpec
from hls.machine.extras import require
from hls.machine.progress import Progress
from hls.project.quantizing.keras_process import keras_process
from hls.project.quantizing.normal_form import normal_form
from hls.project.quantizing.reference import float_reference

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class FloatOutputs:
    """One array (events, *shape) an output. A last softmax is left out, a sigmoid is not: ``ends_in_sigmoid``."""

    values: tuple[Floats, ...]
    ends_in_sigmoid: bool


def float_outputs(path: Path, inputs: Mapping[str, Floats], progress: Progress | None = None) -> FloatOutputs:
    """Of the network in ``path`` for ``inputs``, by the names that the firmware gives them.

    Raises:
        ProjectError: it takes other inputs.
        ToolError: Keras is needed and not installed.
        FirmwareError: the file is damaged, or no plain network.
    """
    model = normal_form(plain_model(path)).model
    arrays = _arranged(path, model, inputs)
    ends = all(_is_sigmoid(model, ref.layer) for ref in model.outputs)
    if len(arrays) == 1 and (quick := dense_outputs(model, arrays[0])) is not None:
        return FloatOutputs((quick,), ends)
    require("tensorflow", "qkeras-v3")
    with keras_process() as keras:
        return FloatOutputs(float_reference(keras, model, arrays, traced=1, progress=progress).outputs, ends)


def _arranged(path: Path, model: ModelSpec, inputs: Mapping[str, Floats]) -> tuple[npt.NDArray[np.float32], ...]:
    """The inputs in the order of the float network: by name, or by place where its names are others."""
    wanted = {ref.layer: input_shape(model.layers[ref.layer]) for ref in model.inputs}
    names = list(wanted) if set(wanted) == set(inputs) else list(inputs)
    found = [inputs[name].shape[1:] for name in names]
    if found != list(wanted.values()):
        takes, given = (", ".join(map(str, shapes)) for shapes in (wanted.values(), found))
        raise ProjectError(f"{path}: takes inputs of shape {takes}, the firmware's are {given}; name its float network")
    return tuple(np.asarray(inputs[name], np.float32) for name in names)


def _is_sigmoid(model: ModelSpec, name: str) -> bool:
    return model.layers[name].config.get("activation") == "sigmoid"
