"""Numbers of an event of which nothing is known."""

from __future__ import annotations

from hls.proof.verilog import Input
from hls.proof.words import Space
from hls.rtl import Design


def any_event(design: Design, space: Space) -> dict[str, Input]:
    """Each element of each input as a number of its own, of all values that its type has."""
    found = {}
    for number, port in enumerate(design.inputs):
        low, high = port.type.raw_min, port.type.raw_max
        found[port.signal] = Input(port, [space.port(number, element, low, high) for element in range(port.size)])
    return found
