"""The `qtrigger` command, one module a verb. Verbs import what they need when they run, so that --help is instant."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn, cast

import typer

_READER_GONE = 141
"""As shells tell a program that wrote into a pipe which nobody reads: `qtrigger report ... | head`."""

# What is raised for a command line that cannot be parsed: of Click, or of the Click that newer Typers bring.
_CLICK_ERROR = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[2])


def main() -> None:
    """Run the command line.

    Exit codes: 0 good, 1 verification or budget failed, 2 usage or bad input, 70 a fault of ours, 130 interrupted.
    """
    # TensorFlow, where a verb needs it, greets with a dozen lines on stderr.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from hls.cli.app import app
    from hls.cli.bug_report import EXIT_CODE, bug_report
    from hls.cli.spelling import spell_missing_signs
    from hls.cli.stopping import Stopped, stopped_by_signals
    from hls.errors import FirmwareError
    from hls.machine.disk import disk_errors
    from hls.machine.extras import absence_named

    _open_closed_streams()
    spell_missing_signs()
    try:
        with stopped_by_signals(), absence_named(), disk_errors(), _output_written():
            sys.exit(app(prog_name="qtrigger", standalone_mode=not _as_json()))
    except FirmwareError as error:
        _end("error", " ".join(str(error).split()), 2, error)  # one line, whatever a tool said
    except _CLICK_ERROR as error:
        _end("error", error.format_message(), 2)
    except UnicodeError as error:
        _end("error", f"a name or a text is not UTF-8 ({error}); write it in UTF-8", 2, error)
    except Stopped as stop:
        _end("", str(stop), stop.code)
    except BrokenPipeError:
        sys.exit(_READER_GONE)
    except SystemExit as left:
        # Typer and Rich make exit code 1 of it, which is that of a failed comparison.
        sys.exit(_READER_GONE if isinstance(left.__context__, BrokenPipeError) else left.code)
    except Exception as error:  # noqa: BLE001 (whatever else is raised, nobody meant for a user to read)
        _end("bug", bug_report(error), EXIT_CODE, error)


def _open_closed_streams() -> None:
    """A stream that was closed before we started (`>&-`) takes what is written and loses it."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 (as long as we run)


@contextmanager
def _output_written() -> Iterator[None]:
    """What waits in stdout at the end is written here, where a full disk or a reader that has gone is still told."""
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python tries again, and complains
            raise


def _as_json() -> bool:
    """Whether the command line asks for JSON; it may be one that cannot be parsed."""
    words = sys.argv[1:]
    return "--json" in (words[: words.index("--")] if "--" in words else words)


def _end(kind: str, message: str, code: int, error: Exception | None = None) -> NoReturn:
    """One line on stderr, and where JSON is asked for an object on stdout, which then holds nothing else."""
    from hls.cli.bug_report import shows_traceback, trace
    from hls.cli.json_text import json_text

    if error is not None and shows_traceback():
        sys.stderr.write(trace(error))
    sys.stderr.write(f"{kind}: {message}\n" if kind else f"{message}\n")
    if _as_json():
        told = {"kind": kind or "stopped", "message": message, "exit_status": code}
        with suppress(OSError):  # nobody reads it any more, or the disk is full, which may be the error
            sys.stdout.write(f"{json_text({'error': told})}\n")
            sys.stdout.flush()
    sys.exit(code)
