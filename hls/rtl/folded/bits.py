"""Pieces of Verilog: numbers moved from one type to another, and elements picked from vectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hls.graph.fixed import FixedType


@dataclass(frozen=True)
class Piece:
    """Bits ``low`` to ``low + width - 1`` of ``vector``; without a vector so many zeros."""

    vector: str
    low: int
    width: int

    def __str__(self) -> str:
        return f"{self.vector}[{self.low + self.width - 1}:{self.low}]" if self.vector else f"{self.width}'b0"


def merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The same bits, pieces that touch each other as one.

    >>> [str(piece) for piece in merged([Piece("x", 0, 4), Piece("x", 4, 4), Piece("", 0, 2), Piece("x", 12, 1)])]
    ['x[7:0]', "2'b0", 'x[12:12]']
    """
    last: Piece | None = None
    for piece in pieces:
        if last is not None and last.vector == piece.vector and (not last.vector or last.low + last.width == piece.low):
            last = Piece(last.vector, last.low, last.width + piece.width)
            continue
        if last is not None:
            yield last
        last = piece
    if last is not None:
        yield last


def joined(pieces: Iterable[Piece]) -> str:
    """All of them in one vector, the first in its lowest bits."""
    texts = [str(piece) for piece in merged(pieces)][::-1]
    return texts[0] if len(texts) == 1 else "{" + ",\n      ".join(texts) + "}"


def converted(vector: str, low: int, source: FixedType, target: FixedType) -> str:
    """The number at ``low`` of a vector as one of ``target``, which holds its value.

    >>> converted("x", 4, FixedType(True, 4, 2), FixedType(True, 7, 4))  # a fraction bit more, two bits for the sign
    "{{2{x[7]}}, x[7:4], 1'b0}"
    """
    zeros = target.fraction - source.fraction
    dropped = max(-zeros, 0)
    zeros = max(zeros, 0)
    kept = min(source.width - dropped, target.width - zeros)
    missing = target.width - zeros - kept
    parts = []
    if missing:
        parts.append(f"{{{missing}{{{vector}[{low + source.width - 1}]}}}}" if source.signed else f"{missing}'b0")
    parts.append(str(Piece(vector, low + dropped, kept)))
    if zeros:
        parts.append(f"{zeros}'b0")
    return parts[0] if len(parts) == 1 else "{" + ", ".join(parts) + "}"


def instance(module: str, name: str, parameters: Mapping[str, int | str], ports: Mapping[str, str]) -> list[str]:
    """Lines that place a module, those of its parameters left out that are the module's own."""
    set_ = ", ".join(f".{key}({value})" for key, value in parameters.items())
    wired = ", ".join(f".{key}({value})" for key, value in ports.items())
    head = f"{module} #({set_})" if set_ else module
    if len(head) + len(name) + len(wired) < 110:
        return [f"{head} {name} ({wired});"]
    return [f"{head}", f"    {name} (", f"    {wired});"]
