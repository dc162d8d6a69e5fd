"""G105: a declared count must be what the tree holds."""

import pytest

from builders import MODULE, absent, change, found, said

AGENTS = "state/agents.json"
README = """
[[counts]]
file = "README.md"
pattern = "([0-9,]+) lessons"
files = "lessons/**"
"""


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ('{"_meta": {"count": 2}, "agents": {"a": {}, "b": {}}}', None),
        ('{"_meta": {"count": 3}, "agents": {"a": {}, "b": {}}}', "says 3, there are 2: length of state/agents.json"),
        ('{"_meta": {"count": 2}, "agents": ["a", "b"]}', None),
        ('{"_meta": {}, "agents": {"a": {}}}', None),
        ('{"_meta": {"count": "3"}, "agents": {"a": {}}}', None),
        ('{"agents": {"a": {}}}', None),
        ('{"_meta": {"count": 2}}', None),
        ('{"_meta": {"count": 2}, "agents": 2}', None),
        ("{", "cannot be read: not JSON"),
        ("[]", None),
        ('{"_meta": {"count": true}, "agents": {}}', None),
        ('\r\n{"_meta": {"count": 1},\r\n "agents": {}}', "says 1, there are 0"),
    ],
)
def test_the_number_of_agents(after: str, says: str | None) -> None:
    """By default the count in agents.json is judged where there is one, and what there is to count."""
    findings = found("G105", change({}, {AGENTS: after}))
    assert len(findings) == (says is not None)
    assert says is None or says in findings[0].message


def test_a_count_in_another_file_drifts_when_its_source_changes() -> None:
    """Whoever adds the thing and not the number is told, at the file that states it."""
    stats = {"state/stats.json": '{"total_agents": 1}'}
    made = change({AGENTS: '{"agents": {"a": {}}}'} | stats, {AGENTS: '{"agents": {"a": {}, "b": {}}}'} | stats)
    [finding] = found("G105", made)
    assert (finding.path, finding.fix) == ("state/stats.json", "guard counts --fix")


def test_81_lessons_in_a_readme_are_counted() -> None:
    """A number in a text is compared with the files there are after the change, deletions and all."""
    lessons = {f"lessons/{number}.md": "x" for number in range(80)}
    readme = {"README.md": "We learned 1,081 things in 81 lessons.\n"}
    one = {"lessons/deep/one.md": "x"}
    assert said("G105", change({}, lessons | readme | one), README) == []
    assert said("G105", change(lessons | readme | one, lessons | readme), README) == [
        "README.md:0 README.md /([0-9,]+) lessons/ says 81, there are 80: files lessons/**"
    ]
    assert said("G105", change(lessons, lessons | {"other": "x"}), README) == []


def test_a_number_that_is_gone_is_a_finding_unless_it_is_optional() -> None:
    """Where guard.toml declares a number, taking it away does not silence the rule; taking the file away does."""
    before = {"README.md": "0 lessons\n"}
    assert len(said("G105", change(before, {"README.md": "no lessons\n"}), README)) == 1
    assert said("G105", change(before, {"README.md": "no lessons\n"}), README + "optional = true") == []
    assert said("G105", change(before, {}), README) == []


@pytest.mark.parametrize(
    ("what", "number"),
    [
        ('value = "data.json#/list/1"', 5),
        ('length = "data.json#/list"', 3),
        ('sum = "data.json#/shops/*/sold"', 7),
        ('sum = "data.json#/list/*"', 7),
        ('files = "texts/*.md"', 2),
        ('files = "texts/*.md"\nmatches = "^- "', 3),
    ],
)
def test_every_way_of_counting(what: str, number: int) -> None:
    """A value, a length, a sum over members, files, and matches in files."""
    tree = {
        "data.json": '{"list": [2, 5, "x"], "shops": {"a": {"sold": 3}, "b": {"sold": 4}, "c": {}}}',
        "texts/a.md": "- one\n- two\n",
        "texts/b.md": b"\xff\r\n- three\r\n",
        "texts/deep/c.md": "- four\n",
    }
    policy = f'[[counts]]\nfile = "n.json"\npointer = "/n~0m"\n{what}\n'
    assert said("G105", change(tree, tree | {"n.json": f'{{"n~m": {number}}}'}), policy) == []
    assert len(said("G105", change(tree, tree | {"n.json": f'{{"n~m": {number + 1}}}'}), policy)) == 1


def test_what_nothing_declares_is_not_counted() -> None:
    """Changes of other files, recomputed merges, and a policy without counts are not judged."""
    wrong = {AGENTS: '{"_meta": {"count": 3}, "agents": {}}'}
    assert said("G105", change(wrong, wrong | {"x": "y"})) == []
    assert said("G105", change({}, wrong, computed=True)) == []
    assert said("G105", change({}, wrong), "counts = []") == []
    assert said("G105", change(wrong, {})) == []


def test_what_cannot_be_read_is_not_good() -> None:
    """A missing content is unread; a submodule in a file's place has no number to compare."""
    [finding] = found("G105", change({}, {AGENTS: absent("{}")}))
    assert finding.unread
    assert said("G105", change({}, {AGENTS: MODULE})) == []
