"""What C++ writes to stderr is lost while it is dropped, and only then."""

from __future__ import annotations

import os

import pytest

from hls.machine.native_stderr import stderr_dropped


def test_stderr_is_dropped_for_the_block_alone_even_if_it_raises(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="kept"), stderr_dropped():
        os.write(2, b"greeting\n")
        raise ValueError("kept")
    os.write(2, b"said\n")

    assert capfd.readouterr().err == "said\n"
