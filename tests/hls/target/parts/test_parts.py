"""Parts, boards and budgets."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import pytest

from hls.errors import ProjectError
from hls.target import Target
from hls.target.parts import all_boards, all_parts, budget_limits, check_fit, find_part, search
from hls.target.resources import Counts


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("xcvu13p-flga2577-2-e", "xcvu13p"),
        ("VU13P", "xcvu13p"),
        ("xcvu9p-flga2104-2L-e", "xcvu9p"),
        ("xc7vx690tffg1927-2", "xc7vx690t"),
        ("xc7a35ticsg324-1L", "xc7a35t"),
        ("xqku040-rba676-1-i", "xcku040"),
        ("xcu250-figd2104-2L-e", "xcu250"),
        ("AGFB014R24B2E2V", "AGF014"),
        ("10AX115N2F40E2LG", "10AX115"),
        ("MPF300TS-FCG1152I", "MPF300T"),
        ("LFE5UM5G-85F-8BG756C", "LFE5U-85F"),
        ("ZCU102", "xczu9eg"),
        ("pynq-z2", "xc7z020"),
        ("Alveo U55C", "xcu55c"),
        ("alveo-u50", "xcu50"),
        ("MP7", "xc7vx690t"),
    ],
)
def test_a_part_is_found_by_device_short_name_or_board(asked: str, name: str) -> None:
    assert find_part(asked).name == name


@pytest.mark.parametrize(
    ("asked", "near"), [("xcvu31", "xcvu31p"), ("zcu103", "ZCU102"), ("xcvu13-flga2577-2-e", "xcvu13p")]
)
def test_a_wrong_name_is_refused_with_the_nearest_right_one(asked: str, near: str) -> None:
    with pytest.raises(ProjectError, match=near) as refusal:
        find_part(asked)
    assert repr(asked) in str(refusal.value)


@pytest.mark.parametrize("asked", ["xcvu9", "xcvu9px", "xc7z020clg", "", "-", "xcku5p2"])
def test_half_a_name_is_not_taken_for_another_part(asked: str) -> None:
    with pytest.raises(ProjectError):
        find_part(asked)


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("xcvu13p-flga2577-9z", "xcvu13p-flga2577-2-i"),  # no such speed
        ("xcvu13p-flga2577-2-c", "xcvu13p-flga2577-2-e"),  # no such temperature
        ("xcvu13p-flgz2577-2-e", "xcvu13p-flga2577-2-e"),  # no such package
        ("xcvu13pflga2577-2-e", "xcvu13p-flga2577-2-e"),  # as a 7 series part is written
        ("xc7k325t-ffg900-2", "xc7k325tffg900-2"),  # and the other way round
        ("xc7k325tffg900-2LV", "xc7k325tffg900-2L"),
        ("xc7a35ticsg324-1", "xc7a35ticsg324-1L"),  # low power has one grade only
        ("xczu9eg-ffvb1156-4-e", "xczu9eg-ffvb1156-3-e"),
        ("xcku040-ffva1157-2-e", "xcku040-ffva1156-2-e"),
    ],
)
def test_a_package_or_grade_that_is_not_made_is_refused_with_the_nearest_that_are(asked: str, near: str) -> None:
    with pytest.raises(ProjectError, match="is not made so") as refusal:
        Target(asked, "vitis", 5.0)
    assert repr(asked) in str(refusal.value)
    assert near in str(refusal.value)


@pytest.mark.parametrize("device", ["xcvc1902-vsva2197", "xcu55c-fsvh2892", "xczu1eg-sbva484"])
def test_of_a_device_that_is_not_listed_the_speed_is_judged(device: str) -> None:
    with pytest.raises(ProjectError, match=f"speed grades are 1 to 3; .* {device}-2"):
        Target(f"{device}-9z", "vitis", 5.0)
    assert Target(f"{device}-2L-e", "vitis", 5.0).part == f"{device}-2L-e"


@pytest.mark.parametrize(
    "asked",
    [
        *(board.part for board in all_boards()),
        *(part.name for part in all_parts()),
        "XCVU13P-FLGA2577-2-E",
        "xcvu13p-flga2577",  # says nothing wrong
        "xcvu13p-flga2577-2",
        "xc7k325tffg900",
        "xcvu37p-fsvh2892-2-e-es1",  # an engineering sample
        "xcvu13p_CIV-flga2577-2-e",  # not listed
        "xqku040-rba676-1-i",
        "xcvu13q-flga2577-9z",
        "xcvp1202-vsva2785-2MP-e-S",
        "asic",
        "10AX115N2F40E2LG",
        "VU13P",
        "ZCU102",
    ],
)
def test_what_is_made_or_not_known_is_taken(asked: str) -> None:
    assert Target(asked, "vitis", 5.0).part == asked


def test_packages_and_grades_are_of_known_devices() -> None:
    listed = json.loads(files("hls.target.parts").joinpath("ordering.json").read_text(encoding="utf-8"))["groups"]
    devices = [device for group in listed for device in group["devices"]]
    assert len(devices) == len(set(devices))
    for group in listed:
        for device in group["devices"]:
            dash = "" if device.startswith("xc7") else "-"
            assert device.startswith(find_part(f"{device}{dash}{group['packages'][0]}-{group['grades'][0]}").name)


def test_every_part_and_board_finds_itself() -> None:
    assert len(all_parts()) > 100
    for part in all_parts():
        assert find_part(part.name) == part
    for board in all_boards():
        assert find_part(board.name) == find_part(board.part)


def test_amd_parts_have_two_flip_flops_for_each_lut() -> None:
    """True of every family since the 7 series, so that one mistyped digit is found."""
    for part in all_parts():
        if part.vendor == "AMD":
            assert part.capacity("ff") == 2 * part.capacity("lut"), part.name
            assert part.bram_18k == 2 * part.capacity("bram")
        elif part.vendor == "Intel":
            assert part.capacity("ff") == 2 * part.capacity("lut"), part.name
            assert part.bram_18k is None


def test_search_takes_words_of_parts_families_and_boards() -> None:
    assert [(part.name, boards) for part, boards in search("zcu111")] == [("xczu28dr", ("ZCU111",))]
    assert {part.family for part, _ in search("polarfire")} == {"PolarFire"}
    assert [part.name for part, _ in search("virtex ultrascale+ vu13p")] == ["xcvu13p"]
    assert search("no such thing") == []


def test_verdicts_at_the_edges_of_a_region_and_of_the_part() -> None:
    part = find_part("VU13P")  # 1,728,000 LUTs in four regions
    assert check_fit(part, {"lut": 432_000}).verdict == "fits one SLR"
    assert check_fit(part, {"lut": 432_001}).verdict == "fits"
    assert check_fit(part, {"lut": 1_728_000}).verdict == "fits"
    assert check_fit(part, {"lut": 1_728_001}).verdict == "does not fit"
    assert check_fit(find_part("ZCU102"), {"lut": 1}).verdict == "fits"  # one region only


def test_the_scarcest_resource_decides_and_a_range_may_leave_it_open() -> None:
    part = find_part("xc7z020")  # 53,200 LUTs, 220 DSPs, 140 tiles, no UltraRAM
    fit = check_fit(part, {"lut": (26_600, 20_000, 30_000), "dsp": (200, 180, 230)})
    assert (fit.verdict, fit.certain, fit.scarcest) == ("fits", False, "dsp")
    assert fit.utilisation == {"lut": 0.5, "dsp": 200 / 220}
    assert check_fit(part, {"uram": 1}).verdict == "does not fit"
    assert check_fit(part, {"uram": 0}).certain
    with pytest.raises(ValueError, match="luts"):
        check_fit(part, {"luts": 1})


def test_blocks_of_another_size_are_converted() -> None:
    intel = find_part("10AX115")  # 2,713 blocks of 20 kbit
    assert check_fit(intel, {"bram": 10}).uses["bram"].value == 10 / 2713
    assert check_fit(intel, {"bram": 10}, bram_kbit=36).uses["bram"].value == pytest.approx(18 / 2713, rel=1e-12)


def test_budgets_are_in_the_keys_of_project_toml() -> None:
    assert budget_limits("front-end-asic") == {"interval_ns": 25.0, "latency_ns": 50.0}
    limits = budget_limits("level-1-slot", find_part("VU9P"), latency_bx=2)
    assert limits == {
        "interval_ns": 25.0,
        "latency_ns": 50.0,
        "luts": 118_224.0,
        "ffs": 236_448.0,
        "dsps": 684.0,
        "brams": 216.0,
    }
    with pytest.raises(ProjectError, match="level-1-slot"):
        budget_limits("level1-slot")
    # A tenth of 2,713 blocks of 20 kbit, in the tiles that a report counts.
    assert budget_limits("level-1-slot", find_part("10AX115"))["brams"] == int(0.1 * 2713 * 20 / 36) == 150


def test_a_kind_that_a_part_does_not_state_has_no_limit_and_one_it_lacks_a_limit_of_none() -> None:
    part = find_part("VU9P")
    logic_only = replace(part, holds=Counts(lut=part.capacity("lut"), dsp=0))
    limits = budget_limits("level-1-slot", logic_only)
    assert limits == {"interval_ns": 25.0, "latency_ns": 100.0, "luts": 118_224.0, "dsps": 0.0}
