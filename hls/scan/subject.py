"""What is scanned: the networks that a system trains, or one network whose hardware alone varies."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from hls.errors import FirmwareError
from hls.project import Project, read_project
from hls.project.systems.finding import Chosen, find_system
from hls.scan.pareto import Objective
from hls.scan.space import HARDWARE, Space
from hls.scan.trial import with_hardware
from hls.target import DEFAULT_BACKEND, Target

DEFAULT_TARGET = Target("xcvu13p-flga2577-2-e", DEFAULT_BACKEND, 5.0)


@dataclass(frozen=True)
class Subject:
    """``target`` holds what the scan does not vary. ``fixed`` is the project whose network stays as it is; None if each
    trial trains one of ``chosen``."""

    name: str
    target: Target
    chosen: Chosen | None
    fixed: Project | None = None

    @property
    def trained(self) -> Chosen | None:
        """The system that trains a network for each trial, if one does."""
        return self.chosen if self.fixed is None else None

    @property
    def space(self) -> Space:
        """Every parameter with its choices; of the hardware there is one each, the target's, until a scan says more."""
        network = {} if self.trained is None else self.trained.scannable.scan_space(self.trained.variant)
        hardware = {**asdict(self.target), "interval": self.target.interval_clocks}
        return Space({
            **{name: tuple(choices) for name, choices in network.items()},
            **{name: (hardware[name],) for name in HARDWARE},
        })  # fmt: skip

    def measured_as(self, firmware: str | None, space: Space) -> Subject:
        """The same with its firmware stated: one for all points, since figures of two firmwares do not compare.

        It is ``firmware`` if given, else the target's own where it states one; else hls4ml's if the target or any point
        asks for what only hls4ml builds.

        Raises:
            FirmwareError: a point asks for what that firmware is not, or its hardware is not valid.
        """
        stated = replace(self.target, firmware=firmware or self.target.firmware)
        choices = itertools.product(*(space.choices[name] for name in HARDWARE))
        points = [with_hardware(stated, dict(zip(HARDWARE, values, strict=True))) for values in choices]
        folded = any(target.product == "hls4ml" for target in (stated, *points))
        if folded and len(set(space.choices["interval"])) > 1:
            raise FirmwareError("interval varies, which our RTL alone has: of hls4ml's firmware vary reuse_factor")
        return replace(self, target=replace(stated, firmware="hls4ml" if folded else "rtl"))

    def objectives(self, varied: Collection[str]) -> tuple[Objective, ...]:
        """What is sought if nobody says: the system's own measure of quality against LUTs, or LUTs and time.

        ``varied`` are the parameters of which the user stated choices.
        """
        if "interval" in varied and self.trained is None:
            return Objective("luts", "min"), Objective("interval_ns", "min")
        if self.trained is None:
            return Objective("latency_ns", "min"), Objective("luts", "min")
        return Objective.parse(self.trained.scannable.scan_objective(self.trained.variant)), Objective("luts", "min")


def find_subject(text: str, *, fixed: bool = False) -> Subject:
    """A project folder, or a system as ``qtrigger train`` names it.

    A project without a system, or any with ``fixed``, keeps its network.

    Raises:
        FirmwareError: neither, or a system whose networks cannot be scanned.
    """
    folder = Path(text)
    if (folder / "project.toml").is_file():
        return _of_project(read_project(folder), fixed)
    chosen = find_system(text)
    if fixed:
        raise FirmwareError(
            f"--fixed keeps the network of a project, and {text!r} is a system; name a project's folder"
        )
    return Subject(str(chosen), DEFAULT_TARGET, _scannable(chosen))


def _of_project(project: Project, fixed: bool) -> Subject:
    model = project.file.model
    chosen = None if model.system is None else find_system(model.system, model.variant)
    if chosen is None or fixed:
        return Subject(project.name, project.target, chosen, project)
    try:
        return Subject(project.name, project.target, _scannable(chosen))
    except FirmwareError as error:
        raise FirmwareError(f"{error}; --fixed scans the hardware of this project's network") from error


def _scannable(chosen: Chosen) -> Chosen:
    _ = chosen.scannable  # raises for a system that cannot be scanned, before anything runs
    return chosen
