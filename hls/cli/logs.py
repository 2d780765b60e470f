"""What --verbose tells on stderr and --log-file keeps: steps, programs, warnings of libraries, and an error's trace."""

from __future__ import annotations

import logging
import os
import shlex
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hls.cli.manner import Manner
from hls.errors import FirmwareError
from hls.machine.native_stderr import native_stderr_into

LOG = logging.getLogger("hls")
_OTHERS = logging.getLogger()
_FORMAT = "%(asctime)s %(levelname)s %(message)s"


@contextmanager
def logged(chosen: Manner) -> Iterator[None]:
    """While the block runs, records go where ``chosen`` says, and what C++ libraries write to stderr goes there too.

    Such a library is TensorFlow, which greets with a dozen lines. They are lost where nobody asked for them.
    """
    from hls import __version__

    if chosen.quiet and chosen.verbose:
        raise FirmwareError("--quiet goes not with --verbose; choose one")
    with ExitStack() as stack:
        for handler in _handlers(chosen):
            stack.enter_context(_attached(handler))
        if chosen.quiet and chosen.log_file is None:
            stack.enter_context(warnings.catch_warnings(action="ignore"))
        if not chosen.verbose:
            stack.enter_context(native_stderr_into(chosen.log_file or Path(os.devnull)))
        start = time.monotonic()
        LOG.info("qtrigger %s: %s", __version__, shlex.join(sys.argv[1:]))
        try:
            yield
        except BaseException as error:
            LOG.info("%s after %.1f s", type(error).__name__, time.monotonic() - start, exc_info=error)
            raise
        LOG.info("done after %.1f s", time.monotonic() - start)


def _handlers(chosen: Manner) -> Iterator[logging.Handler]:
    from hls.machine.files import require_place

    if chosen.verbose:
        yield logging.StreamHandler(sys.stderr)
    if chosen.log_file is not None:
        require_place(chosen.log_file, text=True)
        yield logging.FileHandler(chosen.log_file, encoding="utf-8")


@contextmanager
def _attached(handler: logging.Handler) -> Iterator[None]:
    """Everything of ours goes to ``handler``; of the libraries, which know more than anyone asks, what is no detail."""
    handler.setFormatter(logging.Formatter(_FORMAT))
    before = LOG.level, _OTHERS.level
    _OTHERS.addHandler(handler)
    LOG.setLevel(logging.DEBUG)
    _OTHERS.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        LOG.setLevel(before[0])
        _OTHERS.setLevel(before[1])
        _OTHERS.removeHandler(handler)
        handler.close()
