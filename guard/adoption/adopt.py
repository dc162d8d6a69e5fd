"""Adopting guard: what `guard init` writes into a work tree, and why it may not."""

import re
import shlex
from collections import ChainMap
from dataclasses import dataclass
from pathlib import Path

from guard.adoption import protocol
from guard.errors import GuardError
from guard.git import Repo
from guard.plan import Tree
from guard.policy import FILE, Policy, parse
from merge import values
from merge.delta import MAX_FRAME, frame_in_name
from merge.files import recounted, templates
from merge.laws import Laws

ATTRIBUTES = ".gitattributes"
_ATTRIBUTES = ("state/** -text merge=binary",)
_HEADER = """\
# guard: how this repository stays whole while many write to it. Every key that is left out has its default.
"""


@dataclass(frozen=True)
class Adoption:
    """The files to write (path below the top -> content), and the baseline that they state."""

    files: dict[str, bytes]
    baseline: str


def adoption(repo: Repo, top: Path, *, from_beginning: bool) -> Adoption:
    """Work out what is missing; nothing is written. Raises `GuardError` where adopting would freeze something wrong."""
    head = repo.resolve("HEAD")
    existing = _read(top / FILE)
    policy = parse(existing)
    if not policy.baseline:
        _check_committed(repo, policy)
    tree = Tree(repo, head)
    _check_state(repo, tree, policy, head)
    if from_beginning and not policy.baseline:
        _check_zero(tree, policy.laws)
    baseline = policy.baseline or head or repo.null
    files: dict[str, bytes] = {}
    if not policy.baseline:
        branch = repo.branch()
        start = existing if existing is not None or branch in ("", policy.branch) else _branch(branch)
        files[FILE] = _with_baseline(start, baseline, from_beginning=from_beginning)
    attributes = _read(top / ATTRIBUTES) or b""
    missing = [line for line in _ATTRIBUTES if line.encode() not in attributes.splitlines()]
    if missing:
        glue = b"" if not attributes or attributes.endswith(b"\n") else b"\n"
        files[ATTRIBUTES] = attributes + glue + "".join(f"{line}\n" for line in missing).encode()
    if not (top / policy.inbox).is_dir():
        files[f"{policy.inbox}.gitkeep"] = b""
    if not policy.baseline:  # later, only a merge may create them, and it does
        files |= {path: data for path, data in templates(policy.laws).items() if not (top / path).exists()}
        wanted = protocol.coordination(policy)
        files |= {path: data for path, data in wanted.items() if not _there(top / path)}
        if policy.laws.counter in files and not from_beginning:
            files[policy.laws.counter] = _counter(repo, policy, head)
    made = {path: data for path, data in files.items() if policy.is_canonical(path)}
    files |= {path: data for path, data in recounted(ChainMap(made, tree), policy.laws).items() if path in made}  # type: ignore[arg-type]  # nothing writes to it
    return Adoption(files, baseline)


def write(top: Path, adoption: Adoption) -> None:
    """Write the files of an adoption; one that is replaced (guard.toml, .gitattributes) was only added to."""
    for name, data in adoption.files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.guard-part")
        part.write_bytes(data)
        part.replace(path)


def pending(repo: Repo, top: Path, *more: str) -> list[str]:
    """Files of an adoption that were written and are not committed yet; `more` are others."""
    policy = parse(_read(top / FILE))
    names = [FILE, ATTRIBUTES, *more, f"{policy.inbox}.gitkeep", *templates(policy.laws)]
    names += protocol.coordination(policy)
    said = repo.run("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", *names).split("\0")
    return sorted(line[3:] for line in said if line[:2] in ("??", "A ", "AM") or line[3:] in (FILE, ATTRIBUTES, *more))


def _there(path: Path) -> bool:
    """Whether a file is there, or for a placeholder, its folder."""
    return path.parent.is_dir() if path.name == ".gitkeep" else path.exists() or path.is_symlink()


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _branch(branch: str) -> bytes:
    """The start of a guard.toml for a state branch that is not called `main`."""
    return f'{_HEADER}\n[repository]\nbranch = "{branch}"\n'.encode()


def _counter(repo: Repo, policy: Policy, head: str | None) -> bytes:
    """The frame counter of a fleet that had none: its newest delta's frame, which counts as closed."""
    names = [path[len(policy.inbox) :] for _, _, path in repo.tree(head, policy.inbox)] if head else []
    frames = [frame for name in names if 0 <= (frame := frame_in_name(name)) <= MAX_FRAME]
    return b'{\n  "frame": %d\n}\n' % max(frames, default=0)


def _check_committed(repo: Repo, policy: Policy) -> None:
    """State that is not committed would become an edit outside a merge as soon as it is."""
    words = ("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", ":(top)state")
    lines = repo.run(*words).split("\0")
    found = [line[3:] for line in lines if line and policy.is_canonical(line[3:])]
    if found:
        names = " ".join(map(shlex.quote, found[:20]))
        raise GuardError(
            "state",
            f"canonical state is not committed: {', '.join(found[:5])}",
            "after adoption only a merge may change it, and this would be such a change",
            f"git add -- {names} && git commit -m '[S1] state: as it is' -- {names}",
        )


def _with_baseline(existing: bytes | None, baseline: str, *, from_beginning: bool) -> bytes:
    """guard.toml with the baseline in it; what was in it stays as it was."""
    lines = f'baseline = "{baseline}"  # canonical state is protected from here on\n'
    if from_beginning:
        lines += "from_beginning = true  # deltas from before are merged too\n"
    text = existing.decode() if existing is not None else _HEADER
    table = re.search(r"^[ \t]*\[merge\][^\n]*\n", text, re.MULTILINE)
    if table:
        text = text[: table.end()] + lines + text[table.end() :]
    else:
        text += f"{'' if text.endswith(chr(10)) else chr(10)}\n[merge]\n{lines}"
    parse(text.encode())  # it must still be a policy
    return text.encode()


def _check_state(repo: Repo, tree: Tree, policy: Policy, head: str | None) -> None:
    """Every canonical file must be readable before it is protected: afterwards only a restore could mend it."""
    if head is None:
        return
    for _, _, path in repo.tree(head, "state"):
        if not (policy.is_canonical(path) and path.endswith(".json")):
            continue
        try:
            values.parse(tree[path])
        except values.BadJson as error:
            raise GuardError(
                "state",
                f"{path} cannot be read: {error}",
                "adopting guard now would protect a broken file",
                f"mend {path}, commit it, then guard init",
            ) from None


def _check_zero(tree: Tree, laws: Laws) -> None:
    """Merging from the beginning counts every delta there ever was, so nothing may be counted yet."""
    for file, place in counters(tree, laws):
        raise GuardError(
            "state",
            f"{file}#{place} is not zero",
            "with --from-beginning every delta of history is counted, and those counted already would count twice",
            "set the counters to 0 and commit, or leave --from-beginning out",
        )


def counters(tree: Tree, laws: Laws) -> list[tuple[str, str]]:
    """The (file, pointer) of every counter that a law adds to and that is above zero."""
    found = []
    totals = _object(tree, laws.totals.file)
    found += [(laws.totals.file, f"/{key}") for key in laws.totals.adds if _positive(totals.get(key))]
    for law in laws.maps:
        records = _object(tree, law.file).get(law.at)
        for name, record in records.items() if isinstance(records, dict) else ():
            if isinstance(record, dict):
                found += [(law.file, f"/{law.at}/{name}/{key}") for key in law.counts if _positive(record.get(key))]
    return found


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _object(tree: Tree, path: str) -> dict[str, object]:
    data = tree.get(path)
    value = values.parse(data) if data is not None else {}
    return value if isinstance(value, dict) else {}
