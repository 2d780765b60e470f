"""Universal Binary JSON, as XGBoost writes it: values behind a letter that says of which kind they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_INTEGERS = "iUIlL"
UBJSON_LENGTHS = tuple(letter.encode() for letter in _INTEGERS)
"""What may stand behind the first byte of an object, where JSON has a quotation mark or space."""
_DEEPEST = 64


class UbjsonError(ValueError):
    """Bytes that are no such message."""


def parse(data: bytes) -> Any:
    """The value that the bytes hold, arrays of one kind as lists of numbers too.

    Raises:
        UbjsonError: the message ends early, or holds an unknown kind of value.

    >>> parse(b"{U\\x01aSi\\x02hiU\\x01b[$l#U\\x02\\x00\\x00\\x00\\x05\\xff\\xff\\xff\\xff}")
    {'a': 'hi', 'b': [5, -1]}
    """
    return _Reader(memoryview(data)).value(_DEEPEST)


@dataclass
class _Reader:
    data: memoryview
    place: int = 0

    def take(self, size: int) -> memoryview:
        if size < 0 or size > len(self.data) - self.place:
            raise UbjsonError("it ends too early")
        self.place += size
        return self.data[self.place - size : self.place]

    def letter(self) -> str:
        return chr(self.take(1)[0])

    def number(self, kind: str) -> int | float:
        if kind not in _NUMBERS:
            raise UbjsonError(f"a value of the unknown kind {kind!r}")
        found = np.frombuffer(self.take(int(_NUMBERS[kind][2])), _NUMBERS[kind])[0].item()
        return found  # type: ignore[no-any-return]

    def count(self) -> int:
        kind = self.letter()
        if kind not in _INTEGERS:
            raise UbjsonError(f"a length of the kind {kind!r}")
        return int(self.number(kind))

    def text(self) -> str:
        return bytes(self.take(self.count())).decode("utf-8")

    def value(self, levels: int, kind: str | None = None) -> Any:
        kind = self.letter() if kind is None else kind
        if levels <= 0:
            raise UbjsonError("nested too deep")
        match kind:
            case "{":
                return self.object(levels - 1)
            case "[":
                return self.array(levels - 1)
            case "S":
                return self.text()
            case "C":
                return self.letter()
            case "T" | "F":
                return kind == "T"
            case "Z":
                return None
        return self.number(kind)

    def peek(self) -> str:
        if self.place >= len(self.data):
            raise UbjsonError("it ends too early")
        return chr(self.data[self.place])

    def object(self, levels: int) -> dict[str, Any]:
        found = {}
        while self.peek() != "}":
            name = self.text()
            found[name] = self.value(levels)
        self.letter()
        return found

    def array(self, levels: int) -> list[Any]:
        kind = None
        if self.peek() == "$":
            self.letter()
            kind = self.letter()
        if self.peek() != "#":
            found = []
            while self.peek() != "]":
                found.append(self.value(levels))
            self.letter()
            return found
        self.letter()
        count = self.count()
        if count > len(self.data):
            raise UbjsonError("it ends too early")
        if kind in _NUMBERS:
            values = np.frombuffer(self.take(count * int(_NUMBERS[kind][2])), _NUMBERS[kind])
            return list(values.tolist())
        return [self.value(levels, kind) for _ in range(count)]
