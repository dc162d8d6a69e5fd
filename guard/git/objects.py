"""git's objects and differences, read: names, commits, trees. Pure: bytes in, values out."""

import re
from typing import NamedTuple

EMPTY_TREE = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
"""git's names of the tree without files."""

_COMMITTER = re.compile(r" (-?\d{1,18}) [+-]\d+$")


class Change(NamedTuple):
    """One path that differs: modes are octal strings, `000000` where the path is absent on that side."""

    old_mode: str
    new_mode: str
    old: str
    new: str
    status: str
    path: str


class Commit(NamedTuple):
    """What is known of a commit. `time` is the committer's, in seconds since 1970; `author` is `Name <mail>`."""

    id: str
    tree: str
    parents: tuple[str, ...]
    time: int
    message: str
    author: str = ""


class Object(NamedTuple):
    """An object as git has it: its name, `blob`, `tree`, `commit` or `tag`, and its content."""

    id: str
    kind: str
    data: bytes


def parse_commit(name: str, data: bytes) -> Commit:
    """A commit object, read."""
    head, _, message = data.decode(errors="surrogateescape").partition("\n\n")
    tree, parents, time, author = "", [], 0, ""
    for line in head.split("\n"):
        key, _, value = line.partition(" ")
        if key == "tree":
            tree = value
        elif key == "parent":
            parents.append(value)
        elif key == "author":
            author = value.rpartition(">")[0] + ">"
        elif key == "committer":
            match = _COMMITTER.search(value)
            time = int(match[1]) if match else 0  # other tools have written worse
    return Commit(name, tree, tuple(parents), time, message, author)


def parse_tree(data: bytes, hash_name: str) -> set[str]:
    """The names of files and folders in a tree object; a submodule is neither."""
    names = set()
    at, id_length = 0, 32 if hash_name == "sha256" else 20
    while at < len(data):
        end = data.index(b"\0", at)
        if not data.startswith(b"160000 ", at):
            names.add(data[data.index(b" ", at) + 1 : end].decode(errors="surrogateescape"))
        at = end + 1 + id_length
    return names


def parse_raw(out: str) -> list[Change]:
    """The changes in `--raw -z` output."""
    fields = out.split("\0")[:-1]
    changes = []
    for head, path in zip(fields[::2], fields[1::2], strict=True):
        old_mode, new_mode, old, new, status = head.lstrip(":").split(" ")
        changes.append(Change(old_mode, new_mode, old, new, status, path))
    return changes


def blob_id(data: bytes, hash_name: str) -> str:
    """The name that git gives to a blob."""
    return object_id("blob", data, hash_name)


def object_id(kind: str, data: bytes, hash_name: str) -> str:
    """The name that git gives to an object."""
    import hashlib  # here, as above

    digest = hashlib.new(hash_name, b"%s %d\0" % (kind.encode(), len(data)))
    digest.update(data)
    return digest.hexdigest()
