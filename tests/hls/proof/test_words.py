"""Forms: equal numbers have equal forms, however they were computed."""

from __future__ import annotations

import numpy as np
import pytest

from hls.proof import runs as functions
from hls.proof.evaluation import Evaluation
from hls.proof.forms import Form, Value
from hls.proof.runs import Runs
from hls.proof.subject import NotClosedError
from hls.proof.words import Space


def relu(space: Space, value: Value) -> Value:
    def positive(f: Runs) -> Runs:
        return functions.clip(f, 0, 1 << 40)

    return space.apply("relu", [value], positive)


def test_a_sum_has_one_form_in_any_order() -> None:
    space = Space()
    x, y, z = (space.port(0, element, -8, 7) for element in range(3))
    one = space.affine([(1, space.affine([(2, x), (3, y)], 1)), (-1, z)])
    other = space.affine([(2, x), (1, space.affine([(3, y), (-1, z)])), (1, space.constant(1))])
    assert space.equal(one, other)
    assert (one.low, one.high) == (-16 - 24 + 1 - 7, 14 + 21 + 1 + 8)
    assert not space.equal(one, space.affine([(1, other)], 1))


def test_a_function_that_is_affine_is_a_form_again() -> None:
    space = Space()
    x, y = (space.port(0, element, -8, 7) for element in range(2))
    total = space.affine([(2, x), (-6, y)], 5)
    high, low = space.shift(total, 3), space.modulo(total, 3, 0)
    again = space.affine([(8, high), (1, low)])
    assert isinstance(again, Form)
    assert (again.terms, again.constant) == ({0: 2, 1: -6}, 5)


def test_functions_of_one_form_in_a_sum_are_one_function() -> None:
    space = Space()
    x, y = (space.port(0, element, -8, 7) for element in range(2))
    total = space.affine([(1, x), (1, y)])
    negative = relu(space, space.affine([(-1, total)]))
    kept = space.form(relu(space, total))
    assert space.equal(space.affine([(1, kept), (-1, negative)]), total)
    assert space.equal(space.affine([(1, kept), (-1, negative), (1, x)]), space.affine([(2, x), (1, y)]))


def test_a_function_of_a_negative_multiple_is_one_of_the_number_itself() -> None:
    """``2 * (24 - 2x) + max(16 - 12x, 0)`` once had the sign of its first part wrong."""
    space = Space()
    x = space.port(0, 0, 0, 3)
    above = space.apply("clip", [space.affine([(-12, x)], 16)], lambda f: functions.clip(f, 0, 16))
    total = space.affine([(2, space.affine([(-2, x)], 24)), (1, above)])
    found = Evaluation(space, [np.arange(4)[:, None]]).of(total)
    assert found.tolist() == [48 + 16, 44 + 4, 40, 36]
    assert space.view(above).base is space.view(x).base


def test_a_choice_by_the_sign_of_a_difference_is_a_maximum_or_a_minimum() -> None:
    space = Space()
    x, y = (space.port(0, element, -8, 7) for element in range(2))
    difference = space.affine([(1, x), (-1, y)])
    negative = space.modulo(space.shift(difference, 5), 1, 0)
    larger = space.select(negative, y, x)
    assert space.equal(larger, space.maximum([y, x, x]))
    assert (larger.low, larger.high) == (-8, 7)
    smaller = space.select(negative, x, y)
    opposite = space.maximum([space.affine([(-1, x)]), space.affine([(-1, y)])])
    assert space.equal(smaller, space.affine([(-1, opposite)]))
    assert (smaller.low, smaller.high) == (-8, 7)


def test_a_maximum_is_one_however_it_is_nested() -> None:
    space = Space()
    x, y, z = (space.port(0, element, low, 7) for element, low in enumerate((-8, -4, -2)))
    limit = space.constant(-3)
    nested = space.maximum([space.maximum([x, limit]), space.maximum([z, space.maximum([y, x])])])
    assert space.equal(nested, space.maximum([z, y, x]))
    assert (nested.low, nested.high) == (-2, 7)
    assert space.maximum([space.constant(7), x, y]).low == 7
    assert space.equal(
        space.maximum([space.constant(3), x]), space.affine([(1, relu(space, space.affine([(1, x)], -3)))], 3)
    )


def test_products_are_the_same_up_to_common_factors() -> None:
    space = Space()
    x, y = (space.port(0, element, -8, 7) for element in range(2))
    twice = space.product(space.affine([(-2, x)]), space.affine([(3, y)]))
    assert space.equal(twice, space.affine([(-6, space.product(y, x))]))
    square = space.product(x, x)
    assert (square.low, square.high) == (0, 64)


def test_what_mixes_independent_numbers_is_told() -> None:
    space = Space()
    x, y = (space.port(0, element, -8, 7) for element in range(2))
    with pytest.raises(NotClosedError, match="choice does not come from what it chooses between"):
        space.select(space.modulo(space.shift(x, 3), 1, 0), space.port(0, 2, 0, 3), y)


def test_what_was_computed_for_equal_functions_is_remembered() -> None:
    """Copies of a module are so computed once."""
    space = Space()
    calls = []

    def slow(f: Runs) -> Runs:
        calls.append(f)
        return functions.floor_shift(f, 2)

    made = [space.apply("slow", [space.port(0, element, -8, 7)], slow) for element in range(8)]
    assert len(calls) == 1
    assert len({id(value) for value in made}) == 8
    assert np.array_equal(calls[0].value, [-8])
