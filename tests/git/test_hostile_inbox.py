"""What may lie in an inbox, by accident or by malice, and must stop nobody."""

import json
from pathlib import Path

import pytest
from walks.lab import INBOX, Lab, delta, digest, inbox_file, name_of, post

LONG = "n" * 10000


def _tree_commit(lab: Lab, here: Path, entries: dict[bytes, tuple[str, str]]) -> None:
    """Commit entries (name -> mode, object) below the inbox by plumbing: no file system has a say."""
    lines = lab.git(here, "ls-tree", "-z", f"HEAD:{INBOX}").encode()
    for name, (mode, oid) in entries.items():
        kind = {"040000": b"tree", "160000": b"commit"}.get(mode, b"blob")
        lines += b"%s %s %s\t%s\0" % (mode.encode(), kind, oid.encode(), name)
    tree = lab.git(here, "mktree", "-z", "--missing", input=lines)
    state = "".join(
        f"{entry}\0"
        for entry in lab.git(here, "ls-tree", "-z", "HEAD:state").split("\0")
        if entry and not entry.endswith("\tstream_deltas")
    )
    state_tree = lab.git(here, "mktree", "-z", input=f"{state}040000 tree {tree}\tstream_deltas\0".encode())
    top = "".join(
        f"{entry}\0"
        for entry in lab.git(here, "ls-tree", "-z", "HEAD").split("\0")
        if entry and not entry.endswith("\tstate")
    )
    top_tree = lab.git(here, "mktree", "-z", input=f"{top}040000 tree {state_tree}\tstate\0".encode())
    commit = lab.git(here, "commit-tree", "-p", "HEAD", "-m", "hostile", top_tree)
    lab.git(here, "update-ref", "refs/heads/main", commit)


def _bare(lab: Lab) -> Path:
    """A bare lone repository, so that no work tree limits what a name may be."""
    lab.fleet()
    return lab.hub


GOOD = delta(1, "good", posts_created=[post(1)])

CONTENTS = {
    "truncated": GOOD[:-20],
    "nul": GOOD.replace(b"good", b"go\0d"),
    "nul-after": GOOD + b"\0",
    "duplicate-keys": b'{"frame": 1, "frame": 1, "stream_id": "x", "completed_at": "2026-01-01T00:00:00Z"}',
    "nan": delta(1, "nan").replace(b'"frame": 1', b'"frame": NaN'),
    "utf16": GOOD.decode().encode("utf-16"),
    "bom": b"\xef\xbb\xbf" + GOOD,
    "latin1": delta(1, "latin1", note="caf\u00e9").decode().encode("latin-1"),
    "markers": b"<<<<<<< HEAD\n" + GOOD + b"=======\n" + GOOD + b">>>>>>> side\n",
    "list": b"[]",
    "deep-16MiB": b"[" * (16 * 1024 * 1024 - 1),
    "deep-object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "too-large": b" " * (16 * 1024 * 1024) + GOOD,
    "huge-number": delta(1, "huge-number").replace(b'"frame": 1', b'"frame": 1, "n": ' + b"9" * 100_000),
    "huge-frame": delta(1, "huge-frame").replace(b'"frame": 1', b'"frame": 1' + b"0" * 30),
    "float-frame": delta(1, "float-frame").replace(b'"frame": 1', b'"frame": 1.0'),
    "true-frame": delta(1, "true-frame").replace(b'"frame": 1', b'"frame": true'),
    "traversal": delta(1, "../../x"),
    "other-stream": GOOD,
    "other-frame": delta(2, "other-frame"),
    "no-time": b'{"frame": 1, "stream_id": "no-time"}',
    "bad-time": delta(1, "bad-time").replace(b"2026-01-02", b"2026-02-30"),
    "lone-surrogate": delta(1, "lone-surrogate").replace(b'"frame"', b'"a": "\\ud800", "frame"'),
    "map-for-list": delta(1, "map-for-list", posts_created={"a": 1}),
    "counter-edit": delta(1, "counter-edit", set={"state/stats.json#/total_posts": 10**6}),
    "page-edit": delta(1, "page-edit", set={"state/frames/000/frame-1.json#/frame": 3}),
    "escape-edit": delta(1, "escape-edit", set={"state/../guard.toml#/merge": 3}),
    "policy-edit": delta(1, "policy-edit", set={"guard.toml#/merge": 3}),
    "roster-edit": delta(1, "roster-edit", set={"state/stream_assignments.json#/x": 3}),
}


def test_bad_contents_are_named_and_the_rest_is_merged(lab: Lab) -> None:
    """Every content that is no delta is rejected by name, once and for all; good ones beside it are merged and it
    verifies."""
    here = lab.lone()
    files = {f"{INBOX}/frame-1-{name}.json": data for name, data in CONTENTS.items()}
    lab.commit(here, {**files, name_of(1, "good"): GOOD})
    value = lab.guard(here, "merge", "--json", "--strict", code=1).json
    assert {entry["file"] for entry in value["rejected"]} == {f"frame-1-{name}.json" for name in CONTENTS}
    assert lab.merged(here) == {digest(GOOD)}
    assert lab.stats(here) == (1, 0, 0)
    assert lab.load(here, "state/frame_counter.json") == {"frame": 1}
    assert set(lab.page(here, 1)["streams"]) == {*CONTENTS, "good"}
    lab.guard(here, "verify")
    assert lab.guard(here, "merge", "--strict").out == "nothing to merge\n"
    assert lab.git(here, "status", "--porcelain") == ""


NAMES = {
    "newline": b"frame-1-a\nb.json",
    "quotes": b'frame-1-"q".json',
    "backslash": b"frame-1-\\x.json",
    "not-utf8": b"frame-1-\xff\xfe.json",
    "not-utf8-stem": b"\xff.json",
    "escape": b"frame-1-\x1b[31mred.json",
    "tab": b"frame-1-\t.json",
    "long": LONG.encode() + b".json",
    "space": b" .json",
    "leading-zero": b"frame-01-good.json",
    "negative": b"frame--1-good.json",
    "huge-frame": b"frame-99999999999999999999999-good.json",
    "past-limit": b"frame-1000000001-good.json",
    "upper": b"FRAME-1-good.JSON",
    "dash": b"-rf.json",
    "colon": b"frame-1-a:b.json",
    "unicode": "frame-1-\u202ereversed.json".encode(),
    "no-stream": b"frame-1-.json",
    "suffix-of-another": b"frame-1-good--0123456789abcdef.json",
    "star": b"frame-1-*.json",
}


def test_bad_names_are_rejected_and_the_rest_is_merged(lab: Lab) -> None:
    """A name that no delta may have costs only that file, whatever bytes it is made of; the terminal sees none of
    them."""
    hub = _bare(lab)
    blob = lab.git(hub, "hash-object", "-w", "--stdin", input=GOOD)
    _tree_commit(lab, hub, dict.fromkeys(NAMES.values(), ("100644", blob)) | {b"frame-1-good.json": ("100644", blob)})
    said = lab.guard(hub, "merge")
    assert lab.merged(hub) == {digest(GOOD)}
    assert lab.stats(hub) == (1, 0, 0)
    assert said.out.count("rejected: ") == len(NAMES), said.out
    assert "\x1b" not in said.all
    lab.guard(hub, "verify")
    assert lab.guard(hub, "merge").out == "nothing to merge\n"
    json.loads(lab.guard(hub, "frame", "--json").out)


@pytest.mark.parametrize("name", ["huge-frame", "long", "newline", "not-utf8", "not-utf8-stem", "past-limit"])
def test_each_bad_name_by_itself(lab: Lab, name: str) -> None:
    """One bad name beside one good delta: merged, named, verified, and the next merge goes on from there."""
    hub = _bare(lab)
    blob = lab.git(hub, "hash-object", "-w", "--stdin", input=b"{")
    good = lab.git(hub, "hash-object", "-w", "--stdin", input=GOOD)
    _tree_commit(lab, hub, {NAMES[name]: ("100644", blob), b"frame-1-good.json": ("100644", good)})
    value = lab.guard(hub, "merge", "--json").json
    assert len(value["rejected"]) == 1
    assert lab.merged(hub) == {digest(GOOD)}
    lab.guard(hub, "verify")


def test_what_is_no_regular_file_is_rejected(lab: Lab) -> None:
    """A symlink (to a good delta, to /etc/passwd), a submodule, a folder of deltas and an executable stop nobody."""
    hub = _bare(lab)
    put = lambda data: lab.git(hub, "hash-object", "-w", "--stdin", input=data)  # noqa: E731 - a word for five uses
    good = put(GOOD)
    folder = lab.git(hub, "mktree", "-z", input=f"100644 blob {good}\tframe-1-good.json\0".encode())
    _tree_commit(
        lab,
        hub,
        {
            b"frame-1-good.json": ("100644", good),
            b"frame-1-link.json": ("120000", put(b"frame-1-good.json")),
            b"frame-1-passwd.json": ("120000", put(b"/etc/passwd")),
            b"frame-1-module.json": ("160000", lab.rev(hub, "main")),
            b"frame-1-gone.json": ("160000", "1" * 40),
            b"frame-1-dir.json": ("040000", folder),
            b"subfolder": ("040000", folder),
            b"frame-1-exec.json": ("100755", put(delta(1, "exec"))),
            b"README.md": ("100644", put(b"read me\n")),
            b"notes.txt": ("100644", put(b"notes\n")),
        },
    )
    value = lab.guard(hub, "merge", "--json").json
    rejected = {entry["file"] for entry in value["rejected"]}
    assert rejected == {
        "frame-1-link.json",
        "frame-1-passwd.json",
        "frame-1-module.json",
        "frame-1-gone.json",
        "frame-1-dir.json/frame-1-good.json",
        "subfolder/frame-1-good.json",
    }
    assert lab.merged(hub) == {digest(GOOD), digest(delta(1, "exec"))}
    lab.guard(hub, "verify")
    assert lab.guard(hub, "merge").out == "nothing to merge\n"


def test_case_colliding_names_lose_nothing(lab: Lab) -> None:
    """Two streams whose ids differ in case only are both in the page, whatever order they came in."""
    here = _bare(lab)
    files = {
        name: delta(1, name, posts_created=[post(number)]) for number, name in enumerate(("Alpha", "alpha", "ALPHA"))
    }
    blobs = {
        f"frame-1-{name}.json".encode(): ("100644", lab.git(here, "hash-object", "-w", "--stdin", input=data))
        for name, data in files.items()
    }
    _tree_commit(lab, here, blobs)
    lab.guard(here, "merge")
    known = {name for stream in lab.page(here, 1)["streams"].values() for name in stream["deltas"]}
    assert known == {digest(data) for data in files.values()}
    lab.guard(here, "verify")


def test_a_rejected_file_that_is_corrected_is_merged(lab: Lab) -> None:
    """A bad delta that is overwritten with a good one is rejected and merged: a page may record both."""
    here = lab.lone()
    lab.commit(here, {name_of(1, "s"): b"{"})
    lab.guard(here, "merge")
    lab.commit(here, {name_of(1, "s"): delta(1, "s", posts_created=[post(1)])})
    lab.guard(here, "merge")
    assert lab.merged(here) == {digest(delta(1, "s", posts_created=[post(1)]))}
    assert lab.stats(here) == (1, 0, 0)


def test_a_delta_under_a_wrong_name_can_be_moved_to_its_own(lab: Lab) -> None:
    """The same bytes, rejected under one name, are merged under the right one later, and counted once."""
    here = lab.lone()
    data = delta(1, "right", posts_created=[post(1)], reactions_added=[1])
    lab.commit(here, {name_of(1, "wrong"): data, name_of(2, "right"): data, f"{INBOX}/odd.json": data})
    lab.guard(here, "merge")
    assert lab.stats(here) == (0, 0, 0)
    lab.commit(here, {name_of(1, "right"): data})
    lab.guard(here, "merge")
    assert lab.stats(here) == (1, 0, 1)
    assert lab.merged(here) == {digest(data)}
    lab.commit(here, {name_of(1, "right", data): data})
    lab.guard(here, "merge")
    assert lab.stats(here) == (1, 0, 1)
    lab.guard(here, "verify")


def test_an_inbox_that_is_a_file_or_a_link(lab: Lab) -> None:
    """Where the inbox itself is a file, a delta that comes by ref is merged or refused, and nothing is lost."""
    here = lab.lone()
    lab.git(here, "rm", "-rq", INBOX)
    lab.git(here, "commit", "-q", "-m", "no inbox")
    lab.write(here, {INBOX: "I am a file\n"})
    lab.git(here, "add", INBOX)
    lab.git(here, "commit", "-q", "-m", "a file")
    lab.deliver(here, delta(1, "s1"))
    before = lab.picture(here)
    said = lab.guard(here, "merge", code=None)
    if said.code == 0:
        assert lab.merged(here) == {digest(delta(1, "s1"))}
    else:
        assert lab.picture(here) == before
        assert len(lab.refs(here, "refs/guard/deltas")) == 1


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("state/agents.json", b"{"),
        ("state/agents.json", b""),
        ("state/agents.json", b"[]"),
        ("state/agents.json", b'{"agents": []}'),
        ("state/agents.json", b'{"agents": {"a": 1}, "agents": {}}'),
        ("state/stats.json", b'<<<<<<< HEAD\n{"total_posts": 1}\n=======\n{"total_posts": 2}\n>>>>>>> side\n'),
        ("state/channels.json", b'{"channels": {}}\xff'),
        ("state/frame_counter.json", b'{"frame": "1"}'),
        ("state/frame_counter.json", b"{}"),
        ("state/notes.json", b"{"),
        ("state/frames/000/frame-1.json", b"{}"),
        ("state/frames/000/frame-1.json", b"["),
        ("state/posts/000/00000.json", b"{"),
        ("state/posts/000/00000.json", b'{"1": []}'),
        ("state/registers/layout.json", b"{"),
    ],
)
def test_a_canonical_file_that_cannot_be_read_stops_the_merge(lab: Lab, path: str, data: bytes) -> None:
    """Exit 2, the file named, no ref of the repository moved and no file written: never taken for empty."""
    here = lab.lone()
    edit = delta(1, "edit", set={"state/agents.json#/agents/ada/bio": "x"})
    lab.commit(here, inbox_file(1, "s1", posts_created=[post(1)]) | {name_of(1, "edit"): edit, path: data})
    before = lab.picture(here), lab.refs(here)
    said = lab.guard(here, "merge", "--json", code=2)
    assert path in said.err
    assert path in said.json["error"]["what"]
    assert (lab.picture(here), lab.refs(here)) == before


@pytest.mark.parametrize("how", ["deleted", "submodule", "symlink", "folder"])
def test_a_canonical_file_that_is_gone_is_not_taken_for_empty(lab: Lab, how: str) -> None:
    """Where state was adopted, a file with records that vanished stops the merge: a fresh one would wipe them."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1", posts_created=[post(1)]))
    lab.guard(here, "merge")
    head = lab.rev(here)
    lab.git(here, "rm", "-q", "state/agents.json")
    if how == "submodule":
        lab.git(here, "update-index", "--add", "--cacheinfo", f"160000,{head},state/agents.json")
    elif how == "symlink":
        (here / "state/agents.json").symlink_to("stats.json")
        lab.git(here, "add", "state/agents.json")
    elif how == "folder":
        lab.write(here, {"state/agents.json/x": "x"})
        lab.git(here, "add", "state/agents.json/x")
    lab.git(here, "commit", "-q", "-m", "gone")
    if how != "submodule":
        lab.commit(here, inbox_file(2, "s1", posts_created=[post(2)]))
    else:
        lab.deliver(here, delta(2, "s1", posts_created=[post(2)]))
    tip = lab.rev(here)
    said = lab.guard(here, "merge", code=2)
    assert "state/agents.json" in said.err
    assert lab.rev(here) == tip
    lab.guard(here, "verify", code=1)
    lab.guard(here, "restore", "state/agents.json")
    lab.guard(here, "merge")
    assert set(lab.load(here, "state/agents.json")["agents"]) == {"ada", "bob", "cyd"}
    lab.guard(here, "verify")


@pytest.mark.parametrize("name", [b"x\ny.json", b'q"q.json', b"\xff.json", b"a b.json", b"a:b.json", b"x\nHEAD:y.json"])
def test_odd_names_beside_canonical_files_do_not_confuse_the_reader(lab: Lab, name: str) -> None:
    """A canonical path with a newline or other odd bytes is judged like others: never does one file's content pass
    for another's."""
    here = lab.lone()
    lab.git(here, "checkout", "-q", "--detach")
    blob = lab.git(here, "hash-object", "-w", "--stdin", input=b"{}\n")
    lab.git(here, "update-index", "--add", "-z", "--index-info", input=b"100644 %s\tstate/%s\0" % (blob.encode(), name))
    lab.git(here, "commit", "-q", "-m", "odd")
    lab.git(here, "branch", "-f", "main", "HEAD")
    lab.git(here, "checkout", "-q", "-f", "main~1", "--detach")
    lab.deliver(here, delta(1, "s1", posts_created=[post(1, "zoe")]))
    tip = lab.rev(here, "main")
    said = lab.guard(here, "merge", code=None)
    if said.code == 2:
        assert lab.rev(here, "main") == tip
        return
    assert said.code == 0
    assert set(lab.load(here, "state/agents.json")["agents"]) == {"ada", "bob", "cyd", "zoe"}
    assert lab.stats(here) == (1, 0, 0)
    problems = lab.guard(here, "verify", "main~2..main", "--json", code=1).json["problems"]
    assert {problem["commit"] for problem in problems} == {tip}


def test_files_of_the_inbox_that_are_no_deltas_are_nobodys_business(lab: Lab) -> None:
    """README.md, .gitkeep and notes in the inbox may be edited and deleted: no merge and no verify speaks of them."""
    here = lab.lone()
    lab.commit(here, {f"{INBOX}/README.md": "one\n", f"{INBOX}/notes.txt": "n\n", name_of(1, "s1"): delta(1, "s1")})
    assert lab.guard(here, "merge", "--json").json["rejected"] == []
    lab.commit(here, {f"{INBOX}/README.md": "two\n", f"{INBOX}/.gitkeep": None})
    lab.git(here, "rm", "-q", f"{INBOX}/notes.txt")
    lab.git(here, "commit", "-q", "-m", "tidy")
    lab.guard(here, "verify")
    assert lab.guard(here, "merge").out == "nothing to merge\n"


def test_an_empty_file_is_a_rejected_delta_although_gitkeep_is_empty_too(lab: Lab) -> None:
    """A delta of no bytes is named like any other that cannot be read, whatever else in the inbox was empty at
    adoption."""
    here = lab.lone()
    lab.commit(here, {name_of(1, "empty"): b""})
    assert [entry["file"] for entry in lab.guard(here, "merge", "--json").json["rejected"]] == ["frame-1-empty.json"]
