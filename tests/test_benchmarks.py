"""The benchmarks run from end to end on a tiny scale, and write a page with every row; nothing here looks at time."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

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


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """One quick run of everything: its page, its folder, its rows, what it printed."""
    out = tmp_path_factory.mktemp("bench")
    words = [sys.executable, str(ROOT / "benchmarks/run.py"), "--quick", "--out", str(out), "--json", str(out / "rows")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=out)
    assert done.returncode == 0, done.stderr[-2000:]
    rows: list[dict[str, Any]] = json.loads((out / "rows").read_text())["rows"]
    return SimpleNamespace(out=out, page=(out / "benchmarks.md").read_text(), rows=rows, said=done.stdout)


def test_what_the_issues_name_is_measured_and_on_the_page(ran: SimpleNamespace) -> None:
    """Each named row is there, with a figure or with why there is none, and every row stands in the page's tables."""
    gone = [
        named
        for named in NAMED
        if not any(
            row["subject"] == named[0] and named[1] in row["name"] and named[2] in row["beside"] for row in ran.rows
        )
    ]
    assert gone == []
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)] for line in ran.page.splitlines()]
    names = {cell[1].replace("\\|", "|") for cell in cells if len(cell) > 5}
    assert {row["name"] for row in ran.rows} <= names
    assert [row for row in ran.rows if row["ours"] is None and "not measured" not in row["note"]] == []


def test_what_is_lost_is_counted(ran: SimpleNamespace) -> None:
    """guard loses nothing in any of the races, and the rows say so as goals that are met."""
    counts = [row for row in ran.rows if row["by"] == "count"]
    assert len(counts) >= 5
    assert [row for row in counts if row["ours"]["median"] != 0 or row["met"] is not True] == []


def test_the_page_says_where_and_with_what(ran: SimpleNamespace) -> None:
    """Processor, memory, kernel, date and the versions of all tools; how to repeat each subject; no path of ours."""
    for word in ("processor: ", "memory: ", "kernel: ", "date: ", "git 2.", "jq ", "lefthook ", "shellcheck "):
        assert word in ran.page
    for subject in {row["subject"] for row in ran.rows}:
        assert f"make bench ARGS={subject}" in ran.page
    assert str(ran.out) not in ran.page
    assert str(ROOT) not in ran.page


def test_pictures_are_svg_for_light_and_dark(ran: SimpleNamespace) -> None:
    """Each picture of the page is there, is XML, fits into its frame, and has colours for a dark ground."""
    shown = re.findall(r"!\[[^\]]+\]\((benchmarks/[^)]+\.svg)\)", ran.page)
    assert {Path(name).stem.split("-")[0] for name in shown} >= {"hooks", "merge", "history", "claims", "delivery"}
    for name in shown:
        text = (ran.out / name).read_text()
        assert "prefers-color-scheme: dark" in text
        picture = ET.fromstring(text)  # noqa: S314 - written by ourselves
        wide, high = (float(number) for number in picture.attrib["viewBox"].split()[2:])
        for bar in picture.iter("{http://www.w3.org/2000/svg}rect"):
            assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= wide
            assert float(bar.attrib["y"]) + float(bar.attrib["height"]) <= high


def test_missed_goals_are_named_at_the_end(ran: SimpleNamespace) -> None:
    """Every goal that is missed, and no other, is printed at the end and listed in the page."""
    said = ran.said.partition("goals missed:")[2]
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    assert len(lines) == sum(row["met"] is False for row in ran.rows)
    assert [line for line in lines if f"- {line}" not in ran.page] == []


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
