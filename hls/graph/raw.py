"""Events as the ports of a graph take and give them: integers in units of each port's LSB."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RawArray = npt.NDArray[np.int64]
"""Integers (n, *port shape)."""

RawArrays = list[RawArray]
"""One array for each port, in their order."""
