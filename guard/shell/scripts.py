"""Which files hold shell code, and for which shell. Asked of every file of every commit: nothing is loaded for it."""

from weakref import WeakKeyDictionary

from guard.shell.harmless import harmless

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

_NEVER = {
    *("json", "md", "txt", "py", "pyi", "toml", "yml", "yaml", "lock", "htm", "html", "css", "js", "ts", "tsx", "jsx"),
    *("c", "h", "cc", "cpp", "go", "rs", "rb", "java", "kt", "swift", "png", "jpg", "jpeg", "gif", "svg", "pdf", "csv"),
    *("tsv", "xml", "sql", "gz", "zip", "tar", "ico", "woff", "woff2", "lua", "php", "pl", "pm", "r", "ipynb", "ini"),
    *("cfg", "rst", "log"),
}
"""Ends of files that are no scripts, unless git knows them as executable."""

_WORKFLOW_FOLDERS = ([".github"], [".gitea"], [".forgejo"])
_BLANKS = b" \t\n\r\x0b\x0c"


def findings(change: "Change", policy: "Policy", code: str) -> "Iterator[Finding]":
    """What the rule of that code finds in the scripts of a change; the parser is loaded only where there are any."""
    found = of(change)
    if found:
        from guard.shell.judged import findings as judged

        yield from judged(policy, code, found)


def of(change: "Change") -> "list[tuple[File, bytes]]":
    """The files of a change that hold shell code, and what they hold after it: those that differ, and those named. Left
    out is what certainly has no finding."""
    if change in _seen:
        return _seen[change]
    found = []
    for file in (*change.files, *change.named):
        if file.deleted or not may_be_script(file.path, file.new_mode):
            continue
        data = change.read(file.new)
        if data is not None and not fine(file.path, data):
            found.append((file, data))
    _seen[change] = found
    return found


def fine(path: str, data: bytes) -> bool:
    """Whether a file is no script, or one in which the three rules certainly find nothing."""
    what = kind(path, data)
    return not what or (what not in ("workflow", "makefile") and harmless(data))


def may_be_script(path: str, mode: str) -> bool:
    """Whether a file's content must be looked at to know whether it is a script."""
    if mode not in ("100644", "100755", "100664"):
        return False  # a link, a submodule, or not there
    return mode == "100755" or _end(path) not in _NEVER or _is_workflow(path)


def _end(path: str) -> str:
    """A path's end without its dot, in small letters; nothing where it has none."""
    return path.rpartition(".")[2].lower() if "." in path else ""


def _is_workflow(path: str) -> bool:
    """Whether a path is that of a workflow, or of an action."""
    *folders, name = path.split("/")
    stem, _, end = name.rpartition(".")
    if end not in ("yml", "yaml"):
        return False
    return stem == "action" or (bool(stem) and folders[-1:] == ["workflows"] and folders[-2:-1] in _WORKFLOW_FOLDERS)


def _is_makefile(path: str) -> bool:
    """Whether a path is that of a Makefile, or of a part of one."""
    name = path.rpartition("/")[2]
    stem, _, end = name.rpartition(".")
    return name in ("GNUmakefile", "Makefile", "makefile") or (bool(stem) and end in ("mk", "mak", "make"))


def kind(path: str, data: bytes) -> str:
    """What a file is: the name of its shell, `own bash` for a bash of its own, `workflow`, `makefile`, or nothing."""
    if b"\0" in data[:64] and not data.startswith(b"#!"):
        return ""
    if _is_workflow(path):
        return "workflow"
    if _is_makefile(path):
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
    found = _first_line(data)
    if found is None:
        return None
    program, words = found
    if program.rpartition("/")[2] == "env":
        words = [word for word in words if not word.startswith("-") and "=" not in word]
        program = words[0] if words else ""
    folder, _, name = program.rpartition("/")
    if name.startswith("bash") and (name != "bash" or folder not in ("", "/bin", "/usr/bin")):
        return "own bash"
    return name if name in SHELLS else ""


def options(data: bytes) -> str:
    """The options that the first line gives its shell, as `-eu`."""
    _, words = _first_line(data) or ("", [])
    return " ".join(word for word in words if word.startswith("-"))


def _first_line(data: bytes) -> "tuple[str, list[str]] | None":
    """The program that the first line names, and its words; None where it names none."""
    text = data[:512].removeprefix(b"\xef\xbb\xbf")
    rest = text[2:].lstrip(b" \t")
    if not text.startswith(b"#!") or not rest or rest[0] in _BLANKS:
        return None
    program = rest.split(None, 1)[0]
    line = rest[len(program) :].partition(b"\n")[0].partition(b"\r")[0]
    return program.decode("latin-1"), line.decode("latin-1").split()
