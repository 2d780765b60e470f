"""Which element lies at which bits of which port, and what a bit is worth: the comment that heads a top module."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np

from hls.rtl.ports import RtlPort

_RULE = "Elements lie in row-major order, the first in the lowest bits; the value is the integer times a power of two."
_MOST_LISTED = 64
"""Elements of a port; of more only the rule is told."""


def port_map_comment(inputs: Sequence[RtlPort], outputs: Sequence[RtlPort], mark: str = "//") -> str:
    """Lines that begin with ``mark``.

    >>> from hls.graph.fixed import FixedType
    >>> port = RtlPort("jets", "in_jets", (2,), FixedType(True, 8, 4))
    >>> print(port_map_comment([port], []), end="")
    // Elements lie in row-major order, the first in the lowest bits; the value is the integer times a power of two.
    // in_jets: "jets" (2), each 8 bits, two's complement, times 2^-4: ap_fixed<8,4>
    //     in_jets[7:0]   jets[0]
    //     in_jets[15:8]  jets[1]
    """
    lines = [_RULE, *(line for port in (*inputs, *outputs) for line in _port(port))]
    return "".join(f"{mark} {line}\n" for line in lines)


def _port(port: RtlPort) -> Iterator[str]:
    sizes, width = " x ".join(map(str, port.shape)) or "1", port.type.width
    sign = "two's complement" if port.type.signed else "without sign"
    name = json.dumps(port.name)  # one line of ASCII, whatever it is called
    yield f"{port.signal}: {name} ({sizes}), each {width} bits, {sign}, times 2^{-port.type.fraction}: {port.type}"
    if port.beats.number > 1:
        yield f"    {port.beats.number} beats of {port.elements} elements, {port.beats.apart} clocks apart"
    if port.elements > _MOST_LISTED:
        yield f"    {port.signal}[{width}*i+{width - 1}:{width}*i]  element i"
        return
    places = [f"{port.signal}[{(i + 1) * width - 1}:{i * width}]" for i in range(port.elements)]
    shape = port.shape if port.beats.number == 1 else (port.elements,)
    for place, element in zip(places, np.ndindex(shape or (1,)), strict=True):
        yield f"    {place.ljust(max(map(len, places)))}  {name[1:-1]}[{', '.join(map(str, element))}]"
