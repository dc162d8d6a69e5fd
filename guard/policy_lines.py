"""Where each value of guard.toml comes from: the line that states it, or the default.

tomllib tells no lines, so the file is taken apart at its statements: the shortest runs of lines that are TOML by
themselves. What a statement says is read by tomllib, so that every spelling of a key is understood.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from guard.policy import Policy


def lines_of(text: str) -> dict[str, int]:
    """Key path -> the line, from 1, on which it is first stated. The text must be TOML."""
    found: dict[str, int] = {}
    header = ""
    for number, statement in _statements(text):
        value = tomllib.loads(statement)
        paths = list(_paths(value, ""))
        if statement.lstrip().startswith("["):
            header = max(paths, key=len, default="")
            paths = [path for path in paths if path]
        elif header:
            paths = [f"{header}.{path}" for path in paths]
        for path in paths:
            found.setdefault(path, number)
    return found


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """The statements of a TOML text, each with the line on which it begins."""
    begun, kept = 0, ""
    for number, line in enumerate(text.split("\n"), 1):
        if not kept and (not line.strip() or line.lstrip().startswith("#")):
            continue
        begun, kept = (begun, kept + line + "\n") if kept else (number, line + "\n")
        try:
            tomllib.loads(kept)
        except tomllib.TOMLDecodeError:
            continue  # it goes on: an array or a text of several lines
        yield begun, kept
        kept = ""


def _paths(value: Any, above: str) -> Iterator[str]:
    """The paths of all keys of a table, those of arrays of tables without their places."""
    tables = value if isinstance(value, list) else [value]
    for table in tables:
        for key, below in table.items() if isinstance(table, dict) else ():
            path = f"{above}.{key}" if above else key
            yield path
            yield from _paths(below, path)


def values_of(policy: Policy) -> dict[str, Any]:
    """Key path of guard.toml -> the value that counts, as JSON has it: the keys of schemas/policy.schema.json."""
    laws = policy.laws
    return {
        "repository.branch": policy.branch,
        "repository.remote": policy.remote,
        "repository.refs": policy.refs,
        "repository.timeout": policy.timeout,
        "canonical.paths": list(policy.canonical),
        "canonical.except": list(policy.canonical_except),
        "inbox.path": policy.inbox,
        "append_only.rows": list(policy.append_rows),
        "append_only.sections": list(policy.append_sections),
        "append_only.files": list(policy.append_files),
        "roster.path": policy.roster,
        "claims.minutes": policy.lease_minutes,
        "claims.tolerance": policy.lease_tolerance,
        "records.board": policy.board,
        "records.notes": policy.notes,
        "records.sessions": policy.sessions,
        "records.lessons": policy.lessons,
        "delta.max_bytes": laws.max_bytes,
        "delta.max_levels": laws.max_levels,
        "messages.prefix": policy.prefix,
        "messages.exempt": list(policy.exempt_authors),
        "deletions.files": policy.most_deletions,
        "deletions.folder": policy.deletion_folder,
        "allow.never": list(policy.never_allow),
        "hooks.strict": policy.strict,
        "shell.target": policy.shell_target,
        "shell.macos": policy.shell_macos,
        "worktree.copy": list(policy.copy),
        "delivery.by": policy.deliver_by,
        "counts": [_stated(asdict(count)) for count in policy.counts],
        "merge.baseline": policy.baseline,
        "merge.from_beginning": policy.from_beginning,
        "merge.keep_frames": policy.keep_frames,
        "merge.author": policy.author,
        "merge.signers": policy.signers,
        "merge.lists": [_stated(asdict(law)) for law in laws.lists],
        "merge.maps": [_stated(asdict(law)) for law in laws.maps],
        "merge.totals.file": laws.totals.file,
        "merge.totals.adds": dict(laws.totals.adds),
        "merge.totals.recounts": dict(laws.totals.recounts),
        "merge.totals.last": laws.totals.last,
        "merge.counter": laws.counter,
        "merge.pages": laws.pages,
        "merge.registers": laws.registers,
        "merge.editable": list(laws.editable),
        "merge.not_editable": list(laws.not_editable),
    }


def _stated(record: dict[str, Any]) -> dict[str, Any]:
    """A record without what it leaves empty."""
    return {key: value for key, value in record.items() if value not in ("", (), {}, False)}
