"""A process of a pool: one call of a function.

The call comes by stdin and its outcome leaves by stdout; what the function prints goes to stderr with the rest. The
process ends early when stdin does, that is with its parent.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from hls.machine.programs import end_group, stay_in_one_group

_STDOUT, _STDERR = 1, 2


@dataclass(frozen=True)
class Outcome:
    """What a function returned, or the error it raised."""

    result: Any = None
    error: Exception | None = None


def outcome(function: Callable[..., Any], *arguments: Any) -> Outcome:
    """Call ``function``. What it raises is an outcome too, with its trace; a missing package is the worker's."""
    try:
        return Outcome(function(*arguments))
    except ImportError:
        raise
    except Exception as error:  # noqa: BLE001 (the caller tells a user's error from one of ours)
        return Outcome(error=_portable(error))


def _portable(error: Exception) -> Exception:
    """``error`` with its trace as a note, or one that says the same where it cannot be pickled."""
    told = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (it is ours)
    except Exception:  # noqa: BLE001 (a class whose arguments are not those of its constructor fails with any)
        error = RuntimeError(" ".join(f"{type(error).__name__}: {error}".split()))
    error.add_note(told)
    return error


def result_of(found: Outcome) -> Any:
    """The result; the error is raised."""
    if found.error is not None:
        raise found.error
    return found.result


def send(stream: IO[bytes], content: Any) -> None:
    """Write ``content`` so that :func:`receive` reads it and not a byte more."""
    data = pickle.dumps(content)
    stream.write(b"%d\n" % len(data) + data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """What :func:`send` wrote."""
    return pickle.loads(stream.read(int(stream.readline())))  # noqa: S301 (our own process pickled it)


def main() -> None:
    """Receive ``sys.path``, then a function and its arguments; answer with the pickled outcome."""
    answer = os.fdopen(os.dup(_STDOUT), "wb")
    os.dup2(_STDERR, _STDOUT)
    stay_in_one_group()
    sys.path[:] = receive(sys.stdin.buffer)
    function, arguments = receive(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    found = outcome(function, *arguments)
    with answer:
        pickle.dump(found, answer)


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # not sys.stdin.read, whose lock would be held when the interpreter ends
    end_group(os.getpid())  # this process too, with the programs that it has started
    os._exit(1)  # where it leads no group
