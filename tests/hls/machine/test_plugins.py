"""Names from metadata alone, objects when asked for, and errors that say which package is to blame."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hls.errors import ProjectError
from hls.machine.plugins import Plugins
from tests.packages import install

TOYS: Plugins[int] = Plugins("test.toys", "toy")


def test_names_are_known_before_anything_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "toys", {"test.toys": {"second": "toy_box:TWO", "first": "toy_box:ONE"}})
    (tmp_path / "toy_box.py").write_text("ONE, TWO = 1, 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert TOYS.names() == ("first", "second")
    assert "toy_box" not in sys.modules
    assert TOYS.load("second") == 2
    assert TOYS.load_all() == {"first": 1, "second": 2}


def test_an_unknown_name_is_told_its_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "toys", {"test.toys": {"ball": "m:x", "doll": "m:x"}})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ProjectError, match=r"no toy is called 'bal'; the nearest is 'ball' \(all: ball, doll\)"):
        TOYS.load("bal")


def test_nothing_installed_says_what_to_install() -> None:
    with pytest.raises(ProjectError, match=r"no thing is installed.*'test\.nothing'.*pip install"):
        Plugins("test.nothing", "thing").check("any")


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("import no_such_package", "ModuleNotFoundError"),
        ("", "AttributeError"),
        ("1 +", "SyntaxError"),
        ("raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
    ],
)
def test_a_package_that_cannot_be_loaded_is_named(
    code: str, cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "broken-toys", {"test.toys": {"ball": "broken_toy_box:BALL"}})
    (tmp_path / "broken_toy_box.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_toy_box", raising=False)
    assert TOYS.names() == ("ball",)
    with pytest.raises(ProjectError, match=rf"'ball' of package 'broken-toys'.*broken_toy_box:BALL.*{cause}"):
        TOYS.load("ball")


def test_two_packages_with_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("red", "blue"):
        install(tmp_path, name, {"test.toys": {"ball": f"{name}:BALL"}})
    monkeypatch.syspath_prepend(tmp_path)
    assert TOYS.names() == ("ball",)
    with pytest.raises(ProjectError, match=r"'red'.*'blue'|'blue'.*'red'"):
        TOYS.load("ball")


def test_an_object_of_another_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "toys", {"test.toys": {"pi": "math:pi"}})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ProjectError, match=r"'pi' of package 'toys': math:pi is no int but of type float"):
        Plugins("test.toys", "toy", int).load("pi")
