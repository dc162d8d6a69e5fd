"""What the pages show: their blocks, the commands in them, and a shell that types those.

README.md and docs/ have fenced blocks of these kinds and no others:

- `console`: commands behind `$ `, each with what it prints. `situations.py` says where each section's are typed.
- `usage`: what a command takes. Its words and options must exist.
- `json`, `toml`, `yaml`, `markdown`, `text`: what files hold; `sh` too, where it is a file that the page names.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from walks.lab import ROOT, Lab

from guard.judge import rules
from guard.rule import Rule

PAGES = {str(path.relative_to(ROOT)): path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
BLOCK = re.compile(
    r"(?:^`(?P<path>[^`\n]+)`:\n\n)?^(?P<indent> *)```(?P<kind>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
"""A fenced block, with the name of the file that it is where the page says one."""

RULES = rules()


def read(page: str) -> str:
    """A page."""
    return PAGES[page].read_text(encoding="utf-8")


def sections(page: str) -> Iterator[tuple[str, str]]:
    """The headings of a page, each with the text below it; what is above the first one has none."""
    fenced = {number for block in BLOCK.finditer(read(page)) for number in range(*block.span())}
    text, title, start = read(page), "", 0
    for head in re.finditer(r"^##? (.+)\n", text, re.MULTILINE):
        if head.start() not in fenced:
            yield title, text[start : head.start()]
            title, start = head[1], head.end()
    yield title, text[start:]


def section(page: str, title: str) -> str:
    """The text below a heading."""
    return dict(sections(page))[title]


def blocks(text: str, kind: str = "console") -> list[str]:
    """The fenced blocks of one kind."""
    return [block["text"] for block in BLOCK.finditer(text) if block["kind"] == kind]


def steps(block: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with what it is said to print."""
    assert block.startswith("$ "), f"a console block begins with a command: {block}"
    found = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(step.partition("\n")[0], step.partition("\n")[2].strip("\n")) for step in found]


# --- typing ----------------------------------------------------------------------------------------------------

SAME = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "<day>"),
    (re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{16}|[0-9a-f]{12})\b"), "<id>"),
    (re.compile(r"lanes/(\w+)-[0-9a-f]{8}\b"), r"lanes/\1-<id>"),
    (re.compile(r"\d+ min "), "<age> "),
    (re.compile(r"\b\d+\.\d s\b"), "<seconds>"),
    (re.compile(r"(?<=\S) +|─+"), " "),  # how wide the columns of a table are
    (re.compile(r"next-index-\d+\.lock"), "next-index-<pid>.lock"),
    (re.compile(r"it is \d+ \w+ old[;,].*"), "it is <old>"),
    (re.compile(r"whose: (?!Ann|S12|guard).*"), "whose: <user>"),
    (re.compile(r"patch\d+-\d+"), "patch<time>-<pid>"),
]
"""What is another one at every run."""

FOUND = re.compile(r"\b(?:stash|autostash|commit|index|patch|rescue)-[0-9a-f]{12}\b")
"""A name that `guard recover` gives: another one at every run, and typed again in later commands."""


def alike(text: str, home: Path) -> list[str]:
    """The lines of an output without what differs from run to run and from home to home."""
    text = text.replace(str(home), "/srv/ann").replace("/srv/git", "/srv/ann")
    for pattern, word in SAME:
        text = pattern.sub(word, text)
    return [line.rstrip() for line in text.strip("\n").split("\n")]


class Shell:
    """Somebody who types a page's commands, at home in the folder of the laboratory, and reads what they print."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.names: dict[str, str] = {}
        self.here = lab.root
        env = {**lab.env, "PATH": f"{with_guard(lab)}:{lab.env['PATH']}", "COLUMNS": "80", "HOME": str(lab.root)}
        self.shell = subprocess.Popen(
            ["sh"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=lab.root,
            start_new_session=True,
        )
        self.patience = threading.Timer(600, os.killpg, (self.shell.pid, signal.SIGKILL))  # nobody waits for ever
        self.patience.start()

    def end(self) -> None:
        """Nothing more is typed."""
        self.patience.cancel()
        self.shell.communicate()

    def typed(self, command: str) -> tuple[str, int]:
        """What a command prints, and its exit status."""
        assert self.shell.stdin is not None
        assert self.shell.stdout is not None
        self.shell.stdin.write(f"{{ {command}\n}} </dev/null\nprintf '@@%s\\n' $?\n".encode())
        self.shell.stdin.flush()
        said = b""
        for line in self.shell.stdout:
            said += line
            if end := re.search(rb"@@(\d+)\n$", line):
                return said[: -len(end[0])].decode(), int(end[1])
        raise AssertionError(f"$ {command}\n{said.decode()}")

    def go(self, here: Path) -> None:
        """Go into a folder, where the last one was another: a page's own `cd` stays in force."""
        if here != self.here:
            self.here = here
            assert self.typed(f"cd {shlex.quote(str(here))}") == ("", 0)

    def follow(self, block: str) -> None:
        """Type the commands of a block: each prints what the page shows; one that shows nothing must succeed."""
        for command, shown in steps(block):
            real = FOUND.sub(lambda match: self.names.get(match[0], match[0]), command)
            got, status = self.typed(real.replace("/srv/git", str(self.lab.root)))
            self.names |= dict(zip(FOUND.findall(shown), FOUND.findall(got), strict=False))
            if shown:
                assert alike(got, self.lab.root) == alike(shown, self.lab.root), f"$ {command}\n{got}"
            else:
                assert status == 0, f"$ {command}\n{got}"


def with_guard(lab: Lab) -> Path:
    """A folder with this very guard in it, for PATH."""
    folder = lab.root / "bin"
    folder.mkdir(exist_ok=True)
    for name, module in (("guard", "guard.cli"), ("guard-hook", "guard.hooks")):
        line = shlex.join([sys.executable, "-c", f"from {module} import main; main()"])
        (folder / name).write_text(f'#!/bin/sh\nexec {line} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


# --- where they are typed --------------------------------------------------------------------------------------


def begun(lab: Lab, name: str, files: Mapping[str, str]) -> Path:
    """A new hub, and a clone of it with a first commit that is pushed."""
    lab.git(lab.root, "init", "-q", "--bare", str(lab.hub))
    here = lab.clone(name)
    lab.git(here, "checkout", "-q", "-B", "main")
    lab.commit(here, files, "begin")
    lab.git(here, "push", "-q", "-u", "origin", "main")
    return here


def adopted(lab: Lab, name: str = "here", files: Mapping[str, str] | None = None) -> Path:
    """A clone of a hub in which guard was adopted as `guard init` says."""
    here = begun(lab, name, {"README.md": "a fleet\n"} if files is None else files)
    written = lab.guard(here, "init", "--yes", "--json").json["written"]
    publish(lab, here, "[S0] guard: adopt", *written)
    assert lab.git(here, "status", "--porcelain") == ""
    return here


def publish(lab: Lab, here: Path, message: str, *paths: str) -> None:
    """Commit files that lie in a clone, as they lie there, and push main."""
    lab.git(here, "add", "--", *paths)
    lab.git(here, "commit", "-q", "-m", message)
    lab.git(here, "push", "-q", "origin", "main")


# --- the rules' own pages --------------------------------------------------------------------------------------


def commands(rule: Rule, title: str) -> list[str]:
    """The shell lines of one block of a rule's documentation."""
    block = re.search(rf"^{title}:\n((?:    .*\n)+)", rule.document(), re.MULTILINE)
    assert block is not None, f"{rule.code} has no {title}:"
    lines = [line.strip() for line in block[1].splitlines()]
    assert all(line.startswith("$ ") for line in lines), lines
    return [line[2:] for line in lines]
