"""`guard frame open`: the next frame's roster, on the state branch."""

from dataclasses import replace
from pathlib import Path

from guard.frames.roster import Opening, open_next, players
from guard.git import Repo
from guard.plan import policy_at
from guard.publish import hub
from guard.report import Report, number


def run(repo: Repo, opening: Opening, agents: Path | None, report: Report) -> int:
    """Open the next frame for the agents of a file or of the state; returns 0 where it is open with these streams."""
    policy = policy_at(repo, repo.resolve("HEAD"))
    if agents is not None:
        opening = replace(opening, agents=players({}, policy, agents))
    place = hub(repo, policy, ())
    with report.working(f"opening a frame on {place.name}"):
        opened = open_next(repo, place, opening)
    how = f"opened by {opened.commit[:12]} on {place.name}" if opened.commit else "open already, with these streams"
    report.say(f"frame {opened.frame}: {how}; {number(len(opened.streams), 'stream')} expected")
    rows = [(name, str(len(agents)), " ".join(agents)) for name, agents in opened.streams.items()]
    report.table(("stream", "agents", "who"), rows, right=(1,))
    value = {"frame": opened.frame, "opened": opened.commit is not None, "commit": opened.commit}
    report.result({**value, "streams": opened.streams, "exit": 0})
    return 0
