"""Each command of guard with one thing wrong at a time, then again with nothing wrong: it is done, and done once."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from faults.chosen import ROUNDS, SEED
from faults.fleet import Fleet, Op

KILLS = [f"{how}:{word}:1" for word in ("push", "fetch") for how in ("kill-before", "kill-after")]
TROUBLE = [
    *("kill-before:any:2", "kill-after:any:4", "kill-before:any:6", "kill-after:any:8", "half:any:3", "half:any:7"),
    *("lost-answer:push:1", "refused:2", "closed", "gone", "hanging", "full:0", "full:150", "full:600", "readonly"),
    *("clock:86400", "clock:-86400", "damaged:index", "damaged:object", "damaged:ref", "damaged:hub", "damaged:notes"),
]
EVERY = [f"{how}:any:{at}" for at in range(1, 31) for how in ("kill-before", "kill-after", "half")]
SESSIONS = ("start", "claim", "release", "lesson", "handoff")
DELTAS = ("deliver", "branch", "merge", "launch", "play")
FILES = ("commit", "sync")
COMMANDS = (*SESSIONS, *DELTAS, *FILES)
AT_ONCE = 12
"""So many faults one fleet sees in a long run: what fails is told by its whole history."""


def dealt() -> list[list[tuple[str, str]]]:
    """(command, fault), by fleets. The seed deals them out: in an ordinary run each fault once, in a long one to each
    command eight times as many as there are rounds, or all."""
    draw = random.Random(SEED)
    if not ROUNDS:
        deck = draw.sample([*KILLS, *TROUBLE], len(KILLS) + len(TROUBLE))
        pairs = list(zip(draw.sample(COMMANDS, len(COMMANDS)) * 3, deck, strict=False))
        return [[pair for pair in pairs if pair[0] in group] for group in (SESSIONS, (*DELTAS, *FILES))]
    deck = [*KILLS, *TROUBLE, *EVERY]
    hands = [(command, draw.sample(deck, min(len(deck), 8 * ROUNDS))) for command in COMMANDS]
    return [
        [(command, fault) for fault in hand[at : at + AT_ONCE]]
        for command, hand in hands
        for at in range(0, len(hand), AT_ONCE)
    ]


def _made(fleet: Fleet, command: str, fault: str) -> Callable[[str], Op]:
    """What is new for a command to do; the command itself, to be given twice."""
    if command in SESSIONS:
        return _of_session(fleet, command)
    if command in ("deliver", "branch"):
        path = fleet.new_delta("one")
        return lambda _: fleet.deliver("one", path, "refs" if command == "deliver" else "branch")
    if command == "launch":
        return lambda _: fleet.launch("one", "well", "killed" if "any" in fault else "half")
    if command == "play":
        return lambda _: fleet.play("one", "killed")
    if command == "merge":
        path = fleet.new_delta("two", frame=fleet.last.counter + 1)
        fleet.run(fleet.deliver("two", path))
        return lambda _: fleet.merge("one")
    path = fleet.edit("one" if command == "commit" else "two")
    if command == "commit":
        return lambda _: fleet.commit("one", path)
    fleet.run(fleet.commit("two", path))
    fleet.run(fleet.sync("two"))
    fleet.push("two")
    return lambda _: fleet.sync("one")


def _of_session(fleet: Fleet, command: str) -> Callable[[str], Op]:
    """A command of the first clone's session, which has begun and holds its lane where that is needed."""
    if "one" not in fleet.sessions:
        fleet.run(fleet.start("one"))
    for clone, lane in fleet.holders() if command in ("start", "claim") else ():
        fleet.run(fleet.release(clone, lane))
    if command == "start":
        return lambda _: fleet.start("one")
    if command == "lesson":
        again = fleet.lesson("one")
        return lambda _: again
    if command == "claim":
        return lambda fault: fleet.claim("one", "a", int(fault.partition(":")[2]) if "clock" in fault else 0)
    if "a" not in fleet.last.held:
        fleet.run(fleet.claim("one", "a"))
    if command == "release":
        return lambda _: fleet.release("one", "a")
    fleet.run(fleet.commit("one", fleet.edit("one", inside=True)))
    fleet.run(fleet.sync("one"))
    again = fleet.handoff("one")
    return lambda _: again


@pytest.mark.parametrize("pairs", dealt(), ids=lambda pairs: pairs[0][0])
def test_one_thing_wrong_at_a_time(model: Path, tmp_path: Path, pairs: list[tuple[str, str]]) -> None:
    """Whatever goes wrong: no byte, commit or delta is lost, nothing counts twice, the branch verifies, a lane has one
    holder; and the same command once more does what it says."""
    fleet = Fleet(model, tmp_path / "fleet")
    for clone in ("one", "two"):
        fleet.run(fleet.start(clone))
    fleet.stage("one")
    for command, fault in pairs:
        again = _made(fleet, command, fault)
        first = fleet.run(again(fault), fault)
        done = first.code == 0 if command == "handoff" else command == "commit" and not fleet.loose["one"]
        if not done:
            said = fleet.run(again(""))
            fleet.must(said.code == 0, f"it is not done the second time: {said.all}")
    if pairs[0][0] in SESSIONS:
        _one_of_two(fleet)
    else:
        path = fleet.new_delta("one", "two")
        fleet.both(fleet.deliver("one", path), fleet.deliver("two", path, "branch"))
    fleet.settle()


def _one_of_two(fleet: Fleet) -> None:
    """Paths that are held, and then free: of two sessions that claim them one gets them, one after another and at
    once."""
    for clone in ("one", "two"):
        if clone not in fleet.sessions:
            fleet.run(fleet.start(clone))
    for clone, lane in fleet.holders():
        fleet.run(fleet.release(clone, lane))
    fleet.run(fleet.claim("one", "a"))
    fleet.must(fleet.run(fleet.claim("two", "all")).code == 3, "src is free, and src/a is held")
    for fault in ("", "closed"):  # where no record gets in, refs alone decide
        for clone, lane in fleet.holders():
            fleet.run(fleet.release(clone, lane))
        codes = [said.code for said in fleet.both(fleet.claim("one", "a"), fleet.claim("two", "all"), fault)]
        fleet.must(sorted(codes) == [0, 3], f"one of two gets it, and not {codes}")
