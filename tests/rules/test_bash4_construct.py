"""G301: what bash 3.2 does not run. No bash 3.2 is at hand here: what is expected was measured with one elsewhere."""

import pytest

from guard.shell.bash_versions import CONSTRUCTS, VARIABLES
from guard.shell.judged import Mark, marks

HEAD = "#!/bin/bash\n"


def found(script: str, code: str = "G301", path: str = "run", head: str = HEAD, **policy: str) -> list[Mark]:
    """What one rule finds in a script."""
    every = marks((head + script + "\n").encode(), path, **policy)
    return [mark for mark in every if mark.code == code and not mark.passes]


def test_what_to_write_instead_is_portable() -> None:
    """No replacement uses what it replaces, or anything else that is refused."""
    for key, construct in CONSTRUCTS.items():
        assert not found(construct.instead), (key, construct.instead)
    for name, (_, instead) in VARIABLES.items():
        assert not found(instead), (name, instead)


# --- in the tokens of a line -------------------------------------------------------------------------------------

TOKENS = {
    "lower": [
        'echo "${x,}"',
        "echo ${x,,}",
        "y=${1,,}",
        'y="${@,,}"',
        "echo ${a[@],,}",
        "echo ${x,,[A-M]}",
        "echo ${!x,,}",
        'echo "${x:-${y,,}}"',
        "cat <<EOF\n${x,,}\nEOF",
        "[[ ${x,,} == y ]]",
        "case ${1,,} in y) : ;; esac",
        'for w in "${a[@],,}"; do :; done',
        "f() { local x=${1,,}; }",
        'echo "$(echo ${x,,})"',
        "echo `echo ${x,,}`",
        'read -r a b <<< "${x,,}"',
        "(( n = ${#x} )); echo ${x,}",
    ],
    "upper": [
        "echo ${x^}",
        "echo ${x^^}",
        "echo ${x^^[a-m]}",
        'echo "${a[*]^^}"',
        "echo ${1^}",
        "echo ${m[k]^}",
        "echo ${*^^}",
    ],
    "toggle": ["echo ${x~}", "echo ${x~~}", 'echo "${a[@]~~}"'],
    "quote": ["echo ${x@Q}", 'echo "${a[@]@Q}"', 'log "${@@Q}"', 'echo "${*@Q}"', "echo ${1@Q}"],
    "transform": ["echo ${x@E}", "echo ${x@P}", "echo ${x@A}", "echo ${x@a}", "echo ${a[@]@A}", "echo ${!x@a}"],
    "transform-case": ["echo ${x@U}", "echo ${x@u}", "echo ${x@L}", 'echo "${a[@]@L}"'],
    "transform-pairs": ['echo "${m[@]@K}"'],
    "transform-words": ['echo "${m[@]@k}"'],
    "negative-subscript": [
        "echo ${a[-1]}",
        'echo "${a[-2]}"',
        "echo ${a[ -1 ]}",
        "echo ${a[-n]}",
        "echo ${#a[-1]}",
        "x=${BASH_ARGV[-1]}",
        'echo "${FUNCNAME[-1]}"',
        "echo ${a[-$i]}",
        "echo ${a[$((-1))]}",
    ],
    "negative-assign": ["a[-1]=x", "a[-1]+=x", "unset a[-1]", "unset 'a[-1]'", 'unset "a[-2]"', "unset -v 'a[-1]'"],
    "negative-length": [
        "echo ${x:0:-1}",
        'echo "${x:1:-1}"',
        "echo ${x::-1}",
        "echo ${x: -5:-2}",
        "echo ${x:$i:-2}",
        "echo ${x:0: -1}",
        "echo ${x:0:-$n}",
    ],
    "assoc": [
        "declare -A m",
        "local -A m",
        "typeset -A m",
        "readonly -A m",
        "declare -rA m=([a]=b)",
        "declare -r -A m",
        "declare -A m=([a]=1 [b]=2)",
        "declare -Ax m",
        "declare -x -A m",
        "f() {\n  local -A m\n}",
        "builtin declare -A m",
        "command declare -A m",
    ],
    "declare-global": ["f() { declare -g x=1; }", "declare -gr x=1", "typeset -g x"],
    "declare-case": ["declare -l x=A", "declare -u x=a", "local -l x", "typeset -u x", "declare -c x=abc"],
    "nameref": ["declare -n r=x", "local -n r=$1", "typeset -n r=x", "local -rn r=$1"],
    "local-options": ["f() { local -; set -f; }"],
    "local-inherit": ["f() { local -I x; }"],
    "unset-nameref": ["unset -n r"],
    "mapfile": [
        "mapfile a < f",
        "mapfile -t a < <(ls)",
        "readarray -t a < f",
        "ls | mapfile -t a",
        "builtin mapfile -t a < f",
        "command readarray a < f",
        'mapfile -t a <<< "$x"',
        "if mapfile -t a < f; then :; fi",
        "{ mapfile -t a; } < f",
        "x=$(mapfile -t a < f; echo ${#a[@]})",
        "ls && mapfile -t a < f",
    ],
    "mapfile-delimiter": ["mapfile -d '' a < f", 'readarray -d , -t a <<< "$x"', "mapfile -td '' a < f"],
    "coproc": ["coproc { cat; }", "coproc CAT { cat; }", "coproc (cat)", "coproc w while read -r x; do echo $x; done"],
    "coproc-simple": ["coproc cat", "coproc tail -f log"],
    "compopt": ["compopt -o nospace"],
    "not-found": ["command_not_found_handle() { echo $1; }", "function command_not_found_handle { echo $1; }"],
    "source-process": ["source <(cmd)", ". <(cmd --completion)", "source <(sed s/a/b/ f)"],
    "read-exact": ["read -N 1 x", "read -rN1 x", "read -r -N 4 x < f", "IFS= read -rN 1 x"],
    "read-initial": ["read -e -i default x", "read -ei default x", 'read -p "name " -e -i "$USER" x'],
    "read-fraction": [
        "read -t 0.5 x",
        "read -t .1 x",
        "read -t 0 x",
        "read -rt 0.1 x",
        "read -r -t0.5 x",
        "read -rsn1 -t 0.01 k",
    ],
    "printf-element": ["printf -v 'a[1]' %s x", 'printf -v "a[$i]" %s x', "printf -v a[0] %s x"],
    "printf-time": [
        "printf '%(%F)T\\n' -1",
        'printf "%(%Y-%m-%d)T" -1',
        "printf -v now '%(%s)T' -1",
        "printf '%(%H:%M)T %s\\n' -1 \"$*\"",
    ],
    "printf-quote": ["printf '%Q' x"],
    "unicode-escape": [
        "printf '\\u2713\\n'",
        "printf '\\U1F600'",
        "echo -e '\\u2713'",
        'printf "\\u00e9"',
        "printf '%b' '\\u2713'",
    ],
    "echo-escape": ["echo -e '\\e[1m'", 'echo -e "\\e[31mred\\e[0m"', "echo -ne '\\e[2K'"],
    "ansi-unicode": ["x=$'\\u2713'", "echo $'a\\u00e9b'"],
    "ansi-unicode-long": ["x=$'\\U0001F600'"],
    "wait-next": ["wait -n", "wait -n $a $b", "if ! wait -n; then :; fi"],
    "wait-forced": ["wait -f $pid"],
    "cd-exit": ["cd -P -e d", "cd -Pe d"],
    "complete-default": ["complete -D -F f"],
    "complete-initial": ["complete -I -F f"],
    "complete-nosort": ["complete -o nosort -F f g"],
    "brace-step": ["echo {1..10..2}", "echo {a..z..3}", "for i in {0..100..10}; do :; done", "echo x{1..9..2}y"],
    "brace-step-back": ["echo {10..1..-3}"],
    "brace-padding": [
        "echo {01..10}",
        "for i in {001..100}; do :; done",
        "touch f{01..03}.txt",
        "echo {1..010}",
        "mkdir -p d/{00..23}",
    ],
    "brace-variable": [
        "for i in {1..$n}; do :; done",
        "echo {$a..$b}",
        "echo {1..${n}}",
        "echo {1..$#}",
        "echo {0..$((n-1))}",
    ],
    "descriptor": [
        "exec {fd}>f",
        "exec {fd}< f",
        "exec {fd}>&-",
        "exec {lock}<>f",
        "cmd {fd}>&1",
        "while read -r x; do :; done {fd}< f",
    ],
    "test-variable": [
        "[[ -v x ]]",
        "if [[ -v x ]]; then :; fi",
        "[[ ! -v x ]]",
        "[[ -n $y && -v x ]]",
        "[[ -v $name ]]",
    ],
    "test-variable-plain": [
        "[ -v x ]",
        "test -v x",
        "if [ ! -v x ]; then :; fi",
        "if test -v x; then :; fi",
        "[ -n a -a -v x ]",
    ],
    "test-element": ["[[ -v a[1] ]]", "[[ -v a[$k] ]]", "[[ -v 'm[$k]' ]]", '[[ -v "m[k]" ]]'],
    "test-element-plain": ["[ -v 'a[1]' ]", "test -v 'm[k]'"],
    "test-nameref": ["[[ -R r ]]"],
    "pipe-both": [
        "a |& b",
        "make |& tee log",
        "a 2>x | b |& c",
        "if a |& grep -q x; then :; fi",
        "( a |& b )",
        "x=$(a |& b)",
    ],
    "append-both": ["a &>> f", "a &>>f", "{ a; b; } &>> log", "exec &>> log"],
    "fall-through": ["case $x in a) b ;& c) d ;; esac", "case $x in a) b ;;& *) d ;; esac", "case $x in a) b ;& esac"],
    "command-value": ["x=${ cmd; }", "echo ${ date; }", "x=${| REPLY=1; }", 'echo "a ${ date; } b"'],
    "replacement-match": ["echo ${x//b/[&]}", "echo ${x/b/<&>}"],
    "replacement-quotes": ['echo "${x/b/"c"}"', "echo \"${x//a/'b'}\""],
    "here-string-split": ["cat <<< $x", "grep a <<< $x", "cat <<< $(ls)", "cat <<< ${x}", "sort <<< a$x"],
    "arithmetic-quotes": ['echo $(( "$n" + 1 ))', 'x=$(("$a" * "$b"))'],
    "right-extglob": [
        "[[ $x == @(a|b) ]]",
        "[[ $x = +([0-9]) ]]",
        "[[ $x != *.@(jpg|png) ]]",
        "if [[ $1 == ?(-)+([0-9]) ]]; then :; fi",
    ],
    "case-in-substitution": [
        "x=$(case $y in a) echo 1;; esac)",
        'x="$(case $y in a) echo 1;; esac)"',
        "x=$(\n  case $y in\n    a) echo 1 ;;\n  esac\n)",
    ],
    "here-document-in-substitution": [
        "x=$(cat <<'EOF'\nit's\nEOF\n)",
        "x=$(cat <<EOF\nsmile :)\nEOF\n)",
        'x=$(cat <<EOF\na " b\nEOF\n)',
    ],
    "comment-in-substitution": ['x="$(\n# it\'s\necho 1\n)"'],
    "variable-array": ["PROMPT_COMMAND=(a b)"],
    "wait-process": ["cmd > >(tee log); wait $!"],
    "shopt": [
        "shopt -s globstar",
        "shopt -s nullglob globstar",
        "shopt -s lastpipe",
        "shopt -s inherit_errexit",
        "shopt -u autocd",
        "shopt -s checkjobs",
        "shopt -s direxpand",
        "shopt -s dirspell",
        "shopt -s localvar_inherit",
        "shopt -s assoc_expand_once",
        "shopt -s globasciiranges",
        "shopt -u patsub_replacement",
        "shopt -qs globstar",
        "bash -O globstar -c 'echo **'",
    ],
    "BASHPID": ["echo $BASHPID", 'echo "${BASHPID}"', "kill $BASHPID"],
    "BASH_ALIASES": ['echo "${BASH_ALIASES[ll]}"'],
    "EPOCHSECONDS": [
        "echo $EPOCHSECONDS",
        "(( EPOCHSECONDS - start > 5 ))",
        "t=$((EPOCHSECONDS + 1))",
        "echo ${EPOCHSECONDS}",
    ],
    "EPOCHREALTIME": ["t=$EPOCHREALTIME", "t=${EPOCHREALTIME/./}"],
    "SRANDOM": ["echo $SRANDOM", "echo $((SRANDOM % 6))"],
    "BASH_ARGV0": ["echo $BASH_ARGV0"],
    "BASHOPTS": ["echo $BASHOPTS"],
    "BASH_XTRACEFD": ["BASH_XTRACEFD=5", "exec 5>f; export BASH_XTRACEFD=5"],
    "PS0": ["PS0='x'"],
    "GLOBSORT": ["GLOBSORT=name"],
}


@pytest.mark.parametrize(("key", "script"), [(key, script) for key, scripts in TOKENS.items() for script in scripts])
def test_what_shows_in_the_tokens_is_found(key: str, script: str) -> None:
    """A construct is found, and nothing else is, wherever in a script it stands."""
    assert {mark.key for mark in found(script)} == {key}


def test_wait_takes_several_options() -> None:
    """`wait -n -p x` is two constructs on one line."""
    assert {mark.key for mark in found("wait -n -p done_pid")} == {"wait-next", "wait-variable"}


# --- code inside of strings and here-documents -------------------------------------------------------------------

NESTED = {
    "single quotes for bash -c": "bash -c 'echo ${x,,}'",
    "sh -c": "sh -c 'a |& b'",
    "options before": "bash -eu -o pipefail -c 'echo ${x^^}'",
    "a cluster": "bash -euc 'echo ${x^^}'",
    "/bin/bash": "/bin/bash -c 'mapfile -t a'",
    "sudo": "sudo -u me bash -c 'declare -A m'",
    "env": "env X=1 bash -c 'declare -A m'",
    "xargs": "ls | xargs -n1 bash -c 'echo ${1,,}' _",
    "find": "find . -exec bash -c 'echo \"${1^^}\"' _ {} \\;",
    "eval": "eval 'declare -A m'",
    "eval of words": "eval declare -A m",
    "eval in double quotes": 'eval "echo \\${x,,}"',
    "trap": "trap 'echo ${x,,}' EXIT",
    "trap in double quotes": 'trap "wait -n" INT TERM',
    "escaped in double quotes": 'bash -c "echo \\${x,,}"',
    "here-document": "bash <<'EOF'\necho ${x,,}\nEOF",
    "here-document with sudo": "sudo bash -s <<'EOF'\nmapfile -t a\nEOF",
    "here-document with its arguments": "bash -s a b <<'EOF'\nmapfile -t a\nEOF",
    "unquoted here-document": "bash <<EOF\necho \\${x,,}\nEOF",
    "piped here-document": "cat <<'EOF' | bash\nmapfile -t a\nEOF",
    "twice": "bash -c \"bash -c 'declare -A m'\"",
    "parts": "bash -c 'echo '\"'\"'a'\"'\"'; declare -A m'",
    "several lines": "bash -c '\n:\ndeclare -A m\n'",
}


@pytest.mark.parametrize("script", NESTED.values(), ids=NESTED)
def test_scripts_inside_of_scripts_are_found(script: str) -> None:
    """What a shell is given as a string or reads from a here-document is code, once."""
    assert len(found(script)) == 1


@pytest.mark.parametrize(
    ("script", "line", "column"),
    [
        ("bash -c '\n:\ndeclare -A m\n'", 4, 1),
        ("bash <<'EOF'\n:\n  declare -A m\nEOF", 4, 3),
        (":\n:\na | b |& c", 4, 7),
        ("f() {\n  x=1 \\\n    y=${2^^}\n}", 4, 7),
        ("trap '\n  wait -n\n' EXIT", 3, 3),
        ("case $x in\n  a) b ;&\n  c) d ;;\nesac", 3, 8),
        ("\t\x41=\u00e9; echo ${x,,}", 2, 12),
    ],
)
def test_places_are_those_of_the_construct(script: str, line: int, column: int) -> None:
    """The line and the column name the construct itself, also deep inside of a string."""
    assert [(mark.line, mark.column) for mark in found(script)] == [(line, column)]


# --- what only values show ---------------------------------------------------------------------------------------

VALUES = {
    "empty array": ("empty-array", 'set -u\na=()\necho "${a[@]}"'),
    "set -euo pipefail": ("empty-array", 'set -euo pipefail\na=()\nfor x in "${a[@]}"; do echo $x; done'),
    "set -o nounset": ("empty-array", "set -o nounset\na=()\necho ${a[*]}"),
    "filled only sometimes": ("empty-array", 'set -u\na=()\nif [[ $1 ]]; then a+=(x); fi\ncmd "${a[@]}"'),
    "filled in a loop": ("empty-array", 'set -u\na=()\nfor x in *; do a+=("$x"); done\ncmd "${a[@]}"'),
    "arguments": ("empty-array", 'set -u\na=("$@")\ncmd "${a[@]}"'),
    "local -a": ("empty-array", 'set -u\nf() { local -a a; cmd "${a[@]}"; }'),
    "local a=()": ("empty-array", 'set -u\nf() {\n  local a=()\n  cmd "${a[@]}"\n}'),
    "slice": ("empty-array", 'set -u\na=()\ncmd "${a[@]:1}"'),
    "filled by &&": ("empty-array", 'set -u\na=()\n[ -n "$1" ] && a+=(x)\ncmd "${a[@]}"'),
    "braced arguments": ("braced-arguments", 'set -u\ncmd "${@}"'),
    "braced star": ("braced-arguments", 'set -eu\ncmd "${*}"'),
    "set -e": ("errexit-test", "set -e\n[[ -f x ]]\necho there"),
    "set -e and (( ))": ("errexit-test", "set -e\n(( $# == 2 ))\necho there"),
    "set -e in a function": ("errexit-test", "set -euo pipefail\nf() {\n  [[ -n $1 ]]\n  echo there\n}"),
}


@pytest.mark.parametrize(("key", "script"), VALUES.values(), ids=VALUES)
def test_what_only_values_show_is_found(key: str, script: str) -> None:
    """Empty arrays and missing arguments under set -u, failing tests under set -e."""
    assert {mark.key for mark in found(script)} == {key}


FINE_VALUES = {
    "no set -u": 'a=()\necho "${a[@]}"',
    "turned off": 'set -u\na=()\nset +u\necho "${a[@]}"\nset -u',
    "with a default": 'set -u\na=()\necho ${a[@]+"${a[@]}"}',
    "with a default, :+": 'set -u\na=()\necho "${a[@]:+"${a[@]}"}"',
    "empty default": 'set -u\na=()\necho "${a[@]:-}"',
    "length": 'set -u\na=()\necho "${#a[@]}"',
    "keys": 'set -u\na=()\nfor i in "${!a[@]}"; do :; done',
    "filled": 'set -u\na=(x)\necho "${a[@]}"',
    "filled after": 'set -u\na=()\na+=(x)\necho "${a[@]}"',
    "guarded by its length": 'set -u\na=()\nif ((${#a[@]} > 0)); then echo "${a[@]}"; fi',
    "guarded by [ -gt ]": 'set -u\na=()\nif [ ${#a[@]} -gt 0 ]; then echo "${a[@]}"; fi',
    "guarded by [ -eq 0 ]": 'set -u\na=()\nif [ "${#a[@]}" -eq 0 ]; then exit; fi\necho "${a[@]}"',
    "guarded by &&": 'set -u\na=()\n((${#a[@]})) && echo "${a[@]}"',
    "guarded by || return": 'set -u\nf() {\n  local a=()\n  [[ ${#a[@]} -gt 0 ]] || return\n  echo "${a[@]}"\n}',
    "while": 'set -u\na=()\nwhile ((${#a[@]})); do echo "${a[@]}"; done',
    "arguments": 'set -u\ncmd "$@" "$*"',
    "arguments checked": 'set -u\n[ $# -gt 0 ] || exit 1\na=("$@")\ncmd "${a[@]}"',
    "the last test of a function": "set -e\nf() {\n  [[ -n $1 ]]\n}",
    "test with ||": "set -e\n[[ -f x ]] || exit 1\necho x",
    "test in if": "set -e\nif [[ -f x ]]; then echo x; fi\necho",
    "a sum": "set -e\n((n++)) || true\n((n = 2))\n((n += 1))\necho",
    "a sum as a condition": "set -e\nif ((n > 1)); then :; fi\n((n > 1)) || exit 1\n((n > 1)) && echo\n",
    "plain test": "set -e\n[ -f x ]\necho x",
}


@pytest.mark.parametrize("script", FINE_VALUES.values(), ids=FINE_VALUES)
def test_values_that_are_fine_are_fine(script: str) -> None:
    """Portable forms, and what a check keeps from being reached."""
    assert [mark.key for mark in found(script)] == []


# --- what is fine ------------------------------------------------------------------------------------------------

FINE = [
    "echo '${x,,}'", "# ${x,,} and |&", "echo \"\\${x,,}\"", "cat <<'EOF'\n${x,,}\nEOF", "awk '{ print |& \"x\" }'",
    "python3 - <<'EOF'\ndeclare -A\nmapfile\nEOF", "cat > f <<'EOF'\nmapfile -t a\nEOF", "echo mapfile readarray coproc",
    "grep mapfile f", "zsh -c 'echo ${x,,}'", "ssh host 'mapfile -t a'", "docker run i bash -c 'mapfile -t a'",
    "/opt/homebrew/bin/bash -c 'mapfile -t a'", "echo ${x:-a,b}", "echo ${x#,} ${x%,} ${x%%,*}", "echo ${x/,/^}",
    'echo "${x//^/,}"', "echo ${!prefix@} ${!prefix*}", "echo ${#x} ${#a[@]} ${#}", "echo ${a[${#a[@]}-1]}", "echo ${a[i-1]}",
    'echo "${a[@]: -1}"', "echo ${x: -3}", "echo ${x: -3:2}", "echo ${x:0:${#x}-1}", "echo ${x:1:n-1}", "echo ${x%?}",
    "declare -a a", "declare -i n=1", "declare -r x=1", "declare -x y", "declare -f f", "declare -p x", "export -n x", "local x=-A",
    "typeset -ix n", "readonly x", "declare -F", "read -r x", "read -t 5 x", "read -n 1 -s x", "read -rd '' x", "read -p 'a -N b' x",
    "read -a a", "read -u 3 x", "printf -v x %s y", "printf '%s(%s)T' a b", "printf '%%(x)T'", "printf '%q' x", "printf '\\033[1m'",
    "printf '\\x41'", "echo '\\e'", "echo -n '\\e'", "echo -e '\\033[1m'", "echo -e 'a\\tb'", "x=$'\\n\\t'", "x=$'\\x41'", "wait", "wait $pid", "wait %1",
    "wait $!", "shopt -s nullglob extglob", "shopt -q globstar", "set -o pipefail", "cd -P d", "cd d", "source f", ". ./f",
    "source /dev/stdin <<< \"$x\"", "cat < <(ls)", "echo {1..10} {a..z} {a,b} {01,02}", "x={1..10..2}", "echo '{01..10}'",
    "echo \"{01..10}\"", "echo ${x}..{y}", "eval echo {1..$n}", "a 2>&1 | b", "a >> f 2>&1", "a &> f", "a >& f", "a & > f",
    "exec 3> f", "exec 3>&-", "echo {fd} > f", "echo ${fd}>f", "[[ -n $x ]]", "[[ -z ${x+set} ]]", "[ -n x ]", "test -n x", "[[ $x == -v ]]",
    "[ \"$1\" = -v ]", "[[ $1 = -v || $1 = --verbose ]]", "grep -v x f", "[[ $x =~ ^[0-9]+$ ]]", "[[ $x == *.txt ]]",
    "shopt -s extglob\n[[ $x == @(a|b) ]]", "case $x in a) b ;; c) d ;; esac", "x=$(case $y in (a) echo 1;; esac)",
    "x=`case $y in a) echo 1;; esac`", "x=$(cat <<'EOF'\nplain (words)\nEOF\n)", "x=$(\n# it's\necho 1\n)", "cat <<< \"$x\"",
    "cat <<< 'a b'", "read -r a b <<< $x", "while read -r l; do :; done <<< \"$x\"", "echo $((n + 1)) $(( $n + 1 ))",
    "echo $(( $(wc -l < \"$f\") + 1 ))", "((n++))", "BASHPID=1; echo $BASHPID", "echo ${EPOCHSECONDS:-$(date +%s)}", "EPOCHSECONDS=$(date +%s); echo $EPOCHSECONDS",
    "echo '$BASHPID'", "echo $BASH_VERSION $RANDOM $SECONDS", "command_not_found=1", "echo \"${x/a/b}\" ${x//a/\"b\"}", "echo \"${x//\\\"/x}\"",
    "echo ${s//&/&amp;}", "echo ${s//</&lt;}", "echo \"${x/a/\\\"}\"", "coproc=1", "alias coproc=cat", "echo a; b& c", "a && b & c",
    "for ((i=0; i<3; i++)); do :; done", "select x in a b; do break; done", "time sleep 1", "time -p ls", "function f { :; }", "f-g() { :; }", "let x+=1", "x+=y", "a+=(b)", "trap - EXIT", "trap '' INT", "trap 'rm -f x' EXIT",
    "curl -d '{01..10}' u", "jq '.a[-1]' f", "jq -r '.[] | .x[-1]' <<< \"$j\"", "python3 -c 'print(a[-1])'", "perl -e 'print $a[-1]'",
    "awk '{ a[-1] = 1 }' f", "sed 's/a[-1]/x/' f", "PROMPT_COMMAND='a; b'", "complete -F f g", "unset 'a[1]'", "unset x", "help -s cd",
    "echo $'it\\'s' ${x#*$'\\n'}", "x=${y//$'\\n'/ }", "printf '%s\\n' \"${a[@]/#/-}\"", "echo ${x:+-v}", "echo ${x:?-1}", "git log -n 1 --format=%(x)T",
]  # fmt: skip


@pytest.mark.parametrize("script", FINE)
def test_what_bash_3_runs_is_fine(script: str) -> None:
    """Nothing is found in what an old bash runs, and in what only looks like a construct."""
    assert [(mark.key, mark.what) for mark in found(script)] == []


# --- version checks ----------------------------------------------------------------------------------------------

GUARDED = [
    "if ((BASH_VERSINFO[0] >= 4)); then\n  declare -A m\nfi",
    'if [ "${BASH_VERSINFO[0]}" -ge 4 ]; then echo ${x,,}; else echo x; fi',
    "if [[ ${BASH_VERSINFO[0]} -lt 4 ]]; then echo x; else echo ${x,,}; fi",
    "if (( BASH_VERSINFO[0] < 4 )); then echo old >&2; exit 1; fi\ndeclare -A m",
    "((BASH_VERSINFO[0] >= 4)) || { echo old >&2; exit 1; }\nmapfile -t a < f",
    '[ "${BASH_VERSINFO:-0}" -ge 4 ] || exit 1\nmapfile -t a < f',
    "((BASH_VERSINFO[0] >= 4)) && shopt -s globstar",
    "[[ $BASH_VERSION == 3.* ]] && exit 1\ndeclare -A m",
    "case $BASH_VERSION in [123].*) echo old; exit 1 ;; esac\ndeclare -A m",
    'if [[ ${BASH_VERSION%%.*} -lt 4 ]]; then exec /opt/homebrew/bin/bash "$0" "$@"; fi\ndeclare -A m',
    "if (( BASH_VERSINFO[0] > 4 || (BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 4) )); then echo ${x@Q}; fi",
    "need4() {\n  if (( BASH_VERSINFO[0] < 4 )); then exit 1; fi\n}\nneed4\ndeclare -A m",
    "if (( BASH_VERSINFO[0] < 4 )); then exit 1; fi\na |& b",
    "if (( BASH_VERSINFO[0] < 4 )); then exit 1; fi\n[[ -v x ]] && echo x",
    "if ((BASH_VERSINFO[0] >= 4)); then eval 'a |& b'; fi",
    "f() { declare -A m; }\nif ((BASH_VERSINFO[0] >= 4)); then f; fi",
    "declare -A m 2>/dev/null || exit 1\necho ${x,,}",
    "shopt -s globstar 2>/dev/null || true",
    'if [ -n "$ZSH_VERSION" ]; then echo ${x,,}; fi',
    "if [[ $OSTYPE == linux* ]]; then mapfile -t a < f; fi",
    "[[ $(uname) == Darwin ]] && exit 0\nmapfile -t a < f",
    "f() {\n  (( BASH_VERSINFO[0] >= 4 )) || return 1\n  local -A m\n}",
    "if ! (( BASH_VERSINFO[0] >= 4 )); then :; else declare -A m; fi",
    "if ((BASH_VERSINFO[0] < 4)); then :\nelif true; then declare -A m; fi",
]

NOT_GUARDED = [
    ("the wrong way round", "if ((BASH_VERSINFO[0] < 4)); then declare -A m; fi"),
    ("out of scope", "if ((BASH_VERSINFO[0] >= 4)); then :; fi\ndeclare -A m"),
    ("too low", "if ((BASH_VERSINFO[0] >= 3)); then declare -A m; fi"),
    ("syntax", "if ((BASH_VERSINFO[0] >= 4)); then a |& b; fi"),
    ("syntax", "if ((BASH_VERSINFO[0] >= 4)); then case $x in a) b ;& *) c ;; esac; fi"),
    ("only said", "if ((BASH_VERSINFO[0] < 4)); then echo old; fi\ndeclare -A m"),
    ("an exit of a subshell", "( ((BASH_VERSINFO[0] >= 4)) || exit 1 )\ndeclare -A m"),
    ("after use", "declare -A m\n((BASH_VERSINFO[0] >= 4)) || exit 1"),
    ("another condition", 'if [ -n "$BASH_VERSION" ]; then declare -A m; fi'),
    ("of macOS", "if [[ $(uname) == Darwin ]]; then mapfile -t a < f; fi"),
]


@pytest.mark.parametrize("script", GUARDED)
def test_what_a_version_check_guards_is_fine(script: str) -> None:
    """A check guards its branch, or all that follows where it leaves."""
    assert [mark.key for mark in found(script)] == []


@pytest.mark.parametrize("script", [script for _, script in NOT_GUARDED], ids=[name for name, _ in NOT_GUARDED])
def test_what_a_version_check_cannot_guard_is_found(script: str) -> None:
    """A check that is the wrong way round, out of scope, or around what does not parse, guards nothing."""
    assert len(found(script)) == 1


# --- shells, targets and suppressions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "path", "judged"),
    [
        ("#!/bin/bash\n", "run", True),
        ("#!/usr/bin/env bash\n", "run", True),
        ("#!/usr/bin/env -S bash -eu\n", "run", True),
        ("#! /usr/bin/bash -e\n", "run.py", True),
        ("#!/bin/sh\n", "run", True),
        ("", "run.sh", True),
        ("", "run.bash", True),
        ("", ".bashrc", True),
        ("#!/bin/zsh\n", "run.sh", False),
        ("#!/usr/bin/env zsh\n", "run.sh", False),
        ("#!/usr/bin/fish\n", "run", False),
        ("#!/bin/dash\n", "run", False),
        ("#!/bin/ksh\n", "run", False),
        ("#!/opt/homebrew/bin/bash\n", "run.sh", False),
        ("#!/usr/local/bin/bash\n", "run.sh", False),
        ("#!/usr/bin/env bash5\n", "run.sh", False),
        ("#!/usr/bin/env python3\n", "run.sh", False),
        ("#!/usr/bin/perl\n", "run", False),
        ("", "run", False),
        ("", "run.zsh", False),
        ("", "notes.md", False),
    ],
)
def test_scripts_are_known_by_shebang_and_name(head: str, path: str, judged: bool) -> None:
    """The first line decides, then the name; other shells and a bash of its own are no bash 3.2."""
    assert bool(found("declare -A m", path=path, head=head)) is judged


def test_sh_is_bash_in_posix_mode() -> None:
    """On macOS sh runs tests and arrays, but no process substitution and no dash in a function's name."""
    head = "#!/bin/sh\n"
    assert not found('[[ $x == y ]] && a=(1 2)\ncat <<< "$x"', head=head)
    assert [mark.key for mark in found("cat <(ls)", head=head)] == ["posix-process"]
    assert [mark.key for mark in found("f-g() { :; }", head=head)] == ["dashed-function"]


@pytest.mark.parametrize(
    ("target", "script", "judged"),
    [
        ("bash4.0", "declare -A m", False),
        ("bash4.0", "wait -n", True),
        ("bash4.3", "wait -n", False),
        ("bash4.3", 'set -u\na=()\necho "${a[@]}"', True),
        ("bash4.4", 'set -u\na=()\necho "${a[@]}"', False),
        ("bash4.4", "echo ${x@Q}", False),
        ("bash4.4", "echo ${x@U}", True),
        ("bash5.3", "x=${ cmd; }", False),
        ("bash4.4", "if ((BASH_VERSINFO[0] >= 4)); then echo $SRANDOM; fi", True),
        ("bash4.4", "if ((BASH_VERSINFO[0] >= 5)); then echo $SRANDOM; fi", False),
    ],
)
def test_the_policy_names_the_oldest_bash(target: str, script: str, judged: bool) -> None:
    """What the target has is fine; checks are worked out for the target."""
    assert bool(found(script, target=target)) is judged


@pytest.mark.parametrize(
    ("script", "passes"),
    [
        ("declare -A m  # guard: allow G301 only on our servers", True),
        ("# guard: allow G301 only on our servers\ndeclare -A m", True),
        ("declare -A m  # guard: allow G301,G302 both", True),
        ("declare -A m  # guard: allow G301", False),
        ("declare -A m  # guard: allow G302 another", False),
        ("# guard: allow G301 two lines above\n:\ndeclare -A m", False),
        ("declare -A m; echo '# guard: allow G301 in a string'", False),
    ],
)
def test_a_comment_with_a_reason_lets_its_line_pass(script: str, passes: bool) -> None:
    """The reason is kept; without one, for another code or in a string a comment lets nothing pass."""
    every = marks((HEAD + script).encode(), "run")
    assert [bool(mark.passes) for mark in every if mark.code == "G301"] == [passes]
