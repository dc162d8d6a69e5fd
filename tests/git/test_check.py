"""`guard check`: the same judge over the index, over history and over files, on real repositories."""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from walks.lab import Lab, Said, inbox_file, name_of, post

BOARD = "tasks/SWARM-LANES.md"
ROWS = "| lane | who |\n|---|---|\n| a | S1 |\n"
UNMERGED = "<<<<<<< Updated upstream\na\n=======\nb\n>>>>>>> Stashed changes\n"


def codes(said: Said) -> list[str]:
    """The codes of what was found, in order."""
    return [finding["code"] for finding in said.json["findings"]]


def check(lab: Lab, here: Path, *words: str, code: int | None = None, env: Mapping[str, str] | None = None) -> Said:
    """`guard check --json`, whose exit code is the one in its object."""
    said = lab.guard(here, "check", *words, "--json", code=code, env=env)
    assert said.json["exit"] == said.code
    return said


def history(lab: Lab, here: Path, *commits: Mapping[str, str | bytes | None], message: str = "[S1] w: x") -> str:
    """Commits one after the other; returns the range that holds them."""
    before = lab.rev(here)
    for files in commits:
        lab.commit(here, files, message)
    return f"{before}..HEAD"


def agents(*names: str) -> str:
    """An agents.json with these agents, rightly counted."""
    return json.dumps({"agents": {name: {} for name in names}, "_meta": {"count": len(names)}})


# ---- the index ---------------------------------------------------------------------------------------------------


def test_nothing_staged_is_nothing_found(lab: Lab) -> None:
    """The default is the index; dirty and untracked files are not in it."""
    here = lab.lone()
    lab.write(here, {"state/agents.json": "{", "new.json": UNMERGED})
    said = lab.guard(here, "check")
    assert said.out == "0 staged files judged, nothing found\n"
    assert check(lab, here, "--staged", code=0).json == {"findings": [], "judged": 0, "exit": 0}


def test_what_is_staged_is_judged_and_stays_staged(lab: Lab) -> None:
    """Each staged file by its rules, in one order; index, work tree and refs are as before."""
    here = lab.lone()
    lab.write(here, {"state/agents.json": "{}", name_of(1, "s"): "{", "x.txt": UNMERGED, "a b\n.txt": "fine"})
    lab.git(here, "add", "--", "state", "x.txt", "a b\n.txt")
    before = lab.picture(here)
    said = check(lab, here, code=1)
    assert codes(said) == ["G101", "G107", "G102", "G106"]
    assert said.json["judged"] == 4
    assert lab.picture(here) == before
    assert codes(check(lab, here, "--rule", "g106,G102", code=1)) == ["G102", "G106"]
    text = lab.guard(here, "check", code=1).out
    assert "x.txt:1: G106 merge-marker: it holds the markers of an unfinished merge\n  why: " in text


def test_the_index_of_a_repository_without_commits(lab: Lab) -> None:
    """Before the first commit everything staged is new, and there is no policy yet."""
    lab.git(lab.root, "init", "-q", "new")
    here = lab.root / "new"
    lab.write(here, {"a.json": UNMERGED, "state/agents.json": '{"agents": {}, "_meta": {"count": 2}}'})
    lab.git(here, "add", "--", "a.json", "state")
    assert codes(check(lab, here, "--staged", code=1)) == ["G106", "G105"]


def test_a_mass_deletion_in_the_index(lab: Lab) -> None:
    """Also as the empty index of a tree; what is moved does not count."""
    here = lab.lone(adopt=False, files={f"pages/{number}.txt": f"page {number}" for number in range(40)})
    lab.git(here, "mv", "pages", "wiki")
    assert codes(check(lab, here, code=0)) == []
    lab.git(here, "read-tree", "--empty")
    assert codes(check(lab, here, code=1)) == ["G202"]


def test_a_join_that_is_being_made(lab: Lab) -> None:
    """Merging upstream into a branch passes; dropping what upstream did since, or rewriting its rows, does not."""
    here = lab.lone(files={"state/agents.json": agents("ada"), BOARD: ROWS})
    lab.git(here, "checkout", "-q", "-b", "work")
    lab.commit(here, {"mine.txt": "x", BOARD: ROWS + "| mine |\n"}, "[S1] w: x")
    lab.git(here, "checkout", "-q", "main")
    lab.commit(here, inbox_file(1, "s", posts_created=[post(1)]), "[S2] f: x")
    lab.guard(here, "merge")
    lab.commit(here, {BOARD: ROWS + "| theirs |\n", "bad.json": UNMERGED}, "[S2] w: x")
    lab.git(here, "checkout", "-q", "work")
    lab.git(here, "merge", "--no-commit", "main", code=1)
    lab.write(here, {BOARD: ROWS + "| mine |\n| theirs |\n"})
    lab.git(here, "add", "--", BOARD)
    assert codes(check(lab, here, code=0)) == []
    lab.write(here, {BOARD: ROWS + "| mine |\n"})
    lab.git(here, "add", "--", BOARD)
    assert codes(check(lab, here, code=1)) == ["G104"]
    lab.git(here, "merge", "--abort")
    lab.git(here, "merge", "--no-commit", "-s", "ours", "main")
    assert set(codes(check(lab, here, code=1))) == {"G101", "G103", "G104", "G107", "G205"}


# ---- history -----------------------------------------------------------------------------------------------------


def test_every_commit_of_a_range_is_judged_by_itself(lab: Lab) -> None:
    """What a later commit takes back was still committed; the finding names the commit."""
    here = lab.lone(adopt=False)
    span = history(lab, here, {"x.json": UNMERGED}, {"x.json": "{}"}, {BOARD: ROWS}, {BOARD: ""})
    said = check(lab, here, "--range", span, code=1)
    assert [(each["code"], each["path"], each["commit"]) for each in said.json["findings"]] == [
        ("G106", "x.json", lab.rev(here, "HEAD~3")),
        ("G104", BOARD, lab.rev(here)),
    ]
    assert said.json["judged"] == 4
    assert check(lab, here, "--range", f"{span}~2", code=1).json["judged"] == 2
    assert check(lab, here, "--range", "HEAD..HEAD", code=0).json["judged"] == 0
    assert check(lab, here, "--range", "HEAD~1..", code=1).json["judged"] == 1
    assert check(lab, here, "--range", f"{'0' * 40}..HEAD", code=1).json["judged"] == 5


def test_a_repository_of_the_world(lab: Lab) -> None:
    """Without a guard.toml the defaults judge: root commits, renames, symlinks, submodules, odd names, empty ones."""
    here = lab.lone(adopt=False, files={})
    lab.commit(here, {"a.txt": "1", os.fsdecode(b"caf\xe9\n.txt"): b"\0\xff", "sub/b": "2"}, "[S1] w: x")
    lab.git(here, "mv", "sub", "other")
    (here / "link").symlink_to("nowhere")
    lab.git(here, "add", "--", "link")
    lab.git(here, "update-index", "--add", "--cacheinfo", f"160000,{'5' * 40},module")
    lab.git(here, "commit", "-q", "-m", "[S1] w: odd things")
    lab.git(here, "commit", "-q", "--allow-empty", "-m", "[S1] w: nothing")
    lab.git(here, "commit", "-q", "--allow-empty", "--allow-empty-message", "-m", "")
    lab.git(here, "checkout", "-q", "--orphan", "island")
    lab.git(here, "commit", "-q", "-m", "[S1] w: another root")
    lab.git(here, "merge", "-q", "--allow-unrelated-histories", "-m", "Merge", "main")
    said = check(lab, here, "--range", "0..HEAD", code=1)
    assert [(each["code"], each["message"]) for each in said.json["findings"]] == [
        ("G401", "the subject is 'state as it was', not [S<number>] what: why")
    ]
    assert said.json["judged"] == 7


def test_messages_that_look_like_the_log_itself(lab: Lab) -> None:
    """A message may say anything, as long as its subject has the prefix."""
    here = lab.lone(adopt=False)
    odd = "[S1] w: x\n\ncommit:" + "1" * 40 + "\n:100644 100644 a b M\n\n\x01\n"
    span = history(lab, here, {"a": "1"}, {"a": "2"}, message=odd)
    assert check(lab, here, "--range", span, code=0).json["judged"] == 2


@pytest.mark.parametrize("adopt", [True, False])
def test_merging_upstream_into_a_branch_passes_and_taking_ours_over_it_does_not(lab: Lab, adopt: bool) -> None:
    """A join has what upstream did, whoever judged that; `-s ours` over newer state drops it, adopted or not."""
    here = lab.lone(adopt=adopt, files={"state/agents.json": agents("ada"), BOARD: ROWS})
    base = lab.rev(here)
    lab.git(here, "checkout", "-q", "-b", "work")
    lab.commit(here, {"mine.txt": "x"}, "[S1] w: x")
    lab.git(here, "checkout", "-q", "main")
    lab.commit(here, inbox_file(1, "s", agents_activated=["bob"]), "[S2] f: x")
    if adopt:
        lab.guard(here, "merge")
    else:
        lab.commit(here, {"state/agents.json": agents("ada", "bob")}, "[S2] f: x")
    lab.commit(here, {BOARD: ROWS + "| b |\n"}, "[S2] w: x")
    lab.git(here, "checkout", "-q", "-B", "fine", "work")
    lab.git(here, "merge", "-q", "-m", "Merge main", "main")
    assert codes(check(lab, here, "--range", f"{base}..fine", code=0)) == []
    assert check(lab, here, "--range", "main..fine", code=0).json["judged"] == 2
    lab.git(here, "checkout", "-q", "-B", "ours", "work")
    lab.git(here, "merge", "-q", "-m", "Merge main", "-s", "ours", "main")
    found = check(lab, here, "--range", "main..ours", code=1).json["findings"]
    assert {each["commit"] for each in found} == {lab.rev(here, "ours")}
    assert {each["code"] for each in found} == {"G103", "G104", "G107", *(["G101"] if adopt else [])}
    lab.git(here, "checkout", "-q", "-B", "evil", "work")
    lab.git(here, "merge", "-q", "--no-commit", "main")
    lab.write(here, {"src.py": UNMERGED, "state/agents.json": agents("eve")})
    lab.git(here, "add", "--", "src.py", "state")
    lab.git(here, "commit", "-q", "-m", "Merge main")
    found = check(lab, here, "--range", "main..evil", code=1).json["findings"]
    assert {each["code"] for each in found} == {"G106", "G107", *(["G101"] if adopt else [])}


def test_a_deletion_upstream_comes_in_by_a_join(lab: Lab) -> None:
    """What upstream deleted, and let pass in the open, is not this branch's mass deletion."""
    here = lab.lone(adopt=False, files={f"pages/{number}.txt": f"page {number}" for number in range(40)})
    lab.git(here, "checkout", "-q", "-b", "work")
    lab.commit(here, {"mine.txt": "x"}, "[S1] w: x")
    lab.git(here, "checkout", "-q", "main")
    lab.git(here, "rm", "-q", "-r", "pages")
    lab.git(here, "commit", "-q", "-m", "[S2] w: moved\n\nGuard-Allow: G202 the wiki has them")
    lab.git(here, "checkout", "-q", "work")
    lab.git(here, "merge", "-q", "-m", "Merge main", "main")
    assert codes(check(lab, here, "--range", "main~1..work", code=0)) == []


def test_recomputed_merges_pass_and_hand_made_ones_do_not(lab: Lab) -> None:
    """A merge of guard's is judged by recomputation, an imitation of one by the same."""
    here = lab.lone()
    start = lab.rev(here)
    lab.commit(here, inbox_file(1, "s", posts_created=[post(1)]), "[S1] f: x")
    lab.guard(here, "merge")
    assert codes(check(lab, here, "--range", f"{start}..HEAD", code=0)) == []
    message = lab.git(here, "log", "-1", "--format=%B")
    lab.commit(here, {"state/stats.json": "{}"}, message)
    assert codes(check(lab, here, "--range", f"{start}..HEAD", code=1)) == ["G401", "G101", "G107"]


def test_adoption_passes(lab: Lab) -> None:
    """The commit that adds guard.toml is judged by the defaults, and by nothing that it says itself."""
    here = lab.lone(adopt=False)
    lab.adopt(here)
    lab.git(here, "commit", "-q", "--amend", "-m", "[S1] guard: adopt")
    assert codes(check(lab, here, "--range", "HEAD~1..HEAD", code=0)) == []


# ---- the policy of the old side ----------------------------------------------------------------------------------


def test_a_commit_is_judged_by_the_policy_before_it(lab: Lab) -> None:
    """G108: the loosening commit that needs it is refused twice over; the next one is free."""
    here = lab.lone(adopt=False, files={f"pages/{number}.txt": f"page {number}" for number in range(60)})
    loose = "deletions = { files = 1000, folder = 1000 }\n"
    gone: dict[str, str | None] = {f"pages/{number}.txt": None for number in range(30)}
    span = history(lab, here, {"guard.toml": loose, **gone})
    assert codes(check(lab, here, "--range", span, code=1)) == ["G202", "G108"]
    more: dict[str, str | None] = {f"pages/{number}.txt": None for number in range(30, 60)}
    assert codes(check(lab, here, "--range", history(lab, here, more), code=0)) == []


def test_two_commits_are_enough_to_loosen_in_the_open(lab: Lab) -> None:
    """The loosening alone passes, and a guard.toml that cannot be used does not free what comes after it."""
    here = lab.lone(adopt=False, files={BOARD: ROWS})
    span = history(lab, here, {"guard.toml": "append_only.rows = []\n"}, {BOARD: "x\n"})
    assert codes(check(lab, here, "--range", span, code=0)) == []
    span = history(lab, here, {"guard.toml": "append_only.rows = [\n"}, {BOARD: "y\n"}, {"memory/INDEX.md": "a\n"})
    assert codes(check(lab, here, "--range", span, code=1)) == ["G108"]


def test_what_a_trailer_lets_pass(lab: Lab) -> None:
    """Guard-Allow counts for G2xx and G401, with a reason, for its own commit, unless the policy forbids it."""
    pages: dict[str, str | bytes | None] = {f"pages/{number}.txt": f"page {number}" for number in range(30)}
    gone: dict[str, str | bytes | None] = dict.fromkeys(pages)
    here = lab.lone(adopt=False, files={})

    def judged(message: str, *more: Mapping[str, str | bytes | None]) -> list[str]:
        lab.commit(here, pages, "[S1] p: there")
        for files in more:
            lab.commit(here, files, "[S1] g: x")
        return codes(check(lab, here, "--range", history(lab, here, gone, message=message)))

    assert judged("[S1] p: gone") == ["G202"]
    assert judged("[S1] p: gone\n\nGuard-Allow: G202 the wiki has them") == []
    assert judged("[S1] p: gone\n\nGuard-Allow: G202") == ["G202"]
    assert judged("[S1] p: gone\n\nGuard-Allow: G201 wrong code") == ["G202"]
    assert judged("gone\n\nGuard-Allow: G401 a robot\nGuard-Allow: G202 too") == []
    assert judged("[S1] p: gone\n\nGuard-Allow: G202 x", {"guard.toml": 'allow.never = ["G202"]'}) == ["G202"]
    lab.commit(here, {"guard.toml": None, BOARD: ROWS}, "[S1] g: x")
    span = history(lab, here, {BOARD: ""}, message="[S1] b: x\n\nGuard-Allow: G104 please")
    assert codes(check(lab, here, "--range", span, code=1)) == ["G104"]


# ---- files on disk -----------------------------------------------------------------------------------------------


def test_files_on_disk_are_judged_as_if_committed(lab: Lab) -> None:
    """Dirty, untracked and deleted files, by name and by folder; ignored ones only by name."""
    here = lab.lone()
    lab.commit(here, {".gitignore": "junk/\n*.log\n", BOARD: ROWS}, "[S1] w: x")
    lab.write(here, {"state/agents.json": "{", "junk/x.json": UNMERGED, "run.log": UNMERGED, "src/a b.py": UNMERGED})
    (here / BOARD).unlink()
    assert codes(check(lab, here, ".", code=1)) == ["G106", "G101", "G107", "G104"]
    assert codes(check(lab, here, "state/agents.json", "--rule", "G107", code=1)) == ["G107"]
    assert codes(check(lab, here, "tasks", code=1)) == codes(check(lab, here, BOARD, code=1)) == ["G104"]
    assert codes(check(lab, here, "junk/x.json", "run.log", code=1)) == ["G106", "G106"]
    assert check(lab, here / "src", "a b.py", code=1).json["findings"][0]["path"] == "src/a b.py"
    assert check(lab, here, "README.md", "state/stats.json", code=0).json["judged"] == 2
    assert codes(check(lab, lab.root, "-C", "lone", "src", code=1)) == ["G106"]


def test_names_that_nothing_has_are_refused(lab: Lab) -> None:
    """A path that is neither on disk nor in HEAD, one outside, and two ways at once are usage errors, not clean."""
    here = lab.lone()
    lab.write(lab.root, {"outside.json": "{}"})
    for words in (
        ("nowhere.json",),
        ("nowhere/",),
        ("../outside.json",),
        ("README.md", "--staged"),
        ("--range", "HEAD"),
        ("--range", "HEAD...HEAD"),
        ("--range", "nowhere..HEAD"),
        ("--rule", "G999"),
    ):
        assert lab.guard(here, "check", *words, "--json", code=2).json["error"]["kind"] == "usage"


def test_symlinks_on_disk_are_not_followed(lab: Lab) -> None:
    """A symlink in a canonical file's place is judged, not what it points at."""
    here = lab.lone()
    (here / "state/agents.json").unlink()
    (here / "state/agents.json").symlink_to("stats.json")
    assert codes(check(lab, here, "state/agents.json", code=1)) == ["G101", "G107"]


# ---- what a clone can see ----------------------------------------------------------------------------------------


def test_a_bare_repository_has_history_and_no_index(lab: Lab) -> None:
    """A hub is judged by range; its index is asked for in vain."""
    [one] = lab.fleet("one", adopt=False)
    lab.commit_push(one, {"x.json": UNMERGED}, "[S1] w: x")
    assert codes(check(lab, lab.hub, "--range", "main~1..main", code=1)) == ["G106"]
    assert "no index" in lab.guard(lab.hub, "check", code=2).err


def test_a_partial_clone_fetches_nothing_and_says_what_it_lacks(lab: Lab) -> None:
    """Contents that are not here are refused as unread where they are protected, and elsewhere only counted."""
    seed = lab.lone("seed", adopt=False, files={BOARD: ROWS})
    for number in range(30):
        lab.commit(seed, {f"src/{number}.py": str(number), "README.md": str(number)}, "[S1] w: x")
    lab.commit(seed, {BOARD: ROWS + "| b |\n"}, "[S1] w: x")
    lab.commit(seed, {"state/agents.json": agents("a")}, "[S1] w: x")
    lab.git(seed, "config", "uploadpack.allowFilter", "true")
    here = lab.root / "part"
    lab.git(lab.root, "clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{seed}", str(here))
    packs = sorted((here / ".git/objects/pack").iterdir())
    said = check(lab, here, "--range", "HEAD~32..HEAD~2", code=0)
    assert said.json["judged"] == 30
    assert "this clone lacks 30 contents of files" in said.err
    said = check(lab, here, "--range", "HEAD~32..HEAD", code=2)
    assert {(each["code"], each["path"]) for each in said.json["findings"]} == {
        ("G104", BOARD),
        ("G106", BOARD),
        ("G105", "state/agents.json"),
        ("G106", "state/agents.json"),
    }
    assert "cannot be judged" in lab.guard(here, "check", "--range", "HEAD~32..HEAD", code=2).out
    assert sorted((here / ".git/objects/pack").iterdir()) == packs
    for fix in {each["fix"] for each in said.json["findings"]}:
        assert lab.run(here, "sh", "-c", fix).code == 0
    check(lab, here, "--range", "HEAD~2..HEAD", "--rule", "G106,G105", code=0)


def test_a_shallow_clone_says_where_it_begins(lab: Lab) -> None:
    """What its first commits changed nobody can tell; the rest is judged."""
    seed = lab.lone("seed", adopt=False)
    lab.commit(seed, {"x.json": UNMERGED}, "[S1] w: x")
    lab.commit(seed, {"y.json": UNMERGED}, "[S1] w: x")
    here = lab.root / "shallow"
    lab.git(lab.root, "clone", "-q", "--depth=2", f"file://{seed}", str(here))
    said = check(lab, here, "--range", "0..HEAD", code=1)
    assert [each["path"] for each in said.json["findings"]] == ["y.json"]
    assert "shallow: the 1 commit that it begins with could not be judged" in said.err


def test_a_linked_worktree_and_sha256(lab: Lab) -> None:
    """Both are repositories like any other."""
    here = lab.lone(adopt=False, kind="sha256")
    span = history(lab, here, {"x.json": UNMERGED})
    assert codes(check(lab, here, "--range", span, code=1)) == ["G106"]
    lab.git(here, "worktree", "add", "-q", "../linked")
    lab.write(lab.root / "linked", {"z.json": UNMERGED})
    lab.git(lab.root / "linked", "add", "--", "z.json")
    assert [each["path"] for each in check(lab, lab.root / "linked", code=1).json["findings"]] == ["z.json"]
    assert codes(check(lab, here, code=0)) == []


# ---- output ------------------------------------------------------------------------------------------------------


def test_annotations_for_github(lab: Lab) -> None:
    """One workflow command for each finding, escaped; inside GitHub Actions without asking."""
    here = lab.lone(adopt=False)
    lab.write(here, {"a,b:c%.json": UNMERGED})
    lab.git(here, "add", "--", "a,b:c%.json")
    said = lab.guard(here, "check", "--github", code=1).out
    assert said.startswith("::error file=a%2Cb%3Ac%25.json,line=1,title=G106 merge-marker::it holds the markers of")
    assert "%0Awhy: " in said
    assert said.count("\n") == 1
    assert lab.guard(here, "check", code=1, env={"GITHUB_ACTIONS": "true"}).out == said
    assert check(lab, here, code=1, env={"GITHUB_ACTIONS": "true"}).json["judged"] == 1


def test_the_same_judge_everywhere(lab: Lab) -> None:
    """A change gets the same findings on disk, in the index and in history, but for what only one of them has."""
    here = lab.lone()
    files: dict[str, str | bytes | None] = {
        "state/agents.json": '{"agents": {}, "_meta": {"count": 4}}',
        name_of(1, "s"): "{",
        "x.txt": UNMERGED,
        "state/stats.json": None,
    }
    for path, data in files.items():
        if data is None:
            (here / path).unlink()
        else:
            lab.write(here, {path: data})

    def told(said: Said) -> list[tuple[Any, ...]]:
        keys = ("path", "line", "code", "name", "why")
        return [tuple(each[key] for key in keys) for each in said.json["findings"]]

    disk = told(check(lab, here, *files, code=1))
    lab.git(here, "add", "--", *files)
    index = told(check(lab, here, "--staged", code=1))
    lab.git(here, "commit", "-q", "-m", "[S1] w: x")
    past = told(check(lab, here, "--range", "HEAD~1..HEAD", code=1))
    assert disk == index == past
    assert {line[2] for line in disk} == {"G101", "G102", "G106", "G107"}


# ---- size --------------------------------------------------------------------------------------------------------


def generated(here: Path, commits: int, files: int) -> None:
    """A history by fast-import: a tree of many files, then commits that touch one or two of them, some joins."""
    out = [b"blob\nmark :1\ndata 2\nx\n", b"commit refs/heads/main\nmark :2\n"]
    who = b"committer a <a@b.invalid> %d +0000\n"
    out.append(who % 1700000000 + b"data 10\n[S1] w: x\n\n")
    out += [b"M 100644 :1 src/%03d/%05d.py\n" % (number % 200, number) for number in range(files)]
    for number in range(3, commits + 2):
        data = b"content %d\n" % number
        out.append(b"commit refs/heads/main\nmark :%d\n" % number + who % (1700000000 + number))
        out.append(b"data 10\n[S1] w: x\n\nfrom :%d\n" % (number - 1))
        if number % 50 == 0 and number > 60:
            out.append(b"merge :%d\n" % (number - 10))
        out.append(b"M 100644 inline src/%03d/%05d.py\ndata %d\n%s\n" % (number % 200, number % files, len(data), data))
        if number % 10 == 0:
            rows = b"| %d |\n" % number
            out.append(b"M 100644 inline tasks/%d.md\ndata %d\n%s\n" % (number, len(rows), rows))
    subprocess.run(["git", "fast-import", "--quiet"], cwd=here, input=b"".join(out), check=True)


def test_a_long_history_of_a_large_tree_costs_about_what_git_needs_to_list_it(lab: Lab) -> None:
    """20,000 commits on 50,000 files are judged to the last, in seconds and not in a process for each."""
    lab.git(lab.root, "init", "-q", "big")
    here = lab.root / "big"
    generated(here, 20_000, 50_000)
    began = time.monotonic()
    lab.git(here, "log", "--raw", "--no-renames", "main", "--output=/dev/null")
    listed = time.monotonic() - began
    began = time.monotonic()
    said = check(lab, here, "--range", "0..main", code=0)
    judged = time.monotonic() - began
    print(f"git log --raw {listed:.1f} s, guard check {judged:.1f} s")
    assert said.json["judged"] == 20_000
    assert judged < 300  # a process for each commit would take longer; benchmarks have the ratios
    lab.git(here, "checkout", "-q", "main")
    lab.write(here, {"src/000/00000.py": UNMERGED})
    lab.git(here, "add", "--", "src/000/00000.py")
    assert codes(check(lab, here, code=1)) == ["G106"]
    assert check(lab, here, "src", code=1).json["judged"] == 50_000


def test_a_folder_whose_name_begins_with_a_dot_is_found(lab: Lab) -> None:
    """`.github` is not `github`: the dot is a part of the name, and only the top itself is `.`."""
    here = lab.lone()
    workflow = "on: push\njobs:\n  x:\n    steps:\n      - run: git stash\n"
    lab.commit(here, {".github/workflows/x.yml": workflow})
    for path in (".github/workflows/x.yml", ".github", "."):
        assert "G303" in lab.guard(here, "check", path, code=1).out
