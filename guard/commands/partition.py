"""`guard partition`: which agents this machine plays, worked out without asking anybody."""

from pathlib import Path

from guard.errors import GuardError
from guard.frames import partition
from guard.frames.roster import players
from guard.git import Repo
from guard.plan import Tree, policy_at
from guard.report import Report, number


def run(repo: Repo, report: Report, *, machine: str, streams: int, roster: Path | None, how: partition.How) -> int:
    """Print this machine's agents, one a line; with `streams`, a table of who plays whom."""
    of = partition.machine(machine) if machine else None
    tip = repo.resolve("HEAD")
    policy = policy_at(repo, tip)
    tip = repo.resolve(f"refs/remotes/{policy.remote}/{policy.branch}") or tip  # as the launch sees it
    everybody = players(Tree(repo, tip), policy, roster)
    if not everybody:
        raise GuardError(
            "usage", "there are no agents", "nothing could be shared out", "--roster FILE, one name a line"
        )
    agents = partition.share(everybody, of, how)
    shares = partition.parted(agents, partition.streams(streams, of), how) if streams else {}
    if shares:
        report.table(("stream", "agents"), [(stream, " ".join(names)) for stream, names in shares.items()])
        report.say(f"{number(len(agents), 'agent')} of {len(everybody)}")
    else:
        for name in agents:
            report.say(name)
    value = {
        "machine": machine or None,
        "how": how,
        "agents": agents,
        "of": len(everybody),
        "streams": shares,
        "exit": 0,
    }
    report.result(value)
    return 0
