"""project.toml: what is read, and what is refused with the file, the key and the cure."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hls.errors import FirmwareError, ProjectError
from hls.project import read_project
from hls.project.new_project import create_project, trigger_interval
from tests.conftest import TOML
from tests.models import write_model

PART = "xcvu13p-flga2577-2-e"

NASTY = ["a b", "a'b", 'a"b', "a[b]", "a{b}", "$HOME", "a;b", "a/b", "../a", "a\\b", "a\nb", "", "`id`", "a&b"]


def test_defaults(project: Path) -> None:
    read = read_project(project)
    assert (read.name, read.target.backend, read.target.clock_ns) == ("tiny", "vitis", 5.0)
    assert (read.target.io_type, read.target.strategy, read.target.reuse_factor) == ("io_parallel", "latency", 1)
    assert read.target.multipliers == "auto"
    assert read.weights == project / "model.h5"
    assert read.file.verify.seed == 1


def test_products_in_luts(make_project: Callable[..., Path]) -> None:
    folder = make_project(TOML.replace("[target]", '[target]\nmultipliers = "lut"'))
    assert read_project(folder).target.multipliers == "lut"


def test_a_project_is_immutable(project: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_project(project).file.verify.events = 5


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("events = 300", "event = 300", ["[verify]", "'event'", "'events'"]),
        ("events = 300", 'events = "300"', ["[verify]", "events", "300"]),
        ("events = 300", "events = 0", ["[verify]", "events"]),
        ("events = 300", "events = 1.5", ["[verify]", "events"]),
        ("events = 300", "seed = -1", ["[verify]", "seed"]),
        ("[target]", "[targets]", ["targets", "'target'"]),
        ('part = "xcvu13p-flga2577-2-e"', "", ["[target]", "part", "missing"]),
        ('weights = "model.h5"', "weights = 5", ["[model]", "weights"]),
        ('weights = "model.h5"', 'weights = "no.h5"', ["[model]", "weights", "no.h5"]),
        ('weights = "model.h5"', 'weights = "../model.h5"', ["[model]", "weights", "plain file name"]),
        ('weights = "model.h5"', 'variant = "two-body"', ["[model]", "system"]),
        ('"emulator"', '"emulater"', ["[verify]", "'emulater'", "'emulator'"]),
        ('["emulator"]', "[]", ["[verify]", "witnesses", "empty"]),
        ("events = 300", "max_events = { scim = 5 }", ["[verify]", "'scim'", "'csim'"]),
        ("[verify]", "[budget]\nlut = 5\n[verify]", ["[budget]", "'lut'", "'luts'"]),
        ("[verify]", '[budget]\nluts = "5"\n[verify]', ["[budget]", "luts"]),
        ("[verify]", "[budget]\nluts = nan\n[verify]", ["[budget]", "luts", "finite"]),
        ("[verify]", "[budget]\nauc_min = inf\n[verify]", ["[budget]", "auc_min", "finite"]),
        ("[verify]", "[budget]\nlatency_bx = -1\n[verify]", ["[budget]", "latency_bx", "negative"]),
        ("events = 300", f"events = {10**30}", ["[verify]", "events"]),
        ("[target]", f"[target]\nreuse_factor = {10**30}", ["[target]", "reuse_factor"]),
        ("events = 300", "events = " + "9" * 5000, ["not valid TOML"]),
        (TOML, "model = 1", ["model = 1", "write [model]"]),
        ("[model]", "[[model]]", ["must be a table"]),
        ("[model]", "[model", ["not valid TOML"]),
        (
            "[target]",
            '[target]\nfirmware = "rtl"\nreuse_factor = 12',
            ["[target]", "reuse_factor = 12", 'state firmware = "hls4ml"'],
        ),
        ("[target]", "[target]\ninterval_ns = 4.9", ["[target] interval_ns = 4.9", "shortest that works is 5"]),
        ("[target]", "[target]\ninterval_ns = -25", ["[target] interval_ns = -25"]),
        ("[target]", '[target]\nports = "wide"', ["[target] ports = 'wide'", "beats, whole"]),
        ("[target]", '[target]\ninterval_ns = "25"', ["[target]", "interval_ns"]),
        ("[target]", "[target]\ninterval = 0", ["[target] interval = 0", "at least 1"]),
        ("[target]", "[target]\ninterval = 2.5", ["[target]", "interval"]),
        ("[target]", "[target]\ninterval = 5\ninterval_ns = 25", ["[target] interval = 5", "state one of them"]),
    ],
)
def test_a_wrong_file_is_refused_by_name(
    make_project: Callable[..., Path], old: str, new: str, parts: list[str]
) -> None:
    assert old in TOML
    folder = make_project(TOML.replace(old, new))
    with pytest.raises(ProjectError) as raised:
        read_project(folder)
    message = str(raised.value)
    assert "project.toml" in message
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_a_byte_order_mark_is_no_part_of_the_text(make_project: Callable[..., Path]) -> None:
    folder = make_project("\ufeff" + TOML)
    assert read_project(folder).file.verify.events == 300
    (folder / "project.toml").write_text(TOML, encoding="utf-16")
    with pytest.raises(ProjectError, match=r"project\.toml: .* save it as UTF-8"):
        read_project(folder)


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize("key", ["part", "backend", "io_type", "strategy", "multipliers", "firmware"])
def test_nothing_with_shell_or_tcl_in_it_reaches_a_target(
    make_project: Callable[..., Path], key: str, nasty: str
) -> None:
    quoted = nasty.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    lines = TOML if key != "part" else TOML.replace(f'part = "{PART}"\n', "")
    folder = make_project(lines.replace("[target]", f'[target]\n{key} = "{quoted}"'))
    with pytest.raises(ProjectError, match=key):
        read_project(folder)


@pytest.mark.parametrize("clock", ["0", "-1.0", "nan", "inf", "true", '"5"', '"5; rm"'])
def test_clocks(make_project: Callable[..., Path], clock: str) -> None:
    folder = make_project(TOML.replace("[target]", f"[target]\nclock_ns = {clock}"))
    with pytest.raises(ProjectError, match="clock_ns"):
        read_project(folder)


@pytest.mark.parametrize("name", [n for n in NASTY if "/" not in n and n])
def test_a_folder_whose_name_is_not_safe_is_no_project(make_project: Callable[..., Path], name: str) -> None:
    with pytest.raises(ProjectError, match="project name"):
        read_project(make_project(name=name))


@pytest.mark.parametrize("what", ["missing", "empty"])
def test_no_project_there(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "nothing"
    if what == "empty":
        folder.mkdir()
    with pytest.raises(ProjectError, match="qtrigger new"):
        read_project(folder)


def test_the_source_hash_follows_the_files(project: Path) -> None:
    before = read_project(project).source_hash()
    assert read_project(project).source_hash() == before
    write_model(project / "model.h5", seed=5)
    assert read_project(project).source_hash() != before


class TestNew:
    def test_makes_a_project_that_reads_back(self, tmp_path: Path, model_file: Path) -> None:
        folder = create_project(
            "mine", model_file, PART, backend="vivado", clock_ns=3.125, input_type=None, parent=tmp_path
        )
        read = read_project(folder)
        assert (read.target.part, read.target.backend, read.target.clock_ns) == (PART, "vivado", 3.125)
        assert read.weights.read_bytes() == model_file.read_bytes()

    @pytest.mark.parametrize(("asked", "product"), [(None, "rtl"), ("rtl", "rtl"), ("hls4ml", "hls4ml")])
    def test_states_the_firmware_that_is_asked_for(
        self, tmp_path: Path, model_file: Path, asked: str | None, product: str
    ) -> None:
        folder = create_project(
            "mine", model_file, PART, backend="vitis", clock_ns=5, input_type=None, firmware=asked, parent=tmp_path
        )
        target = read_project(folder).target
        assert (target.firmware, target.product) == (asked, product)

    @pytest.mark.parametrize(
        ("clock_ns", "asked", "stated", "clocks"),
        [
            (5.0, None, 25, 5),
            (25.0, "rtl", 25, 1),
            (3.125, "rtl", None, 1),
            (40.0, "rtl", None, 1),
            (5.0, "hls4ml", None, 1),
        ],
    )
    def test_our_rtl_has_a_bunch_crossing_for_an_event(
        self, tmp_path: Path, model_file: Path, clock_ns: float, asked: str | None, stated: float | None, clocks: int
    ) -> None:
        folder = create_project(
            "mine",
            model_file,
            PART,
            backend="vitis",
            clock_ns=clock_ns,
            input_type=None,
            firmware=asked,
            interval_ns=trigger_interval(asked, clock_ns),
            parent=tmp_path,
        )
        target = read_project(folder).target
        assert (target.interval_ns, target.interval_clocks) == (stated, clocks)

    def test_uncommenting_every_key_gives_a_valid_file(self, tmp_path: Path, model_file: Path) -> None:
        folder = create_project("mine", model_file, PART, backend="vitis", clock_ns=5, input_type=None, parent=tmp_path)
        path = folder / "project.toml"
        head, *lines = path.read_text().splitlines()
        path.write_text("\n".join([head, *(line.removeprefix("# ") for line in lines)]))
        write_model(folder / "reference.h5")
        (folder / "architecture.json").write_text("{}")
        read = read_project(folder)
        assert read.file.verify.witnesses == ("qkeras", "emulator", "csim", "rtl", "netlist")
        assert read.file.budget == {"preset": "level-1-slot", "latency_ns": 100, "luts": 50000}
        written = path.read_text()
        for section in (read.file.model, read.file.target, read.file.verify):
            assert [key for key in type(section).model_fields if not re.search(rf"\b{key} = ", written)] == []

    def test_a_network_without_input_quantizer_needs_a_type(self, tmp_path: Path) -> None:
        model = write_model(tmp_path / "plain.h5", quantized_input=False)
        with pytest.raises(FirmwareError, match="input_type"):
            create_project("mine", model, PART, backend="vitis", clock_ns=5, input_type=None, parent=tmp_path)
        folder = create_project(
            "mine", model, PART, backend="vitis", clock_ns=5, input_type="ap_fixed<10,4>", parent=tmp_path
        )
        assert read_project(folder).file.model.input_type == "ap_fixed<10,4>"

    def test_never_overwrites(self, tmp_path: Path, model_file: Path, project: Path) -> None:
        before = (project / "project.toml").read_text()
        with pytest.raises(ProjectError, match="exists already"):
            create_project("tiny", model_file, PART, backend="vitis", clock_ns=5, input_type=None, parent=tmp_path)
        assert (project / "project.toml").read_text() == before

    @pytest.mark.parametrize("name", NASTY)
    def test_refuses_unsafe_names_and_writes_nothing(self, tmp_path: Path, model_file: Path, name: str) -> None:
        parent = tmp_path / "projects"
        with pytest.raises(ProjectError, match="project name"):
            create_project(name, model_file, PART, backend="vitis", clock_ns=5, input_type=None, parent=parent)
        assert not parent.exists()
