"""G204: new files that stand elsewhere with other content."""

from builders import change, found


def test_a_new_file_that_stands_elsewhere_is_refused() -> None:
    """A file that is only changed, or gone, collides with nothing; the remedy gives it another name."""
    made = change({"old.md": "a\n", "gone.md": "b\n"}, {"old.md": "c\n", "new.md": "d\n"})
    made.elsewhere = lambda file: f"on origin/main ({file.path})"
    [finding] = found("G204", made)
    assert finding.path == "new.md"
    assert finding.message == "it exists on origin/main (new.md), with other content"
    assert finding.fix.startswith("git mv -- new.md new-2.md")


def test_a_merge_brings_what_others_added() -> None:
    """What comes in by a merge, and what is committed, is not judged."""
    for name, value in (("parents", 2), ("commit", "c" * 40)):
        made = change({}, {"new.md": "d\n"})
        made.elsewhere = lambda _file: "upstream"
        assert found("G204", made)
        setattr(made, name, value)
        assert not found("G204", made)
