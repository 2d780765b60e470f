"""Siemens Catapult, and Vivado behind it."""

from __future__ import annotations

from hls.figures.vendor_reports import catapult, vivado
from hls.hls4ml_project.backend import Backend, Compilation, Layers
from hls.hls4ml_project.sum_pooling import Dialect

BACKEND = Backend(
    hls4ml_name="Catapult",
    ac_fixed=True,
    csim=Compilation(
        includes=(
            "firmware/ac_types/include",
            "firmware/ac_math/include",
            "firmware/ac_simutils/include",
            "firmware/nnet_utils",
        ),
        stream_in="ac_channel",
        stream_out="ac_channel",
        extern_weights=True,
    ),
    layers=Layers(
        tables="none",
        streamed_transpose_axes=0,
        joins_streamed_vectors=False,
        one_row_strides=False,
        maxima_stride_axes=1,
        sum_pooling=Dialect(
            include='#include "ac_channel.h"',
            stream="ac_channel",
            unrolled="#pragma hls_unroll yes",
            pipelined="#pragma hls_pipeline_init_interval 1",
        ),
    ),
    settings={"Technology": "fpga", "FIFO": None},
    reports=catapult.REPORTS | vivado.REPORTS,
)
