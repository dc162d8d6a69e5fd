"""`guard board`: who works on what, by state and age."""

import time
from collections.abc import Sequence
from typing import Any

from guard.commands.claim import known
from guard.git import Repo
from guard.leases.refs import now
from guard.leases.seen import Seen, seen
from guard.records.table import escaped
from guard.report import Report, number

COLUMNS = ("lane", "state", "session", "age", "scope", "note")
SHOWN = 10
"""So many closed lanes are shown where not all are asked for."""
SECONDS = 5
"""Between two looks of `--watch`."""


def run(repo: Repo, report: Report, *, watch: bool, markdown: bool, everything: bool) -> int:
    """Show the lanes once, or again and again until somebody ends it."""
    if watch and not report.as_json:
        return _watch(repo, report, everything=everything)
    lanes, hidden = _lanes(repo, report, everything=everything)
    if markdown:
        report.say("\n".join(_markdown(rows(lanes))))
    elif lanes:
        report.table(COLUMNS, rows(lanes))
        if hidden:
            report.say(f"and {number(hidden, 'closed lane')} more: guard board --all")
    else:
        report.say("no lane was ever claimed here: guard claim LANE --scope PATH")
    report.result({"lanes": [value(each) for each in lanes], "exit": 0})
    return 0


def _lanes(repo: Repo, report: Report, *, everything: bool) -> tuple[list[Seen], int]:
    policy, snapshot, held, _ = known(repo, report)
    lanes = seen(held, repo.reader.read(f"{snapshot.tip}:{policy.board}"), policy, now())
    if everything:
        return lanes, 0
    ended = [each for each in lanes if not each.open]
    return [each for each in lanes if each.open] + ended[:SHOWN], max(len(ended) - SHOWN, 0)


def rows(lanes: Sequence[Seen]) -> list[tuple[str, ...]]:
    """The cells of lanes."""
    when = now()
    return [
        (each.lane, each.state, each.session, each.age(when), ", ".join(each.scope), _short(each.note))
        for each in lanes
    ]


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


def value(lane: Seen) -> dict[str, Any]:
    """A lane as JSON has it."""
    return {
        "lane": lane.lane,
        "state": lane.state,
        "session": lane.session,
        "since": lane.since.strftime("%Y-%m-%dT%H:%M:%SZ") if lane.since else None,
        "expires": lane.expires or None,
        "scope": list(lane.scope),
        "held": lane.held,
        "note": lane.note,
    }


def _markdown(cells: Sequence[Sequence[str]]) -> list[str]:
    lines = [COLUMNS, ("---",) * len(COLUMNS), *([escaped(cell) for cell in row] for row in cells)]
    return [f"| {' | '.join(line)} |" for line in lines]


def _watch(repo: Repo, report: Report, *, everything: bool) -> int:
    while True:
        lanes, _ = _lanes(repo, report, everything=everything)
        report.clear()
        report.table(COLUMNS, rows(lanes))
        report.say(f"{now():%H:%M:%S} UTC, again in {SECONDS} s; Ctrl-C ends it")
        time.sleep(SECONDS)
