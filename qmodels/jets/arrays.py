"""Float networks evaluated on numpy arrays, from the file that Keras wrote: no TensorFlow, nothing executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from qmodels.errors import ModelDataError
from qmodels.jets.architectures import lay_out
from qmodels.jets.variants import Variant
from qmodels.numpy_networks import read_float_model
from qmodels.types import Floats32

_AT_ONCE = 1000


@dataclass(frozen=True)
class ArrayLayers:
    """Layers with these ``weights`` (kernel, or kernel and bias) by name; ``seen`` keeps what each hidden one gave."""

    weights: Mapping[str, tuple[Floats32, ...]]
    seen: dict[str, Floats32] = field(default_factory=dict)

    def port(self, x: Floats32) -> Floats32:
        """As it is."""
        return x

    def hidden(self, x: Floats32, units: int, name: str) -> Floats32:
        """ReLU of the sums."""
        self.seen[name] = np.maximum(self._sums(x, units, name), 0.0)
        return self.seen[name]

    def linear(self, x: Floats32, units: int, name: str) -> Floats32:
        """The sums."""
        return self._sums(x, units, name)

    def edges(self, receivers: Floats32, senders: Floats32, name: str) -> Floats32:
        """ReLU of every receiver and every sender."""
        self.seen[name] = np.maximum(receivers[:, :, None] + senders[:, None], 0.0)
        return self.seen[name]

    def mean(self, x: Floats32, name: str) -> Floats32:
        """Over the second axis from the end."""
        self.seen[name] = x.mean(axis=-2)
        return self.seen[name]

    def swapped(self, x: Floats32, name: str) -> Floats32:  # noqa: ARG002
        """Transposed."""
        return x.swapaxes(1, 2)

    def joined(self, x: Floats32, y: Floats32, name: str) -> Floats32:  # noqa: ARG002
        """Side by side."""
        return np.concatenate([x, y], axis=-1)

    def logits(self, x: Floats32, units: int, name: str) -> Floats32:
        """The sums."""
        return self._sums(x, units, name)

    def _sums(self, x: Floats32, units: int, name: str) -> Floats32:
        kernel, *bias = self.weights.get(name) or (np.empty((0, 0), np.float32),)
        if kernel.shape != (x.shape[-1], units):
            raise ModelDataError(
                f"layer {name!r} has weights {kernel.shape}, {(x.shape[-1], units)} are needed: of another variant?"
            )
        return x @ kernel + (bias[0] if bias else np.float32(0.0))


@dataclass(frozen=True)
class FloatNetwork:
    """A float network of ``variant``, read from a file."""

    variant: Variant
    layers: ArrayLayers

    def __call__(self, inputs: Floats32) -> Floats32:
        """Logits (n, 5)."""
        blocks = (inputs[start : start + _AT_ONCE] for start in range(0, len(inputs), _AT_ONCE))
        return np.concatenate([lay_out(self.variant, self.layers, block) for block in blocks])


def read_network(path: Path, variant: Variant) -> FloatNetwork:
    """The float network in ``path``; ModelDataError if it is missing, no Keras model, or of another variant."""
    weights = {name: tuple(layer.weights) for name, layer in read_float_model(path).layers.items()}
    network = FloatNetwork(variant, ArrayLayers(weights))
    try:
        network(np.zeros((1, *variant.shape), np.float32))
    except ModelDataError as error:
        raise ModelDataError(f"{path}: {error}") from error
    return network
