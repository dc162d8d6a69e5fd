"""Golden files: what each engine makes of the same files and deltas, byte for byte, for as long as there is guard.

`tests/data/engines/<number>/<case>/` holds `before/` (the repository's files, with its guard.toml where it has one),
`deltas/` (files of the inbox), `after/` (every file that the merge made) and `commit.txt` (author, time and message of
its commit). Nobody edits these: they are what is written in repositories out there. What a new engine makes is
written once by `python tests/merge/test_engines.py NUMBER`, from the cases of the engine before it.
"""

import shutil
import sys
from pathlib import Path

import pytest

from guard import schema
from guard.plan import Plan
from guard.policy import parse
from merge import ENGINE
from merge.delta import Entry
from merge.engines import ENGINES

DATA = Path(__file__).resolve().parent.parent / "data" / "engines"
CASES = sorted(case for engine in DATA.iterdir() for case in engine.iterdir())


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def made(case: Path, engine: int) -> tuple[dict[str, bytes], str]:
    """The files that an engine makes of a case, and what its commit says."""
    before = files(case / "before")
    policy = parse(before.get("guard.toml"))
    entries = [Entry(name, data, "file") for name, data in files(case / "deltas").items()]
    outcome = ENGINES[engine](before, entries, policy.laws, schema.conforms("delta"))
    close = max(delta.frame for delta in outcome.applied)
    plan = Plan(None, policy, outcome, dict(outcome.files), close, engine=engine)
    commit = plan.commit()
    return dict(outcome.files), f"author {commit.author}\ntime {commit.time}\n\n{commit.message}"


def write(case: Path, engine: int) -> None:
    """Write down what an engine makes of a case."""
    after, commit = made(case, engine)
    shutil.rmtree(case / "after", ignore_errors=True)
    for path, data in after.items():
        (case / "after" / path).parent.mkdir(parents=True, exist_ok=True)
        (case / "after" / path).write_bytes(data)
    (case / "commit.txt").write_text(commit, encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_an_engine_makes_what_it_always_made(case: Path) -> None:
    """The bytes, the message and the time of every golden case; another result is another engine, with its number."""
    engine = int(case.parent.name)
    again = "a change of what the merge makes is a new engine: docs/merge.md, A new engine"
    after, commit = made(case, engine)
    assert sorted(after) == sorted(files(case / "after")), again
    for path, data in files(case / "after").items():
        assert after[path].decode() == data.decode(), f"{path}: {again}"
    assert commit == (case / "commit.txt").read_text(encoding="utf-8"), again


def test_every_engine_has_golden_files_and_the_newest_is_the_one_that_merges() -> None:
    """No number without files, no files without a fold; numbers count up from 1 without a gap."""
    assert sorted(ENGINES) == sorted(int(path.name) for path in DATA.iterdir()) == list(range(1, ENGINE + 1))
    for engine in DATA.iterdir():
        assert [case.name for case in sorted(engine.iterdir())] == ["first", "late", "parts"]


if __name__ == "__main__":
    new = DATA / sys.argv[1]
    if not new.exists():
        shutil.copytree(DATA / str(int(sys.argv[1]) - 1), new)
    for made_again in sorted(new.iterdir()):
        write(made_again, int(sys.argv[1]))
