"""What each rounding of a port makes of numbers between its steps, in floats of any width: every step is exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.graph.nodes import PortRounding

Floats = npt.NDArray[Any]


def to_steps(scaled: Floats, rounding: PortRounding) -> Floats:
    """Floats in units of the port's step to whole ones, in their place; infinities stay, NaN too.

    >>> to_steps(np.array([-1.5, 0.25, 2.0, 2.5]), PortRounding.ODD).tolist()
    [-1.0, 1.0, 2.0, 3.0]
    """
    return _TO_STEPS[rounding](scaled)


def _from_zero(x: Floats) -> Floats:
    return np.copysign(np.ceil(np.abs(x)), x, out=x)


def _half_from_zero(x: Floats) -> Floats:
    return _away(x, lambda beyond: beyond >= 0.5)


def _half_to_zero(x: Floats) -> Floats:
    return _away(x, lambda beyond: beyond > 0.5)


def _away(x: Floats, far: Callable[[Floats], npt.NDArray[np.bool_]]) -> Floats:
    """To zero, and back by a step what came from ``far``: what lies beyond is exact, where a sum with a half is not."""
    near = np.trunc(x)
    return np.add(near, np.copysign(far(np.abs(x - near)), x), out=x)


def _odd(x: Floats) -> Floats:
    whole = np.floor(x)
    np.copyto(x, 2 * np.floor(whole / 2) + 1, where=whole < x)
    return x


_TO_STEPS: Mapping[PortRounding, Callable[[Floats], Floats]] = {
    PortRounding.NEAREST_EVEN: lambda x: np.rint(x, out=x),
    PortRounding.FLOOR: lambda x: np.floor(x, out=x),
    PortRounding.CEILING: lambda x: np.ceil(x, out=x),
    PortRounding.TO_ZERO: lambda x: np.trunc(x, out=x),
    PortRounding.FROM_ZERO: _from_zero,
    PortRounding.HALF_FROM_ZERO: _half_from_zero,
    PortRounding.HALF_TO_ZERO: _half_to_zero,
    PortRounding.ODD: _odd,
}
