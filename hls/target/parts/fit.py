"""Whether a design fits a part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hls.target.parts.catalog import Part

RESOURCES = ("lut", "ff", "dsp", "bram", "uram")
Verdict = Literal["fits one SLR", "fits", "does not fit"]


@dataclass(frozen=True)
class Use:
    """Share of a part that one resource takes, 1 being all of it, with the range of an estimate."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Fit:
    """``verdict`` for the values; ``certain`` if the whole range has it. ``scarcest`` is the resource used most."""

    part: str
    uses: Mapping[str, Use]
    verdict: Verdict
    certain: bool
    scarcest: str

    @property
    def utilisation(self) -> dict[str, float]:
        """Share by resource, as report.json states it."""
        return {name: use.value for name, use in self.uses.items()}


def check_fit(
    part: Part, needed: Mapping[str, float | tuple[float, float, float]], *, bram_kbit: float | None = None
) -> Fit:
    """How much of ``part`` a design takes, and whether it fits.

    ``needed`` maps "lut", "ff", "dsp", "bram" and "uram" to a number, or to (value, low, high). "bram" counts blocks of
    ``bram_kbit`` kbit, by default the part's own (36 kbit tiles on AMD parts). A super logic region is taken as an
    equal share of the part; "fits one SLR" is said of parts with several.
    """
    uses = {}
    for name, need in needed.items():
        if name not in RESOURCES:
            raise ValueError(f"{name!r} is no resource of a part: {', '.join(RESOURCES)}")
        value, low, high = need if isinstance(need, tuple) else (need, need, need)
        unit = bram_kbit / part.block_kbit if name == "bram" and bram_kbit is not None else 1.0
        uses[name] = Use(*(_share(amount * unit, part.capacity(name)) for amount in (value, low, high)))
    if not uses:
        raise ValueError("no resource given")
    verdicts = [
        _verdict(max(shares), part.slrs)
        for shares in zip(*((use.value, use.low, use.high) for use in uses.values()), strict=True)
    ]
    return Fit(
        part=part.name,
        uses=uses,
        verdict=verdicts[0],
        certain=len(set(verdicts)) == 1,
        scarcest=max(uses, key=lambda name: uses[name].value),
    )


def _share(amount: float, capacity: int) -> float:
    if amount == 0:
        return 0.0
    return amount / capacity if capacity else float("inf")


def _verdict(share: float, slrs: int) -> Verdict:
    if slrs > 1 and share <= 1 / slrs:
        return "fits one SLR"
    return "fits" if share <= 1 else "does not fit"
