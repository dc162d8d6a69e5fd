"""`guard delta push`: deltas of this clone to the hub, judged first as hooks and servers judge them."""

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guard.commands.delta import named
from guard.delivery import outbox
from guard.delivery.deliver import Held, Packed, deliver
from guard.delivery.undelivered import Loose, loose
from guard.errors import GuardError
from guard.finding import Finding
from guard.git import Repo
from guard.hub.hub import Snapshot
from guard.hub.local import Local
from guard.inbox import Fault, by_small_letters, faults
from guard.plan import Tree, frame_counter, policy_at
from guard.policy import Policy, Way
from guard.publish import hub, last_seen
from guard.report import Report, number
from guard.rules.invalid_delta import RULE
from merge.delta import digest_of


@dataclass
class _Sorted:
    """What is to be delivered: what is new to the hub, what it has, and what it may not get."""

    fresh: list[tuple[Loose, Packed]] = field(default_factory=list)
    already: list[tuple[Loose, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def run(repo: Repo, paths: Sequence[str], by: str, report: Report) -> int:
    """Deliver the files named, or all that is here and that the hub does not have.

    Returns 1 where one was refused, and the rest is delivered all the same; 2 where the hub did not take one, which
    then waits in the outbox. No file, index or branch of this clone is changed.
    """
    way = _way(by)
    with report.working("delivering"):
        policy = policy_at(repo, repo.resolve("HEAD"))
        place = hub(repo, policy)
        snapshot, gone = _read(repo, policy, place.read)
        policy = policy_at(repo, snapshot.tip) if snapshot.tip else policy
        found = _files(paths, policy) if paths else loose(repo, policy, snapshot.tip)
        sorted_ = _sort(repo, policy, snapshot, found)
        kept = {outbox.put(repo, each.frame, each.stream, each.data): loose_ for loose_, each in sorted_.fresh}
        if gone is not None:
            raise _unreached(gone, list(kept)) if kept else gone
        for each, _ in sorted_.already:
            if each.origin == "outbox":
                Path(each.path).unlink(missing_ok=True)  # a run that was killed has sent it
        if isinstance(place, Local) and (way or policy.deliver_by) == "branch":
            report.note("there is no remote here: deltas become refs, and no branch is moved")
        sent = deliver(repo, policy, list(kept), way)
    done = [(kept[path], where) for path, where in sent.where.items()]
    return _tell(report, sorted_, done, sent.errors, way or policy.deliver_by)


def _way(by: str) -> Way | None:
    if by == "":
        return None
    if by == "refs":
        return "refs"
    if by == "branch":
        return "branch"
    raise GuardError("usage", f"--by {by}: it is refs or branch", "nothing was delivered", "guard delta push --by refs")


def _read(repo: Repo, policy: Policy, read: Any) -> tuple[Snapshot, GuardError | None]:
    """What the hub holds; where it does not answer, what it held when it last did, and the error."""
    try:
        return read(), None
    except GuardError as error:
        if error.kind != "network":
            raise
        return last_seen(repo, policy), error


def _unreached(error: GuardError, kept: Sequence[Path]) -> GuardError:
    why = f"nothing is lost: {number(len(kept), 'delta')} in {kept[0].parent} for the next time"
    return GuardError("network", error.what, why, "guard delta push, when the hub can be reached")


# --- judging ---------------------------------------------------------------------------------------------------


def _files(paths: Sequence[str], policy: Policy) -> list[Loose]:
    """The files that were named, and those in folders that were."""
    found = []
    for file in named(paths, policy.inbox):
        if file.is_symlink():
            found.append(Loose(str(file), file.name, os.fsencode(file.readlink()), "symlink", "file"))
            continue
        try:
            found.append(Loose(str(file), file.name, file.read_bytes(), "file", "file"))
        except OSError as error:
            why = "what cannot be read cannot be delivered; nothing was"
            raise GuardError("usage", f"{file} cannot be read: {error.strerror}", why, f"ls -l {file}") from None
    return found


def _sort(repo: Repo, policy: Policy, snapshot: Snapshot, found: Iterable[Loose]) -> _Sorted:
    """Judge each delta once, however often it lies here."""
    held = Held(repo, policy, snapshot.tip, snapshot.refs)
    counter = _counter(repo, policy, snapshot.tip)
    everything = list(found)
    alike = by_small_letters({*held.names, *(each.name for each in everything)})
    result = _Sorted()
    seen: set[tuple[int, str, bytes]] = set()
    for each in everything:
        packed = each.packed()
        if packed is not None and (where := held.where(packed)):
            result.already.append((each, where))
            continue
        wrong: list[Fault] = list(
            faults(each.path, each.name, each.data, each.kind, policy, counter, time.time(), alike)
        )
        if wrong or packed is None:
            result.findings += [RULE.stamp(Finding(each.path, f"{at}: {what}", fix, 1)) for at, what, fix in wrong]
        elif (packed.frame, packed.stream, packed.data) not in seen:
            seen.add((packed.frame, packed.stream, packed.data))
            result.fresh.append((each, packed))
    return result


def _counter(repo: Repo, policy: Policy, tip: str | None) -> int | None:
    try:
        newest = frame_counter(Tree(repo, tip), policy.laws)
    except GuardError:  # that file is another rule's; who delivers a delta cannot mend it
        return None
    return newest if newest >= 0 else None


# --- telling ---------------------------------------------------------------------------------------------------


def _tell(
    report: Report,
    sorted_: _Sorted,
    done: Sequence[tuple[Loose, str]],
    errors: dict[Path, GuardError],
    way: Way,
) -> int:
    for finding in sorted_.findings:
        report.say(finding.text())
    for each, where in done:
        report.say(f"delivered {each.path}" + (f" as {where}" if where else ", by another run"))
    for each, where in sorted_.already:
        report.say(f"already delivered: {each.path}, as {where}")
    for error in dict.fromkeys(errors.values()):
        report.warn(f"{error.what}\n  why: {error.why}\n  fix: {error.fix}")
    if not (sorted_.findings or done or sorted_.already or errors):
        report.say("nothing to deliver")
    code = 2 if errors else 1 if sorted_.findings else 0
    report.result(
        {
            "by": way,
            "delivered": [_value(each, where) for each, where in done],
            "already": [_value(each, where) for each, where in sorted_.already],
            "findings": [finding.value() for finding in sorted_.findings],
            "waiting": [{"file": str(path), "why": error.what} for path, error in errors.items()],
            "exit": code,
        }
    )
    return code


def _value(each: Loose, where: str) -> dict[str, str]:
    return {"file": each.path, "digest": digest_of(each.data), "as": where}
