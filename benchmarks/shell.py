"""Measures the shell rules and prints ratios; nothing here fails by time.

    python benchmarks/shell.py [FOLDER ...]

Each script found in the folders (git's own by default) is judged by all three rules in one process; beside it stand the
parse alone, and shellcheck in one process over the same files where it is installed.
"""

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path


def scripts(folders: list[str]) -> list[Path]:
    """The sh and bash scripts below some folders."""
    from guard.shell.scripts import kind

    found = []
    for folder in folders:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 100_000:
                data = path.read_bytes()
                if data[:2] == b"#!" and kind(path.name, data) in ("bash", "sh"):
                    found.append(path)
    return found[:200]


def timed(job: object, files: list[bytes], runs: int = 7) -> float:
    """Median milliseconds a file."""
    assert callable(job)
    times = []
    for _ in range(runs):
        begun = time.process_time()
        for data in files:
            job(data)
        times.append(time.process_time() - begun)
    return statistics.median(times) / len(files) * 1000


def once(job: object, data: bytes) -> float:
    """Milliseconds of one file."""
    assert callable(job)
    begun = time.process_time()
    job(data)
    return (time.process_time() - begun) * 1000


def main() -> None:
    """Print the table."""
    begun = time.process_time()
    from guard.shell.judged import marks
    from guard.shell.units import Unit

    marks(b"#!/bin/sh\ntrue\n", "x")
    loaded = (time.process_time() - begun) * 1000
    paths = scripts(sys.argv[1:] or ["/usr/lib/git-core", "/usr/share/doc/git", "/usr/bin"])
    files = [path.read_bytes() for path in paths]
    if not files:
        print("no scripts found: name folders")
        return

    def judge(data: bytes) -> None:
        marks.cache_clear()
        marks(data, "x.sh")

    parse = timed(lambda data: Unit(data.decode("latin-1"), "bash"), files)
    whole = timed(judge, files)
    size = sum(map(len, files)) / len(files)
    print(f"{len(files)} scripts of {size:.0f} bytes; import and first script {loaded:.0f} ms")
    print(f"parse and walk     {parse:6.2f} ms a file")
    print(f"all three rules    {whole:6.2f} ms a file ({whole / size * 2600:.2f} ms for 2,600 bytes; floor 1)")
    shellcheck = shutil.which("shellcheck")
    if shellcheck:
        begun = time.perf_counter()
        subprocess.run([shellcheck, "-f", "json", *paths], capture_output=True, check=False)
        other = (time.perf_counter() - begun) / len(files) * 1000
        print(f"shellcheck         {other:6.2f} ms a file; ratio {other / whole:.1f} (floor 10)")
    else:
        print("shellcheck is not here: its ratio is not measured")
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from test_shell import PATHOLOGICAL  # the files that the tests judge for crashes

    worst, name = max((once(judge, data), name) for name, data in PATHOLOGICAL.items())
    print(f"pathological       {worst:6.0f} ms for the worst of {len(PATHOLOGICAL)}: {name} (ceiling 2000)")


if __name__ == "__main__":
    main()
