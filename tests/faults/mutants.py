"""Proof that the harness can fail: guard with one promise broken at a time, and the harness run on each.

`make mutants` runs all of them in copies, `make mutants ARGS='no-lease claim-held'` those that are named; it fails
where one is not caught. What caught each at last stands in README.md.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

SEEDS = 6
"""So many ordinary runs a mutant is given before it counts as not caught."""
TOP = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutant:
    """One promise broken: in a file, these words become others."""

    name: str
    file: str
    old: str
    new: str


MUTANTS = (
    Mutant(
        "no-lease",
        "guard/hub/remote.py",
        "words.append(f\"--force-with-lease={self.ref}:{self._held or ''}\")",
        'words.append("--force")',
    ),
    Mutant(
        "claim-without-lease",
        "guard/hub/remote.py",
        "words.append(f\"--force-with-lease={there}:{read or ''}\")",
        'words.append("--force")',
    ),
    Mutant(
        "claim-held",
        "guard/leases/claims.py",
        "if not other.expired(when, self.policy.lease_tolerance):",
        "if not other.expired(when, self.policy.lease_tolerance) and other.lane == wish.lane:",
    ),
    Mutant(
        "outbox-emptied-early",
        "guard/delivery/deliver.py",
        "            packed[path] = _unpacked(path)\n",
        "            packed[path] = _unpacked(path)\n            path.unlink()\n",
    ),
    Mutant(
        "no-digest",
        "merge/delta.py",
        "digest = digest_of(entry.data)",
        "digest = digest_of(entry.name.encode() + entry.data)",
    ),
    Mutant(
        "late-delta-skipped",
        "guard/plan.py",
        "for arrival in (*came, *delivered) if arrival.oid not in older]",
        "for arrival in (*came, *delivered) if arrival.oid not in older and frame_in_name(arrival.name) >= counter]",
    ),
    Mutant("autostash", "guard/hub/fast_forward.py", '"merge.autoStash=false"', '"merge.autoStash=true"'),
    Mutant(
        "work-tree-unseen",
        "guard/worktrees/remove.py",
        "held = salvage.look(repo, policy, place)\n",
        "held = Held(copies=salvage.look(repo, policy, place).files)\n",
    ),
    Mutant(
        "neighbours-staged",
        "guard/index/shared.py",
        "self.fill_as_shared()\n        if commit is None:",
        "return self.fill_as_shared()\n        if commit is None:",
    ),
    Mutant(
        "row-twice",
        "guard/leases/recording.py",
        "there = board.marks(data) | board.marks(old)",
        "there: set[str] = set()",
    ),
    Mutant(
        "lane-forgotten",
        "guard/leases/recording.py",
        "            if not lane.open:\n                made.served",
        "            if lane:\n                made.served",
    ),
)


def broken(mutant: Mutant, copy: Path) -> None:
    """Copy the house, and break one promise in it."""
    for part in ("guard", "merge", "schemas", "tests", "pyproject.toml"):
        kind = shutil.copytree if (TOP / part).is_dir() else shutil.copy
        kind(TOP / part, copy / part)
    path = copy / mutant.file
    path.write_text(path.read_text().replace(mutant.old, mutant.new))


def caught(copy: Path) -> str:
    """By which seed and how the harness catches what is broken in a copy; empty where it does not."""
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "tests/faults",
        "--tb=short",
        "--ignore=tests/faults/test_mutants.py",
    ]
    first = int(os.environ.get("FAULTS_SEED") or 0)
    for seed in range(first, first + SEEDS):
        env = {**os.environ, "FAULTS_SEED": str(seed), "FAULTS_ROUNDS": "", "PYTHONPATH": str(copy)}
        done = subprocess.run(words, cwd=copy, env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = [line for line in done.stdout.splitlines() if "Broken: " in line or line.startswith("E ")]
            return f"seed {seed}: {said[0].removeprefix('E').strip()[:160] if said else done.stdout[-400:]}"
    return ""


def main(names: list[str]) -> int:
    """Run those that are named, or all."""
    missed = 0
    for mutant in MUTANTS:
        if names and mutant.name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            broken(mutant, Path(folder))
            how = caught(Path(folder))
        missed += not how
        print(f"{mutant.name}: {how or 'NOT CAUGHT'}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
