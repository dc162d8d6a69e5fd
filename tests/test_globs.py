"""Globs: what they mean in Python, and that sh, which the hooks ask first, overlooks nothing and runs nothing."""

import os
import re
import shutil
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard.leases.lease import Lane, read
from guard.leases.refs import Found
from guard.leases.scopes import covers
from guard.neighbours import remember
from guard.policy import Policy, matcher, shell_pattern

SHELLS = [words for words in (["dash"], ["bash", "--posix"], ["busybox", "sh"], ["sh"]) if shutil.which(words[0])]
ODD = [
    "a",
    "b",
    "/",
    "*",
    "**",
    "?",
    "é",
    "'",
    '"',
    "\\",
    "\n",
    "$(echo x >&2)",
    "`echo x >&2`",
    ";",
    "|",
    ")",
    "(",
    "esac",
]
ODD += ["in", "${x}", "#", " ", "!", "[", "]", "-", "~", "&", "<", "{", "}", "\udcff"]


def fits(parts: list[str], names: list[str]) -> bool:
    """What a glob means, spelled out: slow, and plainly right."""
    if not parts or not names:
        return not parts and not names
    if parts[0] == "**":
        return any(fits(parts[1:], names[more:]) for more in range(len(names) + 1)) or len(parts) == 1
    return fnmatchcase(names[0], parts[0]) and fits(parts[1:], names[1:])


@given(
    st.lists(st.sampled_from(("**", "a", "b", "a*", "?")), min_size=1, max_size=6),
    st.lists(st.sampled_from(("a", "b", "ab")), min_size=1, max_size=6),
)
def test_a_glob_of_many_parts_is_what_its_parts_say(parts: list[str], names: list[str]) -> None:
    """Two stars stand for any number of folders, and last for at least a file, wherever they stand."""
    below = parts[-1] == "**"  # then something must be left for it
    right = fits([*parts, "?*"], names) if below else fits(parts, names)
    assert (matcher(("/".join(parts),)).match("/".join(names)) is not None) is right


def in_sh(shell: list[str], script: str, *words: str) -> str:
    """What a script says to words; nothing may be said on stderr."""
    done = subprocess.run([*shell, "-c", os.fsencode(script), "sh", *words], capture_output=True, check=True)
    assert done.stderr == b"", (script, words)
    return done.stdout.decode()


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@settings(max_examples=60)
@given(st.lists(st.lists(st.sampled_from(ODD), min_size=1, max_size=6).map("".join), min_size=1, max_size=8), st.data())
def test_sh_knows_every_path_that_a_glob_names(shell: list[str], globs: list[str], data: st.DataObject) -> None:
    """Nothing in a glob is run, no word of it is sh's own, and no path that it names is overlooked."""
    fill = st.sampled_from(("", "a", "é", "a/b", "a/b/c"))
    made = [re.sub(r"\*\*/|\*+|\?", lambda _: data.draw(fill), glob) for glob in globs]
    named = [path for path in made if matcher(globs).match(path)]
    script = "|".join(map(shell_pattern, globs))
    said = in_sh(shell, f"for p; do case $p in {script}) echo yes;; *) echo no;; esac; done", *named)
    assert said == "yes\n" * len(named)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_sh_is_not_kept_busy_by_stars(shell: list[str]) -> None:
    """A pattern of many stars, which some shells would fit for hours, is one of few."""
    pattern = shell_pattern("*a" * 60 + "b")
    assert in_sh(shell, f"case $1 in {pattern}) echo yes;; esac", "a" * 200 + "b") == "yes\n"
    assert in_sh(shell, f"case $1 in {pattern}) echo yes;; esac", "a" * 200) == ""


LANES = st.lists(
    st.tuples(
        st.sampled_from(("S1", "S2", "S3")),
        st.lists(st.sampled_from(ODD), min_size=1, max_size=5).map("".join),
        st.lists(st.lists(st.sampled_from(ODD), min_size=1, max_size=5).map("".join), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LANES, st.data())
def test_what_others_pushed_is_never_run(
    shell: list[str], tmp_path: Path, said: list[tuple[str, str, list[str]]], data: st.DataObject
) -> None:
    """Lanes of any name and scope: the hooks' file is read whole, runs nothing, and misses no path that is held."""
    lanes = {
        str(number): ("", Lane(session, "0" * 12, TIME, TIME, lane=name, scope=tuple(scope)))
        for number, (session, name, scope) in enumerate(said)
    }
    here: Any = SimpleNamespace(common_dir=tmp_path)
    remember(here, Policy(), Found(lanes=lanes))
    me = data.draw(st.sampled_from(("", "S1")))
    paths = [re.sub(r"\*+|\?", lambda _: "é", glob) for _, _, scope in said for glob in scope]
    out = in_sh(shell, LOOK, str(tmp_path / "guard/lanes"), me, *paths).split("\n")
    mine = [glob for session, _, scope in said if session == me for glob in scope]
    theirs = [glob for session, _, scope in said if session != me for glob in scope]
    for path, answer in zip(paths, out, strict=False):
        if not covers(mine, path):
            assert "judge" in answer
            assert ("held" in answer) or not covers(theirs, path)
    assert out[-1] == "whole"


TIME = "2026-01-05T10:00:00Z"
LOOK = """
command . "$1"; guard_me=$2; shift 2
for p; do
  guard_lane "$p" && printf judge; guard_holder "$p" && printf held; echo
done
[ "$guard_lanes" = 1 ] && printf whole
"""


@pytest.mark.parametrize("glob", ["a\0b", "a\ud800b"])
def test_a_scope_that_no_path_can_have_is_no_lane(glob: str) -> None:
    """Nothing can be written down for it; bytes that are not UTF-8 are fine."""
    assert read(Lane("S1", "0" * 12, TIME, TIME, lane="RIVER", scope=(glob,)).message()) is None
    assert read(Lane("S1", "0" * 12, TIME, TIME, lane="RIVER", scope=("a\udcffb",)).message()) is not None
