"""Who is at work: the environment first, then what this work tree's start recorded."""

import pytest
from walks.lab import Lab

from guard import identity
from guard.errors import GuardError
from guard.git import Repo


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *[("S153", "S153"), ("s7", "S7"), ("12", "S12"), ("S007", "S7"), ("0", None), ("S", None), ("S1x", None)],
        *[("S٣", None), ("S12\n", None), ("", None), ("S1234567890", None)],
    ],
)
def test_a_session_is_s_and_a_number(text: str, name: str | None) -> None:
    """Spellings of one number are one session; anything else is none."""
    assert identity.normal(text) == name


def test_the_environment_comes_before_the_record(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without either there is no session; each work tree has a record of its own."""
    monkeypatch.delenv(identity.VARIABLE, raising=False)
    here = lab.lone()
    repo = Repo(here)
    assert identity.session(repo) is None
    with pytest.raises(GuardError, match="no session"):
        identity.needed(repo)
    identity.record(repo, "S4")
    assert identity.needed(repo) == "S4"
    other = here.with_name("other")
    lab.git(here, "worktree", "add", "-q", "--detach", str(other))
    assert identity.session(Repo(other)) is None
    monkeypatch.setenv(identity.VARIABLE, "s9")
    assert identity.session(repo) == "S9"
    monkeypatch.setenv(identity.VARIABLE, "nine")
    with pytest.raises(GuardError, match="is not a session"):
        identity.session(repo)
