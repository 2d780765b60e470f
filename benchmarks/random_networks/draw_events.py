"""Events that a network drawn at random is compared on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.random_networks.canvas import Shape
from benchmarks.random_networks.network import Layer, Network, Ref


def events(network: Network, seed: int, count: int = 16) -> list[npt.NDArray[np.float32]]:
    """For every port: its ends, zeros, and numbers all over it; where a quantizer reads it, ties and values beyond."""
    draws = np.random.default_rng(seed)
    arrays = []
    for port in network.ports:
        step, low, high = _port_grid(network, port)
        raw = _port_events(draws, tuple(port.options["batch_shape"][1:]), low, high, count)
        # A port whose type the user states is fed what it can carry: the network is not defined beyond.
        raw = raw if network.input_type is None else np.clip(np.rint(raw), low, high)
        arrays.append((raw * step).astype(np.float32))
    return arrays


def _port_events(
    draws: np.random.Generator, shape: Shape, low: float, high: float, count: int
) -> npt.NDArray[np.float64]:
    raw = draws.integers(int(low), int(high) + 1, (count, *shape)).astype(np.float64)
    raw[0], raw[1], raw[2] = low, high, 0
    raw[3] = draws.integers(-4, 5, shape) + 0.5
    raw[4] = draws.choice([low - 0.5, low - 1, high + 0.5, high + 1, 1.5 * low, 1.5 * high], shape)
    raw[5] = np.round(draws.normal(size=shape) * 12) / 4
    raw[6] = draws.choice([low, high], shape)
    return raw


def _port_grid(network: Network, port: Layer) -> tuple[float, float, float]:
    """The step, and the ends in steps, of what a port is rounded to first."""
    if network.input_type is not None:
        kind, width, integer = network.input_type.strip(">").replace("<", ",").split(",")
        levels = 2.0 ** int(width)
        low, high = (0.0, levels - 1) if "ufixed" in kind else (-levels / 2, levels / 2 - 1)
        return 2.0 ** (int(integer) - int(width)), low, high
    first = next(layer for layer in network.layers if (Ref(port.name),) in layer.calls)
    options = first.options["activation"].options
    keep = int(options.get("keep_negative", True))
    levels = 2.0 ** (options["bits"] - keep)
    return 2.0 ** options["integer"] / levels, -keep * levels, levels - 1
