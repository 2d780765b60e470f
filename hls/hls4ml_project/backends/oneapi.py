"""Intel oneAPI, and Quartus Prime behind it."""

from __future__ import annotations

from hls.figures.vendor_reports import intel
from hls.hls4ml_project.backend import Backend

BACKEND = Backend(
    hls4ml_name="oneAPI",
    ac_fixed=True,
    csim="icpx (Intel oneAPI)",
    notes={"latency": "hls4ml has only the resource strategy for oneapi"},
    sources="src/firmware",
    reports=intel.ONEAPI_REPORTS | intel.QUARTUS_PRIME_REPORTS,
)
