"""The shell rules, beside shellcheck over the same scripts."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.charts import bars
from benchmarks.measure import Figure, Part, Row, Scale, Spent, absent, alternate, compare, inside, say, spend

TITLE = "Shell rules"
HOW = """\
sh and bash scripts of this machine (`git --exec-path`, then /usr/bin; at most 200 files below 100 KB), judged by G301,
G302 and G303 in one process after load; beside it `shellcheck -f json FILE...`, one process for all of them. The
pathological scripts are those of tests/test_shell.py (lines of 1 MB, 5,000 nested parentheses, invalid bytes)."""

USUAL = 2600
"""Bytes of the scripts that the goal of 1 ms is about: git's own of about a hundred lines."""


def scripts(number: int) -> list[Path]:
    """Shell scripts of this machine."""
    from guard.shell.scripts import kind

    said = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True)
    found: dict[bytes, Path] = {}
    for folder in (said.stdout.strip(), "/usr/share/doc/git", "/usr/bin"):
        for path in sorted(Path(folder).rglob("*")):
            if len(found) < number and path.is_file() and path.stat().st_size < 100_000:
                data = path.read_bytes()
                if data[:2] == b"#!" and kind(path.name, data) in ("bash", "sh"):
                    found.setdefault(data, path)
    return list(found.values())


def measure(scale: Scale, tools: dict[str, str]) -> Part:
    """Per file, and the worst of the pathological ones."""
    begun = time.process_time()
    from guard.shell.judged import marks

    marks(b"#!/bin/sh\ntrue\n", "x")
    loaded = (time.process_time() - begun) * 1e3
    paths = scripts(scale.scripts)
    files = [path.read_bytes() for path in paths]
    say(f"shell: {len(files)} scripts")
    if not files:
        return Part([absent("a script judged by all three rules", "shellcheck", "no scripts were found", 0.1)])

    def judge(_: int, chosen: list[bytes] = files) -> Spent:
        def job() -> None:
            for data in chosen:
                marks.cache_clear()
                marks(data, "x.sh")

        return inside(job)

    jobs: dict[str, Callable[[int], Spent]] = {"guard": judge}
    if "shellcheck" in tools:
        names = [str(path) for path in paths]
        jobs["shellcheck"] = lambda _: spend(Path("/"), tools["shellcheck"], "-f", "json", *names, codes=(0, 1))
    took = alternate(scale.few, jobs)
    size, each = sum(map(len, files)) / len(files), len(files)
    figure = Figure.of([one.cpu / each for one in took["guard"]])
    usual = Figure.of([one.cpu / each / size * USUAL for one in took["guard"]])
    note = f"{each} scripts of {size:,.0f} bytes on average; loading the grammar: {loaded:.0f} ms, once"
    part = Part(
        [Row(f"a script of {USUAL:,} bytes, all three rules", "", "processor", "ms", usual, goal=1.0, note=note)]
    )
    name = "a script judged by all three rules"
    if "shellcheck" in took:
        part.rows.append(compare(name, "shellcheck", took["guard"], took["shellcheck"], 0.1, each=each))
        other = Figure.of([one.cpu / each for one in took["shellcheck"]])
        part.pictures["shell.svg"] = bars(
            f"A shell script of {size:,.0f} bytes",
            "milliseconds of processors a file",
            [("guard: G301, G302, G303", figure, 0), ("shellcheck", other, 2)],
        )
    else:
        part.rows.append(absent(name, "shellcheck", "shellcheck is not here", 0.1))
    from test_shell import PATHOLOGICAL  # the files that the tests judge for crashes

    chosen = list(PATHOLOGICAL.items())[: scale.scripts]
    worst, name = max((judge(0, [data]).cpu, name) for name, data in chosen)
    note = f"{name}, of {len(chosen)}"
    part.rows.append(
        Row("the worst pathological script", "", "processor", "ms", Figure.of([worst]), goal=2000, note=note)
    )
    return part
