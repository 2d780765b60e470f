"""Terms of the Dense model, worked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hls.figures.estimates.constants import ConstantProducts, constant_products, odd_bits, signed_digits, typical_kernel
from hls.figures.estimates.dense import (
    DenseShape,
    bram_18k,
    cycles,
    dense_cost,
    interval,
    legal_reuse_factor,
    lut_terms,
    rom_blocks,
    takes_dsp,
)
from hls.figures.estimates.estimate import coefficients

NONE = ConstantProducts(0, 0, 0, 0, 0, 0)
FOLDED = DenseShape(64, 64, 16, 8, 16, "resource", 512, 4.375, True, NONE)
FITTED = coefficients()["hls4ml_dense"]["coefficients"]


def fewest_digits(limit: int) -> dict[int, int]:
    """Fewest signed powers of two that sum to each integer up to ``limit``: breadth first, from the definition."""
    powers = [sign << bit for bit in range(limit.bit_length() + 2) for sign in (1,)]
    powers += [-power for power in powers]
    found, edge, digits = {0: 0}, {0}, 0
    while not all(value in found for value in range(limit)):
        digits += 1
        edge = {value + power for value in edge for power in powers if abs(value + power) <= 4 * limit} - found.keys()
        found |= dict.fromkeys(edge, digits)
    return found


def test_signed_digits_are_the_fewest_possible() -> None:
    fewest = fewest_digits(300)
    values = np.arange(-299, 300)
    assert signed_digits(values).tolist() == [fewest[abs(value)] for value in values.tolist()]


def test_constants_of_any_width() -> None:
    wide = np.array([0, 3 << 70, (1 << 80) - 1, -(1 << 60)], dtype=object)
    assert signed_digits(wide).tolist() == [0, 2, 2, 1]
    assert odd_bits(wide).tolist() == [0, 2, 80, 1]
    assert odd_bits(np.array([0, 1, -12, 40])).tolist() == [0, 1, 2, 3]


def test_constants_become_wires_adders_or_dsps() -> None:
    kernel = np.array([[0, 4, 6], [11, 19, -19]])
    at_16 = constant_products(kernel, 16)
    # 4 is a wire; 6 = 8 - 2 is one addition; 11 = 8 + 4 - 1 two (16 x 5 bits is too small for a DSP); 19 takes a DSP.
    assert (at_16.total, at_16.nonzero, at_16.adders, at_16.dsps, at_16.digits) == (6, 5, 3, 2, 3)
    at_8 = constant_products(kernel, 8)  # 8 x 6 bits: adders
    assert (at_8.adders, at_8.dsps) == (7, 0)


def test_legal_reuse_factors_are_those_of_hls4ml() -> None:
    """Against the rule as its documentation states it, tried for every factor."""
    for n_in, n_out in ((16, 64), (12, 10), (7, 3), (32, 5), (1, 4)):
        legal = []
        for factor in range(1, n_in * n_out + 1):
            limit = -(-n_in * n_out // min(n_in, factor))
            whole = limit % n_out == 0 or factor >= n_in
            aligned = factor % n_in == 0 or factor < n_in
            if whole and aligned and n_in * n_out % factor == 0:
                legal.append(factor)
        for asked in range(1, n_in * n_out + 5):
            nearest = min(legal, key=lambda factor: (abs(factor - asked), factor))
            assert legal_reuse_factor(n_in, n_out, asked) == nearest


@pytest.mark.parametrize(
    ("depth", "width", "blocks"),
    [(512, 36, 1), (512, 37, 2), (1024, 18, 1), (1024, 19, 2), (2048, 9, 1), (64, 16, 0), (64, 17, 1), (4096, 5, 2)],
)
def test_blocks_of_a_memory(depth: int, width: int, blocks: int) -> None:
    assert rom_blocks(depth, width) == blocks


def test_a_folded_layer_by_hand() -> None:
    # 64 * 64 / 512 = 8 multipliers; 512 words of 64 bits: two blocks, and one for the 8-fold accumulator index.
    cost = dense_cost(FOLDED, FITTED)
    assert (cost.counts["dsp"], 2 * cost.counts["bram"], cost.cycles, cost.interval) == (8, 3, 513, 512)
    terms = lut_terms(FOLDED)
    assert terms["folded.lane"] == 8 * 16
    assert terms["folded.select"] == 8 * 64 * 16
    assert terms["folded.accumulator"] == 64 * 16


def test_narrow_weights_take_no_dsp() -> None:
    assert not takes_dsp(replace(FOLDED, weight_bits=4))
    assert takes_dsp(replace(FOLDED, weight_bits=6))
    assert dense_cost(replace(FOLDED, weight_bits=4), FITTED).counts["dsp"] == 0
    assert bram_18k(replace(FOLDED, weight_bits=4)) == 2  # 32 bits of weights, and the index


def test_products_that_share_dsps_take_turns() -> None:
    products = ConstantProducts(1024, 1024, 100, 680, 32.0, 2)
    shape = DenseShape(32, 32, 16, 10, 16, "latency", 512, 4.375, True, products)
    cost = dense_cost(shape, FITTED)
    assert cost.counts["dsp"] == 2
    assert cycles(shape) == 341  # one cycle for the sum, 340 turns of two DSPs
    assert interval(shape) == 342
    at_once = replace(shape, reuse_factor=1)
    assert (dense_cost(at_once, FITTED).counts["dsp"], cycles(at_once), interval(at_once)) == (680, 1, 1)


def test_no_weights_cost_nothing_when_unrolled() -> None:
    empty = constant_products(np.zeros((32, 32), np.int64), 16)
    shape = DenseShape(32, 32, 16, 8, 16, "latency", 1, 4.375, False, empty)
    cost = dense_cost(shape, FITTED)
    assert (cost.counts["lut"], cost.counts["dsp"], cost.cycles) == (0, 0, 0)


def test_an_untrained_kernel_has_the_spread_of_its_initializer() -> None:
    kernel = typical_kernel(64, 64, 14) / 2**13
    assert kernel.std() == pytest.approx(np.sqrt(2 / 64), rel=0.01)
    assert np.abs(kernel).max() <= 2 * np.sqrt(2 / 64) / 0.8796
    # At two bits QKeras widens what would round to zero.
    assert np.count_nonzero(typical_kernel(64, 32, 2)) > 0.5 * 64 * 32


def test_the_goals_hold_on_rows_left_out() -> None:
    """The committed errors of the fit; benchmarks/estimates.py measures them again."""
    dense = coefficients()["hls4ml_dense"]["errors"]
    assert all(dense[regime]["lut"]["median"] < 0.25 for regime in ("unrolled", "shared", "folded"))
    assert all(dense[regime]["cycles"]["median"] < 0.10 for regime in ("unrolled", "shared", "folded"))
    assert coefficients()["rtl"]["errors"]["post-route"]["lut"]["median"] < 0.15
