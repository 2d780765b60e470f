"""A convolution, a maximum and a table, written by hand: sizes, sums and values that are the graph's, or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hls.errors import FirmwareError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.proof.hls4ml.interpretation import Interpretation
from hls.proof.hls4ml.written import Written
from hls.proof.subject import Deadline
from tests.hls.rtl.zoo import add_input, constant

HEADER = """\
typedef ap_fixed<3,3> input_t;
typedef ap_fixed<6,6> n2_c_accum_t;
typedef ap_fixed<2,2,AP_TRN,AP_SAT,0> layer2_t;
typedef ap_fixed<2,2> layer3_t;
typedef ap_fixed<2,2> n3_m_accum_t;
typedef ap_ufixed<4,4> result_t;
typedef ap_fixed<3,3> n2_c_weight_t;
typedef ap_ufixed<1,1> n2_c_bias_t;
typedef ap_ufixed<4,4> n4_t_table_t;
"""
PARAMETERS = """\
struct config2 : nnet::conv1d_config {
    static const unsigned pad_left = 1;
    static const unsigned pad_right = 0;
    static const unsigned in_width = 5;
    static const unsigned n_chan = 1;
    static const unsigned filt_width = 2;
    static const unsigned n_filt = 1;
    static const unsigned stride_width = 1;
    static const unsigned out_width = 5;
    typedef n2_c_accum_t accum_t;
    typedef n2_c_bias_t bias_t;
    typedef n2_c_weight_t weight_t;
};
struct config3 : nnet::pooling1d_config {
    static const unsigned n_in = 5;
    static const unsigned n_filt = 1;
    static const unsigned pool_width = 2;
    static const unsigned stride_width = 2;
    static const unsigned n_out = 2;
    static const unsigned pad_left = 0;
    static const unsigned pad_right = 0;
    static const nnet::Pool_Op pool_op = nnet::Max;
    typedef n3_m_accum_t accum_t;
};
struct unary_lut_config4 : nnet::activ_config {
    static const unsigned n_in = 2*1;
    static const unsigned table_size = 4;
    typedef n4_t_table_t table_t;
};
"""
SOURCE = """\
void tiny(
    input_t n1_x[5*1], result_t layer4_out[2*1]
) {
    nnet::load_weights_from_txt<n2_c_weight_t, 2>(w2, "w2.txt");
    nnet::load_weights_from_txt<n2_c_bias_t, 1>(b2, "b2.txt");
    nnet::load_weights_from_txt<n4_t_table_t, 4>(table4, "table4.txt");
    // hls-fpga-machine-learning insert layers
    layer2_t layer2_out[5*1];
    auto& again = layer2_out;
    layer3_t layer3_out[2*1];
    nnet::conv_1d_cl<input_t, layer2_t, config2>(n1_x, layer2_out, w2, b2); // n2_c
    nnet::pooling1d_cl<layer2_t, layer3_t, config3>(again, layer3_out); // n3_m
    nnet::unary_lut<layer3_t, result_t, unary_lut_config4>(layer3_out, layer4_out, table4); // n4_t
}
"""
TABLE = "n4_t_table_t table4[4] = {7, 9, 3, 5};"
FILES = {
    "defines.h": HEADER,
    "parameters.h": PARAMETERS,
    "tiny.cpp": SOURCE,
    "weights/w2.h": "n2_c_weight_t w2[2] = {3, -4};",
    "weights/w2.txt": "3, -4",
    "weights/b2.h": "n2_c_bias_t b2[1] = {1};",
    "weights/b2.txt": "1",
    "weights/table4.h": TABLE,
    "weights/table4.txt": "7, 9, 3, 5",
}


def tiny() -> FixedGraph:
    """3 a - 4 b + 1 of neighbours in [-4, 3], clipped to 2 bits, the larger of two, and of that 3, 5, 7 or 9."""
    builder = GraphBuilder("tiny")
    x = add_input(builder, "x", (5, 1), FixedType(True, 3, 3))
    kernel = constant(np.array([[[3]], [[-4]]]))
    c = builder.add(nodes.Conv("c", (x,), "c", kernel, constant([1]), (1,), (1,), ((1, 0),), 1))
    q = builder.add(nodes.Quantize("q", (c,), "q", FixedType(True, 2, 2), -2, 1))
    m = builder.add(nodes.Pool("m", (q,), "m", (2,), (2,), ((0, 0),), True))
    t = builder.add(nodes.Table("t", (m,), "t", constant([3, 5, 7, 9]), -2))
    return builder.finish([x], [t], ["t"])


def interpreted(folder: Path, **changed: str) -> Interpretation:
    names = {name.replace("/", "_").replace(".", "_"): name for name in FILES}
    (folder / "weights").mkdir()
    for name, text in (FILES | {names[key]: text for key, text in changed.items()}).items():
        (folder / name).write_text(text, encoding="utf-8")
    found = Interpretation(tiny(), Written(folder, "tiny"), Deadline(60.0))
    found.run()
    return found


def test_windows_and_tables_are_followed(tmp_path: Path) -> None:
    # Two weights, a bias and four values.
    assert interpreted(tmp_path).arrays.constants == 7


def without(old: str, new: str) -> dict[str, str]:
    assert old in PARAMETERS
    return {"parameters_h": PARAMETERS.replace(old, new, 1)}


@pytest.mark.parametrize(
    ("changed", "culprit"),
    [
        (without("pad_left = 1", "pad_left = 0"), "config2 has 0 as pad_left, the graph 1"),
        (without("stride_width = 1", "stride_width = 2"), "stride_width"),
        (without("    static const unsigned filt_width = 2;\n", ""), "no size filt_width"),
        (without("pool_width = 2", "pool_width = 3"), "pool_width"),
        (without("nnet::Max", "nnet::Average"), "no sum and no mean"),
        (without("table_size = 4", "table_size = 8"), "table_size"),
        ({"defines_h": HEADER.replace("ap_fixed<6,6> n2", "ap_fixed<5,5> n2")}, "accumulator is too narrow"),
        ({"defines_h": HEADER.replace("ap_fixed<2,2> n3", "ap_ufixed<2,2> n3")}, "compared in is too narrow"),
        ({"defines_h": HEADER.replace("AP_SAT", "AP_WRAP")}, "another way"),
        ({"weights_w2_h": "n2_c_weight_t w2[2] = {-4, 3};", "weights_w2_txt": "-4, 3"}, "weight 0 is printed as -4"),
        ({"weights_table4_h": TABLE.replace("3", "2"), "weights_table4_txt": "7, 9, 2, 5"}, "value 2 is printed as 2"),
        (
            {
                "tiny_cpp": SOURCE.replace("again = layer2_out", "again = n1_x").replace(
                    "1d_cl<layer2_t", "1d_cl<input_t"
                )
            },
            "Conv .c. is not in the C",
        ),
    ],
)  # fmt: skip
def test_what_is_not_so_is_named(tmp_path: Path, changed: dict[str, str], culprit: str) -> None:
    with pytest.raises(FirmwareError, match=culprit):
        interpreted(tmp_path, **changed)
