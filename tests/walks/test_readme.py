"""What README shows is what happens: its commands are run, and what they print is compared line by line."""

import re
import shlex
from pathlib import Path

import pytest
from walks.lab import GUARD, ROOT, Lab

README = (ROOT / "README.md").read_text(encoding="utf-8")

CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)

SAME = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "<day>"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "<commit>"),
    (re.compile(r"\d+ min "), "<age> "),
    (re.compile(r"\b\d+\.\d s\b"), "<seconds>"),
]
"""What is another one at every run."""


def section(title: str) -> str:
    """The text below a heading of README."""
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def steps(text: str) -> list[tuple[str, str]]:
    """The commands of the console blocks of a text, each with what it is said to print."""
    found = [re.split(r"^\$ ", block, flags=re.MULTILINE)[1:] for block in CONSOLE.findall(text)]
    return [(step.partition("\n")[0], step.partition("\n")[2].strip("\n")) for block in found for step in block]


def alike(text: str, home: Path) -> list[str]:
    """The lines of an output without what differs from run to run and from home to home."""
    text = text.replace(str(home), "/srv/ann")
    for pattern, word in SAME:
        text = pattern.sub(word, text)
    return [line.rstrip() for line in text.strip("\n").split("\n")]


def walk(lab: Lab, here: Path, said: list[tuple[str, str]]) -> None:
    """Type the commands into one shell and compare."""
    binary = lab.root / "bin" / "guard"
    binary.parent.mkdir(exist_ok=True)
    binary.write_text(f'#!/bin/sh\nexec {shlex.join(GUARD)} "$@"\n')
    binary.chmod(0o755)
    script = "".join(f"echo '@@'\n{command}\n" for command, _ in said)
    env = {"HOME": str(lab.root), "PATH": f"{binary.parent}:{lab.env['PATH']}", "COLUMNS": "80"}
    done = lab.run(here, "sh", "-c", f"exec 2>&1\n{script}", env=env)
    printed = done.out.split("@@\n")[1:]
    assert len(printed) == len(said), done.out
    for (command, expected), got in zip(said, printed, strict=True):
        assert alike(got, lab.root) == alike(expected, lab.root), f"$ {command}\n{got}"


def test_the_first_five_minutes(lab: Lab) -> None:
    """A delta, its merge, an edit of state that is refused, one that was pushed without hooks, and the repair."""
    text = section("Five minutes")
    _, _, merge, edit, *repair = [steps(f"```console\n{part}```") for part in CONSOLE.findall(text)]
    lab.git(lab.root, "init", "-q", "--bare", str(lab.hub))
    here = lab.clone("here")
    lab.git(here, "checkout", "-q", "-B", "main")
    lab.commit(here, {"README.md": "a fleet\n"}, "begin")
    lab.git(here, "add", "--", *lab.guard(here, "init", "--yes", "--json").json["written"])
    lab.git(here, "commit", "-q", "-m", "[S0] guard: adopt")
    lab.git(here, "push", "-q", "-u", "origin", "main")
    path = lab.guard(here, "delta", "new", "--frame", "1", "--stream", "night-1").out.strip()
    lab.write(here, {path: re.findall(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0]})
    walk(lab, here, merge)
    lab.write(here, {"state/agents.json": '{"agents": {}}\n'})
    walk(lab, here, edit)
    other = lab.clone("other")
    lab.commit_push(other, {"state/agents.json": '{"agents": {}}\n'})
    lab.git(here, "restore", "--staged", "--worktree", "--", "state/agents.json")
    lab.git(here, "pull", "-q")
    walk(lab, here, [step for block in repair for step in block])


def test_the_walk_of_two_sessions(lab: Lab) -> None:
    """Start, claim, a loser, a refusal, commit, sync, lesson, hand-off, and what the other one sees."""
    lab.git(lab.root, "init", "-q", "--bare", str(lab.hub))
    river = lab.clone("river")
    lab.git(river, "checkout", "-q", "-B", "main")
    lab.commit(river, {"src/parser/main.py": "main = 1\n"}, "begin")
    written = lab.guard(river, "init", "--yes", "--json").json["written"]
    lab.git(river, "add", "--", *written)
    lab.git(river, "commit", "-q", "-m", "[S0] guard: adopt")
    lab.git(river, "push", "-q", "-u", "origin", "main")
    lab.guard(lab.clone("other"), "install")
    said = steps(section("Sessions"))
    assert {command.split()[1] for command, _ in said if command.startswith("guard ")} >= {
        "start", "claim", "commit", "sync", "lesson", "handoff", "orient", "log",
    }  # fmt: skip
    walk(lab, lab.root, said)
    assert lab.show(lab.hub, "src/parser/cache.py") == b"cached = {}\n"


def test_a_frame_on_two_machines(lab: Lab) -> None:
    """A worker that waits and a primary that opens, plays and merges, each in its own clone, as README has them."""
    lab.git(lab.root, "init", "-q", "--bare", str(lab.hub))
    east = lab.clone("east")
    lab.git(east, "checkout", "-q", "-B", "main")
    said = steps(section("Frames on several machines"))
    assert said[1][0] == "cat play.sh"
    lab.commit(
        east, {"play.sh": said[1][1] + "\n", "state/agents.json": '{"agents": {"ada": {}, "bob": {}}}\n'}, "begin"
    )
    lab.git(east, "add", "--", *lab.guard(east, "init", "--yes", "--json").json["written"])
    lab.git(east, "commit", "-q", "-m", "[S0] guard: adopt")
    lab.git(east, "push", "-q", "-u", "origin", "main")
    lab.guard(lab.clone("west"), "install")
    walk(lab, lab.root, said)
    assert b"it was the turn of ada" in lab.show(lab.hub, "state/frames/000/frame-1.json")


def test_the_short_table_of_walls_is_that_of_the_long_page() -> None:
    """README and docs/walls.md name the same layers in the same order, and call the same ones walls."""
    long = (ROOT / "docs" / "walls.md").read_text(encoding="utf-8").partition("\n## ")[0]
    short, full = (
        [[cell.strip() for cell in row.split("|")[1:-1]] for row in text.splitlines() if row.startswith("|")]
        for text in (section("What is enforced where"), long)
    )
    assert [(row[0], row[-1]) for row in short] == [(row[0], row[-1]) for row in full]


def test_scripts_in_any_repository(lab: Lab) -> None:
    """The script that README shows, judged where guard was never installed."""
    here = lab.root / "any"
    here.mkdir()
    lab.git(here, "init", "-q")
    said = steps(section("Scripts"))
    assert said[0][0] == "cat scripts/nightly.sh"
    lab.write(here, {"scripts/nightly.sh": said[0][1] + "\n"})
    walk(lab, here, said)


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_links_lead_somewhere(page: str) -> None:
    """Every link to a file of ours names one that is there, and every anchor a heading of it."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", re.sub(r"`[^`]*`", "", text)):
        name, _, anchor = target.partition("#")
        file = ((ROOT / page).parent / name).resolve() if name else ROOT / page
        assert file.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, target
