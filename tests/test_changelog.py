"""The changelog's fragments, and the command that a release moves them with."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """What the command reads, elsewhere."""
    shutil.copytree(ROOT / "changelog.d", tmp_path / "changelog.d", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("CHANGELOG.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def _assembled(root: Path, code: int = 0) -> str:
    command = [sys.executable, str(root / "changelog.d/assemble.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done
    return done.stdout + done.stderr


def _fragments(root: Path) -> list[Path]:
    return sorted(path for path in (root / "changelog.d").glob("*.md") if path.name != "README.md")


def test_a_release_holds_every_line_of_every_fragment_below_its_kind(release: Path) -> None:
    """And nothing is left in the folder; what was released before stays as it was, below it."""
    (release / "changelog.d/one.md").write_text("- Removed: this\n  and that.\nAdded: something.\n")
    words = {path: re.sub(r"(?m)^(- )?\w+: ", "", path.read_text()).split() for path in _fragments(release)}
    _assembled(release)
    text = (release / "CHANGELOG.md").read_text()
    assert _fragments(release) == []
    for path, each in words.items():
        assert set(each) <= set(text.split()), path
    assert re.findall(r"(?m)^### (.+)$", text) == ["Added", "Changed", "Fixed", "Removed"]
    assert text.endswith("\n### Removed\n\n- this\n  and that.\n")
    assert text.index("[Unreleased]") < text.index("\n## [0.")
    project = release / "pyproject.toml"
    project.write_text(re.sub(r'(?m)^version = ".+"', 'version = "0.99.0"', project.read_text()))
    (release / "changelog.d/two.md").write_text("Fixed: a thing.\n")
    older = text[text.index("\n## [0.") :]
    _assembled(release)
    again = (release / "CHANGELOG.md").read_text()
    assert again.endswith(older)
    assert again.index("0.99.0") < again.index("a thing.") < again.index(older)


def test_a_release_is_made_once(release: Path) -> None:
    """Where the version is released, or nothing is there to release, or a line is of no kind, nothing is written."""
    _assembled(release)
    before = (release / "CHANGELOG.md").read_text()
    assert "set the next version" in _assembled(release, code=1)
    log = release / "CHANGELOG.md"
    log.write_text(before.replace("\n## [0.", "\n## [older 0."))
    assert "nothing to release" in _assembled(release, code=1)
    for text in ("of no kind\n", "Added: one.\nnot indented\n"):
        (release / "changelog.d/one.md").write_text(text)
        assert "one.md: an entry begins with" in _assembled(release, code=1)
    assert log.read_text() == before.replace("\n## [0.", "\n## [older 0.")
