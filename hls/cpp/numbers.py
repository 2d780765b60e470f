"""Integers of C++: the type that holds an interval, literals, and tables of constants."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap

import numpy as np

from hls.errors import UnsupportedError

WIDTHS = (8, 16, 32, 64, 128)
_WIDE = 128
_LINE = 116


def width_for(*values: int) -> int:
    """Bits of the narrowest signed type that holds all ``values``.

    >>> width_for(-128, 127), width_for(128), width_for(1 << 40)
    (8, 16, 64)

    Raises:
        UnsupportedError: no type has so many.
    """
    for width in WIDTHS:
        if all(-(1 << (width - 1)) <= value < 1 << (width - 1) for value in values):
            return width
    largest = max(map(abs, values)).bit_length() + 1
    raise UnsupportedError(f"a number of {largest} bits; C++ has integers of up to {_WIDE} (g++ and clang)")


def signed(width: int) -> str:
    """The signed type of ``width`` bits."""
    return "__int128" if width == _WIDE else f"std::int{width}_t"


def unsigned(width: int) -> str:
    """The unsigned type of ``width`` bits."""
    return "unsigned __int128" if width == _WIDE else f"std::uint{width}_t"


def type_for(*values: int) -> str:
    """The narrowest signed type that holds all ``values``."""
    return signed(width_for(*values))


def boolean(value: bool) -> str:
    """``value`` in C++."""
    return str(value).lower()


def literal(value: int) -> str:
    """``value`` in C++.

    >>> literal(-5), literal(1 << 40), literal(-(1 << 63))
    ('-5', '1099511627776', '(-9223372036854775807 - 1)')
    >>> literal((1 << 64) + 3)
    '(static_cast<__int128>(1) * 4294967296 * 4294967296 + 3)'
    """
    if value == -(1 << 63):
        return f"(-{(1 << 63) - 1} - 1)"
    if -(1 << 63) < value < 1 << 63:
        return str(value)
    high, low = value >> 64, value & ((1 << 64) - 1)
    rest = literal(low) if low < 1 << 63 else f"static_cast<__int128>({low}u)"
    return f"(static_cast<__int128>({literal(high)}) * 4294967296 * 4294967296 + {rest})"


def table(type_name: str, name: str, values: Iterable[int] | np.ndarray) -> str:
    """A constant array, at least one element long, for C++ has none that is shorter."""
    listed = [literal(int(value)) for value in values] or ["0"]
    lines = wrap(", ".join(listed), _LINE, break_long_words=False, break_on_hyphens=False)
    body = "\n    ".join(lines)
    return f"constexpr {type_name} {name}[] = {{\n    {body}}};"
