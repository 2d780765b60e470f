"""The documentation site: it builds without a warning and without a network, and no link in it leads nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[1]
# Python reads it before anything else.
NO_NETWORK = """\
import socket

def refused(*args, **kwargs):
    raise OSError("this test has no network")

socket.getaddrinfo = socket.create_connection = socket.socket.connect = refused
"""
# What a browser fetches by itself; a link waits for its reader.
FETCHED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src")}


@dataclass
class Page(HTMLParser):
    """What other pages can lead to here, and where this page leads."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            elif (tag, name) in FETCHED and value:
                self.fetched.append(value)
            elif name == "href" and value:
                self.links.append(value)


def read(file: Path) -> Page:
    page = Page()
    page.feed(file.read_text(encoding="utf-8"))
    return page


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(NO_NETWORK)
    environment = {**os.environ, "PYTHONPATH": str(folder), "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder / "site")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder / "site"


def dead(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Links and files of ``pages`` that are not there."""
    for file, page in pages.items():
        for link in (*page.links, *page.fetched):
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (file.parent / unquote(url.path)).resolve() if url.path else file
            target = target / "index.html" if target.is_dir() else target
            missing = target in pages and url.fragment and unquote(url.fragment) not in pages[target].anchors
            if missing or not target.is_file():
                yield f"{file.relative_to(site)}: {link}"


def test_no_link_leads_nowhere(site: Path) -> None:
    pages = {file: read(file) for file in site.rglob("*.html") if file.name != "404.html"}
    assert len(pages) > 30
    assert list(dead(site, pages)) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_text('<a href="#here" id="here"></a><a href="#there"></a><img src="gone.png"><a href="index.html#here">')
    assert list(dead(tmp_path, {file: read(file)})) == ["index.html: #there", "index.html: gone.png"]


def test_a_browser_fetches_nothing_from_elsewhere(site: Path) -> None:
    for file in site.rglob("*.html"):
        assert [link for link in read(file).fetched if urlsplit(link).netloc] == []
    for file in site.rglob("*.css"):
        text = file.read_text(encoding="utf-8")
        assert "@import" not in text
        assert "url(http" not in text


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    import hls

    anchors = read(site / "reference" / "python.html").anchors
    assert [name for name in hls.__all__ if f"hls.{name}" not in anchors and name != "__version__"] == []
