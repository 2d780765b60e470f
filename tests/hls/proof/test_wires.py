"""Words of known bits and parts of numbers: cut, extended, and read as integers."""

from __future__ import annotations

import random

import numpy as np
import pytest

from hls.proof.evaluation import Evaluation
from hls.proof.subject import NotClosedError
from hls.proof.verilog.cells import Cells
from hls.proof.verilog.evaluation import UNKNOWN
from hls.proof.verilog.sums import Sum, settled
from hls.proof.verilog.wires import Source, Word, bits_of, cut, joined, stretched, width_of
from hls.proof.words import Space


def text_of(word: Word, value: int) -> str:
    """The bits of a word whose parts are all of a number that is ``value``."""
    known = [part if isinstance(part, str) else str(value >> part.place & 1) for part in bits_of(word)]
    return "".join(known)


def integer_of(text: str, signed: bool) -> int:
    whole = int(text[::-1], 2)
    return whole - (1 << len(text)) if signed and text[-1] == "1" else whole


def words(space: Space, draw: random.Random, number: int) -> Word:
    """Known bits and parts of one number, some of which continue each other."""
    value = space.port(0, number, -64, 63)
    parts: list[Source | str] = []
    for _ in range(draw.randint(1, 4)):
        place = draw.randint(0, 6)
        part = Source(value, place, draw.randint(1, 7 - place))
        parts.append(part if draw.random() < 0.4 else draw.choice(["0", "10", "1"]))
    return joined(parts)


@pytest.mark.parametrize("seed", range(20))
def test_a_word_is_the_integer_of_its_bits(seed: int) -> None:
    draw, space = random.Random(seed), Space()
    word = words(space, draw, 0)
    size, signed = sum(map(width_of, word)), draw.random() < 0.5
    place = draw.randrange(size)
    part = cut(word, place, draw.randint(1, size - place))
    longer = stretched(part, sum(map(width_of, part)) + draw.randint(0, 3), signed)
    got = Cells(space, {}).word(longer, signed)
    for value in range(-64, 64):
        text = text_of(word, value)[place : place + sum(map(width_of, part))]
        wanted = integer_of(text, signed)
        assert integer_of(text_of(longer, value), signed) == wanted
        assert Evaluation(space, [np.array([[value]])]).of(got).tolist() == [wanted]


def test_a_sum_is_added_when_it_is_asked_for() -> None:
    space = Space()
    x, y = (space.port(0, element, -8, 7) for element in range(2))
    partial = Sum([(3, x), (-2, y)])
    total = Sum([(1, partial), (2, y), (1, space.constant(5))])
    assert (total.low, total.high) == (3 * -8 - 2 * 7 + 2 * -8 + 5, 3 * 7 - 2 * -8 + 2 * 7 + 5)
    wanted = space.affine([(3, x)], 5)
    assert space.equal(settled(total, space), wanted)
    assert space.equal(settled(Sum([(1, total), (-1, partial)]), space), space.affine([(2, y)], 5))


def test_a_bit_without_a_value_is_read_by_nobody() -> None:
    cells = Cells(Space(), {})
    for missing in ("x", UNKNOWN):
        with pytest.raises(NotClosedError, match="it has no value"):
            cells.word(("01" + missing,), signed=False)
