"""The wire format of Protocol Buffers: numbered fields, read where they lie in the bytes of the file."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_MOST_VARINT_BITS = 70
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Value = int | memoryview


class WireError(ValueError):
    """Bytes that are no message."""


def fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    """The fields of a message in their order: a number for a varint, else the bytes, of which nothing is copied.

    Raises:
        WireError: the message ends inside of a field, or a field is of no known kind.

    >>> [(number, value) for number, value in fields(memoryview(bytes([0x08, 0x96, 0x01])))]
    [(1, 150)]
    """
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        number, kind = key >> 3, key & 7
        if not number:
            raise WireError("a field without a number")
        if kind == VARINT:
            value, place = varint(data, place)
            yield number, value
            continue
        if kind == BYTES:
            size, place = varint(data, place)
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
        else:
            raise WireError(f"a field of the unknown kind {kind}")
        if size > len(data) - place:
            raise WireError(f"it ends {size - len(data) + place} bytes too early")
        yield number, data[place : place + size]
        place += size


def varint(data: memoryview, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends.

    Raises:
        WireError: it does not end.
    """
    number = shift = 0
    while place < len(data) and shift < _MOST_VARINT_BITS:
        byte = data[place]
        number |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return number & 0xFFFF_FFFF_FFFF_FFFF, place
    raise WireError("a number that does not end")


def signed(value: Value) -> int:
    """A varint as a number with a sign.

    >>> signed(2**64 - 1)
    -1
    """
    if not isinstance(value, int):
        raise WireError("bytes where a number belongs")
    return value - (1 << 64) if value >> 63 else value


def many(value: Value) -> Iterator[int]:
    """A repeated number: one of them, or all of them packed."""
    if isinstance(value, int):
        yield signed(value)
        return
    place = 0
    while place < len(value):
        number, place = varint(value, place)
        yield signed(number)


def message(value: Value) -> memoryview:
    """The bytes of a nested message.

    Raises:
        WireError: a number stands there.
    """
    if isinstance(value, int):
        raise WireError("a number where a message belongs")
    return value


def text(value: Value) -> str:
    """A string, on one line; bytes that are no UTF-8 and signs that do not print are written as Python would."""
    found = bytes(message(value)).decode("utf-8", errors="backslashreplace")
    return found if found.isprintable() else ascii(found)[1:-1]


def real(value: Value) -> float:
    """A float of four bytes.

    Raises:
        WireError: of another size.
    """
    data = message(value)
    if len(data) != 4:
        raise WireError(f"{len(data)} bytes where a float belongs")
    return float(struct.unpack("<f", data)[0])
