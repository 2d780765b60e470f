"""AMD Vitis HLS."""

from __future__ import annotations

import shutil
from pathlib import Path

from hls.figures.vendor_reports import hls_xml, vivado
from hls.hls4ml_project.backend import Backend, Compilation, Layers
from hls.hls4ml_project.sum_pooling import Dialect

_TYPES = "csim_types"


def _types_without_volatile(folder: Path) -> None:
    """A copy of the ap_fixed headers in which one function is not declared volatile.

    ``ap_private::clearUnusedBits() volatile`` ends every operation, and what is volatile must go through memory: the
    simulation runs six times faster without the word. It changes no value; the firmware's own sources stay as they are.
    """
    copy = folder / _TYPES
    shutil.copytree(folder / "firmware" / "ap_types", copy, dirs_exist_ok=True)
    header = copy / "etc" / "ap_private.h"
    header.write_text(header.read_text().replace("clearUnusedBits(void) volatile", "clearUnusedBits(void)"))


_DIALECT = Dialect(
    include='#include "hls_stream.h"',
    stream="hls::stream",
    inside=True,
    unrolled="#pragma HLS UNROLL",
    pipelined="#pragma HLS PIPELINE II=1",
    inline="#pragma HLS INLINE",
    parallel=(
        "#pragma HLS PIPELINE II=CONFIG_T::reuse_factor\n"
        "#pragma HLS ARRAY_PARTITION variable=data complete\n"
        "#pragma HLS ARRAY_PARTITION variable=res complete"
    ),
    accumulators="#pragma HLS ARRAY_PARTITION variable=total complete",
    result="PRAGMA_DATA_PACK(sum)",
)

BACKEND = Backend(
    hls4ml_name="Vitis",
    csim=Compilation(includes=(_TYPES,), prepare=_types_without_volatile),
    layers=Layers(
        depthwise=True,
        tables="bits",
        transpose_axes=8,
        streamed_transpose_axes=8,
        one_row_strides=False,
        maxima_stride_axes=1,
        sum_pooling=_DIALECT,
    ),
    folds_within_window=True,
    clock_uncertainty=27,
    calibrated=True,
    reports=hls_xml.REPORTS | vivado.REPORTS,
)
