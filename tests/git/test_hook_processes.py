"""What the hooks cost: no heavy library, few git processes; and the two readers of git's command line agree."""

import itertools
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from walks.hooked import guarded
from walks.lab import ROOT, Lab, inbox_file, post

from guard.commandline import verdict

HEAVY = ("typer", "rich", "git", "jsonschema", "click", "pydantic", "importlib.metadata")

CALLS = [
    ["pre-commit"], ["pre-merge-commit"], ["commit-msg", ".git/message"], ["prepare-commit-msg", ".git/message"],
    ["reference-transaction", "prepared"], ["pre-rebase", "HEAD"], ["pre-push", "origin", "url"], ["refresh"],
]  # fmt: skip


@pytest.mark.parametrize("words", CALLS, ids=lambda words: words[0])
def test_no_hook_loads_a_heavy_library(lab: Lab, words: list[str]) -> None:
    """Neither typer, rich, GitPython nor jsonschema is loaded, with a delta staged and a commit to judge."""
    here = guarded(lab)
    lab.commit(here, {**inbox_file(1, "s1", posts_created=[post(1)]), "run.sh": "echo\n"}, "[S1] delta: one")
    lab.write(here, inbox_file(1, "s2"))
    lab.git(here, "add", "state")
    (here / ".git/message").write_text("[S1] delta: two\n")
    old, new = lab.rev(here, "HEAD~"), lab.rev(here)
    lines = f"refs/heads/x {new} refs/heads/x {old}\n" if words[0] == "pre-push" else f"{old} {new} refs/heads/x\n"
    code = (here / ".git/hooks/guard-run.py").read_text().replace(
        "\nmain()\n", ""
    ) + f"\nfrom guard.hooks import run\ncode = run({words!r})\nprint(*sorted(sys.modules))\nsys.exit(code)\n"
    done = lab.run(here, sys.executable, "-I", "-S", "-c", code, input=lines.encode(), env={"GUARD_ALLOW": "G201 x"})
    assert done.code == 0, done
    loaded = set(done.out.split())
    assert "guard.hooks" in loaded
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize(("into", "code"), [("", 1), (">&-", 1), (">&- 2>&-", 1), (">/dev/full", 1)])
def test_the_exit_code_outlives_what_cannot_be_printed(lab: Lab, into: str, code: int) -> None:
    """A hook ends at once when it has judged: all that it says was said, and who cannot be told is refused too."""
    here = guarded(lab)
    lab.write(here, {"x.json": "<<<<<<< a\n=======\n>>>>>>> b\n", **{f"{n}.json": ">>>>>>> b\n" for n in range(900)}})
    lab.git(here, "add", "--", "*.json")
    (here / ".git/guard/bulk").unlink(missing_ok=True)
    program = f"'{sys.executable}' -I -S .git/hooks/guard-run.py pre-commit --json"
    said = lab.run(here, "sh", "-c", f"{program} {into}")
    assert said.code == code, said.err[-300:]
    if not into:
        assert len(said.out) > 1 << 16
        assert len(json.loads(said.out)["findings"]) == 901


def _processes(trace: Path) -> dict[str, list[int]]:
    """Hook -> how many git processes each of its calls started."""
    events = [json.loads(line) for line in trace.read_text().split("\n")[:-1]]
    found: dict[str, list[int]] = {}
    for event in events:
        if event["event"] == "child_start" and event.get("child_class") == "hook":
            child = (event["sid"], event["child_id"])
            end = next(
                each["time"] for each in events
                if each["event"] == "child_exit" and (each["sid"], each["child_id"]) == child
            )  # fmt: skip
            below = (each for each in events if each["event"] == "start" and each["sid"].startswith(f"{event['sid']}/"))
            started = [each for each in below if event["time"] <= each["time"] <= end]
            found.setdefault(event["hook_name"], []).append(len(started))
    return found


def test_few_git_processes(lab: Lab) -> None:
    """A plain commit: one git in pre-commit, none elsewhere; a full judgement: at most four in any hook."""
    here = guarded(lab)
    lab.commit(here, {f"src/{number}.txt": "1\n" for number in range(30)}, "[S1] src: thirty")
    for kind in ("plain", "path", "no-verify", "full", "full no-verify"):
        lab.write(here, {f"src/{number}.txt": f"{kind}\n" for number in range(20)})
        names = [f"src/{number}.txt" for number in range(20)]
        if "full" in kind:
            names += lab.write(here, {**inbox_file(1, kind.replace(" ", "-")), f"{kind}.sh": "#!/bin/sh\necho\n"})
        lab.git(here, "add", "--", *names)
        trace = lab.root / f"trace {kind}"
        more = ("-n",) if "no-verify" in kind else ("--", *names) if kind == "path" else ()
        lab.git(here, "commit", "-q", "-m", "[S1] src: again", *more, env={"GIT_TRACE2_EVENT": str(trace)})
        counts = _processes(trace)
        assert set(counts) >= {"prepare-commit-msg", "reference-transaction", "post-index-change"}
        assert max(map(max, counts.values())) <= 4, (kind, counts)
        if kind == "plain":
            assert {name: max(numbers) for name, numbers in counts.items() if any(numbers)} == {"pre-commit": 1}, counts


def _staged(lab: Lab, here: Path, files: dict[str, str]) -> None:
    lab.git(here, "add", "--", *lab.write(here, files))


@pytest.mark.parametrize("session", [None, "S7"])
def test_deltas_and_harmless_scripts_need_no_judge(lab: Lab, session: str | None) -> None:
    """A stream's commit is compared once and read once, whatever it holds beside its delta, and whoever's it is."""
    here = guarded(lab)
    lab.commit(here, {"src/a.txt": "1\n"}, "[S7] src: one")
    for number in (1, 2, 3):  # the later ones know that deltas came before
        files = {**inbox_file(1, f"s{number}"), "run.sh": f"echo {number}\n", "src/a.txt": f"{number} more\n"}
        _staged(lab, here, files | {"tool": "no script\n"})
        trace = lab.root / f"trace {number}"
        env = {"GIT_TRACE2_EVENT": str(trace), **({"GUARD_SESSION": session} if session else {})}
        lab.git(here, "commit", "-q", "-m", "[S7] src: again", env=env)
        assert _processes(trace)["pre-commit"] == [2]


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"run.sh": "#!/bin/bash\ntimeout 5 make\n"}, "G302"),
        ({"tool": "#!/bin/sh\ngit add -A\n"}, "G303"),
        ({"src/a.txt": "<<<<<<< a\n=======\n>>>>>>> b\n"}, "G106"),
        ({"Makefile": "all:\n\tgit stash\n"}, "G303"),
        ({"state/stats.json": "{}\n"}, "G101"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
@pytest.mark.parametrize("after", ["text", "deltas"])
def test_what_comes_beside_a_delta_is_judged(lab: Lab, files: dict[str, str], code: str, after: str) -> None:
    """Whatever was committed last, a delta lets nothing pass that comes with it."""
    here = guarded(lab)
    lab.commit(here, {"src/a.txt": "1\n"} if after == "text" else inbox_file(1, "s1"), "[S1] src: one")
    _staged(lab, here, {**inbox_file(1, "s2"), **files})
    said = lab.run(here, "git", "commit", "-q", "-m", "[S1] src: two")
    assert said.code == 1
    assert code in said.err


@pytest.mark.parametrize("session", ["S0", "S", "x", "S1 2", "S٣", "", "S1234567890"])
def test_a_session_that_is_none_is_told(lab: Lab, session: str) -> None:
    """A quick yes goes past no word about whose commit it is."""
    here = guarded(lab)
    _staged(lab, here, inbox_file(1, "s1"))
    said = lab.run(here, "git", "commit", "-q", "-m", "[S1] src: two", env={"GUARD_SESSION": session})
    assert said.code == (0 if session == "" else 1)
    assert ("is not a session" in said.err) == (session != "")


# --- the two readers of command lines ---------------------------------------------------------------------------------

BEFORE = (
    [],
    ["-C", "x"],
    ["-c", "a.b=c"],
    ["--git-dir", "x", "--no-pager"],
    ["--git-dir=x"],
    ["-p", "--work-tree", "-A"],
)
WORDS = {
    "stash": "-u push save pop apply create store list drop clear branch show export import -- path -p autostash -m x",
    "stash create": "autostash autostash-now x",
    "add": "-A --all --a --al -u -vA -Av -n -f --chmod +x --chmod=+x . ./ .. * ** : :/ :/. :/* :(top) "
    ":(exclude)x :!x :^x -- f g/ "
    "-p --no-ignore-removal --no-ig --update --up --pathspec-from-file=x --pathspec-from-f=x --intent-to-add - -A.txt",
    "commit": "-a -am -ma --all --al --a -m -F -C -c -t x --amend -n -na -qam -Sa -ua -uno -i -io --include "
    "--inc -o --only -p "
    "--message --message=x --author --author=-a --fixup --trailer --date --pathspec-from-file --pathspec-from-file=x "
    "--pathspec-from-f=x -- . ./ * :/ :!x f g/ -",
    "restore": "--staged --st --stag -S -SW -WS -W . f -- --source=x -s",
    "reset": "--hard -- f",
    "read-tree": "HEAD -m -u",
    "rebase": "--autostash --autost --no-autostash --no-autos x -i",
    "pull": "--rebase --autostash --no-autostash --ff-only",
    "merge": "--autostash --no-autostash x",
    "status": "-A . -a",
    "log": "--all -- .",
    "": "",
}


def _lines() -> list[list[str]]:
    """A few thousand command lines: each option alone, in pairs, and many at random."""
    rng = random.Random(1)
    lines = [[]]
    for sub, options in WORDS.items():
        words = options.split()
        tails = [[], *([word] for word in words), *map(list, itertools.permutations(words[:18], 2))]
        tails += [rng.choices(words, k=rng.randrange(3, 6)) for _ in range(200 if words else 0)]
        for tail in tails:
            before = rng.choice(BEFORE) if rng.randrange(3) == 0 else []
            head = ["/usr/bin/git"] if rng.randrange(9) == 0 else ["git"]
            lines.append([*head, *before, *sub.split(), *tail])
    lines += [
        ["git-add", "-A"],
        ["/usr/lib/git-core/git-stash"],
        ["git.exe", "add", "."],
        ["python", "git", "add", "."],
    ]
    lines += [
        ["git", "commit", "-m", "", "-a"],
        ["git", "commit", "-m", "*", "x"],
        ["git", "add", "a b", "$(x)", "`x`", "?", "[a]"],
    ]
    return lines[1:]


@pytest.mark.parametrize("shell", ["sh", "dash", "bash --posix", "bash", "busybox sh", "mksh"])
def test_both_readers_of_command_lines_agree(tmp_path: Path, shell: str) -> None:
    """What guard-words says in sh and guard.commandline in Python is the same for thousands of command lines."""
    shims = ROOT / "guard/hooks/shims"
    lines = _lines()
    script = (
        f". '{shims}/guard-lib'\n. '{shims}/guard-words'\nguard_words() {{ printf '%s' \"$line\"; }}\n"
        'while IFS= read -r line; do guard_classify; printf "%s\\n" "$guard_is"; done\n'
    )
    text = "".join("".join(f"{word}\x1f" for word in words) + "\n" for words in lines)
    try:
        done = subprocess.run(
            [*shell.split(), "-c", script], input=text.encode(), capture_output=True, cwd=tmp_path, check=True
        )
    except FileNotFoundError:
        pytest.skip(f"no {shell} here")
    said = done.stdout.decode().split("\n")[:-1]
    wrong = [(words, sh, verdict(words)) for words, sh in zip(lines, said, strict=True) if sh != verdict(words)]
    assert not wrong[:5], len(wrong)
    assert len(lines) > 3000
    assert set(said) == {"", "stash", "autostash", "bulk", "commit-all", "commit-paths", "folders", "unbulk"}
