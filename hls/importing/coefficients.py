"""What a layer multiplies by or adds, beside what QKeras's float32 may have in its place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hls.graph.fixed import FixedArray, times
from hls.graph.float32 import Doubles


@dataclass(frozen=True, eq=False)
class Coefficients:
    """What a layer multiplies by or adds, and by how much QKeras's own float32 may be off it; None if nowhere.

    ``scale``: what the sums are multiplied by, one a channel of the result, where that is no power of two; ``exact``
    and ``off`` are then in units of it.
    """

    exact: FixedArray
    off: Doubles | None = None
    scale: FixedArray | None = None

    def multiplied(self) -> Coefficients:
        """The same without a scale of its own, for a layer whose results are not the channels of its kernel."""
        if self.scale is None:
            return self
        unit = np.abs(self.scale.to_float())
        return Coefficients(times(self.exact, self.scale), None if self.off is None else self.off * unit)
