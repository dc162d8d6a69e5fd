"""What macOS' sed and awk make of a program: the GNU-isms in it, each as (what, instead)."""

import re
from collections.abc import Iterator

Found = tuple[str, str]

_ADDRESS = re.compile(r"\s*(?:(\d+)(~\d+)?|(\$)|(/)|(\\))")
_BASIC = {"+": "\\{1,\\}, or sed -E", "?": "\\{0,1\\}, or sed -E", "|": "sed -E with |"}
_CLASSES = {
    "s": "[[:space:]]",
    "S": "[^[:space:]]",
    "w": "[[:alnum:]_]",
    "W": "[^[:alnum:]_]",
    "b": "[[:<:]] or [[:>:]]",
    "n": "a second N-less pattern, or tr",
}


def sed(program: str, *, extended: bool) -> Iterator[Found]:
    """What macOS' sed refuses in a program, or reads in another way."""
    found: dict[Found, None] = {}
    at, depth = 0, 0
    size = len(program)
    for _ in range(2000):
        while at < size and program[at] in " \t\n;":
            at += 1
        if at >= size:
            break
        if program[at] == "#":
            end = program.find("\n", at)
            at = size if end < 0 else end
            continue
        at = _addresses(program, at, extended, found)
        while at < size and program[at] in " \t!":
            at += 1
        if at >= size:
            break
        command = program[at]
        at += 1
        if command == "\0":
            return iter(found)  # an expansion: what follows cannot be known
        if command == "{":
            depth += 1
        elif command == "}":
            depth -= 1
        elif command in "sy":
            at = _substitution(program, at, command, extended, found)
            at = _ended(program, at, depth, found)
        elif command in "aic":
            rest = program[at:].lstrip(" \t")
            if rest and not rest.startswith("\\"):
                found[f"`{command} text` on one line in sed", f"{command}\\ and the text on the next line"] = None
            end = at
            while end < size and program[end] != "\n":
                end += 2 if program[end] == "\\" else 1
            at = end
        elif command in ":btT":
            end = program.find("\n", at)
            end = size if end < 0 else end
            label = program[at:end]
            if ";" in label or "}" in label:
                found[
                    f"a label of sed's that ends at a ; or }} (`{command}{label[:8].strip()}`)",
                    "each label in a -e of its own, or on a line of its own",
                ] = None
                end = at + min(place for place in (label.find(";"), label.find("}")) if place >= 0)
            if command == "T":
                found["sed's T", "t and a label"] = None
            at = end
        elif command in "rwRW":
            if command in "RW":
                found[f"sed's {command}", "awk"] = None
            end = program.find("\n", at)
            at = size if end < 0 else end
        elif command == "q" and re.compile(r"[ \t]*\d").match(program, at):
            found["an exit code of sed's q", "awk '{ ...; exit 5 }'"] = None
            at = _after_number(program, at)
        elif command in "FzevQ":
            found[f"sed's {command}", "awk"] = None
            stop = re.compile(r"[\n;}]").search(program, at)
            at = stop.start() if stop else size
        else:
            at = _ended(program, _after_number(program, at), depth, found)
        if at >= size:
            break
    return iter(found)


def _after_number(program: str, at: int) -> int:
    while at < len(program) and (program[at].isdigit() or program[at] in " \t"):
        at += 1
    return at


def _ended(program: str, at: int, depth: int, found: dict[Found, None]) -> int:
    while at < len(program) and program[at] in " \t":
        at += 1
    if depth > 0 and program.startswith("}", at):
        found["a } right after a command of sed's", "a ; before the }"] = None
    return at


def _addresses(program: str, at: int, extended: bool, found: dict[Found, None]) -> int:
    first = True
    while True:
        hit = _ADDRESS.match(program, at)
        if hit is None:
            plus = re.compile(r"\s*[~]\d+").match(program, at)
            if plus and not first:
                found["addr,~N in sed", "awk with NR"] = None
                return plus.end()
            step = re.compile(r"\s*\+\d+").match(program, at)
            return step.end() if step and not first else at
        if hit[2]:
            found["first~step in sed", "awk 'NR % 2 == 0'"] = None
        if hit[1] == "0" and not hit[2]:
            found["0,/re/ in sed", "awk, with a flag for the first match"] = None
        at = hit.end()
        if hit[4] or hit[5]:
            mark = "/" if hit[4] else program[at : at + 1]
            at = at if hit[4] else at + 1
            end = _until(program, at, mark)
            _pattern(program[at:end], extended, found)
            at = end + 1
            while at < len(program) and program[at] in "IM":
                if program[at] == "M":
                    found["sed's M flag", "awk"] = None
                at += 1
        comma = re.compile(r"\s*,").match(program, at)
        if comma is None:
            return at
        at = comma.end()
        first = False


def _until(text: str, at: int, mark: str) -> int:
    """Where the next bare mark stands; inside of brackets it is plain."""
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text[at] == mark:
            return at
        if text[at] == "[":
            close = re.compile(r"\[\^?\]?(?:\[:\w+:\]|[^\]])*\]").match(text, at)
            if close and mark not in close[0]:
                at = close.end()
                continue
        at += 1
    return len(text)


def _substitution(program: str, at: int, command: str, extended: bool, found: dict[Found, None]) -> int:
    mark = program[at : at + 1]
    if not mark or mark in "\n\\":
        return at
    middle = _until(program, at + 1, mark)
    end = middle + 1
    while end < len(program) and program[end] != mark:
        end += 2 if program[end] == "\\" else 1
    if command == "s":
        _pattern(program[at + 1 : middle], extended, found)
        text = program[middle + 1 : end].replace("\\\\", "")
        if re.search(r"\\[ULulE]", text):
            found["\\U, \\L, \\u, \\l in a replacement of sed's", "awk with toupper() or tolower()"] = None
    at = end + 1
    flags = at
    while at < len(program) and (program[at].isalnum()):
        at += 1
        if program[at - 1] == "w":
            close = program.find("\n", at)
            at = len(program) if close < 0 else close
            break
    letters = program[flags:at]
    if command == "s" and re.match(r"[0-9gpiI]*[eMm]", letters):
        found["the e and M flags of sed's s", "awk"] = None
    return at


def _pattern(pattern: str, extended: bool, found: dict[Found, None]) -> None:
    bare = re.sub(r"\[\^?\]?(?:\[:\w+:\]|[^\]])*\]", "", pattern.replace("\\\\", ""))
    if extended:
        return
    for hit in re.finditer(r"\\(.)", bare):
        if hit[1] in _BASIC:
            found[f"\\{hit[1]} in a basic regular expression of sed's", _BASIC[hit[1]]] = None
        elif hit[1] in _CLASSES and hit[1] != "n":
            found[f"\\{hit[1]} in a basic regular expression of sed's", _CLASSES[hit[1]]] = None


_AWK = {
    **dict.fromkeys(("gensub",), "gsub() on a copy"),
    **dict.fromkeys(("strftime", "systime", "mktime"), "date, and -v to hand it over"),
    **dict.fromkeys(("asort", "asorti"), "sort behind it"),
    **dict.fromkeys(("strtonum",), "a function of your own for hex digits"),
    **dict.fromkeys(("patsplit",), "match() in a loop"),
    **dict.fromkeys(("typeof", "isarray"), "plain awk without it"),
    **dict.fromkeys(("and", "or", "xor", "lshift", "rshift", "compl"), "arithmetic with 2^n"),
}
_AWK_NAMES = (
    "PROCINFO",
    "BEGINFILE",
    "ENDFILE",
    "FPAT",
    "FIELDWIDTHS",
    "IGNORECASE",
    "RT",
    "ERRNO",
    "SYMTAB",
    "FUNCTAB",
)


_AWK_PATTERN = re.compile(r"(?:(?<=[~(,!&|{};])|^)\s*/(?:\\.|\[[^\]\n]*\]|[^/\\\n])*/", re.MULTILINE)


def awk(program: str) -> Iterator[Found]:
    """What only gawk knows in a program."""
    bare = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', program)
    patterns = _AWK_PATTERN.findall(bare)
    bare = _AWK_PATTERN.sub(" //", bare)
    bare = re.sub(r"#[^\n]*", "", bare)
    escapes = re.findall(r"\\[sSwWyB<>]", " ".join(patterns).replace("\\\\", ""))
    if escapes:
        yield f"gawk's {escapes[0]} in a regular expression", "[[:space:]], [[:alnum:]_], or a name of that kind"
    if re.search(r"\bswitch\s*\(", bare):
        yield "gawk's switch", "if and else"
    own = set(re.findall(r"\bfunc(?:tion)?\s+(\w+)", bare))
    for name in dict.fromkeys(re.findall(r"(?<![\w.$])([a-z]+)\(", bare)):
        if name in _AWK and name not in own:
            yield f"gawk's {name}()", _AWK[name]
    for name in _AWK_NAMES:
        if re.search(rf"(?<![\w$]){name}(?!\w)", bare) and not re.search(
            rf"(?<![\w$]){name}\s*=[^=]", bare.replace("IGNORECASE", "").replace("FPAT", "").replace("FIELDWIDTHS", "")
        ):
            yield f"gawk's {name}", "plain awk without it"
    if re.search(r"\bmatch\([^(),]*,[^(),]*,[^(),]*\)", bare):
        yield "match() with an array", "match(), then substr() with RSTART and RLENGTH"
    if "@include" in bare or "|&" in bare:
        yield "gawk's @include and |&", "plain awk without it"
