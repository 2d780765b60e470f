"""A project of one layer, written by hand: what its types must hold, and what is refused of it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hls.errors import FirmwareError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.proof import NotClosedError
from hls.proof.hls4ml.interpretation import Interpretation
from hls.proof.hls4ml.steps import Affine, Clip, Relu, Round, Span, Step, Wire, Wrap, cast, same_function
from hls.proof.hls4ml.written import CType, Written
from hls.proof.subject import Deadline
from tests.hls.rtl.zoo import add_input, constant

HEADER = """\
typedef ap_fixed<4,4> input_t;
typedef ap_fixed<7,6> n2_y_accum_t;
typedef ap_fixed<4,4,AP_RND_CONV,AP_SAT,0> result_t;
typedef ap_fixed<4,3> n2_y_weight_t;
typedef ap_ufixed<1,1> n2_y_bias_t;
"""
PARAMETERS = """\
struct config2 : nnet::dense_config {
    static const unsigned n_in = 2;
    static const unsigned n_out = 1;
    typedef n2_y_accum_t accum_t;
    typedef n2_y_bias_t bias_t;
    typedef n2_y_weight_t weight_t;
};
"""
SOURCE = """\
void tiny(
    input_t n1_x[2],
    result_t layer2_out[1]
) {
    nnet::load_weights_from_txt<n2_y_weight_t, 2>(w2, "w2.txt");
    nnet::load_weights_from_txt<n2_y_bias_t, 1>(b2, "b2.txt");
    // hls-fpga-machine-learning insert layers
    nnet::dense<input_t, result_t, config2>(n1_x, layer2_out, w2, b2); // n2_y
}
"""
FILES = {
    "defines.h": HEADER,
    "parameters.h": PARAMETERS,
    "tiny.cpp": SOURCE,
    "weights/w2.h": "n2_y_weight_t w2[2] = {1.5, -2};",
    "weights/w2.txt": "1.5, -2",
    "weights/b2.h": "n2_y_bias_t b2[1] = {1};",
    "weights/b2.txt": "1",
}


def tiny() -> FixedGraph:
    """1.5 a - 2 b + 1 of a, b in [-8, 7]: from -25 to 27.5, so 7 bits with one behind the point; 4 of them are kept."""
    builder = GraphBuilder("tiny")
    x = add_input(builder, "x", (2,), FixedType(True, 4, 4))
    y = builder.add(nodes.Dense("y", (x,), "y", constant([[3], [-4]], 1), constant([1])))
    q = builder.add(nodes.Quantize("q", (y,), "q", FixedType(True, 4, 4), -8, 7))
    return builder.finish([x], [q], ["q"])


def interpreted(folder: Path, **changed: str) -> Interpretation:
    names = {name.replace("/", "_").replace(".", "_"): name for name in FILES}
    files = FILES | {names[key]: text for key, text in changed.items()}
    (folder / "weights").mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    found = Interpretation(tiny(), Written(folder, "tiny"), Deadline(60.0))
    found.run()
    return found


def test_every_type_holds_and_every_constant_is_the_graphs(tmp_path: Path) -> None:
    found = interpreted(tmp_path)
    # Port, weights, bias, accumulator and result; two weights and a bias.
    assert (found.arrays.statements, found.arrays.constants) == (5, 3)


@pytest.mark.parametrize(
    ("changed", "culprit"),
    [
        ({"defines_h": HEADER.replace("ap_fixed<7,6>", "ap_fixed<6,5>")}, "accumulator is too narrow"),
        ({"defines_h": HEADER.replace("ap_fixed<7,6>", "ap_fixed<7,7>")}, "accumulator is too narrow"),
        ({"defines_h": HEADER.replace("ap_fixed<4,4> input", "ap_fixed<3,3> input")}, "port n1_x is too narrow"),
        ({"defines_h": HEADER.replace("AP_SAT", "AP_WRAP")}, "another way"),
        ({"defines_h": HEADER.replace("AP_RND_CONV", "AP_TRN")}, "another way"),
        ({"defines_h": HEADER.replace("AP_RND_CONV", "AP_RND")}, "AP_RND is not known"),
        ({"defines_h": HEADER.replace("ap_fixed<4,3>", "ap_fixed<4,4>")}, "constant 0 of w2, 3/2, does not fit"),
        ({"defines_h": HEADER + "typedef float other_t;\n"}, "float other_t"),
        ({"weights_w2_h": "n2_y_weight_t w2[2] = {1.5, -1};", "weights_w2_txt": "1.5, -1"}, "weight 1 is printed"),
        ({"weights_w2_txt": "1.5, -1.5"}, "other constants"),
        ({"weights_b2_h": "n2_y_bias_t b2[1] = {0};", "weights_b2_txt": "0"}, "bias 0 is printed as 0.0"),
        ({"weights_w2_h": "n2_y_weight_t w2[2] = {1.5"}, "no constants"),
        ({"weights_w2_h": f"n2_y_weight_t w2[1];\n{FILES['weights/w2.h']}"}, "other constants"),
        ({"tiny_cpp": SOURCE.replace('(w2, "w2', '(w2, "b2')}, "w2 is not loaded from w2.txt, all 2 of it"),
        ({"tiny_cpp": SOURCE.replace("weight_t, 2>", "weight_t, 1>")}, "w2 is not loaded from w2.txt"),
        ({"tiny_cpp": SOURCE.replace("n1_x[2]", "n1_x[3]")}, "n1_x is declared with 3 elements, and 2 are in it"),
        ({"tiny_cpp": SOURCE.replace("out[1]", "out[2]")}, "layer2_out is declared with 2 elements"),
        ({"tiny_cpp": SOURCE.replace("layer2_out[1]", "layer3_out[1]")}, "called for other types"),
        ({"tiny_cpp": SOURCE.replace(", w2, b2", ", w2")}, "nnet::dense of n2_y is given 3 arrays, not 4"),
        ({"parameters_h": PARAMETERS.replace("weight_t weight_t", "weight_t wait_t")}, "declares no type weight_t"),
        ({"defines_h": HEADER.replace("ap_ufixed<1,1>", "ap_ufixed<0,1>")}, "type n2_y_bias_t has no bit"),
        ({"tiny_cpp": SOURCE.replace("    nnet::", "    layer2_out[0] = 3;\n    nnet::")}, "not understood"),
        ({"tiny_cpp": SOURCE.replace("nnet::dense", "nnet::softmax")}, "softmax computes is not followed"),
        ({"tiny_cpp": SOURCE[:60]}, "no function tiny"),
    ],
)  # fmt: skip
def test_what_is_not_so_is_named(tmp_path: Path, changed: dict[str, str], culprit: str) -> None:
    with pytest.raises(FirmwareError, match=culprit):
        interpreted(tmp_path, **changed)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FirmwareError, match=r"defines\.h cannot be read"):
        _ = Written(tmp_path, "tiny").types


def span(low: int, high: int, fraction: int) -> Span:
    return Span(np.array([low], dtype=object), np.array([high], dtype=object), fraction)


def test_a_clamp_of_shifts_is_the_clip_that_it_stands_for() -> None:
    """To clamp [-20, 40] to [-3, 9] with 4 bits: shift by 6, saturate, to a shift of 3, saturate, and back."""
    four, wire = CType(FixedType(False, 4, 4), "TRN", "SAT"), Wire("x", span(-20, 40, 0))
    for shift in (6, -3):
        shifted = wire.then([Affine((Fraction(1),), (Fraction(shift),))])
        wire = shifted.then(cast(shifted.now, four))
    wire = wire.then([Affine((Fraction(1),), (Fraction(-3),))])
    assert same_function(wire.span, wire.steps, [Clip(-3, 9)])
    assert not same_function(wire.span, wire.steps, [Clip(-3, 10)])


def test_steps_that_begin_alike_need_no_trial() -> None:
    wide = span(-(1 << 40), 1 << 40, 30)
    chain: list[Step] = [Relu(), Round(0, half_even=True), Clip(None, 200)]
    assert same_function(wide, chain, list(chain))
    with pytest.raises(NotClosedError, match="too many values"):
        same_function(wide, chain, chain[1:])


def test_chains_of_channels_are_tried_channel_by_channel() -> None:
    """Twice the first and half the second channel, in halves: at most 12 and 7, so that only the first clips."""
    two = Span(np.array([-3, 0], dtype=object), np.array([3, 7], dtype=object), 0)
    scaled = Affine((Fraction(2), Fraction(1, 2)), (Fraction(0),))
    assert same_function(two, [Wrap(FixedType(True, 4, 4)), scaled], [scaled, Clip(-12, 12)])
    assert not same_function(two, [Wrap(FixedType(True, 4, 4)), scaled], [scaled, Clip(-12, 11)])
    assert not same_function(two, [Wrap(FixedType(True, 3, 3)), scaled], [scaled, Clip(-12, 12)])


def test_what_fits_a_type_that_wraps_keeps_its_bounds() -> None:
    mixed = Span(np.array([-8, -9], dtype=object), np.array([7, 7], dtype=object), 1)
    wrapped = mixed.after(Wrap(FixedType(True, 3, 3)))  # halves below -4 come back as 3
    assert (wrapped.low.tolist(), wrapped.high.tolist(), wrapped.fraction) == ([-4, -4], [3, 3], 0)
    wide = Span(np.array([-2, -9], dtype=object), np.array([3, 7], dtype=object), 1)
    assert wide.after(Wrap(FixedType(True, 3, 3))).high.tolist() == [1, 3]
