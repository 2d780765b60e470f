"""What a scan may vary: names with their choices, of the network (from its system) and of the hardware (ours)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hls.errors import FirmwareError

Value = int | float | str
Point = dict[str, Value]

HARDWARE = ("clock_ns", "reuse_factor", "strategy", "multipliers", "interval")
"""Parameters that need no training: fields of a target. ``interval`` is of our RTL, ``reuse_factor`` of hls4ml's."""


@dataclass(frozen=True)
class Space:
    """Parameters and their choices, in the order in which a grid counts: the last one runs fastest.

    >>> space = Space({"charge": (1e-6, 1e-5), "hidden": ("8", "16", "32")})
    >>> space.size, next(space.grid())
    (6, {'charge': 1e-06, 'hidden': '8'})
    """

    choices: Mapping[str, tuple[Value, ...]]

    def __post_init__(self) -> None:
        for name, values in self.choices.items():
            if not values:
                raise FirmwareError(f"parameter {name!r} of the scan has no choices; give at least one")

    @property
    def size(self) -> int:
        """Number of points of the grid."""
        return math.prod(len(values) for values in self.choices.values())

    def grid(self) -> Iterator[Point]:
        """Every point."""
        for values in itertools.product(*self.choices.values()):
            yield dict(zip(self.choices, values, strict=True))

    def random(self, n: int, seed: int) -> list[Point]:
        """``n`` different points, or all if there are fewer; the first of a longer list are those of a shorter one.

        >>> space = Space({"clock_ns": (2.5, 5.0, 10.0), "reuse_factor": (1, 2, 4)})
        >>> space.random(5, seed=1)[:3] == space.random(3, seed=1)
        True
        """
        if n >= self.size:
            return list(self.grid())
        rng = np.random.default_rng(seed)
        found: dict[tuple[Value, ...], Point] = {}
        while len(found) < n:
            values = tuple(options[int(rng.integers(len(options)))] for options in self.choices.values())
            found.setdefault(values, dict(zip(self.choices, values, strict=True)))
        return list(found.values())

    def narrowed(self, stated: Mapping[str, Sequence[str]]) -> Space:
        """The same space with other choices, written as a user types them, for some of its parameters.

        Raises:
            FirmwareError: there is no such parameter, or a value is not of its kind.

        >>> Space({"clock_ns": (2.5, 5.0), "reuse_factor": (1, 2)}).narrowed({"clock_ns": ["4"]}).choices
        {'clock_ns': (4.0,), 'reuse_factor': (1, 2)}
        """
        choices = dict(self.choices)
        for name, texts in stated.items():
            if name not in choices:
                raise FirmwareError(f"nothing called {name!r} can be scanned here; there are: {', '.join(choices)}")
            choices[name] = tuple(_parsed(name, text, choices[name][0]) for text in texts)
        return Space(choices)


def _parsed(name: str, text: str, like: Value) -> Value:
    try:
        return type(like)(text)
    except ValueError:
        raise FirmwareError(f"{name} = {text!r}: should look like {like!r}") from None
