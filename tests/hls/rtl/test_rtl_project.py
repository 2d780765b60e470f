"""Verilog as text: names, ports, constraints, the cut of the pipeline."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hls.errors import ProjectError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.rtl import latency_cutoff, write_rtl
from hls.rtl.ports import input_ports, output_ports
from tests.hls.rtl.zoo import add_input, constant, zoo


def small(names: tuple[str, ...] = ("x",)) -> FixedGraph:
    """Sum of two elements of each input."""
    builder = GraphBuilder("small")
    outputs = []
    for name in names:
        x = add_input(builder, name, (2,), FixedType(True, 4, 4))
        outputs.append(builder.add(nodes.Dense(f"y {name}", (x,), "y", constant([[1], [3]]), constant([1]))))
    return builder.finish(list(names), outputs, list(names))


def test_top_module_by_hand(tmp_path: Path) -> None:
    """a + 3 b + 1 with 4 bits each: one stage, a register before it and one after, hence two flags."""
    project = write_rtl(small(), "adder", tmp_path, clock_ns=5.0)
    assert (project.top, project.stages, project.multiplications) == ("adder_top", 2, 0)
    text = (tmp_path / project.files[0]).read_text()
    assert "input wire [7:0] in_x" in text
    assert "output wire [5:0] out_x" in text  # -31 to 29
    assert "valid <= rst ? 2'b0 : {valid[0:0], valid_in};" in text
    assert (tmp_path / "adder_top.xdc").read_text().startswith("create_clock -name clk -period 5.0 ")


def test_a_faster_clock_cuts_the_pipeline_more_often(tmp_path: Path) -> None:
    stages = [write_rtl(zoo(), "zoo", tmp_path / str(ns), clock_ns=ns).stages for ns in (10.0, 5.0, 2.5)]
    assert stages == sorted(set(stages))
    assert latency_cutoff(2.5) == pytest.approx(2.25)


def test_no_module_has_a_name_that_others_might_use(tmp_path: Path) -> None:
    project = write_rtl(zoo(), "zoo", tmp_path, clock_ns=5.0)
    modules = [name for path in project.sources for name in re.findall(r"(?m)^\s*module (\w+)", path.read_text())]
    assert len(modules) == len(set(modules)) > 5
    assert all(name.startswith("zoo_") for name in modules)
    instances = [
        word for path in project.sources for word in re.findall(r"(?m)^ *(\w+) (?:#\(.*?\) )?op_", path.read_text())
    ]
    assert set(instances) <= set(modules)


def test_files_of_an_earlier_graph_do_not_stay(tmp_path: Path) -> None:
    before = write_rtl(zoo(), "zoo", tmp_path, clock_ns=2.0)
    after = write_rtl(small(), "zoo", tmp_path, clock_ns=5.0)
    assert set(after.files) < set(before.files)
    assert {f"src/{path.name}" for path in (tmp_path / "src").iterdir()} == set(after.files)


def test_the_same_graph_gives_the_same_verilog(tmp_path: Path) -> None:
    texts = [[p.read_text() for p in write_rtl(zoo(), "zoo", tmp_path / n, 5.0).sources] for n in ("a", "b")]
    assert texts[0] == texts[1]


def test_products_in_luts_are_written_without_a_product(tmp_path: Path) -> None:
    auto, lut = (write_rtl(zoo(), "zoo", tmp_path / choice, 5.0, multipliers=choice) for choice in ("auto", "lut"))
    texts = [[re.sub(r"//.*", "", path.read_text()) for path in project.sources] for project in (auto, lut)]
    differ = [path.stem for path, *pair in zip(auto.sources, *texts, strict=True) if pair[0] != pair[1]]
    assert (lut.files, differ) == (auto.files, ["zoo_core_multiplier"])
    assert [any(re.search(r"\) \* |in0 \* ", text) for text in found) for found in texts] == [True, False]


@pytest.mark.parametrize("name", ["", "9lives", "a-b", "a b", "x;y", "../x", "ä"])
def test_names_that_are_no_identifier(name: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="firmware name"):
        write_rtl(small(), name, tmp_path, clock_ns=5.0)


def test_port_names_are_identifiers_and_distinct() -> None:
    graph = small(("event", "jet/1:0", "jet_1__0", "Event", "é"))
    assert [port.signal for port in input_ports(graph)] == [
        "in_event",
        "in_jet_1_0",
        "in_jet_1_0_2",
        "in_Event_2",
        "in",
    ]
    assert output_ports(graph)[0].signal == "out_event"


def test_a_graph_of_constants_needs_no_core(tmp_path: Path) -> None:
    builder = GraphBuilder("constant")
    x = add_input(builder, "x", (1,), FixedType(True, 4, 4))
    y = builder.add(nodes.Dense("y", (x,), "y", constant([[0]]), constant([-3])))
    project = write_rtl(builder.finish([x], [y], ["y"]), "constant", tmp_path, clock_ns=5.0)
    assert (project.stages, project.files) == (1, ("src/constant_top.v",))
    assert "assign out_y[2:0] = 3'h5;" in (tmp_path / "src/constant_top.v").read_text()
