"""The written project: names, types, constants, and what never reaches a shell."""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hls.errors import ProjectError, ToolError, UnsupportedError
from hls.graph import FixedGraph, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.hls4ml_project import convert, write_project
from hls.hls4ml_project.layers import lower
from hls.hls4ml_project.structure import fewest_axes
from hls.hls4ml_project.types import HlsType
from hls.target import Target, project_identifier
from tests.hls.hls4ml_project.graphs import KINDS, SIGNED_8, Sketch, sketch

VITIS = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)
SCRIPTS = {
    "vitis": "build_prj.tcl",
    "vivado": "build_prj.tcl",
    "catapult": "build_prj.tcl",
    "quartus": "Makefile",
    "oneapi": "CMakeLists.txt",
    "libero": "Makefile",
}


def small() -> FixedGraph:
    s = Sketch()
    hidden = s.quantize(s.dense(s.quantize(s.input((4,), FixedType(True, 12, 6))), 3), FixedType(False, 6, 3))
    s.output(s.quantize(s.dense(hidden, 2), SIGNED_8))
    return s.finish()


@pytest.mark.parametrize("backend", SCRIPTS)
def test_every_backend_gets_its_build_script(backend: str, tmp_path: Path) -> None:
    project = write_project(small(), Target("part-1.2_x", backend, 4.5), "evn-two-body", tmp_path)
    script = tmp_path / SCRIPTS[backend]
    assert script.stat().st_size > 0
    assert project.top == "evn_two_body"
    assert list(tmp_path.rglob("evn_two_body.cpp"))
    text = "".join(path.read_text(errors="replace") for path in tmp_path.glob("*") if path.is_file())
    assert "part-1.2_x" in text


@pytest.mark.parametrize("backend", SCRIPTS)
def test_files_name_the_folder_that_the_project_moves_to(backend: str, tmp_path: Path) -> None:
    draft, final = tmp_path / "draft", tmp_path / "final"
    write_project(small(), Target("part", backend, 5.0), "net", draft, final)
    draft.rename(final)
    files = [path for path in final.rglob("*") if path.is_file()]
    assert not [path for path in files if str(draft).encode() in path.read_bytes()]
    assert f"OutputDir: {final}\n" in (final / "hls4ml_config.yml").read_text()


def test_types_are_the_narrowest_that_hold_everything(tmp_path: Path) -> None:
    s = Sketch()
    x = s.input((2,), FixedType(True, 4, 4))
    kernel, bias = FixedArray(np.array([[4], [-12]]), 4), FixedArray(np.array([8]), 4)  # 0.25, -0.75 and 0.5
    s.output(s.add(nodes.Dense, x, kernel=kernel, bias=bias))
    project = write_project(s.finish(), VITIS, "net", tmp_path)
    dense = project.types[project.layer_of["dense-1"]]
    assert dense["weight"] == "fixed<3,1,TRN,WRAP,0>"  # 1 and -3 quarters
    assert dense["bias"] == "ufixed<1,0,TRN,WRAP,0>"  # 1 half
    # In sixteenths: sums from 7*4 - (-8)*12 + 8 = 132 down to -8*4 - 7*12 + 8 = -108; partial sums up to 8*16 + 8.
    assert dense["result"] == "fixed<9,5,TRN,WRAP,0>"
    assert dense["accum"] == "fixed<9,5,TRN,WRAP,0>"


def test_an_accumulator_holds_what_is_reached_on_the_way(tmp_path: Path) -> None:
    """x + y - 15 of two numbers up to 15 ends within 15 of zero, and 30, or 45 with all signs alike, is on its way."""
    s = Sketch()
    x = s.input((2,), FixedType(False, 4, 4))
    s.output(s.add(nodes.Dense, x, kernel=FixedArray(np.ones((2, 1), int), 0), bias=FixedArray(np.array([-15]), 0)))
    project = write_project(s.finish(), VITIS, "net", tmp_path)
    dense = project.types[project.layer_of["dense-1"]]
    assert (dense["result"], dense["accum"]) == ("fixed<5,5,TRN,WRAP,0>", "fixed<7,7,TRN,WRAP,0>")


def test_a_quantizer_is_done_by_the_layer_before_it(tmp_path: Path) -> None:
    project = write_project(small(), VITIS, "net", tmp_path)
    assert project.layer_of["quantize-3"] == project.layer_of["dense-2"]
    assert project.types[project.layer_of["dense-2"]]["result"] == "ufixed<6,3,RND_CONV,SAT,0>"


def test_a_quantizer_that_cannot_overflow_does_not_saturate(tmp_path: Path) -> None:
    s = Sketch()
    s.output(s.quantize(s.input((2,), FixedType(True, 6, 3)), FixedType(True, 8, 5)))
    project = write_project(s.finish(), VITIS, "net", tmp_path)
    assert project.types[project.layer_of["quantize-1"]]["result"] == "fixed<8,5,TRN,WRAP,0>"


def test_hls4ml_keeping_other_types_is_an_error(tmp_path: Path) -> None:
    layers = lower(small(), VITIS)
    model = convert.build_model(layers, VITIS, "net", tmp_path)
    wrong = replace(layers.layers[-1], types={**layers.layers[-1].types, "accum": HlsType(FixedType(True, 7, 7))})
    with pytest.raises(ToolError, match=r"accum_t = fixed<.*but fixed<7,7,TRN,WRAP,0> was stated"):
        convert.check(model, replace(layers, layers=(*layers.layers[:-1], wrong)), VITIS)


def test_a_layer_that_hls4ml_drops_is_an_error(tmp_path: Path) -> None:
    layers = lower(small(), VITIS)
    model = convert.build_model(layers, VITIS, "net", tmp_path)
    lost = replace(layers.layers[-1], name="n99_lost")
    with pytest.raises(ToolError, match="dropped layer n99_lost"):
        convert.check(model, replace(layers, layers=(*layers.layers, lost)), VITIS)


def test_constants_that_float64_rounds_are_refused(tmp_path: Path) -> None:
    s = Sketch()
    x = s.input((1,))
    kernel = FixedArray(np.array([[1, -(1 << 53) - 1, 2]], dtype=object), 60)
    s.output(s.add(nodes.Dense, x, kernel=kernel, bias=FixedArray(np.zeros(3, np.int64), 0)))
    with pytest.raises(UnsupportedError, match=r"dense-1: a constant needs 54 bits"):
        write_project(s.finish(), VITIS, "net", tmp_path)


@pytest.mark.parametrize(
    ("backend", "io_type", "taken"),
    [
        ("vitis", "io_parallel", 2),
        ("vivado", "io_parallel", 2),
        ("vitis", "io_stream", 4),
        ("quartus", "io_parallel", 4),
    ],
)
def test_convolutions_fold_no_further_than_their_window(backend: str, io_type: str, taken: int, tmp_path: Path) -> None:
    """Two channels in a window of one place are two products a filter; a reuse of 4 of the 2 x 2 would mix filters."""
    s = Sketch()
    s.output(s.conv(s.input((6, 2)), (1,), 2))
    target = Target("part", backend, 5.0, io_type, strategy="resource", reuse_factor=4)
    layers = lower(s.finish(), target)
    model = convert.build_model(layers, target, "net", tmp_path)
    assert [layer.get_attr("reuse_factor") for layer in model.get_layers()][-1] == taken


def test_a_refused_maximum_names_window_steps_and_cure() -> None:
    s = Sketch()
    s.output(s.pool(s.input((5, 7, 2)), (3, 3), True, strides=(2, 1)))
    said = r"windows of 3 x 3 in steps of 2 x 1 .* io_stream; choose io_parallel, or strides equal to the window"
    with pytest.raises(UnsupportedError, match=said):
        lower(s.finish(), replace(VITIS, io_type="io_stream"))


def test_a_step_that_leads_nowhere_is_no_reason_to_refuse(tmp_path: Path) -> None:
    """One position along each axis: global pooling with the default strides of one, say."""
    s = Sketch()
    s.output(s.pool(s.input((5, 6, 2)), (5, 3), True, strides=(1, 3)))
    stream = replace(VITIS, io_type="io_stream")
    (pooling,) = (layer for layer in lower(s.finish(), stream).layers if "Pooling" in layer.class_name)
    assert (pooling.attributes["stride_height"], pooling.attributes["stride_width"]) == (5, 3)


def test_a_stream_read_too_often_is_refused(tmp_path: Path) -> None:
    s = Sketch()
    x = s.input((3,))
    s.output(*(s.dense(x, 2) for _ in range(8)))
    stream = replace(VITIS, io_type="io_stream")
    with pytest.raises(UnsupportedError, match="8 readers"):
        write_project(s.finish(), stream, "net", tmp_path)


def test_a_backend_without_the_layer_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"concatenate-3.*libero.*Concatenate"):
        write_project(sketch("concatenations"), Target("MPF300", "libero", 5.0), "net", tmp_path)
    with pytest.raises(UnsupportedError, match="libero"):
        write_project(small(), Target("MPF300", "libero", 5.0, "io_stream"), "net", tmp_path)


def test_an_impossible_reuse_factor_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        write_project(small(), replace(VITIS, strategy="resource", reuse_factor=5), "net", tmp_path)
    assert "reuse factor 5 is not possible, hls4ml takes" in caplog.text


@pytest.mark.parametrize("name", ["", "1net", "net;rm", 'net"', "net$x", "a b", "../net", "net\n", "é"])
def test_names_that_a_shell_would_read_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="project name"):
        write_project(small(), VITIS, name, tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("part", 'x" [exec touch hacked] "'),
        ("part", ""),
        ("part", "a b"),
        ("part", "$(x)"),
        ("part", None),
        ("backend", "Vitis"),
        ("clock_ns", float("nan")),
        ("clock_ns", float("inf")),
        ("clock_ns", 0),
        ("clock_ns", "5"),
        ("clock_ns", True),
        ("io_type", "io_serial"),
        ("strategy", "fast"),
        ("multipliers", "dsp"),
        ("reuse_factor", 0),
        ("reuse_factor", 1.5),
        ("reuse_factor", True),
    ],
)
def test_targets_are_whitelisted(key: str, value: object) -> None:
    with pytest.raises(ProjectError, match=key):
        replace(VITIS, **{key: value})  # type: ignore[arg-type]


def test_folders_that_break_makefiles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="folder"):
        write_project(small(), VITIS, "net", tmp_path / 'a"b')


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("evn-two-body", "evn_two_body"),
        ("Net_2", "Net_2"),
        ("class", "class_top"),
        ("Class", "Class_top"),
        ("nnet", "nnet_top"),
        ("w3", "w3_top"),
        ("result-t", "result_t_top"),
        ("layer2-out", "layer2_out_top"),
        ("exp", "exp_top"),
    ],
)
def test_top_functions_clash_with_nothing(name: str, identifier: str) -> None:
    assert project_identifier(name) == identifier


def test_no_tensorflow_is_loaded(tmp_path: Path) -> None:
    program = f"""
import sys
from tests.hls.hls4ml_project.test_project import SCRIPTS, small
from hls.hls4ml_project import write_project
from hls.target import Target
for backend in SCRIPTS:
    write_project(small(), Target("part", backend, 5.0), "net", {str(tmp_path)!r} + "/" + backend)
assert not {{"tensorflow", "keras", "qkeras"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[3])


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_oneapi_projects_keep_the_stated_types(io_type: str, tmp_path: Path) -> None:
    streamed = ("tables", "padded_maxima", "moving_maxima", "moving_image_maxima")
    refused = streamed if io_type == "io_stream" else ()
    graph = sketch(*(kind for kind in KINDS if kind not in refused))
    project = write_project(graph, Target("Agilex7", "oneapi", 5.0, io_type), "net", tmp_path)
    assert set(project.layer_of) == set(graph.nodes)


@pytest.mark.parametrize(
    ("shape", "permutation", "expected"),
    [
        ((3, 4), (1, 0), ((3, 4), (1, 0))),
        ((1, 3, 4), (0, 2, 1), ((3, 4), (1, 0))),
        ((2, 3, 4), (2, 0, 1), ((6, 4), (1, 0))),
        ((2, 3, 4), (0, 2, 1), ((2, 3, 4), (0, 2, 1))),
        ((2, 1, 5), (1, 0, 2), ((10,), (0,))),
    ],
)
def test_transposes_have_as_few_axes_as_can_be(
    shape: tuple[int, ...], permutation: tuple[int, ...], expected: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    found = fewest_axes(shape, permutation)
    assert found == expected
    numbers = np.arange(np.prod(shape))
    same = numbers.reshape(found[0]).transpose(found[1])
    np.testing.assert_array_equal(same.ravel(), numbers.reshape(shape).transpose(permutation).ravel())
