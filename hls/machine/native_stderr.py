"""What C++ libraries write to stderr, out of the way: TensorFlow greets there, whatever TF_CPP_MIN_LOG_LEVEL says."""

from __future__ import annotations

import os
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
