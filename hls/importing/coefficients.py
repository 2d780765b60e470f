"""What a layer multiplies by or adds, beside what QKeras's float32 may have in its place."""

from __future__ import annotations

from dataclasses import dataclass

from hls.graph.fixed import FixedArray
from hls.graph.float32 import Doubles


@dataclass(frozen=True, eq=False)
class Coefficients:
    """What a layer multiplies by or adds, and by how much QKeras's own float32 may be off it; None if nowhere."""

    exact: FixedArray
    off: Doubles | None = None
