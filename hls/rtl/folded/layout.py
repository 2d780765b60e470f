"""How a tensor travels: as words of several elements, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
"""Row-major numbers of a tensor's elements; ``HOLE`` where there is none."""

HOLE = -1


@dataclass(frozen=True, eq=False)
class Layout:
    """``numbers`` (positions, words of a position, lanes) says which element of the tensor a lane of a word carries.

    What a hole carries is anything, and nobody reads it.
    """

    numbers: Numbers

    @property
    def lanes(self) -> int:
        """Elements of a word."""
        return int(self.numbers.shape[2])

    @property
    def words(self) -> int:
        """Words of an event."""
        return int(self.numbers.shape[0] * self.numbers.shape[1])

    def packed(self, beats: int) -> Layout:
        """Words of ``beats`` of these, none across positions: the last of a position has its holes in its low lanes.

        >>> Layout(np.arange(6).reshape(1, 3, 2)).packed(2).numbers.tolist()
        [[[0, 1, 2, 3], [-1, -1, 4, 5]]]
        """
        positions, words, lanes = self.numbers.shape
        rest = words % beats
        numbers = self.numbers
        if rest:
            holes = np.full((positions, beats - rest, lanes), HOLE)
            numbers = np.concatenate([numbers[:, : words - rest], holes, numbers[:, words - rest :]], axis=1)
        return Layout(numbers.reshape(positions, -1, beats * lanes))

    def seen_as(self, elements: Numbers) -> Layout | None:
        """The layout of a tensor whose element i is element ``elements[i]`` of this one, in the order of the words.

        The words of each position (all axes but the last) must come together and carry the same channels everywhere;
        None if they do not.

        >>> flat = Layout(np.array([[[0, 1], [2, HOLE]], [[3, 4], [5, HOLE]]])).seen_as(np.arange(6))  # (2, 3) to (6,)
        >>> flat.numbers.tolist()
        [[[0, 1], [2, -1], [3, 4], [5, -1]]]
        """
        size, channels = elements.size, elements.shape[-1]
        place = np.empty(size + 1, np.int64)
        place[elements.ravel()] = np.arange(size)
        place[HOLE] = HOLE
        positions = size // channels
        words = self.words
        if words % positions:
            return None
        numbers = place[self.numbers].reshape(positions, words // positions, self.lanes)
        expected = np.arange(positions)[:, None, None] * channels
        here = np.where(numbers == HOLE, HOLE, numbers - expected)
        alike = (here == here[:1]).all() and here.max() < channels and here.min() >= HOLE
        return Layout(numbers) if alike and (here[0] != HOLE).sum() == channels else None

    @property
    def channels(self) -> Numbers:
        """(words of a position, lanes): the channel that each carries, alike at all positions."""
        return np.asarray(self.numbers[0])


def in_order(shape: tuple[int, ...], lanes: int) -> Layout:
    """Words of ``lanes`` channels, the last of a position with holes in its high lanes.

    >>> in_order((2, 3), 2).numbers.tolist()
    [[[0, 1], [2, -1]], [[3, 4], [5, -1]]]
    """
    positions, channels = prod(shape[:-1]), shape[-1]
    words = -(-channels // lanes)
    numbers = np.full((positions, words * lanes), HOLE)
    numbers[:, :channels] = np.arange(positions * channels).reshape(positions, channels)
    return Layout(numbers.reshape(positions, words, lanes))
