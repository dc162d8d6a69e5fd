"""What the grammar does not know, or misreads, made into the nearest thing that it does know.

The text that is parsed has the length of the text that is judged, and every line of it where it was.
"""

import re
from itertools import islice

from guard.shell.words import closing

_MOST = 200
"""So many of the costlier constructs of a script are looked at."""

_TILDE = re.compile(r"(\$\{!?(?:\w+|[@*])(?:\[[^\]\n]{0,99}\])?)(~~?)")
_NOT = re.compile(r"!(?=[ \t]+\(\()")
_FOR = re.compile(r"for[ \t]+\w+[ \t](?=do\b)")
_ESCAPED_END = re.compile(r"[ \t](<<-?)\\(\w+)")
_DOLLAR = re.compile(r"\$(?=[\s/)|,;:.%^&=+\]}~`\\]|\Z)")
_OFFSET = re.compile(
    r"(\$\{[#!]?(?:\w+|[@*])(?:\[[^\]\n]{0,99}\])?:[ ]?)(\$\{?[#!]?\w+\}?|\$#|\$\(\([^()\n]{0,99}\)\))(?=[-+*/:}])"
)
_CLOSED = re.compile(r"[ \t]\}(?=[\s;&|)<>]|\Z)")
_ENDS = re.compile(r"(?:\b(?:done|fi|esac)|\)|\]\])[ \t]*\Z")
_EXTGLOB = re.compile(r"(?<![\d)$:])(?:[@?*+!]\((?:[^()\s$`'\"]|'[^'\n]*'|\"[^\"\n$`]*\"|\$\{?\w+\}?){1,300}\)){1,9}")
_DEFAULT = re.compile(r"\$\{[#!]?[\w@*\[\]]+\Z")
_ASIDE = re.compile(
    r"(?:^|[;&|({]|\b(?:then|do|else))[ \t]*\w+\+?="
    r"(?:\"[^\"\n]*\"|'[^'\n]*'|\$\((?:[^()\n]|\([^()\n]*\))*\)|`[^`\n]*`|[^\s\"'$();&|<>`]*)"
    r"((?:[ \t]+\d?>{1,2}[ \t]*(?:&\d|[\w/.-]+))+)(?=[ \t]*(?:$|;|&&|\|\|))",
    re.MULTILINE,
)
_OPERAND = r"\"?\$\{?\w+\}?\"?"
_TWO = re.compile(rf"\[ ({_OPERAND})(?= {_OPERAND}(?: {_OPERAND})? \])")
_ESCAPED = re.compile(r"(?<=[ \t])\\([()<>])(?=\s)")
_PATTERN = re.compile(r"' '(?=[\w*?\[])(?<=[\w*?\]]' ')")
_FUNSUB = re.compile(r"\$\{[ \t\n|]")
_COPROC = re.compile(
    r"(?<![\w$./-])coproc(?=[ \t]+(?:\w+[ \t]+)?(?:[{(]|while\b|for\b|if\b|until\b))(?:[ \t]+\w+(?=[ \t]+[{(]))?"
)
_TWICE = re.compile(r"\(\((?!\()(?<!\(\(\()")
_HERE = re.compile(r"<<(?<![<\w$(]<<)(-?)[ \t]*(['\"\\]?)([A-Za-z_][\w.-]*)['\"]?")
_COMMENT = re.compile(r"(?:^|\s)#")
_LED = re.compile(r"^([ \t]*)[ \t](?=[$`]|$)", re.MULTILINE)
_HARD = re.compile(
    r";|\d>&\d[ \t]*\||<<|\|[ \t]*(?:while|until|for|if|case|[{(])|\b(?:then|do)\b|(?:\|\|?|&&?)[ \t]*\Z"
)
_FED = re.compile(
    r"(?:^|[;&|({!]|\b(?:then|do|else|if)\b)[ \t]*"
    r"(?:(?:sudo(?:[ \t]+-[EHnS]+)*|env|exec|command|time|nohup|\w+=\S*|timeout[ \t]+\w+)[ \t]+)*"
    r"(?:(?:/usr)?/bin/)?(bash|sh|dash|ksh)(?:[ \t]+-[a-z]*s[ \t][^;&|\n]*"
    r"|(?:[ \t]+(?:-|[-+][\w-]+|pipefail|/dev/stdin|\d?>{1,2}[ \t]*&?[\w/.-]+))*)[ \t]*\Z"
)
_FEEDS = re.compile(
    r"\A[^|]*\|[ \t]*(?:sudo[ \t]+)?(?:(?:/usr)?/bin/)?(bash|sh|dash|ksh)(?:[ \t]+[-+][\w-]+)*[ \t]*(?:\Z|[;&|>)\d])"
)


class Masked:
    """A text to be parsed: `text`, where a `coproc` was taken out, and the here-documents that were, as (begin, end)
    of what they hold: `bodies` those in which the shell expands, `fed` those that a shell reads, with its name."""

    __slots__ = ("bodies", "coprocs", "fed", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.coprocs: list[int] = []
        self.bodies: list[tuple[int, int]] = []
        self.fed: list[tuple[int, int, str]] = []


def masked(text: str) -> Masked:
    """A text without what the grammar misreads."""
    found = Masked(text)
    if "<<" in text:
        text = _here_documents(text, found)
    if ";&" in text:
        text = text.replace(";;&", ";; ").replace(";&", ";;")
    if "~" in text:
        text = _TILDE.sub(lambda hit: hit[1] + "," * len(hit[2]), text)
    if "<>" in text:
        text = text.replace("<>", ">>")
    if "for " in text:
        text = _FOR.sub(lambda hit: f"{hit[0][:-1]};", text)
    if "<<\\" in text or "<<-\\" in text:
        text = _ESCAPED_END.sub(r"\1'\2'", text)
    if "$" in text:
        text = _DOLLAR.sub("_", text)
    if ":$" in text or ": $" in text:
        text = _OFFSET.sub(lambda hit: hit[1] + "0" * len(hit[2]), text)
    if "}" in text:
        text = _CLOSED.sub(
            lambda hit: ";}" if _ENDS.search(hit.string, max(0, hit.start() - 20), hit.start()) else hit[0], text
        )
    if any(mark in text for mark in ("@(", "?(", "*(", "+(", "!(")):
        text = _EXTGLOB.sub(_plain_pattern, text)
    if ">" in text:
        text = _aside(text)
    if "[ " in text:
        text = _TWO.sub(lambda hit: "[ -n".ljust(len(hit[0])), text)
    if "\\" in text:
        text = _ESCAPED.sub(lambda hit: "= " if hit[1] in "<>" else "  ", text)
    if "' '" in text:
        text = _PATTERN.sub(_quoted_blank, text)
    if "! " in text:
        text = _NOT.sub(" ", text)
    if "((" in text:
        text = _subshells(text)
    if "coproc" in text:
        found.coprocs = [hit.start() for hit in _COPROC.finditer(text)]
        text = _COPROC.sub(lambda hit: " " * len(hit[0]), text)
    if "${ " in text or "${|" in text or "${\n" in text or "${\t" in text:
        text = _values(text)
    found.text = text
    return found


def _plain_pattern(hit: "re.Match[str]") -> str:
    """A pattern of extglob's as letters: `@(a|b)` is misread by the grammar where something stands around it."""
    pattern, text, at = hit[0], hit.string, hit.start()
    if (pattern[0] == "!" and "extglob" not in text) or _DEFAULT.search(text, max(0, at - 60), at):
        return pattern  # a command in brackets, or `${x+(a)}`
    return f"_{re.sub('[(|)]', '_', pattern[1:])}"


def _quoted_blank(hit: "re.Match[str]") -> str:
    """A quoted blank in a pattern, as in `*' '*`, as a letter; between two quoted words it is the blank that it is."""
    begin = hit.string.rfind("\n", 0, hit.start()) + 1
    return hit[0] if hit.string.count("'", begin, hit.start()) % 2 else "'_'"


def _aside(text: str) -> str:
    """`x=1 2>/dev/null && ...` without what is redirected."""
    lines = text.split("\n")
    for place, line in enumerate(lines):
        if ">" in line and "=" in line and len(line) < 1000:
            lines[place] = _ASIDE.sub(lambda hit: hit[0][: -len(hit[1])] + " " * len(hit[1]), line)
    return "\n".join(lines)


def _here_documents(text: str, found: Masked) -> str:
    """Here-documents as the grammar reads them.

    Those whose first line goes on are taken out: it knows only some of what may stand there. In the others a line that
    begins with blanks and an expansion gets a letter: of such a here-document it would see no expansion at all.
    """
    taken = 0
    endless: set[str] = set()
    for hit in islice(_HERE.finditer(text), 2 * _MOST):
        line = text.find("\n", hit.end())
        begin = text.rfind("\n", 0, hit.start()) + 1
        if hit.start() < taken or line < 0 or _COMMENT.search(text, begin, hit.start()):
            continue
        hard = _HARD.search(text, hit.end(), line) is not None
        taken, at = line, line + 1
        for each in list(islice(_HERE.finditer(text, hit.start(), line), 9)):
            tabs = r"\t*" if each[1] else ""
            pattern = rf"^{tabs}{re.escape(each[3])}$"
            end = None if pattern in endless else re.compile(pattern, re.MULTILINE).search(text, at)
            if end is None:
                endless.add(pattern)
                break
            body = text[at : end.start()]
            if hard:
                if not each[2]:
                    found.bodies.append((at, end.start()))
                reader = _FED.search(text[max(begin, each.start() - 300) : each.start()]) or _FEEDS.search(
                    text[each.end() : min(line, each.end() + 300)]
                )
                if reader is not None:
                    found.fed.append((at, end.start(), reader[1]))
                blank = re.sub(r"[^\n]", " ", text[at : end.end()])
                text = f"{text[: each.start()]}{' ' * len(each[0])}{text[each.end() : at]}{blank}{text[end.end() :]}"
            elif not each[2] and ("$" in body or "`" in body):
                text = text[:at] + _LED.sub(r"\1_", body) + text[end.start() :]
            at = taken = min(end.end() + 1, len(text))
    return text


def _subshells(text: str) -> str:
    """`((a) | b)` and `$((a) | b)` with one bracket less: it is no arithmetic, because `))` does not end it."""
    for hit in list(islice(_TWICE.finditer(text), _MOST)):
        inner = hit.end() - 1
        near = text[inner : inner + 2000]
        end = inner + closing(near, 0, "(", ")")
        if end - inner < len(near) and text[end] != ")" and text[end - 1] == ")" and not text[inner + 1].isspace():
            text = f"{text[:inner]} {text[inner + 1 : end - 1]} {text[end:]}"
    return text


def _values(text: str) -> str:
    """`${ command; }` as `$(command; )`."""
    characters = list(text)
    for hit in islice(_FUNSUB.finditer(text), _MOST):
        end = closing(text[hit.start() + 1 : hit.start() + 20_000], 0, "{", "}") + hit.start() + 1
        characters[hit.start() + 1] = "("
        if characters[end - 1] == "}":
            characters[end - 1] = ")"
        if hit[0][2] == "|":
            characters[hit.start() + 2] = " "
    return "".join(characters)
