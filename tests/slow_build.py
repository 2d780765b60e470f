"""A build that says when the emulator starts and then waits to be killed. Run as a program by a test."""

from __future__ import annotations

import sys
import time

import hls


def tell(stage: str, done: int, total: int) -> None:
    """Stop for good at the emulator."""
    if stage == "emulator":
        sys.stdout.write("emulator\n")
        sys.stdout.flush()
        time.sleep(60)


if __name__ == "__main__":
    hls.build(sys.argv[1], progress=tell)
