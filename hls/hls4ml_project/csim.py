"""C simulation of an hls4ml project with g++ alone, on all cores."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.metadata import version as package_version
from pathlib import Path

import numpy as np

from hls.errors import EventError, ToolError, UnsupportedError
from hls.graph.raw import RawArray
from hls.hls4ml_project.backend import find_backend
from hls.hls4ml_project.driver import driver_source
from hls.hls4ml_project.line_buffers import tabulated_header
from hls.hls4ml_project.project import HlsProject, Port
from hls.machine.programs import last_lines, run_program
from hls.machine.progress import Progress
from hls.target import Target

_LARGEST_SLICE = 20_000
COMPILE_SECONDS = 1800.0
"""g++ is given so long at most: what it does not finish in that time is beyond its memory as well."""


class CompileTimeError(ToolError):
    """g++ did not finish in ``COMPILE_SECONDS``."""


def available(target: Target) -> str | None:
    """Why the C simulation of ``target`` cannot run here, or None if it can."""
    how = find_backend(target.backend).csim
    if isinstance(how, str):
        return f"not run: hls4ml's {target.backend} C simulation needs {how}"
    if shutil.which("g++") is None:
        return "not run: g++ is not on PATH; install it (Debian and Ubuntu: apt install g++)"
    return None


class CSimulation:
    """Compile once with ``compile``, then ``run`` any number of events. ``jobs`` defaults to the number of cores.

    ``level`` is how far g++ optimises, from -O0 to -O3: see ``level_for``.
    """

    def __init__(self, jobs: int | None = None, level: str = "-O3") -> None:
        self.jobs = jobs or os.cpu_count() or 1
        self.level = level
        self._project: HlsProject | None = None

    @property
    def version(self) -> str:
        """Versions of the compiler and of hls4ml."""
        text = run_program(["g++", "-dumpfullversion"]).stdout.strip()
        return f"g++ {text or 'missing'}, hls4ml {package_version('hls4ml')}"

    def compile(self, project: HlsProject) -> None:
        """Build the simulation inside the project's folder.

        Raises:
            ToolError: with the compiler's last lines.
            CompileTimeError: the compiler was stopped.
        """
        how, reason = find_backend(project.backend).csim, available(project.target)
        if reason is not None or isinstance(how, str):
            raise ToolError(reason)
        for port in (*project.inputs, *project.outputs):
            _check_port(port)
        how.prepare(project.folder)
        windows = tabulated_header(project.folder / find_backend(project.backend).sources)
        source = project.folder / "csim_driver.cpp"
        source.write_text(driver_source(project, how, windows))
        command = ["g++", "-std=c++17", self.level, "-march=native", "-pthread", "-w", '-DWEIGHTS_DIR="weights"', "-I."]
        command += [f"-I{path}" for path in how.includes]
        command += [source.name, "-o", "csim"]
        try:
            done = run_program(command, project.folder, timeout=COMPILE_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise CompileTimeError(f"g++ had not compiled it in {COMPILE_SECONDS / 60:.0f} minutes") from error
        if done.returncode != 0:
            raise ToolError(f"g++ could not compile the C simulation in {project.folder}:\n{last_lines(done.stderr)}")
        self._project = project

    def run(self, raw_inputs: Sequence[RawArray], progress: Progress | None = None) -> list[RawArray]:
        """Outputs, (n, *shape) int64 in units of each output's LSB, for port integers (n, *shape) of every input.

        ``progress`` is called with (events done, events in all).
        """
        if self._project is None:
            raise ToolError("the C simulation is not compiled yet; call compile first")
        project = self._project
        arrays, events = _check_inputs(project, raw_inputs)
        with tempfile.TemporaryDirectory(prefix="csim-", dir=project.folder) as place:
            paths = []
            for index, array in enumerate(arrays):
                paths.append(Path(place) / f"in{index}")
                array.tofile(paths[-1])
            parts = self._run_slices(project, Path(place), paths, events, progress)
        outputs = []
        for index, port in enumerate(project.outputs):
            whole = np.concatenate([part[index] for part in parts]) if parts else np.empty(0, np.int64)
            outputs.append(whole.reshape(events, *port.shape))
        return outputs

    def _run_slices(
        self, project: HlsProject, place: Path, inputs: list[Path], events: int, progress: Progress | None
    ) -> list[list[RawArray]]:
        step = max(1, min(_LARGEST_SLICE, -(-events // (4 * self.jobs))))
        starts = range(0, events, step)
        parts: dict[int, list[RawArray]] = {}
        done = 0
        with ThreadPoolExecutor(self.jobs) as pool:
            tasks = {
                pool.submit(_run_slice, project, place, inputs, first, min(step, events - first)): first
                for first in starts
            }
            for task in as_completed(tasks):
                first = tasks[task]
                parts[first] = task.result()
                done += min(step, events - first)
                if progress is not None:
                    progress(done, events)
        return [parts[first] for first in starts]


def _run_slice(project: HlsProject, place: Path, inputs: list[Path], first: int, count: int) -> list[RawArray]:
    outputs = [place / f"out{first}-{index}" for index in range(len(project.outputs))]
    command = [str(project.folder / "csim"), str(first), str(count), *map(str, inputs), *map(str, outputs)]
    # The program looks for its weights beside the firmware's sources.
    done = run_program(command, project.folder / "firmware")
    if done.returncode != 0:
        what = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise ToolError(f"the C simulation in {project.folder} stopped with {what}:\n{last_lines(done.stderr)}")
    arrays = [np.fromfile(path, dtype=np.int64) for path in outputs]
    for path in outputs:
        path.unlink()
    return arrays


def _check_inputs(project: HlsProject, raw_inputs: Sequence[RawArray]) -> tuple[list[RawArray], int]:
    if len(raw_inputs) != len(project.inputs):
        raise EventError(f"the C simulation has {len(project.inputs)} inputs, but {len(raw_inputs)} arrays were given")
    events = len(raw_inputs[0])
    arrays = []
    for port, array in zip(project.inputs, raw_inputs, strict=True):
        if array.dtype != np.int64 or array.shape != (events, *port.shape):
            raise EventError(
                f"input {port.name}: int64 of shape ({events}, {', '.join(map(str, port.shape))}) is needed, "
                f"not {array.dtype} of shape {array.shape}"
            )
        arrays.append(np.ascontiguousarray(array))
    return arrays, events


def _check_port(port: Port) -> None:
    if port.type.raw_max >= 1 << 63:
        raise UnsupportedError(
            f"port {port.name}: {port.type.width} bits are more than the C simulation passes (64); put a quantizer of "
            "fewer bits there"
        )
