"""G205: what goes back to before a neighbour's commit."""

from builders import change, found
from guard.change import File


def test_what_goes_back_to_before_a_neighbours_commit_is_refused() -> None:
    """Named by the commit that it takes back; deltas and state have rules of their own."""

    def undoes(file: File) -> str:
        return "S2's 'readme: theirs'" if not file.added else ""

    made = change({"README.md": "new\n", "state/agents.json": "{}"}, {"README.md": "old\n", "x": "y"})
    made.undoes = undoes
    [finding] = found("G205", made)
    assert finding.message == "it goes back to what it was before S2's 'readme: theirs'"
    assert finding.fix.startswith("git restore --source=HEAD --staged -- README.md")
