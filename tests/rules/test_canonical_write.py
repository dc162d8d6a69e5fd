"""G101: which changes of canonical state are judged, and what is said of those that nobody can compute."""

import os

import pytest

from builders import LINK, change, found, said

ADOPTED = f'merge.baseline = "{"1" * 40}"'
FOREIGN = {"state/agents.json": "it holds other bytes than the merge makes"}


def test_frame_407_an_edit_of_canonical_state_is_refused() -> None:
    """A hand edit of a canonical file, which nothing computes, is refused with the reason."""
    made = change({"state/agents.json": "{}"}, {"state/agents.json": "{ }"}, foreign=lambda: FOREIGN)
    assert said("G101", made, ADOPTED) == ["state/agents.json:0 it holds other bytes than the merge makes"]
    assert "frame 407" in found("G101", made, ADOPTED)[0].why


def test_what_is_not_canonical_is_not_even_looked_up() -> None:
    """Where no canonical path differs, nobody is asked to recompute anything."""

    def asked() -> dict[str, str]:
        raise AssertionError("nothing canonical differs")

    made = change({}, {"README.md": "x", "state/stream_deltas/frame-1-a.json": "{}", "guard.toml": ""}, foreign=asked)
    assert said("G101", made, ADOPTED) == []
    assert said("G101", change({}, {}, foreign=asked), ADOPTED) == []


def test_without_a_baseline_the_rule_is_off() -> None:
    """Nothing was adopted, so nothing can be recomputed."""
    made = change({"state/agents.json": "{}"}, {"state/agents.json": "[]"}, foreign=lambda: FOREIGN)
    assert said("G101", made) == []


def test_the_bytes_of_a_merge_pass() -> None:
    """What is computed is nobody's edit."""
    made = change({"state/agents.json": "{}"}, {"state/agents.json": "[]"}, computed=True, foreign=dict)
    assert said("G101", made, ADOPTED) == []


def test_a_join_is_asked_about_though_it_changes_nothing_itself() -> None:
    """A commit that joins two states may be wrong without any difference of its own."""
    made = change({}, {}, {}, foreign=lambda: {"": "it joins two states of which neither contains the other"})
    assert said("G101", made, ADOPTED) == [":0 it joins two states of which neither contains the other"]
    assert found("G101", made, ADOPTED)[0].fix == "git merge --abort"


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("state/agents.json", "{}", LINK),
        ("state/new.json", None, "{}"),
        ("state/frames/000/frame-1.json", "{}", None),
        (os.fsdecode(b"state/\xff.json"), "{}", "[]"),
        ("state/it's new\n.json", "{}", "[]"),
    ],
)
def test_any_change_of_a_canonical_path_counts(path: str, before: str | None, after: str | None) -> None:
    """Additions, deletions, symlinks and odd names are changes too; the fix names the path as one word."""
    trees = [{path: content} if content is not None else {} for content in (before, after)]
    [finding] = found("G101", change(*trees, foreign=lambda: {path: "x"}), ADOPTED)
    assert finding.path == path
    assert finding.fix.startswith("git restore --staged -- ")
    [committed] = found("G101", change(*trees, foreign=lambda: {path: "x"}, commit="c" * 40), ADOPTED)
    assert committed.fix.startswith("guard restore ")
