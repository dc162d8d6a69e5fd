"""`guard config`: the policy that counts, key by key, and where each value comes from."""

import json
from typing import Any

from guard.errors import GuardError
from guard.git import Repo
from guard.plan import policy_on_disk
from guard.policy import FILE, parse
from guard.policy_lines import lines_of, values_of
from guard.report import Report


def run(repo: Repo, report: Report) -> int:
    """Print every key with its value and origin, and whether the work tree's file says otherwise."""
    head = repo.resolve("HEAD")
    data = repo.file(head, FILE) if head else None
    policy = parse(data)
    lines = lines_of(data.decode()) if data is not None else {}
    values = values_of(policy)
    entries: list[dict[str, Any]] = []
    for key, value in values.items():
        line = lines.get(key)
        entries.append({"key": key, "value": value, "from": f"{FILE}:{line}" if line else "default", "line": line})
    report.table(("key", "value", "from"), [(each["key"], _short(each["value"]), each["from"]) for each in entries])
    source = f"{FILE} of commit {head[:12]}" if head and data is not None else f"no {FILE} is committed: all defaults"
    notes = _notes(repo, data)
    report.say(source)
    for note in notes:
        report.warn(note)
    commit = head if data is not None else None
    report.result({"commit": commit, "values": entries, "notes": notes, "exit": 0})
    return 0


def _short(value: object) -> str:
    """A value as it fits into a table: laws and counts by what tells them apart, which --json spells out."""
    if isinstance(value, list):
        return "\n".join(_named(each) if isinstance(each, dict) else str(each) for each in value) or "none"
    if isinstance(value, dict):
        return "\n".join(f"{key} = {each}" for key, each in value.items()) or "none"
    if value is None or value == "":
        return "none"
    return value if isinstance(value, str) else json.dumps(value)


def _named(record: dict[str, Any]) -> str:
    """A count by the place of its number, a law of a map by the place of its records, one of a list by what it does."""
    if "law" in record:
        return f"{record['name']}: {record['law']}"
    if "pattern" in record:
        return f"{record['file']} /{record['pattern']}/"
    return f"{record['file']}#{record.get('pointer') or '/' + record['at']}"


def _notes(repo: Repo, committed: bytes | None) -> list[str]:
    """What a person might wonder at: an edit of guard.toml that does not count yet, or that never could."""
    if repo.bare:
        return []
    try:
        here = policy_on_disk(repo)
    except OSError as error:
        return [f"{FILE} of the work tree cannot be read: {error.strerror}"]
    if here == committed:
        return []
    notes = [f"{FILE} of the work tree differs; what is committed counts"]
    try:
        parse(here)
    except GuardError as error:
        notes.append(f"committed as it is, nothing could be judged: {error.what}")
    return notes
