"""What the how-to pages say can be added from outside the tree: their own code, installed and built with."""

from __future__ import annotations

import json
import re
import runpy
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

import hls
from hls.errors import ModelFileError
from hls.importing import import_model
from hls.project.new_project import create_project
from hls.target.parts.catalog import Part, find_part
from tests.conftest import TOML
from tests.packages import install

PAGES = Path(__file__).resolve().parents[1] / "docs" / "how-to"


def block(page: str, language: str) -> str:
    """The only fenced block of the page in this language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", (PAGES / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return str(found)


def add_package(place: Path, page: str, module: str, group: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package of ``page`` in ``place``, where Python finds it; returns its module."""
    ((name, value),) = re.findall(r'^(\w+) = "(.*)"$', block(page, "toml"), re.MULTILINE)
    place.mkdir()
    install(place, f"toy-{name}", {group: {name: value}})
    monkeypatch.syspath_prepend(place)
    monkeypatch.delitem(sys.modules, module, raising=False)
    file = place / f"{module}.py"
    file.write_text(block(page, "python"), encoding="utf-8")
    return file


def test_a_witness_that_agrees(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_package(tmp_path / "site", "add-a-witness.md", "my_witness", "qtrigger.witnesses", monkeypatch)
    report = hls.build(project, witnesses=["sequential"])
    assert report.passed
    assert report.witnesses["sequential"].events == report.verification.events < 1000 + 1
    assert report.witnesses["sequential"].mismatches == 0


def test_a_witness_that_disagrees_fails_the_build(
    make_project: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = add_package(tmp_path / "site", "add-a-witness.md", "my_witness", "qtrigger.witnesses", monkeypatch)
    file.write_text(
        file.read_text("utf-8").replace(
            "        return WitnessRun(", "        outputs[0][7] += 1\n        return WitnessRun("
        )
    )
    report = hls.build(make_project(TOML.replace('["emulator"]', '["sequential"]')))
    assert not report.passed
    assert report.witnesses["sequential"].mismatches == 1
    assert report.verification.disagreements[0].event == 7


def test_a_mismatch_is_computed_again(
    make_project: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The code of the page that tells how to read one, on the very mismatch that it shows."""
    file = add_package(tmp_path / "site", "add-a-witness.md", "my_witness", "qtrigger.witnesses", monkeypatch)
    wrong = file.read_text("utf-8").replace(
        "        return WitnessRun(", "        outputs[0][7, 0] += 1\n        return WitnessRun("
    )
    file.write_text(wrong, encoding="utf-8")
    report = hls.build(make_project(TOML.replace('["emulator"]', '["sequential"]'), "firmware_projects/mine"))
    shown = re.sub(r"\bmine\b", "sequential", block("read-a-mismatch.md", "text")).strip()
    assert [f"✗ {found.message}" for found in report.verification.disagreements] == [shown]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "again.py").write_text(block("read-a-mismatch.md", "python"), encoding="utf-8")
    runpy.run_path(str(tmp_path / "again.py"))
    *_, output = capsys.readouterr().out.splitlines()
    assert re.match(r"out_q\S* \[126 ", output)


def test_a_model_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_package(tmp_path / "site", "add-a-format.md", "my_format", "qtrigger.formats", monkeypatch)
    file = tmp_path / "trained"
    file.write_text("gain 3 ap_fixed<8,4>")
    folder = create_project(
        "tripled", file, "xcvu13p-flga2577-2-e", parent=tmp_path, backend="vivado", clock_ns=5.0, input_type=None
    )
    assert (folder / "model.gain").is_file()
    report = hls.build(folder, witnesses=["emulator"])
    assert not report.failed
    graph = import_model(folder / "model.gain")
    assert hls.emulate(graph, [[1.5], [-8.0], [9.0]])[:, 0].tolist() == [4.5, -24.0, 3 * (8 - 2**-4)]


def test_a_file_of_no_format_names_those_that_there_are(tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    file.write_bytes(b"PyTorch, perhaps")
    with pytest.raises(ModelFileError, match=r"of no format that is known here \(.*Keras \(\.keras, HDF5\),.* ONNX"):
        import_model(file)


def test_a_system(make_project: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_package(tmp_path / "site", "add-a-system.md", "my_system", "qtrigger.systems", monkeypatch)
    report = hls.build(
        make_project(TOML.replace("\n[target]", 'system = "noise"\n\n[target]') + "\n[budget]\nscatter_max = 0\n")
    )
    assert report.verification.passed
    assert report.verification.source == "noise/white events, seed 1"
    scatter = report.fidelity["scatter"]
    assert scatter.firmware > 0  # type: ignore[union-attr]
    assert [check.passed for check in report.budget.checks] == [False]


def test_every_part_has_the_keys_of_the_page() -> None:
    page = (PAGES / "add-a-part.md").read_text("utf-8")
    shown = json.loads(block("add-a-part.md", "json"))
    assert set(shown) == set(find_part("xcvu13p").row())
    assert find_part("xcvu13p") == Part.of_row(shown)
    table = set(
        re.findall(r"`([a-z_]+)`", "".join(line.split("|")[1] for line in page.splitlines() if line[:3] == "| `"))
    )
    assert table == {*shown, "pattern"}
    content = json.loads(files("hls.target.parts").joinpath("parts.json").read_text("utf-8"))
    for entry in content["parts"]:
        assert set(entry) - {"pattern"} == set(shown), entry["name"]
        assert {key: type(value) for key, value in entry.items() if key != "pattern"} == {
            key: type(value) for key, value in shown.items()
        }, entry["name"]
