"""guard/shell: whatever a file holds, it is judged in time and without a crash; and what reaches people of it."""

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.change import Change, File
from guard.judge import judge, rules
from guard.policy import Policy, parse
from guard.shell.judged import Mark, marks
from guard.shell.scripts import kind
from guard.shell.words import Word, closing, read, unquoted

CODES = ("G301", "G302", "G303")


def judged(data: bytes, path: str = "x.sh") -> tuple[Mark, ...]:
    """Everything found in a file, worked out anew."""
    marks.cache_clear()
    return marks(data, path)


# --- whatever a file holds ---------------------------------------------------------------------------------------

PATHOLOGICAL = {
    "a line of 1 MB": b"echo " + b"a" * 1_000_000,
    "a million words": b"echo " + b"a " * 500_000,
    "500,000 commands": b"a;" * 500_000,
    "brackets": b"(" * 5000 + b")" * 5000,
    "open brackets": b"(" * 5000,
    "substitutions": b"$(" * 5000 + b")" * 5000,
    "quoted substitutions": b'"$(' * 3000,
    "arithmetic": b"$((" * 5000 + b"1" + b"))" * 5000,
    "expansions": b"${a[" * 5000,
    "closed expansions": b"${a:-" * 3000 + b"}" * 3000,
    "backticks": b"`" * 99_999,
    "quotes": b"'" * 99_999,
    "double quotes": b'"' * 99_999,
    "here-documents": b"cat <<A\n" * 5000,
    "ifs": b"if a; then " * 5000,
    "closed ifs": b"if a; then " * 1000 + b"timeout 5 x; " + b"fi; " * 1000,
    "cases": b"case a in b) " * 5000,
    "braces": b"{" * 100_000,
    "lists": b"a||" * 100_000,
    "pipes": b"a|&" * 50_000 + b"a",
    "arrays": b"x=(" * 5000,
    "findings": b"echo ${x,,}; timeout 5 y\n" * 20_000,
    "guarded findings": b"if a; then echo ${x,,}; fi\n" * 20_000,
    "sed programs": b"sed '" + b"s/a/b/;{p;" * 20_000 + b"' f",
    "one awk program": b"awk '" + b"{ x = 1 } /a/ " * 50_000 + b"'",
    "nested evals": b"eval '" * 2000,
    "functions": b"".join(b"f%d() { f%d; declare -A m; }\n" % (n, n + 1) for n in range(2000)),
    "exits": b"[ a ] || exit 1\n" * 5000 + b"declare -A m\n" * 500,
    "any bytes": bytes(range(256)) * 2000,
    "NUL": b"\0" * 1_000_000,
    "NUL in between": b"#!/bin/sh\n" + b"a\0b\n" * 100_000,
    "invalid UTF-8": b"echo \xff\xfe ${x,,}\n" * 1000,
    "nothing": b"",
    "a first line alone": b"#!/bin/bash",
    "set -u": b"set -u\na=()\n" + b'echo "${a[@]}"\n' * 5000,
    "substituted": b"${ x; " * 3000,
    "tildes": b"${x~" * 20_000,
    "worktrees": b"git worktree add w\n" * 5000,
    "here-documents that go on": b"cat <<A; x\n$a\nA\n" * 20_000,
    "indented here-documents": b"cat <<A\n  $a\nA\n" * 20_000,
    "here-documents without an end": b"cat <<-A\n\t$a\nB\n" * 20_000,
    "redirected assignments": b"x=1 >f\n" * 50_000,
    "what the grammar stumbles over, on one line": b"x=1 >f;" * 80_000,
    "what the grammar stumbles over": b"((a) | b)\n" * 50_000,
    "commands that a variable names": b"T=timeout\n" + b"$T x\n" * 30_000,
    "commands that variables name": b"".join(b"T%d=timeout\n$T%d x\n" % (n, n) for n in range(10_000)),
    "functions that run their arguments": b'r() { "$@"; }\n' * 5000 + b"r timeout 5 x\n" * 5000,
    "here-strings": b'bash <<< "a b"\n' * 5000,
    "strings that are piped": b'echo "a b" | bash\n' * 5000,
    "regexes": b"[[ $a =~ ^${b}$ ]]\n" * 20_000,
    "blanks in a string": b'"' + b" $a" * 200_000 + b'"',
}


@pytest.mark.parametrize("data", PATHOLOGICAL.values(), ids=PATHOLOGICAL)
def test_pathological_files_are_judged(data: bytes) -> None:
    """Depth, length and garbage cost no crash; benchmarks/shell.py measures what they take."""
    assert isinstance(judged(data), tuple)


@pytest.mark.parametrize("path", ["Makefile", ".github/workflows/x.yml"])
@pytest.mark.parametrize(
    "data",
    [
        b"a:\n\t" * 20_000,
        b"jobs:\n" * 20_000,
        b"- " * 100_000,
        b"run: |\n  git stash\n" * 5000,
        bytes(range(256)) * 500,
    ],
)
def test_pathological_makefiles_and_workflows_are_judged(path: str, data: bytes) -> None:
    """Likewise where scripts stand inside of other files."""
    assert isinstance(judged(data, path), tuple)


PIECES = st.sampled_from(
    ["${x,,}", "${", "}", "$(", ")", "`", "'", '"', "\\", "\n", " ", ";", "&", "|", "|&", "<<EOF\n", "EOF\n", "if ", "then ", "fi",
     "case x in a) ", ";;&", "esac", "((", "))", "[[ ", " ]]", "{01..9}", "for i in ", "do ", "done", "timeout 5 x", "sed -i 's/a/b/' f",
     "bash -c '", "eval ", "git add -A", "#", "\x00", "é", "\r\n", "a[-1]=", "set -u", "x=()", "function f ", "{fd}>", "awk '{ print", "$'\\u", "~~", "coproc "]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_no_mixture_of_pieces_crashes(text: str) -> None:
    """Any mixture of shell pieces is judged, places are in the file, and judging twice says the same."""
    data = text.encode()
    found = judged(data)
    lines = text.replace("\r\n", "\n").split("\n")
    for mark in found:
        assert 1 <= mark.line <= len(lines)
        assert 1 <= mark.column <= len(lines[mark.line - 1]) + 1
    assert [mark.what for mark in judged(data)] == [mark.what for mark in found]


@settings(max_examples=150)
@given(st.binary(max_size=300), st.sampled_from(["x.sh", "x", "Makefile", ".github/workflows/x.yml", "x.zsh"]))
def test_no_bytes_crash(data: bytes, path: str) -> None:
    """Any bytes are judged under any name."""
    judged(data, path)


def test_line_ends_and_marks_of_byte_order_do_not_matter() -> None:
    """A script with CRLF, or with a byte order mark, has the same findings at the same places."""
    text = b"#!/bin/bash\nx=1\n  echo ${x,,}\nbash <<'EOF'\nmapfile a\nEOF\n"
    places = [(mark.key, mark.line, mark.column) for mark in judged(text)]
    assert places == [("lower", 3, 8), ("mapfile", 5, 1)]
    assert [(mark.key, mark.line, mark.column) for mark in judged(text.replace(b"\n", b"\r\n"))] == places
    assert [(mark.key, mark.line) for mark in judged(b"\xef\xbb\xbf" + text)] == [place[:2] for place in places]


@pytest.mark.parametrize("cut", range(0, 220, 7))
def test_truncated_scripts_are_judged_as_far_as_they_go(cut: int) -> None:
    """Wherever a script is cut off, what stood before the last command is found."""
    text = "#!/bin/bash\nmapfile -t a < f\nif [ $# -gt 0 ]; then\n  echo \"${x,,}\"\n  case $1 in\n    a) timeout 5 x ;;\n  esac\nfi\ncat <<EOF\n$(date -d yesterday)\nEOF\nf() {\n  bash -c 'declare -A m'\n}\nf\n"
    whole = {(mark.key, mark.line) for mark in judged(text.encode()) if mark.code}
    line = text[:cut].count("\n")
    found = {(mark.key, mark.line) for mark in judged(text[:cut].encode()) if mark.code}
    assert {place for place in found if place[1] < line} <= whole


def test_what_the_grammar_cannot_read_is_said_and_the_rest_is_judged() -> None:
    """A broken script has its findings, and a remark that refuses nothing."""
    found = judged(b"#!/bin/bash\nmapfile -t a\nif x; then\nfoo ))\ndeclare -A m\n")
    assert {"mapfile", "assoc"} <= {mark.key for mark in found}
    assert [mark.what for mark in found if not mark.code] == ["the grammar cannot read all of it"]


MISREAD = [
    'echo "${x:$y:1}" ${x:$y} ${@:$i:1} ${x:$((n-1)):2}', "{ while a; do b; done }", "f() { (cd x && y) }", "f() { if a; then b; fi }",
    "cat <<E &\nx\nE", "cat <<E; a\nx\nE", "cat <<E 2>&1 | b\nx\nE", "cat <<A <<B\nx\nA\ny\nB", "if cat <<E; then\nx\nE\n  a\nfi",
    "cat <<E | while read -r x; do\nit's\nE\n  a\ndone", "cat > f <<'E' ||\n{\nE\nexit 1", "f() { cat <<E; }\nx\nE", "[[ $x == --@(a|b) ]]\nshopt -s extglob", "shopt -s extglob\nf() {\n  if [[ $1 == ?(-)+([0-9]) ]]; then :; fi\n}",
    "shopt -s extglob\nrm -f !(*.a|b)", 'n=$(($1 + 0)) 2>/dev/null && a "$n"', "((a) | b)", "x=$((a) | b)", "(a; b) && ((1))", "x=`a | sed s/:$//`", 'echo "a$" $ b$',
    '[ \\( -h "$a" -a \\( b = c \\) \\) -o "$x" \\> y ]', '[ "$a" "$b" ]', "for i do a; done", "a <>f", "case $1 in +([0-9])) a;; esac", "x=${y:+(a)} z=${y+(b)}", "echo $((2*(3+1)))", "while read -n1 c; do a; done <<< \"${x:$i:1}\"",
]  # fmt: skip


@pytest.mark.parametrize("script", MISREAD)
def test_what_the_grammar_misreads_hides_nothing(script: str) -> None:
    """Constructs that tree-sitter's bash does not know are read all the same, and so is what follows them."""
    found = judged(f"#!/bin/bash\n{script}\nmapfile -t a\n".encode())
    last = script.count("\n") + 3
    assert [(mark.key, mark.line) for mark in found if mark.line == last] == [("mapfile", last)]
    assert "" not in {mark.code for mark in found}


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("cat <<E; a\n${x,,}\nE\n", [3]),
        ("cat <<'E'; a\n${x,,}\nE\n", []),
        ("cat <<-E | while read -r x; do\n\t${x,,}\n\tE\n  mapfile a\ndone\n", [3, 5]),
        ("echo ${x:-`mapfile a`}\n", [2]),
        ("cat <<E\na `mapfile a`\nE\n", [3]),
        ("cat <<E\n\n  ${x,,}\n\t$(mapfile a)\n \n$BASHPID\n  \\${y,,} '${z,,}'\nE\n", [4, 5, 7, 8]),
        ("cat <<'E'\n  ${x,,}\nE\n", []),
        ('x="$a ${b,,}"\ny=" $BASHPID $(mapfile a)"\n', [2, 3, 3]),
        ("[[ $a = ${b,,} ]]\n[[ $a =~ ^'${x,,}'${b,,}$ ]]\n[[ $a = $(mapfile a) ]]\n", [2, 3, 4]),
        ("# cat <<E\n  $x declare -A m\necho <<E\nE\n  mapfile a\n", [6]),
    ],
)
def test_what_is_taken_out_is_judged_by_itself(script: str, lines: list[int]) -> None:
    """A here-document whose first line goes on, and backticks in an expansion: what the shell expands there counts."""
    assert [mark.line for mark in judged(f"#!/bin/bash\n{script}".encode()) if mark.code] == lines


# --- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "text", "dynamic"),
    [
        ("abc", "abc", False), ("'a b'", "a b", False), ('"a b"', "a b", False), ("a'b'\"c\"", "abc", False), ("a\\ b", "a b", False),
        ("$'a\\nb'", "a\nb", False), ("$'\\x41\\101'", "AA", False), ("'it'\\''s'", "it's", False), ('"a\\"b"', 'a"b', False), ('"a\\nb"', "a\\nb", False),
        ("$x", "$x", True), ('"$x"', "$x", True), ("'$x'", "$x", False), ("\\$x", "$x", False), ("a$(b 'c')d", "a$(b 'c')d", True), ("`a`", "`a`", True), ("a$", "a$", False),
    ],
)  # fmt: skip
def test_words_are_read_as_the_shell_reads_them(raw: str, text: str, dynamic: bool) -> None:
    """Quotes come off; expansions stay as they are written."""
    word = Word(raw, 0)
    assert (word.text, word.dynamic) == (text, dynamic)


@given(st.text(alphabet="a'\"\\$`{}() \n", max_size=40))
def test_every_character_of_a_word_has_its_place(raw: str) -> None:
    """Reading gives a place for each character, in order, inside of the word."""
    text, places, _, _ = read(raw)
    assert len(text) == len(places)
    assert all(0 <= place < len(raw) for place in places)
    assert places == sorted(places)
    assert len(unquoted(raw)) == len(raw)
    assert 0 <= closing(raw, 0, "{", "}") <= len(raw)


# --- through the judge -------------------------------------------------------------------------------------------


def change_of(files: dict[str, bytes], mode: str = "100644") -> Change:
    """A change that adds files."""
    return Change([File(path, "000000", mode, "", path) for path in files], read=files.get)


def test_findings_reach_people_with_line_and_column() -> None:
    """`path:line:column: code name: message`, a why and a fix, and all of it for programs."""
    [finding] = judge(change_of({"run.sh": b"x=1\n  declare -A m\n"}), Policy(), codes=CODES)
    assert finding.text().startswith(
        "run.sh:2:3: G301 bash4-construct: an associative array (declare -A) needs bash 4.0"
    )
    assert finding.value()["column"] == 3
    assert finding.why
    assert finding.fix


def test_what_a_comment_lets_pass_is_kept_apart() -> None:
    """It is no finding; the change keeps it with its reason."""
    change = change_of({"run.sh": b"declare -A m  # guard: allow G301 our servers\nif\n"})
    assert judge(change, Policy(), codes=CODES) == []
    assert {(each.code, each.passes) for each in change.let_pass} == {
        ("G301", "our servers"),
        ("G301", "judged as far as it can be read"),
    }


@pytest.mark.parametrize(
    ("path", "mode", "found"),
    [
        ("a.sh", "100644", True), ("a.sh", "100755", True), ("a.sh", "120000", False), ("a.sh", "160000", False), ("a", "100755", True), ("a", "100644", True),
        ("a.py", "100644", False), ("a.py", "100755", True), ("a.md", "100644", False), ("a.json", "100644", False), ("hooks/pre-commit.sample", "100644", True),
    ],
)  # fmt: skip
def test_scripts_are_known_by_shebang_name_and_mode(path: str, mode: str, found: bool) -> None:
    """A link is no script; a file with another language's end is one only where it can be run."""
    assert bool(judge(change_of({path: b"#!/bin/bash\ndeclare -A m\n"}, mode), Policy(), codes=("G301",))) is found


def test_the_policy_is_read_from_guard_toml() -> None:
    """[shell] says the oldest bash and the oldest macOS."""
    files = {"a.sh": b"declare -A m\nrealpath f\n"}
    assert len(judge(change_of(files), parse(b'[shell]\ntarget = "bash3.2"\nmacos = "12"\n'), codes=CODES)) == 2
    assert not judge(change_of(files), parse(b'[shell]\ntarget = "bash4.4"\nmacos = "14"\n'), codes=CODES)


def test_a_commit_without_scripts_loads_no_parser() -> None:
    """The rules are imported at every commit; the grammar only where a script is judged that may have a finding."""
    program = (
        "import sys\nfrom guard.change import Change, File\nfrom guard.judge import judge\nfrom guard.policy import Policy\n"
        "judge(Change([File('a.json', '000000', '100644', '', 'x'), File('b.sh', '000000', '100644', '', 'x')], read=lambda _: b'true'),"
        " Policy(), codes=('G301', 'G302', 'G303'))\n"
        "print([name for name in sys.modules if name.startswith(('tree_sitter', 'guard.shell.'))])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['guard.shell.harmless', 'guard.shell.scripts']"


# --- the rules' own words ----------------------------------------------------------------------------------------


def examples(code: str, label: str) -> list[str]:
    """The lines of a block in a rule's docstring."""
    [rule] = [rule for rule in rules() if rule.code == code]
    block = rule.document().split(f"{label}:\n", 1)[1].split("\n\n", 1)[0]
    return [line.strip() for line in block.split("\n")]


@pytest.mark.parametrize("code", CODES)
def test_examples_of_the_rules_hold(code: str) -> None:
    """What a docstring says is found is found by that rule; what it says is fine is fine for all three."""
    for line in examples(code, "Found"):
        assert code in {mark.code for mark in judged(f"#!/bin/bash\n{line}\n".encode())}, line
    for line in examples(code, "Fine"):
        assert not judged(f"#!/bin/bash\n{line}\n".encode()), line


# --- guard check -------------------------------------------------------------------------------------------------


def guard(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the command."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GITHUB_ACTIONS": "", "NO_COLOR": "1"}
    return subprocess.run(
        [Path(sys.executable).with_name("guard"), *words],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_check_judges_files_whether_they_differ_or_not(tmp_path: Path) -> None:
    """`guard check FILE --rule ...` looks at the file as it is, committed or not, and says what was let pass."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.invalid"]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "run.sh").write_text("timeout 5 x\ndeclare -A m  # guard: allow G301 our servers\n")
    subprocess.run([*git, "add", "--", "run.sh"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "x"], check=True)
    done = guard(tmp_path, "check", "run.sh", "--rule", "G301,G302,G303", "--json")
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    assert [(each["code"], each["path"], each["line"], each["column"]) for each in said["findings"]] == [
        ("G302", "run.sh", 1, 1)
    ]
    assert [(each["code"], each["line"], each["passes"]) for each in said["let_pass"]] == [("G301", 2, "our servers")]
    assert said["judged"] == 1
    text = guard(tmp_path, "check", "run.sh", "--rule", "G301,G302,G303").stdout
    assert text.startswith("run.sh:1:1: G302 gnu-only-command: timeout")
    assert "run.sh:2:1: G301 bash4-construct" in text
    assert "(let pass: our servers)" in text
    assert "1 let pass" in text


def test_kinds_of_files() -> None:
    """Makefiles and workflows are known by their names."""
    assert kind("Makefile", b"") == kind("a/b.mk", b"") == "makefile"
    assert kind(".github/workflows/a.yml", b"") == kind("x/action.yaml", b"") == "workflow"
    assert kind("a.yml", b"") == kind("a.png", b"\0\0") == ""
    with redirect_stdout(io.StringIO()):
        assert kind("a", b"#!/usr/bin/env -S bash -e\n") == "bash"


def test_the_page_is_what_the_tables_say() -> None:
    """docs/shell.md is written by guard/shell/pages.py: every construct and command, none that is gone."""
    from guard.shell.pages import page

    assert (Path(__file__).resolve().parents[1] / "docs/shell.md").read_text(encoding="utf-8") == page()


HEAVY = {
    "pipeline that breaks off": b"a|" * 100_000,
    "pipeline over lines": b"a |\n" * 50_000,
    "pipes in many pipelines": b"a|b|c;" * 50_000 + b"a|",
    "small pipeline": b"a|" * 3900,
    "installs": b"brew install " * 80_000,
    "times": b"printf '" + b"%(" * 200_000 + b"'",
}


@pytest.mark.parametrize("data", HEAVY.values(), ids=HEAVY)
def test_no_script_takes_gigabytes_or_forever(data: bytes) -> None:
    """What the grammar stumbles over with all of a pipeline in its hands is cut short, in bounded memory, and said."""
    code = (
        "import resource, sys\n"
        "from guard.shell.judged import marks\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (20, 20))\n"
        "data = b'#!/bin/bash\\nmapfile x\\n' + sys.stdin.buffer.read()\n"
        "print(*(mark.key for mark in marks(data, 'x.sh')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    assert b"mapfile" in done.stdout  # what stands before it is judged all the same


JOB = "on: push\njobs:\n  a:\n    runs-on: macos-14\n    steps:\n"
STEPS = [
    ("- run: &x |\n    git stash\n    mapfile x", [("stash", 7, 11), ("mapfile", 8, 11)]),
    ("- run: !!str |\n    mapfile x", [("mapfile", 7, 11)]),
    ("- run: &x mapfile x", [("mapfile", 6, 17)]),
    ('- run: "echo\\nmapfile x"', [("mapfile", 6, 21)]),
    ('- run: "echo &&\n    mapfile x"  # why', [("mapfile", 7, 11)]),
    ("- run: 'echo ''a b'' && mapfile x'", [("mapfile", 6, 31)]),
    ("-\n  run: mapfile x", [("mapfile", 7, 14)]),
    ("- shell: /opt/homebrew/bin/bash {0}\n  run: mapfile x; sed -i s/a/b/ x", [("sed", 7, 29)]),
    ("- shell: /bin/bash {0}\n  run: mapfile x", [("mapfile", 7, 14)]),
    ("- uses: x\n  with:\n    run: mapfile x\n    shell: sh", []),
    ("- env:\n    run: mapfile x", []),
    ("- run: mapfile x\n  with:\n    shell: pwsh", [("mapfile", 6, 14)]),
    ("- run: ${{ a }} mapfile; ${{ b", []),
]


@pytest.mark.parametrize(("step", "found"), STEPS)
def test_steps_are_read_as_yaml_has_them(step: str, found: list[tuple[str, int, int]]) -> None:
    """Anchors, tags, quotes with their escapes, a dash of its own; inputs and variables called `run` are no steps."""
    text = JOB + "".join(f"      {line}\n" for line in step.split("\n"))
    marked = judged(text.encode(), ".github/workflows/x.yml")
    assert [(mark.key, mark.line, mark.column) for mark in marked] == found


LARGE = {
    "steps": (JOB + "      - run: mapfile x\n" * 20_000, ".github/workflows/x.yml", "mapfile"),
    "answers": (JOB + "      - run: mapfile x\n      - run: " + "${{ " * 200_000, ".github/workflows/x.yml", "mapfile"),
    "condition": (
        JOB + "      - run: mapfile x\n      - run: a\n        if: " + "==" * 500_000,
        ".github/workflows/x.yml",
        "mapfile",
    ),
    "colons": ("a:\n\tgit stash\n" + ":" * 1_000_000, "Makefile", "stash"),
    "targets": ("a:\n\tgit stash\n" + "a: " * 300_000, "Makefile", "stash"),
}


@pytest.mark.parametrize(("text", "path", "key"), LARGE.values(), ids=LARGE)
def test_a_large_file_around_scripts_is_read_in_time(text: str, path: str, key: str) -> None:
    """Nothing in it costs the square of its length; of very many steps those that are not judged are spoken of."""
    found = judged(text.encode(), path)  # which took minutes
    assert key in {mark.key for mark in found}
    assert ("too large" in " ".join(mark.what for mark in found)) is (text.count("run:") > 600)


def test_only_the_second_line_makes_a_python_program_of_a_script() -> None:
    """What looks like one further down is a script all the same."""
    assert kind("x", b"#!/bin/sh\n'''exec' /opt/python \"$0\" \"$@\"\n' '''\nimport os\n") == ""
    assert kind("x", b"#!/bin/sh\n: <<X\n'''exec' \nX\nmapfile x\n") == "sh"
