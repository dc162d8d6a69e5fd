"""Pictures as SVG: bars that lie, and lines. They bring their own ground, so that they read well in light and dark."""

import math
from collections.abc import Sequence
from html import escape

from benchmarks.measure import Figure, number

WIDTH = 760
STYLE = """<style>
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px } .soft { fill: #57606a; font-size: 12px }
.ground { fill: #ffffff; stroke: #d0d7de } .grid { stroke: #d8dee4; fill: none } .spread { stroke: #24292f; fill: none }
.c0 { fill: #0969da } .c1 { fill: #8c959f } .c2 { fill: #bc4c00 } .c3 { fill: #8250df }
.l0 { stroke: #0969da } .l1 { stroke: #6e7781 } .l2 { stroke: #bc4c00 } .l3 { stroke: #8250df }
.line { fill: none; stroke-width: 2.5 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .soft { fill: #9198a1 } .ground { fill: #0d1117; stroke: #3d444d } .grid { stroke: #2a313a }
.spread { stroke: #e6edf3 }
.c0 { fill: #4493f8 } .c1 { fill: #6e7681 } .c2 { fill: #f0883e } .c3 { fill: #ab7df8 }
.l0 { stroke: #4493f8 } .l1 { stroke: #9198a1 } .l2 { stroke: #f0883e } .l3 { stroke: #ab7df8 }
}
</style>"""


def _page(title: str, height: float, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" width="{WIDTH}">'
    ground = f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:.0f}" rx="6"/>'
    name = f"<title>{escape(title)}</title>"
    head_line = f'<text class="title" x="16" y="26">{escape(title)}</text>'
    return "\n".join([head, name, STYLE, ground, head_line, *parts, "</svg>", ""])


def _steps(top: float) -> list[float]:
    """Three to six round figures from 0 that reach up to `top` or a little further."""
    rough = (top or 1) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= rough)
    return [step * place for place in range(math.ceil(top / step) + 1)] if top else [0, step]


def bars(title: str, unit: str, entries: Sequence[tuple[str, Figure, int]]) -> str:
    """Bars with their quartiles: (label, figure, colour 0 to 3)."""
    left, right, step, top = 270, 90, 30, 58
    steps = _steps(max(figure.high for _, figure, _ in entries))
    scale = (WIDTH - left - right) / steps[-1]
    bottom = top + step * len(entries)
    parts = [f'<text class="soft" x="16" y="44">{escape(unit)}; the thin line spans the middle half of the runs</text>']
    for value in steps:
        x = left + value * scale
        parts.append(f'<path class="grid" d="M{x:.1f} {top}V{bottom}"/>')
        parts.append(f'<text class="soft" x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{value:g}</text>')
    for place, (label, figure, colour) in enumerate(entries):
        y, wide = top + place * step + 5, max(1.0, figure.median * scale)
        parts.append(f'<text x="{left - 10}" y="{y + 15}" text-anchor="end">{escape(label)}</text>')
        parts.append(f'<rect class="c{colour}" x="{left}" y="{y}" width="{wide:.1f}" height="20" rx="2"/>')
        low, high = (left + max(0.0, value) * scale for value in (figure.low, figure.high))
        parts.append(f'<path class="spread" d="M{low:.1f} {y + 10}H{high:.1f}"/>')
        x = max(left + wide, high) + 7
        parts.append(f'<text x="{x:.1f}" y="{y + 15}">{number(figure.median)}</text>')
    return _page(title, bottom + 30, parts)


def lines(
    title: str,
    across: str,
    upward: str,
    places: Sequence[float],
    series: Sequence[tuple[str, Sequence[Figure]]],
) -> str:
    """Lines over places, each named at its end; the places stand at equal distances."""
    left, right, top, bottom = 64, 225, 66, 300
    steps = _steps(max(figure.high for _, figures in series for figure in figures))
    scale = (bottom - top) / steps[-1]
    apart = (WIDTH - left - right) / max(1, len(places) - 1)
    parts = [f'<text class="soft" x="16" y="46">{escape(upward)}</text>']
    for value in steps:
        y = bottom - value * scale
        parts.append(f'<path class="grid" d="M{left} {y:.1f}H{WIDTH - right}"/>')
        parts.append(f'<text class="soft" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for place, value in enumerate(places):
        x = left + place * apart
        parts.append(f'<text class="soft" x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{value:,g}</text>')
    middle = (left + WIDTH - right) / 2
    parts.append(f'<text class="soft" x="{middle:.0f}" y="{bottom + 40}" text-anchor="middle">{escape(across)}</text>')
    ends = []
    for colour, (name, figures) in enumerate(series):
        points = [(left + place * apart, bottom - figure.median * scale) for place, figure in enumerate(figures)]
        parts.append(f'<path class="line l{colour}" d="M{" L".join(f"{x:.1f} {y:.1f}" for x, y in points)}"/>')
        for (x, y), figure in zip(points, figures, strict=True):
            low, high = bottom - figure.low * scale, bottom - figure.high * scale
            parts.append(f'<path class="line l{colour}" style="stroke-width:1" d="M{x:.1f} {low:.1f}V{high:.1f}"/>')
            parts.append(f'<circle class="c{colour}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
        ends.append((points[-1][1], colour, f"{name}: {number(figures[-1].median)}"))
    level = top - 18.0
    for y, colour, text in sorted(ends):  # names that would touch move down
        level = max(y, level + 18)
        x = WIDTH - right + 12
        parts.append(f'<rect class="c{colour}" x="{x}" y="{level - 5:.1f}" width="10" height="10"/>')
        parts.append(f'<text x="{x + 16}" y="{level + 4:.1f}">{escape(text)}</text>')
    return _page(title, bottom + 56, parts)
