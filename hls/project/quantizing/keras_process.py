"""Keras in a process of its own that is started once: importing it takes longer than most of what it is asked."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hls.errors import ProjectError, ToolError
from hls.importing.spec import ModelSpec
from hls.machine.extras import missing
from hls.machine.programs import started
from hls.machine.progress import Progress
from hls.project.quantizing.architecture import architecture
from hls.witnesses.framework import QUIET, last_line
from hls.witnesses.qkeras import IGNORING_WARNINGS

_COMMAND = (*IGNORING_WARNINGS, "-m", "hls.project.quantizing.keras_worker")
_DONE = b"done\n"
"""What the process says of a job that is done; while it works it says ``3/10``."""


@dataclass(frozen=True)
class KerasProcess:
    """Takes one job after another, each in a folder."""

    process: subprocess.Popen[bytes]
    log: Path

    def do(self, folder: Path, model: ModelSpec, job: Mapping[str, Any], progress: Progress | None = None) -> None:
        """Let Keras build ``model``, and do with it what ``job`` says; files come from ``folder`` and go there.

        Raises:
            ToolError: Keras failed.
        """
        _write_weights(folder / "weights.npz", model)
        (folder / "job.json").write_text(json.dumps({"architecture": architecture(model), **job}), encoding="utf-8")
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None  # noqa: S101 (both are pipes)
        assert stdout is not None  # noqa: S101
        with suppress(BrokenPipeError):  # it died before: it says nothing below
            os.write(stdin.fileno(), f"{folder}\n".encode())  # past the buffer, which would be written again at the end
        for line in stdout:
            if line == _DONE:
                return
            done, _, total = line.partition(b"/")
            if progress is not None and done.isdigit() and total.strip().isdigit():
                progress(int(done), int(total))
        raise ToolError(f"Keras failed on the model (exit {self.process.wait()}): {last_line(self.log)}")


@contextmanager
def keras_process() -> Iterator[KerasProcess]:
    """Keras, on its way up while the caller reads events; it ends with the block.

    Raises:
        ProjectError: it is not installed.
    """
    reason = missing("tensorflow", "qkeras-v3")
    if reason is not None:
        raise ProjectError(f"quantizing runs the network under Keras: {reason}")
    with tempfile.TemporaryDirectory(prefix="qtrigger-keras-") as name:
        log = Path(name) / "log.txt"
        with (
            log.open("wb") as errors,
            started(_COMMAND, stdin=subprocess.PIPE, stderr=errors, environment=QUIET) as process,
        ):
            yield KerasProcess(process, log)


def _write_weights(file: Path, model: ModelSpec) -> None:
    """The arrays of every layer, by name and number."""
    arrays = {
        f"{layer.name}:{number}": array for layer in model.layers.values() for number, array in enumerate(layer.weights)
    }
    np.savez(file, **arrays)  # type: ignore[arg-type]  # its stub takes a keyword of its own for one
