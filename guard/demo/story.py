"""What happens in the demo, scene by scene. Every figure is read from the repositories, every claim is checked."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guard.demo import fleet
from guard.demo.clones import INBOX, Untrue, World
from merge.delta import digest_of, file_name

AGENTS, STATS, CHANNELS = "state/agents.json", "state/stats.json", "state/channels.json"
FIRST, SECOND, THIRD = fleet.FIRST, fleet.FIRST + 1, fleet.FIRST + 2


@dataclass(frozen=True)
class Step:
    """One line of the story: who did what, what came of it, and the figures it was told with."""

    who: str
    did: str
    came: str
    figures: dict[str, Any] = field(default_factory=dict)
    bad: bool = False
    """Whether what came of it is what should not be, such as a wipe on the hub."""


def claim(holds: object, what: str) -> None:
    """Raise `Untrue` unless it holds."""
    if not holds:
        raise Untrue(what)


def tell(world: World) -> Iterator[Step]:
    """Play the story; raises `Untrue` at the first claim that does not hold."""
    story = _Story(world)
    scenes: tuple[Callable[[], Iterator[Step]], ...] = (
        story.adopt,
        story.first_frame,
        story.crash,
        story.late,
        story.wipe,
        story.twins,
        story.repair,
        story.recount,
    )
    for scene in scenes:
        yield from scene()


class _Story:
    def __init__(self, world: World) -> None:
        self.world = world
        self.adopted = ""
        self.deltas: list[bytes] = []
        """Every delta that was ever delivered, valid or not."""
        self.before: dict[str, Any] = {}
        self.wiped = ""
        self.left = 0
        """Agents that the wipe left."""

    def deliver(self, worker: str, values: list[fleet.Value], message: str) -> str:
        """A worker commits and pushes deltas."""
        files = {INBOX + fleet.name_of(value): fleet.encode(value) for value in values}
        self.deltas += files.values()
        return self.world.commit(worker, message, files)

    # --- scenes ------------------------------------------------------------------------------------------------

    def adopt(self) -> Iterator[Step]:
        """A fleet that has run for a while begins to use guard."""
        world = self.world
        world.commit("primary", "the fleet before guard", fleet.state())
        said = world.guard("primary", "init", "--yes").value
        self.adopted = world.publish("primary", "[S0] guard: adopt", said["written"])
        agents = world.json(AGENTS)["agents"]
        self.before = world.json(STATS)
        claim(len(agents) == self.before["total_agents"] == 136, "the fleet has 136 agents")
        yield Step(
            "primary",
            f"adopts guard in a running fleet: {len(agents)} agents, {self.before['total_posts']} posts",
            f"guard init wrote {_and(said['written'])};"
            f" from {_short(said['baseline'])} on only merges may change state",
            {"agents": len(agents), "written": said["written"], "baseline": said["baseline"]},
        )

    def first_frame(self) -> Iterator[Step]:
        """Frame 412: four streams, one file overwritten, one cut off, comments that look alike and are not."""
        world = self.world
        east = [fleet.east_1(), fleet.east_2(), fleet.east_2("east-2b")]
        self.deliver("worker-a", east, "deltas of the east")
        cut = fleet.west_2_cut()
        west = fleet.west_1()
        files = {INBOX + fleet.name_of(west): fleet.encode(west), f"{INBOX}frame-{FIRST}-west-2.json": cut}
        self.deltas += files.values()
        world.commit("worker-b", "deltas of the west", files)
        yield Step(
            "workers",
            f"push {len(east)} and {len(files)} deltas of frame {FIRST} from two machines",
            "plain git pushes of new files: nothing to lock, nothing to resolve",
            {"deltas": len(east) + len(files)},
        )
        name = INBOX + fleet.name_of(east[0])
        first_version = world.read(name)
        world.pull("worker-b")
        over = self.deliver("worker-b", [fleet.east_1_again()], "another run of east-1")
        claim(world.read(name) != first_version, "the file of the first run was overwritten")

        merged = world.guard("primary", "merge", "--frame", str(FIRST)).value
        page, stats = world.page(FIRST), world.json(STATS)
        lost = json.loads(first_version)
        at = digest_of(first_version)
        recovered = [entry["file"] for entry in merged["recovered"]]
        claim(recovered == [Path(name).name], "the overwritten delta is recovered")
        claim(at in page["streams"]["east-1"]["deltas"], "the page records the overwritten delta")
        claim(len(page["streams"]["east-1"]["deltas"]) == 2, "the page records both runs of east-1")
        yield Step(
            "worker-b",
            f"overwrites {Path(name).name}, not merged yet, with another run",
            "the primary's guard merge finds the first run in history and takes both:"
            f" {len(lost['posts_created'])} posts and {len(lost['comments_added'])} comments not lost",
            {"overwritten_by": over, "posts": len(lost["posts_created"]), "comments": len(lost["comments_added"])},
        )
        [bad] = merged["rejected"]
        claim(bad["digest"] == digest_of(cut), "the delta that is cut off is rejected")
        claim(bad["digest"] in page["streams"]["west-2"]["rejected"], "the page records the rejected delta")
        claim(merged["missing"] == ["west-3"], "the stream that did not deliver is named")
        claim(len(merged["deltas"]) == len(self.deltas) - 1, "every other delta is merged")
        yield Step(
            "worker-b",
            f"pushed {bad['file']} cut off after {len(cut)} bytes; west-3 sent nothing",
            f"rejected ({bad['reason']}), and the other {len(merged['deltas'])} merged;"
            f" missing: {_and(merged['missing'])}",
            {"rejected": bad, "merged": len(merged["deltas"]), "missing": merged["missing"]},
        )
        twice = lost["comments_added"][0]
        equal = page["comments_added"].count(twice)
        repeated = len(page["filtered"]["comments_added"])
        claim(lost["comments_added"].count(twice) == equal == 2, "two equal comments of one delta are two")
        claim(repeated == len(east[2]["comments_added"]), "what a repeated run reports again is counted once")
        self._counts_hold()
        pushed = len(lost["comments_added"])
        yield Step(
            "worker-a",
            f"pushed {pushed} comments of which {equal} are equal; and east-2 ran a second time",
            f"the equal ones are {equal}, as their delta says; the {repeated} comments of the second run count once"
            f" (frame {FIRST}: {stats['total_comments'] - self.before['total_comments']} comments)",
            {"equal": equal, "repeated": repeated, "comments": merged["entries"]["comments_added"]},
        )

    def crash(self) -> Iterator[Step]:
        """Frame 413: the merge job's machine dies while its push is at the hub."""
        world = self.world
        self.deliver("worker-a", fleet.second(), f"deltas of frame {SECOND}")
        before = world.tip
        with world.gate() as gate:
            job = world.start("primary", "merge")
            gate.wait(job)
            world.kill(job)
        claim(job.returncode == -9, "the merge job was killed")
        claim(world.tip == before, "the hub is where it was before the merge job that was killed")
        world.hub.git.fsck("--no-dangling")
        made = world.clone("primary").commit("refs/guard/merged/candidate").hexsha
        merged = world.guard("primary", "merge").value
        claim(merged["commit"] == made == world.tip, "the rerun makes the very commit that the killed run had made")
        yield Step(
            "primary",
            f"merges frame {SECOND} and is killed (SIGKILL) while the hub holds its push",
            f"hub still at {_short(before)}; the rerun made the same commit as the dead run, {_short(made)}",
            {"hub_after_kill": before, "commit": made},
        )
        post = fleet.second()[0]["posts_created"][0]
        index = json.loads(world.read(f"state/posts/000/{post['number'] // 100:05d}.json"))
        reports = _titles(index)
        stats, channels = world.json(STATS), world.json(CHANNELS)["channels"]
        claim(len(reports) == 2, f"both reports of post {post['number']} are kept")
        self._counts_hold()
        yield Step(
            "worker-a",
            f"reported post {post['number']} again in frame {SECOND}, with another title and channel",
            f"it counts once, {len(reports)} reports are kept;"
            f" {stats['total_posts'] - self.before['total_posts']} new posts in all, {len(channels)} channels,"
            f" {stats['total_agents']} agents (one is new)",
            {"post": post["number"], "titles": reports, "agents": stats["total_agents"], "channels": len(channels)},
        )

    def late(self) -> Iterator[Step]:
        """A delta of frame 412 comes when 413 is closed."""
        world = self.world
        counter, pages = world.json("state/frame_counter.json")["frame"], world.page(FIRST)
        late = fleet.west_3_late()
        self.deliver("worker-b", [late], f"west-3 of frame {FIRST}, late")
        parent = world.tip
        merged = world.guard("primary", "merge").value
        page = world.page(FIRST)
        more = len(page["comments_added"]) - len(pages["comments_added"])
        claim(more == len(late["comments_added"]), "the page of the older frame gains the late comments")
        claim(page["comments_added"][0] == late["comments_added"][0], "the late delta takes the place of its time")
        claim(world.json("state/frame_counter.json")["frame"] == counter == SECOND, "the frame counter stays")
        changed = self._gained(parent, AGENTS)
        lines = len(world.read(AGENTS).splitlines())
        claim(_lives(world.read(AGENTS)), "escapes, number spelling and the missing final newline are kept")
        self._counts_hold()
        yield Step(
            "worker-b",
            f"delivers west-3 of frame {FIRST} after frame {SECOND} is closed",
            f"its {more} comments went into frame {FIRST}'s page, in the place of their time; {Path(AGENTS).name}:"
            f" {changed} lines changed of {lines}, escapes kept",
            {"comments": more, "lines_changed": changed, "commit": merged["commit"]},
        )

    def wipe(self) -> Iterator[Step]:
        """A script writes nine agents over all of them, as in frames 404 to 407."""
        world = self.world
        checked = world.guard("primary", "verify").value
        claim(checked["problems"] == [] and checked["merges"] == 3, "adoption and three merges verify")
        before = len(world.json(AGENTS)["agents"])
        world.pull("worker-b")
        self.wiped = world.commit("worker-b", "update agents", {AGENTS: fleet.wiped(world.read(AGENTS))})
        after = self.left = len(world.json(AGENTS)["agents"])
        claim(after < before // 2, "the hand edit wipes most agents")
        yield Step(
            "worker-b",
            f"runs a script that rewrites {Path(AGENTS).name}: {before} agents become {after}, and pushes it",
            f"this clone never ran guard install, so nothing stops it: {_short(self.wiped)} is on the hub",
            {"before": before, "after": after, "commit": self.wiped},
            bad=True,
        )

    def twins(self) -> Iterator[Step]:
        """Frame 414: two machines merge at the same moment, and nobody has noticed the wipe."""
        world = self.world
        values = fleet.third()
        self.deliver("worker-a", values, f"deltas of frame {THIRD}")
        parent = world.tip
        machines = ("primary", "worker-b")
        with world.gate() as gate:
            jobs = [world.start(machine, "merge") for machine in machines]
            gate.wait(*jobs)
            gate.open(len(jobs))
            with ThreadPoolExecutor() as pool:
                answers = list(pool.map(lambda job: world.finish(job, ("merge",), 0), jobs))
        made = {answer.value["commit"] for answer in answers}
        claim(made == {world.tip}, "both machines made the commit that is on the hub now")
        claim(str(world.hub.commit(world.tip).parents[0].hexsha) == parent, "the hub gained exactly one commit")
        again = world.guard("worker-b", "merge").value
        claim(not again["merged"] and world.tip in made, "a further run has nothing to merge")
        yield Step(
            "primary and worker-b",
            f"merge frame {THIRD} at the same moment; the hub holds both pushes, then lets them race",
            f"both made the same commit, {_short(world.tip)}; the hub has it once, both exit 0;"
            " a third run: nothing to merge",
            {"commit": world.tip, "machines": len(machines)},
        )

    def repair(self) -> Iterator[Step]:
        """verify names the wipe, restore undoes it and keeps what was merged on top of it."""
        world = self.world
        world.pull("primary")
        found = world.guard("primary", "verify", code=1).value
        [problem] = found["problems"]
        named = (problem["commit"], problem["path"])
        claim(named == (self.wiped, AGENTS), "verify names the commit and file of the wipe")
        yield Step(
            "primary",
            f"runs guard verify over {found['commits']} commits",
            f"exit 1: {_short(problem['commit'])}:{problem['path']}: {problem['code']} {problem['what']}",
            {"commits": found["commits"], "problem": problem},
            bad=True,
        )
        before = len(world.json(AGENTS)["agents"])
        said = world.guard("primary", "restore", "state").value
        now = world.json(AGENTS)["agents"]
        claim(said["commit"] == world.tip, "the restore is on the hub")
        claim(said["files"].keys() == {AGENTS, STATS}, "restore changes the wiped file and the totals counted from it")
        active = {name for value in fleet.third() for name in value["agents_activated"]}
        woken = {value["completed_at"] for value in fleet.third()}
        present = all(now[name]["heartbeat_last"] in woken for name in active)
        claim(present, f"the restored file has frame {THIRD} in it")
        world.pull("primary")
        checked = world.guard("primary", "verify").value
        claim(checked["problems"] == [] and checked["restores"] == 1, "what was restored verifies")
        yield Step(
            "primary",
            "runs guard restore state",
            f"{before} agents ({self.left} and those that frame {THIRD} woke) are {len(now)} again,"
            f" nothing of frame {THIRD} is lost;"
            f" verify: exit 0, {checked['restores']} restore and {checked['merges']} merge recomputed",
            {"before": before, "now": len(now), "commit": said["commit"], "deltas": said["deltas"]},
        )

    def recount(self) -> Iterator[Step]:
        """A fresh clone goes back to the adoption and merges every delta at once, in another order."""
        world = self.world
        audit = world.clone("audit")
        audit.git.checkout("--quiet", "-B", "main", self.adopted)
        audit.delete_remote("origin")
        folder = Path(audit.working_dir, INBOX)
        for data in reversed(self.deltas):
            _write(folder, data)
        audit.git.add("--", INBOX)
        audit.git.commit("--quiet", "-m", "every delta at once")
        world.guard("audit", "merge")
        ours, theirs = _canonical(world.hub.commit("main")), _canonical(audit.head.commit)
        other = [path for path in sorted(ours.keys() | theirs.keys()) if ours.get(path) != theirs.get(path)]
        claim(not other, f"{_and(other)} is the same merged at once as merged bit by bit")
        self._counts_hold()
        for worker in ("worker-a", "worker-b"):  # for those who look around afterwards
            world.pull(worker)
        yield Step(
            "a fresh clone",
            f"merges all {len(self.deltas)} deltas at once, newest first, with no hub",
            f"all {len(ours)} canonical files are the same, byte for byte",
            {"deltas": len(self.deltas), "files": len(ours)},
        )

    # --- checking ----------------------------------------------------------------------------------------------

    def _gained(self, since: str, path: str) -> int:
        """Lines of a file that are other ones than in a commit."""
        out: str = self.world.hub.git.diff("--numstat", since, "main", "--", path)
        return int(out.partition("\t")[0])

    def _counts_hold(self) -> None:
        """Count the totals from the deltas themselves, by a count that shares no code with the merge."""
        values = []
        for data in self.deltas:
            try:
                values.append(json.loads(data))
            except json.JSONDecodeError:
                continue
        stats = self.world.json(STATS)
        posts = [post for value in values for post in value.get("posts_created", [])]
        frames = {value["frame"] for value in values}
        expected = {
            "total_posts": len({post if isinstance(post, int) else post["number"] for post in posts}),
            "total_comments": sum(_comments([one for one in values if one["frame"] == at]) for at in frames),
            "total_reactions": sum(_reactions(value.get("reactions_added", [])) for value in values),
        }
        for key, more in expected.items():
            grown = stats[key] - self.before[key]
            claim(grown == more, f"{key} grew by what the deltas say: {more}, not {grown}")


def _comments(values: list[fleet.Value]) -> int:
    """The comments of one frame: by node id, and without one as often as the delta that has it most often."""
    ids: set[str] = set()
    most: Counter[str] = Counter()
    for value in values:
        mine: Counter[str] = Counter()
        for comment in value.get("comments_added", []):
            node = comment if isinstance(comment, str) else comment.get("id") or comment.get("comment_id")
            if node:
                ids.add(node)
            else:
                mine[json.dumps(comment, sort_keys=True)] += 1
        most |= mine
    return len(ids) + most.total()


def _reactions(value: Any) -> int:
    if isinstance(value, int):
        return value
    return sum(item.get("count", 1) if isinstance(item, dict) else 1 for item in value)


def _titles(value: Any) -> list[str]:
    """The two titles of the post that two frames reported, where a shard of the index holds them."""
    first = fleet.east_1()["posts_created"][0]["title"]
    second = fleet.second()[0]["posts_created"][0]["title"]
    text = json.dumps(value)
    return [title for title in (first, second) if json.dumps(title) in text]


def _lives(data: bytes) -> bool:
    return data.isascii() and b"\\u2014" in data and b": 1e-07" in data and not data.endswith(b"\n")


def _write(folder: Path, data: bytes) -> None:
    """Put a delta into an inbox as a further run of its stream where its name is taken."""
    try:
        value = json.loads(data)
    except json.JSONDecodeError:
        Path(folder, f"frame-{FIRST}-west-2.json").write_bytes(data)
        return
    path = folder / fleet.name_of(value)
    if path.exists():
        path = folder / file_name(value["frame"], value["stream_id"], digest_of(data))
    path.write_bytes(data)


def _canonical(commit: Any) -> dict[str, str]:
    """The canonical files of a commit: path -> object."""
    files = {blob.path: blob.hexsha for blob in commit.tree["state"].traverse() if blob.type == "blob"}
    outside = (INBOX, "state/stream_assignments.json")
    return {path: oid for path, oid in files.items() if not path.startswith(outside)}


def _short(commit: str) -> str:
    return commit[:7]


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
