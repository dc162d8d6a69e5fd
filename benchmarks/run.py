"""Measures what guard costs beside what one would do without it, and says which goals are missed; none fails.

make bench                                      everything; writes docs/benchmarks.md and docs/benchmarks/*.svg
make bench ARGS='hooks --files 5000'            some of it, printed
make bench ARGS='--quick'                       everything on a tiny scale, to see that it runs
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # started as a file: the folder that holds this package, not the package
sys.path.append(str(ROOT / "tests"))  # for their laboratory: a hub and clones

from benchmarks import agent, claims, delivery, fold, history, hooks, launch, loop, merge, server, shell, tools  # noqa: E402
from benchmarks.measure import QUICK, Failed, Part, Scale, absent, say  # noqa: E402
from benchmarks.page import cells, missed, page  # noqa: E402

SUBJECTS: dict[str, Any] = {
    "hooks": hooks,
    "fold": fold,
    "merge": merge,
    "loop": loop,
    "history": history,
    "claims": claims,
    "launch": launch,
    "shell": shell,
    "server": server,
    "agent": agent,
    "delivery": delivery,
}
"""Name -> its module: TITLE, HOW and measure(scale, tools). What takes longest is last."""


def numbers(text: str) -> tuple[int, ...]:
    """Numbers with commas between."""
    return tuple(int(part) for part in text.split(","))


def asked(words: Sequence[str]) -> tuple[argparse.Namespace, Scale]:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"default: all of {', '.join(SUBJECTS)}")
    parser.add_argument("--quick", action="store_true", help="a tiny scale, with the tools that are here already")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there, too")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write benchmarks.md and its pictures there")
    parser.add_argument("--note", action="append", default=[], help="a line for the page about this run")
    for each in fields(Scale):
        kind = {int: int, float: float}.get(type(each.default), numbers)
        parser.add_argument(f"--{each.name}", type=kind, help=f"default: {each.default}")
    options = parser.parse_args(words)
    if strange := [name for name in options.subjects if name not in SUBJECTS]:
        parser.error(f"no such subject: {', '.join(strange)} (there are {', '.join(SUBJECTS)})")
    given = {each.name: getattr(options, each.name) for each in fields(Scale)}
    changes = {name: value for name, value in given.items() if value is not None}
    if not (options.quick or options.subjects or changes or options.out):
        options.out = ROOT / "docs"
    options.subjects = options.subjects or list(SUBJECTS)
    told = {name: ",".join(map(str, value)) if isinstance(value, tuple) else value for name, value in changes.items()}
    options.scale = " --quick" * options.quick + "".join(f" --{name} {value}" for name, value in told.items())
    return options, replace(QUICK if options.quick else Scale(), **changes)


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print, and write what was asked for."""
    options, scale = asked(sys.argv[1:] if words is None else words)
    if not options.quick:
        tools.install()
    found = tools.find()
    with tempfile.TemporaryDirectory() as folder:
        machine = tools.machine(folder)
    versions = tools.versions(found)
    load = os.getloadavg()[0]
    parts: dict[str, Part] = {}
    failed: list[str] = []
    for name in options.subjects:
        say(f"{name}: {SUBJECTS[name].TITLE}")
        try:
            parts[name] = SUBJECTS[name].measure(scale, found)
        except (Failed, AssertionError) as error:  # the laboratory of the tests asserts
            say(f"{name} failed: {error}")
            parts[name] = Part([absent(name, "", f"it failed: {str(error)[:200]}")])
            failed.append(name)
        for row in parts[name].rows:
            print("  ".join(cell for cell in cells(row) if cell), flush=True)
        machine["load"] = f"{load:.1f} when it began, {os.getloadavg()[0]:.1f} when it ended"
        machine["date"] = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        if options.out:  # after each: what is measured is not lost with a run that somebody ends
            write(options, parts, machine, versions)
    if options.json:
        rows = [{"subject": name, **row.value()} for name, part in parts.items() for row in part.rows]
        told = {"machine": machine, "versions": versions, "scale": vars(scale), "rows": rows}
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    gone = missed(parts)
    print("\n".join(["", "goals missed:", *(f"  {line}" for line in gone)] if gone else ["", "every goal is met"]))
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def write(
    options: argparse.Namespace, parts: dict[str, Part], machine: dict[str, str], versions: dict[str, str]
) -> None:
    """The page and its pictures; pictures of an earlier run go."""
    pictures = options.out / "benchmarks"
    pictures.mkdir(parents=True, exist_ok=True)
    for old in pictures.glob("*.svg"):
        old.unlink()
    for part in parts.values():
        for name, text in part.pictures.items():
            (pictures / name).write_text(text)
    about = {name: (SUBJECTS[name].TITLE, SUBJECTS[name].HOW) for name in parts}
    text = page(parts, about, machine, versions, options.note, options.scale)
    (options.out / "benchmarks.md").write_text(text)


if __name__ == "__main__":
    main()
