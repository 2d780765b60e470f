"""Exported emulators: every kind of node, every width and every set of vectors; two versions in one process."""

from __future__ import annotations

import ctypes
import importlib.util
import itertools
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from typer.testing import CliRunner

from hls.cli.app import app
from hls.cpp import CompiledEmulator, export_emulator
from hls.cpp.steps import write
from hls.cpp.writer import Writer
from hls.emulation import Emulator
from hls.errors import FirmwareError, ProjectError, UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.nodes import PortRounding, Rounding
from hls.graph.raw import RawArray
from hls.project.exporting import vector_events
from tests.hls.random_graphs import graphs
from tests.hls.rtl.zoo import add_input, constant, random_events, zoo

SIX = FixedType(True, 6, 3)


def line(weights: list[int], bias: int = 0) -> FixedGraph:
    """y = sum of weights times x, of a port of 6 bits."""
    builder = GraphBuilder("line")
    add_input(builder, "x", (len(weights),), SIX)
    kernel, offset = constant(np.array(weights)[:, None]), constant([bias])
    return builder.finish(["x"], [builder.add(nodes.Dense("y", ("x",), "y", kernel, offset))], ["y"])


def sources(graph: FixedGraph, name: str, folder: Path, events: list[RawArray] | None = None) -> Path:
    zeros = [np.zeros((1, *graph.edges[port].shape), np.int64) for port in graph.inputs]
    export_emulator(graph, name, folder, zeros if events is None else events)
    return folder


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)


def binding(folder: Path, name: str) -> ModuleType:
    assert make(folder, "CXXFLAGS=-O0").returncode == 0
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def assert_same(graph: FixedGraph, events: list[RawArray], cache: Path) -> None:
    found = CompiledEmulator(graph, cache).run(events)
    for got, expected in zip(found, Emulator(graph).run(events), strict=True):
        np.testing.assert_array_equal(got, expected)


class TestBits:
    def test_every_kind_of_node(self, tmp_path: Path) -> None:
        graph = zoo()
        assert_same(graph, random_events(graph, 1000), tmp_path)

    @pytest.mark.slow
    @settings(max_examples=5, deadline=None)
    @given(graph=graphs())
    def test_random_networks(self, graph: FixedGraph, tmp_path_factory: pytest.TempPathFactory) -> None:
        assert_same(graph, random_events(graph, 80), tmp_path_factory.mktemp("emulator"))

    def test_numbers_of_more_than_64_bits(self, tmp_path: Path) -> None:
        builder = GraphBuilder("wide")
        add_input(builder, "x", (2,), FixedType(True, 40, 20))
        product = builder.add(nodes.Multiply("p", ("x", "x"), "p"))
        square = builder.add(nodes.Multiply("s", (product, "x"), "s"))
        top = FixedType(True, 50, 48)
        cube = builder.add(nodes.Quantize("c", (square,), "c", top, top.raw_min, top.raw_max))
        down = builder.add(nodes.Quantize("f", (square,), "f", top, top.raw_min, top.raw_max, Rounding.FLOOR))
        wrapped = builder.add(nodes.Wrap("w", (product,), "w", FixedType(True, 45, 5)))
        graph = builder.finish(["x"], [cube, down, wrapped], ["c", "f", "w"])
        assert graph.edges["s"].type.width > 64
        assert_same(graph, vector_events(graph), tmp_path)

    def test_padded_strided_dilated_and_grouped_images(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(5)
        builder = GraphBuilder("image")
        add_input(builder, "x", (7, 6, 4), FixedType(True, 9, 3))
        kernel = FixedArray(rng.integers(-20, 20, (3, 2, 2, 6)), 4)
        padding = ((1, 2), (0, 1))
        conv = nodes.Conv("c", ("x",), "c", kernel, constant(rng.integers(-9, 9, 6)), (2, 1), (1, 2), padding, 2)
        builder.add(conv)
        builder.add(nodes.Pool("m", ("c",), "m", (2, 2), (1, 2), ((1, 0), (0, 0)), maximum=True))
        builder.add(nodes.Pool("s", ("c",), "s", (2, 2), (1, 2), ((0, 0), (1, 1)), maximum=False))
        graph = builder.finish(["x"], ["m", "s"], ["m", "s"])
        assert_same(graph, random_events(graph, 70), tmp_path)

    def test_what_a_step_far_above_or_below_rounds_to(self, tmp_path: Path) -> None:
        builder = GraphBuilder("steps")
        add_input(builder, "x", (1,), SIX)
        coarse, fine = FixedType(True, 4, 30), FixedType(True, 30, 3)
        outputs = [
            builder.add(nodes.Quantize("even", ("x",), "e", coarse, -8, 7)),
            builder.add(nodes.Quantize("floor", ("x",), "f", coarse, -8, 7, Rounding.FLOOR)),
            builder.add(nodes.Quantize("fine", ("x",), "g", fine, fine.raw_min // 3, fine.raw_max // 3)),
        ]
        graph = builder.finish(["x"], outputs, ["even", "floor", "fine"])
        every = [np.arange(-32, 32)[:, None]]
        even, floor, _ = CompiledEmulator(graph, tmp_path).run(every)
        assert not even.any()
        assert floor.ravel().tolist() == [-1] * 32 + [0] * 32
        assert_same(graph, every, tmp_path)


class TestFiles:
    @pytest.mark.parametrize("flags", ["-U__SSE2__", "-march=x86-64", "-march=native", "-fsanitize=undefined,address"])
    def test_the_test_passes_with_any_vectors_and_under_sanitizers(self, flags: str, tmp_path: Path) -> None:
        rng = np.random.default_rng(3)
        builder = GraphBuilder("pairs")
        add_input(builder, "x", (5,), FixedType(True, 12, 4))
        kernel = FixedArray(rng.integers(-99, 99, (5, 7)) * rng.integers(0, 2, (5, 7)), 4)
        builder.add(nodes.Dense("d", ("x",), "d", kernel, constant(rng.integers(-9, 9, 7))))
        type_ = FixedType(True, 8, 4)
        builder.add(nodes.Quantize("q", ("d",), "q", type_, -128, 127))
        graph = builder.finish(["x"], ["q"], ["q"])
        done = make(
            sources(graph, "pairs", tmp_path / "out", vector_events(graph)),
            "test",
            f"CXXFLAGS=-O1 -Wall -Wextra -Werror {flags}",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "300 events, one by one and together: every bit as expected" in done.stdout

    def test_the_test_fails_where_a_bit_differs(self, tmp_path: Path) -> None:
        folder = sources(line([1, 2]), "line", tmp_path, [np.array([[3, 1]])])
        test = folder / "line_test.cpp"
        text = test.read_text()
        assert "expected_0[] = {\n    5}" in text
        test.write_text(text.replace("expected_0[] = {\n    5}", "expected_0[] = {\n    4}"))
        done = make(folder, "test", "CXXFLAGS=-O0")
        assert done.returncode != 0
        assert "y: event 0, element 0: 5 and not 4" in done.stdout

    def test_python_gets_numbers_as_the_emulator_gives_them(self, tmp_path: Path) -> None:
        graph = line([3, -2], 1)
        emulator = binding(sources(graph, "line", tmp_path), "line").Emulator()
        events = np.array([[0.0625, 1.1], [99.0, -99.0], [-0.1875, 0.3]])  # ties, beyond the ends
        (found,) = emulator.predict(events)
        np.testing.assert_array_equal(found, Emulator(graph).evaluate(events)[0])
        with pytest.raises(ValueError, match="an input is NaN"):
            emulator.predict(np.array([[np.nan, 0]]))
        with pytest.raises(ValueError, match="leaves the range of its port"):
            emulator.run(np.array([[32, 0]]))

    def test_ports_of_every_rounding(self, tmp_path: Path) -> None:
        """Each with steps of a half, in float32 and in float64."""
        builder, outputs = GraphBuilder("ports"), []
        for rounding, width in itertools.product(PortRounding, (5, 30)):
            name, type_ = f"{rounding.name.lower()}{width}", FixedType(True, width, width - 1)
            builder.add(nodes.Input(name, (), name, (4,), type_, type_.raw_min, type_.raw_max, rounding))
            outputs.append(name)
        graph = builder.finish(outputs, outputs, [f"{name}_out" for name in outputs])
        emulator = binding(sources(graph, "ports", tmp_path), "ports").Emulator()
        few = [-8.1, -0.75, -0.3, -0.25, 0.0, 0.1, 0.25, 0.5, 0.6, 0.75, 7.9, 99.0]
        near = [np.nextafter(value, end) for value in (-0.25, 0.25, 0.5) for end in (-1, 1)]
        fine = [
            float(np.nextafter(np.float32(value), np.float32(end))) for value in (-0.25, 0.25, 0.5) for end in (-1, 1)
        ]
        events = [np.array([*few, *near, *fine]).reshape(-1, 4)] * len(outputs)
        found = emulator.predict(*events)
        for one, right in zip(found, Emulator(graph).evaluate(events), strict=True):
            np.testing.assert_array_equal(one, right)
        down = found[outputs.index("floor5")]
        assert down.ravel()[: len(few)].tolist() == [-8, -1, -0.5, -0.5, 0, 0, 0, 0.5, 0.5, 0.5, 7.5, 7.5]
        odd = found[outputs.index("odd5")]
        assert odd.ravel()[: len(few)].tolist() == [-8, -0.5, -0.5, -0.5, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 7.5, 7.5]

    def test_two_networks_and_two_versions_in_one_process(self, tmp_path: Path) -> None:
        made = {"a": line([1, 1]), "b": line([1, 2]), "c": line([4, 4])}
        names = {"a": "same", "b": "same", "c": "other"}
        emulators = {
            key: binding(sources(graph, names[key], tmp_path / key), names[key]).Emulator()
            for key, graph in made.items()
        }
        event = np.array([[3, 5]])
        assert {key: emulator.run(event)[0].item() for key, emulator in emulators.items()} == {
            "a": 8, "b": 13, "c": 32,
        }  # fmt: skip
        # ... and linked into one program.
        calls = [f"{names[key]}_{graph.digest()[:12]}" for key, graph in made.items()]
        main = tmp_path / "main.cpp"
        headers = "".join(f'#include "{key}/{names[key]}.h"\n' for key in made)
        body = "".join(f"{{ {call}::Emulator e; e.run(from, to, 1); total = total * 100 + y; }}\n" for call in calls)
        main.write_text(
            f"{headers}#include <cstdio>\nint main() {{ long total = 0; std::int64_t x[] = {{3, 5}}, y = 0; "
            f'const std::int64_t* from[] = {{x}}; std::int64_t* to[] = {{&y}};\n{body}std::printf("%ld", total); }}'
        )
        parts = [str(tmp_path / key / f"{name}.cpp") for key, name in names.items()]
        program = tmp_path / "program"
        subprocess.run(["g++", "-std=c++17", "-O0", str(main), *parts, "-o", str(program)], check=True)
        assert subprocess.run([program], capture_output=True, text=True, check=True).stdout == "81332"

    def test_a_loader_that_knows_the_interface_only(self, tmp_path: Path) -> None:
        folder = sources(line([3, -2], 1), "line", tmp_path)
        assert make(folder, "CXXFLAGS=-O0").returncode == 0
        loader = tmp_path / "loader.cpp"
        loader.write_text(
            """#include <any>
            #include <cstdio>
            #include <dlfcn.h>
            namespace hls4mlEmulator { class Model { public: virtual void prepare_input(std::any) = 0;
            virtual void predict() = 0; virtual void read_result(std::any) = 0; virtual ~Model() = default; }; }
            int main() {
                void* library = dlopen("./line.so", RTLD_LAZY | RTLD_LOCAL);
                auto* create = (hls4mlEmulator::Model * (*)()) dlsym(library, "create_model");
                auto* destroy = (void (*)(hls4mlEmulator::Model*)) dlsym(library, "destroy_model");
                hls4mlEmulator::Model* model = create();
                float x[] = {0.5f, 0.25f};
                double y = 0;
                model->prepare_input(static_cast<float*>(x));
                model->predict();
                model->read_result(&y);
                std::printf("%g", y);
                destroy(model);
            }"""
        )
        subprocess.run(["g++", "-std=c++17", "loader.cpp", "-ldl", "-o", "loader"], cwd=tmp_path, check=True)
        assert subprocess.run(["./loader"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout == "2"
        library = ctypes.CDLL(str(tmp_path / "line.so"))
        library.create_model.restype = ctypes.c_void_p
        given, result = (ctypes.c_double * 4)(0.5, 0.25, 1, 1), (ctypes.c_double * 2)()
        library.predict(ctypes.c_void_p(library.create_model()), given, result, ctypes.c_size_t(2))
        assert list(result) == [2.0, 2.0]


class TestRefusals:
    def test_a_name_that_is_none_in_cpp(self, tmp_path: Path) -> None:
        with pytest.raises(ProjectError, match=r"C\+\+ takes a letter"):
            export_emulator(line([1]), "2b", tmp_path, vector_events(line([1])))

    def test_a_port_beyond_64_bits(self, tmp_path: Path) -> None:
        builder = GraphBuilder("wide")
        add_input(builder, "x", (1,), FixedType(True, 40, 20))
        graph = builder.finish(["x"], [builder.add(nodes.Multiply("p", ("x", "x"), "p"))], ["p"])
        with pytest.raises(UnsupportedError, match=r"port 'p' is ap_fixed<80,40>; .* at most 63 bits"):
            export_emulator(graph, "wide", tmp_path, vector_events(graph))

    def test_a_file_where_the_folder_goes(self, tmp_path: Path) -> None:
        (tmp_path / "here").write_text("x")
        with pytest.raises(FirmwareError, match="here"):
            export_emulator(line([1]), "line", tmp_path / "here", vector_events(line([1])))

    def test_a_kind_of_node_that_it_does_not_know(self) -> None:
        @dataclass(frozen=True, eq=False)
        class Other(nodes.Node):
            pass

        with pytest.raises(UnsupportedError, match=r"write \(hls.cpp.steps\) does not know Other"):
            write(Other("o", ("x",), "layer"), Writer(line([1])))


def test_the_command(tmp_path: Path) -> None:
    project = Path(__file__).parents[3] / "firmware_projects" / "evn-two-body"
    done = CliRunner().invoke(app, ["export", "emulator", str(project), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "evn_two_body.cpp" in done.output
    assert make(tmp_path / "out", "test", "CXXFLAGS=-O1").returncode == 0
