"""Events through the firmware of a compressing project into packed bits, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hls.emulation import Emulator
from hls.errors import FirmwareError
from hls.importing import Statements, import_model
from hls.machine.disk import disk_errors
from hls.machine.extras import absence_named
from hls.project.project_file import Project, read_project
from hls.project.systems.finding import Chosen, find_system, systems
from hls.project.systems.protocols import Firmware, PackedEvents, PackingSystem

PROJECTS = Path("firmware_projects")


def pack(folder: str | Path, inputs: str | Path, out: str | Path, *, beta: float, coding: str) -> PackedEvents:
    """Pack the events of file ``inputs`` into ``out`` at the β nearest to ``beta`` that the project's layout has.

    Raises:
        FirmwareError: the project packs no events, or a file or ``beta`` is not usable.
    """
    project = read_project(folder)
    chosen = _chosen(project)
    firmware = emulated(project.model_file(), project.file.model.statements())
    with absence_named(), disk_errors(Path(out)):
        return chosen.packing.pack(
            chosen.variant, project.folder, firmware, Path(inputs), Path(out), beta=beta, coding=coding
        )


def emulated(model: Path, statements: Statements | None = None) -> Firmware:
    """The firmware of a quantized ``model``; FirmwareError if it cannot be read."""
    emulator = Emulator(import_model(model, statements))

    def firmware(events: Any) -> Any:
        return emulator.evaluate(events)

    return firmware


def unpack(path: str | Path, out: str | Path, folder: str | Path | None = None) -> PackedEvents:
    """Unpack ``path`` into ``out`` by the project in ``folder``; without one, by firmware_projects/NAME as it says.

    Raises:
        FirmwareError: no such project, or ``path`` is no file of packets, damaged, or packed by another layout.
    """
    project = read_project(PROJECTS / _packed_by(Path(path)) if folder is None else folder)
    with absence_named(), disk_errors(Path(out)):
        return _chosen(project).packing.unpack(project.folder, Path(path), Path(out))


def _chosen(project: Project) -> Chosen:
    model = project.file.model
    if model.system is None:
        raise FirmwareError(f"{project.folder}: the project names no system; only a system's networks pack events")
    return find_system(model.system, model.variant)


def _packed_by(path: Path) -> str:
    for system in systems().values():
        if hasattr(system, "packed_by"):
            packer: PackingSystem = Chosen(system, "").packing
            with absence_named():
                return packer.packed_by(path)
    raise FirmwareError(f"{path}: no installed system packs events")
