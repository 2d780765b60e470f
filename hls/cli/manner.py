"""How a verb talks: what every verb's common options say of it, for whatever shows something while the verb runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Manner:
    """The common options as they were given."""

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    log_file: Path | None = None


_CURRENT: ContextVar[Manner] = ContextVar("manner", default=Manner())  # noqa: B039 (frozen)


def manner() -> Manner:
    """That of the verb that runs."""
    return _CURRENT.get()


@contextmanager
def talking(chosen: Manner) -> Iterator[None]:
    """While the block runs, the verb talks like this."""
    token = _CURRENT.set(chosen)
    try:
        yield
    finally:
        _CURRENT.reset(token)
