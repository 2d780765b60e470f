"""Files that are written whole or not at all, and text that people write with whatever editor they have."""

from __future__ import annotations

import codecs
import json
import os
import platform
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hls.errors import FirmwareError, ProjectError
from hls.machine.disk import disk_errors

_LONGEST_STEM = 50
"""Characters of a file's name in that of its draft: with the rest it stays below the 255 bytes that a name may have."""
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


@contextmanager
def whole_file(path: Path, suffix: str = "") -> Iterator[Path]:
    """A draft beside ``path`` to write, which takes its place when the block ends well and vanishes when it does not.

    A link is followed, so that it stays one. Drafts of processes that died are cleared away. ``suffix`` is for writers
    that tell the format by it.

    Raises:
        FirmwareError: ``path`` is a folder, a device or a pipe, or the disk refuses.
    """
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{own_name(target.name)}.partial{suffix}")
    with disk_errors(path, draft):
        _require_file(path, target)
        target.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(target)
        draft.touch()
    try:
        with disk_errors(path, draft):
            yield draft
            draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def require_place(path: Path, *, text: bool = False) -> None:
    """Raise FirmwareError if ``path`` cannot be written, before the work of hours whose result goes there.

    ``text`` may go into a device or a pipe, as :func:`write_text` has it.
    """
    if text and _is_stream(path):
        return
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{own_name(target.name)}.partial")
    with disk_errors(path, draft):
        _require_file(path, target)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.touch()
        draft.unlink()


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill, which becomes ``path`` when the block ends well and vanishes when it does not.

    Drafts of processes that died are cleared away, and a folder that is there is replaced.
    """
    draft = path.with_name(f".{own_name(path.name)}.partial")
    with disk_errors(path, draft):
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(path)
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
    try:
        with disk_errors(path, draft):
            yield draft
            shutil.rmtree(path, ignore_errors=True)
            draft.rename(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` whole or not at all; into what is no file, such as /dev/stdout, as it comes."""
    if _is_stream(path):
        with disk_errors(path):
            path.write_text(text, encoding="utf-8")
        return
    with whole_file(path) as draft:
        draft.write_text(text, encoding="utf-8")


def append_text(path: Path, text: str) -> None:
    """Add ``text`` to the end of a file, made if missing."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)


def own_name(name: str) -> str:
    """``name`` with this process and this machine: folders may be shared with other machines, whose PIDs are theirs."""
    return f"{name[:_LONGEST_STEM]}.{os.getpid()}.{platform.node()}"


def clear_leftovers(target: Path) -> None:
    """Remove the drafts of ``target``, files or folders, whose process has died on this machine."""
    pattern = re.compile(rf"\.{re.escape(target.name[:_LONGEST_STEM])}\.(\d+)(?:\.(.*))?\.partial(?:\.\w+)?")
    for path in target.parent.iterdir():
        found = pattern.fullmatch(path.name)
        if found is None or (found[2] or platform.node()) != platform.node() or _is_alive(int(found[1])):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, with or without the byte order mark that some editors put in front.

    Raises:
        ProjectError: it is in another encoding.
    """
    content = path.read_bytes()
    if content.startswith(_WIDE):
        raise ProjectError(f"{path}: is in UTF-16 or UTF-32; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ProjectError(f"{path}: line {line} is not UTF-8; save the file as UTF-8") from error


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        ProjectError: it is no JSON, or in another encoding than UTF-8.
    """
    try:
        return json.loads(read_text(path))
    except ValueError as error:  # JSON's own, and Python's for a number of more digits than it reads
        raise ProjectError(f"{path}: not valid JSON: {error}") from error
    except RecursionError as error:
        raise ProjectError(f"{path}: nested too deep") from error


def _require_file(path: Path, target: Path) -> None:
    if target.is_symlink():  # though all links were followed
        raise FirmwareError(f"{path}: is a link that leads in a circle; name the file to write")
    if target.is_dir():
        raise FirmwareError(f"{path}: is a folder; name the file to write")
    if _is_stream(target):
        raise FirmwareError(f"{path}: is no file but a device or a pipe; name a file to write")


def _is_stream(path: Path) -> bool:
    """Whether ``path`` exists and is neither a file nor a folder."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
