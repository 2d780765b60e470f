"""C simulation against the emulator, bit by bit, for every kind of node, backend and interface."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.errors import EventError, ToolError, UnsupportedError
from hls.graph import FixedGraph
from hls.graph.fixed import FixedType
from hls.hls4ml_project import CSimulation, HlsProject, available, csim, expected_seconds, level_for, write_project
from hls.importing import import_keras
from hls.target import Target
from hls.witnesses import Skipped, Task
from hls.witnesses.csim import CSimWitness
from tests.hls.hls4ml_project.graphs import KINDS, Sketch, events, sketch

PARTS = {
    "vitis": "xcvu13p-flga2577-2-e",
    "vivado": "xcvu13p-flga2577-2-e",
    "quartus": "Arria10",
    "catapult": "xcku115-flvb2104-2-i",
    "oneapi": "Agilex7",
    "libero": "MPF300",
}
# What hls4ml has no exact way of doing, by backend and interface; the table of the documentation.
MISSING = {
    ("vitis", "io_parallel"): (),
    ("vitis", "io_stream"): ("padded_maxima", "moving_image_maxima"),
    ("vivado", "io_parallel"): (),
    ("vivado", "io_stream"): ("padded_maxima", "moving_image_maxima"),
    ("quartus", "io_parallel"): (),
    ("quartus", "io_stream"): ("padded_maxima", "moving_maxima", "moving_image_maxima", "tables", "shapes"),
    ("catapult", "io_parallel"): ("tables",),
    ("catapult", "io_stream"): ("padded_maxima", "moving_image_maxima", "tables", "shapes", "odd_outputs"),
}
HALVES = (tuple(KINDS)[::2], tuple(KINDS)[1::2])


def target(backend: str = "vitis", io_type: str = "io_parallel", **options: object) -> Target:
    return Target(PARTS[backend], backend, 5.0, io_type, **options)  # type: ignore[arg-type]


def build(
    graph: FixedGraph, where: Target, folder: Path, jobs: int = 2, level: str = "-O3"
) -> tuple[HlsProject, CSimulation]:
    project = write_project(graph, where, "some-net", folder)
    simulation = CSimulation(jobs, level)
    simulation.compile(project)
    return project, simulation


def assert_equal(graph: FixedGraph, simulation: CSimulation, count: int = 400) -> None:
    raw = events(graph, count)
    wanted, found = Emulator(graph).run(raw), simulation.run(raw)
    assert len(found) == len(graph.outputs)
    for name, want, got in zip(graph.outputs, wanted, found, strict=True):
        assert got.dtype == np.int64
        np.testing.assert_array_equal(got, want, err_msg=name)


@pytest.mark.parametrize("kinds", HALVES, ids=("even kinds", "odd kinds"))
def test_every_kind_of_node_on_vitis(kinds: tuple[str, ...], tmp_path: Path) -> None:
    graph = sketch(*kinds)
    _, simulation = build(graph, target(), tmp_path)
    assert_equal(graph, simulation)


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "io_type"), [key for key in MISSING if key != ("vitis", "io_parallel")])
def test_every_kind_of_node_elsewhere(backend: str, io_type: str, tmp_path: Path) -> None:
    graph = sketch(*(kind for kind in KINDS if kind not in MISSING[backend, io_type]))
    _, simulation = build(graph, target(backend, io_type), tmp_path, level="-O0")  # of a minute, half is optimisation
    assert_equal(graph, simulation)


@pytest.mark.parametrize(
    ("backend", "io_type", "kind"), [(*place, kind) for place, kinds in MISSING.items() for kind in kinds]
)
def test_what_a_backend_cannot_do_is_refused_by_name(backend: str, io_type: str, kind: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=f"layer 'layer'.*{backend}.*{io_type}"):
        write_project(sketch(kind), target(backend, io_type), "net", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_reuse_changes_no_bit(io_type: str, tmp_path: Path) -> None:
    graph = sketch("dense_chain", "convolutions", "skipping_windows", "sums")
    _, simulation = build(graph, target("vitis", io_type, strategy="resource", reuse_factor=6), tmp_path)
    assert_equal(graph, simulation)


@pytest.mark.slow
def test_a_layer_larger_than_the_stack_of_a_program_runs(tmp_path: Path) -> None:
    s = Sketch()
    x = s.input((1100,), FixedType(True, 4, 4))
    s.output(s.dense(x, 1000))
    graph = s.finish()
    _, simulation = build(graph, target(), tmp_path)
    assert_equal(graph, simulation, 4)


@pytest.mark.slow
def test_a_convolution_that_stands_alone_compiles_on_catapult(tmp_path: Path) -> None:
    """No other layer's header brings the types that the one with its windows needs."""
    s = Sketch()
    s.output(s.conv(s.input((6, 2), FixedType(True, 4, 4)), (2,), 2))
    graph = s.finish()
    _, simulation = build(graph, target("catapult"), tmp_path)
    assert_equal(graph, simulation, 20)


@pytest.fixture(scope="module")
def clamped(tmp_path_factory: pytest.TempPathFactory) -> tuple[HlsProject, CSimulation]:
    """One number, rounded half to even to whole numbers and clamped to [-2, 5], an end of no type on either side."""
    s = Sketch()
    x = s.input((1,), FixedType(True, 8, 6))
    s.output(s.quantize(x, FixedType(True, 4, 4), (-2, 5)))
    return build(s.finish(), target(), tmp_path_factory.mktemp("clamped"), jobs=3)


def test_clamping_by_hand(clamped: tuple[HlsProject, CSimulation]) -> None:
    quarters = np.array([-128, -11, -10, -9, -8, -6, -2, -1, 0, 2, 3, 6, 10, 19, 20, 21, 22, 23, 127])
    by_hand = [-2, -2, -2, -2, -2, -2, 0, 0, 0, 0, 1, 2, 2, 5, 5, 5, 5, 5, 5]
    (found,) = clamped[1].run([quarters[:, None]])
    assert found[:, 0].tolist() == by_hand


def test_slices_keep_their_order_and_report_progress(clamped: tuple[HlsProject, CSimulation]) -> None:
    whole = np.arange(1001) % 8 - 2
    said: list[tuple[int, int]] = []
    (found,) = clamped[1].run([4 * whole[:, None]], lambda done, total: said.append((done, total)))
    np.testing.assert_array_equal(found[:, 0], whole)
    assert said[-1] == (1001, 1001)
    assert [done for done, _ in said] == sorted(done for done, _ in said)
    assert len(said) > 3


def test_no_events_is_not_an_error(clamped: tuple[HlsProject, CSimulation]) -> None:
    assert clamped[1].run([np.zeros((0, 1), np.int64)])[0].shape == (0, 1)


@pytest.mark.parametrize(
    "arrays",
    [[], [np.zeros((3, 2), np.int64)], [np.zeros((3, 1))], [np.zeros((3, 1), np.int64)] * 2],
    ids=["none", "shape", "dtype", "two"],
)
def test_wrong_events_are_refused(clamped: tuple[HlsProject, CSimulation], arrays: list[np.ndarray]) -> None:
    with pytest.raises(EventError):
        clamped[1].run(arrays)


def test_a_missing_weights_file_stops_the_simulation(tmp_path: Path) -> None:
    s = Sketch()
    s.output(s.dense(s.input((2,)), 1))
    project, simulation = build(s.finish(), target(), tmp_path)
    for path in (project.folder / "firmware" / "weights").glob("*.txt"):
        path.unlink()
    with pytest.raises(ToolError, match=r"exit code 1(.|\n)*does not exist"):
        simulation.run([np.zeros((5, 2), np.int64)])


def test_sources_that_do_not_compile_are_named(clamped: tuple[HlsProject, CSimulation], tmp_path: Path) -> None:
    s = Sketch()
    s.output(s.dense(s.input((2,)), 1))
    project = write_project(s.finish(), target(), "net", tmp_path)
    (tmp_path / "firmware" / "net.cpp").write_text("int broken(")
    with pytest.raises(ToolError, match=r"g\+\+ could not compile(.|\n)*error"):
        CSimulation().compile(project)


def test_a_compiler_that_does_not_finish_is_stopped(
    clamped: tuple[HlsProject, CSimulation], model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csim, "COMPILE_SECONDS", 0.01)
    project, _ = clamped
    witness = CSimWitness(Task(import_keras(model_file), model_file, project))
    with pytest.raises(Skipped, match=r"g\+\+ had not compiled it in 0 minutes; build --without csim"):
        witness.run([np.zeros((1, 1), np.int64)])


def test_more_events_and_larger_networks_take_longer() -> None:
    small, large = sketch("dense_chain"), sketch("dense_chain", "convolutions")
    assert expected_seconds(small, 0) < expected_seconds(large, 0) < expected_seconds(large, 100_000)
    assert expected_seconds(small, 100_000) - expected_seconds(small, 0) < expected_seconds(large, 100_000)


def test_few_events_are_not_worth_a_long_compilation() -> None:
    graph = sketch("dense_chain")
    assert [level_for(graph, events) for events in (0, 1000, 10**9)] == ["-O1", "-O1", "-O3"]


def test_running_before_compiling_is_refused() -> None:
    with pytest.raises(ToolError, match="compile first"):
        CSimulation().run([])


def test_without_gpp_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    reason = available(target())
    assert reason is not None
    assert "g++" in reason
    assert "install" in reason


@pytest.mark.parametrize(("backend", "tool"), [("oneapi", "icpx"), ("libero", "shls")])
def test_backends_that_need_a_vendor_tool_say_which(backend: str, tool: str) -> None:
    assert tool in (available(target(backend)) or "")
    assert available(target("quartus")) is None


def test_the_version_names_compiler_and_hls4ml() -> None:
    assert CSimulation().version.startswith("g++ ")
    assert "hls4ml 1." in CSimulation().version
