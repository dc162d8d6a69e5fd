"""Which files hold shell code, and for which shell. Asked of every file of every commit: nothing is loaded for it."""

import re
from weakref import WeakKeyDictionary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change, File
    from guard.finding import Finding
    from guard.policy import Policy

_seen: "WeakKeyDictionary[Change, list[tuple[File, bytes]]]" = WeakKeyDictionary()
"""What was found in a change, for the three rules that ask."""

SHELLS = ("sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "fish")
"""The shells whose names a shebang or a file's end may have; the others are no shells to us."""

_ENDS = {".sh": "", ".bash": "bash", ".bats": "bash", ".ksh": "ksh", ".dash": "dash", ".zsh": "zsh", ".fish": "fish"}
"""What a file's end says of its shell; `.sh` says nothing, and is bash where no shebang says otherwise."""

_NAMES = {
    **dict.fromkeys((".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases"), "bash"),
    ".profile": "sh",
    ".envrc": "bash",
    **dict.fromkeys((".zshrc", ".zprofile", ".zshenv", ".zlogin"), "zsh"),
}

_NEVER = re.compile(
    r"\.(json|md|txt|py|pyi|toml|ya?ml|lock|html?|css|js|ts|tsx|jsx|c|h|cc|cpp|go|rs|rb|java|kt|swift|png|jpe?g|gif|svg"
    r"|pdf|csv|tsv|xml|sql|gz|zip|tar|ico|woff2?|lua|php|pl|pm|r|ipynb|ini|cfg|rst|log)\Z",
    re.IGNORECASE,
)
"""Ends of files that are no scripts, unless git knows them as executable."""

_MAKEFILE = re.compile(r"(?:\A|/)(?:GNUmakefile|[Mm]akefile|[^/]+\.(?:mk|mak|make))\Z")
_WORKFLOW = re.compile(r"(?:\A|/)\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml\Z|(?:\A|/)action\.ya?ml\Z")

_SHEBANG = re.compile(rb"\A(?:\xef\xbb\xbf)?#![ \t]*(\S+)[ \t]*([^\r\n]*)")


def findings(change: "Change", policy: "Policy", code: str) -> "Iterator[Finding]":
    """What the rule of that code finds in the scripts of a change; the parser is loaded only where there are any."""
    found = of(change)
    if found:
        from guard.shell.judged import findings as judged

        yield from judged(policy, code, found)


def of(change: "Change") -> "list[tuple[File, bytes]]":
    """The files of a change that hold shell code, and what they hold after it: those that differ, and those named."""
    if change in _seen:
        return _seen[change]
    found = []
    for file in (*change.files, *change.named):
        if file.deleted or not may_be_script(file.path, file.new_mode):
            continue
        data = change.read(file.new)
        if data is not None and kind(file.path, data):
            found.append((file, data))
    _seen[change] = found
    return found


def may_be_script(path: str, mode: str) -> bool:
    """Whether a file's content must be looked at to know whether it is a script."""
    if mode not in ("100644", "100755", "100664"):
        return False  # a link, a submodule, or not there
    return mode == "100755" or not _NEVER.search(path) or _WORKFLOW.search(path) is not None


def kind(path: str, data: bytes) -> str:
    """What a file is: the name of its shell, `own bash` for a bash of its own, `workflow`, `makefile`, or nothing."""
    if b"\0" in data[:64] and not data.startswith(b"#!"):
        return ""
    if _WORKFLOW.search(path):
        return "workflow"
    if _MAKEFILE.search(path):
        return "makefile"
    name = path.rpartition("/")[2]
    end = _ENDS.get("." + name.rpartition(".")[2].lower() if "." in name else "")
    asked = shebang(data)
    if data[:400].partition(b"\n")[2].startswith(b"'''exec' "):
        return ""  # a Python program that finds its interpreter by way of sh
    if asked is not None:
        return asked if asked or end is None else ""
    if end is not None:
        return end or "bash"
    return _NAMES.get(name, "")


def shebang(data: bytes) -> str | None:
    """The shell that the first line asks for; the empty text for a program that is no shell, None without a line."""
    found = _SHEBANG.match(data[:512])
    if found is None:
        return None
    program, words = found[1].decode("latin-1"), found[2].decode("latin-1").split()
    if program.rpartition("/")[2] == "env":
        words = [word for word in words if not word.startswith("-") and "=" not in word]
        program = words[0] if words else ""
    folder, _, name = program.rpartition("/")
    if name.startswith("bash") and (name != "bash" or folder not in ("", "/bin", "/usr/bin")):
        return "own bash"
    return name if name in SHELLS else ""


def options(data: bytes) -> str:
    """The options that the first line gives its shell, as `-eu`."""
    found = _SHEBANG.match(data[:512])
    return " ".join(word for word in found[2].decode("latin-1").split() if word.startswith("-")) if found else ""
