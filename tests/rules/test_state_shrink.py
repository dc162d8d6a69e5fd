"""G107: canonical state does not become smaller."""

import json

import pytest

from builders import LINK, MODULE, Content, absent, change, found, said

AGENTS = "state/agents.json"


def test_frame_407_136_agents_do_not_become_9() -> None:
    """A file written by something that had not read it whole is refused, with what it lost; without a baseline too."""
    many = {"agents": {f"a{number}": {"posts": number} for number in range(136)}}
    few = {"agents": {f"a{number}": {"posts": number} for number in range(9)}}
    [finding] = found("G107", change({AGENTS: json.dumps(many)}, {AGENTS: json.dumps(few)}))
    assert finding.message == "it lost #/agents/a9, #/agents/a10, #/agents/a11 and 124 more"
    assert finding.fix == f"git restore --staged --worktree -- {AGENTS}"


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('{"a": 1}', "", "it cannot be read any more: not JSON"),
        ('{"a": 1}', "{", "it cannot be read any more: not JSON"),
        ('{"a": 1}', b"\xff", "it cannot be read any more: not UTF-8"),
        ('{"a": 1}', "<<<<<<< x\n{}\n=======\n>>>>>>> y\n", "it cannot be read any more: conflict markers"),
        ('{"a": 1}', "{}", "it lost #/a"),
        ('{"a": {"b~/c": 1}}', '{"a": {}}', "it lost #/a/b~0~1c"),
        ('{"a": {"b": 1}}', '{"a": 1}', "it lost #/a/b"),
        ('{"a": [1, 2, 3]}', '{"a": [3]}', "it lost 2 of 3 items of #/a"),
        ("[1, 2]", "[1]", "it lost 1 of 2 items of #/"),
        ("[1]", "{}", "it lost 1 of 1 items of #/"),
        ('{"total": 9, "x": 1}', '{"total": 8, "x": 1}', "#/total (9 to 8) fell while nothing was removed"),
        ('{"_meta": {"count": 9}}', '{"_meta": {"count": 0}}', "#/_meta/count (9 to 0) fell while nothing"),
        ('{"a": 1, "t": 5}', '{"t": 4}', "it lost #/a"),
        ('{"a": {"b": 1}}', '{"a": null}', "it lost #/a/b"),
    ],
)
def test_what_becomes_smaller_is_refused(before: Content, after: Content, says: str) -> None:
    """Unreadable files, lost keys, shorter lists and fallen totals are told apart."""
    [finding] = found("G107", change({AGENTS: before}, {AGENTS: after}))
    assert finding.message.startswith(says)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": 1}', '{"b": 2, "a": 1}'),
        ('{"a": 1}', '{\r\n\t"a": 1}\r\n'),
        ('{"a": {"n": 9}}', '{"a": {"n": 1}}'),
        ('{"a": [1, 2]}', '{"a": [3, 4]}'),
        ('{"t": 9.5}', '{"t": 1}'),
        ('{"t": true}', '{"t": false}'),
        ('{"t": "9"}', '{"t": "1"}'),
        ('{"t": null}', '{"t": 0}'),
        ("{", "["),
        ("<<<<<<< x", "{}"),
        (LINK, "{}"),
        ("{}", "{}\n"),
    ],
)
def test_what_does_not_lose_anything_passes(before: Content, after: Content) -> None:
    """Additions, other formats and values, and a file that could not be read before."""
    assert said("G107", change({AGENTS: before}, {AGENTS: after})) == []


def test_a_canonical_file_stays_a_file() -> None:
    """Deleting, moving, or putting a symlink or a submodule in its place is refused."""
    assert said("G107", change({AGENTS: "{}"}, {})) == [f"{AGENTS}:0 a canonical file is gone"]
    assert said("G107", change({AGENTS: "{}"}, {"old/agents.json": "{}"})) == [f"{AGENTS}:0 a canonical file is gone"]
    for odd in (LINK, MODULE):
        assert "no regular file" in said("G107", change({AGENTS: "{}"}, {AGENTS: odd}))[0]


def test_what_is_not_canonical_may_shrink() -> None:
    """The inbox, the roster, other folders and new files are not judged, nor is a recomputed restore."""
    paths = ("state/stream_assignments.json", "state/stream_deltas/x.json", "data/x.json", "state/x.txt")
    assert said("G107", change(dict.fromkeys(paths, '{"a": 1}'), dict.fromkeys(paths, "{}"))) == []
    assert said("G107", change({}, {AGENTS: "{"})) == []
    assert said("G107", change({AGENTS: '{"a": 1}'}, {AGENTS: "{}"}, computed=True)) == []


def test_a_canonical_text_is_only_kept_from_going() -> None:
    """What records a text holds nobody can tell; that it is there, anybody can."""
    policy = 'canonical.paths = ["state/**"]'
    assert said("G107", change({"state/log.txt": "a\nb"}, {"state/log.txt": "a"}), policy) == []
    assert len(said("G107", change({"state/log.txt": "a\nb"}, {}), policy)) == 1


def test_a_file_may_nest_as_deep_as_it_likes() -> None:
    """Neither depth nor width makes the rule itself fail."""
    deep, shallow = '{"a":' * 900 + "1" + "}" * 900, '{"a":' * 899 + "1" + "}" * 899
    assert said("G107", change({AGENTS: deep}, {AGENTS: deep + " "})) == []
    assert len(said("G107", change({AGENTS: deep}, {AGENTS: shallow}))) == 1
    assert "too deep" in said("G107", change({AGENTS: "{}"}, {AGENTS: "[" * 100_000}))[0]
    wide = {"agents": {str(number): {"n": number} for number in range(100_000)}}
    assert said("G107", change({AGENTS: json.dumps(wide)}, {AGENTS: json.dumps(wide, indent=1)})) == []


def test_both_contents_are_needed() -> None:
    """Where either side is not in this clone, the file is unread, not good."""
    for before, after in ((absent('{"a": 1}'), "{}"), ('{"a": 1}', absent("{}"))):
        [finding] = found("G107", change({AGENTS: before}, {AGENTS: after}))
        assert finding.unread


def test_a_join_that_lost_a_sides_records() -> None:
    """What differs from both sides must hold the records of both; one side's own bytes are not judged here."""
    ours, theirs, both = '{"a": 1, "b": 1}', '{"a": 1, "c": 1}', '{"a": 1, "b": 1, "c": 1}'
    assert said("G107", change({AGENTS: ours}, {AGENTS: both}, {AGENTS: theirs})) == []
    [finding] = found("G107", change({AGENTS: ours}, {AGENTS: '{"a": 1, "b": 2}'}, {AGENTS: theirs}))
    assert (finding.message, finding.fix) == ("it lost #/c", "git merge --abort")


def test_the_remedy_is_a_restore_where_there_is_something_to_restore_from() -> None:
    """In history, guard restore needs a baseline; without one, git has the bytes."""
    made = change({AGENTS: '{"a": 1}'}, {AGENTS: "{}"}, commit="c" * 40)
    assert found("G107", made)[0].fix == f"git restore --source {'c' * 40}^ -- {AGENTS}"
    assert found("G107", made, f'merge.baseline = "{"1" * 40}"')[0].fix == f"guard restore {AGENTS}"
