"""G108: the policy is not loosened by what needs it loose."""

import pytest

from builders import LINK, absent, change, found
from builders import said as of_rule
from guard.judge import judge
from guard.policy import Policy, parse

BASELINE = f'merge.baseline = "{"1" * 40}"\n'
MANY = {f"pages/{number}.txt": str(number) for number in range(30)}


def said(made: object, policy: str = "") -> list[str]:
    """What G108 says."""
    return [line.removeprefix("guard.toml:0 ") for line in of_rule("G108", made, policy)]  # type: ignore[arg-type]


def test_a_change_of_the_policy_alone_passes() -> None:
    """Whatever it loosens: people read it, and the next commit uses it."""
    loose = "messages.prefix = false\ndeletions.files = 1000\nappend_only.rows = []\ncounts = []\n"
    assert said(change({}, {"guard.toml": loose})) == []
    assert said(change({"guard.toml": BASELINE}, {"guard.toml": BASELINE + loose}), BASELINE) == []
    assert said(change({"guard.toml": "merge.keep_frames = 1"}, {}), "merge.keep_frames = 1") == []


@pytest.mark.parametrize(
    ("loose", "before", "after", "code"),
    [
        ("deletions.files = 1000\ndeletions.folder = 1000", MANY, {}, "G202"),
        ("append_only.rows = []", {"tasks/SWARM-LANES.md": "a\nb\n"}, {"tasks/SWARM-LANES.md": "b\n"}, "G104"),
        (
            "counts = []",
            {},
            {"state/agents.json": '{"_meta": {"count": 3}, "agents": {}}'},
            "G105",
        ),
        ('inbox.path = "in/"', {}, {"state/stream_deltas/frame-1-a.json": "{"}, "G102"),
        ('canonical.except = ["state/*.txt", "state/own.json"]', {"state/own.json": '{"a": 1}'}, {}, "G107"),
    ],
)
def test_loosening_what_the_same_change_needs_is_refused(
    loose: str, before: dict[str, str], after: dict[str, str], code: str
) -> None:
    """The old policy refuses it, and says besides that the new one would not; under --rule G108 alone too."""
    made = change(before, after | {"guard.toml": loose})
    assert said(made) == [f"it would let {code} pass in the commit that needs it to"]
    both = {finding.code for finding in judge(made, Policy())}
    assert both == {code, "G108"}


def test_each_path_counts_for_itself() -> None:
    """That the same rule still stands elsewhere hides nothing."""
    before = {"tasks/SWARM-LANES.md": "a\nb\n", "memory/INDEX.md": "a\nb\n"}
    after = dict.fromkeys(before, "b\n") | {"guard.toml": 'append_only.rows = ["memory/INDEX.md"]'}
    assert said(change(before, after)) == ["it would let G104 pass in the commit that needs it to"]


def test_each_finding_of_a_path_counts_for_itself() -> None:
    """A script that needs a newer bash still than the one that is allowed now does not hide what is let pass."""
    script = "#!/bin/bash\nmapfile -t x <f\necho ${x@U}\n"
    made = change({}, {"run.sh": script, "guard.toml": 'shell.target = "bash4.4"'})
    assert said(made) == ["it would let G301 pass in the commit that needs it to"]
    assert said(change({}, {"run.sh": script, "guard.toml": 'shell.target = "bash3.2"'})) == []


def test_what_was_let_pass_is_not_loosened() -> None:
    """GUARD_ALLOW in the open is no loosening of the policy."""
    made = change(MANY, {"guard.toml": "deletions.files = 1000\ndeletions.folder = 1000"})
    assert judge(made, Policy(), allowed={"G202"}) == []
    codes = [finding.code for finding in judge(made, parse(b'allow.never = ["G202"]'), allowed={"G202"})]
    assert codes == ["G202", "G108"]


def test_the_message_rule_is_loosened_in_history_alone() -> None:
    """A commit that is judged with its message is refused both for it and for the policy that would let it pass."""
    made = change({}, {"guard.toml": "messages.prefix = false"}, message="guard: no prefix", commit="c" * 40)
    assert [finding.code for finding in judge(made, Policy())] == ["G401", "G108"]


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ({"guard.toml": "[messages"}, "guard.toml cannot be used:"),
        ({"guard.toml": "x = 1"}, "guard.toml cannot be used: x: unknown key"),
        ({"guard.toml": b"\xff"}, "guard.toml cannot be used: guard.toml: byte 0 is not UTF-8"),
        ({"guard.toml": LINK}, "guard.toml cannot be used:"),
        ({}, "it takes the baseline away:"),
        ({"guard.toml": "messages.prefix = false"}, "it takes the baseline away:"),
        ({"guard.toml": f'merge.baseline = "{"2" * 40}"'}, "it moves the baseline:"),
    ],
)
def test_a_policy_that_protects_nothing_is_refused(after: dict[str, str], says: str) -> None:
    """A file that cannot be used, that is gone, or that takes the baseline away or moves it."""
    [line] = said(change({"guard.toml": BASELINE}, after), BASELINE)
    assert line.startswith(says)


def test_adopting_is_allowed() -> None:
    """The first baseline is not a moved one."""
    assert said(change({}, {"guard.toml": BASELINE})) == []


def test_a_missing_content_cannot_be_judged() -> None:
    """A guard.toml that is not in this clone is unread, not absent."""
    [finding] = found("G108", change({"guard.toml": BASELINE}, {"guard.toml": absent(BASELINE * 2)}), BASELINE)
    assert finding.unread
