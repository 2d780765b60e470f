"""Functions without finite binary values: what the next quantizer makes of them is a table, rounded once.

The specification is the function in float64, rounded to the quantizer's grid, half to even, and saturated. TensorFlow
computes it in float32, to some units in the last place, so that an entry near a tie may be its neighbour there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import erf

import numpy as np

from hls.graph.fixed import FLOAT32_LIMIT
from hls.graph.float32 import Doubles
from hls.importing.quantizers import Grid

UNIT = 2.0**-23
_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


@dataclass(frozen=True)
class Function:
    """A function as a table holds it, and the least and greatest that float32 may make of each of its values."""

    exact: Callable[[Doubles], Doubles]
    bounds: Callable[[Doubles], tuple[Doubles, Doubles]]


@dataclass(frozen=True)
class Smooth:
    """A function in float64. ``off`` tells how far float32's may be from value ``y`` at ``x``, in units of 2**-23.

    Over eight million numbers up to 128, on grids and at random, TensorFlow 2.21 stays below half of it.
    """

    value: Callable[[Doubles], Doubles]
    off: Callable[[Doubles, Doubles], Doubles]
    monotonic: bool = True


@dataclass(frozen=True)
class Awaited:
    """A function of node ``x`` whose rounding is that of the quantizer which reads it next."""

    x: str
    function: Smooth


def rounded(smooth: Smooth, grid: Grid) -> Function:
    """What a quantizer with that grid makes of the function."""
    step = 2.0**grid.type.fraction

    def on_grid(y: Doubles) -> Doubles:
        return np.asarray(np.clip(np.rint(y * step), grid.raw_min, grid.raw_max) / step)

    def bounds(x: Doubles) -> tuple[Doubles, Doubles]:
        y = smooth.value(x)
        error = smooth.off(x, y) * UNIT
        q = on_grid(y)
        # QKeras adds q - y to y: exact while y has fewer than 24 bits above the grid, else off by their last places.
        stuck = np.where(np.abs(y) * step < FLOAT32_LIMIT, 0.0, (np.abs(y) + np.abs(q)) * 2 * UNIT)
        return on_grid(y - error) - stuck, on_grid(y + error) + stuck

    return Function(lambda x: on_grid(smooth.value(x)), bounds)


def elu(alpha: float) -> Smooth:
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)``."""
    return Smooth(partial(_elu, alpha=alpha), lambda _x, y: 10 * (abs(alpha) + np.abs(y)), monotonic=alpha >= 0)


def _elu(x: Doubles, alpha: float) -> Doubles:
    return np.asarray(np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0))))


def _sigmoid(x: Doubles) -> Doubles:
    return np.asarray(1 / (1 + np.exp(np.minimum(-x, 700.0))))


def _relative(units: float) -> Callable[[Doubles, Doubles], Doubles]:
    return lambda _x, y: units * np.abs(y)


def _gelu(x: Doubles) -> Doubles:
    return np.asarray(0.5 * x * (1 + np.vectorize(erf, otypes=[np.float64])(x / np.sqrt(2.0))))


_SWISH = Smooth(lambda x: x * _sigmoid(x), _relative(14), monotonic=False)
_HARD_SWISH = Smooth(
    lambda x: x * np.clip((x + 3) / 6, 0.0, 1.0), lambda x, y: 4 * (np.abs(x) + np.abs(y)), monotonic=False
)
SMOOTH: dict[str, Smooth] = {
    "tanh": Smooth(lambda x: np.asarray(np.tanh(x)), _relative(10)),
    "sigmoid": Smooth(_sigmoid, _relative(10)),
    "hard_sigmoid": Smooth(lambda x: np.asarray(np.clip((x + 3) / 6, 0.0, 1.0)), lambda _x, y: 4 * (1 + y)),
    "elu": elu(1.0),
    "selu": Smooth(lambda x: _SELU_SCALE * _elu(x, _SELU_ALPHA), lambda _x, y: 10 * (2 + np.abs(y))),
    "softplus": Smooth(lambda x: np.asarray(np.logaddexp(0.0, x)), _relative(40)),
    "softsign": Smooth(lambda x: x / (1 + np.abs(x)), _relative(4)),
    "exponential": Smooth(lambda x: np.asarray(np.exp(np.minimum(x, 700.0))), _relative(10)),
    "swish": _SWISH,
    "silu": _SWISH,
    "hard_swish": _HARD_SWISH,
    "hard_silu": _HARD_SWISH,
    "gelu": Smooth(_gelu, lambda x, _y: 10 * np.abs(x), monotonic=False),
}
"""Those of Keras, by name."""
