"""What is to be known of one vendor's tool: a ``Backend``, in a file of its own, found by its entry point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hls.figures.vendor_reports import ToolReports
from hls.hls4ml_project.sum_pooling import Dialect
from hls.machine.plugins import Plugins
from hls.target import BACKENDS

_NO_REPORTS = ToolReports()


def nothing_to_prepare(folder: Path) -> None:
    """A project that g++ compiles as it was written."""


def write_all(model: Any) -> None:
    """Let hls4ml write everything."""
    model.write()


@dataclass(frozen=True)
class Compilation:
    """How g++ compiles the C simulation of a project, and how the firmware's function is called.

    ``includes`` are folders of the project, after ``prepare`` has had it. Ports are arrays or streams, whose types are
    ``stream_in`` and ``stream_out``; with ``ports_in_structs`` arrays come in one structure and leave in another.
    ``extern_weights``: the firmware leaves its constant arrays to be defined by whoever calls it.
    """

    includes: tuple[str, ...]
    stream_in: str = "hls::stream"
    stream_out: str = "hls::stream"
    ports_in_structs: bool = False
    extern_weights: bool = False
    prepare: Callable[[Path], None] = nothing_to_prepare


@dataclass(frozen=True)
class Layers:
    """What the backend's layers do exactly; what they do not is done otherwise, or refused.

    ``depthwise``: one kernel for each channel. ``tables``: a lookup takes the bits of its input, or a counted index
    into an embedding, which arrays only have, or there is none. ``transpose_axes`` is how many axes a transpose moves
    at most, of arrays and of streams. ``joins_streamed_vectors``: a concatenation of streams takes vectors as they
    are, not as rows. ``sum_pooling`` is its dialect for our kernel of the sum over particles, else a product with ones.

    Of streams: ``one_row_strides``: a window of one row and several columns may skip rows (where not, the kernel looks
    at columns alone and takes every row). ``maxima_stride_axes``: on how many axes a maximum may move by another step
    than its window.
    """

    depthwise: bool = False
    tables: Literal["bits", "index", "none"] = "index"
    transpose_axes: int = 3
    streamed_transpose_axes: int = 3
    joins_streamed_vectors: bool = True
    one_row_strides: bool = True
    maxima_stride_axes: int = 0
    sum_pooling: Dialect | None = None


@dataclass(frozen=True)
class Backend:
    """One of hls4ml's backends, with all that this program must know of it and of the tools behind it.

    ``hls4ml_name`` is hls4ml's own name for it, ``settings`` are keys of its configuration beyond those of every
    backend. ``ac_fixed``: its types are ac_fixed, not ap_fixed. ``refused`` and ``notes`` say of a value of io_type or
    strategy why there is no such project, or what the user should know of it.

    The project: ``write`` has hls4ml write it; ``sources`` is where the firmware lies in it. ``csim`` is how it is
    compiled, or the name of the tool that alone can.

    ``folds_within_window``: a convolution of arrays that is folded shares a multiplier among the inputs of one window
    at most; asked for more, it would compute something else.

    Figures: ``clock_uncertainty`` is the percentage of a clock period that hls4ml asks the tool to leave free,
    ``calibrated`` whether the estimates were fitted to designs of this tool, ``reports`` what its tools leave.
    """

    hls4ml_name: str
    csim: Compilation | str
    settings: Mapping[str, Any] = field(default_factory=dict)
    ac_fixed: bool = False
    refused: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    layers: Layers = Layers()
    write: Callable[[Any], None] = write_all
    sources: str = "firmware"
    folds_within_window: bool = False
    clock_uncertainty: float | None = None
    calibrated: bool = False
    reports: ToolReports = _NO_REPORTS


_BACKENDS: Plugins[Backend] = Plugins(BACKENDS.group, BACKENDS.noun, Backend)


def find_backend(name: str) -> Backend:
    """The backend called ``name``.

    Raises:
        ProjectError: there is none, or its package cannot be loaded.
    """
    return _BACKENDS.load(name)
