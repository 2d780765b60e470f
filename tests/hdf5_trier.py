"""Tries HDF5 files as ``read_hdf5`` does, in a process that stays small. Run as a program by the tests.

``read_hdf5`` has a file tried by a copy of its process. With TensorFlow and thousands of tests in memory a copy takes
as long as many a test, and the suite reads thousands of files.
"""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hls.machine import hdf5

_SOUND, _FAILS = b"+", b"-"
Source = Path | io.BytesIO


@contextmanager
def trier() -> Iterator[Callable[[Source], None]]:
    """What stands in for ``hdf5._try``: the same function, called there."""
    lock = threading.Lock()
    command = [sys.executable, "-m", "tests.hdf5_trier"]
    folder = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        asked, said = process.stdin, process.stdout
        assert asked is not None
        assert said is not None

        def tried(source: Source) -> None:
            where = source.absolute() if isinstance(source, Path) else source
            with lock:
                pickle.dump((where, hdf5._SECONDS), asked)
                asked.flush()
                answer = said.read(1)
            assert answer in (_SOUND, _FAILS), "the process that tries HDF5 files has ended"
            if answer == _FAILS:
                raise OSError("HDF5 itself fails on it")

        yield tried


def main() -> None:
    """Until nobody asks any more."""
    while True:
        try:
            source, hdf5._SECONDS = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            hdf5._try(source)
            answer = _SOUND
        except OSError:
            answer = _FAILS
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
