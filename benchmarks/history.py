"""One more frame on a short and on a long history; and `guard frame history`, which shows the newest of them."""

import json
import random
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.charts import lines
from benchmarks.made import deltas
from benchmarks.measure import GUARD, Figure, Part, Scale, Spent, alternate, bare, compare, into, run, say, spend
from guard.schema import conforms
from merge.fold import fold
from merge.laws import DEFAULT

TITLE = "One more frame on a long history"
HOW = """\
`guard merge --json` of 22 deltas in bare repositories that hold the pages and the posts of so many frames (20 posts
each: a million posts after 50,000 frames), and `guard frame history --last 50 --html FILE` in the same repositories.
Each run begins at the same commit. The ratio is to the shortest history."""


def canonical(frames: int, streams: int) -> Iterator[tuple[str, bytes]]:
    """The canonical files of a repository with so many merged frames, made directly: 20 posts a frame."""
    rng = random.Random(frames)
    yield from fold({}, deltas(streams), DEFAULT, conforms("delta")).files.items()
    for frame in range(2, frames + 1):
        page = {"frame": frame, "streams": {}, "posts_created": [], "comments_added": [], "reactions_added": []}
        page |= {"agents_activated": [], "discussions_engaged": [], "soul_files_updated": [], "observations": []}
        page |= {"extra": {}, "filtered": {"count": 0}, "variants": {}, "provenance": []}
        yield f"state/frames/{frame // 1000:03d}/frame-{frame}.json", json.dumps(page).encode()
    for shard in range(frames * 20 // 100):
        lines = (
            f'  "{shard * 100 + place}": {{"frames":[{shard // 5 + 1}],"actor":["agent-{rng.randrange(136):03d}"],'
            f'"channel":["meadow"],"variants":[{{"number":{shard * 100 + place},"title":"a title of five words"}}]}}'
            for place in range(100)
        )
        yield f"state/posts/{shard // 100:03d}/{shard:05d}.json", ("{\n" + ",\n".join(lines) + "\n}\n").encode()
    yield "state/frame_counter.json", b'{\n  "frame": %d\n}\n' % frames


def measure(scale: Scale, tools: dict[str, str]) -> Part:  # noqa: ARG001 - as all subjects
    """The same frame after each number of frames."""
    part = Part()
    with tempfile.TemporaryDirectory() as name:
        folders = {}
        for frames in scale.frames:
            say(f"history: {frames:,} frames")
            folder = folders[frames] = bare(Path(name, str(frames)))
            base = into(folder, dict(canonical(frames, 22)), None)
            files = {f"state/stream_deltas/{entry.name}": entry.data for entry in deltas(22, first_frame=frames + 1)}
            into(folder, {"guard.toml": f'[merge]\nbaseline = "{base}"\n'.encode(), **files}, base)
            run(folder, "git", "update-ref", "refs/bench/start", "refs/heads/main")

        def again(turn: int, folder: Path) -> Spent:  # noqa: ARG001 - as all jobs
            run(folder, "git", "update-ref", "refs/heads/main", "refs/bench/start")
            return spend(folder, GUARD, "merge", "--json")

        def show(turn: int, folder: Path) -> Spent:  # noqa: ARG001 - as all jobs
            return spend(folder, GUARD, "frame", "history", "--last", "50", "--html", str(Path(name, "page.html")))

        say("history: one more frame, by turns")
        merged = alternate(scale.rounds, {str(each): partial(again, folder=folders[each]) for each in scale.frames})
        shown = alternate(scale.few, {str(each): partial(show, folder=folders[each]) for each in scale.frames})
    first = scale.frames[0]
    for what, took, goal in (
        ("merge of one more frame", merged, 1.2),
        ("`guard frame history --last 50`", shown, None),
    ):
        for frames in scale.frames[1:]:
            after = f"{what} after {frames:,} frames"
            part.rows.append(compare(after, f"after {first:,} frames", took[str(frames)], took[str(first)], goal))
    part.pictures["history.svg"] = lines(
        "One more frame of 22 deltas",
        "frames that are over (20 posts each)",
        "milliseconds of processors, median and middle half",
        scale.frames,
        [
            (label, [Figure.of([one.cpu for one in took[str(each)]]) for each in scale.frames])
            for label, took in (("guard merge", merged), ("guard frame history", shown))
        ],
    )
    return part
