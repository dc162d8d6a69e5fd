"""Measures the merge against its floors and prints ratios; nothing here fails by time.

Each figure is the median of alternating runs, each ratio is taken within this run: machines differ, ratios hold.
    python benchmarks/run.py [fold] [merge] [history] [--quick]
"""

import gc
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from guard.schema import conforms
from merge.delta import Entry
from merge.fold import fold
from merge.laws import DEFAULT

WORDS = [
    *("frame", "lane", "delta", "merge", "page", "ledger", "quiet"),
    *("harbour", "orbit", "signal", "thread", "copper", "meadow", "lantern"),
]
ENV = {
    **{key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "bench",
    "GIT_AUTHOR_EMAIL": "bench@example.invalid",
    "GIT_COMMITTER_NAME": "bench",
    "GIT_COMMITTER_EMAIL": "bench@example.invalid",
}


def delta(frame: int, stream: int, number: int, rng: random.Random) -> bytes:
    """A delta of about 9 KB in the real shape: 6 posts, 22 comments, 18 reactions, observations."""

    def text(words: int) -> str:
        return " ".join(rng.choice(WORDS) for _ in range(words))

    def agent() -> str:
        return f"agent-{rng.randrange(136):03d}"

    def node() -> str:
        return f"DC_{rng.getrandbits(64):016x}"

    value = {
        "frame": frame,
        "stream_id": f"stream-{stream}",
        "stream_type": "frame",
        "completed_at": f"2026-04-15T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z",
        "agents_activated": [agent() for _ in range(10)],
        "posts_created": [
            {"number": number * 6 + place, "title": text(9), "author": agent(), "channel": rng.choice(WORDS)}
            for place in range(6)
        ],
        "comments_added": [
            {"discussion": rng.randrange(20000), "author": agent(), "type": "reply", "id": node()} for _ in range(22)
        ],
        "reactions_added": [{"target": node(), "type": "THUMBS_UP"} for _ in range(18)],
        "discussions_engaged": [rng.randrange(20000) for _ in range(9)],
        "soul_files_updated": [agent() for _ in range(10)],
        "observations": {
            "becoming": {agent(): f"{text(14)} \u2014 {text(4)}" for _ in range(10)},
            "emerging_themes": [text(18) for _ in range(6)],
        },
        "errors": [],
    }
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"


def deltas(number: int, streams: int = 22, first_frame: int = 1) -> list[Entry]:
    """So many deltas, `streams` to a frame."""
    rng = random.Random(20260415)
    return [
        Entry(
            f"frame-{first_frame + place // streams}-stream-{place % streams}.json",
            delta(first_frame + place // streams, place % streams, first_frame * streams + place, rng),
        )
        for place in range(number)
    ]


def paired(one: Callable[[], object], other: Callable[[], object], runs: int) -> tuple[float, float, list[float]]:
    """Median CPU seconds of this process for two things run in turn, and the ratios run by run."""
    first, second = [], []
    for _ in range(runs):
        for job, times in ((one, first), (other, second)):
            begun = time.process_time()
            job()
            times.append(time.process_time() - begun)
    ratios = sorted(a / b for a, b in zip(first, second, strict=True))
    return statistics.median(first), statistics.median(second), ratios


def row(name: str, ratio: float, goal: str, detail: str) -> None:
    print(f"{name:<44} {ratio:6.2f}x   goal {goal:<8} {detail}", flush=True)


def peak_kib(code: str, *arguments: str) -> int:
    """Peak resident memory of a Python process."""
    script = f"{code}\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    env = {**ENV, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, check=True, env=env)
    return int(done.stdout.split()[-1])


def bench_fold(sizes: list[int], runs: int) -> None:
    judge = conforms("delta")
    gc.collect()
    gc.disable()  # as `guard merge` does
    for size in sizes:
        entries = deltas(size)
        mean = sum(len(entry.data) for entry in entries) // size

        def parse(entries: list[Entry] = entries) -> None:
            for entry in entries:
                json.loads(entry.data)

        mine, floor, ratios = paired(lambda e=entries: fold({}, e, DEFAULT, judge), parse, runs)  # type: ignore[misc]
        row(
            f"fold of {size} deltas ({mean} bytes) / json.loads",
            statistics.median(ratios),
            "3x",
            f"{mine / size * 1e6:.0f} us a delta, json.loads {floor / size * 1e6:.0f};"
            f" {ratios[0]:.2f}..{ratios[-1]:.2f}",
        )
    gc.enable()
    size = max(sizes)
    code = (
        "import sys, run\nfrom merge.fold import fold\nfrom merge.laws import DEFAULT\n"
        "from guard.schema import conforms\nimport gc; gc.disable()\nfolder = sys.argv[1]\nimport os\n"
        "from merge.delta import Entry\n"
        "names = sorted(os.listdir(folder), key=lambda n: (int(n.split('-')[1]), n))\n"
        "entries = (Entry(n, open(os.path.join(folder, n), 'rb').read()) for n in names)\n"
        "files = fold({}, entries, DEFAULT, conforms('delta')).files\nprint(sum(map(len, files.values())))"
    )
    for streams, label in ((22, "22 to a frame"), (size, "all in one frame")):
        with tempfile.TemporaryDirectory() as folder:
            for entry in deltas(size, streams):
                (Path(folder) / entry.name).write_bytes(entry.data)
            env = {**ENV, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
            script = f"{code}\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
            done = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, check=True, env=env)
            state, kib = map(int, done.stdout.split())
            row(
                f"peak memory of {size}, {label} / state",
                kib * 1024 / state,
                "3x",
                f"{kib // 1024} MiB, state {state >> 20} MiB",
            )


def git(folder: Path, *words: str, data: bytes | None = None) -> bytes:
    return subprocess.run(
        ["git", "-C", str(folder), *words], input=data, capture_output=True, check=True, env=ENV
    ).stdout


def guard(folder: Path, *words: str) -> bytes:
    command = [sys.executable, "-c", "from guard.cli import main; main()", words[0], "-C", str(folder), *words[1:]]
    env = {**ENV, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, capture_output=True, check=True, env=env).stdout


def timed(job: Callable[[], object]) -> float:
    begun = time.perf_counter()
    job()
    return time.perf_counter() - begun


def imported(files: dict[str, bytes], parent: str | None, ref: str = "refs/heads/main") -> bytes:
    """A fast-import stream for one commit."""
    parts = [f"commit {ref}\ncommitter bench <bench@example.invalid> 1700000000 +0000\ndata 5\nbench\n".encode()]
    parts += [f"from {parent}\n".encode()] if parent else []
    for path, data in files.items():
        parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data))
    return b"".join(parts) + b"done\n"


def inbox_repository(folder: Path, entries: list[Entry]) -> str:
    """A bare repository that holds deltas and a policy; returns its commit, which is the same every time."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True, env=ENV)
    policy = b'[merge]\nbaseline = "%s"\n' % (b"0" * 40)
    files = {"guard.toml": policy, **{f"state/stream_deltas/{entry.name}": entry.data for entry in entries}}
    git(folder, "fast-import", "--quiet", "--done", data=imported(files, None))
    return git(folder, "rev-parse", "main").decode().strip()


def bench_merge(sizes: list[int], runs: int) -> None:
    """The whole command, and its floors in a twin of the repository: one that has written the merge's objects before
    would have nothing left to compress."""
    for size in sizes:
        entries = deltas(size)
        ratios, wholes, floors = [], [], []
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as name:
                folder, twin = Path(name) / "whole", Path(name) / "floor"
                tip = inbox_repository(folder, entries)
                inbox_repository(twin, entries)
                names = git(folder, "ls-tree", "-r", "main", "--", "state/stream_deltas").decode().splitlines()
                oids = "".join(line.split()[2] + "\n" for line in names).encode()
                whole = timed(lambda f=folder: guard(f, "merge", "--json"))  # type: ignore[misc]
                changed = git(folder, "diff-tree", "-r", "--diff-filter=d", "--name-only", tip, "main").decode().split()
                written = {path: git(folder, "cat-file", "blob", f"main:{path}") for path in changed}
                floor = timed(lambda f=twin, o=oids: git(f, "cat-file", "--batch", data=o))  # type: ignore[misc]
                floor += timed(lambda e=entries: [json.loads(entry.data) for entry in e] and None)  # type: ignore[misc]
                stream = imported(written, tip, "refs/heads/floor")
                floor += timed(lambda f=twin, s=stream: git(f, "fast-import", "--quiet", "--done", data=s))  # type: ignore[misc]
                wholes.append(whole)
                floors.append(floor)
                ratios.append(whole / floor)
        row(
            f"guard merge of {size} deltas / its floors",
            statistics.median(ratios),
            "2x",
            f"{statistics.median(wholes):.2f} s, floors {statistics.median(floors):.2f} s;"
            f" {min(ratios):.2f}..{max(ratios):.2f}",
        )


def history(frames: int, streams: int) -> Iterator[tuple[str, bytes]]:
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


def bench_history(small: int, large: int, runs: int) -> None:
    """One more frame of 22 deltas on a short and on a long history."""
    with tempfile.TemporaryDirectory() as name:
        folders = {}
        for frames in (small, large):
            folder = folders[frames] = Path(name) / str(frames)
            subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True, env=ENV)
            git(folder, "fast-import", "--quiet", "--done", data=imported(dict(history(frames, 22)), None))
            base = git(folder, "rev-parse", "main").decode().strip()
            entries = deltas(22, first_frame=frames + 1)
            files = {f"state/stream_deltas/{entry.name}": entry.data for entry in entries}
            files["guard.toml"] = f'[merge]\nbaseline = "{base}"\n'.encode()
            git(folder, "fast-import", "--quiet", "--done", data=imported(files, base))
            git(folder, "update-ref", "refs/bench/start", "refs/heads/main")
        times: dict[int, list[float]] = {small: [], large: []}
        for _ in range(runs):
            for frames, folder in folders.items():
                git(folder, "update-ref", "refs/heads/main", "refs/bench/start")
                times[frames].append(timed(lambda f=folder: guard(f, "merge", "--json")))  # type: ignore[misc]
        ratios = sorted(b / a for a, b in zip(times[small], times[large], strict=True))
        row(
            f"a frame after {large} frames / after {small}",
            statistics.median(ratios),
            "1.2x",
            f"{statistics.median(times[large]) * 1e3:.0f} ms, {statistics.median(times[small]) * 1e3:.0f} ms; "
            f"{ratios[0]:.2f}..{ratios[-1]:.2f}",
        )


def main() -> None:
    quick = "--quick" in sys.argv
    asked = [word for word in sys.argv[1:] if not word.startswith("-")] or ["fold", "merge", "history"]
    if "fold" in asked:
        bench_fold([1000] if quick else [1000, 10000], 3 if quick else 7)
    if "merge" in asked:
        bench_merge([1000] if quick else [1000, 10000], 2 if quick else 5)
    if "history" in asked:
        bench_history(500, 5000 if quick else 50000, 5 if quick else 15)


if __name__ == "__main__":
    main()
