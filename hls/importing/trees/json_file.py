"""JSON of others, looked at before it is used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError

_HEAD = 64


def starts_as_object(file: Path) -> bool:
    """Whether the first character that is no space opens an object."""
    with file.open("rb") as stream:
        return stream.read(_HEAD).lstrip().startswith(b"{")


def read_object(file: Path) -> Mapping[str, Any]:
    """The object that a file holds.

    Raises:
        ModelFileError: it is no JSON.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{file}: not valid JSON ({error}); was it copied whole?") from error
    if not isinstance(found, dict):
        raise ModelFileError(f"{file}: not a JSON object; was it copied whole?")
    return found


def part(held: Mapping[str, Any], key: str, file: Path) -> Mapping[str, Any]:
    """An object in an object.

    Raises:
        ModelFileError: it is not there.
    """
    found = held.get(key)
    if not isinstance(found, dict):
        raise ModelFileError(f"{file}: has no {key!r}; was it copied whole?")
    return found


def number(value: Any, where: str) -> float:
    """A finite number, which may be written as text.

    Raises:
        ModelFileError: it is none.
    """
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        found = float("nan")
    if not np.isfinite(found):
        raise ModelFileError(f"{where}: {str(value)[:40]!r} is no number; was the file copied whole?")
    return found


def numbers(values: Any, where: str) -> npt.NDArray[np.float64]:
    """A list of numbers; infinite ones may be among them.

    Raises:
        ModelFileError: it is none.
    """
    plain = isinstance(values, list) and all(isinstance(value, int | float) for value in values)
    if not plain:
        raise ModelFileError(f"{where}: is no list of numbers; was the file copied whole?")
    try:
        return np.array(values, np.float64)
    except OverflowError as error:
        raise ModelFileError(f"{where}: holds a number of too many digits; was the file copied whole?") from error
