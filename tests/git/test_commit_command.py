"""`guard commit`: exactly the named files become a commit, whatever else lies in the tree and the index."""

import os
from pathlib import Path

import pytest
from walks.hooked import guarded, whole
from walks.lab import Lab, Said, inbox_file

from guard.errors import GuardError
from guard.git import Repo
from guard.index.shared import work

ME = {"GUARD_SESSION": "S7"}


def commit(lab: Lab, here: Path, *words: str, code: int | None = 0, env: dict[str, str] | None = None) -> Said:
    """Run guard commit as session S7."""
    return lab.guard(here, "commit", *words, code=code, env={**ME, **(env or {})})


def changed(lab: Lab, here: Path, rev: str = "HEAD") -> set[str]:
    """The paths that a commit changes."""
    said = lab.git(here, "diff-tree", "-r", "--root", "--no-commit-id", "--name-only", "--no-renames", "-z", rev)
    return {path for path in said.split("\0") if path}


def clean(lab: Lab, here: Path) -> bool:
    """Whether nothing is left of the command: no lock, no folder of a commit under way."""
    own = Path(lab.git(here, "rev-parse", "--absolute-git-dir"))
    left = list((own / "guard/commits").glob("*")) if (own / "guard/commits").exists() else []
    return not left and not list(own.rglob("*.lock"))


def test_new_changed_deleted_renamed_linked_and_executable_files(lab: Lab) -> None:
    """Every kind of change that is named is committed as it is in the work tree, and nothing else."""
    here = guarded(lab)
    names = ["gone.txt", "old name.txt", "mode.sh", "changed.txt", "to link.txt", "other.txt"]
    lab.commit(here, dict.fromkeys(names, "before\n"))
    (here / "gone.txt").unlink()
    (here / "old name.txt").rename(here / "new name.txt")
    (here / "mode.sh").chmod(0o755)
    (here / "to link.txt").unlink()
    (here / "to link.txt").symlink_to("nowhere")
    lab.write(here, {"changed.txt": "after\n", "deep/new.txt": "new\n", "other.txt": "not mine\n", "stray": "x"})
    mine = ["gone.txt", "old name.txt", "new name.txt", "mode.sh", "changed.txt", "to link.txt", "deep/new.txt"]
    said = commit(lab, here, "-m", "all: kinds", *mine, "--json").json
    assert said == {
        "commit": lab.rev(here),
        "branch": "main",
        "session": "S7",
        "paths": sorted(mine),
        "kept": [],
        "exit": 0,
    }
    assert changed(lab, here) == set(mine)
    tree = lab.paths(here)
    assert tree["mode.sh"].startswith("100755")
    assert tree["to link.txt"].startswith("120000")
    assert lab.git(here, "log", "-1", "--format=%s") == "[S7] all: kinds"
    assert lab.git(here, "log", "-1", "--walk-reflogs", "--format=%gs") == "commit: [S7] all: kinds"
    assert lab.git(here, "status", "--porcelain").splitlines() == [" M other.txt", "?? stray"]
    assert clean(lab, here)


def test_what_neighbours_have_staged_stays_staged(lab: Lab) -> None:
    """A neighbour's staged file, deletion and new file are not committed, and are staged as before afterwards."""
    here = guarded(lab)
    lab.commit(here, {"mine.txt": "1", "theirs.txt": "1", "dropped.txt": "1"})
    lab.write(here, {"mine.txt": "2", "theirs.txt": "staged", "fresh.txt": "new"})
    lab.git(here, "add", "theirs.txt", "fresh.txt")
    lab.git(here, "rm", "-q", "--cached", "dropped.txt")
    lab.write(here, {"theirs.txt": "edited since"})
    commit(lab, here, "-m", "mine: two", "mine.txt")
    assert changed(lab, here) == {"mine.txt"}
    staged = lab.git(here, "diff-index", "--cached", "--name-status", "HEAD").splitlines()
    assert staged == ["D\tdropped.txt", "A\tfresh.txt", "M\ttheirs.txt"]
    assert lab.git(here, "show", ":theirs.txt") == "staged"
    assert (here / "theirs.txt").read_text() == "edited since"


def test_another_version_staged_of_a_named_file_is_kept_and_said(lab: Lab) -> None:
    """What is staged of the path and is neither the old nor the new version is somebody's: kept, and said."""
    here = guarded(lab)
    lab.commit(here, {"f.txt": "1", "g.txt": "1"})
    lab.write(here, {"f.txt": "somebody's"})
    lab.git(here, "add", "f.txt")
    lab.write(here, {"f.txt": "mine", "g.txt": "2"})
    said = commit(lab, here, "-m", "f: mine", "f.txt", "g.txt", "--json")
    assert said.json["kept"] == ["f.txt"]
    assert "f.txt" in said.err
    assert lab.show(here, "f.txt") == b"mine"
    assert lab.git(here, "show", ":f.txt") == "somebody's"
    assert lab.git(here, "diff-index", "--cached", "--name-only", "HEAD") == "f.txt"


def test_a_file_staged_as_it_is_is_committed_and_staged_no_more(lab: Lab) -> None:
    """`git add` and `git add -N` before the command change nothing of its result."""
    here = guarded(lab)
    lab.commit(here, {"f.txt": "1"})
    lab.write(here, {"f.txt": "2", "new.txt": "new", "intended.txt": "new"})
    lab.git(here, "add", "f.txt", "new.txt")
    lab.git(here, "add", "-N", "intended.txt")
    said = commit(lab, here, "-m", "f: two", "f.txt", "new.txt", "intended.txt", "--json").json
    assert said["kept"] == []
    assert lab.git(here, "status", "--porcelain") == ""


def test_paths_are_taken_from_the_callers_folder(lab: Lab) -> None:
    """Relative paths count from the caller, or from -C; names are names and no patterns."""
    here = guarded(lab)
    odd = ["a b.txt", "line\nbreak.txt", "-m", "*.txt", ":(top)x", "[ab].txt", "caf\u00e9.txt", 'q"uote\\.txt']
    lab.write(here, {f"sub/{name}": "x" for name in odd})
    lab.write(here, {"sub/a.txt": "not mine", "top.txt": "x", "sub/deep/d.txt": "x"})
    commit(lab, here / "sub", "-m", "odd: names", "--", *odd)
    assert changed(lab, here) == {f"sub/{name}" for name in odd}
    commit(lab, here / "sub", "-m", "up: one", "../top.txt")
    assert changed(lab, here) == {"top.txt"}
    commit(lab, here.parent, "-C", f"{here.name}/sub", "-m", "down: one", "deep/d.txt")
    assert changed(lab, here) == {"sub/deep/d.txt"}
    (here.parent / "other").symlink_to(here)
    lab.write(here, {"sub/deep/d.txt": "y"})
    commit(lab, here.parent, "-m", "by: link", str(here.parent / "other/sub/deep/d.txt"), "-C", "other")
    assert changed(lab, here) == {"sub/deep/d.txt"}


def test_what_cannot_be_meant_is_refused(lab: Lab) -> None:
    """No file, a folder, a missing or ignored one, one outside: exit 2, told how, and nothing has changed."""
    here = guarded(lab)
    lab.commit(here, {"f.txt": "1", ".gitignore": "*.log\n", "dir/x.txt": "1"})
    lab.write(here, {"f.txt": "2", "x.log": "log", "dir/y.txt": "1"})
    (here / "link").symlink_to("dir")
    before = whole(lab, here)
    for words, word in [
        ((), "FILE"),
        (("dir",), "git ls-files"),
        ((".",), "git ls-files"),
        (("missing.txt",), "missing.txt"),
        (("x.log",), "git add -f"),
        (("../outside.txt",), "outside.txt"),
        (("link/x.txt",), "symbolic link"),
        (("f.txt", ""), "name"),
        (("f.txt", ".git/config"), ".git"),
    ]:
        said = commit(lab, here, "-m", "what: why", *words, code=2)
        assert word in said.err, (words, said)
        assert "fix:" in said.err, (words, said)
    assert "-m" in commit(lab, here, "f.txt", code=2).err
    assert whole(lab, here) == before
    assert clean(lab, here)


def test_a_file_that_replaces_a_folder_and_the_other_way_round(lab: Lab) -> None:
    """Naming all of it commits it; naming the file alone would take the folder's files along, and is refused."""
    here = guarded(lab)
    lab.commit(here, {"d/x.txt": "1", "d/y.txt": "1", "f": "1"})
    for name in ("x", "y"):
        (here / f"d/{name}.txt").unlink()
    (here / "d").rmdir()
    (here / "f").unlink()
    lab.write(here, {"d": "a file now", "f/inside.txt": "a folder now"})
    said = commit(lab, here, "-m", "d: file", "d", code=2)
    assert "d/x.txt" in said.err
    commit(lab, here, "-m", "d: file", "d", "d/x.txt", "d/y.txt", "f", "f/inside.txt")
    assert changed(lab, here) == {"d", "d/x.txt", "d/y.txt", "f", "f/inside.txt"}
    assert lab.git(here, "status", "--porcelain") == ""


def test_a_submodule_is_committed_as_the_commit_it_stands_at(lab: Lab) -> None:
    """A gitlink that is tracked moves to what is checked out there; a repository that is none yet is refused."""
    here = guarded(lab)
    inner = lab.lone("inner", adopt=False)
    lab.git(here, "submodule", "--quiet", "add", str(inner), "sub")
    lab.git(here, "commit", "-q", "-m", "[S1] sub: here")
    lab.commit(here / "sub", {"more.txt": "1"})
    commit(lab, here, "-m", "sub: newer", "sub")
    assert lab.paths(here)["sub"] == f"160000 commit {lab.rev(here / 'sub')}"
    assert lab.git(here, "status", "--porcelain") == ""
    lab.git(here, "clone", "-q", str(inner), "nested")
    assert "git submodule add" in commit(lab, here, "-m", "nested: no", "nested", code=2).err


def test_nothing_to_commit_is_no_failure(lab: Lab) -> None:
    """A file that is as HEAD has it: exit 0, no commit, and said; so that a command can be run again."""
    here = guarded(lab)
    lab.commit(here, {"f.txt": "1"})
    before = whole(lab, here)
    said = commit(lab, here, "-m", "f: one", "f.txt")
    assert "nothing to commit" in said.out
    assert commit(lab, here, "-m", "f: one", "f.txt", "--json").json["commit"] is None
    assert whole(lab, here) == before


def test_the_session_stands_in_the_subject(lab: Lab) -> None:
    """The prefix is added once; another session's number and a subject without what and why are refused."""
    here = guarded(lab)
    lab.commit(here, {"f.txt": "0"})
    for number, (given, subject) in enumerate(
        [
            ("f: one", "[S7] f: one"),
            ("[S7] f: two", "[S7] f: two"),
            ("[s007] f: three", "[S7] f: three"),
            ("fixup! [S7] f: one", "fixup! [S7] f: one"),
        ]
    ):
        lab.write(here, {"f.txt": f"v{number}"})
        commit(lab, here, "-m", given, "-m", "a body", "f.txt")
        assert lab.git(here, "log", "-1", "--format=%B").split("\n\n") == [subject, "a body"]
    lab.write(here, {"f.txt": "last"})
    before = whole(lab, here)
    assert "G401" in commit(lab, here, "-m", "[S8] f: no", "f.txt", code=1).out
    assert "G401" in commit(lab, here, "-m", "no colon", "f.txt", code=1).out
    assert "empty" in commit(lab, here, "-m", " ", "f.txt", code=2).err
    assert "guard start" in lab.guard(here, "commit", "-m", "f: x", "f.txt", code=2).err
    assert whole(lab, here) == before
    found = commit(lab, here, "-m", "[S8] f: no", "f.txt", "--json", code=1).json
    assert found["commit"] is None
    assert [each["code"] for each in found["findings"]] == ["G401"]
    (here / ".git/guard/session").write_text("S12\n")
    lab.guard(here, "commit", "-m", "f: recorded", "f.txt")
    assert lab.git(here, "log", "-1", "--format=%s") == "[S12] f: recorded"


def test_rules_refuse_and_nothing_has_changed(lab: Lab) -> None:
    """Canonical state by hand, also without hooks: exit 1, the finding, and everything as it was."""
    for here in (guarded(lab), lab.lone("bare-handed")):
        lab.write(here, {"state/agents.json": "{}\n", "fine.txt": "x"})
        before = whole(lab, here)
        said = commit(lab, here, "-m", "state: wiped", "state/agents.json", "fine.txt", "--json", code=1)
        assert {each["code"] for each in said.json["findings"]} >= {"G101"}
        assert said.json["exit"] == 1
        assert "G101" in commit(lab, here, "-m", "state: wiped", "state/agents.json", code=1).out
        assert whole(lab, here) == before
        assert clean(lab, here)
        commit(lab, here, "-m", "delta: one", *lab.write(here, inbox_file(1, "s1")))


def test_a_neighbours_bulk_add_is_not_mine(lab: Lab) -> None:
    """After somebody's `git add -A` the named files are committed all the same, and theirs stays refused."""
    here = guarded(lab)
    lab.commit(here, {"f.txt": "1"})
    lab.write(here, {"f.txt": "2", "theirs.txt": "x"})
    lab.git(here, "add", "-A")
    commit(lab, here, "-m", "f: two", "f.txt")
    assert changed(lab, here) == {"f.txt"}
    said = lab.run(here, "git", "commit", "-q", "-m", "[S1] bulk: all")
    assert "G201" in said.err
    commit(lab, here, "-m", "theirs: one", "theirs.txt")  # nothing is staged any more: it is forgotten
    lab.write(here, {"f.txt": "3"})
    lab.git(here, "add", "f.txt")
    lab.git(here, "commit", "-q", "-m", "[S1] f: three")


@pytest.mark.parametrize("hooks", [True, False])
def test_what_is_let_pass_is_recorded_once(lab: Lab, hooks: bool) -> None:
    """--allow lets one rule pass with its reason as a trailer, with hooks or without; without a reason it does not."""
    here = guarded(lab) if hooks else lab.lone()
    files = {f"pages/{number}.txt": str(number) for number in range(12)}
    lab.commit(here, files)
    for path in files:
        (here / path).unlink()
    assert "G202" in commit(lab, here, "-m", "pages: none", *files, code=1).out
    assert "--why" in commit(lab, here, "-m", "pages: none", "--allow", "G202", *files, code=2).err
    assert "G101" in commit(lab, here, "-m", "x: y", "--allow", "G101", "--why", "x", *files, code=2).err
    assert "--allow" in commit(lab, here, "-m", "x: y", "--why", "x", *files, code=2).err
    commit(lab, here, "-m", "pages: none", "--allow", "G202", "--why", "they moved", *files)
    body = lab.git(here, "log", "-1", "--format=%B")
    assert body == "[S7] pages: none\n\nGuard-Allow: G202 they moved"
    assert changed(lab, here) == set(files)


def test_while_a_merge_is_under_way_nothing_is_committed(lab: Lab) -> None:
    """An unfinished merge, cherry-pick, revert or rebase: exit 2, named, with the ways to end it."""
    here = guarded(lab)
    base = lab.commit(here, {"f.txt": "1"})
    lab.git(here, "switch", "-q", "-c", "other")
    other = lab.commit(here, {"f.txt": "theirs"})
    lab.git(here, "switch", "-q", "main")
    lab.commit(here, {"f.txt": "ours"})
    lab.write(here, {"g.txt": "x"})
    for words, what in [
        (("merge", "other"), "merge"),
        (("cherry-pick", other), "cherry-pick"),
        (("revert", "--no-edit", base), "revert"),
        (("rebase", "other"), "rebase"),
    ]:
        lab.git(here, *words, code=None)
        said = commit(lab, here, "-m", "g: x", "g.txt", code=2)
        assert what in said.err
        assert f"git {what} --abort" in said.err
        lab.git(here, what, "--abort")
    commit(lab, here, "-m", "g: x", "g.txt")


def test_an_unborn_branch_a_detached_head_a_linked_tree_and_sha256(lab: Lab) -> None:
    """The first commit of a repository, one without a branch, one in a linked work tree, and one with long names."""
    here = lab.root / "new"
    here.mkdir()
    lab.git(here, "init", "-q", "--object-format=sha256")
    lab.guard(here, "install")
    lab.write(here, {"f.txt": "1", "g.txt": "1"})
    lab.git(here, "add", "g.txt")
    commit(lab, here, "-m", "f: first", "f.txt")
    assert changed(lab, here) == {"f.txt"}
    assert lab.git(here, "log", "-1", "--walk-reflogs", "--format=%gs") == "commit (initial): [S7] f: first"
    assert lab.git(here, "status", "--porcelain") == "A  g.txt"
    lab.git(here, "worktree", "add", "-q", "-b", "side", "../side")
    side = lab.root / "side"
    lab.write(side, {"f.txt": "2"})
    assert commit(lab, side, "-m", "f: aside", "f.txt", "--json").json["branch"] == "side"
    assert lab.git(side, "status", "--porcelain") == ""
    lab.git(side, "checkout", "-q", "--detach")
    lab.write(side, {"f.txt": "3"})
    assert commit(lab, side, "-m", "f: without", "f.txt", "--json").json["branch"] is None
    assert lab.show(side, "f.txt", "HEAD") == b"3"
    assert lab.show(side, "f.txt", "side") == b"2"
    assert lab.git(side, "symbolic-ref", "-q", "HEAD", code=1) == ""
    assert clean(lab, side)


def test_an_unborn_branch_without_an_index(lab: Lab) -> None:
    """Where there never was an index there is a right one afterwards."""
    here = lab.root / "new"
    here.mkdir()
    lab.git(here, "init", "-q")
    lab.write(here, {"f.txt": "1"})
    commit(lab, here, "-m", "f: first", "f.txt")
    assert lab.git(here, "status", "--porcelain") == ""
    assert "bare" in commit(lab, lab_bare(lab), "-m", "f: x", "f.txt", code=2).err


def lab_bare(lab: Lab) -> Path:
    """A bare repository."""
    lab.git(lab.root, "init", "-q", "--bare", "b.git")
    return lab.root / "b.git"


def test_line_ends_and_filters_are_those_of_git_add(lab: Lab) -> None:
    """What attributes say of a file counts, as it does for git add."""
    here = guarded(lab)
    lab.commit(here, {".gitattributes": "*.txt text eol=lf\n*.up filter=up\n"})
    lab.git(here, "config", "filter.up.clean", "tr a-z A-Z")
    lab.write(here, {"f.txt": "a\r\nb\r\n", "g.up": "low\n"})
    commit(lab, here, "-m", "f: ends", "f.txt", "g.up")
    assert lab.show(here, "f.txt") == b"a\nb\n"
    assert lab.show(here, "g.up") == b"LOW\n"
    assert lab.git(here, "status", "--porcelain") == ""


def hook(here: Path, name: str, text: str) -> None:
    """Put a hook of somebody's own into a repository."""
    path = here / ".git/hooks" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


OWN = {
    "pre-commit": 'git diff --cached --name-only >>"$LOG"; tr a-z A-Z <f.txt >f.new && mv f.new f.txt && git add f.txt',
    "prepare-commit-msg": 'echo "prepare $2" >>"$LOG"; printf "\\nReviewed-by: hook\\n" >>"$1"',
    "commit-msg": 'echo "message $(head -n1 "$1")" >>"$LOG"; test "$GIT_AUTHOR_NAME" = Lab',
    "post-commit": 'echo "post $(git log -1 --format=%s) $(git status --porcelain)" >>"$LOG"',
}


@pytest.mark.parametrize("git_hook", [True, False], ids=["git hook", "before git 2.36"])
@pytest.mark.parametrize("linked", [False, True], ids=["main", "linked"])
def test_hooks_of_the_repository_run_as_for_git_commit(lab: Lab, git_hook: bool, linked: bool) -> None:
    """Chained ones too: they see the named files as staged, may change them and the message, and know the author."""
    main = lab.lone()
    for name, text in OWN.items():
        hook(main, name, text)
    lab.guard(main, "install")
    here = main
    if linked:
        here = lab.root / "linked"
        lab.git(main, "worktree", "add", "-q", "-b", "side", str(here))
    env = {"LOG": str(lab.root / "log")}
    if not git_hook:
        env["PATH"] = f"{old_git(lab)}:{lab.env['PATH']}"
    lab.write(here, {"f.txt": "low\n", "theirs.txt": "x"})
    lab.git(here, "add", "theirs.txt")
    commit(lab, here, "-m", "f: low", "f.txt", env=env)
    assert lab.show(here, "f.txt", "HEAD") == b"LOW\n"
    assert lab.git(here, "log", "-1", "--format=%B") == "[S7] f: low\n\nReviewed-by: hook"
    log = (lab.root / "log").read_text().splitlines()
    assert log == ["f.txt", "prepare message", "message [S7] f: low", "post [S7] f: low A  theirs.txt"]
    assert lab.git(here, "status", "--porcelain") == "A  theirs.txt"
    assert clean(lab, here)


def old_git(lab: Lab) -> Path:
    """A folder with a git that knows no `git hook`, as before 2.36."""
    real = lab.run(lab.root, "sh", "-c", "command -v git").out.strip()
    folder = lab.root / "old"
    folder.mkdir()
    text = f"""#!/bin/sh
for word; do case $word in hook) echo "git: 'hook' is not a git command. See 'git --help'." >&2; exit 1;; esac; done
exec {real} "$@"
"""
    (folder / "git").write_text(text)
    (folder / "git").chmod(0o755)
    return folder


@pytest.mark.parametrize("name", ["pre-commit", "prepare-commit-msg", "commit-msg", "reference-transaction"])
def test_a_hook_that_refuses_stops_the_commit(lab: Lab, name: str) -> None:
    """Its words are shown, the exit code is 1, and everything is as it was."""
    here = lab.lone()
    lab.commit(here, {"f.txt": "1"})
    hook(here, name, 'echo "no such day"; echo "closed for the winter" >&2; exit 7')
    lab.write(here, {"f.txt": "2"})
    before = whole(lab, here)
    said = commit(lab, here, "-m", "f: two", "f.txt", "--json", code=1)
    assert "closed for the winter" in said.err
    assert name in said.err
    assert said.json["commit"] is None
    assert whole(lab, here) == before
    assert clean(lab, here)


def test_a_hook_that_stages_what_was_not_named_is_refused(lab: Lab) -> None:
    """A pre-commit hook may change named files; one that adds others makes the commit exit 2 and name them."""
    here = lab.lone()
    hook(here, "pre-commit", "echo made >made.txt; git add made.txt")
    lab.guard(here, "install")
    lab.write(here, {"f.txt": "1"})
    said = commit(lab, here, "-m", "f: one", "f.txt", code=2)
    assert "made.txt" in said.err
    assert lab.rev(here) == lab.rev(here, "main@{0}")
    assert "f.txt" not in lab.paths(here)


def test_what_a_hook_changes_is_judged_again(lab: Lab) -> None:
    """A pre-commit hook that spoils a delta does not get it past the rules, though they ran before it."""
    here = guarded(lab)
    [path] = lab.write(here, inbox_file(1, "s1"))
    hook(here, "pre-commit", f"echo '{{}}' >{path}; git add {path}")  # guard's own is gone with it
    said = commit(lab, here, "-m", "delta: one", path, code=1)
    assert "G102" in said.out
    assert path not in lab.paths(here)


def test_a_commit_is_signed_where_the_repository_signs(lab: Lab) -> None:
    """commit.gpgSign counts; a key that fails leaves everything as it was."""
    here = guarded(lab)
    lab.write(here, {"f.txt": "1"})
    fake = lab.root / "gpg"
    fake.write_text(
        "#!/bin/sh\ncat >/dev/null\nprintf '\\n[GNUPG:] SIG_CREATED x\\n' >&2\n"
        "printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n'\n"
    )
    fake.chmod(0o755)
    lab.git(here, "config", "gpg.program", str(fake))
    lab.git(here, "config", "commit.gpgSign", "yes")
    commit(lab, here, "-m", "f: signed", "f.txt")
    assert "BEGIN PGP SIGNATURE" in lab.git(here, "cat-file", "commit", "HEAD")
    fake.write_text("#!/bin/sh\necho 'no secret key' >&2\nexit 2\n")
    lab.write(here, {"f.txt": "2"})
    before = whole(lab, here)
    assert "sign" in commit(lab, here, "-m", "f: unsigned", "f.txt", code=2).err
    assert whole(lab, here) == before


def test_the_message_is_cleaned_as_git_cleans_it(lab: Lab) -> None:
    """By default blanks go and comments stay; commit.cleanup counts."""
    here = guarded(lab)
    for mode, wanted in [
        ("", "[S7] f: x\n\n# kept"),
        ("strip", "[S7] f: x"),
        ("verbatim", "[S7] f: x  \n\n\n# kept  "),
    ]:
        if mode:
            lab.git(here, "config", "commit.cleanup", mode)
        lab.write(here, {"f.txt": mode})
        commit(lab, here, "-m", "f: x  \n\n\n# kept  ", "f.txt")
        raw = lab.git(here, "cat-file", "commit", "HEAD").partition("\n\n")[2]
        assert raw.rstrip("\n") == wanted, mode


def test_an_index_lock_that_stays_is_waited_for_and_not_removed(lab: Lab) -> None:
    """Somebody's index.lock: it is waited for, then given up with exit 2; neither it nor anything else has changed."""
    here = guarded(lab)
    lock = here / ".git/index.lock"
    lock.write_text("")
    repo = Repo(here)
    with pytest.raises(GuardError, match=r"index\.lock") as wrong, work(repo) as mine, mine.locked(tries=3):
        pass
    repo.close()
    assert wrong.value.fix
    assert lock.read_text() == ""
    assert not list((here / ".git/guard/commits").glob("*"))


def test_what_a_dead_run_left_is_found_and_completed_by_doctor(lab: Lab) -> None:
    """A run that died with git's lock in its hands: doctor names it, doctor --fix lets go of the lock; a living one
    and anybody else's lock are left alone."""
    here = guarded(lab)
    repo = Repo(here)
    with work(repo) as mine, mine.locked():
        assert "guard commit" not in {each["what"] for each in problems(lab, here, "--fix")}
        assert mine.shared.with_name("index.lock").exists()
        dead = here / ".git/guard/commits/0-dead"
        dead.mkdir()
        os.link(here / ".git/index.lock", dead / "was")
    repo.close()
    (dead / "was").rename(dead / "owner")
    os.link(dead / "owner", here / ".git/index.lock")
    assert "guard commit" in {each["what"] for each in problems(lab, here)}
    assert (here / ".git/index.lock").exists()
    lab.guard(here, "doctor", "--fix")
    assert clean(lab, here)


def problems(lab: Lab, here: Path, *words: str) -> list[dict[str, str]]:
    """What doctor calls a problem."""
    checks = lab.guard(here, "doctor", "--json", *words, code=None).json["checks"]
    return [each for each in checks if each["state"] == "problem"]


def test_a_full_disk_leaves_everything_as_it_was(lab: Lab) -> None:
    """Where guard's folder cannot be written the command says so, exit 2, and nothing has moved."""
    here = guarded(lab)
    lab.write(here, {"f.txt": "1"})
    (here / ".git/guard/commits").write_text("in the way")
    before = whole(lab, here)
    assert "fix:" in commit(lab, here, "-m", "f: one", "f.txt", code=2).err
    assert whole(lab, here) == before
    assert os.path.isfile(here / ".git/guard/commits")  # noqa: PTH113 - as it was


def test_a_broken_policy_can_be_repaired(lab: Lab) -> None:
    """guard.toml at HEAD that cannot be read does not keep its repair out."""
    here = guarded(lab)
    good = (here / "guard.toml").read_text()
    lab.git(here, "-c", "core.hooksPath=/dev/null", "commit", "-q", "--allow-empty", "-m", "x")
    lab.write(here, {"guard.toml": "[nonsense\n"})
    lab.git(here, "add", "guard.toml")
    lab.git(here, "-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", "broken")
    lab.write(here, {"guard.toml": good})
    commit(lab, here, "-m", "guard: repair", "guard.toml")
    assert lab.show(here, "guard.toml").decode() == good
