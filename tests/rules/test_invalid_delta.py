"""G102: what may enter the inbox."""

import os

import pytest

from builders import LINK, MODULE, Content, absent, change, delta, encode, found, said

INBOX = "state/stream_deltas/"
NOON = 1772452800.0  # of 2026-03-02, as `delta` has it


def good(frame: int = 7, stream: str = "solo", **more: object) -> bytes:
    """A delta that is one."""
    return encode(delta(frame, stream, **more))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("frame-7-solo.json", good()),
        (".gitkeep", ""),
        ("README.md", "not a delta"),
        ("notes/today.txt", "not a delta"),
        ("frame-7-crlf.json", good(stream="crlf").replace(b"\n", b"\r\n")),
    ],
)
def test_what_may_enter(name: str, content: Content) -> None:
    """Deltas enter, and so does what is not meant as one."""
    assert said("G102", change({}, {INBOX + name: content}, counter=6, instant=NOON)) == []


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("frame-7-solo.json", "{", "not JSON"),
        ("frame-7-solo.json", b"\xff", "not UTF-8"),
        ("frame-7-solo.json", '{"frame": 7, "frame": 7}', "duplicate key"),
        ("frame-7-solo.json", "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> x\n", "conflict markers"),
        ("frame-7-solo.json", "[" * 5000, "too deep"),
        ("frame-7-solo.json", b" " * (16 * 1024 * 1024 + 1), "too large"),
        ("frame-7-other.json", good(), "its content says frame-7-solo.json"),
        ("frame-7-solo.json", good(at=None), "no time"),
        ("frame-7-solo.json", good(frame=-7), "-7"),
        ("frame-7-solo.json", good(posts_created={}), "posts_created"),
        ("frame-7-solo.json", good(set={"state/stats.json#/total_posts": 1}), "counted by the merge"),
        ("frame-7-solo.json", LINK, "symlink"),
        ("frame-7-solo.json", MODULE, "submodule"),
        ("frame-7-solo.json/x", "{}", "folder"),
        ("frame-7-solo.JSON", good(), "its content says"),
        (os.fsdecode(b"frame-7-\xff.json"), good(), "its content says"),
        ("nameless.json", "", "not JSON"),
    ],
)
def test_what_may_not_enter(name: str, content: Content, says: str) -> None:
    """Each way in which a file is no delta is a finding at its first line, with a reason and a remedy."""
    findings = found("G102", change({}, {INBOX + name: content}))
    assert findings
    assert all(finding.path == INBOX + name and finding.line == 1 and finding.fix for finding in findings)
    assert any(says in finding.message for finding in findings), [finding.message for finding in findings]


def test_a_frame_far_ahead_would_poison_the_counter() -> None:
    """One frame past the last closed one is open; two are too far, where the counter is known."""
    for frame, refused in ((7, False), (8, True)):
        made = change({}, {f"{INBOX}frame-{frame}-solo.json": good(frame)}, counter=6)
        assert bool(said("G102", made)) is refused
    assert said("G102", change({}, {f"{INBOX}frame-999-solo.json": good(999)})) == []


def test_a_time_far_ahead_would_poison_what_is_newest() -> None:
    """A day ahead is a wrong time zone; more is no time at all, where the clock is known."""
    for ahead, refused in ((86400, False), (86401, True)):
        assert bool(said("G102", change({}, {f"{INBOX}frame-7-solo.json": good()}, instant=NOON - ahead))) is refused
    assert said("G102", change({}, {f"{INBOX}frame-7-solo.json": good(at="2999-01-01T00:00:00Z")})) == []


def test_two_names_that_differ_in_case_are_one_file_elsewhere() -> None:
    """The second of two such names is refused, whether the first is old or new."""
    old, new = {f"{INBOX}frame-7-Solo.json": good(stream="Solo")}, {f"{INBOX}frame-7-solo.json": good()}
    assert len(said("G102", change(old, old | new))) == 1
    assert len(said("G102", change({}, old | new))) == 2


def test_the_remedy_for_a_wrong_name_never_names_a_file_that_is_there() -> None:
    """Where the right name is taken, the remedy is the name of a further run."""
    there = {f"{INBOX}frame-7-solo.json": good()}
    other = {f"{INBOX}frame-7-x.json": good(x=1)}
    [free] = found("G102", change({}, other))
    [taken] = found("G102", change(there, there | other))
    assert free.fix == f"mv -n -- {INBOX}frame-7-x.json {INBOX}frame-7-solo.json"
    assert taken.fix.startswith(f"mv -n -- {INBOX}frame-7-x.json {INBOX}frame-7-solo--")


def test_what_is_there_already_is_another_rules() -> None:
    """Changes and deletions are G103's; a delta that a recomputed merge brings by ref was judged by the merge."""
    path = f"{INBOX}frame-7-solo.json"
    assert said("G102", change({path: "{"}, {path: "["})) == said("G102", change({path: "{"}, {})) == []
    assert said("G102", change({}, {path: "{"}, computed=True)) == []


def test_the_limits_are_the_policys() -> None:
    """`[delta]` and `[inbox]` decide."""
    made = change({}, {"in/frame-7-solo.json": good(note="x" * 1100)})
    assert said("G102", made) == []
    assert "too large" in said("G102", made, 'inbox.path = "in/"\ndelta.max_bytes = 1024')[0]


def test_a_missing_content_cannot_be_judged() -> None:
    """It is refused as unread, which is exit 2, with the command that fetches it."""
    [finding] = found("G102", change({}, {f"{INBOX}frame-7-solo.json": absent(good())}))
    assert finding.unread
    assert finding.fix.startswith("git cat-file -e ")


def test_a_join_judges_only_what_it_brings_itself() -> None:
    """A delta that one side has already is not judged again; one that neither side has is."""
    path = f"{INBOX}frame-7-solo.json"
    assert said("G102", change({}, {path: "{"}, {path: "{"})) == []
    assert len(said("G102", change({}, {path: "{"}, {}))) == 1
