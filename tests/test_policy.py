"""Properties of guard.policy and guard.errors: what a guard.toml means, and what is said of one that means nothing."""

import copy
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import schema
from guard.errors import GuardError
from guard.policy import Count, Policy, matcher, parse
from guard.policy_table import Table
from guard.policy_values import BYTES, FRAMES, LEVELS, NOT_A_LIST
from merge.delta import Entry
from merge.fold import fold, page_path, rejected_path
from merge.laws import DEFAULT, ListLaw, MapLaw, TotalsLaw

# ---- what the tests work with ------------------------------------------------------------------------------------

FULL = """
[repository]
branch = "trunk"
remote = "hub"
refs = "refs/heads/guard/"
timeout = 30

[canonical]
paths = ["state/*.json", "state/ledger/**", "state/tickets/**", "state/writers/**"]
except = ["state/shift.json"]

[inbox]
path = "drop/deltas"

[append_only]
rows = ["log/*.md"]
sections = ["notes/**/NEXT.md"]
files = ["lessons/**"]

[roster]
path = "state/shift.json"

[claims]
minutes = 45
tolerance = 0

[records]
board = "plan/lanes.md"
notes = "plan/notes.md"
sessions = "plan/sessions.md"
lessons = "lessons"

[delta]
max_bytes = 4096
max_levels = 12

[messages]
prefix = false
exempt = ["till of the shop <till@shop.invalid>"]

[deletions]
files = 7
folder = 4

[delivery]
by = "branch"

[worktree]
copy = ["config/*.env", "state/draft/**"]

[shell]
target = "bash4.4"
macos = "14"

[allow]
never = ["G202", "G401"]

[hooks]
strict = true

[[counts]]
file = "state/totals.json"
pointer = "/shops/0/clerks~1all"
length = "state/clerks.json#/clerks"

[[counts]]
file = "README.md"
pattern = "([0-9]+) lessons"
files = "lessons/**"
matches = "^# "
optional = true

[[counts]]
file = "state/totals.json"
pointer = "/sales"
sum = "state/clerks.json#/clerks/*/sales made"

[[counts]]
file = "state/totals.json"
pointer = "/today"
value = "state/day.json#/frame"

[merge]
baseline = "0123456789abcdef0123456789abcdef01234567"
from_beginning = true
keep_frames = 3
author = "merge of the shop <merge@shop.invalid>"
signers = "keys/merge"
counter = "state/day.json"
pages = "state/ledger"
registers = "state/writers"
editable = ["state/*.json"]
not_editable = ["state/shift.json"]

[[merge.lists]]
name = "clerks"
law = "set"
attributed = true

[[merge.lists]]
name = "tickets"
law = "one-per-key"
key = ["number", "id"]
key_type = "integer"
index = "state/tickets"
roles = { clerk = ["by"], shop = ["at", "shop"] }

[[merge.lists]]
name = "sales"
law = "additive"
count = "pieces"
roles = { clerk = ["by"] }

[[merge.maps]]
file = "state/clerks.json"
at = "clerks"
role = "clerk"
listed = ["clerks"]
counts = { ticket_count = "tickets", "sales made" = "sales" }
last = "seen"
name = "badge"

[merge.totals]
file = "state/totals.json"
adds = { tickets = "tickets" }
recounts = { clerks = "state/clerks.json" }
last = "as_of"
"""
"""A policy that states every key, and none as it is by default."""


def toml(value: Any) -> str:
    """A value as TOML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(key))} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def file_of(values: dict[str, Any]) -> bytes:
    """A guard.toml that holds these values."""
    return "".join(f"{toml(key)} = {toml(value)}\n" for key, value in values.items()).encode()


def problems(data: str | bytes) -> list[str]:
    """The lines in which `parse` says what is wrong; none where it is content."""
    try:
        parse(data.encode() if isinstance(data, str) else data)
    except GuardError as error:
        return [line.strip() for line in error.what.split("\n")[1:]]
    return []


# ---- what a policy means -----------------------------------------------------------------------------------------


def test_an_absent_file_means_the_defaults() -> None:
    """No file, an empty file and one of comments mean the defaults of the contract."""
    policy = parse(None)
    assert policy == parse(b"") == parse(b"# nothing\r\n") == Policy()
    assert (policy.branch, policy.remote, policy.inbox) == ("main", "origin", "state/stream_deltas/")
    assert policy.roster == "state/stream_assignments.json"
    assert (policy.baseline, policy.from_beginning, policy.keep_frames) == (None, False, 7)
    assert policy.author == "guard merge <merge@guard.invalid>"
    assert (policy.prefix, policy.exempt_authors, policy.never_allow, policy.strict) == (True, (), (), False)
    assert policy.copy == ()
    assert (policy.timeout, policy.deliver_by) == (120, "refs")
    assert (policy.most_deletions, policy.deletion_folder) == (20, 10)
    assert [f"{count.file}#{count.pointer}" for count in policy.counts] == [
        "state/agents.json#/_meta/count",
        "state/stats.json#/total_agents",
        "state/stats.json#/total_channels",
    ]
    assert policy.laws == DEFAULT


def test_a_file_that_states_the_defaults_means_the_defaults() -> None:
    """The defaults that the schema shows, written into a file, are the policy of an absent file."""
    values: dict[str, Any] = {}
    for place, described in leaves(schema.load("policy")):
        if "default" in described:
            table = values
            for key in place[:-1]:
                table = table.setdefault(key, {})
            table[place[-1]] = described["default"]
    assert parse(file_of(values)) == Policy()
    assert [".".join(place) for place, described in leaves(schema.load("policy")) if "default" not in described] == [
        "merge.baseline",
        "merge.signers",
    ]


def test_every_key_arrives() -> None:
    """Each key of a policy that states them all is found in its own place."""
    policy = parse(FULL.encode())
    assert (policy.branch, policy.remote, policy.refs) == ("trunk", "hub", "refs/heads/guard/")
    assert (policy.lease_minutes, policy.lease_tolerance) == (45, 0)
    assert (policy.board, policy.notes, policy.sessions) == ("plan/lanes.md", "plan/notes.md", "plan/sessions.md")
    assert policy.lessons == "lessons/"
    assert policy.canonical == ("state/*.json", "state/ledger/**", "state/tickets/**", "state/writers/**")
    assert policy.canonical_except == ("state/shift.json",)
    assert policy.inbox == "drop/deltas/"
    assert (policy.append_rows, policy.append_sections) == (("log/*.md",), ("notes/**/NEXT.md",))
    assert (policy.append_files, policy.roster) == (("lessons/**",), "state/shift.json")
    assert policy.baseline == "0123456789abcdef0123456789abcdef01234567"
    assert (policy.from_beginning, policy.keep_frames) == (True, 3)
    assert (policy.prefix, policy.exempt_authors) == (False, ("till of the shop <till@shop.invalid>",))
    assert (policy.most_deletions, policy.deletion_folder, policy.never_allow) == (7, 4, ("G202", "G401"))
    assert policy.strict is True
    assert policy.copy == ("config/*.env", "state/draft/**")
    assert (policy.timeout, policy.deliver_by) == (30, "branch")
    assert policy.counts == (
        Count("state/totals.json", "/shops/0/clerks~1all", how="length", source="state/clerks.json#/clerks"),
        Count("README.md", pattern="([0-9]+) lessons", files="lessons/**", matches="^# ", optional=True),
        Count("state/totals.json", "/sales", how="sum", source="state/clerks.json#/clerks/*/sales made"),
        Count("state/totals.json", "/today", how="value", source="state/day.json#/frame"),
    )
    assert (policy.author, policy.signers) == ("merge of the shop <merge@shop.invalid>", "keys/merge")
    laws = policy.laws
    assert (laws.max_bytes, laws.max_levels) == (4096, 12)
    assert laws.lists == (
        ListLaw("clerks", "set", attributed=True),
        ListLaw(
            "tickets",
            "one-per-key",
            key=("number", "id"),
            key_type="integer",
            index="state/tickets",
            roles={"clerk": ("by",), "shop": ("at", "shop")},
        ),
        ListLaw("sales", "additive", count="pieces", roles={"clerk": ("by",)}),
    )
    assert laws.maps == (
        MapLaw(
            "state/clerks.json",
            "clerks",
            role="clerk",
            listed=("clerks",),
            counts={"ticket_count": "tickets", "sales made": "sales"},
            last="seen",
            name="badge",
        ),
    )
    assert laws.totals == TotalsLaw(
        "state/totals.json", adds={"tickets": "tickets"}, recounts={"clerks": "state/clerks.json"}, last="as_of"
    )
    assert (laws.counter, laws.pages, laws.registers) == ("state/day.json", "state/ledger", "state/writers")
    assert (laws.editable, laws.not_editable) == (("state/*.json",), ("state/shift.json",))


def test_keys_that_are_not_stated_keep_their_defaults() -> None:
    """A table with one key leaves the defaults of its other keys alone, and so does merge.totals."""
    policy = parse(b'repository.remote = "hub"\nmerge.totals.last = ""\ninbox.path = "drop/"\n')
    assert (policy.branch, policy.remote, policy.inbox) == ("main", "hub", "drop/")
    assert policy.laws.totals == TotalsLaw(
        DEFAULT.totals.file, dict(DEFAULT.totals.adds), dict(DEFAULT.totals.recounts), last=""
    )


def test_what_is_not_canonical_is_not_editable() -> None:
    """The roster and the files that canonical.except takes out are out of reach for edits without saying so."""
    policy = parse(b'roster.path = "state/shift.json"\ncanonical.except = ["state/own.json", "x/**"]')
    assert policy.laws.not_editable == ("state/shift.json", "state/own.json")


@pytest.mark.parametrize(
    ("glob", "names", "not_names"),
    [
        ("a", ["a"], ["b", "a/b", "aa", "A", "a\n", ""]),
        ("*.json", ["x.json", ".json", "a b.json", "a\nb.json"], ["d/x.json", "x.json5", "x.json\n"]),
        ("s/*.json", ["s/x.json"], ["s/d/x.json", "x.json", "t/s/x.json"]),
        ("s/?.md", ["s/x.md", "s/é.md"], ["s/.md", "s/xy.md", "s//.md"]),
        ("s/**", ["s/x", "s/x/y", "s/x\ny"], ["s", "s/", "sx/y"]),
        ("**/x", ["x", "a/x", "a/b/x"], ["ax", "x/a"]),
        ("a/**/b*", ["a/b", "a/x/b", "a/x/y/bc"], ["ab", "a/b/c", "a/xb"]),
        ("**", ["x", "a/b"], [""]),
        ("*a?b*c", ["axbc", "aab1abbcc", "xxa.bc"], ["abc", "axbcd", "axb/c"]),
        ("*a" * 40 + "b", ["a" * 40 + "b", "a" * 200 + "b"], ["a" * 250]),
        ("a/**/b/*/**/c", ["a/b/x/c", "a/b/b/x/y/c", "a/x/b/b/b/c"], ["a/b/c", "a/x/c", "b/x/c"]),
        ("a/**/**", ["a/x", "a/x/y"], ["a", "a/"]),
        ("**/" * 80 + "b", ["b", "a/" * 60 + "b"], ["a/" * 60 + "c"]),
        ("**/a/*/" * 20 + "b", ["a/" * 40 + "b"], ["a/" * 60 + "c"]),
        ("a.b+c(d)|e$", ["a.b+c(d)|e$"], ["axb+c(d)|e$", "e$"]),
    ],
)
def test_globs(glob: str, names: list[str], not_names: list[str]) -> None:
    """Stars and question marks stay within one part of a path, two stars do not, everything else is itself."""
    found = matcher((glob,))
    assert [path for path in names + not_names if found.match(path)] == names


@given(st.text("a?*", min_size=1, max_size=8), st.text("ab", min_size=1, max_size=8))
def test_a_glob_within_one_part_is_what_fnmatch_says(glob: str, name: str) -> None:
    """Where no slash is in play, globs mean what they mean elsewhere."""
    assert (matcher((re.sub(r"\*+", "*", glob),)).match(name) is not None) is fnmatchcase(name, glob)


def test_no_globs_name_nothing() -> None:
    """An empty list of globs matches no path, not even the empty one."""
    assert not any(matcher(()).match(path) for path in ("", "a", "a/b"))
    assert parse(b"append_only.rows = []").append_only("memory/INDEX.md") is None


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("state/agents.json", True),
        ("state/new.json", True),
        ("state/frames/000/frame-489.json", True),
        ("state/frames/rejected/0f.json", True),
        ("state/posts/000/00012.json", True),
        ("state/registers/layout.json", True),
        ("state/stream_assignments.json", False),
        ("state/stream_deltas/frame-1-a.json", False),
        ("state/deep/x.json", False),
        ("state/notes.md", False),
        ("tasks/NEXT.md", False),
        ("guard.toml", False),
    ],
)
def test_canonical_by_default(path: str, canonical: bool) -> None:
    """By default the state files, pages, index and registers are canonical; roster, inbox and others are not."""
    assert Policy().is_canonical(path) is canonical


def test_some_things_never_are_canonical() -> None:
    """Inbox, roster and guard.toml are not canonical, whatever the globs say."""
    policy = parse(b'canonical.paths = ["**"]\ncanonical.except = ["tasks/**", "memory/**"]\ninbox.path = "in"\n')
    named = ["x", "in2/x", "state/agents.json", "sub/guard.toml"]
    others = ["guard.toml", "in/frame-1-a.json", "in/deep/x", "state/stream_assignments.json", "tasks/a"]
    assert [path for path in named + others if policy.is_canonical(path)] == named
    assert [path for path in named + others if policy.in_inbox(path)] == ["in/frame-1-a.json", "in/deep/x"]


def test_append_only() -> None:
    """A path grows by rows, by sections, as a file, or is free; rows go before sections before files."""
    policy = Policy()
    assert policy.append_only("tasks/SWARM-LANES.md") == policy.append_only("memory/INDEX.md") == "rows"
    assert policy.append_only("tasks/NEXT.md") == "sections"
    assert policy.append_only("memory/lessons/2026-01-01.md") == "files"
    assert policy.append_only("memory/lessons/deep/x.md") is None
    assert policy.append_only("README.md") is None
    assert parse(b'append_only.files = ["memory/**"]').append_only("memory/INDEX.md") == "rows"


def test_paths_that_are_not_utf8_can_be_asked_for() -> None:
    """A path with undecodable bytes is judged like any other."""
    assert Policy().is_canonical(os.fsdecode(b"state/\xff.json"))


# ---- the laws hold together with the merge -----------------------------------------------------------------------


def delta(frame: int, stream: str, **said: Any) -> Entry:
    """A delta as a file of the inbox."""
    value = {"frame": frame, "stream_id": stream, "completed_at": "2026-03-20T06:25:00Z", **said}
    return Entry(f"frame-{frame}-{stream}.json", json.dumps(value).encode())


@pytest.mark.parametrize("text", ["", FULL], ids=["default", "full"])
def test_all_that_the_merge_writes_is_canonical(text: str) -> None:
    """Whatever a fold under a policy's laws writes, that policy protects."""
    policy = parse(text.encode())
    counter = policy.laws.counter
    posts = [{"number": number, "author": "a", "by": "a"} for number in (1, 10**6, 10**13)]
    edits = {f"{counter}#/note": "é", f"{policy.laws.totals.file}#/x/y": 1}
    entries = [
        delta(1, "a", posts_created=posts, tickets=posts, clerks=["c"], sales=[1], set=edits),
        delta(10**9, "a", comments_added=["c1"]),
        Entry("frame-1-b.json", b"{"),
        Entry("nameless.json", b"{"),
    ]
    outcome = fold({}, entries, policy.laws, schema.conforms("delta"))
    assert {page_path(1, policy.laws), page_path(10**9, policy.laws)} <= outcome.files.keys()
    assert rejected_path(outcome.rejected[0].digest, policy.laws)[:-7].rstrip("/") == f"{policy.laws.pages}/rejected"
    assert [path for path in outcome.files if not policy.is_canonical(path)] == []
    assert len(outcome.files) > 9


def test_no_list_is_named_like_a_key_of_a_page() -> None:
    """The keys that a page has besides its lists are refused as names of lists."""
    outcome = fold({}, [delta(1, "a")], DEFAULT, schema.conforms("delta"))
    page = json.loads(outcome.files[page_path(1, DEFAULT)])
    own = page.keys() - {law.name for law in DEFAULT.lists}
    assert own <= set(NOT_A_LIST)
    assert page["filtered"].keys() <= set(NOT_A_LIST)


# ---- mistakes ----------------------------------------------------------------------------------------------------

BAD_VALUES = [
    ("branch = 1", "branch: unknown key (there are allow, append_only,"),
    ("[repositry]", 'repositry: unknown key, did you mean "repository"?'),
    ("[delta]\nmax_level = 3", 'delta.max_level: unknown key, did you mean "max_levels"?'),
    ('"a b".c = 1', '"a b": unknown key'),
    ("repository = 1", "repository: an integer stands where a table belongs"),
    ("[[repository]]", "repository: an array stands where a table belongs"),
    ("repository.branch = true", "repository.branch: true or false stands where a string belongs"),
    ("repository.branch = 1979-05-27", "repository.branch: a date or time stands where a string belongs"),
    ('repository.branch = ""', 'repository.branch: "" is not the short name'),
    ('repository.branch = "refs/heads/main"', "repository.branch: "),
    ('repository.branch = "a..b"', "repository.branch: "),
    ('repository.remote = "https://host/x.git"', "repository.remote: "),
    ('canonical.paths = "state/**"', "canonical.paths: a string stands where an array belongs"),
    ("canonical.paths = []", "canonical.paths: it is empty"),
    ('canonical.paths = ["state/**", 1]', "canonical.paths[1]: an integer stands where a string belongs"),
    ('canonical.paths = ["state/**", "state/**"]', 'canonical.paths[1]: "state/**" stands there twice'),
    ('canonical.except = ["!state/x"]', "canonical.except[0]: "),
    ('canonical.except = ["state/[ab]"]', "canonical.except[0]: "),
    ('canonical.except = ["state/a**"]', "canonical.except[0]: "),
    ('canonical.except = ["state/{a,b}"]', "canonical.except[0]: "),
    ('canonical.except = ["state/"]', "canonical.except[0]: "),
    ('inbox.path = ""', "inbox.path: "),
    ('inbox.path = "/"', "inbox.path: "),
    ('inbox.path = "../deltas/"', "inbox.path: "),
    ('inbox.path = "state//deltas/"', "inbox.path: "),
    ('append_only.rows = ["/tasks/x.md"]', "append_only.rows[0]: "),
    ('append_only.sections = [".git/x"]', "append_only.sections[0]: "),
    ('append_only.files = ["a\\\\b"]', "append_only.files[0]: "),
    ('append_only.lines = ["a"]', 'append_only.lines: unknown key, did you mean "files"?'),
    ('roster.path = "state/roster.yaml"', 'roster.path: "state/roster.yaml" does not end in .json'),
    ('roster.path = "state/*.json"', "roster.path: "),
    ("delta.max_bytes = 1023", "delta.max_bytes: it is not between 1024 and 67108864"),
    ("delta.max_bytes = 67108865", "delta.max_bytes: "),
    ("delta.max_levels = 7", "delta.max_levels: it is not between 8 and 200"),
    ("delta.max_levels = 201", "delta.max_levels: "),
    ("delta.max_levels = true", "delta.max_levels: true or false stands where an integer belongs"),
    ("delta.max_levels = 12.5", "delta.max_levels: a number stands where an integer belongs"),
    ("messages.prefix = 1", "messages.prefix: an integer stands where true or false belongs"),
    ('messages.exempt = ["dependabot"]', 'messages.exempt[0]: "dependabot" is not Name <mail>'),
    ("deletions.files = 0", "deletions.files: it is not between 1 and 1000000000"),
    ("deletions.folder = 0", "deletions.folder: "),
    ("deletions.max = 1", "deletions.max: unknown key"),
    ('allow.never = ["G101"]', 'allow.never[0]: "G101" is not the code of a rule that can be let pass'),
    ('allow.never = ["G201\\n"]', "allow.never[0]: "),
    ('allow.never = "G201"', "allow.never: a string stands where an array belongs"),
    ('hooks.strict = "yes"', "hooks.strict: a string stands where true or false belongs"),
    ("hooks.strikt = true", 'hooks.strikt: unknown key, did you mean "strict"?'),
    ("repository.timeout = 0", "repository.timeout: it is not between 1 and 86400"),
    ("repository.timeout = 1.5", "repository.timeout: a number stands where an integer belongs"),
    ('delivery.by = "ref"', 'delivery.by: "ref" is not one of refs, branch'),
    ("delivery.way = 1", "delivery.way: unknown key"),
    ("worktree = []", "worktree: an array stands where a table belongs"),
    ('worktree.copy = "a"', "worktree.copy: a string stands where an array belongs"),
    ('worktree.copy = ["../a"]', "worktree.copy[0]: "),
    ('worktree.copy = ["a", ".git/config"]', "worktree.copy[1]: "),
    ('worktree.copies = ["a"]', 'worktree.copies: unknown key, did you mean "copy"?'),
    ("counts = {}", "counts: a table stands where an array belongs"),
    ("counts = [1]", "counts[0]: an integer stands where a table belongs"),
    ('counts = [{pointer = "/a", files = "b"}]', "counts[0].file: it is missing"),
    ('counts = [{file = "a.json", files = "b"}]', "counts[0].pointer: exactly one of pointer and pattern"),
    (
        'counts = [{file = "a.json", pointer = "/a", pattern = "(1)", files = "b"}]',
        "counts[0].pointer: exactly one of pointer and pattern",
    ),
    ('counts = [{file = "a.json", pointer = "/a"}]', "counts[0].files: exactly one of value, length, sum and files"),
    (
        'counts = [{file = "a.json", pointer = "/a", files = "b", sum = "a.json#/b"}]',
        "counts[0].files: exactly one of value,",
    ),
    (
        'counts = [{file = "a.json", pointer = "/a", sum = "a.json#/b", matches = "x"}]',
        "counts[0].matches: it needs files",
    ),
    ('counts = [{file = "a.json", pointer = "a", files = "b"}]', 'counts[0].pointer: "a" is not a JSON pointer'),
    ('counts = [{file = "a.json", pointer = "/~2", files = "b"}]', "counts[0].pointer: "),
    ('counts = [{file = "a.json", pointer = "/a\\n", files = "b"}]', "counts[0].pointer: "),
    ('counts = [{file = "a*", pointer = "/a", files = "b"}]', "counts[0].file: "),
    ('counts = [{file = "a.md", pattern = "", files = "b"}]', 'counts[0].pattern: "" is empty'),
    ('counts = [{file = "a.json", pointer = "/a", files = ""}]', "counts[0].files: "),
    ('counts = [{file = "a.json", pointer = "/a", length = "b.json"}]', 'counts[0].length: "b.json" is not <file>'),
    ('counts = [{file = "a.json", pointer = "/a", value = "b.md#/c"}]', "counts[0].value: "),
    ('counts = [{file = "a.json", pointer = "/a", value = "../b.json#/c"}]', "counts[0].value: "),
    ('counts = [{file = "a.json", pointer = "/a", value = "x//b.json#/c"}]', "counts[0].value: "),
    ('counts = [{file = "a.json", pointer = "/a", sum = "*.json#/c"}]', "counts[0].sum: "),
    ('counts = [{file = "a.json", pointer = "/a", files = "b", optional = 1}]', "counts[0].optional: an integer"),
    ('counts = [{file = "a.json", pointer = "/a", files = "b", least = 1}]', "counts[0].least: unknown key"),
    ("merge.keep_frames = -1", "merge.keep_frames: "),
    ("merge.keep_frames = 1_000_000_001", "merge.keep_frames: "),
    ("merge.from_beginning = 1", "merge.from_beginning: an integer stands where true or false belongs"),
    ('merge.baseline = ""', 'merge.baseline: "" is not the full id of a commit'),
    ('merge.baseline = "0123abc"', "merge.baseline: "),
    (f'merge.baseline = "{"A" * 40}"', "merge.baseline: "),
    (f'merge.baseline = "{"0" * 40}\\n"', "merge.baseline: "),
    ('merge.author = "merge"', 'merge.author: "merge" is not Name <mail>'),
    ('merge.author = "a <b> <c>"', "merge.author: "),
    ('merge.author = "a\\nb <c>"', "merge.author: "),
    ('merge.author = "a <b>\\n"', "merge.author: "),
    ('merge.author = "Inc. <b>"', "merge.author: "),
    ('merge.author = "guard <>"', "merge.author: "),
    ('merge.counter = "state/frame"', "merge.counter: "),
    ('merge.pages = "state/frames/"', "merge.pages: "),
    ('merge.registers = "state/./registers"', "merge.registers: "),
    ('merge.editable = ["state/**"]', 'merge.editable[0]: "state/**" may not hold **'),
    ('merge.not_editable = ["state/*.json"]', "merge.not_editable[0]: "),
    ('merge.lists = "a"', "merge.lists: a string stands where an array belongs"),
    ("merge.lists = [1]", "merge.lists[0]: an integer stands where a table belongs"),
    ('merge.lists = [{law = "set"}]', "merge.lists[0].name: it is missing"),
    ('merge.lists = [{name = "a"}]', "merge.lists[0].law: it is missing"),
    (
        'merge.lists = [{name = "a", law = "set"}, {name = "b", law = "set"}, {name = "c", law = "sum"}]',
        'merge.lists[2].law: "sum" is not one of one-per-key, additive, set, keep',
    ),
    ('merge.lists = [{name = "filtered", law = "set"}]', 'merge.lists[0].name: "filtered" cannot be a list'),
    ('merge.lists = [{name = "count", law = "set"}]', 'merge.lists[0].name: "count" cannot be a list'),
    ('merge.lists = [{name = "_meta", law = "set"}]', "merge.lists[0].name: "),
    ('merge.lists = [{name = "a b", law = "set"}]', "merge.lists[0].name: "),
    ('merge.lists = [{name = "a", law = "set", key = ["x"]}]', "merge.lists[0].key: it has no meaning under"),
    ('merge.lists = [{name = "a", law = "set", roles = {}}]', "merge.lists[0].roles: it has no meaning under"),
    ('merge.lists = [{name = "a", law = "additive", index = "state/a"}]', "merge.lists[0].index: it has no meaning"),
    ('merge.lists = [{name = "a", law = "keep", count = "x"}]', "merge.lists[0].count: it has no meaning under"),
    ('merge.lists = [{name = "a", law = "keep", attributed = true}]', "merge.lists[0].attributed: it has no meaning"),
    (
        'merge.lists = [{name = "a", law = "one-per-key", key = ["k"], count = "x"}]',
        "merge.lists[0].count: it has no meaning",
    ),
    ('merge.lists = [{name = "a", law = "one-per-key"}]', "merge.lists[0].key: it is missing"),
    ('merge.lists = [{name = "a", law = "one-per-key", key = []}]', "merge.lists[0].key: it is empty"),
    ('merge.lists = [{name = "a", law = "one-per-key", key = ["*"]}]', 'merge.lists[0].key[0]: "*" is not the name'),
    ('merge.lists = [{name = "a", law = "one-per-key", key = ["k"], key_type = "float"}]', "merge.lists[0].key_type: "),
    (
        'merge.lists = [{name = "a", law = "one-per-key", key = ["k"], index = "posts"}]',
        'merge.lists[0].index: "posts" is not below',
    ),
    ('merge.lists = [{name = "a", law = "keep", roles = {frames = ["x"]}}]', "merge.lists[0].roles.frames: "),
    ('merge.lists = [{name = "a", law = "keep", roles = {variants = ["x"]}}]', "merge.lists[0].roles.variants: "),
    ('merge.lists = [{name = "a", law = "keep", roles = {x = []}}]', "merge.lists[0].roles.x: it is empty"),
    ('merge.lists = [{name = "a", law = "keep", roles = {x = "y"}}]', "merge.lists[0].roles.x: a string stands"),
    ('merge.lists = [{name = "a", law = "keep", index_path = "x"}]', "merge.lists[0].index_path: unknown key"),
    ('merge.maps = [{file = "state/a.json", at = "a"}]', "merge.maps[0].role: it is missing"),
    ('merge.maps = [{file = "state/a.json", at = "_meta", role = "actor"}]', "merge.maps[0].at: "),
    ('merge.maps = [{file = "state/a", at = "a", role = "actor"}]', "merge.maps[0].file: "),
    ('merge.maps = [{file = "state/a.json", at = "a", role = "actor", counts = {x = 1}}]', "merge.maps[0].counts.x: "),
    ('merge.maps = [{file = "state/a.json", at = "a", role = "actor", last = "*"}]', "merge.maps[0].last: "),
    ("merge.totals = []", "merge.totals: an array stands where a table belongs"),
    ('merge.totals.adds = {"*" = "posts_created"}', 'merge.totals.adds."*": '),
    ('merge.totals.recounts = {total = "agents"}', "merge.totals.recounts.total: "),
    ('merge.totals.sums = "x"', "merge.totals.sums: unknown key"),
]
"""Mistakes that show in one value: a file, and how the problem that names it begins."""

TWO_LISTS = """
merge.lists = [{name = "a", law = "set"}, {name = "b", law = "additive", roles = {actor = ["by"]}},
  {name = "c", law = "one-per-key", key = ["k"], index = "state/posts", roles = {owner = ["of"]}},
  {name = "k", law = "keep"}]
merge.totals.adds = {}
merge.totals.recounts = {}
merge.maps = [{file = "state/x.json", at = "x", %s}]
"""

NO_COUNTS = "merge.maps = []\nmerge.totals = {adds = {}, recounts = {}}\n"

CLASHES = [
    ('records.board = "state/board.json"', "records.board: state/board.json is not the sessions' to write"),
    ('records.notes = "guard.toml"', "records.notes: guard.toml is not the sessions' to write"),
    (
        'records.lessons = "state/stream_deltas"',
        "records.lessons: state/stream_deltas/L-1.md is not the sessions' to write",
    ),
    ('records.notes = "memory/INDEX.md"', "records.sessions: records.notes has that name too"),
    (
        'counts = [{file = "a.md", pattern = "([0-9]+", files = "b"}]',
        'counts[0].pattern: "([0-9]+" is not a regular expression',
    ),
    (
        'counts = [{file = "a.md", pattern = "[0-9]+", files = "b"}]',
        'counts[0].pattern: "[0-9]+" has no group for the number',
    ),
    (
        'counts = [{file = "a.md", pattern = "(1)", files = "b", matches = "*"}]',
        'counts[0].matches: "*" is not a regular expression',
    ),
    (
        'counts = [{file = "state/x.json", pointer = "/n", files = "docs/*"}]',
        "counts[0]: a merge keeps this number",
    ),
    (
        'counts = [{file = "state/x.json", pointer = "/n", length = "state/frames/000/frame-1.json#/extra"}]',
        "counts[0]: pages, registers and indexes are not counted",
    ),
    (
        'counts = [{file = "state/stats.json", pointer = "/total_posts", length = "state/x.json#/y"}]',
        "counts[0]: the merge writes state/stats.json#/total_posts by another law",
    ),
    (
        (
            'counts = [{file = "a.json", pointer = "/n", length = "b.json#/y"},'
            ' {file = "state/x.json", pointer = "/n", value = "state/x.json#/m"},'
            ' {file = "state/x.json", pointer = "/m", length = "state/x.json#/y"}]'
        ),
        "counts[1]: state/x.json#/m is itself a count",
    ),
    (
        NO_COUNTS + 'merge.lists = [{name = "a", law = "set"}, {name = "a", law = "keep"}]',
        "merge.lists[1].name: merge.lists[0] has that name too",
    ),
    (TWO_LISTS % 'role = "actr"', 'merge.maps[0].role: "actr" is no list\'s role, did you mean "actor"?'),
    (TWO_LISTS % 'role = "actor", listed = ["aa"]', 'merge.maps[0].listed[0]: "aa" is no list, did you mean "a"?'),
    (TWO_LISTS % 'role = "actor", listed = ["b"]', 'merge.maps[0].listed[0]: the law of b is "additive", not set'),
    (TWO_LISTS % 'role = "actor", counts = {n = "z"}', 'merge.maps[0].counts.n: "z" is no list (there are a, b, c, k)'),
    (
        TWO_LISTS % 'role = "actor", counts = {n = "a"}',
        'merge.maps[0].counts.n: the law of a is "set", not one-per-key',
    ),
    (TWO_LISTS % 'role = "actor", counts = {n = "k"}', 'merge.maps[0].counts.n: the law of k is "keep", not one-per-'),
    (TWO_LISTS % 'role = "actor", counts = {n = "c"}', 'merge.maps[0].counts.n: the list c has no role "actor"'),
    (TWO_LISTS % 'role = "actor", counts = {n = "b"}, last = "n"', "merge.maps[0].last: merge.maps[0].counts writes"),
    (TWO_LISTS % 'role = "actor", last = "n", name = "n"', "merge.maps[0].name: merge.maps[0].last writes the field"),
    (
        'merge.totals.adds = {t = "post_created"}',
        'merge.totals.adds.t: "post_created" is no list, did you mean "posts_',
    ),
    ('merge.totals.adds = {t = "observations"}', "merge.totals.adds.t: the law of observations is"),
    ('merge.totals.recounts = {t = "state/agent.json"}', 'merge.totals.recounts.t: "state/agent.json" is no file of'),
    (
        'merge.totals.adds = {t = "posts_created"}\nmerge.totals.recounts = {t = "state/agents.json"}',
        'merge.totals.recounts.t: merge.totals.adds writes the field "t" already',
    ),
    ('merge.totals.last = "total_posts"', "merge.totals.last: merge.totals.adds writes the field"),
    ('merge.registers = "state/frames"', "merge.registers: state/frames and merge.pages (state/frames) overlap"),
    ('merge.registers = "state/frames/r"', "merge.registers: state/frames/r and merge.pages (state/frames) overlap"),
    (
        'merge.registers = "state/Frames"\ncanonical.paths = ["state/**"]',
        "merge.registers: state/Frames and merge.pages (state/frames) overlap",
    ),
    ('inbox.path = "state/frames/in"', "merge.pages: state/frames and inbox.path (state/frames/in) overlap; the value"),
    ('merge.counter = "state/stats.json"', "merge.totals.file: state/stats.json and merge.counter (state/stats.json)"),
    ('roster.path = "state/agents.json"', "merge.maps[0].file: state/agents.json and roster.path"),
    ('merge.counter = "data/frame.json"', "canonical.paths: data/frame.json is written by the merge (merge.counter)"),
    ('canonical.paths = ["state/*.json", "state/frames/**", "state/registers/**"]', "canonical.paths: state/posts/"),
    (
        'canonical.paths = ["state/*.json", "state/posts/**", "state/*/000/*", "state/registers/*"]',
        "canonical.paths: state/frames/1",
    ),
    ('canonical.except = ["state/registers/layout.json"]', "canonical.paths: state/registers/layout.json is written"),
    ('append_only.rows = ["state/log.json"]', 'append_only.rows[0]: "state/log.json" names canonical files'),
    ('append_only.files = ["**"]', 'append_only.files[0]: "**" names what guard.toml names: that is not append-only'),
    ('append_only.files = ["*/stream_deltas/*.json"]', "append_only.files[0]: "),
    ('append_only.sections = ["state/stream_assignments.json"]', "append_only.sections[0]: "),
    ('merge.editable = ["data/*.json"]', 'merge.editable[0]: "data/*.json" names files that are not canonical'),
    (
        'merge.editable = ["state/registers/*.json"]',
        'merge.editable[0]: "state/registers/*.json" reaches into state/reg',
    ),
    ('merge.editable = ["*/fr*/?0?/frame-1.json"]', "merge.editable[0]: "),
    ('merge.editable = ["state/posts/x/y.json"]', "merge.editable[0]: "),
    ('merge.editable = ["state/stream_deltas/*"]', "merge.editable[0]: "),
    ("merge.not_editable = []", "merge.not_editable: state/stream_assignments.json must stand in it"),
    (
        'canonical.except = ["state/own.json"]\nmerge.not_editable = ["state/stream_assignments.json"]',
        "merge.not_editable: state/own.json must stand in it: it is not canonical",
    ),
    ('canonical.except = ["state/own-*.json"]', "merge.editable[0]: "),
]
"""Mistakes that show only between values, or to Python's own reader of regular expressions."""


@pytest.mark.parametrize(("text", "beginning"), BAD_VALUES + CLASHES)
def test_a_mistake_is_named_with_its_key(text: str, beginning: str) -> None:
    """Each mistake is reported, under the path of the key that is to be mended, and nothing else is."""
    found = problems(text)
    assert len(found) == 1, found
    assert found[0].startswith(beginning)


def test_a_mistake_is_an_error_of_the_policy() -> None:
    """What is raised is of the kind `policy`, exits with 2, and lists the problems below a headline."""
    with pytest.raises(GuardError) as caught:
        parse(b"delta.max_levels = 1\nx = 1")
    error = caught.value
    assert (error.kind, error.exit_code) == ("policy", 2)
    assert error.what.split("\n")[:2] == [
        "guard.toml cannot be used:",
        "  delta.max_levels: it is not between 8 and 200",
    ]
    assert len(error.text().split("\n")) == 5


def test_every_mistake_is_named() -> None:
    """A file with several mistakes, of values and between them, is told all of them at once."""
    found = problems("""
        repository.branch = 1
        delta.max_levels = 1000
        merge.keep_frames = "7"
        merge.author = "x"
        merge.registers = "state/frames"
        append_only.rows = ["a", "", "state/log.json"]
        tasks = 1
    """)
    assert sorted(line.split(": ")[0] for line in found) == [
        "append_only.rows[1]",
        "append_only.rows[2]",
        "delta.max_levels",
        "merge.author",
        "merge.keep_frames",
        "merge.registers",
        "repository.branch",
        "tasks",
    ]


def test_one_mistake_is_named_once() -> None:
    """What merely follows from a wrong value, such as references to a list whose name is wrong, is not reported."""
    values = tomllib.loads(FULL)
    values["merge"]["lists"][1]["name"] = "count"
    assert len(problems(file_of(values))) == 1
    values = tomllib.loads(FULL)
    values["merge"]["lists"][1]["law"] = "sum"
    assert len(problems(file_of(values))) == 1
    values = tomllib.loads(FULL)
    values["merge"]["maps"][0]["file"] = 3
    assert len(problems(file_of(values))) == 1


def test_a_clash_with_a_default_says_so() -> None:
    """Where own lists leave default maps without their lists, the message says that the maps are a default."""
    found = problems('merge.lists = [{name = "a", law = "set"}]')
    assert len(found) == 9
    assert all(line.endswith("; the value here is the default") for line in found)


@pytest.mark.parametrize(
    ("data", "beginning"),
    [
        (b"\xff", "guard.toml: byte 0 is not UTF-8"),
        (b"\xef\xbb\xbf[inbox]", "guard.toml: it begins with a byte order mark; "),
        (b"[inbox", "guard.toml: "),
        (b"<<<<<<< HEAD\n", "guard.toml: "),
        (b"a = 1\na = 2", "guard.toml: "),
        (b"a = " + b"[" * 100_000, "guard.toml: "),
        (b"a = " + b"1" * 5000, "guard.toml: "),
    ],
)
def test_what_is_not_toml_is_one_problem(data: bytes, beginning: str) -> None:
    """A file that cannot be read at all is refused in one line, never taken for an empty one."""
    found = problems(data)
    assert len(found) == 1
    assert found[0].startswith(beginning)


def test_messages_cannot_drive_a_terminal() -> None:
    """Control characters of a file are shown as escapes, long values are cut."""
    nasty = "\x1b]0;x\x07\u202e" + "y" * 5000
    found = problems(file_of({"\x1b[2J": 1, "repository": {"branch": nasty}, "merge": {"pages": "a/\x85b"}}))
    assert len(found) == 3
    assert all(line.isprintable() and len(line) < 300 for line in found)


def test_every_name_it_accepts_is_one_that_git_accepts() -> None:
    """A branch or remote that passes is a valid name for git; the common mistakes do not pass."""
    names = ["main", "release/1.0", "a-b", "a.b", "é", "@x", "HEADS", "refs", "a@b", "a{b}", "a@"]
    refused = "/a a/ a//b .a a. a/.b a/. .. a..b a.lock a.lock/b -a a~b a^b a:b a?b a*b a[b a\\b @ a@{b HEAD".split()
    refused += ["refs/heads/a", "a b", "a\tb", "a\x7f", ""]
    tables = {name: {"repository": {"branch": name, "remote": name}} for name in names + refused}
    passed = [name for name, table in tables.items() if not problems(file_of(table))]
    assert passed == names
    for name in passed:
        for ref in (f"refs/heads/{name}", f"refs/remotes/{name}/x"):
            subprocess.run(["git", "check-ref-format", ref], check=True)


def test_git_takes_every_author_as_it_stands() -> None:
    """An author that passes comes back from git unchanged, so that every way of making the commit agrees."""
    authors = ["guard merge <merge@guard.invalid>", "a <b>", "Zoë (bot) [1] <z+1@x>", "O'Neil <o'n@x>", 'a "b" c <d@e>']
    for author in authors:
        assert problems(file_of({"merge": {"author": author}})) == []
        name, mail = author[:-1].split(" <")
        env = {**os.environ, "GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": mail, "GIT_COMMITTER_DATE": "@1 +0000"}
        said = subprocess.run(["git", "var", "GIT_COMMITTER_IDENT"], env=env, check=True, capture_output=True).stdout
        assert said.decode() == f"{author} 1 +0000\n"
    refused = ["", "a", "<b>", " <b>", " a <b>", "a  <b>", "a <b> ", "a < b>", "a <b c>", "a <b>c", "a\x00 <b>"]
    refused += ["a. <b>", "a <b.>", "a <b>\n"]
    assert [author for author in refused if not problems(file_of({"merge": {"author": author}}))] == []


def test_bounds_are_within_reach() -> None:
    """The least and the most of each bounded number are accepted."""
    for place in (0, 1):
        delta_limits = {"max_bytes": BYTES[place], "max_levels": LEVELS[place]}
        policy = parse(file_of({"delta": delta_limits, "merge": {"keep_frames": FRAMES[place]}}))
        assert (policy.laws.max_bytes, policy.laws.max_levels) == (BYTES[place], LEVELS[place])
        assert policy.keep_frames == FRAMES[place]


# ---- the schema says the same ------------------------------------------------------------------------------------

BETWEEN_VALUES = re.compile(
    r"has that name too|is no list|is no file of|the law of .* is|has no role|writes the field|overlap"
    r"|must be canonical|that is not append-only|names canonical files|reaches into|not canonical"
    r"|canonical\.except takes out|is not a regular expression|has no group"
    r"|is not the sessions' to write|a merge keeps this number|are not counted|by another law|is itself a count"
)
"""What `parse` says of values that are right by themselves, or as regular expressions: both are beyond a schema."""


REFERENCE = jsonschema.Draft202012Validator(schema.load("policy"))
QUICK = jsonschema_rs.validator_for(schema.load("policy"))


def schema_accepts(values: Any) -> bool:
    """What the schema says of a file's values; both validators must say the same."""
    verdict = bool(REFERENCE.is_valid(values))
    assert QUICK.is_valid(values) is verdict
    return verdict


def parse_accepts(values: dict[str, Any]) -> bool:
    """What `parse` says of each value by itself."""
    return all(BETWEEN_VALUES.search(line.split(": ", 1)[1]) for line in problems(file_of(values)))


def leaves(node: dict[str, Any], place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """The keys that a schema describes, besides those of tables that only hold further keys."""
    for key, described in node.get("properties", {}).items():
        if "properties" in described:
            yield from leaves(described, (*place, key))
        else:
            yield (*place, key), described


def slots(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place within a value."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*place, key)
        yield from slots(item, (*place, key))


def put(place: tuple[str | int, ...], value: Any, name: str = "") -> dict[str, Any]:
    """The full policy with another value at a place, or under another name."""
    values: Any = tomllib.loads(FULL)
    holder = values
    for key in place[:-1]:
        holder = holder[key]
    if name:
        holder[name] = holder.pop(place[-1])
    else:
        holder[place[-1]] = value
    return values  # type: ignore[no-any-return]  # the top of a TOML file is a table


SLOTS = list(slots(tomllib.loads(FULL)))


def test_the_full_policy_states_every_key() -> None:
    """The policy that the generated ones start from holds each key of the schema, so that all are tried."""
    said = schema.load("policy")
    values = tomllib.loads(FULL)
    for place, _ in leaves(said):
        held: Any = values
        for key in place:
            held = held[key]
    lists, maps = values["merge"]["lists"], values["merge"]["maps"]
    assert {key for law in lists for key in law} == said["$defs"]["list"]["properties"].keys()
    assert {key for law in maps for key in law} == said["$defs"]["map"]["properties"].keys()
    assert {key for count in values["counts"] for key in count} == said["$defs"]["count"]["properties"].keys()


def test_every_key_is_described() -> None:
    """Each property of the schema, at any depth, has a description."""

    def undescribed(node: Any, place: str) -> Iterator[str]:
        if isinstance(node, dict):
            for name, described in [*node.get("properties", {}).items(), *node.get("$defs", {}).items()]:
                if isinstance(described, dict) and not described.get("description") and ".then." not in f"{place}.":
                    yield f"{place}.{name}"
            for name, inner in node.items():
                yield from undescribed(inner, f"{place}.{name}")
        elif isinstance(node, list):
            for inner in node:
                yield from undescribed(inner, place)

    found = list(undescribed(schema.load("policy"), ""))
    assert [place for place in found if not place.endswith(".law")] == []


# ---- the documents say the same ----------------------------------------------------------------------------------

PAGE = (Path(__file__).resolve().parents[1] / "docs/policy.md").read_text(encoding="utf-8")


def documented() -> dict[str, str]:
    """Every key of docs/policy.md, with what stands there as its default."""
    found = {}
    for section in PAGE.split("\n## ")[1:]:
        table = section.partition("\n")[0].strip("[]")
        for key, default in re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", section, re.MULTILINE):
            found[f"{table}.{key}"] = default
    return found


def test_every_key_that_is_read_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/policy.md has exactly the keys that the reader asks a guard.toml for, at any depth."""
    asked: set[str] = set()
    close = Table.close

    def noting(table: Table) -> None:
        asked.update(re.sub(r"\[\d+\]", "", table.below(key)) for key in table.known)
        close(table)

    monkeypatch.setattr(Table, "close", noting)
    parse(FULL.encode())
    tables = {key for key in asked if "." not in key}
    assert documented().keys() == asked - tables
    assert {key.split(".")[0] for key in documented()} == tables


def test_every_default_is_documented() -> None:
    """The defaults of docs/policy.md are those of the schema, and its laws written out are the default laws."""
    said = documented()
    for place, described in leaves(schema.load("policy")):
        if "default" in described and place[-1] not in ("lists", "maps", "counts"):
            stated = tomllib.loads(f"it = {said['.'.join(place)].strip('`')}")["it"]
            assert stated == described["default"], place
    for name, law in (("merge.lists", "list"), ("merge.maps", "map"), ("counts", "count")):
        properties = schema.load("policy")["$defs"][law]["properties"]
        required = schema.load("policy")["$defs"][law]["required"]
        for key, described in properties.items():
            default = toml(described["default"]) if "default" in described else ""
            stated = said[f"{name}.{key}"]
            assert stated == ("required" if key in required else f"`{default}`" if default else "none"), key
    [block] = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert parse(block.encode()) == Policy()


@pytest.mark.parametrize("text", [text for text, _ in BAD_VALUES if "1979-05-27" not in text])  # JSON has no dates
def test_the_schema_refuses_a_bad_value(text: str) -> None:
    """A mistake that shows in one value is one for the schema too."""
    assert not schema_accepts(tomllib.loads(text))


@pytest.mark.parametrize("text", [text for text, _ in CLASHES])
def test_the_schema_leaves_clashes_to_parse(text: str) -> None:
    """Files whose values are each right satisfy the schema, though `parse` refuses them together."""
    assert schema_accepts(tomllib.loads(text))


@pytest.mark.parametrize("text", ["", FULL, "[merge]", 'merge.totals.last = ""', "merge.keep_frames = 0"])
def test_the_schema_accepts_what_parse_accepts(text: str) -> None:
    """Good policies satisfy both."""
    assert problems(text) == []
    assert schema_accepts(tomllib.loads(text))


@pytest.mark.parametrize("place", SLOTS, ids=lambda place: ".".join(map(str, place)))
def test_schema_and_parse_agree_on_any_value_anywhere(place: tuple[str | int, ...]) -> None:
    """At every place, values of every type get one verdict from both."""
    values: list[Any] = [True, 0, -1, 9, 10**12, "", "x", "x/", "state/x", "state/x.json", "*", "**", "*/**", "a\n"]
    values += [[], [1], ["x"], ["x", "x"], ["state/**"], [{}], {}, {"x": 1}, {"x": "x"}, {"x": ["x"]}, {"x": "x.json"}]
    for value in values:
        altered = put(place, copy.deepcopy(value))
        assert schema_accepts(altered) is parse_accepts(altered), (value, problems(file_of(altered)))


TEXTS = st.text(
    st.sampled_from("ab/.*?[]{}!#\\@~^:- <>\"'\n\t\x00\x7f\x85é\u2028😀GITgitHEAD0_"), max_size=9
) | st.sampled_from(
    [*NOT_A_LIST, "frames", "x" * 64, "x" * 65, "x" * 128, "x" * 129, "0" * 40, "f" * 64, "0" * 41, "a.lock", "refs/a"]
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([place for place in SLOTS if isinstance(place[-1], str)]), TEXTS, st.booleans())
def test_schema_and_parse_agree_on_any_text(place: tuple[str | int, ...], text: str, rename: bool) -> None:
    """Any text as a value, and any text as a key, gets one verdict from both."""
    altered = put(place, text, name=text) if rename and text else put(place, text)
    assert schema_accepts(altered) is parse_accepts(altered), problems(file_of(altered))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([place for place in SLOTS if isinstance(place[-1], int)]), TEXTS)
def test_schema_and_parse_agree_on_any_glob(place: tuple[str | int, ...], text: str) -> None:
    """Any text as an element of an array gets one verdict from both."""
    altered = put(place, text)
    assert schema_accepts(altered) is parse_accepts(altered), problems(file_of(altered))


def test_a_whole_number_is_not_an_integer() -> None:
    """`7.0` is refused; here alone the schema says otherwise, because JSON has one kind of number."""
    assert problems("merge.keep_frames = 7.0") == ["merge.keep_frames: a number stands where an integer belongs"]
    assert schema_accepts({"merge": {"keep_frames": 7.0}})


# ---- the module itself -------------------------------------------------------------------------------------------


def test_reading_a_policy_loads_little() -> None:
    """Hooks read the policy, so reading one that is right loads neither jsonschema nor anything of its weight."""
    code = "import sys, guard.policy; guard.policy.parse(sys.stdin.buffer.read()); print(*sys.modules)"
    root = Path(__file__).resolve().parent.parent
    said = subprocess.run([sys.executable, "-c", code], input=FULL.encode(), cwd=root, check=True, capture_output=True)
    loaded = set(said.stdout.decode().split())
    assert loaded.isdisjoint({"difflib", "jsonschema", "jsonschema_rs", "typer", "rich", "git", "subprocess", "orjson"})


def test_an_error_says_what_why_and_fix() -> None:
    """An error's text has a line for each part that is not empty, and its exit code is 2 unless a claim was lost."""
    assert GuardError("git", "no tip", "nothing to read", "git fetch").text() == (
        "guard: no tip\n  why: nothing to read\n  fix: git fetch"
    )
    assert GuardError("usage", "no such lane").text() == "guard: no such lane"
    assert GuardError("contention", "busy").exit_code == 2
    assert GuardError("contention", "S153 holds it", exit_code=3).exit_code == 3
