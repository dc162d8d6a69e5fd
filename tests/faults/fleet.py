"""What people and guard do in a fleet, each deed with what has to hold when it has ended."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from faults.world import EVERYBODY, KILLED, LANES, LATE, Op, Seen, World, reported
from walks.lab import Said

from guard.leases import lease
from guard.leases.scopes import meeting


class Fleet(World):
    """A fleet, and what may be done in it."""

    # --- what people do ----------------------------------------------------------------------------------------

    def edit(self, clone: str, *, inside: bool = False) -> str:
        """A new file that nobody has committed: in a lane of the clone's session, where it holds one."""
        self.count += 1
        mine = [lane for lane in self.last.held.values() if lane.session == self.sessions.get(clone)]
        folder = LANES[mine[0].lane] if mine and (inside or self.count % 2) else "notes"
        path = f"{folder}/{clone}-{self.count}.txt"
        self.write(clone, path, b"work %d\n" % self.count)
        self.loose[clone].append(path)
        return path

    def stage(self, clone: str) -> None:
        """Somebody else in the same clone stages a change of a committed file, and goes on editing it."""
        self.count += 1
        path, data = f"theirs-{clone}.txt", b"staged %d\n" % self.count
        self.write(clone, path, data)
        self.shell(f"git -C {clone} add -- {path}")
        self.staged[clone] = data
        self.write(clone, path, b"edited %d\n" % self.count)

    def new_delta(self, *clones: str, frame: int = 1) -> str:
        """A delta as a file in clones; the path."""
        self.count += 1
        number, stream = self.count, f"s{self.count}"
        data = reported(frame, stream, number)
        path = f"out/frame-{frame}-{stream}.json"
        for clone in clones:
            self.write(clone, path, data)
        self.know(data)
        return path

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

    def push(self, clone: str) -> None:
        """Plain git publishes what was committed, where nobody was faster."""
        self.shell(f"git -C {clone} push -q origin HEAD:main || :")
        self.check()

    def force(self, clone: str) -> None:
        """A neighbour without guard pushes what it has by force, whatever the others have published since."""
        self.verify()  # what goes now is judged now
        said = self.shell(f"git -C {clone} push -q --force origin HEAD:main")
        self.must(said.code == 0, said.all)
        self.check(forced=True)

    # --- sessions ----------------------------------------------------------------------------------------------

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

    def lesson(self, clone: str) -> Op:
        """A session writes down what it learned."""
        self.count += 1
        title = f"lesson of step {self.count}"
        self.told[title] = False

        def judge(code: int, said: Said, before: Seen, after: Seen) -> None:  # noqa: ARG001 - of one form
            self.must(code in (0, 2) or code in KILLED, f"exit {code}: {said.all}")
            if code == 0:
                number = said.json["number"]
                self.must(self.numbered.setdefault(number, title) == title, f"lesson {number} was given twice")
                self.told[title] = True

        return Op(clone, f"lesson --json '{title}.'", judge, self.sessions[clone])

    def handoff(self, clone: str) -> Op:
        """A session ends: its commits are pushed, its lanes are free, and it leaves word."""
        self.count += 1
        session, words = self.sessions[clone], f"left at step {self.count}"
        self.told[words] = False
        mine = [name for name, lane in self.last.held.items() if lane.session == session]

        def judge(code: int, said: Said, before: Seen, after: Seen) -> None:  # noqa: ARG001 - of one form
            self.must(code in (0, 2) or code in KILLED, f"exit {code}: {said.all}")
            if code == 0:
                held = [lane for lane in after.held.values() if lane.session == session]
                self.must(not held, f"it has gone, and holds {held}")
                self.told[words] = True
                self.sessions.pop(clone, None)
            if "nothing was released" in said.all:
                held = [name for name, lane in after.held.items() if lane.session == session]
                self.must(sorted(held) == sorted(mine), f"it says that nothing was released; {mine} became {held}")

        said_so = f"handoff --leave -m '{words}.'"
        return Op(clone, said_so, judge, session, dict.fromkeys(mine), excuse="cannot be pushed")

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
        """What others published comes in; where the branch was taken back by force, both sides may have changed."""

        def judge(code: int, said: Said, before: Seen, after: Seen) -> None:  # noqa: ARG001 - of one form
            self.must(code != 1 or self.rewound, f"refused: {said.all}")
            self.must(code != 0 or self.contains(clone, "HEAD", before.tip), "it did not come in")

        return Op(clone, "sync", judge, self.sessions.get(clone, ""))

    # --- deltas ------------------------------------------------------------------------------------------------

    def deliver(self, clone: str, path: str, by: str = "refs") -> Op:
        """A delta goes to the hub."""
        name = hashlib.sha256(self.files[clone][path]).hexdigest()
        kept = self.root / clone / f".git/guard/outbox/{Path(path).stem}--{name[:16]}.json"

        def judge(code: int, said: Said, before: Seen, after: Seen) -> None:  # noqa: ARG001 - of one form
            self.must(code in (0, 2) or code in KILLED or (code == 1 and self.rewound), f"exit {code}: {said.all}")
            self.must(code != 0 or self.is_there(name, after), f"{name} is said to be delivered, and is not")
            if code == 2 and "nothing is lost" in said.all and path in self.files[clone]:
                self.must(self.is_there(name, after) or kept.exists(), f"it is said to be kept, and is not: {said.all}")

        return Op(clone, f"delta push --by {by} {path}", judge, self.sessions.get(clone, ""))

    def deliver_cut(self, clone: str, path: str) -> Op:
        """It is refused, and nothing of it arrives."""

        def judge(code: int, said: Said, before: Seen, after: Seen) -> None:
            self.must(code == 1 and "G102" in said.all, f"it was not refused: {said}")
            self.must(before.waiting == after.waiting, "it was delivered")

        return Op(clone, f"delta push {path}", judge, self.sessions.get(clone, ""))

    def merge(self, clone: str, closing: str = "") -> Op:
        """Everything that was delivered is merged."""
        arrived = set(self.arrived)

        def judge(code: int, said: Said, before: Seen, after: Seen) -> None:  # noqa: ARG001 - of one form
            self.must(code in (0, 2) or code in KILLED, f"exit {code}: {said.all}")
            self.must(code != 0 or arrived <= after.merged, f"not merged: {arrived - after.merged}")

        return Op(clone, f"merge{closing}", judge, self.sessions.get(clone, ""))

    def launch(self, clone: str, *hows: str, frame: int = 1) -> Op:
        """Streams work, each in a work tree of its own; whatever becomes of them, each leaves a delta."""
        words = f"launch --json --streams {len(hows)} --stagger 0 --frame {frame}"
        return self._streams(clone, words, "stream", hows, frame)

    def play(self, clone: str, how: str, frame: int = 1) -> Op:
        """One stream works in the clone itself."""
        name = f"run{self.count + 1}"
        words = f"run --json --stream {name}-1 --frame {frame}"
        return self._streams(clone, words, name, [how], frame, Path(f"state/stream_deltas/frame-{frame}-{name}-1.json"))

    def _streams(
        self, clone: str, words: str, stream: str, hows: Sequence[str], frame: int, here: Path | None = None
    ) -> Op:
        number = self.count + 1
        self.count += len(hows)
        self.launchers.add(clone)
        names = [f"{number}-{k}" for k in range(1, len(hows) + 1)]
        for k, name in enumerate(names, start=1):
            self.launched[name] = reported(frame, f"{stream}-{k}", number - 1 + k)
            self.shell(f"printf %s '{self.launched[name].decode()}' >streams/{name}.json")

        def judge(code: int, said: Said, before: Seen, after: Seen) -> None:  # noqa: ARG001 - of one form
            self.settled()
            if here is not None and self.wrote(names[0]):
                self.files[clone][str(here)] = self.launched[names[0]]
            self.check()
            self.scraps_kept()
            if code == 0:
                for name, each in zip(names, said.json["streams"], strict=True):
                    [done] = each["deltas"]
                    mine = hashlib.sha256(self.launched[name]).hexdigest()
                    self.must(self.is_there(done, self.last), f"{done} is said to be delivered, and is not")
                    self.must((done == mine) == self.wrote(name), f"{name} is given {done}, and wrote {mine}")

        return Op(clone, f"{words} -- stream {number} {' '.join(hows)}", judge, self.sessions.get(clone, ""))

    # --- the end -----------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """With nothing wrong any more, each command once more brings all in; nothing is left over."""
        for clone in sorted(self.launchers):
            self.run(self.launch(clone, "well"))
        tries = 0
        while self._deliver_all():  # a frame opens when the one before it is closed, which a push by force undid
            tries += 1
            self.must(tries < 20, "a delta is early for ever")
            self.run(self.merge("one"))
            self.run(self.merge("one", f" --frame {self.last.counter + 1}"))
        self.run(self.merge("one"))
        self.must(self.last.merged == set(self.deltas), f"not merged: {set(self.deltas) - self.last.merged}")
        tip = self.last.tip
        self.run(self.merge("two"))
        self.must(self.last.tip == tip, "all was merged, and a merge makes a commit")
        for clone in EVERYBODY:
            self.run(self.sync(clone))
            for path in list(self.loose[clone]):
                held = any(meeting(lane.scope, (path,)) for lane in self.last.held.values())
                if clone in self.sessions and path.startswith("notes/") and not held:
                    self.run(self.commit(clone, path))
        self.run(self.start("one"))
        self.verify()
        self.records_kept()

    def _deliver_all(self) -> bool:
        """Deliver whatever lies in a clone; returns whether something has to wait until its frame is open."""
        lines = [f"cd {LATE} && guard delta push"]
        for clone in EVERYBODY:
            here = [path for path in self.files[clone] if path.startswith(("out/frame-", "state/"))]
            lines += [f"cd {clone} && guard delta push {' '.join(here)}"] if here else []
        waits = False
        for said in map(self.shell, lines):
            early = said.code == 1 and self.rewound and "more than one past" in said.all
            self.must(said.code == 0 or early, f"what waited was not delivered: {said}")
            waits = waits or early
        self.check()
        return waits
