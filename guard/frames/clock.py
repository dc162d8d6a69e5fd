"""When the deltas of each frame came, drawn along the clock."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import groupby

from guard.frames import plot
from guard.frames.history import Row, machine, natural, utc

DAY = 86400
"""Seconds that a time may lie ahead of the clock and still be drawn in its place."""

_STEPS = [*(60, 300, 900, 3600, 3 * 3600, 6 * 3600), *(DAY * days for days in (0.5, 1, 2, 7, 14, 30, 90, 365, 3650))]


def clock(rows: Sequence[Row], now: int) -> str:
    """When: for each machine, from its first to its last delta of every frame."""
    spans = [
        (place, name, times)
        for place, row in enumerate(rows)
        for name in row.machines
        if (times := sorted(mark.at for mark in row.marks if mark.at is not None and machine(mark.stream) == name))
    ]
    middles = [times[len(times) // 2] for _, _, times in spans if times[-1] <= now + DAY]
    if not middles:
        return plot.section("On the clock", "No delta that is here states a time that can be right.", "")
    plausible = [middles[place] for place in rising(middles)]
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
                inner += f"{plot.hover(title)}</path>"
        parts.append(
            plot.framed(
                f'<i style="top:0;height:20px">{plot.escaped(name)}</i>',
                plot.svg(1000, 20, inner, name),
                20,
                kind="names",
            )
        )
    note = (
        f"The same on the clock (UTC), {plot.minute(first)} to {plot.minute(end)}: a stroke from a machine's first"
        " delta of a frame to its last one, by the times that the deltas state; when a stream began is not known."
    )
    if outside:
        note += (
            f" <b>{plot.many(outside)} {'time' if outside == 1 else 'times'} cannot be right</b> (in the future, or"
            " against the order of the frames) and lie outside."
        )
    return plot.section(
        "On the clock", note, "".join(parts) + plot.framed("", "", 0, _time_labels(first, end)), "clock"
    )


def _share(time: int, first: int, end: int) -> float:
    """Where a time stands between two others, with room for the ends of strokes."""
    return 0.01 + 0.98 * (time - first) / (end - first)


def rising(times: Sequence[int]) -> list[int]:
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
        text = f"<b>{plot.day(each)}</b>" + (f"<br>{utc(each)[11:16]}" if step < DAY else "")
        labels.append(plot.label(_share(each, first, end), text, "" if order % 3 == 0 else "wide"))
    return "".join(labels)
