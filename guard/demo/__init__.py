"""`guard demo`: a fleet in a temporary directory lives through what guard is for, and every claim is checked."""

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from guard.errors import GuardError
from guard.report import Report

if TYPE_CHECKING:
    from rich.console import Console

    from guard.demo.story import Step

_WIDEST = 120


def run(keep: Path | None, report: Report) -> int:
    """Play the story and print it as it happens; returns 1 where a claim does not hold."""
    began = time.monotonic()
    told: list[Step] = []
    untrue = ""
    with _folder(keep) as root:
        untrue = _play(root, told, report)
    seconds = time.monotonic() - began
    if untrue:
        report.warn(f"the demo stopped: this does not hold: {untrue}")
    _close(told, seconds, keep, untrue, report)
    steps = [{"who": step.who, "did": step.did, "came": step.came, "figures": step.figures} for step in told]
    code = 1 if untrue else 0
    kept = str(keep.absolute()) if keep else None
    report.result({"steps": steps, "seconds": round(seconds, 2), "kept": kept, "untrue": untrue or None, "exit": code})
    return code


def _play(root: Path, told: "list[Step]", report: Report) -> str:
    """Tell the story in a folder; returns the claim that does not hold, empty where all do."""
    try:
        from git.exc import GitError  # GitPython: only the demo needs it, and it takes its time
    except ImportError as error:  # it raises this where there is no git, too
        raise GuardError("git", f"the demo needs git and GitPython: {str(error).splitlines()[0]}") from None

    from guard.demo.clones import Untrue, World, git_failed, surroundings
    from guard.demo.story import tell

    with ExitStack() as stack:
        stack.enter_context(surroundings(root / "home"))
        try:
            world = World(root)
            stack.callback(world.close)
            lines = _Lines(report)
            report.say("One hub, four clones. Left: what somebody did. Right: what guard made of it.")
            for step in tell(world):
                told.append(step)
                lines.show(len(told), step)
        except Untrue as error:
            return str(error)
        except (LookupError, TypeError, ValueError) as error:  # guard left something that cannot be read as told
            return f"step {len(told) + 1} can be read ({type(error).__name__}: {error})"
        except GitError as error:
            raise git_failed(error) from None
    return ""


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """The folder that the demo works in; a temporary one is gone afterwards, however the demo ends."""
    if keep is not None:
        yield _kept(keep)
        return
    root = Path(tempfile.mkdtemp(prefix="guard-demo-")).resolve()
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)
        for number, action in before.items():
            signal.signal(number, action)
        if root.exists():
            print(f"guard: {root} could not be removed", file=sys.stderr)


def _kept(keep: Path) -> Path:
    try:
        keep.mkdir(parents=True, exist_ok=True)
        used = any(keep.iterdir())
    except OSError as error:
        raise GuardError("usage", f"--keep {keep}: {error.strerror}") from None
    if used:
        raise GuardError("usage", f"--keep {keep}: the folder is not empty", "", "name a folder that is new or empty")
    return keep.resolve()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class _Lines:
    """The story on a terminal, a pipe or nowhere."""

    def __init__(self, report: Report) -> None:
        self.console = None if report.as_json else _console()

    def show(self, number: int, step: "Step") -> None:
        """One step: its number, who did what, and what came of it."""
        if self.console is None:
            return
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
        grid.add_column(width=2, justify="right")
        grid.add_column(ratio=4)
        grid.add_column(width=2)
        grid.add_column(ratio=6)
        did = Text.assemble((step.who, "bold"), " ", step.did)
        came = Text(step.came, "yellow" if step.bad else "green")
        grid.add_row(Text(str(number), "dim"), did, Text("->", "dim"), came)
        with self.console.capture() as captured:
            self.console.print(grid)
        for line in captured.get().splitlines():
            print(line.rstrip())
        sys.stdout.flush()


def _console() -> "Console":
    from rich.console import Console

    console = Console(markup=False, highlight=False)
    terminal = sys.stdout.isatty() or "COLUMNS" in os.environ
    console.width = min(console.width, _WIDEST) if terminal else 100
    return console


def _close(told: "list[Step]", seconds: float, keep: Path | None, untrue: str, report: Report) -> None:
    if not untrue:
        report.say(f"{len(told)} steps, every claim checked, {seconds:.1f} s; nothing of yours was touched")
    if keep is not None:
        report.say(f"kept in {keep.absolute()}: hub.git and its clones; try: guard verify -C {keep / 'primary'}")
    elif not untrue:
        report.say("the folder is gone again; guard demo --keep DIR leaves it for a look")
