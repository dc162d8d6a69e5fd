"""Plain command lines, which are most of them: read in a moment, and only as far as nothing can be mistaken.

A line is plain when it is made of words, quotes, `;`, `&&`, `||`, `|`, `&`, redirections and comments alone. Whatever
else the shell knows (expansions, substitutions, here-documents, compound commands, commands that start others) is left
to `lines`, which parses it: `Unsure`.
"""

from guard.agents.offence import Unsure, is_git

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 20_000
"""A longer line is never plain."""

_ENDS = " \t\n;&|<>()"
_COMPOUND = frozenset(
    "if then elif else fi for while until do done case esac select function time coproc { } [[ ]] ! eval exec source ."
    " command builtin trap alias sudo doas env nice ionice chrt taskset timeout gtimeout xargs gxargs caffeinate stdbuf"
    " nohup setsid flock unbuffer eatmydata busybox find gfind sh bash dash ksh zsh su watch parallel script ssh strace"
    " ltrace uv poetry pipenv pdm hatch mise direnv nix npx chronic entr hyperfine perf systemd-run runuser fakeroot"
    " tmux screen make just declare export readonly local typeset unset set shopt enable hash history fc popd dirs"
    " fish nu pwsh python python3 perl ruby node unshare nsenter chroot firejail bwrap rtk gtime arch sem dotenv"
    " apply".split()
)
"""Words that, where a command's name stands, may start another command or change what the next ones mean."""

STARTERS = frozenset(
    "bunx catchsegv chpst cmd cmd.exe cpulimit devbox doppler expect faketime gdb linux32 linux64 nix-shell npm numactl"
    " op pnpm powershell prlimit proxychains proxychains4 setarch setpriv sg torsocks trickle ts uvx valgrind winpty"
    " wsl xvfb-run yarn".split()
)
"""Words that may start another command, and mostly do something else: plain where no word after them has git in it."""


class Simple:
    """A simple command: its words, the files that it redirects to, and what joins it to the one before it."""

    __slots__ = ("after", "words", "writes")

    def __init__(self, words: "list[str]", writes: "list[str]", after: str) -> None:
        self.words = words
        self.writes = writes
        self.after = after


def squeezed(text: str) -> str:
    """A text without quotes, backslashes and line ends that are escaped, in small letters: no quoting hides a name."""
    for mark in ("\\\n", "\\", '"', "'"):
        text = text.replace(mark, "")
    return text.lower()


def names_git(text: str) -> bool:
    """Whether git's name, or what a name may be written in that is read nowhere here, occurs in a text."""
    return "git" in squeezed(text) or "$'" in text


def simple(text: str) -> "list[Simple]":
    """The simple commands of a plain line, in order; raises `Unsure` for every other."""
    if len(text) > MOST or "\0" in text or "\r" in text:
        raise Unsure
    found: list[Simple] = []
    words: list[str] = []
    writes: list[str] = []
    joined, at, end = "", 0, len(text)
    while at < end:
        mark = text[at]
        if mark in " \t":
            at += 1
        elif mark == "\\" and text[at + 1 : at + 2] == "\n":
            at += 2
        elif mark == "#":
            at = text.find("\n", at) if "\n" in text[at:] else end
        elif mark in "\n;&|":
            joint = text[at : at + 2] if text[at : at + 2] in ("&&", "||") else mark
            if text[at : at + 2] in (";;", "|&", "&>") or (joint != "\n" and not words):
                raise Unsure
            if words:
                found.append(Simple(words, writes, joined))
                words, writes = [], []
                joined = joint
            at += len(joint)
        elif mark in "<>":
            at = _redirection(text, at, words, writes)
        elif mark in "()":
            raise Unsure
        else:
            word, at = _word(text, at)
            if text[at : at + 1] in ("<", ">") and word.isdigit():
                continue  # the number of a descriptor
            if not words and (word in _COMPOUND or word.rpartition("/")[2] in _COMPOUND or "=" in word):
                raise Unsure
            if words and "git" in word.lower() and words[0].rpartition("/")[2] in STARTERS:
                raise Unsure
            words.append(word)
    if words:
        found.append(Simple(words, writes, joined))
    elif writes:
        raise Unsure
    return found


def _redirection(text: str, at: int, words: "list[str]", writes: "list[str]") -> int:
    """Past a redirection; what it writes is noted."""
    sign = text[at]
    at += 1
    if sign == "<" and text[at : at + 1] == ">":
        sign = ">"  # opened to be read and written
    if text[at : at + 1] in ("<", "(") or text[at : at + 2] == ">(":
        raise Unsure
    if text[at : at + 1] in (">", "|"):
        at += 1
    if text[at : at + 1] == "&":
        word, at = _word(text, at + 1)
        if not word.isdigit() and word != "-":
            raise Unsure
        return at
    while text[at : at + 1] in (" ", "\t"):
        at += 1
    word, at = _word(text, at)
    if not word or not words:
        raise Unsure
    if sign == ">":
        writes.append(word)
    return at


def _word(text: str, at: int) -> "tuple[str, int]":
    """One word, its quotes taken off, and where it ends."""
    out, end, quoted = "", len(text), False
    while at < end:
        mark = text[at]
        if mark in _ENDS:
            break
        if mark == "'":
            close = text.find("'", at + 1)
            if close < 0:
                raise Unsure
            out += text[at + 1 : close]
            at, quoted = close + 1, True
        elif mark == '"':
            at, quoted = at + 1, True
            while True:
                if at >= end:
                    raise Unsure
                mark = text[at]
                if mark == '"':
                    at += 1
                    break
                if mark in "$`":
                    raise Unsure
                if mark == "\\" and text[at + 1 : at + 2] in ('"', "\\", "$", "`", "\n"):
                    at += 1
                    mark = text[at] if text[at] != "\n" else ""
                out += mark
                at += 1
        elif mark == "\\":
            if at + 1 >= end:
                raise Unsure
            out += text[at + 1] if text[at + 1] != "\n" else ""
            at, quoted = at + 2, True
        elif mark in "$`" or (mark == "{" and _braces(text, at)):
            raise Unsure
        else:
            out += mark
            at += 1
    if not out and not quoted:
        raise Unsure
    return out, at


def _braces(text: str, at: int) -> bool:
    """Whether a brace may begin an expansion: it has a comma or two dots before it closes, or nothing closes it."""
    close = text.find("}", at)
    inner = text[at + 1 : close]
    return close < 0 or "," in inner or ".." in inner or "{" in inner


def gits(commands: "Sequence[Simple]") -> bool:
    """Whether one of the commands is git; raises `Unsure` where a name has wildcards."""
    found = False
    for each in commands:
        if any(mark in each.words[0] for mark in "*?[~"):
            raise Unsure
        found = found or is_git(each.words[0])
    return found
