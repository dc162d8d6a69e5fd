"""The parts of a drawing of frames: boxes, bars, labels, in units of one frame; and words, escaped."""

from collections.abc import Sequence
from html import escape

from guard.frames.history import KINDS, Row, span, utc

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def escaped(text: str) -> str:
    """Anybody's words as HTML: nothing in them is markup, and no character hides or turns the others."""
    return escape("".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text))


def hover(text: str) -> str:
    lines = (escaped(line) for line in text.split("\n"))
    return f"<title>{chr(10).join(lines)}</title>"


def many(count: int) -> str:
    """A count with its thousands apart."""
    return f"{count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def minute(seconds: int) -> str:
    """A time, to the minute."""
    return utc(seconds)[:16].replace("T", " ")


def day(seconds: int) -> str:
    """The day of a time, as people write it."""
    said = utc(seconds)
    return f"{int(said[8:10])} {_MONTHS[int(said[5:7]) - 1]}" if said[4:5] == "-" else said


def summary(row: Row) -> str:
    """A frame in a few lines, as its hover title."""
    times = row.times
    lines = [f"frame {row.frame}" + (f" · {minute(times[-1])} UTC" if times else "")]
    if row.state != "page":
        return f"{lines[0]}: {row.state}"
    lines.append(", ".join(f"{row.number(kind)} {kind}" for kind in KINDS if row.number(kind)) or "no delta")
    lines += [f"never came: {', '.join(row.missing[:9])}"] if row.missing else []
    return "\n".join([*lines, *([f"first to last delta: {span(row.seconds)}"] if times else [])])


def framed(left: str, drawing: str, height: int, below: str = "", kind: str = "", most: str = "") -> str:
    """A drawing with what stands left of it and below."""
    tall = f'style="height:{height}px"'
    return (
        f'<div class="plot {kind}"><div class="left" {tall}>{left}</div>'
        f'<div class="right" style="{most}"><div {tall}>{drawing}</div><div class="below">{below}</div></div></div>'
    )


def widest(rows: Sequence[Row]) -> str:
    """How wide a plot gets at most: a few frames are no reason for a wall of colour."""
    return f"max-width:{7 * len(rows)}rem"


def svg(width: float, height: float, inner: str, name: str) -> str:
    """A drawing; `name` is what who does not see it hears."""
    thin = ' class="thin"' if width > 250 else ""  # of frames; what is not good shows though they are thin as a hair
    return (
        f'<svg{thin} viewBox="0 0 {width:g} {height:g}" preserveAspectRatio="none" role="img"'
        f' aria-label="{escaped(name)}">{inner}</svg>'
    )


def box(kind: str, x: float, y: float, width: float, height: float, title: str = "") -> str:
    """One box, with what hovers over it."""
    close = f">{hover(title)}</rect>" if title else "/>"
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"{close}'


def area(kind: str, boxes: Sequence[tuple[float, float, float, float]]) -> str:
    """Boxes as one shape, without seams between neighbours."""
    path = "".join(f"M{x:g} {y:g}h{width:g}v{height:g}h{-width:g}z" for x, y, width, height in boxes)
    return f'<path class="{kind}" d="{path}"/>' if path else ""


def spacing(number: int) -> float:
    """How much of a frame's place stays empty: none where there are so many that it would only flicker."""
    return 0.14 if number <= 120 else 0.0


def columns(rows: Sequence[Row], height: float) -> str:
    """What answers to the pointer above and below what is drawn."""
    return "".join(box("hit", place, 0, 1, height, summary(row)) for place, row in enumerate(rows))


def label(share: float, text: str, kind: str = "") -> str:
    """A label below a plot, centred at a share of its width unless it would stick out."""
    side = "first" if share < 0.03 else "last" if share > 0.97 else ""
    return f'<span class="{side} {kind}" style="left:{100 * share:.3f}%">{text}</span>'


def frame_labels(rows: Sequence[Row]) -> str:
    """Frame numbers with their days: about eight, and fewer where it is narrow."""
    number = len(rows)
    step = next(each * 10**power for power in range(10) for each in (1, 2, 5) if each * 10**power * 8 >= number)
    gapless = rows[-1].frame - rows[0].frame + 1 == number
    places = [place for place, row in enumerate(rows) if (row.frame if gapless else place) % step == 0]
    labels = []
    for order, place in enumerate(places):
        times = rows[place].times
        text = f"<b>{rows[place].frame}</b>" + (f"<br>{day(times[0])}" if times else "")
        labels.append(label((place + 0.5) / number, text, "" if order % 3 == 0 else "wide"))
    return "".join(labels)


def scale(most: int) -> list[int]:
    """Round numbers from 0 on, the last one not below `most`."""
    step = next(each * 10**power for power in range(30) for each in (1, 2, 5) if each * 10**power * 4 >= most)
    return [step * place for place in range(-(-most // step) + 1)]


def bars(
    rows: Sequence[Row],
    stacks: Sequence[Sequence[tuple[str, int]]],
    name: str,
    height: int,
    cap: int | None = None,
) -> str:
    """A bar a frame, each a stack of (kind, amount); one that is higher than `cap` goes up to the edge."""
    most = max((sum(amount for _, amount in stack) for stack in stacks), default=0)
    ticks = scale(max(1, min(most, cap) if cap is not None else most))
    top = ticks[-1]
    shapes: dict[str, list[tuple[float, float, float, float]]] = {}
    gap = spacing(len(rows))
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
    inner = lines + columns(rows, top) + "".join(area(kind, boxes) for kind, boxes in shapes.items())
    left = "".join(f'<i style="bottom:{100 * tick / top:.2f}%">{many(tick)}</i>' for tick in ticks)
    return framed(left, svg(len(rows), top, inner, name), height, frame_labels(rows), most=widest(rows))


def section(title: str, note: str, body: str, name: str = "") -> str:
    """A part of the page: a heading, what it shows, and that."""
    return f'<section class="{name}"><h2>{title}</h2><p>{note}</p>{body}</section>'
