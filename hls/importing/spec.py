"""A Keras model as plain data: what the file says, nothing executed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError


@dataclass(frozen=True)
class TensorRef:
    """Output ``tensor`` of the ``node``-th call of a layer."""

    layer: str
    node: int
    tensor: int


@dataclass(frozen=True, eq=False)
class Constant:
    """A number or an array that a call is given in place of a tensor, as in ``x * 0.5``. Float32, as Keras takes it."""

    value: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer: its arguments in their order, and what it is given by keyword besides."""

    arguments: tuple[TensorRef | Constant, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)

    @property
    def inputs(self) -> tuple[TensorRef, ...]:
        """The tensors among the arguments."""
        return tuple(argument for argument in self.arguments if isinstance(argument, TensorRef))


Parts = Mapping[str, tuple[npt.NDArray[np.float32], ...]]
"""Arrays of what a layer holds, such as trained quantizers, by path: ``"kq/quantizer"``."""


@dataclass(frozen=True, eq=False)
class LayerSpec:
    """One layer: its class and configuration, its calls, and its weights in Keras's order.


    The class of a Keras operator (``x * 0.5``, ``keras.ops.sum(x)``) is written ``ops.Multiply``, ``ops.Sum``: some
    share their names with layers of other arguments; those of HGQ 2, whose names are partly QKeras's, ``hgq.QDense``.
    ``wrapper`` is the class around it that acts in training only.
    """

    name: str
    class_name: str
    config: Mapping[str, Any]
    calls: tuple[Call, ...]
    weights: tuple[npt.NDArray[np.float32], ...]
    wrapper: str | None = None
    parts: Parts = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ModelSpec:
    """Layers in the file's order; inputs and outputs in the model's order.

    ``internal_sigmoid`` is what QKeras made its own sigmoid and tanh of; None in a file, which does not say it.
    ``refused`` is code that the file brings along: never executed, so such a model can be looked at and not built.
    """

    name: str
    layers: Mapping[str, LayerSpec]
    inputs: tuple[TensorRef, ...]
    outputs: tuple[TensorRef, ...]
    internal_sigmoid: str | None = None
    refused: tuple[str, ...] = ()


def calls_in_order(model: ModelSpec, ports: Iterable[TensorRef]) -> Iterator[tuple[LayerSpec, int]]:
    """Every call, as layer and number, in an order in which its inputs are there; ``ports`` are from the start.

    Raises:
        ModelFileError: a call reads what the model does not compute.
    """
    done = set(ports)
    waiting = [
        (layer, number)
        for layer in model.layers.values()
        if layer.class_name != "InputLayer"
        for number in range(len(layer.calls))
    ]
    while waiting:
        ready = [(layer, number) for layer, number in waiting if done.issuperset(layer.calls[number].inputs)]
        if not ready:
            raise ModelFileError(f"layer {waiting[0][0].name!r}: its inputs are not in the file")
        for layer, number in ready:
            yield layer, number
            done.add(TensorRef(layer.name, number, 0))
        waiting = [item for item in waiting if item not in ready]
