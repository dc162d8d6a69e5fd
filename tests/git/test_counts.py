"""Declared counts: shown, repaired by a staged edit, and in canonical files by merges and by a recount."""

import json

from walks.lab import Lab, inbox_file, post

MORE = """
[[counts]]
file = "README.md"
pattern = "([0-9]+) lessons"
files = "memory/lessons/*.md"

[[counts]]
file = "README.md"
pattern = "([0-9]+) open"
files = "memory/lessons/*.md"
matches = "^open:"

[[counts]]
file = "state/notes.json"
pointer = "/posts_of_all"
sum = "state/agents.json#/agents/*/post_count"

[[counts]]
file = "package.json"
pointer = "/channels"
value = "state/stats.json#/total_channels"
"""
FILES = {
    "README.md": "A fleet with 2 lessons, 1 open.\n",
    "package.json": '{"channels": 1, "name": "x"}',
    "memory/lessons/a.md": "open: yes\n",
    "memory/lessons/b.md": "closed\n",
    "state/notes.json": '{"posts_of_all": 0, "kept": 1.50}\n',
}


def test_counts_are_shown_and_drift_is_an_exit_of_one(lab: Lab) -> None:
    """Each count says where it stands, what it says and what there is; a wrong one makes the exit 1."""
    here = lab.lone(adopt=False)
    lab.commit(here, FILES)
    lab.adopt(here, MORE)
    assert lab.guard(here, "counts").code == 0
    lab.commit(here, {"memory/lessons/c.md": "open: no\n"})
    said = lab.guard(here, "counts", code=1)
    assert "2" in said.out
    assert "3" in said.out
    assert "lessons" in said.out
    value = lab.guard(here, "counts", "--json", code=1).json
    wrong = {each["count"]: (each["stated"], each["actual"]) for each in value["counts"] if each["drifts"]}
    assert wrong == {"README.md /([0-9]+) lessons/": (2, 3), "README.md /([0-9]+) open/": (1, 2)}


def test_a_fix_is_a_staged_edit_that_leaves_other_edits_alone(lab: Lab) -> None:
    """The number is mended in the index and on disk; what else is unsaved in the file is not staged."""
    here = lab.lone(adopt=False)
    lab.commit(here, FILES)
    lab.adopt(here, MORE)
    lab.commit(here, {"memory/lessons/c.md": "open: no\n"})
    lab.write(here, {"README.md": "A fleet with 2 lessons, 1 open.\nmine, not ready\n"})
    lab.guard(here, "counts", "--fix")
    assert lab.git(here, "show", ":README.md") == "A fleet with 3 lessons, 2 open."
    assert (here / "README.md").read_text() == "A fleet with 3 lessons, 2 open.\nmine, not ready\n"
    assert lab.guard(here, "counts").code == 0
    assert "mine" in lab.git(here, "diff")


def test_a_number_that_is_not_there_is_no_matter_of_fix(lab: Lab) -> None:
    """Where the text has no such number, what to do is not what cannot help; it is said with `--fix`, too, and once."""
    here = lab.lone(adopt=False)
    lab.commit(here, FILES)
    lab.adopt(here, MORE)
    lab.commit(here, {"README.md": "A fleet with many lessons, 1 open.\n"})
    for words in ((), ("--fix",)):
        [said] = [line for line in lab.guard(here, "counts", *words, code=1).out.splitlines() if "guard.toml" in line]
        assert said.startswith("README.md /([0-9]+) lessons/ is not there, or holds no integer; put that right by hand")
        assert "guard counts --fix" not in said


def test_a_merge_keeps_declared_counts_of_canonical_files(lab: Lab) -> None:
    """A declared sum over state is right after every merge, in one merge or in two, and verify agrees."""
    pages = []
    for name, batches in (("one", [[1, 2]]), ("two", [[1], [2]])):
        here = lab.lone(name, adopt=False)
        lab.commit(here, FILES)
        lab.adopt(here, MORE)
        for batch in batches:
            for frame in batch:
                lab.commit(here, inbox_file(frame, "s", posts_created=[post(frame * 10), post(frame * 10 + 1)]))
            lab.guard(here, "merge")
        assert lab.load(here, "state/notes.json") == {"posts_of_all": 4, "kept": 1.5}
        assert b"1.50" in lab.show(here, "state/notes.json")
        lab.guard(here, "verify")
        pages.append({path: lab.show(here, path) for path in lab.canonical(here)})
    assert pages[0] == pages[1]


def test_wrong_counts_of_state_are_repaired_by_a_recount_that_verifies(lab: Lab) -> None:
    """A drift that was there at adoption is mended in a commit of its own, which verify makes again."""
    agents = json.dumps({"agents": {"a": {"post_count": 1}}, "_meta": {"count": 9, "last_updated": None}})
    (one, two) = lab.fleet("one", "two", files={**dict(FILES.items()), "state/agents.json": agents})
    assert lab.guard(one, "counts", code=1).code == 1
    lab.guard(one, "counts", "--fix")
    lab.git(two, "pull", "-q")
    assert lab.load(two, "state/agents.json")["_meta"]["count"] == 1
    assert "Guard-Recount" in lab.git(two, "log", "-1", "--format=%B")
    lab.guard(two, "verify")
    lab.commit_push(two, inbox_file(1, "s", posts_created=[post(1, author="b")]))
    lab.guard(two, "merge")
    lab.git(two, "pull", "-q")
    assert lab.load(two, "state/agents.json")["_meta"]["count"] == 2
    lab.guard(two, "verify")


def test_a_forged_recount_does_not_verify(lab: Lab) -> None:
    """The trailer frees nothing: other bytes than counting anew gives are an edit outside the merge."""
    here = lab.lone()
    stats = lab.show(here, "state/stats.json").replace(b'"total_posts": 0', b'"total_posts": 5')
    lab.commit(here, {"state/stats.json": stats}, "recount\n\nGuard-Recount: 1")
    assert "state/stats.json" in lab.guard(here, "verify", code=1).out


def test_counts_that_no_merge_could_keep_are_refused_by_the_policy(lab: Lab) -> None:
    """A count in state of something outside it, of another count, or of what a law writes would depend on the order."""
    here = lab.lone(adopt=False)
    for more, word in (
        ('file = "state/notes.json"\npointer = "/n"\nfiles = "docs/*"', "merge keeps this number"),
        ('file = "state/notes.json"\npointer = "/n"\nlength = "package.json#/x"', "merge keeps this number"),
        ('file = "state/stats.json"\npointer = "/total_posts"\nlength = "state/notes.json#/kept"', "another law"),
        (('file = "state/notes.json"\npointer = "/n"\nvalue = "state/notes.json#/m"\n\n[[counts]]\n'
         'file = "state/notes.json"\npointer = "/m"\nlength = "state/notes.json#/kept"'), "itself a count"),
    ):  # fmt: skip
        lab.write(here, {"guard.toml": f"[[counts]]\n{more}\n"})
        lab.git(here, "add", "guard.toml")
        lab.git(here, "commit", "-qm", "policy")
        said = lab.guard(here, "counts", code=2)
        assert word in said.err, said
