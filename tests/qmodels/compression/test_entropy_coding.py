"""The arithmetic coder: exact, as short as information allows, and loud about damage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmodels.compression.packing.bit_fields import join_strings, padded
from qmodels.compression.packing.entropy_coding import cumulative, decode_strings, encode_strings, frequency_tables
from qmodels.compression.packing.latent_layout import Quantizer
from qmodels.errors import ModelDataError
from tests.qmodels.compression.layouts import random_quantizer

HALVES = Quantizer(1, 0, 2, 0, 1, 1, (1, 1))
QUARTERS = Quantizer(1, 0, 4, 0, 1, 1, (1, 1, 1, 1))


def coded(symbols: list[list[int]], rows: list[list[int]], quantizers: list[Quantizer]) -> list[str]:
    """Each string as zeros and ones."""
    digits, lengths = encode_strings(np.array(symbols), np.array(rows), frequency_tables(quantizers))
    bits = "".join("01"[int(bit)] for bit in join_strings(digits, lengths))
    ends = np.cumsum(lengths)
    return [bits[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def test_symbols_of_equal_frequency_are_their_own_bits() -> None:
    assert coded([[0, 1, 1, 0], [1, 1, 1, 1]], [[0] * 4] * 2, [HALVES]) == ["0110", "1111"]
    assert coded([[2, 1], [0, 0]], [[0, 1]] * 2, [QUARTERS, HALVES]) == ["101", "000"]


def test_what_is_certain_takes_no_bits() -> None:
    certain = Quantizer(1, 0, 1, 5, 0)
    assert coded([[0, 0, 0]], [[0, 0, 0]], [certain]) == [""]
    assert coded([[0, 1, 0]], [[0, 1, 0]], [certain, HALVES]) == ["1"]


def test_frequencies_by_hand() -> None:
    # Three symbols, the first two of weight 3 in one cell, the third alone with weight 1: 1 each, and 65533 by 3:3:1.
    table = cumulative(Quantizer(1, 0, 3, 0, 1, 2, (3, 1)))
    assert table.tolist() == [0, 1 + 65533 * 3 // 7, 2 + 65533 * 6 // 7, 65536]
    assert np.diff(cumulative(Quantizer(1, 0, 4, 0, 1, 1, (0, 7, 0, 0)))).tolist() == [1, 65533, 1, 1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 40), st.sampled_from(["any", "first", "last", "rare"]))
def test_decoding_gives_back_every_symbol(seed: int, strings: int, length: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    quantizers = [random_quantizer(rng, True) for _ in range(4)]
    tables = frequency_tables(quantizers)
    rows = rng.integers(0, 4, (strings, length))
    levels = np.array([quantizer.levels for quantizer in quantizers])[rows]
    rarest = np.array([int(np.argmin(np.diff(cumulative(quantizer)))) for quantizer in quantizers])[rows]
    any_of = (rng.random(rows.shape) * levels).astype(np.int64)
    symbols = {"any": any_of, "first": np.zeros_like(rows), "last": levels - 1, "rare": rarest}[kind]

    digits, lengths = encode_strings(symbols, rows, tables)
    data = padded(np.packbits(join_strings(digits, lengths)).tobytes())
    starts = np.cumsum(lengths) - lengths
    decoded, ends = decode_strings(data, starts, rows, tables)
    assert (decoded == symbols).all()
    assert (ends == starts + lengths).all()
    _, parts = tables.interval(rows, symbols)
    information = (16 - np.log2(parts)).sum(axis=1)
    # Two bits to end a string; truncated divisions cost at most 2**-16 of a bit a symbol, times 1/ln 2.
    assert (lengths <= information + 2 + length * 2.0**-15).all()
    assert (lengths >= information - 1e-6).all()


def test_bits_of_no_symbols_are_refused() -> None:
    thirds = Quantizer(1, 0, 3, 0, 1, 1, (1, 1, 1))
    tables, rows = frequency_tables([thirds]), np.zeros((1, 200), np.int64)
    with pytest.raises(ModelDataError, match="string 0 is damaged"):
        decode_strings(padded(b"\xff" * 60), np.zeros(1, np.int64), rows, tables)
