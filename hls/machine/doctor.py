"""What this machine has of what qtrigger needs."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from hls.machine.extras import EXTRAS

_CONSTRAINTS = Path(__file__).resolve().parents[2] / "constraints.txt"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
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
    return [_python(), _packages(), *_extras(), _compiler(), _cores(), _memory(), _disk()]


def _python() -> Finding:
    found = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info[:2] > (3, 13):
        return Finding("Python", "warning", found, "TensorFlow's wheels end at 3.13; use 3.11 to 3.13")
    return Finding("Python", "good", found)


def _packages() -> Finding:
    """The packages without which nothing runs."""
    core = _core()
    absent = [name for name in core if _version(name) is None]
    if absent:
        return Finding("packages", "bad", f"missing: {', '.join(absent)}", "pip install qtrigger")
    return _compared("packages", core)


def _extras() -> Iterator[Finding]:
    """What not everybody needs, and what is not to be had without it."""
    for extra in EXTRAS:
        what = f"[{extra.name}]"
        if extra.missing:
            found = f"missing: {', '.join(extra.missing)}; it serves {extra.serves}"
            yield Finding(what, "warning", found, extra.install)
        else:
            yield _compared(what, extra.packages)


def _compared(what: str, names: Collection[str]) -> Finding:
    """Installed packages beside the tested versions, which only a clone knows."""
    pins = _pins()
    if pins is None:
        return Finding(what, "good", f"{len(names)} installed (a clone's constraints.txt has the tested versions)")
    found = {name: _version(name) for name in names}
    different = [
        f"{name} {here} (tested with {pins[name]})" for name, here in found.items() if pins.get(name, here) != here
    ]
    if different:
        return Finding(what, "warning", "; ".join(different), "pip install -c constraints.txt -e '.[all]'")
    return Finding(what, "good", f"{len(names)} at the tested versions")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _pins() -> dict[str, str] | None:
    if not _CONSTRAINTS.is_file():
        return None
    lines = _CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==", 1) for line in lines if "==" in line)


def _core() -> list[str]:
    """Names of the direct dependencies that no extra brings."""
    stated = [text for text in requires("qtrigger") or [] if ";" not in text]
    return [name for text in stated for name in _NAME.findall(text)[:1]]


def _compiler() -> Finding:
    path = shutil.which("g++")
    if path is None:
        return Finding(
            "g++", "bad", "not found", "install it (Debian: apt-get install g++); witnesses csim and rtl need it"
        )
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
