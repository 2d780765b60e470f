"""What installed packages add to a room (backends, witnesses), found by entry points.

The names are known without running any of a package's code; an object is loaded when it is asked for.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar, cast

from hls.errors import ProjectError

Plugin = TypeVar("Plugin")


@dataclass(frozen=True)
class Plugins(Generic[Plugin]):
    """The objects of one entry-point ``group``; ``noun`` is what error messages call one of them.

    ``kind`` is the class or the runtime-checkable protocol that each must be an instance of, where it matters.
    """

    group: str
    noun: str
    kind: type[object] = object

    def names(self) -> tuple[str, ...]:
        """Every installed name, in alphabetical order; nothing is loaded."""
        return tuple(self._points())

    def check(self, name: str) -> str:
        """``name`` if it is installed.

        Raises:
            ProjectError: it is not; the message has the nearest name and all that there are.
        """
        known = self.names()
        if name in known:
            return name
        if not known:
            raise ProjectError(
                f"no {self.noun} is installed: nothing declares the entry-point group {self.group!r}; "
                "install qtrigger anew (in its checkout: pip install -e .)"
            )
        near = get_close_matches(str(name), known, n=1, cutoff=0.0)[0]
        raise ProjectError(f"no {self.noun} is called {name!r}; the nearest is {near!r} (all: {', '.join(known)})")

    def load(self, name: str) -> Plugin:
        """The object called ``name``.

        Raises:
            ProjectError: there is none of that name, two packages claim it, or its package fails as it is imported.
        """
        point, *others = self._points()[self.check(name)]
        if others:
            raise ProjectError(
                f"packages {_package(point)} and {_package(others[0])} both have a {self.noun} called {name!r}; "
                "uninstall one of them"
            )
        try:
            loaded = point.load()
        # Another's module may fail with anything as it is imported.
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise ProjectError(
                f"{self.noun} {name!r} of package {_package(point)} ({point.value}) cannot be loaded: {reason}; "
                "mend or uninstall that package"
            ) from error
        if not isinstance(loaded, self.kind):
            raise ProjectError(
                f"{self.noun} {name!r} of package {_package(point)}: {point.value} is no {self.kind.__name__} but "
                f"of type {type(loaded).__name__}; mend or uninstall that package"
            )
        return cast(Plugin, loaded)

    def load_all(self) -> dict[str, Plugin]:
        """Every installed object by name; raises as ``load`` does."""
        return {name: self.load(name) for name in self.names()}

    def _points(self) -> dict[str, list[EntryPoint]]:
        return _points(self.group, tuple(sys.path))


@cache
def _points(group: str, _path: tuple[str, ...]) -> dict[str, list[EntryPoint]]:
    """Entry points by name. Metadata is read once for every ``sys.path``, of which ``_path`` is a copy."""
    found: dict[str, list[EntryPoint]] = {}
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        found.setdefault(point.name, []).append(point)
    return found


def _package(point: EntryPoint) -> str:
    return repr(point.dist.name) if point.dist is not None else "(unknown)"
