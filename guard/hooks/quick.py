"""A quick yes for the commonest commits of all: of what a rule looks at, they bring deltas and harmless scripts alone.

It starts in a fifth of the time that the whole judge needs, and says yes only where the judge finds nothing; whatever
it does not know for certain it leaves to the judge. Nothing is imported here but what a bare Python has at hand.
"""

import os
import time

from guard.certain import FAILURES, Unsure, check, frame_of, parsed
from guard.shell.scripts import fine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 400
"""Files at once: their names must fit into a pipe that nobody reads yet."""

_MODES = ("000000", "100644", "100755")


def certain(raw: str, git_dir: str) -> bool:
    """Whether the judge would find nothing in files, which are lines of git's raw output: sh found nothing against
    their names, and leaves it to this look what added deltas, and files that may be scripts, hold.

    `git_dir` is the work tree's; its watch file says the limits of the policy.
    """
    try:
        with open(f"{git_dir}/guard/watch", encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs a third of all
            said = next(line for line in file if line.startswith("#quick "))
        return _certain(parsed(said[len("#quick ") :]), raw.strip("\n").split("\n"))
    except (*FAILURES, OSError, StopIteration):
        return False


def _certain(watch: "dict[str, Any]", lines: "list[str]") -> bool:
    inbox = watch["inbox"]
    files, wanted = [], []
    for line in lines:
        head, _, path = line.partition("\t")
        old, mode, _, oid, status = head.split(" ")
        is_delta = path.startswith(inbox)
        if status == "D" and not is_delta:
            continue
        if not path or old[1:] not in _MODES or mode not in _MODES[1:] or path.startswith('"'):
            return False
        if is_delta and (old, mode, status) != (":000000", "100644", "A"):
            return False
        files.append((path, is_delta))
        wanted.append(oid)
    if not 0 < len(files) <= MOST:
        return False
    counter = watch["counter"]
    asked = [f"HEAD:{counter}", f"{watch['upstream']}:{counter}", f"HEAD:{inbox.rstrip('/')}"]
    here, there, tree, *contents = _objects([*asked, *wanted])
    newest = max(frame_of(here), frame_of(there))
    taken = {name.lower() for name in _names(tree, len(wanted[0]) // 2)}
    for (path, is_delta), data in zip(files, contents, strict=True):
        if data is None:
            return False
        if not is_delta:
            if b"<<<<<<<" in data or b">>>>>>>" in data or not fine(path, data):
                return False
            continue
        name = path[len(inbox) :]
        if name.lower() in taken or len(data) > watch["max_bytes"]:
            return False
        taken.add(name.lower())
        check(name, data, newest=newest, levels=watch["max_levels"], now=time.time())
    return True


def _objects(names: "list[str]") -> "list[bytes | None]":
    """Objects by name, None for a missing one: one git process, without what `subprocess` costs to import."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    actions = [
        (os.POSIX_SPAWN_DUP2, to_read, 0),
        (os.POSIX_SPAWN_DUP2, from_write, 1),
        *((os.POSIX_SPAWN_CLOSE, pipe) for pipe in (to_read, to_write, from_read, from_write)),
    ]
    env = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1"}
    pid = os.posix_spawnp("git", ["git", "cat-file", "--batch", "--buffer"], env, file_actions=actions)
    os.close(to_read)
    os.close(from_write)
    with open(to_write, "wb") as pipe:  # noqa: PTH123 - a descriptor, not a path
        pipe.write("".join(f"{name}\n" for name in names).encode(errors="surrogateescape"))
    with open(from_read, "rb") as answers:  # noqa: PTH123 - as above
        out = answers.read()
    if os.waitpid(pid, 0)[1] != 0:
        raise Unsure
    found: list[bytes | None] = []
    place = 0
    while place < len(out):
        end = out.index(b"\n", place)
        head = out[place:end]
        place = end + 1
        if head.endswith(b" missing"):
            found.append(None)
            continue
        size = int(head.rpartition(b" ")[2])
        found.append(out[place : place + size])
        place += size + 1
    if len(found) != len(names):
        raise Unsure
    return found


def _names(tree: "bytes | None", width: int) -> "list[str]":
    """The names in a tree object: `<mode> <name>` NUL and the object's id, `width` bytes wide."""
    names = []
    data, place = tree or b"", 0
    while place < len(data):
        end = data.index(b"\0", place)
        names.append(data[data.index(b" ", place) + 1 : end].decode(errors="surrogateescape"))
        place = end + 1 + width
    return names
