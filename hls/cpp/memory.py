"""Where tensors lie: one piece of memory, of which a tensor has a part from its first step to its last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ALIGNMENT = 64
"""Bytes of a cache line, and of the widest vectors."""


@dataclass(frozen=True)
class Block:
    """``size`` bytes that are needed from step ``first`` to step ``last``, both included."""

    name: str
    size: int
    first: int
    last: int


def placed(blocks: Sequence[Block]) -> tuple[dict[str, int], int]:
    """The offset of each block, and the bytes of all: each goes to the first gap that is free as long as it lives.

    >>> placed([Block("x", 64, 0, 1), Block("y", 64, 1, 2), Block("z", 64, 2, 3)])
    ({'x': 0, 'y': 64, 'z': 0}, 128)
    """
    offsets: dict[str, int] = {}
    there: list[tuple[int, Block]] = []
    for block in blocks:
        size = _aligned(block.size)
        at = 0
        for start, other in sorted(there, key=lambda item: item[0]):
            alive = other.first <= block.last and block.first <= other.last
            if alive and start < at + size and at < start + _aligned(other.size):
                at = start + _aligned(other.size)
        there.append((at, block))
        offsets[block.name] = at
    return offsets, max((at + _aligned(block.size) for at, block in there), default=ALIGNMENT)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
