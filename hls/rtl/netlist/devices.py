"""Parts that the RTL can be placed and routed on here, without a vendor's tool."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hls.errors import ProjectError


@dataclass(frozen=True)
class Device:
    """A part that is placed and routed on: ``name`` in project.toml, ``title`` in a sentence, nextpnr's own options."""

    name: str
    title: str
    options: tuple[str, ...]
    part: re.Pattern[str]


def _ecp5(thousands: int) -> Device:
    return Device(
        f"ecp5-{thousands}k",
        f"Lattice ECP5-{thousands}, speed grade 8",
        (f"--{thousands}k", "--package", "CABGA381", "--speed", "8"),
        re.compile(rf"lfe5u-{thousands}f-8.*", re.IGNORECASE),
    )


DEVICES: Mapping[str, Device] = MappingProxyType({d.name: d for d in map(_ecp5, (25, 45, 85))})


def is_on(title: str, part: str) -> bool:
    """Whether the device of this title is the ``part``, with its size and speed grade.

    >>> is_on("Lattice ECP5-85, speed grade 8", "LFE5U-85F-8BG756C")
    True
    """
    return any(device.title == title and device.part.fullmatch(part) for device in DEVICES.values())


def check_device(name: str) -> Device:
    """The device called ``name``.

    Raises:
        ProjectError: there is none; names those there are.
    """
    if name not in DEVICES:
        raise ProjectError(f"place_and_route = {name!r}: must be one of {', '.join(DEVICES)}")
    return DEVICES[name]
