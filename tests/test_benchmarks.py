"""The benchmarks run from end to end on a tiny scale, and write a page with every row; nothing here looks at time."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from benchmarks import shell
from benchmarks.measure import QUICK, Figure, Part, Row, Spent, alternate, compare
from benchmarks.page import missed, table

ROOT = Path(__file__).resolve().parents[1]

NAMED = [
    *(("hooks", f"commit, {what}", beside) for what in ("one file", "20 files") for beside in ("without", "empty")),
    *(("hooks", "full judgement", peer) for peer in ("prek", "lefthook", "pre-commit")),
    *(("hooks", what, beside) for what, beside in (("new branches", "without"), ("staged deltas", "parsing"))),
    *(("fold", what, beside) for what, beside in (("for each", "json.loads"), ("peak", "resulting files"))),
    *(("merge", "merge of", beside) for beside in ("its floors", "parsing", "jq -s", "resulting files")),
    *(("loop", what, beside) for what, beside in (("by 2 writers", "the loop"), ("not counted", ""))),
    *(("history", what, "after 5 frames") for what in ("one more frame", "frame history")),
    *(("claims", f"hub {where}", "fetch") for where in ("on the same disk", "by git://", "behind")),
    ("claims", "orient", ""),
    *(("delivery", f"{n}, by {how}", "loop") for n in ("1 writer", "2 writers") for how in ("ref", "branch")),
    ("delivery", "lost", ""),
    *(("launch", what, "worktree add") for what in ("one after the other", "at once")),
    *(("shell", what, beside) for what, beside in (("a script", "shellcheck"), ("a script", ""), ("pathological", ""))),
    *(("server", what, "git log --raw") for what in ("ordinary commits", "merged frames")),
    *(("agent", what, "bare Python") for what in ("slowest of", "middle of", "git stash")),
]
"""What the issues ask to have measured: subject, part of a row's name, part of what stands beside it."""


def test_a_quick_run_measures_what_the_issues_name(tmp_path: Path) -> None:
    """One command, on a tiny scale: every row that the issues ask for, with a figure or why there is none; nothing is
    lost in any race; the page has all rows, says where and with what, and its pictures are whole."""
    words = ("--quick", "--out", str(tmp_path), "--json", str(tmp_path / "rows"))
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks/run.py"), *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    page = (tmp_path / "benchmarks.md").read_text()
    rows = json.loads((tmp_path / "rows").read_text())["rows"]
    assert [named for named in NAMED if not any(is_of(row, *named) for row in rows)] == []
    assert [row for row in rows if row["ours"] is None and "not measured" not in row["note"]] == []
    assert [row for row in rows if row["by"] == "count" and row["ours"]["median"] != 0] == []
    written(page, rows, tmp_path)
    pictures(page, tmp_path)
    said = [line.strip() for line in done.stdout.partition("goals missed:")[2].splitlines() if line.strip()]
    assert len(said) == sum(row["met"] is False for row in rows)
    assert [line for line in said if f"- {line}" not in page] == []


def is_of(row: dict[str, Any], subject: str, name: str, beside: str) -> bool:
    """Whether a row is the one that is named."""
    return row["subject"] == subject and name in row["name"] and beside in row["beside"]


def written(page: str, rows: list[dict[str, Any]], out: Path) -> None:
    """The page has every row, the machine, the versions, how to repeat each subject, and no path of this machine."""
    cells = [re.split(r"(?<!\\)\|", line) for line in page.splitlines()]
    names = {cell[1].strip().replace("\\|", "|") for cell in cells if len(cell) > 5}
    assert {row["name"] for row in rows} <= names
    for word in ("processor: ", "memory: ", "kernel: ", "date: ", "git 2.", "jq ", "lefthook ", "shellcheck "):
        assert word in page
    assert [row for row in rows if f"make bench ARGS='{row['subject']} --quick'" not in page] == []
    assert str(out) not in page
    assert str(ROOT) not in page


def pictures(page: str, out: Path) -> None:
    """Each picture of the page is there, is XML, stays within its frame, and has colours for a dark ground."""
    shown = re.findall(r"!\[[^\]]+\]\((benchmarks/[^)]+\.svg)\)", page)
    assert {Path(name).stem.split("-")[0] for name in shown} >= {"hooks", "merge", "history", "claims", "delivery"}
    for name in shown:
        text = (out / name).read_text()
        assert "prefers-color-scheme: dark" in text
        picture = ET.fromstring(text)  # noqa: S314 - written by ourselves
        wide, high = (float(number) for number in picture.attrib["viewBox"].split()[2:])
        for bar in picture.iter("{http://www.w3.org/2000/svg}rect"):
            assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= wide
            assert float(bar.attrib["y"]) + float(bar.attrib["height"]) <= high


def test_a_tool_that_is_not_here_is_said() -> None:
    """Without shellcheck its row says that it was not measured, and counts neither as met nor as missed."""
    part = shell.measure(QUICK, {})
    [row] = [row for row in part.rows if row.beside == "shellcheck"]
    assert row.ours is None
    assert row.met is None
    assert "not measured: shellcheck is not here" in table([row])


def test_a_ratio_is_taken_round_by_round() -> None:
    """The ratio is the median of the rounds' ratios, not the ratio of the medians: a machine that is slower for some
    rounds is slower for both sides."""
    ours, base = [Spent(2, 30), Spent(200, 40), Spent(60, 50)], [Spent(1, 10), Spent(100, 10), Spent(20, 10)]
    row = compare("x", "y", ours, base, 2.0)
    assert row.ratio == Figure(2.0, 2.0, 2.5)
    assert row.other == 4.0
    assert row.met is True
    assert compare("x", "y", ours, base, 1.9).met is False
    by_clock = compare("x", "y", ours, base, by="clock", each=10)
    assert (by_clock.ours, by_clock.ratio) == (Figure(4.0, 3.5, 4.5), Figure(4.0, 3.5, 4.5))


def test_runs_take_turns_from_both_ends() -> None:
    """The first round does not count, and the order turns around, so that nobody is always the one after another."""
    order: list[tuple[str, int]] = []

    def job(name: str, turn: int) -> Spent:
        order.append((name, turn))
        return Spent(turn, turn)

    took = alternate(2, {name: lambda turn, name=name: job(name, turn) for name in "ab"})  # type: ignore[misc]
    assert order == [("b", 0), ("a", 0), ("a", 1), ("b", 1), ("b", 2), ("a", 2)]
    assert took == {name: [Spent(1, 1), Spent(2, 2)] for name in "ab"}


def test_goals_without_a_ratio_are_of_the_figure() -> None:
    """A goal where nothing stands beside is one of the figure itself; without a goal nothing is missed."""
    slow = Row("x", "", "clock", "ms", Figure.of([600]), goal=500)
    assert missed({"s": Part([slow, Row("y", "", "clock", "ms", Figure.of([600]))])}) == [
        "s: x: 600 ms, goal 500 ms",
    ]
