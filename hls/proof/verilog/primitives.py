"""What each primitive of arithmetic means, once for all: for numbers of a proof, and for words of a solver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from hls.proof.subject import NotClosedError

T = TypeVar("T")

AND, OR, XOR = "and", "or", "xor"
_OPERATIONS = (AND, OR, XOR)
MULTIPLIER = "multiplier"


class Algebra(Protocol[T]):
    """Exact arithmetic on whatever stands for an integer."""

    def affine(self, terms: Sequence[tuple[int, T]]) -> T:
        """``sum of weight * value``."""

    def product(self, a: T, b: T) -> T:
        """``a * b``."""

    def select(self, chosen: T, a: T, b: T) -> T:
        """``a`` where ``chosen`` is not 0, ``b`` elsewhere."""

    def bitwise(self, operation: str, a: T, b: T) -> T:
        """``a`` and ``b`` bit by bit, as two's complements of unlimited length."""

    def shift(self, value: T, bits: int) -> T:
        """``floor(value / 2**bits)``."""


def inputs_of(kind: str, parameters: Mapping[str, int]) -> dict[str, tuple[int, bool]]:
    """Width and sign of each input of a primitive, by its pin."""
    if kind == "negative":
        return {"in": (parameters["BW_IN"], parameters["IN_SIGNED"] == 1)}
    numbers = range(3 if kind == "ternary_adder" else 2)
    found = {f"in{i}": (parameters[f"BW_INPUT{i}"], parameters[f"SIGNED{i}"] == 1) for i in numbers}
    return {"key": (1, False), **found} if kind == "mux" else found


def output_width(parameters: Mapping[str, int]) -> int:
    """Bits of the output: the lowest of ``meaning_of``."""
    return parameters["BW_OUT"]


def meaning_of(kind: str, parameters: Mapping[str, int], inputs: Mapping[str, T], algebra: Algebra[T]) -> T:
    """The integer of which a primitive gives the lowest bits."""
    if kind == "negative":
        return algebra.affine([(-1, inputs["in"])])
    if kind == MULTIPLIER:
        return algebra.product(inputs["in0"], inputs["in1"])
    if kind == "ternary_adder":
        signs = [-1 if parameters[f"NEGATE{i}"] else 1 for i in range(3)]
        total = algebra.affine([(sign << parameters[f"PAD{i}"], inputs[f"in{i}"]) for i, sign in enumerate(signs)])
        return algebra.shift(total, parameters["DROP_LSBS"])
    left, right = _factors(parameters["SHIFT1"])
    if kind == "shift_adder":
        total = algebra.affine([(left, inputs["in0"]), (-right if parameters["IS_SUB"] else right, inputs["in1"])])
        return algebra.shift(total, parameters["DROP_LSBS"])
    a, b = algebra.affine([(left, inputs["in0"])]), algebra.affine([(right, inputs["in1"])])
    if kind == "mux":
        return algebra.select(inputs["key"], a, b)
    if kind == "binop" and parameters["OP"] in range(len(_OPERATIONS)):
        return algebra.bitwise(_OPERATIONS[parameters["OP"]], a, b)
    raise NotClosedError(f"nobody has told what the primitive {kind!r} with parameters {dict(parameters)} means")


def _factors(shift: int) -> tuple[int, int]:
    """By what the two inputs are multiplied where the second is shifted by ``shift`` against the first."""
    return 1 << max(-shift, 0), 1 << max(shift, 0)
