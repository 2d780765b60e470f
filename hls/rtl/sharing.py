"""How many clocks the positions of a core may take: a copy that takes several does the work of as many."""

from __future__ import annotations

import math

from hls.rtl.logic import Core


def beats_of(core: Core, interval: int) -> int:
    """Clocks in which the fewest copies take all positions within ``interval``; 1 where sharing saves nothing.

    A copy less saves its logic, and its inputs then have to be chosen: a LUT a bit.
    """
    positions = len(core.inputs)
    chosen = sum(wire.width for number, wire in enumerate(core.reads) if len({row[number] for row in core.inputs}) > 1)
    if positions == 1 or float(core.comb.cost) <= chosen:
        return 1
    return math.ceil(positions / math.ceil(positions / interval))
