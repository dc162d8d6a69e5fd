"""Frames that are over, drawn: rows in, the bytes of one HTML page out, which asks nobody for anything.

Places along the frames are in units of one frame, and the drawing is stretched to the width there is; words stand
beside it as HTML, so that they keep their size. Everything that comes from a repository is escaped.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from guard.frames import plot
from guard.frames.clock import clock
from guard.frames.history import FLEET, KINDS, Mark, Row, machine, natural, span, utc
from guard.frames.style import STYLE

MARK = b"<!doctype html>\n<!-- guard frame history -->\n"
"""How every page begins: a file that does not is somebody's own."""

TITLES = 6000
"""So many cells get a hover title each; of more, only what is not simply good."""

STREAMS = 200
"""So many streams get a line of their own."""

LISTED = 60
"""So many rejected, missing and late ones are listed."""

_WORDS = {
    "ok": "in time",
    "late": "late: merged after its frame was closed",
    "fallback": "fallback: stands in for a stream that brought nothing",
    "rejected": "rejected: not a valid delta",
    "missing": "expected, and never came",
}


def draw(rows: Sequence[Row], lists: Sequence[str], branch: str, tip: str, unseen: Sequence[str], now: int) -> bytes:
    """The page; `lists` are the counted lists, `unseen` says what could not be read, `now` is the time it is drawn."""
    named = f"frames {rows[0].frame} to {rows[-1].frame}" if len(rows) > 1 else f"frame {rows[0].frame}" if rows else ""
    title = named[:1].upper() + named[1:] or "No frame is merged yet"
    head = (
        '<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style><header><h1>{title}</h1><p>of <b>{plot.escaped(branch)}</b> at"
        f" <code>{plot.escaped(tip[:12])}</code>, drawn {plot.minute(now)} UTC</p></header><main>"
    )
    parts = [head]
    parts += [f'<p class="warning">{plot.escaped(what)}</p>' for what in unseen]
    if rows:
        parts += [_tiles(rows, lists), _legend(), _deltas(rows), _streams(rows), clock(rows, now)]
        parts += [_counts(rows, lists), _incidents(rows), _table(rows, lists), _notes()]
    return MARK + "\n".join([*parts, "</main></html>\n"]).encode(errors="replace")


# --- sections --------------------------------------------------------------------------------------------------


def _tiles(rows: Sequence[Row], lists: Sequence[str]) -> str:
    kinds = {kind: sum(row.number(kind) for row in rows) for kind in KINDS}
    deltas = sum(kinds.values())
    missing = sum(len(row.missing) for row in rows)
    machines = {each for row in rows for each in row.machines} - {FLEET}
    tiles = [("", plot.many(len(rows)), "frames"), ("", plot.many(deltas), "deltas")]
    tiles += [(kind, plot.many(kinds[kind]), kind) for kind in KINDS[1:]]
    tiles.append(("missing", plot.many(missing), "never came"))
    tiles += [
        ("", plot.many(sum(row.entries.get(name, 0) for row in rows)), name.partition("_")[0]) for name in lists[:3]
    ]
    tiles += [("", plot.many(len(machines)), "machine" if len(machines) == 1 else "machines")] if machines else []
    inner = "".join(
        f'<li class="{kind if number != "0" else "none"}"><b>{number}</b>{plot.escaped(text)}</li>'
        for kind, number, text in tiles
    )
    return f'<ul class="tiles">{inner}</ul>'


def _legend() -> str:
    keys = "".join(
        f'<li><svg class="key" viewBox="0 0 12 12"><rect class="{kind}" width="12" height="12"/></svg>{words}</li>'
        for kind, words in _WORDS.items()
    )
    return f'<ul class="legend">{keys}</ul>'


def _deltas(rows: Sequence[Row]) -> str:
    stacks = [[(kind, row.number(kind)) for kind in KINDS] for row in rows]
    note = "How many deltas each frame's page records, by what became of them."
    return plot.section("Deltas per frame", note, plot.bars(rows, stacks, "deltas per frame", 170))


def _streams(rows: Sequence[Row]) -> str:
    """Who delivered when: a line a stream, a column a frame, machines apart."""
    cells: dict[str, dict[int, tuple[str, list[Mark]]]] = {}
    for place, row in enumerate(rows):
        kinds = row.streams
        for stream, marks in groupby(sorted(row.marks), key=lambda mark: mark.stream):
            cells.setdefault(stream, {})[place] = (kinds[stream], list(marks))
        for stream in row.missing:
            cells.setdefault(stream, {})[place] = ("missing", [])
    busiest = sorted(cells, key=lambda stream: (-len(cells[stream]), natural(stream)))
    shown, rest = busiest[:STREAMS], len(busiest) - STREAMS
    high = 16 if len(shown) <= 40 else 12 if len(shown) <= 80 else 5
    titles = sum(len(cells[stream]) for stream in shown) <= TITLES
    parts = []
    groups = groupby(sorted(shown, key=lambda each: (natural(machine(each)), natural(each))), key=machine)
    for name, streams in groups:
        mine = list(streams)
        labels = "".join(
            f'<i style="top:{high * line}px;height:{high}px" title="{plot.escaped(stream)}">'
            f"{plot.escaped(stream.removeprefix(f'{name}-'))}</i>"
            for line, stream in enumerate(mine)
            if high > 5
        )
        inner = f'<rect class="ground" width="{len(rows)}" height="{high * len(mine)}"/>'
        inner += plot.columns(rows, high * len(mine))
        for line, stream in enumerate(mine):
            inner += _line(rows, stream, cells[stream], high * line, high, titles=titles)
        drawing = plot.svg(len(rows), high * len(mine), inner, f"streams of {name}")
        count = f"{len(mine)} stream{'' if len(mine) == 1 else 's'}"
        parts.append(
            f"<h3>{plot.escaped(name)} <span>{count}</span></h3>"
            + plot.framed(labels, drawing, high * len(mine), kind="names", most=plot.widest(rows))
        )
    note = "A line a stream, a column a frame. Which machine ran a stream is what its id says (<code>m2-…</code>)."
    if rest > 0:
        note += f" The {STREAMS} streams that delivered in most frames are shown; {plot.many(rest)} more are not."
    return plot.section(
        "Streams by machine",
        note,
        "".join(parts) + plot.framed("", "", 0, plot.frame_labels(rows), most=plot.widest(rows)),
        "streams",
    )


def _line(
    rows: Sequence[Row], stream: str, mine: dict[int, tuple[str, list[Mark]]], y: int, high: int, *, titles: bool
) -> str:
    """One stream's cells."""
    gap = plot.spacing(len(rows))
    tall = high - (2 if high > 5 else 1)
    inner = ""
    if not titles:
        runs: dict[str, list[tuple[float, float, float, float]]] = {}
        for place, (kind, _) in sorted(mine.items()):
            runs.setdefault(kind, [])
            last = runs[kind][-1] if runs[kind] else None
            if last is not None and gap == 0 and last[0] + last[2] == place:
                runs[kind][-1] = (last[0], y, last[2] + 1, tall)
            else:
                runs[kind].append((place + gap / 2, y, 1 - gap, tall))
        inner = "".join(plot.area(kind, boxes) for kind, boxes in runs.items() if kind == "ok")
    for place, (kind, marks) in sorted(mine.items()):
        if titles or kind != "ok":
            inner += plot.box(kind, place + gap / 2, y, 1 - gap, tall, _told(rows[place], stream, kind, marks))
    return inner


def _told(row: Row, stream: str, kind: str, marks: Sequence[Mark]) -> str:
    """A cell's hover title."""
    lines = [f"{stream}, frame {row.frame}: {_WORDS[kind]}"]
    for mark in marks[:6]:
        at = f"done {utc(mark.at)}" if mark.at is not None else ""
        lines.append(", ".join(filter(None, (at, mark.reason[:200]))))
    return "\n".join(filter(None, lines))


# --- counts, lists, the table ----------------------------------------------------------------------------------


def _counts(rows: Sequence[Row], lists: Sequence[str]) -> str:
    parts = []
    for name in lists:
        stacks = [[("count", row.entries.get(name, 0))] for row in rows]
        caption = plot.escaped(name.replace("_", " "))
        drawn = plot.bars(rows, stacks, name, 90)
        parts.append(f"<figure><figcaption>{caption}</figcaption>{drawn}</figure>")
    lengths = [max(0, row.seconds or 0) // 60 for row in rows]
    cap = max(3 * sorted(lengths)[len(lengths) * 9 // 10], 10)
    if max(lengths) > 0:
        drawn = plot.bars(rows, [[("count", each)] for each in lengths], "minutes", 90, cap=cap)
        caption = "first to last delta, minutes" + (" (pale: longer than the scale)" if max(lengths) > cap else "")
        parts.append(f"<figure><figcaption>{caption}</figcaption>{drawn}</figure>")
    note = "What the frames' pages count, once each: what several streams report of one thing counts as the laws say."
    return plot.section("Counts and lengths", note, f'<div class="several">{"".join(parts)}</div>')


def _incidents(rows: Sequence[Row]) -> str:
    """Everything that did not go as it should, newest first."""

    def found() -> Iterator[tuple[int, str, str, str]]:
        for row in reversed(rows):
            if row.missing:
                more = f" and {len(row.missing) - 9} more" if len(row.missing) > 9 else ""
                yield row.frame, "missing", ", ".join(row.missing[:9]) + more, "expected, and never came"
            for mark in row.marks:
                if mark.kind != "ok":
                    said = [mark.reason[:300], "late" if mark.late and mark.kind != "late" else ""]
                    said += [f"done {utc(mark.at)}"] if mark.kind == "late" and mark.at is not None else []
                    yield row.frame, mark.kind, mark.stream, ", ".join(filter(None, said))

    all_of_them = list(found())
    if not all_of_them:
        known = all(row.merges for row in rows)  # only merges tell what came late
        note = "every delta came in time and was valid" if known else "as far as is known here"
        return plot.section("Late, rejected, missing", f"Nothing: {note}.", "")
    note = (
        f"{plot.many(len(all_of_them))} in all, newest first"
        + (f"; here the newest {LISTED}" if len(all_of_them) > LISTED else "")
        + "."
    )
    body = "".join(
        f'<tr><td>{frame}<td><svg class="key" viewBox="0 0 12 12"><rect class="{kind}" width="12" height="12"/></svg>'
        f"{kind}<td>{plot.escaped(stream)}<td>{plot.escaped(said)}"
        for frame, kind, stream, said in all_of_them[:LISTED]
    )
    head = "<tr><th>frame<th>what<th>stream<th>more"
    return plot.section(
        "Late, rejected, missing", note, f'<div class="scroll"><table class="words">{head}{body}</table></div>'
    )


def _table(rows: Sequence[Row], lists: Sequence[str]) -> str:
    names = [name.partition("_")[0] for name in lists]
    heads = ["frame", "last delta", "ok", "fallback", "rejected", "deltas", "late", "never came"]
    heads += [*names, "took", "lag", "merges", "machines"]
    lines = []
    for row in reversed(rows):
        said = row.value()
        cells = [str(row.frame), (said["last"] or row.state)[:16].replace("T", " ")]
        cells += [str(count or "") for count in said["streams"].values()]
        cells += [str(row.number() or ""), str(row.late or ""), str(len(row.missing) or "")]
        cells += [str(row.entries.get(name, "")) for name in lists]
        cells += [span(row.seconds), span(row.lag), str(len(row.merges) or ""), row.crew]
        lines.append("<tr>" + "".join(f"<td>{plot.escaped(cell)}" for cell in cells))
    head = "<tr>" + "".join(f"<th>{plot.escaped(each)}" for each in heads)
    table = f'<div class="scroll"><table><thead>{head}</thead><tbody>{"".join(lines)}</tbody></table></div>'
    opened = " open" if len(rows) <= 60 else ""
    return f"<section><details{opened}><summary>Every frame, newest first</summary>{table}</details></section>"


def _notes() -> str:
    return plot.section(
        "What the figures are",
        "",
        "<dl><dt>last delta, took<dd>The times that deltas state themselves, of those that came in time: from the"
        " first to the last of a frame. A model may have invented them. When a stream began is not recorded."
        "<dt>late<dd>Merged by a commit that found the frame closed already. The delta is in its own frame's page all"
        " the same."
        "<dt>lag<dd>From a frame's last delta to the date of the merge that closed it. A merge takes its date from no"
        " clock, but from its newest delta, or from its parent where that is newer. So this is how long the frame"
        " waited for others by what they say, and 0 s where it was merged by itself."
        "<dt>never came<dd>Streams that the roster expected when the frame was closed and that no page has to this day."
        "<dt>merges<dd>Commits that say they merged deltas of the frame; <code>guard verify</code> makes them again."
        "</dl>",
        "notes",
    )
