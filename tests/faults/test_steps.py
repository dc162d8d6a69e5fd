"""Each command of guard with one thing wrong at a time, then again with nothing wrong: it is done, and done once."""

import itertools
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from faults.chosen import ROUNDS, SEED
from faults.fleet import Fleet, Op

KILLS = [f"{how}:{word}:1" for word in ("push", "fetch") for how in ("kill-before", "kill-after")]
TROUBLE = [
    *("kill-before:any:2", "kill-after:any:4", "kill-before:any:6", "kill-after:any:8"),
    *("lost-answer:push:1", "refused:2", "gone", "hanging", "full:0", "full:150", "full:600", "readonly"),
    *("clock:86400", "clock:-86400", "damaged:index", "damaged:object", "damaged:ref"),
]
COMMANDS = ("claim", "deliver", "branch", "merge", "commit", "sync")
PUBLISHING = ("claim", "deliver", "merge")
EVERY = [f"{how}:any:{at}" for at in range(1, 31) for how in ("kill-before", "kill-after")]


def _dealt(command: str) -> list[str]:
    """The faults of a command: dealt out by the seed in an ordinary run, all in a long one."""
    if ROUNDS:
        return [*KILLS, *TROUBLE, *EVERY]
    deck = random.Random(SEED).sample(TROUBLE, len(TROUBLE))
    mine = [each for each, who in zip(deck, itertools.cycle(COMMANDS), strict=False) if who == command]
    return [*(KILLS[:2] if command in PUBLISHING else ()), *mine]


def _made(fleet: Fleet, command: str) -> Callable[[str], Op]:
    """What is new for a command to do; the command itself, to be given twice."""
    if command == "claim":
        for clone, lane in fleet.holders():
            fleet.run(fleet.release(clone, lane))
        return lambda fault: fleet.claim("one", "a", int(fault.partition(":")[2]) if "clock" in fault else 0)
    if command in ("deliver", "branch"):
        path = fleet.new_delta("one")
        return lambda _: fleet.deliver("one", path, "refs" if command == "deliver" else "branch")
    if command == "merge":
        path = fleet.new_delta("two")
        fleet.run(fleet.deliver("two", path))
        return lambda _: fleet.merge("one")
    path = fleet.edit("one" if command == "commit" else "two")
    if command == "commit":
        return lambda _: fleet.commit("one", path)
    fleet.run(fleet.commit("two", path))
    fleet.run(fleet.sync("two"))
    fleet.push("two")
    return lambda _: fleet.sync("one")


@pytest.mark.parametrize("command", COMMANDS)
def test_one_thing_wrong_at_a_time(model: Path, tmp_path: Path, command: str) -> None:
    """Whatever goes wrong: no byte, commit or delta is lost, nothing counts twice, the branch verifies, a lane has one
    holder; and the same command once more does what it says."""
    fleet = Fleet(model, tmp_path / "fleet")
    for clone in ("one", "two"):
        fleet.run(fleet.start(clone))
    fleet.stage("one")
    for fault in _dealt(command):
        again = _made(fleet, command)
        fleet.run(again(fault), fault)
        if command != "commit" or fleet.loose["one"]:
            said = fleet.run(again(""))
            fleet.must(said.code == 0, f"it is not done the second time: {said.all}")
    if command == "claim":
        fleet.must(fleet.run(fleet.claim("two", "all")).code == 3, "src is free, and src/a is held")
        fleet.run(fleet.release("one", "a"))
        codes = [said.code for said in fleet.both(fleet.claim("one", "a"), fleet.claim("two", "all"))]
        fleet.must(sorted(codes) == [0, 3], f"one of two gets it, and not {codes}")
    fleet.settle()
