"""How the latents of one encoder become bits: a quantizer for every latent at every point of a grid in log10 β.

Everything here is an integer, so that encoder and decoder agree on any machine. Kept beside a model as
latent_layout.json.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hls.errors import ProjectError
from hls.machine.files import read_json, write_text
from qmodels.errors import ModelDataError
from qmodels.types import Floats64

FILE = "latent_layout.json"
FORMAT = "qtrigger-latent-layout"
VERSION, VERSION_WITHOUT_TRELLIS = 2, 1
VALUE_BITS = 20  # reconstructed latents are integers in units of 2**-20
PRICE_BITS = 32
MAX_LEVELS = 1 << 14
_WIDEST = 1 << 32  # of any number of a quantizer, so that no sum or product of them leaves 64 bits
_MOST_FRACTION = 64
_LEAST_WEIGHT = 1 / 16  # of a symbol without weight, which has one part of 2**16

Ints = npt.NDArray[np.int64]
Coding = Literal["fixed", "entropy"]
CODINGS: tuple[Coding, ...] = ("fixed", "entropy")
FileCoding = Literal["fixed", "entropy", "trellis"]
FILE_CODINGS: tuple[FileCoding, ...] = (*CODINGS, "trellis")


@dataclass(frozen=True)
class Quantizer:
    """Raw integer m of the firmware -> symbol clip(floor((m + offset) / step), 0, levels - 1), and back.

    The value of symbol s is (origin + slope s) 2**-20. ``weights`` are relative frequencies of the symbols, each
    shared by ``cell`` neighbours; none for fixed coding. A latent that carries nothing has one level: no bits.

    >>> Quantizer(step=4, offset=8, levels=5, origin=-8, slope=4).width
    3
    """

    step: int
    offset: int
    levels: int
    origin: int
    slope: int
    cell: int = 1
    weights: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """Bits of its field in a fixed packet."""
        return (self.levels - 1).bit_length()


@dataclass(frozen=True)
class TrellisQuantizer:
    """One latent: an odd number of symbols of the first quantizer, then as many of the second, the middle one being 0.

    ``values``: what they tell the decoder, and ``origin`` the latent's centre, in 2**-20. ``weights``: their relative
    frequencies. For the encoder alone: an error of one LSB squared weighs as much as ``price`` 2**-32 bits, and a value
    stands for the mean origin + ``gain`` 2**-20 (value - origin). A latent that is not sent has one value, no weights.
    """

    price: int
    gain: int
    origin: int
    values: tuple[int, ...]
    weights: tuple[int, ...]

    def levels(self, fraction: int) -> Floats64:
        """The mean that each symbol stands for, in units of 2**-fraction."""
        beyond = np.array(self.values, np.float64) - self.origin
        return np.ldexp(self.origin + np.ldexp(self.gain, -VALUE_BITS) * beyond, fraction - VALUE_BITS)

    @property
    def bits(self) -> Floats64:
        """What each symbol costs."""
        weights = np.maximum(np.array(self.weights, np.float64), _LEAST_WEIGHT).reshape(2, -1)
        return -np.log2(weights / weights.sum(axis=1, keepdims=True)).ravel()

    @staticmethod
    def silent(origin: int) -> TrellisQuantizer:
        """That of a latent which is not sent."""
        return TrellisQuantizer(0, 0, origin, (origin,), ())

    @property
    def symbols(self) -> int:
        """Of either quantizer; 0 where nothing is sent."""
        return len(self.values) // 2

    @property
    def sound(self) -> bool:
        """Whether every number is one that this program writes."""
        if not self.weights:
            return len(self.values) == 1 and abs(self.values[0]) < _WIDEST
        count = self.symbols
        halves = self.weights[:count], self.weights[count:]
        return (
            len(self.values) == len(self.weights) == 2 * count
            and count % 2 == 1
            and count <= MAX_LEVELS
            and min(self.weights) >= 0
            and all(sum(half) > 0 for half in halves)
            and 0 < self.price < 1 << (PRICE_BITS + 8)
            and all(abs(n) < _WIDEST for n in (self.gain, self.origin, *self.values, *self.weights))
        )

    def row(self) -> list[Any]:
        """As in latent_layout.json."""
        return [self.origin] if not self.weights else list(astuple(self))

    @staticmethod
    def of_row(row: list[Any]) -> TrellisQuantizer:
        """Undo :meth:`row`."""
        if len(row) == 1:
            return TrellisQuantizer.silent(int(row[0]))
        price, gain, origin, values, weights = row
        return TrellisQuantizer(int(price), int(gain), int(origin), tuple(map(int, values)), tuple(map(int, weights)))


@dataclass(frozen=True)
class GridPoint:
    """One β: a quantizer a latent for either coding, and one of a trellis where it was calibrated."""

    log10_beta: float
    fixed: tuple[Quantizer, ...]
    entropy: tuple[Quantizer, ...]
    trellis: tuple[TrellisQuantizer, ...] = ()

    def quantizers(self, coding: Coding) -> tuple[Quantizer, ...]:
        """Those of ``coding``."""
        return self.fixed if coding == "fixed" else self.entropy


@dataclass(frozen=True)
class LatentLayout:
    """The whole grid; ``fraction``: one LSB of the firmware's means is 2**-fraction."""

    fraction: int
    points: tuple[GridPoint, ...]

    @property
    def latents(self) -> int:
        """Number of latents."""
        return len(self.points[0].fixed)

    @cached_property
    def grid(self) -> npt.NDArray[np.float64]:
        """log10 β of the points, ascending."""
        return np.array([point.log10_beta for point in self.points])

    @cached_property
    def digest(self) -> bytes:
        """Eight bytes that tell this layout from every other, the trellis apart."""
        return self._without_trellis.trellis_digest

    @cached_property
    def trellis_digest(self) -> bytes:
        """Eight bytes that tell this layout with its trellis from every other."""
        return hashlib.sha256(self.to_json().encode()).digest()[:8]

    @property
    def _without_trellis(self) -> LatentLayout:
        return replace(self, points=tuple(replace(point, trellis=()) for point in self.points))

    def nearest(self, log10_beta: npt.ArrayLike) -> Ints:
        """Index of the grid point nearest to each log10 β; beyond the grid, its end.

        >>> nothing = (Quantizer(1, 0, 1, 0, 0),)
        >>> layout = LatentLayout(10, tuple(GridPoint(beta, nothing, nothing) for beta in (-2.0, -1.0, 0.0)))
        >>> layout.nearest([-5.0, -1.2, 0.3]).tolist()
        [0, 1, 2]
        """
        wanted = np.asarray(log10_beta, np.float64)
        if not np.isfinite(wanted).all():
            raise ModelDataError("log10 beta is not finite; give a positive beta")
        middles = (self.grid[1:] + self.grid[:-1]) / 2
        return np.searchsorted(middles, wanted).astype(np.int64)

    def to_json(self) -> str:
        """The text of latent_layout.json: the same layout gives the same text."""
        points = [
            {"log10_beta": point.log10_beta, **{c: [_row(q) for q in point.quantizers(c)] for c in CODINGS}}
            for point in self.points
        ]
        for point, content in zip(self.points, points, strict=True):
            if point.trellis:
                content["trellis"] = [quantizer.row() for quantizer in point.trellis]
        version = VERSION if any(point.trellis for point in self.points) else VERSION_WITHOUT_TRELLIS
        head = {"format": FORMAT, "version": version, "fraction": self.fraction}
        return json.dumps({**head, "points": points}, separators=(",", ":"))

    def write(self, path: Path) -> None:
        """Write latent_layout.json."""
        write_text(path, self.to_json() + "\n")


def read_layout(path: Path) -> LatentLayout:
    """Read latent_layout.json; ModelDataError if it is missing, damaged or of another version."""
    try:
        content = read_json(path)
    except FileNotFoundError:
        raise ModelDataError(f"{path}: no such layout; train the system again to get one") from None
    except (OSError, ProjectError) as error:
        raise ModelDataError(f"{path}: damaged layout ({error}); train the system again") from error
    return _parsed(content, path)


def _row(quantizer: Quantizer) -> list[Any]:
    if quantizer.levels == 1:
        return [quantizer.origin]
    *numbers, cell, weights = astuple(quantizer)
    return [*numbers, cell, list(weights)] if weights else numbers


def _quantizer(row: list[Any]) -> Quantizer:
    if len(row) == 1:
        return Quantizer(1, 0, 1, int(row[0]), 0)
    *numbers, weights = row if len(row) == 7 else [*row, 1, []]
    step, offset, levels, origin, slope, cell = (int(number) for number in numbers)
    return Quantizer(step, offset, levels, origin, slope, cell, tuple(int(weight) for weight in weights))


def _parsed(content: Any, path: Path) -> LatentLayout:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ModelDataError(f"{path}: not a latent layout: its format is not {FORMAT!r}")
    if content.get("version") not in (VERSION, VERSION_WITHOUT_TRELLIS):
        raise ModelDataError(f"{path}: layout version {content.get('version')}, this program reads up to {VERSION}")
    try:
        points = tuple(
            GridPoint(
                log10_beta=float(p["log10_beta"]),
                fixed=tuple(_quantizer(row) for row in p["fixed"]),
                entropy=tuple(_quantizer(row) for row in p["entropy"]),
                trellis=tuple(TrellisQuantizer.of_row(row) for row in p.get("trellis", ())),
            )
            for p in content["points"]
        )
        layout = LatentLayout(int(content["fraction"]), points)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelDataError(f"{path}: damaged layout ({error!r}); train the system again") from error
    _check(layout, path)
    return layout


def _check(layout: LatentLayout, path: Path) -> None:
    if abs(layout.fraction) > _MOST_FRACTION:
        raise ModelDataError(f"{path}: fraction {layout.fraction} is beyond reason; train the system again")
    if not layout.points or not (np.diff(layout.grid) > 0).all():
        raise ModelDataError(f"{path}: its log10 beta do not ascend; train the system again")
    for point in layout.points:
        for coding in CODINGS:
            quantizers = point.quantizers(coding)
            if len(quantizers) != layout.latents:
                raise ModelDataError(f"{path}: log10 beta {point.log10_beta}: {len(quantizers)} {coding} quantizers")
            bad = next((index for index, each in enumerate(quantizers) if not _sound(each, coding)), None)
            if bad is not None:
                raise ModelDataError(f"{path}: log10 beta {point.log10_beta}: latent {bad}: bad {quantizers[bad]}")
        if len(point.trellis) not in (0, layout.latents) or not all(each.sound for each in point.trellis):
            raise ModelDataError(f"{path}: log10 beta {point.log10_beta}: bad trellis; train the system again")


def _sound(quantizer: Quantizer, coding: Coding) -> bool:
    cells = -(-quantizer.levels // max(quantizer.cell, 1))
    weighted = len(quantizer.weights) == (cells if coding == "entropy" and quantizer.levels > 1 else 0)
    positive = quantizer.step >= 1 and quantizer.cell >= 1 and min(quantizer.weights, default=0) >= 0
    numbers = (*astuple(quantizer)[:-1], *quantizer.weights)
    narrow = all(abs(number) < _WIDEST for number in numbers)
    some = sum(quantizer.weights) > 0 or not quantizer.weights
    return narrow and weighted and positive and some and 1 <= quantizer.levels <= MAX_LEVELS
