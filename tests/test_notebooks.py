"""The notebooks run from top to bottom, each in a kernel of its own, and are kept without what they print."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
RUN = """\
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
for cell in notebook.cells:
    for output in cell.get("outputs", []):
        print(output.get("text", ""), end="")
"""
SAID = {
    "own-network": ["QKeras and the emulator differ: 0", "accuracy 0.", "rtl       2,", "✓ graph = verilog: proved"],
    "read-a-report": ["True bit-exact", "export    4,000 events, 0 differ", "kendall_tau "],
}


def test_there_are_two() -> None:
    assert {path.stem for path in NOTEBOOKS} == set(SAID)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_what_it_printed(path: Path) -> None:
    cells = [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert cells
    assert [cell for cell in cells if cell["outputs"] or cell["execution_count"] is not None] == []


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    shutil.copy(path, tmp_path / "notebooks")
    example = Path("firmware_projects", "evn-semivisible")
    shutil.copytree(ROOT / example, tmp_path / example, ignore=shutil.ignore_patterns("build", ".*"))
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # for `!qtrigger`
        # What IPython and Jupyter keep of their own.
        **{name: str(tmp_path / "kept") for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")},
    }
    command = [sys.executable, "-c", RUN, path.name]
    done = subprocess.run(
        command, cwd=tmp_path / "notebooks", env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)  # a kernel asks programs for colours
    assert [line for line in SAID[path.stem] if line not in said] == [], said
