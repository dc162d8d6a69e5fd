"""What the shims know of the policy, so that they need not start Python: written down after every judgement."""

import contextlib
import os
import pickle
import sys
from pathlib import Path

from guard.errors import GuardError
from guard.git import Repo
from guard.policy import FILE, Policy, beginning_of, matcher, parse, pathspec, shell_pattern
from merge.laws import DEFAULT as LAWS

VERSION = "5"
"""Of the shims and of what is written down here: a change of either is a new version, and no other is believed."""


def current_policy(repo: Repo, folder: Path) -> Policy:
    """The policy at HEAD, and the watch file brought up to it.

    The compiled policy is kept under its blob's name, so that another blob is never taken for it. Where guard.toml
    cannot be used, the newest one that can judges on, and that is said: the commit that repairs it has to pass.
    """
    found = repo.reader.find(f"HEAD:{FILE}")
    oid, data = (found.id, found.data) if found is not None else ("", None)
    kept = folder / f"policy-{VERSION}-{oid or 'none'}"
    try:
        policy = pickle.loads(kept.read_bytes())  # noqa: S301 - it lies where the hooks themselves do
        if isinstance(policy, Policy) and _whole(policy) and _said(folder) == oid:
            return policy
    except Exception:  # noqa: BLE001, S110 - whatever is wrong with it, it is only a copy
        pass
    try:
        policy = parse(data)
    except GuardError as error:
        _unlink(folder / "watch")
        print(f"{error.text()}\nguard: the newest {FILE} that can be used judges until it is repaired", file=sys.stderr)
        return _newest_usable(repo)
    write(folder, oid, policy)
    _put(kept, pickle.dumps(policy))
    for other in folder.glob("policy-*"):
        if other != kept:
            other.unlink(missing_ok=True)
    return policy


def _whole(policy: Policy) -> bool:
    """Whether a kept policy has what this version of guard asks of one: another may have kept it."""
    return all(vars(each).keys() >= type(each).__dataclass_fields__.keys() for each in (policy, policy.laws))


def _newest_usable(repo: Repo) -> Policy:
    """The policy of the newest guard.toml that can be used, the defaults where there never was one."""
    for commit in repo.run("rev-list", "HEAD", "--", f":/{FILE}").split():
        data = repo.reader.read(f"{commit}:{FILE}")
        if data is not None:
            try:
                return parse(data)
            except GuardError:
                continue
    return Policy()


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def write(folder: Path, oid: str, policy: Policy) -> None:
    """Write the watch file: shell functions that say which paths need a judgement."""
    import json  # here: it is written seldom
    import shlex

    protected = (*policy.canonical, *(glob for globs in policy.append_globs().values() for glob in globs))
    counted = [
        path for count in policy.counts for path in (count.file, count.source.partition("#")[0], count.files) if path
    ]
    watched = dict.fromkeys((FILE, f"{policy.inbox}*", *protected, *counted))
    specs = " ".join(shlex.quote(pathspec(glob)) for glob in (*policy.canonical, FILE))
    excepted = " ".join(shlex.quote(f":(top,exclude,glob){glob}") for glob in (*policy.canonical_except, policy.roster))
    inbox = shlex.quote(f":(top,exclude){policy.inbox}")
    folder_spec = shlex.quote(f":(top){policy.inbox}")
    text = (
        f"guard_policy={oid}\n"
        f"guard_prefix={int(policy.prefix)}\n"
        f"guard_upstream={shlex.quote(f'refs/remotes/{policy.remote}/{policy.branch}')}\n"
        f"guard_inbox={shlex.quote(policy.inbox if _plain(policy) else '')}\n"
        f"guard_most={min(policy.most_deletions, policy.deletion_folder // 2)}\n"
        f"guard_watched() {{ case $1 in {'|'.join(map(shell_pattern, watched))}) return 0;; esac; return 1; }}\n"
        f"guard_diff() {{ $1 -- {specs} {excepted} {inbox}; }}\n"
        f"guard_moved() {{ $1 -- {specs} {folder_spec} {excepted}; }}\n"
        f"#quick {json.dumps(_limits(policy))}\n"
        f"guard_version={VERSION}\n"  # last: a file that was cut off is not believed
    )
    _put(folder / "watch", text.encode())


def _plain(policy: Policy) -> bool:
    """Whether deltas are what they are by default, so that `quick` knows what is right for certain."""
    delta = f"{policy.inbox}frame-1-x.json"
    counted = matcher([count.files for count in policy.counts if count.files])
    return policy.laws.lists == LAWS.lists and counted.match(delta) is None and policy.append_only(delta) is None


def _limits(policy: Policy) -> dict[str, object]:
    """What `quick` must know of the policy, and the agents' hook (`guarded`: how the paths begin that it judges)."""
    append = (glob for globs in policy.append_globs().values() for glob in globs)
    return {
        "guarded": sorted({beginning_of(glob) for glob in (*policy.canonical, policy.inbox, *append)}),
        "inbox": policy.inbox,
        "counter": policy.laws.counter,
        "upstream": f"refs/remotes/{policy.remote}/{policy.branch}",
        "max_bytes": policy.laws.max_bytes,
        "max_levels": policy.laws.max_levels,
    }


def _said(folder: Path) -> str:
    lines = (folder / "watch").read_text().split("\n")
    return lines[0].removeprefix("guard_policy=") if lines[-2:] == [f"guard_version={VERSION}", ""] else "?"


def _put(path: Path, data: bytes) -> None:
    """Write a file of guard's own, whole or not at all; that it cannot be written only makes hooks slower."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}")
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        pass


def move(repo: Repo, folder: Path, old: str, new: str) -> None:
    """Carry the note on which the shims rely over to a new commit, where guard.toml stays what it was."""
    try:
        policy, _, commit = (folder / "head").read_text().strip().partition(" ")
    except OSError:
        return
    found = repo.reader.find(f"{new}:{FILE}")
    if commit == old and (found.id if found else "") == policy:
        _put(folder / "head", f"{policy} {new}\n".encode())


def refresh(repo: Repo, folder: Path) -> None:
    """Bring the watch file up to HEAD; where guard.toml cannot be used there is none, and Python judges."""
    current_policy(repo, folder)
