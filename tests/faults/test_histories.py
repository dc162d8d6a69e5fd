"""Random histories of a fleet: sessions, lanes, commits, deltas and merges on several clones, with things going wrong.

What fails is printed as commands. `make faults` makes it as short as it can be before, which takes minutes.
"""

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from faults.chosen import ROUNDS, SEED
from faults.fleet import Fleet
from faults.test_steps import KILLS, TROUBLE
from faults.world import CLONES, EVERYBODY, LANES, Op, build
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

clones = st.sampled_from(CLONES)
who = st.sampled_from(EVERYBODY)
lanes = st.sampled_from(sorted(LANES))
numbered = st.builds("{}:any:{}".format, st.sampled_from(("kill-before", "kill-after", "half")), st.integers(1, 30))
faults = st.one_of(st.just(""), st.sampled_from([*KILLS, *TROUBLE]), numbered)
hows = st.sampled_from(("well", "half", "killed", "gone"))


def _ahead(fault: str) -> int:
    return int(fault.partition(":")[2]) if fault.startswith("clock:") else 0


def history_below(root: Path) -> type[RuleBasedStateMachine]:
    """The machine whose fleets lie below a folder."""
    model = root / "model"
    build(model)

    class History(RuleBasedStateMachine):
        """What may happen in a fleet."""

        fleet: Fleet

        @initialize()
        def begin(self) -> None:
            """A fleet, a session in each of two clones, and a lane of the first; the third works without."""
            self.fleet = Fleet(model, Path(tempfile.mkdtemp(dir=root)) / "fleet")
            for clone in CLONES[:2]:
                self.fleet.run(self.fleet.start(clone))
            self.fleet.run(self.fleet.claim("one", "a"))

        @rule(clone=clones, fault=faults)
        def start(self, clone: str, fault: str) -> None:
            """A session begins, in a clone that may have one."""
            self.fleet.run(self.fleet.start(clone), fault)

        @rule(clone=who, lane=lanes, fault=faults)
        def claim(self, clone: str, lane: str, fault: str) -> None:
            """A lane is claimed, held or not."""
            self.fleet.run(self.fleet.claim(self._at_work(clone), lane, _ahead(fault)), fault)

        @rule(clone=who, fault=faults)
        def lesson(self, clone: str, fault: str) -> None:
            """A session writes down a lesson."""
            self.fleet.run(self.fleet.lesson(self._at_work(clone)), fault)

        @rule(clone=who, fault=faults)
        def handoff(self, clone: str, fault: str) -> None:
            """A session ends, after it has brought in what others published."""
            self.fleet.run(self.fleet.sync(self._at_work(clone)))
            self.fleet.run(self.fleet.handoff(clone), fault)

        @precondition(lambda self: self.fleet.holders())
        @rule(which=st.integers(0, 2), fault=faults)
        def release(self, which: int, fault: str) -> None:
            """One of the lanes that are held is let go."""
            held = self.fleet.holders()
            self.fleet.run(self.fleet.release(*held[which % len(held)]), fault)

        @rule(clone=who)
        def stage(self, clone: str) -> None:
            """Somebody stages a file, and goes on editing it."""
            self.fleet.stage(clone)

        @rule(clone=who, fault=faults)
        def commit(self, clone: str, fault: str) -> None:
            """A new file is committed."""
            path = self.fleet.edit(self._at_work(clone))
            self.fleet.run(self.fleet.commit(clone, path), fault)

        @rule(clone=who, late=st.booleans(), by=st.sampled_from(("refs", "branch")), fault=faults)
        def deliver(self, clone: str, late: bool, by: str, fault: str) -> None:
            """A new delta is delivered, of the frame that is open or of the first one."""
            frame = 1 if late else self.fleet.last.counter + 1
            self.fleet.run(self.fleet.deliver(clone, self.fleet.new_delta(clone, frame=frame), by), fault)

        @rule(clone=clones, smuggled=st.booleans())
        def deliver_cut(self, clone: str, smuggled: bool) -> None:
            """Half a delta is delivered by guard, which refuses it, or past it, for a merge to reject."""
            path = self.fleet.cut(clone)
            if smuggled:
                self.fleet.smuggle(clone, path)
            else:
                self.fleet.run(self.fleet.deliver_cut(clone, path))

        @rule(clone=clones, one=hows, two=hows, fault=faults)
        def launch(self, clone: str, one: str, two: str, fault: str) -> None:
            """Two streams work, and die or do not."""
            self.fleet.run(self.fleet.launch(clone, one, two, frame=self.fleet.last.counter + 1), fault)

        @rule(clone=clones, how=hows, fault=faults)
        def play(self, clone: str, how: str, fault: str) -> None:
            """One works in the clone itself."""
            self.fleet.run(self.fleet.play(clone, how, frame=self.fleet.last.counter + 1), fault)

        @rule(clone=who, fault=faults)
        def merge(self, clone: str, fault: str) -> None:
            """What was delivered is merged."""
            self.fleet.run(self.fleet.merge(clone), fault)

        @rule(clone=who, fault=faults)
        def sync(self, clone: str, fault: str) -> None:
            """What others published comes in."""
            self.fleet.run(self.fleet.sync(clone), fault)

        @rule(clone=who)
        def push(self, clone: str) -> None:
            """Commits are published with plain git, where nobody was faster."""
            self.fleet.push(clone)

        @rule(clone=who)
        def force(self, clone: str) -> None:
            """And by force, over what others have published."""
            self.fleet.force(clone)

        @rule(lane=lanes, other=lanes, fault=st.sampled_from(("", "closed")))
        def two_claims(self, lane: str, other: str, fault: str) -> None:
            """Two sessions claim at once."""
            for clone in CLONES[:2]:
                self._at_work(clone)
            before = self.fleet.last.held
            one, two = (self.fleet.claim(clone, name) for clone, name in zip(CLONES, (lane, other), strict=False))
            codes = [each.code for each in self.fleet.both(one, two, fault)]
            now = datetime.now(UTC)
            if "all" in (lane, other) and all(held.expired(now, 2) for held in before.values()):
                self.fleet.must(sorted(codes) == [0, 3], f"one of two gets it, and not {codes}")

        @rule(
            one=st.sampled_from(("merge", "deliver", "start", "claim", "lesson", "launch", "handoff", "release")),
            two=st.sampled_from(("merge", "deliver", "lesson", "launch", "sync")),
        )
        def two_at_once(self, one: str, two: str) -> None:
            """Two clones do something at once: where both deliver, the same delta in two ways."""
            path = self.fleet.new_delta(*CLONES[:2])
            self.fleet.both(self._op(one, "one", path), self._op(two, "two", path))

        @rule(clone=clones, other=st.sampled_from(("commit", "sync")))
        def two_in_one_clone(self, clone: str, other: str) -> None:
            """Two share a clone: one commits, the other commits too or brings in what is new."""
            path, second = self.fleet.edit(self._at_work(clone)), self.fleet.edit(clone) if other == "commit" else ""
            self.fleet.both(self.fleet.commit(clone, path), self._op(other, clone, second))

        def _op(self, kind: str, clone: str, path: str) -> Op:
            fleet = self.fleet
            if kind == "commit" and path:
                return fleet.commit(clone, path)
            if kind == "deliver":
                return fleet.deliver(clone, path, "refs" if clone == "one" else "branch")
            if kind == "claim":
                return fleet.claim(self._at_work(clone), "a")
            if kind == "release":
                held = [lane for holder, lane in fleet.holders() if holder == clone]
                return fleet.release(clone, held[0]) if held else fleet.claim(self._at_work(clone), "a")
            if kind == "launch":
                return fleet.launch(clone, "well", frame=fleet.last.counter + 1)
            if kind in ("lesson", "handoff"):
                self._at_work(clone)
            return getattr(fleet, kind)(clone)

        def _at_work(self, clone: str) -> str:
            """A clone, in which a session has begun."""
            if clone not in self.fleet.sessions:
                self.fleet.run(self.fleet.start(clone))
            return clone

        def teardown(self) -> None:
            """Whatever happened, all comes right with nothing wrong any more."""
            if hasattr(self, "fleet"):
                try:
                    self.fleet.settle()
                finally:
                    shutil.rmtree(self.fleet.root.parent)

    return History


def test_random_histories(tmp_path: Path) -> None:
    """Whatever happens in whichever order: nothing is lost or counted twice, the branch verifies, a lane has one
    holder; and in the end everything that was delivered is merged."""
    chosen = settings(
        max_examples=ROUNDS or 2,
        stateful_step_count=20 if ROUNDS else 9,
        deadline=None,
        database=None,
        phases=[Phase.generate, *([Phase.shrink] if ROUNDS else [])],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    run_state_machine_as_test(seed(SEED)(history_below(tmp_path)), settings=chosen)
