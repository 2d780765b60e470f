"""Which packages and grades a device is made in: a name that no tool knows is refused before hours of synthesis.

``ordering.json`` holds them by the vendor's own device names, in which low-power parts of the 7 series have names of
their own ("xc7k325ti"). What it does not list is not judged, but for the digit of an AMD speed grade.
"""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from hls.errors import ProjectError
from hls.target.parts.catalog import find_part

_PACKAGE = re.compile(r"[a-z]{2,4}\d{2,4}")
_SPEED = re.compile(r"(?P<before>xc[a-z]+\d+[a-z]*-[a-z]{4}\d{3,4})-(?P<digit>.).*")
_ENGINEERING_SAMPLE = re.compile(r"-es\d$")


def check_ordering_code(name: str) -> None:
    """Refuse a device name whose device is listed, but not in this package or grade; the nearest are named.

    A name that ends before its package or grade says nothing wrong, and is taken.

    >>> check_ordering_code("xcvu13p-flga2577-2-e")
    >>> check_ordering_code("xcvu13p-flga2577-9z")
    Traceback (most recent call last):
        ...
    hls.errors.ProjectError: part 'xcvu13p-flga2577-9z': an xcvu13p is not made so; the nearest names are \
xcvu13p-flga2577-3-e, xcvu13p-flga2577-2-i, xcvu13p-flga2577-2-e

    Raises:
        ProjectError: there is no such package or grade.
    """
    asked = _ENGINEERING_SAMPLE.sub("", name.lower())
    device = _device(asked)
    if device is None:
        _check_speed(name, asked)
        return
    if asked == device:
        return
    names = _names()[device]
    known = {known.lower(): known for known in names}
    if asked in known or any(other.startswith(f"{asked}-") for other in known):
        return
    near = (known[key] for key in get_close_matches(asked, known, n=3, cutoff=0.0))
    raise ProjectError(f"part {name!r}: an {device} is not made so; the nearest names are {', '.join(near)}")


def _check_speed(name: str, asked: str) -> None:
    """Of a known AMD device that is not listed only the speed is judged: 1, 2 or 3, whatever its letters."""
    speed = _SPEED.fullmatch(asked)
    if speed is None or speed["digit"] in "123":
        return
    try:
        find_part(name)
    except ProjectError:
        return  # said where its capacities are missed
    known = ", ".join(f"{speed['before']}-{digit}" for digit in "123")
    raise ProjectError(f"part {name!r}: AMD's speed grades are 1 to 3; the nearest names begin with {known}")


def _device(asked: str) -> str | None:
    """The listed device that a name means: the longest, as "xc7k325ti" begins with another's name."""
    for device in sorted(_names(), key=len, reverse=True):
        rest = asked.removeprefix(device)
        if asked.startswith(device) and (not rest or rest.startswith("-") or _PACKAGE.match(rest)):
            return device
    return None


@cache
def _names() -> dict[str, tuple[str, ...]]:
    """Full names by device, as Vivado spells them: a 7 series device and its package are one word."""
    loaded: dict[str, Any] = json.loads(files("hls.target.parts").joinpath("ordering.json").read_text(encoding="utf-8"))
    return {
        device: tuple(
            f"{device}{'' if device.startswith('xc7') else '-'}{package}-{grade}"
            for package in group["packages"]
            for grade in group["grades"]
        )
        for group in loaded["groups"]
        for device in group["devices"]
    }
