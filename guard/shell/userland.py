"""G302: commands and options that stock macOS lacks, or that do something else there."""

import re
from collections.abc import Iterator

from guard.shell import programs
from guard.shell.calls import Call
from guard.shell.hits import Hit
from guard.shell.macos_commands import (
    ABSENT,
    ALWAYS_FINE,
    FIND,
    GNU_NAMES,
    NEVER,
    OPTIONS,
    Macos,
    name_of,
)
from guard.shell.words import Word, expansion_end

_STARTERS = ("xargs", "env", "nice")
"""Commands whose first operand is a command with options of its own."""


def hits(call: Call, macos: Macos) -> Iterator[Hit]:
    """What is wrong with one command."""
    name = call.base
    folder = call.name.rpartition("/")[0]
    if folder and folder not in ("/bin", "/usr/bin", "/sbin", "/usr/sbin"):
        return
    if name in ABSENT or name in GNU_NAMES:
        yield from _absent(call, name, macos)
        if name not in OPTIONS:
            return
    if name == "find":
        yield from _find(call)
    elif name == "time" and folder:
        if any(word.text in ("-f", "-v", "--format", "--verbose") for word in call.words[:1]):
            yield _hit(call, "time -f and -v", NEVER, "/usr/bin/time -l on macOS")
    elif name == "expr":
        first = call.words[0].known if call.words else ""
        if first in ("length", "substr", "index", "match") and len(call.words) > 1:
            yield _hit(call, f"expr {first}", NEVER, "${#x}, or ${x:1:2} in bash; expr \"$x\" : '.*' everywhere")
    elif name in ("awk", "nawk"):
        yield from _awk(call)
    elif name in OPTIONS:
        yield from _options(call, name, macos)


def _hit(call: Call, what: str, since: Macos, instead: str, at: int | None = None, *, loud: bool = True) -> Hit:
    said = "macOS has none" if since >= NEVER else f"macOS has it from {name_of(since)} on"
    return Hit(
        "G302", call.base, call.unit, call.node, f"{what}: {said}", instead, call.at if at is None else at, loud=loud
    )


def _differs(call: Call, what: str, instead: str, at: int | None = None) -> Hit:
    return Hit("G302", call.base, call.unit, call.node, what, instead, call.at if at is None else at, loud=False)


def _absent(call: Call, name: str, macos: Macos) -> Iterator[Hit]:
    if name in GNU_NAMES:
        yield _hit(
            call, f"{name} is Homebrew's", NEVER, f"command -v {name} >/dev/null before it, or plain {GNU_NAMES[name]}"
        )
        return
    since, instead = ABSENT[name]
    if since > macos and not _asks(call):
        yield _hit(call, name, since, instead)


def _asks(call: Call) -> bool:
    """Whether a command is only asked for its version or help, which is how one looks for it."""
    return len(call.words) == 1 and call.words[0].text in ALWAYS_FINE


def _options(call: Call, name: str, macos: Macos) -> Iterator[Hit]:
    table = OPTIONS[name]
    operands: list[Word] = []
    values: dict[str, Word | None] = {}
    letters: list[tuple[str, str, Word]] = []
    words = iter(call.words)
    for word in words:
        text = word.text
        if text == "--":
            operands.extend(words)
            break
        if text.startswith("--") and len(text) > 2:
            option = text.split("=")[0]
            values[option] = word
            if not word.dynamic or "=" in text:
                letters.append((option, text[len(option) + 1 :], word))
            continue
        if not text.startswith("-") or text == "-" or (word.dynamic and text[1:2] in "$`"):
            operands.append(word)
            if name in _STARTERS:
                break
            continue
        if name == "sed" and "i" in _before_value(text[1:], "ef"):
            letters.append(("i", text, word))
        for place, letter in enumerate(text[1:], 1):
            rest = text[place + 1 :]
            if name == "sed" and letter == "i":
                break
            if name == "date" and letter == "I":
                letters.append((letter, rest, word))
                break
            if letter in table.values:
                value: Word | None = None
                if not rest:
                    value = next(words, None)
                values[letter] = value
                said = rest or (value.text if value is not None else "")
                letters.append((letter, said, value if value is not None and name == "sed" else word))
                break
            letters.append((letter, "", word))
    yield from _gone(call, name, letters, macos)
    yield from _special(call, name, letters, operands, macos)


def _before_value(letters: str, values: str) -> str:
    for place, letter in enumerate(letters):
        if letter in values:
            return letters[:place]
    return letters


def _gone(call: Call, name: str, letters: list[tuple[str, str, Word]], macos: Macos) -> Iterator[Hit]:
    table = OPTIONS[name]
    for option, _, word in letters:
        if option in ALWAYS_FINE:
            continue
        shown = option if option.startswith("--") else f"-{option}"
        if option in table.gone:
            since, instead = table.gone[option]
            if since > macos:
                yield _hit(call, f"{name} {shown}", since, instead, word.at)
        elif option.startswith("--") and table.long is not None and option not in table.long:
            yield _hit(call, f"{name} {shown}", NEVER, table.instead, word.at)


def _special(
    call: Call, name: str, letters: list[tuple[str, str, Word]], operands: list[Word], macos: Macos
) -> Iterator[Hit]:
    given = {option: value for option, value, _ in letters}
    at = {option: word.at for option, _, word in letters}
    if name == "sed":
        yield from _sed(call, letters, operands)
    elif name == "date":
        if given.get("I", "") not in ("", "date", "hours", "minutes", "seconds"):
            yield _hit(call, f"date -I{given['I']}", NEVER, "date +%Y-%m-%dT%H:%M:%S%z", at["I"])
        for word in operands:
            if word.text.startswith("+"):
                for form, since in ((r"%[0-9]N", NEVER), (r"%N", (15, 4)), (r"%P", NEVER), (r"%:+z", NEVER)):
                    found = re.search(form, word.text.replace("%%", ""))
                    if found and since > macos:
                        instead = (
                            "perl -MTime::HiRes=time -e 'printf \"%.3f\", time'" if "N" in form else "another format"
                        )
                        hit = _hit(call, f"date +{found[0]}", since, instead, word.at)
                        hit.loud = False
                        yield hit
                        break
    elif name == "head":
        for option in ("n", "c", "--lines", "--bytes"):
            if given.get(option, "").startswith("-"):
                yield _hit(
                    call,
                    f"head {'-' if len(option) == 1 else ''}{option} with a negative number",
                    NEVER,
                    "sed '$d' drops the last line; awk for more",
                    at[option],
                )
    elif name == "base64":
        if operands and "i" not in given and "--input" not in given:
            yield _hit(call, "a file as an operand of base64", NEVER, "base64 < file", operands[0].at)
    elif name == "mktemp":
        for word in operands:
            if re.search(r"X{3,}[^X/]+\Z", word.text):
                yield _differs(
                    call,
                    "mktemp: macOS replaces only the Xs at the end of a template",
                    't=$(mktemp) && mv "$t" "$t.txt"',
                    word.at,
                )
    elif name == "paste":
        if "s" in given and not operands:
            yield _hit(call, "paste -s without a file", NEVER, "paste -sd, -", call.at)
    elif name == "touch":
        day = given.get("d")
        if day is not None and not re.match(r"\d{4}-|[$`]", day):
            yield _hit(call, "touch -d with words", NEVER, "touch -t YYYYMMDDhhmm", at["d"])


# --- sed ---------------------------------------------------------------------------------------------------------


def _sed(call: Call, letters: list[tuple[str, str, Word]], operands: list[Word]) -> Iterator[Hit]:
    scripts = [(value, word) for option, value, word in letters if option in ("e", "--expression")]
    filed = any(option in ("f", "--file") for option, _, _ in letters)
    in_place = next(((text, word) for option, text, word in letters if option == "i"), None)
    extended = any(option in ("E", "r", "--regexp-extended") for option, _, _ in letters)
    rest = list(operands)
    if in_place is not None:
        yield from _in_place(call, in_place, rest, bool(scripts) or filed)
        cluster, _ = in_place
        extended = extended or bool(re.match(r"-[a-zA-Z]*[Er]", cluster.split("i")[0]))
        if rest and _suffix(rest[0]) and cluster.endswith("i"):
            rest = rest[1:]
    if not scripts and not filed and rest:
        scripts = [(rest[0].text, rest[0])]
    for text, word in scripts:
        if len(text) > 20_000:
            continue
        program = program_of(text) if word.dynamic else text
        for what, instead in programs.sed(program, extended=extended):
            yield _differs(call, f"{what}: macOS' sed reads it in another way, or refuses it", instead, word.at)


def program_of(text: str) -> str:
    """A program with a NUL for each expansion of the shell's in it."""
    out, at = [], 0
    while at < len(text):
        if text[at] in "$`" and (end := expansion_end(text, at)) > at + 1:
            out.append("\0")
            at = end
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def _suffix(word: Word) -> bool:
    return (word.text == "" and word.quoted) or re.fullmatch(r"\.[\w.~-]+", word.text) is not None


def _in_place(call: Call, option: tuple[str, Word], rest: list[Word], scripted: bool) -> Iterator[Hit]:
    text, word = option
    _, _, suffix = text.partition("i")
    fix = "sed -i.bak ... f && rm f.bak"
    if suffix:
        if re.fullmatch(r"[enErs]+", suffix) and not word.dynamic:
            yield _hit(
                call, f"sed -i{suffix}: the suffix on macOS is {suffix!r}, so it", NEVER, fix, word.at, loud=False
            )
        return
    following = next((each for each in call.words if each.at > word.at), None)
    if following is None:
        return
    said = following.text
    if _suffix(following):
        return
    if (
        following.dynamic
        and re.fullmatch(r"\$\{?[\w@*\[\]]+\}?", said)
        and not (len(rest) == 2 and not scripted and following.quoted)
    ):
        return
    if said.startswith("-"):
        yield _hit(call, f"sed -i {said}: the suffix on macOS is {said!r}, so it", NEVER, fix, word.at, loud=False)
        return
    yield _hit(call, "sed -i without a suffix", NEVER, fix, word.at)


# --- find and awk ------------------------------------------------------------------------------------------------


def _find(call: Call) -> Iterator[Hit]:
    words = call.words
    skip = 0
    while skip < len(words) and re.fullmatch(r"-[HLPEXdsx]+|-O\d?", words[skip].text):
        skip += 1
    if skip == len(words) or (re.match(r"-[a-z]{2,}\Z|[(!]\Z|\\", words[skip].text) and not words[skip].dynamic):
        yield _hit(call, "find without a path", NEVER, "find . ...")
    for place, word in enumerate(words):
        following = words[place + 1].text if place + 1 < len(words) else ""
        if word.text in FIND and not _operand(words, place):
            since, instead = FIND[word.text]
            yield _hit(call, f"find {word.text}", since, instead, word.at)
        elif word.text == "-type" and "," in following:
            yield _hit(call, f"find -type {following}", NEVER, "\\( -type f -o -type d \\)", word.at)
        elif word.text == "-perm" and following.startswith("/"):
            yield _hit(call, "find -perm /mode", NEVER, "-perm +mode on macOS; -perm -u+x -o -perm -g+x", word.at)


def _operand(words: list[Word], place: int) -> bool:
    """Whether a word is inside `-exec ... ;`, or the pattern of a `-name`."""
    if place and words[place - 1].text in ("-name", "-iname", "-path", "-ipath", "-regex", "-wholename"):
        return True
    inside = False
    for word in words[:place]:
        if word.text in ("-exec", "-execdir", "-ok", "-okdir"):
            inside = True
        elif word.text in (";", "+"):
            inside = False
    return inside


def _awk(call: Call) -> Iterator[Hit]:
    words = iter(call.words)
    for word in words:
        text = word.text
        if text in ("-f", "--file") or text.startswith("-f"):
            return
        if text in ("-F", "-v"):
            next(words, None)
        elif text == "-i" or text.startswith(
            ("--re-interval", "--posix", "--include", "--field-separator", "--assign")
        ):
            yield _hit(call, f"awk {text.split('=')[0]}", NEVER, "plain awk without it", word.at)
            return
        elif text == "--" or (text.startswith("-") and len(text) > 1):
            continue
        else:
            if len(text) < 50_000:
                for what, instead in programs.awk(program_of(text) if word.dynamic else text):
                    yield _hit(call, what, NEVER, instead, word.at)
            return
