"""The type of input ports that the events ask for, for a network whose inputs no quantizer reads first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hls.errors import EventError, UnsupportedError
from hls.graph.fixed import FixedType
from hls.importing.model_file import container, read_model
from hls.importing.ports import port_grid
from hls.importing.spec import ModelSpec, TensorRef
from hls.project.quantizing.events import read_ports

_WIDTH = 16


@dataclass(frozen=True)
class Proposal:
    """A type that holds every value of the events, from ``low`` to ``high``."""

    type: FixedType
    low: float
    high: float

    def __str__(self) -> str:
        step = math.ldexp(1.0, -self.type.fraction)
        return f"{self.type} (values from {self.low:g} to {self.high:g}, in steps of {step:g})"


def propose_input_type(model: Path, events: Path, features: Sequence[str] = ()) -> Proposal | None:
    """The type that ``events`` ask for, of which ``features`` are taken; None if the network states its inputs' types.

    Raises:
        UnsupportedError: the model is of another format than Keras's.
        FirmwareError: model or events are missing or damaged, or do not fit each other.
    """
    if not model.is_file() or container(model) is None:
        raise UnsupportedError(f"{model}: --events propose a type for files of Keras alone; state it by --input-type")
    spec = read_model(model)
    open_ports = [number for number, ref in enumerate(spec.inputs) if _is_open(spec, ref)]
    if not open_ports:
        return None
    arrays = read_ports(events, spec, features).inputs
    values = np.concatenate([arrays[number].ravel() for number in open_ports]).astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if low == high:
        raise EventError(f"{events}: every value is {low:g}, which says nothing of a range; state it by --input-type")
    return Proposal(_covering(values, low, high), low, high)


def _is_open(spec: ModelSpec, ref: TensorRef) -> bool:
    try:
        port_grid(spec, ref, None)
    except UnsupportedError:
        return True
    return False


def _covering(values: npt.NDArray[np.float64], low: float, high: float) -> FixedType:
    """The type of at most 16 bits that holds the ends, with no more fraction bits than the values have."""
    signed = low < 0
    integer = math.frexp(max(-low, high))[1] + signed
    fraction = _WIDTH - integer
    scaled = np.ldexp(values, fraction)
    while fraction > max(0, 1 - integer) and not np.any(np.rint(scaled / 2) * 2 != scaled):
        fraction, scaled = fraction - 1, scaled / 2
    return FixedType(signed, integer + fraction, integer)
