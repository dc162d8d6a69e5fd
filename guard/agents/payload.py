"""What an agent's tool tells before it acts: one JSON object on standard input.

The tools agree on more than they differ in: the command stands under `command` of the tool's input, a file under
`file_path` or a name like it, the event under `hook_event_name`. So one reader takes them all, older and newer
spellings alike, and what it does not know it leaves alone. Where each protocol is written down is said in the file
of each tool.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_EVENTS = {
    **dict.fromkeys(("pretooluse", "beforetool", "beforeshellexecution"), "tool"),
    "sessionstart": "start",
    **dict.fromkeys(("sessionend", "stop"), "end"),
}

_SHELLS = frozenset(
    "bash shell powershell run_shell_command local_shell shell_command exec_command unified_exec terminal"
    " run_terminal_cmd run_in_terminal execute_command".split()
)
"""What the tools call the one that runs commands."""

_WRITERS = frozenset(
    "write edit multiedit notebookedit create str_replace str_replace_editor str_replace_based_edit_tool write_file"
    " replace apply_patch delete delete_file tabwrite strreplace editnotebook edit_file create_file search_replace"
    " replace_in_file write_to_file insert move_file rename".split()
)
"""What the tools call those that write files."""

_PATHS = ("file_path", "filePath", "path", "notebook_path", "target_file", "absolute_path", "target_notebook",
          "destination")  # fmt: skip

_PATCHED = ("*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: ")


class Call:
    """What is about to happen: `event` is tool, start, end or empty where nothing is known of it.

    `command` is a shell's command line, None where none is run; `words` are those of a command that no shell reads;
    `paths` are the files that are written, `given` what the tool's input holds, `cwd` the folder, empty for here.
    """

    __slots__ = ("command", "cwd", "event", "given", "name", "paths", "words")

    def __init__(self, event: str, cwd: str) -> None:
        self.event = event
        self.cwd = cwd
        self.name = ""
        self.command: str | None = None
        self.words: list[str] = []
        self.paths: list[str] = []
        self.given: dict[str, Any] = {}


def call(told: object, parse: "Any") -> Call:
    """The call that a tool told; `parse` reads JSON that stands in a string, as some tools send their input."""
    if not isinstance(told, dict):
        return Call("", "")
    cwd = told.get("cwd")
    found = Call(_event(told), cwd if isinstance(cwd, str) else "")
    if found.event != "tool":
        return found
    name = told.get("tool_name", told.get("toolName", ""))
    given = told.get("tool_input", told.get("toolArgs"))
    if isinstance(given, str) and given.lstrip().startswith("{"):
        given = parse(given)
    if given is None:
        name, given = name or "shell", told  # Cursor's beforeShellExecution has its command on top
    found.name = str(name).rpartition("__")[2].lower()
    found.given = given if isinstance(given, dict) else {"patch": given}
    if found.name in _SHELLS:
        _shell(found)
    elif found.name in _WRITERS:
        _writer(found)
    return found


def _event(told: "dict[str, Any]") -> str:
    name = told.get("hook_event_name", told.get("hookEventName"))
    if isinstance(name, str):
        return _EVENTS.get(name.lower(), "")
    if "toolName" in told or "tool_name" in told:
        return "tool"
    return "start" if "source" in told else "end" if "reason" in told else ""


def _shell(found: Call) -> None:
    command = found.given.get("command", found.given.get("cmd"))
    if isinstance(command, str):
        found.command = command
    elif isinstance(command, list):
        found.words = [str(word) for word in command]
    folders = (found.given.get(key) for key in ("workdir", "cwd", "dir_path", "directory"))
    folder = next((each for each in folders if isinstance(each, str) and each), "")
    if folder:
        found.cwd = f"{found.cwd}/{folder}" if found.cwd and not folder.startswith("/") else folder


def _writer(found: Call) -> None:
    if found.given.get("command") == "view":  # one tool of this kind also reads
        return
    for key in _PATHS:
        path = found.given.get(key)
        if isinstance(path, str) and path:
            found.paths.append(path)
    for key in ("command", "patch", "input", "diff"):
        patch = found.given.get(key)
        if isinstance(patch, str):
            for line in patch.splitlines():
                for head in _PATCHED:
                    if line.startswith(head):
                        found.paths.append(line[len(head) :].strip())
