"""Budgets that detectors impose, in the keys of project.toml's [budget]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from hls.errors import ProjectError
from hls.target.parts.catalog import Part
from hls.target.resources import LIMITS, TILE_KBIT

BUNCH_CROSSING_NS = 25.0
"""Nominal time between LHC bunch crossings. A revolution of 88.924 us over 3564 slots makes it 24.95 ns; chips run on
that very clock, and projects state it as 25 ns."""


@dataclass(frozen=True)
class BudgetPreset:
    """``interval_bx`` is between events and ``latency_bx`` from input to output, in bunch crossings; ``share`` is the
    part of each resource of an FPGA that one algorithm may take (None for an ASIC)."""

    name: str
    interval_bx: float
    latency_bx: float
    share: float | None
    about: str


BUDGETS: Mapping[str, BudgetPreset] = MappingProxyType(
    {
        "level-1-slot": BudgetPreset(
            "level-1-slot",
            interval_bx=1,
            latency_bx=4,
            share=0.1,
            about="one algorithm among many on a Level-1 trigger board: every bunch crossing, 100 ns, a tenth of it",
        ),
        "level-1-slr": BudgetPreset(
            "level-1-slr",
            interval_bx=1,
            latency_bx=40,
            share=0.25,
            about="one super logic region of a Phase-2 Level-1 board: every bunch crossing, 1 us",
        ),
        "front-end-asic": BudgetPreset(
            "front-end-asic",
            interval_bx=1,
            latency_bx=2,
            share=None,
            about="on the detector, as in the ECON-T encoder (arXiv:2105.01683): every bunch crossing, 50 ns",
        ),
    }
)


def budget_limits(name: str, part: Part | None = None, latency_bx: float | None = None) -> dict[str, float]:
    """Limits of preset ``name`` in the keys of [budget]: times, and of a known ``part`` the share of its resources.

    ``latency_bx`` replaces the preset's latency: trigger menus give each algorithm its own share. Memory is in tiles of
    ``TILE_KBIT``, as report.json counts it, whatever the size of the part's own blocks. A kind that the part does not
    state has no limit.

    >>> budget_limits("front-end-asic")
    {'interval_ns': 25.0, 'latency_ns': 50.0}
    >>> from hls.target.parts import find_part
    >>> budget_limits("level-1-slot", find_part("VU9P"), latency_bx=2)["dsps"]
    684.0

    >>> budget_limits("level-1-slot", latency_bx=6)["latency_ns"]
    150.0

    Raises:
        ProjectError: no such preset.
    """
    if name not in BUDGETS:
        near = get_close_matches(name, BUDGETS, n=1, cutoff=0.0)[0]
        raise ProjectError(f"budget preset {name!r} is not known; the nearest is {near!r}")
    preset = BUDGETS[name]
    crossings = preset.latency_bx if latency_bx is None else latency_bx
    limits = {
        "interval_ns": preset.interval_bx * BUNCH_CROSSING_NS,
        "latency_ns": crossings * BUNCH_CROSSING_NS,
    }
    share = preset.share
    if part is not None and share is not None:
        held = {key: (kind, share * part.holds[kind.key]) for key, kind in LIMITS.items() if kind.key in part.holds}
        limits |= {
            key: float(int(kind.in_blocks(number, part.block_kbit, TILE_KBIT))) for key, (kind, number) in held.items()
        }
    return limits
