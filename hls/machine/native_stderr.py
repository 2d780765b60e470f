"""What C++ libraries write to stderr, out of the way: TensorFlow greets there, whatever TF_CPP_MIN_LOG_LEVEL says."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STDERR = 2


def stderr_into(path: Path) -> None:
    """From now on, all that this process writes to stderr goes to the end of file ``path``."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(file, _STDERR)
    os.close(file)


@contextmanager
def stderr_dropped() -> Iterator[None]:
    """All that this process writes to stderr while the block runs is lost. For imports; an exception is not lost."""
    kept = os.dup(_STDERR)
    try:
        stderr_into(Path(os.devnull))
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)


@contextmanager
def native_stderr_into(path: Path) -> Iterator[None]:
    """While the block runs, what libraries write to stderr goes to the end of ``path``; ``sys.stderr`` stays as it is.

    So do programs that the block starts, where nobody keeps what they say.
    """
    own = sys.stderr
    if own is None:  # closed before we started: what stands in its place is a file of somebody else's
        yield
        return
    kept = os.dup(_STDERR)
    if _is_stderr(own):
        own.flush()
        sys.stderr = os.fdopen(os.dup(kept), "w", buffering=1, encoding=own.encoding, errors=own.errors)
    try:
        stderr_into(path)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
        if sys.stderr is not own:
            sys.stderr.close()
            sys.stderr = own


def _is_stderr(stream: object) -> bool:
    """Whether a stream writes to what libraries call stderr; in a notebook, and where a test listens, it does not."""
    try:
        return isinstance(stream, io.TextIOWrapper) and stream.fileno() == _STDERR
    except (OSError, ValueError):
        return False
