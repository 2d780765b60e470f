"""Events for a verification: corners that reach the proved bounds, files of every kind, and files that are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hls.emulation import Emulator
from hls.errors import EventError, FirmwareError, UnsupportedError
from hls.events import EventSample, gather
from hls.events.corners import MAX_CORNERS, corner_events
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.importing import import_keras
from hls.project.systems.finding import find_system
from tests.models import write_model


@pytest.fixture
def graph(model_file: Path) -> FixedGraph:
    return import_keras(model_file)


def from_file(graph: FixedGraph, path: Path, events: int | None = None) -> EventSample:
    return gather(graph, None, events=events, seed=1, inputs=path, default=7)


class TestCorners:
    def test_reach_the_bounds_of_every_first_layer_sum(self, graph: FixedGraph) -> None:
        hidden = graph.layers["hidden"]
        reached = Emulator(graph).trace(corner_events(graph, seed=1))[hidden]
        assert reached.min(axis=0).tolist() == graph.edges[hidden].low.tolist()
        assert reached.max(axis=0).tolist() == graph.edges[hidden].high.tolist()

    def test_by_hand(self, tmp_path: Path) -> None:
        kernel = np.zeros((4, 6))
        kernel[:, 0] = [0.5, -0.5, 0.5, -0.5]
        (events,) = corner_events(import_keras(write_model(tmp_path / "m.h5", kernel=kernel)), seed=1)
        rows = events.tolist()
        assert rows[:3] == [[-128] * 4, [127] * 4, [0] * 4]
        assert [127, -128, 127, -128] in rows
        assert [-128, 127, -128, 127] in rows

    def test_several_inputs_that_meet_in_one_sum(self) -> None:
        """y = a0 - 2 a1 + 3 b0 on two signed 4-bit ports, joined before the sum."""
        builder, port = GraphBuilder("two"), FixedType(True, 4, 4)
        for name, size in (("a", 2), ("b", 1)):
            builder.add(nodes.Input(name, (), name, (size,), port, -8, 7))
        builder.add(nodes.Concatenate("both", ("a", "b"), "both", 0))
        kernel = FixedArray(np.array([[1], [-2], [3]]), 0)
        builder.add(nodes.Dense("y", ("both",), "y", kernel, FixedArray(np.zeros(1, np.int64), 0)))
        two = builder.finish(["a", "b"], ["y"], ["y"])
        a, b = corner_events(two, seed=1)
        events = np.concatenate([a, b], axis=1).tolist()
        assert [7, -8, 7] in events
        assert [-8, 7, -8] in events
        reached = Emulator(two).run([a, b])[0]
        assert (reached.min(), reached.max()) == (two.edges["y"].raw_min, two.edges["y"].raw_max) == (-46, 44)

    def test_each_element_alone_at_its_ends_and_one_step_off_zero(self, graph: FixedGraph) -> None:
        (events,) = corner_events(graph, seed=1)
        alone = {tuple(row) for row in events.tolist() if sum(value != 0 for value in row) == 1}
        wanted = {tuple(v if i == place else 0 for i in range(4)) for place in range(4) for v in (-128, 127, 1, -1)}
        assert alone >= wanted

    def test_reach_the_ends_of_an_output_behind_other_sums(self) -> None:
        """y = h0 + h1, whose coefficients have other signs than those of h0 and h1: of 24 inputs no vertex is luck."""
        builder, port = GraphBuilder("deep"), FixedType(True, 4, 4)
        builder.add(nodes.Input("x", (), "x", (24,), port, -8, 7))
        kernel = np.array([[3, -1], [-1, 3], [-3, 1], [1, -3]] * 6)  # in y: 2, 2, -2, -2
        zero = FixedArray(np.zeros(2, np.int64), 0)
        builder.add(nodes.Dense("h", ("x",), "h", FixedArray(kernel, 0), zero))
        builder.add(
            nodes.Dense("y", ("h",), "y", FixedArray(np.ones((2, 1), np.int64), 0), FixedArray(zero.integers[:1], 0))
        )
        deep = builder.finish(["x"], ["y"], ["y"])
        (events,) = corner_events(deep, seed=1)
        (reached,) = Emulator(deep).run([events])
        assert reached.max() == 12 * 2 * 7 + 12 * -2 * -8
        assert reached.min() == 12 * 2 * -8 + 12 * -2 * 7

    def test_are_bounded(self, graph: FixedGraph) -> None:
        assert len(corner_events(graph, seed=1)[0]) <= MAX_CORNERS
        assert len(corner_events(graph, seed=1, limit=10)[0]) == 10


class TestSources:
    def test_uniform_integers_cover_the_port(self, graph: FixedGraph) -> None:
        sample = gather(graph, None, events=5000, seed=1, inputs=None, default=1)
        assert len(sample) == 5000
        assert 0 < sample.corners < MAX_CORNERS
        drawn = sample.raw[0][sample.corners :]
        assert set(np.unique(drawn)) == set(range(-128, 128))

    def test_a_port_wider_than_integers_is_refused(self) -> None:
        builder, wide = GraphBuilder("wide"), FixedType(True, 65, 10)
        builder.add(nodes.Input("x", (), "x", (1,), wide, wide.raw_min, wide.raw_max))
        with pytest.raises(UnsupportedError, match=r"'x': ap_fixed<65,10> is wider"):
            gather(builder.finish(["x"], ["x"], ["x"]), None, events=5, seed=1, inputs=None, default=1)

    def test_same_seed_same_events(self, graph: FixedGraph) -> None:
        first, again, other = (
            gather(graph, None, events=50, seed=seed, inputs=None, default=1).raw[0] for seed in (1, 1, 2)
        )
        assert (first == again).all()
        assert not (first == other).all()

    def test_a_system_generates(self, tmp_path: Path) -> None:
        chosen = find_system("two-body")
        values = chosen.system.events(chosen.variant, 5, 3)
        assert isinstance(values, np.ndarray)
        assert values.shape == (5, 8)
        graph = import_keras(write_model(tmp_path / "m.h5"))
        with pytest.raises(EventError, match="shape"):  # that network has 4 inputs
            gather(graph, chosen, events=5, seed=3, inputs=None, default=1)

    @pytest.mark.parametrize("kind", ["npy", "npz", "h5"])
    def test_files(self, graph: FixedGraph, tmp_path: Path, kind: str) -> None:
        values = np.array([[0.0625, 0, 0, 0], [100, -100, 0.09375, 0.15625]], np.float32)
        path = tmp_path / f"events.{kind}"
        if kind == "npy":
            np.save(path, values)
        elif kind == "npz":
            np.savez(path, x=values)
        else:
            with h5py.File(path, "w") as file:
                file["x"] = values
        sample = from_file(graph, path)
        # 4 fraction bits, half to even, saturated
        assert sample.raw[0][sample.corners :].tolist() == [[1, 0, 0, 0], [127, -128, 2, 2]]
        two = from_file(graph, path, events=2)  # the one corner event is the lowest of all
        assert two.raw[0].tolist() == [[-128] * 4, [1, 0, 0, 0]]
        assert from_file(graph, path, events=1).raw[0].tolist() == [[1, 0, 0, 0]]


class TestRefused:
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            (np.full((3, 4), np.nan), "NaN"),
            (np.zeros((3, 5)), "shape"),
            (np.zeros(4), "shape"),
            (np.zeros((0, 4)), "no events"),
            (np.array([["a"] * 4]), "dtype"),
            (np.zeros((3, 4), complex), "dtype"),
        ],
    )
    def test_arrays(self, graph: FixedGraph, tmp_path: Path, values: Any, message: str) -> None:
        path = tmp_path / "events.npy"
        np.save(path, values)
        with pytest.raises(EventError, match=message) as raised:
            from_file(graph, path)
        assert "events.npy" in str(raised.value)

    def test_pickled_arrays_are_never_loaded(self, graph: FixedGraph, tmp_path: Path) -> None:
        path = tmp_path / "events.npy"
        np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
        with pytest.raises(EventError, match="pickled"):
            from_file(graph, path)

    @pytest.mark.parametrize("name", ["events.npy", "events.npz", "events.h5"])
    @pytest.mark.parametrize("keep", [0.0, 0.5])
    def test_truncated_files(self, graph: FixedGraph, tmp_path: Path, name: str, keep: float) -> None:
        path = tmp_path / name
        values = np.zeros((3000, 4))
        if name.endswith("npy"):
            np.save(path, values)
        elif name.endswith("npz"):
            np.savez(path, x=values)
        else:
            with h5py.File(path, "w") as file:
                file["x"] = values
        whole = path.read_bytes()
        path.write_bytes(whole[: int(keep * len(whole))])
        with pytest.raises(EventError, match=name):
            from_file(graph, path)

    def test_other_files(self, graph: FixedGraph, tmp_path: Path) -> None:
        with pytest.raises(EventError, match="no such event file"):
            from_file(graph, tmp_path / "none.npy")
        text = tmp_path / "events.txt"
        text.write_text("1 2 3 4")
        with pytest.raises(EventError, match="not an event file"):
            from_file(graph, text)
        path = tmp_path / "events.h5"
        with h5py.File(path, "w") as file:
            file["a"] = file["b"] = np.zeros((3, 4))
        with pytest.raises(EventError, match="'x'"):
            from_file(graph, path)

    def test_more_events_than_there_are(self, graph: FixedGraph, tmp_path: Path) -> None:
        np.save(tmp_path / "events.npy", np.zeros((3, 4)))
        with pytest.raises(EventError, match="holds 3"):
            from_file(graph, tmp_path / "events.npy", events=4)

    def test_a_systems_own_complaint_is_a_firmware_error(self, graph: FixedGraph, tmp_path: Path) -> None:
        path = tmp_path / "events.h5"
        with h5py.File(path, "w") as file:
            file["x"] = np.zeros((3, 4))
        with pytest.raises(FirmwareError, match=r"events\.h5"):
            gather(graph, find_system("two-body"), events=None, seed=1, inputs=path, default=1)


def test_a_dead_link_beside_the_events_is_no_damage(tmp_path: Path, graph: FixedGraph) -> None:
    path = tmp_path / "events.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.eye(3, 4)
        file["skimmed"] = h5py.ExternalLink("gone.h5", "x")
    assert len(from_file(graph, path)) - from_file(graph, path).corners == 3


def test_a_virtual_dataset_whose_source_is_gone_is_refused(tmp_path: Path, graph: FixedGraph) -> None:
    """HDF5 itself would hand out zeros."""
    path = tmp_path / "events.h5"
    layout = h5py.VirtualLayout((3, 4), "f4")
    layout[:] = h5py.VirtualSource("gone.h5", "x", (3, 4))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("x", layout)
    with pytest.raises(EventError, match=r"'/x' is virtual, and its source gone\.h5 is not there"):
        from_file(graph, path)
