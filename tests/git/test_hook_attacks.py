"""Ways that were found around the hooks, or to lose something by them; each is closed, and stays so."""

import copy
import json
import pickle
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from walks.hooked import EDITED, STATE_FILE, git, guarded, refused, unhooked, whole
from walks.lab import INBOX, Lab, inbox_file

from guard import hooks
from guard.change import NONE, Change, File
from guard.git import Repo
from guard.hooks.watch import VERSION, current_policy
from guard.policy import Policy
from guard.rules import merge_marker

DELTA = b'{"frame": 1, "stream_id": "z", "completed_at": "2026-01-01T00:00:00Z"}'


def staged_edit(lab: Lab, here: Path) -> None:
    """Stage canonical state that was edited by hand."""
    lab.write(here, {STATE_FILE: EDITED})
    lab.git(here, "add", "--", STATE_FILE)


@pytest.mark.parametrize("more", [(), ("-n",)])
def test_the_environment_does_not_say_what_was_judged(lab: Lab, more: tuple[str, ...]) -> None:
    """Variables that the hooks use among themselves count for nothing when somebody else sets them."""
    here = guarded(lab)
    blob = lab.git(here, "hash-object", "-w", "--stdin", input=DELTA)
    staged_edit(lab, here)
    policy = lab.git(here, "rev-parse", "HEAD:guard.toml")
    for env in (
        {"GUARD_ADDED": f":000000 100644 {'0' * 40} {blob} A\t{INBOX}/frame-1-z.json\n"},
        {"guard_version": VERSION, "guard_policy": policy},
        {"guard_version": VERSION, "guard_how": "looked", "guard_added": "x"},
    ):
        refused(lab, here, "commit", *more, "-m", "[S1] agents: by hand", code="G101", env=env)


def test_a_note_of_one_commit_is_not_another_s(lab: Lab) -> None:
    """While one commit waits in a slow hook, another's refused state does not ride along with it."""
    here = guarded(lab)
    slow = here / ".git/hooks/pre-commit.guard-displaced"
    slow.write_text("#!/bin/sh\n[ -e slow ] || exit 0\ntouch waiting; while [ ! -e go ]; do sleep 0.05; done\n")
    slow.chmod(0o755)
    lab.write(here, {"mine.txt": "mine\n", "slow": ""})
    lab.git(here, "add", "--", "mine.txt")
    first = subprocess.Popen(
        ["git", "commit", "-q", "-m", "[S1] mine: a file"], cwd=here, env=lab.env, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not (here / "waiting").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    (here / "slow").unlink()
    staged_edit(lab, here)
    assert "G101" in git(lab, here, "commit", "-q", "-m", "[S2] agents: by hand").err
    (here / "go").touch()
    first.communicate(timeout=60)
    assert STATE_FILE not in lab.git(here, "log", "--format=", "--name-only", "-1")


@pytest.mark.parametrize("way", ["revert", "cherry-pick", "merge"])
def test_the_baseline_is_not_taken_away_by_any_way(lab: Lab, way: str) -> None:
    """What `git commit` is refused (G108), revert, cherry-pick and merge are too."""
    here = guarded(lab)
    if way == "revert":
        said = git(lab, here, "revert", "--no-edit", "HEAD")
    else:
        lab.git(here, "switch", "-q", "-c", "topic")
        unhooked(lab, here, {"guard.toml": "# nothing\n"})
        lab.git(here, "switch", "-q", "main")
        said = git(lab, here, way, "topic")
    assert said.code != 0
    assert "G108" in said.err


def test_a_tightened_limit_of_deletions_counts_at_once(lab: Lab) -> None:
    """The shims ask for a judgement as early as the policy does, also with --no-verify."""
    here = guarded(lab)
    toml = (here / "guard.toml").read_text() + "\n[deletions]\nfiles = 2\n"
    lab.commit(here, {"guard.toml": toml, **{f"d/{n}.txt": f"{n}\n" for n in range(20)}}, "[S1] guard: few")
    lab.git(here, "rm", "-q", "d/1.txt", "d/2.txt", "d/3.txt")
    for more in ((), ("-n",)):
        refused(lab, here, "commit", *more, "-m", "[S1] d: fewer", code="G202")


def test_new_protection_counts_with_no_verify_at_once(lab: Lab) -> None:
    """What guard.toml protects from the last commit on is protected without any judgement in between."""
    here = guarded(lab)
    paths = '["state/*.json", "state/frames/**", "state/posts/**", "state/registers/**", "data/**"]'
    toml = f"[canonical]\npaths = {paths}\n\n" + (here / "guard.toml").read_text()
    lab.commit(here, {"data/x.json": '{"a": 1, "b": 2}'}, "[S1] data: x")
    lab.commit(here, {"guard.toml": toml}, "[S1] guard: data too")
    lab.write(here, {"data/x.json": '{"a": 1}'})
    lab.git(here, "add", "--", "data/x.json")
    refused(lab, here, "commit", "-n", "-m", "[S1] data: less", code="G107")


def test_a_delta_is_not_reverted(lab: Lab) -> None:
    """Reverting the commit that brought a delta deletes it unmerged: G103, like any other way."""
    here = guarded(lab)
    lab.commit(here, inbox_file(1, "s"), "[S1] frame 1: s")
    said = git(lab, here, "revert", "--no-edit", "HEAD")
    assert said.code != 0
    assert "G103" in said.err


def test_an_attribute_does_not_hide_markers(lab: Lab) -> None:
    """A file that an attribute calls binary is looked into all the same."""
    here = guarded(lab)
    lab.commit(here, {".gitattributes": "*.txt -diff\n"}, "[S1] attributes: none")
    lab.write(here, {"n.txt": "one\n<<<<<<< a\ntwo\n=======\nthree\n>>>>>>> b\n"})
    lab.git(here, "add", "--", "n.txt")
    refused(lab, here, "commit", "-m", "[S1] n: both", code="G106")


def test_sh_lets_no_marker_pass_that_the_rule_sees(lab: Lab) -> None:
    """Whatever lines a file gains and loses, where G106 finds a marker sh leaves the commit to the judge."""
    here = lab.lone(adopt=False)
    shims = Path(hooks.__file__).parent / "shims"
    looks = f". '{shims}/guard-lib'; guard_load; guard_index=.git/index; guard_relevant && echo judged"
    rng = random.Random(5)
    lines = ["<<<<<<< a", "=======", ">>>>>>> b", "=======\r", "<<<<<<<", "text", "", "<a>", "> b", "====", "ä\udcff"]
    whole = ["text", "<<<<<<< a", "x", "=======", "y", ">>>>>>> b", "z"]
    pairs = [("\n".join(each for each in whole if each != gone), "\n".join(whole)) for gone in whole]
    for _ in range(80):
        texts = ["\n".join(rng.choices(lines, [9, 9, 9, 3, 1, 9, 5, 5, 5, 5, 2], k=rng.randrange(12))) for _ in "ab"]
        if not rng.randrange(4):
            texts[1] = texts[1].replace(">>>>>>>", "> >>>>>>").replace("<<<<<<<", " <<<<<<<")
        pairs.append((texts[0] if rng.randrange(2) else "", texts[1]))
    caught = passed = 0
    for old, new in pairs:
        before, after = (text.encode(errors="surrogateescape") or None for text in (old, new))
        after = after or b"text"
        if before is not None:
            lab.write(here, {"x.txt": before})
            lab.git(here, "add", "x.txt")
            lab.git(here, "commit", "-q", "-m", "before", code=None)
        else:
            lab.git(here, "rm", "-q", "-f", "--ignore-unmatch", "x.txt")
            lab.git(here, "commit", "-q", "-m", "before", code=None)
        lab.write(here, {"x.txt": after})
        lab.git(here, "add", "x.txt")
        said = lab.run(here, "sh", "-c", looks).out
        file = File("x.txt", NONE if before is None else "100644", "100644", "old", "new")
        change = Change([file], read={"old": before, "new": after}.get)
        if list(merge_marker.check(change, Policy())):
            assert said == "judged\n", (before, after)
            caught += 1
        passed += not said
    assert caught > 5
    assert passed > 5


def test_two_names_for_one_commit_are_two_moves(lab: Lab) -> None:
    """A new branch that may have a commit does not let another branch have it in the same transaction."""
    here = guarded(lab)
    lab.git(here, "switch", "-q", "-c", "side")
    bad = unhooked(lab, here, {STATE_FILE: EDITED})
    lab.git(here, "switch", "-q", "main")
    lab.git(here, "update-ref", "refs/remotes/other/side", bad)
    lab.git(here, "branch", "-q", "-D", "side")
    lines = f"create refs/heads/aaa {bad}\nupdate refs/heads/main {bad}\n".encode()
    said = git(lab, here, "update-ref", "--stdin", input=lines)
    assert said.code != 0
    assert "G101" in said.err


def test_a_refused_mixed_reset_leaves_files_alone(lab: Lab) -> None:
    """git moved the index alone, so nothing but the index is put back: the file is its author's."""
    here = guarded(lab)
    unhooked(lab, here, {"state/cache.json": '{"k": 1}'})
    unhooked(lab, here, {".gitignore": "state/cache.json\n"})
    lab.git(here, "switch", "-q", "-c", "bad")
    unhooked(lab, here, {"state/cache.json": None})
    lab.git(here, "switch", "-q", "main")
    lab.write(here, {"state/cache.json": '{"k": 1, "mine": 2}'})
    assert git(lab, here, "reset", "-q", "bad").code != 0
    assert json.loads((here / "state/cache.json").read_text()) == {"k": 1, "mine": 2}


@pytest.mark.parametrize("words", ["checkout -q -B main", "switch -q -C main", "reset -q --keep", "reset -q --merge"])
@pytest.mark.parametrize("rules", ["*.log\n", "*.log\n!no\n"], ids=["same rules", "other rules"])
def test_an_ignored_file_outlives_a_refusal(lab: Lab, words: str, rules: str) -> None:
    """A refused move puts the tree back, and leaves an ignored file that the refused commit has too."""
    here = guarded(lab)
    lab.commit(here, {".gitignore": "*.log\n"}, "[S1] ignore: logs")
    lab.git(here, "switch", "-q", "-c", "bad")
    unhooked(lab, here, {STATE_FILE: EDITED, "more.txt": "more\n", ".gitignore": rules})
    lab.write(here, {"logs/run.log": "precious\n"})
    lab.git(here, "add", "-f", "--", "logs/run.log")
    lab.git(here, "-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", "a log")
    lab.git(here, "switch", "-q", "main")
    lab.write(here, {"logs/run.log": "precious\n", "README.md": "mine, not staged\n"})
    before = whole(lab, here)
    said = git(lab, here, *words.split(), "bad")
    assert said.code != 0
    assert "G101" in said.err
    assert "logs/run.log" in said.err
    after = whole(lab, here)
    more = after["files"].pop("more.txt", None)
    assert (more is not None) == (rules != "*.log\n")  # nobody can tell any more what was ignored
    assert after == before


def test_the_way_out_of_a_refused_merge_is_named(lab: Lab) -> None:
    """`git merge -s ours` and `git revert` leave git in the midst of it: the fix is the command that ends that."""
    one, two = lab.fleet("one", "two")
    lab.guard(two, "install")
    lab.commit(two, {"mine.txt": "mine\n"}, "[S2] mine: a file")
    lab.commit_push(one, inbox_file(1, "s1"))
    lab.guard(one, "merge")
    lab.git(two, "fetch", "-q")
    for more in ((), ("--no-verify",)):
        before = whole(lab, two)
        said = git(lab, two, "merge", *more, "-s", "ours", "-m", "Merge upstream", "origin/main")
        assert said.code != 0
        fixes = {line for line in said.err.split("\n") if line.startswith("  fix: ")}
        assert fixes == {"  fix: git merge --abort"}
        lab.git(two, "merge", "--abort")
        assert whole(lab, two) == before
    lab.git(two, "merge", "-q", "-m", "Merge upstream", "origin/main")
    before = whole(lab, two)
    said = git(lab, two, "revert", "--no-edit", "HEAD^2")
    assert {line for line in said.err.split("\n") if line.startswith("  fix: ")} == {"  fix: git reset --merge"}
    lab.git(two, "reset", "-q", "--merge")
    assert whole(lab, two) == before


ZEROS = "0" * 40


@pytest.mark.parametrize(
    ("hook", "text"),
    [
        ("reference-transaction", "hello\n"),
        ("reference-transaction", "a b\n"),
        ("reference-transaction", f"{ZEROS} nonsense refs/heads/main\n"),
        ("reference-transaction", f"{ZEROS} {ZEROS}\xff refs/heads/main\n"),
        ("pre-push", "hello\n"),
        ("pre-push", "refs/heads/main refs/heads/main\n"),
        ("pre-push", f"refs/heads/main main refs/heads/main {ZEROS}\n"),
    ],
)
def test_what_git_never_says_is_no_fault_of_guards(lab: Lab, hook: str, text: str) -> None:
    """Garbage on a hook's input: exit 2, and a message that says what was expected."""
    here = guarded(lab)
    words = [hook, "prepared"] if hook == "reference-transaction" else [hook, "origin", "url"]
    said = lab.run(here, sys.executable, "-c", "from guard.hooks import main; main()", *words, input=text.encode())
    assert said.code == 2
    assert "of the form" in said.err
    assert "let git call it" in said.err
    assert "fault" not in said.err


def test_a_policy_that_another_version_kept_is_read_anew(lab: Lab) -> None:
    """The compiled policy is only a copy: one that lacks what this version asks for is not filled up with defaults."""
    here = guarded(lab)
    text = (here / "guard.toml").read_text()
    lab.commit(here, {"guard.toml": f"{text}\n[messages]\nprefix = false\n"}, "[S1] policy: any subject")
    repo, folder = Repo(here), here / ".git/guard"
    good = current_policy(repo, folder)
    assert not good.prefix
    [kept] = folder.glob("policy-*")
    old = copy.copy(good)
    del vars(old)["prefix"]
    kept.write_bytes(pickle.dumps(old))
    assert current_policy(repo, folder) == good
    repo.close()


def test_a_push_of_what_a_message_names(lab: Lab) -> None:
    """git tells pre-push the name that was typed, and that may hold spaces: what is pushed is judged all the same."""
    one, _ = lab.fleet("one", "two")
    lab.guard(one, "install")
    unhooked(lab, one, {STATE_FILE: EDITED}, "past all hooks")
    said = git(lab, one, "push", "-q", "origin", "HEAD^{/past all}:refs/heads/main")
    assert said.code != 0
    assert "G101" in said.err


def test_one_file_taken_back_does_not_excuse_the_rest(lab: Lab) -> None:
    """After a bulk add, `git restore --staged FILE` and `git reset FILE` leave the others staged, and refused."""
    here = guarded(lab)
    lab.write(here, {"a.txt": "a\n", "b.txt": "b\n"})
    lab.git(here, "add", "-A")
    for words in (("restore", "--staged", "--", "a.txt"), ("reset", "-q", "--", "a.txt"), ("reset", "-q", "a.txt")):
        lab.git(here, *words)
        refused(lab, here, "commit", "-m", "[S1] b: file", code="G201")
    lab.git(here, "reset", "-q")
    lab.git(here, "add", "--", "b.txt")
    lab.git(here, "commit", "-q", "-m", "[S1] b: file")


def test_the_first_commit_of_an_adoption_passes(lab: Lab) -> None:
    """What `guard init` writes agrees with the state that is there: its totals are counted."""
    here = lab.lone(adopt=False, files={STATE_FILE: '{"agents": {"ann": {}}, "_meta": {"count": 1}}\n'})
    said = lab.guard(here, "init", "--yes", "--json")
    assert json.loads((here / "state/stats.json").read_text())["total_agents"] == 1
    assert lab.run(here, "sh", "-c", said.json["next"]).code == 0


LIMITS = '[canonical]\npaths = ["state/**/*.json", "state/frames/**", "state/posts/**", "state/registers/**"]\n'
LIMITS += "[deletions]\nfiles = 500\nfolder = 2000\n"


@pytest.mark.parametrize(
    ("path", "data", "code"),
    [
        ("state/other.json", "{}\n", "G101"),
        ('"quoted".sh', "#!/bin/bash\nmapfile -t x <f\n", "G301"),
        ("run.sh", "#!/bin/bash\nmapfile -t x <f\n", "G301"),
    ],
)
def test_a_policy_of_ones_own_hides_nothing_from_sh(lab: Lab, path: str, data: str, code: str) -> None:
    """Two stars that stand for no folder, and so many deletions that nothing else is counted with them."""
    here = lab.lone(adopt=False)
    lab.adopt(here, LIMITS)
    lab.guard(here, "install")
    for name in ("a.txt", "b.txt"):
        lab.commit(here, {name: "1\n"}, "[S1] work: more")
    assert "guard_most=500" in (here / ".git/guard/watch").read_text()
    lab.write(here, {path: data})
    lab.git(here, "add", "--", path)
    refused(lab, here, "commit", "-m", "[S1] work: more", code=code)
