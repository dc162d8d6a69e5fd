"""A fleet in which things happen, and the model of what may have come of them.

Every step is a line of shell that runs in the fleet's folder, so that a history is a script: `python
tests/faults/world.py DIR` makes the fleet that it runs in. The model is plain: what each clone's files hold, who holds
which lane, which deltas the hub has seen. After every step `check` compares it with what is there.
"""

import hashlib
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[at]) for at in (1, 2)]
from faults.chosen import ROUNDS
from walks.lab import GUARD, Lab, Said, comment, delta, post
from walks.test_kills import _living as living

from guard.git import Repo
from guard.git.objects import blob_id
from guard.leases import lease
from guard.leases.refs import found
from guard.leases.scopes import meeting
from guard.records import board

HERE = Path(__file__).resolve().parent
CLONES = ("one", "two", "three")
LATE = "late"
"""A clone that went away early: its lease has ended, and it comes back when everybody has gone on."""
EVERYBODY = (*CLONES, LATE)
GUARDED = "two"
"""The clone whose hooks are installed; the others have none, as fleets have them."""
LANES = {"a": "src/a", "b": "src/b", "all": "src"}
KILLED = {128 + 9, 128 + 15}
POLICY = "keep_frames = 1\n"
"""Merged deltas leave the inbox early, so that a history sees them go."""


def reported(frame: int, stream: str, number: int) -> bytes:
    """A delta that reports one post, one comment and one reaction: whatever counts is counted by it."""
    said = delta(
        frame, stream, posts_created=[post(number)], comments_added=[comment(f"c{number}")], reactions_added=[1]
    )
    return json.dumps(json.loads(said)).encode()  # on one line, as it is printed in a history


AWAY = {"theirs-late.txt": b"edited 0\n"}
"""What lies in the late clone uncommitted."""
UNSENT = reported(1, "late", 900)
"""The delta that waits in its outbox, and nowhere else: the hub was gone."""


def build(root: Path) -> None:
    """Make the fleet: a hub, its clones, the programs that its histories use, and the clone that went away."""
    root.mkdir(parents=True, exist_ok=True)
    lab = Lab(root)
    lab.fleet(adopt=False)
    lab.adopt(root / "seed", POLICY)
    lab.git(root / "seed", "push", "-q", str(lab.hub), "HEAD:refs/heads/main")
    for clone in map(lab.clone, EVERYBODY):
        lab.git(clone, "config", "remote.origin.url", "../hub.git")
        (clone / ".git/info/exclude").write_text("/out/\n")
        lab.commit(clone, {f"theirs-{clone.name}.txt": "committed\n"})
    lab.guard(root / GUARDED, "install")
    lab.git(root, "clone", "-q", "--bare", str(lab.hub), "eye.git")
    lab.git(root / "eye.git", "config", "remote.origin.url", "../hub.git")
    (root / "streams").mkdir()
    (root / "bin").mkdir()
    shutil.copytree(HERE / "faulty", root / "faulty")
    shutil.copy(HERE / "stream", root / "bin/stream")
    programs = {"guard": "clocked.py", "fault": "fault.py"}
    for name, file in programs.items():
        (root / "bin" / name).write_text(
            f'#!/bin/sh\nexec {shlex.quote(GUARD[0])} {shlex.quote(str(HERE / file))} "$@"\n'
        )
        (root / "bin" / name).chmod(0o755)
    own = {name: value for name, value in lab.env.items() if os.environ.get(name) != value}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in own.items() if name != "HOME"]
    (root / "env").write_text(
        "\n".join(
            [*lines, 'export FLEET="$PWD" HOME="$PWD/home" XDG_CONFIG_HOME="$PWD/home" PATH="$PWD/bin:$PATH"', ""]
        )
    )
    lab.write(root / LATE, {"theirs-late.txt": "staged 0\n", "out/frame-1-late.json": UNSENT})
    lab.git(root / LATE, "add", "theirs-late.txt")
    lab.write(root / LATE, AWAY)
    went = f"cd {LATE} && export FAULT_CLOCK=-200000 && guard start --json && guard claim b --scope src/b"
    lost = f"cd {LATE} && ! fault gone guard delta push out/frame-1-late.json && rm out/*"
    for line in (went, lost):
        said = lab.run(root, "sh", "-c", f". ./env; {line}")
        assert said.code == 0, said


@dataclass
class Seen:
    """What the hub holds."""

    tip: str
    counter: int
    """The newest frame that was merged."""
    held: dict[str, lease.Lane]
    """The lanes that are open, ended leases too."""
    numbers: set[int]
    waiting: set[str]
    """The deltas that lie there as refs or in the inbox, by their digests' beginnings."""
    merged: set[str]
    fallbacks: set[str]
    """Those among the merged ones that say that a stream delivered nothing."""


@dataclass
class Op:
    """A command of guard in a clone: how it is called, and what has to hold when it has ended."""

    clone: str
    words: str
    judge: Callable[[int, Said, Seen, Seen], None]
    session: str = ""
    wishes: dict[str, str | None] = field(default_factory=dict)
    """Lanes that it may move, and to whom."""
    excuse: str = ""
    """Where it says this, it may say that it could not be done though nothing is wrong."""

    def line(self, fault: str = "") -> str:
        """It as a line of shell."""
        who = f"GUARD_SESSION={self.session} " if self.session else ""
        return f"cd {self.clone} && {who}{f'fault {fault} ' if fault else ''}guard {self.words}"


class Broken(AssertionError):
    """Something does not hold; it says by which history."""


class World:
    """A fleet as it is, and its model."""

    def __init__(self, model: Path, root: Path) -> None:
        shutil.copytree(model, root, symlinks=True)
        self.root = root
        self.hub = root / "hub.git"
        self.history: list[str] = []
        self.count = 0
        self.rewound = False
        """Whether somebody has taken the branch back by force."""
        self.sessions: dict[str, str] = {LATE: "S1"}
        self.given: set[int] = {1}
        self.files: dict[str, dict[str, bytes]] = {clone: {} for clone in EVERYBODY} | {LATE: dict(AWAY)}
        """What people wrote, committed or not: nobody may change it."""
        self.loose: dict[str, list[str]] = {clone: [] for clone in EVERYBODY}
        """Files that no commit holds yet."""
        self.committed: dict[str, set[str]] = {clone: set() for clone in EVERYBODY}
        self.staged: dict[str, bytes] = {LATE: b"staged 0\n"}
        self.deltas: dict[str, bytes] = {}
        self.know(UNSENT)
        self.arrived: set[str] = set()
        self.launched: dict[str, bytes] = {}
        """Streams that were to be, each with the delta that it may have written: N-k -> bytes."""
        self.launchers: set[str] = set()
        self.numbered: dict[int, str] = {}
        """The lessons, by their numbers."""
        self.told: dict[str, bool] = {}
        """Titles of lessons and words of hand-offs; whether guard said that they are in."""
        self.last = self.look()
        self.heads = {clone: self.git(clone, "rev-parse", "HEAD") for clone in EVERYBODY}

    # --- doing -------------------------------------------------------------------------------------------------

    def shell(self, line: str) -> Said:
        """Run a line as the printed history does."""
        self.history.append(line)
        done = subprocess.run(
            ["sh", "-c", f". ./env; {line}"], cwd=self.root, stdin=subprocess.DEVNULL, capture_output=True, timeout=600,
            check=False,
        )  # fmt: skip
        said = Said(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        self.must("Traceback" not in said.all, f"a traceback: {said.all[-1500:]}")
        return said

    def git(self, where: str, *words: str) -> str:
        """Ask git; that is no part of the history."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        return subprocess.run(
            ["git", "-C", str(self.root / where), *words], capture_output=True, text=True, check=True, env=env
        ).stdout.rstrip("\n")

    def script(self) -> str:
        """The history as commands for a person."""
        head = [f"{GUARD[0]} {HERE / 'world.py'} DIR && cd DIR && . ./env"]
        return "\n".join([*head, *(f"({line})" for line in self.history)])

    def must(self, holds: object, what: str) -> None:
        """Say what does not hold, and the whole history."""
        if not holds:
            raise Broken(f"{what}\n\nreplay it with:\n{self.script()}")

    def run(self, op: Op, fault: str = "") -> Said:
        """One command, with or without a fault."""
        before = self.last
        said = self.shell(op.line(fault))
        after = self.check([op], fault)
        if fault.partition(":")[0] not in ("", "clock"):
            self.must(said.code in {0, 1, 2, 3, 130, *KILLED}, f"exit {said.code}: {said.all}")
        else:
            self._done(op, said)
        op.judge(said.code, said, before, after)
        return said

    def both(self, one: Op, two: Op, fault: str = "") -> tuple[Said, Said]:
        """Two commands at the same moment, with or without a fault of the hub."""
        before = self.last
        for old in self.root.glob("code.*"):
            old.unlink()
        parts = [f"{{ ({op.line()}) >out.{n} 2>err.{n}; echo $? >code.{n}; }}" for n, op in enumerate((one, two))]
        at_once = f"{parts[0]} & {parts[1]} & wait"
        self.shell(f"cd {one.clone} && fault {fault} sh -c {shlex.quote(f'cd ..; {at_once}')}" if fault else at_once)
        after = self.check([one, two])
        texts = [[(self.root / f"{name}.{n}").read_text() for name in ("code", "out", "err")] for n in (0, 1)]
        said = [Said(int(code), out, err) for code, out, err in texts]
        for op, each in zip((one, two), said, strict=True):
            self.must("Traceback" not in each.all, f"a traceback: {each.all[-1500:]}")
            if one.clone != two.clone:
                self._done(op, each)
            op.judge(each.code, each, before, after)
        return said[0], said[1]

    def _done(self, op: Op, said: Said) -> None:
        """With nothing wrong a command says yes or no, and not that it could not be done."""
        excused = op.excuse and op.excuse in said.all
        self.must(said.code != 2 or excused, f"{op.words} could not be done, with nothing wrong: {said.all}")

    def write(self, clone: str, path: str, data: bytes) -> None:
        """Write a file."""
        made = f"mkdir -p {clone}/{Path(path).parent} && " if "/" in path else ""
        self.shell(f"{made}printf %s {shlex.quote(data.decode())} >{clone}/{path}")
        self.files[clone][path] = data

    def know(self, data: bytes) -> str:
        """A delta that somebody wrote; its digest."""
        name = hashlib.sha256(data).hexdigest()
        self.deltas[name] = data
        return name

    def wrote(self, stream: str) -> bool:
        """Whether a stream wrote its delta."""
        return (self.root / f"streams/{stream}.wrote").exists()

    # --- looking -----------------------------------------------------------------------------------------------

    @staticmethod
    def meets(lane: lease.Lane, name: str) -> bool:
        """Whether a lane is about the paths of another."""
        return lane.lane == name or meeting(lane.scope, (LANES[name],)) is not None

    def contains(self, where: str, tip: str, commit: str) -> bool:
        """Whether a history holds a commit."""
        return self.git(where, "rev-list", "-1", f"{tip}..{commit}", "--") == "" if commit else True

    def is_there(self, name: str, seen: Seen) -> bool:
        """Whether the hub has a delta: waiting or merged."""
        return name in seen.merged or name[:16] in seen.waiting

    def look(self) -> Seen:
        """What the hub holds now."""
        lines = self.git("hub.git", "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        refs = dict(line.split(" ") for line in lines)
        repo = Repo(self.hub)
        held = found(repo, refs)
        tip = refs["refs/heads/main"]
        lanes = {lane.lane: lane for _, lane in held.lanes.values() if lane.open}
        numbers = {int(ref.rpartition("/")[2]) for ref in refs if ref.startswith("refs/guard/sessions/")}
        waiting = {ref.rpartition("/")[2][:16] for ref in refs if ref.startswith("refs/guard/deltas/")}
        merged: set[str] = set()
        fallbacks: set[str] = set()
        for path in self.git("hub.git", "ls-tree", "-r", "--name-only", tip, "state/").split("\n"):
            if path.startswith("state/stream_deltas/frame-"):  # delivered by branch
                data = repo.reader.read(f"{tip}:{path}") or b""
                waiting.add(hashlib.sha256(data).hexdigest()[:16])
            if path.startswith("state/frames/") and "/rejected/" not in path:
                page = json.loads(repo.reader.read(f"{tip}:{path}") or b"")
                for stream in page["streams"].values():
                    merged |= set(stream["deltas"]) - set(stream.get("rejected", {}))
                for name, more in page["extra"].items():
                    if more.get("_meta", {}).get("status") == "fallback":
                        fallbacks.add(name)
        repo.close()
        counter = json.loads(self.git("hub.git", "cat-file", "blob", f"{tip}:state/frame_counter.json"))["frame"]
        return Seen(tip, counter, lanes, numbers, waiting, merged - fallbacks, fallbacks & merged)

    def check(self, ops: Iterable[Op] = (), fault: str = "", *, forced: bool = False) -> Seen:
        """Compare everything with the model; returns what the hub holds. `forced`: the branch was pushed by force."""
        ops = list(ops)
        before, after = self.last, self.look()
        self.last = after
        if forced:  # what is gone from the branch is whose push it was to answer for; what is left has to be right
            self.rewound |= not self.contains("hub.git", after.tip, before.tip)
            self.arrived = {name for name in self.arrived if self.is_there(name, after)}
        self._deltas(after)
        self._lanes(before, after, ops, fault)
        for clone in EVERYBODY:
            self._clone(clone)
        if after.tip != before.tip:
            self.must(forced or self.contains("hub.git", after.tip, before.tip), "the branch went back")
            if ROUNDS or forced:  # in an ordinary run else at the end: every commit on the way is judged then too
                self.verify()
        return after

    def _deltas(self, seen: Seen) -> None:
        """No delta is lost, none counts twice."""
        for name, data in self.launched.items():
            if self.wrote(name) or hashlib.sha256(data).hexdigest() in seen.merged:
                self.know(data)
        self.arrived |= {name for name in self.deltas if self.is_there(name, seen)}
        lost = [name for name in self.arrived if not self.is_there(name, seen)]
        self.must(not lost, f"the hub had these deltas and lost them: {lost}")
        self.must(seen.merged <= set(self.deltas), f"nobody wrote {seen.merged - set(self.deltas)}")
        silent = [name for name in self.launched if not self.wrote(name)]
        self.must(len(seen.fallbacks) <= len(silent), f"{seen.fallbacks} for the streams {silent}")
        stats = json.loads(self.git("hub.git", "cat-file", "blob", f"{seen.tip}:state/stats.json"))
        counted = [stats[f"total_{what}"] for what in ("posts", "comments", "reactions")]
        self.must(counted == [len(seen.merged)] * 3, f"{len(seen.merged)} deltas count as {counted}")

    def _lanes(self, before: Seen, after: Seen, ops: Iterable[Op], fault: str) -> None:
        """A lane has one holder, and changes hands only by who asked, or where a lease has ended."""
        open_ = list(after.held.values())
        for at, lane in enumerate(open_):
            for other in open_[at + 1 :]:
                meet = lane.session != other.session and meeting(lane.scope, other.scope)
                self.must(not meet, f"two hold the same paths: {lane.held()}; {other.held()}")
        wishes: dict[str, set[str | None]] = {}
        for op in ops:
            for name, who in op.wishes.items():
                wishes.setdefault(name, set()).add(who)
        ahead = int(fault.partition(":")[2]) if fault.startswith("clock:") else 0
        now = datetime.now(UTC) + timedelta(seconds=ahead)
        for name in {*before.held, *after.held}:
            was, is_ = (seen.held[name].session if name in seen.held else None for seen in (before, after))
            if was == is_ or is_ in wishes.get(name, set()):
                continue
            over = is_ is None and any(self.meets(before.held[name], wish) for wish in wishes)
            self.must(over and before.held[name].expired(now, 2), f"lane {name} went from {was} to {is_} by itself")

    def _clone(self, clone: str) -> None:
        """No byte that somebody wrote here is gone, and no commit."""
        here = self.root / clone
        for path, data in self.files[clone].items():
            now = (here / path).read_bytes() if (here / path).exists() else None
            self.must(now == data, f"{clone}/{path} held {data!r}, and now {now!r}")
        if clone in self.staged:
            now_staged = self.git(clone, "cat-file", "blob", f":theirs-{clone}.txt").encode() + b"\n"
            self.must(now_staged == self.staged[clone], f"staged in {clone}: {now_staged!r}")
        head = self.git(clone, "rev-parse", "HEAD")
        if head != self.heads[clone]:
            self.must(self.contains(clone, head, self.heads[clone]), f"{clone} lost commits")
            self.heads[clone] = head
            made = {
                line.split("\t")[1]: line.split()[2] for line in self.git(clone, "ls-tree", "-r", "HEAD").split("\n")
            }
            for path in self.committed[clone]:
                data = self.files[clone][path]
                self.must(made.get(path) == blob_id(data, "sha1"), f"{clone} lost {path} from HEAD")
            foreign = f"theirs-{clone}.txt"
            same = self.git(clone, "cat-file", "blob", f"HEAD:{foreign}")
            self.must(same == "committed", f"{foreign} rode along: {same}")

    def verify(self) -> None:
        """The branch verifies."""
        said = self.shell("cd eye.git && git fetch -q origin +refs/heads/main:refs/heads/main && guard verify")
        self.history.pop()
        self.must(said.code == 0, f"the branch does not verify: {said.all}")

    def settled(self) -> None:
        """Wait until whatever outlived its parent in this fleet has ended."""
        until = time.monotonic() + 120
        while at_work := living(self.root):
            self.must(time.monotonic() < until, f"these do not end: {at_work}")
            time.sleep(0.02)

    def scraps_kept(self) -> None:
        """What streams left is where they worked, or under a rescue ref: nowhere else does it last."""
        began = [name for name in self.launched if (self.root / f"streams/{name}.began").exists()]
        left = {f"scrap-{name}.txt": b"scrap %s\n" % name.encode() for name in began}
        for path in itertools.chain(*(self.root.glob(f"{where}/notes/scrap-*.txt") for where in ("*", "*-streams/*"))):
            if path.read_bytes() == left.get(path.name):
                del left[path.name]
        kept: set[str] = set()
        for clone in EVERYBODY if left else ():
            rescued = self.git(clone, "rev-list", "--objects", "--glob=refs/guard/rescue/*")
            kept |= {line.partition(" ")[0] for line in rescued.splitlines()}
        gone = [name for name, data in left.items() if blob_id(data, "sha1") not in kept]
        self.must(not gone, f"what streams left is gone: {gone}")

    def records_kept(self) -> None:
        """The board says what the refs say, and every lesson and hand-off is there, once."""
        tip = self.last.tip
        rows = board.latest(board.rows(self.git("hub.git", "cat-file", "blob", f"{tip}:tasks/SWARM-LANES.md").encode()))
        for name in LANES:
            lane, row = self.last.held.get(name), rows.get(name)
            shown = row.session if row is not None and not row.closed and row.status != "READY" else None
            self.must(shown == (lane.session if lane else None), f"lane {name}: the board says {row}, the refs {lane}")
        for path in ("tasks/SWARM-LANES.md", "memory/INDEX.md", "tasks/NEXT.md"):
            there = self.git("hub.git", "ls-tree", "--name-only", tip, path)
            marks = (
                re.findall("lease=[0-9a-f]+", self.git("hub.git", "cat-file", "blob", f"{tip}:{path}")) if there else []
            )
            self.must(len(marks) == len(set(marks)), f"{path} says something twice: {sorted(marks)}")
        paths = self.git("hub.git", "ls-tree", "-r", "--name-only", tip, "tasks/NEXT.md", "memory/lessons/").split()
        said = "\n".join(self.git("hub.git", "cat-file", "blob", f"{tip}:{path}") for path in paths)
        for words, sure in self.told.items():
            times = said.count(f"{words}.")
            least = 1 if sure and not self.rewound else 0
            self.must(least <= times <= 1, f"{words!r} is in the records {times} times")
        locks = [path.relative_to(self.root) for path in self.root.rglob("*.lock")]
        left = [str(path) for path in locks if "guard" not in path.parent.parts]  # its own are kept, and let go of
        self.must(not left, f"locks are left: {left}")
        for repo in ("hub.git", *EVERYBODY):
            whole = self.shell(f"git -C {repo} fsck --no-dangling --no-progress")
            self.must(whole.code == 0, f"{repo}: {whole.all}")


if __name__ == "__main__":
    build(Path(sys.argv[1]).absolute())
