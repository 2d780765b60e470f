"""How many small faults in the code the tests find.

    python -m benchmarks.mutation [--mutants N] [--seed S] [--only PATH ...] [--results FILE]
    python -m benchmarks.mutation --hand-made

One fault at a time is put into a copy of the repository, and there the quick tests that run the faulty line are run
until one fails: first those of the module's own room, then the others, quickest first, for ``--patience`` seconds of
processor time. Outcomes are appended to ``--results``, and a run that was stopped goes on from there; ``--again`` tries
those of them that survived once more, in the code as it is. What no test can tell from the right code stands in
equivalent.py, with the reason.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.mutation.equivalent import EQUIVALENT
from benchmarks.mutation.hand_made import HAND_MADE
from benchmarks.mutation.operators import Mutant, mutants_of
from benchmarks.mutation.server import Covered, first_failure, load, record

ROOT = Path(__file__).resolve().parents[2]
SUBJECTS = (
    "hls/graph/*.py", "hls/emulation/*.py", "hls/importing/*.py", "hls/verification/*.py",
    "hls/events/corners.py", "hls/events/coverage.py", "hls/events/sample.py", "hls/witnesses/*.py",
    "hls/hls4ml_project/types.py", "hls/hls4ml_project/pointwise.py", "hls/rtl/arithmetic.py", "hls/rtl/trace.py",
)  # fmt: skip
KILLED, TIMED_OUT, SURVIVED, UNREACHED = "killed", "timed out", "survived", "no test runs it"
_ESCAPED = (SURVIVED, UNREACHED)
_OUTCOMES = (KILLED, TIMED_OUT, SURVIVED, UNREACHED)


@dataclass(frozen=True)
class Case:
    """A mutant and what it is called in the results, whatever else changes in its file."""

    name: str
    mutant: Mutant


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant, and the first test that failed."""

    path: str
    name: str
    kind: str
    outcome: str
    test: str | None
    seconds: float


def generated(patterns: Sequence[str]) -> list[Case]:
    """Every mutant of the files of ``patterns``; of equal changes to equal lines each has its number."""
    cases, seen = [], Counter[str]()
    for path in sorted({str(file.relative_to(ROOT)) for pattern in patterns for file in ROOT.glob(pattern)}):
        source = (ROOT / path).read_bytes()
        for mutant in mutants_of(ROOT, path):
            name = f"{path}: {mutant.told(source)}"
            seen[name] += 1
            cases.append(Case(name if seen[name] == 1 else f"{name} #{seen[name]}", mutant))
    return cases


def hand_made() -> list[Case]:
    return [Case(patch.name, patch.mutant(ROOT)) for patch in HAND_MADE]


def copy_tree(place: Path) -> Path:
    """What git knows, and does not ignore, as it is now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    return place


def batches(tests: set[str], covered: Covered, path: str, patience: float) -> Iterator[tuple[list[str], float]]:
    """Tests worth trying, with their seconds: a few of the module's own room, then the rest of ``patience`` seconds."""
    room = f"tests/{path.rpartition('/')[0]}/"
    ordered = sorted(tests, key=lambda test: (not test.startswith(room), covered.seconds[test]))
    batch: list[str] = []
    left, spent, quota = patience, 0.0, 1.0
    for test in ordered:
        if covered.seconds[test] > left:
            continue
        batch.append(test)
        left, spent = left - covered.seconds[test], spent + covered.seconds[test]
        if spent > quota:
            yield batch, spent
            batch, spent, quota = [], 0.0, patience
    if batch:
        yield batch, spent


def judge(tree: Path, case: Case, covered: Covered, patience: float) -> Outcome:
    mutant, start = case.mutant, time.monotonic()
    target = tree / mutant.path
    source = target.read_bytes()
    tests = covered.of(mutant.path, mutant.first, mutant.last, mutant.at_import)
    outcome, test = SURVIVED if tests else UNREACHED, None
    target.write_bytes(mutant.apply(source))
    for stale in target.parent.glob(f"__pycache__/{target.stem}.*.pyc"):
        stale.unlink()
    try:
        for batch, seconds in batches(tests, covered, mutant.path, patience):
            test = first_failure(tree, batch, limit=60 + 20 * seconds)
            if test is not None:
                outcome = KILLED
                break
    except TimeoutError:
        outcome = TIMED_OUT
    finally:
        target.write_bytes(source)
    return Outcome(mutant.path, case.name, mutant.kind, outcome, test, round(time.monotonic() - start, 2))


def table(outcomes: Sequence[Outcome], reasons: Sequence[str]) -> str:
    """Mutants of each file or folder, by outcome; equivalent ones count in none but their own column."""
    columns = (*_OUTCOMES, "equivalent")
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        path = Path(outcome.path)
        room = outcome.path if path.parts[1] in ("rtl", "hls4ml_project") else str(Path(*path.parts[:2]))
        escaped = outcome.outcome in _ESCAPED
        kind = "equivalent" if escaped and outcome.name in reasons else outcome.outcome
        for row in (room, "all"):
            counts.setdefault(row, Counter())[kind] += 1
    lines = [f"| mutants of | all | {' | '.join(columns)} | survived of those that are not equivalent |"]
    lines.append("|---" * (len(columns) + 3) + "|")
    for row in sorted(counts, key=lambda name: (name == "all", name)):
        count = counts[row]
        real, alive = count.total() - count["equivalent"], count[SURVIVED] + count[UNREACHED]
        cells = [row, count.total(), *(count[column] for column in columns), f"{alive / max(real, 1):.1%}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def read_results(path: Path) -> dict[str, Outcome]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {outcome.name: outcome for outcome in (Outcome(**json.loads(line)) for line in lines)}


def to_try_again(known: dict[str, Outcome], everything: Sequence[Case]) -> tuple[list[Case], dict[str, Outcome]]:
    """Mutants that no test noticed, to be tried once more, and the outcomes of the others.

    Those whose line is no longer in the code are in neither.
    """
    cases = {case.name: case for case in everything}
    there = {name: outcome for name, outcome in known.items() if name in cases}
    again = [cases[name] for name, outcome in there.items() if outcome.outcome in _ESCAPED]
    chosen = {case.name for case in again}
    return again, {name: outcome for name, outcome in there.items() if name not in chosen}


def outcomes(cases: Sequence[Case], patience: float) -> Iterator[Outcome]:
    """What becomes of each mutant, in a copy of the repository as it is now."""
    load()
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        tree = copy_tree(Path(place).resolve())
        covered = record(tree, sorted({case.mutant.path for case in cases}))
        for case in cases:
            yield judge(tree, case, covered, patience)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=400, help="how many, drawn from all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=SUBJECTS, help="patterns of files to draw from")
    parser.add_argument("--hand-made", action="store_true", help="those of hand_made.py; exits 1 unless all are killed")
    parser.add_argument("--results", type=Path, default=Path("mutants.jsonl"))
    parser.add_argument("--again", action="store_true", help="try those that survived once more")
    parser.add_argument("--patience", type=float, default=10, help="seconds of tests for one mutant")
    options = parser.parse_args(argv)
    known = {} if options.hand_made else read_results(options.results)
    if options.hand_made:
        cases = hand_made()
    elif options.again:
        cases, known = to_try_again(known, generated(options.only))
    else:
        everything = generated(options.only)
        random.Random(options.seed).shuffle(everything)  # noqa: S311
        cases = everything[: options.mutants]  # fewer are the first of more
    done = known if options.again else {case.name: known[case.name] for case in cases if case.name in known}
    for outcome in outcomes([case for case in cases if case.name not in done], options.patience):
        done[outcome.name] = outcome
        if not options.hand_made:
            with options.results.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(asdict(outcome)) + "\n")
        sys.stderr.write(f"{len(done)} {outcome.outcome}: {outcome.name} ({outcome.seconds} s)\n")
    sys.stdout.write(table(list(done.values()), tuple(EQUIVALENT)) + "\n")
    return int(options.hand_made and any(outcome.outcome != KILLED for outcome in done.values()))


if __name__ == "__main__":
    sys.exit(main())
