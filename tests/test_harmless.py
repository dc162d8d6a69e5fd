"""The quick look at scripts: it may say yes only where the parser finds nothing."""

import subprocess
import sys
from pathlib import Path
from string import ascii_letters, digits

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.shell.bash_versions import SETTINGS, VARIABLES
from guard.shell.harmless import _FINE, _PLAIN, _SHORT, harmless
from guard.shell.judged import marks
from guard.shell.macos_commands import ABSENT, GNU_NAMES, OPTIONS

ROOT = Path(__file__).resolve().parent.parent

ORDINARY = """\
#!/bin/bash
# What a stream runs.
set -euo pipefail
OUT=build
export PATH=$HOME/bin:$PATH LANG=C
cd "$OUT"
if [ ! -f "$1/page.json" ]; then
  printf '%s\\n' "no page in $1" >&2
  exit 1
elif [ "$2" = all ]; then echo all; fi
for page in pages/*.md "$1"; do
  python3 tools/check.py --strict "$page" >>"$OUT/log" 2>&1 || { echo "bad: ${page}"; exit 1; }
done
while read_next.py; do ./run.sh "$@" | tee log & done
mkdir -p "$OUT/pages" && rm -rf old  # what was there
"""


def test_ordinary_scripts_are_harmless() -> None:
    """Conditions, loops, plain variables and well-known commands need no parser; but not each command is known."""
    text = ORDINARY.replace("while read_next.py", "while ./read_next.py")
    assert harmless(text.encode())
    assert harmless(b"")
    assert harmless(b"echo hi\n")
    assert not harmless(ORDINARY.encode())


@pytest.mark.parametrize(
    "line",
    [
        *("echo ${x,,}", "echo $(date)", "echo `date`", "a=(1)", "[[ -v x ]]", "cat <<A", "f() { true; }", "cat <(ls)"),
        *("timeout 5 true", "X=1 timeout 5 true", "T=timeout; $T 5 true", "sed -i s/a/b/ f", "'timeout' 5 true"),
        *("git add -A", "./git-x.sh", "bash -c 'git add -A'", "eval true", "echo -e '\\e[1m'", "echo '-e' '\\e[1m'"),
        *(
            "if true; then",
            "fi",
            "then true",
            "for x in a; do true",
            "if then true; fi",
            "echo 'a",
            'echo "a',
            "true |",
        ),
        *("true &&", "true ;; true", "true &> f", "true |& cat", "mkdir --parents x", "touch -d tomorrow f", "if=1 fi"),
        *("printf '%(%F)T'", "printf -v x y", "test -v x", "[ -v x ]", "echo {1..3}", "echo {01..03}", "X=1 if true"),
        *("cat '-A' f", 'set -o "posix"', "declare -A x", "local -n x", "wait -n", "read -t 0.5 x", "echo a\\", "$x y"),
    ],
)
def test_what_it_does_not_know_is_left_to_the_parser(line: str) -> None:
    """Whatever is newer, another system's, another program's text or not whole is at least unsure."""
    assert not harmless(f"{line}\n".encode())


@pytest.mark.parametrize("name", sorted({*VARIABLES, *SETTINGS}))
def test_no_newer_variable_is_taken_for_a_plain_one(name: str) -> None:
    """Neither read nor set: the parser's table of them has none that is overlooked here."""
    for line in (
        f"echo ${name}",
        f'echo "${{{name}}}"',
        f"{name}=1",
        f"export {name}=1",
        f"for {name} in a; do true; done",
    ):
        assert not harmless(line.encode()), line


@pytest.mark.parametrize("name", ["echo", "printf", "set", "test", "export", *_PLAIN, *_SHORT, *_FINE])
def test_no_option_is_overlooked(name: str) -> None:
    """Every option of one letter or digit, and some words, beside every command that is known: the parser agrees."""
    for word in (*(f"-{each}" for each in ascii_letters + digits), "--all", "--color", "infinity", "1d", "0.5"):
        for tail in ("", " x", " x y"):
            data = f"{name} {word}{tail}\n".encode()
            assert not harmless(data) or not marks(data, "x.sh"), data


@pytest.mark.parametrize("data", [b"echo \xc3\xa4", b"echo a\r\n", b"echo \0", b"echo a\n" * 4000])
def test_no_odd_file_is_read(data: bytes) -> None:
    """Other letters, other ends of lines, a NUL or a long file: the parser knows what to make of them."""
    assert not harmless(data)


KNOWN = ("echo", "printf", "export", "readonly", "set", "test", "[", *_PLAIN, *_SHORT, *_FINE)
NAMES = st.sampled_from(
    [
        *(*KNOWN, *KNOWN, *ABSENT, *GNU_NAMES, *OPTIONS, "./run.sh", "$D/a.sh", "./git-x.sh", "/bin/timeout", "git"),
        *("bash", "eval", "find", "awk", "X=1", "X=", "T=timeout", "$T", "'echo'", "if", "{", "!", "x"),
    ]
)
WORDS = st.sampled_from(
    [
        *(
            "-e",
            "-n",
            "-v",
            "-u",
            "-p",
            "-rf",
            "--all",
            "+x",
            "-",
            "--",
            "x",
            "a=b",
            "=",
            "==",
            "!=",
            "'a b'",
            '"$x b"',
        ),
        *('"${x}"', "$x", "$1", '"$@"', "$#", "'%s\\n'", "'%(a)T'", "%Q", "*", "?", "[", "]", "{", "}", "!", "../x"),
        *("22", "a,b", "x[1]", "'\\e'", "pipefail", "-o", "in", "$BASHPID", "PS0=1", "#x", "a#b", "'-v'", "-R", "-f"),
        *("timeout", 'a"b"c', "-c", ">f", "2>&1", "<f", ">&2", "&>f", "then", "do", "fi", "done", "~", '""'),
    ]
)
COMMANDS = st.builds(lambda name, words: " ".join([name, *words]), NAMES, st.lists(WORDS, max_size=4))
BLOCKS = st.one_of(
    COMMANDS,
    st.builds("if {}; then {}; fi".format, COMMANDS, COMMANDS),
    st.builds("if {}\nthen {}\nelse {}\nfi".format, COMMANDS, COMMANDS, COMMANDS),
    st.builds("for x in {}; do {}; done".format, WORDS, COMMANDS),
    st.builds("while {}; do {}; done >log".format, COMMANDS, COMMANDS),
    st.builds("{{ {}; }}".format, COMMANDS),
)
SIGNS = st.sampled_from(["\n", "\n", "; ", " && ", " || ", " | ", " & ", " |& ", ";; ", " ! "])


@settings(max_examples=800, deadline=None)
@given(
    st.sampled_from(["", "#!/bin/sh\n", "#!/bin/bash -eu\n", "set -eu\n"]),
    st.lists(st.tuples(BLOCKS, SIGNS), max_size=4),
)
def test_a_yes_is_never_wrong(first: str, lines: list[tuple[str, str]]) -> None:
    """However commands, words and signs are put together, a quick yes is the parser's too: it finds nothing, not even
    something that it cannot read."""
    data = (first + "".join(f"{line}{sign}" for line, sign in lines)).encode()
    if harmless(data):
        marks.cache_clear()
        assert not marks(data, "x.sh")
        assert not marks(data, "x.zsh")


def test_it_loads_nothing() -> None:
    """What the hook asks of a script that it lets pass comes with a bare Python."""
    code = f"import sys; sys.path[:0] = [{str(ROOT)!r}]; from guard.hooks import quick\n"
    code += "assert quick.fine('x.sh', b'echo hi'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert not {*done.stdout.split()} & {"re", "enum", "typing", "functools", "collections", "tree_sitter"}
