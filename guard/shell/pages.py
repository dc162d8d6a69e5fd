"""docs/shell.md, written from the tables: what is found, since when it runs, and what to write instead."""

from guard.shell.bash_versions import CONSTRUCTS, SHOPT, VARIABLES, version_name
from guard.shell.macos_commands import ABSENT, FIND, GNU_NAMES, NEVER, OPTIONS, Macos, name_of

_HEAD = """\
# Portable shell

What G301 and G302 find, from the tables that they judge by (`python -m guard.shell.pages` writes this page). The
versions are those that were measured with real bashes and with Apple's userland. `guard explain G303` lists the git
commands that are refused.

```console
$ guard check scripts/*.sh --rule G301,G302,G303
scripts/nightly.sh:2:5: G302 gnu-only-command: sed --in-place: macOS has none
  why: stock macOS lacks it or does something else: the script works on one machine of the fleet and not on the next
  fix: sed -i.bak ... f && rm f.bak
```

Each finding says `path:line:column`. Without a name, what is staged is judged; `--range OLD..NEW` judges commits.

## What is judged

| what | known by | rules |
|---|---|---|
| bash scripts | first line, `.sh`, `.bash`, `.bats`, `.bashrc` and the like | G301, G302, G303 |
| sh scripts | first line | the same: sh of macOS is bash 3.2 in posix mode |
| scripts with a bash of their own (`#!/opt/homebrew/bin/bash`), dash, ksh | first line | G302, G303 |
| zsh scripts | first line, `.zsh` | G303 |
| `run:` of workflows and actions, by their `shell:` | path | G303; G301 and G302 where the job may run on macOS |
| recipes of Makefiles | name | G303 |

A job may run on macOS where its `runs-on` or its matrix names it, unless the step's `if:` says otherwise. A Makefile
does not say where it runs, and `SHELL = /bin/bash` names another bash on each machine: its recipes are judged by G303
alone, as sh, whatever `SHELL` is. Code in strings and here-documents that a shell is given (`bash -c`, `eval`, `trap`,
`echo ... | sh`) is judged too; what `ssh` and `docker` are given is not: it runs elsewhere.

## What is let pass

A version check (`if ((BASH_VERSINFO[0] >= 4))`), `command -v NAME`, `uname`, a fallback after `||`, a function of that
name and an early exit guard what they keep from being reached. No check helps against what an old bash cannot parse.

A comment `# guard: allow G301 why` on a line, or on a line of its own above it, lets it pass; without a reason it lets
nothing pass. What is let pass is counted and shown by `guard check`. `[shell]` in guard.toml names the oldest bash and
the oldest macOS. Of a script that the grammar cannot read in full, the rest is judged, and that is said.

"""


def page() -> str:
    """The whole page."""
    lines = [
        _HEAD,
        "## Constructs (G301)",
        "",
        "| construct | since bash | before that | instead |",
        "|---|---|---|---|",
    ]
    for _, each in sorted(CONSTRUCTS.items(), key=lambda item: (item[1].since, item[0])):
        since = "none" if each.since >= (99, 0) else version_name(each.since)
        older = (each.older + (" \\*" if each.syntax else "")).replace("|", "\\|")
        lines.append(f"| {_cell(each.name)} | {since} | {older} | {_cell(each.instead)} |")
    lines += ["", "\\* A version check around it does not help: an older bash reads no further."]
    lines += ["", "## Variables (G301)", "", "| variable | since bash | instead |", "|---|---|---|"]
    lines += [f"| `{name}` | {version_name(since)} | {_cell(what)} |" for name, (since, what) in VARIABLES.items()]
    lines += ["", "## Names of shopt (G301)", "", "| name | since bash |", "|---|---|"]
    lines += [f"| `{name}` | {version_name(since)} |" for name, since in SHOPT.items()]
    lines += ["", "## Commands (G302)", "", "| command | since macOS | instead |", "|---|---|---|"]
    lines += [f"| `{name}` | {_since(since)} | {_cell(what)} |" for name, (since, what) in ABSENT.items()]
    lines += ["", f"Homebrew's names of GNU's commands, unless asked for first: {', '.join(sorted(GNU_NAMES))}."]
    lines += ["", "## Options (G302)", "", "| option | since macOS | instead |", "|---|---|---|"]
    for command, table in sorted(OPTIONS.items()):
        for option, (macos, what) in table.gone.items():
            shown = option if option.startswith("-") else f"-{option}"
            lines.append(f"| `{command} {shown}` | {_since(macos)} | {_cell(what)} |")
    lines += [f"| `find {name}` | {_since(since)} | {_cell(what)} |" for name, (since, what) in FIND.items()]
    short = ", ".join(name for name, table in sorted(OPTIONS.items()) if table.long is not None)
    lines += ["", f"Of these, macOS' forms know no long options but those named above as theirs: {short}.", ""]
    return "\n".join(lines)


def _since(macos: Macos) -> str:
    return "none" if macos >= NEVER else name_of(macos)


def _cell(text: str) -> str:
    quote = "``" if "`" in text else "`"
    return f"{quote}{text}{quote}".replace("|", "\\|")


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
