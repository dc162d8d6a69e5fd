"""Where the commands of the pages are typed: a story for each section, or run of sections, that has any.

A story makes its situation and yields the folder to go into; then the section's next block is typed there, or written
there where it is a file. What stands between two `yield`s happens between the two blocks. Blocks that are left when a
story has ended are typed where the last one was.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pages.shown import RULES, adopted, begun, blocks, publish, read
from walks.killed import killed, slow_hook, until
from walks.lab import ROOT, Lab, inbox_file, post

BIN = Path(sys.executable).parent
"""Where pip and the framework are."""

Story = Callable[[Lab], Iterator[Path]]

STORIES: dict[tuple[str, ...], Story] = {}
"""The page and the headings of its sections, and the story in which they are typed."""


def story(page: str, *titles: str) -> Callable[[Story], Story]:
    """Say which sections a story is of."""

    def add(function: Story) -> Story:
        STORIES[page, *titles] = function
        return function

    return add


# --- README.md -------------------------------------------------------------------------------------------------

WIPED = '{"agents": {}}\n'


@story("README.md", "A refused commit")
def refused(lab: Lab) -> Iterator[Path]:
    """A clone with hooks, in which agents.json holds nothing any more."""
    here = adopted(lab, "river")
    lab.commit_push(here, inbox_file(1, "s1", agents_activated=["mason-01", "miller-02"]))
    lab.guard(here, "merge")
    lab.git(here, "pull", "-q")
    lab.write(here, {"state/agents.json": WIPED})
    yield here
    assert lab.git(here, "status", "--porcelain") == ""


@story("README.md", "Two commands")
def made(lab: Lab) -> Iterator[Path]:
    """The checkout: make says what it would run; `guard demo` itself is run and compared by walks/test_demo.py."""
    if not shutil.which("make"):
        pytest.skip("make is not here")
    lab.env["MAKEFLAGS"] = "n"
    yield ROOT


@story("README.md", "Install")
def installed(lab: Lab) -> Iterator[Path]:
    """The checkout, with a pip that asks no registry and installs into a folder of its own."""
    if not (BIN / "pip").exists():
        pytest.skip("pip is not in this environment")
    site = next(path for path in sys.path if path.endswith("site-packages"))
    lab.env |= {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PYTHONPATH": site}
    lab.env |= {"PIP_TARGET": str(lab.root / "there"), "PATH": f"{BIN}:{lab.env['PATH']}"}
    yield ROOT
    assert (lab.root / "there" / "guard" / "schemas" / "delta.schema.json").exists()
    assert (lab.root / "there" / "bin" / "guard").exists()


@story("README.md", "Setting up")
def set_up(lab: Lab) -> Iterator[Path]:
    """Two new clones of an adopted repository; the framework is the one that is tested with."""
    if not (BIN / "pre-commit").exists():
        pytest.skip("pre-commit is not installed here")
    lab.env["PATH"] = f"{BIN}:{lab.env['PATH']}"
    here = adopted(lab)
    lab.guard(here, "init", "--yes", "--pre-commit")
    publish(lab, here, "[S0] guard: the framework", ".pre-commit-config.yaml")
    native, framework = lab.clone("native"), lab.clone("framework")
    yield native
    assert (native / ".git/hooks/reference-transaction").exists()
    yield framework
    assert (framework / ".git/hooks/commit-msg").exists()


@story("README.md", "Five minutes")
def five_minutes(lab: Lab) -> Iterator[Path]:
    """Adoption, a delta and its merge; then an edit of state from a clone without hooks, and the repair."""
    here = begun(lab, "river", {"README.md": "a fleet\n"})
    yield here
    yield here
    yield here
    other = lab.clone("other")
    lab.commit_push(other, {"state/agents.json": WIPED})
    lab.git(here, "pull", "-q")
    yield here


@story("README.md", "Sessions")
def two_sessions(lab: Lab) -> Iterator[Path]:
    """Two clones: start, claim, a loser, a refusal, commit, sync, lesson, hand-off, and what the other one sees."""
    adopted(lab, "river", {"src/parser/main.py": "main = 1\n"})
    lab.guard(lab.clone("other"), "install")
    for _ in range(4):
        yield lab.root
    assert lab.show(lab.hub, "src/parser/cache.py") == b"cached = {}\n"


@story("README.md", "Frames on several machines")
def two_machines(lab: Lab) -> Iterator[Path]:
    """A worker that waits and a primary that opens, plays and merges, each in its own clone."""
    east = adopted(lab, "east", {"state/agents.json": '{"agents": {"ada": {}, "bob": {}}}\n'})
    yield east
    publish(lab, east, "[S0] streams: what they run", "play.sh")
    lab.guard(lab.clone("west"), "install")
    yield east
    assert b"it was the turn of ada" in lab.show(lab.hub, "state/frames/000/frame-1.json")


@story("README.md", "Scripts")
def scripts(lab: Lab) -> Iterator[Path]:
    """Any repository, where guard was never installed."""
    yield lone(lab, "any")


def lone(lab: Lab, name: str) -> Path:
    """A new repository, and nothing of guard in it."""
    here = lab.root / name
    here.mkdir()
    lab.git(here, "init", "-q")
    return here


# --- docs/faq.md -----------------------------------------------------------------------------------------------


@story("docs/faq.md", "Refused: why, and the way on")
def at_home(lab: Lab) -> Iterator[Path]:
    """Anybody's home."""
    yield lab.root


def by_the_rules(lab: Lab) -> Iterator[Path]:
    """A fresh clone in which guard was adopted: each rule's example is run there, and the way on after it."""
    yield adopted(lab)


STORIES |= {("docs/faq.md", f"{rule.code} {rule.name}"): by_the_rules for rule in RULES}


# --- docs/adopting.md, docs/merge.md ---------------------------------------------------------------------------


@story("docs/adopting.md", "A fleet with years of deltas")
def old_fleet(lab: Lab) -> Iterator[Path]:
    """A repository with counters and deltas, merged by something else; one that adopts, one that does not."""
    old = {path: data.decode() for frame in (1, 2) for path, data in inbox_file(frame, "s1").items()}
    files = {"state/stats.json": '{"total_posts": 9}\n', **old}
    yield begun(lab, "river", files)
    lab.hub = lab.root / "another.git"
    yield begun(lab, "lake", files)


@story("docs/adopting.md", "Shallow clones")
def shallow(lab: Lab) -> Iterator[Path]:
    """A clone that begins after the baseline."""
    here = adopted(lab)
    lab.commit_push(here, inbox_file(1, "s1"))
    yield lab.clone("river", "--depth", "1")


@story("docs/merge.md", "Looking back")
def slipped(lab: Lab) -> Iterator[Path]:
    """A hand edit that is on the branch, and a delta that is not merged yet."""
    here = adopted(lab, "river")
    lab.commit_push(here, inbox_file(1, "s1", agents_activated=["mason-01"]))
    lab.guard(here, "merge")
    other = lab.clone("other")
    lab.commit_push(other, {"state/agents.json": WIPED})
    lab.commit_push(other, inbox_file(2, "s1", posts_created=[post(1, "mason-01")]))
    yield here


# --- docs/hooks.md, docs/agents.md, docs/pre-commit.md, docs/ci.md, docs/server.md, docs/refs.md ------------------


@story("docs/hooks.md", "Where they are installed")
def hooks_elsewhere(lab: Lab) -> Iterator[Path]:
    """A clone whose core.hooksPath is set."""
    adopted(lab)
    here = lab.clone("river")
    (lab.root / "hooks").mkdir()
    lab.git(here, "config", "core.hooksPath", str(lab.root / "hooks"))
    yield here


@story("docs/agents.md", "The agents' own tools")
def tools(lab: Lab) -> Iterator[Path]:
    """A clone."""
    here = adopted(lab, "river")
    yield here
    assert lab.git(here, "status", "--porcelain") == ""


@story("docs/pre-commit.md", "Set it up")
def framework(lab: Lab) -> Iterator[Path]:
    """A clone, and the framework that is tested with."""
    if not (BIN / "pre-commit").exists():
        pytest.skip("pre-commit is not installed here")
    lab.env["PATH"] = f"{BIN}{os.pathsep}{lab.env['PATH']}"
    here = adopted(lab, "river")
    yield here
    assert blocks(read("docs/pre-commit.md"), "yaml")[0] in (here / ".pre-commit-config.yaml").read_text()


@story("docs/ci.md", "In CI")
def hosted(lab: Lab) -> Iterator[Path]:
    """A clone."""
    yield adopted(lab, "river")


@story("docs/server.md", "The server's hook")
def server(lab: Lab) -> Iterator[Path]:
    """The machine with the bare repository, and then a clone without hooks that has an edit to push."""
    lab.hub = lab.root / "fleet.git"
    adopted(lab, "river")
    yield lab.root
    other = lab.clone("other")
    lab.commit(other, {"state/stats.json": "{}\n"}, "[S2] stats: from the start")
    yield other


@story("docs/refs.md", "On the remote")
def refs(lab: Lab) -> Iterator[Path]:
    """A session that holds a lane, and a delta that was delivered by ref."""
    here = adopted(lab, "river")
    lab.guard(here, "start")
    lab.guard(here, "claim", "parser", "--scope", "src/parser", "--intent", "a faster parser")
    lab.write(here, inbox_file(1, "night-1"))
    lab.guard(here, "delta", "push")
    yield here


# --- docs/streams.md, docs/shell.md, docs/other-domains.md -------------------------------------------------------


@story("docs/streams.md", "A walk on one machine")
def streams(lab: Lab) -> Iterator[Path]:
    """A fleet of three agents."""
    here = adopted(lab, "river", {"state/agents.json": '{"agents": {"ada": {}, "ben": {}, "eve": {}}}\n'})
    yield here
    publish(lab, here, "[S0] streams: what they run", "play.sh")
    yield here


@story("docs/shell.md", "Portable shell")
def shell_scripts(lab: Lab) -> Iterator[Path]:
    """Any repository with a script of GNU."""
    here = lone(lab, "any")
    lab.write(here, {"scripts/nightly.sh": "#!/bin/sh\nsed --in-place s/a/b/ notes.txt\n"})
    yield here


@story("docs/other-domains.md", "guard.toml", "Deltas", "Counts")
def parts(lab: Lab) -> Iterator[Path]:
    """A new repository: the page writes every file of it."""
    yield lone(lab, "parts")


# --- docs/recovery.md --------------------------------------------------------------------------------------------


def ann(lab: Lab) -> Path:
    """The repository of docs/recovery.md: Ann's."""
    lab.env |= {"GIT_AUTHOR_NAME": "Ann", "GIT_COMMITTER_NAME": "Ann", "HOME": str(lab.root)}
    here = lone(lab, "fleet")
    lab.commit(here, {"notes.txt": "one\n", "src/main.py": "main = 1\n"}, "begin")
    return here


@story("docs/recovery.md", "A stash")
def stashed(lab: Lab) -> Iterator[Path]:
    """Where `git stash` is about to be run."""
    here = ann(lab)
    lab.write(here, {"notes.txt": "one\nand two\n", "draft.md": "a draft\n"})
    yield here


@story("docs/recovery.md", "An autostash that failed")
def rebasing(lab: Lab) -> Iterator[Path]:
    """Where a rebase with autostash stops."""
    here = ann(lab)
    lab.git(here, "switch", "-q", "-c", "other")
    lab.commit(here, {"src/main.py": "main = 2\n"})
    lab.git(here, "switch", "-q", "main")
    lab.commit(here, {"src/main.py": "main = 3\n"})
    lab.write(here, {"notes.txt": "one\nand two\n"})
    lab.git(here, "rebase", "--autostash", "other", code=1)
    yield here


@story("docs/recovery.md", "A patch of the pre-commit framework")
def parked(lab: Lab) -> Iterator[Path]:
    """Where the framework is killed while its hooks run."""
    if not (BIN / "pre-commit").exists():
        pytest.skip("pre-commit is not installed here")
    here = ann(lab)
    lab.env["PATH"] = f"{BIN}{os.pathsep}{lab.env['PATH']}"
    slow = {"id": "slow", "name": "slow", "entry": "sh -c 'touch ../running; exec sleep 600'", "language": "system"}
    config = {"repos": [{"repo": "local", "hooks": [{**slow, "always_run": True}]}]}
    lab.commit(here, {".pre-commit-config.yaml": json.dumps(config)}, "hooks")
    lab.write(here, {"notes.txt": "one\nand two\n", "src/main.py": "main = 2\n"})
    lab.git(here, "add", "src/main.py")
    assert lab.run(here, "pre-commit", "install").code == 0
    killed(lab, here, (lab.root / "running").exists, "git", "commit", "-q", "-m", "never")
    (here / ".git/hooks/pre-commit").unlink()
    lab.git(here, "restore", "--staged", "--worktree", "src/main.py")
    assert lab.git(here, "diff", "--stat") == ""
    yield here


@story("docs/recovery.md", "A branch that was swept")
def two_trees(lab: Lab) -> Iterator[Path]:
    """Where a session's work tree is about to be removed."""
    here = ann(lab)
    tree = lab.root / "parser"
    lab.git(here, "worktree", "add", "-q", "-b", "parser", str(tree))
    lab.commit(tree, {"src/parser.py": "parser = 1\n"}, "[S12] parser: begin")
    lab.commit(tree, {"src/parser.py": "parser = 2\n"}, "[S12] parser: two, for lists")
    yield here


@story("docs/recovery.md", "A commit that was killed")
def committing(lab: Lab) -> Iterator[Path]:
    """Where a commit of one file is killed."""
    here = ann(lab)
    running = slow_hook(here)
    lab.write(here, {"notes.txt": "one\nand two\n"})
    killed(lab, here, running.exists, "git", "commit", "-q", "-m", "never", "notes.txt")
    (here / ".git/hooks/pre-commit").unlink()
    lab.write(here, {"notes.txt": "one\nor else\n"})
    yield here


@story("docs/recovery.md", "A launch that was killed")
def launched(lab: Lab) -> Iterator[Path]:
    """Where a launch and its only stream are killed."""
    here = lab.lone("fleet")
    ready = lab.root / "ready"
    script = f"echo 'half a draft' >draft.md; echo $$ >{ready}.part; mv {ready}.part {ready}; exec sleep 600"
    process = lab.start(here, "launch", "--streams", "1", "--", "sh", "-c", script)
    until(ready.exists, process)
    process.kill()
    os.kill(int(ready.read_text()), signal.SIGKILL)
    lab.finish(process)
    yield here


@story("docs/recovery.md", "Frame 407, step by step")
def fleet_of_136(lab: Lab) -> Iterator[Path]:
    """Ann's clone with guard's hooks, another one without, whose tool has rewritten agents.json from an old copy."""
    lab.env |= {"GIT_AUTHOR_NAME": "Ann", "GIT_COMMITTER_NAME": "Ann", "HOME": str(lab.root)}
    blank = {"post_count": 0, "comment_count": 0, "heartbeat_last": None}
    agents = {f"agent-{number:03d}": blank for number in range(136)}
    stats = {"total_agents": 136, "total_posts": 0, "total_comments": 0}
    state = {"agents": {"agents": agents}, "stats": stats, "frame_counter": {"frame": 405}}
    files = {f"state/{name}.json": json.dumps(value, indent=2) for name, value in state.items()}
    here, other = lab.fleet("fleet", "other", files=files)
    lab.guard(here, "install")
    few = {"agents": {f"agent-{number:03d}": {**blank, "mood": "busy"} for number in range(9)}}
    for tree in (here, other):
        lab.write(tree, {"state/agents.json": json.dumps(few, indent=2)})
    third = lab.clone("primary")
    first = inbox_file(406, "s1", agents_activated=["agent-002", "agent-007", "agent-100"])
    lab.commit_push(third, first, "[S3] deltas: frame 406")
    lab.guard(third, "merge")
    second = inbox_file(407, "s1", agents_activated=["agent-003", "newcomer"])
    lab.commit_push(third, second, "[S3] deltas: frame 407")
    yield here
