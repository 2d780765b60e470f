"""What this machine has of what qtrigger needs."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

_CONSTRAINTS = Path(__file__).resolve().parents[2] / "constraints.txt"
_MEMORY_GIB = 4.0
_DISK_GIB = 2.0


@dataclass(frozen=True)
class Finding:
    """One thing looked at; ``cure`` is empty where nothing need be done."""

    what: str
    status: Literal["good", "warning", "bad"]
    found: str
    cure: str = ""


def examine() -> list[Finding]:
    """Everything that a build or a training needs, and whether it is here."""
    return [_python(), *_packages(), _compiler(), _cores(), _memory(), _disk()]


def _python() -> Finding:
    found = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info[:2] > (3, 13):
        return Finding("Python", "warning", found, "TensorFlow's wheels end at 3.13; use 3.11 to 3.13")
    return Finding("Python", "good", found)


def _packages() -> Iterator[Finding]:
    wanted = _pins()
    if wanted is None:
        yield Finding(
            "packages", "warning", "no constraints.txt beside the package", "nothing to compare versions with"
        )
        return
    different, missing = [], []
    for name in _direct():
        try:
            found = version(name)
        except PackageNotFoundError:
            missing.append(name)
            continue
        if wanted.get(name, found) != found:
            different.append(f"{name} {found} (tested with {wanted[name]})")
    if missing:
        yield Finding("packages", "bad", f"missing: {', '.join(missing)}", "pip install -c constraints.txt -e .")
    if different:
        yield Finding("packages", "warning", "; ".join(different), "pip install -c constraints.txt -e .")
    if not missing and not different:
        yield Finding("packages", "good", f"{len(_direct())} direct dependencies at the tested versions")


def _pins() -> dict[str, str] | None:
    if not _CONSTRAINTS.is_file():
        return None
    lines = _CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==", 1) for line in lines if "==" in line)


def _direct() -> list[str]:
    return [text for text in requires("qtrigger") or [] if ";" not in text]


def _compiler() -> Finding:
    path = shutil.which("g++")
    if path is None:
        return Finding("g++", "bad", "not found", "install it (Debian: apt-get install g++); the C simulation needs it")
    answer = subprocess.run([path, "-dumpfullversion"], capture_output=True, text=True, check=False)
    return Finding("g++", "good", f"{answer.stdout.strip()} ({path})")


def _cores() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Finding("cores", "good", str(cores))


def _memory() -> Finding:
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    if gib < _MEMORY_GIB:
        return Finding("memory", "warning", f"{gib:.1f} GiB", f"training wants {_MEMORY_GIB:.0f} GiB")
    return Finding("memory", "good", f"{gib:.1f} GiB")


def _disk() -> Finding:
    gib = shutil.disk_usage(Path.cwd()).free / 2**30
    if gib < _DISK_GIB:
        return Finding(
            "disk", "warning", f"{gib:.1f} GiB free here", f"builds and event files want {_DISK_GIB:.0f} GiB"
        )
    return Finding("disk", "good", f"{gib:.1f} GiB free here")
