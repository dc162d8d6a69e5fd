"""Which scripts certainly hold nothing that G301, G302 or G303 look for, told by a look that loads nothing at all.

Read are lines of simple commands with well-known names, `if`, `for` and `while`, quotes, plain variables and
redirections. Whatever else a shell knows is left to the parser: a yes here is a yes there, as a test sees to.
"""

MOST = 20_000
"""A longer script is never read here."""

_NAME = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
_DIGITS = "0123456789"
_BARE = frozenset(f"{_NAME}{_DIGITS}./,:@%+=-*?~^")
"""What a word may hold outside of quotes. A brace or a bracket is a word of its own, or left to the parser."""

_SHORT = ("rm", "mkdir", "tee", "wc")
"""Commands of which macOS knows every option of one letter, and no long one."""

_PLAIN = ("cat", "cp", "mv", "touch", "chmod", "cd", "exit", "return", "shift")
"""Commands of which macOS, or an old bash, does not know every option."""

_FINE = (
    *(":", "true", "false", "pwd", "break", "continue", "sleep", "diff", "cmp", "curl", "wget", "jq", "gh", "guard"),
    *(
        "python",
        "python3",
        "pip",
        "pip3",
        "pytest",
        "ruff",
        "mypy",
        "node",
        "npm",
        "npx",
        "deno",
        "bun",
        "tsc",
        "eslint",
    ),
    *("ruby", "perl", "php", "make", "cmake", "go", "cargo", "rustc", "java", "javac", "mvn", "gradle", "docker"),
)
"""Commands whose words say nothing to the three rules."""

_ASKS = ("-d", "-e", "-f", "-h", "-L", "-n", "-r", "-s", "-w", "-x", "-z")
_COMPARES = ("=", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge")
"""How `[` may look at one word, and at two."""

_SET = {"-e", "-u", "-x", "-eu", "-ex", "-ux", "-eux", "-euo", "-o", "+e", "+u", "+x", "errexit", "nounset", "pipefail"}
_NEWER = (
    *("BASH", "EPOCH", "COMP_", "COPROC", "READLINE", "CHILD_MAX", "EXECIGNORE", "FUNCNEST", "GLOBSORT", "PROMPT_"),
    *("PS0", "SRANDOM"),
)
"""How the variables are called that only a newer bash knows, and those like them."""

_OPENS = {"if": "then", "for": "do", "while": "do", "until": "do", "{": "}"}
_BETWEEN = {"then": ("then", "fi"), "elif": ("fi", "then"), "else": ("fi", "fi"), "do": ("do", "done")}
_CLOSES = ("fi", "done", "}")
"""Words around commands: what has to come after each, and where such a word may stand."""


class Unsure(Exception):
    """The parser has to look."""


def harmless(data: bytes) -> bool:
    """Whether a file, read as a script of whatever shell, certainly has no finding of the three rules."""
    if len(data) > MOST or not data.isascii() or b"\r" in data or b"\0" in data:
        return False
    blocks: list[_Block] = []
    try:
        for line in data.decode().split("\n"):
            text = line.strip(" \t")
            if text and not text.startswith("#"):
                _line(text, blocks)
    except Unsure:
        return False
    return not blocks


class _Block:
    """A compound command that is open: the word that has to come, and whether there was a command before it."""

    __slots__ = ("filled", "word")

    def __init__(self, word: str, *, filled: bool = False) -> None:
        self.word = word
        self.filled = filled


def _line(text: str, blocks: "list[_Block]") -> None:
    """Read one line."""
    words: list[str] = []
    at, end = 0, len(text)
    before = ""  # what stands before the command that comes, unless it begins one: an operator, or !
    assigned = closed = False  # assignments stand before the command; a compound command has just ended
    while True:
        while at < end and text[at] in " \t":
            at += 1
        if at == end or text[at] == "#":
            break
        if text[at] in ";&|":
            sign = text[at : at + 2] if text[at : at + 2] in ("&&", "||") else text[at]
            at += len(sign)
            odd = text[at : at + 1] in (";", "&", "|", ">") or (assigned and "|" in sign)
            if odd or not (words or assigned or closed):
                raise Unsure
            _command(words, blocks)
            words, assigned, closed = [], False, False
            before = "" if sign in (";", "&") else sign
        elif text[at] in "<>":
            at = _redirection(text, at)
            if words[:1] in ([], ["["]) and not closed:
                raise Unsure
        else:
            word, at = _word(text, at)
            if text[at : at + 1] in ("<", ">") and not word.strip(_DIGITS):
                continue  # the number of a descriptor
            if closed:
                raise Unsure
            if words:
                words.append(word)
            elif word in _OPENS or word in _BETWEEN or word in _CLOSES or word == "!":
                if assigned or before == "!" or (before and word not in _OPENS and word != "!"):
                    raise Unsure
                before, closed = ("!" if word == "!" else ""), word in _CLOSES
                if word == "for":
                    words.append(word)
                _compound(word, blocks)
            elif _assigns(word):
                assigned = True
            else:
                words.append(word)
    if before and not (words or assigned):
        raise Unsure  # it goes on in the next line
    if words or assigned:
        _command(words, blocks)


def _compound(word: str, blocks: "list[_Block]") -> None:
    """Take a word of a compound command; raises `Unsure` where it cannot stand."""
    if word in _OPENS:
        blocks.append(_Block(_OPENS[word], filled=word == "for"))
    elif word != "!":
        wanted, following = _BETWEEN.get(word, (word, ""))
        if not blocks or blocks[-1].word != wanted or not blocks[-1].filled:
            raise Unsure
        if following:
            blocks[-1] = _Block(following)
        else:
            blocks.pop()
            if blocks:
                blocks[-1].filled = True


def _command(words: "list[str]", blocks: "list[_Block]") -> None:
    """Raise `Unsure` unless a command is certainly fine; without words it is an assignment, or one that has ended."""
    if blocks and words[:1] != ["for"]:
        blocks[-1].filled = True
    if not words:
        return
    name, rest = words[0], [word.replace('"', "").replace("'", "") for word in words[1:]]
    base = name.replace('"', "").replace("'", "").rpartition("/")[2]
    if name == "for":
        fine = len(rest) > 2 and rest[1] == "in" and _assigns(f"{words[1]}=")
    elif "/" in name:
        fine = "." in base and not base.startswith(("git", "."))  # a script by its path
    elif name == "set":
        fine = bool(rest) and _SET.issuperset(rest)
    elif name == "echo":
        fine = not any(word.startswith("-") and word != "-n" for word in rest)
    elif name == "printf":
        odd = ("%(", "Q", "\\u", "\\U")
        fine = bool(rest) and not rest[0].startswith("-") and not any(mark in word for word in rest for mark in odd)
    elif name in ("export", "readonly"):
        fine = bool(rest) and all(_assigns(f"{word}=") for word in rest)
    elif name in ("test", "["):
        fine = (name == "test" or rest.pop() == "]") if rest else False
        rest = rest[1:] if rest[:1] == ["!"] else rest
        fine = fine and ((len(rest) == 2 and rest[0] in _ASKS) or (len(rest) == 3 and rest[1] in _COMPARES))
    elif name in _PLAIN:
        fine = not any(word.startswith("-") for word in rest)
    elif name in _SHORT:
        fine = not any(word.startswith("--") for word in rest)
    else:
        fine = name in _FINE
    if not fine or "==" in rest:  # the grammar stumbles over that
        raise Unsure


def _redirection(text: str, at: int) -> int:
    """Past a redirection to or from a file or a descriptor."""
    at += 1
    if text[at : at + 1] == ">" and text[at - 1] == ">":
        at += 1
    if text[at : at + 1] == "&":
        at += 1
        if text[at : at + 1] not in ("1", "2") or text[at + 1 : at + 2] not in ("", " ", ";", "|"):
            raise Unsure
        return at + 1
    while text[at : at + 1] in (" ", "\t"):
        at += 1
    if text[at : at + 1] in ("", "#", "<", ">", "(", "&", "|", ";"):
        raise Unsure
    _, at = _word(text, at)
    return at


def _word(text: str, at: int) -> "tuple[str, int]":
    """One word as it is written, and where it ends."""
    begin, end = at, len(text)
    while at < end and text[at] not in " \t;&|<>":
        mark = text[at]
        if mark in _BARE:
            at += 1
        elif mark == "'":
            at = text.find("'", at + 1) + 1
            if at == 0:
                raise Unsure
        elif mark == '"':
            at = _string(text, at + 1)
        elif mark == "$":
            at = _variable(text, at)
        elif mark in "{}[]!" and at == begin and text[at + 1 : at + 2] in ("", " ", ";"):
            at += 1
        else:
            raise Unsure
    return text[begin:at], at


def _string(text: str, at: int) -> int:
    """Past a string in double quotes that holds nothing but text and plain variables."""
    end = len(text)
    while at < end and text[at] != '"':
        if text[at] == "$":
            at = _variable(text, at)
        elif text[at] in "`\\":
            raise Unsure
        else:
            at += 1
    if at >= end:
        raise Unsure
    return at + 1


def _variable(text: str, at: int) -> int:
    """Past `$x`, `${x}`, `$1`, `$@`, `$#` or `$?`."""
    at += 1
    if text[at : at + 1] in tuple("123456789@#?"):
        return at + 1
    braced = text[at : at + 1] == "{"
    begin = at = at + braced
    while at < len(text) and (text[at] in _NAME or text[at] in _DIGITS):
        at += 1
    name = text[begin:at]
    if not _is_name(name) or name.startswith(_NEWER):
        raise Unsure
    if braced:
        if text[at : at + 1] != "}":
            raise Unsure
        at += 1
    return at


def _is_name(text: str) -> bool:
    """Whether a text is a variable's name."""
    return bool(text) and text[0] in _NAME and not text.strip(f"{_NAME}{_DIGITS}")


def _assigns(word: str) -> bool:
    """Whether a word is an assignment to a variable that every bash takes for one like any other."""
    name, sign, _ = word.partition("=")
    return bool(sign) and _is_name(name) and not name.startswith(_NEWER)
