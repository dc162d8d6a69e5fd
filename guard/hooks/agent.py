"""What the agents' tools ask before they act (`guard-hook agent TOOL`): deny by exit 2, pass by silence.

Nearly every call passes, so what comes first loads nothing that a bare Python has not at hand, and starts no process;
`guard.agents.judge` says how far that look goes. In repositories that have not adopted guard nothing is said at all.

What is told and cannot be understood passes with a word on standard error, because a tool that changes its protocol
must not stop everybody's work; a call that is understood and cannot be judged is denied, as everywhere in guard.
"""

import os
import sys

from guard.agents import judge, payload
from guard.agents.offence import Offence, Unsure
from guard.agents.place import Ask, Place, somewhere
from guard.certain import FAILURES, parsed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from guard.policy import Policy

_SILENCE = {"cursor": "{}\n"}
"""What a tool must hear where nothing is said."""

MOST = 64 << 20
"""Of more bytes than this nothing is read."""


def run(words: "list[str]") -> int:
    """Answer one question of a tool; returns the exit code, 0 or 2."""
    tool = words[0] if words else ""
    try:
        told = _told(sys.stdin.buffer.read(MOST + 1) if sys.stdin else b"")
        call = payload.call(told, _json)
    except _Unreadable as error:
        print(f"guard: what {tool} told could not be read, and passes: {error}", file=sys.stderr)
        return _silent(tool)
    except (RecursionError, MemoryError):
        return _deny(tool, _UNJUDGED)
    if not call.event:
        return _silent(tool)
    try:
        place = somewhere(call.cwd or os.getcwd(), _QUICK)
        if call.event != "tool":
            return _session(tool, call.event, place) if place.adopted else _silent(tool)
        if call.command is not None and _fine(call.command, place):
            return _silent(tool)
        found = _refused(call)
    except Exception as error:
        if os.environ.get("GUARD_DEBUG"):
            raise
        found = _failed(error)
    return _silent(tool) if found is None else _deny(tool, found)


class _Unreadable(Exception):
    """What was told is in no language of ours."""


def _told(data: bytes) -> object:
    """What a tool told, from the bytes of it."""
    if len(data) > MOST:
        raise MemoryError
    return _json(data.decode("utf-8", "surrogateescape"))


def _json(text: str) -> object:
    """A JSON text's value; the quick reader takes no oddities, the other one all that JSON has."""
    try:
        return parsed(text)
    except RecursionError:
        raise
    except FAILURES:
        pass
    import json

    try:
        return json.loads(text, strict=False)
    except ValueError as error:
        raise _Unreadable(str(error)[:200]) from None


def _unsure(*_asked: object) -> "Any":
    raise Unsure


_QUICK = Ask(_unsure, _unsure, _unsure, _unsure)


def _fine(command: str, place: Place) -> bool:
    """Whether a command line certainly passes."""
    if not place.adopted and not any(word in command for word in _ELSEWHERE):
        return True
    return judge.fine(command, place, _guarded(place))


_ELSEWHERE = ("cd", "-C", "pushd", "GIT_", "--git-dir")
"""Without one of these a command line does not reach another repository's work tree by git."""


def _guarded(place: Place) -> "tuple[str, ...] | None":
    """How the paths begin that only some may write, as the hooks have written it down; None where they have not."""
    for folder in (place.git_dir, place.common):
        try:
            with open(f"{folder}/guard/watch", encoding="utf-8") as file:
                said = next(line for line in file if line.startswith("#quick "))
            return tuple(parsed(said[len("#quick ") :])["guarded"])
        except (*FAILURES, OSError, StopIteration):
            continue
    return None


# --- what takes longer -------------------------------------------------------------------------------------------


def _refused(call: payload.Call) -> "Offence | None":
    """The offence of a call, with everything at hand that a verdict may need."""
    start = somewhere(call.cwd or os.getcwd(), Ask(_policy, _alias, judge.parsed_at_top, _write))
    found = None
    if call.words:
        found = judge.parsed(" ".join(_quoted(word) for word in call.words), start)
    elif call.command is not None:
        found = judge.parsed(call.command, start)
    for path in call.paths:
        found = found or judge.written(path, start, lambda there, inside: _edit(call, there, inside))
    return _worded(found) if found is not None else None


def refuses(command: str, folder: str) -> bool:
    """Whether a command line is refused in a folder, as an agent's tool would be told."""
    call = payload.Call("tool", folder)
    call.command = command
    return _refused(call) is not None


def _worded(found: Offence) -> Offence:
    """An offence with the reason of the rule that it breaks."""
    if found.code and not found.why:
        from guard.judge import rules

        found.why = next(rule.why for rule in rules() if rule.code == found.code)
    return found


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


_policies: "dict[str, Policy]" = {}


def _policy(place: Place) -> "Policy":
    if place.git_dir not in _policies:
        from guard.git import Repo
        from guard.hooks.watch import current_policy

        repo = Repo(place.top)
        try:
            _policies[place.git_dir] = current_policy(repo, repo.git_dir / "guard")
        finally:
            repo.close()
    return _policies[place.git_dir]


def _alias(place: Place, name: str) -> str:
    from guard.git import Repo

    repo = Repo(place.top)
    try:
        return repo.run("config", "--get", f"alias.{name}", check=False).rstrip("\n")
    finally:
        repo.close()


def _write(place: Place, path: str) -> "Offence | None":
    """The offence of a command that writes a file; what it will hold nobody knows."""
    return _file(place, path, None)


def _edit(call: payload.Call, place: Place, path: str) -> "Offence | None":
    """The offence of a tool that writes a file."""
    from guard.agents import files

    try:
        with open(f"{place.top}/{path}", "rb") as file:
            now = file.read()
    except OSError:
        now = None
    return _file(place, path, files.content(call.name, call.given, now))


def _file(place: Place, path: str, new: "bytes | None") -> "Offence | None":
    from guard.agents import files
    from guard.git import Repo

    policy = _policy(place)

    def committed(name: str) -> "bytes | None":
        repo = Repo(place.top)
        try:
            return repo.reader.read(f"HEAD:{name}")
        finally:
            repo.close()

    return files.refused(path, policy, committed, new)


def _failed(error: Exception) -> Offence:
    from guard.errors import GuardError

    if isinstance(error, GuardError):
        return Offence("", f"this could not be judged: {error.what}", error.why or _WHY, error.fix or "guard doctor")
    what = f"this could not be judged: {type(error).__name__}: {error}"
    return Offence("", what, _WHY, "run it in plainer words; GUARD_DEBUG=1 shows where guard failed: please report it")


_WHY = "what cannot be judged is refused"

_UNJUDGED = Offence("", "this call is too large or too deep to be judged", _WHY, "make it smaller")


def _session(tool: str, event: str, place: Place) -> int:
    """The start of a session: `guard orient`; its end: which claims are still open."""
    from guard.agents.tools import tool as module
    from guard.commands.agent import ended, oriented

    try:
        text = oriented(place.top) if event == "start" else ended(place.top)
    except Exception as error:  # noqa: BLE001 - a session begins and ends whatever is wrong here
        print(f"guard: {error}", file=sys.stderr)
        return _silent(tool)
    if not text:
        return _silent(tool)
    if event == "end":
        print(text, file=sys.stderr)
    said = (module(tool).start if event == "start" else module(tool).end)(text)
    if said:
        print(said)
    return 0


def _silent(tool: str) -> int:
    said = _SILENCE.get(tool)
    if said:
        sys.stdout.write(said)
    return 0


def _deny(tool: str, found: Offence) -> int:
    """Deny a call: the reason on standard error, and where the tool reads it, in JSON."""
    from guard.agents.tools import NAMES
    from guard.agents.tools import tool as module

    text = found.text().encode("utf-8", "replace").decode()
    if tool in NAMES and (said := module(tool).deny(text)):
        print(said)
    print(text, file=sys.stderr)
    return 2
