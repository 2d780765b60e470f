"""The equation of an Einsum, or of a MatMul: a letter for each axis as ONNX counts it, the batch's among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase

_DOTS = "..."


@dataclass(frozen=True)
class Equation:
    """``first`` and ``second`` to ``out``."""

    first: str
    second: str
    out: str


def equation_of(text: str, ranks: Sequence[int]) -> Equation | None:
    """As einsum reads it, with letters for ``...`` and for a result that is not stated; None if it is none of two.

    >>> equation_of("...ij,kj", (3, 2))
    Equation(first='Aij', second='kj', out='Aik')
    """
    left, arrow, out = text.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != 2 or len(ranks) != 2:
        return None
    spare = [letter for letter in ascii_uppercase if letter not in text]
    widest = max(
        (rank - len(term) + len(_DOTS) for term, rank in zip(terms, ranks, strict=True) if _DOTS in term), default=0
    )
    if not 0 <= widest <= len(spare):
        return None
    dots = "".join(spare[:widest])
    first, second = (_written(term, rank, dots) for term, rank in zip(terms, ranks, strict=True))
    if not arrow:
        letters = left.replace(_DOTS, "").replace(",", "")
        out = dots + "".join(letter for letter in sorted(letters) if letters.count(letter) == 1)
    found = Equation(first, second, out.replace(_DOTS, dots))
    whole = first + second + found.out
    fits = (len(first), len(second)) == tuple(ranks) and set(found.out) <= set(first + second)
    return found if fits and whole.isalpha() and whole.isascii() else None


def _written(term: str, rank: int, dots: str) -> str:
    count = rank - len(term) + len(_DOTS)
    return term.replace(_DOTS, dots[len(dots) - count :] if count else "")


def of_matrices(ranks: Sequence[int]) -> Equation:
    """That of a MatMul, whose axes before the last two are aligned at their end.

    >>> of_matrices((4, 3))
    Equation(first='edac', second='dcb', out='edab')
    """
    head = ascii_lowercase[3 : 1 + max(ranks)][::-1]
    first, second = (head[len(head) - (rank - 2) :] for rank in ranks)
    return Equation(f"{first}ac", f"{second}cb", f"{head}ab")
