"""Graphs as QONNX files: what stands in them, that our own reader and `qonnx` compute the same, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from typer.testing import CliRunner

import hls
from hls.cli.app import app
from hls.emulation import Emulator
from hls.errors import UnsupportedError
from hls.events import gather
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.nodes import PortRounding, Rounding
from hls.hls4ml_project import HlsProject
from hls.importing import Statements
from hls.importing.onnx.export import write
from hls.importing.onnx.model import OnnxModel, read_onnx
from hls.verification.verify import Verdict, verify
from hls.witnesses import Skipped, Task, default_witnesses, witness
from tests.hls.importing.onnx_files import BREVITAS, CHANNELS_LAST, QUANTIZED, File, Step
from tests.hls.rtl.zoo import add_input, broadcast, constant, random_events, zoo
from tests.hls.test_every_node import KINDS

FOUR = FixedType(True, 4, 2)


def one(node: nodes.Node, *shape: int, port: FixedType = FOUR) -> FixedGraph:
    """A port "x" and one node that reads it."""
    builder = GraphBuilder("one")
    add_input(builder, "x", shape or (3,), port)
    return builder.finish(["x"], [builder.add(node)], ["y"])


def exported(graph: FixedGraph, folder: Path) -> OnnxModel:
    hls.export_qonnx(graph, folder / "model.onnx")
    return read_onnx(folder / "model.onnx")


def quant_of(model: OnnxModel, output: str) -> tuple[float, float, float, int, int, str]:
    """Scale, zero point, bits, signed, narrow and rounding of the quantizer of a tensor."""
    node = next(node for node in model.nodes if node.outputs[0] == output)
    assert (node.kind, node.domain) == ("Quant", "qonnx.custom_op.general")
    scale, zero, bits = (float(model.constants[name]) for name in node.inputs[1:])
    return scale, zero, bits, *(node.attributes[name] for name in ("signed", "narrow", "rounding_mode"))


class TestWhatIsWritten:
    def test_a_quantizer_is_one_quant(self, tmp_path: Path) -> None:
        kind = FixedType(False, 5, 2)
        found = exported(one(nodes.Quantize("q", ("x",), "q", kind, 0, 31, Rounding.FLOOR)), tmp_path)
        assert quant_of(found, "x") == (0.25, 0, 4, 1, 0, "ROUND")
        assert quant_of(found, "q") == (0.125, 0, 5, 0, 0, "FLOOR")
        assert [port.name for port in found.inputs] == ["x:port"]
        assert [port.shape for port in found.outputs] == [(1, 3)]

    @pytest.mark.parametrize("rounding", PortRounding, ids=lambda rounding: rounding.name)
    def test_a_port_rounds_numbers_between_its_steps_there_too(self, rounding: PortRounding, tmp_path: Path) -> None:
        qonnx = pytest.importorskip("qonnx.core.onnx_exec")
        modelwrapper = pytest.importorskip("qonnx.core.modelwrapper")
        builder = GraphBuilder("port")
        builder.add(nodes.Input("x", (), "x", (97,), FOUR, -8, 6, rounding))
        graph = builder.finish(["x"], ["x"], ["y"])
        hls.export_qonnx(graph, tmp_path / "model.onnx")
        model = modelwrapper.ModelWrapper(str(tmp_path / "model.onnx"))
        x = np.arange(-48, 49, dtype=np.float32)[None] / 16
        found = next(iter(qonnx.execute_onnx(model, {"x:port": x}).values()))
        assert np.array_equal(found, Emulator(graph).evaluate(x)[0])

    def test_a_symmetric_range_is_narrow_and_a_shorter_one_is_clipped(self, tmp_path: Path) -> None:
        found = exported(one(nodes.Quantize("q", ("x",), "q", FOUR, -7, 7)), tmp_path)
        assert quant_of(found, "q") == (0.25, 0, 4, 1, 1, "ROUND")
        found = exported(one(nodes.Quantize("q", ("x",), "q", FOUR, -3, 7)), tmp_path)
        assert quant_of(found, "q:quant") == (0.25, 0, 4, 1, 0, "ROUND")
        clip = found.nodes[-1]
        assert clip.kind == "Clip"
        assert [float(found.constants[name]) for name in clip.inputs[1:]] == [-0.75, 1.75]

    def test_one_bit_with_a_sign_is_two_bits_clipped(self, tmp_path: Path) -> None:
        """QONNX takes one signed bit for +1 and -1, where fixed point has 0 and -1."""
        found = exported(one(nodes.Quantize("q", ("x",), "q", FixedType(True, 1, 1), -1, 0)), tmp_path)
        assert quant_of(found, "q:quant") == (1, 0, 2, 1, 0, "ROUND")
        assert [float(found.constants[name]) for name in found.nodes[-1].inputs[1:]] == [-1, 0]

    def test_weights_are_values_with_a_quant_of_their_type(self, tmp_path: Path) -> None:
        kernel = FixedArray(np.array([[3, -4], [1, 0], [2, 2]]), 2)
        found = exported(one(nodes.Dense("d", ("x",), "d", kernel, FixedArray(np.array([1, 2]), 0))), tmp_path)
        assert quant_of(found, "d:kernel") == (0.25, 0, 3, 1, 0, "ROUND")
        assert quant_of(found, "d:bias") == (1, 0, 2, 0, 0, "ROUND")
        assert found.constants["d:kernel:float"].tolist() == [[0.75, -1.0], [0.25, 0.0], [0.5, 0.5]]
        assert [node.kind for node in found.nodes] == ["Quant", "Quant", "MatMul", "Quant", "Add"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_kind_of_node_has_a_rule(kind: type[nodes.Node]) -> None:
    assert write.dispatch(kind) is not write.dispatch(object)


@dataclass(frozen=True, eq=False)
class Absolute(nodes.Node):
    elementwise = True


class TestRefused:
    def test_a_node_that_is_not_known_is_named(self, tmp_path: Path) -> None:
        graph = one(nodes.Relu("r", ("x",), "r"))
        odd = Absolute("r", ("x",), "magnitude")
        strange = FixedGraph("odd", {**graph.nodes, "r": odd}, graph.edges, ("x",), ("r",), ("y",), {})
        with pytest.raises(UnsupportedError, match=r"'magnitude': the export to QONNX does not know Absolute"):
            hls.export_qonnx(strange, tmp_path / "m.onnx")
        assert not (tmp_path / "m.onnx").exists()

    def test_sums_that_float32_does_not_hold_are_named(self, tmp_path: Path) -> None:
        """Three products of a number below 2**15 with one of 2**8 are below 2**24.6, and with 2**7 below 2**23.6."""
        port = FixedType(True, 16, 6)
        for weight, fits in ((1 << 8, False), (1 << 7, True)):
            dense = nodes.Dense("d", ("x",), "sums", constant(np.full((3, 1), weight)), constant([0]))
            if fits:
                hls.export_qonnx(one(dense, port=port), tmp_path / "m.onnx")
                continue
            with pytest.raises(UnsupportedError, match=r"'sums': QONNX computes in float32.*24 bits.*may have 25"):
                hls.export_qonnx(one(dense, port=port), tmp_path / "m.onnx")


@pytest.mark.parametrize(
    "make", [broadcast, lambda: one(nodes.Pool("p", ("x",), "p", (2,), (1,), ((0, 1),), False), 4, 2)]
)
def test_our_own_reader_gets_the_same_numbers_back(make: object, tmp_path: Path) -> None:
    graph = cast("FixedGraph", make())  # type: ignore[operator]
    hls.export_qonnx(graph, tmp_path / "m.onnx")
    back = hls.import_model(tmp_path / "m.onnx")
    events = random_events(graph, 40)
    for mine, theirs, a, b in zip(
        Emulator(graph).run(events), Emulator(back).run(events), graph.outputs, back.outputs, strict=True
    ):
        assert np.array_equal(
            np.ldexp(mine.astype(float), -graph.edges[a].fraction),
            np.ldexp(theirs.astype(float), -back.edges[b].fraction),
        )


def test_a_port_of_one_bit_comes_back(tmp_path: Path) -> None:
    graph = one(nodes.Relu("r", ("x",), "r"), port=FixedType(False, 1, 3))
    hls.export_qonnx(graph, tmp_path / "m.onnx")
    assert hls.import_model(tmp_path / "m.onnx").port("x_port").type == FixedType(False, 1, 3)


def test_the_verb_reads_a_project_as_a_build_does(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.onnx"
    done = CliRunner().invoke(app, ["export", "qonnx", str(project), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert hls.import_model(out).multiplications() > 0
    assert CliRunner().invoke(app, ["export", "word", str(project), "--out", str(out)]).exit_code == 2


def task(graph: FixedGraph, file: Path, **statements: str) -> Task:
    return Task(graph, file, cast(HlsProject, None), statements=Statements(**statements))


def judged(graph: FixedGraph, file: Path, **statements: str) -> Verdict:
    sample = gather(graph, None, events=30, seed=1, inputs=None, default=30)
    return verify(task(graph, file, **statements), sample, ["emulator", "qonnx"], required=True, max_events={})


class TestWitness:
    def test_it_speaks_for_onnx_files_alone(self, tmp_path: Path, model_file: Path) -> None:
        hls.export_qonnx(broadcast(), tmp_path / "m.onnx")
        assert "qonnx" in default_witnesses(tmp_path / "m.onnx")
        assert "qonnx" not in default_witnesses(model_file)

    def test_unasked_it_runs_only_where_float32_is_exact(self, tmp_path: Path) -> None:
        """A scale of a tenth divides what lies on a tie to either side of it."""
        for scale, alone in ((0.25, True), (0.1, False)):
            path = replace(QUANTIZED, constants={**QUANTIZED.constants, "s": scale}).write(tmp_path / "m.onnx")
            assert ("qonnx" in default_witnesses(path)) == alone

    def test_what_cannot_be_exported_is_passed_over_with_the_reason(self, model_file: Path) -> None:
        port = FixedType(True, 20, 6)
        graph = one(nodes.Dense("d", ("x",), "sums", constant(np.full((3, 1), 99)), constant([0])), port=port)
        with pytest.raises(Skipped, match="'sums'"):
            witness("qonnx", task(graph, model_file)).run([np.zeros((2, 3), np.int64)])

    def test_a_softmax_by_tables_is_none_of_the_file(self, tmp_path: Path) -> None:
        hls.export_qonnx(broadcast(), tmp_path / "m.onnx")
        with pytest.raises(Skipped, match="by tables"):
            witness("qonnx", task(broadcast(), tmp_path / "m.onnx", softmax="table")).run(random_events(broadcast(), 2))

    @pytest.mark.slow
    def test_qonnx_computes_every_kind_of_node_to_the_bit(self, model_file: Path) -> None:
        graph = zoo()
        assert judged(graph, model_file).agreement == "bit-exact"
        events = random_events(graph, 20)
        found = witness("qonnx", task(graph, model_file)).trace(events)
        assert set(found) == set(graph.nodes)
        assert np.array_equal(found[graph.outputs[0]], Emulator(graph).run(events)[0])

    @pytest.mark.slow
    @pytest.mark.parametrize("mode", ["drop", "argmax"])
    def test_it_executes_the_users_own_file(self, mode: str, tmp_path: Path) -> None:
        quant = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
        steps = [
            Step("Quant", ["x", "s", "z", "b"], "q", quant, BREVITAS),
            Step("MatMul", ["q", "w"], "d"),
            Step("Reshape", ["d", "shape"], "r"),
            Step("Softmax", ["r"], "y", {"axis": -1}),
        ]
        weights = np.random.default_rng(1).integers(-4, 4, (3, 4)) / 4
        file = File((1, 3), steps, {"s": 0.25, "z": 0.0, "b": 6.0, "w": weights, "shape": np.array([1, 4])})
        path = file.write(tmp_path / "m.onnx")
        graph = hls.import_model(path, Statements(softmax=mode))
        assert judged(graph, path, softmax=mode).agreement == "bit-exact"
        other = hls.import_model(path, Statements(softmax={"drop": "argmax", "argmax": "drop"}[mode]))
        assert other.digest() != graph.digest()

    @pytest.mark.slow
    def test_operators_of_its_own_take_the_shapes_that_the_file_states(self, tmp_path: Path) -> None:
        """Of a convolution of channels last qonnx finds none, so its events go one by one."""
        quant = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
        steps = [
            Step("Quant", ["x", "s", "z", "b"], "q", quant, BREVITAS),
            Step("Conv", ["q", "k"], "c", {"kernel_shape": [2, 2]}, CHANNELS_LAST),
            Step("Relu", ["c"], "y"),
        ]
        shapes = {"q": (1, 3, 4, 1), "c": (1, 2, 3, 2), "y": (1, 2, 3, 2)}
        kernel = np.arange(-4, 4).reshape(2, 2, 2, 1) / 4
        file = File((1, 3, 4, 1), steps, {"s": 0.25, "z": 0.0, "b": 6.0, "k": kernel}, stated=shapes)
        path = file.write(tmp_path / "m.onnx")
        assert judged(hls.import_model(path), path).agreement == "bit-exact"

    @pytest.mark.slow
    def test_a_file_of_another_network_is_found_out(self, tmp_path: Path) -> None:
        full = [  # qonnx asks for what our reader has defaults for
            replace(step, options={"signed": 1, "narrow": 0, **step.options}) if step.kind == "Quant" else step
            for step in QUANTIZED.steps
        ]
        file = replace(QUANTIZED, steps=full)
        path = file.write(tmp_path / "m.onnx")
        graph = hls.import_model(path)
        assert judged(graph, path).agreement == "bit-exact"
        constants = {**QUANTIZED.constants, "d": [0.5, 0.5, 0.0]}
        replace(file, constants=constants).write(path)
        found = judged(graph, path)
        assert found.agreement == "differs"
        assert found.disagreements[0].element == (1,)
