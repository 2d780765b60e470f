"""Whether a design fits a part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hls.target.parts.catalog import Part
from hls.target.resources import Needs, resource

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


def check_fit(part: Part, needed: Needs, *, bram_kbit: float | None = None) -> Fit:
    """How much of ``part`` a design takes, and whether it fits.

    ``needed`` says by resource how much, as a number or as (value, low, high). Memory blocks are of ``bram_kbit`` kbit,
    by default the part's own (36 kbit tiles on AMD parts). A super logic region is taken as an equal share of the part;
    "fits one SLR" is said of parts with several.

    >>> from hls.target.parts import find_part
    >>> fit = check_fit(find_part("xc7z020"), {"lut": 26_600, "dsp": (200, 180, 230)})
    >>> fit.verdict, fit.certain, fit.scarcest, fit.utilisation["lut"]
    ('fits', False, 'dsp', 0.5)

    Raises:
        ValueError: nothing is needed, or there is no such resource.
    """
    uses = {}
    for name, need in needed.items():
        kind = resource(name)
        amounts = need if isinstance(need, tuple) else (need, need, need)
        own = [kind.in_blocks(amount, bram_kbit or part.block_kbit, part.block_kbit) for amount in amounts]
        uses[name] = Use(*(_share(amount, part.capacity(name)) for amount in own))
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
