"""The ways around the hooks that are known, tried on a scratch clone of a real repository against what guards it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from guard.doctor.arena import AWAY, Arena, arena
from guard.doctor.scratch import NO_HOOKS, Scratch, scratch
from guard.doctor.walls import Walls
from guard.doctor.ways import WAYS, NotTriedError
from guard.doctor.wiring import Wiring
from guard.git import Repo
from guard.hooks import agent, registered, strict
from guard.server import Move, judged, proposed
from guard.verify.range import verify


@dataclass(frozen=True)
class Bypass:
    """One way around the hooks, tried: whether it passes here, and what is against it.

    `by_hooks` says that the hooks are there to refuse it. `found_by` are the commands that name it afterwards. `closes`
    are the walls that refuse it where they stand, `stands` those of them that stand here.
    """

    how: str
    by_hooks: bool
    passes: bool
    found_by: str = ""
    closes: list[str] = field(default_factory=list)
    stands: list[str] = field(default_factory=list)
    tried: bool = True
    """False where this repository lacks what the way needs."""
    on_files: bool = False
    """Whether it is about files that are not committed: no command finds that afterwards."""

    @property
    def open(self) -> bool:
        """Whether nothing here keeps it out."""
        return self.passes and not [wall for wall in self.stands if wall != "merge audit"]


def bypasses(source: Repo, wiring: Wiring, around: Walls) -> Iterator[Bypass]:
    """Try every way; of what passes, say what finds it afterwards and which walls refuse it."""
    with arena(source, wiring, around) as made:
        for way in WAYS:
            made.again()
            try:
                where = way.attempt(made) or made.top
            except NotTriedError:
                yield Bypass(way.how, way.by_hooks, passes=False, tried=False)
                continue
            tip = made.tip(where)
            if tip is None:
                yield Bypass(way.how, way.by_hooks, passes=False)
                continue
            repo = Repo(where)
            try:
                found_by, closes = _against(made, repo, tip)
            finally:
                repo.close()
            if way.command and agent.refuses(way.command.replace("BRANCH", made.policy.branch), str(made.top)):
                closes.append("agent hook")
            yield Bypass(
                way.how, way.by_hooks, True, ", ".join(found_by), closes, _standing(made, closes, around, tip, where)
            )
    yield from _on_files(source, wiring, around)


def _against(made: Arena, repo: Repo, tip: str) -> tuple[list[str], list[str]]:
    """What names a commit, and which walls refuse it: judged here and now, none of them asks which hooks ran."""
    found, closes = [], []
    back = repo.is_ancestor(tip, made.old)
    if judged(repo, [Move(made.old, tip, made.ref)], made.policy.branch, time.time()).refused:
        closes.append("server hook")
    said = proposed(repo, made.old, tip, time.time())
    if said.refused or not repo.is_ancestor(made.old, tip):  # a push that takes commits back is refused as such
        closes.append("required check")
        codes = sorted({finding.code for finding in said.findings})
        found.append(f"guard check --range ({', '.join(codes)})" if codes else "guard check --range")
    verdict = verify(repo, made.old, tip)
    if verdict.problems or back:
        closes.append("merge audit")
    if verdict.problems or verdict.repaired or back:
        found.insert(0, "guard verify" if verdict.problems or back else "guard verify (as made good)")
    return found, closes


def _standing(made: Arena, closes: list[str], around: Walls, tip: str, where: Path) -> list[str]:
    """Those walls that stand here; the server's hook is asked by a real push."""
    stands = []
    if made.guarded:
        made.run(made.guarded, "update-ref", made.ref, made.old)
        made.run(where, *NO_HOOKS, "push", "-q", "--force", "--no-verify", str(made.guarded), f"{tip}:{made.ref}")
        if made.run(made.guarded, "rev-parse", made.ref)[1] == made.old:
            stands.append("server hook")
    there = {"required check": bool(around.checks), "merge audit": True, "agent hook": bool(around.tools)}
    return stands + [wall for wall in closes if there.get(wall)]


def _on_files(source: Repo, wiring: Wiring, around: Walls) -> Iterator[Bypass]:
    """What leaves no trace that a server could see: only where it is typed can it be refused."""
    lines = {
        "git add -A, at that moment": ("add", "-A"),
        "git reset --hard, over edits": ("reset", "-q", "--hard"),
        "git stash, past the hooks": (*AWAY, *registered.OFF, "-c", f"{strict.KEY}=false", "stash"),
    }
    with scratch(source, wiring.runs) as made:
        if around.strict:
            made.set_strict()
        for how, words in lines.items():
            made.again()
            made.write("notes.txt", "precious\n")
            before = _picture(made)
            made.git(*words)
            passes = _picture(made) != before
            closes = ["strict mode"] if "past the hooks" not in how else []
            if agent.refuses(f"git {' '.join(words)}", str(made.top)):
                closes.append("agent hook")
            stands = [wall for wall in closes if wall == "agent hook" and around.tools] if passes else []
            yield Bypass(how, False, passes, "", closes if passes else [], stands, on_files=True)


def _picture(made: Scratch) -> tuple[str, str]:
    return made.read("notes.txt"), made.git("diff", "--cached", "--name-only")[1]
