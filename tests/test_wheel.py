"""What is installed without a clone: the wheel, made of the source distribution."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("hls", "qmodels", "pyproject.toml", "constraints.txt", "MANIFEST.in", "README.md", "LICENSE")


def setuptools(hook: str, tree: Path, out: Path) -> Path:
    """What a hook of setuptools makes of ``tree``."""
    code = f"from setuptools import build_meta; print(build_meta.{hook}({str(out)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out / done.stdout.splitlines()[-1]


@pytest.mark.slow
def test_the_wheel_carries_its_pins(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", "77", reason="the build system of pyproject.toml wants setuptools 77")
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tree)
    shutil.unpack_archive(setuptools("build_sdist", tree, tmp_path), tmp_path / "sources")
    (unpacked,) = (tmp_path / "sources").iterdir()
    with ZipFile(setuptools("build_wheel", unpacked, tmp_path)) as wheel:
        assert {name.split("/")[0] for name in wheel.namelist() if "dist-info" not in name} == {"hls", "qmodels"}
        wheel.extractall(tmp_path / "installed")

    code = "import hls.cli, sys; sys.argv = ['qtrigger', 'doctor', '--pins']; sys.exit(hls.cli.main())"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (ROOT / "constraints.txt").read_text(encoding="utf-8")
