"""What is released: the sdist and the wheel, installed by those who install such things, where no checkout is near."""

import configparser
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from walks.hooked import EDITED, STATE_FILE
from walks.lab import ROOT, Lab, Said, inbox_file

BIN = Path(sys.executable).parent
OFFLINE = re.compile(r"No matching distribution|NewConnectionError|Failed to (establish|fetch)|No solution found")
VERSION = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]


@dataclass
class Built:
    """What is released, and the wheel of a release after it."""

    sdist: Path
    wheel: Path
    """Built from the sdist, as an installer would."""
    later: Path


def _build(source: Path, to: Path, *words: str) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", *words, "--outdir", str(to), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both, and the wheel of a later version."""
    to = tmp_path_factory.mktemp("built")
    _build(ROOT, to)
    [sdist], [wheel] = to.glob("*.tar.gz"), to.glob("*.whl")
    with tarfile.open(sdist) as archive:
        archive.extractall(to, filter="data")
    source = to / sdist.name.removesuffix(".tar.gz")
    project = source / "pyproject.toml"
    project.write_text(project.read_text().replace(f'version = "{VERSION}"', 'version = "99.0.0"'))
    _build(source, to / "later", "--wheel")
    return Built(sdist, wheel, next((to / "later").glob("*.whl")))


def _held(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_distributions_hold_the_two_packages_the_schemas_and_the_two_executables(built: Built, tmp_path: Path) -> None:
    """The wheel, built from the sdist as an installer would, holds what is promised, schemas byte for byte, and is the
    wheel that the checkout gives."""
    held = _held(built.wheel)
    info = "-".join(built.wheel.name.split("-")[:2]) + ".dist-info"
    assert {name.split("/")[0] for name in held} == {"guard", "merge", info}
    assert f"\nVersion: {VERSION}\n" in held[f"{info}/METADATA"].decode()
    schemas = {Path(name).name: data for name, data in held.items() if name.startswith("guard/schemas/")}
    assert schemas == {file.name: file.read_bytes() for file in (ROOT / "schemas").glob("*.json")}
    said = subprocess.run(["git", "ls-files", "guard", "merge"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert set(held) >= set(said.stdout.split())
    entries = configparser.ConfigParser()
    entries.read_string(held[f"{info}/entry_points.txt"].decode())
    scripts = {"guard": "guard.cli:main", "guard-hook": "guard.hooks:main"}
    assert {name: dict(entries[name]) for name in entries.sections()} == {"console_scripts": scripts}
    _build(ROOT, tmp_path, "--wheel")
    assert _held(next(tmp_path.glob("*.whl"))) == held


# --- an environment of one's own -----------------------------------------------------------------------------------


def _ran(said: Said) -> Said:
    """What an installer said; without a network there is nothing to test."""
    if said.code != 0 and OFFLINE.search(said.all):
        pytest.skip("what guard needs cannot be fetched here")
    assert said.code == 0, said
    return said


@pytest.fixture
def away(lab: Lab) -> Lab:
    """A laboratory that does not know of this checkout; installers reach what they reach for whoever runs the tests."""
    del lab.env["PYTHONPATH"]
    home = Path.home()
    lab.env |= {
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(home / ".cache/uv")),
        "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(home / ".cache/pip")),
        "XDG_CONFIG_HOME": os.environ.get("XDG_CONFIG_HOME", str(home / ".config")),
    }
    return lab


def _pip(lab: Lab, env: Path, action: str, *words: str) -> None:
    """pip, in the form that costs a second and not ten."""
    _ran(lab.run(lab.root, str(BIN / "uv"), "pip", action, "--quiet", "--python", str(env / "bin/python"), *words))


def _environment(lab: Lab, wheel: Path, name: str = "env") -> Path:
    """An environment with guard alone, which comes first on PATH from then on."""
    if not (BIN / "uv").exists():
        pytest.skip("uv is not installed here")
    env = lab.root / name
    _ran(lab.run(lab.root, sys.executable, "-m", "venv", "--without-pip", str(env)))
    _pip(lab, env, "install", str(wheel))
    lab.program = (str(env / "bin/guard"),)
    lab.env["PATH"] = f"{env / 'bin'}:{os.environ['PATH']}"
    return env


def _adopted(lab: Lab) -> Path:
    """A repository that guard was introduced to as a stranger would."""
    here = lab.lone(adopt=False)
    said = lab.run(here, "sh", "-c", lab.guard(here, "init", "--yes", "--json").json["next"])
    assert said.code == 0, said
    return here


def _tries(lab: Lab, here: Path, fix: str = "") -> str:
    """An ordinary commit passes, a canonical edit is refused with everything as it was; what the refusal said."""
    lab.commit(here, {"mine.txt": f"{next(lab.clock)}\n"}, "[S1] mine: a file")
    lab.write(here, {STATE_FILE: EDITED})
    lab.git(here, "add", "--", STATE_FILE)
    before = lab.picture(here)
    said = lab.run(here, "git", "commit", "-m", "[S1] agents: by hand")
    assert said.code != 0, said
    assert lab.picture(here) == before
    lab.git(here, "restore", "--staged", "--worktree", STATE_FILE)
    assert f"fix: {fix}" in said.err
    assert "Traceback" not in said.err
    return said.err


def test_in_an_empty_environment_through_upgrade_loss_and_repair(away: Lab, built: Built) -> None:
    """The wheel alone: help, version, adoption, hooks, a merge and its proof. The hooks go on after an upgrade; where
    guard is uninstalled or its environment moved they name the command that mends it, and that does."""
    lab = away
    env = _environment(lab, built.wheel)
    assert "Keeps one git repository whole" in lab.guard(lab.root, "--help").out
    assert lab.guard(lab.root, "--version").out == f"guard {VERSION}\n"
    here = _adopted(lab)
    assert "G101" in _tries(lab, here)
    lab.commit(here, inbox_file(1, "s1", agents_activated=["ada"]), "[S1] delta: one")
    lab.guard(here, "merge")
    assert lab.guard(here, "verify", "--json").json["merges"] == 1

    _pip(lab, env, "install", "--no-deps", "--upgrade", str(built.later))
    assert lab.guard(lab.root, "--version").out == "guard 99.0.0\n"
    assert "G101" in _tries(lab, here)
    lab.guard(here, "verify", "--full")

    mends = "pipx install good-neighbor && guard install"
    _pip(lab, env, "uninstall", "good-neighbor")
    _tries(lab, here, mends)
    _pip(lab, env, "install", "--no-deps", str(built.wheel))
    assert "G101" in _tries(lab, here)
    env.rename(lab.root / "moved")
    _tries(lab, here, mends)
    other = lab.root / "bin/guard"  # the scripts of an environment do not move with it
    lab.write(lab.root, {"bin/guard": f'#!/bin/sh\nexec "{lab.root}/moved/bin/python" -c '
                                      "'from guard.cli import main; main()' \"$@\"\n"})  # fmt: skip
    other.chmod(0o755)
    lab.env["PATH"] = f"{other.parent}:{os.environ['PATH']}"
    _tries(lab, here, "guard install")
    assert lab.run(here, "guard", "install").code == 0
    assert "G101" in _tries(lab, here)


@pytest.mark.parametrize("tool", ["pipx", "uvx"])
def test_run_without_an_installation(away: Lab, built: Built, tool: str) -> None:
    """`pipx run` and `uvx` run it; hooks that are installed so judge, and it is said that they will not for long."""
    if not (BIN / tool).exists():
        pytest.skip(f"{tool} is not installed here")
    lab = away
    words = ("run", "--spec") if tool == "pipx" else ("--python", sys.executable, "--from")
    lab.program = (str(BIN / tool), *words, str(built.wheel), "guard")
    lab.env["PIPX_DEFAULT_PYTHON"] = sys.executable
    assert f"guard {VERSION}\n" in _ran(lab.guard(lab.root, "--version", code=None)).out
    here = _adopted(lab)
    said = lab.guard(here, "install")
    assert "lies in a cache" in said.err
    assert "pipx install good-neighbor && guard install" in said.err
    assert "G101" in _tries(lab, here)


def test_as_a_pinned_repository_of_the_framework(away: Lab, built: Built) -> None:
    """`pre-commit install` with guard's repository at a tag: the framework builds what it runs, of what is released."""
    if not (BIN / "pre-commit").exists():
        pytest.skip("pre-commit is not installed here")
    lab = away
    with tarfile.open(built.sdist) as archive:
        archive.extractall(lab.root, filter="data")
    source = lab.root / built.sdist.name.removesuffix(".tar.gz")
    lab.git(source, "init", "-q")
    lab.git(source, "add", "--all")
    lab.git(source, "commit", "-q", "-m", "guard")
    lab.git(source, "tag", "v1")
    lab.env |= {"PRE_COMMIT_HOME": str(lab.root / "framework"), "PATH": f"{BIN}:{os.environ['PATH']}"}
    here = lab.lone()
    hooks = "".join(f"    -   id: {name}\n" for name in ("guard", "guard-commit-msg"))
    repo = f"-   repo: {source}\n    rev: v1\n    hooks:\n{hooks}"
    types = "default_install_hook_types: [pre-commit, commit-msg]\n"
    lab.commit(here, {".pre-commit-config.yaml": f"{types}repos:\n{repo}"})
    _ran(lab.run(here, "pre-commit", "install", "--install-hooks"))
    shutil.rmtree(source)
    lab.commit(here, {"mine.txt": "mine\n"}, "[S1] mine: a file")
    for path, text, message, code in (
        (STATE_FILE, EDITED, "[S1] agents: by hand", "G101"),
        ("mine.txt", "more\n", "no prefix", "G401"),
    ):
        lab.write(here, {path: text})
        said = lab.run(here, "git", "commit", "-m", message, "--", path)
        assert (said.code, code in said.all) == (1, True), said
        lab.git(here, "checkout", "-q", "--", path)
