"""What a number of a design is: a linear form over atoms, or a function of one such form; and what an atom is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hls.proof.runs import Runs


@dataclass(frozen=True, eq=False)
class Form:
    """``sum of coefficient * atom + constant``, and the interval in which it lies by those of its atoms."""

    terms: Mapping[int, int]
    constant: int
    low: int
    high: int

    @property
    def is_constant(self) -> bool:
        """Whether it never changes."""
        return not self.terms

    def multiple_of(self, factor: int) -> bool:
        """Whether each term and the constant are multiples of ``factor``."""
        return self.constant % factor == 0 and all(weight % factor == 0 for weight in self.terms.values())


@dataclass(frozen=True, eq=False)
class Base:
    """A form of which others are functions: without constant, without common factor, its first coefficient positive."""

    form: Form


@dataclass(frozen=True, eq=False)
class Function:
    """A function of a base."""

    base: Base
    runs: Runs

    @property
    def low(self) -> int:
        """Smallest value."""
        return self.runs.range[0]

    @property
    def high(self) -> int:
        """Largest value."""
        return self.runs.range[1]


Value = Form | Function
"""A number of the design."""


@dataclass(frozen=True, eq=False)
class Port:
    """An atom: one element of an input."""

    port: int
    element: int


@dataclass(frozen=True, eq=False)
class Product:
    """An atom: the product of two forms."""

    a: Form
    b: Form


@dataclass(frozen=True, eq=False)
class Maximum:
    """An atom: the largest of several forms."""

    members: tuple[Form, ...]


@dataclass(frozen=True, eq=False)
class Atom:
    """A number that is not written in terms of others, what it is, and the layer of the graph where it came up."""

    low: int
    high: int
    origin: Port | Product | Maximum | Function
    layer: str | None
