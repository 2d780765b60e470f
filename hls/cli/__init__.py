"""The `qtrigger` command, one module a verb. Verbs import what they need when they run, so that --help is instant."""

from __future__ import annotations

import io
import os
import sys


def main() -> None:
    """Run the command line.

    Exit codes: 0 good, 1 verification or budget failed, 2 usage or bad input, 70 a fault of ours, 130 interrupted.
    """
    # TensorFlow, where a verb needs it, greets with a dozen lines on stderr.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from hls.cli.app import app
    from hls.cli.bug_report import EXIT_CODE, bug_report, shows_traceback, trace
    from hls.errors import FirmwareError
    from hls.machine.extras import absence_named

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without ✓ shows a question mark, and the verb goes on
    try:
        with absence_named():
            app()
    except FirmwareError as error:
        if shows_traceback():
            sys.stderr.write(trace(error))
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")  # one line, whatever a tool said
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 (whatever else is raised, nobody meant for a user to read)
        if shows_traceback():
            sys.stderr.write(trace(error))
        sys.stderr.write(f"bug: {bug_report(error)}\n")
        sys.exit(EXIT_CODE)
