"""What a vendor's tool wrote into the previous build, kept for the next one while the firmware is the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from hls.errors import ProjectError
from hls.figures.vendor_reports.result import LARGEST_REPORT
from hls.project.report import read_report
from hls.target import Target
from hls.verification.build_folder import BuildFolder

_REPORTS = frozenset({".xml", ".rpt", ".js", ".ndjson", ".summary", ".log", ".vds"})
_SETTINGS = ("part", "backend", "clock_ns", "io_type", "strategy", "reuse_factor")


def keep_vendor_reports(previous: BuildFolder, build: BuildFolder, digest: str, target: Target) -> Path | None:
    """Copy vendors' reports of the ``previous`` build into ``build.vendor``; None if there are none to keep.

    The user runs the tool in ``build/hls``, and a build replaces that folder: hours of synthesis must not go with it.
    Reports of another network (``digest``) or target are not kept, since their figures are not of this firmware.
    """
    if not _same_firmware(previous.home, digest, target):
        return None
    for path, place in _reports(previous, build):
        (build.vendor / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, build.vendor / place)
    return build.vendor if build.vendor.is_dir() else None


def _same_firmware(previous: Path, digest: str, target: Target) -> bool:
    try:
        report = read_report(previous)
    except ProjectError:
        return False
    was = report.project
    # What holds the products of our RTL, where its pipeline is cut, its interval and which firmware is judged change
    # nothing in the hls4ml project that the vendor's tool was run on.
    same = all(getattr(was, key) == getattr(target, key) for key in _SETTINGS)
    return report.graph.digest == digest and same


def _reports(previous: BuildFolder, build: BuildFolder) -> Iterator[tuple[Path, Path]]:
    """(file, its place below the vendor folder): those kept before, then what hls4ml did not write itself."""
    for folder, written in ((previous.vendor, None), (previous.hls, build.hls)):
        for path in sorted(folder.rglob("*")):
            place = path.relative_to(folder)
            if path.suffix not in _REPORTS or not path.is_file() or path.stat().st_size > LARGEST_REPORT:
                continue
            if written is None or not (written / place).exists():
                yield path, place
