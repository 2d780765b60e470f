"""Intel's HLS compiler i++, and Quartus Prime behind it."""

from __future__ import annotations

from hls.figures.vendor_reports import intel
from hls.hls4ml_project.backend import Backend, Compilation, Layers
from hls.hls4ml_project.sum_pooling import Dialect

BACKEND = Backend(
    hls4ml_name="Quartus",
    ac_fixed=True,
    csim=Compilation(
        includes=("firmware/ac_types", "firmware/ap_types"),
        stream_in="stream_in",
        stream_out="stream_out",
        ports_in_structs=True,
    ),
    layers=Layers(
        streamed_transpose_axes=2,
        sum_pooling=Dialect(
            stream="stream", unrolled="#pragma unroll", pipelined="#pragma ii 1", storage="hls_register "
        ),
    ),
    notes={"latency": "hls4ml has only the resource strategy for quartus"},
    reports=intel.HLS_COMPILER_REPORTS | intel.QUARTUS_PRIME_REPORTS,
)
