"""Scripts in real commits: the hooks' quick way does not pass them by, and CI judges what came past the hooks."""

import re
from pathlib import Path

import pytest
from walks.hooked import git, guarded, refused, unhooked
from walks.lab import ROOT, Lab

from guard.shell.scripts import may_be_script

BASH = "#!/bin/bash\ndeclare -A seen\n"
STAGED = {
    "a script by its end": ("run.sh", "declare -A seen\n", "G301"),
    "a script by its end in capitals": ("RUN.SH", "declare -A seen\n", "G301"),
    "a script by its first line": ("bin/run", BASH, "G301"),
    "a first line with env": ("bin/run", "#!/usr/bin/env bash\ntimeout 5 x\n", "G302"),
    "a first line, and an end of its own": ("hooks/update.sample", BASH, "G301"),
    "a template": ("bin/run.in", BASH, "G301"),
    "a workflow": (
        ".github/workflows/ci.yml",
        "jobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: git stash\n",
        "G303",
    ),
    "a workflow on macOS": (
        ".github/workflows/ci.yaml",
        "jobs:\n  a:\n    runs-on: macos-14\n    steps:\n      - run: timeout 5 x\n",
        "G302",
    ),
    "an action": ("build/action.yml", "runs:\n  steps:\n    - shell: bash\n      run: git add -A\n", "G303"),
    "a Makefile": ("Makefile", "a:\n\tgit reset --hard\n", "G303"),
    "a piece of a Makefile": ("rules/git.mk", "a:\n\tgit add -A\n", "G303"),
    "a dotfile": (".bashrc", "shopt -s globstar\n", "G301"),
    "a name that git quotes": ('say "x".sh', "declare -A seen\n", "G301"),
}
"""What it is -> its path, what it holds, and the rule that refuses it. No policy watches any of these paths."""


def ready(lab: Lab) -> Path:
    """A guarded clone whose hooks know the policy, so that they need not start Python."""
    here = guarded(lab)
    for number in range(2):
        lab.commit(here, {"README.md": f"{number}\n"}, "[S1] readme: again")
    assert (here / ".git/guard/looked").read_text().split(" ")[2] == "looked"  # that is: the quick way was taken
    return here


@pytest.mark.parametrize(("path", "text", "code"), STAGED.values(), ids=STAGED)
def test_a_staged_script_is_judged(lab: Lab, path: str, text: str, code: str) -> None:
    """Alone, among other files, by path, amended: refused, and everything is as it was; --no-verify passes here."""
    here = ready(lab)
    lab.write(here, {path: text, "notes.md": "x\n", "src/a.py": "x = 1\n"})
    lab.git(here, "add", "--", path)
    for more in ((), ("--amend",), ("--", path)):
        said = refused(lab, here, "commit", "-m", "[S1] script: mine", *more, code=code)
        assert "  fix: " in said.err
    lab.git(here, "add", "--", "notes.md", "src/a.py")
    refused(lab, here, "commit", "-m", "[S1] script: and more", code=code)
    lab.git(here, "commit", "-q", "--no-verify", "-m", "[S1] script: past the hooks")
    assert code in lab.guard(here, "check", "--range", "HEAD~1..HEAD", code=1).out


def test_a_script_by_its_mode(lab: Lab) -> None:
    """A file with another language's end is looked at where it can be run, also where only the mode changes."""
    here = ready(lab)
    lab.commit(here, {"tool.py": BASH, "notes.txt": BASH}, "[S1] tool: cannot be run")
    (here / "tool.py").chmod(0o755)
    lab.git(here, "add", "--", "tool.py")
    refused(lab, here, "commit", "-m", "[S1] tool: can be run", code="G301")


def test_other_files_need_no_python(lab: Lab) -> None:
    """Documents, sources and configuration are passed without a judgement."""
    here = ready(lab)
    for path in ("a.md", "src/b.py", "c.json", "d/e.yml", "f.toml"):
        lab.commit(here, {path: "declare -A seen\n"}, "[S1] file: plain")
        assert (here / ".git/guard/looked").read_text().split(" ")[2] == "looked", path


def test_good_scripts_pass(lab: Lab) -> None:
    """What is portable, guarded, or let pass by a comment is committed."""
    here = ready(lab)
    files = {
        "run.sh": "#!/bin/sh\necho fine\n",
        "guarded": "#!/bin/bash\ncommand -v timeout >/dev/null && timeout 5 make\n",
        "allowed": "#!/bin/bash\ndeclare -A seen  # guard: allow G301 our servers run bash 5\n",
        "Makefile": "a:\n\tgit add -- a\n",
    }
    lab.commit(here, files, "[S1] scripts: all fine")
    assert "fine" in lab.git(here, "show", "HEAD:run.sh")


def test_a_range_and_verify(lab: Lab) -> None:
    """What came past the hooks is found by `check --range`, with its line and its commit; a push is refused."""
    here = ready(lab)
    before = lab.rev(here)
    commit = unhooked(lab, here, {"bin/run": BASH, "ok.sh": "declare -A m  # guard: allow G301 servers\n"})
    said = lab.guard(here, "check", "--range", f"{before}..HEAD", "--rule", "G301,G302,G303", "--json", code=1).json
    [finding] = said["findings"]
    assert (finding["code"], finding["path"], finding["line"], finding["column"]) == ("G301", "bin/run", 2, 1)
    assert finding["commit"] == commit
    [passed] = said["let_pass"]
    assert (passed["path"], passed["passes"], passed["commit"]) == ("ok.sh", "servers", commit)
    text = lab.guard(here, "check", "--range", f"{before}..HEAD", "--rule", "G301", code=1).out
    assert f"{commit[:12]} bin/run:2:1: G301 bash4-construct: " in text
    assert "1 let pass" in text
    lab.git(lab.root, "init", "-q", "--bare", str(lab.hub))
    lab.git(here, "remote", "add", "elsewhere", str(lab.hub))
    said = git(lab, here, "push", "elsewhere", "HEAD:refs/heads/main")
    assert said.code != 0
    assert "G301 bash4-construct" in said.err


def test_an_old_script_that_does_not_change_is_not_judged(lab: Lab) -> None:
    """Only what a commit changes is judged: adopting guard does not stop a repository with old scripts."""
    here = ready(lab)
    unhooked(lab, here, {"bin/run": BASH})
    lab.commit(here, {"bin/other": "#!/bin/sh\necho\n", "README.md": "new\n"}, "[S1] other: fine")
    assert lab.guard(here, "check", "--range", "HEAD~1..HEAD").code == 0


def test_the_shims_let_nothing_by_that_may_be_a_script() -> None:
    """Each end that the shim passes over is one that the rules pass over too."""
    shim = (ROOT / "guard/hooks/shims/guard-lib").read_text()
    body = shim[shim.index("guard_may_be_script() {") :].split("\n}", 1)[0]
    ends = [end for line in body.split("\n") if line.endswith("return 1;;") for end in re.findall(r"\*(\.\w+)", line)]
    assert len(ends) > 40
    for end in ends:
        assert not may_be_script(f"a/b{end}", "100644"), end
