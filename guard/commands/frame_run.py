"""`guard frame run`: one frame after the other, on the machine that opens and closes them or on one that plays along.

Nothing of a run is kept in its memory alone. What frame it is and who is expected stands on the state branch, what has
been delivered stands at the hub, and what has not waits in the outbox: whoever is killed and started again goes on.
"""

import gc
import time
from dataclasses import replace
from typing import Any

from guard.commands import merge
from guard.commands.frame_loop import INTERVAL, Look, Loop, Options, seen
from guard.delivery import outbox
from guard.errors import GuardError
from guard.frames import partition
from guard.frames.roster import check, open_next, players
from guard.git import Repo
from guard.plan import policy_at
from guard.publish import hub
from guard.report import Report, number
from guard.streams import Signals

SLOWEST = 2.0
"""Seconds between two looks at a hub where nothing happens."""


def run(repo: Repo, options: Options, report: Report) -> int:
    """Run frames until there are enough, or an end is wished for; returns 0 where nothing is left to be delivered."""
    if options.role == "worker" and not options.words:
        why = "a worker does nothing but play streams"
        raise GuardError("usage", "which command?", why, "guard frame run --role worker -- CMD...")
    if options.wait is None:
        options.wait = options.interval or INTERVAL
    if options.timeout is None:
        options.timeout = options.wait
    of = partition.machine(options.machine) if options.machine else None
    agents = None
    if options.roster is not None:
        agents = players({}, policy_at(repo, repo.resolve("HEAD")), options.roster)
    machines = options.opening.machines or (of[1] if of else 0)
    options.opening = replace(options.opening, machines=machines, agents=agents, keep=True)
    check(options.opening)
    stop_file = options.stop_file or repo.common_dir / "guard" / "stop"
    with Signals(spare=True) as signals:
        repo.close()  # a git from before would hear a Ctrl-C too
        loop = Loop(repo, options, report, signals, stop_file.absolute())
        if not loop.asked:
            (_primary if options.role == "primary" else _worker)(loop)
        return _told(loop)


# --- the primary -----------------------------------------------------------------------------------------------------


def _primary(loop: Loop) -> None:
    """Open, play, wait, merge, and again."""
    while not loop.enough and not loop.asked:
        began = time.monotonic()
        loop.deliver()
        look = _opened(loop)
        if look is None:
            return
        row = _closed(loop, look, began)
        if row is None:
            return
        gc.enable()  # a merge turns it off, as it is the last thing that a process does
        gc.collect()
        loop.done += 1
        loop.rows.append(row)
        if not loop.enough:
            with loop.report.working(f"frame {row['frame']} is closed; waiting for the time of the next one"):
                loop.pause(began + loop.options.interval - time.monotonic(), lambda: loop.asked)


def _opened(loop: Loop) -> Look | None:
    """The open frame, opened by us where nobody has done it; None where an end came first."""

    def opened(repo: Repo) -> tuple[Look, bool]:
        place = hub(repo, policy_at(repo, repo.resolve("HEAD")))
        found = open_next(repo, place, loop.options.opening)
        return seen(repo, found.seen), found.commit is not None

    done = loop.insist(opened, lambda: loop.asked)
    if done is None:
        return None
    look, ours = done
    how = "opened" if ours else "open already, going on with it"
    loop.report.note(f"frame {look.frame}: {how}; {number(len(look.streams), 'stream')} expected")
    return look


def _closed(loop: Loop, look: Look, began: float) -> dict[str, Any] | None:
    """Play our streams of the open frame, wait for the others and merge; None where an end came first."""
    frame = look.frame
    assert frame is not None
    loop.resume(look)
    row: dict[str, Any] = {"frame": frame, "expected": len(look.streams), "streams": {}}
    todo = [name for name in loop.mine(look) if name not in look.arrived] if loop.options.words else []
    if todo:
        row["streams"] = loop.play(look, todo)
        look.arrived |= {name for name, state in row["streams"].items() if state in ("ok", "fallback", "delivered")}
    if not look.arrived.issuperset(look.streams):
        assert loop.options.wait is not None
        waited = _waited(loop, frame, began + loop.options.wait - time.monotonic())
        if waited is None:
            return None
        look = waited
    if loop.now:
        return None
    by_another = look.frame != frame
    value: dict[str, Any] = {}
    if not by_another:
        merged = loop.insist(lambda repo: _merged(loop, repo, frame), lambda: loop.now)
        if merged is None:
            return None
        value = merged
        by_another = not value["merged"]
    seconds = time.monotonic() - began
    row |= {
        "commit": value.get("commit"),
        "deltas": len(value.get("deltas", ())),
        "missing": value.get("missing", []),
        "late": [each for each in value.get("frames", ()) if each < frame],
        "rejected": value.get("rejected", []),
        "by_another": by_another,
        "seconds": round(seconds, 3),
    }
    _say(loop.report, row)
    return row


def _waited(loop: Loop, frame: int, seconds: float) -> Look | None:
    """Wait until all that are expected have delivered, for so long at most; the last look, None where an end came."""
    until = time.monotonic() + seconds
    shown, rest = -1, 0.25
    with loop.report.working(f"frame {frame}: waiting for streams") as progress:
        while True:
            look = loop.look(lambda: loop.now)
            if look is None or look.frame != frame:
                return look
            missing = [name for name in look.streams if name not in look.arrived]
            came = len(look.streams) - len(missing)
            left = until - time.monotonic()
            if came != shown:
                loop.report.note(f"frame {frame}: {came} of {number(len(look.streams), 'stream')} delivered")
                shown, rest = came, 0.25
            if not missing or left <= 0 or loop.now:
                return look
            progress(f"frame {frame}: {came} of {number(len(look.streams), 'stream')} delivered; {left:.0f} s left")
            loop.pause(min(rest, left), lambda: loop.now)
            rest = min(rest * 2, SLOWEST)


def _merged(loop: Loop, repo: Repo, frame: int) -> dict[str, Any]:
    merge.run(repo, merge.Options(frame=frame, unless_closed=True), loop.merging)
    return loop.merging.value


def _say(report: Report, row: dict[str, Any]) -> None:
    said = f"frame {row['frame']}: "
    if row["by_another"]:
        said += "closed by another primary"
    else:
        said += f"closed by {str(row['commit'])[:12]}, {number(row['deltas'], 'delta')}"
    if row["late"]:
        said += f"; late ones of frame {', '.join(map(str, row['late']))} are in their own pages"
    if row["rejected"]:
        said += f"; {len(row['rejected'])} rejected"
    if row["missing"]:
        more = f" and {len(row['missing']) - 5} more" if len(row["missing"]) > 5 else ""
        said += f"; without {', '.join(row['missing'][:5])}{more}"
    report.say(f"{said}; {row['seconds']:.1f} s")


# --- a worker --------------------------------------------------------------------------------------------------------


def _worker(loop: Loop) -> None:
    """Play our streams of every frame that somebody opens."""
    played: dict[str, None] = {}
    frame, rest, shown = None, 0.25, ""
    while True:
        loop.deliver()
        if loop.enough or loop.asked:
            return
        look = loop.look(lambda: loop.asked)
        if look is None:
            return
        loop.resume(look)
        if look.frame != frame:
            frame, played, rest = look.frame, {}, 0.25
        mine = loop.mine(look)
        todo = [name for name in mine if name not in look.arrived and name not in played]
        if todo and look.frame is not None:
            began = time.monotonic()
            loop.report.note(f"frame {look.frame}: open; {number(len(todo), 'stream')} to play")
            streams = loop.play(look, todo)
            row: dict[str, Any] = {"frame": frame, "expected": len(look.streams), "streams": streams}
            row["seconds"] = round(time.monotonic() - began, 3)
            loop.rows.append(row)
            own = sum(1 for state in streams.values() if state == "ok")
            loop.report.say(f"frame {frame}: played {number(len(streams), 'stream')}, {number(own, 'delta')} written")
            loop.done += not played
            played |= dict.fromkeys(todo)
            continue
        said = _waiting(loop, look, bool(mine))
        if said != shown:
            loop.report.note(said)
            shown = said
        with loop.report.working(said):
            loop.pause(rest, lambda: loop.asked)
        rest = min(rest * 2, SLOWEST)


def _waiting(loop: Loop, look: Look, any_of_mine: bool) -> str:
    """What a worker waits for."""
    if look.frame is None:
        return f"waiting for frame {look.counter + 1} to be opened"
    if any_of_mine:
        return f"frame {look.frame}: our streams have delivered; waiting for the next one"
    own = f"machine {loop.options.machine}" if loop.options.machine else "a machine without --machine"
    return f"frame {look.frame}: no stream of {own} is expected; waiting for the next one"


# --- the end ---------------------------------------------------------------------------------------------------------


def _told(loop: Loop) -> int:
    """The summary; returns the exit code."""
    waiting = [str(path) for path in outbox.waiting(loop.repo)]
    code = 128 + loop.signals.number if loop.now else 2 if waiting else 0
    primary = loop.options.role == "primary"
    what = "closed" if primary else "played"
    loop.report.say(f"{number(loop.done, 'frame')} {what}; ended by {loop.ended()}")
    if not loop.now and not loop.signals.number and not loop.enough:
        loop.report.say(f"  as long as it is there, no run begins a frame: rm {loop.stop_file}")
    for path in waiting:
        loop.report.say(f"  not delivered, kept as {path}; the next guard frame run or guard launch sends it")
    loop.report.result(
        {
            "role": loop.options.role,
            "done": loop.done,
            "frames": list(loop.rows),
            "ended": loop.ended(),
            "waiting": waiting,
            "exit": code,
        }
    )
    return code
