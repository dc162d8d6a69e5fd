"""A fleet to which things happen, and the model of what may have come of them.

Every step is a line of shell that runs in the fleet's folder, so that a history is a script: `python
tests/faults/fleet.py DIR` makes the fleet that it runs in. The model is plain: what each clone's files hold, who holds
which lane, which deltas the hub has seen. After every step `check` compares it with what is there.
"""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[at]) for at in (1, 2)]
from walks.lab import GUARD, Lab, Said, comment, delta, post

from guard.git import Repo
from guard.leases import lease
from guard.leases.refs import found
from guard.leases.scopes import meeting

HERE = Path(__file__).resolve().parent
CLONES = ("one", "two", "three")
LANES = {"a": "src/a", "b": "src/b", "all": "src"}
TOLERANCE = timedelta(minutes=2)
KILLED = {128 + 9, 128 + 15}


def build(root: Path) -> None:
    """Make the fleet: a hub, its clones, and the programs that its histories use."""
    root.mkdir(parents=True, exist_ok=True)
    lab = Lab(root)
    for clone in lab.fleet(*CLONES, "eye"):
        lab.git(clone, "config", "remote.origin.url", "../hub.git")
        (clone / ".git/info/exclude").write_text("/out/\n")
        if clone.name != "eye":
            lab.commit(clone, {f"theirs-{clone.name}.txt": "committed\n"})
    (root / "bin").mkdir()
    shutil.copytree(HERE / "faulty", root / "faulty")
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


@dataclass
class Seen:
    """What the hub holds."""

    tip: str
    held: dict[str, lease.Lane]
    """The lanes that are open, ended leases too."""
    numbers: set[int]
    waiting: set[str]
    """The deltas that lie there as refs, by their digests' beginnings."""
    merged: set[str]


@dataclass
class Op:
    """A command of guard in a clone: how it is called, and what has to hold when it has ended."""

    clone: str
    words: str
    judge: Callable[[int, Said, Seen, Seen], None]
    session: str = ""
    wishes: dict[str, str | None] = field(default_factory=dict)
    """Lanes that it may move, and to whom."""

    def line(self, fault: str = "") -> str:
        """It as a line of shell."""
        who = f"GUARD_SESSION={self.session} " if self.session else ""
        return f"cd {self.clone} && {who}{f'fault {fault} ' if fault else ''}guard {self.words}"


class Broken(AssertionError):
    """Something does not hold; it says by which history."""


class Fleet:
    """A fleet and its model."""

    def __init__(self, model: Path, root: Path) -> None:
        shutil.copytree(model, root, symlinks=True)
        self.root = root
        self.hub = root / "hub.git"
        self.history: list[str] = []
        self.count = 0
        self.sessions: dict[str, str] = {}
        self.given: set[int] = set()
        self.files: dict[str, dict[str, bytes]] = {clone: {} for clone in CLONES}
        """What people wrote, committed or not: nobody may change it."""
        self.loose: dict[str, list[str]] = {clone: [] for clone in CLONES}
        """Files that no commit holds yet."""
        self.committed: dict[str, set[str]] = {clone: set() for clone in CLONES}
        self.staged: dict[str, bytes] = {}
        self.heads: dict[str, str] = {}
        self.deltas: dict[str, bytes] = {}
        self.arrived: set[str] = set()
        self.verified = ""
        self.last = self.look()
        self.heads = {clone: self.git(clone, "rev-parse", "HEAD") for clone in CLONES}

    # --- doing -------------------------------------------------------------------------------------------------

    def shell(self, line: str) -> Said:
        """Run a line as the printed history does."""
        self.history.append(line)
        done = subprocess.run(
            ["sh", "-c", f". ./env; {line}"], cwd=self.root, stdin=subprocess.DEVNULL, capture_output=True, timeout=300,
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
        head = [f"{GUARD[0]} {HERE / 'fleet.py'} DIR && cd DIR && . ./env"]
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
            self.must(said.code != 2, f"it could not be done, with nothing wrong: {said.all}")
        op.judge(said.code, said, before, after)
        return said

    def both(self, one: Op, two: Op) -> tuple[Said, Said]:
        """Two commands at the same moment."""
        before = self.last
        parts = [f"{{ ({op.line()}) >out.{n} 2>err.{n}; echo $? >code.{n}; }}" for n, op in enumerate((one, two))]
        self.shell(f"{parts[0]} & {parts[1]} & wait")
        after = self.check([one, two])
        texts = [[(self.root / f"{name}.{n}").read_text() for name in ("code", "out", "err")] for n in (0, 1)]
        said = [Said(int(code), out, err) for code, out, err in texts]
        for op, each in zip((one, two), said, strict=True):
            self.must("Traceback" not in each.all, f"a traceback: {each.all[-1500:]}")
            self.must(each.code != 2 or one.clone == two.clone, f"{op.words} could not be done: {each.all}")
            op.judge(each.code, each, before, after)
        return said[0], said[1]

    # --- what people do ----------------------------------------------------------------------------------------

    def write(self, clone: str, path: str, data: bytes) -> None:
        """Write a file."""
        made = f"mkdir -p {clone}/{Path(path).parent} && " if "/" in path else ""
        self.shell(f"{made}printf %s {shlex.quote(data.decode())} >{clone}/{path}")
        self.files[clone][path] = data

    def edit(self, clone: str) -> str:
        """A new file that nobody has committed: in a lane of the clone's session, where it holds one."""
        self.count += 1
        mine = [lane for lane in self.last.held.values() if lane.session == self.sessions.get(clone)]
        path = f"{mine[0].scope[0] if mine else 'notes'}/{clone}-{self.count}.txt"
        self.write(clone, path, b"work %d\n" % self.count)
        self.loose[clone].append(path)
        return path

    def stage(self, clone: str) -> None:
        """Stage a version of a file and write another."""
        self.count += 1
        path, data = f"theirs-{clone}.txt", b"staged %d\n" % self.count
        self.write(clone, path, data)
        self.shell(f"git -C {clone} add -- {path}")
        self.staged[clone] = data
        self.write(clone, path, b"edited %d\n" % self.count)

    def new_delta(self, *clones: str) -> str:
        """A delta as a file in clones; the path."""
        self.count += 1
        number = self.count
        data = delta(1, f"s{number}", posts_created=[post(number)], comments_added=[comment(f"c{number}")],
                     reactions_added=[1])  # fmt: skip
        data = json.dumps(json.loads(data)).encode()
        path = f"out/frame-1-s{number}.json"
        for clone in clones:
            self.write(clone, path, data)
        self.deltas[hashlib.sha256(data).hexdigest()] = data
        return path

    # --- what guard does ---------------------------------------------------------------------------------------

    def start(self, clone: str) -> Op:
        """A session begins."""

        def judge(code: int, said: Said, before: Seen, after: Seen) -> None:  # noqa: ARG001 - of one form
            if code == 0:
                name = said.json["session"]
                self.must(int(name[1:]) not in self.given, f"{name} was given twice")
                self.must(int(name[1:]) in after.numbers, f"{name} is not on the hub")
                self.given.add(int(name[1:]))
                self.sessions[clone] = name

        return Op(clone, "start --json", judge)

    def claim(self, clone: str, name: str, ahead: int = 0) -> Op:
        """A lane is claimed, by a clock that may be ahead."""
        session = self.sessions[clone]

        def others(seen: Seen) -> list[lease.Lane]:
            return [lane for lane in seen.held.values() if lane.session != session and self.meets(lane, name)]

        def judge(code: int, said: Said, before: Seen, after: Seen) -> None:
            now = datetime.now(UTC) + timedelta(seconds=ahead)
            live = [lane for lane in others(before) if not lane.expired(now, 2)]
            self.must(code != 1, f"a claim is refused by no rule: {said.all}")
            if code == 0:
                now_held = {(lane.lane, lane.session) for lane in after.held.values()}
                kept = [lane for lane in live if (lane.lane, lane.session) in now_held]
                self.must(not kept, f"{name} had a holder: {kept}")
                self.must(name in after.held and after.held[name].session == session, f"{name} is not {session}'s")
            if code == 3:
                self.must(live or others(after), f"nobody held {name}: {said.all}")

        return Op(clone, f"claim {name} --scope {LANES[name]}", judge, session, {name: session})

    def holders(self) -> list[tuple[str, str]]:
        """(clone, lane) of every lane that the session of a clone holds."""
        who = {session: clone for clone, session in self.sessions.items()}
        return [(who[lane.session], name) for name, lane in sorted(self.last.held.items()) if lane.session in who]

    def release(self, clone: str, name: str) -> Op:
        """A lane that the clone's session holds is let go."""
        session = self.sessions[clone]

        def judge(code: int, said: Said, before: Seen, after: Seen) -> None:
            self.must(code != 1, f"a release is refused by no rule: {said.all}")
            self.must(code != 3 or before.held[name].session != session, f"it is ours: {said.all}")
            if code == 0:
                self.must(name not in after.held or after.held[name].session != session, f"{name} is still held")

        return Op(clone, f"release {name}", judge, session, {name: None})

    def deliver(self, clone: str, path: str, by: str = "refs") -> Op:
        """A delta goes to the hub."""
        data = self.files[clone][path]
        name = hashlib.sha256(data).hexdigest()

        def judge(code: int, said: Said, before: Seen, after: Seen) -> None:  # noqa: ARG001 - of one form
            self.must(code in (0, 2) or code in KILLED, f"exit {code}: {said.all}")
            self.must(code != 0 or self.is_there(name, after), f"{name} is said to be delivered, and is not")

        return Op(clone, f"delta push --by {by} {path}", judge, self.sessions.get(clone, ""))

    def cut(self, clone: str) -> str:
        """A file of which only the beginning was written; its path."""
        path = self.new_delta(clone)
        data = self.files[clone].pop(path)
        del self.deltas[hashlib.sha256(data).hexdigest()]
        short = f"out/cut/{Path(path).name}"
        self.write(clone, short, data[: len(data) // 2])
        return short

    def smuggle(self, clone: str, path: str) -> None:
        """A delta as it is reaches the hub past every check, as a tool without guard brings it."""
        data = self.files[clone][path]
        name = Path(path).stem.split("-")[2]
        ref = f"refs/guard/deltas/1/{name}/{hashlib.sha256(data).hexdigest()[:16]}"
        blob = f"git -C hub.git hash-object -w --stdin <{clone}/{path}"
        tree = f"printf '100644 blob %s\\t%s\\n' $({blob}) {Path(path).name} | git -C hub.git mktree"
        said = self.shell(f"git -C hub.git update-ref {ref} $(git -C hub.git commit-tree -m delta $({tree}))")
        self.must(said.code == 0, said.all)
        self.check()

    def deliver_cut(self, clone: str, path: str) -> Op:
        """It is refused, and nothing of it arrives."""

        def judge(code: int, said: Said, before: Seen, after: Seen) -> None:
            self.must(code == 1 and "G102" in said.all, f"it was not refused: {said}")
            self.must(before.waiting == after.waiting, "it was delivered")

        return Op(clone, f"delta push {path}", judge, self.sessions.get(clone, ""))

    def merge(self, clone: str) -> Op:
        """Everything that was delivered is merged."""
        arrived = set(self.arrived)

        def judge(code: int, said: Said, before: Seen, after: Seen) -> None:  # noqa: ARG001 - of one form
            self.must(code in (0, 2) or code in KILLED, f"exit {code}: {said.all}")
            self.must(code != 0 or arrived <= after.merged, f"not merged: {arrived - after.merged}")

        return Op(clone, "merge", judge, self.sessions.get(clone, ""))

    def commit(self, clone: str, path: str) -> Op:
        """One file is committed, and nothing else."""

        def judge(code: int, said: Said, before: Seen, after: Seen) -> None:  # noqa: ARG001 - of one form
            there = path in self.git(clone, "ls-tree", "-r", "--name-only", "HEAD", "--", path).split()
            self.must(code != 1 or ("G203" in said.all and not there), f"refused: {said.all}")
            self.must(code != 0 or there, f"{path} is said to be committed, and is not")
            if there:
                self.loose[clone].remove(path)
                self.committed[clone].add(path)

        return Op(clone, f"commit -m 'work: {path}' {path}", judge, self.sessions[clone])

    def sync(self, clone: str) -> Op:
        """What others published comes in."""

        def judge(code: int, said: Said, before: Seen, after: Seen) -> None:  # noqa: ARG001 - of one form
            self.must(code != 1, f"refused: {said.all}")
            self.must(code != 0 or self.contains(clone, "HEAD", before.tip), "it did not come in")

        return Op(clone, "sync", judge, self.sessions.get(clone, ""))

    def push(self, clone: str) -> None:
        """Plain git publishes what was committed, where nobody was faster."""
        self.shell(f"git -C {clone} push -q origin HEAD:main || :")
        self.check()

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
        waiting = {ref.rpartition("/")[2] for ref in refs if ref.startswith("refs/guard/deltas/")}
        merged: set[str] = set()
        for path in self.git("hub.git", "ls-tree", "-r", "--name-only", tip).split("\n"):
            if path.startswith("state/stream_deltas/frame-"):  # delivered by branch
                data = repo.reader.read(f"{tip}:{path}") or b""
                waiting.add(hashlib.sha256(data).hexdigest()[:16])
            if path.startswith("state/frames/") and "/rejected/" not in path:
                for stream in json.loads(repo.reader.read(f"{tip}:{path}") or b"")["streams"].values():
                    merged |= set(stream["deltas"]) - set(stream.get("rejected", {}))
        return Seen(tip, lanes, numbers, waiting, merged)

    def check(self, ops: Iterable[Op] = (), fault: str = "") -> Seen:
        """Compare everything with the model; returns what the hub holds."""
        before, after = self.last, self.look()
        self.last = after
        self._deltas(after)
        self._lanes(before, after, ops, fault)
        for clone in CLONES:
            self._clone(clone)
        if after.tip != before.tip:
            self.must(self.contains("hub.git", after.tip, before.tip), "the branch went back")
            self.verify()
        return after

    def _deltas(self, seen: Seen) -> None:
        """No delta is lost, none counts twice."""
        self.arrived |= {name for name in self.deltas if self.is_there(name, seen)}
        lost = [name for name in self.arrived if not self.is_there(name, seen)]
        self.must(not lost, f"the hub had these deltas and lost them: {lost}")
        self.must(seen.merged <= set(self.deltas), f"nobody wrote {seen.merged - set(self.deltas)}")
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
                name = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324 - git's names
                self.must(made.get(path) == name, f"{clone} lost {path} from HEAD")
            foreign = f"theirs-{clone}.txt"
            same = self.git(clone, "cat-file", "blob", f"HEAD:{foreign}")
            self.must(same == "committed", f"{foreign} rode along: {same}")

    def verify(self) -> None:
        """The branch verifies."""
        line = "git -C eye pull -q --ff-only origin main && cd eye && guard verify"
        said = self.shell(line)
        self.history.pop()
        self.must(said.code == 0, f"the branch does not verify: {said.all}")

    # --- the end -----------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """With nothing wrong any more, each command once more brings all in; nothing is left over."""
        for clone in CLONES:
            here = [path for path in self.files[clone] if path.startswith("out/frame-")]
            if here:
                said = self.shell(f"cd {clone} && guard delta push {' '.join(here)}")
                self.must(said.code == 0, f"what waited was not delivered: {said.all}")
        self.check()
        self.run(self.merge("one"))
        self.must(self.last.merged == set(self.deltas), f"not merged: {set(self.deltas) - self.last.merged}")
        for clone in CLONES:
            self.run(self.sync(clone))
            for path in list(self.loose[clone]):
                held = any(meeting(lane.scope, (path,)) for lane in self.last.held.values())
                if clone in self.sessions and path.startswith("notes/") and not held:
                    self.run(self.commit(clone, path))
        locks = [path.relative_to(self.root) for path in self.root.rglob("*.lock")]
        left = [str(path) for path in locks if "guard" not in path.parent.parts]  # its own are kept, and let go of
        self.must(not left, f"locks are left: {left}")
        for repo in ("hub.git", *CLONES):
            said = self.shell(f"git -C {repo} fsck --no-dangling --no-progress")
            self.must(said.code == 0, f"{repo}: {said.all}")


if __name__ == "__main__":
    build(Path(sys.argv[1]).absolute())
