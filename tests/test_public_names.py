"""The names that other programs rely on, and how fast they are there."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

import hls

_HEAVY = ("tensorflow", "keras", "qkeras", "hls4ml", "matplotlib")


def seconds_and_output(*command: str) -> tuple[float, str]:
    """Processor seconds of the fastest of three runs, and the output: a busy machine must not decide."""
    best, text = float("inf"), ""
    for _ in range(3):
        before = processor_seconds()
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        best = min(best, processor_seconds() - before)
    return best, text


def processor_seconds() -> float:
    """Of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_public_names() -> None:
    assert set(hls.__all__) == set(dir(hls))
    for name in ("import_keras", "emulate", "build", "FixedGraph", "FirmwareError", "__version__"):
        assert getattr(hls, name) is not None
    assert callable(hls.build)
    assert issubclass(hls.FirmwareError, Exception)


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        hls.nothing  # noqa: B018


def test_import_is_quick_and_brings_nothing_heavy() -> None:
    code = f"import hls, sys; hls.FixedGraph; print([m for m in {_HEAVY} if m in sys.modules])"
    _, heavy = seconds_and_output(sys.executable, "-c", code)
    assert heavy.strip() == "[]"
    seconds, _ = seconds_and_output(sys.executable, "-c", "import hls")
    assert seconds < 0.5


def test_help_is_quick() -> None:
    command = str(Path(sys.executable).with_name("qtrigger"))
    seconds, text = seconds_and_output(command, "--help")
    assert seconds < 1.0
    for verb in ("train", "data", "new", "build", "report", "check", "doctor"):
        assert f" {verb} " in text
