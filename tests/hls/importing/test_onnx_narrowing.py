"""Lines of few bits that round as exact ones of many do."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hls.graph import Edge, nodes
from hls.importing.onnx.narrowing import narrowest
from tests.hls.importing.onnx_checks import chain, exact, quant
from tests.hls.importing.onnx_files import Step


class TestNarrowing:
    """Lines of few bits that round as exact ones of many do: by hand, and over every integer of random ones."""

    @pytest.mark.parametrize("nearest", [True, False])
    @pytest.mark.parametrize("seed", range(8))
    def test_the_same_stairs(self, seed: int, nearest: bool) -> None:
        chance = random.Random(seed)
        low = chance.randint(-300, 200)
        edge = Edge.of(np.array([low]), np.array([low + chance.randint(1, 400)]), 0)
        ends = (chance.randint(-8, 0), chance.randint(1, 15))
        slope = Fraction(chance.choice([-1, 1]) * chance.getrandbits(60), 1 << chance.randint(58, 66))
        offset = Fraction(chance.getrandbits(50) - (1 << 49), 3 << 46)
        found = narrowest(edge, np.array([slope]), np.array([offset]), ends, nearest=nearest)
        assert found is not None
        (factor,), (start,) = found
        assert factor.numerator.bit_length() < 20
        for raw in range(edge.raw_min, edge.raw_max + 1):
            exact = slope * raw + offset
            wanted = round(exact) if nearest else exact.__floor__()
            assert min(max((factor * raw + start).__floor__(), ends[0]), ends[1]) == min(max(wanted, ends[0]), ends[1])

    def test_ties_that_go_up_and_down_in_turn_have_no_other_line(self) -> None:
        edge = Edge.of(np.array([0]), np.array([40]), 0)
        line = np.array([Fraction(1, 6)]), np.array([Fraction(0)])  # halves at 3, 9, 15, 21: to 0, 2, 2, 4
        assert narrowest(edge, *line, (0, 6), nearest=True) is None

    def test_a_scale_of_24_bits_takes_a_factor_of_few(self, tmp_path: Path) -> None:
        steps = (quant("x", "q", bits="b3"), Step("Mul", ("q", "c"), "m"), quant("m", "y", scale="t", bits="b3"))
        graph, _ = exact(chain((1, 4), *steps, c=np.float32(1.7320508), t=np.float32(0.0884)), tmp_path)
        factors = [node.factor.type.width for node in graph if isinstance(node, nodes.Scale)]
        assert factors[0] < 8
