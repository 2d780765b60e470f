from __future__ import annotations

from pathlib import Path

import pytest

from hls.figures.vendor_reports import VendorReport
from hls.project.project_file import FIGURES
from hls.project.report.schema import Resources
from hls.target.parts import all_parts, check_fit
from hls.target.resources import BLOCK_RAM, LIMITS, LOGIC_LIMITS, LUTS, RESOURCES, Counts, resource


def test_names_are_unique_and_found_again() -> None:
    assert len({kind.key for kind in RESOURCES}) == len(RESOURCES)
    assert [resource(kind.key) for kind in RESOURCES] == list(RESOURCES)
    assert all(kind.limit == limit for limit, kind in LIMITS.items())
    with pytest.raises(ValueError, match="lut, ff, dsp, bram, uram"):
        resource("luts")


def test_every_kind_passes_through_parts_reports_and_budgets() -> None:
    """What one entry of the table has to be enough for."""
    part = max(all_parts(), key=lambda part: part.capacity("uram"))
    row = Resources(source="vendor", route="hls4ml", stage="synth", counts={kind.key: 1 for kind in RESOURCES})
    for kind in RESOURCES:
        assert check_fit(part, {kind.key: 1}).uses[kind.key].value == 1 / part.capacity(kind.key)
        assert kind.key in part.row()
        assert row.model_dump()[kind.key] == 1
    assert set(LOGIC_LIMITS) < set(LIMITS) < set(FIGURES)


def test_a_row_of_the_report_states_counts_beside_its_other_keys() -> None:
    row = Resources(source="yosys", route="rtl", stage="netlist", counts={"lut": 30, "bram": 0.5}, lut_range=(20, 30))
    written = row.model_dump_json()
    assert '"lut":30,"lut_range":[20,30],"ff":null,"dsp":null,"bram":0.5,"uram":null' in written
    assert Resources.model_validate_json(written) == row


def test_counts_add_up_by_kind_and_do_not_change() -> None:
    layer, other = Counts(lut=10, ff=4), Counts(dsp=1, lut=0.5)
    assert 2 * layer + other == {"lut": 20.5, "ff": 8, "dsp": 1}
    assert list(other) == ["lut", "dsp"]  # the order of the table, however they are given
    assert (layer, hash(layer)) == (Counts(ff=4, lut=10), hash(Counts(ff=4, lut=10)))
    assert sum([layer, layer], Counts()) == 2 * layer


def test_only_memory_comes_in_blocks() -> None:
    assert BLOCK_RAM.in_blocks(9, of_kbit=20, to_kbit=36) == pytest.approx(5)
    assert LUTS.in_blocks(9, of_kbit=20, to_kbit=36) == 9


def test_a_vendors_report_counts_what_it_says() -> None:
    report = VendorReport("Quartus", None, "post-route", Path("fit.summary"), ff=7, bram=12, bram_kbit=20)
    assert report.counts == {"ff": 7, "bram": 12}
