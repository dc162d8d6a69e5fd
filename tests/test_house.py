"""The house itself: who may import whom, and what no file may contain."""

import ast
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LAYERS = (
    {"errors", "change", "finding"},
    {
        *("policy", "policy_file", "policy_table", "policy_values", "policy_checks", "policy_problems", "policy_lines"),
        *("rule", "schema", "shell", "appendonly", "leases.scopes", "leases.lease"),
        *("commandline", "counts", "inbox"),  # what several rules and commands ask: words and values in, verdicts out
        "certain",  # the quick look at a delta, which inbox and hooks share
    },
    {"rules", "judge"},
    {
        *("git", "observe", "backoff", "hub", "publish", "leases", "records", "worktrees", "streams"),
        *("history", "plan", "adoption", "verify", "restore", "report", "table"),
        *("server", "ordinary"),  # what a server judges
        "frames",
        "ci",  # the jobs of a CI host
        "index",  # git's own
        *("owner", "delivery"),  # work trees and what streams bring
        *("private_commit", "bring_in"),
        "stranded",  # work that nobody has any more
        "agents",  # what their tools tell, and what is refused of it
        *("identity", "neighbours"),  # who works on what
    },
    {"hooks", "commands", "demo", "doctor"},
    {"cli"},
)
"""The files and folders of guard/: each may import its own layer and those before it, never a later one. A file that
stands apart from the rest of its folder has an entry of its own, with a dot."""

IMPURE = frozenset(
    "asyncio fcntl getpass git glob http importlib io locale multiprocessing os pathlib platform random secrets select"
    " shutil signal socket sqlite3 ssl subprocess tempfile threading time urllib uuid".split()
)
"""Modules with which code could do I/O, read a clock or draw a random number."""


MADE = re.compile(r"\.|__|(build|dist)$")
"""Folders that tools make, by their names."""


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything a file imports, at any depth; `from a import b` yields `a` and `a.b`."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = [*package[: len(package) - node.level + 1]] if node.level else []
            base = ".".join([*parts, *([node.module] if node.module else [])])
            yield node.lineno, base
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def modules(folder: str) -> Iterator[tuple[Path, str]]:
    """Every source file under a folder, and how a message names it."""
    return ((path, path.relative_to(ROOT).as_posix()) for path in sorted((ROOT / folder).rglob("*.py")))


def impurities(folder: str) -> list[str]:
    """Where the code under a folder could do more than compute."""
    found = []
    for path, name in modules(folder):
        found += [f"{name}:{line} imports {what}" for line, what in imports(path) if what.split(".")[0] in IMPURE]
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Attribute) and node.attr in {"now", "today", "utcnow"}:
                found.append(f"{name}:{node.lineno} reads the clock: .{node.attr}")
            elif isinstance(node, ast.Name) and node.id in {"open", "input", "print", "__import__"}:
                found.append(f"{name}:{node.lineno} does I/O: {node.id}")
    return found


def test_merge_is_pure() -> None:
    """merge/ imports nothing of guard/, does no I/O, reads no clock and draws no random number."""
    found = [f"{name}:{line} imports {what}" for path, name in modules("merge") for line, what in imports(path)
             if what.split(".")[0] == "guard"]  # fmt: skip
    assert not found + impurities("merge")


def test_rules_are_pure() -> None:
    """A rule sees a Change and a Policy: it starts no process, opens no file and reads no clock."""
    assert not impurities("guard/rules")


def test_records_are_pure() -> None:
    """A record is made of bytes and words: no file is opened, no git is started, times come as arguments."""
    assert not impurities("guard/records")


RANK = {f"guard.{name}": number for number, layer in enumerate(LAYERS) for name in layer}


def dotted(name: str) -> str:
    """A file's name as imports have it."""
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def entry(module: str) -> str | None:
    """The entry of LAYERS that a module, or a name of one, falls under: its own, or its folder's."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 1, -1))
    return next((name for name in names if name in RANK), None)


def later() -> list[str]:
    """The imports of guard/ that run against its layers, and the modules that are in no layer."""
    found = []
    for path, name in modules("guard"):
        if name == "guard/__init__.py":
            found += [f"{name}:{line} imports {what}: it holds a docstring alone" for line, what in imports(path)]
            continue
        own = entry(dotted(name))
        if own is None:
            found.append(f"{name} is in no layer: add it to LAYERS in tests/test_house.py, and say why there")
            continue
        for line, what in imports(path):
            other = entry(what)
            if other and RANK[other] > RANK[own]:
                found.append(f"{name}:{line} imports {what}, of a later layer")
    return found


def test_no_module_imports_a_later_layer() -> None:
    """guard/ is layered, and cli, the last layer, is imported by nobody; LAYERS names nothing that is not there."""
    assert not later()
    assert {entry(dotted(name)) for _, name in modules("guard")} - {None} == set(RANK)


def test_an_import_of_a_later_layer_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is written, and inside functions too; and so is a module of which no layer knows."""
    (tmp_path / "guard/git").mkdir(parents=True)
    wrong = ("import guard.cli.base", "from guard import cli", "from guard.cli import base", "from ..cli import base")
    (tmp_path / "guard/git/__init__.py").write_text("def f():\n" + "".join(f"    {line}\n" for line in wrong))
    (tmp_path / "guard/git/right.py").write_text("import guard.errors\nfrom guard.git import x\nimport guardian.cli\n")
    (tmp_path / "guard/new.py").touch()
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    assert {said.partition(" ")[0] for said in later()} == {
        *(f"guard/git/__init__.py:{line}" for line in range(2, 6)),
        "guard/new.py",
    }


def test_no_file_outgrows_its_purpose() -> None:
    """A file of code has at most 500 lines; what is longer does more than one thing, and is split along them."""
    sizes = {name: len(path.read_bytes().splitlines()) for top in ("guard", "merge") for path, name in modules(top)}
    assert len(sizes) > 200
    assert not {name: size for name, size in sizes.items() if size > 500}


def test_every_test_says_its_property() -> None:
    """Every test function under tests/ has a docstring."""
    silent = [
        f"{name}:{node.lineno} {node.name}"
        for path, name in modules("tests")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert not silent


def test_no_file_names_a_machine() -> None:
    """No file holds a path of somebody's machine, or the host or address of a package registry."""
    homes = "|".join(("root", "work", "home"))
    machine = re.compile(rf"/({homes})/|py{'pi'}[\w-]*(\.[a-z]|/)|index-{'url'}".encode(), re.IGNORECASE)
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name == ".ci" or not MADE.match(name)]
        for path in (Path(folder, name) for name in names if name != ".git"):
            hits = {hit[0].decode() for hit in machine.finditer(path.read_bytes())}
            found += [f"{path.relative_to(ROOT)} holds {hit}" for hit in sorted(hits)]
    assert not found
