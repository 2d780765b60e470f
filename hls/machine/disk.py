"""What the system refuses, said in one line with its cure."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hls.errors import FirmwareError

_CURES = {
    errno.ENOSPC: "the disk is full; free some space and run it again",
    errno.EDQUOT: "the disk quota is used up; free some space and run it again",
    errno.EFBIG: "the file grows beyond what this system allows (ulimit -f); allow more, or write elsewhere",
    errno.EROFS: "the disk is read-only; copy the project, or write, elsewhere",
    errno.EACCES: "permission denied; copy the project, or write, to a folder of yours",
    errno.EPERM: "permission denied; copy the project, or write, to a folder of yours",
    errno.EEXIST: "exists already, and is no folder; choose another place",
    errno.ENOENT: "no such file or folder",
    errno.ENOTDIR: "a part of its path is a file, not a folder",
    errno.EISDIR: "is a folder, where a file is needed",
    errno.ENOTEMPTY: "the folder is in use; close what writes there and run it again",
    errno.ELOOP: "its links lead in a circle; mend them",
    errno.ENAMETOOLONG: "a name in its path is too long; choose a shorter one",
    errno.EIO: "the disk fails to read or write it; copy the file elsewhere",
    errno.ESTALE: "the server of this folder has lost it; mount it anew",
    errno.EMFILE: "too many files are open (ulimit -n); allow more",
    errno.ENOMEM: "not enough memory; ask for fewer events, or end other programs",
}
_OF_OURS = frozenset({errno.EBADF, errno.EPIPE, errno.ECHILD})
"""Not of any file of the user's: a bug, or a reader that has gone, which the command line knows by itself."""
_IN_TEXT = re.compile(r"errno = (\d+)|\[Errno (\d+)\]")
"""HDF5, and shutil for whole folders, tell what the system refused only in the text of their errors."""


@contextmanager
def disk_errors(place: Path | None = None, *drafts: Path) -> Iterator[None]:
    """An error of the system's becomes a FirmwareError of one line, which names the file, or else ``place``.

    ``drafts`` are files and folders that the user has not named: ``place`` is said for them too.
    """
    try:
        yield
    except MemoryError as error:
        raise FirmwareError(_line(place, errno.ENOMEM)) from error
    except (OSError, RuntimeError) as error:
        number = _number(error)
        if number is None or number in _OF_OURS:
            raise
        raise FirmwareError(_line(_culprit(error, place, drafts), number)) from error


def _culprit(error: OSError | RuntimeError, place: Path | None, drafts: tuple[Path, ...]) -> Path | None:
    """The file that the user knows: the error's own, unless it has none or is of a draft."""
    named = getattr(error, "filename", None)
    if not isinstance(named, str | bytes):
        return place
    path = Path(os.fsdecode(named))
    return place if place is not None and any(path.is_relative_to(draft) for draft in drafts) else path


def _number(error: OSError | RuntimeError) -> int | None:
    number = error.errno if isinstance(error, OSError) else None
    if number is None:
        found = _IN_TEXT.search(str(error))
        number = None if found is None else int(found[1] or found[2])
    return number


def _line(place: Path | None, number: int) -> str:
    said = _CURES.get(number, os.strerror(number))
    return said if place is None else f"{place}: {said}"
