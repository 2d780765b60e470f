"""``graph`` of report.json: the network, layer by layer."""

from __future__ import annotations

from pydantic import Field

from hls.project.report.section import Section


class LayerValues(Section):
    """What so many ``events``, corners left out, put on a layer's output: ``zeros`` counts the values that are 0, and
    ``magnitudes`` the others by the highest bit of their magnitude, from the lowest bit of the type on.

    Shares of all values that the layer's quantizers had to cut off at their ends (``saturated``), and of those that
    were not 0 and became it (``zeroed``); null where it has none, and where one is meant to do so (two steps or less
    from end to end). ``unused_high`` and ``unused_low`` are bits of the type that no value needed; ``negative``:
    whether any was."""

    events: int
    zeros: int
    magnitudes: list[int]
    saturated: float | None
    zeroed: float | None
    unused_high: int
    unused_low: int
    negative: bool

    @property
    def zero_share(self) -> float:
        """The part of all values that is 0."""
        return self.zeros / max(self.zeros + sum(self.magnitudes), 1)


class Layer(Section):
    """One Keras layer on chip; ``inputs`` are the layers that it reads. ``low`` and ``high`` are proved bounds of its
    output, ``observed`` the largest magnitude that the events reached, all in the network's own units;
    ``accumulator_bits`` is the widest sum inside."""

    name: str
    operations: list[str]
    shape: list[int]
    type: str
    width: int
    integer: int
    low: float
    high: float
    observed: float | None
    accumulator_bits: int | None
    parameters: int
    multiplications: int
    inputs: list[str] = Field(default_factory=list)
    lut: float | None = None
    """Its share of the estimated LUTs of the firmware that is built; no error is known of a share."""
    values: LayerValues | None = None
    advice: list[str] = Field(default_factory=list)
    digest: str | None = None
    """Of what it computes: a changed weight, type or rounding changes it."""


class GraphInfo(Section):
    """``graph``: the network as exact integer arithmetic. ``layers`` counts them, ``pipeline`` lists them."""

    layers: int
    parameters: int
    multiplications: int
    ebops: int
    widest_accumulator_bits: int
    overflow_proved: bool
    digest: str
    float32_inexact: list[str]
    notes: list[str]
    pipeline: list[Layer]
