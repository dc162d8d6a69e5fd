"""The page that a run writes, and the lines that it prints."""

from collections.abc import Mapping, Sequence

from benchmarks.measure import Figure, Part, Row, number

INTRO = """\
# Benchmarks

Written by `make bench`: do not edit. Every figure is the median of runs that took turns with what stands beside it, in
one run on one machine; in brackets the middle half of the runs (their quartiles). Ratios hold elsewhere, milliseconds
do not. *Processor* is the time of all processors for a command and everything that it starts, *clock* what somebody
waits. The goals are ratios, or figures where nothing stands beside them: at most that. A missed one fails nothing.
"""


def figure(found: Figure | None, unit: str = "", *, bare: bool = False) -> str:
    """A median with its quartiles."""
    if found is None:
        return ""
    if bare or found.low == found.high:
        return number(found.median) + unit
    return f"{number(found.median)}{unit} ({number(found.low)} to {number(found.high)})"


def ratio(found: Figure | None) -> str:
    """A ratio with its quartiles."""
    if found is None:
        return ""
    digits = 2 if found.median >= 0.1 else 3
    spread = "" if found.low == found.high else f" ({found.low:.{digits}f} to {found.high:.{digits}f})"
    return f"{found.median:.{digits}f}x{spread}"


def goal(row: Row) -> str:
    """A goal, as it is compared."""
    if row.goal is None:
        return ""
    return f"{row.goal:g}x" if row.beside else f"{row.goal:g} {unit(row)}".strip()


def unit(row: Row) -> str:
    """The unit of a row's figures."""
    return "\u00b5s" if row.unit == "us" else row.unit


def verdict(row: Row) -> str:
    """Whether a goal is met, in a word."""
    return {True: "met", False: "**missed**", None: ""}[row.met]


def cells(row: Row) -> list[str]:
    """The columns of a row."""
    other = ""
    if row.other is not None:
        other = f"{'clock' if row.by == 'processor' else 'processor'} {row.other:.2f}x"
    space = f"\u00a0{unit(row)}" if row.unit else ""  # a figure and its unit stay on one line
    mine = figure(row.ours, space, bare=bool(row.beside))
    beside = f"{row.beside}: {figure(row.base, space, bare=True)}" if row.base else row.beside
    return [row.name, row.by, mine, beside, ratio(row.ratio), other, goal(row), verdict(row), row.note]


HEADS = ("what", "by", "guard", "beside it", "ratio", "and", "goal", "", "note")


def table(rows: Sequence[Row]) -> str:
    """Rows as a table; the column of notes only where there are any."""
    noted = any(row.note for row in rows)
    lines = [HEADS, ["---"] * len(HEADS), *map(cells, rows)]
    kept = [line if noted else line[:-1] for line in lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in kept)


def missed(parts: Mapping[str, Part]) -> list[str]:
    """One line for each goal that is missed."""
    lines = []
    for name, part in parts.items():
        for row in part.rows:
            if row.met is False:
                got = ratio(row.ratio) if row.beside else figure(row.ours, f" {unit(row)}".rstrip())
                beside = f" beside {row.beside}" if row.beside else ""
                lines.append(f"{name}: {row.name}{beside}: {got}, goal {goal(row)}")
    return lines


def page(
    parts: Mapping[str, Part],
    words: Mapping[str, tuple[str, str]],
    machine: Mapping[str, str],
    versions: Mapping[str, str],
    notes: Sequence[str],
    scale: str,
) -> str:
    """The whole page; `words` are the title and the explanation of each subject, `scale` the options of this run."""
    text = [INTRO, "## Where and with what\n"]
    text += [f"- {name}: {value}" for name, value in machine.items()]
    text.append(f"- versions: {', '.join(f'{name} {value}' for name, value in versions.items())}")
    text += [f"- {note}" for note in notes]
    goals = [row for part in parts.values() for row in part.rows if row.met is not None]
    gone = missed(parts)
    text.append(f"\n## Goals\n\n{len(goals) - len(gone)} of {len(goals)} are met.")
    text += ["Missed:\n", *(f"- {line}" for line in gone)] if gone else []
    for name, part in parts.items():
        title, how = words[name]
        text.append(f"\n## {title}\n\n{how}\n\nAgain: `make bench ARGS='{name}{scale}'`\n")
        text += [f"![{title}](benchmarks/{picture})\n" for picture in part.pictures]
        text.append(table(part.rows))
    return "\n".join(text) + "\n"
