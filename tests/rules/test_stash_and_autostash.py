"""G501 and G502: commands that take away what is not committed."""

import pytest

from builders import said
from guard.change import Change

STASH = ":0 git stash is refused here; nothing was changed"
AUTOSTASH = ":0 an autostash is refused here; nothing was changed"


@pytest.mark.parametrize(
    "command",
    [
        "git stash",
        "git stash push",
        "git stash save x",
        "git stash -u",
        "git stash --keep-index",
        "git -C dir stash",
        "git -c a=b --no-pager stash push -m x",
        "/usr/lib/git-core/git-stash push",
        "git stash --no-such-option",
    ],
)
def test_every_form_of_stash_is_refused(command: str) -> None:
    """Whatever takes work into the stash, however git is called."""
    assert said("G501", Change(command=command.split())) == [STASH]
    assert said("G502", Change(command=command.split())) == []


@pytest.mark.parametrize("verb", "apply pop drop list show branch clear store".split())
def test_old_entries_can_always_be_taken_back(verb: str) -> None:
    """Nobody is locked out of old work."""
    assert said("G501", Change(command=["git", "stash", verb])) == []


@pytest.mark.parametrize(
    "command",
    [
        "git pull --rebase --autostash",
        "git rebase --autosta main",
        "git merge --autostash x",
        "git rebase --no-autostash --autostash x",
        "git stash create autostash",
    ],
)
def test_every_form_of_autostash_is_refused(command: str) -> None:
    """By option, by its beginning, the last one counts; and the call by which git makes one."""
    assert said("G502", Change(command=command.split())) == [AUTOSTASH]


@pytest.mark.parametrize(
    "command",
    ["", "git", "git status", "git pull --rebase", "git rebase --autostash --no-autostash x", "git log stash", "stash"],
)
def test_other_commands_pass(command: str) -> None:
    """Words that only look like it are no stash."""
    made = Change(command=command.split())
    assert said("G501", made) == said("G502", made) == []
