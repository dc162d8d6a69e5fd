"""G401: subjects that say which session did what."""

import shlex

import pytest

from builders import found, said
from guard.change import NONE, Change, File


@pytest.mark.parametrize(
    "message",
    [
        "[S1] what: why",
        "[S0153] what, and more: why: because\n\nbody",
        "\n\n# a comment\n[S1] what: why\n",
        "[S1] what: why\r\n",
        "Merge branch 'x'",
        'Revert "anything"',
        'Reapply "anything"',
        "fixup! anything",
        "squash! anything",
        "amend! anything",
        "",
        "\n \n",
        None,
    ],
)
def test_what_passes(message: str | None) -> None:
    """A prefix with what and why, what git words itself, and no message at all, which git refuses."""
    assert said("G401", Change(message=message)) == []


@pytest.mark.parametrize(
    "message",
    [
        "what: why",
        "[S1] no colon",
        "[S1] : why",
        "[S1] what: ",
        "[S1]what: why",
        "[S] what: why",
        "[S1a] what: why",
        "[S-1] what: why",
        "[s1] what: why",
        "[S\u0661] what: why",
        "[F1] merge: 1 streams",
        " what: why",
        "#5 what: why",
        "# only a comment",
        "body first\n[S1] what: why",
        "Fixup! x",
        "\udcff",
    ],
)
def test_what_is_refused(message: str) -> None:
    """Everything else, with the subject in the finding and a command that would pass."""
    [finding] = found("G401", Change(message=message))
    assert finding.fix.startswith("git commit -m '[S1] ")
    *command, mended = shlex.split(finding.fix)
    assert command == ["git", "commit", "-m"]
    assert said("G401", Change(message=mended)) == []


def test_the_remedy_keeps_what_was_said() -> None:
    """Where only the prefix is missing, the command is the same message with it."""
    fixes = {
        "tasks: it's late": "[S1] tasks: it's late",
        "it is late": "[S1] work: it is late",
        "[S12] late": "[S12] work: late",
        "[S12]tasks: late": "[S12] tasks: late",
    }
    for before, after in fixes.items():
        assert shlex.split(found("G401", Change(message=before))[0].fix)[-1] == after
    made = Change([File("docs/Tide.md", NONE, "100644", "", "1" * 40)], message="late")
    assert shlex.split(found("G401", made)[0].fix)[-1] == "[S1] tide: late"
    assert found("G401", Change(message="late", commit="c" * 40))[0].fix == "git rebase -i cccccccccccc^"


def test_a_commit_that_is_made_has_no_comments() -> None:
    """git took the comments out, so a # in history is a subject."""
    assert said("G401", Change(message="# [S1]\n[S1] a: b", commit="c" * 40)) != []
    assert said("G401", Change(message="# [S1]\n[S1] a: b")) == []


def test_who_is_exempt() -> None:
    """Joins, recomputed merges and the authors that the policy names; and nobody where it asks for no prefix."""
    bot = "bot <bot@host.invalid>"
    assert said("G401", Change(message="x", parents=2)) == said("G401", Change(message="x", computed=True)) == []
    assert said("G401", Change(message="x", author=bot), f'messages.exempt = ["{bot}"]') == []
    assert said("G401", Change(message="x", author="bot <other@host.invalid>"), f'messages.exempt = ["{bot}"]') != []
    assert said("G401", Change(message="x"), "messages.prefix = false") == []


def test_a_subject_cannot_drive_a_terminal() -> None:
    """Escapes are shown as such, and a long subject is cut."""
    [line] = said("G401", Change(message="\x1b[2J" + "x" * 500))
    assert line.isprintable()
    assert len(line) < 140
