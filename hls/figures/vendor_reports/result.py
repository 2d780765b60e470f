"""What a vendor's report says, with its unit, stage and tool."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hls.errors import FirmwareError
from hls.target.resources import RESOURCES, Counts

FlowStage = Literal["csynth", "cosim", "synth", "post-route"]
STAGES: tuple[FlowStage, ...] = ("csynth", "cosim", "synth", "post-route")
"""In the order of a design flow: C synthesis, C/RTL co-simulation, logic synthesis, place and route."""

LARGEST_REPORT = 64 << 20  # a csynth.xml of a large unrolled network has some megabytes

_UNITS = {"ps": 1e-3, "ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9, "sec": 1e9}
_TIME = re.compile(r"([0-9.,+-]+(?:[eE][+-]?\d+)?)\s*([a-zA-Zµμ]+)")


class VendorReportError(FirmwareError):
    """A vendor's report is missing a section, is cut off, or tells of a design that cannot be the one built."""


@dataclass(frozen=True)
class VendorReport:
    """Figures of one report. None where it does not say.

    ``stage`` is a figure's meaning: numbers of different stages are not comparable. ``bram`` counts memory blocks of
    ``bram_kbit`` kbit (36 kbit tiles for AMD: two 18K blocks). ``cycles`` is the worst latency and ``interval`` the
    worst interval in clock cycles; ``clock_ns`` is the clock asked for, ``period_ns`` what the tool reached or expects.
    """

    tool: str
    version: str | None
    stage: FlowStage
    file: Path
    part: str | None = None
    top: str | None = None
    lut: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram: float | None = None
    bram_kbit: int = 36
    uram: int | None = None
    cycles: int | None = None
    interval: int | None = None
    clock_ns: float | None = None
    period_ns: float | None = None
    source: Literal["vendor"] = "vendor"

    @property
    def counts(self) -> Counts:
        """What the report counts; memory in blocks of ``bram_kbit``."""
        found = {kind.key: getattr(self, kind.key) for kind in RESOURCES}
        return Counts(**{key: count for key, count in found.items() if count is not None})

    @property
    def latency_ns(self) -> float | None:
        """Latency at the clock asked for."""
        return None if self.cycles is None or self.clock_ns is None else self.cycles * self.clock_ns

    @property
    def timing_met(self) -> bool | None:
        """Whether the clock asked for is reached."""
        return None if self.period_ns is None or self.clock_ns is None else self.period_ns <= self.clock_ns


def read_text(path: Path) -> str:
    """Content of a report, or a ``VendorReportError`` that names it."""
    try:
        if path.stat().st_size > LARGEST_REPORT:
            raise VendorReportError(f"{path}: larger than {LARGEST_REPORT >> 20} MiB, so no report; remove it")
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise VendorReportError(f"{path}: cannot be read: {error.strerror}") from error
    if not text.strip():
        raise VendorReportError(f"{path}: empty; the tool was stopped before it wrote its report, run it again")
    return text


def missing(path: Path, section: str) -> VendorReportError:
    """The error of a report that lacks ``section``."""
    return VendorReportError(f"{path}: section {section} is missing or cut off; run the tool again to its end")


def number(path: Path, section: str, text: str | None) -> float:
    """A number such as "1,234", "< 1" or "3.5"; anything else is an error that names ``path`` and ``section``.

    >>> number(Path("a.rpt"), "Slice Logic", " 1,234 "), number(Path("a.rpt"), "Slice Logic", "< 1")
    (1234.0, 1.0)
    """
    cleaned = (text or "").strip().replace(",", "").removeprefix("<").strip()
    try:
        value = float(cleaned)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise VendorReportError(f"{path}: section {section}: {(text or '').strip()!r} is not a count; report damaged?")
    return value


def count(path: Path, section: str, text: str | None) -> int:
    """A whole number."""
    value = number(path, section, text)
    if value != int(value):
        raise VendorReportError(f"{path}: section {section}: {value:g} is not a whole number")
    return int(value)


def time_ns(path: Path, section: str, text: str | None) -> float:
    """A time with its unit ("4.35 ns", "0.120 us", "1.2 ms") in nanoseconds; a number without a unit is an error.

    >>> time_ns(Path("a.xml"), "Latency", "0.5 us"), time_ns(Path("a.xml"), "Latency", "4.35 ns")
    (500.0, 4.35)
    """
    match = _TIME.fullmatch((text or "").strip())
    unit = match.group(2).lower().replace("µ", "u").replace("μ", "u") if match else ""
    if match is None or unit not in _UNITS:
        raise VendorReportError(
            f"{path}: section {section}: {(text or '').strip()!r} is no time with a unit (ns, us, ms)"
        )
    return number(path, section, match.group(1)) * _UNITS[unit]
