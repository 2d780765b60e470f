"""An engine: the window that it reads, the loops that it runs, the words that it takes, its width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hls.errors import UnsupportedError
from hls.rtl.folded.grouping import Kind, Unit
from hls.rtl.folded.layout import Layout


@dataclass(frozen=True)
class Window:
    """Positions ``frame`` (y, x) that an engine reads and ``out`` that it makes; one axis lies along x."""

    frame: tuple[int, int]
    out: tuple[int, int]
    size: tuple[int, int] = (1, 1)
    strides: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    before: tuple[int, int] = (0, 0)
    """Places of padding above and to the left."""

    @property
    def padded(self) -> bool:
        """Whether a window reaches beyond the frame."""
        return any(self.before) or any(
            (out - 1) * stride + (size - 1) * dilation - before >= frame
            for frame, out, size, stride, dilation, before in zip(
                self.frame, self.out, self.size, self.strides, self.dilation, self.before, strict=True
            )
        )


@dataclass(frozen=True)
class Loops:
    """Turns of each loop of a sequencer, the innermost first."""

    parts: int = 1
    words: int = 1
    kx: int = 1
    ky: int = 1
    groups: int = 1
    ox: int = 1
    oy: int = 1

    @property
    def sizes(self) -> tuple[int, ...]:
        """All of them."""
        return (self.parts, self.words, self.kx, self.ky, self.groups, self.ox, self.oy)

    @property
    def inner(self) -> int:
        """Clocks for a word of the output."""
        return self.parts * self.words * self.kx * self.ky

    @property
    def clocks(self) -> int:
        """Clocks for a position."""
        return self.inner * self.groups

    @property
    def positions(self) -> int:
        """Positions of the output."""
        return self.ox * self.oy


@dataclass(frozen=True, eq=False)
class Operand:
    """A tensor as an engine reads it: words of ``layout``, each ``beats`` words of what computes it.

    ``strides`` are the words from one turn of a loop to the next, for all but the innermost; ``origin`` is the word of
    the first step, before the first one where a window begins in the padding. ``pick`` is the lane of the word that
    each lane of the engine reads; empty if each reads all.
    """

    tensor: str
    source: str | None
    layout: Layout
    beats: int = 1
    beats_of_position: int = 1
    strides: tuple[int, ...] = (0, 0, 0, 0, 0, 0)
    origin: int = 0
    pick: tuple[int, ...] = ()

    def jumps(self, loops: Loops) -> tuple[int, ...]:
        """What is added to the address when a loop turns and those within it begin again; the last after an event."""
        turned, jumps = 0, []
        for size, stride in zip(loops.sizes[1:], self.strides, strict=True):
            jumps.append(stride - turned)
            turned += (size - 1) * stride
        return (*jumps, self.layout.words - turned)


@dataclass(frozen=True, eq=False)
class Engine:
    """A unit with its width: ``lanes`` outputs at once, each of ``simd`` products a clock.

    ``layout`` is that of its exports. ``sources`` are, of a join, the operand of each word of an outer turn.
    """

    unit: Unit
    window: Window
    loops: Loops
    simd: int
    lanes: int
    operands: tuple[Operand, ...]
    layout: Layout
    sources: tuple[int, ...] = ()

    @property
    def multipliers(self) -> int:
        """Products a clock."""
        return self.lanes * self.simd if self.unit.kind in (Kind.DENSE, Kind.DEPTHWISE) else 0


def two_axes(values: Sequence[int], missing: int = 1) -> tuple[int, int]:
    """Numbers of each axis of positions as those of y and x; ``missing`` for an axis that there is not."""
    if len(values) > 2:
        raise UnsupportedError(f"folded RTL knows positions along one or two axes, not {len(values)}")
    y, x = (missing, missing, *values)[-2:]
    return y, x
