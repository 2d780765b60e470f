"""What is said of an error that no user caused: where it happened, and where to send that."""

from __future__ import annotations

import os
import platform
import traceback
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import hls

TRACEBACK = "QTRIGGER_TRACEBACK"
"""Environment variable: set to 1, every error is shown with its trace."""
EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h: no other verdict of ours, and not Python's own 1, which means a failed comparison."""
_PLACES = ("Issues", "Repository", "Homepage")


def bug_report(error: BaseException) -> str:
    """One line: what failed in which version, where to send that, and how to see the trace."""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    versions = f"qtrigger {hls.__version__}, Python {platform.python_version()}, {platform.system()}"
    hint = "" if shows_traceback() else f"; {TRACEBACK}=1 shows the trace, which belongs to the report"
    return (
        f"this is a fault of qtrigger's, not of yours: {what} ({_place(error)}; {versions}); "
        f"please report it with the command that you gave {_where_to()}{hint}"
    )


def trace(error: BaseException) -> str:
    """The whole trace, and that of the process in which the error was raised, if it was another."""
    return "".join(traceback.format_exception(error))


def shows_traceback() -> bool:
    """Whether the user asked for traces."""
    return os.environ.get(TRACEBACK, "") not in ("", "0")


def _place(error: BaseException) -> str:
    """The innermost line of ours that the error passed."""
    home = Path(hls.__file__).parent
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(home)] or frames
    if not own:
        return "nowhere"
    file = Path(own[-1].filename)
    return f"{file.relative_to(home.parent) if file.is_relative_to(home) else file.name}:{own[-1].lineno}"


def _where_to() -> str:
    """The tracker that the package states; one who installed a copy without it knows where it came from."""
    try:
        stated = metadata("qtrigger").get_all("Project-URL") or []
    except PackageNotFoundError:
        stated = []
    urls = dict(line.split(", ", 1) for line in stated if ", " in line)
    found = [urls[name] for name in _PLACES if name in urls]
    return f"at {found[0]}" if found else "to those from whom you have qtrigger"
