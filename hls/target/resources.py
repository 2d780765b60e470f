"""What a design takes of a part: the kinds that are counted, each with the one spelling of its name everywhere.

Estimates, netlists, vendors' reports, parts, budgets and tables all go through ``RESOURCES``: a new kind is one entry
here, and whoever counts it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

TILE_KBIT = 36
"""Size of the memory blocks that estimates and report.json count: AMD's tile of two 18K blocks."""


@dataclass(frozen=True)
class Resource:
    """A kind that parts hold a limited number of.

    ``key`` names it in report.json, ``limit`` in project.toml's [budget] and in a scan; a kind without ``limit`` is
    found in parts and in vendors' reports only, since no design of ours is made of it. ``label`` is a heading,
    ``words`` what a sentence or an axis says. ``step`` is the least amount that is counted. ``block_kbit`` is the size
    of the blocks that reports state, of a memory whose blocks differ from vendor to vendor; None for all else.
    """

    key: str
    limit: str | None
    label: str
    words: str
    step: float = 1.0
    block_kbit: int | None = None

    @property
    def heading(self) -> str:
        """The label, with the size of the blocks.

        >>> LUTS.heading, BLOCK_RAM.heading
        ('LUT', 'BRAM, 36 kbit')
        """
        return self.label if self.block_kbit is None else f"{self.label}, {self.block_kbit} kbit"

    def stated(self, number: float) -> float:
        """``number`` as report.json writes it: an integer unless fractions are counted.

        >>> LUTS.stated(100.0), BLOCK_RAM.stated(2)
        (100, 2.0)
        """
        return int(number) if self.step == 1 else float(number)

    def in_blocks(self, number: float, of_kbit: float, to_kbit: float) -> float:
        """``number`` blocks of ``of_kbit`` as blocks of ``to_kbit``; what has no blocks stays as it is.

        >>> BLOCK_RAM.in_blocks(5, of_kbit=18, to_kbit=36)
        2.5
        >>> LUTS.in_blocks(5, of_kbit=18, to_kbit=36)
        5
        """
        return number if self.block_kbit is None else number * (of_kbit / to_kbit)


LUTS = Resource("lut", "luts", "LUT", "LUTs")
FLIP_FLOPS = Resource("ff", "ffs", "FF", "flip-flops")
DSPS = Resource("dsp", "dsps", "DSP", "DSPs")
BLOCK_RAM = Resource("bram", "brams", "BRAM", "block RAMs", step=0.5, block_kbit=TILE_KBIT)
ULTRA_RAM = Resource("uram", None, "URAM", "UltraRAMs")

RESOURCES = (LUTS, FLIP_FLOPS, DSPS, BLOCK_RAM, ULTRA_RAM)
"""Every kind, in the order in which reports and tables state them."""

LIMITS: Mapping[str, Resource] = {kind.limit: kind for kind in RESOURCES if kind.limit is not None}
"""Those that a design of ours may take, by their key in [budget]."""

LOGIC_LIMITS: Mapping[str, Resource] = {limit: kind for limit, kind in LIMITS.items() if kind.block_kbit is None}
"""Those of a design without memories, by the same key: what a scan measures."""

_BY_KEY = {kind.key: kind for kind in RESOURCES}

Range = tuple[float, float, float]
"""A figure, and the lower and upper end of where it may lie."""
Needs = Mapping[str, float | Range]
"""What a design takes of a part: by a resource's key a number, or one with its range."""


def resource(key: str) -> Resource:
    """The kind called ``key``.

    >>> resource("dsp").words
    'DSPs'

    Raises:
        ValueError: there is none; names those there are.
    """
    if key not in _BY_KEY:
        raise ValueError(f"{key!r} is no resource of a part: {', '.join(_BY_KEY)}")
    return _BY_KEY[key]


class Counts(Mapping[str, float]):
    """How many of each kind, by key; immutable. What is not named is not counted, and zero in a sum.

    >>> adder, multiplier = Counts(lut=12, ff=13), Counts(dsp=1, ff=40)
    >>> 2 * adder + multiplier
    Counts(lut=24, ff=66, dsp=1)
    >>> Counts(luts=3)
    Traceback (most recent call last):
    ValueError: 'luts' is no resource of a part: lut, ff, dsp, bram, uram
    """

    __slots__ = ("_numbers",)

    def __init__(self, **numbers: float) -> None:
        for key in numbers:
            resource(key)
        self._numbers = {key: numbers[key] for key in _BY_KEY if key in numbers}

    def __getitem__(self, key: str) -> float:
        return self._numbers[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __hash__(self) -> int:
        return hash(frozenset(self._numbers.items()))

    def __add__(self, other: Counts) -> Counts:
        keys = {**self._numbers, **other._numbers}
        return Counts(**{key: self.get(key, 0) + other.get(key, 0) for key in keys})

    def __rmul__(self, factor: float) -> Counts:
        return Counts(**{key: factor * number for key, number in self.items()})

    def __repr__(self) -> str:
        return f"Counts({', '.join(f'{key}={number}' for key, number in self.items())})"


NONE = Counts()
