"""Types of hls4ml's layers, worked by hand."""

from __future__ import annotations

import numpy as np

from hls.graph.fixed import FixedArray
from hls.hls4ml_project.types import coarsest


def test_constants_on_the_coarsest_grid_that_holds_them() -> None:
    """1 and -1/2 in eighths are 2 and -1 in halves; nothing but zeros needs no fraction at all."""
    found = coarsest(FixedArray(np.array([8, -4, 0]), 3))
    assert (found.integers.tolist(), found.fraction) == ([2, -1, 0], 1)
    assert coarsest(FixedArray(np.array([0, 0]), 3)).fraction == 0
    assert coarsest(FixedArray(np.array([12, 8]), -2)).fraction == -4
