"""The page in a real browser, headless: on a phone, in the light and in the dark, and without a network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import hls
from hls.project.report.html import write_html

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium here; install it (Debian and Ubuntu: apt install chromium)"
    ),
]
PHONE = 375
LIGHT, DARK = 1, 0
"""As Blink numbers what a system prefers."""

# Of every element with a text of its own: whether its colour stands out from what lies behind it, as WCAG demands.
MEASURE = """
const channels = c => c.match(/[\\d.]+/g).map(Number);
const luminance = c => channels(c).slice(0, 3).map(v => v / 255)
  .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const behind = e => { for (; e; e = e.parentElement) {
  const c = getComputedStyle(e).backgroundColor;
  if ((channels(c)[3] ?? 1) > 0) return c; } return "rgb(255, 255, 255)"; };
const contrast = e => { const style = getComputedStyle(e);
  const [low, high] = [luminance(e.closest("svg") ? style.fill : style.color), luminance(behind(e))].sort();
  return (high + 0.05) / (low + 0.05); };
const texts = [...document.querySelectorAll("body *")]
  .filter(e => !["SCRIPT", "title"].includes(e.tagName))
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()));
const found = {
  width: innerWidth, needed: document.documentElement.scrollWidth,
  background: getComputedStyle(document.body).backgroundColor,
  fetched: performance.getEntriesByType("resource").map(r => r.name).filter(n => !n.startsWith("data:")),
  faint: texts.filter(e => contrast(e) < 4.5)
    .map(e => `${e.tagName} ${e.getAttribute("class")} ${contrast(e).toFixed(1)}`),
  small: texts.filter(e => !e.closest("svg") && parseFloat(getComputedStyle(e).fontSize) < 11).map(e => e.tagName),
};
parent.document.title = JSON.stringify(found);
"""


def measured(page: Path, width: int, scheme: int) -> dict[str, Any]:
    """What a script inside of the page finds in a frame of that width."""
    text = page.read_text(encoding="utf-8").replace("</body>", f"<script>{MEASURE}</script></body>")
    (page.parent / "measured.html").write_text(text, encoding="utf-8")
    frame = page.parent / "frame.html"
    frame.write_text(f'<html><title></title><iframe src="measured.html" width="{width}" height="900"></iframe></html>')
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    command += [f"--blink-settings=preferredColorScheme={scheme}", f"--user-data-dir={page.parent / 'chromium'}"]
    command += ["--virtual-time-budget=5000", "--dump-dom", frame.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    title = re.search(r"<title>(.*?)</title>", shown)
    assert title is not None
    found: dict[str, Any] = json.loads(title[1].replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))
    return found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with every section: advice, a disagreement and a time line."""
    from tests.conftest import TOML
    from tests.models import write_model

    folder = tmp_path_factory.mktemp("report") / "tiny"
    folder.mkdir()
    write_model(folder / "model.h5")
    (folder / "project.toml").write_text(TOML + "\n[budget]\nlatency_ns = 100\nluts = 1\n", encoding="utf-8")
    report = hls.build(folder)
    return write_html(with_everything(report), folder / "build")


def with_everything(report: Any) -> Any:
    """The report as if a witness had differed and the RTL had been timed."""
    from hls.project.report.schema import Latency
    from hls.project.report.verification_schema import DisagreementInfo

    found = DisagreementInfo(
        witnesses=("emulator", "csim"), events=3, event=7, output="out_q", element=[0], values=(1, None), layer="out",
        input=[[1, -2, 3, 4] * 100], message="emulator 1 but csim 2", differing=3, compared=6, largest=1, lsb=0.5,
        place="by a firmware of csim that brings out every layer",
    )  # fmt: skip
    timed = Latency(
        source="rtl-simulation", route="rtl", stage="RTL", cycles=10, interval=1, clock_ns=5.0, latency_ns=50.0
    )
    checked = report.verification.model_copy(
        update={"disagreements": [found], "failures": [found.message], "passed": False, "warnings": ["look at this"]}
    )
    return report.model_copy(update={"verification": checked, "latency": [*report.latency, timed]})


@pytest.mark.parametrize(
    ("scheme", "width", "background"),
    [(LIGHT, PHONE, "rgb(246, 247, 250)"), (DARK, 1000, "rgb(18, 22, 31)")],
)
def test_it_is_read_everywhere(page: Path, scheme: int, width: int, background: str) -> None:
    found = measured(page, width, scheme)
    assert found["background"] == background
    assert found["needed"] <= found["width"] <= width  # nothing sticks out at the side
    assert (found["faint"], found["small"], found["fetched"]) == ([], [], [])
