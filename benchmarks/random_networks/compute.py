"""What a whole network computes by the definitions of its layers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.random_networks import definitions, definitions_choices, definitions_later
from benchmarks.random_networks.definitions import Value
from benchmarks.random_networks.exact import Exact
from benchmarks.random_networks.network import Argument, Network, Ref

LAYERS = {**definitions.LAYERS, **definitions_later.LAYERS, **definitions_choices.LAYERS}
PARTED = definitions_choices.PARTED


def compute(network: Network, events: list[npt.NDArray[np.float32]]) -> list[Exact]:
    """Outputs for ``events``, one array for each port."""
    layers = {layer.name: layer for layer in network.layers}
    found: dict[Ref, Exact] = {}
    for port, values in zip(network.ports, events, strict=True):
        found[Ref(port.name)] = Exact.of(values)

    def value(argument: Argument) -> Value:
        if not isinstance(argument, Ref):
            return argument
        if argument not in found:
            layer = layers[argument.layer]
            read = [value(other) for other in layer.calls[argument.call]]
            if layer.kind in PARTED:
                found[argument] = PARTED[layer.kind](layer, read)[argument.tensor]
            else:
                found[argument] = LAYERS[layer.kind](layer, read)
        return found[argument]

    for ref in network.outputs:
        value(ref)
    return [found[ref] for ref in network.outputs]
