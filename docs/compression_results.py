"""Writes the tables of `qtrigger evaluate compression RUN_DIR` into the docs, and its pictures beside them:

python docs/compression_results.py RUN_DIR/evaluation
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

PAGE = Path("docs/how-it-works/compression.md")
IMAGES = Path("docs/images")
BEGIN, END = "<!-- results -->\n", "<!-- /results -->"


def update(evaluation: Path) -> None:
    """Replace what stands between the markers of the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    tables = (evaluation / "evaluation.md").read_text(encoding="utf-8")
    PAGE.write_text(f"{before}{BEGIN}{tables}{END}{after}", encoding="utf-8")
    for picture in evaluation.glob("*.png"):
        shutil.copy(picture, IMAGES / f"compression-{picture.name}")


if __name__ == "__main__":
    update(Path(sys.argv[1]))
