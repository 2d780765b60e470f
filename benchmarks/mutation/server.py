"""Tests in forks of a process that has loaded all but the code under test, so that each costs little but itself."""

from __future__ import annotations

import importlib
import json
import os
import resource
import select
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import hypothesis
import pytest

# What the tests and the code under test import of others.
_LOADED = (
    "numpy", "h5py", "pydantic", "scipy.stats", "typer", "rich.progress", "jinja2", "matplotlib.pyplot", "mplhep",
    "filelock", "threadpoolctl", "alkaid.trace", "alkaid.cmvm", "hls4ml", "awkward", "uproot", "distributed",
)  # fmt: skip
Lines = set[tuple[str, int]]
_MEMORY = 16 << 30
_PYTEST = (
    "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow", "-c", "pyproject.toml", "--rootdir", ".",
    "-W", "ignore::pytest.PytestAssertRewriteWarning",  # of hypothesis, which is loaded already
)  # fmt: skip
_TESTS = ("tests/hls", "tests/test_examples.py")
_OUTPUT = ".output"


@dataclass(frozen=True)
class Covered:
    """What the unharmed tests do: processor seconds of each, and the tests that run a line of a file."""

    seconds: Mapping[str, float]
    tests: Mapping[str, Mapping[int, frozenset[str]]]

    def of(self, path: str, first: int, last: int, at_import: bool) -> set[str]:
        """Tests that run one of these lines; of a module's own lines, those that run any line of it."""
        lines = self.tests.get(path, {})
        return {test for line, tests in lines.items() if at_import or first <= line <= last for test in tests}


class _Recorder:
    """A pytest plugin that notes the lines of ``files`` that each test runs, its fixtures' among them."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.lines: dict[str, Lines] = {}
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()
        self._files = files
        self._shared: dict[str, Lines] = {}
        self._now: Lines = set()

    def _called(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        path = self._files.get(frame.f_code.co_filename)
        if path is None:
            return None
        now = self._now

        def line(frame: FrameType, _event: str, _arg: Any) -> Any:
            now.add((path, frame.f_lineno))
            return line

        now.add((path, frame.f_lineno))
        return line

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._now, start = set(), _processor_seconds()
        threading.settrace(self._called)
        sys.settrace(self._called)
        yield
        sys.settrace(None)
        fixtures = getattr(item, "fixturenames", [])
        self.lines[item.nodeid] = self._now.union(*(self._shared.get(name, set()) for name in fixtures))
        self.seconds[item.nodeid] = _processor_seconds() - start

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        outside, self._now = self._now, set()
        yield
        if fixturedef.scope != "function":
            self._shared.setdefault(fixturedef.argname, set()).update(self._now)
        outside |= self._now
        self._now = outside

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid)

    def covered(self) -> dict[str, Any]:
        tests: dict[str, dict[int, list[str]]] = {}
        for test in self.lines.keys() - self.failed:
            for path, line in self.lines[test]:
                tests.setdefault(path, {}).setdefault(line, []).append(test)
        return {"seconds": self.seconds, "tests": tests, "failed": sorted(self.failed)}


class _Chosen:
    """A pytest plugin that runs some tests, in their order, and names the first that fails."""

    def __init__(self, tests: Sequence[str], found: Path) -> None:
        self._order = {test: place for place, test in enumerate(tests)}
        self._found = found

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((i for i in items if i.nodeid in self._order), key=lambda i: self._order[i.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self._found.exists():
            self._found.write_text(report.nodeid)


def _processor_seconds() -> float:
    """Of this process and of those that it started and that ended, so that a busy machine changes nothing."""
    return sum(os.times()[:4])


def load() -> None:
    """Import what every fork needs."""
    for name in _LOADED:
        importlib.import_module(name)


def record(tree: Path, files: Sequence[str]) -> Covered:
    """Run the quick tests of ``tree`` once, and see which of them runs which line of ``files``."""
    with tempfile.NamedTemporaryFile(suffix=".json") as place:

        def work() -> int:
            recorder = _Recorder({str(tree / path): path for path in files})
            sys.dont_write_bytecode = False  # what no mutant changes is compiled once
            code = pytest.main([*_PYTEST, *_TESTS], plugins=[recorder])
            Path(place.name).write_text(json.dumps(recorder.covered()))
            return int(code)

        if _forked(tree, work, limit=3600) > 1:  # 1 is that some tests fail
            raise RuntimeError(f"the tests do not run without a mutant:\n{(tree / _OUTPUT).read_text()[-2000:]}")
        found = json.loads(Path(place.name).read_text())
    if found["failed"]:
        sys.stderr.write(f"left out, since they fail without a mutant: {', '.join(found['failed'])}\n")
    tests = {
        path: {int(line): frozenset(names) for line, names in lines.items()} for path, lines in found["tests"].items()
    }
    return Covered(found["seconds"], tests)


def first_failure(tree: Path, tests: Sequence[str], limit: float) -> str | None:
    """The first of ``tests`` that fails in ``tree``; None if all pass. TimeoutError if they take ``limit`` seconds."""
    with tempfile.TemporaryDirectory() as place:
        found = Path(place) / "failed"
        files = list(dict.fromkeys(test.partition("::")[0] for test in tests))

        def work() -> int:
            return int(pytest.main([*_PYTEST, "-x", *files], plugins=[_Chosen(tests, found)]))

        code = _forked(tree, work, limit)
        if found.exists():
            return found.read_text()
    return f"{files[0]} (exit code {code})" if code else None


def _forked(tree: Path, work: Callable[[], int], limit: float) -> int:
    """Exit code of ``work`` in a process of its own, in which ``hls`` is that of ``tree``."""
    child = os.fork()
    if child == 0:
        code = 70
        with suppress(BaseException):  # the parent reads the exit code, whatever the mutant did
            _settle(tree)
            code = work()
        os._exit(code)
    handle = os.pidfd_open(child)
    try:
        ended = bool(select.select([handle], [], [], limit)[0])
    finally:
        os.close(handle)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    if not ended:
        raise TimeoutError
    return os.waitstatus_to_exitcode(status)


def _settle(tree: Path) -> None:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    output = os.open(tree / _OUTPUT, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    for stream in range(3):
        os.dup2(output, stream)
    os.chdir(tree)
    os.environ["PYTHONPATH"] = str(tree)  # for tests that start Python
    sys.path[0] = str(tree)
    sys.dont_write_bytecode = True
    # The same cases for every mutant, and no time spent on the smallest that fails.
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutants", derandomize=True, database=None, deadline=None, phases=phases)
    hypothesis.settings.load_profile("mutants")
