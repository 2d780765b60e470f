"""The certificate: no link claims more than it shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hls.errors import ProjectError
from hls.proof import PROOF_FILE, Counterexample, Link, Proof, read_proof
from hls.proof.certificate import State

FOUND = Counterexample(inputs={"x": (1, -2)}, output="y", element=0, expected=3, got=4, replayed=("emulator",))


def link(state: State, **found: Any) -> Link:
    return Link(
        name="graph = verilog", state=state, method="by hand", tool="none", tool_version="0", seconds=0.0, **found
    )


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("refuted", {}),
        ("refuted", {"counterexample": FOUND.model_copy(update={"replayed": ()})}),
        ("tested", {}),
        ("tested", {"events": 0}),
        ("not done", {}),
    ],
)
def test_a_state_without_what_shows_it_is_no_link(state: State, found: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="without what shows it"):
        link(state, **found)


def test_each_link_says_in_words_what_holds() -> None:
    assert link("proved").verdict == "proved"
    assert link("tested", events=1000).verdict == "tested on 1,000 events"
    assert link("not done", reason="no solver", layer="d").verdict == "not done: no solver (layer 'd')"
    assert link("refuted", counterexample=FOUND).verdict == "refuted: y[0] is 4 where the graph says 3"


def test_a_chain_is_complete_only_with_every_link_and_refuted_by_one() -> None:
    model = link("tested", events=5).model_copy(update={"name": "model = graph"})
    whole = Proof(project="p", digest="d", links=(link("proved"), model))
    assert (whole.complete, whole.refuted) == (True, False)
    sampled = Proof(project="p", digest="d", links=(link("tested", events=5),))
    assert not sampled.complete
    open_ = Proof(project="p", digest="d", links=(link("proved"), link("not done", reason="killed")))
    assert (open_.complete, open_.refuted) == (False, False)
    wrong = Proof(project="p", digest="d", links=(link("proved"), link("refuted", counterexample=FOUND)))
    assert (wrong.complete, wrong.refuted) == (False, True)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    proof = Proof(project="p", digest="d", links=(link("refuted", counterexample=FOUND),))
    (tmp_path / PROOF_FILE).write_text(proof.model_dump_json(indent=2))
    assert read_proof(tmp_path) == proof


@pytest.mark.parametrize("damage", [{"schema_version": 2}, {"links": [{}]}, {"extra": 1}])
def test_what_is_no_certificate_is_refused(tmp_path: Path, damage: dict[str, Any]) -> None:
    with pytest.raises(ProjectError, match="nothing is proved yet; run `qtrigger prove"):
        read_proof(tmp_path)
    (tmp_path / PROOF_FILE).write_text(json.dumps({"project": "p", "digest": "d", "links": []} | damage))
    with pytest.raises(ProjectError, match="no certificate of schema version 1"):
        read_proof(tmp_path)
