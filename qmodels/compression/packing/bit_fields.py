"""Fields of bits in a string of bytes: the first bit is the highest of the first byte."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qmodels.compression.packing.latent_layout import Ints

Bytes = npt.NDArray[np.uint8]


def padded(data: bytes) -> Bytes:
    """The bytes as an array with zeros behind, so that reading past the end is defined."""
    return np.frombuffer(data + bytes(8), np.uint8)


def read_bits(data: Bytes, places: Ints, width: int | Ints) -> Ints:
    """Numbers of ``width`` <= 16 bits (one for all, or one each) that begin at these bits of :func:`padded` data.

    >>> read_bits(padded(bytes([0b10110000])), np.array([0, 1]), np.array([1, 3])).tolist()
    [1, 3]
    """
    byte = np.minimum(places >> 3, len(data) - 3)
    word = data[byte].astype(np.int64) << 16 | data[byte + 1].astype(np.int64) << 8 | data[byte + 2]
    return (word >> (24 - width - (places & 7))) & ((np.int64(1) << width) - 1)


def fields_to_bits(numbers: Ints, widths: Ints) -> npt.NDArray[np.bool_]:
    """Bits (n, sum of widths) of rows of numbers (n, fields), each field of its own width, highest bit first.

    >>> fields_to_bits(np.array([[5, 1]]), np.array([3, 2])).astype(int).tolist()
    [[1, 0, 1, 0, 1]]
    """
    shifts = np.concatenate([np.arange(width)[::-1] for width in widths] or [np.zeros(0, np.int64)]).astype(np.int64)
    return (np.repeat(numbers, widths, axis=1) >> shifts & 1).astype(np.bool_)


def join_strings(digits: npt.NDArray[np.uint16], lengths: Ints) -> npt.NDArray[np.bool_]:
    """The strings (one a line of 16-bit digits) one after the other, each cut to its length in bits.

    >>> digits = np.array([[0b1010 << 12], [0b11 << 14]], np.uint16)
    >>> join_strings(digits, np.array([4, 2])).astype(int).tolist()
    [1, 0, 1, 0, 1, 1]
    """
    bits = np.unpackbits(digits.astype(">u2").view(np.uint8).reshape(len(digits), -1), axis=1)
    return bits[np.arange(bits.shape[1]) < lengths[:, None]].astype(np.bool_)
