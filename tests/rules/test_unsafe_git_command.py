"""G303: git commands in scripts, workflows and Makefiles that cost somebody else's work."""

import pytest

from guard.shell.judged import Mark, marks

HEAD = "#!/bin/bash\n"


def found(script: str, code: str = "G303", path: str = "run", head: str = HEAD) -> list[Mark]:
    """What one rule finds in a script."""
    every = marks((head + script + "\n").encode(), path)
    return [mark for mark in every if mark.code == code and not mark.passes]


FOUND = {
    "add": [
        "git add -A", "git add --all", "git add .", "git add -u", "git add --update", "git add ./", "git add :/", "git add -- .",
        "git -C d add -A", "git -c a.b=c add .", "cd d && git add -A && git commit -m x", "git add -A || true", "(git add -A)",
        "if true; then git add .; fi", "bash -c 'git add -A'", "sudo git add -A", "git add -vA", "git add *", 'x=$(git add -A)', "eval 'git add -A'",
        "trap 'git add -A' EXIT", "f() {\n  git add -A\n}", "git add -A >/dev/null 2>&1", "git stage -A", "bash <<'EOF'\ngit add -A\nEOF",
    ],
    "stash": ["git stash", "git stash push", "git stash -u", "git stash save x", "git -C d stash", "git stash && git pull", "git stash --keep-index",
        "'git' 'stash'", "bash -euo pipefail -c 'git stash'", "git 2>/dev/null stash", "sudo 2>/dev/null git stash", "bash -eu <<'EOF' 2>&1 | tail -5\ngit stash\nEOF",
        "sudo -E bash <<'EOF'; echo x\ngit stash\nEOF", "cat <<'EOF' 2>&1 | sh\ngit stash\nEOF",
    ],
    "autostash": [
        "git rebase --autostash", "git merge --autostash x", "git -c rebase.autoStash=true rebase main", "git config rebase.autoStash true",
        "git config --global rebase.autostash true", "git pull --autostash",
    ],
    "pull": ["git pull --rebase", "git pull --rebase origin main", "git pull -r", "git pull --rebase=merges", "git pull -q --rebase origin main", "git pull --rebase origin \"$branch\""],
    "remove": ["git worktree remove --force w", "git worktree remove -f w", "git worktree remove w --force", "git -C d worktree remove --force \"$w\" || true"],
    "reset": ["git reset --hard", "git reset --hard HEAD~1", "git reset -q --hard origin/main", "git fetch && git reset --hard origin/main"],
    "worktree": ["git worktree add w", "git worktree add -b x w main\ncd w", "trap 'echo bye' EXIT\ngit worktree add w", "trap cleanup INT\ngit worktree add w"],
}  # fmt: skip


@pytest.mark.parametrize(("key", "script"), [(key, script) for key, scripts in FOUND.items() for script in scripts])
def test_unsafe_commands_are_found(key: str, script: str) -> None:
    """Each is found, wherever it stands, and nothing else is."""
    assert {mark.key for mark in found(script)} == {key}


def test_copies_into_a_worktree_may_not_hide_their_failure() -> None:
    """Frame 406: a worktree did not have its inputs, and `cp ... || true` hid it."""
    trap = 'trap \'git worktree remove "$w"\' EXIT\ngit worktree add "$w"\n'
    for ending in ("|| true", "2>/dev/null || true", "|| :", "|| echo none"):
        assert [(mark.key, mark.line) for mark in found(f'{trap}cp state/x.json "$w/state/" {ending}')] == [("copy", 4)]
    assert not found(f'{trap}cp state/x.json "$w/state/" || exit 1')
    assert not found("cp a b || true")


FINE = [
    "git add -- f", "git add f g", "git add -p", "git add docs/", "git add -N f", "git add \"$f\"", "git add -f x.bin", "echo git add -A",
    "# git add -A", "echo 'git stash'", "cat <<EOF\ngit add -A\nEOF", "git stash list", "git stash pop", "git stash show -p", "git stash apply", "git stash drop",
    "git pull", "git pull --ff-only", "git pull --no-rebase origin main", "git pull --rebase=false", "git pull --rebase origin topic", "git rebase main",
    "git rebase --no-autostash main", "git worktree remove w", "git worktree list", "git worktree prune", "git reset", "git reset -q f", "git reset --soft HEAD~1",
    "trap 'git worktree remove \"$w\"' EXIT\ngit worktree add w", "cleanup() { git worktree remove w; }\ntrap cleanup EXIT\ngit worktree add w",
    "cleanup() {\n  rm -rf \"$tmp\"\n}\ntrap cleanup EXIT INT\ngit worktree add \"$tmp/w\"", "git worktree add w\ntrap 'git worktree remove w' EXIT",
    "git commit -m 'git add -A'", "git log --grep='git stash'", "git config rebase.autoStash false", "git config --get rebase.autoStash", "git grep stash", "hg add -A",
    "git help stash", "git clean -n", "npm add -A", "python -c 'git add -A'", "git checkout -b stash", "git push origin stash", "git branch stash",
    "ssh host bash <<'EOF' 2>&1 | tail\ngit stash\nEOF", "bash x.sh <<'EOF' 2>&1 | tail\ngit stash\nEOF", "case $x in\n  *' 'git' 'stash) ;;\nesac",
]  # fmt: skip


@pytest.mark.parametrize("script", FINE)
def test_safe_commands_are_fine(script: str) -> None:
    """What gives back, only looks, or names its files."""
    assert [(mark.key, mark.what) for mark in found(script)] == []


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/zsh", "/bin/dash", "/usr/bin/ksh", "/opt/homebrew/bin/bash"])
def test_every_posix_like_shell_is_judged(shell: str) -> None:
    """A stash is a stash in any shell."""
    assert len(found("git stash", head=f"#!{shell}\n")) == 1


# --- workflows ---------------------------------------------------------------------------------------------------

WORKFLOW = """\
name: nightly
on:
  schedule:
    - cron: "0 3 * * *"
jobs:
  mac:
    runs-on: macos-14
    steps:
      - uses: actions/checkout@v4
      - run: git add -A
      - name: a block
        run: |
          declare -A seen
          timeout 5 make
          echo "${{ github.event.head_commit.message }}"
      - name: folded
        run: >
          git stash
          --quiet
      - shell: python
        run: |
          print("git add -A")
      - run: timeout 5 make
        if: runner.os == 'Linux'
      - name: quoted
        run: "git reset --hard"
  linux:
    runs-on: ubuntu-latest
    steps:
      - run: |
          declare -A seen
          timeout 5 make
          git pull --rebase
      - run: git add -A  # guard: allow G303 a throw-away clone
      - shell: bash
        name: git add -A
        env:
          WORD: git add -A
        run: |
          git add -- f
  both:
    strategy:
      matrix:
        os: [ubuntu-latest, macos-15]
    runs-on: ${{ matrix.os }}
    defaults:
      run:
        shell: bash
    steps:
      - run: mapfile -t a < f
  windows:
    runs-on: windows-latest
    defaults:
      run:
        shell: pwsh
    steps:
      - run: git stash
"""


def test_workflows_are_judged_block_by_block() -> None:
    """`run:` by its shell; bash and userland only where the job may run on macOS; lines are those of the file."""
    every = marks(WORKFLOW.encode(), ".github/workflows/nightly.yml")
    lines = WORKFLOW.split("\n")
    said = [(mark.code, lines[mark.line - 1].strip()) for mark in every if not mark.passes]
    assert said == [
        ("G303", "- run: git add -A"),
        ("G301", "declare -A seen"),
        ("G302", "timeout 5 make"),
        ("G303", "git stash"),
        ("G303", 'run: "git reset --hard"'),
        ("G303", "git pull --rebase"),
        ("G301", "- run: mapfile -t a < f"),
    ]
    columns = {lines[mark.line - 1].strip(): mark.column for mark in every}
    assert columns["declare -A seen"] == 11
    assert columns["- run: git add -A"] == 14


def test_actions_are_judged_too() -> None:
    """A composite action says its shell step by step."""
    action = "runs:\n  using: composite\n  steps:\n    - shell: bash\n      run: git add -A\n    - shell: pwsh\n      run: git stash\n"
    assert [(mark.code, mark.line) for mark in marks(action.encode(), "tools/x/action.yml")] == [("G303", 5)]


def test_other_yaml_is_not_judged() -> None:
    """A run: elsewhere is not a script of GitHub's."""
    assert not marks(b"run: git add -A\n", "config.yml")


# --- Makefiles ---------------------------------------------------------------------------------------------------

MAKEFILE = """\
# git add -A
WHAT = git add -A
all: one two
\tgit add -A
one:
\t@git stash
\t-git reset --hard $(WHAT)
\techo $$(git add .)
\techo '$$x git add -A'
two: ; git add -u
three: a \\
  b
\tcd x && \\
\t  git pull --rebase
\ttimeout 5 declare -A
define block
\tgit add -A
endef
four:
\tgit add -- f  # git add -A
"""


def test_recipes_of_makefiles_are_judged() -> None:
    """Recipes alone, with make's own marks taken off, and by G303 alone."""
    every = marks(MAKEFILE.encode(), "sub/Makefile")
    lines = MAKEFILE.split("\n")
    assert [(mark.code, lines[mark.line - 1].strip()) for mark in every] == [
        ("G303", "git add -A"),
        ("G303", "@git stash"),
        ("G303", "-git reset --hard $(WHAT)"),
        ("G303", "echo $$(git add .)"),
        ("G303", "two: ; git add -u"),
        ("G303", "git pull --rebase"),
    ]
