"""What bash 4.0 and later brought: the construct, the first bash that runs it as meant, and what to write instead.

The versions are those that were measured with real ones, not those of release notes. What is given to write instead
uses nothing of this table: that is tested by judging it. It was not run in a bash 3.2, for none was at hand.
"""

Version = tuple[int, int]


class Construct:
    """One construct: its name in messages, its first version, what an older bash does, and what to write instead.

    `syntax`: an older bash cannot even parse it, so that no version check around it helps.
    """

    __slots__ = ("instead", "name", "older", "since", "syntax")

    def __init__(self, name: str, since: Version, older: str, instead: str, syntax: bool = False) -> None:
        self.name = name
        self.since = since
        self.older = older
        self.instead = instead
        self.syntax = syntax


def _table(*rows: tuple[str, str, Version, str, str], syntax: bool = False) -> dict[str, Construct]:
    return {key: Construct(name, since, older, instead, syntax) for key, name, since, older, instead in rows}


_BAD = "it is a bad substitution"
_SILENT = "the value comes back unchanged, with exit 0"
_NO_OPTION = "the option is invalid"
_LITERAL = "it stays as it is written"
_EMPTY = "it is empty"

CONSTRUCTS = {
    **_table(
        ("lower", "${x,,} (lower case)", (4, 0), _BAD, 'y=$(printf %s "$x" | tr "[:upper:]" "[:lower:]")'),
        ("upper", "${x^^} (upper case)", (4, 0), _BAD, 'y=$(printf %s "$x" | tr "[:lower:]" "[:upper:]")'),
        (
            "toggle",
            "${x~~} (case toggled)",
            (4, 0),
            _BAD,
            'y=$(printf %s "$x" | tr "[:lower:][:upper:]" "[:upper:][:lower:]")',
        ),
        ("quote", "${x@Q}", (4, 4), _BAD, 'y=$(printf %q "$x")'),
        ("transform", "${x@E}, ${x@P}, ${x@A}, ${x@a}", (4, 4), _BAD, "declare -p x, or printf %b for escapes"),
        ("transform-case", "${x@U}, ${x@u}, ${x@L}", (5, 1), _BAD, 'y=$(printf %s "$x" | tr "[:lower:]" "[:upper:]")'),
        (
            "transform-pairs",
            "${a[@]@K}",
            (5, 1),
            _BAD,
            'for key in "${!a[@]}"; do printf "%s %q " "$key" "${a[$key]}"; done',
        ),
        (
            "transform-words",
            "${a[@]@k}",
            (5, 2),
            _BAD,
            'for key in "${!a[@]}"; do printf "%s %s " "$key" "${a[$key]}"; done',
        ),
        (
            "negative-subscript",
            "a negative subscript",
            (4, 2),
            "it is a bad array subscript, and the value is empty",
            '"${a[@]: -1}" is the last element',
        ),
        (
            "negative-assign",
            "assigning or unsetting a negative subscript",
            (4, 3),
            "it is a bad array subscript",
            'keys=("${!a[@]}"); last=${keys[${#keys[@]}-1]}; a[last]=value',
        ),
        (
            "negative-length",
            "${x:0:-1} (a negative length)",
            (4, 2),
            "substring expression < 0",
            '"${x%?}" drops the last character; "${x:0:${#x}-2}" the last two',
        ),
        (
            "braced-arguments",
            '"${@}" under set -u',
            (4, 0),
            "without arguments it is an unbound variable, and the script ends",
            '"$@"',
        ),
        (
            "empty-array",
            "an array that may be empty, under set -u",
            (4, 4),
            "an empty array is an unbound variable, and the script ends",
            '${a[@]+"${a[@]}"}',
        ),
        (
            "replacement-quotes",
            'quotes in the replacement of "${x/pattern/"text"}"',
            (4, 3),
            "the quotes come into the result",
            "r=text; y=${x/pattern/$r}",
        ),
        (
            "replacement-match",
            "& for the match in ${x/pattern/&}",
            (5, 2),
            "the & is a plain &",
            "sed 's/pattern/<&>/'",
        ),
        (
            "assoc",
            "an associative array (declare -A)",
            (4, 0),
            "every key becomes index 0, with exit 0 in the end",
            "two arrays side by side, or a case statement",
        ),
        ("declare-global", "declare -g", (4, 2), _NO_OPTION, "assign without declare: x=value is global"),
        ("declare-case", "declare -l, -u, -c", (4, 0), _NO_OPTION, 'x=$(printf %s "$x" | tr "[:upper:]" "[:lower:]")'),
        (
            "nameref",
            "a nameref (declare -n)",
            (4, 3),
            _NO_OPTION,
            '"${!name}" to read; printf -v "$name" %s "$value" to write',
        ),
        ("local-inherit", "local -I", (5, 1), _NO_OPTION, 'local x="$x"'),
        (
            "local-options",
            "local -",
            (4, 4),
            "it is not a valid identifier",
            "run the body in a subshell: f() ( set -f; ... )",
        ),
        ("unset-nameref", "unset -n", (4, 3), _NO_OPTION, 'unset "$name"'),
        (
            "mapfile",
            "mapfile / readarray",
            (4, 0),
            "there is no such command",
            'a=(); while IFS= read -r line || [ -n "$line" ]; do a+=("$line"); done < file',
        ),
        (
            "mapfile-delimiter",
            "mapfile -d",
            (4, 4),
            "there is no such command",
            "a=(); while IFS= read -r -d '' item; do a+=(\"$item\"); done < <(command)",
        ),
        ("coproc-simple", "coproc", (4, 0), "there is no such command", "mkfifo, and the command in the background"),
        ("compopt", "compopt", (4, 0), "there is no such command", "complete -o nospace when the completion is set up"),
        (
            "not-found",
            "command_not_found_handle",
            (4, 0),
            "it is never called",
            'command -v "$tool" >/dev/null || fallback',
        ),
        (
            "source-process",
            "source <(command)",
            (4, 0),
            "nothing is loaded, with exit 0",
            'source /dev/stdin <<< "$(command)"',
        ),
        ("read-exact", "read -N", (4, 1), _NO_OPTION, "IFS= read -r -d '' -n 1 x reads one character"),
        ("read-initial", "read -i", (4, 0), _NO_OPTION, "read -r x; x=${x:-default}"),
        (
            "read-fraction",
            "read -t with 0 or a fraction",
            (4, 0),
            "it is an invalid timeout, or tests nothing",
            "read -t 1 with whole seconds",
        ),
        ("printf-element", "printf -v 'a[i]'", (4, 1), "it is not a valid identifier", 'printf -v x %s "$y"; a[i]=$x'),
        ("printf-time", "printf '%(...)T'", (4, 2), "it is an invalid format character", "date +%Y-%m-%d"),
        ("printf-quote", "printf %Q", (5, 2), "it is an invalid format character", "printf %q"),
        (
            "unicode-escape",
            "\\u and \\U in printf and echo -e",
            (4, 2),
            _LITERAL,
            "the bytes: printf '\\342\\234\\223'",
        ),
        ("echo-escape", "echo -e '\\e'", (4, 0), _LITERAL, "printf '\\033[1m'"),
        ("ansi-unicode", "$'\\u...'", (4, 3), _LITERAL, "the bytes: $'\\342\\234\\223'"),
        ("ansi-unicode-long", "$'\\U...'", (4, 2), _LITERAL, "the bytes: $'\\360\\237\\230\\200'"),
        ("wait-next", "wait -n", (4, 3), _NO_OPTION, 'wait "$pid" for each pid in turn'),
        ("wait-forced", "wait -f", (5, 0), _NO_OPTION, 'wait "$pid"'),
        ("wait-variable", "wait -p", (5, 1), _NO_OPTION, 'wait "$pid"; status=$?'),
        (
            "wait-process",
            "wait for a process substitution",
            (4, 4),
            "it is no child of this shell",
            "a named pipe and a job in the background",
        ),
        ("cd-exit", "cd -e", (4, 3), _NO_OPTION, "cd -P dir && pwd -P"),
        ("complete-default", "complete -D", (4, 1), _NO_OPTION, "complete -F f name for each name"),
        ("complete-initial", "complete -I", (5, 0), _NO_OPTION, "complete -F f name for each name"),
        (
            "complete-nosort",
            "complete -o nosort",
            (4, 4),
            "the option's name is invalid",
            "without nosort the completions are sorted",
        ),
        ("help-short", "help -d and -m", (4, 0), _NO_OPTION, "help -s"),
        ("brace-step", "{a..b..step}", (4, 0), _LITERAL, "for ((i = 1; i <= 9; i += 2))"),
        ("brace-step-back", "{a..b..-step}", (4, 1), _LITERAL, "for ((i = 9; i >= 1; i -= 2))"),
        (
            "brace-padding",
            "{01..10} (zero padding)",
            (4, 0),
            "the zeros are lost",
            'for i in {1..10}; do n=$(printf %02d "$i"); done',
        ),
        ("brace-variable", "{1..$n}", (99, 0), "no bash expands it", "for ((i = 1; i <= n; i++))"),
        (
            "descriptor",
            "{fd}>file",
            (4, 1),
            "{fd} is a word, and the command gets it",
            "exec 3>file: a number of your own",
        ),
        (
            "here-string-split",
            "an unquoted here-string",
            (4, 3),
            "it is split into words and joined by single blanks",
            '<<< "$x"',
        ),
        (
            "arithmetic-quotes",
            "quotes inside $(( ))",
            (4, 4),
            "it is a syntax error in the expression",
            "$((n + 1)) without quotes",
        ),
        (
            "right-extglob",
            "@(a|b) on the right of [[ == ]] without shopt",
            (4, 1),
            "the pattern is no pattern",
            "shopt -s extglob on a line before",
        ),
        ("errexit-test", "set -e with a failing [[ ]]", (4, 1), "the script goes on", "[[ ... ]] || exit 1"),
        (
            "variable-array",
            "PROMPT_COMMAND as an array",
            (5, 1),
            "only its first element runs",
            "PROMPT_COMMAND='one; two'",
        ),
        (
            "posix-process",
            "<( ) in sh",
            (5, 1),
            "posix mode knows none: it is a syntax error",
            "a pipe, or a temporary file",
        ),
        ("bash-option", "bash -O with a newer name", (4, 0), "the option's name is invalid", "without it"),
    ),
    **_table(
        (
            "test-variable",
            "[[ -v x ]]",
            (4, 2),
            "a conditional binary operator is expected, and nothing more is read",
            "[[ -n ${x+set} ]]",
        ),
        (
            "test-element",
            "[[ -v a[i] ]]",
            (4, 3),
            "a conditional binary operator is expected, and nothing more is read",
            "[[ -n ${a[i]+set} ]]",
        ),
        (
            "test-nameref",
            "[[ -R x ]]",
            (4, 3),
            "a conditional binary operator is expected, and nothing more is read",
            "[[ -n ${!name+set} ]]",
        ),
        ("pipe-both", "|&", (4, 0), "the file does not parse", "2>&1 |"),
        ("append-both", "&>>", (4, 0), "the file does not parse", ">>file 2>&1"),
        (
            "fall-through",
            ";& and ;;&",
            (4, 0),
            "the file does not parse",
            "name both patterns, or call a function from both",
        ),
        (
            "coproc",
            "coproc with a compound command",
            (4, 0),
            "the file does not parse",
            "mkfifo, and { ...; } in the background",
        ),
        (
            "case-in-substitution",
            "case in $( ) without ( before its patterns",
            (4, 0),
            "the file does not parse",
            "case $x in (a) ...;; esac",
        ),
        (
            "here-document-in-substitution",
            "an odd quote or bracket in a here-document inside $( )",
            (4, 0),
            "the file does not parse",
            "read -r -d '' x <<'EOF' || true",
        ),
        (
            "comment-in-substitution",
            'an odd quote or bracket in a comment inside "$( )"',
            (4, 0),
            "the file does not parse",
            "the comment above the line",
        ),
        (
            "dashed-function",
            "a function name with a dash in sh",
            (4, 2),
            "posix mode refuses the name",
            "an underscore in place of the dash",
        ),
        syntax=True,
    ),
    **_table(
        ("command-value", "${ command; }", (5, 3), _BAD, "$(command)"),
        (
            "test-variable-plain",
            "test -v x",
            (4, 2),
            "a unary operator is expected, and the test fails",
            '[ -n "${x+set}" ]',
        ),
        (
            "test-element-plain",
            "test -v 'a[i]'",
            (4, 3),
            "a unary operator is expected, and the test fails",
            '[ -n "${a[i]+set}" ]',
        ),
        (
            "test-nameref-plain",
            "test -R x",
            (4, 3),
            "a unary operator is expected, and the test fails",
            '[ -n "${!name+set}" ]',
        ),
    ),
}

VARIABLES: dict[str, tuple[Version, str]] = {
    "BASHPID": ((4, 0), "$(exec sh -c 'echo \"$PPID\"')"),
    "BASH_ALIASES": ((4, 0), "alias -p"),
    "BASH_CMDS": ((4, 0), "hash -l"),
    "PROMPT_DIRTRIM": ((4, 0), "a prompt without it"),
    "READLINE_LINE": ((4, 0), "nothing: bind -x cannot edit the line"),
    "READLINE_POINT": ((4, 0), "nothing: bind -x cannot edit the line"),
    "COPROC": ((4, 0), "mkfifo"),
    "COMP_KEY": ((4, 0), "a completion that does not ask which key was typed"),
    "COMP_TYPE": ((4, 0), "a completion that does not ask which key was typed"),
    "BASHOPTS": ((4, 1), "shopt -p"),
    "BASH_XTRACEFD": ((4, 1), "exec 2>trace.log before set -x"),
    "FUNCNEST": ((4, 2), "a depth that you count yourself"),
    "BASH_COMPAT": ((4, 3), "shopt -s compat31"),
    "CHILD_MAX": ((4, 3), "ulimit -u"),
    "EXECIGNORE": ((4, 4), "a PATH without that folder"),
    "PS0": ((4, 4), "trap '...' DEBUG"),
    "BASH_LOADABLES_PATH": ((4, 4), "enable -f with a full path"),
    "EPOCHSECONDS": ((5, 0), "$(date +%s)"),
    "EPOCHREALTIME": ((5, 0), "$(date +%s) for whole seconds"),
    "BASH_ARGV0": ((5, 0), "$0"),
    "SRANDOM": ((5, 1), "$(od -An -N4 -tu4 /dev/urandom)"),
    "READLINE_MARK": ((5, 1), "nothing: bind -x cannot edit the line"),
    "READLINE_ARGUMENT": ((5, 2), "nothing: bind -x cannot edit the line"),
    "BASH_MONOSECONDS": ((5, 3), "$SECONDS"),
    "BASH_TRAPSIG": ((5, 3), "a trap of its own for each signal"),
    "GLOBSORT": ((5, 3), "ls -t, or sort"),
}
"""Variables that an older bash does not set, the first version that does, and what to write instead."""

SETTINGS = ("BASH_XTRACEFD", "FUNCNEST", "BASH_COMPAT", "CHILD_MAX", "EXECIGNORE", "PS0", "PROMPT_DIRTRIM", "GLOBSORT")
"""Those of the variables that mean something when they are assigned."""

SHOPT: dict[str, Version] = {
    **dict.fromkeys(("autocd", "checkjobs", "dirspell", "globstar", "compat32"), (4, 0)),
    **dict.fromkeys(("compat40",), (4, 1)),
    **dict.fromkeys(("compat41", "lastpipe", "direxpand"), (4, 2)),
    **dict.fromkeys(("compat42", "globasciiranges", "complete_fullquote"), (4, 3)),
    **dict.fromkeys(("compat43", "inherit_errexit"), (4, 4)),
    **dict.fromkeys(("compat44", "localvar_inherit", "localvar_unset", "progcomp_alias", "syslog_history"), (5, 0)),
    **dict.fromkeys(("assoc_expand_once",), (5, 0)),
    **dict.fromkeys(("patsub_replacement", "noexpand_translation", "varredir_close"), (5, 2)),
    **dict.fromkeys(("array_expand_once", "bash_source_fullpath"), (5, 3)),
}
"""Names that `shopt` takes only since a version."""

SHOPT_INSTEAD = {
    "globstar": "find dir -name '*.txt'",
    "lastpipe": "while read -r x; do ...; done < <(command)",
    "inherit_errexit": "x=$(set -e; command)",
}


def version_name(version: Version) -> str:
    """A version as people write it."""
    return f"{version[0]}.{version[1]}"


def said(name: str, since: Version, older: str) -> str:
    """What a message says of a construct."""
    if since >= (99, 0):
        return f"{name}: {older}"
    return f"{name} needs bash {version_name(since)}; before, {older}"
