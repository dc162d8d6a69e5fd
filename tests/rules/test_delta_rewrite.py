"""G103: what is committed into the inbox stays as it is until a page records it."""

import pytest

from builders import LINK, MODULE, PROGRAM, Content, change, found, said

INBOX = "state/stream_deltas/"
PATH = f"{INBOX}frame-109-solo.json"


def test_frame_109_a_second_run_under_the_first_ones_name_is_refused() -> None:
    """Overwriting a delta is refused, merged or not, and the remedy brings the first one back."""
    [finding] = found("G103", change({PATH: "{}"}, {PATH: "{ }"}, recorded=lambda _: True))
    assert (finding.path, finding.message) == (PATH, "a committed delta was rewritten")
    assert finding.fix == f"git restore --staged --worktree -- {PATH}"
    assert "6489" in finding.why
    [committed] = found("G103", change({PATH: "{}"}, {PATH: "{ }"}, commit="c" * 40))
    assert committed.fix.startswith("guard merge ")  # putting it back would be rewriting it once more


@pytest.mark.parametrize("after", [LINK, MODULE, PROGRAM, ""])
def test_turning_a_delta_into_something_else_is_rewriting_it(after: Content) -> None:
    """A symlink, a submodule, a program or an empty file in its place are changes."""
    assert said("G103", change({PATH: "{}"}, {PATH: after})) == [f"{PATH}:1 a committed delta was rewritten"]


def test_a_delta_goes_once_it_is_recorded() -> None:
    """Deleting, or moving, a delta that no page records is refused; one that is recorded may go."""
    elsewhere = {f"archive/{PATH}": "{}"}
    for after in ({}, elsewhere):
        assert said("G103", change({PATH: "{}"}, after)) == [f"{PATH}:1 a delta was deleted that no page records yet"]
        assert said("G103", change({PATH: "{}"}, after, recorded=lambda _: True)) == []


def test_what_is_recorded_is_asked_of_the_old_bytes() -> None:
    """The page must record what the file was, under the name that it had."""
    asked = []
    said("G103", change({PATH: "{}"}, {}, recorded=lambda file: bool(asked.append((file.path, file.old)))))
    assert asked == [(PATH, "9e26dfeeb6e641a33dae4961196235bdb965b21b")]


def test_new_deltas_and_other_files_are_free() -> None:
    """Adding is G102's; a README in the inbox may be edited; a recomputed merge may drop what it recorded."""
    assert said("G103", change({}, {PATH: "{}"})) == []
    assert said("G103", change({f"{INBOX}README.md": "a"}, {f"{INBOX}README.md": "b"})) == []
    assert said("G103", change({f"{INBOX}.gitkeep": ""}, {})) == []
    assert said("G103", change({PATH: "{}"}, {}, computed=True)) == []
    assert said("G103", change({"state/other/x.json": "a"}, {})) == []


def test_a_join_may_not_rewrite_either_sides_delta() -> None:
    """Where a join holds a third version, each side's is a rewritten one; with one side's version, none is."""
    assert len(said("G103", change({PATH: "1"}, {PATH: "3"}, {PATH: "2"}))) == 2
    assert said("G103", change({PATH: "1"}, {PATH: "1"}, {PATH: "2"})) == []
