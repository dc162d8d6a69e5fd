"""Frames that are over, drawn: rows in, the bytes of one HTML page out, which asks nobody for anything.

Places along the frames are in units of one frame, and the drawing is stretched to the width there is; words stand
beside it as HTML, so that they keep their size. Everything that comes from a repository is escaped.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

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

DAY = 86400
"""Seconds that a time may lie ahead of the clock and still be drawn in its place."""

_STEPS = [*(60, 300, 900, 3600, 3 * 3600, 6 * 3600), *(DAY * days for days in (0.5, 1, 2, 7, 14, 30, 90, 365, 3650))]
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

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
        f"<title>{title}</title><style>{STYLE}</style><header><h1>{title}</h1><p>of <b>{_text(branch)}</b> at"
        f" <code>{_text(tip[:12])}</code>, drawn {_minute(now)} UTC</p></header><main>"
    )
    parts = [head]
    parts += [f'<p class="warning">{_text(what)}</p>' for what in unseen]
    if rows:
        parts += [_tiles(rows, lists), _legend(), _deltas(rows), _streams(rows), _clock(rows, now)]
        parts += [_counts(rows, lists), _incidents(rows), _table(rows, lists), _notes()]
    return MARK + "\n".join([*parts, "</main></html>\n"]).encode(errors="replace")


# --- words -----------------------------------------------------------------------------------------------------


def _text(text: str) -> str:
    """Anybody's words as HTML: nothing in them is markup, and no character hides or turns the others."""
    return escape("".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text))


def _title(text: str) -> str:
    lines = (_text(line) for line in text.split("\n"))
    return f"<title>{chr(10).join(lines)}</title>"


def _many(count: int) -> str:
    """A count with its thousands apart."""
    return f"{count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _minute(seconds: int) -> str:
    return utc(seconds)[:16].replace("T", " ")


def _day(seconds: int) -> str:
    said = utc(seconds)
    return f"{int(said[8:10])} {_MONTHS[int(said[5:7]) - 1]}" if said[4:5] == "-" else said


def _summary(row: Row) -> str:
    """A frame in a few lines, as its hover title."""
    times = row.times
    lines = [f"frame {row.frame}" + (f" · {_minute(times[-1])} UTC" if times else "")]
    if row.state != "page":
        return f"{lines[0]}: {row.state}"
    lines.append(", ".join(f"{row.number(kind)} {kind}" for kind in KINDS if row.number(kind)) or "no delta")
    lines += [f"never came: {', '.join(row.missing[:9])}"] if row.missing else []
    return "\n".join([*lines, *([f"first to last delta: {span(row.seconds)}"] if times else [])])


# --- the parts of a plot ---------------------------------------------------------------------------------------


def _plot(left: str, drawing: str, height: int, below: str = "", kind: str = "", most: str = "") -> str:
    tall = f'style="height:{height}px"'
    return (
        f'<div class="plot {kind}"><div class="left" {tall}>{left}</div>'
        f'<div class="right" style="{most}"><div {tall}>{drawing}</div><div class="below">{below}</div></div></div>'
    )


def _most(rows: Sequence[Row]) -> str:
    """How wide a plot gets at most: a few frames are no reason for a wall of colour."""
    return f"max-width:{7 * len(rows)}rem"


def _svg(width: float, height: float, inner: str, name: str) -> str:
    thin = ' class="thin"' if width > 250 else ""  # of frames; what is not good shows though they are thin as a hair
    return (
        f'<svg{thin} viewBox="0 0 {width:g} {height:g}" preserveAspectRatio="none" role="img"'
        f' aria-label="{_text(name)}">{inner}</svg>'
    )


def _box(kind: str, x: float, y: float, width: float, height: float, title: str = "") -> str:
    close = f">{_title(title)}</rect>" if title else "/>"
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"{close}'


def _area(kind: str, boxes: Sequence[tuple[float, float, float, float]]) -> str:
    """Boxes as one shape, without seams between neighbours."""
    path = "".join(f"M{x:g} {y:g}h{width:g}v{height:g}h{-width:g}z" for x, y, width, height in boxes)
    return f'<path class="{kind}" d="{path}"/>' if path else ""


def _room(number: int) -> float:
    """How much of a frame's place stays empty: none where there are so many that it would only flicker."""
    return 0.14 if number <= 120 else 0.0


def _columns(rows: Sequence[Row], height: float) -> str:
    """What answers to the pointer above and below what is drawn."""
    return "".join(_box("hit", place, 0, 1, height, _summary(row)) for place, row in enumerate(rows))


def _label(share: float, text: str, kind: str = "") -> str:
    """A label below a plot, centred at a share of its width unless it would stick out."""
    side = "first" if share < 0.03 else "last" if share > 0.97 else ""
    return f'<span class="{side} {kind}" style="left:{100 * share:.3f}%">{text}</span>'


def _frame_labels(rows: Sequence[Row]) -> str:
    """Frame numbers with their days: about eight, and fewer where it is narrow."""
    number = len(rows)
    step = next(each * 10**power for power in range(10) for each in (1, 2, 5) if each * 10**power * 8 >= number)
    gapless = rows[-1].frame - rows[0].frame + 1 == number
    places = [place for place, row in enumerate(rows) if (row.frame if gapless else place) % step == 0]
    labels = []
    for order, place in enumerate(places):
        times = rows[place].times
        text = f"<b>{rows[place].frame}</b>" + (f"<br>{_day(times[0])}" if times else "")
        labels.append(_label((place + 0.5) / number, text, "" if order % 3 == 0 else "wide"))
    return "".join(labels)


def _scale(most: int) -> list[int]:
    """Round numbers from 0 on, the last one not below `most`."""
    step = next(each * 10**power for power in range(30) for each in (1, 2, 5) if each * 10**power * 4 >= most)
    return [step * place for place in range(-(-most // step) + 1)]


def _bars(
    rows: Sequence[Row],
    stacks: Sequence[Sequence[tuple[str, int]]],
    name: str,
    height: int,
    cap: int | None = None,
) -> str:
    """A bar a frame, each a stack of (kind, amount); one that is higher than `cap` goes up to the edge."""
    most = max((sum(amount for _, amount in stack) for stack in stacks), default=0)
    ticks = _scale(max(1, min(most, cap) if cap is not None else most))
    top = ticks[-1]
    shapes: dict[str, list[tuple[float, float, float, float]]] = {}
    gap = _room(len(rows))
    for place, stack in enumerate(stacks):
        base = 0
        over = sum(amount for _, amount in stack) > top
        for kind, amount in stack:
            tall = min(base + amount, top) - min(base, top)
            if tall > 0:
                box = (place + gap / 2, top - min(base, top) - tall, 1 - gap, tall)
                shapes.setdefault("over" if over else kind, []).append(box)
            base += amount
    lines = "".join(f'<path class="grid" d="M0 {top - tick}H{len(rows)}"/>' for tick in ticks)
    inner = lines + _columns(rows, top) + "".join(_area(kind, boxes) for kind, boxes in shapes.items())
    left = "".join(f'<i style="bottom:{100 * tick / top:.2f}%">{_many(tick)}</i>' for tick in ticks)
    return _plot(left, _svg(len(rows), top, inner, name), height, _frame_labels(rows), most=_most(rows))


# --- sections --------------------------------------------------------------------------------------------------


def _section(title: str, note: str, body: str, name: str = "") -> str:
    return f'<section class="{name}"><h2>{title}</h2><p>{note}</p>{body}</section>'


def _tiles(rows: Sequence[Row], lists: Sequence[str]) -> str:
    kinds = {kind: sum(row.number(kind) for row in rows) for kind in KINDS}
    deltas = sum(kinds.values())
    missing = sum(len(row.missing) for row in rows)
    machines = {each for row in rows for each in row.machines} - {FLEET}
    tiles = [("", _many(len(rows)), "frames"), ("", _many(deltas), "deltas")]
    tiles += [(kind, _many(kinds[kind]), kind) for kind in KINDS[1:]]
    tiles.append(("missing", _many(missing), "never came"))
    tiles += [("", _many(sum(row.entries.get(name, 0) for row in rows)), name.partition("_")[0]) for name in lists[:3]]
    tiles += [("", _many(len(machines)), "machine" if len(machines) == 1 else "machines")] if machines else []
    inner = "".join(
        f'<li class="{kind if number != "0" else "none"}"><b>{number}</b>{_text(text)}</li>'
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
    return _section("Deltas per frame", note, _bars(rows, stacks, "deltas per frame", 170))


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
            f'<i style="top:{high * line}px;height:{high}px" title="{_text(stream)}">'
            f"{_text(stream.removeprefix(f'{name}-'))}</i>"
            for line, stream in enumerate(mine)
            if high > 5
        )
        inner = f'<rect class="ground" width="{len(rows)}" height="{high * len(mine)}"/>'
        inner += _columns(rows, high * len(mine))
        for line, stream in enumerate(mine):
            inner += _line(rows, stream, cells[stream], high * line, high, titles=titles)
        drawing = _svg(len(rows), high * len(mine), inner, f"streams of {name}")
        count = f"{len(mine)} stream{'' if len(mine) == 1 else 's'}"
        parts.append(
            f"<h3>{_text(name)} <span>{count}</span></h3>"
            + _plot(labels, drawing, high * len(mine), kind="names", most=_most(rows))
        )
    note = "A line a stream, a column a frame. Which machine ran a stream is what its id says (<code>m2-…</code>)."
    if rest > 0:
        note += f" The {STREAMS} streams that delivered in most frames are shown; {_many(rest)} more are not."
    return _section(
        "Streams by machine", note, "".join(parts) + _plot("", "", 0, _frame_labels(rows), most=_most(rows)), "streams"
    )


def _line(
    rows: Sequence[Row], stream: str, mine: dict[int, tuple[str, list[Mark]]], y: int, high: int, *, titles: bool
) -> str:
    """One stream's cells."""
    gap = _room(len(rows))
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
        inner = "".join(_area(kind, boxes) for kind, boxes in runs.items() if kind == "ok")
    for place, (kind, marks) in sorted(mine.items()):
        if titles or kind != "ok":
            inner += _box(kind, place + gap / 2, y, 1 - gap, tall, _told(rows[place], stream, kind, marks))
    return inner


def _told(row: Row, stream: str, kind: str, marks: Sequence[Mark]) -> str:
    """A cell's hover title."""
    lines = [f"{stream}, frame {row.frame}: {_WORDS[kind]}"]
    for mark in marks[:6]:
        at = f"done {utc(mark.at)}" if mark.at is not None else ""
        lines.append(", ".join(filter(None, (at, mark.reason[:200]))))
    return "\n".join(filter(None, lines))


# --- the clock -------------------------------------------------------------------------------------------------


def _clock(rows: Sequence[Row], now: int) -> str:
    """When: for each machine, from its first to its last delta of every frame."""
    spans = [
        (place, name, times)
        for place, row in enumerate(rows)
        for name in row.machines
        if (times := sorted(mark.at for mark in row.marks if mark.at is not None and machine(mark.stream) == name))
    ]
    middles = [times[len(times) // 2] for _, _, times in spans if times[-1] <= now + DAY]
    if not middles:
        return _section("On the clock", "No delta that is here states a time that can be right.", "")
    plausible = [middles[place] for place in _rising(middles)]
    first, end = plausible[0], plausible[-1]
    first = min(first, *(t for _, _, times in spans for t in times if first - DAY / 24 <= t <= end), end - 60)
    end = max([end, *(t for _, _, times in spans for t in times if first <= t <= end + DAY / 24)])
    outside = 0
    parts = []
    for name, group in groupby(sorted(spans, key=lambda each: (natural(each[1]), each[0])), key=lambda each: each[1]):
        inner = ""
        for place, _, times in group:
            inside = [each for each in times if first <= each <= end]
            outside += len(times) - len(inside)
            if inside:
                x1, x2 = (1000 * _share(each, first, end) for each in (inside[0], inside[-1]))
                title = f"{name}, frame {rows[place].frame}\n{utc(inside[0])} to {utc(inside[-1])}\n{len(times)} deltas"
                looks = "run odd" if rows[place].frame % 2 else "run"
                if len(rows) > 120:  # a round end each would be all that there is to see
                    looks, x2 = f"{looks} many", max(x2, x1 + 1)
                inner += f'<path class="{looks}" d="M{x1:.2f} 10H{x2:.2f}">'
                inner += f"{_title(title)}</path>"
        parts.append(
            _plot(f'<i style="top:0;height:20px">{_text(name)}</i>', _svg(1000, 20, inner, name), 20, kind="names")
        )
    note = (
        f"The same on the clock (UTC), {_minute(first)} to {_minute(end)}: a stroke from a machine's first delta of a"
        " frame to its last one, by the times that the deltas state; when a stream began is not known."
    )
    if outside:
        note += (
            f" <b>{_many(outside)} {'time' if outside == 1 else 'times'} cannot be right</b> (in the future, or against"
            " the order of the frames) and lie outside."
        )
    return _section("On the clock", note, "".join(parts) + _plot("", "", 0, _time_labels(first, end)), "clock")


def _share(time: int, first: int, end: int) -> float:
    """Where a time stands between two others, with room for the ends of strokes."""
    return 0.01 + 0.98 * (time - first) / (end - first)


def _rising(times: Sequence[int]) -> list[int]:
    """The places of a longest run of times that do not fall: models invent some, and one wrong year would hide all."""
    ends: list[int] = []
    places: list[int] = []
    before: list[int] = []
    for place, each in enumerate(times):
        at = bisect_right(ends, each)
        ends[at : at + 1] = [each]  # of the runs of a length, the one that ends earliest can be made longer
        places[at : at + 1] = [place]
        before.append(places[at - 1] if at else -1)
    found = [places[-1]]
    while before[found[-1]] >= 0:
        found.append(before[found[-1]])
    return found[::-1]


def _time_labels(first: int, end: int) -> str:
    step = next((int(each) for each in _STEPS if each * 8 >= end - first), int(_STEPS[-1]) * 10)
    labels = []
    for order, each in enumerate(range(-(-first // step) * step, end + 1, step)):
        text = f"<b>{_day(each)}</b>" + (f"<br>{utc(each)[11:16]}" if step < DAY else "")
        labels.append(_label(_share(each, first, end), text, "" if order % 3 == 0 else "wide"))
    return "".join(labels)


# --- counts, lists, the table ----------------------------------------------------------------------------------


def _counts(rows: Sequence[Row], lists: Sequence[str]) -> str:
    parts = []
    for name in lists:
        stacks = [[("count", row.entries.get(name, 0))] for row in rows]
        parts.append(
            f"<figure><figcaption>{_text(name.replace('_', ' '))}</figcaption>{_bars(rows, stacks, name, 90)}</figure>"
        )
    lengths = [max(0, row.seconds or 0) // 60 for row in rows]
    cap = max(3 * sorted(lengths)[len(lengths) * 9 // 10], 10)
    if max(lengths) > 0:
        drawn = _bars(rows, [[("count", each)] for each in lengths], "minutes", 90, cap=cap)
        caption = "first to last delta, minutes" + (" (pale: longer than the scale)" if max(lengths) > cap else "")
        parts.append(f"<figure><figcaption>{caption}</figcaption>{drawn}</figure>")
    note = "What the frames' pages count, once each: what several streams report of one thing counts as the laws say."
    return _section("Counts and lengths", note, f'<div class="several">{"".join(parts)}</div>')


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
        return _section("Late, rejected, missing", f"Nothing: {note}.", "")
    note = (
        f"{_many(len(all_of_them))} in all, newest first"
        + (f"; here the newest {LISTED}" if len(all_of_them) > LISTED else "")
        + "."
    )
    body = "".join(
        f'<tr><td>{frame}<td><svg class="key" viewBox="0 0 12 12"><rect class="{kind}" width="12" height="12"/></svg>'
        f"{kind}<td>{_text(stream)}<td>{_text(said)}"
        for frame, kind, stream, said in all_of_them[:LISTED]
    )
    head = "<tr><th>frame<th>what<th>stream<th>more"
    return _section(
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
        lines.append("<tr>" + "".join(f"<td>{_text(cell)}" for cell in cells))
    head = "<tr>" + "".join(f"<th>{_text(each)}" for each in heads)
    table = f'<div class="scroll"><table><thead>{head}</thead><tbody>{"".join(lines)}</tbody></table></div>'
    opened = " open" if len(rows) <= 60 else ""
    return f"<section><details{opened}><summary>Every frame, newest first</summary>{table}</details></section>"


def _notes() -> str:
    return _section(
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
