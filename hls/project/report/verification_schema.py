"""``verification`` and ``witnesses`` of report.json: on which events, who differed from whom, and where."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hls.project.report.section import Section

Agreement = Literal["bit-exact", "within float32", "differs", "not compared"]


class PortInfo(Section):
    """One of ``ports``: of the events but corners, how many lie ``beyond`` its type, how many differ there; which
    share of their values saturates, and which share of those that are not zero becomes it."""

    name: str
    type: str
    beyond: int
    distinct: int
    saturated: float | None = None
    zeroed: float | None = None


class WitnessInfo(Section):
    """One of ``witnesses``. Events differing from the emulator's integers are ``mismatches``, but those of QKeras that
    lie where its own float32 can have taken them are ``float32_differs``: off by ``float32_deviation`` LSBs at most, of
    ``float32_allowed`` that would have been accepted in one of them, a ``float32_share`` of the output's range. Not
    run: ``status`` says so, ``reason`` why."""

    status: Literal["ran", "not run"]
    reason: str | None = None
    events: int = 0
    mismatches: int = 0
    events_per_second: float | None = None
    seconds: float | None = None
    version: str | None = None
    float32_differs: int | None = None
    float32_deviation: float | None = None
    float32_allowed: float | None = None
    float32_share: float | None = None


class KeptResult(Section):
    """One of ``kept``: what a witness found in an earlier build of the same firmware, on the events of ``source``."""

    built: str
    source: str
    result: WitnessInfo


class DisagreementInfo(Section):
    """First event on which two witnesses differ; values and input are raw integers, null for one off the grid.

    In all ``events`` that differ ``differing`` values do, of ``compared``, by ``largest`` LSBs at most. ``place`` says
    how the ``layer`` is known, or why it is not; ``lsb`` is that of the output that is named."""

    witnesses: tuple[str, str]
    events: int
    event: int
    output: str
    element: list[int]
    values: tuple[int | None, int | None]
    layer: str | None
    input: list[list[int]]
    message: str
    differing: int | None = None
    compared: int | None = None
    largest: int | None = None
    lsb: float | None = None
    place: str = ""


class VerificationInfo(Section):
    """``verification``: whether every witness agreed, on which events; ``not_asked`` names those left out.

    ``agreement`` says how far: all bits are equal, or QKeras differs within its own float32's error, or something
    differs that nothing explains. Reports written before it was told apart have none."""

    passed: bool
    agreement: Agreement | None = None
    events: int
    corner_events: int
    source: str
    not_asked: list[str] = Field(default_factory=list)
    failures: list[str]
    disagreements: list[DisagreementInfo]
    odd_one_out: str | None = None
    """The witness without which all would agree."""
    distinct_events: int | None = None
    """Of the events but corners, as ``ports``; reports written before it was counted have none."""
    ports: list[PortInfo] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    """Where the events cover little."""

    @property
    def coverage(self) -> str | None:
        """``distinct_events`` and ``ports`` in a line; None for a report that does not state them."""
        if self.distinct_events is None:
            return None
        beyond = [f"{port.beyond:,} lie beyond {port.type} of {port.name}" for port in self.ports if port.beyond]
        events = f"{self.distinct_events:,} of {self.events - self.corner_events:,} events distinct"
        return "; ".join([events, *beyond])
