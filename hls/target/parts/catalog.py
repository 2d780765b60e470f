"""The parts that are known, by full device name, short name or board.

``parts.json`` holds one line a part with its source. Device names are the vendors' own: "xcvu13p-flga2577-2-e" names
package, speed grade and temperature grade too, none of which changes what the part holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from hls.errors import ProjectError
from hls.target.resources import BLOCK_RAM, RESOURCES, Counts

# Optional low-power and temperature letters, then the package: "ffg1761-2", "icsg324-1l", "-flga2577-2-e", or nothing.
_AFTER_DEVICE = re.compile(r"([il]{0,2}[a-z]{2,4}\d{2,4}[a-z]?(-.*)?|-.*)?")
_ORDERING_CODE = re.compile(r"[a-z0-9-]*")


@dataclass(frozen=True)
class Part:
    """A device. ``holds`` counts LUTs, flip-flops and DSPs as ``logic`` and the vendor call them, and the memory
    blocks named in ``memory``, of ``block_kbit`` kbit (for AMD tiles of 36: ``bram_18k`` is twice that). ``slrs`` is
    the number of super logic regions, taken as equal."""

    name: str
    vendor: str
    family: str
    holds: Counts
    slrs: int
    logic: str
    memory: str
    block_kbit: int
    source: str

    @property
    def bram_18k(self) -> int | None:
        """18 kbit blocks of an AMD part, the unit of HLS reports; None for other vendors."""
        return 2 * self.capacity(BLOCK_RAM.key) if self.vendor == "AMD" else None

    def capacity(self, resource: str) -> int:
        """How many there are of the resource with this key; 0 of what the part does not have.

        >>> find_part("VU13P").capacity("dsp")
        12288
        """
        return int(self.holds.get(resource, 0))

    @staticmethod
    def of_row(row: Mapping[str, Any]) -> Part:
        """The part that a line of parts.json states."""
        holds = Counts(**{kind.key: row[kind.key] for kind in RESOURCES if kind.key in row})
        return Part(holds=holds, **{key: value for key, value in row.items() if key not in holds})

    def row(self) -> dict[str, str | float]:
        """The line of parts.json that states the part, in which its counts stand beside the other fields."""
        row: dict[str, str | float] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            row |= value if isinstance(value, Counts) else {field.name: value}
        return row


@dataclass(frozen=True)
class Board:
    """A board, and the full device name of its FPGA."""

    name: str
    part: str
    source: str


@cache
def _content() -> tuple[tuple[Part, ...], dict[str, re.Pattern[str]], tuple[Board, ...]]:
    loaded: dict[str, Any] = json.loads(files("hls.target.parts").joinpath("parts.json").read_text(encoding="utf-8"))
    patterns = {row["name"]: re.compile(row.pop("pattern", re.escape(row["name"]))) for row in loaded["parts"]}
    return (
        tuple(Part.of_row(row) for row in loaded["parts"]),
        patterns,
        tuple(Board(**row) for row in loaded["boards"]),
    )


def all_parts() -> tuple[Part, ...]:
    """Every known part."""
    return _content()[0]


def all_boards() -> tuple[Board, ...]:
    """Every known board."""
    return _content()[2]


def find_part(name: str) -> Part:
    """The part that ``name`` means: a full device name, a short one ("VU13P") or a board ("ZCU102").

    >>> find_part("xcvu13p-flga2577-2-e").name, find_part("VU13P").name, find_part("ZCU102").name
    ('xcvu13p', 'xcvu13p', 'xczu9eg')

    Raises:
        ProjectError: unknown; names the nearest that are known.
    """
    asked = _plain(name)
    for board in all_boards():
        if asked in (_plain(board.name), _plain(board.name).removeprefix("alveo")):
            return find_part(board.part)
    found = [part for part in all_parts() if _names(part, name.strip().lower())]
    if not found:
        raise ProjectError(f"part {name!r} is not known{_nearest(name)}; `qtrigger parts` lists all")
    return max(found, key=lambda part: len(part.name))


def search(query: str = "") -> list[tuple[Part, tuple[str, ...]]]:
    """Parts whose name, family, vendor or board holds every word of ``query``, each with the boards that carry it.

    >>> [(part.name, boards) for part, boards in search("zcu111")]
    [('xczu28dr', ('ZCU111',))]
    """
    words = query.lower().split()
    boards: dict[str, list[str]] = {}
    for board in all_boards():
        boards.setdefault(find_part(board.part).name, []).append(board.name)
    result = []
    for part in all_parts():
        carried = tuple(boards.get(part.name, ()))
        text = " ".join((part.name, part.family, part.vendor, *carried)).lower()
        if all(word in text for word in words):
            result.append((part, carried))
    return result


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _names(part: Part, asked: str) -> bool:
    if part.vendor != "AMD":
        match = _content()[1][part.name].match(asked)
        return match is not None and _ORDERING_CODE.fullmatch(asked[match.end() :]) is not None
    device = part.name
    # Automotive (xa) and defence grade (xq) parts hold what the commercial ones do; "vu13p" is short for "xcvu13p".
    for candidate in (asked, re.sub(r"^x[aq]", "xc", asked), f"xc{asked}"):
        if candidate.startswith(device) and _AFTER_DEVICE.fullmatch(candidate[len(device) :]):
            return True
    return False


def _nearest(name: str) -> str:
    short = {part.name.removeprefix("xc"): part.name for part in all_parts() if part.name.startswith("xc")}
    spelled = {_plain(known): known for known in (*(p.name for p in all_parts()), *(b.name for b in all_boards()))}
    spelled |= short
    asked = _plain(name.split("-")[0] if name.lower().startswith("x") else name)
    near = get_close_matches(asked, spelled, n=3, cutoff=0.6)
    return f"; the nearest known are {', '.join(dict.fromkeys(spelled[key] for key in near))}" if near else ""
