"""What a claim costs beside `git fetch` and `git push` on the same hub, and `orient` on a board of 500 rows."""

import tempfile
from pathlib import Path

from walks.lab import Lab
from walks.test_server import by_git  # git daemon on the loopback

from benchmarks.charts import bars
from benchmarks.measure import GUARD, Figure, Part, Row, Scale, Spent, alternate, compare, say, spend

TITLE = "Claims"
HOW = """\
`guard claim LANE --scope PATH` (which also writes the lane into the board), beside `git fetch -q origin` and
`git push -q origin HEAD:main` of one commit, from another clone of the same hub: a folder on the same disk,
`git daemon` on the loopback (git://), and a folder behind an ssh that takes 0.4 s to connect, as that of a hosting
service does. By the clock, as waiting is what it costs; `guard orient` on a board of 500 rows. `guard --version` is
what starting guard takes."""

ROW = "| 2026-01-{day:02d} | LANE-{n} | S{n} | ada | main | - | - | linux | src/{n} | lease=- | {state} | row {n} |\n"


def measure(scale: Scale, tools: dict[str, str]) -> Part:  # noqa: ARG001 - as all subjects
    """Each way to the hub."""
    part, drawn = Part(), []
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        rows = "".join(ROW.format(n=n, day=n % 28 + 1, state="READY" if n % 9 == 0 else "MERGED") for n in range(500))
        head = "| Date | Lane | Session | Agent | Branch | PR | Model | Platform | Scope | Etc | Status | Notes |\n"
        one, other = lab.fleet("one", "other")
        lab.commit_push(one, {"tasks/SWARM-LANES.md": f"# Lanes\n\n{head}|{'---|' * 12}\n{rows}"})
        lab.git(other, "pull", "-q", "--ff-only", "origin", "main")
        ssh = Path(folder, "ssh")
        ssh.write_text(f'#!/bin/sh\nsleep {scale.latency}\nshift\nexec sh -c "$*"\n')
        ssh.chmod(0o755)
        lab.env |= {"GIT_SSH": str(ssh), "GIT_SSH_VARIANT": "simple"}
        with by_git(lab) as served:
            places = {"on the same disk": str(lab.hub), "by git://": served}
            places[f"behind {scale.latency:g} s of ssh"] = f"ssh://hub{lab.hub}"
            for where, url in places.items():
                say(f"claims: {where}")
                for clone in (one, other):
                    lab.git(clone, "remote", "set-url", "origin", url)
                took = turns(lab, one, other, where, scale.rounds if "ssh" not in where else scale.few)
                name = f"claim, hub {where}"
                part.rows.append(
                    compare(name, "`git fetch` and `git push`", took["claim"], took["push"], 1.5, by="clock")
                )
                if "disk" in where:
                    part.rows.append(
                        compare(
                            "claim, hub on the same disk", "`guard --version`", took["claim"], took["start"], by="clock"
                        )
                    )
                    figure = Figure.of([spent.wall for spent in took["orient"]])
                    part.rows.append(Row("orient on a board of 500 rows", "", "clock", "ms", figure, goal=500))
                for label, colour in (("push", 1), ("claim", 0)):
                    what = "git fetch + push" if label == "push" else "guard claim"
                    drawn.append((f"{what}, {where}", Figure.of([spent.wall for spent in took[label]]), colour))
    part.pictures["claims.svg"] = bars("A claim beside a fetch and a push", "milliseconds by the clock", drawn)
    return part


def turns(lab: Lab, one: Path, other: Path, where: str, rounds: int) -> dict[str, list[Spent]]:
    """Claims in one clone and commits in the other, by turns."""
    env = {key: value for key, value in lab.env.items() if key != "PYTHONDONTWRITEBYTECODE"} | {"GUARD_SESSION": "S900"}
    place = "".join(letter if letter.isalnum() else "-" for letter in where)

    def push(turn: int) -> Spent:
        lab.commit(other, {f"work-{place}-{turn}": "x"})
        lab.git(other, "fetch", "-q", "origin")
        lab.git(other, "rebase", "-q", "origin/main")
        fetched = spend(other, "git", "fetch", "-q", "origin", env=env)
        return fetched.plus(spend(other, "git", "push", "-q", "origin", "HEAD:main", env=env))

    jobs = {
        "push": push,
        "claim": lambda n: spend(one, GUARD, "claim", f"L-{place}-{n}", "--scope", f"new/{place}/{n}", env=env),
        "orient": lambda _: spend(one, GUARD, "orient", env=env),
        "start": lambda _: spend(one, GUARD, "--version", env=env),
    }
    return alternate(rounds, jobs)
