"""Hooks of MkDocs: notebooks become pages, and what pages link to outside of docs/ comes along."""

from __future__ import annotations

import json
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_LINK = re.compile(r"\]\((\.\./[^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Each notebook is a page of its text and its code, which it ends with a link to the notebook."""
    for path in sorted((Path(config.docs_dir).parent / "notebooks").glob("*.ipynb")):
        files.append(File.generated(config, f"notebooks/{path.name}", abs_src_path=str(path)))
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=_page(path)))
    return files


def _page(notebook: Path) -> str:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells]
    blocks = [
        f"```python\n{text}\n```" if cell["cell_type"] == "code" else text.replace("](../docs/", "](../")
        for cell, text in zip(cells, texts, strict=True)
    ]
    return "\n\n".join([*blocks, f"This page as a notebook: [{notebook.name}]({notebook.name})."])


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links that leave docs/, which a clone follows, lead to a copy of the file within the site."""
    docs = Path(config.docs_dir)
    here = docs / page.file.src_uri

    def carried(link: re.Match[str]) -> str:
        target = (here.parent / link[1]).resolve()
        if target.is_relative_to(docs) or not target.is_file():
            return link[0]  # what leads nowhere, the strict build names
        copy = f"sources/{target.relative_to(docs.parent).as_posix()}.txt"
        if target.suffix == ".ipynb":
            copy = f"notebooks/{target.stem}.md"
        elif files.get_file_from_path(copy) is None:
            files.append(File.generated(config, copy, abs_src_path=str(target)))
        return f"]({'../' * page.file.src_uri.count('/')}{copy}"

    return _LINK.sub(carried, markdown)
