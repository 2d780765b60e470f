"""When which digit of a number is there, worked by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hls.rtl.arithmetic import Arithmetic
from hls.rtl.program import Program
from hls.rtl.serial.streams import Collected, Operand, is_linear, schedule

ONE_ADDER_NS = 1.5


def _program(kernel: list[list[int]], bias: Fraction = Fraction(0), fraction: int = 0) -> Program:
    """One sum of numbers of four bits with a sign."""
    from alkaid.trace import trace

    arithmetic = Arithmetic()
    x = [arithmetic.port(-8, 7, 0) for _ in kernel]
    y = arithmetic.affine(x, np.array(kernel), fraction, [bias])
    made: Program = trace(x, y, optimize=False)
    return made


def test_a_shifted_operand_is_read_in_a_later_digit() -> None:
    """a + 4 b lies in [-40, 35]: 7 bits, in three clocks digits of 3; b stands two bits above a, within a digit."""
    found = schedule(_program([[1], [4]]), 3, ONE_ADDER_NS)
    assert (found.digit, found.digits) == (3, 3)
    a, b, y = found.streams
    assert (a.source, b.source, a.start, b.start) == (0, 1, 1, 1)
    assert (y.start, y.lowest) == (1, 0)
    assert set(y.operands) == {Operand(0, 0, 0), Operand(1, 0, 2)}
    # The third digit is there in clock 3, and in the shift register a clock later.
    assert found.results == (Collected(2, 0, 7),)
    assert found.end == 4


def test_an_operand_waits_if_its_digits_come_later() -> None:
    """With a digit of one bit 4 b is read two clocks later: it waits for these, as its digits were there with a's."""
    y = schedule(_program([[1], [4]]), 7, ONE_ADDER_NS).streams[2]
    assert set(y.operands) == {Operand(0, 0, 0), Operand(1, 2, 2)}


def test_adders_in_a_row_have_registers_where_time_is_up() -> None:
    """Four numbers are two rows of adders: of 1.3 ns each only one fits into 1.5 ns, and two fit into 3."""
    program = _program([[1], [1], [1], [1]])
    assert [schedule(program, 6, limit).streams[-1].start for limit in (ONE_ADDER_NS, 3.0)] == [2, 1]


def test_a_constant_may_have_the_lowest_place() -> None:
    """a - 3/4, the constant in quarters: the word begins two places below a, which is read above zeros."""
    found = schedule(_program([[1]], Fraction(-3, 4)), 2, ONE_ADDER_NS)
    y = found.streams[1]
    assert (y.lowest, y.constant, y.operands) == (-2, -3, (Operand(0, 0, 2),))
    assert found.results == (Collected(1, 0, 7),)


def test_more_clocks_than_bits_are_not_taken() -> None:
    found = schedule(_program([[1], [1]]), 100, ONE_ADDER_NS)
    assert (found.digit, found.digits) == (1, 5)


@pytest.mark.parametrize(("interval", "digits"), [(2, 2), (3, 3), (4, 4), (5, 4), (6, 4), (7, 7)])
def test_digits_that_do_not_divide_the_interval_need_fewer_clocks(interval: int, digits: int) -> None:
    """Seven bits are four digits of two, in four clocks or in six."""
    assert schedule(_program([[1], [4]]), interval, ONE_ADDER_NS).digits == digits


def test_only_sums_are_linear() -> None:
    from alkaid.trace import trace

    arithmetic = Arithmetic()
    x = arithmetic.port(-8, 7, 0)
    assert is_linear(_program([[3]], Fraction(1)))
    assert not is_linear(trace([x], [x.relu()], optimize=False))
