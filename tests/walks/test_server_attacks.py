"""What passes every hook of a clone is refused by the server and by `guard verify`; what is hostile ends in time."""

import os
import shutil
import signal
import subprocess
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from git import Actor
from git import Repo as GitPython
from walks.hooked import EDITED, STATE_FILE, UNHOOKED
from walks.lab import Lab, delta, inbox_file, name_of
from walks.test_server import accepted, guarded, push, refused

from guard.judge import rules
from guard.ordinary import KNOWS, others
from guard.plan import policy_at

# --- the ways past the hooks of a clone ------------------------------------------------------------------------


def _no_verify(lab: Lab, here: Path) -> None:
    shutil.rmtree(here / ".git/hooks")
    lab.git(here, "config", "core.hooksPath", ".git/nowhere")
    lab.write(here, {STATE_FILE: EDITED})
    lab.git(here, *UNHOOKED, "commit", "-q", "--no-verify", "-a", "-m", "[S1] state: by hand")


def _by_option(lab: Lab, here: Path) -> None:
    lab.write(here, {STATE_FILE: EDITED})
    lab.git(here, *UNHOOKED, "commit", "-q", "-a", "-m", "[S1] state: by hand")


def _by_environment(lab: Lab, here: Path) -> None:
    lab.write(here, {STATE_FILE: EDITED})
    words = [word.partition("=")[::2] for word in UNHOOKED if "=" in word]
    env = {"GIT_CONFIG_COUNT": str(len(words))}
    for place, (key, value) in enumerate(words):
        env |= {f"GIT_CONFIG_KEY_{place}": key, f"GIT_CONFIG_VALUE_{place}": value}
    lab.git(here, "commit", "-q", "-a", "-m", "[S1] state: by hand", env=env)


def _by_plumbing(lab: Lab, here: Path) -> None:
    blob = lab.git(here, "hash-object", "-w", "--stdin", input=EDITED.encode())
    lab.git(here, *UNHOOKED, "update-index", "--cacheinfo", f"100644,{blob},{STATE_FILE}")
    tree = lab.git(here, *UNHOOKED, "write-tree")
    commit = lab.git(here, "commit-tree", "-p", "HEAD", "-m", "[S1] state: by hand", tree)
    (here / ".git/refs/heads/main").write_text(f"{commit}\n")


def _by_library(lab: Lab, here: Path) -> None:
    lab.write(here, {STATE_FILE: EDITED})
    repo = GitPython(here)
    repo.index.add([STATE_FILE])
    me = Actor("Lab", "lab@example.invalid")
    repo.index.commit("[S1] state: by hand", author=me, committer=me, skip_hooks=True)
    repo.close()


WAYS: dict[str, Callable[[Lab, Path], None]] = {
    "hooks removed": _no_verify,
    "core.hooksPath": _by_option,
    "GIT_CONFIG_COUNT": _by_environment,
    "plumbing": _by_plumbing,
    "library": _by_library,
}


@pytest.mark.parametrize("way", WAYS)
def test_whatever_passes_the_hooks_of_a_clone_is_refused_here(lab: Lab, way: str) -> None:
    """A hand edit of state made past every local hook is refused by the server, and named by verify, wherever it is."""
    [here] = guarded(lab, "here")
    lab.guard(here, "install")
    WAYS[way](lab, here)
    edit = lab.rev(here)
    assert edit != lab.rev(here, "origin/main")
    for words in ([], ["--no-verify"]):
        said = lab.run(here, "git", *UNHOOKED, "push", *words, "origin", "main")
        assert said.code != 0
        assert f"{edit[:12]} {STATE_FILE}:1: G101" in said.err
    problems = lab.guard(here, "verify", "--json", code=1).json["problems"]
    assert [(each["commit"], each["path"], each["code"]) for each in problems] == [(edit, STATE_FILE, "G101")]


def test_a_pusher_s_configuration_and_environment_change_nothing_at_the_server(lab: Lab) -> None:
    """By file:// the hook runs as the pusher: neither a hooksPath of theirs nor guard's own variables lead past it."""
    [here] = guarded(lab, "here")
    own = lab.root / "own.config"
    own.write_text("[core]\n\thooksPath = /dev/null\n[guard]\n\tbranch = other\n\tseconds = 1\n")
    lab.commit(here, {STATE_FILE: EDITED})
    env = {
        "GIT_CONFIG_GLOBAL": str(own),
        "GUARD_ALLOW": "G101 why",
        "GUARD_GIT_PID": str(os.getpid()),
        "GUARD_DEBUG": "1",
        "GUARD_ADDED": "1",
        "PYTHONPATH": str(lab.root),
        "PYTHONSTARTUP": "/dev/null",
    }
    said = lab.run(here, "git", "push", "origin", "main", env=env)
    assert said.code != 0
    assert "G101" in said.err
    assert "refs/heads/main" in lab.refs(lab.hub)


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({name_of(1, "old"): delta(1, "old", observations=["else"])}, "G103"),
        ({name_of(1, "old"): None}, "G103"),
        ({"tasks/NEXT.md": "# notes\n"}, "G104"),
        ({"memory/lessons/L-1.md": None}, "G104"),
        ({"docs/x.json": "<<<<<<< HEAD\n{}\n=======\n[]\n>>>>>>> other\n"}, "G106"),
        ({"notes": "<<<<<<< HEAD\n1\n=======\n2\n>>>>>>> other\n"}, "G106"),
        ({"run.sh": "#!/bin/bash\ndeclare -A x\n"}, "G301"),
        ({"run": "#!/bin/bash\ngit stash\n"}, "G303"),
        ({f"many/{number}": None for number in range(30)}, "G202"),
    ],
)
def test_what_is_no_state_is_judged_too(lab: Lab, files: dict[str, str | bytes | None], code: str) -> None:
    """Deltas, records, markers, scripts and mass deletions: every rule that looks at commits."""
    [here] = guarded(lab, "here")
    base = {
        **inbox_file(1, "old"),
        "tasks/NEXT.md": "# notes\n\n## one\n\ntext\n",
        "memory/lessons/L-1.md": "# a lesson\n",
        **{f"many/{number}": f"{number}\n" for number in range(30)},
    }
    lab.commit_push(here, base)
    lab.commit(here, files)
    refused(lab, here, "main", code=code)


# --- what is hostile -------------------------------------------------------------------------------------------


def _bomb(lab: Lab, here: Path) -> str:
    """A tree that unfolds to ten thousand million files, in a commit on top of HEAD."""
    blob = lab.git(here, "hash-object", "-w", "--stdin", input=b"boom\n")
    tree = lab.git(here, "mktree", input="".join(f"100644 blob {blob}\tf{n}\n" for n in range(10)).encode())
    for _ in range(9):
        tree = lab.git(here, "mktree", input="".join(f"040000 tree {tree}\td{n}\n" for n in range(10)).encode())
    top = lab.git(here, "ls-tree", "HEAD")
    tree = lab.git(here, "mktree", input=f"{top}\n040000 tree {tree}\tzz\n".encode())
    return lab.git(here, "commit-tree", "-p", "HEAD", "-m", "[S1] x: boom", tree)


def _deep(lab: Lab, here: Path) -> str:
    """A tree of folders in folders, two thousand deep."""
    script = (
        f"commit refs/heads/deep\ncommitter L <l@x> 1767600000 +0000\ndata 12\n[S1] x: deep\nfrom {lab.rev(here)}\n"
    )
    lab.git(here, "fast-import", "--quiet", input=f"{script}M 100644 inline {'d/' * 2000}f\ndata 2\nx\n".encode())
    return lab.rev(here, "deep")


def test_a_tree_that_unfolds_without_end_is_refused_in_time(lab: Lab) -> None:
    """What would take hours and any memory is ended, said so, and leaves no process behind."""
    [here] = guarded(lab, "here")
    lab.git(lab.hub, "config", "guard.seconds", "3")
    lab.git(lab.hub, "config", "receive.fsckObjects", "false")
    refused(lab, here, f"{_bomb(lab, here)}:main", code="guard:")
    assert not _at_work(lab.hub)
    lab.commit(here, {"docs/x.md": "x\n"})
    accepted(lab, here, "main")


def _at_work(hub: Path) -> list[str]:
    """The processes that work in a repository, zombies left out, by /proc."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and (entry / "cwd").readlink() == hub:
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue  # it is gone by now
    return [words for words in found if words]


@pytest.mark.parametrize("where", ["pattern", "matches"])
def test_a_pattern_that_takes_for_ever_is_refused_with_the_policy_that_brings_it(lab: Lab, where: str) -> None:
    """A count whose pattern never ends on what is there would make every later push wait: it does not get in."""
    [here] = guarded(lab, "here")
    lab.git(lab.hub, "config", "guard.seconds", "3")
    lab.commit_push(here, {"docs/x.txt": "a" * 40 + "!\n"})
    count = {
        "pattern": 'file = "docs/x.txt"\npattern = \'(a|a)*([0-9]+)$\'\nfiles = "docs/*"\n',
        "matches": "file = \"README.md\"\npattern = '([a-z])'\nfiles = \"docs/*\"\nmatches = '(a|aa)+$'\n",
    }[where]
    text = (here / "guard.toml").read_text()
    lab.commit(here, {"guard.toml": f"{text}\n[[counts]]\n{count}"})
    said = refused(lab, here, "main")
    assert "could not be judged within 3 seconds" in said.err
    lab.git(here, "reset", "-q", "--hard", "HEAD~1")
    lab.commit(here, {"docs/y.txt": "y\n"})
    accepted(lab, here, "main")


def test_a_policy_of_megabytes_is_refused(lab: Lab) -> None:
    """Every push reads the policy: one that nobody wrote by hand does not get in."""
    [here] = guarded(lab, "here")
    text = (here / "guard.toml").read_text()
    globs = ", ".join(f'"x{number}/**"' for number in range(20000))
    lab.commit(here, {"guard.toml": f"{text}\n[append_only]\nfiles = [{globs}]\n"})
    said = refused(lab, here, "main")
    assert "are the most" in said.err or "could not be judged" in said.err


def test_ten_thousand_refs_at_once_are_judged(lab: Lab) -> None:
    """Branches, tags and claims pass, however many; one bad ref among them refuses them all, and is named."""
    [here] = guarded(lab, "here")
    head = lab.rev(here)
    names = [f"refs/heads/b{number}" for number in range(9000)] + [f"refs/guard/lanes/l{n}" for n in range(1000)]
    lines = "".join(f"create {name} {head}\n" for name in names)
    lab.git(here, "update-ref", "--stdin", input=lines.encode())
    bad = lab.git(here, "rev-parse", "HEAD^{tree}")
    lab.git(here, "update-ref", "refs/guard/sessions/7", bad)
    said = refused(lab, here, "refs/heads/b*:refs/heads/b*", "refs/guard/*:refs/guard/*")
    assert "refs/guard/sessions/7 would not point to a commit" in said.err
    lab.git(here, "update-ref", "-d", "refs/guard/sessions/7")
    accepted(lab, here, "refs/heads/b*:refs/heads/b*", "refs/guard/*:refs/guard/*")
    assert len(lab.refs(lab.hub)) == len(names) + 1


def test_contents_beyond_the_limit_are_not_read(lab: Lab) -> None:
    """A large file that no rule needs passes unread; a delta and a text that only grows have to be read, and do not."""
    [here] = guarded(lab, "here")
    lab.git(lab.hub, "config", "guard.megabytes", "1")
    large = b"x" * (3 << 20)
    lab.commit(here, {"asset.bin": large})
    accepted(lab, here, "main")
    lab.commit(here, {"tasks/NEXT.md": large})
    assert "larger than 1 MiB" in refused(lab, here, "main").err
    lab.git(here, "reset", "-q", "--hard", "HEAD~1")
    lab.commit(here, {name_of(1, "s1"): delta(1, "s1", observations=["x" * (2 << 20)])})
    refused(lab, here, "main", code="G102")


def test_names_and_messages_of_any_bytes_are_judged(lab: Lab) -> None:
    """Control characters, other encodings, bytes of none, and a NUL in a message: judged, and shown without harm."""
    [here] = guarded(lab, "here")
    head = lab.rev(here)
    lab.git(lab.hub, "config", "receive.fsckObjects", "false")
    tree = lab.git(here, "rev-parse", "HEAD^{tree}")
    who = f"L <l@x> {1767609999} +0000"
    start = f"tree {tree}\nparent {head}\nauthor {who}\ncommitter {who}\n"
    for message in (
        b"\n[S1] x: y\0Guard-Allow: G101 hidden\n",
        b"encoding UTF-16\n\n\xff\xfe[\0S\0",
        b"encoding no-such\n\n\xc3\x28 \x1b[2J\x07\n",
        b"\n",
    ):
        commit = _object(here, b"commit", start.encode() + message)
        said = push(lab, here, f"{commit}:main")
        assert "Traceback" not in said.err
        assert "\x1b[2J" not in said.err
        assert "fault of guard" not in said.err
        if said.code == 0:
            lab.git(lab.hub, "update-ref", "refs/heads/main", head)
    lab.write(here, {b"state/\xff\n\x1b[2J.json".decode(errors="surrogateescape"): "{}\n"})
    lab.git(here, "add", "state")
    lab.git(here, "commit", "-q", "-m", "[S1] x: y")
    said = refused(lab, here, "main", code="G101")
    assert "\x1b[2J" not in said.err


def _object(here: Path, kind: bytes, data: bytes) -> str:
    """Write an object as no git would: byte for byte."""
    import hashlib

    whole = kind + b" %d\0" % len(data) + data
    name = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    path = here / ".git/objects" / name[:2] / name[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(whole))
    return name


def test_a_tree_that_git_reads_in_two_ways_is_refused(lab: Lab) -> None:
    """Two entries of one name: what one git compares is not what another checks out. The server does not take it."""
    [here] = guarded(lab, "here")
    good, bad = (lab.git(here, "hash-object", "-w", "--stdin", input=data) for data in (b"{}\n", b"[]\n"))
    entry = b"100644 x.txt\0"
    tree = _object(here, b"tree", entry + bytes.fromhex(good) + entry + bytes.fromhex(bad))
    commit = lab.git(here, "commit-tree", "-p", "HEAD", "-m", "[S1] x: twice", tree)
    said = push(lab, here, f"{commit}:main")
    assert said.code != 0
    assert "duplicateEntries" in said.err
    assert lab.rev(lab.hub, "main") == lab.rev(here, "origin/main")


def test_a_deep_tree_is_judged_or_refused(lab: Lab) -> None:
    """Two thousand folders in folders end with a verdict."""
    [here] = guarded(lab, "here")
    said = push(lab, here, f"{_deep(lab, here)}:main")
    assert "Traceback" not in said.err
    assert "fault of guard" not in said.err


def test_a_judgement_that_is_killed_refuses(lab: Lab) -> None:
    """Whatever ends the process that judges, what it was about to judge is not taken."""
    [here] = guarded(lab, "here")
    runner = lab.hub / "hooks/guard-run.py"
    kill = "import guard.server, os\nguard.server.judged = lambda *_, **__: os.kill(os.getpid(), 9)\n"
    runner.write_text(runner.read_text().replace("main()", f"{kill}main()"))
    lab.commit(here, {"docs/x.md": "x\n"})
    assert "SIGKILL" in refused(lab, here, "main").err


def test_a_pusher_that_is_gone_leaves_nothing_at_work(lab: Lab) -> None:
    """Killed in the middle of a judgement, with the hook: no ref has moved, and what judged ends by itself."""
    [here] = guarded(lab, "here")
    lab.git(lab.hub, "config", "guard.seconds", "4")
    lab.git(lab.hub, "config", "receive.fsckObjects", "false")
    before = lab.refs(lab.hub)
    words = ("git", "push", "-q", "origin", f"{_bomb(lab, here)}:main")
    quiet = subprocess.DEVNULL
    pushing = subprocess.Popen(words, cwd=here, env=lab.env, stdout=quiet, stderr=quiet, start_new_session=True)
    while not _at_work(lab.hub):
        assert pushing.poll() is None
        time.sleep(0.02)
    os.killpg(pushing.pid, signal.SIGKILL)  # the judge is in a group of its own
    pushing.wait()
    for _ in range(600):
        if not _at_work(lab.hub):
            break
        time.sleep(0.1)
    assert not _at_work(lab.hub)
    assert lab.refs(lab.hub) == before
    lab.commit(here, {"docs/x.md": "x\n"})
    accepted(lab, here, "main")


# --- what is told at a glance ----------------------------------------------------------------------------------


def test_every_rule_is_known_to_the_quick_look() -> None:
    """A new rule that looks at commits must be had in mind there too: until it is named, this fails."""
    assert {rule.code for rule in rules()} == KNOWS


def test_the_quick_look_leaves_to_the_judge_what_a_rule_may_refuse(lab: Lab) -> None:
    """Ordinary commits are told apart from each that has something to be looked at, whatever it is."""
    from guard.git import Repo

    here = lab.lone()
    old = lab.rev(here)
    plain = [lab.commit(here, {f"docs/{n}.md": f"{n}\n"}, f"[S{n}] docs: page {n}") for n in range(1, 4)]
    odd = [
        lab.commit(here, {"docs/a.md": "a\n"}, "no prefix"),
        lab.commit(here, {"docs/b.md": "b\n"}, "[S1] x: y\n\nGuard-Allow: G202 why"),
        lab.commit(here, {"docs/a.md": None}, "[S1] x: y"),
        lab.commit(here, {"run": "echo\n"}, "[S1] x: y"),
        lab.commit(here, {"docs/x.json": "{}\n"}, "[S1] x: y"),
        lab.commit(here, inbox_file(1, "s1"), "[S1] x: y"),
        lab.commit(here, {"state/other.txt": "x\n"}, "[S1] x: y"),
        lab.commit(here, {"tasks/NEXT.md": "# n\n"}, "[S1] x: y"),
        lab.commit(here, {"memory/lessons/L-1.md": "# n\n"}, "[S1] x: y"),
        lab.commit(here, {"docs/m.md": "<<<<<<< x\n"}, "[S1] x: y"),
    ]
    (here / "docs/1.md").chmod(0o755)
    odd.append(_with_mode(lab, here))
    lab.git(here, "checkout", "-q", "-b", "side", old)
    lab.commit(here, {"docs/s.md": "s\n"}, "[S1] docs: side")
    lab.git(here, "checkout", "-q", "main")
    lab.git(here, "merge", "-q", "--no-edit", "side")
    odd.append(lab.rev(here))
    policy = lab.commit(here, {"guard.toml": (here / "guard.toml").read_text() + "# more\n"}, "[S1] guard: more")
    after = lab.commit(here, {"docs/z.md": "z\n"}, "[S1] docs: z")
    repo = Repo(here)
    found, number = others(repo, old, after, policy_at(repo, old))
    repo.close()
    assert number == len(plain) + len(odd) + 3
    assert set(found) == {*odd, policy, after}


def _with_mode(lab: Lab, here: Path) -> str:
    lab.git(here, "add", "docs/1.md")
    lab.git(here, "commit", "-q", "-m", "[S1] x: y")
    return lab.rev(here)
