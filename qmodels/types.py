"""Types that every room of this package shares. ``hls.project.systems.protocols`` states what a system must offer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Floats32 = npt.NDArray[np.float32]
Floats64 = npt.NDArray[np.float64]
Ints32 = npt.NDArray[np.int32]

Firmware = Callable[[Floats32], Floats64]
Fidelity = dict[str, dict[str, Any]]

EventProgress = Callable[[int, int], None]
"""Told how many events are done, and of how many."""
