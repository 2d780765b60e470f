"""Microchip SmartHLS, and Libero behind it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from hls.figures.vendor_reports import smarthls
from hls.hls4ml_project.backend import Backend


def _write(model: Any) -> None:
    """The hls4ml 1.3.0 wheel lacks one of its scripts (for its Python bridge, which nobody here needs)."""
    try:
        model.write()
    except FileNotFoundError as error:
        if Path(error.filename).name != "build_lib.sh":
            raise
        writer = model.config.backend.writer
        writer.write_nnet_utils(model)
        writer.write_generated_code(model)
        writer.write_yml(model)


BACKEND = Backend(
    hls4ml_name="Libero",
    csim="shls (Microchip SmartHLS)",
    settings={"FPGAFamily": "PolarFire", "Board": "hw_only", "SmartHLSPath": PurePosixPath("$(SHLS_ROOT_DIR)")},
    refused={"io_stream": "hls4ml 1.3.0 cannot write io_stream projects for libero; choose io_parallel"},
    write=_write,
    reports=smarthls.REPORTS,
)
