"""AMD Vivado HLS, the forerunner of Vitis HLS: the same C++, types and reports, scheduled with another margin."""

from __future__ import annotations

from dataclasses import replace

from hls.hls4ml_project.backends import vitis

BACKEND = replace(vitis.BACKEND, hls4ml_name="Vivado", clock_uncertainty=12.5)
