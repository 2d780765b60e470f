"""What a disk refuses, said in one line with its cure."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hls.errors import FirmwareError

_CURES = {
    errno.ENOSPC: "the disk is full; free some space and build again",
    errno.EDQUOT: "the disk quota is used up; free some space and build again",
    errno.EROFS: "the disk is read-only; copy the project elsewhere",
    errno.EACCES: "permission denied; copy the project to a folder of yours",
    errno.EPERM: "permission denied; copy the project to a folder of yours",
}


@contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """An OSError that the user can mend becomes a FirmwareError of one line."""
    try:
        yield
    except OSError as error:
        if error.errno not in _CURES:
            raise
        raise FirmwareError(f"{error.filename or place}: {_CURES[error.errno]}") from error
