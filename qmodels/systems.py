"""Types that the systems of this package share. ``hls.project.systems.protocols`` states what a system must offer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats32 = npt.NDArray[np.float32]
Firmware = Callable[[Floats32], npt.NDArray[np.float64]]
Fidelity = dict[str, dict[str, Any]]
