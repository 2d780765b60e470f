"""The last build of a project, and what of it still holds: a build adds to what is there, it does not destroy it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from hls import __version__
from hls.errors import ProjectError
from hls.graph import FixedGraph
from hls.handover import BENCH
from hls.project.project_file import Project
from hls.project.report.schema import Latency, Report, Resources, read_report
from hls.project.report.verification_schema import KeptResult
from hls.proof import PROOF_FILE
from hls.verification.build_folder import BuildFolder

Row = TypeVar("Row", Resources, Latency)

_SOURCES = frozenset({".v", ".vhd", ".mem", ".hex", ".dat"})
_OF_RTL = ("rtl", "netlist")
_MEASURED = ("yosys", "nextpnr", "rtl-simulation")
"""Sources of figures of our RTL that are asked for, or not: estimates are always there."""


def firmware_key(project: Project, graph: FixedGraph) -> str:
    """Equal for builds that write the same files: of one network, model file, target and release.

    Which of the two firmwares is judged changes nothing in either.
    """
    state = hashlib.sha256()
    settings = asdict(project.target) | {"vhdl": project.file.target.vhdl, "firmware": None}
    stated = sorted(f"{key} = {value}" for key, value in settings.items())
    for part in (__version__, project.name, graph.digest(), *stated):
        state.update(f"{part}\0".encode())
    state.update(project.model_file().read_bytes())
    return state.hexdigest()


@dataclass(frozen=True)
class LastBuild:
    """A build of the very firmware that is built now. ``report`` is what it found, ``folder`` where it lies."""

    folder: BuildFolder
    report: Report

    @property
    def created(self) -> str:
        """When it was built."""
        return self.report.environment.created

    def keep_files(self, build: BuildFolder) -> None:
        """What lies there and this ``build`` did not write; of the Verilog that it has also a netlist, a proof, and
        what a user's tool left beside it: hours of place and route must not go with the folder.
        """
        for own, new in ((self.folder.hls, build.hls), (self.folder.rtl, build.rtl)):
            if not new.exists():
                _fill(own, new)
        if not self.has_verilog_of(build):
            return
        _fill(self.folder.rtl, build.rtl)
        if not build.netlist.exists():
            _fill(self.folder.netlist, build.netlist)
        proof = self.folder.home / PROOF_FILE
        if proof.is_file() and not (build.home / PROOF_FILE).exists():
            shutil.copy2(proof, build.home / PROOF_FILE)

    def has_verilog_of(self, build: BuildFolder) -> bool:
        """Whether its Verilog is that of ``build``, byte by byte."""
        own = dict(_sources(self.folder.rtl))
        return bool(own) and own == dict(_sources(build.rtl))

    def results(self, ran: Sequence[str], build: BuildFolder) -> dict[str, KeptResult]:
        """What witnesses found that did not run now: of our RTL only if that is the same."""
        own = {
            name: KeptResult(built=self.created, source=self.report.verification.source, result=result)
            for name, result in self.report.witnesses.items()
            if result.status == "ran"
        }
        same = self.has_verilog_of(build)
        return {
            name: kept
            for name, kept in (self.report.kept | own).items()
            if name not in ran and (same or name not in _OF_RTL)
        }

    def rows(
        self, resources: Sequence[Resources], latency: Sequence[Latency], build: BuildFolder
    ) -> tuple[list[Resources], list[Latency]]:
        """Those and, of its own, the figures of our RTL from sources that were not asked now; each says so."""
        if not self.has_verilog_of(build):
            return [*resources], [*latency]
        return (
            [*resources, *self._kept(self.report.resources, resources)],
            [*latency, *self._kept(self.report.latency, latency)],
        )

    def _kept(self, old: Sequence[Row], new: Sequence[Row]) -> Iterator[Row]:
        found = {(row.source, row.route) for row in new}
        for row in old:
            if row.source in _MEASURED and (row.source, row.route) not in found:
                yield row.model_copy(update={"kept_from": row.kept_from or self.created})


def kept_notes(resources: Sequence[Resources], latency: Sequence[Latency]) -> Iterator[str]:
    """Which figures are not of this build."""
    rows: list[Resources | Latency] = [*resources, *latency]
    for row in rows:
        if row.kept_from is not None:
            yield f"{row.route}, {row.source}: measured by the build of {row.kept_from}, on the same Verilog"


def last_build(project: Project, graph: FixedGraph) -> LastBuild | None:
    """That which lies in the project's build folder, if it is one of the same firmware."""
    try:
        report = read_report(project.build_folder)
    except ProjectError:
        return None
    if report.project.firmware_key != firmware_key(project, graph):
        return None
    return LastBuild(BuildFolder(project.build_folder, project.cache_folder), report)


def _fill(own: Path, new: Path) -> None:
    """All of ``own``, if it is there, that ``new`` lacks."""
    if own.is_dir():
        shutil.copytree(own, new, symlinks=True, dirs_exist_ok=True, copy_function=_unless_there)


def _unless_there(source: str, target: str) -> None:
    """The file itself under another name, which costs nothing, where the disk has it so."""
    if not os.path.lexists(target):
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)


def _sources(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a design, its test benches left out: they hold the events of a build."""
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if path.suffix in _SOURCES and place.parts[0] != BENCH and path.is_file():
            yield str(place), path.read_bytes()
