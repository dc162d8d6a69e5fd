"""`guard demo` from outside; what README.md shows of it is real."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pages.shown import blocks, read

ROOT = Path(__file__).resolve().parents[2]
GUARD = [sys.executable, "-P", "-c", "from guard.cli import main; main()"]


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment without any git identity, with hostile git configuration and a temporary folder of its own."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "home" / ".config" / "git").mkdir(parents=True)
    (tmp_path / "home" / ".config" / "git" / "ignore").write_text("*\n", encoding="utf-8")
    (tmp_path / "home" / ".gitconfig").write_text(
        "[commit]\n\tgpgSign = true\n[user]\n\tuseConfigOnly = true\n[core]\n\tautocrlf = true\n"
        "\thooksPath = /dev/null\n[init]\n\tdefaultBranch = trunk\n[push]\n\tdefault = nothing\n"
        "[pull]\n\trebase = true\n",
        encoding="utf-8",
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "GUARD_", "XDG_"))}
    env |= {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": str(ROOT)}
    env |= {"GIT_DIR": str(tmp_path / "elsewhere"), "GIT_INDEX_FILE": str(tmp_path / "index"), "COLUMNS": "100"}
    return env


def guard(env: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """Run guard to its end."""
    return subprocess.run([*GUARD, *words], env=env, capture_output=True, text=True, check=False, timeout=300)


def without_ids(text: str) -> str:
    """Text in which commit names and seconds do not matter, nor where its lines are broken."""
    text = re.sub(r"\b[0-9a-f]{7,64}\b", "ID", re.sub(r"\d+\.\d s\b", "N s", text))
    return " ".join(text.split())


def test_demo_tells_its_story_and_leaves_nothing_behind(bare: dict[str, str], tmp_path: Path) -> None:
    """Every claim holds under a hostile git configuration, nothing stays, and README.md shows this very output."""
    began = time.monotonic()
    done = guard(bare, "demo")
    print(f"guard demo took {time.monotonic() - began:.1f} s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / "tmp").iterdir()) == []
    assert "\x1b" not in done.stdout
    assert done.stderr == ""
    shown = [block for block in blocks(read("README.md")) if block.startswith("$ guard demo\n")]
    assert [without_ids(block.partition("\n")[2]) for block in shown] == [without_ids(done.stdout)]


def test_demo_keeps_what_it_made_where_it_is_told_to(bare: dict[str, str], tmp_path: Path) -> None:
    """`--keep DIR` leaves repositories that `guard verify` passes, and `--json` prints the steps and figures."""
    done = guard(bare, "demo", "--keep", str(tmp_path / "kept"), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert 10 <= len(told["steps"]) <= 16
    assert told["steps"][0]["figures"]["agents"] == 136
    assert told["untrue"] is None
    assert list((tmp_path / "tmp").iterdir()) == []
    del bare["GIT_DIR"], bare["GIT_INDEX_FILE"]
    for name in ("primary", "worker-a", "worker-b", "audit"):
        checked = guard(bare, "verify", "-C", str(tmp_path / "kept" / name))
        assert checked.returncode == 0, checked.stdout + checked.stderr
    again = guard(bare, "demo", "--keep", str(tmp_path / "kept"))
    assert again.returncode == 2
    assert "not empty" in again.stderr


def test_demo_says_so_when_a_claim_does_not_hold(bare: dict[str, str], tmp_path: Path) -> None:
    """Where the deltas do not say what guard counted, the demo exits 1 and names the claim."""
    spoil = "import guard.demo.story as story\nstory._comments = lambda values: 0\n"
    (tmp_path / "sitecustomize.py").write_text(spoil, encoding="utf-8")
    bare["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{ROOT}"
    done = guard(bare, "demo", "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    assert json.loads(done.stdout)["untrue"].startswith("total_comments grew by what the deltas say: 0, not ")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_demo_that_is_interrupted_leaves_nothing_behind(bare: dict[str, str], tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM end what the demo started, and its folder is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        pipe = subprocess.PIPE
        process = subprocess.Popen([*GUARD, "demo"], env=bare, stdout=pipe, stderr=pipe, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130, said
        assert list((tmp_path / "tmp").iterdir()) == []
