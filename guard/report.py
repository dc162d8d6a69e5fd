"""What commands print: results for people on stdout, narration on stderr, JSON where programs read."""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from guard.errors import GuardError
from guard.finding import printable

if TYPE_CHECKING:
    from merge.delta import Invalid


class Progress(Protocol):
    """Something that can be told how far a long piece of work is."""

    def __call__(self, text: str) -> None:
        """Say where it is."""


class Report:
    """Where one command's words go. `json` is one object at the end instead of text, `quiet` drops narration."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet

    def say(self, text: str = "") -> None:
        """A line of the result."""
        if not self.as_json:
            self._print(printable(text))

    @staticmethod
    def _print(text: str) -> None:
        """Print a result; that nobody can read it undoes nothing of what was done."""
        try:
            print(text, flush=True)
        except OSError:
            quiet_stdout()

    def note(self, text: str) -> None:
        """A line of narration."""
        if not self.quiet:
            complain(printable(text))

    def warn(self, text: str) -> None:
        """Something that the person should know; `--quiet` does not hide it."""
        complain(printable(f"guard: warning: {text}"))

    def result(self, value: dict[str, Any]) -> None:
        """The whole result, where a program reads."""
        if self.as_json:
            encoding = (getattr(sys.stdout, "encoding", None) or "").lower()
            self._print(json.dumps(value, indent=2, ensure_ascii=not encoding.startswith("utf")))

    def error(self, error: GuardError, more: Mapping[str, Any] = MappingProxyType({})) -> int:
        """Say what could not be done, to programs with `more` beside it; returns the exit code."""
        if self.as_json:
            value = {"error": {"kind": error.kind, "what": error.what, "why": error.why, "fix": error.fix}}
            self.result({**value, **more, "exit": error.exit_code})
        complain(printable(error.text()))
        return error.exit_code

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
        """A table for people to compare in; `right` are the places of columns of numbers."""
        if self.as_json or not rows:
            return
        from guard import table  # here: most commands print no table

        shown = [[printable(cell) for cell in row] for row in rows]
        self._print("\n".join(["", *table.lines(columns, shown, width(), right), ""]))

    def prose(self, text: str) -> None:
        """Paragraphs for people, filled anew where the screen is narrower than they are; what is set in stays so."""
        from textwrap import fill  # here: one command prints prose

        most = width()
        for place, part in enumerate(text.split("\n\n")):
            lines = part.split("\n")
            plain = not any(line.startswith(" ") for line in lines)
            filled = fill(part, most) if plain and max(map(len, lines)) > most else part
            self.say(f"\n{filled}" if place else filled)

    def clear(self) -> None:
        """Begin a new screen, where there is one."""
        if sys.stdout.isatty():
            self._print("\x1b[H\x1b[2J")

    @contextmanager
    def working(self, text: str) -> Iterator[Progress]:
        """Show on stderr that something takes its time: a live line on a terminal, nothing elsewhere."""
        if self.quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            yield lambda _text: None
            return
        from rich.console import Console  # here: only a terminal needs it

        with Console(stderr=True, markup=False).status(text) as status:
            yield lambda text: status.update(printable(text))


def complain(text: str) -> None:
    """A line on stderr; that nobody can read it, as on a full disk, neither stops anything nor makes it a success."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - it stays open to the end


def number(count: int, thing: str) -> str:
    """A count with its noun: `1 delta`, `2 deltas`."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def rejection(entry: "Invalid", inbox: str) -> dict[str, str]:
    """A file of the inbox that was refused: its name, its digest, the reason, and what more there is to say."""
    detail = entry.detail
    if entry.reason == "schema" and not detail:
        detail = f"`guard delta check {shlex.quote(inbox + entry.name)}` says where"
    return {"file": entry.name, "digest": entry.digest, "reason": entry.reason, "detail": detail}


def rejected(said: dict[str, str]) -> str:
    """A rejection as a line for people."""
    return "rejected: " + ": ".join(filter(None, (said["file"], said["reason"], said["detail"])))


def width() -> int:
    """How wide a table may be: what COLUMNS or the terminal says; where nobody looks at one, 120."""
    return shutil.get_terminal_size((120, 24)).columns


def quiet_stdout() -> None:
    """Send what is still to be printed nowhere: the pipe is closed, or the device is full."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - it stays open to the end
