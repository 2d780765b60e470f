"""That our multiplier without DSPs multiplies: row by row, since no solver proves a product of wide factors at once.

Its rows add ``digit * x``, where ``x`` is the wider factor and the digits are those of the narrower one, ``y``, in
base 4: bits b2 b1 b0 are the digit ``b0 + b1 - 2 b2``, and neighbouring digits share a bit. For each row it is proved
that, with whatever came from the rows before, ``sum = sums + digit * x``. What it passes on is ``floor(sum / 4)``, and
its two lowest bits go out. Hence, from the last row up, what goes out is ``x * sum of 4**row * digit``, which is
``x * y``: a bit 2 i - 1 counts ``4**i`` as b0 of row i and ``-2 * 4**(i - 1)`` as b2 of the row before, which is
``2**(2 i - 1)`` together, and the highest bit counts ``-2**(2 rows - 1)`` alone, as the sign of two's complement does.
"""

from __future__ import annotations

from dataclasses import dataclass

from hls.proof.solver import Term, Words
from hls.proof.subject import Deadline, NotClosedError
from hls.proof.verilog.circuit import Circuit
from hls.proof.verilog.design import Bits, Primitive
from hls.rtl.pipeline import DIGIT_BITS

_ROW = "row[{}].sum"
_SUMS = "sums[{}]"


def has_rows(primitive: Primitive) -> bool:
    """Whether a multiplier is made of rows as here: one with a factor of two bits is a single row, without digits."""
    if primitive.kind != "multiplier" or _ROW.format(0) not in primitive.nets:
        return False
    return min(primitive.parameters["BW_INPUT0"], primitive.parameters["BW_INPUT1"]) > DIGIT_BITS


@dataclass(frozen=True)
class _Rows:
    """The rows of a multiplier: ``x`` and ``y`` are the pins of the factors."""

    primitive: Primitive
    x: str
    y: str
    wide: int
    count: int


def prove_rows(primitive: Primitive, deadline: Deadline) -> None:
    """Prove each row, and that the rows are wired as the argument wants it; raises ``NotClosedError`` otherwise."""
    count = sum(_ROW.format(number) in primitive.nets for number in range(len(primitive.nets)))
    wide = len(primitive.nets["wide"])
    x, y = (
        ("in0", "in1") if _bits(primitive, "in0") == wide and _bits(primitive, "in1") <= 2 * count else ("in1", "in0")
    )
    rows = _Rows(primitive, x, y, wide, count)
    _check_wires(rows)
    for number in range(count):
        deadline.check(f"row {number} of a multiplier")
        _prove_row(rows, number, deadline)


def _bits(primitive: Primitive, pin: str) -> int:
    """Bits of a factor as a signed number."""
    unsigned = primitive.parameters[f"SIGNED{pin[2:]}"] != 1
    return primitive.parameters[f"BW_INPUT{pin[2:]}"] + unsigned


def _check_wires(rows: _Rows) -> None:
    """Nothing comes into the first row, each passes on all but its two lowest bits, and these go out."""
    nets, out = rows.primitive.nets, rows.primitive.ports["out"]
    before: Bits = ("0",) * rows.wide
    product: Bits = ()
    for number in range(rows.count):
        total = nets[_ROW.format(number)]
        if nets[_SUMS.format(number)] != before or len(total) != rows.wide + 2:
            raise NotClosedError(f"row {number} of a multiplier is not wired to the row before")
        product, before = (*product, *total[:2]), total[2:]
    product = (*product, *before)
    fits = _bits(rows.primitive, rows.x) <= rows.wide and _bits(rows.primitive, rows.y) <= 2 * rows.count
    if not fits or product[: len(out)] != out:
        raise NotClosedError("the rows of a multiplier are not what goes out, or are too few for its factors")


def _prove_row(rows: _Rows, number: int, deadline: Deadline) -> None:
    words = Words()
    primitive = rows.primitive
    free = {pin: words.free(primitive.parameters[f"BW_INPUT{pin[2:]}"]) for pin in (rows.x, rows.y)}
    given = {primitive.ports[pin]: word for pin, word in free.items()}
    room = rows.wide + 4
    before = words.number(0, room)
    if number:
        came = words.free(rows.wide)
        given[primitive.nets[_SUMS.format(number)]] = came
        before = words.extended(came, room, signed=True)
    total = Circuit(words, primitive.cells, given).word(primitive.nets[_ROW.format(number)])
    x, y = (
        words.extended(free[pin], width, signed=primitive.parameters[f"SIGNED{pin[2:]}"] == 1)
        for pin, width in ((rows.x, room), (rows.y, 2 * rows.count))
    )
    meant = words.make("BV_ADD", before, _times_digit(words, x, y, number))
    differs = words.make("DISTINCT", words.extended(total, room, signed=True), meant)
    if words.model([differs], [], deadline) is not None:
        raise NotClosedError(f"row {number} of a multiplier does not add its digit times the wider factor")


def _times_digit(words: Words, x: Term, y: Term, number: int) -> Term:
    """``(b0 + b1 - 2 b2) * x`` with the bits of the digit."""
    width = words.width(x)
    zero, twice = words.number(0, width), words.make("BV_ADD", x, x)
    low = words.number(0, 1) if number == 0 else words.bits(y, 2 * number - 1, 1)

    def chosen(bit: Term, word: Term) -> Term:
        return words.make("ITE", words.truth(bit), word, zero)

    once = words.make("BV_ADD", chosen(low, x), chosen(words.bits(y, 2 * number, 1), x))
    return words.make("BV_SUB", once, chosen(words.bits(y, 2 * number + 1, 1), twice))
